//! The organization as data: who exists, what they hold, and the changes that are possible.
//!
//! Everything that both interfaces must agree on happens here: uniqueness of user names, implicit
//! licences, the traces that a deletion leaves.

use std::collections::{HashMap, HashSet};
use std::time::Duration;

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::addresses;
use super::audit::{Actor, Audit};
use super::contacts::Contacts;
use super::errors::Refusal;
use super::groups::Groups;
use super::ids;
use super::jobs::Jobs;
use super::license::License;
use super::person::Person;
use super::profile::Profile;
use super::roster::Roster;
use super::settings::{LocationSpec, Settings};

/// The organization.
#[derive(Debug)]
pub(super) struct State {
    pub(super) org: Facts,
    pub(super) seed: u64,
    pub(super) roster: Roster,
    pub(super) licenses: Vec<License>,
    pub(super) locations: Vec<Location>,
    /// Meeting sites that no licence names.
    pub(super) sites: Vec<String>,
    /// The UC Manager profiles, by name.
    pub(super) uc_profiles: Vec<String>,
    pub(super) groups: Groups,
    pub(super) contacts: Contacts,
    /// User names that other organizations hold, in lower case.
    pub(super) taken: HashSet<String>,
    /// User names that were deleted, in lower case.
    pub(super) former: HashMap<Box<str>, Former>,
    /// What is left of deleted accounts.
    pub(super) archived: HashMap<Uuid, Archived>,
    pub(super) audit: Audit,
    pub(super) jobs: Jobs,
    /// Invitation mails that would have gone out.
    pub(super) invitations: u64,
    /// Set from the knobs.
    pub(super) bounds: Bounds,
    /// People whose tokens are void since the last look.
    pub(super) revoked: Vec<Uuid>,
}

/// Facts about the organization.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct Facts {
    pub(super) id: Uuid,
    pub(super) name: String,
    pub(super) language: String,
    /// Milliseconds since 1970.
    pub(super) created: i64,
    /// Milliseconds since 1970.
    pub(super) modified: i64,
    /// New people with a licence are invited by mail.
    pub(super) invites: bool,
}

impl Facts {
    /// The public id.
    pub(super) fn public_id(&self) -> String {
        ids::public("ORGANIZATION", &self.id.to_string())
    }
}

/// A location with its ids.
#[derive(Debug)]
pub(super) struct Location {
    pub(super) spec: LocationSpec,
    pub(super) id: String,
    pub(super) raw: Uuid,
}

/// The knobs that the data itself has to know.
#[derive(Clone, Debug, Default)]
pub(super) struct Bounds {
    pub(super) visibility_lag: Duration,
    pub(super) counter_lag: Duration,
    pub(super) email_reuse_ms: i64,
    /// In lower case.
    pub(super) enforced_domains: Vec<String>,
}

/// A user name that was deleted.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct Former {
    /// Milliseconds since 1970.
    pub(super) deleted: i64,
    pub(super) times: u32,
}

/// What is left of a deleted account.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct Archived {
    pub(super) user_name: Box<str>,
    pub(super) display_name: Box<str>,
    /// Milliseconds since 1970.
    pub(super) created: i64,
    /// Milliseconds since 1970.
    pub(super) deleted: i64,
}

impl State {
    /// An organization in which nobody is.
    pub(super) fn empty(settings: &Settings, now: i64) -> Self {
        let id = ids::drawn(settings.seed, "organization", &settings.org_name, 0);
        let org = Facts {
            id,
            name: settings.org_name.clone(),
            language: "en_GB".into(),
            created: now,
            modified: now,
            invites: true,
        };
        let mut state = Self {
            org,
            seed: settings.seed,
            roster: Roster::default(),
            licenses: Vec::new(),
            locations: Vec::new(),
            sites: settings.sites.clone(),
            uc_profiles: settings.uc_profiles.clone(),
            groups: Groups::default(),
            contacts: Contacts::default(),
            taken: settings.taken_elsewhere.iter().map(|name| name.to_lowercase()).collect(),
            former: HashMap::new(),
            archived: HashMap::new(),
            audit: Audit::default(),
            jobs: Jobs::default(),
            invitations: 0,
            bounds: Bounds::default(),
            revoked: Vec::new(),
        };
        let org = id.to_string();
        state.licenses = License::all(settings.seed, &org, settings.licenses.iter().cloned());
        for spec in &settings.locations {
            let raw = ids::drawn(settings.seed, "location", &spec.name, 0);
            let id = ids::public("LOCATION", &raw.to_string());
            state.locations.push(Location { spec: spec.clone(), id, raw });
        }
        state
    }

