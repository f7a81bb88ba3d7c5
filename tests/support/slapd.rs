//! A private OpenLDAP server on loopback.
//!
//! Started by [`Options::start`], stopped when the [`Slapd`] is dropped. The suffix
//! `dc=example,dc=com` holds `ou=people`, `ou=groups` and the bind accounts below; tests
//! give the rest as LDIF, which `slapadd` loads before the server starts (200,000 entries
//! in some seconds).

use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use tempfile::TempDir;

use super::certs::{Authority, Certificate};
use super::process::{Server, await_until, run, run_with_input};

/// The suffix of the directory.
pub(crate) const SUFFIX: &str = "dc=example,dc=com";
/// May do everything; limits do not apply.
pub(crate) const ADMIN: &str = "cn=admin,dc=example,dc=com";
/// May read everything, without limits: the account a connector should have.
pub(crate) const READER: &str = "cn=reader,dc=example,dc=com";
/// May read everything, up to the size limit of [`Options::size_limit`].
pub(crate) const LIMITED: &str = "cn=limited,dc=example,dc=com";
/// The password of all accounts.
pub(crate) const PASSWORD: &str = "s3cret-for-tests";

/// What the server remembers of changes, for RFC 4533.
#[derive(Clone, Copy)]
pub(crate) enum SessionLog {
    /// The last so many, until it stops.
    Memory(u32),
    /// What is in a log of its own, which survives a restart.
    Kept,
    /// Nothing: the overlay is there, without a log.
    Without,
    /// The overlay is not there.
    NoSynchronization,
}

impl SessionLog {
    fn database_config(self) -> String {
        match self {
            Self::Memory(changes) => format!("overlay syncprov\nsyncprov-sessionlog {changes}\n"),
            Self::Kept => "overlay syncprov\nsyncprov-sessionlog-source cn=log\n\
                           overlay accesslog\nlogdb cn=log\nlogops writes\nlogsuccess TRUE\n"
                .into(),
            Self::Without => "overlay syncprov\n".into(),
            Self::NoSynchronization => String::new(),
        }
    }

    /// The database of the log, which has to come before the one that writes to it.
    fn other_database(self, dir: &Path) -> String {
        let Self::Kept = self else { return String::new() };
        let dir = dir.join("log");
        std::fs::create_dir(&dir).expect("a directory for the log");
        format!(
            "database mdb\nmaxsize 1073741824\nsuffix cn=log\nrootdn cn=log\ndirectory {}\ndbnosync\n\
             index default eq\nindex entryCSN,objectClass,reqEnd,reqResult,reqStart,reqDN eq\n\
             overlay syncprov\nsyncprov-nopresent TRUE\nsyncprov-reloadhint TRUE\n\
             access to * by dn.exact=\"{READER}\" read\n",
            dir.display()
        )
    }
}

/// How the server shall be.
pub(crate) struct Options {
    ldif: String,
    session_log: SessionLog,
    access: String,
    size_limit: u32,
    certificate: Certificate,
    global: String,
    database: String,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            ldif: String::new(),
            session_log: SessionLog::Memory(10_000),
            access: String::new(),
            size_limit: 100,
            certificate: Certificate::Good,
            global: String::new(),
            database: String::new(),
        }
    }
}

impl Options {
    /// Adds entries, as LDIF content records separated by blank lines.
    pub(crate) fn ldif(mut self, ldif: &str) -> Self {
        self.ldif.push_str(ldif);
        self.ldif.push_str("\n\n");
        self
    }

    /// How many entries one search of [`LIMITED`] may return, pages added up.
    pub(crate) fn size_limit(mut self, entries: u32) -> Self {
        self.size_limit = entries;
        self
    }

    /// What certificate the server shows.
    pub(crate) fn certificate(mut self, certificate: Certificate) -> Self {
        self.certificate = certificate;
        self
    }

    /// What the server remembers of changes.
    pub(crate) fn session_log(mut self, session_log: SessionLog) -> Self {
        self.session_log = session_log;
        self
    }

    /// Adds lines to the global part of slapd.conf.
    pub(crate) fn global_config(mut self, lines: &str) -> Self {
        self.global.push_str(lines);
        self.global.push('\n');
        self
    }

    /// Adds lines to the database part of slapd.conf, such as further overlays.
    pub(crate) fn database_config(mut self, lines: &str) -> Self {
        self.database.push_str(lines);
        self.database.push('\n');
        self
    }

    /// Adds an `access` rule, which comes before those that let everybody read.
    pub(crate) fn access(mut self, rule: &str) -> Self {
        self.access.push_str(rule);
        self.access.push('\n');
        self
    }

