//! What changed in passing, between two passes on schedule: nobody is taken away, held up or
//! forgotten by it, and it costs nothing while nothing changes.

#![allow(clippy::unwrap_used)]

mod support;

use std::collections::BTreeMap;

use dirsyncd::cloud::CloudErrorKind;
use dirsyncd::guard::Limit;
use dirsyncd::model::{Container, Kind, LicenseId, SourceId};
use dirsyncd::pass::forget_cursors;
use dirsyncd::rules::EntitlementSpec;
use dirsyncd::store::{Decision, Meta};
use support::fake_cloud::{Aim, Fault};
use support::fake_source::{Answers, Directory, Entry, State};
use support::org::{Org, unlimited};

/// Some people, all of whom are known.
fn settled(change: impl FnOnce(&mut Org)) -> Org {
    let mut org = Org::new();
    org.follows = true;
    org.limits = unlimited();
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
    let moved = org.directory().state().remove("p3").unwrap();
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
        org.directory().state().remove(&format!("p{i}"));
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
    let hidden: Vec<_> = (0..10).filter_map(|i| org.directory().state().remove(&format!("p{i}"))).collect();
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
    org.directory().state().remove("p2");
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
        state.remove("p4");
        for past in &mut state.past {
            past.people.remove("p4");
        }
        state.hidden.push(unit);
    }
    org.poll().unwrap().unwrap().unwrap();
    assert!(!is_active(&org, "p4"));
    assert!(is_active(&org, "p5"));
}

/// An address that the cloud refuses although nobody is seen with it (another organization has
/// it) is tried again by passes on schedule, and not every half minute.
#[test]
fn a_refused_address_waits_for_the_schedule() {
    let org = settled(|_| {});
    org.directory().person("p3", |entry| {
        entry.attributes.insert("mail".into(), vec!["elsewhere@example.com".into()]);
    });
    org.directory().person("new", |_| {});
    let conflict = Fault::Error(CloudErrorKind::Conflict);
    let refuse = || {
        org.cloud.state().faults =
            [Kind::Update, Kind::Create].map(|kind| (Aim::Kind(kind), 0, conflict)).into()
    };
    refuse();
    let passed = org.poll().unwrap().unwrap().unwrap();
    assert_eq!((passed.writes, passed.acted.failed.len()), (2, 2));
    refuse();
    assert!(org.poll().unwrap().is_none());
    retitle(org.directory(), "p1", "Boss");
    org.cloud.state().faults.clear();
    assert_eq!(org.poll().unwrap().unwrap().unwrap().writes, 1, "the title alone");
    refuse();
    assert_eq!(org.sync().unwrap().acted.failed.len(), 2);
    org.cloud.state().faults.clear();
    assert!(org.sync().unwrap().acted.failed.is_empty());
    assert!(is_active(&org, "new") && org.cloud.state().by_email("elsewhere@example.com").is_some());
}

/// Beside the cursor of before, the unit that was moved must not look as if it stood there all along.
#[test]
fn a_unit_that_was_moved_is_moved_also_after_a_read_in_part() {
    let unit = SourceId::new([9; 16]);
    let org = settled(|org| {
        org.directory().person("p4", |entry| entry.ou = "sales".into());
        let dn = "ou=sales,dc=example,dc=test".into();
        org.directory().state().containers.push(Container { anchor: unit, dn });
    });
    {
        // Those below are not told of.
        let mut state = org.directory().state();
        let moved = |people: &mut BTreeMap<String, Entry>| people.get_mut("p4").unwrap().ou = "it".into();
        moved(&mut state.people);
        state.past.iter_mut().for_each(|past| moved(&mut past.people));
        state.containers[0].dn = "ou=it,dc=example,dc=test".into();
        state.answers = Answers::Only(2);
    }
    assert_eq!(org.sync_all().unwrap().look.reading.partial.len(), 1);
    org.directory().state().answers = Answers::Whole;
    let reason = org.poll().unwrap().unwrap().err().expect("everything is read");
    assert!(reason.contains("moved or renamed"), "{reason}");
    org.sync_all().unwrap();
    assert!(org.poll().unwrap().is_none(), "and then there is nothing");
}

