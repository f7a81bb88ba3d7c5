//! Edits of the rules over records that are kept, in the midst of everything else: few seats and a
//! queue for them, addresses that several people claim, people known in two domains, groups of the
//! cloud, managers. Of two organizations in which the same happens, one judges edits from its records
//! and the other reads everything: both come to the same.

#![allow(clippy::unwrap_used)]

mod support;

use std::collections::BTreeMap;

use dirsyncd::guard::{Limit, SCOPE_CHANGE};
use dirsyncd::model::{Account, Cause, Field, Kind, Profile};
use dirsyncd::rules::{Collisions, EntitlementSpec};
use proptest::prelude::*;
use support::fake_source::{Directory, mix};
use support::org::{Org, Passed, unlimited};
use support::random::cases;

const PEOPLE: usize = 10;
const DOMAINS: [&str; 2] = ["hq", "berlin"];

fn name(who: usize) -> String {
    format!("p{who}")
}

fn put(directory: &Directory, who: &str, attribute: &str, value: &str) {
    directory.person(who, |entry| drop(entry.attributes.insert(attribute.into(), vec![value.into()])));
}

fn gives(groups: &[&str], license: &str) -> EntitlementSpec {
    EntitlementSpec {
        name: format!("{license} {groups:?}"),
        groups: groups.iter().map(|group| (*group).to_owned()).collect(),
        licenses: vec![license.into()],
        ..EntitlementSpec::default()
    }
}

/// Two domains, five seats for everybody, groups of the cloud.
fn org(keep: bool) -> Org {
    let mut org = Org::new();
    (org.follows, org.keep_records) = (true, keep);
    org.limits = unlimited();
    org.directories = DOMAINS.map(Directory::domain).into();
    org.cloud.state().license("Messages", "message.messaging", Some(5));
    org.cloud.state().license("Meetings", "meeting.meetings", None);
    org.spec.entitlements = vec![gives(&["staff"], "Messages"), gives(&[], "Messages")];
    org.spec.groups.sync = vec!["staff".into()];
    org.spec.mapping.insert(Field::Manager, "manager".into());
    for who in 0..PEOPLE {
        born(&org, who, 0);
    }
    org.directory().group("staff", |group| group.members.extend([name(1), name(8)]));
    org.directory().group("leads", |group| group.members.extend([name(2)]));
    org
}

/// Somebody comes to a domain.
fn born(org: &Org, who: usize, domain: usize) {
    let directory = &org.directories[domain];
    let person = name(who);
    put(directory, &person, "employeeNumber", &format!("E-{who}"));
    put(directory, &person, "createTimestamp", &format!("2020010{}000000Z", 9 - who % 9));
    put(directory, &person, "mail", &format!("{person}@example.com"));
    put(directory, &person, "office", &(mix(who as u64) % 4).to_string());
}

fn goes(org: &Org, who: usize, domain: usize) {
    org.directories[domain].state().remove(&name(who));
}

/// The directories change, by a number.
fn edit(org: &Org, seed: u64) {
    let who = mix(seed) as usize % PEOPLE;
    let (person, value) = (name(who), mix(seed ^ 1) % 4);
    let domain = usize::from(!org.directory().state().people.contains_key(&person));
    let there = org.directories[domain].state().people.contains_key(&person);
    match mix(seed ^ 2) % 10 {
        0 if there => goes(org, who, domain),
        0 => born(org, who, domain),
        // To the other domain.
        1 if there => {
            goes(org, who, domain);
            born(org, who, 1 - domain);
        }
        2 | 3 => org.directory().group(["staff", "leads"][value as usize % 2], |group| {
            if !group.members.remove(&person) {
                group.members.insert(person.clone());
            }
        }),
        4 => org.directory().group("staff", |group| {
            if !group.members.remove("leads") {
                group.members.insert("leads".into());
            }
        }),
        _ if !there => {}
        5 => org.directories[domain].person(&person, |entry| entry.disabled ^= true),
        // An address that somebody else may have.
        6 => put(&org.directories[domain], &person, "mail", &format!("p{value}@example.com")),
        7 => put(&org.directories[domain], &person, "office", &value.to_string()),
        8 => {
            let boss = org.directory().state().people.get(&name(value as usize)).map(|entry| entry.dn());
            if let Some(boss) = boss {
                put(&org.directories[domain], &person, "manager", &boss);
            }
        }
        _ => put(&org.directories[domain], &person, "title", &format!("T{value}")),
    }
}

