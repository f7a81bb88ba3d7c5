//! `dirsyncd check`: everything that a pass needs, a line each, with the remedy.

use std::io::{self, Write};
use std::path::Path;

use serde_json::{Value, json};

use crate::cloud::CloudRead;
use crate::cloud::webex::WebexReader;
use crate::model::{Catalogue, Role};
use crate::report::text::{self, Style};
use crate::store::{Lock, Reader};

use super::args::Globals;
use super::assemble::Parts;
use super::console::Console;
use super::exit::{Exit, Failure};
use super::stopping::stoppable;

/// How a check came out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Mark {
    Ok,
    Warn,
    Fail(Exit),
}

/// One check.
#[derive(Debug)]
struct Line {
    mark: Mark,
    /// What was checked.
    name: String,
    message: String,
    /// Empty when all is well.
    remedy: String,
}

impl Line {
    fn ok(name: impl Into<String>, message: impl Into<String>) -> Self {
        Self { mark: Mark::Ok, name: name.into(), message: message.into(), remedy: String::new() }
    }

    fn warn(name: impl Into<String>, message: impl Into<String>, remedy: impl Into<String>) -> Self {
        Self { mark: Mark::Warn, name: name.into(), message: message.into(), remedy: remedy.into() }
    }

    fn fail(name: impl Into<String>, failure: Failure) -> Self {
        Self {
            mark: Mark::Fail(failure.exit),
            name: name.into(),
            message: failure.what,
            remedy: failure.remedy,
        }
    }
}

/// Runs the command. Ends with the exit code of the first thing that fails.
///
/// # Errors
///
/// When the configuration does not hold; everything else is a line.
pub async fn run(globals: &Globals, console: Console) -> Result<Exit, Failure> {
    let parts = Parts::load(globals)?;
    let _log = super::start_screen_log(&parts.config.log, console);
    let (lines, told) = stoppable(|stop| async {
        let mut lines = vec![Line::ok("configuration", parts.config.path.display().to_string())];
        lines.push(state(&parts.config.state_dir));
        for source in &parts.sources {
            let name = format!("source {}", source.name());
            match source.probe().await {
                Ok(probe) => {
                    lines.push(Line::ok(&name, format!("{}, {}", probe.product, probe.identity)));
                    lines.extend(probe.facts.into_iter().map(|fact| fact_line(&name, fact)));
                }
                Err(error) => lines.push(Line::fail(name, error.into())),
            }
        }
        match parts.cloud(stop) {
            Ok(reader) => cloud(&parts, &reader, &mut lines).await,
            Err(failure) => lines.push(Line::fail("cloud", failure)),
        }
        Ok(lines)
    })
    .await;
    let lines = lines?;
    if let Some(exit) = told {
        return Ok(exit);
    }
    let exit = lines.iter().find_map(|line| match line.mark {
        Mark::Fail(exit) => Some(exit),
        _ => None,
    });
    let exit = exit.unwrap_or(Exit::Done);
    if console.json {
        console.document(&json!({
            "outcome": exit.word(),
            "checks": lines.iter().map(document).collect::<Vec<_>>(),
        }))?;
    } else {
        console.print(|out| write(out, console.style(), &lines))?;
    }
    Ok(exit)
}

/// What a probe tells beside. The probes write in capitals what somebody should look at. Without
/// one of its bases a pass ends with 4, and so does the check.
fn fact_line(name: &str, fact: String) -> Line {
    if fact.starts_with("base ") && fact.contains("\" is NOT ") {
        let remedy = "correct bases or group_bases of this source, or give the bind account the right to see it: \
                      servers hide what an account may not read";
        Line::fail(name, Failure::new(Exit::Source, fact, remedy))
    } else if fact.contains(" NOT ") || fact.starts_with("NOT ") {
        Line::warn(name, fact, "see to it before the first pass: docs/OPERATIONS.md")
    } else {
        Line::ok(name, fact)
    }
}

fn state(dir: &Path) -> Line {
    if !dir.exists() {
        return Line::warn(
            "state",
            format!("{} is not there yet", dir.display()),
            "the first pass makes it, if the account that runs dirsyncd may",
        );
    }
    let count = Reader::open(dir).and_then(|reader| Ok((reader.count()?, reader.open_intents()?.len())));
    match count {
        Err(error) => Line::fail("state", error.into()),
        Ok((linked, open)) => {
            let holder = match Lock::holder(dir) {
                Some(holder) => format!(", in use by {holder}"),
                None => String::new(),
            };
            if open > 0 && holder.is_empty() {
                return Line::warn(
                    "state",
                    format!(
                        "{}: {linked} people linked; {open} actions of an interrupted pass are open",
                        dir.display()
                    ),
                    "nothing: the next pass finds out what became of them",
                );
            }
            Line::ok("state", format!("{}: {linked} people linked{holder}", dir.display()))
        }
    }
}

