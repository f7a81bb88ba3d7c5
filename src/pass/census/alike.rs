//! Whom other rules leave as they were: most edits of the rules change a few, while the fingerprints
//! of all are others. Who is to be what was applied counts as unchanged, and only the new fingerprint
//! is kept.

use crate::model::{Field, Fingerprint, SourceId, Wanted};
use crate::rules::Collisions;
use crate::store::{StagedWanted, StoreError};

use super::{Sieve, Work};

/// After so many comparisons it shows whether they are worth it.
const TRIAL: usize = 4_000;

impl Sieve {
    /// Whether whoever is as before may be left out. Where nobody keeps what several claim, everybody
    /// has to be there to lose it; and where seats are compared, to stand in the order.
    fn leaves_out(&self) -> bool {
        self.anew && !self.compares_everybody && self.rules.collisions() != Collisions::Nobody
    }
}

impl Work {
    /// Takes those out of the batch whom the rules leave as they were applied.
    pub(super) fn leave_out(&mut self, sieve: &Sieve) -> Result<(), StoreError> {
        // When everybody changes, looking for those who do not is a waste.
        let is_waste = self.compared > TRIAL && self.alike.len() < self.compared / 10;
        if !sieve.leaves_out() || is_waste {
            return Ok(());
        }
        let asked: Vec<usize> =
            (0..self.batch.len()).filter(|at| self.may_be_alike(&self.batch[*at])).collect();
        let people: Vec<&StagedWanted> = asked.iter().map(|at| &self.batch[*at]).collect();
        let answers = sieve.reader.are_as_applied(&people)?;
        self.compared += answers.len();
        let mut alike = vec![false; self.batch.len()];
        for (at, answer) in asked.into_iter().zip(answers) {
            alike[at] = answer;
        }
        let mut at = 0;
        let found = &mut self.alike;
        self.batch.retain(|staged| {
            at += 1;
            if alike[at - 1] {
                found.insert(staged.anchor, staged.record);
            }
            !alike[at - 1]
        });
        self.unchanged += alike.iter().filter(|alike| **alike).count() as u64;
        Ok(())
    }

    /// Whether it is enough to compare somebody with the row. Who is known by a value that joins sources
    /// may have moved; what a manager is in the cloud is not known yet.
    fn may_be_alike(&self, staged: &StagedWanted) -> bool {
        let Wanted::Present(person) = &staged.wanted else { return false };
        staged.linked
            && staged.record != Fingerprint::NONE
            && staged.recheck.is_none()
            && staged.joined.is_none()
            && !self.unfit.contains_key(&staged.anchor)
            && !person.profile.contains_key(&Field::Manager)
    }

    /// Somebody who was left out is not as before after all.
    pub(super) fn call_back(&mut self, anchor: SourceId) {
        self.alike.remove(&anchor);
    }
}
