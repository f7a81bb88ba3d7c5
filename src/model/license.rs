//! The cloud's licence catalogue: what can be given, and how many seats are left.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use super::LicenseId;

/// Whether a licence is something that we may count and assign.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum LicenseKind {
    /// Bought, counted, assignable.
    Paid,
    /// Comes and goes by itself (Basic Messaging, Free screen share): never compared.
    Free,
    /// Hybrid services: assignable, but the seat counters mean nothing.
    Hybrid,
}

/// One licence of the organization.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct License {
    /// The id that assignments name.
    pub id: LicenseId,
    /// The name that the cloud shows, for example `Advanced Messaging`. Not unique:
    /// two subscriptions can carry one name.
    pub name: String,
    /// Our stable word for the service, for example `message.messaging`; `None` for a
    /// licence that the vocabulary does not know.
    pub service: Option<String>,
    /// Paid, free or hybrid.
    pub kind: LicenseKind,
    /// The subscription it was bought under, where the cloud says so.
    pub subscription: Option<String>,
    /// The meeting site it belongs to, where the cloud says so.
    pub site: Option<String>,
    /// Seats bought; `None` when unlimited, unknown or meaningless.
    pub total: Option<u64>,
    /// Seats in use, as the cloud counted at the time of reading.
    pub consumed: u64,
}

impl License {
    /// Seats left; `None` when not limited. Never negative: overage counts as none left.
    pub fn free_seats(&self) -> Option<u64> {
        self.total.map(|total| total.saturating_sub(self.consumed))
    }
}

/// All licences of the organization, in the cloud's order.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Catalogue(pub Vec<License>);

impl Catalogue {
    /// The licence with this id.
    pub fn get(&self, id: &LicenseId) -> Option<&License> {
        self.0.iter().find(|license| license.id == *id)
    }

    /// The licences that come with a telephone.
    pub fn calling(&self) -> BTreeSet<LicenseId> {
        self.0
            .iter()
            .filter(|license| license.bond().is_calling())
            .map(|license| license.id.clone())
            .collect()
    }

    /// The name of a licence for people to read; its id when the catalogue lost it.
    pub fn name<'a>(&'a self, id: &'a LicenseId) -> &'a str {
        self.get(id).map_or(id.as_str(), |license| &license.name)
    }

    /// The name with subscription and site, as two licences can carry one name.
    pub fn label(&self, id: &LicenseId) -> String {
        let Some(license) = self.get(id) else { return id.to_string() };
        let mut label = license.name.clone();
        for (what, value) in [("subscription", &license.subscription), ("site", &license.site)] {
            if let Some(value) = value {
                label.push_str(&format!(", {what} {value}"));
            }
        }
        label
    }
}
