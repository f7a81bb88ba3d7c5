//! Whom to ask the cloud about before anything is planned, and who has to be weighed at all.

use std::collections::BTreeSet;

use crate::guard::Removal;
use crate::model::{Action, Attr, Change, Fingerprint, Kind, LicenseId, Rank, SourceId};
use crate::plan::{Case, Decision, Wish};
use crate::store::StoreError;

use super::Parts;

/// What a walk over the linked people found out before the cloud was asked about any of them.
pub struct Doubtful {
    /// Whom to ask about.
    pub people: Vec<SourceId>,
    /// Whether everybody must be looked at.
    pub wonders: bool,
    /// From whom something may be taken, or who asks for a seat: all of them. `None` when the walk ended early, as
    /// there are too many people to ask about.
    pub weighty: Option<BTreeSet<SourceId>>,
}

/// Whether the guard or the seats have anything to do with a decision, however many seats there are.
fn is_weighty(case: &Case, decision: &Decision) -> bool {
    let asks = match (&case.wish, &case.row) {
        (Wish::Present(person), Some(row)) => !person.licenses.is_subset(&case.holds(row)),
        (Wish::Present(person), None) => !person.licenses.is_empty(),
        (Wish::Leaving(_) | Wish::Gone | Wish::Undecided, _) => false,
    };
    asks || decision.actions.iter().any(|action| {
        Removal::of(action).is_some() || matches!(action.kind, Kind::LicenseAdd | Kind::LicenseRemove)
    })
}

impl Parts<'_> {
    /// Linked people about whom the snapshot is not to be trusted alone, at most `limit` of
    /// them, and who has to be weighed: who would lose something, who would get a licence or role, or begin to wait for one,
    /// which somebody may have given by hand already, whose empty value somebody may have filled, and about whom an
    /// interrupted run left doubts. And whether everybody must be looked at, lest the last full
    /// administrator go. Consumes the walk.
    pub fn doubtful(mut self, limit: usize) -> Result<Doubtful, StoreError> {
        self.walk.without_newcomers();
        let known = self.evidence;
        self.walk.retain(|anchor| !known.is_light(anchor));
        let (mut found, mut weighty) = (BTreeSet::new(), BTreeSet::new());
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
                let new = |(license, _): &(LicenseId, Box<Rank>)| {
                    self.seats.queue().place(case.anchor, license).is_none()
                };
                if is_weighty(case, &decision) {
                    weighty.insert(case.anchor);
                }
                if doubt || decision.actions.iter().any(asked) || decision.waiting.iter().any(new) {
                    found.insert(case.anchor);
                }
            }
        }
        let weighty = (found.len() < limit).then_some(weighty);
        let people = found.into_iter().take(limit).collect();
        Ok(Doubtful { people, wonders: self.admins.wonders(), weighty })
    }

    /// Whether a change fills a value that may be there by now.
    fn is_kept(&self, change: &Change) -> bool {
        matches!(change.field, Attr::Field(field) if self.policy.managed.kept.contains(field))
    }
}
