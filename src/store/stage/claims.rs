//! Values of which everybody must have an own one, with who claims them: what two claim is found
//! in order, however many people there are.

use rusqlite::params;

use super::{Late, Stage, answer};
use crate::model::Key;
use crate::store::StoreError;

pub(super) const SCHEMA: &str = "
    CREATE TABLE claim (
        what INTEGER NOT NULL, key BLOB NOT NULL, value TEXT NOT NULL, dn TEXT NOT NULL
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
    pub dn: String,
}

/// A value that several claim.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Shared {
    /// The value, as one of them writes it.
    pub value: String,
    /// The claimants, sorted; not all when they are many.
    pub dns: Vec<String>,
    /// How many there are.
    pub claimants: u64,
}

/// Claimants of one value that are named.
const NAMED: usize = 20;

impl Stage {
    /// Notes claims.
    pub fn put_claims(&mut self, claims: &[Claim]) -> Result<(), StoreError> {
        answer(|| {
            let transaction = self.db.unchecked_transaction()?;
            let mut insert =
                self.db.prepare_cached("INSERT INTO claim (what, key, value, dn) VALUES (?1, ?2, ?3, ?4)")?;
            for claim in claims {
                insert.execute(params![claim.what, claim.key.0, claim.value, claim.dn])?;
            }
            transaction.commit()
        })
    }

    /// How many values of a kind several claim, and at most `limit` of them with the claimants, in
    /// the order of the values.
    pub fn shared(&self, what: u16, limit: usize) -> Result<(u64, Vec<Shared>), StoreError> {
        answer(|| {
            self.need(Late::Claims)?;
            let count = self
                .db
                .prepare_cached(
                    "SELECT count(*) FROM
                         (SELECT 1 FROM claim WHERE what = ?1 GROUP BY key HAVING count(*) > 1)",
                )?
                .query_row([what], |row| row.get::<_, i64>(0))?
                .unsigned_abs();
            let mut select = self.db.prepare_cached(
                "SELECT key, min(value), count(*) FROM claim WHERE what = ?1 GROUP BY key HAVING count(*) > 1
                 ORDER BY min(value) LIMIT ?2",
            )?;
            let limit = i64::try_from(limit).unwrap_or(i64::MAX);
            let keys: Vec<([u8; 16], String, i64)> = select
                .query_map(params![what, limit], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)))?
                .collect::<Result<_, _>>()?;
            let mut claimants = self
                .db
                .prepare_cached("SELECT dn FROM claim WHERE what = ?1 AND key = ?2 ORDER BY dn LIMIT ?3")?;
            let mut shared = Vec::with_capacity(keys.len());
            for (key, value, all) in keys {
                let named = i64::try_from(NAMED).unwrap_or(i64::MAX);
                let dns = claimants.query_map(params![what, key, named], |row| row.get(0))?;
                let dns = dns.collect::<Result<_, _>>()?;
                shared.push(Shared { value, dns, claimants: all.unsigned_abs() });
            }
            Ok((count, shared))
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_several_claim_is_found_with_all_of_them() {
        let mut stage = Stage::new().unwrap();
        let claim = |what, value: &str, dn: &str| Claim {
            what,
            key: Key::folded(value),
            value: value.into(),
            dn: dn.into(),
        };
        stage
            .put_claims(&[claim(0, "a@x.test", "cn=1"), claim(0, "b@x.test", "cn=2"), claim(1, "7", "cn=1")])
            .unwrap();
        stage
            .put_claims(&[claim(0, "A@X.test", "cn=3"), claim(0, "b@x.test", "cn=4"), claim(1, "8", "cn=3")])
            .unwrap();
        let (count, shared) = stage.shared(0, 1).unwrap();
        assert_eq!(count, 2);
        let all = vec!["cn=1".to_owned(), "cn=3".to_owned()];
        assert_eq!(shared, [Shared { value: "A@X.test".into(), dns: all, claimants: 2 }]);
        assert_eq!(stage.shared(0, 9).unwrap().1.len(), 2);
        assert_eq!(stage.shared(1, 9).unwrap(), (0, vec![]));
    }
}
