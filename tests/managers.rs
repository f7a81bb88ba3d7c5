//! Managers, who are named by their place and written by their account: whoever stands at the place
//! today is meant, and nobody loses one past the guard.

#![allow(clippy::unwrap_used)]

mod support;

use dirsyncd::cloud::CloudErrorKind;
use dirsyncd::guard::Limit;
use dirsyncd::model::{Field, Kind, SourceId};
use dirsyncd::store::Decision;
use support::fake_cloud::{Aim, Fault};
use support::org::{Org, manager, reports_to, runtime, unlimited};

/// An organization in which managers are mapped, with `reports` people who report to "boss".
fn org(reports: usize) -> Org {
    let mut org = Org::new();
    org.limits = unlimited();
    org.spec.mapping.insert(Field::Manager, "manager".into());
    org.directory().person("boss", |_| {});
    for i in 0..reports {
        reports_to(&org, &format!("p{i}"), "boss");
    }
    org
}

fn is(org: &Org, who: &str, boss: &str) {
    assert_eq!(manager(org, who).as_deref(), Some(format!("{boss}@example.com").as_str()), "{who}");
}

/// A leaver keeps the DN in the snapshot. Whoever comes to stand there is the manager, whichever of
/// the two anchors is the smaller, and whether the report's record was read anew or not.
#[test]
fn who_comes_to_the_place_of_a_leaver_is_the_manager() {
    for (old, new) in [(0xff, 1), (1, 0xff)] {
        for anew in [false, true] {
            let org = org(0);
            org.directory().person("boss", |entry| entry.anchor = SourceId::new([old; 16]));
            reports_to(&org, "p0", "boss");
            org.sync_all().unwrap();
            is(&org, "p0", "boss");
            let left = org.directory().state().remove("boss").unwrap();
            org.sync_all().unwrap();
            is(&org, "p0", "boss");
            org.directory().person("heir", |entry| {
                entry.anchor = SourceId::new([new; 16]);
                entry.cn.clone_from(&left.cn);
            });
            if anew {
                org.directory()
                    .person("p0", |entry| entry.attributes.insert("title".into(), vec!["x".into()]));
            }
            org.sync().unwrap();
            is(&org, "p0", "heir");
            // Read anew, without anything coming.
            org.directory().person("p0", |entry| entry.attributes.insert("title".into(), vec!["y".into()]));
            org.sync().unwrap();
            is(&org, "p0", "heir");
            assert_eq!(org.sync_all().unwrap().writes, 0);
        }
    }
}

/// The limit that is held against people who lose a value.
fn guarded(org: &mut Org) {
    org.limits.blank = Limit { count: 1, percent: 100, floor: 0 };
}

fn managers(org: &Org, reports: usize) -> Vec<Option<String>> {
    (0..reports).map(|i| manager(org, &format!("p{i}"))).collect()
}

/// Twelve people under a head, of whom they hear in the same pass: nobody loses a manager on the way.
fn under_a_new_head() -> Org {
    let mut org = org(12);
    guarded(&mut org);
    org.sync_all().unwrap();
    org.directory().person("head", |_| {});
    (0..12).for_each(|i| reports_to(&org, &format!("p{i}"), "head"));
    org
}

#[test]
fn nobody_loses_a_manager_for_one_who_comes() {
    let org = under_a_new_head();
    let planned = org.plan().unwrap();
    assert_eq!(planned.actions().len(), 1, "the head alone");
    assert_eq!(planned.parts.iter().map(|part| part.managed_later).sum::<u64>(), 12);
    let passed = org.sync().unwrap();
    assert_eq!((passed.acted.held.len(), passed.writes), (0, 13));
    (0..12).for_each(|i| is(&org, &format!("p{i}"), "head"));
    assert_eq!(org.sync_all().unwrap().writes, 0);
}

#[test]
fn a_manager_who_comes_is_not_forgotten_by_a_killed_pass() {
    for (step, follows) in (0..60).step_by(3).flat_map(|step| [(step, true), (step, false)]) {
        let mut org = under_a_new_head();
        org.follows = follows;
        org.killed_at_step(step);
        let passed = org.sync().unwrap();
        assert!(passed.acted.held.is_empty(), "step {step}: nothing is taken");
        (0..12).for_each(|i| is(&org, &format!("p{i}"), "head"));
        assert_eq!(org.sync_all().unwrap().writes, 0, "step {step}");
    }
}

/// The head is refused, or stays away: then they have none, by themselves, and past the guard nobody.
#[test]
fn a_manager_who_does_not_come_is_none() {
    for stays_away in [false, true] {
        let mut org = under_a_new_head();
        let refuse = || (Aim::Kind(Kind::Create), 0, Fault::Error(CloudErrorKind::Rejected));
        org.cloud.state().faults.push(refuse());
        org.sync().unwrap();
        assert_eq!(manager(&org, "p0").as_deref(), Some("boss@example.com"), "nothing is taken at once");
        if stays_away {
            org.directory().state().remove("head").unwrap();
        } else {
            org.cloud.state().faults.push(refuse());
        }
        let passed = org.sync().unwrap();
        assert_eq!(passed.acted.held.len(), 12, "stays away: {stays_away}");
        assert_eq!(passed.look.guard.findings()[0].code, "too_many_blanked");
        org.limits = unlimited();
        if stays_away {
            org.sync().unwrap();
            assert_eq!(managers(&org, 12), vec![None; 12]);
        }
        org.sync().unwrap();
        let head = (!stays_away).then(|| "head@example.com".to_owned());
        assert_eq!(managers(&org, 12), vec![head; 12]);
        assert_eq!(org.sync_all().unwrap().writes, 0);
    }
}

