//! One search to its end, each entry made a record on the way.
//!
//! What happens to an entry between the wire and the rules happens here, whoever asked: decoding,
//! completing long lists of values, shaping.

use std::time::Duration;

use ldap3::{Ldap, ResultEntry};

use crate::model::{Record, Unusable};
use crate::source::ad;
use crate::source::shape::Shape;

use super::connect::Session;
use super::decode;
use super::detect::Vendor;
use super::range;
use super::search::{Pages, Search, Step};
use super::trouble::Failure;

/// A record, and what leads to the primary group of its person.
pub(super) struct Usable {
    pub record: Record,
    /// `objectSid`.
    pub sid: Option<Vec<u8>>,
    /// `primaryGroupID`.
    pub primary_group: Option<Vec<u8>>,
}

/// What is met on the way.
pub(super) enum Met {
    /// An entry.
    Entry(Result<Usable, Unusable>),
    /// What is left of a deleted object.
    Leftover,
    /// The end of a page: a good moment to pass things on.
    Page,
    /// The end, and why it came if not everything was seen.
    End(Option<Failure>),
}

/// A search under way.
pub(super) struct Walk<'s> {
    pages: Pages<'s>,
    shape: Shape<'s>,
    limit: Duration,
    /// Entries met.
    pub entries: u64,
    /// Referrals met.
    pub referrals: u64,
}

impl<'s> Walk<'s> {
    /// Prepares a search; the first call of [`Walk::next`] starts it.
    pub(super) fn new(session: &'s mut Session, search: &'s Search, shape: Shape<'s>) -> Self {
        Self { pages: Pages::new(session, search), shape, limit: search.limit, entries: 0, referrals: 0 }
    }

    /// What comes next. Not to be called after [`Met::End`].
    pub(super) async fn next(&mut self) -> Met {
        loop {
            match self.pages.next().await {
                Step::Entry(answer) => {
                    self.entries += 1;
                    let ldap = &mut self.pages.session().ldap;
                    let entry = usable(ldap, answer, &self.shape, self.limit).await;
                    return entry.map_or(Met::Leftover, Met::Entry);
                }
                Step::Referral => self.referrals += 1,
                Step::Page => return Met::Page,
                Step::End(failure) => return Met::End(failure),
            }
        }
    }

    /// Tells the server that nobody waits for the rest any more.
    pub(super) async fn abandon(&mut self) {
        self.pages.abandon().await;
    }
}

/// Makes a record of an answer. `None` for what is left of a deleted object.
pub(super) async fn usable(
    ldap: &mut Ldap,
    answer: ResultEntry,
    shape: &Shape<'_>,
    limit: Duration,
) -> Option<Result<Usable, Unusable>> {
    let mut entry = match decode::entry(answer.0) {
        Ok(entry) => entry,
        Err(malformed) => {
            let anchor = shape.apply(malformed.attributes).anchor;
            return Some(Err(Unusable { dn: malformed.dn, anchor, reason: malformed.reason.into() }));
        }
    };
    if ad::is_leftover(&entry.dn) {
        return None;
    }
    if !entry.open.is_empty()
        && let Err(failure) = range::complete(ldap, &mut entry, limit).await
    {
        let reason = format!("a long list of values could not be read whole: {failure}");
        let anchor = shape.apply(entry.attributes).anchor;
        return Some(Err(Unusable { dn: entry.dn, anchor, reason }));
    }
    let mut shaped = shape.apply(entry.attributes);
    if shaped.leftover {
        return None;
    }
    let (sid, primary_group) = (shaped.sid.take(), shaped.primary_group.take());
    let record = shaped.into_record(entry.dn, None);
    Some(record.map(|record| Usable { record, sid, primary_group }))
}

/// What is missing because of referrals, in a sentence. A domain controller refers to its other
/// partitions in every search of a domain root; its own partition it has whole. Elsewhere a
/// referral stands for entries not seen.
pub(super) fn unfollowed(vendor: Vendor, what: &str, base: &str, referrals: u64) -> Option<String> {
    if referrals == 0 || is_active_directory(vendor) {
        return None;
    }
    Some(format!(
        "the search for {what} under \"{base}\" met {referrals} referrals to other servers, which are not \
         followed: make those servers sources of their own, or choose bases without them"
    ))
}

/// Whether the server is one of Microsoft's kind.
pub(super) fn is_active_directory(vendor: Vendor) -> bool {
    matches!(vendor, Vendor::ActiveDirectory | Vendor::AdLds)
}
