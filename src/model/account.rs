//! What the cloud says about one account.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use super::person::digest;
use super::{CloudId, Email, Fingerprint, Managed, Profile, RoleId};

/// What an account stands for. Kept apart for ever: neither becomes the other.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum AccountKind {
    /// A human being.
    #[default]
    Person,
    /// A meeting room. It has no licences, no roles and no groups from us.
    Room,
}

impl AccountKind {
    /// Whether it is the one that goes without saying.
    pub fn is_person(&self) -> bool {
        *self == Self::Person
    }

    /// The word for reports.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Person => "person",
            Self::Room => "room",
        }
    }
}

/// One account as the cloud showed it, in our words, unmapped by any rule.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Account {
    /// The cloud's id.
    pub id: CloudId,
    /// What it stands for.
    #[serde(default, skip_serializing_if = "AccountKind::is_person")]
    pub kind: AccountKind,
    /// The user name. `None` when the cloud holds something that is no address: such an
    /// account can be reported and never paired by e-mail.
    pub email: Option<Email>,
    /// The anchor that a connector left there, or whatever else an admin wrote.
    pub external_id: Option<String>,
    /// Whether the person may log in.
    pub active: bool,
    /// All attribute values that we know how to read.
    pub profile: Profile,
    /// Administrator roles held.
    pub roles: BTreeSet<RoleId>,
    /// The cloud owns the work number (Webex Calling): it must not be compared.
    pub calling_owns_work_phone: bool,
}

impl Account {
    /// Comparable with [`super::Person::fingerprint`] of what was applied.
    pub fn fingerprint(&self, managed: &Managed) -> Fingerprint {
        match &self.email {
            Some(email) => digest(
                self.kind,
                email,
                self.active,
                self.external_id.as_deref().unwrap_or_default(),
                &self.profile,
                &self.roles,
                managed,
            ),
            None => Fingerprint::NONE,
        }
    }
}
