//! Where the demo plays: a directory with the company's files, and a sandbox with few seats.

use std::collections::BTreeMap;
use std::io::Write;
use std::path::{Path, PathBuf};

use crate::config::{Config, Overrides};
use crate::report::log::LogGuard;
use crate::sandbox::{LicenseSpec, Sandbox, Settings};
use crate::service;

use super::super::args;
use super::super::assemble::Parts;
use super::super::console::Console;
use super::super::exit::{Exit, Failure};
use super::company::{Company, MEETINGS, MESSAGING, SPACES};
use super::export;

const TOKEN: &str = "demo-token";
const DIRECTORY: &str = "company.ldif";
const CONFIG: &str = "dirsyncd.toml";

/// The part of the configuration that is worth reading.
const RULES: &str = r#"[[source]]
name = "company"
kind = "ldif"
path = "company.ldif"

[people]
allowed_domains = ["example.com"]

[people.mapping]
email = "mail"

[[entitlement]]
name = "everybody"
licenses = ["message.messaging"]

[[entitlement]]
name = "hosts"
groups = ["webex-hosts"]
licenses = ["Webex Meetings Suite"]

[[entitlement]]
name = "research"
when = "(department=Research)"
licenses = ["Advanced Space Meetings"]
"#;

/// Files and sandbox of the demo.
pub struct Theatre {
    dir: PathBuf,
    keep: bool,
    sandbox: Option<Sandbox>,
    seats: BTreeMap<&'static str, u64>,
}

impl Theatre {
    /// Makes everything.
    pub async fn open(args: &args::Demo, company: &Company, spare: u64) -> Result<Self, Failure> {
        let dir = match &args.keep {
            Some(dir) => empty_dir(dir)?,
            None => {
                let name = format!("dirsyncd-demo-{}", uuid::Uuid::new_v4().simple());
                let dir = std::env::temp_dir().join(name);
                std::fs::create_dir(&dir).map_err(|error| cannot("create", &dir, &error))?;
                dir
            }
        };
        let mut theatre = Self { dir, keep: args.keep.is_some(), sandbox: None, seats: BTreeMap::new() };
        if let Err(error) = service::restrict_permissions(&theatre.dir) {
            tracing::debug!(%error, "The directory of the demo could not be closed to others.");
        }
        let wanted = company.wanted();
        let seats = |name: &str, spare: u64| wanted.get(name).copied().unwrap_or(0) + spare;
        let plenty = u64::from(args.people) * 2;
        theatre.seats =
            BTreeMap::from([(MESSAGING, plenty), (SPACES, plenty), (MEETINGS, seats(MEETINGS, spare))]);
        let count = |name| theatre.seats.get(name).copied().unwrap_or(0);
        let settings = Settings {
            org_name: "Example Works".into(),
            seed: args.seed,
            licenses: vec![
                LicenseSpec::paid(MESSAGING, "MS", count(MESSAGING), "Sub100042"),
                LicenseSpec::paid(MEETINGS, "EE", count(MEETINGS), "Sub100042").on("example.webex.com"),
                LicenseSpec::paid(SPACES, "CF", count(SPACES), "Sub100042"),
                LicenseSpec::free("Basic Messaging", "FMS"),
            ],
            sites: Vec::new(),
            token: TOKEN.into(),
            ..Settings::default()
        };
        let sandbox = Sandbox::start(settings).await.map_err(|error| {
            Failure::new(Exit::Fault, error.to_string(), "check that this machine has a loopback interface")
        })?;
        let stray = serde_json::json!({ "people": [{ "userName": "old.contractor@example.com", "displayName": "Old Contractor" }] });
        sandbox.organization().seed(&stray).map_err(Failure::fault)?;
        let base_url = sandbox.base_url();
        theatre.sandbox = Some(sandbox);
        theatre.write_directory(company)?;
        theatre.write_secret()?;
        theatre.write(CONFIG, &config(&base_url))?;
        Ok(theatre)
    }

    /// Writes a file of the demo.
    fn write(&self, name: &str, text: &str) -> Result<(), Failure> {
        let path = self.dir.join(name);
        std::fs::write(&path, text).map_err(|error| cannot("write", &path, &error))
    }

