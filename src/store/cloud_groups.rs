//! Groups of the cloud that are ours, whom of their members we added, and which of them have to
//! be looked at again.

use rusqlite::{Connection, OptionalExtension, Row, params};

use super::error::nonsense;
use super::names::Names;
use super::{Reader, StoreError};
use crate::model::{CloudId, GroupLink, Key, Origin, SourceId};

/// One change of a group that is ours: what the cloud confirmed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GroupChange {
    /// Which group of the directory.
    pub anchor: SourceId,
    /// The link as it is now; `None` when it ends.
    pub link: Option<GroupLink>,
    /// Whether the members that we know of are forgotten first: the group is another one.
    pub afresh: bool,
    /// Who is a member by us from now on.
    pub joined: Vec<CloudId>,
    /// Who is not any more, by the key of the account.
    pub left: Vec<Key>,
}

/// What became known about groups without a change in the cloud.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Regrouping {
    /// Groups to be looked at again.
    pub open: Vec<SourceId>,
    /// Names of people that were followed to the groups in `open`.
    pub followed: Vec<Key>,
    /// Who belongs to which group without standing in its list; `None` in place of a group for
    /// nobody's.
    pub primary: Vec<(SourceId, Option<Key>)>,
}

impl Reader {
    /// The groups of the cloud that are ours, sorted by anchor.
    ///
    /// # Errors
    ///
    /// This and all other calls: when the database cannot be read.
    pub fn group_links(&self) -> Result<Vec<GroupLink>, StoreError> {
        self.read("reading the groups of the cloud", links)
    }

    /// Whom we made a member of a group, by the keys of the accounts; sorted.
    pub fn our_members(&self, group: SourceId) -> Result<Vec<Key>, StoreError> {
        self.read("reading the groups of the cloud", |db| members(db, group))
    }

    /// How many groups of the cloud are ours, and how many memberships in them.
    pub fn count_groups(&self) -> Result<(u64, u64), StoreError> {
        self.read("counting the groups of the cloud", count)
    }

    /// The DN keys of people whose account or DN changed since groups were last looked at.
    pub fn to_regroup(&self) -> Result<Vec<Key>, StoreError> {
        self.read("reading whose groups have to be looked at", to_follow)
    }

    /// Who belongs to a group without standing in its list; sorted.
    pub fn primary_members(&self, group: Key) -> Result<Vec<SourceId>, StoreError> {
        self.read("reading primary groups", |db| primary_members(db, group))
    }

    /// Everybody who belongs to a group without standing in its list, with that group; sorted.
    pub fn all_primary(&self) -> Result<Vec<(SourceId, Key)>, StoreError> {
        self.read("reading primary groups", all_primary)
    }
}

/// Writes a change.
pub(super) fn change(db: &Connection, change: &GroupChange) -> rusqlite::Result<()> {
    let GroupChange { anchor, link, afresh, joined, left } = change;
    let old = id_of(db, *anchor)?;
    if let Some(id) = old
        && (*afresh || link.is_none())
    {
        db.prepare_cached("DELETE FROM cloud_member WHERE cloud_group = ?1")?.execute([id])?;
    }
    let Some(link) = link else {
        return db
            .prepare_cached("DELETE FROM cloud_group WHERE anchor = ?1")?
            .execute([anchor.as_bytes()])
            .map(drop);
    };
    let origin = match link.origin {
        Origin::Created => "created",
        Origin::Adopted => "adopted",
    };
    let id: i64 = db
        .prepare_cached(
            "INSERT INTO cloud_group (anchor, cloud_id, name, dn, origin, open, left_since)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)
             ON CONFLICT (anchor) DO UPDATE SET cloud_id = excluded.cloud_id, name = excluded.name,
                 dn = excluded.dn, origin = excluded.origin, open = excluded.open,
                 left_since = excluded.left_since
             RETURNING id",
        )?
        .query_row(
            params![
                anchor.as_bytes(),
                link.cloud_id.as_str(),
                link.name,
                link.dn,
                origin,
                link.open,
                link.left
            ],
            |row| row.get(0),
        )?;
    let mut delete = db.prepare_cached("DELETE FROM cloud_member WHERE cloud_group = ?1 AND account = ?2")?;
    for key in left {
        delete.execute(params![id, key.0])?;
    }
    let mut insert =
        db.prepare_cached("INSERT OR IGNORE INTO cloud_member (cloud_group, account) VALUES (?1, ?2)")?;
    let mut keys: Vec<Key> = joined.iter().map(|id| Key::exact(id.as_str())).collect();
    keys.sort_unstable();
    for key in keys {
        insert.execute(params![id, key.0])?;
    }
    Ok(())
}

/// Notes what is to be looked at again.
pub(super) fn regroup(db: &Connection, regrouping: &Regrouping) -> rusqlite::Result<()> {
    open(db, &regrouping.open)?;
    let mut delete = db.prepare_cached("DELETE FROM regroup WHERE dn = ?1")?;
    for key in &regrouping.followed {
        delete.execute([key.0])?;
    }
    let mut put =
        db.prepare_cached("INSERT OR REPLACE INTO primary_member (anchor, source_group) VALUES (?1, ?2)")?;
    let mut drop = db.prepare_cached("DELETE FROM primary_member WHERE anchor = ?1")?;
    for (anchor, group) in &regrouping.primary {
        match group {
            Some(group) => put.execute(params![anchor.as_bytes(), group.0])?,
            None => drop.execute([anchor.as_bytes()])?,
        };
    }
    Ok(())
}

