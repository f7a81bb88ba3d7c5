//! What clients have written about a person: checked once, kept as JSON pieces.
//!
//! Almost everything that is ever done with a person is to send it again. So a profile keeps its
//! attributes as members of a JSON object, in canonical order and checked, and parses them only
//! to change them. A million people then cost their text and little more.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};
use uuid::Uuid;

use super::attributes::{self, CISCO, CORE, CORE_ATTRIBUTES, ENTERPRISE, ENTERPRISE_ATTRIBUTES, READ_ONLY};
use super::emails::{besides, plausible};
use super::errors::Refusal;
use super::ids;
use super::reply::quote;
use super::roles;
use super::shapes::{fits, write};

/// A JSON object.
pub(super) type Object = Map<String, Value>;

const USER_TYPES: &[&str] = &["user", "room", "external_calling", "calling_service"];
const STATES: &[&str] = &[
    "active",
    "pending",
    "transient",
    "disabled",
    "suspended",
    "marked_deleted",
    "fraud",
    "fraud-transient",
    "compliance-transient",
    "pending-transient",
];

/// What clients have written about a person.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct Profile {
    /// As written; compared without case.
    pub(super) user_name: Box<str>,
    /// Empty for none.
    #[serde(default)]
    pub(super) display_name: Box<str>,
    pub(super) active: bool,
    /// An index into the user types.
    #[serde(default)]
    user_type: u8,
    /// The other attributes of the core schema, as members.
    #[serde(default)]
    pub(super) core: Box<str>,
    /// E-mail addresses besides the user name, as elements.
    #[serde(default)]
    pub(super) emails: Box<str>,
    /// Indexes into the role catalogue, in order and without repetition.
    #[serde(default)]
    pub(super) roles: Box<[u8]>,
    /// The enterprise extension without the manager, as members.
    #[serde(default)]
    pub(super) enterprise: Box<str>,
    #[serde(default)]
    pub(super) manager: Option<Uuid>,
    /// The Webex extension without the account status, as members.
    #[serde(default)]
    pub(super) cisco: Box<str>,
    /// The account status, where a client set one.
    #[serde(default)]
    pub(super) status: Option<Box<str>>,
}

impl Profile {
    /// Checks a SCIM user document. What the server writes itself, and what it does not know, is ignored.
    pub(super) fn from_scim(mut doc: Object) -> Result<Self, Refusal> {
        canonical(&mut doc);
        let listed = doc.get("schemas").and_then(Value::as_array).is_some_and(|schemas| {
            schemas.iter().any(|urn| urn.as_str().is_some_and(|urn| urn.eq_ignore_ascii_case(CORE)))
        });
        if !listed {
            return Err(Refusal::bad(format!("schemas must contain {CORE}.")));
        }
        let user_name = text(&doc, "userName", 254)?.unwrap_or_default();
        if !plausible(user_name) {
            return Err(Refusal::bad("userName must be an e-mail address."));
        }
        let user_type = text(&doc, "userType", 64)?.ok_or_else(|| Refusal::bad("userType is required."))?;
        let user_type = USER_TYPES
            .iter()
            .position(|known| known.eq_ignore_ascii_case(user_type))
            .and_then(|at| u8::try_from(at).ok())
            .ok_or_else(|| Refusal::bad("userType is not one of the known types."))?;
        let mut core = String::new();
        for (name, shape) in CORE_ATTRIBUTES {
            if let Some(value) = doc.get(*name) {
                write(&mut core, name, *shape, value)?;
            }
        }
        let mut profile = Self {
            user_name: user_name.into(),
            display_name: text(&doc, "displayName", 512)?.unwrap_or_default().into(),
            active: flag(&doc, "active")?.unwrap_or(true),
            user_type,
            core: core.into(),
            emails: besides(user_name, doc.get("emails"))?.into(),
            roles: roles_in(doc.get("roles"))?,
            enterprise: Box::default(),
            manager: None,
            cisco: Box::default(),
            status: None,
        };
        profile.read_enterprise(doc.get(ENTERPRISE))?;
        profile.read_cisco(doc.get(CISCO))?;
        Ok(profile)
    }

