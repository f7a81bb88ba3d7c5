//! `dirsyncd check` by the real binary against real directories: what an administrator reads.

use std::time::Duration;

use dirsyncd::model::Redacted;
use dirsyncd::sandbox::{self, Sandbox};
use dirsyncd::source::ldap::{LdapSource, Settings};
use dirsyncd::source::{Source, Standing, Topic};
use serde_json::Value;

use crate::reading::ask;
use crate::support::connector::{Connector, TOKEN};
use crate::support::fake_ldap::{Answer, FakeLdap, Request, entry};
use crate::support::samba::{self, Samba};
use crate::support::slapd::{self, Options, Slapd, people_ldif};

const ENTITLEMENT: &str =
    "[[entitlement]]\nname = \"staff\"\ngroups = [\"Staff\"]\nlicenses = [\"message.messaging\"]\n";

async fn sandbox() -> Sandbox {
    Sandbox::start(sandbox::Settings { token: TOKEN.into(), ..sandbox::Settings::default() })
        .await
        .expect("a sandbox")
}

/// The document and the text of a check, which must both end with `code`.
#[track_caller]
fn checked(connector: &Connector, code: i32) -> (Value, String) {
    let document = connector.json(code, &["check"]);
    let output = connector.run(&["check"]);
    let text = String::from_utf8(output.stdout).expect("text");
    assert_eq!(output.status.code(), Some(code), "{text}");
    println!("{text}");
    (document, text)
}

/// Every line must be there, by its beginning after the name.
#[track_caller]
fn says(text: &str, lines: &[(&str, &str)]) {
    for (mark, words) in lines {
        assert!(
            text.lines().any(|line| line.starts_with(mark) && line.contains(words)),
            "no line \"{mark} ... {words}\" in\n{text}"
        );
    }
}

#[track_caller]
fn check<'a>(document: &'a Value, topic: &str) -> &'a Value {
    let checks = document["checks"].as_array().expect("a list");
    checks.iter().find(|check| check["topic"] == topic).unwrap_or_else(|| panic!("no {topic} in {document}"))
}

fn samba_config(samba: &Samba, bind: &str, more: &str) -> String {
    format!(
        "[[source]]\nname = \"corp\"\nkind = \"ldap\"\nurls = [\"{}\"]\nca_file = \"{}\"\nbind = \"{bind}\"\n\
         password_file = \"password\"\nbases = [\"OU=Corp,{}\"]\n{ENTITLEMENT}{more}",
        samba.url(),
        samba.ca_file().display(),
        samba::SUFFIX,
    )
}

