//! The people whose record is new or changed in this pass.

use std::collections::BTreeMap;

use rusqlite::{Connection, OptionalExtension, Row, params};

use super::{Late, Stage, answer, failed};
use crate::model::{Fingerprint, Key, LicenseId, SourceId, Standing, Wanted};
use crate::store::StoreError;
use crate::store::error::nonsense;

pub(super) const SCHEMA: &str = "
    CREATE TABLE wanted_key (
        anchor BLOB NOT NULL PRIMARY KEY, linked INTEGER NOT NULL, email BLOB, joined BLOB, place BLOB,
        leaves INTEGER NOT NULL, id INTEGER NOT NULL
    ) STRICT, WITHOUT ROWID;
    CREATE TABLE wanted (
        id INTEGER PRIMARY KEY, record BLOB NOT NULL, dn TEXT NOT NULL, recheck INTEGER, wanted TEXT NOT NULL,
        standing BLOB
    ) STRICT;";

/// What the rules make of one record.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StagedWanted {
    /// Who.
    pub anchor: SourceId,
    /// Whether the snapshot has a link for the anchor.
    pub linked: bool,
    /// The fingerprint of the record.
    pub record: Fingerprint,
    /// The DN as read.
    pub dn: String,
    /// The key of the address that the person claims.
    pub email: Option<Key>,
    /// See [`crate::model::Verdict::recheck`].
    pub recheck: Option<i64>,
    /// The key of the value that identifies the person in all sources.
    pub joined: Option<Key>,
    /// What the cloud should hold.
    pub wanted: Wanted,
    /// See [`crate::model::Verdict::standing`].
    pub standing: Standing,
}

/// What the spool keeps of somebody, worked out before.
pub struct FoldedWanted {
    text: String,
    place: Key,
}

impl StagedWanted {
    /// Folds what is wanted into a text.
    ///
    /// # Errors
    ///
    /// When it cannot be written as JSON, which would be a fault of the program.
    pub fn fold(&self) -> Result<FoldedWanted, StoreError> {
        let text = serde_json::to_string(&self.wanted).map_err(|e| failed(nonsense(e)))?;
        Ok(FoldedWanted { text, place: Key::dn(&self.dn) })
    }
}

/// Of somebody linked, what it takes to say who comes when, without unfolding what is wanted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct StagedPlace {
    /// Who.
    pub anchor: SourceId,
    /// See [`StagedWanted::email`].
    pub email: Option<Key>,
    /// Whether the rules say that the person leaves.
    pub leaves: bool,
}

#[derive(Debug, Default)]
pub(super) struct Counts {
    pub(super) linked: u64,
    pub(super) new: u64,
    duplicates: u64,
    /// Licences that people without a link want. One who came twice is counted twice.
    asked: BTreeMap<LicenseId, u64>,
}

const COLUMNS: &str =
    "SELECT wanted_key.anchor, wanted_key.linked, wanted.record, wanted.dn, wanted_key.email,
    wanted.recheck, wanted_key.joined, wanted.wanted, wanted.standing
    FROM wanted_key CROSS JOIN wanted ON wanted.id = wanted_key.id";

fn from_row(row: &Row<'_>) -> rusqlite::Result<StagedWanted> {
    Ok(StagedWanted {
        anchor: SourceId::new(row.get(0)?),
        linked: row.get(1)?,
        record: Fingerprint(row.get(2)?),
        dn: row.get(3)?,
        email: row.get::<_, Option<_>>(4)?.map(Key),
        recheck: row.get(5)?,
        joined: row.get::<_, Option<_>>(6)?.map(Key),
        wanted: serde_json::from_str(row.get_ref(7)?.as_str()?).map_err(nonsense)?,
        standing: match row.get_ref(8)?.as_blob_or_null()? {
            Some(bytes) => Standing::from_bytes(bytes).ok_or_else(|| nonsense("a broken standing"))?,
            None => Standing::default(),
        },
    })
}

impl Stage {
    /// Puts people into the spool. Of two with the same anchor the last stays, and
    /// [`Stage::duplicates`] counts.
    ///
    /// Returns the positions of those whose anchor was there already, with the DN that it had.
    pub fn put_wanted(&mut self, items: &[StagedWanted]) -> Result<Vec<(usize, String)>, StoreError> {
        let folded: Vec<FoldedWanted> = items.iter().map(StagedWanted::fold).collect::<Result<_, _>>()?;
        self.put_folded(items, &folded)
    }

