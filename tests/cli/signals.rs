//! The daemon and its signals, the lock, and a first load that is killed.

use std::io::{BufRead, BufReader, Read};
use std::process::{Child, ChildStderr, Command};
use std::time::{Duration, Instant};

use super::rehearsal::{Rehearsal, people};

fn signal(child: &Child, name: &str) {
    let status = Command::new("sh").arg("-c").arg(format!("kill -{name} {}", child.id())).status().unwrap();
    assert!(status.success());
}

/// A daemon whose log is read line by line.
struct Daemon {
    child: Child,
    log: BufReader<ChildStderr>,
}

impl Daemon {
    fn start(stage: &Rehearsal) -> Self {
        let mut child = stage.spawn(&["run"]);
        let log = BufReader::new(child.stderr.take().unwrap());
        Self { child, log }
    }

    /// Reads the log up to a line with these words.
    #[track_caller]
    fn until(&mut self, words: &str) -> String {
        let mut all = String::new();
        loop {
            let mut line = String::new();
            assert!(self.log.read_line(&mut line).unwrap() > 0, "the daemon ended before {words:?}:\n{all}");
            all.push_str(&line);
            if line.contains(words) {
                return line;
            }
        }
    }

    fn end(mut self, name: &str) -> i32 {
        signal(&self.child, name);
        let start = Instant::now();
        let mut rest = String::new();
        self.log.read_to_string(&mut rest).unwrap();
        let code = self.child.wait().unwrap().code().unwrap();
        assert!(start.elapsed() < Duration::from_secs(10), "{rest}");
        code
    }
}

#[test]
fn the_daemon_syncs_on_signals_reloads_and_stops() {
    let stage = Rehearsal::new(100, &people(3));
    let mut daemon = Daemon::start(&stage);
    daemon.until("The daemon started.");
    daemon.until("The pass ended.");
    assert_eq!(stage.organization().people(), 4);

    // Another process is told who holds the lock, and reads beside the daemon.
    let said = stage.run(&["sync"]).expect(8);
    assert!(said.err.contains(&daemon.child.id().to_string()), "{}", said.err);
    let status = stage.run(&["status", "--json"]).expect(0).json();
    assert!(status["lock"].is_string() && status["next_pass"].is_string(), "{status}");
    stage.run(&["plan"]).expect(0);

    stage.write("people.ldif", &people(4));
    signal(&daemon.child, "USR1");
    daemon.until("trigger=signal");
    daemon.until("create_count=1");
    assert_eq!(stage.organization().people(), 5);

    stage.configure("nonsense = 1\n");
    signal(&daemon.child, "HUP");
    daemon.until("the old one stays in force");
    stage.configure("[people.mapping]\ntitle = \"upper(title)\"\n");
    signal(&daemon.child, "HUP");
    daemon.until("The configuration was read again; it holds");
    signal(&daemon.child, "USR1");
    daemon.until("update_count=4");

    assert_eq!(daemon.end("TERM"), 143);
    stage.run(&["sync"]).expect(0);
}

#[test]
fn a_held_plan_is_approved_while_the_daemon_runs() {
    let stage = Rehearsal::new(100, &people(20));
    let mut daemon = Daemon::start(&stage);
    daemon.until("create_count=20");
    stage.write("people.ldif", &people(10));
    signal(&daemon.child, "USR1");
    daemon.until("Actions wait for approval.");
    let held = stage.run(&["held", "--json"]).expect(0).json();
    stage.run(&["approve", held["held"][0]["plan"].as_str().unwrap()]).expect(0);
    signal(&daemon.child, "USR1");
    daemon.until("deactivate_count=10");
    assert_eq!(daemon.end("INT"), 130);
    assert_eq!(stage.organization().user("p20@example.com").unwrap()["active"], false);
}

