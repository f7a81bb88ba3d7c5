//! A checked plan is carried out: intent before effect, snapshot after confirmation.
//!
//! Phases run one after the other, inside a phase batches run side by side. One person's
//! trouble never stops the others; trouble with the cloud itself ends the pass.

mod row;

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Mutex;

use futures_util::stream::{self, StreamExt};
use tokio_util::sync::CancellationToken;

use crate::clock;
use crate::cloud::{CloudError, CloudErrorKind, CloudRead, CloudWrite, Order};
use crate::guard::CheckedPlan;
use crate::model::{
    Action, Attr, Change, CloudId, Fingerprint, Kind, LicenseId, Managed, SnapshotRow, SourceId,
};
use crate::plan::order::phase;
use crate::report::{Event, Sink};
use crate::store::{IntentId, Outcome, RowChange, RunId, Settlement, Store, StoreError};

pub use row::after;

/// Bulk calls under way at once. The cloud's own pace decides how many really are.
const CALLS_AT_ONCE: usize = 8;
/// Licence assignments that share one commit of the journal.
const ASSIGNMENTS: usize = 64;

/// What is to be noted about somebody once all actions succeeded.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finish {
    /// The DN.
    pub dn: String,
    /// The fingerprint of the record; [`Fingerprint::NONE`] when something stays open.
    pub record: Fingerprint,
    /// See [`SnapshotRow::recheck`].
    pub recheck: Option<i64>,
}

/// Where effects go.
pub struct Hands<'a> {
    /// The cloud, to read after an ambiguous answer.
    pub cloud: &'a dyn CloudRead,
    /// The cloud, to write.
    pub writer: &'a dyn CloudWrite,
    /// The journal and the snapshot.
    pub store: &'a Store,
    /// The run that this is part of.
    pub run: RunId,
    /// What the rules are in charge of.
    pub managed: &'a Managed,
    /// Where it is told.
    pub events: &'a Sink,
    /// Set when no new call may begin.
    pub stop: &'a CancellationToken,
}

/// Somebody for whom something went wrong.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Failure {
    /// What was tried.
    pub action: Action,
    /// A stable word.
    pub code: String,
    /// What happened.
    pub message: String,
    /// What to do next.
    pub remedy: String,
}

/// How carrying out a part ended.
#[derive(Debug, Default)]
pub struct Outcomes {
    /// Actions confirmed, by kind.
    pub done: BTreeMap<Kind, u64>,
    /// What went wrong.
    pub failed: Vec<Failure>,
    /// Licences that the cloud did not give although it accepted the request: seats ran out.
    pub unserved: Vec<(SourceId, String, LicenseId)>,
    /// Whether an account that should be there was not: the cloud is not as we believe, and
    /// the next pass has to observe all of it.
    pub lost: bool,
    /// The trouble that ends the pass.
    pub fatal: Option<CloudError>,
    /// Whether a stop was asked for before everything was done.
    pub stopped: bool,
}

/// The state of a part while it is carried out.
struct Progress {
    rows: BTreeMap<SourceId, SnapshotRow>,
    finish: BTreeMap<SourceId, Finish>,
    left: HashMap<SourceId, usize>,
    failed: BTreeSet<SourceId>,
    outcomes: Outcomes,
}

/// Carries out one part of a plan.
///
/// # Errors
///
/// Only when the store fails: without a journal nothing more may be sent.
pub async fn carry_out(
    hands: &Hands<'_>,
    checked: &CheckedPlan,
    rows: BTreeMap<SourceId, SnapshotRow>,
    finish: BTreeMap<SourceId, Finish>,
) -> Result<Outcomes, StoreError> {
    let plan = checked.plan();
    let mut left: HashMap<SourceId, usize> = HashMap::new();
    for action in &plan.actions {
        *left.entry(action.anchor).or_default() += 1;
    }
    let progress =
        Mutex::new(Progress { rows, finish, left, failed: BTreeSet::new(), outcomes: Outcomes::default() });
    let work = Work { hands, plan: &plan.id, progress: &progress };
    for actions in plan.actions.chunk_by(|a, b| phase(a) == phase(b)) {
        let licenses = matches!(actions[0].kind, Kind::LicenseAdd | Kind::LicenseRemove);
        let size = if licenses { ASSIGNMENTS } else { hands.writer.batch_size().max(1) };
        let results: Vec<Result<(), StoreError>> = stream::iter(actions.chunks(size))
            .map(|batch| async { if licenses { work.assign(batch).await } else { work.write(batch).await } })
            .buffer_unordered(CALLS_AT_ONCE)
            .collect()
            .await;
        results.into_iter().collect::<Result<(), _>>()?;
        if work.must_end() {
            break;
        }
    }
    Ok(progress.into_inner().unwrap_or_else(|e| e.into_inner()).outcomes)
}

