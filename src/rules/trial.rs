//! `[[test]]`: a record, and what the rules must make of it. Rules are tested like code: before
//! a pass, and without directory or cloud.
//!
//! Licences and roles are compared by the names that the rules write, as the cloud is not asked:
//! everything goes the way of a real judgement, bound to a catalogue of just these names.

mod kind;
mod written;

use std::collections::{BTreeMap, BTreeSet};

use crate::model::{
    Catalogue, Cause, Email, Field, License, LicenseId, LicenseKind, Profile, Record, RoleId, Wanted,
    normal_dn,
};

use super::error::RuleError;
use super::fold::same;
use super::groups::is_dn;
use super::nearest::nearest;
use super::role::stand_in;
use super::{ContactWish, GroupSet, Rules, Spec};
pub use kind::TrialKind;
use written::{fields, record};

/// What must become of the record of a test.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Expected {
    /// The rules want the person in the cloud.
    #[default]
    In,
    /// They do not.
    Out,
    /// They cannot decide.
    Withheld,
}

impl Expected {
    const fn word(self) -> &'static str {
        match self {
            Self::In => "in",
            Self::Out => "out",
            Self::Withheld => "withheld",
        }
    }
}

/// One test as data, not yet compiled.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TrialSpec {
    /// The name in reports.
    pub name: String,
    /// What the record is: which rules judge it.
    pub kind: TrialKind,
    /// The record: a line for each value, `attribute: value`, the DN as `dn: …`.
    pub record: String,
    /// The groups of which the person is a member, directly or through others.
    pub groups: Vec<String>,
    /// Whether the directory says that the account must not be used.
    pub disabled: bool,
    /// What must become of it.
    pub expect: Expected,
    /// Why, for somebody who is out (`disabled`, or a clause of the scope such as `filter`) or
    /// withheld (a code such as `no_email`); `None` for whatever reason.
    pub reason: Option<String>,
    /// The address that must come out.
    pub email: Option<String>,
    /// The values that must come out: a line for each, `field: value`; without a value the
    /// field must be blank.
    pub fields: Option<String>,
    /// All licences, by the names that the rules write; `None` for whichever.
    pub licenses: Option<Vec<String>>,
    /// All roles, by the words that the rules write; `None` for whichever.
    pub roles: Option<Vec<String>>,
}

/// A compiled test.
#[derive(Clone, Debug)]
pub struct Trial {
    /// The name in reports.
    pub name: String,
    /// Its place in the configuration: `test[0]`.
    pub place: String,
    record: Record,
    groups: GroupSet,
    expect: Expected,
    reason: Option<String>,
    email: Option<String>,
    fields: BTreeMap<Field, String>,
    licenses: Option<BTreeSet<String>>,
    roles: Option<BTreeSet<String>>,
}

/// One thing that a test expected and did not get.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Miss {
    /// What about: `verdict`, `reason`, `email`, a field, `licenses`, `roles`.
    pub what: String,
    /// What the test says.
    pub expected: String,
    /// What the rules make of the record.
    pub got: String,
}

/// Compiles tests against the rules that they try.
///
/// # Errors
///
/// Everything that is wrong with them as written, in their order.
pub fn trials(specs: &[TrialSpec], rules: &Rules) -> Result<Vec<Trial>, Vec<RuleError>> {
    let mut errors = Vec::new();
    let trials = specs.iter().enumerate().map(|(at, spec)| compile(at, spec, rules, &mut errors)).collect();
    if errors.is_empty() { Ok(trials) } else { Err(errors) }
}

