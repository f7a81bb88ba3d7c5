//! What we know from one pass to the next: snapshot, journal, runs and held plans, in one
//! SQLite database that survives `kill -9` at any instant.
//!
//! [`Lock`] lets one process write, [`Store`] is its writer, and [`Reader`] reads without
//! leaving a trace. [`Stage`] is the spool of one pass and is gone with it.

mod aliases;
mod applied;
mod cloud_groups;
mod contacts;
mod database;
mod decide;
mod error;
mod followed;
mod given;
mod groups;
mod handle;
mod held;
mod joined;
mod journal;
mod lists;
mod lock;
mod meta;
mod names;
mod packing;
mod queue;
mod reader;
mod records;
mod reporting;
mod run;
mod snapshot;
mod stage;
mod writer;

#[cfg(test)]
mod tests;

pub use applied::Difference;
pub use cloud_groups::{GroupChange, Regrouping};
pub use contacts::ContactChange;
pub use database::DATABASE_FILE;
pub use decide::{Decided, decide};
pub use error::{StoreError, StoreErrorKind};
pub use followed::{ContainerChange, Followed};
pub use given::Keeper;
pub use groups::{GroupDelta, GroupRow};
pub use handle::Store;
pub use held::{Decision, HeldPlan};
pub use journal::{HistoryEntry, HistoryFilter, Intent, IntentId, Outcome, Settlement};
pub use lock::{LOCK_FILE, Lock, LockError};
pub use meta::{Meta, SourceMeta};
pub use packing::{Packer, unpack};
pub use queue::{SeatDay, Waiting};
pub use reader::Reader;
pub use records::{KeptRecords, RecordChanges, unreadable};
pub use reporting::{Moves, Named, Reports, Waits, Why};
pub use run::{NewRun, RunId, RunRecord};
pub use snapshot::RowChange;
pub use stage::{
    Claim, Claimant, FoldedWanted, LineKey, Shared, Stage, StagedAccount, StagedPlace, StagedWanted,
};
