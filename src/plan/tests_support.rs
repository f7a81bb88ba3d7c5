//! People, rows and accounts for the tests of this module.

use std::collections::BTreeSet;

use crate::model::{
    Account, CloudId, Fingerprint, Given, LinkState, Origin, Person, Profile, SnapshotRow, SourceId,
};

pub(super) fn person(name: &str) -> Person {
    Person {
        kind: Default::default(),
        email: format!("{name}@example.com").parse().unwrap(),
        active: true,
        profile: Profile::new(),
        licenses: BTreeSet::new(),
        roles: BTreeSet::new(),
        telephone: None,
    }
}

pub(super) fn account(name: &str) -> Account {
    Account {
        id: CloudId::new(format!("id-{name}")),
        kind: Default::default(),
        email: Some(format!("{name}@example.com").parse().unwrap()),
        external_id: None,
        active: true,
        profile: Profile::new(),
        roles: BTreeSet::new(),
        calling_owns_work_phone: false,
    }
}

pub(super) fn row(name: &str, state: LinkState) -> SnapshotRow {
    SnapshotRow {
        anchor: SourceId::new([1; 16]),
        cloud_id: CloudId::new(format!("id-{name}")),
        dn: format!("cn={name},dc=test"),
        record: Fingerprint::NONE,
        applied: person(name),
        applied_print: Fingerprint::NONE,
        licenses_print: 0,
        given: Given::default(),
        origin: Origin::Created,
        state,
        recheck: None,
        joined: None,
    }
}
