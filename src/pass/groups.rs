//! Groups of the directory become groups of the cloud: the last thing that a pass does, when
//! all people who can be members are there.
//!
//! The same comparison makes the end of a dry run and, with the accounts that the pass has made
//! by then, what is carried out. It looks only at groups to which a change leads.

mod act;
mod chosen;
mod compare;
mod members;
mod primary;
mod seen;
mod withheld;

pub use act::act_on_groups;
pub use chosen::{ChosenGroups, chosen_print};
pub use compare::GroupView;
pub use primary::primary_changes;
pub use seen::{GroupsSeen, see};
pub use withheld::WITHHELD;

use crate::guard::{Limits, Tally};
use crate::model::Action;
use crate::plan::GroupRules;

/// What a look knows about groups besides what it read.
pub struct Groups {
    /// What holds for all groups.
    pub rules: GroupRules,
    /// What was seen of the cloud.
    pub seen: GroupsSeen,
    /// The limits of the guard.
    pub limits: Limits,
    /// Removals of the last hour.
    pub recent: Tally,
    /// What an administrator approved.
    pub approved: Vec<Action>,
}
