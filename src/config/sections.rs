//! Section by section, from what is written to what is meant.

use std::collections::{BTreeSet, HashSet};
use std::net::IpAddr;
use std::path::{Path, PathBuf};
use std::time::Duration;

use url::{Host, Url};

use super::checked::{Config, Overrides, SourceConfig};
use super::document::Side;
use super::secrets::Keeper;
use super::{ConfigError, Document, raw};
use crate::cloud::webex;
use crate::guard::{Limit, Limits};
use crate::model::{Email, Redacted};
use crate::plan::Leavers;
use crate::report::log::{Format, Level, LogSettings};
use crate::rules::{Dialect, EntitlementSpec, RoleSpec, ScopeSpec, Spec};
use crate::schedule::{Schedule, Zone, parse_duration};
use crate::service;
use crate::source::ldap;

/// Checks what the file means. The configuration is usable only when there are no errors.
pub(super) fn check(
    raw: raw::Root,
    document: Document,
    broken: &BTreeSet<String>,
    overrides: &Overrides,
) -> (Config, Vec<ConfigError>) {
    let base = document.path().parent().map(Path::to_owned).unwrap_or_default();
    let mut check =
        Check { document: &document, base, broken, offline: overrides.offline, errors: Vec::new() };
    let sources = check.sources(raw.source);
    let cloud = check.cloud(raw.cloud);
    let adopt = raw.people.adopt;
    let rules = check.rules(raw.people, raw.entitlement, raw.role);
    let leavers = check.leavers(&raw.leavers);
    let (guard, protected) = check.guard(&raw.guard);
    let schedule = check.schedule(&raw.schedule);
    let observe_every = check.duration("schedule.observe_every", &raw.schedule.observe_every);
    let state_dir = match (&overrides.state_dir, raw.state.dir) {
        (Some(dir), _) => dir.clone(),
        (None, Some(dir)) => check.path(&dir),
        (None, None) => service::default_state_dir(),
    };
    let keep_history = match raw.state.keep_history.as_str() {
        "forever" => None,
        text => Some(check.duration("state.keep_history", text)),
    };
    let log = check.log(raw.log);
    let errors = check.errors;
    let path = document.path().to_owned();
    let config = Config {
        sources,
        cloud,
        rules,
        adopt,
        leavers,
        guard,
        protected,
        schedule,
        observe_every,
        state_dir,
        keep_history,
        log,
        path,
        document,
    };
    (config, errors)
}

struct Check<'a> {
    document: &'a Document,
    base: PathBuf,
    broken: &'a BTreeSet<String>,
    offline: bool,
    errors: Vec<ConfigError>,
}

