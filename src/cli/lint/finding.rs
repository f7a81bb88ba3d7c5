//! What lint can find: every kind with its title and its remedy, and the examples of each.

use std::collections::BTreeMap;

use serde_json::{Value, json};

/// How bad it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Level {
    /// Somebody is not served, or the configuration contradicts itself.
    Error,
    /// Worth a look.
    Warning,
}

impl Level {
    const fn word(self) -> &'static str {
        match self {
            Self::Error => "error",
            Self::Warning => "warning",
        }
    }
}

/// A kind of finding: code, level, title, remedy.
pub(super) type Kind = (&'static str, Level, &'static str, &'static str);

use Level::{Error, Warning};

/// Codes of the rules for people who are withheld, with titles; their remedies come with each. A code
/// that is not here is shown under its own name.
pub(super) const REJECTED: &[(&str, &str)] = &[
    ("no_email", "without an e-mail address"),
    ("bad_email", "with an e-mail address that cannot be used"),
    ("foreign_domain", "with an e-mail address of a domain that is not allowed"),
    ("too_long", "with a value that is too long"),
    ("unusable", "with a value that the cloud would refuse"),
    ("calling_name", "with a name that Webex Calling would refuse"),
];

pub(super) const UNUSABLE: Kind = (
    "unusable_entry",
    Error,
    "entries that cannot be read as a person",
    "repair the entry in the directory, or exclude it from the bases or the filter of the source",
);
pub(super) const COLLISION: Kind = (
    "collision",
    Error,
    "values that several people claim, and only one may have",
    "give every person an own value in the directory, or take the others out of the scope",
);
pub(super) const TEST: Kind = (
    "test_failed",
    Error,
    "[[test]] entries that do not come out as they say",
    "correct the rules, or the test if this is what they should do",
);
pub(super) const UNBOUND: Kind = (
    "unknown_name",
    Error,
    "licences or roles that the cloud does not have",
    "correct the name in the rule; `dirsyncd check` lists what the organization has",
);
pub(super) const GROUP_MISSING: Kind = (
    "group_missing",
    Error,
    "groups that the rules name and no directory has: nobody would be removed in a pass",
    "correct the name in the rules, make the group, or search it with group_bases",
);
pub(super) const GROUP_EMPTY: Kind = (
    "group_empty",
    Warning,
    "groups that the rules name and nobody is in",
    "put people into the group, or take it out of the rules",
);
pub(super) const NOBODY: Kind = (
    "rule_matches_nobody",
    Warning,
    "rules that are for nobody",
    "correct groups and condition of the rule, or drop it",
);
pub(super) const EVERYBODY: Kind = (
    "rule_matches_everybody",
    Warning,
    "rules with groups or a condition that everybody in scope fulfils",
    "drop the condition if this is meant, or correct it",
);
pub(super) const ADDS_NOTHING: Kind = (
    "rule_adds_nothing",
    Warning,
    "rules that give nobody anything that an earlier rule does not give already",
    "drop the rule, or move it before the ones that give the same",
);
pub(super) const NO_LICENSE: Kind = (
    "no_license",
    Warning,
    "people in scope to whom no rule gives a licence",
    "add a rule for them, or take them out of the scope; `dirsyncd explain PERSON` shows which rules miss them",
);
pub(super) const IDLE_CLAUSE: Kind = (
    "clause_excludes_nobody",
    Warning,
    "clauses of the scope that keep nobody out",
    "drop the clause, or correct it if it should keep somebody out",
);
pub(super) const NOBODY_IN: Kind = (
    "nobody_in_scope",
    Error,
    "nobody at all is in scope",
    "correct people.scope: a pass would create nobody, and take everybody for a leaver",
);
pub(super) const ABSENT: Kind = (
    "attribute_absent",
    Warning,
    "attributes that the rules read and no record has",
    "correct the name of the attribute, let the account of the source read it, or drop it from the rules",
);
pub(super) const NAME_IS_ADDRESS: Kind = (
    "name_is_address",
    Warning,
    "display names that are the e-mail address",
    "enter a name in the directory, or map display_name from givenName and sn",
);
pub(super) const BLANKS: Kind = (
    "blanks_at_ends",
    Warning,
    "values with blanks at their ends; they are cut off",
    "correct them in the directory: other programs may not cut them",
);
pub(super) const PLACEHOLDER: Kind = (
    "placeholder",
    Warning,
    "values that look like placeholders",
    "enter the real value in the directory or clear it",
);
pub(super) const CONTROL: Kind = (
    "control_characters",
    Warning,
    "values with control characters",
    "correct them in the directory, or map the attribute with `one_line(…)`",
);
pub(super) const MIXED_UP: Kind = (
    "names_mixed_up",
    Warning,
    "given and family name that seem to be mixed up",
    "swap givenName and sn in the directory, if the e-mail address is right",
);
pub(super) const LONG: Kind = (
    "very_long",
    Warning,
    "values that are very long",
    "check whether something else was entered there; cut it with `substring(…)` if not",
);
pub(super) const INVISIBLE: Kind = (
    "invisible_characters",
    Warning,
    "values with characters that nobody sees",
    "delete and type the value again in the directory: such characters come from copying",
);
pub(super) const NOT_ASCII: Kind = (
    "address_not_ascii",
    Warning,
    "e-mail addresses with letters beyond ASCII before the @",
    "give the person an address in plain letters: many mail systems refuse others",
);
pub(super) const SHORT_PHONE: Kind = (
    "phone_too_short",
    Warning,
    "phone numbers with fewer than three digits",
    "enter the whole number in the directory, or map only what is a number",
);

/// Every kind but the codes of withheld people.
#[cfg(test)]
pub(super) const KINDS: &[Kind] = &[
    UNUSABLE,
    COLLISION,
    TEST,
    UNBOUND,
    GROUP_MISSING,
    GROUP_EMPTY,
    NOBODY,
    EVERYBODY,
    ADDS_NOTHING,
    NO_LICENSE,
    IDLE_CLAUSE,
    NOBODY_IN,
    ABSENT,
    NAME_IS_ADDRESS,
    BLANKS,
    PLACEHOLDER,
    CONTROL,
    MIXED_UP,
    LONG,
    INVISIBLE,
    NOT_ASCII,
    SHORT_PHONE,
];

/// One example.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Example {
    /// Whom it is about; several for a collision, nobody for a rule.
    pub dns: Vec<String>,
    /// The value, where it is about one.
    pub value: String,
    /// The rule or field.
    pub rule: String,
    /// A sentence, where value and rule do not say it.
    pub message: String,
    /// The remedy for this one, where it is not that of its kind.
    pub remedy: String,
}

