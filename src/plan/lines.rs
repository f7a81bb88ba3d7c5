//! Who gets which number and extension: a ledger for the time of one plan, beside that of seats.
//!
//! An extension is unique at its location, a number everywhere. Of several who claim one, whoever
//! has it already goes on, and else whom the configuration says; all are named. What is taken from
//! a pool is claimed by nobody else.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use crate::model::{Attr, CloudId, InUse, Kind, LicenseId, Line, Person, SourceId, Telephone, Withheld};

use super::case::{Case, Seen, Wish};
use super::decide::Decision;
use super::seats::Seats;
use super::tenure::Tenure;

/// The reason given when a calling licence cannot be given as things are.
pub const NO_LINE: &str =
    "a calling licence waits for a location and a number or extension that can be given";

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
        let calling = |id: &LicenseId| tenure.bonds.get(id).is_some_and(|bond| bond.is_calling());
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
                match self.telephone(case, person) {
                    Ok(telephone) => change.to = Some(telephone.to_string()),
                    Err((reason, remedy)) => {
                        refused.insert(id.clone());
                        withheld.push(Withheld {
                            anchor: Some(case.anchor),
                            dn: action.dn.clone().unwrap_or_default(),
                            code: "license_not_given".into(),
                            reason: format!("the calling licence is not given to {}: {reason}", person.email),
                            remedy,
                        });
                    }
                }
            }
            if !refused.is_empty() {
                refused.iter().for_each(|id| seats.give_back(id));
                action
                    .changes
                    .retain(|change| !matches!(&change.field, Attr::License(id) if refused.contains(id)));
                decision.short.get_or_insert(NO_LINE);
                without.extend(refused);
            }
        }
        if !without.is_empty() {
            leave_out_needy(case, decision, tenure, seats, &without);
        }
        decision.actions.retain(|action| action.kind != Kind::LicenseAdd || !action.changes.is_empty());
        withheld
    }

    fn telephone(&mut self, case: &Case, person: &Person) -> Result<Telephone, (String, String)> {
        let account = match (&case.seen, &case.row) {
            (Seen::Account(account), _) => Some(account.id.clone()),
            (_, row) => row.as_ref().map(|row| row.cloud_id.clone()),
        };
        match person.telephone.as_deref() {
            Some(Line::Ready(telephone)) => {
                let dn = case.dn.as_deref().or(case.row.as_ref().map(|row| row.dn.as_str()));
                self.claim(telephone, account.as_ref(), case.anchor, dn.unwrap_or(person.email.as_str()))
            }
            Some(Line::Lacking { reason, remedy }) => Err((reason.clone(), remedy.clone())),
            None => Err((
                "the rules say neither location nor number".into(),
                "add `location` and `phone`, `extension` or `extension_pool` to the rule that gives it"
                    .into(),
            )),
        }
    }

    /// Claims number and extension for the owner of an account.
    fn claim(
        &mut self,
        wanted: &Telephone,
        account: Option<&CloudId>,
        anchor: SourceId,
        who: &str,
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
            let free = (first..=last).map(|extension| extension.to_string()).find(|extension| {
                let key = (place.clone(), extension.clone());
                !self.given.contains_key(&key)
                    && !self.taken.contains_key(&key)
                    && !self.disputes.all.contains_key(&key)
            });
            telephone.extension = Some(free.ok_or_else(|| {
                (
                    format!("all extensions from {first} to {last} are in use or claimed by somebody"),
                    "widen `extension_pool`, or free some in Control Hub".into(),
                )
            })?);
        }
        let keys: Vec<(String, String)> = telephone.keys().collect();
        for key in &keys {
            self.free(key, &telephone, account, anchor, who)?;
        }
        if !self.asks_only {
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
        if let Some(other) = self.given.get(key).filter(|other| *other != who) {
            return Err((format!("{what} {}{at} was just given to \"{other}\"", key.1), remedy()));
        }
        Ok(())
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
mod tests {
    use super::*;
    use crate::model::{Catalogue, License, LicenseKind, Managed, Place, SourceId};
    use crate::plan::tests_support::person;
    use crate::plan::{Leavers, Policy, decide};

    fn wanted(extension: Option<&str>, phone: Option<&str>, pool: Option<(u32, u32)>) -> Telephone {
        Telephone {
            place: Some(Place { id: "L".into(), name: "Leeds".into() }),
            phone: phone.map(Into::into),
            extension: extension.map(Into::into),
            pool,
        }
    }

    fn in_use(place: &str, extension: Option<&str>, phone: Option<&str>, owner: Option<&str>) -> InUse {
        InUse {
            place: Some(place.into()),
            phone: phone.map(Into::into),
            extension: extension.map(Into::into),
            owner: owner.map(CloudId::new),
        }
    }

    fn anchor(name: &str) -> SourceId {
        SourceId::new(crate::model::Key::exact(name).0)
    }

    #[test]
    fn nobody_gets_what_another_has() {
        let used = [
            in_use("L", Some("2000"), None, Some("ann")),
            in_use("M", Some("2001"), None, Some("bob")),
            in_use("L", Some("2002"), Some("+4930123456"), None),
            in_use("L", Some("2009"), None, Some("joe")),
        ];
        let claim = |name: &str| (anchor(name), format!("cn={name}"));
        let dispute = |winner: Option<&str>, nobody| Dispute {
            claimants: vec![claim("ann"), claim("eve")],
            winner: winner.map(anchor),
            nobody,
        };
        let place = |extension: &str| ("L".to_owned(), extension.to_owned());
        let all = BTreeMap::from([
            (place("2000"), dispute(None, false)),
            (place("2004"), dispute(None, false)),
            (place("2005"), dispute(Some("eve"), false)),
            (place("2006"), dispute(None, true)),
        ]);
        let owners = BTreeMap::from([(CloudId::new("ann"), "cn=ann".to_owned())]);
        let mut lines = Lines::open(Some(&used)).disputed(Disputes { all, owners });
        let mut claim = |wanted: &Telephone, who: &str| {
            lines
                .claim(wanted, Some(&CloudId::new(who)), anchor(who), who)
                .map(|telephone| telephone.words())
                .map_err(|(reason, _)| reason)
        };
        let extension = |extension| wanted(Some(extension), None, None);
        for (want, who, got) in [
            (extension("2000"), "eve", Err("extension 2000 at Leeds is in use by \"cn=ann\"")),
            (extension("2000"), "ann", Ok("extension 2000 at Leeds")),
            (
                extension("2009"),
                "eve",
                Err("extension 2009 at Leeds is in use by account joe, which no record claims"),
            ),
            (extension("2001"), "eve", Ok("extension 2001 at Leeds")),
            (
                extension("2004"),
                "eve",
                Err(
                    "extension 2004 at Leeds is also claimed by \"cn=ann\", and nobody gets it (people.collisions)",
                ),
            ),
            (
                extension("2005"),
                "ann",
                Err(
                    "extension 2005 at Leeds is also claimed by \"cn=eve\"; \"cn=eve\" gets it (people.collisions)",
                ),
            ),
            (extension("2005"), "eve", Ok("extension 2005 at Leeds")),
            (
                extension("2006"),
                "ann",
                Err(
                    "extension 2006 at Leeds is also claimed by \"cn=eve\", and nobody gets it (people.collisions)",
                ),
            ),
            (
                wanted(None, Some("+4930123456"), None),
                "ann",
                Err("number +4930123456 is in use by something that is no person"),
            ),
            // What others claim is not taken out of a pool.
            (wanted(None, None, Some((2000, 2007))), "eve", Ok("extension 2003 at Leeds")),
            (wanted(None, None, Some((2000, 2007))), "eve", Ok("extension 2007 at Leeds")),
            (extension("2007"), "ann", Err("extension 2007 at Leeds was just given to \"eve\"")),
            (
                wanted(None, None, Some((2000, 2007))),
                "ann",
                Err("all extensions from 2000 to 2007 are in use or claimed by somebody"),
            ),
        ] {
            assert_eq!(claim(&want, who), got.map(Into::into).map_err(Into::into));
        }
    }

    #[test]
    fn what_needs_a_telephone_is_not_given_without_one() {
        let ids = ["std", "voice", "msg"].map(LicenseId::new);
        let service = ["calling.basic", "care.voice", "message.messaging"];
        let license = |(id, service): (&LicenseId, &str)| License {
            id: id.clone(),
            name: "x".into(),
            service: Some(service.into()),
            kind: LicenseKind::Paid,
            subscription: None,
            site: None,
            total: Some(1),
            consumed: 0,
        };
        let catalogue = Catalogue(ids.iter().zip(service).map(license).collect());
        let mut ann = person("ann");
        ann.licenses = ids.clone().into();
        for (telephone, given) in
            [(None, &ids[2..]), (Some(Box::new(Line::Ready(wanted(Some("20"), None, None)))), &ids[..])]
        {
            ann.telephone = telephone;
            let case = Case {
                anchor: SourceId::new([1; 16]),
                kind: Default::default(),
                dn: None,
                wish: Wish::Present(ann.clone()),
                row: None,
                seen: Seen::Missing,
                matched: None,
                held: None,
                protected: false,
                proven: true,
                standing: None,
            };
            let policy = Policy {
                managed: Managed::default(),
                leavers: Leavers::default(),
                full_admin: None,
                tenure: Tenure::default().over(&catalogue),
                adopt: true,
                may_remove: true,
                may_strip: true,
                now: 0,
            };
            let mut seats = Seats::default();
            let mut decision = decide(&case, &policy, &mut seats);
            Lines::open(Some(&[])).settle(&case, &mut decision, &policy.tenure, &mut seats);
            let gives = decision.actions.iter().filter(|action| action.kind == Kind::LicenseAdd);
            let gives: BTreeSet<String> =
                gives.flat_map(|action| &action.changes).map(|change| change.field.to_string()).collect();
            assert_eq!(gives, given.iter().map(|id| format!("license:{id}")).collect());
        }
    }

    #[test]
    fn whoever_only_asks_takes_nothing() {
        let mut lines = Lines::open(Some(&[in_use("L", Some("20"), None, Some("ann"))])).asking();
        for name in ["a", "b"] {
            assert!(lines.claim(&wanted(None, None, Some((20, 21))), None, anchor(name), name).is_ok());
        }
        assert!(lines.claim(&wanted(Some("20"), None, None), None, anchor("b"), "b").is_err());
    }

    #[test]
    fn nothing_is_taken_from_a_pool_in_the_dark() {
        let mut lines = Lines::open(None);
        assert!(lines.claim(&wanted(None, None, Some((20, 29))), None, anchor("a"), "a").is_err());
        assert!(lines.claim(&wanted(Some("20"), None, None), None, anchor("a"), "a").is_ok());
    }
}
