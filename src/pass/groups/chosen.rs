//! The groups that are chosen to be in the cloud, and which of them a change leads to.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::sync::Mutex;

use crate::model::{Fingerprint, Key, SourceId};
use crate::pass::membership::Memberships;
use crate::rules::{Chosen, Rules};
use crate::store::{GroupRow, Reader, Stage, StoreError};

/// The digest of the choice of groups; [`Fingerprint::NONE`] when there is none.
pub fn chosen_print(rules: &Rules) -> Fingerprint {
    rules.chosen().map_or(Fingerprint::NONE, Chosen::written)
}

/// The chosen groups, and what of the others is needed to find their members.
pub struct ChosenGroups {
    /// By anchor: the key of the DN, the DN, and the name in the cloud.
    pub(super) groups: BTreeMap<SourceId, (Key, String, String)>,
    by_key: HashMap<Key, SourceId>,
    /// All groups, chosen or not: what is not in here and a member is a person.
    pub(super) all: HashSet<Key>,
    /// What the configuration names and the directory does not have.
    pub(super) missing: Vec<String>,
    leading: Mutex<HashMap<Key, bool>>,
}

impl ChosenGroups {
    /// Takes the chosen from all groups.
    pub fn of(chosen: &Chosen, rows: &BTreeMap<Key, GroupRow>) -> Self {
        let mut groups = BTreeMap::new();
        let mut by_key = HashMap::new();
        for row in rows.values() {
            if let Some(name) = &row.chosen {
                groups.insert(row.anchor, (row.key, row.dn.clone(), name.clone()));
                by_key.insert(row.key, row.anchor);
            }
        }
        let all = rows.values().map(|row| (row.dn.as_str(), row.names.as_slice()));
        Self {
            groups,
            by_key,
            missing: chosen.missing(all),
            all: rows.keys().copied().collect(),
            leading: Mutex::default(),
        }
    }

    /// Whether a group is among them.
    pub(in crate::pass) fn has(&self, anchor: SourceId) -> bool {
        self.groups.contains_key(&anchor)
    }

    /// The chosen groups that these groups or people lead to, themselves included. Circles of
    /// groups are survived.
    pub(in crate::pass) fn above(
        &self,
        from: impl IntoIterator<Item = Key>,
        memberships: &Memberships,
        reader: &Reader,
        stage: &Stage,
    ) -> Result<BTreeSet<SourceId>, StoreError> {
        let mut todo: Vec<Key> = from.into_iter().collect();
        let mut seen: HashSet<Key> = todo.iter().copied().collect();
        let mut found = BTreeSet::new();
        while let Some(key) = todo.pop() {
            found.extend(self.by_key.get(&key).copied());
            for parent in memberships.direct(key, reader, stage)? {
                if seen.insert(parent) {
                    todo.push(parent);
                }
            }
        }
        Ok(found)
    }

    /// Whether a group leads to a chosen one; found out once per group.
    pub(in crate::pass) fn lead_from(
        &self,
        group: Key,
        memberships: &Memberships,
        reader: &Reader,
        stage: &Stage,
    ) -> Result<bool, StoreError> {
        // Nothing that holds the lock can panic.
        if let Some(known) = self.leading.lock().unwrap_or_else(|e| e.into_inner()).get(&group) {
            return Ok(*known);
        }
        let leads = !self.above([group], memberships, reader, stage)?.is_empty();
        self.leading.lock().unwrap_or_else(|e| e.into_inner()).insert(group, leads);
        Ok(leads)
    }
}
