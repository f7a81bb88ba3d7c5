//! The groups that are to be in the cloud: which are not there, which have one name, and how many of
//! their members are left out.

use std::collections::{BTreeMap, HashMap};

use crate::model::{GROUP_NAME_MAX, Key, Record, Verdict, Wanted};

use super::super::check::groups::{Gathering, Missing};
use super::code::Kind;
use super::finding::{Example, Findings};
use super::reading::not_there;

/// One group that is chosen.
struct Group {
    dn: String,
    name: String,
    /// Members who are people, or not known at all; whoever is in it as the primary group comes to it.
    members: u64,
    /// Who of them would be in.
    inside: u64,
    withheld: u64,
    outside: u64,
}

/// All groups that are chosen.
#[derive(Default)]
pub(super) struct CloudGroups {
    groups: Vec<Group>,
    /// The chosen groups above a DN: those of people, and of groups that may be primary ones.
    above: HashMap<Key, Vec<usize>>,
    missing: Vec<Missing>,
}

impl CloudGroups {
    /// Takes the groups of a read.
    pub(super) fn of(gathering: &Gathering) -> Self {
        let mut all = Self { missing: gathering.not_there(), ..Self::default() };
        let mut chosen: Vec<(&Key, &String, &String)> = gathering
            .groups
            .iter()
            .filter_map(|(key, group)| Some((key, &group.dn, group.cloud.as_ref()?)))
            .collect();
        chosen.sort_by_key(|(_, dn, _)| *dn);
        for (key, dn, name) in chosen {
            let (people, groups) = gathering.below(*key);
            let at = all.groups.len();
            all.groups.push(Group {
                dn: dn.clone(),
                name: name.clone(),
                members: people.len() as u64,
                inside: 0,
                withheld: 0,
                outside: 0,
            });
            for key in people.into_iter().chain(groups).chain([*key]) {
                all.above.entry(key).or_default().push(at);
            }
        }
        all
    }

    /// Counts one person.
    pub(super) fn take(&mut self, record: &Record, verdict: &Verdict) {
        if self.groups.is_empty() {
            return;
        }
        let listed = self.above.get(&record.dn_key());
        let primary = record.texts("primarygroup").find_map(|dn| self.above.get(&Key::dn(dn)));
        for at in listed.into_iter().flatten() {
            self.groups[*at].count(verdict);
        }
        for at in primary.into_iter().flatten().filter(|at| !listed.is_some_and(|known| known.contains(at))) {
            // No list has them.
            self.groups[*at].members += 1;
            self.groups[*at].count(verdict);
        }
    }

    /// Says what was found.
    pub(super) fn end(&self, chooses: bool, findings: &mut Findings) {
        for missing in &self.missing {
            findings.add(Kind::CloudGroupMissing, || not_there(missing));
        }
        if chooses && self.groups.is_empty() && self.missing.is_empty() {
            findings.add(Kind::CloudGroupNone, Example::default);
        }
        let mut named: BTreeMap<String, Vec<&Group>> = BTreeMap::new();
        for group in &self.groups {
            let message = match group.name.chars().count() {
                0 => "groups.name makes nothing of it".to_owned(),
                long if long > GROUP_NAME_MAX => {
                    format!("the name has {long} characters, and the cloud takes {GROUP_NAME_MAX}")
                }
                _ => {
                    named.entry(group.name.to_lowercase()).or_default().push(group);
                    continue;
                }
            };
            let dns = vec![group.dn.clone()];
            findings.add(Kind::CloudGroupName, || Example { dns, message, ..Example::default() });
        }
        for twins in named.values().filter(|twins| twins.len() > 1) {
            findings.add(Kind::CloudGroupTwins, || Example {
                dns: twins.iter().map(|group| group.dn.clone()).collect(),
                value: twins[0].name.clone(),
                message: "none of them comes to the cloud".into(),
                ..Example::default()
            });
        }
        for group in &self.groups {
            let Group { dn, name, members, inside, withheld, outside } = group;
            let unknown = members.saturating_sub(inside + withheld + outside);
            let mut out = Vec::new();
            for (count, what) in [
                (*outside, "not in scope, or disabled"),
                (*withheld, "withheld"),
                (unknown, "not read, or no people"),
            ] {
                if count > 0 {
                    out.push(format!("{count} {what}"));
                }
            }
            let example = |message: String| Example {
                dns: vec![dn.clone()],
                value: name.clone(),
                message,
                ..Example::default()
            };
            if *inside == 0 {
                let why = if out.is_empty() { "it has no members".to_owned() } else { out.join(", ") };
                findings.add(Kind::CloudGroupEmpty, || example(why));
            } else if !out.is_empty() {
                let words = format!("{inside} of {members} members would be in; {}", out.join(", "));
                findings.add(Kind::CloudGroupMembers, || example(words));
            }
        }
    }
}

impl Group {
    fn count(&mut self, verdict: &Verdict) {
        *match &verdict.wanted {
            Wanted::Present(_) => &mut self.inside,
            Wanted::Withheld(_) => &mut self.withheld,
            Wanted::Leaving(_) => &mut self.outside,
        } += 1;
    }
}
