//! Linked people of whom a pass does not look at anything: how many of them are as they should be.
//!
//! In the counts of a report everybody who is linked is found once: by what is done or stands in the way,
//! at rest, or in order. With whom something is open is not in order, whether looked at or not; a leaver
//! whose account is deactivated is.

use std::collections::BTreeSet;

use crate::model::{AccountKind, Link, SourceId};
use crate::store::{Reader, StoreError};

use super::index::Index;
use super::moved::Moved;
use super::rest::AtRest;
use super::sections::Sections;

/// Of whom the read of a pass speaks, against all who are linked.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Beyond {
    /// Those of whom it does not speak and who are in order.
    pub in_order: u64,
    /// Those of whom it speaks; 0 when that is everybody.
    pub spoken_of: u64,
}

impl Beyond {
    /// Counts, for a read that speaks only of those `concerned`, of `linked` in all.
    pub fn find(
        reader: &Reader,
        concerned: &BTreeSet<SourceId>,
        linked: u64,
        rest: &AtRest,
    ) -> Result<Self, StoreError> {
        let concerned: Vec<SourceId> = concerned.iter().copied().collect();
        let spoken_of = reader.links_of(0, &concerned)?;
        let mut open = reader.unfinished(usize::MAX)?;
        open.retain(|anchor| concerned.binary_search(anchor).is_err());
        let rests = |link: &&Link| rest.rooms > 0 && link.kind == AccountKind::Room;
        let open = reader.links_of(0, &open)?;
        let open = open.iter().filter(|link| !rests(link)).count() as u64;
        let resting = rest.rooms.saturating_sub(spoken_of.iter().filter(rests).count() as u64);
        let spoken_of = spoken_of.len() as u64;
        Ok(Self { in_order: linked.saturating_sub(spoken_of + open + resting), spoken_of })
    }

    /// Adds the leavers of earlier whose record is still gone: nothing is to be done about them, and no
    /// section shows them.
    pub fn with_leavers(mut self, index: &Index, moved: &Moved, sections: &Sections) -> Self {
        let shown: BTreeSet<SourceId> = sections.leavers().collect();
        let is_quiet = |at: &usize| {
            let anchor = index.anchor(*at);
            let is_left = index.is_left(*at) && !index.met.get(*at) && !index.unusable.get(*at);
            is_left && moved.now(anchor) == anchor && !shown.contains(&anchor)
        };
        self.in_order += (0..index.len()).filter(is_quiet).count() as u64;
        self
    }
}
