//! The thread that writes: it takes everything that waits, carries it out in one transaction,
//! and answers when the disk has it. One `fsync` then serves many.

use std::sync::mpsc::{Receiver, TryRecvError};

use rusqlite::{Connection, TransactionBehavior};
use tokio::sync::oneshot;

use super::StoreError;
use super::cloud_groups::{self, Regrouping};
use super::followed::{self, Followed};
use super::groups::{self, GroupDelta};
use super::held::{self, Decision, HeldPlan};
use super::journal::{self, Deed, IntentId, Outcome};
use super::lists;
use super::meta::{self, Meta};
use super::names;
use super::queue::{self, SeatDay, Waiting};
use super::records::{self, RecordChanges};
use super::reporting;
use super::run::{self, NewRun, RunId};
use super::snapshot::{self, Prepared};
use crate::model::{LicenseId, Withheld};

/// So many requests share a transaction at most.
const GROUP: usize = 256;

/// So many journal entries are forgotten per transaction.
const PRUNE_STEP: i64 = 20_000;

/// Something to write. Carried out again, alone, when the transaction that it shared failed.
pub(super) enum Request {
    BeginRun(NewRun),
    EndRun { run: RunId, ended: i64, outcome: String, counts: String },
    Intend { run: RunId, plan: String, now: i64, deeds: Vec<Deed> },
    Settle { now: i64, endings: Vec<Ending> },
    ChangeRows(Vec<Prepared>),
    Groups(GroupDelta),
    Regroup(Regrouping),
    Meta(Box<Meta>),
    Managers(reporting::Reports),
    Places(reporting::Moves),
    Follow { meta: Box<Meta>, followed: Followed },
    Records(RecordChanges),
    Hold(Box<HeldPlan>),
    Decide { plan: String, decision: Decision, now: i64 },
    Withheld { run: RunId, all: Vec<Withheld> },
    Queue { waiting: Vec<Waiting>, days: Vec<(LicenseId, SeatDay)> },
    Prune { before: i64 },
}

/// A settlement whose row is prepared.
pub(super) struct Ending {
    pub(super) intent: IntentId,
    pub(super) outcome: Outcome,
    pub(super) row: Option<Prepared>,
}

/// What a request gives.
#[derive(Debug)]
pub(super) enum Answer {
    Done,
    Run(RunId),
    Intents(Vec<IntentId>),
    Decided(bool),
    /// Pruning goes on in the next transaction.
    More,
}

/// A request on its way.
pub(super) struct Letter {
    pub(super) request: Request,
    pub(super) reply: oneshot::Sender<Result<Answer, StoreError>>,
}

/// The writing side of the database.
pub(super) struct Writer {
    db: Connection,
    /// New names wait to be sorted into their index.
    many_names: bool,
}

impl Writer {
    pub(super) fn new(db: Connection) -> Self {
        Self { db, many_names: false }
    }