    /// As [`Stage::put_wanted`], of people who are folded already, each at the same place.
    pub fn put_folded(
        &mut self,
        items: &[StagedWanted],
        folded: &[FoldedWanted],
    ) -> Result<Vec<(usize, String)>, StoreError> {
        let counts = &mut self.people;
        answer(&self.db, |db| {
            let transaction = db.unchecked_transaction()?;
            let mut key = db.prepare_cached(
                "INSERT OR IGNORE INTO wanted_key (anchor, linked, email, joined, id, place, leaves)
                 VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)",
            )?;
            let mut whole = db.prepare_cached(
                "INSERT INTO wanted (id, record, dn, recheck, wanted, standing) VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
            )?;
            let mut again = Vec::new();
            for (position, (item, FoldedWanted { text, place })) in items.iter().zip(folded).enumerate() {
                let id = i64::try_from(counts.linked + counts.new).unwrap_or(i64::MAX);
                let email = item.email.map(|key| key.0);
                let joined = item.joined.map(|key| key.0);
                let leaves = leaves(item);
                let keys = params![item.anchor.as_bytes(), item.linked, email, joined, id, place.0, leaves];
                if key.execute(keys)? > 0 {
                    let standing = standing(item);
                    whole.execute(params![id, item.record.0, item.dn, item.recheck, text, standing])?;
                } else {
                    let (was_linked, dn) = replace(db, item, text)?;
                    again.push((position, dn));
                    counts.duplicates += 1;
                    *(if was_linked { &mut counts.linked } else { &mut counts.new }) -= 1;
                }
                *(if item.linked { &mut counts.linked } else { &mut counts.new }) += 1;
                counts.ask(item);
            }
            transaction.commit()?;
            Ok(again)
        })
    }

    /// At most `limit` people that follow an anchor, in the order of their anchors: linked
    /// ones, or those without a link.
    pub fn wanted_after(
        &self,
        linked: bool,
        after: Option<SourceId>,
        limit: usize,
    ) -> Result<Vec<StagedWanted>, StoreError> {
        let after: &[u8] = after.as_ref().map_or(&[], |anchor| anchor.as_bytes());
        answer(&self.db, |db| {
            db.prepare_cached(&format!(
                "{COLUMNS} WHERE wanted_key.anchor > ?1 AND wanted_key.linked = ?2
                     ORDER BY wanted_key.anchor LIMIT ?3"
            ))?
            .query_map(params![after, linked, i64::try_from(limit).unwrap_or(i64::MAX)], from_row)?
            .collect()
        })
    }

    /// At most `limit` linked people that follow an anchor, in the order of their anchors.
    pub fn linked_after(
        &self,
        after: Option<SourceId>,
        limit: usize,
    ) -> Result<Vec<StagedPlace>, StoreError> {
        let after: &[u8] = after.as_ref().map_or(&[], |anchor| anchor.as_bytes());
        answer(&self.db, |db| {
            db.prepare_cached(
                "SELECT anchor, email, leaves FROM wanted_key WHERE anchor > ?1 AND linked
                     ORDER BY anchor LIMIT ?2",
            )?
            .query_map(params![after, i64::try_from(limit).unwrap_or(i64::MAX)], |row| {
                let email = row.get::<_, Option<_>>(1)?.map(Key);
                Ok(StagedPlace { anchor: SourceId::new(row.get(0)?), email, leaves: row.get(2)? })
            })?
            .collect()
        })
    }

    /// The people with these anchors as far as they are there, in the order of their anchors.
    pub fn wanted(&self, anchors: &[SourceId]) -> Result<Vec<StagedWanted>, StoreError> {
        let mut sorted = anchors.to_vec();
        sorted.sort_unstable();
        sorted.dedup();
        answer(&self.db, |db| {
            let mut select = db.prepare_cached(&format!("{COLUMNS} WHERE wanted_key.anchor = ?1"))?;
            let mut found = Vec::new();
            for anchor in sorted {
                found.extend(select.query_row([anchor.as_bytes()], from_row).optional()?);
            }
            Ok(found)
        })
    }

    /// The addresses that several people claim, each with its claimants, all sorted.
    pub fn email_claims(&self) -> Result<Vec<(Key, Vec<SourceId>)>, StoreError> {
        answer(&self.db, |db| {
            db.need(Late::Email)?;
            let mut select = db.prepare_cached(
                "SELECT email, anchor FROM wanted_key WHERE email IN
                     (SELECT email FROM wanted_key WHERE email IS NOT NULL GROUP BY email HAVING count(*) > 1)
                 ORDER BY email, anchor",
            )?;
            let mut rows = select.query([])?;
            let mut claims: Vec<(Key, Vec<SourceId>)> = Vec::new();
            while let Some(row) = rows.next()? {
                let (key, anchor) = (Key(row.get(0)?), SourceId::new(row.get(1)?));
                match claims.last_mut() {
                    Some((last, anchors)) if *last == key => anchors.push(anchor),
                    _ => claims.push((key, vec![anchor])),
                }
            }
            Ok(claims)
        })
    }

    /// At most `limit` keys of addresses that follow a key, each with one who claims it; an
    /// address that several claim comes once, with the smallest anchor.
    pub fn email_keys_after(
        &self,
        after: Option<Key>,
        limit: usize,
    ) -> Result<Vec<(Key, SourceId)>, StoreError> {
        let after: &[u8] = after.as_ref().map_or(&[], |key| &key.0);
        answer(&self.db, |db| {
            db.need(Late::Email)?;
            db.prepare_cached(
                "SELECT email, min(anchor) FROM wanted_key WHERE email > ?1 GROUP BY email
                     ORDER BY email LIMIT ?2",
            )?
            .query_map(params![after, i64::try_from(limit).unwrap_or(i64::MAX)], |row| {
                Ok((Key(row.get(0)?), SourceId::new(row.get(1)?)))
            })?
            .collect()
        })
    }

    /// Everybody who claims one of these addresses.
    pub fn claimants(&self, keys: &[Key]) -> Result<Vec<SourceId>, StoreError> {
        answer(&self.db, |db| {
            db.need(Late::Email)?;
            let mut select = db.prepare_cached("SELECT anchor FROM wanted_key WHERE email = ?1")?;
            let mut found = Vec::new();
            for key in keys {
                let mut rows = select.query([key.0])?;
                while let Some(row) = rows.next()? {
                    found.push(SourceId::new(row.get(0)?));
                }
            }
            Ok(found)
        })
    }

    /// Who stands at these places ([`Key::dn`]), and whether they are linked; of those who are not, only who
    /// is to come. Sorted.
    pub fn standing_at(&self, places: &[Key]) -> Result<Vec<(Key, SourceId, bool)>, StoreError> {
        answer(&self.db, |db| {
            db.need(Late::Place)?;
            let mut select = db.prepare_cached(
                "SELECT anchor, linked FROM wanted_key
                     WHERE place = ?1 AND (linked OR email IS NOT NULL) ORDER BY anchor",
            )?;
            let mut found = Vec::new();
            for place in places {
                let mut rows = select.query([place.0])?;
                while let Some(row) = rows.next()? {
                    found.push((*place, SourceId::new(row.get(0)?), row.get(1)?));
                }
            }
            Ok(found)
        })
    }

    /// Whether anybody claims this address.
    pub fn claims_email(&self, key: Key) -> Result<bool, StoreError> {
        answer(&self.db, |db| {
            db.need(Late::Email)?;
            db.prepare_cached("SELECT EXISTS (SELECT 1 FROM wanted_key WHERE email = ?1)")?
                .query_row([key.0], |row| row.get(0))
        })
    }

    /// How many people there are: linked ones, and those without a link.
    pub fn counts(&self) -> (u64, u64) {
        (self.people.linked, self.people.new)
    }

    /// How many people without a link want each licence, at most.
    pub fn asked(&self) -> &BTreeMap<LicenseId, u64> {
        &self.people.asked
    }

    /// How many people were put in although their anchor was there already.
    pub fn duplicates(&self) -> u64 {
        self.people.duplicates
    }
}

