//! What differs between an account and a person, value by value.

use crate::model::{Account, Attr, Change, Email, Field, Person, Profile, SnapshotRow};

use super::case::Case;
use super::decide::Policy;

/// What differs in address and anchor.
pub(super) fn identity_changes(
    case: &Case,
    email: Option<&Email>,
    external_id: Option<&str>,
    person: &Person,
) -> Vec<Change> {
    let mut changes = Vec::new();
    if email != Some(&person.email) {
        changes.push(Change::new(
            Attr::Email,
            email.map(|e| e.as_str().into()),
            Some(person.email.as_str().into()),
        ));
    }
    let anchor = case.anchor.to_string();
    if external_id != Some(anchor.as_str()) {
        changes.push(Change::new(Attr::ExternalId, external_id.map(Into::into), Some(anchor)));
    }
    changes
}

/// What differs in the mapped attributes, settings left out. The work number of somebody who is `calling`
/// is not ours.
pub(super) fn profile_changes(from: &Profile, to: &Person, policy: &Policy, calling: bool) -> Vec<Change> {
    let Person { kind, profile: to, .. } = to;
    let kept = policy.managed.kept_of(*kind);
    policy
        .managed
        .fields_of(*kind)
        .iter()
        .filter(|field| !field.is_setting())
        .filter(|field| !(calling && *field == Field::PhoneWork))
        .filter(|field| from.get(field) != to.get(field))
        // Written where nothing is, and never cleared.
        .filter(|field| !kept.contains(*field) || !from.contains_key(field))
        .map(|field| Change::new(Attr::Field(field), from.get(&field).cloned(), to.get(&field).cloned()))
        .collect()
}

/// Whether a value that the cloud is to keep was there, and somebody emptied it. What the directory
/// has for it is known only when the record is judged again.
pub(super) fn lost_kept(account: &Account, row: &SnapshotRow, person: &Person, policy: &Policy) -> bool {
    policy.managed.kept_of(person.kind).iter().any(|field| {
        let profiles = [&row.applied.profile, &account.profile, &person.profile];
        profiles.map(|profile| profile.contains_key(&field)) == [true, false, false]
    })
}

/// Whether a change leads back to what we applied: then somebody else made the difference.
pub(super) fn already_applied(change: &Change, row: &SnapshotRow) -> bool {
    match &change.field {
        Attr::Email => change.to.as_deref() == Some(row.applied.email.as_str()),
        Attr::ExternalId => true,
        Attr::Field(field) => change.to.as_ref() == row.applied.profile.get(field),
        Attr::Active | Attr::License(_) | Attr::Role(_) | Attr::Member(_) => false,
    }
}
