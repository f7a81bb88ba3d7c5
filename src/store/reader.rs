//! Reading the state, from the writing process itself or, without leaving a trace, beside it.

use std::fs::{self, File, TryLockError};
use std::io;
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use rusqlite::config::DbConfig;
use rusqlite::{Connection, OpenFlags};

use super::database::{self, DATABASE_FILE};
use super::groups::{self, GroupKeys, GroupRow};
use super::held::{self, HeldPlan};
use super::journal::{self, HistoryEntry, HistoryFilter, Intent};
use super::lists;
use super::lock::LOCK_FILE;
use super::meta::{self, Meta};
use super::names::{By, News};
use super::run::{self, RunId, RunRecord};
use super::snapshot;
use super::{StoreError, StoreErrorKind};
use crate::model::{Action, Key, Link, SnapshotRow, SourceId, Withheld, address_key};
use crate::service;

/// How long to wait for a writer that is just starting.
const PATIENCE: Duration = Duration::from_secs(2);

/// So many links are read at a time.
const PAGE: usize = 8192;

/// The state, read only. Calls take turns on one connection.
#[derive(Clone)]
pub struct Reader(Arc<Inner>);

struct Inner {
    open: Mutex<Option<Open>>,
    /// Keeps writers away while the file is read without SQLite's locks.
    _shared: Option<File>,
}

/// A connection, and what it need not read again.
pub(super) struct Open {
    pub(super) db: Connection,
    pub(super) news: News,
    groups: GroupKeys,
}

impl std::fmt::Debug for Reader {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Reader")
    }
}

impl Reader {
    /// Opens the state for reading. No file in the directory is created, changed or removed,
    /// and everything is seen as it was at this moment. Without a database the state is empty.
    ///
    /// While no writer lives, writers have to wait until the last clone is dropped
    /// (see [`super::Lock::acquire`]): do not keep it for long.
    ///
    /// # Errors
    ///
    /// When the database cannot be read, is not ours, or has another version.
    pub fn open(dir: &Path) -> Result<Self, StoreError> {
        let start = Instant::now();
        loop {
            match Self::try_open(dir) {
                // A writer that holds the lock and has not opened the database yet.
                Err((StoreError { kind: StoreErrorKind::Io | StoreErrorKind::Busy, .. }, true))
                    if start.elapsed() < PATIENCE =>
                {
                    std::thread::sleep(Duration::from_millis(20));
                }
                result => return result.map_err(|(error, _)| error),
            }
        }
    }

    /// The error says whether a writer lives.
    fn try_open(dir: &Path) -> Result<Self, (StoreError, bool)> {
        let (shared, writer) = share_lock(dir).map_err(|error| (error, false))?;
        Self::open_beside(dir, shared, writer).map_err(|error| (error, writer))
    }

    fn open_beside(dir: &Path, shared: Option<File>, writer: bool) -> Result<Self, StoreError> {
        let path = dir.join(DATABASE_FILE);
        let cannot = |e: io::Error| StoreError::io(&format!("cannot read {}", path.display()), &e);
        match fs::metadata(&path) {
            Ok(file) if file.len() > 0 || writer => {}
            Ok(_) => return Self::empty(),
            Err(e) if e.kind() == io::ErrorKind::NotFound => return Self::empty(),
            Err(e) => return Err(cannot(e)),
        }
        let log = fs::metadata(path.with_extension("db-wal")).map_or(0, |file| file.len());
        let sql = |e| StoreError::sqlite("opening it for reading", &e);
        let connect = |how: &str| {
            let flags = OpenFlags::SQLITE_OPEN_READ_ONLY
                | OpenFlags::SQLITE_OPEN_URI
                | OpenFlags::SQLITE_OPEN_NO_MUTEX;
            Connection::open_with_flags(format!("file:{}?{how}", escape(&path)), flags).map_err(sql)
        };
        let db = if writer {
            connect("mode=ro&readonly_shm=1")?
        } else if log == 0 {
            connect("immutable=1")?
        } else {
            // Left by a writer that was killed. With the file to itself, SQLite keeps the index
            // of the log in memory; our own lock keeps writers away.
            let db = connect(&format!("mode=ro&vfs={}", service::SQLITE_WITHOUT_LOCKS))?;
            db.execute_batch("PRAGMA locking_mode = EXCLUSIVE").map_err(sql)?;
            db
        };
        db.set_db_config(DbConfig::SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, true).map_err(sql)?;
        database::prepare_reader(&db)?;
        // Reading the version begins the transaction in which everything else is seen.
        db.execute_batch("BEGIN").map_err(sql)?;
        let version = database::check_version(&db)?;
        if version == 0 {
            return Self::empty();
        }
        if !database::is_current(version) {
            return Err(StoreError {
                remedy: "run `dirsyncd sync` once, or start the service: it brings the database to the current version"
                    .into(),
                ..StoreError::new(
                    StoreErrorKind::Io,
                    format!("{DATABASE_FILE} has version {version}, which is older than this program"),
                )
            });
        }
        Ok(Self::over(db, shared))
    }

