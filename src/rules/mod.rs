//! From a record to what the cloud should hold: scope, mapping, validity, entitlements, roles.
//!
//! Pure: the same record, memberships and time give the same verdict. Rules are compiled once,
//! then bound to the licences and roles that the cloud has, and judge each record on its own.

mod calling;
mod check;
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
mod mapping;
mod nearest;
mod role;
mod scope;
mod spec;
mod subject;
mod trial;
mod who;

use std::collections::BTreeSet;

use crate::model::{
    Ask, Catalogue, Cause, FieldSet, Fingerprint, Hasher, LicenseId, Person, Record, RecordKind, Role,
    RoleId, Verdict, Wanted,
};

use earlier::Earlier;
use entitlement::Entitlement;
use join::Join;
use mapping::Mapping;
use role::RoleRule;
use scope::Scope;
use subject::Subject;

pub use crate::model::ScopeSpec;
pub use error::RuleError;
pub use explain::{Answer, Explanation, Hits, MappedValue, address_attributes, inputs};
pub use groups::GroupSet;
pub use spec::{Dialect, EntitlementSpec, PolicySpec, RoleSpec, Spec};
pub use trial::{Expected, Miss, Trial, TrialSpec, trials};

/// Compiled rules. Immutable; shared freely between threads.
#[derive(Clone, Debug)]
pub struct Rules {
    scope: Scope,
    scope_spec: ScopeSpec,
    /// The scope of an earlier configuration, see [`Rules::since`].
    earlier: Option<Earlier>,
    mapping: Mapping,
    join: Option<Join>,
    entitlements: Vec<Entitlement>,
    roles: Vec<RoleRule>,
    attributes: BTreeSet<String>,
    groups: Vec<String>,
    /// So many of them are named by today's rules; those that follow, by the earlier scope.
    own_groups: usize,
    /// Of the rules as written.
    written: Fingerprint,
    /// Of the rules as bound.
    fingerprint: Fingerprint,
    managed_licenses: BTreeSet<LicenseId>,
    /// Those for calling, of all that the organization has.
    calling: BTreeSet<LicenseId>,
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
        let join = Join::compile(spec, &mut needs, &mut errors);
        let scope = Scope::compile(&spec.scope, &mut needs, &mut errors);
        let entitlements = spec.entitlements.iter().enumerate();
        let entitlements: Vec<_> =
            entitlements.map(|(i, spec)| Entitlement::compile(i, spec, &mut needs, &mut errors)).collect();
        let roles = spec.roles.iter().enumerate();
        let roles: Vec<_> =
            roles.map(|(i, spec)| RoleRule::compile(i, spec, &mut needs, &mut errors)).collect();
        match mapping {
            Some(mapping) if errors.is_empty() => {
                let written = fingerprint::of_spec(spec);
                let groups = needs.groups.into_names();
                Ok(Self {
                    scope,
                    scope_spec: spec.scope.clone(),
                    earlier: None,
                    mapping,
                    join,
                    entitlements,
                    roles,
                    attributes: needs.attributes,
                    own_groups: groups.len(),
                    groups,
                    written,
                    fingerprint: written,
                    managed_licenses: BTreeSet::new(),
                    calling: BTreeSet::new(),
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
        self.calling = calling::licenses(catalogue);
        self.calling.retain(|license| self.managed_licenses.contains(license));
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

    /// The fields that are mapped and compared. A managed field that is absent from a person is
    /// cleared in the cloud; all others are left alone, once an account is created.
    pub fn managed(&self) -> FieldSet {
        self.mapping.managed()
    }

    /// The managed fields that are written only where the cloud has no value.
    pub fn kept(&self) -> FieldSet {
        self.mapping.kept()
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
    /// and groups when any is named.
    pub fn ask(&self) -> Ask {
        Ask { attributes: self.attributes.clone(), groups: !self.groups.is_empty() }
    }

    /// The groups that rules name (DN or plain name), as first written; their places here
    /// are the members of a [`GroupSet`].
    pub fn groups(&self) -> &[String] {
        &self.groups
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
        let ended = record.disabled || record.expires.is_some_and(|expires| expires <= now);
        if !self.scope.contains(&subject) {
            return leaving(match &self.earlier {
                Some(earlier) if earlier.contains(&subject) => match ended {
                    // Would have left without the change, too.
                    true => Cause::Disabled,
                    false => Cause::ScopeChanged,
                },
                _ => Cause::OutOfScope,
            });
        }
        if ended {
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
                match calling::obstacle(&self.calling, &person, &subject) {
                    Some(withheld) => Wanted::Withheld(withheld),
                    None => Wanted::Present(person),
                }
            }
        };
        // An expiry that is not in the past is in the future.
        Verdict { wanted, recheck: record.expires }
    }
}

#[cfg(test)]
mod tests;
