//! A company of 5,000 people in a real directory, with too few seats: what is in the cloud, who is
//! withheld, who waits and in which order, and when seats run out, held against an oracle that
//! works it out the naive way.

mod chance;
mod directory;
mod forecast;
mod found;
mod oracle;
mod people;
mod queue;
mod turmoil;
mod writing;

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Debug;
use std::time::Instant;

use directory::Directory;
use found::Cloud;
use oracle::{LICENSES, Lic, Organization, Rules, Said};
use people::Company;
use serde_json::Value;
use writing::Kind;

use crate::support::connector::Connector;

const SEED: u64 = 20_260_412;

/// So many differences are printed.
const SHOWN: usize = 20;

/// The company, its directory, the organization, and what the oracle expects of it.
struct Play {
    company: Company,
    directory: Directory,
    cloud: Cloud,
    connector: Connector,
    expected: Organization,
    totals: [Option<u64>; LICENSES],
    began: Instant,
}

impl Play {
    async fn begin(kind: Kind) -> Self {
        let began = Instant::now();
        let company = Company::new(SEED);
        let directory = Directory::start(kind, &company);
        let cloud = Cloud::start().await;
        let connector = Connector::new(&directory.config("union"), &cloud.sandbox.base_url());
        connector.secret("password", directory.password());
        let totals = found::licenses().iter().map(|spec| spec.seats).collect::<Vec<_>>();
        let totals = totals.try_into().expect("so many licences");
        let play =
            Self { company, directory, cloud, connector, expected: Organization::default(), totals, began };
        play.note("everything is there");
        play
    }

    fn note(&self, what: &str) {
        eprintln!("{:6.1} s  {:?}: {what}", self.began.elapsed().as_secs_f32(), self.directory.kind());
    }

    fn rules(&self) -> Rules<'_> {
        Rules::new(&self.company, self.directory.kind(), false)
    }

    /// A pass, and what is said of it; with `look`, everything in the cloud is looked at, too.
    async fn pass(&mut self, what: &str, look: bool) -> Said {
        let mut expected = std::mem::take(&mut self.expected);
        let said = expected.pass(&self.rules(), &self.totals, &found::STRANGERS);
        self.expected = expected;
        let synced = self.connector.run(&["--json", "sync"]);
        let words = String::from_utf8_lossy(&synced.stderr).into_owned();
        let synced: Value = serde_json::from_slice(&synced.stdout).unwrap_or_else(|_| panic!("{words}"));
        self.note(&format!("{what}: {} {}", synced["mode"], synced["counts"]));
        let mut report = Report::new(what, &self.company);
        let status = self.connector.json(0, &["status"]);
        report.said(&said, &status, &self.cloud);
        if look {
            report.accounts(&self.expected, &self.cloud.accounts().await);
        }
        for failed in synced["failed"].as_array().expect("a list") {
            report.lines.push(("an action: failed".into(), failed.to_string()));
        }
        report.end();
        said
    }
}

/// Differences, for people to read.
struct Report<'c> {
    what: String,
    names: BTreeMap<&'c str, usize>,
    company: &'c Company,
    /// What differs, and how.
    lines: Vec<(String, String)>,
}

impl<'c> Report<'c> {
    fn new(what: &str, company: &'c Company) -> Self {
        let names = company.people.iter().map(|person| (person.anchor.as_str(), person.n)).collect();
        Self { what: what.to_owned(), names, company, lines: Vec::new() }
    }

    fn differ<T: PartialEq + Debug>(&mut self, what: &str, expected: &T, found: &T) {
        if expected != found {
            let how = format!("expected {expected:?}\n    found    {found:?}");
            self.lines.push((what.to_owned(), how));
        }
    }

    fn who(&self, n: usize) -> String {
        let person = &self.company.people[n];
        format!(
            "p{n} ({}, {:?}, {:?}, {:?}, grade {:?})",
            person.anchor, person.title, person.extension, person.place, person.grade
        )
    }

    fn accounts(&mut self, expected: &Organization, found: &BTreeMap<String, oracle::Account>) {
        let expected: BTreeMap<&str, (usize, &oracle::Account)> = expected
            .accounts
            .iter()
            .map(|(n, account)| (self.company.people[*n].anchor.as_str(), (*n, account)))
            .collect();
        for anchor in found.keys().filter(|anchor| !expected.contains_key(anchor.as_str())) {
            let who = self.names.get(anchor.as_str()).map_or(anchor.clone(), |n| self.who(*n));
            self.lines.push((format!("{who}: account"), "there, and should not be".into()));
        }
        for (anchor, (n, want)) in expected {
            let who = self.who(n);
            let Some(have) = found.get(anchor) else {
                self.lines.push((format!("{who}: account"), "not there, and should be".into()));
                continue;
            };
            let keys: BTreeSet<&String> = want.fields.keys().chain(have.fields.keys()).collect();
            for key in keys {
                self.differ(&format!("{who}: {key}"), &want.fields.get(key), &have.fields.get(key));
            }
            self.differ(&format!("{who}: active"), &want.active, &have.active);
            self.differ(&format!("{who}: address"), &want.email, &have.email);
            self.differ(&format!("{who}: licences"), &want.licenses, &have.licenses);
            self.differ(&format!("{who}: attends"), &want.attends, &have.attends);
            self.differ(&format!("{who}: roles"), &want.roles, &have.roles);
            self.differ(&format!("{who}: telephone"), &want.calling, &have.calling);
        }
    }

