//! An account as a SCIM document. Written by hand: a listing of a million people is made of this.

use serde_json::{Map, Value};
use uuid::Uuid;

use super::attributes::{CISCO, CORE, ENTERPRISE};
use super::person::Person;
use super::reply::{comma, instant, member, member_raw, members, quote};
use super::roles;
use super::route::Query;
use super::state::State;

/// What a document shows besides the attributes.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Detail {
    /// The groups of the person (searches only).
    pub(super) groups: bool,
    /// `meta.organizationId` of the Webex extension, which a read by id leaves out.
    pub(super) organization: bool,
}

/// An account as a SCIM document.
pub(super) fn user(state: &State, base: &str, person: &Person, detail: Detail) -> String {
    let profile = &person.profile;
    let mut id_buffer = Uuid::encode_buffer();
    let id: &str = person.id.as_hyphenated().encode_lower(&mut id_buffer);
    let mut out = String::with_capacity(900 + profile.core.len() + profile.cisco.len());
    out.push_str("{\"schemas\":[");
    quote(&mut out, CORE);
    comma(&mut out);
    quote(&mut out, CISCO);
    let enterprise = !profile.enterprise.is_empty() || profile.manager.is_some();
    if enterprise {
        comma(&mut out);
        quote(&mut out, ENTERPRISE);
    }
    out.push(']');
    member(&mut out, "id", id);
    member(&mut out, "userName", &profile.user_name);
    member_raw(&mut out, "active", if profile.active { "true" } else { "false" });
    if !profile.display_name.is_empty() {
        member(&mut out, "displayName", &profile.display_name);
    }
    member_raw(&mut out, "emails", &profile.email_list());
    member(&mut out, "userType", profile.user_type());
    members(&mut out, &profile.core);
    if !profile.roles.is_empty() {
        member_raw(&mut out, "roles", &role_list(&profile.roles));
    }
    if detail.groups {
        group_list(&mut out, state, base, person.id);
    }
    if enterprise {
        comma(&mut out);
        quote(&mut out, ENTERPRISE);
        out.push_str(":{");
        members(&mut out, &profile.enterprise);
        if let Some(manager) = profile.manager {
            write_manager(&mut out, state, base, manager);
        }
        out.push('}');
    }
    comma(&mut out);
    quote(&mut out, CISCO);
    out.push_str(":{\"accountStatus\":[");
    quote(&mut out, person.status());
    out.push(']');
    members(&mut out, &profile.cisco);
    if person.made_by_scim {
        member(&mut out, "provisionSource", "SCIM");
    }
    if detail.organization {
        let org = state.org.id.to_string();
        comma(&mut out);
        out.push_str("\"meta\":{");
        member(&mut out, "organizationId", &org);
        out.push('}');
    }
    out.push('}');
    comma(&mut out);
    out.push_str("\"meta\":{\"resourceType\":\"User\"");
    member(&mut out, "location", &location(state, base, "Users", person.id));
    member(&mut out, "version", &version(person.revision));
    member(&mut out, "created", &instant(person.created));
    member(&mut out, "lastModified", &instant(person.modified));
    out.push_str("}}");
    out
}

/// The address of a resource.
pub(super) fn location(state: &State, base: &str, kind: &str, id: Uuid) -> String {
    format!("{base}/identity/scim/{}/v2/{kind}/{id}", state.org.id)
}

/// The version of a resource.
pub(super) fn version(revision: u32) -> String {
    format!("W/\"{revision}\"")
}

fn role_list(list: &[u8]) -> String {
    let mut out = String::from("[");
    for role in list {
        let role = roles::at(*role);
        comma(&mut out);
        out.push('{');
        member(&mut out, "value", role.id);
        member(&mut out, "type", "cirole");
        member(&mut out, "display", role.name);
        out.push('}');
    }
    out.push(']');
    out
}

fn group_list(out: &mut String, state: &State, base: &str, id: Uuid) {
    let Some(slot) = state.roster.slot_of(id) else { return };
    let mut list = String::from("[");
    for group in state.groups.of(slot) {
        comma(&mut list);
        list.push('{');
        member(&mut list, "value", &group.id.to_string());
        member(&mut list, "display", &group.display_name);
        member(&mut list, "$ref", &location(state, base, "Groups", group.id));
        list.push('}');
    }
    list.push(']');
    if list.len() > 2 {
        member_raw(out, "groups", &list);
    }
}

fn write_manager(out: &mut String, state: &State, base: &str, id: Uuid) {
    comma(out);
    out.push_str("\"manager\":{");
    member(out, "value", &id.to_string());
    if let Some(manager) = state.roster.slot_of(id).and_then(|slot| state.roster.get(slot)) {
        member(out, "displayName", &manager.profile.display_name);
    }
    member(out, "$ref", &location(state, base, "Users", id));
    out.push('}');
}

/// Which attributes a reader wants: `attributes` and `excludedAttributes`.
#[derive(Debug, Default)]
pub(super) struct Projection {
    only: Vec<String>,
    without: Vec<String>,
}

