//! The whole store under test: against a naive model, under `kill -9`, and beside readers.

mod applied;
mod beside;
mod child;
mod cloud_groups;
mod crash;
mod journal;
mod naive;
mod refusals;
mod stage;
mod traces;

use std::future::Future;

use super::*;
use crate::model::{
    Action, Attr, Cause, Change, CloudId, Email, Field, Fingerprint, Given, Key, Kind, LicenseId, LinkState,
    Origin, Person, SnapshotRow, SourceId,
};

fn block_on<T>(future: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(future)
}

fn anchor(n: u64) -> SourceId {
    SourceId::new(Key::exact(&format!("anchor {n}")).0)
}

fn email(n: u64) -> Email {
    format!("p{n}@example.com").parse().unwrap()
}

fn cloud_id(n: u64) -> CloudId {
    CloudId::new(format!("cloud-{n}"))
}

fn dn(n: u64) -> String {
    format!("cn=p{n},dc=example,dc=com")
}

fn print(n: u64) -> Fingerprint {
    Fingerprint(Key::exact(&n.to_string()).0)
}

fn person(n: u64) -> Person {
    Person {
        kind: Default::default(),
        email: email(n),
        active: true,
        profile: [(Field::DisplayName, format!("Person {n}"))].into(),
        licenses: [LicenseId::new("messaging")].into(),
        roles: Default::default(),
        telephone: None,
    }
}

fn row(n: u64) -> SnapshotRow {
    SnapshotRow {
        anchor: anchor(n),
        cloud_id: cloud_id(n),
        dn: dn(n),
        record: print(n),
        applied: person(n),
        applied_print: print(n + 1),
        licenses_print: 7,
        given: Given { licenses: [LicenseId::new("messaging")].into(), ..Default::default() },
        origin: Origin::Created,
        state: LinkState::Present,
        recheck: None,
        joined: None,
    }
}

fn link(n: u64) -> RowChange {
    RowChange::Link(Box::new(row(n)))
}

fn action(n: u64) -> Action {
    Action {
        kind: Kind::Update,
        anchor: anchor(n),
        who: email(n).into(),
        dn: Some(dn(n)),
        cloud_id: Some(cloud_id(n)),
        changes: vec![Change::new(Attr::Field(Field::Title), Some("Clerk".into()), None)],
        cause: Cause::Desired,
    }
}

fn new_run() -> NewRun {
    NewRun { started: 100, mode: "full".into(), trigger: "test".into() }
}