/// A unit is moved into the bases: the server tells of it alone, whatever stands below it.
#[test]
fn a_unit_that_is_moved_into_sight_brings_everything_along() {
    let [unit, sub] = [[8; 16], [9; 16]].map(SourceId::new);
    let org = settled(|org| {
        org.spec.entitlements = vec![EntitlementSpec {
            groups: vec!["staff".into()],
            licenses: vec!["Messages".into()],
            ..EntitlementSpec::default()
        }];
        org.directory().group("staff", |_| {});
    });
    let container = |anchor, ou: &str| Container { anchor, dn: format!("{ou},dc=example,dc=test") };
    // Of what stood there before nothing is told.
    let untold = |change: &dyn Fn(&mut State)| {
        let mut state = org.directory().state();
        change(&mut state);
        let (people, groups) = (state.people.clone(), state.groups.clone());
        state.past.iter_mut().for_each(|past| {
            (past.people, past.groups) = (people.clone(), groups.clone());
            past.containers = vec![container(sub, "ou=sub,ou=new"), container(sub, "ou=sub2,ou=new")];
        });
    };
    org.directory().person("late", |entry| entry.ou = "sub,ou=new".into());
    org.directory().group("inner", |group| {
        group.ou = "new".into();
        group.members.insert("p7".into());
    });
    org.directory().group("staff", |group| group.members.insert("inner".into()));
    untold(&|state| state.containers = vec![container(unit, "ou=new"), container(sub, "ou=sub,ou=new")]);
    org.poll().unwrap().unwrap().unwrap();
    assert!(is_active(&org, "late"));
    let inner = org.directory().state().groups["inner"].anchor;
    assert!(org.store.reader().groups().unwrap().iter().any(|row| row.anchor == inner), "the group is known");
    assert!(org.poll().unwrap().is_none());
    // The unit in it is known, too.
    untold(&|state| {
        state.people.get_mut("late").unwrap().ou = "sub2,ou=new".into();
        state.containers[1] = container(sub, "ou=sub2,ou=new");
    });
    for past in &mut org.directory().state().past {
        past.containers.pop();
    }
    let reason = org.poll().unwrap().unwrap().err().expect("everything is read");
    assert!(reason.contains("moved or renamed"), "{reason}");
}

fn cursors(org: &Org) -> Vec<bool> {
    org.store.reader().meta().unwrap().sources.values().map(|known| known.cursor.is_some()).collect()
}

/// Where a poll finds out that everything has to be read, it does so once: should the read fail, the
/// next pass on schedule tries again, and polls are silent until then.
#[test]
fn a_poll_that_leads_to_reading_everything_does_so_once() {
    let org = settled(|org| {
        org.directories.push(Directory::new("subsidiary"));
        org.spec.scope.exclude_groups = vec!["contractors".into()];
        org.directory().group("contractors", |_| {});
        org.directory().group("others", |group| group.members.insert("p1".into()));
    });
    assert_eq!(cursors(&org), [true, true]);
    org.directory().group("others", |group| group.cn = "renamed".into());
    let reason = org.poll().unwrap().unwrap().err().expect("everything is read");
    assert!(reason.contains("moved or renamed"), "{reason}");
    assert_eq!(cursors(&org), [false, false]);
    assert!(org.poll().unwrap().is_none(), "nobody is asked, and nothing read");
    // Who was read completely is followed again.
    org.directories[1].state().answers = Answers::Nothing;
    org.sync_all().unwrap();
    assert_eq!(cursors(&org), [true, false]);
    retitle(org.directory(), "p1", "Boss");
    assert_eq!(org.poll().unwrap().unwrap().unwrap().writes, 1);
    org.directories[1].state().answers = Answers::Whole;
    org.sync().unwrap();
    assert_eq!(cursors(&org), [true, true]);
    assert!(org.poll().unwrap().is_none());
}

