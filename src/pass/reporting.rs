//! Managers: from the DN that a record names to the account of whoever stands there.
//!
//! Behind the rules a manager is a cloud id, and is compared, written and remembered as such. It is
//! found in two steps. Where the manager has an account already, the plan has its id. For
//! everybody else the store notes who reports to whom, and marks those who are due when the account
//! comes; at the end of a pass they are looked at once more, without their records.
//!
//! A manager who is not in the cloud, or out of scope, is none: the attribute stays empty, and
//! that is counted. Circles need no care, as nobody's account waits for another.

mod due;
mod standing;

pub(super) use due::{note, places, set_due};

use std::collections::{BTreeMap, BTreeSet, HashSet};

use crate::model::{CloudId, Field, Key, Person, SourceId, Wanted};
use crate::plan::Wish;
use crate::store::StoreError;

use super::PassError;
use super::cases::Cases;
use super::evidence::Evidence;
use super::looked::Look;
use super::observe::Extent;
use super::parts::CHUNK;
use standing::standing;

impl Evidence<'_> {
    /// Whether the account of a linked person is there, as far as was looked.
    fn is_there(&self, anchor: SourceId) -> bool {
        match (&self.observation.extent, self.index.find(anchor)) {
            (Extent::All { there, .. }, Some(at)) => there.get(at),
            _ => true,
        }
    }

    /// Puts the ids of accounts where the rules named DNs.
    pub(super) fn name_managers(&self, out: &mut Cases) -> Result<(), StoreError> {
        // What was read anew names a place; what is as it was applied has the id of an account.
        let mut places = BTreeMap::new();
        let mut ids = BTreeMap::new();
        for case in &out.cases {
            let Wish::Present(person) = &case.wish else { continue };
            let Some(manager) = person.profile.get(&Field::Manager) else { continue };
            if out.judged.contains_key(&case.anchor) {
                places.insert(case.anchor, Key::dn(manager));
            } else {
                ids.insert(case.anchor, Key::exact(manager));
            }
        }
        if places.is_empty() && ids.is_empty() {
            return Ok(());
        }
        let keys: BTreeSet<Key> = places.values().copied().collect();
        let found = standing(self.reader, self.index, Some(self), &keys, |anchor| self.is_there(anchor))?;
        let lost: BTreeSet<Key> = match self.observation.extent {
            Extent::All { .. } => {
                let keys: Vec<Key> = ids.values().copied().collect();
                let owners = self.reader.anchors_by_cloud(&keys)?;
                owners.into_iter().filter(|(_, anchor)| !self.is_there(*anchor)).map(|(key, _)| key).collect()
            }
            Extent::Some(_) => BTreeSet::new(),
        };
        for case in &mut out.cases {
            let Wish::Present(person) = &mut case.wish else { continue };
            if let Some(place) = places.get(&case.anchor) {
                let standing = found.get(place);
                out.unmanaged += u64::from(standing.is_none());
                out.managed_later += u64::from(standing.is_some_and(|one| one.is_later_for(case.anchor)));
                put(person, standing.and_then(|standing| standing.account_for(case.anchor)));
            } else if ids.get(&case.anchor).is_some_and(|id| lost.contains(id)) {
                put(person, None);
            }
        }
        Ok(())
    }
}

impl Look {
    /// People of whom nothing was read anew and whose manager comes in this pass: a plan does not show them,
    /// and the second step has something to do for them.
    ///
    /// # Errors
    ///
    /// When the spool or the store failed.
    pub fn managed_later(&self) -> Result<u64, PassError> {
        if !self.policy.managed.fields.contains(Field::Manager) || self.index.is_empty() {
            return Ok(0);
        }
        let mut people = 0;
        let mut after = None;
        loop {
            let page = self.people.wanted_after(false, after, CHUNK)?;
            let Some(last) = page.last() else { return Ok(people) };
            after = Some(last.anchor);
            let coming = page.iter().filter(|staged| {
                matches!(staged.wanted, Wanted::Present(_))
                    && !self.addresses.contested.contains_key(&staged.anchor)
            });
            let reporters = self.reader.reporters(&coming.map(|staged| Key::dn(&staged.dn)).collect())?;
            let read: HashSet<SourceId> =
                self.people.wanted(&reporters)?.into_iter().map(|staged| staged.anchor).collect();
            let stays = |anchor: &&SourceId| {
                !read.contains(anchor) && self.index.find(**anchor).is_some_and(|at| !self.index.is_left(at))
            };
            people += reporters.iter().filter(stays).count() as u64;
        }
    }
}

fn put(person: &mut Person, manager: Option<&CloudId>) {
    match manager {
        Some(id) => person.profile.insert(Field::Manager, id.as_str().to_owned()),
        None => person.profile.remove(&Field::Manager),
    };
}
