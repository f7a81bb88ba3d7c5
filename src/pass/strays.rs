//! Addresses that somebody linked is to get while an account holds them that no record claims.
//!
//! The cloud would refuse such a change in every pass, and keep a person half changed. Where the
//! account was seen, the change is not tried, and the account is named.

use std::collections::HashMap;

use crate::model::{Account, Field, Key, SourceId, Wanted};
use crate::store::{Reader, Stage, StagedAccount, StoreError};

use super::contest::Addresses;
use super::observe::Observation;

/// Who is to get an address that a stray holds, with the name of the stray.
pub type Taken = HashMap<SourceId, String>;

/// The strays that stand in the way of a change of address.
///
/// # Errors
///
/// When the spool or the store failed.
pub fn in_the_way(
    observation: &Observation,
    reader: &Reader,
    people: &Stage,
    addresses: &Addresses,
) -> Result<Taken, StoreError> {
    let mut taken = Taken::new();
    for round in addresses.rounds.iter().flat_map(|round| round.chunks(1_000)) {
        let movers: HashMap<Key, SourceId> = people
            .wanted(round)?
            .into_iter()
            .filter(|staged| matches!(staged.wanted, Wanted::Present(_)))
            .filter_map(|staged| Some((staged.email?, staged.anchor)))
            .collect();
        let keys: Vec<Key> = movers.keys().copied().collect();
        for StagedAccount { key, linked, account } in observation.stage.accounts_by_email(&keys)? {
            let mover = account.email.as_ref().and_then(|email| movers.get(&email.key()));
            // Asked about by its address alone, an account may be somebody's all the same.
            if let Some(mover) = mover
                && linked.is_none()
                && reader.anchors_by_cloud(&[key])?.is_empty()
            {
                taken.insert(*mover, name(&account));
            }
        }
    }
    Ok(taken)
}

fn name(account: &Account) -> String {
    match account.profile.get(&Field::DisplayName) {
        Some(name) => format!("\"{name}\" ({})", account.id),
        None => account.id.to_string(),
    }
}
