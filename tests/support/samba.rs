//! A private Samba Active Directory domain controller on loopback.
//!
//! Provisioning takes some seconds and happens once per machine, into the target
//! directory; every [`Samba::start`] runs a copy of that state. LDAP ports of a domain
//! controller cannot be moved, therefore each has a loopback address of its own, and the
//! tests must run as root.

use std::fs::File;
use std::net::{Ipv4Addr, TcpListener};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use tempfile::TempDir;

use super::certs::{Authority, Certificate};
use super::process::{Server, await_until, is_running, run, run_with_input};

/// The naming context of the domain.
pub(crate) const SUFFIX: &str = "DC=example,DC=test";
/// The DNS name of the domain.
pub(crate) const DOMAIN: &str = "example.test";
/// A bind name of the administrator.
pub(crate) const ADMIN: &str = "Administrator@example.test";
/// The password of the administrator and of every user that the fixture adds.
pub(crate) const PASSWORD: &str = "Passw0rd!Admin";

/// Raised when the template changes, so that an old one is not used.
const TEMPLATE: &str = "samba-1";

/// A running domain controller; stopped when dropped.
pub(crate) struct Samba {
    server: Server,
    address: Ipv4Addr,
    ca: PathBuf,
    dir: TempDir,
    /// Holds the loopback address against other test processes.
    _address_lock: File,
}

impl Samba {
    /// Starts a fresh domain: the built-in accounts and `OU=Corp` with `OU=Sales`, `OU=Leavers`
    /// and `OU=Groups` below.
    pub(crate) fn start() -> Self {
        Self::start_with(Certificate::Good)
    }

    /// As [`Samba::start`], with a certificate of the given kind.
    pub(crate) fn start_with(certificate: Certificate) -> Self {
        Self::start_as(certificate, "server services = ldap", |_| {})
    }

    /// As [`Samba::start`], after something was done to the database that is not in use yet. It is
    /// given the configuration file.
    pub(crate) fn start_prepared(prepare: impl FnOnce(&Path)) -> Self {
        Self::start_as(Certificate::Good, "server services = ldap", prepare)
    }

    /// As [`Samba::start`], with a Kerberos key distribution centre, and logging in by ticket
    /// allowed below TLS.
    pub(crate) fn start_with_kerberos() -> Self {
        let conf = "server services = ldap kdc\n\tldap server require strong auth = allow_sasl_over_tls";
        let samba = Self::start_as(Certificate::Good, conf, |_| {});
        // Samba adds it by itself, some time after its first start.
        samba.modify(&format!(
            "dn: CN=DC1,OU=Domain Controllers,{SUFFIX}\nchangetype: modify\nadd: servicePrincipalName\n\
             servicePrincipalName: ldap/dc1.{DOMAIN}\n-\n\n"
        ));
        samba
    }

    fn start_as(certificate: Certificate, services: &str, prepare: impl FnOnce(&Path)) -> Self {
        let template = template();
        let dir = tempfile::Builder::new().prefix("samba-").tempdir().expect("a temporary directory");
        run(Command::new("cp").args(["-a", "--sparse=always"]).arg(template.join(".")).arg(dir.path()));
        let (address, lock) = take_address();
        let conf = dir.path().join("etc/smb.conf");
        let text = std::fs::read_to_string(&conf)
            .expect("the configuration of the template")
            .replace(&template.display().to_string(), &dir.path().display().to_string())
            .replace(&TEMPLATE_ADDRESS.to_string(), &address.to_string())
            .replace("server services = ldap", services);
        std::fs::write(&conf, text).expect("writing smb.conf");
        let authority = Authority::new(&dir.path().join("authority"));
        let names = format!("DNS:dc1.{DOMAIN},DNS:localhost,IP:{address}");
        let (cert, key) = authority.issue(certificate, &format!("dc1.{DOMAIN}"), &names);
        let tls = dir.path().join("tls");
        for (from, to) in [(cert, "cert.pem"), (key, "key.pem"), (authority.file(), "ca.pem")] {
            std::fs::copy(from, tls.join(to)).expect("copying a certificate");
        }
        // Samba refuses a key that others may read.
        run(Command::new("chmod").arg("600").arg(tls.join("key.pem")));

        prepare(&conf);
        let mut server = Server::spawn(
            Command::new("/usr/sbin/samba")
                .args(["-F", "-M", "single", "--no-process-group", "-s"])
                .arg(&conf),
            dir.path().join("samba.out"),
        );
        let log = dir.path().join("samba.out");
        await_until("samba", Duration::from_secs(60), || {
            assert!(
                !server.has_ended(),
                "samba ended by itself: {}",
                std::fs::read_to_string(&log).unwrap_or_default()
            );
            Command::new("ldapsearch")
                .args(["-x", "-LLL", "-H", &format!("ldap://{address}"), "-s", "base", "-b", "", "1.1"])
                .output()
                .is_ok_and(|out| out.status.success())
        });
        Self { server, address, ca: authority.file(), dir, _address_lock: lock }
    }

