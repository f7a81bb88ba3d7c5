//! Of several people of whom nobody has what all of them claim: who comes first by age.

use crate::model::SourceId;
use crate::store::{Stage, StoreError};

/// The linked before the new, and of those the one whose record is older than any other. `None` where
/// the directory does not tell.
pub(super) fn oldest(stage: &Stage, claimants: &[SourceId]) -> Result<Option<SourceId>, StoreError> {
    let staged = stage.wanted(claimants)?;
    let any_linked = staged.iter().any(|one| one.linked);
    let first: Vec<SourceId> =
        staged.iter().filter(|one| one.linked == any_linked).map(|one| one.anchor).collect();
    if let [only] = first.as_slice() {
        return Ok(Some(*only));
    }
    let ages = stage.ages(&first)?;
    let Some(least) = ages.values().min() else { return Ok(None) };
    let mut oldest = ages.iter().filter(|(_, age)| *age == least).map(|(anchor, _)| *anchor);
    // Of two made in the same second, or unknown in age, none is the older one.
    let one = oldest.next().filter(|_| ages.len() == first.len());
    Ok(one.filter(|_| oldest.next().is_none()))
}
