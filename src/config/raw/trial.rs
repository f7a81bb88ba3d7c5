//! `[[test]]` as it is written.

use schemars::JsonSchema;
use serde::Deserialize;

/// What must become of the record of a test.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Expect {
    /// The rules want the person in the cloud.
    #[default]
    In,
    /// They do not.
    Out,
    /// They cannot decide.
    Withheld,
}

/// What the record of a test is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Tested {
    /// A person.
    #[default]
    Person,
    /// A room.
    Room,
    /// A contact.
    Contact,
}

/// A record, and what the rules must make of it.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Test {
    /// The name in reports. Unique.
    pub name: String,
    /// What the record is, and so which rules judge it: "person", "room" or "contact".
    #[serde(default)]
    pub kind: Tested,
    /// The record: a line for each value, "attribute: value", the DN as "dn: ...".
    pub record: String,
    /// Groups of which the person is a member, directly or through others.
    #[serde(default)]
    pub groups: Vec<String>,
    /// Whether the account is disabled in the directory.
    #[serde(default)]
    pub disabled: bool,
    /// What must become of it: "in", "out" or "withheld".
    #[serde(default)]
    pub expect: Expect,
    /// Why: for "out", "disabled" or the clause of the scope that keeps the person (the room, the contact)
    /// out; for "withheld", the code.
    pub reason: Option<String>,
    /// The e-mail address that must come out.
    pub email: Option<String>,
    /// The attributes that must come out: a line for each, "field: value"; without a value it must be
    /// blank.
    pub fields: Option<String>,
    /// All licences that must come out, by the names that the rules write. Only people have any.
    pub licenses: Option<Vec<String>>,
    /// All roles that must come out, by the words that the rules write. Only people have any.
    pub roles: Option<Vec<String>>,
}
