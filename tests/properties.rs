//! What must hold whatever happens: the cloud converges to what the directory and the rules
//! say, whoever was killed, lost or refused on the way, and nothing is touched that is not ours.
//!
//! The oracle here knows nothing of plans: it reads the directory of the test and says what
//! each account should look like in the end.

mod support;

use std::collections::{BTreeMap, BTreeSet};

use dirsyncd::cloud::CloudErrorKind;
use dirsyncd::guard::{Limit, Limits};
use dirsyncd::model::{Action, Field, LicenseId, RoleId};
use dirsyncd::pass::Observe;
use dirsyncd::rules::{EntitlementSpec, RoleSpec};
use dirsyncd::store::Decision;
use proptest::prelude::*;
use support::fake_cloud::{Aim, Fault, Giver, Kept};
use support::fake_source::{Answers, Entry, mix};
use support::org::{Org, runtime};

const PEOPLE: usize = 6;
const GROUPS: usize = 3;
const MESSAGES: &str = "lic:Messages";
const MEETINGS: &str = "lic:Meetings";
const ROLE: &str = "id_user_admin";

/// Something that happens.
#[derive(Clone, Debug)]
enum Step {
    Title(usize, Option<u8>),
    Mail(usize, Option<u8>),
    Ou(usize, u8),
    Disabled(usize, bool),
    Gone(usize),
    Back(usize),
    Rename(usize, u8),
    Member(usize, usize, bool),
    Nest(usize, usize, bool),
    Rules(bool),
    Hand(usize, ByHand),
    Pass(How),
}

/// What an administrator does in the cloud.
#[derive(Clone, Debug)]
enum ByHand {
    Title,
    Email,
    Block,
    Allow,
    Delete,
    Give(bool),
    Take(bool),
    Role,
}

/// How a pass goes.
#[derive(Clone, Debug)]
enum How {
    Touched,
    All,
    KilledAtCall(u64, bool),
    KilledAtStep(u64),
    Faulty(u64, Fault),
    Half(usize),
    GroupsCut,
}

fn how() -> impl Strategy<Value = How> {
    let fault = prop_oneof![
        Just(Fault::LostAfter),
        Just(Fault::LostBefore),
        Just(Fault::Error(CloudErrorKind::Unreachable)),
        Just(Fault::Error(CloudErrorKind::Rejected)),
        Just(Fault::Error(CloudErrorKind::Conflict)),
        Just(Fault::Error(CloudErrorKind::NotFound)),
        Just(Fault::Error(CloudErrorKind::Stopped)),
    ];
    prop_oneof![
        3 => Just(How::Touched),
        2 => Just(How::All),
        3 => (1..20u64, any::<bool>()).prop_map(|(n, after)| How::KilledAtCall(n, after)),
        2 => (1..40u64).prop_map(How::KilledAtStep),
        3 => (0..8u64, fault).prop_map(|(n, fault)| How::Faulty(n, fault)),
        1 => (0..PEOPLE).prop_map(How::Half),
        1 => Just(How::GroupsCut),
    ]
}

fn by_hand() -> impl Strategy<Value = ByHand> {
    prop_oneof![
        Just(ByHand::Title),
        Just(ByHand::Email),
        Just(ByHand::Block),
        Just(ByHand::Allow),
        Just(ByHand::Delete),
        any::<bool>().prop_map(ByHand::Give),
        any::<bool>().prop_map(ByHand::Take),
        Just(ByHand::Role),
    ]
}

fn step() -> impl Strategy<Value = Step> {
    let who = 0..PEOPLE;
    prop_oneof![
        2 => (who.clone(), proptest::option::of(0..3u8)).prop_map(|(i, v)| Step::Title(i, v)),
        2 => (who.clone(), proptest::option::weighted(0.8, 0..3u8)).prop_map(|(i, v)| Step::Mail(i, v)),
        2 => (who.clone(), 0..3u8).prop_map(|(i, v)| Step::Ou(i, v)),
        2 => (who.clone(), any::<bool>()).prop_map(|(i, v)| Step::Disabled(i, v)),
        2 => who.clone().prop_map(Step::Gone),
        2 => who.clone().prop_map(Step::Back),
        1 => (who.clone(), 0..3u8).prop_map(|(i, v)| Step::Rename(i, v)),
        5 => (0..GROUPS, who.clone(), any::<bool>()).prop_map(|(g, i, v)| Step::Member(g, i, v)),
        1 => (0..GROUPS, 0..GROUPS, any::<bool>()).prop_map(|(g, i, v)| Step::Nest(g, i, v)),
        1 => any::<bool>().prop_map(Step::Rules),
        3 => (who, by_hand()).prop_map(|(i, v)| Step::Hand(i, v)),
        8 => how().prop_map(Step::Pass),
    ]
}

