//! A directory in a file, a sandbox, a configuration that joins them, and the binary.

use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};

use dirsyncd::sandbox::{LicenseSpec, Organization, Sandbox, Settings};
use serde_json::Value;
use tempfile::TempDir;
use tokio::runtime::Runtime;

const TOKEN: &str = "test-token";

/// Everything for one test.
pub struct Rehearsal {
    pub dir: TempDir,
    sandbox: Option<Sandbox>,
    runtime: Runtime,
}

/// What a process said and ended with.
pub struct Said {
    pub code: i32,
    pub out: String,
    pub err: String,
}

impl Said {
    pub fn json(&self) -> Value {
        serde_json::from_str(&self.out).unwrap_or_else(|error| panic!("{error} in {}", self.out))
    }

    #[track_caller]
    pub fn expect(self, code: i32) -> Self {
        assert_eq!(self.code, code, "\n--- stdout\n{}\n--- stderr\n{}", self.out, self.err);
        self
    }
}

impl From<Output> for Said {
    fn from(output: Output) -> Self {
        Self {
            code: output.status.code().unwrap_or(-1),
            out: String::from_utf8(output.stdout).unwrap(),
            err: String::from_utf8(output.stderr).unwrap(),
        }
    }
}

/// A person of the directory, whose address is made of the number.
pub fn person(n: usize) -> String {
    format!(
        "dn: uid=p{n},ou=people,dc=example,dc=com\nobjectClass: inetOrgPerson\n\
         entryUUID: 00000000-0000-4000-8000-{n:012x}\nuid: p{n}\ncn: Person {n}\nsn: Number{n}\n\
         givenName: Person\nmail: p{n}@example.com\ntitle: Tester\n"
    )
}

pub fn people(n: usize) -> String {
    (1..=n).map(|n| format!("{}\n", person(n))).collect()
}

impl Rehearsal {
    /// With so many seats, and these entries in the directory.
    pub fn new(seats: u64, ldif: &str) -> Self {
        Self::licensed(vec![LicenseSpec::paid("Advanced Messaging", "MS", seats, "Sub1")], ldif)
    }

    /// With these licences.
    pub fn licensed(licenses: Vec<LicenseSpec>, ldif: &str) -> Self {
        Self::with(Settings { licenses, sites: Vec::new(), ..Settings::default() }, ldif)
    }

    /// With an organization of your own.
    pub fn with(settings: Settings, ldif: &str) -> Self {
        let runtime = Runtime::new().unwrap();
        let settings = Settings { token: TOKEN.into(), ..settings };
        let sandbox = runtime.block_on(Sandbox::start(settings)).unwrap();
        let this = Self { dir: TempDir::new().unwrap(), sandbox: Some(sandbox), runtime };
        this.write("people.ldif", ldif);
        this.write("token", TOKEN);
        this.configure("");
        private(&this.path("token"));
        this
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    pub fn write(&self, name: &str, text: &str) {
        std::fs::write(self.path(name), text).unwrap();
    }

    /// Writes the configuration, with more at its end.
    pub fn configure(&self, more: &str) {
        self.rules(&format!("[[entitlement]]\nname = \"all\"\nlicenses = [\"message.messaging\"]\n{more}"));
    }

    /// Writes the configuration without any rule but these.
    pub fn rules(&self, rules: &str) {
        let url = self.sandbox.as_ref().unwrap().base_url();
        self.write(
            "dirsyncd.toml",
            &format!(
                "[[source]]\nname = \"file\"\nkind = \"ldif\"\npath = \"people.ldif\"\n\
                 [cloud]\nbase_url = \"{url}\"\ntoken_file = \"token\"\ntimeout = \"5s\"\n\
                 [people]\ndialect = \"inet_org_person\"\n\
                 [state]\ndir = \"state\"\n[log]\ndir = \"log\"\n{rules}"
            ),
        );
    }

    /// Where the cloud is.
    pub fn base_url(&self) -> String {
        self.sandbox.as_ref().unwrap().base_url()
    }

    pub fn organization(&self) -> &Organization {
        self.sandbox.as_ref().unwrap().organization()
    }

    /// A call to the cloud as an administrator makes it by hand.
    pub fn call(&self, method: &str, path: &str, body: &Value) -> Value {
        // Whoever comes first in the process installs it.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let client = reqwest::Client::builder().no_proxy().build().unwrap();
        let call = client.request(method.parse().unwrap(), format!("{}{path}", self.base_url()));
        let call = call.bearer_auth(TOKEN).header("content-type", "application/json").body(body.to_string());
        self.runtime.block_on(async {
            let answer = call.send().await.unwrap();
            let (status, text) = (answer.status(), answer.text().await.unwrap());
            assert!(status.is_success(), "{method} {path}: {status} {text}");
            serde_json::from_str(&text).unwrap_or(Value::Null)
        })
    }

    /// Ends the cloud.
    pub fn stop_cloud(&mut self) {
        let sandbox = self.sandbox.take().unwrap();
        self.runtime.block_on(sandbox.stop());
    }

    pub fn command(&self, args: &[&str]) -> Command {
        let mut command = binary();
        command.arg("--config").arg(self.path("dirsyncd.toml")).args(args);
        command
    }

    pub fn run(&self, args: &[&str]) -> Said {
        self.command(args).output().unwrap().into()
    }

    pub fn spawn(&self, args: &[&str]) -> Child {
        self.command(args).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap()
    }

    /// A process whose words nobody reads: a full pipe must not hold it up.
    pub fn spawn_unheard(&self, args: &[&str]) -> Child {
        self.command(args).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap()
    }

    pub fn writes(&self) -> u64 {
        self.organization().stats().write_requests
    }

    /// Every file of the state with its contents.
    pub fn state(&self) -> Vec<(PathBuf, Vec<u8>)> {
        let mut files: Vec<_> = std::fs::read_dir(self.path("state"))
            .unwrap()
            .map(|entry| {
                let path = entry.unwrap().path();
                let bytes = std::fs::read(&path).unwrap();
                (path, bytes)
            })
            .collect();
        files.sort();
        files
    }
}

/// The binary, without what the environment of the test might say.
pub fn binary() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_dirsyncd"));
    command.env_remove("DIRSYNCD_CONFIG").env("NO_COLOR", "1").stdin(Stdio::null());
    for proxy in ["HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "http_proxy", "https_proxy", "all_proxy"] {
        command.env_remove(proxy);
    }
    command
}

pub fn private(path: &Path) {
    dirsyncd::service::restrict_permissions(path).unwrap();
}