fn compile(at: usize, spec: &TrialSpec, rules: &Rules, errors: &mut Vec<RuleError>) -> Trial {
    let place = format!("test[{at}]");
    let record = record(&place, spec, errors);
    let fields = fields(&place, spec, rules, errors);
    let mut groups = GroupSet::new();
    for (i, name) in spec.groups.iter().enumerate() {
        let meant: Vec<usize> = rules
            .groups()
            .iter()
            .enumerate()
            .filter(|(_, rule)| is_group(name, rule))
            .map(|(at, _)| at)
            .collect();
        if meant.is_empty()
            && let Some(near) = nearest(name, rules.groups().iter().map(String::as_str))
        {
            errors.push(RuleError::whole(
                &format!("{place}.groups[{i}]"),
                format!("no rule names the group \"{name}\""),
                format!("did you mean \"{near}\"?"),
            ));
        }
        meant.into_iter().for_each(|at| groups.insert(at));
    }
    let only_in = [
        ("email", spec.email.is_some()),
        ("fields", spec.fields.is_some()),
        ("licenses", spec.licenses.is_some()),
        ("roles", spec.roles.is_some()),
    ];
    for (key, _) in only_in.iter().filter(|(_, given)| *given && spec.expect != Expected::In) {
        errors.push(RuleError::whole(
            &format!("{place}.{key}"),
            format!("nothing is made of somebody who is {}", spec.expect.word()),
            format!("leave out `{key}`, or write expect = \"in\""),
        ));
    }
    let of_people = [("licenses", spec.licenses.is_some()), ("roles", spec.roles.is_some())];
    for (key, _) in of_people.iter().filter(|(_, given)| *given && spec.kind != TrialKind::Person) {
        errors.push(RuleError::whole(
            &format!("{place}.{key}"),
            format!("a {} has no {key}", spec.kind.word()),
            format!("leave out `{key}`, or write kind = \"person\""),
        ));
    }
    if spec.expect == Expected::In && spec.reason.is_some() {
        errors.push(RuleError::whole(
            &format!("{place}.reason"),
            "somebody who is in has no reason",
            "leave out `reason`, or write expect = \"out\" or \"withheld\"",
        ));
    }
    if let (Expected::Out, Some(reason)) = (spec.expect, &spec.reason)
        && !OUT.contains(&clause(reason))
    {
        let remedy = match nearest(clause(reason), OUT.iter().copied()) {
            Some(near) => format!("did you mean \"{near}\"? It is one of {}", OUT.join(", ")),
            None => format!("it is one of {}", OUT.join(", ")),
        };
        errors.push(RuleError::whole(
            &format!("{place}.reason"),
            format!("\"{reason}\" is no reason to be out"),
            remedy,
        ));
    }
    let set = |list: &Option<Vec<String>>| {
        list.as_ref().map(|list| list.iter().map(|name| name.trim().to_owned()).collect())
    };
    Trial {
        name: if spec.name.trim().is_empty() { place.clone() } else { spec.name.clone() },
        place,
        record,
        groups,
        expect: spec.expect,
        reason: spec.reason.clone(),
        email: spec.email.clone(),
        fields,
        licenses: set(&spec.licenses),
        roles: set(&spec.roles),
    }
}

/// Why somebody can be out.
const OUT: &[&str] = &[
    "disabled",
    "out_of_scope",
    "bases",
    "exclude_bases",
    "filter",
    "when",
    "exclude_when",
    "groups",
    "exclude_groups",
];

/// A clause of the scope without the section that it stands in.
fn clause(reason: &str) -> &str {
    let reason = reason.trim();
    let sections = [TrialKind::Person, TrialKind::Room, TrialKind::Contact].map(TrialKind::section);
    let bare = |section: &str| reason.strip_prefix(section)?.strip_prefix(".scope.");
    sections.into_iter().find_map(bare).unwrap_or(reason)
}

/// Whether a group of a test is one that a rule names: by DN or name, or by the name in the DN.
fn is_group(of_test: &str, of_rule: &str) -> bool {
    let (a, b) = (of_test.trim(), of_rule.trim());
    let first = |dn: &str| {
        let dn = normal_dn(dn);
        let value = dn.split_once('=').map_or("", |(_, rest)| rest).split(',').next().unwrap_or_default();
        value.to_owned()
    };
    match (is_dn(a), is_dn(b)) {
        (true, true) => normal_dn(a) == normal_dn(b),
        (true, false) => same(&first(a), b),
        (false, true) => same(a, &first(b)),
        (false, false) => same(a, b),
    }
}

impl Rules {
    /// The rules, bound to licences and roles that are just the names which they write.
    pub fn rehearsed(self, spec: &Spec) -> Self {
        let of_rules = spec.entitlements.iter().map(|rule| (&rule.licenses, &rule.site));
        let templates = spec.entitlements.iter().flat_map(|rule| &rule.templates);
        let of_templates = templates.map(|template| (&template.licenses, &template.site));
        // A licence belongs to every site that a rule names with it: who hosts there does not attend.
        let mut sites: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
        for (names, site) in of_rules.chain(of_templates) {
            for name in names {
                sites.entry(name.trim()).or_default().extend(site.as_deref());
            }
        }
        let license = |name: &str, site: Option<&str>| License {
            id: LicenseId::new(name),
            name: name.to_owned(),
            service: Some(name.to_owned()),
            kind: LicenseKind::Paid,
            subscription: None,
            site: site.map(str::to_owned),
            total: None,
            consumed: 0,
        };
        let mut licenses = Vec::new();
        for (name, sites) in sites {
            match sites.is_empty() {
                true => licenses.push(license(name, None)),
                false => licenses.extend(sites.into_iter().map(|site| license(name, Some(site)))),
            }
        }
        let roles: BTreeSet<&str> = spec.roles.iter().map(|rule| rule.role.trim()).collect();
        let roles: Vec<_> = roles.into_iter().map(stand_in).collect();
        self.bind(&Catalogue(licenses), &roles).0
    }
}

