//! Values of which everybody must have an own one, with who claims them: what two claim is found
//! in order, however many people there are.

use std::borrow::Cow;

use rusqlite::params;

use super::{Late, Stage, answer};
use crate::model::{Key, SourceId};
use crate::store::StoreError;

pub(super) const SCHEMA: &str = "
    CREATE TABLE claim (
        what INTEGER NOT NULL, key BLOB NOT NULL, value TEXT NOT NULL, dn TEXT NOT NULL, anchor BLOB NOT NULL,
        field TEXT NOT NULL, created INTEGER
    ) STRICT;";

/// One value that somebody claims.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Claim {
    /// Which kind of value, as the caller counts them.
    pub what: u16,
    /// Under which equal values meet.
    pub key: Key,
    /// The value as written.
    pub value: String,
    /// Who claims it.
    pub claimant: Claimant,
}

/// Somebody who claims a value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Claimant {
    /// Who.
    pub anchor: SourceId,
    /// The DN.
    pub dn: String,
    /// Where the value would stand.
    pub field: Cow<'static, str>,
    /// When the record was made, in a number that grows, where that counts.
    pub created: Option<i64>,
}

/// A value that several claim.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Shared {
    /// Under which equal values meet.
    pub key: Key,
    /// The value, as one of them writes it.
    pub value: String,
    /// The claimants, by DN; not all when they are very many.
    pub claimants: Vec<Claimant>,
    /// How many there are.
    pub count: u64,
}

/// Claimants of one value that are named.
const NAMED: usize = 1_000;

impl Stage {
    /// Notes claims.
    pub fn put_claims(&mut self, claims: &[Claim]) -> Result<(), StoreError> {
        answer(&self.db, |db| {
            let transaction = db.unchecked_transaction()?;
            let mut insert = db.prepare_cached(
                "INSERT INTO claim (what, key, value, dn, anchor, field, created)
                 VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)",
            )?;
            for Claim { what, key, value, claimant } in claims {
                let Claimant { anchor, dn, field, created } = claimant;
                insert.execute(params![what, key.0, value, dn, anchor.as_bytes(), field, created])?;
            }
            transaction.commit()
        })
    }

    /// At most `limit` values of a kind that several claim and that follow a key, with the claimants.
    pub fn shared_after(
        &self,
        what: u16,
        after: Option<Key>,
        limit: usize,
    ) -> Result<Vec<Shared>, StoreError> {
        let after: &[u8] = after.as_ref().map_or(&[], |key| &key.0);
        answer(&self.db, |db| {
            db.need(Late::Claims)?;
            let mut select = db.prepare_cached(
                "SELECT key, min(value), count(DISTINCT anchor || dn) FROM claim WHERE what = ?1 AND key > ?2
                 GROUP BY key HAVING count(DISTINCT anchor || dn) > 1 ORDER BY key LIMIT ?3",
            )?;
            let limit = i64::try_from(limit).unwrap_or(i64::MAX);
            let keys: Vec<([u8; 16], String, i64)> = select
                .query_map(params![what, after, limit], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)))?
                .collect::<Result<_, _>>()?;
            let mut claimants = db.prepare_cached(
                "SELECT anchor, dn, field, created FROM claim WHERE what = ?1 AND key = ?2
                 ORDER BY dn, field LIMIT ?3",
            )?;
            let mut shared = Vec::with_capacity(keys.len());
            for (key, value, count) in keys {
                let named = i64::try_from(NAMED).unwrap_or(i64::MAX);
                let claimants = claimants.query_map(params![what, key, named], |row| {
                    Ok(Claimant {
                        anchor: SourceId::new(row.get(0)?),
                        dn: row.get(1)?,
                        field: Cow::Owned(row.get(2)?),
                        created: row.get(3)?,
                    })
                })?;
                let claimants = claimants.collect::<Result<_, _>>()?;
                shared.push(Shared { key: Key(key), value, claimants, count: count.unsigned_abs() });
            }
            Ok(shared)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_several_claim_is_found_with_all_of_them() {
        let mut stage = Stage::new().unwrap();
        let claimant = |n: u8| Claimant {
            anchor: SourceId::new([n; 16]),
            dn: format!("cn={n}"),
            field: "email".into(),
            created: None,
        };
        let claim = |what, value: &str, n| Claim {
            what,
            key: Key::folded(value),
            value: value.into(),
            claimant: claimant(n),
        };
        stage.put_claims(&[claim(0, "a@x.test", 1), claim(0, "b@x.test", 2), claim(1, "7", 1)]).unwrap();
        stage.put_claims(&[claim(0, "A@X.test", 3), claim(0, "b@x.test", 4), claim(1, "8", 3)]).unwrap();
        // Twice by one person is once.
        stage.put_claims(&[claim(1, "7", 1)]).unwrap();
        let all = stage.shared_after(0, None, 9).unwrap();
        assert_eq!(all.len(), 2);
        let a = all.iter().find(|shared| shared.value == "A@X.test").unwrap();
        assert_eq!((&a.claimants, a.count), (&vec![claimant(1), claimant(3)], 2));
        assert_eq!(stage.shared_after(0, None, 1).unwrap(), all[..1]);
        assert_eq!(stage.shared_after(0, Some(all[0].key), 9).unwrap(), all[1..]);
        assert_eq!(stage.shared_after(1, None, 9).unwrap(), []);
    }
}
