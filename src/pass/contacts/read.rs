//! What a read of the sources gave about contacts.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};

use crate::model::{Fingerprint, Hasher, Key, Record, RecordKind, SourceId};
use crate::rules::{ContactWish, GroupSet, Rules};
use crate::store::{Reader, StoreError};

/// The contacts of a read. Empty while contacts are switched off.
#[derive(Default)]
pub struct ReadContacts {
    /// The links, by anchor, with the fingerprint of the record that is confirmed.
    known: HashMap<SourceId, Fingerprint>,
    /// Whose record was met and did not change.
    pub(super) same: HashSet<SourceId>,
    /// All others: the DN, the fingerprint, and what the rules make of it.
    pub(super) judged: BTreeMap<SourceId, (String, Fingerprint, ContactWish)>,
    /// Entries that could not be used, by anchor and by DN: they may be anybody.
    unusable: (HashSet<SourceId>, HashSet<Key>),
}

impl ReadContacts {
    /// Before the first record.
    ///
    /// # Errors
    ///
    /// When the store cannot be read.
    pub fn begin(rules: &Rules, reader: &Reader) -> Result<Self, StoreError> {
        let links = if rules.has_contacts() { reader.contact_links()? } else { Vec::new() };
        let known = links.into_iter().map(|link| (link.anchor, link.record)).collect();
        Ok(Self { known, ..Self::default() })
    }

    /// Takes the record of a contact.
    pub fn meet(&mut self, record: &Record, rules: &Rules, groups: &GroupSet) {
        let print = print(record, rules.fingerprint(), groups);
        if self.known.get(&record.anchor) == Some(&print) {
            self.same.insert(record.anchor);
        } else if let Some(wish) = rules.judge_contact(record, groups) {
            // Of two entries with one anchor the last counts: nobody loses an account by it.
            self.judged.insert(record.anchor, (record.dn.clone(), print, wish));
        }
    }

    /// Notes an entry that could not be used.
    pub fn cannot_use(&mut self, anchor: Option<SourceId>, dn: &str) {
        if !self.known.is_empty() {
            self.unusable.0.extend(anchor);
            self.unusable.1.insert(Key::dn(dn));
        }
    }

    /// Whether a linked contact may be among what could not be used.
    pub(super) fn may_be_unusable(&self, anchor: SourceId, dn: &str) -> bool {
        self.unusable.0.contains(&anchor) || self.unusable.1.contains(&Key::dn(dn))
    }
}

/// The digest of everything by which a contact is judged. Nothing tells a contact of a change of its groups.
fn print(record: &Record, rules: Fingerprint, groups: &GroupSet) -> Fingerprint {
    let print = record.fingerprint(rules);
    let mut groups = groups.iter().peekable();
    if groups.peek().is_none() {
        return print;
    }
    let mut h = Hasher::seeded(print);
    groups.for_each(|at| h.part(&(at as u64).to_le_bytes()));
    h.finish()
}

/// Where contacts that are ours stand: who is in a group, or left it, is named by the place.
///
/// # Errors
///
/// When the store cannot be read.
pub fn places(rules: &Rules, reader: &Reader) -> Result<BTreeMap<Key, SourceId>, StoreError> {
    let links = if rules.has_contacts() { reader.contact_links()? } else { Vec::new() };
    Ok(links.into_iter().map(|link| (Key::dn(&link.dn), link.anchor)).collect())
}

/// Whether a change concerns a contact: among these records, each with the groups that it is in, or among
/// those who were looked for (the second) and are not there (the third). `seed` is the fingerprint of the rules.
///
/// # Errors
///
/// When the store cannot be read.
pub fn concerns(
    rules: &Rules,
    reader: &Reader,
    seed: Fingerprint,
    groups: impl Fn(&Record) -> Result<GroupSet, StoreError>,
    (records, concerned, found): (&[Record], &BTreeSet<SourceId>, &BTreeSet<SourceId>),
) -> Result<bool, StoreError> {
    if !rules.has_contacts() {
        return Ok(false);
    }
    let links = reader.contact_links()?;
    let known: HashMap<SourceId, Fingerprint> = links.iter().map(|link| (link.anchor, link.record)).collect();
    for record in records.iter().filter(|record| record.kind == RecordKind::Contact) {
        let groups = groups(record)?;
        let changed = match known.get(&record.anchor) {
            Some(known) => *known != print(record, seed, &groups),
            None => matches!(rules.judge_contact(record, &groups), Some(ContactWish::Present(_))),
        };
        if changed {
            return Ok(true);
        }
    }
    Ok(known.keys().any(|anchor| concerned.contains(anchor) && !found.contains(anchor)))
}
