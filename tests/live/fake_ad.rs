//! The LDAP source against a fake Active Directory: Microsoft's limits, and its bad days.
//!
//! Each fault has a row in `docs/SOURCES.md`, made from what happened here:
//! `DIRSYNCD_BLESS=1` writes the table anew.

use std::collections::BTreeSet;
use std::time::Duration;

use dirsyncd::model::{Census, Method, Redacted};
use dirsyncd::source::ldap::{LdapSource, Settings};
use dirsyncd::source::{SourceError, SourceErrorKind};
use futures_util::future::join_all;

use crate::reading::{ask, find, read, read_ldap, reasons};
use crate::support::fake_ad::fault::{At, Fault};
use crate::support::fake_ad::hostile::{self, ATTACKS};
use crate::support::fake_ad::state::Rights;
use crate::support::fake_ad::{ACCOUNT, FakeAd};

pub(crate) fn settings(ad: &FakeAd) -> Settings {
    Settings {
        danger_plain_ldap: true,
        bind: Some(ACCOUNT.into()),
        password: Redacted("secret".into()),
        // More than any domain controller gives.
        page_size: 5000,
        connect_timeout: Duration::from_secs(10),
        operation_timeout: Duration::from_secs(30),
        // A read of everything is what is looked at; how changes are found has tests of its own.
        changes: Some(Method::Full),
        ..Settings::new("domain", &[&ad.url()])
    }
}

/// People, and a group of all of them.
fn company(people: usize) -> FakeAd {
    let ad = FakeAd::start();
    let people = ad.add_people(people);
    ad.add_group("Everybody", &people);
    ad
}

#[tokio::test(flavor = "multi_thread")]
async fn everything_is_read_through_the_limits_of_pages_and_of_values() {
    let ad = company(2500);
    let (records, census) = read_ldap(&settings(&ad), &ask(&["mail", "userprincipalname"])).await;
    assert!(census.is_whole(), "{:?}", reasons(&census));
    assert_eq!((census.people, census.groups), (2500, 1));
    let members: BTreeSet<&[u8]> = find(&records, "cn", "Everybody").values("member").collect();
    assert_eq!(members.len(), 2500);
    let anchors: BTreeSet<_> = records.iter().map(|record| record.anchor).collect();
    assert_eq!(anchors.len(), 2501);
    // One page of groups and three of people; the rest of the members is a search of its own.
    assert_eq!(ad.seen(At::Page), 4);
    assert!(census.referrals > 0);
    assert!(census.identity.ends_with("d1d1d1d1-d1d1-d1d1-d1d1-d1d1d1d1d1d1"), "{}", census.identity);
}

