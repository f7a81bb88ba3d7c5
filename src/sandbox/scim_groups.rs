//! SCIM groups: at most 500 members in any one request or answer.

use std::collections::BTreeSet;

use serde_json::{Value, json};
use uuid::Uuid;

use super::audit::Actor;
use super::call::Call;
use super::errors::Refusal;
use super::group_patch;
use super::groups::{Group, GroupChange, Member};
use super::ids;
use super::profile::{Object, any_case};
use super::reply::{Reply, comma, instant, member, member_raw, members as append, quote};
use super::scim_filter::{Filter, Op};
use super::scim_users::{Page, list_response, object, refuse_while_synchronized};
use super::state::State;
use super::view::{Projection, location, version};

/// The core schema of groups.
const CORE: &str = "urn:ietf:params:scim:schemas:core:2.0:Group";
/// The Webex extension of groups.
pub(super) const CISCO: &str = "urn:scim:schemas:extension:cisco:webexidentity:2.0:Group";
/// The most members in one request or answer.
pub(super) const MOST_MEMBERS: usize = 500;

const DEFAULT_COUNT: usize = 100;

/// `POST Groups`.
pub(super) fn create(call: &Call<'_>) -> Result<Reply, Refusal> {
    let doc = object(call.json()?)?;
    refuse_while_synchronized(call)?;
    call.cloud.write(|state| {
        let id = create_in(state, &doc, call.actor())?;
        let group = state.groups.get(id).ok_or_else(Refusal::absent)?;
        let document = render(state, call.cloud.base(), group, true);
        Ok(Reply::scim(201, document).with("location", location(state, call.cloud.base(), "Groups", id)))
    })
}

/// Makes a group from a SCIM document.
pub(super) fn create_in(state: &mut State, doc: &Object, actor: Actor<'_>) -> Result<Uuid, Refusal> {
    let fresh = read(state, doc, None)?;
    let attempt = state.groups.made;
    let name = fresh.display_name.unwrap_or_default();
    let mut id = ids::drawn(state.seed, "group", &name.to_lowercase(), 0);
    if state.groups.get(id).is_some() {
        id = ids::drawn(state.seed, "group", &name.to_lowercase(), attempt.saturating_add(1));
    }
    let mut users = BTreeSet::new();
    let mut nested = BTreeSet::new();
    for (member, _) in fresh.members {
        match member {
            Member::User(slot) => users.insert(slot),
            Member::Group(group) => nested.insert(group),
        };
    }
    state.audit.note(actor, "Group created", id, &name);
    state.groups.insert(Group {
        id,
        display_name: name,
        external_id: fresh.external_id.flatten(),
        cisco: fresh.cisco.unwrap_or_default(),
        users,
        nested,
        created: actor.at,
        modified: actor.at,
        revision: 1,
    });
    Ok(id)
}

/// `GET Groups/{id}`.
pub(super) fn get(call: &Call<'_>, id: &str) -> Result<Reply, Refusal> {
    let projection = Projection::of(call.query);
    call.cloud.read(|state| {
        let group =
            state.groups.get(super::call::known_group(&state.groups, id)?).ok_or_else(Refusal::absent)?;
        let document = render(state, call.cloud.base(), group, !projection.excludes("members"));
        Ok(Reply::scim(200, projection.apply(document)))
    })
}

