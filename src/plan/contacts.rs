//! What is to be done about one contact, from what should be, what is ours and what was seen.

use crate::model::{
    Action, Cause, CloudContact, CloudId, Contact, ContactLink, Fingerprint, Kind, Origin, SourceId, Who,
};

/// What should be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ContactAim {
    /// This contact, by a record with this fingerprint.
    Present(Contact, Fingerprint),
    /// The record did not change: what was applied goes on.
    AsApplied,
    /// None any more.
    Gone(Cause),
}

/// What was seen of the contact in the cloud.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ContactSeen {
    /// The cloud was not asked: the link says what is there.
    AsLinked,
    /// This contact.
    There(CloudContact),
    /// None.
    Missing,
}

/// One contact with everything that is known about it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ContactCase {
    /// Which contact of the directory.
    pub anchor: SourceId,
    /// Where it stands there, or stood.
    pub dn: String,
    /// What should be.
    pub aim: ContactAim,
    /// The link, if there is one.
    pub link: Option<ContactLink>,
    /// What was seen; of a contact without a link, one to be taken over.
    pub seen: ContactSeen,
    /// Whether its absence is proved.
    pub proven: bool,
}

/// What is to be done.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ContactDecision {
    /// At most one.
    pub action: Option<Action>,
    /// The link as it should read then; `None` when it ends.
    pub link: Option<ContactLink>,
    /// Why it stays although it should not.
    pub kept: Option<&'static str>,
}

const UNPROVED: &str = "a contact to be deleted: waits for a complete read";
const NOT_OURS: &str =
    "a contact that left the directory and was taken over: it stays, and is no longer looked after";

/// Decides about one contact.
pub fn decide_contact(case: ContactCase) -> ContactDecision {
    let ContactCase { anchor, dn, aim, link, seen, proven } = case;
    let (wanted, record) = match (aim, &link) {
        (ContactAim::Gone(cause), Some(link)) => return gone(link, &seen, cause, proven),
        (ContactAim::Gone(_), None) | (ContactAim::AsApplied, None) => return ContactDecision::default(),
        (ContactAim::Present(contact, record), _) => (contact, record),
        (ContactAim::AsApplied, Some(link)) => (link.applied.clone(), link.record),
    };
    let after = |cloud_id: CloudId, origin| ContactLink {
        anchor,
        cloud_id,
        dn: dn.clone(),
        record,
        applied: wanted.clone(),
        origin,
    };
    let action = |kind, cloud_id: Option<CloudId>, before: &Contact, cause| Action {
        kind,
        anchor,
        who: Who::Contact(wanted.name().to_owned()),
        dn: Some(dn.clone()),
        cloud_id,
        changes: before.changes_to(&wanted),
        cause,
    };
    let (before, id, origin, cause) = match (&link, &seen) {
        (None, ContactSeen::There(there)) => {
            let adopt = action(Kind::ContactUpdate, Some(there.id.clone()), &there.contact, Cause::SameEmail);
            let link = after(there.id.clone(), Origin::Adopted);
            return ContactDecision { action: Some(adopt), link: Some(link), kept: None };
        }
        (None, _) | (Some(_), ContactSeen::Missing) => {
            let cause = if link.is_none() { Cause::NewRecord } else { Cause::LostInCloud };
            let create = action(Kind::ContactCreate, None, &Contact::default(), cause);
            let link = after(CloudId::new(""), Origin::Created);
            return ContactDecision { action: Some(create), link: Some(link), kept: None };
        }
        (Some(link), ContactSeen::There(there)) => {
            let drifted = wanted == link.applied;
            let cause = if drifted { Cause::Drift } else { Cause::Desired };
            (&there.contact, &link.cloud_id, link.origin, cause)
        }
        (Some(link), ContactSeen::AsLinked) => (&link.applied, &link.cloud_id, link.origin, Cause::Desired),
    };
    let update = action(Kind::ContactUpdate, Some(id.clone()), before, cause);
    let link = after(id.clone(), origin);
    ContactDecision { action: (!update.changes.is_empty()).then_some(update), link: Some(link), kept: None }
}

