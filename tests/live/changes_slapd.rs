//! What an OpenLDAP server tells about changes, by RFC 4533 and by time.

use std::sync::Arc;
use std::time::Duration;

use dirsyncd::model::{Cursor, Hint, Hinted, Method, SourceId, Watched};
use dirsyncd::source::Source;
use dirsyncd::source::ldap::{LdapSource, Settings};
use tokio::time::timeout;

use crate::reading::{ask, find, read_ldap, slapd_settings};
use crate::support::slapd::{Options, SUFFIX, SessionLog, Slapd, group_ldif, people_ldif};
use crate::telling::{cursor, doubt, person, set_title, since, told, watch, woken};

fn company() -> Options {
    Options::default()
        .ldif(&people_ldif(0, 10))
        .ldif(&group_ldif("team", [person(0).as_str(), person(1).as_str()]))
}

async fn anchor_of(settings: &Settings, n: usize) -> SourceId {
    let (records, _) = read_ldap(settings, &ask(&["mail"])).await;
    find(&records, "mail", &format!("u{n}@example.com")).anchor
}

#[tokio::test(flavor = "multi_thread")]
async fn every_kind_of_change_is_told_once() {
    let branch = format!("ou=branch,ou=people,{SUFFIX}");
    let slapd = company()
        .ldif(&format!("dn: {branch}\nobjectClass: organizationalUnit\nou: branch"))
        .ldif(&people_ldif(20, 1).replace("ou=people", "ou=branch,ou=people"))
        .start();
    let settings = slapd_settings(&slapd);
    let gone = anchor_of(&settings, 2).await;
    let moved = anchor_of(&settings, 3).await;
    let (cursor, advice) = cursor(&settings).await;
    let cursor = cursor.expect("a cursor");
    assert_eq!((cursor.method, cursor.tells_deletions, cursor.good_for), (Method::Syncrepl, true, None));
    assert_eq!(advice, "");

    let (hints, mut cursor) = since(&settings, &cursor).await;
    assert_eq!(hints, []);

    let people = |rest: &str| format!("uid={rest},ou=people,{SUFFIX}");
    let ou = |name: &str| format!("ou={name},{SUFFIX}");
    let team = format!("cn=team,ou=groups,{SUFFIX}");
    let unit = |name: &str| {
        format!("dn: ou={name},{}\nobjectClass: organizationalUnit\nou: {name}\n\n", ou("people"))
    };
    let change = |text: &str| slapd.modify(text);
    // Each edit, and what is told of it alone.
    type Edit<'a> = Box<dyn Fn() + 'a>;
    let steps: Vec<(Edit<'_>, Vec<String>)> = vec![
        (Box::new(|| change(&set_title(1, "Chief"))), vec![format!("Object {}", person(1))]),
        (
            Box::new(|| change(&format!("dn: {}\nchangetype: modify\ndelete: title\n", person(1)))),
            vec![format!("Object {}", person(1))],
        ),
        (Box::new(|| change(&people_ldif(10, 1))), vec![format!("Object {}", person(10))]),
        (
            Box::new(|| slapd.rename(&person(10), "uid=renamed", None)),
            vec![format!("Object {}", people("renamed"))],
        ),
        (Box::new(|| slapd.delete(&[&person(2)])), vec!["Gone".into()]),
        (
            Box::new(|| {
                change(&format!("dn: {team}\nchangetype: modify\nadd: member\nmember: {}\n", person(4)))
            }),
            vec![format!("Group {team}")],
        ),
        (
            Box::new(|| {
                change(&format!("dn: {team}\nchangetype: modify\ndelete: member\nmember: {}\n", person(4)))
            }),
            vec![format!("Group {team}")],
        ),
        // Out of the bases, where nobody looks, and back.
        (Box::new(|| slapd.rename(&person(3), "uid=u3", Some(SUFFIX))), vec!["Gone".into()]),
        (
            Box::new(|| slapd.rename(&format!("uid=u3,{SUFFIX}"), "uid=u3", Some(&ou("people")))),
            vec![format!("Object {}", person(3))],
        ),
        (Box::new(|| change(&unit("sales"))), vec![format!("Container ou=sales,{}", ou("people"))]),
        (
            Box::new(|| slapd.rename(&person(5), "uid=u5", Some(&format!("ou=sales,{}", ou("people"))))),
            vec![format!("Object uid=u5,ou=sales,{}", ou("people"))],
        ),
        // Of a unit that is renamed, only the unit is told.
        (
            Box::new(|| slapd.rename(&branch, "ou=market", None)),
            vec![format!("Container ou=market,{}", ou("people"))],
        ),
        // An edit outside the bases is told as something that is not below them.
        (
            Box::new(|| {
                change(&format!(
                    "dn: cn=limited,{SUFFIX}\nchangetype: modify\nreplace: description\ndescription: x\n"
                ))
            }),
            vec!["Gone".into()],
        ),
    ];
    for (number, (edit, expected)) in steps.iter().enumerate() {
        edit();
        let (hints, next) = since(&settings, &cursor).await;
        assert_eq!(&told(&hints), expected, "step {number}");
        assert_ne!(next.mark, cursor.mark, "step {number}");
        let ids: Vec<SourceId> = hints.iter().filter(|h| h.what == Hinted::Gone).map(|h| h.anchor).collect();
        match number {
            4 => assert_eq!(ids, [gone]),
            7 => assert_eq!(ids, [moved]),
            8 => assert_eq!(hints[0].anchor, moved),
            _ => {}
        }
        cursor = next;
    }
    let (hints, last) = since(&settings, &cursor).await;
    assert_eq!((hints, last), (vec![], cursor));
}

