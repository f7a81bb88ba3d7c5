//! People who move between domains, where they get another anchor: whoever is killed, lost or
//! unread on the way, nobody has two accounts, and nobody who is there is taken away.

#![allow(clippy::unwrap_used)]

mod support;

use std::collections::BTreeSet;

use dirsyncd::guard::Limit;
use dirsyncd::model::{Action, Cause, Field, Kind, LicenseId, SourceId};
use dirsyncd::pass::Observe;
use dirsyncd::rules::EntitlementSpec;
use proptest::prelude::*;
use support::fake_cloud::{Aim, Fault, Kept};
use support::fake_source::{Answers, Directory};
use support::org::{Org, Passed, runtime, unlimited};
use support::random::cases;

const DOMAINS: [&str; 3] = ["hq", "berlin", "paris"];
const PEOPLE: usize = 4;

/// Three domains in which the employee number says who is who.
fn org() -> Org {
    let mut org = Org::new();
    org.limits = unlimited();
    org.spec.join = Some("employeeNumber".into());
    org.directories = DOMAINS.map(Directory::domain).into();
    org.cloud.state().license("Messages", "message.messaging", None);
    org.cloud.state().license("Meetings", "meeting.meetings", None);
    // Here and there other licences are given.
    for (domain, license) in [("hq", "Messages"), ("berlin", "Meetings")] {
        org.spec.entitlements.push(EntitlementSpec {
            name: license.into(),
            when: Some(format!("under('dc={domain},dc=test')")),
            licenses: vec![license.into()],
            ..EntitlementSpec::default()
        });
    }
    org
}

fn name(who: usize) -> String {
    format!("p{who}")
}

/// Somebody begins in a domain.
fn comes(org: &Org, who: usize, domain: usize) {
    let mut state = org.directories[domain].state();
    // Whoever was there before has the entry of before.
    if let Some(entry) = state.dropped.remove(&name(who)) {
        state.people.insert(name(who), entry);
        return;
    }
    drop(state);
    org.directories[domain].person(&name(who), |entry| {
        // As different systems write it.
        let number = if domain == 1 { format!(" e-{who} ") } else { format!("E-{who}") };
        entry.attributes.insert("employeeNumber".into(), vec![number]);
        entry.attributes.insert("mail".into(), vec![format!("p{who}@{}.example.com", DOMAINS[domain])]);
    });
}

fn goes(org: &Org, who: usize, domain: usize) {
    let mut state = org.directories[domain].state();
    let entry = state.remove(&name(who));
    state.dropped.extend(entry.map(|entry| (name(who), entry)));
}

fn moves(org: &Org, who: usize, from: usize, to: usize) {
    goes(org, who, from);
    comes(org, who, to);
}

/// Where somebody is, and not disabled, with the anchor there; of the domains that answer, or all.
fn places(org: &Org, who: usize, answering: bool) -> Vec<(usize, SourceId)> {
    let mut places = Vec::new();
    for (at, directory) in org.directories.iter().enumerate() {
        let state = directory.state();
        if let Some(entry) = state.people.get(&name(who))
            && !entry.disabled
            && (!answering || state.answers == Answers::Whole)
        {
            places.push((at, entry.anchor));
        }
    }
    places
}

/// Somebody's accounts.
fn accounts<T>(org: &Org, who: usize, each: impl Fn(&Kept) -> T) -> Vec<T> {
    let cloud = org.cloud.state();
    let human = format!("e-{who}");
    let is_theirs = |kept: &&Kept| {
        kept.account.external_id.as_ref().is_some_and(|anchor| cloud.humans.get(anchor) == Some(&human))
    };
    cloud.accounts.values().filter(is_theirs).map(each).collect()
}

/// Whether somebody may log in, in the one account that they have.
fn is_active(org: &Org, who: usize) -> bool {
    accounts(org, who, |kept| kept.account.active) == [true]
}

