//! Who gets a seat when seats are few.
//!
//! The cloud's own counters lag behind what we do, so the seats of a plan are counted here, before
//! its first action: those that were free and those that it frees. Where all who ask can be served,
//! nobody is compared with anybody. Where they cannot, the last [`Rank`] that still gets a seat is
//! found beforehand, so that neither the order in which people are read nor the parts of a plan
//! decide who it is.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BinaryHeap, HashMap};
use std::sync::Arc;

use crate::model::{LicenseId, Person, Rank, SourceId, Standing};

use super::Case;

/// So often the cloud may refuse somebody in a row before those behind are served first.
pub const PATIENCE: u32 = 3;

/// Somebody's place in the queue for a licence.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Place {
    /// Since when, in seconds since 1970-01-01 UTC.
    pub since: i64,
    /// How often in a row the cloud refused.
    pub refused: u32,
}

/// Who waits already, and since when.
#[derive(Clone, Debug, Default)]
pub struct Queue(HashMap<(SourceId, LicenseId), Place>);

impl Queue {
    /// A queue of these places.
    pub fn new(places: impl IntoIterator<Item = ((SourceId, LicenseId), Place)>) -> Self {
        Self(places.into_iter().collect())
    }

    /// The place of somebody who waits already.
    pub fn place(&self, anchor: SourceId, license: &LicenseId) -> Option<Place> {
        if self.0.is_empty() {
            return None;
        }
        self.0.get(&(anchor, license.clone())).copied()
    }

    /// The rank of a person who asks for a licence. Without a standing the record did not change:
    /// whoever asks all the same had the licence, and lost it by other hands.
    pub fn rank(
        &self,
        anchor: SourceId,
        standing: Option<&Standing>,
        person: &Person,
        license: &LicenseId,
    ) -> Rank {
        let Some(standing) = standing else { return Rank::restored(anchor) };
        let place = self.place(anchor, license);
        Rank {
            behind: place.is_some_and(|place| place.refused >= PATIENCE),
            rule: standing.rule(person, license).unwrap_or(u16::MAX),
            order: standing.order.clone(),
            since: place.map_or(i64::MAX, |place| place.since),
            created: standing.created.unwrap_or(i64::MAX),
            anchor,
        }
    }
}

/// The seats of a plan.
#[derive(Clone, Debug, Default)]
pub struct Seats {
    queue: Arc<Queue>,
    short: BTreeMap<LicenseId, Short>,
    /// Who gives up a seat for somebody before in the order, and whether nothing holds that back.
    outranked: BTreeMap<LicenseId, BTreeMap<SourceId, bool>>,
}

/// A licence of which there are fewer seats than are asked for.
#[derive(Clone, Debug)]
struct Short {
    /// The last who gets one; `None` when nobody does.
    last: Option<Rank>,
    /// Seats not given yet.
    left: u64,
}

impl Seats {
    /// Enough for everybody.
    pub fn plenty(queue: Arc<Queue>) -> Self {
        Self { queue, short: BTreeMap::new(), outranked: BTreeMap::new() }
    }

    /// Names a licence of which there are too few, and who gets those: the first of an order.
    pub fn ration(&mut self, license: LicenseId, seats: u64, order: &[Rank]) {
        let some = usize::try_from(seats).unwrap_or(usize::MAX).min(order.len());
        let last = some.checked_sub(1).map(|at| order[at].clone());
        self.short.insert(license, Short { last, left: seats });
    }

    /// Whether there are fewer seats than are asked for.
    pub fn is_short(&self, license: &LicenseId) -> bool {
        self.short.contains_key(license)
    }

    /// Names somebody who gives up a seat for somebody before in the order. It `flows` when nothing
    /// holds that back.
    pub fn outrank(&mut self, license: &LicenseId, anchor: SourceId, flows: bool) {
        self.outranked.entry(license.clone()).or_default().insert(anchor, flows);
    }

    /// Whether this person gives up the seat for somebody before in the order.
    pub fn outranks(&self, license: &LicenseId, anchor: SourceId) -> bool {
        self.outranked.get(license).is_some_and(|people| people.contains_key(&anchor))
    }

    /// Whether the seat of somebody who is to give it up becomes free in this pass.
    pub fn frees(&self, license: &LicenseId, anchor: SourceId) -> bool {
        self.outranked.get(license).and_then(|people| people.get(&anchor)).is_some_and(|flows| *flows)
    }

