//! The sources are asked what changed, and what they say is turned into the few records that a
//! pass has to look at.
//!
//! A change draws others after it: a group changes for its members, nested ones included; a
//! person who moves is named differently by every group; whoever is gone here may have moved to
//! another source. All of them are looked up before anything is decided. When that cannot be
//! done for a few, everything is read.

mod ear;
mod follow;
mod join;
mod proof;

use std::collections::BTreeSet;

use futures_util::future::join_all;

use crate::guard::SHRANK;
use crate::model::{Changes, Cursor, Fingerprint, Hint, MANY, Record, SourceId, Unusable};
use crate::report::{Event, Sink};
use crate::rules::Rules;
use crate::source::Source;
use crate::store::{Followed, Meta, Reader, SourceMeta, Stage};

use super::PassError;
use super::bounds::since;
use super::census::{Doubts, SourceSeen};
use super::groups::chosen_print;
use super::kept::{Kept, question, suffice};
use super::membership::Memberships;

/// How often everything is read at least when a source does not tell deletions, in seconds.
const UNTOLD: i64 = 3_600;

/// What a hearing needs.
pub struct Hearing<'a> {
    /// The sources.
    pub sources: &'a [Box<dyn Source>],
    /// The snapshot, to read.
    pub reader: &'a Reader,
    /// The rules, as written or bound.
    pub rules: &'a Rules,
    /// Whether a change in passing is asked for: then nobody is looked at again with whom the
    /// last pass did not come to an end, and sources that cannot tell changes are left out.
    pub in_passing: bool,
    /// Whether the records are kept, so that other rules need no new read.
    pub keep_records: bool,
    /// How often everything is to be read, in seconds.
    pub full_every: i64,
    /// After how long deactivated leavers are deleted, in seconds.
    pub delete_after: Option<i64>,
    /// Now, in seconds since 1970-01-01 UTC.
    pub now: i64,
    /// Where progress is told.
    pub events: Sink,
}

/// What was heard.
pub enum Answer {
    /// Nothing that concerns anybody. The facts to remember, when they changed.
    Nothing(Option<Box<(Meta, Followed)>>),
    /// Everything has to be read.
    Everything {
        /// Why, in a sentence.
        reason: String,
        /// The source whose cursor is worth nothing any more.
        doubted: Option<String>,
    },
    /// Something to look at.
    Something(Box<Heard>),
}

impl Answer {
    fn everything(reason: impl Into<String>) -> Self {
        Self::Everything { reason: reason.into(), doubted: None }
    }
}

/// Records to look at, and what is proved by them.
pub struct Heard {
    /// The members of groups that changed are in it.
    pub stage: Stage,
    /// The groups.
    pub memberships: Memberships,
    /// Group records looked up.
    pub groups: u64,
    /// People and rooms.
    pub people: Vec<Record>,
    /// Entries that cannot be used, by source.
    pub unusable: Vec<(String, Vec<Unusable>)>,
    /// Everybody who was asked for, found or not.
    pub concerned: BTreeSet<SourceId>,
    /// What was not answered.
    pub partial: Vec<String>,
    /// Whose source it was that did not answer.
    pub doubts: Doubts,
    /// Whether what was told need not be told again, as far as its source answered.
    pub settled: bool,
    /// To be remembered when the pass succeeds.
    pub sources: Vec<SourceSeen>,
    /// Changes of containers.
    pub followed: Followed,
    /// Whether every source was asked what changed.
    pub asked_all: bool,
    /// What becomes of the kept records.
    pub kept: Kept,
    /// Whether somebody asked about these people alone: what else has changed does not matter, other
    /// rules than those of the last pass do not lead to a read of everything, and the cloud is asked
    /// about each of them.
    pub alone: bool,
}

/// Whether it is worth asking the sources what changed, and if not, why everything is read.
fn reason_to_read_all(hearing: &Hearing<'_>, meta: &Meta) -> Option<String> {
    if meta.written != hearing.rules.written() {
        if meta.written == Fingerprint::NONE || !hearing.keep_records {
            return Some("the rules changed, or this is the first pass".into());
        }
        if hearing.in_passing
            || !meta.records.as_ref().is_some_and(|kept| suffice(kept, hearing.rules, hearing.sources))
        {
            return Some("the rules changed, and the kept records do not hold all that they read".into());
        }
    }
    if hearing.in_passing && meta.last_observation.is_none() {
        return Some("the whole cloud has to be looked at first".into());
    }
    if meta.groups != chosen_print(hearing.rules) {
        return Some("the choice of groups changed".into());
    }
    let mut any = false;
    for source in hearing.sources {
        let name = source.name();
        let known = meta.sources.get(name);
        let Some((known, cursor)) = known.and_then(|known| Some((known, known.cursor.as_ref()?))) else {
            if hearing.in_passing {
                continue;
            }
            return Some(format!("source \"{name}\" cannot tell what changed since the last complete read"));
        };
        any = true;
        let age = hearing.now.saturating_sub(known.cursor_at);
        if cursor.good_for.is_some_and(|good_for| age > good_for) {
            return Some(format!(
                "source \"{name}\" was last asked {} days ago, and forgets sooner whom it deleted",
                age / 86_400
            ));
        }
        let since_whole = hearing.now.saturating_sub(known.last_whole);
        // Whoever is deleted is missed only by a read of everything, where the source does not tell.
        let every = if cursor.tells_deletions { hearing.full_every } else { hearing.full_every.min(UNTOLD) };
        if !hearing.in_passing && (since_whole >= every || since_whole < 0) {
            return Some(format!(
                "the last complete read of source \"{name}\" is {} min old",
                since_whole / 60
            ));
        }
    }
    (!any).then(|| "no source can tell what changed".into())
}