    fn empty() -> Result<Self, StoreError> {
        let mut db =
            Connection::open_in_memory().map_err(|e| StoreError::sqlite("opening it in memory", &e))?;
        database::migrate(&mut db)?;
        Ok(Self::over(db, None))
    }

    pub(super) fn over(db: Connection, shared: Option<File>) -> Self {
        let open = Open { db, news: News::default(), groups: GroupKeys::default() };
        Self(Arc::new(Inner { open: Mutex::new(Some(open)), _shared: shared }))
    }

    /// Ends the connection; further calls are errors.
    pub(super) fn close(&self) {
        drop(self.0.open.lock().unwrap_or_else(PoisonError::into_inner).take());
    }

    pub(super) fn read<T>(
        &self,
        doing: &str,
        query: impl FnOnce(&Connection) -> rusqlite::Result<T>,
    ) -> Result<T, StoreError> {
        self.with(doing, |open| query(&open.db))
    }

    /// Whatever a question takes to be answered, it is answered from one state of the database: the
    /// writer goes on meanwhile, and half of what it changes would be seen.
    pub(super) fn with<T>(
        &self,
        doing: &str,
        query: impl FnOnce(&mut Open) -> rusqlite::Result<T>,
    ) -> Result<T, StoreError> {
        let mut open = self.0.open.lock().unwrap_or_else(PoisonError::into_inner);
        let open = open.as_mut().ok_or_else(StoreError::closed)?;
        // A reader of a state that somebody else writes stays with one state from beginning to end.
        let stays = !open.db.is_autocommit();
        let order = |open: &Open, text: &str| {
            if stays { Ok(0) } else { open.db.prepare_cached(text)?.execute([]) }
        };
        order(open, "BEGIN")
            .and_then(|_| {
                let answer = query(open);
                // Nothing was changed: it ends like this when it failed, too.
                order(open, "COMMIT").and(answer)
            })
            .map_err(|e| StoreError::sqlite(doing, &e))
    }

    fn find(&self, doing: &str, by: By, keys: &[Key]) -> Result<Vec<(Key, SourceId)>, StoreError> {
        self.with(doing, |open| open.news.find(&open.db, by, keys))
    }

    /// Facts about the whole snapshot.
    ///
    /// # Errors
    ///
    /// This and all other calls: when the database cannot be read.
    pub fn meta(&self) -> Result<Meta, StoreError> {
        self.read("reading the facts about the snapshot", meta::read)
    }

    /// All links, sorted by anchor. Who has to be looked at again at the time `now`
    /// comes with [`crate::model::Fingerprint::NONE`] as record.
    pub fn links(&self, now: i64) -> Result<Vec<Link>, StoreError> {
        let count = usize::try_from(self.count()?).unwrap_or(0);
        self.read("reading the links", |db| {
            let mut links = Vec::with_capacity(count);
            snapshot::links_after(db, now, None, usize::MAX, &mut links)?;
            Ok(links)
        })
    }

