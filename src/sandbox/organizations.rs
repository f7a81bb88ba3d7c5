//! The organization itself: its facts, its settings, its audit and its archive.

use serde_json::{Value, json};

use super::call::Call;
use super::errors::Refusal;
use super::ids;
use super::reply::{Reply, instant};

/// The setting that stops invitation mails.
const INVITES: &str = "allow-admin-invite-emails";

/// Whether an id in a path, public or raw, is this organization's.
pub(super) fn check(call: &Call<'_>, org: &str) -> Result<(), Refusal> {
    let raw = ids::raw(org).or_else(|| ids::raw(&ids::value_of("ORGANIZATION", org)?));
    if raw == Some(call.cloud.read(|state| state.org.id)) { Ok(()) } else { Err(Refusal::absent()) }
}

fn facts(call: &Call<'_>) -> Value {
    call.cloud.read(|state| {
        json!({
            "id": state.org.public_id(),
            "displayName": state.org.name,
            "created": instant(state.org.created),
        })
    })
}

/// `GET /v1/organizations`.
pub(super) fn list(call: &Call<'_>) -> Reply {
    Reply::json(200, &json!({ "items": [facts(call)] }))
}

/// `GET /v1/organizations/{id}`.
pub(super) fn get(call: &Call<'_>, id: &str) -> Result<Reply, Refusal> {
    check(call, id)?;
    Ok(Reply::json(200, &facts(call)))
}

/// `GET /identity/organizations/{id}`.
pub(super) fn identity(call: &Call<'_>, org: &str) -> Result<Reply, Refusal> {
    check(call, org)?;
    Ok(call.cloud.read(|state| {
        Reply::json(
            200,
            &json!({
                "schemas": ["urn:cisco:codev:identity:organization:core:1.0"],
                "id": state.org.id,
                "displayName": state.org.name,
                "preferredLanguage": state.org.language,
                "meta": {
                    "created": instant(state.org.created),
                    "lastModified": instant(state.org.modified),
                    "version": format!("W/\"{}\"", state.org.modified),
                },
            }),
        )
    }))
}

/// `PATCH /identity/organizations/{id}`.
pub(super) fn rename(call: &Call<'_>, org: &str) -> Result<Reply, Refusal> {
    check(call, org)?;
    let body = call.json()?;
    let text = |name: &str| body.get(name).and_then(Value::as_str).filter(|text| !text.is_empty());
    call.cloud.write(|state| {
        if let Some(name) = text("displayName") {
            state.org.name = name.to_owned();
        }
        if let Some(language) = text("preferredLanguage") {
            state.org.language = language.to_owned();
        }
        state.org.modified = call.now;
    });
    identity(call, org)
}

/// `GET /v1/settings/organizations/{org}/settings/{key}`.
pub(super) fn setting(call: &Call<'_>, org: &str, key: &str) -> Result<Reply, Refusal> {
    check(call, org)?;
    if key != INVITES {
        return Err(Refusal::absent());
    }
    let value = call.cloud.read(|state| state.org.invites);
    Ok(Reply::json(200, &json!({ "key": INVITES, "value": value, "name": "Automatic Activation Emails" })))
}

/// `POST /v1/settings/organizations/{org}/settings`.
pub(super) fn set_setting(call: &Call<'_>, org: &str) -> Result<Reply, Refusal> {
    check(call, org)?;
    let body = call.json()?;
    match (body.get("key").and_then(Value::as_str), body.get("value").and_then(Value::as_bool)) {
        (Some(INVITES), Some(value)) => {
            call.cloud.write(|state| state.org.invites = value);
            setting(call, org, INVITES)
        }
        (Some(INVITES), None) => Err(Refusal::bad("value must be a boolean.")),
        _ => Err(Refusal::bad("The key is not known.")),
    }
}

/// `GET /v1/adminAudit/events`.
pub(super) fn audit(call: &Call<'_>) -> Result<Reply, Refusal> {
    let text = |name: &str| {
        let given = call.query.get(name).filter(|text| !text.is_empty());
        given.ok_or_else(|| Refusal::bad(format!("{name} is required.")))
    };
    let number = |name: &str, default: usize| {
        let given = call.query.number(name).map_err(|()| Refusal::bad(format!("{name} must be a number.")));
        given.map(|given| given.unwrap_or(default))
    };
    check(call, text("orgId")?)?;
    let (from, to) = (text("from")?, text("to")?);
    let (max, offset) = (number("max", 100)?.clamp(1, 200), number("offset", 0)?);
    Ok(call
        .cloud
        .read(|state| Reply::json(200, &state.audit.list(&state.org.public_id(), from, to, max, offset))))
}

/// `GET /identity/organizations/{org}/v1/ArchivedUser/{id}`.
pub(super) fn archived(call: &Call<'_>, org: &str, id: &str) -> Result<Reply, Refusal> {
    check(call, org)?;
    call.cloud.read(|state| {
        let raw = ids::raw(id).ok_or_else(Refusal::absent)?;
        let left = state.archived.get(&raw).ok_or_else(Refusal::absent)?;
        Ok(Reply::json(
            200,
            &json!({
                "schemas": ["urn:scim:schemas:core:1.0", "urn:scim:schemas:extension:cisco:commonidentity:1.0"],
                "id": raw,
                "userName": left.user_name,
                "displayName": left.display_name,
                "emails": [{ "primary": true, "type": "work", "value": left.user_name }],
                "organization": state.org.id,
                "meta": {
                    "created": instant(left.created),
                    "lastModified": instant(left.deleted),
                    "deleted": instant(left.deleted),
                },
            }),
        ))
    })
}
