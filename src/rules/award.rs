//! What one person gets of all that the rules offer: of licences that exclude each other the
//! first, and none without what it needs.

use std::collections::BTreeSet;

use crate::model::{Bond, LicenseId, Ungiven};

/// A licence that a rule gives, with what it says about others.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Offer {
    pub(super) id: LicenseId,
    /// The name that the cloud shows.
    pub(super) name: String,
    pub(super) bond: Bond,
}

/// The rule that offers a licence.
#[derive(Clone, Copy, Debug)]
pub(super) struct Giver<'r> {
    /// Its place among the rules that give licences, from 0.
    pub(super) at: usize,
    /// Its name in reports.
    pub(super) name: &'r str,
}

/// The offers to one person, in the order of the rules.
pub(super) struct Award<'r> {
    offered: Vec<(&'r Offer, Giver<'r>)>,
    taken: Vec<(&'r Offer, Giver<'r>)>,
    ungiven: Vec<Ungiven>,
}

impl<'r> Award<'r> {
    pub(super) fn new() -> Self {
        Self { offered: Vec::new(), taken: Vec::new(), ungiven: Vec::new() }
    }

    /// A rule offers a licence.
    pub(super) fn offer(&mut self, offer: &'r Offer, rule: Giver<'r>) {
        self.offered.push((offer, rule));
        self.consider(offer, rule);
    }

    fn consider(&mut self, offer: &'r Offer, rule: Giver<'r>) {
        let mut obstacle = None;
        for (other, theirs) in &self.taken {
            if other.id == offer.id {
                return;
            }
            if obstacle.is_none() {
                obstacle = other.bond.excludes(offer.bond).map(|why| (why, *other, theirs.name));
            }
        }
        match obstacle {
            None => self.taken.push((offer, rule)),
            Some((why, other, theirs)) => {
                let reason = format!("\"{theirs}\" gives \"{}\" already, and {why}", other.name);
                self.refuse(offer, rule.name, reason, None);
            }
        }
    }

    fn refuse(&mut self, offer: &Offer, rule: &str, reason: String, remedy: Option<String>) {
        if self.ungiven.iter().all(|known| known.license != offer.id) {
            self.ungiven.push(Ungiven {
                license: offer.id.clone(),
                name: offer.name.clone(),
                rule: rule.to_owned(),
                reason,
                remedy,
            });
        }
    }

    /// Leaves out what lacks something that it needs. What no rule `offers` to anybody is not
    /// ours to ask for: people may have it from elsewhere.
    pub(super) fn complete(&mut self, offers: impl Fn(Bond) -> bool) {
        // Each round leaves something out for good, so that it ends.
        loop {
            let missing = self.taken.iter().find_map(|(offer, rule)| {
                let need = offer.bond.needs()?;
                let met = self.taken.iter().any(|(other, _)| need.is_met_by(other.bond));
                (!met && offers(offer.bond)).then_some((*offer, *rule, need))
            });
            let Some((offer, Giver { name: rule, .. }, need)) = missing else { return };
            let reason = format!("it needs {}, which no rule gives this person", need.words);
            let remedy = format!(
                "give {} to the same people, or take \"{}\" out of \"{rule}\"",
                need.words, offer.name
            );
            // What is not given excludes nothing.
            self.ungiven.retain(|one| one.remedy.is_some());
            self.refuse(offer, rule, reason, Some(remedy));
            self.offered.retain(|(other, _)| other.id != offer.id);
            self.taken.clear();
            for (offer, rule) in self.offered.clone() {
                self.consider(offer, rule);
            }
        }
    }

    /// The calling licence among them, with its rule.
    pub(super) fn calling(&self) -> Option<(&'r Offer, Giver<'r>)> {
        self.taken.iter().copied().find(|(offer, _)| offer.bond.is_calling())
    }

    /// By which rule the person gets each licence: the first that gives it.
    pub(super) fn first(&self) -> Vec<(&'r LicenseId, usize)> {
        self.taken.iter().map(|(offer, rule)| (&offer.id, rule.at)).collect()
    }

