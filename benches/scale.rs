//! The figures of docs/PERFORMANCE.md: the real binary between a real slapd and the sandbox.
//!
//!     cargo bench --bench scale                          everything, 100,000 and 1,000,000 people
//!     cargo bench --bench scale -- first-load 100000     one part at one size
//!
//! Parts: `unchanged` (a full pass with nothing changed, against `ldapsearch` dumping the same
//! attributes unpaged), `first-load` (into an empty organization, against a bare HTTP client that
//! posts the same bulk bodies), `changes` (passes that follow what changed: nothing, and 1,000
//! edits), `rules` (an edit of the rules, planned with and without kept records). By its name alone: `samba` (the same against a Samba domain controller; see there),
//!
//!     cargo bench --bench scale -- samba 50000
//!
//! Every figure is a ratio to a reference
//! of the same run, since machines differ; nothing here passes or fails.

#[path = "scale/rules.rs"]
mod rules;
#[path = "scale/samba.rs"]
mod samba;
#[path = "../tests/support/mod.rs"]
mod support;

use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use axum::body::Bytes;
use axum::extract::{Request, State};
use axum::response::IntoResponse;
use dirsyncd::config::{Config, Overrides, SourceConfig};
use dirsyncd::pass::{self, Answer, Hearing};
use dirsyncd::rules::Rules;
use dirsyncd::sandbox::{Sandbox, Settings};
use dirsyncd::source::Source;
use dirsyncd::source::ldap::LdapSource;
use dirsyncd::store::Reader;
use futures_util::{StreamExt, stream};
use support::slapd;

/// Attributes of the default mapping for `inetOrgPerson`, as the pass asks for them.
const ATTRIBUTES: &[&str] = &[
    "objectClass",
    "entryUUID",
    "mail",
    "givenName",
    "sn",
    "displayName",
    "cn",
    "title",
    "departmentNumber",
    "employeeNumber",
    "telephoneNumber",
    "mobile",
    "facsimileTelephoneNumber",
    "street",
    "l",
    "st",
    "postalCode",
    "o",
    "preferredLanguage",
    "ou",
    "manager",
];
/// Runs of each command; the quickest counts, as everything else is noise of the machine.
const RUNS: usize = 3;

fn main() {
    let args: Vec<String> = std::env::args().skip(1).filter(|arg| !arg.starts_with("--")).collect();
    let runtime = tokio::runtime::Runtime::new().expect("a runtime");
    let _ = rustls::crypto::ring::default_provider().install_default();
    let sizes: Vec<usize> = match args.get(1) {
        Some(size) => vec![size.parse().expect("a number of people")],
        None => vec![100_000, 1_000_000],
    };
    let part = args.first().map_or("all", String::as_str);
    for size in sizes {
        println!("## {size} people");
        if part == "samba" {
            runtime.block_on(samba::measure(size));
            continue;
        }
        let bench = Bench::new(size, &runtime);
        if matches!(part, "all" | "first-load") && size <= 100_000 {
            runtime.block_on(bench.first_load());
        }
        if matches!(part, "all" | "rules") && size <= 100_000 {
            runtime.block_on(rules::measure(&bench));
        }
        if matches!(part, "all" | "unchanged" | "changes") {
            runtime.block_on(bench.passes(part));
        }
    }
}

struct Bench {
    size: usize,
    slapd: slapd::Slapd,
}

/// A directory for the configuration and state of one connector.
struct Place {
    dir: tempfile::TempDir,
    config: PathBuf,
}

/// What one run of the binary took.
struct Took {
    wall: Duration,
    peak_mb: u64,
    code: Option<i32>,
}

impl Bench {
    fn new(size: usize, _runtime: &tokio::runtime::Runtime) -> Self {
        let begin = Instant::now();
        let slapd = slapd::Options::default().ldif(&ldif(size)).start();
        println!("slapd loaded in {:.1} s", begin.elapsed().as_secs_f64());
        Self { size, slapd }
    }

    fn place(&self, base_url: &str) -> Place {
        let dir = tempfile::tempdir().expect("a directory");
        let config = dir.path().join("dirsyncd.toml");
        write_private(&dir.path().join("password"), slapd::PASSWORD);
        write_private(&dir.path().join("token"), "sandbox-token");
        let text = format!(
            "[[source]]\nname = \"bench\"\nkind = \"ldap\"\nurls = [\"{}\"]\ndanger_plain_ldap = true\n\
             bind = \"{}\"\npassword_file = \"password\"\nbases = [\"ou=people,{}\"]\npage_size = {}\n\
             changes = \"full\"\n[cloud]\nbase_url = \"{base_url}\"\ntoken_file = \"token\"\n\
             [people]\ndialect = \"inet_org_person\"\n[state]\ndir = \"state\"\n[log]\nfiles = false\nlevel = \"warn\"\n",
            self.slapd.url(),
            slapd::READER,
            slapd::SUFFIX,
            std::env::var("PAGE_SIZE").unwrap_or_else(|_| "5000".into()),
        );
        std::fs::write(&config, text).expect("writing the configuration");
        Place { dir, config }
    }

