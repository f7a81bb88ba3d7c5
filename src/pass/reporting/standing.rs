//! Who stands at a place. A leaver keeps the DN in the snapshot, and somebody else may have come to
//! stand there: of several who are known at one place the one of today counts, and a leaver only where
//! there is nobody else.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};

use crate::model::{CloudId, Key, LinkState, SnapshotRow, SourceId};
use crate::pass::evidence::Known;
use crate::pass::index::Index;
use crate::store::{Reader, StoreError};

/// Who stands at a place.
pub(super) enum Standing {
    /// Somebody with an account.
    Account(SourceId, CloudId),
    /// Somebody who may get one in this pass.
    Coming(SourceId),
}

impl Standing {
    /// The account, for anybody but the person themselves.
    pub(super) fn account_for(&self, anchor: SourceId) -> Option<&CloudId> {
        match self {
            Self::Account(manager, id) if *manager != anchor => Some(id),
            Self::Account(..) | Self::Coming(_) => None,
        }
    }

    /// Whether that is somebody else who has no account yet.
    pub(super) fn is_later_for(&self, anchor: SourceId) -> bool {
        matches!(self, Self::Coming(manager) if *manager != anchor)
    }
}

/// How sure it is that somebody stands there; the first is the surest.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Sureness {
    /// Read there in this pass.
    Read,
    /// Read there in this pass, and not linked yet.
    New,
    /// The snapshot says so.
    Stored,
    /// The snapshot says so, and this pass was to meet them and did not.
    Unmet,
    /// Somebody who left.
    Left,
}

/// Keeps the surest of those at one place.
fn put(first: &mut BTreeMap<Key, (Sureness, SourceId)>, place: Key, one: (Sureness, SourceId)) {
    first.entry(place).and_modify(|before| *before = one.min(*before)).or_insert(one);
}

/// Who stands at these places, by what is stored and, above that, by what this pass read, where
/// `known` is given. `is_there` says whether a linked account exists, as far as is known.
pub(super) fn standing(
    reader: &Reader,
    index: &Index,
    known: Option<&Known<'_>>,
    places: &BTreeSet<Key>,
    is_there: impl Fn(SourceId) -> bool,
) -> Result<HashMap<Key, Standing>, StoreError> {
    let all: Vec<Key> = places.iter().copied().collect();
    let mut first: BTreeMap<Key, (Sureness, SourceId)> = BTreeMap::new();
    for (place, anchor, is_linked) in known.map_or(Ok(Vec::new()), |known| known.people.standing_at(&all))? {
        if is_linked {
            put(&mut first, place, (Sureness::Read, anchor));
        } else if known.is_some_and(|known| known.may_come(anchor)) {
            put(&mut first, place, (Sureness::New, anchor));
        }
    }
    let stored = reader.anchors_by_dn(&all)?;
    let anchors: Vec<SourceId> = stored.iter().map(|(_, anchor)| *anchor).collect();
    // Whoever was read in this pass stands where they were read.
    let read = known.map_or(Ok(Vec::new()), |known| known.people.wanted(&anchors))?;
    let read: HashSet<SourceId> = read.into_iter().map(|one| one.anchor).collect();
    let linked =
        first.values().filter(|(sureness, _)| *sureness == Sureness::Read).map(|(_, anchor)| *anchor);
    let anchors: Vec<SourceId> = anchors.into_iter().chain(linked).collect();
    let rows: HashMap<SourceId, SnapshotRow> =
        reader.rows(&anchors)?.into_iter().map(|row| (row.anchor, row)).collect();
    for (place, anchor) in stored.into_iter().filter(|(_, anchor)| !read.contains(anchor)) {
        let Some(row) = rows.get(&anchor) else { continue };
        let is_unmet = index.find(anchor).is_some_and(|at| !index.met.get(at));
        let sureness = match row.state {
            LinkState::Left { .. } => Sureness::Left,
            LinkState::Present if is_unmet => Sureness::Unmet,
            LinkState::Present => Sureness::Stored,
        };
        put(&mut first, place, (sureness, anchor));
    }
    let mut found = HashMap::new();
    for (place, (sureness, anchor)) in first {
        match (sureness, rows.get(&anchor)) {
            (Sureness::New, _) => drop(found.insert(place, Standing::Coming(anchor))),
            (_, Some(row)) if is_there(anchor) => {
                found.insert(place, Standing::Account(anchor, row.cloud_id.clone()));
            }
            // The account of a leaver is not made again.
            (Sureness::Left, _) | (_, None) => {}
            (_, Some(_)) => drop(found.insert(place, Standing::Coming(anchor))),
        }
    }
    Ok(found)
}

impl Known<'_> {
    /// Whether somebody without a link gets an account, as far as is known before anything is planned.
    fn may_come(&self, anchor: SourceId) -> bool {
        self.moved.withheld(anchor).is_none() && !self.addresses.contested.contains_key(&anchor)
    }
}
