//! What somebody claims beside the e-mail address and only one person may have: alternate addresses,
//! a number, an extension.

use crate::model::{ADDRESSES, Key, Line, Person, SourceId, Telephone, Wanted, address_key};
use crate::store::{LineKey, StagedWanted};

fn person(staged: &StagedWanted) -> Option<&Person> {
    match &staged.wanted {
        Wanted::Present(person) => Some(person),
        Wanted::Leaving(_) | Wanted::Withheld(_) => None,
    }
}

/// The alternate addresses of somebody.
pub(super) fn alternates(staged: &StagedWanted) -> impl Iterator<Item = (Key, SourceId)> {
    let profile = person(staged).map(|person| &person.profile);
    let values =
        profile.into_iter().flat_map(|profile| ADDRESSES.iter().filter_map(|field| profile.get(field)));
    values.map(|value| (address_key(value), staged.anchor))
}

/// Number and extension of somebody; one out of a pool is claimed by nobody.
pub(super) fn lines(staged: &StagedWanted) -> impl Iterator<Item = (LineKey, SourceId)> {
    let telephone = person(staged).and_then(|person| match person.telephone.as_deref() {
        Some(Line::Ready(telephone)) => Some(telephone),
        Some(Line::Lacking { .. }) | None => None,
    });
    telephone.into_iter().flat_map(Telephone::keys).map(|key| (key, staged.anchor))
}
