//! What the state database costs per person: `cargo bench --bench store`.

use std::time::{Duration, Instant};

use dirsyncd::model::{
    Account, Action, Attr, Cause, Change, CloudId, Email, Field, Fingerprint, Given, Key, Kind, LicenseId,
    LinkState, Origin, Person, SnapshotRow, SourceId, Wanted,
};
use dirsyncd::store::{
    GroupDelta, GroupRow, Lock, NewRun, Outcome, Reader, RowChange, Settlement, Stage, StagedAccount,
    StagedWanted, Store,
};

/// A sequence without pattern, the same in every run.
fn mix(n: u64) -> [u8; 16] {
    Key::exact(&n.to_string()).0
}

fn anchor(n: u64) -> SourceId {
    SourceId::new(mix(n))
}

fn person(n: u64) -> Person {
    let profile = [
        (Field::GivenName, format!("Given{n}")),
        (Field::FamilyName, format!("Family{n}")),
        (Field::DisplayName, format!("Given{n} Family{n}")),
        (Field::Title, "Engineer".to_owned()),
        (Field::Department, format!("Department {}", n % 50)),
        (Field::PhoneWork, format!("+1 555 {n:07}")),
        (Field::City, "Springfield".to_owned()),
        (Field::Country, "US".to_owned()),
    ];
    Person {
        kind: Default::default(),
        email: email(n),
        active: true,
        profile: profile.into_iter().collect(),
        licenses: (0..2).map(license).collect(),
        roles: Default::default(),
        telephone: None,
    }
}

fn email(n: u64) -> Email {
    format!("given{n}.family{n}@example.com").parse().expect("an address")
}

fn license(n: u64) -> LicenseId {
    LicenseId::new(format!(
        "Y2lzY29zcGFyazovL3VzL0xJQ0VOU0UvOTZhYmMyYWEtM2RjYy0xMWU1LWExNTItZmUzNDgxOWNkYz{n:02}"
    ))
}

fn cloud_id(n: u64) -> CloudId {
    CloudId::new(anchor(n + 1_000_000_000).to_string())
}

fn dn(n: u64) -> String {
    format!("CN=Given{n} Family{n},OU=Department {},OU=People,DC=example,DC=com", n % 50)
}

fn row(n: u64) -> SnapshotRow {
    let applied = person(n);
    SnapshotRow {
        anchor: anchor(n),
        cloud_id: cloud_id(n),
        dn: dn(n),
        record: Fingerprint(mix(n + 7)),
        applied_print: Fingerprint(mix(n + 9)),
        licenses_print: 0,
        given: Given { licenses: applied.licenses.clone(), ..Default::default() },
        applied,
        origin: Origin::Created,
        state: LinkState::Present,
        recheck: None,
        joined: None,
    }
}

fn action(n: u64) -> Action {
    let person = person(n);
    Action {
        kind: Kind::Create,
        anchor: anchor(n),
        who: person.email.into(),
        dn: Some(dn(n)),
        cloud_id: None,
        changes: person
            .profile
            .into_iter()
            .map(|(field, value)| Change::new(Attr::Field(field), None, Some(value)))
            .collect(),
        cause: Cause::NewRecord,
    }
}

/// The processor time of the thread that writes, where the system tells.
fn writing() -> Duration {
    let tasks = std::fs::read_dir("/proc/self/task").into_iter().flatten().flatten();
    let of = |task: std::fs::DirEntry| {
        let name = std::fs::read_to_string(task.path().join("comm")).ok()?;
        let time = std::fs::read_to_string(task.path().join("schedstat")).ok()?;
        (name.trim() == "store").then(|| time.split(' ').next()?.parse().ok().map(Duration::from_nanos))?
    };
    tasks.filter_map(of).sum()
}

fn report(what: &str, count: u64, took: Duration) {
    let each = took.as_secs_f64() * 1e6 / count as f64;
    println!("{what:<46} {count:>9} in {:>8.3} s  {each:>8.2} µs each", took.as_secs_f64());
}

