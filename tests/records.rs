//! Records that are kept from pass to pass: a change of the rules is judged from them, as a read of
//! everything would judge it, and nobody is written who does not change.

#![allow(clippy::unwrap_used)]

mod support;

use std::collections::BTreeMap;

use dirsyncd::guard::Limit;
use dirsyncd::model::{Ask, Field, Record};
use dirsyncd::rules::EntitlementSpec;
use dirsyncd::source::Source;
use dirsyncd::store::unpack;
use proptest::prelude::*;
use support::fake_source::{Directory, Entry, mix};
use support::org::{Org, manager, reports_to, runtime, unlimited};
use support::random::cases;

fn org(people: usize) -> Org {
    let mut org = Org::new();
    (org.follows, org.keep_records) = (true, true);
    org.limits = unlimited();
    org.cloud.state().license("Messages", "message.messaging", None);
    org.directory().state().portion = 500;
    for i in 0..people {
        org.directory().person(&format!("p{i}"), |entry| {
            let department = if i % 7 == 0 { "Sales" } else { "IT" };
            for (name, value) in [("title", format!("Clerk {}", i % 3)), ("department", department.into())] {
                entry.attributes.insert(name.into(), vec![value]);
            }
        });
    }
    org
}

fn settled(people: usize) -> Org {
    let org = org(people);
    org.sync_all().unwrap();
    org.sync().unwrap();
    org
}

fn reads(directory: &Directory) -> u64 {
    directory.state().reads
}

fn map(org: &mut Org, field: Field, expression: &str) {
    org.spec.mapping.insert(field, expression.into());
}

#[test]
fn an_edit_of_a_mapping_writes_exactly_those_whom_it_changes_and_reads_nobody() {
    for keep in [true, false] {
        let mut org = org(5_000);
        org.keep_records = keep;
        org.sync_all().unwrap();
        org.sync().unwrap();
        let before = reads(org.directory());
        let people_of_sales = 5_000_usize.div_ceil(7) as u64;
        for expression in ["if(department == 'Sales', upper(title), title)", "title"] {
            map(&mut org, Field::Title, expression);
            let planned = org.plan().unwrap();
            assert!(planned.look.anew);
            assert_eq!(planned.look.reading.alike.len() as u64, 5_000 - people_of_sales);
            assert_eq!(planned.actions().len() as u64, people_of_sales);
            let passed = org.sync().unwrap();
            assert_eq!(passed.writes, people_of_sales, "{expression}");
            assert_eq!(passed.look.reading.from_records, keep);
            let again = org.sync().unwrap();
            assert_eq!((again.writes, again.look.anew), (0, false));
            assert!(again.look.reading.concerned.is_some(), "changes are followed again");
        }
        assert_eq!(reads(org.directory()) - before, if keep { 0 } else { 4 });
    }
}

#[test]
fn what_the_new_rules_read_and_nobody_kept_is_read_once() {
    let mut org = settled(20);
    let before = reads(org.directory());
    map(&mut org, Field::EmployeeNumber, "employeeNumber");
    assert!(!org.sync().unwrap().look.reading.from_records);
    assert_eq!(reads(org.directory()), before + 1);
    // From then on it is kept, also when the rules do not read it for a while.
    for expression in ["", "employeeNumber", "upper(employeeNumber)"] {
        map(&mut org, Field::EmployeeNumber, expression);
        assert!(org.sync().unwrap().look.reading.from_records, "{expression}");
        org.sync().unwrap();
    }
    assert_eq!(reads(org.directory()), before + 1);
}

