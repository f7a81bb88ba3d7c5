//! Managers: from the DN that a record names to the account of whoever stands there.
//!
//! Behind the rules a manager is a cloud id, and is compared, written and remembered as such. It is
//! found in two steps. Where the manager has an account already, the plan has its id. For
//! everybody else the store notes who reports to whom, and marks those who are due when the account
//! comes; at the end of a pass they are looked at once more, without their records.
//!
//! Nobody loses a manager for one who is about to come: until the end of the pass the one of before
//! stays. And who is due when a pass begins, because an earlier one was interrupted or left somebody
//! without a manager, is planned like anybody else.
//!
//! A manager who is not in the cloud, or out of scope, is none: the attribute stays empty, and
//! that is counted. Circles need no care, as nobody's account waits for another.

mod due;
mod noted;
mod standing;

pub(super) use due::set_due;
pub(super) use noted::{note, places};

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};

use crate::model::{CloudId, Field, Key, Person, SnapshotRow, SourceId, Wanted};
use crate::plan::{Case, Seen, Wish};
use crate::store::{StoreError, Waits, Why};

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
        let anchors: Vec<SourceId> = out.cases.iter().map(|case| case.anchor).collect();
        let due: HashMap<SourceId, Waits> =
            self.reader.managers_due_of(&anchors)?.into_iter().map(|one| (one.anchor, one)).collect();
        // What was read anew names a place, and of who is due it is known; what is as it was applied has
        // the id of an account.
        let mut places: BTreeMap<SourceId, Option<Key>> = BTreeMap::new();
        let mut ids = BTreeMap::new();
        for case in &out.cases {
            let Wish::Present(person) = &case.wish else { continue };
            let manager = person.profile.get(&Field::Manager);
            if out.judged.contains_key(&case.anchor) {
                places.extend(manager.map(|manager| (case.anchor, Some(Key::dn(manager)))));
            } else if let Some(waits) = due.get(&case.anchor) {
                let alike = self.alike.get(&case.anchor);
                places.insert(case.anchor, alike.map_or(waits.place, |alike| alike.manager));
            } else {
                ids.extend(manager.map(|manager| (case.anchor, Key::exact(manager))));
            }
        }
        if places.is_empty() && ids.is_empty() {
            return Ok(());
        }
        let keys: BTreeSet<Key> = places.values().flatten().copied().collect();
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
            let Case { anchor, wish: Wish::Present(person), row, seen, .. } = case else { continue };
            if let Some(place) = places.get(anchor) {
                let standing = place.and_then(|place| found.get(&place));
                let is_later = standing.is_some_and(|one| one.is_later_for(*anchor));
                if out.judged.contains_key(anchor) {
                    out.unmanaged += u64::from(standing.is_none());
                    out.managed_later += u64::from(is_later);
                }
                let in_vain = due.get(anchor).is_some_and(|one| one.why == Why::Late && one.place == *place);
                if is_later && !in_vain {
                    let manager = row.as_ref().and_then(|row| present(row, seen)).map(str::to_owned);
                    put(person, manager.as_deref());
                } else {
                    put(person, standing.and_then(|one| one.account_for(*anchor)).map(CloudId::as_str));
                }
            } else if ids.get(anchor).is_some_and(|id| lost.contains(id)) {
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

/// The manager whom a linked account has now; none where the account has to be made again.
fn present<'a>(row: &'a SnapshotRow, seen: &'a Seen) -> Option<&'a str> {
    let profile = match seen {
        Seen::Account(account) => &account.profile,
        Seen::AsApplied | Seen::Unasked => &row.applied.profile,
        Seen::Missing => return None,
    };
    profile.get(&Field::Manager).map(String::as_str)
}

fn put(person: &mut Person, manager: Option<&str>) {
    match manager {
        Some(id) => person.profile.insert(Field::Manager, id.to_owned()),
        None => person.profile.remove(&Field::Manager),
    };
}
