//! The queue for seats between two passes: who keeps a place in it, and what is noted at the end.

use std::collections::{BTreeMap, BTreeSet};

use crate::apply::gives;
use crate::model::{Fingerprint, Kind, LicenseId, LinkState, Rank, SnapshotRow, SourceId, Unserved, Wanted};
use crate::plan::{Forecast, PATIENCE, Supply, Tenure, WINDOW, forecast};
use crate::store::{Reader, SeatDay, Stage, StagedWanted, StoreError, Waiting};

use super::act::Acted;
use super::census::Reading;
use super::index::Index;
use super::looked::Look;
use super::moved::Moved;
use super::parts::{NoSeat, in_order};

/// People looked up at a time.
const CHUNK: usize = 1_000;

/// A day, in seconds.
const DAY: i64 = 86_400;

/// Who waits, each under the anchor that they have now.
pub(super) fn current(reader: &Reader, moved: &Moved) -> Result<Vec<Waiting>, StoreError> {
    let mut waiting = reader.waiting()?;
    waiting.iter_mut().for_each(|one| one.rank.anchor = moved.now(one.rank.anchor));
    Ok(waiting)
}

/// What says whether somebody still waits.
#[derive(Clone, Copy)]
pub(super) struct Knowledge<'a> {
    pub reader: &'a Reader,
    pub people: &'a Stage,
    pub index: &'a Index,
    pub moved: &'a Moved,
    pub reading: &'a Reading,
}

impl Knowledge<'_> {
    /// Of those who waited, those who still do as far as is known.
    pub fn still<'b>(&self, waiting: &'b [Waiting]) -> Result<Vec<&'b Waiting>, StoreError> {
        let mut still = Vec::new();
        for some in waiting.chunks(CHUNK) {
            let anchors: Vec<SourceId> = some.iter().map(|one| one.rank.anchor).collect();
            // Of those who move in this pass the row may still be the old one.
            let old = anchors.iter().map(|anchor| self.moved.old(*anchor));
            let both: BTreeSet<SourceId> = old.chain(anchors.iter().copied()).collect();
            let rows = self.reader.rows(&both.into_iter().collect::<Vec<_>>())?;
            let rows: BTreeMap<SourceId, &SnapshotRow> =
                rows.iter().map(|row| (self.moved.now(row.anchor), row)).collect();
            let staged = self.people.wanted(&anchors)?;
            let staged: BTreeMap<SourceId, &StagedWanted> =
                staged.iter().map(|one| (one.anchor, one)).collect();
            still.extend(some.iter().filter(|one| {
                let anchor = &one.rank.anchor;
                self.waits(one, rows.get(anchor).copied(), staged.get(anchor).copied())
            }));
        }
        Ok(still)
    }

    /// Of those who waited, those whom this pass is not about: their turn is kept.
    pub fn absent<'b>(&self, waiting: &'b [Waiting]) -> Result<Vec<&'b Waiting>, StoreError> {
        let Some(concerned) = &self.reading.concerned else { return Ok(Vec::new()) };
        let mut absent = self.still(waiting)?;
        absent.retain(|one| !concerned.contains(&one.rank.anchor));
        Ok(absent)
    }

    fn waits(&self, one: &Waiting, row: Option<&SnapshotRow>, staged: Option<&StagedWanted>) -> bool {
        let over = |row: &SnapshotRow| {
            row.applied.licenses.contains(&one.license) || row.state != LinkState::Present
        };
        if row.is_some_and(over) {
            return false;
        }
        if let Some(staged) = staged {
            return match &staged.wanted {
                Wanted::Present(person) => person.licenses.contains(&one.license),
                Wanted::Leaving(_) => false,
                // Nobody can tell: the place is kept.
                Wanted::Withheld(_) => true,
            };
        }
        let anchor = one.rank.anchor;
        let at = self.index.find(self.moved.old(anchor));
        let reading = self.reading;
        match &reading.concerned {
            // Whose source did not answer is not gone.
            Some(concerned) if concerned.contains(&anchor) => match at {
                Some(at) => self.index.unusable.get(at) || !reading.whole,
                None => !reading.whole || !reading.partial.is_empty(),
            },
            // With whoever waits something is open.
            Some(_) => row.is_none_or(|row| row.record == Fingerprint::NONE),
            None => match at {
                Some(at) => self.index.unusable.get(at) || !self.index.met.get(at) && !reading.whole,
                None => !reading.whole || !reading.partial.is_empty(),
            },
        }
    }
}

/// What is noted about the day, by licence.
type Days = Vec<(LicenseId, SeatDay)>;

