//! Everything is read once, as a pass reads it, and every record goes through the rules.

use futures_util::future::join_all;
use tokio::sync::mpsc;

use crate::model::{Completeness, Portion, Record};
use crate::report::{Event, Sink};
use crate::rules::Rules;
use crate::source::Source;
use crate::store::StoreError;

use super::super::check::groups::{Gathering, Memberships};
use super::finding::{Example, GROUP_MISSING, UNUSABLE};
use super::tally::Tally;

/// Portions under way between reading and judging.
const UNDER_WAY: usize = 3;

/// Reads all sources side by side: a group may hold people of another one, so all groups are known
/// before anybody is judged. Returns what was not read, in sentences.
pub(super) async fn read(
    sources: &[Box<dyn Source>],
    rules: &Rules,
    now: i64,
    events: &Sink,
    tally: &mut Tally,
) -> Result<Vec<String>, StoreError> {
    let ask = rules.ask();
    let mut streams = Vec::new();
    let mut reads = Vec::new();
    for source in sources {
        let (sender, portions) = mpsc::channel(UNDER_WAY);
        reads.push(source.read(&ask, sender));
        streams.push(Stream { source: source.name().to_owned(), portions, first: None });
    }
    let mut judging = Judging { rules, now, events, tally, read: 0 };
    let (censuses, judged) = tokio::join!(join_all(reads), judging.drain(streams));
    let (memberships, groups_whole) = judged?;
    let mut gaps = Vec::new();
    for (source, census) in sources.iter().zip(censuses) {
        let name = source.name();
        match census {
            Err(error) => gaps.push(format!("source \"{name}\": {}; {}", error.what, error.remedy)),
            Ok(census) => {
                if let Completeness::Partial { reasons } = census.completeness {
                    gaps.extend(reasons.into_iter().map(|reason| format!("source \"{name}\": {reason}")));
                }
                for entry in census.unusable {
                    tally.findings.add(UNUSABLE, || Example {
                        dns: vec![entry.dn],
                        rule: format!("source \"{name}\""),
                        message: entry.reason,
                        ..Example::default()
                    });
                }
            }
        }
    }
    if groups_whole && gaps.is_empty() {
        for missing in &memberships.missing {
            let near =
                missing.near.as_ref().map(|near| format!("did you mean \"{near}\"?")).unwrap_or_default();
            tally.findings.add(GROUP_MISSING, || Example {
                rule: missing.name.clone(),
                message: near.clone(),
                ..Example::default()
            });
        }
    }
    let missing: Vec<String> = memberships.missing.into_iter().map(|missing| missing.name).collect();
    tally.end(gaps.is_empty(), &missing)?;
    Ok(gaps)
}

/// What one source sends.
struct Stream {
    source: String,
    portions: mpsc::Receiver<Portion>,
    /// The first people, when the groups had no end.
    first: Option<Vec<Record>>,
}

struct Judging<'a> {
    rules: &'a Rules,
    now: i64,
    events: &'a Sink,
    tally: &'a mut Tally,
    read: u64,
}

impl Judging<'_> {
    async fn drain(&mut self, mut streams: Vec<Stream>) -> Result<(Memberships, bool), StoreError> {
        let mut gathering = Gathering::default();
        let mut whole = true;
        if !self.rules.groups().is_empty() {
            for stream in &mut streams {
                whole &= gather(stream, &mut gathering).await;
            }
        }
        let memberships = gathering.finish(self.rules.groups());
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
                        self.tally.take(record, &groups, self.rules, &verdict)?;
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
