//! What people still have from us, whatever the rules say today.

use std::collections::BTreeMap;

use rusqlite::Connection;

use crate::model::{Attr, Email, Given, LicenseId, Person, SourceId};

use super::error::nonsense;
use super::{Reader, StoreError, journal};

impl Reader {
    /// Licences and roles that anybody has from us, or may have. Looks at everybody.
    ///
    /// # Errors
    ///
    /// When the database cannot be read.
    pub fn given(&self) -> Result<Given, StoreError> {
        self.read("reading what was given", all)
    }
}

/// Somebody who keeps licences for a while that no rule gives any more.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Keeper {
    /// Who.
    pub anchor: SourceId,
    /// The address.
    pub email: Email,
    /// Which licences, and since when no rule gives them, in seconds since 1970-01-01 UTC.
    pub fading: BTreeMap<LicenseId, i64>,
}

impl Reader {
    /// How many licences are kept that no rule gives any more, and at most so many of the people who
    /// keep them: those first who are looked at again first.
    ///
    /// # Errors
    ///
    /// When the database cannot be read.
    pub fn keepers(&self, most: usize) -> Result<(u64, Vec<Keeper>), StoreError> {
        self.read("reading who keeps a licence for a while", |db| keepers(db, most))
    }
}

/// Whoever keeps something is looked at again when it is over, or is open: nobody else is read.
fn keepers(db: &Connection, most: usize) -> rusqlite::Result<(u64, Vec<Keeper>)> {
    let mut select = db.prepare_cached(
        "SELECT link.anchor, person.applied, person.given FROM link JOIN person ON person.id = link.person
         WHERE (link.recheck IS NOT NULL OR link.record = zeroblob(16)) AND instr(person.given, '\"fading\"')
         ORDER BY link.recheck IS NULL, link.recheck, link.anchor",
    )?;
    let mut rows = select.query([])?;
    let (mut count, mut first) = (0, Vec::new());
    while let Some(row) = rows.next()? {
        let given: Given = serde_json::from_str(row.get_ref(2)?.as_str()?).map_err(nonsense)?;
        count += given.fading.len() as u64;
        if first.len() < most && !given.fading.is_empty() {
            let applied: Person = serde_json::from_str(row.get_ref(1)?.as_str()?).map_err(nonsense)?;
            let anchor = SourceId::new(row.get(0)?);
            first.push(Keeper { anchor, email: applied.email, fading: given.fading });
        }
    }
    Ok((count, first))
}

/// Everything that anybody was given and not yet deprived of; and what calls may have given whose
/// answers never came.
fn all(db: &Connection) -> rusqlite::Result<Given> {
    let mut all = Given::default();
    let mut select = db.prepare_cached("SELECT DISTINCT given FROM person WHERE given <> '{}'")?;
    let mut rows = select.query([])?;
    while let Some(row) = rows.next()? {
        let given: Given = serde_json::from_str(row.get_ref(0)?.as_str()?).map_err(nonsense)?;
        all.licenses.extend(given.licenses);
        all.roles.extend(given.roles);
    }
    for intent in journal::open(db)?.into_iter().chain(journal::unconfirmed(db)?) {
        for change in intent.action.changes {
            match change.field {
                Attr::License(id) => drop(all.licenses.insert(id)),
                Attr::Role(id) => drop(all.roles.insert(id)),
                _ => {}
            }
        }
    }
    Ok(all)
}
