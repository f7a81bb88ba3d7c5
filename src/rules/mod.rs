//! From a record to what the cloud should hold: scope, mapping, validity, entitlements, roles; of a
//! room, scope and mapping.
//!
//! Pure: the same record, memberships and time give the same verdict. Rules are compiled once,
//! then bound to the licences and roles that the cloud has, and judge each record on its own.

mod address;
mod award;
mod calling;
mod check;
mod chosen;
mod collisions;
mod contacts;
mod defaults;
mod earlier;
mod entitlement;
mod error;
mod explain;
mod expr;
mod filter;
mod fingerprint;
mod fold;
#[cfg(feature = "fuzzing")]
pub mod fuzzing;
mod groups;
mod join;
mod line;
mod mapping;
mod nearest;
mod role;
mod rooms;
mod scope;
mod spec;
mod standing;
mod subject;
mod trial;
mod who;

use std::collections::{BTreeMap, BTreeSet};

use crate::model::{
    AccountKind, Ask, Bond, Catalogue, Cause, Field, FieldSet, Fingerprint, Hasher, LicenseId, Line, Person,
    Place, Record, RecordKind, Role, RoleId, Standing, Verdict, Wanted,
};

use award::{Award, Giver};
use contacts::Contacts;
use earlier::History;
use entitlement::Entitlement;
use join::Join;
use mapping::Mapping;
use role::RoleRule;
use rooms::Rooms;
use scope::Scope;
use standing::Order;
use subject::Subject;

pub use crate::model::ScopeSpec;
pub use chosen::Chosen;
pub use collisions::Collisions;
pub use contacts::{ContactSpec, ContactWish};
pub use error::RuleError;
pub use explain::{Answer, Explanation, Hits, MappedValue, address_attributes, inputs};
pub use groups::GroupSet;
pub use line::own_attributes;
pub use role::words as role_words;
pub use rooms::{ROOM_FIELDS, RoomSpec};
pub use spec::{
    CallingSpec, Dialect, EntitlementSpec, EntitlingSpec, GroupSpec, PolicySpec, RoleSpec, SeatsSpec, Spec,
    TemplateSpec, Unusables,
};
pub use trial::{Expected, Miss, Trial, TrialKind, TrialSpec, trials};

/// Compiled rules. Immutable; shared freely between threads.
#[derive(Clone, Debug)]
pub struct Rules {
    scope: Scope,
    history: History,
    mapping: Mapping,
    rooms: Option<Rooms>,
    contacts: Option<Contacts>,
    join: Option<Join>,
    collisions: Collisions,
    entitling: EntitlingSpec,
    entitlements: Vec<Entitlement>,
    order: Order,
    roles: Vec<RoleRule>,
    attributes: BTreeSet<String>,
    groups: Vec<String>,
    chosen: Option<Chosen>,
    /// Of the rules as written.
    written: Fingerprint,
    /// Of the rules as bound.
    fingerprint: Fingerprint,
    managed_licenses: BTreeSet<LicenseId>,
    /// Those for calling, of all that the organization has.
    calling: BTreeSet<LicenseId>,
    manages_roles: bool,
    places: Vec<Place>,
}

/// A name in a rule that the cloud does not have, or has more than once.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unbound {
    /// The rule, by its name or place.
    pub rule: String,
    /// The name as written.
    pub wanted: String,
    /// What is wrong with it.
    pub message: String,
    /// What to do.
    pub remedy: String,
}

impl Rules {
    /// Compiles rules. Licences and roles are still names: until [`Rules::bind`], nobody gets any.
    ///
    /// # Errors
    ///
    /// Everything that is wrong with the rules as written, in their order.
    pub fn compile(spec: &Spec) -> Result<Self, Vec<RuleError>> {
        let mut needs = expr::Needs::default();
        let mut errors = Vec::new();
        let mapping = Mapping::compile(spec, &mut needs, &mut errors);
        let join = Join::compile(spec, &mut needs, &mut errors);
        let scope = Scope::compile(&spec.scope, &mut needs, &mut errors);
        let rooms = Rooms::compile(spec, &mut needs, &mut errors);
        let contacts = Contacts::compile(spec, &mut needs, &mut errors);
        let entitlements = spec.entitlements.iter().enumerate();
        let entitlements: Vec<_> =
            entitlements.map(|(i, spec)| Entitlement::compile(i, spec, &mut needs, &mut errors)).collect();
        let order = Order::compile(spec, &mut needs, &mut errors);
        let roles = spec.roles.iter().enumerate();
        let roles: Vec<_> =
            roles.map(|(i, spec)| RoleRule::compile(i, spec, &mut needs, &mut errors)).collect();
        let chosen = Chosen::compile(&spec.groups, &mut errors);
        if spec.collisions == Collisions::LinkedThenOldest {
            needs.attributes.extend(collisions::AGE.map(str::to_owned));
        }
        match mapping {
            Some(mapping) if errors.is_empty() => {
                let written = fingerprint::of_spec(spec);
                let groups = needs.groups.into_names();
                Ok(Self {
                    scope,
                    history: History::new(
                        &spec.scope,
                        spec.rooms.as_ref().map(|rooms| &rooms.scope),
                        groups.len(),
                    ),
                    mapping,
                    rooms,
                    contacts,
                    join,
                    collisions: spec.collisions,
                    entitling: spec.entitling,
                    entitlements,
                    order,
                    roles,
                    attributes: needs.attributes,
                    groups,
                    chosen,
                    written,
                    fingerprint: written,
                    managed_licenses: BTreeSet::new(),
                    calling: BTreeSet::new(),
                    manages_roles: false,
                    places: Vec::new(),
                })
            }
            _ => Err(errors),
        }
    }

