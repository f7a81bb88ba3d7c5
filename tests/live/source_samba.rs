//! The LDAP source against a real Samba Active Directory domain controller.

use dirsyncd::model::RecordKind;
use dirsyncd::source::ldap::LdapSource;
use dirsyncd::source::{Source, SourceErrorKind};

use crate::reading::{ask, find, groups_come_first, read_ldap, reasons, refused, samba_settings};
use crate::support::certs::Certificate;
use crate::support::samba::{self, Samba};

#[tokio::test(flavor = "multi_thread")]
async fn a_domain_is_read_with_its_states_and_memberships() {
    let samba = Samba::start();
    let ann = samba.add_user("ann", "Ann Lee");
    let bob = samba.add_user("bob", "Bob Ray");
    let cy = samba.add_user("cy", "Cy Fox");
    let staff = samba.add_group("Staff", &[&ann, &bob]);
    samba.disable(&bob);
    // 2026-01-01T00:00:00Z as a FILETIME.
    samba.set(&cy, "accountExpires", "134116992000000000");
    let settings = samba_settings(&samba);
    let ask = ask(&["mail", "samaccountname"]);
    let (records, census) = read_ldap(&settings, &ask).await;
    assert!(census.is_whole(), "{:?}", reasons(&census));
    assert!(groups_come_first(&records));
    assert!(census.identity.starts_with("dc=example,dc=test @ "), "{}", census.identity);

    let group = find(&records, "samaccountname", "Staff");
    assert_eq!((group.kind, group.dn.as_str()), (RecordKind::Group, staff.as_str()));
    let mut members: Vec<&str> = group.texts("member").collect();
    members.sort_unstable();
    assert_eq!(members, [ann.as_str(), bob.as_str()]);

    let person = |login: &str| find(&records, "samaccountname", login);
    assert_eq!(person("ann").text("primaryGroup"), Some("CN=Domain Users,CN=Users,DC=example,DC=test"));
    assert!(!person("ann").disabled);
    assert!(person("bob").disabled);
    assert_eq!(person("cy").expires, Some(1_767_225_600));
    assert_eq!(person("ann").expires, None);
    let names: Vec<&str> = person("ann").attributes.iter().map(|a| a.name.as_str()).collect();
    assert_eq!(names.len(), 3, "{names:?}");
    assert!(records.iter().all(|record| record.kind != RecordKind::Other));

    // A move keeps the anchor.
    samba.rename(&ann, "CN=Ann Li", Some(&format!("OU=Leavers,OU=Corp,{}", samba::SUFFIX)));
    let (after, _) = read_ldap(&settings, &ask).await;
    let moved = find(&after, "samaccountname", "ann");
    assert_eq!(moved.anchor, person("ann").anchor);
    assert!(moved.dn.contains("OU=Leavers"));
}

#[tokio::test(flavor = "multi_thread")]
async fn memberships_are_not_resolved_when_nobody_asks_for_groups() {
    let samba = Samba::start();
    samba.add_user("ann", "Ann Lee");
    let mut ask = ask(&["samaccountname"]);
    ask.groups = false;
    let (records, census) = read_ldap(&samba_settings(&samba), &ask).await;
    assert_eq!(census.groups, 0);
    assert_eq!(find(&records, "samaccountname", "ann").attributes.len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_domain_controller_says_why_it_refuses() {
    let samba = Samba::start();
    let mut settings = samba_settings(&samba);
    let source = LdapSource::new(settings.clone());
    let probe = source.probe(&ask(&["mail"]), 0).await.unwrap();
    assert!(probe.product.starts_with("Samba Active Directory"), "{probe:?}");
    assert!(probe.facts.iter().any(|fact| fact.what.contains("is there")), "{probe:?}");

    settings.password.0 = "wrong".into();
    let error = refused(&settings).await;
    assert_eq!(error.kind, SourceErrorKind::Refused);
    assert!(error.what.contains("wrong name or password"), "{error}");

    let dn = samba.add_user("svc", "Svc Reader");
    samba.set_password("svc", "Another!Pass1");
    settings.bind = Some("svc@example.test".into());
    settings.password.0 = "Another!Pass1".into();
    read_ldap(&settings, &ask(&[])).await;
    samba.disable(&dn);
    let error = refused(&settings).await;
    assert!(error.what.contains("account is disabled"), "{error}");

    settings.bind = None;
    let error = refused(&settings).await;
    assert_eq!(error.kind, SourceErrorKind::Refused, "{error}");
    assert!(error.what.contains("no bind account"), "{error}");

    // Unencrypted, a domain controller does not take passwords.
    let mut settings = samba_settings(&samba);
    settings.urls = vec![samba.plain_url()];
    settings.danger_plain_ldap = true;
    let error = refused(&settings).await;
    assert!(error.what.contains("encrypted"), "{error}");
    settings.start_tls = true;
    read_ldap(&settings, &ask(&[])).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_self_made_certificate_without_names_can_be_named_as_trusted() {
    let samba = Samba::start_with(Certificate::NoNames);
    let mut settings = samba_settings(&samba);
    let error = refused(&settings).await;
    assert!(error.what.contains("subjectAltName"), "{error}");
    settings.ca_file = Some(samba.certificate_file());
    read_ldap(&settings, &ask(&[])).await;
}
