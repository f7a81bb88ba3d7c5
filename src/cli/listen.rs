//! Whether it is enough to look at what changed, and what that is.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::clock;
use crate::guard::{Tally, unreleased};
use crate::model::{Action, SourceId};
use crate::pass::{self, Answer, Heard, Hearing, Observe};
use crate::report::{Event, Sink};
use crate::store::Reader;

use super::assemble::Parts;
use super::exit::Failure;

/// How much a pass looks at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Extent {
    /// The sources and the cloud, all of both.
    Everything,
    /// What is due: everything from time to time, and else what changed.
    Due,
    /// Only what changed in sources that can tell; without anything, there is no pass.
    InPassing,
}

/// Asks the sources what changed, when that is enough to look at.
///
/// # Errors
///
/// As [`pass::hear`].
pub async fn listen(
    parts: &Parts,
    reader: &Reader,
    extent: Extent,
    observe: Observe,
    events: Sink,
) -> Result<Answer, Failure> {
    if observe == Observe::All {
        let reason = "the whole cloud is looked at, too".into();
        return Ok(Answer::Everything { reason, doubted: None });
    }
    let full_every = i64::try_from(parts.config.full_every.as_secs()).unwrap_or(i64::MAX);
    Ok(pass::hear(Hearing {
        sources: &parts.sources,
        reader,
        rules: &parts.rules,
        in_passing: extent == Extent::InPassing,
        keep_records: parts.config.keep_records,
        full_every,
        delete_after: parts.config.leavers.delete_after,
        now: clock::now().timestamp(),
        events,
    })
    .await?)
}

/// What changed in the sources, when that is enough to look at; told when it is not.
///
/// # Errors
///
/// As [`listen`].
pub async fn heard(
    parts: &Parts,
    reader: &Reader,
    observe: Observe,
    events: Sink,
) -> Result<Option<Box<Heard>>, Failure> {
    Ok(match listen(parts, reader, Extent::Due, observe, Arc::clone(&events)).await? {
        Answer::Something(heard) => Some(heard),
        Answer::Everything { reason, .. } => {
            events(Event::ReadingAll { reason });
            None
        }
        Answer::Nothing(_) => None,
    })
}

/// What counts against the limits of the guard besides the pass itself: passes that follow
/// changes come often, and together must not take away more than one may.
///
/// # Errors
///
/// When the state cannot be read.
pub fn recent(reader: &Reader, often: bool) -> Result<Tally, Failure> {
    if often { recent_removals(reader, clock::now().timestamp()) } else { Ok(Tally::default()) }
}

/// What was taken away within the last hour, without what an administrator approved.
fn recent_removals(reader: &Reader, now: i64) -> Result<Tally, Failure> {
    let since = now.saturating_sub(3_600);
    let approved = reader.approved_since(since)?;
    let approved: Vec<Action> = approved.into_iter().flat_map(|plan| plan.actions).collect();
    let mut people: BTreeMap<SourceId, Vec<Action>> = BTreeMap::new();
    for action in reader.removals_since(since)? {
        if let Some(action) = unreleased(&action, &approved) {
            people.entry(action.anchor).or_default().push(action);
        }
    }
    let mut tally = Tally::default();
    people.values().for_each(|actions| tally.add(actions));
    Ok(tally)
}
