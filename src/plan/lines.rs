//! Who gets which number and extension: a ledger for the time of one plan, beside that of seats.
//!
//! An extension is unique at its location, a number everywhere. Of several who claim one, whoever
//! has it already goes on, and else whom the configuration says; all are named. What is taken from
//! a pool is claimed by nobody else, whoever comes first: nothing is taken while that is not known.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use crate::model::{Attr, CloudId, InUse, Kind, LicenseId, Line, Person, SourceId, Telephone, Withheld};

use super::case::{Case, Seen, Wish};
use super::decide::{Decision, WANTING};
use super::pools::{self, Pool, Pools};
use super::seats::Seats;
use super::tenure::Tenure;

/// The reason given when a calling licence cannot be given as things are.
pub const NO_LINE: &str =
    "a calling licence waits for a location and a number or extension that can be given";

/// The code of somebody who goes on without a licence.
pub const NOT_GIVEN: &str = "license_not_given";

/// Several people claim one number or extension.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Dispute {
    /// Everybody who claims it, with the DN; sorted.
    pub claimants: Vec<(SourceId, String)>,
    /// Who goes on although nobody has it yet.
    pub winner: Option<SourceId>,
    /// Whether not even whoever has it is given it.
    pub nobody: bool,
}

/// Who claims what, beside what is in use.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Disputes {
    /// By place and extension; by nothing and number.
    pub all: BTreeMap<(String, String), Dispute>,
    /// The DNs of those who have a number or extension that somebody else claims.
    pub owners: BTreeMap<CloudId, String>,
    /// By place, the extensions in the ranges of pools that somebody claims, if only one.
    pub kept: BTreeMap<String, BTreeSet<u32>>,
    /// Whether somebody may claim more, whose record was not read in this pass.
    pub unread: bool,
}

/// Numbers and extensions in use.
#[derive(Clone, Debug, Default)]
pub struct Lines {
    /// By place and extension; by nothing and number. With who has it.
    taken: BTreeMap<(String, String), Option<CloudId>>,
    /// What was given in this plan, with the DN of the person, or the address where it is not known.
    given: BTreeMap<(String, String), String>,
    disputes: Arc<Disputes>,
    /// Whether the cloud told what is in use: without it nothing is taken from a pool.
    known: bool,
    /// Nobody gets anything yet.
    asks_only: bool,
    /// Who asks for something out of a pool, or who gets it where there is too little.
    pools: Pools,
}

impl Lines {
    /// The ledger as the cloud opens it; `None` when it does not tell.
    pub fn open(in_use: Option<&[InUse]>) -> Self {
        let mut taken = BTreeMap::new();
        for one in in_use.unwrap_or_default() {
            if let (Some(place), Some(extension)) = (&one.place, &one.extension) {
                taken.insert((place.clone(), extension.clone()), one.owner.clone());
            }
            if let Some(phone) = &one.phone {
                taken.insert((String::new(), phone.clone()), one.owner.clone());
            }
        }
        Self { taken, known: in_use.is_some(), ..Self::default() }
    }

    /// The same, with what several people claim.
    pub fn disputed(self, disputes: Disputes) -> Self {
        Self { disputes: Arc::new(disputes), ..self }
    }

    /// Whether a number or extension is in use, and by whom.
    pub fn owner(&self, key: &(String, String)) -> Option<Option<&CloudId>> {
        self.taken.get(key).map(Option::as_ref)
    }

    /// The same for a walk in which nobody gets anything yet: what one could have, another could, too.
    /// While it is not known who gets a seat, nobody takes a number from anybody.
    pub fn asking(&self) -> Self {
        Self { asks_only: true, ..self.clone() }
    }

    /// The same, where it is settled who gets something out of a pool.
    pub fn pooled(&self, pools: Pools) -> Self {
        Self { pools, ..self.clone() }
    }

