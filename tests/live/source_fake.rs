//! The LDAP source against servers that real ones here cannot imitate: the limits of
//! Microsoft's Active Directory, and answers that are wrong.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use dirsyncd::model::Redacted;
use dirsyncd::source::SourceErrorKind;
use dirsyncd::source::ldap::Settings;

use crate::reading::{ask, find, read_ldap, reasons, refused};
use crate::support::fake_ldap::{Answer, FakeLdap, Request, entry, tlv};

fn settings(server: &FakeLdap) -> Settings {
    Settings {
        danger_plain_ldap: true,
        ca_file: None,
        bind: Some("svc@example.test".into()),
        password: Redacted("secret".into()),
        page_size: 1000,
        connect_timeout: Duration::from_secs(5),
        operation_timeout: Duration::from_secs(5),
        ..Settings::new("domain", &[&server.url()])
    }
}

fn root() -> Vec<Answer> {
    vec![
        entry(
            "",
            &[
                ("defaultNamingContext", &["DC=example,DC=test"]),
                ("namingContexts", &["DC=example,DC=test", "CN=Configuration,DC=example,DC=test"]),
                ("supportedCapabilities", &["1.2.840.113556.1.4.800"]),
                ("domainControllerFunctionality", &["10"]),
            ],
        ),
        Answer::Done(0, "", None),
    ]
}

/// A domain whose searches below the root entry are answered by the function.
fn domain(search: impl Fn(&str, u8, &[String], &[u8]) -> Vec<Answer> + Send + Sync + 'static) -> FakeLdap {
    FakeLdap::start(move |request| match request {
        Request::Search { base, .. } if base.is_empty() => root(),
        Request::Search { base, scope, attributes, cookie } => {
            search(base, *scope, attributes, cookie.as_deref().unwrap_or_default())
        }
        Request::Bind { .. } | Request::Other => vec![Answer::Done(0, "", None)],
    })
}

fn person(n: u8) -> Answer {
    let mut guid = vec![7; 16];
    guid[15] = n;
    Answer::Entry(
        format!("CN=P{n},DC=example,DC=test"),
        vec![
            ("objectGUID".into(), vec![guid]),
            ("mail".into(), vec![format!("p{n}@example.test").into_bytes()]),
        ],
    )
}

const GROUP: &str = "CN=Everybody,DC=example,DC=test";

fn member(n: usize) -> Vec<u8> {
    format!("CN=P{n},DC=example,DC=test").into_bytes()
}

/// A group as Active Directory shows it: at most 1500 of `total` members at once.
fn part_of_group(from: usize, total: usize) -> Answer {
    let to = total.min(from + 1500);
    let range = if to == total {
        format!("member;range={from}-*")
    } else {
        format!("member;range={from}-{}", to - 1)
    };
    Answer::Entry(
        GROUP.into(),
        vec![
            ("objectGUID".into(), vec![vec![9; 16]]),
            ("cn".into(), vec![b"Everybody".to_vec()]),
            ("member".into(), vec![]),
            (range, (from..to).map(member).collect()),
        ],
    )
}

fn wants_groups(attributes: &[String]) -> bool {
    attributes.iter().any(|name| name == "member")
}

