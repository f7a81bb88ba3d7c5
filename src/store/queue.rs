//! The queue for seats, and how many of them were needed day by day.

use std::collections::BTreeMap;

use rusqlite::{Connection, params};
use serde::{Deserialize, Serialize};

use super::error::nonsense;
use super::{Reader, StoreError};
use crate::model::{Email, LicenseId, Rank, SourceId, Unserved};

/// A person who is entitled to a licence and has no seat.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Waiting {
    /// The person's address.
    pub email: Email,
    /// Which licence.
    pub license: LicenseId,
    /// Who, since when, and the place in the order.
    pub rank: Rank,
    /// The name of the first rule that gives the licence; empty when it is not known.
    pub rule: String,
    /// Why.
    pub reason: Unserved,
    /// How often in a row the cloud refused.
    pub refused: u32,
}

/// The seats of one licence on one day, as the last pass of the day left them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct SeatDay {
    /// The day, counted from 1970-01-01 UTC.
    pub day: i64,
    /// Seats bought.
    pub total: u64,
    /// Seats in use.
    pub consumed: u64,
    /// Seats that would be in use if everybody entitled had one.
    pub demand: u64,
    /// People who waited.
    pub waiting: u64,
}

impl Reader {
    /// Who waits for a seat, licence by licence, each queue in its order.
    pub fn waiting(&self) -> Result<Vec<Waiting>, StoreError> {
        self.read("reading who waits for a seat", all)
    }

    /// The seats that were needed, by licence, from a day on, in order.
    pub fn seat_days(&self, since: i64) -> Result<BTreeMap<LicenseId, Vec<SeatDay>>, StoreError> {
        self.read("reading the seats of the last days", |db| days_since(db, since))
    }
}

pub(super) fn set(db: &Connection, all: &[Waiting]) -> rusqlite::Result<()> {
    db.execute("DELETE FROM waiting", [])?;
    let mut insert = db.prepare_cached(
        "INSERT OR REPLACE INTO waiting
             (anchor, license, email, since, behind, rule, named, ordering, created, reason, refused)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11)",
    )?;
    for Waiting { email, license, rank, rule, reason, refused } in all {
        insert.execute(params![
            rank.anchor.as_bytes(),
            license.as_str(),
            email.as_str(),
            rank.since,
            rank.behind,
            rank.rule,
            rule,
            &rank.order[..],
            rank.created,
            reason.word(),
            refused,
        ])?;
    }
    Ok(())
}

/// Everybody who waits, licence by licence, each queue in its order.
fn all(db: &Connection) -> rusqlite::Result<Vec<Waiting>> {
    db.prepare_cached(
        "SELECT anchor, license, email, since, behind, rule, named, ordering, created, reason, refused FROM waiting
         ORDER BY license, behind, rule, ordering, since, created, anchor",
    )?
    .query_map([], |row| {
        Ok(Waiting {
            email: row.get_ref(2)?.as_str()?.parse().map_err(nonsense)?,
            license: LicenseId::new(row.get::<_, String>(1)?),
            rank: Rank {
                behind: row.get(4)?,
                rule: row.get(5)?,
                order: row.get_ref(7)?.as_blob()?.into(),
                since: row.get(3)?,
                created: row.get(8)?,
                anchor: SourceId::new(row.get(0)?),
            },
            rule: row.get(6)?,
            reason: Unserved::from_word(row.get_ref(9)?.as_str()?)
                .ok_or_else(|| nonsense("an unknown reason to wait for a seat"))?,
            refused: row.get(10)?,
        })
    })?
    .collect()
}

/// Notes a day; a later pass of the same day writes over it.
pub(super) fn note_days(db: &Connection, days: &[(LicenseId, SeatDay)]) -> rusqlite::Result<()> {
    let mut insert = db.prepare_cached(
        "INSERT OR REPLACE INTO seat_day (license, day, total, consumed, demand, waiting)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
    )?;
    for (license, SeatDay { day, total, consumed, demand, waiting }) in days {
        let number = |number: &u64| i64::try_from(*number).unwrap_or(i64::MAX);
        insert.execute(params![
            license.as_str(),
            day,
            number(total),
            number(consumed),
            number(demand),
            number(waiting),
        ])?;
    }
    Ok(())
}

/// The days from one on, by licence, in order.
fn days_since(db: &Connection, day: i64) -> rusqlite::Result<BTreeMap<LicenseId, Vec<SeatDay>>> {
    let mut select = db.prepare_cached(
        "SELECT license, day, total, consumed, demand, waiting FROM seat_day WHERE day >= ?1
         ORDER BY license, day",
    )?;
    let mut rows = select.query([day])?;
    let mut days: BTreeMap<LicenseId, Vec<SeatDay>> = BTreeMap::new();
    while let Some(row) = rows.next()? {
        let number = |at: usize| row.get::<_, i64>(at).map(i64::unsigned_abs);
        let seats = SeatDay {
            day: row.get(1)?,
            total: number(2)?,
            consumed: number(3)?,
            demand: number(4)?,
            waiting: number(5)?,
        };
        days.entry(LicenseId::new(row.get::<_, String>(0)?)).or_default().push(seats);
    }
    Ok(days)
}

/// Forgets the days that ended before a time, in seconds since 1970-01-01 UTC.
pub(super) fn prune(db: &Connection, before: i64) -> rusqlite::Result<()> {
    db.prepare_cached("DELETE FROM seat_day WHERE day < ?1")?.execute([before.div_euclid(86_400)]).map(drop)
}
