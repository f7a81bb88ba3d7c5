//! With what people call, and the UC Manager profiles of the organization.
//!
//! What the vendor leaves open is refused here: settings of somebody who is not active, and a profile
//! beside an application that has none.

use serde_json::{Value, json};

use super::call::Call;
use super::errors::Refusal;
use super::ids;
use super::person::{Behavior, Person};
use super::reply::Reply;
use super::state::State;

const UCM: &str = "NATIVE_SIP_CALL_TO_UCM";
const JABBER: &str = "CALL_WITH_APP_REGISTERED_FOR_CISCOTEL";
const TYPES: &[&str] =
    &[DEFAULT, JABBER, "CALL_WITH_APP_REGISTERED_FOR_TEL", "CALL_WITH_APP_REGISTERED_FOR_WEBEXCALLTEL", UCM];
/// That of the organization.
const DEFAULT: &str = "NATIVE_WEBEX_TEAMS_CALLING";

/// The id of a UC Manager profile, by its name.
fn profile_id(state: &State, name: &str) -> String {
    ids::public("CALLING_PROFILE", &ids::drawn(state.seed, "calling profile", name, 0).to_string())
}

fn find(state: &State, id: &str) -> Result<u32, Refusal> {
    ids::person_from(id).and_then(|id| state.roster.slot_of(id)).ok_or_else(Refusal::absent)
}

/// `GET /v1/telephony/config/callingProfiles`.
pub(super) fn profiles(call: &Call<'_>) -> Reply {
    call.cloud.read(|state| {
        let all: Vec<Value> = state
            .uc_profiles
            .iter()
            .map(|name| json!({ "id": profile_id(state, name), "name": name }))
            .collect();
        Reply::json(200, &json!({ "callingProfiles": all }))
    })
}

/// `GET /v1/people/{id}/features/callingBehavior`.
pub(super) fn get(call: &Call<'_>, id: &str) -> Result<Reply, Refusal> {
    call.cloud.read(|state| {
        let person = state.roster.get(find(state, id)?).ok_or_else(Refusal::absent)?;
        let kept = person.behavior.as_deref().cloned().unwrap_or_default();
        let mut shown = json!({
            "behaviorType": kept.kind,
            "effectiveBehaviorType": kept.kind.as_deref().unwrap_or(DEFAULT),
        });
        if let Some(profile) = kept.profile {
            shown["profileId"] = profile.as_ref().into();
        }
        Ok(Reply::json(200, &shown))
    })
}

/// `PUT /v1/people/{id}/features/callingBehavior`. What the body does not mention stays.
pub(super) fn put(call: &Call<'_>, id: &str) -> Result<Reply, Refusal> {
    let body = call.json()?;
    call.cloud.write(|state| {
        let slot = find(state, id)?;
        let person = state.roster.get(slot).ok_or_else(Refusal::absent)?;
        if !person.profile.active {
            return Err(Refusal::bad("The person is not active."));
        }
        let mut next = person.behavior.as_deref().cloned().unwrap_or_default();
        match body.get("behaviorType") {
            None => {}
            Some(Value::Null) => next.kind = None,
            Some(Value::String(text)) => {
                let known = TYPES.iter().find(|known| known.eq_ignore_ascii_case(text));
                next.kind =
                    Some((*known.ok_or_else(|| Refusal::bad("behaviorType is not a known type."))?).into());
            }
            Some(_) => return Err(Refusal::bad("behaviorType must be a string or null.")),
        }
        match body.get("profileId") {
            None => {}
            Some(Value::Null) => next.profile = None,
            Some(Value::String(id))
                if state.uc_profiles.iter().any(|name| profile_id(state, name) == *id) =>
            {
                next.profile = Some(id.as_str().into());
            }
            Some(_) => {
                return Err(Refusal::bad("profileId is not a UC Manager profile of the organization."));
            }
        }
        match next.kind.as_deref() {
            None | Some(UCM) => {}
            Some(JABBER) => next.profile = None,
            Some(_) if next.profile.is_some() => {
                return Err(Refusal::bad("A profile goes with calling through Unified CM only."));
            }
            Some(_) => {}
        }
        let mut person = Person::clone(person);
        person.behavior = (next != Behavior::default()).then(|| Box::new(next));
        state.commit(slot, person, call.actor(), "Calling behavior updated");
        Ok(Reply::empty(204))
    })
}
