//! Licences and roles of somebody who stays: what is given as far as there are seats, what is taken
//! back, and what is exchanged.

use std::collections::BTreeSet;

use super::{Draft, EXCLUDED, NEEDED, NUMBER_LATER, ONE_WAY, WANTING};
use crate::model::{AccountKind, Attr, Cause, Change, Email, Field, Kind, LicenseId, Person, RoleId};

impl Draft<'_> {
    /// Gives what is wanted and not held, as far as there are seats; takes what is ours to take
    /// and nobody wants any more, when its time is over; exchanges what excludes each other.
    pub(super) fn licenses(
        &mut self,
        person: &Person,
        held: &BTreeSet<LicenseId>,
        given: &BTreeSet<LicenseId>,
    ) {
        if self.case.kind == AccountKind::Room {
            // Whatever a room holds was given in the cloud, and is nothing of ours.
            return;
        }
        let tenure = &self.policy.tenure;
        let mut give: Vec<&LicenseId> = person.licenses.difference(held).collect();
        let mut lost = tenure.ours(given, held);
        lost.retain(|id| !person.licenses.contains(id));
        let one_way =
            |give: &Vec<&LicenseId>, from: &LicenseId| give.iter().any(|to| tenure.cannot_become(from, to));
        if held.iter().any(|from| one_way(&give, from)) {
            // Taking it would leave the person without any telephone.
            lost.retain(|from| !one_way(&give, from));
            give.retain(|to| !held.iter().any(|from| tenure.cannot_become(from, to)));
            self.short = Some(ONE_WAY);
        }
        let mut take = Vec::new();
        let seat_lost = |id: &&LicenseId| {
            person.licenses.contains(*id) && held.contains(*id) && self.seats.outranks(id, self.case.anchor)
        };
        let mut outranked: Vec<LicenseId> = given.iter().filter(seat_lost).cloned().collect();
        if !lost.is_empty() || !outranked.is_empty() {
            let known = self.case.row.as_ref().map(|row| row.given.fading.clone()).unwrap_or_default();
            match self.obstacle() {
                Some(reason) => {
                    self.short = Some(reason);
                    self.fading = known.into_iter().filter(|(id, _)| lost.contains(id)).collect();
                    outranked.clear();
                }
                None => {
                    let parted = tenure.part(lost, &person.licenses, &known, self.policy.now);
                    self.fading = parted.fading;
                    take = parted.take;
                }
            }
        }
        // What makes room for another licence goes in the same call, and only when there is a seat.
        let (swapped, mut take): (Vec<_>, Vec<_>) =
            take.into_iter().partition(|from| give.iter().any(|to| tenure.exclude(from, to)));
        self.keep_needed(held, &mut take);
        if take.iter().any(|id| tenure.is_calling(id)) && person.profile.contains_key(&Field::PhoneWork) {
            self.short.get_or_insert(NUMBER_LATER);
        }
        self.give_up(person, &take, outranked.clone());
        // What others need comes before them.
        give.sort_by_key(|id| tenure.depends_on(id, person.licenses.iter()));
        let (mut changes, mut exchange) = (Vec::new(), Vec::new());
        let mut granted: BTreeSet<&LicenseId> = BTreeSet::new();
        for id in give {
            let room: Vec<&LicenseId> = swapped.iter().filter(|from| tenure.exclude(from, id)).collect();
            let stays = |other: &LicenseId| !take.contains(other) && !room.contains(&other);
            let has = |other: &LicenseId| {
                let keeps = held.contains(other) && stays(other) && !outranked.contains(other);
                (keeps || granted.contains(other)) && tenure.meets(other, id)
            };
            let lacks =
                tenure.depends_on(id, person.licenses.iter()) && !held.union(&person.licenses).any(has);
            if held.iter().any(|other| stays(other) && tenure.exclude(id, other)) {
                self.short.get_or_insert(EXCLUDED);
            } else if lacks && self.waiting.iter().any(|(other, _)| tenure.meets(other, id)) {
                let rank = self.case.rank(self.seats.queue(), id);
                self.waiting.push((id.clone(), Box::new(rank)));
            } else if lacks {
                self.short.get_or_insert(WANTING);
            } else if let Err(rank) = self.seats.take(id, self.case) {
                self.waiting.push((id.clone(), rank));
            } else if room.is_empty() {
                granted.insert(id);
                changes.push(Change::give(id.clone()));
            } else {
                granted.insert(id);
                for from in room.into_iter().cloned().map(Change::take) {
                    if !exchange.contains(&from) {
                        exchange.push(from);
                    }
                }
                exchange.push(Change::give(id.clone()));
            }
        }
        for changes in [changes, exchange] {
            if !changes.is_empty() {
                self.push(Kind::LicenseAdd, &person.email, changes, Cause::Entitled);
            }
        }
    }

    /// Of what is to be taken, keeps what something needs that stays.
    fn keep_needed(&mut self, held: &BTreeSet<LicenseId>, take: &mut Vec<LicenseId>) {
        loop {
            let is_needed = |id: &LicenseId| {
                let stays = held.iter().filter(|one| *one == id || !take.contains(one));
                self.policy.tenure.is_needed(id, &stays.cloned().collect())
            };
            let Some(at) = take.iter().position(is_needed) else { return };
            // What is kept may need something itself.
            take.remove(at);
            self.short.get_or_insert(NEEDED);
        }
    }

    /// Takes what no rule gives any more, and the seats that go to somebody before in the order.
    fn give_up(&mut self, person: &Person, take: &[LicenseId], outranked: Vec<LicenseId>) {
        let cause = if take.is_empty() { Cause::Outranked } else { Cause::NotEntitled };
        let all: Vec<LicenseId> = take.iter().chain(&outranked).cloned().collect();
        self.take_licenses(&person.email, &all, cause);
        for id in outranked.into_iter().filter(|id| self.seats.frees(id, self.case.anchor)) {
            let rank = self.case.rank(self.seats.queue(), &id);
            self.waiting.push((id, Box::new(rank)));
        }
    }

    pub(super) fn take_licenses(&mut self, email: &Email, take: &[LicenseId], cause: Cause) {
        if take.is_empty() {
            return;
        }
        let changes = take.iter().cloned().map(Change::take).collect();
        self.push(Kind::LicenseRemove, email, changes, cause);
    }

    pub(super) fn roles(&mut self, person: &Person, held: &BTreeSet<RoleId>, given: &BTreeSet<RoleId>) {
        let mut changes: Vec<Change> = person
            .roles
            .difference(held)
            .map(|role| Change::new(Attr::Role(role.clone()), None, Some(Change::HELD.into())))
            .collect();
        let take: Vec<Change> = given
            .iter()
            .filter(|role| held.contains(*role) && !person.roles.contains(*role))
            .map(|role| Change::new(Attr::Role(role.clone()), Some(Change::HELD.into()), None))
            .collect();
        let cause = if changes.is_empty() { Cause::NotEntitled } else { Cause::Entitled };
        if !take.is_empty() {
            match self.obstacle() {
                Some(reason) => self.short = Some(reason),
                None => changes.extend(take),
            }
        }
        if !changes.is_empty() {
            self.push(Kind::RoleChange, &person.email, changes, cause);
        }
    }
}