    /// Shows all links as [`Reader::links`] does, without holding them. They are read a page
    /// at a time, so that the visitor may use this reader.
    pub fn each_link(&self, now: i64, mut visit: impl FnMut(Link)) -> Result<(), StoreError> {
        let mut page: Vec<Link> = Vec::with_capacity(PAGE);
        loop {
            let after = page.last().map(|link| link.anchor);
            page.clear();
            self.read("reading the links", |db| snapshot::links_after(db, now, after, PAGE, &mut page))?;
            page.iter().copied().for_each(&mut visit);
            if page.len() < PAGE {
                // Of a table that was read through once, the cache holds nothing of use.
                return self.read("reading the links", |db| db.execute_batch("PRAGMA shrink_memory"));
            }
        }
    }

    /// No more people than this are linked: a bound to make room for, known at once, while
    /// [`Reader::count`] reads all links.
    pub fn at_most(&self) -> Result<u64, StoreError> {
        self.read("counting the links", snapshot::at_most)
    }

    /// How many people are linked.
    pub fn count(&self) -> Result<u64, StoreError> {
        self.read("counting the links", snapshot::count)
    }

    /// How many of the linked are rooms.
    pub fn count_rooms(&self) -> Result<u64, StoreError> {
        self.read("counting rooms", snapshot::count_rooms)
    }

    /// The rows of these anchors as far as they exist, sorted by anchor.
    pub fn rows(&self, anchors: &[SourceId]) -> Result<Vec<SnapshotRow>, StoreError> {
        self.read("reading the snapshot", |db| snapshot::rows(db, anchors))
    }

    /// At most `limit` rows that follow an anchor, sorted by anchor: the way through the
    /// whole snapshot, a page at a time.
    pub fn rows_after(&self, after: Option<SourceId>, limit: usize) -> Result<Vec<SnapshotRow>, StoreError> {
        self.read("reading the snapshot", |db| snapshot::rows_after(db, after, limit))
    }

    /// Leavers who were deactivated at the time `before` or earlier, sorted by anchor.
    pub fn rows_left(&self, before: i64) -> Result<Vec<SnapshotRow>, StoreError> {
        self.read("reading the leavers", |db| snapshot::rows_left(db, before))
    }

    /// People whose record has to be looked at again by now although it did not change,
    /// sorted by anchor.
    pub fn due(&self, now: i64) -> Result<Vec<SourceId>, StoreError> {
        self.read("reading who has to be looked at again", |db| snapshot::due(db, now))
    }

    /// The links of these anchors as far as they exist, sorted by anchor, as
    /// [`Reader::each_link`] shows them.
    pub fn links_of(&self, now: i64, anchors: &[SourceId]) -> Result<Vec<Link>, StoreError> {
        self.read("reading links", |db| snapshot::links_of(db, now, anchors))
    }

    /// Who is linked to accounts with these cloud ids ([`Key::exact`]); sorted.
    pub fn anchors_by_cloud(&self, keys: &[Key]) -> Result<Vec<(Key, SourceId)>, StoreError> {
        self.find("looking up accounts", By::Cloud, keys)
    }

    /// Whose applied e-mail has these keys ([`crate::model::Email::key`]); sorted.
    pub fn email_owners(&self, keys: &[Key]) -> Result<Vec<(Key, SourceId)>, StoreError> {
        self.find("looking up addresses", By::Email, keys)
    }

    /// Whose DN has these keys ([`Key::dn`]); sorted.
    pub fn anchors_by_dn(&self, keys: &[Key]) -> Result<Vec<(Key, SourceId)>, StoreError> {
        self.find("looking up DNs", By::Dn, keys)
    }

    /// One person by anchor, e-mail, cloud id or DN, tried in this order.
    pub fn find_person(&self, text: &str) -> Result<Option<SnapshotRow>, StoreError> {
        let text = text.trim();
        if let Ok(anchor) = text.parse()
            && let Some(row) = self.rows(&[anchor])?.pop()
        {
            return Ok(Some(row));
        }
        let keys = [(By::Email, address_key(text)), (By::Cloud, Key::exact(text)), (By::Dn, Key::dn(text))];
        for (by, key) in keys {
            if let Some((_, anchor)) = self.find("looking up a person", by, &[key])?.first() {
                return Ok(self.rows(&[*anchor])?.pop());
            }
        }
        Ok(None)
    }