impl Counts {
    fn ask(&mut self, item: &StagedWanted) {
        let Wanted::Present(person) = &item.wanted else { return };
        if item.linked {
            return;
        }
        for license in &person.licenses {
            match self.asked.get_mut(license) {
                Some(count) => *count += 1,
                None => drop(self.asked.insert(license.clone(), 1)),
            }
        }
    }
}

fn leaves(item: &StagedWanted) -> bool {
    matches!(item.wanted, Wanted::Leaving(_))
}

/// The bytes of a standing that says anything.
fn standing(item: &StagedWanted) -> Option<Vec<u8>> {
    (item.standing != Standing::default()).then(|| item.standing.to_bytes())
}

/// Writes over the person with the same anchor, and says whether that one was linked, and its DN.
fn replace(db: &Connection, item: &StagedWanted, wanted: &str) -> rusqlite::Result<(bool, String)> {
    let anchor = item.anchor.as_bytes();
    let (id, was_linked, dn): (i64, bool, String) = db
        .prepare_cached(
            "SELECT wanted_key.id, wanted_key.linked, wanted.dn
             FROM wanted_key CROSS JOIN wanted ON wanted.id = wanted_key.id WHERE anchor = ?1",
        )?
        .query_row([anchor], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)))?;
    db.prepare_cached(
        "UPDATE wanted_key SET linked = ?2, email = ?3, joined = ?4, place = ?5, leaves = ?6 WHERE anchor = ?1",
    )?
    .execute(params![
        anchor,
        item.linked,
        item.email.map(|key| key.0),
        item.joined.map(|key| key.0),
        Key::dn(&item.dn).0,
        leaves(item)
    ])?;
    db.prepare_cached(
        "UPDATE wanted SET record = ?2, dn = ?3, recheck = ?4, wanted = ?5, standing = ?6 WHERE id = ?1",
    )?
    .execute(params![id, item.record.0, item.dn, item.recheck, wanted, standing(item)])?;
    Ok((was_linked, dn))
}
