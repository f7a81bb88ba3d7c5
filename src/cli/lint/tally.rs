//! Counts over everybody: which rules hit whom, what is missing, and what collides.

use std::collections::BTreeSet;

use crate::config::Config;
use crate::model::{
    ADDRESSES, Field, Key, LicenseId, Person, Record, RecordKind, SourceId, Verdict, Wanted, address_key,
};
use crate::rules::{Collisions, GroupSet, Rules, inputs};
use crate::store::{Claim, Claimant, Reader, Stage, StoreError};

use super::super::check::groups::Gathering;
use super::super::everybody::Taker;
use super::cloud_groups::CloudGroups;
use super::code::Kind;
use super::collisions::{EMAIL, Judge, What, line_value};
use super::finding::{Example, Findings};
use super::others::Others;
use super::suspicious;

/// Claims per transaction.
const BATCH: usize = 5_000;

/// What is counted of one rule.
#[derive(Clone, Debug, Default)]
struct Rule {
    name: String,
    gives: Vec<LicenseId>,
    /// Whether it is for everybody by what it says.
    general: bool,
    hits: u64,
    /// People to whom it gives something that no earlier rule gives.
    adds: u64,
}

/// The counts of a whole read.
pub(super) struct Tally {
    pub people: u64,
    /// In scope, and not disabled; withheld or not.
    pub inside: u64,
    pub wanted: u64,
    pub withheld: u64,
    pub others: Others,
    entitlements: Vec<Rule>,
    roles: Vec<Rule>,
    /// Clauses of the scope, with how many they keep out.
    clauses: Vec<(String, u64)>,
    /// Members of each group that the rules name.
    members: Vec<u64>,
    groups: Vec<String>,
    /// Attributes that the rules as written read, and whether anybody has them.
    attributes: Vec<(String, bool)>,
    stage: Stage,
    claims: Vec<Claim>,
    cloud_groups: CloudGroups,
    unused_templates: Vec<String>,
    /// Whether groups are chosen for the cloud.
    chooses: bool,
    pub findings: Findings,
}

impl Tally {
    pub(super) fn new(config: &Config, rules: &Rules, limit: usize) -> Result<Self, StoreError> {
        let nobody = Record {
            anchor: SourceId::new([0; 16]),
            dn: String::new(),
            kind: RecordKind::Person,
            disabled: false,
            expires: None,
            attributes: Vec::new(),
        };
        // Asked about somebody without anything, only a rule without groups and condition says this.
        let told = rules.explain(&nobody, &GroupSet::new(), 0);
        let general = |reason: &str| reason == "for everybody";
        Ok(Self {
            people: 0,
            inside: 0,
            wanted: 0,
            withheld: 0,
            others: Others::default(),
            entitlements: told
                .entitlements
                .iter()
                .map(|(answer, gives)| Rule {
                    name: answer.rule.clone(),
                    gives: gives.clone(),
                    general: general(&answer.reason),
                    ..Rule::default()
                })
                .collect(),
            roles: told
                .roles
                .iter()
                .map(|(answer, _)| Rule {
                    name: answer.rule.clone(),
                    general: general(&answer.reason),
                    ..Rule::default()
                })
                .collect(),
            clauses: told.scope.iter().map(|answer| (answer.rule.clone(), 0)).collect(),
            members: vec![0; rules.groups().len()],
            groups: rules.groups().to_vec(),
            attributes: written(config).into_iter().map(|name| (name, false)).collect(),
            stage: Stage::new()?,
            claims: Vec::new(),
            cloud_groups: CloudGroups::default(),
            unused_templates: config.unused_templates.clone(),
            chooses: rules.chosen().is_some(),
            findings: Findings::new(limit),
        })
    }

