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
    /// A contact deleted.
    ContactDelete,
    /// A value of a contact emptied.
    ContactBlank,
}

/// What a kind of removal is about: each is weighed when it is planned.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Object {
    /// People and rooms.
    Account,
    /// Groups of the cloud.
    Group,
    /// Contacts of the address book.
    Contact,
}

/// How many kinds there are.
pub(super) const KINDS: usize = Removal::ALL.len();

impl Removal {
    /// All kinds.
    pub const ALL: [Self; 9] = [
        Self::Deactivate,
        Self::Delete,
        Self::LicenseRemove,
        Self::Blank,
        Self::ScopeChange,
        Self::GroupMember,
        Self::GroupDelete,
        Self::ContactDelete,
        Self::ContactBlank,
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
            Self::ContactDelete => "too_many_contact_deletes",
            Self::ContactBlank => "too_many_contacts_blanked",
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
            Self::ContactDelete => "contacts would be deleted",
            Self::ContactBlank => "contacts would lose a value",
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
            Self::ContactDelete => "guard.contact_delete",
            Self::ContactBlank => "guard.contact_blank",
        }
    }

    /// What it is about.
    const fn object(self) -> Object {
        match self {
            Self::GroupMember | Self::GroupDelete => Object::Group,
            Self::ContactDelete | Self::ContactBlank => Object::Contact,
            Self::Deactivate | Self::Delete | Self::LicenseRemove | Self::Blank | Self::ScopeChange => {
                Object::Account
            }
        }
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
            Kind::ContactDelete => Some(Self::ContactDelete),
            // The address of a contact is a value like others.
            Kind::ContactUpdate
                if action.changes.iter().any(|one| one.from.is_some() && one.to.is_none()) =>
            {
                Some(Self::ContactBlank)
            }
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
    /// Contacts that are ours, in the same way.
    contacts: u64,
}

impl Tally {
    /// Adds what another tally counted.
    pub fn join(&mut self, other: &Self) {
        self.counts.iter_mut().zip(other.counts).for_each(|(count, more)| *count += more);
        self.groups = self.groups.max(other.groups);
        self.memberships = self.memberships.max(other.memberships);
        self.contacts = self.contacts.max(other.contacts);
    }

    /// An empty tally for groups: how many are ours, and how many memberships in them.
    pub fn of_groups(groups: u64, memberships: u64) -> Self {
        Self { groups, memberships, ..Self::default() }
    }

    /// An empty tally for contacts: how many are ours.
    pub fn of_contacts(contacts: u64) -> Self {
        Self { contacts, ..Self::default() }
    }

    /// The counts of one sort of objects alone: each sort is weighed when it is planned.
    pub fn only(mut self, object: Object) -> Self {
        for removal in Removal::ALL.into_iter().filter(|removal| removal.object() != object) {
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
            Removal::ContactDelete | Removal::ContactBlank => self.contacts,
            _ => linked,
        }
    }

    /// People touched by one kind of removal.
    pub const fn of(&self, removal: Removal) -> u64 {
        self.counts[removal as usize]
    }
}
