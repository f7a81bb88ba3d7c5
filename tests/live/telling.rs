//! What the tests of changes have in common: a cursor, what is told since, and being woken.

use std::sync::Arc;
use std::time::Duration;

use dirsyncd::model::{Ask, Changes, Cursor, Hint, Watched};
use dirsyncd::source::Source;
use dirsyncd::source::ldap::{LdapSource, Settings};
use tokio::sync::Notify;
use tokio::time::timeout;

use crate::reading::{ask, read_ldap};
use crate::support::slapd::SUFFIX;

/// The cursor and the advice of a full read.
pub(crate) async fn cursor(settings: &Settings) -> (Option<Cursor>, String) {
    let (_, census) = read_ldap(settings, &ask(&["mail"])).await;
    assert!(census.is_whole(), "{census:?}");
    (census.cursor, census.advice.unwrap_or_default())
}

/// What changed, and the cursor after it.
pub(crate) async fn since(settings: &Settings, cursor: &Cursor) -> (Vec<Hint>, Cursor) {
    match LdapSource::new(settings.clone()).changes(&ask(&["mail"]), cursor).await {
        Ok(Changes::Since { hints, cursor }) => (hints, cursor),
        other => panic!("{other:?}"),
    }
}

/// Why the cursor is worth nothing.
pub(crate) async fn doubt(settings: &Settings, cursor: &Cursor) -> String {
    match LdapSource::new(settings.clone()).changes(&ask(&["mail"]), cursor).await {
        Ok(Changes::Doubt(reason)) => reason,
        other => panic!("{other:?}"),
    }
}

/// Each hint in short, in order: what it is and where, or that it is gone.
pub(crate) fn told(hints: &[Hint]) -> Vec<String> {
    let mut told: Vec<String> = hints
        .iter()
        .map(|hint| match &hint.dn {
            Some(dn) => format!("{:?} {dn}", hint.what),
            None => format!("{:?}", hint.what),
        })
        .collect();
    told.sort();
    told
}

pub(crate) fn person(n: usize) -> String {
    format!("uid=u{n},ou=people,{SUFFIX}")
}

pub(crate) fn set_title(n: usize, title: &str) -> String {
    format!("dn: {}\nchangetype: modify\nreplace: title\ntitle: {title}\n\n", person(n))
}

/// Starts waiting, and gives what it ends with.
pub(crate) fn watch(settings: &Settings) -> (Arc<Notify>, tokio::task::JoinHandle<Watched>) {
    let (source, wake) = (LdapSource::new(settings.clone()), Arc::new(Notify::new()));
    let ours = wake.clone();
    let ask: Ask = ask(&[]);
    (wake, tokio::spawn(async move { source.watch(&ask, ours).await.expect("a server that lets us in") }))
}

/// Waits until the listener is woken.
pub(crate) async fn woken(wake: &Notify) {
    timeout(Duration::from_secs(10), wake.notified()).await.expect("to be woken");
}
