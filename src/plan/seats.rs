//! Who gets a seat when seats are few: a ledger for the time of one plan.
//!
//! The cloud's own counters lag behind what we do, so what was given and freed since they
//! were read is counted here.

use std::collections::BTreeMap;

use crate::model::{Catalogue, LicenseId};

/// Seats left per licence.
#[derive(Clone, Debug, Default)]
pub struct Seats(BTreeMap<LicenseId, u64>);

impl Seats {
    /// The ledger as the catalogue opens it. Unlimited licences are not in it.
    pub fn open(catalogue: &Catalogue) -> Self {
        Self(
            catalogue
                .0
                .iter()
                .filter_map(|license| Some((license.id.clone(), license.free_seats()?)))
                .collect(),
        )
    }

    /// Takes a seat; `false` when none is left.
    pub fn take(&mut self, license: &LicenseId) -> bool {
        match self.0.get_mut(license) {
            None => true,
            Some(0) => false,
            Some(left) => {
                *left -= 1;
                true
            }
        }
    }

    /// Gives a seat back.
    pub fn free(&mut self, license: &LicenseId) {
        if let Some(left) = self.0.get_mut(license) {
            *left += 1;
        }
    }
}
