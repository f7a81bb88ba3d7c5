//! `dirsyncd check`: everything that a pass needs, a line each, with the remedy.
//!
//! [`machine`], [`cloud`] and the probes of the sources answer side by side; then everything is
//! read once and counted. What fails does not hide the rest, and nothing is written anywhere.

mod cloud;
mod cloud_groups;
pub(super) mod groups;
mod line;
mod machine;
mod reading;
mod samples;
mod sources;

use futures_util::future::join_all;
use serde_json::{Value, json};

use crate::clock;
use crate::cloud::webex::WebexReader;
use crate::report::progress::Progress;
use crate::source::Probe;

use super::args::Globals;
use super::assemble::Parts;
use super::console::Console;
use super::exit::{Exit, Failure};
use super::stopping::stoppable;
use super::trials;
use cloud::Cloud;
use line::{Line, Mark};
use reading::Reading;
use samples::Names;

/// Everything that was found.
struct Found {
    lines: Vec<Line>,
    probes: Vec<Option<Probe>>,
    reading: Reading,
    cloud: Cloud,
}

/// Runs the command. Ends with the exit code of the first thing that fails.
///
/// # Errors
///
/// When the configuration does not hold; everything else is a line.
pub async fn run(globals: &Globals, console: Console) -> Result<Exit, Failure> {
    let parts = Parts::load(globals)?;
    let _log = super::start_screen_log(&parts.config.log, console);
    let progress = Progress::new(console.progress());
    let (found, told) = stoppable(|stop| {
        let look = look(&parts, parts.cloud(stop.clone()), &progress);
        async move {
            tokio::select! {
                found = look => Ok(Some(found)),
                // Nothing is under way that would have to be finished.
                () = stop.cancelled() => Ok(None),
            }
        }
    })
    .await;
    progress.finish();
    let Some(found) = found? else { return Ok(told.unwrap_or_else(Exit::stopped)) };
    let exit = found.lines.iter().find_map(|line| match line.mark {
        Mark::Fail(exit) => Some(exit),
        _ => None,
    });
    let exit = exit.unwrap_or(Exit::Done);
    if console.json {
        console.document(&document(&parts, &found, exit))?;
    } else {
        show(&parts, console, &found)?;
    }
    Ok(exit)
}

async fn look(parts: &Parts, reader: Result<WebexReader, Failure>, progress: &Progress) -> Found {
    let now = clock::now();
    let mut lines = vec![Line::ok("configuration", parts.config.path.display().to_string())];
    lines.extend(trials::run(parts).into_iter().map(|tried| {
        let name = format!("test {}", tried.name);
        match tried.failure {
            None => Line::ok(name, "comes out as it says"),
            Some(failure) => Line::fail(name, failure),
        }
        .about("test")
    }));
    lines.extend(machine::checks(&parts.config.state_dir, now));
    let ask = parts.rules.ask();
    let probes = join_all(parts.sources.iter().map(|source| source.probe(&ask, now.timestamp())));
    let (probed, cloud) = tokio::join!(probes, cloud::checks(parts, reader));
    let probes: Vec<Option<Probe>> = probed.iter().map(|probe| probe.as_ref().ok().cloned()).collect();
    let answering: Vec<Option<&Probe>> = probes.iter().map(Option::as_ref).collect();
    let events = progress.sink();
    let mut reading = reading::read(&parts.sources, &answering, &cloud.rules, now.timestamp(), &events).await;
    for ((source, probe), seen) in parts.sources.iter().zip(probed).zip(&reading.sources) {
        lines.extend(sources::lines(source.name(), probe, seen.as_ref()));
    }
    lines.extend(sources::missing_groups(&reading));
    lines.append(&mut reading.chosen);
    let mut cloud = cloud;
    lines.append(&mut cloud.lines);
    Found { lines, probes, reading, cloud }
}

impl Found {
    fn names(&self) -> Names<'_> {
        Names { catalogue: self.cloud.catalogue.as_ref(), groups: self.cloud.rules.groups() }
    }
}

fn document(parts: &Parts, found: &Found, exit: Exit) -> Value {
    let all = || parts.sources.iter().zip(&found.probes).zip(&found.reading.sources);
    let names = found.names();
    json!({
        "outcome": exit.word(),
        "checks": found.lines.iter().map(Line::document).collect::<Vec<_>>(),
        "sources": all()
            .map(|((source, probe), seen)| sources::document(source.name(), probe.as_ref(), seen.as_ref()))
            .collect::<Vec<_>>(),
        "samples": all()
            .filter_map(|((source, _), seen)| Some(seen.as_ref()?.samples.documents(source.name(), &names)))
            .flatten()
            .collect::<Vec<_>>(),
    })
}

/// Samples are for eyes: what goes into a file or a mail names nobody.
fn show(parts: &Parts, console: Console, found: &Found) -> Result<(), Failure> {
    let names = found.names();
    let seen = || parts.sources.iter().zip(&found.reading.sources);
    let samples = || seen().filter_map(|(source, seen)| Some((source.name(), &seen.as_ref()?.samples)));
    console.print(|out| {
        if console.quiet {
            let wrong = found.lines.iter().filter(|line| line.mark != Mark::Ok);
            return line::write(out, console.style(), wrong);
        }
        line::write(out, console.style(), found.lines.iter())?;
        if console.on_terminal() {
            for (source, samples) in samples() {
                samples.write(out, console.style(), source, &names)?;
            }
        } else if samples().any(|(_, samples)| !samples.is_empty()) {
            writeln!(out, "\nSample people are shown on a terminal, and with --json.")?;
        }
        Ok(())
    })
}
