//! The attributes of a person that the cloud can hold, by name, and sets of them.
//!
//! The order here is the order of display. The discriminants are part of digests that the store
//! keeps: whoever reorders makes one observation find everybody changed, and nothing to write.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

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

            /// The field of that name. Rows of people are read by it, so it compares no more than it must.
            fn named(name: &str) -> Option<Self> {
                match name { $($name => Some(Self::$variant),)* _ => None }
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
    /// SCIM `name.honorificPrefix`.
    HonorificPrefix = "honorific_prefix", max 256;
    /// SCIM `name.honorificSuffix`.
    HonorificSuffix = "honorific_suffix", max 256;
    /// SCIM `displayName`.
    DisplayName = "display_name", max 512;
    /// SCIM `nickName`.
    NickName = "nick_name", max 256;
    /// Webex extension `pronouns.value`. Who may see them is left to the person.
    Pronouns = "pronouns", max 256;
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
    /// Enterprise extension `manager`. The rules give a DN; what the cloud holds, and everything
    /// behind the rules, is the cloud id of the account of whoever stands there.
    Manager = "manager", max 1000;
    /// SCIM `preferredLanguage`, `ll_CC`.
    PreferredLanguage = "preferred_language", max 32;
    /// SCIM `locale`, `ll_CC`.
    Locale = "locale", max 32;
    /// SCIM `timezone`, an IANA name.
    Timezone = "timezone", max 64;
    /// SCIM `emails[type eq "home"]`.
    EmailHome = "email_home", max 254;
    /// SCIM `emails[display eq "alias 1"]`, of type `other`.
    EmailAlias1 = "email_alias_1", max 254;
    /// SCIM `emails[display eq "alias 2"]`, of type `other`.
    EmailAlias2 = "email_alias_2", max 254;
    /// SCIM `emails[display eq "alias 3"]`, of type `other`.
    EmailAlias3 = "email_alias_3", max 254;
    /// SCIM `emails[display eq "alias 4"]`, of type `other`.
    EmailAlias4 = "email_alias_4", max 254;
    /// SCIM `phoneNumbers[type eq "work"]`. Owned by Webex Calling for calling people.
    PhoneWork = "phone_work", max 256;
    /// SCIM `phoneNumbers[type eq "mobile"]`.
    PhoneMobile = "phone_mobile", max 256;
    /// SCIM `phoneNumbers[type eq "fax"]`.
    PhoneFax = "phone_fax", max 256;
    /// SCIM `phoneNumbers[type eq "alternate1"]`.
    PhoneAlternate1 = "phone_alternate_1", max 256;
    /// SCIM `phoneNumbers[type eq "alternate2"]`.
    PhoneAlternate2 = "phone_alternate_2", max 256;
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
    /// SCIM `addresses[type eq "home"].streetAddress`.
    HomeStreet = "home_street", max 512;
    /// SCIM `addresses[type eq "home"].locality`.
    HomeCity = "home_city", max 128;
    /// SCIM `addresses[type eq "home"].region`.
    HomeRegion = "home_region", max 64;
    /// SCIM `addresses[type eq "home"].postalCode`.
    HomePostalCode = "home_postal_code", max 64;
    /// SCIM `addresses[type eq "home"].country`.
    HomeCountry = "home_country", max 64;
    /// SCIM `profileUrl`.
    ProfileUrl = "profile_url", max 1000;
    /// SCIM `photos[type eq "photo"]`: an address, as the cloud takes no pictures.
    PhotoUrl = "photo_url", max 1000;
    /// SCIM `photos[type eq "thumbnail"]`.
    ThumbnailUrl = "thumbnail_url", max 1000;
    /// Webex extension `sipAddresses[type eq "enterprise"]`.
    SipAddress = "sip_address", max 256;
    /// Webex extension `isTeamsOnJabberEnabled`: `true` or `false`.
    JabberTeams = "jabber_team_messaging", max 5;
    /// Webex extension `isUCCallOnJabberEnabled`: `true` or `false`.
    JabberCalling = "jabber_uc_calling", max 5;
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
    /// Webex extension `extensionAttribute6`.
    Extension6 = "extension_attribute_6", max 256;
    /// Webex extension `extensionAttribute7`.
    Extension7 = "extension_attribute_7", max 256;
    /// Webex extension `extensionAttribute8`.
    Extension8 = "extension_attribute_8", max 256;
    /// Webex extension `extensionAttribute9`.
    Extension9 = "extension_attribute_9", max 256;
    /// Webex extension `extensionAttribute10`.
    Extension10 = "extension_attribute_10", max 256;
    /// Webex extension `extensionAttribute11`.
    Extension11 = "extension_attribute_11", max 256;
    /// Webex extension `extensionAttribute12`.
    Extension12 = "extension_attribute_12", max 256;
    /// Webex extension `extensionAttribute13`.
    Extension13 = "extension_attribute_13", max 256;
    /// Webex extension `extensionAttribute14`.
    Extension14 = "extension_attribute_14", max 256;
    /// Webex extension `extensionAttribute15`.
    Extension15 = "extension_attribute_15", max 256;
    /// SCIM `addresses[type eq "other"].streetAddress`.
    OtherStreet = "other_street", max 512;
    /// SCIM `addresses[type eq "other"].locality`.
    OtherCity = "other_city", max 128;
    /// SCIM `addresses[type eq "other"].region`.
    OtherRegion = "other_region", max 64;
    /// SCIM `addresses[type eq "other"].postalCode`.
    OtherPostalCode = "other_postal_code", max 64;
    /// SCIM `addresses[type eq "other"].country`.
    OtherCountry = "other_country", max 64;
    /// SCIM `photos[type eq "resizable"]`.
    ResizableUrl = "resizable_url", max 1000;
    /// SCIM `ims[type eq "xmpp"]`.
    ImXmpp = "im_xmpp", max 1000;
    /// SCIM `ims[type eq "skype"]`.
    ImSkype = "im_skype", max 1000;
    /// SCIM `ims[type eq "qq"]`.
    ImQq = "im_qq", max 1000;
    /// SCIM `x509Certificates[display eq "certificate 1"]`: DER in base64.
    Certificate1 = "certificate_1", max 4000;
    /// SCIM `x509Certificates[display eq "certificate 2"]`: DER in base64.
    Certificate2 = "certificate_2", max 4000;
    /// SCIM `x509Certificates[display eq "certificate 3"]`: DER in base64.
    Certificate3 = "certificate_3", max 4000;
    /// Webex extension `externalAttribute1[source eq "dirsyncd"]`.
    External1 = "external_attribute_1", max 1000;
    /// Webex extension `externalAttribute2[source eq "dirsyncd"]`.
    External2 = "external_attribute_2", max 1000;
    /// Webex extension `externalAttribute3[source eq "dirsyncd"]`.
    External3 = "external_attribute_3", max 1000;
    /// Webex extension `externalAttribute4[source eq "dirsyncd"]`.
    External4 = "external_attribute_4", max 1000;
    /// Webex extension `externalAttribute5[source eq "dirsyncd"]`.
    External5 = "external_attribute_5", max 1000;
    /// Webex extension `externalAttribute6[source eq "dirsyncd"]`.
    External6 = "external_attribute_6", max 1000;
    /// Webex extension `externalAttribute7[source eq "dirsyncd"]`.
    External7 = "external_attribute_7", max 1000;
    /// Webex extension `externalAttribute8[source eq "dirsyncd"]`.
    External8 = "external_attribute_8", max 1000;
    /// Webex extension `externalAttribute9[source eq "dirsyncd"]`.
    External9 = "external_attribute_9", max 1000;
    /// Webex extension `externalAttribute10[source eq "dirsyncd"]`.
    External10 = "external_attribute_10", max 1000;
    /// Webex extension `externalAttribute11[source eq "dirsyncd"]`.
    External11 = "external_attribute_11", max 1000;
    /// Webex extension `externalAttribute12[source eq "dirsyncd"]`.
    External12 = "external_attribute_12", max 1000;
    /// Webex extension `externalAttribute13[source eq "dirsyncd"]`.
    External13 = "external_attribute_13", max 1000;
    /// Webex extension `externalAttribute14[source eq "dirsyncd"]`.
    External14 = "external_attribute_14", max 1000;
    /// Webex extension `externalAttribute15[source eq "dirsyncd"]`.
    External15 = "external_attribute_15", max 1000;
    /// The calling behaviour of the person, one of [`CALLING_BEHAVIORS`]; a setting.
    CallingBehavior = "calling_behavior", max 16;
    /// The UC Manager profile of the person, by name or id; a setting.
    UcProfile = "uc_profile", max 256;
}

