//! From desired, snapshot and observed to a list of actions. Pure.

mod leavers;

pub use leavers::Leavers;
