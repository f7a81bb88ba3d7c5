//! Section by section, from what is written to what is meant.

mod cloud;
mod contacts;
mod entitlement;
mod groups;
mod people;
mod rooms;
mod source;
mod trial;

use std::collections::{BTreeSet, HashSet};
use std::path::{Path, PathBuf};
use std::time::Duration;

use super::checked::{Config, Overrides};
use super::document::Side;
use super::secrets::Keeper;
use super::{ConfigError, Document, raw};
use crate::guard::{Limit, Limits};
use crate::model::{Email, Redacted};
use crate::plan::Leavers;
use crate::report::log::{Format, Level, LogSettings};
use crate::schedule::{Schedule, Zone, parse_duration};
use crate::service;

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
    let preempt = raw.seats.preempt;
    let unused_templates = entitlement::unused(&raw.entitlement, &raw.template);
    let entitling = check.entitling(raw.entitlements, raw.entitlement, raw.template, raw.role);
    let mut rules = check.rules(raw.people, entitling, raw.seats);
    let (chosen, groups) = check.groups(raw.groups);
    rules.groups = chosen;
    rules.rooms = check.rooms(raw.rooms);
    let adopt_contacts = raw.contacts.adopt;
    rules.contacts = check.contacts(raw.contacts);
    let trials = check.trials(raw.test);
    let leavers = check.leavers(&raw.leavers);
    let (guard, protected) = check.guard(&raw.guard);
    let schedule = check.schedule(&raw.schedule);
    let observe_every = check.duration("schedule.observe_every", &raw.schedule.observe_every);
    let full_every = check.duration("schedule.full_every", &raw.schedule.full_every);
    let poll = match raw.schedule.poll.as_str() {
        "never" => None,
        text => Some(check.duration("schedule.poll", text)),
    };
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
        unused_templates,
        trials,
        adopt,
        preempt,
        groups,
        adopt_contacts,
        leavers,
        guard,
        protected,
        schedule,
        observe_every,
        full_every,
        poll,
        state_dir,
        keep_records: raw.state.keep_records,
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
            scope_change: limit(&raw.scope_change, defaults.scope_change),
            group_member_remove: limit(&raw.group_member_remove, defaults.group_member_remove),
            group_delete: limit(&raw.group_delete, defaults.group_delete),
            contact_delete: limit(&raw.contact_delete, defaults.contact_delete),
            contact_blank: limit(&raw.contact_blank, defaults.contact_blank),
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