    /// The queue.
    pub fn queue(&self) -> &Arc<Queue> {
        &self.queue
    }

    /// Asks for a seat. `Err` with the place in the order for whoever has to wait.
    pub fn take(&mut self, license: &LicenseId, case: &Case) -> Result<(), Box<Rank>> {
        let Some(short) = self.short.get_mut(license) else { return Ok(()) };
        let rank = case.rank(&self.queue, license);
        if short.left > 0 && short.last.as_ref().is_some_and(|last| rank <= *last) {
            short.left -= 1;
            Ok(())
        } else {
            Err(Box::new(rank))
        }
    }

    /// Gives a seat back that was taken and is not used.
    pub fn give_back(&mut self, license: &LicenseId) {
        if let Some(short) = self.short.get_mut(license) {
            short.left += 1;
        }
    }
}

/// The few seats of a licence and the best of those who ask: never more of them than seats.
#[derive(Clone, Debug)]
pub struct Contest {
    seats: usize,
    best: BinaryHeap<Rank>,
    asked: u64,
}

impl Contest {
    /// A contest for so many seats.
    pub fn new(seats: u64) -> Self {
        Self { seats: usize::try_from(seats).unwrap_or(usize::MAX), best: BinaryHeap::new(), asked: 0 }
    }

    /// Somebody asks.
    pub fn offer(&mut self, rank: Rank) {
        self.asked += 1;
        if self.best.len() < self.seats {
            self.best.push(rank);
        } else if let Some(mut worst) = self.best.peek_mut()
            && rank < *worst
        {
            *worst = rank;
        }
    }

    /// How many asked.
    pub fn asked(&self) -> u64 {
        self.asked
    }

    /// The best, in order.
    pub fn order(self) -> Vec<Rank> {
        self.best.into_sorted_vec()
    }
}

/// The last of those who have a seat that could be taken from them, for so many who have none.
#[derive(Clone, Debug, Default)]
pub struct Holders {
    most: usize,
    last: BinaryHeap<Reverse<Rank>>,
}

impl Holders {
    /// At most so many matter.
    pub fn new(most: u64) -> Self {
        Self { most: usize::try_from(most).unwrap_or(usize::MAX), last: BinaryHeap::new() }
    }

    /// Somebody has a seat.
    pub fn offer(&mut self, rank: Rank) {
        if self.last.len() < self.most {
            self.last.push(Reverse(rank));
        } else if let Some(mut first) = self.last.peek_mut()
            && rank > first.0
        {
            *first = Reverse(rank);
        }
    }

    /// Who gives up a seat, when `asking`, in order, have none: the last of the holders, each for
    /// somebody who stands before by rule or by attribute. Waiting long is no reason to take a seat.
    pub fn outranked(self, asking: &[Rank]) -> Vec<SourceId> {
        let mut holders: Vec<Rank> = self.last.into_iter().map(|Reverse(rank)| rank).collect();
        holders.sort_unstable_by(|a, b| b.cmp(a));
        let pairs = holders.iter().zip(asking).take_while(|(holds, asks)| asks.may_replace(holds));
        pairs.map(|(holds, _)| holds.anchor).collect()
    }

