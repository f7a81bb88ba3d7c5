//! Who is in the groups that the rules name, nested groups included, from one read alone.
//!
//! A pass keeps this in the state; a check leaves no trace, and holds 16 bytes per membership
//! while it reads.

use std::collections::{BTreeSet, HashMap, HashSet};

use crate::model::{Key, Record, SourceId, normal_dn};
use crate::rules::{Chosen, GroupSet};

/// A text may differ in so many letters, per three that it has, from what was meant.
const LETTERS: usize = 3;

/// The groups of a read, as they arrive.
#[derive(Default)]
pub(in crate::cli) struct Gathering {
    pub(in crate::cli) groups: HashMap<Key, Group>,
    /// Which groups become groups of the cloud.
    chosen: Option<Chosen>,
}

/// One group.
pub(in crate::cli) struct Group {
    pub anchor: SourceId,
    pub dn: String,
    /// In lower case, under which rules know it.
    pub names: BTreeSet<String>,
    /// As the directory writes it.
    pub name: Option<String>,
    /// The direct members, by the keys of their DNs.
    pub members: Vec<Key>,
    /// The name in the cloud, blank when none can be made; `None` when it is not to be there.
    pub cloud: Option<String>,
}

/// A group that the rules name and the directory does not have.
#[derive(Debug, PartialEq, Eq)]
pub(in crate::cli) struct Missing {
    pub name: String,
    /// What was probably meant.
    pub near: Option<String>,
}

/// Everybody in the named groups.
#[derive(Default)]
pub(in crate::cli) struct Memberships {
    /// By the key of the DN: people, and the groups themselves.
    of: HashMap<Key, GroupSet>,
    pub missing: Vec<Missing>,
}

impl Gathering {
    /// To begin with; `chosen` says which groups become groups of the cloud.
    pub(in crate::cli) fn choosing(chosen: Option<Chosen>) -> Self {
        Self { groups: HashMap::new(), chosen }
    }

    /// What the choice names and no directory has.
    pub(in crate::cli) fn not_there(&self) -> Vec<Missing> {
        let Some(chosen) = &self.chosen else { return Vec::new() };
        let names: Vec<(&str, Vec<String>)> = self
            .groups
            .values()
            .map(|group| (group.dn.as_str(), group.names.iter().cloned().collect()))
            .collect();
        let missing = chosen.missing(names.iter().map(|(dn, names)| (*dn, names.as_slice())));
        missing.into_iter().map(|name| Missing { near: self.nearest(&name), name }).collect()
    }

    /// Everybody below a group: the keys of people, and of the groups within it.
    pub(in crate::cli) fn below(&self, group: Key) -> (HashSet<Key>, HashSet<Key>) {
        let (mut people, mut groups) = (HashSet::new(), HashSet::from([group]));
        let mut todo = vec![group];
        while let Some(key) = todo.pop() {
            for member in self.groups.get(&key).map(|group| group.members.as_slice()).unwrap_or_default() {
                if !self.groups.contains_key(member) {
                    people.insert(*member);
                } else if groups.insert(*member) {
                    todo.push(*member);
                }
            }
        }
        groups.remove(&group);
        (people, groups)
    }

    /// Takes one group record.
    pub(in crate::cli) fn add(&mut self, record: &Record) {
        let texts = || ["cn", "samaccountname"].into_iter().flat_map(|name| record.texts(name));
        let group = Group {
            anchor: record.anchor,
            cloud: self.chosen.as_ref().and_then(|chosen| chosen.name(record)),
            dn: record.dn.clone(),
            names: texts().map(str::to_lowercase).collect(),
            name: texts().next().map(str::to_owned),
            members: record.texts("member").map(Key::dn).collect(),
        };
        self.groups.insert(record.dn_key(), group);
    }

    /// Ends the groups; `names` are those that the rules name.
    pub(in crate::cli) fn finish(&self, names: &[String]) -> Memberships {
        let mut memberships = Memberships::default();
        for (at, name) in names.iter().enumerate() {
            let meant = self.meant(name);
            if meant.is_empty() {
                memberships.missing.push(Missing { name: name.clone(), near: self.nearest(name) });
            }
            let mut seen: HashSet<Key> = meant.iter().copied().collect();
            let mut todo = meant;
            while let Some(key) = todo.pop() {
                // The group itself stands for those whose primary group it is.
                memberships.of.entry(key).or_default().insert(at);
                let members = self.groups.get(&key).map(|group| group.members.as_slice());
                for member in members.unwrap_or_default() {
                    if !self.groups.contains_key(member) {
                        memberships.of.entry(*member).or_default().insert(at);
                    } else if seen.insert(*member) {
                        todo.push(*member);
                    }
                }
            }
        }
        memberships
    }

