//! PATCH of a group: the operations become one checked change.

use serde_json::Value;
use uuid::Uuid;

use super::errors::Refusal;
use super::groups::{GroupChange, Member};
use super::ids;
use super::profile::parse;
use super::scim_filter::Filter;
use super::scim_groups::{
    CISCO, MOST_MEMBERS, checked_extension, checked_external, checked_members, checked_name,
};
use super::scim_operation::{Operation, Verb, operations};
use super::scim_path::{Target, invalid_path, invalid_value};
use super::state::State;

/// Checks a PATCH body against a group.
pub(super) fn read(state: &State, id: Uuid, body: &Value) -> Result<GroupChange, Refusal> {
    let mut change = GroupChange::default();
    for operation in operations(body)? {
        match (operation.path, operation.value) {
            (Some(path), value) => one(state, id, &mut change, &path, operation.verb, value)?,
            (None, Some(Value::Object(values))) => {
                for (path, value) in values {
                    if !path.eq_ignore_ascii_case("schemas") && !value.is_null() {
                        one(state, id, &mut change, &path, operation.verb, Some(value))?;
                    }
                }
            }
            (None, _) => return Err(invalid_value("Without a path the value must be an object.")),
        }
        if change.members.len() > MOST_MEMBERS {
            return Err(Refusal::bad(format!("At most {MOST_MEMBERS} members fit into one request.")));
        }
    }
    Ok(change)
}

fn one(
    state: &State,
    id: Uuid,
    change: &mut GroupChange,
    path: &str,
    verb: Verb,
    value: Option<Value>,
) -> Result<(), Refusal> {
    if let Some((head, rest)) = path.split_at_checked(CISCO.len())
        && head.eq_ignore_ascii_case(CISCO)
    {
        return extension(state, id, change, rest.get(1..).unwrap_or_default(), verb, value);
    }
    let target = Target::parse(path)?;
    let operation = Operation { verb, path: None, value };
    match target.attribute.to_ascii_lowercase().as_str() {
        "displayname" if verb != Verb::Remove => {
            change.display_name = Some(checked_name(state, operation.value.as_ref(), Some(id))?);
        }
        "externalid" => {
            change.external_id = Some(match (verb, &operation.value) {
                (Verb::Remove, _) | (_, None) => None,
                (_, Some(value)) => Some(checked_external(value)?),
            });
        }
        "members" => members(state, id, change, &target, operation)?,
        "id" | "meta" => {}
        "displayname" => return Err(invalid_value("displayName cannot be removed.")),
        _ => return Err(invalid_path()),
    }
    Ok(())
}

fn members(
    state: &State,
    id: Uuid,
    change: &mut GroupChange,
    target: &Target,
    operation: Operation,
) -> Result<(), Refusal> {
    if target.part.is_some() {
        return Err(invalid_path());
    }
    match (operation.verb, &target.filter, operation.value) {
        (Verb::Add, None, Some(list)) => {
            let list = if list.is_object() { Value::Array(vec![list]) } else { list };
            change.members.extend(checked_members(state, &list)?.into_iter().map(|member| (member, true)));
        }
        (Verb::Replace, None, Some(list)) => {
            let joining = checked_members(state, &list)?;
            change.clear = true;
            change.members = joining.into_iter().map(|member| (member, true)).collect();
        }
        (Verb::Remove, None, None) => {
            change.clear = true;
            change.members.clear();
        }
        // A list of members to remove rather than all of them.
        (Verb::Remove, None, Some(Value::Array(list))) => {
            for item in list {
                let wanted = item.get("value").and_then(Value::as_str).unwrap_or_default();
                change.members.extend(member(state, wanted).map(|member| (member, false)));
            }
        }
        (Verb::Remove, Some(filter), _) => {
            let leaving = leaving(state, id, filter)?;
            change.members.extend(leaving.into_iter().map(|member| (member, false)));
        }
        _ => return Err(invalid_path()),
    }
    Ok(())
}

/// Whom a filter takes out: `value eq "..."`, several joined by `or`.
fn leaving(state: &State, id: Uuid, filter: &Filter) -> Result<Vec<Member>, Refusal> {
    match filter {
        Filter::Compare { path, op: super::scim_filter::Op::Eq, value }
            if path.eq_ignore_ascii_case("value") =>
        {
            // Whether Webex forgives a member who is none is not known; the strict reading does not.
            let wanted = value.as_str().and_then(|wanted| member(state, wanted));
            let group = state.groups.get(id).ok_or_else(Refusal::absent)?;
            let found = wanted.filter(|member| match member {
                Member::User(slot) => group.users.contains(slot),
                Member::Group(nested) => group.nested.contains(nested),
            });
            found.map(|member| vec![member]).ok_or_else(Refusal::no_target)
        }
        Filter::Compare { path, op: super::scim_filter::Op::Eq, value }
            if path.eq_ignore_ascii_case("type") =>
        {
            let group = state.groups.get(id).ok_or_else(Refusal::absent)?;
            Ok(match value.as_str() {
                Some("user") => group.users.iter().map(|slot| Member::User(*slot)).collect(),
                Some("group") => group.nested.iter().map(|id| Member::Group(*id)).collect(),
                _ => Vec::new(),
            })
        }
        Filter::Or(left, right) => {
            let mut both = leaving(state, id, left)?;
            both.extend(leaving(state, id, right)?);
            Ok(both)
        }
        _ => Err(invalid_path()),
    }
}

fn member(state: &State, id: &str) -> Option<Member> {
    let id = ids::raw(id)?;
    let user = state.roster.slot_of(id).map(Member::User);
    user.or_else(|| state.groups.get(id).map(|group| Member::Group(group.id)))
}

fn extension(
    state: &State,
    id: Uuid,
    change: &mut GroupChange,
    name: &str,
    verb: Verb,
    value: Option<Value>,
) -> Result<(), Refusal> {
    let before = change
        .cisco
        .clone()
        .or_else(|| state.groups.get(id).map(|group| group.cisco.clone()))
        .unwrap_or_default();
    let mut extension = parse(&before);
    match (verb, name, value) {
        (Verb::Remove, "", _) => extension.clear(),
        (Verb::Remove, name, _) => extension.retain(|key, _| !key.eq_ignore_ascii_case(name)),
        (_, "", Some(Value::Object(values))) => extension.extend(values),
        (_, name, Some(value)) if !name.is_empty() => {
            extension.insert(name.to_owned(), value);
        }
        _ => return Err(invalid_value("An extension must be an object.")),
    }
    change.cisco = Some(checked_extension(&Value::Object(extension))?);
    Ok(())
}