    /// First load: recorded once, then timed by us and by the bare client, at several speeds of
    /// the cloud. A real organization needs about a second for one licence call; the sandbox
    /// without a delay answers a bulk call of a hundred people in well under a millisecond.
    async fn first_load(&self) {
        let recorded = {
            let sandbox = sandbox().await;
            let (proxy, bodies) = recorder(sandbox.base_url()).await;
            let place = self.place(&proxy);
            run_sync(&place, &[]);
            sandbox.stop().await;
            Arc::try_unwrap(bodies).map_or_else(
                |shared| shared.lock().expect("not poisoned").clone(),
                |own| own.into_inner().expect("not poisoned"),
            )
        };
        for delay_ms in [0, 50] {
            self.compare(&recorded, delay_ms).await;
        }
    }

    async fn compare(&self, recorded: &[Bytes], delay_ms: u64) {
        let mut ours = Duration::MAX;
        let mut bare = Duration::MAX;
        let mut peak = 0;
        for _ in 0..RUNS {
            let other = sandbox().await;
            slow_down(&other.base_url(), delay_ms).await;
            bare = bare.min(post_all(&other.base_url(), recorded).await);
            other.stop().await;
            let own = sandbox().await;
            slow_down(&own.base_url(), delay_ms).await;
            let place = self.place(&own.base_url());
            let took = run_sync(&place, &[]);
            ours = ours.min(took.wall);
            peak = peak.max(took.peak_mb);
            own.stop().await;
        }
        let rate = |wall: Duration| self.size as f64 / wall.as_secs_f64();
        println!(
            "first load, {delay_ms} ms a bulk call: {:.0} people/s, bare client {:.0} people/s: {:.0} % of it; peak {peak} MB; {} bulk bodies",
            rate(ours),
            rate(bare),
            100.0 * rate(ours) / rate(bare),
            recorded.len(),
        );
    }

    async fn passes(&self, part: &str) {
        let sandbox = sandbox().await;
        let place = self.place(&sandbox.base_url());
        let first = run_sync(&place, &[]);
        println!(
            "first load: {:.1} s, peak {} MB, exit {:?}",
            first.wall.as_secs_f64(),
            first.peak_mb,
            first.code
        );
        if part != "changes" {
            let reference = best(|| self.ldapsearch());
            println!("ldapsearch: {:.2} s", reference.as_secs_f64());
            for (name, flags) in [("unchanged", &[][..]), ("unchanged, whole cloud observed", &["--full"])] {
                let mut quickest = Duration::MAX;
                let mut peak = 0;
                for _ in 0..RUNS {
                    let took = run_sync(&place, flags);
                    assert_eq!(took.code, Some(0), "a pass with nothing changed ends with 0");
                    quickest = quickest.min(took.wall);
                    peak = peak.max(took.peak_mb);
                }
                println!(
                    "{name}: {:.2} s, {:.2} times ldapsearch, peak {peak} MB",
                    quickest.as_secs_f64(),
                    quickest.as_secs_f64() / reference.as_secs_f64()
                );
            }
        }
        if part != "unchanged" {
            let text = std::fs::read_to_string(&place.config).expect("the configuration");
            let text = text.replace("changes = \"full\"", "changes = \"auto\"");
            std::fs::write(&place.config, text).expect("writing the configuration");
            // Once everything, for a cursor.
            run_sync(&place, &[]);
            let mut quiet: Vec<Duration> = Vec::new();
            for _ in 0..20 {
                let (took, heard) = hear(&place).await;
                assert_eq!(heard, None, "nothing changed");
                quiet.push(took);
            }
            quiet.sort_unstable();
            println!("asking what changed, nothing: {:.1} ms (median of 20)", quiet[10].as_secs_f64() * 1e3);
            let took = run_sync(&place, &[]);
            println!(
                "a pass that follows nothing, as a process: {:.2} s, peak {} MB",
                took.wall.as_secs_f64(),
                took.peak_mb
            );
            self.change(1_000);
            let (took, heard) = hear(&place).await;
            println!("asking what changed, {heard:?} people: {:.0} ms", took.as_secs_f64() * 1e3);
            let took = run_sync(&place, &[]);
            println!(
                "1,000 changes: {:.2} s, peak {} MB, exit {:?}",
                took.wall.as_secs_f64(),
                took.peak_mb,
                took.code
            );
        }
        sandbox.stop().await;
    }

