//! How fast we may go: one pace for the whole organization, whoever asks.
//!
//! Webex publishes no numbers. Its contract is 429 with `Retry-After`, and limits that move
//! with the cost of a call. So the number of requests under way grows by one after a round of
//! good answers and is halved by a 429, and a 429 pauses everybody, not the request it met:
//! requests that go on during a pause only make it longer.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::Notify;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

/// The longest pause that a header can ask for: beyond a day a number is a mistake.
const LONGEST_PAUSE: Duration = Duration::from_secs(24 * 3600);

/// How patient we are. The defaults suit Webex; tests are quicker.
#[derive(Clone, Debug)]
pub struct Tempo {
    /// Requests under way at once in the beginning.
    pub start: usize,
    /// The pause after a 429 without a usable `Retry-After`. Up to half of it is added by chance.
    pub default_pause: Duration,
    /// The shortest pause after a 429, whatever the header says.
    pub shortest_pause: Duration,
    /// How often one request is sent at most, when the transport fails. At least 1.
    pub attempts: u32,
    /// The wait before the second attempt; it doubles with each one, give or take chance.
    pub backoff: Duration,
    /// The longest wait between two attempts.
    pub longest_backoff: Duration,
}

impl Default for Tempo {
    fn default() -> Self {
        Self {
            start: 4,
            default_pause: Duration::from_secs(15),
            shortest_pause: Duration::from_secs(1),
            attempts: 5,
            backoff: Duration::from_millis(500),
            longest_backoff: Duration::from_secs(20),
        }
    }
}

impl Tempo {
    /// The wait after the failed attempt with this number (1 is the first).
    pub(crate) fn backoff_after(&self, attempt: u32) -> Duration {
        let full = self.backoff.saturating_mul(1 << attempt.saturating_sub(1).min(16));
        full.min(self.longest_backoff).mul_f64(0.5 + chance() / 2.0)
    }
}

/// Why a request may not start.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Halt {
    /// We were told to stop.
    Stopped,
    /// The pause is longer than this request may still wait.
    Throttled(Duration),
}

/// The pace of one organization.
#[derive(Debug)]
pub(crate) struct Pace {
    tempo: Tempo,
    ceiling: usize,
    max_throttle: Duration,
    stop: CancellationToken,
    state: Mutex<State>,
    changed: Notify,
}

#[derive(Debug)]
struct State {
    limit: usize,
    busy: usize,
    good: usize,
    paused_until: Option<Instant>,
    last_cut: Option<Instant>,
}

impl Pace {
    /// A pace of at most `ceiling` requests at once, in which one request waits out
    /// throttling for `max_throttle` in total.
    pub(crate) fn new(tempo: Tempo, ceiling: usize, max_throttle: Duration, stop: CancellationToken) -> Self {
        let ceiling = ceiling.max(1);
        let state = State {
            limit: tempo.start.clamp(1, ceiling),
            busy: 0,
            good: 0,
            paused_until: None,
            last_cut: None,
        };
        Self { tempo, ceiling, max_throttle, stop, state: Mutex::new(state), changed: Notify::new() }
    }

    /// The patience that was configured.
    pub(crate) fn tempo(&self) -> &Tempo {
        &self.tempo
    }

