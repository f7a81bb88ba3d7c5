//! Several people claim one number or extension: who goes on, and who is named.
//!
//! Whoever has a calling licence already has a telephone with it, and claims nothing: what the cloud
//! says is in use is theirs, whatever the record says by now.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use crate::model::{CloudId, Key, LicenseId, SourceId, Wanted, Withheld};
use crate::plan::{Dispute, Disputes, Lines};
use crate::rules::Collisions;
use crate::store::{Reader, Stage, StoreError};

use super::moved::Moved;
use super::oldest::oldest;

/// Numbers and extensions looked through at a time.
const CHUNK: usize = 5_000;

/// Finds what several claim, and the names of those who have what somebody claims; `contested` are
/// people withheld as a whole, `lines` is what is in use, and `calling` the licences that come with a telephone.
pub(super) fn settle(
    stage: &Stage,
    reader: &Reader,
    moved: &Moved,
    contested: &HashMap<SourceId, Withheld>,
    lines: Lines,
    calling: &BTreeSet<LicenseId>,
    collisions: Collisions,
) -> Result<Lines, StoreError> {
    let mut disputes = Disputes::default();
    let mut after = None;
    loop {
        let page = stage.lines_after(after.as_ref(), CHUNK)?;
        let Some((last, _)) = page.last() else { return Ok(lines.disputed(disputes)) };
        after = Some(last.clone());
        let used: Vec<&CloudId> = page.iter().filter_map(|(key, _)| lines.owner(key)?).collect();
        disputes.owners.extend(owners(reader, moved, stage, &used)?);
        for (key, anchors) in page {
            let used = lines.owner(&key).is_some();
            if anchors.len() < 2 && !used {
                continue;
            }
            let claimants = claimants(stage, reader, moved, contested, calling, &anchors)?;
            if claimants.len() < 2 {
                continue;
            }
            let winner = match collisions {
                Collisions::LinkedThenOldest if !used => {
                    oldest(stage, &claimants.iter().map(|(anchor, _)| *anchor).collect::<Vec<_>>())?
                }
                Collisions::LinkedThenOldest | Collisions::Linked | Collisions::Nobody => None,
            };
            let nobody = collisions == Collisions::Nobody;
            disputes.all.insert(key, Dispute { claimants, winner, nobody });
        }
    }
}

/// Of people who are to get something, those who claim it: who is not withheld, and has no telephone.
fn claimants(
    stage: &Stage,
    reader: &Reader,
    moved: &Moved,
    contested: &HashMap<SourceId, Withheld>,
    calling: &BTreeSet<LicenseId>,
    anchors: &[SourceId],
) -> Result<Vec<(SourceId, String)>, StoreError> {
    let known: Vec<SourceId> = anchors.iter().map(|anchor| moved.old(*anchor)).collect();
    let have: BTreeSet<SourceId> = reader
        .rows(&known)?
        .into_iter()
        .filter(|row| !row.given.licenses.is_disjoint(calling))
        .map(|row| moved.now(row.anchor))
        .collect();
    let out = |anchor: SourceId| {
        have.contains(&anchor) || contested.contains_key(&anchor) || moved.withheld(anchor).is_some()
    };
    let staged = stage.wanted(anchors)?.into_iter();
    let staged = staged.filter(|one| matches!(one.wanted, Wanted::Present(_)) && !out(one.anchor));
    Ok(staged.map(|one| (one.anchor, one.dn)).collect())
}

/// The DNs of those who have these accounts.
fn owners(
    reader: &Reader,
    moved: &Moved,
    stage: &Stage,
    accounts: &[&CloudId],
) -> Result<BTreeMap<CloudId, String>, StoreError> {
    let keys: Vec<Key> = accounts.iter().map(|id| Key::exact(id.as_str())).collect();
    let anchors: Vec<SourceId> =
        reader.anchors_by_cloud(&keys)?.into_iter().map(|(_, anchor)| anchor).collect();
    let mut owners = BTreeMap::new();
    for row in reader.rows(&anchors)? {
        let now = stage.wanted(&[moved.now(row.anchor)])?.pop();
        owners.insert(row.cloud_id, now.map_or(row.dn, |staged| staged.dn));
    }
    Ok(owners)
}
