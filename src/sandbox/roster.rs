//! All accounts, with the indexes that make a page cost a page.
//!
//! Accounts stand in slots in the order of their creation; a deleted one leaves its slot empty for
//! good. Live accounts are counted per block of slots, so that the n-th one is found by passing
//! blocks. Accounts are shared (`Arc`) and replaced whole, so that a reader's copy of the roster
//! is a copy of pointers.
//!
//! Listings may lag behind writes: a shadow keeps what they still show for a slot.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use uuid::Uuid;

use super::addresses::{Addresses, compared};
use super::person::Person;

const BLOCK: usize = 1024;
/// From this depth on, an ordered listing is worth sorting once and keeping.
const DEEP: usize = 2_000;

/// The order of a listing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Order {
    Creation,
    UserName,
    Id,
    Modified,
}

/// What listings show for a slot until a moment.
#[derive(Debug)]
struct Shadow {
    until: Instant,
    before: Option<Arc<Person>>,
}

type Sorted = (Order, u64, Arc<[u32]>);

/// All accounts.
#[derive(Debug, Default)]
pub(super) struct Roster {
    slots: Vec<Option<Arc<Person>>>,
    blocks: Vec<u32>,
    live: usize,
    by_id: BTreeMap<Uuid, u32>,
    by_name: BTreeMap<Box<str>, u32>,
    by_modified: BTreeSet<(i64, u32)>,
    addresses: Addresses,
    /// Grows with every write.
    generation: u64,
    shadows: HashMap<u32, Shadow>,
    sorted: Mutex<Option<Sorted>>,
}

impl Roster {
    /// How many accounts there are.
    pub(super) fn len(&self) -> usize {
        self.live
    }

    /// How many slots were ever used; slots are below this number.
    pub(super) fn slots(&self) -> u32 {
        u32::try_from(self.slots.len()).unwrap_or(u32::MAX)
    }

    /// The account in a slot.
    pub(super) fn get(&self, slot: u32) -> Option<&Arc<Person>> {
        self.slots.get(slot as usize)?.as_ref()
    }

    /// The slot of an id.
    pub(super) fn slot_of(&self, id: Uuid) -> Option<u32> {
        self.by_id.get(&id).copied()
    }

    /// The slot of a user name, compared without case.
    pub(super) fn slot_named(&self, name: &str) -> Option<u32> {
        self.by_name.get(name.to_lowercase().as_str()).copied()
    }

    /// Whether an account other than that in `slot` has an address, as its user name or beside it.
    pub(super) fn has_other(&self, address: &str, slot: Option<u32>) -> bool {
        let address = compared(address);
        let named = self.by_name.get(&address).is_some_and(|holder| Some(*holder) != slot);
        named || self.addresses.has_other(&address, slot)
    }

    /// Slots whose lower-case user name starts with a text.
    pub(super) fn named_like(&self, prefix: &str) -> impl Iterator<Item = u32> {
        let prefix = prefix.to_lowercase();
        self.by_name
            .range(Box::<str>::from(prefix.as_str())..)
            .take_while(move |(name, _)| name.starts_with(prefix.as_str()))
            .map(|(_, slot)| *slot)
    }

    /// All slots in the order of user names.
    pub(super) fn by_name(&self) -> impl Iterator<Item = &Arc<Person>> {
        self.by_name.values().filter_map(|slot| self.get(*slot))
    }

    /// The accounts in slots from `after` on, in slot order.
    pub(super) fn since_slot(&self, from: u32) -> impl Iterator<Item = (u32, &Arc<Person>)> {
        let from = (from as usize).min(self.slots.len());
        self.slots[from..]
            .iter()
            .enumerate()
            .filter_map(move |(at, person)| Some((u32::try_from(from + at).ok()?, person.as_ref()?)))
    }

    /// A copy of the pointers to all accounts.
    pub(super) fn all(&self) -> Vec<Arc<Person>> {
        self.slots.iter().flatten().cloned().collect()
    }

    /// Adds an account; the caller has checked that id and name are free.
    pub(super) fn insert(&mut self, person: Person, lag: Duration) -> u32 {
        let slot = self.slots();
        self.generation += 1;
        self.by_id.insert(person.id, slot);
        self.by_name.insert(person.key(), slot);
        self.by_modified.insert((person.modified, slot));
        self.addresses.add(slot, &person.profile);
        self.slots.push(Some(Arc::new(person)));
        let block = slot as usize / BLOCK;
        if self.blocks.len() <= block {
            self.blocks.push(0);
        }
        self.blocks[block] += 1;
        self.live += 1;
        self.shadow(slot, None, lag);
        slot
    }

