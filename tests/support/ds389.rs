//! A private 389 Directory Server on loopback.
//!
//! Started by [`Ds389::start`], stopped when dropped. Changes are recorded in a retro changelog
//! and told by RFC 4533. The suffix `dc=example,dc=com` holds `ou=people`, `ou=groups` and the
//! bind account; tests add the rest.

use std::net::TcpListener;
use std::path::Path;
use std::process::Command;
use std::time::Duration;

use tempfile::TempDir;

use super::process::{Server, await_until, run, run_with_input};
use super::slapd::{PASSWORD, READER, SUFFIX};

/// Lets the changelog record the id of what changed, without which the server tells no change.
pub(crate) const RECORD_IDS: &str = "nsslapd-attribute: nsuniqueid:targetUniqueId";

const ADMIN: &str = "cn=Directory Manager";

/// A running server.
pub(crate) struct Ds389 {
    server: Option<Server>,
    port: u16,
    _dir: TempDir,
}

impl Ds389 {
    /// Writes the configuration and starts the server. `changelog`: further settings
    /// of the plugin that keeps the changelog.
    pub(crate) fn start(changelog: &[&str]) -> Self {
        let dir = tempfile::Builder::new().prefix("ds389-").tempdir().expect("a temporary directory");
        let mut output = String::new();
        for _ in 0..3 {
            let port = TcpListener::bind(("127.0.0.1", 0))
                .and_then(|listener| listener.local_addr())
                .expect("a free port on loopback")
                .port();
            let home = dir.path().join(format!("i{port}"));
            configure(&home, port, changelog);
            let mut server = Server::spawn(
                Command::new("/usr/sbin/ns-slapd")
                    .arg("-D")
                    .arg(home.join("etc"))
                    .arg("-i")
                    .arg(home.join("run/pid"))
                    .args(["-d", "0"]),
                home.join("output"),
            );
            let mut ended = false;
            await_until("ns-slapd", Duration::from_secs(60), || {
                ended = server.has_ended();
                ended || answers(port)
            });
            if ended {
                // Perhaps somebody took the port between our look and the server's.
                output = std::fs::read_to_string(home.join("output")).unwrap_or_default();
                continue;
            }
            let ds = Self { server: Some(server), port, _dir: dir };
            ds.modify(BACKEND);
            ds.modify(&entries());
            return ds;
        }
        panic!("ns-slapd does not start: {output}");
    }

    /// `ldap://127.0.0.1:port`.
    pub(crate) fn url(&self) -> String {
        format!("ldap://127.0.0.1:{}", self.port)
    }

    /// Applies LDIF change records, or content records, which are added.
    pub(crate) fn modify(&self, ldif: &str) {
        run_with_input(
            Command::new("ldapmodify").args(["-a", "-x", "-H", &self.url(), "-D", ADMIN, "-w", PASSWORD]),
            ldif,
        );
    }

    /// Renames an entry in place, or moves it when `parent` is given.
    pub(crate) fn rename(&self, dn: &str, rdn: &str, parent: Option<&str>) {
        let parent = parent.map(|parent| format!("newsuperior: {parent}\n")).unwrap_or_default();
        self.modify(&format!("dn: {dn}\nchangetype: modrdn\nnewrdn: {rdn}\ndeleteoldrdn: 1\n{parent}"));
    }

    /// The number of the oldest change in the changelog.
    pub(crate) fn first_change(&self) -> u64 {
        self.change("firstchangenumber")
    }

    /// The number of the newest change in the changelog.
    pub(crate) fn last_change(&self) -> u64 {
        self.change("lastchangenumber")
    }

    fn change(&self, attribute: &str) -> u64 {
        let out = run(Command::new("ldapsearch").args([
            "-x",
            "-LLL",
            "-H",
            &self.url(),
            "-s",
            "base",
            "-b",
            "",
            attribute,
        ]));
        let value = out.lines().find_map(|line| line.strip_prefix(&format!("{attribute}: ")));
        value.and_then(|value| value.parse().ok()).unwrap_or_else(|| panic!("no {attribute}: {out}"))
    }

    /// Stops the server in order.
    pub(crate) fn stop(&mut self) {
        if let Some(mut server) = self.server.take() {
            server.terminate();
        }
    }
}