    fn said(&mut self, said: &Said, document: &Value, cloud: &Cloud) {
        let anchor = |n: usize| self.company.people[n].anchor.clone();
        let withheld: BTreeSet<(String, String)> =
            said.withheld.iter().map(|(n, code)| (anchor(*n), (*code).to_owned())).collect();
        let found = found::withheld(document);
        let queues: BTreeMap<_, Vec<_>> = said
            .queues
            .iter()
            .map(|(license, queue)| (*license, queue.iter().map(|(n, rule)| (anchor(*n), *rule)).collect()))
            .collect();
        for (anchor, code) in withheld.symmetric_difference(&found) {
            let who = self.names.get(anchor.as_str()).map_or(anchor.clone(), |n| self.who(*n));
            let side = if found.contains(&(anchor.clone(), code.clone())) { "found" } else { "expected" };
            self.lines.push((format!("{who}: withheld, {code}"), format!("only {side}")));
        }
        let found = cloud.queues(document);
        for license in 0..LICENSES {
            let (want, have) = (queues.get(&license), found.get(&license));
            self.differ(&format!("queue of {license}: length"), &want.map(Vec::len), &have.map(Vec::len));
            for (at, pair) in want.into_iter().flatten().zip(have.into_iter().flatten()).enumerate() {
                if pair.0 != pair.1 {
                    let who = |one: &(String, usize)| match self.names.get(one.0.as_str()) {
                        Some(n) => format!("{} by rule {}", self.who(*n), one.1),
                        None => format!("{one:?}"),
                    };
                    let (want, have) = (who(pair.0), who(pair.1));
                    let how = format!("expected {want}\n    found    {have}");
                    self.lines.push((format!("place {at}: queue of {license}"), how));
                }
            }
        }
        let found = cloud.seats(document);
        for license in 0..LICENSES {
            let what = format!("seats of {license}");
            self.differ(&what, &said.seats.get(&license), &found.get(&license));
        }
    }

    fn end(self) {
        let mut kinds: BTreeMap<&str, usize> = BTreeMap::new();
        let mut shown = Vec::new();
        for (what, how) in &self.lines {
            let count = kinds.entry(what.rsplit(": ").next().unwrap_or(what)).or_default();
            *count += 1;
            // Some of each kind.
            if *count <= 4 && shown.len() < SHOWN {
                shown.push(format!("{what}\n    {how}"));
            }
        }
        assert!(
            self.lines.is_empty(),
            "{}: {} differences, {kinds:#?}\nThese are the first:\n{}",
            self.what,
            self.lines.len(),
            shown.join("\n")
        );
    }
}

impl Play {
    /// Something happens in the company, and so in its directory.
    fn happens(&mut self, what: impl FnOnce(&mut Company)) {
        let before = self.company.clone();
        what(&mut self.company);
        self.directory.change(&before, &self.company);
    }

    fn buy(&mut self, license: Lic, more: i64) {
        let seats = self.totals[license].expect("seats are counted").saturating_add_signed(more);
        self.totals[license] = Some(seats);
        self.cloud.buy(license, seats);
    }

    /// The state of the program, as if everything in it had happened a day earlier.
    fn a_day_passes(&self) {
        let state =
            rusqlite::Connection::open(self.connector.state().join("dirsyncd.db")).expect("the state");
        state
            .execute_batch(
                "BEGIN; UPDATE seat_day SET day = day + 100000; UPDATE seat_day SET day = day - 100001;
                 UPDATE waiting SET since = since - 86400; COMMIT;",
            )
            .expect("the tables of the queue");
    }

    /// The days of which the program remembers what was needed.
    fn days(&self) -> Vec<i64> {
        let state =
            rusqlite::Connection::open(self.connector.state().join("dirsyncd.db")).expect("the state");
        let mut days = state.prepare("SELECT DISTINCT day FROM seat_day ORDER BY day").expect("the table");
        days.query_map([], |row| row.get(0)).expect("days").map(|day| day.expect("a number")).collect()
    }
}

async fn play(kind: Kind) {
    let mut play = Play::begin(kind).await;
    play.pass("first pass", true).await;

    play.happens(turmoil::reorganize);
    play.buy(oracle::MESSAGES_EAST, 60);
    play.buy(oracle::PROFESSIONAL, 12);
    play.buy(oracle::CENTRE_STANDARD, 25);
    play.buy(oracle::HOST_WEST, -40);
    let mut needed = vec![play.pass("reorganization", true).await.seats];
    assert_eq!(play.days().len(), 1, "midnight is no time for this test");

    // The week is played once: nothing in it depends on the directory but how changes are found.
    let last = if kind == Kind::Slapd { 7 } else { 1 };
    for day in 1..=last {
        play.a_day_passes();
        play.happens(|company| turmoil::day(company, 4 + day % 3));
        needed.push(play.pass(&format!("day {day}"), day == 1 || day == last).await.seats);
    }
    let days = play.days();
    assert_eq!(days.len(), needed.len());
    let expected: BTreeMap<Lic, Option<(i64, i64)>> = needed[0]
        .keys()
        .map(|license| {
            let demand: Vec<(i64, u64)> =
                days.iter().zip(&needed).map(|(day, seats)| (*day, seats[license].demand)).collect();
            (*license, forecast::runs_out(&demand, needed[days.len() - 1][license].total))
        })
        .collect();
    if kind == Kind::Slapd {
        assert!(expected.values().flatten().count() > 1, "of some licences there is something to say");
    }
    assert!(expected.values().any(Option::is_none), "of others there is not");
    let found = play.cloud.forecasts(&play.connector.json(0, &["status"]));
    assert_eq!(found, expected);
    play.cloud.sandbox.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_company_in_samba() {
    play(Kind::Samba).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_company_in_slapd() {
    play(Kind::Slapd).await;
}
