//! What changed since last time, by the best means that the server offers.
//!
//! A method gives a mark before a full read, and from a mark whom to look at. Choosing among
//! them, and everything that makes a mark worthless whatever the method, is decided here.

mod controls;
mod dirsync;
#[cfg(any(test, feature = "fuzzing"))]
pub(super) mod fuzzing;
mod hinted;
mod hints;
mod notify;
mod replica;
mod syncrepl;
mod timestamp;
mod told;
mod untold;
mod usn;

use std::sync::Arc;

use tokio::sync::Notify;

use crate::model::{Changes, Cursor, Fingerprint, Hasher, Hint, Method, Watched};

use super::detect::Vendor;
use super::trouble::{Failure, Trouble};
use super::visit::Visit;

/// A place in the stream of changes, as a method gives it.
pub(super) struct Mark {
    /// What the server gave, as text.
    pub mark: String,
    /// See [`Cursor::good_for`].
    pub good_for: Option<i64>,
    /// See [`Cursor::tells_deletions`].
    pub tells_deletions: bool,
    /// What the administrator could do for a better mark, in a sentence.
    pub advice: Option<String>,
}

/// What a method tells from a mark.
pub(super) enum Since {
    /// Whom to look at, each object once, and where to go on.
    Hints(Vec<Hint>, String),
    /// The mark is worth nothing; the reason is a sentence.
    Doubt(String),
}

/// Takes the mark from which changes can be told after the read that follows. `None`: not at
/// all, or not by what is configured. The second part is advice for the administrator.
pub(super) async fn begin(visit: &mut Visit<'_>) -> (Option<Cursor>, Option<String>) {
    let mut why = Vec::new();
    for method in candidates(visit) {
        let taken = match method {
            Method::Dirsync => dirsync::begin(visit).await,
            Method::Usn => usn::begin(visit).await,
            Method::Syncrepl => syncrepl::begin(visit).await,
            Method::Timestamp => timestamp::begin(visit).await,
            Method::Full => break,
        };
        match taken {
            Ok(Mark { mark, good_for, tells_deletions, advice }) => {
                why.extend(advice);
                let (identity, binding) = (visit.identity.clone(), binding(visit, method));
                let cursor = Cursor { method, identity, binding, mark, good_for, tells_deletions };
                return (Some(cursor), (!why.is_empty()).then(|| why.join("; ")));
            }
            Err(reason) => why.push(format!("changes cannot be found by {method}: {reason}")),
        }
    }
    (None, (!why.is_empty()).then(|| why.join("; ")))
}

/// What changed since the cursor.
///
/// # Errors
///
/// When the connection fails.
pub(super) async fn since(visit: &mut Visit<'_>, cursor: &Cursor) -> Result<Changes, Trouble> {
    if binding(visit, cursor.method) != cursor.binding {
        return Ok(Changes::Doubt(
            "the settings of the source or the attributes that the rules read changed".into(),
        ));
    }
    // Only DirSync's mark speaks of every domain controller.
    if cursor.identity != visit.identity && cursor.method != Method::Dirsync {
        return Ok(Changes::Doubt(format!(
            "another server answered than the one that the last answer came from (now {}, before {})",
            visit.identity, cursor.identity
        )));
    }
    let told = match cursor.method {
        Method::Dirsync => dirsync::since(visit, &cursor.mark).await,
        Method::Usn => usn::since(visit, &cursor.mark).await,
        Method::Syncrepl => syncrepl::since(visit, &cursor.mark).await,
        Method::Timestamp => timestamp::since(visit, &cursor.mark).await,
        Method::Full => Ok(Since::Doubt("everything is read every time, as configured".into())),
    };
    match told {
        Ok(Since::Hints(hints, mark)) => Ok(Changes::Since {
            hints,
            cursor: Cursor { mark, identity: visit.identity.clone(), ..cursor.clone() },
        }),
        Ok(Since::Doubt(reason)) => Ok(Changes::Doubt(reason)),
        Err(failure) => {
            let object = format!("asking {} what changed, by {}", visit.session.server, cursor.method);
            Err(failure.into_trouble(&object))
        }
    }
}

/// Waits for changes, see [`crate::source::Source::watch`].
pub(super) async fn watch(visit: Visit<'_>, wake: Arc<Notify>) -> Result<Watched, Trouble> {
    match visit.directory.vendor {
        Vendor::ActiveDirectory | Vendor::AdLds => notify::watch(visit, wake).await,
        Vendor::OpenLdap | Vendor::Ds389 => syncrepl::watch(visit, wake).await,
        Vendor::Other => Ok(Watched::Unsupported),
    }
}

/// The methods to try, best first.
fn candidates(visit: &Visit<'_>) -> Vec<Method> {
    if let Some(method) = visit.settings.changes {
        return vec![method];
    }
    match visit.directory.vendor {
        Vendor::ActiveDirectory => vec![Method::Dirsync, Method::Usn],
        Vendor::AdLds => vec![Method::Usn],
        Vendor::OpenLdap => vec![Method::Syncrepl, Method::Timestamp],
        Vendor::Ds389 => vec![Method::Syncrepl, Method::Timestamp],
        Vendor::Other => vec![Method::Timestamp],
    }
}

/// See [`Cursor::binding`]. A server may accept a mark that was taken with another question,
/// and answer that nothing changed.
fn binding(visit: &Visit<'_>, method: Method) -> Fingerprint {
    let Visit { settings, ask, bases, group_bases, .. } = visit;
    let mut h = Hasher::seeded(Fingerprint::NONE);
    let mut list = |values: &[&str]| {
        h.part(&(values.len() as u64).to_le_bytes());
        values.iter().for_each(|value| h.part(value.as_bytes()));
    };
    let strs = |values: &'_ [String]| -> Vec<String> { values.to_vec() };
    for values in [strs(&settings.urls), strs(bases), strs(group_bases)] {
        list(&values.iter().map(String::as_str).collect::<Vec<_>>());
    }
    list(&ask.attributes.iter().map(String::as_str).collect::<Vec<_>>());
    list(&[
        method.word(),
        settings.domain.as_deref().unwrap_or_default(),
        settings.bind.as_deref().unwrap_or_default(),
        &format!("{:?} {:?}", settings.auth(), settings.client_cert_file),
        settings.person_filter.as_deref().unwrap_or_default(),
        settings.group_filter.as_deref().unwrap_or_default(),
        settings.room_filter.as_deref().unwrap_or_default(),
        if settings.contacts || ask.contacts { "contacts" } else { "" },
        settings.contact_filter.as_deref().unwrap_or_default(),
        settings.anchor.as_deref().unwrap_or_default(),
        if ask.groups { "groups" } else { "" },
    ]);
    h.finish()
}

/// The words for a method that is not there.
fn unfit(reason: impl Into<String>) -> Result<Mark, String> {
    Err(reason.into())
}

/// What a method answers.
type Told = Result<Since, Failure>;
