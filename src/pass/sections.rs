//! Who comes when: the people of a pass, sorted into sections that make room for each other.

use std::collections::BTreeSet;

use crate::model::SourceId;
use crate::store::StoreError;

use super::evidence::Evidence;
use super::index::Bits;
use super::observe::Extent;
use super::parts::CHUNK;

/// The people of a pass, by section.
#[derive(Debug, Default)]
pub struct Sections {
    pub(super) leavers: Vec<SourceId>,
    /// Linked people who stay and give up what others wait for.
    pub(super) first: Vec<SourceId>,
    pub(super) rounds: Vec<Vec<SourceId>>,
    pub(super) linked: Vec<SourceId>,
    pub(super) resting: Vec<SourceId>,
    pub(super) newcomers: bool,
}

impl Sections {
    /// Sorts the people of a pass into sections.
    pub fn sort(evidence: &Evidence<'_>, resting: &[SourceId]) -> Result<Self, StoreError> {
        let index = evidence.index;
        let mut leaving: BTreeSet<SourceId> = BTreeSet::new();
        let taken = Bits::new(index.len());
        // Whoever moved stands where the snapshot knows them: the old anchor is no leaver.
        let take = |anchor: SourceId| index.find(evidence.moved.old(anchor)).is_some_and(|at| !taken.set(at));
        let mut linked = BTreeSet::new();
        for anchor in evidence.addresses.rounds.iter().flatten() {
            take(*anchor);
        }
        let mut after = None;
        loop {
            let page = evidence.people.linked_after(after, CHUNK)?;
            let Some(last) = page.last() else { break };
            after = Some(last.anchor);
            for staged in &page {
                if take(staged.anchor) {
                    let section = if staged.leaves { &mut leaving } else { &mut linked };
                    section.insert(staged.anchor);
                }
            }
        }
        for at in 0..index.len() {
            let anchor = index.anchor(at);
            let lost = match &evidence.observation.extent {
                Extent::All { there, drifted, .. } => {
                    if drifted.get(at) && index.met.get(at) && !index.is_left(at) && take(anchor) {
                        linked.insert(anchor);
                    }
                    !there.get(at)
                }
                Extent::Some(_) => false,
            };
            if lost && index.met.get(at) && !index.is_left(at) && take(anchor) {
                linked.insert(anchor);
            }
            let gone = !index.met.get(at) && !index.is_left(at) && evidence.whole;
            if (gone || lost && index.is_left(at)) && take(anchor) {
                leaving.insert(anchor);
            }
        }
        let mut after = None;
        loop {
            let page = evidence.reader.managers_due(after, CHUNK)?;
            let Some(last) = page.last() else { break };
            after = Some(last.anchor);
            // Whose manager changed, and of which an earlier pass made nothing.
            let stays = |anchor: &SourceId| {
                index.find(*anchor).is_some_and(|at| index.met.get(at) && !index.is_left(at))
            };
            linked.extend(page.iter().map(|one| one.anchor).filter(stays).filter(|anchor| take(*anchor)));
        }
        let resting = resting.iter().copied().filter(|anchor| take(*anchor)).collect();
        Ok(Self {
            leavers: leaving.into_iter().collect(),
            first: Vec::new(),
            rounds: evidence.addresses.rounds.clone(),
            linked: linked.into_iter().collect(),
            resting,
            newcomers: true,
        })
    }

    /// Lets some of the linked people come first.
    pub(super) fn put_first(&mut self, first: &[SourceId]) {
        if !first.is_empty() {
            let chosen: BTreeSet<SourceId> = first.iter().copied().collect();
            (self.first, self.linked) = self.linked.iter().partition(|anchor| chosen.contains(*anchor));
        }
    }

    /// Linked people who are gone or leave, for whom the cloud must be asked before anything
    /// is taken from them.
    pub fn leavers(&self) -> impl Iterator<Item = SourceId> {
        self.leavers.iter().chain(&self.resting).copied()
    }
}