    /// Takes one record.
    pub(super) fn take(
        &mut self,
        record: &Record,
        groups: &GroupSet,
        rules: &Rules,
        verdict: &Verdict,
    ) -> Result<(), StoreError> {
        // A group that a rule for rooms or contacts names is there for them.
        for at in groups.iter() {
            if let Some(members) = self.members.get_mut(at) {
                *members += 1;
            }
        }
        match record.kind {
            RecordKind::Person => {}
            RecordKind::Room if rules.has_rooms() => return self.take_room(record, rules, verdict),
            RecordKind::Contact => return self.take_contact(record, groups, rules),
            RecordKind::Room | RecordKind::Group | RecordKind::Other => return Ok(()),
        }
        self.people += 1;
        self.cloud_groups.take(record, verdict);
        for (name, met) in self.attributes.iter_mut().filter(|(_, met)| !met) {
            *met = record.values(name).next().is_some();
        }
        let hits = rules.hits(record, groups);
        for ((_, kept_out), answer) in self.clauses.iter_mut().zip(&hits.scope) {
            *kept_out += u64::from(!answer.applies);
        }
        match &verdict.wanted {
            Wanted::Leaving(_) => return Ok(()),
            Wanted::Withheld(withheld) => {
                self.withheld += 1;
                self.findings.reject(withheld);
            }
            Wanted::Present(person) => {
                self.wanted += 1;
                verdict.unfit.iter().for_each(|(_, withheld)| self.findings.reject(withheld));
                suspicious::made(&record.dn, person.email.as_str(), &person.profile, &mut self.findings);
                if person.licenses.is_empty() && !self.entitlements.is_empty() {
                    self.findings.add(Kind::NoLicense, || Example {
                        dns: vec![record.dn.clone()],
                        value: person.email.as_str().to_owned(),
                        ..Example::default()
                    });
                }
                self.claim(record, rules, person)?;
                self.claim_lines(record, groups, rules)?;
                self.claim_join(record, rules)?;
            }
        }
        self.inside += 1;
        suspicious::read(record, &mut self.findings);
        let mut given: BTreeSet<&LicenseId> = BTreeSet::new();
        for (rule, hit) in self.entitlements.iter_mut().zip(hits.entitlements) {
            if hit {
                rule.hits += 1;
                let before = given.len();
                // The rules are not changed while their hits are counted.
                given.extend(rule.gives.iter());
                rule.adds += u64::from(given.len() > before);
            }
        }
        for (rule, hit) in self.roles.iter_mut().zip(hits.roles) {
            rule.hits += u64::from(hit);
        }
        Ok(())
    }

