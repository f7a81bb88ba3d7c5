//! Running the tools and servers that fixtures are made of.

use std::io::Write;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

/// A server process of a test; killed when dropped.
pub(crate) struct Server {
    child: Child,
}

impl Server {
    /// Starts the command with its output going to a file for post-mortems.
    pub(crate) fn spawn(command: &mut Command, log: PathBuf) -> Self {
        let out = std::fs::File::create(&log).expect("a log file for the server");
        let err = out.try_clone().expect("a second handle of the log file");
        let child = command
            .stdin(Stdio::null())
            .stdout(out)
            .stderr(err)
            .spawn()
            .unwrap_or_else(|error| panic!("cannot start {:?}: {error}", command.get_program()));
        Self { child }
    }

    /// Whether the process has ended by itself.
    pub(crate) fn has_ended(&mut self) -> bool {
        self.child.try_wait().expect("the state of our own child").is_some()
    }

    /// Freezes the process: connections stay open and nothing answers (SIGSTOP).
    pub(crate) fn pause(&self) {
        self.signal("STOP");
    }

    /// Thaws a frozen process (SIGCONT).
    pub(crate) fn resume(&self) {
        self.signal("CONT");
    }

    /// Kills the process at once (SIGKILL) and waits until it is gone.
    pub(crate) fn kill(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }

    /// Asks the process to end (SIGTERM) and waits; after ten seconds it is killed.
    pub(crate) fn terminate(&mut self) {
        if self.has_ended() {
            return;
        }
        self.signal("TERM");
        let begin = Instant::now();
        while !self.has_ended() {
            if begin.elapsed() > Duration::from_secs(10) {
                self.kill();
                return;
            }
            std::thread::sleep(Duration::from_millis(5));
        }
    }

    /// The processes that it began, and those that these began.
    pub(crate) fn descendants(&self) -> Vec<u32> {
        let all = std::fs::read_dir("/proc").into_iter().flatten().flatten();
        let all: Vec<u32> = all.filter_map(|entry| entry.file_name().to_str()?.parse().ok()).collect();
        let parents: Vec<(u32, u32)> =
            all.into_iter().filter_map(|pid| Some((pid, status(pid)?.1))).collect();
        let mut found = vec![self.child.id()];
        let mut at = 0;
        while let Some(parent) = found.get(at).copied() {
            found.extend(parents.iter().filter(|(_, of)| *of == parent).map(|(pid, _)| *pid));
            at += 1;
        }
        found.split_off(1)
    }

    fn signal(&self, name: &str) {
        let pid = self.child.id().to_string();
        run(Command::new("kill").args([&format!("-{name}"), &pid]));
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.kill();
    }
}

/// Runs a tool to its end and returns what it printed; panics with its words when it fails.
pub(crate) fn run(command: &mut Command) -> String {
    run_with_input(command, "")
}

/// As [`run`], with text for the tool's standard input.
pub(crate) fn run_with_input(command: &mut Command, input: &str) -> String {
    let mut child = command
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap_or_else(|error| panic!("cannot start {:?}: {error}", command.get_program()));
    let mut pipe = child.stdin.take().expect("standard input was piped");
    let text = input.to_owned();
    // In its own thread, so that a tool that prints much while it reads cannot block us both.
    let feeder = std::thread::spawn(move || {
        let _ = pipe.write_all(text.as_bytes());
    });
    let out = child.wait_with_output().expect("the output of our own child");
    feeder.join().expect("writing to a pipe does not panic");
    assert!(
        out.status.success(),
        "{:?} failed: {}\n{}{}",
        command.get_program(),
        out.status,
        String::from_utf8_lossy(&out.stdout),
        String::from_utf8_lossy(&out.stderr),
    );
    String::from_utf8_lossy(&out.stdout).into_owned()
}

/// The state of a process, and whose child it is.
fn status(pid: u32) -> Option<(char, u32)> {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    // The name stands in brackets and may hold anything.
    let mut rest = stat.rsplit_once(')')?.1.split_whitespace();
    Some((rest.next()?.chars().next()?, rest.next()?.parse().ok()?))
}

/// Whether a process is there and has not ended.
pub(crate) fn is_running(pid: u32) -> bool {
    status(pid).is_some_and(|(state, _)| state != 'Z')
}

/// Calls `ready` every few milliseconds until it says yes; panics after the limit.
pub(crate) fn await_until(what: &str, limit: Duration, mut ready: impl FnMut() -> bool) {
    let begin = Instant::now();
    while !ready() {
        assert!(begin.elapsed() < limit, "{what}: not within {limit:?}");
        std::thread::sleep(Duration::from_millis(10));
    }
}
