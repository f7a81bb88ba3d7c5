//! Finding people by cloud id, e-mail or DN.
//!
//! The keys are hashes: spread over an index of a million people, each new one would rewrite a
//! page of its own with every commit. New names are therefore appended to a short list, and
//! sorted into the index together. What is found is a hint, which the link confirms.

use std::collections::BTreeSet;

use rusqlite::{Connection, params};

use super::cloud_groups;
use crate::model::{Key, SourceId};

/// The list is sorted into the index when it is that long; in tests soon, to see it happen.
const MANY: i64 = if cfg!(test) { 5 } else { 30_000 };

/// The keys under which one person is found.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) struct Names {
    pub(super) cloud: Key,
    pub(super) email: Key,
    pub(super) dn: Key,
}

/// The columns of a link by which it can be found.
#[derive(Clone, Copy)]
pub(super) enum By {
    Cloud,
    Email,
    Dn,
}

/// Notes that a person is known by other names than before: none for a new or a forgotten link.
pub(super) fn change(
    db: &Connection,
    anchor: SourceId,
    old: Option<Names>,
    new: Option<Names>,
) -> rusqlite::Result<()> {
    if old == new {
        return Ok(());
    }
    cloud_groups::moved(db, anchor, old, new)?;
    let mut insert =
        db.prepare_cached("INSERT INTO news (anchor, cloud, email, dn, gone) VALUES (?1, ?2, ?3, ?4, ?5)")?;
    for (names, gone) in [(old, true), (new, false)] {
        if let Some(names) = names {
            insert.execute(params![anchor.as_bytes(), names.cloud.0, names.email.0, names.dn.0, gone])?;
        }
    }
    Ok(())
}

/// Whether the list has become so long that [`sort`] is due.
pub(super) fn are_many(db: &Connection) -> rusqlite::Result<bool> {
    db.prepare_cached("SELECT (SELECT max(id) FROM news) - (SELECT min(id) FROM news)")?
        .query_row([], |row| row.get::<_, Option<i64>>(0))
        .map(|length| length >= Some(MANY))
}

/// Sorts the list into the index.
pub(super) fn sort(db: &Connection) -> rusqlite::Result<()> {
    let mut entries: Vec<(Key, SourceId, i64, bool)> = Vec::new();
    let mut select = db.prepare_cached("SELECT id, anchor, gone, cloud, email, dn FROM news")?;
    let mut rows = select.query([])?;
    while let Some(row) = rows.next()? {
        let (id, anchor, gone) = (row.get(0)?, SourceId::new(row.get(1)?), row.get(2)?);
        for column in 3..6 {
            entries.push((Key(row.get(column)?), anchor, id, gone));
        }
    }
    drop(rows);
    entries.sort_unstable();
    let mut insert = db.prepare_cached("INSERT OR IGNORE INTO name (key, anchor) VALUES (?1, ?2)")?;
    let mut delete = db.prepare_cached("DELETE FROM name WHERE key = ?1 AND anchor = ?2")?;
    for (i, (key, anchor, id, gone)) in entries.iter().enumerate() {
        // Of all that was said about one name of one person, the last counts. A row that goes
        // and one that stays never share an id, but one row can have one key twice.
        let last = entries.get(i + 1).is_none_or(|next| (next.0, next.1) != (*key, *anchor) || next.2 == *id);
        if last {
            let statement = if *gone { &mut delete } else { &mut insert };
            statement.execute(params![key.0, anchor.as_bytes()])?;
        }
    }
    // The last row stays so that ids go on rising, which tells readers what they have seen.
    db.prepare_cached("DELETE FROM news WHERE id < (SELECT max(id) FROM news)")?.execute([])?;
    Ok(())
}

/// The list of new names, as far as a reader has seen it.
#[derive(Default)]
pub(super) struct News {
    first: i64,
    last: i64,
    names: BTreeSet<(Key, SourceId)>,
}

impl News {
    fn refresh(&mut self, db: &Connection) -> rusqlite::Result<()> {
        let first: Option<i64> =
            db.prepare_cached("SELECT min(id) FROM news")?.query_row([], |row| row.get(0))?;
        if first != Some(self.first) {
            *self = Self { first: first.unwrap_or_default(), ..Self::default() };
        }
        let mut select = db.prepare_cached(
            "SELECT id, anchor, gone, cloud, email, dn FROM news WHERE id > ?1 ORDER BY id",
        )?;
        let mut rows = select.query([self.last])?;
        while let Some(row) = rows.next()? {
            self.last = row.get(0)?;
            if !row.get::<_, bool>(2)? {
                let anchor = SourceId::new(row.get(1)?);
                for column in 3..6 {
                    self.names.insert((Key(row.get(column)?), anchor));
                }
            }
        }
        Ok(())
    }

    /// Who is found under these keys; sorted, with several entries for a key that several share.
    pub(super) fn find(
        &mut self,
        db: &Connection,
        by: By,
        keys: &[Key],
    ) -> rusqlite::Result<Vec<(Key, SourceId)>> {
        // First the list and then the index: a name moves from one to the other.
        self.refresh(db)?;
        let mut hints = db.prepare_cached("SELECT anchor FROM name WHERE key = ?1")?;
        let mut confirm = db.prepare_cached(match by {
            By::Cloud => "SELECT 1 FROM link WHERE anchor = ?1 AND cloud = ?2",
            By::Email => "SELECT 1 FROM link WHERE anchor = ?1 AND email = ?2",
            By::Dn => "SELECT 1 FROM link WHERE anchor = ?1 AND dn = ?2",
        })?;
        let mut found = Vec::with_capacity(keys.len());
        for key in keys.iter().copied().collect::<BTreeSet<_>>() {
            let ends = (key, SourceId::new([0; 16]))..=(key, SourceId::new([0xff; 16]));
            let mut anchors: BTreeSet<SourceId> = self.names.range(ends).map(|(_, anchor)| *anchor).collect();
            let mut rows = hints.query([key.0])?;
            while let Some(row) = rows.next()? {
                anchors.insert(SourceId::new(row.get(0)?));
            }
            for anchor in anchors {
                if confirm.exists(params![anchor.as_bytes(), key.0])? {
                    found.push((key, anchor));
                }
            }
        }
        Ok(found)
    }
}
