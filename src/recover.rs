//! After a crash: intents without an ending.
//!
//! Nobody knows whether their effects happened. The journal closes them as unknown, the people
//! they are about lose the mark of being finished, and the whole cloud is observed in this
//! pass: what did happen is then seen, paired by link or by anchor, and not done again.

use std::collections::BTreeSet;

use crate::clock;
use crate::model::{Fingerprint, SourceId};
use crate::store::{Outcome, RowChange, Settlement, Store, StoreError};

/// Closes what an interrupted run left open. Returns how many intents there were; with more
/// than none, the pass must observe the whole cloud.
///
/// # Errors
///
/// When the store fails.
pub async fn recover(store: &Store) -> Result<u64, StoreError> {
    let open = store.reader().open_intents()?;
    let count = open.len() as u64;
    if open.is_empty() {
        return Ok(0);
    }
    let people: BTreeSet<SourceId> = open.iter().map(|intent| intent.action.anchor).collect();
    let people: Vec<SourceId> = people.into_iter().collect();
    let again = store
        .reader()
        .rows(&people)?
        .into_iter()
        .map(|row| RowChange::Touch {
            anchor: row.anchor,
            record: Fingerprint::NONE,
            dn: None,
            recheck: None,
        })
        .collect();
    store.change_rows(again).await?;
    let settlements = open
        .into_iter()
        .map(|intent| Settlement { intent: intent.id, outcome: Outcome::Unknown, row: None })
        .collect();
    store.settle(clock::now().timestamp(), settlements).await?;
    Ok(count)
}
