//! What the answers up to now prove: about whom nothing is known because a source did not answer,
//! and whether what was heard can be remembered.
//!
//! One source that is down takes its own people out of the pass, as in a read of everything.
//! What the others told is done, and their cursors move on. Only when something was to be asked
//! of the silent one that no other place remembers do all cursors stay.

use std::collections::BTreeSet;

use crate::model::{Key, Record, SourceId};

use super::super::PassError;
use super::super::census::Doubts;
use super::super::membership::Memberships;
use super::ear::Ear;

impl Ear<'_> {
    /// Whose absence proves nothing.
    pub(super) fn doubts(&self) -> Doubts {
        let mut doubts = Doubts::default();
        for source in self.sources.iter().filter(|source| !source.whole) {
            doubts.add(&source.bases);
        }
        if self.groups_cut {
            doubts.add(&[]);
        }
        doubts.groups = self.ask.groups && self.sources.iter().any(|source| !source.answers);
        doubts
    }

    /// Whether whoever was not found is gone, beside those who are doubtful.
    fn proves_absence(&self, doubts: &Doubts, memberships: &Memberships) -> bool {
        self.all_asked && !doubts.everybody() && memberships.missing().is_empty()
    }

    /// Whether the sources that told changes are done with them after this pass.
    pub(super) fn comes_to_an_end(&self, memberships: &Memberships) -> bool {
        let told = |name: &str| self.sources.iter().all(|one| one.source.name() != name || one.whole);
        !self.lost_track
            && !self.doubts().everybody()
            && memberships.missing().is_empty()
            && self.seen.iter().all(|seen| told(&seen.name))
    }

    /// Whether a group that was not found is gone: nothing is missing, or the source that told of it
    /// answered everything.
    pub(super) fn has_lost(&self, group: SourceId) -> bool {
        let told = || self.told_groups.get(&group).is_some_and(|at| self.sources[*at].whole);
        self.all_asked && !self.groups_cut && (self.partial.is_empty() || told())
    }

    /// Notes that people with these DNs were looked for, whom nobody remembers.
    pub(super) fn follows_names(&mut self, dns: &[String]) {
        let doubts = self.doubts();
        let met: BTreeSet<Key> = self.people.iter().map(Record::dn_key).collect();
        self.lost_track |= dns.iter().any(|dn| doubts.holds(dn) && !met.contains(&Key::dn(dn)));
    }

    /// Whether somebody of these linked people, who were not found, is proved to be gone.
    pub(super) fn misses_somebody(
        &self,
        memberships: &Memberships,
        absent: &[SourceId],
    ) -> Result<bool, PassError> {
        let doubts = self.doubts();
        if absent.is_empty() || !self.proves_absence(&doubts, memberships) {
            return Ok(false);
        }
        Ok(self.hearing.reader.rows(absent)?.iter().any(|row| !doubts.holds(&row.dn)))
    }
}
