//! The calls under `/sandbox/`, for tests and rehearsals. They need no token and meet no faults.

use serde_json::{Value, json};

use super::faults::Faults;
use super::organization::Organization;
use super::page;
use super::reply::Reply;
use super::route::Query;
use super::token::Grant;

/// Answers a control call or shows the page.
pub(super) fn answer(
    organization: &Organization,
    method: &str,
    path: &[&str],
    query: &Query,
    body: &[u8],
) -> Reply {
    let result = match (method, path) {
        ("GET", []) => return page::show(organization, query),
        ("GET", ["sandbox", "stats"]) => Ok(json!(organization.stats())),
        ("POST", ["sandbox", "stats", "reset"]) => {
            organization.reset_stats();
            Ok(json!(organization.stats()))
        }
        ("GET", ["sandbox", "faults"]) => Ok(json!(organization.faults())),
        ("PUT", ["sandbox", "faults"]) => set_faults(organization, read(body)),
        ("PATCH", ["sandbox", "faults"]) => read(body).and_then(|changes| {
            let mut all = json!(organization.faults());
            merge(&mut all, changes);
            set_faults(organization, Ok(all))
        }),
        ("POST", ["sandbox", "people"]) => read(body)
            .and_then(|people| organization.seed(&people))
            .map(|(created, rejected)| json!({ "created": created, "rejected": rejected })),
        ("POST", ["sandbox", "people", email, "sign-in"]) => done(organization.sign_in(email)),
        ("DELETE", ["sandbox", "people", email]) => done(organization.delete(email)),
        ("PATCH", ["sandbox", "people", email]) => {
            read(body).and_then(|operations| organization.edit(email, &operations)).map(|()| json!({}))
        }
        ("PUT", ["sandbox", "licenses"]) => read(body).and_then(|body| set_seats(organization, &body)),
        ("POST", ["sandbox", "taken"]) => read(body).map(|body| {
            let addresses = body.as_array().into_iter().flatten().filter_map(Value::as_str);
            organization.0.write(|state| state.taken.extend(addresses.map(str::to_lowercase)));
            json!({})
        }),
        ("POST", ["sandbox", "tokens"]) => read(body).and_then(|body| declare(organization, &body)),
        (_, ["sandbox", "device"]) => approve(organization, query.get("code").unwrap_or_default()),
        ("GET", ["sandbox", "dump"]) => Ok(organization.dump(query.flag("times"))),
        _ => return Reply::json(404, &json!({ "error": "There is no such control." })),
    };
    match result {
        Ok(value) => Reply::json(200, &value),
        Err(message) => Reply::json(400, &json!({ "error": message })),
    }
}

fn read(body: &[u8]) -> Result<Value, String> {
    serde_json::from_slice(body).map_err(|error| format!("The body is not JSON: {error}"))
}

fn done(done: bool) -> Result<Value, String> {
    if done { Ok(json!({})) } else { Err("There is no such person.".into()) }
}

fn set_faults(organization: &Organization, value: Result<Value, String>) -> Result<Value, String> {
    let faults: Faults = serde_json::from_value(value?).map_err(|error| error.to_string())?;
    organization.set_faults(faults);
    Ok(json!(organization.faults()))
}

/// Sets members of objects in depth; everything else is replaced.
fn merge(into: &mut Value, changes: Value) {
    match (into, changes) {
        (Value::Object(into), Value::Object(changes)) => {
            for (name, change) in changes {
                merge(into.entry(name).or_insert(Value::Null), change);
            }
        }
        (into, changes) => *into = changes,
    }
}

/// `{"Advanced Messaging": 250, "Basic Messaging": null}`
fn set_seats(organization: &Organization, body: &Value) -> Result<Value, String> {
    let body = body.as_object().ok_or("The body must be an object of license names and seats.")?;
    for (name, seats) in body {
        let seats = match seats {
            Value::Null => None,
            seats => Some(seats.as_u64().ok_or_else(|| format!("The seats of {name} must be a number."))?),
        };
        if !organization.set_seats(name, seats) {
            return Err(format!("There is no license {name}."));
        }
    }
    Ok(json!({}))
}

/// `{"token": "t", "refresh_token": "r", "scopes": ["..."], "expires_in": 60, "email": "..."}`
fn declare(organization: &Organization, body: &Value) -> Result<Value, String> {
    let text = |name: &str| body.get(name).and_then(Value::as_str);
    let person = match text("email") {
        Some(email) => Some(
            organization
                .0
                .read(|state| {
                    let slot = state.roster.slot_named(email)?;
                    state.roster.get(slot).map(|person| person.id)
                })
                .ok_or("There is no such person.")?,
        ),
        None => None,
    };
    let scopes = body.get("scopes").and_then(Value::as_array);
    let now = crate::clock::now().timestamp_millis();
    let grant = Grant {
        scopes: scopes.map(|list| list.iter().filter_map(Value::as_str).map(str::to_owned).collect()),
        expires: body
            .get("expires_in")
            .and_then(Value::as_i64)
            .map(|seconds| now.saturating_add(seconds.saturating_mul(1000))),
        person,
        fixed: false,
    };
    let mut tokens = organization.0.tokens();
    if let Some(token) = text("refresh_token") {
        tokens.declare_refresh(token.to_owned(), grant.clone());
    }
    if let Some(token) = text("token") {
        tokens.declare(token.to_owned(), grant);
    }
    Ok(json!({}))
}

fn approve(organization: &Organization, code: &str) -> Result<Value, String> {
    match organization.0.tokens().codes.get_mut(code) {
        Some((_, approved)) => {
            *approved = true;
            Ok(json!({ "approved": true }))
        }
        None => Err("There is no such device code.".into()),
    }
}