    /// Replaces an account by its next version.
    pub(super) fn replace(&mut self, slot: u32, person: Person, lag: Duration) {
        let Some(place) = self.slots.get_mut(slot as usize) else { return };
        let Some(before) = place.take() else { return };
        self.generation += 1;
        let (old, new) = (before.key(), person.key());
        if old != new {
            self.by_name.remove(&old);
            self.by_name.insert(new, slot);
        }
        self.by_modified.remove(&(before.modified, slot));
        self.by_modified.insert((person.modified, slot));
        self.addresses.change(slot, &before.profile, &person.profile);
        *place = Some(Arc::new(person));
        self.shadow(slot, Some(before), lag);
    }

    /// Removes an account.
    pub(super) fn remove(&mut self, slot: u32, lag: Duration) -> Option<Arc<Person>> {
        let person = self.slots.get_mut(slot as usize)?.take()?;
        self.generation += 1;
        self.by_id.remove(&person.id);
        self.by_name.remove(&person.key());
        self.by_modified.remove(&(person.modified, slot));
        self.addresses.remove(slot, &person.profile);
        self.blocks[slot as usize / BLOCK] -= 1;
        self.live -= 1;
        self.shadow(slot, Some(Arc::clone(&person)), lag);
        Some(person)
    }

    fn shadow(&mut self, slot: u32, before: Option<Arc<Person>>, lag: Duration) {
        if lag.is_zero() {
            self.shadows.remove(&slot);
            return;
        }
        let now = Instant::now();
        if self.shadows.len() >= 4096 && self.shadows.len().is_power_of_two() {
            self.shadows.retain(|_, shadow| shadow.until > now);
        }
        let until = now + lag;
        self.shadows
            .entry(slot)
            .and_modify(|shadow| {
                if shadow.until <= now {
                    shadow.before = before.clone();
                }
                shadow.until = until;
            })
            .or_insert(Shadow { until, before });
    }

    /// What listings show for a slot now.
    pub(super) fn seen(&self, slot: u32, now: Instant) -> Option<&Arc<Person>> {
        match self.shadows.get(&slot) {
            Some(shadow) if shadow.until > now => shadow.before.as_ref(),
            _ => self.get(slot),
        }
    }

    /// How many accounts listings show now.
    pub(super) fn seen_len(&self, now: Instant) -> usize {
        let mut total = self.live;
        for (slot, shadow) in self.shadows.iter().filter(|(_, shadow)| shadow.until > now) {
            match (&shadow.before, self.get(*slot)) {
                (None, Some(_)) => total -= 1,
                (Some(_), None) => total += 1,
                _ => {}
            }
        }
        total
    }

    /// Slots that listings may still show although their account is gone or renamed.
    pub(super) fn shadowed(&self, now: Instant) -> impl Iterator<Item = u32> {
        self.shadows.iter().filter(move |(_, shadow)| shadow.until > now).map(|(slot, _)| *slot)
    }

    /// A page of a listing: `count` accounts after the first `skip`.
    pub(super) fn page(
        &self,
        skip: usize,
        count: usize,
        order: Order,
        descending: bool,
        now: Instant,
    ) -> Vec<Arc<Person>> {
        if self.shadows.values().any(|shadow| shadow.until > now) {
            return self.shadowed_page(skip, count, order, descending, now);
        }
        if order == Order::Creation && !descending {
            return self.nth(skip, count);
        }
        if skip >= DEEP {
            let sorted = self.sorted(order);
            let pick = |slot: &u32| self.get(*slot).cloned();
            return if descending {
                sorted.iter().rev().skip(skip).take(count).filter_map(pick).collect()
            } else {
                sorted.iter().skip(skip).take(count).filter_map(pick).collect()
            };
        }
        let pick = |slot: u32| self.get(slot).cloned();
        macro_rules! walk {
            ($slots:expr) => {
                if descending {
                    $slots.rev().skip(skip).take(count).filter_map(pick).collect()
                } else {
                    $slots.skip(skip).take(count).filter_map(pick).collect()
                }
            };
        }
        match order {
            Order::UserName => walk!(self.by_name.values().copied()),
            Order::Id => walk!(self.by_id.values().copied()),
            Order::Modified => walk!(self.by_modified.iter().map(|(_, slot)| *slot)),
            Order::Creation => {
                let occupied = (0..self.slots()).rev().filter_map(|slot| self.get(slot));
                occupied.skip(skip).take(count).cloned().collect()
            }
        }
    }

    /// Accounts in the order of creation, found by passing blocks.
    fn nth(&self, mut skip: usize, count: usize) -> Vec<Arc<Person>> {
        let mut page = Vec::with_capacity(count.min(self.live));
        for (block, live) in self.blocks.iter().enumerate() {
            let live = *live as usize;
            if live <= skip {
                skip -= live;
                continue;
            }
            let from = block * BLOCK;
            let to = (from + BLOCK).min(self.slots.len());
            for person in self.slots[from..to].iter().flatten() {
                if skip > 0 {
                    skip -= 1;
                } else if page.len() < count {
                    page.push(Arc::clone(person));
                } else {
                    return page;
                }
            }
        }
        page
    }

