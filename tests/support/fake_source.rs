//! A directory in memory. People and groups are named by their `cn`; groups keep members by
//! name, so that they follow a rename or a move as Active Directory does.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, MutexGuard};

use dirsyncd::model::{
    Ask, Attribute, Census, Changes, Completeness, Container, Cursor, Fingerprint, Found, Hasher, Hint,
    Hinted, Key, Lookup, Method, Portion, Record, RecordKind, Sight, SourceId, Unusable,
};
use dirsyncd::source::{Probe, Source, SourceError, SourceErrorKind};
use futures_util::future::BoxFuture;
use tokio::sync::mpsc;

/// Where everything stands.
pub const SUFFIX: &str = "dc=example,dc=test";

/// One person of the directory.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    pub anchor: SourceId,
    pub cn: String,
    pub ou: String,
    pub attributes: BTreeMap<String, Vec<String>>,
    pub disabled: bool,
    pub expires: Option<i64>,
    pub primary_group: Option<String>,
    /// Whether it is marked as a room.
    pub room: bool,
    /// Whether it is a contact, and nobody's account.
    pub contact: bool,
    /// What its domain is called.
    pub suffix: String,
    /// How often it was edited: a directory tells of an edit also when a later one took it back.
    pub edits: u64,
}

impl Entry {
    pub fn dn(&self) -> String {
        format!("cn={},ou={},{}", self.cn, self.ou, self.suffix)
    }
}

/// One group, with members by name: people or groups.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Group {
    pub anchor: SourceId,
    pub cn: String,
    pub ou: String,
    pub members: BTreeSet<String>,
    /// How often it was edited.
    pub edits: u64,
}

impl Group {
    pub fn dn(&self) -> String {
        format!("cn={},ou={},{SUFFIX}", self.cn, self.ou)
    }
}

/// How the directory answers.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Answers {
    /// As it should.
    #[default]
    Whole,
    /// So many people, and then nothing more.
    Only(usize),
    /// No group has its last member, and the last group is missing.
    GroupsCut,
    /// Not at all.
    Nothing,
    /// Not when it is asked for single objects.
    NoLookups,
}

/// What was in the directory when a cursor was given.
#[derive(Clone, Debug, Default)]
pub struct Past {
    pub people: BTreeMap<String, Entry>,
    pub groups: BTreeMap<String, Group>,
    pub containers: Vec<Container>,
}

/// What is in the directory. Keys are the names that never change, those of the first day.
#[derive(Clone, Debug, Default)]
pub struct State {
    pub people: BTreeMap<String, Entry>,
    pub groups: BTreeMap<String, Group>,
    /// People who were deleted and may be restored.
    pub dropped: BTreeMap<String, Entry>,
    pub identity: String,
    pub answers: Answers,
    /// Names of people whose entry cannot be used.
    pub unusable: BTreeSet<String>,
    /// Changes the order in which everything is sent.
    pub shuffle: u64,
    /// What was there when a cursor was given, by its mark.
    pub past: Vec<Past>,
    /// Containers of which changes are told, and those that are no longer in sight.
    pub containers: Vec<Container>,
    pub hidden: Vec<SourceId>,
    /// Under what its people stand.
    pub bases: Vec<String>,
    /// Under what people are searched; empty for everywhere. And the value of an attribute that the
    /// filter wants.
    pub searched: Vec<String>,
    pub filter: Option<(String, String)>,
    /// Another directory, whose people its groups may name.
    pub elsewhere: Option<Directory>,
    /// Whether it can only be read, and tells no changes.
    pub mute: bool,
    /// Records per portion.
    pub portion: usize,
    /// What the DNs of its people end with.
    pub suffix: String,
    /// How often everything was read.
    pub reads: u64,
    anchors: u64,
}

/// A directory, shared between the test and the source that the pass reads.
#[derive(Clone, Debug)]
pub struct Directory {
    name: String,
    state: Arc<Mutex<State>>,
}

impl Directory {
    pub fn new(name: &str) -> Self {
        Self::below(name, SUFFIX.into())
    }

