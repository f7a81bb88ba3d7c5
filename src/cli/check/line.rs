//! One check: how it came out, and what to do.

use std::io::{self, Write};

use serde_json::{Value, json};

use crate::report::text::{self, Style};
use crate::source::{Fact, Standing};

use super::super::exit::{Exit, Failure};

/// How a check came out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Mark {
    Ok,
    Warn,
    Fail(Exit),
}

/// One check.
#[derive(Debug)]
pub(super) struct Line {
    pub mark: Mark,
    /// What was checked.
    pub name: String,
    /// The stable word for what it is about; empty for the same as the name.
    pub topic: &'static str,
    pub message: String,
    /// Empty when all is well.
    pub remedy: String,
}

impl Line {
    pub(super) fn ok(name: impl Into<String>, message: impl Into<String>) -> Self {
        let (name, message) = (name.into(), message.into());
        Self { mark: Mark::Ok, name, topic: "", message, remedy: String::new() }
    }

    pub(super) fn warn(
        name: impl Into<String>,
        message: impl Into<String>,
        remedy: impl Into<String>,
    ) -> Self {
        let remedy = remedy.into();
        Self { mark: Mark::Warn, remedy, ..Self::ok(name, message) }
    }

    pub(super) fn fail(name: impl Into<String>, failure: Failure) -> Self {
        let Failure { exit, what, remedy } = failure;
        Self { mark: Mark::Fail(exit), remedy, ..Self::ok(name, what) }
    }

    /// What a source found out. A pass that cannot read it ends with 4, and so does the check.
    pub(super) fn fact(name: &str, fact: Fact) -> Self {
        let Fact { topic, standing, what, remedy } = fact;
        let mark = match standing {
            Standing::Ok => Mark::Ok,
            Standing::Warn => Mark::Warn,
            Standing::Fail => Mark::Fail(Exit::Source),
        };
        Self { mark, remedy, ..Self::ok(name, what) }.about(topic.word())
    }

    pub(super) fn about(self, topic: &'static str) -> Self {
        Self { topic, ..self }
    }

    pub(super) fn document(&self) -> Value {
        json!({
            "name": self.name,
            "topic": if self.topic.is_empty() { self.name.as_str() } else { self.topic },
            "status": match self.mark {
                Mark::Ok => "ok",
                Mark::Warn => "warn",
                Mark::Fail(_) => "fail",
            },
            "message": self.message,
            "remedy": self.remedy,
        })
    }
}

pub(super) fn write<'a>(
    out: &mut dyn Write,
    style: Style,
    lines: impl Iterator<Item = &'a Line> + Clone,
) -> io::Result<()> {
    // A long name of a source must not push its own lines out of the column.
    let width = lines.clone().map(|line| line.name.chars().count()).max().unwrap_or(0).clamp(16, 32);
    for line in lines {
        let mark = match line.mark {
            Mark::Ok => style.green("ok  "),
            Mark::Warn => style.yellow("warn"),
            Mark::Fail(_) => style.red("FAIL"),
        };
        writeln!(out, "{mark}  {:<width$} {}", line.name, text::printable(&line.message))?;
        if !line.remedy.is_empty() {
            writeln!(out, "{:indent$}what to do: {}", "", text::printable(&line.remedy), indent = width + 7)?;
        }
    }
    Ok(())
}
