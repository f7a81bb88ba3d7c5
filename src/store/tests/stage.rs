//! The spool of one pass.

use super::*;
use crate::model::{Account, Standing, Wanted};

fn wanted(n: u64, linked: bool) -> StagedWanted {
    StagedWanted {
        anchor: anchor(n),
        linked,
        record: print(n),
        dn: dn(n),
        email: Some(email(n).key()),
        recheck: Some(5),
        joined: None,
        wanted: Wanted::Present(person(n)),
        standing: Standing { rules: vec![n as u16], order: [7].into(), created: Some(n as i64) },
    }
}

fn account(n: u64, linked: bool) -> StagedAccount {
    StagedAccount {
        key: Key::exact(cloud_id(n).as_str()),
        linked: linked.then(|| anchor(n)),
        account: Account {
            kind: Default::default(),
            id: cloud_id(n),
            email: Some(email(n)),
            external_id: Some(anchor(n).to_string()),
            active: true,
            profile: person(n).profile,
            roles: Default::default(),
            calling_owns_work_phone: n.is_multiple_of(2),
        },
    }
}

#[test]
fn people_are_paged_in_the_order_of_their_anchors() {
    let mut stage = Stage::new().unwrap();
    let mut all: Vec<StagedWanted> = (0..100).map(|n| wanted(n, n % 3 == 0)).collect();
    for chunk in all.chunks(7) {
        stage.put_wanted(chunk).unwrap();
    }
    all.sort_by_key(|one| one.anchor);
    assert_eq!(stage.counts(), (34, 66));
    for linked in [true, false] {
        let mut paged = Vec::new();
        loop {
            let after = paged.last().map(|last: &StagedWanted| last.anchor);
            let page = stage.wanted_after(linked, after, 10).unwrap();
            if page.is_empty() {
                break;
            }
            paged.extend(page);
        }
        let expected: Vec<_> = all.iter().filter(|one| one.linked == linked).cloned().collect();
        assert_eq!(paged, expected);
    }
    let some = stage.wanted(&[anchor(5), anchor(99), anchor(100), anchor(5)]).unwrap();
    let mut expected = vec![wanted(5, false), wanted(99, true)];
    expected.sort_by_key(|one| one.anchor);
    assert_eq!(some, expected);
}

#[test]
fn of_two_with_one_anchor_the_last_stays() {
    for ask_between in [false, true] {
        let mut stage = Stage::new().unwrap();
        stage.put_wanted(&[wanted(1, false), wanted(2, true)]).unwrap();
        if ask_between {
            assert_eq!(stage.counts(), (1, 1));
            assert_eq!(stage.email_keys_after(None, 10).unwrap().len(), 2);
        }
        let moved = StagedWanted { dn: dn(77), email: Some(email(2).key()), ..wanted(1, true) };
        stage.put_wanted(&[wanted(3, false), wanted(3, false), moved.clone()]).unwrap();
        assert_eq!(stage.counts(), (2, 1));
        assert_eq!(stage.duplicates(), 2);
        assert_eq!(stage.wanted(&[anchor(1)]).unwrap(), [moved]);
        assert!(stage.wanted_after(false, None, 10).unwrap().iter().all(|one| one.anchor == anchor(3)));
        let mut claimants = vec![anchor(1), anchor(2)];
        claimants.sort();
        assert_eq!(stage.email_claims().unwrap(), [(email(2).key(), claimants)]);
    }
}

#[test]
fn addresses_are_paged_and_claims_found() {
    let mut stage = Stage::new().unwrap();
    let mut all: Vec<StagedWanted> = (0..20).map(|n| wanted(n, false)).collect();
    all[7].email = all[3].email;
    all[9].email = None;
    all[10].email = None;
    stage.put_wanted(&all).unwrap();
    let mut claimants = vec![anchor(3), anchor(7)];
    claimants.sort();
    let smallest = claimants[0];
    assert_eq!(stage.email_claims().unwrap(), [(email(3).key(), claimants)]);
    let mut keys = Vec::new();
    loop {
        let page = stage.email_keys_after(keys.last().map(|(key, _)| *key), 3).unwrap();
        if page.is_empty() {
            break;
        }
        keys.extend(page);
    }
    assert!(keys.is_sorted());
    assert_eq!(keys.len(), 17);
    assert!(keys.contains(&(email(3).key(), smallest)));
}

