//! The canonical person: what the cloud should hold, in our words.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use super::{Email, Fingerprint, Hasher, LicenseId, Line, RoleId};

macro_rules! fields {
    ($($(#[$doc:meta])* $variant:ident = $name:literal, max $max:literal;)*) => {
        /// One attribute of a person in the cloud. Every attribute is one text: lists of
        /// the cloud (phones, addresses) are named one entry at a time, which keeps
        /// mapping, comparison, history and undo the same for all.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        #[repr(u8)]
        pub enum Field { $($(#[$doc])* $variant,)* }

        impl Field {
            /// All fields, in their order of display.
            pub const ALL: &[Self] = &[$(Self::$variant,)*];

            /// The name used in configuration, plans, JSON and history.
            pub const fn name(self) -> &'static str {
                match self { $(Self::$variant => $name,)* }
            }

            /// The longest text that the cloud accepts, in characters.
            pub const fn max_len(self) -> usize {
                match self { $(Self::$variant => $max,)* }
            }
        }
    };
}

fields! {
    /// SCIM `name.givenName`.
    GivenName = "given_name", max 256;
    /// SCIM `name.middleName`.
    MiddleName = "middle_name", max 256;
    /// SCIM `name.familyName`.
    FamilyName = "family_name", max 256;
    /// SCIM `displayName`.
    DisplayName = "display_name", max 512;
    /// SCIM `nickName`.
    NickName = "nick_name", max 256;
    /// SCIM `title`.
    Title = "title", max 512;
    /// Enterprise extension `department`.
    Department = "department", max 512;
    /// Enterprise extension `division`.
    Division = "division", max 512;
    /// Enterprise extension `organization`.
    Organization = "organization", max 512;
    /// Enterprise extension `employeeNumber`.
    EmployeeNumber = "employee_number", max 256;
    /// Enterprise extension `costCenter`.
    CostCenter = "cost_center", max 256;
    /// SCIM `preferredLanguage`, `ll_CC`.
    PreferredLanguage = "preferred_language", max 32;
    /// SCIM `timezone`, an IANA name.
    Timezone = "timezone", max 64;
    /// SCIM `phoneNumbers[type eq "work"]`. Owned by Webex Calling for calling people.
    PhoneWork = "phone_work", max 256;
    /// SCIM `phoneNumbers[type eq "mobile"]`.
    PhoneMobile = "phone_mobile", max 256;
    /// SCIM `phoneNumbers[type eq "fax"]`.
    PhoneFax = "phone_fax", max 256;
    /// SCIM `addresses[type eq "work"].streetAddress`.
    Street = "street", max 512;
    /// SCIM `addresses[type eq "work"].locality`.
    City = "city", max 128;
    /// SCIM `addresses[type eq "work"].region`.
    Region = "region", max 64;
    /// SCIM `addresses[type eq "work"].postalCode`.
    PostalCode = "postal_code", max 64;
    /// SCIM `addresses[type eq "work"].country`.
    Country = "country", max 64;
    /// SCIM `profileUrl`.
    ProfileUrl = "profile_url", max 1000;
    /// Webex extension `sipAddresses[type eq "enterprise"]`.
    SipAddress = "sip_address", max 256;
    /// Webex extension `extensionAttribute1`.
    Extension1 = "extension_attribute_1", max 256;
    /// Webex extension `extensionAttribute2`.
    Extension2 = "extension_attribute_2", max 256;
    /// Webex extension `extensionAttribute3`.
    Extension3 = "extension_attribute_3", max 256;
    /// Webex extension `extensionAttribute4`.
    Extension4 = "extension_attribute_4", max 256;
    /// Webex extension `extensionAttribute5`.
    Extension5 = "extension_attribute_5", max 256;
}

impl fmt::Display for Field {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

impl FromStr for Field {
    type Err = String;

    fn from_str(name: &str) -> Result<Self, String> {
        Self::ALL
            .iter()
            .copied()
            .find(|field| field.name() == name)
            .ok_or_else(|| format!("no such attribute of a person: {name}"))
    }
}

impl Serialize for Field {
    fn serialize<S: serde::Serializer>(&self, s: S) -> Result<S::Ok, S::Error> {
        s.serialize_str(self.name())
    }
}

impl<'de> Deserialize<'de> for Field {
    fn deserialize<D: serde::Deserializer<'de>>(d: D) -> Result<Self, D::Error> {
        let name = std::borrow::Cow::<'de, str>::deserialize(d)?;
        name.parse().map_err(serde::de::Error::custom)
    }
}

/// A set of fields: which attributes the rules manage. What is not in it is left alone.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct FieldSet(u64);

impl FieldSet {
    /// Adds a field.
    pub const fn with(self, field: Field) -> Self {
        Self(self.0 | 1 << field as u8)
    }

    /// Removes a field.
    pub const fn without(self, field: Field) -> Self {
        Self(self.0 & !(1 << field as u8))
    }

    /// Whether the field is in the set.
    pub const fn contains(self, field: Field) -> bool {
        self.0 & 1 << field as u8 != 0
    }

    /// The fields, in order.
    pub fn iter(self) -> impl Iterator<Item = Field> {
        Field::ALL.iter().copied().filter(move |field| self.contains(*field))
    }
}

impl FromIterator<Field> for FieldSet {
    fn from_iter<I: IntoIterator<Item = Field>>(fields: I) -> Self {
        fields.into_iter().fold(Self::default(), Self::with)
    }
}

/// The attribute values of a person. An absent field is an empty attribute.
pub type Profile = BTreeMap<Field, String>;

/// What the cloud should hold, or what we last confirmed that it holds, for one person.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Person {
    /// The user name, which in Webex is the primary work address.
    pub email: Email,
    /// Whether the person may log in.
    pub active: bool,
    /// Attribute values; only managed fields.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub profile: Profile,
    /// Licences: in desired, those the rules give; in the snapshot, those of them that the
    /// cloud confirmed, whoever gave them: not what is held besides.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub licenses: BTreeSet<LicenseId>,
    /// Administrator roles, in the same way.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub roles: BTreeSet<RoleId>,
    /// The telephone that goes with a calling licence: in desired, what the rules make of it; in
    /// the snapshot, what was given. Webex keeps it from then on, and it is never compared.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub telephone: Option<Box<Line>>,
}

impl Person {
    /// The digest of identity, managed attributes and managed roles, comparable between what
    /// we applied and what a listing of the cloud shows. Licences are not in it: the listing
    /// does not show them.
    pub fn fingerprint(&self, external_id: &str, managed: &Managed) -> Fingerprint {
        digest(&self.email, self.active, external_id, &self.profile, &self.roles, managed)
    }
}

/// What the rules are in charge of. Everything else in the cloud is left alone.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Managed {
    /// Attributes that are mapped.
    pub fields: FieldSet,
    /// Licences that a rule can give.
    pub licenses: BTreeSet<LicenseId>,
    /// Roles that a rule can give.
    pub roles: BTreeSet<RoleId>,
}

/// The digest behind [`Person::fingerprint`], also for accounts that were only read.
pub(super) fn digest(
    email: &Email,
    active: bool,
    external_id: &str,
    profile: &Profile,
    roles: &BTreeSet<RoleId>,
    managed: &Managed,
) -> Fingerprint {
    let mut h = Hasher::seeded(Fingerprint::NONE);
    h.part(&email.key().0);
    h.part(&[u8::from(active)]);
    h.part(external_id.as_bytes());
    for (field, value) in profile {
        if managed.fields.contains(*field) {
            h.part(&[*field as u8]);
            h.part(value.as_bytes());
        }
    }
    for role in roles.intersection(&managed.roles) {
        h.part(role.as_str().as_bytes());
    }
    h.finish()
}

/// The digest of a set of licences, built one by one in any order: exclusive or of the
/// digests of the ids. Zero for none.
pub fn license_digest<'a>(licenses: impl IntoIterator<Item = &'a LicenseId>) -> u64 {
    licenses.into_iter().fold(0, |sum, id| sum ^ xxhash_rust::xxh3::xxh3_64(id.as_str().as_bytes()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn field_names_are_unique_and_parse_back() {
        for field in Field::ALL {
            assert_eq!(field.name().parse::<Field>(), Ok(*field));
        }
        assert!(Field::ALL.len() <= 64, "FieldSet is one machine word");
    }

    #[test]
    fn a_set_holds_what_was_put_in() {
        let set: FieldSet = [Field::Title, Field::PhoneWork].into_iter().collect();
        assert_eq!(set.iter().collect::<Vec<_>>(), [Field::Title, Field::PhoneWork]);
        assert!(!set.without(Field::Title).contains(Field::Title));
    }
}
