//! What changed in passing, between two passes on schedule: nobody is taken away, held up or
//! forgotten by it, and it costs nothing while nothing changes.

#![allow(clippy::unwrap_used)]

mod support;

use dirsyncd::guard::{Limit, Limits};
use dirsyncd::model::{Container, SourceId};
use dirsyncd::rules::EntitlementSpec;
use dirsyncd::store::Decision;
use support::fake_source::{Answers, Directory};
use support::org::Org;

/// Some people, all of whom are known.
fn settled(change: impl FnOnce(&mut Org)) -> Org {
    let mut org = Org::new();
    org.follows = true;
    let unlimited = Limit { count: u64::MAX, percent: 100, floor: u64::MAX };
    org.limits = Limits {
        deactivate: unlimited,
        delete: unlimited,
        license_remove: unlimited,
        blank: unlimited,
        group_member_remove: unlimited,
        group_delete: unlimited,
        min_census_percent: 0,
    };
    org.cloud.state().license("Messages", "message.messaging", None);
    for i in 0..20 {
        org.directory().person(&format!("p{i}"), |_| {});
    }
    change(&mut org);
    org.sync_all().unwrap();
    org.sync().unwrap();
    org
}

fn retitle(directory: &Directory, name: &str, title: &str) {
    directory.person(name, |entry| entry.attributes.insert("title".into(), vec![title.into()]));
}

fn is_active(org: &Org, name: &str) -> bool {
    let mail = format!("{name}@example.com");
    org.cloud.state().by_email(&mail).is_some_and(|kept| kept.account.active)
}

/// Somebody moved to a source that cannot tell changes.
#[test]
fn who_may_stand_in_a_source_that_was_not_asked_is_not_gone() {
    let org = settled(|org| {
        let other = Directory::new("files");
        other.state().mute = true;
        other.person("far", |entry| entry.expires = Some(org.now() + 1000));
        org.directories.push(other);
    });
    let moved = org.directory().state().people.remove("p3").unwrap();
    org.directories[1].state().people.insert("p3".into(), moved);
    retitle(org.directory(), "p1", "Boss");
    let passed = org.poll().unwrap().unwrap().unwrap();
    assert_eq!(passed.writes, 1, "the title alone");
    assert!(is_active(&org, "p3"));
    assert!(org.poll().unwrap().is_none(), "and then there is nothing");
    org.sync().unwrap();
    assert!(is_active(&org, "p3"));
}

/// Somebody of a source that cannot tell changes has to be looked at again at a time.
#[test]
fn who_is_due_in_a_source_that_was_not_asked_is_not_gone() {
    let mut org = settled(|org| {
        let other = Directory::new("files");
        other.state().mute = true;
        let soon = org.now() + 1000;
        other.person("far", |entry| entry.expires = Some(soon));
        org.directories.push(other);
    });
    org.elapsed += 2000;
    org.directories[1].person("far", |entry| entry.expires = None);
    retitle(org.directory(), "p1", "Boss");
    org.poll().unwrap();
    assert!(is_active(&org, "far"));
}

/// What waits for approval, was approved or rejected, is no reason for a pass.
#[test]
fn a_held_plan_is_no_reason_for_a_pass() {
    let mut org = settled(|_| {});
    org.limits.deactivate = Limit { count: 2, percent: 100, floor: 2 };
    for i in 0..5 {
        org.directory().state().people.remove(&format!("p{i}"));
    }
    let held = org.sync().unwrap().acted.held_plan.unwrap();
    assert!(org.poll().unwrap().is_none());
    // It stays one plan, whatever else happens.
    retitle(org.directory(), "p9", "Boss");
    let passed = org.poll().unwrap().unwrap().unwrap();
    assert_eq!(passed.acted.held_plan.as_deref(), Some(held.as_str()));
    assert!(org.poll().unwrap().is_none());
    let rejected = org.store.decide_held(&held, Decision::Rejected, 0);
    assert!(support::org::runtime().block_on(rejected).unwrap());
    assert!(org.poll().unwrap().is_none());
}

