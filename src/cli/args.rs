//! The command line: every command, every flag, and the help that an administrator reads.

use std::path::PathBuf;

use clap::builder::{PossibleValuesParser, TypedValueParser};
use clap::{Args, Parser, Subcommand, ValueEnum};
use clap_complete::Shell;

use crate::model::Kind;

const EXAMPLES: &str = "\
Examples:
  dirsyncd demo                        see the whole of it, with an invented company; needs nothing
  dirsyncd check                       is everything there that a pass needs?
  dirsyncd lint                        what is wrong in the directory, and which rules do nothing?
  dirsyncd explain ann@example.com     why is she what she is, and why not?
  dirsyncd plan                        what would a pass do? Changes nothing anywhere
  dirsyncd sync                        one pass
  dirsyncd run                         the daemon, in the foreground
  dirsyncd approve 6f1d3c1e            release what the guard holds

Exit codes: 0 done, 1 our fault, 2 usage, 3 configuration, 4 source, 5 cloud, 6 some withheld or failed,
7 some held, 8 locked, 9 seats ran out, 10 plan --check: changes, 11 state, 130 interrupted, 143 terminated.
docs/OPERATIONS.md says what to do about each.";

/// Keeps a Cisco Webex organization equal to Active Directory, or to any LDAP directory.
#[derive(Debug, Parser)]
#[command(name = "dirsyncd", version, after_help = EXAMPLES, max_term_width = 110)]
pub struct Cli {
    /// Flags of all commands.
    #[command(flatten)]
    pub globals: Globals,
    /// The command.
    #[command(subcommand)]
    pub command: Command,
}

/// Flags of all commands.
#[derive(Clone, Debug, Default, Args)]
#[command(next_help_heading = "Everywhere")]
pub struct Globals {
    /// The configuration [default: /etc/dirsyncd/dirsyncd.toml, on Windows
    /// %ProgramData%\dirsyncd\dirsyncd.toml].
    #[arg(long, global = true, value_name = "FILE", env = "DIRSYNCD_CONFIG")]
    pub config: Option<PathBuf>,
    /// The directory of the state database, instead of the configured one.
    #[arg(long, global = true, value_name = "DIR")]
    pub state: Option<PathBuf>,
    /// Print one JSON document, and nothing else, on stdout (docs/JSON.md).
    #[arg(long, global = true)]
    pub json: bool,
    /// Show no progress. `plan` says errors alone and leaves the rest to its exit code, and
    /// `check` what is not well; other commands say errors and the result.
    #[arg(long, short, global = true, conflicts_with = "verbose")]
    pub quiet: bool,
    /// Show the log while working, with every person and request.
    #[arg(long, short, global = true)]
    pub verbose: bool,
    /// Colours; NO_COLOR is honoured.
    #[arg(long, global = true, value_enum, value_name = "WHEN", default_value_t)]
    pub color: Color,
}

/// When colours are used.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub enum Color {
    /// On a terminal.
    #[default]
    Auto,
    /// In any case.
    Always,
    /// Never.
    Never,
}

/// What is to be done.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// See the whole product with an invented company: needs nothing, leaves nothing.
    Demo(Demo),
    /// Is everything there that a pass needs? A line each, with the remedy.
    Check,
    /// Every record through the rules: what they refuse, what collides, what looks wrong. Reads the
    /// sources only.
    #[command(after_help = "\
Exit codes: 0 nothing found; 3 a [[test]] of the configuration fails; 4 a source was not read completely;
5 with --cloud, the cloud did not answer; 6 something was found.

Examples:
  dirsyncd lint                        counts, with a few examples of each
  dirsyncd lint --all                  everything
  dirsyncd lint --json --quiet | jq '.findings[] | {code, count}'")]
    Lint(Lint),
    /// Why is this person what they are, and why not? Changes nothing anywhere.
    #[command(after_help = "\
Shows the record, the scope clause by clause, each mapping with what goes in and what comes out, each rule
and why it applies or not, the account, and what a pass would do now. Somebody who is not in, is only in
the cloud, or is gone is explained too.

A group of the directory is explained when nobody is meant: by DN, name, anchor or the id of its group in the
cloud. Shown are the choice, the members and who is left out, the group in the cloud, and what a pass would do.
For that everything is read.

Exit codes: 0 explained; 2 nobody is found, or several are; 4 a source did not answer all of it; 5 the cloud
did not answer.