#[test]
fn a_scope_that_becomes_wider_finds_people_among_the_records() {
    let mut org = org(20);
    org.spec.scope.when = Some("department == 'IT'".into());
    org.sync_all().unwrap();
    org.sync().unwrap();
    assert_eq!(org.cloud.state().accounts.len(), 17);
    // Somebody outside changed meanwhile, which led to nothing.
    org.directory().person("p0", |entry| entry.attributes.insert("title".into(), vec!["Boss".into()]));
    org.sync().unwrap();
    let before = reads(org.directory());
    org.spec.scope.when = Some("present(department)".into());
    let passed = org.sync().unwrap();
    assert!(passed.look.reading.from_records);
    assert_eq!((org.cloud.state().accounts.len(), reads(org.directory())), (20, before));
    let mut cloud = org.cloud.state();
    let title = &cloud.by_email("p0@example.com").unwrap().account.profile[&Field::Title];
    assert_eq!(title, "Boss");
}

#[test]
fn groups_that_the_rules_begin_to_name_are_known() {
    let mut org = org(20);
    let group = |name: &str| EntitlementSpec {
        groups: vec![name.into()],
        licenses: vec!["message.messaging".into()],
        ..EntitlementSpec::default()
    };
    org.directory().group("staff", |group| group.members.extend(["p1".to_owned(), "p2".to_owned()]));
    org.directory().group("leads", |group| group.members.extend(["p3".to_owned()]));
    org.spec.entitlements = vec![group("staff")];
    org.sync_all().unwrap();
    org.sync().unwrap();
    org.spec.entitlements = vec![group("leads")];
    let passed = org.sync().unwrap();
    assert!(passed.look.reading.from_records);
    assert_eq!(passed.writes, 3);
}

#[test]
fn people_who_are_gone_leave_no_record_and_nor_does_anybody_once_it_is_switched_off() {
    let mut org = settled(20);
    let count = |org: &Org| org.store.reader().kept_size().unwrap().0;
    assert_eq!(count(&org), 20);
    org.directory().state().remove("p3");
    org.sync().unwrap();
    assert_eq!(count(&org), 19);
    org.directory().state().remove("p4");
    org.sync_all().unwrap();
    assert_eq!(count(&org), 18);
    org.keep_records = false;
    org.sync().unwrap();
    assert_eq!(count(&org), 0);
    org.keep_records = true;
    org.sync().unwrap();
    map(&mut org, Field::Title, "upper(title)");
    assert!(!org.sync().unwrap().look.reading.from_records);
    assert_eq!(count(&org), 18);
}

#[test]
fn whoever_cannot_be_read_is_not_judged_from_nothing() {
    let mut org = settled(20);
    org.directory().state().unusable.insert("p5".into());
    org.sync_all().unwrap();
    map(&mut org, Field::Title, "upper(title)");
    let passed = org.sync().unwrap();
    assert!(!passed.look.reading.from_records);
    assert_eq!(passed.writes, 19);
    assert!(org.cloud.state().by_email("p5@example.com").unwrap().account.active);
}

/// Killed wherever after somebody came into a group, who is out of it again before the next pass: a
/// licence that was given meanwhile is taken.
#[test]
fn an_edit_that_was_acted_on_by_a_killed_pass_can_be_taken_back() {
    for step in 0..60 {
        let org = small(true);
        org.sync_all().unwrap();
        org.directory().group("staff", |group| group.members.insert("p1".into()));
        org.killed_at_step(step);
        org.directory().group("staff", |group| group.members.remove("p1"));
        org.sync().unwrap();
        assert_eq!(org.cloud.state().by_email("p1@example.com").unwrap().licenses.len(), 0);
        assert_eq!(org.sync_all().unwrap().writes, 0);
    }
}

/// An edit of the rules that was taken back after it had been carried out for some: they become again what
/// they were, without a read of everything on demand.
#[test]
fn an_edit_of_the_rules_that_was_interrupted_can_be_taken_back() {
    for (step, keep) in (0..60).flat_map(|step| [(step, true), (step, false)]) {
        let mut org = settled(20);
        org.keep_records = keep;
        org.sync().unwrap();
        let before = accounts(&org);
        map(&mut org, Field::Title, "upper(title)");
        org.killed_at_step(step);
        map(&mut org, Field::Title, "title");
        org.sync().unwrap();
        assert_eq!(accounts(&org), before, "step {step}, keep {keep}");
        let again = org.sync().unwrap();
        assert!(!again.look.anew && again.look.reading.concerned.is_some(), "changes are followed again");
        assert_eq!(org.sync_all().unwrap().writes, 0);
    }
}