    fn ldapsearch(&self) {
        let status = Command::new("ldapsearch")
            .args(["-x", "-LLL", "-H", &self.slapd.url(), "-D", slapd::READER, "-w", slapd::PASSWORD])
            .args(["-b", &format!("ou=people,{}", slapd::SUFFIX), "(objectClass=inetOrgPerson)"])
            .args(ATTRIBUTES)
            .stdout(Stdio::null())
            .status()
            .expect("ldapsearch is installed");
        assert!(status.success(), "ldapsearch reads everything");
    }

    fn change(&self, count: usize) {
        let mut ldif = String::new();
        for n in 0..count {
            let at = n * (self.size / count).max(1);
            let _ = write!(
                ldif,
                "dn: uid=p{at},ou=people,{}\nchangetype: modify\nreplace: title\ntitle: Changed {n}\n\n",
                slapd::SUFFIX
            );
        }
        self.slapd.modify(&ldif);
    }
}

/// Asks the directory what changed, as a daemon does in passing, up to the records to look at.
/// Gives the time and the people concerned. Connects anew every time.
async fn hear(place: &Place) -> (Duration, Option<usize>) {
    let config = Config::load(&place.config, &Overrides::default()).expect("the configuration");
    let rules = Rules::compile(&config.rules).expect("the rules");
    let SourceConfig::Ldap(settings) = &config.sources[0] else { panic!("an LDAP source") };
    let sources: Vec<Box<dyn Source>> = vec![Box::new(LdapSource::new(settings.clone()))];
    let reader = Reader::open(&config.state_dir).expect("the state");
    let begin = Instant::now();
    let answer = pass::hear(Hearing {
        sources: &sources,
        reader: &reader,
        rules: &rules,
        in_passing: true,
        keep_records: false,
        full_every: i64::MAX,
        delete_after: None,
        now: dirsyncd::clock::now().timestamp(),
        events: Arc::new(|_| {}),
    })
    .await
    .expect("an answer");
    let took = begin.elapsed();
    match answer {
        Answer::Nothing(_) => (took, None),
        Answer::Something(heard) => (took, Some(heard.concerned.len())),
        Answer::Everything { reason, .. } => panic!("everything has to be read: {reason}"),
    }
}

fn best(mut run: impl FnMut()) -> Duration {
    (0..RUNS)
        .map(|_| {
            let begin = Instant::now();
            run();
            begin.elapsed()
        })
        .min()
        .expect("at least one run")
}

fn ldif(size: usize) -> String {
    let mut ldif = String::with_capacity(size * 640);
    for n in 0..size {
        let _ = write!(
            ldif,
            "dn: uid=p{n},ou=people,{base}\nobjectClass: inetOrgPerson\nuid: p{n}\nmail: p{n}@example.com\n\
             givenName: Given{n}\nsn: Family{n}\ncn: Given{n} Family{n}\ndisplayName: Given{n} Family{n}\n\
             title: Clerk {t}\ndepartmentNumber: D{d}\nemployeeNumber: E{n}\ntelephoneNumber: +49 30 {n:07}\n\
             mobile: +49 170 {n:07}\nstreet: Long Street {s}\nl: Berlin\npostalCode: 10115\no: Example\n\
             preferredLanguage: de-DE\nmanager: uid=p{boss},ou=people,{base}\n\n",
            base = slapd::SUFFIX,
            boss = n / 10,
            t = n % 97,
            d = n % 211,
            s = n % 499,
        );
    }
    ldif
}

async fn sandbox() -> Sandbox {
    Sandbox::start(Settings { token: "sandbox-token".into(), ..Settings::default() })
        .await
        .expect("a sandbox")
}

/// Every bulk call of the sandbox takes so much longer.
async fn slow_down(base_url: &str, delay_ms: u64) {
    let faults = serde_json::json!({ "latency_on": { "scim_bulk": delay_ms } });
    let answer = reqwest::Client::builder()
        .no_proxy()
        .build()
        .expect("a client")
        .put(format!("{base_url}/sandbox/faults"))
        .json(&faults)
        .send()
        .await
        .expect("the sandbox answers");
    assert!(answer.status().is_success(), "the sandbox knows how to be slow");
}

fn write_private(path: &Path, text: &str) {
    std::fs::write(path, text).expect("writing a secret");
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o600)).expect("closing a secret");
    }
}

