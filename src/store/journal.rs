//! The journal: what was about to happen, with its before-image, and how it ended.

use rusqlite::{Connection, OptionalExtension, Row, params};
use serde::{Deserialize, Serialize};

use super::error::nonsense;
use super::{RowChange, RunId};
use crate::model::{Action, Key, Kind, SourceId};

/// The id of an intent. Ascending.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct IntentId(pub i64);

/// An action that was begun.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Intent {
    /// The id.
    pub id: IntentId,
    /// The run that began it.
    pub run: RunId,
    /// The plan that it belongs to.
    pub plan: String,
    /// When it began, in seconds since 1970-01-01 UTC.
    pub begun: i64,
    /// What was to be done.
    pub action: Action,
}

/// How an intent ended.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    /// The cloud confirmed it.
    Succeeded,
    /// The cloud refused it.
    Failed {
        /// A stable word for the kind of trouble.
        code: String,
        /// What happened, in a sentence.
        message: String,
    },
    /// Never confirmed: it may or may not have happened. Such an intent is listed by
    /// [`super::Reader::unconfirmed_intents`], and can be settled again when it is known.
    Unknown,
    /// A part of it was confirmed.
    Partly {
        /// Which part was not, and why.
        message: String,
    },
}

// The numbers of outcomes in the database; 0 is open. SQLite stores 0 and 1 without a byte,
// so that settling the common case does not make the row longer.
const SUCCEEDED: i64 = 1;
const FAILED: i64 = 2;
const PARTLY: i64 = 3;
const UNKNOWN: i64 = 4;

/// The end of an intent, with what it changes in the snapshot.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Settlement {
    /// Which intent.
    pub intent: IntentId,
    /// How it ended.
    pub outcome: Outcome,
    /// What the cloud is now known to hold.
    pub row: Option<RowChange>,
}

/// What to look for in the history. Empty fields do not restrict.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct HistoryFilter {
    /// Only this run.
    pub run: Option<RunId>,
    /// Only this person. Together with `email`: whoever matches one of the two.
    pub anchor: Option<SourceId>,
    /// Only actions under this address ([`crate::model::Email::key`]).
    pub email: Option<Key>,
    /// Only what ended at that time or later.
    pub since: Option<i64>,
    /// Only what ended before that time.
    pub until: Option<i64>,
    /// Only this kind of action.
    pub kind: Option<Kind>,
    /// At most so many, the newest.
    pub limit: Option<usize>,
}

/// A settled action.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct HistoryEntry {
    /// The intent.
    pub intent: IntentId,
    /// The run that did it.
    pub run: RunId,
    /// The plan that it belonged to.
    pub plan: String,
    /// When it ended, in seconds since 1970-01-01 UTC.
    pub time: i64,
    /// What was done, with values before and after.
    pub action: Action,
    /// How it ended.
    pub outcome: Outcome,
}

/// An action with its JSON, made by the caller so that the writer only writes.
pub(super) struct Deed {
    kind: Kind,
    anchor: SourceId,
    email: Key,
    json: String,
}

impl Deed {
    pub(super) fn new(action: &Action) -> Result<Self, serde_json::Error> {
        Ok(Self {
            kind: action.kind,
            anchor: action.anchor,
            email: action.who.key(),
            json: serde_json::to_string(action)?,
        })
    }
}

/// Writes intents, in order.
pub(super) fn intend(
    db: &Connection,
    run: RunId,
    plan: &str,
    now: i64,
    deeds: &[Deed],
) -> rusqlite::Result<Vec<IntentId>> {
    // `ended` is filled in already so that settling does not make the row longer.
    let mut narrow = db.prepare_cached(
        "INSERT INTO intent (run, kind, anchor, email, begun, ended, outcome)
         VALUES (?1, ?2, ?3, ?4, ?5, ?5, 0)",
    )?;
    let mut wide = db.prepare_cached("INSERT INTO deed (intent, plan, action) VALUES (?1, ?2, ?3)")?;
    deeds
        .iter()
        .map(|deed| {
            let id =
                narrow.insert(params![run.0, deed.kind.name(), deed.anchor.as_bytes(), deed.email.0, now])?;
            wide.execute(params![id, plan, deed.json])?;
            Ok(IntentId(id))
        })
        .collect()
}

/// Writes how an intent ended. The last word counts.
pub(super) fn settle(db: &Connection, intent: IntentId, outcome: &Outcome, now: i64) -> rusqlite::Result<()> {
    let (number, code, message) = match outcome {
        Outcome::Succeeded => (SUCCEEDED, None, None),
        Outcome::Failed { code, message } => (FAILED, Some(code), Some(message)),
        Outcome::Partly { message } => (PARTLY, None, Some(message)),
        Outcome::Unknown => (UNKNOWN, None, None),
    };
    let changed = db
        .prepare_cached("UPDATE intent SET ended = ?2, outcome = ?3, code = ?4, message = ?5 WHERE id = ?1")?
        .execute(params![intent.0, now, number, code, message])?;
    if changed == 0 {
        return Err(nonsense("the journal does not have this intent"));
    }
    Ok(())
}

const INTENT: &str = "SELECT intent.id, intent.run, deed.plan, intent.begun, deed.action
    FROM intent JOIN deed ON deed.intent = intent.id";

fn intent(row: &Row<'_>) -> rusqlite::Result<Intent> {
    Ok(Intent {
        id: IntentId(row.get(0)?),
        run: RunId(row.get(1)?),
        plan: row.get(2)?,
        begun: row.get(3)?,
        action: serde_json::from_str(row.get_ref(4)?.as_str()?).map_err(nonsense)?,
    })
}

