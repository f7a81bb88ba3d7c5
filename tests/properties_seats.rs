//! Seats, whatever happens: none is lost, none is given twice, and whoever waits is served in the
//! order of the rules.
//!
//! The oracle here is naive: before a pass it reads who holds a seat, sorts everybody else who
//! wants one, and gives out what is left.

#![allow(clippy::unwrap_used)]

mod support;

use std::collections::{BTreeMap, BTreeSet};

use dirsyncd::cloud::CloudErrorKind;
use dirsyncd::model::{Kind, LicenseId, SourceId, Unserved};
use dirsyncd::pass::Observe;
use dirsyncd::rules::{EntitlementSpec, SeatsSpec};
use proptest::prelude::*;
use support::fake_cloud::{Aim, Fault};
use support::fake_source::Entry;
use support::org::{Org, Passed, runtime, unlimited};
use support::random::cases;

const PEOPLE: usize = 8;
const LICENSE: &str = "lic:Messages";
const DAY: i64 = 86_400;

/// Something that happens.
#[derive(Clone, Debug)]
enum Step {
    /// In or out of a group that a rule names: 0 or 1.
    Member(usize, usize, bool),
    Disabled(usize, bool),
    Gone(usize),
    Back(usize),
    /// The attribute by which seats are ordered.
    Office(usize, Option<u8>),
    /// The order of the two rules, and the direction of the attribute.
    Rules(bool, bool),
    /// So many seats from now on.
    Seats(u64),
    Days(u8),
    Pass(How),
}

/// How a pass goes.
#[derive(Clone, Debug)]
enum How {
    Touched,
    All,
    Poll,
    Refused(u64),
    Faulty(u64, Fault),
    KilledAtCall(u64, bool),
    KilledAtStep(u64),
}

fn how() -> impl Strategy<Value = How> {
    let fault = prop_oneof![
        Just(Fault::LostAfter),
        Just(Fault::LostBefore),
        Just(Fault::Error(CloudErrorKind::Unreachable)),
        Just(Fault::Error(CloudErrorKind::Rejected)),
    ];
    prop_oneof![
        5 => Just(How::Touched),
        2 => Just(How::All),
        3 => Just(How::Poll),
        1 => (0..3u64).prop_map(How::Refused),
        1 => (0..8u64, fault).prop_map(|(n, fault)| How::Faulty(n, fault)),
        1 => (1..20u64, any::<bool>()).prop_map(|(n, after)| How::KilledAtCall(n, after)),
        1 => (1..30u64).prop_map(How::KilledAtStep),
    ]
}

fn step() -> impl Strategy<Value = Step> {
    let who = 0..PEOPLE;
    prop_oneof![
        6 => (0..2usize, who.clone(), proptest::bool::weighted(0.75)).prop_map(|(g, i, v)| Step::Member(g, i, v)),
        2 => (who.clone(), any::<bool>()).prop_map(|(i, v)| Step::Disabled(i, v)),
        1 => who.clone().prop_map(Step::Gone),
        1 => who.clone().prop_map(Step::Back),
        2 => (who, proptest::option::of(0..12u8)).prop_map(|(i, v)| Step::Office(i, v)),
        1 => (any::<bool>(), any::<bool>()).prop_map(|(a, b)| Step::Rules(a, b)),
        3 => (0..6u64).prop_map(Step::Seats),
        2 => (1..3u8).prop_map(Step::Days),
        8 => how().prop_map(Step::Pass),
    ]
}

fn person(i: usize) -> String {
    format!("p{i}")
}

/// Where somebody stands, the naive way.
type Rank = (bool, usize, (bool, i64), i64, SourceId);

struct Play {
    org: Org,
    drawer: BTreeMap<String, Entry>,
    /// The queue as it should be: since when, and how often refused in a row.
    queue: BTreeMap<String, (i64, u32)>,
    /// Something went wrong, and was not settled yet.
    dirty: bool,
    rules: (bool, bool),
}

impl Play {
    fn new(follows: bool) -> Self {
        let mut org = Org { follows, ..Org::new() };
        org.limits = unlimited();
        org.cloud.state().license("Messages", "message.messaging", Some(2));
        org.cloud.state().batch = 2;
        for i in 0..2 {
            org.directory().group(&format!("g{i}"), |_| {});
        }
        for i in 0..PEOPLE {
            org.directory().person(&person(i), |_| {});
        }
        let mut play = Self {
            org,
            drawer: BTreeMap::new(),
            queue: BTreeMap::new(),
            dirty: false,
            rules: (false, false),
        };
        play.rules(false, false);
        play
    }

    fn rules(&mut self, swapped: bool, descending: bool) {
        self.rules = (swapped, descending);
        let rule = |g: usize| EntitlementSpec {
            groups: vec![format!("g{g}")],
            licenses: vec!["Messages".into()],
            ..EntitlementSpec::default()
        };
        self.org.spec.entitlements = if swapped { vec![rule(1), rule(0)] } else { vec![rule(0), rule(1)] };
        self.org.spec.seats = SeatsSpec { order_by: Some("l".into()), descending };
    }

