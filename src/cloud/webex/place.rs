//! Which attribute of Webex's SCIM user each of our fields is.

use crate::model::Field;

/// The schema of a SCIM user.
pub(super) const CORE: &str = "urn:ietf:params:scim:schemas:core:2.0:User";
/// The enterprise extension.
pub(super) const ENTERPRISE: &str = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User";
/// The Webex extension.
pub(super) const CISCO: &str = "urn:scim:schemas:extension:cisco:webexidentity:2.0:User";

/// Where a field lives.
pub(super) enum Place {
    /// A core attribute.
    Core(&'static str),
    /// A part of `name`.
    Name(&'static str),
    /// An attribute of the enterprise extension.
    Enterprise(&'static str),
    /// The manager in the enterprise extension, by id.
    Manager,
    /// A list of texts in the Webex extension, of which we keep the first.
    Extension(&'static str),
    /// A boolean of the Webex extension.
    Flag(&'static str),
    /// The value of `pronouns` in the Webex extension.
    Pronouns,
    /// The value of one element of a list.
    Element(Element),
    /// A part of the address of a kind.
    Address(Postal, &'static str),
    /// Beside the account, see `calling_behavior.rs`.
    Beside,
}

/// Which postal address.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Postal {
    /// Type `work`.
    Work,
    /// Type `home`.
    Home,
    /// Type `other`.
    Other,
}

impl Postal {
    /// All of them.
    pub(super) const ALL: [Self; 3] = [Self::Work, Self::Home, Self::Other];

    /// The type of the element.
    pub(super) const fn kind(self) -> &'static str {
        match self {
            Self::Work => "work",
            Self::Home => "home",
            Self::Other => "other",
        }
    }
}

/// A list of marked values.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum List {
    /// `emails`.
    Emails,
    /// `phoneNumbers`.
    Phones,
    /// `photos`.
    Photos,
    /// `ims`.
    Ims,
    /// `x509Certificates`.
    Certificates,
    /// `sipAddresses` of the Webex extension.
    Sip,
    /// The `externalAttribute` with this number, from 1 to 15, of the Webex extension.
    External(usize),
}

impl List {
    /// The name of the attribute in its schema.
    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::Emails => "emails",
            Self::Phones => "phoneNumbers",
            Self::Photos => "photos",
            Self::Ims => "ims",
            Self::Certificates => "x509Certificates",
            Self::Sip => "sipAddresses",
            Self::External(number) => EXTERNAL[number - 1],
        }
    }

    /// Whether the attribute belongs to the Webex extension.
    pub(super) const fn is_extension(self) -> bool {
        matches!(self, Self::Sip | Self::External(_))
    }

    /// The path of the attribute in a patch.
    pub(super) fn path(self) -> String {
        if self.is_extension() { format!("{CISCO}:{}", self.name()) } else { self.name().into() }
    }
}

const EXTERNAL: [&str; 15] = [
    "externalAttribute1",
    "externalAttribute2",
    "externalAttribute3",
    "externalAttribute4",
    "externalAttribute5",
    "externalAttribute6",
    "externalAttribute7",
    "externalAttribute8",
    "externalAttribute9",
    "externalAttribute10",
    "externalAttribute11",
    "externalAttribute12",
    "externalAttribute13",
    "externalAttribute14",
    "externalAttribute15",
];

/// One element of a list, by what marks it as the one we keep.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Element {
    pub(super) list: List,
    /// What it says besides its value. The last of it tells it from all others.
    pub(super) marks: &'static [(&'static str, &'static str)],
}

impl Element {
    const fn of(list: List, marks: &'static [(&'static str, &'static str)]) -> Place {
        Place::Element(Self { list, marks })
    }

    /// What other programs wrote has another source.
    const fn external(number: usize) -> Place {
        Self::of(List::External(number), &[("source", "dirsyncd")])
    }

    /// The path of this element in a patch.
    pub(super) fn path(self) -> String {
        let (key, mark) = self.marks.last().copied().unwrap_or_default();
        format!(r#"{}[{key} eq "{mark}"]"#, self.list.path())
    }

    /// Whether an element that says this is the one.
    pub(super) fn is<'a>(self, says: impl Fn(&str) -> Option<&'a str>) -> bool {
        self.marks.iter().all(|(key, mark)| says(key).is_some_and(|said| said.eq_ignore_ascii_case(mark)))
    }
}

