//! Groups of the cloud against a naive answer: whatever happened in the directory and whenever a
//! pass was killed, every chosen group holds exactly those who are in it; and a change costs
//! what it changes.

#![allow(clippy::unwrap_used)]

mod support;

use std::collections::{BTreeMap, BTreeSet};

use dirsyncd::model::Kind;
use support::fake_source::Answers;
use support::org::{Org, unlimited};

const GROUPS: [&str; 4] = ["a", "b", "c", "d"];
const CHOSEN: [&str; 3] = ["a", "b", "c"];
const PEOPLE: usize = 6;

/// An organization that may lose whatever it likes.
fn org() -> Org {
    let mut org = Org::new();
    org.limits = unlimited();
    org.spec.groups.sync = CHOSEN.map(str::to_owned).into();
    org.groups.delete_after = Some(0);
    for n in 0..PEOPLE {
        org.directory().person(&person(n), |_| {});
    }
    org
}

fn person(n: usize) -> String {
    format!("p{n}")
}

/// Who is in a group, by walking down from it.
fn below(org: &Org, group: &str) -> BTreeSet<String> {
    let state = org.directory().state();
    let mut seen = BTreeSet::new();
    let mut todo = vec![group.to_owned()];
    let mut people = BTreeSet::new();
    while let Some(name) = todo.pop() {
        if !seen.insert(name.clone()) {
            continue;
        }
        let Some(found) = state.groups.get(&name) else { continue };
        for member in &found.members {
            match state.groups.contains_key(member) {
                true => todo.push(member.clone()),
                false if state.people.contains_key(member) => {
                    people.insert(format!("{member}@example.com"));
                }
                false => {}
            }
        }
        let primary = state.people.iter().filter(|(_, one)| one.primary_group.as_ref() == Some(&name));
        people.extend(primary.map(|(who, _)| format!("{who}@example.com")));
    }
    people
}

/// What the cloud should hold.
fn wanted(org: &Org) -> BTreeMap<String, BTreeSet<String>> {
    let there: Vec<&str> =
        CHOSEN.into_iter().filter(|name| org.directory().state().groups.contains_key(*name)).collect();
    there.into_iter().map(|name| (name.to_owned(), below(org, name))).collect()
}

/// What it holds.
fn held(org: &Org) -> BTreeMap<String, BTreeSet<String>> {
    let state = org.cloud.state();
    let mut all = BTreeMap::new();
    for kept in state.groups.values() {
        let email = |id| state.accounts[id].account.email.as_ref().unwrap().as_str().to_owned();
        let members: BTreeSet<String> = kept.members.keys().map(email).collect();
        all.insert(kept.group.name.clone(), members);
    }
    assert_eq!(all.len(), state.groups.len(), "a group is there twice");
    all
}

fn violations(org: &Org) -> Vec<String> {
    org.cloud.state().violations.clone()
}

struct Dice(u64);

impl Dice {
    fn below(&mut self, limit: usize) -> usize {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) as usize % limit
    }

    /// One edit of the directory.
    fn edit(&mut self, org: &Org) {
        let directory = org.directory();
        let who = person(self.below(PEOPLE));
        let group = GROUPS[self.below(GROUPS.len())];
        match self.below(9) {
            0..=2 => {
                directory.group(group, |group| group.members.insert(who));
            }
            3..=4 => {
                directory.group(group, |group| group.members.remove(&who));
            }
            5 => {
                let inner = GROUPS[self.below(GROUPS.len())].to_owned();
                directory.group(group, |group| {
                    if !group.members.remove(&inner) {
                        group.members.insert(inner);
                    }
                });
            }
            6 => {
                let mut state = directory.state();
                // Active Directory does not delete a group that is somebody's primary one.
                let all = state.people.values().chain(state.dropped.values());
                if !all.into_iter().any(|entry| entry.primary_group.as_deref() == Some(group)) {
                    state.groups.remove(group);
                }
            }
            7 => {
                let mut state = directory.state();
                if let Some(entry) = state.remove(&who) {
                    state.dropped.insert(who, entry);
                } else if let Some(entry) = state.dropped.remove(&who) {
                    state.people.insert(who, entry);
                }
            }
            _ => {
                let ou = ["people", "moved"][self.below(2)];
                let there = directory.state().groups.contains_key(group).then(|| group.to_owned());
                let primary = [None, there][self.below(2)].clone();
                directory.edit(&who, |entry| (entry.ou, entry.primary_group) = (ou.into(), primary));
            }
        }
    }
}

