//! The real binary with a configuration and a state of its own, against the sandbox.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use serde_json::Value;
use tempfile::TempDir;

/// The token of sandboxes in tests.
pub(crate) const TOKEN: &str = "sandbox-token";

/// A directory with configuration, secrets and state.
pub(crate) struct Connector {
    dir: TempDir,
}

impl Connector {
    /// Writes a configuration; `state` and `log` sections, and the token file, are added.
    pub(crate) fn new(config: &str, base_url: &str) -> Self {
        let dir = tempfile::Builder::new().prefix("connector-").tempdir().expect("a temporary directory");
        let connector = Self { dir };
        connector.secret("token", TOKEN);
        connector.configure(config, base_url);
        connector
    }

    /// Replaces the configuration.
    pub(crate) fn configure(&self, config: &str, base_url: &str) {
        let text = format!(
            "{config}\n[cloud]\nbase_url = \"{base_url}\"\ntoken_file = \"token\"\n\
             [state]\ndir = \"state\"\n[log]\nfiles = false\n"
        );
        std::fs::write(self.config(), text).expect("writing the configuration");
    }

    /// Writes a file that only its owner can read.
    pub(crate) fn secret(&self, name: &str, text: &str) {
        let path = self.dir.path().join(name);
        std::fs::write(&path, text).expect("writing a secret");
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt;
            std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o600))
                .expect("closing a secret");
        }
    }

    /// The directory.
    pub(crate) fn dir(&self) -> &Path {
        self.dir.path()
    }

    /// The configuration file.
    pub(crate) fn config(&self) -> PathBuf {
        self.dir.path().join("dirsyncd.toml")
    }

    /// The directory of the state.
    pub(crate) fn state(&self) -> PathBuf {
        self.dir.path().join("state")
    }

    /// A command line of the binary, not started yet.
    pub(crate) fn command(&self, args: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_dirsyncd"));
        command
            .arg("--config")
            .arg(self.config())
            .args(args)
            .stdin(Stdio::null())
            .current_dir(self.dir.path())
            .env_remove("DIRSYNCD_CONFIG")
            .env("NO_COLOR", "1");
        command
    }

    /// Runs the binary to its end.
    pub(crate) fn run(&self, args: &[&str]) -> Output {
        self.command(args).output().expect("the binary runs")
    }

    /// Runs the binary, which must end with `code`, and returns its JSON.
    pub(crate) fn json(&self, code: i32, args: &[&str]) -> Value {
        let mut all = vec!["--json"];
        all.extend(args);
        let output = self.run(&all);
        let (out, err) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
        assert_eq!(output.status.code(), Some(code), "{args:?}\nstdout: {out}\nstderr: {err}");
        serde_json::from_str(&out).unwrap_or_else(|e| panic!("{args:?} printed no JSON: {e}\n{out}\n{err}"))
    }
}

/// What a test sees of an account, through the cloud's own interfaces.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Seen {
    /// Whether log-in is allowed.
    pub(crate) active: bool,
    /// The anchor kept there.
    pub(crate) external_id: String,
    /// Title, department and display name.
    pub(crate) title: String,
    pub(crate) department: String,
    pub(crate) display_name: String,
    /// Names of paid licences.
    pub(crate) licenses: BTreeSet<String>,
}

