//! What changed in Active Directory, as told by a server that does what only Microsoft's does,
//! and by servers that do what none should.

use std::sync::Arc;
use std::time::Duration;

use dirsyncd::model::{Changes, Hint, Hinted, MANY, Method, Redacted, SourceId, Watched};
use dirsyncd::source::Source;
use dirsyncd::source::ldap::{LdapSource, Settings};
use tokio::sync::Notify;

use crate::reading::{ask, read_ldap};
use crate::support::fake_ldap::{Answer, FakeLdap, Request, entry, tlv};

const ROOT: &str = "DC=example,DC=test";

/// An object as directory synchronization names it, with no attribute at all.
fn changed(n: u64, name: &str) -> Answer {
    let id = SourceId::new(std::array::from_fn(|i| if i < 8 { 0 } else { n.to_be_bytes()[i - 8] }));
    Answer::Entry(format!("<GUID={id}>;<SID=S-1-5-21-1>;{name},{ROOT}"), vec![])
}

/// A domain controller whose increments are answered by the function, from the cookie.
fn domain(since: impl Fn(&[u8]) -> Vec<Answer> + Send + Sync + 'static) -> FakeLdap {
    let done = || Answer::Done(0, "", None);
    FakeLdap::start(move |request| match request {
        Request::Search { base, .. } if base.is_empty() => vec![
            entry(
                "",
                &[
                    ("defaultNamingContext", &[ROOT]),
                    ("namingContexts", &[ROOT]),
                    ("supportedCapabilities", &["1.2.840.113556.1.4.800"]),
                ],
            ),
            done(),
        ],
        Request::Search { base, scope: 0, .. } if base == ROOT => {
            vec![Answer::Entry(ROOT.into(), vec![("objectGUID".into(), vec![vec![5; 16]])]), done()]
        }
        Request::Search { attributes, cookie: Some(cookie), .. } => {
            let asks_changes = attributes.iter().any(|name| name == "name");
            match (asks_changes, cookie.as_slice()) {
                // The first cookie takes rounds, too.
                (true, b"") => vec![
                    changed(9, r"CN=X\0ADEL:9,CN=Deleted Objects"),
                    Answer::Synchronized(true, b"one".to_vec()),
                ],
                (true, b"one") => vec![Answer::Synchronized(false, b"start".to_vec())],
                (true, cookie) => since(cookie),
                (false, _) => vec![done()],
            }
        }
        _ => vec![done()],
    })
}

fn settings(server: &FakeLdap) -> Settings {
    Settings {
        danger_plain_ldap: true,
        bind: Some("svc@example.test".into()),
        password: Redacted("secret".into()),
        connect_timeout: Duration::from_secs(5),
        operation_timeout: Duration::from_secs(5),
        changes: Some(Method::Dirsync),
        ..Settings::new("domain", &[&server.url()])
    }
}

/// What is told since the start.
async fn told(since: impl Fn(&[u8]) -> Vec<Answer> + Send + Sync + 'static) -> Result<Vec<Hint>, String> {
    let server = domain(since);
    let settings = settings(&server);
    let ask = ask(&["mail"]);
    let (_, census) = read_ldap(&settings, &ask).await;
    let cursor = census.cursor.unwrap_or_else(|| panic!("{:?}", census.advice));
    // Its container is hidden, but what was deleted is shown.
    assert!(cursor.tells_deletions, "{:?}", census.advice);
    // A forest that states no lifetime has the old one.
    assert_eq!(cursor.good_for, Some(59 * 86_400));
    match LdapSource::new(settings).changes(&ask, &cursor).await {
        Ok(Changes::Since { hints, cursor: next }) => {
            assert_ne!(next.mark, cursor.mark);
            Ok(hints)
        }
        Ok(Changes::Doubt(reason)) => Err(reason),
        Err(error) => Err(format!("{:?}: {}", error.kind, error.what)),
    }
}