/// Where a field lives in Webex; the documentation of [`Field`] says the same in words.
///
/// The type `other` of an e-mail address may stand for anything that others wrote. Those that we keep
/// bear a name, so that each is found again when one of them goes; so do certificates, which have no type.
pub(super) const fn place(field: Field) -> Place {
    match field {
        Field::GivenName => Place::Name("givenName"),
        Field::MiddleName => Place::Name("middleName"),
        Field::FamilyName => Place::Name("familyName"),
        Field::HonorificPrefix => Place::Name("honorificPrefix"),
        Field::HonorificSuffix => Place::Name("honorificSuffix"),
        Field::DisplayName => Place::Core("displayName"),
        Field::NickName => Place::Core("nickName"),
        Field::Pronouns => Place::Pronouns,
        Field::Title => Place::Core("title"),
        Field::Department => Place::Enterprise("department"),
        Field::Division => Place::Enterprise("division"),
        Field::Organization => Place::Enterprise("organization"),
        Field::EmployeeNumber => Place::Enterprise("employeeNumber"),
        Field::CostCenter => Place::Enterprise("costCenter"),
        Field::Manager => Place::Manager,
        Field::PreferredLanguage => Place::Core("preferredLanguage"),
        Field::Locale => Place::Core("locale"),
        Field::Timezone => Place::Core("timezone"),
        Field::EmailHome => Element::of(List::Emails, &[("type", "home")]),
        Field::EmailAlias1 => Element::of(List::Emails, &[("type", "other"), ("display", "alias 1")]),
        Field::EmailAlias2 => Element::of(List::Emails, &[("type", "other"), ("display", "alias 2")]),
        Field::EmailAlias3 => Element::of(List::Emails, &[("type", "other"), ("display", "alias 3")]),
        Field::EmailAlias4 => Element::of(List::Emails, &[("type", "other"), ("display", "alias 4")]),
        Field::PhoneWork => Element::of(List::Phones, &[("type", "work")]),
        Field::PhoneMobile => Element::of(List::Phones, &[("type", "mobile")]),
        Field::PhoneFax => Element::of(List::Phones, &[("type", "fax")]),
        Field::PhoneAlternate1 => Element::of(List::Phones, &[("type", "alternate1")]),
        Field::PhoneAlternate2 => Element::of(List::Phones, &[("type", "alternate2")]),
        Field::Street => Place::Address(Postal::Work, "streetAddress"),
        Field::City => Place::Address(Postal::Work, "locality"),
        Field::Region => Place::Address(Postal::Work, "region"),
        Field::PostalCode => Place::Address(Postal::Work, "postalCode"),
        Field::Country => Place::Address(Postal::Work, "country"),
        Field::HomeStreet => Place::Address(Postal::Home, "streetAddress"),
        Field::HomeCity => Place::Address(Postal::Home, "locality"),
        Field::HomeRegion => Place::Address(Postal::Home, "region"),
        Field::HomePostalCode => Place::Address(Postal::Home, "postalCode"),
        Field::HomeCountry => Place::Address(Postal::Home, "country"),
        Field::ProfileUrl => Place::Core("profileUrl"),
        Field::PhotoUrl => Element::of(List::Photos, &[("type", "photo")]),
        Field::ThumbnailUrl => Element::of(List::Photos, &[("type", "thumbnail")]),
        Field::SipAddress => Element::of(List::Sip, &[("type", "enterprise")]),
        Field::JabberTeams => Place::Flag("isTeamsOnJabberEnabled"),
        Field::JabberCalling => Place::Flag("isUCCallOnJabberEnabled"),
        Field::Extension1 => Place::Extension("extensionAttribute1"),
        Field::Extension2 => Place::Extension("extensionAttribute2"),
        Field::Extension3 => Place::Extension("extensionAttribute3"),
        Field::Extension4 => Place::Extension("extensionAttribute4"),
        Field::Extension5 => Place::Extension("extensionAttribute5"),
        Field::Extension6 => Place::Extension("extensionAttribute6"),
        Field::Extension7 => Place::Extension("extensionAttribute7"),
        Field::Extension8 => Place::Extension("extensionAttribute8"),
        Field::Extension9 => Place::Extension("extensionAttribute9"),
        Field::Extension10 => Place::Extension("extensionAttribute10"),
        Field::Extension11 => Place::Extension("extensionAttribute11"),
        Field::Extension12 => Place::Extension("extensionAttribute12"),
        Field::Extension13 => Place::Extension("extensionAttribute13"),
        Field::Extension14 => Place::Extension("extensionAttribute14"),
        Field::Extension15 => Place::Extension("extensionAttribute15"),
        Field::OtherStreet => Place::Address(Postal::Other, "streetAddress"),
        Field::OtherCity => Place::Address(Postal::Other, "locality"),
        Field::OtherRegion => Place::Address(Postal::Other, "region"),
        Field::OtherPostalCode => Place::Address(Postal::Other, "postalCode"),
        Field::OtherCountry => Place::Address(Postal::Other, "country"),
        Field::ResizableUrl => Element::of(List::Photos, &[("type", "resizable")]),
        Field::ImXmpp => Element::of(List::Ims, &[("type", "xmpp")]),
        Field::ImSkype => Element::of(List::Ims, &[("type", "skype")]),
        Field::ImQq => Element::of(List::Ims, &[("type", "qq")]),
        Field::Certificate1 => Element::of(List::Certificates, &[("display", "certificate 1")]),
        Field::Certificate2 => Element::of(List::Certificates, &[("display", "certificate 2")]),
        Field::Certificate3 => Element::of(List::Certificates, &[("display", "certificate 3")]),
        Field::External1 => Element::external(1),
        Field::External2 => Element::external(2),
        Field::External3 => Element::external(3),
        Field::External4 => Element::external(4),
        Field::External5 => Element::external(5),
        Field::External6 => Element::external(6),
        Field::External7 => Element::external(7),
        Field::External8 => Element::external(8),
        Field::External9 => Element::external(9),
        Field::External10 => Element::external(10),
        Field::External11 => Element::external(11),
        Field::External12 => Element::external(12),
        Field::External13 => Element::external(13),
        Field::External14 => Element::external(14),
        Field::External15 => Element::external(15),
        Field::CallingBehavior | Field::UcProfile => Place::Beside,
    }
}
