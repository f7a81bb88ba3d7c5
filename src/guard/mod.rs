//! The objection to a plan that takes too much away.
//!
//! All removals of a pass are weighed together, before the first write. A limit that trips
//! holds every removal of its kind; everything else flows. Held actions wait as a stored plan
//! until an administrator approves exactly them. Only the guard can make a [`CheckedPlan`],
//! and only that is carried out.

mod limits;
mod remedy;
mod tally;

use std::collections::{BTreeSet, HashSet};

use serde::{Deserialize, Serialize};

pub use limits::{Limit, Limits};
pub use remedy::{Fate, limit_of};
pub use tally::{Object, Removal, SCOPE_CHANGE, Tally};

use crate::model::{Action, Attr, Change, Kind, SourceId};
use crate::plan::Plan;

use tally::KINDS;

/// The stable code of the finding when a census is implausibly short.
pub const SHRANK: &str = "census_shrank";

/// An objection, with everything an administrator needs to judge it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Finding {
    /// A stable word.
    pub code: String,
    /// What would happen, with numbers, in a sentence.
    pub message: String,
    /// What to do next.
    pub remedy: String,
    /// The limit that was passed.
    pub limit: u64,
    /// By how much is wanted.
    pub count: u64,
}

/// A census that may be too short to be true.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Headcount {
    /// People in this census.
    pub now: u64,
    /// People in the last whole census.
    pub before: u64,
}

/// An action that waits for approval, and the finding that holds it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HeldAction {
    /// The action.
    pub action: Action,
    /// The code of the finding.
    pub code: &'static str,
}

/// A plan, or a part of one, that has passed the guard. There is no other way to make one.
#[derive(Debug, Default)]
pub struct CheckedPlan(Plan);

impl CheckedPlan {
    /// What may be carried out.
    pub fn plan(&self) -> &Plan {
        &self.0
    }

    /// The same, to be carried out once.
    pub fn into_plan(self) -> Plan {
        self.0
    }
}

/// The judgement over all removals of one pass.
#[derive(Debug)]
pub struct Guard {
    held: [Option<&'static str>; KINDS],
    approved: BTreeSet<(SourceId, Kind)>,
    released: Vec<Action>,
    findings: Vec<Finding>,
}

impl Guard {
    /// Weighs all removals of a pass. `linked` is the number of linked people; `approved` are
    /// the actions of plans that an administrator released, and must not be in the tally.
    pub fn weigh(
        limits: &Limits,
        tally: &Tally,
        linked: u64,
        headcount: Option<Headcount>,
        approved: Vec<Action>,
    ) -> Self {
        let mut held = [None; KINDS];
        let mut findings = Vec::new();
        for removal in Removal::ALL {
            let limit = match removal {
                Removal::Deactivate => limits.deactivate,
                Removal::Delete => limits.delete,
                Removal::LicenseRemove => limits.license_remove,
                Removal::Blank => limits.blank,
                Removal::ScopeChange => limits.scope_change,
                Removal::GroupMember => limits.group_member_remove,
                Removal::GroupDelete => limits.group_delete,
                Removal::ContactDelete => limits.contact_delete,
                Removal::ContactBlank => limits.contact_blank,
            };
            let count = tally.of(removal);
            let of = tally.base(removal, linked);
            let Some(most) = limit.tripped(count, of) else { continue };
            held[removal as usize] = Some(removal.code());
            findings.push(Finding {
                code: removal.code().into(),
                message: format!("{count} of {of} {}; {most} pass without approval", removal.words()),
                remedy: format!(
                    "look at the held plan (dirsyncd held), then `dirsyncd approve PLAN` to carry out exactly these, \
                     or `dirsyncd reject PLAN`; the limit is {} in the configuration",
                    removal.key()
                ),
                limit: most,
                count,
            });
        }
        if let Some(Headcount { now, before }) = headcount
            && before.saturating_sub(now) > limits.deactivate.floor
            && now.saturating_mul(100) < before.saturating_mul(limits.min_census_percent)
        {
            for slot in &mut held {
                slot.get_or_insert(SHRANK);
            }
            findings.push(Finding {
                code: SHRANK.into(),
                message: format!(
                    "the directory showed {now} people, and {before} at the last complete read: implausibly few"
                ),
                remedy: "check base, filter and the rights of the bind account; if it is right, approve the held plan"
                    .into(),
                limit: before.saturating_mul(limits.min_census_percent) / 100,
                count: now,
            });
        }
        let keys = approved.iter().map(|action| (action.anchor, action.kind)).collect();
        Self { held, approved: keys, released: approved, findings }
    }