    fn read_enterprise(&mut self, extension: Option<&Value>) -> Result<(), Refusal> {
        let Some(extension) = object(ENTERPRISE, extension)? else { return Ok(()) };
        let mut out = String::new();
        for (name, shape) in ENTERPRISE_ATTRIBUTES {
            if let Some(value) = any_case(extension, name) {
                write(&mut out, name, *shape, value)?;
            }
        }
        self.enterprise = out.into();
        if let Some(manager) = object("manager", any_case(extension, "manager"))? {
            let id = manager.get("value").and_then(Value::as_str).and_then(ids::raw);
            self.manager = Some(id.ok_or_else(|| Refusal::bad("manager.value must be the id of a user."))?);
        }
        Ok(())
    }

    fn read_cisco(&mut self, extension: Option<&Value>) -> Result<(), Refusal> {
        let Some(extension) = object(CISCO, extension)? else { return Ok(()) };
        let mut out = String::new();
        for (name, value) in extension {
            if let Some((name, shape)) = attributes::cisco(name) {
                write(&mut out, &name, shape, value)?;
            }
        }
        self.cisco = out.into();
        // A string in requests and an array in answers; both are understood.
        let status = match any_case(extension, "accountStatus") {
            Some(Value::Array(list)) => list.first(),
            other => other,
        };
        if let Some(status) = status.and_then(Value::as_str) {
            let spelled = status.to_ascii_lowercase().replace('_', "-").replace("marked-", "marked_");
            if !STATES.contains(&spelled.as_str()) {
                return Err(Refusal::bad("accountStatus is not one of the known states."));
            }
            // The first states of a life follow from the account itself: writing back what was read
            // must not freeze them.
            if !["active", "pending", "transient"].contains(&spelled.as_str()) {
                self.status = Some(spelled.into());
            }
        }
        Ok(())
    }

    /// The profile as a SCIM document, to be changed and checked again.
    pub(super) fn document(&self) -> Object {
        let mut doc = parse(&self.core);
        doc.insert("schemas".into(), json!([CORE, ENTERPRISE, CISCO]));
        doc.insert("userName".into(), self.user_name.as_ref().into());
        if !self.display_name.is_empty() {
            doc.insert("displayName".into(), self.display_name.as_ref().into());
        }
        doc.insert("active".into(), self.active.into());
        doc.insert("userType".into(), self.user_type().into());
        let emails = serde_json::from_str(&self.email_list()).unwrap_or_default();
        doc.insert("emails".into(), emails);
        if !self.roles.is_empty() {
            let list = self.roles.iter().map(|role| {
                let role = roles::at(*role);
                json!({ "value": role.id, "type": "cirole", "display": role.name })
            });
            doc.insert("roles".into(), list.collect());
        }
        let mut enterprise = parse(&self.enterprise);
        if let Some(manager) = self.manager {
            enterprise.insert("manager".into(), json!({ "value": manager }));
        }
        doc.insert(ENTERPRISE.into(), enterprise.into());
        let mut cisco = parse(&self.cisco);
        if let Some(status) = &self.status {
            cisco.insert("accountStatus".into(), json!([status]));
        }
        doc.insert(CISCO.into(), cisco.into());
        doc
    }

    /// The name of the user type.
    pub(super) fn user_type(&self) -> &'static str {
        USER_TYPES.get(usize::from(self.user_type)).copied().unwrap_or("user")
    }

    /// All e-mail addresses as a JSON array; the server's own entry is first.
    pub(super) fn email_list(&self) -> String {
        let mut out = String::with_capacity(80 + self.emails.len());
        out.push_str("[{\"value\":");
        quote(&mut out, &self.user_name);
        out.push_str(",\"type\":\"work\",\"primary\":true}");
        if !self.emails.is_empty() {
            out.push(',');
            out.push_str(&self.emails);
        }
        out.push(']');
        out
    }

    /// The same profile with other telephone numbers.
    pub(super) fn with_phones(&self, change: impl FnOnce(Vec<Value>) -> Vec<Value>) -> Result<Self, Refusal> {
        let mut doc = self.document();
        let phones = match doc.remove("phoneNumbers") {
            Some(Value::Array(phones)) => phones,
            _ => Vec::new(),
        };
        doc.insert("phoneNumbers".into(), Value::Array(change(phones)));
        Self::from_scim(doc)
    }

    /// The part behind the `@`, in lower case.
    pub(super) fn domain(&self) -> String {
        self.user_name.rsplit('@').next().unwrap_or_default().to_lowercase()
    }
}

