//! Changing the groups of a Webex organization, through SCIM: a chunk of members at a time.
//!
//! A member whom the cloud does not accept (an account that went away meanwhile) makes it refuse
//! the whole request. Then halves are tried, so that one keeps nobody else out.

use reqwest::Method;
use serde_json::{Value, json};

use super::groups::{Group, rights};
use super::link::{Link, Request, parse};
use super::{fault, ids};
use crate::cloud::http::{Answer, Effect};
use crate::cloud::{CloudError, CloudErrorKind, GroupWritten, Order};
use crate::model::{Action, Attr, Change, CloudId, Field, Kind};

const CORE: &str = "urn:ietf:params:scim:schemas:core:2.0:Group";
const PATCH: &str = "urn:ietf:params:scim:api:messages:2.0:PatchOp";
/// SCIM's word for a path that leads to nothing.
const NO_TARGET: &str = "noTarget";

/// Carries out one action. When the cloud refuses members, they are tried in halves, so that one
/// account that it does not accept keeps nobody else out.
pub(super) async fn write(link: &Link, order: Order<'_>) -> Result<GroupWritten, CloudError> {
    let Order { action, cloud_id } = order;
    let target = cloud_id.or(action.cloud_id.as_ref());
    match (action.kind, target) {
        (Kind::GroupCreate, _) => create(link, action).await,
        (Kind::GroupDelete, Some(id)) => {
            let path = link.scim(&format!("Groups/{}", ids::segment(id.as_str()))).await?;
            let answer = send(link, Method::DELETE, path, None, Effect::Repeatable).await?;
            match answer.status {
                404 => Ok(written(id, Vec::new())),
                _ if answer.is_success() => Ok(written(id, Vec::new())),
                _ => Err(rights(fault::error(&answer))),
            }
        }
        (Kind::GroupUpdate, Some(id)) => update(link, id, &action.changes).await,
        _ => Err(internal("an order on a group does not say which")),
    }
}

async fn create(link: &Link, action: &Action) -> Result<GroupWritten, CloudError> {
    let (values, members) = parts(&action.changes);
    let path = link.scim("Groups").await?;
    let body = document(action, &values, &members);
    let answer = send(link, Method::POST, path.clone(), Some(&body), Effect::Once).await?;
    if answer.is_success() {
        return created(&answer, Vec::new());
    }
    let error = rights(fault::error(&answer));
    if error.kind != CloudErrorKind::Rejected || members.is_empty() {
        return Err(error);
    }
    // It may be one of the members: the group first, and then they.
    let body = document(action, &values, &[]);
    let answer = send(link, Method::POST, path, Some(&body), Effect::Once).await?;
    if !answer.is_success() {
        return Err(rights(fault::error(&answer)));
    }
    let group = created(&answer, Vec::new())?;
    let refused = add(link, &group.id, &members).await?;
    Ok(GroupWritten { refused, ..group })
}

async fn update(link: &Link, id: &CloudId, changes: &[Change]) -> Result<GroupWritten, CloudError> {
    let (values, members) = parts(changes);
    let (joining, leaving): (Vec<&Change>, Vec<&Change>) = members.into_iter().partition(|c| !c.expels());
    let operations: Vec<Value> = values
        .iter()
        .filter_map(|change| {
            let path = match change.field {
                Attr::Field(Field::DisplayName) => "displayName",
                Attr::ExternalId => "externalId",
                _ => return None,
            };
            Some(match &change.to {
                Some(to) => json!({ "op": "replace", "path": path, "value": to }),
                None => json!({ "op": "remove", "path": path }),
            })
        })
        .collect();
    if !operations.is_empty() {
        let answer = patch(link, id, operations).await?;
        if !answer.is_success() {
            return Err(rights(fault::error(&answer)));
        }
    }
    expel(link, id, &leaving).await?;
    let refused = add(link, id, &joining).await?;
    Ok(written(id, refused))
}

/// Takes members out. Who is not a member any more, by whomever, is out.
async fn expel(link: &Link, id: &CloudId, members: &[&Change]) -> Result<(), CloudError> {
    let mut todo = vec![members];
    while let Some(some) = todo.pop() {
        if some.is_empty() {
            continue;
        }
        let out = some.iter().filter_map(|change| member(change)).map(out).collect();
        let answer = patch(link, id, out).await?;
        if answer.is_success() {
            continue;
        }
        let error = rights(fault::error(&answer));
        let absent =
            answer.status == 400 && fault::read(&answer.body).scim_type.as_deref() == Some(NO_TARGET);
        match some {
            [_] if absent => {}
            [_] => return Err(error),
            some if error.kind == CloudErrorKind::Rejected => {
                let (left, right) = some.split_at(some.len() / 2);
                todo.extend([right, left]);
            }
            _ => return Err(error),
        }
    }
    Ok(())
}

