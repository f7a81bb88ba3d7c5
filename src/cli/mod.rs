//! The commands, one file each.
//!
//! [`args`] is the command line, [`assemble`] makes settings into parts, [`pass`] is one whole
//! pass, [`exit`] says how it ended.

mod args;
mod assemble;
mod check;
mod console;
mod demo;
mod draft;
mod effect;
mod everybody;
mod exit;
mod explain;
mod held;
mod history;
mod kept;
mod last;
mod lint;
mod listen;
mod objections;
mod outcome;
mod pages;
mod pass;
mod person;
mod plan;
mod run;
mod sandbox;
mod seats;
mod status;
mod stopping;
mod sync;
mod trials;
mod watch;

use std::ffi::OsString;

use clap::Parser;
use clap::error::ErrorKind;

use crate::report::log::{self, LogGuard, LogSettings};
use crate::store::Decision;

use args::{Cli, Command, Globals};
use console::Console;
use exit::{Exit, Failure};

/// Runs the program with these arguments, the name of the program first. Returns the exit code.
pub fn main(args: impl Iterator<Item = OsString>) -> u8 {
    let args: Vec<OsString> = args.collect();
    let cli = match Cli::try_parse_from(&args) {
        Ok(cli) => cli,
        Err(error) => {
            // Help and version are errors of this kind, too. Nobody listens when this fails.
            let _ = error.print();
            if error.use_stderr() && wants_json(&args) {
                let json = Globals { json: true, ..Globals::default() };
                let _ = Console::new(&json).document(&misused(&error).document());
            }
            return u8::try_from(error.exit_code()).unwrap_or(2);
        }
    };
    let console = Console::new(&cli.globals);
    match dispatch(&cli, console) {
        Ok(exit) => exit.code(),
        Err(failure) => {
            console.fail(&failure);
            failure.exit.code()
        }
    }
}

/// Whether a command line that cannot be read asks for a document. What follows `--` is no flag.
fn wants_json(args: &[OsString]) -> bool {
    args.iter().skip(1).take_while(|arg| *arg != "--").any(|arg| arg == "--json")
}

/// What is wrong with a command line: the first line of what is told on stderr, and what follows
/// it for the remedy.
fn misused(error: &clap::Error) -> Failure {
    let text = error.render().to_string();
    let mut lines = text.lines().map(str::trim).filter(|line| !line.is_empty());
    let what = match error.kind() {
        ErrorKind::DisplayHelpOnMissingArgumentOrSubcommand => "no command is given",
        _ => lines.next().unwrap_or_default().trim_start_matches("error: "),
    };
    let hints = lines.filter(|line| line.starts_with("tip: ") || line.starts_with("[possible values: "));
    let mut hints: Vec<&str> = hints.map(|line| line.trim_start_matches("tip: ")).collect();
    hints.push("`dirsyncd --help` lists commands and flags");
    Failure::usage(what, hints.join("; "))
}

fn dispatch(cli: &Cli, console: Console) -> Result<Exit, Failure> {
    assemble::install_crypto();
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .map_err(|error| Failure::fault(format!("no threads can be started: {error}")))?;
    let globals = &cli.globals;
    let exit = runtime.block_on(async {
        match &cli.command {
            Command::Demo(args) => {
                text_only(console)?;
                demo::run(globals, console, args).await
            }
            Command::Check => check::run(globals, console).await,
            Command::Lint(args) => lint::run(globals, console, args).await,
            Command::Explain(args) => explain::run(globals, console, args).await,
            Command::Plan(args) => plan::run(globals, console, args).await,
            Command::Sync(args) => sync::run(globals, console, args).await,
            Command::Run(args) => run::run(globals, console, args).await,
            Command::Status(args) => status::run(globals, console, args),
            Command::History(args) => history::run(globals, console, args),
            Command::Held(args) => held::run(globals, console, args),
            Command::Approve(args) => held::decide_plan(globals, console, args, Decision::Approved),
            Command::Reject(args) => held::decide_plan(globals, console, args, Decision::Rejected),
            Command::Sandbox(args) => sandbox::run(globals, console, args).await,
            Command::Completions { shell } => {
                text_only(console)?;
                pages::completions(console, *shell)
            }
            Command::Man { dir } => {
                text_only(console)?;
                pages::man(console, dir.as_deref())
            }
            Command::ConfigSchema => pages::config_schema(console),
        }
    });
    // What hangs in a thread must not keep the process: everything that matters is on the disk.
    runtime.shutdown_background();
    exit
}

/// Refuses `--json` where there is no document.
fn text_only(console: Console) -> Result<(), Failure> {
    if console.json {
        return Err(Failure::usage("this command has no JSON document", "leave out --json"));
    }
    Ok(())
}

/// Starts the log. Without its files the program goes on, and says so.
fn start_log(settings: &LogSettings, console: Console, service: bool) -> Option<LogGuard> {
    match log::init(settings, console.log(service)) {
        Ok(guard) => Some(guard),
        Err(error) => {
            console.tell(&format!("warning: {error}\n  what to do: {}", error.remedy()));
            log::init(&LogSettings { dir: None, ..settings.clone() }, console.log(service)).ok()
        }
    }
}

/// Starts the log of a command that leaves no trace: on the console only.
fn start_screen_log(settings: &LogSettings, console: Console) -> Option<LogGuard> {
    log::init(&LogSettings { dir: None, ..settings.clone() }, console.log(false)).ok()
}
