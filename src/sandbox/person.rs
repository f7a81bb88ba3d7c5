//! One account of the organization, seen through SCIM and through the People interface alike.

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::profile::Profile;

/// One account.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct Person {
    pub(super) id: Uuid,
    pub(super) profile: Profile,
    /// Milliseconds since 1970.
    pub(super) created: i64,
    /// Milliseconds since 1970.
    pub(super) modified: i64,
    /// Grows with every write.
    pub(super) revision: u32,
    /// Indexes into the licences of the organization, in order.
    #[serde(default)]
    pub(super) licenses: Box<[u16]>,
    /// Meeting sites where the person is an attendee.
    #[serde(default)]
    pub(super) attends: Box<[Box<str>]>,
    #[serde(default)]
    pub(super) calling: Option<Box<Calling>>,
    #[serde(default)]
    pub(super) behavior: Option<Box<Behavior>>,
    /// The first sign-in makes the account, until then it is pending.
    #[serde(default)]
    pub(super) signed_in: bool,
    /// When the last invitation mail would have gone out, in milliseconds since 1970.
    #[serde(default)]
    pub(super) invited: Option<i64>,
    /// Through which interface the account was made.
    #[serde(default)]
    pub(super) made_by_scim: bool,
    /// The domain is not one of the enforced ones.
    #[serde(default)]
    pub(super) transient: bool,
}

/// The telephone of a person.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Calling {
    /// An index into the locations of the organization.
    pub(super) location: u16,
    pub(super) extension: Option<Box<str>>,
    pub(super) number: Option<Box<str>>,
}

/// With what a person calls, where it is not the default of the organization.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Behavior {
    /// One of the known types.
    pub(super) kind: Option<Box<str>>,
    /// The id of a UC Manager profile.
    pub(super) profile: Option<Box<str>>,
}

impl Person {
    /// Whether it is a person, and no room, calling service or the like.
    pub(super) fn is_user(&self) -> bool {
        self.profile.user_type() == "user"
    }

    /// An account as it begins: with its profile, and nothing else yet.
    pub(super) fn new(id: Uuid, profile: Profile, at: i64) -> Self {
        Self {
            id,
            profile,
            created: at,
            modified: at,
            revision: 1,
            licenses: Box::default(),
            attends: Box::default(),
            calling: None,
            behavior: None,
            signed_in: false,
            invited: None,
            made_by_scim: false,
            transient: false,
        }
    }

    /// The account status of the Webex extension.
    pub(super) fn status(&self) -> &str {
        match &self.profile.status {
            Some(status) => status,
            None if self.transient => "transient",
            None if self.signed_in => "active",
            None => "pending",
        }
    }

    /// Whether the person holds a licence.
    pub(super) fn holds(&self, license: u16) -> bool {
        self.licenses.binary_search(&license).is_ok()
    }

    /// Adds or removes a licence; whether that changed anything.
    pub(super) fn set_license(&mut self, license: u16, held: bool) -> bool {
        let mut list = self.licenses.to_vec();
        match (list.binary_search(&license), held) {
            (Err(at), true) => list.insert(at, license),
            (Ok(at), false) => {
                list.remove(at);
            }
            _ => return false,
        }
        self.licenses = list.into();
        true
    }

    /// The user name as it is compared.
    pub(super) fn key(&self) -> Box<str> {
        self.profile.user_name.to_lowercase().into()
    }
}
