//! Everything is read once, as a pass reads it, and only counted.

use std::collections::BTreeMap;

use futures_util::future::{OptionFuture, join_all};
use serde_json::{Value, json};
use tokio::sync::mpsc;

use crate::model::{Cause, Census, Completeness, Portion, Record, RecordKind, Wanted, is_under, normal_dn};
use crate::report::{Event, Sink};
use crate::rules::Rules;
use crate::source::{Probe, Source, SourceError};

use super::cloud_groups;
use super::groups::{Gathering, Memberships, Missing};
use super::line::Line;
use super::samples::Samples;

/// What is said of those whom `people.scope` leaves out. Most of them never were in.
const OUT_OF_SCOPE: &str = "out of scope";

/// Portions under way between reading and counting.
const UNDER_WAY: usize = 3;

/// What reading all sources gave.
pub(super) struct Reading {
    /// In the order of the sources; `None` for one that was not read.
    pub sources: Vec<Option<Seen>>,
    /// Groups that the rules name and no source has; only when all groups were read.
    pub missing: Vec<Missing>,
    /// What it says about the groups that are to be in the cloud.
    pub chosen: Vec<Line>,
}

/// What reading one source gave.
pub(super) struct Seen {
    pub tally: Tally,
    pub samples: Samples,
    pub census: Result<Census, SourceError>,
}

/// How many of what.
#[derive(Default)]
pub(super) struct Counts {
    pub people: u64,
    pub rooms: u64,
    pub contacts: u64,
    pub groups: u64,
    /// Of the people: disabled, or expired.
    pub disabled: u64,
    pub unusable: u64,
}

/// The counts of one source.
#[derive(Default)]
pub(super) struct Tally {
    pub all: Counts,
    /// Whether contacts were read, so that their number says something.
    pub reads_contacts: bool,
    /// The same per base, with its DN as configured and as compared.
    pub bases: Vec<(String, String, Counts)>,
    /// People whom the rules take.
    pub wanted: u64,
    /// People whom they do not, by the words of the cause.
    pub unwanted: BTreeMap<&'static str, u64>,
    /// People about whom they cannot decide, by code.
    pub withheld: BTreeMap<String, u64>,
}

impl Tally {
    fn new(probe: &Probe) -> Self {
        let mut bases: Vec<&String> = probe.bases.iter().collect();
        bases.extend(probe.group_bases.iter().filter(|base| !probe.bases.contains(base)));
        let bases = bases.into_iter().map(|base| (base.clone(), normal_dn(base), Counts::default()));
        Self { bases: bases.collect(), ..Self::default() }
    }

    /// Counts for everybody and for the base of this DN. Normal forms of DNs are only made where
    /// they decide something.
    fn count(&mut self, dn: &str, mut add: impl FnMut(&mut Counts)) {
        add(&mut self.all);
        match self.bases.as_mut_slice() {
            [] => {}
            [(_, _, counts)] => add(counts),
            several => {
                let dn = normal_dn(dn);
                // The longest is the base, when groups are searched below a base with people.
                let of = several.iter_mut().filter(|(_, base, _)| is_under(&dn, base));
                if let Some((_, _, counts)) = of.max_by_key(|(_, base, _)| base.len()) {
                    add(counts);
                }
            }
        }
    }

    /// People without an e-mail address among those whom the rules would take.
    pub(super) fn no_email(&self) -> u64 {
        self.withheld.get("no_email").copied().unwrap_or(0)
    }

    pub(super) fn document(&self) -> Value {
        let counts = |counts: &Counts| {
            let Counts { people, rooms, contacts, groups, disabled, unusable } = counts;
            json!({
                "people": people, "rooms": rooms, "contacts": self.reads_contacts.then_some(contacts),
                "groups": groups, "disabled": disabled, "unusable": unusable,
            })
        };
        let mut document = counts(&self.all);
        document["wanted"] = json!(self.wanted);
        document["out_of_scope"] = json!(self.unwanted.get(OUT_OF_SCOPE).copied().unwrap_or(0));
        document["no_email"] = json!(self.no_email());
        document["withheld"] = json!(self.withheld.values().sum::<u64>());
        let base = |(base, _, inside): &(String, String, Counts)| {
            let mut document = counts(inside);
            document["base"] = json!(base);
            document
        };
        document["bases"] = self.bases.iter().map(base).collect();
        document
    }
}

/// Reads the sources side by side: a group may hold people of another one, so all groups are
/// known before anybody is judged. `probes` are `None` for sources that do not answer; these
/// are not asked again.
pub(super) async fn read(
    sources: &[Box<dyn Source>],
    probes: &[Option<&Probe>],
    rules: &Rules,
    now: i64,
    events: &Sink,
) -> Reading {
    let ask = rules.ask();
    let mut streams = Vec::new();
    let mut reads = Vec::new();
    for (source, probe) in sources.iter().zip(probes) {
        let (sender, portions) = mpsc::channel(UNDER_WAY);
        reads.push(OptionFuture::from(probe.map(|_| source.read(&ask, sender))));
        streams.push(probe.map(|probe| Stream {
            source: source.name(),
            portions,
            first: None,
            tally: Tally { reads_contacts: rules.has_contacts(), ..Tally::new(probe) },
            samples: Samples::default(),
        }));
    }
    let mut counting = Counting { rules, now, events, people: 0, groups: 0 };
    let (censuses, (counted, missing, chosen)) = tokio::join!(join_all(reads), counting.drain(streams));
    let sources = counted.into_iter().zip(censuses).map(|(stream, census)| {
        let (Stream { mut tally, samples, .. }, census) = (stream?, census?);
        if let Ok(census) = &census {
            for entry in &census.unusable {
                tally.count(&entry.dn, |counts| counts.unusable += 1);
            }
        }
        Some(Seen { tally, samples, census })
    });
    Reading { sources: sources.collect(), missing, chosen }
}

