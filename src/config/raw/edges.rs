//! `[[source]]` and `[cloud]` as they are written.

use std::path::PathBuf;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::model::Method;

/// The kinds of source.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum SourceKind {
    /// Active Directory or another LDAP directory.
    Ldap,
    /// An LDIF file.
    Ldif,
}

impl SourceKind {
    /// Whether a key means anything in a section of this kind.
    pub fn reads(self, key: &str) -> bool {
        match self {
            Self::Ldap => key != "path",
            Self::Ldif => matches!(key, "name" | "kind" | "path"),
        }
    }
}

/// How changes are found.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum ChangesBy {
    /// The best that the server offers.
    #[default]
    Auto,
    /// Active Directory: the control for directory synchronization.
    Dirsync,
    /// Active Directory: uSNChanged.
    Usn,
    /// RFC 4533: OpenLDAP, 389 Directory Server.
    Syncrepl,
    /// modifyTimestamp. Deletions are seen by full reads only.
    Timestamp,
    /// Not at all: everything is read every time.
    Full,
}

impl ChangesBy {
    /// What is forced, if anything.
    pub fn method(self) -> Option<Method> {
        Some(match self {
            Self::Auto => return None,
            Self::Dirsync => Method::Dirsync,
            Self::Usn => Method::Usn,
            Self::Syncrepl => Method::Syncrepl,
            Self::Timestamp => Method::Timestamp,
            Self::Full => Method::Full,
        })
    }
}

/// How to log in to a directory.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum AuthBy {
    /// Not at all.
    Anonymous,
    /// With bind and a password.
    Simple,
    /// With the client certificate (SASL EXTERNAL).
    External,
    /// By Kerberos, over TLS (SASL GSSAPI).
    Gssapi,
}

/// One directory.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Source {
    /// The name in reports. Unique. Do not change it later: links are kept under it.
    pub name: String,
    /// "ldap" for Active Directory and every other LDAP directory, "ldif" for a file.
    pub kind: SourceKind,
    /// Instead of urls: the DNS name of a domain. Its servers are found by DNS (SRV records):
    /// the domain controllers of Active Directory, or other LDAP servers.
    pub domain: Option<String>,
    /// With domain: the site of Active Directory whose domain controllers are preferred.
    pub site: Option<String>,
    /// With domain: DNS servers to ask, "ADDRESS" or "ADDRESS:PORT", instead of the system's.
    #[serde(default)]
    pub nameservers: Vec<String>,
    /// Servers, tried in order: "ldaps://host", "ldaps://host:port", or "ldap://host" together
    /// with start_tls.
    #[serde(default)]
    pub urls: Vec<String>,
    /// Use StartTLS on ldap:// URLs.
    #[serde(default)]
    pub start_tls: bool,
    /// Allow ldap:// without TLS: password and people cross the network readable to everybody.
    #[serde(default)]
    pub danger_plain_ldap: bool,
    /// PEM file with the certificate authorities to trust, instead of those of the system.
    pub ca_file: Option<PathBuf>,
    /// SHA-256 fingerprints of server certificates, 64 hexadecimal digits each, colons allowed.
    /// Exactly these certificates are trusted then, whatever their names and authorities.
    #[serde(default)]
    pub pin_sha256: Vec<String>,
    /// PEM file with the client certificate to show.
    pub client_cert_file: Option<PathBuf>,
    /// PEM file with the key of the client certificate. Nobody but owner and group may read it.
    pub client_key_file: Option<PathBuf>,
    /// How to log in. Absent: with bind and a password if bind is given, else with the client
    /// certificate if there is one, else anonymously.
    pub auth: Option<AuthBy>,
    /// Whom to bind as: DN, user principal name, or DOMAIN\user. Absent to bind anonymously.
    /// With auth = "gssapi": the Kerberos principal, absent for the one of the ticket.
    pub bind: Option<String>,
    /// File with the password of the bind name. Nobody but owner and group may read it.
    pub password_file: Option<PathBuf>,
    /// Environment variable with the password of the bind name.
    pub password_env: Option<String>,
    /// systemd credential (LoadCredential=) with the password of the bind name.
    pub password_credential: Option<String>,
    /// DNs under which people are searched. Empty for the default naming context.
    #[serde(default)]
    pub bases: Vec<String>,
    /// DNs under which groups are searched. Empty for the same as bases.
    #[serde(default)]
    pub group_bases: Vec<String>,
    /// LDAP filter for people. Absent for the default of the detected server.
    pub person_filter: Option<String>,
    /// LDAP filter for groups. Absent for the default of the detected server.
    pub group_filter: Option<String>,
    /// LDAP filter for rooms, besides those that Exchange marks. What it finds is not a person.
    pub room_filter: Option<String>,
    /// Read the contacts of the address book too. No account is made of them. With "sync" in the
    /// section [contacts] they are read in any case.
    #[serde(default)]
    pub contacts: bool,
    /// LDAP filter for contacts. Absent for the object class contact. What it finds is not a person.
    pub contact_filter: Option<String>,
    /// Attribute with the immutable id. Absent for the default of the detected server:
    /// objectGUID, entryUUID or nsUniqueId.
    pub anchor: Option<String>,
    /// How changes are found. "auto" takes the best that the server and the rights of the bind
    /// account offer.
    #[serde(default)]
    pub changes: ChangesBy,
    /// Entries per page of an LDAP search.
    #[serde(default = "default_ldap_page_size")]
    #[schemars(range(min = 1, max = 10000))]
    pub page_size: u32,
    /// How long one TCP connection and TLS handshake may take.
    #[serde(default = "default_connect_timeout")]
    #[schemars(regex(pattern = r"^([0-9]+(ms|s|m|h|d|w))+$"))]
    pub connect_timeout: String,
    /// How long one answer of the server may take.
    #[serde(default = "default_operation_timeout")]
    #[schemars(regex(pattern = r"^([0-9]+(ms|s|m|h|d|w))+$"))]
    pub operation_timeout: String,
    /// The LDIF file. For kind "ldif" only.
    pub path: Option<PathBuf>,
}

