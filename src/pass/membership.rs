//! Who is in which of the groups that the rules name, nested groups included.
//!
//! Groups are records too: those that did not change keep their members in the store's index;
//! the members of those that did are spooled. A change in a group finds the people it touches
//! without reading everyone. Cycles of groups are met and survived.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::sync::Mutex;

use crate::model::{Fingerprint, Key, Record, SourceId};
use crate::rules::{Chosen, GroupSet, Rules};
use crate::store::{GroupRow, Reader, Stage, StoreError};

use super::groups::ChosenGroups;

/// The groups of this pass: the store's, with this pass's changes on top.
pub struct Memberships {
    /// For each group that the rules name, by position: the groups meant.
    named: HashMap<Key, Vec<usize>>,
    /// Groups of which the membership is spooled, not stored.
    changed: BTreeMap<Key, GroupRow>,
    /// Groups that a whole read did not show any more.
    gone: BTreeSet<Key>,
    /// People (and groups) whose memberships changed, by DN key.
    touched: HashSet<Key>,
    /// Groups named by the rules that do not exist.
    missing: Vec<String>,
    /// A group that an earlier scope alone names does not exist.
    hidden: bool,
    /// Direct parents lead to these named groups; computed once per group.
    climbed: Mutex<HashMap<Key, GroupSet>>,
    /// The groups that become groups of the cloud; `None` when none do.
    pub(super) chosen: Option<ChosenGroups>,
    /// Of whom somebody found out already, by DN key.
    told: HashMap<Key, GroupSet>,
}

/// Collects the group records of a read.
#[derive(Default)]
pub struct Gathering {
    rows: BTreeMap<Key, GroupRow>,
    changed: BTreeSet<Key>,
    known: BTreeMap<Key, GroupRow>,
    lost: BTreeSet<Key>,
    chosen: Option<Chosen>,
}

impl Gathering {
    /// Starts from what the store knows.
    pub fn begin(reader: &Reader, chosen: Option<&Chosen>) -> Result<Self, StoreError> {
        let known = reader.groups()?.into_iter().map(|row| (row.key, row)).collect();
        Ok(Self { known, chosen: chosen.cloned(), ..Self::default() })
    }

    /// Takes one group record; spools its members if it changed.
    pub fn add(&mut self, record: &Record, stage: &mut Stage) -> Result<(), StoreError> {
        let key = record.dn_key();
        let print = record.fingerprint(Fingerprint::NONE);
        let names: BTreeSet<String> = ["cn", "samaccountname"]
            .iter()
            .flat_map(|attribute| record.texts(attribute))
            .map(str::to_lowercase)
            .collect();
        let row = GroupRow {
            key,
            anchor: record.anchor,
            dn: record.dn.clone(),
            names: names.into_iter().collect(),
            record: print,
            chosen: self.chosen.as_ref().and_then(|chosen| chosen.name(record)),
        };
        if self.known.get(&key).is_none_or(|known| known.record != print || known.chosen != row.chosen) {
            let members: Vec<Key> =
                record.values("member").filter_map(|dn| std::str::from_utf8(dn).ok()).map(Key::dn).collect();
            stage.put_members(key, &members)?;
            self.changed.insert(key);
        }
        self.rows.insert(key, row);
        Ok(())
    }

    /// A group that is proved not to exist under this key any more.
    pub fn lose(&mut self, key: Key) {
        self.lost.insert(key);
    }

    /// The groups that the store knows.
    pub fn known(&self) -> &BTreeMap<Key, GroupRow> {
        &self.known
    }

