//! The alternate addresses that people are to get, and who else claims the same ones.

use rusqlite::params;

use super::{Late, Stage, answer};
use crate::model::{Key, SourceId};
use crate::store::StoreError;

pub(super) const SCHEMA: &str = "CREATE TABLE alias (key BLOB NOT NULL, anchor BLOB NOT NULL) STRICT;";

impl Stage {
    /// Notes alternate addresses.
    pub fn put_aliases(&mut self, aliases: &[(Key, SourceId)]) -> Result<(), StoreError> {
        if aliases.is_empty() {
            return Ok(());
        }
        answer(&self.db, |db| {
            let transaction = db.unchecked_transaction()?;
            let mut insert = db.prepare_cached("INSERT INTO alias (key, anchor) VALUES (?1, ?2)")?;
            for (key, anchor) in aliases {
                insert.execute(params![key.0, anchor.as_bytes()])?;
            }
            transaction.commit()
        })
    }

    /// Who was to get an alternate address; sorted. What was noted may be out of date by now.
    pub fn alias_claimants(&self, key: Key) -> Result<Vec<SourceId>, StoreError> {
        answer(&self.db, |db| {
            db.need(Late::Aliases)?;
            db.prepare_cached("SELECT DISTINCT anchor FROM alias WHERE key = ?1 ORDER BY anchor")?
                .query_map([key.0], |row| Ok(SourceId::new(row.get(0)?)))?
                .collect()
        })
    }

    /// At most `limit` alternate addresses that follow one, each with everybody who was to get it, all
    /// sorted. What was noted may be out of date by now.
    pub fn aliases_after(
        &self,
        after: Option<Key>,
        limit: usize,
    ) -> Result<Vec<(Key, Vec<SourceId>)>, StoreError> {
        let after: &[u8] = after.as_ref().map_or(&[], |key| &key.0);
        answer(&self.db, |db| {
            db.need(Late::Aliases)?;
            let mut select = db.prepare_cached(
                "SELECT DISTINCT key, anchor FROM alias WHERE key IN
                     (SELECT DISTINCT key FROM alias WHERE key > ?1 ORDER BY key LIMIT ?2)
                 ORDER BY key, anchor",
            )?;
            let mut rows = select.query(params![after, i64::try_from(limit).unwrap_or(i64::MAX)])?;
            let mut found: Vec<(Key, Vec<SourceId>)> = Vec::new();
            while let Some(row) = rows.next()? {
                let (key, anchor) = (Key(row.get(0)?), SourceId::new(row.get(1)?));
                match found.last_mut() {
                    Some((last, anchors)) if *last == key => anchors.push(anchor),
                    _ => found.push((key, vec![anchor])),
                }
            }
            Ok(found)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pages_hold_whole_claims() {
        let mut stage = Stage::new().unwrap();
        let who = |n| SourceId::new([n; 16]);
        let key = |n| Key([n; 16]);
        stage.put_aliases(&[(key(1), who(2)), (key(2), who(1))]).unwrap();
        stage.put_aliases(&[(key(1), who(1)), (key(1), who(1)), (key(3), who(9))]).unwrap();
        let first = stage.aliases_after(None, 2).unwrap();
        assert_eq!(first, [(key(1), vec![who(1), who(2)]), (key(2), vec![who(1)])]);
        assert_eq!(stage.alias_claimants(key(1)).unwrap(), [who(1), who(2)]);
        assert_eq!(stage.aliases_after(Some(key(2)), 2).unwrap(), [(key(3), vec![who(9)])]);
    }
}
