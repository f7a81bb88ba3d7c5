//! Everything in the organization, in an order that does not depend on how it came about.

use serde_json::{Value, json};

use super::assign;
use super::reply::instant;
use super::roles;
use super::state::State;

/// The contents; times and revisions only when asked for.
pub(super) fn everything(state: &State, times: bool) -> Value {
    let people: Vec<_> = state
        .roster
        .by_name()
        .map(|person| {
            let mut licenses: Vec<_> = person
                .licenses
                .iter()
                .filter_map(|at| state.licenses.get(usize::from(*at)))
                .map(|license| license.spec.name.as_str())
                .collect();
            licenses.sort_unstable();
            let mut doc = person.profile.document();
            doc.remove("schemas");
            let slot = state.roster.slot_of(person.id);
            let mut groups: Vec<_> = slot
                .into_iter()
                .flat_map(|slot| state.groups.of(slot))
                .map(|group| group.display_name.as_ref())
                .collect();
            groups.sort_unstable();
            let mut value = json!({
                "id": person.id,
                "scim": doc,
                "status": person.status(),
                "licenses": licenses,
                "sites": assign::sites(state, person),
                "roles": person.profile.roles.iter().map(|role| roles::at(*role).id).collect::<Vec<_>>(),
                "groups": groups,
                "signedIn": person.signed_in,
                "invited": person.invited.is_some(),
                "calling": person.calling,
            });
            if times {
                value["created"] = instant(person.created).into();
                value["lastModified"] = instant(person.modified).into();
                value["revision"] = person.revision.into();
            }
            value
        })
        .collect();
    let mut groups: Vec<_> = state
        .groups
        .iter()
        .map(|group| {
            let members = group.users.iter().filter_map(|slot| state.roster.get(*slot));
            let mut members: Vec<_> = members.map(|person| person.key()).collect();
            members.sort_unstable();
            json!({
                "displayName": group.display_name,
                "externalId": group.external_id,
                "members": members,
                "nested": group.nested,
            })
        })
        .collect();
    groups.sort_by_cached_key(Value::to_string);
    let licenses: Vec<_> = state
        .licenses
        .iter()
        .map(|license| {
            json!({ "name": license.spec.name, "seats": license.spec.seats, "held": license.holders.len() })
        })
        .collect();
    let contacts: Vec<&Value> = state.contacts.by_id.values().collect();
    json!({
        "organization": { "id": state.org.id, "name": state.org.name, "invites": state.org.invites },
        "licenses": licenses,
        "people": people,
        "groups": groups,
        "contacts": contacts,
    })
}
