//! Exit codes, which scripts and service files rely on, and the failures that lead to them.

use std::fmt;

use crate::cloud::{CloudError, CloudErrorKind};
use crate::config::ConfigErrors;
use crate::pass::PassError;
use crate::service;
use crate::source::SourceError;
use crate::store::{LockError, StoreError};

/// How a command ended. The numbers are promises.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Exit {
    /// Done; nothing withheld, nothing failed.
    Done,
    /// A fault of ours.
    Fault,
    /// The command line is wrong.
    Usage,
    /// The configuration is invalid.
    Config,
    /// The source is unreachable, refused, or answered incompletely.
    Source,
    /// The cloud is unreachable or refused.
    Cloud,
    /// Done, but some objects were withheld or failed.
    Partial,
    /// Done, but a guard holds some actions.
    Held,
    /// Another process holds the lock.
    Locked,
    /// Done, but seats ran out for some people.
    Seats,
    /// `plan --check`: there are changes.
    Changes,
    /// The state database is unusable.
    State,
    /// Stopped by a signal: 130 or 143.
    Stopped(i32),
}

impl Exit {
    /// Stopped by the signal that was heard.
    pub fn stopped() -> Self {
        Self::Stopped(service::stopped_by().unwrap_or(130))
    }

    /// The number that the process ends with.
    pub fn code(self) -> u8 {
        match self {
            Self::Done => 0,
            Self::Fault => 1,
            Self::Usage => 2,
            Self::Config => 3,
            Self::Source => 4,
            Self::Cloud => 5,
            Self::Partial => 6,
            Self::Held => 7,
            Self::Locked => 8,
            Self::Seats => 9,
            Self::Changes => 10,
            Self::State => 11,
            Self::Stopped(code) => u8::try_from(code).unwrap_or(130),
        }
    }

    /// The word for it in JSON.
    pub fn word(self) -> &'static str {
        match self {
            Self::Done => "ok",
            Self::Fault => "fault",
            Self::Usage => "usage",
            Self::Config => "config",
            Self::Source => "source",
            Self::Cloud => "cloud",
            Self::Partial => "partial",
            Self::Held => "held",
            Self::Locked => "locked",
            Self::Seats => "seats",
            Self::Changes => "changes",
            Self::State => "state",
            Self::Stopped(_) => "stopped",
        }
    }
}

/// Why a command could not do what it was asked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Failure {
    /// What the process ends with.
    pub exit: Exit,
    /// What happened.
    pub what: String,
    /// What to do next; empty when `what` says it.
    pub remedy: String,
}

impl Failure {
    /// A failure.
    pub fn new(exit: Exit, what: impl Into<String>, remedy: impl Into<String>) -> Self {
        Self { exit, what: what.into(), remedy: remedy.into() }
    }

    /// A fault of ours.
    pub fn fault(what: impl Into<String>) -> Self {
        Self::new(Exit::Fault, what, "this is a fault of dirsyncd: please report it with the log")
    }

    /// As JSON, see docs/schema/error.json.
    pub fn document(&self) -> serde_json::Value {
        serde_json::json!({
            "outcome": "failed",
            "error": {
                "code": self.exit.word(),
                "exit": self.exit.code(),
                "message": self.what,
                "remedy": self.remedy,
            },
        })
    }

    /// The command line asks for something that cannot be.
    pub fn usage(what: impl Into<String>, remedy: impl Into<String>) -> Self {
        Self::new(Exit::Usage, what, remedy)
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.what)?;
        if !self.remedy.is_empty() {
            write!(f, "\n  what to do: {}", self.remedy)?;
        }
        Ok(())
    }
}

impl From<PassError> for Failure {
    fn from(error: PassError) -> Self {
        match error {
            PassError::Source(e) => e.into(),
            PassError::Cloud(e) => e.into(),
            PassError::Store(e) => e.into(),
            PassError::Refused { what, remedy } => Self::new(Exit::Cloud, what, remedy),
            PassError::Fault(what) => Self::fault(what),
        }
    }
}

impl From<SourceError> for Failure {
    fn from(error: SourceError) -> Self {
        Self::new(Exit::Source, error.to_string(), error.remedy)
    }
}

impl From<CloudError> for Failure {
    fn from(error: CloudError) -> Self {
        let exit = match error.kind {
            CloudErrorKind::Stopped => Exit::stopped(),
            _ => Exit::Cloud,
        };
        Self::new(exit, format!("cloud: {error}"), error.remedy)
    }
}

impl From<StoreError> for Failure {
    fn from(error: StoreError) -> Self {
        Self::new(Exit::State, format!("state: {error}"), error.remedy)
    }
}

impl From<LockError> for Failure {
    fn from(error: LockError) -> Self {
        let exit = match error {
            LockError::Held { .. } => Exit::Locked,
            LockError::Io { .. } => Exit::State,
        };
        Self::new(exit, error.to_string(), error.remedy())
    }
}

impl From<ConfigErrors> for Failure {
    fn from(errors: ConfigErrors) -> Self {
        Self::new(Exit::Config, errors.to_string(), "")
    }
}
