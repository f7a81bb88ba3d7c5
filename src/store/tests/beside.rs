//! A reader beside a writer sees one state of the database, and never half of a change.

use super::*;

/// A link that is handed from one anchor to the other and back has one owner at any time.
#[test]
fn a_link_that_moves_always_has_one_owner() {
    let dir = tempfile::tempdir().unwrap();
    let lock = Lock::acquire(dir.path()).unwrap();
    let store = Store::open(dir.path(), &lock).unwrap();
    block_on(store.change_rows(vec![link(1)])).unwrap();
    let reader = store.reader().clone();
    let done = std::sync::atomic::AtomicBool::new(false);
    std::thread::scope(|scope| {
        let watching = scope.spawn(|| {
            let mut asked = 0;
            while !done.load(std::sync::atomic::Ordering::Relaxed) {
                let owners = reader.anchors_by_cloud(&[Key::exact(cloud_id(1).as_str())]).unwrap();
                assert_eq!(owners.len(), 1, "after {asked} answers: {owners:?}");
                asked += 1;
            }
        });
        for turn in 0..300_u64 {
            let (from, to) = (anchor(1 + turn % 2), anchor(2 - turn % 2));
            let row = Box::new(SnapshotRow { anchor: to, ..row(1) });
            block_on(store.change_rows(vec![RowChange::Move { from, row }])).unwrap();
        }
        done.store(true, std::sync::atomic::Ordering::Relaxed);
        watching.join().unwrap();
    });
}