/// The queue as a pass leaves it, and the day it was. Completes what is known about those in
/// `acted` who wait.
pub(super) fn conclude(
    look: &Look,
    reader: &Reader,
    acted: &mut Acted,
) -> Result<(Vec<Waiting>, Days), StoreError> {
    let before = current(reader, &look.moved)?;
    let places: BTreeMap<(&LicenseId, SourceId), &Waiting> =
        before.iter().map(|one| ((&one.license, one.rank.anchor), one)).collect();
    // Nobody comes before those who wait already, neither in the same second nor after the clock
    // was put back.
    let now = before.iter().map(|one| one.rank.since + 1).fold(look.policy.now, i64::max);
    look_up(look, &mut acted.waiting)?;
    in_order(&mut acted.waiting);
    let mut refused = refused(look, acted);
    look_up(look, &mut refused)?;

    let mut seen = BTreeSet::new();
    let mut queue = Vec::new();
    for one in acted.waiting.iter().chain(&refused) {
        let (Some(rank), Ok(email)) = (&one.rank, one.email.parse()) else { continue };
        if !seen.insert((one.license.clone(), one.anchor)) {
            continue;
        }
        let place = places.get(&(&one.license, one.anchor));
        let refused =
            place.map_or(0, |place| place.refused) + u32::from(one.reason == Unserved::RefusedByCloud);
        queue.push(Waiting {
            email,
            license: one.license.clone(),
            rank: Rank {
                since: place.map_or(now, |place| place.rank.since),
                behind: refused >= PATIENCE,
                ..(**rank).clone()
            },
            rule: look.rule_name(rank.rule).to_owned(),
            reason: one.reason,
            refused,
        });
    }
    let lineless = Lineless::find(look, acted);
    let kept = look.knowledge(reader).still(&before)?.into_iter().filter(|one| !lineless.concerns(one));
    queue.extend(kept.filter(|one| !seen.contains(&(one.license.clone(), one.rank.anchor))).cloned());
    let days = days(&look.supply, acted, &queue, look.policy.now);
    Ok((queue, days))
}

/// Who was found to lack a telephone: it is no seat that they wait for, whatever they did before.
struct Lineless<'a> {
    people: &'a BTreeSet<SourceId>,
    calling: BTreeSet<LicenseId>,
    tenure: &'a Tenure,
}

impl<'a> Lineless<'a> {
    fn find(look: &'a Look, acted: &'a Acted) -> Self {
        let tenure = &look.policy.tenure;
        Self { people: &acted.lineless, calling: tenure.calling(), tenure }
    }

    /// Whether somebody waited for a licence that comes with a telephone, or needs one that does.
    fn concerns(&self, one: &Waiting) -> bool {
        self.people.contains(&one.rank.anchor)
            && (self.calling.contains(&one.license)
                || self.tenure.depends_on(&one.license, self.calling.iter()))
    }
}

/// When seats run out, by licence, with what this pass needs as the last of the days.
pub(super) fn forecasts(
    reader: &Reader,
    supply: &[Supply],
    now: i64,
) -> Result<BTreeMap<LicenseId, Forecast>, StoreError> {
    let today = now.div_euclid(DAY);
    let known = reader.seat_days(today - WINDOW)?;
    let one = |one: &Supply| {
        let before = known.get(&one.license)?.iter().filter(|seats| seats.day < today);
        let mut days: Vec<(i64, u64)> = before.map(|seats| (seats.day, seats.demand)).collect();
        days.push((today, one.demand()));
        Some((one.license.clone(), forecast(&days, one.total)?))
    };
    Ok(supply.iter().filter_map(one).collect())
}

/// Whom the cloud refused a licence. That is told as a failure; a place in the queue they have too.
fn refused(look: &Look, acted: &Acted) -> Vec<NoSeat> {
    let limited = |license: &LicenseId| look.supply.iter().any(|one| one.license == *license);
    acted
        .failed
        .iter()
        .filter(|failure| failure.action.kind == Kind::LicenseAdd && failure.code == "rejected")
        .flat_map(|failure| {
            gives(&failure.action.changes).filter(|license| limited(license)).map(|license| NoSeat {
                anchor: failure.action.anchor,
                email: failure.action.who.to_string(),
                license: license.clone(),
                rank: None,
                reason: Unserved::RefusedByCloud,
            })
        })
        .collect()
}

/// Finds the places in the order that are not known yet.
fn look_up(look: &Look, waiting: &mut [NoSeat]) -> Result<(), StoreError> {
    let queue = look.seats.queue();
    for one in waiting.iter_mut().filter(|one| one.rank.is_none()) {
        let staged = look.people.wanted(&[one.anchor])?.pop();
        let rank = match staged.as_ref().map(|staged| (&staged.wanted, &staged.standing)) {
            Some((Wanted::Present(person), standing)) => {
                queue.rank(one.anchor, Some(standing), person, &one.license)
            }
            _ => Rank::restored(one.anchor),
        };
        one.rank = Some(Box::new(rank));
    }
    Ok(())
}

/// What is noted about the day.
fn days(supply: &[Supply], acted: &Acted, queue: &[Waiting], now: i64) -> Days {
    let unserved =
        |one: &Supply| acted.waiting.iter().filter(|waits| waits.license == one.license).count() as u64;
    let day = |one: &Supply| SeatDay {
        day: now.div_euclid(DAY),
        total: one.total,
        consumed: one.consumed.saturating_sub(one.freed) + one.asked.saturating_sub(unserved(one)),
        demand: one.demand(),
        waiting: queue.iter().filter(|waits| waits.license == one.license).count() as u64,
    };
    supply.iter().map(|one| (one.license.clone(), day(one))).collect()
}
