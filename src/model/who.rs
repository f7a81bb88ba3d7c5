//! Whom an action is about, as the cloud calls them.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use super::{AccountKind, Email, EmailError, Key};

/// A person or a room by the address, a group or a contact by its name: as the cloud will know
/// them afterwards. Written as `"email": …`, `"room": …`, `"group": …` or `"contact": …` beside the other parts of an action.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Who {
    /// A person.
    #[serde(rename = "email")]
    Person(Email),
    /// A room.
    #[serde(rename = "room")]
    Room(Email),
    /// A group.
    #[serde(rename = "group")]
    Group(String),
    /// A contact.
    #[serde(rename = "contact")]
    Contact(String),
}

impl Who {
    /// Whoever has an account of this kind and address.
    pub fn account(kind: AccountKind, email: Email) -> Self {
        match kind {
            AccountKind::Person => Self::Person(email),
            AccountKind::Room => Self::Room(email),
        }
    }

    /// What the account stands for. Groups and contacts have none.
    pub fn kind(&self) -> AccountKind {
        match self {
            Self::Person(_) | Self::Group(_) | Self::Contact(_) => AccountKind::Person,
            Self::Room(_) => AccountKind::Room,
        }
    }

    /// The word for what it is.
    pub const fn object(&self) -> &'static str {
        match self {
            Self::Person(_) => "person",
            Self::Room(_) => "room",
            Self::Group(_) => "group",
            Self::Contact(_) => "contact",
        }
    }

    /// The address of a person or a room.
    pub fn email(&self) -> Option<&Email> {
        match self {
            Self::Person(email) | Self::Room(email) => Some(email),
            Self::Group(_) | Self::Contact(_) => None,
        }
    }

    /// The name of a group.
    pub fn group(&self) -> Option<&str> {
        match self {
            Self::Group(name) => Some(name),
            Self::Person(_) | Self::Room(_) | Self::Contact(_) => None,
        }
    }

    /// The name of a contact.
    pub fn contact(&self) -> Option<&str> {
        match self {
            Self::Contact(name) => Some(name),
            Self::Person(_) | Self::Room(_) | Self::Group(_) => None,
        }
    }

    /// The address or the name.
    pub fn as_str(&self) -> &str {
        match self {
            Self::Person(email) | Self::Room(email) => email.as_str(),
            Self::Group(name) | Self::Contact(name) => name,
        }
    }

    /// The key under which the journal finds it. Letter case does not matter.
    pub fn key(&self) -> Key {
        match self {
            Self::Person(email) | Self::Room(email) => email.key(),
            Self::Group(name) | Self::Contact(name) => Key::folded(name),
        }
    }
}

impl fmt::Display for Who {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

impl From<Email> for Who {
    fn from(email: Email) -> Self {
        Self::Person(email)
    }
}

impl FromStr for Who {
    type Err = EmailError;

    fn from_str(address: &str) -> Result<Self, EmailError> {
        address.parse().map(Self::Person)
    }
}
