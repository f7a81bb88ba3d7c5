//! A create becomes one SCIM user: pure, so that every spelling can be tested.
//!
//! The resource borrows its texts from the action and is written as JSON at once: a first load
//! makes one for everybody.

use serde::{Serialize, Serializer};
use serde_json::value::{RawValue, to_raw_value};

use super::account::user_type;
use super::place::{CISCO, CORE, ENTERPRISE, List as Typed, Place, Postal, place};
use crate::model::{Action, Attr, Change};

/// A piece of JSON made of borrowed texts.
enum Part<'a> {
    Flag(bool),
    Text(&'a str),
    List(Vec<Part<'a>>),
    Object(Object<'a>),
}

impl Serialize for Part<'_> {
    fn serialize<S: Serializer>(&self, s: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Flag(flag) => s.serialize_bool(*flag),
            Self::Text(text) => s.serialize_str(text),
            Self::List(parts) => s.collect_seq(parts),
            Self::Object(object) => object.serialize(s),
        }
    }
}

/// Names with their values, each name once.
#[derive(Default)]
struct Object<'a>(Vec<(&'static str, Part<'a>)>);

impl<'a> Object<'a> {
    fn of<const N: usize>(entries: [(&'static str, Part<'a>); N]) -> Part<'a> {
        Part::Object(Self(entries.into()))
    }

    /// The last word about a name counts.
    fn put(&mut self, name: &'static str, part: Part<'a>) {
        match self.0.iter_mut().find(|(known, _)| *known == name) {
            Some((_, old)) => *old = part,
            None => self.0.push((name, part)),
        }
    }
}

impl Serialize for Object<'_> {
    fn serialize<S: Serializer>(&self, s: S) -> Result<S::Ok, S::Error> {
        s.collect_map(self.0.iter().map(|(name, part)| (name, part)))
    }
}

