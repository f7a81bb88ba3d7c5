//! What a short visit to a source finds, for `check`.

use crate::model::Method;

/// What a probe found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Probe {
    /// The vendor and version in words, for example `Samba AD 4.17.12`.
    pub product: String,
    /// The identity that a census would carry.
    pub identity: String,
    /// The server that answered, as an URL; `None` for a file.
    pub server: Option<String>,
    /// The DNs under which people are searched; empty when the source has no such thing.
    pub bases: Vec<String>,
    /// The DNs under which groups are searched.
    pub group_bases: Vec<String>,
    /// How changes will be found; `None` when that could not be found out.
    pub changes: Option<ChangesBy>,
    /// Everything else, a line each for the administrator.
    pub facts: Vec<Fact>,
}

/// How a source will tell what changed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ChangesBy {
    /// The way.
    pub method: Method,
    /// Whether deletions are told, or seen by full reads only.
    pub tells_deletions: bool,
    /// What stands in the way of something better, in a sentence.
    pub advice: Option<String>,
}

/// One finding about a source.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fact {
    /// What it is about.
    pub topic: Topic,
    /// How it stands.
    pub standing: Standing,
    /// The finding, in a sentence without a full stop.
    pub what: String,
    /// What to do next; empty when all is well.
    pub remedy: String,
}

/// How a finding stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Standing {
    /// As it should be.
    Ok,
    /// A pass works; somebody should look at it all the same.
    Warn,
    /// A pass would not work, or soon not.
    Fail,
}

/// What a finding is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Topic {
    /// The server, the way to it, and the partitions that it has.
    Connection,
    /// As whom the server knows us.
    Account,
    /// Its certificate.
    Certificate,
    /// A place where objects are searched.
    Base,
    /// How changes are found.
    Changes,
    /// What the account may see.
    Rights,
    /// How much the server gives at once.
    Limits,
    /// The server's clock.
    Clock,
    /// The file that is the source.
    File,
}

impl Topic {
    /// The word in JSON.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Connection => "connection",
            Self::Account => "account",
            Self::Certificate => "certificate",
            Self::Base => "base",
            Self::Changes => "changes",
            Self::Rights => "rights",
            Self::Limits => "limits",
            Self::Clock => "clock",
            Self::File => "file",
        }
    }
}

impl Fact {
    /// Something that is as it should be.
    pub fn ok(topic: Topic, what: impl Into<String>) -> Self {
        Self { topic, standing: Standing::Ok, what: what.into(), remedy: String::new() }
    }

    /// Something to look at.
    pub fn warn(topic: Topic, what: impl Into<String>, remedy: impl Into<String>) -> Self {
        Self { topic, standing: Standing::Warn, what: what.into(), remedy: remedy.into() }
    }

    /// Something that has to be put right.
    pub fn fail(topic: Topic, what: impl Into<String>, remedy: impl Into<String>) -> Self {
        Self { topic, standing: Standing::Fail, what: what.into(), remedy: remedy.into() }
    }
}
