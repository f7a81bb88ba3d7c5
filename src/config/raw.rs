//! The configuration file as it is written. Names, types, defaults and descriptions here are
//! what the JSON Schema and the shape check are made of: a key that is not here is an error.

use std::collections::BTreeMap;
use std::path::PathBuf;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Serialize};

use crate::guard;
use crate::model::Field;
use crate::plan::Leavers as LeaversPolicy;

/// The configuration of dirsyncd.
///
/// Relative paths are relative to the directory of this file. Durations are a number and a
/// unit, such as "30s", "15m", "24h", "30d". Secrets are never in this file.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Root {
    /// The directories that are the truth, one section for each domain or directory.
    #[schemars(length(min = 1))]
    pub source: Vec<Source>,
    /// The cloud directory that is written.
    pub cloud: Cloud,
    /// Who becomes a person in the cloud, and with which attributes.
    #[serde(default)]
    pub people: People,
    /// Who gets which licences, in order of priority when seats are short.
    #[serde(default)]
    pub entitlement: Vec<Entitlement>,
    /// Who gets which administrator role.
    #[serde(default)]
    pub role: Vec<Role>,
    /// What becomes of people who left: gone from the directory, disabled, or out of scope.
    #[serde(default)]
    pub leavers: Leavers,
    /// How much a pass may take away without approval.
    #[serde(default)]
    pub guard: Guard,
    /// When passes run.
    #[serde(default)]
    pub schedule: Schedule,
    /// What is remembered between passes, and where.
    #[serde(default)]
    pub state: State,
    /// The log.
    #[serde(default)]
    pub log: Log,
}

/// The kinds of source.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum SourceKind {
    /// Active Directory or another LDAP directory.
    Ldap,
    /// An LDIF file.
    Ldif,
}

/// One directory.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Source {
    /// The name in reports. Unique. Do not change it later: links are kept under it.
    pub name: String,
    /// "ldap" for Active Directory and every other LDAP directory, "ldif" for a file.
    pub kind: SourceKind,
    /// The DNS name of an Active Directory domain, which resolves to its domain controllers.
    /// Short for urls = ["ldaps://DOMAIN"].
    pub domain: Option<String>,
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
    /// Whom to bind as: DN, user principal name, or DOMAIN\user. Absent to bind anonymously.
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
    /// Attribute with the immutable id. Absent for the default of the detected server:
    /// objectGUID, entryUUID or nsUniqueId.
    pub anchor: Option<String>,
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
    500
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

/// Whose attribute names the default mapping speaks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Dialect {
    /// Active Directory, Samba AD, AD LDS.
    #[default]
    ActiveDirectory,
    /// inetOrgPerson (RFC 2798): OpenLDAP, 389-ds and most others.
    InetOrgPerson,
}

/// People.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct People {
    /// Whose attribute names the default mapping speaks: "active_directory" or
    /// "inet_org_person". Holds for LDAP and LDIF alike.
    pub dialect: Dialect,
    /// Take over accounts that are in the cloud already and have the e-mail address of a person
    /// in the directory. Without it such an account is reported and left alone.
    pub adopt: bool,
    /// Domains that e-mail addresses must belong to, compared without letter case. Empty for any.
    pub allowed_domains: Vec<String>,
    /// Who is in. A person is in when every clause agrees that is present.
    pub scope: Scope,
    /// Which attribute becomes what.
    pub mapping: Mapping,
}

/// Who is in.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Scope {
    /// DNs under which people are in. Empty for everywhere.
    pub bases: Vec<String>,
    /// DNs under which people are out, whatever else says that they are in.
    pub exclude_bases: Vec<String>,
    /// LDAP filter that the record must match.
    pub filter: Option<String>,
    /// Groups (DN or plain name) of which membership in any is needed, nested included.
    pub groups: Vec<String>,
    /// Groups (DN or plain name) whose members are out, nested included.
    pub exclude_groups: Vec<String>,
}

/// Attribute expressions by field.
#[derive(Debug, Deserialize)]
pub struct Mapping {
    /// Whether the default mapping of the dialect applies to fields that are not named here.
    #[serde(default = "yes")]
    pub defaults: bool,
    /// The expression for the e-mail address.
    pub email: Option<String>,
    /// The expressions for the other fields.
    #[serde(flatten)]
    pub fields: BTreeMap<Field, String>,
}

fn yes() -> bool {
    true
}

impl Default for Mapping {
    fn default() -> Self {
        Self { defaults: true, email: None, fields: BTreeMap::new() }
    }
}

// By hand, because the fields are those of the model.
impl JsonSchema for Mapping {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "Mapping".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        let mut properties = serde_json::Map::new();
        properties.insert(
            "defaults".to_owned(),
            serde_json::json!({
                "description": "Whether the default mapping of the dialect applies to fields that are not named here.",
                "type": "boolean",
                "default": true,
            }),
        );
        properties.insert(
            "email".to_owned(),
            serde_json::json!({
                "description": "The expression for the e-mail address, which is the user name in the cloud.",
                "type": "string",
            }),
        );
        for field in Field::ALL {
            let description = format!(
                "The expression for {field}, at most {} characters. \"\" leaves it alone in the cloud.",
                field.max_len()
            );
            properties.insert(
                field.name().to_owned(),
                serde_json::json!({ "description": description, "type": "string" }),
            );
        }
        json_schema!({
            "type": "object",
            "description": "Attribute expressions by field.",
            "properties": properties,
            "additionalProperties": false,
        })
    }
}