    /// Works until all senders are gone or a `None` arrives.
    pub(super) fn work(mut self, letters: &Receiver<Option<Letter>>) {
        let mut open = true;
        while open {
            let Ok(Some(first)) = letters.recv() else { break };
            let mut group = vec![first];
            while group.len() < GROUP {
                match letters.try_recv() {
                    Ok(Some(letter)) => group.push(letter),
                    Ok(None) | Err(TryRecvError::Disconnected) => {
                        open = false;
                        break;
                    }
                    Err(TryRecvError::Empty) => break,
                }
            }
            self.serve(group);
        }
        // The next start would do the same, only later.
        let _ = self.db.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |_| Ok(()));
    }

    fn serve(&mut self, group: Vec<Letter>) {
        let requests: Vec<&Request> = group.iter().map(|letter| &letter.request).collect();
        let answers = match self.transact(&requests) {
            Ok(answers) => answers.into_iter().map(Ok).collect(),
            Err(error) if requests.len() == 1 => vec![Err(error)],
            // One of them failed: each on its own, so that the others do not suffer.
            Err(_) => requests.iter().map(|request| self.alone(request)).collect::<Vec<_>>(),
        };
        for (letter, answer) in group.into_iter().zip(answers) {
            let answer = match answer {
                Ok(Answer::More) => self.alone(&letter.request),
                other => other,
            };
            // Nobody waits any more when a task was aborted; what is written stays.
            let _ = letter.reply.send(answer);
        }
        if self.many_names
            && let Err(error) = self.sort_names()
        {
            // Nothing is lost: the next change of the snapshot tries again.
            tracing::warn!(kind = ?error.kind, "cannot sort new names into their index");
        }
    }

    fn sort_names(&mut self) -> Result<(), StoreError> {
        let sql = |e| StoreError::sqlite("sorting names", &e);
        self.many_names = false;
        let transaction = self.db.transaction_with_behavior(TransactionBehavior::Immediate).map_err(sql)?;
        names::sort(&transaction).map_err(sql)?;
        transaction.commit().map_err(sql)
    }

    /// Carries out one request, in as many transactions as it needs.
    fn alone(&mut self, request: &Request) -> Result<Answer, StoreError> {
        loop {
            match self.transact(&[request])?.pop() {
                Some(Answer::More) => {}
                Some(answer) => return Ok(answer),
                None => return Ok(Answer::Done),
            }
        }
    }

    fn transact(&mut self, requests: &[&Request]) -> Result<Vec<Answer>, StoreError> {
        let sql = |e| StoreError::sqlite("writing", &e);
        let transaction = self.db.transaction_with_behavior(TransactionBehavior::Immediate).map_err(sql)?;
        let mut snapshot_changed = false;
        let answers = requests
            .iter()
            .map(|request| {
                snapshot_changed |= request.changes_snapshot();
                carry_out(&transaction, request).map_err(sql)
            })
            .collect::<Result<Vec<_>, _>>()?;
        if snapshot_changed {
            meta::next_generation(&transaction).map_err(sql)?;
            self.many_names = names::are_many(&transaction).map_err(sql)?;
        }
        transaction.commit().map_err(sql)?;
        Ok(answers)
    }
}

impl Request {
    fn changes_snapshot(&self) -> bool {
        match self {
            Self::Settle { endings, .. } => endings.iter().any(|one| one.row.is_some()),
            Self::ChangeRows(rows) => !rows.is_empty(),
            Self::Groups(delta) => *delta != GroupDelta::default(),
            _ => false,
        }
    }
}

fn carry_out(db: &Connection, request: &Request) -> rusqlite::Result<Answer> {
    match request {
        Request::BeginRun(run) => return run::begin(db, run).map(Answer::Run),
        Request::EndRun { run, ended, outcome, counts } => run::end(db, *run, *ended, outcome, counts)?,
        Request::Intend { run, plan, now, deeds } => {
            return journal::intend(db, *run, plan, *now, deeds).map(Answer::Intents);
        }
        Request::Settle { now, endings } => {
            for ending in endings {
                journal::settle(db, ending.intent, &ending.outcome, *now)?;
                if let Some(row) = &ending.row {
                    snapshot::change(db, row)?;
                }
            }
        }
        Request::ChangeRows(rows) => {
            for row in rows {
                snapshot::change(db, row)?;
            }
        }
        Request::Groups(delta) => groups::commit(db, delta)?,
        Request::Regroup(regrouping) => cloud_groups::regroup(db, regrouping)?,
        Request::Meta(new) => meta::write(db, new)?,
        Request::Managers(reports) => reporting::write(db, reports)?,
        Request::Places(moves) => reporting::relocate(db, moves)?,
        Request::Follow { meta, followed } => {
            meta::write(db, meta)?;
            followed::write(db, followed)?;
        }
        Request::Records(changes) => records::write(db, changes)?,
        Request::Hold(plan) => held::put(db, plan)?,
        Request::Decide { plan, decision, now } => {
            return held::decide(db, plan, *decision, *now).map(Answer::Decided);
        }
        Request::Withheld { run, all } => lists::set_withheld(db, *run, all)?,
        Request::Queue { waiting, days } => {
            queue::set(db, waiting)?;
            queue::note_days(db, days)?;
        }
        Request::Prune { before } => {
            if journal::prune(db, *before, PRUNE_STEP)? > 0 {
                return Ok(Answer::More);
            }
            run::prune(db, *before)?;
            held::prune(db, *before)?;
            queue::prune(db, *before)?;
        }
    }
    Ok(Answer::Done)
}
