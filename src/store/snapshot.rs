//! The snapshot: one row per linked person, in a narrow table that is streamed and a wide one
//! that is looked up.

use std::collections::BTreeSet;

use rusqlite::{Connection, OptionalExtension, Row, params};

use super::aliases;
use super::cloud_groups::{self, GroupChange};
use super::contacts::{self, ContactChange};
use super::error::nonsense;
use super::names::{self, Names};
use super::reporting;
use crate::model::{AccountKind, CloudId, Fingerprint, Key, Link, LinkState, Origin, SnapshotRow, SourceId};

/// One change of the snapshot.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RowChange {
    /// The whole row, new or changed.
    Link(Box<SnapshotRow>),
    /// The record was looked at, and the cloud agrees. Does nothing for an unknown anchor.
    Touch {
        /// Who.
        anchor: SourceId,
        /// See [`Link::record`].
        record: Fingerprint,
        /// The DN, when it changed.
        dn: Option<String>,
        /// See [`SnapshotRow::recheck`]; replaces what was there.
        recheck: Option<i64>,
        /// See [`SnapshotRow::joined`]; replaces what was there.
        joined: Option<Key>,
    },
    /// The person has another anchor than before: the old link ends, and this row takes its place.
    Move {
        /// The old anchor.
        from: SourceId,
        /// The row under the new one.
        row: Box<SnapshotRow>,
    },
    /// The link ends: the account is gone, or no longer ours.
    Forget(SourceId),
    /// A group, not a person.
    Group(Box<GroupChange>),
    /// A contact, not a person.
    Contact(Box<ContactChange>),
}

impl RowChange {
    /// Whose row.
    pub fn anchor(&self) -> SourceId {
        match self {
            Self::Link(row) | Self::Move { row, .. } => row.anchor,
            Self::Touch { anchor, .. } | Self::Forget(anchor) => *anchor,
            Self::Group(change) => change.anchor,
            Self::Contact(change) => change.anchor,
        }
    }
}

/// One change as the writer needs it: everything that can be worked out before is.
pub(super) enum Prepared {
    Link(Box<PreparedRow>),
    Touch {
        anchor: SourceId,
        record: Fingerprint,
        dn: Option<(String, Key)>,
        recheck: Option<i64>,
        joined: Option<Key>,
    },
    Move(SourceId, Box<PreparedRow>),
    Forget(SourceId),
    Group(Box<GroupChange>),
    Contact(Box<ContactChange>),
}

/// A whole row, with its keys and texts.
pub(super) struct PreparedRow {
    row: SnapshotRow,
    names: Names,
    licenses: i64,
    applied: String,
    given: String,
    aliases: BTreeSet<Key>,
}

impl Prepared {
    pub(super) fn new(change: RowChange) -> Result<Self, serde_json::Error> {
        Ok(match change {
            RowChange::Forget(anchor) => Self::Forget(anchor),
            RowChange::Group(change) => Self::Group(change),
            RowChange::Contact(change) => Self::Contact(change),
            RowChange::Touch { anchor, record, dn, recheck, joined } => {
                let dn = dn.map(|dn| {
                    let key = Key::dn(&dn);
                    (dn, key)
                });
                Self::Touch { anchor, record, dn, recheck, joined }
            }
            RowChange::Link(row) => Self::Link(Box::new(PreparedRow::new(*row)?)),
            RowChange::Move { from, row } => Self::Move(from, Box::new(PreparedRow::new(*row)?)),
        })
    }
}

impl PreparedRow {
    fn new(row: SnapshotRow) -> Result<Self, serde_json::Error> {
        Ok(Self {
            names: Names {
                cloud: Key::exact(row.cloud_id.as_str()),
                email: row.applied.email.key(),
                dn: Key::dn(&row.dn),
            },
            licenses: row.licenses_print.cast_signed(),
            applied: serde_json::to_string(&row.applied)?,
            given: serde_json::to_string(&row.given)?,
            aliases: aliases::keys(&row.applied.profile),
            row,
        })
    }
}

const fn origin_name(origin: Origin) -> &'static str {
    match origin {
        Origin::Created => "created",
        Origin::Adopted => "adopted",
    }
}

