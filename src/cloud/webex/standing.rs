//! What an account has that a patch must know: SCIM replaces a part only of what is there.

use serde_json::Value;

use super::place::{CISCO, Element, Place, Postal, place};
use crate::model::{Action, Attr, Field, FieldSet};

/// Which elements of lists an account has, and its roles as the cloud wrote them.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Standing {
    /// The fields whose element is there.
    pub(super) elements: FieldSet,
    /// In the order of [`Postal::ALL`].
    addresses: [bool; 3],
    pub(super) work_email: bool,
    pub(super) roles: Vec<Value>,
}

impl Standing {
    /// What a SCIM user shows.
    pub(super) fn of(user: &Value) -> Self {
        let has = |list: &Value, kind: &str| {
            let is = |element: &Value| element["type"].as_str().is_some_and(|t| t.eq_ignore_ascii_case(kind));
            elements(list).iter().any(is)
        };
        let there = |element: Element| {
            let schema = if element.list.is_extension() { &user[CISCO] } else { user };
            elements(&schema[element.list.name()]).iter().any(|one| element.is(|key| one[key].as_str()))
        };
        let found = Field::ALL.iter().copied().filter(|field| match place(*field) {
            Place::Element(element) => there(element),
            _ => false,
        });
        Self {
            elements: found.collect(),
            addresses: Postal::ALL.map(|home| has(&user["addresses"], home.kind())),
            work_email: has(&user["emails"], "work"),
            roles: elements(&user["roles"]).to_vec(),
        }
    }

    /// What the before-images of an action suggest. They do not show whether an address
    /// exists that has none of the changed parts; a person mostly has one, or none at all.
    pub(super) fn assumed(action: &Action) -> Self {
        let had = action.changes.iter().filter(|change| change.from.is_some());
        let had = had.filter_map(|change| match change.field {
            Attr::Field(field) => Some(field),
            Attr::Email
            | Attr::Active
            | Attr::ExternalId
            | Attr::License(_)
            | Attr::Role(_)
            | Attr::Member(_) => None,
        });
        Self { elements: had.collect(), addresses: [true; 3], work_email: true, roles: Vec::new() }
    }

    /// Whether there is an address of this kind.
    pub(super) fn has_address(&self, home: Postal) -> bool {
        Postal::ALL.into_iter().zip(self.addresses).any(|(one, there)| one == home && there)
    }
}

/// Whether an action takes roles away, which needs the account's roles as they are.
pub(super) fn needs_standing(action: &Action) -> bool {
    action.changes.iter().any(|change| matches!(change.field, Attr::Role(_)) && change.to.is_none())
}

fn elements(list: &Value) -> &[Value] {
    list.as_array().map_or(&[], Vec::as_slice)
}