    /// Ends the groups of a read. `whole` proves that what was not shown is gone; otherwise
    /// what the store knew goes on to count. Without anybody `linked`, nobody can be touched.
    pub fn finish(
        mut self,
        whole: bool,
        linked: bool,
        rules: &Rules,
        reader: &Reader,
        stage: &Stage,
    ) -> Result<Memberships, StoreError> {
        let unseen: Vec<Key> =
            self.known.keys().filter(|key| !self.rows.contains_key(key)).copied().collect();
        let mut gone = BTreeSet::new();
        for key in unseen {
            if whole || self.lost.contains(&key) {
                gone.insert(key);
            } else if let Some(row) = self.known.get(&key) {
                self.rows.insert(key, row.clone());
            }
        }
        let mut named: HashMap<Key, Vec<usize>> = HashMap::new();
        let (mut missing, mut hidden) = (Vec::new(), false);
        for (at, name) in rules.groups().iter().enumerate() {
            let folded = name.to_lowercase();
            let dn = name.contains('=').then(|| Key::dn(name));
            let meant: Vec<Key> = match dn {
                Some(key) => self.rows.get(&key).map(|row| row.key).into_iter().collect(),
                None => {
                    self.rows.values().filter(|row| row.names.contains(&folded)).map(|row| row.key).collect()
                }
            };
            if meant.is_empty() {
                match at < rules.own_groups() {
                    true => missing.push(name.clone()),
                    false => hidden = true,
                }
            }
            for key in meant {
                named.entry(key).or_default().push(at);
            }
        }
        let changed: BTreeMap<Key, GroupRow> =
            self.changed.iter().filter_map(|key| Some((*key, self.rows.get(key)?.clone()))).collect();
        let mut view = Memberships {
            named,
            changed,
            gone,
            touched: HashSet::new(),
            missing,
            hidden,
            climbed: Mutex::new(HashMap::new()),
            chosen: self.chosen.as_ref().map(|chosen| ChosenGroups::of(chosen, &self.rows)),
            told: HashMap::new(),
        };
        if linked {
            view.touched = view.find_touched(&self.known, reader, stage)?;
        }
        Ok(view)
    }
}

impl Memberships {
    /// No groups at all, for rules that name none.
    pub fn none() -> Self {
        Self {
            named: HashMap::new(),
            changed: BTreeMap::new(),
            gone: BTreeSet::new(),
            touched: HashSet::new(),
            missing: Vec::new(),
            hidden: false,
            climbed: Mutex::new(HashMap::new()),
            chosen: None,
            told: HashMap::new(),
        }
    }

    /// Those of a few people that somebody found out already. All of them count as changed.
    pub fn told(told: HashMap<Key, GroupSet>, missing: Vec<String>) -> Self {
        Self { touched: told.keys().copied().collect(), missing, told, ..Self::none() }
    }

    /// Groups that the rules name and the directory does not have.
    pub fn missing(&self) -> &[String] {
        &self.missing
    }

    /// Whether nobody can tell who was in under an earlier scope, because a group that it names is gone.
    pub fn hide_who_was_in(&self) -> bool {
        self.hidden
    }

    /// Whether no group changed and none is gone.
    pub fn are_as_stored(&self) -> bool {
        self.changed.is_empty() && self.gone.is_empty()
    }

    /// Whether somebody's memberships changed.
    pub fn touches(&self, record: &Record) -> bool {
        !self.touched.is_empty() && self.touched.contains(&record.dn_key())
    }

    /// Whether those of somebody's AD primary group changed.
    pub fn touches_primary(&self, record: &Record) -> bool {
        !self.touched.is_empty()
            && record.texts("primarygroup").any(|group| self.touched.contains(&Key::dn(group)))
    }

    /// The DN keys of everybody whose memberships changed.
    pub fn touched(&self) -> impl Iterator<Item = Key> {
        self.touched.iter().copied()
    }

    /// The direct members of a group in this pass.
    pub(super) fn members(&self, group: Key, reader: &Reader, stage: &Stage) -> Result<Vec<Key>, StoreError> {
        if self.gone.contains(&group) {
            Ok(Vec::new())
        } else if self.changed.contains_key(&group) {
            stage.staged_members(group)
        } else {
            reader.members(group)
        }
    }

    /// Whether a group is chosen to be in the cloud.
    pub(super) fn has_chosen(&self, anchor: SourceId) -> bool {
        self.chosen.as_ref().is_some_and(|chosen| chosen.has(anchor))
    }

    /// Groups that changed, or are gone, by the keys of their DNs.
    pub(super) fn changed_keys(&self) -> impl Iterator<Item = Key> {
        self.changed.keys().chain(&self.gone).copied()
    }

