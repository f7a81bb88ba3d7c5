//! What the machine itself must have: a state that can be read, room on its disk, the time.

use std::path::Path;

use chrono::{DateTime, Utc};

use crate::service;
use crate::store::{Lock, Reader, StoreError};

use super::super::exit::{Exit, Failure};
use super::line::Line;

const MIB: u64 = 1 << 20;
/// A first pass over a large directory writes this much.
const SCARCE: u64 = 1024 * MIB;
/// Below, not even the journal of an ordinary pass is safe.
const TOO_LITTLE: u64 = 64 * MIB;

/// No machine that runs this version can be earlier: 2026-01-01, in seconds since 1970-01-01 UTC.
const BEFORE_US: i64 = 1_767_225_600;
/// So far a pass may have begun in the future: clocks are corrected by seconds.
const TOLERATED: i64 = 300;

/// The state, its disk, and the clock.
pub(super) fn checks(dir: &Path, now: DateTime<Utc>) -> Vec<Line> {
    let (state, last) = state(dir);
    let mut lines = vec![state];
    lines.extend(disk(dir).map(|(free, at)| room(free, &at)));
    lines.push(clock(now, last));
    lines
}

/// The line, and when the last pass began.
fn state(dir: &Path) -> (Line, Option<i64>) {
    if !dir.exists() {
        let line = Line::warn(
            "state",
            format!("{} is not there yet", dir.display()),
            "the first pass makes it, if the account that runs dirsyncd may",
        );
        return (line, None);
    }
    let read = Reader::open(dir)
        .and_then(|reader| Ok((linked(&reader)?, reader.open_intents()?.len(), reader.runs(1)?)));
    let (linked, open, runs) = match read {
        Err(error) => return (Line::fail("state", error.into()), None),
        Ok(read) => read,
    };
    let holder = match Lock::holder(dir) {
        Some(holder) => format!(", in use by {holder}"),
        None => String::new(),
    };
    let line = if open > 0 && holder.is_empty() {
        Line::warn(
            "state",
            format!("{}: {linked}; {open} actions of an interrupted pass are open", dir.display()),
            "nothing: the next pass finds out what became of them",
        )
    } else {
        Line::ok("state", format!("{}: {linked}{holder}", dir.display()))
    };
    (line, runs.first().map(|run| run.started))
}

/// How much is ours, in words.
fn linked(reader: &Reader) -> Result<String, StoreError> {
    let (accounts, rooms, contacts) = (reader.count()?, reader.count_rooms()?, reader.count_contacts()?);
    let mut words = format!("{} people", accounts.saturating_sub(rooms));
    if rooms > 0 {
        words.push_str(&format!(" and {rooms} rooms"));
    }
    words.push_str(" linked");
    if contacts > 0 {
        words.push_str(&format!(", and {contacts} contacts"));
    }
    Ok(words)
}

/// The free bytes, at the directory or at the nearest one above it that is there.
fn disk(dir: &Path) -> Option<(u64, String)> {
    let dir = std::path::absolute(dir).ok()?;
    let at = dir.ancestors().find(|dir| dir.exists())?;
    // A system that does not tell is no trouble.
    Some((service::free_space(at).ok()?, at.display().to_string()))
}

fn room(free: u64, at: &str) -> Line {
    let words = match free {
        0..SCARCE => format!("{} MiB free at {at}", free / MIB),
        SCARCE.. => format!("{} GiB free at {at}", free / SCARCE),
    };
    let remedy = "make room, or move state.dir to a larger disk: a full one stops every pass";
    match free {
        ..TOO_LITTLE => Line::fail("disk", Failure::new(Exit::State, words, remedy)),
        TOO_LITTLE..SCARCE => Line::warn("disk", words, remedy),
        SCARCE.. => Line::ok("disk", words),
    }
}

fn clock(now: DateTime<Utc>, last: Option<i64>) -> Line {
    let words = format!("{}", now.format("%Y-%m-%d %H:%M:%S UTC"));
    let remedy = "set the clock, and set up time synchronization: certificates, expiring accounts and the time that \
                  leavers are kept depend on it";
    if now.timestamp() < BEFORE_US {
        return Line::warn("clock", format!("{words} cannot be: this program is newer"), remedy);
    }
    match last.map(|last| last.saturating_sub(now.timestamp())) {
        Some(ahead) if ahead > TOLERATED => {
            Line::warn("clock", format!("{words}: the last pass began {ahead} s later than that"), remedy)
        }
        _ => Line::ok("clock", words),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::check::line::Mark;

    #[test]
    fn room_on_the_disk() {
        for (free, mark, words) in [
            (50 * SCARCE, Mark::Ok, "50 GiB free"),
            (SCARCE, Mark::Ok, "1 GiB free"),
            (500 * MIB, Mark::Warn, "500 MiB free"),
            (63 * MIB, Mark::Fail(Exit::State), "63 MiB free"),
        ] {
            let line = room(free, "/var/lib");
            assert_eq!(line.mark, mark);
            assert!(line.message.contains(words), "{}", line.message);
        }
        assert!(disk(Path::new("/nowhere/at/all")).is_some(), "the root is always there");
        assert!(disk(Path::new("nowhere")).is_some(), "the directory in which we are");
    }

    #[test]
    fn a_clock_that_cannot_be_right() {
        let at = |secs| DateTime::from_timestamp(secs, 0).unwrap();
        let now = BEFORE_US + 1000;
        for (now, last, mark) in [
            (now, None, Mark::Ok),
            (now, Some(now + 300), Mark::Ok),
            (now, Some(now + 301), Mark::Warn),
            (0, None, Mark::Warn),
        ] {
            assert_eq!(clock(at(now), last).mark, mark, "{now} {last:?}");
        }
    }
}
