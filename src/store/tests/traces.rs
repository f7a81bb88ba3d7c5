//! A reader leaves every byte and every file as it was.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use super::child::Writer;
use super::*;

/// The length and the digest of every file.
fn contents(dir: &Path) -> BTreeMap<String, (usize, u128)> {
    let read = |entry: std::io::Result<fs::DirEntry>| {
        let entry = entry.unwrap();
        let bytes = fs::read(entry.path()).unwrap();
        (entry.file_name().into_string().unwrap(), (bytes.len(), xxhash_rust::xxh3::xxh3_128(&bytes)))
    };
    fs::read_dir(dir).unwrap().map(read).collect()
}

fn names(dir: &Path) -> Vec<String> {
    contents(dir).into_keys().collect()
}

/// Reads with everything there is, and returns how many people were found.
fn read_everything(dir: &Path) -> usize {
    let before = contents(dir);
    let reader = Reader::open(dir).unwrap();
    let links = reader.links(0).unwrap();
    reader.meta().unwrap();
    reader.history(&HistoryFilter::default()).unwrap();
    reader.open_intents().unwrap();
    for link in &links {
        assert_eq!(reader.anchors_by_cloud(&[link.cloud]).unwrap(), [(link.cloud, link.anchor)]);
    }
    assert_eq!(contents(dir), before, "while reading");
    drop(reader);
    assert_eq!(contents(dir), before, "after reading");
    links.len()
}

#[test]
fn without_a_database_nothing_is_created() {
    let dir = tempfile::tempdir().unwrap();
    assert_eq!(read_everything(dir.path()), 0);
    assert!(Reader::open(&dir.path().join("missing")).unwrap().links(0).unwrap().is_empty());
    assert!(names(dir.path()).is_empty());
}

#[test]
fn after_a_writer_ended() {
    let dir = tempfile::tempdir().unwrap();
    let mut writer = Writer::start("once", dir.path());
    writer.reported().unwrap();
    writer.finish();
    assert_eq!(names(dir.path()), [DATABASE_FILE, LOCK_FILE], "closed into one file");
    assert_eq!(read_everything(dir.path()), 9);
}

#[test]
fn while_a_writer_lives() {
    let dir = tempfile::tempdir().unwrap();
    let mut writer = Writer::start("once", dir.path());
    writer.reported().unwrap();
    assert_eq!(read_everything(dir.path()), 9);
    writer.finish();
    assert_eq!(names(dir.path()), [DATABASE_FILE, LOCK_FILE]);
}

#[test]
fn after_a_writer_was_killed() {
    let dir = tempfile::tempdir().unwrap();
    let mut writer = Writer::start("once", dir.path());
    writer.reported().unwrap();
    writer.kill();
    assert!(names(dir.path()).len() > 2, "the log is still there");
    assert_eq!(read_everything(dir.path()), 9);
    // A log without its index, as in a copy of the directory.
    fs::remove_file(dir.path().join("dirsyncd.db-shm")).unwrap();
    assert_eq!(read_everything(dir.path()), 9);
}

#[test]
fn what_a_reader_sees_does_not_change_under_it() {
    let dir = tempfile::tempdir().unwrap();
    let lock = Lock::acquire(dir.path()).unwrap();
    let store = Store::open(dir.path(), &lock).unwrap();
    block_on(store.change_rows(vec![link(1)])).unwrap();
    let reader = Reader::open(dir.path()).unwrap();
    block_on(store.change_rows(vec![link(2)])).unwrap();
    assert_eq!(reader.count().unwrap(), 1);
    assert_eq!(store.reader().count().unwrap(), 2);
    assert_eq!(Reader::open(dir.path()).unwrap().count().unwrap(), 2);
}

#[test]
fn a_reader_without_a_writer_keeps_writers_waiting() {
    let dir = tempfile::tempdir().unwrap();
    let lock = Lock::acquire(dir.path()).unwrap();
    Store::open(dir.path(), &lock).unwrap().close();
    drop(lock);
    let reader = Reader::open(dir.path()).unwrap();
    let path = dir.path().to_owned();
    let writer = std::thread::spawn(move || Lock::acquire(&path).map(drop));
    assert_eq!(reader.count().unwrap(), 0);
    drop(reader);
    writer.join().unwrap().unwrap();
}
