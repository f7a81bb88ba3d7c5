//! Demand meets supply, before the first write: how many seats there are, how many people ask for
//! them, and, where they are too few, who gets them.
//!
//! Everybody who may lose something is looked through for the guard anyway; that gives the seats
//! that become free, and those that the guard holds back do not. Newcomers are counted as they are
//! read. Only where that may not be enough are those who ask looked through once more and compared,
//! and of them no more is kept than there are seats.

use std::collections::{BTreeMap, BTreeSet, HashSet};
use std::sync::Arc;

use crate::apply::gives;
use crate::guard::{Guard, Headcount, Limits, Object, Removal, Tally, releases};
use crate::model::{Action, Attr, Catalogue, Kind, LicenseId, Rank, SourceId};
use crate::plan::{Case, Lines, Place, Policy, Queue, Seats, Supply, Tenure};
use crate::store::{StoreError, Waiting};

use super::evidence::Evidence;
use super::parts::{CHUNK, Parts};
use super::rivals::{Few, Preempt, compare};
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
    /// Numbers and extensions in use.
    pub lines: &'a Lines,
    /// Of the linked people, all with whom guard or seats may have anything to do; `None` when nobody looked.
    pub weighty: Option<&'a BTreeSet<SourceId>>,
    /// Whether a seat may be taken from somebody for those who stand before.
    pub preempt: Preempt,
}

/// What came of it.
pub(super) struct Brokered {
    /// The judgement over removals.
    pub guard: Guard,
    /// Who gets a seat.
    pub seats: Seats,
    /// Numbers and extensions in use, and who gets the last of a pool.
    pub lines: Lines,
    /// The account of every licence whose seats are limited, in the order of the catalogue.
    pub supply: Vec<Supply>,
    /// Linked people who give up a licence that others wait for: they come first.
    pub first: Vec<SourceId>,
    /// From whom a seat may have to be taken for others, when it is [`Preempt::Ask`].
    pub rivals: BTreeSet<SourceId>,
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
    /// Seats that become free when something else is given for them, with what that is, and how
    /// many people do that: those whom the guard may hold, and those who are approved.
    exchanged: BTreeMap<(LicenseId, Vec<LicenseId>), [u64; 2]>,
    /// Linked people who stay and give something up.
    givers: Vec<SourceId>,
    /// Linked people who exchange something, with what they are to get.
    exchangers: Vec<(SourceId, Vec<LicenseId>)>,
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
    let mut lines = terms.lines.clone();
    let walk = |lines: &Lines| {
        let lines = lines.asking();
        Parts::begin(evidence, sections, policy, plenty(), lines, Default::default())
    };
    let linked = match terms.weighty {
        Some(weighty) => walk(&lines).only(weighty),
        None => walk(&lines),
    };
    let survey = survey(linked, terms.approved, &policy.tenure)?;
    let mut tally = survey.tally;
    tally.join(&terms.recent.only(Object::Account));
    // The limit counts also those from whom seats are taken for others; and when it trips, nothing
    // of its kind becomes free.
    let weigh = |losing: &BTreeSet<SourceId>| {
        let mut tally = tally;
        tally.add_people(Removal::LicenseRemove, losing.len() as u64);
        Guard::weigh(terms.limits, &tally, terms.linked, terms.headcount, terms.approved.to_vec())
    };
    let guard = weigh(&BTreeSet::new());

