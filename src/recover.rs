//! After a crash: intents without an ending.
//!
//! Nobody knows whether their effects happened. The journal closes them as unknown, the people
//! they are about lose the mark of being finished, and the whole cloud is observed by the next
//! pass that can: what did happen is then seen, paired by link or by anchor, and not done
//! again. What we may have given counts as given by us, since otherwise nobody would ever take
//! it away again.

use std::collections::BTreeMap;

use crate::apply::joined;
use crate::clock;
use crate::model::{
    Attr, ContactLink, Field, Fingerprint, GroupLink, Key, Kind, LinkState, SnapshotRow, SourceId, UNSURE,
};
use crate::store::{ContactChange, GroupChange, Intent, Outcome, RowChange, Settlement, Store, StoreError};

/// Closes what an interrupted run left open. Returns how many intents there were; with more
/// than none, the next pass observes the whole cloud.
///
/// # Errors
///
/// When the store fails.
pub async fn recover(store: &Store) -> Result<u64, StoreError> {
    let open = store.reader().open_intents()?;
    let count = open.len() as u64;
    if open.is_empty() {
        return Ok(0);
    }
    // First, and for as long as it takes: a pass that is killed in its turn finds no open
    // intents any more, and has to observe all the same.
    let mut meta = store.reader().meta()?;
    meta.last_observation = None;
    store.set_meta(meta).await?;
    let mut by_person: BTreeMap<SourceId, Vec<&Intent>> = BTreeMap::new();
    for intent in open.iter().filter(|intent| intent.action.kind.is_account()) {
        by_person.entry(intent.action.anchor).or_default().push(intent);
    }
    // Of somebody who moved, the link is under the old anchor until the move is confirmed.
    let accounts: BTreeMap<Key, &Intent> = open
        .iter()
        .filter_map(|intent| Some((Key::exact(intent.action.cloud_id.as_ref()?.as_str()), intent)))
        .collect();
    let keys: Vec<Key> = accounts.keys().copied().collect();
    for (key, known) in store.reader().anchors_by_cloud(&keys)? {
        let new = accounts[&key].action.anchor;
        if new != known {
            let intents = by_person.get(&new).cloned().unwrap_or_default();
            by_person.entry(known).or_default().extend(intents);
        }
    }
    let people: Vec<SourceId> = by_person.keys().copied().collect();
    let rows = store.reader().rows(&people)?.into_iter().map(|mut row| {
        for intent in &by_person[&row.anchor] {
            doubt(&mut row, intent);
        }
        RowChange::Link(Box::new(row))
    });
    let rows = rows.chain(groups(store, &open)?).chain(contacts(store, &open)?);
    store.change_rows(rows.collect()).await?;
    let settlements = open
        .into_iter()
        .map(|intent| Settlement { intent: intent.id, outcome: Outcome::Unknown, row: None })
        .collect();
    store.settle(clock::now().timestamp(), settlements).await?;
    Ok(count)
}

/// Groups about which nobody knows whether something happened are looked at again, and whoever
/// may have been added by us counts as added by us. What may have been taken out still counts:
/// it is taken out once more.
fn groups(store: &Store, open: &[Intent]) -> Result<Vec<RowChange>, StoreError> {
    let links = store.reader().group_links()?;
    let intents = open.iter().filter(|intent| intent.action.kind.is_group());
    let changes = intents.filter_map(|intent| {
        let link = links.iter().find(|link| link.anchor == intent.action.anchor)?;
        Some(RowChange::Group(Box::new(GroupChange {
            anchor: link.anchor,
            link: Some(GroupLink { open: true, ..link.clone() }),
            afresh: false,
            // Of a create it is settled when the group is seen.
            joined: if intent.action.kind == Kind::GroupUpdate { joined(&intent.action) } else { Vec::new() },
            left: Vec::new(),
        })))
    });
    Ok(changes.collect())
}

/// Contacts about which nobody knows whether something happened are compared again. One that may have
/// been made is found by its values when the cloud is listed.
fn contacts(store: &Store, open: &[Intent]) -> Result<Vec<RowChange>, StoreError> {
    let links = store.reader().contact_links()?;
    let intents = open.iter().filter(|intent| intent.action.kind.is_contact());
    let changes = intents.filter_map(|intent| {
        let link = links.iter().find(|link| link.anchor == intent.action.anchor)?;
        let link = ContactLink { record: Fingerprint::NONE, ..link.clone() };
        Some(RowChange::Contact(Box::new(ContactChange { anchor: link.anchor, link: Some(link) })))
    });
    Ok(changes.collect())
}

/// What the snapshot may still say when nobody knows whether an action happened.
fn doubt(row: &mut SnapshotRow, intent: &Intent) {
    row.record = Fingerprint::NONE;
    row.applied_print = Fingerprint::NONE;
    row.recheck = None;
    if intent.action.is_setting() {
        // No observation will tell what they are: each is written once more, also a default.
        for field in Field::SETTINGS {
            row.applied.profile.insert(field, UNSURE.into());
        }
    }
    for change in intent.action.changes.iter().filter(|change| change.to.is_some()) {
        match &change.field {
            Attr::License(id) => drop(row.given.licenses.insert(id.clone())),
            Attr::Role(id) => drop(row.given.roles.insert(id.clone())),
            Attr::Email | Attr::Active | Attr::ExternalId | Attr::Field(_) | Attr::Member(_) => {}
        }
    }
    if matches!(intent.action.kind, Kind::Deactivate | Kind::Reactivate) {
        // Present, so that a leaver is deactivated once more, and whoever came back is let in.
        row.state = LinkState::Present;
        row.given.block = true;
    }
}
