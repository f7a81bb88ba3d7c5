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

impl Role {
    /// Of these roles the one of full administrators, who can do everything.
    pub fn full(roles: &[Self]) -> Option<&RoleId> {
        let by_name = |role: &&Self| role.name.trim().eq_ignore_ascii_case("Full Administrator");
        let found = roles.iter().find(|role| role.id.as_str() == "id_full_admin");
        found.or_else(|| roles.iter().find(by_name)).map(|role| &role.id)
    }
}
