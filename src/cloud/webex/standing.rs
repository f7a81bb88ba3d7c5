//! What an account has that a patch must know: SCIM replaces a part only of what is there.

use std::collections::BTreeSet;

use serde_json::Value;

use super::place::{CISCO, PHONES};
use crate::model::{Action, Attr, Field};

/// Which elements of lists an account has, and its roles as the cloud wrote them.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Standing {
    pub(super) phones: BTreeSet<String>,
    pub(super) work_address: bool,
    pub(super) work_email: bool,
    pub(super) sip: bool,
    pub(super) roles: Vec<Value>,
}

impl Standing {
    /// What a SCIM user shows.
    pub(super) fn of(user: &Value) -> Self {
        let has = |list: &Value, kind: &str| elements(list).iter().any(|element| type_is(element, kind));
        Self {
            phones: elements(&user["phoneNumbers"])
                .iter()
                .filter_map(|phone| phone["type"].as_str().map(str::to_ascii_lowercase))
                .collect(),
            work_address: has(&user["addresses"], "work"),
            work_email: has(&user["emails"], "work"),
            sip: has(&user[CISCO]["sipAddresses"], "enterprise"),
            roles: elements(&user["roles"]).to_vec(),
        }
    }

    /// What the before-images of an action suggest. They do not show whether a work address
    /// exists that has none of the changed parts; a person mostly has one, or none at all.
    pub(super) fn assumed(action: &Action) -> Self {
        let had = |field: Field| {
            action.changes.iter().any(|change| change.field == Attr::Field(field) && change.from.is_some())
        };
        Self {
            phones: PHONES
                .iter()
                .filter(|(field, _)| had(*field))
                .map(|(_, kind)| (*kind).to_owned())
                .collect(),
            work_address: true,
            work_email: true,
            sip: had(Field::SipAddress),
            roles: Vec::new(),
        }
    }
}

/// Whether an action takes roles away, which needs the account's roles as they are.
pub(super) fn needs_standing(action: &Action) -> bool {
    action.changes.iter().any(|change| matches!(change.field, Attr::Role(_)) && change.to.is_none())
}

fn elements(list: &Value) -> &[Value] {
    list.as_array().map_or(&[], Vec::as_slice)
}

fn type_is(element: &Value, kind: &str) -> bool {
    element["type"].as_str().is_some_and(|found| found.eq_ignore_ascii_case(kind))
}
