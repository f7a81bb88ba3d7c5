//! What came of the actions of a part, and what the snapshot says after each.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use crate::cloud::{CloudError, CloudErrorKind, Grant};
use crate::model::{
    Action, Attr, Change, CloudId, Fingerprint, Key, Kind, LicenseId, LinkState, Managed, SnapshotRow,
    SourceId, Unserved,
};
use crate::store::{Outcome, RowChange};

use super::row;

/// What is to be noted about somebody once all actions succeeded.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finish {
    /// The DN.
    pub dn: String,
    /// The fingerprint of the record; [`Fingerprint::NONE`] when something stays open.
    pub record: Fingerprint,
    /// See [`SnapshotRow::recheck`].
    pub recheck: Option<i64>,
    /// See [`SnapshotRow::joined`].
    pub joined: Option<Key>,
}

/// Somebody for whom something went wrong.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Failure {
    /// What was tried.
    pub action: Action,
    /// A stable word.
    pub code: String,
    /// What happened.
    pub message: String,
    /// What to do next.
    pub remedy: String,
}

/// How carrying out a part ended.
#[derive(Debug, Default)]
pub struct Outcomes {
    /// Actions confirmed, by kind; of licences that are given, the people.
    pub done: BTreeMap<Kind, u64>,
    /// Those of them on rooms.
    pub on_rooms: u64,
    /// What went wrong.
    pub failed: Vec<Failure>,
    /// Licences that were not given although they were planned: the cloud left them out without a
    /// word, or the seat did not become free.
    pub unserved: Vec<(SourceId, String, LicenseId, Unserved)>,
    /// Licences of the rules that new accounts had without our giving them, and how many people: a
    /// template of the cloud gives them too.
    pub uncalled: BTreeMap<LicenseId, u64>,
    /// Whether an account that should be there was not: the cloud is not as we believe, and
    /// the next pass has to observe all of it.
    pub lost: bool,
    /// The trouble that ends the pass.
    pub fatal: Option<CloudError>,
    /// Whether a stop was asked for before everything was done.
    pub stopped: bool,
}

/// The state of a part while it is carried out.
pub(super) struct Progress {
    pub(super) rows: BTreeMap<SourceId, SnapshotRow>,
    finish: BTreeMap<SourceId, Finish>,
    left: HashMap<SourceId, usize>,
    /// In how many calls somebody was given licences: an exchange is a call of its own.
    given: HashMap<SourceId, u64>,
    pub(super) failed: BTreeSet<SourceId>,
    /// Seats that were to become free and did not.
    kept: BTreeMap<LicenseId, i64>,
    /// Who does not get what, because of that.
    held_back: BTreeSet<(SourceId, LicenseId)>,
    pub(super) outcomes: Outcomes,
}

impl Progress {
    /// The state before the first action.
    pub(super) fn begin(
        actions: &[Action],
        rows: BTreeMap<SourceId, SnapshotRow>,
        finish: BTreeMap<SourceId, Finish>,
    ) -> Self {
        let mut left: HashMap<SourceId, usize> = HashMap::new();
        for action in actions {
            *left.entry(action.anchor).or_default() += 1;
        }
        Self {
            rows,
            finish,
            left,
            given: HashMap::new(),
            failed: BTreeSet::new(),
            kept: BTreeMap::new(),
            held_back: BTreeSet::new(),
            outcomes: Outcomes::default(),
        }
    }

    /// Takes the seats that did not become free out of those that are to `spare`, which may leave a debt.
    pub(super) fn settle_kept(&mut self, spare: &mut BTreeMap<LicenseId, i64>) {
        for (license, kept) in std::mem::take(&mut self.kept) {
            if let Some(spare) = spare.get_mut(&license) {
                *spare -= kept;
            }
        }
    }

    /// Holds back as many of these as seats are owed, the last ones in their order: a seat is not given
    /// twice. An exchange that is held back, or left out, frees nothing, and others wait in turn. Returns
    /// the rows of those for whom nothing is left to do.
    pub(super) fn hold_back(
        &mut self,
        actions: &[Action],
        spare: &mut BTreeMap<LicenseId, i64>,
    ) -> Vec<RowChange> {
        let left_out: Vec<bool> = actions.iter().map(|action| self.failed.contains(&action.anchor)).collect();
        for (action, _) in actions.iter().zip(&left_out).filter(|(_, left_out)| **left_out) {
            self.note_kept(&gives_and_takes(&action.changes).1);
        }
        let mut rows = Vec::new();
        loop {
            self.settle_kept(spare);
            for (action, left_out) in actions.iter().zip(&left_out).rev() {
                if self.is_held_back(action) {
                    continue;
                }
                for license in gives(&action.changes) {
                    let one = (action.anchor, license.clone());
                    let owed = spare.get_mut(license).filter(|spare| **spare < 0);
                    if let Some(owed) = owed.filter(|_| !self.held_back.contains(&one)) {
                        *owed += 1;
                        self.held_back.insert(one);
                    }
                }
                if self.is_held_back(action) {
                    if !left_out {
                        self.note_kept(&gives_and_takes(&action.changes).1);
                    }
                    self.failed.insert(action.anchor);
                    for license in gives(&action.changes) {
                        let who = action.who.to_string();
                        self.outcomes.unserved.push((action.anchor, who, license.clone(), Unserved::NoSeat));
                    }
                    rows.extend(self.open(action.anchor));
                }
            }
            if self.kept.is_empty() {
                return rows;
            }
        }
    }

