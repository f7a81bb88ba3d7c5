//! Logging in to a real Samba domain controller by Kerberos, with a keytab and with a ticket
//! cache. Runs the binary: Kerberos takes its files from the environment of the process.

use std::path::Path;
use std::process::{Command, Output};

use crate::support::connector::Connector;
use crate::support::fake_dns::{Data, FakeDns};
use crate::support::samba::{self, Samba};

fn check(connector: &Connector, environment: &[(&str, &Path)]) -> String {
    let Output { stdout, stderr, .. } = connector
        .command(&["check", "--verbose"])
        .env_remove("KRB5CCNAME")
        .env_remove("KRB5_CLIENT_KTNAME")
        .envs(environment.iter().copied())
        .output()
        .expect("the binary runs");
    format!("{}{}", String::from_utf8_lossy(&stdout), String::from_utf8_lossy(&stderr))
}

#[test]
fn a_ticket_logs_in() {
    let samba = Samba::start_with_kerberos();
    samba.add_user("svc", "Svc Reader");
    samba.set_password("svc", samba::PASSWORD);
    // A ticket is for a name, and the name is found by DNS.
    let dns = FakeDns::start(&[
        ("_ldap._tcp.dc._msdcs.example.test", Data::Srv(0, 100, 389, "dc1.example.test")),
        ("dc1.example.test", Data::A(samba.address())),
    ]);
    let connector = Connector::new(
        &format!(
            "[[source]]\nname = \"corp\"\nkind = \"ldap\"\ndomain = \"example.test\"\nnameservers = [\"{}\"]\n\
             auth = \"gssapi\"\nca_file = \"{}\"",
            dns.address(),
            samba.ca_file().display()
        ),
        "http://127.0.0.1:1",
    );
    let at = |name: &str| connector.dir().join(name);
    let realm = samba::DOMAIN.to_uppercase();
    std::fs::write(
        at("krb5.conf"),
        format!(
            "[libdefaults]\ndefault_realm = {realm}\ndns_lookup_kdc = false\ndns_lookup_realm = false\nrdns = false\n\
             dns_canonicalize_hostname = false\n[realms]\n{realm} = {{\n kdc = {}\n}}\n[domain_realm]\n.{} = {realm}\n",
            samba.address(),
            samba::DOMAIN
        ),
    )
    .unwrap();
    let (conf, cache, keytab) = (at("krb5.conf"), at("cache"), at("keytab"));
    let conf = ("KRB5_CONFIG", conf.as_path());

    // Nothing to log in with.
    let said = check(&connector, &[conf, ("KRB5CCNAME", &cache)]);
    assert!(said.contains("no Kerberos ticket") && said.contains("KRB5_CLIENT_KTNAME"), "{said}");

    // A keytab: the library fetches the ticket.
    samba.export_keytab("svc", &keytab);
    let said = check(&connector, &[conf, ("KRB5CCNAME", &cache), ("KRB5_CLIENT_KTNAME", &keytab)]);
    assert!(said.contains("bound as the owner of the Kerberos ticket"), "{said}");

    // A ticket that somebody else fetched.
    let other = at("other-cache");
    let status = Command::new("kinit")
        .args(["-k", "-t"])
        .arg(&keytab)
        .arg(format!("svc@{realm}"))
        .env(conf.0, conf.1)
        .env("KRB5CCNAME", &other)
        .status()
        .expect("kinit runs");
    assert!(status.success());
    let said = check(&connector, &[conf, ("KRB5CCNAME", &other)]);
    assert!(said.contains("bound as the owner of the Kerberos ticket"), "{said}");
}