/// The resource that a create sends. Webex adds the work e-mail by itself.
pub(super) fn resource(action: &Action) -> Box<RawValue> {
    use Part::{Flag, List, Text};
    let mut user = Object::default();
    let mut name = Object::default();
    let mut enterprise = Object::default();
    let mut cisco = Object::default();
    let mut addresses = Postal::ALL.map(|home| (home, Object::default()));
    let mut lists: Vec<(Typed, Vec<Part<'_>>)> = Vec::new();
    let mut roles = Vec::new();
    user.put("userName", Text(action.who.as_str()));
    user.put("userType", Text(user_type(action.who.kind())));
    user.put("active", Flag(true));
    for Change { field, to, .. } in &action.changes {
        let Some(to) = to.as_deref() else { continue };
        match field {
            Attr::Email => user.put("userName", Text(to)),
            Attr::Active => user.put("active", Flag(to != "false")),
            Attr::ExternalId => user.put("externalId", Text(to)),
            Attr::Role(role) => {
                roles.push(Object::of([("value", Text(role.as_str())), ("type", Text("cirole"))]));
            }
            Attr::License(_) | Attr::Member(_) => {}
            Attr::Field(field) => match place(*field) {
                Place::Core(key) => user.put(key, Text(to)),
                Place::Name(key) => name.put(key, Text(to)),
                Place::Enterprise(key) => enterprise.put(key, Text(to)),
                Place::Manager => enterprise.put("manager", Object::of([("value", Text(to))])),
                Place::Extension(key) => cisco.put(key, List(vec![Text(to)])),
                Place::Flag(key) => cisco.put(key, Flag(to == "true")),
                Place::Beside => {}
                Place::Pronouns => cisco.put("pronouns", Object::of([("value", Text(to))])),
                Place::Element(element) => {
                    let marks = element.marks.iter().map(|(key, mark)| (*key, Text(mark)));
                    let one = Object([("value", Text(to))].into_iter().chain(marks).collect());
                    match lists.iter_mut().find(|(list, _)| *list == element.list) {
                        Some((_, list)) => list.push(Part::Object(one)),
                        None => lists.push((element.list, vec![Part::Object(one)])),
                    }
                }
                Place::Address(home, key) => {
                    if let Some((_, address)) = addresses.iter_mut().find(|(one, _)| *one == home) {
                        address.put(key, Text(to));
                    }
                }
            },
        }
    }
    let mut schemas = vec![Text(CORE)];
    if !name.0.is_empty() {
        user.put("name", Part::Object(name));
    }
    for (list, elements) in lists {
        let schema = if list.is_extension() { &mut cisco } else { &mut user };
        schema.put(list.name(), List(elements));
    }
    let mut given = Vec::new();
    for (home, mut address) in addresses {
        if !address.0.is_empty() {
            address.put("type", Text(home.kind()));
            given.push(Part::Object(address));
        }
    }
    if !given.is_empty() {
        user.put("addresses", List(given));
    }
    if !roles.is_empty() {
        user.put("roles", List(roles));
    }
    if !enterprise.0.is_empty() {
        schemas.push(Text(ENTERPRISE));
        user.put(ENTERPRISE, Part::Object(enterprise));
    }
    if !cisco.0.is_empty() {
        schemas.push(Text(CISCO));
        user.put(CISCO, Part::Object(cisco));
    }
    user.put("schemas", List(schemas));
    to_raw_value(&user).expect("texts under texts are always JSON")
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;
    use crate::model::{Cause, Field, Kind, RoleId, SourceId};

    fn create(changes: Vec<(Attr, Option<&str>)>) -> Value {
        let resource = resource(&Action {
            kind: Kind::Create,
            anchor: SourceId::new([1; 16]),
            who: "ann@example.com".parse().unwrap(),
            dn: None,
            cloud_id: None,
            changes: changes
                .into_iter()
                .map(|(field, to)| Change::new(field, None, to.map(Into::into)))
                .collect(),
            cause: Cause::NewRecord,
        });
        serde_json::from_str(resource.get()).unwrap()
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
        let mut cisco = json!({
            "sipAddresses": [{ "value": "v", "type": "enterprise" }], "pronouns": { "value": "v" },
            "isTeamsOnJabberEnabled": false, "isUCCallOnJabberEnabled": false,
        });
        for n in 1..=15 {
            cisco[format!("extensionAttribute{n}")] = json!(["v"]);
            cisco[format!("externalAttribute{n}")] = json!([{ "value": "v", "source": "dirsyncd" }]);
        }
        assert_eq!(
            user,
            json!({
                "schemas": [CORE, ENTERPRISE, CISCO], "userName": "v", "userType": "user", "active": true,
                "externalId": "v", "displayName": "v", "nickName": "v", "title": "v", "preferredLanguage": "v",
                "locale": "v", "timezone": "v", "profileUrl": "v",
                "name": { "givenName": "v", "middleName": "v", "familyName": "v", "honorificPrefix": "v", "honorificSuffix": "v" },
                "emails": [{ "value": "v", "type": "home" },
                    { "value": "v", "type": "other", "display": "alias 1" }, { "value": "v", "type": "other", "display": "alias 2" },
                    { "value": "v", "type": "other", "display": "alias 3" }, { "value": "v", "type": "other", "display": "alias 4" }],
                "phoneNumbers": [{ "value": "v", "type": "work" }, { "value": "v", "type": "mobile" }, { "value": "v", "type": "fax" },
                    { "value": "v", "type": "alternate1" }, { "value": "v", "type": "alternate2" }],
                "photos": [{ "value": "v", "type": "photo" }, { "value": "v", "type": "thumbnail" }, { "value": "v", "type": "resizable" }],
                "ims": [{ "value": "v", "type": "xmpp" }, { "value": "v", "type": "skype" }, { "value": "v", "type": "qq" }],
                "x509Certificates": [{ "value": "v", "display": "certificate 1" }, { "value": "v", "display": "certificate 2" },
                    { "value": "v", "display": "certificate 3" }],
                "addresses": [
                    { "type": "work", "streetAddress": "v", "locality": "v", "region": "v", "postalCode": "v", "country": "v" },
                    { "type": "home", "streetAddress": "v", "locality": "v", "region": "v", "postalCode": "v", "country": "v" },
                    { "type": "other", "streetAddress": "v", "locality": "v", "region": "v", "postalCode": "v", "country": "v" }],
                "roles": [{ "value": "id_user_admin", "type": "cirole" }],
                ENTERPRISE: { "department": "v", "division": "v", "organization": "v", "employeeNumber": "v", "costCenter": "v", "manager": { "value": "v" } },
                CISCO: cisco,
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
        let sample = |field: Field| if field.max_len() == 5 { "true" } else { field.name() };
        let shown = || Field::ALL.iter().copied().filter(|field| !field.is_setting());
        let every: Vec<_> = shown().map(|field| (F(field), Some(sample(field)))).collect();
        let mut user = create(every);
        user["id"] = json!("x");
        let text = user.to_string();
        let account = super::super::account::account(serde_json::from_str(&text).unwrap());
        for field in shown() {
            assert_eq!(account.profile.get(&field).map(String::as_str), Some(sample(field)));
        }
    }
}
