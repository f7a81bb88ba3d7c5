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

/// Calls `ready` every few milliseconds until it says yes; panics after the limit.
pub(crate) fn await_until(what: &str, limit: Duration, mut ready: impl FnMut() -> bool) {
    let begin = Instant::now();
    while !ready() {
        assert!(begin.elapsed() < limit, "{what}: not within {limit:?}");
        std::thread::sleep(Duration::from_millis(10));
    }
}
