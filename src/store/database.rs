//! Opening the database file: private to its owner, recognised before it is touched, and
//! brought to the current version.

use std::fs::{self, File};
use std::io::{self, Read};
use std::path::Path;
use std::time::Duration;

use rusqlite::config::DbConfig;
use rusqlite::{Connection, OpenFlags};

use super::{StoreError, StoreErrorKind};
use crate::service;

/// The name of the database in the state directory.
pub const DATABASE_FILE: &str = "dirsyncd.db";

/// `dsyn`: marks an SQLite file as ours, see <https://www.sqlite.org/fileformat2.html> 1.3.16.
const APPLICATION_ID: i64 = 0x6473_796e;

/// One file per version of the schema; the first makes version 1 out of an empty database.
const MIGRATIONS: &[&str] = &[
    include_str!("migrations/0001.sql"),
    include_str!("migrations/0002.sql"),
    include_str!("migrations/0003.sql"),
    include_str!("migrations/0004.sql"),
    include_str!("migrations/0005.sql"),
    include_str!("migrations/0006.sql"),
    include_str!("migrations/0007.sql"),
    include_str!("migrations/0008.sql"),
    include_str!("migrations/0009.sql"),
    include_str!("migrations/0010.sql"),
];

/// How long to wait for another process that writes.
const PATIENCE: Duration = Duration::from_secs(5);

/// Opens the database for writing, creating it when missing. The caller holds the lock.
pub(super) fn open_writer(dir: &Path) -> Result<Connection, StoreError> {
    let path = dir.join(DATABASE_FILE);
    service::private_dir(dir).map_err(|e| StoreError::io(&format!("cannot create {}", dir.display()), &e))?;
    inspect(&path)?;
    let cannot = |e: io::Error| StoreError::io(&format!("cannot open {}", path.display()), &e);
    service::private_options().write(true).create(true).truncate(false).open(&path).map_err(cannot)?;
    let sql = |e| StoreError::sqlite("opening it", &e);
    let mut db = Connection::open_with_flags(
        &path,
        OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX,
    )
    .map_err(sql)?;
    prepare_writer(&mut db)?;
    Ok(db)
}

/// Settings and migrations of a connection that writes.
pub(super) fn prepare_writer(db: &mut Connection) -> Result<(), StoreError> {
    let sql = |e| StoreError::sqlite("opening it", &e);
    db.busy_timeout(PATIENCE).map_err(sql)?;
    keep_statements(db).map_err(sql)?;
    // Before the first setting that writes to the file.
    check_version(db)?;
    // 64 MiB of cache. A checkpoint every 64 MiB keeps the pages of the indexes, which a large
    // first load touches over and over, from being copied each time.
    db.execute_batch(
        "PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA cache_size = -65536;
         PRAGMA wal_autocheckpoint = 16384; PRAGMA journal_size_limit = 67108864;
         PRAGMA temp_store = MEMORY; PRAGMA trusted_schema = OFF;",
    )
    .map_err(sql)?;
    migrate(db)
}

/// Statements are prepared once. Without the guarantee SQLite prepares one anew with every value that it
/// is asked for, where a partial index might serve that value (<https://sqlite.org/queryplanner-ng.html>).
pub(super) fn keep_statements(db: &Connection) -> rusqlite::Result<()> {
    db.set_prepared_statement_cache_capacity(64);
    db.set_db_config(DbConfig::SQLITE_DBCONFIG_ENABLE_QPSG, true).map(drop)
}

/// A second connection of the process that writes.
pub(super) fn open_beside_writer(dir: &Path) -> Result<Connection, StoreError> {
    let sql = |e| StoreError::sqlite("opening it", &e);
    let db = Connection::open_with_flags(
        dir.join(DATABASE_FILE),
        OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX,
    )
    .map_err(sql)?;
    prepare_reader(&db)?;
    Ok(db)
}

/// Settings of a connection that only reads.
pub(super) fn prepare_reader(db: &Connection) -> Result<(), StoreError> {
    let sql = |e| StoreError::sqlite("opening it", &e);
    db.busy_timeout(PATIENCE).map_err(sql)?;
    keep_statements(db).map_err(sql)?;
    db.execute_batch(
        "PRAGMA query_only = ON; PRAGMA cache_size = -16384; PRAGMA temp_store = MEMORY;
         PRAGMA trusted_schema = OFF;",
    )
    .map_err(sql)
}

