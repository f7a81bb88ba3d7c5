//! Everything that is known of one person, as values: text and document are made of it.

use std::collections::BTreeSet;

use crate::config::SourceConfig;
use crate::guard::Finding;
use crate::model::{
    Account, Action, Catalogue, Cause, CloudId, ContactLink, LicenseId, Record, RecordKind, Role, RoleId,
    SnapshotRow, SourceId, Unusable, Wanted, Withheld,
};
use crate::pass::{Fading, Met};
use crate::plan::{Case, Seen};
use crate::rules::{ContactWish, Explanation, GroupSet, Rules, Unbound};
use crate::store::{Decision, RunId};

use super::super::exit::{Exit, Failure};
use super::contact::There;

/// Words in the names of attributes that hold secrets: their values are never shown.
const SECRET: &[&str] = &["password", "passwd", "pwd", "secret", "credential", "private", "sambanthash"];

/// What is known of one person.
pub(super) struct Story {
    /// As typed.
    pub asked: String,
    /// Whether a group was looked for, too, and there is none.
    pub no_group: bool,
    pub anchor: Option<SourceId>,
    /// The records with this anchor; more than one is a fault of the directory.
    pub met: Vec<Met>,
    /// Entries that may be the person and cannot be used, by source.
    pub unusable: Vec<(String, Unusable)>,
    /// The groups of the rules that the person is in, and the groups between.
    pub groups: Vec<(String, Vec<String>)>,
    /// The groups of the cloud that the person belongs to.
    pub cloud_groups: Vec<InCloud>,
    pub told: Option<Explanation>,
    pub row: Option<SnapshotRow>,
    pub begun: Option<Begun>,
    /// The link of a contact.
    pub contact: Option<ContactLink>,
    /// What the address book of the cloud has.
    pub there: There,
    /// Whether rooms are synchronized.
    pub has_rooms: bool,
    /// Whether contacts are.
    pub has_contacts: bool,
    /// An account that neither directory nor state knows by its address; it may carry the anchor of
    /// somebody.
    pub account: Option<Account>,
    /// All licences of the account; `None` when they were not asked for.
    pub holds: Option<BTreeSet<LicenseId>>,
    /// What a pass would do; `None` when that could not be found out.
    pub outlook: Option<Outlook>,
    /// Held plans with actions for the person.
    pub kept: Vec<Kept>,
    /// Licences that the last pass had no seat for, with how many wait.
    pub queue: Vec<(LicenseId, usize)>,
    /// Several people who may be meant.
    pub candidates: Vec<Candidate>,
    pub sources: Vec<Searched>,
    pub catalogue: Catalogue,
    /// The roles of the cloud; none when it did not answer.
    pub roles: Vec<Role>,
    pub unbound: Vec<Unbound>,
    /// What the sources did not answer.
    pub gaps: Vec<String>,
    pub cloud_trouble: Option<Failure>,
}

/// A group that is to be in the cloud, with somebody in it.
pub(super) struct InCloud {
    /// The name there; blank when none can be made.
    pub name: String,
    /// The groups of the directory that lead to it.
    pub through: Vec<String>,
    /// The group in the cloud, when it is there and ours.
    pub link: Option<CloudId>,
    /// Whether we made the account a member.
    pub ours: bool,
}

impl InCloud {
    /// How it stands, in words that follow the name.
    pub(super) fn words(&self, belongs: bool) -> &'static str {
        match (&self.link, self.ours) {
            _ if self.name.is_empty() => "which has no name, and does not come to the cloud",
            (Some(_), true) if belongs => "a member, by us",
            (Some(_), true) => "a member by us, as last confirmed",
            (_, false) if !belongs => "without this person, who does not belong in the cloud",
            (Some(_), false) => "not a member by us yet",
            (None, _) => "the group is not in the cloud yet",
        }
    }
}

/// Since when somebody is linked.
pub(super) struct Begun {
    pub time: i64,
    pub run: RunId,
}

/// Actions that wait, or were refused.
pub(super) struct Kept {
    pub plan: String,
    pub decision: Option<Decision>,
    pub actions: Vec<Action>,
}

/// What a pass would do.
#[derive(Default)]
pub(super) struct Outlook {
    pub case: Option<Case>,
    pub actions: Vec<Done>,
    pub waiting: Vec<LicenseId>,
    /// What is kept for a while although no rule gives it any more.
    pub fading: Vec<Fading>,
    pub withheld: Vec<Withheld>,
    pub short: Vec<&'static str>,
    pub findings: Vec<Finding>,
}

