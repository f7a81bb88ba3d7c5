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
    Address(Home, &'static str),
}

/// Which postal address.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Home {
    /// Type `work`.
    Work,
    /// Type `home`.
    Home,
}

impl Home {
    /// Both.
    pub(super) const ALL: [Self; 2] = [Self::Work, Self::Home];

    /// The type of the element.
    pub(super) const fn kind(self) -> &'static str {
        match self {
            Self::Work => "work",
            Self::Home => "home",
        }
    }
}

/// A list of typed values.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum List {
    /// `emails`.
    Emails,
    /// `phoneNumbers`.
    Phones,
    /// `photos`.
    Photos,
    /// `sipAddresses` of the Webex extension.
    Sip,
}

impl List {
    /// The name of the attribute in its schema.
    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::Emails => "emails",
            Self::Phones => "phoneNumbers",
            Self::Photos => "photos",
            Self::Sip => "sipAddresses",
        }
    }

    /// The path of the attribute in a patch.
    pub(super) fn path(self) -> String {
        match self {
            Self::Sip => format!("{CISCO}:{}", self.name()),
            Self::Emails | Self::Phones | Self::Photos => self.name().into(),
        }
    }
}

/// One element of a list, by what marks it as the one we keep.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Element {
    pub(super) list: List,
    /// Its type.
    pub(super) kind: &'static str,
    /// Its display name, where the type alone does not tell it from others.
    pub(super) display: Option<&'static str>,
}

impl Element {
    const fn of(list: List, kind: &'static str) -> Place {
        Place::Element(Self { list, kind, display: None })
    }

    /// The type `other` may stand for anything that others wrote. Those that we keep bear a name,
    /// so that each is found again when one of them goes.
    const fn alias(display: &'static str) -> Place {
        Place::Element(Self { list: List::Emails, kind: "other", display: Some(display) })
    }

    /// The path of this element in a patch.
    pub(super) fn path(self) -> String {
        let list = self.list.path();
        match self.display {
            Some(display) => format!(r#"{list}[display eq "{display}"]"#),
            None => format!(r#"{list}[type eq "{}"]"#, self.kind),
        }
    }

    /// Whether an element with this type and display name is the one.
    pub(super) fn is(self, kind: Option<&str>, display: Option<&str>) -> bool {
        kind.is_some_and(|kind| kind.eq_ignore_ascii_case(self.kind))
            && self.display.is_none_or(|wanted| display.is_some_and(|have| have.eq_ignore_ascii_case(wanted)))
    }
}

/// Where a field lives in Webex; the documentation of [`Field`] says the same in words.
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
        Field::EmailHome => Element::of(List::Emails, "home"),
        Field::EmailAlias1 => Element::alias("alias 1"),
        Field::EmailAlias2 => Element::alias("alias 2"),
        Field::EmailAlias3 => Element::alias("alias 3"),
        Field::EmailAlias4 => Element::alias("alias 4"),
        Field::PhoneWork => Element::of(List::Phones, "work"),
        Field::PhoneMobile => Element::of(List::Phones, "mobile"),
        Field::PhoneFax => Element::of(List::Phones, "fax"),
        Field::PhoneAlternate1 => Element::of(List::Phones, "alternate1"),
        Field::PhoneAlternate2 => Element::of(List::Phones, "alternate2"),
        Field::Street => Place::Address(Home::Work, "streetAddress"),
        Field::City => Place::Address(Home::Work, "locality"),
        Field::Region => Place::Address(Home::Work, "region"),
        Field::PostalCode => Place::Address(Home::Work, "postalCode"),
        Field::Country => Place::Address(Home::Work, "country"),
        Field::HomeStreet => Place::Address(Home::Home, "streetAddress"),
        Field::HomeCity => Place::Address(Home::Home, "locality"),
        Field::HomeRegion => Place::Address(Home::Home, "region"),
        Field::HomePostalCode => Place::Address(Home::Home, "postalCode"),
        Field::HomeCountry => Place::Address(Home::Home, "country"),
        Field::ProfileUrl => Place::Core("profileUrl"),
        Field::PhotoUrl => Element::of(List::Photos, "photo"),
        Field::ThumbnailUrl => Element::of(List::Photos, "thumbnail"),
        Field::SipAddress => Element::of(List::Sip, "enterprise"),
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
    }
}
