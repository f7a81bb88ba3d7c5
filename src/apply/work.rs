//! Sending batches: intent, call, settlement.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;
use std::sync::{Arc, Mutex};

use futures_util::stream::{self, StreamExt};

use crate::clock;
use crate::cloud::{CloudError, CloudErrorKind, Order};
use crate::model::{Action, CloudId, Fingerprint, Kind, LicenseId, Managed};
use crate::plan::Plan;
use crate::report::Event;
use crate::store::{IntentId, Outcome, RowChange, Settlement, StoreError};

use super::outcome::{Outcomes, Progress};
use super::{CALLS_AT_ONCE, Hands};

/// One part being carried out.
pub(super) struct Work {
    hands: Hands,
    managed: Arc<Managed>,
    plan: Plan,
    progress: Mutex<Progress>,
}

impl Work {
    pub(super) fn new(hands: Hands, managed: Arc<Managed>, plan: Plan, progress: Progress) -> Self {
        Self { hands, managed, plan, progress: Mutex::new(progress) }
    }

    /// All actions of the part.
    pub(super) fn actions(&self) -> &[Action] {
        &self.plan.actions
    }

    /// What came of it.
    pub(super) fn outcomes(&self) -> Outcomes {
        self.locked(|p| std::mem::take(&mut p.outcomes))
    }

    fn locked<T>(&self, with: impl FnOnce(&mut Progress) -> T) -> T {
        // Nothing that holds the lock can panic half way through a change.
        with(&mut self.progress.lock().unwrap_or_else(|e| e.into_inner()))
    }

    /// Whether no new call may begin.
    pub(super) fn must_end(&self) -> bool {
        let stopping = self.hands.stop.is_cancelled();
        self.locked(|p| {
            p.outcomes.stopped |= stopping;
            p.outcomes.stopped || p.outcomes.fatal.is_some()
        })
    }

    /// Leaves out whoever failed in an earlier phase: what comes next would build on sand. Only
    /// a deactivation does not: whoever left must not keep access because a licence is kept.
    fn ready(&self, batch: Range<usize>) -> Vec<&Action> {
        let batch = &self.plan.actions[batch];
        let stands = |p: &Progress, action: &Action| {
            !p.is_held_back(action) && (action.kind == Kind::Deactivate || !p.failed.contains(&action.anchor))
        };
        self.locked(|p| batch.iter().filter(|action| stands(p, action)).collect())
    }

    /// See [`Progress::settle_kept`].
    pub(super) fn settle_kept(&self, spare: &mut BTreeMap<LicenseId, i64>) {
        self.locked(|p| p.settle_kept(spare));
    }

    /// Before licences are given: keeps back those whose seats did not become free.
    pub(super) async fn hold_back(
        &self,
        actions: Range<usize>,
        spare: &mut BTreeMap<LicenseId, i64>,
    ) -> Result<(), StoreError> {
        let rows = self.locked(|p| p.hold_back(&self.plan.actions[actions], spare));
        if rows.is_empty() {
            return Ok(());
        }
        self.hands.store.change_rows(rows).await
    }

    async fn intend(&self, actions: &[&Action]) -> Result<Vec<IntentId>, StoreError> {
        let now = clock::now().timestamp();
        self.hands.store.intend(self.hands.run, &self.plan.id, now, actions.iter().copied()).await
    }

