//! One writer at a time, by a lock of the operating system: it ends with its process, so that
//! nothing has to be cleaned up after `kill -9`.

use std::fmt;
use std::fs::{File, TryLockError};
use std::io::{self, Read, Seek, Write};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use crate::service;

/// The name of the lock file in the state directory.
pub const LOCK_FILE: &str = "dirsyncd.lock";

/// How long a command that only reads may delay one that writes.
const PATIENCE: Duration = Duration::from_secs(5);

/// The right to write to a state directory, held until dropped.
#[derive(Debug)]
pub struct Lock {
    file: File,
    dir: PathBuf,
}

/// Why there is no lock.
#[derive(Debug)]
pub enum LockError {
    /// Another process writes.
    Held {
        /// Who, as far as known: `process 1234, since 2025-01-31T08:00:00Z`.
        holder: Option<String>,
    },
    /// The lock file could not be opened.
    Io {
        /// What happened, with the path.
        what: String,
        /// What to do next.
        remedy: String,
    },
}

impl LockError {
    /// What to do next.
    pub fn remedy(&self) -> &str {
        match self {
            Self::Held { .. } => {
                "wait until it has finished, or stop it; the service holds the lock while it runs"
            }
            Self::Io { remedy, .. } => remedy,
        }
    }
}

impl fmt::Display for LockError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Held { holder: Some(holder) } => write!(f, "the state directory is in use by {holder}"),
            Self::Held { holder: None } => f.write_str("the state directory is in use by another dirsyncd"),
            Self::Io { what, .. } => f.write_str(what),
        }
    }
}

impl std::error::Error for LockError {}

impl Lock {
    /// Takes the lock of a state directory, which is created when missing.
    ///
    /// Blocks for at most five seconds, and only while other commands read.
    ///
    /// # Errors
    ///
    /// [`LockError::Held`] when another process has it.
    pub fn acquire(dir: &Path) -> Result<Self, LockError> {
        let path = dir.join(LOCK_FILE);
        let io = |error: io::Error| LockError::Io {
            what: format!("cannot lock {}: {error}", path.display()),
            remedy: "check that the state directory exists and belongs to the service's account".into(),
        };
        service::private_dir(dir).map_err(io)?;
        let mut file = service::private_options()
            .read(true)
            .write(true)
            .create(true)
            .truncate(false)
            .open(&path)
            .map_err(io)?;
        let start = Instant::now();
        loop {
            match file.try_lock() {
                Ok(()) => break,
                Err(TryLockError::Error(error)) => return Err(io(error)),
                Err(TryLockError::WouldBlock) => {}
            }
            // A reader shares its lock, a writer does not.
            match file.try_lock_shared() {
                Ok(()) => file.unlock().map_err(io)?,
                Err(TryLockError::Error(error)) => return Err(io(error)),
                Err(TryLockError::WouldBlock) => return Err(LockError::Held { holder: holder(&mut file) }),
            }
            if start.elapsed() > PATIENCE {
                return Err(LockError::Held { holder: Some("a command that only reads".into()) });
            }
            std::thread::sleep(Duration::from_millis(20));
        }
        // The text is only for messages: the lock holds without it.
        let _ = write_holder(&mut file);
        Ok(Self { file, dir: dir.to_owned() })
    }

    /// Who holds the lock of a state directory, if anybody. Leaves no trace.
    pub fn holder(dir: &Path) -> Option<String> {
        let mut file = File::open(dir.join(LOCK_FILE)).ok()?;
        match file.try_lock_shared() {
            Err(TryLockError::WouldBlock) => {
                Some(holder(&mut file).unwrap_or_else(|| "another process".into()))
            }
            _ => None,
        }
    }

    /// The state directory that is locked.
    pub fn dir(&self) -> &Path {
        &self.dir
    }
}

impl Drop for Lock {
    fn drop(&mut self) {
        let _ = self.file.set_len(0);
        let _ = self.file.unlock();
    }
}

fn write_holder(file: &mut File) -> io::Result<()> {
    file.set_len(0)?;
    file.rewind()?;
    writeln!(file, "{}", std::process::id())
}

/// Who holds the lock. Windows lets nobody read a locked file, so there the time is all.
fn holder(file: &mut File) -> Option<String> {
    let mut text = String::new();
    let process = match file.take(100).read_to_string(&mut text) {
        Ok(_) => text.trim().parse::<u32>().map_or("another process".into(), |pid| format!("process {pid}")),
        Err(_) => "another process".into(),
    };
    let since = chrono::DateTime::<chrono::Utc>::from(file.metadata().ok()?.modified().ok()?);
    Some(format!("{process}, since {}", since.to_rfc3339_opts(chrono::SecondsFormat::Secs, true)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_at_a_time() {
        let dir = tempfile::tempdir().unwrap();
        let dir = dir.path().join("state");
        let lock = Lock::acquire(&dir).unwrap();
        let held = Lock::acquire(&dir).unwrap_err();
        assert!(matches!(held, LockError::Held { holder: Some(_) }), "{held}");
        #[cfg(unix)]
        assert!(held.to_string().contains(&format!("process {},", std::process::id())), "{held}");
        drop(lock);
        Lock::acquire(&dir).unwrap();
    }

    #[test]
    fn a_reader_that_goes_away_is_waited_for() {
        let dir = tempfile::tempdir().unwrap();
        drop(Lock::acquire(dir.path()).unwrap());
        let reader = File::open(dir.path().join(LOCK_FILE)).unwrap();
        reader.try_lock_shared().unwrap();
        let path = dir.path().to_owned();
        let writer = std::thread::spawn(move || Lock::acquire(&path).map(drop));
        drop(reader);
        writer.join().unwrap().unwrap();
    }
}
