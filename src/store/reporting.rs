//! Who reports to whom: an index by the place of the manager.
//!
//! A person names a manager by a DN, and the cloud wants an id. Whoever gets an account, another
//! account or none, or moves, concerns those who named that place, and nobody else.

use std::collections::BTreeSet;

use rusqlite::{Connection, OptionalExtension, params};

use super::{Reader, StoreError, snapshot};
use crate::model::{Key, SourceId};

/// Whom somebody names as manager; `None` for nobody.
pub type Named = (SourceId, Option<Key>);

pub(super) fn set(db: &Connection, all: &[Named]) -> rusqlite::Result<()> {
    let mut put = db.prepare_cached(
        "INSERT INTO report (anchor, manager) VALUES (?1, ?2)
         ON CONFLICT (anchor) DO UPDATE SET manager = excluded.manager WHERE manager != excluded.manager",
    )?;
    let mut drop = db.prepare_cached("DELETE FROM report WHERE anchor = ?1")?;
    for (anchor, manager) in all {
        match manager {
            Some(key) => put.execute(params![anchor.as_bytes(), key.0])?,
            None => drop.execute([anchor.as_bytes()])?,
        };
    }
    Ok(())
}

/// Another account stands at a place, or none: whoever named it is due.
pub(super) fn changed(db: &Connection, place: Key) -> rusqlite::Result<()> {
    db.prepare_cached(
        "INSERT OR IGNORE INTO report_due (anchor) SELECT anchor FROM report WHERE manager = ?1",
    )?
    .execute([place.0])
    .map(drop)
}

/// People stand at other places than before, all of them at once: two may have changed places. Those
/// who named an old place mean the person: Active Directory rewrites their records without saying so.
pub(super) fn relocate(db: &Connection, places: &[(SourceId, String)]) -> rusqlite::Result<()> {
    let mut moves = Vec::new();
    for (anchor, dn) in places {
        let to = Key::dn(dn);
        if let Some(from) = snapshot::place(db, *anchor)?.filter(|from| *from != to) {
            moves.push((*anchor, dn, from, to));
        }
    }
    let mut select = db.prepare_cached("SELECT anchor FROM report WHERE manager = ?1")?;
    let mut named: Vec<Named> = Vec::new();
    for (_, _, from, to) in &moves {
        let those = select.query_map([from.0], |row| row.get(0).map(SourceId::new))?;
        for anchor in those {
            named.push((anchor?, Some(*to)));
        }
    }
    for (anchor, dn, _, to) in moves {
        snapshot::move_to(db, anchor, dn, to)?;
    }
    set(db, &named)
}

/// Somebody is not ours any more.
pub(super) fn forget(db: &Connection, anchor: SourceId) -> rusqlite::Result<()> {
    for table in ["report", "report_due"] {
        db.prepare_cached(&format!("DELETE FROM {table} WHERE anchor = ?1"))?.execute([anchor.as_bytes()])?;
    }
    Ok(())
}

/// These were looked at.
pub(super) fn done(db: &Connection, anchors: &[SourceId]) -> rusqlite::Result<()> {
    let mut delete = db.prepare_cached("DELETE FROM report_due WHERE anchor = ?1")?;
    for anchor in anchors {
        delete.execute([anchor.as_bytes()])?;
    }
    Ok(())
}

impl Reader {
    /// At most `limit` people who follow an anchor and whose manager has another account than
    /// before, each with the key of the DN that they name; sorted.
    ///
    /// # Errors
    ///
    /// When the database cannot be read.
    pub fn managers_due(&self, after: Option<SourceId>, limit: usize) -> Result<Vec<Named>, StoreError> {
        self.read("reading who reports to whom", |db| due_after(db, after, limit))
    }
}

impl Reader {
    /// Who names one of these places as that of the manager.
    ///
    /// # Errors
    ///
    /// When the database cannot be read.
    pub fn reporters(&self, places: &BTreeSet<Key>) -> Result<Vec<SourceId>, StoreError> {
        self.read("reading who reports to whom", |db| {
            let mut select = db.prepare_cached("SELECT anchor FROM report WHERE manager = ?1")?;
            let mut found = Vec::new();
            for place in places {
                for anchor in select.query_map([place.0], |row| row.get(0).map(SourceId::new))? {
                    found.push(anchor?);
                }
            }
            Ok(found)
        })
    }
}

fn due_after(db: &Connection, after: Option<SourceId>, limit: usize) -> rusqlite::Result<Vec<Named>> {
    let after: &[u8] = after.as_ref().map_or(&[], |anchor| anchor.as_bytes());
    let limit = i64::try_from(limit).unwrap_or(i64::MAX);
    let due: Vec<SourceId> = db
        .prepare_cached("SELECT anchor FROM report_due WHERE anchor > ?1 ORDER BY anchor LIMIT ?2")?
        .query_map(params![after, limit], |row| row.get(0).map(SourceId::new))?
        .collect::<rusqlite::Result<_>>()?;
    let mut select = db.prepare_cached("SELECT manager FROM report WHERE anchor = ?1")?;
    due.into_iter()
        .map(|anchor| {
            let manager = select.query_row([anchor.as_bytes()], |row| row.get(0).map(Key)).optional()?;
            Ok((anchor, manager))
        })
        .collect()
}
