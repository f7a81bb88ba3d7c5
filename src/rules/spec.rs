//! The rules as data: what the configuration says, not yet compiled.

use std::collections::BTreeMap;

use serde::Serialize;

use crate::model::{Field, ScopeSpec};

use super::Collisions;

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
    /// Who goes on when several people claim one address.
    pub collisions: Collisions,
    /// How the rules of licences work together.
    pub entitling: EntitlingSpec,
    /// Licences, in order of priority.
    pub entitlements: Vec<EntitlementSpec>,
    /// Who comes first among those of one rule when seats are few.
    pub seats: SeatsSpec,
    /// Administrator roles.
    pub roles: Vec<RoleSpec>,
    /// Which groups become groups of the cloud.
    pub groups: GroupSpec,
}

/// Which groups of the directory become groups of the cloud: those that anything here means.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct GroupSpec {
    /// DNs, plain names, or LDAP filters, which begin with `(`.
    pub sync: Vec<String>,
    /// DNs under which all groups are meant.
    pub bases: Vec<String>,
    /// The expression for the name in the cloud; `None` for the default.
    pub name: Option<String>,
}

/// Fields that are mapped, and not simply written whenever they differ.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct PolicySpec {
    /// Written when an account is created, and left alone from then on.
    pub create_only: Vec<Field>,
    /// Written only where the cloud has no value; never changed and never cleared.
    pub keep_if_set_in_cloud: Vec<Field>,
    /// What becomes of a value that the cloud would refuse.
    pub unusable: Unusables,
}

/// What is withheld when the cloud would refuse a value. An address that cannot be used always
/// withholds the person, who is nobody without it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Unusables {
    /// The person: nothing changes until the value is mended.
    #[default]
    WithholdPerson,
    /// The value: the person goes on without it, and what the cloud holds there stays.
    WithholdValue,
}

/// How the rules of licences work together.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct EntitlingSpec {
    /// Only the first rule that is for a person counts; otherwise all that are.
    pub first_match: bool,
    /// Take every licence that some rule can give from whom no rule gives it, also those that we
    /// did not give.
    pub take_managed: bool,
    /// How long a licence is kept after no rule gives it any more, in seconds; `None` for not at
    /// all.
    pub grace: Option<i64>,
}

/// Who gets which licences.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct EntitlementSpec {
    /// The name in reports.
    pub name: String,
    /// Groups (DN, or plain name) of which membership in any, nested included, is needed;
    /// empty for everybody.
    pub groups: Vec<String>,
    /// DNs, of which the person's must be one or lie below one; empty for everywhere.
    pub bases: Vec<String>,
    /// A condition on the record: an expression, or an LDAP filter when it begins with `(`.
    pub when: Option<String>,
    /// Service keys (`message.messaging`) or exact licence names.
    pub licenses: Vec<String>,
    /// Only licences of this subscription, where a name stands in several.
    pub subscription: Option<String>,
    /// Only licences of this site, where a name stands in several.
    pub site: Option<String>,
    /// The meeting site that the person attends without hosting there.
    pub attendee: Option<String>,
    /// What is given besides, by templates.
    pub templates: Vec<TemplateSpec>,
    /// The telephones of those who get a calling licence.
    pub calling: CallingSpec,
    /// Instead of [`EntitlingSpec::grace`], for the licences of this rule.
    pub grace: Option<i64>,
}

/// The telephones of those who get a calling licence.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct CallingSpec {
    /// The name or id of the location of all of them.
    pub location: Option<String>,
    /// An expression for the name or id of the location.
    pub location_from: Option<String>,
    /// An expression for the number.
    pub phone: Option<String>,
    /// An expression for the extension.
    pub extension: Option<String>,
    /// Extensions for those who have neither, such as `2000-2999`.
    pub extension_pool: Option<String>,
}

/// Licences with a name, for use in several entitlements.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct TemplateSpec {
    /// The name.
    pub name: String,
    /// As in [`EntitlementSpec::licenses`].
    pub licenses: Vec<String>,
    /// As in [`EntitlementSpec::subscription`].
    pub subscription: Option<String>,
    /// As in [`EntitlementSpec::site`].
    pub site: Option<String>,
    /// As in [`EntitlementSpec::attendee`].
    pub attendee: Option<String>,
}

/// Who comes first among those to whom the same rule gives a licence, when seats are few.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct SeatsSpec {
    /// An expression that gives a text; numbers compare as numbers. `None` for seniority alone.
    pub order_by: Option<String>,
    /// The largest first.
    pub descending: bool,
}

/// Who gets which role.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct RoleSpec {
    /// The name in reports.
    pub name: String,
    /// As in [`EntitlementSpec::groups`].
    pub groups: Vec<String>,
    /// As in [`EntitlementSpec::bases`].
    pub bases: Vec<String>,
    /// As in [`EntitlementSpec::when`].
    pub when: Option<String>,
    /// `full`, `read_only`, `user`, `device`, `user_device`, `support`, `compliance`, or a role id
    /// such as `id_full_admin`; `none` for people who get no role, whatever other rules say.
    pub role: String,
}