/// Carries out one change. Whoever calls this moves the generation on.
pub(super) fn change(db: &Connection, change: &Prepared) -> rusqlite::Result<()> {
    match change {
        Prepared::Link(row) => upsert(db, row),
        Prepared::Group(change) => cloud_groups::change(db, change),
        Prepared::Contact(change) => contacts::change(db, change),
        Prepared::Touch { anchor, record, dn, recheck, joined } => {
            db.prepare_cached("UPDATE link SET record = ?2, recheck = ?3, joined = ?4 WHERE anchor = ?1")?
                .execute(params![anchor.as_bytes(), record.0, recheck, joined.map(|key| key.0)])?;
            match dn {
                Some((dn, key)) => move_to(db, *anchor, dn, *key),
                None => Ok(()),
            }
        }
        Prepared::Move(from, row) => {
            forget(db, *from)?;
            upsert(db, row)
        }
        Prepared::Forget(anchor) => forget(db, *anchor),
    }
}

fn forget(db: &Connection, anchor: SourceId) -> rusqlite::Result<()> {
    let Some((person, names, _)) = known(db, anchor)? else { return Ok(()) };
    db.prepare_cached("DELETE FROM link WHERE anchor = ?1")?.execute([anchor.as_bytes()])?;
    db.prepare_cached("DELETE FROM person WHERE id = ?1")?.execute([person])?;
    reporting::forget(db, anchor)?;
    aliases::forget(db, anchor)?;
    reporting::changed(db, names.dn)?;
    names::change(db, anchor, Some(names), None)
}

/// The wide row of a linked person, the names in use, and whether the person left.
fn known(db: &Connection, anchor: SourceId) -> rusqlite::Result<Option<(i64, Names, bool)>> {
    db.prepare_cached("SELECT person, cloud, email, dn, left_since IS NOT NULL FROM link WHERE anchor = ?1")?
        .query_row([anchor.as_bytes()], |row| {
            let names = Names { cloud: Key(row.get(1)?), email: Key(row.get(2)?), dn: Key(row.get(3)?) };
            Ok((row.get(0)?, names, row.get(4)?))
        })
        .optional()
}

/// Where a linked person stands.
pub(super) fn place(db: &Connection, anchor: SourceId) -> rusqlite::Result<Option<Key>> {
    Ok(known(db, anchor)?.map(|(_, names, _)| names.dn))
}

pub(super) fn move_to(db: &Connection, anchor: SourceId, dn: &str, key: Key) -> rusqlite::Result<()> {
    let Some((person, old, _)) = known(db, anchor)? else { return Ok(()) };
    db.prepare_cached("UPDATE link SET dn = ?2 WHERE anchor = ?1")?
        .execute(params![anchor.as_bytes(), key.0])?;
    db.prepare_cached("UPDATE person SET dn = ?2 WHERE id = ?1")?.execute(params![person, dn])?;
    if old.dn != key {
        reporting::changed(db, key)?;
    }
    names::change(db, anchor, Some(old), Some(Names { dn: key, ..old }))
}

fn upsert(db: &Connection, new: &PreparedRow) -> rusqlite::Result<()> {
    let PreparedRow { row, names, licenses, applied, given, aliases } = new;
    let since = match row.state {
        LinkState::Present => None,
        LinkState::Left { since } => Some(since),
    };
    let old = known(db, row.anchor)?;
    let origin = origin_name(row.origin);
    let person = match old {
        Some((person, ..)) => {
            db.prepare_cached(
                "UPDATE person SET cloud_id = ?2, dn = ?3, origin = ?4, applied = ?5, given = ?6 WHERE id = ?1",
            )?
            .execute(params![person, row.cloud_id.as_str(), row.dn, origin, applied, given])?;
            person
        }
        None => db
            .prepare_cached(
                "INSERT INTO person (cloud_id, dn, origin, applied, given) VALUES (?1, ?2, ?3, ?4, ?5)",
            )?
            .insert(params![row.cloud_id.as_str(), row.dn, origin, applied, given])?,
    };
    db.prepare_cached(
        "INSERT OR REPLACE INTO link (anchor, record, applied, licenses, cloud, left_since, recheck, person,
             email, dn, joined, room)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12)",
    )?
    .execute(params![
        row.anchor.as_bytes(),
        row.record.0,
        row.applied_print.0,
        licenses,
        names.cloud.0,
        since,
        row.recheck,
        person,
        names.email.0,
        names.dn.0,
        row.joined.map(|key| key.0),
        row.applied.kind == AccountKind::Room,
    ])?;
    aliases::set(db, row.anchor, aliases)?;
    if old.is_some_and(|(_, _, left)| left != since.is_some()) {
        cloud_groups::follow(db, row.anchor, names.dn)?;
    }
    let old = old.map(|(_, names, _)| names);
    if old.is_none_or(|old| (old.cloud, old.dn) != (names.cloud, names.dn)) {
        reporting::changed(db, names.dn)?;
    }
    names::change(db, row.anchor, old, Some(*names))
}