/// What must hold of everybody, when everything was read.
fn check(org: &Org) {
    assert_eq!(org.cloud.state().violations, Vec::<String>::new());
    for who in 0..PEOPLE {
        let all = accounts(org, who, |kept| (kept.account.clone(), kept.licenses.keys().cloned().collect()));
        assert!(all.len() <= 1, "p{who} has {} accounts", all.len());
        let places = places(org, who, false);
        let Some((account, licenses)) = all.into_iter().next() else {
            assert_ne!(places.len(), 1, "p{who} has no account");
            continue;
        };
        let licenses: BTreeSet<LicenseId> = licenses;
        let here = places.iter().find(|(_, anchor)| account.external_id == Some(anchor.to_string())).copied();
        match (places.len(), here) {
            (0, _) => {
                assert!(!account.active, "p{who} left and is active");
                assert!(licenses.is_empty(), "p{who} left and keeps {licenses:?}");
            }
            (1, None) => panic!("p{who} moved, and the account did not"),
            // Of two, the account goes by the one whose move was confirmed.
            (count, Some((domain, anchor)))
                if count == 1 || !org.store.reader().rows(&[anchor]).unwrap().is_empty() =>
            {
                assert!(account.active, "p{who} is shut out");
                let directory = org.directories[domain].state();
                let entry = &directory.people[&name(who)];
                assert_eq!(account.email, entry.attributes["mail"][0].parse().ok(), "p{who}");
                let title = entry.attributes.get("title").map(|title| title[0].clone());
                assert_eq!(account.profile.get(&Field::Title), title.as_ref(), "p{who}");
                let wanted = ["Messages", "Meetings"].get(domain).map(|name| format!("lic:{name}"));
                let wanted: BTreeSet<LicenseId> = wanted.into_iter().map(LicenseId::new).collect();
                assert_eq!(licenses, wanted, "p{who}");
            }
            // Two may be the person: nothing is done until it is clear.
            _ => {}
        }
    }
}

/// Quiet days, on which nothing is written any more.
fn settle(org: &Org) {
    org.sync_all().unwrap();
    org.sync_all().unwrap();
    for observe in [Observe::Touched, Observe::All] {
        let quiet = runtime().block_on(org.pass(observe)).unwrap();
        assert_eq!((quiet.writes, &quiet.acted.failed, &quiet.done), (0, &vec![], &vec![]));
    }
}

fn only(passed: &Passed) -> &Action {
    let [action] = passed.done.as_slice() else { panic!("{:?}", passed.done) };
    action
}

#[derive(Clone, Debug)]
enum Step {
    Comes(usize, usize),
    Goes(usize, usize),
    Moves(usize, usize, usize),
    Disabled(usize, usize, bool),
    Title(usize, usize, u8),
    Answers(usize, u8),
    Pass(How),
}

#[derive(Clone, Debug)]
enum How {
    Touched,
    All,
    Passing,
    KilledAtCall(u64, bool),
    KilledAtStep(u64),
    Faulty(u64, Fault),
}

fn step() -> impl Strategy<Value = Step> {
    let (who, at) = (|| 0..PEOPLE, || 0..DOMAINS.len());
    let fault = prop_oneof![Just(Fault::LostAfter), Just(Fault::LostBefore)];
    let how = prop_oneof![
        3 => Just(How::Touched),
        1 => Just(How::All),
        2 => Just(How::Passing),
        2 => (1..16u64, any::<bool>()).prop_map(|(n, after)| How::KilledAtCall(n, after)),
        1 => (1..40u64).prop_map(How::KilledAtStep),
        2 => (0..5u64, fault).prop_map(|(n, fault)| How::Faulty(n, fault)),
    ];
    prop_oneof![
        4 => (who(), at()).prop_map(|(i, d)| Step::Comes(i, d)),
        3 => (who(), at()).prop_map(|(i, d)| Step::Goes(i, d)),
        4 => (who(), at(), at()).prop_map(|(i, d, e)| Step::Moves(i, d, e)),
        2 => (who(), at(), any::<bool>()).prop_map(|(i, d, is)| Step::Disabled(i, d, is)),
        1 => (who(), at(), 0..3u8).prop_map(|(i, d, n)| Step::Title(i, d, n)),
        2 => (at(), 0..3u8).prop_map(|(d, n)| Step::Answers(d, n)),
        6 => how.prop_map(Step::Pass),
    ]
}