fn main() {
    let people: u64 = std::env::var("PEOPLE").ok().and_then(|n| n.parse().ok()).unwrap_or(100_000);
    let chunk: usize = std::env::var("CHUNK").ok().and_then(|n| n.parse().ok()).unwrap_or(100);
    let dir = tempfile::tempdir().expect("a directory");
    let dir = dir.path();
    let runtime = tokio::runtime::Builder::new_current_thread().build().expect("a runtime");

    let mut order: Vec<u64> = (0..people).collect();
    order.sort_unstable_by_key(|n| anchor(*n));

    let lock = Lock::acquire(dir).expect("the lock");
    let store = Store::open(dir, &lock).expect("the store");
    runtime.block_on(async {
        let run = NewRun { started: 0, mode: "full".into(), trigger: "bench".into() };
        let run = store.begin_run(run).await.expect("a run");
        let (mut took, busy) = (Duration::ZERO, writing());
        for chunk in order.chunks(chunk) {
            let actions: Vec<_> = chunk.iter().map(|n| action(*n)).collect();
            let rows: Vec<SnapshotRow> = chunk.iter().map(|n| row(*n)).collect();
            let start = Instant::now();
            let intents = store.intend(run, "bench", 0, actions).await.expect("intents");
            let settlements = intents
                .into_iter()
                .zip(rows)
                .map(|(intent, row)| Settlement {
                    intent,
                    outcome: Outcome::Succeeded,
                    row: Some(RowChange::Link(Box::new(row))),
                })
                .collect();
            store.settle(0, settlements).await.expect("settled");
            took += start.elapsed();
        }
        report(&format!("first load: intend, settle, link, by {chunk}"), people, took);
        report("  of it processor time of the writer", people, writing() - busy);

        let touches: Vec<Vec<RowChange>> = order
            .chunks(5000)
            .map(|chunk| {
                let touch = |n: &u64| RowChange::Touch {
                    anchor: anchor(*n),
                    record: Fingerprint(mix(n + 8)),
                    dn: None,
                    recheck: None,
                    joined: None,
                };
                chunk.iter().map(touch).collect()
            })
            .collect();
        let start = Instant::now();
        for touch in touches {
            store.change_rows(touch).await.expect("touched");
        }
        report("touch everybody, by 5000", people, start.elapsed());

        let groups = people / 100 + 1;
        let delta: Vec<(GroupRow, Vec<Key>)> = (0..groups)
            .map(|g| {
                let dn = format!("CN=Group {g},OU=Groups,DC=example,DC=com");
                let group = GroupRow {
                    key: Key::dn(&dn),
                    anchor: anchor(g + 2_000_000_000),
                    names: vec![format!("group {g}")],
                    dn,
                    record: Fingerprint(mix(g)),
                    chosen: None,
                };
                let members = (0..1000).map(|m| Key::dn(&dn_of(g * 100 + m, people))).collect();
                (group, members)
            })
            .collect();
        let start = Instant::now();
        store.commit_groups(GroupDelta { changed: delta, ..Default::default() }).await.expect("groups");
        report("memberships, all at once", groups * 1000, start.elapsed());
    });

    let start = Instant::now();
    store.close();
    report("close", 1, start.elapsed());
    drop(lock);
    let size = |name: &str| std::fs::metadata(dir.join(name)).map_or(0, |file| file.len());
    println!("database {} MiB", size("dirsyncd.db") >> 20);

    let reader = Reader::open(dir).expect("a reader");
    let start = Instant::now();
    let links = reader.links(0).expect("links");
    report("links", links.len() as u64, start.elapsed());
    let start = Instant::now();
    let mut sum = 0;
    reader.each_link(0, |link| sum += u64::from(link.anchor.as_bytes()[0])).expect("links");
    report("each link", people, start.elapsed());
    let keys: Vec<Key> = (0..10_000).map(|n| Key::dn(&dn(n * 7919 % people))).collect();
    let start = Instant::now();
    let found: usize = keys.iter().map(|key| reader.direct_groups(*key).expect("groups").len()).sum();
    report(&format!("direct groups ({} each)", found / keys.len()), keys.len() as u64, start.elapsed());
    let anchors: Vec<SourceId> = (0..10_000).map(|n| anchor(n * 7919 % people)).collect();
    let start = Instant::now();
    reader.rows(&anchors).expect("rows");
    report("rows", anchors.len() as u64, start.elapsed());
    let start = Instant::now();
    reader.anchors_by_dn(&keys).expect("anchors");
    report("anchors by DN", keys.len() as u64, start.elapsed());
    let start = Instant::now();
    let filter = dirsyncd::store::HistoryFilter { anchor: Some(anchor(5)), ..Default::default() };
    reader.history(&filter).expect("history");
    report("history of one person", people, start.elapsed());

    let staged: Vec<StagedWanted> = (0..people)
        .map(|n| StagedWanted {
            anchor: anchor(n),
            linked: false,
            record: Fingerprint(mix(n)),
            dn: dn(n),
            email: Some(email(n).key()),
            recheck: None,
            joined: None,
            wanted: Wanted::Present(person(n)),
            standing: Default::default(),
        })
        .collect();
    let mut stage = Stage::new().expect("a stage");
    let start = Instant::now();
    for chunk in staged.chunks(1000) {
        stage.put_wanted(chunk).expect("staged");
    }
    report("stage: put wanted", people, start.elapsed());
    drop(staged);
    let start = Instant::now();
    stage.email_claims().expect("claims");
    report("stage: claims on addresses", people, start.elapsed());
    let start = Instant::now();
    let mut after = None;
    loop {
        let page = stage.wanted_after(false, after, 1000).expect("a page");
        let Some(last) = page.last() else { break };
        after = Some(last.anchor);
    }
    report("stage: page through wanted", people, start.elapsed());
    let start = Instant::now();
    stage.wanted_after(true, None, 1000).expect("a page");
    report("stage: look for linked among new", people, start.elapsed());
    let accounts: Vec<StagedAccount> = (0..people)
        .map(|n| StagedAccount {
            key: Key::exact(cloud_id(n).as_str()),
            linked: None,
            account: Account {
                kind: Default::default(),
                id: cloud_id(n),
                email: Some(email(n)),
                external_id: Some(anchor(n).to_string()),
                active: true,
                profile: person(n).profile,
                roles: Default::default(),
                calling_owns_work_phone: false,
            },
        })
        .collect();
    let start = Instant::now();
    for chunk in accounts.chunks(1000) {
        stage.put_accounts(chunk).expect("staged");
    }
    report("stage: put accounts", people, start.elapsed());
    let keys: Vec<Key> = accounts.iter().map(|account| account.key).collect();
    let start = Instant::now();
    stage.accounts_by_cloud(&keys[..10_000.min(keys.len())]).expect("accounts");
    report("stage: index and look up accounts", 10_000, start.elapsed());
    let start = Instant::now();
    for license in 0..2 {
        keys.chunks(1000).for_each(|chunk| stage.put_holders(license, chunk).expect("staged"));
    }
    report("stage: put holders", people * 2, start.elapsed());
    let start = Instant::now();
    stage.licenses_of(&keys).expect("licences");
    report("stage: index and look up licences", people, start.elapsed());
}

fn dn_of(n: u64, people: u64) -> String {
    dn(n % people)
}
