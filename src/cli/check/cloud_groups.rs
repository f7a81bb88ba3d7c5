//! The groups that are to be in the cloud: whether they are there, mean one group each, and can have their
//! names; and whether the account may read and write groups.

use std::collections::BTreeMap;

use crate::cloud::CloudRead;
use crate::cloud::webex::WebexReader;
use crate::model::{CloudId, GROUP_NAME_MAX, Role};
use crate::rules::Rules;

use super::super::exit::{Exit, Failure};
use super::groups::Gathering;
use super::line::Line;

/// The name of these checks.
const NAME: &str = "groups";
/// Who may write groups besides a full administrator.
const GROUP_ADMIN: &str = "id_group_admin";

/// What the directory says; nothing when no groups are chosen.
pub(super) fn in_directory(rules: &Rules, gathering: &Gathering, whole: bool) -> Vec<Line> {
    let Some(chosen) = rules.chosen() else { return Vec::new() };
    let mut lines = Vec::new();
    if !whole {
        return lines;
    }
    for missing in gathering.not_there() {
        let near = missing.near.map(|near| format!("did you mean \"{near}\"? "));
        let what = format!("groups.sync names \"{}\", which no directory has", missing.name);
        let remedy =
            near.unwrap_or_default() + "correct the name, make the group, or search it with group_bases";
        lines.push(Line::fail(NAME, Failure::new(Exit::Config, what, remedy)));
    }
    for listed in chosen.listed() {
        let meant = gathering.named(listed);
        if meant.len() > 1 {
            let what =
                format!("\"{listed}\" in groups.sync means {} groups: {}", meant.len(), meant.join("; "));
            lines.push(Line::warn(NAME, what, "write the DN of the one that is meant"));
        }
    }
    let mut named: BTreeMap<String, Vec<&str>> = BTreeMap::new();
    let mut count = 0;
    for group in gathering.groups.values() {
        let Some(name) = &group.cloud else { continue };
        count += 1;
        if name.is_empty() || name.chars().count() > GROUP_NAME_MAX {
            let what = format!("groups.name makes no name of \"{}\" that the cloud takes", group.dn);
            let remedy = "give the group a name in the directory, or write groups.name so that it makes one";
            lines.push(Line::warn(NAME, what, remedy));
        } else {
            named.entry(name.to_lowercase()).or_default().push(&group.dn);
        }
    }
    for (name, mut dns) in named.into_iter().filter(|(_, dns)| dns.len() > 1) {
        dns.sort_unstable();
        let what = format!("several groups would be called \"{name}\" in the cloud: {}", dns.join("; "));
        lines.push(Line::warn(NAME, what, "choose one of them, or let groups.name make different names"));
    }
    lines.push(match count {
        0 => Line::warn(NAME, "no group is chosen for the cloud", "correct groups.sync and groups.bases"),
        _ => Line::ok(NAME, format!("{count} groups of the directory are chosen for the cloud")),
    });
    lines
}

/// Whether groups of the cloud can be read, and whether the account has a role that may write them.
pub(super) async fn in_cloud(reader: &WebexReader, me: Option<&CloudId>, roles: &[Role]) -> Vec<Line> {
    let seen = match reader.groups().await {
        Ok(groups) => groups.len(),
        Err(error) => return vec![Line::fail(NAME, error.into())],
    };
    let read = format!("the cloud has {seen} groups, and they can be read");
    let remedy =
        "authorise with an account that is full or group administrator, with the scope identity:people_rw";
    let mine = match me {
        Some(me) => reader.account(me).await.ok().flatten(),
        None => None,
    };
    let Some(mine) = mine else {
        return vec![Line::warn(
            NAME,
            format!("{read}; whose token it is, and what it may write, is not told"),
            remedy,
        )];
    };
    let full = Role::full(roles).map(|role| role.as_str());
    let may =
        mine.roles.iter().map(|role| role.as_str()).any(|role| Some(role) == full || role == GROUP_ADMIN);
    vec![match may {
        true => Line::ok(NAME, format!("{read}; the role of the account may write them")),
        false => Line::warn(NAME, format!("{read}; the account has no role that may write them"), remedy),
    }]
}
