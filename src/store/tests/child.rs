//! A second process, which is this test binary again: a writer that can be killed.

use std::io::{BufRead, BufReader, Read, Write};
use std::path::Path;
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

use super::*;

const TASK: &str = "DIRSYNCD_TEST_STORE_TASK";
const DIR: &str = "DIRSYNCD_TEST_STORE_DIR";

/// A process that writes, and reports each thing that it knows to be on the disk.
pub(super) struct Writer {
    child: Child,
    lines: BufReader<ChildStdout>,
    stdin: Option<ChildStdin>,
}

impl Writer {
    /// Starts one; `task` is `loop`, to write without end, or `once`, to write and then wait.
    pub(super) fn start(task: &str, dir: &Path) -> Self {
        let mut child = Command::new(std::env::current_exe().unwrap())
            .args(["--exact", "store::tests::child::child", "--nocapture", "--test-threads=1"])
            .env(TASK, task)
            .env(DIR, dir)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let lines = BufReader::new(child.stdout.take().unwrap());
        let stdin = child.stdin.take();
        Self { child, lines, stdin }
    }

    /// The next thing reported; `None` when the process is gone.
    pub(super) fn reported(&mut self) -> Option<u64> {
        let mut line = String::new();
        while self.lines.read_line(&mut line).unwrap() > 0 {
            if let Some(number) = line.strip_prefix('@') {
                return Some(number.trim().parse().unwrap());
            }
            line.clear();
        }
        None
    }

    /// `kill -9`. Returns the last thing that was reported before.
    pub(super) fn kill(mut self) -> Option<u64> {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
        std::iter::from_fn(|| self.reported()).last()
    }

    /// Lets a waiting process end properly.
    pub(super) fn finish(mut self) {
        drop(self.stdin.take());
        assert!(self.child.wait().unwrap().success());
    }
}

fn report(number: u64) {
    let mut out = std::io::stdout().lock();
    write!(out, "\n@{number}\n").unwrap();
    out.flush().unwrap();
}

/// Writes people from `first` on: intends ten, settles nine of them, so that one stays open.
pub(super) async fn write_ten(store: &Store, run: RunId, first: u64) {
    let actions = (first..first + 10).map(action);
    let intents = store.intend(run, "plan", 1, actions).await.unwrap();
    let settle = |(n, intent)| Settlement { intent, outcome: Outcome::Succeeded, row: Some(link(n)) };
    let settlements = (first..).zip(intents).take(9).map(settle).collect();
    store.settle(2, settlements).await.unwrap();
}

/// Does nothing unless it was started by [`Writer::start`].
#[test]
fn child() {
    let (Ok(task), Some(dir)) = (std::env::var(TASK), std::env::var_os(DIR)) else { return };
    let dir = Path::new(&dir);
    let lock = Lock::acquire(dir).unwrap();
    let store = Store::open(dir, &lock).unwrap();
    block_on(async {
        let run = store.begin_run(new_run()).await.unwrap();
        let mut first = u64::try_from(run.0).unwrap() * 1_000_000;
        loop {
            write_ten(&store, run, first).await;
            if task == "once" {
                // Names are sorted after an answer; this answer comes after that.
                store.end_run(run, 3, "ok".into(), serde_json::Value::Null).await.unwrap();
                report(first);
                break;
            }
            report(first);
            first += 10;
        }
    });
    // Ends when the parent lets go.
    let _ = std::io::stdin().read(&mut [0]);
    store.close();
}
