//! Whom an action is about, as the cloud calls them.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use super::{Email, EmailError, Key};

/// A person by the address, or a group by its name: as the cloud will know them afterwards.
/// Written as `"email": …` or `"group": …` beside the other parts of an action.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Who {
    /// A person.
    #[serde(rename = "email")]
    Person(Email),
    /// A group.
    #[serde(rename = "group")]
    Group(String),
}

impl Who {
    /// The address of a person.
    pub fn email(&self) -> Option<&Email> {
        match self {
            Self::Person(email) => Some(email),
            Self::Group(_) => None,
        }
    }

    /// The name of a group.
    pub fn group(&self) -> Option<&str> {
        match self {
            Self::Person(_) => None,
            Self::Group(name) => Some(name),
        }
    }

    /// The address or the name.
    pub fn as_str(&self) -> &str {
        match self {
            Self::Person(email) => email.as_str(),
            Self::Group(name) => name,
        }
    }

    /// The key under which the journal finds it. Letter case does not matter.
    pub fn key(&self) -> Key {
        match self {
            Self::Person(email) => email.key(),
            Self::Group(name) => Key::folded(name),
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