    /// Carries out a batch of everything but licences.
    pub(super) async fn write(&self, batch: Range<usize>) -> Result<(), StoreError> {
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
        let mut older = BTreeSet::new();
        for (at, answer) in spoken.iter().zip(answers) {
            let answer = match answer {
                Err(e) if actions[*at].kind == Kind::Create => {
                    let refused = e.kind == CloudErrorKind::Conflict;
                    let answer = self.read_before_writing_again(actions[*at], e).await;
                    if refused && answer.is_ok() {
                        older.insert(*at);
                    }
                    answer
                }
                other => other,
            };
            results[*at] = Some(answer);
        }
        for at in mute {
            results[at] = ids[at].clone().map(Ok);
        }
        let mut settlements = Vec::with_capacity(actions.len());
        for (at, ((action, intent), result)) in actions.iter().zip(intents).zip(results).enumerate() {
            match result {
                Some(Ok(id)) if older.contains(&at) => {
                    settlements.push(self.found(action, intent, &id));
                }
                Some(Ok(id)) => settlements.push(self.succeeded(action, intent, &id)),
                Some(Err(e)) => settlements.extend(self.failed(action, intent, &e)),
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
        let Some(email) = action.who.email() else { return Err(error) };
        let anchor = action.anchor.to_string();
        let found = match self.hands.cloud.account_by_email(email).await {
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
                        match self.hands.cloud.account_by_email(email).await {
                            Ok(Some(account)) if account.external_id.as_deref() == Some(anchor.as_str()) => {
                                Ok(account.id)
                            }
                            Ok(Some(_)) => Err(e),
                            // Taken, and not shown yet: by the first sending, most likely.
                            Ok(None) | Err(_) => Err(error),
                        }
                    }
                    Some(Ok(id)) => Ok(id),
                    // The refusal of the second says nothing about the first, which the search may
                    // not show yet. The trouble that ends a pass ends it all the same.
                    Some(Err(e)) => {
                        if e.kind.ends_pass() {
                            self.locked(|p| p.outcomes.fatal.get_or_insert(e).kind);
                        }
                        Err(error)
                    }
                    None => Err(error),
                }
            }
        }
    }

    /// Carries out a batch of licence changes, one person a call.
    pub(super) async fn assign(&self, batch: Range<usize>) -> Result<(), StoreError> {
        let actions = self.ready(batch);
        if actions.is_empty() || self.must_end() {
            return Ok(());
        }
        let intents = self.intend(&actions).await?;
        let calls: Vec<_> = actions.iter().map(|action| self.assign_one(action)).collect();
        let answers: Vec<_> = stream::iter(calls).buffered(CALLS_AT_ONCE).collect().await;
        let mut settlements = Vec::with_capacity(actions.len());
        for ((action, intent), answer) in actions.iter().zip(intents).zip(answers) {
            match answer {
                Some(Ok(held)) => settlements.push(self.assigned(action, intent, &held)),
                Some(Err(e)) => settlements.extend(self.failed(action, intent, &e)),
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

    /// One call; `None` when it was not made, because the pass is to end.
    async fn assign_one(&self, action: &Action) -> Option<Result<BTreeSet<LicenseId>, CloudError>> {
        if self.must_end() {
            return None;
        }
        let id = self.account_of(action)?;
        let (give, take) = self.locked(|p| p.grants(action));
        let answer = self.hands.writer.assign(&id, &give, &take).await;
        if let Err(e) = &answer
            && e.kind.ends_pass()
        {
            self.locked(|p| p.outcomes.fatal.get_or_insert_with(|| e.clone()).clone());
        }
        Some(answer)
    }

    fn account_of(&self, action: &Action) -> Option<CloudId> {
        action.cloud_id.clone().or_else(|| {
            (action.kind != Kind::Create)
                .then(|| self.locked(|p| p.rows.get(&action.anchor).map(|row| row.cloud_id.clone())))
                .flatten()
        })
    }

    fn succeeded(&self, action: &Action, intent: IntentId, id: &CloudId) -> Settlement {
        let now = clock::now().timestamp();
        let row = self.locked(|p| p.succeeded(action, id, &self.managed, now));
        (self.hands.events)(Event::Done { action: Arc::new(action.clone()), cloud_id: Some(id.clone()) });
        Settlement { intent, outcome: Outcome::Succeeded, row: Some(row) }
    }

    /// A create that met an account of an earlier one, under our own anchor: it is linked, and
    /// what it holds is not known. The next pass looks.
    fn found(&self, action: &Action, intent: IntentId, id: &CloudId) -> Settlement {
        self.locked(|p| p.failed.insert(action.anchor));
        let mut settlement = self.succeeded(action, intent, id);
        if let Some(RowChange::Link(row)) = &mut settlement.row {
            row.applied_print = Fingerprint::NONE;
        }
        settlement
    }

    /// Compares what was asked with what the account holds now: the cloud skips silently.
    fn assigned(&self, action: &Action, intent: IntentId, held: &BTreeSet<LicenseId>) -> Settlement {
        let id = self.account_of(action).unwrap_or_else(|| CloudId::new(""));
        let now = clock::now().timestamp();
        let (served, outcome, row) = self.locked(|p| p.assigned(action, &id, held, &self.managed, now));
        if !served.changes.is_empty() {
            (self.hands.events)(Event::Done { action: Arc::new(served), cloud_id: Some(id) });
        }
        Settlement { intent, outcome, row: Some(row) }
    }

    /// Notes a failure; `None` when the intent stays open because nothing is known.
    fn failed(&self, action: &Action, intent: IntentId, error: &CloudError) -> Option<Settlement> {
        let (code, row) = self.locked(|p| p.failed(action, error));
        (self.hands.events)(Event::Failed {
            action: action.clone(),
            code: code.into(),
            message: error.to_string(),
            remedy: error.remedy.clone(),
        });
        if leaves_open(action.kind, error.kind) {
            return None;
        }
        let outcome = Outcome::Failed { code: code.into(), message: error.to_string() };
        Some(Settlement { intent, outcome, row })
    }
}

/// Whether a call that ended so may have taken effect: some sending may have arrived. The snapshot
/// then knows neither what the account says nor, for a licence, a role or a block, whose it is;
/// only the recovery makes it doubt both. A create that may have arrived is always ambiguous.
pub(super) fn leaves_open(kind: Kind, end: CloudErrorKind) -> bool {
    match end {
        CloudErrorKind::Ambiguous => true,
        CloudErrorKind::Unreachable | CloudErrorKind::Unintelligible => {
            !matches!(kind, Kind::Create | Kind::GroupCreate | Kind::ContactCreate)
        }
        CloudErrorKind::Throttled { .. }
        | CloudErrorKind::Refused
        | CloudErrorKind::Conflict
        | CloudErrorKind::NotFound
        | CloudErrorKind::Rejected
        | CloudErrorKind::Stopped => false,
    }
}
