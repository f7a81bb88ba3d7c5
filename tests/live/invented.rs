//! A real LDAP server whose people have any attribute that a test wants: what the schemas of OpenLDAP do
//! not have (those of Active Directory, and invented ones) is declared for it.

use std::fmt::Write;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use crate::support::slapd::{Options, READER, SUFFIX, Slapd};

/// What the schemas of OpenLDAP that the server loads have of what tests use.
const KNOWN: &[&str] = &[
    "givenName",
    "sn",
    "displayName",
    "title",
    "employeeNumber",
    "departmentNumber",
    "preferredLanguage",
    "telephoneNumber",
    "mobile",
    "facsimileTelephoneNumber",
    "homePhone",
    "l",
    "st",
    "street",
    "postalCode",
    "c",
    "personalTitle",
    "generationQualifier",
    "userCertificate",
    "manager",
    "employeeType",
    "businessCategory",
    "roomNumber",
];

/// A server with people.
pub(crate) struct Invented {
    pub(crate) slapd: Slapd,
}

impl Invented {
    /// Starts a server whose people may have these attributes; their options are left out.
    pub(crate) fn start(attributes: &[&str]) -> Self {
        let mut names: Vec<&str> =
            attributes.iter().map(|name| name.split(';').next().expect("a name")).collect();
        names.sort_unstable();
        names.dedup();
        let mut schema = String::new();
        for (number, name) in names.iter().enumerate().filter(|(_, name)| !KNOWN.contains(name)) {
            // RFC 4517: directory strings, compared without case.
            writeln!(
                schema,
                "attributetype ( 1.3.6.1.4.1.99999.1.{number} NAME '{name}' EQUALITY caseIgnoreMatch \
                 SYNTAX 1.3.6.1.4.1.1466.115.121.1.15 )"
            )
            .expect("a text grows");
        }
        let all = names.join(" $ ");
        write!(
            schema,
            "objectclass ( 1.3.6.1.4.1.99999.2.1 NAME 'invented' SUP top AUXILIARY MAY ( {all} ) )"
        )
        .expect("a text grows");
        Self { slapd: Options::default().global_config(&schema).start() }
    }

    /// Adds a person. The address is `name@example.test`.
    pub(crate) fn add(&self, name: &str, values: &[(&str, Vec<u8>)]) {
        let mut ldif = format!(
            "dn: {}\nobjectClass: inetOrgPerson\nobjectClass: invented\nuid: {name}\ncn: {name}\nmail: {name}@example.test\n",
            dn(name)
        );
        if !values.iter().any(|(attribute, _)| *attribute == "sn") {
            ldif.push_str("sn: Lee\n");
        }
        for (attribute, value) in values {
            writeln!(ldif, "{attribute}:: {}", STANDARD.encode(value)).expect("a text grows");
        }
        self.slapd.modify(&ldif);
    }

    /// Replaces all values of attributes; one that is not among the values is removed.
    pub(crate) fn set(&self, name: &str, attributes: &[&str], values: &[(&str, Vec<u8>)]) {
        let mut ldif = format!("dn: {}\nchangetype: modify\n", dn(name));
        for attribute in attributes {
            writeln!(ldif, "replace: {attribute}").expect("a text grows");
            for (_, value) in values.iter().filter(|(one, _)| one == attribute) {
                writeln!(ldif, "{attribute}:: {}", STANDARD.encode(value)).expect("a text grows");
            }
            ldif.push_str("-\n");
        }
        self.slapd.modify(&ldif);
    }

    /// The sections of a configuration that read it.
    pub(crate) fn config(&self) -> String {
        format!(
            "[[source]]\nname = \"company\"\nkind = \"ldap\"\nurls = [\"{}\"]\nca_file = \"{}\"\nbind = \"{READER}\"\n\
             password_file = \"password\"\nbases = [\"ou=people,{SUFFIX}\"]\n",
            self.slapd.tls_url(),
            self.slapd.ca_file().display(),
        )
    }
}

/// The DN of a person.
pub(crate) fn dn(name: &str) -> String {
    format!("uid={name},ou=people,{SUFFIX}")
}

/// Values as texts.
pub(crate) fn texts<'a>(values: &[(&'a str, &str)]) -> Vec<(&'a str, Vec<u8>)> {
    values.iter().map(|(attribute, value)| (*attribute, value.as_bytes().to_vec())).collect()
}