    /// Whether any group that changed or is gone leads to one that the rules name.
    pub fn concern_rules(&self, reader: &Reader, stage: &Stage) -> Result<bool, StoreError> {
        for key in self.changed.keys().chain(&self.gone) {
            if self.climb(*key, reader, stage)?.iter().next().is_some() {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// Groups that changed, and groups that are gone.
    pub fn changes(&self) -> (impl Iterator<Item = &GroupRow>, impl Iterator<Item = Key>) {
        (self.changed.values(), self.gone.iter().copied())
    }

    /// The named groups that a person is in, through any nesting, and through the AD primary
    /// group, which no member list shows.
    pub fn of(&self, record: &Record, reader: &Reader, stage: &Stage) -> Result<GroupSet, StoreError> {
        if let Some(told) = self.told.get(&record.dn_key()) {
            return Ok(told.clone());
        }
        let mut set = GroupSet::new();
        if self.named.is_empty() {
            return Ok(set);
        }
        let mut direct = self.direct(record.dn_key(), reader, stage)?;
        direct.extend(record.texts("primarygroup").map(Key::dn));
        for group in direct {
            for at in self.climb(group, reader, stage)?.iter() {
                set.insert(at);
            }
        }
        Ok(set)
    }

    pub(super) fn direct(&self, member: Key, reader: &Reader, stage: &Stage) -> Result<Vec<Key>, StoreError> {
        let mut groups = reader.direct_groups(member)?;
        groups.retain(|group| !self.changed.contains_key(group) && !self.gone.contains(group));
        if !self.changed.is_empty() {
            groups.extend(stage.staged_groups_of(member)?);
        }
        Ok(groups)
    }

    /// The named groups that a group leads to, itself included.
    fn climb(&self, from: Key, reader: &Reader, stage: &Stage) -> Result<GroupSet, StoreError> {
        // The invariant of the lock: no code that holds it can panic.
        if let Some(known) = self.climbed.lock().unwrap_or_else(|e| e.into_inner()).get(&from) {
            return Ok(known.clone());
        }
        let mut set = GroupSet::new();
        let mut seen = HashSet::from([from]);
        let mut todo = vec![from];
        while let Some(group) = todo.pop() {
            for at in self.named.get(&group).into_iter().flatten() {
                set.insert(*at);
            }
            for parent in self.direct(group, reader, stage)? {
                if seen.insert(parent) {
                    todo.push(parent);
                }
            }
        }
        self.climbed.lock().unwrap_or_else(|e| e.into_inner()).insert(from, set.clone());
        Ok(set)
    }

    /// Everybody below a changed group whose membership in it began or ended.
    fn find_touched(
        &self,
        known: &BTreeMap<Key, GroupRow>,
        reader: &Reader,
        stage: &Stage,
    ) -> Result<HashSet<Key>, StoreError> {
        let mut touched = HashSet::new();
        let renamed = |key: &Key| {
            known.get(key).is_some_and(|old| self.changed.get(key).is_some_and(|new| old.names != new.names))
        };
        for key in self.changed.keys().chain(&self.gone) {
            let before: HashSet<Key> = reader.members(*key)?.into_iter().collect();
            let now: HashSet<Key> = if self.gone.contains(key) {
                HashSet::new()
            } else {
                stage.staged_members(*key)?.into_iter().collect()
            };
            if renamed(key) || !known.contains_key(key) {
                // Another name, or a new group: every member may match another rule now, and
                // whoever has it as the primary group.
                touched.extend(before.union(&now));
                touched.insert(*key);
            } else {
                touched.extend(before.symmetric_difference(&now));
            }
        }
        // What was touched may be a group: then everybody below it is.
        let mut todo: Vec<Key> = touched.iter().copied().collect();
        while let Some(key) = todo.pop() {
            if !known.contains_key(&key) && !self.changed.contains_key(&key) {
                continue;
            }
            let stored = if self.changed.contains_key(&key) { Vec::new() } else { reader.members(key)? };
            let spooled =
                if self.changed.contains_key(&key) { stage.staged_members(key)? } else { Vec::new() };
            for member in stored.into_iter().chain(spooled) {
                if touched.insert(member) {
                    todo.push(member);
                }
            }
        }
        Ok(touched)
    }
}