    /// A domain with a name of its own.
    pub fn domain(name: &str) -> Self {
        Self::below(name, format!("dc={name},dc=test"))
    }

    fn below(name: &str, suffix: String) -> Self {
        let (identity, bases) = (format!("{name} {suffix}"), vec![suffix.clone()]);
        let state = State { identity, bases, portion: 3, suffix, ..State::default() };
        Self { name: name.into(), state: Arc::new(Mutex::new(state)) }
    }

    pub fn is_named(&self, name: &str) -> bool {
        self.name == name
    }

    pub fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(|e| e.into_inner())
    }

    /// Adds a person, or returns the one that is there.
    pub fn person<T>(&self, name: &str, change: impl FnOnce(&mut Entry) -> T) -> T {
        let mut state = self.state();
        if !state.people.contains_key(name) {
            let anchor = state.next_anchor(&self.name);
            let entry = Entry {
                anchor,
                cn: name.into(),
                ou: "people".into(),
                attributes: BTreeMap::from([(
                    "mail".to_owned(),
                    vec![format!("{}@example.com", name.to_lowercase())],
                )]),
                disabled: false,
                expires: None,
                primary_group: None,
                room: false,
                contact: false,
                suffix: state.suffix.clone(),
                edits: 0,
            };
            state.people.insert(name.into(), entry);
        }
        state.edit(name, change).expect("inserted above")
    }

    /// Changes a person who is there.
    pub fn edit<T>(&self, name: &str, change: impl FnOnce(&mut Entry) -> T) -> Option<T> {
        self.state().edit(name, change)
    }

    /// Adds a group, or returns the one that is there.
    pub fn group<T>(&self, name: &str, change: impl FnOnce(&mut Group) -> T) -> T {
        let mut state = self.state();
        if !state.groups.contains_key(name) {
            let anchor = state.next_anchor(&self.name);
            let group =
                Group { anchor, cn: name.into(), ou: "groups".into(), members: BTreeSet::new(), edits: 0 };
            state.groups.insert(name.into(), group);
        }
        let group = state.groups.get_mut(name).expect("inserted above");
        let before = group.clone();
        let changed = change(group);
        group.edits += u64::from(*group != before);
        changed
    }
}

impl State {
    /// Changes a person who is there.
    pub fn edit<T>(&mut self, name: &str, change: impl FnOnce(&mut Entry) -> T) -> Option<T> {
        let entry = self.people.get_mut(name)?;
        let before = entry.clone();
        let changed = change(entry);
        entry.edits += u64::from(*entry != before);
        Some(changed)
    }

    /// Deletes a person. Whoever is put back later was edited.
    pub fn remove(&mut self, name: &str) -> Option<Entry> {
        let mut entry = self.people.remove(name)?;
        entry.edits += 1;
        Some(entry)
    }

    fn next_anchor(&mut self, name: &str) -> SourceId {
        self.anchors += 1;
        let mut bytes = [0; 16];
        // Spread, as real ones are, so that their order says nothing.
        let place = match self.suffix.as_str() {
            SUFFIX => name.len() as u64,
            domain => domain.bytes().fold(0, |sum, byte| mix(sum ^ u64::from(byte))),
        };
        let mixed = mix(self.anchors ^ mix(place));
        bytes[..8].copy_from_slice(&mixed.to_be_bytes());
        bytes[8..].copy_from_slice(&self.anchors.to_be_bytes());
        SourceId::new(bytes)
    }

    /// The DN behind a name, of a person or a group.
    fn dn_of(&self, name: &str) -> Option<String> {
        let here = self.people.get(name).map(Entry::dn).or_else(|| self.groups.get(name).map(Group::dn));
        here.or_else(|| self.elsewhere.as_ref()?.state().people.get(name).map(Entry::dn))
    }

