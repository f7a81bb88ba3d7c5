//! Who contests what is short: those who ask for it, and those from whom a seat could be taken for
//! them.
//!
//! Before that the cloud is asked about the latter. A few more are looked at than are needed: some turn
//! out to keep what they have, and then the next in the order gives up a seat.

use std::collections::BTreeMap;

use crate::apply::gives;
use crate::model::{Kind, LicenseId, SourceId};
use crate::plan::{Case, Cell, Contest, Holders, Pools, Queue, Supply, Tenure, Wish};
use crate::store::{StoreError, Waiting};

use super::parts::Parts;

/// So many more are looked at than have to give up a seat.
const SPARE: u64 = 50;

/// Whether a seat may be taken from somebody for those who stand before.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Preempt {
    /// From nobody.
    Never,
    /// The cloud was not asked yet: it is found out about whom it is to be asked.
    Ask,
    /// From those about whom the cloud was asked.
    Take,
}

/// A licence of which there are too few: who asks, and from whom a seat could be taken.
pub(super) struct Few {
    pub(super) asking: Contest,
    pub(super) holding: Holders,
    /// Newcomers who will ask, once the cloud was asked about them.
    newcomers: Contest,
    /// Whether only those count at whom somebody looked.
    looked: bool,
}

impl Few {
    pub(super) fn new(supply: &Supply, preempt: Preempt) -> Self {
        // From one seat taken to pay for what was never bought nobody else would have anything.
        let more = if supply.is_overdrawn() { 0 } else { supply.short() };
        let (more, holders) = match preempt {
            Preempt::Never => (0, 0),
            Preempt::Ask => (more, more.saturating_add(if more == 0 { 0 } else { SPARE })),
            Preempt::Take => (more, more),
        };
        Self {
            asking: Contest::new(supply.available() + more),
            newcomers: Contest::new(supply.available() + more),
            holding: Holders::new(holders),
            looked: preempt == Preempt::Take,
        }
    }

    /// From whom a seat may have to be taken, when so many are there for those who ask and for the
    /// newcomers.
    pub(super) fn rivals(&self, available: usize) -> Vec<SourceId> {
        let mut order = self.asking.clone().order();
        order.extend(self.newcomers.clone().order());
        order.sort_unstable();
        self.holding.behind(order.get(available..).unwrap_or_default())
    }
}

/// Counts who asks for what, also out of pools, and lets them contest what is short.
pub(super) fn compare(
    mut parts: Parts<'_>,
    queue: &Queue,
    tenure: &Tenure,
    absent: &[&Waiting],
    contests: &mut BTreeMap<LicenseId, Few>,
) -> Result<(BTreeMap<LicenseId, u64>, Pools), StoreError> {
    for one in absent {
        if let Some(few) = contests.get_mut(&one.license) {
            few.asking.offer(one.rank.clone());
        }
    }
    let mut asked: BTreeMap<LicenseId, u64> = BTreeMap::new();
    while let Some((cases, decisions)) = parts.decide_next()? {
        for (case, decision) in cases.cases.iter().zip(&decisions) {
            hold(case, queue, tenure, contests);
            if let (Cell::Unlooked, Wish::Present(person)) = (decision.cell, &case.wish) {
                for (license, few) in contests.iter_mut() {
                    if person.licenses.contains(license) {
                        few.newcomers.offer(case.rank(queue, license));
                    }
                }
            }
            for action in decision.actions.iter().filter(|action| action.kind == Kind::LicenseAdd) {
                for license in gives(&action.changes) {
                    *asked.entry(license.clone()).or_default() += 1;
                    if let Some(few) = contests.get_mut(license) {
                        few.asking.offer(case.rank(queue, license));
                    }
                }
            }
        }
    }
    Ok((asked, parts.pools()))
}

/// Notes the seats that could be taken from somebody: those that we gave, that the rules still give,
/// and that nothing else needs. The snapshot does not know what somebody has by other hands, be it a
/// role that protects or a licence that needs this one: nothing is taken without a look.
fn hold(case: &Case, queue: &Queue, tenure: &Tenure, contests: &mut BTreeMap<LicenseId, Few>) {
    let (Some(row), Wish::Present(person)) = (&case.row, &case.wish) else { return };
    if case.protected || !case.proven || case.standing.is_none() {
        return;
    }
    let held = case.holds(row);
    for (license, few) in contests {
        if row.given.licenses.contains(license)
            && person.licenses.contains(license)
            && held.contains(license)
            && !tenure.is_needed(license, &held)
            && (case.held.is_some() || !few.looked)
        {
            few.holding.offer(case.rank(queue, license));
        }
    }
}
