//! A plan comes in parts: a few thousand people at a time, so that memory does not follow the
//! size of a first load.
//!
//! The sections follow each other as one must make room for the next: leavers free seats, and so
//! does whoever gives up what others wait for; changes of address free addresses, then everybody who
//! is linked, then newcomers, and at the very end what is deleted.

mod doubtful;
mod walk;

pub use doubtful::Doubtful;

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::mpsc::sync_channel;

use crate::apply::{Finish, gives};
use crate::guard::{CheckedPlan, Finding, Guard, HeldAction};
use crate::model::{
    Action, Cause, Fingerprint, Kind, LicenseId, Rank, SnapshotRow, SourceId, Unserved, Withheld,
};
use crate::plan::order::phase;
use crate::plan::{Admins, Case, Cell, Decision, Fading, Lines, Plan, Policy, Pools, Seats, Wish, decide};
use crate::store::{RowChange, StoreError};

use super::cases::{Cases, Judged};
use super::evidence::Evidence;
use super::ground::{ground, handed_on, note};
use super::sections::Sections;
use walk::Walk;

/// People per part.
pub const CHUNK: usize = 4_000;

/// Somebody who waits for a seat.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NoSeat {
    /// Who.
    pub anchor: SourceId,
    /// The address.
    pub email: String,
    /// For which licence.
    pub license: LicenseId,
    /// The place in the order; `None` as long as it was not looked up.
    pub rank: Option<Box<Rank>>,
    /// Why.
    pub reason: Unserved,
}

/// The queues, one after the other, each in the order in which it is served.
pub fn in_order(waiting: &mut [NoSeat]) {
    waiting.sort_by(|a, b| (&a.license, &a.rank, a.anchor).cmp(&(&b.license, &b.rank, b.anchor)));
}

/// One part of a plan, ready to be carried out, with everything that is to be noted besides.
#[derive(Debug, Default)]
pub struct Part {
    /// What may be carried out.
    pub checked: CheckedPlan,
    /// What waits for approval.
    pub held: Vec<HeldAction>,
    /// The snapshot rows of the people in it, brought up to what was observed: the ground on
    /// which confirmed changes are laid. Whoever is created has none.
    pub rows: BTreeMap<SourceId, SnapshotRow>,
    /// What is to be noted when all of somebody's actions succeeded.
    pub finish: BTreeMap<SourceId, Finish>,
    /// What is noted without any action.
    pub notes: Vec<RowChange>,
    /// Who waits for a seat.
    pub waiting: Vec<NoSeat>,
    /// Who keeps a licence for a while.
    pub fading: Vec<Fading>,
    /// Who kept something before, and is decided about anew; each under the anchor of that time.
    pub refaded: Vec<SourceId>,
    /// Who is withheld, for reasons that showed only here.
    pub withheld: Vec<Withheld>,
    /// Who stays short of what should be, and why.
    pub short: Vec<(SourceId, &'static str)>,
    /// People looked at for whom nothing is to be done.
    pub in_sync: u64,
    /// People looked at although their record is unchanged: something else about them is not.
    pub revisited: u64,
    /// People who should leave because the configuration changed, and for whom nothing is planned.
    pub undone: u64,
    /// People whose manager is not in the cloud, and is not about to come.
    pub unmanaged: u64,
    /// People whose manager has no account yet, and is about to get one: theirs is set in a second step.
    pub managed_later: u64,
    /// What the guard objects to besides what it says about people: in the part of the groups.
    pub findings: Vec<Finding>,
}

/// Walks through the sections part by part.
pub struct Parts<'a> {
    evidence: Evidence<'a>,
    walk: Walk<'a>,
    policy: &'a Policy,
    seats: Seats,
    lines: Lines,
    admins: Admins,
    plan: (String, u64),
}

impl<'a> Parts<'a> {
    /// Begins at the first section.
    pub fn begin(
        evidence: Evidence<'a>,
        sections: &Sections,
        policy: &'a Policy,
        seats: Seats,
        lines: Lines,
        plan: (String, u64),
    ) -> Self {
        let full = policy.full_admin.clone();
        let admins = Admins::open(full, evidence.observation.full_admins, evidence.me.cloned());
        Self { evidence, walk: Walk::begin(evidence, sections), policy, seats, lines, admins, plan }
    }