/// Marks groups as to be looked at again.
pub(super) fn open(db: &Connection, anchors: &[SourceId]) -> rusqlite::Result<()> {
    let mut update = db.prepare_cached("UPDATE cloud_group SET open = 1 WHERE anchor = ?1")?;
    for anchor in anchors {
        update.execute([anchor.as_bytes()])?;
    }
    Ok(())
}

/// Notes that somebody has another account or another name than before, while groups are
/// chosen at all.
pub(super) fn moved(
    db: &Connection,
    anchor: SourceId,
    old: Option<Names>,
    new: Option<Names>,
) -> rusqlite::Result<()> {
    let place = |names: Option<Names>| names.map(|names| (names.cloud, names.dn));
    if place(old) == place(new) {
        return Ok(());
    }
    [old, new].into_iter().flatten().try_for_each(|names| follow(db, anchor, names.dn))
}

/// Notes that the groups of somebody have to be looked at, while groups are chosen at all.
pub(super) fn follow(db: &Connection, anchor: SourceId, dn: Key) -> rusqlite::Result<()> {
    db.prepare_cached(
        "INSERT OR IGNORE INTO regroup (dn)
         SELECT ?1 WHERE EXISTS (SELECT 1 FROM source_group WHERE cloud_name IS NOT NULL)",
    )?
    .execute([dn.0])?;
    // The primary group does not list them.
    db.prepare_cached(
        "INSERT OR IGNORE INTO regroup (dn) SELECT source_group FROM primary_member WHERE anchor = ?1",
    )?
    .execute([anchor.as_bytes()])
    .map(drop)
}

fn id_of(db: &Connection, anchor: SourceId) -> rusqlite::Result<Option<i64>> {
    db.prepare_cached("SELECT id FROM cloud_group WHERE anchor = ?1")?
        .query_row([anchor.as_bytes()], |row| row.get(0))
        .optional()
}

/// All links, in the order of their anchors.
fn links(db: &Connection) -> rusqlite::Result<Vec<GroupLink>> {
    db.prepare_cached(
        "SELECT anchor, cloud_id, name, dn, origin, open, left_since FROM cloud_group ORDER BY anchor",
    )?
    .query_map([], from_row)?
    .collect()
}

fn from_row(row: &Row<'_>) -> rusqlite::Result<GroupLink> {
    Ok(GroupLink {
        anchor: SourceId::new(row.get(0)?),
        cloud_id: CloudId::new(row.get::<_, Box<str>>(1)?),
        name: row.get(2)?,
        dn: row.get(3)?,
        origin: match row.get_ref(4)?.as_str()? {
            "created" => Origin::Created,
            "adopted" => Origin::Adopted,
            _ => return Err(nonsense("an unknown origin of a group")),
        },
        open: row.get(5)?,
        left: row.get(6)?,
    })
}

/// Whom we made a member of a group, by the keys of the accounts, in their order.
fn members(db: &Connection, anchor: SourceId) -> rusqlite::Result<Vec<Key>> {
    let Some(id) = id_of(db, anchor)? else { return Ok(Vec::new()) };
    db.prepare_cached("SELECT account FROM cloud_member WHERE cloud_group = ?1 ORDER BY account")?
        .query_map([id], |row| row.get(0).map(Key))?
        .collect()
}

/// How many groups are ours, and how many memberships in them.
fn count(db: &Connection) -> rusqlite::Result<(u64, u64)> {
    db.prepare_cached("SELECT (SELECT count(*) FROM cloud_group), (SELECT count(*) FROM cloud_member)")?
        .query_row([], |row| Ok((row.get::<_, i64>(0)?.unsigned_abs(), row.get::<_, i64>(1)?.unsigned_abs())))
}

/// Names of people to be followed to their groups.
fn to_follow(db: &Connection) -> rusqlite::Result<Vec<Key>> {
    db.prepare_cached("SELECT dn FROM regroup ORDER BY dn")?
        .query_map([], |row| row.get(0).map(Key))?
        .collect()
}

/// Who belongs to a group without standing in its list.
fn primary_members(db: &Connection, group: Key) -> rusqlite::Result<Vec<SourceId>> {
    db.prepare_cached("SELECT anchor FROM primary_member WHERE source_group = ?1 ORDER BY anchor")?
        .query_map([group.0], |row| row.get(0).map(SourceId::new))?
        .collect()
}

/// Everybody who belongs to some group without standing in its list, with that group.
fn all_primary(db: &Connection) -> rusqlite::Result<Vec<(SourceId, Key)>> {
    db.prepare_cached("SELECT anchor, source_group FROM primary_member ORDER BY anchor")?
        .query_map([], |row| Ok((SourceId::new(row.get(0)?), Key(row.get(1)?))))?
        .collect()
}