/// One action of it.
pub(super) struct Done {
    pub action: Action,
    /// The code of the finding that holds it.
    pub held_by: Option<String>,
}

/// One of several who may be meant.
pub(super) struct Candidate {
    pub source: String,
    pub anchor: SourceId,
    pub dn: String,
    pub kind: RecordKind,
    pub verdict: &'static str,
    pub reason: String,
}

/// Where a source looks for people.
pub(super) struct Searched {
    pub name: String,
    /// In words.
    pub scope: String,
}

impl Story {
    pub(super) fn new(asked: &str) -> Self {
        Self {
            asked: asked.trim().to_owned(),
            no_group: false,
            anchor: None,
            met: Vec::new(),
            unusable: Vec::new(),
            groups: Vec::new(),
            cloud_groups: Vec::new(),
            told: None,
            row: None,
            begun: None,
            contact: None,
            there: There::default(),
            has_rooms: false,
            has_contacts: false,
            account: None,
            holds: None,
            outlook: None,
            kept: Vec::new(),
            queue: Vec::new(),
            candidates: Vec::new(),
            sources: Vec::new(),
            catalogue: Catalogue::default(),
            roles: Vec::new(),
            unbound: Vec::new(),
            gaps: Vec::new(),
            cloud_trouble: None,
        }
    }

    pub(super) fn gap(&mut self, gap: String) {
        if !self.gaps.contains(&gap) {
            self.gaps.push(gap);
        }
    }

    /// The record.
    pub(super) fn record(&self) -> Option<&Met> {
        self.met.first()
    }

    /// What the cloud calls a role; the id where it does not say.
    pub(super) fn role<'a>(&'a self, id: &'a RoleId) -> &'a str {
        self.roles.iter().find(|role| role.id == *id).map_or(id.as_str(), |role| &role.name)
    }

    /// Whether anybody at all was found.
    pub(super) fn is_nobody(&self) -> bool {
        self.met.is_empty()
            && self.row.is_none()
            && self.account.is_none()
            && self.unusable.is_empty()
            && super::contact::known(self).is_none()
    }

    /// The switch that is off for what this is about, so that nothing is done. An account of a person
    /// goes on being looked after, whatever the record says now.
    pub(super) fn off(&self) -> Option<&'static str> {
        match (&self.row, &self.told) {
            (Some(row), _) if row.applied.kind.is_person() => None,
            (Some(_), _) => (!self.has_rooms).then_some("rooms.sync"),
            (None, Some(told)) if told.off => {
                Some(if told.section == "rooms" { "rooms.sync" } else { "contacts.sync" })
            }
            (None, Some(_)) => None,
            (None, None) => (self.contact.is_some() && !self.has_contacts).then_some("contacts.sync"),
        }
    }

    pub(super) fn exit(&self) -> Exit {
        if let Some(failure) = &self.cloud_trouble {
            failure.exit
        } else if !self.gaps.is_empty() {
            Exit::Source
        } else if self.is_nobody() || !self.candidates.is_empty() {
            Exit::Usage
        } else {
            Exit::Done
        }
    }

    /// Whether the rules want the person in the cloud.
    pub(super) fn belongs(&self) -> bool {
        self.told.as_ref().is_some_and(|told| matches!(told.verdict.wanted, Wanted::Present(_)))
    }

    /// Whether it is about a contact and nobody's account.
    pub(super) fn is_contact(&self) -> bool {
        let by_record = self.told.as_ref().map(|told| told.section == "contacts");
        self.row.is_none() && by_record.unwrap_or_else(|| super::contact::known(self).is_some())
    }

    /// Whether an account under another address carries the anchor of a person who is not linked.
    pub(super) fn is_carried(&self) -> bool {
        self.account.is_some() && self.anchor.is_some() && self.row.is_none()
    }

    /// The account, as the cloud shows it.
    pub(super) fn seen(&self) -> Option<&Account> {
        self.account.as_ref().or_else(|| self.outlook.as_ref()?.account())
    }

    /// Attributes that the rules read, with their values as shown.
    pub(super) fn attributes(&self) -> Vec<(String, Vec<String>)> {
        let read = self.record().into_iter().flat_map(|met| &met.record.attributes);
        let mut all: Vec<(String, Vec<String>)> = read
            .map(|attribute| {
                let found: Vec<&[u8]> = attribute.values.iter().map(Vec::as_slice).collect();
                (self.spelled(&attribute.name), values(&found, &attribute.name))
            })
            .collect();
        all.sort_by_key(|(name, _)| name.to_lowercase());
        all
    }

    /// What a text of the rules reads of the record: `title is "Chief"`.
    pub(super) fn inputs(&self, source: &str) -> Vec<(String, Vec<String>)> {
        let Some(met) = self.record() else { return Vec::new() };
        let read = |name: String| {
            let found: Vec<&[u8]> = met.record.values(&name).collect();
            let shown = values(&found, &name);
            (name, shown)
        };
        crate::rules::inputs(source).into_iter().map(read).collect()
    }

    /// The name of an attribute as the rules write it: many sources tell it in lower case.
    fn spelled(&self, name: &str) -> String {
        let told = self.told.iter();
        let texts = told.flat_map(|told| {
            let rules = told.entitlements.iter().map(|(answer, _)| answer);
            let rules = rules.chain(told.roles.iter().map(|(answer, _)| answer)).chain(&told.scope);
            let reasons = rules.map(|answer| answer.reason.as_str());
            told.mapping.iter().map(|mapped| mapped.source.as_str()).chain(reasons)
        });
        let part = |c: char| c.is_ascii_alphanumeric() || c == '-' || c == '_';
        let mut words = texts.flat_map(|text| text.split(move |c| !part(c)));
        words.find(|word| word.eq_ignore_ascii_case(name)).unwrap_or(name).to_owned()
    }
}

