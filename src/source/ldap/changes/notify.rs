//! Waiting for changes in Active Directory ([MS-ADTS] 3.1.1.3.4.1.9).
//!
//! A search that does not end, for everything in the partitions of the bases. What it sends says
//! only that something changed: what it was, and whether it matters, is found out by the methods
//! that have a mark.

use std::sync::Arc;
use std::time::Duration;

use futures_util::future::select_all;
use ldap3::{Ldap, LdapError, LdapResult, Scope, SearchStream};
use tokio::sync::Notify;

use crate::model::Watched;

use super::super::trouble::{Failure, Trouble, code_words};
use super::super::visit::Visit;
use super::controls;
use super::replica;

/// How long a quiet connection is trusted.
const KEEPALIVE: Duration = Duration::from_secs(60);
/// As many as a domain controller keeps open per connection ([MS-ADTS] 3.1.1.3.4.6, `MaxNotificationPerConn`).
const PLACES: usize = 5;

type Listening = SearchStream<'static, String, Vec<String>>;

/// Wakes the listener for every change, until the connection ends.
pub(super) async fn watch(mut visit: Visit<'_>, wake: Arc<Notify>) -> Result<Watched, Trouble> {
    let object = format!("waiting for changes on {}", visit.session.server);
    let limit = visit.settings.connect_timeout.max(Duration::from_secs(1));
    let places = replica::places(&visit);
    if places.len() > PLACES || places.iter().any(|place| !place.partition) {
        return Ok(Watched::Unsupported);
    }
    let mut streams = Vec::new();
    for place in places {
        let ldap = &mut visit.session.ldap;
        let opened = ldap
            .with_controls(controls::notification())
            .streaming_search(&place.dn, Scope::Subtree, "(objectClass=*)", vec!["objectGUID".to_owned()])
            .await;
        streams.push(opened.map_err(|error| Failure::from_library(error, limit).into_trouble(&object))?);
    }
    let mut listeners: Vec<_> = streams.into_iter().map(|stream| Box::pin(listen(stream, &wake))).collect();
    // The server says nothing to accept a search. But it refuses one at once, and so before it
    // answers a question that was asked later.
    let mut pinger = visit.session.ldap.clone();
    let accepted = tokio::select! {
        biased;
        (end, _, _) = select_all(&mut listeners) => Err(end),
        answer = alive(&mut pinger, limit) => Ok(answer),
    };
    match accepted {
        // Too many wait already, or it is busy: later it may.
        Err(End::Refused(result)) if matches!(result.rc, 11 | 51 | 52) => {
            return Ok(Watched::Ended(format!(
                "the server does not let us wait now: {}",
                code_words(&result)
            )));
        }
        Err(End::Refused(_)) => return Ok(Watched::Unsupported),
        Err(End::Lost(failure)) | Ok(Err(failure)) => {
            return Err(visit.session.explain(failure).await.into_trouble(&object));
        }
        Ok(Ok(())) => wake.notify_one(),
    }
    let keep_alive = async {
        loop {
            tokio::time::sleep(KEEPALIVE).await;
            if let Err(failure) = alive(&mut pinger, limit).await {
                return End::Lost(failure);
            }
        }
    };
    let end = tokio::select! {
        (end, _, _) = select_all(&mut listeners) => end,
        end = keep_alive => end,
    };
    let words = match end {
        End::Refused(result) => format!("the server ended the waiting: {}", code_words(&result)),
        End::Lost(failure) => visit.session.explain(failure).await.to_string(),
    };
    Ok(Watched::Ended(words))
}

/// How the waiting in one partition ended.
enum End {
    /// The server ended the search.
    Refused(Box<LdapResult>),
    Lost(Failure),
}

async fn listen(mut stream: Listening, wake: &Notify) -> End {
    loop {
        match stream.next().await {
            Ok(Some(_)) => wake.notify_one(),
            Ok(None) => return End::Refused(Box::new(stream.finish().await)),
            Err(error) => return End::Lost(Failure::from_library(error, Duration::ZERO)),
        }
    }
}

/// Asks the server something small. Active Directory has a ping in the protocol, Samba has not.
async fn alive(ldap: &mut Ldap, limit: Duration) -> Result<(), Failure> {
    let lost = |error: LdapError| Failure::from_library(error, limit);
    let answer = ldap
        .with_timeout(limit)
        .search("", Scope::Base, "(objectClass=*)", vec!["1.1"])
        .await
        .map_err(lost)?;
    match answer.1.rc {
        0 => Ok(()),
        _ => Err(Failure::Code(Box::new(answer.1))),
    }
}
