//! `dirsyncd sync`: one pass.

use crate::pass::Heard;
use crate::report::progress::Progress;
use crate::store::{Lock, Reader, Store};

use super::args::{self, Globals};
use super::assemble::Parts;
use super::console::Console;
use super::exit::{Exit, Failure};
use super::listen::Extent;
use super::outcome;
use super::pass::{Order, one_pass};
use super::person::only;
use super::stopping::stoppable;

/// Whom alone a pass is about. An account that carries the anchor of a newcomer is found only where
/// the whole cloud was listed, and what a killed pass left open is settled only there.
async fn alone(parts: &Parts, reader: &Reader, person: &str) -> Result<Box<Heard>, Failure> {
    if reader.meta()?.last_observation.is_none() || !reader.open_intents()?.is_empty() {
        return Err(Failure::usage(
            "a pass about one person needs one about everybody before it, which came to its end",
            "run `dirsyncd sync` first; `dirsyncd plan` shows what it would do",
        ));
    }
    only(parts, reader, person).await
}

/// Runs the command.
///
/// # Errors
///
/// When the pass could not be made.
pub async fn run(globals: &Globals, console: Console, args: &args::Sync) -> Result<Exit, Failure> {
    let parts = Parts::load(globals)?;
    let _log = super::start_log(&parts.config.log, console, false);
    let lock = Lock::acquire(&parts.config.state_dir)?;
    let store = Store::open(&parts.config.state_dir, &lock)?;
    let progress = Progress::new(console.progress());
    let (report, told) = stoppable(|stop| {
        let (parts, store, progress) = (&parts, &store, &progress);
        async move {
            let alone = match &args.only {
                Some(person) => Some(alone(parts, store.reader(), person).await?),
                None => None,
            };
            let extent = match &alone {
                Some(_) => Extent::InPassing,
                None if args.full => Extent::Everything,
                None => Extent::Due,
            };
            let listeners = Vec::new();
            one_pass(Order { parts, store, trigger: "command", extent, alone, progress, listeners, stop })
                .await
        }
    })
    .await;
    progress.finish();
    store.close();
    let report = report?.ok_or_else(|| Failure::fault("a pass that was asked for did not take place"))?;
    let exit = match (report.exit(), told) {
        (Exit::Stopped(_), Some(told)) => told,
        (exit, _) => exit,
    };
    if console.json {
        console.document(&outcome::document(&parts, &report))?;
    } else {
        console.print(|out| outcome::write(out, console.style(), &report))?;
    }
    Ok(exit)
}
