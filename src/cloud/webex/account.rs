//! A SCIM user becomes an account in our words.

use std::collections::BTreeSet;

use super::place::{List, Place, Postal, place};
use super::wire::{Address, Text, User};
use crate::model::{Account, AccountKind, CloudId, Field, Profile, RoleId};

const HOME_ADDRESS: [Field; 5] =
    [Field::HomeStreet, Field::HomeCity, Field::HomeRegion, Field::HomePostalCode, Field::HomeCountry];

const OTHER_ADDRESS: [Field; 5] =
    [Field::OtherStreet, Field::OtherCity, Field::OtherRegion, Field::OtherPostalCode, Field::OtherCountry];

const EXTENSIONS: [Field; 15] = [
    Field::Extension1,
    Field::Extension2,
    Field::Extension3,
    Field::Extension4,
    Field::Extension5,
    Field::Extension6,
    Field::Extension7,
    Field::Extension8,
    Field::Extension9,
    Field::Extension10,
    Field::Extension11,
    Field::Extension12,
    Field::Extension13,
    Field::Extension14,
    Field::Extension15,
];

/// SCIM's word for what an account stands for.
pub(super) const fn user_type(kind: AccountKind) -> &'static str {
    match kind {
        AccountKind::Person => "user",
        AccountKind::Room => "room",
    }
}

/// What a user stands for; `None` for calling services and the like, which share the listing. A user
/// without a type is a person.
fn kind(user: &User<'_>) -> Option<AccountKind> {
    let Some(kind) = &user.user_type else { return Some(AccountKind::Person) };
    [AccountKind::Person, AccountKind::Room]
        .into_iter()
        .find(|known| kind.0.eq_ignore_ascii_case(user_type(*known)))
}

/// Whether this is a person or a room.
pub(super) fn has_account(user: &User<'_>) -> bool {
    kind(user).is_some()
}

/// The account behind a SCIM user.
pub(super) fn account(mut user: User<'_>) -> Account {
    let kind = kind(&user).unwrap_or_default();
    let mut profile = Profile::new();
    let mut put = |field, text: Option<Text<'_>>| {
        if let Some(text) = text.filter(|text| !text.0.is_empty()) {
            profile.insert(field, text.0.into_owned());
        }
    };
    if let Some(name) = user.name {
        put(Field::GivenName, name.given_name);
        put(Field::MiddleName, name.middle_name);
        put(Field::FamilyName, name.family_name);
        put(Field::HonorificPrefix, name.honorific_prefix);
        put(Field::HonorificSuffix, name.honorific_suffix);
    }
    put(Field::DisplayName, user.display_name);
    put(Field::NickName, user.nick_name);
    put(Field::Title, user.title);
    put(Field::PreferredLanguage, user.preferred_language);
    put(Field::Locale, user.locale);
    put(Field::Timezone, user.timezone);
    put(Field::ProfileUrl, user.profile_url);
    if let Some(enterprise) = user.enterprise {
        put(Field::Department, enterprise.department);
        put(Field::Division, enterprise.division);
        put(Field::Organization, enterprise.organization);
        put(Field::EmployeeNumber, enterprise.employee_number);
        put(Field::CostCenter, enterprise.cost_center);
        put(Field::Manager, enterprise.manager.and_then(|manager| manager.value));
    }

    let calling_owns_work_phone = user.phone_numbers.0.iter().any(|phone| is(&phone.kind, "work_extension"));
    // The server's own e-mail is mostly the only one.
    let (mut emails, mut phones, mut photos) = (user.emails.0, user.phone_numbers.0, user.photos.0);
    let (mut ims, mut certificates) = (user.ims.0, user.certificates.0);
    let mut cisco = user.cisco;
    for field in Field::ALL {
        let Place::Element(element) = place(*field) else { continue };
        let list = match (element.list, &mut cisco) {
            (List::Emails, _) => &mut emails,
            (List::Phones, _) => &mut phones,
            (List::Photos, _) => &mut photos,
            (List::Ims, _) => &mut ims,
            (List::Certificates, _) => &mut certificates,
            (List::Sip, Some(cisco)) => &mut cisco.sip_addresses.0,
            (List::External(number), Some(cisco)) => match cisco.external(number) {
                Some(list) => list,
                None => continue,
            },
            (List::Sip | List::External(_), None) => continue,
        };
        let ours = list.iter_mut().filter(|one| {
            element.is(|key| match key {
                "type" => text(&one.kind),
                "display" => text(&one.display),
                _ => text(&one.source),
            })
        });
        put(*field, ours.filter_map(|one| one.value.take()).find(|value| !value.0.is_empty()));
    }
    for home in Postal::ALL {
        let found = user.addresses.0.iter_mut().find(|address| is(&address.kind, home.kind()));
        let Some(Address { street_address, locality, region, postal_code, country, .. }) = found else {
            continue;
        };
        let fields = match home {
            Postal::Work => [Field::Street, Field::City, Field::Region, Field::PostalCode, Field::Country],
            Postal::Home => HOME_ADDRESS,
            Postal::Other => OTHER_ADDRESS,
        };
        let parts = [street_address, locality, region, postal_code, country];
        fields.into_iter().zip(parts).for_each(|(field, part)| put(field, part.take()));
    }
    if let Some(mut cisco) = cisco {
        let extensions = cisco.take_extensions();
        put(Field::Pronouns, cisco.pronouns.and_then(|pronouns| pronouns.value));
        put(Field::JabberTeams, cisco.is_teams_on_jabber_enabled);
        put(Field::JabberCalling, cisco.is_uc_call_on_jabber_enabled);
        for (field, list) in EXTENSIONS.into_iter().zip(extensions) {
            put(field, list.0.into_iter().next());
        }
    }

    // `serviceRole` and `globalRole` are not administrators' business.
    let roles: BTreeSet<RoleId> = user
        .roles
        .0
        .into_iter()
        .filter(|role| role.kind.is_none() || is(&role.kind, "cirole"))
        .filter_map(|role| role.value.map(|value| RoleId::new(value.0.as_ref())))
        .collect();

    Account {
        id: CloudId::new(user.id.0.as_ref()),
        kind,
        email: user.user_name.and_then(|name| name.0.parse().ok()),
        external_id: user.external_id.map(|id| id.0.into_owned()).filter(|id| !id.is_empty()),
        active: user.active.is_none_or(|active| active.0),
        profile,
        roles,
        calling_owns_work_phone,
    }
}