#[tokio::test(flavor = "multi_thread")]
async fn several_changes_come_together_and_an_old_cursor_stays_good() {
    let slapd = company().start();
    let settings = slapd_settings(&slapd);
    let (first, _) = cursor(&settings).await;
    let first = first.expect("a cursor");
    slapd.modify(&set_title(1, "Chief"));
    let (_, _) = since(&settings, &first).await;
    slapd.delete(&[&person(2)]);
    slapd.rename(&person(3), "uid=u3", Some(&format!("ou=groups,{SUFFIX}")));
    let expected = [
        "Gone".to_owned(),
        format!("Object {}", person(1)),
        // In one base no more and in the other now: there.
        format!("Object uid=u3,ou=groups,{SUFFIX}"),
    ];
    for _ in 0..2 {
        let (hints, _) = since(&settings, &first).await;
        assert_eq!(told(&hints), expected);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_lost_session_log_is_a_doubt_only_when_something_changed() {
    for (log, kept) in [(SessionLog::Memory(10_000), false), (SessionLog::Kept, true)] {
        let mut slapd = company().session_log(log).start();
        // A kept log begins with the first change.
        slapd.modify(&set_title(0, "Founder"));
        let (before, _) = cursor(&slapd_settings(&slapd)).await;
        let before = before.expect("a cursor");
        slapd.modify(&set_title(1, "Chief"));
        slapd.delete(&[&person(2)]);
        let (_, after) = since(&slapd_settings(&slapd), &before).await;
        slapd.stop();
        slapd.start();
        // The ports may be others now; the cursor is bound to the URL.
        let settings = slapd_settings(&slapd);
        if settings.urls[0] != slapd.tls_url() {
            continue;
        }
        let (hints, _) = since(&settings, &after).await;
        assert_eq!(hints, []);
        if kept {
            let (hints, _) = since(&settings, &before).await;
            assert_eq!(told(&hints), ["Gone".to_owned(), format!("Object {}", person(1))]);
        } else {
            let reason = doubt(&settings, &before).await;
            assert!(reason.contains("session log"), "{reason}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_session_log_that_is_too_short_or_missing_is_a_doubt() {
    for log in [SessionLog::Memory(2), SessionLog::Without] {
        let slapd = company().session_log(log).start();
        let settings = slapd_settings(&slapd);
        let (before, _) = cursor(&settings).await;
        let before = before.expect("a cursor");
        for n in 3..8 {
            slapd.delete(&[&person(n)]);
        }
        let reason = doubt(&settings, &before).await;
        assert!(reason.contains("session log"), "{reason}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn cookies_that_prove_nothing_are_doubted() {
    let slapd = company().start();
    let settings = slapd_settings(&slapd);
    let (good, _) = cursor(&settings).await;
    let good = good.expect("a cursor");
    let csn = "csn=20";
    assert!(good.mark.contains(csn), "{}", good.mark);
    let with = |mark: String| Cursor { mark, ..good.clone() };
    for (cursor, words) in [
        (with("junk".into()), "cannot be read"),
        (with("[]".into()), "other bases"),
        (with(good.mark.replace("ou=people", "ou=elsewhere")), "other bases"),
        (with(good.mark.replace("rid=000,csn=", "x")), "no cookie"),
        // From a later time: the server was restored from a backup.
        (with(good.mark.replace(csn, "csn=30")), "older copy"),
        (with(good.mark.replace("#000#000000", "#001#000000")), ""),
        (Cursor { identity: "dc=other".into(), ..good.clone() }, "another server"),
    ] {
        let reason = doubt(&settings, &cursor).await;
        assert!(reason.contains(words), "{words}: {reason}");
    }
    let other = Settings { person_filter: Some("(mail=*)".into()), ..settings };
    let reason = doubt(&other, &good).await;
    assert!(reason.contains("settings"), "{reason}");
}

#[tokio::test(flavor = "multi_thread")]
async fn more_changes_than_are_looked_up_one_by_one_are_a_doubt() {
    let slapd = Options::default().session_log(SessionLog::Memory(100_000)).ldif(&people_ldif(0, 3)).start();
    let settings = slapd_settings(&slapd);
    let (before, _) = cursor(&settings).await;
    let before = before.expect("a cursor");
    slapd.modify(&people_ldif(3, dirsyncd::model::MANY + 10));
    let reason = doubt(&settings, &before).await;
    assert!(reason.contains("more than"), "{reason}");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_anchor_of_the_administrators_tells_everything_but_deletions() {
    let slapd = Options::default().ldif(&people_ldif(0, 5)).start();
    let settings = Settings { anchor: Some("employeeNumber".into()), ..slapd_settings(&slapd) };
    let anchor = anchor_of(&settings, 1).await;
    let (before, advice) = cursor(&settings).await;
    let before = before.expect("a cursor");
    assert!(!before.tells_deletions);
    assert!(advice.contains("full reads"), "{advice}");
    slapd.modify(&set_title(1, "Chief"));
    slapd.delete(&[&person(2)]);
    let (hints, _) = since(&settings, &before).await;
    assert_eq!(hints, [Hint { anchor, dn: Some(person(1)), what: Hinted::Object }]);
}

#[tokio::test(flavor = "multi_thread")]
async fn without_synchronization_time_is_the_means() {
    let slapd = company().session_log(SessionLog::NoSynchronization).start();
    let mut settings = slapd_settings(&slapd);
    let (got, advice) = cursor(&settings).await;
    assert_eq!(got.expect("a cursor").method, Method::Timestamp);
    assert!(advice.contains("overlay syncprov") && advice.contains("deleted"), "{advice}");

    settings.changes = Some(Method::Syncrepl);
    let (got, advice) = cursor(&settings).await;
    assert_eq!(got, None);
    assert!(advice.contains("overlay syncprov"), "{advice}");

    let watched = LdapSource::new(settings).watch(&ask(&[]), Arc::default()).await;
    assert_eq!(watched.expect("an answer"), Watched::Unsupported);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_account_that_may_not_read_the_place_is_told_so() {
    let hidden = format!("access to dn.base=\"{SUFFIX}\" attrs=contextCSN by * none");
    let slapd = company().access(&hidden).start();
    let settings = Settings { changes: Some(Method::Syncrepl), ..slapd_settings(&slapd) };
    let (got, advice) = cursor(&settings).await;
    assert_eq!(got, None);
    assert!(advice.contains("let the bind account read contextCSN"), "{advice}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_change_wakes_within_a_second() {
    let mut slapd: Slapd = company().start();
    let (wake, watching) = watch(&slapd_settings(&slapd));
    woken(&wake).await;
    for edit in 0..3 {
        match edit {
            0 => slapd.modify(&set_title(1, "Chief")),
            1 => slapd.delete(&[&person(2)]),
            _ => slapd.modify(&group_ldif("new", [person(1).as_str()])),
        }
        timeout(Duration::from_secs(1), wake.notified()).await.unwrap_or_else(|_| panic!("edit {edit}"));
    }
    // Nothing changed: nobody is woken.
    assert!(timeout(Duration::from_millis(300), wake.notified()).await.is_err());
    slapd.stop();
    let ended = timeout(Duration::from_secs(5), watching).await.expect("an end").expect("no panic");
    assert!(matches!(ended, Watched::Ended(_)), "{ended:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_froze_is_noticed_and_waiting_can_be_given_up() {
    let slapd = company().start();
    let settings = Settings { operation_timeout: Duration::from_secs(1), ..slapd_settings(&slapd) };
    let (wake, watching) = watch(&settings);
    woken(&wake).await;
    slapd.pause();
    let ended = timeout(Duration::from_secs(10), watching).await.expect("an end").expect("no panic");
    slapd.resume();
    assert!(matches!(&ended, Watched::Ended(words) if words.contains("no answer")), "{ended:?}");

    let (wake, watching) = watch(&settings);
    woken(&wake).await;
    watching.abort();
    assert!(watching.await.expect_err("given up").is_cancelled());
    slapd.modify(&set_title(1, "Chief"));
    assert!(timeout(Duration::from_millis(300), wake.notified()).await.is_err());
}
