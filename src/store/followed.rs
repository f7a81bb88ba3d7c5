//! What lets a pass follow the changes of the sources: containers, and with whom the last pass
//! did not come to an end.

use rusqlite::{Connection, params};

use super::records::{self, RecordChanges};
use super::{Reader, StoreError};
use crate::model::{Container, Fingerprint, SourceId};

/// What is known of the sources once a pass has come to its end; written together with the
/// cursors, in one transaction.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Followed {
    /// All containers of a source that was read whole, by the name of the source.
    pub containers: Vec<(String, Vec<Container>)>,
    /// Containers that are new or gone, by the name of the source.
    pub container_changes: Vec<(String, ContainerChange)>,
    /// People to be looked at again although their records do not change.
    pub unfinished: Option<Vec<SourceId>>,
    /// Records that are kept.
    pub records: RecordChanges,
}

/// One change among the containers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ContainerChange {
    /// New, or at another place.
    There(Container),
    /// Deleted.
    Gone(SourceId),
}

impl Reader {
    /// With whom the last pass did not come to an end, linked or not, at most `limit`; sorted.
    pub fn unfinished(&self, limit: usize) -> Result<Vec<SourceId>, StoreError> {
        self.read("reading who is unfinished", |db| unfinished(db, limit))
    }

    /// Where a container of a source stood when it was last seen.
    pub fn container(&self, source: &str, anchor: SourceId) -> Result<Option<String>, StoreError> {
        self.read("reading containers", |db| container(db, source, anchor))
    }

    /// Who is linked, not gone, and stands below this DN, as the directory wrote it; sorted. Looks
    /// at every link.
    pub fn anchors_below(&self, dn: &str) -> Result<Vec<SourceId>, StoreError> {
        self.read("looking for people below a container", |db| below(db, dn))
    }
}

pub(super) fn write(db: &Connection, followed: &Followed) -> rusqlite::Result<()> {
    for (source, containers) in &followed.containers {
        db.prepare_cached("DELETE FROM container WHERE source = ?1")?.execute([source])?;
        for container in containers {
            put(db, source, container)?;
        }
    }
    for (source, change) in &followed.container_changes {
        match change {
            ContainerChange::There(container) => put(db, source, container)?,
            ContainerChange::Gone(anchor) => {
                db.prepare_cached("DELETE FROM container WHERE source = ?1 AND anchor = ?2")?
                    .execute(params![source, anchor.as_bytes()])?;
            }
        }
    }
    records::write(db, &followed.records)?;
    followed.unfinished.as_ref().map_or(Ok(()), |anchors| set_unfinished(db, anchors))
}

fn put(db: &Connection, source: &str, container: &Container) -> rusqlite::Result<()> {
    db.prepare_cached("INSERT OR REPLACE INTO container (source, anchor, dn) VALUES (?1, ?2, ?3)")?
        .execute(params![source, container.anchor.as_bytes(), container.dn])
        .map(drop)
}

fn set_unfinished(db: &Connection, anchors: &[SourceId]) -> rusqlite::Result<()> {
    db.execute("DELETE FROM unfinished", [])?;
    let mut insert = db.prepare_cached("INSERT OR IGNORE INTO unfinished (anchor) VALUES (?1)")?;
    for anchor in anchors {
        insert.execute([anchor.as_bytes()])?;
    }
    Ok(())
}

/// Where a container of a source stood.
fn container(db: &Connection, source: &str, anchor: SourceId) -> rusqlite::Result<Option<String>> {
    use rusqlite::OptionalExtension;
    db.prepare_cached("SELECT dn FROM container WHERE source = ?1 AND anchor = ?2")?
        .query_row(params![source, anchor.as_bytes()], |row| row.get(0))
        .optional()
}

/// Who is linked, not gone, and stands below an entry.
fn below(db: &Connection, dn: &str) -> rusqlite::Result<Vec<SourceId>> {
    db.prepare_cached(
        "SELECT link.anchor FROM link JOIN person ON person.id = link.person WHERE left_since IS NULL \
         AND lower(substr(person.dn, -length(?1))) = lower(?1) ORDER BY link.anchor",
    )?
    .query_map([format!(",{dn}")], |row| row.get(0).map(SourceId::new))?
    .collect()
}

/// With whom the last pass did not come to an end, linked or not, at most `limit`, sorted.
fn unfinished(db: &Connection, limit: usize) -> rusqlite::Result<Vec<SourceId>> {
    let limit = i64::try_from(limit).unwrap_or(i64::MAX);
    db.prepare_cached(
        "SELECT anchor FROM unfinished UNION SELECT anchor FROM link WHERE record = \
         x'00000000000000000000000000000000' AND left_since IS NULL ORDER BY anchor LIMIT ?1",
    )?
    .query_map([limit], |row| row.get(0).map(SourceId::new))?
    .collect()
}

const _: () =
    assert!(matches!(Fingerprint::NONE, Fingerprint([0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0])));
