//! The source is read: what did not change is recognised by its fingerprint and forgotten at
//! once; what did is judged by the rules and spooled.

mod alike;
mod claimed;
mod conclude;
mod gather;
mod heard;
mod primary;
mod reading;
mod records;
mod turned;
mod twins;
mod ungiven;

pub use alike::Alike;
pub use conclude::Doubts;
pub use heard::read_heard;
pub use reading::{Reading, SourceSeen};
pub use ungiven::NotGiven;

use std::sync::Arc;

use futures_util::future::join_all;
use tokio::sync::mpsc;

use crate::model::{
    AccountKind, Cause, Census, Completeness, Fingerprint, Key, Portion, Record, RecordKind, SourceId,
    Wanted, Withheld,
};
use crate::report::{Event, Sink};
use crate::rules::Rules;
use crate::source::{Source, SourceError};
use crate::store::{
    FoldedWanted, KeptRecords, LineKey, Meta, Reader, SourceMeta, Stage, StagedWanted, StoreError,
};

use super::PassError;
use super::aliases::{Lost, LostValue};
use super::contacts::ReadContacts;
use super::index::Index;
use super::membership::{Gathering, Memberships};
use alike::Comparison;
use records::Packing;

/// Portions under way between reading and judging: enough to keep both busy, few enough to
/// hold the reader back when judging is slow.
const UNDER_WAY: usize = 3;

/// What the sieve needs to know; shared with the thread that judges.
pub struct Sieve {
    /// The rules, bound to the catalogue.
    pub rules: Rules,
    /// Who is linked.
    pub index: Arc<Index>,
    /// The snapshot.
    pub reader: Reader,
    /// Whether everybody was judged under today's configuration.
    pub settled: bool,
    /// Whether the records are kept.
    pub keep_records: bool,
    /// Now, in seconds since 1970-01-01 UTC.
    pub now: i64,
    /// Whether people whose record did not change are judged too, to know where each stands.
    pub compares_everybody: bool,
    /// Whether the rules are others than those of the last pass over everybody.
    pub anew: bool,
    /// Where progress is told.
    pub events: Sink,
}

impl Sieve {
    /// Why a linked person leaves. Whoever was in under today's configuration does not leave because
    /// it changed.
    fn cause(&self, at: usize, cause: Cause) -> Cause {
        let was_in = self.settled && self.index.record(at) != Fingerprint::NONE;
        if cause == Cause::ScopeChanged && was_in { Cause::OutOfScope } else { cause }
    }
}

/// Reads all sources into the stage. They answer side by side, so that the groups of all of
/// them are known before anybody is judged: a group may hold people of another source. The
/// channels hold back whoever is not listened to yet.
///
/// # Errors
///
/// When a source could not be read at all, or the spool failed.
pub async fn read(
    sources: &[Box<dyn Source>],
    meta: &Meta,
    sieve: Arc<Sieve>,
    stage: Stage,
) -> Result<(Reading, Stage), PassError> {
    let ask = sieve.rules.ask();
    let mut work = Work::new(stage, &sieve)?;
    if sieve.keep_records {
        work.keep_records(KeptRecords::of(&ask, sources.iter().map(|source| source.name())), meta);
    }
    let mut streams = Vec::new();
    let mut reads = Vec::new();
    for source in sources {
        let (sender, portions) = mpsc::channel(UNDER_WAY);
        streams.push(Stream { source: source.name().to_owned(), portions, first: None });
        reads.push(source.read(&ask, sender));
    }
    let judge = Arc::clone(&sieve);
    let judging = tokio::task::spawn_blocking(move || work.drain(streams, &judge));
    let answers = join_all(reads).await;
    let work = judging.await.map_err(|e| PassError::fault(format!("judging records stopped: {e}")))??;
    let mut censuses = Vec::new();
    let mut errors = Vec::new();
    for (source, census) in sources.iter().zip(answers) {
        let census = census.unwrap_or_else(|error| {
            let census = silent(&error, meta.sources.get(source.name()));
            errors.push(error);
            census
        });
        tell(&sieve.events, source.name(), &census);
        censuses.push((source.as_ref(), census));
    }
    // One directory that is down takes its own people out of the pass, and nobody else's.
    if errors.len() == censuses.len()
        && let Some(first) = errors.into_iter().next()
    {
        return Err(PassError::Source(first));
    }
    work.conclude(&sieve, meta, censuses)
}

/// The census of a source that gave none.
fn silent(error: &SourceError, last: Option<&SourceMeta>) -> Census {
    Census {
        completeness: Completeness::Partial { reasons: vec![format!("{}; {}", error.what, error.remedy)] },
        identity: String::new(),
        bases: last.map(|last| last.bases.clone()).unwrap_or_default(),
        people: 0,
        groups: 0,
        unusable: Vec::new(),
        referrals: 0,
        cursor: None,
        containers: Vec::new(),
        advice: None,
    }
}