/// Why everything is read while a plan waits because a read showed implausibly few people: whoever
/// is hidden from us is not found by a lookup either, and only a read of everything can tell.
fn short_before(reader: &Reader) -> Result<Option<String>, PassError> {
    let short = reader.held()?.into_iter().any(|plan| {
        plan.decision.is_none()
            && plan.findings.as_array().into_iter().flatten().any(|finding| finding["code"] == SHRANK)
    });
    Ok(short.then(|| "the last complete read showed implausibly few people".into()))
}

/// Forgets the cursors that are worth nothing once everything has to be read: that of a source that
/// is doubted; and all of them, when a change in passing led to it. The pass renews those of the sources
/// that it reads completely. Should it not come to that, changes in passing lead to nothing more, and
/// the next pass on schedule tries again.
pub fn forget_cursors(meta: &mut Meta, doubted: Option<&str>, in_passing: bool) {
    for (name, known) in &mut meta.sources {
        if in_passing || doubted == Some(name) {
            known.cursor = None;
        }
    }
}

/// Asks the sources what changed.
///
/// # Errors
///
/// When no source answers, or the store failed.
pub async fn hear(hearing: Hearing<'_>) -> Result<Answer, PassError> {
    let meta = hearing.reader.meta()?;
    let rules = since(hearing.rules.clone(), &meta);
    let hearing = Hearing { rules: &rules, ..hearing };
    let known = match reason_to_read_all(&hearing, &meta) {
        None => short_before(hearing.reader)?,
        reason => reason,
    };
    if let Some(reason) = known {
        // What is known before anybody is asked is for the next pass on schedule.
        return Ok(if hearing.in_passing { Answer::Nothing(None) } else { Answer::everything(reason) });
    }
    let ask = question(hearing.rules, &meta, hearing.keep_records);
    let asked: Vec<(&dyn Source, &SourceMeta, &Cursor)> = hearing
        .sources
        .iter()
        .filter_map(|source| {
            let known = meta.sources.get(source.name())?;
            Some((source.as_ref(), known, known.cursor.as_ref()?))
        })
        .collect();
    let answers = join_all(asked.iter().map(|(source, _, cursor)| source.changes(&ask, cursor))).await;
    let mut ear = ear::Ear::new(&hearing, &ask, &meta)?;
    ear.all_asked = asked.len() == hearing.sources.len();
    let mut hints: Vec<(usize, Vec<Hint>)> = Vec::new();
    let mut errors = Vec::new();
    let mut total = 0;
    for (at, ((source, known, before), answer)) in asked.iter().zip(answers).enumerate() {
        let name = source.name();
        ear.sources.push(ear::Listened {
            source: *source,
            answers: true,
            whole: true,
            bases: known.bases.clone(),
        });
        match answer {
            Ok(Changes::Doubt(reason)) => {
                return Ok(Answer::Everything {
                    reason: format!("source \"{name}\": {reason}"),
                    doubted: Some(name.into()),
                });
            }
            Ok(Changes::Since { hints: told, cursor }) => {
                total += told.len();
                (hearing.events)(Event::Heard {
                    source: name.into(),
                    method: cursor.method,
                    hints: told.len() as u64,
                });
                let cursor_at =
                    if cursor == **before && told.is_empty() { known.cursor_at } else { hearing.now };
                ear.seen.push(SourceSeen {
                    name: name.into(),
                    meta: SourceMeta {
                        identity: cursor.identity.clone(),
                        cursor: Some(cursor),
                        cursor_at,
                        ..(*known).clone()
                    },
                    complete: true,
                });
                hints.push((at, told));
            }
            Err(error) => {
                ear.sources[at].answers = false;
                ear.sources[at].whole = false;
                ear.partial.push(format!("source \"{name}\": {}; {}", error.what, error.remedy));
                errors.push(error);
            }
        }
    }
    if errors.len() == asked.len()
        && let Some(first) = errors.into_iter().next()
    {
        return Err(PassError::Source(first));
    }
    if total > MANY {
        return Ok(Answer::everything(format!("{total} objects changed: reading everything is quicker")));
    }
    follow::follow(ear, &meta, hints).await
}