fn person(i: usize) -> String {
    format!("p{i}")
}

fn group(i: usize) -> String {
    format!("g{i}")
}

fn unlimited() -> Limits {
    let limit = Limit { count: u64::MAX, percent: 100, floor: u64::MAX };
    Limits { deactivate: limit, delete: limit, license_remove: limit, blank: limit, min_census_percent: 0 }
}

/// A small organization in which everything can happen.
fn org(seats: Option<u64>) -> Org {
    let mut org = Org::new();
    org.limits = unlimited();
    org.spec.scope.exclude_bases = vec!["ou=outside,dc=example,dc=test".into()];
    org.spec.entitlements = entitlements(true);
    org.spec.roles = vec![RoleSpec { groups: vec![group(2)], role: "user".into(), ..RoleSpec::default() }];
    {
        let mut cloud = org.cloud.state();
        let messages = cloud.license("Messages", "message.messaging", seats);
        cloud.license("Meetings", "meeting.meetings", None);
        for i in 0..3 {
            let id = cloud.add(&format!("stray{i}@example.com"));
            if seats.is_none() {
                cloud.give_by_hand(&id, &messages);
            }
        }
        cloud.batch = 2;
    }
    for i in 0..GROUPS {
        org.directory().group(&group(i), |_| {});
    }
    for i in 0..PEOPLE {
        org.directory().person(&person(i), |entry| {
            entry.attributes.insert("mail".into(), vec![format!("p{i}-0@example.com")]);
        });
    }
    org
}

fn entitlements(more: bool) -> Vec<EntitlementSpec> {
    let mut all = vec![EntitlementSpec {
        groups: vec![group(0)],
        licenses: vec!["Messages".into()],
        ..EntitlementSpec::default()
    }];
    if more {
        all.push(EntitlementSpec {
            groups: vec![group(1)],
            licenses: vec!["Meetings".into()],
            ..EntitlementSpec::default()
        });
    }
    all
}

/// Plays steps; keeps what the directory dropped, so that it can come back.
struct Play {
    org: Org,
    drawer: BTreeMap<String, Entry>,
    /// Something may have happened of which the program has not heard yet.
    dirty: bool,
}

impl Play {
    fn new(org: Org) -> Self {
        Self { org, drawer: BTreeMap::new(), dirty: false }
    }

    fn entry(&self, i: usize, change: impl FnOnce(&mut Entry)) {
        if let Some(entry) = self.org.directory().state().people.get_mut(&person(i)) {
            change(entry);
        }
    }

    fn step(&mut self, step: &Step) {
        match step {
            Step::Title(i, value) => self.entry(*i, |entry| match value {
                Some(n) => drop(entry.attributes.insert("title".into(), vec![format!("title {n}")])),
                None => drop(entry.attributes.remove("title")),
            }),
            Step::Mail(i, value) => self.entry(*i, |entry| match value {
                Some(n) => {
                    drop(entry.attributes.insert("mail".into(), vec![format!("p{i}-{n}@example.com")]))
                }
                None => drop(entry.attributes.remove("mail")),
            }),
            Step::Ou(i, ou) => self.entry(*i, |entry| {
                entry.ou = ["people", "staff", "outside"][usize::from(*ou)].into();
            }),
            Step::Disabled(i, disabled) => self.entry(*i, |entry| entry.disabled = *disabled),
            Step::Rename(i, n) => self.entry(*i, |entry| entry.cn = format!("{} {n}", person(*i))),
            Step::Gone(i) => {
                let entry = self.org.directory().state().people.remove(&person(*i));
                self.drawer.extend(entry.map(|entry| (person(*i), entry)));
            }
            Step::Back(i) => {
                let entry = self.drawer.remove(&person(*i));
                self.org.directory().state().people.extend(entry.map(|entry| (person(*i), entry)));
            }
            Step::Member(g, i, is) => self.org.directory().group(&group(*g), |group| {
                let _ =
                    if *is { group.members.insert(person(*i)) } else { group.members.remove(&person(*i)) };
            }),
            Step::Nest(g, i, is) => self.org.directory().group(&group(*g), |one| {
                let _ = if *is { one.members.insert(group(*i)) } else { one.members.remove(&group(*i)) };
            }),
            Step::Rules(more) => self.org.spec.entitlements = entitlements(*more),
            Step::Hand(i, what) => self.by_hand(*i, what),
            Step::Pass(how) => self.pass(how),
        }
    }

