//! Administrator roles of the cloud.

use serde::{Deserialize, Serialize};

use super::RoleId;

/// One entry of the cloud's role catalogue.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Role {
    /// The value assigned to an account, for example `id_full_admin`.
    pub id: RoleId,
    /// The name that the cloud shows, for example `Full Administrator`.
    pub name: String,
}