/// Reads everybody in the sandbox by the interfaces that Webex has, by user name. The
/// administrator of the sandbox is left out.
pub(crate) async fn cloud_contents(base_url: &str) -> BTreeMap<String, Seen> {
    let client = client();
    let get = async |path: String| -> Value {
        let answer =
            client.get(format!("{base_url}{path}")).bearer_auth(TOKEN).send().await.expect("an answer");
        assert!(answer.status().is_success(), "{path}: {}", answer.status());
        answer.json().await.expect("JSON")
    };
    let organization = get("/v1/organizations".into()).await;
    let org = raw(organization["items"][0]["id"].as_str().expect("an id"));
    let mut people = BTreeMap::new();
    let mut names = BTreeMap::new();
    let mut start = 1;
    loop {
        let page = get(format!("/identity/scim/{org}/v2/Users?startIndex={start}&count=100")).await;
        let users = page["Resources"].as_array().cloned().unwrap_or_default();
        if users.is_empty() {
            break;
        }
        start += users.len();
        for user in users {
            let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
            let enterprise = &user["urn:ietf:params:scim:schemas:extension:enterprise:2.0:User"];
            if user["roles"].as_array().is_some_and(|roles| !roles.is_empty()) {
                continue;
            }
            names.insert(text(&user["id"]), text(&user["userName"]));
            let seen = Seen {
                active: user["active"] == Value::Bool(true),
                external_id: text(&user["externalId"]),
                title: text(&user["title"]),
                department: text(&enterprise["department"]),
                display_name: text(&user["displayName"]),
                licenses: BTreeSet::new(),
            };
            assert!(people.insert(text(&user["userName"]), seen).is_none(), "nobody is there twice");
        }
    }
    let licenses = get("/v1/licenses".into()).await;
    for license in licenses["items"].as_array().expect("a list") {
        let id = license["id"].as_str().expect("an id");
        if license["subscriptionId"].is_null() {
            continue;
        }
        let mut next = Some(format!("{base_url}/v1/licenses/{id}?includeAssignedTo=user&limit=300"));
        while let Some(url) = next.take() {
            let answer = client.get(&url).bearer_auth(TOKEN).send().await.expect("an answer");
            let link = answer.headers().get("link").and_then(|link| link.to_str().ok()).unwrap_or_default();
            next = link.split(['<', '>']).nth(1).filter(|_| link.contains("rel=\"next\"")).map(str::to_owned);
            let page: Value = answer.json().await.expect("JSON");
            for holder in page["users"].as_array().into_iter().flatten() {
                let holder = raw(holder["id"].as_str().expect("an id"));
                if let Some(seen) = names.get(&holder).and_then(|name| people.get_mut(name)) {
                    seen.licenses.insert(license["name"].as_str().expect("a name").to_owned());
                }
            }
        }
    }
    people
}

/// Somebody else empties an account by SCIM: only name and anchor stay.
pub(crate) async fn empty(base_url: &str, name: &str) {
    let held = user(base_url, name).await;
    let bare = serde_json::json!({
        "schemas": held["schemas"], "userName": held["userName"], "userType": "user",
        "active": held["active"], "externalId": held["externalId"],
    });
    let path = held["meta"]["location"].as_str().expect("a location");
    let answer = client().put(path).bearer_auth(TOKEN).json(&bare).send().await.expect("an answer");
    assert!(answer.status().is_success(), "{}", answer.status());
}

/// One user as SCIM shows it.
pub(crate) async fn user(base_url: &str, name: &str) -> Value {
    let client = client();
    let get = async |path: &str| -> Value {
        let answer =
            client.get(format!("{base_url}{path}")).bearer_auth(TOKEN).send().await.expect("an answer");
        answer.json().await.expect("JSON")
    };
    let organization = get("/v1/organizations").await;
    let org = raw(organization["items"][0]["id"].as_str().expect("an id"));
    let found = get(&format!("/identity/scim/{org}/v2/Users?filter=userName%20eq%20%22{name}%22")).await;
    found["Resources"][0].clone()
}

/// What the sandbox answers to a GET.
pub(crate) async fn get(base_url: &str, path: &str) -> Value {
    let answer =
        client().get(format!("{base_url}{path}")).bearer_auth(TOKEN).send().await.expect("an answer");
    assert!(answer.status().is_success(), "{path}: {}", answer.status());
    answer.json().await.expect("JSON")
}

/// Somebody else puts something.
pub(crate) async fn put(base_url: &str, path: &str, body: &Value) {
    let answer = client()
        .put(format!("{base_url}{path}"))
        .bearer_auth(TOKEN)
        .json(body)
        .send()
        .await
        .expect("an answer");
    assert!(answer.status().is_success(), "{path}: {}", answer.status());
}

/// The number of write requests that the sandbox has met.
pub(crate) async fn writes(base_url: &str) -> u64 {
    let client = client();
    let stats: Value = client
        .get(format!("{base_url}/sandbox/stats"))
        .send()
        .await
        .expect("an answer")
        .json()
        .await
        .expect("JSON");
    stats["write_requests"].as_u64().expect("a number")
}

/// The raw id within a public one.
fn raw(public: &str) -> String {
    use base64::Engine as _;
    let bytes = base64::engine::general_purpose::STANDARD_NO_PAD.decode(public).expect("a public id");
    String::from_utf8(bytes).expect("text").rsplit('/').next().expect("a last part").to_owned()
}

/// A plain HTTP client.
fn client() -> reqwest::Client {
    // Whoever comes first in the process installs it.
    let _ = rustls::crypto::ring::default_provider().install_default();
    reqwest::Client::builder().no_proxy().build().expect("a client")
}
