//! The answer of one read of the source, with proof of how complete it is.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use super::{Container, Cursor, Record, SourceId};

/// The attribute in which a source tells the primary group of Active Directory, which no list of members
/// shows; lower case.
const PRIMARY_GROUP: &str = "primarygroup";

/// What a pass wants to know from a source.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Ask {
    /// Attributes that the rules read, besides those that the source needs for itself
    /// (anchor, object class, disabled state). Lower case.
    pub attributes: BTreeSet<String>,
    /// Whether groups are wanted too.
    pub groups: bool,
}

impl Ask {
    /// Leaves of a record what a read with this question gives.
    pub fn trim(&self, record: &mut Record) {
        record.attributes.retain(|attribute| {
            let name = attribute.name.to_ascii_lowercase();
            self.attributes.contains(&name) || self.groups && name == PRIMARY_GROUP
        });
    }
}

/// A part of the stream of a read. All groups come before the first person, so that a
/// person meets finished memberships.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Portion {
    /// Group records.
    Groups(Vec<Record>),
    /// The end of the groups; `whole` when every one of them was sent. Sent once, when groups
    /// were asked for.
    GroupsEnd {
        /// Whether a group that was not sent is proved not to exist.
        whole: bool,
    },
    /// Everything else.
    People(Vec<Record>),
}

/// How much of the source was seen. Only a whole census can prove that someone is missing.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Completeness {
    /// Every base answered, every page arrived, nothing was cut short.
    Whole,
    /// Something is missing; the reasons are sentences for an operator.
    Partial {
        /// What was not read and why, for example `LDAP search under "ou=people,…" ended
        /// after 1500 entries: sizeLimitExceeded (4)`.
        reasons: Vec<String>,
    },
}

/// An entry that cannot be used.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unusable {
    /// Where it stands, as far as that could be read.
    pub dn: String,
    /// Who it is, where that could be read: it may have been renamed since it was last usable.
    pub anchor: Option<SourceId>,
    /// What is wrong with it, in a sentence.
    pub reason: String,
}

/// What a read proved. The records themselves were streamed while reading.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Census {
    /// Whether absence can be concluded.
    pub completeness: Completeness,
    /// Which directory answered: naming context and, where the server has one, the id of the
    /// database (AD invocation id). A different identity than last time is a different
    /// directory, and proves nothing about who is missing.
    pub identity: String,
    /// The DNs under which its people stand; empty when that cannot be said.
    pub bases: Vec<String>,
    /// Person and room records sent.
    pub people: u64,
    /// Group records sent.
    pub groups: u64,
    /// Entries that could not be used at all: no anchor, not decodable. They are withheld:
    /// nothing that they might be is removed.
    pub unusable: Vec<Unusable>,
    /// Referrals met. They are not chased.
    pub referrals: u64,
    /// From where changes can be told after this read; taken before its first search, so that
    /// nothing falls between. `None` when the source tells none.
    pub cursor: Option<Cursor>,
    /// With a cursor: everything below which others stand, in the bases.
    pub containers: Vec<Container>,
    /// With a cursor: why it is not the best kind that this server could offer, in a sentence.
    pub advice: Option<String>,
}

impl Census {
    /// Whether absence can be concluded from this census.
    pub fn is_whole(&self) -> bool {
        self.completeness == Completeness::Whole
    }
}
