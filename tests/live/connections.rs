//! How a directory is reached: which server, by which way of trust and of logging in, and what
//! a hostile one can do.

use std::net::{Ipv4Addr, TcpListener};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

use dirsyncd::model::{Ask, Redacted};
use dirsyncd::source::ldap::{Auth, LdapSource, Settings};
use dirsyncd::source::{Source, SourceErrorKind};

use crate::reading::{ask, read, read_ldap, reasons, refused, samba_settings, slapd_settings};
use crate::support::certs::Certificate;
use crate::support::fake_dns::{Data, FakeDns};
use crate::support::fake_ldap::{Answer, FakeLdap, Request, entry, tlv};
use crate::support::process::await_until;
use crate::support::samba::{self, Samba};
use crate::support::slapd::{self, Options, Slapd, people_ldif};

fn plain(urls: &[&str]) -> Settings {
    Settings {
        danger_plain_ldap: true,
        bind: Some("svc@example.test".into()),
        password: Redacted("secret".into()),
        connect_timeout: Duration::from_secs(5),
        operation_timeout: Duration::from_secs(5),
        ..Settings::new("domain", urls)
    }
}

/// What a fake directory with one person was asked.
#[derive(Default)]
struct Counts {
    binds: AtomicUsize,
    roots: AtomicUsize,
    /// Answers of the directory are "busy".
    busy: AtomicBool,
    /// The connection is closed after the next search.
    close: AtomicBool,
}

fn counting() -> (FakeLdap, Arc<Counts>) {
    let counts = Arc::new(Counts::default());
    let seen = counts.clone();
    let server = FakeLdap::start(move |request| match request {
        Request::Bind { .. } => {
            seen.binds.fetch_add(1, Ordering::SeqCst);
            vec![Answer::Done(0, "", None)]
        }
        Request::Search { base, .. } if base.is_empty() => {
            seen.roots.fetch_add(1, Ordering::SeqCst);
            vec![entry("", &[("namingContexts", &["dc=example,dc=test"])]), Answer::Done(0, "", None)]
        }
        _ if seen.busy.load(Ordering::SeqCst) => vec![Answer::Done(51, "later", None)],
        Request::Search { attributes, .. } => {
            let mut answers = vec![Answer::Done(0, "", None)];
            if !attributes.iter().any(|name| name == "member") {
                answers.insert(
                    0,
                    entry(
                        "cn=Ann,dc=example,dc=test",
                        &[("entryUUID", &["1-2-3-4"]), ("mail", &["ann@example.test"])],
                    ),
                );
            }
            if seen.close.load(Ordering::SeqCst) {
                answers.push(Answer::Close);
            }
            answers
        }
        Request::Other => vec![Answer::Done(0, "", None)],
    });
    (server, counts)
}

fn nested(depth: usize) -> Vec<u8> {
    // From the inside out, without copying the whole at each level.
    let mut reversed: Vec<u8> = Vec::new();
    for _ in 0..depth {
        let length = u32::try_from(reversed.len()).expect("some megabytes");
        reversed.extend(length.to_le_bytes());
        reversed.extend([0x84, 0x30]);
    }
    reversed.reverse();
    reversed
}

