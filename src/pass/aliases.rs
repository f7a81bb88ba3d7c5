//! An alternate address that somebody else has, or claims as well: the address is withheld, and not
//! the person.
//!
//! A user name comes before an alternate address. Of several with one alternate address, whoever has
//! it already keeps it, and nobody else gets it. What an account holds of this is left as it is.

use std::collections::HashMap;

use crate::model::{ADDRESSES, Field, Key, Person, Profile, SourceId, Wanted, Withheld, address_key};
use crate::store::{Reader, Stage, StagedWanted, StoreError};

use super::moved::Moved;

/// Addresses looked through at a time.
const CHUNK: usize = 5_000;

/// The values that people go on without, by whom they were for: alternate addresses that collide, and what
/// the cloud would refuse.
pub type Lost = HashMap<SourceId, Vec<(Field, Withheld)>>;

/// Finds the alternate addresses that collide; `contested` are people withheld as a whole.
pub(super) fn settle(
    stage: &Stage,
    reader: &Reader,
    moved: &Moved,
    contested: &HashMap<SourceId, Withheld>,
) -> Result<Lost, StoreError> {
    let mut lost = Lost::new();
    let mut after = None;
    loop {
        let page = stage.aliases_after(after, CHUNK)?;
        let Some((last, _)) = page.last() else { return Ok(lost) };
        after = Some(*last);
        let keys: Vec<Key> = page.iter().map(|(key, _)| *key).collect();
        let owners: HashMap<Key, SourceId> =
            reader.email_owners(&keys)?.into_iter().map(|(key, owner)| (key, moved.now(owner))).collect();
        let mut holders: HashMap<Key, Vec<SourceId>> = HashMap::new();
        for (key, owner) in reader.alias_owners(&keys)? {
            holders.entry(key).or_default().push(moved.now(owner));
        }
        for (key, anchors) in page {
            // Linked or new, these are to have it as their user name.
            let mut names = stage.claimants(&[key])?;
            if let Some(owner) = owners.get(&key) {
                let staged = stage.wanted(&[*owner])?.pop();
                // Who is withheld keeps the address.
                let moves_on = !contested.contains_key(owner)
                    && staged.is_some_and(|staged| staged.email.is_some_and(|next| next != key));
                if !moves_on {
                    names.push(*owner);
                }
            }
            names.sort_unstable();
            names.dedup();
            // Of whom nothing new was read, or nothing is decided, the account keeps what it has.
            let mut resting = Vec::new();
            for holder in holders.remove(&key).unwrap_or_default() {
                let decided = match stage.wanted(&[holder])?.pop().map(|staged| staged.wanted) {
                    Some(Wanted::Present(_)) => !contested.contains_key(&holder),
                    Some(Wanted::Leaving(_)) | Some(Wanted::Withheld(_)) | None => false,
                };
                if !decided {
                    resting.push(holder);
                }
            }
            if anchors.len() == 1 && resting.is_empty() && names.iter().all(|name| *name == anchors[0]) {
                continue;
            }
            let wanted: Vec<(StagedWanted, Field, String)> = stage
                .wanted(&anchors)?
                .into_iter()
                .filter(|staged| !contested.contains_key(&staged.anchor))
                .filter_map(|staged| {
                    let Wanted::Present(person) = &staged.wanted else { return None };
                    let (field, value) = place(&person.profile, key)?;
                    let value = value.to_owned();
                    Some((staged, field, value))
                })
                .collect();
            let everybody: Vec<SourceId> = names
                .iter()
                .chain(&resting)
                .copied()
                .chain(wanted.iter().map(|(one, ..)| one.anchor))
                .collect();
            let keeper = match names.is_empty() && resting.is_empty() {
                true => keeper(reader, moved, &wanted, key)?,
                false => None,
            };
            for (staged, field, value) in &wanted {
                let others: Vec<SourceId> =
                    everybody.iter().copied().filter(|other| *other != staged.anchor).collect();
                if others.is_empty() || keeper == Some(staged.anchor) {
                    continue;
                }
                let withheld = explain(staged, *field, value, &dns(stage, reader, &others)?);
                lost.entry(staged.anchor).or_default().push((*field, withheld));
            }
        }
    }
}

/// What is left of a person without the addresses that are withheld: what the account holds there stays.
pub(super) fn without(person: &mut Person, lost: &[(Field, Withheld)], applied: Option<&Profile>) {
    for (field, _) in lost {
        match applied.and_then(|applied| applied.get(field)) {
            Some(kept) => person.profile.insert(*field, kept.clone()),
            None => person.profile.remove(field),
        };
    }
}

/// Where somebody has this alternate address.
fn place(profile: &Profile, key: Key) -> Option<(Field, &str)> {
    ADDRESSES
        .iter()
        .filter_map(|field| Some((*field, profile.get(field)?.as_str())))
        .find(|(_, value)| address_key(value) == key)
}

/// Who has the alternate address already.
fn keeper(
    reader: &Reader,
    moved: &Moved,
    wanted: &[(StagedWanted, Field, String)],
    key: Key,
) -> Result<Option<SourceId>, StoreError> {
    let known: Vec<SourceId> = wanted.iter().map(|(staged, ..)| moved.old(staged.anchor)).collect();
    let rows = reader.rows(&known)?;
    let mut keepers = rows.iter().filter(|row| place(&row.applied.profile, key).is_some());
    Ok(keepers.next().map(|row| moved.now(row.anchor)).filter(|_| keepers.next().is_none()))
}

/// The DNs of people, as read in this pass or as last known.
fn dns(stage: &Stage, reader: &Reader, anchors: &[SourceId]) -> Result<Vec<String>, StoreError> {
    let mut found: HashMap<SourceId, String> =
        reader.rows(anchors)?.into_iter().map(|row| (row.anchor, row.dn)).collect();
    found.extend(stage.wanted(anchors)?.into_iter().map(|staged| (staged.anchor, staged.dn)));
    let name = |anchor: &SourceId| found.get(anchor).cloned().unwrap_or_else(|| anchor.to_string());
    Ok(anchors.iter().map(name).collect())
}

fn explain(staged: &StagedWanted, field: Field, value: &str, others: &[String]) -> Withheld {
    Withheld {
        anchor: Some(staged.anchor),
        dn: staged.dn.clone(),
        code: "duplicate_alias".into(),
        reason: format!(
            "the alternate address {value} ({field}) is also claimed by \"{}\": it is not given, and the person goes on without it",
            others.join("\" and \"")
        ),
        remedy: "give every person an own address in the directory, or map the field from another attribute"
            .into(),
    }
}
