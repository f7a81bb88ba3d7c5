//! Rooms and contacts: where they are wanted at all, they have rules of their own.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use crate::model::{Field, Key, Record, SourceId, Verdict, Wanted, Withheld};
use crate::rules::{ContactWish, GroupSet, Rules};
use crate::store::{Claim, Claimant, StoreError};

use super::code::Kind;
use super::finding::{Example, Findings};
use super::suspicious;
use super::tally::{CONTACT, Tally};

/// How many there are.
#[derive(Debug, Default)]
pub(super) struct Others {
    rooms: BTreeSet<SourceId>,
    rooms_withheld: u64,
    contacts: u64,
    contacts_withheld: u64,
}

impl Others {
    /// Of those whom a collision withholds, leaves the people: rooms are counted here.
    pub(super) fn withhold(&mut self, losers: &mut BTreeSet<SourceId>) {
        let before = losers.len();
        losers.retain(|one| !self.rooms.remove(one));
        self.rooms_withheld += (before - losers.len()) as u64;
    }

    pub(super) fn add_to(&self, counts: &mut Value) {
        counts["rooms"] = json!(self.rooms.len());
        counts["rooms_withheld"] = json!(self.rooms_withheld);
        counts["contacts"] = json!(self.contacts);
        counts["contacts_withheld"] = json!(self.contacts_withheld);
    }

    /// The counts that are not zero, as a sentence with a blank before it.
    pub(super) fn words(&self) -> String {
        let all = [
            (self.rooms.len() as u64, "rooms wanted"),
            (self.rooms_withheld, "rooms withheld"),
            (self.contacts, "contacts wanted"),
            (self.contacts_withheld, "contacts withheld"),
        ];
        let some: Vec<String> = all
            .iter()
            .filter(|(count, _)| *count > 0)
            .map(|(count, word)| format!("{count} {word}"))
            .collect();
        if some.is_empty() { String::new() } else { format!(" Besides, {}.", some.join(", ")) }
    }
}

impl Tally {
    /// Takes the record of a room.
    pub(super) fn take_room(
        &mut self,
        record: &Record,
        rules: &Rules,
        verdict: &Verdict,
    ) -> Result<(), StoreError> {
        match &verdict.wanted {
            Wanted::Leaving(_) => {}
            Wanted::Withheld(withheld) => {
                self.others.rooms_withheld += 1;
                reject(&mut self.findings, Kind::RoomWithheld, withheld);
            }
            Wanted::Present(room) => {
                self.others.rooms.insert(record.anchor);
                verdict
                    .unfit
                    .iter()
                    .for_each(|(_, one)| reject(&mut self.findings, Kind::ValueWithheld, one));
                suspicious::read(record, &mut self.findings);
                suspicious::made(&record.dn, room.email.as_str(), &room.profile, &mut self.findings);
                self.claim(record, rules, room)?;
            }
        }
        Ok(())
    }

    /// Takes the record of a contact.
    pub(super) fn take_contact(
        &mut self,
        record: &Record,
        groups: &GroupSet,
        rules: &Rules,
    ) -> Result<(), StoreError> {
        match rules.judge_contact(record, groups) {
            None | Some(ContactWish::Leaving(_)) => {}
            Some(ContactWish::Withheld(withheld)) => {
                self.others.contacts_withheld += 1;
                reject(&mut self.findings, Kind::ContactWithheld, &withheld);
            }
            Some(ContactWish::Present(contact)) => {
                self.others.contacts += 1;
                let email = contact.email.as_ref().map_or("", |email| email.as_str());
                suspicious::read(record, &mut self.findings);
                suspicious::made(&record.dn, email, &contact.profile, &mut self.findings);
                let identity = contact.identity();
                let field = if email.is_empty() { Field::DisplayName.name() } else { "email" };
                let claimant = Claimant {
                    anchor: record.anchor,
                    dn: record.dn.clone(),
                    field: field.into(),
                    created: None,
                };
                self.put(Claim { what: CONTACT, key: Key::exact(&identity), value: identity, claimant })?;
            }
        }
        Ok(())
    }
}

fn reject(findings: &mut Findings, kind: Kind, withheld: &Withheld) {
    findings.add(kind, || Example {
        dns: vec![withheld.dn.clone()],
        message: withheld.reason.clone(),
        remedy: withheld.remedy.clone(),
        ..Example::default()
    });
}