/// `GET Groups`.
pub(super) fn list(call: &Call<'_>) -> Result<Reply, Refusal> {
    let page = Page::of(call, DEFAULT_COUNT, call.cloud.faults().scim_count_cap)?;
    let filter = match call.query.get("filter").filter(|text| !text.trim().is_empty()) {
        Some(text) => Some(Filter::parse(text).and_then(|filter| by_name_only(&filter).map(|()| filter))?),
        None => None,
    };
    let with_members = call.query.flag("includeMembers");
    let projection = Projection::of(call.query);
    let sort = call.query.get("sortBy").map(str::to_lowercase);
    let descending =
        call.query.get("sortOrder").is_some_and(|order| order.eq_ignore_ascii_case("descending"));
    call.cloud.read(|state| {
        let named = |group: &Group| {
            filter
                .as_ref()
                .is_none_or(|filter| filter.matches(&|_| vec![Value::from(group.display_name.as_ref())]))
        };
        let mut found: Vec<&Group> = state.groups.iter().filter(|group| named(group)).collect();
        match sort.as_deref() {
            None | Some("") => {}
            Some("displayname") => found.sort_by_cached_key(|group| group.display_name.to_lowercase()),
            Some("id") => found.sort_by_key(|group| group.id),
            Some("meta.lastmodified") => found.sort_by_key(|group| group.modified),
            Some(_) => return Err(Refusal::bad("sortBy must be displayName, id or meta.lastModified.")),
        }
        if descending {
            found.reverse();
        }
        let total = found.len();
        let mut resources = String::from("[");
        let mut returned = 0;
        for group in found.into_iter().skip(page.start - 1).take(page.count) {
            comma(&mut resources);
            resources.push_str(&projection.apply(render(state, call.cloud.base(), group, with_members)));
            returned += 1;
        }
        resources.push(']');
        Ok(Reply::scim(200, list_response(total, page.start, returned, &resources)))
    })
}

/// `GET Groups/{id}/Members`.
pub(super) fn members(call: &Call<'_>, id: &str) -> Result<Reply, Refusal> {
    let page = Page::of(call, DEFAULT_COUNT, MOST_MEMBERS)?;
    let kind = call.query.get("memberType").unwrap_or_default().to_lowercase();
    call.cloud.read(|state| {
        let group =
            state.groups.get(super::call::known_group(&state.groups, id)?).ok_or_else(Refusal::absent)?;
        let users = if kind == "group" { 0 } else { group.users.len() };
        let groups = if kind == "user" { 0 } else { group.nested.len() };
        let (list, returned) = member_list(state, call.cloud.base(), group, (users, groups), page);
        let mut out = String::from(
            "{\"schemas\":[\"urn:scim:schemas:extension:cisco:webexidentity:2.0:GroupMembers\"]",
        );
        member(&mut out, "displayName", &group.display_name);
        member_raw(&mut out, "memberSize", &(users + groups).to_string());
        member_raw(&mut out, "itemsPerPage", &returned.to_string());
        member_raw(&mut out, "startIndex", &page.start.to_string());
        member_raw(&mut out, "members", &list);
        out.push('}');
        Ok(Reply::scim(200, out))
    })
}

/// `PUT Groups/{id}`.
pub(super) fn replace(call: &Call<'_>, id: &str) -> Result<Reply, Refusal> {
    let doc = object(call.json()?)?;
    refuse_while_synchronized(call)?;
    call.cloud.write(|state| {
        let id = super::call::known_group(&state.groups, id)?;
        let mut change = read(state, &doc, Some(id))?;
        change.clear = true;
        commit(state, id, change, call.actor());
        shown(call, state, id)
    })
}

/// `PATCH Groups/{id}`.
pub(super) fn patch(call: &Call<'_>, id: &str) -> Result<Reply, Refusal> {
    let body = call.json()?;
    refuse_while_synchronized(call)?;
    call.cloud.write(|state| {
        let id = super::call::known_group(&state.groups, id)?;
        patch_in(state, id, &body, call.actor())?;
        shown(call, state, id)
    })
}

/// Applies a PATCH body to a group.
pub(super) fn patch_in(state: &mut State, id: Uuid, body: &Value, actor: Actor<'_>) -> Result<(), Refusal> {
    let change = group_patch::read(state, id, body)?;
    commit(state, id, change, actor);
    Ok(())
}

/// `DELETE Groups/{id}`.
pub(super) fn delete(call: &Call<'_>, id: &str) -> Result<Reply, Refusal> {
    refuse_while_synchronized(call)?;
    call.cloud.write(|state| {
        let id = super::call::known_group(&state.groups, id)?;
        delete_in(state, id, call.actor())?;
        Ok(Reply::empty(204))
    })
}

