//! Finding linked people by the value that identifies them in all sources.

use rusqlite::Connection;

use super::{Reader, StoreError};
use crate::model::{Key, SourceId};

impl Reader {
    /// Who is linked with one of these keys ([`crate::rules::Rules::join_key`]), each with the key;
    /// sorted.
    ///
    /// # Errors
    ///
    /// When the database cannot be read.
    pub fn joined(&self, keys: &[Key]) -> Result<Vec<(Key, SourceId)>, StoreError> {
        self.read("looking for people by the value that identifies them", |db| joined(db, keys))
    }
}

fn joined(db: &Connection, keys: &[Key]) -> rusqlite::Result<Vec<(Key, SourceId)>> {
    let mut sorted = keys.to_vec();
    sorted.sort_unstable();
    sorted.dedup();
    let mut select = db.prepare_cached("SELECT anchor FROM link WHERE joined = ?1 ORDER BY anchor")?;
    let mut found = Vec::new();
    for key in sorted {
        let mut rows = select.query([key.0])?;
        while let Some(row) = rows.next()? {
            found.push((key, SourceId::new(row.get(0)?)));
        }
    }
    Ok(found)
}
