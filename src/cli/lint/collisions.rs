//! What several people claim and one may have: who they are, and who goes on, as far as records, rules
//! and state say it.

use std::collections::BTreeSet;

use crate::model::{Key, Line, SnapshotRow, SourceId};
use crate::rules::Collisions;
use crate::store::{Claimant, Reader, Shared, StoreError};

use super::code::Kind;
use super::finding::Example;

/// What is claimed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum What {
    /// As the e-mail address, or beside it.
    Address,
    /// An extension at a location.
    Extension,
    /// A telephone number.
    Number,
    /// The value that identifies people in all sources.
    Join,
    /// The address or name of a contact.
    Contact,
    /// Anything else.
    Other,
}

/// What decides who goes on.
pub(super) struct Judge<'a> {
    /// Who is linked; `None` when there is no state.
    pub reader: Option<&'a Reader>,
    /// What the configuration says.
    pub collisions: Collisions,
}

/// The field of the e-mail address.
pub(super) const EMAIL: &str = "email";

impl Judge<'_> {
    /// The kind of a collision.
    pub(super) fn kind(&self, what: What, shared: &Shared) -> Result<Kind, StoreError> {
        Ok(match what {
            What::Extension => Kind::DuplicateExtension,
            What::Number => Kind::DuplicateNumber,
            What::Contact => Kind::DuplicateContact,
            What::Join => Kind::DuplicateJoin,
            What::Other => Kind::Collision,
            What::Address => match names(shared).count() {
                0 => Kind::DuplicateAlias,
                1 if self.is_held_beside(shared)? => Kind::AddressOfAlias,
                1 => Kind::DuplicateAlias,
                _ => Kind::DuplicateEmail,
            },
        })
    }

    /// All claimants, and who goes on.
    pub(super) fn example(&self, what: What, shared: &Shared) -> Result<Example, StoreError> {
        let mut dns: Vec<String> = shared.claimants.iter().map(|one| one.dn.clone()).collect();
        dns.dedup();
        let fields: BTreeSet<&str> = shared.claimants.iter().map(|one| one.field.as_ref()).collect();
        let more = shared.count.saturating_sub(dns.len() as u64);
        let mut message = self.outcome(what, shared)?;
        if more > 0 {
            message.push_str(&format!("; {more} more claim it"));
        }
        Ok(Example {
            dns,
            value: shared.value.clone(),
            rule: fields.into_iter().collect::<Vec<_>>().join(", "),
            message,
            ..Example::default()
        })
    }

    /// Whom a pass would withhold altogether because of it: whoever does not get the address that is to be
    /// theirs, and whoever is new and known by what identifies somebody else.
    pub(super) fn losers(&self, what: What, shared: &Shared) -> Result<Vec<SourceId>, StoreError> {
        let (mut losers, winner): (Vec<&Claimant>, Option<SourceId>) = match what {
            What::Address => {
                let names: Vec<&Claimant> = names(shared).collect();
                let winner = match (self.collisions, names.as_slice()) {
                    (_, [] | [_]) => return Ok(Vec::new()),
                    (Collisions::Nobody, _) => None,
                    _ => match self.owner(what, shared.key, &shared.value, &names)? {
                        None if self.collisions == Collisions::LinkedThenOldest => self.oldest(&names)?,
                        owner => owner,
                    },
                };
                (names, winner)
            }
            What::Join => (shared.claimants.iter().collect(), None),
            What::Extension | What::Number | What::Contact | What::Other => return Ok(Vec::new()),
        };
        if let (What::Join, Some(reader)) = (what, self.reader) {
            let anchors: Vec<SourceId> = losers.iter().map(|one| one.anchor).collect();
            let linked: BTreeSet<SourceId> = reader.rows(&anchors)?.iter().map(|row| row.anchor).collect();
            losers.retain(|one| !linked.contains(&one.anchor));
        }
        Ok(losers.into_iter().map(|one| one.anchor).filter(|one| Some(*one) != winner).collect())
    }

    fn outcome(&self, what: What, shared: &Shared) -> Result<String, StoreError> {
        let gets = |dn: &str| format!("\"{dn}\" gets it (people.collisions)");
        let has = |dn: &str| format!("\"{dn}\" has it already");
        match what {
            What::Other => return Ok("the cloud takes it from each of them".into()),
            What::Contact => return Ok("none of them goes on".into()),
            What::Join => return Ok("whoever is new does not go on".into()),
            What::Address | What::Extension | What::Number => {}
        }
        let mut claimants: Vec<&Claimant> = shared.claimants.iter().collect();
        if what == What::Address {
            let names: Vec<&Claimant> = names(shared).collect();
            let [name] = names.as_slice() else {
                if !names.is_empty() {
                    claimants = names;
                }
                return self.first(what, shared.key, &shared.value, &claimants, has, gets);
            };
            if !self.is_held_beside(shared)? {
                return Ok(format!("\"{}\" has it as the e-mail address", name.dn));
            }
            let holder = self.holder(what, shared.key, &shared.value, &claimants)?;
            return Ok(holder.map_or_else(|| has("somebody else"), |dn| has(&dn)));
        }
        self.first(what, shared.key, &shared.value, &claimants, has, gets)
    }

    fn first(
        &self,
        what: What,
        key: Key,
        value: &str,
        claimants: &[&Claimant],
        has: impl Fn(&str) -> String,
        gets: impl Fn(&str) -> String,
    ) -> Result<String, StoreError> {
        let holder = self.holder(what, key, value, claimants)?;
        Ok(match (self.collisions, holder) {
            (Collisions::Nobody, Some(dn)) => {
                format!("\"{dn}\" has it and keeps it as it is; nobody goes on (people.collisions)")
            }
            (_, Some(dn)) => has(&dn),
            (Collisions::LinkedThenOldest, None) => match self.oldest(claimants)? {
                Some(one) => {
                    let dn = claimants.iter().find(|claimant| claimant.anchor == one);
                    gets(dn.map_or("", |claimant| claimant.dn.as_str()))
                }
                None => "nobody gets it: none of them is the oldest (people.collisions)".into(),
            },
            (Collisions::Linked | Collisions::Nobody, None) => "nobody gets it (people.collisions)".into(),
        })
    }

    /// Whether somebody who claims an address has it beside their own, and it is nobody's user name.
    fn is_held_beside(&self, shared: &Shared) -> Result<bool, StoreError> {
        let Some(reader) = self.reader else { return Ok(false) };
        Ok(reader.email_owners(&[shared.key])?.is_empty() && !reader.alias_owners(&[shared.key])?.is_empty())
    }

    /// The DN of whoever has it, as the state knows.
    fn holder(
        &self,
        what: What,
        key: Key,
        value: &str,
        claimants: &[&Claimant],
    ) -> Result<Option<String>, StoreError> {
        let (Some(reader), Some(owner)) = (self.reader, self.owner(what, key, value, claimants)?) else {
            return Ok(None);
        };
        let now = claimants.iter().find(|one| one.anchor == owner).map(|one| one.dn.clone());
        Ok(now.or(reader.rows(&[owner])?.pop().map(|row| row.dn)))
    }

    /// Whoever has it, as the state knows.
    fn owner(
        &self,
        what: What,
        key: Key,
        value: &str,
        claimants: &[&Claimant],
    ) -> Result<Option<SourceId>, StoreError> {
        let Some(reader) = self.reader else { return Ok(None) };
        let anchors: Vec<SourceId> = claimants.iter().map(|one| one.anchor).collect();
        Ok(match what {
            What::Address => {
                let owners = reader.email_owners(&[key])?.into_iter().chain(reader.alias_owners(&[key])?);
                owners.map(|(_, owner)| owner).next()
            }
            What::Extension | What::Number => {
                reader.rows(&anchors)?.iter().find(|row| has_line(row, value)).map(|row| row.anchor)
            }
            What::Contact | What::Join | What::Other => None,
        })
    }

    /// The linked before the new, and of those the one whose record is older than any other.
    fn oldest(&self, claimants: &[&Claimant]) -> Result<Option<SourceId>, StoreError> {
        let anchors: Vec<SourceId> = claimants.iter().map(|one| one.anchor).collect();
        let linked: BTreeSet<SourceId> = match self.reader {
            Some(reader) => reader.rows(&anchors)?.iter().map(|row| row.anchor).collect(),
            None => BTreeSet::new(),
        };
        let first: Vec<&&Claimant> =
            claimants.iter().filter(|one| linked.is_empty() || linked.contains(&one.anchor)).collect();
        if let [only] = first.as_slice() {
            return Ok(Some(only.anchor));
        }
        let Some(least) = first.iter().map(|one| one.created).min().flatten() else { return Ok(None) };
        let oldest: Vec<_> = first.iter().filter(|one| one.created == Some(least)).collect();
        Ok(match oldest.as_slice() {
            [one] => Some(one.anchor),
            _ => None,
        })
    }
}

/// Who claims an address as the e-mail address.
fn names(shared: &Shared) -> impl Iterator<Item = &Claimant> {
    shared.claimants.iter().filter(|one| one.field == EMAIL)
}

/// Whether we gave somebody a number or extension, as told by [`line_value`].
fn has_line(row: &SnapshotRow, value: &str) -> bool {
    let Some(Line::Ready(telephone)) = row.applied.telephone.as_deref() else { return false };
    let place = telephone.place.as_ref().map(|place| place.name.to_lowercase()).unwrap_or_default();
    telephone.phone.as_deref() == Some(value)
        || telephone.extension.as_ref().is_some_and(|one| line_value(&place, one) == value)
}

/// How a number, or an extension at a place, is shown.
pub(super) fn line_value(place: &str, value: &str) -> String {
    if place.is_empty() { value.to_owned() } else { format!("{value} at {place}") }
}
