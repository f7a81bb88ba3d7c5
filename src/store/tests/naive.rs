//! Random operations on the store and on plain maps give the same answers.

use std::collections::{BTreeMap, BTreeSet};

use proptest::prelude::*;

use super::*;
use crate::model::Link;

/// What the store should hold, in the most obvious form.
#[derive(Default)]
struct Naive {
    rows: BTreeMap<SourceId, SnapshotRow>,
    groups: BTreeMap<Key, (GroupRow, BTreeSet<Key>)>,
}

/// How many of each there are: few, so that they meet often.
const FEW: u64 = 6;

#[derive(Clone, Debug)]
enum Step {
    Link { who: u64, cloud: u64, email: u64, dn: u64, left: Option<i64>, recheck: Option<i64> },
    Touch { who: u64, dn: Option<u64>, recheck: Option<i64> },
    Forget { who: u64 },
    Move { who: u64, to: u64 },
    Groups { changed: Vec<(u64, Vec<u64>)>, gone: Vec<u64>, touched: Vec<u64> },
    Ask,
}

fn step() -> impl Strategy<Value = Step> {
    let few = || 0..FEW;
    let time = || proptest::option::of(0..4_i64);
    prop_oneof![
        4 => (few(), few(), few(), few(), time(), time()).prop_map(|(who, cloud, email, dn, left, recheck)| {
            Step::Link { who, cloud, email, dn, left, recheck }
        }),
        2 => (few(), proptest::option::of(few()), time())
            .prop_map(|(who, dn, recheck)| Step::Touch { who, dn, recheck }),
        1 => few().prop_map(|who| Step::Forget { who }),
        1 => (few(), few()).prop_map(|(who, to)| Step::Move { who, to }),
        2 => (
            proptest::collection::vec((few(), proptest::collection::vec(few(), 0..5)), 0..3),
            proptest::collection::vec(few(), 0..2),
            proptest::collection::vec(few(), 0..2)
        )
            .prop_map(|(changed, gone, touched)| Step::Groups { changed, gone, touched }),
        1 => Just(Step::Ask),
    ]
}

fn group(n: u64) -> GroupRow {
    let dn = format!("cn=g{n},dc=example,dc=com");
    GroupRow {
        key: Key::dn(&dn),
        anchor: anchor(n + 100),
        names: vec![format!("g{n}")],
        dn,
        record: print(n),
        chosen: None,
    }
}

fn joined(n: Option<u64>) -> Option<Key> {
    n.map(|n| Key::exact(&format!("value {}", n / 2)))
}

fn dn_key(n: u64) -> Key {
    Key::dn(&dn(n))
}

impl Naive {
    fn change(&mut self, change: &RowChange) {
        match change {
            RowChange::Link(row) => drop(self.rows.insert(row.anchor, (**row).clone())),
            RowChange::Forget(anchor) => drop(self.rows.remove(anchor)),
            RowChange::Group(_) | RowChange::Contact(_) => {
                unreachable!("groups and contacts of the cloud have tests of their own")
            }
            RowChange::Move { from, row } => {
                self.rows.remove(from);
                self.rows.insert(row.anchor, (**row).clone());
            }
            RowChange::Touch { anchor, record, dn, recheck, joined } => {
                if let Some(row) = self.rows.get_mut(anchor) {
                    row.joined = *joined;
                    row.record = *record;
                    row.recheck = *recheck;
                    row.dn = dn.clone().unwrap_or_else(|| row.dn.clone());
                }
            }
        }
    }

    fn commit(&mut self, delta: &GroupDelta) {
        delta.gone.iter().for_each(|key| drop(self.groups.remove(key)));
        for (group, members) in &delta.changed {
            self.groups.insert(group.key, (group.clone(), members.iter().copied().collect()));
        }
        for anchor in &delta.touched {
            if let Some(row) = self.rows.get_mut(anchor) {
                row.record = Fingerprint::NONE;
            }
        }
    }

    fn links(&self, now: i64) -> Vec<Link> {
        let link = |row: &SnapshotRow| Link {
            kind: row.applied.kind,
            anchor: row.anchor,
            record: if row.recheck.is_some_and(|at| at <= now) { Fingerprint::NONE } else { row.record },
            applied: row.applied_print,
            licenses: row.licenses_print,
            cloud: Key::exact(row.cloud_id.as_str()),
            left: row.state != LinkState::Present,
        };
        self.rows.values().map(link).collect()
    }

    fn found(&self, keys: &[Key], key: impl Fn(&SnapshotRow) -> Key) -> Vec<(Key, SourceId)> {
        let mut found: Vec<_> = self.rows.values().map(|row| (key(row), row.anchor)).collect();
        found.retain(|(key, _)| keys.contains(key));
        found.sort();
        found
    }