/// Members of an object, as an object.
pub(super) fn parse(members: &str) -> Object {
    serde_json::from_str(&format!("{{{members}}}")).unwrap_or_default()
}

/// Gives attributes their canonical spelling and drops nulls, which mean "absent".
fn canonical(doc: &mut Object) {
    doc.retain(|_, value| !value.is_null());
    let odd: Vec<String> = doc
        .keys()
        .filter(|key| {
            !CORE_ATTRIBUTES.iter().any(|(name, _)| name == key) && *key != ENTERPRISE && *key != CISCO
        })
        .cloned()
        .collect();
    for key in odd {
        let known = attributes::find(CORE_ATTRIBUTES, &key)
            .map(|(name, _)| name)
            .or_else(|| [ENTERPRISE, CISCO].into_iter().find(|urn| urn.eq_ignore_ascii_case(&key)));
        if let Some(value) = doc.remove(&key)
            && let Some(known) = known
            && !READ_ONLY.contains(&known)
        {
            doc.entry(known).or_insert(value);
        }
    }
}

fn roles_in(list: Option<&Value>) -> Result<Box<[u8]>, Refusal> {
    let Some(list) = list else { return Ok(Box::default()) };
    let Value::Array(list) = list else { return Err(Refusal::bad("roles must be a list of objects.")) };
    let mut found = Vec::with_capacity(list.len());
    for item in list {
        let kind = item.get("type").and_then(Value::as_str).unwrap_or("cirole");
        if !["cirole", "serviceRole", "globalRole"].iter().any(|known| known.eq_ignore_ascii_case(kind)) {
            return Err(Refusal::bad("roles.type is not one of the known types."));
        }
        let id = item.get("value").and_then(Value::as_str).unwrap_or_default();
        let index = roles::find(id).ok_or_else(|| Refusal::bad("roles.value is not a known role."))?;
        if !roles::at(index).assignable {
            return Err(Refusal::bad("The role cannot be assigned here."));
        }
        found.push(index);
    }
    found.sort_unstable();
    found.dedup();
    Ok(found.into())
}

/// A member whatever the case of its name.
pub(super) fn any_case<'a>(object: &'a Object, name: &str) -> Option<&'a Value> {
    object.get(name).or_else(|| object.iter().find(|(key, _)| key.eq_ignore_ascii_case(name)).map(|(_, v)| v))
}

fn object<'a>(name: &str, value: Option<&'a Value>) -> Result<Option<&'a Object>, Refusal> {
    match value {
        None | Some(Value::Null) => Ok(None),
        Some(Value::Object(object)) => Ok(Some(object)),
        Some(_) => Err(Refusal::bad(format!("{name} must be an object."))),
    }
}

fn text<'a>(doc: &'a Object, name: &str, max: usize) -> Result<Option<&'a str>, Refusal> {
    match doc.get(name) {
        None => Ok(None),
        Some(Value::String(text)) => fits(name, text, max).map(Some),
        Some(_) => Err(Refusal::bad(format!("{name} must be a string."))),
    }
}

