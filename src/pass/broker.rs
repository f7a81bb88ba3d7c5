//! Demand meets supply, before the first write: how many seats there are, how many people ask for
//! them, and, where they are too few, who gets them.
//!
//! Everybody who may lose something is looked through for the guard anyway; that gives the seats
//! that become free, and those that the guard holds back do not. Newcomers are counted as they are
//! read. Only where that may not be enough are those who ask looked through once more and compared,
//! and of them no more is kept than there are seats.

use std::collections::{BTreeMap, BTreeSet, HashSet};
use std::sync::Arc;

use crate::guard::{Guard, Headcount, Limits, Removal, Tally, releases};
use crate::model::{Action, Attr, Catalogue, Kind, LicenseId, SourceId};
use crate::plan::{Case, Contest, Place, Policy, Queue, Seats, Supply};
use crate::store::{StoreError, Waiting};

use super::cases::Evidence;
use super::parts::{CHUNK, Parts};
use super::sections::Sections;

/// What the broker has to go by.
pub(super) struct Terms<'a> {
    /// The limits of the guard.
    pub limits: &'a Limits,
    /// Removals that count although they are not in this pass.
    pub recent: &'a Tally,
    /// Linked people.
    pub linked: u64,
    /// The census against the last one.
    pub headcount: Option<Headcount>,
    /// What an administrator approved.
    pub approved: &'a [Action],
    /// What there is.
    pub catalogue: &'a Catalogue,
    /// The queue as the last pass left it.
    pub waiting: &'a [Waiting],
    /// Of it, who waits on although this pass is not about them: their turn is kept.
    pub absent: Vec<&'a Waiting>,
}

/// What came of it.
pub(super) struct Brokered {
    /// The judgement over removals.
    pub guard: Guard,
    /// Who gets a seat.
    pub seats: Seats,
    /// The account of every licence whose seats are limited, in the order of the catalogue.
    pub supply: Vec<Supply>,
    /// Linked people who give up a licence that others wait for: they come first.
    pub first: Vec<SourceId>,
}

/// What the walk for the guard found out.
#[derive(Default)]
struct Survey {
    tally: Tally,
    /// Seats that become free, by the removal that frees them.
    freed: BTreeMap<LicenseId, [u64; Removal::ALL.len()]>,
    /// Seats that become free by what is approved.
    released: BTreeMap<LicenseId, u64>,
    /// Linked people who ask.
    asked: BTreeMap<LicenseId, u64>,
    /// Linked people who stay and give something up.
    givers: Vec<SourceId>,
}

/// Weighs the removals, and shares out the seats.
pub(super) fn broker(
    evidence: Evidence<'_>,
    sections: &Sections,
    policy: &Policy,
    terms: &Terms<'_>,
) -> Result<Brokered, StoreError> {
    let queue = Arc::new(Queue::new(terms.waiting.iter().map(|one| {
        let place = Place { since: one.rank.since, refused: one.refused };
        ((one.rank.anchor, one.license.clone()), place)
    })));
    let plenty = || Seats::plenty(Arc::clone(&queue));
    let walk = || Parts::begin(evidence, sections, policy, plenty(), Default::default());
    let survey = survey(walk(), terms.approved)?;
    let mut tally = survey.tally;
    tally.join(terms.recent);
    let guard = Guard::weigh(terms.limits, &tally, terms.linked, terms.headcount, terms.approved.to_vec());

    let mut supply: Vec<Supply> = Vec::new();
    for license in terms.catalogue.0.iter() {
        let Some(total) = license.total else { continue };
        let flowing = |by: &[u64; Removal::ALL.len()]| {
            Removal::ALL.iter().filter(|removal| guard.lets(**removal)).map(|r| by[*r as usize]).sum::<u64>()
        };
        let freed = survey.freed.get(&license.id).map_or(0, flowing)
            + survey.released.get(&license.id).copied().unwrap_or(0);
        let count = |counts: &BTreeMap<LicenseId, u64>| counts.get(&license.id).copied().unwrap_or(0);
        supply.push(Supply {
            license: license.id.clone(),
            total,
            consumed: license.consumed,
            freed,
            asked: count(&survey.asked) + count(evidence.people.asked()),
            absent: terms.absent.iter().filter(|one| one.license == license.id).count() as u64,
        });
    }
    let mut contests: BTreeMap<LicenseId, Contest> = supply
        .iter()
        .filter(|one| one.short() > 0)
        .map(|one| (one.license.clone(), Contest::new(one.available())))
        .collect();
    let few = evidence.people.counts().1 <= CHUNK as u64;
    if contests.is_empty() && !few {
        return Ok(Brokered { guard, seats: plenty(), supply, first: Vec::new() });
    }
    for one in &terms.absent {
        if let Some(contest) = contests.get_mut(&one.license) {
            contest.offer(one.rank.clone());
        }
    }
    // Whoever came twice, or has an account with the licence already, was counted all the same.
    let exact = compare(walk().asking(!contests.is_empty()), &queue, &mut contests)?;
    for one in &mut supply {
        let linked = if contests.is_empty() { survey.asked.get(&one.license) } else { None };
        one.asked = [linked, exact.get(&one.license)].into_iter().flatten().sum();
    }
    let mut seats = plenty();
    let mut first = BTreeSet::new();
    for (license, contest) in contests {
        if supply.iter().any(|one| one.license == license && one.short() > 0) {
            first.extend(&survey.givers);
            seats.ration(license, contest);
        }
    }
    Ok(Brokered { guard, seats, supply, first: first.into_iter().collect() })
}

