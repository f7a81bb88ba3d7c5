//! `[groups]` as it is written.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Whose memberships a group of ours holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Members {
    /// Those of the directory are added, and only whom we added is taken out.
    #[default]
    Ours,
    /// People who were added in the cloud are taken out, too.
    Exact,
}

/// Groups of the directory that become groups of the cloud. Without "sync" and "bases", none.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Groups {
    /// Groups to synchronize: DNs, plain names, or LDAP filters, which begin with "(".
    pub sync: Vec<String>,
    /// DNs under which all groups are synchronized.
    pub bases: Vec<String>,
    /// The expression for the name in the cloud. Absent for "first(displayName, cn)".
    pub name: Option<String>,
    /// Take over groups that are in the cloud already, have the name of a group in the
    /// directory, and belong to nobody. Without it such a group is reported and left alone.
    pub adopt: bool,
    /// "ours": only members whom we added are taken out. "exact": people whom somebody added in
    /// the cloud are taken out, too, when the whole cloud is listed.
    pub members: Members,
    /// Delete a group in the cloud so long after it left the directory or the choice. Absent for
    /// never: it is reported, and stays as it is.
    #[schemars(regex(pattern = r"^([0-9]+(ms|s|m|h|d|w))+$"))]
    pub delete_after: Option<String>,
}
