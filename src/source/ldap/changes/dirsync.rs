//! Changes by directory synchronization ([MS-ADTS] 3.1.1.3.4.1.3).
//!
//! The mark speaks of every domain controller at once, and the server itself leaves out what
//! changed in no attribute that was asked for, such as the time of a logon.

use std::collections::BTreeSet;
use std::time::Duration;

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use ldap3::{LdapResult, Scope};
use serde::{Deserialize, Serialize};

use crate::model::{Hinted, SourceId};
use crate::source::shape::GROUP_ATTRIBUTES;

use super::super::decode::{self, Entry};
use super::super::detect::Vendor;
use super::super::search::{Pages, Search, Step};
use super::super::trouble::{Failure, code_words};
use super::super::visit::Visit;
use super::controls::{self, INCREMENTAL_VALUES, OBJECT_SECURITY};
use super::hints::{self, Hints};
use super::replica;
use super::untold;
use super::{Mark, Since, Told, unfit};

/// A filter that nothing matches: the server counts everything and sends nothing.
const NOTHING: &str = "(!(objectClass=*))";
/// What was deleted lately, as proof that it is shown.
const DELETED: &str = "(&(isDeleted=TRUE)(|(objectClass=user)(objectClass=group)))";
/// Answers to one question; more mean that the server does not come to an end.
const ROUNDS: usize = 100_000;
/// Objects per question about their classes.
const BATCH: usize = 100;

/// A place in the changes of one partition.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Place {
    /// The partition.
    nc: String,
    /// The id of its topmost entry.
    root: Option<SourceId>,
    /// The server's cookie in Base64.
    cookie: String,
    /// Whether it was taken without the right to replicate.
    #[serde(default)]
    secured: bool,
}

/// Takes a mark without reading anything.
pub(super) async fn begin(visit: &mut Visit<'_>) -> Result<Mark, String> {
    if visit.directory.vendor != Vendor::ActiveDirectory {
        return unfit("only domain controllers of Active Directory do directory synchronization");
    }
    if replica::is_global_catalogue(visit) {
        return unfit(
            "the global catalogue does no directory synchronization; a source per domain, with the ports 389 or \
             636, does",
        );
    }
    if let Some(anchor) = replica::foreign_anchor(visit) {
        return unfit(format!("it names objects by objectGUID, and the anchor is configured as {anchor}"));
    }
    let mut places = Vec::new();
    let mut advice = Vec::new();
    let words = |failure: Failure| failure.to_string();
    for replica::Place { dn: nc, partition } in replica::places(visit) {
        if !partition {
            return unfit(format!("no partition of the server holds the base \"{nc}\""));
        }
        let reads_deleted = replica::sees_deleted(visit, &nc).await;
        let filter = if reads_deleted { NOTHING } else { DELETED };
        let mut secured = false;
        let mut first = first_cookie(visit, &nc, 0, filter).await;
        if matches!(&first, Err(Failure::Code(result)) if result.rc == 50) {
            secured = true;
            first = first_cookie(visit, &nc, OBJECT_SECURITY, filter).await;
        }
        let (cookie, shows_deleted) = first.map_err(words)?;
        if !reads_deleted && !shows_deleted {
            // Microsoft's servers show it to whom the right was granted, Samba does not.
            let remedy = match secured {
                true => format!(
                    "has not the right \"Replicating Directory Changes\" on {nc}: grant it, or let the account read"
                ),
                false => "is shown nothing that was deleted: let it read".to_owned(),
            };
            advice.push(format!(
                "deletions are seen by full passes only, because the bind account {remedy} CN=Deleted Objects,{nc}"
            ));
        }
        let root = replica::root_of(visit, &nc).await.map_err(words)?;
        places.push(Place { nc, root, cookie: BASE64_STANDARD.encode(cookie), secured });
    }
    let tells_deletions = advice.is_empty();
    let replica = replica::replica(visit).await.map_err(words)?;
    let good_for = replica::good_for(visit, &replica).await;
    advice.extend(untold::advice(visit, &replica).await);
    let mark = serde_json::to_string(&places).map_err(|error| error.to_string())?;
    Ok(Mark {
        mark,
        good_for: Some(good_for),
        tells_deletions,
        advice: (!advice.is_empty()).then(|| advice.join("; ")),
    })
}

