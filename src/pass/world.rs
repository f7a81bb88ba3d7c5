//! What a look is given: whom to read and to ask, and what the configuration says.

use std::collections::BTreeSet;

use crate::cloud::CloudRead;
use crate::guard::{Limits, Tally};
use crate::model::Email;
use crate::plan::{GroupRules, Leavers};
use crate::report::Sink;
use crate::rules::Rules;
use crate::source::Source;
use crate::store::Reader;

use super::changes::Heard;

/// How much of the cloud to look at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Observe {
    /// Everything.
    All,
    /// Only what the changes are about, as long as they are few.
    Touched,
}

/// Everything that a look needs.
pub struct World<'a> {
    /// The sources.
    pub sources: &'a [Box<dyn Source>],
    /// The cloud, to read.
    pub cloud: &'a dyn CloudRead,
    /// The snapshot, to read.
    pub reader: &'a Reader,
    /// The rules, not yet bound to a catalogue.
    pub rules: Rules,
    /// What becomes of leavers.
    pub leavers: Leavers,
    /// Whether existing accounts with the same e-mail are taken over.
    pub adopt: bool,
    /// Whether seats are taken from some for those who stand before them.
    pub preempt: bool,
    /// What holds for groups of the cloud.
    pub groups: GroupRules,
    /// The limits of the guard.
    pub limits: Limits,
    /// Addresses of people who are never deactivated, deleted or stripped.
    pub protected: BTreeSet<Email>,
    /// How much of the cloud to look at.
    pub observe: Observe,
    /// Whether the records are kept, so that other rules are judged without a new read.
    pub keep_records: bool,
    /// What changed in the sources; without it, or when the whole cloud has to be looked at,
    /// everything is read.
    pub heard: Option<Box<Heard>>,
    /// The removals of the last hour: a trickle of changes must not take away more than one
    /// pass may.
    pub recent: Tally,
    /// Now, in seconds since 1970-01-01 UTC.
    pub now: i64,
    /// Where progress is told.
    pub events: Sink,
}
