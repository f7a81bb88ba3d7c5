//! Numbers and extensions in use, as the Calling configuration lists them.

use serde_json::{Value, json};

use super::call::Call;
use super::errors::Refusal;
use super::ids;
use super::link;
use super::reply::Reply;
use super::state::State;

/// The most numbers in one answer.
const MOST: usize = 2000;

/// `GET /v1/telephony/config/numbers`, of the parameters `locationId`, `extension`, `phoneNumber`,
/// `max` and `start`.
pub(super) fn list(call: &Call<'_>) -> Result<Reply, Refusal> {
    let number =
        |name: &str| call.query.number(name).map_err(|()| Refusal::bad(format!("{name} must be a number.")));
    let max = number("max")?.unwrap_or(MOST).clamp(1, MOST);
    let start = number("start")?.unwrap_or(0);
    let asked = |name: &str| call.query.get(name).filter(|value| !value.is_empty());
    let (place, extension, phone) = (asked("locationId"), asked("extension"), asked("phoneNumber"));
    call.cloud.read(|state| {
        let place = match place {
            Some(id) => Some(state.location_index(id).ok_or_else(Refusal::absent)?),
            None => None,
        };
        let mut found = state
            .roster
            .since_slot(0)
            .filter_map(|(_, person)| Some((person, person.calling.as_deref()?)))
            .filter(|(_, calling)| place.is_none_or(|at| calling.location == at))
            .filter(|(_, calling)| extension.is_none_or(|wanted| calling.extension.as_deref() == Some(wanted)))
            .filter(|(_, calling)| phone.is_none_or(|wanted| calling.number.as_deref() == Some(wanted)))
            .skip(start);
        let items: Vec<Value> = found
            .by_ref()
            .take(max)
            .map(|(person, calling)| {
                let mut item = json!({
                    "state": "ACTIVE",
                    "owner": { "id": ids::person(person.id), "type": "PEOPLE", "lastName": "", "firstName": "" },
                });
                if let Some(location) = state.locations.get(usize::from(calling.location)) {
                    item["location"] = json!({ "id": location.id, "name": location.spec.name });
                }
                if let Some(number) = &calling.number {
                    item["phoneNumber"] = number.as_ref().into();
                }
                if let Some(extension) = &calling.extension {
                    item["extension"] = extension.as_ref().into();
                }
                item
            })
            .collect();
        let mut reply = Reply::json(200, &json!({ "phoneNumbers": items }));
        if found.next().is_some() {
            reply = reply.with("link", link::next(call, &[("start", &(start + max).to_string())]));
        }
        Ok(reply)
    })
}

/// Whether somebody has this extension at a location, or this number.
pub(super) fn is_taken(
    state: &State,
    location: Option<u16>,
    extension: Option<&str>,
    number: Option<&str>,
) -> bool {
    state.roster.since_slot(0).filter_map(|(_, person)| person.calling.as_deref()).any(|calling| {
        let same_extension = extension.is_some()
            && calling.extension.as_deref() == extension
            && Some(calling.location) == location;
        same_extension || number.is_some() && calling.number.as_deref() == number
    })
}