Examples:
  dirsyncd explain ann@example.com
  dirsyncd explain \"CN=Ann Lee,OU=People,DC=example,DC=com\"
  dirsyncd explain 6f1d3c1e-0f6a-4c0e-9d0a-2b7c8d9e0f11 --json
  dirsyncd explain \"Flight Crew\"")]
    Explain(Explain),
    /// What would a pass do? Changes nothing anywhere.
    #[command(after_help = "\
Examples:
  dirsyncd plan                        what a pass would do now
  dirsyncd plan --full                 the same, after listing the whole cloud
  dirsyncd plan --only ann@example.com the part of it that is about one person
  dirsyncd plan --check --quiet        exit code 10 when there is something to do
  dirsyncd plan --format json --out plan.json")]
    Plan(Plan),
    /// One pass: make the cloud equal to the directory.
    Sync(Sync),
    /// The daemon, in the foreground: passes on the configured schedule.
    #[command(after_help = "\
Signals: SIGTERM and SIGINT finish the action in flight and stop (exit code 143 or 130), SIGHUP reads the
configuration again, SIGUSR1 runs a pass now.")]
    Run(Run),
    /// Last and next passes, held plans, withheld people, seats.
    Status(Status),
    /// Runs, or every change with its old and new value.
    #[command(after_help = "\
Examples:
  dirsyncd history                     the last runs
  dirsyncd history --run 17            every change of one run
  dirsyncd history --person ann@example.com
  dirsyncd history --since 7d --action deactivate")]
    History(History),
    /// What the guard holds, and why.
    Held(Held),
    /// Release exactly the actions of a held plan: the next pass carries them out.
    Approve(Decide),
    /// Refuse a held plan.
    Reject(Decide),
    /// A Webex organization on 127.0.0.1, to rehearse against.
    #[command(after_help = "\
--state names a file here: the organization is kept in it over restarts.

Examples:
  dirsyncd sandbox                     empty, at http://127.0.0.1:8080
  dirsyncd sandbox --people 500 --state organization.json")]
    Sandbox(SandboxArgs),
    /// Print a completion script for a shell.
    #[command(after_help = "\
Example:
  dirsyncd completions bash > /usr/share/bash-completion/completions/dirsyncd")]
    Completions {
        /// For which shell.
        shell: Shell,
    },
    /// Print the manual page, or write those of all commands to a directory.
    Man {
        /// Where the pages are written.
        #[arg(long, value_name = "DIR")]
        dir: Option<PathBuf>,
    },
    /// Print the JSON Schema of the configuration file.
    #[command(hide = true)]
    ConfigSchema,
}

/// `demo`.
#[derive(Clone, Debug, Args)]
pub struct Demo {
    /// How many people the company has.
    #[arg(long, value_name = "N", default_value_t = 300, value_parser = clap::value_parser!(u32).range(30..=100_000))]
    pub people: u32,
    /// Another seed, another company.
    #[arg(long, value_name = "N", default_value_t = 1)]
    pub seed: u64,
    /// Keep directory, configuration, state and logs here; the directory must be empty or new.
    #[arg(long, value_name = "DIR")]
    pub keep: Option<PathBuf>,
    /// Leave the sandbox running at the end, until Ctrl-C.
    #[arg(long)]
    pub serve: bool,
}

/// The form of a plan.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub enum Format {
    /// For people.
    #[default]
    Text,
    /// For programs: docs/JSON.md.
    Json,
}

/// `lint`.
#[derive(Clone, Debug, Args)]
pub struct Lint {
    /// Show every example instead of a few of each kind. What is found is then kept in memory.
    #[arg(long)]
    pub all: bool,
    /// So many examples of each kind.
    #[arg(long, value_name = "N", default_value_t = 5, conflicts_with = "all")]
    pub examples: usize,
    /// Ask the cloud, too, whether it has the licences and roles that the rules name.
    #[arg(long)]
    pub cloud: bool,
}

/// `explain`.
#[derive(Clone, Debug, Args)]
pub struct Explain {
    /// A person by e-mail address, anchor, DN or cloud id; or a group by DN, name, anchor or cloud id.
    #[arg(value_name = "PERSON|GROUP")]
    pub person: String,
}

