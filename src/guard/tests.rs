//! What passes, what waits, and what an approval releases.

use super::*;
use crate::model::{Attr, Cause, Field};

fn action(n: u8, kind: Kind, cause: Cause, changes: Vec<Change>) -> Action {
    Action {
        kind,
        anchor: SourceId::new([n; 16]),
        who: format!("p{n}@example.com").parse().unwrap(),
        dn: None,
        cloud_id: None,
        changes,
        cause,
    }
}

fn off(n: u8) -> Action {
    action(
        n,
        Kind::Deactivate,
        Cause::RecordGone,
        vec![Change::new(Attr::Active, Some("true".into()), Some("false".into()))],
    )
}

fn plan(actions: Vec<Action>) -> Plan {
    Plan { id: "p".into(), generation: 1, actions }
}

fn weigh(actions: &[Action], linked: u64, approved: Vec<Action>) -> Guard {
    let mut tally = Tally::default();
    for action in actions.iter().filter(|a| !approved.iter().any(|b| same_effect(a, b))) {
        tally.add(std::slice::from_ref(action));
    }
    Guard::weigh(&Limits::default(), &tally, linked, None, approved)
}

#[test]
fn a_few_leavers_pass_and_many_wait() {
    let few: Vec<Action> = (1..=5).map(off).collect();
    let (checked, held) = weigh(&few, 10, vec![]).check(plan(few.clone()));
    assert_eq!((checked.plan().actions.len(), held.len()), (5, 0));
    let many: Vec<Action> = (1..=6).map(off).collect();
    let guard = weigh(&many, 10, vec![]);
    let (checked, held) = guard.check(plan(many.clone()));
    assert_eq!((checked.plan().actions.len(), held.len()), (0, 6));
    assert_eq!(guard.findings()[0].code, "too_many_deactivations");
}

#[test]
fn what_was_approved_passes_and_nothing_else() {
    let many: Vec<Action> = (1..=12).map(off).collect();
    let guard = weigh(&many, 10, many[..6].to_vec());
    let (checked, held) = guard.check(plan(many));
    assert_eq!(checked.plan().actions.len(), 6);
    assert_eq!(held.len(), 6);
    assert!(checked.plan().actions.iter().all(|a| a.anchor.as_bytes()[0] <= 6));
}

#[test]
fn a_blanked_value_waits_while_its_neighbours_flow() {
    let blank = Change::new(Attr::Field(Field::Title), Some("Boss".into()), None);
    let set = Change::new(Attr::Field(Field::City), None, Some("Leeds".into()));
    let all: Vec<Action> =
        (1..=20).map(|n| action(n, Kind::Update, Cause::Desired, vec![blank.clone(), set.clone()])).collect();
    let (checked, held) = weigh(&all, 20, vec![]).check(plan(all.clone()));
    assert!(checked.plan().actions.iter().all(|a| a.changes == [set.clone()]));
    assert!(held.iter().all(|h| h.action.changes == [blank.clone()]));
    assert_eq!((checked.plan().actions.len(), held.len()), (20, 20));
}

fn leaves(n: usize) -> Change {
    let account = crate::model::CloudId::new(format!("c{n}"));
    Change::new(Attr::Member(account), Some(format!("p{n}@example.com")), None)
}

fn weigh_groups(actions: &[Action], memberships: u64, approved: Vec<Action>) -> Guard {
    let mut tally = Tally::of_groups(1, memberships);
    let left: Vec<Action> = actions.iter().filter_map(|action| unreleased(action, &approved)).collect();
    tally.add(&left);
    Guard::weigh(&Limits::default(), &tally, 1_000, None, approved)
}

#[test]
fn members_are_counted_and_approved_one_by_one() {
    let group = |range: std::ops::Range<usize>| {
        action(1, Kind::GroupUpdate, Cause::Desired, range.map(leaves).collect())
    };
    // 20 is the floor, whatever their share; of 300 memberships a tenth passes.
    for (count, of, most) in [(20, 20, None), (21, 20, Some(20)), (30, 300, None), (31, 300, Some(30))] {
        let all = vec![group(0..count)];
        let guard = weigh_groups(&all, of, vec![]);
        let held: usize = guard.check(plan(all)).1.iter().map(|held| held.action.changes.len()).sum();
        assert_eq!(guard.findings().first().map(|finding| finding.limit), most, "{count} of {of}");
        assert_eq!(held, if most.is_some() { count } else { 0 });
    }
    // What was approved goes, one more waits with too many others, and an addition never does.
    let mut more = group(0..60);
    let account = crate::model::CloudId::new("new");
    more.changes.push(Change::new(Attr::Member(account), None, Some("new@example.com".into())));
    let guard = weigh_groups(std::slice::from_ref(&more), 100, vec![group(0..30)]);
    let (checked, held) = guard.check(plan(vec![more]));
    assert_eq!(checked.plan().actions[0].changes.len(), 31);
    assert_eq!(held[0].action.changes, (30..60).map(leaves).collect::<Vec<_>>());
    assert_eq!(held[0].code, "too_many_group_member_removals");
    // Leavers were weighed when they were deactivated.
    let leavers = action(1, Kind::GroupUpdate, Cause::MembersLeft, (0..90).map(leaves).collect());
    assert_eq!(weigh_groups(std::slice::from_ref(&leavers), 100, vec![]).check(plan(vec![leavers])).1, []);
}

#[test]
fn a_short_census_holds_every_removal_and_nothing_else() {
    let guard = Guard::weigh(
        &Limits::default(),
        &Tally::default(),
        100,
        Some(Headcount { now: 79, before: 100 }),
        vec![],
    );
    let create = action(2, Kind::Create, Cause::NewRecord, vec![]);
    let (checked, held) = guard.check(plan(vec![off(1), create.clone()]));
    assert_eq!(checked.plan().actions, [create]);
    assert_eq!(held[0].code, "census_shrank");
    assert!(
        Guard::weigh(
            &Limits::default(),
            &Tally::default(),
            100,
            Some(Headcount { now: 80, before: 100 }),
            vec![]
        )
        .findings()
        .is_empty()
    );
    let few = Some(Headcount { now: 1, before: 6 });
    let guard = Guard::weigh(&Limits::default(), &Tally::default(), 6, few, vec![]);
    assert!(guard.findings().is_empty(), "five people of six");
}
