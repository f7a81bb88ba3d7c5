//! SCIM users: create, read, search, replace, patch, delete.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Instant;

use serde_json::Value;

use super::audit::Actor;
use super::call::Call;
use super::errors::Refusal;
use super::ids;
use super::person::Person;
use super::profile::{Object, Profile};
use super::reply::{Reply, comma, member_raw};
use super::roster::Order;
use super::scim_filter::{Filter, Op, bare};
use super::scim_operation::operations;
use super::scim_patch;
use super::state::State;
use super::view::{self, Detail, Projection};

/// How many resources a SCIM listing gives when nobody asks for a number.
const DEFAULT_COUNT: usize = 100;

/// `POST Users`.
pub(super) fn create(call: &Call<'_>) -> Result<Reply, Refusal> {
    let profile = Profile::from_scim(object(call.json()?)?)?;
    refuse_while_synchronized(call)?;
    call.cloud.write(|state| {
        let slot = state.create(profile, true, call.actor())?;
        let person = state.roster.get(slot).ok_or_else(Refusal::absent)?;
        let detail = Detail { organization: true, groups: false };
        let location = view::location(state, call.cloud.base(), "Users", person.id);
        Ok(Reply::scim(201, view::user(state, call.cloud.base(), person, detail)).with("location", location))
    })
}

/// `GET Users/{id}`.
pub(super) fn get(call: &Call<'_>, id: &str) -> Result<Reply, Refusal> {
    let projection = Projection::of(call.query);
    call.cloud.read(|state| {
        let person = find(state, id)?;
        let document = view::user(state, call.cloud.base(), person, Detail::default());
        Ok(Reply::scim(200, projection.apply(document)))
    })
}

/// `GET /identity/scim/v2/Users/me`.
pub(super) fn me(call: &Call<'_>) -> Result<Reply, Refusal> {
    let caller = call.caller.ok_or_else(Refusal::absent)?;
    get(call, &caller.to_string())
}

/// `PUT Users/{id}`: what is not there is removed.
pub(super) fn replace(call: &Call<'_>, id: &str) -> Result<Reply, Refusal> {
    let profile = Profile::from_scim(object(call.json()?)?)?;
    refuse_while_synchronized(call)?;
    call.cloud.write(|state| {
        let slot = slot(state, id)?;
        state.update(slot, profile, call.actor())?;
        shown(call, state, slot)
    })
}

/// `PATCH Users/{id}`.
pub(super) fn patch(call: &Call<'_>, id: &str) -> Result<Reply, Refusal> {
    let body = call.json()?;
    refuse_while_synchronized(call)?;
    call.cloud.write(|state| {
        let slot = slot(state, id)?;
        patch_slot(state, slot, &body, call.actor())?;
        shown(call, state, slot)
    })
}

/// `DELETE Users/{id}`.
pub(super) fn delete(call: &Call<'_>, id: &str) -> Result<Reply, Refusal> {
    refuse_while_synchronized(call)?;
    call.cloud.write(|state| {
        let slot = slot(state, id)?;
        state.delete(slot, call.actor())?;
        Ok(Reply::empty(204))
    })
}

/// Applies a PATCH body to an account.
pub(super) fn patch_slot(
    state: &mut State,
    slot: u32,
    body: &Value,
    actor: Actor<'_>,
) -> Result<(), Refusal> {
    let person = state.roster.get(slot).ok_or_else(Refusal::absent)?;
    let mut doc = person.profile.document();
    scim_patch::apply(&mut doc, operations(body)?)?;
    state.update(slot, Profile::from_scim(doc)?, actor)
}

/// Refuses SCIM writes while the vendor's own connector is on, if the knobs say so.
pub(super) fn refuse_while_synchronized(call: &Call<'_>) -> Result<(), Refusal> {
    let faults = call.cloud.faults();
    if faults.directory_sync && faults.directory_sync_blocks_scim {
        return Err(Refusal::new(403, "The organization synchronizes its users from a directory."));
    }
    Ok(())
}