/// Values in order, as they are shown.
fn values(all: &[&[u8]], name: &str) -> Vec<String> {
    let name = name.to_lowercase();
    if SECRET.iter().any(|word| name.contains(word)) {
        return vec!["(a secret, not shown)".into(); all.len().min(1)];
    }
    let mut shown: Vec<String> = all
        .iter()
        .map(|value| match std::str::from_utf8(value) {
            Ok(text) => text.to_owned(),
            Err(_) => format!("({} bytes that are no text)", value.len()),
        })
        .collect();
    shown.sort();
    shown
}

impl Outlook {
    pub(super) fn account(&self) -> Option<&Account> {
        match &self.case.as_ref()?.seen {
            Seen::Account(account) => Some(account),
            Seen::AsApplied | Seen::Missing | Seen::Unasked => None,
        }
    }

    /// Whether the cloud was asked, and there is no account.
    pub(super) fn is_missing(&self) -> bool {
        self.case.as_ref().is_some_and(|case| case.seen == Seen::Missing)
    }
}

impl Candidate {
    pub(super) fn of(met: &Met, rules: &Rules, groups: &GroupSet, now: i64) -> Self {
        let (verdict, reason) = verdict(rules, &met.record, groups, now);
        Self {
            source: met.source.clone(),
            anchor: met.record.anchor,
            dn: met.record.dn.clone(),
            kind: met.record.kind,
            verdict,
            reason,
        }
    }

    /// Somebody who is linked, and of whom the sources have no record.
    pub(super) fn gone(anchor: SourceId, dn: &str, kind: RecordKind) -> Self {
        let reason = outside(Cause::RecordGone).to_owned();
        Self { source: String::new(), anchor, dn: dn.to_owned(), kind, verdict: "leaving", reason }
    }
}

/// Why the rules do not want somebody, who may never have been in.
pub(super) fn outside(cause: Cause) -> &'static str {
    match cause {
        Cause::OutOfScope => "not in scope",
        other => other.words(),
    }
}

fn verdict(rules: &Rules, record: &Record, groups: &GroupSet, now: i64) -> (&'static str, String) {
    let told = rules.explain(record, groups, now);
    match told.verdict.wanted {
        _ if told.off => ("leaving", format!("{}.sync is off", told.section)),
        _ if matches!(told.contact, Some(ContactWish::Present(_))) => ("present", String::new()),
        Wanted::Present(_) => ("present", String::new()),
        Wanted::Withheld(withheld) => ("withheld", withheld.reason),
        Wanted::Leaving(cause) => ("leaving", outside(cause).into()),
    }
}

impl Searched {
    pub(super) fn of(source: &SourceConfig) -> Self {
        let scope = match source {
            SourceConfig::Ldif { path, .. } => format!("reads {}", path.display()),
            SourceConfig::Ldap(settings) => {
                let bases = match settings.bases.as_slice() {
                    [] => "in the default naming context of the server".to_owned(),
                    bases => format!("under \"{}\"", bases.join("\" and \"")),
                };
                match &settings.person_filter {
                    Some(filter) => format!("looks for people {bases}, with the filter {filter}"),
                    None => format!("looks for people {bases}"),
                }
            }
        };
        Self { name: source.name().to_owned(), scope }
    }
}
