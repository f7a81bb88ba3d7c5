//! `[rooms]` as it is written.

use schemars::JsonSchema;
use serde::Deserialize;

use super::{Mapping, OfRooms, Scope};

/// Rooms of the directory that become rooms of the cloud. Off unless "sync" is true.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Rooms {
    /// Whether rooms are synchronized at all. Switched off again, rooms that are linked stay as they are.
    pub sync: bool,
    /// Which rooms are in. A room is in when every clause agrees that is present.
    pub scope: Scope,
    /// Which attribute becomes what.
    pub mapping: Mapping<OfRooms>,
}