    fn records(&self, ask: &Ask) -> (Vec<Record>, Vec<Record>) {
        let mut groups: Vec<Record> = self.groups.values().map(|group| self.group_record(group)).collect();
        let mut people: Vec<Record> = self
            .people
            .iter()
            .filter(|(name, entry)| !self.unusable.contains(*name) && self.shows(entry))
            .map(|(_, entry)| self.person_record(entry, ask))
            .collect();
        let order = |record: &Record| match self.shuffle {
            0 => record.anchor.as_bytes()[15].into(),
            seed => mix(seed ^ u64::from(record.anchor.as_bytes()[15])),
        };
        groups.sort_by_key(order);
        people.sort_by_key(order);
        if self.answers == Answers::GroupsCut {
            groups.pop();
            for group in &mut groups {
                for attribute in &mut group.attributes {
                    if attribute.name == "member" {
                        attribute.values.pop();
                    }
                }
            }
        }
        (groups, people)
    }

    /// Whether bases and filter let somebody through.
    fn shows(&self, entry: &Entry) -> bool {
        let below = |base: &String| entry.dn().ends_with(&format!(",{base}"));
        let has = |(name, value): &(String, String)| {
            entry.attributes.get(name).is_some_and(|values| values.contains(value))
        };
        (self.searched.is_empty() || self.searched.iter().any(below)) && self.filter.as_ref().is_none_or(has)
    }

    fn sight(&self) -> Sight {
        let mut h = Hasher::seeded(Fingerprint::NONE);
        h.part(format!("{:?}", self.filter).as_bytes());
        Sight { filters: h.finish(), ..Sight::default() }.below(&self.searched)
    }

    /// What a cursor depends on.
    fn binding(&self, ask: &Ask) -> Fingerprint {
        let mut h = Hasher::seeded(Fingerprint::NONE);
        h.part(format!("{:?} {ask:?}", self.sight()).as_bytes());
        h.finish()
    }

    fn group_record(&self, group: &Group) -> Record {
        let members: Vec<Vec<u8>> =
            group.members.iter().filter_map(|name| self.dn_of(name)).map(String::into_bytes).collect();
        Record {
            anchor: group.anchor,
            dn: group.dn(),
            kind: RecordKind::Group,
            disabled: false,
            expires: None,
            attributes: vec![
                Attribute { name: "cn".into(), values: vec![group.cn.clone().into_bytes()] },
                Attribute { name: "member".into(), values: members },
            ],
        }
    }

    fn person_record(&self, entry: &Entry, ask: &Ask) -> Record {
        let mut attributes =
            vec![Attribute { name: "cn".into(), values: vec![entry.cn.clone().into_bytes()] }];
        attributes.extend(entry.attributes.iter().filter(|(name, _)| *name != "cn").map(|(name, values)| {
            Attribute {
                name: name.clone(),
                values: values.iter().map(|value| value.clone().into_bytes()).collect(),
            }
        }));
        attributes.retain(|attribute| {
            !attribute.values.is_empty() && ask.attributes.contains(&attribute.name.to_lowercase())
        });
        if let Some(dn) = entry.primary_group.as_deref().and_then(|name| self.dn_of(name)) {
            attributes.push(Attribute { name: "primaryGroup".into(), values: vec![dn.into_bytes()] });
        }
        Record {
            anchor: entry.anchor,
            dn: entry.dn(),
            kind: match (entry.room, entry.contact) {
                (true, _) => RecordKind::Room,
                (false, true) => RecordKind::Contact,
                (false, false) => RecordKind::Person,
            },
            disabled: entry.disabled,
            expires: entry.expires,
            attributes,
        }
    }
}

impl Directory {
    /// From now on.
    fn cursor(&self, ask: &Ask) -> Cursor {
        let mut state = self.state();
        let (people, groups) = (state.people.clone(), state.groups.clone());
        let containers = state.containers.clone();
        state.past.push(Past { people, groups, containers });
        Cursor {
            method: Method::Usn,
            identity: state.identity.clone(),
            binding: state.binding(ask),
            mark: (state.past.len() - 1).to_string(),
            good_for: None,
            tells_deletions: true,
        }
    }

    fn answers(&self, state: &State) -> Result<(), SourceError> {
        match state.answers {
            Answers::Nothing => Err(SourceError {
                source_name: self.name.clone(),
                kind: SourceErrorKind::Unreachable,
                what: "no server answered".into(),
                remedy: "start it".into(),
            }),
            _ => Ok(()),
        }
    }
}