/// As Active Directory does it: whoever names somebody who is renamed names the new DN from then on, and
/// nobody is told.
fn renamed(org: &Org, who: &str, to: &str) {
    let old = org.directory().state().people[who].dn();
    org.directory().edit(who, |entry| entry.cn = to.into());
    let mut state = org.directory().state();
    let new = state.people[who].dn();
    let names = |people: &mut BTreeMap<String, Entry>| {
        for value in people.values_mut().flat_map(|entry| entry.attributes.values_mut()).flatten() {
            if *value == old {
                value.clone_from(&new);
            }
        }
    };
    names(&mut state.people);
    state.past.iter_mut().for_each(|past| names(&mut past.people));
}

/// The records of those who report to somebody do not say that the manager was renamed.
#[test]
fn reports_keep_a_manager_who_is_renamed_when_the_rules_are_edited() {
    for at_once in [false, true] {
        let mut org = org(20);
        map(&mut org, Field::Manager, "manager");
        let boss = org.directory().state().people["p0"].dn();
        for who in ["p1", "p2", "p3"] {
            org.directory()
                .person(who, |entry| entry.attributes.insert("manager".into(), vec![boss.clone()]));
        }
        org.sync_all().unwrap();
        org.sync().unwrap();
        let managers = |org: &Org| -> Vec<String> {
            let cloud = org.cloud.state();
            let all = cloud.accounts.values();
            all.filter_map(|kept| kept.account.profile.get(&Field::Manager).cloned()).collect()
        };
        let before = managers(&org);
        assert_eq!(before.len(), 3);
        renamed(&org, "p0", "Boss");
        if !at_once {
            org.sync().unwrap();
        }
        map(&mut org, Field::Title, "upper(title)");
        let passed = org.sync().unwrap();
        assert!(!passed.look.reading.from_records);
        assert_eq!(managers(&org), before, "at once: {at_once}");
        // From then on the records say so, and serve again.
        map(&mut org, Field::Title, "title");
        let again = org.sync().unwrap();
        assert!(again.look.reading.from_records);
        assert_eq!(managers(&org), before, "at once: {at_once}");
    }
}

/// Twenty people, of whom three report to the first; and whom they have as manager in the cloud.
fn with_a_boss(keep: bool) -> Org {
    let mut org = org(20);
    org.keep_records = keep;
    map(&mut org, Field::Manager, "manager");
    for who in ["p1", "p2", "p3"] {
        reports_to(&org, who, "p0");
    }
    org.sync_all().unwrap();
    org.sync().unwrap();
    org
}

/// Killed wherever after somebody got another manager, and then the rules are edited.
#[test]
fn a_new_manager_is_not_forgotten_by_an_edit_of_the_rules() {
    for (step, keep) in (0..40).flat_map(|step| [(step, true), (step, false)]) {
        let mut org = with_a_boss(keep);
        reports_to(&org, "p1", "p9");
        reports_to(&org, "p7", "p9");
        org.killed_at_step(step);
        map(&mut org, Field::Title, "if(title == 'nobody', '', title)");
        org.sync().unwrap();
        let managers = ["p1", "p2", "p7"].map(|who| manager(&org, who));
        let wanted = ["p9", "p0", "p9"].map(|boss| Some(format!("{boss}@example.com")));
        assert_eq!(managers, wanted, "step {step}, keep {keep}");
    }
}

