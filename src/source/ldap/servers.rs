//! Which server to try first: the preferred one, unless it was just seen not to answer.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

/// How long a server that failed is tried after the others. Then the preferred one has its
/// chance again.
pub(super) const RETURN: Duration = Duration::from_mins(5);

/// A server that can be tried.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Candidate {
    /// As in [`super::settings::Settings::urls`].
    pub url: String,
    /// Lower is preferred. Equals stand in the order in which they are to be tried.
    pub rank: usize,
}

/// What was learned about the servers of one source.
#[derive(Debug, Default)]
pub(super) struct Servers {
    learned: Mutex<Learned>,
}

#[derive(Debug, Default)]
struct Learned {
    failed: HashMap<String, Instant>,
    /// The one that took us last.
    last: Option<String>,
}

impl Servers {
    /// Puts candidates in the order in which to try them: those that failed lately at the end;
    /// among equally preferred ones the last used first, because where a cursor stands is known
    /// to one domain controller only.
    pub(super) fn order(&self, mut candidates: Vec<Candidate>, now: Instant) -> Vec<Candidate> {
        let mut learned = self.learned();
        learned.failed.retain(|_, since| now.duration_since(*since) < RETURN);
        candidates.sort_by_key(|candidate| {
            let failed = learned.failed.contains_key(&candidate.url);
            (failed, candidate.rank, learned.last.as_ref() != Some(&candidate.url))
        });
        candidates
    }

    /// A server did not answer, or not in time, or not as it should.
    pub(super) fn failed(&self, url: &str, now: Instant) {
        self.learned().failed.insert(url.to_owned(), now);
    }

    /// A server took us.
    pub(super) fn reached(&self, url: &str) {
        let mut learned = self.learned();
        learned.failed.remove(url);
        learned.last = Some(url.to_owned());
    }

    fn learned(&self) -> std::sync::MutexGuard<'_, Learned> {
        self.learned.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn order(servers: &Servers, candidates: &[(&str, usize)], now: Instant) -> String {
        let candidates =
            candidates.iter().map(|(url, rank)| Candidate { url: (*url).into(), rank: *rank }).collect();
        servers.order(candidates, now).into_iter().map(|candidate| candidate.url).collect()
    }

    #[test]
    fn the_preferred_server_has_its_chance_again() {
        let servers = Servers::default();
        let start = Instant::now();
        let after = |secs: u64| start + Duration::from_secs(secs);
        let listed = [("a", 0), ("b", 1), ("c", 2)];
        assert_eq!(order(&servers, &listed, start), "abc");
        servers.failed("a", start);
        servers.reached("b");
        assert_eq!(order(&servers, &listed, after(299)), "bca");
        servers.failed("b", after(200));
        assert_eq!(order(&servers, &listed, after(299)), "cab");
        assert_eq!(order(&servers, &listed, after(300)), "acb");
        servers.reached("b");
        // Used last, and yet not preferred.
        assert_eq!(order(&servers, &listed, after(301)), "abc");
    }

    #[test]
    fn among_equals_we_stay() {
        let servers = Servers::default();
        let now = Instant::now();
        servers.reached("c");
        assert_eq!(order(&servers, &[("a", 0), ("b", 1), ("c", 1), ("d", 1)], now), "acbd");
        servers.failed("c", now);
        assert_eq!(order(&servers, &[("a", 0), ("b", 1), ("c", 1), ("d", 1)], now), "abdc");
    }
}
