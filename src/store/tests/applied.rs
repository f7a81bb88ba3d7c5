//! What the rules want beside what the snapshot says.

use super::*;
use crate::model::{AccountKind, FieldSet, Line, RoleId, Standing, Wanted};

fn staged(person: Person) -> StagedWanted {
    StagedWanted {
        anchor: anchor(1),
        linked: true,
        record: print(9),
        dn: dn(1),
        email: Some(person.email.key()),
        recheck: None,
        joined: None,
        wanted: Wanted::Present(person),
        standing: Standing::default(),
    }
}

fn with(change: impl FnOnce(&mut Person)) -> StagedWanted {
    let mut person = person(1);
    change(&mut person);
    staged(person)
}

fn lacking() -> Line {
    Line::Lacking { reason: "there is no number".into(), remedy: "add one".into() }
}

fn store(row: SnapshotRow) -> Store {
    let store = Store::in_memory();
    block_on(store.change_rows(vec![RowChange::Link(Box::new(row))])).unwrap();
    store
}

fn against(row: SnapshotRow, staged: &StagedWanted, kept: FieldSet) -> Difference {
    store(row).reader().differences(&[staged], kept).unwrap()[0].0
}

/// Besides the row of a person with a title, what the rules want.
#[test]
fn only_values_that_come_or_change_are_light() {
    let titled = || {
        let mut row = row(1);
        row.applied.profile.insert(Field::Title, "Clerk".into());
        row
    };
    let wanted = |change: fn(&mut Person)| {
        with(|person| {
            person.profile.insert(Field::Title, "Clerk".into());
            change(person);
        })
    };
    let none = FieldSet::default();
    use Difference::{Anything, Nothing, Values};
    type Case = (fn(&mut Person), Difference);
    let cases: [Case; 12] = [
        (|_| {}, Nothing),
        (|one| drop(one.profile.insert(Field::Title, "Chief".into())), Values),
        (|one| drop(one.profile.insert(Field::City, "Ulm".into())), Values),
        (|one| drop(one.profile.remove(&Field::Title)), Anything),
        (|one| one.email = email(2), Anything),
        (|one| one.email = "P1@example.com".parse().unwrap(), Anything),
        (|one| one.active = false, Anything),
        (|one| one.kind = AccountKind::Room, Anything),
        (|one| one.licenses.extend([LicenseId::new("calling")]), Anything),
        (|one| one.licenses.clear(), Anything),
        (|one| one.roles.extend([RoleId::new("full")]), Anything),
        (|one| one.telephone = Some(Box::new(lacking())), Anything),
    ];
    for (at, (change, want)) in cases.into_iter().enumerate() {
        assert_eq!(against(titled(), &wanted(change), none), want, "case {at}");
    }
    // A value that is left to the cloud may be another there.
    let kept: FieldSet = [Field::Title].into_iter().collect();
    let chief = wanted(|one| drop(one.profile.insert(Field::Title, "Chief".into())));
    assert_eq!(against(titled(), &chief, kept), Anything);
    assert_eq!(against(titled(), &wanted(|_| {}), kept), Nothing);
    // Who is to go, or cannot be judged, is never light.
    let leaving = StagedWanted { wanted: Wanted::Leaving(Cause::Disabled), ..wanted(|_| {}) };
    assert_eq!(against(titled(), &leaving, none), Anything);
}

#[test]
fn what_is_open_about_somebody_counts() {
    let changes: [fn(&mut SnapshotRow); 10] = [
        |row| row.record = Fingerprint::NONE,
        |row| row.applied_print = Fingerprint::NONE,
        |row| row.dn = dn(7),
        |row| row.state = LinkState::Left { since: 5 },
        |row| row.recheck = Some(5),
        |row| row.joined = Some(Key::exact("E-1")),
        |row| row.given.block = true,
        |row| row.given.licenses.extend([LicenseId::new("calling")]),
        |row| row.given.roles.extend([RoleId::new("full")]),
        |row| row.given.fading.extend([(LicenseId::new("calling"), 5)]),
    ];
    assert_eq!(against(row(1), &with(|_| {}), FieldSet::default()), Difference::Nothing);
    for (at, change) in changes.into_iter().enumerate() {
        let mut row = row(1);
        change(&mut row);
        assert_eq!(against(row, &with(|_| {}), FieldSet::default()), Difference::Anything, "case {at}");
    }
    let nobody = StagedWanted { anchor: anchor(2), ..with(|_| {}) };
    assert_eq!(against(row(1), &nobody, FieldSet::default()), Difference::Anything);
}

#[test]
fn whoever_stands_elsewhere_left_a_place() {
    let store = store(row(1));
    let left =
        |staged: &StagedWanted| store.reader().differences(&[staged], FieldSet::default()).unwrap()[0].1;
    assert_eq!(left(&with(|_| {})), None);
    assert_eq!(left(&StagedWanted { dn: dn(1).to_uppercase(), ..with(|_| {}) }), None);
    assert_eq!(left(&StagedWanted { dn: dn(7), ..with(|_| {}) }), Some(Key::dn(&dn(1))));
    let withheld = StagedWanted { dn: dn(7), wanted: Wanted::Leaving(Cause::Disabled), ..with(|_| {}) };
    assert_eq!(left(&withheld), Some(Key::dn(&dn(1))));
    assert_eq!(left(&StagedWanted { anchor: anchor(2), ..with(|_| {}) }), None);
}

#[test]
fn a_manager_is_whoever_stands_at_the_place_that_is_named() {
    let names = |place: &str| with(|person| drop(person.profile.insert(Field::Manager, place.into())));
    let applied = |account: Option<&str>| {
        let mut row = row(1);
        row.applied.profile.extend(account.map(|id| (Field::Manager, id.to_owned())));
        let store = store(row);
        let rest = [2, 3].map(|n| RowChange::Link(Box::new(super::row(n))));
        block_on(store.change_rows(rest.into())).unwrap();
        store
    };
    let compare = |store: &Store, staged: &StagedWanted| {
        store.reader().differences(&[staged], FieldSet::default()).unwrap()[0].0
    };
    use Difference::{Anything, Nothing};
    let (managed, alone) = (applied(Some("cloud-2")), applied(None));
    for (place, with_manager, without) in [
        (dn(2), Nothing, Anything),
        (dn(2).to_uppercase(), Nothing, Anything),
        (dn(3), Anything, Anything),
        // Nobody stands there.
        (dn(9), Anything, Nothing),
        // Themselves.
        (dn(1), Anything, Anything),
    ] {
        assert_eq!(compare(&managed, &names(&place)), with_manager, "{place}");
        assert_eq!(compare(&alone, &names(&place)), without, "{place}");
    }
    assert_eq!(compare(&managed, &with(|_| {})), Anything, "nobody is named any more");
    assert_eq!(compare(&alone, &with(|_| {})), Nothing);
}
