//! Unix, and systemd where it is the service manager.

use std::fs::{DirBuilder, OpenOptions};
use std::io;
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt, PermissionsExt};
use std::os::unix::net::UnixDatagram;
use std::path::{Path, PathBuf};
use std::time::Duration;

use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM, SIGUSR1};
use tokio::sync::mpsc;

use super::{Notice, Privacy, Signal};

pub(super) fn default_config_path() -> PathBuf {
    PathBuf::from("/etc/dirsyncd/dirsyncd.toml")
}

pub(super) fn default_state_dir() -> PathBuf {
    PathBuf::from("/var/lib/dirsyncd")
}

pub(super) fn default_log_dir() -> PathBuf {
    PathBuf::from("/var/log/dirsyncd")
}

pub(super) fn listen() -> io::Result<mpsc::Receiver<Signal>> {
    let mut signals = signal_hook::iterator::Signals::new([SIGTERM, SIGINT, SIGHUP, SIGUSR1])?;
    let (sender, receiver) = mpsc::channel(16);
    std::thread::Builder::new().name("signals".to_owned()).spawn(move || {
        for number in &mut signals {
            let signal = match number {
                SIGHUP => Signal::Reload,
                SIGUSR1 => Signal::SyncNow,
                // What a shell reports for a process that a signal ended.
                stop => super::stop_with(128 + stop),
            };
            if sender.blocking_send(signal).is_err() {
                return;
            }
        }
    })?;
    Ok(receiver)
}

pub(super) fn restrict_permissions(path: &Path) -> io::Result<()> {
    let metadata = std::fs::metadata(path)?;
    let mode = if metadata.is_dir() { 0o700 } else { 0o600 };
    std::fs::set_permissions(path, PermissionsExt::from_mode(mode))
}

pub(super) fn privacy(path: &Path) -> io::Result<Privacy> {
    let mode = std::fs::metadata(path)?.permissions().mode() & 0o7777;
    // The owning group may read: `root:dirsyncd 0640` is how packages install secrets.
    Ok(if mode & 0o027 == 0 { Privacy::Private } else { Privacy::Exposed(format!("mode {mode:04o}")) })
}

pub(super) fn private_dir(dir: &Path) -> io::Result<()> {
    DirBuilder::new().recursive(true).mode(0o700).create(dir)
}

pub(super) fn private_options() -> OpenOptions {
    let mut options = OpenOptions::new();
    options.mode(0o600);
    options
}

pub(super) const SQLITE_WITHOUT_LOCKS: &str = "unix-none";

pub(super) fn uri_path(path: &Path) -> String {
    path.to_string_lossy().into_owned()
}

/// The protocol of sd_notify(3): a datagram of `KEY=value` lines to the socket named in the
/// environment.
pub(super) fn notify(notice: &Notice<'_>) -> io::Result<()> {
    match std::env::var_os("NOTIFY_SOCKET") {
        Some(socket) if !socket.is_empty() => send_notice(Path::new(&socket), notice),
        _ => Ok(()),
    }
}

fn send_notice(socket: &Path, notice: &Notice<'_>) -> io::Result<()> {
    let text = match notice {
        Notice::Ready => "READY=1".to_owned(),
        Notice::Stopping => "STOPPING=1".to_owned(),
        Notice::Watchdog => "WATCHDOG=1".to_owned(),
        Notice::Status(line) => format!("STATUS={}", line.replace(['\n', '\r'], " ")),
    };
    let sender = UnixDatagram::unbound()?;
    // The daemon must not hang on a manager that does not read.
    sender.set_nonblocking(true)?;
    #[cfg(target_os = "linux")]
    {
        use std::os::linux::net::SocketAddrExt;
        use std::os::unix::ffi::OsStrExt;
        if let Some(name) = socket.as_os_str().as_bytes().strip_prefix(b"@") {
            let address = std::os::unix::net::SocketAddr::from_abstract_name(name)?;
            return sender.send_to_addr(text.as_bytes(), &address).map(drop);
        }
    }
    sender.send_to(text.as_bytes(), socket).map(drop)
}

pub(super) fn watchdog_interval() -> Option<Duration> {
    let variable = |name: &str| std::env::var(name).ok();
    watchdog_from(variable("WATCHDOG_USEC"), variable("WATCHDOG_PID"), std::process::id())
}

