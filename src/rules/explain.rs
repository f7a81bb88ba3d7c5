//! The whole way of one person through the rules, for those who ask why, or why not.

use crate::model::{Field, FieldSet, LicenseId, Record, RecordKind, RoleId, Verdict, Wanted, Withheld};

use super::expr::{Condition, Needs, Text};
use super::filter;
use super::mapping::{Mapping, NO_EMAIL, email_source};
use super::role::RoleRule;
use super::scope::Scope;
use super::subject::Subject;
use super::{ContactWish, GroupSet, Rules, Spec, contacts, rooms};

/// What one clause or rule says about one person.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answer {
    /// Its name or place: `people.scope.filter`, `Meetings for pilots`, `role[0]`.
    pub rule: String,
    /// Whether the clause agrees, or the rule is for this person.
    pub applies: bool,
    /// Why, in words: `member of "pilots", but (title=x) does not hold`.
    pub reason: String,
}

/// What one line of the mapping makes of one person.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MappedValue {
    /// The field; `None` for the e-mail address.
    pub field: Option<Field>,
    /// The expression as written.
    pub source: String,
    /// The value, `None` when blank, or why it cannot be used.
    pub value: Result<Option<String>, Withheld>,
}

/// The whole way of one person through the rules. Everything is evaluated, also what
/// comes after the decision.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Explanation {
    /// The section of the configuration whose rules judge a record of this kind: `people`, `rooms` or
    /// `contacts`.
    pub section: &'static str,
    /// Whether that section is switched off. Then no rule says anything.
    pub off: bool,
    /// What was decided about an account; with it the licences that a rule gives and the person does
    /// not get. Of a contact, only whether it is withheld or leaves: it has no account.
    pub verdict: Verdict,
    /// What was decided about a contact; `None` of anything else, and while contacts are switched off.
    pub contact: Option<ContactWish>,
    /// The clauses of the scope that are written; the person is in when all agree.
    pub scope: Vec<Answer>,
    /// The mapping, the address first.
    pub mapping: Vec<MappedValue>,
    /// The entitlement rules, with the licences that each gives.
    pub entitlements: Vec<(Answer, Vec<LicenseId>)>,
    /// The role rules, with the role that each gives, if the cloud has it.
    pub roles: Vec<(Answer, Option<RoleId>)>,
    /// The fields that are written only when an account is created.
    pub once: FieldSet,
    /// The fields that are written only where the cloud has no value.
    pub kept: FieldSet,
}

/// Which clauses agree about one person, and which rules are for them, whatever was decided.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Hits {
    /// The clauses of the scope that are written.
    pub scope: Vec<Answer>,
    /// For each entitlement rule, whether it is for this person.
    pub entitlements: Vec<bool>,
    /// For each role rule, whether it is for this person.
    pub roles: Vec<bool>,
}

/// The attributes that an expression, a condition or a filter reads, as it writes them; none for a
/// text that is none of them.
pub fn inputs(source: &str) -> Vec<String> {
    let mut needs = Needs::default();
    let read = Text::compile(source, &mut needs).is_ok()
        || {
            needs = Needs::default();
            Condition::compile(source, &mut needs).is_ok()
        }
        || {
            needs = Needs::default();
            filter::parse(source, &mut needs).is_ok()
        };
    let part = |c: char| c.is_ascii_alphanumeric() || c == '-' || c == '_';
    let written = |name: String| {
        let word = source.split(|c| !part(c)).find(|word| word.eq_ignore_ascii_case(&name));
        word.map_or(name.clone(), str::to_owned)
    };
    if read { needs.attributes.into_iter().map(written).collect() } else { Vec::new() }
}

/// The attributes that e-mail addresses come from, those of rooms and contacts included.
pub fn address_attributes(spec: &Spec) -> Vec<String> {
    let mut all = inputs(email_source(spec));
    let rooms = spec.rooms.iter().map(rooms::email_source);
    for name in rooms.chain(spec.contacts.iter().map(contacts::email_source)).flat_map(inputs) {
        if !all.iter().any(|known| known.eq_ignore_ascii_case(&name)) {
            all.push(name);
        }
    }
    all
}

