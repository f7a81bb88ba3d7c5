//! The objection to a plan that takes too much away.
//!
//! All removals of a pass are weighed together, before the first write. A limit that trips
//! holds every removal of its kind; everything else flows. Held actions wait as a stored plan
//! until an administrator approves exactly them. Only the guard can make a [`CheckedPlan`],
//! and only that is carried out.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use crate::model::{Action, Cause, Change, Kind, SourceId};
use crate::plan::Plan;

/// How many removals of one kind pass without approval. A plan trips the limit when it has
/// more than `count` of them, or more than `floor` that are also more than `percent` of the
/// linked people.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limit {
    /// So many pass, whatever the size of the directory.
    pub count: u64,
    /// Such a share of the linked people passes, in percent.
    pub percent: u64,
    /// So few pass, whatever their share: small organizations need to work too.
    pub floor: u64,
}

/// The limits of the guard, one per kind of removal.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// People deactivated.
    pub deactivate: Limit,
    /// Accounts deleted.
    pub delete: Limit,
    /// People who lose a licence.
    pub license_remove: Limit,
    /// People who lose an attribute value.
    pub blank: Limit,
    /// A census with fewer people than this share of the last whole one, in percent, and fewer
    /// by more than the floor of `deactivate`, is implausibly short: removals wait.
    pub min_census_percent: u64,
}

impl Default for Limits {
    fn default() -> Self {
        let limit = Limit { count: 100, percent: 5, floor: 5 };
        Self {
            deactivate: limit,
            delete: limit,
            license_remove: Limit { count: 500, percent: 10, floor: 10 },
            blank: Limit { count: 500, percent: 10, floor: 10 },
            min_census_percent: 80,
        }
    }
}

/// The kinds of removal that are counted against a limit.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Removal {
    /// A leaver: deactivated, with licences and roles taken back.
    Deactivate,
    /// An account deleted.
    Delete,
    /// A licence or role that no rule gives any more.
    LicenseRemove,
    /// An attribute emptied.
    Blank,
}

impl Removal {
    const ALL: [Self; 4] = [Self::Deactivate, Self::Delete, Self::LicenseRemove, Self::Blank];

    /// The stable code of the finding when this limit trips.
    pub const fn code(self) -> &'static str {
        match self {
            Self::Deactivate => "too_many_deactivations",
            Self::Delete => "too_many_deletes",
            Self::LicenseRemove => "too_many_license_removals",
            Self::Blank => "too_many_blanked",
        }
    }

    const fn words(self) -> &'static str {
        match self {
            Self::Deactivate => "people would be deactivated",
            Self::Delete => "accounts would be deleted",
            Self::LicenseRemove => "people would lose a licence or role",
            Self::Blank => "people would lose an attribute value",
        }
    }

    const fn key(self) -> &'static str {
        match self {
            Self::Deactivate => "guard.deactivate",
            Self::Delete => "guard.delete",
            Self::LicenseRemove => "guard.license_remove",
            Self::Blank => "guard.blank",
        }
    }

    /// What an action takes away; `None` for one that takes nothing.
    fn of(action: &Action) -> Option<Self> {
        match action.kind {
            Kind::Delete => Some(Self::Delete),
            Kind::Deactivate => Some(Self::Deactivate),
            Kind::LicenseRemove | Kind::RoleChange if action.removes() => match action.cause {
                // Part of a leaving: stands and falls with the deactivation.
                Cause::RecordGone | Cause::Disabled | Cause::OutOfScope => Some(Self::Deactivate),
                _ => Some(Self::LicenseRemove),
            },
            Kind::Update | Kind::Adopt if action.changes.iter().any(Change::blanks) => Some(Self::Blank),
            _ => None,
        }
    }
}

/// The stable code of the finding when a census is implausibly short.
const SHRANK: &str = "census_shrank";

/// How many people each kind of removal touches.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Tally([u64; 4]);

impl Tally {
    /// Counts the actions planned for one person: once per kind, however many values.
    pub fn add(&mut self, actions: &[Action]) {
        for removal in Removal::ALL {
            if actions.iter().any(|action| Removal::of(action) == Some(removal)) {
                self.0[removal as usize] += 1;
            }
        }
    }

    /// People touched by one kind of removal.
    pub const fn of(&self, removal: Removal) -> u64 {
        self.0[removal as usize]
    }
}

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
#[derive(Debug)]
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
    held: [Option<&'static str>; 4],
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
        let mut held = [None; 4];
        let mut findings = Vec::new();
        for removal in Removal::ALL {
            let limit = match removal {
                Removal::Deactivate => limits.deactivate,
                Removal::Delete => limits.delete,
                Removal::LicenseRemove => limits.license_remove,
                Removal::Blank => limits.blank,
            };
            let count = tally.of(removal);
            let Some(most) = limit.tripped(count, linked) else { continue };
            held[removal as usize] = Some(removal.code());
            findings.push(Finding {
                code: removal.code().into(),
                message: format!("{count} of {linked} {}; {most} pass without approval", removal.words()),
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

/// Parts an action into what takes nothing away, if anything, and what does.
fn part(action: Action) -> (Option<Action>, Action) {
    let takes = |change: &Change| match action.kind {
        Kind::Update | Kind::Adopt => change.blanks(),
        Kind::RoleChange => change.to.is_none(),
        _ => true,
    };
    let (held, flowing): (Vec<Change>, Vec<Change>) = action.changes.iter().cloned().partition(takes);
    let adopting = action.kind == Kind::Adopt;
    let rest = (adopting || !flowing.is_empty()).then(|| Action { changes: flowing, ..action.clone() });
    let kind = if adopting { Kind::Update } else { action.kind };
    (rest, Action { kind, changes: held, ..action })
}

impl Limit {
    /// The most that would have passed, when `count` of `of` people are too many.
    fn tripped(self, count: u64, of: u64) -> Option<u64> {
        let share = of.saturating_mul(self.percent) / 100;
        let most = self.count.min(share.max(self.floor));
        (count > most).then_some(most)
    }
}

#[cfg(test)]
mod tests;
