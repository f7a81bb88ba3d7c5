//! What the cloud says about groups: about those to be created, whether they are there already;
//! about ours, when the whole cloud is observed, whether somebody changed them.

use std::collections::{BTreeMap, BTreeSet};

use crate::cloud::{CloudError, CloudErrorKind, CloudRead};
use crate::model::{CloudGroup, CloudId, GroupLink, Key, SourceId};
use crate::pass::PassError;
use crate::store::Reader;

use super::ChosenGroups;

/// So many groups are asked for by name; beyond, listing all of them is quicker.
const FEW: usize = 20;

/// What was seen of the groups of the cloud.
#[derive(Debug, Default)]
pub struct GroupsSeen {
    /// Whether all groups were listed, so that who is not among them is not there.
    pub(super) listed: bool,
    /// The groups.
    pub(super) groups: Vec<CloudGroup>,
    /// Of groups that are ours: how their members differ from those that we know of.
    pub(super) drift: BTreeMap<SourceId, Drift>,
    /// The members of groups that carry an anchor of ours, while the link to them is lost.
    pub(super) lost: BTreeMap<SourceId, Vec<CloudId>>,
    /// Groups whose members could not be listed completely, which proves nothing.
    pub(super) unread: BTreeSet<SourceId>,
}

/// How the members of a group differ from those that we know of.
#[derive(Debug, Default)]
pub(super) struct Drift {
    /// Whom we added and who is not a member any more.
    pub(super) missing: BTreeSet<Key>,
    /// Who is a member, and not by us.
    pub(super) extra: Vec<CloudId>,
}

impl GroupsSeen {
    /// The group with this id.
    pub(super) fn by_id(&self, id: &CloudId) -> Option<&CloudGroup> {
        self.groups.iter().find(|group| group.id == *id)
    }

    /// Whether all groups were listed.
    pub(in crate::pass) fn is_listed(&self) -> bool {
        self.listed
    }

    /// The group that carries this anchor.
    pub(in crate::pass) fn by_anchor(&self, anchor: SourceId) -> Option<&CloudGroup> {
        let anchor = anchor.to_string();
        self.groups.iter().find(|group| group.external_id.as_deref() == Some(anchor.as_str()))
    }

    /// The group with this name, which the cloud compares without letter case.
    pub(super) fn by_name(&self, name: &str) -> Option<&CloudGroup> {
        let name = name.to_lowercase();
        self.groups.iter().find(|group| group.name.to_lowercase() == name)
    }
}

/// Asks the cloud. `all`: whether everything is observed. Without anything to ask about, the
/// cloud is not asked.
///
/// # Errors
///
/// When the cloud or the store cannot be read.
pub async fn see(
    cloud: &dyn CloudRead,
    reader: &Reader,
    chosen: &ChosenGroups,
    all: bool,
) -> Result<GroupsSeen, PassError> {
    let links = reader.group_links()?;
    let linked: BTreeSet<SourceId> = links.iter().map(|link| link.anchor).collect();
    let new: Vec<&str> = chosen
        .groups
        .iter()
        .filter(|(anchor, (_, _, name))| !linked.contains(anchor) && !name.is_empty())
        .map(|(_, (_, _, name))| name.as_str())
        .collect();
    let mut seen = GroupsSeen::default();
    if new.len() > FEW || (all && (!new.is_empty() || !links.is_empty())) {
        seen.groups = cloud.groups().await.map_err(PassError::Cloud)?;
        seen.listed = true;
    } else {
        for name in new {
            seen.groups.extend(cloud.group_by_name(name).await.map_err(PassError::Cloud)?);
        }
    }
    for anchor in chosen.groups.keys().filter(|anchor| !linked.contains(anchor)) {
        if let Some(id) = seen.by_anchor(*anchor).map(|group| group.id.clone()) {
            match cloud.group_members(&id).await {
                Ok(members) => seen.lost.extend(members.map(|members| (*anchor, members))),
                Err(e) if is_of_one(&e) => seen.unread.extend([*anchor]),
                Err(e) => return Err(PassError::Cloud(e)),
            }
        }
    }
    if all {
        for link in links.iter().filter(|link| chosen.groups.contains_key(&link.anchor)) {
            members(cloud, reader, link, &mut seen).await?;
        }
    }
    Ok(seen)
}

/// Whether an error is about one group and not about the cloud.
fn is_of_one(error: &CloudError) -> bool {
    matches!(error.kind, CloudErrorKind::Unintelligible | CloudErrorKind::Rejected)
}

/// Compares the members of a group that is ours with those that we know of.
async fn members(
    cloud: &dyn CloudRead,
    reader: &Reader,
    link: &GroupLink,
    seen: &mut GroupsSeen,
) -> Result<(), PassError> {
    let there = match cloud.group_members(&link.cloud_id).await {
        Ok(Some(members)) => members,
        // The listing says so as well, and it is the listing that counts.
        Ok(None) => return Ok(()),
        Err(e) if is_of_one(&e) => {
            seen.unread.insert(link.anchor);
            return Ok(());
        }
        Err(e) => return Err(PassError::Cloud(e)),
    };
    let mut missing: BTreeSet<Key> = reader.our_members(link.anchor)?.into_iter().collect();
    let mut extra = there;
    extra.retain(|id| !missing.remove(&Key::exact(id.as_str())));
    if !missing.is_empty() || !extra.is_empty() {
        seen.drift.insert(link.anchor, Drift { missing, extra });
    }
    Ok(())
}