/// People who were hidden from a read of everything are hidden from lookups, too.
#[test]
fn a_short_census_is_not_believed_one_by_one() {
    let mut org = settled(|_| {});
    org.limits.min_census_percent = 80;
    org.limits.deactivate = Limit { count: 100, percent: 100, floor: 1 };
    let hidden: Vec<_> =
        (0..10).filter_map(|i| org.directory().state().people.remove(&format!("p{i}"))).collect();
    assert_eq!(org.sync_all().unwrap().acted.held.len(), hidden.len());
    retitle(org.directory(), "p15", "Boss");
    org.poll().unwrap();
    org.sync().unwrap();
    assert!((0..10).all(|i| is_active(&org, &format!("p{i}"))));
}

/// A source that is down is no reason for a pass of its own, and nothing is lost.
#[test]
fn a_source_that_is_down_is_no_reason_for_a_pass() {
    let org = settled(|org| org.directories.push(Directory::new("subsidiary")));
    org.directories[1].state().answers = Answers::Nothing;
    assert!(org.poll().unwrap().is_none());
    retitle(org.directory(), "p1", "Boss");
    assert_eq!(org.poll().unwrap().unwrap().unwrap().writes, 1);
    org.directory().state().people.remove("p2");
    assert!(org.poll().unwrap().is_none());
    assert!(is_active(&org, "p2"));
    org.directories[1].state().answers = Answers::Whole;
    org.poll().unwrap().unwrap().unwrap();
    assert!(!is_active(&org, "p2"));
}

/// The members of a group are kept out; whoever leaves it is found although no group names them.
#[test]
fn who_leaves_an_excluded_group_comes() {
    let org = settled(|org| {
        org.spec.scope.exclude_groups = vec!["contractors".into()];
        org.directory().group("contractors", |group| {
            group.members.extend(["p1".to_owned(), "p2".into()]);
        });
    });
    assert!(!is_active(&org, "p1"));
    org.directory().group("contractors", |group| group.members.remove("p1"));
    org.sync().unwrap();
    assert!(is_active(&org, "p1"));
    assert!(!is_active(&org, "p2"));
}

/// Whom a group counts as its members through the primary group is in no list.
#[test]
fn primary_members_of_a_nested_group() {
    let org = settled(|org| {
        org.spec.entitlements = vec![EntitlementSpec {
            groups: vec!["staff".into()],
            licenses: vec!["Messages".into()],
            ..EntitlementSpec::default()
        }];
        org.directory().group("staff", |group| group.members.insert("p2".into()));
        org.directory().group("domain users", |_| {});
        org.directory().person("p1", |entry| entry.primary_group = Some("domain users".into()));
    });
    org.directory().group("staff", |group| group.members.insert("domain users".into()));
    assert_eq!(org.sync().unwrap().writes, 1);
    org.directory().group("staff", |group| group.members.remove("domain users"));
    assert_eq!(org.sync().unwrap().writes, 1);
}

/// A unit was moved out of the bases: the server tells that it is gone, and nothing of those below.
#[test]
fn a_unit_that_is_moved_out_of_sight_takes_its_people_along() {
    let unit = SourceId::new([9; 16]);
    let org = settled(|org| {
        org.directory().person("p4", |entry| entry.ou = "Sales".into());
        let dn = "ou=sales,dc=example,dc=test".into();
        org.directory().state().containers.push(Container { anchor: unit, dn });
    });
    {
        let mut state = org.directory().state();
        state.people.remove("p4");
        for (people, _) in &mut state.past {
            people.remove("p4");
        }
        state.hidden.push(unit);
    }
    org.poll().unwrap().unwrap().unwrap();
    assert!(!is_active(&org, "p4"));
    assert!(is_active(&org, "p5"));
}