/// With the account of a manager who left, the reports lose theirs: that is planned, weighed, shown, and
/// approved as any other removal is.
#[test]
fn what_goes_with_a_deleted_account_is_weighed() {
    for follows in [false, true] {
        let mut org = org(12);
        guarded(&mut org);
        org.follows = follows;
        org.leavers.delete_after = Some(1_000);
        org.sync_all().unwrap();
        org.sync().unwrap();
        org.directory().state().remove("boss").unwrap();
        org.sync().unwrap();
        org.elapsed += 2_000;
        let passed = org.sync().unwrap();
        assert_eq!((passed.writes, passed.acted.held.len()), (1, 0), "the account alone");
        let planned = org.plan().unwrap();
        assert_eq!(planned.parts.iter().map(|part| part.held.len()).sum::<usize>(), 12);
        let mut held = org.sync().unwrap();
        assert_eq!((held.writes, held.acted.held.len()), (0, 12));
        let plan = held.acted.held_plan.take().unwrap();
        assert_eq!(org.sync_all().unwrap().acted.held_plan.as_ref(), Some(&plan), "it stays one plan");
        runtime().block_on(org.store.decide_held(&plan, Decision::Approved, org.now())).unwrap();
        assert_eq!(org.sync().unwrap().writes, 12);
        assert_eq!(org.sync_all().unwrap().writes, 0);
        assert!(org.store.reader().managers_due(None, 1).unwrap().is_empty());
    }
}

/// What somebody set by hand is kept, also when the manager whom the directory names comes later.
#[test]
fn a_manager_who_is_kept_in_the_cloud_is_asked_for_first() {
    for many in [false, true] {
        let mut org = org(0);
        org.spec.policy.keep_if_set_in_cloud = vec![Field::Manager];
        org.directory().person("hand", |_| {});
        let dn = "cn=late,ou=people,dc=example,dc=test".to_owned();
        for who in ["p0", "p1"] {
            org.directory().person(who, |entry| entry.attributes.insert("manager".into(), vec![dn.clone()]));
        }
        org.sync_all().unwrap();
        let hand = org.cloud.state().by_email("hand@example.com").unwrap().account.id.to_string();
        org.cloud.state().by_email("p0@example.com").unwrap().account.profile.insert(Field::Manager, hand);
        org.directory().person("late", |_| {});
        if many { org.sync_all() } else { org.sync() }.unwrap();
        is(&org, "p0", "hand");
        org.sync().unwrap();
        is(&org, "p0", "hand");
        is(&org, "p1", "late");
        assert_eq!(org.sync_all().unwrap().writes, 0);
    }
}

/// A place goes to another person. Where the directory leaves the place in the records of those who
/// report, whoever stands there now is meant; also when other rules leave the reports as they were.
#[test]
fn a_place_that_goes_to_somebody_else_takes_the_reports_along() {
    for (is_new, edited) in [(true, false), (false, false), (true, true), (false, true)] {
        let mut org = org(1);
        if !is_new {
            org.directory().person("heir", |_| {});
        }
        org.sync_all().unwrap();
        org.sync().unwrap();
        org.directory().person("boss", |entry| entry.cn = "former".into());
        org.directory().person("heir", |entry| entry.cn = "boss".into());
        if edited {
            org.spec.mapping.insert(Field::NickName, "if(cn == 'nobody', cn, '')".into());
        }
        org.sync().unwrap();
        is(&org, "p0", "heir");
        assert_eq!(org.sync_all().unwrap().writes, 0, "new: {is_new}, edited: {edited}");
        // And nobody stands there: the directory is taken to keep references in order.
        org.directory().person("heir", |entry| entry.cn = "chief".into());
        org.sync().unwrap();
        is(&org, "p0", "heir");
    }
}

/// Where changes are followed, nobody tells that the records of the reports were rewritten.
#[test]
fn a_manager_whose_place_goes_to_somebody_else_is_followed_where_nobody_read_the_reports() {
    let mut org = org(1);
    org.follows = true;
    org.sync_all().unwrap();
    org.sync().unwrap();
    org.directory().person("boss", |entry| entry.cn = "former".into());
    org.directory().person("heir", |entry| entry.cn = "boss".into());
    org.sync().unwrap();
    is(&org, "p0", "boss");
}

/// What is written when an account is created is written once, also when the manager comes later in the
/// same pass; it is not changed from then on, and not given to whoever was there before.
#[test]
fn a_manager_who_is_written_at_creation_is_set_once() {
    for step in 0..50 {
        let mut org = org(0);
        org.spec.policy.create_only = vec![Field::Manager];
        reports_to(&org, "p0", "boss");
        let dn = "cn=late,ou=people,dc=example,dc=test".to_owned();
        org.directory().person("old", |entry| entry.attributes.insert("manager".into(), vec![dn]));
        org.killed_at_step(step);
        org.sync().unwrap();
        is(&org, "p0", "boss");
        org.directory().person("late", |_| {});
        reports_to(&org, "p0", "late");
        reports_to(&org, "p1", "late");
        org.sync_all().unwrap();
        is(&org, "p0", "boss");
        is(&org, "p1", "late");
        assert_eq!(manager(&org, "old"), None, "step {step}");
        assert_eq!(org.sync_all().unwrap().writes, 0, "step {step}");
        assert!(org.store.reader().managers_due(None, 1).unwrap().is_empty(), "step {step}");
    }
}