    /// Whether nothing of an action is left to do. Of an exchange nobody gets half.
    pub(super) fn is_held_back(&self, action: &Action) -> bool {
        let mut gives = gives(&action.changes).peekable();
        let back = |license: &LicenseId| self.held_back.contains(&(action.anchor, license.clone()));
        gives.peek().is_some() && if action.removes() { gives.any(back) } else { gives.all(back) }
    }

    /// What of an action is to be asked for.
    pub(super) fn grants(&self, action: &Action) -> (Vec<Grant>, Vec<LicenseId>) {
        let (mut give, take) = gives_and_takes(&action.changes);
        give.retain(|grant| !self.held_back.contains(&(action.anchor, grant.license.clone())));
        (give, take)
    }

    /// The row of somebody who has to be looked at again, although the record did not change, and on
    /// the ground of what was observed: the next pass may not ask the cloud.
    fn open(&self, anchor: SourceId) -> Option<RowChange> {
        let row = self.rows.get(&anchor)?.clone();
        Some(RowChange::Link(Box::new(SnapshotRow { record: Fingerprint::NONE, recheck: None, ..row })))
    }

    /// The row after a confirmed action.
    pub(super) fn succeeded(
        &mut self,
        action: &Action,
        id: &CloudId,
        managed: &Managed,
        now: i64,
    ) -> RowChange {
        let last = self.left.get_mut(&action.anchor).is_none_or(|left| {
            *left = left.saturating_sub(1);
            *left == 0
        });
        let calls = self.given.entry(action.anchor).or_default();
        *calls += u64::from(action.kind == Kind::LicenseAdd);
        if action.kind != Kind::LicenseAdd || *calls == 1 {
            *self.outcomes.done.entry(action.kind).or_default() += 1;
        }
        self.outcomes.on_rooms += u64::from(!action.who.kind().is_person());
        let before = self.rows.get(&action.anchor);
        let from = before.map(|row| row.anchor);
        let Some(mut row) = row::after(before, action, id, managed, now) else {
            self.rows.remove(&action.anchor);
            return RowChange::Forget(action.anchor);
        };
        row.record = Fingerprint::NONE;
        if action.kind == Kind::Deactivate && self.failed.contains(&action.anchor) {
            // What could not be taken back is tried again: the leaving is not over yet.
            row.state = LinkState::Present;
            row.given.block = true;
        }
        if let Some(finish) = self.finish.get(&action.anchor) {
            row.dn.clone_from(&finish.dn);
            row.joined = finish.joined;
            if last && !self.failed.contains(&action.anchor) {
                row.record = finish.record;
                row.recheck = finish.recheck;
            }
        }
        // Nobody looks at it again when nothing is left to do for the person.
        if last {
            self.rows.remove(&action.anchor);
        } else {
            self.rows.insert(action.anchor, row.clone());
        }
        link(from, row)
    }

    /// As [`Progress::succeeded`] for licences, of which the cloud may have left out some: what
    /// was really done, how it ended, and the row.
    pub(super) fn assigned(
        &mut self,
        action: &Action,
        id: &CloudId,
        held: &BTreeSet<LicenseId>,
        managed: &Managed,
        now: i64,
    ) -> (Action, Outcome, RowChange) {
        self.note_uncalled(action, held, managed);
        let served = |change: &Change| match &change.field {
            Attr::License(id) => held.contains(id) == change.to.is_some(),
            _ => true,
        };
        let (served, unserved): (Vec<_>, Vec<_>) = action.changes.iter().cloned().partition(served);
        if unserved.is_empty() {
            return (action.clone(), Outcome::Succeeded, self.succeeded(action, id, managed, now));
        }
        let message =
            format!("the cloud answered without an error and left out {} of the licences", unserved.len());
        let (missing, kept) = gives_and_takes(&unserved);
        self.failed.insert(action.anchor);
        for Grant { license, .. } in missing {
            let reason = match self.held_back.contains(&(action.anchor, license.clone())) {
                true => Unserved::NoSeat,
                false => Unserved::RefusedByCloud,
            };
            self.outcomes.unserved.push((action.anchor, action.who.to_string(), license, reason));
        }
        self.note_kept(&kept);
        if !kept.is_empty() {
            self.outcomes.failed.push(Failure {
                action: action.clone(),
                code: "license_kept".into(),
                message: message.clone(),
                remedy: "look in the cloud why it keeps the licence; the next pass tries again".into(),
            });
        }
        let part = Action { changes: served, ..action.clone() };
        let row = self.succeeded(&part, id, managed, now);
        if !part.changes.is_empty() {
            return (part, Outcome::Partly { message }, row);
        }
        // Nothing at all was done, whatever the cloud calls it.
        let calls = self.given.entry(action.anchor).or_default();
        *calls = calls.saturating_sub(u64::from(action.kind == Kind::LicenseAdd));
        if action.kind != Kind::LicenseAdd || *calls == 0 {
            self.outcomes.done.entry(action.kind).and_modify(|done| *done -= 1);
        }
        self.outcomes.done.retain(|_, count| *count > 0);
        (part, Outcome::Failed { code: "left_out".into(), message }, row)
    }

