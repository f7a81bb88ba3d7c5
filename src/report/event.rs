//! What happens in a pass, said once. Log, console and JSON are readers of this stream.

use std::sync::Arc;

use crate::guard::Finding;
use crate::model::{Action, CloudId, Method, SourceId, Withheld};

/// One thing that happened.
#[derive(Clone, Debug)]
pub enum Event {
    /// A pass begins.
    PassStarted {
        /// The run, `None` for a look that changes nothing.
        run: Option<i64>,
        /// Linked people in the snapshot.
        linked: u64,
        /// Whether the whole cloud will be observed.
        observes_all: bool,
    },
    /// Open intents of an earlier run were found: it was killed.
    Recovering {
        /// How many.
        intents: u64,
    },
    /// So many records were read up to now.
    Reading {
        /// Of which source.
        source: String,
        /// People and rooms.
        people: u64,
        /// Groups.
        groups: u64,
    },
    /// A source told what changed.
    Heard {
        /// Which.
        source: String,
        /// How it found out.
        method: Method,
        /// Objects to look at.
        hints: u64,
    },
    /// A source could tell more of what changes, or sooner.
    Advice {
        /// Which.
        source: String,
        /// What is missing, and what to do, in sentences.
        advice: String,
    },
    /// A source did not answer a question about what changed, or not completely.
    Unanswered {
        /// Which and why, in a sentence.
        reason: String,
    },
    /// Everything is read, although the sources could tell what changed.
    ReadingAll {
        /// Why, in a sentence.
        reason: String,
    },
    /// The rules changed: everybody is judged anew, from the kept records and what changed since.
    JudgingKept,
    /// A source was read.
    Read {
        /// Which.
        source: String,
        /// People and rooms.
        people: u64,
        /// Groups.
        groups: u64,
        /// Why absence cannot be concluded; empty when it can.
        partial: Vec<String>,
    },
    /// So many accounts were observed up to now.
    Observing {
        /// Accounts.
        accounts: u64,
    },
    /// The cloud was observed.
    Observed {
        /// Accounts.
        accounts: u64,
        /// Linked accounts that differ from what was applied.
        drifted: u64,
    },
    /// An object was withheld.
    Withheld(Withheld),
    /// A guard objects.
    Objection(Finding),
    /// The next part of the plan is carried out.
    Planned {
        /// People in it.
        people: u64,
        /// Their actions.
        actions: u64,
    },
    /// Groups of the cloud are carried out.
    PlannedGroups {
        /// Groups.
        groups: u64,
        /// Their actions.
        actions: u64,
        /// Members of them who have no account in the cloud.
        without: u64,
    },
    /// An action was carried out and confirmed.
    Done {
        /// What. Shared, since every reader of the stream gets its own event.
        action: Arc<Action>,
        /// The account.
        cloud_id: Option<CloudId>,
    },
    /// An action failed for one person.
    Failed {
        /// What.
        action: Action,
        /// A stable word for the kind of trouble.
        code: String,
        /// What happened.
        message: String,
        /// What to do next.
        remedy: String,
    },
    /// Before anything is written: fewer seats than are asked for.
    ShortOfSeats {
        /// The licence.
        license: String,
        /// Its name, with what tells it from others of this name.
        name: String,
        /// Seats bought.
        total: u64,
        /// Seats that would be in use if everybody entitled had one.
        demand: u64,
        /// So many wait.
        short: u64,
    },
    /// Somebody should have a licence, and no seat is left.
    NoSeat {
        /// Who.
        anchor: SourceId,
        /// The name of the licence.
        license: String,
    },
    /// New accounts had a licence of the rules without our giving it: a template of the cloud gives
    /// it too.
    Competing {
        /// The id of the licence.
        license: String,
        /// How many people.
        people: u64,
    },
    /// The cloud asked us to wait.
    Pausing {
        /// For how long, in milliseconds.
        wait_ms: u64,
    },
}

/// Where events go.
pub type Sink = Arc<dyn Fn(Event) + Send + Sync>;

/// A sink that nobody reads.
pub fn nowhere() -> Sink {
    Arc::new(|_| {})
}
