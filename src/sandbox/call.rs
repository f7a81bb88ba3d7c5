//! One request on its way: what it asks, by whom, and to whom it goes.

use serde_json::Value;
use uuid::Uuid;

use super::audit::Actor;
use super::errors::Refusal;
use super::groups::Groups;
use super::organization::Inner;
use super::reply::Reply;
use super::roles;
use super::route::{Family, Query};
use super::{
    bulk, calling_behavior, contacts, jobs, licenses, locations, numbers, oauth, organizations, people,
    people_write, scim_groups, scim_users,
};

/// One request.
pub(super) struct Call<'a> {
    pub(super) cloud: &'a Inner,
    pub(super) method: &'a str,
    /// Decoded segments.
    pub(super) path: &'a [&'a str],
    pub(super) query: &'a Query,
    pub(super) body: &'a [u8],
    /// `Authorization` as it came; only the token endpoints look at it.
    pub(super) authorization: Option<&'a str>,
    /// The account behind the token.
    pub(super) caller: Option<Uuid>,
    pub(super) tracking: &'a str,
    /// Milliseconds since 1970.
    pub(super) now: i64,
}

impl Call<'_> {
    /// The body as JSON.
    pub(super) fn json(&self) -> Result<Value, Refusal> {
        serde_json::from_slice(self.body).map_err(|_| Refusal::bad("The request body is not JSON."))
    }

    /// The caller, for the audit.
    pub(super) fn actor(&self) -> Actor<'_> {
        Actor { person: self.caller, tracking: self.tracking, at: self.now }
    }

    /// Answers the request.
    pub(super) fn answer(&self, family: Family) -> Reply {
        let result = self.dispatch(family);
        match result {
            Ok(reply) => reply,
            Err(refusal) if family.is_scim() => refusal.scim(self.tracking),
            Err(refusal) => refusal.rest(self.tracking),
        }
    }

    fn dispatch(&self, family: Family) -> Result<Reply, Refusal> {
        if family.is_scim() {
            self.check_scim_org()?;
        }
        if family == Family::Contacts {
            return self.contacts();
        }
        match (self.method, self.path) {
            ("GET", ["v1", "people"]) => people::list(self),
            ("POST", ["v1", "people"]) => people_write::create(self),
            ("GET", ["v1", "people", id]) => people::get(self, id),
            ("PUT", ["v1", "people", id]) => people_write::replace(self, id),
            ("GET", ["v1", "people", id, "features", "callingBehavior"]) => calling_behavior::get(self, id),
            ("PUT", ["v1", "people", id, "features", "callingBehavior"]) => calling_behavior::put(self, id),
            ("DELETE", ["v1", "people", id]) => people_write::delete(self, id),

            ("GET", ["v1", "licenses"]) => licenses::list(self),
            ("PATCH", ["v1", "licenses", "users"]) => licenses::assign(self),
            ("GET", ["v1", "licenses", id]) => licenses::get(self, id),
            ("GET", ["v1", "roles"]) => Ok(roles::list()),
            ("GET", ["v1", "roles", id]) => roles::get(id),
            ("GET", ["v1", "organizations"]) => Ok(organizations::list(self)),
            ("GET", ["v1", "organizations", id]) => organizations::get(self, id),
            ("GET", ["v1", "locations"]) => locations::list(self),
            ("GET", ["v1", "locations", id]) => locations::get(self, id),
            ("GET", ["v1", "telephony", "config", "numbers"]) => numbers::list(self),
            ("GET", ["v1", "telephony", "config", "callingProfiles"]) => Ok(calling_behavior::profiles(self)),
            ("POST", ["v1", "settings", "organizations", org, "settings"]) => {
                organizations::set_setting(self, org)
            }
            ("GET", ["v1", "settings", "organizations", org, "settings", key]) => {
                organizations::setting(self, org, key)
            }
            ("GET", ["v1", "adminAudit", "events"]) => organizations::audit(self),

            ("GET", ["identity", "organizations", org]) => organizations::identity(self, org),
            ("PATCH", ["identity", "organizations", org]) => organizations::rename(self, org),
            ("GET", ["identity", "organizations", org, "v1", "ArchivedUser", id]) => {
                organizations::archived(self, org, id)
            }
            (_, ["identity", "organizations", org, "jobs", "sendActivationEmails", rest @ ..]) => {
                self.activation_job(org, rest)
            }

            ("GET", ["identity", "scim", "v2", "Users", "me"]) => scim_users::me(self),
            ("GET", ["identity", "scim", _, "v2", "Users"]) => scim_users::search(self),
            ("POST", ["identity", "scim", _, "v2", "Users"]) => scim_users::create(self),
            ("GET", ["identity", "scim", _, "v2", "Users", id]) => scim_users::get(self, id),
            ("PUT", ["identity", "scim", _, "v2", "Users", id]) => scim_users::replace(self, id),
            ("PATCH", ["identity", "scim", _, "v2", "Users", id]) => scim_users::patch(self, id),
            ("DELETE", ["identity", "scim", _, "v2", "Users", id]) => scim_users::delete(self, id),
            ("GET", ["identity", "scim", _, "v2", "Groups"]) => scim_groups::list(self),
            ("POST", ["identity", "scim", _, "v2", "Groups"]) => scim_groups::create(self),
            ("GET", ["identity", "scim", _, "v2", "Groups", id]) => scim_groups::get(self, id),
            ("PUT", ["identity", "scim", _, "v2", "Groups", id]) => scim_groups::replace(self, id),
            ("PATCH", ["identity", "scim", _, "v2", "Groups", id]) => scim_groups::patch(self, id),
            ("DELETE", ["identity", "scim", _, "v2", "Groups", id]) => scim_groups::delete(self, id),
            ("GET", ["identity", "scim", _, "v2", "Groups", id, "Members"]) => scim_groups::members(self, id),
            ("POST", ["identity", "scim", _, "v2", "Bulk"]) => bulk::run(self),

            (_, ["v1", rest @ ..]) if family == Family::Oauth => oauth::answer(self, rest),
            _ if family == Family::Other => Err(Refusal::absent()),
            _ => Err(Refusal::new(405, "The method is not supported here.")),
        }
    }

    /// The contacts of the organization, under its raw id.
    fn contacts(&self) -> Result<Reply, Refusal> {
        let ["v1", "contacts", "organizations", org, "contacts", rest @ ..] = self.path else {
            return Err(Refusal::absent());
        };
        if !self.cloud.read(|state| state.org.id.to_string().eq_ignore_ascii_case(org)) {
            return Err(Refusal::absent());
        }
        match (self.method, rest) {
            ("POST", []) => contacts::create(self),
            ("GET", ["search"]) => contacts::search(self),
            ("POST", ["bulk"]) => contacts::bulk(self),
            ("POST", ["bulk", "delete"]) => contacts::bulk_delete(self),
            ("GET", [id]) => contacts::get(self, id),
            ("PATCH", [id]) => contacts::patch(self, id),
            ("DELETE", [id]) => contacts::delete(self, id),
            _ => Err(Refusal::new(405, "The method is not supported here.")),
        }
    }

    /// SCIM paths take the raw id of the organization and nothing else.
    fn check_scim_org(&self) -> Result<(), Refusal> {
        match self.path {
            ["identity", "scim", "v2", ..] => Ok(()),
            ["identity", "scim", org, ..]
                if self.cloud.read(|state| state.org.id.to_string().eq_ignore_ascii_case(org)) =>
            {
                Ok(())
            }
            _ => Err(Refusal::absent()),
        }
    }

    fn activation_job(&self, org: &str, rest: &[&str]) -> Result<Reply, Refusal> {
        organizations::check(self, org)?;
        match (self.method, rest) {
            ("POST", []) => self.cloud.write(|state| {
                if jobs::running(state) {
                    return Err(Refusal::new(409, "A job is running already."));
                }
                Ok(Reply::json(202, &jobs::send_activation_mails(state, self.now, self.tracking)))
            }),
            ("GET", [id, "status"]) => {
                let job = self.cloud.write(|state| jobs::status(state, id, self.tracking));
                job.map(|job| Reply::json(200, &job)).ok_or_else(Refusal::absent)
            }
            ("GET", [id, "errors"]) => {
                let errors = self.cloud.read(|state| jobs::errors(state, id, self.tracking));
                errors.map(|errors| Reply::json(200, &errors)).ok_or_else(Refusal::absent)
            }
            _ => Err(Refusal::new(405, "The method is not supported here.")),
        }
    }

    /// Whether the account behind the token may do this: an administrator of the right kind.
    pub(super) fn role_allows(&self, family: Family, write: bool) -> bool {
        use roles::{DEVICE_ADMIN, FULL_ADMIN, GROUP_ADMIN, READ_ONLY_ADMIN, USER_ADMIN};
        let Some(caller) = self.caller else { return true };
        let wanted: &[u8] = match (family, write) {
            (Family::Oauth | Family::Other, _) => return true,
            (Family::ScimGroups, true) => &[FULL_ADMIN, GROUP_ADMIN],
            (Family::ScimBulk, _) => &[FULL_ADMIN, USER_ADMIN, GROUP_ADMIN],
            (_, true) => &[FULL_ADMIN, USER_ADMIN],
            (_, false) => &[FULL_ADMIN, USER_ADMIN, GROUP_ADMIN, READ_ONLY_ADMIN, DEVICE_ADMIN],
        };
        let myself = matches!(self.path, ["v1", "people", "me"] | ["identity", "scim", "v2", "Users", "me"]);
        self.cloud.read(|state| {
            let person = state.roster.slot_of(caller).and_then(|slot| state.roster.get(slot));
            person
                .is_some_and(|person| myself || person.profile.roles.iter().any(|role| wanted.contains(role)))
        })
    }
}

/// A group id that is known.
pub(super) fn known_group(groups: &Groups, id: &str) -> Result<Uuid, Refusal> {
    let id = super::ids::raw(id).ok_or_else(Refusal::absent)?;
    groups.get(id).map(|group| group.id).ok_or_else(Refusal::absent)
}