fn message(op: &[u8], controls: &[u8]) -> Vec<u8> {
    tlv(0x30, &[&tlv(2, &[3]), op, controls].concat())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_hostile_answer_is_an_error_of_that_read_and_nothing_more() {
    let deep = nested(100_000);
    let control = tlv(0xa0, &tlv(0x30, &[tlv(4, b"1.2.840.113556.1.4.319"), tlv(4, &deep)].concat()));
    let done = tlv(0x65, &[tlv(0x0a, &[0]), tlv(4, b""), tlv(4, b"")].concat());
    for (raw, words) in [
        (message(&tlv(0x64, &deep), b""), "nested more than"),
        (message(&done, &control), "nested more than"),
        (vec![0x30, 0x84, 0x7f, 0xff, 0xff, 0xff, 0x02], "announced an answer of 2147483647 bytes"),
        (vec![0x30, 0x80, 0x02, 0x01, 0x03], "lengths contradict"),
        (tlv(0x30, b""), "not LDAP"),
        (b"HTTP/1.1 400 Bad Request\r\n\r\n".to_vec(), "not LDAP"),
    ] {
        // In the place of the answer to a bind, and in the place of people.
        for at_bind in [true, false] {
            let raw = raw.clone();
            let server = FakeLdap::start(move |request| match request {
                Request::Bind { .. } if at_bind => vec![Answer::Raw(raw.clone())],
                Request::Search { base, .. } if base.is_empty() => {
                    vec![entry("", &[("namingContexts", &["dc=example,dc=test"])]), Answer::Done(0, "", None)]
                }
                Request::Search { .. } => vec![Answer::Raw(raw.clone())],
                _ => vec![Answer::Done(0, "", None)],
            });
            let people = Ask { groups: false, ..ask(&["mail"]) };
            let source = LdapSource::new(plain(&[&server.url()]));
            let error = read(&source, &people).await.1.expect_err(words);
            assert_eq!(error.kind, SourceErrorKind::Broken, "{error}");
            assert!(error.what.contains(words), "{words}: {error}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_connection_is_used_again_until_it_fails() {
    let (server, counts) = counting();
    let source = LdapSource::new(plain(&[&server.url()]));
    let count = || (counts.binds.load(Ordering::SeqCst), counts.roots.load(Ordering::SeqCst));
    for _ in 0..3 {
        assert!(read(&source, &ask(&["mail"])).await.1.unwrap().is_whole());
    }
    assert_eq!(count(), (1, 1));

    // What went wrong once is not tried again on the same connection.
    counts.busy.store(true, Ordering::SeqCst);
    assert!(!read(&source, &ask(&["mail"])).await.1.is_ok_and(|census| census.is_whole()));
    assert_eq!(count(), (1, 1));
    counts.busy.store(false, Ordering::SeqCst);
    assert!(read(&source, &ask(&["mail"])).await.1.unwrap().is_whole());
    assert_eq!(count(), (2, 2));

    // Nor is a connection that the server has closed.
    counts.close.store(true, Ordering::SeqCst);
    let _ = read(&source, &ask(&["mail"])).await;
    counts.close.store(false, Ordering::SeqCst);
    assert!(read(&source, &ask(&["mail"])).await.1.unwrap().is_whole());
    assert_eq!(count(), (3, 3));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_failed_is_left_alone_for_a_while() {
    let listener = TcpListener::bind(("127.0.0.1", 0)).unwrap();
    let broken = format!("ldap://{}", listener.local_addr().unwrap());
    let accepted = Arc::new(AtomicUsize::new(0));
    let counter = accepted.clone();
    std::thread::spawn(move || {
        while listener.accept().is_ok() {
            counter.fetch_add(1, Ordering::SeqCst);
        }
    });
    let (server, counts) = counting();
    let source = LdapSource::new(plain(&[&broken, &server.url()]));
    // No connection outlives its read, so that each read has to choose a server.
    counts.close.store(true, Ordering::SeqCst);
    for n in 1..4 {
        read(&source, &ask(&["mail"])).await.1.unwrap();
        assert_eq!(accepted.load(Ordering::SeqCst), 1);
        assert!(counts.binds.load(Ordering::SeqCst) >= n);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn start_tls_that_fails_is_told() {
    for (answers, kind, words) in [
        (vec![(2, "no TLS here")], SourceErrorKind::Refused, "does not do StartTLS: protocolError (2)"),
        (vec![], SourceErrorKind::Unreachable, "did not answer within"),
    ] {
        let server = FakeLdap::start(move |_| {
            answers.iter().map(|(code, text)| Answer::Done(*code, text, None)).collect()
        });
        let mut settings = plain(&[&server.url()]);
        settings.danger_plain_ldap = false;
        settings.start_tls = true;
        settings.connect_timeout = Duration::from_millis(500);
        let error = refused(&settings).await;
        assert_eq!(error.kind, kind, "{error}");
        assert!(error.what.contains(words), "{error}");
    }
    let server = FakeLdap::start(|_| vec![Answer::Raw(b"220 mail.example.com ESMTP\r\n".to_vec())]);
    let mut settings = plain(&[&server.url()]);
    settings.start_tls = true;
    assert!(refused(&settings).await.what.contains("not LDAP"));
}

/// Settings without URLs for servers that DNS names.
fn by_dns(slapd: &Slapd, dns: &FakeDns) -> Settings {
    Settings {
        urls: vec![],
        domain: Some("corp.test".into()),
        nameservers: vec![dns.address()],
        ..slapd_settings(slapd)
    }
}

fn port(url: &str) -> u16 {
    url.rsplit(':').next().and_then(|port| port.parse().ok()).expect("a port")
}

#[tokio::test(flavor = "multi_thread")]
async fn servers_are_found_by_dns() {
    let slapd = Options::default().ldif(&people_ldif(0, 1)).start();
    let (clear, tls) = (port(&slapd.url()), slapd.tls_port());
    let here = Data::A(Ipv4Addr::LOCALHOST);

    // Any LDAP server, by TLS. The dead one is preferred, and the heavy one within its rank.
    let dns = FakeDns::start(&[
        ("_ldaps._tcp.corp.test", Data::Srv(20, 0, tls, "localhost")),
        ("_ldaps._tcp.corp.test", Data::Srv(10, 5, 1, "localhost")),
        ("localhost", here.clone()),
    ]);
    assert_eq!(read_ldap(&by_dns(&slapd, &dns), &ask(&["mail"])).await.0.len(), 1);
    let asked = dns.asked();
    assert_eq!(asked[0], "_ldap._tcp.dc._msdcs.corp.test", "{asked:?}");

    // Domain controllers, those of the site first; by StartTLS, for the port is free then.
    let dns = FakeDns::start(&[
        ("_ldap._tcp.hq._sites.dc._msdcs.corp.test", Data::Srv(0, 100, clear, "localhost")),
        ("_ldap._tcp.dc._msdcs.corp.test", Data::Srv(0, 100, 1, "localhost")),
        ("localhost", here.clone()),
    ]);
    let mut settings = by_dns(&slapd, &dns);
    settings.site = Some("HQ".into());
    settings.start_tls = true;
    let probe = LdapSource::new(settings.clone()).probe(&ask(&[]), 0).await.unwrap();
    assert!(probe.facts[0].what.contains(&format!("ldap://localhost:{clear}")), "{probe:?}");
    assert!(!dns.asked().iter().any(|name| name.starts_with("_ldap._tcp.corp")), "{:?}", dns.asked());
    settings.site = Some("Branch".into());
    let error = refused(&settings).await;
    assert!(error.what.contains("ldap://localhost:1"), "{error}");

    // The certificate has to be for the host that DNS names, not for the domain.
    let dns = FakeDns::start(&[
        ("_ldaps._tcp.corp.test", Data::Srv(0, 0, tls, "dc1.corp.test")),
        ("dc1.corp.test", here),
    ]);
    let error = refused(&by_dns(&slapd, &dns)).await;
    assert!(error.what.contains("not for \"dc1.corp.test\" but for localhost"), "{error}");

    // Without any record the name of the domain is the server.
    let dns = FakeDns::start(&[]);
    let error = refused(&by_dns(&slapd, &dns)).await;
    assert_eq!(error.kind, SourceErrorKind::Unreachable);
    assert!(error.what.contains("\"corp.test\" in ldaps://corp.test cannot be resolved"), "{error}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_pinned_certificate_is_trusted_whatever_it_is_for() {
    let slapd = Options::default().ldif(&people_ldif(0, 1)).certificate(Certificate::NoNames).start();
    let mut settings = slapd_settings(&slapd);
    let error = refused(&settings).await;
    assert!(error.what.contains("no subjectAltName"), "{error}");
    let (_, pin) = error.remedy.split_once("pin_sha256 = [\"").expect("the remedy names the pin");
    let pin = Settings::pin(pin.split('"').next().unwrap()).expect("a fingerprint");
    settings.pin_sha256 = vec![[0; 32], pin];
    settings.ca_file = None;
    assert_eq!(read_ldap(&settings, &ask(&["mail"])).await.0.len(), 1);

    // Nothing else is trusted any more: not a good certificate of a trusted authority.
    let other = Options::default().start();
    settings.ca_file = Some(other.ca_file());
    settings.urls = vec![other.tls_url()];
    let error = refused(&settings).await;
    assert!(error.what.contains("none of those in pin_sha256"), "{error}");

    // And not for ever.
    let old = Options::default().certificate(Certificate::Expired).start();
    let error = refused(&slapd_settings(&old)).await;
    assert!(error.what.contains("has expired"), "{error}");
    let mut settings = slapd_settings(&old);
    let error = refused(&Settings { pin_sha256: vec![[0; 32]], ..settings.clone() }).await;
    let (_, pin) = error.remedy.split_once("pin_sha256 = [\"").expect("the remedy names the pin");
    settings.pin_sha256 = vec![Settings::pin(pin.split('"').next().unwrap()).expect("a fingerprint")];
    assert!(refused(&settings).await.what.contains("has expired"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_client_certificate_logs_in() {
    let slapd = Options::default()
        .ldif(&people_ldif(0, 1))
        .global_config(&format!("TLSVerifyClient try\nauthz-regexp \"cn=connector\" \"{}\"", slapd::READER))
        .start();
    let (certificate, key) = slapd.client_certificate("connector");
    let mut settings = Settings {
        client_cert_file: Some(certificate),
        client_key_file: Some(key),
        bind: None,
        password: Redacted(String::new()),
        ..slapd_settings(&slapd)
    };
    assert_eq!(settings.auth(), Auth::External);
    assert_eq!(read_ldap(&settings, &ask(&["mail"])).await.0.len(), 1);
    let probe = LdapSource::new(settings.clone()).probe(&ask(&[]), 0).await.unwrap();
    assert!(probe.facts.iter().any(|fact| fact.what.contains("client certificate")), "{probe:?}");

    // By StartTLS too, and not without any TLS.
    settings.urls = vec![slapd.url()];
    settings.start_tls = true;
    assert_eq!(read_ldap(&settings, &ask(&["mail"])).await.0.len(), 1);
    settings.start_tls = false;
    settings.danger_plain_ldap = true;
    let error = refused(&settings).await;
    assert_eq!(error.kind, SourceErrorKind::Misconfigured);
    assert!(error.what.contains("needs TLS"), "{error}");

    // Shown, but not used to log in.
    let mut settings = Settings { urls: vec![slapd.tls_url()], ..settings };
    settings.auth = Some(Auth::Anonymous);
    assert_eq!(refused(&settings).await.kind, SourceErrorKind::Misconfigured);

    // A server that does not ask for certificates cannot be logged in to with one.
    let deaf = Options::default().start();
    let (certificate, key) = deaf.client_certificate("connector");
    let settings = Settings {
        client_cert_file: Some(certificate),
        client_key_file: Some(key),
        bind: None,
        auth: Some(Auth::External),
        ..slapd_settings(&deaf)
    };
    let error = refused(&settings).await;
    assert_eq!(error.kind, SourceErrorKind::Refused);
    assert!(error.what.contains("refuses the client certificate"), "{error}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_domain_controller_that_goes_is_replaced_by_the_other() {
    let mut first = Samba::start();
    let second = Samba::start();
    let mut settings = samba_settings(&first);
    // One authority for both, as in a domain.
    let both = tempfile::NamedTempFile::new().unwrap();
    let pem = [first.ca_file(), second.ca_file()].map(|file| std::fs::read_to_string(file).unwrap());
    std::fs::write(both.path(), pem.concat()).unwrap();
    settings.ca_file = Some(both.path().into());
    settings.urls.push(second.url());
    let source = LdapSource::new(settings);
    let probe = source.probe(&ask(&[]), 0).await.unwrap();
    assert!(probe.facts[0].what.contains(&first.url()), "{probe:?}");
    assert!(read(&source, &ask(&["mail"])).await.1.unwrap().is_whole());
    first.kill();
    await_until("the connection to be closed", Duration::from_secs(10), || {
        std::net::TcpStream::connect((first.address(), 636)).is_err()
    });
    // The kept connection is gone as well.
    let (_, census) = read(&source, &ask(&["mail"])).await;
    let census = census.unwrap();
    assert!(census.is_whole(), "{:?}", reasons(&census));
    let probe = source.probe(&ask(&[]), 0).await.unwrap();
    assert!(probe.facts[0].what.contains(&second.url()), "{probe:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_password_that_must_be_changed_is_told() {
    let samba = Samba::start();
    let dn = samba.add_user("svc", "Svc Reader");
    samba.set_password("svc", samba::PASSWORD);
    samba.set(&dn, "pwdLastSet", "0");
    let mut settings = samba_settings(&samba);
    settings.bind = Some("svc@example.test".into());
    let error = refused(&settings).await;
    assert!(error.what.contains("must be changed at first logon"), "{error}");
}
