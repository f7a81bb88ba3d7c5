//! Waiting for changes of the sources that can tell of them at once.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::Notify;
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep};

use crate::model::Watched;

use super::assemble::Parts;

/// The wait before the first attempt to wait again.
const SOON: Duration = Duration::from_secs(2);
/// The longest wait between two attempts; polling goes on meanwhile.
const LATE: Duration = Duration::from_secs(300);
/// Whoever waited as long was connected well.
const STEADY: Duration = Duration::from_secs(60);

/// Waits on all sources, until the set is dropped.
pub fn all(parts: &Arc<Parts>, wake: &Arc<Notify>) -> JoinSet<()> {
    let mut set = JoinSet::new();
    for at in 0..parts.sources.len() {
        set.spawn(one(Arc::clone(parts), at, Arc::clone(wake)));
    }
    set
}

async fn one(parts: Arc<Parts>, at: usize, wake: Arc<Notify>) {
    let Some(source) = parts.sources.get(at) else { return };
    let ask = parts.rules.ask();
    let name = source.name();
    let mut pause = SOON;
    loop {
        let began = Instant::now();
        match source.watch(&ask, Arc::clone(&wake)).await {
            Ok(Watched::Unsupported) => {
                tracing::debug!(source = name, "The source does not tell of changes at once; it is polled.");
                return;
            }
            Ok(Watched::Ended(reason)) => {
                tracing::info!(source = name, reason, "Waiting for changes ended, and begins again.");
            }
            Err(error) => {
                tracing::debug!(source = name, kind = ?error.kind, "The source cannot be waited on now.");
            }
        }
        pause = if began.elapsed() >= STEADY { SOON } else { (pause * 2).min(LATE) };
        sleep(pause).await;
        // What changed meanwhile is asked for without delay.
        wake.notify_one();
    }
}