    fn by_hand(&mut self, i: usize, what: &ByHand) {
        if self.dirty {
            return;
        }
        let directory = self.org.directory().state();
        let Some(anchor) = directory
            .people
            .get(&person(i))
            .or_else(|| self.drawer.get(&person(i)))
            .map(|entry| entry.anchor.to_string())
        else {
            return;
        };
        let mut cloud = self.org.cloud.state();
        let Some(id) = cloud.by_anchor(&anchor).first().map(|kept| kept.account.id.clone()) else { return };
        let license = |first: bool| LicenseId::new(if first { MESSAGES } else { MEETINGS });
        if let ByHand::Give(first) = what {
            let full = cloud.licenses.iter().any(|l| l.id == license(*first) && l.total.is_some());
            if !full {
                cloud.give_by_hand(&id, &license(*first));
            }
            return;
        }
        if let ByHand::Delete = what {
            cloud.accounts.remove(&id);
            return;
        }
        let Some(kept) = cloud.accounts.get_mut(&id) else { return };
        match what {
            ByHand::Title => drop(kept.account.profile.insert(Field::Title, "by hand".into())),
            ByHand::Email => kept.account.email = format!("hand{i}@example.com").parse().ok(),
            ByHand::Block if kept.account.active => {
                kept.account.active = false;
                kept.blocked_by_hand = true;
            }
            ByHand::Allow if kept.blocked_by_hand => {
                kept.account.active = true;
                kept.blocked_by_hand = false;
            }
            ByHand::Take(first) => drop(kept.licenses.remove(&license(*first))),
            ByHand::Role => {
                // Whoever an administrator makes one of theirs is protected from then on.
                kept.account.roles.insert(RoleId::new("id_support_admin"));
                kept.roles.entry(RoleId::new("id_support_admin")).or_insert(Giver::Hand);
            }
            _ => {}
        }
    }

    fn pass(&mut self, how: &How) {
        match how {
            How::Touched => drop(self.org.sync()),
            How::All => {
                self.dirty = self.org.sync_all().is_err();
            }
            How::KilledAtCall(n, after) => {
                self.dirty = true;
                self.org.killed_at_call(*n, *after);
            }
            How::KilledAtStep(n) => {
                self.dirty = true;
                self.org.killed_at_step(*n);
            }
            How::Faulty(n, fault) => {
                self.dirty = true;
                self.org.cloud.state().faults = vec![(Aim::Write, *n, *fault)];
                drop(self.org.sync());
                self.org.cloud.state().faults.clear();
            }
            How::Half(n) => self.partial(Answers::Only(*n)),
            How::GroupsCut => self.partial(Answers::GroupsCut),
        }
    }

    /// Nothing is removed over what was not read, even though it is gone.
    fn partial(&mut self, answers: Answers) {
        self.org.directory().state().answers = answers;
        let before = self.org.cloud.state().removals.clone();
        drop(self.org.sync());
        assert_eq!(self.org.cloud.state().removals, before, "removed after a partial read");
        self.org.directory().state().answers = Answers::Whole;
    }

