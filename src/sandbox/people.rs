//! The People calls that read.

use serde_json::{Value, json};

use super::assign;
use super::call::Call;
use super::errors::Refusal;
use super::ids;
use super::link;
use super::person::Person;
use super::profile::parse;
use super::reply::{Reply, comma, instant};
use super::roles;
use super::state::State;

/// How many ids fit into one question.
const MOST_IDS: usize = 85;

/// `GET /v1/people`.
pub(super) fn list(call: &Call<'_>) -> Result<Reply, Refusal> {
    let (cap, strings) = {
        let faults = call.cloud.faults();
        (faults.people_max_cap, faults.booleans_as_strings)
    };
    let look = Look { calling: call.query.flag("callingData"), strings, admin: true };
    let max = call.query.number("max").map_err(|()| Refusal::bad("max must be a number."))?.unwrap_or(100);
    let location = call.query.get("locationId").filter(|text| !text.is_empty());
    let mut limit = max.clamp(1, cap.max(1));
    if look.calling {
        limit = limit.min(100);
    }
    if location.is_some() {
        limit = limit.min(50);
    }
    call.cloud.read(|state| {
        if let Some(ids) = call.query.get("id").filter(|text| !text.is_empty()) {
            return by_ids(state, ids, look);
        }
        if let Some(email) = call.query.get("email").filter(|text| !text.is_empty()) {
            let found = state.roster.slot_named(email).and_then(|slot| user(state, slot));
            return Ok(Reply::json(
                200,
                &json!({ "items": found.iter().map(|p| show(state, p, look)).collect::<Vec<_>>() }),
            ));
        }
        let location = match location {
            Some(id) => Some(state.location_index(id).ok_or_else(|| Refusal::bad("Location not found."))?),
            None => None,
        };
        let name = call.query.get("displayName").unwrap_or_default().to_lowercase();
        let wanted_roles: Vec<Option<u8>> = call
            .query
            .get("roles")
            .unwrap_or_default()
            .split(',')
            .filter(|id| !id.is_empty())
            .map(roles::find)
            .collect();
        let wanted = |person: &Person| {
            person.is_user()
                && (name.is_empty() || person.profile.display_name.to_lowercase().starts_with(&name))
                && wanted_roles
                    .iter()
                    .all(|role| role.is_some_and(|role| person.profile.roles.contains(&role)))
                && location
                    .is_none_or(|at| person.calling.as_ref().is_some_and(|calling| calling.location == at))
        };
        let after = match call.query.get("after").filter(|text| !text.is_empty()) {
            Some(cursor) => ids::value_of("CURSOR", cursor)
                .and_then(|text| text.parse::<u32>().ok())
                .ok_or_else(|| Refusal::bad("after is not a known cursor."))?,
            None => 0,
        };
        let mut found = state.roster.since_slot(after).filter(|(_, person)| wanted(person));
        let mut out = String::from("{\"items\":[");
        for (_, person) in found.by_ref().take(limit) {
            comma(&mut out);
            out.push_str(&show(state, person, look).to_string());
        }
        out.push_str("]}");
        let mut reply = Reply::raw(200, out);
        if let Some((next, _)) = found.next() {
            let cursor = ids::public("CURSOR", &next.to_string());
            reply = reply.with(
                "link",
                link::next(call, &[("max", &limit.to_string()), ("before", ""), ("after", &cursor)]),
            );
        }
        Ok(reply)
    })
}

fn by_ids(state: &State, ids: &str, look: Look) -> Result<Reply, Refusal> {
    let wanted: Vec<_> = ids.split(',').filter(|id| !id.is_empty()).collect();
    if wanted.len() > MOST_IDS {
        return Err(Refusal::bad(format!("At most {MOST_IDS} ids fit into one request.")));
    }
    let mut items = Vec::new();
    let mut missing = Vec::new();
    for id in wanted {
        let person = ids::person_from(id).and_then(|id| user(state, state.roster.slot_of(id)?));
        match person {
            // Lookups by several ids leave out what only administrators see.
            Some(person) => items.push(show(state, person, Look { admin: false, ..look })),
            None => missing.push(id),
        }
    }
    let mut body = json!({ "items": items });
    if !missing.is_empty() {
        body["notFoundIds"] = missing.into();
    }
    Ok(Reply::json(200, &body))
}

