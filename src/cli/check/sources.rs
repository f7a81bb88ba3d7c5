//! What the probes and the read of the sources found, as lines.

use serde_json::{Value, json};

use crate::source::{Probe, SourceError};

use super::super::exit::{Exit, Failure};
use super::line::Line;
use super::reading::{Counts, Reading, Seen, Tally, gaps};

/// Of many reasons so many are told.
const TOLD: usize = 5;

/// The lines of one source.
pub(super) fn lines(name: &str, probe: Result<Probe, SourceError>, seen: Option<&Seen>) -> Vec<Line> {
    let title = format!("source {name}");
    let mut lines = Vec::new();
    match probe {
        Err(error) => return vec![Line::fail(title, error.into()).about("connection")],
        Ok(probe) => {
            let product = format!("{}, {}", probe.product, probe.identity);
            lines.push(Line::ok(&title, product).about("connection"));
            lines.extend(probe.facts.into_iter().map(|fact| Line::fact(&title, fact)));
        }
    }
    match seen {
        None => {}
        Some(Seen { census: Err(error), .. }) => {
            let failure = Failure::new(Exit::Source, error.what.clone(), error.remedy.clone());
            lines.push(Line::fail(title, failure).about("read"));
        }
        Some(Seen { census: Ok(census), tally, .. }) => {
            lines.extend(incomplete(gaps(census)).map(|failure| Line::fail(&title, failure).about("read")));
            lines.extend(counted(&title, tally));
        }
    }
    lines
}

/// The groups that the rules name and no directory has.
pub(super) fn missing_groups(reading: &Reading) -> impl Iterator<Item = Line> {
    reading.missing.iter().map(|missing| {
        let remedy = match &missing.near {
            Some(near) => format!("did you mean \"{near}\"? Correct the rule, or make the group"),
            None => "correct the name in the rules, make the group, or search it with group_bases".into(),
        };
        let what = format!(
            "the group \"{}\" that the rules name is not in any directory: nobody would be removed in a pass",
            missing.name
        );
        Line::fail("groups", Failure::new(Exit::Source, what, remedy))
    })
}

fn incomplete(gaps: &[String]) -> Option<Failure> {
    let shown = gaps.iter().take(TOLD).map(String::as_str).collect::<Vec<_>>().join("; ");
    let more = match gaps.len().saturating_sub(TOLD) {
        0 => String::new(),
        more => format!("; and {more} more"),
    };
    (!gaps.is_empty()).then(|| {
        Failure::new(
            Exit::Source,
            format!("NOT read completely: {shown}{more}"),
            "until this is settled passes add and update people, and remove nobody",
        )
    })
}

fn counted(title: &str, tally: &Tally) -> Vec<Line> {
    let mut lines = Vec::new();
    let words = |counts: &Counts| words(counts, tally.reads_contacts);
    let total = match tally.bases.as_slice() {
        [(base, _, counts)] => format!("under \"{base}\": {}", words(counts)),
        _ => format!("in all: {}", words(&tally.all)),
    };
    lines.push(match tally.all.unusable {
        0 => Line::ok(title, total),
        _ => Line::warn(title, total, "repair what is unusable: `dirsyncd plan` names each, with the reason"),
    });
    if tally.bases.len() > 1 {
        let base = |(base, _, counts): &(String, String, Counts)| {
            Line::ok(title, format!("under \"{base}\": {}", words(counts)))
        };
        lines.extend(tally.bases.iter().map(base));
    }
    let withheld: u64 = tally.withheld.values().sum();
    let mut rules = vec![format!("{} wanted in the cloud", tally.wanted)];
    rules.extend(tally.unwanted.iter().map(|(cause, count)| format!("{count} not ({cause})")));
    if withheld > 0 {
        let codes: Vec<String> =
            tally.withheld.iter().map(|(code, count)| format!("{code} {count}")).collect();
        rules.push(format!("{withheld} withheld ({})", codes.join(", ")));
    }
    let rules = format!("people by the rules: {}", rules.join(", "));
    lines.push(if withheld > 0 {
        Line::warn(title, rules, "`dirsyncd plan` names each who is withheld, with the reason and the remedy")
    } else if tally.wanted == 0 && tally.all.people > 0 {
        Line::warn(
            title,
            rules,
            "correct people.scope: a pass would create nobody, and take everybody for a leaver",
        )
    } else {
        Line::ok(title, rules)
    });
    lines.into_iter().map(|line| line.about("counts")).collect()
}

fn words(counts: &Counts, reads_contacts: bool) -> String {
    let Counts { people, rooms, contacts, groups, disabled, unusable } = counts;
    let contacts = if reads_contacts { format!("{contacts} contacts, ") } else { String::new() };
    let mut words =
        format!("{people} people ({disabled} disabled), {rooms} rooms, {contacts}{groups} groups");
    if *unusable > 0 {
        words.push_str(&format!(", {unusable} unusable entries"));
    }
    words
}

/// The same as JSON.
pub(super) fn document(name: &str, probe: Option<&Probe>, seen: Option<&Seen>) -> Value {
    let census = seen.and_then(|seen| seen.census.as_ref().ok());
    json!({
        "name": name,
        "product": probe.map(|probe| &probe.product),
        "identity": probe.map(|probe| &probe.identity),
        "server": probe.and_then(|probe| probe.server.as_ref()),
        "changes": probe.and_then(|probe| probe.changes.as_ref()).map(|by| json!({
            "method": by.method.word(),
            "tells_deletions": by.tells_deletions,
            "advice": by.advice,
        })),
        "whole": census.map(|census| census.is_whole()),
        "counts": census.and(seen).map(|seen| seen.tally.document()),
    })
}
