//! Where a command says what it has to say: stdout for the result, stderr for everything else.

use std::io::{self, BufWriter, IsTerminal, Write};

use crate::report::log::{Console as LogConsole, Verbosity};
use crate::report::text::Style;

use super::args::{Color, Globals};
use super::exit::Failure;

/// How a command speaks.
#[derive(Clone, Copy, Debug)]
pub struct Console {
    /// One JSON document on stdout.
    pub json: bool,
    /// No progress.
    pub quiet: bool,
    /// The log, too.
    pub verbose: bool,
    color: Color,
}

impl Console {
    /// From the flags.
    pub fn new(globals: &Globals) -> Self {
        Self { json: globals.json, quiet: globals.quiet, verbose: globals.verbose, color: globals.color }
    }

    fn colors(&self, terminal: bool) -> bool {
        match self.color {
            Color::Always => true,
            Color::Never => false,
            Color::Auto => terminal && std::env::var_os("NO_COLOR").is_none_or(|value| value.is_empty()),
        }
    }

    /// The style of what goes to stdout.
    pub fn style(&self) -> Style {
        Style { color: self.colors(io::stdout().is_terminal()) }
    }

    /// Whether somebody sees the result at once, and nothing keeps it.
    pub fn on_terminal(&self) -> bool {
        io::stdout().is_terminal()
    }

    /// Whether progress is shown, and whether as a bar: `None`, `Some(false)`, `Some(true)`.
    pub fn progress(&self) -> Option<bool> {
        (!self.quiet && !self.verbose).then(|| io::stderr().is_terminal())
    }

    /// How much of the log goes to stderr.
    pub fn log(&self, service: bool) -> LogConsole {
        let verbosity = match (self.quiet, self.verbose) {
            (true, _) => Verbosity::Quiet,
            (_, true) => Verbosity::Verbose,
            _ if service => Verbosity::Service,
            _ => Verbosity::Normal,
        };
        LogConsole { verbosity, color: self.colors(io::stderr().is_terminal()) }
    }

    /// Writes the result to stdout. Whoever reads it may stop reading.
    ///
    /// # Errors
    ///
    /// When it cannot be written for another reason, such as a full disk.
    pub fn print(&self, write: impl FnOnce(&mut dyn Write) -> io::Result<()>) -> Result<(), Failure> {
        let mut out = BufWriter::new(io::stdout().lock());
        match write(&mut out).and_then(|()| out.flush()) {
            Err(error) if error.kind() != io::ErrorKind::BrokenPipe => Err(unwritable(&error)),
            _ => Ok(()),
        }
    }

    /// Writes one JSON document to stdout.
    ///
    /// # Errors
    ///
    /// As [`Console::print`].
    pub fn document(&self, document: &serde_json::Value) -> Result<(), Failure> {
        self.print(|out| {
            serde_json::to_writer_pretty(&mut *out, document)?;
            writeln!(out)
        })
    }

    /// Says something on stderr.
    pub fn tell(&self, text: &str) {
        // Nobody listens when this fails.
        let _ = writeln!(io::stderr(), "{text}");
    }

    /// Says why a command failed: on stderr, and as JSON where that was asked for.
    pub fn fail(&self, failure: &Failure) {
        let label = if self.colors(io::stderr().is_terminal()) { "\x1b[31merror\x1b[0m" } else { "error" };
        if failure.what.starts_with("error: ") {
            self.tell(&failure.to_string());
        } else {
            self.tell(&format!("{label}: {failure}"));
        }
        if self.json {
            let _ = self.document(&failure.document());
        }
    }
}

/// The result could not be written.
fn unwritable(error: &io::Error) -> Failure {
    Failure::new(
        super::exit::Exit::Fault,
        format!("the result could not be written: {error}"),
        "check the disk or program that it goes to",
    )
}