/// The slot of an id in a path.
pub(super) fn slot(state: &State, id: &str) -> Result<u32, Refusal> {
    ids::raw(id).and_then(|id| state.roster.slot_of(id)).ok_or_else(Refusal::absent)
}

/// A body that must be an object.
pub(super) fn object(body: Value) -> Result<Object, Refusal> {
    match body {
        Value::Object(object) => Ok(object),
        _ => Err(Refusal::bad("The request body must be an object.")),
    }
}

fn find<'a>(state: &'a State, id: &str) -> Result<&'a Arc<Person>, Refusal> {
    state.roster.get(slot(state, id)?).ok_or_else(Refusal::absent)
}

fn shown(call: &Call<'_>, state: &State, slot: u32) -> Result<Reply, Refusal> {
    let person = state.roster.get(slot).ok_or_else(Refusal::absent)?;
    let document = view::user(state, call.cloud.base(), person, Detail::default());
    Ok(Reply::scim(200, Projection::of(call.query).apply(document)))
}

/// A page of a listing as it was asked for.
#[derive(Clone, Copy, Debug)]
pub(super) struct Page {
    /// From 1.
    pub(super) start: usize,
    pub(super) count: usize,
}

impl Page {
    /// Reads `startIndex` and `count`; more than `cap` is clamped.
    pub(super) fn of(call: &Call<'_>, default: usize, cap: usize) -> Result<Self, Refusal> {
        let number = |name: &str| {
            call.query.number(name).map_err(|()| Refusal::bad(format!("{name} must be a number.")))
        };
        Ok(Self {
            start: number("startIndex")?.unwrap_or(1).max(1),
            count: number("count")?.unwrap_or(default).min(cap),
        })
    }
}

/// `GET Users`.
pub(super) fn search(call: &Call<'_>) -> Result<Reply, Refusal> {
    let page = Page::of(call, DEFAULT_COUNT, call.cloud.faults().scim_count_cap)?;
    let filter = match call.query.get("filter").filter(|text| !text.trim().is_empty()) {
        Some(text) => {
            let filter = Filter::parse(text)?;
            filter.check_search()?;
            Some(filter)
        }
        None => None,
    };
    let order = match call.query.get("sortBy").map(str::to_lowercase).as_deref() {
        None | Some("") => Order::Creation,
        Some("username") => Order::UserName,
        Some("id") => Order::Id,
        Some("meta.lastmodified") => Order::Modified,
        Some(_) => return Err(Refusal::bad("sortBy must be userName, id or meta.lastModified.")),
    };
    let descending = match call.query.get("sortOrder").map(str::to_lowercase).as_deref() {
        None | Some("" | "ascending") => false,
        Some("descending") => true,
        Some(_) => return Err(Refusal::bad("sortOrder must be ascending or descending.")),
    };
    let detail = Detail {
        organization: true,
        groups: call.query.flag("includeGroupDetails") || call.query.flag("returnGroups"),
    };
    let projection = Projection::of(call.query);
    let now = Instant::now();
    call.cloud.read(|state| {
        let (total, people) = match &filter {
            None => {
                let people = state.roster.page(page.start - 1, page.count, order, descending, now);
                (state.roster.seen_len(now), people)
            }
            Some(filter) => {
                let mut found = matching(state, filter, now);
                match order {
                    Order::Creation => {}
                    Order::UserName => found.sort_by_cached_key(|person| person.key()),
                    Order::Id => found.sort_by_key(|person| person.id),
                    Order::Modified => found.sort_by_key(|person| person.modified),
                }
                if descending {
                    found.reverse();
                }
                let total = found.len();
                (total, found.into_iter().skip(page.start - 1).take(page.count).collect())
            }
        };
        let mut resources = String::with_capacity(people.len() * 1400 + 256);
        resources.push('[');
        for person in &people {
            comma(&mut resources);
            resources.push_str(&projection.apply(view::user(state, call.cloud.base(), person, detail)));
        }
        resources.push(']');
        Ok(Reply::scim(200, list_response(total, page.start, people.len(), &resources)))
    })
}