    /// Writes the configuration, loads the entries, starts the server and waits until it answers.
    pub(crate) fn start(self) -> Slapd {
        let dir = tempfile::Builder::new().prefix("slapd-").tempdir().expect("a temporary directory");
        let path = dir.path();
        std::fs::create_dir(path.join("data")).expect("a directory for the database");
        let authority = Authority::new(&path.join("tls"));
        let (cert, key) = authority.issue(self.certificate, "localhost", "DNS:localhost,IP:127.0.0.1,IP:::1");
        std::fs::write(path.join("slapd.conf"), self.config(path, &cert, &key)).expect("writing slapd.conf");
        let ldif = path.join("seed.ldif");
        std::fs::write(&ldif, format!("{BASE_LDIF}{}", self.ldif)).expect("writing the seed");
        run(Command::new("/usr/sbin/slapadd")
            .args(["-q", "-f"])
            .arg(path.join("slapd.conf"))
            // -w: the change sequence number of the context is there, whatever else is not.
            .args(["-w", "-b", SUFFIX, "-l"])
            .arg(&ldif));

        let mut slapd = Slapd { server: None, port: 0, tls_port: 0, ca: authority.file(), dir };
        slapd.start();
        slapd
    }

    fn config(&self, dir: &Path, cert: &Path, key: &Path) -> String {
        let (log, other) = (self.session_log.database_config(), self.session_log.other_database(dir));
        let (dir, cert, key) = (dir.display(), cert.display(), key.display());
        let Self { access, size_limit, global, database, .. } = self;
        format!(
            "include /etc/ldap/schema/core.schema
include /etc/ldap/schema/cosine.schema
include /etc/ldap/schema/nis.schema
include /etc/ldap/schema/inetorgperson.schema
modulepath /usr/lib/ldap
moduleload back_mdb
moduleload syncprov
moduleload accesslog
pidfile {dir}/slapd.pid
argsfile {dir}/slapd.args
TLSCACertificateFile {dir}/tls/ca.pem
TLSCertificateFile {cert}
TLSCertificateKeyFile {key}
sizelimit unlimited
{global}
access to dn.base=\"\" by * read
access to dn.base=\"cn=Subschema\" by * read
{other}database mdb
maxsize 8589934592
suffix \"{SUFFIX}\"
rootdn \"{ADMIN}\"
rootpw {PASSWORD}
directory {dir}/data
dbnosync
index objectClass eq
index entryUUID,entryCSN eq
index uid,mail,member,modifyTimestamp eq
limits dn.exact=\"{READER}\" size=unlimited time=unlimited
limits dn.exact=\"{LIMITED}\" size.soft={size_limit} size.hard={size_limit} size.prtotal={size_limit}
{access}access to attrs=userPassword by anonymous auth by * none
access to * by users read by * none
{log}{database}
"
        )
    }
}

const BASE_LDIF: &str = "dn: dc=example,dc=com
objectClass: organization
objectClass: dcObject
o: Example
dc: example

dn: ou=people,dc=example,dc=com
objectClass: organizationalUnit
ou: people

dn: ou=groups,dc=example,dc=com
objectClass: organizationalUnit
ou: groups

dn: cn=reader,dc=example,dc=com
objectClass: organizationalRole
objectClass: simpleSecurityObject
cn: reader
userPassword: s3cret-for-tests

dn: cn=limited,dc=example,dc=com
objectClass: organizationalRole
objectClass: simpleSecurityObject
cn: limited
userPassword: s3cret-for-tests

";

/// A running server.
pub(crate) struct Slapd {
    server: Option<Server>,
    port: u16,
    tls_port: u16,
    ca: PathBuf,
    dir: TempDir,
}

impl Slapd {
    /// `ldap://127.0.0.1:port`.
    pub(crate) fn url(&self) -> String {
        format!("ldap://127.0.0.1:{}", self.port)
    }

    /// `ldaps://127.0.0.1:port`.
    pub(crate) fn tls_url(&self) -> String {
        format!("ldaps://127.0.0.1:{}", self.tls_port)
    }

    /// The port of `ldaps://`, which is open on `127.0.0.1` alone.
    pub(crate) fn tls_port(&self) -> u16 {
        self.tls_port
    }

    /// The authority that signed the server's certificate, PEM.
    pub(crate) fn ca_file(&self) -> PathBuf {
        self.ca.clone()
    }

    /// The server's own certificate, PEM.
    pub(crate) fn certificate_file(&self) -> PathBuf {
        self.dir.path().join("tls/cert.pem")
    }

    /// Issues a certificate for a client, by the authority of the server: certificate and key, PEM.
    pub(crate) fn client_certificate(&self, name: &str) -> (PathBuf, PathBuf) {
        Authority::at(&self.dir.path().join("tls")).issue_client(name)
    }

    /// Applies LDIF change records (or content records, which are added) as [`ADMIN`].
    pub(crate) fn modify(&self, ldif: &str) {
        run_with_input(
            Command::new("ldapmodify").args(["-a", "-x", "-H", &self.url(), "-D", ADMIN, "-w", PASSWORD]),
            ldif,
        );
    }