/// Who gets which licences.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Entitlement {
    /// The name in reports. Unique.
    pub name: String,
    /// Groups (DN or plain name) of which membership in any is needed, nested included. Empty
    /// for everybody.
    #[serde(default)]
    pub groups: Vec<String>,
    /// A condition on the record: an expression, or an LDAP filter when it begins with "(".
    pub when: Option<String>,
    /// Service keys such as "message.messaging", or exact licence names.
    #[schemars(length(min = 1))]
    pub licenses: Vec<String>,
    /// Only licences of this subscription, where a name stands in several.
    pub subscription: Option<String>,
    /// Only licences of this site, where a name stands in several.
    pub site: Option<String>,
}

/// Who gets which administrator role.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Role {
    /// The name in reports. Unique.
    pub name: String,
    /// Groups (DN or plain name) of which membership in any is needed, nested included. Empty
    /// for everybody.
    #[serde(default)]
    pub groups: Vec<String>,
    /// A condition on the record: an expression, or an LDAP filter when it begins with "(".
    pub when: Option<String>,
    /// "full", "read_only", "user", "device", "support", "compliance", or the id of a role,
    /// such as "id_full_admin".
    pub role: String,
}

/// Leavers.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Leavers {
    /// Deactivate them. Otherwise they are only reported.
    pub deactivate: bool,
    /// Take back the licences that we gave, in the same pass.
    pub reclaim_licenses: bool,
    /// Delete the account so long after the deactivation. Absent for never.
    #[schemars(regex(pattern = r"^([0-9]+(ms|s|m|h|d|w))+$"))]
    pub delete_after: Option<String>,
}

impl Default for Leavers {
    fn default() -> Self {
        let LeaversPolicy { deactivate, reclaim_licenses, delete_after: _ } = LeaversPolicy::default();
        Self { deactivate, reclaim_licenses, delete_after: None }
    }
}

/// A limit for one kind of removal. It trips on more than "count" of them, or on more than
/// "floor" that are also more than "percent" of the linked people.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Limit {
    /// So many pass, whatever the size of the directory.
    pub count: Option<u64>,
    /// Such a share of the linked people passes, in percent.
    #[schemars(range(min = 0, max = 100))]
    pub percent: Option<u64>,
    /// So few pass, whatever their share.
    pub floor: Option<u64>,
}

/// The guard.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Guard {
    /// People deactivated in one pass.
    pub deactivate: Limit,
    /// Accounts deleted in one pass.
    pub delete: Limit,
    /// People who lose a licence in one pass.
    pub license_remove: Limit,
    /// People who lose an attribute value in one pass.
    pub blank: Limit,
    /// When the directory shows fewer people than this share of the last complete read, in
    /// percent, removals wait for approval.
    #[schemars(range(min = 0, max = 100))]
    pub min_census_percent: u64,
    /// E-mail addresses of people who are never deactivated, deleted or stripped.
    pub protected: Vec<String>,
}

impl Default for Guard {
    fn default() -> Self {
        Self {
            deactivate: Limit::default(),
            delete: Limit::default(),
            license_remove: Limit::default(),
            blank: Limit::default(),
            min_census_percent: guard::Limits::default().min_census_percent,
            protected: Vec::new(),
        }
    }
}

/// The time zone of the schedule.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Timezone {
    /// Coordinated Universal Time.
    #[default]
    Utc,
    /// The time zone of the machine.
    Local,
}

/// When passes run.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Schedule {
    /// "every 15m", or a crontab expression with 5 fields, or 6 with seconds first.
    pub sync: String,
    /// The clock of a crontab expression: "utc" or "local".
    pub timezone: Timezone,
    /// How often the whole cloud is listed, to see what others changed there.
    #[schemars(regex(pattern = r"^([0-9]+(ms|s|m|h|d|w))+$"))]
    pub observe_every: String,
}

impl Default for Schedule {
    fn default() -> Self {
        Self { sync: "every 15m".to_owned(), timezone: Timezone::default(), observe_every: "24h".to_owned() }
    }
}

/// What is remembered.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct State {
    /// Directory of the state database. Absent for /var/lib/dirsyncd, or
    /// %ProgramData%\dirsyncd\state on Windows.
    pub dir: Option<PathBuf>,
    /// How long the history of runs and changes is kept, or "forever".
    #[schemars(regex(pattern = r"^(([0-9]+(ms|s|m|h|d|w))+|forever)$"))]
    pub keep_history: String,
}

impl Default for State {
    fn default() -> Self {
        Self { dir: None, keep_history: "400d".to_owned() }
    }
}

/// How much is logged.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum LogLevel {
    /// What failed.
    Error,
    /// And what needs attention.
    Warn,
    /// And what happened.
    #[default]
    Info,
    /// And how.
    Debug,
    /// And every step.
    Trace,
}

/// The form of log lines.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum LogFormat {
    /// For people: time, level, sentence, fields.
    #[default]
    Text,
    /// For machines: one JSON object per line.
    Json,
}

/// The log.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Log {
    /// How much: "error", "warn", "info", "debug" or "trace".
    pub level: LogLevel,
    /// The form of the lines in files: "text" or "json".
    pub format: LogFormat,
    /// Write log files. False where the journal or a container keeps what is written to stderr.
    pub files: bool,
    /// Directory of the log files, one per day. Absent for /var/log/dirsyncd, or
    /// %ProgramData%\dirsyncd\log on Windows.
    pub dir: Option<PathBuf>,
    /// How many daily files are kept.
    #[schemars(range(min = 1, max = 3650))]
    pub keep_files: u32,
    /// Let log lines show names, e-mail addresses, DNs and values. Otherwise they show ids.
    pub personal_data: bool,
}

impl Default for Log {
    fn default() -> Self {
        Self {
            level: LogLevel::default(),
            format: LogFormat::default(),
            files: true,
            dir: None,
            keep_files: 30,
            personal_data: false,
        }
    }
}
