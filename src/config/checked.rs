//! The configuration, checked: what the rest of the program works with.

use std::path::{Path, PathBuf};
use std::time::Duration;

use serde::Deserialize;
use toml::de::{DeTable, Deserializer};

use super::{ConfigError, ConfigErrors, Document, Location, raw, schema, sections, shape};
use crate::cloud::webex;
use crate::model::Email;
use crate::report::log::LogSettings;
use crate::schedule::Schedule;
use crate::source::ldap;
use crate::{guard, plan, rules};

/// Everything that the configuration file says.
#[derive(Clone, Debug)]
pub struct Config {
    /// Where people are read from.
    pub sources: Vec<SourceConfig>,
    /// Where they are written to.
    pub cloud: webex::Settings,
    /// From a record to a person. Not yet compiled.
    pub rules: rules::Spec,
    /// What the rules are tried with. Not yet compiled.
    pub trials: Vec<rules::TrialSpec>,
    /// Take over accounts of the cloud with the e-mail address of a person.
    pub adopt: bool,
    /// Whether seats are taken from some for those who stand before them.
    pub preempt: bool,
    /// What holds for groups of the cloud.
    pub groups: plan::GroupRules,
    /// What becomes of leavers.
    pub leavers: plan::Leavers,
    /// How much a pass may take away.
    pub guard: guard::Limits,
    /// Who is never deactivated, deleted or stripped.
    pub protected: Vec<Email>,
    /// When passes run.
    pub schedule: Schedule,
    /// How often the whole cloud is listed.
    pub observe_every: Duration,
    /// How often the sources are read whole, although they can tell what changed.
    pub full_every: Duration,
    /// How often the daemon asks what changed; `None` for never.
    pub poll: Option<Duration>,
    /// The directory of the state database.
    pub state_dir: PathBuf,
    /// Whether the records are kept as read.
    pub keep_records: bool,
    /// How long history is kept; `None` for ever.
    pub keep_history: Option<Duration>,
    /// The log.
    pub log: LogSettings,
    /// The file that all this came from.
    pub path: PathBuf,
    pub(super) document: Document,
}

/// One source.
#[derive(Clone, Debug)]
#[expect(clippy::large_enum_variant, reason = "there are a handful of them")]
pub enum SourceConfig {
    /// Active Directory or another LDAP directory.
    Ldap(ldap::Settings),
    /// An LDIF file.
    Ldif {
        /// The name in the configuration.
        name: String,
        /// The file.
        path: PathBuf,
    },
}

impl SourceConfig {
    /// The name in the configuration.
    pub fn name(&self) -> &str {
        match self {
            Self::Ldap(settings) => &settings.name,
            Self::Ldif { name, .. } => name,
        }
    }
}

/// What a command says besides the file.
#[derive(Clone, Debug, Default)]
pub struct Overrides {
    /// `--state DIR`.
    pub state_dir: Option<PathBuf>,
    /// For commands that reach neither source nor cloud (`status`, `history`): no secret and no
    /// certificate file is looked at. Passwords and token are then empty.
    pub offline: bool,
}

impl Config {
    /// Reads and checks a configuration file, and fetches its secrets.
    ///
    /// # Errors
    ///
    /// Every mistake that can be found in one go, with its place.
    pub fn load(path: &Path, overrides: &Overrides) -> Result<Self, ConfigErrors> {
        let bytes = std::fs::read(path).map_err(|error| unreadable(path, &error))?;
        let text = match String::from_utf8(bytes) {
            Ok(text) => text,
            Err(error) => {
                let valid = error.utf8_error().valid_up_to();
                let text = String::from_utf8_lossy(&error.as_bytes()[..valid]).into_owned();
                let document = Document::new(path, text);
                return Err(ConfigErrors::new(vec![document.error_at(
                    "",
                    valid..valid,
                    "the file is not text in UTF-8".to_owned(),
                    "save it as UTF-8".to_owned(),
                )]));
            }
        };
        Self::parse(path, text, overrides)
    }

    /// Checks a configuration that was read already. `path` is its name in errors, and its
    /// directory the one that relative paths start from.
    ///
    /// # Errors
    ///
    /// As [`Config::load`].
    pub fn parse(path: &Path, text: String, overrides: &Overrides) -> Result<Self, ConfigErrors> {
        let mut document = Document::new(path, text.clone());
        let (mut table, syntax) = DeTable::parse_recoverable(&text);
        if !syntax.is_empty() {
            return Err(ConfigErrors::new(syntax_errors(&document, &syntax)));
        }
        document.index(table.get_ref());

        let found = shape::check(&document, &schema::schema(), table.get_mut());
        if found.incomplete {
            return Err(ConfigErrors::new(found.errors));
        }
        // After the shape is right, this does not fail; should it, then with a place.
        let raw = match raw::Root::deserialize(Deserializer::from(table)) {
            Ok(raw) => raw,
            Err(error) => {
                let span = error.span().unwrap_or(0..0);
                let mut errors = found.errors;
                errors.push(document.error_at("", span, error.message().to_owned(), String::new()));
                return Err(ConfigErrors::new(errors));
            }
        };
        let (config, meaning) = sections::check(raw, document, &found.broken, overrides);
        let errors: Vec<ConfigError> = found.errors.into_iter().chain(meaning).collect();
        if errors.is_empty() { Ok(config) } else { Err(ConfigErrors::new(errors)) }
    }

    /// Where a key is: `people.mapping.title`, `entitlement[2].when` (counted from 0), and
    /// `offset` bytes into its value. A key that comes from a default is looked for in the
    /// section it belongs to.
    pub fn locate(&self, place: &str, offset: Option<usize>) -> Location {
        self.document.locate(place, offset)
    }

    /// A mistake that was found later, for example by the compiler of the rules.
    pub fn error(
        &self,
        place: &str,
        offset: Option<usize>,
        message: impl Into<String>,
        remedy: impl Into<String>,
    ) -> ConfigError {
        self.document.error(place, offset, message, remedy)
    }
}

fn unreadable(path: &Path, error: &std::io::Error) -> ConfigErrors {
    let remedy = match error.kind() {
        std::io::ErrorKind::NotFound => {
            "begin with a copy of config/minimal.toml, or name another with --config"
        }
        std::io::ErrorKind::PermissionDenied => "run this as the account that runs dirsyncd, or as root",
        _ => "check the path",
    };
    ConfigErrors::new(vec![ConfigError {
        key: String::new(),
        location: Location { file: path.to_owned(), line: 0, column: 0 },
        line: String::new(),
        width: 0,
        message: format!("the configuration file cannot be read: {error}"),
        remedy: remedy.to_owned(),
    }])
}

/// The first mistake of each line: what follows on it is usually its consequence.
fn syntax_errors(document: &Document, errors: &[toml::de::Error]) -> Vec<ConfigError> {
    let mut found: Vec<ConfigError> = Vec::new();
    for error in errors {
        let span = error.span().unwrap_or(0..0);
        let remedy = match error.message() {
            message if message.starts_with("string values must be quoted") => {
                "a text stands in quotes; numbers, true and false stand without"
            }
            _ => "",
        };
        let message = format!("not TOML: {}", error.message());
        let error = document.error_at("", span, message, remedy.to_owned());
        if found.iter().all(|other| other.location.line != error.location.line) {
            found.push(error);
        }
    }
    found
}
