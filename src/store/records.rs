//! The records as read, kept from pass to pass where the configuration says so, so that other rules
//! are judged without reading the directory again. They are packed, see `packing.rs`.

use std::collections::BTreeSet;

use rusqlite::{Connection, params};
use serde::{Deserialize, Serialize};

use super::error::nonsense;
use super::{Reader, StoreError};
use crate::model::{Ask, SourceId};

/// What the kept records hold, and what they refer to. While it is there, they are those of the time of
/// the cursors, or newer.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct KeptRecords {
    /// The attributes that were asked for, lower case.
    pub attributes: BTreeSet<String>,
    /// Whether groups were, so that the state knows all of them.
    pub groups: bool,
    /// Whether contacts were.
    pub contacts: bool,
    /// Whose people they are: the names of all sources.
    pub sources: BTreeSet<String>,
    /// The words.
    pub words: Vec<String>,
    /// Whether somebody who is named in them, as a manager, stands elsewhere since: nobody tells of those
    /// who name them.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub outdated: bool,
}

impl KeptRecords {
    /// None yet, of what the sources with these names are asked for.
    pub fn of<'a>(ask: &Ask, sources: impl Iterator<Item = &'a str>) -> Self {
        let sources = sources.map(str::to_owned).collect();
        let Ask { attributes, groups, contacts } = ask.clone();
        Self { attributes, groups, contacts, sources, words: Vec::new(), outdated: false }
    }

    /// Whether others hold the same: the answers of the same sources to the same question.
    pub fn hold_as_much_as(&self, other: &Self) -> bool {
        let what = |kept: &Self| (kept.attributes.clone(), kept.groups, kept.contacts, kept.sources.clone());
        what(self) == what(other)
    }

    /// What was asked for.
    pub fn ask(&self) -> Ask {
        Ask { attributes: self.attributes.clone(), groups: self.groups, contacts: self.contacts }
    }

    /// Whether they hold everything that is asked for.
    pub fn cover(&self, ask: &Ask) -> bool {
        ask.attributes.is_subset(&self.attributes)
            && (self.groups || !ask.groups)
            && (self.contacts || !ask.contacts)
    }
}

/// What becomes of kept records.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RecordChanges {
    /// Forget all of them before.
    pub clear: bool,
    /// New and changed ones, packed.
    pub put: Vec<(SourceId, Vec<u8>)>,
    /// Those of people who are gone.
    pub drop: Vec<SourceId>,
}

pub(super) fn write(db: &Connection, changes: &RecordChanges) -> rusqlite::Result<()> {
    if changes.clear {
        // What is forgotten is not to be found in the file either.
        db.pragma_update(None, "secure_delete", true)?;
        let cleared = db.execute("DELETE FROM record", []);
        db.pragma_update(None, "secure_delete", false)?;
        cleared?;
    }
    let mut put = db.prepare_cached(
        "INSERT INTO record (anchor, document) VALUES (?1, ?2) ON CONFLICT (anchor) DO UPDATE
         SET document = excluded.document WHERE document <> excluded.document",
    )?;
    for (anchor, document) in &changes.put {
        put.execute(params![anchor.as_bytes(), document])?;
    }
    let mut drop = db.prepare_cached("DELETE FROM record WHERE anchor = ?1")?;
    for anchor in &changes.drop {
        drop.execute([anchor.as_bytes()])?;
    }
    Ok(())
}

impl Reader {
    /// At most `limit` kept records that follow an anchor, packed, sorted by anchor.
    ///
    /// # Errors
    ///
    /// This and the other calls: when the database cannot be read.
    pub fn records_after(
        &self,
        after: Option<SourceId>,
        limit: usize,
    ) -> Result<Vec<(SourceId, Vec<u8>)>, StoreError> {
        self.read("reading the kept records", |db| {
            let after: &[u8] = after.as_ref().map_or(&[], |anchor| anchor.as_bytes());
            db.prepare_cached(
                "SELECT anchor, document FROM record WHERE anchor > ?1 ORDER BY anchor LIMIT ?2",
            )?
            .query_map(params![after, i64::try_from(limit).unwrap_or(i64::MAX)], |row| {
                Ok((SourceId::new(row.get(0)?), row.get(1)?))
            })?
            .collect()
        })
    }

    /// At most `limit` people who are linked, have not left, and of whom no record is kept; sorted.
    pub fn unrecorded(&self, limit: usize) -> Result<Vec<SourceId>, StoreError> {
        self.read("looking for people without a kept record", |db| {
            db.prepare_cached(
                "SELECT anchor FROM link WHERE left_since IS NULL
                     AND NOT EXISTS (SELECT 1 FROM record WHERE record.anchor = link.anchor)
                 ORDER BY anchor LIMIT ?1",
            )?
            .query_map([i64::try_from(limit).unwrap_or(i64::MAX)], |row| row.get(0).map(SourceId::new))?
            .collect()
        })
    }

    /// Whether any record is kept, also one that nothing refers to any more.
    pub fn keeps_records(&self) -> Result<bool, StoreError> {
        self.read("looking for kept records", |db| {
            db.prepare_cached("SELECT 1 FROM record LIMIT 1")?.exists([])
        })
    }

    /// How many records are kept, and the bytes of all of them.
    pub fn kept_size(&self) -> Result<(u64, u64), StoreError> {
        self.read("counting the kept records", |db| {
            db.query_row("SELECT count(*), coalesce(sum(length(document)), 0) FROM record", [], |row| {
                Ok((row.get::<_, i64>(0)?.unsigned_abs(), row.get::<_, i64>(1)?.unsigned_abs()))
            })
        })
    }
}

/// The error of a record that cannot be unpacked.
pub fn unreadable(anchor: SourceId) -> StoreError {
    let mut error = StoreError::sqlite(
        "reading the kept records",
        &nonsense(format!("the record of {anchor} is damaged")),
    );
    error.remedy = "run `dirsyncd sync --full` once: the sources are read, and the records kept anew".into();
    error
}
