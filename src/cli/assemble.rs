//! The one place where settings become the parts of a pass.

use std::path::PathBuf;

use tokio_util::sync::CancellationToken;

use crate::cloud::webex::WebexReader;
use crate::config::{Config, ConfigErrors, Overrides, SourceConfig};
use crate::rules::{self, Miss, RuleError, Rules, Trial};
use crate::service;
use crate::source::Source;
use crate::source::ldap::LdapSource;
use crate::source::ldif::LdifSource;

use super::args::Globals;
use super::exit::Failure;

/// Everything that passes are made of, besides the state.
pub struct Parts {
    /// The configuration.
    pub config: Config,
    /// The rules, compiled and not yet bound to a catalogue.
    pub rules: Rules,
    /// What the rules are tried with.
    pub trials: Vec<Trial>,
    /// The sources, in order.
    pub sources: Vec<Box<dyn Source>>,
}

impl Parts {
    /// Reads the configuration and makes everything that needs no connection.
    ///
    /// # Errors
    ///
    /// Everything wrong with the configuration, rules included.
    pub fn load(globals: &Globals) -> Result<Self, Failure> {
        Ok(Self::of(config(globals, false)?)?)
    }

    /// The same from a configuration that was read already.
    ///
    /// # Errors
    ///
    /// What is wrong with the rules, with its place in the file.
    pub fn of(config: Config) -> Result<Self, ConfigErrors> {
        let wrong = |errors: Vec<RuleError>| {
            let errors = errors.into_iter();
            ConfigErrors::new(errors.map(|e| config.error(&e.place, e.offset, e.message, e.remedy)).collect())
        };
        let rules = Rules::compile(&config.rules).map_err(wrong)?;
        let trials = rules::trials(&config.trials, &rules).map_err(wrong)?;
        let sources = config.sources.iter().map(source).collect();
        Ok(Self { config, rules, trials, sources })
    }

    /// Runs the `[[test]]` entries of the configuration, each with what is not as it says.
    pub fn try_rules(&self) -> Vec<(&Trial, Vec<Miss>)> {
        if self.trials.is_empty() {
            return Vec::new();
        }
        let rules = self.rules.clone().rehearsed(&self.config.rules);
        self.trials.iter().map(|trial| (trial, trial.run(&rules))).collect()
    }

    /// The cloud, to read. Nothing is sent yet. `stop` ends waiting, and everything that only
    /// reads.
    ///
    /// # Errors
    ///
    /// Settings that can never work.
    pub fn cloud(&self, stop: CancellationToken) -> Result<WebexReader, Failure> {
        Ok(WebexReader::connect(self.config.cloud.clone(), stop)?)
    }
}

/// Where the configuration is.
pub fn config_path(globals: &Globals) -> PathBuf {
    globals.config.clone().unwrap_or_else(service::default_config_path)
}

/// Reads the configuration. `offline`: for commands that reach neither source nor cloud.
///
/// # Errors
///
/// Everything wrong with it.
pub fn config(globals: &Globals, offline: bool) -> Result<Config, Failure> {
    let overrides = Overrides { state_dir: globals.state.clone(), offline };
    Ok(Config::load(&config_path(globals), &overrides)?)
}

/// The state directory: all that commands which only look at the state need.
///
/// # Errors
///
/// Without `--state`, everything wrong with the configuration.
pub fn state_dir(globals: &Globals) -> Result<PathBuf, Failure> {
    match &globals.state {
        Some(dir) => Ok(dir.clone()),
        None => Ok(config(globals, true)?.state_dir),
    }
}

fn source(settings: &SourceConfig) -> Box<dyn Source> {
    match settings {
        SourceConfig::Ldap(settings) => Box::new(LdapSource::new(settings.clone())),
        SourceConfig::Ldif { name, path } => Box::new(LdifSource::new(name.clone(), path.clone())),
    }
}

/// Installs the one crypto library of the process; a second one would make the LDAP client
/// panic.
pub fn install_crypto() {
    // An error means that it is there already.
    let _ = rustls::crypto::ring::default_provider().install_default();
}
