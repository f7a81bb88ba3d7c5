//! The fixtures themselves: a failure here explains failures elsewhere.

use std::process::Command;

use crate::support::process::run;
use crate::support::samba::{self, Samba};
use crate::support::slapd::{self, Slapd};

#[test]
fn slapd_serves_what_was_loaded_and_changed() {
    let mut slapd: Slapd = slapd::Options::default().ldif(&slapd::people_ldif(0, 3)).start();
    slapd.modify(
        "dn: uid=u1,ou=people,dc=example,dc=com\nchangetype: modify\nreplace: title\ntitle: Boss\n-\n\n",
    );
    slapd.rename("uid=u2,ou=people,dc=example,dc=com", "uid=v2", None);
    slapd.delete(&["uid=u0,ou=people,dc=example,dc=com"]);
    slapd.stop();
    slapd.start();
    let out = run(Command::new("ldapsearch")
        .args(["-x", "-LLL", "-H", &slapd.tls_url(), "-D", slapd::READER])
        .args(["-w", slapd::PASSWORD, "-b", slapd::SUFFIX, "(objectClass=inetOrgPerson)", "title"])
        .env("LDAPTLS_CACERT", slapd.ca_file()));
    assert!(out.contains("title: Boss"), "{out}");
    assert!(out.contains("uid=v2,"), "{out}");
    assert!(!out.contains("uid=u0,"), "{out}");
}

#[test]
fn samba_serves_users_and_groups() {
    let samba = Samba::start();
    let ann = samba.add_user("ann", "Ann Lee");
    let group = samba.add_group("Staff", &[&ann]);
    samba.rename(&ann, "CN=Ann Li", Some(&format!("OU=Leavers,OU=Corp,{}", samba::SUFFIX)));
    let moved = format!("CN=Ann Li,OU=Leavers,OU=Corp,{}", samba::SUFFIX);
    samba.disable(&moved);
    let out = run(Command::new("ldapsearch")
        .args([
            "-x",
            "-LLL",
            "-o",
            "ldif_wrap=no",
            "-H",
            &samba.url(),
            "-D",
            samba::ADMIN,
            "-w",
            samba::PASSWORD,
        ])
        .args(["-b", &group, "-s", "base", "member"])
        .env("LDAPTLS_CACERT", samba.ca_file()));
    assert!(out.contains(&format!("member: {moved}")), "{out}");
    samba.remove_member(&group, &moved);
    samba.delete(&moved);
}