/// What one source sends, and what came of it.
struct Stream<'a> {
    source: &'a str,
    portions: mpsc::Receiver<Portion>,
    /// The first people, when the groups had no end.
    first: Option<Vec<Record>>,
    tally: Tally,
    samples: Samples,
}

struct Counting<'a> {
    rules: &'a Rules,
    now: i64,
    events: &'a Sink,
    people: u64,
    groups: u64,
}

impl Counting<'_> {
    async fn drain<'s>(
        &mut self,
        mut streams: Vec<Option<Stream<'s>>>,
    ) -> (Vec<Option<Stream<'s>>>, Vec<Missing>, Vec<Line>) {
        let mut gathering = Gathering::choosing(self.rules.chosen().cloned());
        let mut whole = true;
        for stream in &mut streams {
            whole &= match stream {
                Some(stream) => self.gather(stream, &mut gathering).await,
                None => false,
            };
        }
        let names = self.rules.groups();
        let mut memberships = gathering.finish(names);
        let chosen = cloud_groups::in_directory(self.rules, &gathering, whole);
        drop(gathering);
        for stream in streams.iter_mut().flatten() {
            let mut next = match stream.first.take() {
                Some(records) => Some(Portion::People(records)),
                None => stream.portions.recv().await,
            };
            while let Some(portion) = next {
                if let Portion::People(records) = portion {
                    self.people += records.len() as u64;
                    for record in &records {
                        self.count(record, stream, &memberships);
                    }
                    self.tell(stream.source);
                }
                next = stream.portions.recv().await;
            }
        }
        let missing = if whole { std::mem::take(&mut memberships.missing) } else { Vec::new() };
        (streams, missing, chosen)
    }

    /// Takes the groups of one source. Returns whether every one of them came.
    async fn gather(&mut self, stream: &mut Stream<'_>, gathering: &mut Gathering) -> bool {
        if !self.rules.wants_groups() {
            return true;
        }
        loop {
            match stream.portions.recv().await {
                Some(Portion::Groups(records)) => {
                    self.groups += records.len() as u64;
                    for record in &records {
                        gathering.add(record);
                        stream.tally.count(&record.dn, |counts| counts.groups += 1);
                    }
                    self.tell(stream.source);
                }
                Some(Portion::GroupsEnd { whole }) => return whole,
                Some(Portion::People(records)) => {
                    stream.first = Some(records);
                    return false;
                }
                None => return false,
            }
        }
    }

    fn tell(&self, source: &str) {
        (self.events)(Event::Reading { source: source.into(), people: self.people, groups: self.groups });
    }

    fn count(&self, record: &Record, stream: &mut Stream<'_>, memberships: &Memberships) {
        let Stream { tally, samples, .. } = stream;
        match record.kind {
            RecordKind::Person => {}
            RecordKind::Room => return tally.count(&record.dn, |counts| counts.rooms += 1),
            RecordKind::Contact => return tally.count(&record.dn, |counts| counts.contacts += 1),
            RecordKind::Group | RecordKind::Other => return,
        }
        let disabled = record.disabled || record.expires.is_some_and(|expires| expires <= self.now);
        tally.count(&record.dn, |counts| {
            counts.people += 1;
            counts.disabled += u64::from(disabled);
        });
        let groups = memberships.of(record);
        let verdict = self.rules.judge(record, &groups, self.now);
        match &verdict.wanted {
            Wanted::Present(_) => tally.wanted += 1,
            Wanted::Leaving(Cause::OutOfScope) => *tally.unwanted.entry(OUT_OF_SCOPE).or_default() += 1,
            Wanted::Leaving(cause) => *tally.unwanted.entry(cause.words()).or_default() += 1,
            Wanted::Withheld(withheld) => *tally.withheld.entry(withheld.code.clone()).or_default() += 1,
        }
        samples.consider(record, &groups, &verdict);
    }
}

/// Why a read was not whole.
pub(super) fn gaps(census: &Census) -> &[String] {
    match &census.completeness {
        Completeness::Whole => &[],
        Completeness::Partial { reasons } => reasons,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn probe(bases: &[&str], group_bases: &[&str]) -> Probe {
        let owned = |bases: &[&str]| bases.iter().map(|base| (*base).to_owned()).collect();
        Probe {
            product: String::new(),
            identity: String::new(),
            server: None,
            bases: owned(bases),
            group_bases: owned(group_bases),
            changes: None,
            facts: vec![],
        }
    }

    #[test]
    fn everybody_counts_for_the_innermost_base() {
        let mut tally = Tally::new(&probe(&["OU=A,DC=test", "OU=B,DC=test"], &["ou=groups,ou=b,dc=test"]));
        for dn in [
            "cn=1,ou=a,dc=test",
            "CN=2, OU=B, DC=test",
            "cn=3,ou=groups,ou=b,dc=test",
            r"cn=4\,ou=a,dc=test",
            "cn=5,ou=xa,dc=test",
        ] {
            tally.count(dn, |counts| counts.people += 1);
        }
        assert_eq!(tally.all.people, 5);
        assert_eq!(tally.bases.iter().map(|(_, _, counts)| counts.people).collect::<Vec<_>>(), [1, 1, 1]);
    }
}