    let mut supply: Vec<Supply> = Vec::new();
    // An exchange frees a seat where it is served itself; to begin with, none is.
    let mut short: BTreeSet<LicenseId> =
        survey.exchanged.keys().flat_map(|(_, gives)| gives.iter().cloned()).collect();
    for license in terms.catalogue.0.iter() {
        let Some(total) = license.total else { continue };
        let count = |counts: &BTreeMap<LicenseId, u64>| counts.get(&license.id).copied().unwrap_or(0);
        supply.push(Supply {
            license: license.id.clone(),
            total,
            consumed: license.consumed,
            freed: freed(&survey, &guard, &license.id, &short),
            asked: count(&survey.asked) + count(evidence.people.asked()),
            absent: terms.absent.iter().filter(|one| one.license == license.id).count() as u64,
        });
    }
    // Whoever exchanges what they have for something of which there is enough comes before the others.
    short = supply.iter().filter(|one| one.short() > 0).map(|one| one.license.clone()).collect();
    for one in &mut supply {
        one.freed = freed(&survey, &guard, &one.license, &short);
    }
    let served = |(_, gives): &&(SourceId, Vec<LicenseId>)| gives.iter().all(|id| !short.contains(id));
    let exchangers: Vec<SourceId> =
        survey.exchangers.iter().filter(served).map(|(anchor, _)| *anchor).collect();
    let contest = |supply: &[Supply]| -> BTreeMap<LicenseId, Few> {
        let short = supply.iter().filter(|one| one.short() > 0);
        short.map(|one| (one.license.clone(), Few::new(one, terms.preempt))).collect()
    };
    let mut contests = contest(&supply);
    let few = evidence.people.counts().1 <= CHUNK as u64;
    if contests.is_empty() && !few {
        let (seats, rivals) = (plenty(), BTreeSet::new());
        return Ok(Brokered { guard, seats, lines, supply, first: exchangers, rivals });
    }
    // Whoever came twice, or has an account with the licence already, was counted all the same.
    let tenure = &policy.tenure;
    // Without a contest the linked people were looked through already: once more only where they are few.
    let all = !contests.is_empty() || evidence.people.counts().0 <= CHUNK as u64;
    let asking = |lines: &Lines, contests: &mut BTreeMap<LicenseId, Few>| {
        compare(walk(lines).asking(all), &queue, tenure, &terms.absent, contests)
    };
    let (mut exact, pools) = asking(&lines, &mut contests)?;
    if let Some(pools) = pools.settled().filter(|_| all) {
        // Whoever gets no telephone takes no part.
        lines = lines.pooled(pools);
        contests = contest(&supply);
        (exact, _) = asking(&lines, &mut contests)?;
    }
    for one in &mut supply {
        let linked = if all { None } else { survey.asked.get(&one.license) };
        one.asked = [linked, exact.get(&one.license)].into_iter().flatten().sum();
    }
    let mut shares = Shares {
        survey: &survey,
        terms,
        queue: &queue,
        short: &short,
        orders: BTreeMap::new(),
        rivals: BTreeSet::new(),
    };
    // What needs something that is short is asked for by those who get that.
    let needy = |license: &LicenseId| contests.keys().any(|other| tenure.meets(other, license));
    let mut late: BTreeMap<LicenseId, Few> = supply
        .iter()
        .filter(|one| contests.contains_key(&one.license) && needy(&one.license))
        .map(|one| (one.license.clone(), Few::new(one, terms.preempt)))
        .collect();
    contests.retain(|license, _| !late.contains_key(license));
    shares.settle(contests, &supply);
    if !late.is_empty() {
        let (_, seats) = shares.give(weigh(&shares.losing()), &mut supply.clone());
        let walk = Parts::begin(evidence, sections, policy, seats, lines.asking(), Default::default());
        // It is asked for all the same by those who wait for that.
        compare(walk.asking(true), &queue, tenure, &terms.absent, &mut late)?;
        shares.settle(late, &supply);
    }
    let mut first: BTreeSet<SourceId> = exchangers.into_iter().collect();
    if !shares.orders.is_empty() {
        first.extend(&survey.givers);
        first.extend(shares.orders.values().flat_map(|(_, outranked)| outranked));
    }
    let (guard, seats) = shares.give(weigh(&shares.losing()), &mut supply);
    let first = first.into_iter().collect();
    Ok(Brokered { guard, seats, lines, supply, first, rivals: shares.rivals })
}

/// How what is short is shared out.
struct Shares<'a> {
    survey: &'a Survey,
    terms: &'a Terms<'a>,
    queue: &'a Arc<Queue>,
    short: &'a BTreeSet<LicenseId>,
    /// By licence, those who ask for it in their order, and who gives it up for them.
    orders: BTreeMap<LicenseId, (Vec<Rank>, Vec<SourceId>)>,
    /// Who may have to give something up.
    rivals: BTreeSet<SourceId>,
}

