//! `dirsyncd plan`: the first half of a pass, and nothing else. There is no writer in here.

use std::collections::{BTreeMap, BTreeSet};
use std::io::{self, BufWriter, Write};
use std::path::Path;
use std::sync::Arc;

use serde_json::{Value, json};

use crate::guard::Finding;
use crate::model::{Kind, SourceId, Withheld};
use crate::pass::{Fading, Look, NoSeat, NotGiven, Observe, PassError, in_order};
use crate::report::json::{PlanEnd, PlanWriter};
use crate::report::progress::Progress;
use crate::report::text::{self, Style};
use crate::report::{Counts, told};
use crate::service;
use crate::store::Reader;

use super::args::{self, Format, Globals};
use super::assemble::Parts;
use super::console::Console;
use super::draft::Draft;
use super::effect::Effect;
use super::exit::{Exit, Failure};
use super::kept;
use super::listen::{heard, recent};
use super::pass::{due, findings, look_around, settled};
use super::person::only;
use super::seats;
use super::stopping::stoppable;

/// Runs the command.
///
/// # Errors
///
/// When looking failed.
pub async fn run(globals: &Globals, console: Console, args: &args::Plan) -> Result<Exit, Failure> {
    let parts = Parts::load(globals)?;
    let _log = super::start_screen_log(&parts.config.log, console);
    let progress = Progress::new(console.progress());
    let (look, told) = stoppable(|stop| async {
        let reader = Reader::open(&parts.config.state_dir)?;
        let cloud = parts.cloud(stop)?;
        let observe = if args.full { Observe::All } else { due(&parts, &reader)? };
        let events =
            told::to_all(vec![told::to_log(tracing::Span::none(), told::Known::default()), progress.sink()]);
        let heard = match &args.only {
            Some(person) => Some(only(&parts, &reader, person).await?),
            None => heard(&parts, &reader, observe, Arc::clone(&events)).await?,
        };
        let recent = recent(&reader, heard.is_some())?;
        look_around(&parts, &cloud, &reader, observe, heard, recent, events).await
    })
    .await;
    progress.finish();
    let look = look?;
    if let Some(exit) = told {
        return Ok(exit);
    }
    let as_json = console.json || args.format == Format::Json;
    let written = match &args.out {
        Some(path) => to_file(path, &look, as_json)?,
        // The exit code says it.
        None if console.quiet && !as_json => match write(&mut io::sink(), Style::default(), &look, false) {
            Ok(written) => written,
            Err(Stop::Pass(error)) => return Err(error.into()),
            Err(Stop::Output(error)) => {
                return Err(Failure::fault(format!("the plan could not be made: {error}")));
            }
        },
        None => {
            let mut written = None;
            let mut trouble = None;
            console.print(|out| {
                match write(out, console.style(), &look, as_json) {
                    Ok(done) => written = Some(done),
                    Err(Stop::Output(error)) => return Err(error),
                    Err(Stop::Pass(error)) => trouble = Some(error),
                }
                Ok(())
            })?;
            match (written, trouble) {
                (_, Some(error)) => return Err(error.into()),
                (Some(written), None) => written,
                // Whoever read it went away.
                (None, None) => return Ok(Exit::Done),
            }
        }
    };
    if args.out.is_some() && !as_json && !console.quiet {
        console.tell(&written.counts.words());
    }
    Ok(exit(&written, &look, args.check))
}

/// What is known once every part was seen.
#[derive(Default)]
struct Written {
    counts: Counts,
    withheld: Vec<Withheld>,
    waiting: Vec<NoSeat>,
    fading: Vec<Fading>,
    /// Who kept something before, and about whom the plan decides anew.
    refaded: BTreeSet<SourceId>,
    findings: Vec<Finding>,
    short: BTreeMap<&'static str, u64>,
    effect: Effect,
}

/// Why writing a plan ended.
enum Stop {
    Output(io::Error),
    Pass(PassError),
}

impl From<io::Error> for Stop {
    fn from(error: io::Error) -> Self {
        Self::Output(error)
    }
}

fn exit(written: &Written, look: &Look, check: bool) -> Exit {
    let counts = &written.counts;
    if !look.reading.partial.is_empty() {
        Exit::Source
    } else if check && counts.actions() + counts.held > 0 {
        Exit::Changes
    } else if counts.held > 0 {
        Exit::Held
    } else if counts.waiting > 0 {
        Exit::Seats
    } else if counts.withheld > 0 || !look.unbound.is_empty() {
        Exit::Partial
    } else {
        Exit::Done
    }
}

