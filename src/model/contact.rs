//! Contacts: those of the cloud's address book, and the link from a contact of the directory to one
//! of them.

use serde::{Deserialize, Serialize};

use super::{Action, Attr, Change, CloudId, Email, Field, Fingerprint, Origin, Profile, SourceId};

/// The fields that a contact has, besides its address.
pub const CONTACT_FIELDS: &[Field] = &[
    Field::DisplayName,
    Field::GivenName,
    Field::FamilyName,
    Field::Organization,
    Field::Title,
    Field::Street,
    Field::PhoneWork,
    Field::PhoneMobile,
    Field::PhoneFax,
    Field::SipAddress,
    Field::PhotoUrl,
];

/// Of these at least one is needed, unless there is an address.
pub const REACHED_BY: [Field; 4] = [Field::PhoneWork, Field::PhoneMobile, Field::PhoneFax, Field::SipAddress];

/// What the cloud should hold, or holds, for one contact.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Contact {
    /// The work address.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub email: Option<Email>,
    /// The other values. An absent field is empty.
    #[serde(default, skip_serializing_if = "Profile::is_empty")]
    pub profile: Profile,
}

impl Contact {
    /// The name under which people find it.
    pub fn name(&self) -> &str {
        let address = || self.email.as_ref().map_or("", Email::as_str);
        self.profile.get(&Field::DisplayName).map_or_else(address, String::as_str)
    }

    /// What tells it from others: the address, in the form in which addresses are compared, or else the
    /// name without letter case. Webex keeps no anchor of ours.
    pub fn identity(&self) -> String {
        match &self.email {
            Some(email) => email.compared().into_owned(),
            None => self.name().to_lowercase(),
        }
    }

    /// What differs, from this to another.
    pub fn changes_to(&self, other: &Self) -> Vec<Change> {
        let mut changes = Vec::new();
        if self.email != other.email {
            let text = |email: &Option<Email>| email.as_ref().map(|email| email.as_str().to_owned());
            changes.push(Change::new(Attr::Email, text(&self.email), text(&other.email)));
        }
        for field in CONTACT_FIELDS {
            let (from, to) = (self.profile.get(field), other.profile.get(field));
            if !same(*field, from, to) {
                changes.push(Change::new(Attr::Field(*field), from.cloned(), to.cloned()));
            }
        }
        changes
    }

    /// The contact after an action on it.
    pub fn after(&self, action: &Action) -> Self {
        let mut after = self.clone();
        for change in &action.changes {
            match (&change.field, &change.to) {
                (Attr::Email, to) => after.email = to.as_deref().and_then(|to| to.parse().ok()),
                (Attr::Field(field), Some(to)) => drop(after.profile.insert(*field, to.clone())),
                (Attr::Field(field), None) => drop(after.profile.remove(field)),
                _ => {}
            }
        }
        after
    }
}

/// Whether two values are one: the cloud may write a number in its own way.
fn same(field: Field, a: Option<&String>, b: Option<&String>) -> bool {
    let digits = |text: &String| text.chars().filter(|c| c.is_ascii_alphanumeric() || *c == '+').collect();
    match field {
        Field::PhoneWork | Field::PhoneMobile | Field::PhoneFax => {
            a.map(digits) as Option<String> == b.map(digits)
        }
        _ => a == b,
    }
}

/// A contact as the cloud shows it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CloudContact {
    /// The cloud's id.
    pub id: CloudId,
    /// Its values.
    pub contact: Contact,
}

/// The link from a contact of the directory to one of the cloud.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ContactLink {
    /// Which.
    pub anchor: SourceId,
    /// The contact in the cloud.
    pub cloud_id: CloudId,
    /// The DN as last read.
    pub dn: String,
    /// The record whose wishes are completely confirmed; [`Fingerprint::NONE`] while anything is open.
    pub record: Fingerprint,
    /// What the cloud confirmed.
    pub applied: Contact,
    /// How it became ours. Only what we created is ever deleted.
    pub origin: Origin,
}

#[cfg(test)]
mod tests {
    use super::*;

    fn contact(email: Option<&str>, values: &[(Field, &str)]) -> Contact {
        Contact {
            email: email.map(|email| email.parse().unwrap()),
            profile: values.iter().map(|(field, value)| (*field, (*value).to_owned())).collect(),
        }
    }

    #[test]
    fn what_differs_leads_from_one_to_the_other() {
        let old = contact(Some("a@x.test"), &[(Field::DisplayName, "Ann"), (Field::Title, "Buyer")]);
        let new = contact(None, &[(Field::DisplayName, "Ann Lee"), (Field::PhoneWork, "+44 113 496")]);
        let changes = old.changes_to(&new);
        assert_eq!(changes.len(), 4, "{changes:?}");
        let action = Action {
            kind: crate::model::Kind::ContactUpdate,
            anchor: SourceId::new([1; 16]),
            who: crate::model::Who::Contact("Ann".into()),
            dn: None,
            cloud_id: None,
            changes,
            cause: crate::model::Cause::Desired,
        };
        assert_eq!(old.after(&action), new);
        let spelt = contact(None, &[(Field::DisplayName, "Ann Lee"), (Field::PhoneWork, "+44113496")]);
        assert_eq!(new.changes_to(&spelt), [], "a number in another spelling is the same number");
        assert_eq!((old.identity(), new.identity()), ("a@x.test".into(), "ann lee".into()));
        let [ascii, native] =
            ["X@xn--bcher-kva.example", "x@bücher.example"].map(|one| contact(Some(one), &[]).identity());
        assert_eq!(ascii, native, "one mailbox");
    }
}