/// The envelope of a SCIM listing.
pub(super) fn list_response(total: usize, start: usize, returned: usize, resources: &str) -> String {
    let mut out = String::with_capacity(resources.len() + 200);
    out.push_str(r#"{"schemas":["urn:ietf:params:scim:api:messages:2.0:ListResponse"]"#);
    member_raw(&mut out, "totalResults", &total.to_string());
    member_raw(&mut out, "itemsPerPage", &returned.to_string());
    member_raw(&mut out, "startIndex", &start.to_string());
    member_raw(&mut out, "Resources", resources);
    out.push('}');
    out
}

fn matching(state: &State, filter: &Filter, now: Instant) -> Vec<Arc<Person>> {
    let slots: BTreeSet<u32> = match candidates(state, filter) {
        Some(slots) => slots.into_iter().chain(state.roster.shadowed(now)).collect(),
        None => (0..state.roster.slots()).collect(),
    };
    slots
        .into_iter()
        .filter_map(|slot| state.roster.seen(slot, now))
        .filter(|person| filter.matches(&|path| values(state, person, path)))
        .cloned()
        .collect()
}

/// The slots that can match, where an index tells; `None` when everybody has to be looked at.
fn candidates(state: &State, filter: &Filter) -> Option<Vec<u32>> {
    match filter {
        Filter::Compare { path, op, value } => {
            let text = value.as_str()?;
            match (bare(path).to_lowercase().as_str(), op) {
                ("username", Op::Eq) => Some(state.roster.slot_named(text).into_iter().collect()),
                ("username", Op::Sw) => Some(state.roster.named_like(text).collect()),
                ("id", Op::Eq) => {
                    Some(ids::raw(text).and_then(|id| state.roster.slot_of(id)).into_iter().collect())
                }
                _ => None,
            }
        }
        Filter::And(left, right) => candidates(state, left).or_else(|| candidates(state, right)),
        Filter::Or(left, right) => {
            let mut both = candidates(state, left)?;
            both.extend(candidates(state, right)?);
            Some(both)
        }
        Filter::Inside { .. } | Filter::Not(_) => None,
    }
}

/// The values of a searchable path; whole elements for a multi-valued attribute without a part.
fn values(state: &State, person: &Person, path: &str) -> Vec<Value> {
    let profile = &person.profile;
    let lower = bare(path).to_lowercase();
    match lower.as_str() {
        "id" => return vec![person.id.to_string().into()],
        "username" => return vec![profile.user_name.as_ref().into()],
        "displayname" => return vec![profile.display_name.as_ref().into()],
        "manager.value" => return profile.manager.map(|id| id.to_string().into()).into_iter().collect(),
        "manager.displayname" => {
            let manager = profile.manager.and_then(|id| state.roster.get(state.roster.slot_of(id)?));
            return manager.map(|manager| manager.profile.display_name.as_ref().into()).into_iter().collect();
        }
        "meta.organizationid" => return vec![state.org.id.to_string().into()],
        _ => {}
    }
    let (head, part) = lower.split_once('.').unwrap_or((lower.as_str(), ""));
    let holder = match head {
        "emails" => {
            let list = serde_json::from_str(&profile.email_list()).unwrap_or_default();
            Object::from_iter([("emails".to_owned(), list)])
        }
        "employeenumber" | "costcenter" | "organization" | "division" | "department" => {
            super::profile::parse(&profile.enterprise)
        }
        _ => super::profile::parse(&profile.core),
    };
    let Some(value) = super::profile::any_case(&holder, head) else { return Vec::new() };
    let part_of =
        |value: &Value| value.as_object().and_then(|object| super::profile::any_case(object, part)).cloned();
    match value {
        Value::Array(list) if part.is_empty() => list.clone(),
        Value::Array(list) => list.iter().filter_map(part_of).collect(),
        value if part.is_empty() => vec![value.clone()],
        value => part_of(value).into_iter().collect(),
    }
}
