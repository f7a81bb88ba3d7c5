//! The handle through which everybody writes.

use std::borrow::Borrow;
use std::path::Path;
use std::sync::mpsc::{self, Sender};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::{self, JoinHandle};

use rusqlite::{Connection, OpenFlags};
use serde_json::Value;
use tokio::sync::oneshot;

use super::error::nonsense;
use super::journal::Deed;
use super::snapshot::Prepared;
use super::writer::{Answer, Ending, Letter, Request, Writer};
use super::{
    Decision, Followed, GroupDelta, HeldPlan, IntentId, Lock, Meta, Moves, NewRun, Reader, RecordChanges,
    Regrouping, Reports, RowChange, RunId, SeatDay, Settlement, StoreError, StoreErrorKind, Waiting,
    database,
};
use crate::model::{Action, LicenseId, Withheld};

/// The writer of the state. Clones share one thread that writes; every call returns when what
/// it wrote is on the disk.
///
/// When the last clone is dropped, or any of them closed, the thread ends.
#[derive(Clone)]
pub struct Store(Arc<Inner>);

struct Inner {
    letters: Sender<Option<Letter>>,
    thread: Mutex<Option<JoinHandle<()>>>,
    reader: Reader,
}

impl std::fmt::Debug for Store {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Store")
    }
}

impl Inner {
    fn end(&self) {
        // The thread may have ended before.
        let _ = self.letters.send(None);
        // The reader goes first: the last connection removes the write-ahead log.
        self.reader.close();
        let thread = self.thread.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(thread) = thread {
            let _ = thread.join();
        }
    }
}

impl Drop for Inner {
    fn drop(&mut self) {
        self.end();
    }
}

impl Store {
    /// Opens the state for writing, creating it when missing and bringing it to the current
    /// version when older.
    ///
    /// # Errors
    ///
    /// When the database is damaged, newer, of another program, or cannot be opened. Nothing was
    /// changed then.
    pub fn open(dir: &Path, lock: &Lock) -> Result<Self, StoreError> {
        if lock.dir() != dir {
            return Err(StoreError::new(StoreErrorKind::Io, "the lock belongs to another state directory"));
        }
        Self::over(database::open_writer(dir)?, dir)
    }

    pub(super) fn over(db: Connection, dir: &Path) -> Result<Self, StoreError> {
        Self::start(Writer::new(db), Reader::over(database::open_beside_writer(dir)?, None))
    }

    /// A state that is gone with its last clone, for tests and rehearsals.
    ///
    /// # Panics
    ///
    /// When the process can get no memory or thread.
    pub fn in_memory() -> Self {
        Self::try_in_memory().expect("an empty database in memory needs nothing but memory and a thread")
    }

    fn try_in_memory() -> Result<Self, StoreError> {
        // The slash makes SQLite share it between connections of this process, under a name
        // that nobody else in the process has.
        let uri = format!("file:/{}?vfs=memdb", uuid::Uuid::new_v4());
        let connect = || {
            Connection::open_with_flags(
                &uri,
                OpenFlags::SQLITE_OPEN_READ_WRITE
                    | OpenFlags::SQLITE_OPEN_CREATE
                    | OpenFlags::SQLITE_OPEN_URI
                    | OpenFlags::SQLITE_OPEN_NO_MUTEX,
            )
            .map_err(|e| StoreError::sqlite("opening it in memory", &e))
        };
        let mut db = connect()?;
        database::prepare_writer(&mut db)?;
        let reader = connect()?;
        database::prepare_reader(&reader)?;
        Self::start(Writer::new(db), Reader::over(reader, None))
    }

    fn start(writer: Writer, reader: Reader) -> Result<Self, StoreError> {
        let (letters, inbox) = mpsc::channel();
        let thread = thread::Builder::new()
            .name("store".into())
            .spawn(move || writer.work(&inbox))
            .map_err(|e| StoreError::io("cannot start the thread that writes", &e))?;
        Ok(Self(Arc::new(Inner { letters, thread: Mutex::new(Some(thread)), reader })))
    }

    /// The reading side, which sees everything that was written before.
    pub fn reader(&self) -> &Reader {
        &self.0.reader
    }

    async fn ask(&self, request: Request) -> Result<Answer, StoreError> {
        let (reply, answer) = oneshot::channel();
        self.0.letters.send(Some(Letter { request, reply })).map_err(|_| StoreError::closed())?;
        answer.await.map_err(|_| StoreError::closed())?
    }

    /// Begins a run.
    ///
    /// # Errors
    ///
    /// This and all other calls: when the database cannot be written; then nothing of this
    /// call was.
    pub async fn begin_run(&self, run: NewRun) -> Result<RunId, StoreError> {
        match self.ask(Request::BeginRun(run)).await? {
            Answer::Run(id) => Ok(id),
            _ => Err(mixed_up()),
        }
    }

    /// Ends a run.
    pub async fn end_run(
        &self,
        run: RunId,
        ended: i64,
        outcome: String,
        counts: Value,
    ) -> Result<(), StoreError> {
        self.ask(Request::EndRun { run, ended, outcome, counts: counts.to_string() }).await.map(drop)
    }

