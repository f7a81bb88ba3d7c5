//! How to reach and read one LDAP directory, checked.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use crate::model::{Fingerprint, Hasher, Method, Redacted, Sight};

use super::verify;

/// How to log in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Auth {
    /// Not at all.
    Anonymous,
    /// With a name and a password.
    Simple,
    /// With the client certificate that TLS showed (SASL EXTERNAL, RFC 4422 appendix A).
    External,
    /// With a Kerberos ticket (SASL GSSAPI, RFC 4752), over TLS.
    Gssapi,
}

/// The settings of one LDAP source.
#[derive(Clone, Debug)]
pub struct Settings {
    /// The name in the configuration.
    pub name: String,
    /// Servers, tried in order: `ldaps://host[:port]`, `ldap://host[:port]`.
    pub urls: Vec<String>,
    /// The DNS name of a domain whose servers DNS knows; used when there are no URLs.
    pub domain: Option<String>,
    /// The site of Active Directory whose domain controllers are preferred.
    pub site: Option<String>,
    /// DNS servers for finding the servers of `domain`; none for those of the system.
    pub nameservers: Vec<SocketAddr>,
    /// Use StartTLS on `ldap://` URLs, and with the servers of `domain`.
    pub start_tls: bool,
    /// Allow `ldap://` without TLS. Loudly named in the configuration.
    pub danger_plain_ldap: bool,
    /// PEM file with certificate authorities to trust, instead of the system's.
    pub ca_file: Option<PathBuf>,
    /// SHA-256 of the certificates to trust, whatever their names and authorities, instead of
    /// all others. See [`Settings::pin`].
    pub pin_sha256: Vec<[u8; 32]>,
    /// PEM file with our own certificate, and those between it and its authority.
    pub client_cert_file: Option<PathBuf>,
    /// PEM file with the key of our own certificate.
    pub client_key_file: Option<PathBuf>,
    /// How to log in; `None` for what the rest says, see [`Settings::auth`].
    pub auth: Option<Auth>,
    /// Bind name (DN, UPN or `DOMAIN\user`), for [`Auth::Simple`].
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
            domain: None,
            site: None,
            nameservers: vec![],
            start_tls: false,
            danger_plain_ldap: false,
            ca_file: None,
            pin_sha256: vec![],
            client_cert_file: None,
            client_key_file: None,
            auth: None,
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
            page_size: 5000,
            connect_timeout: Duration::from_secs(10),
            operation_timeout: Duration::from_mins(5),
        }
    }

    /// How to log in: as set; else with the bind name, else with the client certificate, else
    /// not at all.
    pub fn auth(&self) -> Auth {
        match self.auth {
            Some(auth) => auth,
            None if self.bind.is_some() => Auth::Simple,
            None if self.client_cert_file.is_some() => Auth::External,
            None => Auth::Anonymous,
        }
    }

    /// What decides whom this source shows: where it searches, which filters tell people from others,
    /// and by what it knows them.
    pub fn sight(&self) -> Sight {
        let Self { person_filter, room_filter, contacts, anchor, .. } = self;
        let mut h = Hasher::seeded(Fingerprint::NONE);
        for text in [person_filter, room_filter, anchor] {
            h.part(&[u8::from(text.is_some())]);
            h.part(text.as_deref().unwrap_or_default().trim().as_bytes());
        }
        h.part(&[u8::from(*contacts)]);
        Sight { filters: h.finish(), ..Sight::default() }.below(&self.bases)
    }

    /// A fingerprint for [`Settings::pin_sha256`] from text: 64 hexadecimal digits, colons and
    /// spaces between them allowed.
    pub fn pin(text: &str) -> Option<[u8; 32]> {
        verify::parse_pin(text)
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
