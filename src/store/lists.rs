//! The lists that `status` shows: who could not be decided, and who waits for a seat.

use rusqlite::{Connection, params};
use serde::{Deserialize, Serialize};

use super::RunId;
use super::error::nonsense;
use crate::model::{Email, LicenseId, SourceId, Withheld};

/// A person who is entitled to a licence of which no seat is left.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Waiting {
    /// Who.
    pub anchor: SourceId,
    /// The person's address.
    pub email: Email,
    /// Which licence.
    pub license: LicenseId,
}

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

pub(super) fn set_waiting(db: &Connection, all: &[Waiting]) -> rusqlite::Result<()> {
    db.execute("DELETE FROM waiting", [])?;
    let mut insert = db.prepare_cached("INSERT INTO waiting (anchor, email, license) VALUES (?1, ?2, ?3)")?;
    for one in all {
        insert.execute(params![one.anchor.as_bytes(), one.email.as_str(), one.license.as_str()])?;
    }
    Ok(())
}

pub(super) fn waiting(db: &Connection) -> rusqlite::Result<Vec<Waiting>> {
    db.prepare_cached("SELECT anchor, email, license FROM waiting ORDER BY id")?
        .query_map([], |row| {
            Ok(Waiting {
                anchor: SourceId::new(row.get(0)?),
                email: row.get_ref(1)?.as_str()?.parse().map_err(nonsense)?,
                license: LicenseId::new(row.get::<_, String>(2)?),
            })
        })?
        .collect()
}