    /// Resolves the names of licences and roles against what the cloud has.
    ///
    /// What cannot be resolved is returned. A rule neither gives nor takes a licence that it
    /// could not resolve; and while any role is unresolved, roles are not managed at all, as
    /// nobody could tell whose role is still wanted.
    pub fn bind(mut self, catalogue: &Catalogue, roles: &[Role]) -> (Self, Vec<Unbound>) {
        let mut unbound = Vec::new();
        for entitlement in &mut self.entitlements {
            entitlement.bind(catalogue, &mut unbound);
        }
        for role in &mut self.roles {
            role.bind(roles, &mut unbound);
        }
        let offers = self.entitlements.iter().flat_map(|rule| rule.offers());
        self.managed_licenses = offers.map(|offer| offer.id.clone()).collect();
        self.calling = calling::licenses(catalogue);
        self.calling.retain(|license| self.managed_licenses.contains(license));
        self.manages_roles = !self.roles.is_empty() && self.roles.iter().all(RoleRule::is_bound);
        let mut h = Hasher::seeded(self.written);
        for entitlement in &self.entitlements {
            h.part(&(entitlement.offers().len() as u64).to_le_bytes());
            entitlement.offers().iter().for_each(|offer| h.part(offer.id.as_str().as_bytes()));
        }
        for role in &self.roles {
            h.part(&[u8::from(role.is_bound())]);
            h.part(role.role().map_or("", |id| id.as_str()).as_bytes());
        }
        self.fingerprint = h.finish();
        (self, unbound)
    }

    /// The digest of everything that can change a verdict: the rules as written, the licences
    /// and roles they are bound to, and the version of their meaning.
    pub fn fingerprint(&self) -> Fingerprint {
        self.fingerprint
    }

    /// The digest of the rules as written alone.
    pub fn written(&self) -> Fingerprint {
        self.written
    }

    /// The fields that are mapped and compared. A managed field that is absent from a person is
    /// cleared in the cloud; all others are left alone, once an account is created.
    pub fn managed(&self) -> FieldSet {
        self.mapping.managed()
    }

    /// The fields that are written only when an account is created.
    pub fn once(&self) -> FieldSet {
        self.mapping.once()
    }

    /// The managed fields that are written only where the cloud has no value.
    pub fn kept(&self) -> FieldSet {
        self.mapping.kept()
    }

    /// The UC Manager profiles that the rules name.
    pub fn uc_profiles(&self) -> Vec<String> {
        self.mapping.written(Field::UcProfile)
    }

    /// All licences that any rule can give.
    pub fn managed_licenses(&self) -> &BTreeSet<LicenseId> {
        &self.managed_licenses
    }

    /// The names of the rules that give licences, in their order.
    pub fn entitlement_names(&self) -> Vec<String> {
        self.entitlements.iter().map(|rule| rule.name().to_owned()).collect()
    }

    /// Whether licences of [`Rules::managed_licenses`] are taken from whom no rule gives them,
    /// also those that we did not give.
    pub fn takes_managed(&self) -> bool {
        self.entitling.take_managed
    }

    /// What the licences that any rule can give say about each other.
    pub fn bonds(&self) -> BTreeMap<LicenseId, Bond> {
        let offers = self.entitlements.iter().flat_map(|rule| rule.offers());
        offers.map(|offer| (offer.id.clone(), offer.bond)).collect()
    }

