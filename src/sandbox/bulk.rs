//! SCIM bulk: up to a hundred operations, each with its own outcome.
//!
//! Requests say `operations` and answers say `Operations`; statuses are strings. The operations of
//! one request are carried out in order under one lock, after everything that can be checked
//! without it has been.

use serde_json::{Value, json};
use uuid::Uuid;

use super::audit::Actor;
use super::call::{Call, known_group};
use super::errors::Refusal;
use super::profile::{Object, Profile, any_case};
use super::reply::{Reply, comma, member, member_raw};
use super::scim_groups;
use super::scim_users::{object, patch_slot, refuse_while_synchronized, slot};
use super::state::State;
use super::view::{location, version};

const REQUEST: &str = "urn:ietf:params:scim:api:messages:2.0:BulkRequest";
const MOST: usize = 100;

/// An operation, as far as it can be read without the organization.
enum Step {
    CreateUser(Box<Profile>),
    PatchUser(String, Value),
    DeleteUser(String),
    CreateGroup(Object),
    PatchGroup(String, Value),
    DeleteGroup(String),
}

/// What came of an operation.
struct Outcome {
    status: u16,
    kind: &'static str,
    id: Option<Uuid>,
    revision: u32,
}

/// `POST Bulk`.
pub(super) fn run(call: &Call<'_>) -> Result<Reply, Refusal> {
    let mut body = object(call.json()?)?;
    refuse_while_synchronized(call)?;
    let listed = body.get("schemas").and_then(Value::as_array);
    if !listed.is_some_and(|list| list.iter().any(|urn| urn.as_str() == Some(REQUEST))) {
        return Err(Refusal::bad(format!("schemas must contain {REQUEST}.")));
    }
    let fail_after = match any_case(&body, "failOnErrors") {
        None | Some(Value::Null) => usize::MAX,
        Some(number) => match number.as_u64() {
            Some(number @ 1..=100) => usize::try_from(number).unwrap_or(usize::MAX),
            _ => return Err(Refusal::bad("failOnErrors must be 1 to 100.")),
        },
    };
    let Some(Value::Array(list)) = body.remove("operations") else {
        return Err(Refusal::bad("operations must be a list."));
    };
    if list.is_empty() || list.len() > MOST {
        return Err(Refusal::bad(format!("1 to {MOST} operations fit into one request.")));
    }
    call.cloud.counter.bulk(list.len() as u64);
    let read: Vec<_> = list.into_iter().map(read).collect();
    let mut out = String::with_capacity(read.len() * 260);
    out.push_str(r#"{"schemas":["urn:ietf:params:scim:api:messages:2.0:BulkResponse"],"Operations":["#);
    call.cloud.write(|state| {
        let mut made: Vec<(String, Uuid)> = Vec::new();
        let mut failures = 0;
        for (method, bulk_id, step) in read {
            if failures >= fail_after {
                break;
            }
            let outcome = step.and_then(|step| carry_out(state, step, &made, call.actor()));
            comma(&mut out);
            out.push('{');
            match outcome {
                Ok(outcome) => {
                    if let Some(id) = outcome.id {
                        member(&mut out, "location", &location(state, call.cloud.base(), outcome.kind, id));
                        if let Some(bulk_id) = &bulk_id
                            && outcome.status == 201
                        {
                            made.push((bulk_id.clone(), id));
                        }
                    }
                    member(&mut out, "method", &method);
                    if let Some(bulk_id) = &bulk_id {
                        member(&mut out, "bulkId", bulk_id);
                    }
                    if outcome.revision > 0 {
                        member(&mut out, "version", &version(outcome.revision));
                    }
                    member(&mut out, "status", &outcome.status.to_string());
                }
                Err(refusal) => {
                    failures += 1;
                    member(&mut out, "method", &method);
                    if let Some(bulk_id) = &bulk_id {
                        member(&mut out, "bulkId", bulk_id);
                    }
                    member(&mut out, "status", &refusal.status.to_string());
                    member_raw(&mut out, "response", &refusal.scim_value(call.tracking).to_string());
                }
            }
            out.push('}');
        }
    });
    out.push_str("]}");
    Ok(Reply::scim(200, out))
}

/// Reads an operation: its method and bulk id as they came, and what it means.
fn read(operation: Value) -> (String, Option<String>, Result<Step, Refusal>) {
    let Value::Object(mut operation) = operation else {
        return (String::new(), None, Err(Refusal::bad("An operation must be an object.")));
    };
    let text =
        |operation: &Object, name: &str| operation.get(name).and_then(Value::as_str).map(str::to_owned);
    let method = text(&operation, "method").unwrap_or_default();
    let bulk_id = text(&operation, "bulkId");
    let path = text(&operation, "path").unwrap_or_default();
    // Documented as text, accepted as an object.
    let data = match operation.remove("data") {
        Some(Value::String(text)) => serde_json::from_str(&text).ok(),
        other => other,
    };
    let step = step(&method.to_ascii_uppercase(), &path, bulk_id.is_some(), data);
    (method, bulk_id, step)
}

fn step(method: &str, path: &str, has_bulk_id: bool, data: Option<Value>) -> Result<Step, Refusal> {
    let segments: Vec<_> = path.split('/').filter(|segment| !segment.is_empty()).collect();
    let data = data.ok_or_else(|| Refusal::bad("data is missing or is not JSON."));
    if method == "POST" && !has_bulk_id {
        return Err(Refusal::bad("bulkId is required for POST."));
    }
    match (method, segments.as_slice()) {
        ("POST", ["Users"]) => Ok(Step::CreateUser(Box::new(Profile::from_scim(object(data?)?)?))),
        ("PATCH", ["Users", id]) => Ok(Step::PatchUser((*id).to_owned(), data?)),
        ("DELETE", ["Users", id]) => Ok(Step::DeleteUser((*id).to_owned())),
        ("POST", ["Groups"]) => Ok(Step::CreateGroup(object(data?)?)),
        ("PATCH", ["Groups", id]) => Ok(Step::PatchGroup((*id).to_owned(), data?)),
        ("DELETE", ["Groups", id]) => Ok(Step::DeleteGroup((*id).to_owned())),
        ("POST" | "PATCH" | "DELETE", _) => Err(Refusal::bad("The path of the operation is not supported.")),
        _ => Err(Refusal::new(405, "The method is not supported in a bulk request.")),
    }
}

fn carry_out(
    state: &mut State,
    step: Step,
    made: &[(String, Uuid)],
    actor: Actor<'_>,
) -> Result<Outcome, Refusal> {
    let resolve = |id: &str| resolved(id, made);
    match step {
        Step::CreateUser(profile) => {
            let slot = state.create(*profile, true, actor)?;
            Ok(user_outcome(state, 201, slot))
        }
        Step::PatchUser(id, mut body) => {
            let slot = slot(state, &resolve(&id))?;
            link(&mut body, made);
            patch_slot(state, slot, &body, actor)?;
            Ok(user_outcome(state, 200, slot))
        }
        Step::DeleteUser(id) => {
            let slot = slot(state, &resolve(&id))?;
            let outcome = user_outcome(state, 204, slot);
            state.delete(slot, actor)?;
            Ok(Outcome { revision: 0, ..outcome })
        }
        Step::CreateGroup(doc) => {
            let mut doc = Value::Object(doc);
            link(&mut doc, made);
            let id = scim_groups::create_in(state, &object(doc)?, actor)?;
            Ok(Outcome { status: 201, kind: "Groups", id: Some(id), revision: 1 })
        }
        Step::PatchGroup(id, mut body) => {
            let id = known_group(&state.groups, &resolve(&id))?;
            link(&mut body, made);
            scim_groups::patch_in(state, id, &body, actor)?;
            let revision = state.groups.get(id).map_or(0, |group| group.revision);
            Ok(Outcome { status: 200, kind: "Groups", id: Some(id), revision })
        }
        Step::DeleteGroup(id) => {
            let id = known_group(&state.groups, &resolve(&id))?;
            scim_groups::delete_in(state, id, actor)?;
            Ok(Outcome { status: 204, kind: "Groups", id: Some(id), revision: 0 })
        }
    }
}

fn user_outcome(state: &State, status: u16, slot: u32) -> Outcome {
    let person = state.roster.get(slot);
    Outcome {
        status,
        kind: "Users",
        id: person.map(|person| person.id),
        revision: person.map_or(0, |person| person.revision),
    }
}

/// `bulkId:x` as the id that the operation `x` made.
fn resolved(id: &str, made: &[(String, Uuid)]) -> String {
    id.strip_prefix("bulkId:")
        .and_then(|wanted| made.iter().find(|(bulk_id, _)| bulk_id == wanted))
        .map_or_else(|| id.to_owned(), |(_, id)| id.to_string())
}

/// Resolves references anywhere in a document.
fn link(value: &mut Value, made: &[(String, Uuid)]) {
    match value {
        Value::String(text) if text.starts_with("bulkId:") => *value = json!(resolved(text, made)),
        Value::Array(list) => list.iter_mut().for_each(|item| link(item, made)),
        Value::Object(object) => object.values_mut().for_each(|item| link(item, made)),
        _ => {}
    }
}
