//! Two people, one address: who may go on, and who is withheld.
//!
//! An address belongs to the linked person who already has it. Among newcomers nobody has the
//! better claim, unless the configuration says that the oldest record has; or nobody has one at all.
//! All others are withheld, each with the DNs of all who claim it. Whoever is about to
//! give the address up does not hold it any more. What a stray holds in the cloud is not free.

use std::collections::{BTreeMap, HashMap, HashSet};

use crate::model::{Key, LinkState, SourceId, Wanted, Withheld};
use crate::plan::order::{Readdress, rounds};
use crate::rules::Collisions;
use crate::store::{Reader, Stage, StagedWanted, StoreError};

use super::aliases::{self, Lost};
use super::index::Index;
use super::moved::Moved;
use super::oldest::oldest;
use super::strays::Taken;

/// Staged people looked through at a time.
const CHUNK: usize = 10_000;

/// An address that is free when this pass is over.
pub(super) const NOT_FREE_YET: &str = "address_not_free_yet";

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
    claims.against_aliases()?;
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
    let lost = aliases::settle(stage, reader, moved, &contested, collisions)?;
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
            // An alternate address of one's own is as good: nobody else can get it.
            let holder = match holder {
                None => {
                    let holders = self.reader.alias_owners(&[key])?.into_iter();
                    let mut holders = holders.map(|(_, owner)| self.moved.now(owner));
                    holders.next().filter(|one| holders.next().is_none() && claimants.contains(one))
                }
                some => some,
            };
            let holder = match self.collisions {
                Collisions::Linked => holder,
                Collisions::Nobody => None,
                Collisions::LinkedThenOldest if holder.is_some() => holder,
                Collisions::LinkedThenOldest => {
                    let oldest = oldest(self.stage, &claimants)?;
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

    /// Newcomers, and whoever changes the address, do not get one that another account still has as an
    /// alternate address: the cloud would refuse it in every pass.
    fn against_aliases(&mut self) -> Result<(), StoreError> {
        if self.index.is_empty() {
            return Ok(());
        }
        let mut after = None;
        loop {
            let page = self.stage.email_keys_after(after, CHUNK)?;
            let Some((last, _)) = page.last() else { return Ok(()) };
            after = Some(*last);
            let keys: Vec<Key> = page.iter().map(|(key, _)| *key).collect();
            let held: HashSet<Key> =
                self.reader.alias_owners(&keys)?.into_iter().map(|(key, _)| key).collect();
            for key in held {
                let owners = self.owners(&[key])?;
                for claimant in self.stage.claimants(&[key])? {
                    let holders = self.alias_holders(key, claimant)?;
                    if !holders.is_empty() && owners.iter().all(|(_, owner)| *owner != claimant) {
                        self.lose(claimant, "address_of_alias", Vec::new());
                    }
                }
            }
        }
    }

    /// Whose accounts have this as an alternate address, but for one.
    fn alias_holders(&self, key: Key, but: SourceId) -> Result<Vec<SourceId>, StoreError> {
        let holders = self.reader.alias_owners(&[key])?.into_iter().map(|(_, owner)| self.moved.now(owner));
        Ok(holders.filter(|holder| *holder != but).collect())
    }

    fn against_snapshot(&mut self) -> Result<(), StoreError> {
        if self.index.is_empty() {
            return Ok(());
        }
        let mut after = None;
        loop {
            let mut page = self.stage.email_keys_after(after, CHUNK)?;
            let Some((last, _)) = page.last() else { return Ok(()) };
            after = Some(*last);
            // Who only gets other values has the address already; who else claims it was seen above.
            page.retain(|(_, anchor)| !self.index.is_light(*anchor));
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
            let mut page = self.stage.linked_after(after, CHUNK)?;
            let Some(last) = page.last() else { return Ok(moves) };
            after = Some(last.anchor);
            page.retain(|staged| !self.index.is_light(staged.anchor));
            let anchors: Vec<SourceId> = page.iter().map(|staged| self.moved.old(staged.anchor)).collect();
            let known = self.reader.emails_of(&anchors)?.into_iter();
            let from: HashMap<SourceId, Key> =
                known.map(|(anchor, email)| (self.moved.now(anchor), email)).collect();
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
            if *code == "address_of_alias" {
                out.insert(*anchor, self.held_as_alias(&staged, others)?);
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

    /// Why somebody does not get an address that another account has as an alternate one.
    fn held_as_alias(&self, staged: &StagedWanted, rivals: &[SourceId]) -> Result<Withheld, StoreError> {
        let Some(key) = staged.email else { return Ok(withheld(staged, "address_of_alias", &[])) };
        let holders = self.alias_holders(key, staged.anchor)?;
        let mut given_up = true;
        for holder in &holders {
            given_up &= !self.losers.contains_key(holder) && aliases::gives_up(self.stage, *holder, key)?;
        }
        let rivals = rivals.iter().filter(|rival| !holders.contains(rival));
        let rivals: Vec<String> = rivals.map(|rival| self.name(*rival)).collect::<Result<_, _>>()?;
        let names: Vec<String> = holders.iter().map(|holder| self.name(*holder)).collect::<Result<_, _>>()?;
        let code = if given_up && rivals.is_empty() { NOT_FREE_YET } else { "address_of_alias" };
        let mut withheld = withheld(staged, code, &names);
        if !rivals.is_empty() {
            withheld.reason.push_str(&format!("; it is also claimed by \"{}\"", rivals.join("\" and \"")));
        }
        Ok(withheld)
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
        "address_of_alias" => (
            format!("the e-mail address {email} is an alternate address of the account of \"{others}\""),
            "take it from the alternate addresses there, in the directory, or give this person another address"
                .to_owned(),
        ),
        NOT_FREE_YET => (
            format!(
                "the e-mail address {email} is still an alternate address of the account of \"{others}\", who gives it \
                 up in this pass"
            ),
            "nothing is to be done: the next pass gives it".to_owned(),
        ),
        _ => (
            format!("the e-mail address {email} is also claimed by \"{others}\""),
            "give every person an own address in the directory".to_owned(),
        ),
    };
    Withheld { anchor: Some(staged.anchor), dn: staged.dn.clone(), code: code.into(), reason, remedy }
}
