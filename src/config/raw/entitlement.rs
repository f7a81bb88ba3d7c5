//! `[entitlements]`, `[[entitlement]]`, `[[template]]` and `[[role]]` as they are written.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Which rules of licences count for a person.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Mode {
    /// All that are for the person.
    #[default]
    Union,
    /// The first that is for the person.
    FirstMatch,
}

/// Which licences are taken away.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Take {
    /// Those that we gave.
    #[default]
    Given,
    /// Of the licences that the rules name all that no rule gives, whoever gave them.
    Managed,
}

/// How the rules of licences work together.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Entitlements {
    /// "union": everybody gets what all rules for them give; "first_match": what the first one
    /// gives.
    pub mode: Mode,
    /// Whose licences are taken away when no rule gives them any more. "given": only those that
    /// we gave; "managed": of the licences that the rules name also those that somebody else gave.
    pub take: Take,
    /// Keep a licence for so long after no rule gives it any more. Absent for not at all. Leavers
    /// lose theirs at once.
    #[schemars(regex(pattern = r"^([0-9]+(ms|s|m|h|d|w))+$"))]
    pub grace: Option<String>,
}

/// Who gets which licences.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Entitlement {
    /// The name in reports. Unique.
    pub name: String,
    /// Groups (DN or plain name) of which membership in any is needed, nested included. Empty
    /// for everybody.
    #[serde(default)]
    pub groups: Vec<String>,
    /// DNs, such as of organizational units, under which the person must stand. Empty for
    /// everywhere.
    #[serde(default)]
    pub bases: Vec<String>,
    /// A condition on the record: an expression, or an LDAP filter when it begins with "(".
    pub when: Option<String>,
    /// Service keys such as "message.messaging", or exact licence names.
    #[serde(default)]
    pub licenses: Vec<String>,
    /// Only licences of this subscription, where a name stands in several.
    pub subscription: Option<String>,
    /// Only licences of this site, where a name stands in several.
    pub site: Option<String>,
    /// A meeting site that the person attends without hosting there.
    pub attendee: Option<String>,
    /// Templates, by name, whose licences are given besides.
    #[serde(default)]
    pub templates: Vec<String>,
    /// The location of those who get a calling licence, by name or id.
    pub location: Option<String>,
    /// The same as an expression, such as "physicalDeliveryOfficeName".
    pub location_from: Option<String>,
    /// An expression for the number of those who get a calling licence, in the form +4930123456.
    pub phone: Option<String>,
    /// An expression for their extension.
    pub extension: Option<String>,
    /// Extensions, such as "2000-2999", of which whoever has neither number nor extension gets a
    /// free one.
    pub extension_pool: Option<String>,
    /// Keep a licence of this rule for so long after no rule gives it any more, instead of what
    /// [entitlements] says. "0s" for not at all.
    #[schemars(regex(pattern = r"^([0-9]+(ms|s|m|h|d|w))+$"))]
    pub grace: Option<String>,
}

/// Licences with a name, for use in several entitlements.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Template {
    /// The name that entitlements use. Unique.
    pub name: String,
    /// Service keys such as "message.messaging", or exact licence names.
    #[serde(default)]
    pub licenses: Vec<String>,
    /// Only licences of this subscription, where a name stands in several.
    pub subscription: Option<String>,
    /// Only licences of this site, where a name stands in several.
    pub site: Option<String>,
    /// A meeting site that the person attends without hosting there.
    pub attendee: Option<String>,
}

/// Who gets which administrator role.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Role {
    /// The name in reports. Unique.
    pub name: String,
    /// Groups (DN or plain name) of which membership in any is needed, nested included. Empty
    /// for everybody.
    #[serde(default)]
    pub groups: Vec<String>,
    /// DNs, such as of organizational units, under which the person must stand. Empty for
    /// everywhere.
    #[serde(default)]
    pub bases: Vec<String>,
    /// A condition on the record: an expression, or an LDAP filter when it begins with "(".
    pub when: Option<String>,
    /// "full", "read_only", "user", "device", "user_device", "support", "compliance", or the id
    /// of a role, such as "id_full_admin". "none" for people who get no role, whatever the other
    /// rules say.
    pub role: String,
}
