//! An alternate address that somebody else has, or claims as well: the address is withheld, and not
//! the person.
//!
//! A user name comes before an alternate address. Of several with one alternate address, whoever has
//! it already keeps it; else `people.collisions` says who gets it. An address is given when no other
//! account has it any more, as last confirmed: who gives one up in a pass makes room for the next.
//! What an account holds where an address is withheld stays, unless somebody else is to get that.

use std::collections::HashMap;

use crate::model::{
    ADDRESSES, ALIAS_NOT_FREE_YET, Field, Key, Person, Profile, SourceId, Wanted, Withheld, address_key,
};
use crate::rules::Collisions;
use crate::store::{Reader, Stage, StagedWanted, StoreError};

use super::moved::Moved;
use super::oldest::oldest;

/// Addresses looked through at a time.
const CHUNK: usize = 5_000;

/// The values that people go on without, by whom they were for: alternate addresses that collide, and what
/// the cloud would refuse.
pub type Lost = HashMap<SourceId, Vec<LostValue>>;

/// A value that somebody does not get.
#[derive(Clone, Debug)]
pub struct LostValue {
    /// Where it was to stand.
    pub field: Field,
    /// Why.
    pub withheld: Withheld,
    /// Whether what the account holds there has to go, as somebody else is to get it.
    pub awaited: bool,
}

/// Finds the alternate addresses that collide; `contested` are people withheld as a whole.
pub(super) fn settle(
    stage: &Stage,
    reader: &Reader,
    moved: &Moved,
    contested: &HashMap<SourceId, Withheld>,
    collisions: Collisions,
) -> Result<Lost, StoreError> {
    let all = All { stage, reader, moved, contested, collisions };
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
            let has = holders.remove(&key).unwrap_or_default();
            all.one(key, &anchors, owners.get(&key).copied(), has, &mut lost)?;
        }
    }
}

/// Whether somebody who has an alternate address is to be without it.
pub(super) fn gives_up(stage: &Stage, holder: SourceId, key: Key) -> Result<bool, StoreError> {
    Ok(match stage.wanted(&[holder])?.pop().map(|staged| staged.wanted) {
        Some(Wanted::Present(person)) => person.email.key() == key || place(&person.profile, key).is_none(),
        // Of whom nothing new was read, or nothing is decided, the account keeps what it has.
        Some(Wanted::Leaving(_)) | Some(Wanted::Withheld(_)) | None => false,
    })
}

struct All<'a> {
    stage: &'a Stage,
    reader: &'a Reader,
    moved: &'a Moved,
    contested: &'a HashMap<SourceId, Withheld>,
    collisions: Collisions,
}