/// `plan`.
#[derive(Clone, Debug, Args)]
pub struct Plan {
    /// List the whole cloud, to see what others changed there and which accounts nobody claims.
    #[arg(long)]
    pub full: bool,
    /// Only one person, by e-mail address, anchor, DN or cloud id, and whoever claims the same address.
    #[arg(long, value_name = "PERSON", conflicts_with = "full")]
    pub only: Option<String>,
    /// The form; --json is short for json.
    #[arg(long, value_enum, value_name = "FORMAT", default_value_t)]
    pub format: Format,
    /// Write the plan to a file, readable by its owner alone.
    #[arg(long, value_name = "FILE")]
    pub out: Option<PathBuf>,
    /// End with exit code 10 when there is anything to do.
    #[arg(long)]
    pub check: bool,
}

/// `sync`.
#[derive(Clone, Debug, Args)]
pub struct Sync {
    /// List the whole cloud, also when that is not due yet.
    #[arg(long)]
    pub full: bool,
    /// Only one person, by e-mail address, anchor, DN or cloud id, and whoever claims the same address.
    #[arg(long, value_name = "PERSON", conflicts_with = "full")]
    pub only: Option<String>,
}

/// `run`.
#[derive(Clone, Debug, Args)]
pub struct Run {
    /// How long an action in flight may take to finish after a signal to stop.
    #[arg(long, value_name = "DURATION", default_value = "30s", value_parser = duration)]
    pub stop_within: std::time::Duration,
}

/// `status`.
#[derive(Clone, Debug, Args)]
pub struct Status {
    /// End with exit code 6 when the last good pass is older: a health check.
    #[arg(long, value_name = "DURATION", value_parser = duration)]
    pub max_age: Option<std::time::Duration>,
}

/// `history`.
#[derive(Clone, Debug, Args)]
pub struct History {
    /// Only the changes of this run.
    #[arg(long, value_name = "RUN")]
    pub run: Option<i64>,
    /// Only the changes of this person: e-mail address, anchor, DN or cloud id.
    #[arg(long, value_name = "PERSON")]
    pub person: Option<String>,
    /// Only what is not older: `7d`, `12h`, or a day such as 2026-03-04.
    #[arg(long, value_name = "WHEN")]
    pub since: Option<String>,
    /// Only this kind of action.
    #[arg(long, value_name = "KIND", value_parser = kind())]
    pub action: Option<Kind>,
    /// At most so many, the newest.
    #[arg(long, value_name = "N", default_value_t = 100)]
    pub limit: usize,
}

/// `held`.
#[derive(Clone, Debug, Args)]
pub struct Held {
    /// Show every action of this plan.
    #[arg(value_name = "PLAN")]
    pub plan: Option<String>,
}

/// `approve` and `reject`.
#[derive(Clone, Debug, Args)]
pub struct Decide {
    /// The id of the held plan, as `dirsyncd held` shows it.
    #[arg(value_name = "PLAN")]
    pub plan: String,
}

/// `sandbox`.
#[derive(Clone, Debug, Args)]
pub struct SandboxArgs {
    /// The port on 127.0.0.1; 0 for any free one.
    #[arg(long, value_name = "N", default_value_t = 8080)]
    pub port: u16,
    /// The access token that is accepted.
    #[arg(long, value_name = "TOKEN", default_value = "sandbox-token")]
    pub token: String,
    /// Begin with so many people.
    #[arg(long, value_name = "N", default_value_t = 0)]
    pub people: u32,
    /// Another seed, other people and ids.
    #[arg(long, value_name = "N", default_value_t = 1)]
    pub seed: u64,
}

fn duration(text: &str) -> Result<std::time::Duration, String> {
    crate::schedule::parse_duration(text).map_err(|error| error.to_string())
}

/// The kinds by name: what is mistyped is answered with all of them, and shells complete them.
fn kind() -> impl TypedValueParser<Value = Kind> {
    let names = Kind::ALL.iter().map(|kind| kind.name());
    PossibleValuesParser::new(names).try_map(|name| name.parse::<Kind>())
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;

    #[test]
    fn the_command_line_is_consistent() {
        Cli::command().debug_assert();
    }

    #[test]
    fn flags_may_come_before_and_after_the_command() {
        for line in ["dirsyncd --json plan --full", "dirsyncd plan --full --json"] {
            let cli = Cli::try_parse_from(line.split(' ')).unwrap();
            assert!(cli.globals.json && matches!(cli.command, Command::Plan(Plan { full: true, .. })));
        }
    }

    #[test]
    fn what_is_unknown_is_refused() {
        for line in ["dirsyncd", "dirsyncd fly", "dirsyncd sync --dry-run", "dirsyncd run --stop-within soon"]
        {
            assert!(Cli::try_parse_from(line.split(' ')).is_err(), "{line}");
        }
    }
}