    /// Gives the organization another id, which its licences carry in theirs.
    pub(super) fn relabel(&mut self, id: Uuid) {
        self.org.id = id;
        let org = id.to_string();
        self.licenses = License::all(self.seed, &org, self.licenses.iter().map(|known| known.spec.clone()));
    }

    /// Makes an account with the free licences that everybody has.
    pub(super) fn create(
        &mut self,
        profile: Profile,
        by_scim: bool,
        actor: Actor<'_>,
    ) -> Result<u32, Refusal> {
        let key = profile.user_name.to_lowercase();
        self.free(&key, actor.at)?;
        self.check_addresses(&profile, None)?;
        self.check_domain(&profile)?;
        self.check_manager(&profile)?;
        let attempt = self.former.get(key.as_str()).map_or(0, |former| former.times);
        let id = ids::drawn(self.seed, "person", &key, attempt);
        let mut person = Person { made_by_scim: by_scim, ..Person::new(id, profile, actor.at) };
        // Renaming frees a name without a deletion, and its id stays with the renamed.
        let mut again = attempt;
        while self.roster.slot_of(person.id).is_some() || self.archived.contains_key(&person.id) {
            again += 1;
            person.id = ids::drawn(self.seed, "person", &key, again);
        }
        let implicit: Vec<u16> = self.indexes(License::implicit);
        person.licenses = if person.is_user() { implicit.into() } else { Box::default() };
        self.audit.note(actor, "User created", person.id, &person.profile.user_name);
        Ok(self.admit(person))
    }

    /// Puts a complete account into the roster and its licences' books.
    pub(super) fn admit(&mut self, person: Person) -> u32 {
        let held = person.licenses.clone();
        let slot = self.roster.insert(person, self.bounds.visibility_lag);
        for license in held {
            if let Some(license) = self.licenses.get_mut(usize::from(license)) {
                license.set_holder(slot, true, self.bounds.counter_lag);
            }
        }
        slot
    }

    /// Gives an account another profile.
    pub(super) fn update(&mut self, slot: u32, profile: Profile, actor: Actor<'_>) -> Result<(), Refusal> {
        let before = self.roster.get(slot).ok_or_else(Refusal::absent)?;
        if before.profile == profile {
            return Ok(());
        }
        let key = profile.user_name.to_lowercase();
        if *before.key() != *key {
            self.free(&key, actor.at)?;
            self.check_domain(&profile)?;
        }
        self.check_addresses(&profile, Some(slot))?;
        if before.profile.manager != profile.manager {
            self.check_manager(&profile)?;
        }
        if before.profile.roles != profile.roles || (before.profile.active && !profile.active) {
            self.revoked.push(before.id);
        }
        let mut person = Person::clone(before);
        person.profile = profile;
        self.commit(slot, person, actor, "User updated");
        Ok(())
    }

    /// Replaces an account by its next version.
    pub(super) fn commit(&mut self, slot: u32, mut person: Person, actor: Actor<'_>, what: &'static str) {
        person.revision = person.revision.saturating_add(1);
        person.modified = actor.at;
        self.audit.note(actor, what, person.id, &person.profile.user_name);
        self.roster.replace(slot, person, self.bounds.visibility_lag);
    }

