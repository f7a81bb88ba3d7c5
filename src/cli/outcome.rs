//! What a pass came to: as values, as text, as JSON, and as an exit code.

use std::collections::BTreeMap;
use std::io::{self, Write};

use serde_json::{Value, json};

use crate::apply;
use crate::clock;
use crate::cloud::CloudError;
use crate::guard::{Finding, HeldAction};
use crate::model::{Catalogue, LicenseId, SourceId, Unserved, Withheld};
use crate::pass::{NoSeat, Stray};
use crate::report::text::{self, Style};
use crate::report::{Counts, json as documents};
use crate::rules::Unbound;
use crate::store::RunId;

use super::assemble::Parts;
use super::exit::Exit;
use super::seats;

/// Of a long list so many are shown; the rest is in the JSON and in the history.
const SHOWN: usize = 50;

/// What came of a pass.
#[derive(Debug)]
pub struct Report {
    /// The run.
    pub run: RunId,
    /// `full` when the whole cloud was listed, else `delta`.
    pub mode: &'static str,
    /// `changes` when only what changed in the sources was read, else `everything`.
    pub read: &'static str,
    /// The counts.
    pub counts: Counts,
    /// Single actions that failed.
    pub failed: Vec<apply::Failure>,
    /// Who is withheld.
    pub withheld: Vec<Withheld>,
    /// What waits for approval.
    pub held: Vec<HeldAction>,
    /// The id under which it waits; `None` when it was rejected before.
    pub held_plan: Option<String>,
    /// What the guard objects to.
    pub findings: Vec<Finding>,
    /// Who waits for a seat.
    pub waiting: Vec<NoSeat>,
    /// Who stays as they are, and why.
    pub short: Vec<(SourceId, &'static str)>,
    /// Accounts that nobody claims; `None` when not the whole cloud was listed.
    pub strays: Option<Vec<Stray>>,
    /// Why the directory was not read completely.
    pub partial: Vec<String>,
    /// Names in the rules that the cloud does not have.
    pub unbound: Vec<Unbound>,
    /// The trouble that ended the pass early.
    pub fatal: Option<CloudError>,
    /// Whether it was told to stop.
    pub stopped: bool,
    /// How long it took, in milliseconds.
    pub duration_ms: u64,
    /// The account of the seats, as JSON.
    pub seats: Vec<Value>,
    /// For how long licences are kept that no rule gives any more, as JSON.
    pub grace: Value,
    /// The names of the rules that give licences.
    pub rule_names: Vec<String>,
    /// Licences that new accounts had before we gave any, with how many.
    pub uncalled: BTreeMap<LicenseId, u64>,
    /// The licences, with their names.
    pub catalogue: Catalogue,
}

impl Report {
    /// The exit code: what ended the pass early comes first, then 4, 7, 9, 6.
    pub fn exit(&self) -> Exit {
        if self.stopped {
            Exit::stopped()
        } else if self.fatal.is_some() {
            Exit::Cloud
        } else if !self.partial.is_empty() {
            Exit::Source
        } else if self.held_plan.is_some() {
            Exit::Held
        } else if !self.waiting.is_empty() {
            Exit::Seats
        } else if !self.failed.is_empty() || !self.withheld.is_empty() || !self.unbound.is_empty() {
            Exit::Partial
        } else {
            Exit::Done
        }
    }

    /// The word for it in JSON and in the history.
    pub fn outcome(&self) -> &'static str {
        match self.exit() {
            Exit::Done => "ok",
            Exit::Held => "held",
            Exit::Stopped(_) | Exit::Cloud => "failed",
            _ => "partial",
        }
    }
}

/// Writes what a pass came to.
///
/// # Errors
///
/// When it cannot be written.
pub fn write(out: &mut dyn Write, style: Style, report: &Report) -> io::Result<()> {
    writeln!(
        out,
        "Run {}, {} pass, {}: {}",
        report.run,
        report.mode,
        duration(report.duration_ms),
        report.counts.words()
    )?;
    details(out, style, report)
}

