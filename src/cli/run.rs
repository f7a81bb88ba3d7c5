//! `dirsyncd run`: the daemon, with real passes.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use chrono::{DateTime, Utc};
use futures_util::future::BoxFuture;
use tokio::sync::Notify;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use crate::daemon::{self, CHANGE, Work};
use crate::report::progress::Progress;
use crate::schedule::Schedule;
use crate::service;
use crate::store::{Lock, Store};

use super::args::{self, Globals};
use super::assemble::Parts;
use super::console::Console;
use super::exit::{Exit, Failure};
use super::listen::Extent;
use super::pass::{Order, one_pass};
use super::watch;

/// The longest pause between two questions what changed, while they fail.
const PATIENCE: Duration = Duration::from_mins(10);

/// Runs the command.
///
/// # Errors
///
/// When the daemon could not be started. Once it runs, it goes on whatever its passes meet.
pub async fn run(globals: &Globals, console: Console, args: &args::Run) -> Result<Exit, Failure> {
    if console.json {
        return Err(Failure::usage(
            "a daemon has no JSON document",
            "leave out --json; log.format = \"json\" is for its log",
        ));
    }
    // Signals are heard from here on: one that comes during the start is not lost.
    let signals =
        service::listen().map_err(|error| Failure::fault(format!("signals cannot be heard: {error}")))?;
    let parts = Parts::load(globals)?;
    let _log = super::start_log(&parts.config.log, console, true);
    let lock = Lock::acquire(&parts.config.state_dir)?;
    let store = Store::open(&parts.config.state_dir, &lock)?;
    tracing::info!(
        version = env!("CARGO_PKG_VERSION"),
        config = %parts.config.path.display(),
        sources = parts.sources.iter().map(|source| source.name()).collect::<Vec<_>>().join(" "),
        schedule = %parts.config.schedule,
        state = %parts.config.state_dir.display(),
        "The daemon started."
    );
    let mut live = Live {
        globals: globals.clone(),
        parts: Arc::new(parts),
        store: store.clone(),
        troubles: Arc::default(),
    };
    let code = daemon::run(&mut live, signals, args.stop_within).await;
    store.close();
    tracing::info!(exit = code, "The daemon stopped.");
    Ok(Exit::Stopped(code))
}

/// Real passes.
struct Live {
    globals: Globals,
    parts: Arc<Parts>,
    store: Store,
    /// How many passes in passing failed one after the other.
    troubles: Arc<AtomicU32>,
}

impl Work for Live {
    fn schedule(&self) -> Schedule {
        self.parts.config.schedule.clone()
    }

    fn last_pass(&self) -> Option<DateTime<Utc>> {
        // Without an answer a pass begins now, and says what is wrong with the state.
        let runs = self.store.reader().runs(1).ok()?;
        DateTime::from_timestamp(runs.first()?.started, 0)
    }

    fn poll(&self) -> Option<Duration> {
        // What fails now fails in half a minute, too; the pass on schedule tells more of it.
        let poll = self.parts.config.poll?;
        let doubled = poll.saturating_mul(1 << self.troubles.load(Ordering::Relaxed).min(16));
        Some(doubled.min(PATIENCE.max(poll)))
    }

    fn watch(&self, wake: &Arc<Notify>) -> JoinSet<()> {
        watch::all(&self.parts, wake)
    }

    fn pass(&self, trigger: &'static str, stop: CancellationToken) -> BoxFuture<'static, Option<String>> {
        let (parts, store) = (Arc::clone(&self.parts), self.store.clone());
        let troubles = Arc::clone(&self.troubles);
        let extent = if trigger == CHANGE { Extent::InPassing } else { Extent::Due };
        // What a pass holds must stay in one thread while it waits, so it gets one.
        let here = tokio::runtime::Handle::current();
        let thread = tokio::task::spawn_blocking(move || {
            here.block_on(async {
                let order = Order {
                    parts: &parts,
                    store: &store,
                    trigger,
                    extent,
                    alone: None,
                    progress: &Progress::new(None),
                    listeners: Vec::new(),
                    stop,
                };
                match one_pass(order).await {
                    Ok(report) => {
                        let failed = report.as_ref().is_some_and(|report| report.fatal.is_some());
                        if failed && extent == Extent::InPassing {
                            troubles.fetch_add(1, Ordering::Relaxed);
                        } else if !failed && troubles.swap(0, Ordering::Relaxed) > 0 {
                            tracing::info!("Changes are followed again.");
                        }
                        report.map(|report| format!("last pass: {}", report.counts.words()))
                    }
                    Err(failure) => {
                        // Every half minute the same would not help anybody.
                        if extent == Extent::InPassing && troubles.fetch_add(1, Ordering::Relaxed) == 0 {
                            tracing::warn!(
                                error = failure.what,
                                remedy = failure.remedy,
                                "Changes cannot be followed for now."
                            );
                        }
                        Some(format!("the last pass failed (exit code {}): see the log", failure.exit.code()))
                    }
                }
            })
        });
        Box::pin(async move {
            match thread.await {
                Ok(line) => line,
                // The daemon tells of it.
                Err(error) => match error.try_into_panic() {
                    Ok(panic) => std::panic::resume_unwind(panic),
                    Err(_) => Some("the last pass was cancelled".to_owned()),
                },
            }
        })
    }

    fn reload(&mut self) -> Result<(), String> {
        let fresh = Parts::load(&self.globals).map_err(|failure| failure.to_string())?;
        if fresh.config.state_dir != self.parts.config.state_dir {
            return Err("state.dir changed, which needs a restart".to_owned());
        }
        if fresh.config.log != self.parts.config.log {
            tracing::warn!("The section [log] changed: it holds after a restart.");
        }
        self.parts = Arc::new(fresh);
        Ok(())
    }
}