/// Runs one `sync` and notes its peak memory from `/proc`.
fn run_sync(place: &Place, flags: &[&str]) -> Took {
    run(place, &[&["sync"], flags].concat())
}

/// Runs a command of the binary.
fn run(place: &Place, command: &[&str]) -> Took {
    let begin = Instant::now();
    let mut child = Command::new(env!("CARGO_BIN_EXE_dirsyncd"))
        .args(["--config".as_ref(), place.config.as_os_str()])
        .arg("--quiet")
        .args(command)
        .stdout(Stdio::null())
        .current_dir(place.dir.path())
        .spawn()
        .expect("the binary runs");
    let status = PathBuf::from(format!("/proc/{}/status", child.id()));
    let mut peak_mb = 0;
    let code = loop {
        if let Ok(text) = std::fs::read_to_string(&status) {
            let high = text.lines().find_map(|line| line.strip_prefix("VmHWM:"));
            let kb = high.and_then(|rest| rest.trim().trim_end_matches(" kB").parse::<u64>().ok());
            peak_mb = kb.map_or(peak_mb, |kb| kb / 1024);
        }
        match child.try_wait().expect("our own child") {
            Some(status) => break status.code(),
            None => std::thread::sleep(Duration::from_millis(5)),
        }
    };
    Took { wall: begin.elapsed(), peak_mb, code }
}

type Bodies = Arc<Mutex<Vec<Bytes>>>;

/// A forwarder that keeps the bodies of bulk requests.
async fn recorder(target: String) -> (String, Bodies) {
    let bodies = Bodies::default();
    let client = reqwest::Client::builder().no_proxy().build().expect("a client");
    let state = (client, target, Arc::clone(&bodies));
    let app = axum::Router::new().fallback(forward).with_state(state);
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let url = format!("http://{}", listener.local_addr().expect("bound"));
    tokio::spawn(async move { axum::serve(listener, app).await });
    (url, bodies)
}

async fn forward(
    State((client, target, bodies)): State<(reqwest::Client, String, Bodies)>,
    request: Request,
) -> impl IntoResponse {
    let (parts, body) = request.into_parts();
    let body = axum::body::to_bytes(body, usize::MAX).await.expect("the body of our own request");
    let path = parts.uri.path_and_query().map_or("/", |path| path.as_str());
    if path.ends_with("/Bulk") {
        bodies.lock().expect("not poisoned").push(body.clone());
    }
    let mut headers = parts.headers;
    headers.remove("host");
    let answer = client
        .request(parts.method, format!("{target}{path}"))
        .headers(headers)
        .body(body)
        .send()
        .await
        .expect("the sandbox answers");
    let status = answer.status();
    let kind = answer.headers().get("content-type").cloned();
    let link = answer.headers().get("link").cloned();
    let mut out =
        axum::response::Response::new(axum::body::Body::from(answer.bytes().await.expect("a body")));
    *out.status_mut() = status;
    if let Some(kind) = kind {
        out.headers_mut().insert("content-type", kind);
    }
    if let Some(link) = link {
        out.headers_mut().insert("link", link);
    }
    out
}

/// The bare client: the same bodies, as many at once as the connector sends.
async fn post_all(base_url: &str, bodies: &[Bytes]) -> Duration {
    let client = reqwest::Client::builder().no_proxy().build().expect("a client");
    let org: serde_json::Value = client
        .get(format!("{base_url}/v1/organizations"))
        .bearer_auth("sandbox-token")
        .send()
        .await
        .expect("the sandbox answers")
        .json()
        .await
        .expect("JSON");
    let public = org["items"][0]["id"].as_str().expect("an organization").to_owned();
    let raw = {
        use base64::Engine as _;
        let text = base64::engine::general_purpose::STANDARD_NO_PAD.decode(public).expect("a public id");
        String::from_utf8(text).expect("text").rsplit('/').next().expect("a last part").to_owned()
    };
    let url = format!("{base_url}/identity/scim/{raw}/v2/Bulk");
    let begin = Instant::now();
    stream::iter(bodies.iter().cloned())
        .map(|body| {
            let request = client
                .post(&url)
                .bearer_auth("sandbox-token")
                .header("content-type", "application/json")
                .body(body);
            async move {
                let answer = request.send().await.expect("the sandbox answers");
                assert!(answer.status().is_success(), "bulk answered {}", answer.status());
                answer.bytes().await.expect("a body")
            }
        })
        .buffer_unordered(8)
        .for_each(|_| async {})
        .await;
    begin.elapsed()
}
