//! Who stands in the snapshot exactly as the rules want it: told from the stored text, which is not
//! unfolded for it.

use rusqlite::{Connection, OptionalExtension};

use super::error::nonsense;
use super::{Reader, StagedWanted, StoreError, snapshot};
use crate::model::{Fingerprint, Given, Key, Person, SourceId, Wanted};

impl Reader {
    /// The keys of the applied addresses of these people, as far as they are linked.
    pub fn emails_of(&self, anchors: &[SourceId]) -> Result<Vec<(SourceId, Key)>, StoreError> {
        self.read("looking up addresses", |db| snapshot::emails_of(db, anchors))
    }

    /// Of linked people, whether the row of each says what is wanted, at the same DN, with nothing open
    /// and nothing given besides.
    pub fn are_as_applied(&self, people: &[&StagedWanted]) -> Result<Vec<bool>, StoreError> {
        self.read("comparing with the snapshot", |db| {
            people.iter().map(|staged| is_as_applied(db, staged)).collect()
        })
    }
}

fn is_as_applied(db: &Connection, staged: &StagedWanted) -> rusqlite::Result<bool> {
    let Wanted::Present(person) = &staged.wanted else { return Ok(false) };
    let wanted = serde_json::to_vec(person).map_err(nonsense)?;
    let same = db
        .prepare_cached(
            // Conditions on these columns would make SQLite weigh its partial indexes anew at each step.
            "SELECT person.dn, person.applied, person.given, link.record, link.applied,
                 link.left_since IS NULL AND link.recheck IS NULL AND link.joined IS NULL
             FROM link JOIN person ON person.id = link.person WHERE link.anchor = ?1",
        )?
        .query_row([staged.anchor.as_bytes()], |row| {
            let given = row.get_ref(2)?.as_str()?;
            let [record, applied] = [Fingerprint(row.get(3)?), Fingerprint(row.get(4)?)];
            Ok(row.get(5)?
                && ![record, applied].contains(&Fingerprint::NONE)
                && row.get_ref(0)?.as_str()? == staged.dn
                && row.get_ref(1)?.as_str()?.as_bytes() == wanted
                && (given == "{}" || is_wanted(&serde_json::from_str(given).map_err(nonsense)?, person)))
        })
        .optional()?;
    Ok(same == Some(true))
}

/// Whether all that we gave is still to be given.
fn is_wanted(given: &Given, person: &Person) -> bool {
    let Given { licenses, roles, fading, block } = given;
    licenses.is_subset(&person.licenses) && roles.is_subset(&person.roles) && fading.is_empty() && !block
}
