//! From a record to what the cloud should hold: scope, mapping, validity, entitlements, roles.
//!
//! Pure: the same record, memberships and time give the same verdict. Rules are compiled once,
//! then bound to the licences and roles that the cloud has, and judge each record on its own.

mod check;
mod chosen;
mod defaults;
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
mod mapping;
mod nearest;
mod role;
mod scope;
mod spec;
mod subject;
mod who;

use std::collections::BTreeSet;

use crate::model::{
    Ask, Catalogue, Cause, FieldSet, Fingerprint, Hasher, LicenseId, Person, Record, RecordKind, Role,
    RoleId, Verdict, Wanted,
};

use entitlement::Entitlement;
use mapping::Mapping;
use role::RoleRule;
use scope::Scope;
use subject::Subject;

pub use chosen::Chosen;
pub use error::RuleError;
pub use explain::{Answer, Explanation, MappedValue};
pub use groups::GroupSet;
pub use spec::{Dialect, EntitlementSpec, GroupSpec, RoleSpec, ScopeSpec, Spec};

/// Compiled rules. Immutable; shared freely between threads.
#[derive(Clone, Debug)]
pub struct Rules {
    scope: Scope,
    mapping: Mapping,
    entitlements: Vec<Entitlement>,
    roles: Vec<RoleRule>,
    attributes: BTreeSet<String>,
    groups: Vec<String>,
    chosen: Option<Chosen>,
    /// Of the rules as written.
    written: Fingerprint,
    /// Of the rules as bound.
    fingerprint: Fingerprint,
    managed_licenses: BTreeSet<LicenseId>,
    manages_roles: bool,
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
        let scope = Scope::compile(&spec.scope, &mut needs, &mut errors);
        let entitlements = spec.entitlements.iter().enumerate();
        let entitlements: Vec<_> =
            entitlements.map(|(i, spec)| Entitlement::compile(i, spec, &mut needs, &mut errors)).collect();
        let roles = spec.roles.iter().enumerate();
        let roles: Vec<_> =
            roles.map(|(i, spec)| RoleRule::compile(i, spec, &mut needs, &mut errors)).collect();
        let chosen = Chosen::compile(&spec.groups, &mut errors);
        match mapping {
            Some(mapping) if errors.is_empty() => {
                let written = fingerprint::of_spec(spec);
                Ok(Self {
                    scope,
                    mapping,
                    entitlements,
                    roles,
                    attributes: needs.attributes,
                    groups: needs.groups.into_names(),
                    chosen,
                    written,
                    fingerprint: written,
                    managed_licenses: BTreeSet::new(),
                    manages_roles: false,
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
        self.managed_licenses = self.entitlements.iter().flat_map(|e| e.licenses().iter().cloned()).collect();
        self.manages_roles = !self.roles.is_empty() && self.roles.iter().all(|role| role.role().is_some());
        let mut h = Hasher::seeded(self.written);
        for entitlement in &self.entitlements {
            h.part(&(entitlement.licenses().len() as u64).to_le_bytes());
            entitlement.licenses().iter().for_each(|id| h.part(id.as_str().as_bytes()));
        }
        for role in &self.roles {
            h.part(&[u8::from(role.role().is_some())]);
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

    /// The fields that are mapped. A managed field that is absent from a person is cleared in
    /// the cloud; all others are left alone.
    pub fn managed(&self) -> FieldSet {
        self.mapping.fields()
    }

    /// All licences that any rule can give.
    pub fn managed_licenses(&self) -> &BTreeSet<LicenseId> {
        &self.managed_licenses
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
        Ask { attributes: self.attributes.clone(), groups: self.wants_groups() }
    }

    /// The groups that rules name (DN or plain name), as first written; their places here
    /// are the members of a [`GroupSet`].
    pub fn groups(&self) -> &[String] {
        &self.groups
    }

    /// Whether groups have to be read.
    pub fn wants_groups(&self) -> bool {
        !self.groups.is_empty() || self.chosen.is_some()
    }

    /// Which groups become groups of the cloud; `None` when none do.
    pub fn chosen(&self) -> Option<&Chosen> {
        self.chosen.as_ref()
    }

    /// Whether the members of some groups are kept out, so that whoever leaves one may come.
    pub fn keep_groups_out(&self) -> bool {
        self.scope.keeps_groups_out()
    }

    /// Judges one record. `groups` are the effective memberships of the person; `now` is in
    /// seconds since 1970-01-01 UTC.
    pub fn judge(&self, record: &Record, groups: &GroupSet, now: i64) -> Verdict {
        let subject = Subject::new(record, groups);
        let leaving = |cause| Verdict { wanted: Wanted::Leaving(cause), recheck: None };
        match record.kind {
            RecordKind::Person => {}
            RecordKind::Group | RecordKind::Room | RecordKind::Contact | RecordKind::Other => {
                return leaving(Cause::OutOfScope);
            }
        }
        if !self.scope.contains(&subject) {
            return leaving(Cause::OutOfScope);
        }
        if record.disabled || record.expires.is_some_and(|expires| expires <= now) {
            return leaving(Cause::Disabled);
        }
        let wanted = match self.mapping.map(&subject) {
            Err(withheld) => Wanted::Withheld(withheld),
            Ok((email, profile)) => {
                let mut person = Person {
                    email,
                    active: true,
                    profile,
                    licenses: BTreeSet::new(),
                    roles: BTreeSet::new(),
                };
                for entitlement in self.entitlements.iter().filter(|rule| rule.includes(&subject)) {
                    for id in entitlement.licenses() {
                        // Many rules may give one licence; it is copied once.
                        if !person.licenses.contains(id) {
                            person.licenses.insert(id.clone());
                        }
                    }
                }
                let roles = self.roles.iter().filter(|rule| rule.includes(&subject));
                person.roles.extend(roles.filter_map(RoleRule::role).cloned());
                Wanted::Present(person)
            }
        };
        // An expiry that is not in the past is in the future.
        Verdict { wanted, recheck: record.expires }
    }
}

#[cfg(test)]
mod tests;