fn play(org: &Org, step: &Step) {
    let entry = |who: &usize, at: &usize, change: &dyn Fn(&mut support::fake_source::Entry)| {
        org.directories[*at].edit(&name(*who), change);
    };
    match step {
        Step::Comes(who, at) => comes(org, *who, *at),
        Step::Goes(who, at) => goes(org, *who, *at),
        Step::Moves(who, from, to) => moves(org, *who, *from, *to),
        Step::Disabled(who, at, is) => entry(who, at, &|entry| entry.disabled = *is),
        Step::Title(who, at, n) => entry(who, at, &|entry| {
            entry.attributes.insert("title".into(), vec![format!("title {n}")]);
        }),
        Step::Answers(at, how) => {
            org.directories[*at].state().answers =
                [Answers::Whole, Answers::Nothing, Answers::Only(1)][usize::from(*how)];
        }
        Step::Pass(how) => {
            let before: Vec<bool> = (0..PEOPLE).map(|who| is_active(org, who)).collect();
            pass(org, how);
            for (who, before) in before.into_iter().enumerate() {
                let there = !places(org, who, true).is_empty();
                assert!(!before || !there || is_active(org, who), "p{who} is there and was shut out");
            }
        }
    }
}

fn pass(org: &Org, how: &How) {
    match how {
        How::Touched => drop(org.sync()),
        How::All => drop(org.sync_all()),
        // As the shell does it: what an interrupted run left open comes first.
        How::Passing if !org.store.reader().open_intents().unwrap().is_empty() => drop(org.sync_all()),
        How::Passing => drop(org.poll()),
        How::KilledAtCall(n, after) => drop(org.killed_at_call(*n, *after)),
        How::KilledAtStep(n) => drop(org.killed_at_step(*n)),
        How::Faulty(n, fault) => {
            org.cloud.state().faults = vec![(Aim::Write, *n, *fault)];
            drop(org.sync());
            org.cloud.state().faults.clear();
        }
    }
}

proptest! {
    #![proptest_config(cases(200))]

    /// However people move, and however passes end: one account for each, which is where they are,
    /// and nobody who can be seen is shut out.
    #[test]
    fn everybody_has_one_account(
        follows in any::<bool>(),
        steps in proptest::collection::vec(step(), 1..40),
    ) {
        let org = Org { follows, ..org() };
        for who in 0..PEOPLE {
            comes(&org, who, who % 2);
        }
        org.sync_all().unwrap();
        for step in &steps {
            play(&org, step);
        }
        for directory in &org.directories {
            directory.state().answers = Answers::Whole;
        }
        if follows {
            for _ in 0..3 {
                org.sync().unwrap();
            }
            check(&org);
            prop_assert_eq!(org.sync_all().unwrap().writes, 0, "left for a pass over everything");
        }
        settle(&org);
        check(&org);
    }
}

/// Two move, one leaves, and one who left comes back elsewhere.
fn moving_day(follows: bool) -> Org {
    let org = Org { follows, ..org() };
    for who in 0..PEOPLE {
        comes(&org, who, 0);
    }
    org.sync_all().unwrap();
    goes(&org, 3, 0);
    org.sync().unwrap();
    moves(&org, 0, 0, 1);
    moves(&org, 1, 0, 2);
    goes(&org, 2, 0);
    comes(&org, 3, 1);
    org
}

