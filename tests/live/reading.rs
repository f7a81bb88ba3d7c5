//! What the tests of sources have in common: settings, and a read to its end.

use std::path::PathBuf;
use std::time::Duration;

use dirsyncd::model::{Ask, Census, Completeness, Portion, Record, RecordKind, Redacted};
use dirsyncd::source::ldap::{LdapSource, Settings};
use dirsyncd::source::{Source, SourceError};
use tokio::sync::mpsc;

use crate::support::samba::{self, Samba};
use crate::support::slapd::{self, Slapd};

/// Settings for the reader account of a slapd, over ldaps.
pub(crate) fn slapd_settings(slapd: &Slapd) -> Settings {
    Settings {
        bases: vec![format!("ou=people,{}", slapd::SUFFIX)],
        group_bases: vec![format!("ou=groups,{}", slapd::SUFFIX)],
        ..ldaps("company", slapd.tls_url(), slapd.ca_file(), slapd::READER, slapd::PASSWORD)
    }
}

/// Settings for the administrator of a Samba domain, over ldaps, bases as detected.
pub(crate) fn samba_settings(samba: &Samba) -> Settings {
    ldaps("domain", samba.url(), samba.ca_file(), samba::ADMIN, samba::PASSWORD)
}

/// Settings for a server with a certificate, bases as detected.
fn ldaps(name: &str, url: String, ca_file: PathBuf, bind: &str, password: &str) -> Settings {
    Settings {
        ca_file: Some(ca_file),
        bind: Some(bind.into()),
        password: Redacted(password.into()),
        page_size: 1000,
        connect_timeout: Duration::from_secs(10),
        operation_timeout: Duration::from_secs(10),
        ..Settings::new(name, &[&url])
    }
}

/// An ask for some attributes and for groups.
pub(crate) fn ask(attributes: &[&str]) -> Ask {
    Ask { attributes: attributes.iter().map(|name| (*name).into()).collect(), groups: true, contacts: false }
}

/// Reads a source to its end.
pub(crate) async fn read(source: &dyn Source, ask: &Ask) -> (Vec<Record>, Result<Census, SourceError>) {
    let (sender, mut receiver) = mpsc::channel(4);
    let collect = async {
        let mut all = Vec::new();
        while let Some(portion) = receiver.recv().await {
            match portion {
                Portion::Groups(records) | Portion::People(records) => all.extend(records),
                Portion::GroupsEnd { .. } => {}
            }
        }
        all
    };
    tokio::join!(collect, source.read(ask, sender))
}

/// Reads an LDAP source that must answer.
pub(crate) async fn read_ldap(settings: &Settings, ask: &Ask) -> (Vec<Record>, Census) {
    let (records, census) = read(&LdapSource::new(settings.clone()), ask).await;
    (records, census.unwrap_or_else(|error| panic!("{error}; {}", error.remedy)))
}

/// Reads an LDAP source that must not answer.
pub(crate) async fn refused(settings: &Settings) -> SourceError {
    let (_, census) = read(&LdapSource::new(settings.clone()), &ask(&[])).await;
    census.expect_err("this source must not be readable")
}

/// The reasons why a census is partial; none when it is whole.
pub(crate) fn reasons(census: &Census) -> Vec<String> {
    match &census.completeness {
        Completeness::Whole => vec![],
        Completeness::Partial { reasons } => reasons.clone(),
    }
}

/// The record with this value in an attribute.
pub(crate) fn find<'a>(records: &'a [Record], attribute: &str, value: &str) -> &'a Record {
    records
        .iter()
        .find(|record| record.texts(attribute).any(|text| text == value))
        .unwrap_or_else(|| panic!("no record has {attribute} = {value}"))
}

/// Whether all groups came before the first person.
pub(crate) fn groups_come_first(records: &[Record]) -> bool {
    records.is_sorted_by_key(|record| record.kind != RecordKind::Group)
}