/// All findings of a kind.
pub(super) struct Found {
    pub level: Level,
    pub title: String,
    pub remedy: String,
    pub count: u64,
    pub examples: Vec<Example>,
}

/// What was found, by code.
pub(super) struct Findings {
    /// At most so many examples are kept of each kind.
    limit: usize,
    all: BTreeMap<String, Found>,
}

impl Findings {
    pub(super) fn new(limit: usize) -> Self {
        Self { limit, all: BTreeMap::new() }
    }

    /// How many examples are kept of each kind.
    pub(super) fn limit(&self) -> usize {
        self.limit
    }

    /// One more. The example is only made while some are kept.
    pub(super) fn add(&mut self, kind: Kind, example: impl FnOnce() -> Example) {
        let (code, level, title, remedy) = kind;
        self.put(code, level, title, remedy, 1, example);
    }

    /// Many at once, of which some are at hand.
    pub(super) fn add_all(&mut self, kind: Kind, count: u64, examples: Vec<Example>) {
        let (code, level, title, remedy) = kind;
        for (at, example) in examples.into_iter().enumerate() {
            let more = if at == 0 { count } else { 0 };
            self.put(code, level, title, remedy, more, || example);
        }
    }

    /// Somebody who is withheld.
    pub(super) fn reject(&mut self, withheld: &crate::model::Withheld) {
        let title = REJECTED.iter().find(|(code, _)| *code == withheld.code).map(|(_, title)| *title);
        let title = format!("people {}", title.unwrap_or("who are withheld"));
        self.put(&withheld.code, Error, &title, &withheld.remedy, 1, || Example {
            dns: vec![withheld.dn.clone()],
            message: withheld.reason.clone(),
            remedy: withheld.remedy.clone(),
            ..Example::default()
        });
    }

    fn put(
        &mut self,
        code: &str,
        level: Level,
        title: &str,
        remedy: &str,
        count: u64,
        example: impl FnOnce() -> Example,
    ) {
        if !self.all.contains_key(code) {
            let (title, remedy) = (title.to_owned(), remedy.to_owned());
            self.all.insert(code.to_owned(), Found { level, title, remedy, count: 0, examples: Vec::new() });
        }
        let Some(found) = self.all.get_mut(code) else { return };
        found.count += count;
        if found.examples.len() < self.limit {
            let mut example = example();
            if example.remedy.is_empty() {
                example.remedy.clone_from(&found.remedy);
            }
            found.examples.push(example);
        }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.all.is_empty()
    }

    /// What was found, the worst first.
    pub(super) fn iter(&self) -> impl Iterator<Item = (&str, &Found)> {
        let of = |level: Level| {
            let all = self.all.iter().filter(move |(_, found)| found.level == level);
            all.map(|(code, found)| (code.as_str(), found))
        };
        of(Error).chain(of(Warning))
    }

    pub(super) fn documents(&self) -> Vec<Value> {
        self.iter()
            .map(|(code, found)| {
                json!({
                    "code": code,
                    "level": found.level.word(),
                    "title": found.title,
                    "remedy": found.remedy,
                    "count": found.count,
                    "examples": found.examples.iter().map(|example| json!({
                        "dns": example.dns,
                        "value": example.value,
                        "rule": example.rule,
                        "message": example.message,
                        "remedy": example.remedy,
                    })).collect::<Vec<_>>(),
                })
            })
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_kind_has_a_code_of_its_own_and_a_remedy() {
        for (at, (code, _, title, remedy)) in KINDS.iter().enumerate() {
            assert!(KINDS[..at].iter().all(|(other, ..)| other != code), "{code}");
            assert!(title.len() > 10 && remedy.len() > 20, "{code}");
        }
    }

    #[test]
    fn all_are_counted_and_few_are_kept() {
        let mut findings = Findings::new(2);
        for n in 0..5 {
            findings.add(PLACEHOLDER, || Example { value: n.to_string(), ..Example::default() });
        }
        findings.add_all(COLLISION, 7, vec![Example::default(); 3]);
        let shown: Vec<_> =
            findings.iter().map(|(code, found)| (code, found.count, found.examples.len())).collect();
        assert_eq!(shown, [("collision", 7, 2), ("placeholder", 5, 2)]);
        assert!(findings.iter().all(|(_, found)| found.examples.iter().all(|one| !one.remedy.is_empty())));
    }
}
