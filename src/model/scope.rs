//! What decides who is in, as data: remembered from one configuration to the next, so that leaving by
//! a change of the configuration is told apart from leaving by a change in the directory.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::{Fingerprint, normal_dn};

/// Who is in. A person is in when every clause that is not empty agrees.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct ScopeSpec {
    /// DNs under which people are in; empty for everywhere.
    pub bases: Vec<String>,
    /// DNs under which people are out, whatever else says they are in.
    pub exclude_bases: Vec<String>,
    /// An LDAP filter (RFC 4515) that the record must match.
    pub filter: Option<String>,
    /// A condition that must hold: an expression, or an LDAP filter when it begins with `(`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub when: Option<String>,
    /// A condition under which people are out, whatever else says they are in.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub exclude_when: Option<String>,
    /// Groups (DN, or plain name) of which membership in any, nested included, is needed.
    pub groups: Vec<String>,
    /// Groups whose members are out.
    pub exclude_groups: Vec<String>,
}

/// What decides whom a source shows.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Sight {
    /// DNs under which it searches people.
    pub bases: Vec<String>,
    /// The digest of its filters for people.
    pub filters: Fingerprint,
}

/// Everything that decides who is in: of the rules, and of each source by its name.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Bounds {
    /// That of the rules.
    pub scope: ScopeSpec,
    /// That of the rules for rooms; `None` while none was ever known.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub rooms: Option<ScopeSpec>,
    /// Those of the sources, with bases in their compared form, sorted.
    pub sources: BTreeMap<String, Sight>,
}

impl Sight {
    /// The same with other bases, in their compared form and sorted.
    #[must_use]
    pub fn below(&self, bases: &[String]) -> Self {
        let mut bases: Vec<String> = bases.iter().map(|base| normal_dn(base)).collect();
        bases.sort_unstable();
        Self { bases, filters: self.filters }
    }
}