async fn cloud(parts: &Parts, reader: &WebexReader, lines: &mut Vec<Line>) {
    match reader.organization().await {
        Err(error) => {
            lines.push(Line::fail("cloud", error.into()));
            return;
        }
        Ok(organization) => {
            lines
                .push(Line::ok("cloud", format!("organization {} ({})", organization.name, organization.id)));
            if organization.me.is_none() {
                lines.push(Line::warn(
                    "cloud",
                    "the token belongs to no person, so nobody is protected as its owner",
                    "list the administrators in guard.protected",
                ));
            }
        }
    }
    let catalogue = match reader.catalogue().await {
        Ok(catalogue) => catalogue,
        Err(error) => {
            lines.push(Line::fail("licences", error.into()));
            return;
        }
    };
    let roles = match reader.roles().await {
        Ok(roles) => roles,
        Err(error) => {
            lines.push(Line::fail("roles", error.into()));
            return;
        }
    };
    seats(&catalogue, lines);
    lines.push(Line::ok("roles", format!("{} can be given", roles.len())));
    rules(parts, &catalogue, &roles, lines);
}

fn seats(catalogue: &Catalogue, lines: &mut Vec<Line>) {
    for license in catalogue.0.iter().filter(|license| license.total.is_some()) {
        let name = text::printable(&license.name);
        let total = license.total.unwrap_or(0);
        let message = format!("{name}: {} of {total} seats in use", license.consumed);
        lines.push(match license.free_seats() {
            Some(0) if total > 0 => Line::warn("licences", message, "buy seats, or people will wait for one"),
            _ => Line::ok("licences", message),
        });
    }
}

fn rules(parts: &Parts, catalogue: &Catalogue, roles: &[Role], lines: &mut Vec<Line>) {
    let (bound, unbound) = parts.rules.clone().bind(catalogue, roles);
    for one in unbound {
        let failure = Failure::new(
            Exit::Config,
            format!("{}: \"{}\": {}", one.rule, one.wanted, one.message),
            one.remedy,
        );
        lines.push(Line::fail("rules", failure));
    }
    let licenses = bound.managed_licenses().len();
    let fields = bound.managed().iter().count();
    lines.push(Line::ok(
        "rules",
        format!(
            "{fields} attributes, {licenses} licences and {} roles are managed",
            bound.managed_roles().len()
        ),
    ));
}

fn document(line: &Line) -> Value {
    json!({
        "name": line.name,
        "status": match line.mark {
            Mark::Ok => "ok",
            Mark::Warn => "warn",
            Mark::Fail(_) => "fail",
        },
        "message": line.message,
        "remedy": line.remedy,
    })
}

fn write(out: &mut dyn Write, style: Style, lines: &[Line]) -> io::Result<()> {
    for line in lines {
        let mark = match line.mark {
            Mark::Ok => style.green("ok  "),
            Mark::Warn => style.yellow("warn"),
            Mark::Fail(_) => style.red("FAIL"),
        };
        writeln!(out, "{mark}  {:<16} {}", line.name, line.message)?;
        if !line.remedy.is_empty() {
            writeln!(out, "{:23}what to do: {}", "", line.remedy)?;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_probe_writes_in_capitals_is_no_ok() {
        for (fact, mark) in [
            ("connected to ldaps://dc1.example.com", Mark::Ok),
            ("base \"ou=people,dc=example,dc=com\" is there", Mark::Ok),
            ("NOT encrypted: passwords cross the network in clear", Mark::Warn),
            ("base \"ou=x,dc=example,dc=com\" is NOT there, or hidden", Mark::Fail(Exit::Source)),
            ("base \"ou=x,dc=example,dc=com\" is NOT readable: busy (51)", Mark::Fail(Exit::Source)),
        ] {
            let line = fact_line("source corp", fact.to_owned());
            assert_eq!(line.mark, mark, "{fact}");
            assert_eq!(line.remedy.is_empty(), mark == Mark::Ok, "{fact}");
        }
    }
}