    /// `ldaps://127.x.y.z`.
    pub(crate) fn url(&self) -> String {
        format!("ldaps://{}", self.address)
    }

    /// `ldap://127.x.y.z`, where Samba wants StartTLS before a simple bind.
    pub(crate) fn plain_url(&self) -> String {
        format!("ldap://{}", self.address)
    }

    /// The address of the domain controller.
    pub(crate) fn address(&self) -> Ipv4Addr {
        self.address
    }

    /// The authority that signed the server's certificate, PEM.
    pub(crate) fn ca_file(&self) -> PathBuf {
        self.ca.clone()
    }

    /// The server's own certificate, PEM.
    pub(crate) fn certificate_file(&self) -> PathBuf {
        self.dir.path().join("tls/cert.pem")
    }

    /// Applies LDIF change records (or content records, which are added) as the system. They go
    /// directly into the database, and the running server sees them at once.
    pub(crate) fn modify(&self, ldif: &str) {
        run_with_input(Command::new("ldbmodify").arg("-H").arg(self.database()), ldif);
    }

    /// The database, which tools can change under the running server.
    pub(crate) fn database(&self) -> PathBuf {
        self.dir.path().join("private/sam.ldb")
    }

    /// Adds an enabled user `CN=<name>,OU=Sales,OU=Corp,…` with `mail` and `sAMAccountName`
    /// `<login>`, and returns its DN. The user has no password and cannot log in.
    pub(crate) fn add_user(&self, login: &str, name: &str) -> String {
        let dn = format!("CN={name},OU=Sales,OU=Corp,{SUFFIX}");
        let (given, family) = name.split_once(' ').unwrap_or((name, name));
        self.modify(&format!(
            "dn: {dn}\nobjectClass: user\nsAMAccountName: {login}\nuserPrincipalName: {login}@{DOMAIN}\n\
             givenName: {given}\nsn: {family}\ndisplayName: {name}\nmail: {login}@{DOMAIN}\n\
             userAccountControl: 544\n\n"
        ));
        dn
    }

    /// Gives a user a password and makes the account an ordinary one that can log in.
    pub(crate) fn set_password(&self, login: &str, password: &str) {
        run(Command::new("samba-tool")
            .args(["user", "setpassword", login, "--newpassword", password])
            .arg("-H")
            .arg(self.database())
            .arg("-s")
            .arg(self.dir.path().join("etc/smb.conf")));
    }

    /// Lets an account ask for the changes of the domain (DS-Replication-Get-Changes).
    pub(crate) fn grant_replication(&self, account: &str) {
        run(Command::new("samba-tool")
            .args(["dsacl", "set", "--action=allow", "--car=get-changes"])
            .args([&format!("--trusteedn={account}"), &format!("--objectdn={SUFFIX}")])
            .arg("-H")
            .arg(self.database())
            .arg("-s")
            .arg(self.dir.path().join("etc/smb.conf")));
    }