#[test]
fn accounts_are_found_in_every_way() {
    let mut stage = Stage::new().unwrap();
    stage.put_accounts(&(0..10).map(|n| account(n, n < 4)).collect::<Vec<_>>()).unwrap();
    assert_eq!(stage.account_counts(), (4, 6));
    let nobody = StagedAccount {
        account: Account { email: None, external_id: None, ..account(20, false).account },
        ..account(20, false)
    };
    stage.put_accounts(&[nobody.clone(), account(4, true)]).unwrap();
    assert_eq!(stage.account_counts(), (5, 6), "an account seen twice counts once, as last seen");

    let five = [account(5, false)];
    let key = |n| Key::exact(cloud_id(n).as_str());
    assert_eq!(stage.account_by_anchor(anchor(4)).unwrap(), Some(account(4, true)));
    assert_eq!(stage.account_by_anchor(anchor(5)).unwrap(), None);
    assert_eq!(stage.accounts_by_cloud(&[key(5), key(99)]).unwrap(), five);
    assert_eq!(stage.accounts_by_cloud(&[key(20)]).unwrap(), [nobody]);
    assert_eq!(stage.accounts_by_email(&[email(5).key()]).unwrap(), five);
    let external = anchor(5).to_string();
    assert_eq!(stage.accounts_by_external_id(&[&external, &external.to_uppercase(), ""]).unwrap(), five);

    let mut linked: Vec<StagedAccount> = (0..5).map(|n| account(n, true)).collect();
    linked.sort_by_key(|one| one.linked);
    let first = stage.linked_accounts_after(None, 2).unwrap();
    let rest = stage.linked_accounts_after(first[1].linked, 100).unwrap();
    assert_eq!([first, rest].concat(), linked);
    let first = stage.unlinked_after(None, 2).unwrap();
    let rest = stage.unlinked_after(Some(first[1].key), 100).unwrap();
    let keys: Vec<Key> = first.iter().chain(&rest).map(|one| one.key).collect();
    assert!(keys.is_sorted() && keys.len() == 6);
}

#[test]
fn licences_and_memberships_are_found() {
    let mut stage = Stage::new().unwrap();
    let key = |n: u64| Key::exact(&n.to_string());
    stage.put_holders(2, &[key(1), key(2), key(1)]).unwrap();
    stage.put_holders(1, &[key(1)]).unwrap();
    assert_eq!(stage.licenses_of(&[key(1), key(3)]).unwrap(), [(key(1), 1), (key(1), 2)]);

    stage.put_members(key(10), &[key(1), key(2), key(1)]).unwrap();
    stage.put_members(key(11), &[key(1)]).unwrap();
    stage.put_members(key(12), &[]).unwrap();
    assert_eq!(stage.staged_groups().unwrap().len(), 3);
    assert_eq!(stage.staged_groups_of(key(2)).unwrap(), [key(10)]);
    assert_eq!(stage.staged_groups_of(key(1)).unwrap().len(), 2);
    let mut members = vec![key(1), key(2)];
    members.sort();
    assert_eq!(stage.staged_members(key(10)).unwrap(), members);
    assert!(stage.staged_members(key(12)).unwrap().is_empty());
    stage.put_members(key(10), &[key(5)]).unwrap();
    assert_eq!(stage.staged_members(key(10)).unwrap(), [key(5)], "the last word counts");
    assert!(stage.staged_groups_of(key(2)).unwrap().is_empty());
}

#[test]
fn a_value_is_shown_with_everybody_who_claims_it_when_somebody_new_does() {
    let mut stage = Stage::new().unwrap();
    let value = |n: u64| Key::exact(&format!("value {n}"));
    // Ten values: of each third nobody new, of the others one or two.
    let all: Vec<StagedWanted> = (0..30)
        .map(|n| StagedWanted { joined: Some(value(n % 10)), ..wanted(n, n % 3 == 0 || n < 10) })
        .chain((30..33).map(|n| wanted(n, false)))
        .collect();
    stage.put_wanted(&all).unwrap();
    let expect = |stage: &Stage, all: &[StagedWanted]| {
        let mut expected = std::collections::BTreeMap::<Key, Vec<(SourceId, bool)>>::new();
        for one in all {
            if let Some(key) = one.joined {
                expected.entry(key).or_default().push((one.anchor, one.linked));
            }
        }
        expected.retain(|_, claims| claims.iter().any(|(_, linked)| !linked));
        expected.values_mut().for_each(|claims| claims.sort());
        let mut paged = Vec::new();
        loop {
            let page = stage.join_claims_after(paged.last().map(|(key, _)| *key), 3).unwrap();
            assert!(page.len() <= 3);
            if page.is_empty() {
                break;
            }
            paged.extend(page);
        }
        assert_eq!(paged, expected.into_iter().collect::<Vec<_>>());
        paged.len()
    };
    let before = expect(&stage, &all);
    let (linked, new) = stage.counts();
    stage.recognise([anchor(10), anchor(20), anchor(21), anchor(999)]).unwrap();
    assert_eq!(stage.counts(), (linked + 2, new - 2), "21 was linked before");
    let after: Vec<StagedWanted> = all
        .into_iter()
        .map(|one| {
            let recognised = [anchor(10), anchor(20)].contains(&one.anchor);
            StagedWanted { linked: one.linked || recognised, ..one }
        })
        .collect();
    assert_eq!(expect(&stage, &after), before - 1);
    stage.silence([anchor(30)]).unwrap();
    assert_eq!(stage.wanted(&[anchor(30)]).unwrap()[0].email, None);
    assert!(stage.claimants(&[email(30).key()]).unwrap().is_empty());
}