    /// How long a licence is kept after no rule gives it any more, in seconds, where it is kept at
    /// all; and the same for licences of which no rule speaks. Where several rules give a
    /// licence, the longest time counts.
    pub fn grace(&self) -> (BTreeMap<LicenseId, i64>, Option<i64>) {
        let mut of = BTreeMap::new();
        for rule in &self.entitlements {
            let grace = rule.grace().or(self.entitling.grace).unwrap_or(0);
            for offer in rule.offers() {
                let longest = of.entry(offer.id.clone()).or_insert(grace);
                *longest = grace.max(*longest);
            }
        }
        (of, self.entitling.grace)
    }

    /// Whether roles are given and taken.
    pub fn manages_roles(&self) -> bool {
        self.manages_roles
    }

    /// All roles that any rule can give; empty while roles are not managed.
    pub fn managed_roles(&self) -> BTreeSet<RoleId> {
        if !self.manages_roles {
            return BTreeSet::new();
        }
        self.roles.iter().filter_map(|rule| rule.role().cloned()).collect()
    }

    /// What must be read from the source: every attribute that any rule names, in lower case,
    /// and groups when any is named or chosen for the cloud.
    pub fn ask(&self) -> Ask {
        Ask {
            attributes: self.attributes.clone(),
            groups: self.wants_groups(),
            contacts: self.has_contacts(),
        }
    }

    /// Judges one record. `groups` are the effective memberships of the person; `now` is in
    /// seconds since 1970-01-01 UTC.
    pub fn judge(&self, record: &Record, groups: &GroupSet, now: i64) -> Verdict {
        let subject = Subject::new(record, groups);
        let leaving = |cause| Verdict {
            wanted: Wanted::Leaving(cause),
            ungiven: Vec::new(),
            unfit: Vec::new(),
            recheck: None,
            standing: Standing::default(),
        };
        match record.kind {
            RecordKind::Person => {}
            RecordKind::Room => return self.judge_room(record, groups),
            RecordKind::Group | RecordKind::Contact | RecordKind::Other => {
                return leaving(Cause::OutOfScope);
            }
        }
        let ended = record.disabled || record.expires.is_some_and(|expires| expires <= now);
        if !self.scope.contains(&subject) {
            return leaving(self.why_out(&subject, ended));
        }
        if ended {
            return leaving(Cause::Disabled);
        }
        let (mut ungiven, mut unfit) = (Vec::new(), Vec::new());
        let mut standing = Standing::default();
        let wanted = match self.mapping.map(&subject, &mut unfit) {
            Err(withheld) => Wanted::Withheld(withheld),
            Ok((email, profile)) => {
                let (award, telephone) = self.award(&subject);
                let first = award.first();
                let licenses;
                (licenses, ungiven) = award.close();
                standing = self.order.standing(&subject, &licenses, &first);
                let roles = self.roles_of(&subject);
                let person = Person {
                    kind: AccountKind::Person,
                    email,
                    active: true,
                    profile,
                    licenses,
                    roles,
                    telephone,
                };
                match calling::obstacle(&self.calling, &person, &subject) {
                    Some(withheld) => Wanted::Withheld(withheld),
                    None => Wanted::Present(person),
                }
            }
        };
        // An expiry that is not in the past is in the future.
        Verdict { wanted, ungiven, unfit, recheck: record.expires, standing }
    }

    /// The licences of one person, the telephone that goes with them, and those that a rule gives
    /// and that are not given.
    fn award<'r>(&'r self, subject: &Subject<'_>) -> (Award<'r>, Option<Box<Line>>) {
        let mut award = Award::new();
        for (at, rule) in self.entitlements.iter().enumerate() {
            if !rule.includes(subject) {
                continue;
            }
            for offer in rule.offers() {
                award.offer(offer, Giver { at, name: rule.name() });
            }
            if self.entitling.first_match {
                break;
            }
        }
        award.complete(|bond| {
            let all = self.entitlements.iter().flat_map(|rule| rule.offers());
            bond.needs().is_some_and(|need| all.into_iter().any(|offer| need.is_met_by(offer.bond)))
        });
        let telephone = award.calling().and_then(|(_, giver)| {
            let rule = self.entitlements.get(giver.at)?;
            Some(Box::new(rule.line().of(giver.name, subject, &self.places)))
        });
        (award, telephone)
    }

    /// The roles of one person.
    fn roles_of(&self, subject: &Subject<'_>) -> BTreeSet<RoleId> {
        let mut roles = BTreeSet::new();
        for rule in self.roles.iter().filter(|rule| rule.includes(subject)) {
            if rule.is_none() {
                return BTreeSet::new();
            }
            roles.extend(rule.role().cloned());
        }
        roles
    }
}

#[cfg(test)]
mod tests;
