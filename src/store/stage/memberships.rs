//! Who holds which licence in the cloud, and who is in the groups that changed.

use rusqlite::{OptionalExtension, params};

use super::{Late, Stage, answer};
use crate::model::Key;
use crate::store::StoreError;

pub(super) const SCHEMA: &str = "
    CREATE TABLE holder (account BLOB NOT NULL, license INTEGER NOT NULL) STRICT;
    CREATE TABLE source_group (id INTEGER PRIMARY KEY, key BLOB NOT NULL UNIQUE) STRICT;
    CREATE TABLE member (
        source_group INTEGER NOT NULL, member BLOB NOT NULL, PRIMARY KEY (source_group, member)
    ) STRICT, WITHOUT ROWID;";

impl Stage {
    /// Puts holders of a licence into the spool; `license` is its place in the catalogue.
    pub fn put_holders(&mut self, license: u16, ids: &[Key]) -> Result<(), StoreError> {
        answer(&self.db, |db| {
            let transaction = db.unchecked_transaction()?;
            let mut insert = db.prepare_cached("INSERT INTO holder (account, license) VALUES (?1, ?2)")?;
            for id in ids {
                insert.execute(params![id.0, license])?;
            }
            transaction.commit()
        })
    }

    /// The licences of these accounts, by cloud key, sorted, each once.
    pub fn licenses_of(&self, ids: &[Key]) -> Result<Vec<(Key, u16)>, StoreError> {
        let mut sorted = ids.to_vec();
        sorted.sort_unstable();
        sorted.dedup();
        answer(&self.db, |db| {
            db.need(Late::Holders)?;
            let mut select =
                db.prepare_cached("SELECT DISTINCT license FROM holder WHERE account = ?1 ORDER BY license")?;
            let mut found = Vec::new();
            for id in sorted {
                let mut rows = select.query([id.0])?;
                while let Some(row) = rows.next()? {
                    found.push((id, row.get(0)?));
                }
            }
            Ok(found)
        })
    }

    /// Puts the direct members of a group into the spool, in place of those that were there.
    /// A group without members counts as staged too.
    pub fn put_members(&mut self, group: Key, members: &[Key]) -> Result<(), StoreError> {
        answer(&self.db, |db| {
            let transaction = db.unchecked_transaction()?;
            let old: Option<i64> = db
                .prepare_cached("SELECT id FROM source_group WHERE key = ?1")?
                .query_row([group.0], |row| row.get(0))
                .optional()?;
            let id = match old {
                Some(id) => {
                    db.prepare_cached("DELETE FROM member WHERE source_group = ?1")?.execute([id])?;
                    id
                }
                None => db.prepare_cached("INSERT INTO source_group (key) VALUES (?1)")?.insert([group.0])?,
            };
            let mut insert =
                db.prepare_cached("INSERT OR IGNORE INTO member (source_group, member) VALUES (?1, ?2)")?;
            let mut sorted = members.to_vec();
            sorted.sort_unstable();
            for member in sorted {
                insert.execute(params![id, member.0])?;
            }
            transaction.commit()
        })
    }

    /// The staged groups, in the order of their keys.
    pub fn staged_groups(&self) -> Result<Vec<Key>, StoreError> {
        answer(&self.db, |db| {
            db.prepare_cached("SELECT key FROM source_group ORDER BY key")?
                .query_map([], |row| row.get(0).map(Key))?
                .collect()
        })
    }

    /// The staged groups that name this key as a member.
    pub fn staged_groups_of(&self, member: Key) -> Result<Vec<Key>, StoreError> {
        answer(&self.db, |db| {
            db.need(Late::Members)?;
            db.prepare_cached(
                "SELECT source_group.key FROM member CROSS JOIN source_group
                         ON source_group.id = member.source_group
                     WHERE member.member = ?1",
            )?
            .query_map([member.0], |row| row.get(0).map(Key))?
            .collect()
        })
    }

    /// The direct members of a staged group, in the order of their keys.
    pub fn staged_members(&self, group: Key) -> Result<Vec<Key>, StoreError> {
        answer(&self.db, |db| {
            db.prepare_cached(
                "SELECT member FROM member
                     WHERE source_group = (SELECT id FROM source_group WHERE key = ?1) ORDER BY member",
            )?
            .query_map([group.0], |row| row.get(0).map(Key))?
            .collect()
        })
    }
}
