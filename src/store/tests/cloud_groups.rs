//! Groups of the cloud: links, whose members they are, and who is to be followed.

use super::*;
use crate::model::GroupLink;

fn group(name: &str, open: bool) -> GroupLink {
    GroupLink {
        anchor: anchor(900),
        cloud_id: CloudId::new("g1"),
        name: name.into(),
        dn: "cn=sales,dc=example,dc=com".into(),
        origin: Origin::Created,
        open,
        left: None,
    }
}

fn change(link: Option<GroupLink>, afresh: bool, joined: &[u64], left: &[u64]) -> RowChange {
    RowChange::Group(Box::new(GroupChange {
        anchor: anchor(900),
        link,
        afresh,
        joined: joined.iter().map(|n| cloud_id(*n)).collect(),
        left: left.iter().map(|n| Key::exact(cloud_id(*n).as_str())).collect(),
    }))
}

fn members(store: &Store) -> Vec<Key> {
    store.reader().our_members(anchor(900)).unwrap()
}

fn keys(numbers: &[u64]) -> Vec<Key> {
    let mut keys: Vec<Key> = numbers.iter().map(|n| Key::exact(cloud_id(*n).as_str())).collect();
    keys.sort_unstable();
    keys
}

#[test]
fn members_follow_what_was_confirmed() {
    let store = Store::in_memory();
    let write = |row| block_on(store.change_rows(vec![row])).unwrap();
    write(change(Some(group("Sales", true)), true, &[1, 2, 3], &[]));
    assert_eq!(members(&store), keys(&[1, 2, 3]));
    write(change(Some(group("Sales", false)), false, &[4, 3], &[1]));
    assert_eq!(members(&store), keys(&[2, 3, 4]));
    assert_eq!(store.reader().group_links().unwrap(), [group("Sales", false)]);
    assert_eq!(store.reader().count_groups().unwrap(), (1, 3));
    block_on(store.regroup(Regrouping { open: vec![anchor(900)], ..Regrouping::default() })).unwrap();
    assert_eq!(store.reader().group_links().unwrap(), [group("Sales", true)]);
    // Another group under the same anchor knows nobody of the first.
    write(change(Some(group("Sales", false)), true, &[9], &[]));
    assert_eq!(members(&store), keys(&[9]));
    write(change(None, false, &[], &[]));
    assert_eq!(store.reader().count_groups().unwrap(), (0, 0));
    assert_eq!(members(&store), []);
}

#[test]
fn people_are_followed_while_groups_are_chosen() {
    let store = Store::in_memory();
    let write = |row| block_on(store.change_rows(vec![row])).unwrap();
    let follow = || store.reader().to_regroup().unwrap();
    write(link(1));
    assert_eq!(follow(), [], "no group is chosen");
    let dn_of_group = "cn=g,dc=example,dc=com";
    let chosen = GroupRow {
        key: Key::dn(dn_of_group),
        anchor: anchor(900),
        dn: dn_of_group.into(),
        names: vec!["g".into()],
        record: print(1),
        chosen: Some("G".into()),
    };
    let delta = GroupDelta { changed: vec![(chosen, vec![])], ..GroupDelta::default() };
    block_on(store.commit_groups(delta)).unwrap();
    write(link(1));
    assert_eq!(follow(), [], "nothing about the person changed");
    let primary = vec![(anchor(1), Some(Key::dn(dn_of_group)))];
    block_on(store.regroup(Regrouping { primary, ..Regrouping::default() })).unwrap();
    assert_eq!(store.reader().primary_members(Key::dn(dn_of_group)).unwrap(), [anchor(1)]);
    let mut moved = row(1);
    moved.dn = "cn=p1,ou=x,dc=example,dc=com".into();
    write(RowChange::Link(Box::new(moved.clone())));
    let mut both = vec![Key::dn(&dn(1)), Key::dn(&moved.dn), Key::dn(dn_of_group)];
    both.sort_unstable();
    assert_eq!(follow(), both, "the old place, the new one, and the primary group");
    block_on(store.regroup(Regrouping { followed: both, ..Regrouping::default() })).unwrap();
    assert_eq!(follow(), []);
    for state in [LinkState::Left { since: 5 }, LinkState::Present] {
        moved.state = state;
        write(RowChange::Link(Box::new(moved.clone())));
        let followed = follow();
        assert_eq!(followed.len(), 2, "{state:?}");
        block_on(store.regroup(Regrouping { followed, ..Regrouping::default() })).unwrap();
    }
    write(RowChange::Forget(anchor(1)));
    assert_eq!(follow().len(), 2);
}
