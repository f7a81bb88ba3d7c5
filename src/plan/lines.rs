//! Who gets which number and extension: a ledger for the time of one plan, beside that of seats.
//!
//! An extension is unique at its location, a number everywhere. Of two who claim one the first
//! in the plan gets it, and the other is named.

use std::collections::{BTreeMap, BTreeSet};

use crate::model::{Action, Attr, CloudId, InUse, Kind, LicenseId, Line, Person, Telephone, Withheld};

use super::case::{Case, Seen, Wish};
use super::decide::Decision;
use super::seats::Seats;
use super::tenure::Tenure;

/// The reason given when a calling licence cannot be given as things are.
pub const NO_LINE: &str =
    "a calling licence waits for a location and a number or extension that can be given";

/// Numbers and extensions in use.
#[derive(Clone, Debug, Default)]
pub struct Lines {
    /// By place and extension; by nothing and number. With who has it.
    taken: BTreeMap<(String, String), Option<CloudId>>,
    /// What was given in this plan, with the DN of the person, or the address where it is not known.
    given: BTreeMap<(String, String), String>,
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
        Self { taken, given: BTreeMap::new(), known: in_use.is_some(), asks_only: false }
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
        let calling = |id: &LicenseId| tenure.is_calling(id);
        let refusal = |(reason, remedy): (String, String)| Withheld {
            anchor: Some(case.anchor),
            dn: case.dn.clone().or_else(|| case.row.as_ref().map(|row| row.dn.clone())).unwrap_or_default(),
            code: "license_not_given".into(),
            reason: format!("the calling licence is not given to {}: {reason}", person.email),
            remedy,
        };
        let mut withheld = Vec::new();
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
                match self.telephone(case, person, true) {
                    Ok(telephone) => change.to = Some(telephone.to_string()),
                    Err(why) => {
                        refused.insert(id.clone());
                        withheld.push(refusal(why));
                    }
                }
            }
            if !refused.is_empty() {
                // What is of no use without a telephone is not asked for either.
                let idle = |id: &LicenseId| tenure.depends_on(id, refused.iter());
                let idle: Vec<LicenseId> = given(action).filter(|id| idle(id)).cloned().collect();
                decision.waiting.retain(|(id, _)| !tenure.depends_on(id, refused.iter()));
                refused.extend(idle);
                refused.iter().for_each(|id| seats.give_back(id));
                action
                    .changes
                    .retain(|change| !matches!(&change.field, Attr::License(id) if refused.contains(id)));
                decision.short.get_or_insert(NO_LINE);
            }
        }
        decision.actions.retain(|action| action.kind != Kind::LicenseAdd || !action.changes.is_empty());
        // It is no seat that somebody waits for who could not be called with one.
        let has_one = case.row.as_ref().is_some_and(|row| case.holds(row).iter().any(calling));
        if let Some((waits, _)) = decision.waiting.iter().find(|(id, _)| calling(id) && !has_one).cloned()
            && let Err(why) = self.telephone(case, person, false)
        {
            withheld.push(refusal(why));
            let idle = |id: &LicenseId| *id == waits || tenure.depends_on(id, [&waits].into_iter());
            decision.waiting.retain(|(id, _)| !idle(id));
            decision.short.get_or_insert(NO_LINE);
        }
        withheld
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
                self.claim(telephone, account.as_ref(), dn.unwrap_or(person.email.as_str()), claims)
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
            let free = (first..=last).map(|extension| extension.to_string()).find(|extension| {
                let key = (place.clone(), extension.clone());
                !(self.taken.contains_key(&key) || claims && self.given.contains_key(&key))
            });
            telephone.extension = Some(free.ok_or_else(|| {
                (
                    format!("all extensions from {first} to {last} are in use"),
                    "widen `extension_pool`, or free some in Control Hub".into(),
                )
            })?);
        }
        let extension = telephone.extension.iter().map(|extension| (place.clone(), extension.clone()));
        let phone = telephone.phone.iter().map(|phone| (String::new(), phone.clone()));
        let keys: Vec<(String, String)> = extension.chain(phone).collect();
        for key in &keys {
            let what = if key.0.is_empty() { "number" } else { "extension" };
            if let Some(other) = self.given.get(key).filter(|other| claims && *other != who) {
                return Err((
                    format!("{what} {} is also claimed by \"{other}\", who comes first", key.1),
                    format!("give every person an own {what} in the directory"),
                ));
            }
            // In use by the person is as good as free.
            let theirs = self.taken.get(key).filter(|owner| owner.is_none() || owner.as_ref() != account);
            if theirs.is_some() {
                return Err((
                    format!("{what} {} is in use by somebody else", key.1),
                    "look for it in Control Hub under Calling, Numbers; free it there, or correct the record"
                        .into(),
                ));
            }
        }
        if claims && !self.asks_only {
            self.given.extend(keys.into_iter().map(|key| (key, who.to_owned())));
        }
        Ok(telephone)
    }
}

/// The licences that an action gives.
fn given(action: &Action) -> impl Iterator<Item = &LicenseId> {
    action.changes.iter().filter(|change| change.to.is_some()).filter_map(|change| match &change.field {
        Attr::License(id) => Some(id),
        _ => None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::Place;

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

    #[test]
    fn nobody_gets_what_another_has() {
        let used = [
            in_use("L", Some("2000"), None, Some("ann")),
            in_use("M", Some("2001"), None, Some("bob")),
            in_use("L", Some("2002"), Some("+4930123456"), None),
        ];
        let mut lines = Lines::open(Some(&used));
        let (ann, eve) = (CloudId::new("ann"), CloudId::new("eve"));
        let mut claim = |wanted: &Telephone, who: &CloudId, email: &str| {
            lines
                .claim(wanted, Some(who), email, true)
                .map(|telephone| telephone.words())
                .map_err(|(reason, _)| reason)
        };
        for (want, who, got) in [
            (wanted(Some("2000"), None, None), &eve, Err("extension 2000 is in use by somebody else")),
            (wanted(Some("2000"), None, None), &ann, Ok("extension 2000 at Leeds")),
            (wanted(Some("2001"), None, None), &eve, Ok("extension 2001 at Leeds")),
            (
                wanted(Some("2001"), None, None),
                &ann,
                Err("extension 2001 is also claimed by \"eve\", who comes first"),
            ),
            (
                wanted(None, Some("+4930123456"), None),
                &ann,
                Err("number +4930123456 is in use by somebody else"),
            ),
            (wanted(None, None, Some((2000, 2003))), &eve, Ok("extension 2003 at Leeds")),
            (
                wanted(None, None, Some((2000, 2003))),
                &ann,
                Err("all extensions from 2000 to 2003 are in use"),
            ),
        ] {
            assert_eq!(claim(&want, who, who.as_str()), got.map(Into::into).map_err(Into::into));
        }
    }

    #[test]
    fn whoever_only_asks_takes_nothing() {
        let mut lines = Lines::open(Some(&[in_use("L", Some("20"), None, Some("ann"))])).asking();
        for name in ["a", "b"] {
            assert!(lines.claim(&wanted(None, None, Some((20, 21))), None, name, true).is_ok());
        }
        assert!(lines.claim(&wanted(Some("20"), None, None), None, "b", true).is_err());
    }

    #[test]
    fn nothing_is_taken_from_a_pool_in_the_dark() {
        let mut lines = Lines::open(None);
        assert!(lines.claim(&wanted(None, None, Some((20, 29))), None, "a", true).is_err());
        assert!(lines.claim(&wanted(Some("20"), None, None), None, "a", true).is_ok());
    }
}
