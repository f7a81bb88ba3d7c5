//! Access and refresh tokens, and the scopes that each family of calls wants.

use std::collections::{BTreeSet, HashMap};

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::ids;
use super::route::Family;
use super::settings::Settings;

/// How long an access token lives, in seconds, as Webex grants it.
pub(super) const ACCESS_LIFE: i64 = 1_209_599;
/// How long a refresh token lives, in seconds, as Webex grants it.
pub(super) const REFRESH_LIFE: i64 = 7_775_999;

/// What a bearer of a token may do.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct Grant {
    /// `None` for every scope.
    pub(super) scopes: Option<BTreeSet<String>>,
    /// Milliseconds since 1970; `None` for never.
    pub(super) expires: Option<i64>,
    /// The account behind it; `None` for a machine account (a service application).
    pub(super) person: Option<Uuid>,
    /// The administrator who was configured at the start: survives changes of roles.
    #[serde(default)]
    pub(super) fixed: bool,
}

impl Grant {
    /// Whether any of some scopes was granted.
    pub(super) fn any(&self, wanted: &[&str]) -> bool {
        self.scopes.as_ref().is_none_or(|scopes| wanted.iter().any(|scope| scopes.contains(*scope)))
    }

    /// The scopes in one line.
    pub(super) fn scope_line(&self) -> Option<String> {
        self.scopes.as_ref().map(|scopes| scopes.iter().cloned().collect::<Vec<_>>().join(" "))
    }
}

/// All tokens.
#[derive(Default)]
pub(super) struct Tokens {
    access: HashMap<String, Grant>,
    refresh: HashMap<String, Grant>,
    /// Authorization and device codes that wait for their exchange; true once approved.
    pub(super) codes: HashMap<String, (Grant, bool)>,
    issued: u64,
    /// The access tokens of the time when this became true are void.
    void: bool,
}

impl Tokens {
    /// The tokens of the settings.
    pub(super) fn new(settings: &Settings, admin: Option<Uuid>) -> Self {
        let grant = Grant { scopes: None, expires: None, person: admin, fixed: true };
        let mut tokens = Self::default();
        tokens.access.insert(settings.token.clone(), grant.clone());
        tokens.refresh.insert(settings.refresh_token.clone(), grant);
        tokens
    }

    /// Declares an access token.
    pub(super) fn declare(&mut self, token: String, grant: Grant) {
        self.access.insert(token, grant);
    }

    /// Declares a refresh token.
    pub(super) fn declare_refresh(&mut self, token: String, grant: Grant) {
        self.refresh.insert(token, grant);
    }

    /// The grant of an access token that is valid now.
    pub(super) fn access(&self, token: &str, now: i64) -> Option<&Grant> {
        let grant = self.access.get(token)?;
        (grant.expires.is_none_or(|expires| now < expires)).then_some(grant)
    }

    /// The grant of a refresh token that is valid now.
    pub(super) fn refresh(&self, token: &str, now: i64) -> Option<Grant> {
        let grant = self.refresh.get(token)?;
        (grant.expires.is_none_or(|expires| now < expires)).then(|| grant.clone())
    }

    /// A new access token.
    pub(super) fn issue(&mut self, seed: u64, mut grant: Grant, now: i64) -> String {
        self.issued += 1;
        let token = format!("AT-{:016x}-{}", ids::scramble(seed ^ 0xA7, self.issued), self.issued);
        grant.expires = Some(now + ACCESS_LIFE * 1000);
        grant.fixed = false;
        self.access.insert(token.clone(), grant);
        token
    }

    /// A new refresh token, or an authorization code.
    pub(super) fn mint(&mut self, seed: u64, prefix: &str) -> String {
        self.issued += 1;
        format!("{prefix}-{:016x}-{}", ids::scramble(seed ^ 0xB7, self.issued), self.issued)
    }

    /// Voids the tokens of people whose roles changed or who are gone.
    pub(super) fn revoke(&mut self, people: &[Uuid]) {
        let void = |grant: &Grant| grant.person.is_some_and(|person| people.contains(&person));
        self.access.retain(|_, grant| grant.fixed || !void(grant));
        self.refresh.retain(|_, grant| grant.fixed || !void(grant));
    }

