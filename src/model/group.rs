//! Groups: those of the cloud, and the link from a group of the directory to one of them.

use serde::{Deserialize, Serialize};

use super::{CloudId, Origin, SourceId};

/// What is read of a group besides its members: all that its name in the cloud can be made of.
/// Lower case.
pub const GROUP_ATTRIBUTES: &[&str] = &["cn", "samaccountname", "displayname", "description", "mail"];

/// The longest name of a group, in characters (SCIM `displayName` of Webex groups).
pub const GROUP_NAME_MAX: usize = 512;

/// So many members fit into one request (Webex SCIM groups).
pub const MEMBERS_PER_CALL: usize = 500;

/// A group as the cloud shows it, without its members.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CloudGroup {
    /// The cloud's id.
    pub id: CloudId,
    /// The name.
    pub name: String,
    /// The anchor that a connector left there, or whatever else somebody wrote.
    pub external_id: Option<String>,
}

/// The link from a group of the directory to one of the cloud. Who of its members is ours is
/// kept beside it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct GroupLink {
    /// Which group.
    pub anchor: SourceId,
    /// The group in the cloud.
    pub cloud_id: CloudId,
    /// The name that the cloud confirmed.
    pub name: String,
    /// The DN as last read.
    pub dn: String,
    /// How it became ours.
    pub origin: Origin,
    /// Whether something is still to be done, so that the next pass looks at it again.
    pub open: bool,
    /// Since when it is no longer in the directory, or no longer chosen, in seconds since
    /// 1970-01-01 UTC.
    pub left: Option<i64>,
}
