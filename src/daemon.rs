//! Passes on a schedule, until somebody says stop.
//!
//! Each pass is a task of its own, so that a fault in one ends that one. Signals are heard all
//! the time; the clock is asked often, so that neither a suspended machine nor a clock that was
//! set puts a pass off for long.

use std::sync::Arc;
use std::time::Duration;

use chrono::{DateTime, Utc};
use futures_util::future::BoxFuture;
use tokio::sync::{Notify, mpsc};
use tokio::task::{JoinHandle, JoinSet};
use tokio::time::{Instant, sleep, sleep_until, timeout};
use tokio_util::sync::CancellationToken;

use crate::clock;
use crate::schedule::Schedule;
use crate::service::{self, Notice, Signal};

/// What prompts a pass over what changed in passing.
pub const CHANGE: &str = "change";

/// So long more changes are waited for before a pass follows them: an edit seldom comes alone.
const SETTLE: Duration = Duration::from_millis(300);

/// The longest sleep between two looks at the clock.
const LOOK: Duration = Duration::from_secs(20);

/// What a daemon does when it is time.
pub trait Work: Send {
    /// When passes run.
    fn schedule(&self) -> Schedule;

    /// When the last pass began, if there was one: a daemon that starts makes up for a pass
    /// that was missed, and for no more than one.
    fn last_pass(&self) -> Option<DateTime<Utc>>;

    /// How often to ask what changed, besides the schedule; `None` for never.
    fn poll(&self) -> Option<Duration>;

    /// Begins to wait for changes that are told at once; each wakes the listener. Dropping the
    /// tasks ends it.
    fn watch(&self, wake: &Arc<Notify>) -> JoinSet<()>;