/// The configuration changes, by a number.
fn rule(org: &mut Org, seed: u64) {
    let pick = mix(seed ^ 1) as usize;
    match mix(seed) % 9 {
        0 => {
            let titles = ["title", "upper(title)", "first(title, office)", ""];
            org.spec.mapping.insert(Field::Title, titles[pick % 4].into());
        }
        1 => {
            let by = [None, Some("office"), Some("title")];
            org.spec.seats.order_by = by[pick % 3].map(Into::into);
            org.spec.seats.descending = pick.is_multiple_of(2);
        }
        2 => {
            let all = [Collisions::Linked, Collisions::LinkedThenOldest, Collisions::Nobody];
            org.spec.collisions = all[pick % 3];
        }
        3 => org.spec.join = [None, Some("employeeNumber")][pick % 2].map(Into::into),
        4 => {
            let sync: [&[&str]; 3] = [&["staff"], &["staff", "leads"], &[]];
            org.spec.groups.sync = sync[pick % 3].iter().map(|name| (*name).to_owned()).collect();
        }
        5 => {
            let (all, staff, leads) =
                (gives(&[], "Messages"), gives(&["staff"], "Messages"), gives(&["leads"], "Meetings"));
            let sets =
                [vec![staff.clone(), all.clone()], vec![all, leads.clone()], vec![leads, staff], vec![]];
            org.spec.entitlements = sets[pick % 4].clone();
        }
        6 => {
            let when = [None, Some("office == '1'"), Some("in_group('leads')"), Some("title == 'T2'")];
            org.spec.scope.exclude_when = when[pick % 4].map(Into::into);
        }
        7 => org.spec.entitling.take_managed = pick.is_multiple_of(2),
        _ => {
            let managers = ["manager", ""];
            org.spec.mapping.insert(Field::Manager, managers[pick % 2].into());
        }
    }
}

/// Everything that the cloud holds, and who waits in which order.
fn cloud(org: &Org) -> Vec<String> {
    let state = org.cloud.state();
    let email = |id| state.accounts[id].account.email.as_ref().unwrap().to_string();
    let mut all: Vec<String> = state
        .accounts
        .values()
        .map(|kept| {
            let account = &kept.account;
            let licenses: Vec<_> = kept.licenses.keys().collect();
            let mut profile: BTreeMap<_, _> = account.profile.iter().collect();
            // The id of an account, which says nothing here but whether there is a manager.
            let manager = profile.remove(&Field::Manager).map(|id| {
                state
                    .accounts
                    .values()
                    .find(|kept| kept.account.id.as_str() == *id)
                    .map(|one| &one.account.email)
            });
            format!("{:?} {} {profile:?} {manager:?} {licenses:?}", account.email, account.active)
        })
        .collect();
    all.extend(state.groups.values().map(|kept| {
        let mut members: Vec<String> = kept.members.keys().map(email).collect();
        members.sort();
        format!("{} {members:?}", kept.group.name)
    }));
    all.sort();
    assert_eq!(state.violations, [] as [&str; 0]);
    all.extend(org.store.reader().waiting().unwrap().iter().map(|one| format!("waits {}", one.email)));
    all
}

/// Whoever has an account that is let in, also in an organization that begins today with the same
/// directories and rules, has the same values and the same manager there.
fn as_from_scratch(org: &Org) -> Result<(), TestCaseError> {
    let mut fresh = Org::new();
    fresh.limits = unlimited();
    (fresh.directories, fresh.spec) = (org.directories.clone(), org.spec.clone());
    for name in ["Messages", "Meetings"] {
        fresh.cloud.state().license(name, "message.messaging", None);
    }
    for _ in 0..3 {
        fresh.sync_all().unwrap();
    }
    let profiles = |org: &Org| -> BTreeMap<String, (Profile, Option<String>)> {
        let state = org.cloud.state();
        let active = state.accounts.values().map(|kept| &kept.account).filter(|account| account.active);
        let mail = |account: &Account| account.email.as_ref().unwrap().to_string();
        let by_id: BTreeMap<&str, String> =
            active.clone().map(|account| (account.id.as_str(), mail(account))).collect();
        let all = active.map(|account| {
            let mut profile = account.profile.clone();
            // What is not mapped any more stays as it was.
            profile.retain(|field, _| fresh.spec.mapping.get(field).is_some_and(|how| !how.is_empty()));
            let manager = profile.remove(&Field::Manager);
            (mail(account), (profile, manager.and_then(|id| by_id.get(id.as_str()).cloned())))
        });
        all.collect()
    };
    let (ours, theirs) = (profiles(org), profiles(&fresh));
    // Who gets what several claim depends on what was before.
    if [org, &fresh].iter().any(|org| !org.store.reader().withheld().unwrap().is_empty()) {
        return Ok(());
    }
    for (email, ours) in ours.iter().filter(|(email, _)| theirs.contains_key(*email)) {
        prop_assert_eq!(ours, &theirs[email], "{}", email);
    }
    Ok(())
}

