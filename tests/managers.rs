//! Managers, who are named by their place and written by their account: whoever stands at the place
//! today is meant, and nobody loses one past the guard.

#![allow(clippy::unwrap_used)]

mod support;

use dirsyncd::model::{Field, SourceId};
use support::org::{Org, unlimited};

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

/// They name whoever stands where "boss" stands now.
fn reports_to(org: &Org, who: &str, boss: &str) {
    let boss = org.directory().state().people[boss].dn();
    org.directory().person(who, |entry| entry.attributes.insert("manager".into(), vec![boss]));
}

/// The address of the manager whom somebody has in the cloud.
fn manager(org: &Org, who: &str) -> Option<String> {
    let mut cloud = org.cloud.state();
    let id =
        cloud.by_email(&format!("{who}@example.com")).unwrap().account.profile.get(&Field::Manager)?.clone();
    let boss = cloud.accounts.values().find(|kept| kept.account.id.as_str() == id)?;
    boss.account.email.as_ref().map(ToString::to_string)
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
                org.directory().person("p0", |entry| entry.attributes.insert("title".into(), vec!["x".into()]));
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