/// What is not mapped is left alone, and is ours again when it is mapped again.
#[test]
fn managers_outlive_a_time_in_which_they_are_not_mapped() {
    for keep in [true, false] {
        let mut org = with_a_boss(keep);
        map(&mut org, Field::Manager, "");
        org.sync().unwrap();
        org.sync_all().unwrap();
        renamed(&org, "p9", "Clerk");
        org.sync().unwrap();
        map(&mut org, Field::Manager, "manager");
        org.sync().unwrap();
        org.sync_all().unwrap();
        let managers = ["p1", "p2", "p3"].map(|who| manager(&org, who));
        assert!(managers.iter().all(|boss| boss.as_deref() == Some("p0@example.com")), "{managers:?}");
        assert_eq!(org.sync_all().unwrap().writes, 0);
    }
}

/// Where the directory leaves the old DN with those who report, a manager who is renamed is none any more:
/// an edit that changes other values of theirs does not take the manager past the guard.
#[test]
fn a_manager_who_goes_with_an_edit_is_weighed() {
    let mut org = org(20);
    org.keep_records = false;
    org.limits.blank = Limit { count: 1, percent: 100, floor: 0 };
    map(&mut org, Field::Manager, "manager");
    let boss = org.directory().state().people["p0"].dn();
    for who in ["p1", "p2", "p3"] {
        org.directory().person(who, |entry| entry.attributes.insert("manager".into(), vec![boss.clone()]));
    }
    org.sync_all().unwrap();
    org.sync().unwrap();
    org.directory().edit("p0", |entry| entry.cn = "Boss".into());
    map(&mut org, Field::Title, "upper(title)");
    let passed = org.sync().unwrap();
    assert_eq!(passed.acted.held.len(), 3);
    assert_eq!(passed.look.guard.findings()[0].code, "too_many_blanked");
}

/// What the directory shows, as it would be kept.
fn shown(org: &Org) -> BTreeMap<String, Record> {
    let kept = org.store.reader().meta().unwrap().records.unwrap();
    let ask: Ask = kept.ask();
    let (sender, mut portions) = tokio::sync::mpsc::channel(1_000);
    let source: Box<dyn Source> = Box::new(org.directory().clone());
    runtime().block_on(source.read(&ask, sender)).unwrap();
    let mut all = BTreeMap::new();
    while let Ok(portion) = portions.try_recv() {
        if let dirsyncd::model::Portion::People(people) = portion {
            all.extend(people.into_iter().map(|record| (record.anchor.to_string(), record)));
        }
    }
    all
}

fn kept(org: &Org) -> BTreeMap<String, Record> {
    let reader = org.store.reader();
    let words = reader.meta().unwrap().records.unwrap().words;
    let all = reader.records_after(None, usize::MAX).unwrap();
    all.into_iter()
        .map(|(anchor, packed)| (anchor.to_string(), unpack(anchor, &packed, &words).unwrap()))
        .collect()
}

const PEOPLE: usize = 12;

/// Edits the directory, by a number.
fn edit(directory: &Directory, seed: u64) {
    let who = format!("p{}", mix(seed) as usize % PEOPLE);
    let value = format!("V{}", mix(seed ^ 1) % 3);
    match mix(seed ^ 2) % 7 {
        0 => drop(directory.state().remove(&who)),
        1 => directory.person(&who, |entry| entry.disabled ^= true),
        2 => directory
            .person(&who, |entry| entry.ou = if entry.ou == "people" { "away" } else { "people" }.into()),
        3 => directory.group("staff", |group| {
            if !group.members.remove(&who) {
                group.members.insert(who.clone());
            }
        }),
        4 => directory.person(&who, |entry| drop(entry.attributes.insert("department".into(), vec![value]))),
        _ => directory.person(&who, |entry| drop(entry.attributes.insert("title".into(), vec![value]))),
    }
}