/// Counts removals, and the seats that they free. Newcomers lose nothing, unless accounts that
/// exist are taken over.
fn survey(mut parts: Parts<'_>, approved: &[Action]) -> Result<Survey, StoreError> {
    let keys: HashSet<(SourceId, Kind)> =
        approved.iter().map(|action| (action.anchor, action.kind)).collect();
    let is_approved = |action: &Action| {
        keys.contains(&(action.anchor, action.kind)) && approved.iter().any(|other| releases(other, action))
    };
    parts.only_candidates()?;
    let mut survey = Survey::default();
    while let Some((cases, decisions)) = parts.decide_next()? {
        for (case, mut decision) in cases.cases.iter().zip(decisions) {
            for action in &decision.actions {
                survey.count(case, action, is_approved(action));
            }
            decision.actions.retain(|action| !is_approved(action));
            survey.tally.add(&decision.actions);
        }
    }
    Ok(survey)
}

impl Survey {
    fn count(&mut self, case: &Case, action: &Action, approved: bool) {
        let removal = Removal::of(action);
        for license in licenses(action) {
            match (action.kind, removal) {
                (Kind::LicenseRemove, _) if approved => {
                    *self.released.entry(license.clone()).or_default() += 1;
                }
                (Kind::LicenseRemove, Some(removal)) => {
                    self.freed.entry(license.clone()).or_default()[removal as usize] += 1;
                }
                // Newcomers are counted elsewhere.
                (Kind::LicenseAdd, _) if case.row.is_some() => {
                    *self.asked.entry(license.clone()).or_default() += 1;
                }
                _ => {}
            }
        }
        if action.kind == Kind::LicenseRemove && self.givers.last() != Some(&case.anchor) {
            self.givers.push(case.anchor);
        }
    }
}

/// The licences that an action gives or takes.
fn licenses(action: &Action) -> impl Iterator<Item = &LicenseId> {
    action.changes.iter().filter_map(|change| match &change.field {
        Attr::License(id) => Some(id),
        _ => None,
    })
}

/// Counts who asks for what, and lets them contest what is short.
fn compare(
    mut parts: Parts<'_>,
    queue: &Queue,
    contests: &mut BTreeMap<LicenseId, Contest>,
) -> Result<BTreeMap<LicenseId, u64>, StoreError> {
    let mut asked: BTreeMap<LicenseId, u64> = BTreeMap::new();
    while let Some((cases, decisions)) = parts.decide_next()? {
        for (case, decision) in cases.cases.iter().zip(&decisions) {
            for action in decision.actions.iter().filter(|action| action.kind == Kind::LicenseAdd) {
                for license in licenses(action) {
                    *asked.entry(license.clone()).or_default() += 1;
                    if let Some(contest) = contests.get_mut(license) {
                        contest.offer(case.rank(queue, license));
                    }
                }
            }
        }
    }
    Ok(asked)
}
