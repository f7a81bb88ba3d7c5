//! The contacts of the organization: an interface of its own, with a schema that is a text and not a
//! list, and without any place for a connector's anchor.
//!
//! What the documents leave open is strict here: `contactType` is needed, `null` is refused, numbers
//! go by an `operation`, other lists are replaced.

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};
use uuid::Uuid;

use super::audit::Actor;
use super::call::Call;
use super::emails::plausible;
use super::errors::Refusal;
use super::ids;
use super::link;
use super::reply::{Reply, instant};
use super::state::State;

const SCHEMA: &str = "urn:cisco:codev:identity:contact:core:1.0";
const SOURCES: &[&str] = &["CH"];
const TYPES: &[&str] = &["CUSTOM", "CORPORATE", "CLOUD", "ORG_CONTACT", "LOCALLDAP"];
const TEXTS: &[&str] =
    &["displayName", "firstName", "lastName", "companyName", "title", "address", "avatarURL"];
const LISTS: &[(&str, &[&str])] = &[
    ("emails", &["work", "home", "room", "other"]),
    ("phoneNumbers", &["work", "home", "mobile", "work_extension", "fax", "pager", "other"]),
    ("sipAddresses", &["enterprise", "cloud-calling", "personal-room"]),
];
/// The longest text.
const LONGEST: usize = 256;
/// The most in one bulk request.
const MOST: usize = 100;

/// All contacts, by id.
#[derive(Clone, Debug, Default)]
pub(super) struct Contacts {
    pub(super) by_id: BTreeMap<Uuid, Value>,
    /// How many were ever made.
    made: u32,
}

impl Contacts {
    /// Adds one that was made before.
    pub(super) fn insert(&mut self, id: Uuid, contact: Value) {
        self.made = self.made.saturating_add(1);
        self.by_id.insert(id, contact);
    }
}

/// `POST .../contacts`.
pub(super) fn create(call: &Call<'_>) -> Result<Reply, Refusal> {
    let doc = object(call.json()?)?;
    call.cloud.write(|state| {
        let id = create_in(state, &doc, call.actor())?;
        Ok(Reply::json(201, state.contacts.by_id.get(&id).ok_or_else(Refusal::absent)?))
    })
}

/// `GET .../contacts/{id}`.
pub(super) fn get(call: &Call<'_>, id: &str) -> Result<Reply, Refusal> {
    call.cloud.read(|state| Ok(Reply::json(200, known(state, id)?.1)))
}

/// `PATCH .../contacts/{id}`.
pub(super) fn patch(call: &Call<'_>, id: &str) -> Result<Reply, Refusal> {
    let doc = object(call.json()?)?;
    call.cloud.write(|state| {
        let id = known(state, id)?.0;
        patch_in(state, id, &doc, call.actor())?;
        Ok(Reply::json(200, state.contacts.by_id.get(&id).ok_or_else(Refusal::absent)?))
    })
}

/// `DELETE .../contacts/{id}`.
pub(super) fn delete(call: &Call<'_>, id: &str) -> Result<Reply, Refusal> {
    call.cloud.write(|state| {
        let id = known(state, id)?.0;
        delete_in(state, id, call.actor());
        Ok(Reply::empty(204))
    })
}

/// `GET .../contacts/search`.
pub(super) fn search(call: &Call<'_>) -> Result<Reply, Refusal> {
    let number =
        |name: &str| call.query.number(name).map_err(|()| Refusal::bad(format!("{name} must be a number.")));
    let limit = number("limit")?.unwrap_or(100).clamp(1, 1000);
    let start = number("start")?.unwrap_or(0);
    let keyword = call.query.get("keyword").unwrap_or_default().to_lowercase();
    let source = call.query.get("source").filter(|source| !source.is_empty());
    call.cloud.read(|state| {
        let named = |contact: &Value| {
            let texts =
                ["displayName", "firstName", "lastName"].iter().filter_map(|name| contact[*name].as_str());
            let emails = contact["emails"].as_array().into_iter().flatten();
            let emails = emails.filter_map(|email| email["value"].as_str());
            texts.chain(emails).any(|text| text.to_lowercase().contains(&keyword))
        };
        let from = |contact: &Value| source.is_none_or(|source| contact["source"] == source);
        let found: Vec<&Value> = state
            .contacts
            .by_id
            .values()
            .filter(|contact| from(contact) && (keyword.is_empty() || named(contact)))
            .collect();
        let page: Vec<&Value> = found.iter().skip(start).take(limit).copied().collect();
        let next = start + page.len();
        let body = json!({ "result": page, "start": start, "limit": limit, "total": found.len() });
        let mut reply = Reply::json(200, &body);
        if next < found.len() {
            reply = reply.with("link", link::next(call, &[("start", &next.to_string())]));
        }
        Ok(reply)
    })
}

