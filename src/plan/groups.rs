//! What is to be done about one group, from what should be, what is ours and what was seen.

use crate::model::{
    Action, Attr, Cause, Change, CloudGroup, CloudId, Field, GroupLink, Kind, MEMBERS_PER_CALL, Origin,
    SourceId, Who,
};

/// What holds for all groups.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct GroupRules {
    /// Whether a group with the same name that belongs to nobody is taken over.
    pub adopt: bool,
    /// Whether people whom somebody else added are taken out.
    pub exact: bool,
    /// After how long a group that left is deleted, in seconds; `None` for never.
    pub delete_after: Option<i64>,
}

/// What should be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum GroupWish {
    /// A group with this name.
    Present(String),
    /// None any more: the group is gone from the directory, or no longer chosen.
    Gone(Cause),
}

/// What was seen of the group in the cloud.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum GroupSeen {
    /// The cloud was not asked: the link says what is there.
    AsLinked,
    /// This group.
    There(CloudGroup),
    /// None.
    Missing,
}

/// A member: the account, and the address of its person.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Member {
    /// The account; empty for one that the same pass creates.
    pub id: CloudId,
    /// The address.
    pub email: String,
}

/// One group with everything that is known about it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GroupCase {
    /// Which group of the directory.
    pub anchor: SourceId,
    /// Where it stands there, or stood.
    pub dn: String,
    /// What should be.
    pub wish: GroupWish,
    /// The link, if there is one.
    pub link: Option<GroupLink>,
    /// What was seen.
    pub seen: GroupSeen,
    /// Who is to be a member, and is not by us. Sorted.
    pub join: Vec<Member>,
    /// Who is not to be a member, and was made one. Sorted.
    pub leave: Vec<Member>,
    /// Members who left altogether, and were deactivated. Sorted.
    pub leavers: Vec<Member>,
    /// Whether members who are to join were taken out by somebody else.
    pub drifted: bool,
    /// Of a group of ours to which the link was lost: members who are taken to be ours.
    pub known: Vec<CloudId>,
}

/// What is to be done.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct GroupDecision {
    /// In the order in which they have to happen.
    pub actions: Vec<Action>,
    /// The link as it should read when all of them succeeded; `None` when it ends.
    pub link: Option<GroupLink>,
    /// Whether the members that we know of belong to a group that is no more.
    pub afresh: bool,
    /// Members who count as ours from the first action on.
    pub known: Vec<CloudId>,
    /// Why the group stays although the directory does not have it.
    pub kept: Option<&'static str>,
}

const KEPT: &str = "a group that left the directory or the choice: groups.delete_after is not set";
const WAITS: &str = "a group that left the directory or the choice: deleted when groups.delete_after is over";
const UNPROVED: &str = "a group to be deleted: waits for a complete read";

/// Decides about one group. `may_remove` says whether absence is proved, `now` is in seconds
/// since 1970-01-01 UTC.
pub fn decide_group(case: GroupCase, rules: GroupRules, may_remove: bool, now: i64) -> GroupDecision {
    match (&case.wish, &case.link, &case.seen) {
        (GroupWish::Gone(_), None, _) | (GroupWish::Gone(_), Some(_), GroupSeen::Missing) => {
            GroupDecision::default()
        }
        (GroupWish::Gone(cause), Some(link), _) => gone(&case, link, *cause, rules, may_remove, now),
        (GroupWish::Present(name), None, GroupSeen::There(there)) => take_over(&case, name, there),
        (GroupWish::Present(name), None, _) => create(&case, name, Cause::NewRecord),
        (GroupWish::Present(name), Some(_), GroupSeen::Missing) => create(&case, name, Cause::GroupLost),
        (GroupWish::Present(name), Some(link), _) => correct(&case, name, link),
    }
}

fn gone(
    case: &GroupCase,
    link: &GroupLink,
    cause: Cause,
    rules: GroupRules,
    may_remove: bool,
    now: i64,
) -> GroupDecision {
    let left = link.left.or(may_remove.then_some(now));
    let stays = |kept| GroupDecision {
        link: Some(GroupLink { left, open: false, ..link.clone() }),
        kept: Some(kept),
        ..GroupDecision::default()
    };
    match (rules.delete_after, left) {
        (None, _) => stays(KEPT),
        (Some(after), Some(left)) if now.saturating_sub(left) >= after && may_remove => {
            let delete = action(case, Kind::GroupDelete, &link.name, Some(&link.cloud_id), Vec::new(), cause);
            GroupDecision { actions: vec![delete], ..GroupDecision::default() }
        }
        (Some(_), None) => stays(UNPROVED),
        (Some(_), Some(_)) => stays(WAITS),
    }
}