impl Rules {
    /// As [`Rules::explain`], with the groups of the rules under other words: those that say
    /// through which other groups the person is in them.
    pub fn explain_in(&self, record: &Record, groups: &GroupSet, now: i64, words: &[String]) -> Explanation {
        Self { groups: words.to_vec(), ..self.clone() }.explain(record, groups, now)
    }

    /// Which clauses and rules hit, and nothing else: what is counted over everybody.
    pub fn hits(&self, record: &Record, groups: &GroupSet) -> Hits {
        let subject = Subject::new(record, groups);
        Hits {
            scope: self.scope.answers(&subject, &self.groups),
            entitlements: self.entitlements.iter().map(|rule| rule.includes(&subject)).collect(),
            roles: self.roles.iter().map(|rule| rule.includes(&subject)).collect(),
        }
    }

    /// The section that judges records of this kind, with its scope and mapping unless it is switched
    /// off.
    fn section_of(&self, kind: RecordKind) -> (&'static str, Option<(&Scope, &Mapping)>) {
        match kind {
            RecordKind::Person | RecordKind::Group | RecordKind::Other => {
                ("people", Some((&self.scope, &self.mapping)))
            }
            RecordKind::Room => ("rooms", self.rooms.as_ref().map(|rooms| (&rooms.scope, &rooms.mapping))),
            RecordKind::Contact => {
                ("contacts", self.contacts.as_ref().map(|contacts| (&contacts.scope, &contacts.mapping)))
            }
        }
    }

    /// The fields that are mapped and compared for records of this kind; `None` while their section is
    /// switched off.
    pub(super) fn mapped_in(&self, kind: RecordKind) -> Option<FieldSet> {
        self.section_of(kind).1.map(|(_, mapping)| mapping.managed())
    }

    /// Judges one record like [`Rules::judge`] and [`Rules::judge_contact`], and says how it came about.
    pub fn explain(&self, record: &Record, groups: &GroupSet, now: i64) -> Explanation {
        let subject = Subject::new(record, groups);
        let (section, own) = self.section_of(record.kind);
        let mut told = Explanation {
            section,
            off: own.is_none(),
            verdict: self.judge(record, groups, now),
            contact: self.judge_contact(record, groups),
            scope: own.map(|(scope, _)| scope.answers(&subject, &self.groups)).unwrap_or_default(),
            mapping: own.map(|(_, mapping)| mapping.values(&subject)).unwrap_or_default(),
            entitlements: Vec::new(),
            roles: Vec::new(),
            once: if section == "people" { self.once() } else { FieldSet::default() },
            kept: if section == "people" { self.kept() } else { FieldSet::default() },
        };
        match &told.contact {
            Some(ContactWish::Withheld(withheld)) => {
                told.verdict.wanted = Wanted::Withheld(withheld.clone());
            }
            Some(ContactWish::Leaving(cause)) => told.verdict.wanted = Wanted::Leaving(*cause),
            Some(ContactWish::Present(_)) | None => {}
        }
        if section == "contacts" {
            // A contact need not have one.
            let lacking = |value: &Result<_, Withheld>| matches!(value, Err(one) if one.code == NO_EMAIL);
            told.mapping
                .iter_mut()
                .filter(|mapped| lacking(&mapped.value))
                .for_each(|mapped| mapped.value = Ok(None));
        }
        if section == "people" {
            let rules = self.entitlements.iter();
            told.entitlements = rules
                .map(|rule| {
                    let gives = rule.offers().iter().map(|offer| offer.id.clone()).collect();
                    (rule.answer(&subject, &self.groups), gives)
                })
                .collect();
            if self.entitling.first_match {
                only_the_first(&mut told.entitlements);
            }
            let rules = self.roles.iter();
            told.roles = rules
                .map(|rule: &RoleRule| (rule.answer(&subject, &self.groups), rule.role().cloned()))
                .collect();
        }
        told
    }
}

/// Of the rules that are for somebody the first counts alone.
fn only_the_first(rules: &mut [(Answer, Vec<LicenseId>)]) {
    let mut hits = rules.iter_mut().map(|(answer, _)| answer).filter(|answer| answer.applies);
    let Some(first) = hits.next() else { return };
    for answer in hits {
        answer.applies = false;
        let rule = &first.rule;
        answer.reason =
            format!("{}, but only the first rule counts (first_match), \"{rule}\"", answer.reason);
    }
}
