//! `dirsyncd status`: what the state knows, without asking the source or the cloud.

use std::io::{self, Write};

use chrono::{DateTime, SecondsFormat, Utc};
use serde_json::{Value, json};

use crate::clock;
use crate::model::{Cursor, Unserved};
use crate::pass::WITHHELD_GROUPS;
use crate::plan::WINDOW;
use crate::report::text::{self, Style};
use crate::report::{Counts, json as documents};
use crate::schedule::Schedule;
use crate::store::{Decision, HistoryEntry, HistoryFilter, Lock, Outcome, Reader, RunRecord, Waiting};

use super::args::{self, Globals};
use super::assemble;
use super::console::Console;
use super::exit::{Exit, Failure};
use super::kept::{GRACE, Kept};
use super::last::{LAST_FULL, SEATS};
use super::seats;

/// So many runs are looked through for the last good one.
const RUNS: usize = 500;
/// Of a long list so many are shown.
const SHOWN: usize = 20;

/// Everything that is shown.
struct Known {
    now: DateTime<Utc>,
    lock: Option<String>,
    last: Option<RunRecord>,
    last_good: Option<RunRecord>,
    last_full: Option<i64>,
    next: Option<DateTime<Utc>>,
    linked: u64,
    /// Those of the linked that are rooms.
    rooms: u64,
    /// Contacts of the cloud that are ours.
    contacts: u64,
    /// Groups of the cloud that are ours, and memberships in them.
    groups: (u64, u64),
    held: Vec<crate::store::HeldPlan>,
    withheld: Vec<crate::model::Withheld>,
    waiting: Vec<Waiting>,
    failing: Vec<HistoryEntry>,
    seats: Vec<Value>,
    kept: Kept,
    /// From where each source can tell what changed.
    cursors: Vec<(String, Cursor, i64)>,
}

impl Known {
    fn withheld_groups(&self) -> u64 {
        self.withheld.iter().filter(|one| WITHHELD_GROUPS.contains(&one.code.as_str())).count() as u64
    }
}

/// Runs the command.
///
/// # Errors
///
/// When the configuration or the state cannot be read.
pub fn run(globals: &Globals, console: Console, args: &args::Status) -> Result<Exit, Failure> {
    // With --state the configuration is only good for the schedule.
    let config = assemble::config(globals, true);
    let (dir, schedule) = match (config, &globals.state) {
        (Ok(config), _) => (config.state_dir, Some(config.schedule)),
        (Err(_), Some(dir)) => (dir.clone(), None),
        (Err(failure), None) => return Err(failure),
    };
    let known = find_out(&Reader::open(&dir)?, Lock::holder(&dir), schedule.as_ref())?;
    let age = known.last_good.as_ref().and_then(|run| run.ended).map(|ended| known.now.timestamp() - ended);
    let stale = match (args.max_age, age) {
        (None, _) => false,
        (Some(_), None) => true,
        (Some(max), Some(age)) => age > i64::try_from(max.as_secs()).unwrap_or(i64::MAX),
    };
    if console.json {
        console.document(&document(&known, stale))?;
    } else {
        console.print(|out| write(out, console.style(), &known, stale))?;
    }
    Ok(if stale { Exit::Partial } else { Exit::Done })
}

fn find_out(reader: &Reader, lock: Option<String>, schedule: Option<&Schedule>) -> Result<Known, Failure> {
    let now = clock::now();
    let runs = reader.runs(RUNS)?;
    let good = |run: &&RunRecord| run.outcome.as_deref().is_some_and(|outcome| outcome != "failed");
    let last = runs.first().cloned();
    let meta = reader.meta()?;
    let waiting = reader.waiting()?;
    let days = reader.seat_days(now.timestamp().div_euclid(86_400) - WINDOW)?;
    let next = match (&lock, schedule, &last) {
        (Some(_), Some(schedule), Some(last)) => {
            DateTime::from_timestamp(last.started, 0).and_then(|started| schedule.next_after(started))
        }
        _ => None,
    };
    let failing = match &last {
        Some(last) => {
            let mut entries =
                reader.history(&HistoryFilter { run: Some(last.id), ..HistoryFilter::default() })?;
            entries.retain(|entry| matches!(entry.outcome, Outcome::Failed { .. }));
            entries
        }
        None => Vec::new(),
    };
    Ok(Known {
        now,
        lock,
        last_good: runs.iter().find(good).cloned(),
        last,
        last_full: meta.extra.get(LAST_FULL).and_then(Value::as_i64),
        next,
        linked: reader.count()?,
        rooms: reader.count_rooms()?,
        contacts: reader.count_contacts()?,
        groups: reader.count_groups()?,
        held: reader.held()?.into_iter().filter(|plan| plan.decision != Some(Decision::Rejected)).collect(),
        withheld: reader.withheld()?,
        kept: Kept::read(reader, meta.extra.get(GRACE))?,
        seats: seats::now(meta.extra.get(SEATS), &waiting, &days),
        waiting,
        failing,
        cursors: meta
            .sources
            .into_iter()
            .filter_map(|(name, source)| Some((name, source.cursor?, source.cursor_at)))
            .collect(),
    })
}

