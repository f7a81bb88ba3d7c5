//! Who gets an extension out of a pool in which there are fewer than people who ask.
//!
//! That is found out before the seats are shared out, by the same order: whoever gets no telephone can do
//! nothing with a seat, and it goes to the next who can use it.

use std::collections::BTreeMap;

use crate::model::{LicenseId, Line, Person, Rank};

use super::seats::Contest;

/// A place, the extensions there, and the licence that comes with one of them.
pub(super) type Pool = (String, (u32, u32), LicenseId);

/// The pool out of which somebody is given an extension with a licence.
pub(super) fn of(person: &Person, license: &LicenseId) -> Option<Pool> {
    let Some(Line::Ready(telephone)) = person.telephone.as_deref() else { return None };
    let place = telephone.place.as_ref().map(|place| place.id.clone()).unwrap_or_default();
    Some((place, telephone.pool?, license.clone()))
}

/// Pools, and who asks for something out of them.
#[derive(Clone, Debug, Default)]
pub struct Pools {
    /// By pool, how many extensions are free, and those who ask.
    asked: BTreeMap<Pool, (u64, Contest)>,
    /// By pool with too few, the last who gets one; `None` when nobody does.
    last: BTreeMap<Pool, Option<Rank>>,
}

impl Pools {
    /// Somebody asks; `free` counts what is there.
    pub(super) fn ask(&mut self, pool: Pool, free: impl FnOnce(&Pool) -> u64, rank: Rank) {
        let (_, contest) = self.asked.entry(pool).or_insert_with_key(|pool| {
            let free = free(pool);
            (free, Contest::new(free))
        });
        contest.offer(rank);
    }

    /// With whoever gets something where there is too little; `None` where there is enough for all.
    pub fn settled(self) -> Option<Self> {
        let short = self.asked.into_iter().filter(|(_, (free, contest))| contest.asked() > *free);
        let last: BTreeMap<_, _> = short.map(|(pool, (_, contest))| (pool, contest.order().pop())).collect();
        (!last.is_empty()).then_some(Self { asked: BTreeMap::new(), last })
    }

    /// Whether somebody gets an extension, as far as that was settled.
    pub(super) fn serves(&self, pool: &Pool, rank: &Rank) -> bool {
        self.last.get(pool).is_none_or(|last| last.as_ref().is_some_and(|last| rank <= last))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::SourceId;

    #[test]
    fn the_first_in_the_order_get_what_there_is() {
        let pool = |place: &str| (place.to_owned(), (20, 22), LicenseId::new("pro"));
        let rank = |rule, n| Rank { rule, ..Rank::restored(SourceId::new([n; 16])) };
        let mut pools = Pools::default();
        for (rule, n) in [(2, 1), (0, 2), (1, 3)] {
            pools.ask(pool("few"), |_| 2, rank(rule, n));
            pools.ask(pool("none"), |_| 0, rank(rule, n));
            pools.ask(pool("enough"), |_| 3, rank(rule, n));
        }
        assert!(pools.serves(&pool("none"), &rank(2, 1)), "nothing is settled yet");
        let pools = pools.settled().unwrap();
        for (place, served) in [("few", [false, true, true]), ("none", [false; 3]), ("enough", [true; 3])] {
            let serves = [(2, 1), (0, 2), (1, 3)].map(|(rule, n)| pools.serves(&pool(place), &rank(rule, n)));
            assert_eq!(serves, served, "{place}");
        }
        assert!(Pools::default().settled().is_none());
    }
}
