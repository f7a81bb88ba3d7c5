//! Groups of the source and who is directly in them: the index by which a change in a group
//! finds the people it touches.

use std::collections::{BTreeSet, HashMap};

use rusqlite::{Connection, OptionalExtension, params};

use super::error::nonsense;
use super::{cloud_groups, snapshot};
use crate::model::{Fingerprint, Key, SourceId};

/// One group.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GroupRow {
    /// The key of its DN, by which members and other groups know it.
    pub key: Key,
    /// The immutable id.
    pub anchor: SourceId,
    /// The DN as last read.
    pub dn: String,
    /// The names that rules may use for it (`cn`, `sAMAccountName`), lower case.
    pub names: Vec<String>,
    /// The fingerprint of its record, members included.
    pub record: Fingerprint,
    /// The name that it is to have in the cloud; `None` when it is not chosen to be there, and
    /// empty when no name can be made of the record.
    pub chosen: Option<String>,
}

/// What changed in the groups, to be written in one transaction.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct GroupDelta {
    /// Groups that are new or changed, each with all its direct members by the key of their DN.
    pub changed: Vec<(GroupRow, Vec<Key>)>,
    /// Groups that no longer exist under this key. Carried out before `changed`.
    pub gone: Vec<Key>,
    /// People whom the change touches: their links are marked as to be looked at again.
    pub touched: Vec<SourceId>,
    /// Groups of the cloud that the change leads to: marked as to be looked at again.
    pub open: Vec<SourceId>,
}

/// Writes a change of the groups. Only the difference of the members is written.
pub(super) fn commit(db: &Connection, delta: &GroupDelta) -> rusqlite::Result<()> {
    for key in &delta.gone {
        if let Some(id) = id_of(db, *key)? {
            db.prepare_cached("DELETE FROM member WHERE source_group = ?1")?.execute([id])?;
            db.prepare_cached("DELETE FROM source_group WHERE id = ?1")?.execute([id])?;
        }
    }
    let mut added: Vec<(Key, i64)> = Vec::new();
    for (group, members) in &delta.changed {
        let id: i64 = db
            .prepare_cached(
                "INSERT INTO source_group (key, anchor, dn, names, record, cloud_name)
                 VALUES (?1, ?2, ?3, ?4, ?5, ?6)
                 ON CONFLICT (key) DO UPDATE SET anchor = excluded.anchor, dn = excluded.dn,
                     names = excluded.names, record = excluded.record, cloud_name = excluded.cloud_name
                 RETURNING id",
            )?
            .query_row(
                params![
                    group.key.0,
                    group.anchor.as_bytes(),
                    group.dn,
                    serde_json::to_string(&group.names).map_err(nonsense)?,
                    group.record.0,
                    group.chosen
                ],
                |row| row.get(0),
            )?;
        let old: BTreeSet<Key> = members_of(db, id)?.into_iter().collect();
        let new: BTreeSet<Key> = members.iter().copied().collect();
        let mut delete = db.prepare_cached("DELETE FROM member WHERE member = ?1 AND source_group = ?2")?;
        for member in old.difference(&new) {
            delete.execute(params![member.0, id])?;
        }
        added.extend(new.difference(&old).map(|member| (*member, id)));
    }
    // In key order, neighbours share their page.
    added.sort_unstable();
    added.dedup();
    let mut insert =
        db.prepare_cached("INSERT OR IGNORE INTO member (member, source_group) VALUES (?1, ?2)")?;
    for (member, id) in added {
        insert.execute(params![member.0, id])?;
    }
    cloud_groups::open(db, &delta.open)?;
    snapshot::reopen(db, &delta.touched)
}

fn id_of(db: &Connection, key: Key) -> rusqlite::Result<Option<i64>> {
    db.prepare_cached("SELECT id FROM source_group WHERE key = ?1")?
        .query_row([key.0], |row| row.get(0))
        .optional()
}

fn members_of(db: &Connection, id: i64) -> rusqlite::Result<Vec<Key>> {
    db.prepare_cached("SELECT member FROM member WHERE source_group = ?1 ORDER BY member")?
        .query_map([id], |row| row.get(0).map(Key))?
        .collect()
}

/// All groups, in the order of their keys.
pub(super) fn list(db: &Connection) -> rusqlite::Result<Vec<GroupRow>> {
    db.prepare_cached("SELECT key, anchor, dn, names, record, cloud_name FROM source_group ORDER BY key")?
        .query_map([], |row| {
            Ok(GroupRow {
                key: Key(row.get(0)?),
                anchor: SourceId::new(row.get(1)?),
                dn: row.get(2)?,
                names: serde_json::from_str(row.get_ref(3)?.as_str()?).map_err(nonsense)?,
                record: Fingerprint(row.get(4)?),
                chosen: row.get(5)?,
            })
        })?
        .collect()
}

/// The keys of groups by their ids, which a reader need not ask twice: an id never gets
/// another key.
#[derive(Default)]
pub(super) struct GroupKeys(HashMap<i64, Key>);

impl GroupKeys {
    /// The groups that name this key as a member.
    pub(super) fn direct(&mut self, db: &Connection, member: Key) -> rusqlite::Result<Vec<Key>> {
        let mut select = db.prepare_cached("SELECT source_group FROM member WHERE member = ?1")?;
        let mut rows = select.query([member.0])?;
        let mut keys = Vec::new();
        while let Some(row) = rows.next()? {
            let id: i64 = row.get(0)?;
            let key = match self.0.get(&id) {
                Some(key) => *key,
                None => {
                    let key = db
                        .prepare_cached("SELECT key FROM source_group WHERE id = ?1")?
                        .query_row([id], |row| row.get(0).map(Key))?;
                    self.0.insert(id, key);
                    key
                }
            };
            keys.push(key);
        }
        Ok(keys)
    }
}

/// The direct members of a group, in the order of their keys.
pub(super) fn members(db: &Connection, group: Key) -> rusqlite::Result<Vec<Key>> {
    id_of(db, group)?.map_or(Ok(Vec::new()), |id| members_of(db, id))
}