    fn sorted(&self, order: Order) -> Arc<[u32]> {
        let mut kept = self.sorted.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((of, generation, slots)) = &*kept
            && *of == order
            && *generation == self.generation
        {
            return Arc::clone(slots);
        }
        let slots: Arc<[u32]> = match order {
            Order::UserName => self.by_name.values().copied().collect(),
            Order::Id => self.by_id.values().copied().collect(),
            Order::Modified => self.by_modified.iter().map(|(_, slot)| *slot).collect(),
            Order::Creation => self.since_slot(0).map(|(slot, _)| slot).collect(),
        };
        *kept = Some((order, self.generation, Arc::clone(&slots)));
        slots
    }

    fn shadowed_page(
        &self,
        skip: usize,
        count: usize,
        order: Order,
        descending: bool,
        now: Instant,
    ) -> Vec<Arc<Person>> {
        let mut all: Vec<_> = (0..self.slots()).filter_map(|slot| self.seen(slot, now)).collect();
        match order {
            Order::Creation => {}
            Order::UserName => all.sort_by_cached_key(|person| person.key()),
            Order::Id => all.sort_by_key(|person| person.id),
            Order::Modified => all.sort_by_key(|person| person.modified),
        }
        if descending {
            all.reverse();
        }
        all.into_iter().skip(skip).take(count).cloned().collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sandbox::ids;
    use crate::sandbox::profile::Profile;
    use serde_json::json;

    fn person(name: &str, modified: i64) -> Person {
        let doc =
            json!({ "schemas": [crate::sandbox::attributes::CORE], "userType": "user", "userName": name });
        let serde_json::Value::Object(doc) = doc else { panic!("an object") };
        Person::new(ids::drawn(1, "person", name, 0), Profile::from_scim(doc).unwrap(), modified)
    }

    fn names(page: &[Arc<Person>]) -> Vec<String> {
        page.iter().map(|person| person.profile.user_name.split('@').next().unwrap().to_owned()).collect()
    }

    fn roster(count: usize) -> Roster {
        let mut roster = Roster::default();
        for n in 0..count {
            roster.insert(person(&format!("p{n:05}@example.com"), n as i64), Duration::ZERO);
        }
        roster
    }

    #[test]
    fn pages_skip_the_deleted_at_any_depth() {
        let mut roster = roster(5_000);
        for slot in (0..3_000).chain((3_000..5_000).step_by(2)) {
            roster.remove(slot, Duration::ZERO);
        }
        let now = Instant::now();
        assert_eq!(roster.len(), 1_000);
        for order in [Order::Creation, Order::UserName, Order::Modified] {
            assert_eq!(names(&roster.page(0, 2, order, false, now)), ["p03001", "p03003"], "{order:?}");
            assert_eq!(names(&roster.page(999, 5, order, false, now)), ["p04999"], "{order:?}");
            assert_eq!(names(&roster.page(0, 1, order, true, now)), ["p04999"], "{order:?}");
            assert!(roster.page(1_000, 5, order, false, now).is_empty());
        }
    }

    #[test]
    fn deep_ordered_pages_agree_with_walking() {
        let mut roster = roster(5_000);
        let now = Instant::now();
        assert_eq!(names(&roster.page(2_500, 1, Order::UserName, false, now)), ["p02500"]);
        assert_eq!(names(&roster.page(2_500, 1, Order::UserName, true, now)), ["p02499"]);
        roster.remove(0, Duration::ZERO);
        assert_eq!(
            names(&roster.page(2_500, 1, Order::UserName, false, now)),
            ["p02501"],
            "not a stale sort"
        );
    }

    #[test]
    fn a_lagging_listing_shows_what_was() {
        let mut roster = roster(3);
        let lag = Duration::from_secs(3600);
        roster.remove(0, lag);
        roster.replace(1, person("renamed@example.com", 9), lag);
        roster.insert(person("new@example.com", 10), lag);
        let now = Instant::now();
        assert_eq!(roster.seen_len(now), 3);
        let shown = names(&roster.page(0, 9, Order::Creation, false, now));
        assert_eq!(shown, ["p00000", "p00001", "p00002"]);
        let later = now + lag + Duration::from_secs(1);
        assert_eq!(roster.seen_len(later), 3);
        let shown = names(&roster.page(0, 9, Order::Creation, false, later));
        assert_eq!(shown, ["renamed", "p00002", "new"]);
        assert_eq!(roster.slot_named("RENAMED@example.com"), Some(1));
        assert_eq!(roster.slot_named("p00001@example.com"), None);
    }
}