    fn write_secret(&self) -> Result<(), Failure> {
        let path = self.dir.join("webex-token");
        let mut file = service::append_private(&path).map_err(|error| cannot("write", &path, &error))?;
        writeln!(file, "{TOKEN}").map_err(|error| cannot("write", &path, &error))
    }

    /// Writes the directory as the company is now.
    pub fn write_directory(&self, company: &Company) -> Result<(), Failure> {
        self.write(DIRECTORY, &export::ldif(company))
    }

    /// Reads the configuration, as every command does.
    pub fn load(&self) -> Result<Parts, Failure> {
        let config = Config::load(&self.dir.join(CONFIG), &Overrides::default())?;
        Ok(Parts::of(config)?)
    }

    /// The log: in files when they are kept.
    pub fn start_log(&self, console: Console) -> Option<LogGuard> {
        let settings = self.load().ok()?.config.log;
        // What the log warns of is part of the story, and told there.
        let mut console = console;
        console.quiet = !console.verbose;
        if self.keep {
            super::super::start_log(&settings, console, false)
        } else {
            super::super::start_screen_log(&settings, console)
        }
    }

    /// The part of the configuration that is worth reading.
    pub fn rules(&self) -> &'static str {
        RULES
    }

    /// The seats in a sentence.
    pub fn seats(&self) -> String {
        let seats: Vec<String> =
            self.seats.iter().map(|(name, count)| format!("{count} seats of {name}")).collect();
        seats.join(", ")
    }

    /// How many write requests the cloud has counted.
    pub fn writes(&self) -> u64 {
        self.sandbox.as_ref().map_or(0, |sandbox| sandbox.organization().stats().write_requests)
    }

    /// How many people hold each licence.
    pub fn held(&self) -> BTreeMap<String, u64> {
        self.sandbox.as_ref().map(|sandbox| sandbox.organization().stats().licenses).unwrap_or_default()
    }

    /// How many accounts there are.
    pub fn accounts(&self) -> u64 {
        self.sandbox.as_ref().map_or(0, |sandbox| sandbox.organization().stats().people)
    }

    /// What to do with what is kept.
    pub fn how_to_look(&self) -> String {
        let config = self.dir.join(CONFIG);
        format!(
            "\nKept. Look at it with:\n  dirsyncd --config {0} status\n  dirsyncd --config {0} history --run 2",
            config.display()
        )
    }

    /// What to do while the sandbox runs.
    pub fn how_to_go_on(&self) -> String {
        let url = self.sandbox.as_ref().map(Sandbox::base_url).unwrap_or_default();
        let config = self.dir.join(CONFIG);
        format!(
            "\nThe sandbox goes on at {url} until Ctrl-C. Edit {} and run:\n  dirsyncd --config {} sync",
            self.dir.join(DIRECTORY).display(),
            config.display()
        )
    }

    /// Ends the sandbox, and takes the files away unless they are kept.
    pub async fn close(mut self) {
        if let Some(sandbox) = self.sandbox.take() {
            sandbox.stop().await;
        }
    }
}

impl Drop for Theatre {
    fn drop(&mut self) {
        if !self.keep {
            // What cannot be removed is in the directory for temporary files.
            let _ = std::fs::remove_dir_all(&self.dir);
        }
    }
}

fn config(base_url: &str) -> String {
    format!(
        "# The configuration of the demo.\n\n{RULES}\n[cloud]\nbase_url = \"{base_url}\"\ntoken_file = \"webex-token\"\n\n\
         [state]\ndir = \"state\"\n\n[log]\ndir = \"log\"\n"
    )
}

fn empty_dir(dir: &Path) -> Result<PathBuf, Failure> {
    std::fs::create_dir_all(dir).map_err(|error| cannot("create", dir, &error))?;
    let mut entries = std::fs::read_dir(dir).map_err(|error| cannot("read", dir, &error))?;
    if entries.next().is_some() {
        return Err(Failure::usage(
            format!("{} is not empty", dir.display()),
            "name a new directory with --keep",
        ));
    }
    std::path::absolute(dir).map_err(|error| cannot("find", dir, &error))
}

fn cannot(what: &str, path: &Path, error: &std::io::Error) -> Failure {
    Failure::new(
        Exit::Fault,
        format!("cannot {what} {}: {error}", path.display()),
        "choose a directory that can be written with --keep",
    )
}
