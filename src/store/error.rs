//! Why the state database could not do what was asked, in words for an administrator.

use std::fmt;
use std::io;

use rusqlite::ErrorCode;

/// The state database refused. The program ends with exit code 11.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoreError {
    /// What kind of trouble.
    pub kind: StoreErrorKind,
    /// What happened, in a sentence without personal data.
    pub what: String,
    /// What to do next.
    pub remedy: String,
}

/// The kinds of trouble with the state database.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StoreErrorKind {
    /// The file is damaged, or something else than our database.
    Corrupt,
    /// A newer version of the program wrote it.
    Newer,
    /// The operating system refused: rights, a failing disk, a missing directory.
    Io,
    /// The volume is full.
    Full,
    /// Another process holds the database for too long.
    Busy,
}

impl StoreErrorKind {
    const fn remedy(self) -> &'static str {
        match self {
            Self::Corrupt => {
                "stop the service, move the state directory aside and restore it from a backup; \
                 without one, run `dirsyncd plan --full` on an empty state directory and review how \
                 people are paired again before the next sync"
            }
            Self::Newer => {
                "install the newer version again, or restore the state directory that belongs to this one"
            }
            Self::Io => {
                "check that the state directory exists, belongs to the service's account and is on a healthy local disk"
            }
            Self::Full => {
                "free space on the volume of the state directory; the next pass continues where this one stopped"
            }
            Self::Busy => "wait until the other dirsyncd process has finished, then try again",
        }
    }
}

impl StoreError {
    pub(super) fn new(kind: StoreErrorKind, what: impl Into<String>) -> Self {
        Self { kind, what: what.into(), remedy: kind.remedy().into() }
    }

    pub(super) fn io(doing: &str, error: &io::Error) -> Self {
        let kind = match error.kind() {
            io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => StoreErrorKind::Full,
            _ => StoreErrorKind::Io,
        };
        Self::new(kind, format!("{doing}: {error}"))
    }

    /// An error of SQLite while `doing` something.
    pub(super) fn sqlite(doing: &str, error: &rusqlite::Error) -> Self {
        let kind = match error {
            rusqlite::Error::SqliteFailure(failure, _) => match failure.code {
                ErrorCode::DiskFull => StoreErrorKind::Full,
                ErrorCode::DatabaseBusy
                | ErrorCode::DatabaseLocked
                | ErrorCode::FileLockingProtocolFailed => StoreErrorKind::Busy,
                ErrorCode::CannotOpen
                | ErrorCode::SystemIoFailure
                | ErrorCode::PermissionDenied
                | ErrorCode::ReadOnly
                | ErrorCode::OutOfMemory
                | ErrorCode::NoLargeFileSupport => StoreErrorKind::Io,
                _ => StoreErrorKind::Corrupt,
            },
            // Everything else says that the contents are not what this program writes.
            _ => StoreErrorKind::Corrupt,
        };
        Self::new(kind, format!("the state database failed while {doing}: {error}"))
    }

    pub(super) fn closed() -> Self {
        Self::new(StoreErrorKind::Io, "the state database is closed already")
    }
}

impl fmt::Display for StoreError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.what)
    }
}

impl std::error::Error for StoreError {}

/// A value in the database that this program did not write, as an error of SQLite.
pub(super) fn nonsense(
    error: impl Into<Box<dyn std::error::Error + Send + Sync + 'static>>,
) -> rusqlite::Error {
    rusqlite::Error::FromSqlConversionFailure(0, rusqlite::types::Type::Text, error.into())
}
