//! A decision of the administrator about a held plan, from a process that does not write
//! otherwise: the daemon may hold the lock for weeks, and must not have to be stopped for it.
//!
//! One short transaction beside the writer, which SQLite's write-ahead log permits. Where no
//! writer lives, the lock is taken, because readers then rely on a file that does not change.

use std::path::Path;
use std::time::Duration;

use rusqlite::{Connection, OpenFlags, TransactionBehavior};

use super::database::{self, DATABASE_FILE};
use super::{Decision, HeldPlan, Lock, LockError, StoreError, StoreErrorKind, held};

/// How long to wait for the transaction of a writer.
const PATIENCE: Duration = Duration::from_secs(30);

/// What came of a decision.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Decided {
    /// It holds from the next pass on.
    Noted,
    /// There is no plan with this id.
    Unknown,
    /// It was decided before.
    Already(Decision),
}

/// Approves or rejects a held plan. The writer need not be there, and may be.
///
/// # Errors
///
/// When the database cannot be written; then nothing was.
pub fn decide(dir: &Path, plan: &str, decision: Decision, now: i64) -> Result<Decided, StoreError> {
    let path = dir.join(DATABASE_FILE);
    if !path.exists() {
        return Ok(Decided::Unknown);
    }
    let lock = match Lock::acquire(dir) {
        Ok(lock) => Some(lock),
        // Only readers are there, and they rely on a file that nobody changes.
        Err(error @ LockError::Held { .. }) if Lock::holder(dir).is_none() => {
            return Err(StoreError::new(StoreErrorKind::Busy, error.to_string()));
        }
        Err(LockError::Held { .. }) => None,
        Err(LockError::Io { what, remedy }) => {
            return Err(StoreError { kind: StoreErrorKind::Io, what, remedy });
        }
    };
    let decided = match lock {
        Some(_) => note(database::open_writer(dir)?, plan, decision, now),
        None => note(open_beside(&path)?, plan, decision, now),
    };
    drop(lock);
    decided
}

/// A connection beside the writer of another process.
fn open_beside(path: &Path) -> Result<Connection, StoreError> {
    let sql = |e| StoreError::sqlite("opening it", &e);
    let db = Connection::open_with_flags(
        path,
        OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX,
    )
    .map_err(sql)?;
    db.execute_batch("PRAGMA synchronous = FULL; PRAGMA trusted_schema = OFF;").map_err(sql)?;
    let version = database::check_version(&db)?;
    if database::is_current(version) {
        return Ok(db);
    }
    Err(StoreError {
        remedy: "restart the service, so that it runs the installed version".into(),
        ..StoreError::new(
            StoreErrorKind::Busy,
            format!("{DATABASE_FILE} has version {version}, which an older program is writing"),
        )
    })
}

fn note(mut db: Connection, plan: &str, decision: Decision, now: i64) -> Result<Decided, StoreError> {
    let sql = |e| StoreError::sqlite("noting a decision", &e);
    db.busy_timeout(PATIENCE).map_err(sql)?;
    let step = db.transaction_with_behavior(TransactionBehavior::Immediate).map_err(sql)?;
    let decided = if held::decide(&step, plan, decision, now).map_err(sql)? {
        Decided::Noted
    } else {
        match held::one(&step, plan).map_err(sql)? {
            None => Decided::Unknown,
            Some(HeldPlan { decision: Some(before), .. }) => Decided::Already(before),
            Some(_) => Decided::Unknown,
        }
    };
    step.commit().map_err(sql)?;
    Ok(decided)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::{RunId, Store};

    fn plan(id: &str) -> HeldPlan {
        HeldPlan {
            id: id.into(),
            run: RunId(1),
            generation: 1,
            created: 1,
            decision: None,
            findings: serde_json::json!([]),
            actions: vec![],
        }
    }

    #[test]
    fn a_reader_without_a_writer_is_not_disturbed() {
        let dir = tempfile::tempdir().unwrap();
        let lock = Lock::acquire(dir.path()).unwrap();
        Store::open(dir.path(), &lock).unwrap().close();
        drop(lock);
        let reader = crate::store::Reader::open(dir.path()).unwrap();
        let refused = decide(dir.path(), "a", Decision::Approved, 5).unwrap_err();
        assert_eq!(refused.kind, StoreErrorKind::Busy);
        drop(reader);
        assert_eq!(decide(dir.path(), "a", Decision::Approved, 5).unwrap(), Decided::Unknown);
    }

    #[tokio::test]
    async fn a_plan_is_decided_once_with_and_without_a_writer() {
        let dir = tempfile::tempdir().unwrap();
        assert_eq!(decide(dir.path(), "a", Decision::Approved, 5).unwrap(), Decided::Unknown);
        let lock = Lock::acquire(dir.path()).unwrap();
        let store = Store::open(dir.path(), &lock).unwrap();
        for id in ["a", "b"] {
            store.hold(plan(id)).await.unwrap();
        }
        assert_eq!(decide(dir.path(), "a", Decision::Approved, 5).unwrap(), Decided::Noted);
        // The writer sees it at once.
        assert_eq!(store.reader().held_plan("a").unwrap().unwrap().decision, Some(Decision::Approved));
        store.close();
        drop(lock);
        assert_eq!(
            decide(dir.path(), "a", Decision::Approved, 5).unwrap(),
            Decided::Already(Decision::Approved)
        );
        assert_eq!(decide(dir.path(), "b", Decision::Rejected, 5).unwrap(), Decided::Noted);
        assert_eq!(decide(dir.path(), "none", Decision::Rejected, 5).unwrap(), Decided::Unknown);
    }
}
