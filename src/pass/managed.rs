//! What of the accounts is ours to manage: what the rules of today say, and what earlier ones gave.

use crate::model::{Catalogue, Managed};
use crate::rules::Rules;
use crate::store::Meta;

use super::PassError;
use super::observe::OBSERVED_LICENSES;

/// What is managed under these rules.
///
/// # Errors
///
/// When the rules name more licences than can be observed.
pub(super) fn managed(rules: &Rules, meta: &Meta, catalogue: &Catalogue) -> Result<Managed, PassError> {
    let managed = Managed {
        fields: rules.managed(),
        room_fields: rules.managed_of_rooms(),
        kept: rules.kept(),
        // What was given under earlier rules can still be taken away.
        licenses: rules.managed_licenses().union(&meta.licenses).cloned().collect(),
        calling: catalogue.calling(),
        roles: rules.managed_roles().union(&meta.roles).cloned().collect(),
    };
    if managed.licenses.len() > OBSERVED_LICENSES {
        return Err(PassError::Refused {
            what: format!(
                "the rules can give {} licences, and at most {OBSERVED_LICENSES} can be observed",
                managed.licenses.len()
            ),
            remedy: "name fewer licences in the entitlements".into(),
        });
    }
    Ok(managed)
}