/// Killed before or after every call to the cloud, and wherever the pass waits for anything.
#[test]
fn killed_anywhere() {
    for follows in [false, true] {
        for after in [false, true] {
            for call in 1.. {
                let org = moving_day(follows);
                let killed = org.killed_at_call(call, after);
                settle(&org);
                check(&org);
                let removed: Vec<String> = org.cloud.state().removals.clone();
                let deactivated = removed.iter().filter(|line| line.starts_with("deactivate")).count();
                assert!(deactivated <= 3, "{removed:?}");
                assert!(
                    removed.iter().all(|line| !line.contains("p0") && !line.contains("p1")
                        || !line.starts_with("deactivate")),
                    "{removed:?}"
                );
                if !killed {
                    assert!(call > 8, "the day has many calls");
                    break;
                }
            }
        }
        for step in 0.. {
            let org = moving_day(follows);
            let killed = org.killed_at_step(step);
            settle(&org);
            check(&org);
            if !killed {
                assert!(step > 2, "the day has several steps");
                break;
            }
        }
    }
}

/// Known under the new anchor, whatever became of the answer, and the old one is forgotten.
#[test]
fn a_lost_answer_is_found_out() {
    for (fault, who) in [(Fault::LostAfter, 0), (Fault::LostBefore, 0), (Fault::LostAfter, 3)] {
        let org = moving_day(false);
        let old = org.directories[0].state().dropped[&name(who)].anchor;
        let new = places(&org, who, false)[0].1;
        let kind = if who == 3 { Kind::Reactivate } else { Kind::Update };
        org.cloud.state().faults = vec![(Aim::Kind(kind), 0, fault)];
        assert!(org.sync().unwrap().acted.fatal.is_some());
        let known = |anchor| !org.store.reader().rows(&[anchor]).unwrap().is_empty();
        assert!(known(old) && !known(new), "not confirmed");
        org.sync().unwrap();
        assert!(!known(old) && known(new));
        settle(&org);
        check(&org);
    }
}

/// Let in again without our learning of it, and gone before anybody asked: not somebody's doing by
/// hand that would have to be left alone.
#[test]
fn who_goes_before_the_answer_was_known_leaves() {
    let org = moving_day(false);
    org.cloud.state().faults = vec![(Aim::Kind(Kind::Reactivate), 0, Fault::LostAfter)];
    assert!(org.sync().unwrap().acted.fatal.is_some());
    assert!(is_active(&org, 3));
    goes(&org, 3, 1);
    settle(&org);
    check(&org);
    assert!(!is_active(&org, 3));
}

/// Who is in goes by groups. The first has an entry in Berlin, and is in no group there.
fn in_groups() -> Org {
    let mut org = Org { follows: true, ..org() };
    org.spec.scope.groups = vec!["staff".into(), "staff-berlin".into()];
    for who in 0..PEOPLE {
        comes(&org, who, 0);
        org.directories[0].group("staff", |group| group.members.insert(name(who)));
    }
    comes(&org, 0, 1);
    org.directories[1].group("staff-berlin", |_| {});
    org.sync_all().unwrap();
    org.sync().unwrap();
    org
}

/// Somebody left, and a group brings back in who they are elsewhere.
#[test]
fn a_group_makes_it_a_move_in_passing() {
    let org = in_groups();
    goes(&org, 0, 0);
    org.sync().unwrap();
    assert!(!is_active(&org, 0));
    org.directories[1].group("staff-berlin", |group| group.members.insert("p0".into()));
    let passed = org.poll().unwrap().unwrap().unwrap();
    assert_eq!(passed.acted.done.get(&Kind::Reactivate), Some(&1), "{:?}", passed.acted.withheld);
    check(&org);
}

/// A licence is taken because of a move, and the pass is killed before the move: it is missed also
/// when the person then stays.
#[test]
fn killed_before_the_move() {
    for call in 1.. {
        let org = Org { follows: true, ..org() };
        for who in 0..PEOPLE {
            comes(&org, who, 0);
        }
        org.sync_all().unwrap();
        moves(&org, 0, 0, 2);
        let killed = org.killed_at_call(call, true);
        // Nobody can tell who is meant, when the cloud is looked at as a whole.
        comes(&org, 0, 1);
        org.sync().unwrap();
        goes(&org, 0, 1);
        moves(&org, 0, 2, 0);
        org.sync().unwrap();
        org.sync().unwrap();
        check(&org);
        if !killed {
            assert!(call > 3, "there are some calls");
            break;
        }
    }
}