/// Marks links as to be looked at again.
pub(super) fn reopen(db: &Connection, anchors: &[SourceId]) -> rusqlite::Result<()> {
    let mut update = db.prepare_cached("UPDATE link SET record = ?2 WHERE anchor = ?1")?;
    for anchor in anchors {
        update.execute(params![anchor.as_bytes(), Fingerprint::NONE.0])?;
    }
    Ok(())
}

/// At most `limit` links that follow an anchor, in the order of their anchors, appended to `links`.
pub(super) fn links_after(
    db: &Connection,
    now: i64,
    after: Option<SourceId>,
    limit: usize,
    links: &mut Vec<Link>,
) -> rusqlite::Result<()> {
    let after: &[u8] = after.as_ref().map_or(&[], |anchor| anchor.as_bytes());
    let mut select = db.prepare_cached(&format!("{LINK} WHERE anchor > ?1 ORDER BY anchor LIMIT ?2"))?;
    let mut rows = select.query(params![after, i64::try_from(limit).unwrap_or(i64::MAX)])?;
    while let Some(row) = rows.next()? {
        links.push(link(row, now)?);
    }
    Ok(())
}

/// The links of these anchors as far as they exist, in the order of their anchors.
pub(super) fn links_of(db: &Connection, now: i64, anchors: &[SourceId]) -> rusqlite::Result<Vec<Link>> {
    let mut sorted = anchors.to_vec();
    sorted.sort_unstable();
    sorted.dedup();
    let mut select = db.prepare_cached(&format!("{LINK} WHERE anchor = ?1"))?;
    let mut found = Vec::with_capacity(sorted.len());
    for anchor in sorted {
        found.extend(select.query_row([anchor.as_bytes()], |row| link(row, now)).optional()?);
    }
    Ok(found)
}

const LINK: &str = "SELECT anchor, record, applied, licenses, cloud, left_since, recheck, room FROM link";

fn link(row: &Row<'_>, now: i64) -> rusqlite::Result<Link> {
    let due = row.get::<_, Option<i64>>(6)?.is_some_and(|recheck| recheck <= now);
    Ok(Link {
        anchor: SourceId::new(row.get(0)?),
        record: if due { Fingerprint::NONE } else { Fingerprint(row.get(1)?) },
        applied: Fingerprint(row.get(2)?),
        licenses: row.get::<_, i64>(3)?.cast_unsigned(),
        cloud: Key(row.get(4)?),
        left: row.get::<_, Option<i64>>(5)?.is_some(),
        kind: if row.get(7)? { AccountKind::Room } else { AccountKind::Person },
    })
}

const ROW: &str =
    "SELECT link.anchor, person.cloud_id, person.dn, link.record, person.applied, person.origin,
    link.left_since, link.recheck, link.applied, person.given, link.licenses, link.joined FROM link JOIN person ON person.id = link.person";

fn whole_row(row: &Row<'_>) -> rusqlite::Result<SnapshotRow> {
    Ok(SnapshotRow {
        anchor: SourceId::new(row.get(0)?),
        cloud_id: CloudId::new(row.get::<_, Box<str>>(1)?),
        dn: row.get(2)?,
        record: Fingerprint(row.get(3)?),
        applied: serde_json::from_str(row.get_ref(4)?.as_str()?).map_err(nonsense)?,
        origin: match row.get_ref(5)?.as_str()? {
            "created" => Origin::Created,
            "adopted" => Origin::Adopted,
            _ => return Err(nonsense("an unknown origin of an account")),
        },
        state: row.get::<_, Option<i64>>(6)?.map_or(LinkState::Present, |since| LinkState::Left { since }),
        recheck: row.get(7)?,
        applied_print: Fingerprint(row.get(8)?),
        given: serde_json::from_str(row.get_ref(9)?.as_str()?).map_err(nonsense)?,
        licenses_print: row.get::<_, i64>(10)?.cast_unsigned(),
        joined: row.get::<_, Option<_>>(11)?.map(Key),
    })
}

