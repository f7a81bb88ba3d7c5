//! Contacts of the cloud that are ours.

use std::collections::BTreeSet;

use rusqlite::{Connection, Row, params};

use super::error::nonsense;
use super::{Reader, StoreError};
use crate::model::{
    Action, Attr, CloudId, ContactLink, Fingerprint, Key, Kind, Origin, SourceId, address_key,
};

/// One change of a contact that is ours: what the cloud confirmed, or what is known without it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ContactChange {
    /// Which contact of the directory.
    pub anchor: SourceId,
    /// The link as it is now; `None` when it ends.
    pub link: Option<ContactLink>,
}

impl Reader {
    /// The contacts of the cloud that are ours, sorted by anchor.
    ///
    /// # Errors
    ///
    /// This and all other calls: when the database cannot be read.
    pub fn contact_links(&self) -> Result<Vec<ContactLink>, StoreError> {
        self.read("reading the contacts of the cloud", links)
    }

    /// How many contacts of the cloud are ours.
    pub fn count_contacts(&self) -> Result<u64, StoreError> {
        self.read("counting the contacts of the cloud", |db| {
            db.prepare_cached("SELECT count(*) FROM contact")?
                .query_row([], |row| row.get::<_, i64>(0))
                .map(i64::unsigned_abs)
        })
    }

    /// A contact that is ours by anchor, e-mail, cloud id or DN, tried in this order, as
    /// [`Reader::find_person`] does with people. They are few: each is looked at.
    pub fn find_contact(&self, text: &str) -> Result<Option<ContactLink>, StoreError> {
        let text = text.trim();
        let links = self.contact_links()?;
        let anchor = text.parse::<SourceId>().ok();
        let (address, dn) = (address_key(text), Key::dn(text));
        let has_address = |link: &ContactLink| {
            link.applied.email.as_ref().is_some_and(|email| address_key(email.as_str()) == address)
        };
        let ways: [&dyn Fn(&ContactLink) -> bool; 4] = [
            &|link| Some(link.anchor) == anchor,
            &has_address,
            &|link| link.cloud_id.as_str() == text,
            &|link| Key::dn(&link.dn) == dn,
        ];
        Ok(ways.iter().find_map(|is_meant| links.iter().find(|link| is_meant(link))).cloned())
    }

    /// Contacts to which something was done under this e-mail, cloud id, DN or name. The journal knows a
    /// contact by its anchor and its name alone, and one that was deleted has no link any more.
    pub fn contacts_once(&self, text: &str) -> Result<Vec<SourceId>, StoreError> {
        let text = text.trim();
        self.read("reading the journal", |db| traces(db, text))
    }
}

/// Whose actions on contacts name a text.
fn traces(db: &Connection, text: &str) -> rusqlite::Result<Vec<SourceId>> {
    let (address, dn, name) = (address_key(text), Key::dn(text), text.to_lowercase());
    let is_named = |action: &Action| {
        let emails = action.changes.iter().filter(|change| change.field == Attr::Email);
        let mut addresses = emails.flat_map(|change| change.from.iter().chain(&change.to));
        addresses.any(|known| address_key(known) == address)
            || action.cloud_id.as_ref().is_some_and(|id| id.as_str() == text)
            || action.dn.as_ref().is_some_and(|known| Key::dn(known) == dn)
            || action.who.as_str().to_lowercase() == name
    };
    let mut select = db.prepare_cached(
        "SELECT deed.action FROM intent CROSS JOIN deed ON deed.intent = intent.id
         WHERE kind IN (?1, ?2, ?3)",
    )?;
    let kinds = [Kind::ContactCreate, Kind::ContactUpdate, Kind::ContactDelete].map(Kind::name);
    let mut rows = select.query(kinds)?;
    let mut found = BTreeSet::new();
    while let Some(row) = rows.next()? {
        let action: Action = serde_json::from_str(row.get_ref(0)?.as_str()?).map_err(nonsense)?;
        if is_named(&action) {
            found.insert(action.anchor);
        }
    }
    Ok(found.into_iter().collect())
}

/// Writes a change.
pub(super) fn change(db: &Connection, change: &ContactChange) -> rusqlite::Result<()> {
    let Some(link) = &change.link else {
        return db
            .prepare_cached("DELETE FROM contact WHERE anchor = ?1")?
            .execute([change.anchor.as_bytes()])
            .map(drop);
    };
    let applied = serde_json::to_string(&link.applied).map_err(nonsense)?;
    let origin = match link.origin {
        Origin::Created => "created",
        Origin::Adopted => "adopted",
    };
    db.prepare_cached(
        "INSERT OR REPLACE INTO contact (anchor, cloud_id, dn, record, applied, origin)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
    )?
    .execute(params![link.anchor.as_bytes(), link.cloud_id.as_str(), link.dn, link.record.0, applied, origin])
    .map(drop)
}

fn links(db: &Connection) -> rusqlite::Result<Vec<ContactLink>> {
    db.prepare_cached("SELECT anchor, cloud_id, dn, record, applied, origin FROM contact ORDER BY anchor")?
        .query_map([], from_row)?
        .collect()
}

fn from_row(row: &Row<'_>) -> rusqlite::Result<ContactLink> {
    Ok(ContactLink {
        anchor: SourceId::new(row.get(0)?),
        cloud_id: CloudId::new(row.get::<_, Box<str>>(1)?),
        dn: row.get(2)?,
        record: Fingerprint(row.get(3)?),
        applied: serde_json::from_str(row.get_ref(4)?.as_str()?).map_err(nonsense)?,
        origin: match row.get_ref(5)?.as_str()? {
            "created" => Origin::Created,
            "adopted" => Origin::Adopted,
            _ => return Err(nonsense("an unknown origin of a contact")),
        },
    })
}