/// Intents that were begun and not settled, oldest first.
pub(super) fn open(db: &Connection) -> rusqlite::Result<Vec<Intent>> {
    db.prepare_cached(&format!("{INTENT} WHERE intent.outcome = 0 ORDER BY intent.id"))?
        .query_map([], intent)?
        .collect()
}

/// Intents that were settled as unknown, oldest first.
pub(super) fn unconfirmed(db: &Connection) -> rusqlite::Result<Vec<Intent>> {
    db.prepare_cached(&format!("{INTENT} WHERE intent.outcome = 4 ORDER BY intent.id"))?
        .query_map([], intent)?
        .collect()
}

/// Settled intents, newest first.
pub(super) fn history(db: &Connection, filter: &HistoryFilter) -> rusqlite::Result<Vec<HistoryEntry>> {
    db.prepare_cached(
        // A cross join keeps the narrow table in front.
        "SELECT intent.id, intent.run, deed.plan, intent.ended, deed.action, intent.outcome, intent.code,
             intent.message
         FROM intent CROSS JOIN deed ON deed.intent = intent.id
         WHERE outcome <> 0
             AND (?1 IS NULL OR run = ?1)
             AND (?2 IS NULL AND ?3 IS NULL OR anchor = ?2 OR email = ?3)
             AND (?4 IS NULL OR ended >= ?4)
             AND (?5 IS NULL OR ended < ?5)
             AND (?6 IS NULL OR kind = ?6)
         ORDER BY intent.id DESC LIMIT ?7",
    )?
    .query_map(
        params![
            filter.run.map(|run| run.0),
            filter.anchor.as_ref().map(SourceId::as_bytes),
            filter.email.map(|key| key.0),
            filter.since,
            filter.until,
            filter.kind.map(Kind::name),
            filter.limit.and_then(|limit| i64::try_from(limit).ok()).unwrap_or(i64::MAX),
        ],
        |row| {
            let text = |column| row.get::<_, Option<String>>(column).map(Option::unwrap_or_default);
            Ok(HistoryEntry {
                intent: IntentId(row.get(0)?),
                run: RunId(row.get(1)?),
                plan: row.get(2)?,
                time: row.get(3)?,
                action: serde_json::from_str(row.get_ref(4)?.as_str()?).map_err(nonsense)?,
                outcome: match row.get(5)? {
                    SUCCEEDED => Outcome::Succeeded,
                    FAILED => Outcome::Failed { code: text(6)?, message: text(7)? },
                    PARTLY => Outcome::Partly { message: text(7)? },
                    UNKNOWN => Outcome::Unknown,
                    _ => return Err(nonsense("an unknown outcome in the journal")),
                },
            })
        },
    )?
    .collect()
}

/// What was taken away and confirmed since a time, newest first: deactivations, deletions,
/// licences, groups, and members of groups. The journal is searched backwards and no further than needed.
pub(super) fn removals_since(db: &Connection, since: i64) -> rusqlite::Result<Vec<Action>> {
    let mut newest = db.prepare_cached("SELECT id, begun, kind, outcome FROM intent ORDER BY id DESC")?;
    // Most changes of groups only add members, hundreds at a time: those are not taken apart.
    let mut deed = db.prepare_cached(
        "SELECT action FROM deed WHERE intent = ?1 AND (NOT ?2 OR instr(action, '\"to\":null') > 0)",
    )?;
    let kinds = [Kind::Deactivate, Kind::Delete, Kind::LicenseRemove, Kind::GroupUpdate, Kind::GroupDelete]
        .map(Kind::name);
    let mut rows = newest.query([])?;
    let mut removals = Vec::new();
    while let Some(row) = rows.next()? {
        if row.get::<_, i64>(1)? < since {
            break;
        }
        let confirmed = matches!(row.get(3)?, SUCCEEDED | PARTLY);
        if confirmed && kinds.contains(&row.get_ref(2)?.as_str()?) {
            let of_group = row.get_ref(2)?.as_str()? == Kind::GroupUpdate.name();
            let removal = deed
                .query_row(params![row.get::<_, i64>(0)?, of_group], |row| {
                    serde_json::from_str(row.get_ref(0)?.as_str()?).map_err(nonsense)
                })
                .optional()?;
            removals.extend(removal);
        }
    }
    Ok(removals)
}

/// Forgets settled intents that ended before a time, at most `limit` of them, and says how many.
/// The newest intent stays, so that its id is never given again.
///
/// Nothing ends before it began, and ids rise with the time of the beginning: the walk ends at
/// the first intent that began too late, instead of reading a journal of millions to find nothing.
/// After a clock was set back, what lies behind such an intent waits until that is old, too.
pub(super) fn prune(db: &Connection, before: i64, limit: i64) -> rusqlite::Result<usize> {
    let limit = usize::try_from(limit).unwrap_or(usize::MAX);
    let mut ids: Vec<i64> = Vec::new();
    let mut select = db.prepare_cached(
        "SELECT id, begun, outcome <> 0 AND ended < ?1 FROM intent
         WHERE id < (SELECT max(id) FROM intent) ORDER BY id",
    )?;
    let mut rows = select.query([before])?;
    while ids.len() < limit
        && let Some(row) = rows.next()?
        && row.get::<_, i64>(1)? < before
    {
        if row.get(2)? {
            ids.push(row.get(0)?);
        }
    }
    drop(rows);
    let mut narrow = db.prepare_cached("DELETE FROM intent WHERE id = ?1")?;
    let mut wide = db.prepare_cached("DELETE FROM deed WHERE intent = ?1")?;
    for id in &ids {
        narrow.execute([id])?;
        wide.execute([id])?;
    }
    Ok(ids.len())
}
