//! The few records of a read that followed the changes are judged like those of any read.

use std::collections::BTreeSet;

use crate::model::SourceId;
use crate::pass::changes::Heard;
use crate::report::Event;
use crate::store::{Stage, unpack, unreadable};

use super::super::PassError;
use super::conclude::missing_group;
use super::{Reading, Sieve, Work};

/// Kept records unpacked at a time.
const PAGE: usize = 4_096;

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

impl Work {
    /// Judges everybody by the kept records, but those of whom something newer was heard.
    fn judge_kept(
        &mut self,
        concerned: &BTreeSet<SourceId>,
        words: &[String],
        sieve: &Sieve,
    ) -> Result<(), PassError> {
        let ask = sieve.rules.ask();
        let mut after = None;
        loop {
            let page = sieve.reader.records_after(after, PAGE)?;
            let Some((last, _)) = page.last() else { break };
            after = Some(*last);
            for (anchor, packed) in page.into_iter().filter(|(anchor, _)| !concerned.contains(anchor)) {
                let mut record = unpack(anchor, &packed, words).ok_or_else(|| unreadable(anchor))?;
                ask.trim(&mut record);
                self.people += 1;
                self.judge(record, sieve)?;
            }
            self.flush(sieve)?;
        }
        // Whoever left earlier and has no record any more stays gone.
        let index = &sieve.index;
        for at in (0..index.len()).filter(|at| !concerned.contains(&index.anchor(*at))) {
            index.met.set(at);
        }
        Ok(())
    }
}
