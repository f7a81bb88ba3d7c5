//! How what the rules want of somebody compares with the row of the snapshot, before anything is planned.

use std::collections::HashMap;

use rusqlite::{Connection, OptionalExtension};

use super::error::nonsense;
use super::names::By;
use super::reader::Open;
use super::{Reader, StagedWanted, StoreError, snapshot};
use crate::model::{Field, FieldSet, Fingerprint, Given, Key, Person, SourceId, Wanted};

/// What is different.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Difference {
    /// Nothing: the person is to be what was applied, at the same DN, with nothing open and nothing
    /// given besides.
    Nothing,
    /// Values of attributes alone, of which none goes, and none is left to the cloud; as long as the
    /// manager stays in place.
    Values,
    /// Anything.
    Anything,
}

impl Reader {
    /// The keys of the applied addresses of these people, as far as they are linked.
    pub fn emails_of(&self, anchors: &[SourceId]) -> Result<Vec<(SourceId, Key)>, StoreError> {
        self.read("looking up addresses", |db| snapshot::emails_of(db, anchors))
    }

    /// Compares linked people with their rows; `kept` are attributes that are left to the cloud. A
    /// manager, of whom only the place is named, is whoever stood there before this pass. Whoever
    /// stands elsewhere comes with the place that was left ([`Key::dn`]).
    pub fn differences(
        &self,
        people: &[&StagedWanted],
        kept: FieldSet,
    ) -> Result<Vec<(Difference, Option<Key>)>, StoreError> {
        let mut managers = HashMap::new();
        self.with("comparing with the snapshot", |open| {
            let compare = |staged: &&StagedWanted| {
                Ok((difference(open, &mut managers, staged, kept)?, left(&open.db, staged)?))
            };
            people.iter().map(compare).collect()
        })
    }
}

/// The place that somebody left.
fn left(db: &Connection, staged: &StagedWanted) -> rusqlite::Result<Option<Key>> {
    let place = snapshot::place(db, staged.anchor)?;
    Ok(place.filter(|place| *place != Key::dn(&staged.dn)))
}

fn difference(
    open: &mut Open,
    managers: &mut HashMap<Key, Option<String>>,
    staged: &StagedWanted,
    kept: FieldSet,
) -> rusqlite::Result<Difference> {
    let Wanted::Present(person) = &staged.wanted else { return Ok(Difference::Anything) };
    let mut select = open.db.prepare_cached(
        // Conditions on these columns would make SQLite weigh its partial indexes anew at each step.
        "SELECT person.dn, person.applied, person.given, link.record, link.applied,
             link.left_since IS NULL AND link.recheck IS NULL AND link.joined IS NULL
         FROM link JOIN person ON person.id = link.person WHERE link.anchor = ?1",
    )?;
    let found = select
        .query_row([staged.anchor.as_bytes()], |row| {
            let given = row.get_ref(2)?.as_str()?;
            let [record, applied] = [Fingerprint(row.get(3)?), Fingerprint(row.get(4)?)];
            let settled = row.get(5)?
                && ![record, applied].contains(&Fingerprint::NONE)
                && row.get_ref(0)?.as_str()? == staged.dn
                && (given == "{}" || is_wanted(&serde_json::from_str(given).map_err(nonsense)?, person));
            if !settled {
                return Ok(None);
            }
            serde_json::from_str::<Person>(row.get_ref(1)?.as_str()?).map(Some).map_err(nonsense)
        })
        .optional()?
        .flatten();
    drop(select);
    let Some(applied) = found else { return Ok(Difference::Anything) };
    if let Some(manager) = person.profile.get(&Field::Manager) {
        let who = (staged.anchor, Key::dn(manager));
        if !has_that_manager(open, managers, who, &applied)? {
            return Ok(Difference::Anything);
        }
    }
    Ok(compare(&applied, person, kept))
}

/// Whether all that we gave is still to be given.
fn is_wanted(given: &Given, person: &Person) -> bool {
    let Given { licenses, roles, fading, block } = given;
    licenses.is_subset(&person.licenses) && roles.is_subset(&person.roles) && fading.is_empty() && !block
}

/// Whether the manager who was applied is whoever stands at the place that is named, as far as the
/// snapshot knows; nobody is their own.
fn has_that_manager(
    open: &mut Open,
    managers: &mut HashMap<Key, Option<String>>,
    (anchor, place): (SourceId, Key),
    applied: &Person,
) -> rusqlite::Result<bool> {
    let account = match managers.get(&place) {
        Some(known) => known.clone(),
        None => {
            let there = open.news.find(&open.db, By::Dn, &[place])?;
            let account = match there.as_slice() {
                [] => None,
                [(_, one)] if *one != anchor => {
                    snapshot::rows(&open.db, &[*one])?.pop().map(|row| row.cloud_id)
                }
                // Whoever is named by themselves is asked about alone, and of several nobody is sure.
                _ => return Ok(false),
            };
            let account = account.map(|id| id.as_str().to_owned());
            managers.insert(place, account.clone());
            account
        }
    };
    Ok(applied.profile.get(&Field::Manager) == account.as_ref())
}

/// What is different but for the manager, whose place is the same where there is one.
fn compare(applied: &Person, wanted: &Person, kept: FieldSet) -> Difference {
    let Person { kind, email, active, profile, licenses, roles, telephone } = wanted;
    // Addresses are equal without case, and are written as they are.
    let same = (kind, active) == (&applied.kind, &applied.active)
        && email.as_str() == applied.email.as_str()
        && (licenses, roles, telephone) == (&applied.licenses, &applied.roles, &applied.telephone);
    let names = profile.contains_key(&Field::Manager);
    let is_compared = |field: Field| field != Field::Manager || !names;
    let goes = |field: &Field| is_compared(*field) && !profile.contains_key(field);
    if !same || applied.profile.keys().any(goes) {
        return Difference::Anything;
    }
    let mut difference = Difference::Nothing;
    for (field, value) in profile.iter().filter(|(field, _)| is_compared(**field)) {
        if applied.profile.get(field) != Some(value) {
            if kept.contains(*field) {
                return Difference::Anything;
            }
            difference = Difference::Values;
        }
    }
    difference
}
