//! Two people, one address: who may go on, and who is withheld.
//!
//! An address belongs to the linked person who already has it. Among newcomers nobody has the
//! better claim, unless the configuration says that the oldest record has; or nobody has one at all.
//! All others are withheld, each with the DNs of all who claim it. Whoever is about to
//! give the address up does not hold it any more. What a stray holds in the cloud is not free.

use std::collections::{BTreeMap, HashMap};

use crate::model::{Key, LinkState, SourceId, Wanted, Withheld};
use crate::plan::order::{Readdress, rounds};
use crate::rules::Collisions;
use crate::store::{Reader, Stage, StagedWanted, StoreError};

use super::aliases::{self, Lost};
use super::index::Index;
use super::moved::Moved;
use super::strays::Taken;

/// Staged people looked through at a time.
const CHUNK: usize = 10_000;

/// The outcome for all addresses of a pass.
#[derive(Default)]
pub struct Addresses {
    /// People who are withheld over an address.
    pub contested: HashMap<SourceId, Withheld>,
    /// Linked people who change their address, in rounds that free before they take.
    pub rounds: Vec<Vec<SourceId>>,
    /// Values that people go on without.
    pub lost: Lost,
}

impl Addresses {
    /// Adds values that the rules withhold.
    pub fn without(mut self, unfit: &Lost) -> Self {
        for (anchor, values) in unfit {
            self.lost.entry(*anchor).or_default().extend_from_slice(values);
        }
        self
    }
}

/// Finds all contests over addresses; `moved` are those who have another anchor now, and `taken` the
/// addresses of accounts that no record claims.
pub fn settle(
    stage: &Stage,
    reader: &Reader,
    index: &Index,
    moved: &Moved,
    taken: &Taken,
    collisions: Collisions,
) -> Result<Addresses, StoreError> {
    let mut claims = Claims {
        stage,
        reader,
        index,
        moved,
        taken,
        collisions,
        losers: BTreeMap::new(),
        oldest: HashMap::new(),
    };
    for anchor in taken.keys() {
        claims.lose(*anchor, "address_of_stray", Vec::new());
    }
    claims.among_staged()?;
    // Whoever loses keeps the old address, so that somebody else may lose it in turn.
    let rounds = loop {
        let losers = claims.losers.len();
        claims.against_snapshot()?;
        let moves = claims.moves()?;
        let (rounds, circles) = rounds(&moves);
        let target: HashMap<SourceId, Key> = moves.iter().map(|m| (m.anchor, m.to)).collect();
        let holder: HashMap<Key, SourceId> = moves.iter().map(|m| (m.from, m.anchor)).collect();
        for anchor in circles {
            let other = target.get(&anchor).and_then(|key| holder.get(key)).copied();
            claims.lose(anchor, "address_swap", other.into_iter().collect());
        }
        if claims.losers.len() == losers {
            break rounds;
        }
    };
    let contested = claims.explain()?;
    let lost = aliases::settle(stage, reader, moved, &contested)?;
    Ok(Addresses { contested, rounds, lost })
}

struct Claims<'a> {
    stage: &'a Stage,
    reader: &'a Reader,
    index: &'a Index,
    moved: &'a Moved,
    taken: &'a Taken,
    collisions: Collisions,
    losers: BTreeMap<SourceId, (&'static str, Vec<SourceId>)>,
    /// Who goes on although nobody has the address yet.
    oldest: HashMap<Key, SourceId>,
}