    /// Writes the keys of a user to a keytab.
    pub(crate) fn export_keytab(&self, login: &str, file: &Path) {
        run(Command::new("samba-tool")
            .args(["domain", "exportkeytab"])
            .arg(file)
            .arg(format!("--principal={login}@{}", DOMAIN.to_uppercase()))
            .arg("-s")
            .arg(self.dir.path().join("etc/smb.conf")));
    }

    /// Adds a group `CN=<name>,OU=Groups,OU=Corp,…` and returns its DN.
    pub(crate) fn add_group(&self, name: &str, members: &[&str]) -> String {
        let dn = format!("CN={name},OU=Groups,OU=Corp,{SUFFIX}");
        let mut ldif = format!("dn: {dn}\nobjectClass: group\nsAMAccountName: {name}\n");
        for member in members {
            ldif.push_str(&format!("member: {member}\n"));
        }
        ldif.push('\n');
        self.modify(&ldif);
        dn
    }

    /// Adds an organizational unit below `parent` and returns its DN.
    pub(crate) fn add_ou(&self, name: &str, parent: &str) -> String {
        let dn = format!("OU={name},{parent}");
        self.modify(&format!("dn: {dn}\nobjectClass: organizationalUnit\n\n"));
        dn
    }

    /// Sets one attribute to one value.
    pub(crate) fn set(&self, dn: &str, attribute: &str, value: &str) {
        self.modify(&format!(
            "dn: {dn}\nchangetype: modify\nreplace: {attribute}\n{attribute}: {value}\n-\n\n"
        ));
    }

    /// Removes an attribute.
    pub(crate) fn clear(&self, dn: &str, attribute: &str) {
        self.modify(&format!("dn: {dn}\nchangetype: modify\nreplace: {attribute}\n-\n\n"));
    }

    /// Disables a user.
    pub(crate) fn disable(&self, dn: &str) {
        self.set(dn, "userAccountControl", "546");
    }

    /// Enables a user again.
    pub(crate) fn enable(&self, dn: &str) {
        self.set(dn, "userAccountControl", "544");
    }

    /// Adds a member to a group.
    pub(crate) fn add_member(&self, group: &str, member: &str) {
        self.modify(&format!("dn: {group}\nchangetype: modify\nadd: member\nmember: {member}\n-\n\n"));
    }

    /// Removes a member from a group.
    pub(crate) fn remove_member(&self, group: &str, member: &str) {
        self.modify(&format!("dn: {group}\nchangetype: modify\ndelete: member\nmember: {member}\n-\n\n"));
    }

    /// Renames an object in place, or moves it when `parent` is given. `rdn` as in `CN=New`.
    pub(crate) fn rename(&self, dn: &str, rdn: &str, parent: Option<&str>) {
        let mut change = format!("dn: {dn}\nchangetype: modrdn\nnewrdn: {rdn}\ndeleteoldrdn: 1\n");
        if let Some(parent) = parent {
            change.push_str(&format!("newsuperior: {parent}\n"));
        }
        self.modify(&change);
    }

    /// Deletes an object; it becomes a tombstone.
    pub(crate) fn delete(&self, dn: &str) {
        self.modify(&format!("dn: {dn}\nchangetype: delete\n\n"));
    }

    /// Freezes the server: connections stay open and nothing answers.
    pub(crate) fn pause(&self) {
        self.server.pause();
    }

    /// Thaws a frozen server.
    pub(crate) fn resume(&self) {
        self.server.resume();
    }

    /// Kills the server for good, and waits for its workers: one of them may hold a connection a while longer.
    pub(crate) fn kill(&mut self) {
        let workers = self.server.descendants();
        self.server.kill();
        await_until("the workers of the domain controller to end", Duration::from_secs(10), || {
            workers.iter().all(|pid| !is_running(*pid))
        });
    }
}

/// The address that stands in the template's configuration and is replaced in each copy.
const TEMPLATE_ADDRESS: Ipv4Addr = Ipv4Addr::new(127, 99, 99, 99);