    /// Whether tokens that exist now are void (the knob `tokens_expired`).
    pub(super) fn set_void(&mut self, void: bool) {
        if void && !self.void {
            for grant in self.access.values_mut() {
                grant.expires = grant.expires.map_or(Some(VOID), |expires| Some(-expires.abs()));
            }
        } else if !void && self.void {
            for grant in self.access.values_mut() {
                grant.expires = match grant.expires {
                    Some(VOID) => None,
                    other => other.map(i64::abs),
                };
            }
        }
        self.void = void;
    }
}

/// An expiry of a token that never expires, while the knob is on.
const VOID: i64 = i64::MIN + 1;

/// What a call wants of its token: one scope of each list.
pub(super) fn wanted(family: Family, write: bool) -> &'static [&'static [&'static str]] {
    match (family, write) {
        (Family::ScimUsers | Family::ScimGroups, false) => &[&["identity:people_read", "identity:people_rw"]],
        (Family::ScimUsers | Family::ScimGroups | Family::ScimBulk, _) => &[&["identity:people_rw"]],
        (Family::People, false) => &[&["spark-admin:people_read", "spark:people_read"]],
        (Family::People, true) => &[&["spark-admin:people_write"], &["spark-admin:people_read"]],
        (Family::Licenses, false) => &[&["spark-admin:licenses_read"]],
        (Family::Licenses, true) => &[&["spark-admin:people_write"]],
        (Family::Roles, _) => &[&["spark-admin:roles_read"]],
        (Family::Organizations, _) => &[&["spark-admin:organizations_read"]],
        (Family::Locations, _) => {
            &[&["spark-admin:locations_read", "spark-admin:people_read", "spark-admin:device_read"]]
        }
        (Family::Telephony, _) => &[&["spark-admin:telephony_config_read"]],
        (Family::Settings, false) => &[&["identity:organizations_rw", "identity:organizations_read"]],
        (Family::Settings, true) => &[&["identity:organizations_rw"]],
        (Family::Jobs, false) => &[&["spark-admin:people_read"]],
        (Family::Jobs, true) => &[&["spark-admin:people_write"]],
        (Family::Contacts, _) => &[&["Identity:contact", "Identity:SCIM"]],
        (Family::Audit, _) => &[&["audit:events_read"]],
        (Family::Oauth | Family::Other, _) => &[],
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn grant(scopes: &[&str]) -> Grant {
        let scopes = scopes.iter().map(|scope| (*scope).to_owned()).collect();
        Grant { scopes: Some(scopes), expires: None, person: None, fixed: false }
    }

    #[test]
    fn the_knob_voids_tokens_and_gives_them_back() {
        let mut tokens = Tokens::default();
        tokens.declare("forever".into(), grant(&[]));
        tokens.declare("later".into(), Grant { expires: Some(2_000), ..grant(&[]) });
        tokens.set_void(true);
        assert!(tokens.access("forever", 1_000).is_none() && tokens.access("later", 1_000).is_none());
        let fresh = tokens.issue(1, grant(&[]), 1_000);
        assert!(tokens.access(&fresh, 1_000).is_some(), "a token that was issued since is good");
        tokens.set_void(false);
        assert!(tokens.access("forever", 1_000).is_some() && tokens.access("later", 1_000).is_some());
        assert!(tokens.access("later", 2_000).is_none());
    }

    #[test]
    fn families_keep_their_scopes_apart() {
        let identity = grant(&["identity:people_rw"]);
        let admin = grant(&["spark-admin:people_write", "spark-admin:people_read"]);
        let may = |grant: &Grant, family, write| wanted(family, write).iter().all(|any| grant.any(any));
        assert!(may(&identity, Family::ScimUsers, true) && !may(&identity, Family::People, false));
        assert!(may(&admin, Family::People, true) && !may(&admin, Family::ScimUsers, false));
        assert!(!may(&grant(&["spark-admin:people_write"]), Family::People, true), "needs both");
        assert!(!may(&grant(&["identity:people_read"]), Family::ScimBulk, true));
    }
}