fn create(case: &GroupCase, name: &str, cause: Cause) -> GroupDecision {
    let (first, rest) = case.join.split_at(case.join.len().min(MEMBERS_PER_CALL));
    let mut changes = vec![named(None, name), anchored(None, case.anchor)];
    changes.extend(first.iter().map(joins));
    let mut actions = vec![action(case, Kind::GroupCreate, name, None, changes, cause)];
    actions.extend(chunks(case, name, None, rest, joins, cause));
    GroupDecision {
        actions,
        link: Some(linked(case, CloudId::new(""), name, Origin::Created)),
        afresh: true,
        known: Vec::new(),
        kept: None,
    }
}

/// A group that is there and not linked: ours already, or to become ours.
fn take_over(case: &GroupCase, name: &str, there: &CloudGroup) -> GroupDecision {
    let anchor = case.anchor.to_string();
    let ours = there.external_id.as_deref() == Some(anchor.as_str());
    let (cause, origin) =
        if ours { (Cause::SameAnchor, Origin::Created) } else { (Cause::SameName, Origin::Adopted) };
    let mut changes = Vec::new();
    if !ours {
        changes.push(anchored(there.external_id.clone(), case.anchor));
    }
    if there.name != name {
        changes.push(named(Some(there.name.clone()), name));
    }
    let mut actions = vec![action(case, Kind::GroupUpdate, name, Some(&there.id), changes, cause)];
    actions.extend(chunks(case, name, Some(&there.id), &case.join, joins, Cause::Desired));
    actions.extend(outs(case, name, &there.id));
    GroupDecision {
        actions,
        link: Some(linked(case, there.id.clone(), name, origin)),
        afresh: true,
        known: case.known.clone(),
        kept: None,
    }
}

fn correct(case: &GroupCase, name: &str, link: &GroupLink) -> GroupDecision {
    let mut actions = Vec::new();
    let mut changes = Vec::new();
    let mut cause = Cause::Desired;
    let there = match &case.seen {
        GroupSeen::There(there) => there.name.as_str(),
        GroupSeen::AsLinked | GroupSeen::Missing => link.name.as_str(),
    };
    if there != name {
        changes.push(named(Some(there.to_owned()), name));
        if link.name == name {
            cause = Cause::Drift;
        }
    }
    if let GroupSeen::There(there) = &case.seen
        && there.external_id.as_deref() != Some(case.anchor.to_string().as_str())
    {
        changes.push(anchored(there.external_id.clone(), case.anchor));
        cause = Cause::Drift;
    }
    let id = Some(&link.cloud_id);
    if !changes.is_empty() {
        actions.push(action(case, Kind::GroupUpdate, name, id, changes, cause));
    }
    let cause = if case.drifted { Cause::Drift } else { Cause::Desired };
    actions.extend(chunks(case, name, id, &case.join, joins, cause));
    actions.extend(outs(case, name, &link.cloud_id));
    GroupDecision {
        actions,
        link: Some(linked(case, link.cloud_id.clone(), name, link.origin)),
        afresh: false,
        known: Vec::new(),
        kept: None,
    }
}

fn linked(case: &GroupCase, cloud_id: CloudId, name: &str, origin: Origin) -> GroupLink {
    let (anchor, dn, name) = (case.anchor, case.dn.clone(), name.to_owned());
    GroupLink { anchor, cloud_id, name, dn, origin, open: false, left: None }
}

fn outs<'a>(case: &'a GroupCase, name: &'a str, id: &'a CloudId) -> impl Iterator<Item = Action> + 'a {
    chunks(case, name, Some(id), &case.leave, leaves, Cause::Desired).chain(chunks(
        case,
        name,
        Some(id),
        &case.leavers,
        leaves,
        Cause::MembersLeft,
    ))
}

fn chunks<'a>(
    case: &'a GroupCase,
    name: &'a str,
    id: Option<&'a CloudId>,
    members: &'a [Member],
    change: fn(&Member) -> Change,
    cause: Cause,
) -> impl Iterator<Item = Action> + 'a {
    members
        .chunks(MEMBERS_PER_CALL)
        .map(move |some| action(case, Kind::GroupUpdate, name, id, some.iter().map(change).collect(), cause))
}

fn action(
    case: &GroupCase,
    kind: Kind,
    name: &str,
    id: Option<&CloudId>,
    changes: Vec<Change>,
    cause: Cause,
) -> Action {
    Action {
        kind,
        anchor: case.anchor,
        who: Who::Group(name.to_owned()),
        dn: Some(case.dn.clone()),
        cloud_id: id.cloned(),
        changes,
        cause,
    }
}

fn named(from: Option<String>, to: &str) -> Change {
    Change::new(Attr::Field(Field::DisplayName), from, Some(to.to_owned()))
}

fn anchored(from: Option<String>, anchor: SourceId) -> Change {
    Change::new(Attr::ExternalId, from, Some(anchor.to_string()))
}

fn joins(member: &Member) -> Change {
    Change::new(Attr::Member(member.id.clone()), None, Some(member.email.clone()))
}

fn leaves(member: &Member) -> Change {
    Change::new(Attr::Member(member.id.clone()), Some(member.email.clone()), None)
}

#[cfg(test)]
mod tests;
