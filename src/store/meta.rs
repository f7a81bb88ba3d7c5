//! Facts about the whole snapshot: under which rules and from which directories it came.

use std::collections::{BTreeMap, BTreeSet};

use rusqlite::{Connection, params};
use serde::{Deserialize, Serialize};

use super::error::nonsense;
use super::records::KeptRecords;
use crate::model::{Bounds, Cursor, Fingerprint, LicenseId, RoleId, Sight};

/// Facts about the whole snapshot.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Meta {
    /// Grows with every transaction that changes the snapshot. Kept by the store:
    /// [`super::Store::set_meta`] ignores it.
    #[serde(skip)]
    pub generation: u64,
    /// The rules under which the record fingerprints were taken, bound to the catalogue;
    /// [`Fingerprint::NONE`] when they were taken under several.
    pub rules: Fingerprint,
    /// The same rules as written.
    pub written: Fingerprint,
    /// Rules as bound under which a read of everything stayed incomplete, and when, in seconds since
    /// 1970-01-01 UTC; `None` after a complete one.
    pub tried: Option<(Fingerprint, i64)>,
    /// Linked people at the end of the last pass.
    pub linked: u64,
    /// The sources, by their name in the configuration.
    pub sources: BTreeMap<String, SourceMeta>,
    /// The last complete observation of the cloud, in seconds since 1970-01-01 UTC.
    pub last_observation: Option<i64>,
    /// The digest of what the rules manage, under which the fingerprints of applied accounts
    /// were taken.
    pub managed: u64,
    /// The organization of the cloud that this snapshot describes.
    pub organization: Option<String>,
    /// Licences that a rule could ever give: what was given under earlier rules can still be
    /// seen and taken away.
    pub licenses: BTreeSet<LicenseId>,
    /// Roles, in the same way.
    pub roles: BTreeSet<RoleId>,
    /// Under what everybody was last judged so that nothing that followed from a change of it is open.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub bounds: Option<Bounds>,
    /// Of those who leave since the bounds changed: how many wait for something else than approval.
    /// `None` while not everybody was judged under the new ones.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub leaving_otherwise: Option<u64>,
    /// What the kept records hold; `None` when there are none that can be relied on.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub records: Option<KeptRecords>,
    /// The choice of groups under which groups were last read.
    pub groups: Fingerprint,
    /// Whatever else is to be kept, such as cursors.
    pub extra: serde_json::Map<String, serde_json::Value>,
}

/// What is remembered about one source.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct SourceMeta {
    /// Which directory answered, see [`crate::model::Census::identity`].
    pub identity: String,
    /// People of the last whole census.
    pub people: u64,
    /// Groups of the last whole census.
    pub groups: u64,
    /// When the last whole census was taken, in seconds since 1970-01-01 UTC.
    pub last_whole: i64,
    /// Under which DNs its people stand; empty when that is not known.
    pub bases: Vec<String>,
    /// What it was set to show at the last whole census.
    pub sight: Sight,
    /// From where it can tell what changed since; `None` when it cannot.
    pub cursor: Option<Cursor>,
    /// When the mark of the cursor was taken, in seconds since 1970-01-01 UTC.
    pub cursor_at: i64,
}

pub(super) fn read(db: &Connection) -> rusqlite::Result<Meta> {
    db.prepare_cached("SELECT generation, document FROM meta")?.query_row([], |row| {
        let mut meta: Meta = serde_json::from_str(row.get_ref(1)?.as_str()?).map_err(nonsense)?;
        meta.generation = row.get::<_, i64>(0)?.unsigned_abs();
        Ok(meta)
    })
}

pub(super) fn write(db: &Connection, meta: &Meta) -> rusqlite::Result<()> {
    let document = serde_json::to_string(meta).map_err(nonsense)?;
    db.prepare_cached("UPDATE meta SET document = ?1")?.execute(params![document]).map(drop)
}

/// Marks that this transaction changed the snapshot.
pub(super) fn next_generation(db: &Connection) -> rusqlite::Result<()> {
    db.prepare_cached("UPDATE meta SET generation = generation + 1")?.execute([]).map(drop)
}
