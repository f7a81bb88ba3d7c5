//! Counts over everybody: which rules hit whom, what is missing, and what collides.

use std::collections::BTreeSet;

use crate::config::Config;
use crate::model::{Field, Key, LicenseId, Person, Record, RecordKind, Verdict, Wanted, address_key};
use crate::rules::{GroupSet, Rules, inputs};
use crate::store::{Claim, Shared, Stage, StoreError};

use super::finding::{
    ABSENT, ADDS_NOTHING, COLLISION, EVERYBODY, Example, Findings, GROUP_EMPTY, IDLE_CLAUSE, Kind,
    NO_LICENSE, NOBODY, NOBODY_IN,
};
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
    entitlements: Vec<Rule>,
    roles: Vec<Rule>,
    /// Clauses of the scope, with how many they keep out.
    clauses: Vec<(String, u64)>,
    /// People in each group that the rules name.
    members: Vec<u64>,
    groups: Vec<String>,
    /// Attributes that the rules as written read, and whether anybody has them.
    attributes: Vec<(String, bool)>,
    stage: Stage,
    claims: Vec<Claim>,
    pub findings: Findings,
}

impl Tally {
    pub(super) fn new(config: &Config, rules: &Rules, limit: usize) -> Result<Self, StoreError> {
        let nobody = Record {
            anchor: crate::model::SourceId::new([0; 16]),
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
                .map(|(answer, _)| Rule { name: answer.rule.clone(), ..Rule::default() })
                .collect(),
            clauses: told.scope.iter().map(|answer| (answer.rule.clone(), 0)).collect(),
            members: vec![0; rules.groups().len()],
            groups: rules.groups().to_vec(),
            attributes: written(config).into_iter().map(|name| (name, false)).collect(),
            stage: Stage::new()?,
            claims: Vec::new(),
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
        if record.kind != RecordKind::Person {
            return Ok(());
        }
        self.people += 1;
        for (name, met) in self.attributes.iter_mut().filter(|(_, met)| !met) {
            *met = record.values(name).next().is_some();
        }
        for at in groups.iter() {
            if let Some(members) = self.members.get_mut(at) {
                *members += 1;
            }
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
                suspicious::made(&record.dn, person, &mut self.findings);
                if person.licenses.is_empty() && !self.entitlements.is_empty() {
                    self.findings.add(NO_LICENSE, || Example {
                        dns: vec![record.dn.clone()],
                        value: person.email.as_str().to_owned(),
                        ..Example::default()
                    });
                }
                self.claim(record, person)?;
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

    fn claim(&mut self, record: &Record, person: &Person) -> Result<(), StoreError> {
        let mut claim = |what: u16, key: Key, value: &str| {
            self.claims.push(Claim { what, key, value: value.to_owned(), dn: record.dn.clone() });
        };
        // An alternate address collides with the address of somebody else, too.
        claim(ADDRESS, person.email.key(), person.email.as_str());
        for (field, value) in &person.profile {
            match own(*field) {
                Own::Address if address_key(value) != person.email.key() => {
                    claim(ADDRESS, address_key(value), value);
                }
                Own::Value => claim(number(*field), Key::folded(value), value),
                Own::Address | Own::No => {}
            }
        }
        if self.claims.len() >= BATCH {
            self.flush()?;
        }
        Ok(())
    }

    fn flush(&mut self) -> Result<(), StoreError> {
        self.stage.put_claims(&self.claims)?;
        self.claims.clear();
        Ok(())
    }

    /// Everything that shows only at the end of a `whole` read. `missing` are groups that are not
    /// there at all.
    pub(super) fn end(&mut self, whole: bool, missing: &[String]) -> Result<(), StoreError> {
        self.flush()?;
        let fields = Field::ALL.iter().filter(|field| matches!(own(**field), Own::Value));
        let kinds = fields.map(|field| (number(*field), field.name()));
        let kinds: Vec<(u16, &str)> = std::iter::once((ADDRESS, "email")).chain(kinds).collect();
        for (what, name) in kinds {
            let (count, shared) = self.stage.shared(what, self.findings.limit())?;
            let examples = shared.into_iter().map(|one| collision(name, one)).collect();
            self.findings.add_all(COLLISION, count, examples);
        }
        // What was not read may be what the rules are for.
        if !whole || self.people == 0 {
            return Ok(());
        }
        if self.inside == 0 {
            self.findings.add(NOBODY_IN, Example::default);
        }
        let rule = |name: &str| Example { rule: name.to_owned(), ..Example::default() };
        let findings = &mut self.findings;
        let mut tell = |kind: Kind, name: &str| findings.add(kind, || rule(name));
        for (name, members) in self.groups.iter().zip(&self.members) {
            if *members == 0 && !missing.contains(name) {
                tell(GROUP_EMPTY, name);
            }
        }
        for (name, _) in self.attributes.iter().filter(|(_, met)| !met) {
            tell(ABSENT, name);
        }
        for (name, _) in self.clauses.iter().filter(|(_, kept_out)| *kept_out == 0) {
            tell(IDLE_CLAUSE, name);
        }
        if self.inside == 0 {
            return Ok(());
        }
        for rule in self.entitlements.iter().chain(&self.roles) {
            if rule.hits == 0 {
                tell(NOBODY, &rule.name);
            } else if rule.hits == self.inside && self.inside > 1 && !rule.general {
                tell(EVERYBODY, &rule.name);
            } else if rule.adds == 0 && !rule.gives.is_empty() {
                tell(ADDS_NOTHING, &rule.name);
            }
        }
        Ok(())
    }
}

/// The claims of addresses; other numbers are those of fields.
const ADDRESS: u16 = 0;

fn number(field: Field) -> u16 {
    1 + field as u16
}

/// Whether everybody must have an own value of a field.
enum Own {
    /// It is an address as good as the first.
    Address,
    Value,
    No,
}

/// By name, so that a field which joins later is met without being listed here.
fn own(field: Field) -> Own {
    match field.name() {
        name if name.starts_with("alternate_email") || name.starts_with("email_") => Own::Address,
        "employee_number" | "sip_address" | "extension" => Own::Value,
        name if name.ends_with("_extension") => Own::Value,
        _ => Own::No,
    }
}

fn collision(field: &str, shared: Shared) -> Example {
    let Shared { value, dns, claimants } = shared;
    let more = claimants.saturating_sub(dns.len() as u64);
    let message = if more > 0 { format!("and {more} more claim it") } else { String::new() };
    Example { dns, value, rule: field.to_owned(), message, ..Example::default() }
}

/// The attributes that the rules as written read. The defaults name some that not every
/// directory has.
fn written(config: &Config) -> BTreeSet<String> {
    let rules = &config.rules;
    let conditions =
        rules.entitlements.iter().map(|rule| &rule.when).chain(rules.roles.iter().map(|r| &r.when));
    let texts = rules.email.iter().chain(rules.mapping.values()).chain(&rules.scope.filter);
    texts.chain(conditions.flatten()).flat_map(|text| inputs(text)).collect()
}
