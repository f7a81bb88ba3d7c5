//! A checked plan is carried out: intent before effect, snapshot after confirmation.
//!
//! Phases run one after the other, inside a phase batches run side by side. One person's
//! trouble never stops the others; trouble with the cloud itself ends the pass.

mod contacts;
mod groups;
mod outcome;
mod row;
mod work;

use std::collections::BTreeMap;
use std::sync::Arc;

use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use crate::cloud::{CloudRead, CloudWrite};
use crate::guard::CheckedPlan;
use crate::model::{Kind, LicenseId, Managed, SnapshotRow, SourceId};
use crate::plan::order::phase;
use crate::report::Sink;
use crate::store::{RunId, Store, StoreError};

pub use contacts::{ContactWork, carry_out_contacts};
pub use groups::{GroupWork, carry_out_groups, joined};
pub use outcome::{Failure, Finish, Outcomes, gives};
pub use row::after;

use outcome::Progress;
use work::Work;

/// Batches under way at once: more than calls, so that some are in the journal while others
/// are in the cloud, whose own pace decides how many really go out.
const BATCHES_AT_ONCE: usize = 16;
/// Licence assignments of one batch under way at once.
const CALLS_AT_ONCE: usize = 8;
/// Licence assignments that share one commit of the journal.
const ASSIGNMENTS: usize = 64;

/// Where effects go.
#[derive(Clone)]
pub struct Hands {
    /// The cloud, to read after an ambiguous answer.
    pub cloud: Arc<dyn CloudRead>,
    /// The cloud, to write.
    pub writer: Arc<dyn CloudWrite>,
    /// The journal and the snapshot.
    pub store: Store,
    /// The run that this is part of.
    pub run: RunId,
    /// Where it is told.
    pub events: Sink,
    /// Set when no new call may begin.
    pub stop: CancellationToken,
}

/// Carries out one part of a plan. Batches are tasks of their own, so that they use all cores;
/// when the future is dropped, they end with it. `spare` are the seats of each limited licence that
/// the plan does not give away: where one that was to become free does not, there is one fewer, and
/// below zero the last who were to get the licence wait.
///
/// # Errors
///
/// Only when the store fails: without a journal nothing more may be sent.
pub async fn carry_out(
    hands: &Hands,
    managed: &Arc<Managed>,
    checked: CheckedPlan,
    rows: BTreeMap<SourceId, SnapshotRow>,
    finish: BTreeMap<SourceId, Finish>,
    spare: &mut BTreeMap<LicenseId, i64>,
) -> Result<Outcomes, StoreError> {
    let plan = checked.into_plan();
    let progress = Progress::begin(&plan.actions, rows, finish);
    let work = Arc::new(Work::new(hands.clone(), Arc::clone(managed), plan, progress));
    let actions = work.actions();
    let mut begin = 0;
    for same in actions.chunk_by(|a, b| phase(a) == phase(b)) {
        let licenses = matches!(same[0].kind, Kind::LicenseAdd | Kind::LicenseRemove);
        let size = if licenses { ASSIGNMENTS } else { hands.writer.batch_size().max(1) };
        if same[0].kind == Kind::LicenseAdd {
            work.hold_back(begin..begin + same.len(), spare).await?;
        }
        let mut batches: JoinSet<Result<(), StoreError>> = JoinSet::new();
        for from in (begin..begin + same.len()).step_by(size) {
            let batch = from..(from + size).min(begin + same.len());
            if batches.len() >= BATCHES_AT_ONCE {
                ended(batches.join_next().await)?;
            }
            let work = Arc::clone(&work);
            batches.spawn(async move {
                if licenses { work.assign(batch).await } else { work.write(batch).await }
            });
        }
        while let Some(result) = batches.join_next().await {
            ended(Some(result))?;
        }
        if work.must_end() {
            break;
        }
        begin += same.len();
    }
    work.settle_kept(spare);
    Ok(work.outcomes())
}

/// The end of one batch. A panic in it goes on in whoever waits for it.
fn ended(result: Option<Result<Result<(), StoreError>, tokio::task::JoinError>>) -> Result<(), StoreError> {
    match result {
        Some(Ok(result)) => result,
        Some(Err(e)) if e.is_panic() => std::panic::resume_unwind(e.into_panic()),
        Some(Err(_)) | None => Ok(()),
    }
}
