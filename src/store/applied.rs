//! How what the rules want of somebody compares with the row of the snapshot, before anything is planned.

use rusqlite::{Connection, OptionalExtension};

use super::error::nonsense;
use super::{Reader, StagedWanted, StoreError, snapshot};
use crate::model::{Field, FieldSet, Fingerprint, Given, Key, Person, SourceId, Wanted};

/// What is different.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Difference {
    /// Nothing: the person is to be what was applied, at the same DN, with nothing open and nothing
    /// given besides.
    Nothing,
    /// Values of attributes alone, of which none goes, and none is left to the cloud.
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
    /// manager is compared by the place that is named, as the account there is not known yet. Whoever
    /// stands elsewhere comes with the place that was left ([`Key::dn`]).
    pub fn differences(
        &self,
        people: &[&StagedWanted],
        kept: FieldSet,
    ) -> Result<Vec<(Difference, Option<Key>)>, StoreError> {
        self.read("comparing with the snapshot", |db| {
            people.iter().map(|staged| Ok((difference(db, staged, kept)?, left(db, staged)?))).collect()
        })
    }
}

/// The place that somebody left.
fn left(db: &Connection, staged: &StagedWanted) -> rusqlite::Result<Option<Key>> {
    let place = snapshot::place(db, staged.anchor)?;
    Ok(place.filter(|place| *place != Key::dn(&staged.dn)))
}

fn difference(db: &Connection, staged: &StagedWanted, kept: FieldSet) -> rusqlite::Result<Difference> {
    let Wanted::Present(person) = &staged.wanted else { return Ok(Difference::Anything) };
    let mut select = db.prepare_cached(
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
    let Some(applied) = found else { return Ok(Difference::Anything) };
    if !names_as_before(db, staged.anchor, person)? {
        return Ok(Difference::Anything);
    }
    Ok(compare(&applied, person, kept))
}

/// Whether all that we gave is still to be given.
fn is_wanted(given: &Given, person: &Person) -> bool {
    let Given { licenses, roles, fading, block } = given;
    licenses.is_subset(&person.licenses) && roles.is_subset(&person.roles) && fading.is_empty() && !block
}

/// Whether the manager stands at the place that was named before, and is in the cloud as noted.
fn names_as_before(db: &Connection, anchor: SourceId, person: &Person) -> rusqlite::Result<bool> {
    let Some(manager) = person.profile.get(&Field::Manager) else { return Ok(true) };
    let due =
        "SELECT manager, EXISTS (SELECT 1 FROM report_due WHERE anchor = ?1) FROM report WHERE anchor = ?1";
    let named = db
        .prepare_cached(due)?
        .query_row([anchor.as_bytes()], |row| Ok((Key(row.get(0)?), row.get::<_, bool>(1)?)))
        .optional()?;
    Ok(named == Some((Key::dn(manager), false)))
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
