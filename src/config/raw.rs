//! The configuration file as it is written. Names, types, defaults and descriptions here are
//! what the JSON Schema and the shape check are made of: a key that is not here is an error.
//!
//! After a change: `DIRSYNCD_BLESS=1 cargo test --test config` writes the schema anew, and the test
//! then asks for the key in `config/dirsyncd.toml`.

mod contacts;
mod edges;
mod entitlement;
mod groups;
mod mapping;
mod people;
mod rooms;
mod seats;
mod trial;

use std::path::PathBuf;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::guard;
use crate::plan::Leavers as LeaversPolicy;

pub use contacts::Contacts;
pub use edges::{AuthBy, Cloud, CloudKind, Source, SourceKind};
pub use entitlement::{Entitlement, Entitlements, Mode, Role, Take, Template};
pub use groups::{Groups, Members};
pub use mapping::{Mapping, OfContacts, OfPeople, OfRooms};
pub use people::{Collisions, Dialect, People, Policy, Scope, Unusable};
pub use rooms::Rooms;
pub use seats::{Direction, Seats};
pub use trial::{Expect, Test, Tested};

/// The configuration of dirsyncd.
///
/// Relative paths are relative to the directory of this file. Durations are a number and a
/// unit, such as "30s", "15m", "24h", "30d". Secrets are never in this file.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Root {
    /// The directories that are the truth, one section for each domain or directory.
    #[schemars(length(min = 1))]
    pub source: Vec<Source>,
    /// The cloud directory that is written.
    pub cloud: Cloud,
    /// Who becomes a person in the cloud, and with which attributes.
    #[serde(default)]
    pub people: People,
    /// Which groups become groups of the cloud.
    #[serde(default)]
    pub groups: Groups,
    /// Which rooms become rooms of the cloud, and with which attributes.
    #[serde(default)]
    pub rooms: Rooms,
    /// Which contacts become contacts of the organization, and with which attributes.
    #[serde(default)]
    pub contacts: Contacts,
    /// How the rules of licences work together.
    #[serde(default)]
    pub entitlements: Entitlements,
    /// Who gets which licences, in order of priority when seats are short.
    #[serde(default)]
    pub entitlement: Vec<Entitlement>,
    /// Licences with a name, for use in several entitlements.
    #[serde(default)]
    pub template: Vec<Template>,
    /// Who comes first when seats are short.
    #[serde(default)]
    pub seats: Seats,
    /// Who gets which administrator role.
    #[serde(default)]
    pub role: Vec<Role>,
    /// Records, and what the rules must make of them: run by `check` and `lint`.
    #[serde(default)]
    pub test: Vec<Test>,
    /// What becomes of people who left: gone from the directory, disabled, or out of scope.
    #[serde(default)]
    pub leavers: Leavers,
    /// How much a pass may take away without approval.
    #[serde(default)]
    pub guard: Guard,
    /// When passes run.
    #[serde(default)]
    pub schedule: Schedule,
    /// What is remembered between passes, and where.
    #[serde(default)]
    pub state: State,
    /// The log.
    #[serde(default)]
    pub log: Log,
}

/// Leavers.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Leavers {
    /// Deactivate them. Otherwise they are only reported.
    pub deactivate: bool,
    /// Take back the licences that we gave, in the same pass.
    pub reclaim_licenses: bool,
    /// Delete the account so long after the deactivation. Absent for never.
    #[schemars(regex(pattern = r"^([0-9]+(ms|s|m|h|d|w))+$"))]
    pub delete_after: Option<String>,
}

impl Default for Leavers {
    fn default() -> Self {
        let LeaversPolicy { deactivate, reclaim_licenses, delete_after: _ } = LeaversPolicy::default();
        Self { deactivate, reclaim_licenses, delete_after: None }
    }
}

/// A limit for one kind of removal. It trips on more than "count" of them, or on more than
/// "floor" that are also more than "percent" of the linked people.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Limit {
    /// So many pass, whatever the size of the directory.
    pub count: Option<u64>,
    /// Such a share of the linked people passes, in percent.
    #[schemars(range(min = 0, max = 100))]
    pub percent: Option<u64>,
    /// So few pass, whatever their share.
    pub floor: Option<u64>,
}

