//! `[seats]` as it is written.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Which end of the order is served first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Direction {
    /// The smallest.
    #[default]
    Ascending,
    /// The largest.
    Descending,
}

/// Who comes first when seats are short. Before all else counts the order of the entitlements;
/// after all else, who waits longest, whose record is the oldest, and the anchor.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Seats {
    /// An expression. Among those who get a licence by the same entitlement its value decides:
    /// numbers as numbers, before texts, before nothing. Absent for seniority alone.
    pub order_by: Option<String>,
    /// Whether the smallest value comes first, "ascending", or the largest, "descending".
    pub order: Direction,
    /// Take a seat from whoever stands last and give it to somebody who stands before, by rule or
    /// attribute, and has none. Only seats that were given by us, only in passes that read the
    /// sources completely, and counted by guard.license_remove.
    pub preempt: bool,
}
