//! The spool of one pass: what differs, on disk as soon as it is much, so that memory does not
//! follow the size of the directory.
//!
//! It is an SQLite database without a name, which the operating system removes with the
//! process. Nothing in it outlives the pass, so nothing is ever flushed or rolled back.
//! Rows are appended; the indexes for questions that are asked later are built when the first
//! of them is.

mod accounts;
mod ages;
mod aliases;
mod claims;
mod joined;
mod lines;
mod memberships;
mod records;
mod wanted;

use std::cell::Cell;
use std::ops::Deref;
use std::sync::{Mutex, PoisonError};

use rusqlite::Connection;

use super::{StoreError, database};

pub use accounts::StagedAccount;
pub use claims::{Claim, Claimant, Shared};
pub use lines::LineKey;
pub use wanted::{FoldedWanted, StagedPlace, StagedWanted};

/// The spool of one pass. Calls take turns.
pub struct Stage {
    db: Mutex<Spool>,
    people: wanted::Counts,
    accounts: accounts::Counts,
}

/// The database.
struct Spool {
    db: Connection,
    /// Which of the late indexes exist.
    indexed: Cell<u16>,
}

impl Deref for Spool {
    type Target = Connection;

    fn deref(&self) -> &Connection {
        &self.db
    }
}

/// Indexes that are built when first needed.
#[derive(Clone, Copy)]
#[repr(u16)]
enum Late {
    Email = 1,
    Accounts = 2,
    Holders = 4,
    Members = 8,
    Joined = 16,
    Claims = 32,
    Place = 64,
    Aliases = 128,
    Lines = 256,
}

impl Late {
    const fn sql(self) -> &'static str {
        match self {
            Self::Email => "CREATE INDEX wanted_email ON wanted_key (email) WHERE email IS NOT NULL",
            Self::Place => "CREATE INDEX wanted_place ON wanted_key (place)",
            Self::Accounts => {
                "CREATE INDEX account_linked ON account_key (linked) WHERE linked IS NOT NULL;
                 CREATE INDEX account_email ON account_key (email) WHERE email IS NOT NULL;
                 CREATE INDEX account_external ON account_key (external) WHERE external IS NOT NULL"
            }
            Self::Holders => "CREATE INDEX holder_of ON holder (account, license)",
            Self::Claims => "CREATE INDEX claim_key ON claim (what, key)",
            Self::Aliases => "CREATE INDEX alias_key ON alias (key, anchor)",
            Self::Lines => "CREATE INDEX line_key ON line (place, value, anchor)",
            Self::Members => "CREATE INDEX member_in ON member (member, source_group)",
            Self::Joined => {
                "CREATE INDEX wanted_joined ON wanted_key (joined, linked) WHERE joined IS NOT NULL"
            }
        }
    }
}

impl std::fmt::Debug for Stage {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Stage").field("people", &self.people).field("accounts", &self.accounts).finish()
    }
}

impl Stage {
    /// An empty spool.
    ///
    /// # Errors
    ///
    /// This and all other calls: when there is no room for temporary files.
    pub fn new() -> Result<Self, StoreError> {
        let db = Connection::open("").map_err(failed)?;
        database::keep_statements(&db).map_err(failed)?;
        db.execute_batch(
            "PRAGMA journal_mode = OFF; PRAGMA synchronous = OFF; PRAGMA locking_mode = EXCLUSIVE;
             PRAGMA cache_size = -65536;",
        )
        .map_err(failed)?;
        for schema in [
            wanted::SCHEMA,
            accounts::SCHEMA,
            memberships::SCHEMA,
            claims::SCHEMA,
            ages::SCHEMA,
            aliases::SCHEMA,
            lines::SCHEMA,
            records::SCHEMA,
        ] {
            db.execute_batch(schema).map_err(failed)?;
        }
        Ok(Self {
            db: Mutex::new(Spool { db, indexed: Cell::new(0) }),
            people: wanted::Counts::default(),
            accounts: accounts::Counts::default(),
        })
    }
}

impl Spool {
    fn need(&self, index: Late) -> rusqlite::Result<()> {
        if self.indexed.get() & index as u16 == 0 {
            self.db.execute_batch(index.sql())?;
            self.indexed.set(self.indexed.get() | index as u16);
        }
        Ok(())
    }
}

fn answer<T>(
    spool: &Mutex<Spool>,
    query: impl FnOnce(&Spool) -> rusqlite::Result<T>,
) -> Result<T, StoreError> {
    query(&spool.lock().unwrap_or_else(PoisonError::into_inner)).map_err(failed)
}

fn failed(error: rusqlite::Error) -> StoreError {
    let mut error = StoreError::sqlite("spooling what differs", &error);
    error.remedy = "free space for temporary files (TMPDIR), then run the pass again".into();
    error
}
