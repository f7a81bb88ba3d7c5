//! What is told about changes by the time of the last modification alone.

use dirsyncd::model::{Changes, Cursor, Method};
use dirsyncd::source::Source;
use dirsyncd::source::ldap::{LdapSource, Settings};

use crate::reading::{ask, samba_settings, slapd_settings};
use crate::support::samba::Samba;
use crate::support::slapd::{Options, SUFFIX, group_ldif, people_ldif};
use crate::telling::{cursor, doubt, person, set_title, since, told};

#[tokio::test(flavor = "multi_thread")]
async fn by_time_what_changed_is_told_and_what_is_gone_is_not() {
    let slapd = Options::default()
        .ldif(&people_ldif(0, 10))
        .ldif(&group_ldif("team", [person(0).as_str(), person(1).as_str()]))
        .start();
    let settings = Settings { changes: Some(Method::Timestamp), ..slapd_settings(&slapd) };
    let (before, advice) = cursor(&settings).await;
    let before = before.expect("a cursor");
    assert!(!before.tells_deletions);
    assert!(advice.contains("index"), "{advice}");
    slapd.modify(&set_title(1, "Chief"));
    slapd.delete(&[&person(2)]);
    slapd.rename(&format!("ou=groups,{SUFFIX}"), "ou=teams", None);
    let settings = Settings { group_bases: vec![format!("ou=teams,{SUFFIX}")], ..settings };
    let (Changes::Doubt(reason), cursor) = (
        LdapSource::new(settings.clone()).changes(&ask(&["mail"]), &before).await.expect("an answer"),
        cursor(&settings).await.0.expect("a cursor"),
    ) else {
        panic!("a cursor for other bases was taken")
    };
    assert!(reason.contains("settings"), "{reason}");
    let (hints, _) = since(&settings, &cursor).await;
    let told = told(&hints);
    // The directory is younger than the overlap: everything is told, and what it is.
    assert!(told.contains(&format!("Object {}", person(1))), "{told:?}");
    assert!(told.contains(&format!("Container ou=teams,{SUFFIX}")), "{told:?}");
    assert!(told.contains(&format!("Group cn=team,ou=teams,{SUFFIX}")), "{told:?}");
    assert!(!told.iter().any(|hint| hint.starts_with("Gone") || hint.contains("uid=u2,")), "{told:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn times_far_from_ours_hide_nothing() {
    let old = |n: usize, time: &str| {
        people_ldif(n, 1).replace("objectClass", &format!("modifyTimestamp: {time}\nobjectClass"))
    };
    let slapd = Options::default().ldif(&old(1, "20010101000000Z")).ldif(&old(2, "20990101000000Z")).start();
    let settings = Settings {
        changes: Some(Method::Timestamp),
        bases: vec![format!("ou=people,{SUFFIX}")],
        group_bases: vec![format!("ou=groups,{SUFFIX}")],
        ..slapd_settings(&slapd)
    };
    let (before, _) = cursor(&settings).await;
    let before = before.expect("a cursor");
    slapd.modify(&people_ldif(3, 1));
    let (hints, mut after) = since(&settings, &before).await;
    let first = told(&hints);
    assert!(first.contains(&format!("Object {}", person(3))), "{first:?}");
    // The entry from the future is told, the one from the past never.
    assert!(first.contains(&format!("Object {}", person(2))), "{first:?}");
    assert!(!first.contains(&format!("Object {}", person(1))), "{first:?}");
    // The same is not told twice, and a second change within the same second is.
    let (again, same) = since(&settings, &after).await;
    assert_eq!((told(&again), &same), (vec![], &after));
    for title in ["Chief", "Head", "Boss"] {
        slapd.modify(&set_title(3, title));
        let (hints, next) = since(&settings, &after).await;
        assert_eq!(told(&hints), [format!("Object {}", person(3))]);
        after = next;
    }
    assert!(after.mark.starts_with("20") && !after.mark.starts_with("2099"), "{}", after.mark);
    let reason = doubt(&settings, &Cursor { mark: "yesterday".into(), ..after }).await;
    assert!(reason.contains("not a time"), "{reason}");
}

#[tokio::test(flavor = "multi_thread")]
async fn active_directory_keeps_its_time_elsewhere() {
    let samba = Samba::start();
    let ann = samba.add_user("ann", "Ann Lee");
    let settings = Settings { changes: Some(Method::Timestamp), ..samba_settings(&samba) };
    let (got, advice) = cursor(&settings).await;
    let before = got.unwrap_or_else(|| panic!("{advice}"));
    samba.set(&ann, "title", "Chief");
    let (hints, _) = since(&settings, &before).await;
    assert!(told(&hints).contains(&format!("Object {ann}")), "{:?}", told(&hints));
}
