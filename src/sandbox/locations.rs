//! The places where people can be given a telephone.

use serde_json::{Value, json};

use super::call::Call;
use super::errors::Refusal;
use super::link;
use super::reply::Reply;
use super::state::{Location, State};

fn show(state: &State, location: &Location) -> Value {
    json!({
        "id": location.id,
        "name": location.spec.name,
        "orgId": state.org.public_id(),
        "timeZone": location.spec.time_zone,
        "preferredLanguage": state.org.language,
        "announcementLanguage": state.org.language.to_lowercase(),
        "address": { "address1": "1 Main Street", "city": location.spec.city, "state": "", "postalCode": "1", "country": location.spec.country },
    })
}

/// `GET /v1/locations`.
pub(super) fn list(call: &Call<'_>) -> Result<Reply, Refusal> {
    let number =
        |name: &str| call.query.number(name).map_err(|()| Refusal::bad(format!("{name} must be a number.")));
    let max = number("max")?.unwrap_or(100).clamp(1, 1000);
    let start = number("start")?.unwrap_or(0);
    let name = call.query.get("name").filter(|name| !name.is_empty());
    let id = call.query.get("id").filter(|id| !id.is_empty());
    call.cloud.read(|state| {
        let mut found = state
            .locations
            .iter()
            .filter(|place| name.is_none_or(|name| place.spec.name.eq_ignore_ascii_case(name)))
            .filter(|place| id.is_none_or(|id| place.id == id))
            .skip(start);
        let items: Vec<_> = found.by_ref().take(max).map(|place| show(state, place)).collect();
        let mut reply = Reply::json(200, &json!({ "items": items }));
        if found.next().is_some() {
            reply = reply.with("link", link::next(call, &[("start", &(start + max).to_string())]));
        }
        Ok(reply)
    })
}

/// `GET /v1/locations/{id}`.
pub(super) fn get(call: &Call<'_>, id: &str) -> Result<Reply, Refusal> {
    call.cloud.read(|state| {
        let at = state.location_index(id).ok_or_else(Refusal::absent)?;
        let location = state.locations.get(usize::from(at)).ok_or_else(Refusal::absent)?;
        Ok(Reply::json(200, &show(state, location)))
    })
}
