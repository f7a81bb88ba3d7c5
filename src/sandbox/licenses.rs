//! The licence calls: the catalogue, the holders of a licence, and giving and taking.

use std::time::Instant;

use serde_json::{Value, json};

use super::assign::{self, SiteWish, Telephone, Wish};
use super::call::Call;
use super::errors::Refusal;
use super::ids;
use super::license::{License, Rule};
use super::link;
use super::reply::{Reply, comma, member, member_raw};
use super::state::State;

/// The most holders in one answer.
const MOST_HOLDERS: usize = 300;

/// `GET /v1/licenses`.
pub(super) fn list(call: &Call<'_>) -> Result<Reply, Refusal> {
    // Counters that lag move while they are read.
    call.cloud.write_quietly(|state| {
        let users = state.roster.len();
        let now = Instant::now();
        let items: Vec<_> = state.licenses.iter_mut().map(|license| describe(license, users, now)).collect();
        Ok(Reply::json(200, &json!({ "items": items })))
    })
}

fn describe(license: &mut License, users: usize, now: Instant) -> Value {
    let mut value = json!({ "id": license.id, "name": license.spec.name });
    let shown = license.shown(now);
    match (license.spec.seats, license.rule) {
        (Some(seats), _) => {
            value["totalUnits"] = seats.into();
            value["consumedUnits"] = shown.into();
            value["consumedByUsers"] = shown.into();
            value["consumedByWorkspaces"] = 0.into();
        }
        // Hybrid licences always say this, whoever holds them.
        (None, Rule::Hybrid) => {
            value["totalUnits"] = 1.into();
            value["consumedUnits"] = 0.into();
        }
        (None, _) => {
            value["totalUnits"] = users.into();
            value["consumedUnits"] = shown.into();
        }
    }
    if let Some(subscription) = &license.spec.subscription {
        value["subscriptionId"] = subscription.as_str().into();
    }
    if let Some(site) = &license.spec.site {
        value["siteUrl"] = site.as_str().into();
        value["siteType"] = "Control Hub managed site".into();
    }
    value
}

/// `GET /v1/licenses/{id}`, with the holders if they are asked for.
pub(super) fn get(call: &Call<'_>, id: &str) -> Result<Reply, Refusal> {
    let with_users =
        call.query.get("includeAssignedTo").is_some_and(|kind| kind.eq_ignore_ascii_case("user"));
    let limit = call.query.number("limit").map_err(|()| Refusal::bad("limit must be a number."))?;
    let limit = limit.unwrap_or(MOST_HOLDERS).clamp(1, MOST_HOLDERS);
    let from = match call.query.get("next") {
        None | Some("") => 0,
        Some(text) => text.parse::<u32>().map_err(|_| Refusal::bad("next is not a known cursor."))?,
    };
    call.cloud.write_quietly(|state| {
        let at = usize::from(state.license_index(id).ok_or_else(Refusal::absent)?);
        let users = state.roster.len();
        let license = state.licenses.get_mut(at).ok_or_else(Refusal::absent)?;
        let described = describe(license, users, Instant::now());
        if !with_users {
            return Ok(Reply::json(200, &described));
        }
        let mut page = license.holders.range(from..);
        let slots: Vec<u32> = page.by_ref().take(limit).copied().collect();
        let next = page.next().copied();
        let mut out = described.to_string();
        out.pop();
        out.push_str(",\"users\":[");
        for slot in slots {
            let Some(person) = state.roster.get(slot) else { continue };
            comma(&mut out);
            out.push('{');
            member(&mut out, "id", &ids::person(person.id));
            member(&mut out, "type", "INTERNAL");
            member(&mut out, "displayName", &person.profile.display_name);
            member(&mut out, "email", &person.profile.user_name);
            out.push('}');
        }
        out.push_str("]}");
        let mut reply = Reply::raw(200, out);
        if let Some(next) = next {
            reply = reply.with("link", link::next(call, &[("next", &next.to_string())]));
        }
        Ok(reply)
    })
}