    fn step(&mut self, step: &Step) {
        let directory = self.org.directory().clone();
        let entry = |i: &usize, change: &dyn Fn(&mut Entry)| {
            directory.edit(&person(*i), change);
        };
        match step {
            Step::Member(g, i, is) => directory.group(&format!("g{g}"), |group| {
                let _ =
                    if *is { group.members.insert(person(*i)) } else { group.members.remove(&person(*i)) };
            }),
            Step::Disabled(i, disabled) => entry(i, &|entry| entry.disabled = *disabled),
            Step::Gone(i) => {
                let entry = directory.state().remove(&person(*i));
                self.drawer.extend(entry.map(|entry| (person(*i), entry)));
            }
            Step::Back(i) => {
                let entry = self.drawer.remove(&person(*i));
                directory.state().people.extend(entry.map(|entry| (person(*i), entry)));
            }
            Step::Office(i, office) => entry(i, &|entry| {
                let values = office.iter().map(u8::to_string).collect();
                entry.attributes.insert("l".into(), values);
            }),
            Step::Rules(swapped, descending) => self.rules(*swapped, *descending),
            Step::Seats(seats) => {
                self.org.cloud.state().license("Messages", "message.messaging", Some(*seats));
            }
            Step::Days(days) => self.org.elapsed += i64::from(*days) * DAY,
            Step::Pass(how) => self.pass(how),
        }
    }

    fn pass(&mut self, how: &How) {
        match how {
            How::Touched => self.clean(Observe::Touched),
            How::All => self.clean(Observe::All),
            How::Poll => self.poll(),
            How::Refused(n) => {
                let fault = Fault::Error(CloudErrorKind::Rejected);
                self.trouble(|org| {
                    org.cloud.state().faults = vec![(Aim::Kind(Kind::LicenseAdd), *n, fault)];
                    drop(org.sync());
                });
            }
            How::Faulty(n, fault) => self.trouble(|org| {
                org.cloud.state().faults = vec![(Aim::Write, *n, *fault)];
                drop(org.sync());
            }),
            How::KilledAtCall(n, after) => self.trouble(|org| {
                org.killed_at_call(*n, *after);
            }),
            How::KilledAtStep(n) => self.trouble(|org| {
                org.killed_at_step(*n);
            }),
        }
    }

    /// Who should have a seat, and where each stands.
    fn wants(&self) -> BTreeMap<String, Rank> {
        let directory = self.org.directory().state();
        let member = |g: usize, name: &str| directory.groups[&format!("g{g}")].members.contains(name);
        let (swapped, descending) = self.rules;
        let mut wants = BTreeMap::new();
        for (name, entry) in directory.people.iter().filter(|(_, entry)| !entry.disabled) {
            let Some(group) = (if swapped { [1, 0] } else { [0, 1] }).iter().position(|g| member(*g, name))
            else {
                continue;
            };
            let office = entry.attributes.get("l").and_then(|values| values.first());
            let office = office.map(|office| office.parse::<i64>().unwrap());
            let office = office.map_or((true, 0), |n| (false, if descending { -n } else { n }));
            let (since, refused) = self.queue.get(name).copied().unwrap_or((i64::MAX, 0));
            wants.insert(name.clone(), (refused >= 3, group, office, since, entry.anchor));
        }
        wants
    }

    /// Who holds a seat, by name.
    fn holders(&self) -> BTreeSet<String> {
        let cloud = self.org.cloud.state();
        let directory = self.org.directory().state();
        let holds = |entry: &Entry| {
            let accounts = cloud.by_anchor(&entry.anchor.to_string());
            accounts.iter().any(|kept| kept.licenses.contains_key(&LicenseId::new(LICENSE)))
        };
        let everybody = directory.people.iter().chain(&self.drawer);
        everybody.filter(|(_, entry)| holds(entry)).map(|(name, _)| name.clone()).collect()
    }

    fn seats(&self) -> usize {
        self.org.cloud.state().licenses[0].total.unwrap() as usize
    }

    /// The queue as the store has it.
    fn stored(&self) -> Vec<(String, i64, u32)> {
        let name = |email: &str| email.split('@').next().unwrap().to_owned();
        let waiting = self.org.store.reader().waiting().unwrap();
        waiting.iter().map(|one| (name(one.email.as_str()), one.rank.since, one.refused)).collect()
    }

