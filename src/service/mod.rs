//! What differs between the platforms on which the daemon is at home, behind one interface:
//! default paths, signals, file permissions and names, and the word to the service manager.

#[cfg(unix)]
mod unix;
#[cfg(windows)]
mod windows;

#[cfg(unix)]
use unix as platform;
#[cfg(windows)]
use windows as platform;

use std::fs::{File, OpenOptions};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicI32, Ordering};
use std::time::Duration;

use tokio::sync::mpsc;

/// What the operating system, or the administrator through it, asks of a running daemon.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Signal {
    /// Stop in good order, and end with this exit code: 130 when interrupted, 143 when
    /// terminated.
    Stop(i32),
    /// Read the configuration again.
    Reload,
    /// Run a pass now.
    SyncNow,
}

/// Who can read a file besides its owner.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Privacy {
    /// The owner, and at most the owning group to read.
    Private,
    /// Others too; the text says how, for example `mode 0644`.
    Exposed(String),
    /// This platform does not tell.
    Unknown,
}

/// What the daemon tells the service manager.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Notice<'a> {
    /// Start-up is finished.
    Ready,
    /// The daemon is about to end.
    Stopping,
    /// The daemon is alive. Due at least once per [`watchdog_interval`].
    Watchdog,
    /// A line for `systemctl status`. Without personal data.
    Status(&'a str),
}

/// Where the configuration is, unless a flag or `DIRSYNCD_CONFIG` says otherwise.
pub fn default_config_path() -> PathBuf {
    platform::default_config_path()
}

/// Where the state database is, unless configured.
pub fn default_state_dir() -> PathBuf {
    platform::default_state_dir()
}

/// Where log files are, unless configured.
pub fn default_log_dir() -> PathBuf {
    platform::default_log_dir()
}

/// Starts listening for signals. From here on they no longer end the process by
/// themselves: the receiver must be read until the end.
///
/// # Errors
///
/// When the operating system refuses the registration.
pub fn listen() -> io::Result<mpsc::Receiver<Signal>> {
    platform::listen()
}

/// Signals are sent to the process, so what they said is known everywhere in it.
static STOPPED_BY: AtomicI32 = AtomicI32::new(0);

/// The exit code of the last signal to stop that [`listen`] heard; `None` before any.
pub fn stopped_by() -> Option<i32> {
    Some(STOPPED_BY.load(Ordering::Acquire)).filter(|code| *code != 0)
}

/// A signal to stop, on its way to the listener.
fn stop_with(code: i32) -> Signal {
    STOPPED_BY.store(code, Ordering::Release);
    Signal::Stop(code)
}

/// Takes a file or directory away from everybody but its owner.
///
/// # Errors
///
/// When the file is missing or not ours.
pub fn restrict_permissions(path: &Path) -> io::Result<()> {
    platform::restrict_permissions(path)
}

/// Who can read this file.
///
/// # Errors
///
/// When the file is missing or cannot be examined.
pub fn privacy(path: &Path) -> io::Result<Privacy> {
    platform::privacy(path)
}

/// Opens a file to append to, creating it readable and writable by the owner alone.
///
/// # Errors
///
/// As [`File::open`].
pub fn append_private(path: &Path) -> io::Result<File> {
    private_options().append(true).create(true).open(path)
}

/// Creates a directory, with those above it, that only its owner can enter. One that exists is
/// left as it is.
///
/// # Errors
///
/// When it cannot be created, or something else has its name.
pub fn private_dir(dir: &Path) -> io::Result<()> {
    platform::private_dir(dir)
}

/// Options to open a file which, when it is created, its owner alone can read and write.
pub fn private_options() -> OpenOptions {
    platform::private_options()
}

/// A path as it stands in a `file:` URI: with forward slashes, and a drive below the root.
/// Characters that mean something in a URI are not escaped.
pub fn uri_path(path: &Path) -> String {
    platform::uri_path(path)
}

/// The name under which SQLite knows this system's files without locks of its own, see
/// <https://www.sqlite.org/vfs.html> 2.1.
pub const SQLITE_WITHOUT_LOCKS: &str = platform::SQLITE_WITHOUT_LOCKS;

/// How many bytes this account may still write to the disk of a directory.
///
/// # Errors
///
/// When the directory is not there, or the system does not tell.
pub fn free_space(dir: &Path) -> io::Result<u64> {
    fs4::available_space(dir)
}

/// Tells the service manager, when one listens. Without one, nothing happens.
///
/// # Errors
///
/// When a service manager is announced in the environment and cannot be reached.
pub fn notify(notice: &Notice<'_>) -> io::Result<()> {
    platform::notify(notice)
}

/// How often the service manager wants a [`Notice::Watchdog`]; `None` when it does not. Half
/// of what it waits for, so that one lost notice does not end the daemon.
pub fn watchdog_interval() -> Option<Duration> {
    platform::watchdog_interval()
}