#[tokio::test(flavor = "multi_thread")]
async fn members_beyond_the_limit_are_fetched_range_by_range() {
    const TOTAL: usize = 4000;
    let server = domain(|base, scope, attributes, _| {
        let mut answers = match scope {
            0 if base == GROUP => {
                let from = attributes[0].strip_prefix("member;range=").expect("a range is asked for");
                let from = from.strip_suffix("-*").expect("to the end").parse().expect("a number");
                vec![part_of_group(from, TOTAL)]
            }
            _ if wants_groups(attributes) => vec![part_of_group(0, TOTAL)],
            _ => vec![person(1)],
        };
        answers.push(Answer::Done(0, "", None));
        answers
    });
    let (records, census) = read_ldap(&settings(&server), &ask(&["mail"])).await;
    assert!(census.is_whole(), "{:?}", reasons(&census));
    let mut members: Vec<Vec<u8>> =
        find(&records, "cn", "Everybody").values("member").map(Into::into).collect();
    assert_eq!(members.len(), TOTAL);
    members.sort_unstable();
    members.dedup();
    assert_eq!(members.len(), TOTAL);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_group_whose_members_cannot_all_be_read_is_withheld() {
    let server = domain(|_, scope, attributes, _| match scope {
        0 => vec![Answer::Done(50, "no", None)],
        _ if wants_groups(attributes) => vec![part_of_group(0, 4000), Answer::Done(0, "", None)],
        _ => vec![person(1), Answer::Done(0, "", None)],
    });
    let (_, census) = read_ldap(&settings(&server), &ask(&["mail"])).await;
    assert_eq!(census.groups, 0);
    assert_eq!(census.unusable[0].dn, GROUP);
    assert!(census.unusable[0].reason.contains("insufficientAccessRights"), "{census:?}");
    assert!(reasons(&census)[0].contains("memberships"), "{census:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_end_on_a_later_page_is_seen() {
    for (code, word) in
        [(4, "sizeLimitExceeded (4)"), (51, "busy (51)"), (12, "unavailableCriticalExtension (12)")]
    {
        let server = domain(move |_, _, attributes, cookie| match cookie {
            _ if wants_groups(attributes) => vec![Answer::Done(0, "", None)],
            b"" => vec![person(1), person(2), Answer::Done(0, "", Some(b"page 2".to_vec()))],
            _ => vec![person(3), Answer::Done(code, "not now", None)],
        });
        let (records, census) = read_ldap(&settings(&server), &ask(&["mail"])).await;
        assert_eq!((records.len(), census.people), (3, 3));
        let reason = &reasons(&census)[0];
        assert!(
            reason.contains("3 entries") && reason.contains(word) && reason.contains("not now"),
            "{reason}"
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn empty_pages_without_end_are_left() {
    let server = domain(|_, _, attributes, _| match wants_groups(attributes) {
        true => vec![Answer::Done(0, "", None)],
        false => vec![Answer::Done(0, "", Some(b"again".to_vec()))],
    });
    let error = refused(&settings(&server)).await;
    assert_eq!(error.kind, SourceErrorKind::Broken);
    assert!(error.what.contains("empty pages"), "{error}");
}

#[tokio::test(flavor = "multi_thread")]
async fn entries_that_make_no_sense_are_listed_and_the_others_read() {
    let server = domain(|_, _, attributes, _| {
        if wants_groups(attributes) {
            return vec![Answer::Done(0, "", None)];
        }
        let no_anchor = entry("CN=No anchor,DC=example,DC=test", &[("mail", &["x@example.test"])]);
        let conflict = Answer::Entry(
            "CN=P1\\0ACNF:6f1d3c1e-0a2b-4c3d-8e9f-001122334455,DC=example,DC=test".into(),
            vec![("objectGUID".into(), vec![vec![8; 16]])],
        );
        vec![person(1), no_anchor, conflict, person(2), Answer::Done(0, "", None)]
    });
    let (records, census) = read_ldap(&settings(&server), &ask(&["mail"])).await;
    assert_eq!(records.len(), 2);
    assert!(census.is_whole());
    assert_eq!(census.unusable.len(), 2, "{census:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn answers_that_are_not_ldap_are_survived() {
    // In the place of an entry: message 3 with an unknown operation; an empty sequence; rubbish;
    // an entry with a DN that is not UTF-8 and one without attributes.
    let odd = |body: Vec<u8>| tlv(0x30, &[tlv(2, &[3]), body].concat());
    for raw in [
        odd(tlv(0x7e, b"")),
        tlv(0x30, b""),
        b"HTTP/1.1 400 Bad Request\r\n\r\n".to_vec(),
        odd(tlv(0x65, b"")),
        vec![0x30, 0x84, 0xff, 0xff],
    ] {
        let shown = format!("{raw:02x?}");
        let server = domain(move |_, _, _, _| vec![person(1), Answer::Raw(raw.clone()), Answer::Close]);
        let mut settings = settings(&server);
        settings.operation_timeout = Duration::from_secs(1);
        let mut ask = ask(&["mail"]);
        ask.groups = false;
        let source = dirsyncd::source::ldap::LdapSource::new(settings);
        let (_, outcome) = crate::reading::read(&source, &ask).await;
        match outcome {
            Ok(census) => assert!(!census.is_whole(), "{shown}"),
            Err(error) => assert!(!error.remedy.is_empty(), "{shown}"),
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_refused_account_is_not_tried_on_every_server() {
    let binds = Arc::new(AtomicUsize::new(0));
    let counter = binds.clone();
    let server = FakeLdap::start(move |request| {
        if matches!(request, Request::Bind { .. }) {
            counter.fetch_add(1, Ordering::SeqCst);
        }
        vec![Answer::Done(49, "80090308: LdapErr: DSID-0C090439, data 775, v4563\0", None)]
    });
    let mut settings = settings(&server);
    settings.urls = vec![server.url(), server.url(), server.url()];
    let error = refused(&settings).await;
    assert!(error.what.contains("locked"), "{error}");
    assert_eq!(binds.load(Ordering::SeqCst), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_without_paging_is_read_all_the_same() {
    let server = domain(|_, _, attributes, _| {
        let mut answers: Vec<Answer> =
            if wants_groups(attributes) { vec![] } else { (0..=250).map(person).collect() };
        answers.push(Answer::Done(0, "", None));
        answers
    });
    let (_, census) = read_ldap(&settings(&server), &ask(&["mail"])).await;
    assert!(census.is_whole());
    assert_eq!(census.people, 251);
    assert_eq!(census.identity, "dc=example,dc=test");
}
