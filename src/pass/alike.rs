//! The new fingerprints of those whom other rules leave as they were.

use crate::model::{Fingerprint, SourceId};
use crate::store::{RowChange, Store};

use super::PassError;
use super::looked::Look;
use super::parts::CHUNK;

/// Notes them, so that the next read takes these people for unchanged. While not everything was read
/// they stay as they are: what the rules say may then be another thing.
pub(super) async fn note(look: &Look, store: &Store) -> Result<(), PassError> {
    if !look.policy.may_remove || !look.reading.partial.is_empty() {
        return Ok(());
    }
    let touch = |(anchor, record): &(SourceId, Fingerprint)| RowChange::Touch {
        anchor: *anchor,
        record: *record,
        dn: None,
        recheck: None,
        joined: None,
    };
    let alike: Vec<(SourceId, Fingerprint)> =
        look.reading.alike.iter().map(|(anchor, one)| (*anchor, one.record)).collect();
    for some in alike.chunks(CHUNK) {
        store.change_rows(some.iter().map(touch).collect()).await?;
    }
    Ok(())
}
