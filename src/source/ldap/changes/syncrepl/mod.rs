//! RFC 4533: the server tells what changed since a cookie, deletions included.
//!
//! The question is the same for ever, whatever is configured: everything below the bases, and
//! next to no attributes. A filter of the configuration's would make entries that leave it look
//! deleted on one server and unchanged on another.

mod contextcsn;
mod ds389;
#[cfg(any(test, feature = "fuzzing"))]
pub(super) mod fuzzing;
mod message;
mod persist;
mod refresh;

use serde::{Deserialize, Serialize};

use super::super::detect::{Vendor, without_nested};
use super::super::search;
use super::super::trouble::Failure;
use super::super::visit::Visit;
use super::{Mark, Since, Told, unfit};
use refresh::{Gathered, Outcome, Question};

pub(super) use persist::watch;

/// The filter of every question.
const EVERYTHING: &str = "(objectClass=*)";

/// Control type of the request (RFC 4533, 2.2).
const SYNC_REQUEST: &str = "1.3.6.1.4.1.4203.1.9.1.1";

/// Up to where what is below one base is known. A mark is a list of them, as JSON.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Place {
    base: String,
    cookie: String,
}

/// Why there is no cookie.
enum Missing {
    /// The server is not made for it; the reason is a sentence with the remedy.
    Unfit(String),
    /// It could not be asked.
    Failed(Failure),
}

impl Missing {
    fn into_words(self) -> String {
        match self {
            Self::Unfit(reason) => reason,
            Self::Failed(failure) => format!("the server cannot be asked: {failure}"),
        }
    }
}

impl From<Failure> for Missing {
    fn from(failure: Failure) -> Self {
        Self::Failed(failure)
    }
}

/// The place before a full read.
pub(super) async fn begin(visit: &mut Visit<'_>) -> Result<Mark, String> {
    if !synchronizes(visit).await? {
        return unfit(match visit.directory.vendor {
            Vendor::Ds389 => "the server does not offer it. Turn on the plugin \"Content Synchronization\"",
            _ => "the server does not offer it. On OpenLDAP, put `overlay syncprov` on the database",
        });
    }
    let bases = bases(visit);
    let places = match visit.directory.vendor {
        Vendor::Ds389 => ds389::places(visit, bases).await,
        _ => contextcsn::places(visit, bases).await,
    };
    let places = places.map_err(Missing::into_words)?;
    let named = foreign_anchor(visit);
    let advice = named.as_ref().map(|name| {
        format!(
            "the anchor is {name}, which the server does not name when it tells deletions: those are seen by \
             full reads only"
        )
    });
    let mark = serde_json::to_string(&places).map_err(|error| error.to_string())?;
    Ok(Mark { mark, good_for: None, tells_deletions: named.is_none(), advice })
}

/// What changed since then.
pub(super) async fn since(visit: &mut Visit<'_>, mark: &str) -> Told {
    let doubt = |reason: &str| Ok(Since::Doubt(reason.into()));
    let Ok(mut places) = serde_json::from_str::<Vec<Place>>(mark) else {
        return doubt("the mark of the last time cannot be read");
    };
    if !places.iter().map(|place| &place.base).eq(&bases(visit)) {
        return doubt("the mark of the last time is for other bases");
    }
    let is_389 = visit.directory.vendor == Vendor::Ds389;
    if !is_389 && places.iter().any(|place| contextcsn::providers(&place.cookie).is_none()) {
        // The server would take it for "no cookie" and send everything.
        return doubt("the mark of the last time holds no cookie of this kind of server");
    }
    let mut gathered = Gathered::new(foreign_anchor(visit));
    let limit = Some(visit.settings.operation_timeout);
    for place in &mut places {
        let question = Question { base: &place.base, filter: EVERYTHING, cookie: Some(&place.cookie), limit };
        let done = match refresh::refresh(&mut visit.session, &question, &mut gathered).await? {
            Outcome::Done(done) => done,
            Outcome::Doubt(reason) => return Ok(Since::Doubt(reason)),
        };
        // 389 never says so; what it deleted, it named.
        if !is_389 && !done.refresh_deletes {
            return doubt("the server did not name what was deleted since the last time");
        }
        if is_389 && let Some(reason) = ds389::trimmed(visit, &place.cookie).await? {
            return Ok(Since::Doubt(reason));
        }
        let Some(cookie) = done.cookie else { continue };
        let Ok(cookie) = String::from_utf8(cookie) else {
            return doubt("the server's cookie is not text");
        };
        // A provider that is new to us may have changed things before the time of the others.
        if !is_389 && contextcsn::providers(&cookie) != contextcsn::providers(&place.cookie) {
            return doubt("other providers write to the directory than the last time");
        }
        place.cookie = cookie;
    }
    match serde_json::to_string(&places) {
        Ok(mark) => Ok(Since::Hints(gathered.into_hints(), mark)),
        Err(error) => Ok(Since::Doubt(error.to_string())),
    }
}

/// Where is asked: wherever a full read looks, each place once.
fn bases(visit: &Visit<'_>) -> Vec<String> {
    let groups: &[String] = if visit.ask.groups { &visit.group_bases } else { &[] };
    without_nested(&[&visit.bases, groups].concat())
}

/// The anchor of the configuration, when it is not the id by which the server synchronizes.
fn foreign_anchor(visit: &Visit<'_>) -> Option<String> {
    let own = match visit.directory.vendor {
        Vendor::Ds389 => "nsuniqueid",
        _ => "entryuuid",
    };
    visit.settings.anchor.as_ref().map(|name| name.to_ascii_lowercase()).filter(|name| name != own)
}

/// Whether the server knows the request. Many show it to everybody, some to nobody.
async fn synchronizes(visit: &mut Visit<'_>) -> Result<bool, String> {
    let limit = visit.settings.operation_timeout;
    let root = search::one(&mut visit.session, "", vec!["supportedControl".into()], limit)
        .await
        .map_err(|failure| format!("the root entry cannot be read: {failure}"))?;
    let mut offered = root.into_iter().flat_map(|root| root.attributes);
    Ok(offered.any(|attribute| {
        attribute.name == "supportedcontrol"
            && attribute.values.iter().any(|value| value.as_slice() == SYNC_REQUEST.as_bytes())
    }))
}
