//! Primary groups: in Active Directory everybody is in one group whose list does not say so.
//! Whoever is in a chosen group that way is remembered beside the lists.

use std::collections::BTreeMap;

use crate::model::{Key, SourceId};
use crate::pass::census::Reading;
use crate::store::{Reader, StoreError};

/// Who belongs to another group than the store knows, or to none any more.
///
/// # Errors
///
/// When the store cannot be read.
pub fn primary_changes(
    reading: &Reading,
    reader: &Reader,
) -> Result<Vec<(SourceId, Option<Key>)>, StoreError> {
    if reading.memberships.chosen.is_none() {
        return Ok(Vec::new());
    }
    let mut known: BTreeMap<SourceId, Key> = reader.all_primary()?.into_iter().collect();
    let mut changes = Vec::new();
    for (anchor, group) in &reading.primary {
        let before = known.remove(anchor);
        if before != *group {
            changes.push((*anchor, *group));
        }
    }
    // Only a read of everybody tells who is left over.
    if reading.concerned.is_none() && reading.whole && reading.partial.is_empty() {
        changes.extend(known.into_keys().map(|anchor| (anchor, None)));
    }
    Ok(changes)
}
