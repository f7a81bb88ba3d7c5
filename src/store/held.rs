//! Plans that a guard holds until somebody approves or rejects them.

use rusqlite::{Connection, OptionalExtension, params};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::RunId;
use super::error::nonsense;
use crate::model::Action;

/// What became of a held plan.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Decision {
    /// An administrator released it; it waits to be carried out.
    Approved,
    /// An administrator refused it.
    Rejected,
    /// It was carried out.
    Done,
    /// A later pass wants something else; the same plan may come again, and waits anew then.
    Overtaken,
}

impl Decision {
    const fn name(self) -> &'static str {
        match self {
            Self::Approved => "approved",
            Self::Rejected => "rejected",
            Self::Done => "done",
            Self::Overtaken => "overtaken",
        }
    }
}

/// Actions that wait for approval, exactly as they were planned.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct HeldPlan {
    /// The id by which it is approved.
    pub id: String,
    /// The run that made it.
    pub run: RunId,
    /// The generation of the snapshot that it is based on.
    pub generation: u64,
    /// When, in seconds since 1970-01-01 UTC.
    pub created: i64,
    /// `None` while it waits.
    pub decision: Option<Decision>,
    /// The guard's findings.
    pub findings: Value,
    /// The actions.
    pub actions: Vec<Action>,
}

/// Stores a plan. One that is stored again with the same actions keeps the decision about it;
/// with other actions it is another plan, and waits.
pub(super) fn put(db: &Connection, plan: &HeldPlan) -> rusqlite::Result<()> {
    db.prepare_cached(
        "INSERT INTO held (id, run, generation, created, decision, findings, actions)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)
         ON CONFLICT (id) DO UPDATE SET
             decision = iif(actions = excluded.actions AND decision IN ('approved', 'rejected'),
                            decision, excluded.decision),
             created = iif(actions = excluded.actions, created, excluded.created),
             run = excluded.run, generation = excluded.generation,
             findings = excluded.findings, actions = excluded.actions",
    )?
    .execute(params![
        plan.id,
        plan.run.0,
        i64::try_from(plan.generation).unwrap_or(i64::MAX),
        plan.created,
        plan.decision.map(Decision::name),
        plan.findings.to_string(),
        serde_json::to_string(&plan.actions).map_err(nonsense)?,
    ])
    .map(drop)
}

/// Records a decision. `false` when there is no such plan, or when it is not open to this
/// decision: what waits can be approved or rejected, what is approved can be done or still
/// be rejected, and what is rejected or done stays so.
pub(super) fn decide(db: &Connection, id: &str, decision: Decision, now: i64) -> rusqlite::Result<bool> {
    db.prepare_cached(match decision {
        Decision::Approved | Decision::Overtaken => {
            "UPDATE held SET decision = ?2, decided = ?3 WHERE id = ?1 AND decision IS NULL"
        }
        Decision::Rejected => {
            "UPDATE held SET decision = ?2, decided = ?3
             WHERE id = ?1 AND (decision IS NULL OR decision = 'approved')"
        }
        Decision::Done => {
            "UPDATE held SET decision = ?2, decided = ?3 WHERE id = ?1 AND decision = 'approved'"
        }
    })?
    .execute(params![id, decision.name(), now])
    .map(|changed| changed > 0)
}

const COLUMNS: &str = "SELECT id, run, generation, created, decision, findings, actions FROM held";

fn from_row(row: &rusqlite::Row<'_>) -> rusqlite::Result<HeldPlan> {
    let decision = match row.get_ref(4)?.as_str_or_null()? {
        None => None,
        Some("approved") => Some(Decision::Approved),
        Some("rejected") => Some(Decision::Rejected),
        Some("done") => Some(Decision::Done),
        Some("overtaken") => Some(Decision::Overtaken),
        Some(_) => return Err(nonsense("an unknown decision about a held plan")),
    };
    Ok(HeldPlan {
        id: row.get(0)?,
        run: RunId(row.get(1)?),
        generation: row.get::<_, i64>(2)?.unsigned_abs(),
        created: row.get(3)?,
        decision,
        findings: serde_json::from_str(row.get_ref(5)?.as_str()?).map_err(nonsense)?,
        actions: serde_json::from_str(row.get_ref(6)?.as_str()?).map_err(nonsense)?,
    })
}

/// All plans that are neither done nor overtaken, oldest first.
pub(super) fn list(db: &Connection) -> rusqlite::Result<Vec<HeldPlan>> {
    db.prepare_cached(&format!(
        "{COLUMNS} WHERE decision IS NULL OR decision IN ('approved', 'rejected') ORDER BY created, id"
    ))?
    .query_map([], from_row)?
    .collect()
}

/// Plans that were carried out at a time or later, or wait for it.
pub(super) fn approved_since(db: &Connection, since: i64) -> rusqlite::Result<Vec<HeldPlan>> {
    db.prepare_cached(&format!(
        "{COLUMNS} WHERE decision = 'approved' OR decision = 'done' AND decided >= ?1 ORDER BY created, id"
    ))?
    .query_map([since], from_row)?
    .collect()
}

pub(super) fn one(db: &Connection, id: &str) -> rusqlite::Result<Option<HeldPlan>> {
    db.prepare_cached(&format!("{COLUMNS} WHERE id = ?1"))?.query_row([id], from_row).optional()
}

/// Forgets plans that were decided before a time, except those that still have to be done.
pub(super) fn prune(db: &Connection, before: i64) -> rusqlite::Result<()> {
    db.prepare_cached(
        "DELETE FROM held WHERE decision IN ('rejected', 'done', 'overtaken') AND decided < ?1",
    )?
    .execute([before])
    .map(drop)
}
