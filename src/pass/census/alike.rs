//! What other rules change: most edits change a few people, or a few values of many, while the
//! fingerprints of all are others.
//!
//! Who is to be what was applied counts as unchanged, and only the new fingerprint is kept. Who only gets
//! other values is marked as light: no seat, no address and no guard has anything to do with them, unless
//! their manager leaves the place that they name. Where somebody else came to stand there, who is alike
//! gets that manager in the second step.

use std::collections::{BTreeMap, BTreeSet};
use std::thread::JoinHandle;

use crate::model::{Field, Fingerprint, Key, SourceId, Wanted};
use crate::rules::Collisions;
use crate::store::{Difference, FoldedWanted, StagedWanted, StoreError};

use super::{Sieve, Work};

/// After so many comparisons it shows whether they are worth it.
const TRIAL: usize = 4_000;

/// Somebody whom the rules leave as they were.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Alike {
    /// The fingerprint of now.
    pub record: Fingerprint,
    /// The place of the manager who is named.
    pub manager: Option<Key>,
}

/// The comparison of everybody who was judged with their rows.
#[derive(Default)]
pub(super) struct Comparison {
    /// Whom the rules of now leave as they were.
    pub(super) alike: BTreeMap<SourceId, Alike>,
    /// People compared, and those of them who are alike or light.
    compared: usize,
    alike_or_light: usize,
    /// Whether it was given up.
    gave_up: bool,
    under_way: Option<Comparing>,
    /// Places that somebody left.
    left: BTreeSet<Key>,
}

/// People who are being compared with their rows on a thread of their own, while the next are judged.
pub(super) struct Comparing(JoinHandle<Result<Compared, StoreError>>);

/// What came of it.
#[derive(Default)]
struct Compared {
    alike: Vec<(SourceId, Alike)>,
    light: Vec<SourceId>,
    /// Everybody who is not alike, ready for the spool.
    rest: Vec<StagedWanted>,
    folded: Vec<FoldedWanted>,
    /// Places that somebody left.
    left: Vec<Key>,
    /// How many could be told apart at all.
    asked: usize,
}

impl Comparing {
    fn begin(sieve: &Sieve, batch: Vec<StagedWanted>, asked: Vec<bool>) -> Self {
        let (reader, kept) = (sieve.reader.clone(), sieve.rules.kept());
        Self(std::thread::spawn(move || {
            let people: Vec<&StagedWanted> = batch.iter().collect();
            let differences = reader.differences(&people, kept)?;
            let asked_count = asked.iter().filter(|asked| **asked).count();
            let mut compared = Compared { asked: asked_count, ..Compared::default() };
            for ((staged, (difference, left)), asked) in batch.into_iter().zip(differences).zip(asked) {
                compared.left.extend(left);
                match if asked { difference } else { Difference::Anything } {
                    Difference::Nothing => {
                        let alike = Alike { record: staged.record, manager: place(&staged) };
                        compared.alike.push((staged.anchor, alike));
                        continue;
                    }
                    Difference::Values => compared.light.push(staged.anchor),
                    Difference::Anything => {}
                }
                compared.folded.push(staged.fold()?);
                compared.rest.push(staged);
            }
            Ok(compared)
        }))
    }

    fn end(self) -> Result<Compared, StoreError> {
        self.0.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic))
    }
}

impl Sieve {
    /// Whether people are compared with their rows. Where nobody keeps what several claim, everybody has
    /// to be there to lose it; and where seats are compared, to stand in the order.
    fn compares(&self) -> bool {
        self.anew && !self.compares_everybody && self.rules.collisions() != Collisions::Nobody
    }
}

impl Work {
    /// Spools who was judged, but for the last few: they are compared while the next are judged.
    pub(super) fn flush_ahead(&mut self, sieve: &Sieve) -> Result<(), StoreError> {
        self.packing.flush(&mut self.stage)?;
        let batch = std::mem::take(&mut self.batch);
        let comparison = &mut self.comparison;
        // When everything changes for everybody, looking for those for whom it does not is a waste.
        comparison.gave_up |=
            comparison.compared > TRIAL && comparison.alike_or_light < comparison.compared / 10;
        if !sieve.compares() || comparison.gave_up {
            self.bring_home(sieve)?;
            let folded: Vec<FoldedWanted> = batch.iter().map(StagedWanted::fold).collect::<Result<_, _>>()?;
            return self.spool(&batch, &folded, sieve);
        }
        let asked: Vec<bool> = batch.iter().map(|staged| self.may_be_alike(staged, sieve)).collect();
        let next = Comparing::begin(sieve, batch, asked);
        self.bring_home(sieve)?;
        self.comparison.under_way = Some(next);
        Ok(())
    }

    /// Spools everybody who was judged.
    pub(super) fn flush(&mut self, sieve: &Sieve) -> Result<(), StoreError> {
        self.flush_ahead(sieve)?;
        self.bring_home(sieve)
    }

    /// Spools those who were compared, but for those whom the rules leave as they were applied.
    fn bring_home(&mut self, sieve: &Sieve) -> Result<(), StoreError> {
        let comparison = &mut self.comparison;
        let Some(comparing) = comparison.under_way.take() else { return Ok(()) };
        let Compared { alike, light, rest, folded, left, asked } = comparing.end()?;
        comparison.compared += asked;
        comparison.left.extend(left);
        comparison.alike_or_light += alike.len() + light.len();
        self.unchanged += alike.len() as u64;
        comparison.alike.extend(alike);
        for at in light.into_iter().filter_map(|anchor| sieve.index.find(anchor)) {
            sieve.index.light.set(at);
        }
        self.spool(&rest, &folded, sieve)
    }

    /// Whether it is enough to compare somebody with the row. Who is known by a value that joins sources
    /// may have moved, and with whom something is open may have more to do than the row says.
    fn may_be_alike(&self, staged: &StagedWanted, sieve: &Sieve) -> bool {
        let is_open = |at| sieve.index.record(at) == Fingerprint::NONE;
        matches!(staged.wanted, Wanted::Present(_))
            && sieve.index.find(staged.anchor).is_some_and(|at| !is_open(at))
            && staged.record != Fingerprint::NONE
            && staged.recheck.is_none()
            && staged.joined.is_none()
            && !self.unfit.contains_key(&staged.anchor)
    }

    /// Who names a place that somebody left has another manager, or none, and is not light; nor is who waits
    /// for one since an earlier pass.
    pub(super) fn weigh_reporters(&self, sieve: &Sieve) -> Result<(), StoreError> {
        if self.comparison.gave_up {
            // Not everybody who left a place is known.
            (0..sieve.index.len()).for_each(|at| sieve.index.light.clear(at));
        }
        let due = sieve.reader.managers_due(None, usize::MAX)?.into_iter().map(|one| one.anchor);
        for anchor in sieve.reader.reporters(&self.comparison.left)?.into_iter().chain(due) {
            if let Some(at) = sieve.index.find(anchor) {
                sieve.index.light.clear(at);
            }
        }
        Ok(())
    }

    /// Somebody who was compared is withheld after all.
    pub(super) fn call_back(&mut self, anchor: SourceId, sieve: &Sieve) {
        self.comparison.alike.remove(&anchor);
        if let Some(at) = sieve.index.find(anchor) {
            sieve.index.light.clear(at);
        }
    }
}

/// The place of the manager whom somebody names.
fn place(staged: &StagedWanted) -> Option<Key> {
    let Wanted::Present(person) = &staged.wanted else { return None };
    person.profile.get(&Field::Manager).map(|dn| Key::dn(dn))
}
