//! What changed, asked of a fake Active Directory: DirSync in rounds, uSN on other controllers, the
//! recycle bin, notifications, and cursors that are worth nothing.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use dirsyncd::model::{Changes, Cursor, Hint, Hinted, Method, SourceId};
use dirsyncd::source::ldap::{LdapSource, Settings};
use dirsyncd::source::{Source, SourceError};
use tokio::sync::Notify;
use tokio::time::timeout;

use crate::fake_ad::settings;
use crate::reading::{ask, read_ldap, reasons};
use crate::support::fake_ad::fault::{At, Fault};
use crate::support::fake_ad::state::Rights;
use crate::support::fake_ad::tree::Guid;
use crate::support::fake_ad::{FakeAd, anchor};

/// Both methods that a domain controller has.
const METHODS: [Method; 2] = [Method::Dirsync, Method::Usn];

fn by(ad: &FakeAd, method: Method) -> Settings {
    Settings { changes: Some(method), operation_timeout: Duration::from_secs(5), ..settings(ad) }
}

/// A full read, and the cursor that it gives.
async fn cursor(settings: &Settings) -> Cursor {
    let (_, census) = read_ldap(settings, &ask(&["mail", "title"])).await;
    assert!(census.is_whole(), "{:?}", reasons(&census));
    census.cursor.unwrap_or_else(|| panic!("no cursor: {:?}", census.advice))
}

async fn changes(settings: &Settings, since: &Cursor) -> Result<Changes, SourceError> {
    LdapSource::new(settings.clone()).changes(&ask(&["mail", "title"]), since).await
}

/// The hints, and where to go on.
async fn hints(settings: &Settings, since: &Cursor) -> (Vec<Hint>, Cursor) {
    match changes(settings, since).await {
        Ok(Changes::Since { hints, cursor }) => (hints, cursor),
        Ok(Changes::Doubt(reason)) => panic!("a doubt: {reason}"),
        Err(error) => panic!("{error}; {}", error.remedy),
    }
}

/// The doubt that this cursor must raise.
async fn doubt(settings: &Settings, since: &Cursor) -> String {
    match changes(settings, since).await {
        Ok(Changes::Doubt(reason)) => reason,
        other => panic!("no doubt: {other:?}"),
    }
}

fn anchors(hints: &[Hint]) -> BTreeSet<SourceId> {
    let anchors: BTreeSet<SourceId> = hints.iter().map(|hint| hint.anchor).collect();
    assert_eq!(anchors.len(), hints.len(), "each object once");
    anchors
}