/// Deletes a group.
pub(super) fn delete_in(state: &mut State, id: Uuid, actor: Actor<'_>) -> Result<(), Refusal> {
    let group = state.groups.remove(id).ok_or_else(Refusal::absent)?;
    state.audit.note(actor, "Group deleted", id, &group.display_name);
    Ok(())
}

fn commit(state: &mut State, id: Uuid, change: GroupChange, actor: Actor<'_>) {
    state.groups.update(id, actor.at, change);
    let name = state.groups.get(id).map(|group| group.display_name.clone()).unwrap_or_default();
    state.audit.note(actor, "Group updated", id, &name);
}

fn shown(call: &Call<'_>, state: &State, id: Uuid) -> Result<Reply, Refusal> {
    let group = state.groups.get(id).ok_or_else(Refusal::absent)?;
    let projection = Projection::of(call.query);
    let document = render(state, call.cloud.base(), group, !projection.excludes("members"));
    Ok(Reply::scim(200, projection.apply(document)))
}

/// Checks a SCIM group document.
fn read(state: &State, doc: &Object, but: Option<Uuid>) -> Result<GroupChange, Refusal> {
    let listed = any_case(doc, "schemas").and_then(Value::as_array);
    if !listed.is_some_and(|list| list.iter().any(|urn| urn.as_str() == Some(CORE))) {
        return Err(Refusal::bad(format!("schemas must contain {CORE}.")));
    }
    let name = checked_name(state, any_case(doc, "displayName"), but)?;
    let external = match any_case(doc, "externalId") {
        None | Some(Value::Null) => None,
        Some(value) => Some(checked_external(value)?),
    };
    let members = match any_case(doc, "members") {
        None | Some(Value::Null) => Vec::new(),
        Some(list) => checked_members(state, list)?.into_iter().map(|member| (member, true)).collect(),
    };
    Ok(GroupChange {
        display_name: Some(name),
        external_id: Some(external),
        cisco: Some(match any_case(doc, CISCO) {
            None | Some(Value::Null) => Box::default(),
            Some(extension) => checked_extension(extension)?,
        }),
        clear: false,
        members,
    })
}

/// A display name that no other group has.
pub(super) fn checked_name(
    state: &State,
    name: Option<&Value>,
    but: Option<Uuid>,
) -> Result<Box<str>, Refusal> {
    let name = name.and_then(Value::as_str).unwrap_or_default();
    if name.trim().is_empty() || name.chars().count() > 512 {
        return Err(Refusal::bad("displayName must be 1 to 512 characters."));
    }
    if state.groups.name_taken(name, but) {
        return Err(Refusal::new(409, "The displayName is already in use.").code(200_017));
    }
    Ok(name.into())
}

/// An external id that fits.
pub(super) fn checked_external(value: &Value) -> Result<Box<str>, Refusal> {
    match value.as_str() {
        Some(text) if text.chars().count() <= 256 => Ok(text.into()),
        _ => Err(Refusal::bad("externalId must be a string of at most 256 characters.")),
    }
}

/// The Webex extension as members; what only the server writes is left out.
pub(super) fn checked_extension(value: &Value) -> Result<Box<str>, Refusal> {
    let Value::Object(extension) = value else {
        return Err(Refusal::bad("The extension must be an object."));
    };
    let usage = any_case(extension, "usage").and_then(Value::as_str);
    if usage.is_some_and(|usage| !["location", "distribution", "policy"].contains(&usage)) {
        return Err(Refusal::bad("usage must be location, distribution or policy."));
    }
    let kept: Object = extension
        .iter()
        .filter(|(name, _)| !["provisionSource", "meta"].contains(&name.as_str()))
        .map(|(name, value)| (name.clone(), value.clone()))
        .collect();
    let text = Value::Object(kept).to_string();
    Ok(text.trim_start_matches('{').strip_suffix('}').unwrap_or_default().into())
}

