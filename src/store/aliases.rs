//! Who has which alternate address, by the key of the address ([`address_key`]).

use std::collections::BTreeSet;

use rusqlite::{Connection, params};

use super::{Reader, StoreError};
use crate::model::{ADDRESSES, Key, Profile, SourceId, address_key};

/// The keys of somebody's alternate addresses.
pub(super) fn keys(profile: &Profile) -> BTreeSet<Key> {
    ADDRESSES.iter().filter_map(|field| profile.get(field)).map(|value| address_key(value)).collect()
}

/// Somebody has exactly these.
pub(super) fn set(db: &Connection, anchor: SourceId, keys: &BTreeSet<Key>) -> rusqlite::Result<()> {
    forget(db, anchor)?;
    let mut insert = db.prepare_cached("INSERT INTO alias (anchor, key) VALUES (?1, ?2)")?;
    for key in keys {
        insert.execute(params![anchor.as_bytes(), key.0])?;
    }
    Ok(())
}

/// Somebody is not ours any more.
pub(super) fn forget(db: &Connection, anchor: SourceId) -> rusqlite::Result<()> {
    db.prepare_cached("DELETE FROM alias WHERE anchor = ?1")?.execute([anchor.as_bytes()]).map(drop)
}

impl Reader {
    /// Who has these as alternate addresses; sorted.
    pub fn alias_owners(&self, keys: &[Key]) -> Result<Vec<(Key, SourceId)>, StoreError> {
        self.read("looking up alternate addresses", |db| {
            let mut select = db.prepare_cached("SELECT anchor FROM alias WHERE key = ?1 ORDER BY anchor")?;
            let mut found = Vec::new();
            for key in keys {
                let mut rows = select.query([key.0])?;
                while let Some(row) = rows.next()? {
                    found.push((*key, SourceId::new(row.get(0)?)));
                }
            }
            found.sort_unstable();
            Ok(found)
        })
    }
}
