//! Groups and who is in them.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use serde::{Deserialize, Serialize};
use uuid::Uuid;

/// A group. Members are slots of the roster, and other groups.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct Group {
    pub(super) id: Uuid,
    pub(super) display_name: Box<str>,
    pub(super) external_id: Option<Box<str>>,
    /// The Webex extension, as members.
    pub(super) cisco: Box<str>,
    #[serde(skip)]
    pub(super) users: BTreeSet<u32>,
    pub(super) nested: BTreeSet<Uuid>,
    /// Milliseconds since 1970.
    pub(super) created: i64,
    /// Milliseconds since 1970.
    pub(super) modified: i64,
    pub(super) revision: u32,
}

impl Group {
    /// How many members it has.
    pub(super) fn size(&self) -> usize {
        self.users.len() + self.nested.len()
    }
}

/// All groups.
#[derive(Clone, Debug, Default)]
pub(super) struct Groups {
    by_id: BTreeMap<Uuid, Group>,
    /// In the order of creation.
    order: Vec<Uuid>,
    memberships: HashMap<u32, Vec<Uuid>>,
    /// How many were ever made.
    pub(super) made: u32,
}

impl Groups {
    /// How many there are.
    pub(super) fn len(&self) -> usize {
        self.order.len()
    }

    /// One group.
    pub(super) fn get(&self, id: Uuid) -> Option<&Group> {
        self.by_id.get(&id)
    }

    /// Whether another group has this name, compared without case.
    pub(super) fn name_taken(&self, name: &str, but: Option<Uuid>) -> bool {
        let name = name.to_lowercase();
        self.by_id.values().any(|group| Some(group.id) != but && group.display_name.to_lowercase() == name)
    }

    /// In the order of creation.
    pub(super) fn iter(&self) -> impl Iterator<Item = &Group> {
        self.order.iter().filter_map(|id| self.by_id.get(id))
    }

    /// The groups of which an account is a direct member.
    pub(super) fn of(&self, slot: u32) -> impl Iterator<Item = &Group> {
        self.memberships.get(&slot).into_iter().flatten().filter_map(|id| self.by_id.get(id))
    }

    /// Adds a group with its members.
    pub(super) fn insert(&mut self, group: Group) {
        for slot in &group.users {
            self.memberships.entry(*slot).or_default().push(group.id);
        }
        self.made += 1;
        self.order.push(group.id);
        self.by_id.insert(group.id, group);
    }

    /// Changes a group by a function, and follows what it did to the members.
    pub(super) fn update(&mut self, id: Uuid, now: i64, change: GroupChange) {
        let Some(group) = self.by_id.get_mut(&id) else { return };
        if let Some(name) = change.display_name {
            group.display_name = name;
        }
        if let Some(external) = change.external_id {
            group.external_id = external;
        }
        if let Some(cisco) = change.cisco {
            group.cisco = cisco;
        }
        if change.clear {
            for slot in std::mem::take(&mut group.users) {
                left(&mut self.memberships, slot, id);
            }
            group.nested.clear();
        }
        for (member, joins) in change.members {
            match (member, joins) {
                (Member::User(slot), true) => {
                    if group.users.insert(slot) {
                        self.memberships.entry(slot).or_default().push(id);
                    }
                }
                (Member::User(slot), false) => {
                    if group.users.remove(&slot) {
                        left(&mut self.memberships, slot, id);
                    }
                }
                (Member::Group(nested), true) => {
                    group.nested.insert(nested);
                }
                (Member::Group(nested), false) => {
                    group.nested.remove(&nested);
                }
            }
        }
        group.modified = now;
        group.revision = group.revision.saturating_add(1);
    }

    /// Removes a group, also from groups that contain it.
    pub(super) fn remove(&mut self, id: Uuid) -> Option<Group> {
        let group = self.by_id.remove(&id)?;
        self.order.retain(|other| *other != id);
        for slot in &group.users {
            left(&mut self.memberships, *slot, id);
        }
        for other in self.by_id.values_mut() {
            other.nested.remove(&id);
        }
        Some(group)
    }

    /// Takes a deleted account out of its groups.
    pub(super) fn forget(&mut self, slot: u32) {
        for id in self.memberships.remove(&slot).unwrap_or_default() {
            if let Some(group) = self.by_id.get_mut(&id) {
                group.users.remove(&slot);
            }
        }
    }
}

fn left(memberships: &mut HashMap<u32, Vec<Uuid>>, slot: u32, id: Uuid) {
    if let Some(groups) = memberships.get_mut(&slot) {
        groups.retain(|group| *group != id);
        if groups.is_empty() {
            memberships.remove(&slot);
        }
    }
}

/// Somebody or something in a group.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Member {
    /// A slot of the roster.
    User(u32),
    Group(Uuid),
}

/// A change of a group, checked.
#[derive(Clone, Debug, Default)]
pub(super) struct GroupChange {
    pub(super) display_name: Option<Box<str>>,
    pub(super) external_id: Option<Option<Box<str>>>,
    pub(super) cisco: Option<Box<str>>,
    /// All members leave before anybody joins.
    pub(super) clear: bool,
    /// Who joins (true) and leaves, in order.
    pub(super) members: Vec<(Member, bool)>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_sides_of_a_membership_agree() {
        let mut groups = Groups::default();
        let id = Uuid::from_u128(1);
        groups.insert(Group {
            id,
            display_name: "Optics".into(),
            external_id: None,
            cisco: Box::default(),
            users: [1, 2].into(),
            nested: BTreeSet::new(),
            created: 0,
            modified: 0,
            revision: 1,
        });
        assert!(groups.name_taken("OPTICS", None) && !groups.name_taken("optics", Some(id)));
        let members = vec![(Member::User(3), true), (Member::User(1), false), (Member::User(3), true)];
        groups.update(id, 5, GroupChange { members, ..GroupChange::default() });
        assert_eq!(groups.get(id).unwrap().users, [2, 3].into());
        assert_eq!(groups.of(3).count(), 1);
        assert_eq!(groups.of(1).count(), 0);
        groups.forget(2);
        assert_eq!(groups.get(id).unwrap().users, [3].into());
        groups.update(id, 6, GroupChange { clear: true, ..GroupChange::default() });
        assert_eq!((groups.get(id).unwrap().size(), groups.of(3).count()), (0, 0));
        assert!(groups.remove(id).is_some() && groups.len() == 0);
    }
}