    /// The DNs of the groups that a DN or a plain name means, sorted.
    pub(in crate::cli) fn named(&self, name: &str) -> Vec<&str> {
        let mut dns: Vec<&str> =
            self.meant(name).iter().filter_map(|key| Some(self.groups.get(key)?.dn.as_str())).collect();
        dns.sort_unstable();
        dns
    }

    /// The groups that a DN or a plain name means, as in a pass.
    fn meant(&self, name: &str) -> Vec<Key> {
        if name.contains('=') {
            let key = Key::dn(name);
            return self.groups.contains_key(&key).then_some(key).into_iter().collect();
        }
        let folded = name.to_lowercase();
        self.groups.iter().filter(|(_, group)| group.names.contains(&folded)).map(|(key, _)| *key).collect()
    }

    /// The existing group that was probably meant; of several equally near the first by name.
    fn nearest(&self, name: &str) -> Option<String> {
        let by_dn = name.contains('=');
        let wanted = if by_dn { normal_dn(name) } else { name.to_lowercase() };
        // A group that was moved keeps its name.
        let moved = wanted.split_once(',').map(|(rdn, _)| format!("{rdn},"));
        let limit = (wanted.chars().count() / LETTERS).max(2);
        let near = |group: &Group| {
            let dn = normal_dn(&group.dn);
            if by_dn && moved.as_ref().is_some_and(|rdn| dn.starts_with(rdn.as_str())) {
                return Some(0);
            }
            let distance = |text: &str| strsim::osa_distance(&wanted, text);
            match by_dn {
                true => Some(distance(&dn)),
                false => group.names.iter().map(|name| distance(name)).min(),
            }
            .filter(|distance| *distance <= limit)
        };
        let shown = |group: &Group| match (by_dn, &group.name) {
            (false, Some(name)) => name.clone(),
            _ => group.dn.clone(),
        };
        let all = self.groups.values().filter_map(|group| Some((near(group)?, shown(group))));
        all.min().map(|(_, name)| name)
    }
}

impl Memberships {
    /// The named groups that a person is in, also through the AD primary group, which no list of
    /// members shows.
    pub(in crate::cli) fn of(&self, record: &Record) -> GroupSet {
        let own = self.of.get(&record.dn_key());
        let primary = record.texts("primarygroup").filter_map(|group| self.of.get(&Key::dn(group)));
        own.into_iter().chain(primary).flat_map(GroupSet::iter).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{Attribute, RecordKind};

    fn record(dn: &str, attributes: &[(&str, &[&str])]) -> Record {
        Record {
            anchor: SourceId::new(Key::dn(dn).0),
            dn: dn.into(),
            kind: RecordKind::Group,
            disabled: false,
            expires: None,
            attributes: Attribute::list(attributes),
        }
    }

    fn memberships(names: &[&str]) -> Memberships {
        let mut gathering = Gathering::default();
        for (dn, name, members) in [
            ("cn=Staff,ou=g,dc=test", "Staff", &["cn=Ann,dc=test", "CN=Inner, OU=g,DC=test"][..]),
            ("cn=Inner,ou=g,dc=test", "Inner", &["cn=bob,dc=test", "cn=Staff,ou=g,dc=test"]),
            ("cn=Sales,ou=g,dc=test", "Sales", &[]),
        ] {
            gathering.add(&record(dn, &[("cn", &[name]), ("member", members)]));
        }
        let names: Vec<String> = names.iter().map(|name| (*name).into()).collect();
        gathering.finish(&names)
    }

    #[test]
    fn members_of_members_count_and_circles_end() {
        let all = memberships(&["staff", "CN=Inner,OU=g,DC=test", "Sales"]);
        assert!(all.missing.is_empty());
        let of = |record: &Record| all.of(record).iter().collect::<Vec<_>>();
        assert_eq!(of(&record("CN=ann,dc=test", &[])), [0, 1]);
        assert_eq!(of(&record("cn=bob,dc=test", &[])), [0, 1]);
        assert_eq!(of(&record("cn=cyd,dc=test", &[])), [0usize; 0]);
        assert_eq!(of(&record("cn=cyd,dc=test", &[("primaryGroup", &["cn=Sales,ou=g,dc=test"])])), [2]);
    }

    #[test]
    fn a_missing_group_is_told_with_the_one_that_was_meant() {
        for (name, near) in [
            ("Stfaf", Some("Staff")),
            ("SALE", Some("Sales")),
            ("Completely different", None),
            ("cn=Sales,ou=elsewhere,dc=test", Some("cn=Sales,ou=g,dc=test")),
            ("cn=Innner,ou=g,dc=test", Some("cn=Inner,ou=g,dc=test")),
        ] {
            let missing = memberships(&[name]).missing;
            let expected = Missing { name: name.into(), near: near.map(str::to_owned) };
            assert_eq!(missing, [expected]);
        }
    }
}