/// `GET /v1/people/{id}` and `GET /v1/people/me`.
pub(super) fn get(call: &Call<'_>, id: &str) -> Result<Reply, Refusal> {
    let look = Look {
        calling: call.query.flag("callingData"),
        strings: call.cloud.faults().booleans_as_strings,
        admin: true,
    };
    call.cloud.read(|state| {
        let id = if id == "me" { call.caller } else { ids::person_from(id) };
        let slot = id.and_then(|id| state.roster.slot_of(id)).ok_or_else(Refusal::absent)?;
        let person = user(state, slot).ok_or_else(Refusal::absent)?;
        Ok(Reply::json(200, &show(state, person, look)))
    })
}

/// A person. Whether Webex shows rooms and the like here is not known: we show none.
fn user(state: &State, slot: u32) -> Option<&Person> {
    state.roster.get(slot).map(|person| &**person).filter(|person| person.is_user())
}

/// How a person is shown.
#[derive(Clone, Copy, Debug)]
pub(super) struct Look {
    /// With telephone data.
    pub(super) calling: bool,
    /// Booleans as strings.
    pub(super) strings: bool,
    /// With licences, roles and the rest that only administrators see.
    pub(super) admin: bool,
}

/// An account as the People interface shows it.
pub(super) fn show(state: &State, person: &Person, look: Look) -> Value {
    let profile = &person.profile;
    let mut core = parse(&profile.core);
    let mut out = json!({
        "id": ids::person(person.id),
        "emails": [profile.user_name],
        "orgId": state.org.public_id(),
        "created": instant(person.created),
        "lastModified": instant(person.modified),
        "type": "person",
    });
    if !profile.display_name.is_empty() {
        out["displayName"] = profile.display_name.as_ref().into();
    }
    let mut copy = |from: &str, to: &str| {
        if let Some(value) = core.remove(from) {
            out[to] = value;
        }
    };
    copy("nickName", "nickName");
    copy("title", "title");
    copy("timezone", "timezone");
    copy("addresses", "addresses");
    let name = core.remove("name").unwrap_or_default();
    for (part, to) in [("givenName", "firstName"), ("familyName", "lastName")] {
        if let Some(value) = name.get(part) {
            out[to] = value.clone();
        }
    }
    if let Some(first) = name.get("givenName") {
        out["nickName"] = first.clone();
    }
    if let Some(photo) = core.get("photos").and_then(|photos| photos[0].get("value")) {
        out["avatar"] = photo.clone();
    }
    let phones: Vec<_> = match core.remove("phoneNumbers") {
        Some(Value::Array(phones)) => phones,
        _ => Vec::new(),
    }
    .into_iter()
    .filter(|phone| look.calling || phone["type"] != "work_extension")
    .map(|mut phone| {
        phone["primary"] = (phone["primary"] == true).into();
        phone
    })
    .collect();
    if !phones.is_empty() {
        out["phoneNumbers"] = phones.into();
    }
    let enterprise = parse(&profile.enterprise);
    if let Some(department) = enterprise.get("department") {
        out["department"] = department.clone();
    }
    if let Some(manager) = profile.manager {
        out["managerId"] = ids::person(manager).into();
        if let Some(manager) = state.roster.slot_of(manager).and_then(|slot| state.roster.get(slot)) {
            out["manager"] = manager.profile.display_name.as_ref().into();
        }
    }
    if look.admin {
        administrative(state, person, look, &mut out);
    }
    out
}

fn administrative(state: &State, person: &Person, look: Look, out: &mut Value) {
    let flag = |on: bool| if look.strings { Value::from(on.to_string()) } else { Value::from(on) };
    out["roles"] = person.profile.roles.iter().map(|role| ids::role(roles::at(*role).id)).collect();
    out["licenses"] = person
        .licenses
        .iter()
        .filter_map(|at| state.licenses.get(usize::from(*at)))
        .map(|license| license.id.as_str())
        .collect();
    let sites: Vec<_> = assign::sites(state, person)
        .into_iter()
        .map(|(site, host)| if host { site } else { format!("{site}#attendee") })
        .collect();
    if !sites.is_empty() {
        out["siteUrls"] = sites.into();
    }
    out["sipAddresses"] = json!([]);
    out["invitePending"] = flag(!person.signed_in);
    out["loginEnabled"] = flag(person.profile.active);
    if look.calling
        && let Some(calling) = &person.calling
    {
        if let Some(location) = state.locations.get(usize::from(calling.location)) {
            out["locationId"] = location.id.as_str().into();
        }
        if let Some(extension) = &calling.extension {
            out["extension"] = extension.as_ref().into();
        }
    }
}
