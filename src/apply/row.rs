//! What the snapshot says after the cloud confirmed an action. Pure.

use crate::model::{
    Action, Attr, Cause, CloudId, Field, Fingerprint, Given, Kind, Line, LinkState, Managed, Origin, Person,
    Profile, SnapshotRow, license_digest,
};

/// The row after `action` succeeded on `cloud_id`; `None` when the link ends (a delete).
///
/// `before` is the row as it stood, brought up to what was observed; `None` for a create.
pub fn after(
    before: Option<&SnapshotRow>,
    action: &Action,
    cloud_id: &CloudId,
    managed: &Managed,
    now: i64,
) -> Option<SnapshotRow> {
    if action.kind == Kind::Delete {
        return None;
    }
    // Groups have no row here.
    let email = action.who.email()?;
    let fresh = || SnapshotRow {
        anchor: action.anchor,
        cloud_id: cloud_id.clone(),
        dn: action.dn.clone().unwrap_or_default(),
        record: Fingerprint::NONE,
        applied: Person {
            kind: action.who.kind(),
            email: email.clone(),
            active: true,
            profile: Profile::new(),
            licenses: Default::default(),
            roles: Default::default(),
            telephone: None,
        },
        applied_print: Fingerprint::NONE,
        licenses_print: 0,
        given: Given::default(),
        origin: Origin::Created,
        state: LinkState::Present,
        recheck: None,
        joined: None,
    };
    // A create begins anew, also for somebody whose account was lost.
    let mut row = match before {
        Some(row) if action.kind != Kind::Create => row.clone(),
        _ => fresh(),
    };
    row.cloud_id = cloud_id.clone();
    for change in &action.changes {
        match (&change.field, &change.to) {
            (Attr::Email, Some(_)) => row.applied.email = email.clone(),
            (Attr::Email | Attr::ExternalId, None) | (Attr::Member(_), _) => {}
            // Of somebody who moved, the row was that of the old anchor until here.
            (Attr::ExternalId, Some(_)) => row.anchor = action.anchor,
            (Attr::Active, to) => row.applied.active = to.as_deref() == Some("true"),
            (Attr::Field(field), Some(value)) => {
                row.applied.profile.insert(*field, value.clone());
            }
            (Attr::Field(field), None) => {
                row.applied.profile.remove(field);
            }
            (Attr::License(id), Some(to)) => {
                if let Ok(telephone) = to.parse() {
                    row.applied.telephone = Some(Box::new(Line::Ready(telephone)));
                }
                row.applied.licenses.insert(id.clone());
                row.given.licenses.insert(id.clone());
                row.given.fading.remove(id);
                row.licenses_print ^= license_digest([id]);
            }
            (Attr::License(id), None) => {
                row.applied.licenses.remove(id);
                row.given.licenses.remove(id);
                row.given.fading.remove(id);
                row.licenses_print ^= license_digest([id]);
            }
            (Attr::Role(id), Some(_)) => {
                row.applied.roles.insert(id.clone());
                row.given.roles.insert(id.clone());
            }
            (Attr::Role(id), None) => {
                row.applied.roles.remove(id);
                row.given.roles.remove(id);
            }
        }
    }
    if ends_calling(action, managed) {
        // The telephone took the work number with it; what the directory says comes back later.
        row.applied.profile.remove(&Field::PhoneWork);
        row.applied.telephone = None;
    }
    match action.kind {
        Kind::Deactivate => {
            row.state = LinkState::Left { since: now };
            row.given.block = false;
        }
        Kind::Reactivate => {
            row.state = LinkState::Present;
            row.given.block = false;
        }
        Kind::Adopt if action.cause == Cause::SameEmail => row.origin = Origin::Adopted,
        _ => {}
    }
    row.applied_print = row.applied.fingerprint(&row.anchor.to_string(), managed);
    Some(row)
}

/// Whether somebody has no licence for calling any more.
fn ends_calling(action: &Action, managed: &Managed) -> bool {
    let changes = |given: bool| {
        action.changes.iter().any(|change| {
            matches!(&change.field, Attr::License(id) if managed.calling.contains(id))
                && change.to.is_some() == given
        })
    };
    changes(false) && !changes(true)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{Change, LicenseId, SourceId};

    fn action(kind: Kind, changes: Vec<Change>) -> Action {
        Action {
            kind,
            anchor: SourceId::new([7; 16]),
            who: "ann@example.com".parse().unwrap(),
            dn: Some("cn=ann,dc=test".into()),
            cloud_id: None,
            changes,
            cause: Cause::NewRecord,
        }
    }

    #[test]
    fn a_life() {
        let managed = Managed::default();
        let id = CloudId::new("c1");
        let title = |from: Option<&str>, to: Option<&str>| {
            Change::new(Attr::Field(Field::Title), from.map(Into::into), to.map(Into::into))
        };
        let license = LicenseId::new("L");
        let created =
            after(None, &action(Kind::Create, vec![title(None, Some("Clerk"))]), &id, &managed, 1).unwrap();
        assert!(created.applied.active);
        let given = after(
            Some(&created),
            &action(Kind::LicenseAdd, vec![Change::give(license.clone())]),
            &id,
            &managed,
            2,
        )
        .unwrap();
        assert_eq!(given.licenses_print, license_digest([&license]));
        assert!(given.given.licenses.contains(&license));
        let changed =
            after(Some(&given), &action(Kind::Update, vec![title(Some("Clerk"), None)]), &id, &managed, 3)
                .unwrap();
        assert!(changed.applied.profile.is_empty());
        let taken = after(
            Some(&changed),
            &action(Kind::LicenseRemove, vec![Change::take(license)]),
            &id,
            &managed,
            4,
        )
        .unwrap();
        assert_eq!((taken.licenses_print, taken.given.licenses.len()), (0, 0));
        let off = Change::new(Attr::Active, Some("true".into()), Some("false".into()));
        let left = after(Some(&taken), &action(Kind::Deactivate, vec![off]), &id, &managed, 5).unwrap();
        assert_eq!(left.state, LinkState::Left { since: 5 });
        assert!(after(Some(&left), &action(Kind::Delete, vec![]), &id, &managed, 6).is_none());
    }

    #[test]
    fn the_work_number_goes_with_the_telephone() {
        let (calling, other) = (LicenseId::new("calls"), LicenseId::new("calls too"));
        let managed = Managed { calling: [calling.clone(), other.clone()].into(), ..Managed::default() };
        let id = CloudId::new("c1");
        let number = Change::new(Attr::Field(Field::PhoneWork), None, Some("+4930123456".into()));
        let created = after(None, &action(Kind::Create, vec![number]), &id, &managed, 1).unwrap();
        for (changes, stays) in [
            (vec![Change::take(calling.clone())], false),
            (vec![Change::take(calling.clone()), Change::give(other.clone())], true),
            (vec![Change::take(LicenseId::new("mail"))], true),
        ] {
            let row = after(Some(&created), &action(Kind::LicenseRemove, changes), &id, &managed, 2).unwrap();
            assert_eq!(row.applied.profile.contains_key(&Field::PhoneWork), stays);
        }
    }
}
