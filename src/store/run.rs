//! Runs: when a pass began, what prompted it, and how it ended.

use rusqlite::{Connection, OptionalExtension, params};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::error::nonsense;

/// The id of a run. Ascending.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct RunId(pub i64);

impl std::fmt::Display for RunId {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.0.fmt(f)
    }
}

/// A run that begins.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewRun {
    /// When, in seconds since 1970-01-01 UTC.
    pub started: i64,
    /// `full` or `delta`.
    pub mode: String,
    /// What prompted it: `schedule`, `command`, …
    pub trigger: String,
}

/// A run, begun and perhaps ended.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct RunRecord {
    /// The id.
    pub id: RunId,
    /// When it began, in seconds since 1970-01-01 UTC.
    pub started: i64,
    /// When it ended; `None` while it goes on, or when it was killed.
    pub ended: Option<i64>,
    /// `full` or `delta`.
    pub mode: String,
    /// What prompted it.
    pub trigger: String,
    /// How it ended; `None` while it goes on, or when it was killed.
    pub outcome: Option<String>,
    /// The counts of its report; `null` until it ended.
    pub counts: Value,
}

pub(super) fn begin(db: &Connection, run: &NewRun) -> rusqlite::Result<RunId> {
    db.prepare_cached("INSERT INTO run (started, mode, prompted) VALUES (?1, ?2, ?3)")?
        .insert(params![run.started, run.mode, run.trigger])
        .map(RunId)
}

pub(super) fn end(
    db: &Connection,
    run: RunId,
    ended: i64,
    outcome: &str,
    counts: &str,
) -> rusqlite::Result<()> {
    db.prepare_cached("UPDATE run SET ended = ?2, outcome = ?3, counts = ?4 WHERE id = ?1")?
        .execute(params![run.0, ended, outcome, counts])
        .map(drop)
}

const COLUMNS: &str = "SELECT id, started, ended, mode, prompted, outcome, counts FROM run";

fn from_row(row: &rusqlite::Row<'_>) -> rusqlite::Result<RunRecord> {
    let counts = match row.get_ref(6)?.as_str_or_null()? {
        Some(text) => serde_json::from_str(text).map_err(nonsense)?,
        None => Value::Null,
    };
    Ok(RunRecord {
        id: RunId(row.get(0)?),
        started: row.get(1)?,
        ended: row.get(2)?,
        mode: row.get(3)?,
        trigger: row.get(4)?,
        outcome: row.get(5)?,
        counts,
    })
}

/// The newest runs, newest first.
pub(super) fn list(db: &Connection, limit: usize) -> rusqlite::Result<Vec<RunRecord>> {
    db.prepare_cached(&format!("{COLUMNS} ORDER BY id DESC LIMIT ?1"))?
        .query_map([i64::try_from(limit).unwrap_or(i64::MAX)], from_row)?
        .collect()
}

pub(super) fn one(db: &Connection, run: RunId) -> rusqlite::Result<Option<RunRecord>> {
    db.prepare_cached(&format!("{COLUMNS} WHERE id = ?1"))?.query_row([run.0], from_row).optional()
}

/// Forgets runs that began before a time and of which the journal holds nothing any more. The
/// newest run stays, so that its id is never given again.
pub(super) fn prune(db: &Connection, before: i64) -> rusqlite::Result<()> {
    db.prepare_cached(
        "DELETE FROM run WHERE started < ?1 AND id < (SELECT max(id) FROM run)
             AND id NOT IN (SELECT run FROM intent)",
    )?
    .execute([before])
    .map(drop)
}
