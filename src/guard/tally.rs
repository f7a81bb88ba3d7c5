//! What takes something away, and from how many people: the count that the limits are held
//! against.

use serde::{Deserialize, Serialize};

use crate::model::{Action, Cause, Change, Kind};

/// The stable code of the finding when people leave by a change of the configuration.
pub const SCOPE_CHANGE: &str = "scope_change";

/// The kinds of removal that are counted against a limit.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Removal {
    /// A leaver: deactivated, with licences and roles taken back.
    Deactivate,
    /// An account deleted.
    Delete,
    /// A licence or role that no rule gives any more.
    LicenseRemove,
    /// An attribute emptied.
    Blank,
    /// A leaver by a change of the configuration alone.
    ScopeChange,
    /// A member taken out of a group.
    GroupMember,
    /// A group deleted.
    GroupDelete,
}

/// How many kinds there are.
pub(super) const KINDS: usize = Removal::ALL.len();

impl Removal {
    /// All kinds.
    pub const ALL: [Self; 7] = [
        Self::Deactivate,
        Self::Delete,
        Self::LicenseRemove,
        Self::Blank,
        Self::ScopeChange,
        Self::GroupMember,
        Self::GroupDelete,
    ];

    /// The stable code of the finding when this limit trips.
    pub const fn code(self) -> &'static str {
        match self {
            Self::Deactivate => "too_many_deactivations",
            Self::Delete => "too_many_deletes",
            Self::LicenseRemove => "too_many_license_removals",
            Self::Blank => "too_many_blanked",
            Self::ScopeChange => SCOPE_CHANGE,
            Self::GroupMember => "too_many_group_member_removals",
            Self::GroupDelete => "too_many_group_deletes",
        }
    }

    /// What happens, for a sentence that begins with the count.
    pub(super) const fn words(self) -> &'static str {
        match self {
            Self::Deactivate => "people would be deactivated",
            Self::Delete => "accounts would be deleted",
            Self::LicenseRemove => "people would lose a licence or role",
            Self::Blank => "people would lose an attribute value",
            Self::ScopeChange => {
                "people would leave because the configuration changed, and not the directory"
            }
            Self::GroupMember => "memberships in groups would end",
            Self::GroupDelete => "groups would be deleted",
        }
    }

    /// The limit's key in the configuration.
    pub(super) const fn key(self) -> &'static str {
        match self {
            Self::Deactivate => "guard.deactivate",
            Self::Delete => "guard.delete",
            Self::LicenseRemove => "guard.license_remove",
            Self::Blank => "guard.blank",
            Self::ScopeChange => "guard.scope_change",
            Self::GroupMember => "guard.group_member_remove",
            Self::GroupDelete => "guard.group_delete",
        }
    }

    /// Whether it is about groups and not about people.
    pub(super) const fn is_of_groups(self) -> bool {
        matches!(self, Self::GroupMember | Self::GroupDelete)
    }

    /// What an action takes away; `None` for one that takes nothing.
    pub fn of(action: &Action) -> Option<Self> {
        match action.kind {
            Kind::Delete => Some(Self::Delete),
            Kind::Deactivate if action.cause == Cause::ScopeChanged => Some(Self::ScopeChange),
            Kind::Deactivate => Some(Self::Deactivate),
            Kind::LicenseRemove | Kind::LicenseAdd | Kind::RoleChange if action.removes() => {
                match action.cause {
                    // Part of a leaving: stands and falls with the deactivation.
                    Cause::RecordGone | Cause::Disabled | Cause::OutOfScope => Some(Self::Deactivate),
                    Cause::ScopeChanged => Some(Self::ScopeChange),
                    _ => Some(Self::LicenseRemove),
                }
            }
            Kind::GroupDelete => Some(Self::GroupDelete),
            // Leavers were weighed when they were deactivated.
            Kind::GroupUpdate if action.cause == Cause::MembersLeft => None,
            Kind::GroupUpdate if action.removes() => Some(Self::GroupMember),
            Kind::Update | Kind::Adopt if action.changes.iter().any(Change::blanks) => Some(Self::Blank),
            _ => None,
        }
    }
}

/// How many people each kind of removal touches; of members, how many memberships.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Tally {
    counts: [u64; KINDS],
    /// Groups that are ours, and memberships in them: what a share of them is taken of.
    groups: u64,
    memberships: u64,
}

impl Tally {
    /// Adds what another tally counted.
    pub fn join(&mut self, other: &Self) {
        self.counts.iter_mut().zip(other.counts).for_each(|(count, more)| *count += more);
        self.groups = self.groups.max(other.groups);
        self.memberships = self.memberships.max(other.memberships);
    }

    /// An empty tally for groups: how many are ours, and how many memberships in them.
    pub fn of_groups(groups: u64, memberships: u64) -> Self {
        Self { groups, memberships, ..Self::default() }
    }

    /// The counts of groups alone: people are weighed before.
    pub fn of_groups_only(self) -> Self {
        self.only(true)
    }

    /// The counts of people alone.
    pub fn of_people_only(self) -> Self {
        self.only(false)
    }

    fn only(mut self, groups: bool) -> Self {
        for removal in Removal::ALL.into_iter().filter(|removal| removal.is_of_groups() != groups) {
            self.counts[removal as usize] = 0;
        }
        self
    }

    /// Counts the actions planned for one person: once per kind, however many values. Of the
    /// members of a group, every one counts.
    pub fn add(&mut self, actions: &[Action]) {
        for removal in Removal::ALL {
            if actions.iter().any(|action| Removal::of(action) == Some(removal)) {
                self.counts[removal as usize] += match removal {
                    Removal::GroupMember => actions
                        .iter()
                        .filter(|action| Removal::of(action) == Some(Removal::GroupMember))
                        .map(|action| action.changes.iter().filter(|change| change.expels()).count() as u64)
                        .sum(),
                    _ => 1,
                };
            }
        }
    }

    /// Counts so many more people.
    pub fn add_people(&mut self, removal: Removal, people: u64) {
        self.counts[removal as usize] += people;
    }

    /// Of how many a kind of removal takes a share, where `linked` people are.
    pub(super) const fn base(&self, removal: Removal, linked: u64) -> u64 {
        match removal {
            Removal::GroupMember => self.memberships,
            Removal::GroupDelete => self.groups,
            _ => linked,
        }
    }

    /// People touched by one kind of removal.
    pub const fn of(&self, removal: Removal) -> u64 {
        self.counts[removal as usize]
    }
}