    /// Waits for a place. `waited` is the time that this request has spent in pauses so far.
    pub(crate) async fn admit(&self, waited: &mut Duration) -> Result<Permit<'_>, Halt> {
        loop {
            let changed = self.changed.notified();
            tokio::pin!(changed);
            // Listening starts before looking, so that no change falls in between.
            changed.as_mut().enable();
            if self.stop.is_cancelled() {
                return Err(Halt::Stopped);
            }
            let now = Instant::now();
            let pause_ends = {
                let mut state = self.lock();
                match state.paused_until.filter(|until| *until > now) {
                    Some(until) => Some(until),
                    None if state.busy < state.limit => {
                        state.busy += 1;
                        return Ok(Permit { pace: self, since: now });
                    }
                    None => None,
                }
            };
            match pause_ends {
                Some(until) => {
                    let rest = until - now;
                    if *waited + rest > self.max_throttle {
                        return Err(Halt::Throttled(rest));
                    }
                    tokio::select! {
                        () = self.stop.cancelled() => return Err(Halt::Stopped),
                        () = tokio::time::sleep_until(until) => {}
                    }
                    *waited += now.elapsed();
                }
                None => tokio::select! {
                    () = self.stop.cancelled() => return Err(Halt::Stopped),
                    () = changed => {}
                },
            }
        }
    }

    /// Waits, unless we are told to stop.
    pub(crate) async fn rest(&self, time: Duration) -> Result<(), Halt> {
        tokio::select! {
            () = self.stop.cancelled() => Err(Halt::Stopped),
            () = tokio::time::sleep(time) => Ok(()),
        }
    }

    /// Resolves when we are told to stop.
    pub(crate) async fn stopped(&self) {
        self.stop.cancelled().await;
    }

    /// The cloud asks us, through one answer or one part of an answer, to come back later.
    /// Returns the pause that everybody now makes.
    pub(crate) fn pause(&self, since: Instant, told: Option<Duration>) -> Duration {
        let pause = match told {
            // Never earlier than told; a little later, so that not all come back at once.
            Some(told) => {
                let told = told.clamp(self.tempo.shortest_pause, LONGEST_PAUSE);
                told + (told / 10).min(Duration::from_secs(2)).mul_f64(chance())
            }
            None => self.tempo.default_pause.mul_f64(1.0 + chance() / 2.0),
        };
        let now = Instant::now();
        let mut state = self.lock();
        state.paused_until = Some(state.paused_until.map_or(now + pause, |old| old.max(now + pause)));
        // Requests that were under way together are throttled together: one cut for all.
        if state.last_cut.is_none_or(|cut| since >= cut) {
            state.limit = (state.limit / 2).max(1);
            state.good = 0;
            state.last_cut = Some(now);
        }
        tracing::warn!(
            pause_ms = pause.as_millis() as u64,
            limit = state.limit,
            told = told.is_some(),
            "the cloud throttles us; all requests pause"
        );
        pause
    }

    /// How many requests may be under way at once now.
    #[cfg(test)]
    fn limit(&self) -> usize {
        self.lock().limit
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        // No code panics while it holds the lock; the numbers are sound in any case.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The place of one request under way.
#[derive(Debug)]
pub(crate) struct Permit<'a> {
    pace: &'a Pace,
    since: Instant,
}

impl Permit<'_> {
    /// The request was answered as it should be.
    pub(crate) fn good(self) {
        let mut state = self.pace.lock();
        state.good += 1;
        if state.good >= state.limit && state.limit < self.pace.ceiling {
            state.limit += 1;
            state.good = 0;
        }
    }

    /// The request met 429 or 423. Returns the pause.
    pub(crate) fn throttled(self, told: Option<Duration>) -> Duration {
        self.pace.pause(self.since, told)
    }
}

impl Drop for Permit<'_> {
    fn drop(&mut self) {
        self.pace.lock().busy -= 1;
        self.pace.changed.notify_waiters();
    }
}

/// What `Retry-After` says: whole seconds, or a date that is compared with the answer's own
/// `Date`. Anything else (Webex has sent `rand(30),add(30)`) is no information.
pub(crate) fn retry_after(value: Option<&str>, date: Option<&str>) -> Option<Duration> {
    let value = value?.trim();
    if let Ok(seconds) = value.parse::<u64>() {
        return Some(Duration::from_secs(seconds).min(LONGEST_PAUSE));
    }
    let until = chrono::DateTime::parse_from_rfc2822(value).ok()?;
    let from = chrono::DateTime::parse_from_rfc2822(date?.trim()).ok()?;
    (until - from).to_std().ok().map(|wait| wait.min(LONGEST_PAUSE))
}