fn to_file(path: &Path, look: &Look, as_json: bool) -> Result<Written, Failure> {
    let cannot = |error: &io::Error| {
        Failure::new(
            Exit::Fault,
            format!("{} cannot be written: {error}", path.display()),
            "name another file with --out",
        )
    };
    // Made private before anything is in it, and not appended to what is there.
    match std::fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(cannot(&error)),
        _ => {}
    }
    let mut file = BufWriter::new(service::append_private(path).map_err(|error| cannot(&error))?);
    match write(&mut file, Style::default(), look, as_json) {
        Ok(written) => {
            file.flush().map_err(|error| cannot(&error))?;
            Ok(written)
        }
        Err(Stop::Output(error)) => Err(cannot(&error)),
        Err(Stop::Pass(error)) => Err(error.into()),
    }
}

/// Writes every part as it is planned.
fn write(out: &mut dyn Write, style: Style, look: &Look, as_json: bool) -> Result<Written, Stop> {
    let mut written = Written { findings: findings(look), ..Written::default() };
    written.withheld.extend(look.reading.withheld.iter().cloned());
    if as_json {
        let mut plan = PlanWriter::begin(out)?;
        walk(look, &mut written, |action, held| plan.action(action, held))?;
        let strays = finish(look, &mut written)?;
        plan.end(&PlanEnd {
            plan: &look.plan,
            generation: look.generation,
            source_complete: look.reading.whole,
            source_trouble: &look.reading.partial,
            cloud_complete: strays.is_some(),
            counts: &written.counts,
            findings: &written.findings,
            withheld: &written.withheld,
            rules_changed: if look.anew { written.effect.document() } else { Value::Null },
            strays: strays.unwrap_or_default(),
            waiting: written.waiting.iter().map(|one| waiting(look, one)).collect(),
            kept: written.fading.iter().map(|one| kept::document(&look.catalogue, one)).collect(),
            not_given: look.reading.not_given.iter().map(not_given).collect(),
            seats: seats::documents(look, &written.waiting),
        })?;
        return Ok(written);
    }
    if look.anew {
        // What is shown first is known last.
        let mut draft = Draft::new();
        walk(look, &mut written, |action, held| match draft.is_lost() {
            true => Ok(()),
            false => text::action(&mut draft, style, &look.catalogue, action, held),
        })?;
        writeln!(out, "{}\n", style.bold(&written.effect.words()))?;
        match draft.text() {
            Some(text) => out.write_all(&text)?,
            None => walk(look, &mut Written::default(), |action, held| {
                text::action(out, style, &look.catalogue, action, held)
            })?,
        }
    } else {
        walk(look, &mut written, |action, held| text::action(out, style, &look.catalogue, action, held))?;
    }
    finish(look, &mut written)?;
    write_trouble(out, style, look, &written)?;
    write_end(out, style, look, &written)?;
    Ok(written)
}

/// Writes a plan as text, without its id and what to do next: for the demo.
pub fn show(out: &mut dyn Write, style: Style, look: &Look) -> Result<Counts, Failure> {
    let mut written = Written { findings: findings(look), ..Written::default() };
    written.withheld.extend(look.reading.withheld.iter().cloned());
    let mut show = |written: &mut Written| -> Result<(), Stop> {
        walk(look, written, |action, held| text::action(out, style, &look.catalogue, action, held))?;
        finish(look, written)?;
        write_trouble(out, style, look, written)?;
        writeln!(out, "\n{}", style.bold(&written.counts.planned_words()))?;
        Ok(())
    };
    match show(&mut written) {
        Ok(()) => Ok(written.counts),
        Err(Stop::Pass(error)) => Err(error.into()),
        Err(Stop::Output(error)) => Err(Failure::fault(format!("the plan could not be written: {error}"))),
    }
}

/// Shows every action, and counts.
fn walk(
    look: &Look,
    written: &mut Written,
    mut show: impl FnMut(&crate::model::Action, Option<&str>) -> io::Result<()>,
) -> Result<(), Stop> {
    let (mut in_sync, mut revisited) = (0, 0);
    let (mut held_codes, mut all_held) = (BTreeSet::new(), Vec::new());
    let compares = look.knows_rejections().map_err(Stop::Pass)?;
    let mut failed = None;
    look.parts(|part| {
        // An exchange of licences is an action of its own, and one person.
        let mut given: BTreeSet<(bool, SourceId)> = BTreeSet::new();
        let flowing = part.checked.plan().actions.iter().map(|action| (action, None));
        let held = part.held.iter().map(|held| (&held.action, Some(held.code)));
        for (action, code) in flowing.chain(held) {
            if let Err(error) = show(action, code) {
                failed = Some(error);
                return false;
            }
            let is_again = action.kind == Kind::LicenseAdd && !given.insert((code.is_some(), action.anchor));
            if !is_again {
                written.effect.add(action.kind);
            }
            match code {
                Some(_) => written.counts.held += 1,
                None => {
                    *written.counts.of(action.kind) += u64::from(!is_again);
                    written.counts.rooms += u64::from(!action.who.kind().is_person());
                }
            }
        }
        held_codes.extend(part.held.iter().map(|held| held.code));
        if compares {
            all_held.extend(part.held);
        }
        in_sync += part.in_sync;
        revisited += part.revisited;
        written.findings.extend(new_findings(&written.findings, part.findings));
        written.counts.manager_missing += part.unmanaged;
        written.counts.manager_later += part.managed_later;
        written.withheld.extend(part.withheld);
        written.waiting.extend(part.waiting);
        written.fading.extend(part.fading);
        written.refaded.extend(part.refaded);
        for (_, reason) in part.short {
            *written.short.entry(reason).or_default() += 1;
        }
        true
    })
    .map_err(Stop::Pass)?;
    if let Some(error) = failed {
        return Err(Stop::Output(error));
    }
    let rejected = compares && look.is_rejected(&all_held).map_err(Stop::Pass)?;
    written.findings = settled(std::mem::take(&mut written.findings), &held_codes, rejected);
    written.counts.in_sync = look.in_order(in_sync, revisited);
    Ok(())
}