#[test]
fn a_daemon_outlives_the_trouble_of_its_passes() {
    let stage = Rehearsal::new(100, &people(1));
    stage.write("token", "wrong");
    let mut daemon = Daemon::start(&stage);
    daemon.until("The pass failed.");
    std::fs::remove_file(stage.path("people.ldif")).unwrap();
    stage.write("token", "test-token");
    signal(&daemon.child, "HUP");
    daemon.until("The configuration was read again; it holds");
    signal(&daemon.child, "USR1");
    daemon.until("The pass failed.");
    stage.write("people.ldif", &people(2));
    signal(&daemon.child, "USR1");
    daemon.until("create_count=2");
    assert_eq!(daemon.end("TERM"), 143);
}

#[test]
fn a_pass_under_way_stops_in_good_order() {
    let stage = Rehearsal::new(10_000, &people(3000));
    for (name, code) in [("INT", 130), ("TERM", 143)] {
        let before = stage.organization().people();
        let mut child = stage.spawn_unheard(&["sync"]);
        wait_until(|| stage.organization().people() > before + 100);
        signal(&child, name);
        assert_eq!(child.wait().unwrap().code(), Some(code));
        let state = stage.state();
        assert!(
            !state.iter().any(|(path, _)| path.to_string_lossy().ends_with("-wal")),
            "the state is closed"
        );
    }
    stage.run(&["sync"]).expect(0);
    assert_eq!(stage.organization().people(), 3001);
}

/// A cloud that takes the connection and says nothing: the pass is stopped while it waits.
#[test]
fn the_log_says_the_same_exit_code_as_the_process() {
    let stage = Rehearsal::new(10, &people(1));
    let mute = std::net::TcpListener::bind(("127.0.0.1", 0)).unwrap();
    let url = format!("http://{}", mute.local_addr().unwrap());
    let config = std::fs::read_to_string(stage.path("dirsyncd.toml")).unwrap();
    let line = config.lines().find(|line| line.contains("base_url")).unwrap();
    let config = config.replace(line, &format!("base_url = \"{url}\"")).replace("\"5s\"", "\"60s\"");
    stage.write("dirsyncd.toml", &config);
    for (name, code) in [("TERM", 143), ("INT", 130)] {
        let mut child = stage.spawn_unheard(&["sync"]);
        let connection = mute.accept().unwrap();
        signal(&child, name);
        assert_eq!(child.wait().unwrap().code(), Some(code));
        drop(connection);
        let log: String = std::fs::read_dir(stage.path("log"))
            .unwrap()
            .map(|file| std::fs::read_to_string(file.unwrap().path()).unwrap())
            .collect();
        let last =
            log.lines().rfind(|line| line.contains("exit=")).unwrap_or_else(|| panic!("no exit in {log}"));
        assert!(last.contains(&format!("exit={code}")), "{last}");
    }
}

#[test]
fn a_first_load_that_is_killed_is_carried_on_and_nobody_exists_twice() {
    let stage = Rehearsal::new(10_000, &people(1000));
    for goal in [1, 150, 400, 700, 950] {
        let mut child = stage.spawn_unheard(&["sync"]);
        wait_until(|| stage.organization().people() > goal);
        child.kill().unwrap();
        child.wait().unwrap();
    }
    stage.run(&["sync"]).expect(0);
    assert_eq!(stage.organization().people(), 1001, "a thousand, and the administrator");
    assert_eq!(stage.organization().stats().licenses["Advanced Messaging"], 1000);
    assert_eq!(stage.organization().stats().invitations, 1000, "nobody was invited twice");
    let writes = stage.writes();
    stage.run(&["sync", "--full"]).expect(0);
    assert_eq!(stage.writes(), writes);
}

/// Waits for something that another process brings about.
fn wait_until(mut there: impl FnMut() -> bool) {
    let start = Instant::now();
    while !there() {
        assert!(start.elapsed() < Duration::from_secs(60), "it did not come");
        std::thread::sleep(Duration::from_millis(1));
    }
}