/// The guard.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Guard {
    /// People deactivated in one pass.
    pub deactivate: Limit,
    /// Accounts deleted in one pass.
    pub delete: Limit,
    /// People who lose a licence in one pass.
    pub license_remove: Limit,
    /// People who lose an attribute value in one pass.
    pub blank: Limit,
    /// People who leave because scope, bases or filters of this file changed, and not the directory.
    pub scope_change: Limit,
    /// Members taken out of groups in one pass; the share is of all memberships that are ours.
    pub group_member_remove: Limit,
    /// Groups deleted in one pass; the share is of all groups that are ours.
    pub group_delete: Limit,
    /// Contacts deleted in one pass; the share is of all contacts that are ours.
    pub contact_delete: Limit,
    /// Contacts that lose a value in one pass; the share is of all contacts that are ours.
    pub contact_blank: Limit,
    /// When the directory shows fewer people than this share of the last complete read, in
    /// percent, removals wait for approval.
    #[schemars(range(min = 0, max = 100))]
    pub min_census_percent: u64,
    /// E-mail addresses of people who are never deactivated, deleted or stripped.
    pub protected: Vec<String>,
}

impl Default for Guard {
    fn default() -> Self {
        Self {
            deactivate: Limit::default(),
            delete: Limit::default(),
            license_remove: Limit::default(),
            blank: Limit::default(),
            scope_change: Limit::default(),
            group_member_remove: Limit::default(),
            group_delete: Limit::default(),
            contact_delete: Limit::default(),
            contact_blank: Limit::default(),
            min_census_percent: guard::Limits::default().min_census_percent,
            protected: Vec::new(),
        }
    }
}

/// The time zone of the schedule.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Timezone {
    /// Coordinated Universal Time.
    #[default]
    Utc,
    /// The time zone of the machine.
    Local,
}

/// When passes run.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Schedule {
    /// "every 15m", or a crontab expression with 5 fields, or 6 with seconds first.
    pub sync: String,
    /// The clock of a crontab expression: "utc" or "local".
    pub timezone: Timezone,
    /// How often the whole cloud is listed, to see what others changed there.
    #[schemars(regex(pattern = r"^([0-9]+(ms|s|m|h|d|w))+$"))]
    pub observe_every: String,
    /// How often the sources are read whole, although they can tell what changed.
    #[schemars(regex(pattern = r"^([0-9]+(ms|s|m|h|d|w))+$"))]
    pub full_every: String,
    /// How often the daemon asks the sources what changed, between the passes of "sync".
    /// "never" leaves it at those.
    #[schemars(regex(pattern = r"^(([0-9]+(ms|s|m|h|d|w))+|never)$"))]
    pub poll: String,
}

impl Default for Schedule {
    fn default() -> Self {
        Self {
            sync: "every 15m".to_owned(),
            timezone: Timezone::default(),
            observe_every: "24h".to_owned(),
            full_every: "24h".to_owned(),
            poll: "30s".to_owned(),
        }
    }
}

/// What is remembered.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct State {
    /// Directory of the state database. Absent for /var/lib/dirsyncd, or
    /// %ProgramData%\dirsyncd\state on Windows.
    pub dir: Option<PathBuf>,
    /// How long the history of runs and changes is kept, or "forever".
    #[schemars(regex(pattern = r"^(([0-9]+(ms|s|m|h|d|w))+|forever)$"))]
    pub keep_history: String,
    /// Keep the records as read, so that a change of the rules is judged without reading the sources
    /// again. The state database then holds personal data: all attributes that the rules read.
    pub keep_records: bool,
}

impl Default for State {
    fn default() -> Self {
        Self { dir: None, keep_history: "400d".to_owned(), keep_records: false }
    }
}

/// How much is logged.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum LogLevel {
    /// What failed.
    Error,
    /// And what needs attention.
    Warn,
    /// And what happened.
    #[default]
    Info,
    /// And how.
    Debug,
    /// And every step.
    Trace,
}

/// The form of log lines.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum LogFormat {
    /// For people: time, level, sentence, fields.
    #[default]
    Text,
    /// For machines: one JSON object per line.
    Json,
}

/// The log.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Log {
    /// How much: "error", "warn", "info", "debug" or "trace".
    pub level: LogLevel,
    /// The form of the lines in files: "text" or "json".
    pub format: LogFormat,
    /// Write log files. False where the journal or a container keeps what is written to stderr.
    pub files: bool,
    /// Directory of the log files, one per day. Absent for /var/log/dirsyncd, or
    /// %ProgramData%\dirsyncd\log on Windows.
    pub dir: Option<PathBuf>,
    /// How many daily files are kept.
    #[schemars(range(min = 1, max = 3650))]
    pub keep_files: u32,
    /// Let log lines show names, e-mail addresses, DNs and values. Otherwise they show ids.
    pub personal_data: bool,
}

impl Default for Log {
    fn default() -> Self {
        Self {
            level: LogLevel::default(),
            format: LogFormat::default(),
            files: true,
            dir: None,
            keep_files: 30,
            personal_data: false,
        }
    }
}