/// One part being carried out.
struct Work<'a> {
    hands: &'a Hands<'a>,
    plan: &'a str,
    progress: &'a Mutex<Progress>,
}

impl Work<'_> {
    fn locked<T>(&self, with: impl FnOnce(&mut Progress) -> T) -> T {
        // Nothing that holds the lock can panic half way through a change.
        with(&mut self.progress.lock().unwrap_or_else(|e| e.into_inner()))
    }

    fn must_end(&self) -> bool {
        let stopping = self.hands.stop.is_cancelled();
        self.locked(|p| {
            p.outcomes.stopped |= stopping;
            p.outcomes.stopped || p.outcomes.fatal.is_some()
        })
    }

    /// Leaves out whoever failed in an earlier phase: what comes next would build on sand.
    fn ready<'b>(&self, batch: &'b [Action]) -> Vec<&'b Action> {
        self.locked(|p| batch.iter().filter(|action| !p.failed.contains(&action.anchor)).collect())
    }

    async fn intend(&self, actions: &[&Action]) -> Result<Vec<IntentId>, StoreError> {
        let actions = actions.iter().map(|action| (*action).clone()).collect();
        self.hands.store.intend(self.hands.run, self.plan, clock::now().timestamp(), actions).await
    }

    /// Carries out a batch of everything but licences.
    async fn write(&self, batch: &[Action]) -> Result<(), StoreError> {
        let actions = self.ready(batch);
        if actions.is_empty() || self.must_end() {
            return Ok(());
        }
        let intents = self.intend(&actions).await?;
        let ids: Vec<Option<CloudId>> = actions.iter().map(|action| self.account_of(action)).collect();
        // An adoption that changes nothing is a link, and needs no call.
        let (mute, spoken): (Vec<usize>, Vec<usize>) =
            (0..actions.len()).partition(|at| actions[*at].changes.is_empty() && ids[*at].is_some());
        let orders: Vec<Order<'_>> =
            spoken.iter().map(|at| Order { action: actions[*at], cloud_id: ids[*at].as_ref() }).collect();
        let answers = if orders.is_empty() { Vec::new() } else { self.hands.writer.write(&orders).await };
        let mut results: Vec<Option<Result<CloudId, CloudError>>> = actions.iter().map(|_| None).collect();
        for (at, answer) in spoken.iter().zip(answers) {
            let answer = match answer {
                Err(e) if actions[*at].kind == Kind::Create => {
                    self.read_before_writing_again(actions[*at], e).await
                }
                other => other,
            };
            results[*at] = Some(answer);
        }
        for at in mute {
            results[at] = ids[at].clone().map(Ok);
        }
        let mut settlements = Vec::with_capacity(actions.len());
        for ((action, intent), result) in actions.iter().zip(intents).zip(results) {
            match result {
                Some(Ok(id)) => settlements.push(self.succeeded(action, intent, &id, Outcome::Succeeded)),
                Some(Err(e)) => settlements.extend(self.failed(action, Some(intent), &e)),
                // The writer gave fewer answers than orders: nothing is known.
                None => {}
            }
        }
        self.hands.store.settle(clock::now().timestamp(), settlements).await
    }

    /// A create that was sent and not answered, or refused because the address exists, may
    /// have happened: the cloud is asked before anything is sent again.
    async fn read_before_writing_again(
        &self,
        action: &Action,
        error: CloudError,
    ) -> Result<CloudId, CloudError> {
        if !matches!(error.kind, CloudErrorKind::Ambiguous | CloudErrorKind::Conflict) {
            return Err(error);
        }
        let anchor = action.anchor.to_string();
        let found = match self.hands.cloud.account_by_email(&action.email).await {
            Ok(found) => found,
            // Not even that is known: the intent stays open, for the recovery to close.
            Err(e) => {
                if e.kind.ends_pass() {
                    self.locked(|p| p.outcomes.fatal.get_or_insert(e).kind);
                }
                return Err(CloudError { kind: CloudErrorKind::Ambiguous, ..error });
            }
        };
        match found {
            Some(account) if account.external_id.as_deref() == Some(anchor.as_str()) => Ok(account.id),
            Some(_) => Err(CloudError { kind: CloudErrorKind::Conflict, ..error }),
            None if error.kind == CloudErrorKind::Conflict => Err(error),
            None => {
                let order = [Order { action, cloud_id: None }];
                let again = self.hands.writer.write(&order).await.into_iter().next();
                match again {
                    Some(Err(e)) if e.kind == CloudErrorKind::Conflict => {
                        match self.hands.cloud.account_by_email(&action.email).await {
                            Ok(Some(account)) if account.external_id.as_deref() == Some(anchor.as_str()) => {
                                Ok(account.id)
                            }
                            Ok(_) => Err(e),
                            Err(_) => Err(error),
                        }
                    }
                    Some(result) => result,
                    None => Err(error),
                }
            }
        }
    }

    /// Carries out a batch of licence changes, one person a call.
    async fn assign(&self, batch: &[Action]) -> Result<(), StoreError> {
        let actions = self.ready(batch);
        if actions.is_empty() || self.must_end() {
            return Ok(());
        }
        let intents = self.intend(&actions).await?;
        let answers: Vec<Option<Result<BTreeSet<LicenseId>, CloudError>>> = stream::iter(&actions)
            .map(|action| async {
                if self.must_end() {
                    return None;
                }
                let id = self.account_of(action)?;
                let (give, take) = gives_and_takes(&action.changes);
                let answer = self.hands.writer.assign(&id, &give, &take).await;
                if let Err(e) = &answer
                    && e.kind.ends_pass()
                {
                    self.locked(|p| p.outcomes.fatal.get_or_insert_with(|| e.clone()).clone());
                }
                Some(answer)
            })
            .buffered(CALLS_AT_ONCE)
            .collect()
            .await;
        let mut settlements = Vec::with_capacity(actions.len());
        for ((action, intent), answer) in actions.iter().zip(intents).zip(answers) {
            match answer {
                Some(Ok(held)) => settlements.push(self.assigned(action, intent, &held)),
                Some(Err(e)) => settlements.extend(self.failed(action, Some(intent), &e)),
                None => settlements.push(Settlement {
                    intent,
                    outcome: Outcome::Failed {
                        code: "stopped".into(),
                        message: "not begun before the stop".into(),
                    },
                    row: None,
                }),
            }
        }
        self.hands.store.settle(clock::now().timestamp(), settlements).await
    }

    /// Compares what was asked with what the account holds now: the cloud skips silently.
    fn assigned(&self, action: &Action, intent: IntentId, held: &BTreeSet<LicenseId>) -> Settlement {
        let served = |field: &Attr, gives: bool| match field {
            Attr::License(id) => held.contains(id) == gives,
            _ => true,
        };
        let (served, unserved): (Vec<_>, Vec<_>) =
            action.changes.iter().cloned().partition(|change| served(&change.field, change.to.is_some()));
        let id = self.account_of(action).unwrap_or_else(|| CloudId::new(""));
        if unserved.is_empty() {
            return self.succeeded(action, intent, &id, Outcome::Succeeded);
        }
        let message =
            format!("the cloud answered without an error and left out {} of the licences", unserved.len());
        let (missing, kept) = gives_and_takes(&unserved);
        self.locked(|p| {
            p.failed.insert(action.anchor);
            for license in missing {
                p.outcomes.unserved.push((action.anchor, action.email.to_string(), license));
            }
            if !kept.is_empty() {
                p.outcomes.failed.push(Failure {
                    action: action.clone(),
                    code: "license_kept".into(),
                    message: message.clone(),
                    remedy: "look in the cloud why it keeps the licence; the next pass tries again".into(),
                });
            }
        });
        let part = Action { changes: served, ..action.clone() };
        self.succeeded(&part, intent, &id, Outcome::Partly { message })
    }

    fn account_of(&self, action: &Action) -> Option<CloudId> {
        action.cloud_id.clone().or_else(|| {
            (action.kind != Kind::Create)
                .then(|| self.locked(|p| p.rows.get(&action.anchor).map(|row| row.cloud_id.clone())))
                .flatten()
        })
    }

    fn succeeded(&self, action: &Action, intent: IntentId, id: &CloudId, outcome: Outcome) -> Settlement {
        let row = self.locked(|p| {
            let last = p.left.get_mut(&action.anchor).is_none_or(|left| {
                *left = left.saturating_sub(1);
                *left == 0
            });
            *p.outcomes.done.entry(action.kind).or_default() += 1;
            let before = p.rows.get(&action.anchor);
            let Some(mut row) = row::after(before, action, id, self.hands.managed, clock::now().timestamp())
            else {
                p.rows.remove(&action.anchor);
                return RowChange::Forget(action.anchor);
            };
            row.record = Fingerprint::NONE;
            if let Some(finish) = p.finish.get(&action.anchor) {
                row.dn.clone_from(&finish.dn);
                if last && !p.failed.contains(&action.anchor) {
                    row.record = finish.record;
                    row.recheck = finish.recheck;
                }
            }
            p.rows.insert(action.anchor, row.clone());
            RowChange::Link(Box::new(row))
        });
        (self.hands.events)(Event::Done { action: action.clone(), cloud_id: Some(id.clone()) });
        Settlement { intent, outcome, row: Some(row) }
    }

    /// Notes a failure; `None` when the intent stays open because nothing is known.
    fn failed(&self, action: &Action, intent: Option<IntentId>, error: &CloudError) -> Option<Settlement> {
        let code = code(error.kind);
        let row = self.locked(|p| {
            p.failed.insert(action.anchor);
            if error.kind.ends_pass() {
                p.outcomes.fatal.get_or_insert_with(|| error.clone());
            }
            p.outcomes.failed.push(Failure {
                action: action.clone(),
                code: code.into(),
                message: error.to_string(),
                remedy: error.remedy.clone(),
            });
            p.outcomes.lost |= error.kind == CloudErrorKind::NotFound;
            p.rows.get(&action.anchor).cloned()
        });
        (self.hands.events)(Event::Failed {
            action: action.clone(),
            code: code.into(),
            message: error.to_string(),
            remedy: error.remedy.clone(),
        });
        if error.kind == CloudErrorKind::Ambiguous {
            return None;
        }
        let row = match (action.kind, row) {
            // Whoever was to be created has no account, whatever an old link says.
            (Kind::Create, _) => Some(RowChange::Forget(action.anchor)),
            (Kind::Adopt, _) => None,
            // Whoever failed is looked at again, although the record did not change, and on the
            // ground of what was observed: the next pass may not ask the cloud.
            (_, Some(row)) => Some(RowChange::Link(Box::new(SnapshotRow {
                record: Fingerprint::NONE,
                recheck: None,
                ..row
            }))),
            (_, None) => None,
        };
        Some(Settlement {
            intent: intent?,
            outcome: Outcome::Failed { code: code.into(), message: error.to_string() },
            row,
        })
    }
}

fn gives_and_takes(changes: &[Change]) -> (Vec<LicenseId>, Vec<LicenseId>) {
    let mut give = Vec::new();
    let mut take = Vec::new();
    for change in changes {
        if let Attr::License(id) = &change.field {
            if change.to.is_some() { &mut give } else { &mut take }.push(id.clone());
        }
    }
    (give, take)
}

/// The stable word for a kind of trouble with the cloud.
fn code(kind: CloudErrorKind) -> &'static str {
    match kind {
        CloudErrorKind::Unreachable => "cloud_unreachable",
        CloudErrorKind::Throttled { .. } => "cloud_throttled",
        CloudErrorKind::Refused => "cloud_refused",
        CloudErrorKind::Conflict => "email_taken",
        CloudErrorKind::NotFound => "account_missing",
        CloudErrorKind::Rejected => "rejected",
        CloudErrorKind::Ambiguous => "unknown",
        CloudErrorKind::Unintelligible => "cloud_unintelligible",
        CloudErrorKind::Stopped => "stopped",
    }
}
