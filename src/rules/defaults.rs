//! The default mapping of each dialect: what a directory usually calls what the cloud knows.
//!
//! `docs/MAPPING.md` shows the same as a table; a test holds the two together. A default
//! mapping must not withhold anybody over an attribute that is commonly untidy: where
//! a value may be unusable, the expression makes it usable or blank.

use crate::model::Field;

use super::Dialect;

/// The default expression for the e-mail address.
pub(super) const fn email(dialect: Dialect) -> &'static str {
    match dialect {
        Dialect::ActiveDirectory => "first(mail, userPrincipalName)",
        // `uid` is a log-in name and never taken for an address.
        Dialect::InetOrgPerson => "mail",
    }
}

/// The default expressions for everything else.
pub(super) const fn mapping(dialect: Dialect) -> &'static [(Field, &'static str)] {
    match dialect {
        Dialect::ActiveDirectory => ACTIVE_DIRECTORY,
        Dialect::InetOrgPerson => INET_ORG_PERSON,
    }
}

const ACTIVE_DIRECTORY: &[(Field, &str)] = &[
    (Field::GivenName, "givenName"),
    (Field::FamilyName, "sn"),
    (Field::DisplayName, "first(displayName, join(\" \", givenName, sn), cn)"),
    (Field::Title, "title"),
    (Field::Department, "department"),
    (Field::Organization, "first(company, o)"),
    (Field::EmployeeNumber, "first(employeeNumber, employeeID)"),
    (Field::Manager, "manager"),
    (Field::PreferredLanguage, "language(preferredLanguage)"),
    (Field::PhoneWork, "telephoneNumber"),
    (Field::PhoneMobile, "mobile"),
    (Field::PhoneFax, "facsimileTelephoneNumber"),
    (Field::Street, "one_line(streetAddress)"),
    (Field::City, "l"),
    (Field::Region, "st"),
    (Field::PostalCode, "postalCode"),
    (Field::Country, "upper(c)"),
    (Field::SipAddress, "first(strip(msRTCSIP-PrimaryUserAddress, \"sip:\"), ipPhone)"),
];

const INET_ORG_PERSON: &[(Field, &str)] = &[
    (Field::GivenName, "givenName"),
    (Field::FamilyName, "sn"),
    (Field::DisplayName, "first(displayName, join(\" \", givenName, sn), cn)"),
    (Field::Title, "title"),
    (Field::Department, "departmentNumber"),
    (Field::Organization, "o"),
    (Field::EmployeeNumber, "employeeNumber"),
    (Field::Manager, "manager"),
    (Field::PreferredLanguage, "language(preferredLanguage)"),
    (Field::PhoneWork, "telephoneNumber"),
    (Field::PhoneMobile, "mobile"),
    (Field::PhoneFax, "facsimileTelephoneNumber"),
    // RFC 4519 calls it `street`, and servers know `streetAddress` as another name of it.
    (Field::Street, "one_line(first(street, streetAddress))"),
    (Field::City, "l"),
    (Field::Region, "st"),
    (Field::PostalCode, "postalCode"),
    (Field::Country, "upper(c)"),
];

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rules::expr::{Needs, Text};

    #[test]
    fn the_defaults_compile_and_name_each_field_once() {
        for dialect in [Dialect::ActiveDirectory, Dialect::InetOrgPerson] {
            assert!(Text::compile(email(dialect), &mut Needs::default()).is_ok());
            let mut seen = Vec::new();
            for (field, source) in mapping(dialect) {
                assert!(Text::compile(source, &mut Needs::default()).is_ok(), "{field}");
                assert!(!seen.contains(field), "{field}");
                seen.push(*field);
            }
        }
    }
}