#[test]
fn every_chosen_group_holds_exactly_whom_the_directory_means() {
    for seed in 0..80 {
        let mut dice = Dice(seed * 7_919 + 1);
        let mut org = org();
        org.follows = seed % 2 == 0;
        for step in 0..12 {
            for _ in 0..=dice.below(3) {
                dice.edit(&org);
            }
            match dice.below(6) {
                0 => {
                    let call = dice.below(14) as u64 + 1;
                    org.killed_at_call(call, dice.below(2) == 0);
                }
                1 => {
                    org.directory().state().answers = Answers::Only(dice.below(PEOPLE));
                    drop(org.sync());
                    org.directory().state().answers = Answers::Whole;
                }
                2 => drop(org.poll()),
                _ => {
                    org.sync().unwrap();
                }
            }
            assert_eq!(violations(&org), [] as [&str; 0], "seed {seed}, step {step}");
        }
        org.sync().unwrap();
        org.sync().unwrap();
        assert_eq!(held(&org), wanted(&org), "seed {seed}");
        // And nothing is left to do, whether the cloud is observed or not.
        assert_eq!(org.sync().unwrap().writes, 0, "seed {seed}");
        assert_eq!(org.sync_all().unwrap().writes, 0, "seed {seed}");
        assert_eq!(violations(&org), [] as [&str; 0], "seed {seed}");
    }
}

#[test]
fn killed_at_any_call_nothing_is_there_twice_or_missing() {
    for call in 1..30 {
        for after in [false, true] {
            let org = org();
            for name in CHOSEN {
                org.directory().group(name, |group| {
                    group.members = ["p0", "p1", "p2"].map(str::to_owned).into();
                });
            }
            org.killed_at_call(call, after);
            org.directory().group("a", |group| group.members = ["p3", "p1"].map(str::to_owned).into());
            org.directory().state().groups.remove("b");
            org.killed_at_call(call, after);
            org.sync().unwrap();
            org.sync().unwrap();
            assert_eq!(violations(&org), [] as [&str; 0], "call {call}, after {after}");
            assert_eq!(held(&org), wanted(&org), "call {call}, after {after}");
        }
    }
}

#[test]
fn a_change_costs_what_it_changes() {
    for follows in [false, true] {
        let mut org = org();
        org.follows = follows;
        for name in CHOSEN {
            org.directory().group(name, |group| {
                group.members = (0..PEOPLE - 1).map(person).collect();
            });
        }
        org.sync_all().unwrap();
        let reads = |org: &Org| org.cloud.state().member_reads;
        let before = reads(&org);
        let quiet = org.sync().unwrap();
        assert_eq!((quiet.writes, quiet.acted.done.len()), (0, 0));
        org.directory().group("b", |group| group.members.insert(person(PEOPLE - 1)));
        let joined = org.sync().unwrap();
        assert_eq!(joined.acted.done, BTreeMap::from([(Kind::GroupUpdate, 1)]));
        assert_eq!(joined.done[0].who.group(), Some("b"));
        assert_eq!(joined.done[0].changes.len(), 1);
        assert_eq!(reads(&org), before, "no list of members is read");
        // Whoever only changes a title touches no group.
        org.directory().person("p0", |entry| {
            entry.attributes.insert("title".into(), vec!["Clerk".into()]);
        });
        assert_eq!(org.sync().unwrap().acted.done, BTreeMap::from([(Kind::Update, 1)]));
        org.sync_all().unwrap();
        assert_eq!(reads(&org), before + CHOSEN.len() as u64, "all of them, with the whole cloud");
    }
}

#[test]
fn without_a_choice_groups_cost_nothing() {
    let mut org = org();
    org.spec.groups.sync.clear();
    org.directory().group("a", |group| group.members = ["p0".to_owned()].into());
    org.sync_all().unwrap();
    let calls = org.cloud.state().calls;
    org.sync_all().unwrap();
    assert_eq!(org.cloud.state().calls - calls, 5, "organization, licences, roles, two pages of accounts");
    assert!(org.store.reader().to_regroup().unwrap().is_empty());
    assert!(org.cloud.state().groups.is_empty());
}