/// Edits the rules, by a number.
fn rule(org: &mut Org, seed: u64) {
    let titles =
        ["title", "upper(title)", "first(department, title)", "", "if(in_group('staff'), title, 'none')"];
    match mix(seed) % 4 {
        0 => map(org, Field::Title, titles[mix(seed ^ 1) as usize % titles.len()]),
        1 => {
            let when = [None, Some("department == 'V1'"), Some("not title == 'V2'")];
            org.spec.scope.exclude_when = when[mix(seed ^ 1) as usize % 3].map(Into::into);
        }
        2 => {
            let bases = [vec![], vec!["ou=people,dc=example,dc=test".to_owned()]];
            org.spec.scope.bases = bases[mix(seed ^ 1) as usize % 2].clone();
        }
        _ => {
            let groups = [vec![], vec!["staff".to_owned()]];
            org.spec.entitlements = vec![EntitlementSpec {
                groups: groups[mix(seed ^ 1) as usize % 2].clone(),
                licenses: vec!["message.messaging".into()],
                ..EntitlementSpec::default()
            }];
        }
    }
}

fn accounts(org: &Org) -> Vec<String> {
    let cloud = org.cloud.state();
    let mut all: Vec<String> = cloud
        .accounts
        .values()
        .map(|kept| {
            let account = &kept.account;
            let licenses: Vec<_> = kept.licenses.keys().collect();
            format!("{:?} {} {:?} {licenses:?}", account.email, account.active, account.profile)
        })
        .collect();
    all.sort();
    all
}

fn small(keep: bool) -> Org {
    let mut org = org(0);
    org.keep_records = keep;
    for i in 0..PEOPLE {
        org.directory().person(&format!("p{i}"), |_| {});
    }
    org.directory().group("staff", |_| {});
    // So that groups are asked for from the beginning.
    rule(&mut org, 3);
    org.spec.entitlements = vec![EntitlementSpec {
        groups: vec!["staff".into()],
        licenses: vec!["message.messaging".into()],
        ..EntitlementSpec::default()
    }];
    org
}

proptest! {
    #![proptest_config(cases(150))]

    /// Judged from the records or read again: the cloud is the same after every pass.
    #[test]
    fn judging_from_records_is_as_good_as_reading(
        steps in prop::collection::vec((0..4u8, any::<u64>()), 1..25),
    ) {
        let (mut with, mut without) = (small(true), small(false));
        for org in [&with, &without] {
            org.sync_all().unwrap();
        }
        for (what, seed) in steps {
            for org in [&mut with, &mut without] {
                match what {
                    0 => rule(org, seed),
                    1 | 2 => edit(org.directory(), seed),
                    _ => drop(org.sync().unwrap()),
                }
            }
            if what == 3 {
                prop_assert_eq!(accounts(&with), accounts(&without));
            }
        }
        for org in [&with, &without] {
            org.sync().unwrap();
        }
        prop_assert_eq!(accounts(&with), accounts(&without));
        prop_assert_eq!(kept(&with), shown(&with));
    }

    /// Killed wherever, with polls between: the records are those of the directory in the end.
    #[test]
    fn the_records_follow_the_directory_whatever_happens(
        steps in prop::collection::vec((0..6u8, any::<u64>()), 1..25),
    ) {
        let mut org = small(true);
        org.sync_all().unwrap();
        for (what, seed) in steps {
            match what {
                0 => rule(&mut org, seed),
                1 | 2 => edit(org.directory(), seed),
                3 => drop(org.killed_at_step(seed % 60)),
                4 => drop(org.poll().unwrap()),
                _ => drop(org.sync().unwrap()),
            }
        }
        org.sync().unwrap();
        org.sync().unwrap();
        if org.store.reader().meta().unwrap().records.is_some() {
            prop_assert_eq!(kept(&org), shown(&org));
        }
        // Whatever was judged from them: a read of everything finds nothing more to do.
        prop_assert_eq!(org.sync_all().unwrap().writes, 0);
        prop_assert_eq!(kept(&org), shown(&org));
    }
}
