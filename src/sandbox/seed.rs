//! People who are there from the start, or appear as if they had always been.

use serde_json::{Map, Value, json};
use uuid::Uuid;

use super::attributes::CORE;
use super::audit::Actor;
use super::errors::Refusal;
use super::person::Person;
use super::profile::Profile;
use super::state::State;

const FIRST: &[&str] =
    &["Ada", "Ben", "Cleo", "Dia", "Emil", "Fay", "Gus", "Hana", "Ivo", "June", "Kai", "Lena"];
const LAST: &[&str] = &[
    "Quill", "Okoro", "Marsh", "Vance", "Berg", "Castro", "Dunn", "Eriksen", "Fujita", "Grant", "Holm",
    "Ito", "Jansen",
];

/// Makes the administrator, who has signed in long ago.
pub(super) fn administrator(state: &mut State, email: &str, now: i64) -> Result<Uuid, Refusal> {
    let doc = json!({
        "schemas": [CORE], "userName": email, "userType": "user", "displayName": "Sandbox Administrator",
        "name": { "givenName": "Sandbox", "familyName": "Administrator" },
        "roles": [{ "value": "id_full_admin", "type": "cirole" }],
    });
    let slot = put(state, doc, now)?;
    state.roster.get(slot).map(|person| person.id).ok_or_else(Refusal::absent)
}

/// Puts people in. Either `{"people": [{...SCIM attributes, "licenses": [...], "signedIn": true}]}`
/// or `{"count": N, "domain": "example.com", "prefix": "p", "licenses": [...], "signedIn": true}`.
/// Licences are named or given by id; seats are not checked, and nobody is invited.
pub(super) fn people(state: &mut State, body: &Value, now: i64) -> Result<(u64, Vec<String>), Refusal> {
    let mut made = 0;
    let mut rejected = Vec::new();
    let mut add = |state: &mut State, doc: Value| match put(state, doc, now) {
        Ok(_) => made += 1,
        Err(refusal) => rejected.push(refusal.message),
    };
    match (body.get("people"), body.get("count").and_then(Value::as_u64)) {
        (Some(Value::Array(list)), _) => {
            for doc in list {
                add(state, doc.clone());
            }
        }
        (None, Some(count)) => {
            let text =
                |name: &str, default: &'static str| body.get(name).and_then(Value::as_str).unwrap_or(default);
            let (domain, prefix) = (text("domain", "example.com"), text("prefix", "person"));
            let total = FIRST.len() * LAST.len();
            for number in 0..count {
                let pick = usize::try_from(number).unwrap_or(0) % total;
                let (first, last) = (FIRST[pick % FIRST.len()], LAST[pick / FIRST.len()]);
                let doc = json!({
                    "userName": format!("{prefix}{number}@{domain}"),
                    "displayName": format!("{first} {last}"),
                    "name": { "givenName": first, "familyName": last },
                    "licenses": body.get("licenses").cloned().unwrap_or_else(|| json!([])),
                    "signedIn": body.get("signedIn").cloned().unwrap_or(json!(true)),
                });
                add(state, doc);
            }
        }
        _ => return Err(Refusal::bad("people (a list) or count (a number) is required.")),
    }
    Ok((made, rejected))
}

fn put(state: &mut State, doc: Value, now: i64) -> Result<u32, Refusal> {
    let Value::Object(mut doc) = doc else { return Err(Refusal::bad("A person must be an object.")) };
    let licenses = doc.remove("licenses");
    let signed_in = doc.remove("signedIn").and_then(|value| value.as_bool()).unwrap_or(true);
    doc.entry("schemas").or_insert_with(|| json!([CORE]));
    doc.entry("userType").or_insert_with(|| json!("user"));
    let doc: Map<_, _> = doc;
    let mut wanted = Vec::new();
    for name in licenses.as_ref().and_then(Value::as_array).into_iter().flatten().filter_map(Value::as_str) {
        let named = state.indexes(|license| license.spec.name == name || license.id == name);
        wanted.push(*named.first().ok_or_else(|| Refusal::bad(format!("There is no license {name}.")))?);
    }
    let actor = Actor { person: None, tracking: "sandbox", at: now };
    let slot = state.create(Profile::from_scim(doc)?, true, actor)?;
    let Some(person) = state.roster.get(slot) else { return Ok(slot) };
    let mut person = Person::clone(person);
    person.signed_in = signed_in;
    for license in wanted {
        if person.set_license(license, true)
            && let Some(license) = state.licenses.get_mut(usize::from(license))
        {
            license.set_holder(slot, true, std::time::Duration::ZERO);
        }
    }
    state.roster.replace(slot, person, std::time::Duration::ZERO);
    Ok(slot)
}