/// A time for programs.
pub fn instant(seconds: i64) -> Option<String> {
    Some(DateTime::from_timestamp(seconds, 0)?.to_rfc3339_opts(SecondsFormat::Secs, true))
}

/// A run as a JSON document.
pub fn run_document(run: &RunRecord) -> Value {
    json!({
        "run": run.id,
        "started": instant(run.started),
        "ended": run.ended.and_then(instant),
        "mode": run.mode,
        "trigger": run.trigger,
        "outcome": run.outcome,
        "counts": run.counts,
    })
}

fn document(known: &Known, stale: bool) -> Value {
    json!({
        "version": env!("CARGO_PKG_VERSION"),
        "lock": known.lock,
        "last_pass": known.last.as_ref().map(run_document),
        "last_good": known.last_good.as_ref().map(run_document),
        "last_full": known.last_full.and_then(instant),
        "next_pass": known.next.map(|next| next.to_rfc3339_opts(SecondsFormat::Secs, true)),
        "stale": stale,
        "linked": known.linked,
        "rooms": known.rooms,
        "contacts": known.contacts,
        "groups": {
            "linked": known.groups.0,
            "members": known.groups.1,
            "withheld": known.withheld_groups(),
        },
        "held": known.held.iter().map(|plan| json!({
            "plan": plan.id,
            "run": plan.run,
            "created": instant(plan.created),
            "decision": plan.decision,
            "actions": plan.actions.len(),
            "findings": plan.findings,
        })).collect::<Vec<_>>(),
        "withheld": known.withheld.iter().map(documents::withheld).collect::<Vec<_>>(),
        "waiting": known.waiting.iter().map(seats::place_document).collect::<Vec<_>>(),
        "kept": known.kept.document(),
        "failing": known.failing.iter().map(|entry| json!({
            "anchor": entry.action.anchor,
            "object": entry.action.who.object(),
            "email": entry.action.who.email(),
            "group": entry.action.who.group(),
            "contact": entry.action.who.contact(),
            "kind": entry.action.kind,
            "outcome": entry.outcome,
        })).collect::<Vec<_>>(),
        "seats": known.seats,
        "cursor": known.cursors.iter().map(|(source, cursor, at)| json!({
            "source": source,
            "method": cursor.method,
            "since": instant(*at),
            "tells_deletions": cursor.tells_deletions,
        })).collect::<Vec<_>>(),
        "cloud_token_expires": Value::Null,
    })
}