impl State {
    /// As Active Directory tells: only about objects that were edited themselves. A member's new
    /// name or end is no edit of the group.
    fn hints(&self, Past { people, groups, containers }: &Past) -> Vec<Hint> {
        let hint = |anchor, dn, what| Hint { anchor, dn, what };
        let gone = |anchor| hint(anchor, None, Hinted::Gone);
        let mut hints = Vec::new();
        for (name, now) in &self.people {
            if people.get(name) != Some(now) {
                hints.push(hint(now.anchor, Some(now.dn()), Hinted::Object));
            }
        }
        for (name, now) in &self.groups {
            if groups.get(name) != Some(now) {
                hints.push(hint(now.anchor, Some(now.dn()), Hinted::Group));
            }
        }
        hints.extend(people.values().filter(|p| !self.has(p.anchor)).map(|p| gone(p.anchor)));
        hints.extend(groups.values().filter(|g| !self.has(g.anchor)).map(|g| gone(g.anchor)));
        hints.extend(self.hidden.iter().map(|anchor| gone(*anchor)));
        let edited = self.containers.iter().filter(|one| !containers.contains(one));
        hints.extend(edited.map(|one| hint(one.anchor, Some(one.dn.clone()), Hinted::Container)));
        hints
    }

    fn has(&self, anchor: SourceId) -> bool {
        self.people.values().any(|one| one.anchor == anchor)
            || self.groups.values().any(|one| one.anchor == anchor)
    }

    fn find(&self, ask: &Ask, lookup: &Lookup) -> Found {
        let (groups, people) = self.records(ask);
        let key = |dn: &String| Key::dn(dn);
        let is_group =
            matches!(lookup, Lookup::Groups(_) | Lookup::GroupsHolding(_) | Lookup::GroupsBelow(_));
        let below = |dn: &str, dns: &[String]| dns.iter().any(|top| dn.ends_with(&format!(",{top}")));
        let wanted = |record: &Record| match lookup {
            Lookup::People(anchors) | Lookup::Groups(anchors) => anchors.contains(&record.anchor),
            Lookup::PeopleAt(dns) => dns.iter().map(key).any(|dn| dn == record.dn_key()),
            Lookup::PeopleBelow(dns) | Lookup::GroupsBelow(dns) => below(&record.dn, dns),
            Lookup::ContainersBelow(_) => false,
            Lookup::PeopleWith { attribute, values } => {
                record.values(attribute).any(|value| values.iter().any(|wanted| wanted == value))
            }
            Lookup::GroupsHolding(dns) => {
                record.texts("member").any(|member| dns.iter().map(key).any(|dn| dn == Key::dn(member)))
            }
        };
        let mut gaps = Vec::new();
        if matches!(self.answers, Answers::Only(_)) || is_group && self.answers == Answers::GroupsCut {
            gaps.push("the search ended early: sizeLimitExceeded (4)".to_owned());
        }
        let unusable = match lookup {
            Lookup::People(anchors) => self
                .unusable
                .iter()
                .filter_map(|name| self.people.get(name))
                .filter(|entry| anchors.contains(&entry.anchor))
                .map(|entry| Unusable {
                    dn: entry.dn(),
                    anchor: None,
                    reason: "its objectGUID is missing".into(),
                })
                .collect(),
            _ => Vec::new(),
        };
        let mut records: Vec<Record> = if is_group { groups } else { people };
        records.retain(wanted);
        if let Answers::Only(count) = self.answers {
            records.truncate(count);
        }
        let containers = match lookup {
            Lookup::ContainersBelow(dns) => {
                self.containers.iter().filter(|one| below(&one.dn, dns)).cloned().collect()
            }
            _ => Vec::new(),
        };
        Found { records, containers, unusable, gaps }
    }
}