impl Projection {
    /// Reads the parameters.
    pub(super) fn of(query: &Query) -> Self {
        let list = |name: &str| -> Vec<String> {
            let text = query.get(name).unwrap_or_default();
            text.split(',').map(|path| path.trim().to_lowercase()).filter(|path| !path.is_empty()).collect()
        };
        Self { only: list("attributes"), without: list("excludedAttributes") }
    }

    /// Whether an attribute of the core schema is left out altogether.
    pub(super) fn excludes(&self, name: &str) -> bool {
        let name = name.to_lowercase();
        self.without.contains(&name)
            || (!self.only.is_empty() && !self.only.iter().any(|path| path.split('.').next() == Some(&name)))
    }

    /// The document with only what was asked for. `schemas` and `id` always stay.
    pub(super) fn apply(&self, document: String) -> String {
        if self.only.is_empty() && self.without.is_empty() {
            return document;
        }
        let Ok(Value::Object(whole)) = serde_json::from_str(&document) else { return document };
        let mut kept = Map::new();
        for (name, value) in whole {
            if name == "schemas" || name == "id" {
                kept.insert(name, value);
            } else if let Some(value) = self.keep(&name.to_lowercase(), value) {
                kept.insert(name, value);
            }
        }
        Value::Object(kept).to_string()
    }

    /// What remains of the value at a path in lower case.
    fn keep(&self, path: &str, value: Value) -> Option<Value> {
        let names = |paths: &[String]| paths.iter().any(|known| known == path);
        // A path below this one, behind a dot or (for extensions) a colon.
        let below = |paths: &[String]| {
            paths
                .iter()
                .any(|known| known.strip_prefix(path).is_some_and(|rest| rest.starts_with(['.', ':'])))
        };
        if names(&self.without) {
            return None;
        }
        if !self.only.is_empty() && !names(&self.only) {
            if !below(&self.only) {
                return None;
            }
            return self.parts(path, value, true);
        }
        if below(&self.without) { self.parts(path, value, false) } else { Some(value) }
    }

    fn parts(&self, path: &str, value: Value, only_named: bool) -> Option<Value> {
        let wanted = |name: &str| {
            let full = [format!("{path}.{}", name.to_lowercase()), format!("{path}:{}", name.to_lowercase())];
            let listed = |paths: &[String]| {
                paths.iter().any(|known| {
                    full.iter()
                        .any(|full| known == full || (only_named && known.starts_with(&format!("{full}."))))
                })
            };
            if only_named { listed(&self.only) } else { !listed(&self.without) }
        };
        match value {
            Value::Object(object) => {
                let kept: Map<_, _> = object.into_iter().filter(|(name, _)| wanted(name)).collect();
                (!kept.is_empty()).then_some(Value::Object(kept))
            }
            Value::Array(list) => {
                Some(list.into_iter().filter_map(|item| self.parts(path, item, only_named)).collect())
            }
            other => Some(other),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn projected(query: &str) -> Value {
        let document = json!({
            "schemas": [CORE], "id": "x", "userName": "ben@example.com", "name": { "givenName": "B", "familyName": "O" },
            "phoneNumbers": [{ "value": "1", "type": "work" }], ENTERPRISE: { "department": "D", "division": "V" },
        });
        serde_json::from_str(&Projection::of(&Query::parse(query)).apply(document.to_string())).unwrap()
    }

    #[test]
    fn readers_get_what_they_ask_for() {
        let base = json!({ "schemas": [CORE], "id": "x" });
        let with = |extra: Value| {
            let mut all = base.clone();
            all.as_object_mut().unwrap().extend(extra.as_object().unwrap().clone());
            all
        };
        for (query, expected) in [
            ("attributes=userName", with(json!({ "userName": "ben@example.com" }))),
            (
                "attributes=USERNAME,name.givenName",
                with(json!({ "userName": "ben@example.com", "name": { "givenName": "B" } })),
            ),
            ("attributes=phoneNumbers.value", with(json!({ "phoneNumbers": [{ "value": "1" }] }))),
            (
                &*format!("attributes={ENTERPRISE}:department"),
                with(json!({ ENTERPRISE: { "department": "D" } })),
            ),
            (
                &*format!("attributes={ENTERPRISE}"),
                with(json!({ ENTERPRISE: { "department": "D", "division": "V" } })),
            ),
            ("attributes=nothing", base.clone()),
        ] {
            assert_eq!(projected(query), expected, "{query}");
        }
        let without =
            projected(&format!("excludedAttributes=phoneNumbers,name.givenName,id,{ENTERPRISE}:division"));
        assert_eq!(without["name"], json!({ "familyName": "O" }));
        assert_eq!(without[ENTERPRISE], json!({ "department": "D" }));
        assert_eq!((without["id"].as_str(), without.get("phoneNumbers")), (Some("x"), None));
    }
}
