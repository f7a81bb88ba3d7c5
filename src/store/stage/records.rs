//! The records of a read of everything, packed, until the pass has come to its end.

use rusqlite::params;

use super::{Stage, answer};
use crate::model::SourceId;
use crate::store::StoreError;

pub(super) const SCHEMA: &str =
    "CREATE TABLE record (anchor BLOB NOT NULL PRIMARY KEY, document BLOB NOT NULL) STRICT, WITHOUT ROWID;";

impl Stage {
    /// Puts packed records into the spool. Of two with the same anchor the last stays.
    pub fn put_records(&mut self, records: &[(SourceId, Vec<u8>)]) -> Result<(), StoreError> {
        answer(&self.db, |db| {
            let transaction = db.unchecked_transaction()?;
            let mut put =
                db.prepare_cached("INSERT OR REPLACE INTO record (anchor, document) VALUES (?1, ?2)")?;
            for (anchor, document) in records {
                put.execute(params![anchor.as_bytes(), document])?;
            }
            transaction.commit()
        })
    }

    /// At most `limit` of them that follow an anchor, sorted.
    pub fn records_after(
        &self,
        after: Option<SourceId>,
        limit: usize,
    ) -> Result<Vec<(SourceId, Vec<u8>)>, StoreError> {
        let after: &[u8] = after.as_ref().map_or(&[], |anchor| anchor.as_bytes());
        answer(&self.db, |db| {
            db.prepare_cached(
                "SELECT anchor, document FROM record WHERE anchor > ?1 ORDER BY anchor LIMIT ?2",
            )?
            .query_map(params![after, i64::try_from(limit).unwrap_or(i64::MAX)], |row| {
                Ok((SourceId::new(row.get(0)?), row.get(1)?))
            })?
            .collect()
        })
    }

    /// Whether there is one with this anchor.
    pub fn has_record(&self, anchor: SourceId) -> Result<bool, StoreError> {
        answer(&self.db, |db| {
            db.prepare_cached("SELECT 1 FROM record WHERE anchor = ?1")?.exists([anchor.as_bytes()])
        })
    }
}
