//! A create becomes one SCIM user: pure, so that every spelling can be tested.

use serde_json::{Map, Value, json};

use super::place::{CISCO, CORE, ENTERPRISE, Place, place};
use crate::model::{Action, Attr, Change};

/// The resource that a create sends. Webex adds the work e-mail by itself.
pub(super) fn resource(action: &Action) -> Value {
    let mut user = Map::new();
    let mut name = Map::new();
    let mut enterprise = Map::new();
    let mut cisco = Map::new();
    let mut address = Map::new();
    let mut phones = Vec::new();
    let mut roles = Vec::new();
    user.insert("userName".into(), json!(action.email.as_str()));
    user.insert("userType".into(), json!("user"));
    user.insert("active".into(), json!(true));
    for Change { field, to, .. } in &action.changes {
        let Some(to) = to else { continue };
        match field {
            Attr::Email => drop(user.insert("userName".into(), json!(to))),
            Attr::Active => drop(user.insert("active".into(), json!(to != "false"))),
            Attr::ExternalId => drop(user.insert("externalId".into(), json!(to))),
            Attr::Role(role) => roles.push(json!({ "value": role.as_str(), "type": "cirole" })),
            Attr::License(_) => {}
            Attr::Field(field) => match place(*field) {
                Place::Core(key) => drop(user.insert(key.into(), json!(to))),
                Place::Name(key) => drop(name.insert(key.into(), json!(to))),
                Place::Enterprise(key) => drop(enterprise.insert(key.into(), json!(to))),
                Place::Extension(key) => drop(cisco.insert(key.into(), json!([to]))),
                Place::Phone(kind) => phones.push(json!({ "value": to, "type": kind })),
                Place::Address(key) => drop(address.insert(key.into(), json!(to))),
                Place::Sip => {
                    cisco.insert("sipAddresses".into(), json!([{ "value": to, "type": "enterprise" }]));
                }
            },
        }
    }
    let mut schemas = vec![CORE];
    if !name.is_empty() {
        user.insert("name".into(), name.into());
    }
    if !phones.is_empty() {
        user.insert("phoneNumbers".into(), phones.into());
    }
    if !address.is_empty() {
        address.insert("type".into(), json!("work"));
        user.insert("addresses".into(), json!([address]));
    }
    if !roles.is_empty() {
        user.insert("roles".into(), roles.into());
    }
    if !enterprise.is_empty() {
        schemas.push(ENTERPRISE);
        user.insert(ENTERPRISE.into(), enterprise.into());
    }
    if !cisco.is_empty() {
        schemas.push(CISCO);
        user.insert(CISCO.into(), cisco.into());
    }
    user.insert("schemas".into(), json!(schemas));
    user.into()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{Cause, Field, Kind, RoleId, SourceId};

    fn create(changes: Vec<(Attr, Option<&str>)>) -> Value {
        resource(&Action {
            kind: Kind::Create,
            anchor: SourceId::new([1; 16]),
            email: "ann@example.com".parse().unwrap(),
            dn: None,
            cloud_id: None,
            changes: changes
                .into_iter()
                .map(|(field, to)| Change::new(field, None, to.map(Into::into)))
                .collect(),
            cause: Cause::NewRecord,
        })
    }

    use Attr::{Active, Email, ExternalId, Field as F, Role};

    #[test]
    fn a_create_is_a_whole_resource() {
        let every: Vec<_> = [Email, Active, ExternalId, Role(RoleId::new("id_user_admin"))]
            .into_iter()
            .chain(Field::ALL.iter().map(|field| F(*field)))
            .map(|attr| (attr, Some("v")))
            .collect();
        let user = create(every);
        assert_eq!(
            user,
            json!({
                "schemas": [CORE, ENTERPRISE, CISCO], "userName": "v", "userType": "user", "active": true,
                "externalId": "v", "displayName": "v", "nickName": "v", "title": "v", "preferredLanguage": "v",
                "timezone": "v", "profileUrl": "v",
                "name": { "givenName": "v", "middleName": "v", "familyName": "v" },
                "phoneNumbers": [{ "value": "v", "type": "work" }, { "value": "v", "type": "mobile" }, { "value": "v", "type": "fax" }],
                "addresses": [{ "type": "work", "streetAddress": "v", "locality": "v", "region": "v", "postalCode": "v", "country": "v" }],
                "roles": [{ "value": "id_user_admin", "type": "cirole" }],
                ENTERPRISE: { "department": "v", "division": "v", "organization": "v", "employeeNumber": "v", "costCenter": "v" },
                CISCO: { "sipAddresses": [{ "value": "v", "type": "enterprise" }], "extensionAttribute1": ["v"],
                         "extensionAttribute2": ["v"], "extensionAttribute3": ["v"], "extensionAttribute4": ["v"], "extensionAttribute5": ["v"] },
            })
        );
        let bare = create(vec![(Active, Some("false")), (F(Field::Title), None)]);
        assert_eq!(
            bare,
            json!({ "schemas": [CORE], "userName": "ann@example.com", "userType": "user", "active": false })
        );
    }

    #[test]
    fn what_was_created_reads_back_as_itself() {
        let every: Vec<_> = Field::ALL.iter().map(|field| (F(*field), Some(field.name()))).collect();
        let mut user = create(every);
        user["id"] = json!("x");
        let text = user.to_string();
        let account = super::super::account::account(serde_json::from_str(&text).unwrap());
        for field in Field::ALL {
            assert_eq!(account.profile.get(field).map(String::as_str), Some(field.name()));
        }
    }
}
