//! An action on an account becomes one SCIM patch: pure, so that every spelling can be tested.
//!
//! Scalars are simple: replace, or remove. Phones, e-mails, photos, postal addresses and the
//! enterprise SIP address are elements of lists, and SCIM refuses (`noTarget`) to replace a
//! part of an element that is not there. What is there is taken from the before-images of
//! the action first; when the cloud disagrees, the account is read, and the operation built
//! again from [`Standing`].

use std::collections::BTreeSet;

use serde_json::{Map, Value, json};

use super::place::{CISCO, ENTERPRISE, Element, Place, Postal, place};
use super::standing::Standing;
use crate::model::{Action, Attr, Change, Kind};

const PATCH: &str = "urn:ietf:params:scim:api:messages:2.0:PatchOp";

/// The patch of an action on an account; `None` when nothing is left to change. `standing` is
/// what the account has, when it was read.
pub(super) fn patch(action: &Action, standing: Option<&Standing>) -> Option<Value> {
    let assumed;
    let standing = match standing {
        Some(read) => read,
        None => {
            assumed = Standing::assumed(action);
            &assumed
        }
    };
    let mut ops = Vec::new();
    if let Some(active) = active(action) {
        ops.push(replace("active", json!(active)));
    }
    let mut addresses = Postal::ALL.map(|home| (home, Map::new()));
    for Change { field, to, .. } in &action.changes {
        match field {
            // `active` stands first; licences are assigned on another way, members are no part of people.
            Attr::Active | Attr::License(_) | Attr::Role(_) | Attr::Member(_) => {}
            Attr::Email => {
                let Some(to) = to else { continue };
                // The address first: a server that keeps its own entry equal to the user name
                // has none of the old type to find once the name is changed.
                ops.push(if standing.work_email {
                    replace(r#"emails[type eq "work"].value"#, json!(to))
                } else {
                    add("emails", json!([{ "value": to, "type": "work", "primary": true }]))
                });
                ops.push(replace("userName", json!(to)));
            }
            Attr::ExternalId => ops.push(set("externalId", to.as_deref())),
            Attr::Field(field) => match place(*field) {
                Place::Core(key) => ops.push(set(key, to.as_deref())),
                Place::Name(key) => ops.push(set(&format!("name.{key}"), to.as_deref())),
                Place::Enterprise(key) => ops.push(set(&format!("{ENTERPRISE}:{key}"), to.as_deref())),
                Place::Manager => {
                    let path = format!("{ENTERPRISE}:manager");
                    ops.push(
                        to.as_ref()
                            .map_or_else(|| remove(&path), |to| replace(&path, json!({ "value": to }))),
                    );
                }
                Place::Extension(key) => {
                    let path = format!("{CISCO}:{key}");
                    ops.push(to.as_ref().map_or_else(|| remove(&path), |to| replace(&path, json!([to]))));
                }
                Place::Flag(key) => {
                    let path = format!("{CISCO}:{key}");
                    ops.push(
                        to.as_ref().map_or_else(|| remove(&path), |to| replace(&path, json!(to == "true"))),
                    );
                }
                Place::Beside => {}
                Place::Pronouns => ops.push(set(&format!("{CISCO}:pronouns.value"), to.as_deref())),
                Place::Element(one) => {
                    ops.extend(element(one, standing.elements.contains(*field), to.as_deref()));
                }
                Place::Address(home, key) if standing.has_address(home) => {
                    let path = format!(r#"addresses[type eq "{}"].{key}"#, home.kind());
                    ops.push(set(&path, to.as_deref()));
                }
                Place::Address(home, key) => {
                    let new = addresses.iter_mut().find(|(one, _)| *one == home);
                    if let (Some(to), Some((_, address))) = (to, new) {
                        address.insert(key.into(), json!(to));
                    }
                }
            },
        }
    }
    for (home, mut address) in addresses {
        if !address.is_empty() {
            address.insert("type".into(), json!(home.kind()));
            ops.push(add("addresses", json!([address])));
        }
    }
    ops.extend(roles(action, standing));
    (!ops.is_empty()).then(|| json!({ "schemas": [PATCH], "Operations": ops }))
}

/// Whether the action sets `active`, and to what.
fn active(action: &Action) -> Option<bool> {
    let change = action.changes.iter().find(|change| change.field == Attr::Active);
    match (action.kind, change.and_then(|change| change.to.as_deref())) {
        (_, Some(to)) => Some(to != "false"),
        (Kind::Deactivate, None) => Some(false),
        (Kind::Reactivate, None) => Some(true),
        _ => None,
    }
}

/// Roles are given one by one. When any is taken, the whole reduced list is written: other
/// clients of this service found that the removal of a single role by a path is accepted and
/// not carried out, and a list leaves no doubt. What the list holds besides stays as it is.
fn roles(action: &Action, standing: &Standing) -> Option<Value> {
    let entry = |role: &str| json!({ "value": role, "type": "cirole" });
    let mut given = Vec::new();
    let mut taken = BTreeSet::new();
    for change in &action.changes {
        let Attr::Role(role) = &change.field else { continue };
        if change.to.is_some() {
            given.push(role.as_str());
        } else {
            taken.insert(role.as_str());
        }
    }
    if taken.is_empty() {
        let list: Vec<Value> = given.into_iter().map(entry).collect();
        return (!list.is_empty()).then(|| add("roles", list.into()));
    }
    let value = |role: &Value| role["value"].as_str().unwrap_or_default().to_owned();
    let mut kept: Vec<Value> =
        standing.roles.iter().filter(|role| !taken.contains(value(role).as_str())).cloned().collect();
    for role in given {
        if !kept.iter().any(|kept| value(kept) == role) {
            kept.push(entry(role));
        }
    }
    if kept == standing.roles {
        return None;
    }
    Some(if kept.is_empty() { remove("roles") } else { replace("roles", kept.into()) })
}

/// One element of a list.
fn element(element: Element, exists: bool, to: Option<&str>) -> Option<Value> {
    let path = element.path();
    match (exists, to) {
        (true, Some(to)) => Some(replace(&format!("{path}.value"), json!(to))),
        (true, None) => Some(remove(&path)),
        (false, Some(to)) => {
            let marks = element.marks.iter().map(|(key, mark)| (*key, *mark));
            let new: Map<_, _> = [("value", to)]
                .into_iter()
                .chain(marks)
                .map(|(key, text)| (key.into(), json!(text)))
                .collect();
            Some(add(&element.list.path(), json!([new])))
        }
        (false, None) => None,
    }
}

fn set(path: &str, to: Option<&str>) -> Value {
    to.map_or_else(|| remove(path), |to| replace(path, json!(to)))
}

fn replace(path: &str, value: Value) -> Value {
    json!({ "op": "replace", "path": path, "value": value })
}

fn add(path: &str, value: Value) -> Value {
    json!({ "op": "add", "path": path, "value": value })
}

fn remove(path: &str) -> Value {
    json!({ "op": "remove", "path": path })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cloud::webex::standing::needs_standing;
    use crate::model::{Cause, Field, RoleId, SourceId};

    fn action(kind: Kind, changes: Vec<(Attr, Option<&str>, Option<&str>)>) -> Action {
        Action {
            kind,
            anchor: SourceId::new([1; 16]),
            who: "ann@example.com".parse().unwrap(),
            dn: None,
            cloud_id: None,
            changes: changes
                .into_iter()
                .map(|(field, from, to)| Change::new(field, from.map(Into::into), to.map(Into::into)))
                .collect(),
            cause: Cause::Desired,
        }
    }

    fn ops(action: &Action, standing: Option<&Standing>) -> Vec<(String, String, Value)> {
        let patch = patch(action, standing).unwrap_or(json!({ "Operations": [] }));
        patch["Operations"]
            .as_array()
            .unwrap()
            .iter()
            .map(|op| {
                let text = |key: &str| op[key].as_str().unwrap().to_owned();
                (text("op"), text("path"), op["value"].clone())
            })
            .collect()
    }

    fn op(op: &str, path: &str, value: Value) -> (String, String, Value) {
        (op.into(), path.into(), value)
    }

    use Attr::{Active, Email, ExternalId, Field as F, Role};

    #[test]
    fn scalars_are_replaced_or_removed() {
        let action = action(
            Kind::Update,
            vec![
                (ExternalId, None, Some("x")),
                (F(Field::Title), Some("a"), Some("b")),
                (F(Field::NickName), Some("a"), None),
                (F(Field::GivenName), None, Some("b")),
                (F(Field::Department), Some("a"), Some("b")),
                (F(Field::CostCenter), Some("a"), None),
                (F(Field::Extension3), Some("a"), Some("b")),
                (F(Field::Extension4), Some("a"), None),
            ],
        );
        assert_eq!(
            ops(&action, None),
            [
                op("replace", "externalId", json!("x")),
                op("replace", "title", json!("b")),
                op("remove", "nickName", Value::Null),
                op("replace", "name.givenName", json!("b")),
                op("replace", &format!("{ENTERPRISE}:department"), json!("b")),
                op("remove", &format!("{ENTERPRISE}:costCenter"), Value::Null),
                op("replace", &format!("{CISCO}:extensionAttribute3"), json!(["b"])),
                op("remove", &format!("{CISCO}:extensionAttribute4"), Value::Null),
            ]
        );
    }

    #[test]
    fn elements_follow_the_before_image_and_then_the_account() {
        let action = action(
            Kind::Update,
            vec![
                (Email, Some("old@example.com"), Some("new@example.com")),
                (F(Field::PhoneWork), Some("1"), Some("2")),
                (F(Field::PhoneMobile), None, Some("3")),
                (F(Field::PhoneFax), Some("4"), None),
                (F(Field::City), None, Some("Leeds")),
                (F(Field::Region), Some("Kent"), None),
                (F(Field::SipAddress), Some("a@b"), Some("c@d")),
            ],
        );
        let sip = format!("{CISCO}:sipAddresses");
        assert_eq!(
            ops(&action, None),
            [
                op("replace", r#"emails[type eq "work"].value"#, json!("new@example.com")),
                op("replace", "userName", json!("new@example.com")),
                op("replace", r#"phoneNumbers[type eq "work"].value"#, json!("2")),
                op("add", "phoneNumbers", json!([{ "value": "3", "type": "mobile" }])),
                op("remove", r#"phoneNumbers[type eq "fax"]"#, Value::Null),
                op("replace", r#"addresses[type eq "work"].locality"#, json!("Leeds")),
                op("remove", r#"addresses[type eq "work"].region"#, Value::Null),
                op("replace", &format!(r#"{sip}[type eq "enterprise"].value"#), json!("c@d")),
            ]
        );
        let bare = Standing::of(&json!({ "id": "x", "phoneNumbers": [{ "type": "Mobile", "value": "9" }] }));
        assert_eq!(
            ops(&action, Some(&bare)),
            [
                op("add", "emails", json!([{ "value": "new@example.com", "type": "work", "primary": true }])),
                op("replace", "userName", json!("new@example.com")),
                op("add", "phoneNumbers", json!([{ "value": "2", "type": "work" }])),
                op("replace", r#"phoneNumbers[type eq "mobile"].value"#, json!("3")),
                op("add", &sip, json!([{ "value": "c@d", "type": "enterprise" }])),
                op("add", "addresses", json!([{ "type": "work", "locality": "Leeds" }])),
            ]
        );
    }

    #[test]
    fn the_rest_has_a_spelling_too() {
        let changes = vec![
            (F(Field::JabberTeams), Some("false"), Some("true")),
            (F(Field::JabberCalling), Some("true"), None),
            (F(Field::Manager), Some("id-1"), Some("id-2")),
            (F(Field::EmailAlias2), Some("a@b"), Some("c@d")),
            (F(Field::EmailAlias3), None, Some("e@f")),
            (F(Field::EmailHome), Some("g@h"), None),
            (F(Field::PhotoUrl), None, Some("https://x")),
            (F(Field::HomeCity), None, Some("York")),
        ];
        let action = action(Kind::Update, changes);
        let both = [
            op("replace", &format!("{CISCO}:isTeamsOnJabberEnabled"), json!(true)),
            op("remove", &format!("{CISCO}:isUCCallOnJabberEnabled"), Value::Null),
            op("replace", &format!("{ENTERPRISE}:manager"), json!({ "value": "id-2" })),
        ];
        let (alias, photo) =
            (r#"emails[display eq "alias 2"].value"#, json!({ "value": "https://x", "type": "photo" }));
        let third = json!([{ "value": "e@f", "type": "other", "display": "alias 3" }]);
        let [one, two, three] = both.clone();
        assert_eq!(
            ops(&action, None),
            [
                one,
                two,
                three,
                op("replace", alias, json!("c@d")),
                op("add", "emails", third),
                op("remove", r#"emails[type eq "home"]"#, Value::Null),
                op("add", "photos", json!([photo])),
                op("replace", r#"addresses[type eq "home"].locality"#, json!("York")),
            ]
        );
        let second = json!({ "value": "c@d", "type": "other", "display": "alias 2" });
        let seen = Standing::of(&json!({
            "emails": [{ "value": "x@y", "type": "other" }, { "value": "e", "type": "other", "display": "Alias 3" }],
        }));
        let [one, two, three] = both;
        assert_eq!(
            ops(&action, Some(&seen)),
            [
                one,
                two,
                three,
                op("add", "emails", json!([second])),
                op("replace", r#"emails[display eq "alias 3"].value"#, json!("e@f")),
                op("add", "photos", json!([photo])),
                op("add", "addresses", json!([{ "type": "home", "locality": "York" }])),
            ]
        );
    }

    #[test]
    fn active_is_set_even_when_only_the_kind_says_so() {
        for (kind, changes, expected) in [
            (Kind::Deactivate, vec![(Active, Some("true"), Some("false"))], Some(false)),
            (Kind::Deactivate, vec![], Some(false)),
            (Kind::Reactivate, vec![], Some(true)),
            (Kind::Update, vec![(Active, Some("false"), Some("true"))], Some(true)),
            (Kind::Update, vec![], None),
        ] {
            let found = ops(&action(kind, changes), None);
            assert_eq!(found.first().map(|(_, _, value)| value.as_bool().unwrap()), expected);
        }
    }

    #[test]
    fn taking_a_role_writes_what_is_left() {
        let full = Role(RoleId::new("id_full_admin"));
        let user = Role(RoleId::new("id_user_admin"));
        let give = action(Kind::RoleChange, vec![(user.clone(), None, Some("held"))]);
        assert!(!needs_standing(&give));
        assert_eq!(
            ops(&give, None),
            [op("add", "roles", json!([{ "value": "id_user_admin", "type": "cirole" }]))]
        );

        let other = json!({ "value": "x", "type": "serviceRole", "display": "X" });
        let admin = json!({ "value": "id_full_admin", "type": "cirole" });
        let both = Standing::of(&json!({ "roles": [other, admin] }));
        let take = action(Kind::RoleChange, vec![(full.clone(), Some("held"), None)]);
        assert!(needs_standing(&take));
        assert_eq!(ops(&take, Some(&both)), [op("replace", "roles", json!([other]))]);
        let only = Standing::of(&json!({ "roles": [admin] }));
        assert_eq!(ops(&take, Some(&only)), [op("remove", "roles", Value::Null)]);
        assert_eq!(patch(&take, Some(&Standing::default())), None, "already gone");
        let swap = action(Kind::RoleChange, vec![(full, Some("held"), None), (user, None, Some("held"))]);
        assert_eq!(
            ops(&swap, Some(&only)),
            [op("replace", "roles", json!([{ "value": "id_user_admin", "type": "cirole" }]))]
        );
    }
}