    fn assert_agrees(&self, reader: &Reader) {
        for now in -1..5 {
            assert_eq!(reader.links(now).unwrap(), self.links(now));
            let rows = || self.rows.values();
            let left = |row: &&SnapshotRow| matches!(row.state, LinkState::Left { since } if since <= now);
            assert_eq!(reader.rows_left(now).unwrap(), rows().filter(left).cloned().collect::<Vec<_>>());
            let due: Vec<SourceId> =
                rows().filter(|row| row.recheck.is_some_and(|at| at <= now)).map(|row| row.anchor).collect();
            assert_eq!(reader.due(now).unwrap(), due);
        }
        let mut visited = Vec::new();
        reader.each_link(2, |link| visited.push(link)).unwrap();
        assert_eq!(visited, self.links(2));
        assert_eq!(reader.count().unwrap(), self.rows.len() as u64);
        let all: Vec<SourceId> = (0..FEW).rev().map(anchor).collect();
        let rows: Vec<SnapshotRow> = self.rows.values().cloned().collect();
        assert_eq!(reader.rows(&all).unwrap(), rows);
        let first = reader.rows_after(None, 2).unwrap();
        let rest = reader.rows_after(first.last().map(|row| row.anchor), 100).unwrap();
        if !first.is_empty() {
            assert_eq!([first, rest].concat(), rows);
        }
        let keys: Vec<Key> = (0..FEW).map(|n| Key::exact(cloud_id(n).as_str())).collect();
        let by_cloud = self.found(&keys, |row| Key::exact(row.cloud_id.as_str()));
        assert_eq!(reader.anchors_by_cloud(&keys).unwrap(), by_cloud);
        let keys: Vec<Key> = (0..FEW).map(|n| email(n).key()).collect();
        let by_email = self.found(&keys, |row| row.applied.email.key());
        assert_eq!(reader.email_owners(&keys).unwrap(), by_email);
        let keys: Vec<Key> = (0..FEW).map(dn_key).collect();
        assert_eq!(reader.anchors_by_dn(&keys).unwrap(), self.found(&keys, |row| Key::dn(&row.dn)));
        let keys: Vec<Key> = (0..FEW).filter_map(|n| joined(Some(n))).collect();
        let by_value = self.found(&keys, |row| row.joined.unwrap_or(Key([0; 16])));
        assert_eq!(reader.joined(&keys).unwrap(), by_value);

        let groups: Vec<GroupRow> = self.groups.values().map(|(group, _)| group.clone()).collect();
        assert_eq!(reader.groups().unwrap(), groups);
        for n in 0..FEW {
            let members: Option<Vec<Key>> =
                self.groups.get(&group(n).key).map(|(_, members)| members.iter().copied().collect());
            assert_eq!(reader.members(group(n).key).unwrap(), members.unwrap_or_default());
            let member = dn_key(n);
            let mut direct = reader.direct_groups(member).unwrap();
            direct.sort();
            let holds = |(key, (_, members)): (&Key, &(GroupRow, BTreeSet<Key>))| {
                members.contains(&member).then_some(*key)
            };
            assert_eq!(direct, self.groups.iter().filter_map(holds).collect::<Vec<_>>());
        }
    }
}

async fn run(steps: Vec<Step>) {
    let store = Store::in_memory();
    let mut naive = Naive::default();
    for (n, step) in steps.into_iter().enumerate() {
        match step {
            Step::Link { who, cloud, email, dn, left, recheck } => {
                let mut new = row(who);
                new.cloud_id = cloud_id(cloud);
                new.applied.email = super::email(email);
                new.dn = super::dn(dn);
                new.record = print(n as u64);
                new.state = left.map_or(LinkState::Present, |since| LinkState::Left { since });
                new.recheck = recheck;
                new.joined = joined(dn.checked_sub(1));
                let change = RowChange::Link(Box::new(new));
                naive.change(&change);
                store.change_rows(vec![change]).await.unwrap();
            }
            Step::Touch { who, dn, recheck } => {
                let joined = joined(dn);
                let dn = dn.map(super::dn);
                let record = print(n as u64);
                let change = RowChange::Touch { anchor: anchor(who), record, dn, recheck, joined };
                naive.change(&change);
                store.change_rows(vec![change]).await.unwrap();
            }
            Step::Move { who, to } => {
                let mut new = row(to);
                new.joined = joined(Some(who));
                let change = RowChange::Move { from: anchor(who), row: Box::new(new) };
                naive.change(&change);
                store.change_rows(vec![change]).await.unwrap();
            }
            Step::Forget { who } => {
                naive.change(&RowChange::Forget(anchor(who)));
                store.change_rows(vec![RowChange::Forget(anchor(who))]).await.unwrap();
            }
            Step::Groups { changed, gone, touched } => {
                let mut seen = BTreeSet::new();
                let delta = GroupDelta {
                    changed: changed
                        .into_iter()
                        .filter(|(n, _)| seen.insert(*n))
                        .map(|(n, members)| (group(n), members.into_iter().map(dn_key).collect()))
                        .collect(),
                    gone: gone.into_iter().map(|n| group(n).key).collect(),
                    touched: touched.into_iter().map(anchor).collect(),
                    open: Vec::new(),
                };
                naive.commit(&delta);
                store.commit_groups(delta).await.unwrap();
            }
            Step::Ask => naive.assert_agrees(store.reader()),
        }
    }
    naive.assert_agrees(store.reader());
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 96, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn the_store_agrees_with_plain_maps(steps in proptest::collection::vec(step(), 0..40)) {
        block_on(run(steps));
    }
}