/// What the rules make of a record that is in, account or contact.
struct Made<'a> {
    email: Option<&'a Email>,
    profile: &'a Profile,
    licenses: Option<&'a BTreeSet<LicenseId>>,
    roles: Option<&'a BTreeSet<RoleId>>,
}

impl<'a> Made<'a> {
    /// `None` for what is not in.
    fn of(wanted: &'a Wanted, contact: &'a Option<ContactWish>) -> Option<Self> {
        match (wanted, contact) {
            (_, Some(ContactWish::Present(contact))) => {
                let (email, profile) = (contact.email.as_ref(), &contact.profile);
                Some(Self { email, profile, licenses: None, roles: None })
            }
            (Wanted::Present(person), None) => Some(Self {
                email: Some(&person.email),
                profile: &person.profile,
                licenses: Some(&person.licenses),
                roles: Some(&person.roles),
            }),
            _ => None,
        }
    }
}

impl Trial {
    /// Judges the record, and says what is not as expected. `rules` are [`Rules::rehearsed`].
    pub fn run(&self, rules: &Rules) -> Vec<Miss> {
        let mut misses = Vec::new();
        let told = rules.explain(&self.record, &self.groups, 0);
        let made = Made::of(&told.verdict.wanted, &told.contact);
        let reasons: Vec<&str> = match &told.verdict.wanted {
            _ if made.is_some() => Vec::new(),
            _ if told.off => vec!["off"],
            Wanted::Present(_) => Vec::new(),
            Wanted::Withheld(withheld) => vec![&withheld.code],
            Wanted::Leaving(Cause::Disabled) => vec!["disabled"],
            Wanted::Leaving(_) => told
                .scope
                .iter()
                .filter(|answer| !answer.applies)
                .map(|answer| clause(&answer.rule))
                .collect(),
        };
        let got = match &told.verdict.wanted {
            _ if made.is_some() => Expected::In,
            Wanted::Withheld(_) => Expected::Withheld,
            Wanted::Present(_) | Wanted::Leaving(_) => Expected::Out,
        };
        if got != self.expect {
            let why = match &told.verdict.wanted {
                Wanted::Withheld(withheld) => format!(" ({}: {})", withheld.code, withheld.reason),
                _ if told.off => format!(" ({}.sync is off)", told.section),
                _ if reasons.is_empty() => String::new(),
                _ => format!(" ({})", reasons.join(", ")),
            };
            misses.push(miss("verdict", self.expect.word(), format!("{}{why}", got.word())));
            return misses;
        }
        if let Some(reason) = &self.reason {
            let met = reasons.contains(&clause(reason))
                || clause(reason) == "out_of_scope" && reasons != ["disabled"] && reasons != ["off"];
            if !met {
                misses.push(miss("reason", clause(reason), reasons.join(", ")));
            }
        }
        if let Some(made) = made {
            self.compare(&made, &mut misses);
        }
        misses
    }

    fn compare(&self, made: &Made<'_>, misses: &mut Vec<Miss>) {
        let address = made.email.map_or("", Email::as_str);
        if let Some(email) = &self.email
            && email != address
        {
            misses.push(miss("email", email, address));
        }
        for (field, wanted) in &self.fields {
            let got = made.profile.get(field).map_or("", String::as_str);
            if got != wanted {
                misses.push(miss(field.name(), wanted, got));
            }
        }
        let mut compare = |what: &str, wanted: &Option<BTreeSet<String>>, got: BTreeSet<&str>| {
            if let Some(wanted) = wanted
                && (wanted.len() != got.len() || !wanted.iter().all(|w| got.iter().any(|g| same(w, g))))
            {
                let list = |names: Vec<&str>| if names.is_empty() { "none".into() } else { names.join(", ") };
                let wanted = list(wanted.iter().map(String::as_str).collect());
                misses.push(miss(what, wanted, list(got.into_iter().collect())));
            }
        };
        compare(
            "licenses",
            &self.licenses,
            made.licenses.iter().flat_map(|all| all.iter().map(LicenseId::as_str)).collect(),
        );
        compare(
            "roles",
            &self.roles,
            made.roles.iter().flat_map(|all| all.iter().map(|role| role.as_str())).collect(),
        );
    }
}

fn miss(what: &str, expected: impl Into<String>, got: impl Into<String>) -> Miss {
    Miss { what: what.into(), expected: expected.into(), got: got.into() }
}