/// The e-mail addresses besides the user name.
pub const ADDRESSES: [Field; 5] =
    [Field::EmailHome, Field::EmailAlias1, Field::EmailAlias2, Field::EmailAlias3, Field::EmailAlias4];

/// What [`Field::CallingBehavior`] can be: with which application people call.
pub const CALLING_BEHAVIORS: [&str; 5] = ["webex", "webex_calling", "unified_cm", "jabber", "third_party"];

/// The value of a setting of which nobody knows whether a write reached it. No rule makes it, so that
/// whatever a rule makes is written.
pub const UNSURE: &str = "";

impl Field {
    /// Those that are settings.
    pub const SETTINGS: [Self; 2] = [Self::CallingBehavior, Self::UcProfile];

    /// Whether the cloud keeps it beside the account, where a listing does not show it: what it says is
    /// then what we last wrote, and it is written in a call of its own.
    pub const fn is_setting(self) -> bool {
        matches!(self, Self::CallingBehavior | Self::UcProfile)
    }
}

impl fmt::Display for Field {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

impl FromStr for Field {
    type Err = String;

    fn from_str(name: &str) -> Result<Self, String> {
        Self::named(name).ok_or_else(|| format!("no such attribute of a person: {name}"))
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
pub struct FieldSet(u128);

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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn field_names_are_unique_and_parse_back() {
        for field in Field::ALL {
            assert_eq!(field.name().parse::<Field>(), Ok(*field));
        }
        assert!(Field::ALL.len() <= 128, "FieldSet has a bit for each");
    }

    #[test]
    fn a_set_holds_what_was_put_in() {
        let set: FieldSet = [Field::Title, Field::PhoneWork].into_iter().collect();
        assert_eq!(set.iter().collect::<Vec<_>>(), [Field::Title, Field::PhoneWork]);
        assert!(!set.without(Field::Title).contains(Field::Title));
    }
}