/// `POST .../contacts/bulk`: makes or changes several.
pub(super) fn bulk(call: &Call<'_>) -> Result<Reply, Refusal> {
    let doc = object(call.json()?)?;
    schema(&doc)?;
    let list = doc.get("contacts").and_then(Value::as_array).filter(|list| list.len() <= MOST);
    let list = list.ok_or_else(|| Refusal::bad(format!("contacts must be a list of at most {MOST}.")))?;
    call.cloud.write(|state| {
        let (mut done, mut failed) = (Vec::new(), Vec::new());
        for (at, one) in list.iter().enumerate() {
            match bulk_one(state, one, call.actor()) {
                Ok(contact) => done.push(contact),
                Err(refusal) => {
                    done.push(Value::Null);
                    failed.push(json!({
                        "id": at.to_string(), "errorMessage": refusal.message, "statusCode": refusal.status,
                    }));
                }
            }
        }
        let body = json!({ "contacts": done, "failedContacts": failed, "orgId": state.org.id });
        Ok(Reply::json(200, &body))
    })
}

fn bulk_one(state: &mut State, one: &Value, actor: Actor<'_>) -> Result<Value, Refusal> {
    let mut doc = object(one.clone())?;
    doc.insert("schemas".into(), json!(SCHEMA));
    let id = match doc.remove("contactId") {
        Some(Value::String(id)) => {
            let id = known(state, &id)?.0;
            patch_in(state, id, &doc, actor)?;
            id
        }
        Some(_) => return Err(Refusal::bad("contactId must be a text.")),
        None => create_in(state, &doc, actor)?,
    };
    state.contacts.by_id.get(&id).cloned().ok_or_else(Refusal::absent)
}

/// `POST .../contacts/bulk/delete`.
pub(super) fn bulk_delete(call: &Call<'_>) -> Result<Reply, Refusal> {
    let doc = object(call.json()?)?;
    schema(&doc)?;
    let list = doc.get("objectIds").and_then(Value::as_array).filter(|list| list.len() <= MOST);
    let list = list.ok_or_else(|| Refusal::bad(format!("objectIds must be a list of at most {MOST}.")))?;
    call.cloud.write(|state| {
        for id in list.iter().filter_map(Value::as_str) {
            if let Ok((id, _)) = known(state, id) {
                delete_in(state, id, call.actor());
            }
        }
        Ok(Reply::empty(204))
    })
}

fn object(value: Value) -> Result<Map<String, Value>, Refusal> {
    match value {
        Value::Object(object) => Ok(object),
        _ => Err(Refusal::bad("The request body must be an object.")),
    }
}

fn known<'a>(state: &'a State, id: &str) -> Result<(Uuid, &'a Value), Refusal> {
    let id = id.parse::<Uuid>().map_err(|_| Refusal::absent())?;
    state.contacts.by_id.get(&id).map(|contact| (id, contact)).ok_or_else(Refusal::absent)
}

fn schema(doc: &Map<String, Value>) -> Result<(), Refusal> {
    match doc.get("schemas") {
        Some(Value::String(schema)) if schema == SCHEMA => Ok(()),
        _ => Err(Refusal::bad("schemas must be the schema of contacts, as a text.")),
    }
}

fn source(doc: &Map<String, Value>) -> Result<(), Refusal> {
    match doc.get("source").and_then(Value::as_str) {
        Some(source) if SOURCES.contains(&source) => Ok(()),
        _ => {
            Err(Refusal::new(403, "The source is not supported by the organization, only sources [CH] are."))
        }
    }
}