impl Check<'_> {
    fn fail(&mut self, key: &str, message: impl Into<String>, remedy: impl Into<String>) {
        self.errors.push(self.document.error(key, None, message, remedy));
    }

    /// The key itself is what is wrong, not its value.
    fn fail_key(&mut self, key: &str, message: impl Into<String>, remedy: impl Into<String>) {
        self.errors.push(self.document.error_on(key, Side::Key, message.into(), remedy.into()));
    }

    /// Something is missing in a section; unless it has been taken out for another mistake, or
    /// a key there was misspelt and may be the very one.
    fn fail_missing(&mut self, section: &str, message: impl Into<String>, remedy: impl Into<String>) {
        let inside = |key: &String| key.strip_prefix(section).is_some_and(|rest| rest.starts_with('.'));
        if !self.broken.iter().any(inside) {
            self.fail_key(section, message, remedy);
        }
    }

    fn path(&self, path: &Path) -> PathBuf {
        self.base.join(path)
    }

    fn any_duration(&mut self, key: &str, text: &str) -> Duration {
        parse_duration(text).unwrap_or_else(|error| {
            self.fail(key, error.to_string(), "");
            Duration::ZERO
        })
    }

    fn duration(&mut self, key: &str, text: &str) -> Duration {
        let errors = self.errors.len();
        let duration = self.any_duration(key, text);
        if duration.is_zero() && self.errors.len() == errors {
            self.fail(key, "this duration cannot be zero", "");
        }
        duration
    }

    fn filled(&mut self, key: &str, text: &str) {
        if text.trim().is_empty() {
            self.fail(key, "this text cannot be empty", "fill it, or leave the key out");
        }
    }

    fn all_filled(&mut self, key: &str, list: &[String]) {
        for (i, text) in list.iter().enumerate() {
            self.filled(&format!("{key}[{i}]"), text);
        }
    }

    fn distinguished_names(&mut self, key: &str, list: &[String]) {
        for (i, text) in list.iter().enumerate() {
            if !text.contains('=') {
                let key = format!("{key}[{i}]");
                self.fail(
                    &key,
                    format!("\"{text}\" is not a distinguished name"),
                    "write it in full, such as \"ou=people,dc=example,dc=com\"",
                );
            }
        }
    }

    /// Names within one kind of section: filled, and each only once.
    fn name<'n>(&mut self, key: &str, name: &'n str, seen: &mut HashSet<&'n str>) {
        self.filled(key, name);
        if !seen.insert(name) {
            self.fail(
                key,
                format!("the name \"{name}\" is taken already"),
                "give each section a name of its own",
            );
        }
    }

    fn sources(&mut self, raw: Vec<raw::Source>) -> Vec<SourceConfig> {
        let mut seen = HashSet::new();
        for (i, source) in raw.iter().enumerate() {
            self.name(&format!("source[{i}].name"), &source.name, &mut seen);
        }
        drop(seen);
        raw.into_iter()
            .enumerate()
            .map(|(i, source)| {
                let section = format!("source[{i}]");
                match source.kind {
                    raw::SourceKind::Ldap => self.ldap(&section, source),
                    raw::SourceKind::Ldif => self.ldif(&section, source),
                }
            })
            .collect()
    }

    fn ldif(&mut self, section: &str, source: raw::Source) -> SourceConfig {
        // What would be ignored is an error: it was written for a reason.
        const LDAP_ONLY: [&str; 17] = [
            "domain",
            "urls",
            "start_tls",
            "danger_plain_ldap",
            "ca_file",
            "bind",
            "password_file",
            "password_env",
            "password_credential",
            "bases",
            "group_bases",
            "person_filter",
            "group_filter",
            "anchor",
            "page_size",
            "connect_timeout",
            "operation_timeout",
        ];
        for name in LDAP_ONLY {
            let key = format!("{section}.{name}");
            if self.document.has(&key) {
                self.fail_key(&key, format!("\"{name}\" means nothing for kind = \"ldif\""), "leave it out");
            }
        }
        if source.path.is_none() {
            self.fail_missing(section, "a source of kind \"ldif\" needs \"path\"", "name the LDIF file");
        }
        let path = self.path(&source.path.unwrap_or_default());
        SourceConfig::Ldif { name: source.name, path }
    }

    fn ldap(&mut self, section: &str, source: raw::Source) -> SourceConfig {
        let key = |name: &str| format!("{section}.{name}");
        if source.path.is_some() {
            self.fail_key(
                &key("path"),
                "\"path\" means nothing for kind = \"ldap\"",
                "leave it out, or write kind = \"ldif\"",
            );
        }
        let urls = self.ldap_urls(section, &source);
        let password = Keepers {
            file: source.password_file.as_deref(),
            environment: source.password_env.as_deref(),
            credential: source.password_credential.as_deref(),
            word: "password",
        };
        let password = match &source.bind {
            Some(bind) => {
                self.filled(&key("bind"), bind);
                self.secret(section, &password)
            }
            None if password.given() > 0 => {
                self.fail_missing(
                    section,
                    "a password is given and \"bind\" is missing",
                    "say whom to bind as",
                );
                Redacted::default()
            }
            None => Redacted::default(),
        };
        self.distinguished_names(&key("bases"), &source.bases);
        self.distinguished_names(&key("group_bases"), &source.group_bases);
        for (name, filter) in
            [("person_filter", &source.person_filter), ("group_filter", &source.group_filter)]
        {
            if let Some(filter) = filter
                && ldap3::parse_filter(filter).is_err()
            {
                self.fail(
                    &key(name),
                    "this is not an LDAP filter",
                    "write it as in RFC 4515, such as \"(&(objectClass=user)(mail=*))\"",
                );
            }
        }
        if let Some(anchor) = &source.anchor {
            self.filled(&key("anchor"), anchor);
        }
        let connect_timeout = self.duration(&key("connect_timeout"), &source.connect_timeout);
        let operation_timeout = self.duration(&key("operation_timeout"), &source.operation_timeout);
        let ca_file = self.existing(&key("ca_file"), source.ca_file);
        SourceConfig::Ldap(ldap::Settings {
            name: source.name,
            urls,
            start_tls: source.start_tls,
            danger_plain_ldap: source.danger_plain_ldap,
            ca_file,
            bind: source.bind,
            password,
            bases: source.bases,
            group_bases: source.group_bases,
            person_filter: source.person_filter,
            group_filter: source.group_filter,
            anchor: source.anchor,
            page_size: source.page_size,
            connect_timeout,
            operation_timeout,
        })
    }

    fn ldap_urls(&mut self, section: &str, source: &raw::Source) -> Vec<String> {
        let key = |name: &str| format!("{section}.{name}");
        if let Some(domain) = &source.domain {
            if !source.urls.is_empty() {
                self.fail_key(&key("domain"), "both \"domain\" and \"urls\" are given", "keep one of them");
            }
            if !is_domain(domain) {
                self.fail(
                    &key("domain"),
                    format!("\"{domain}\" is not the DNS name of a domain"),
                    "write it as in \"ad.example.com\"; use urls for anything else",
                );
            }
            return vec![format!("ldaps://{domain}")];
        }
        if source.urls.is_empty() {
            self.fail_missing(
                section,
                "no server is named: \"urls\" and \"domain\" are missing",
                "add urls = [\"ldaps://dc1.example.com\"], or domain = \"example.com\" for Active Directory",
            );
        }
        for (i, text) in source.urls.iter().enumerate() {
            let key = format!("{section}.urls[{i}]");
            let expected =
                "write \"ldaps://host\", \"ldaps://host:port\", or \"ldap://host\" with start_tls = true";
            let url = match Url::parse(text) {
                Ok(url) => url,
                Err(error) => {
                    self.fail(&key, format!("this is not a URL: {error}"), expected);
                    continue;
                }
            };
            let plain = url.scheme() == "ldap";
            if !plain && url.scheme() != "ldaps" {
                self.fail(&key, format!("the scheme \"{}\" is not one of LDAP", url.scheme()), expected);
            } else if !url.username().is_empty() || url.password().is_some() {
                self.fail(&key, "a URL must not hold a user or password", "use bind and password_file");
            } else if url.host_str().unwrap_or_default().is_empty() {
                self.fail(&key, "the URL names no host", expected);
            } else if !matches!(url.path(), "" | "/") || url.query().is_some() || url.fragment().is_some() {
                self.fail(
                    &key,
                    "there is more in this URL than scheme, host and port",
                    "use bases and person_filter for what follows the host",
                );
            } else if plain && !source.start_tls && !source.danger_plain_ldap {
                self.fail(
                    &key,
                    "ldap:// without TLS lets everybody on the network read the password and the people",
                    "write ldaps://, or set start_tls = true; danger_plain_ldap = true allows it nevertheless",
                );
            }
        }
        source.urls.clone()
    }

    fn cloud(&mut self, cloud: raw::Cloud) -> webex::Settings {
        let raw::CloudKind::Webex = cloud.kind;
        let base_url = self.base_url(&cloud.base_url, cloud.danger_plain_http);
        if let Some(organization) = &cloud.organization {
            self.filled("cloud.organization", organization);
        }
        let token = Keepers {
            file: cloud.token_file.as_deref(),
            environment: cloud.token_env.as_deref(),
            credential: cloud.token_credential.as_deref(),
            word: "token",
        };
        let token = self.secret("cloud", &token);
        let timeout = self.duration("cloud.timeout", &cloud.timeout);
        let max_throttle = self.any_duration("cloud.max_throttle", &cloud.max_throttle);
        let ca_file = self.existing("cloud.ca_file", cloud.ca_file);
        webex::Settings {
            base_url,
            organization: cloud.organization,
            token,
            danger_plain_http: cloud.danger_plain_http,
            ca_file,
            timeout,
            concurrency: cloud.concurrency as usize,
            max_throttle,
            page_size: cloud.page_size,
        }
    }

    fn base_url(&mut self, text: &str, danger_plain_http: bool) -> String {
        const KEY: &str = "cloud.base_url";
        let expected = "write it as in \"https://webexapis.com\"";
        match Url::parse(text) {
            Err(error) => self.fail(KEY, format!("this is not a URL: {error}"), expected),
            Ok(url) if !matches!(url.scheme(), "https" | "http") => {
                self.fail(KEY, format!("the scheme \"{}\" is not one of HTTP", url.scheme()), expected);
            }
            Ok(url) if !url.username().is_empty() || url.password().is_some() => {
                self.fail(KEY, "a URL must not hold a user or password", "use token_file");
            }
            Ok(url) if url.query().is_some() || url.fragment().is_some() => {
                self.fail(KEY, "the URL must end with its host or path", expected);
            }
            Ok(url) if url.scheme() == "http" && !danger_plain_http && !is_this_machine(&url) => {
                self.fail(
                    KEY,
                    "http:// to another machine lets everybody on the network read the token",
                    "write https://; danger_plain_http = true allows it nevertheless",
                );
            }
            Ok(_) => {}
        }
        text.trim_end_matches('/').to_owned()
    }

    fn existing(&mut self, key: &str, path: Option<PathBuf>) -> Option<PathBuf> {
        let path = self.path(&path?);
        if !self.offline
            && let Err(error) = std::fs::File::open(&path)
        {
            self.fail(
                key,
                format!("the file {} cannot be read: {error}", path.display()),
                "check path and permissions",
            );
        }
        Some(path)
    }

    fn secret(&mut self, section: &str, keepers: &Keepers<'_>) -> Redacted<String> {
        let word = keepers.word;
        if keepers.given() != 1 {
            let remedy = format!("give exactly one of {word}_file, {word}_env and {word}_credential");
            match keepers.given() {
                0 => self.fail_missing(section, format!("it is not said where the {word} is kept"), remedy),
                _ => self.fail_key(section, format!("there is more than one place for the {word}"), remedy),
            }
            return Redacted::default();
        }
        let (suffix, keeper) = match (keepers.file, keepers.environment, keepers.credential) {
            (Some(path), _, _) => ("file", Keeper::File(self.path(path))),
            (_, Some(name), _) => ("env", Keeper::Environment(name.to_owned())),
            (_, _, name) => ("credential", Keeper::Credential(name.unwrap_or_default().to_owned())),
        };
        if self.offline {
            return Redacted::default();
        }
        keeper.fetch().unwrap_or_else(|error| {
            self.fail(&format!("{section}.{word}_{suffix}"), error.message, error.remedy);
            Redacted::default()
        })
    }

    fn rules(
        &mut self,
        people: raw::People,
        entitlements: Vec<raw::Entitlement>,
        roles: Vec<raw::Role>,
    ) -> Spec {
        for (i, domain) in people.allowed_domains.iter().enumerate() {
            if !is_domain(domain) {
                self.fail(
                    &format!("people.allowed_domains[{i}]"),
                    format!("\"{domain}\" is not a domain"),
                    "write what follows the @, such as \"example.com\"",
                );
            }
        }
        if people.mapping.email.as_deref().is_some_and(|email| email.trim().is_empty()) {
            self.fail(
                "people.mapping.email",
                "the e-mail address cannot be left out",
                "write an expression, or leave out the key",
            );
        }
        self.distinguished_names("people.scope.bases", &people.scope.bases);
        self.distinguished_names("people.scope.exclude_bases", &people.scope.exclude_bases);
        self.all_filled("people.scope.groups", &people.scope.groups);
        self.all_filled("people.scope.exclude_groups", &people.scope.exclude_groups);
        let mut seen = HashSet::new();
        for (i, entitlement) in entitlements.iter().enumerate() {
            self.name(&format!("entitlement[{i}].name"), &entitlement.name, &mut seen);
            self.all_filled(&format!("entitlement[{i}].groups"), &entitlement.groups);
            self.all_filled(&format!("entitlement[{i}].licenses"), &entitlement.licenses);
        }
        let mut seen = HashSet::new();
        for (i, role) in roles.iter().enumerate() {
            self.name(&format!("role[{i}].name"), &role.name, &mut seen);
            self.all_filled(&format!("role[{i}].groups"), &role.groups);
            self.filled(&format!("role[{i}].role"), &role.role);
        }
        let raw::Scope { bases, exclude_bases, filter, groups, exclude_groups } = people.scope;
        Spec {
            dialect: match people.dialect {
                raw::Dialect::ActiveDirectory => Dialect::ActiveDirectory,
                raw::Dialect::InetOrgPerson => Dialect::InetOrgPerson,
            },
            email: people.mapping.email,
            mapping: people.mapping.fields,
            defaults: people.mapping.defaults,
            scope: ScopeSpec { bases, exclude_bases, filter, groups, exclude_groups },
            allowed_domains: people.allowed_domains,
            entitlements: entitlements
                .into_iter()
                .map(|raw| EntitlementSpec {
                    name: raw.name,
                    groups: raw.groups,
                    when: raw.when,
                    licenses: raw.licenses,
                    subscription: raw.subscription,
                    site: raw.site,
                })
                .collect(),
            roles: roles
                .into_iter()
                .map(|raw| RoleSpec { name: raw.name, groups: raw.groups, when: raw.when, role: raw.role })
                .collect(),
        }
    }

    fn leavers(&mut self, raw: &raw::Leavers) -> Leavers {
        const KEY: &str = "leavers.delete_after";
        let delete_after = raw.delete_after.as_deref().map(|text| self.duration(KEY, text));
        if delete_after.is_some() && !raw.deactivate {
            self.fail_key(
                KEY,
                "accounts are deleted some time after they were deactivated, and deactivate is false",
                "set deactivate = true, or leave out delete_after",
            );
        }
        Leavers {
            deactivate: raw.deactivate,
            reclaim_licenses: raw.reclaim_licenses,
            // A duration has at most a hundred years, so its seconds fit.
            delete_after: delete_after.map(|after| after.as_secs().min(i64::MAX as u64) as i64),
        }
    }

    fn guard(&mut self, raw: &raw::Guard) -> (Limits, Vec<Email>) {
        let defaults = Limits::default();
        let limit = |raw: &raw::Limit, default: Limit| Limit {
            count: raw.count.unwrap_or(default.count),
            percent: raw.percent.unwrap_or(default.percent),
            floor: raw.floor.unwrap_or(default.floor),
        };
        let limits = Limits {
            deactivate: limit(&raw.deactivate, defaults.deactivate),
            delete: limit(&raw.delete, defaults.delete),
            license_remove: limit(&raw.license_remove, defaults.license_remove),
            blank: limit(&raw.blank, defaults.blank),
            min_census_percent: raw.min_census_percent,
        };
        let mut protected = Vec::new();
        for (i, text) in raw.protected.iter().enumerate() {
            match text.parse() {
                Ok(email) => protected.push(email),
                Err(error) => {
                    let error: crate::model::EmailError = error;
                    let key = format!("guard.protected[{i}]");
                    self.fail(&key, error.to_string(), "write the address that the person has in the cloud");
                }
            }
        }
        (limits, protected)
    }

    fn schedule(&mut self, raw: &raw::Schedule) -> Schedule {
        let zone = match raw.timezone {
            raw::Timezone::Utc => Zone::Utc,
            raw::Timezone::Local => Zone::Local,
        };
        Schedule::parse(&raw.sync, zone).unwrap_or_else(|error| {
            self.fail(
                "schedule.sync",
                error.to_string(),
                "write \"every 15m\", or a crontab expression such as \"0 6 * * 1-5\"",
            );
            Schedule::default()
        })
    }

    fn log(&mut self, raw: raw::Log) -> LogSettings {
        let dir = raw.dir.map_or_else(service::default_log_dir, |dir| self.path(&dir));
        LogSettings {
            level: match raw.level {
                raw::LogLevel::Error => Level::Error,
                raw::LogLevel::Warn => Level::Warn,
                raw::LogLevel::Info => Level::Info,
                raw::LogLevel::Debug => Level::Debug,
                raw::LogLevel::Trace => Level::Trace,
            },
            format: match raw.format {
                raw::LogFormat::Text => Format::Text,
                raw::LogFormat::Json => Format::Json,
            },
            dir: raw.files.then_some(dir),
            keep_files: raw.keep_files as usize,
            personal_data: raw.personal_data,
        }
    }
}

/// The three places of which one keeps a secret.
struct Keepers<'a> {
    file: Option<&'a Path>,
    environment: Option<&'a str>,
    credential: Option<&'a str>,
    word: &'static str,
}

impl Keepers<'_> {
    fn given(&self) -> usize {
        usize::from(self.file.is_some())
            + usize::from(self.environment.is_some())
            + usize::from(self.credential.is_some())
    }
}

fn is_domain(text: &str) -> bool {
    let label = |label: &str| {
        (1..=63).contains(&label.len())
            && !label.starts_with('-')
            && !label.ends_with('-')
            && label.chars().all(|c| c.is_alphanumeric() || c == '-')
    };
    text.len() <= 253 && text.contains('.') && text.split('.').all(label)
}

fn is_this_machine(url: &Url) -> bool {
    match url.host() {
        Some(Host::Domain(name)) => name.eq_ignore_ascii_case("localhost"),
        Some(Host::Ipv4(address)) => IpAddr::V4(address).is_loopback(),
        Some(Host::Ipv6(address)) => IpAddr::V6(address).is_loopback(),
        None => false,
    }
}
