//! What a log may say at run time: the real binary goes through good and bad days with an invented company,
//! writing the finest log there is, and nothing that belongs to a person, and no secret, is found in it.
//!
//! `house.rs` sees what the code intends; this sees what comes out.

mod support;

use std::path::PathBuf;
use std::process::Output;

use dirsyncd::sandbox::{Faults, Outage, Sandbox, Settings, Throttle, When};

use support::connector::Connector;
use support::fake_ldap::{Answer, FakeLdap, Request, entry};

const TOKEN: &str = "Tk-vesperclaw-0417";
const PASSWORD: &str = "Pw-ottermoon-5523";

/// Parts of names, addresses, DNs, titles and telephone numbers that occur nowhere else, and the
/// secrets. Compared without letter case.
const NEVER: &[&str] = &[
    "quillabeth",
    "zorvander",
    "marrowick",
    "tunstrel",
    "pemberthwaite",
    "dragglefoot",
    "ysolde",
    "fnordland",
    "brixmoor",
    "wumpus",
    "gnomonist",
    "5550147",
    TOKEN,
    PASSWORD,
];

/// Which of them occur in a text.
fn found_in(text: &str) -> Vec<&'static str> {
    let text = text.to_lowercase();
    NEVER.iter().copied().filter(|never| text.contains(&never.to_lowercase())).collect()
}

fn person(login: &str, mail: &str, given: &str, family: &str, title: &str) -> String {
    format!(
        "dn: uid={login},ou=Fnordland,dc=brixmoor,dc=test\nobjectClass: inetOrgPerson\nuid: {login}\n\
         entryUUID: 00000000-0000-4000-8000-{:012x}\ncn: {given} {family}\ngivenName: {given}\nsn: {family}\n\
         mail: {mail}\ntitle: {title}\ntelephoneNumber: +44 113 5550147\n\n",
        login.bytes().fold(7_u64, |sum, byte| sum * 31 + u64::from(byte)) & 0xffff_ffff,
    )
}

/// A connector whose log files are as fine as they can be.
struct Captured {
    connector: Connector,
}

impl Captured {
    fn new(base_url: &str, source: &str, personal_data: bool) -> Self {
        let connector = Connector::new("", base_url);
        connector.secret("token", TOKEN);
        connector.secret("password", PASSWORD);
        let text = format!(
            "{source}\n[people]\ndialect = \"inet_org_person\"\n[guard.deactivate]\ncount = 1\nfloor = 1\n\
             [cloud]\nbase_url = \"{}\"\ntoken_file = \"token\"\n[state]\ndir = \"state\"\n\
             [log]\nlevel = \"trace\"\nformat = \"json\"\ndir = \"log\"\npersonal_data = {personal_data}\n",
            base_url
        );
        std::fs::write(connector.config(), text).expect("writing the configuration");
        Self { connector }
    }

    fn directory(&self, people: &[String]) {
        let text = format!("version: 1\n\n{}", people.concat());
        std::fs::write(self.connector.dir().join("people.ldif"), text).expect("writing the directory");
    }

    /// All log files.
    fn files(&self) -> String {
        let entries = std::fs::read_dir(self.connector.dir().join("log")).expect("the directory of the log");
        let mut paths: Vec<PathBuf> = entries.map(|entry| entry.expect("an entry").path()).collect();
        paths.sort();
        paths.iter().map(|path| std::fs::read_to_string(path).expect("a log file")).collect()
    }

    /// Runs a command with the log on stderr too, and returns what it logged there.
    fn run(&self, what: &str, exit: i32, args: &[&str]) -> String {
        let mut all = vec!["--verbose"];
        all.extend(args);
        let Output { status, stdout, stderr } = self.connector.run(&all);
        let (out, err) = (String::from_utf8_lossy(&stdout), String::from_utf8_lossy(&stderr));
        assert_eq!(status.code(), Some(exit), "{what}\nstdout: {out}\nstderr: {err}");
        // The last words of a failed command are its result and not its log: they name whom they
        // are about to whoever typed it. Log lines begin with their time.
        let logged = |line: &&str| line.get(..2) == Some("20") && line.contains("Z ");
        let lines: Vec<&str> = err.lines().filter(logged).collect();
        assert!(lines.iter().any(|line| line.contains("DEBUG")), "{what}: nothing fine on stderr: {err}");
        lines.join("\n")
    }
}

const FILE: &str = "[[source]]\nname = \"corp\"\nkind = \"ldif\"\npath = \"people.ldif\"\n";

async fn sandbox() -> Sandbox {
    let settings = Settings {
        token: TOKEN.into(),
        taken_elsewhere: vec!["dragglefoot@brixmoor.test".into()],
        ..Settings::default()
    };
    Sandbox::start(settings).await.expect("a sandbox")
}

fn next(count: u64, on: &[&str]) -> When {
    let mut when = When::default();
    when.next = count;
    when.on = on.iter().map(|family| (*family).to_owned()).collect();
    when
}