    /// One pass; prompted by [`CHANGE`] it may find that there is nothing to do, and gives
    /// `None`. Whatever goes wrong in it is logged there; the line is for the service manager.
    fn pass(&self, trigger: &'static str, stop: CancellationToken) -> BoxFuture<'static, Option<String>>;

    /// Reads the configuration again.
    ///
    /// # Errors
    ///
    /// Why it stays as it was, in words for the log.
    fn reload(&mut self) -> Result<(), String>;
}

/// A pass under way.
struct Running {
    task: JoinHandle<Option<String>>,
    stop: CancellationToken,
}

/// Runs passes until a signal to stop, and returns its exit code. An action in flight has
/// `stop_within` to finish.
pub async fn run(work: &mut dyn Work, mut signals: mpsc::Receiver<Signal>, stop_within: Duration) -> i32 {
    let mut schedule = work.schedule();
    let mut next = match work.last_pass() {
        None => Some(clock::now()),
        Some(last) => schedule.next_after(last),
    };
    let mut running: Option<Running> = None;
    // Somebody asked for a pass while one was under way.
    let mut again = false;
    let wake = Arc::new(Notify::new());
    let mut watchers = work.poll().map(|_| work.watch(&wake));
    let mut change_at: Option<Instant> = work.poll().map(|poll| Instant::now() + poll);
    let mut feeding = service::watchdog_interval().map(|every| (every, Instant::now()));
    tell(&Notice::Ready);
    loop {
        if running.is_none() {
            let now = clock::now();
            // A clock that was set back must not put the next pass off.
            let latest = schedule.next_after(now);
            if next > latest && latest.is_some() {
                next = latest;
            }
            let due = next.is_some_and(|next| next <= now);
            if due || again {
                let trigger = if again { "signal" } else { "schedule" };
                again = false;
                next = schedule.next_after(now);
                let stop = CancellationToken::new();
                let task = tokio::spawn(work.pass(trigger, stop.clone()));
                tell(&Notice::Status("a pass is under way"));
                running = Some(Running { task, stop });
            } else if change_at.is_some_and(|at| at <= Instant::now()) {
                let stop = CancellationToken::new();
                let task = tokio::spawn(work.pass(CHANGE, stop.clone()));
                running = Some(Running { task, stop });
            }
            if running.is_some() {
                // Every pass asks what changed.
                change_at = work.poll().map(|poll| Instant::now() + poll);
            }
        }
        let until_due = next
            .and_then(|next| next.signed_duration_since(clock::now()).to_std().ok())
            .unwrap_or(if next.is_some() { Duration::ZERO } else { LOOK });
        let nap = if running.is_some() { LOOK } else { until_due.min(LOOK) };
        let feed_at = feeding.map(|(every, last)| last + every);
        tokio::select! {
            signal = signals.recv() => match signal {
                Some(Signal::SyncNow) => again = true,
                Some(Signal::Reload) => {
                    match work.reload() {
                        Ok(()) => {
                            schedule = work.schedule();
                            next = schedule.next_after(clock::now());
                            watchers = work.poll().map(|_| work.watch(&wake));
                            change_at = work.poll().map(|poll| Instant::now() + poll);
                            tracing::info!("The configuration was read again; it holds from the next pass on.");
                        }
                        Err(error) => tracing::error!(
                            error,
                            "The configuration was read again and does not hold: the old one stays in force."
                        ),
                    }
                }
                Some(Signal::Stop(code)) => {
                    tell(&Notice::Stopping);
                    end(running, &mut signals, stop_within).await;
                    return code;
                }
                // Nobody can stop us any more but by force.
                None => sleep(LOOK).await,
            },
            line = finished(&mut running) => {
                running = None;
                if let Some(line) = line {
                    tell(&Notice::Status(&line));
                }
            }
            () = wake.notified(), if watchers.is_some() => {
                let soon = Instant::now() + SETTLE;
                change_at = change_at.map(|at| at.min(soon));
            }
            () = fed(change_at), if running.is_none() => {}
            () = sleep(nap) => {}
            () = fed(feed_at) => {
                tell(&Notice::Watchdog);
                if let Some((_, last)) = &mut feeding {
                    *last = Instant::now();
                }
            }
        }
    }
}

/// Waits for the pass under way; for ever when there is none.
async fn finished(running: &mut Option<Running>) -> Option<String> {
    match running {
        None => std::future::pending().await,
        Some(running) => match (&mut running.task).await {
            Ok(line) => line,
            Err(error) => {
                let error = if error.is_panic() { "it panicked" } else { "it was cancelled" };
                tracing::error!(
                    error,
                    remedy = "please report this with the log; the next pass settles what was left open",
                    "A pass ended by a fault of dirsyncd."
                );
                Some("the last pass ended by a fault".to_owned())
            }
        },
    }
}

async fn fed(at: Option<Instant>) {
    match at {
        Some(at) => sleep_until(at).await,
        None => std::future::pending().await,
    }
}

/// Lets the action in flight finish, within the deadline, or until the second signal.
async fn end(running: Option<Running>, signals: &mut mpsc::Receiver<Signal>, within: Duration) {
    let Some(Running { mut task, stop }) = running else { return };
    tracing::info!(wait_ms = millis(within), "Stopping: the action in flight is finished first.");
    stop.cancel();
    let impatience = async {
        loop {
            match signals.recv().await {
                Some(Signal::Stop(_)) => return,
                Some(_) => {}
                None => std::future::pending().await,
            }
        }
    };
    tokio::select! {
        ended = timeout(within, &mut task) => if ended.is_ok() { return },
        () = impatience => {}
    }
    task.abort();
    tracing::warn!(
        "Stopped before the action in flight was confirmed; the next pass finds out what became of it."
    );
}

fn millis(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}

fn tell(notice: &Notice<'_>) {
    if let Err(error) = service::notify(notice) {
        tracing::debug!(%error, "The service manager could not be told.");
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};
    use std::sync::{Arc, Mutex};

    use super::*;
    use crate::schedule::Zone;

    struct Fake {
        passes: mpsc::UnboundedSender<&'static str>,
        reloads: Arc<AtomicUsize>,
        panics: bool,
        /// A pass ends when this is closed, or when it is told to stop.
        gate: Arc<Mutex<CancellationToken>>,
    }

    impl Work for Fake {
        fn schedule(&self) -> Schedule {
            Schedule::parse("every 1h", Zone::Utc).unwrap()
        }

        fn last_pass(&self) -> Option<DateTime<Utc>> {
            Some(clock::now())
        }

        fn poll(&self) -> Option<Duration> {
            None
        }

        fn watch(&self, _wake: &Arc<Notify>) -> JoinSet<()> {
            JoinSet::new()
        }

        fn pass(&self, trigger: &'static str, stop: CancellationToken) -> BoxFuture<'static, Option<String>> {
            self.passes.send(trigger).unwrap();
            let gate = self.gate.lock().unwrap().clone();
            let panics = self.panics;
            Box::pin(async move {
                assert!(!panics, "as the test wants it");
                tokio::select! {
                    () = gate.cancelled() => {}
                    () = stop.cancelled() => {}
                }
                Some("done".to_owned())
            })
        }

        fn reload(&mut self) -> Result<(), String> {
            self.reloads.fetch_add(1, Ordering::Relaxed);
            Err("no".to_owned())
        }
    }

    struct Stage {
        signals: mpsc::Sender<Signal>,
        passes: mpsc::UnboundedReceiver<&'static str>,
        reloads: Arc<AtomicUsize>,
        gate: CancellationToken,
        task: JoinHandle<i32>,
    }

    fn start(panics: bool) -> Stage {
        let (signals, receiver) = mpsc::channel(8);
        let (sender, passes) = mpsc::unbounded_channel();
        let reloads = Arc::new(AtomicUsize::new(0));
        let gate = CancellationToken::new();
        let mut fake = Fake {
            passes: sender,
            reloads: Arc::clone(&reloads),
            panics,
            gate: Arc::new(Mutex::new(gate.clone())),
        };
        let task = tokio::spawn(async move { run(&mut fake, receiver, Duration::from_secs(5)).await });
        Stage { signals, passes, reloads, gate, task }
    }

    #[tokio::test]
    async fn a_signal_runs_a_pass_and_another_stops_it() {
        let mut stage = start(false);
        stage.signals.send(Signal::SyncNow).await.unwrap();
        assert_eq!(stage.passes.recv().await, Some("signal"));
        // Asked for while one is under way: one more afterwards, not two.
        stage.signals.send(Signal::SyncNow).await.unwrap();
        stage.signals.send(Signal::SyncNow).await.unwrap();
        stage.signals.send(Signal::Reload).await.unwrap();
        while stage.reloads.load(Ordering::Relaxed) == 0 {
            tokio::task::yield_now().await;
        }
        assert!(stage.passes.try_recv().is_err(), "never two at once");
        stage.gate.cancel();
        assert_eq!(stage.passes.recv().await, Some("signal"));
        stage.signals.send(Signal::Stop(143)).await.unwrap();
        assert_eq!(stage.task.await.unwrap(), 143);
        assert!(stage.passes.try_recv().is_err());
    }

    #[tokio::test]
    async fn a_pass_under_way_is_told_to_stop() {
        let mut stage = start(false);
        stage.signals.send(Signal::SyncNow).await.unwrap();
        stage.passes.recv().await;
        stage.signals.send(Signal::Stop(130)).await.unwrap();
        assert_eq!(stage.task.await.unwrap(), 130);
    }

    #[tokio::test]
    async fn a_panic_ends_a_pass_and_not_the_daemon() {
        let mut stage = start(true);
        for _ in 0..2 {
            stage.signals.send(Signal::SyncNow).await.unwrap();
            assert_eq!(stage.passes.recv().await, Some("signal"));
        }
        stage.signals.send(Signal::Stop(143)).await.unwrap();
        assert_eq!(stage.task.await.unwrap(), 143);
    }
}