    /// Quiet days: the cloud holds what should be, and nothing more is written.
    fn settle(&mut self) {
        self.org.sync_all().expect("nothing is wrong any more");
        self.org.sync_all().expect("nothing is wrong any more");
        for observe in [Observe::Touched, Observe::All, Observe::Touched] {
            let quiet = runtime().block_on(self.org.pass(observe)).expect("nothing is wrong any more");
            assert_eq!(
                (quiet.writes, &quiet.acted.failed, &quiet.done),
                (0, &vec![], &vec![]),
                "a quiet pass writes ({observe:?})"
            );
        }
    }

    fn check(&self) {
        let directory = self.org.directory().state();
        let cloud = self.org.cloud.state();
        assert_eq!(cloud.violations, Vec::<String>::new());
        let more = self.org.spec.entitlements.len() > 1;
        for (name, entry) in directory.people.iter().chain(&self.drawer) {
            let here = directory.people.contains_key(name);
            let accounts = cloud.by_anchor(&entry.anchor.to_string());
            assert!(accounts.len() <= 1, "{name} exists {} times", accounts.len());
            let account = accounts.first().copied();
            if !here || entry.disabled || entry.ou == "outside" {
                account.into_iter().for_each(|account| check_leaver(name, account));
                continue;
            }
            let Some(mail) = entry.attributes.get("mail") else { continue };
            let account = account.unwrap_or_else(|| panic!("{name} has no account"));
            assert_eq!(account.account.email, mail[0].parse().ok(), "{name}");
            assert_eq!(account.account.active, !account.blocked_by_hand, "{name} is active");
            let title = entry.attributes.get("title").map(|title| title[0].clone());
            assert_eq!(account.account.profile.get(&Field::Title), title.as_ref(), "{name}");
            let in_group = |g: usize| is_member(&directory.groups, &group(g), name, &mut BTreeSet::new());
            let protected = account.roles.contains_key(&RoleId::new("id_support_admin"));
            for (license, wanted) in [(MESSAGES, in_group(0)), (MEETINGS, more && in_group(1))] {
                check_held(name, license, wanted, protected, account.licenses.get(&LicenseId::new(license)));
            }
            check_held(name, ROLE, in_group(2), protected, account.roles.get(&RoleId::new(ROLE)));
        }
        for i in 0..3 {
            let stray = cloud
                .accounts
                .values()
                .find(|kept| kept.account.email == format!("stray{i}@example.com").parse().ok());
            let stray = stray.expect("strays stay");
            assert!(stray.account.active && stray.account.external_id.is_none() && !stray.ours);
        }
    }
}

fn check_leaver(name: &str, account: &Kept) {
    if account.roles.contains_key(&RoleId::new("id_support_admin")) {
        return;
    }
    assert!(!account.account.active, "{name} left and is active");
    let ours = account.licenses.values().chain(account.roles.values()).any(|giver| *giver == Giver::Us);
    assert!(!ours, "{name} left and keeps {:?} {:?}", account.licenses, account.roles);
}

fn check_held(name: &str, what: &str, wanted: bool, protected: bool, giver: Option<&Giver>) {
    match (wanted, giver) {
        (true, None) => panic!("{name} lacks {what}"),
        (false, Some(Giver::Us)) if !protected => panic!("{name} keeps {what}"),
        _ => {}
    }
}

fn is_member(
    groups: &BTreeMap<String, support::fake_source::Group>,
    group: &str,
    name: &str,
    seen: &mut BTreeSet<String>,
) -> bool {
    seen.insert(group.to_owned())
        && groups.get(group).is_some_and(|one| {
            one.members.contains(name) || one.members.iter().any(|m| is_member(groups, m, name, seen))
        })
}

fn config(cases: u32) -> ProptestConfig {
    ProptestConfig { cases, failure_persistence: None, ..ProptestConfig::default() }
}

proptest! {
    #![proptest_config(config(150))]

    /// Whatever the directory does, and however passes end, the cloud comes to hold what the
    /// oracle says, and then nothing more is written.
    #[test]
    fn everything_converges(steps in proptest::collection::vec(step(), 1..40)) {
        let mut play = Play::new(org(None));
        for step in &steps {
            play.step(step);
        }
        play.settle();
        play.check();
    }
}