fn all(guids: &[Guid]) -> BTreeSet<SourceId> {
    guids.iter().map(anchor).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn every_edit_names_its_object() {
    for method in METHODS {
        let ad = FakeAd::start();
        let [ann, bob, cid, dora] = ["Ann", "Bob", "Cid", "Dora"].map(|name| ad.add_person(name));
        let staff = ad.add_group("Staff", &[ann]);
        let sales = ad.add_ou(&ad.place("OU=People"), "Sales");
        let settings = by(&ad, method);
        let first = cursor(&settings).await;

        let (none, _) = hints(&settings, &first).await;
        assert!(none.is_empty(), "{method}: nothing changed, and {none:?}");

        type Edit = fn(&FakeAd, [Guid; 4]);
        let edits: [(&str, Guid, Edit); 6] = [
            ("modify", ann, |ad, [ann, ..]| ad.set(&ann, "title", "Chef")),
            ("clear", ann, |ad, [ann, ..]| ad.clear(&ann, "title")),
            ("disable", bob, |ad, [_, bob, ..]| ad.disable(&bob)),
            ("rename", cid, |ad, [_, _, cid, _]| ad.rename(&cid, "CN=Cyd")),
            ("delete", dora, |ad, [.., dora]| ad.delete(&dora)),
            ("modify again", bob, |ad, [_, bob, ..]| ad.set(&bob, "mail", "robert@example.test")),
        ];
        let mut at = first;
        for (what, object, edit) in edits {
            edit(&ad, [ann, bob, cid, dora]);
            let (found, next) = hints(&settings, &at).await;
            assert!(anchors(&found).contains(&anchor(&object)), "{method}, {what}: {found:?}");
            let gone = found.iter().any(|h| h.anchor == anchor(&object) && h.what == Hinted::Gone);
            assert_eq!(gone, what == "delete", "{method}, {what}");
            at = next;
        }
        ad.move_to(&ann, &sales);
        let (found, at) = hints(&settings, &at).await;
        assert!(anchors(&found).contains(&anchor(&ann)), "{method}, move: {found:?}");
        ad.rename(&sales, "OU=Selling");
        let (found, at) = hints(&settings, &at).await;
        let ou = found.iter().find(|hint| hint.anchor == anchor(&sales)).expect("the OU");
        assert_eq!(ou.what, Hinted::Container, "{method}");
        ad.join(&staff, &bob);
        let (found, at) = hints(&settings, &at).await;
        assert!(
            found.iter().any(|h| h.anchor == anchor(&staff) && h.what == Hinted::Group),
            "{method}: {found:?}"
        );
        ad.leave(&staff, &ann);
        let (found, at) = hints(&settings, &at).await;
        assert!(anchors(&found).contains(&anchor(&staff)), "{method}: {found:?}");
        let new = ad.add_person("Eve");
        let (found, _) = hints(&settings, &at).await;
        assert!(anchors(&found).contains(&anchor(&new)), "{method}: {found:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn dirsync_goes_on_at_once_while_there_is_more() {
    let ad = FakeAd::start();
    let people = ad.add_people(350);
    let settings = by(&ad, Method::Dirsync);
    let at = cursor(&settings).await;
    people.iter().for_each(|person| ad.set(person, "title", "Chef"));
    people.iter().take(30).for_each(|person| ad.delete(person));
    let before = ad.seen(At::DirSync);
    let (found, next) = hints(&settings, &at).await;
    assert!(anchors(&found).is_superset(&all(&people)), "{} of 350", found.len());
    assert_eq!(found.iter().filter(|hint| hint.what == Hinted::Gone).count(), 30);
    assert!(ad.seen(At::DirSync) - before >= 4, "rounds of 100");
    assert!(hints(&settings, &next).await.0.is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn dirsync_that_breaks_off_between_rounds_does_not_move_the_cursor() {
    let ad = FakeAd::start();
    let people = ad.add_people(250);
    let settings = by(&ad, Method::Dirsync);
    let at = cursor(&settings).await;
    people.iter().for_each(|person| ad.set(person, "title", "Chef"));
    for fault in [
        Fault::Code(0, 51, "busy\0"),
        Fault::Code(10, 52, ""),
        Fault::Cut(10),
        Fault::Disconnect(10),
        Fault::Freeze(10),
    ] {
        let name = format!("{fault:?}");
        ad.fault(At::DirSync, 2, fault);
        let error = changes(&settings, &at).await.expect_err(&name);
        assert!(!error.remedy.is_empty(), "{name}");
    }
    let (found, _) = hints(&settings, &at).await;
    assert!(anchors(&found).is_superset(&all(&people)), "{} of 250", found.len());
}

#[tokio::test(flavor = "multi_thread")]
async fn log_ons_are_not_told_by_dirsync() {
    let ad = FakeAd::start();
    let people = ad.add_people(20);
    let settings = by(&ad, Method::Dirsync);
    let at = cursor(&settings).await;
    people.iter().for_each(|person| ad.log_on(person));
    assert!(hints(&settings, &at).await.0.is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn the_recycle_bin_keeps_attributes_and_the_deleted_are_gone_all_the_same() {
    for method in METHODS {
        let ad = FakeAd::start();
        ad.state().tree.recycle_bin = true;
        let ann = ad.add_person("Ann");
        let staff = ad.add_group("Staff", &[ann]);
        ad.add_person("Bob");
        let settings = by(&ad, method);
        let at = cursor(&settings).await;
        ad.delete(&ann);
        let (found, at) = hints(&settings, &at).await;
        assert!(
            found.iter().any(|h| h.anchor == anchor(&ann) && h.what == Hinted::Gone),
            "{method}: {found:?}"
        );
        // A full read does not take what is in the bin for people.
        let (records, census) = read_ldap(&settings, &ask(&["mail"])).await;
        assert!(census.is_whole() && census.people == 1, "{method}: {census:?}");
        assert!(!records.iter().any(|record| record.anchor == anchor(&ann)));
        ad.restore(&ann);
        let (found, _) = hints(&settings, &at).await;
        let back = found.iter().find(|hint| hint.anchor == anchor(&ann)).expect("restored");
        assert_eq!(back.what, Hinted::Object, "{method}");
        let _ = staff;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn without_the_right_to_replicate_deletions_are_not_claimed_to_be_told() {
    for method in METHODS {
        let ad = FakeAd::start();
        let ann = ad.add_person("Ann");
        ad.rights(Rights::Reading);
        let settings = by(&ad, method);
        let (_, census) = read_ldap(&settings, &ask(&["mail", "title"])).await;
        let advice = census.advice.clone().unwrap_or_default();
        let Some(at) = census.cursor else {
            assert!(!advice.is_empty(), "{method}: no cursor and no word why");
            continue;
        };
        assert!(!at.tells_deletions, "{method}");
        assert!(!advice.is_empty(), "{method}");
        ad.set(&ann, "title", "Chef");
        assert!(anchors(&hints(&settings, &at).await.0).contains(&anchor(&ann)), "{method}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn rights_that_are_taken_overnight_do_not_look_like_a_quiet_day() {
    for (method, rights) in [
        (Method::Dirsync, Rights::Reading),
        (Method::Dirsync, Rights::Nothing),
        (Method::Usn, Rights::Reading),
    ] {
        let ad = FakeAd::start();
        let ann = ad.add_person("Ann");
        let settings = by(&ad, method);
        let at = cursor(&settings).await;
        ad.delete(&ann);
        ad.rights(rights);
        match changes(&settings, &at).await {
            Ok(Changes::Doubt(reason)) => assert!(!reason.is_empty()),
            Ok(Changes::Since { cursor, .. }) => {
                assert!(!cursor.tells_deletions, "{method}, {rights:?}: a deletion was missed in silence");
            }
            Err(error) => assert!(!error.remedy.is_empty(), "{method}, {rights:?}"),
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_number_of_one_controller_says_nothing_on_another() {
    let ad = FakeAd::start();
    ad.add_people(5);
    let settings = by(&ad, Method::Usn);
    let at = cursor(&settings).await;
    ad.answer_as_another_controller();
    assert!(doubt(&settings, &at).await.contains("another server"));
}

#[tokio::test(flavor = "multi_thread")]
async fn dirsync_goes_on_at_another_controller_of_the_domain() {
    let ad = FakeAd::start();
    let people = ad.add_people(5);
    let settings = by(&ad, Method::Dirsync);
    let at = cursor(&settings).await;
    ad.answer_as_another_controller();
    ad.set(&people[0], "title", "Chef");
    assert!(anchors(&hints(&settings, &at).await.0).contains(&anchor(&people[0])));
}

#[tokio::test(flavor = "multi_thread")]
async fn another_domain_behind_the_same_name_is_a_doubt() {
    for method in METHODS {
        let ad = FakeAd::start();
        ad.add_people(5);
        let settings = by(&ad, method);
        let at = cursor(&settings).await;
        ad.become_another_domain();
        ad.add_person("Somebody Else");
        assert!(!doubt(&settings, &at).await.is_empty(), "{method}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_controller_that_was_set_back_is_a_doubt() {
    let ad = FakeAd::start();
    let ann = ad.add_person("Ann");
    let settings = by(&ad, Method::Usn);
    let backup = ad.backup();
    ad.set(&ann, "title", "Chef");
    let at = cursor(&settings).await;
    ad.roll_back(backup);
    assert!(!doubt(&settings, &at).await.is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_cookie_that_is_refused_is_a_doubt() {
    for mark in ["", "rubbish", "AAAA", "\u{0}\u{ffff}"] {
        for method in METHODS {
            let ad = FakeAd::start();
            ad.add_person("Ann");
            let settings = by(&ad, method);
            let mut at = cursor(&settings).await;
            at.mark = mark.into();
            assert!(!doubt(&settings, &at).await.is_empty(), "{method}, {mark:?}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn other_settings_than_those_of_the_cursor_are_a_doubt() {
    for method in METHODS {
        let ad = FakeAd::start();
        ad.add_person("Ann");
        let settings = by(&ad, method);
        let at = cursor(&settings).await;
        let other = Settings { person_filter: Some("(mail=*)".into()), ..settings };
        assert!(doubt(&other, &at).await.contains("settings"), "{method}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_edit_wakes_those_who_wait() {
    let ad = FakeAd::start();
    let ann = ad.add_person("Ann");
    let settings = settings(&ad);
    let wake = Arc::new(Notify::new());
    let (source, ask) = (LdapSource::new(settings), ask(&["mail"]));
    let edits = async {
        let limit = Duration::from_secs(20);
        timeout(limit, wake.notified()).await.expect("woken once when the waiting has begun");
        ad.set(&ann, "title", "Chef");
        timeout(limit, wake.notified()).await.expect("woken by an edit");
        assert!(ad.watchers() > 0);
    };
    tokio::select! {
        ended = source.watch(&ask, wake.clone()) => panic!("the waiting ended: {ended:?}"),
        () = edits => {}
    }
}
