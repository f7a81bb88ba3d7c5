//! How to reach and read one LDAP directory, checked.

use std::path::PathBuf;
use std::time::Duration;

use crate::model::{Method, Redacted};

/// The settings of one LDAP source.
#[derive(Clone, Debug)]
pub struct Settings {
    /// The name in the configuration.
    pub name: String,
    /// Servers, tried in order: `ldaps://host[:port]`, `ldap://host[:port]`.
    pub urls: Vec<String>,
    /// Use StartTLS on `ldap://` URLs.
    pub start_tls: bool,
    /// Allow `ldap://` without TLS. Loudly named in the configuration.
    pub danger_plain_ldap: bool,
    /// PEM file with certificate authorities to trust, instead of the system's.
    pub ca_file: Option<PathBuf>,
    /// Bind name (DN, UPN or `DOMAIN\user`); `None` binds anonymously.
    pub bind: Option<String>,
    /// The password that goes with it.
    pub password: Redacted<String>,
    /// Where people are searched. Empty for the server's default naming context.
    pub bases: Vec<String>,
    /// Where groups are searched. Empty for the same as `bases`.
    pub group_bases: Vec<String>,
    /// The filter for people; `None` for the default of the detected server.
    pub person_filter: Option<String>,
    /// The filter for groups; `None` for the default of the detected server.
    pub group_filter: Option<String>,
    /// The filter for rooms, besides those that the server marks as such.
    pub room_filter: Option<String>,
    /// Whether contacts are read. Nothing is made of them but records.
    pub contacts: bool,
    /// The attribute with the anchor; `None` for the default of the detected server.
    pub anchor: Option<String>,
    /// How changes are found; `None` for the best that the server offers.
    pub changes: Option<Method>,
    /// Entries per page.
    pub page_size: u32,
    /// For one TCP connection and TLS handshake.
    pub connect_timeout: Duration,
    /// For one answer of the server.
    pub operation_timeout: Duration,
}

impl Settings {
    /// Settings for these servers, with everything else as it is without configuration.
    pub fn new(name: &str, urls: &[&str]) -> Self {
        Self {
            name: name.into(),
            urls: urls.iter().map(|url| (*url).into()).collect(),
            start_tls: false,
            danger_plain_ldap: false,
            ca_file: None,
            bind: None,
            password: Redacted(String::new()),
            bases: vec![],
            group_bases: vec![],
            person_filter: None,
            group_filter: None,
            room_filter: None,
            contacts: false,
            anchor: None,
            changes: None,
            page_size: 2000,
            connect_timeout: Duration::from_secs(10),
            operation_timeout: Duration::from_mins(5),
        }
    }
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    /// Settings for the given URLs, with everything else at its default.
    pub(in crate::source::ldap) fn settings(urls: &[&str]) -> Settings {
        Settings {
            page_size: 1000,
            connect_timeout: Duration::from_secs(5),
            operation_timeout: Duration::from_secs(5),
            ..Settings::new("test", urls)
        }
    }
}