    /// Who asked for something out of a pool.
    pub fn pools(&mut self) -> Pools {
        std::mem::take(&mut self.pools)
    }

    /// Gives the calling licences of a decision their telephones. Those that cannot have one
    /// are taken out of it, their seats are given back, and they are returned.
    pub fn settle(
        &mut self,
        case: &Case,
        decision: &mut Decision,
        tenure: &Tenure,
        seats: &mut Seats,
    ) -> Vec<Withheld> {
        let Wish::Present(person) = &case.wish else { return Vec::new() };
        let calling = |id: &LicenseId| tenure.is_calling(id);
        let refusal = |(reason, remedy): (String, String)| Withheld {
            anchor: Some(case.anchor),
            dn: case.dn.clone().or_else(|| case.row.as_ref().map(|row| row.dn.clone())).unwrap_or_default(),
            code: NOT_GIVEN.into(),
            reason: format!("the calling licence is not given to {}: {reason}", person.email),
            remedy,
        };
        let mut withheld = Vec::new();
        let mut without: BTreeSet<LicenseId> = BTreeSet::new();
        for action in decision.actions.iter_mut().filter(|action| action.kind == Kind::LicenseAdd) {
            // One calling licence for another: the telephone stays.
            let exchange = action.changes.iter().any(|change| {
                matches!(&change.field, Attr::License(id) if calling(id)) && change.to.is_none()
            });
            let mut refused: BTreeSet<LicenseId> = BTreeSet::new();
            for change in &mut action.changes {
                let Attr::License(id) = &change.field else { continue };
                if change.to.is_none() || !calling(id) || exchange {
                    continue;
                }
                match self.pooled_telephone(case, person, id, seats, true) {
                    Ok(telephone) => change.to = Some(telephone.to_string()),
                    Err(why) => {
                        refused.insert(id.clone());
                        withheld.push(refusal(why));
                    }
                }
            }
            if !refused.is_empty() {
                // What is of no use without a telephone is not asked for either.
                decision.waiting.retain(|(id, _)| !tenure.depends_on(id, refused.iter()));
                refused.iter().for_each(|id| seats.give_back(id));
                action
                    .changes
                    .retain(|change| !matches!(&change.field, Attr::License(id) if refused.contains(id)));
                without.extend(refused);
            }
        }
        if !without.is_empty() {
            leave_out_needy(case, decision, tenure, seats, &without);
            lacks_line(decision);
        }
        decision.actions.retain(|action| action.kind != Kind::LicenseAdd || !action.changes.is_empty());
        // It is no seat that somebody waits for who could not be called with one.
        let has_one = case.row.as_ref().is_some_and(|row| case.holds(row).iter().any(calling));
        if let Some((waits, _)) = decision.waiting.iter().find(|(id, _)| calling(id) && !has_one).cloned()
            && let Err(why) = self.pooled_telephone(case, person, &waits, seats, false)
        {
            withheld.push(refusal(why));
            let idle = |id: &LicenseId| *id == waits || tenure.depends_on(id, [&waits].into_iter());
            decision.waiting.retain(|(id, _)| !idle(id));
            lacks_line(decision);
        }
        withheld
    }

    /// The telephone for a licence, unless it comes out of a pool of which others get all.
    fn pooled_telephone(
        &mut self,
        case: &Case,
        person: &Person,
        license: &LicenseId,
        seats: &Seats,
        claims: bool,
    ) -> Result<Telephone, (String, String)> {
        let pool = pools::of(person, license).map(|pool| (pool, case.rank(seats.queue(), license)));
        if let Some((pool, _)) = pool.as_ref().filter(|(pool, rank)| !self.pools.serves(pool, rank)) {
            return Err(exhausted(pool.1));
        }
        let telephone = self.telephone(case, person, claims)?;
        if let Some((pool, rank)) = pool.filter(|_| self.asks_only && claims) {
            let mut pools = self.pools();
            pools.ask(pool, |pool| self.free_in(pool), rank);
            self.pools = pools;
        }
        Ok(telephone)
    }