    pub(super) fn decide_next(&mut self) -> Result<Option<(Cases, Vec<Decision>)>, StoreError> {
        Ok(self.walk.next()?.map(|cases| self.decide(cases)))
    }

    fn decide(&mut self, mut cases: Cases) -> (Cases, Vec<Decision>) {
        let mut decisions = Vec::with_capacity(cases.cases.len());
        for case in &cases.cases {
            let mut decision = decide(case, self.policy, &mut self.seats);
            let tenure = &self.policy.tenure;
            cases.withheld.extend(self.lines.settle(case, &mut decision, tenure, &mut self.seats));
            self.admins.settle(case, &mut decision);
            decisions.push(decision);
        }
        (cases, decisions)
    }

    /// Who asked for an extension out of a pool.
    pub(super) fn pools(&mut self) -> Pools {
        self.lines.pools()
    }

    /// Of the linked people only these.
    pub(super) fn only(mut self, people: &BTreeSet<SourceId>) -> Self {
        self.walk.retain(|anchor| people.contains(&anchor));
        self
    }

    /// Of the newcomers only those who may have an account already.
    pub(super) fn only_candidates(&mut self) -> Result<(), StoreError> {
        self.walk.only_candidates()
    }

    /// Only those who may ask for something: newcomers, and with `linked` those who stay.
    pub(super) fn asking(mut self, linked: bool) -> Self {
        self.walk.asking(linked);
        self
    }