/// Everything about a pass that is not its counts.
///
/// # Errors
///
/// When it cannot be written.
pub fn details(out: &mut dyn Write, style: Style, report: &Report) -> io::Result<()> {
    if !report.partial.is_empty() {
        text::heading(out, style, "The directory was not read completely: nobody is removed")?;
        for reason in &report.partial {
            writeln!(out, "{}", style.red(&format!("! {}", text::printable(reason))))?;
        }
    }
    if let Some(fatal) = &report.fatal {
        text::heading(out, style, "The cloud ended the pass early")?;
        writeln!(out, "{}", style.red(&format!("! {}", text::printable(&fatal.to_string()))))?;
        writeln!(out, "      what to do: {}", fatal.remedy)?;
    }
    if report.stopped {
        text::heading(out, style, "Stopped")?;
        writeln!(out, "What was begun is finished; the next pass goes on from here.")?;
    }
    if !report.failed.is_empty() {
        text::heading(out, style, "Failed")?;
        for one in report.failed.iter().take(SHOWN) {
            let action = &one.action;
            writeln!(
                out,
                "{}",
                style.red(&format!("! {:<14} {} {}", one.code, action.kind.name(), action.who))
            )?;
            writeln!(out, "      {}", text::printable(&one.message))?;
            writeln!(out, "      {}", style.dim(&format!("what to do: {}", one.remedy)))?;
        }
        more(out, report.failed.len())?;
    }
    text::all_withheld(out, style, &report.withheld, SHOWN)?;
    if !report.waiting.is_empty() {
        text::heading(out, style, "Waiting for a seat")?;
        for one in report.waiting.iter().take(SHOWN) {
            let why = match one.reason {
                Unserved::NoSeat => "",
                Unserved::RefusedByCloud => "  left out by the cloud",
            };
            let name = text::printable(report.catalogue.name(&one.license));
            writeln!(out, "! {:<40} {name}{why}", one.email)?;
        }
        more(out, report.waiting.len())?;
        for one in report.seats.iter().filter(|one| one["short"].as_u64() > Some(0)) {
            writeln!(out, "      {}: short by {}", seats::name(one), one["short"])?;
        }
        writeln!(
            out,
            "      what to do: buy seats, or let fewer people have the licence; the first pass with a free seat gives it"
        )?;
    }
    if !report.findings.is_empty() {
        text::heading(out, style, "Objections")?;
        text::findings(out, style, &report.findings)?;
    }
    if let Some(plan) = &report.held_plan {
        text::heading(
            out,
            style,
            &format!("Held: {} actions wait for approval as plan {plan}", report.held.len()),
        )?;
        for one in report.held.iter().take(SHOWN) {
            text::action(out, style, &report.catalogue, &one.action, None)?;
        }
        more(out, report.held.len())?;
        writeln!(out, "      dirsyncd held {plan}      shows all of them")?;
        writeln!(out, "      dirsyncd approve {plan}   lets the next pass carry out exactly these")?;
        writeln!(out, "      dirsyncd reject {plan}    refuses them")?;
    } else if !report.held.is_empty() {
        writeln!(out, "\n{} actions stay undone, because their plan was rejected.", report.held.len())?;
    }
    short(out, style, report)?;
    if let Some(strays) = &report.strays
        && !strays.is_empty()
    {
        text::heading(out, style, "Strays: accounts that no record claims. They are never touched")?;
        for one in strays.iter().take(SHOWN) {
            let email = one.email.as_ref().map_or("(no address)", |email| email.as_str());
            writeln!(out, "? {email:<40} {}", one.cloud_id)?;
        }
        more(out, strays.len())?;
    }
    Ok(())
}

/// How many there are for each reason to leave somebody as is.
fn short(out: &mut dyn Write, style: Style, report: &Report) -> io::Result<()> {
    let mut reasons: std::collections::BTreeMap<&str, usize> = std::collections::BTreeMap::new();
    for (_, reason) in &report.short {
        *reasons.entry(reason).or_default() += 1;
    }
    let rest = text::at_rest(&report.counts);
    if !reasons.is_empty() || rest.is_some() {
        text::heading(out, style, "Left as they are")?;
        write!(out, "{}", rest.unwrap_or_default())?;
        for (reason, count) in reasons {
            writeln!(out, "{count:>6}  {reason}")?;
        }
    }
    Ok(())
}

fn more(out: &mut dyn Write, all: usize) -> io::Result<()> {
    if all > SHOWN {
        writeln!(out, "  ... and {} more", all - SHOWN)?;
    }
    Ok(())
}

/// A duration for people.
pub fn duration(ms: u64) -> String {
    match ms {
        0..10_000 => format!("{}.{} s", ms / 1000, ms % 1000 / 100),
        10_000..120_000 => format!("{} s", ms / 1000),
        _ => format!("{} min", ms / 60_000),
    }
}

/// A pass as a JSON document.
pub fn document(parts: &Parts, report: &Report) -> Value {
    json!({
        "run": report.run,
        "mode": report.mode,
        "read": report.read,
        "outcome": report.outcome(),
        "counts": counts(&report.counts),
        "failed": report.failed.iter().map(|one| json!({
            "kind": one.action.kind,
            "anchor": one.action.anchor,
            "object": one.action.who.object(),
            "email": one.action.who.email(),
            "group": one.action.who.group(),
            "contact": one.action.who.contact(),
            "code": one.code,
            "message": one.message,
            "remedy": one.remedy,
        })).collect::<Vec<_>>(),
        "withheld": report.withheld.iter().map(documents::withheld).collect::<Vec<_>>(),
        "waiting": report.waiting.iter().map(|one| {
            let mut document = seats::waiting_document(one, &report.rule_names);
            document["name"] = json!(report.catalogue.name(&one.license));
            document
        }).collect::<Vec<_>>(),
        "seats": report.seats,
        "findings": report.findings,
        "held_plan": report.held_plan,
        "held": report.held.iter().map(|one| documents::action(&one.action, Some(one.code))).collect::<Vec<_>>(),
        "strays": strays(report),
        "source_complete": report.partial.is_empty(),
        "source_trouble": report.partial,
        "error": report.fatal.as_ref().map(|fatal| json!({
            "code": "cloud",
            "exit": 5,
            "message": fatal.to_string(),
            "remedy": fatal.remedy,
        })),
        "duration_ms": report.duration_ms,
        "next": parts.config.schedule.next_after(clock::now()).map(|time| time.to_rfc3339()),
    })
}

fn strays(report: &Report) -> Vec<Value> {
    let strays = report.strays.iter().flatten();
    strays
        .map(|one| documents::stray(one.cloud_id.as_str(), one.email.as_ref().map(|e| e.as_str())))
        .collect()
}

fn counts(counts: &Counts) -> Value {
    serde_json::to_value(counts).unwrap_or(Value::Null)
}