    /// How many extensions of a pool are neither in use nor claimed.
    fn free_in(&self, (place, (first, last), _): &Pool) -> u64 {
        let claimed = self.disputes.all.keys().filter(|key| !self.taken.contains_key(*key));
        let gone = self.taken.keys().chain(claimed).filter(|(at, extension)| {
            let number = extension.parse::<u32>().ok().filter(|number| number.to_string() == *extension);
            at == place && number.is_some_and(|number| (*first..=*last).contains(&number))
        });
        (u64::from(*last) + 1).saturating_sub(u64::from(*first)).saturating_sub(gone.count() as u64)
    }

    fn telephone(
        &mut self,
        case: &Case,
        person: &Person,
        claims: bool,
    ) -> Result<Telephone, (String, String)> {
        let account = match (&case.seen, &case.row) {
            (Seen::Account(account), _) => Some(account.id.clone()),
            (_, row) => row.as_ref().map(|row| row.cloud_id.clone()),
        };
        match person.telephone.as_deref() {
            Some(Line::Ready(telephone)) => {
                let dn = case.dn.as_deref().or(case.row.as_ref().map(|row| row.dn.as_str()));
                let who = dn.unwrap_or(person.email.as_str());
                self.claim(telephone, account.as_ref(), case.anchor, who, claims)
            }
            Some(Line::Lacking { reason, remedy }) => Err((reason.clone(), remedy.clone())),
            None => Err((
                "the rules say neither location nor number".into(),
                "add `location` and `phone`, `extension` or `extension_pool` to the rule that gives it"
                    .into(),
            )),
        }
    }

    /// Claims number and extension for the owner of an account; or says whether they could be had at
    /// all, whatever others are given in this plan.
    fn claim(
        &mut self,
        wanted: &Telephone,
        account: Option<&CloudId>,
        anchor: SourceId,
        who: &str,
        claims: bool,
    ) -> Result<Telephone, (String, String)> {
        let mut telephone = wanted.clone();
        let place = telephone.place.as_ref().map(|place| place.id.clone()).unwrap_or_default();
        if let Some((first, last)) = telephone.pool.take() {
            if !self.known {
                return Err((
                    "the cloud does not tell which extensions are in use".into(),
                    "authorise with the scope spark-admin:telephony_config_read, or give extensions from the directory"
                        .into(),
                ));
            }
            if self.disputes.unread {
                return Err((
                    "somebody may claim one of the extensions of the pool whose record was not read in this pass".into(),
                    "nothing is to be done: the next pass on schedule gives one".into(),
                ));
            }
            let kept = self.disputes.kept.get(&place);
            let claimed = |extension: &u32| kept.is_some_and(|kept| kept.contains(extension));
            let free = (first..=last).filter(|extension| !claimed(extension));
            let free = free.map(|extension| extension.to_string()).find(|extension| {
                let key = (place.clone(), extension.clone());
                !(self.taken.contains_key(&key)
                    || self.disputes.all.contains_key(&key)
                    || claims && self.given.contains_key(&key))
            });
            telephone.extension = Some(free.ok_or_else(|| exhausted((first, last)))?);
        }
        let keys: Vec<(String, String)> = telephone.keys().collect();
        for key in &keys {
            self.free(key, &telephone, account, anchor, who, claims)?;
        }
        if claims && !self.asks_only {
            self.given.extend(keys.into_iter().map(|key| (key, who.to_owned())));
        }
        Ok(telephone)
    }

