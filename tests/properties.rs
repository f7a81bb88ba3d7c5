//! What must hold whatever happens: the cloud converges to what the directory and the rules
//! say, whoever was killed, lost or refused on the way, and nothing is touched that is not ours.
//!
//! The oracle here knows nothing of plans: it reads the directory of the test and says what
//! each account should look like in the end.

#![allow(clippy::unwrap_used)]

mod support;

use std::collections::{BTreeMap, BTreeSet};

use dirsyncd::cloud::CloudErrorKind;
use dirsyncd::guard::Limit;
use dirsyncd::model::{Action, Field, LicenseId, RoleId};
use dirsyncd::pass::Observe;
use dirsyncd::rules::{EntitlementSpec, RoleSpec};
use dirsyncd::store::Decision;
use proptest::prelude::*;
use support::fake_cloud::{Aim, Fault, Giver, Kept};
use support::fake_source::{Answers, Entry};
use support::org::{Org, runtime, unlimited};
use support::random::cases;

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
        any::<bool>().prop_map(Fault::Doubt),
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
        self.org.directory().edit(&person(i), change);
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
                let entry = self.org.directory().state().remove(&person(*i));
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
            How::Touched => drop(self.org.sync().expect("nothing is wrong")),
            How::All => {
                self.org.sync_all().expect("nothing is wrong");
                self.dirty = false;
            }
            How::KilledAtCall(n, after) => {
                self.interrupted();
                self.org.killed_at_call(*n, *after);
            }
            How::KilledAtStep(n) => {
                self.interrupted();
                self.org.killed_at_step(*n);
            }
            How::Faulty(n, fault) => {
                self.interrupted();
                self.org.cloud.state().faults = vec![(Aim::Write, *n, *fault)];
                drop(self.org.sync());
                self.org.cloud.state().faults.clear();
            }
            How::Half(n) => self.partial(Answers::Only(*n)),
            How::GroupsCut => self.partial(Answers::GroupsCut),
        }
    }

    /// A pass may end anywhere from here on: whether it, too, forbade log-in to a leaver whom an
    /// administrator had blocked, nobody can tell.
    fn interrupted(&mut self) {
        self.dirty = true;
        let directory = self.org.directory().state();
        let mut cloud = self.org.cloud.state();
        for kept in cloud.accounts.values_mut().filter(|kept| kept.blocked_by_hand) {
            let stays = directory.people.values().any(|entry| {
                kept.account.external_id.as_deref() == Some(entry.anchor.to_string().as_str())
                    && !entry.disabled
                    && entry.ou != "outside"
            });
            kept.murky_block |= !stays;
        }
    }

    /// Nothing is removed over what was not read, even though it is gone.
    fn partial(&mut self, answers: Answers) {
        self.org.directory().state().answers = answers;
        let before = self.org.cloud.state().removals.clone();
        let passed = self.org.sync();
        // Whoever only follows changes may not have asked for what is cut short.
        let unharmed = self.org.follows && passed.is_ok_and(|passed| passed.look.reading.partial.is_empty());
        assert!(unharmed || self.org.cloud.state().removals == before, "removed after a partial read");
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
            if !account.murky_block {
                assert_eq!(account.account.active, !account.blocked_by_hand, "{name} is active");
            }
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

proptest! {
    #![proptest_config(cases(200))]

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

proptest! {
    #![proptest_config(cases(200))]

    /// Passes that only follow what changed leave nothing for a pass over everything to do.
    #[test]
    fn following_changes_comes_to_the_same(steps in proptest::collection::vec(step(), 1..40)) {
        let mut play = Play::new(Org { follows: true, keep_records: true, ..org(None) });
        // What is done by hand in the cloud is not the business of these passes.
        for step in steps.iter().filter(|step| !matches!(step, Step::Hand(..))) {
            play.step(step);
        }
        for _ in 0..3 {
            play.org.sync().expect("nothing is wrong any more");
        }
        play.check();
        let all = play.org.sync_all().expect("nothing is wrong any more");
        assert_eq!((all.writes, &all.done), (0, &vec![]), "left for a pass over everything");
    }
}

/// A day on which much happens at once: somebody comes, leaves, returns, moves, is renamed,
/// hands an address over, and changes groups.
fn busy_day() -> Play {
    busy_day_of(org(None))
}

fn busy_day_of(org: Org) -> Play {
    let mut play = Play::new(org);
    let before = [
        Step::Gone(5),
        Step::Disabled(4, true),
        Step::Member(0, 0, true),
        Step::Member(2, 0, true),
        Step::Member(1, 1, true),
        Step::Member(0, 3, true),
        Step::Title(1, Some(1)),
        Step::Pass(How::All),
    ];
    before.iter().for_each(|step| play.step(step));
    let today = [
        Step::Back(5),
        Step::Member(0, 5, true),
        Step::Disabled(4, false),
        Step::Gone(3),
        Step::Title(1, Some(2)),
        Step::Member(1, 1, false),
        Step::Member(2, 0, false),
        Step::Member(2, 2, true),
        Step::Rename(2, 1),
        Step::Ou(2, 1),
    ];
    today.iter().for_each(|step| play.step(step));
    // One hands the address over, two others swap.
    play.entry(0, |entry| drop(entry.attributes.insert("mail".into(), vec!["p0-9@example.com".into()])));
    play.entry(1, |entry| drop(entry.attributes.insert("mail".into(), vec!["p0-0@example.com".into()])));
    play
}

/// Killed before or after every single call to the cloud, and wherever it waits for anything:
/// the next passes repair it.
#[test]
fn killed_anywhere() {
    for after in [false, true] {
        for call in 1.. {
            let mut play = busy_day();
            let killed = play.org.killed_at_call(call, after);
            play.settle();
            play.check();
            if !killed {
                assert!(call > 12, "the day has many calls");
                break;
            }
        }
    }
    // How often a pass waits depends on what else the machine does.
    let mut killed = 0;
    for step in 0..60 {
        let mut play = busy_day();
        killed += u32::from(play.org.killed_at_step(step));
        play.settle();
        play.check();
    }
    assert!(killed > 0, "the day has steps");
}

/// Every kind of trouble at every write.
#[test]
fn trouble_anywhere() {
    let kinds = [
        Fault::LostAfter,
        Fault::LostBefore,
        Fault::Error(CloudErrorKind::Unreachable),
        Fault::Error(CloudErrorKind::Refused),
        Fault::Error(CloudErrorKind::Conflict),
        Fault::Error(CloudErrorKind::NotFound),
        Fault::Error(CloudErrorKind::Rejected),
        Fault::Error(CloudErrorKind::Unintelligible),
    ];
    for fault in kinds {
        for call in 0.. {
            let mut play = busy_day();
            play.org.cloud.state().faults = vec![(Aim::Any, call, fault)];
            drop(play.org.sync());
            let spent = std::mem::take(&mut play.org.cloud.state().faults).is_empty();
            play.settle();
            play.check();
            if !spent {
                break;
            }
        }
    }
}

/// The state survives on disk what it survives in memory.
#[test]
fn killed_on_disk() {
    use dirsyncd::store::{Lock, Store};
    for call in [5, 7, 9, 11, 13] {
        let dir = tempfile::tempdir().unwrap();
        let lock = Lock::acquire(dir.path()).unwrap();
        let mut org = org(None);
        org.store = Store::open(dir.path(), &lock).unwrap();
        let mut play = busy_day_of(org);
        play.org.killed_at_call(call, true);
        std::mem::replace(&mut play.org.store, Store::in_memory()).close();
        play.org.store = Store::open(dir.path(), &lock).unwrap();
        play.settle();
        play.check();
    }
}

/// What the directory says does not depend on the order in which it says it.
fn plan_of(steps: &[Step], shuffle: u64) -> Vec<String> {
    let mut play = Play::new(org(Some(2)));
    {
        let directory = play.org.directory().clone();
        directory.state().shuffle = shuffle;
        directory.state().portion = 1 + (shuffle % 4) as usize;
    }
    for step in steps {
        if !matches!(step, Step::Pass(_)) {
            play.step(step);
        }
    }
    let looked = play.org.plan().unwrap();
    let line = |action: &Action| format!("{} {} {:?}", action.kind, action.anchor, action.changes);
    let mut lines: Vec<String> = looked.actions().iter().map(line).collect();
    lines.extend(looked.parts.iter().flat_map(|part| &part.withheld).map(|one| format!("{one:?}")));
    let mut withheld: Vec<String> =
        looked.look.reading.withheld.iter().map(|one| format!("{one:?}")).collect();
    withheld.sort();
    lines.extend(withheld);
    lines
}

/// Mail addresses that several may want: person, and address; 5 leaves and 6 comes back.
fn claims() -> impl Strategy<Value = Vec<Vec<(usize, u8)>>> {
    let day = proptest::collection::vec((0..PEOPLE, 0..7u8), 1..6);
    proptest::collection::vec(day, 1..5)
}

proptest! {
    #![proptest_config(cases(60))]

    #[test]
    fn order_does_not_matter(
        steps in proptest::collection::vec(step(), 1..25),
        shuffle in 1..u64::MAX,
    ) {
        prop_assert_eq!(plan_of(&steps, 0), plan_of(&steps, shuffle));
    }

    /// Whoever wants an address that nobody else has or wants gets it; nobody loses one to
    /// another; and the outcome is the same in every order.
    #[test]
    fn addresses_have_one_owner(days in claims(), shuffle in 1..u64::MAX) {
        let outcomes = [0, shuffle].map(|shuffle| {
            let mut play = Play::new(org(None));
            play.org.directory().state().shuffle = shuffle;
            for day in &days {
                for (who, address) in day {
                    let mail = format!("shared{address}@example.com");
                    match address {
                        5 => play.step(&Step::Gone(*who)),
                        6 => play.step(&Step::Back(*who)),
                        _ => play.entry(*who, |entry| drop(entry.attributes.insert("mail".into(), vec![mail]))),
                    }
                }
                play.org.sync().unwrap();
            }
            play.settle();
            let directory = play.org.directory().state();
            let cloud = play.org.cloud.state();
            assert_eq!(cloud.violations, Vec::<String>::new());
            let wants: BTreeMap<&String, String> = directory
                .people
                .iter()
                .map(|(name, entry)| (name, entry.attributes["mail"][0].clone()))
                .collect();
            let has: BTreeMap<&String, Option<String>> = directory
                .people
                .iter()
                .chain(&play.drawer)
                .map(|(name, entry)| {
                    let accounts = cloud.by_anchor(&entry.anchor.to_string());
                    assert!(accounts.len() <= 1, "{name} exists twice");
                    let email = accounts.first().and_then(|kept| kept.account.email.as_ref());
                    (name, email.map(|email| email.as_str().to_owned()))
                })
                .collect();
            for (name, wanted) in &wants {
                if has[name].as_ref() == Some(wanted) {
                    continue;
                }
                let claimed = wants.iter().any(|(other, mail)| other != name && mail == wanted);
                let held = has.iter().any(|(other, mail)| other != name && mail.as_ref() == Some(wanted));
                assert!(claimed || held, "{name} should have {wanted} and has {:?}", has[name]);
            }
            format!("{has:?}")
        });
        prop_assert_eq!(&outcomes[0], &outcomes[1]);
    }

    /// No seat stays empty while somebody waits, and whoever left makes room.
    #[test]
    fn seats_are_used(
        seats in 0..4u64,
        days in proptest::collection::vec(
            proptest::collection::vec((0..PEOPLE, 0..3u8, any::<bool>()), 1..5), 1..5),
    ) {
        let mut play = Play::new(org(Some(seats)));
        for day in &days {
            for (who, what, value) in day {
                play.step(&match what {
                    0 => Step::Member(0, *who, *value),
                    1 => Step::Disabled(*who, *value),
                    _ => Step::Title(*who, Some(u8::from(*value))),
                });
            }
            play.org.sync().unwrap();
        }
        play.settle();
        let directory = play.org.directory().state();
        let cloud = play.org.cloud.state();
        let wanted = directory
            .people
            .iter()
            .filter(|(name, entry)| !entry.disabled && directory.groups["g0"].members.contains(*name))
            .count() as u64;
        let held = cloud
            .accounts
            .values()
            .filter(|kept| kept.licenses.contains_key(&LicenseId::new(MESSAGES)))
            .count() as u64;
        prop_assert_eq!(held, wanted.min(seats));
        prop_assert_eq!(play.org.store.reader().waiting().unwrap().len() as u64, wanted.saturating_sub(seats));
    }

    /// Up to the limit people leave; above it nobody does, until exactly they are approved.
    #[test]
    fn the_guard_holds(count in 2..40usize, leaving in 0..40usize, limit in 0..12u64, shrunk in any::<bool>()) {
        let mut org = org(None);
        let leaving = leaving.min(count);
        org.limits.deactivate = Limit { count: limit, percent: 100, floor: 0 };
        org.limits.min_census_percent = if shrunk { 80 } else { 0 };
        for i in 0..count {
            org.directory().person(&format!("w{i}"), |_| {});
        }
        org.sync().unwrap();
        for i in 0..leaving {
            org.directory().state().remove(&format!("w{i}"));
        }
        let short = shrunk && (count - leaving + PEOPLE) * 100 < (count + PEOPLE) * 80;
        let trips = leaving as u64 > limit || short && leaving > 0;
        // Held as long as nobody decides, whatever kind of pass it is, and while half is unread.
        for observe in [Observe::Touched, Observe::All, Observe::Touched] {
            let passed = runtime().block_on(org.pass(observe)).unwrap();
            prop_assert_eq!(passed.acted.held.len(), if trips { leaving } else { 0 });
            org.directory().state().answers = Answers::Only(1);
            org.sync().unwrap();
            org.directory().state().answers = Answers::Whole;
        }
        let gone = |org: &Org| {
            org.cloud.state().removals.iter().filter(|line| line.starts_with("deactivate")).count()
        };
        prop_assert_eq!(gone(&org), if trips { 0 } else { leaving });
        if trips {
            let plan = org.sync().unwrap().acted.held_plan.expect("it waits");
            prop_assert!(runtime().block_on(org.store.decide_held(&plan, Decision::Approved, 0)).unwrap());
            // One more leaves meanwhile, whom nobody approved.
            org.directory().state().remove("p0");
            let passed = org.sync().unwrap();
            prop_assert_eq!(gone(&org), leaving + usize::from(passed.acted.held.is_empty()));
            prop_assert!(passed.acted.held.len() <= 1);
        }
        prop_assert_eq!(&org.cloud.state().violations, &Vec::<String>::new());
    }
}

/// Two directories: the groups of one may hold people of the other.
#[test]
fn two_directories() {
    let mut org = org(None);
    org.directories.push(support::fake_source::Directory::new("subsidiary"));
    let carla = org.directories[1].person("carla", |entry| entry.anchor);
    org.directories[1].group("far", |group| group.members.insert("carla".into()));
    org.spec.entitlements[0].groups.push("far".into());
    for pass in [org.sync_all(), org.sync()] {
        assert_eq!(pass.unwrap().look.reading.partial, Vec::<String>::new());
    }
    {
        let cloud = org.cloud.state();
        let accounts = cloud.by_anchor(&carla.to_string());
        assert!(accounts[0].licenses.contains_key(&LicenseId::new(MESSAGES)));
    }
    assert_eq!(org.sync_all().unwrap().writes, 0);
}

/// A licence that an administrator gave before we meant to is theirs, also when a pass that
/// meant to give it is killed.
#[test]
fn given_by_hand_first() {
    for after in [false, true] {
        for call in 1..9 {
            let mut play = Play::new(org(None));
            for step in [
                Step::Pass(How::Touched),
                Step::Hand(0, ByHand::Give(true)),
                Step::Member(0, 0, true),
                Step::Pass(How::KilledAtCall(call, after)),
                Step::Gone(0),
            ] {
                play.step(&step);
            }
            play.settle();
            play.check();
        }
    }
}

/// What a call whose answer was lost may have done is not forgotten, also when the directory takes
/// back what it was for before anybody asked what became of it.
#[test]
fn taken_back_before_it_was_known() {
    let days = [
        [Step::Gone(0), Step::Back(0)],
        [Step::Disabled(0, true), Step::Disabled(0, false)],
        [Step::Title(0, Some(1)), Step::Title(0, None)],
        [Step::Mail(0, Some(1)), Step::Mail(0, Some(0))],
        [Step::Member(1, 0, true), Step::Member(1, 0, false)],
        [Step::Member(0, 0, false), Step::Member(0, 0, true)],
        [Step::Member(2, 0, true), Step::Member(2, 0, false)],
        [Step::Disabled(5, false), Step::Disabled(5, true)],
    ];
    for ([there, back], call, follows) in
        days.iter().flat_map(|day| (0..3).flat_map(move |call| [false, true].map(|f| (day, call, f))))
    {
        let mut play = Play::new(Org { follows, keep_records: follows, ..org(None) });
        for step in [
            Step::Member(0, 0, true),
            Step::Pass(How::Touched),
            Step::Disabled(5, true),
            Step::Pass(How::Touched),
            there.clone(),
            Step::Pass(How::Faulty(call, Fault::LostAfter)),
            back.clone(),
        ] {
            play.step(&step);
        }
        for _ in 0..3 {
            play.org.sync().expect("nothing is wrong any more");
        }
        play.check();
        play.settle();
        play.check();
    }
}

/// Whoever could not be created is not forgotten because the next read is cut short.
#[test]
fn unfinished_before_half_a_read() {
    for call in 0..PEOPLE as u64 {
        let mut play = Play::new(Org { follows: true, ..org(None) });
        play.step(&Step::Pass(How::Faulty(call, Fault::Error(CloudErrorKind::NotFound))));
        play.step(&Step::Pass(How::Half(1)));
        play.step(&Step::Pass(How::Touched));
        play.step(&Step::Pass(How::Touched));
        play.check();
    }
}