    /// A pass in which nothing goes wrong.
    fn clean(&mut self, observe: Observe) {
        if self.dirty {
            // What was left open is settled first; what that comes to, the others say.
            runtime().block_on(self.org.pass(Observe::All)).expect("nothing is wrong any more");
            runtime().block_on(self.org.pass(Observe::All)).expect("nothing is wrong any more");
            self.learn();
            self.dirty = false;
        }
        let mut wants = self.wants();
        let keep: BTreeSet<String> =
            self.holders().into_iter().filter(|name| wants.contains_key(name)).collect();
        wants.retain(|name, _| !keep.contains(name));
        let mut asking: Vec<(Rank, String)> = wants.into_iter().map(|(name, rank)| (rank, name)).collect();
        asking.sort();
        let free = self.seats().saturating_sub(keep.len()).min(asking.len());
        let mut expected = keep;
        expected.extend(asking[..free].iter().map(|(_, name)| name.clone()));
        let waits: Vec<String> = asking[free..].iter().map(|(_, name)| name.clone()).collect();

        let passed = runtime().block_on(self.org.pass(observe)).expect("nothing is wrong");
        self.nobody_is_left_out(&passed);
        assert_eq!(self.holders(), expected, "who holds a seat");
        self.remember(&waits);
    }

    /// Seats that were not there were not asked for, and what was said beforehand came true.
    fn nobody_is_left_out(&self, passed: &Passed) {
        let left_out =
            passed.acted.waiting.iter().filter(|one| one.reason == Unserved::RefusedByCloud).count();
        assert_eq!((left_out, &passed.acted.failed), (0, &vec![]));
        let supply = &passed.look.supply[0];
        assert_eq!(supply.short(), passed.acted.waiting.len() as u64 + supply.absent, "as it was announced");
    }

    /// The queue is as it should be, in order; those who are new in it wait since now.
    fn remember(&mut self, waits: &[String]) {
        let stored = self.stored();
        let names: Vec<&String> = stored.iter().map(|(name, ..)| name).collect();
        assert_eq!(names, waits.iter().collect::<Vec<_>>(), "the order of the queue");
        for (name, since, refused) in &stored {
            match self.queue.get(name) {
                Some((before, times)) => {
                    assert_eq!((since, refused), (before, times), "{name} keeps the place")
                }
                None => assert!((self.org.now() - since).abs() < DAY / 2, "{name} waits since today"),
            }
        }
        self.queue = stored.into_iter().map(|(name, since, refused)| (name, (since, refused))).collect();
    }

    /// A pass over what changed in passing: nobody is overtaken.
    fn poll(&mut self) {
        let before = self.holders();
        let wants = self.wants();
        if !self.org.follows
            || self.org.poll().expect("nothing is wrong").is_none_or(|passed| passed.is_err())
        {
            return;
        }
        let after = self.holders();
        let queued = self.queue.keys().filter(|name| wants.contains_key(*name) && !after.contains(*name));
        let last = after.difference(&before).filter_map(|name| wants.get(name)).max();
        let first = queued.filter_map(|name| wants.get(name)).min();
        if let (Some(last), Some(first)) = (last, first)
            && !self.dirty
        {
            assert!(last < first, "{last:?} came before {first:?}, who waits");
        }
        self.keeps_places();
        self.learn();
    }

    /// A pass in which something goes wrong.
    fn trouble(&mut self, pass: impl FnOnce(&Org)) {
        let before = self.holders();
        pass(&self.org);
        self.org.cloud.state().faults.clear();
        self.dirty = true;
        assert!(self.holders().len() <= self.seats().max(before.len()), "more than there are");
        self.keeps_places();
    }

    /// Whoever waited and still has no seat waits since then.
    fn keeps_places(&self) {
        let holders = self.holders();
        let wants = self.wants();
        let stored: BTreeMap<String, i64> =
            self.stored().into_iter().map(|(name, since, _)| (name, since)).collect();
        for (name, (since, _)) in &self.queue {
            if wants.contains_key(name) && !holders.contains(name) {
                assert_eq!(stored.get(name), Some(since), "{name} keeps the place");
            }
        }
    }

    fn learn(&mut self) {
        self.queue =
            self.stored().into_iter().map(|(name, since, refused)| (name, (since, refused))).collect();
    }
}

fn all_of_it(follows: bool, steps: &[Step]) {
    let mut play = Play::new(follows);
    steps.iter().for_each(|step| play.step(step));
    for observe in [Observe::Touched, Observe::All, Observe::Touched] {
        play.clean(observe);
    }
    assert_eq!(play.org.cloud.state().violations, Vec::<String>::new());
}

proptest! {
    #![proptest_config(cases(150))]

    /// Joins, leaves, rule changes, seats bought and returned, faults and kills.
    #[test]
    fn seats_are_shared_out_in_order(steps in proptest::collection::vec(step(), 4..24)) {
        all_of_it(false, &steps);
    }

    #[test]
    fn in_long_days_too(steps in proptest::collection::vec(step(), 16..32)) {
        all_of_it(false, &steps);
    }

    #[test]
    fn following_changes_shares_out_the_same(steps in proptest::collection::vec(step(), 4..24)) {
        all_of_it(true, &steps);
    }

    #[test]
    fn following_changes_in_long_days_too(steps in proptest::collection::vec(step(), 16..32)) {
        all_of_it(true, &steps);
    }
}
