//! Searching page by page, with every answer and every end looked at.
//!
//! The paging control (RFC 2696) is driven by hand. The library's adapter ends in the same
//! way whether all entries came or the server gave up in the middle; and here the next page
//! is requested before the present one is passed on, so that the server does not wait for us.
//! The library queues answers without bound: a page is what bounds the memory.

use std::collections::HashSet;
use std::time::Duration;

use ldap3::asn1::{PL, StructureTag, parse_tag};
use ldap3::controls::{Control, PagedResults, RawControl};
use ldap3::{Ldap, LdapResult, ResultEntry, Scope, SearchOptions, SearchStream};

use crate::model::Key;

use super::connect::Session;
use super::decode::{self, Entry};
use super::trouble::Failure;

/// Control type of RFC 2696.
pub(super) const PAGED_RESULTS: &str = "1.2.840.113556.1.4.319";

/// So many empty pages are taken in one search. Active Directory sends some where a filter is
/// costly.
const EMPTY_PAGES: u32 = 1000;

/// What to search.
#[derive(Clone, Debug)]
pub(super) struct Search {
    /// The entry below which, and with which, everything is searched.
    pub base: String,
    /// RFC 4515.
    pub filter: String,
    /// What to return.
    pub attributes: Vec<String>,
    /// Entries per page.
    pub page_size: u32,
    /// For each answer.
    pub limit: Duration,
}

/// One step of a search.
pub(super) enum Step {
    /// An entry.
    Entry(ResultEntry),
    /// A reference to another server, which is not followed.
    Referral,
    /// A page is over and the next one requested: a good moment to pass things on.
    Page,
    /// The end, and why it came if not everything was seen.
    End(Option<Failure>),
}

/// A search under way.
pub(super) struct Pages<'s> {
    session: &'s mut Session,
    search: &'s Search,
    stream: Option<SearchStream<'static, String, Vec<String>>>,
    cookie: Vec<u8>,
    /// Sent along with every page.
    controls: Vec<RawControl>,
    /// Answers on the present page.
    on_page: u64,
    /// Whether an entry was on the present page.
    begun: bool,
    /// Pages without any answer up to now.
    empty: u32,
    /// The DNs with which pages began. A cookie that comes again proves nothing, as some servers
    /// have one for all pages of a search; an entry that comes again does.
    begun_with: HashSet<Key>,
}

impl<'s> Pages<'s> {
    /// Prepares a search; the first call of [`Pages::next`] starts it.
    pub(super) fn new(session: &'s mut Session, search: &'s Search) -> Self {
        Self {
            session,
            search,
            stream: None,
            cookie: Vec::new(),
            controls: Vec::new(),
            on_page: 0,
            begun: false,
            empty: 0,
            begun_with: HashSet::new(),
        }
    }

    /// Sends controls along, besides that for the pages.
    pub(super) fn with_controls(mut self, controls: Vec<RawControl>) -> Self {
        self.controls = controls;
        self
    }

    /// The next step. Not to be called after [`Step::End`].
    pub(super) async fn next(&mut self) -> Step {
        if self.stream.is_none()
            && let Err(failure) = self.request().await
        {
            return self.failed(failure).await;
        }
        let Some(stream) = self.stream.as_mut() else { return Step::End(None) };
        let result = match stream.next().await {
            Ok(Some(answer)) => {
                self.on_page += 1;
                // An intermediate response (RFC 4511, 4.13) belongs to no control that we send.
                if answer.is_ref() || answer.is_intermediate() {
                    return Step::Referral;
                }
                if !std::mem::replace(&mut self.begun, true) && self.is_page_again(&answer.0) {
                    self.abandon().await;
                    let words = "the server sends a page that it sent before";
                    return Step::End(Some(Failure::Nonsense(words.into())));
                }
                return Step::Entry(answer);
            }
            Ok(None) => stream.finish().await,
            Err(error) => {
                let failure = Failure::from_library(error, self.search.limit);
                self.abandon().await;
                return self.failed(failure).await;
            }
        };
        // A stream that has ended panics when it is asked again.
        self.stream = None;
        if result.rc != 0 {
            return self.failed(Failure::Code(Box::new(result))).await;
        }
        match cookie(&result) {
            Err(()) => {
                Step::End(Some(Failure::Nonsense("the server's paging control cannot be read".into())))
            }
            Ok(None) => Step::End(None),
            Ok(Some(next)) => {
                self.empty += u32::from(self.on_page == 0);
                if self.on_page == 0 && (next == self.cookie || self.empty > EMPTY_PAGES) {
                    let words = "the server sends empty pages without end".into();
                    return Step::End(Some(Failure::Nonsense(words)));
                }
                self.cookie = next;
                match self.request().await {
                    Ok(()) => Step::Page,
                    Err(failure) => self.failed(failure).await,
                }
            }
        }
    }

    /// The connection, for searches between two steps.
    pub(super) fn session(&mut self) -> &mut Session {
        self.session
    }

    /// Tells the server that nobody waits for the rest any more.
    pub(super) async fn abandon(&mut self) {
        let Some(mut stream) = self.stream.take() else { return };
        let id = stream.ldap_handle().last_id();
        stream.finish().await;
        let _ = self.session.ldap.with_timeout(Duration::from_secs(1)).abandon(id).await;
    }

    /// Whether a page began with this answer before.
    fn is_page_again(&mut self, first: &StructureTag) -> bool {
        let PL::C(parts) = &first.payload else { return false };
        let Some(PL::P(dn)) = parts.first().map(|part| &part.payload) else { return false };
        !self.begun_with.insert(Key::exact(&String::from_utf8_lossy(dn)))
    }

