//! What lint can find: every kind with its code, how bad it is, its title, and the remedy. A kind
//! without one of them does not compile, and docs/RULES.md lists all of them.

/// How bad it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Level {
    /// Somebody is not served, or the configuration contradicts itself.
    Error,
    /// Worth a look.
    Warning,
}

impl Level {
    pub(super) const fn word(self) -> &'static str {
        match self {
            Self::Error => "error",
            Self::Warning => "warning",
        }
    }
}

macro_rules! kinds {
    ($($name:ident: $code:literal, $level:ident, $title:literal, $remedy:literal;)*) => {
        /// A kind of finding.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub(super) enum Kind {
            $($name,)*
        }

        impl Kind {
            /// All of them, in the order of the documentation.
            pub(super) const ALL: &[Self] = &[$(Self::$name,)*];

            /// The stable word.
            pub(super) const fn code(self) -> &'static str {
                match self { $(Self::$name => $code,)* }
            }

            /// How bad it is.
            pub(super) const fn level(self) -> Level {
                match self { $(Self::$name => Level::$level,)* }
            }

            /// What was found, in the plural.
            pub(super) const fn title(self) -> &'static str {
                match self { $(Self::$name => $title,)* }
            }

            /// What to do about it, where an example says nothing better.
            pub(super) const fn remedy(self) -> &'static str {
                match self { $(Self::$name => $remedy,)* }
            }
        }
    };
}

