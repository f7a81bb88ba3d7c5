//! The ground on which the actions of somebody are laid, and what the snapshot should say where there
//! are none: the row as it would read had it known what was observed.

use crate::apply::Finish;
use crate::model::{Cause, Fingerprint, Given, LinkState, Origin, Profile, SnapshotRow, SourceId};
use crate::plan::{Case, Cell, Decision, Match, Policy, Seen, Wish};
use crate::store::RowChange;

/// The row of somebody as it would read had the snapshot known what was observed. Takes it out of the
/// case.
pub(super) fn ground(case: &mut Case, policy: &Policy) -> Option<SnapshotRow> {
    if case.seen == Seen::Missing {
        return None;
    }
    let known = case.row.take();
    let account = match &case.seen {
        Seen::Account(account) => Some(account),
        Seen::Missing | Seen::AsApplied | Seen::Unasked => None,
    };
    let wanted = match &case.wish {
        Wish::Present(person) => Some(person),
        Wish::Leaving(_) | Wish::Gone | Wish::Undecided => None,
    };
    let is_known = known.is_some();
    let mut row = match (known, account) {
        (Some(row), _) => row,
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
    // Where the person was met, whatever becomes of the rest.
    if let Some(dn) = &case.dn {
        row.dn.clone_from(dn);
    }
    if let Some(account) = account {
        row.cloud_id = account.id.clone();
        row.applied.email = account.email.clone().unwrap_or(row.applied.email);
        row.applied.active = account.active;
        if account.active && wanted.is_some() {
            // Let in already, by whomever: not a leaver any more.
            row.state = LinkState::Present;
            row.given.block = false;
        }
        // No account shows settings: they are what was written last.
        let written = if is_known { row.applied.settings() } else { Profile::new() };
        row.applied.profile = account.profile.clone();
        let fields = policy.managed.fields_of(row.applied.kind);
        row.applied.profile.retain(|field, _| fields.contains(*field));
        row.applied.profile.extend(written);
        let roles = wanted.map_or(&row.applied.roles, |person| &person.roles);
        row.applied.roles = roles.intersection(&account.roles).cloned().collect();
        row.given.roles.retain(|role| account.roles.contains(role));
    } else if let (Some(person), Some(roles)) = (wanted, case.presumed_roles(&row)) {
        row.applied.roles = person.roles.intersection(&roles).cloned().collect();
    }
    let licenses = wanted.map_or(&row.applied.licenses, |person| &person.licenses);
    row.applied.licenses = licenses.intersection(&case.holds(&row)).cloned().collect();
    if let Some(held) = &case.held {
        row.licenses_print = policy.managed.license_digest(held);
        row.given.licenses.retain(|license| held.contains(license));
    }
    Some(row)
}

/// A row, in the place of the one under the old anchor where there was one.
fn settled(case: &Case, mut row: Box<SnapshotRow>) -> RowChange {
    let from = std::mem::replace(&mut row.anchor, case.anchor);
    if from == case.anchor { RowChange::Link(row) } else { RowChange::Move { from, row } }
}

/// The ground for the actions of somebody who was known under an anchor, and what has to be noted before them: of somebody who
/// moved, and whose account says so already or is gone, no action will.
pub(super) fn handed_on(
    case: &Case,
    from: Option<SourceId>,
    decision: &Decision,
    ground: Option<SnapshotRow>,
) -> (Option<SnapshotRow>, Option<RowChange>) {
    let Some(from) = from.filter(|from| *from != case.anchor) else {
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

/// The row of somebody whose account is of another kind now: in doubt, so that the cloud is asked about it by
/// every pass, also one that follows changes, until it is what it was.
fn turned(case: &Case) -> Option<RowChange> {
    let (Seen::Account(account), Some(row)) = (&case.seen, &case.row) else { return None };
    let is_noted = (row.record, row.applied_print) == (Fingerprint::NONE, Fingerprint::NONE);
    (account.kind != row.applied.kind && !is_noted).then(|| {
        let print = Fingerprint::NONE;
        RowChange::Link(Box::new(SnapshotRow { record: print, applied_print: print, ..row.clone() }))
    })
}

/// What the snapshot should say about somebody for whom nothing is to be done.
pub(super) fn note(case: &Case, decision: &Decision, done: Option<Finish>) -> Option<RowChange> {
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
        Cell::Keep => turned(case),
        Cell::Create | Cell::TakeBack | Cell::TakeOver | Cell::Recreate => None,
        Cell::Outsider | Cell::Unlooked => None,
    }
}