/// Whoever becomes somebody known by a change of a group is not forgotten by a pass that is killed.
#[test]
fn killed_while_a_group_makes_it_a_move() {
    for step in 0.. {
        let org = in_groups();
        goes(&org, 0, 0);
        org.directories[1].group("staff-berlin", |group| group.members.insert("p0".into()));
        let killed = org.killed_at_step(step);
        for _ in 0..2 {
            org.sync().unwrap();
        }
        assert!(is_active(&org, 0), "step {step}");
        let removals = org.cloud.state().removals.clone();
        assert!(removals.iter().all(|line| !line.starts_with("deactivate")), "step {step}: {removals:?}");
        if !killed {
            assert!(step > 2, "the pass has several steps");
            break;
        }
    }
}

/// One change, in plan and history.
#[test]
fn a_move_is_one_change() {
    let mut org = org();
    org.spec.entitlements.clear();
    comes(&org, 0, 0);
    org.sync_all().unwrap();
    let ids = accounts(&org, 0, |kept| kept.account.id.clone());
    moves(&org, 0, 0, 1);
    let passed = org.sync().unwrap();
    let action = only(&passed);
    assert_eq!((action.kind, action.cause, passed.writes), (Kind::Update, Cause::Moved, 1));
    goes(&org, 0, 1);
    org.sync().unwrap();
    comes(&org, 0, 2);
    let passed = org.sync().unwrap();
    let action = only(&passed);
    assert_eq!((action.kind, action.cause, passed.writes), (Kind::Reactivate, Cause::Moved, 1));
    assert_eq!(accounts(&org, 0, |kept| kept.account.id.clone()), ids, "the account of the first day");
    check(&org);
}

/// While following changes: the newcomer alone is told of in one domain, the end in the other.
#[test]
fn a_move_is_seen_in_passing() {
    let org = Org { follows: true, ..org() };
    for who in 0..PEOPLE {
        comes(&org, who, 0);
    }
    org.sync_all().unwrap();
    assert!(org.poll().unwrap().is_none());
    moves(&org, 0, 0, 2);
    let passed = org.poll().unwrap().unwrap().unwrap();
    assert_eq!(passed.acted.done[&Kind::Update], 1);
    assert!(!passed.acted.done.contains_key(&Kind::Deactivate));
    check(&org);
    assert!(org.poll().unwrap().is_none(), "and then there is nothing");
    assert!(passed.look.reading.concerned.is_some(), "not everything was read");
}

/// The account is lost, too: there is one again, and nothing is left of the old link.
#[test]
fn who_moves_without_an_account_gets_one() {
    let org = org();
    comes(&org, 0, 0);
    comes(&org, 1, 1);
    org.sync_all().unwrap();
    let old = places(&org, 0, false)[0].1;
    org.cloud.state().accounts.retain(|_, kept| kept.account.email != "p0@hq.example.com".parse().ok());
    moves(&org, 0, 0, 2);
    let passed = org.sync_all().unwrap();
    assert_eq!(passed.acted.done, [(Kind::Create, 1)].into());
    assert!(org.store.reader().rows(&[old]).unwrap().is_empty());
    check(&org);
}

/// Who waits is remembered over a read of everything in which their domain did not answer; and it
/// makes no difference whether the other one is deleted or disabled.
#[test]
fn who_waits_is_remembered() {
    for disabled in [false, true] {
        let org = Org { follows: true, ..org() };
        for who in 0..PEOPLE {
            comes(&org, who, 0);
        }
        org.sync_all().unwrap();
        comes(&org, 0, 1);
        org.sync().unwrap();
        org.directories[1].state().answers = Answers::Nothing;
        org.sync_all().unwrap();
        org.directories[1].state().answers = Answers::Whole;
        match disabled {
            true => org.directories[0].person("p0", |entry| entry.disabled = true),
            false => goes(&org, 0, 0),
        }
        let passed = org.poll().unwrap().unwrap().unwrap();
        assert_eq!(passed.acted.done.get(&Kind::Deactivate), None);
        assert_eq!(passed.acted.done[&Kind::Update], 1);
        check(&org);
    }
}

