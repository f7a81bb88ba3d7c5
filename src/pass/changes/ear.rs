//! Looking things up in the sources, and keeping what came of it.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use crate::model::{Ask, Found, Key, Lookup, MANY, Record, SourceId, Unusable};
use crate::source::Source;
use crate::store::{ContainerChange, Followed, Meta, Stage};

use super::super::PassError;
use super::super::census::SourceSeen;
use super::super::kept::Hearsay;
use super::Hearing;

/// A source that can tell changes.
pub(super) struct Listened<'a> {
    pub source: &'a dyn Source,
    /// Whether it answered; it is not asked again otherwise.
    pub answers: bool,
    /// Whether nothing was missing in its answers.
    pub whole: bool,
    /// Under which DNs its people stand; empty when that is not known.
    pub bases: Vec<String>,
}

/// What was heard up to now.
pub(super) struct Ear<'a> {
    pub hearing: &'a Hearing<'a>,
    pub ask: &'a Ask,
    pub sources: Vec<Listened<'a>>,
    /// Whether every source was asked. Whoever is not found may else stand in one that was not.
    pub all_asked: bool,
    pub stage: Stage,
    /// People, in the order in which they were found.
    pub people: Vec<Record>,
    /// Their records as they are kept.
    pub hearsay: Hearsay,
    /// What of a record the rules read.
    rules_ask: Ask,
    /// Who is among them.
    pub found: BTreeSet<SourceId>,
    /// Group records, by anchor.
    pub groups: BTreeMap<SourceId, Record>,
    /// Groups that were asked for by anchor, of every source that answers.
    pub groups_asked: BTreeSet<SourceId>,
    /// Groups of which a source told, and which one.
    pub told_groups: BTreeMap<SourceId, usize>,
    /// Groups came that may not be all that were asked for.
    pub groups_cut: bool,
    /// Whether somebody was to be looked for in a source that does not answer, whom nobody remembers:
    /// what was told is to be told again.
    pub lost_track: bool,
    /// Everybody who was asked for.
    pub concerned: BTreeSet<SourceId>,
    /// Deactivated leavers under whose value somebody new was found.
    pub left: BTreeSet<SourceId>,
    /// DNs by their keys, as groups name them.
    pub names: HashMap<Key, String>,
    pub unusable: Vec<(String, Vec<Unusable>)>,
    pub partial: Vec<String>,
    pub seen: Vec<SourceSeen>,
    pub followed: Followed,
}

impl<'a> Ear<'a> {
    pub(super) fn new(hearing: &'a Hearing<'a>, ask: &'a Ask, meta: &Meta) -> Result<Self, PassError> {
        Ok(Self {
            hearing,
            ask,
            sources: Vec::new(),
            all_asked: true,
            stage: Stage::new()?,
            people: Vec::new(),
            hearsay: Hearsay::new(meta, hearing.keep_records, hearing.reader)?,
            rules_ask: hearing.rules.ask(),
            found: BTreeSet::new(),
            groups: BTreeMap::new(),
            groups_asked: BTreeSet::new(),
            told_groups: BTreeMap::new(),
            groups_cut: false,
            lost_track: false,
            concerned: BTreeSet::new(),
            left: BTreeSet::new(),
            names: HashMap::new(),
            unusable: Vec::new(),
            partial: Vec::new(),
            seen: Vec::new(),
            followed: Followed::default(),
        })
    }

    /// Whether this is more than can be followed.
    pub(super) fn is_too_much(&self) -> bool {
        self.concerned.len() + self.people.len() > 2 * MANY
    }

    /// Looks people up in one source.
    pub(super) async fn people(&mut self, at: usize, lookup: Lookup) {
        if let Lookup::People(anchors) = &lookup {
            self.concerned.extend(anchors);
        }
        for mut record in self.fetch(at, lookup).await {
            self.concerned.insert(record.anchor);
            // Found twice in one source it is the same entry; in two it may be another one.
            let again = !self.found.insert(record.anchor);
            if !again
                || self.people.iter().all(|other| other.anchor != record.anchor || other.dn != record.dn)
            {
                self.hearsay.take(&record, again);
                if self.rules_ask != *self.ask {
                    self.rules_ask.trim(&mut record);
                }
                self.people.push(record);
            }
        }
    }

    /// Looks people up in all sources that answer.
    pub(super) async fn people_anywhere(&mut self, lookup: Lookup) {
        for at in 0..self.sources.len() {
            self.people(at, lookup.clone()).await;
        }
    }

    /// Looks groups up in all sources that answer.
    pub(super) async fn groups_anywhere(&mut self, lookup: Lookup) {
        if let Lookup::Groups(anchors) = &lookup {
            self.groups_asked.extend(anchors);
        }
        for at in 0..self.sources.len() {
            self.groups(at, lookup.clone()).await;
        }
    }

    async fn groups(&mut self, at: usize, lookup: Lookup) {
        for record in self.fetch(at, lookup).await {
            for dn in record.texts("member") {
                self.names.insert(Key::dn(dn), dn.to_owned());
            }
            self.groups.insert(record.anchor, record);
        }
    }

    /// Looks everything up that stands below containers that came into sight.
    pub(super) async fn all_below(&mut self, at: usize, dns: Vec<String>) {
        self.people(at, Lookup::PeopleBelow(dns.clone())).await;
        if self.ask.groups {
            self.groups(at, Lookup::GroupsBelow(dns.clone())).await;
        }
        self.fetch(at, Lookup::ContainersBelow(dns)).await;
    }

    async fn fetch(&mut self, at: usize, lookup: Lookup) -> Vec<Record> {
        let empty = match &lookup {
            Lookup::People(anchors) | Lookup::Groups(anchors) => anchors.is_empty(),
            Lookup::PeopleAt(dns)
            | Lookup::PeopleBelow(dns)
            | Lookup::GroupsHolding(dns)
            | Lookup::GroupsBelow(dns)
            | Lookup::ContainersBelow(dns) => dns.is_empty(),
            Lookup::PeopleWith { values, .. } => values.is_empty(),
        };
        let is_group =
            matches!(lookup, Lookup::Groups(_) | Lookup::GroupsHolding(_) | Lookup::GroupsBelow(_));
        let Listened { source, answers, .. } = &self.sources[at];
        if empty || !answers {
            return Vec::new();
        }
        let name = source.name().to_owned();
        match source.fetch(self.ask, lookup).await {
            Ok(Found { records, containers, unusable, gaps }) => {
                let there = containers.into_iter().map(ContainerChange::There);
                self.followed.container_changes.extend(there.map(|change| (name.clone(), change)));
                if !gaps.is_empty() {
                    self.sources[at].whole = false;
                    self.groups_cut |= is_group;
                }
                self.partial.extend(gaps.into_iter().map(|gap| format!("source \"{name}\": {gap}")));
                if !unusable.is_empty() {
                    self.unusable.push((name, unusable));
                }
                records
            }
            Err(error) => {
                self.sources[at].answers = false;
                self.sources[at].whole = false;
                self.partial.push(format!("source \"{name}\": {}; {}", error.what, error.remedy));
                Vec::new()
            }
        }
    }
}
