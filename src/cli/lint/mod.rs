//! `dirsyncd lint`: every record of the sources through the rules. What the rules refuse, what
//! collides, what looks wrong, and which rules do nothing.
//!
//! Counts and a few examples are all that is kept; what must be unique is sorted on the disk.

mod cloud_groups;
mod code;
mod collisions;
mod finding;
mod others;
mod reading;
mod suspicious;
mod tally;

use std::io::{self, Write};

use serde_json::{Value, json};
use tokio_util::sync::CancellationToken;

use crate::clock;
use crate::cloud::CloudRead;
use crate::report::progress::Progress;
use crate::report::text::{Style, printable};
use crate::store::Reader;

use super::args::{self, Globals};
use super::assemble::Parts;
use super::console::Console;
use super::exit::{Exit, Failure};
use super::last::COMPETING;
use super::stopping::stoppable;
use super::trials::{self, Tried};
use code::{Kind, Level};
use finding::Example;
use tally::Tally;

/// So much of a value is shown, in characters.
const SHOWN: usize = 100;

/// What was found out.
struct Linted {
    tally: Tally,
    tests: Vec<Tried>,
    /// What the sources did not answer.
    gaps: Vec<String>,
    cloud_trouble: Option<Failure>,
    /// What was not looked at, in sentences.
    not_checked: Vec<String>,
}

/// Runs the command.
///
/// # Errors
///
/// When the configuration does not hold or there is no room for temporary files.
pub async fn run(globals: &Globals, console: Console, args: &args::Lint) -> Result<Exit, Failure> {
    let parts = Parts::load(globals)?;
    let _log = super::start_screen_log(&parts.config.log, console);
    let progress = Progress::new(console.progress());
    let limit = if args.all || console.json { usize::MAX } else { args.examples };
    let (linted, told) = stoppable(|stop| {
        let lint = lint(&parts, args.cloud, stop.clone(), &progress, limit);
        async move {
            tokio::select! {
                linted = lint => linted.map(Some),
                () = stop.cancelled() => Ok(None),
            }
        }
    })
    .await;
    progress.finish();
    let Some(linted) = linted? else { return Ok(told.unwrap_or_else(Exit::stopped)) };
    let exit = linted.exit();
    if console.json {
        console.document(&linted.document(exit))?;
    } else {
        console.print(|out| linted.write(out, console))?;
    }
    Ok(exit)
}

async fn lint(
    parts: &Parts,
    ask_cloud: bool,
    stop: CancellationToken,
    progress: &Progress,
    limit: usize,
) -> Result<Linted, Failure> {
    // By the names that the rules write: who gets which licence needs no catalogue.
    let rules = parts.rules.clone().rehearsed(&parts.config.rules);
    let mut tally = Tally::new(&parts.config, &rules, limit)?;
    let tests = trials::run(parts);
    for tried in &tests {
        if let Some(failure) = &tried.failure {
            tally.findings.add(Kind::Test, || Example {
                rule: tried.name.clone(),
                message: failure.what.clone(),
                ..Example::default()
            });
        }
    }
    let mut not_checked = Vec::new();
    let mut cloud_trouble = None;
    if ask_cloud {
        match names(parts, stop).await {
            Ok(unbound) => {
                for one in unbound {
                    tally.findings.add(Kind::Unbound, || Example {
                        value: one.wanted,
                        rule: one.rule,
                        message: one.message,
                        remedy: one.remedy,
                        ..Example::default()
                    });
                }
            }
            Err(failure) => cloud_trouble = Some(failure),
        }
    } else {
        not_checked
            .push("whether the cloud has the licences and roles that the rules name: --cloud asks it".into());
    }
    let now = clock::now().timestamp();
    let reader = match Reader::open(&parts.config.state_dir) {
        Ok(reader) => {
            competing(&reader, &mut tally)?;
            Some(reader)
        }
        Err(error) => {
            not_checked.push(format!("who has an address or number already: {error}"));
            None
        }
    };
    let sink = progress.sink();
    let gaps = reading::read(&parts.sources, &rules, reader.as_ref(), now, &sink, &mut tally).await?;
    if !gaps.is_empty() {
        not_checked
            .push("what shows only when everything was read: idle rules, clauses, groups, attributes".into());
    }
    Ok(Linted { tally, tests, gaps, cloud_trouble, not_checked })
}

/// Licences that new accounts had before we gave any, as the last passes met them.
fn competing(reader: &Reader, tally: &mut Tally) -> Result<(), Failure> {
    let meta = reader.meta()?;
    for one in meta.extra.get(COMPETING).and_then(Value::as_array).into_iter().flatten() {
        let text = |name: &str| one.get(name).and_then(Value::as_str).unwrap_or_default().to_owned();
        let people = one.get("people").and_then(Value::as_u64).unwrap_or_default();
        tally.findings.add(Kind::Competing, || Example {
            value: text("name"),
            message: format!("{people} new accounts had it in the pass of {}", text("time")),
            ..Example::default()
        });
    }
    Ok(())
}

