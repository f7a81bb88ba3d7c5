//! How far the server's clock is from ours, where it tells the time.

use chrono::NaiveDateTime;

use crate::source::{Fact, Topic};

use super::super::trouble::Failure;
use super::super::visit::Visit;
use super::{Found, root, texts};

/// Kerberos and certificates stop working near this difference.
const TOLERATED: i64 = 300;

/// Compares the clocks. `now` gives ours, in seconds since 1970-01-01 UTC.
pub(super) async fn skew(
    visit: &mut Visit<'_>,
    found: &mut Found,
    now: impl Fn() -> i64,
) -> Result<(), Failure> {
    // Active Directory tells ([MS-ADTS] 3.1.1.3.2.2); others do not.
    let attributes = root(visit, &["currentTime"]).await?;
    if let Some(theirs) = texts(&attributes, "currenttime").next().and_then(|text| seconds(&text)) {
        found.facts.push(difference(theirs.saturating_sub(now())));
    }
    Ok(())
}

fn difference(seconds: i64) -> Fact {
    let (apart, direction) = (seconds.unsigned_abs(), if seconds < 0 { "behind" } else { "ahead of" });
    if apart > TOLERATED.unsigned_abs() {
        Fact::warn(
            Topic::Clock,
            format!("the server's clock is {apart} s {direction} this machine's"),
            "set up time synchronization on both: certificates, Kerberos and accounts that expire depend on it",
        )
    } else if apart <= 2 {
        // The server tells whole seconds, and the answer takes its time.
        Fact::ok(Topic::Clock, "the server's clock and this machine's agree")
    } else {
        Fact::ok(Topic::Clock, format!("the server's clock is {apart} s {direction} this machine's"))
    }
}

/// A generalized time in UTC, `20260304120000.0Z`, in seconds since 1970-01-01.
fn seconds(text: &str) -> Option<i64> {
    let digits = text.get(..14)?;
    if !text.ends_with('Z') {
        return None;
    }
    Some(NaiveDateTime::parse_from_str(digits, "%Y%m%d%H%M%S").ok()?.and_utc().timestamp())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::source::Standing;

    #[test]
    fn times_of_the_server() {
        for (text, expected) in [
            ("20260101000000.0Z", Some(1_767_225_600)),
            ("20260101000001Z", Some(1_767_225_601)),
            ("20260101000000", None),
            ("2026Z", None),
            ("20261301000000.0Z", None),
            ("äääääääääääääää", None),
        ] {
            assert_eq!(seconds(text), expected, "{text}");
        }
    }

    #[test]
    fn more_than_five_minutes_are_too_many() {
        for (apart, standing, words) in [
            (0, Standing::Ok, "agree"),
            (-2, Standing::Ok, "agree"),
            (300, Standing::Ok, "300 s ahead of"),
            (301, Standing::Warn, "301 s ahead of"),
            (-3600, Standing::Warn, "3600 s behind"),
            (i64::MIN, Standing::Warn, "behind"),
        ] {
            let fact = difference(apart);
            assert_eq!(fact.standing, standing, "{apart}");
            assert!(fact.what.contains(words), "{}", fact.what);
        }
    }
}