    /// Shows every part, guarded, until told to stop. What is known about the next people is brought
    /// together while these are decided about.
    pub fn each(mut self, guard: &Guard, mut show: impl FnMut(Part) -> bool) -> Result<(), StoreError> {
        if !self.walk.is_long() {
            while let Some(cases) = self.walk.next()?
                && show(self.part(cases, guard))
            {}
            return Ok(());
        }
        let walk = self.walk.take();
        std::thread::scope(|scope| {
            let (sender, coming) = sync_channel(0);
            let walking = scope.spawn(move || walk.send(&sender));
            let mut goes_on = true;
            for cases in coming {
                goes_on = show(self.part(cases, guard));
                if !goes_on {
                    break;
                }
            }
            let walked = walking.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic));
            // What was read ahead for nobody cannot fail what was done.
            if goes_on { walked } else { Ok(()) }
        })
    }

    /// What is to be done about these people, guarded.
    fn part(&mut self, cases: Cases, guard: &Guard) -> Part {
        let (cases, decisions) = self.decide(cases);
        let Cases { cases, mut judged, withheld, unmanaged, managed_later } = cases;
        let mut actions = Vec::new();
        let mut rows = BTreeMap::new();
        let mut finish = BTreeMap::new();
        let mut notes = Vec::new();
        let (mut fading, mut refaded) = (Vec::new(), Vec::new());
        let mut ranks: HashMap<SourceId, Rank> = HashMap::new();
        let (mut waiting, mut short) = (Vec::new(), Vec::new());
        let (mut in_sync, mut revisited, mut undone) = (0, 0, 0);
        for (mut case, decision) in cases.into_iter().zip(decisions) {
            let anchor = case.anchor;
            let judged = judged.remove(&anchor);
            revisited += u64::from(judged.is_none() && self.is_unchanged(anchor));
            let email = match &case.wish {
                Wish::Present(person) => person.email.as_str().to_owned(),
                _ => String::new(),
            };
            fading.extend(decision.fading.iter().map(|(license, since)| Fading {
                anchor,
                email: email.clone(),
                license: license.clone(),
                until: self.policy.tenure.due(license, *since),
            }));
            // Of whom nothing can be decided, everything stays as it is.
            let kept = case.row.as_ref().filter(|row| !row.given.fading.is_empty());
            refaded.extend(kept.filter(|_| decision.cell != Cell::Keep).map(|row| row.anchor));
            waiting.extend(decision.waiting.iter().map(|(license, rank)| NoSeat {
                anchor,
                email: email.clone(),
                license: license.clone(),
                rank: Some(rank.clone()),
                reason: Unserved::NoSeat,
            }));
            short.extend(decision.short.map(|reason| (anchor, reason)));
            let done = self.finish_of(&case, &decision, judged);
            if decision.actions.is_empty() {
                let leaves = case.wish == Wish::Leaving(Cause::ScopeChanged);
                undone += u64::from(leaves && decision.cell == Cell::Leave);
                let is_in_order = !matches!(decision.cell, Cell::Keep | Cell::Forget | Cell::Outsider);
                in_sync += u64::from(is_in_order && decision.short.is_none() && decision.waiting.is_empty());
                notes.extend(note(&case, &decision, done));
            } else {
                let given = decision.actions.iter().flat_map(|action| gives(&action.changes));
                if let Some(license) = given.into_iter().find(|license| self.seats.is_short(license)) {
                    ranks.insert(anchor, case.rank(self.seats.queue(), license));
                }
                finish.extend(done.map(|done| (anchor, done)));
                let from = case.row.as_ref().map(|row| row.anchor);
                let row = ground(&mut case, self.policy);
                let (row, note) = handed_on(&case, from, &decision, row);
                notes.extend(note);
                rows.extend(row.map(|mut row| {
                    row.given.fading.clone_from(&decision.fading);
                    (anchor, row)
                }));
                actions.extend(decision.actions);
            }
        }
        // Whoever stands last among those who get a seat waits when one does not become free.
        let rank = |action: &Action| {
            let gives = action.kind == Kind::LicenseAdd;
            ranks.get(&action.anchor).filter(|_| gives)
        };
        actions.sort_by(|a, b| (phase(a), rank(a)).cmp(&(phase(b), rank(b))));
        let (id, generation) = self.plan.clone();
        let (checked, held) = guard.check(Plan { id, generation, actions });
        // Whoever has something held stays open, on the ground of what was observed: the next
        // pass may not ask the cloud, and has to come to the same.
        let flowing: BTreeSet<SourceId> = checked.plan().actions.iter().map(|action| action.anchor).collect();
        for waits in &held {
            let anchor = waits.action.anchor;
            if let Some(done) = finish.get_mut(&anchor) {
                done.record = Fingerprint::NONE;
            }
            if !flowing.contains(&anchor)
                && let Some(mut row) = rows.remove(&anchor)
            {
                row.record = Fingerprint::NONE;
                notes.push(RowChange::Link(Box::new(row)));
            }
        }
        Part {
            checked,
            held,
            rows,
            finish,
            notes,
            waiting,
            fading,
            refaded,
            withheld,
            short,
            in_sync,
            revisited,
            undone,
            unmanaged,
            managed_later,
            findings: Vec::new(),
        }
    }

    /// Whether a linked person's record was met in this read.
    fn is_met(&self, anchor: SourceId) -> bool {
        self.evidence.index.find(anchor).is_some_and(|at| self.evidence.index.met.get(at))
    }

    /// Whether it was met, and nothing in it had changed.
    fn is_unchanged(&self, anchor: SourceId) -> bool {
        let index = self.evidence.index;
        index.find(anchor).is_some_and(|at| index.met.get(at) && !index.unusable.get(at))
    }

    fn finish_of(&self, case: &Case, decision: &Decision, judged: Option<Judged>) -> Option<Finish> {
        let open = !decision.waiting.is_empty()
            || decision.short.is_some()
            || !self.policy.may_remove
            || !case.proven;
        let known = case.row.as_ref().and_then(|row| row.joined);
        let (dn, record, recheck, joined) = match (judged, &case.row) {
            (Some(judged), _) => {
                // Whoever leaves is often stripped of the value, and is still known by it.
                let known = known.filter(|_| judged.leaves);
                (judged.dn, judged.record, judged.recheck, judged.joined.or(known))
            }
            // A record that is gone is new when it comes back.
            (None, Some(row)) if !self.is_met(case.anchor) => {
                (row.dn.clone(), Fingerprint::NONE, None, known)
            }
            (None, Some(row)) => (row.dn.clone(), row.record, row.recheck, known),
            (None, None) => return None,
        };
        // Whoever keeps a licence for a while is looked at again when that is over.
        let over = decision.fading.iter().map(|(id, since)| self.policy.tenure.due(id, *since));
        let recheck = recheck.into_iter().chain(over).min();
        Some(Finish { dn, record: if open { Fingerprint::NONE } else { record }, recheck, joined })
    }
}
