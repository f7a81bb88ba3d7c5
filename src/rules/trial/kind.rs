//! What the record of a test is, and so which section of the configuration judges it.

use crate::model::RecordKind;

/// What the record of a test is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum TrialKind {
    /// A person.
    #[default]
    Person,
    /// A room.
    Room,
    /// A contact.
    Contact,
}

impl TrialKind {
    pub(super) const fn word(self) -> &'static str {
        match self {
            Self::Person => "person",
            Self::Room => "room",
            Self::Contact => "contact",
        }
    }

    /// The section of the configuration that judges it.
    pub(super) const fn section(self) -> &'static str {
        match self {
            Self::Person => "people",
            Self::Room => "rooms",
            Self::Contact => "contacts",
        }
    }

    pub(super) const fn record(self) -> RecordKind {
        match self {
            Self::Person => RecordKind::Person,
            Self::Room => RecordKind::Room,
            Self::Contact => RecordKind::Contact,
        }
    }
}