/// Where changes begin, and whether a deleted object was among what the filter let through.
async fn first_cookie(
    visit: &mut Visit<'_>,
    nc: &str,
    flags: u32,
    filter: &str,
) -> Result<(Vec<u8>, bool), Failure> {
    let question = Question { nc, flags, filter, attributes: vec!["name".into(), "isdeleted".into()] };
    let mut deleted = false;
    let noticed = |entry: Entry| {
        deleted |= hints::what(&entry.dn, &entry.attributes) == Some(Hinted::Gone);
        Ok(())
    };
    match question.ask(visit, Vec::new(), noticed).await {
        Ok(cookie) => Ok((cookie, deleted)),
        Err(End::Failed(failure)) => Err(failure),
        Err(End::Doubt(reason)) => Err(Failure::Nonsense(reason)),
    }
}

/// Whom to look at since a mark.
pub(super) async fn since(visit: &mut Visit<'_>, mark: &str) -> Told {
    let doubt = |reason: &str| Ok(Since::Doubt(reason.into()));
    let Ok(mut places) = serde_json::from_str::<Vec<Place>>(mark) else {
        return doubt("the stored mark of directory synchronization cannot be read");
    };
    let now = replica::places(visit);
    let (was, is): (BTreeSet<&str>, BTreeSet<&str>) =
        (places.iter().map(|place| place.nc.as_str()).collect(), now.iter().map(|p| p.dn.as_str()).collect());
    if was != is {
        return doubt("the partitions with the bases are others than before");
    }
    let filter = hints::filter(visit.settings, visit.ask);
    let attributes = attributes(visit);
    let mut hints = Hints::default();
    for place in &mut places {
        let Ok(cookie) = BASE64_STANDARD.decode(&place.cookie) else {
            return doubt("the stored cookie of directory synchronization cannot be read");
        };
        if replica::root_of(visit, &place.nc).await? != place.root {
            return doubt("this is another domain than before, by the same name");
        }
        let flags = INCREMENTAL_VALUES | if place.secured { OBJECT_SECURITY } else { 0 };
        let question = Question { nc: &place.nc, flags, filter: &filter, attributes: attributes.clone() };
        match question.ask(visit, cookie, |entry| collect(&entry, &mut hints)).await {
            Ok(next) => place.cookie = BASE64_STANDARD.encode(next),
            Err(End::Doubt(reason)) => return Ok(Since::Doubt(reason)),
            Err(End::Failed(Failure::Code(result))) if !matches!(result.rc, 51 | 52) => {
                return Ok(Since::Doubt(refused(&result)));
            }
            Err(End::Failed(failure)) => return Err(failure),
        }
    }
    classify(visit, &mut hints).await?;
    match serde_json::to_string(&places) {
        Ok(mark) => Ok(Since::Hints(hints.into_list(), mark)),
        Err(error) => doubt(&error.to_string()),
    }
}

fn refused(result: &LdapResult) -> String {
    let why = match result.rc {
        50 => ": the bind account lost the right \"Replicating Directory Changes\"",
        12 | 53 => ": it does not know the cookie",
        _ => "",
    };
    format!("the server refuses to go on from the last mark{why} ({})", code_words(result))
}

/// Every attribute that has a part in a record. The server tells only changes in these.
fn attributes(visit: &Visit<'_>) -> Vec<String> {
    let mut names: BTreeSet<String> = visit.ask.attributes.clone();
    // Without `name` no move and no rename is told.
    let own = ["name", "isdeleted", "objectclass", "objectguid", "parentguid"];
    names.extend(own.iter().chain(visit.directory.vendor.states()).map(|name| name.to_ascii_lowercase()));
    if visit.ask.groups {
        let groups = GROUP_ATTRIBUTES.iter().chain(&["objectsid", "primarygroupid"]);
        names.extend(groups.map(|name| (*name).to_owned()));
    }
    names.into_iter().collect()
}

fn collect(entry: &Entry, hints: &mut Hints) -> Result<(), String> {
    let name = controls::extended(&entry.dn);
    let Some(anchor) = name.guid.or_else(|| hints::guid(entry)) else {
        return Err("the server told of a change without the GUID of the object".into());
    };
    // An increment holds the classes of what is new; of what changed, the shape of the DN and
    // the members may tell.
    let what = hints::what(name.dn, &entry.attributes).or_else(|| {
        if name.dn.get(..3).is_some_and(|rdn| rdn.eq_ignore_ascii_case("OU=")) {
            return Some(Hinted::Container);
        }
        entry.attributes.iter().any(|attribute| attribute.name == "member").then_some(Hinted::Group)
    });
    let dn = (!name.dn.is_empty()).then(|| name.dn.to_owned());
    hints.add(anchor, dn, what).map_err(|many| many.words())
}

