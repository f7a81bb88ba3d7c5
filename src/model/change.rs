//! How a source tells what changed since it was last asked.
//!
//! What a directory says about a change is a rumour: attributes without their context, DNs that
//! are out of date, deletions that name an id. So a change only says whom to look at. The
//! record itself is then looked up, in the same shape in which a full read gives it, and only
//! such an answer decides.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use super::{Fingerprint, Record, SourceId, Unusable};

/// So many objects at most are looked up one by one; beyond, reading everything is quicker.
pub const MANY: usize = 20_000;

/// How changes are found.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Method {
    /// AD directory synchronization, [MS-ADTS] 3.1.1.3.4.1.3.
    Dirsync,
    /// AD `uSNChanged`, per domain controller.
    Usn,
    /// RFC 4533 content synchronization.
    Syncrepl,
    /// `modifyTimestamp`; deletions are seen by full reads only.
    Timestamp,
    /// Not at all: everything is read every time.
    Full,
}

impl Method {
    /// The word in the configuration and in reports.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Dirsync => "dirsync",
            Self::Usn => "usn",
            Self::Syncrepl => "syncrepl",
            Self::Timestamp => "timestamp",
            Self::Full => "full",
        }
    }
}

impl fmt::Display for Method {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.word())
    }
}

impl FromStr for Method {
    type Err = ();

    fn from_str(text: &str) -> Result<Self, ()> {
        [Self::Dirsync, Self::Usn, Self::Syncrepl, Self::Timestamp, Self::Full]
            .into_iter()
            .find(|method| method.word() == text)
            .ok_or(())
    }
}

/// A place in the stream of changes of one source. Only the source reads `mark`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Cursor {
    /// How changes are found from here.
    pub method: Method,
    /// The directory that the mark belongs to, see [`super::Census::identity`].
    pub identity: String,
    /// The digest of the settings that the mark depends on: servers, bases, filters,
    /// attributes, bind name. With others it proves nothing.
    pub binding: Fingerprint,
    /// What the server gave, as text.
    pub mark: String,
    /// For how long the server can tell deletions from here, in seconds from the time of the
    /// mark (AD: the tombstone lifetime less a day); `None` when it says so itself.
    pub good_for: Option<i64>,
    /// Whether deletions are told.
    pub tells_deletions: bool,
}

/// What changed since a cursor.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Changes {
    /// Everything that may have changed, and perhaps more.
    Since {
        /// Whom to look at, each object once.
        hints: Vec<Hint>,
        /// Where to go on when what the hints stand for is confirmed.
        cursor: Cursor,
    },
    /// The cursor is not good for an answer: everything has to be read. The reason is a
    /// sentence for an operator.
    Doubt(String),
}

/// One object to look at.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Hint {
    /// Which.
    pub anchor: SourceId,
    /// Its DN now, where it is known and the object is not deleted.
    pub dn: Option<String>,
    /// What it seems to be.
    pub what: Hinted,
}

/// What a changed object seems to be.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Hinted {
    /// A person, a room, or anything that is nothing else here.
    Object,
    /// A group.
    Group,
    /// Something that others stand below: when it moved, so did they.
    Container,
    /// Deleted, whatever it was.
    Gone,
}

/// An entry below which others stand. Its DN is part of theirs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Container {
    /// Which.
    pub anchor: SourceId,
    /// Where.
    pub dn: String,
}

/// Which objects to look up. People are found only in the scope of the source (bases and
/// filter), groups only where groups are searched, as in a full read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Lookup {
    /// People and rooms with these anchors.
    People(Vec<SourceId>),
    /// People and rooms at these DNs.
    PeopleAt(Vec<String>),
    /// People and rooms anywhere below these DNs.
    PeopleBelow(Vec<String>),
    /// People and rooms of whom an attribute has one of these values.
    PeopleWith {
        /// The attribute.
        attribute: String,
        /// Values.
        values: Vec<Vec<u8>>,
    },
    /// Groups with these anchors, with all their members.
    Groups(Vec<SourceId>),
    /// Groups that directly name one of these DNs as a member, with all their members.
    GroupsHolding(Vec<String>),
    /// Groups anywhere below these DNs, with all their members.
    GroupsBelow(Vec<String>),
    /// Containers at these DNs and anywhere below, where people or groups are searched.
    ContainersBelow(Vec<String>),
}

/// What was found.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Found {
    /// The records, as a full read gives them.
    pub records: Vec<Record>,
    /// Containers, where they were asked for.
    pub containers: Vec<Container>,
    /// Entries that cannot be used. Whoever they are is not gone.
    pub unusable: Vec<Unusable>,
    /// What was not answered, in sentences. Only without any is absence proved.
    pub gaps: Vec<String>,
}

/// How waiting for changes ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Watched {
    /// The server offers nothing to wait on.
    Unsupported,
    /// It did, until this happened.
    Ended(String),
}
