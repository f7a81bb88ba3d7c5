//! What cannot be used is refused, named, and left as it is.

use std::fs;
use std::path::Path;

use super::*;

fn open(dir: &Path) -> Result<(), StoreError> {
    let lock = Lock::acquire(dir).unwrap();
    Store::open(dir, &lock).map(Store::close)
}

/// Both ways of opening refuse, and change nothing.
fn assert_refused(dir: &Path, kind: StoreErrorKind) {
    let path = dir.join(DATABASE_FILE);
    let before = fs::read(&path).unwrap();
    for error in [open(dir).unwrap_err(), Reader::open(dir).unwrap_err()] {
        assert_eq!(error.kind, kind, "{error}");
        assert!(!error.remedy.is_empty());
    }
    assert!(fs::read(&path).unwrap() == before, "changed");
    assert_eq!(fs::read_dir(dir).unwrap().count(), 2, "database and lock, nothing else");
}

fn database(dir: &Path) -> rusqlite::Connection {
    rusqlite::Connection::open(dir.join(DATABASE_FILE)).unwrap()
}

#[test]
fn something_else_than_a_database() {
    let dir = tempfile::tempdir().unwrap();
    fs::write(dir.path().join(DATABASE_FILE), "Dear diary, ".repeat(100)).unwrap();
    assert_refused(dir.path(), StoreErrorKind::Corrupt);
}

#[test]
fn the_database_of_another_program() {
    for sql in ["CREATE TABLE recipe (cake)", "PRAGMA application_id = 7; CREATE TABLE recipe (cake)"] {
        let dir = tempfile::tempdir().unwrap();
        database(dir.path()).execute_batch(sql).unwrap();
        assert_refused(dir.path(), StoreErrorKind::Corrupt);
    }
}

#[test]
fn a_newer_version() {
    let dir = tempfile::tempdir().unwrap();
    open(dir.path()).unwrap();
    database(dir.path()).pragma_update(None, "user_version", 1000).unwrap();
    assert_refused(dir.path(), StoreErrorKind::Newer);
}

#[test]
fn a_file_that_was_cut_short() {
    let dir = tempfile::tempdir().unwrap();
    open(dir.path()).unwrap();
    let path = dir.path().join(DATABASE_FILE);
    let whole = fs::read(&path).unwrap();
    fs::write(&path, &whole[..whole.len() / 2]).unwrap();
    assert_refused(dir.path(), StoreErrorKind::Corrupt);
}

#[test]
fn an_empty_file_is_a_beginning() {
    let dir = tempfile::tempdir().unwrap();
    fs::write(dir.path().join(DATABASE_FILE), "").unwrap();
    assert_eq!(Reader::open(dir.path()).unwrap().count().unwrap(), 0);
    open(dir.path()).unwrap();
    assert_eq!(Reader::open(dir.path()).unwrap().count().unwrap(), 0);
}

#[cfg(unix)]
#[test]
fn only_the_owner_can_read() {
    use std::os::unix::fs::PermissionsExt;
    let dir = tempfile::tempdir().unwrap();
    let dir = dir.path().join("state");
    let lock = Lock::acquire(&dir).unwrap();
    let store = Store::open(&dir, &lock).unwrap();
    block_on(store.change_rows(vec![link(1)])).unwrap();
    let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
    assert_eq!(mode(&dir), 0o700);
    let mut files = 0;
    for entry in fs::read_dir(&dir).unwrap() {
        assert_eq!(mode(&entry.unwrap().path()), 0o600);
        files += 1;
    }
    assert!(files >= 3, "the write-ahead log too");
    drop(store);
}

#[test]
fn the_lock_of_another_directory() {
    let (here, there) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let lock = Lock::acquire(there.path()).unwrap();
    assert!(Store::open(here.path(), &lock).is_err());
}

#[test]
fn a_full_disk_fails_what_does_not_fit_and_nothing_else() {
    let dir = tempfile::tempdir().unwrap();
    let lock = Lock::acquire(dir.path()).unwrap();
    let db = super::super::database::open_writer(dir.path()).unwrap();
    let pages: i64 = db.pragma_query_value(None, "page_count", |row| row.get(0)).unwrap();
    db.pragma_update(None, "max_page_count", pages + 20).unwrap();
    let store = Store::over(db, dir.path()).unwrap();
    block_on(async {
        store.change_rows(vec![link(1)]).await.unwrap();
        let (large, small) = tokio::join!(
            store.change_rows((2..5000).map(link).collect()),
            store.change_rows(vec![link(6000)])
        );
        assert_eq!(large.unwrap_err().kind, StoreErrorKind::Full);
        small.unwrap();
    });
    let links: Vec<SourceId> = store.reader().links(0).unwrap().iter().map(|link| link.anchor).collect();
    let mut expected = [anchor(1), anchor(6000)];
    expected.sort();
    assert_eq!(links, expected);
    drop((store, lock));
}

#[test]
fn a_closed_store_says_so() {
    let store = Store::in_memory();
    let other = store.clone();
    store.close();
    assert!(block_on(other.begin_run(new_run())).is_err());
    assert!(other.reader().count().is_err());
}
