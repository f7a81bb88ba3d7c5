//! The administrator roles that exist, and `GET /roles`.

use serde_json::json;

use super::errors::Refusal;
use super::ids;
use super::reply::Reply;

/// A role of the catalogue.
#[derive(Debug)]
pub(super) struct Role {
    pub(super) id: &'static str,
    pub(super) name: &'static str,
    /// Location and site administrators cannot be made through the interfaces.
    pub(super) assignable: bool,
}

const fn role(id: &'static str, name: &'static str, assignable: bool) -> Role {
    Role { id, name, assignable }
}

/// The catalogue. People hold indexes into it.
pub(super) const ROLES: &[Role] = &[
    role("id_full_admin", "Full Administrator", true),
    role("id_user_admin", "User Administrator", true),
    role("id_readonly_admin", "Read-only Administrator", true),
    role("id_device_admin", "Device Administrator", true),
    role("id_group_admin", "Group Administrator", true),
    role("id_location_admin", "Location Administrator", false),
    role("id_site_admin", "Webex Site Administrator", false),
    role("id_support_admin", "Support Administrator", true),
    // Of these the ids are not published: a client must find them by their names.
    role("id_unpublished_1", "User and Device Administrator", true),
    role("id_unpublished_2", "Compliance Officer", true),
];

/// Full administrator, as an index.
pub(super) const FULL_ADMIN: u8 = 0;
/// User administrator, as an index.
pub(super) const USER_ADMIN: u8 = 1;
/// Read-only administrator, as an index.
pub(super) const READ_ONLY_ADMIN: u8 = 2;
/// Device administrator, as an index.
pub(super) const DEVICE_ADMIN: u8 = 3;
/// Group administrator, as an index.
pub(super) const GROUP_ADMIN: u8 = 4;

/// The role with this raw or public id.
pub(super) fn find(id: &str) -> Option<u8> {
    let raw = ids::value_of("ROLE", id);
    let id = raw.as_deref().unwrap_or(id);
    ROLES.iter().position(|role| role.id == id).and_then(|at| u8::try_from(at).ok())
}

/// The role at an index; the catalogue is fixed, so an index that somebody holds is always in it.
pub(super) fn at(index: u8) -> &'static Role {
    ROLES.get(usize::from(index)).unwrap_or(&ROLES[0])
}

/// `GET /v1/roles`.
pub(super) fn list() -> Reply {
    let items: Vec<_> =
        ROLES.iter().map(|role| json!({ "id": ids::role(role.id), "name": role.name })).collect();
    Reply::json(200, &json!({ "items": items }))
}

/// `GET /v1/roles/{id}`.
pub(super) fn get(id: &str) -> Result<Reply, Refusal> {
    let role = at(find(id).ok_or_else(Refusal::absent)?);
    Ok(Reply::json(200, &json!({ "id": ids::role(role.id), "name": role.name })))
}
