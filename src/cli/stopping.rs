//! Ctrl-C and SIGTERM for commands that run once: the action in flight is finished, within a
//! deadline, and the exit code says which signal it was.

use std::future::Future;
use std::sync::Arc;
use std::sync::atomic::{AtomicI32, Ordering};
use std::time::Duration;

use tokio_util::sync::CancellationToken;

use crate::service::{self, Signal};

use super::exit::{Exit, Failure};

/// How long the action in flight may take after a signal.
const PATIENCE: Duration = Duration::from_secs(30);

/// Runs a command that stops in good order when it is told to.
///
/// # Errors
///
/// What the command says; when it was stopped and has nothing to show for it, that.
pub async fn stoppable<T, F: Future<Output = Result<T, Failure>>>(
    work: impl FnOnce(CancellationToken) -> F,
) -> (Result<T, Failure>, Option<Exit>) {
    let stop = CancellationToken::new();
    let at_once = CancellationToken::new();
    let code = Arc::new(AtomicI32::new(0));
    match service::listen() {
        Ok(mut signals) => {
            let (stop, at_once, code) = (stop.clone(), at_once.clone(), Arc::clone(&code));
            tokio::spawn(async move {
                while let Some(signal) = signals.recv().await {
                    if let Signal::Stop(number) = signal {
                        code.store(number, Ordering::Release);
                        if stop.is_cancelled() {
                            at_once.cancel();
                        }
                        stop.cancel();
                    }
                }
            });
        }
        Err(error) => tracing::warn!(%error, "Signals cannot be heard; Ctrl-C ends at once."),
    }
    let told = || match code.load(Ordering::Acquire) {
        0 => None,
        number => Some(Exit::Stopped(number)),
    };
    let late = async {
        stop.cancelled().await;
        // Over at the second signal.
        let _ = tokio::time::timeout(PATIENCE, at_once.cancelled()).await;
    };
    let result = tokio::select! {
        result = work(stop.clone()) => result,
        () = late => Err(Failure::new(
            told().unwrap_or_else(Exit::stopped),
            "stopped before the action in flight was confirmed",
            "nothing is lost: the next pass finds out what became of it",
        )),
    };
    let result = result.map_err(|failure| match (failure.exit, told()) {
        (Exit::Stopped(_), Some(exit)) => Failure { exit, ..failure },
        _ => failure,
    });
    (result, told())
}
