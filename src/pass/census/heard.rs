//! The few records of a read that followed the changes are judged like those of any read.

use crate::pass::changes::Heard;
use crate::report::Event;
use crate::store::Stage;

use super::super::PassError;
use super::conclude::missing_group;
use super::{Reading, Sieve, Work};

/// Judges what was heard. Whoever is concerned and was not found is gone. With `words`, everybody else
/// is judged, too, as they were last read: from the records that are kept with these words.
///
/// # Errors
///
/// When the spool or the store failed.
pub fn read_heard(
    heard: Heard,
    sieve: &Sieve,
    words: Option<Vec<String>>,
) -> Result<(Reading, Stage), PassError> {
    let Heard {
        stage,
        memberships,
        groups,
        people,
        unusable,
        concerned,
        mut partial,
        doubts,
        settled,
        sources,
        followed,
        kept,
        asked_all: _,
        alone: _,
    } = heard;
    let mut work = Work::new(stage, sieve)?;
    work.gathering = None;
    work.follows = true;
    work.groups = groups;
    work.people = people.len() as u64;
    for reason in &partial {
        (sieve.events)(Event::Unanswered { reason: reason.clone() });
    }
    let mut whole = !doubts.everybody();
    for group in memberships.missing() {
        whole = false;
        partial.push(missing_group(group));
    }
    work.memberships = Some(memberships);
    for record in people {
        work.judge(record, sieve)?;
    }
    work.flush(sieve)?;
    if let Some(words) = &words {
        work.judge_kept(&concerned, words, sieve)?;
    }
    for (source, entries) in &unusable {
        work.unusable(source, entries, sieve)?;
    }
    if whole {
        doubts.spare(sieve)?;
    }
    work.weigh_reporters(sieve)?;
    let memberships = work.memberships.take().unwrap_or_else(super::Memberships::none);
    let (mut reading, stage) =
        work.into_reading(whole, partial, doubts, sources, followed, None, memberships, Some(concerned));
    if words.is_some() {
        reading.concerned = None;
        reading.from_records = true;
    }
    reading.kept = kept;
    reading.settled &= settled;
    Ok((reading, stage))
}
