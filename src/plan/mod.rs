//! From desired, snapshot and observed to a list of actions. Pure.
//!
//! [`table`] names what to do for every combination of the three states, [`decide`] turns a
//! cell into actions, [`order`] says what must come before what. Pairing of newcomers with
//! accounts that are already there is in [`pair`], seats in [`seats`].

pub mod admins;
pub mod case;
mod compare;
mod contacts;
pub mod decide;
mod forecast;
mod groups;
mod leavers;
pub mod lines;
pub mod order;
pub mod pair;
mod pools;
pub mod seats;
mod supply;
pub mod table;
mod tenure;
#[cfg(test)]
mod tests_support;

use serde::{Deserialize, Serialize};

use crate::model::Action;

pub use admins::Admins;
pub use case::{Case, Match, Seen, Wish};
pub use contacts::{ContactAim, ContactCase, ContactDecision, ContactSeen, decide_contact};
pub use decide::{Decision, Policy, decide};
pub use forecast::{Forecast, WINDOW, forecast};
pub use groups::{GroupCase, GroupDecision, GroupRules, GroupSeen, GroupWish, Member, decide_group};
pub use leavers::Leavers;
pub use lines::{Dispute, Disputes, Lines};
pub use pools::Pools;
pub use seats::{Contest, Holders, PATIENCE, Place, Queue, Seats};
pub use supply::Supply;
pub use table::Cell;
pub use tenure::{Fading, Tenure};

/// An immutable list of actions, based on one generation of the snapshot. A large plan comes
/// in several parts with one id.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Plan {
    /// The id, the same for all parts.
    pub id: String,
    /// The generation of the snapshot that the plan was made from.
    pub generation: u64,
    /// What to do, in order of [`order::phase`].
    pub actions: Vec<Action>,
}