    async fn request(&mut self) -> Result<(), Failure> {
        let size = i32::try_from(self.search.page_size).unwrap_or(i32::MAX).max(1);
        self.on_page = 0;
        self.begun = false;
        let mut controls = self.controls.clone();
        controls.push(PagedResults { size, cookie: self.cookie.clone() }.into());
        let stream = self
            .session
            .ldap
            .with_controls(controls)
            .with_timeout(self.search.limit)
            .streaming_search(
                &self.search.base,
                Scope::Subtree,
                &self.search.filter,
                self.search.attributes.clone(),
            )
            .await
            .map_err(|error| Failure::from_library(error, self.search.limit))?;
        self.stream = Some(stream);
        Ok(())
    }

    async fn failed(&mut self, failure: Failure) -> Step {
        Step::End(Some(self.session.explain(failure).await))
    }
}

/// The cookie for the next page; `None` when this was the last, or when the server does not page.
pub(super) fn cookie(result: &LdapResult) -> Result<Option<Vec<u8>>, ()> {
    let Some(Control(_, control)) = result.ctrls.iter().find(|Control(_, raw)| raw.ctype == PAGED_RESULTS)
    else {
        return Ok(None);
    };
    let (_, tag) = parse_tag(control.val.as_deref().unwrap_or_default()).map_err(|_| ())?;
    let PL::C(mut parts) = tag.payload else { return Err(()) };
    match (parts.pop().map(|tag| tag.payload), parts.len()) {
        (Some(PL::P(cookie)), 1) => Ok(Some(cookie).filter(|cookie| !cookie.is_empty())),
        _ => Err(()),
    }
}

/// Reads one entry by its DN. `None` when it is not there, or not visible.
pub(super) async fn one(
    session: &mut Session,
    dn: &str,
    attributes: Vec<String>,
    limit: Duration,
) -> Result<Option<Entry>, Failure> {
    match entry_at(&mut session.ldap, dn, attributes, limit).await {
        Err(failure) => Err(session.explain(failure).await),
        found => found,
    }
}

/// As [`one`], without words for what ended the connection.
pub(super) async fn entry_at(
    ldap: &mut Ldap,
    dn: &str,
    attributes: Vec<String>,
    limit: Duration,
) -> Result<Option<Entry>, Failure> {
    match answer_at(ldap, dn, "(objectClass=*)", attributes, limit).await {
        Err(Failure::Code(result)) if result.rc == 32 => Ok(None),
        Err(failure) => Err(failure),
        Ok(None) => Ok(None),
        Ok(Some(answer)) => decode::entry(answer.0)
            .map(Some)
            .map_err(|malformed| Failure::Nonsense(format!("the entry {dn}: {}", malformed.reason))),
    }
}

/// What a search of one entry alone answers. `None` when it does not match, or is not visible.
pub(super) async fn answer_at(
    ldap: &mut Ldap,
    dn: &str,
    filter: &str,
    attributes: Vec<String>,
    limit: Duration,
) -> Result<Option<ResultEntry>, Failure> {
    let found = ldap
        .with_timeout(limit)
        .search(dn, Scope::Base, filter, attributes)
        .await
        .map_err(|error| Failure::from_library(error, limit))?;
    match found.1.rc {
        0 => Ok(found.0.into_iter().next()),
        _ => Err(Failure::Code(Box::new(found.1))),
    }
}

/// Whether anything matches the filter at or below the base.
pub(super) async fn anything(
    session: &mut Session,
    base: &str,
    filter: &str,
    limit: Duration,
) -> Result<bool, Failure> {
    let mut seen = false;
    let outcome: ldap3::result::Result<LdapResult> = async {
        let mut stream = session
            .ldap
            .with_search_options(SearchOptions::new().sizelimit(1))
            .with_timeout(limit)
            .streaming_search(base, Scope::Subtree, filter, vec!["1.1"])
            .await?;
        // A server that does not know the limit sends everything: none of it is kept.
        while let Some(answer) = stream.next().await? {
            seen |= !answer.is_ref() && !answer.is_intermediate();
        }
        Ok(stream.finish().await)
    }
    .await;
    match outcome {
        // There was more than the one that we asked for.
        Ok(result) if result.rc == 0 || result.rc == 4 && seen => Ok(seen),
        Ok(result) => Err(Failure::Code(Box::new(result))),
        Err(error) => Err(session.explain(Failure::from_library(error, limit)).await),
    }
}

#[cfg(test)]
mod tests {
    use ldap3::controls::RawControl;

    use super::*;

    fn result(value: Option<&[u8]>) -> LdapResult {
        let raw = RawControl { ctype: PAGED_RESULTS.into(), crit: false, val: value.map(<[u8]>::to_vec) };
        LdapResult {
            rc: 0,
            matched: String::new(),
            text: String::new(),
            refs: vec![],
            ctrls: vec![Control(None, raw)],
        }
    }

    #[test]
    fn the_paging_answer() {
        for (value, expected) in [
            (Some(&[0x30, 5, 2, 1, 0, 4, 0][..]), Ok(None)),
            (Some(&[0x30, 7, 2, 1, 0, 4, 2, b'a', b'b']), Ok(Some(b"ab".to_vec()))),
            (Some(&[0x30, 3, 2, 1, 0]), Err(())),
            (Some(&[0x30, 0]), Err(())),
            (Some(&[4, 0]), Err(())),
            (Some(&[]), Err(())),
            (None, Err(())),
        ] {
            assert_eq!(cookie(&result(value)), expected, "{value:?}");
        }
        let without = LdapResult { ctrls: vec![], ..result(None) };
        assert_eq!(cookie(&without), Ok(None));
    }
}