/// The provisioned state that all domain controllers are copies of; made when missing.
fn template() -> PathBuf {
    let cache = Path::new(env!("CARGO_TARGET_TMPDIR")).join("fixtures");
    std::fs::create_dir_all(&cache).expect("a directory for fixtures");
    // Test processes run side by side: one makes the template, the others wait.
    let lock = File::create(cache.join("samba.lock")).expect("a lock file");
    lock.lock().expect("the lock of the template");
    let ready = cache.join(TEMPLATE);
    if !ready.exists() {
        let raw = cache.join(format!("{TEMPLATE}.raw"));
        let _ = std::fs::remove_dir_all(&raw);
        provision(&raw, &ready);
        std::fs::rename(&raw, &ready).expect("giving the template its name");
    }
    ready
}

/// Provisions into `raw`; the configuration already names `home`, where it will stand.
fn provision(raw: &Path, home: &Path) {
    std::fs::create_dir_all(raw).expect("a directory for the template");
    let at = |name: &str| raw.join(name).display().to_string();
    let mut command = Command::new("samba-tool");
    command.args(["domain", "provision", "--use-rfc2307", "--server-role=dc", "--dns-backend=NONE"]);
    command.args(["--backend-store=mdb", "--host-name=dc1", "--domain=EXAMPLE"]);
    command.arg(format!("--realm={}", DOMAIN.to_uppercase()));
    command.arg(format!("--adminpass={PASSWORD}"));
    command.arg(format!("--host-ip={TEMPLATE_ADDRESS}"));
    command.arg(format!("--targetdir={}", raw.display()));
    for option in [
        format!("interfaces = {TEMPLATE_ADDRESS}/8"),
        "bind interfaces only = yes".into(),
        "server services = ldap".into(),
        format!("log file = {}", at("log.samba")),
        format!("pid directory = {}", at("run")),
        format!("ncalrpc dir = {}", at("ncalrpc")),
        format!("winbindd socket directory = {}", at("winbindd")),
        format!("ntp signd socket directory = {}", at("ntp_signd")),
        format!("tls keyfile = {}", at("tls/key.pem")),
        format!("tls certfile = {}", at("tls/cert.pem")),
        format!("tls cafile = {}", at("tls/ca.pem")),
    ] {
        command.arg(format!("--option={option}"));
    }
    run(&mut command);
    for name in ["run", "ncalrpc", "winbindd", "cache", "tls"] {
        std::fs::create_dir_all(raw.join(name)).expect("a directory in the template");
    }
    let mut seed = String::new();
    for ou in ["OU=Corp", "OU=Sales,OU=Corp", "OU=Leavers,OU=Corp", "OU=Groups,OU=Corp"] {
        seed.push_str(&format!("dn: {ou},{SUFFIX}\nobjectClass: organizationalUnit\n\n"));
    }
    run_with_input(Command::new("ldbadd").arg("-H").arg(raw.join("private/sam.ldb")), &seed);
    let conf = raw.join("etc/smb.conf");
    let text = std::fs::read_to_string(&conf)
        .expect("provisioning wrote a configuration")
        .replace(&raw.display().to_string(), &home.display().to_string());
    std::fs::write(&conf, text).expect("writing smb.conf");
}

/// A loopback address that no other test uses, with the lock that says so.
fn take_address() -> (Ipv4Addr, File) {
    let dir = std::env::temp_dir().join("dirsyncd-test-addresses");
    std::fs::create_dir_all(&dir).expect("a directory for locks");
    for n in 2..=250 {
        let address = Ipv4Addr::new(127, 0, 53, n);
        let lock = File::create(dir.join(address.to_string())).expect("a lock file");
        if lock.try_lock().is_ok() && [389, 636].iter().all(|port| is_free(address, *port)) {
            return (address, lock);
        }
    }
    panic!("no free loopback address for a domain controller (are the tests run as root?)");
}

fn is_free(address: Ipv4Addr, port: u16) -> bool {
    TcpListener::bind((address, port)).is_ok()
}