impl Claims<'_> {
    fn lose(&mut self, anchor: SourceId, code: &'static str, others: Vec<SourceId>) {
        let entry = self.losers.entry(anchor).or_insert((code, Vec::new()));
        entry.1.extend(others);
        entry.1.sort_unstable();
        entry.1.dedup();
    }

    fn among_staged(&mut self) -> Result<(), StoreError> {
        for (key, claimants) in self.stage.email_claims()? {
            let holders = self.owners(&[key])?;
            let holder = holders.iter().map(|(_, anchor)| *anchor).find(|anchor| claimants.contains(anchor));
            let holder = match self.collisions {
                Collisions::Linked => holder,
                Collisions::Nobody => None,
                Collisions::LinkedThenOldest if holder.is_some() => holder,
                Collisions::LinkedThenOldest => {
                    let oldest = self.oldest(&claimants)?;
                    self.oldest.extend(oldest.map(|oldest| (key, oldest)));
                    oldest
                }
            };
            for anchor in &claimants {
                if Some(*anchor) != holder {
                    let others = claimants.iter().copied().filter(|other| other != anchor).collect();
                    self.lose(*anchor, "duplicate_email", others);
                }
            }
        }
        Ok(())
    }

    /// Of people of whom nobody has the address: the linked before the new, and of those the one whose
    /// record is older than any other. `None` where the directory does not tell.
    fn oldest(&self, claimants: &[SourceId]) -> Result<Option<SourceId>, StoreError> {
        let staged = self.stage.wanted(claimants)?;
        let any_linked = staged.iter().any(|one| one.linked);
        let first: Vec<SourceId> =
            staged.iter().filter(|one| one.linked == any_linked).map(|one| one.anchor).collect();
        if let [only] = first.as_slice() {
            return Ok(Some(*only));
        }
        let ages = self.stage.ages(&first)?;
        let Some(least) = ages.values().min() else { return Ok(None) };
        let mut oldest = ages.iter().filter(|(_, age)| *age == least).map(|(anchor, _)| *anchor);
        // Of two made in the same second, or unknown in age, none is the older one.
        let one = oldest.next().filter(|_| ages.len() == first.len());
        Ok(one.filter(|_| oldest.next().is_none()))
    }

    fn against_snapshot(&mut self) -> Result<(), StoreError> {
        if self.index.is_empty() {
            return Ok(());
        }
        let mut after = None;
        loop {
            let page = self.stage.email_keys_after(after, CHUNK)?;
            let Some((last, _)) = page.last() else { return Ok(()) };
            after = Some(*last);
            let keys: Vec<Key> = page.iter().map(|(key, _)| *key).collect();
            let owners: HashMap<Key, SourceId> = self.owners(&keys)?.into_iter().collect();
            let taken: Vec<(SourceId, SourceId, Key)> = page
                .iter()
                .map(|(key, anchor)| (*key, self.oldest.get(key).copied().unwrap_or(*anchor)))
                .filter_map(|(key, anchor)| Some((anchor, *owners.get(&key)?, key)))
                .filter(|(anchor, owner, _)| anchor != owner)
                .collect();
            for (anchor, owner, key) in taken {
                if !self.gives_up(owner, key)? {
                    let gone = match self.index.find(owner) {
                        _ if self.moved.is_new(owner) => false,
                        Some(at) => !self.index.met.get(at),
                        None => {
                            let rows = self.reader.rows(&[owner])?;
                            rows.first().is_none_or(|row| row.state != LinkState::Present)
                        }
                    };
                    self.oldest.remove(&key);
                    let code = if gone { "address_of_leaver" } else { "duplicate_email" };
                    let mut all = self.stage.claimants(&[key])?;
                    all.push(owner);
                    // Everybody else who claims it hears of the owner, too.
                    for one in all.iter().copied().filter(|one| *one != owner) {
                        if one == anchor || self.losers.contains_key(&one) {
                            let others = all.iter().copied().filter(|other| *other != one).collect();
                            self.lose(one, code, others);
                        }
                    }
                }
            }
        }
    }

    /// Who has these addresses, each under the anchor of now.
    fn owners(&self, keys: &[Key]) -> Result<Vec<(Key, SourceId)>, StoreError> {
        let owners = self.reader.email_owners(keys)?.into_iter();
        Ok(owners.map(|(key, owner)| (key, self.moved.now(owner))).collect())
    }

    /// Whether the owner of an address is about to take another one.
    fn gives_up(&self, owner: SourceId, key: Key) -> Result<bool, StoreError> {
        if self.losers.contains_key(&owner) {
            return Ok(false);
        }
        Ok(self
            .stage
            .wanted(&[owner])?
            .first()
            .and_then(|staged| staged.email)
            .is_some_and(|next| next != key))
    }

    /// Linked people who change their address.
    fn moves(&self) -> Result<Vec<Readdress>, StoreError> {
        let mut moves = Vec::new();
        let mut after = None;
        loop {
            let page = self.stage.wanted_after(true, after, CHUNK)?;
            let Some(last) = page.last() else { return Ok(moves) };
            after = Some(last.anchor);
            let anchors: Vec<SourceId> = page.iter().map(|staged| self.moved.old(staged.anchor)).collect();
            let rows = self.reader.rows(&anchors)?;
            let from: HashMap<SourceId, Key> =
                rows.iter().map(|row| (self.moved.now(row.anchor), row.applied.email.key())).collect();
            moves.extend(page.iter().filter(|staged| !self.losers.contains_key(&staged.anchor)).filter_map(
                |staged| {
                    let (from, to) = (*from.get(&staged.anchor)?, staged.email?);
                    (from != to).then_some(Readdress { anchor: staged.anchor, from, to })
                },
            ));
        }
    }

    fn explain(&self) -> Result<HashMap<SourceId, Withheld>, StoreError> {
        let mut out = HashMap::new();
        for (anchor, (code, others)) in &self.losers {
            let Some(staged) = self.stage.wanted(&[*anchor])?.into_iter().next() else { continue };
            let stray = self.taken.get(anchor).filter(|_| *code == "address_of_stray");
            if let Some(stray) = stray {
                out.insert(*anchor, withheld(&staged, code, std::slice::from_ref(stray)));
                continue;
            }
            let names: Vec<String> =
                others.iter().map(|other| self.name(*other)).collect::<Result<_, _>>()?;
            let mut withheld = withheld(&staged, code, &names);
            let winner =
                staged.email.and_then(|key| self.oldest.get(&key)).filter(|_| *code == "duplicate_email");
            if let Some(winner) = winner.filter(|winner| !self.losers.contains_key(winner)) {
                withheld
                    .reason
                    .push_str(&format!("; \"{}\" goes on (people.collisions)", self.name(*winner)?));
            }
            out.insert(*anchor, withheld);
        }
        Ok(out)
    }

    /// The DN of somebody, as read in this pass or as last known.
    fn name(&self, anchor: SourceId) -> Result<String, StoreError> {
        if let Some(staged) = self.stage.wanted(&[anchor])?.into_iter().next() {
            return Ok(staged.dn);
        }
        Ok(self.reader.rows(&[anchor])?.into_iter().next().map_or_else(|| anchor.to_string(), |row| row.dn))
    }
}

