//! What a read of the sources gave.

use std::collections::{BTreeMap, BTreeSet};

use crate::guard::Headcount;
use crate::model::{Key, SourceId, Withheld};
use crate::store::{Followed, SourceMeta};

use super::super::aliases::Lost;
use super::super::contacts::ReadContacts;
use super::super::kept::Kept;
use super::super::membership::Memberships;
use super::alike::Alike;
use super::{Doubts, NotGiven};

/// What a read of all sources gave, besides what was spooled.
pub struct Reading {
    /// Whether everything was seen, so that absence is proved.
    pub whole: bool,
    /// Whether what was learned of groups, and of sources that were seen completely, is remembered.
    pub settled: bool,
    /// What was not seen, in sentences. What of it concerns the people of one source alone does
    /// not make the others doubtful.
    pub partial: Vec<String>,
    /// Whose source was not read completely.
    pub doubts: Doubts,
    /// What each source said, by name, to be remembered when the pass succeeds.
    pub sources: Vec<SourceSeen>,
    /// Containers, and changes of them, to be remembered with it.
    pub followed: Followed,
    /// With changes only: of whom the read speaks. `None` when it speaks of everybody.
    pub concerned: Option<BTreeSet<SourceId>>,
    /// The census against the last whole one, when there was one.
    pub headcount: Option<Headcount>,
    /// Records of people.
    pub people: u64,
    /// People whose record is unchanged.
    pub unchanged: u64,
    /// Of them, those whom the rules of now leave as they were.
    pub alike: BTreeMap<SourceId, Alike>,
    /// Objects that are withheld, in order of appearance.
    pub withheld: Vec<Withheld>,
    /// Licences that a rule gives and that are not given, as the rules are meant.
    pub not_given: Vec<NotGiven>,
    /// Values that are withheld alone.
    pub unfit: Lost,
    /// Linked people whom a change in the groups touches through their AD primary group, which
    /// no list of members leads to.
    pub through_primary: Vec<SourceId>,
    /// Of the people who were read: which group they belong to that leads to a chosen one and does
    /// not list them; `None` where it was none. A read of everybody leaves those out.
    pub primary: Vec<(SourceId, Option<Key>)>,
    /// What becomes of the kept records.
    pub kept: Kept,
    /// Whether everybody was judged from the kept records.
    pub from_records: bool,
    /// The groups.
    pub memberships: Memberships,
    /// The contacts.
    pub contacts: ReadContacts,
}

/// What one source said.
pub struct SourceSeen {
    /// Its name.
    pub name: String,
    /// To be remembered.
    pub meta: SourceMeta,
    /// Whether everything was seen: otherwise only the identity is remembered.
    pub complete: bool,
}

impl Reading {
    /// What of the sources was read, in a word for reports.
    pub fn extent(&self) -> &'static str {
        match self.concerned {
            _ if self.from_records => "records",
            Some(_) => "changes",
            None => "everything",
        }
    }
}