/// Somebody is withheld because the old entry is still there. When that goes, the change names only
/// the old one.
#[test]
fn who_waits_is_found_when_the_other_goes() {
    let org = Org { follows: true, ..org() };
    for who in 0..PEOPLE {
        comes(&org, who, 0);
    }
    org.sync_all().unwrap();
    comes(&org, 0, 1);
    let passed = org.poll().unwrap().unwrap().unwrap();
    assert_eq!(passed.acted.withheld[0].code, "duplicate_join");
    assert_eq!(passed.writes, 0);
    goes(&org, 0, 0);
    let passed = org.poll().unwrap().unwrap().unwrap();
    assert_eq!(passed.acted.done.get(&Kind::Deactivate), None);
    assert_eq!(passed.acted.done[&Kind::Update], 1);
    assert!(passed.acted.withheld.is_empty());
    check(&org);
}

/// Gone in one pass, found elsewhere in a later one; and in passing beside a source that tells no
/// changes.
#[test]
fn a_leaver_comes_back_elsewhere_in_passing() {
    for mute in [false, true] {
        let org = Org { follows: true, ..org() };
        org.directories[1].state().mute = mute;
        for who in 0..PEOPLE {
            comes(&org, who, 0);
        }
        org.sync_all().unwrap();
        goes(&org, 0, 0);
        org.sync().unwrap();
        assert!(!is_active(&org, 0));
        comes(&org, 0, 2);
        let passed = org.poll().unwrap().unwrap().unwrap();
        assert_eq!(passed.acted.done[&Kind::Reactivate], 1, "mute: {mute}");
        check(&org);
    }
}

/// The old entry is gone from its domain, and may stand in a source that was not asked: the
/// newcomer waits for a pass on schedule.
#[test]
fn who_may_be_elsewhere_waits() {
    let org = Org { follows: true, ..org() };
    org.directories[1].state().mute = true;
    for who in 0..PEOPLE {
        comes(&org, who, 0);
    }
    org.sync_all().unwrap();
    moves(&org, 0, 0, 2);
    let passed = org.poll().unwrap().unwrap().unwrap();
    assert_eq!((passed.writes, passed.acted.withheld[0].code.as_str()), (0, "join_waits"));
    let passed = org.sync().unwrap();
    assert_eq!(passed.acted.done[&Kind::Update], 1);
    assert_eq!(passed.acted.done.get(&Kind::Deactivate), None);
    check(&org);
}

/// What a move takes away is weighed as everything is, and waits under the new anchor.
#[test]
fn the_guard_weighs_moves() {
    for follows in [false, true] {
        let mut org = Org { follows, ..org() };
        for who in 0..PEOPLE {
            comes(&org, who, 0);
            org.directories[0].person(&name(who), |entry| {
                entry.attributes.insert("title".into(), vec!["Clerk".into()]);
            });
        }
        org.sync_all().unwrap();
        org.limits.blank = Limit { count: 1, percent: 100, floor: 1 };
        for who in 0..PEOPLE {
            moves(&org, who, 0, 2);
        }
        let passed = org.sync().unwrap();
        assert_eq!(passed.acted.done.get(&Kind::Deactivate), None);
        let held = passed.acted.held_plan.expect("four titles are emptied");
        // Held again as the same plan, whatever kind of pass it is.
        for _ in 0..2 {
            assert_eq!(org.sync().unwrap().acted.held_plan.as_ref(), Some(&held));
        }
        org.directories[2].person("p9", |_| {});
        let passed = if follows { org.poll().unwrap().unwrap().unwrap() } else { org.sync().unwrap() };
        assert_eq!(passed.acted.done, [(Kind::Create, 1)].into());
        assert_eq!(passed.acted.held_plan.as_ref(), Some(&held));
        let decided = org.store.decide_held(&held, dirsyncd::store::Decision::Approved, 0);
        assert!(runtime().block_on(decided).unwrap());
        org.sync().unwrap();
        settle(&org);
        check(&org);
    }
}
