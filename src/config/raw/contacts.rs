//! `[contacts]` as it is written.

use schemars::JsonSchema;
use serde::Deserialize;

use super::{Mapping, OfContacts, Scope};

/// Contacts of the directory that become contacts of the organization. Off unless "sync" is true.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Contacts {
    /// Whether contacts are synchronized at all. Switched off again, those that are in the cloud stay as they are.
    pub sync: bool,
    /// Take over contacts that are in the cloud already and have the address of a contact in the
    /// directory (or its name, where it has no address). Without it such a contact is reported and left alone.
    pub adopt: bool,
    /// Which contacts are in. A contact is in when every clause agrees that is present.
    pub scope: Scope,
    /// Which attribute becomes what.
    pub mapping: Mapping<OfContacts>,
}
