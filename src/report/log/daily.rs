//! One file per day, readable by its owner alone, and so many of them kept.

use std::fs::File;
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use chrono::{DateTime, NaiveDate, Utc};

use crate::service;

/// Writes lines to `dirsyncd.YYYY-MM-DD.log`; the days are those of UTC.
pub(super) struct DailyFile {
    dir: PathBuf,
    keep: usize,
    now: fn() -> DateTime<Utc>,
    day: NaiveDate,
    file: File,
}

impl DailyFile {
    /// Opens the file of today, and its directory where it is missing.
    pub(super) fn open(dir: &Path, keep: usize, now: fn() -> DateTime<Utc>) -> io::Result<Self> {
        if !dir.exists() {
            std::fs::create_dir_all(dir)?;
            service::restrict_permissions(dir)?;
        }
        let day = now().date_naive();
        let file = service::append_private(&dir.join(file_name(day)))?;
        let this = Self { dir: dir.to_owned(), keep, now, day, file };
        this.prune();
        Ok(this)
    }

    /// Deletes the oldest files. A file that cannot be deleted today can be tomorrow.
    fn prune(&self) {
        let Ok(entries) = std::fs::read_dir(&self.dir) else { return };
        let names = entries.filter_map(|entry| entry.ok()?.file_name().into_string().ok());
        let mut days: Vec<NaiveDate> = names.filter_map(|name| day_of(&name)).collect();
        days.sort_unstable();
        for day in days.iter().rev().skip(self.keep.max(1)) {
            let _ = std::fs::remove_file(self.dir.join(file_name(*day)));
        }
    }
}

impl Write for DailyFile {
    fn write(&mut self, line: &[u8]) -> io::Result<usize> {
        let today = (self.now)().date_naive();
        if today != self.day {
            // When the new file cannot be opened, the old one is better than none.
            if let Ok(file) = service::append_private(&self.dir.join(file_name(today))) {
                self.file = file;
                self.day = today;
                self.prune();
            }
        }
        self.file.write(line)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.file.flush()
    }
}

fn file_name(day: NaiveDate) -> String {
    format!("dirsyncd.{}.log", day.format("%Y-%m-%d"))
}

/// The day of a file of ours; `None` for the files of others.
fn day_of(name: &str) -> Option<NaiveDate> {
    let day = name.strip_prefix("dirsyncd.")?.strip_suffix(".log")?;
    let day = NaiveDate::parse_from_str(day, "%Y-%m-%d").ok()?;
    (file_name(day) == name).then_some(day)
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicI64, Ordering};

    use super::*;

    static SECONDS: AtomicI64 = AtomicI64::new(0);

    fn test_now() -> DateTime<Utc> {
        DateTime::from_timestamp(SECONDS.load(Ordering::Relaxed), 0).unwrap()
    }

    fn names(dir: &Path) -> Vec<String> {
        let entries = std::fs::read_dir(dir).unwrap();
        let mut names: Vec<String> =
            entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
        names.sort();
        names
    }

    #[test]
    fn each_day_has_its_file_and_the_oldest_go() {
        let dir = tempfile::tempdir().unwrap();
        let dir = dir.path().join("log");
        let mut log = DailyFile::open(&dir, 2, test_now).unwrap();
        std::fs::write(dir.join("dirsyncd.1969-1-1.log"), "not ours").unwrap();
        for day in 0..4 {
            SECONDS.store(day * 86_400 + 60, Ordering::Relaxed);
            log.write_all(b"one\n").unwrap();
            log.write_all(b"two\n").unwrap();
        }
        assert_eq!(
            names(&dir),
            ["dirsyncd.1969-1-1.log", "dirsyncd.1970-01-03.log", "dirsyncd.1970-01-04.log"]
        );
        assert_eq!(std::fs::read_to_string(dir.join("dirsyncd.1970-01-03.log")).unwrap(), "one\ntwo\n");
    }

    #[cfg(unix)]
    #[test]
    fn nobody_else_can_read_the_log() {
        use std::os::unix::fs::PermissionsExt;
        let dir = tempfile::tempdir().unwrap();
        let dir = dir.path().join("log");
        let now: fn() -> DateTime<Utc> = || DateTime::UNIX_EPOCH;
        drop(DailyFile::open(&dir, 2, now).unwrap());
        let mode = |path: &Path| std::fs::metadata(path).unwrap().permissions().mode() & 0o777;
        assert_eq!(mode(&dir.join("dirsyncd.1970-01-01.log")), 0o600);
        assert_eq!(mode(&dir), 0o700);
    }
}
