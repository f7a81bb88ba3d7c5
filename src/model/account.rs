//! What the cloud says about one account.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use super::person::digest;
use super::{CloudId, Email, Fingerprint, Managed, Profile, RoleId};

/// One account as the cloud showed it, in our words, unmapped by any rule.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Account {
    /// The cloud's id.
    pub id: CloudId,
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
