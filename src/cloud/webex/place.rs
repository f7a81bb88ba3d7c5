//! Which attribute of Webex's SCIM user each of our fields is.

use crate::model::Field;

/// The schema of a SCIM user.
pub(super) const CORE: &str = "urn:ietf:params:scim:schemas:core:2.0:User";
/// The enterprise extension.
pub(super) const ENTERPRISE: &str = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User";
/// The Webex extension.
pub(super) const CISCO: &str = "urn:scim:schemas:extension:cisco:webexidentity:2.0:User";

/// The phones that we keep, by the type of their element.
pub(super) const PHONES: [(Field, &str); 3] =
    [(Field::PhoneWork, "work"), (Field::PhoneMobile, "mobile"), (Field::PhoneFax, "fax")];

/// The parts of the work address.
const ADDRESS: [(Field, &str); 5] = [
    (Field::Street, "streetAddress"),
    (Field::City, "locality"),
    (Field::Region, "region"),
    (Field::PostalCode, "postalCode"),
    (Field::Country, "country"),
];

/// Where a field lives.
pub(super) enum Place {
    /// A core attribute.
    Core(&'static str),
    /// A part of `name`.
    Name(&'static str),
    /// An attribute of the enterprise extension.
    Enterprise(&'static str),
    /// A list of texts in the Webex extension, of which we keep the first.
    Extension(&'static str),
    /// The phone of a type.
    Phone(&'static str),
    /// A part of the work address.
    Address(&'static str),
    /// The enterprise SIP address.
    Sip,
}

/// Where a field lives in Webex; the documentation of [`Field`] says the same in words.
pub(super) const fn place(field: Field) -> Place {
    match field {
        Field::GivenName => Place::Name("givenName"),
        Field::MiddleName => Place::Name("middleName"),
        Field::FamilyName => Place::Name("familyName"),
        Field::DisplayName => Place::Core("displayName"),
        Field::NickName => Place::Core("nickName"),
        Field::Title => Place::Core("title"),
        Field::Department => Place::Enterprise("department"),
        Field::Division => Place::Enterprise("division"),
        Field::Organization => Place::Enterprise("organization"),
        Field::EmployeeNumber => Place::Enterprise("employeeNumber"),
        Field::CostCenter => Place::Enterprise("costCenter"),
        Field::PreferredLanguage => Place::Core("preferredLanguage"),
        Field::Timezone => Place::Core("timezone"),
        Field::ProfileUrl => Place::Core("profileUrl"),
        Field::PhoneWork => Place::Phone(PHONES[0].1),
        Field::PhoneMobile => Place::Phone(PHONES[1].1),
        Field::PhoneFax => Place::Phone(PHONES[2].1),
        Field::Street => Place::Address(ADDRESS[0].1),
        Field::City => Place::Address(ADDRESS[1].1),
        Field::Region => Place::Address(ADDRESS[2].1),
        Field::PostalCode => Place::Address(ADDRESS[3].1),
        Field::Country => Place::Address(ADDRESS[4].1),
        Field::SipAddress => Place::Sip,
        Field::Extension1 => Place::Extension("extensionAttribute1"),
        Field::Extension2 => Place::Extension("extensionAttribute2"),
        Field::Extension3 => Place::Extension("extensionAttribute3"),
        Field::Extension4 => Place::Extension("extensionAttribute4"),
        Field::Extension5 => Place::Extension("extensionAttribute5"),
    }
}