/// Names in the rules that the cloud does not have.
async fn names(parts: &Parts, stop: CancellationToken) -> Result<Vec<crate::rules::Unbound>, Failure> {
    let cloud = parts.cloud(stop)?;
    let (catalogue, roles) = (cloud.catalogue().await?, cloud.roles().await?);
    Ok(parts.rules.clone().bind(&catalogue, &roles).1)
}

impl Linted {
    fn exit(&self) -> Exit {
        if self.tests.iter().any(|tried| tried.failure.is_some()) {
            Exit::Config
        } else if !self.gaps.is_empty() {
            Exit::Source
        } else if let Some(failure) = &self.cloud_trouble {
            failure.exit
        } else if self.tally.findings.is_empty() {
            Exit::Done
        } else {
            Exit::Partial
        }
    }

    fn document(&self, exit: Exit) -> Value {
        let Tally { people, inside, wanted, withheld, others, findings, .. } = &self.tally;
        let mut counts =
            json!({ "people": people, "in_scope": inside, "wanted": wanted, "withheld": withheld });
        others.add_to(&mut counts);
        json!({
            "outcome": exit.word(),
            "counts": counts,
            "findings": findings.documents(),
            "tests": self.tests.iter().map(|tried| json!({
                "name": tried.name,
                "passed": tried.failure.is_none(),
                "message": tried.failure.as_ref().map(|failure| &failure.what),
            })).collect::<Vec<_>>(),
            "not_checked": self.not_checked,
            "source_trouble": self.gaps,
            "cloud_trouble": self.cloud_trouble.as_ref().map(|failure| json!({
                "message": failure.what, "remedy": failure.remedy,
            })),
        })
    }

    fn write(&self, out: &mut dyn Write, console: Console) -> io::Result<()> {
        let style = console.style();
        for gap in &self.gaps {
            writeln!(out, "{}", style.red(&format!("! {}", printable(gap))))?;
        }
        if let Some(failure) = &self.cloud_trouble {
            writeln!(out, "{}", style.red(&format!("! {}", printable(&failure.what))))?;
            writeln!(out, "  what to do: {}", printable(&failure.remedy))?;
        }
        for (code, found) in self.tally.findings.iter() {
            let head = format!("{code} ({}): {}", found.count, found.title);
            let head = match found.level {
                Level::Error => style.red(&head),
                Level::Warning => style.yellow(&head),
            };
            writeln!(out, "{head}")?;
            writeln!(out, "  what to do: {}", printable(&found.remedy))?;
            for example in &found.examples {
                one(out, style, example, &found.remedy)?;
            }
            let more = found.count.saturating_sub(found.examples.len() as u64);
            if more > 0 {
                writeln!(out, "  ... and {more} more (--all, or --json)")?;
            }
            writeln!(out)?;
        }
        if console.quiet {
            return Ok(());
        }
        for tried in self.tests.iter().filter(|tried| tried.failure.is_none()) {
            writeln!(out, "{} test {}", style.green("ok"), printable(&tried.name))?;
        }
        for what in &self.not_checked {
            writeln!(out, "{}", style.dim(&format!("not checked: {what}")))?;
        }
        let Tally { people, inside, wanted, withheld, others, findings, .. } = &self.tally;
        let kinds = findings.iter().count();
        let found = match kinds {
            0 => "Nothing was found.".to_owned(),
            1 => "One kind of finding.".to_owned(),
            _ => format!("{kinds} kinds of findings."),
        };
        writeln!(
            out,
            "{}",
            style.bold(&format!(
                "{people} people read, {inside} in scope, {wanted} wanted in the cloud, {withheld} withheld.{} {found}",
                others.words()
            ))
        )
    }
}

/// One example: whom it is about, the value and the rule, or the sentence that says it.
fn one(out: &mut dyn Write, style: Style, example: &Example, remedy: &str) -> io::Result<()> {
    let mut words = String::new();
    if !example.rule.is_empty() {
        words.push_str(&example.rule);
    }
    if !example.value.is_empty() {
        let value: String = suspicious::visible(&example.value).chars().take(SHOWN).collect();
        let open = if words.is_empty() { "" } else { " " };
        words.push_str(&format!("{open}\"{value}\""));
    }
    if !example.message.is_empty() {
        let open = if words.is_empty() { "" } else { ": " };
        words.push_str(&format!("{open}{}", example.message));
    }
    match example.dns.as_slice() {
        [] => writeln!(out, "  - {}", printable(&words))?,
        [dn] => {
            writeln!(out, "  - {}", printable(dn))?;
            if !words.is_empty() {
                writeln!(out, "    {}", printable(&words))?;
            }
        }
        dns => {
            writeln!(out, "  - {}", printable(&words))?;
            for dn in dns {
                writeln!(out, "    {}", printable(dn))?;
            }
        }
    }
    if example.remedy != remedy {
        writeln!(out, "    {}", style.dim(&format!("what to do: {}", printable(&example.remedy))))?;
    }
    Ok(())
}