/// A contact that left. Only what we created is deleted.
fn gone(link: &ContactLink, seen: &ContactSeen, cause: Cause, proven: bool) -> ContactDecision {
    let stays = |kept| ContactDecision { action: None, link: Some(link.clone()), kept: Some(kept) };
    match (link.origin, seen) {
        _ if !proven => stays(UNPROVED),
        (_, ContactSeen::Missing) => ContactDecision::default(),
        (Origin::Adopted, _) => ContactDecision { kept: Some(NOT_OURS), ..ContactDecision::default() },
        (Origin::Created, _) => {
            let delete = Action {
                kind: Kind::ContactDelete,
                anchor: link.anchor,
                who: Who::Contact(link.applied.name().to_owned()),
                dn: Some(link.dn.clone()),
                cloud_id: Some(link.cloud_id.clone()),
                // What an undo would need.
                changes: link.applied.changes_to(&Contact::default()),
                cause,
            };
            ContactDecision { action: Some(delete), ..ContactDecision::default() }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::Field;

    fn contact(title: &str) -> Contact {
        Contact {
            email: Some("ann@other.test".parse().unwrap()),
            profile: [(Field::DisplayName, "Ann".to_owned()), (Field::Title, title.to_owned())].into(),
        }
    }

    #[test]
    fn every_case() {
        let anchor = SourceId::new([1; 16]);
        let print = Fingerprint([7; 16]);
        let link = |origin| ContactLink {
            anchor,
            cloud_id: CloudId::new("c1"),
            dn: "cn=ann".into(),
            record: Fingerprint([1; 16]),
            applied: contact("Buyer"),
            origin,
        };
        let (created, adopted) = (Some(link(Origin::Created)), Some(link(Origin::Adopted)));
        let there = |title: &str| {
            ContactSeen::There(CloudContact { id: CloudId::new("c1"), contact: contact(title) })
        };
        let present = |title: &str| ContactAim::Present(contact(title), print);
        let gone = || ContactAim::Gone(Cause::RecordGone);
        for (aim, link, seen, proven, expected) in [
            (
                present("Buyer"),
                None,
                ContactSeen::Missing,
                true,
                "contact_create because new in the directory",
            ),
            (
                present("Buyer"),
                None,
                there("Chef"),
                true,
                "contact_update because an account with this e-mail exists and nobody claims it",
            ),
            (
                present("Chef"),
                created.clone(),
                ContactSeen::AsLinked,
                true,
                "contact_update because changed in the directory",
            ),
            (present("Buyer"), created.clone(), ContactSeen::AsLinked, true, "nothing"),
            (ContactAim::AsApplied, created.clone(), there("Buyer"), true, "nothing"),
            (
                ContactAim::AsApplied,
                created.clone(),
                there("Chef"),
                true,
                "contact_update because changed in the cloud by somebody else",
            ),
            (
                ContactAim::AsApplied,
                created.clone(),
                ContactSeen::Missing,
                true,
                "contact_create because the account is no longer in the cloud",
            ),
            (
                gone(),
                created.clone(),
                ContactSeen::AsLinked,
                true,
                "contact_delete because no longer in the directory, forgotten",
            ),
            (gone(), created.clone(), ContactSeen::AsLinked, false, UNPROVED),
            (gone(), created.clone(), ContactSeen::Missing, true, "nothing, forgotten"),
            (
                gone(),
                adopted,
                there("Buyer"),
                true,
                "a contact that left the directory and was taken over: it stays, and is no longer looked after, forgotten",
            ),
            (gone(), None, there("Buyer"), true, "nothing, forgotten"),
        ] {
            let case = ContactCase { anchor, dn: "cn=ann".into(), aim, link, seen, proven };
            let decision = decide_contact(case);
            let mut said = match (&decision.action, decision.kept) {
                (Some(action), None) => format!("{} because {}", action.kind, action.cause.words()),
                (None, Some(kept)) => kept.to_owned(),
                (None, None) => "nothing".to_owned(),
                (Some(_), Some(_)) => "both".to_owned(),
            };
            if decision.link.is_none() {
                said.push_str(", forgotten");
            }
            assert_eq!(said, expected);
        }
    }
}
