//! Everything is read once, as a pass reads it, and every person goes through the rules: for commands
//! that look at everybody and leave no trace.

use futures_util::future::join_all;
use tokio::sync::mpsc;

use crate::model::{Completeness, Portion, Record, Unusable, Verdict};
use crate::report::{Event, Sink};
use crate::rules::{GroupSet, Rules};
use crate::source::Source;
use crate::store::StoreError;

use super::check::groups::{Gathering, Memberships, Missing};

/// Portions under way between reading and judging.
const UNDER_WAY: usize = 3;

/// Who takes what was read.
pub(super) trait Taker {
    /// All groups, before anybody.
    fn groups(&mut self, groups: &Gathering);

    /// One record that may be a person, with the groups of the rules and what these decide.
    fn take(
        &mut self,
        source: &str,
        record: &Record,
        groups: &GroupSet,
        verdict: &Verdict,
    ) -> Result<(), StoreError>;
}

/// How the read ended.
#[derive(Default)]
pub(super) struct Ended {
    /// What was not read, in sentences.
    pub gaps: Vec<String>,
    /// Entries that cannot be read, with their sources.
    pub unusable: Vec<(String, Unusable)>,
    /// Groups that the rules name and no directory has.
    pub missing: Vec<Missing>,
    /// Whether all groups were read.
    pub groups_whole: bool,
}

/// Reads all sources side by side: a group may hold people of another one, so all groups are known
/// before anybody is judged.
pub(super) async fn read(
    sources: &[Box<dyn Source>],
    rules: &Rules,
    now: i64,
    events: &Sink,
    taker: &mut impl Taker,
) -> Result<Ended, StoreError> {
    let ask = rules.ask();
    let mut streams = Vec::new();
    let mut reads = Vec::new();
    for source in sources {
        let (sender, portions) = mpsc::channel(UNDER_WAY);
        reads.push(source.read(&ask, sender));
        streams.push(Stream { source: source.name().to_owned(), portions, first: None });
    }
    let mut judging = Judging { rules, now, events, taker, read: 0 };
    let (censuses, judged) = tokio::join!(join_all(reads), judging.drain(streams));
    let (memberships, groups_whole) = judged?;
    let mut ended = Ended { missing: memberships.missing, groups_whole, ..Ended::default() };
    for (source, census) in sources.iter().zip(censuses) {
        let name = source.name();
        match census {
            Err(error) => ended.gaps.push(format!("source \"{name}\": {}; {}", error.what, error.remedy)),
            Ok(census) => {
                if let Completeness::Partial { reasons } = census.completeness {
                    ended
                        .gaps
                        .extend(reasons.into_iter().map(|reason| format!("source \"{name}\": {reason}")));
                }
                ended.unusable.extend(census.unusable.into_iter().map(|entry| (name.to_owned(), entry)));
            }
        }
    }
    Ok(ended)
}

/// What one source sends.
struct Stream {
    source: String,
    portions: mpsc::Receiver<Portion>,
    /// The first people, when the groups had no end.
    first: Option<Vec<Record>>,
}

struct Judging<'a, T> {
    rules: &'a Rules,
    now: i64,
    events: &'a Sink,
    taker: &'a mut T,
    read: u64,
}

impl<T: Taker> Judging<'_, T> {
    async fn drain(&mut self, mut streams: Vec<Stream>) -> Result<(Memberships, bool), StoreError> {
        let mut gathering = Gathering::choosing(self.rules.chosen().cloned());
        let mut whole = true;
        if self.rules.wants_groups() {
            for stream in &mut streams {
                whole &= gather(stream, &mut gathering).await;
            }
        }
        let memberships = gathering.finish(self.rules.groups());
        self.taker.groups(&gathering);
        drop(gathering);
        for Stream { source, mut portions, first } in streams {
            let mut next = match first {
                Some(records) => Some(Portion::People(records)),
                None => portions.recv().await,
            };
            while let Some(portion) = next {
                if let Portion::People(records) = portion {
                    for record in &records {
                        let groups = memberships.of(record);
                        let verdict = self.rules.judge(record, &groups, self.now);
                        self.taker.take(&source, record, &groups, &verdict)?;
                    }
                    self.read += records.len() as u64;
                    (self.events)(Event::Reading { source: source.clone(), people: self.read, groups: 0 });
                }
                next = portions.recv().await;
            }
        }
        Ok((memberships, whole))
    }
}

/// Takes the groups of one source. Returns whether every one of them came.
async fn gather(stream: &mut Stream, gathering: &mut Gathering) -> bool {
    loop {
        match stream.portions.recv().await {
            Some(Portion::Groups(records)) => records.iter().for_each(|record| gathering.add(record)),
            Some(Portion::GroupsEnd { whole }) => return whole,
            Some(Portion::People(records)) => {
                stream.first = Some(records);
                return false;
            }
            None => return false,
        }
    }
}