/// A number from 0 to 1, by chance.
fn chance() -> f64 {
    let (high, _) = uuid::Uuid::new_v4().as_u64_pair();
    // The lowest byte of the upper half carries the version digit; 48 bits above it are chance.
    (high >> 16) as f64 / (1u64 << 48) as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tempo() -> Tempo {
        Tempo {
            start: 2,
            default_pause: Duration::from_millis(20),
            shortest_pause: Duration::from_millis(5),
            ..Tempo::default()
        }
    }

    fn pace(max_throttle: Duration) -> (Pace, CancellationToken) {
        let stop = CancellationToken::new();
        (Pace::new(tempo(), 4, max_throttle, stop.clone()), stop)
    }

    #[test]
    fn retry_after_in_all_its_spellings() {
        let date = Some("Fri, 20 Nov 2026 12:00:00 GMT");
        for (value, date, expected) in [
            (Some("17"), None, Some(17)),
            (Some(" 60 "), None, Some(60)),
            (Some("0"), None, Some(0)),
            (Some("Fri, 20 Nov 2026 12:00:30 GMT"), date, Some(30)),
            (Some("Fri, 20 Nov 2026 12:00:30 GMT"), None, None),
            (Some("Fri, 20 Nov 2026 11:00:00 GMT"), date, None),
            (Some("rand(30),add(30)"), None, None),
            (Some("-3"), None, None),
            (Some(""), None, None),
            (None, None, None),
            (Some("18446744073709551615"), None, Some(24 * 3600)),
        ] {
            assert_eq!(retry_after(value, date), expected.map(Duration::from_secs), "{value:?}");
        }
    }

    #[tokio::test]
    async fn good_answers_widen_and_throttling_halves_once_for_all() {
        let (pace, _stop) = pace(Duration::from_secs(5));
        let mut waited = Duration::ZERO;
        for _ in 0..5 {
            pace.admit(&mut waited).await.unwrap().good();
        }
        assert_eq!(pace.limit(), 4);
        for _ in 0..50 {
            pace.admit(&mut waited).await.unwrap().good();
        }
        assert_eq!(pace.limit(), 4, "the ceiling holds");
        let together = [
            pace.admit(&mut waited).await.unwrap(),
            pace.admit(&mut waited).await.unwrap(),
            pace.admit(&mut waited).await.unwrap(),
        ];
        for permit in together {
            permit.throttled(None);
        }
        assert_eq!(pace.limit(), 2);
        let begun = Instant::now();
        pace.admit(&mut waited).await.unwrap().throttled(Some(Duration::ZERO));
        assert!(begun.elapsed() >= Duration::from_millis(20), "the pause is for everybody");
        assert_eq!(pace.limit(), 1);
    }

    #[tokio::test]
    async fn a_pause_longer_than_our_patience_is_an_error_at_once() {
        let (pace, _stop) = pace(Duration::from_secs(10));
        let mut waited = Duration::ZERO;
        pace.admit(&mut waited).await.unwrap().throttled(Some(Duration::from_secs(60)));
        match pace.admit(&mut waited).await {
            Err(Halt::Throttled(rest)) => {
                assert!(rest > Duration::from_secs(59) && rest < Duration::from_secs(63));
            }
            other => panic!("{other:?}"),
        }
    }

    #[tokio::test]
    async fn stopping_ends_a_pause_and_a_queue() {
        let (pace, stop) = pace(Duration::from_secs(100));
        let mut waited = Duration::ZERO;
        let held = [pace.admit(&mut waited).await.unwrap(), pace.admit(&mut waited).await.unwrap()];
        let mut queued_for = Duration::ZERO;
        let queued = pace.admit(&mut queued_for);
        tokio::pin!(queued);
        assert!(futures_util::poll!(queued.as_mut()).is_pending());
        stop.cancel();
        assert_eq!(queued.await.err(), Some(Halt::Stopped));
        drop(held);
        assert_eq!(pace.admit(&mut waited).await.err(), Some(Halt::Stopped));
    }

    #[tokio::test]
    async fn a_free_place_wakes_who_waits() {
        let (pace, _stop) = pace(Duration::from_secs(100));
        let mut waited = Duration::ZERO;
        let first = pace.admit(&mut waited).await.unwrap();
        let _second = pace.admit(&mut waited).await.unwrap();
        let mut third_waited = Duration::ZERO;
        let third = pace.admit(&mut third_waited);
        tokio::pin!(third);
        assert!(futures_util::poll!(third.as_mut()).is_pending());
        drop(first);
        assert!(third.await.is_ok());
    }

    #[test]
    fn waits_between_attempts_grow_to_a_bound() {
        let tempo = Tempo::default();
        for attempt in 1..40 {
            let wait = tempo.backoff_after(attempt);
            assert!(wait <= tempo.longest_backoff && wait >= tempo.backoff / 2, "{attempt}: {wait:?}");
        }
    }
}
