//! Reading the groups of a Webex organization, through SCIM.
//!
//! A listing is counted like that of accounts: less than was announced is an error, because a
//! member who was not shown looks exactly like one who was taken out. Paging of members is
//! reported to fail with small pages, so the largest is asked for.

use std::collections::HashSet;

use serde::{Deserialize, Deserializer};

use super::link::{Link, Request, for_all, parse};
use super::wire::{List, Number, Text};
use super::{fault, ids};
use crate::cloud::http::Answer;
use crate::cloud::{CloudError, CloudErrorKind};
use crate::model::{CloudGroup, CloudId, MEMBERS_PER_CALL};

/// A page of `Groups`.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Page {
    #[serde(default, alias = "memberSize")]
    total_results: Number,
    #[serde(default, rename = "Resources", alias = "resources")]
    resources: List<Group>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Group {
    #[serde(deserialize_with = "text")]
    pub(super) id: String,
    #[serde(default, deserialize_with = "some_text")]
    display_name: Option<String>,
    #[serde(default, deserialize_with = "some_text")]
    external_id: Option<String>,
}

/// A page of `Groups/{id}/Members`. The total has two names in the documents.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Members {
    #[serde(default)]
    member_size: Number,
    #[serde(default)]
    total_results: Number,
    #[serde(default)]
    members: List<Member>,
}

#[derive(Deserialize)]
struct Member {
    #[serde(deserialize_with = "text")]
    value: String,
    #[serde(default, rename = "type", deserialize_with = "some_text")]
    kind: Option<String>,
}

fn text<'de, D: Deserializer<'de>>(d: D) -> Result<String, D::Error> {
    Text::deserialize(d).map(|text| text.0.into_owned())
}