    /// The objections.
    pub fn findings(&self) -> &[Finding] {
        &self.findings
    }

    /// Whether removals of this kind flow without approval.
    pub fn lets(&self, removal: Removal) -> bool {
        self.held[removal as usize].is_none()
    }

    /// Whether the census is too short to be believed.
    pub fn doubts_census(&self) -> bool {
        self.findings.iter().any(|finding| finding.code == SHRANK)
    }

    /// Whether an administrator approved exactly what this action takes away.
    fn is_approved(&self, action: &Action) -> bool {
        self.approved.contains(&(action.anchor, action.kind))
            && self.released.iter().any(|released| releases(released, action))
    }

    /// Parts the plan into what may be carried out and what waits.
    pub fn check(&self, plan: Plan) -> (CheckedPlan, Vec<HeldAction>) {
        let Plan { id, generation, actions } = plan;
        let mut flows = Vec::with_capacity(actions.len());
        let mut waits = Vec::new();
        for action in actions {
            let code = Removal::of(&action).and_then(|removal| Some((removal, self.held[removal as usize]?)));
            match code {
                Some((Removal::GroupMember, code)) => {
                    let (flowing, held) = part_members(action, &self.released);
                    flows.extend(flowing);
                    waits.extend(held.map(|action| HeldAction { action, code }));
                }
                Some((_, code)) if !self.is_approved(&action) => {
                    let (flowing, held) = part(action);
                    flows.extend(flowing);
                    waits.push(HeldAction { action: held, code });
                }
                _ => flows.push(action),
            }
        }
        (CheckedPlan(Plan { id, generation, actions: flows }), waits)
    }
}

/// Whether two actions do the same to the same person, whatever the reason given.
pub fn same_effect(a: &Action, b: &Action) -> bool {
    a.kind == b.kind && a.anchor == b.anchor && a.cloud_id == b.cloud_id && a.changes == b.changes
}

/// Whether what an administrator approved is all that an action takes away. What it gives
/// besides needs no approval.
pub fn releases(approved: &Action, action: &Action) -> bool {
    approved.anchor == action.anchor
        && (same_effect(approved, action) || same_effect(approved, &part(action.clone()).1))
}

/// What of an action no approval covers, for the tally: of a group's members, each is approved
/// on its own, so that one more who leaves does not undo what was decided about the others.
pub fn unreleased(action: &Action, released: &[Action]) -> Option<Action> {
    match action.kind {
        Kind::GroupUpdate => part_members(action.clone(), released).1,
        _ => (!released.iter().any(|other| releases(other, action))).then(|| action.clone()),
    }
}

/// Parts a change of a group into what takes nothing away or is approved, and what waits.
fn part_members(action: Action, released: &[Action]) -> (Option<Action>, Option<Action>) {
    let same_group = |other: &&Action| {
        (other.kind, other.anchor, &other.cloud_id) == (action.kind, action.anchor, &action.cloud_id)
    };
    let approved: HashSet<&Attr> = released
        .iter()
        .filter(same_group)
        .flat_map(|other| other.changes.iter().filter(|change| change.expels()))
        .map(|change| &change.field)
        .collect();
    let waits = |change: &Change| change.expels() && !approved.contains(&change.field);
    let (held, flowing): (Vec<Change>, Vec<Change>) = action.changes.iter().cloned().partition(waits);
    let with = |changes: Vec<Change>| (!changes.is_empty()).then(|| Action { changes, ..action.clone() });
    (with(flowing), with(held))
}

/// Parts an action into what takes nothing away, if anything, and what does.
fn part(action: Action) -> (Option<Action>, Action) {
    let takes = |change: &Change| match action.kind {
        Kind::Update | Kind::Adopt => change.blanks(),
        Kind::RoleChange => change.to.is_none(),
        Kind::GroupUpdate => change.expels(),
        _ => true,
    };
    let (held, flowing): (Vec<Change>, Vec<Change>) = action.changes.iter().cloned().partition(takes);
    let adopting = action.kind == Kind::Adopt;
    let rest = (adopting || !flowing.is_empty()).then(|| Action { changes: flowing, ..action.clone() });
    let kind = if adopting { Kind::Update } else { action.kind };
    (rest, Action { kind, changes: held, ..action })
}

#[cfg(test)]
mod tests;