impl All<'_> {
    /// Decides about one address: who claims it as an alternate one, who has it as a user name, and
    /// whose accounts have it as an alternate one.
    fn one(
        &self,
        key: Key,
        anchors: &[SourceId],
        owner: Option<SourceId>,
        has: Vec<SourceId>,
        lost: &mut Lost,
    ) -> Result<(), StoreError> {
        let Self { stage, contested, .. } = *self;
        // Linked or new, these are to have it as their user name.
        let mut names = stage.claimants(&[key])?;
        // Who is about to have it no more.
        let mut leaving = Vec::new();
        if let Some(owner) = owner {
            let staged = stage.wanted(&[owner])?.pop();
            // Who is withheld keeps the address.
            let moves_on = !contested.contains_key(&owner)
                && staged.is_some_and(|staged| staged.email.is_some_and(|next| next != key));
            if moves_on { &mut leaving } else { &mut names }.push(owner);
        }
        names.sort_unstable();
        names.dedup();
        let mut resting = Vec::new();
        for holder in &has {
            if contested.contains_key(holder) || !self.decides(*holder)? {
                resting.push(*holder);
            } else if gives_up(stage, *holder, key)? {
                leaving.push(*holder);
            }
        }
        let alone = anchors.len() == 1 && resting.is_empty() && leaving.iter().all(|one| *one == anchors[0]);
        if alone && names.iter().all(|name| *name == anchors[0]) {
            return Ok(());
        }
        let wanted: Vec<(StagedWanted, Field, String)> = stage
            .wanted(anchors)?
            .into_iter()
            .filter(|staged| !contested.contains_key(&staged.anchor))
            .filter_map(|staged| {
                let Wanted::Present(person) = &staged.wanted else { return None };
                let (field, value) = place(&person.profile, key)?;
                let value = value.to_owned();
                Some((staged, field, value))
            })
            .collect();
        let everybody: Vec<SourceId> =
            names.iter().chain(&resting).copied().chain(wanted.iter().map(|(one, ..)| one.anchor)).collect();
        let free = names.is_empty() && resting.is_empty();
        let winner = match self.collisions {
            _ if !free => None,
            Collisions::Nobody => None,
            Collisions::Linked => self.keeper(&wanted, &has),
            Collisions::LinkedThenOldest => match self.keeper(&wanted, &has) {
                Some(keeper) => Some(keeper),
                None => oldest(stage, &wanted.iter().map(|(one, ..)| one.anchor).collect::<Vec<_>>())?,
            },
        };
        // One alone collides with nobody.
        let winner = winner.or_else(|| only(wanted.iter().map(|(one, ..)| one.anchor)).filter(|_| free));
        for (staged, field, value) in &wanted {
            let anchor = staged.anchor;
            let mut others: Vec<SourceId> =
                everybody.iter().copied().filter(|other| *other != anchor).collect();
            others.sort_unstable();
            others.dedup();
            let withheld = if others.is_empty() || winner == Some(anchor) {
                let still: Vec<SourceId> = leaving.iter().copied().filter(|other| *other != anchor).collect();
                if still.is_empty() || has.contains(&anchor) {
                    continue;
                }
                not_yet(staged, *field, value, &self.dns(&still)?)
            } else {
                let holder = resting.first().copied().or(winner.filter(|one| has.contains(one)));
                let (who, words) = if let Some(owner) = owner.filter(|owner| names.contains(owner)) {
                    (owner, "has it as the e-mail address")
                } else if let Some(holder) = holder {
                    (holder, "has it already")
                } else if let Some(name) = names.first() {
                    (*name, "is to have it as the e-mail address")
                } else if let Some(winner) = winner {
                    (winner, "gets it (people.collisions)")
                } else {
                    (anchor, "nobody gets it (people.collisions)")
                };
                let end = match who == anchor {
                    true => words.to_owned(),
                    false => format!("\"{}\" {words}", self.dns(&[who])?.join("")),
                };
                taken(staged, *field, value, &self.dns(&others)?, &end)
            };
            let awaited = self.is_awaited(anchor, *field, key)?;
            lost.entry(anchor).or_default().push(LostValue { field: *field, withheld, awaited });
        }
        Ok(())
    }

    /// Whether this pass decides about somebody.
    fn decides(&self, anchor: SourceId) -> Result<bool, StoreError> {
        let staged = self.stage.wanted(&[anchor])?.pop();
        Ok(staged.is_some_and(|staged| matches!(staged.wanted, Wanted::Present(_))))
    }

    /// Who has the alternate address already, and is to keep it.
    fn keeper(&self, wanted: &[(StagedWanted, Field, String)], has: &[SourceId]) -> Option<SourceId> {
        only(wanted.iter().map(|(one, ..)| one.anchor).filter(|one| has.contains(one)))
    }

    /// Whether what an account holds in a field is an address that somebody else is to get.
    fn is_awaited(&self, anchor: SourceId, field: Field, instead: Key) -> Result<bool, StoreError> {
        let row = self.reader.rows(&[self.moved.old(anchor)])?.pop();
        let Some(held) = row.and_then(|row| row.applied.profile.get(&field).map(|held| address_key(held)))
        else {
            return Ok(false);
        };
        let mut others = self.stage.claimants(&[held])?;
        others.extend(self.stage.alias_claimants(held)?);
        Ok(held != instead && others.iter().any(|other| *other != anchor))
    }

    /// The DNs of people, as read in this pass or as last known.
    fn dns(&self, anchors: &[SourceId]) -> Result<Vec<String>, StoreError> {
        let known: Vec<SourceId> = anchors.iter().map(|anchor| self.moved.old(*anchor)).collect();
        let mut found: HashMap<SourceId, String> =
            self.reader.rows(&known)?.into_iter().map(|row| (self.moved.now(row.anchor), row.dn)).collect();
        found.extend(self.stage.wanted(anchors)?.into_iter().map(|staged| (staged.anchor, staged.dn)));
        let name = |anchor: &SourceId| found.get(anchor).cloned().unwrap_or_else(|| anchor.to_string());
        Ok(anchors.iter().map(name).collect())
    }
}

/// The one of several, when there is exactly one.
fn only(mut all: impl Iterator<Item = SourceId>) -> Option<SourceId> {
    all.next().filter(|_| all.next().is_none())
}

/// What is left of a person without the addresses that are withheld.
pub(super) fn without(person: &mut Person, lost: &[LostValue], applied: Option<&Profile>) {
    for LostValue { field, awaited, .. } in lost {
        match applied.and_then(|applied| applied.get(field)).filter(|_| !awaited) {
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

fn taken(staged: &StagedWanted, field: Field, value: &str, others: &[String], end: &str) -> Withheld {
    Withheld {
        anchor: Some(staged.anchor),
        dn: staged.dn.clone(),
        code: "duplicate_alias".into(),
        reason: format!(
            "the alternate address {value} ({field}) is also claimed by \"{}\"; {end}; this person goes on without it",
            others.join("\" and \"")
        ),
        remedy: "give every person an own address in the directory, or map the field from another attribute"
            .into(),
    }
}

fn not_yet(staged: &StagedWanted, field: Field, value: &str, others: &[String]) -> Withheld {
    Withheld {
        anchor: Some(staged.anchor),
        dn: staged.dn.clone(),
        code: ALIAS_NOT_FREE_YET.into(),
        reason: format!(
            "the alternate address {value} ({field}) is still held by the account of \"{}\", who gives it up in this pass",
            others.join("\" and \"")
        ),
        remedy: "nothing is to be done: the next pass gives it".into(),
    }
}