fn is(kind: &Option<Text<'_>>, wanted: &str) -> bool {
    kind.as_ref().is_some_and(|kind| kind.0.eq_ignore_ascii_case(wanted))
}

fn text<'a>(text: &'a Option<Text<'_>>) -> Option<&'a str> {
    text.as_ref().map(|text| text.0.as_ref())
}

#[cfg(test)]
mod tests {
    use super::*;

    const BEN: &str = r#"{"schemas":["urn:ietf:params:scim:schemas:core:2.0:User"],
      "id":"aa000002-1111-4111-8111-000000000002","userName":"ben.okoro@lumenforge.example","active":true,
      "name":{"givenName":"Ben","familyName":"Okoro"},"displayName":"Ben Okoro",
      "emails":[{"value":"ben.okoro@lumenforge.example","type":"work","primary":true}],"userType":"user",
      "title":"Technician","preferredLanguage":"en_GB","externalId":"6f1d3c1e-ad-guid-0002","timezone":"Europe/London",
      "phoneNumbers":[{"value":"+441134960002","type":"work","primary":true},{"value":"+447700900002","type":"mobile"}],
      "addresses":[{"type":"home","locality":"York"},
                   {"type":"work","streetAddress":"1 Prism Row","locality":"Leeds","postalCode":"LS1 1AA","country":"GB"}],
      "roles":[{"value":"id_user_admin","type":"ciRole","display":"User administrator"},{"value":"other","type":"serviceRole"}],
      "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User":{"employeeNumber":"E-2002","department":"Optics",
        "costCenter":"CC-7","manager":{"value":"aa000001-1111-4111-8111-000000000001","displayName":"Ada Quill"}},
      "urn:scim:schemas:extension:cisco:webexidentity:2.0:User":{"accountStatus":["pending"],"extensionAttribute1":["src=ad1"],
        "sipAddresses":[{"type":"cloud-calling","value":"x@y"},{"type":"enterprise","value":"ben@sip.lumenforge.example"}],
        "meta":{"organizationId":"3d1f7a52-6a0e-4c58-9b7e-0a11ce000001"}},
      "meta":{"resourceType":"User","version":"W/\"20030040\""}}"#;

    #[test]
    fn every_attribute_lands_in_its_field() {
        let user: User<'_> = serde_json::from_str(BEN).unwrap();
        assert_eq!(kind(&user), Some(AccountKind::Person));
        let account = account(user);
        assert_eq!(account.id.as_str(), "aa000002-1111-4111-8111-000000000002");
        assert_eq!(account.email.as_ref().unwrap().as_str(), "ben.okoro@lumenforge.example");
        assert_eq!(account.external_id.as_deref(), Some("6f1d3c1e-ad-guid-0002"));
        assert!(account.active);
        assert!(!account.calling_owns_work_phone);
        assert_eq!(account.roles.iter().map(RoleId::as_str).collect::<Vec<_>>(), ["id_user_admin"]);
        let profile: Vec<(Field, &str)> = account.profile.iter().map(|(f, v)| (*f, v.as_str())).collect();
        assert_eq!(
            profile,
            [
                (Field::GivenName, "Ben"),
                (Field::FamilyName, "Okoro"),
                (Field::DisplayName, "Ben Okoro"),
                (Field::Title, "Technician"),
                (Field::Department, "Optics"),
                (Field::EmployeeNumber, "E-2002"),
                (Field::CostCenter, "CC-7"),
                (Field::Manager, "aa000001-1111-4111-8111-000000000001"),
                (Field::PreferredLanguage, "en_GB"),
                (Field::Timezone, "Europe/London"),
                (Field::PhoneWork, "+441134960002"),
                (Field::PhoneMobile, "+447700900002"),
                (Field::Street, "1 Prism Row"),
                (Field::City, "Leeds"),
                (Field::PostalCode, "LS1 1AA"),
                (Field::Country, "GB"),
                (Field::HomeCity, "York"),
                (Field::SipAddress, "ben@sip.lumenforge.example"),
                (Field::Extension1, "src=ad1"),
            ]
        );
    }

    #[test]
    fn calling_and_bare_users() {
        let calling: User<'_> = serde_json::from_str(
            r#"{"id":"x","userName":"not an address","active":"false","userType":"room",
                "phoneNumbers":[{"type":"work_extension","value":"8002107"}],"title":"","externalId":""}"#,
        )
        .unwrap();
        assert_eq!(kind(&calling), Some(AccountKind::Room));
        let account = account(calling);
        assert!(account.calling_owns_work_phone && !account.active);
        assert_eq!((account.email, account.external_id), (None, None));
        assert!(account.profile.is_empty());
    }
}
