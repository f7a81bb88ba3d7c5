//! A plan comes in parts: a few thousand people at a time, so that memory does not follow the
//! size of a first load.
//!
//! The sections follow each other as one must make room for the next: leavers free seats,
//! changes of address free addresses, then everybody who is linked, then newcomers, and at
//! the very end what is deleted.

use std::collections::{BTreeMap, BTreeSet, HashSet, VecDeque};

use crate::apply::Finish;
use crate::guard::{CheckedPlan, Finding, Guard, HeldAction, Tally, releases};
use crate::model::{
    Action, Attr, Cause, Change, Fingerprint, Given, Kind, LicenseId, LinkState, Origin, SnapshotRow,
    SourceId, Wanted, Withheld, license_digest,
};
use crate::plan::order::phase;
use crate::plan::{
    Admins, Case, Cell, Decision, Fading, Lines, Match, Plan, Policy, Seats, Seen, Wish, decide,
};
use crate::store::{RowChange, StagedWanted, StoreError};

use super::cases::{Cases, Evidence};
use super::sections::Sections;

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
    /// Who is withheld, for reasons that showed only here.
    pub withheld: Vec<Withheld>,
    /// Who stays short of what should be, and why.
    pub short: Vec<(SourceId, &'static str)>,
    /// People looked at for whom nothing is to be done.
    pub in_sync: u64,
    /// People looked at although their record is unchanged: something else about them is not.
    pub revisited: u64,
    /// People whose manager is not in the cloud, and is not about to come.
    pub unmanaged: u64,
    /// What the guard objects to besides what it says about people: in the part of the groups.
    pub findings: Vec<Finding>,
}

/// One section's next people.
enum Chunk {
    Linked(Vec<SourceId>),
    New(Vec<StagedWanted>),
}