kinds! {
    // People whom the rules withhold.
    NoEmail: "no_email", Error, "people without an e-mail address",
        "enter an address in the directory, or take them out of the scope";
    BadEmail: "bad_email", Error, "people with an e-mail address that cannot be used",
        "correct the address in the directory";
    ForeignDomain: "foreign_domain", Error, "people with an e-mail address of a domain that is not allowed",
        "correct the address in the directory, or add its domain to people.allowed_domains";
    TooLong: "too_long", Error, "people with a value that is too long",
        "shorten it in the directory, or cut it with `substring(…, 0, length)`";
    Unusable: "unusable", Error, "people with a value that the cloud would refuse",
        "correct it in the directory, or map only what can be used";
    CallingName: "calling_name", Error, "people with a name that Webex Calling would refuse",
        "correct the name in the directory, or mend it in the mapping; or give no licence for calling";
    ValueWithheld: "value_withheld", Error, "people and rooms who go on without a value that the cloud would refuse",
        "correct it in the directory, or map only what can be used";
    Withheld: "withheld", Error, "people who are withheld",
        "correct the record in the directory; `dirsyncd explain PERSON` shows the whole way";
    UnusableEntry: "unusable_entry", Error, "entries that cannot be read as a person",
        "repair the entry in the directory, or exclude it from the bases or the filter of the source";
    RoomWithheld: "room_withheld", Error, "rooms that are withheld",
        "correct the record in the directory, or take it out of rooms.scope";
    ContactWithheld: "contact_withheld", Error, "contacts that are withheld",
        "correct the record in the directory, or take it out of contacts.scope";
    // Collisions.
    DuplicateEmail: "duplicate_email", Error, "e-mail addresses that several people or rooms claim",
        "give every person an own address in the directory, or take the others out of the scope";
    AddressOfAlias: "address_of_alias", Error,
        "e-mail addresses that somebody else's account has as an alternate address",
        "take the address from the alternate ones of the other person in the directory, or give this one another";
    DuplicateAlias: "duplicate_alias", Error,
        "alternate addresses that several people claim, or that are somebody else's e-mail address",
        "give every person an own address in the directory, or map the field from another attribute";
    DuplicateExtension: "duplicate_extension", Error, "extensions that several people claim at one location",
        "give every person an own extension in the directory, or a pool in the rule (extension_pool)";
    DuplicateNumber: "duplicate_number", Error, "telephone numbers that several people claim for calling",
        "give every person an own number in the directory, or map `phone` of the rule from another attribute";
    DuplicateJoin: "duplicate_join", Error,
        "values that identify people in all sources (people.join) and that several people have",
        "give every person a value of their own in the directory, or take the entry that is not used any more out of it";
    DuplicateContact: "duplicate_contact", Error,
        "addresses, or names without an address, that several contacts have",
        "give each contact an address of its own, or take all but one out of contacts.scope";
    Collision: "collision", Error, "other values that several people have, and that should be of one alone",
        "give every person an own value in the directory, or map the field from another attribute";
    // The configuration.
    Test: "test_failed", Error, "[[test]] entries that do not come out as they say",
        "correct the rules, or the test if this is what they should do";
    Unbound: "unknown_name", Error, "licences or roles that the cloud does not have",
        "correct the name in the rule; `dirsyncd check` lists what the organization has";
    GroupMissing: "group_missing", Error,
        "groups that the rules name and no directory has: a pass would remove nobody",
        "correct the name in the rules, make the group, or search it with group_bases";
    GroupEmpty: "group_empty", Warning, "groups that the rules name and nobody is in",
        "put people into the group, or take it out of the rules";
    NobodyIn: "nobody_in_scope", Error, "nobody at all is in scope",
        "correct people.scope: a pass would create nobody, and take everybody for a leaver";
    IdleClause: "clause_excludes_nobody", Warning, "clauses of the scope that keep nobody out",
        "drop the clause, or correct it if it should keep somebody out";
    Nobody: "rule_matches_nobody", Warning, "rules that are for nobody",
        "correct groups and condition of the rule, or drop it";
    Everybody: "rule_matches_everybody", Warning,
        "rules with groups or a condition that everybody in scope fulfils",
        "drop the condition if this is meant, or correct it";
    AddsNothing: "rule_adds_nothing", Warning,
        "rules that give nobody anything that an earlier rule does not give already",
        "drop the rule, or move it before the ones that give the same";
    UnusedTemplate: "template_unused", Warning, "templates that no rule uses",
        "name the template in a rule, or drop it";
    Competing: "template_competes", Warning,
        "licences that new accounts had before we gave any: a template of Control Hub gives them",
        "take the licence out of the templates in Control Hub, or let entitlements.take be \"managed\"";
    NoLicense: "no_license", Warning, "people in scope to whom no rule gives a licence",
        "add a rule for them, or take them out of the scope; `dirsyncd explain PERSON` shows which rules miss them";
    Absent: "attribute_absent", Warning, "attributes that the rules read and no record has",
        "correct the name of the attribute, let the account of the source read it, or drop it from the rules";
    // Groups of the cloud.
    CloudGroupMissing: "no_such_group", Error, "groups for the cloud that no directory has (groups.sync)",
        "correct the name in groups.sync, make the group, or search it with group_bases";
    CloudGroupNone: "no_group_chosen", Error, "nothing that [groups] says chooses a group",
        "correct groups.sync and groups.bases, or search the groups with group_bases";
    CloudGroupName: "no_group_name", Error, "groups for the cloud without a name, or with one that is too long",
        "give the group a name in the directory, or write groups.name so that it makes one";
    CloudGroupTwins: "duplicate_group_name", Error, "groups for the cloud that would have one name",
        "choose one of them, or let groups.name make different names";
    CloudGroupEmpty: "cloud_group_empty", Warning, "groups for the cloud in which nobody would be",
        "put people into the group, or take it out of groups.sync";
    CloudGroupMembers: "cloud_group_members_left_out", Warning,
        "groups for the cloud of which some members are left out",
        "nothing, if that is meant; `dirsyncd explain GROUP` names them, with the reason";
    // What the cloud would take, and what is probably wrong.
    NameIsAddress: "name_is_address", Warning, "display names that are the e-mail address",
        "enter a name in the directory, or map display_name from givenName and sn";
    Blanks: "blanks_at_ends", Warning, "values with blanks at their ends, which are cut off",
        "correct them in the directory: other programs may not cut them";
    Placeholder: "placeholder", Warning, "values that look like placeholders",
        "enter the real value in the directory, or clear it";
    Control: "control_characters", Warning, "values with control characters",
        "correct them in the directory, or map the attribute with `one_line(…)`";
    MixedUp: "names_mixed_up", Warning, "given and family names that seem to be mixed up",
        "swap givenName and sn in the directory, if the e-mail address is right";
    Long: "very_long", Warning, "values that are very long",
        "check whether something else was entered there; cut it with `substring(…)` if not";
    Invisible: "invisible_characters", Warning, "values with characters that nobody sees",
        "delete and type the value again in the directory: such characters come from copying";
    NotAscii: "address_not_ascii", Warning, "e-mail addresses with letters beyond ASCII before the @",
        "give the person an address in plain letters: many mail systems refuse others";
    ShortPhone: "phone_too_short", Warning, "phone numbers with fewer than three digits",
        "enter the whole number in the directory, or map only what is a number";
}

impl Kind {
    /// The kind of a code of the rules for somebody who is withheld.
    pub(super) fn of_rejection(code: &str) -> Self {
        Self::ALL.iter().copied().find(|kind| kind.code() == code).unwrap_or(Self::Withheld)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_kind_has_a_code_of_its_own_and_a_remedy() {
        for (at, kind) in Kind::ALL.iter().enumerate() {
            let code = kind.code();
            assert!(Kind::ALL[..at].iter().all(|other| other.code() != code), "{code}");
            assert!(kind.title().len() > 10 && kind.remedy().len() > 20, "{code}");
            assert!(!kind.remedy().ends_with('.') && !kind.title().ends_with('.'), "{code}");
            assert!(code.bytes().all(|b| b.is_ascii_lowercase() || b == b'_'), "{code}");
        }
    }

    #[test]
    fn the_manual_lists_all_of_them() {
        let manual = include_str!("../../../docs/RULES.md");
        let row = |kind: &Kind| {
            let level = kind.level().word();
            format!("| `{}` | {level} | {} | {} |\n", kind.code(), kind.title(), kind.remedy())
        };
        let table: String = Kind::ALL.iter().map(row).collect();
        assert!(manual.contains(&table), "docs/RULES.md is to have these rows:\n{table}");
    }
}
