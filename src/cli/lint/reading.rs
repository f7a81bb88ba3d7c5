//! What a read of everything says besides the people in it: what cannot be read, and what is not there.

use crate::report::Sink;
use crate::rules::Rules;
use crate::source::Source;
use crate::store::{Reader, StoreError};

use super::super::check::groups::Missing;
use super::super::everybody;
use super::code::Kind;
use super::finding::Example;
use super::tally::{Counting, Tally};

/// Reads everything into the tally. Returns what was not read, in sentences.
pub(super) async fn read(
    sources: &[Box<dyn Source>],
    rules: &Rules,
    reader: Option<&Reader>,
    now: i64,
    events: &Sink,
    tally: &mut Tally,
) -> Result<Vec<String>, StoreError> {
    let ended = everybody::read(sources, rules, now, events, &mut Counting { rules, tally }).await?;
    for (source, entry) in ended.unusable {
        tally.findings.add(Kind::UnusableEntry, || Example {
            // Of a line that belongs to no entry there is no DN.
            dns: if entry.dn.is_empty() { Vec::new() } else { vec![entry.dn] },
            rule: format!("source \"{source}\""),
            message: entry.reason,
            ..Example::default()
        });
    }
    let whole = ended.groups_whole && ended.gaps.is_empty();
    if whole {
        for missing in &ended.missing {
            tally.findings.add(Kind::GroupMissing, || not_there(missing));
        }
    }
    let missing: Vec<String> = ended.missing.into_iter().map(|missing| missing.name).collect();
    tally.end(ended.gaps.is_empty(), &missing, reader, rules.collisions())?;
    Ok(ended.gaps)
}

/// A group that is named and not there.
pub(super) fn not_there(missing: &Missing) -> Example {
    let near = missing.near.as_ref().map(|near| format!("did you mean \"{near}\"?")).unwrap_or_default();
    Example { rule: missing.name.clone(), message: near, ..Example::default() }
}
