//! Who claims the same value that identifies people in all sources.

use rusqlite::params;

use super::{Late, Stage, answer};
use crate::model::{Key, SourceId};
use crate::store::StoreError;

/// A value with those who claim it: who, and whether the snapshot has a link for them.
pub type JoinClaims = (Key, Vec<(SourceId, bool)>);

impl Stage {
    /// At most `limit` keys that follow a key and that somebody without a link claims, each with
    /// everybody who claims it, all sorted.
    pub fn join_claims_after(&self, after: Option<Key>, limit: usize) -> Result<Vec<JoinClaims>, StoreError> {
        let after: &[u8] = after.as_ref().map_or(&[], |key| &key.0);
        answer(&self.db, |db| {
            db.need(Late::Joined)?;
            let mut select = db.prepare_cached(
                "SELECT joined, anchor, linked FROM wanted_key WHERE joined IN
                     (SELECT DISTINCT joined FROM wanted_key WHERE joined > ?1 AND linked = 0
                      ORDER BY joined LIMIT ?2)
                 ORDER BY joined, anchor",
            )?;
            let mut rows = select.query(params![after, i64::try_from(limit).unwrap_or(i64::MAX)])?;
            let mut claims: Vec<JoinClaims> = Vec::new();
            while let Some(row) = rows.next()? {
                let (key, claim) = (Key(row.get(0)?), (SourceId::new(row.get(1)?), row.get(2)?));
                match claims.last_mut() {
                    Some((last, all)) if *last == key => all.push(claim),
                    _ => claims.push((key, vec![claim])),
                }
            }
            Ok(claims)
        })
    }

    /// Counts people without a link as linked from here on: they were recognised.
    pub fn recognise(&mut self, anchors: impl IntoIterator<Item = SourceId>) -> Result<(), StoreError> {
        let counts = &mut self.people;
        answer(&self.db, |db| {
            let mut update =
                db.prepare_cached("UPDATE wanted_key SET linked = 1 WHERE anchor = ?1 AND linked = 0")?;
            for anchor in anchors {
                let changed = update.execute([anchor.as_bytes()])? as u64;
                counts.new -= changed;
                counts.linked += changed;
            }
            Ok(())
        })
    }

    /// Takes their claims on addresses from people about whom nothing can be decided.
    pub fn silence(&mut self, anchors: impl IntoIterator<Item = SourceId>) -> Result<(), StoreError> {
        answer(&self.db, |db| {
            let mut update = db.prepare_cached("UPDATE wanted_key SET email = NULL WHERE anchor = ?1")?;
            for anchor in anchors {
                update.execute([anchor.as_bytes()])?;
            }
            Ok(())
        })
    }
}