/// Brings a database to the current version, in one transaction: whoever looks at it after a crash finds
/// the version of before, or none, and nothing in between.
pub(super) fn migrate(db: &mut Connection) -> Result<(), StoreError> {
    let sql = |e| StoreError::sqlite("bringing it to the current version", &e);
    let version = check_version(db)?;
    if is_current(version) {
        return Ok(());
    }
    let whole = db.transaction().map_err(sql)?;
    for migration in MIGRATIONS.iter().skip(version) {
        whole.execute_batch(migration).map_err(sql)?;
    }
    whole.pragma_update(None, "application_id", APPLICATION_ID).map_err(sql)?;
    let current = i64::try_from(MIGRATIONS.len()).unwrap_or(i64::MAX);
    whole.pragma_update(None, "user_version", current).map_err(sql)?;
    whole.commit().map_err(sql)
}

/// The version of a database that is ours and not newer than this program.
pub(super) fn check_version(db: &Connection) -> Result<usize, StoreError> {
    let sql = |e| StoreError::sqlite("opening it", &e);
    let pragma = |name: &str| db.pragma_query_value(None, name, |row| row.get::<_, i64>(0)).map_err(sql);
    let (application, version) = (pragma("application_id")?, pragma("user_version")?);
    let empty = || {
        db.query_row("SELECT count(*) FROM sqlite_schema", [], |row| row.get::<_, i64>(0))
            .map(|tables| tables == 0)
            .map_err(sql)
    };
    if application != APPLICATION_ID && !(application == 0 && version == 0 && empty()?) {
        return Err(StoreError::new(
            StoreErrorKind::Corrupt,
            format!("{DATABASE_FILE} is an SQLite database of another program"),
        ));
    }
    match usize::try_from(version) {
        Ok(version) if version <= MIGRATIONS.len() => Ok(version),
        _ => Err(newer(version)),
    }
}

/// Whether a database has the current version.
pub(super) fn is_current(version: usize) -> bool {
    version == MIGRATIONS.len()
}

fn newer(version: i64) -> StoreError {
    StoreError::new(
        StoreErrorKind::Newer,
        format!(
            "{DATABASE_FILE} has version {version}, and this program knows versions up to {}",
            MIGRATIONS.len()
        ),
    )
}

/// Looks at the header of the file before SQLite may touch it. Must not be used while this
/// process has the database open: closing the file would end SQLite's own locks.
fn inspect(path: &Path) -> Result<(), StoreError> {
    let cannot = |e: io::Error| StoreError::io(&format!("cannot read {}", path.display()), &e);
    let mut header = Vec::new();
    let size = match File::open(path) {
        Ok(file) => {
            let size = file.metadata().map_err(cannot)?.len();
            file.take(100).read_to_end(&mut header).map_err(cannot)?;
            size
        }
        Err(e) if e.kind() == io::ErrorKind::NotFound => return Ok(()),
        Err(e) => return Err(cannot(e)),
    };
    if size == 0 {
        // Killed before the first write.
        return Ok(());
    }
    let corrupt =
        |what: &str| Err(StoreError::new(StoreErrorKind::Corrupt, format!("{}: {what}", path.display())));
    if header.len() < 100 || !header.starts_with(b"SQLite format 3\0") {
        return corrupt("not an SQLite database");
    }
    let number = |at: usize| {
        i64::from(u32::from_be_bytes([header[at], header[at + 1], header[at + 2], header[at + 3]]))
    };
    let (application, version) = (number(68), number(60));
    if application != APPLICATION_ID && (application, version) != (0, 0) {
        return corrupt("an SQLite database of another program");
    }
    if version > i64::try_from(MIGRATIONS.len()).unwrap_or(i64::MAX) {
        return Err(newer(version));
    }
    // The number of pages counts only while its change counter agrees, and while no page
    // waits in the write-ahead log.
    let page = match u16::from_be_bytes([header[16], header[17]]) {
        1 => 65536,
        size => u64::from(size),
    };
    let wal = fs::metadata(path.with_extension("db-wal")).map_or(0, |file| file.len());
    if wal == 0 && number(24) == number(92) && size < number(28).unsigned_abs() * page {
        return corrupt("the file was cut short");
    }
    Ok(())
}