    /// Deletes an account and what hangs on it.
    pub(super) fn delete(&mut self, slot: u32, actor: Actor<'_>) -> Result<(), Refusal> {
        let person = self.roster.remove(slot, self.bounds.visibility_lag).ok_or_else(Refusal::absent)?;
        for license in &person.licenses {
            if let Some(license) = self.licenses.get_mut(usize::from(*license)) {
                license.set_holder(slot, false, self.bounds.counter_lag);
            }
        }
        self.groups.forget(slot);
        self.revoked.push(person.id);
        let times = self.former.get(&person.key()).map_or(1, |former| former.times.saturating_add(1));
        self.former.insert(person.key(), Former { deleted: actor.at, times });
        self.archived.insert(
            person.id,
            Archived {
                user_name: person.profile.user_name.clone(),
                display_name: person.profile.display_name.clone(),
                created: person.created,
                deleted: actor.at,
            },
        );
        self.audit.note(actor, "User deleted", person.id, &person.profile.user_name);
        Ok(())
    }

    /// The indexes of the licences for which something holds.
    pub(super) fn indexes(&self, holds: impl Fn(&License) -> bool) -> Vec<u16> {
        (0u16..).zip(&self.licenses).filter(|(_, license)| holds(license)).map(|(at, _)| at).collect()
    }

    /// The index of a licence id.
    pub(super) fn license_index(&self, id: &str) -> Option<u16> {
        let wanted = id.trim_end_matches('=');
        (0u16..).zip(&self.licenses).find(|(_, license)| license.id == wanted).map(|(at, _)| at)
    }

    /// The index of a location, by its public or raw id.
    pub(super) fn location_index(&self, id: &str) -> Option<u16> {
        let raw = ids::raw(id).or_else(|| ids::raw(&ids::value_of("LOCATION", id)?))?;
        (0u16..).zip(&self.locations).find(|(_, location)| location.raw == raw).map(|(at, _)| at)
    }

    /// Whether a meeting site belongs to the organization.
    pub(super) fn knows_site(&self, site: &str) -> bool {
        let same = |known: &str| known.eq_ignore_ascii_case(site);
        self.sites.iter().any(|known| same(known))
            || self.licenses.iter().any(|license| license.spec.site.as_deref().is_some_and(same))
    }

    /// Accounts outside the enforced domains are transient.
    pub(super) fn mark_transient(&mut self) {
        let enforced = self.bounds.enforced_domains.clone();
        let outside = |person: &Person| !enforced.is_empty() && !enforced.contains(&person.profile.domain());
        let other: Vec<_> = self
            .roster
            .since_slot(0)
            .filter(|(_, person)| person.transient != outside(person))
            .map(|(slot, person)| (slot, Person::clone(person)))
            .collect();
        for (slot, mut person) in other {
            person.transient = !person.transient;
            self.roster.replace(slot, person, Duration::ZERO);
        }
    }

    fn free(&self, key: &str, now: i64) -> Result<(), Refusal> {
        let reserved =
            self.former.get(key).is_some_and(|former| now - former.deleted < self.bounds.email_reuse_ms);
        if reserved || self.taken.contains(key) || self.roster.slot_named(key).is_some() {
            return Err(Refusal::duplicate());
        }
        Ok(())
    }

    /// Refuses an address that the account does not have yet and another one has.
    fn check_addresses(&self, profile: &Profile, slot: Option<u32>) -> Result<(), Refusal> {
        let before = slot.and_then(|slot| self.roster.get(slot));
        if before.is_some_and(|before| {
            before.profile.user_name == profile.user_name && before.profile.emails == profile.emails
        }) {
            return Ok(());
        }
        let had: Vec<Box<str>> = before.iter().flat_map(|before| addresses::all(&before.profile)).collect();
        let mut new = addresses::all(profile).filter(|address| !had.contains(address));
        match new.any(|address| self.roster.has_other(&address, slot)) {
            true => Err(Refusal::duplicate()),
            false => Ok(()),
        }
    }

    fn check_domain(&self, profile: &Profile) -> Result<(), Refusal> {
        let enforced = &self.bounds.enforced_domains;
        if !enforced.is_empty() && !enforced.contains(&profile.domain()) {
            return Err(Refusal::bad("The domain of the user is not a verified domain of the organization."));
        }
        Ok(())
    }

    fn check_manager(&self, profile: &Profile) -> Result<(), Refusal> {
        match profile.manager {
            Some(manager) if self.roster.slot_of(manager).is_none() => {
                Err(Refusal::bad("manager.value is not a user of the organization."))
            }
            _ => Ok(()),
        }
    }
}
