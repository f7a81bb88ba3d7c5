//! Several people claim one number or extension: who goes on, and who is named.
//!
//! Whoever has a calling licence already has a telephone with it, and claims nothing: what the cloud
//! says is in use is theirs, whatever the record says by now.
//!
//! What one person alone claims is kept from the pools. Whoever is open and was not read may claim
//! something, too, and nobody knows what: meanwhile nothing is given from a pool.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use crate::model::{CloudId, Key, LicenseId, SourceId, Wanted, Withheld};
use crate::plan::{Dispute, Disputes, Lines};
use crate::rules::{Collisions, Rules};
use crate::store::{LineKey, Reader, Stage, StoreError};

use super::moved::Moved;
use super::oldest::oldest;

/// Numbers and extensions looked through at a time.
const CHUNK: usize = 5_000;

/// What says who claims what.
#[derive(Clone, Copy)]
pub(super) struct Claims<'a> {
    pub stage: &'a Stage,
    pub reader: &'a Reader,
    pub moved: &'a Moved,
    pub rules: &'a Rules,
    /// The licences that come with a telephone.
    pub calling: &'a BTreeSet<LicenseId>,
    /// Of whom the read speaks; `None` when it speaks of everybody.
    pub concerned: Option<&'a BTreeSet<SourceId>>,
}

impl Claims<'_> {
    /// Finds what several claim, what is kept from the pools, and the names of those who have what somebody
    /// claims; `contested` are people withheld as a whole, `lines` is what is in use.
    pub fn settle(&self, contested: &HashMap<SourceId, Withheld>, lines: Lines) -> Result<Lines, StoreError> {
        let (stage, collisions) = (self.stage, self.rules.collisions());
        let pools = self.rules.pools();
        let mut disputes =
            Disputes { unread: !pools.is_empty() && self.leaves_open()?, ..Disputes::default() };
        let mut after = None;
        loop {
            let page = stage.lines_after(after.as_ref(), CHUNK)?;
            let Some((last, _)) = page.last() else { return Ok(lines.disputed(disputes)) };
            after = Some(last.clone());
            let used: Vec<&CloudId> = page.iter().filter_map(|(key, _)| lines.owner(key)?).collect();
            disputes.owners.extend(owners(self.reader, self.moved, stage, &used)?);
            self.keep_from(&pools, &page, &mut disputes)?;
            for (key, anchors) in page {
                let used = lines.owner(&key).is_some();
                if anchors.len() < 2 && !used {
                    continue;
                }
                let claimants = self.claimants(contested, &anchors)?;
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

    /// Whether somebody is open of whom this read does not speak.
    fn leaves_open(&self) -> Result<bool, StoreError> {
        let Some(concerned) = self.concerned else { return Ok(false) };
        let open = self.reader.unfinished(usize::MAX)?;
        Ok(open
            .iter()
            .any(|anchor| !concerned.contains(anchor) && !concerned.contains(&self.moved.now(*anchor))))
    }

    /// Keeps extensions that somebody claims from the pools in whose range they are. Whoever is withheld
    /// claims them, too: they are wanted as soon as the record is mended.
    fn keep_from(
        &self,
        pools: &[(u32, u32)],
        page: &[(LineKey, Vec<SourceId>)],
        disputes: &mut Disputes,
    ) -> Result<(), StoreError> {
        let inside = |(key, anchors)| Some((pooled(key, pools)?, anchors));
        let inside: Vec<((&str, u32), &Vec<SourceId>)> =
            page.iter().map(|(key, anchors)| (key, anchors)).filter_map(inside).collect();
        let all: Vec<SourceId> = inside.iter().flat_map(|(_, anchors)| anchors.iter().copied()).collect();
        let asking: BTreeSet<SourceId> = self.asking(&all)?.into_iter().map(|(anchor, _)| anchor).collect();
        for ((place, extension), anchors) in inside {
            if anchors.iter().any(|anchor| asking.contains(anchor)) {
                disputes.kept.entry(place.to_owned()).or_default().insert(extension);
            }
        }
        Ok(())
    }

    /// Of people who are to get something, those who claim it and are not withheld.
    fn claimants(
        &self,
        contested: &HashMap<SourceId, Withheld>,
        anchors: &[SourceId],
    ) -> Result<Vec<(SourceId, String)>, StoreError> {
        let mut asking = self.asking(anchors)?;
        asking
            .retain(|(anchor, _)| !contested.contains_key(anchor) && self.moved.withheld(*anchor).is_none());
        Ok(asking)
    }

    /// Of people who are to get something, those who have no telephone yet; with the DN.
    fn asking(&self, anchors: &[SourceId]) -> Result<Vec<(SourceId, String)>, StoreError> {
        let known: Vec<SourceId> = anchors.iter().map(|anchor| self.moved.old(*anchor)).collect();
        let rows = self.reader.rows(&known)?.into_iter();
        let have: BTreeSet<SourceId> = rows
            .filter(|row| !row.given.licenses.is_disjoint(self.calling))
            .map(|row| self.moved.now(row.anchor))
            .collect();
        let staged = self.stage.wanted(anchors)?.into_iter();
        let staged =
            staged.filter(|one| matches!(one.wanted, Wanted::Present(_)) && !have.contains(&one.anchor));
        Ok(staged.map(|one| (one.anchor, one.dn)).collect())
    }
}

/// A place and an extension at it that is in the range of a pool. None begins with a zero.
fn pooled<'k>((place, value): &'k LineKey, pools: &[(u32, u32)]) -> Option<(&'k str, u32)> {
    let extension: u32 = value.parse().ok().filter(|_| !place.is_empty() && !value.starts_with('0'))?;
    let is_inside = |(first, last): &(u32, u32)| (*first..=*last).contains(&extension);
    pools.iter().any(is_inside).then_some((place, extension))
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