/// What one source sends.
struct Stream {
    source: String,
    portions: mpsc::Receiver<Portion>,
    /// The first people, who arrived at the end of the groups.
    first: Option<Vec<Record>>,
}

fn tell(events: &Sink, source: &str, census: &Census) {
    if let Some(advice) = &census.advice {
        events(Event::Advice { source: source.into(), advice: advice.clone() });
    }
    let partial = match &census.completeness {
        Completeness::Whole => Vec::new(),
        Completeness::Partial { reasons } => reasons.clone(),
    };
    events(Event::Read { source: source.into(), people: census.people, groups: census.groups, partial });
}

/// The judging side of a read.
struct Work {
    stage: Stage,
    gathering: Option<Gathering>,
    memberships: Option<Memberships>,
    groups_whole: bool,
    /// Groups came that may not be what they are in the directory.
    groups_doubtful: bool,
    people: u64,
    groups: u64,
    unchanged: u64,
    /// What other rules change.
    comparison: Comparison,
    withheld: Vec<Withheld>,
    not_given: Vec<NotGiven>,
    unfit: Lost,
    through_primary: Vec<SourceId>,
    primary: Vec<(SourceId, Option<Key>)>,
    follows: bool,
    contacts: ReadContacts,
    batch: Vec<StagedWanted>,
    packing: Packing,
    /// When newcomers' records were made, where it matters.
    ages: Vec<(SourceId, i64)>,
}

impl Work {
    fn new(stage: Stage, sieve: &Sieve) -> Result<Self, PassError> {
        let wants_groups = sieve.rules.wants_groups();
        Ok(Self {
            stage,
            gathering: wants_groups
                .then(|| Gathering::begin(&sieve.reader, sieve.rules.chosen()))
                .transpose()?,
            memberships: (!wants_groups).then(Memberships::none),
            groups_whole: true,
            groups_doubtful: false,
            people: 0,
            groups: 0,
            unchanged: 0,
            comparison: Comparison::default(),
            withheld: Vec::new(),
            not_given: Vec::new(),
            unfit: Lost::new(),
            through_primary: Vec::new(),
            primary: Vec::new(),
            follows: false,
            contacts: ReadContacts::begin(&sieve.rules, &sieve.reader)?,
            batch: Vec::new(),
            packing: Packing::default(),
            ages: Vec::new(),
        })
    }

    fn drain(mut self, mut streams: Vec<Stream>, sieve: &Sieve) -> Result<Self, PassError> {
        for stream in &mut streams {
            self.gather(stream, sieve)?;
        }
        self.end_groups(sieve)?;
        for Stream { source, mut portions, first } in streams {
            let mut next = first.map(Portion::People).or_else(|| portions.blocking_recv());
            while let Some(portion) = next {
                match portion {
                    Portion::People(records) => {
                        self.people += records.len() as u64;
                        for record in records {
                            self.judge(record, sieve)?;
                        }
                        self.flush_ahead(sieve)?;
                        self.tell(&source, sieve);
                    }
                    // Too late to count: whoever is in them was judged without them.
                    Portion::Groups(_) => self.groups_doubtful = true,
                    Portion::GroupsEnd { whole } => self.groups_doubtful |= !whole,
                }
                next = portions.blocking_recv();
            }
        }
        self.flush(sieve)?;
        Ok(self)
    }

    fn tell(&self, source: &str, sieve: &Sieve) {
        (sieve.events)(Event::Reading { source: source.into(), people: self.people, groups: self.groups });
    }

    fn judge(&mut self, record: Record, sieve: &Sieve) -> Result<(), StoreError> {
        self.packing.take(&record);
        let print = record.fingerprint(sieve.rules.fingerprint());
        self.judge_printed(record, print, sieve)
    }