    /// Notes what should be of one account alone.
    pub(super) fn claim(
        &mut self,
        record: &Record,
        rules: &Rules,
        person: &Person,
    ) -> Result<(), StoreError> {
        let created = rules.created(record);
        let mut claim = |what: u16, key: Key, value: &str, field: &'static str| {
            let (anchor, dn) = (record.anchor, record.dn.clone());
            let claimant = Claimant { anchor, dn, field: field.into(), created };
            self.put(Claim { what, key, value: value.to_owned(), claimant })
        };
        // An alternate address collides with the address of somebody else, too.
        claim(ADDRESS, person.email.key(), person.email.as_str(), EMAIL)?;
        for (field, value) in &person.profile {
            if ADDRESSES.contains(field) {
                if address_key(value) != person.email.key() {
                    claim(ADDRESS, address_key(value), value, field.name())?;
                }
            } else if OWN.contains(field) {
                claim(number(*field), Key::folded(value), value, field.name())?;
            }
        }
        Ok(())
    }

    fn claim_lines(&mut self, record: &Record, groups: &GroupSet, rules: &Rules) -> Result<(), StoreError> {
        for (place, value) in rules.claimed_lines(record, groups) {
            let (what, field) = if place.is_empty() { (NUMBER, "number") } else { (EXTENSION, "extension") };
            let shown = line_value(&place, &value);
            let (anchor, dn, created) = (record.anchor, record.dn.clone(), rules.created(record));
            let claimant = Claimant { anchor, dn, field: field.into(), created };
            self.put(Claim { what, key: Key::exact(&shown), value: shown, claimant })?;
        }
        Ok(())
    }

    fn claim_join(&mut self, record: &Record, rules: &Rules) -> Result<(), StoreError> {
        let Some((key, value)) = rules.join_value(record) else { return Ok(()) };
        let (anchor, dn) = (record.anchor, record.dn.clone());
        let claimant = Claimant { anchor, dn, field: "people.join".into(), created: None };
        self.put(Claim { what: JOIN, key, value, claimant })
    }

    pub(super) fn put(&mut self, claim: Claim) -> Result<(), StoreError> {
        self.claims.push(claim);
        if self.claims.len() >= BATCH { self.flush() } else { Ok(()) }
    }

    fn flush(&mut self) -> Result<(), StoreError> {
        self.stage.put_claims(&self.claims)?;
        self.claims.clear();
        Ok(())
    }

    /// Everything that shows only at the end of a `whole` read. `missing` are groups that are not
    /// there at all.
    pub(super) fn end(
        &mut self,
        whole: bool,
        missing: &[String],
        reader: Option<&Reader>,
        collisions: Collisions,
    ) -> Result<(), StoreError> {
        self.flush()?;
        let judge = Judge { reader, collisions };
        let mut losers: BTreeSet<SourceId> = BTreeSet::new();
        let others = OWN.iter().map(|field| (number(*field), What::Other));
        let kinds = [
            (ADDRESS, What::Address),
            (EXTENSION, What::Extension),
            (NUMBER, What::Number),
            (CONTACT, What::Contact),
            (JOIN, What::Join),
        ];
        for (number, what) in kinds.into_iter().chain(others) {
            let mut after = None;
            loop {
                let shared = self.stage.shared_after(number, after, BATCH)?;
                let Some(last) = shared.last() else { break };
                after = Some(last.key);
                for one in &shared {
                    losers.extend(judge.losers(what, one)?);
                    let kind = judge.kind(what, one)?;
                    let example = judge.example(what, one)?;
                    self.findings.add(kind, || example);
                }
            }
        }
        self.others.withhold(&mut losers);
        self.wanted = self.wanted.saturating_sub(losers.len() as u64);
        self.withheld += losers.len() as u64;
        for name in &self.unused_templates {
            self.findings.add(Kind::UnusedTemplate, || Example { rule: name.clone(), ..Example::default() });
        }
        // What was not read may be what the rules are for.
        if !whole || self.people == 0 {
            return Ok(());
        }
        if self.inside == 0 {
            self.findings.add(Kind::NobodyIn, Example::default);
        }
        self.cloud_groups.end(self.chooses, &mut self.findings);
        let rule = |name: &str| Example { rule: name.to_owned(), ..Example::default() };
        let findings = &mut self.findings;
        let mut tell = |kind: Kind, name: &str| findings.add(kind, || rule(name));
        for (name, members) in self.groups.iter().zip(&self.members) {
            if *members == 0 && !missing.contains(name) {
                tell(Kind::GroupEmpty, name);
            }
        }
        for (name, _) in self.attributes.iter().filter(|(_, met)| !met) {
            tell(Kind::Absent, name);
        }
        for (name, _) in self.clauses.iter().filter(|(_, kept_out)| *kept_out == 0) {
            tell(Kind::IdleClause, name);
        }
        if self.inside == 0 {
            return Ok(());
        }
        for rule in self.entitlements.iter().chain(&self.roles) {
            if rule.hits == 0 {
                tell(Kind::Nobody, &rule.name);
            } else if rule.hits == self.inside && self.inside > 1 && !rule.general {
                tell(Kind::Everybody, &rule.name);
            } else if rule.adds == 0 && !rule.gives.is_empty() {
                tell(Kind::AddsNothing, &rule.name);
            }
        }
        Ok(())
    }
}

/// The claims of addresses, extensions, numbers, and of what contacts and people of all sources are known by; other numbers are those of fields.
const ADDRESS: u16 = 0;
const EXTENSION: u16 = 1;
const NUMBER: u16 = 2;
pub(super) const CONTACT: u16 = 3;
const JOIN: u16 = 4;

const fn number(field: Field) -> u16 {
    5 + field as u16
}

/// Fields of which everybody should have an own value, though the cloud takes any.
const OWN: [Field; 8] = [
    Field::EmployeeNumber,
    Field::SipAddress,
    Field::ImXmpp,
    Field::ImSkype,
    Field::ImQq,
    Field::Certificate1,
    Field::Certificate2,
    Field::Certificate3,
];

/// The attributes that the rules as written read. The defaults name some that not every
/// directory has.
fn written(config: &Config) -> BTreeSet<String> {
    let rules = &config.rules;
    let conditions =
        rules.entitlements.iter().map(|rule| &rule.when).chain(rules.roles.iter().map(|r| &r.when));
    let texts = rules.email.iter().chain(rules.mapping.values()).chain(&rules.scope.filter);
    texts.chain(conditions.flatten()).flat_map(|text| inputs(text)).collect()
}

/// A tally that takes what is read.
pub(super) struct Counting<'a> {
    pub rules: &'a Rules,
    pub tally: &'a mut Tally,
}

impl Taker for Counting<'_> {
    fn groups(&mut self, groups: &Gathering) {
        self.tally.cloud_groups = CloudGroups::of(groups);
    }

    fn take(
        &mut self,
        _: &str,
        record: &Record,
        groups: &GroupSet,
        verdict: &Verdict,
    ) -> Result<(), StoreError> {
        self.tally.take(record, groups, self.rules, verdict)
    }
}