fn default_ldap_page_size() -> u32 {
    5000
}

fn default_connect_timeout() -> String {
    "10s".to_owned()
}

fn default_operation_timeout() -> String {
    "5m".to_owned()
}

/// The kinds of cloud.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum CloudKind {
    /// A Cisco Webex organization.
    #[default]
    Webex,
}

/// The cloud directory.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Cloud {
    /// "webex".
    pub kind: CloudKind,
    /// Where the API is: another region's host, or a sandbox.
    pub base_url: String,
    /// The id of the organization. Absent for the only one that the token sees.
    pub organization: Option<String>,
    /// File with the access token. Nobody but owner and group may read it.
    pub token_file: Option<PathBuf>,
    /// Environment variable with the access token.
    pub token_env: Option<String>,
    /// systemd credential (LoadCredential=) with the access token.
    pub token_credential: Option<String>,
    /// How long one answer may take.
    #[schemars(regex(pattern = r"^([0-9]+(ms|s|m|h|d|w))+$"))]
    pub timeout: String,
    /// Requests under way at once, at most. The pace adapts below it.
    #[schemars(range(min = 1, max = 64))]
    pub concurrency: u32,
    /// How long throttling is waited out within one pass before the pass ends early.
    #[schemars(regex(pattern = r"^([0-9]+(ms|s|m|h|d|w))+$"))]
    pub max_throttle: String,
    /// Accounts per page of a listing.
    #[schemars(range(min = 1, max = 1000))]
    pub page_size: u32,
    /// PEM file with certificate authorities to trust besides those of the system.
    pub ca_file: Option<PathBuf>,
    /// Allow http:// for a host that is not this machine: the token crosses the network
    /// readable to everybody.
    pub danger_plain_http: bool,
}

impl Default for Cloud {
    fn default() -> Self {
        Self {
            kind: CloudKind::default(),
            base_url: "https://webexapis.com".to_owned(),
            organization: None,
            token_file: None,
            token_env: None,
            token_credential: None,
            timeout: "30s".to_owned(),
            concurrency: 8,
            max_throttle: "10m".to_owned(),
            page_size: 500,
            ca_file: None,
            danger_plain_http: false,
        }
    }
}
