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
}

impl Removal {
    pub(super) const ALL: [Self; 5] =
        [Self::Deactivate, Self::Delete, Self::LicenseRemove, Self::Blank, Self::ScopeChange];

    /// The stable code of the finding when this limit trips.
    pub const fn code(self) -> &'static str {
        match self {
            Self::Deactivate => "too_many_deactivations",
            Self::Delete => "too_many_deletes",
            Self::LicenseRemove => "too_many_license_removals",
            Self::Blank => "too_many_blanked",
            Self::ScopeChange => SCOPE_CHANGE,
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
        }
    }

    /// What an action takes away; `None` for one that takes nothing.
    pub(super) fn of(action: &Action) -> Option<Self> {
        match action.kind {
            Kind::Delete => Some(Self::Delete),
            Kind::Deactivate if action.cause == Cause::ScopeChanged => Some(Self::ScopeChange),
            Kind::Deactivate => Some(Self::Deactivate),
            Kind::LicenseRemove | Kind::RoleChange if action.removes() => match action.cause {
                // Part of a leaving: stands and falls with the deactivation.
                Cause::RecordGone | Cause::Disabled | Cause::OutOfScope => Some(Self::Deactivate),
                Cause::ScopeChanged => Some(Self::ScopeChange),
                _ => Some(Self::LicenseRemove),
            },
            Kind::Update | Kind::Adopt if action.changes.iter().any(Change::blanks) => Some(Self::Blank),
            _ => None,
        }
    }
}

/// How many people each kind of removal touches.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Tally([u64; Removal::ALL.len()]);

impl Tally {
    /// Adds what another tally counted.
    pub fn join(&mut self, other: &Self) {
        self.0.iter_mut().zip(other.0).for_each(|(count, more)| *count += more);
    }

    /// Counts the actions planned for one person: once per kind, however many values.
    pub fn add(&mut self, actions: &[Action]) {
        for removal in Removal::ALL {
            if actions.iter().any(|action| Removal::of(action) == Some(removal)) {
                self.0[removal as usize] += 1;
            }
        }
    }

    /// People touched by one kind of removal.
    pub const fn of(&self, removal: Removal) -> u64 {
        self.0[removal as usize]
    }
}
