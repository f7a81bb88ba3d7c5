//! What a 389 Directory Server tells about changes, with all its quirks.

use std::time::Duration;

use dirsyncd::model::{Cursor, Method, Redacted, Watched};
use dirsyncd::source::ldap::Settings;
use tokio::time::timeout;

use crate::support::ds389::{Ds389, RECORD_IDS};
use crate::support::process::await_until;
use crate::support::slapd::{PASSWORD, READER, SUFFIX, group_ldif, people_ldif};
use crate::telling::{cursor, doubt, person, set_title, since, told, watch, woken};

fn settings(ds: &Ds389) -> Settings {
    Settings {
        danger_plain_ldap: true,
        bind: Some(READER.into()),
        password: Redacted(PASSWORD.into()),
        bases: vec![format!("ou=people,{SUFFIX}")],
        group_bases: vec![format!("ou=groups,{SUFFIX}")],
        operation_timeout: Duration::from_secs(10),
        ..Settings::new("company", &[&ds.url()])
    }
}

fn company(changelog: &[&str]) -> Ds389 {
    let ds = Ds389::start(changelog);
    ds.modify(&people_ldif(0, 6));
    ds.modify(&group_ldif("team", [person(0).as_str(), person(1).as_str()]));
    ds
}

#[tokio::test(flavor = "multi_thread")]
async fn every_kind_of_change_is_told_once() {
    let ds = company(&[RECORD_IDS]);
    let settings = settings(&ds);
    let (got, advice) = cursor(&settings).await;
    let mut cursor = got.unwrap_or_else(|| panic!("{advice}"));
    assert_eq!((cursor.method, cursor.tells_deletions), (Method::Syncrepl, true), "{advice}");
    assert_eq!(since(&settings, &cursor).await, (vec![], cursor.clone()));

    let team = format!("cn=team,ou=groups,{SUFFIX}");
    let people = format!("ou=people,{SUFFIX}");
    let object = |dn: &str| vec![format!("Object {dn}")];
    let market = format!("ou=market,{people}");
    type Edit<'a> = Box<dyn Fn() + 'a>;
    let steps: Vec<(Edit<'_>, Vec<String>)> = vec![
        (Box::new(|| ds.modify(&set_title(1, "Chief"))), object(&person(1))),
        (
            Box::new(|| ds.modify(&format!("dn: {}\nchangetype: modify\ndelete: title\n", person(1)))),
            object(&person(1)),
        ),
        (Box::new(|| ds.modify(&people_ldif(7, 1))), object(&person(7))),
        (Box::new(|| ds.rename(&person(7), "uid=renamed", None)), object(&format!("uid=renamed,{people}"))),
        (Box::new(|| ds.modify(&format!("dn: {}\nchangetype: delete\n", person(2)))), vec!["Gone".into()]),
        (
            Box::new(|| {
                ds.modify(&format!("dn: {team}\nchangetype: modify\nadd: member\nmember: {}\n", person(4)))
            }),
            vec![format!("Group {team}")],
        ),
        (Box::new(|| ds.rename(&person(3), "uid=u3", Some(SUFFIX))), vec!["Gone".into()]),
        (Box::new(|| ds.rename(&format!("uid=u3,{SUFFIX}"), "uid=u3", Some(&people))), object(&person(3))),
        (
            Box::new(|| {
                ds.modify(&format!("dn: ou=sales,{people}\nobjectClass: organizationalUnit\nou: sales\n"))
            }),
            vec![format!("Container ou=sales,{people}")],
        ),
        (
            Box::new(|| ds.rename(&person(5), "uid=u5", Some(&format!("ou=sales,{people}")))),
            object(&format!("uid=u5,ou=sales,{people}")),
        ),
        (
            Box::new(|| ds.rename(&format!("ou=sales,{people}"), "ou=market", None)),
            vec![format!("Container {market}")],
        ),
    ];
    for (number, (edit, expected)) in steps.iter().enumerate() {
        edit();
        let (hints, next) = since(&settings, &cursor).await;
        assert_eq!(&told(&hints), expected, "step {number}");
        cursor = next;
    }
    assert_eq!(since(&settings, &cursor).await, (vec![], cursor));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_changelog_without_ids_is_found_out() {
    let ds = company(&[]);
    let (got, advice) = cursor(&settings(&ds)).await;
    assert_eq!(got.expect("a cursor").method, Method::Timestamp);
    assert!(advice.contains("nsuniqueid:targetUniqueId"), "{advice}");
}

#[tokio::test(flavor = "multi_thread")]
async fn cookies_that_prove_nothing_are_doubted() {
    let ds = company(&[RECORD_IDS]);
    let settings = settings(&ds);
    let good = cursor(&settings).await.0.expect("a cursor");
    let with = |mark: String| Cursor { mark, ..good.clone() };
    let number = |to: &str| {
        let at = good.mark.find(")#").expect("a number");
        let end = at + 2 + good.mark[at + 2..].find('"').expect("an end");
        with(format!("{}{to}{}", &good.mark[..at + 2], &good.mark[end..]))
    };
    for (cursor, words) in [
        (number("99999"), "does not take the cookie"),
        (number("x"), "does not take the cookie"),
        (with(good.mark.replace("(objectClass=*)", "(uid=*)")), "does not take the cookie"),
        (with(good.mark.replace("cn=reader", "cn=other")), "does not take the cookie"),
    ] {
        let reason = doubt(&settings, &cursor).await;
        assert!(reason.contains(words), "{words}: {reason}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_trimmed_changelog_is_found_out() {
    let short = ["nsslapd-changelogmaxage: 1s", "nsslapd-changelog-trim-interval: 1"];
    let ds = company(&[RECORD_IDS, short[0], short[1]]);
    let settings = settings(&ds);
    let got = cursor(&settings).await;
    let before = got.0.unwrap_or_else(|| panic!("{}", got.1));
    let last = ds.last_change();
    let mut edits = 0;
    // The last change stays; when it is gone, nothing tells whether something came before it.
    await_until("the changelog to be trimmed", Duration::from_secs(30), || {
        edits += 1;
        ds.modify(&set_title(1, &format!("Chief {edits}")));
        ds.first_change() > last + 1
    });
    let reason = doubt(&settings, &before).await;
    assert!(reason.contains("does not reach back"), "{reason}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_change_wakes_within_a_second() {
    let mut ds = company(&[RECORD_IDS]);
    let (wake, watching) = watch(&settings(&ds));
    woken(&wake).await;
    ds.modify(&set_title(1, "Chief"));
    timeout(Duration::from_secs(1), wake.notified()).await.expect("a modified person");
    ds.modify(&format!("dn: {}\nchangetype: delete\n", person(2)));
    timeout(Duration::from_secs(1), wake.notified()).await.expect("a deleted person");
    ds.stop();
    let ended = timeout(Duration::from_secs(10), watching).await.expect("an end").expect("no panic");
    assert!(matches!(ended, Watched::Ended(_)), "{ended:?}");
}
