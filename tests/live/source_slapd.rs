//! The LDAP source against a real OpenLDAP server.

use std::time::Duration;

use dirsyncd::model::Portion;
use dirsyncd::model::RecordKind;
use dirsyncd::source::ldap::LdapSource;
use dirsyncd::source::{Source, SourceErrorKind};
use tokio::sync::mpsc;

use crate::reading::{ask, find, groups_come_first, read_ldap, reasons, refused, slapd_settings};
use crate::support::certs::Certificate;
use crate::support::slapd::{self, Options, group_ldif, people_ldif};

fn member(n: usize) -> String {
    format!("uid=u{n},ou=people,{}", slapd::SUFFIX)
}

#[tokio::test(flavor = "multi_thread")]
async fn everybody_is_read_page_by_page() {
    let members: Vec<String> = (0..2500).map(member).collect();
    let slapd = Options::default()
        .ldif(&people_ldif(0, 2500))
        .ldif(&group_ldif("everybody", members.iter().map(String::as_str)))
        .ldif(&group_ldif("first", [members[0].as_str()]))
        .start();
    let mut settings = slapd_settings(&slapd);
    for page_size in [1, 700, 1000, 5000] {
        if page_size == 1 {
            settings.bases = vec![member(7)];
        } else {
            settings.bases = slapd_settings(&slapd).bases;
        }
        settings.page_size = page_size;
        let (records, census) = read_ldap(&settings, &ask(&["mail", "sn"])).await;
        assert!(census.is_whole(), "{census:?}");
        assert_eq!(census.people, if page_size == 1 { 1 } else { 2500 });
        assert_eq!((census.groups, census.referrals), (2, 0));
        assert_eq!(census.unusable, []);
        assert!(census.identity.starts_with("dc=example,dc=com @ "), "{}", census.identity);
        assert_eq!(records.len() as u64, census.people + census.groups);
        assert!(groups_come_first(&records));
        let everybody = find(&records, "cn", "everybody");
        assert_eq!(everybody.values("member").count(), 2500);
        let person = find(&records, "mail", "u7@example.com");
        assert_eq!(person.kind, RecordKind::Person);
        let names: Vec<&str> = person.attributes.iter().map(|a| a.name.as_str()).collect();
        assert_eq!(names.len(), 2, "{names:?}");
        assert!(!person.disabled);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn anchors_survive_a_rename_and_the_record_changes() {
    let slapd = Options::default().ldif(&people_ldif(0, 1)).start();
    let settings = slapd_settings(&slapd);
    let (before, first) = read_ldap(&settings, &ask(&["mail"])).await;
    slapd.rename(&member(0), "uid=renamed", None);
    let (after, second) = read_ldap(&settings, &ask(&["mail"])).await;
    assert_eq!(before[0].anchor, after[0].anchor);
    assert_ne!(before[0].dn, after[0].dn);
    assert_eq!(first.identity, second.identity);
}

#[tokio::test(flavor = "multi_thread")]
async fn groups_of_all_kinds_say_member() {
    let suffix = slapd::SUFFIX;
    let slapd = Options::default()
        .ldif(&people_ldif(0, 2))
        .ldif(&format!(
            "dn: cn=unique,ou=groups,{suffix}\nobjectClass: groupOfUniqueNames\ncn: unique\nuniqueMember: {}\n\n\
             dn: cn=posix,ou=groups,{suffix}\nobjectClass: posixGroup\ncn: posix\ngidNumber: 1\nmemberUid: u1\n\n",
            member(0)
        ))
        .start();
    let (records, _) = read_ldap(&slapd_settings(&slapd), &ask(&[])).await;
    assert_eq!(find(&records, "cn", "unique").text("member"), Some(member(0).as_str()));
    assert_eq!(find(&records, "cn", "posix").text("memberuid"), Some("u1"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_directory_of_plain_persons_is_found_too() {
    let suffix = slapd::SUFFIX;
    let slapd = Options::default()
        .ldif(&format!("dn: cn=Ann,ou=people,{suffix}\nobjectClass: person\ncn: Ann\nsn: Lee\n"))
        .start();
    let (records, census) = read_ldap(&slapd_settings(&slapd), &ask(&["cn"])).await;
    assert!(census.is_whole());
    assert_eq!(records.len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_empty_directory_proves_nothing() {
    let slapd = Options::default().start();
    let (_, census) = read_ldap(&slapd_settings(&slapd), &ask(&["cn"])).await;
    assert!(reasons(&census)[0].contains("proves nothing"), "{census:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_size_limit_makes_the_census_partial() {
    let slapd = Options::default().ldif(&people_ldif(0, 300)).size_limit(120).start();
    let mut settings = slapd_settings(&slapd);
    settings.bind = Some(slapd::LIMITED.into());
    settings.page_size = 50;
    let (records, census) = read_ldap(&settings, &ask(&["mail"])).await;
    assert!((1..300).contains(&records.len()), "{}", records.len());
    assert_eq!(census.people, records.len() as u64);
    let reason = &reasons(&census)[0];
    assert!(reason.contains("ou=people,dc=example,dc=com"), "{reason}");
    assert!(reason.contains(&format!("{} entries", records.len())), "{reason}");
    assert!(reason.contains("sizeLimitExceeded (4)"), "{reason}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_base_that_is_not_there_is_an_error_alone_and_a_gap_among_others() {
    let slapd = Options::default().ldif(&people_ldif(0, 3)).start();
    let mut settings = slapd_settings(&slapd);
    settings.bases = vec![format!("ou=nobody,{}", slapd::SUFFIX)];
    let error = refused(&settings).await;
    assert_eq!(error.kind, SourceErrorKind::Misconfigured);
    assert!(error.what.contains("ou=nobody") && error.what.contains("noSuchObject (32)"), "{error}");
    settings.bases.push(format!("ou=people,{}", slapd::SUFFIX));
    let (records, census) = read_ldap(&settings, &ask(&["mail"])).await;
    assert_eq!(records.len(), 3);
    assert!(reasons(&census)[0].contains("ou=nobody"), "{census:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_referral_means_that_somebody_was_not_seen() {
    let slapd = Options::default()
        .ldif(&people_ldif(0, 1))
        .ldif(&format!(
            "dn: ou=abroad,ou=people,{}\nobjectClass: referral\nobjectClass: extensibleObject\nou: abroad\n\
             ref: ldap://abroad.example.com/ou=abroad\n",
            slapd::SUFFIX
        ))
        .start();
    let (_, census) = read_ldap(&slapd_settings(&slapd), &ask(&["mail"])).await;
    assert_eq!(census.referrals, 1);
    assert!(reasons(&census)[0].contains("referral"), "{census:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn refusals_are_told_in_words() {
    let slapd = Options::default().start();
    let good = slapd_settings(&slapd);

    let mut settings = good.clone();
    settings.password.0 = "wrong".into();
    let error = refused(&settings).await;
    assert_eq!(error.kind, SourceErrorKind::Refused);
    assert!(error.what.contains("wrong name or password"), "{error}");
    assert!(!format!("{error:?}").contains("\"wrong\""));

    let mut settings = good.clone();
    settings.password.0 = String::new();
    let error = refused(&settings).await;
    assert!(error.what.contains("empty password"), "{error}");

    let mut settings = good.clone();
    settings.person_filter = Some("(mail=*".into());
    let error = refused(&settings).await;
    assert_eq!(error.kind, SourceErrorKind::Misconfigured);
    assert!(error.what.contains("person_filter"), "{error}");

    let mut settings = good.clone();
    settings.urls = vec![slapd.url()];
    let error = refused(&settings).await;
    assert_eq!(error.kind, SourceErrorKind::Misconfigured);
    assert!(error.remedy.contains("start_tls"), "{}", error.remedy);

    let mut settings = good;
    settings.urls = vec!["ldaps://127.0.0.1:1".into(), "ldaps://no-such-host.invalid".into()];
    let error = refused(&settings).await;
    assert_eq!(error.kind, SourceErrorKind::Unreachable);
    assert!(error.what.contains("127.0.0.1:1") && error.what.contains("no-such-host.invalid"), "{error}");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_next_server_is_asked_when_the_first_is_gone() {
    let slapd = Options::default().ldif(&people_ldif(0, 1)).start();
    let mut settings = slapd_settings(&slapd);
    settings.urls.insert(0, "ldaps://127.0.0.1:1".into());
    let (records, _) = read_ldap(&settings, &ask(&["mail"])).await;
    assert_eq!(records.len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn start_tls_and_plain() {
    let slapd = Options::default().ldif(&people_ldif(0, 1)).start();
    let mut settings = slapd_settings(&slapd);
    settings.urls = vec![slapd.url()];
    settings.start_tls = true;
    assert_eq!(read_ldap(&settings, &ask(&["mail"])).await.0.len(), 1);
    let probe = LdapSource::new(settings.clone()).probe(&ask(&["mail"]), 0).await.unwrap();
    let suites = |version: &str| format!("encrypted with {version}, TLS_");
    assert!(probe.facts.iter().any(|fact| fact.what.starts_with(&suites("TLS 1.3"))), "{probe:?}");
    assert!(probe.facts.iter().any(|fact| fact.what.contains("certificate is valid until 2")), "{probe:?}");

    settings.start_tls = false;
    settings.danger_plain_ldap = true;
    assert_eq!(read_ldap(&settings, &ask(&["mail"])).await.0.len(), 1);
    let probe = LdapSource::new(settings).probe(&ask(&["mail"]), 0).await.unwrap();
    assert_eq!(probe.product, "OpenLDAP");
    assert!(probe.facts.iter().any(|fact| fact.what.contains("NOT encrypted")), "{probe:?}");

    // In the words of GnuTLS, which slapd is built with here.
    let old = Options::default().global_config("TLSCipherSuite SECURE256:-VERS-TLS1.3").start();
    let probe = LdapSource::new(slapd_settings(&old)).probe(&ask(&["mail"]), 0).await.unwrap();
    let words = suites("TLS 1.2") + "ECDHE_";
    assert!(probe.facts.iter().any(|fact| fact.what.starts_with(&words)), "{probe:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn certificates_that_cannot_be_trusted_are_explained() {
    for (certificate, words) in [
        (Certificate::Expired, "has expired"),
        (Certificate::NoNames, "no subjectAltName"),
        (Certificate::OtherHost, "elsewhere.example.com"),
    ] {
        let slapd = Options::default().ldif(&people_ldif(0, 1)).certificate(certificate).start();
        let mut settings = slapd_settings(&slapd);
        let error = refused(&settings).await;
        assert_eq!(error.kind, SourceErrorKind::Unreachable);
        assert!(error.what.contains(words), "{certificate:?}: {error}");
        // Named by the administrator, the certificate itself is trusted, unless its time is over.
        settings.ca_file = Some(slapd.certificate_file());
        if certificate == Certificate::Expired {
            assert!(refused(&settings).await.what.contains("has expired"));
        } else {
            assert_eq!(read_ldap(&settings, &ask(&["mail"])).await.0.len(), 1);
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_unknown_authority_is_explained() {
    let slapd = Options::default().start();
    let stranger = Options::default().start();
    let mut settings = slapd_settings(&slapd);
    settings.ca_file = Some(stranger.ca_file());
    let error = refused(&settings).await;
    assert!(error.what.contains("authority that is not trusted"), "{error}");
    assert!(error.remedy.contains("ca_file"), "{}", error.remedy);
    settings.ca_file = Some("/nonexistent.pem".into());
    assert_eq!(refused(&settings).await.kind, SourceErrorKind::Misconfigured);
    // A port where TLS is not spoken at once.
    let mut settings = slapd_settings(&slapd);
    settings.urls = vec![slapd.url().replace("ldap://", "ldaps://")];
    let error = refused(&settings).await;
    assert!(error.what.contains("TLS"), "{error}");
}

/// Starts a read and hands over after the first batch of people.
async fn interrupted(
    slapd: &slapd::Slapd,
    limit: Duration,
) -> (
    tokio::task::JoinHandle<Result<dirsyncd::model::Census, dirsyncd::source::SourceError>>,
    mpsc::Receiver<Portion>,
) {
    let mut settings = slapd_settings(slapd);
    settings.page_size = 100;
    settings.operation_timeout = limit;
    // A narrow channel holds the read back, so that it is in the middle when something happens.
    let (sender, mut receiver) = mpsc::channel(1);
    let task = tokio::spawn(async move { LdapSource::new(settings).read(&ask(&["mail"]), sender).await });
    while !matches!(receiver.recv().await.expect("a batch of people"), Portion::People(_)) {}
    (task, receiver)
}

async fn drain(mut receiver: mpsc::Receiver<Portion>) {
    while receiver.recv().await.is_some() {}
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_dies_in_the_middle_leaves_a_partial_census() {
    let mut slapd = Options::default().ldif(&people_ldif(0, 5000)).start();
    let (task, receiver) = interrupted(&slapd, Duration::from_secs(10)).await;
    slapd.kill();
    drain(receiver).await;
    let census = task.await.unwrap().unwrap();
    assert!((1..5000).contains(&census.people), "{}", census.people);
    assert!(reasons(&census)[0].contains("connection"), "{census:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_freezes_is_not_waited_for_for_ever() {
    let slapd = Options::default().ldif(&people_ldif(0, 5000)).start();
    let (task, receiver) = interrupted(&slapd, Duration::from_secs(1)).await;
    slapd.pause();
    drain(receiver).await;
    let census = task.await.unwrap().unwrap();
    slapd.resume();
    assert!((1..5000).contains(&census.people), "{}", census.people);
    assert!(reasons(&census)[0].contains("no answer"), "{census:?}");
    // Frozen from the beginning: nothing could be read at all.
    slapd.pause();
    let mut settings = slapd_settings(&slapd);
    settings.connect_timeout = Duration::from_millis(300);
    let error = refused(&settings).await;
    slapd.resume();
    assert_eq!(error.kind, SourceErrorKind::Unreachable);
    assert!(error.what.contains("did not answer within 0.3 s"), "{error}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_listener_that_leaves_ends_the_read() {
    let slapd = Options::default().ldif(&people_ldif(0, 5000)).start();
    let (task, receiver) = interrupted(&slapd, Duration::from_secs(10)).await;
    drop(receiver);
    let census = task.await.unwrap().unwrap();
    assert!(reasons(&census)[0].contains("stopped"), "{census:?}");
}