    fn judge_printed(&mut self, record: Record, print: Fingerprint, sieve: &Sieve) -> Result<(), StoreError> {
        let at = sieve.index.find(record.anchor);
        let linked = at.map(|at| sieve.index.kind(at));
        if linked == Some(AccountKind::Room) && !sieve.rules.has_rooms() {
            return Ok(());
        }
        self.note_primary(&record, sieve)?;
        let memberships = self.memberships.as_ref();
        let mut unchanged = false;
        if let Some(at) = at {
            if sieve.index.met.set(at) {
                return self.met_again(record, print, sieve);
            }
            if let (Some(was), Some(is)) = (linked, record.kind.account())
                && was != is
            {
                self.turned(record, print, was, is, sieve);
                return Ok(());
            }
            let through_primary = memberships.is_some_and(|m| m.touches_primary(&record));
            if through_primary {
                self.through_primary.push(record.anchor);
            }
            let touched = through_primary || memberships.is_some_and(|m| m.touches(&record));
            unchanged = sieve.index.record(at) == print && !touched;
            if unchanged && !sieve.compares_everybody {
                self.unchanged += 1;
                return Ok(());
            }
        } else if record.kind == RecordKind::Contact && sieve.rules.has_contacts() {
            let groups = match memberships {
                Some(memberships) => memberships.of(&record, &sieve.reader, &self.stage)?,
                None => Default::default(),
            };
            self.contacts.meet(&record, &sieve.rules, &groups);
            return Ok(());
        } else if !sieve.rules.has_place_for(record.kind) {
            return Ok(());
        }
        let groups = match memberships {
            Some(memberships) => memberships.of(&record, &sieve.reader, &self.stage)?,
            None => Default::default(),
        };
        let mut verdict = sieve.rules.judge(&record, &groups, sieve.now);
        if unchanged && !matches!(&verdict.wanted, Wanted::Present(person) if !person.licenses.is_empty()) {
            self.unchanged += 1;
            return Ok(());
        }
        if let (Wanted::Leaving(cause), Some(at)) = (&mut verdict.wanted, at) {
            // Nobody knows who was in a group that is gone.
            if *cause == Cause::OutOfScope && memberships.is_some_and(Memberships::hide_who_was_in) {
                *cause = Cause::ScopeChanged;
            }
            *cause = sieve.cause(at, *cause);
        }
        let email = match &verdict.wanted {
            Wanted::Present(person) => Some(person.email.key()),
            Wanted::Leaving(_) | Wanted::Withheld(_) => None,
        };
        // What identifies a human being says nothing about rooms.
        let joined = sieve.rules.join_key(&record).filter(|_| record.kind == RecordKind::Person);
        match (&verdict.wanted, at) {
            // Not in the cloud and not to be: nothing to remember.
            (Wanted::Leaving(_), None) => return Ok(()),
            (Wanted::Withheld(withheld), _) => {
                self.withhold(withheld.clone(), sieve);
                // Whoever may be somebody known is remembered: that account must wait, too.
                if at.is_none() && joined.is_none() {
                    return Ok(());
                }
            }
            _ => {}
        }
        if email.is_some() {
            self.ages.extend(sieve.rules.created(&record).map(|created| (record.anchor, created)));
        }
        let open = self.note_ungiven(&record, verdict.ungiven, sieve);
        if !verdict.unfit.is_empty() {
            let unfit = verdict.unfit.into_iter();
            let unfit = unfit.map(|(field, withheld)| LostValue { field, withheld, awaited: false });
            self.unfit.insert(record.anchor, unfit.collect());
        }
        self.batch.push(StagedWanted {
            anchor: record.anchor,
            linked: at.is_some(),
            // Whoever lacks a licence for a mistake is looked at until it is mended.
            record: if open { Fingerprint::NONE } else { print },
            dn: record.dn,
            email,
            recheck: verdict.recheck,
            joined,
            wanted: verdict.wanted,
            standing: verdict.standing,
        });
        Ok(())
    }

    fn withhold(&mut self, withheld: Withheld, sieve: &Sieve) {
        (sieve.events)(Event::Withheld(withheld.clone()));
        self.withheld.push(withheld);
    }

    fn spool(
        &mut self,
        batch: &[StagedWanted],
        folded: &[FoldedWanted],
        sieve: &Sieve,
    ) -> Result<(), StoreError> {
        let mut twins = Vec::new();
        for (position, dn) in self.stage.put_folded(batch, folded)? {
            let staged = &batch[position];
            if !matches!(staged.wanted, Wanted::Withheld(_)) && Key::dn(&dn) != Key::dn(&staged.dn) {
                let withheld = self.contested(staged.anchor, &staged.dn, &dn, sieve);
                twins.push(StagedWanted {
                    email: None,
                    recheck: None,
                    wanted: Wanted::Withheld(withheld),
                    ..staged.clone()
                });
            }
        }
        self.stage.put_wanted(&twins)?;
        self.stage.put_ages(&self.ages)?;
        let aliases: Vec<(Key, SourceId)> = batch.iter().flat_map(claimed::alternates).collect();
        self.stage.put_aliases(&aliases)?;
        let lines: Vec<(LineKey, SourceId)> = batch.iter().flat_map(claimed::lines).collect();
        self.stage.put_lines(&lines)?;
        self.ages.clear();
        Ok(())
    }
}