/// Those of more findings that were not told yet.
fn new_findings(told: &[Finding], more: Vec<Finding>) -> Vec<Finding> {
    more.into_iter().filter(|one| told.iter().all(|other| other.code != one.code)).collect()
}

/// The counts that are known at the end; the strays as JSON.
fn finish(look: &Look, written: &mut Written) -> Result<Option<Vec<Value>>, Stop> {
    let strays = look.strays().map_err(Stop::Pass)?;
    written.fading.extend(look.still_fading(&written.refaded).map_err(Stop::Pass)?);
    written.counts.withhold(&written.withheld);
    written.counts.manager_later += look.managed_later().map_err(Stop::Pass)?;
    in_order(&mut written.waiting);
    written.counts.waiting = written.waiting.len() as u64;
    written.counts.short = written.short.values().sum();
    written.counts.rooms_at_rest = look.rest.rooms;
    written.counts.contacts_at_rest = look.rest.contacts;
    written.counts.stray = strays.as_ref().map(|strays| strays.len() as u64);
    let document = |stray: crate::pass::Stray| {
        crate::report::json::stray(stray.cloud_id.as_str(), stray.email.as_ref().map(|email| email.as_str()))
    };
    Ok(strays.map(|strays| strays.into_iter().map(document).collect()))
}

fn waiting(look: &Look, one: &NoSeat) -> Value {
    let mut document = seats::waiting_document(one, &look.rule_names);
    document["name"] = json!(look.catalogue.name(&one.license));
    document
}

fn not_given(one: &NotGiven) -> Value {
    let NotGiven { anchor, dn, what } = one;
    json!({
        "anchor": anchor,
        "dn": dn,
        "license": what.license,
        "name": what.name,
        "rule": what.rule,
        "reason": what.reason,
    })
}

/// Everything of a plan that is not an action.
fn write_trouble(out: &mut dyn Write, style: Style, look: &Look, written: &Written) -> Result<(), Stop> {
    if !look.reading.partial.is_empty() {
        text::heading(out, style, "The directory was not read completely: nobody would be removed")?;
        for reason in &look.reading.partial {
            writeln!(out, "{}", style.red(&format!("! {}", text::printable(reason))))?;
        }
    }
    text::all_withheld(out, style, &written.withheld, usize::MAX)?;
    seats::write(out, style, &seats::documents(look, &written.waiting))?;
    kept::write(out, style, &look.catalogue, &written.fading)?;
    if !look.reading.not_given.is_empty() {
        text::heading(out, style, "Not given, as the rules exclude each other")?;
        for NotGiven { dn, what, .. } in &look.reading.not_given {
            let (name, dn) = (text::printable(&what.name), text::printable(dn));
            writeln!(out, "  {dn}: \"{name}\", because {}", text::printable(&what.reason))?;
        }
    }
    if !written.findings.is_empty() {
        text::heading(out, style, "Objections")?;
        text::findings(out, style, &written.findings)?;
    }
    let rest = text::at_rest(&written.counts);
    if !written.short.is_empty() || rest.is_some() {
        text::heading(out, style, "Left as they are")?;
        write!(out, "{}", rest.unwrap_or_default())?;
        for (reason, count) in &written.short {
            writeln!(out, "{count:>6}  {reason}")?;
        }
    }
    match look.strays().map_err(Stop::Pass)? {
        Some(strays) if !strays.is_empty() => {
            text::heading(out, style, "Strays: accounts that no record claims. They are never touched")?;
            for one in strays {
                let email = one.email.as_ref().map_or("(no address)", |email| email.as_str());
                writeln!(out, "? {email:<40} {}", one.cloud_id)?;
            }
        }
        _ => {}
    }
    Ok(())
}

/// The end of a plan.
fn write_end(out: &mut dyn Write, style: Style, look: &Look, written: &Written) -> Result<(), Stop> {
    text::heading(out, style, &format!("Plan {} for {}", look.plan, look.organization.name))?;
    writeln!(out, "{}", written.counts.planned_words())?;
    writeln!(out, "Nothing was changed. `dirsyncd sync` carries out what a plan shows at that time.")?;
    Ok(())
}
