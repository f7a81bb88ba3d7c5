//! `kill -9` at any instant leaves journal and snapshot in agreement.

use std::collections::BTreeSet;

use super::child::Writer;
use super::*;

/// Every settled intent has its row, every row its settled intent, and no open one has a row.
fn assert_in_agreement(reader: &Reader) -> BTreeSet<SourceId> {
    let settled: BTreeSet<SourceId> =
        reader.history(&HistoryFilter::default()).unwrap().iter().map(|entry| entry.action.anchor).collect();
    let links: BTreeSet<SourceId> = reader.links(0).unwrap().iter().map(|link| link.anchor).collect();
    assert_eq!(settled, links);
    let wide = reader.rows(&links.iter().copied().collect::<Vec<_>>()).unwrap();
    assert_eq!(wide.len(), links.len());
    for row in &wide {
        let found = reader.email_owners(&[row.applied.email.key()]).unwrap();
        assert_eq!(found, [(row.applied.email.key(), row.anchor)], "names survive too");
    }
    for intent in reader.open_intents().unwrap() {
        assert!(!links.contains(&intent.action.anchor));
    }
    links
}

#[test]
fn killed_at_any_instant_journal_and_snapshot_agree() {
    let dir = tempfile::tempdir().unwrap();
    let mut before = 0;
    for reports in [0, 1, 2, 5, 11] {
        let mut writer = Writer::start("loop", dir.path());
        for _ in 0..reports {
            writer.reported().unwrap();
        }
        let last = writer.kill();

        let links = assert_in_agreement(&Reader::open(dir.path()).unwrap());
        assert!(links.len() >= before, "nothing that was confirmed is lost");
        if let Some(first) = last {
            assert!((first..first + 9).all(|n| links.contains(&anchor(n))), "reported is on the disk");
        }
        before = links.len();

        let lock = Lock::acquire(dir.path()).unwrap();
        let store = Store::open(dir.path(), &lock).unwrap();
        assert_eq!(assert_in_agreement(store.reader()), links);
        block_on(async {
            let run = store.begin_run(new_run()).await.unwrap();
            child::write_ten(&store, run, u64::try_from(run.0).unwrap() * 1_000_000).await;
        });
        assert_eq!(assert_in_agreement(store.reader()).len(), before + 9);
        before += 9;
        store.close();
    }
}