/// The rows of these anchors as far as they exist, in the order of their anchors.
pub(super) fn rows(db: &Connection, anchors: &[SourceId]) -> rusqlite::Result<Vec<SnapshotRow>> {
    let mut sorted = anchors.to_vec();
    sorted.sort_unstable();
    sorted.dedup();
    let mut select = db.prepare_cached(&format!("{ROW} WHERE link.anchor = ?1"))?;
    let mut found = Vec::with_capacity(sorted.len());
    for anchor in sorted {
        found.extend(select.query_row([anchor.as_bytes()], whole_row).optional()?);
    }
    Ok(found)
}

/// The keys of the applied addresses of these anchors as far as they exist.
pub(super) fn emails_of(db: &Connection, anchors: &[SourceId]) -> rusqlite::Result<Vec<(SourceId, Key)>> {
    let mut select = db.prepare_cached("SELECT email FROM link WHERE anchor = ?1")?;
    let mut found = Vec::with_capacity(anchors.len());
    for anchor in anchors {
        let email = select.query_row([anchor.as_bytes()], |row| row.get(0)).optional()?;
        found.extend(email.map(|email| (*anchor, Key(email))));
    }
    Ok(found)
}

/// A page of rows in the order of their anchors.
pub(super) fn rows_after(
    db: &Connection,
    after: Option<SourceId>,
    limit: usize,
) -> rusqlite::Result<Vec<SnapshotRow>> {
    let after: &[u8] = after.as_ref().map_or(&[], |anchor| anchor.as_bytes());
    db.prepare_cached(&format!("{ROW} WHERE link.anchor > ?1 ORDER BY link.anchor LIMIT ?2"))?
        .query_map(params![after, i64::try_from(limit).unwrap_or(i64::MAX)], whole_row)?
        .collect()
}

/// Leavers who left at that time or before, in the order of their anchors.
pub(super) fn rows_left(db: &Connection, before: i64) -> rusqlite::Result<Vec<SnapshotRow>> {
    // The sign keeps SQLite from reading the whole table for the sake of its order.
    db.prepare_cached(&format!("{ROW} WHERE link.left_since <= ?1 ORDER BY +link.anchor"))?
        .query_map([before], whole_row)?
        .collect()
}

/// People whose record has to be looked at again by now, in the order of their anchors.
pub(super) fn due(db: &Connection, now: i64) -> rusqlite::Result<Vec<SourceId>> {
    // The sign keeps SQLite from reading the whole table for the sake of its order.
    db.prepare_cached("SELECT anchor FROM link WHERE recheck <= ?1 ORDER BY +anchor")?
        .query_map([now], |row| row.get(0).map(SourceId::new))?
        .collect()
}

/// No more people than this are linked, and seldom many less: every row of a person has an id of
/// its own. Known without reading the table.
pub(super) fn at_most(db: &Connection) -> rusqlite::Result<u64> {
    db.prepare_cached("SELECT max(id) FROM person")?
        .query_row([], |row| row.get::<_, Option<i64>>(0))
        .map(|highest| highest.map_or(0, i64::unsigned_abs))
}

/// How many of the linked are rooms.
pub(super) fn count_rooms(db: &Connection) -> rusqlite::Result<u64> {
    db.prepare_cached("SELECT count(*) FROM link WHERE room")?
        .query_row([], |row| row.get::<_, i64>(0))
        .map(i64::unsigned_abs)
}

pub(super) fn count(db: &Connection) -> rusqlite::Result<u64> {
    db.prepare_cached("SELECT count(*) FROM link")?
        .query_row([], |row| row.get::<_, i64>(0))
        .map(i64::unsigned_abs)
}