/// Members that exist; each must say its type.
pub(super) fn checked_members(state: &State, list: &Value) -> Result<Vec<Member>, Refusal> {
    let Value::Array(list) = list else { return Err(Refusal::bad("members must be a list of objects.")) };
    if list.len() > MOST_MEMBERS {
        return Err(Refusal::bad(format!("At most {MOST_MEMBERS} members fit into one request.")));
    }
    list.iter()
        .map(|item| {
            let id = item.get("value").and_then(Value::as_str).and_then(ids::raw);
            let kind = item.get("type").and_then(Value::as_str).unwrap_or_default().to_ascii_lowercase();
            let member = match (kind.as_str(), id) {
                ("", _) => return Err(Refusal::bad("members.type is required.")),
                ("user" | "machine", Some(id)) => state.roster.slot_of(id).map(Member::User),
                ("group", Some(id)) => state.groups.get(id).map(|group| Member::Group(group.id)),
                ("user" | "machine" | "group", None) => None,
                _ => return Err(Refusal::bad("members.type must be user, group or machine.")),
            };
            member.ok_or_else(|| Refusal::bad("members.value is not known in the organization."))
        })
        .collect()
}

/// Groups are searched by their names only.
fn by_name_only(filter: &Filter) -> Result<(), Refusal> {
    match filter {
        Filter::Compare { path, op: Op::Eq | Op::Sw, .. } if path.eq_ignore_ascii_case("displayName") => {
            Ok(())
        }
        Filter::Or(left, right) | Filter::And(left, right) => {
            by_name_only(left).and_then(|()| by_name_only(right))
        }
        _ => Err(Refusal::bad("Groups can be searched by displayName only.").code(100_104)),
    }
}

fn member_list(
    state: &State,
    base: &str,
    group: &Group,
    (users, groups): (usize, usize),
    page: Page,
) -> (String, usize) {
    let skip = page.start - 1;
    let mut out = String::from("[");
    let mut count = 0;
    let mut push = |id: Uuid, kind: &str, at: &str, display: &str| {
        comma(&mut out);
        out.push('{');
        member(&mut out, "value", &id.to_string());
        member(&mut out, "type", kind);
        member(&mut out, "display", display);
        member(&mut out, "$ref", &location(state, base, at, id));
        out.push('}');
        count += 1;
    };
    for slot in group.users.iter().take(users).skip(skip).take(page.count) {
        if let Some(person) = state.roster.get(*slot) {
            push(person.id, "user", "Users", &person.profile.display_name);
        }
    }
    let left = page.count.saturating_sub(users.saturating_sub(skip));
    for id in group.nested.iter().take(groups).skip(skip.saturating_sub(users)).take(left) {
        let name = state.groups.get(*id).map(|group| group.display_name.as_ref()).unwrap_or_default();
        push(*id, "group", "Groups", name);
    }
    out.push(']');
    (out, count)
}

/// A group as a SCIM document.
fn render(state: &State, base: &str, group: &Group, with_members: bool) -> String {
    let mut out = String::with_capacity(600);
    out.push_str("{\"schemas\":[");
    quote(&mut out, CORE);
    comma(&mut out);
    quote(&mut out, CISCO);
    out.push(']');
    member(&mut out, "id", &group.id.to_string());
    member(&mut out, "displayName", &group.display_name);
    if let Some(external) = &group.external_id {
        member(&mut out, "externalId", external);
    }
    if with_members && group.size() > 0 {
        let all = (group.users.len(), group.nested.len());
        let (list, _) = member_list(state, base, group, all, Page { start: 1, count: MOST_MEMBERS });
        member_raw(&mut out, "members", &list);
    }
    let meta = json!({
        "resourceType": "group",
        "created": instant(group.created),
        "lastModified": instant(group.modified),
        "version": version(group.revision),
        "location": location(state, base, "Groups", group.id),
    });
    member_raw(&mut out, "meta", &meta.to_string());
    comma(&mut out);
    quote(&mut out, CISCO);
    out.push_str(":{\"provisionSource\":\"SCIM\"");
    append(&mut out, &group.cisco);
    member_raw(&mut out, "meta", &json!({ "organizationID": state.org.id }).to_string());
    out.push_str("}}");
    out
}