/// How a read ends.
enum End {
    /// With a census that is not whole, for a reason with these words.
    Partial(&'static str),
    /// With an error of this kind, with these words.
    Error(SourceErrorKind, &'static str),
    /// With a whole census of another identity than before.
    Elsewhere,
    /// As on every day.
    Whole,
}

/// A fault, and what comes of it.
struct Case {
    name: &'static str,
    happen: fn(&FakeAd),
    end: End,
    /// What the administrator can do; an error says it itself.
    remedy: &'static str,
}

const WAIT: &str = "nothing, when it passes; otherwise see why the domain controller is overloaded";
const LOOK: &str = "see what happened to the domain controller; the next pass reads everything again";

#[rustfmt::skip]
const CASES: &[Case] = &[
    Case { name: "The domain controller is busy when we log in",
        happen: |ad| ad.fault(At::Bind, 1, Fault::Code(0, 51, "00002024: busy\0")),
        end: End::Error(SourceErrorKind::Unreachable, "busy (51)"), remedy: "" },
    Case { name: "It is busy when we begin to read",
        happen: |ad| ad.fault(At::Page, 1, Fault::Code(0, 51, "00002024: busy\0")),
        end: End::Partial("ended after 0 entries: busy (51)"), remedy: WAIT },
    Case { name: "It becomes unavailable between two pages",
        happen: |ad| ad.fault(At::Page, 3, Fault::Code(0, 52, "")),
        end: End::Partial("ended after 100 entries: unavailable (52)"), remedy: WAIT },
    Case { name: "It ends a search by a limit of its own",
        happen: |ad| ad.fault(At::Page, 2, Fault::Code(50, 11, "")),
        end: End::Partial("ended after 50 entries: adminLimitExceeded (11)"),
        remedy: "raise the limit in the LDAP policies of the domain" },
    Case { name: "It takes the connection and freezes",
        happen: |ad| ad.fault(At::Bind, 1, Fault::Freeze(0)),
        end: End::Error(SourceErrorKind::Unreachable, "no answer from the server for 5 s"), remedy: "" },
    Case { name: "It freezes in the middle of a page",
        happen: |ad| ad.fault(At::Page, 3, Fault::Freeze(30)),
        end: End::Partial("ended after 130 entries: no answer from the server for 5 s"), remedy: LOOK },
    Case { name: "The connection is cut in the middle of a page",
        happen: |ad| ad.fault(At::Page, 3, Fault::Cut(30)),
        end: End::Partial("ended after 130 entries: the connection broke"), remedy: LOOK },
    Case { name: "It is shut down while we read, and says so (Notice of Disconnection)",
        happen: |ad| ad.fault(At::Page, 2, Fault::Disconnect(70)),
        end: End::Partial("ended after 70 entries: the server closed the connection"), remedy: LOOK },
    Case { name: "It sends one page for ever",
        happen: |ad| ad.fault(At::Page, 2, Fault::SamePage),
        end: End::Partial("the server sends a page that it sent before"),
        remedy: "look for a proxy between, and report the server to its vendor" },
    Case { name: "It sends two pages in turns, for ever",
        happen: |ad| ad.fault(At::Page, 2, Fault::TwoPages),
        end: End::Partial("the server sends a page that it sent before"),
        remedy: "look for a proxy between, and report the server to its vendor" },
    Case { name: "It sends empty pages for ever",
        happen: |ad| ad.fault(At::Page, 2, Fault::EmptyPages),
        end: End::Error(SourceErrorKind::Broken, "empty pages without end"), remedy: "" },
    Case { name: "The answer is not LDAP",
        happen: |ad| ad.fault(At::Page, 3, Fault::Bytes(0, |_| b"HTTP/1.1 400 Bad Request\r\n\r\n".to_vec())),
        end: End::Partial("ended after 100 entries"), remedy: "look for a proxy between" },
    Case { name: "The rest of a long list of members is not given",
        happen: |ad| ad.fault(At::Object, 2, Fault::Code(0, 50, "no\0")),
        end: End::Partial("memberships are not known whole"),
        remedy: "let the bind account read all members; until then nobody loses a group" },
    Case { name: "The password of the account was changed",
        happen: |ad| ad.state().password = "another".into(),
        end: End::Error(SourceErrorKind::Refused, "wrong"), remedy: "" },
    Case { name: "The account lost its rights: answers are successful and empty",
        happen: |ad| ad.rights(Rights::Nothing),
        end: End::Partial("nobody matches"),
        remedy: "give the bind account its rights back" },
    Case { name: "Another domain controller of the domain answers",
        happen: FakeAd::answer_as_another_controller,
        end: End::Elsewhere, remedy: "nothing: the next read of everything from the same controller settles it" },
    Case { name: "Another directory answers behind the same name",
        happen: |ad| {
            ad.become_another_domain();
            ad.add_person("Somebody Else");
        },
        end: End::Elsewhere, remedy: "see where the name leads" },
    Case { name: "The clock of the domain controller is an hour ahead",
        happen: |ad| ad.state().clock_ahead = 3600,
        end: End::Whole, remedy: "set the clock: log-in with Kerberos fails from five minutes on" },
];

/// A read of the company after something happened.
async fn after(happen: fn(&FakeAd)) -> (FakeAd, Result<Census, SourceError>, Census) {
    // The limits of a real one, divided by ten, and so many people less.
    let ad = company(250);
    ad.state().max_page = 100;
    ad.state().max_values = 150;
    let mut settings = settings(&ad);
    settings.operation_timeout = Duration::from_secs(5);
    let (_, before) = read_ldap(&settings, &ask(&["mail"])).await;
    assert!(before.is_whole(), "{:?}", reasons(&before));
    happen(&ad);
    let (_, outcome) = read(&LdapSource::new(settings), &ask(&["mail"])).await;
    (ad, outcome, before)
}

/// One row of the table, or what is wrong.
async fn row(case: &Case) -> Result<String, String> {
    let (ad, outcome, before) = after(case.happen).await;
    let url = ad.url();
    let plain = |text: &str| {
        let text = text.replace(&url, "ldaps://dc1.example.test").replace('\0', "");
        text.replace('|', "\\|").replace('\n', " ")
    };
    let (seen, happens, todo) = match (&case.end, outcome) {
        (End::Partial(words), Ok(census)) => {
            let all = reasons(&census).join("; ");
            if !all.contains(words) {
                return Err(format!("{}: \"{words}\" is not in: {all}", case.name));
            }
            let happens = match census.people {
                0 => "Nobody is added, updated or removed.".to_owned(),
                people => format!(
                    "Adds and updates flow from the {people} people that were read; nobody is removed."
                ),
            };
            (all, happens, case.remedy.to_owned())
        }
        (End::Error(kind, words), Err(error)) => {
            if error.kind != *kind || !error.what.contains(words) {
                return Err(format!("{}: {:?}, {error}", case.name, error.kind));
            }
            let happens = "The pass ends; nothing is changed. The next one tries again.".to_owned();
            (error.what, happens, error.remedy)
        }
        (End::Elsewhere, Ok(census)) if census.is_whole() && census.identity != before.identity => {
            let seen = format!("the identity is {}, and was {}", census.identity, before.identity);
            let happens = "Nobody is removed for missing in the answer of another directory.".to_owned();
            (seen, happens, case.remedy.to_owned())
        }
        (End::Whole, Ok(census)) if census.is_whole() && census.identity == before.identity => {
            let happens = "Everything as on every day: a full read asks no clock.".to_owned();
            ("nothing".into(), happens, case.remedy.to_owned())
        }
        (_, Ok(census)) => return Err(format!("{}: {census:?}", case.name)),
        (_, Err(error)) => return Err(format!("{}: {error}", case.name)),
    };
    Ok(format!("| {} | {} | {happens} | {} |\n", case.name, plain(&seen), plain(&todo)))
}

/// The page with the table.
const PAGE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/docs/SOURCES.md");

/// The lines of the page between which the table stands.
const BEGIN: &str = "<!-- Made by tests/live/fake_ad.rs: DIRSYNCD_BLESS=1 writes it. -->\n";
const END: &str = "<!-- To here. -->\n";

const HEAD: &str = "| What happens to the directory | What is seen | What happens | What to do |
|---|---|---|---|
";

#[tokio::test(flavor = "multi_thread")]
async fn every_fault_has_its_name_and_its_row() {
    let rows = join_all(CASES.iter().map(row)).await;
    let wrong: Vec<&String> = rows.iter().filter_map(|row| row.as_ref().err()).collect();
    assert!(wrong.is_empty(), "{wrong:#?}");
    let made: String = std::iter::once(HEAD.to_owned()).chain(rows.into_iter().flatten()).collect();
    let page = std::fs::read_to_string(PAGE).expect("docs/SOURCES.md");
    let (before, rest) = page.split_once(BEGIN).expect("the line before the table");
    let (kept, after) = rest.split_once(END).expect("the line after the table");
    if std::env::var_os("DIRSYNCD_BLESS").is_some() {
        std::fs::write(PAGE, format!("{before}{BEGIN}{made}{END}{after}")).expect("writing the table");
        return;
    }
    assert!(
        made == kept,
        "the table in docs/SOURCES.md is out of date (DIRSYNCD_BLESS=1 writes it):\n{made}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn whatever_is_sent_the_read_ends_with_a_reason() {
    let attacks = ATTACKS.iter().map(async |(name, attack)| {
        let ad = FakeAd::start();
        ad.add_people(20);
        let mut settings = settings(&ad);
        settings.operation_timeout = Duration::from_secs(3);
        // In the place of the result of the only page of people.
        ad.fault(At::Page, 2, Fault::Bytes(5, *attack));
        let (records, outcome) = read(&LdapSource::new(settings.clone()), &ask(&["mail"])).await;
        match outcome {
            Ok(census) => {
                assert!(!census.is_whole(), "{name}: {census:?}");
                assert!(reasons(&census).iter().all(|reason| !reason.is_empty()), "{name}");
                assert!(records.len() <= 5, "{name}");
            }
            Err(error) => assert!(!error.what.is_empty() && !error.remedy.is_empty(), "{name}"),
        }
        // The next read is as good as ever.
        let (_, census) = read_ldap(&settings, &ask(&["mail"])).await;
        assert!(census.is_whole() && census.people == 20, "{name}: {:?}", reasons(&census));
    });
    join_all(attacks).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn nesting_that_a_stack_can_bear_ends_with_a_reason() {
    let ad = FakeAd::start();
    ad.add_person("Ann Lee");
    ad.fault(At::Page, 2, Fault::Bytes(1, |id| hostile::nested(id, 100)));
    let mut settings = settings(&ad);
    settings.operation_timeout = Duration::from_secs(3);
    let (_, outcome) = read(&LdapSource::new(settings), &ask(&["mail"])).await;
    match outcome {
        Ok(census) => assert!(!census.is_whole()),
        Err(error) => assert!(!error.remedy.is_empty(), "{error}"),
    }
}