fn answers(port: u16) -> bool {
    Command::new("ldapsearch")
        .args(["-x", "-LLL", "-H", &format!("ldap://127.0.0.1:{port}"), "-s", "base", "-b", "", "1.1"])
        .output()
        .is_ok_and(|out| out.status.success())
}

/// Lets the distribution's tool write a configuration, and changes what it has no word for.
fn configure(home: &Path, port: u16, changelog: &[&str]) {
    for part in ["run", "tmp"] {
        std::fs::create_dir_all(home.join(part)).expect("a directory for the server");
    }
    let h = home.display();
    let answers = format!(
        "[general]\nconfig_version = 2\nfull_machine_name = localhost\nstart = False\n\
         strict_host_checking = False\nselinux = False\nsystemd = False\n\
         [slapd]\ninstance_name = t{port}\nuser = root\ngroup = root\nport = {port}\n\
         root_dn = {ADMIN}\nroot_password = {PASSWORD}\nself_sign_cert = False\ndb_lib = bdb\n\
         backup_dir = {h}/bak\ncert_dir = {h}/etc\nconfig_dir = {h}/etc\ndb_dir = {h}/db\n\
         db_home_dir = {h}/db\ninst_dir = {h}/inst\nldif_dir = {h}/ldif\nlock_dir = {h}/lock\n\
         log_dir = {h}/log\nrun_dir = {h}/run\nschema_dir = {h}/etc/schema\ntmp_dir = {h}/tmp\n\
         ldapi = {h}/run/socket\n"
    );
    let file = home.join("answers");
    std::fs::write(&file, answers).expect("writing the answers");
    // It ends with an error, because the instance is not where the system has its own. The
    // configuration is complete by then; if not, the next line says so.
    let out = Command::new("dscreate").arg("from-file").arg(&file).output().expect("dscreate");
    let config = home.join("etc/dse.ldif");
    let text = std::fs::read_to_string(&config).unwrap_or_else(|error| {
        panic!("no configuration: {error}: {}", String::from_utf8_lossy(&out.stderr))
    });
    let entries: Vec<String> = text.replace("\n ", "").split("\n\n").map(|e| entry(e, changelog)).collect();
    std::fs::write(&config, entries.join("\n\n")).expect("writing the configuration");
}

fn entry(entry: &str, changelog: &[&str]) -> String {
    let dn = entry.trim_start().lines().next().unwrap_or_default();
    if dn == "dn: cn=config" {
        // The tool's hash is not always one that the server verifies.
        let lines: Vec<&str> = entry.lines().filter(|line| !line.starts_with("nsslapd-rootpw:")).collect();
        return format!(
            "{}\nnsslapd-rootpw: {{CLEAR}}{PASSWORD}\nnsslapd-listenhost: 127.0.0.1",
            lines.join("\n").trim_end()
        );
    }
    let on = |text: &str| text.replace("nsslapd-pluginenabled: off", "nsslapd-pluginenabled: on");
    if dn.starts_with("dn: cn=Retro Changelog Plugin") {
        // An empty line would end the entry.
        let lines: Vec<&str> = entry.trim_end().lines().chain(changelog.iter().copied()).collect();
        return on(&lines.join("\n"));
    }
    if dn.starts_with("dn: cn=Content Synchronization") {
        return on(entry);
    }
    entry.to_owned()
}

const BACKEND: &str = "dn: cn=userroot,cn=ldbm database,cn=plugins,cn=config
objectclass: extensibleObject
objectclass: nsBackendInstance
nsslapd-suffix: dc=example,dc=com
cn: userroot

dn: cn=dc\\3Dexample\\2Cdc\\3Dcom,cn=mapping tree,cn=config
objectclass: top
objectclass: extensibleObject
objectclass: nsMappingTree
cn: dc=example,dc=com
nsslapd-state: backend
nsslapd-backend: userroot

";

fn entries() -> String {
    let cn = READER.trim_start_matches("cn=").split(',').next().unwrap_or_default();
    format!(
        "dn: {SUFFIX}
objectClass: domain
dc: example
aci: (targetattr=\"*\")(version 3.0; acl \"read\"; allow (read,search,compare) userdn=\"ldap:///all\";)

dn: ou=people,{SUFFIX}
objectClass: organizationalUnit
ou: people

dn: ou=groups,{SUFFIX}
objectClass: organizationalUnit
ou: groups

dn: {READER}
objectClass: person
cn: {cn}
sn: {cn}
userPassword: {PASSWORD}

"
    )
}