    /// Who may have to give up a seat, should others turn out to keep theirs: all before whom any of
    /// those stands who are `asking`, in order.
    pub fn behind(&self, asking: &[Rank]) -> Vec<SourceId> {
        let Some(first) = asking.first() else { return Vec::new() };
        let holders = self.last.iter().filter(|Reverse(holds)| first.may_replace(holds));
        holders.map(|Reverse(holds)| holds.anchor).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::plan::tests_support::person;
    use crate::plan::{Seen, Wish};

    fn case(person: &Person, standing: Option<Standing>) -> Case {
        Case {
            kind: Default::default(),
            anchor: SourceId::new([1; 16]),
            dn: None,
            wish: Wish::Present(person.clone()),
            row: None,
            seen: Seen::Missing,
            matched: None,
            held: None,
            protected: false,
            proven: true,
            standing,
        }
    }

    fn rank(rule: u16, n: u8) -> Rank {
        Rank {
            behind: false,
            rule,
            order: Box::default(),
            since: i64::MAX,
            created: i64::MAX,
            anchor: SourceId::new([n; 16]),
        }
    }

    /// Who gets a seat, of those who ask in this order.
    fn served(seats: u64, asking: &[(u16, u8)]) -> Vec<u8> {
        let license = LicenseId::new("L");
        let mut person = person("x");
        person.licenses.insert(license.clone());
        let mut contest = Contest::new(seats);
        asking.iter().for_each(|(rule, n)| contest.offer(rank(*rule, *n)));
        assert_eq!(contest.asked(), asking.len() as u64);
        let mut ledger = Seats::plenty(Arc::default());
        ledger.ration(license.clone(), seats, &contest.order());
        let gets = |(rule, n): &(u16, u8)| {
            let standing = Standing { rules: vec![*rule], ..Standing::default() };
            let case = Case { anchor: SourceId::new([*n; 16]), ..case(&person, Some(standing)) };
            let taken = ledger.take(&license, &case);
            taken.is_ok().then_some(*n)
        };
        asking.iter().filter_map(gets).collect()
    }

    #[test]
    fn the_best_get_the_seats_whoever_asks_first() {
        assert_eq!(served(0, &[(0, 1)]), Vec::<u8>::new());
        assert_eq!(served(2, &[(1, 1), (0, 9), (1, 2), (0, 8)]), [9, 8]);
        assert_eq!(served(3, &[(1, 2), (0, 9), (1, 1), (0, 8)]), [9, 1, 8]);
        assert_eq!(served(9, &[(1, 2), (0, 9)]), [2, 9]);
    }

    #[test]
    fn seniority_counts_and_refusals_do_not_block() {
        let license = LicenseId::new("L");
        let mut person = person("x");
        person.licenses.insert(license.clone());
        let standing = Standing { rules: vec![0], ..Standing::default() };
        let who = |n| SourceId::new([n; 16]);
        let place = |n, since, refused| ((who(n), license.clone()), Place { since, refused });
        let queue = Queue::new([place(1, 50, 0), place(2, 40, 0), place(3, 1, PATIENCE)]);
        let mut order: Vec<u8> = vec![1, 2, 3, 4];
        order.sort_by_key(|n| queue.rank(who(*n), Some(&standing), &person, &license));
        assert_eq!(order, [2, 1, 4, 3]);
        let lost = queue.rank(who(9), None, &person, &license);
        assert!(lost < queue.rank(who(2), Some(&standing), &person, &license));
    }

    #[test]
    fn plenty_is_for_everybody() {
        let license = LicenseId::new("L");
        let mut seats = Seats::plenty(Arc::default());
        assert_eq!(seats.take(&license, &case(&person("x"), None)), Ok(()));
    }

    #[test]
    fn only_rule_and_attribute_take_a_seat_from_somebody() {
        let outranked = |most, holding: &[(u16, u8)], asking: &[(u16, u8)]| -> Vec<u8> {
            let mut holders = Holders::new(most);
            holding.iter().for_each(|(rule, n)| holders.offer(rank(*rule, *n)));
            let mut asking: Vec<Rank> = asking.iter().map(|(rule, n)| rank(*rule, *n)).collect();
            asking.sort();
            holders.outranked(&asking).iter().map(|anchor| anchor.as_bytes()[0]).collect()
        };
        let holding = [(1, 1), (2, 2), (0, 3), (2, 4)];
        assert_eq!(outranked(2, &holding, &[(0, 8), (1, 9)]), [4, 2]);
        assert_eq!(outranked(3, &holding, &[(2, 7), (0, 8), (1, 9)]), [4, 2], "not for an equal");
        assert_eq!(outranked(1, &holding, &[(2, 7)]), Vec::<u8>::new());
        assert_eq!(outranked(0, &holding, &[]), Vec::<u8>::new());
    }

    #[test]
    fn whoever_may_have_to_give_up_a_seat_is_known() {
        let mut holders = Holders::new(3);
        [(1, 1), (2, 2), (0, 3), (2, 4)].into_iter().for_each(|(rule, n)| holders.offer(rank(rule, n)));
        let behind = |asking: &[Rank]| {
            let mut all: Vec<u8> = holders.behind(asking).iter().map(|anchor| anchor.as_bytes()[0]).collect();
            all.sort_unstable();
            all
        };
        assert_eq!(behind(&[rank(0, 8), rank(2, 9)]), [1, 2, 4], "more than the one who gives way");
        assert_eq!(behind(&[rank(1, 8)]), [2, 4]);
        assert_eq!(behind(&[rank(2, 8)]), Vec::<u8>::new(), "not for an equal");
        assert_eq!(behind(&[Rank { behind: true, ..rank(0, 8) }]), Vec::<u8>::new());
        assert_eq!(behind(&[]), Vec::<u8>::new());
    }
}