fn some_text<'de, D: Deserializer<'de>>(d: D) -> Result<Option<String>, D::Error> {
    Ok(Option::<Text<'_>>::deserialize(d)?.map(|text| text.0.into_owned()))
}

impl From<Group> for CloudGroup {
    fn from(group: Group) -> Self {
        Self {
            id: CloudId::new(group.id),
            name: group.display_name.unwrap_or_default(),
            external_id: group.external_id,
        }
    }
}

/// All groups, without their members.
pub(super) async fn all(link: &Link) -> Result<Vec<CloudGroup>, CloudError> {
    let mut first_hole = None;
    loop {
        let (found, announced) = listing(link).await?;
        if found.len() as u64 == announced {
            return Ok(found);
        }
        let hole = format!("{announced} groups were announced and {} shown", found.len());
        match first_hole.replace(hole.clone()) {
            None => {
                tracing::warn!(
                    announced,
                    seen = found.len(),
                    "the listing of groups has a hole; reading it again"
                );
            }
            Some(first) => {
                return Err(CloudError::new(
                    CloudErrorKind::Unintelligible,
                    format!("the listing of groups is not whole, twice: {first}; then {hole}"),
                    "somebody else may be changing groups right now: the next pass reads again",
                ));
            }
        }
    }
}

/// One reading: the groups, each once, and how many there should be.
async fn listing(link: &Link) -> Result<(Vec<CloudGroup>, u64), CloudError> {
    let mut seen = HashSet::new();
    let mut found = Vec::new();
    let mut next = 1;
    let mut announced = 0;
    loop {
        let query = vec![
            ("sortBy", "id".into()),
            ("sortOrder", "ascending".into()),
            ("excludedAttributes", "members".into()),
            ("startIndex", next.to_string()),
            ("count", link.page_size.to_string()),
        ];
        let answer = link.call(Request::get(link.scim("Groups").await?, query)).await?;
        if !answer.is_success() {
            return Err(for_all(rights(fault::error(&answer))));
        }
        let page: Page = parse(&answer)?;
        announced = total(&answer, page.total_results)?.max(announced);
        let shown = page.resources.0.len() as u64;
        for group in page.resources.0 {
            if seen.insert(group.id.clone()) {
                found.push(group.into());
            }
        }
        next += shown;
        if shown == 0 || next > announced {
            return Ok((found, announced));
        }
    }
}

/// The groups with a name.
pub(super) async fn by_name(link: &Link, name: &str) -> Result<Vec<CloudGroup>, CloudError> {
    let escaped = name.replace('\\', "\\\\").replace('"', "\\\"");
    let query = vec![
        ("filter", format!("displayName eq \"{escaped}\"")),
        ("excludedAttributes", "members".into()),
        ("count", "100".into()),
    ];
    let answer = link.call(Request::get(link.scim("Groups").await?, query)).await?;
    if !answer.is_success() {
        return Err(rights(fault::error(&answer)));
    }
    let page: Page = parse(&answer)?;
    // A server that does not know the filter may show any group.
    let wanted = name.to_lowercase();
    let groups = page.resources.0.into_iter().map(CloudGroup::from);
    Ok(groups.filter(|group| group.name.to_lowercase() == wanted).collect())
}

/// The accounts in a group; `None` when there is no such group.
pub(super) async fn members(link: &Link, id: &CloudId) -> Result<Option<Vec<CloudId>>, CloudError> {
    let mut hole = None;
    for _ in 0..2 {
        let Some((shown, announced, people)) = members_once(link, id).await? else { return Ok(None) };
        if shown == announced {
            return Ok(Some(people));
        }
        hole = Some((shown, announced));
    }
    let (shown, announced) = hole.unwrap_or_default();
    Err(CloudError::new(
        CloudErrorKind::Unintelligible,
        format!("{announced} members of the group {id} were announced and {shown} shown, twice"),
        "somebody else may be changing the group right now: the next pass reads again",
    ))
}

/// One reading: how many members were shown and announced, and which of them are accounts.
async fn members_once(link: &Link, id: &CloudId) -> Result<Option<(u64, u64, Vec<CloudId>)>, CloudError> {
    let path = link.scim(&format!("Groups/{}/Members", ids::segment(id.as_str()))).await?;
    let mut seen = HashSet::new();
    let mut people = Vec::new();
    let (mut next, mut announced) = (1, 0);
    loop {
        let query = vec![("startIndex", next.to_string()), ("count", MEMBERS_PER_CALL.to_string())];
        let answer = link.call(Request::get(path.clone(), query)).await?;
        if answer.status == 404 {
            return Ok(None);
        }
        if !answer.is_success() {
            return Err(rights(fault::error(&answer)));
        }
        let page: Members = parse(&answer)?;
        let size = if page.member_size.0.is_some() { page.member_size } else { page.total_results };
        announced = total(&answer, size)?.max(announced);
        let shown = page.members.0.len() as u64;
        for member in page.members.0 {
            let kind = member.kind.as_deref().unwrap_or("user");
            let is_user = kind.eq_ignore_ascii_case("user");
            if seen.insert(member.value.clone()) && is_user {
                people.push(CloudId::new(member.value));
            }
        }
        next += shown;
        if shown == 0 || next > announced {
            return Ok(Some((seen.len() as u64, announced, people)));
        }
    }
}

fn total(answer: &Answer, number: Number) -> Result<u64, CloudError> {
    number.0.ok_or_else(|| CloudError {
        kind: CloudErrorKind::Unintelligible,
        what: format!("the answer to {} does not say how many there are", answer.label),
        remedy: "check the address of the cloud; report this to its support otherwise".into(),
        tracking_id: answer.tracking_id.clone(),
    })
}

/// What refuses groups and not people is most likely a missing right.
pub(super) fn rights(error: CloudError) -> CloudError {
    match error.kind {
        CloudErrorKind::Refused => CloudError {
            remedy: "groups need the scope identity:people_rw and the role full or group administrator; \
                     without them, leave the section [groups] out"
                .into(),
            ..error
        },
        _ => error,
    }
}
