//! Which licences may be taken from somebody, and when: what we gave, unless the rules claim
//! more, and not before the time of grace is over. And which cannot be given beside what
//! somebody keeps.

use std::collections::{BTreeMap, BTreeSet};

use crate::model::{Bond, Catalogue, LicenseId, SourceId};

/// What the rules say about taking licences.
#[derive(Clone, Debug, Default)]
pub struct Tenure {
    /// Licences that are taken also from whom somebody else gave them.
    pub claims: BTreeSet<LicenseId>,
    /// How long a licence of the rules is kept after they stopped giving it, in seconds.
    pub grace_of: BTreeMap<LicenseId, i64>,
    /// The same for licences of which no rule speaks any more.
    pub grace: Option<i64>,
    /// What the licences of the catalogue say about each other.
    pub bonds: BTreeMap<LicenseId, Bond>,
}

/// Somebody who keeps a licence for a while that no rule gives any more.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fading {
    /// Who.
    pub anchor: SourceId,
    /// The address.
    pub email: String,
    /// Which licence.
    pub license: LicenseId,
    /// Until when, in seconds since 1970-01-01 UTC.
    pub until: i64,
}

/// The licences that somebody holds and no rule gives.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Parted {
    /// To be taken now.
    pub(super) take: Vec<LicenseId>,
    /// Kept for a while: since when no rule gives them, in seconds since 1970-01-01 UTC.
    pub(super) fading: BTreeMap<LicenseId, i64>,
}

impl Tenure {
    /// The licences that come with a telephone.
    pub fn calling(&self) -> BTreeSet<LicenseId> {
        let calling = self.bonds.iter().filter(|(_, bond)| bond.is_calling());
        calling.map(|(id, _)| id.clone()).collect()
    }

    /// With what the licences of a catalogue say about each other.
    pub fn over(mut self, catalogue: &Catalogue) -> Self {
        self.bonds.extend(catalogue.0.iter().map(|license| (license.id.clone(), license.bond())));
        self
    }

    /// Whether nobody can hold both.
    pub(super) fn exclude(&self, one: &LicenseId, other: &LicenseId) -> bool {
        let bonds = self.bonds.get(one).zip(self.bonds.get(other));
        one != other && bonds.is_some_and(|(one, other)| one.excludes(*other).is_some())
    }

    /// Whether a licence comes with a telephone.
    pub(super) fn is_calling(&self, id: &LicenseId) -> bool {
        self.bonds.get(id).is_some_and(|bond| bond.is_calling())
    }

    /// Whether Webex refuses to replace one by the other.
    pub(super) fn cannot_become(&self, one: &LicenseId, other: &LicenseId) -> bool {
        let bonds = self.bonds.get(one).zip(self.bonds.get(other));
        bonds.is_some_and(|(one, other)| one.cannot_become(*other))
    }

    /// Whether a licence is what another one needs.
    pub fn meets(&self, license: &LicenseId, needy: &LicenseId) -> bool {
        let need = self.bonds.get(needy).and_then(|bond| bond.needs());
        need.zip(self.bonds.get(license)).is_some_and(|(need, bond)| need.is_met_by(*bond))
    }

    /// Whether a licence is the only one of those held that another of them needs.
    pub fn is_needed(&self, license: &LicenseId, held: &BTreeSet<LicenseId>) -> bool {
        held.iter().any(|needy| {
            self.meets(license, needy)
                && !held.iter().any(|other| other != license && self.meets(other, needy))
        })
    }

    /// Whether a licence is of no use without one of the others. What the rules do not give people may have
    /// from elsewhere.
    pub fn depends_on<'a>(&self, id: &LicenseId, mut others: impl Iterator<Item = &'a LicenseId>) -> bool {
        others.any(|other| self.meets(other, id))
    }

    /// When the time of a licence is over that no rule gives since then.
    pub fn due(&self, license: &LicenseId, since: i64) -> i64 {
        let grace = self.grace_of.get(license).copied().or(self.grace).unwrap_or(0);
        since.saturating_add(grace)
    }

    /// Of those held, what we may take at all.
    pub(super) fn ours(&self, given: &BTreeSet<LicenseId>, held: &BTreeSet<LicenseId>) -> Vec<LicenseId> {
        held.iter().filter(|id| given.contains(*id) || self.claims.contains(*id)).cloned().collect()
    }

    /// Parts what is `lost` into what is taken now and what is kept for a while. What does not go
    /// with something `wanted` makes room at once.
    pub(super) fn part(
        &self,
        lost: Vec<LicenseId>,
        wanted: &BTreeSet<LicenseId>,
        known: &BTreeMap<LicenseId, i64>,
        now: i64,
    ) -> Parted {
        let mut parted = Parted::default();
        for id in lost {
            if wanted.iter().any(|other| self.exclude(&id, other)) {
                parted.take.push(id);
                continue;
            }
            // A clock that went back does not make the time longer.
            let since = known.get(&id).copied().unwrap_or(now).min(now);
            if self.due(&id, since) > now {
                parted.fading.insert(id, since);
            } else {
                parted.take.push(id);
            }
        }
        parted
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_time_runs_from_the_first_loss() {
        let id = LicenseId::new;
        let tenure = Tenure {
            grace_of: [(id("week"), 7), (id("none"), 0)].into(),
            grace: Some(3),
            ..Tenure::default()
        };
        let lost = || vec![id("week"), id("none"), id("old")];
        let first = tenure.part(lost(), &BTreeSet::new(), &BTreeMap::new(), 100);
        assert_eq!(first.take, [id("none")]);
        assert_eq!(first.fading, [(id("week"), 100), (id("old"), 100)].into());
        let later = tenure.part(vec![id("week"), id("old")], &BTreeSet::new(), &first.fading, 103);
        assert_eq!((later.take, later.fading), (vec![id("old")], [(id("week"), 100)].into()));
        let over = tenure.part(vec![id("week")], &BTreeSet::new(), &first.fading, 107);
        assert_eq!((over.take, over.fading.len()), (vec![id("week")], 0));
        // The clock was ahead when the time began.
        let back = tenure.part(vec![id("week")], &BTreeSet::new(), &[(id("week"), 900)].into(), 100);
        assert_eq!((back.take.len(), back.fading), (0, [(id("week"), 100)].into()));
    }

    #[test]
    fn what_others_gave_is_theirs_unless_it_is_claimed() {
        let (ours, theirs) = (LicenseId::new("ours"), LicenseId::new("theirs"));
        let held = [ours.clone(), theirs.clone()].into();
        let given = [ours.clone()].into();
        assert_eq!(Tenure::default().ours(&given, &held), std::slice::from_ref(&ours));
        let claiming = Tenure { claims: [theirs.clone()].into(), ..Tenure::default() };
        assert_eq!(claiming.ours(&given, &held), [ours, theirs]);
    }
}