    /// Writes intents into the journal, before any of them takes effect. The ids come in the
    /// order of the actions.
    pub async fn intend(
        &self,
        run: RunId,
        plan: &str,
        now: i64,
        actions: impl IntoIterator<Item: Borrow<Action>>,
    ) -> Result<Vec<IntentId>, StoreError> {
        let deeds = actions
            .into_iter()
            .map(|action| Deed::new(action.borrow()))
            .collect::<Result<_, _>>()
            .map_err(|e| StoreError::sqlite("writing an action as JSON", &nonsense(e)))?;
        match self.ask(Request::Intend { run, plan: plan.into(), now, deeds }).await? {
            Answer::Intents(ids) => Ok(ids),
            _ => Err(mixed_up()),
        }
    }

    /// Writes how intents ended and what follows for the snapshot, in one transaction.
    pub async fn settle(&self, now: i64, settlements: Vec<Settlement>) -> Result<(), StoreError> {
        let ending = |settlement: Settlement| {
            let row = settlement.row.map(prepared).transpose()?;
            Ok(Ending { intent: settlement.intent, outcome: settlement.outcome, row })
        };
        let endings = settlements.into_iter().map(ending).collect::<Result<_, StoreError>>()?;
        self.ask(Request::Settle { now, endings }).await.map(drop)
    }

    /// Changes the snapshot without an intent: nothing happened in the cloud.
    pub async fn change_rows(&self, rows: Vec<RowChange>) -> Result<(), StoreError> {
        let rows = rows.into_iter().map(prepared).collect::<Result<_, _>>()?;
        self.ask(Request::ChangeRows(rows)).await.map(drop)
    }

    /// Writes a change of the groups, and marks the people whom it touches as to be looked at
    /// again, in one transaction.
    pub async fn commit_groups(&self, delta: GroupDelta) -> Result<(), StoreError> {
        self.ask(Request::Groups(delta)).await.map(drop)
    }

    /// Notes which groups of the cloud have to be looked at again, in one transaction.
    pub async fn regroup(&self, regrouping: Regrouping) -> Result<(), StoreError> {
        self.ask(Request::Regroup(regrouping)).await.map(drop)
    }

    /// Replaces the facts about the whole snapshot; its generation is kept by the store.
    pub async fn set_meta(&self, meta: Meta) -> Result<(), StoreError> {
        self.ask(Request::Meta(Box::new(meta))).await.map(drop)
    }

    /// Replaces the facts about the whole snapshot, cursors among them, together with what is
    /// known of the sources: in one transaction.
    pub async fn follow(&self, meta: Meta, followed: Followed) -> Result<(), StoreError> {
        self.ask(Request::Follow { meta: Box::new(meta), followed }).await.map(drop)
    }

    /// Notes where linked people stand by now, all of them at once, before whom they and others name as
    /// their manager. Whose place is known already may be among them.
    pub async fn set_places(&self, moves: Moves) -> Result<(), StoreError> {
        self.ask(Request::Places(moves)).await.map(drop)
    }

    /// Changes records that are kept. What they refer to is to be remembered before.
    pub async fn change_records(&self, changes: RecordChanges) -> Result<(), StoreError> {
        self.ask(Request::Records(changes)).await.map(drop)
    }

    /// Notes whom people name as their manager, before anything is done for them; who waits for one, and
    /// who does not any more.
    pub async fn set_managers(&self, reports: Reports) -> Result<(), StoreError> {
        self.ask(Request::Managers(reports)).await.map(drop)
    }

    /// Stores a plan until it is decided. One that is stored again with the same id and the
    /// same actions keeps its approval or rejection; with other actions it waits anew.
    pub async fn hold(&self, plan: HeldPlan) -> Result<(), StoreError> {
        self.ask(Request::Hold(Box::new(plan))).await.map(drop)
    }

    /// Records a decision about a held plan. `false` when there is no such plan, or when it is
    /// decided already: what waits can be approved or rejected, what is approved can be done
    /// or still be rejected, and what is rejected or done stays so.
    pub async fn decide_held(&self, plan: &str, decision: Decision, now: i64) -> Result<bool, StoreError> {
        match self.ask(Request::Decide { plan: plan.into(), decision, now }).await? {
            Answer::Decided(changed) => Ok(changed),
            _ => Err(mixed_up()),
        }
    }

    /// Replaces the list of what could not be decided.
    pub async fn set_withheld(&self, run: RunId, withheld: Vec<Withheld>) -> Result<(), StoreError> {
        self.ask(Request::Withheld { run, all: withheld }).await.map(drop)
    }

    /// Replaces the queue for seats, and notes how many were needed on a day, by licence.
    pub async fn set_queue(
        &self,
        waiting: Vec<Waiting>,
        days: Vec<(LicenseId, SeatDay)>,
    ) -> Result<(), StoreError> {
        self.ask(Request::Queue { waiting, days }).await.map(drop)
    }

    /// Forgets what the journal settled before a time, runs of which nothing is left, and held
    /// plans that were decided before it. What is open stays.
    pub async fn prune(&self, journal_before: i64) -> Result<(), StoreError> {
        self.ask(Request::Prune { before: journal_before }).await.map(drop)
    }

    /// Ends the writing thread after what is under way, and moves everything into the one
    /// database file. Other clones get errors from now on.
    pub fn close(self) {
        self.0.end();
    }
}

fn prepared(change: RowChange) -> Result<Prepared, StoreError> {
    Prepared::new(change).map_err(|e| StoreError::sqlite("writing a person as JSON", &nonsense(e)))
}

fn mixed_up() -> StoreError {
    StoreError::new(StoreErrorKind::Io, "the thread that writes gave the answer to another question")
}