    /// All groups, in the order of their keys.
    pub fn groups(&self) -> Result<Vec<GroupRow>, StoreError> {
        self.read("reading the groups", groups::list)
    }

    /// The groups that name this DN key as a member.
    pub fn direct_groups(&self, member: Key) -> Result<Vec<Key>, StoreError> {
        self.with("reading memberships", |open| open.groups.direct(&open.db, member))
    }

    /// The direct members of a group, in the order of their keys.
    pub fn members(&self, group: Key) -> Result<Vec<Key>, StoreError> {
        self.read("reading memberships", |db| groups::members(db, group))
    }

    /// Intents that were begun and not settled, oldest first.
    pub fn open_intents(&self) -> Result<Vec<Intent>, StoreError> {
        self.read("reading the journal", journal::open)
    }

    /// Intents that were settled as [`super::Outcome::Unknown`], oldest first.
    pub fn unconfirmed_intents(&self) -> Result<Vec<Intent>, StoreError> {
        self.read("reading the journal", journal::unconfirmed)
    }

    /// Settled intents, newest first.
    pub fn history(&self, filter: &HistoryFilter) -> Result<Vec<HistoryEntry>, StoreError> {
        self.read("reading the journal", |db| journal::history(db, filter))
    }

    /// Held plans that are not done, oldest first: those that wait, those that were approved
    /// and have to be carried out, and those that were rejected.
    pub fn held(&self) -> Result<Vec<HeldPlan>, StoreError> {
        self.read("reading held plans", held::list)
    }

    /// Plans that were carried out at the time `since` or later, and those approved for it.
    pub fn approved_since(&self, since: i64) -> Result<Vec<HeldPlan>, StoreError> {
        self.read("reading approved plans", |db| held::approved_since(db, since))
    }

    /// What was taken away and confirmed since a time, newest first: deactivations, deletions,
    /// licences, groups and members of groups.
    pub fn removals_since(&self, since: i64) -> Result<Vec<Action>, StoreError> {
        self.read("reading the journal", |db| journal::removals_since(db, since))
    }

    /// One held plan, whatever became of it.
    pub fn held_plan(&self, id: &str) -> Result<Option<HeldPlan>, StoreError> {
        self.read("reading a held plan", |db| held::one(db, id))
    }

    /// The newest runs, newest first.
    pub fn runs(&self, limit: usize) -> Result<Vec<RunRecord>, StoreError> {
        self.read("reading the runs", |db| run::list(db, limit))
    }

    /// One run.
    pub fn run(&self, run: RunId) -> Result<Option<RunRecord>, StoreError> {
        self.read("reading a run", |db| run::one(db, run))
    }

    /// What the last pass could not decide.
    pub fn withheld(&self) -> Result<Vec<Withheld>, StoreError> {
        self.read("reading who is withheld", lists::withheld)
    }
}

/// Keeps writers away, or finds that one lives. Comes before looking for files that a writer
/// makes and removes.
fn share_lock(dir: &Path) -> Result<(Option<File>, bool), StoreError> {
    let path = dir.join(LOCK_FILE);
    let cannot = |e: io::Error| StoreError::io(&format!("cannot read {}", path.display()), &e);
    let file = match File::open(&path) {
        Ok(file) => file,
        Err(e) if e.kind() == io::ErrorKind::NotFound => return Ok((None, false)),
        Err(e) => return Err(cannot(e)),
    };
    match file.try_lock_shared() {
        Ok(()) => Ok((Some(file), false)),
        Err(TryLockError::WouldBlock) => Ok((None, true)),
        Err(TryLockError::Error(e)) => Err(cannot(e)),
    }
}

/// A path as part of an SQLite URI, see <https://www.sqlite.org/uri.html>.
fn escape(path: &Path) -> String {
    let text = service::uri_path(path);
    let mut uri = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '?' => uri.push_str("%3f"),
            '#' => uri.push_str("%23"),
            '%' => uri.push_str("%25"),
            c => uri.push(c),
        }
    }
    uri
}
