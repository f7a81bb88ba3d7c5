//! The numbers and extensions that people are to get with a calling licence, and who else claims the
//! same ones.

use rusqlite::params;

use super::{Late, Stage, answer};
use crate::model::SourceId;
use crate::store::StoreError;

pub(super) const SCHEMA: &str =
    "CREATE TABLE line (place TEXT NOT NULL, value TEXT NOT NULL, anchor BLOB NOT NULL) STRICT;";

/// A place with an extension at it; nothing with a number.
pub type LineKey = (String, String);

impl Stage {
    /// Notes claims of numbers and extensions.
    pub fn put_lines(&mut self, lines: &[(LineKey, SourceId)]) -> Result<(), StoreError> {
        if lines.is_empty() {
            return Ok(());
        }
        answer(&self.db, |db| {
            let transaction = db.unchecked_transaction()?;
            let mut insert =
                db.prepare_cached("INSERT INTO line (place, value, anchor) VALUES (?1, ?2, ?3)")?;
            for ((place, value), anchor) in lines {
                insert.execute(params![place, value, anchor.as_bytes()])?;
            }
            transaction.commit()
        })
    }

    /// At most `limit` numbers and extensions that follow one, each with everybody who was to get it,
    /// all sorted. What was noted may be out of date by now.
    pub fn lines_after(
        &self,
        after: Option<&LineKey>,
        limit: usize,
    ) -> Result<Vec<(LineKey, Vec<SourceId>)>, StoreError> {
        let (place, value) = after.map_or(("", ""), |(place, value)| (place.as_str(), value.as_str()));
        answer(&self.db, |db| {
            db.need(Late::Lines)?;
            let mut select = db.prepare_cached(
                "SELECT DISTINCT place, value, anchor FROM line WHERE (place, value) IN
                     (SELECT DISTINCT place, value FROM line WHERE (place, value) > (?1, ?2)
                      ORDER BY place, value LIMIT ?3)
                 ORDER BY place, value, anchor",
            )?;
            let mut rows = select.query(params![place, value, i64::try_from(limit).unwrap_or(i64::MAX)])?;
            let mut found: Vec<(LineKey, Vec<SourceId>)> = Vec::new();
            while let Some(row) = rows.next()? {
                let key: LineKey = (row.get(0)?, row.get(1)?);
                let anchor = SourceId::new(row.get(2)?);
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
    fn an_extension_is_one_at_its_place_and_a_number_everywhere() {
        let mut stage = Stage::new().unwrap();
        let who = |n| SourceId::new([n; 16]);
        let key = |place: &str, value: &str| (place.to_owned(), value.to_owned());
        stage.put_lines(&[(key("L", "20"), who(2)), (key("M", "20"), who(1))]).unwrap();
        stage.put_lines(&[(key("L", "20"), who(1)), (key("", "+4930"), who(3))]).unwrap();
        let first = stage.lines_after(None, 2).unwrap();
        assert_eq!(first, [(key("", "+4930"), vec![who(3)]), (key("L", "20"), vec![who(1), who(2)])]);
        assert_eq!(stage.lines_after(Some(&key("L", "20")), 9).unwrap(), [(key("M", "20"), vec![who(1)])]);
    }
}
