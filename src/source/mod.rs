//! Reading the directory that is the truth.
//!
//! A source streams records and, at the end, says how complete the read was. It decides
//! nothing: scope, mapping and everything else about people belongs to the rules.

pub mod ldap;
pub mod ldif;

mod ad;
mod description;
mod legible;
mod primary;
mod probe;
mod shape;
mod sifted;
mod tally;

use std::fmt;
use std::sync::Arc;

use futures_util::future::BoxFuture;
use tokio::sync::{Notify, mpsc};

use crate::model::{Ask, Census, Changes, Cursor, Found, Lookup, Portion, Sight, Watched};

pub use probe::{ChangesBy, Fact, Probe, Standing, Topic};

/// A directory that can be read.
pub trait Source: Send + Sync {
    /// The name from the configuration, for reports.
    fn name(&self) -> &str;

    /// What the settings say about whom it shows: when this changes, whoever is not met any more may
    /// still be in the directory. A source that shows all that it has says nothing.
    fn sight(&self) -> Sight {
        Sight::default()
    }

    /// Reads everything, sending records in batches as they arrive: all groups (when asked
    /// for) before the first person. A closed channel means that nobody listens any more, and
    /// ends the read with a partial census.
    ///
    /// What was cut short is not an error but a [`Census`] that says so: adds and updates can
    /// still flow from what was seen.
    ///
    /// # Errors
    ///
    /// When nothing could be read at all: unreachable, refused, misconfigured.
    fn read<'a>(
        &'a self,
        ask: &'a Ask,
        portions: mpsc::Sender<Portion>,
    ) -> BoxFuture<'a, Result<Census, SourceError>>;

    /// What changed since a cursor that a census or an earlier answer carried. Only whom to look
    /// at: [`Source::fetch`] gives the records.
    ///
    /// # Errors
    ///
    /// When the directory could not be reached or refuses us. A cursor that is worth nothing is
    /// a [`Changes::Doubt`].
    fn changes<'a>(
        &'a self,
        _ask: &'a Ask,
        _since: &'a Cursor,
    ) -> BoxFuture<'a, Result<Changes, SourceError>> {
        Box::pin(async { Ok(Changes::Doubt("this kind of source does not tell changes".into())) })
    }

    /// Looks single objects up, in the scope and in the shape of a full read. A source that cannot
    /// search reads everything for it.
    ///
    /// # Errors
    ///
    /// When nothing could be asked at all. What was answered in part has gaps.
    fn fetch<'a>(&'a self, ask: &'a Ask, lookup: Lookup) -> BoxFuture<'a, Result<Found, SourceError>> {
        Box::pin(sifted::fetch(self, ask, lookup))
    }

    /// Waits for changes where the server can tell of them at once, and wakes the listener for
    /// each; it need not say what changed. Ends when the connection does. The listener is woken
    /// once when the waiting has begun.
    ///
    /// # Errors
    ///
    /// When the directory could not be reached or refuses us.
    fn watch<'a>(&'a self, _ask: &'a Ask, _wake: Arc<Notify>) -> BoxFuture<'a, Result<Watched, SourceError>> {
        Box::pin(async { Ok(Watched::Unsupported) })
    }

    /// Connects, authenticates, and finds out without reading everything what a read with this
    /// question would meet. `now` is in seconds since 1970-01-01 UTC. Each step has a time limit,
    /// and one that fails is a [`Fact`] and does not hide the others.
    ///
    /// # Errors
    ///
    /// When the directory could not be reached or refuses us.
    fn probe<'a>(&'a self, ask: &'a Ask, now: i64) -> BoxFuture<'a, Result<Probe, SourceError>>;
}

/// Why a source could not be read at all.
#[derive(Debug)]
pub struct SourceError {
    /// The name of the source in the configuration.
    pub source_name: String,
    /// What kind of trouble.
    pub kind: SourceErrorKind,
    /// What happened, with server and object, in a sentence.
    pub what: String,
    /// What to do next.
    pub remedy: String,
}

/// The kinds of trouble with a source.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SourceErrorKind {
    /// No server answered: name, network, TLS, time.
    Unreachable,
    /// A server answered and does not let us in, or not see.
    Refused,
    /// A server answered and what was asked is wrong: base, filter.
    Misconfigured,
    /// A server answered nonsense.
    Broken,
}

impl fmt::Display for SourceError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "source \"{}\": {}", self.source_name, self.what)
    }
}

impl std::error::Error for SourceError {}
