//! Windows.

use std::ffi::OsString;
use std::fs::OpenOptions;
use std::io;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use tokio::sync::mpsc;

use super::{Notice, Privacy, Signal};

fn program_data() -> PathBuf {
    let root = std::env::var_os("ProgramData").unwrap_or_else(|| OsString::from(r"C:\ProgramData"));
    PathBuf::from(root).join("dirsyncd")
}

pub(super) fn default_config_path() -> PathBuf {
    program_data().join("dirsyncd.toml")
}

pub(super) fn default_state_dir() -> PathBuf {
    program_data().join("state")
}

pub(super) fn default_log_dir() -> PathBuf {
    program_data().join("log")
}

/// Ctrl-C and Ctrl-Break interrupt; closing the console, logging off and shutting down
/// terminate. There are no signals for reloading and for a pass now.
pub(super) fn listen() -> io::Result<mpsc::Receiver<Signal>> {
    use tokio::signal::windows;
    let mut interrupt = windows::ctrl_c()?;
    let mut pause = windows::ctrl_break()?;
    let mut close = windows::ctrl_close()?;
    let mut shutdown = windows::ctrl_shutdown()?;
    let (sender, receiver) = mpsc::channel(16);
    tokio::spawn(async move {
        loop {
            let signal = tokio::select! {
                Some(()) = interrupt.recv() => super::stop_with(130),
                Some(()) = pause.recv() => super::stop_with(130),
                Some(()) = close.recv() => super::stop_with(143),
                Some(()) = shutdown.recv() => super::stop_with(143),
                else => return,
            };
            if sender.send(signal).await.is_err() {
                return;
            }
        }
    });
    Ok(receiver)
}

/// Replaces the inherited access list by one for the system, the administrators and the
/// owner, who are named by their well-known ids because their names are translated.
pub(super) fn restrict_permissions(path: &Path) -> io::Result<()> {
    let metadata = std::fs::metadata(path)?;
    let inherit = if metadata.is_dir() { "(OI)(CI)" } else { "" };
    let mut icacls = Command::new("icacls");
    icacls.arg(path).arg("/inheritance:r").arg("/grant:r");
    for sid in ["*S-1-5-18", "*S-1-5-32-544", "*S-1-3-4"] {
        icacls.arg(format!("{sid}:{inherit}F"));
    }
    let output = icacls.output()?;
    if output.status.success() {
        return Ok(());
    }
    Err(io::Error::other(format!("icacls ended with {} for {}", output.status, path.display())))
}

/// Reading an access list takes calls that are not safe Rust.
pub(super) fn privacy(path: &Path) -> io::Result<Privacy> {
    std::fs::metadata(path).map(|_| Privacy::Unknown)
}

/// The directory gets the access list of the one above it.
pub(super) fn private_dir(dir: &Path) -> io::Result<()> {
    std::fs::create_dir_all(dir)
}

/// The file gets the access list of its directory.
pub(super) fn private_options() -> OpenOptions {
    OpenOptions::new()
}

pub(super) const SQLITE_WITHOUT_LOCKS: &str = "win32-none";

pub(super) fn uri_path(path: &Path) -> String {
    let text = path.to_string_lossy().replace('\\', "/");
    if text.get(1..2) == Some(":") { format!("/{text}") } else { text }
}

pub(super) fn notify(_: &Notice<'_>) -> io::Result<()> {
    Ok(())
}

pub(super) fn watchdog_interval() -> Option<Duration> {
    None
}
