//! Somebody moved to another domain, and has another anchor there: the value that identifies
//! people in all sources (`people.join`) says whose account goes along.
//!
//! A new record is that of somebody known when it alone has the value of one linked person, and
//! that person's own record is gone, or says that the person left. Where both are there, or
//! where nobody knows, nothing is done about the newcomer, and nobody is created twice.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use crate::model::{Key, LinkState, SourceId, Wanted, Withheld};
use crate::rules::Rules;
use crate::store::{Reader, Stage, StoreError};

use super::index::Index;

/// Values looked through at a time.
const CHUNK: usize = 10_000;

/// Who is known under another anchor.
#[derive(Debug, Default)]
pub struct Moved {
    /// By the new anchor, the one under which the snapshot knows the person.
    from: HashMap<SourceId, SourceId>,
    to: HashMap<SourceId, SourceId>,
    withheld: HashMap<SourceId, Withheld>,
}

impl Moved {
    /// Finds out who moved. They count as linked in the stage from here on.
    ///
    /// # Errors
    ///
    /// When the spool or the store failed.
    pub fn find(
        rules: &Rules,
        stage: &mut Stage,
        reader: &Reader,
        index: &Index,
        whole: bool,
    ) -> Result<Self, StoreError> {
        let mut search = Search { stage, reader, index, whole, found: Self::default() };
        if rules.joins() {
            search.all()?;
        }
        let Search { found, .. } = search;
        stage.recognise(found.from.keys().copied())?;
        stage.silence(found.withheld.keys().copied())?;
        Ok(found)
    }

    /// The anchor under which the snapshot knows somebody.
    pub fn old(&self, anchor: SourceId) -> SourceId {
        self.from.get(&anchor).copied().unwrap_or(anchor)
    }

    /// The anchor that somebody whom the snapshot knows has now.
    pub fn now(&self, anchor: SourceId) -> SourceId {
        self.to.get(&anchor).copied().unwrap_or(anchor)
    }

    /// Whether this is the new anchor of somebody.
    pub fn is_new(&self, anchor: SourceId) -> bool {
        self.from.contains_key(&anchor)
    }

    /// Everybody who moved: the new anchor, and the old one.
    pub fn all(&self) -> impl Iterator<Item = (SourceId, SourceId)> {
        self.from.iter().map(|(new, old)| (*new, *old))
    }

    /// Why nothing is done about somebody.
    pub fn withheld(&self, anchor: SourceId) -> Option<&Withheld> {
        self.withheld.get(&anchor)
    }
}

/// What is known about the record of a linked person.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Record {
    /// It is there, and wants the account.
    Here,
    /// It is gone, or says that the person left.
    Left,
    /// Its source did not say.
    Unknown,
}

struct Search<'a> {
    stage: &'a Stage,
    reader: &'a Reader,
    index: &'a Index,
    whole: bool,
    found: Moved,
}