/// On schedule, only the source is doubted that gave a reason.
#[test]
fn only_a_doubted_cursor_is_forgotten() {
    let org = settled(|org| org.directories.push(Directory::new("subsidiary")));
    let mut meta = org.store.reader().meta().unwrap();
    let known = |meta: &Meta| meta.sources.values().map(|known| known.cursor.is_some()).collect::<Vec<_>>();
    forget_cursors(&mut meta, None, false);
    assert_eq!(known(&meta), [true, true]);
    forget_cursors(&mut meta, Some("subsidiary"), false);
    assert_eq!(known(&meta), [true, false]);
}

/// A licence that the rules name is another one in the cloud, on a day on which a source is down.
#[test]
fn a_changed_catalogue_is_no_reason_to_read_everything_again_and_again() {
    let mut org = settled(|org| {
        org.spec.entitlements = vec![EntitlementSpec {
            groups: vec!["staff".into()],
            licenses: vec!["Messages".into()],
            ..EntitlementSpec::default()
        }];
        org.directory().group("staff", |group| group.members.insert("p1".into()));
        org.directories.push(Directory::new("subsidiary"));
    });
    let read_all = |org: &Org, title: &str| {
        retitle(org.directory(), "p1", title);
        let passed = org.poll().unwrap().unwrap().unwrap();
        assert!(passed.writes > 0);
        passed.look.reading.concerned.is_none()
    };
    assert!(!read_all(&org, "a"));
    {
        let mut cloud = org.cloud.state();
        cloud.licenses.retain(|license| license.name != "Messages");
        cloud.license("Messages", "message.messaging", None);
        cloud.licenses.last_mut().unwrap().id = LicenseId::new("lic:other");
    }
    org.directories[1].state().answers = Answers::Nothing;
    assert!(read_all(&org, "b"));
    assert_eq!(org.reasons.lock().unwrap().len(), 1, "the log says why");
    assert!(!read_all(&org, "c"), "not again and again");
    org.elapsed += 4_000;
    assert!(read_all(&org, "d"), "but from time to time");
    org.directories[1].state().answers = Answers::Whole;
    org.elapsed += 4_000;
    assert!(read_all(&org, "e"));
    assert!(!read_all(&org, "f"), "that one was complete");
    let holder = |license: &str| {
        let cloud = org.cloud.state();
        cloud.accounts.values().any(|kept| kept.licenses.contains_key(&LicenseId::new(license)))
    };
    assert!(holder("lic:other"));
}

/// What only earlier rules named, and nobody has any more, is not looked for for ever.
#[test]
fn licences_of_earlier_rules_are_forgotten_when_nobody_has_them() {
    let entitled = |license: &str| EntitlementSpec {
        groups: vec!["staff".into()],
        licenses: vec![license.into()],
        ..EntitlementSpec::default()
    };
    let mut org = settled(|org| {
        org.cloud.state().license("Meetings", "meeting.meetings", None);
        org.spec.entitlements = vec![entitled("Messages")];
        org.directory().group("staff", |group| group.members.insert("p1".into()));
    });
    let known = |org: &Org| -> Vec<String> {
        let meta = org.store.reader().meta().unwrap();
        meta.licenses.iter().map(|license| license.to_string()).collect()
    };
    assert_eq!(known(&org), ["lic:Messages"]);
    // As long as it is not taken back, because of the guard, it is not forgotten.
    org.spec.entitlements = vec![entitled("Meetings")];
    let unlimited = org.limits.license_remove;
    org.limits.license_remove = Limit { count: 0, percent: 0, floor: 0 };
    org.sync_all().unwrap();
    assert_eq!(known(&org), ["lic:Meetings", "lic:Messages"]);
    org.limits.license_remove = unlimited;
    org.sync_all().unwrap();
    org.sync_all().unwrap();
    assert_eq!(known(&org), ["lic:Meetings"]);
}
