//! A certificate authority for one test, made with the `openssl` tool.

use std::path::{Path, PathBuf};
use std::process::Command;

use super::process::run;

/// A private certificate authority in a directory of its own.
pub(crate) struct Authority {
    dir: PathBuf,
}

/// What a server certificate looks like.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Certificate {
    /// Valid for a month, for the asked names.
    Good,
    /// As it should be, but its time is over since yesterday.
    Expired,
    /// Only a common name, no subjectAltName: what self-made directories often have.
    NoNames,
    /// For another host.
    OtherHost,
}

impl Authority {
    /// Makes the authority. `dir` is created.
    pub(crate) fn new(dir: &Path) -> Self {
        std::fs::create_dir_all(dir).expect("a directory for certificates");
        // A name of its own, as authorities have it.
        let owner =
            dir.parent().and_then(Path::file_name).expect("the directory of a server").to_string_lossy();
        run(Command::new("openssl").current_dir(dir).args([
            "req",
            "-x509",
            "-newkey",
            "ec",
            "-pkeyopt",
            "ec_paramgen_curve:prime256v1",
            "-nodes",
            "-keyout",
            "ca-key.pem",
            "-out",
            "ca.pem",
            "-days",
            "30",
            "-subj",
            &format!("/CN=Test authority of {owner}"),
            "-addext",
            "basicConstraints=critical,CA:TRUE",
            "-addext",
            "keyUsage=critical,keyCertSign,cRLSign",
        ]));
        Self { dir: dir.to_owned() }
    }

    /// The authority that was made in `dir` before.
    pub(crate) fn at(dir: &Path) -> Self {
        Self { dir: dir.to_owned() }
    }

    /// The authority's own certificate, PEM.
    pub(crate) fn file(&self) -> PathBuf {
        self.dir.join("ca.pem")
    }

    /// Issues a certificate and returns the PEM files of certificate and key.
    /// `names` is in the words of OpenSSL: `DNS:localhost,IP:127.0.0.1`.
    pub(crate) fn issue(&self, kind: Certificate, name: &str, names: &str) -> (PathBuf, PathBuf) {
        let names = match kind {
            Certificate::Good | Certificate::Expired => format!("subjectAltName={names}\n"),
            Certificate::OtherHost => "subjectAltName=DNS:elsewhere.example.com\n".to_owned(),
            Certificate::NoNames => String::new(),
        };
        // A negative number of days ends the validity in the past.
        let days = if kind == Certificate::Expired { "-1" } else { "30" };
        self.sign("cert", name, &format!("extendedKeyUsage=serverAuth\n{names}"), days)
    }

    /// Issues a certificate for a client and returns the PEM files of certificate and key.
    pub(crate) fn issue_client(&self, name: &str) -> (PathBuf, PathBuf) {
        self.sign(&format!("client-{name}"), name, "extendedKeyUsage=clientAuth\n", "30")
    }

    /// Makes a key and signs it; the names of the files begin with `file`.
    fn sign(&self, file: &str, name: &str, extensions: &str, days: &str) -> (PathBuf, PathBuf) {
        let at = |suffix: &str| format!("{file}{suffix}");
        run(Command::new("openssl").current_dir(&self.dir).args([
            "req",
            "-newkey",
            "ec",
            "-pkeyopt",
            "ec_paramgen_curve:prime256v1",
            "-nodes",
            "-keyout",
            &at("-key.pem"),
            "-out",
            &at("-request.pem"),
            "-subj",
            &format!("/CN={name}"),
        ]));
        let extensions = format!("basicConstraints=CA:FALSE\n{extensions}");
        std::fs::write(self.dir.join(at("-extensions")), extensions).expect("writing to our own directory");
        run(Command::new("openssl").current_dir(&self.dir).args([
            "x509",
            "-req",
            "-in",
            &at("-request.pem"),
            "-CA",
            "ca.pem",
            "-CAkey",
            "ca-key.pem",
            "-CAcreateserial",
            "-days",
            days,
            "-out",
            &at(".pem"),
            "-extfile",
            &at("-extensions"),
        ]));
        (self.dir.join(at(".pem")), self.dir.join(at("-key.pem")))
    }
}