impl Shares<'_> {
    /// Finds out who gets a seat of what turned out to be short.
    fn settle(&mut self, contests: BTreeMap<LicenseId, Few>, supply: &[Supply]) {
        for (license, few) in contests {
            let Some(one) = supply.iter().find(|one| one.license == license) else { continue };
            let available = usize::try_from(one.available()).unwrap_or(usize::MAX);
            self.rivals.extend(few.rivals(available));
            if one.short() == 0 {
                continue;
            }
            let order = few.asking.order();
            let unserved = order.get(available..).unwrap_or_default();
            let outranked = few.holding.outranked(unserved);
            self.orders.insert(license, (order, outranked));
        }
    }

    /// Whether an administrator approved that somebody loses a licence.
    fn may(&self, license: &LicenseId, anchor: SourceId) -> bool {
        let takes = |action: &Action| {
            action.anchor == anchor
                && action.kind == Kind::LicenseRemove
                && licenses(action).any(|id| id == license)
        };
        self.terms.approved.iter().any(takes)
    }

    /// Who loses something for others, without approval.
    fn losing(&self) -> BTreeSet<SourceId> {
        let losing = self.orders.iter().flat_map(|(license, (_, outranked))| {
            outranked.iter().filter(|one| !self.may(license, **one)).copied()
        });
        losing.collect()
    }

    /// The seats, as far as this guard lets them become free.
    fn give(&self, guard: Guard, supply: &mut [Supply]) -> (Guard, Seats) {
        let mut seats = Seats::plenty(Arc::clone(self.queue));
        for one in supply {
            one.freed = freed(self.survey, &guard, &one.license, self.short);
            let Some((order, outranked)) = self.orders.get(&one.license) else { continue };
            for anchor in outranked {
                let flows = guard.lets(Removal::LicenseRemove) || self.may(&one.license, *anchor);
                seats.outrank(&one.license, *anchor, flows);
                // Whoever gives up a seat waits for the next.
                one.freed += u64::from(flows);
                one.asked += u64::from(flows);
            }
            seats.ration(one.license.clone(), one.available(), order);
        }
        (guard, seats)
    }
}

/// The seats of a licence that become free and that nothing holds back. What is exchanged for
/// something that is `short` is not counted.
fn freed(survey: &Survey, guard: &Guard, license: &LicenseId, short: &BTreeSet<LicenseId>) -> u64 {
    let flowing = |by: &[u64; Removal::ALL.len()]| {
        Removal::ALL.iter().filter(|removal| guard.lets(**removal)).map(|one| by[*one as usize]).sum::<u64>()
    };
    let served = |gives: &[LicenseId]| gives.iter().all(|id| !short.contains(id));
    let exchanged = survey.exchanged.iter().filter(|((from, gives), _)| from == license && served(gives));
    let lets = u64::from(guard.lets(Removal::LicenseRemove));
    survey.freed.get(license).map_or(0, flowing)
        + survey.released.get(license).copied().unwrap_or(0)
        + exchanged.map(|(_, [held, approved])| held * lets + approved).sum::<u64>()
}

/// Counts removals, and the seats that they free. Newcomers lose nothing, unless accounts that
/// exist are taken over.
fn survey(mut parts: Parts<'_>, approved: &[Action], tenure: &Tenure) -> Result<Survey, StoreError> {
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
                survey.count(case, action, is_approved(action), tenure);
            }
            decision.actions.retain(|action| !is_approved(action));
            survey.tally.add(&decision.actions);
        }
    }
    Ok(survey)
}

impl Survey {
    fn count(&mut self, case: &Case, action: &Action, approved: bool, tenure: &Tenure) {
        if action.kind == Kind::LicenseAdd {
            self.count_given(case, action, approved, tenure);
            return;
        }
        let removal = Removal::of(action);
        for license in licenses(action) {
            match (action.kind, removal) {
                (Kind::LicenseRemove, _) if approved => {
                    *self.released.entry(license.clone()).or_default() += 1;
                }
                (Kind::LicenseRemove, Some(removal)) => {
                    self.freed.entry(license.clone()).or_default()[removal as usize] += 1;
                }
                _ => {}
            }
        }
        if action.kind == Kind::LicenseRemove && self.givers.last() != Some(&case.anchor) {
            self.givers.push(case.anchor);
        }
    }

    fn count_given(&mut self, case: &Case, action: &Action, approved: bool, tenure: &Tenure) {
        let mut given: Vec<LicenseId> = gives(&action.changes).cloned().collect();
        // Newcomers are counted elsewhere.
        if case.row.is_some() {
            given.iter().for_each(|id| *self.asked.entry(id.clone()).or_default() += 1);
        }
        let taken: Vec<&LicenseId> = licenses(action).filter(|id| !given.contains(id)).collect();
        // What needs the others waits without them: it is they for which a seat is given up.
        let all = given.clone();
        given.retain(|id| !tenure.depends_on(id, all.iter()));
        if !taken.is_empty() {
            self.exchangers.push((case.anchor, given.clone()));
        }
        for from in taken {
            let people = self.exchanged.entry((from.clone(), given.clone())).or_default();
            people[usize::from(approved)] += 1;
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
