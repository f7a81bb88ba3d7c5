//! What must hold whatever happens.

mod support;

use support::org::Org;

#[test]
fn smoke() {
    let org = Org::new();
    org.directory().person("alice", |entry| {
        entry.attributes.insert("title".into(), vec!["Engineer".into()]);
    });
    org.directory().person("bob", |_| {});
    let first = org.sync().unwrap();
    assert_eq!(first.writes, 2);
    assert_eq!(org.sync().unwrap().writes, 0);
    assert_eq!(org.sync_all().unwrap().writes, 0);
}
