//! Counters, so that a test can say how much was asked of the cloud and not only what came out.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use serde::{Deserialize, Serialize};

/// What was counted since the start or the last reset.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Stats {
    /// Requests by method and family, as `POST scim_bulk`. Those that a fault ended are included.
    pub requests: BTreeMap<String, u64>,
    /// All requests.
    pub total_requests: u64,
    /// Requests that are meant to change something.
    pub write_requests: u64,
    /// Operations inside bulk requests.
    pub bulk_operations: u64,
    /// Answers by status. Connections that were cut count as `cut`.
    pub answers: BTreeMap<String, u64>,
    /// Requests that came while a `Retry-After` of an earlier answer was running.
    pub impatient_requests: u64,
    /// The most requests that were under way at once.
    pub most_at_once: u64,
    /// Invitation mails that would have gone out.
    pub invitations: u64,
    /// Accounts that exist now.
    pub people: u64,
    /// People who hold a licence now, by its name (without lag).
    pub licenses: BTreeMap<String, u64>,
}

#[derive(Debug, Default)]
struct Counting {
    stats: Stats,
    under_way: u64,
    quiet_until: Option<Instant>,
    window: Option<(Instant, u32)>,
}

/// Counts while the server runs.
#[derive(Debug, Default)]
pub(super) struct Counter(Mutex<Counting>);

impl Counter {
    fn with<T>(&self, act: impl FnOnce(&mut Counting) -> T) -> T {
        act(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// A request came.
    pub(super) fn came(&self, method: &str, family: &str, write: bool) {
        self.with(|counting| {
            *counting.stats.requests.entry(format!("{method} {family}")).or_default() += 1;
            counting.stats.total_requests += 1;
            counting.stats.write_requests += u64::from(write);
            counting.under_way += 1;
            counting.stats.most_at_once = counting.stats.most_at_once.max(counting.under_way);
            if counting.quiet_until.is_some_and(|until| Instant::now() < until) {
                counting.stats.impatient_requests += 1;
            }
        });
    }

    /// A request was answered; `None` for a connection that was cut.
    pub(super) fn answered(&self, status: Option<u16>) {
        self.with(|counting| {
            let key = status.map_or_else(|| "cut".to_owned(), |status| status.to_string());
            *counting.stats.answers.entry(key).or_default() += 1;
            counting.under_way = counting.under_way.saturating_sub(1);
        });
    }

    /// A request went away unanswered because its client did.
    pub(super) fn abandoned(&self) {
        self.with(|counting| counting.under_way = counting.under_way.saturating_sub(1));
    }

    /// So many operations were in a bulk request.
    pub(super) fn bulk(&self, operations: u64) {
        self.with(|counting| counting.stats.bulk_operations += operations);
    }

    /// Clients were asked to be quiet for so long.
    pub(super) fn asked_for_quiet(&self, wait: Duration) {
        self.with(|counting| {
            let until = Instant::now().checked_add(wait);
            counting.quiet_until = counting.quiet_until.max(until);
        });
    }

    /// Whether one more request in this second is more than allowed.
    pub(super) fn too_fast(&self, per_second: u32) -> bool {
        self.with(|counting| {
            let now = Instant::now();
            match &mut counting.window {
                Some((start, count)) if now.duration_since(*start) < Duration::from_secs(1) => {
                    *count += 1;
                    *count > per_second
                }
                window => {
                    *window = Some((now, 1));
                    false
                }
            }
        })
    }

    /// What was counted, without what the organization itself knows.
    pub(super) fn read(&self) -> Stats {
        self.with(|counting| counting.stats.clone())
    }

    /// Begins again.
    pub(super) fn reset(&self) {
        self.with(|counting| {
            counting.stats = Stats { most_at_once: counting.under_way, ..Stats::default() };
            counting.quiet_until = None;
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_what_came_and_who_was_impatient() {
        let counter = Counter::default();
        counter.came("GET", "people", false);
        counter.asked_for_quiet(Duration::from_secs(60));
        counter.came("POST", "people", true);
        counter.answered(Some(429));
        counter.answered(None);
        let stats = counter.read();
        assert_eq!((stats.total_requests, stats.write_requests), (2, 1));
        assert_eq!((stats.impatient_requests, stats.most_at_once), (1, 2));
        assert_eq!(stats.answers["429"], 1);
        assert_eq!(stats.answers["cut"], 1);
        counter.reset();
        assert_eq!(counter.read(), Stats::default());
    }

    #[test]
    fn the_limit_is_per_second() {
        let counter = Counter::default();
        let answers: Vec<_> = (0..4).map(|_| counter.too_fast(2)).collect();
        assert_eq!(answers, [false, false, true, true]);
    }
}
