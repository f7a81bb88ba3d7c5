//! `dirsyncd history`: runs, and every change with its old and new value, from the journal.

use std::collections::{BTreeMap, BTreeSet};
use std::io::{self, Write};

use chrono::NaiveDate;
use serde_json::{Value, json};

use crate::clock;
use crate::model::{Catalogue, Email, SourceId};
use crate::report::json as documents;
use crate::report::text::{self, Style};
use crate::schedule;
use crate::store::{HistoryEntry, HistoryFilter, IntentId, Outcome, Reader, RunId};

use super::args::{self, Globals};
use super::assemble;
use super::console::Console;
use super::exit::{Exit, Failure};
use super::last::catalogue;
use super::status::{instant, one_run, run_document};

/// Runs the command.
///
/// # Errors
///
/// When the state cannot be read, or nobody is known under this name.
pub fn run(globals: &Globals, console: Console, args: &args::History) -> Result<Exit, Failure> {
    let reader = Reader::open(&assemble::state_dir(globals)?)?;
    let since = args.since.as_deref().map(since).transpose()?;
    if args.run.is_none() && args.person.is_none() && args.action.is_none() {
        return runs(&reader, console, since, args.limit);
    }
    let filter = HistoryFilter {
        run: args.run.map(RunId),
        since,
        kind: args.action,
        limit: Some(args.limit),
        ..HistoryFilter::default()
    };
    if let Some(run) = filter.run
        && reader.run(run)?.is_none()
    {
        return Err(Failure::usage(format!("there is no run {run}"), "`dirsyncd history` lists the runs"));
    }
    let entries = match &args.person {
        Some(text) => of_one(&reader, text, filter)?,
        None => reader.history(&filter)?,
    };
    if console.json {
        console.document(&json!({ "changes": entries.iter().map(document).collect::<Vec<_>>() }))?;
    } else {
        let names = catalogue(&reader)?;
        console.print(|out| write(out, console.style(), &names, &entries))?;
    }
    Ok(Exit::Done)
}

fn runs(reader: &Reader, console: Console, since: Option<i64>, limit: usize) -> Result<Exit, Failure> {
    let mut runs = reader.runs(limit)?;
    runs.retain(|run| since.is_none_or(|since| run.started >= since));
    if console.json {
        console.document(&json!({ "runs": runs.iter().map(run_document).collect::<Vec<_>>() }))?;
    } else {
        let now = clock::now().timestamp();
        console.print(|out| {
            if runs.is_empty() {
                return writeln!(out, "No pass yet.");
            }
            runs.iter().try_for_each(|run| writeln!(out, "{}", one_run(console.style(), run, now)))
        })?;
    }
    Ok(Exit::Done)
}

/// What was done to whoever is linked under this text; and to who was once, as far as the text itself
/// tells. Contacts are found like people: the journal knows them by their anchors.
fn of_one(reader: &Reader, text: &str, filter: HistoryFilter) -> Result<Vec<HistoryEntry>, Failure> {
    let email = text.parse::<Email>().ok();
    let mut anchors: BTreeSet<SourceId> =
        reader.find_person(text)?.map(|row| row.anchor).into_iter().collect();
    anchors.extend(reader.find_contact(text)?.map(|link| link.anchor));
    anchors.extend(reader.contacts_once(text)?);
    if anchors.is_empty() {
        anchors.extend(text.parse::<SourceId>().ok());
    }
    if email.is_none() && anchors.is_empty() {
        return Err(Failure::usage(
            format!("nobody is known as \"{text}\""),
            "give an e-mail address, an anchor, a DN as last read, or a cloud id",
        ));
    }
    let email = email.as_ref().map(Email::key);
    let mut all: BTreeMap<IntentId, HistoryEntry> = BTreeMap::new();
    let anchors = anchors.into_iter().map(Some);
    for anchor in anchors.chain(email.is_some().then_some(None)) {
        let mine = HistoryFilter { anchor, email, ..filter.clone() };
        all.extend(reader.history(&mine)?.into_iter().map(|entry| (entry.intent, entry)));
    }
    Ok(all.into_values().rev().take(filter.limit.unwrap_or(usize::MAX)).collect())
}

/// `7d`, or a day.
fn since(text: &str) -> Result<i64, Failure> {
    if let Ok(day) = NaiveDate::parse_from_str(text, "%Y-%m-%d")
        && let Some(midnight) = day.and_hms_opt(0, 0, 0)
    {
        return Ok(midnight.and_utc().timestamp());
    }
    let ago = schedule::parse_duration(text).map_err(|error| {
        Failure::usage(
            format!("--since: {error}"),
            "write a duration such as 7d, or a day such as 2026-03-04",
        )
    })?;
    Ok(clock::now().timestamp().saturating_sub(i64::try_from(ago.as_secs()).unwrap_or(i64::MAX)))
}

fn document(entry: &HistoryEntry) -> Value {
    json!({
        "run": entry.run,
        "plan": entry.plan,
        "time": instant(entry.time),
        "action": documents::action(&entry.action, None),
        "outcome": entry.outcome,
    })
}

fn write(out: &mut dyn Write, style: Style, names: &Catalogue, entries: &[HistoryEntry]) -> io::Result<()> {
    if entries.is_empty() {
        return writeln!(out, "No change.");
    }
    for entry in entries {
        let time = instant(entry.time).unwrap_or_default();
        let ended = match &entry.outcome {
            Outcome::Succeeded => String::new(),
            Outcome::Failed { code, message } => format!("  failed ({code}): {}", text::printable(message)),
            Outcome::Partly { message } => format!("  partly: {}", text::printable(message)),
            Outcome::Unknown => "  never confirmed: the pass after it found out".to_owned(),
        };
        writeln!(out, "{}{}", style.dim(&format!("{time} run {}", entry.run)), style.red(&ended))?;
        text::action(out, style, names, &entry.action, None)?;
    }
    Ok(())
}