proptest! {
    #![proptest_config(cases(200))]

    /// Judged from the records or read again: the same after every pass.
    #[test]
    fn an_edit_does_the_same_from_the_records(
        steps in prop::collection::vec((0..5u8, any::<u64>()), 1..30),
    ) {
        let (mut with, mut without) = (org(true), org(false));
        for org in [&with, &without] {
            org.sync_all().unwrap();
        }
        for (what, seed) in steps {
            for org in [&mut with, &mut without] {
                match what {
                    0 | 1 => rule(org, seed),
                    2 | 3 => edit(org, seed),
                    _ => drop(org.sync().unwrap()),
                }
            }
            if what == 4 {
                prop_assert_eq!(cloud(&with), cloud(&without));
            }
        }
        for org in [&with, &without] {
            org.sync().unwrap();
        }
        prop_assert_eq!(cloud(&with), cloud(&without));
        as_from_scratch(&with)?;
    }

    /// Killed wherever, polled between, the switch thrown: in the end a read of everything finds
    /// nothing more to do.
    #[test]
    fn nothing_that_happens_on_the_way_leaves_anything_behind(
        steps in prop::collection::vec((0..8u8, any::<u64>()), 1..30),
    ) {
        let mut org = org(true);
        org.sync_all().unwrap();
        for (what, seed) in steps {
            match what {
                0 | 1 => rule(&mut org, seed),
                2 | 3 => edit(&org, seed),
                4 => drop(org.killed_at_step(seed % 80)),
                5 => drop(org.poll().unwrap()),
                6 => org.keep_records = seed % 3 > 0,
                _ => drop(org.sync().unwrap()),
            }
        }
        // What waited for somebody to go first goes on in the passes that follow.
        for _ in 0..3 {
            org.sync().unwrap();
        }
        let before = cloud(&org);
        let passed = org.sync_all().unwrap();
        prop_assert_eq!(&before, &cloud(&org), "{:?}", passed.done);
        as_from_scratch(&org)?;
    }
}

fn settled(keep: bool) -> Org {
    let org = org(keep);
    org.sync_all().unwrap();
    org.sync().unwrap();
    org
}

fn holders(org: &Org) -> usize {
    let state = org.cloud.state();
    state
        .accounts
        .values()
        .filter(|kept| kept.licenses.keys().any(|id| id.as_str() == "lic:Messages"))
        .count()
}

fn from_records(passed: &Passed) -> bool {
    passed.look.reading.from_records
}

#[test]
fn seats_of_those_who_leave_by_an_edit_wait_with_them() {
    let mut org = settled(true);
    org.limits.scope_change = Limit { count: 0, percent: 100, floor: 0 };
    assert_eq!((holders(&org), org.store.reader().waiting().unwrap().len()), (5, 5));
    let has_seat = |org: &Org, who: usize| {
        let mut state = org.cloud.state();
        let kept = state.by_email(&format!("p{who}@example.com")).unwrap();
        kept.licenses.keys().any(|id| id.as_str() == "lic:Messages")
    };
    let seated: Vec<usize> = (0..PEOPLE).filter(|who| has_seat(&org, *who)).collect();
    org.spec.scope.exclude_when = Some(format!("cn == 'p{}' or cn == 'p{}'", seated[0], seated[1]));
    // Nobody asked for the attribute before: this read is of everything; the next edit's is not.
    assert!(!from_records(&org.sync().unwrap()));
    org.spec.mapping.insert(Field::Title, "upper(title)".into());
    let held = org.sync().unwrap();
    assert!(from_records(&held));
    assert_eq!(
        held.look.guard.findings().iter().map(|one| one.code.as_str()).collect::<Vec<_>>(),
        [SCOPE_CHANGE]
    );
    assert!(held.acted.held.iter().all(|one| one.action.cause == Cause::ScopeChanged));
    assert_eq!(held.done.iter().filter(|action| action.kind == Kind::LicenseAdd).count(), 0);
    assert!(has_seat(&org, seated[0]) && has_seat(&org, seated[1]));

    // Let go, they free two seats in the same pass.
    org.limits.scope_change = unlimited().scope_change;
    let done = org.sync().unwrap().done;
    assert_eq!(done.iter().filter(|action| action.kind == Kind::LicenseAdd).count(), 2);
    assert!(!has_seat(&org, seated[0]) && !has_seat(&org, seated[1]));
    assert_eq!((holders(&org), org.store.reader().waiting().unwrap().len()), (5, 3));
}

