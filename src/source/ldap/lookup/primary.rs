//! The primary groups of people who were looked up alone.
//!
//! A full read meets all groups before the first person. Here the groups are fetched by their SIDs,
//! so that a person's record is the same.

use std::collections::BTreeSet;

use crate::source::ad;
use crate::source::shape::Looking;

use super::super::detect::Vendor;
use super::super::question::Question;
use super::super::trouble::Failure;
use super::super::visit::Visit;
use super::super::walk::Usable;
use super::Asking;

impl Asking<'_, '_> {
    /// Gives everybody found the primary group, as a full read does that met all groups before.
    pub(super) async fn primary_groups(&mut self) -> Result<(), Failure> {
        let Visit { ask, directory, .. } = &*self.visit;
        if self.looking == Looking::Groups || !ask.groups || directory.vendor != Vendor::ActiveDirectory {
            return Ok(());
        }
        let sid_of =
            |usable: &Usable| ad::primary_group_sid(usable.sid.as_deref()?, usable.primary_group.as_deref()?);
        let open: BTreeSet<Vec<u8>> = self
            .usable
            .iter()
            .filter_map(sid_of)
            .filter(|sid| !self.visit.sight.primary.knows(sid))
            .collect();
        let outcome = self.groups_with(open.into_iter().collect()).await;
        let primary = &mut self.visit.sight.primary;
        // Without the group the record would be another one than that of a full read.
        self.usable.retain(|usable| sid_of(usable).is_none_or(|sid| primary.knows(&sid)));
        for Usable { record, sid, primary_group } in &mut self.usable {
            primary.meet(record, sid.take(), primary_group.take());
        }
        outcome
    }

    /// Finds the groups with these SIDs, where and as a full read finds them.
    async fn groups_with(&mut self, sids: Vec<Vec<u8>>) -> Result<(), Failure> {
        if sids.is_empty() {
            return Ok(());
        }
        let Visit { settings, plan, directory, group_bases, .. } = &*self.visit;
        let mut question = Question::groups(settings, &plan.anchor, directory.vendor);
        // Who else is in the group is not the question here.
        question.attributes.retain(|name| !matches!(name.as_str(), "member" | "uniquemember" | "memberuid"));
        let bases = group_bases.clone();
        let mut asking = Asking::new(&mut *self.visit, Looking::Groups);
        let mut outcome = Ok(());
        for filter in &question.filters {
            outcome = asking.by_value(&question, &["objectsid"], &sids, filter, &bases).await;
        }
        let Asking { usable, tally, .. } = asking;
        let found = tally.into_found(Vec::new());
        let whole = outcome.is_ok() && found.gaps.is_empty();
        for Usable { mut record, sid, primary_group } in usable {
            self.visit.sight.primary.meet(&mut record, sid, primary_group);
        }
        if whole {
            sids.into_iter().for_each(|sid| self.visit.sight.primary.none(sid));
        }
        found.gaps.into_iter().for_each(|gap| self.tally.gap(gap));
        outcome
    }
}