#[tokio::test(flavor = "multi_thread")]
async fn no_person_and_no_secret_is_in_the_log() {
    let sandbox = sandbox().await;
    let captured = Captured::new(&sandbox.base_url(), FILE, false);
    let quillabeth = person("qz", "quillabeth@brixmoor.test", "Quillabeth", "Zorvander", "Chief Wumpus");
    let marrowick = person("mt", "tunstrel@brixmoor.test", "Marrowick", "Tunstrel", "Gnomonist");
    let taken = person("df", "dragglefoot@brixmoor.test", "Ysolde", "Dragglefoot", "Gnomonist");
    let nameless = person("np", "not an address of pemberthwaite", "Ysolde", "Pemberthwaite", "Gnomonist");
    let doubled = person("yp", "ysolde@brixmoor.test", "Ysolde", "Pemberthwaite", "Gnomonist");
    let doubled_again = person("yq", "ysolde@brixmoor.test", "Ysolde", "Pemberthwaite", "Gnomonist");
    captured.directory(&[quillabeth.clone(), marrowick.clone(), taken, nameless, doubled, doubled_again]);

    // What is looked for does go through the program: the result of a command shows it.
    let plan = captured.connector.run(&["plan"]);
    let shown = found_in(&String::from_utf8_lossy(&plan.stdout));
    for there in ["quillabeth", "tunstrel", "dragglefoot", "brixmoor"] {
        assert!(shown.contains(&there), "{there} is not in the plan: {plan:?}");
    }

    let mut screens = Vec::new();
    let mut run = |what: &str, exit: i32, args: &[&str]| {
        let screen = captured.run(what, exit, args);
        screens.push((what.to_owned(), screen));
    };
    // Withheld, contested, and refused by the cloud in words that repeat the address.
    run("a first pass", 6, &["sync"]);

    // A rename, on a day when everything goes wrong once.
    let renamed = person("qz", "zorvander@brixmoor.test", "Quillabeth", "Marrowick", "Wumpus Emerita");
    captured.directory(&[renamed.clone(), marrowick.clone()]);
    sandbox.organization().set_faults(Faults {
        throttle: Throttle { when: next(1, &[]), retry_after: Some("0".into()), ..Throttle::default() },
        outage: Outage { when: next(1, &["scim_users"]), ..Outage::default() },
        cut_before_commit: next(1, &["scim_users"]),
        cut_after_commit: next(1, &["scim_users"]),
        ..Faults::default()
    });
    run("a bad day", 0, &["sync", "--full"]);
    sandbox.organization().set_faults(Faults::default());

    // Everybody leaves: held.
    captured.directory(&[person("zz", "gnomonist@brixmoor.test", "Ysolde", "Wumpus", "Tunstrel")]);
    run("leavers", 7, &["sync"]);

    // A file that ends in the middle of a person.
    captured.directory(&[renamed[..renamed.len() - 40].to_owned()]);
    run("a file cut short", 4, &["sync"]);

    // The cloud does not know the token any more.
    captured.directory(&[renamed, marrowick]);
    sandbox.organization().set_faults(Faults { tokens_expired: true, ..Faults::default() });
    run("a token refused", 5, &["sync"]);

    let files = captured.files();
    for line in ["A pass begins.", "Withheld from now on.", "An action failed.", "The guard holds removals."]
    {
        assert!(files.contains(line), "the log does not say {line:?}: {files}");
    }
    assert!(files.contains("00000000-0000-4000-8000-"), "the log names people by their anchors: {files}");
    for status in [429, 503, 401] {
        assert!(
            files.contains(&format!("\"status\":{status},")),
            "no request was answered with {status}: {files}"
        );
    }
    screens.push(("the log files".into(), files));
    for (what, text) in screens {
        assert_eq!(found_in(&text), Vec::<&str>::new(), "{what}:\n{text}");
    }
    sandbox.stop().await;
}

/// A directory that repeats DNs in what it says when it refuses.
fn talkative(bind: u8) -> FakeLdap {
    FakeLdap::start(move |request| match request {
        Request::Bind { .. } => vec![Answer::Done(bind, "no uid=qz,ou=Fnordland,dc=brixmoor,dc=test", None)],
        Request::Search { base, .. } if base.is_empty() => vec![
            entry("", &[("namingContexts", &["dc=brixmoor,dc=test"]), ("vendorName", &["Other"])]),
            Answer::Done(0, "", None),
        ],
        Request::Search { .. } => vec![Answer::Done(50, "not below ou=Fnordland,dc=brixmoor,dc=test", None)],
        Request::Other => vec![Answer::Done(0, "", None)],
    })
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_directory_says_when_it_refuses_is_not_in_the_log() {
    let sandbox = sandbox().await;
    for bind in [0, 49] {
        let server = talkative(bind);
        let source = format!(
            "[[source]]\nname = \"corp\"\nkind = \"ldap\"\nurls = [\"{}\"]\ndanger_plain_ldap = true\n\
             bind = \"svc\"\npassword_file = \"password\"\nanchor = \"entryUUID\"\n",
            server.url()
        );
        let logged = |personal_data: bool| {
            let captured = Captured::new(&sandbox.base_url(), &source, personal_data);
            let output = captured.connector.run(&["--verbose", "sync"]);
            assert_eq!(output.status.code(), Some(4), "{output:?}");
            let files = captured.files();
            assert!(files.contains("The pass failed."), "{files}");
            files
        };
        let open = logged(true);
        assert!(found_in(&open).contains(&"fnordland"), "nothing to hide with code {bind}:\n{open}");
        let files = logged(false);
        assert_eq!(found_in(&files), Vec::<&str>::new(), "answered with code {bind}:\n{files}");
    }
    sandbox.stop().await;
}

#[test]
fn what_is_looked_for_would_be_found() {
    for never in NEVER {
        assert_eq!(found_in(&format!("{{\"error\":\"<{}>\"}}", never.to_uppercase())), [*never]);
    }
}