fn write(out: &mut dyn Write, style: Style, known: &Known, stale: bool) -> io::Result<()> {
    let now = known.now.timestamp();
    writeln!(out, "dirsyncd {}", env!("CARGO_PKG_VERSION"))?;
    match &known.lock {
        Some(holder) => writeln!(out, "Lock        {holder}")?,
        None => writeln!(out, "Lock        free: no daemon and no pass is running")?,
    }
    match &known.last {
        None => writeln!(out, "Last pass   none yet")?,
        Some(run) => {
            writeln!(out, "Last pass   {}", one_run(style, run, now))?;
            if let Some(good) = known.last_good.as_ref().filter(|good| good.id != run.id) {
                writeln!(out, "Last good   {}", one_run(style, good, now))?;
            }
        }
    }
    if let Some(full) = known.last_full {
        writeln!(out, "Last full   {}", since(full, now))?;
    }
    if let Some(next) = known.next {
        writeln!(out, "Next pass   {}", next.to_rfc3339_opts(SecondsFormat::Secs, true))?;
    }
    if stale {
        writeln!(out, "{}", style.red("Too old     the last good pass is older than --max-age"))?;
    }
    writeln!(out, "People      {} linked", known.linked - known.rooms.min(known.linked))?;
    if known.rooms > 0 {
        writeln!(out, "Rooms       {} linked", known.rooms)?;
    }
    if known.contacts > 0 {
        writeln!(out, "Contacts    {} in the cloud by us", known.contacts)?;
    }
    let (groups, members) = known.groups;
    let withheld = known.withheld_groups();
    if groups + withheld > 0 {
        let withheld = if withheld == 0 { String::new() } else { format!(", {withheld} withheld") };
        writeln!(out, "Groups      {groups} linked, with {members} members{withheld}")?;
    }
    for (source, cursor, at) in &known.cursors {
        let deletions = if cursor.tells_deletions { "" } else { ", without deletions" };
        let (method, at) = (cursor.method, since(*at, now));
        writeln!(out, "Changes     of {source} by {method}{deletions}, followed up to {at}")?;
    }
    for plan in &known.held {
        let what = match plan.decision {
            Some(Decision::Approved) => "approved, carried out by the next pass",
            _ => "waiting: dirsyncd held, approve, reject",
        };
        let line = format!("Held        plan {}: {} actions, {what}", plan.id, plan.actions.len());
        writeln!(out, "{}", style.yellow(&line))?;
    }
    for seat in &known.seats {
        writeln!(out, "Seats       {}", seats::line(style, seat))?;
    }
    if !known.failing.is_empty() {
        text::heading(out, style, &format!("Failing: {}", known.failing.len()))?;
        for entry in known.failing.iter().take(SHOWN) {
            let Outcome::Failed { code, message } = &entry.outcome else { continue };
            writeln!(out, "! {code:<14} {} {}", entry.action.kind.name(), entry.action.who)?;
            writeln!(out, "      {}", text::printable(message))?;
        }
    }
    if !known.waiting.is_empty() {
        text::heading(out, style, &format!("Waiting for a seat: {}", known.waiting.len()))?;
        for one in known.waiting.iter().take(SHOWN) {
            let name = license_name(&known.seats, one.license.as_str());
            let why = match one.reason {
                Unserved::NoSeat => "",
                Unserved::RefusedByCloud => ", refused by the cloud",
            };
            let since = since(one.rank.since, now);
            writeln!(out, "! {:<40} {name}, since {since}{why}", one.email.as_str())?;
        }
        if known.waiting.len() > SHOWN {
            writeln!(out, "  ... and {} more", known.waiting.len() - SHOWN)?;
        }
    }
    known.kept.write(out, style)?;
    text::all_withheld(out, style, &known.withheld, SHOWN)?;
    Ok(())
}

/// The name of a licence as the last pass saw it.
pub fn license_name(seats: &[Value], id: &str) -> String {
    let found = seats.iter().find(|seat| seat.get("license").and_then(Value::as_str) == Some(id));
    let name = found.and_then(|seat| seat.get("name").and_then(Value::as_str)).unwrap_or(id);
    text::printable(name)
}

/// A run in a line.
pub fn one_run(style: Style, run: &RunRecord, now: i64) -> String {
    let outcome = match run.outcome.as_deref() {
        None => style.yellow("did not end: it is under way, or was killed"),
        Some("ok") => style.green("ok"),
        Some("failed") => style.red("failed"),
        Some(other) => style.yellow(other),
    };
    let counts = match serde_json::from_value::<Counts>(run.counts.clone()) {
        Ok(counts) if run.outcome.as_deref() != Some("failed") => format!(": {}", counts.words()),
        _ => match run.counts.get("error").and_then(Value::as_str) {
            Some(error) => format!(": {}", text::printable(error)),
            None => String::new(),
        },
    };
    format!("run {}, {}, {}, {outcome}{counts}", run.id, since(run.started, now), run.mode)
}

/// A time, and how long ago it was.
fn since(time: i64, now: i64) -> String {
    let at = instant(time).unwrap_or_default();
    match now - time {
        ago @ 0..120 => format!("{at} ({ago} s ago)"),
        ago @ 120..7200 => format!("{at} ({} min ago)", ago / 60),
        ago @ 7200..172_800 => format!("{at} ({} h ago)", ago / 3600),
        ago @ 172_800.. => format!("{at} ({} days ago)", ago / 86_400),
        _ => at,
    }
}