fn create_in(state: &mut State, doc: &Map<String, Value>, actor: Actor<'_>) -> Result<Uuid, Refusal> {
    schema(doc)?;
    source(doc)?;
    if !doc.get("contactType").and_then(Value::as_str).is_some_and(|kind| TYPES.contains(&kind)) {
        return Err(Refusal::bad("orgContactBean.contactType must not be null."));
    }
    let mut id = ids::drawn(state.seed, "contact", "", state.contacts.made);
    while state.contacts.by_id.contains_key(&id) {
        state.contacts.made = state.contacts.made.wrapping_add(1);
        id = ids::drawn(state.seed, "contact", "", state.contacts.made);
    }
    let at = instant(actor.at);
    let mut contact = Map::new();
    contact.insert("schemas".into(), json!(SCHEMA));
    contact.insert("contactId".into(), json!(id));
    contact.insert("source".into(), json!("CH"));
    contact.insert("orgId".into(), json!(state.org.id));
    contact.insert("isMigration".into(), json!(false));
    contact.insert("meta".into(), json!({ "created": at, "lastModified": at }));
    merge(&mut contact, doc)?;
    state.contacts.made = state.contacts.made.saturating_add(1);
    state.audit.note(actor, "Contact created", id, "");
    state.contacts.by_id.insert(id, Value::Object(contact));
    Ok(id)
}

fn patch_in(state: &mut State, id: Uuid, doc: &Map<String, Value>, actor: Actor<'_>) -> Result<(), Refusal> {
    schema(doc)?;
    source(doc)?;
    let mut contact = match state.contacts.by_id.get(&id) {
        Some(Value::Object(contact)) => contact.clone(),
        _ => return Err(Refusal::absent()),
    };
    merge(&mut contact, doc)?;
    if let Some(meta) = contact.get_mut("meta") {
        meta["lastModified"] = json!(instant(actor.at));
    }
    state.audit.note(actor, "Contact updated", id, "");
    state.contacts.by_id.insert(id, Value::Object(contact));
    Ok(())
}

fn delete_in(state: &mut State, id: Uuid, actor: Actor<'_>) {
    if state.contacts.by_id.remove(&id).is_some() {
        state.audit.note(actor, "Contact deleted", id, "");
    }
}

/// Puts what a document says into a contact; nobody may become unreachable.
fn merge(contact: &mut Map<String, Value>, doc: &Map<String, Value>) -> Result<(), Refusal> {
    if doc.values().any(Value::is_null) {
        return Err(Refusal::bad("null is no value; an empty text clears."));
    }
    for name in TEXTS {
        match doc.get(*name) {
            None => {}
            Some(Value::String(text)) if text.is_empty() => drop(contact.remove(*name)),
            Some(Value::String(text)) if text.chars().count() <= LONGEST => {
                contact.insert((*name).into(), json!(text));
            }
            Some(_) => return Err(Refusal::bad(format!("{name} must be a text of at most {LONGEST}."))),
        }
    }
    for (name, types) in LISTS {
        let Some(list) = doc.get(*name) else { continue };
        let list = list.as_array().ok_or_else(|| Refusal::bad(format!("{name} must be a list.")))?;
        let mut kept = match contact.remove(*name) {
            Some(Value::Array(kept)) if *name == "phoneNumbers" => kept,
            _ => Vec::new(),
        };
        for one in list {
            element(&mut kept, name, types, one)?;
        }
        if !kept.is_empty() {
            contact.insert((*name).into(), Value::Array(kept));
        }
    }
    if LISTS.iter().all(|(name, _)| !contact.contains_key(*name)) {
        return Err(Refusal::bad("At least one of phoneNumbers, emails and sipAddresses is required."));
    }
    Ok(())
}

fn element(kept: &mut Vec<Value>, name: &str, types: &[&str], one: &Value) -> Result<(), Refusal> {
    let bad = |what: &str| Refusal::bad(format!("{what} in {name} cannot be used."));
    let value = one["value"].as_str().filter(|value| !value.is_empty()).ok_or_else(|| bad("a value"))?;
    let kind = one["type"].as_str().filter(|kind| types.contains(kind)).ok_or_else(|| bad("a type"))?;
    if value.chars().count() > LONGEST || (name == "emails" && !plausible(value)) {
        return Err(bad("a value"));
    }
    let same = |there: &Value| there["value"] == value && there["type"] == kind;
    match one.get("operation") {
        None => {
            if !kept.iter().any(same) {
                let mut fresh = json!({ "value": value, "type": kind });
                if let Some(primary) = one.get("primary") {
                    fresh["primary"] = primary.clone();
                }
                kept.push(fresh);
            }
            Ok(())
        }
        Some(operation) if name == "phoneNumbers" && operation == "delete" => {
            let before = kept.len();
            kept.retain(|there| !same(there));
            if kept.len() == before { Err(bad("a number to delete")) } else { Ok(()) }
        }
        Some(_) => Err(bad("an operation")),
    }
}
