//! Changes by `uSNChanged` ([MS-ADTS] 3.1.1.1.9).
//!
//! Every domain controller counts the changes of its own database, so a mark belongs to one of
//! them. Works for every account, on AD LDS, and on the global catalogue.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use crate::model::{Hinted, SourceId};
use crate::source::shape::{AnchorIn, Looking, Shape};

use super::super::decode::{self, Entry};
use super::super::detect::Vendor;
use super::super::search::{Pages, Search, Step};
use super::super::trouble::Failure;
use super::super::visit::Visit;
use super::controls;
use super::hints::{self, Hints};
use super::replica;
use super::untold;
use super::{Mark, Since, Told, unfit};

/// A place in the changes of one database.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Place {
    /// Everything up to here is known.
    usn: u64,
    /// The database.
    invocation: SourceId,
    /// The domain controller that had it.
    host: Option<String>,
    /// Whether deleted objects could be seen then.
    #[serde(default)]
    sees_deleted: bool,
}

/// Takes a mark.
pub(super) async fn begin(visit: &mut Visit<'_>) -> Result<Mark, String> {
    if !matches!(visit.directory.vendor, Vendor::ActiveDirectory | Vendor::AdLds) {
        return unfit("only Active Directory counts its changes by uSNChanged");
    }
    // Before anything else is looked at: what happens meanwhile is told next time.
    let replica = replica::replica(visit).await.map_err(|failure| failure.to_string())?;
    let Some(usn) = replica.usn else {
        return unfit("the server does not show highestCommittedUSN in its root entry");
    };
    let Some(invocation) = replica.invocation else {
        return unfit(
            "the bind account may not read invocationId of the server's settings object (dsServiceName), which tells \
             a database from its backup",
        );
    };
    let mut blind = Vec::new();
    for place in replica::places(visit) {
        if !place.partition {
            blind.push(format!(
                "the base \"{}\" is no partition of the server, so that moves out of it and deletions are seen by \
                 full passes only",
                place.dn
            ));
        } else if !replica::sees_deleted(visit, &place.dn).await {
            blind.push(format!(
                "deletions are seen by full passes only, because the bind account may not read CN=Deleted \
                 Objects,{}: grant it to list and read there",
                place.dn
            ));
        }
    }
    if let Some(anchor) = replica::foreign_anchor(visit) {
        blind.push(format!(
            "deletions are seen by full passes only, because what is left of a deleted object does not show {anchor}"
        ));
    }
    let tells_deletions = blind.is_empty();
    let mut advice = blind;
    advice.extend(untold::advice(visit, &replica).await);
    let good_for = replica::good_for(visit, &replica).await;
    let place = Place { usn, invocation, host: replica.host, sees_deleted: tells_deletions };
    let mark = serde_json::to_string(&place);
    Ok(Mark {
        mark: mark.map_err(|error| error.to_string())?,
        good_for: Some(good_for),
        tells_deletions,
        advice: (!advice.is_empty()).then(|| advice.join("; ")),
    })
}

/// Whom to look at since a mark.
pub(super) async fn since(visit: &mut Visit<'_>, mark: &str) -> Told {
    let Ok(last) = serde_json::from_str::<Place>(mark) else {
        return Ok(Since::Doubt("the stored mark of uSNChanged cannot be read".into()));
    };
    let replica = replica::replica(visit).await?;
    let host = |host: &Option<String>| host.clone().unwrap_or_else(|| "a server without a name".into());
    if replica.invocation != Some(last.invocation) {
        return Ok(Since::Doubt(format!(
            "{} answered with another database than the one that was asked last, which was on {}: each counts its \
             own changes",
            host(&replica.host),
            host(&last.host),
        )));
    }
    let Some(now) = replica.usn else {
        return Ok(Since::Doubt("the server does not show highestCommittedUSN any more".into()));
    };
    if now < last.usn {
        return Ok(Since::Doubt(format!(
            "{} counts {now} changes and had counted {} before: it was restored from a backup",
            host(&replica.host),
            last.usn
        )));
    }
    if last.sees_deleted {
        // Whoever may not see them any more is told nothing of them, and no error either.
        for place in replica::places(visit) {
            if !replica::sees_deleted(visit, &place.dn).await {
                return Ok(Since::Doubt(format!(
                    "the bind account cannot see CN=Deleted Objects,{} any more: deletions may have been missed",
                    place.dn
                )));
            }
        }
    }
    let mut hints = Hints::default();
    if now > last.usn {
        for place in replica::places(visit) {
            if let Some(doubt) = search(visit, place.dn, last.usn, &mut hints).await? {
                return Ok(Since::Doubt(doubt));
            }
        }
    }
    let place = Place { usn: now, host: replica.host, ..last };
    Ok(match serde_json::to_string(&place) {
        Ok(mark) => Since::Hints(hints.into_list(), mark),
        Err(error) => Since::Doubt(error.to_string()),
    })
}

/// Collects what changed in one place; a reason when that cannot be trusted.
async fn search(
    visit: &mut Visit<'_>,
    base: String,
    last: u64,
    hints: &mut Hints,
) -> Result<Option<String>, Failure> {
    let anchor = match replica::foreign_anchor(visit) {
        Some(name) => AnchorIn::Named(name.to_ascii_lowercase()),
        None => AnchorIn::WellKnown,
    };
    let mut attributes = vec!["objectGUID".to_owned(), "objectClass".into(), "isDeleted".into()];
    attributes.extend(replica::foreign_anchor(visit).map(str::to_owned));
    let search = Search {
        base,
        filter: format!(
            "(&(uSNChanged>={}){})",
            last.saturating_add(1),
            hints::filter(visit.settings, visit.ask)
        ),
        attributes,
        page_size: visit.settings.page_size,
        limit: visit.settings.operation_timeout,
    };
    let mut pages = Pages::new(&mut visit.session, &search).with_controls(vec![controls::show_deleted()]);
    loop {
        match pages.next().await {
            Step::Entry(answer) => {
                let told = match decode::entry(answer.0) {
                    Ok(entry) => collect(entry, &anchor, hints),
                    Err(malformed) => Err(format!("a change cannot be read: {}", malformed.reason)),
                };
                if let Err(reason) = told {
                    pages.abandon().await;
                    return Ok(Some(reason));
                }
            }
            Step::Referral | Step::Page => {}
            Step::End(None) => return Ok(None),
            Step::End(Some(failure)) => return Err(failure),
        }
    }
}

fn collect(entry: Entry, anchor: &AnchorIn, hints: &mut Hints) -> Result<(), String> {
    let Entry { dn, attributes, .. } = entry;
    let what = hints::what(&dn, &attributes);
    // Containers are known by the anchor of the server, whatever people are known by.
    let anchor = if what == Some(Hinted::Container) { &AnchorIn::WellKnown } else { anchor };
    let keep = BTreeSet::new();
    let shaped = Shape { anchor, looking: Looking::Anything, keep: &keep }.apply(attributes);
    match shaped.anchor {
        Some(anchor) => hints.add(anchor, Some(dn), what).map_err(|many| many.words()),
        // What has no anchor is unusable in a full read too.
        None => Ok(()),
    }
}
