//! `dirsyncd sync`: one pass.

use crate::report::progress::Progress;
use crate::store::{Lock, Store};

use super::args::{self, Globals};
use super::assemble::Parts;
use super::console::Console;
use super::exit::{Exit, Failure};
use super::listen::Extent;
use super::outcome;
use super::pass::{Order, one_pass};
use super::stopping::stoppable;

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
        one_pass(Order {
            parts: &parts,
            store: &store,
            trigger: "command",
            extent: if args.full { Extent::Everything } else { Extent::Due },
            progress: &progress,
            listeners: Vec::new(),
            stop,
        })
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