    /// Deletes entries as [`ADMIN`].
    pub(crate) fn delete(&self, dns: &[&str]) {
        run(Command::new("ldapdelete")
            .args(["-x", "-H", &self.url(), "-D", ADMIN, "-w", PASSWORD])
            .args(dns));
    }

    /// Renames an entry in place, or moves it when `parent` is given, as [`ADMIN`].
    pub(crate) fn rename(&self, dn: &str, rdn: &str, parent: Option<&str>) {
        let mut change = format!("dn: {dn}\nchangetype: modrdn\nnewrdn: {rdn}\ndeleteoldrdn: 1\n");
        if let Some(parent) = parent {
            change.push_str(&format!("newsuperior: {parent}\n"));
        }
        self.modify(&change);
    }

    /// Freezes the server: connections stay open and nothing answers.
    pub(crate) fn pause(&self) {
        self.server.as_ref().expect("the server was started").pause();
    }

    /// Thaws a frozen server.
    pub(crate) fn resume(&self) {
        self.server.as_ref().expect("the server was started").resume();
    }

    /// Kills the server at once. [`Slapd::start`] brings it back, on other ports.
    pub(crate) fn kill(&mut self) {
        self.server = None;
    }

    /// Stops the server in order.
    pub(crate) fn stop(&mut self) {
        if let Some(mut server) = self.server.take() {
            server.terminate();
        }
    }

    /// Starts the server (again), on the same ports when they are still free.
    pub(crate) fn start(&mut self) {
        for _ in 0..5 {
            if self.port == 0 || !is_free(self.port) || !is_free(self.tls_port) {
                (self.port, self.tls_port) = free_ports();
            }
            let mut server = Server::spawn(
                Command::new("/usr/sbin/slapd")
                    .args(["-d", "0", "-h"])
                    .arg(format!("{}/ {}/", self.url(), self.tls_url()))
                    .arg("-f")
                    .arg(self.dir.path().join("slapd.conf")),
                self.dir.path().join("slapd.log"),
            );
            let mut ended = false;
            await_until("slapd", Duration::from_secs(30), || {
                ended = server.has_ended();
                ended || self.answers()
            });
            if !ended {
                self.server = Some(server);
                return;
            }
            // Somebody took a port between our look and slapd's: choose others.
            self.port = 0;
        }
        let log = std::fs::read_to_string(self.dir.path().join("slapd.log")).unwrap_or_default();
        panic!("slapd does not start: {log}");
    }

    fn answers(&self) -> bool {
        Command::new("ldapsearch")
            .args(["-x", "-LLL", "-H", &self.url(), "-s", "base", "-b", "", "1.1"])
            .output()
            .is_ok_and(|out| out.status.success())
    }
}

impl Drop for Slapd {
    fn drop(&mut self) {
        self.server = None;
    }
}

fn is_free(port: u16) -> bool {
    TcpListener::bind(("127.0.0.1", port)).is_ok()
}

fn free_ports() -> (u16, u16) {
    let bind = || TcpListener::bind(("127.0.0.1", 0)).expect("a free port on loopback");
    let (a, b) = (bind(), bind());
    let port = |l: &TcpListener| l.local_addr().expect("a bound socket has an address").port();
    (port(&a), port(&b))
}

/// LDIF of `count` people `uid=u<n>,ou=people,…`, with the attributes that a directory of a
/// company has: numbers begin at `first`.
pub(crate) fn people_ldif(first: usize, count: usize) -> String {
    use std::fmt::Write;
    let mut out = String::with_capacity(count * 600);
    for n in first..first + count {
        write!(
            out,
            "dn: uid=u{n},ou=people,{SUFFIX}
objectClass: inetOrgPerson
uid: u{n}
cn: Given{n} Family{n}
sn: Family{n}
givenName: Given{n}
displayName: Given{n} Family{n}
mail: u{n}@example.com
title: Engineer
departmentNumber: D{}
employeeNumber: {n}
employeeType: staff
telephoneNumber: +49 30 {n:07}
mobile: +49 170 {n:07}
l: Berlin
postalCode: 10115
preferredLanguage: de

",
            n % 50
        )
        .expect("writing to a string");
    }
    out
}

/// LDIF of one `groupOfNames` with members given by DN.
pub(crate) fn group_ldif<'a>(name: &str, members: impl IntoIterator<Item = &'a str>) -> String {
    let mut out = format!("dn: cn={name},ou=groups,{SUFFIX}\nobjectClass: groupOfNames\ncn: {name}\n");
    for member in members {
        out.push_str("member: ");
        out.push_str(member);
        out.push('\n');
    }
    out.push('\n');
    out
}