fn withheld(staged: &StagedWanted, code: &'static str, others: &[String]) -> Withheld {
    let email = match &staged.wanted {
        Wanted::Present(person) => person.email.as_str(),
        Wanted::Leaving(_) | Wanted::Withheld(_) => "",
    };
    let others = others.join("\" and \"");
    let (reason, remedy) = match code {
        "address_swap" => (
            format!(
                "the e-mail address {email} is still held by \"{others}\", who is to get another one in a circle"
            ),
            "give one of them an address that nobody uses, sync, and then the final one".to_owned(),
        ),
        "address_of_stray" => (
            format!("the e-mail address {email} is held in the cloud by account {others}, which no record claims"),
            "delete that account in the cloud, give it another address, or give the person another one in the directory"
                .to_owned(),
        ),
        "address_of_leaver" => (
            format!("the e-mail address {email} belongs to the account of a leaver, \"{others}\""),
            "delete or rename the leaver's account in the cloud, or give the newcomer another address"
                .to_owned(),
        ),
        _ => (
            format!("the e-mail address {email} is also claimed by \"{others}\""),
            "give every person an own address in the directory".to_owned(),
        ),
    };
    Withheld { anchor: Some(staged.anchor), dn: staged.dn.clone(), code: code.into(), reason, remedy }
}
