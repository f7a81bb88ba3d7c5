//! The organization with everything around it that runs: knobs, tokens, counters; and the handle
//! through which a test inspects and edits it without HTTP.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError, RwLock};
use std::time::Duration;

use serde_json::Value;

use super::audit::Actor;
use super::dump;
use super::errors::Refusal;
use super::faults::Faults;
use super::ids;
use super::profile::Profile;
use super::roles;
use super::scim_operation;
use super::scim_patch;
use super::seed;
use super::settings::Settings;
use super::state::{Bounds, State};
use super::stats::{Counter, Stats};
use super::token::Tokens;
use super::view;

/// The organization inside a running sandbox: cheap to clone, always the same organization.
#[derive(Clone)]
pub struct Organization(pub(super) Arc<Inner>);

impl std::fmt::Debug for Organization {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Organization").field("people", &self.people()).finish_non_exhaustive()
    }
}

/// What all requests share.
pub(super) struct Inner {
    pub(super) settings: Settings,
    state: RwLock<State>,
    faults: Mutex<Faults>,
    tokens: Mutex<Tokens>,
    pub(super) counter: Counter,
    pub(super) base_url: OnceLock<String>,
    pub(super) dirty: AtomicBool,
    trackings: AtomicU64,
}

impl Inner {
    /// Reads the organization.
    pub(super) fn read<T>(&self, act: impl FnOnce(&State) -> T) -> T {
        act(&self.state.read().unwrap_or_else(PoisonError::into_inner))
    }

    /// Changes the organization; tokens that this voids are void when it returns.
    pub(super) fn write<T>(&self, act: impl FnOnce(&mut State) -> T) -> T {
        let mut state = self.state.write().unwrap_or_else(PoisonError::into_inner);
        let result = act(&mut state);
        let revoked = std::mem::take(&mut state.revoked);
        if !revoked.is_empty() {
            self.tokens().revoke(&revoked);
        }
        self.dirty.store(true, Ordering::Release);
        result
    }

    /// Changes only what is no part of the organization's contents, such as a lagging counter.
    pub(super) fn write_quietly<T>(&self, act: impl FnOnce(&mut State) -> T) -> T {
        act(&mut self.state.write().unwrap_or_else(PoisonError::into_inner))
    }

    /// All tokens. Taken after the organization where both are.
    pub(super) fn tokens(&self) -> MutexGuard<'_, Tokens> {
        self.tokens.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The knobs.
    pub(super) fn faults(&self) -> MutexGuard<'_, Faults> {
        self.faults.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Where the server listens.
    pub(super) fn base(&self) -> &str {
        self.base_url.get().map_or("", String::as_str)
    }

    /// A new tracking id.
    pub(super) fn tracking(&self, family: &str) -> String {
        let number = self.trackings.fetch_add(1, Ordering::Relaxed);
        let prefix = if family.starts_with("scim") || family == "licenses" { "NA" } else { "ROUTER" };
        format!("{prefix}_{}", ids::drawn(self.settings.seed, "tracking", &number.to_string(), 0))
    }
}

impl Organization {
    /// Brings an organization up: from the settings, or as it was saved.
    pub(super) fn new(settings: Settings, saved: Option<State>) -> Result<Self, Refusal> {
        let now = crate::clock::now().timestamp_millis();
        let mut state = saved.unwrap_or_else(|| State::empty(&settings, now));
        let admin = match state.roster.slot_named(&settings.admin_email) {
            Some(slot) => state.roster.get(slot).map(|person| person.id),
            None => Some(seed::administrator(&mut state, &settings.admin_email, now)?),
        };
        let tokens = Tokens::new(&settings, admin);
        Ok(Self(Arc::new(Inner {
            settings,
            state: RwLock::new(state),
            faults: Mutex::default(),
            tokens: Mutex::new(tokens),
            counter: Counter::default(),
            base_url: OnceLock::new(),
            dirty: AtomicBool::new(false),
            trackings: AtomicU64::new(0),
        })))
    }

    /// The raw id (a UUID) of the organization.
    pub fn id(&self) -> String {
        self.0.read(|state| state.org.id.to_string())
    }

    /// How many accounts there are, the administrator included.
    pub fn people(&self) -> usize {
        self.0.read(|state| state.roster.len())
    }

    /// The knobs as they are now.
    pub fn faults(&self) -> Faults {
        self.0.faults().clone()
    }

    /// Sets all knobs.
    pub fn set_faults(&self, faults: Faults) {
        self.0.write(|state| {
            state.bounds = Bounds {
                visibility_lag: lag(faults.visibility_lag_ms),
                counter_lag: lag(faults.counter_lag_ms),
                email_reuse_ms: i64::try_from(faults.email_reuse_delay_s)
                    .unwrap_or(i64::MAX)
                    .saturating_mul(1000),
                enforced_domains: faults
                    .enforced_domains
                    .iter()
                    .map(|domain| domain.to_lowercase())
                    .collect(),
            };
            state.mark_transient();
        });
        self.0.tokens().set_void(faults.tokens_expired);
        *self.0.faults() = faults;
    }