fn flag(doc: &Object, name: &str) -> Result<Option<bool>, Refusal> {
    match doc.get(name) {
        None => Ok(None),
        Some(Value::Bool(flag)) => Ok(Some(*flag)),
        Some(_) => Err(Refusal::bad(format!("{name} must be a boolean."))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(value: Value) -> Result<Profile, Refusal> {
        let Value::Object(mut doc) = value else { panic!("an object") };
        doc.entry("schemas").or_insert_with(|| json!([CORE]));
        doc.entry("userType").or_insert_with(|| json!("user"));
        doc.entry("userName").or_insert_with(|| json!("ben@example.com"));
        Profile::from_scim(doc)
    }

    #[test]
    fn a_profile_survives_being_taken_apart() {
        let profile = read(json!({
            "userName": "Ben.Okoro@example.com", "DISPLAYNAME": "Ben \"B\" Okoro", "title": "Technician",
            "name": { "givenName": "Ben", "familyName": "Okoro" }, "unknown": 1, "id": "ignored", "nickName": null,
            "emails": [{ "value": "ben.okoro@EXAMPLE.com", "type": "work", "primary": true },
                       { "value": "ben@home.test", "type": "home" }],
            "phoneNumbers": [{ "value": "+441", "type": "work", "primary": true, "strange": 1 }],
            "roles": [{ "value": "id_user_admin", "type": "cirole" }],
            ENTERPRISE: { "employeeNumber": "E-1", "manager": { "value": "aa000001-1111-4111-8111-000000000001" } },
            CISCO: { "extensionAttribute1": ["src=ad1"], "accountStatus": "suspended", "provisionSource": "AD" },
        }))
        .unwrap();
        assert_eq!(&*profile.user_name, "Ben.Okoro@example.com");
        assert_eq!(&*profile.display_name, "Ben \"B\" Okoro");
        assert_eq!(profile.status.as_deref(), Some("suspended"));
        assert_eq!(&*profile.emails, r#"{"value":"ben@home.test","type":"home"}"#);
        assert!(!profile.core.contains("strange") && !profile.cisco.contains("provisionSource"));
        assert_eq!(Profile::from_scim(profile.document()).unwrap(), profile);
    }

    #[test]
    fn what_webex_would_refuse_is_refused() {
        for (name, wrong) in [
            ("schemas", json!({ "schemas": ["urn:other"] })),
            ("userName", json!({ "userName": "" })),
            ("userName", json!({ "userName": "no at sign" })),
            ("userName", json!({ "userName": format!("{}@example.com", "x".repeat(243)) })),
            ("userType", json!({ "userType": "robot" })),
            ("active", json!({ "active": "false" })),
            ("title", json!({ "title": "x".repeat(513) })),
            ("title", json!({ "title": 7 })),
            ("givenName", json!({ "name": { "givenName": "x".repeat(257) } })),
            ("phoneNumbers", json!({ "phoneNumbers": [{ "value": "1", "type": "pager" }] })),
            ("phoneNumbers", json!({ "phoneNumbers": "1" })),
            (
                "primary",
                json!({ "phoneNumbers": [{ "value": "1", "primary": true }, { "value": "2", "primary": true }] }),
            ),
            (
                "primary work",
                json!({ "emails": [{ "value": "z@example.com", "type": "work", "primary": true }] }),
            ),
            ("emails", json!({ "emails": vec![json!({ "value": "z@example.com", "type": "home" }); 10] })),
            ("roles", json!({ "roles": [{ "value": "id_emperor" }] })),
            ("assigned", json!({ "roles": [{ "value": "id_site_admin" }] })),
            ("manager", json!({ ENTERPRISE: { "manager": { "value": "Ada" } } })),
            ("accountStatus", json!({ CISCO: { "accountStatus": "asleep" } })),
            ("extensionAttribute1", json!({ CISCO: { "extensionAttribute1": "not a list" } })),
        ] {
            let refusal = read(wrong.clone()).expect_err(&wrong.to_string());
            assert!(refusal.message.contains(name), "{name}: {}", refusal.message);
            assert_eq!(refusal.status, 400);
        }
    }

    #[test]
    fn sizes_count_characters_not_bytes() {
        assert!(read(json!({ "title": "名".repeat(512) })).is_ok());
        assert!(read(json!({ "title": "名".repeat(513) })).is_err());
    }
}
