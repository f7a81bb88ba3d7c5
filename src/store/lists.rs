//! The list that `status` shows: who could not be decided.

use rusqlite::{Connection, params};

use super::RunId;
use super::error::nonsense;
use crate::model::Withheld;

pub(super) fn set_withheld(db: &Connection, run: RunId, all: &[Withheld]) -> rusqlite::Result<()> {
    db.execute("DELETE FROM withheld", [])?;
    let mut insert = db.prepare_cached("INSERT INTO withheld (run, object) VALUES (?1, ?2)")?;
    for withheld in all {
        insert.execute(params![run.0, serde_json::to_string(withheld).map_err(nonsense)?])?;
    }
    Ok(())
}

pub(super) fn withheld(db: &Connection) -> rusqlite::Result<Vec<Withheld>> {
    db.prepare_cached("SELECT object FROM withheld ORDER BY id")?
        .query_map([], |row| serde_json::from_str(row.get_ref(0)?.as_str()?).map_err(nonsense))?
        .collect()
}
