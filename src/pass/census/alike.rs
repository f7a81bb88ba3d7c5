//! What other rules change: most edits change a few people, or a few values of many, while the
//! fingerprints of all are others.
//!
//! Who is to be what was applied counts as unchanged, and only the new fingerprint is kept. Who only gets
//! other values is marked as light: no seat, no address and no guard has anything to do with them.

use std::thread::JoinHandle;

use crate::model::{Field, Fingerprint, Key, SourceId, Wanted};
use crate::rules::Collisions;
use crate::store::{Difference, StagedWanted, StoreError};

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

/// People who are being compared with their rows on a thread of their own, while the next are judged.
pub(super) struct Comparing(JoinHandle<Result<Compared, StoreError>>);

type Compared = (Vec<StagedWanted>, Vec<Difference>);

impl Comparing {
    fn begin(sieve: &Sieve, batch: Vec<StagedWanted>, asked: Vec<usize>) -> Self {
        let (reader, kept) = (sieve.reader.clone(), sieve.rules.kept());
        Self(std::thread::spawn(move || {
            let people: Vec<&StagedWanted> = asked.iter().map(|at| &batch[*at]).collect();
            let answers = reader.differences(&people, kept)?;
            let mut differences = vec![Difference::Anything; batch.len()];
            for (at, answer) in asked.into_iter().zip(answers) {
                differences[at] = answer;
            }
            Ok((batch, differences))
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
        // When everything changes for everybody, looking for those for whom it does not is a waste.
        let is_waste = self.compared > TRIAL && self.alike_or_light < self.compared / 10;
        if !sieve.compares() || is_waste {
            self.bring_home(sieve)?;
            return self.spool(batch, sieve);
        }
        let asked: Vec<usize> = (0..batch.len()).filter(|at| self.may_be_alike(&batch[*at])).collect();
        self.compared += asked.len();
        let next = Comparing::begin(sieve, batch, asked);
        self.bring_home(sieve)?;
        self.comparing = Some(next);
        Ok(())
    }

    /// Spools everybody who was judged.
    pub(super) fn flush(&mut self, sieve: &Sieve) -> Result<(), StoreError> {
        self.flush_ahead(sieve)?;
        self.bring_home(sieve)
    }

    fn bring_home(&mut self, sieve: &Sieve) -> Result<(), StoreError> {
        let Some(comparing) = self.comparing.take() else { return Ok(()) };
        let (mut batch, differences) = comparing.end()?;
        self.leave_out(&mut batch, differences, sieve);
        self.spool(batch, sieve)
    }

    /// Takes those out whom the rules leave as they were applied, and marks those who only get other
    /// values.
    fn leave_out(&mut self, batch: &mut Vec<StagedWanted>, differences: Vec<Difference>, sieve: &Sieve) {
        let mut differences = differences.into_iter();
        batch.retain(|staged| match differences.next() {
            Some(Difference::Nothing) => {
                let alike = Alike { record: staged.record, manager: place(staged) };
                self.alike.insert(staged.anchor, alike);
                self.alike_or_light += 1;
                self.unchanged += 1;
                false
            }
            Some(Difference::Values) => {
                if let Some(at) = sieve.index.find(staged.anchor) {
                    sieve.index.light.set(at);
                }
                self.alike_or_light += 1;
                true
            }
            Some(Difference::Anything) | None => true,
        });
    }

    /// Whether it is enough to compare somebody with the row. Who is known by a value that joins sources
    /// may have moved.
    fn may_be_alike(&self, staged: &StagedWanted) -> bool {
        matches!(staged.wanted, Wanted::Present(_))
            && staged.linked
            && staged.record != Fingerprint::NONE
            && staged.recheck.is_none()
            && staged.joined.is_none()
            && !self.unfit.contains_key(&staged.anchor)
    }

    /// Somebody who was compared is withheld after all.
    pub(super) fn call_back(&mut self, anchor: SourceId, sieve: &Sieve) {
        self.alike.remove(&anchor);
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
