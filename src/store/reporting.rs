//! Who reports to whom: an index by the place of the manager.
//!
//! A person names a manager by a DN, and the cloud wants an id. Whoever gets an account, another
//! account or none, or moves, concerns those who named that place, and nobody else.

use std::collections::BTreeSet;

use rusqlite::{Connection, OptionalExtension, Row, params};

use super::error::nonsense;
use super::{Reader, StoreError, snapshot};
use crate::model::{Key, SourceId};

/// Whom somebody names as manager; `None` for nobody.
pub type Named = (SourceId, Option<Key>);

/// Why somebody waits for a second look at the manager.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Why {
    /// Another account came to the place that they name, or went, or is expected there.
    Changed,
    /// A pass came to its end, and nobody who is there has an account.
    Late,
    /// The account was about to be made, and gets its manager once.
    New,
}

/// Somebody who waits for a second look at the manager.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Waits {
    /// Who.
    pub anchor: SourceId,
    /// The place that they name.
    pub place: Option<Key>,
    /// Why.
    pub why: Why,
}

/// What becomes known of people and their managers, all of it at once.
#[derive(Debug, Default)]
pub struct Reports {
    /// Whom people name.
    pub named: Vec<Named>,
    /// Who is to be looked at once more.
    pub due: Vec<(SourceId, Why)>,
    /// Of whom the account says who the manager is.
    pub done: Vec<SourceId>,
}

pub(super) fn write(db: &Connection, reports: &Reports) -> rusqlite::Result<()> {
    set(db, &reports.named)?;
    let mut put = db.prepare_cached(
        "INSERT INTO report_due (anchor, why) VALUES (?1, ?2)
         ON CONFLICT (anchor) DO UPDATE SET why = excluded.why WHERE excluded.why != 0",
    )?;
    for (anchor, why) in &reports.due {
        put.execute(params![anchor.as_bytes(), *why as i64])?;
    }
    done(db, &reports.done)
}

fn set(db: &Connection, all: &[Named]) -> rusqlite::Result<()> {
    let mut put = db.prepare_cached(
        "INSERT INTO report (anchor, manager) VALUES (?1, ?2)
         ON CONFLICT (anchor) DO UPDATE SET manager = excluded.manager WHERE manager != excluded.manager",
    )?;
    let mut drop = db.prepare_cached("DELETE FROM report WHERE anchor = ?1")?;
    let mut anew = db.prepare_cached("UPDATE report_due SET why = 0 WHERE anchor = ?1 AND why = 1")?;
    for (anchor, manager) in all {
        let changed = match manager {
            Some(key) => put.execute(params![anchor.as_bytes(), key.0])?,
            None => drop.execute([anchor.as_bytes()])?,
        };
        // Nobody waited in vain for another one.
        if changed > 0 {
            anew.execute([anchor.as_bytes()])?;
        }
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

/// Who stands at other places than before, all of them at once: two may have changed places.
#[derive(Debug, Default)]
pub struct Moves {
    /// Who, and where to.
    pub places: Vec<(SourceId, String)>,
    /// Who goes on to name a place that one of them left.
    pub staying: BTreeSet<SourceId>,
}

/// People moved. Those who named an old place mean the person: Active Directory rewrites their records
/// without saying so.
pub(super) fn relocate(db: &Connection, Moves { places, staying }: &Moves) -> rusqlite::Result<()> {
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
            let anchor = anchor?;
            if !staying.contains(&anchor) {
                named.push((anchor, Some(*to)));
            }
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
fn done(db: &Connection, anchors: &[SourceId]) -> rusqlite::Result<()> {
    let mut delete = db.prepare_cached("DELETE FROM report_due WHERE anchor = ?1")?;
    for anchor in anchors {
        delete.execute([anchor.as_bytes()])?;
    }
    Ok(())
}

impl Reader {
    /// At most `limit` people who follow an anchor and wait for a second look at the manager; sorted.
    ///
    /// # Errors
    ///
    /// When the database cannot be read.
    pub fn managers_due(&self, after: Option<SourceId>, limit: usize) -> Result<Vec<Waits>, StoreError> {
        self.read("reading who reports to whom", |db| due_after(db, after, limit))
    }

    /// Those of these people who wait for a second look at the manager.
    ///
    /// # Errors
    ///
    /// When the database cannot be read.
    pub fn managers_due_of(&self, people: &[SourceId]) -> Result<Vec<Waits>, StoreError> {
        self.read("reading who reports to whom", |db| {
            if !db.prepare_cached("SELECT 1 FROM report_due")?.exists([])? {
                return Ok(Vec::new());
            }
            let mut select = db.prepare_cached("SELECT anchor, why FROM report_due WHERE anchor = ?1")?;
            let mut found = Vec::new();
            for anchor in people {
                found.extend(select.query_row([anchor.as_bytes()], waits).optional()?);
            }
            with_places(db, found)
        })
    }

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

fn due_after(db: &Connection, after: Option<SourceId>, limit: usize) -> rusqlite::Result<Vec<Waits>> {
    let after: &[u8] = after.as_ref().map_or(&[], |anchor| anchor.as_bytes());
    let limit = i64::try_from(limit).unwrap_or(i64::MAX);
    let due: Vec<Waits> = db
        .prepare_cached("SELECT anchor, why FROM report_due WHERE anchor > ?1 ORDER BY anchor LIMIT ?2")?
        .query_map(params![after, limit], waits)?
        .collect::<rusqlite::Result<_>>()?;
    with_places(db, due)
}

fn waits(row: &Row<'_>) -> rusqlite::Result<Waits> {
    let why = match row.get(1)? {
        0 => Why::Changed,
        1 => Why::Late,
        2 => Why::New,
        _ => return Err(nonsense("an unknown reason to wait for a manager")),
    };
    Ok(Waits { anchor: SourceId::new(row.get(0)?), place: None, why })
}

/// The same with the places that they name.
fn with_places(db: &Connection, mut due: Vec<Waits>) -> rusqlite::Result<Vec<Waits>> {
    let mut select = db.prepare_cached("SELECT manager FROM report WHERE anchor = ?1")?;
    for one in &mut due {
        one.place = select.query_row([one.anchor.as_bytes()], |row| row.get(0).map(Key)).optional()?;
    }
    Ok(due)
}