/// `WATCHDOG_PID` names the process that is meant, since children inherit the environment.
fn watchdog_from(usec: Option<String>, pid: Option<String>, own_pid: u32) -> Option<Duration> {
    let usec: u64 = usec?.parse().ok().filter(|usec| *usec > 0)?;
    if pid.is_some_and(|pid| pid.parse() != Ok(own_pid)) {
        return None;
    }
    Some(Duration::from_micros(usec) / 2)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::service::{append_private, private_dir};

    #[test]
    fn notices_arrive_at_a_socket_in_the_file_system() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("notify");
        let manager = UnixDatagram::bind(&path).unwrap();
        for (notice, expected) in [
            (Notice::Ready, "READY=1"),
            (Notice::Stopping, "STOPPING=1"),
            (Notice::Watchdog, "WATCHDOG=1"),
            (Notice::Status("two\nlines"), "STATUS=two lines"),
        ] {
            send_notice(&path, &notice).unwrap();
            let mut buffer = [0; 64];
            let length = manager.recv(&mut buffer).unwrap();
            assert_eq!(std::str::from_utf8(&buffer[..length]).unwrap(), expected);
        }
        drop(manager);
        assert!(send_notice(&path, &Notice::Ready).is_err(), "nobody listens");
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn notices_arrive_at_an_abstract_socket() {
        use std::os::linux::net::SocketAddrExt;
        let name = format!("dirsyncd-test-{}", std::process::id());
        let address = std::os::unix::net::SocketAddr::from_abstract_name(&name).unwrap();
        let manager = UnixDatagram::bind_addr(&address).unwrap();
        send_notice(Path::new(&format!("@{name}")), &Notice::Ready).unwrap();
        let mut buffer = [0; 64];
        let length = manager.recv(&mut buffer).unwrap();
        assert_eq!(&buffer[..length], b"READY=1");
    }

    #[test]
    fn the_watchdog_is_fed_twice_per_period_by_the_process_it_watches() {
        let some = |text: &str| Some(text.to_owned());
        let half = Some(Duration::from_secs(15));
        assert_eq!(watchdog_from(some("30000000"), some("7"), 7), half);
        assert_eq!(watchdog_from(some("30000000"), None, 7), half);
        assert_eq!(watchdog_from(some("30000000"), some("8"), 7), None);
        assert_eq!(watchdog_from(some("0"), None, 7), None);
        assert_eq!(watchdog_from(some("soon"), None, 7), None);
        assert_eq!(watchdog_from(None, None, 7), None);
    }

    #[test]
    fn privacy_is_a_matter_of_mode_bits() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("secret");
        drop(append_private(&path).unwrap());
        let mode = || std::fs::metadata(&path).unwrap().permissions().mode() & 0o777;
        assert_eq!(mode() & 0o077, 0, "private from the first moment");
        for (bits, private) in [(0o600, true), (0o640, true), (0o400, true), (0o644, false), (0o660, false)] {
            std::fs::set_permissions(&path, PermissionsExt::from_mode(bits)).unwrap();
            assert_eq!(privacy(&path).unwrap() == Privacy::Private, private, "{bits:o}");
        }
        restrict_permissions(&path).unwrap();
        assert_eq!(mode(), 0o600);
        let inner = dir.path().join("state/inner");
        private_dir(&inner).unwrap();
        for made in [inner.as_path(), inner.parent().unwrap()] {
            assert_eq!(std::fs::metadata(made).unwrap().permissions().mode() & 0o777, 0o700);
        }
        private_dir(&inner).unwrap();
        assert!(private_dir(&path).is_err(), "a file has the name");
        restrict_permissions(dir.path()).unwrap();
        assert_eq!(std::fs::metadata(dir.path()).unwrap().permissions().mode() & 0o777, 0o700);
        assert!(privacy(&dir.path().join("none")).is_err());
    }

    #[tokio::test]
    async fn signals_arrive_as_words() {
        let mut receiver = listen().unwrap();
        for (number, expected) in [
            (SIGUSR1, Signal::SyncNow),
            (SIGHUP, Signal::Reload),
            (SIGINT, Signal::Stop(130)),
            (SIGTERM, Signal::Stop(143)),
        ] {
            signal_hook::low_level::raise(number).unwrap();
            assert_eq!(receiver.recv().await, Some(expected));
            if let Signal::Stop(code) = expected {
                assert_eq!(crate::service::stopped_by(), Some(code));
            }
        }
    }
}