/// Finds out which of the unknown objects are groups or containers.
async fn classify(visit: &mut Visit<'_>, hints: &mut Hints) -> Result<(), Failure> {
    let unknown = hints.unknown();
    let places = replica::places(visit);
    for batch in unknown.chunks(BATCH) {
        for place in &places {
            let search = Search {
                base: place.dn.clone(),
                filter: which_are_not_people(batch),
                attributes: ["objectGUID", "objectClass"].map(String::from).to_vec(),
                page_size: visit.settings.page_size,
                limit: visit.settings.operation_timeout,
            };
            let mut pages = Pages::new(&mut visit.session, &search);
            loop {
                match pages.next().await {
                    Step::Entry(answer) => {
                        let Ok(entry) = decode::entry(answer.0) else { continue };
                        if let (Some(guid), Some(what)) =
                            (hints::guid(&entry), hints::what("", &entry.attributes))
                        {
                            // An object that is there already makes them no more.
                            let _ = hints.add(guid, None, Some(what));
                        }
                    }
                    Step::Referral | Step::Page => {}
                    Step::End(None) => break,
                    Step::End(Some(failure)) => return Err(failure),
                }
            }
        }
    }
    Ok(())
}

fn which_are_not_people(batch: &[SourceId]) -> String {
    let classes: String =
        hints::containers().chain(["group"]).map(|class| format!("(objectClass={class})")).collect();
    let ids: String = batch.iter().map(|anchor| format!("(objectGUID={})", hints::escaped(anchor))).collect();
    format!("(&(|{classes})(|{ids}))")
}

/// A question for directory synchronization.
struct Question<'q> {
    /// The root of a partition.
    nc: &'q str,
    flags: u32,
    filter: &'q str,
    attributes: Vec<String>,
}

/// Why a question has no full answer.
enum End {
    Failed(Failure),
    /// The reason is a sentence.
    Doubt(String),
}

impl Question<'_> {
    /// Asks until there is no more, passing every entry on. Returns the cookie for the next time.
    async fn ask(
        &self,
        visit: &mut Visit<'_>,
        mut cookie: Vec<u8>,
        mut each: impl FnMut(Entry) -> Result<(), String>,
    ) -> Result<Vec<u8>, End> {
        for _ in 0..ROUNDS {
            let mut any = false;
            let result = self.round(visit, &cookie, |entry| {
                any = true;
                each(entry)
            });
            let result = match result.await {
                Err(End::Failed(failure)) => return Err(End::Failed(visit.session.explain(failure).await)),
                other => other?,
            };
            let Some(end) = controls::dirsync_end(&result) else {
                return Err(End::Doubt("the server's answer says not where it ends".into()));
            };
            if !end.more {
                return Ok(end.cookie);
            }
            if !any && end.cookie == cookie {
                break;
            }
            cookie = end.cookie;
        }
        Err(End::Doubt("the server says without end that there is more, and sends nothing".into()))
    }

    async fn round(
        &self,
        visit: &mut Visit<'_>,
        cookie: &[u8],
        mut each: impl FnMut(Entry) -> Result<(), String>,
    ) -> Result<LdapResult, End> {
        let limit = visit.settings.operation_timeout;
        let lost = |error| End::Failed(Failure::from_library(error, limit));
        let ldap = &mut visit.session.ldap;
        let mut stream = ldap
            .with_controls(vec![controls::dirsync(self.flags, cookie), controls::extended_dn()])
            .with_timeout(limit)
            .streaming_search(self.nc, Scope::Subtree, self.filter, self.attributes.clone())
            .await
            .map_err(lost)?;
        while let Some(answer) = stream.next().await.map_err(lost)? {
            // The configuration of the forest is another partition.
            if answer.is_ref() || answer.is_intermediate() {
                continue;
            }
            let told = match decode::entry(answer.0) {
                Ok(entry) => each(entry),
                Err(malformed) => Err(format!("a change cannot be read: {}", malformed.reason)),
            };
            if let Err(reason) = told {
                let id = stream.ldap_handle().last_id();
                stream.finish().await;
                let _ = ldap.with_timeout(Duration::from_secs(1)).abandon(id).await;
                return Err(End::Doubt(reason));
            }
        }
        let result = stream.finish().await;
        if result.rc == 0 { Ok(result) } else { Err(End::Failed(Failure::Code(Box::new(result)))) }
    }
}