    /// Whether somebody may have a number or extension; why not, and what to do.
    fn free(
        &self,
        key: &(String, String),
        telephone: &Telephone,
        account: Option<&CloudId>,
        anchor: SourceId,
        who: &str,
        claims: bool,
    ) -> Result<(), (String, String)> {
        let (what, at) = match (key.0.is_empty(), &telephone.place) {
            (true, _) => ("number", String::new()),
            (false, place) => {
                ("extension", place.as_ref().map(|place| format!(" at {}", place.name)).unwrap_or_default())
            }
        };
        let dispute = self.disputes.all.get(key);
        let others = |but: &str| {
            let claimants = dispute.iter().flat_map(|dispute| &dispute.claimants);
            let others = claimants.filter(|(other, dn)| *other != anchor && dn != but);
            let others: Vec<String> = others.map(|(_, dn)| format!("\"{dn}\"")).collect();
            Some(others.join(" and ")).filter(|others| !others.is_empty())
        };
        if let Some(owner) = self.taken.get(key) {
            // In use by the person is as good as free.
            let theirs = owner.is_some() && owner.as_ref() == account;
            if !theirs {
                let dn = owner.as_ref().and_then(|id| self.disputes.owners.get(id));
                let by = match (owner, dn) {
                    (None, _) => "something that is no person".to_owned(),
                    (Some(_), Some(dn)) => format!("\"{dn}\""),
                    (Some(id), None) => format!("account {id}, which no record claims"),
                };
                let also = others(dn.map_or("", String::as_str));
                let also = also.map(|others| format!(", and also claimed by {others}")).unwrap_or_default();
                return Err((
                    format!("{what} {}{at} is in use by {by}{also}", key.1),
                    format!(
                        "correct the {what} in the directory, or free it in Control Hub under Calling, Numbers"
                    ),
                ));
            }
            if !dispute.is_some_and(|dispute| dispute.nobody) {
                return Ok(());
            }
        }
        let remedy = || format!("give every person an own {what} in the directory");
        if let (Some(dispute), Some(others)) = (dispute, others(""))
            && (dispute.nobody || dispute.winner != Some(anchor))
        {
            let winner = dispute.claimants.iter().find(|(one, _)| Some(*one) == dispute.winner);
            let end = match winner {
                Some((_, dn)) if !dispute.nobody => format!("; \"{dn}\" gets it (people.collisions)"),
                _ => ", and nobody gets it (people.collisions)".to_owned(),
            };
            return Err((format!("{what} {}{at} is also claimed by {others}{end}", key.1), remedy()));
        }
        // One that came out of a pool.
        if let Some(other) = self.given.get(key).filter(|other| claims && *other != who) {
            return Err((format!("{what} {}{at} was just given to \"{other}\"", key.1), remedy()));
        }
        Ok(())
    }
}

/// Nothing is left of a pool.
fn exhausted((first, last): (u32, u32)) -> (String, String) {
    (
        format!("all extensions from {first} to {last} are in use or claimed by somebody"),
        "widen `extension_pool`, or free some in Control Hub".into(),
    )
}

/// It is the telephone that is missing first, and not what waits for it.
fn lacks_line(decision: &mut Decision) {
    if decision.short.is_none_or(|why| why == WANTING) {
        decision.short = Some(NO_LINE);
    }
}

/// Takes out what needs a licence that is not given after all.
fn leave_out_needy(
    case: &Case,
    decision: &mut Decision,
    tenure: &Tenure,
    seats: &mut Seats,
    without: &BTreeSet<LicenseId>,
) {
    let held = case.row.as_ref().map(|row| case.holds(row)).or_else(|| case.held.clone()).unwrap_or_default();
    let lacks = |id: &LicenseId| {
        without.iter().any(|other| tenure.meets(other, id))
            && !held.iter().any(|other| tenure.meets(other, id))
    };
    for action in decision.actions.iter_mut().filter(|action| action.kind == Kind::LicenseAdd) {
        action.changes.retain(|change| match &change.field {
            Attr::License(id) if change.to.is_some() && lacks(id) => {
                seats.give_back(id);
                false
            }
            _ => true,
        });
    }
}

#[cfg(test)]
mod tests;
