//! What was told already, of the minutes that are asked for again and again.
//!
//! Changes that arrive late must be found, so the question always reaches back behind the mark.
//! What it finds there for the second time is no news, unless the entry was changed once more. Where the
//! server numbers its changes the number tells; else a time alone cannot tell two changes within one
//! second apart, and such an entry is told until that second is over.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};

use crate::model::{Key, SourceId};

/// More than so many are not remembered, and told again.
const MOST: usize = 500;

/// After so many seconds nothing more can get the time that an entry had at first. By our clock alone,
/// so that it does not matter how far the server's is off.
const OVER: i64 = 2;

/// The entries that were told, by digests of what they were.
pub(super) struct AlreadyTold {
    now: i64,
    /// With the time at which one was told first, while a change could still look the same.
    before: BTreeMap<String, Option<i64>>,
    met: Vec<(DateTime<Utc>, String, Option<i64>)>,
}

impl AlreadyTold {
    /// From the rest of a mark. What cannot be read is told again. `now` in seconds since 1970-01-01 UTC.
    pub(super) fn parse<'a>(words: impl Iterator<Item = &'a str>, now: i64) -> Self {
        let word = |word: &str| match word.split_once('+') {
            None => Some((word.to_owned(), None)),
            Some((digest, first)) => Some((digest.to_owned(), Some(first.parse().ok()?))),
        };
        Self { now, before: words.filter_map(word).collect(), met: Vec::new() }
    }

    /// Whether an entry is news: as it is now, it was not told. `time` is that of its last change, `version`
    /// what the server counts changes with, if it does.
    pub(super) fn is_news(&mut self, anchor: SourceId, time: DateTime<Utc>, version: Option<&[u8]>) -> bool {
        let version = version.map(String::from_utf8_lossy);
        let text = format!("{anchor} {} {}", time.timestamp(), version.as_deref().unwrap_or_default());
        let digest: String = Key::exact(&text).0[..8].iter().map(|byte| format!("{byte:02x}")).collect();
        let before = self.before.get(&digest).copied();
        let over = |first: i64| first <= self.now - OVER;
        let (first, news) = match (version, before) {
            (Some(_), before) => (None, before.is_none()),
            (None, Some(None)) => (None, false),
            (None, Some(Some(first))) if over(first) => (None, true),
            (None, Some(Some(first))) => (Some(first), true),
            (None, None) => (Some(self.now), true),
        };
        self.met.push((time, digest, first));
        news
    }

    /// The rest of the next mark, for a question that will reach back to this time.
    pub(super) fn written(mut self, from: DateTime<Utc>) -> String {
        self.met.retain(|(time, ..)| *time >= from);
        // The latest are the ones that will be met the longest.
        self.met.sort_unstable_by(|a, b| b.cmp(a));
        self.met.truncate(MOST);
        let word = |(_, digest, first): &(_, String, Option<i64>)| match first {
            None => format!(" {digest}"),
            Some(first) => format!(" {digest}+{first}"),
        };
        self.met.iter().map(word).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(seconds: i64) -> DateTime<Utc> {
        DateTime::from_timestamp(seconds, 0).unwrap()
    }

    fn id(n: usize) -> SourceId {
        SourceId::new((n as u128).to_be_bytes())
    }

    /// The answers of one question to these entries, and the rest of the mark after it.
    fn asked(mark: &str, now: i64, entries: &[(usize, i64, Option<&str>)]) -> (Vec<bool>, String) {
        let mut told = AlreadyTold::parse(mark.split_whitespace(), now);
        let is_news = |(n, time, version): &(usize, i64, Option<&str>)| {
            told.is_news(id(*n), at(*time), version.map(str::as_bytes))
        };
        let news = entries.iter().map(is_news).collect();
        (news, told.written(at(500)))
    }

    #[test]
    fn a_numbered_change_is_told_once() {
        let (news, mark) = asked("", 1000, &[(1, 990, Some("a")), (2, 990, Some("a"))]);
        assert_eq!(news, [true, true]);
        let (news, mark) =
            asked(&mark, 1000, &[(1, 990, Some("a")), (2, 990, Some("b")), (3, 990, Some("a"))]);
        assert_eq!(news, [false, true, true], "a later change in the same second is told");
        let (news, again) =
            asked(&mark, 1030, &[(1, 990, Some("a")), (2, 990, Some("b")), (3, 990, Some("a"))]);
        assert_eq!(news, [false, false, false]);
        assert_eq!(again, mark, "with nothing new the mark stays");
    }

    #[test]
    fn without_a_number_a_change_is_told_until_its_second_is_over() {
        let entry = [(1, 990, None)];
        let (news, mark) = asked("", 1000, &entry);
        assert_eq!(news, [true]);
        let (news, mark) = asked(&mark, 1001, &entry);
        assert_eq!(news, [true], "there may have been another change since");
        let (news, mark) = asked(&mark, 1002, &entry);
        assert_eq!(news, [true]);
        let (news, mark) = asked(&mark, 1003, &entry);
        assert_eq!(news, [false]);
        assert_eq!(asked(&mark, 1004, &[(1, 991, None)]).0, [true]);
    }

    #[test]
    fn only_what_will_be_met_again_is_remembered_and_not_too_much() {
        let (_, mark) = asked("", 1000, &[(1, 499, Some("a")), (2, 500, Some("a"))]);
        assert_eq!(mark.split_whitespace().count(), 1);
        assert_eq!(asked(&mark, 1000, &[(2, 500, Some("a"))]).0, [false]);
        let many: Vec<_> = (0..2 * MOST).map(|n| (n, 500 + n as i64, Some("a"))).collect();
        let (_, mark) = asked("", 1000, &many);
        assert_eq!(mark.split_whitespace().count(), MOST);
        assert_eq!(asked(&mark, 1000, &[many[0], many[2 * MOST - 1]]).0, [true, false]);
        assert_eq!(asked("nonsense +x 1+y", 1000, &[(1, 500, Some("a"))]).0, [true]);
    }
}