/// Adds members; says whom the cloud did not accept.
async fn add(link: &Link, id: &CloudId, members: &[&Change]) -> Result<Vec<CloudId>, CloudError> {
    let mut refused = Vec::new();
    let mut todo = vec![members];
    while let Some(some) = todo.pop() {
        if some.is_empty() {
            continue;
        }
        let list: Vec<Value> = some.iter().filter_map(|change| member(change)).map(value).collect();
        let operation = json!({ "op": "add", "path": "members", "value": list });
        let answer = patch(link, id, vec![operation]).await?;
        if answer.is_success() {
            continue;
        }
        let error = rights(fault::error(&answer));
        if error.kind != CloudErrorKind::Rejected {
            return Err(error);
        }
        match some {
            [one] => refused.extend(member(one).cloned()),
            some => {
                let (left, right) = some.split_at(some.len() / 2);
                todo.extend([right, left]);
            }
        }
    }
    // When nobody is accepted, it is not about the members.
    if !refused.is_empty() && refused.len() == members.len() && refused.len() > 1 {
        return Err(CloudError::new(
            CloudErrorKind::Rejected,
            format!("the cloud accepts none of {} members of the group {id}", refused.len()),
            "look at the group in Control Hub: it may not take members from outside",
        ));
    }
    Ok(refused)
}

fn document(action: &Action, values: &[&Change], members: &[&Change]) -> Value {
    let external = values.iter().find(|change| change.field == Attr::ExternalId);
    let mut group = json!({
        "schemas": [CORE],
        "displayName": action.who.as_str(),
        "externalId": external.and_then(|change| change.to.as_deref()),
    });
    if !members.is_empty() {
        group["members"] = members.iter().filter_map(|change| member(change)).map(value).collect();
    }
    group
}

fn out(id: &CloudId) -> Value {
    let id = id.as_str().replace('\\', "\\\\").replace('"', "\\\"");
    json!({ "op": "remove", "path": format!("members[value eq \"{id}\"]") })
}

/// A member as Webex takes it: without the type it is refused.
fn value(id: &CloudId) -> Value {
    json!({ "value": id.as_str(), "type": "user" })
}

fn member(change: &Change) -> Option<&CloudId> {
    match &change.field {
        Attr::Member(id) => Some(id),
        _ => None,
    }
}

/// Values, and members.
fn parts(changes: &[Change]) -> (Vec<&Change>, Vec<&Change>) {
    changes.iter().partition(|change| member(change).is_none())
}

async fn patch(link: &Link, id: &CloudId, operations: Vec<Value>) -> Result<Answer, CloudError> {
    // The answer would hold 500 members, whom nobody reads.
    let path = link.scim(&format!("Groups/{}?excludedAttributes=members", ids::segment(id.as_str()))).await?;
    let body = json!({ "schemas": [PATCH], "Operations": operations });
    send(link, Method::PATCH, path, Some(&body), Effect::Repeatable).await
}

async fn send(
    link: &Link,
    method: Method,
    path: String,
    body: Option<&Value>,
    effect: Effect,
) -> Result<Answer, CloudError> {
    let body = body.map(|body| body.to_string().into_bytes());
    link.call(Request { method, path, query: Vec::new(), body, effect }).await
}

fn created(answer: &Answer, refused: Vec<CloudId>) -> Result<GroupWritten, CloudError> {
    // Made, whatever the answer looks like: it must not be made again.
    let group: Group = parse(answer).map_err(|e| CloudError { kind: CloudErrorKind::Ambiguous, ..e })?;
    Ok(GroupWritten { id: CloudId::new(group.id), refused })
}

fn written(id: &CloudId, refused: Vec<CloudId>) -> GroupWritten {
    GroupWritten { id: id.clone(), refused }
}

fn internal(what: &str) -> CloudError {
    CloudError::new(CloudErrorKind::Rejected, what, "please report this as a fault of dirsyncd")
}
