//! The rules as data: what the configuration says, not yet compiled.

use std::collections::BTreeMap;

use serde::Serialize;

use crate::model::{Field, ScopeSpec};

/// Which vendor's attribute names the default mapping speaks.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Dialect {
    /// Active Directory, Samba AD, AD LDS: `sAMAccountName`, `userPrincipalName`, `l`, `st`, `co`.
    #[default]
    ActiveDirectory,
    /// `inetOrgPerson` (RFC 2798): `uid`, `mail`, `departmentNumber`.
    InetOrgPerson,
}

/// All rules. Everything that can change a verdict is in here, and is part of the rules'
/// fingerprint.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Spec {
    /// Which default mapping to start from.
    pub dialect: Dialect,
    /// The expression for the e-mail address; `None` for the default of the dialect.
    pub email: Option<String>,
    /// Expressions that replace or add to the default mapping. An empty expression unmaps
    /// the field: it is then left alone in the cloud.
    pub mapping: BTreeMap<Field, String>,
    /// Whether the dialect's default mapping applies to fields that `mapping` does not name.
    pub defaults: bool,
    /// The expression whose value identifies a person in all sources, so that a new record of
    /// somebody known is recognised; `None` for off.
    pub join: Option<String>,
    /// Which fields are not simply written.
    pub policy: PolicySpec,
    /// Who is in.
    pub scope: ScopeSpec,
    /// Domains that addresses must belong to (compared without case); empty for any.
    pub allowed_domains: Vec<String>,
    /// Licences, in order of priority.
    pub entitlements: Vec<EntitlementSpec>,
    /// Administrator roles.
    pub roles: Vec<RoleSpec>,
}

/// Fields that are mapped, and not simply written whenever they differ.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct PolicySpec {
    /// Written when an account is created, and left alone from then on.
    pub create_only: Vec<Field>,
    /// Written only where the cloud has no value; never changed and never cleared.
    pub keep_if_set_in_cloud: Vec<Field>,
}

/// Who gets which licences.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct EntitlementSpec {
    /// The name in reports.
    pub name: String,
    /// Groups (DN, or plain name) of which membership in any, nested included, is needed;
    /// empty for everybody.
    pub groups: Vec<String>,
    /// A condition on the record: an expression, or an LDAP filter when it begins with `(`.
    pub when: Option<String>,
    /// Service keys (`message.messaging`) or exact licence names.
    pub licenses: Vec<String>,
    /// Only licences of this subscription, where a name stands in several.
    pub subscription: Option<String>,
    /// Only licences of this site, where a name stands in several.
    pub site: Option<String>,
}

/// Who gets which role.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct RoleSpec {
    /// The name in reports.
    pub name: String,
    /// As in [`EntitlementSpec::groups`].
    pub groups: Vec<String>,
    /// As in [`EntitlementSpec::when`].
    pub when: Option<String>,
    /// `full`, `read_only`, `user`, `device`, `support`, `compliance`, or a role id such as
    /// `id_full_admin`.
    pub role: String,
}