/// `PATCH /v1/licenses/users`.
pub(super) fn assign(call: &Call<'_>) -> Result<Reply, Refusal> {
    let body = call.json()?;
    let text = |name: &str| body.get(name).and_then(Value::as_str).filter(|text| !text.is_empty());
    let (email, id) = (text("email"), text("personId"));
    if email.is_none() && id.is_none() {
        return Err(Refusal::bad("email or personId is required."));
    }
    let exhausted = call.cloud.faults().exhausted_seats;
    call.cloud.write(|state| {
        let slot = match (id, email) {
            (Some(id), _) => ids::person_from(id).and_then(|id| state.roster.slot_of(id)),
            (None, Some(email)) => state.roster.slot_named(email),
            (None, None) => None,
        }
        .ok_or_else(Refusal::absent)?;
        let wishes = wishes(state, body.get("licenses"))?;
        let sites = site_wishes(body.get("siteUrls"))?;
        let complete = assign::apply(state, slot, &wishes, &sites, exhausted, call.actor())?;
        Ok(Reply::raw(if complete { 200 } else { 206 }, held(state, slot)?))
    })
}

fn wishes(state: &State, list: Option<&Value>) -> Result<Vec<Wish>, Refusal> {
    let Some(list) = list.filter(|list| !list.is_null()) else { return Ok(Vec::new()) };
    let list = list.as_array().ok_or_else(|| Refusal::bad("licenses must be a list."))?;
    list.iter()
        .map(|item| {
            let id = item.get("id").and_then(Value::as_str).unwrap_or_default();
            let license = state
                .license_index(id)
                .ok_or_else(|| Refusal::bad(format!("License not recognized {id}")).code(400_000))?;
            let give = operation(item)?.unwrap_or(true);
            let property = |name: &str| {
                item.get("properties")
                    .and_then(|all| all.get(name))
                    .and_then(Value::as_str)
                    .map(str::to_owned)
            };
            let telephone = Telephone {
                location: property("locationId"),
                number: property("phoneNumber"),
                extension: property("extension"),
            };
            Ok(Wish { license, give, telephone })
        })
        .collect()
}

fn operation(item: &Value) -> Result<Option<bool>, Refusal> {
    match item.get("operation").and_then(Value::as_str).map(str::to_ascii_lowercase).as_deref() {
        None => Ok(None),
        Some("add") => Ok(Some(true)),
        Some("remove") => Ok(Some(false)),
        Some(_) => Err(Refusal::bad("operation must be add or remove.")),
    }
}

fn site_wishes(list: Option<&Value>) -> Result<Vec<SiteWish>, Refusal> {
    let Some(list) = list.filter(|list| !list.is_null()) else { return Ok(Vec::new()) };
    let list = list.as_array().ok_or_else(|| Refusal::bad("siteUrls must be a list."))?;
    list.iter()
        .map(|item| {
            let site = item.get("siteUrl").and_then(Value::as_str).unwrap_or_default();
            let kind = item.get("accountType").and_then(Value::as_str).unwrap_or_default();
            let give = operation(item)?.unwrap_or(true);
            if site.is_empty() || !kind.eq_ignore_ascii_case("attendee") {
                return Err(Refusal::bad("The siteUrl is not valid for an attendee.").code(400_216));
            }
            Ok(SiteWish { site: site.to_owned(), give })
        })
        .collect()
}

/// The full set that a person holds now.
fn held(state: &State, slot: u32) -> Result<String, Refusal> {
    let person = state.roster.get(slot).ok_or_else(Refusal::absent)?;
    let mut out = String::with_capacity(600);
    out.push('{');
    member(&mut out, "orgId", &state.org.public_id());
    member(&mut out, "personId", &ids::person(person.id));
    member(&mut out, "email", &person.profile.user_name);
    let mut list = String::from("[");
    for license in person.licenses.iter().filter_map(|at| state.licenses.get(usize::from(*at))) {
        comma(&mut list);
        list.push('"');
        list.push_str(&license.id);
        list.push('"');
    }
    list.push(']');
    member_raw(&mut out, "licenses", &list);
    let sites: Vec<_> = assign::sites(state, person)
        .into_iter()
        .map(|(site, host)| json!({ "siteUrl": site, "accountType": if host { "host" } else { "attendee" } }))
        .collect();
    member_raw(&mut out, "siteUrls", &Value::Array(sites).to_string());
    out.push('}');
    Ok(out)
}