/// Walks through the sections part by part.
pub struct Parts<'a> {
    evidence: Evidence<'a>,
    policy: &'a Policy,
    seats: Seats,
    lines: Lines,
    admins: Admins,
    plan: (String, u64),
    todo: VecDeque<Vec<SourceId>>,
    newcomers_after: Option<Option<SourceId>>,
    /// In a tally, the few newcomers who matter.
    candidates: Option<Vec<StagedWanted>>,
    last: VecDeque<Vec<SourceId>>,
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
        let chunks = |list: &[SourceId]| list.chunks(CHUNK).map(<[_]>::to_vec).collect::<Vec<_>>();
        let mut todo: VecDeque<Vec<SourceId>> = chunks(&sections.leavers).into();
        for round in &sections.rounds {
            todo.extend(chunks(round));
        }
        todo.extend(chunks(&sections.linked));
        let full = policy.full_admin.clone();
        let admins = Admins::open(full, evidence.observation.full_admins, evidence.me.cloned());
        Self {
            evidence,
            policy,
            seats,
            lines,
            admins,
            plan,
            todo,
            newcomers_after: sections.newcomers.then_some(None),
            candidates: None,
            last: chunks(&sections.resting).into(),
        }
    }

    fn next_chunk(&mut self) -> Result<Option<Chunk>, StoreError> {
        if let Some(anchors) = self.todo.pop_front() {
            return Ok(Some(Chunk::Linked(anchors)));
        }
        if let Some(after) = self.newcomers_after {
            let page = self.evidence.people.wanted_after(false, after, CHUNK)?;
            if let Some(last) = page.last() {
                self.newcomers_after = Some(Some(last.anchor));
                return Ok(Some(Chunk::New(page)));
            }
            self.newcomers_after = None;
        }
        if let Some(newcomers) = self.candidates.take() {
            return Ok(Some(Chunk::New(newcomers)));
        }
        Ok(self.last.pop_front().map(Chunk::Linked))
    }

    fn decide_next(&mut self) -> Result<Option<(Cases, Vec<Decision>)>, StoreError> {
        let Some(chunk) = self.next_chunk()? else { return Ok(None) };
        let mut cases = match chunk {
            Chunk::Linked(anchors) => self.evidence.linked(&anchors)?,
            Chunk::New(staged) => self.evidence.newcomers(staged)?,
        };
        let mut decisions = Vec::with_capacity(cases.cases.len());
        for case in &cases.cases {
            let mut decision = decide(case, self.policy, &mut self.seats);
            let tenure = &self.policy.tenure;
            cases.withheld.extend(self.lines.settle(case, &mut decision, tenure, &mut self.seats));
            self.admins.settle(case, &mut decision, &mut self.seats);
            decisions.push(decision);
        }
        Ok(Some((cases, decisions)))
    }

    /// Linked people about whom the snapshot is not to be trusted alone, at most `limit` of
    /// them: who would lose something, who would get a licence or role, which somebody may have
    /// given by hand already, whose empty value somebody may have filled, and about whom an
    /// interrupted run left doubts. And whether everybody must be looked at, lest the last full
    /// administrator go. Consumes the walk.
    pub fn doubtful(mut self, limit: usize) -> Result<(Vec<SourceId>, bool), StoreError> {
        self.newcomers_after = None;
        let mut found = BTreeSet::new();
        while found.len() < limit
            && let Some((cases, decisions)) = self.decide_next()?
        {
            for (case, decision) in cases.cases.iter().zip(decisions) {
                let doubt = case.row.as_ref().is_some_and(|row| row.applied_print == Fingerprint::NONE);
                let asked = |action: &Action| {
                    action.removes()
                        || matches!(action.kind, Kind::LicenseAdd | Kind::RoleChange)
                        || action.changes.iter().any(|change| self.is_kept(change))
                };
                if doubt || decision.actions.iter().any(asked) {
                    found.insert(case.anchor);
                }
            }
        }
        Ok((found.into_iter().take(limit).collect(), self.admins.wonders()))
    }

    /// Whether a change fills a value that may be there by now.
    fn is_kept(&self, change: &Change) -> bool {
        matches!(change.field, Attr::Field(field) if self.policy.managed.kept.contains(field))
    }

    /// Counts all removals, without those that are approved already. Consumes the walk.
    pub fn tally(mut self, approved: &[Action]) -> Result<Tally, StoreError> {
        let keys: HashSet<(SourceId, Kind)> =
            approved.iter().map(|action| (action.anchor, action.kind)).collect();
        let is_approved = |action: &Action| {
            keys.contains(&(action.anchor, action.kind))
                && approved.iter().any(|other| releases(other, action))
        };
        // Newcomers lose nothing, unless accounts that exist are taken over.
        let candidates = self.evidence.candidates(CHUNK)?;
        if candidates.is_some() {
            self.newcomers_after = None;
        }
        self.candidates = candidates;
        let mut tally = Tally::default();
        while let Some((_, decisions)) = self.decide_next()? {
            for mut decision in decisions {
                decision.actions.retain(|action| !is_approved(action));
                tally.add(&decision.actions);
            }
        }
        Ok(tally)
    }

    /// The next part, guarded.
    pub fn next(&mut self, guard: &Guard) -> Result<Option<Part>, StoreError> {
        let Some((cases, decisions)) = self.decide_next()? else { return Ok(None) };
        let Cases { cases, mut staged, withheld, unmanaged } = cases;
        let mut actions = Vec::new();
        let mut rows = BTreeMap::new();
        let mut finish = BTreeMap::new();
        let mut notes = Vec::new();
        let mut fading = Vec::new();
        let (mut waiting, mut short, mut in_sync, mut revisited) = (Vec::new(), Vec::new(), 0, 0);
        for (case, decision) in cases.into_iter().zip(decisions) {
            let anchor = case.anchor;
            let staged = staged.remove(&anchor);
            revisited += u64::from(staged.is_none() && self.is_unchanged(anchor));
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
            waiting.extend(decision.waiting.iter().map(|license| NoSeat {
                anchor,
                email: email.clone(),
                license: license.clone(),
            }));
            short.extend(decision.short.map(|reason| (anchor, reason)));
            let done = self.finish_of(&case, &decision, staged);
            if decision.actions.is_empty() {
                in_sync += u64::from(
                    decision.short.is_none() && decision.waiting.is_empty() && decision.cell != Cell::Keep,
                );
                notes.extend(note(&case, &decision, done));
            } else {
                finish.extend(done.map(|done| (anchor, done)));
                let (row, note) = handed_on(&case, &decision, ground(&case, self.policy));
                notes.extend(note);
                rows.extend(row.map(|mut row| {
                    row.given.fading.clone_from(&decision.fading);
                    (anchor, row)
                }));
                actions.extend(decision.actions);
            }
        }
        actions.sort_by_key(phase);
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
        Ok(Some(Part {
            checked,
            held,
            rows,
            finish,
            notes,
            waiting,
            fading,
            withheld,
            short,
            in_sync,
            revisited,
            unmanaged,
            findings: Vec::new(),
        }))
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

    fn finish_of(&self, case: &Case, decision: &Decision, staged: Option<StagedWanted>) -> Option<Finish> {
        let open = !decision.waiting.is_empty()
            || decision.short.is_some()
            || !self.policy.may_remove
            || !case.proven;
        let known = case.row.as_ref().and_then(|row| row.joined);
        let (dn, record, recheck, joined) = match (staged, &case.row) {
            (Some(staged), _) => {
                // Whoever leaves is often stripped of the value, and is still known by it.
                let known = known.filter(|_| matches!(staged.wanted, Wanted::Leaving(_)));
                (staged.dn, staged.record, staged.recheck, staged.joined.or(known))
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

/// The row of somebody as it would read had the snapshot known what was observed.
fn ground(case: &Case, policy: &Policy) -> Option<SnapshotRow> {
    let account = match &case.seen {
        Seen::Account(account) => Some(account),
        Seen::Missing => return None,
        Seen::AsApplied | Seen::Unasked => None,
    };
    let wanted = match &case.wish {
        Wish::Present(person) => Some(person),
        Wish::Leaving(_) | Wish::Gone | Wish::Undecided => None,
    };
    let mut row = match (&case.row, account) {
        (Some(row), _) => row.clone(),
        (None, Some(account)) => SnapshotRow {
            anchor: case.anchor,
            cloud_id: account.id.clone(),
            dn: case.dn.clone().unwrap_or_default(),
            record: Fingerprint::NONE,
            applied: wanted?.clone(),
            applied_print: Fingerprint::NONE,
            licenses_print: 0,
            given: Given::default(),
            origin: if case.matched == Some(Match::Anchor) { Origin::Created } else { Origin::Adopted },
            state: LinkState::Present,
            recheck: None,
            joined: None,
        },
        (None, None) => return None,
    };
    if let Some(account) = account {
        row.cloud_id = account.id.clone();
        row.applied.email = account.email.clone().unwrap_or(row.applied.email);
        row.applied.active = account.active;
        if account.active && wanted.is_some() {
            // Let in already, by whomever: not a leaver any more.
            row.state = LinkState::Present;
            row.given.block = false;
        }
        row.applied.profile = account.profile.clone();
        row.applied.profile.retain(|field, _| policy.managed.fields.contains(*field));
        let roles = wanted.map_or(&row.applied.roles, |person| &person.roles);
        row.applied.roles = roles.intersection(&account.roles).cloned().collect();
        row.given.roles.retain(|role| account.roles.contains(role));
    }
    if let Some(held) = &case.held {
        let licenses = wanted.map_or(&row.applied.licenses, |person| &person.licenses);
        row.applied.licenses = licenses.intersection(held).cloned().collect();
        row.licenses_print = license_digest(held);
        row.given.licenses.retain(|license| held.contains(license));
    }
    Some(row)
}

/// A row, in the place of the one under the old anchor where there was one.
fn settled(case: &Case, mut row: Box<SnapshotRow>) -> RowChange {
    let from = std::mem::replace(&mut row.anchor, case.anchor);
    if from == case.anchor { RowChange::Link(row) } else { RowChange::Move { from, row } }
}

/// The ground for the actions of somebody, and what has to be noted before them: of somebody who
/// moved, and whose account says so already or is gone, no action will.
fn handed_on(
    case: &Case,
    decision: &Decision,
    ground: Option<SnapshotRow>,
) -> (Option<SnapshotRow>, Option<RowChange>) {
    let Some(from) = case.row.as_ref().map(|row| row.anchor).filter(|from| *from != case.anchor) else {
        return (ground, None);
    };
    match ground {
        Some(row) if decision.actions.iter().all(|action| action.cause != Cause::Moved) => {
            let row = SnapshotRow { record: Fingerprint::NONE, ..row };
            let note = settled(case, Box::new(row.clone()));
            (Some(SnapshotRow { anchor: case.anchor, ..row }), Some(note))
        }
        Some(row) => (Some(row), None),
        None => (None, Some(RowChange::Forget(from))),
    }
}

/// What the snapshot should say about somebody for whom nothing is to be done.
fn note(case: &Case, decision: &Decision, done: Option<Finish>) -> Option<RowChange> {
    let done = done?;
    match decision.cell {
        Cell::Forget => Some(RowChange::Forget(case.anchor)),
        Cell::Correct | Cell::Return | Cell::Rest | Cell::Leave => {
            let row = case.row.as_ref()?;
            let Finish { dn, record, recheck, joined } = done;
            let moves = row.anchor != case.anchor;
            let same = (&row.dn, row.record, row.recheck, row.joined) == (&dn, record, recheck, joined);
            let fades = row.given.fading != decision.fading;
            match &decision.refreshed {
                None if !moves && !fades && same => None,
                None if !moves && !fades => {
                    Some(RowChange::Touch { anchor: case.anchor, record, dn: Some(dn), recheck, joined })
                }
                fresh => {
                    let mut fresh = fresh.clone().unwrap_or_else(|| {
                        let mut row = row.clone();
                        row.given.fading.clone_from(&decision.fading);
                        Box::new(row)
                    });
                    (fresh.dn, fresh.record, fresh.recheck, fresh.joined) = (dn, record, recheck, joined);
                    Some(settled(case, fresh))
                }
            }
        }
        Cell::Create | Cell::TakeBack | Cell::TakeOver | Cell::Recreate => None,
        Cell::Outsider | Cell::Keep | Cell::Unlooked => None,
    }
}