impl Search<'_> {
    fn all(&mut self) -> Result<(), StoreError> {
        let mut after = None;
        loop {
            let page = self.stage.join_claims_after(after, CHUNK)?;
            let Some((last, _)) = page.last() else { return Ok(()) };
            after = Some(*last);
            let mut owners: BTreeMap<Key, Vec<SourceId>> = BTreeMap::new();
            if !self.index.is_empty() {
                let keys: Vec<Key> = page.iter().map(|(key, _)| *key).collect();
                for (key, owner) in self.reader.joined(&keys)? {
                    owners.entry(key).or_default().push(owner);
                }
            }
            for (key, claims) in page {
                let new: Vec<SourceId> =
                    claims.iter().filter(|(_, linked)| !linked).map(|(anchor, _)| *anchor).collect();
                let mut known: BTreeSet<SourceId> =
                    claims.iter().filter(|(_, linked)| *linked).map(|(anchor, _)| *anchor).collect();
                for owner in owners.remove(&key).unwrap_or_default() {
                    if self.still_claims(owner, key)? {
                        known.insert(owner);
                    }
                }
                if new.len() > 1 || !known.is_empty() {
                    self.decide(&new, known.into_iter().collect())?;
                }
            }
        }
    }

    /// Whether somebody is known by a value of which the record does not say that it is another's.
    fn still_claims(&self, owner: SourceId, key: Key) -> Result<bool, StoreError> {
        let staged = self.stage.wanted(&[owner])?.pop();
        Ok(staged.is_none_or(|staged| {
            // Whoever leaves is often stripped of the value.
            let present = matches!(staged.wanted, Wanted::Present(_));
            staged.joined.map_or(!present, |now| now == key)
        }))
    }

    fn decide(&mut self, new: &[SourceId], known: Vec<SourceId>) -> Result<(), StoreError> {
        let mut left = Vec::new();
        let (mut here, mut unknown) = (false, false);
        for anchor in &known {
            match self.record(*anchor)? {
                Record::Here => here = true,
                Record::Unknown => unknown = true,
                Record::Left => left.push(*anchor),
            }
        }
        let code = if here || new.len() > 1 {
            "duplicate_join"
        } else if unknown {
            "join_waits"
        } else {
            // Whoever left for good before, under the same value, is not who leaves now.
            let rows = self.reader.rows(&left)?;
            let active: Vec<SourceId> =
                rows.iter().filter(|row| row.state == LinkState::Present).map(|row| row.anchor).collect();
            let one = match (active.as_slice(), left.as_slice()) {
                ([one], _) | ([], [one]) => Some(*one),
                _ => None,
            };
            match (new, one) {
                ([new], Some(old)) if self.is_wanted(*new)? => {
                    self.found.from.insert(*new, old);
                    self.found.to.insert(old, *new);
                    return Ok(());
                }
                // The rules withhold the newcomer, and the account waits with them.
                ([_], Some(_)) => "join_waits",
                _ => "duplicate_join",
            }
        };
        let everybody: Vec<SourceId> = new.iter().chain(&known).copied().collect();
        for anchor in new {
            if self.is_wanted(*anchor)? {
                self.withhold(*anchor, code, &everybody)?;
            }
        }
        // Of two who may be the person, one is: the account is kept for them.
        if !here && !unknown {
            for anchor in left {
                self.withhold(anchor, code, &everybody)?;
            }
        }
        Ok(())
    }

    fn record(&self, anchor: SourceId) -> Result<Record, StoreError> {
        if let Some(staged) = self.stage.wanted(&[anchor])?.pop() {
            return Ok(match staged.wanted {
                Wanted::Present(_) | Wanted::Withheld(_) => Record::Here,
                Wanted::Leaving(_) => Record::Left,
            });
        }
        Ok(match self.index.find(anchor) {
            Some(at) if self.index.unusable.get(at) => Record::Unknown,
            Some(at) if self.index.is_left(at) => Record::Left,
            Some(at) if self.index.met.get(at) => Record::Here,
            Some(_) if self.whole => Record::Left,
            Some(_) | None => Record::Unknown,
        })
    }

    /// Whether somebody is to be in the cloud, as far as the rules can say.
    fn is_wanted(&self, anchor: SourceId) -> Result<bool, StoreError> {
        let staged = self.stage.wanted(&[anchor])?.pop();
        Ok(staged.is_some_and(|staged| matches!(staged.wanted, Wanted::Present(_))))
    }

    fn withhold(
        &mut self,
        anchor: SourceId,
        code: &'static str,
        everybody: &[SourceId],
    ) -> Result<(), StoreError> {
        let others = everybody
            .iter()
            .filter(|other| **other != anchor)
            .map(|other| self.name(*other))
            .collect::<Result<Vec<_>, _>>()?
            .join("\" and \"");
        let dn = self.name(anchor)?;
        let is_new = self.index.find(anchor).is_none();
        let (reason, remedy) = match (code, is_new) {
            ("duplicate_join", true) => (
                format!("the value that identifies this person (people.join) is also that of \"{others}\""),
                "give every person a value of their own in the directory, or take the entry that is not used any more \
                 out of it",
            ),
            ("duplicate_join", false) => (
                format!(
                    "the person left, and the value that identifies them (people.join) is that of \"{others}\": the \
                     account may be theirs, and is left as it is"
                ),
                "give every person a value of their own in the directory",
            ),
            (_, true) => (
                format!(
                    "the value that identifies this person (people.join) is that of \"{others}\", of whom was not \
                     read whether they are still there"
                ),
                "nothing, if the other domain answers again: the next complete read decides whether this is a move",
            ),
            (_, false) => (
                format!(
                    "the person left, and the value that identifies them (people.join) is that of \"{others}\", who is \
                     withheld: the account is left as it is"
                ),
                "mend what withholds the other entry: the account then goes along",
            ),
        };
        let withheld =
            Withheld { anchor: Some(anchor), dn, code: code.into(), reason, remedy: remedy.into() };
        self.found.withheld.insert(anchor, withheld);
        Ok(())
    }

    /// The DN of somebody, as read in this pass or as last known.
    fn name(&self, anchor: SourceId) -> Result<String, StoreError> {
        if let Some(staged) = self.stage.wanted(&[anchor])?.pop() {
            return Ok(staged.dn);
        }
        Ok(self.reader.rows(&[anchor])?.pop().map_or_else(|| anchor.to_string(), |row| row.dn))
    }
}