    fn note_kept(&mut self, kept: &[LicenseId]) {
        kept.iter().for_each(|license| *self.kept.entry(license.clone()).or_default() += 1);
    }

    /// Nobody but a template of the cloud gives licences to an account that we created a moment ago.
    fn note_uncalled(&mut self, action: &Action, held: &BTreeSet<LicenseId>, managed: &Managed) {
        let Some(row) = self.rows.get(&action.anchor).filter(|_| action.cloud_id.is_none()) else { return };
        let asked =
            |id: &LicenseId| action.changes.iter().any(|change| change.field == Attr::License(id.clone()));
        for id in held.intersection(&managed.licenses) {
            if !row.given.licenses.contains(id) && !asked(id) {
                *self.outcomes.uncalled.entry(id.clone()).or_default() += 1;
            }
        }
    }

    /// Notes a failure: its code, and what the snapshot should say.
    pub(super) fn failed(
        &mut self,
        action: &Action,
        error: &CloudError,
    ) -> (&'static str, Option<RowChange>) {
        let code = code(error.kind);
        self.failed.insert(action.anchor);
        if error.kind.ends_pass() {
            self.outcomes.fatal.get_or_insert_with(|| error.clone());
        }
        self.outcomes.failed.push(Failure {
            action: action.clone(),
            code: code.into(),
            message: error.to_string(),
            remedy: error.remedy.clone(),
        });
        self.outcomes.lost |= error.kind == CloudErrorKind::NotFound;
        self.note_kept(&gives_and_takes(&action.changes).1);
        let row = match action.kind {
            // Whoever was to be created has no account, whatever an old link says.
            Kind::Create => Some(RowChange::Forget(action.anchor)),
            Kind::Adopt => None,
            _ => self.open(action.anchor),
        };
        (code, row)
    }
}

/// The licences that changes give.
pub fn gives(changes: &[Change]) -> impl Iterator<Item = &LicenseId> {
    changes.iter().filter(|change| change.to.is_some()).filter_map(|change| match &change.field {
        Attr::License(id) => Some(id),
        _ => None,
    })
}

/// The change of the snapshot by which a row takes the place of one under another anchor, where
/// there was one.
fn link(before: Option<SourceId>, row: SnapshotRow) -> RowChange {
    match before {
        Some(from) if from != row.anchor => RowChange::Move { from, row: Box::new(row) },
        _ => RowChange::Link(Box::new(row)),
    }
}

/// The licences that changes give, with their telephones, and those that they take.
pub(super) fn gives_and_takes(changes: &[Change]) -> (Vec<Grant>, Vec<LicenseId>) {
    let mut give = Vec::new();
    let mut take = Vec::new();
    for change in changes {
        if let Attr::License(id) = &change.field {
            match &change.to {
                Some(to) => give.push(Grant { license: id.clone(), telephone: to.parse().ok() }),
                None => take.push(id.clone()),
            }
        }
    }
    (give, take)
}

/// The stable word for a kind of trouble with the cloud.
pub(super) fn code(kind: CloudErrorKind) -> &'static str {
    match kind {
        CloudErrorKind::Unreachable => "cloud_unreachable",
        CloudErrorKind::Throttled { .. } => "cloud_throttled",
        CloudErrorKind::Refused => "cloud_refused",
        CloudErrorKind::Conflict => "email_taken",
        CloudErrorKind::NotFound => "account_missing",
        CloudErrorKind::Rejected => "rejected",
        CloudErrorKind::Ambiguous => "unknown",
        CloudErrorKind::Unintelligible => "cloud_unintelligible",
        CloudErrorKind::Stopped => "stopped",
    }
}
