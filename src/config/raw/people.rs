//! `[people]` as it is written.

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Serialize};

use super::{Mapping, OfPeople};
use crate::model::Field;

/// Whose attribute names the default mapping speaks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Dialect {
    /// Active Directory, Samba AD, AD LDS.
    #[default]
    ActiveDirectory,
    /// inetOrgPerson (RFC 2798): OpenLDAP, 389-ds and most others.
    InetOrgPerson,
}

/// Who goes on when several people claim one address.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Collisions {
    /// Whoever has it already; among newcomers nobody.
    #[default]
    Linked,
    /// Whoever has it already; then somebody who is linked; then the oldest record.
    LinkedThenOldest,
    /// Nobody: whoever has it keeps the account as it is.
    None,
}

/// People.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct People {
    /// Whose attribute names the default mapping speaks: "active_directory" or
    /// "inet_org_person". Holds for LDAP and LDIF alike.
    pub dialect: Dialect,
    /// Take over accounts that are in the cloud already and have the e-mail address of a person
    /// in the directory. Without it such an account is reported and left alone.
    pub adopt: bool,
    /// The expression whose value is the same in all sources and identifies the human being, such
    /// as "employeeNumber": who moves to another domain keeps the account. Without it, such a
    /// person leaves there and is new here.
    pub join: Option<String>,
    /// Domains that e-mail addresses must belong to, compared without letter case. Empty for any.
    pub allowed_domains: Vec<String>,
    /// Who goes on when several people claim one address, alternate address, extension or number:
    /// "linked" for whoever has it already,
    /// "linked_then_oldest" for that person, or else the oldest record, "none" for nobody.
    pub collisions: Collisions,
    /// Who is in. A person is in when every clause agrees that is present.
    pub scope: Scope,
    /// Which attribute becomes what.
    pub mapping: Mapping<OfPeople>,
    /// Which fields are not simply written whenever they differ.
    pub policy: Policy,
}

/// Fields that are mapped, and not simply written whenever they differ.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Policy {
    /// Fields that are written when an account is created, and left alone from then on. Accounts that are taken over
    /// are not created.
    #[schemars(schema_with = "fields")]
    pub create_only: Vec<Field>,
    /// Fields that are written only where the cloud has no value: never changed, never cleared.
    #[schemars(schema_with = "fields")]
    pub keep_if_set_in_cloud: Vec<Field>,
    /// What is withheld when the cloud would refuse a value: "withhold_person", until it is mended, or
    /// "withhold_value", and the person goes on without it. An unusable e-mail address always withholds the person.
    pub unusable: Unusable,
}

/// What is withheld when the cloud would refuse a value.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Unusable {
    /// The person, until the value is mended.
    #[default]
    WithholdPerson,
    /// The value: the person goes on without it, and what the cloud holds there stays.
    WithholdValue,
}

fn fields(_: &mut SchemaGenerator) -> Schema {
    let names: Vec<&str> = Field::ALL.iter().map(|field| field.name()).collect();
    json_schema!({ "type": "array", "items": { "type": "string", "enum": names } })
}

/// Who is in.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Scope {
    /// DNs under which people are in. Empty for everywhere.
    pub bases: Vec<String>,
    /// DNs under which people are out, whatever else says that they are in.
    pub exclude_bases: Vec<String>,
    /// LDAP filter that the record must match.
    pub filter: Option<String>,
    /// A condition that must hold: an expression, or an LDAP filter when it begins with "(".
    pub when: Option<String>,
    /// A condition under which people are out, whatever else says that they are in.
    pub exclude_when: Option<String>,
    /// Groups (DN or plain name) of which membership in any is needed, nested included.
    pub groups: Vec<String>,
    /// Groups (DN or plain name) whose members are out, nested included.
    pub exclude_groups: Vec<String>,
}