#[test]
fn another_order_of_seats_is_judged_from_what_is_kept() {
    let mut org = settled(true);
    org.spec.mapping.insert(Field::City, "office".into());
    org.sync().unwrap();
    org.spec.seats.order_by = Some("office".into());
    org.spec.seats.descending = true;
    assert!(from_records(&org.sync().unwrap()));
    org.cloud.state().license("Messages", "message.messaging", Some(6));
    let first = org.store.reader().waiting().unwrap()[0].email.clone();
    org.sync().unwrap();
    assert!(org.store.reader().waiting().unwrap().iter().all(|one| one.email != first));
    assert_eq!(holders(&org), 6);
}

#[test]
fn another_choice_of_groups_reads_everything_and_takes_nobody_out() {
    let mut org = settled(true);
    assert_eq!(org.cloud.state().groups.len(), 1);
    let members = |org: &Org| org.cloud.state().group_by_name("staff").unwrap().members.len();
    assert_eq!(members(&org), 2);
    for (sync, groups) in [(vec!["leads"], 2), (vec![], 2), (vec!["leads", "staff"], 2)] {
        org.spec.groups.sync = sync.iter().map(|name| (*name).to_owned()).collect();
        let passed = org.sync().unwrap();
        assert!(!from_records(&passed) && passed.look.reading.concerned.is_none(), "{sync:?}");
        let count = org.cloud.state().groups.len();
        assert_eq!((count, members(&org)), (groups, 2), "{sync:?}");
    }
    // With an edit of the rules it is the same.
    org.spec.groups.sync = vec!["staff".into()];
    org.spec.mapping.insert(Field::Title, "upper(title)".into());
    assert!(!from_records(&org.sync().unwrap()));
    org.spec.mapping.insert(Field::Title, "title".into());
    assert!(from_records(&org.sync().unwrap()));
}

#[test]
fn the_people_of_a_source_that_was_taken_out_are_not_judged() {
    let mut org = settled(true);
    org.limits.scope_change = Limit { count: 0, percent: 100, floor: 0 };
    born(&org, 20, 1);
    org.sync().unwrap();
    org.directories.pop();
    org.spec.mapping.insert(Field::Title, "upper(title)".into());
    put(org.directory(), "p3", "title", "boss");
    let passed = org.sync().unwrap();
    assert!(!from_records(&passed));
    let held: Vec<(Kind, Cause)> =
        passed.acted.held.iter().map(|one| (one.action.kind, one.action.cause)).collect();
    assert!(held.contains(&(Kind::Deactivate, Cause::ScopeChanged)), "{held:?}");
}

#[test]
fn what_changed_since_is_judged_as_it_is_now() {
    let mut org = settled(true);
    put(org.directory(), "p3", "title", "first");
    org.sync().unwrap();
    put(org.directory(), "p3", "title", "second");
    put(org.directory(), "p4", "title", "new");
    org.spec.mapping.insert(Field::Title, "upper(title)".into());
    let passed = org.sync().unwrap();
    assert!(from_records(&passed));
    let title =
        |email: &str| org.cloud.state().by_email(email).unwrap().account.profile[&Field::Title].clone();
    assert_eq!((title("p3@example.com"), title("p4@example.com")), ("SECOND".into(), "NEW".into()));
    assert_eq!(passed.writes, 2);
}

#[test]
fn records_that_nothing_refers_to_go_with_the_switch() {
    let mut org = settled(true);
    // Left over, as after a pass that was killed while it kept the answers to another question.
    let meta = org.store.reader().meta().unwrap();
    let runtime = support::org::runtime();
    runtime.block_on(org.store.set_meta(dirsyncd::store::Meta { records: None, ..meta })).unwrap();
    assert!(org.store.reader().keeps_records().unwrap());
    org.keep_records = false;
    org.sync().unwrap();
    assert!(!org.store.reader().keeps_records().unwrap());
}