#[tokio::test(flavor = "multi_thread")]
async fn a_domain_is_described_as_it_is() {
    let samba = Samba::start();
    let sandbox = sandbox().await;
    let url = sandbox.base_url();
    let ann = samba.add_user("ann", "Ann Lee");
    let bob = samba.add_user("bob", "Bob Ray");
    let cyd = samba.add_user("cyd", "Cyd Fox");
    samba.add_user("dee", "Dee Oak");
    samba.disable(&bob);
    samba.clear(&cyd, "mail");
    let inner = samba.add_group("Inner", &[&ann]);
    samba.add_group("Staff", &[&inner]);
    let only_mail = "[people.mapping]\nemail = \"mail\"\n";
    let connector = Connector::new(&samba_config(&samba, samba::ADMIN, only_mail), &url);
    connector.secret("password", samba::PASSWORD);

    let (document, text) = checked(&connector, 0);
    says(
        &text,
        &[
            ("ok    configuration", "dirsyncd.toml"),
            ("warn  state", "is not there yet"),
            ("ok    disk", "free at"),
            ("ok    clock", "UTC"),
            ("ok    source corp", "Samba Active Directory"),
            ("ok    source corp", "which calls itself dc1.example.test"),
            ("ok    source corp", "bound as Administrator@example.test; the server does not tell"),
            ("ok    source corp", "encrypted with TLS 1.3, TLS_"),
            ("ok    source corp", "base \"OU=Corp,DC=example,DC=test\" is there"),
            ("ok    source corp", "deleted objects can be read"),
            ("ok    source corp", "pages: all people of the first base (4) fit"),
            ("ok    source corp", "LDAP policies: MaxPageSize 1000, MaxValRange 1500"),
            ("ok    source corp", "clock"),
            ("ok    source corp", "4 people (1 disabled), 0 rooms, 2 groups"),
            (
                "warn  source corp",
                "people by the rules: 2 wanted in the cloud, 1 not (disabled in the directory)",
            ),
            ("ok    cloud", "organization"),
        ],
    );
    assert!(!text.contains("Ann Lee") && text.contains("with --json"), "samples are not for files: {text}");
    let counts = &document["sources"][0]["counts"];
    assert_eq!(counts["people"], 4, "{document}");
    assert_eq!((&counts["no_email"], &counts["withheld"]), (&1.into(), &1.into()), "{document}");
    assert_eq!(document["sources"][0]["whole"], true);
    assert!(check(&document, "changes")["message"].as_str().expect("text").starts_with("changes: "));

    // The same three every time; those whom the rules take first.
    let samples = document["samples"].as_array().expect("a list");
    assert_eq!(samples.len(), 3);
    assert_eq!(samples[0]["verdict"], "present");
    let sample = samples.iter().find(|sample| sample["dn"] == ann.as_str()).expect("Ann is taken");
    assert_eq!(sample["person"]["email"], "ann@example.test");
    assert_eq!(sample["person"]["attributes"]["given_name"], "Ann");
    assert_eq!(sample["attributes"]["givenname"], serde_json::json!(["Ann"]));
    assert_eq!(sample["groups"], serde_json::json!(["Staff"]), "by way of another group");
    assert_eq!(sample["person"]["licenses"], serde_json::json!(["Advanced Messaging"]));
    assert_eq!(connector.json(0, &["check"])["samples"], document["samples"]);
    assert!(!connector.state().exists(), "a check leaves no trace");

    // A base and a group that are not there.
    let wrong = samba_config(&samba, samba::ADMIN, "")
        .replace("OU=Corp,", "OU=Crop,")
        .replace("groups = [\"Staff\"]", "groups = [\"Stfaf\"]");
    connector.configure(&wrong, &url);
    let (document, text) = checked(&connector, 4);
    says(
        &text,
        &[("FAIL  source corp", "base \"OU=Crop,DC=example,DC=test\" is NOT there"), ("ok    cloud", "")],
    );
    assert_eq!(document["outcome"], "source");
    connector.configure(&wrong.replace("OU=Crop,", "OU=Corp,"), &url);
    let (_, text) = checked(&connector, 4);
    says(&text, &[("FAIL  groups", "\"Stfaf\""), ("", "did you mean \"Staff\"?")]);
    sandbox.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_account_without_rights_is_told_what_it_lacks() {
    let samba = Samba::start();
    let sandbox = sandbox().await;
    samba.add_user("svc", "Svc Reader");
    samba.set_password("svc", "Another!Pass1");
    samba.add_group("Staff", &[]);
    let connector = Connector::new(&samba_config(&samba, "svc@example.test", ""), &sandbox.base_url());
    connector.secret("password", "Another!Pass1");
    let (_, text) = checked(&connector, 0);
    says(&text, &[("", "deleted objects cannot be read"), ("ok    source corp", "base \"OU=Corp")]);
    connector.secret("password", "wrong");
    let (document, text) = checked(&connector, 4);
    says(
        &text,
        &[
            ("FAIL  source corp", "wrong name or password"),
            ("", "what to do: check the bind name"),
            ("ok    cloud", ""),
        ],
    );
    assert_eq!(document["sources"][0]["product"], Value::Null);
    assert!(!text.contains("Another!Pass1"));
    sandbox.stop().await;
}

fn slapd_config(slapd: &Slapd, bind: &str, more: &str) -> String {
    format!(
        "[[source]]\nname = \"corp\"\nkind = \"ldap\"\nurls = [\"{}\"]\nca_file = \"{}\"\nbind = \"{bind}\"\n\
         password_file = \"password\"\nbases = [\"ou=people,{SUFFIX}\"]\ngroup_bases = [\"ou=groups,{SUFFIX}\"]\n{more}\
         [people]\ndialect = \"inet_org_person\"\n{ENTITLEMENT}",
        slapd.tls_url(),
        slapd.ca_file().display(),
        SUFFIX = slapd::SUFFIX,
    )
}

const STAFF: &str = "dn: cn=Staff,ou=groups,dc=example,dc=com\nobjectClass: groupOfNames\ncn: Staff\n\
                     member: uid=u1,ou=people,dc=example,dc=com";

#[tokio::test(flavor = "multi_thread")]
async fn an_openldap_is_described_with_its_limits() {
    let slapd = Options::default().ldif(&people_ldif(0, 30)).ldif(STAFF).size_limit(20).start();
    let sandbox = sandbox().await;
    let url = sandbox.base_url();
    let connector = Connector::new(&slapd_config(&slapd, slapd::READER, "page_size = 10\n"), &url);
    connector.secret("password", slapd::PASSWORD);
    let (document, text) = checked(&connector, 0);
    says(
        &text,
        &[
            ("ok    source corp", "OpenLDAP, dc=example,dc=com @ "),
            ("ok    source corp", "the server knows us as dn:cn=reader,dc=example,dc=com"),
            ("", "the server's certificate is valid until"),
            ("ok    source corp", "base \"ou=people,dc=example,dc=com\" is there"),
            ("ok    source corp", "base \"ou=groups,dc=example,dc=com\" is there"),
            ("ok    source corp", "pages: 10 entries each, as asked for"),
            ("ok    source corp", "size limit: none met (30 entries without pages)"),
            ("ok    source corp", "in all: 30 people (0 disabled), 0 rooms, 1 groups"),
            (
                "ok    source corp",
                "under \"ou=people,dc=example,dc=com\": 30 people (0 disabled), 0 rooms, 0 groups",
            ),
            (
                "ok    source corp",
                "under \"ou=groups,dc=example,dc=com\": 0 people (0 disabled), 0 rooms, 1 groups",
            ),
            ("ok    source corp", "people by the rules: 30 wanted in the cloud"),
        ],
    );
    assert_eq!(document["sources"][0]["counts"]["bases"][1]["groups"], 1, "{document}");

    // An account with limits: the read is cut, the rest is told all the same.
    connector.configure(&slapd_config(&slapd, slapd::LIMITED, "page_size = 10\n"), &url);
    let (document, text) = checked(&connector, 4);
    says(
        &text,
        &[
            ("warn  source corp", "size limit: without pages the server stops after 20 entries"),
            ("FAIL  source corp", "NOT read completely"),
            ("ok    cloud", ""),
        ],
    );
    assert_eq!(document["sources"][0]["whole"], false);
    sandbox.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_source_that_does_not_answer_hides_nothing_of_the_others() {
    let slapd = Options::default().ldif(&people_ldif(0, 3)).ldif(STAFF).start();
    let frozen = Options::default().start();
    frozen.pause();
    let sandbox = sandbox().await;
    let other =
        slapd_config(&frozen, slapd::READER, "connect_timeout = \"1s\"\n").replace("\"corp\"", "\"frozen\"");
    let other = other.split("[people]").next().expect("a source").to_owned();
    let config = format!("{other}{}", slapd_config(&slapd, slapd::READER, ""));
    let connector = Connector::new(&config, &sandbox.base_url());
    connector.secret("password", slapd::PASSWORD);
    let (document, text) = checked(&connector, 4);
    says(
        &text,
        &[
            ("FAIL  source frozen", "did not answer within 1 s"),
            ("ok    source corp", "3 people"),
            ("ok    cloud", "organization"),
        ],
    );
    assert_eq!(document["sources"][0]["counts"], Value::Null);
    assert_eq!(document["sources"][1]["counts"]["people"], 3);
    frozen.resume();
    sandbox.stop().await;
}

/// What only Microsoft's servers do, and a server that leaves some questions without an answer.
#[tokio::test(flavor = "multi_thread")]
async fn a_step_that_fails_hides_none_of_the_others() {
    let domain = FakeLdap::start(|request| match request {
        // Who am I: never answered.
        Request::Bind { .. } => vec![Answer::Done(0, "", None)],
        Request::Other => vec![],
        Request::Search { base, .. } if base.is_empty() => vec![
            entry(
                "",
                &[
                    ("defaultNamingContext", &["DC=example,DC=test"]),
                    ("configurationNamingContext", &["CN=Configuration,DC=example,DC=test"]),
                    ("supportedCapabilities", &["1.2.840.113556.1.4.800"]),
                    ("supportedControl", &["1.2.840.113556.1.4.319"]),
                    ("currentTime", &["20260101010000.0Z"]),
                ],
            ),
            Answer::Done(0, "", None),
        ],
        Request::Search { base, .. } if base.starts_with("<WKGUID=") => vec![Answer::Done(50, "no", None)],
        Request::Search { base, .. } if base.starts_with("CN=Default Query Policy") => vec![
            entry(base, &[("lDAPAdminLimits", &["MaxPageSize=1", "MaxValRange=1500"])]),
            Answer::Done(0, "", None),
        ],
        // Pages are cut to one entry.
        Request::Search { cookie: Some(cookie), .. } if cookie.is_empty() => {
            vec![entry("CN=A,DC=example,DC=test", &[]), Answer::Done(0, "", Some(b"more".to_vec()))]
        }
        Request::Search { base, .. } => vec![entry(base, &[]), Answer::Done(0, "", None)],
    });
    let settings = Settings {
        danger_plain_ldap: true,
        bind: Some("svc@example.test".into()),
        password: Redacted("secret".into()),
        operation_timeout: Duration::from_secs(1),
        ..Settings::new("domain", &[&domain.url()])
    };
    let source = LdapSource::new(settings);
    // 2026-01-01T00:00:00Z: the server is an hour ahead.
    let probe = source.probe(&ask(&["mail"]), 1_767_225_600).await.expect("it answers");
    for (topic, standing, words) in [
        (Topic::Connection, Standing::Warn, "NOT encrypted"),
        (Topic::Account, Standing::Warn, "no answer from the server for 1 s"),
        (Topic::Base, Standing::Ok, "is there"),
        (Topic::Rights, Standing::Ok, "deleted objects cannot be read"),
        (Topic::Limits, Standing::Ok, "cuts them to 1 entries; 5000 were asked for"),
        (Topic::Limits, Standing::Ok, "MaxPageSize 1, MaxValRange 1500"),
        (Topic::Clock, Standing::Warn, "s ahead of this machine's"),
    ] {
        let there = probe
            .facts
            .iter()
            .any(|fact| (fact.topic, fact.standing) == (topic, standing) && fact.what.contains(words));
        assert!(there, "{topic:?} {standing:?} {words}: {probe:#?}");
    }
    assert!(probe.changes.is_some());
}