/// Scatters a number over all bits (the finalizer of SplitMix64).
pub fn mix(mut n: u64) -> u64 {
    n = n.wrapping_add(0x9e37_79b9_7f4a_7c15);
    n = (n ^ (n >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    n = (n ^ (n >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    n ^ (n >> 31)
}

impl Source for Directory {
    fn name(&self) -> &str {
        &self.name
    }

    fn sight(&self) -> Sight {
        self.state().sight()
    }

    fn read<'a>(
        &'a self,
        ask: &'a Ask,
        portions: mpsc::Sender<Portion>,
    ) -> BoxFuture<'a, Result<Census, SourceError>> {
        Box::pin(async move {
            // As it is now: what changes while it is read is for the next time.
            let cursor = self.cursor(ask);
            self.state().reads += 1;
            let state = self.state().clone();
            self.answers(&state)?;
            let (groups, mut people) = state.records(ask);
            let mut reasons = Vec::new();
            if let Answers::Only(count) = state.answers {
                people.truncate(count);
                reasons.push(format!("the search ended after {count} entries: sizeLimitExceeded (4)"));
            }
            if state.answers == Answers::GroupsCut {
                reasons.push("groups were not read completely".to_owned());
            }
            let counts = (people.len() as u64, if ask.groups { groups.len() as u64 } else { 0 });
            let mut all = Vec::new();
            if ask.groups {
                all.extend(groups.chunks(state.portion).map(|part| Portion::Groups(part.to_vec())));
                all.push(Portion::GroupsEnd { whole: state.answers != Answers::GroupsCut });
            }
            all.extend(people.chunks(state.portion).map(|part| Portion::People(part.to_vec())));
            for portion in all {
                if portions.send(portion).await.is_err() {
                    reasons.push("nobody listens".to_owned());
                    break;
                }
            }
            let unusable = state.unusable.iter().filter_map(|name| {
                let (dn, reason) = (state.people.get(name)?.dn(), "its objectGUID is missing".to_owned());
                Some(Unusable { dn, anchor: None, reason })
            });
            Ok(Census {
                completeness: match reasons.as_slice() {
                    [] => Completeness::Whole,
                    _ => Completeness::Partial { reasons },
                },
                identity: state.identity.clone(),
                people: counts.0,
                groups: counts.1,
                unusable: unusable.collect(),
                referrals: 0,
                bases: if state.searched.is_empty() { state.bases.clone() } else { state.searched.clone() },
                cursor: (!state.mute).then_some(cursor),
                containers: state.containers.clone(),
                advice: None,
            })
        })
    }

    fn changes<'a>(&'a self, ask: &'a Ask, since: &'a Cursor) -> BoxFuture<'a, Result<Changes, SourceError>> {
        Box::pin(async move {
            let state = self.state().clone();
            self.answers(&state)?;
            if since.identity != state.identity {
                return Ok(Changes::Doubt("another directory answered".into()));
            }
            if since.binding != state.binding(ask) {
                return Ok(Changes::Doubt("another question than last time".into()));
            }
            let Some(before) = since.mark.parse::<usize>().ok().and_then(|at| state.past.get(at)) else {
                return Ok(Changes::Doubt("nobody knows this mark".into()));
            };
            let hints = state.hints(before);
            Ok(Changes::Since {
                cursor: if hints.is_empty() { since.clone() } else { self.cursor(ask) },
                hints,
            })
        })
    }

    fn fetch<'a>(&'a self, ask: &'a Ask, lookup: Lookup) -> BoxFuture<'a, Result<Found, SourceError>> {
        Box::pin(async move {
            let mut state = self.state().clone();
            if state.answers == Answers::NoLookups {
                state.answers = Answers::Nothing;
            }
            self.answers(&state)?;
            Ok(state.find(ask, &lookup))
        })
    }

    fn probe<'a>(&'a self, _ask: &'a Ask, _now: i64) -> BoxFuture<'a, Result<Probe, SourceError>> {
        Box::pin(async move {
            Ok(Probe {
                product: "a directory in memory".into(),
                identity: self.state().identity.clone(),
                server: None,
                bases: vec![],
                group_bases: vec![],
                changes: None,
                facts: vec![],
            })
        })
    }
}