#[tokio::test]
async fn all_rounds_are_fetched_at_once() {
    let hints = told(|cookie| match cookie {
        b"start" => vec![changed(1, "CN=A"), changed(2, "CN=B"), Answer::Synchronized(true, b"two".to_vec())],
        // A round may hold nothing.
        b"two" => vec![Answer::Synchronized(true, b"three".to_vec())],
        b"three" => vec![
            changed(3, "OU=C"),
            changed(1, r"CN=A\0ADEL:1,CN=Deleted Objects"),
            Answer::Synchronized(false, b"end".to_vec()),
        ],
        other => panic!("{other:?}"),
    })
    .await
    .expect("changes");
    let short: Vec<_> = hints.iter().map(|hint| (hint.dn.as_deref(), hint.what)).collect();
    assert_eq!(
        short,
        [
            (None, Hinted::Gone),
            (Some("CN=B,DC=example,DC=test"), Hinted::Object),
            (Some("OU=C,DC=example,DC=test"), Hinted::Container),
        ]
    );
}

#[tokio::test]
async fn answers_that_cannot_be_trusted_are_doubted() {
    for (what, answers, words) in [
        ("no end", (|_| vec![Answer::Done(0, "", None)]) as fn(&[u8]) -> Vec<Answer>, "not where it ends"),
        ("empty cookie", |_| vec![Answer::Synchronized(false, vec![])], "not where it ends"),
        ("turning", |c| vec![Answer::Synchronized(true, c.to_vec())], "without end"),
        (
            "no id",
            |_| vec![entry("CN=A", &[("mail", &["x"])]), Answer::Synchronized(false, vec![1])],
            "without the GUID",
        ),
        ("lost right", |_| vec![Answer::Done(50, "", None)], "lost the right"),
        ("old cookie", |_| vec![Answer::Done(12, "", None)], "does not know the cookie"),
        ("unwilling", |_| vec![Answer::Done(53, "", None)], "does not know the cookie"),
        ("protocol", |_| vec![Answer::Done(2, "", None)], "protocolError"),
        ("busy", |_| vec![Answer::Done(51, "", None)], "Unreachable: "),
        ("cut", |_| vec![changed(1, "CN=A"), Answer::Close], "Unreachable: "),
        ("not LDAP", |_| vec![Answer::Raw(tlv(0x30, &[0x30, 0]))], "Broken: "),
    ] {
        let reason = told(answers).await.expect_err(what);
        assert!(reason.contains(words), "{what}: {reason}");
    }
}

#[tokio::test]
async fn a_flood_is_not_waited_for() {
    let reason = told(|_| {
        let mut all: Vec<Answer> = (0..=MANY as u64).map(|n| changed(n, "OU=A")).collect();
        all.push(Answer::Synchronized(false, b"end".to_vec()));
        all
    })
    .await
    .expect_err("too many");
    assert!(reason.contains("more than 20000 objects"), "{reason}");
}

#[tokio::test]
async fn who_offers_no_waiting_says_so() {
    let server = FakeLdap::start(|request| match request {
        Request::Search { base, .. } if base == ROOT => vec![Answer::Done(12, "", None)],
        Request::Search { .. } => vec![
            entry(
                "",
                &[
                    ("defaultNamingContext", &[ROOT]),
                    ("namingContexts", &[ROOT]),
                    ("supportedCapabilities", &["1.2.840.113556.1.4.1851"]),
                ],
            ),
            Answer::Done(0, "", None),
        ],
        _ => vec![Answer::Done(0, "", None)],
    });
    let source = LdapSource::new(settings(&server));
    let wake = Arc::new(Notify::new());
    let watched = source.watch(&ask(&[]), wake.clone()).await;
    assert_eq!(watched.expect("an answer"), Watched::Unsupported);
    // Not woken: nobody waits for anything.
    let quiet = tokio::time::timeout(Duration::from_millis(50), wake.notified()).await;
    assert!(quiet.is_err());
}
