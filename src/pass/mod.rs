//! One pass: look, then act.
//!
//! [`look`] reads the source, the cloud and the snapshot, and changes nothing anywhere; it is
//! all of a dry run. [`act`] carries out what a look found, with a writer and the store.

mod act;
mod aliases;
mod alike;
mod alone;
mod beyond;
mod bounds;
mod broker;
mod cases;
mod census;
mod changes;
mod climb;
mod contacts;
mod contest;
mod evidence;
mod fading;
mod ground;
mod groups;
mod held;
mod index;
mod kept;
mod kinds;
mod lines;
mod look;
mod looked;
mod managed;
mod membership;
mod moved;
mod observe;
mod oldest;
mod parts;
mod queue;
mod rebound;
mod remembered;
mod reporting;
mod rest;
mod rivals;
mod sections;
mod strays;
mod world;

use std::fmt;

use crate::cloud::CloudError;
use crate::source::SourceError;
use crate::store::StoreError;

pub use crate::apply::Hands;
pub use crate::plan::Fading;
pub use act::{Acted, act};
pub use alone::{Alone, Meant, Met};
pub use bounds::since;
pub use census::NotGiven;
pub use changes::{Answer, Heard, Hearing, forget_cursors, hear};
pub use climb::{Chain, Climbed, CloudChain};
pub use groups::WITHHELD as WITHHELD_GROUPS;
pub use look::look;
pub use looked::{Look, Stray};
pub use parts::{NoSeat, Part, in_order};
pub use rest::AtRest;
pub use world::{Observe, World};

/// Why a pass ended early. What was done until then is in the journal and the snapshot.
#[derive(Debug)]
pub enum PassError {
    /// The source could not be read at all.
    Source(SourceError),
    /// The cloud could not be read, or refuses us.
    Cloud(CloudError),
    /// The state database failed.
    Store(StoreError),
    /// A contradiction that must not be acted on, and what to do about it.
    Refused {
        /// What is wrong.
        what: String,
        /// What to do next.
        remedy: String,
    },
    /// A fault of ours.
    Fault(String),
}

impl PassError {
    fn fault(what: String) -> Self {
        Self::Fault(what)
    }

    /// What to do next.
    pub fn remedy(&self) -> &str {
        match self {
            Self::Source(e) => &e.remedy,
            Self::Cloud(e) => &e.remedy,
            Self::Store(e) => &e.remedy,
            Self::Refused { remedy, .. } => remedy,
            Self::Fault(_) => "this is a fault of dirsyncd: please report it with the log",
        }
    }
}

impl fmt::Display for PassError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Source(e) => e.fmt(f),
            Self::Cloud(e) => write!(f, "cloud: {e}"),
            Self::Store(e) => write!(f, "state: {e}"),
            Self::Refused { what, .. } | Self::Fault(what) => f.write_str(what),
        }
    }
}

impl std::error::Error for PassError {}

impl From<StoreError> for PassError {
    fn from(e: StoreError) -> Self {
        Self::Store(e)
    }
}
