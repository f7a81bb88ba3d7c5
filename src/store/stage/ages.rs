//! When the records of newcomers were made, in a pass in which that decides who gets an address.

use std::collections::HashMap;

use rusqlite::{OptionalExtension, params};

use super::{Stage, answer};
use crate::model::SourceId;
use crate::store::StoreError;

pub(super) const SCHEMA: &str =
    "CREATE TABLE age (anchor BLOB NOT NULL PRIMARY KEY, created INTEGER NOT NULL) STRICT, WITHOUT ROWID;";

impl Stage {
    /// Notes when records were made, in numbers that grow.
    pub fn put_ages(&mut self, ages: &[(SourceId, i64)]) -> Result<(), StoreError> {
        if ages.is_empty() {
            return Ok(());
        }
        answer(&self.db, |db| {
            let transaction = db.unchecked_transaction()?;
            let mut insert =
                db.prepare_cached("INSERT OR REPLACE INTO age (anchor, created) VALUES (?1, ?2)")?;
            for (anchor, created) in ages {
                insert.execute(params![anchor.as_bytes(), created])?;
            }
            transaction.commit()
        })
    }

    /// When the records of these people were made, as far as is known.
    pub fn ages(&self, anchors: &[SourceId]) -> Result<HashMap<SourceId, i64>, StoreError> {
        answer(&self.db, |db| {
            let mut select = db.prepare_cached("SELECT created FROM age WHERE anchor = ?1")?;
            let mut ages = HashMap::new();
            for anchor in anchors {
                if let Some(age) = select.query_row([anchor.as_bytes()], |row| row.get(0)).optional()? {
                    ages.insert(*anchor, age);
                }
            }
            Ok(ages)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_word_about_an_age_counts() {
        let mut stage = Stage::new().unwrap();
        let (a, b) = (SourceId::new([1; 16]), SourceId::new([2; 16]));
        stage.put_ages(&[(a, 5)]).unwrap();
        stage.put_ages(&[(a, 7)]).unwrap();
        assert_eq!(stage.ages(&[a, b]).unwrap(), HashMap::from([(a, 7)]));
    }
}
