//! A SCIM user becomes an account in our words.

use std::collections::BTreeSet;

use super::wire::{Address, Text, Typed, User};
use crate::model::{Account, CloudId, Field, Profile, RoleId};

/// Whether this is somebody who works here: rooms, calling services and the like share the
/// listing. A user without a type is a person.
pub(super) fn is_person(user: &User<'_>) -> bool {
    user.user_type.as_ref().is_none_or(|kind| kind.0.eq_ignore_ascii_case("user"))
}

/// The account behind a SCIM user.
pub(super) fn account(user: User<'_>) -> Account {
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
    }
    put(Field::DisplayName, user.display_name);
    put(Field::NickName, user.nick_name);
    put(Field::Title, user.title);
    put(Field::PreferredLanguage, user.preferred_language);
    put(Field::Timezone, user.timezone);
    put(Field::ProfileUrl, user.profile_url);
    if let Some(enterprise) = user.enterprise {
        put(Field::Department, enterprise.department);
        put(Field::Division, enterprise.division);
        put(Field::Organization, enterprise.organization);
        put(Field::EmployeeNumber, enterprise.employee_number);
        put(Field::CostCenter, enterprise.cost_center);
    }

    let calling_owns_work_phone = user.phone_numbers.0.iter().any(|phone| is(&phone.kind, "work_extension"));
    let mut phones = user.phone_numbers.0;
    put(Field::PhoneWork, first(&mut phones, "work"));
    put(Field::PhoneMobile, first(&mut phones, "mobile"));
    put(Field::PhoneFax, first(&mut phones, "fax"));

    let work = user.addresses.0.into_iter().find(|address| is(&address.kind, "work"));
    if let Some(Address { street_address, locality, region, postal_code, country, .. }) = work {
        put(Field::Street, street_address);
        put(Field::City, locality);
        put(Field::Region, region);
        put(Field::PostalCode, postal_code);
        put(Field::Country, country);
    }
    if let Some(mut cisco) = user.cisco {
        put(Field::SipAddress, first(&mut cisco.sip_addresses.0, "enterprise"));
        put(Field::Extension1, cisco.extension_attribute1.0.into_iter().next());
        put(Field::Extension2, cisco.extension_attribute2.0.into_iter().next());
        put(Field::Extension3, cisco.extension_attribute3.0.into_iter().next());
        put(Field::Extension4, cisco.extension_attribute4.0.into_iter().next());
        put(Field::Extension5, cisco.extension_attribute5.0.into_iter().next());
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

/// The value of the first element of a type that has one.
fn first<'a>(list: &mut [Typed<'a>], kind: &str) -> Option<Text<'a>> {
    list.iter_mut()
        .filter(|element| is(&element.kind, kind))
        .filter_map(|element| element.value.take())
        .find(|value| !value.0.is_empty())
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
        assert!(is_person(&user));
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
                (Field::PreferredLanguage, "en_GB"),
                (Field::Timezone, "Europe/London"),
                (Field::PhoneWork, "+441134960002"),
                (Field::PhoneMobile, "+447700900002"),
                (Field::Street, "1 Prism Row"),
                (Field::City, "Leeds"),
                (Field::PostalCode, "LS1 1AA"),
                (Field::Country, "GB"),
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
        assert!(!is_person(&calling));
        let account = account(calling);
        assert!(account.calling_owns_work_phone && !account.active);
        assert_eq!((account.email, account.external_id), (None, None));
        assert!(account.profile.is_empty());
    }
}