    /// What was counted, and what the organization holds now.
    pub fn stats(&self) -> Stats {
        let mut stats = self.0.counter.read();
        self.0.read(|state| {
            stats.invitations = state.invitations;
            stats.people = state.roster.len() as u64;
            stats.licenses = BTreeMap::new();
            for license in &state.licenses {
                *stats.licenses.entry(license.spec.name.clone()).or_default() += license.holders.len() as u64;
            }
        });
        stats
    }

    /// Counts from zero again.
    pub fn reset_stats(&self) {
        self.0.counter.reset();
        self.0.write(|state| state.invitations = 0);
    }

    /// Puts people into the organization as if they had always been there. See `POST /sandbox/people`
    /// in the manual for the shape. Returns how many, and why others were not.
    ///
    /// # Errors
    /// The shape is wrong; nobody was put in.
    pub fn seed(&self, people: &Value) -> Result<(u64, Vec<String>), String> {
        let now = crate::clock::now().timestamp_millis();
        self.0.write(|state| seed::people(state, people, now)).map_err(|refusal| refusal.message)
    }

    /// The SCIM document of an account, as `GET Users/{id}` gives it.
    pub fn user(&self, email: &str) -> Option<Value> {
        self.0.read(|state| {
            let person = state.roster.get(state.roster.slot_named(email)?)?;
            serde_json::from_str(&view::user(state, self.0.base(), person, view::Detail::default())).ok()
        })
    }

    /// The names of the licences that an account holds, in order.
    pub fn licenses_of(&self, email: &str) -> Option<Vec<String>> {
        self.0.read(|state| {
            let person = state.roster.get(state.roster.slot_named(email)?)?;
            let held = person.licenses.iter().filter_map(|at| state.licenses.get(usize::from(*at)));
            let mut names: Vec<_> = held.map(|license| license.spec.name.clone()).collect();
            names.sort();
            Some(names)
        })
    }

    /// Edits an account as a colleague in Control Hub would: SCIM operations without schema or envelope.
    ///
    /// # Errors
    /// There is no such account, or Webex would refuse.
    pub fn edit(&self, email: &str, operations: &Value) -> Result<(), String> {
        let body = serde_json::json!({ "schemas": [scim_operation::PATCH], "Operations": operations });
        let now = crate::clock::now().timestamp_millis();
        let actor = Actor { person: None, tracking: "sandbox", at: now };
        let change = |state: &mut State| -> Result<(), Refusal> {
            let slot = state.roster.slot_named(email).ok_or_else(Refusal::absent)?;
            let person = state.roster.get(slot).ok_or_else(Refusal::absent)?;
            let mut doc = person.profile.document();
            scim_patch::apply(&mut doc, scim_operation::operations(&body)?)?;
            state.update(slot, Profile::from_scim(doc)?, actor)
        };
        self.0.write(change).map_err(|refusal| refusal.message)
    }

    /// Deletes an account as a colleague in Control Hub would; whether there was one.
    pub fn delete(&self, email: &str) -> bool {
        let now = crate::clock::now().timestamp_millis();
        let actor = Actor { person: None, tracking: "sandbox", at: now };
        self.0.write(|state| {
            state.roster.slot_named(email).is_some_and(|slot| state.delete(slot, actor).is_ok())
        })
    }

    /// The person signs in for the first time; whether there is such a person.
    pub fn sign_in(&self, email: &str) -> bool {
        self.0.write(|state| {
            let Some(slot) = state.roster.slot_named(email) else { return false };
            let Some(person) = state.roster.get(slot) else { return false };
            let mut person = (**person).clone();
            person.signed_in = true;
            state.roster.replace(slot, person, Duration::ZERO);
            true
        })
    }

    /// Buys or gives back seats of a licence, by name or id; whether there is such a licence.
    pub fn set_seats(&self, license: &str, seats: Option<u64>) -> bool {
        self.0.write(|state| {
            let named = |known: &super::license::License| known.spec.name == license || known.id == license;
            match state.licenses.iter_mut().find(|known| named(known)) {
                Some(found) => {
                    found.spec.seats = seats;
                    true
                }
                None => false,
            }
        })
    }

    /// Everything, in an order that does not depend on how it came about. Without times and
    /// revisions unless asked for, so that two organizations can be compared.
    pub fn dump(&self, times: bool) -> Value {
        self.0.read(|state| dump::everything(state, times))
    }

    /// The ids of the roles that an account holds.
    pub fn roles_of(&self, email: &str) -> Option<Vec<&'static str>> {
        self.0.read(|state| {
            let person = state.roster.get(state.roster.slot_named(email)?)?;
            Some(person.profile.roles.iter().map(|role| roles::at(*role).id).collect())
        })
    }
}

/// A lag of so many milliseconds, at most a year: what is never seen is seen late enough.
fn lag(ms: u64) -> Duration {
    Duration::from_millis(ms).min(Duration::from_secs(365 * 24 * 3600))
}