    /// What the person gets, and what not.
    pub(super) fn close(self) -> (BTreeSet<LicenseId>, Vec<Ungiven>) {
        let Self { taken, mut ungiven, .. } = self;
        // What one rule could not give, another may have given.
        ungiven.retain(|one| taken.iter().all(|(offer, _)| offer.id != one.license));
        (taken.into_iter().map(|(offer, _)| offer.id.clone()).collect(), ungiven)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{License, LicenseKind};

    fn offer(id: &str, service: &str) -> Offer {
        let license = License {
            id: LicenseId::new(id),
            name: id.into(),
            service: Some(service.into()),
            kind: LicenseKind::Paid,
            subscription: None,
            site: None,
            total: None,
            consumed: 0,
        };
        Offer { id: license.id.clone(), name: id.into(), bond: license.bond() }
    }

    fn rule(at: usize, name: &str) -> Giver<'_> {
        Giver { at, name }
    }

    #[test]
    fn the_first_of_an_exclusive_set_and_nothing_without_what_it_needs() {
        let all = [
            offer("pro", "calling.professional"),
            offer("std", "calling.basic"),
            offer("msg", "message.messaging"),
            offer("aware", "hybrid_call.aware"),
            offer("connect", "hybrid_call.connect"),
            offer("voice", "care.voice"),
            offer("digital", "care.digital_channel"),
            offer("console", "calling.attendant_console"),
        ];
        // What is offered, in order; what is given; what is not.
        for (offered, given, not) in [
            (&["msg", "pro", "std", "pro"][..], "msg pro", "std"),
            (&["std", "pro"], "std", "pro"),
            (&["connect"], "", "connect"),
            (&["connect", "aware"], "aware connect", ""),
            (&["digital", "msg", "voice"], "digital msg", "voice"),
            (&["voice", "std"], "std voice", ""),
            // The console is excluded by the first, and then nothing else needs it.
            (&["std", "console"], "std", "console"),
            (&["console"], "", "console"),
            (&["pro", "console"], "console pro", ""),
            // The console excludes nothing when it is not given itself.
            (&["console", "std"], "std", "console"),
            (&["console", "std", "voice"], "std voice", "console"),
            (&["console", "std", "pro"], "console pro", "std"),
        ] {
            let mut award = Award::new();
            for id in offered {
                award.offer(all.iter().find(|offer| offer.id.as_str() == *id).unwrap(), rule(0, "rule"));
            }
            award.complete(|_| true);
            let (got, ungiven) = award.close();
            let got: Vec<&str> = got.iter().map(LicenseId::as_str).collect();
            let ungiven: Vec<&str> = ungiven.iter().map(|one| one.name.as_str()).collect();
            assert_eq!((got.join(" ").as_str(), ungiven.join(" ").as_str()), (given, not), "{offered:?}");
        }
    }

    #[test]
    fn the_reason_names_rule_and_licence() {
        let (pro, std) = (offer("Professional", "calling.professional"), offer("Standard", "calling.basic"));
        let mut award = Award::new();
        award.offer(&pro, rule(0, "bosses"));
        award.offer(&std, rule(1, "everybody"));
        assert_eq!(award.first(), [(&pro.id, 0)]);
        let (_, ungiven) = award.close();
        assert_eq!(
            ungiven[0].reason,
            "\"bosses\" gives \"Professional\" already, and a person has one calling licence"
        );
        assert_eq!((ungiven[0].rule.as_str(), &ungiven[0].remedy), ("everybody", &None));
    }

    #[test]
    fn what_nobody_gets_from_us_is_not_missed() {
        let connect = offer("connect", "hybrid_call.connect");
        let mut award = Award::new();
        award.offer(&connect, rule(0, "rule"));
        award.complete(|_| false);
        assert_eq!(award.close().0.len(), 1);
    }
}
