//! One question "what changed since this cookie?" below one base, to its end (RFC 4533, 3.3).

use std::collections::HashMap;
use std::time::Duration;

use ldap3::controls::{MakeCritical, RawControl, RefreshMode, SyncRequest};
use ldap3::{LdapResult, ResultEntry, Scope, SearchStream};

use crate::model::{Hint, Hinted, MANY, SourceId};
use crate::source::shape::{AnchorIn, Looking, Shape};

use super::super::super::connect::Session;
use super::super::super::decode;
use super::super::super::trouble::{Failure, code_words};
use super::super::hinted;
use super::message::{self, Done, Info, Malformed, State};

/// e-syncRefreshRequired (RFC 4533, 2.6).
const REFRESH_REQUIRED: u32 = 4096;

/// An answer under way.
pub(super) type Stream = SearchStream<'static, String, Vec<String>>;

/// What is asked of the server.
pub(super) struct Question<'a> {
    pub base: &'a str,
    pub filter: &'a str,
    pub cookie: Option<&'a str>,
    /// For each message; none to wait for ever.
    pub limit: Option<Duration>,
}

impl Question<'_> {
    /// Sends it. The control is critical: a server that does not know it must not answer with
    /// everything that it has.
    pub(super) async fn ask(
        &self,
        session: &mut Session,
        mode: RefreshMode,
        attributes: Vec<String>,
    ) -> Result<Stream, Failure> {
        let cookie = self.cookie.map(|cookie| cookie.as_bytes().to_vec());
        let control: RawControl = SyncRequest { mode, cookie, reload_hint: false }.critical().into();
        let ldap = session.ldap.with_controls(vec![control]);
        if let Some(limit) = self.limit {
            ldap.with_timeout(limit);
        }
        ldap.streaming_search(self.base, Scope::Subtree, self.filter, attributes)
            .await
            .map_err(|error| Failure::from_library(error, self.limit.unwrap_or_default()))
    }
}

/// How a refresh ended.
pub(super) enum Outcome {
    /// With this; what it told was gathered.
    Done(Done),
    /// The cookie is worth nothing; the reason is a sentence.
    Doubt(String),
}

/// Hints from several refreshes, each object once.
pub(super) struct Gathered {
    hints: HashMap<SourceId, Hint>,
    /// The anchor that the configuration chose and that is not the id of the synchronization.
    named: Option<String>,
}

impl Gathered {
    /// Nothing yet. `named` is an attribute with the anchor when the server's own id is not it:
    /// what is deleted can then not be told.
    pub(super) fn new(named: Option<String>) -> Self {
        Self { hints: HashMap::new(), named }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.hints.is_empty()
    }

    pub(super) fn into_hints(self) -> Vec<Hint> {
        self.hints.into_values().collect()
    }

    fn attributes(&self) -> Vec<String> {
        std::iter::once("objectClass".to_owned()).chain(self.named.clone()).collect()
    }

    /// An id that is not in the content of one base may be in that of another: servers say
    /// "gone" also for entries that never were below the base. So being there counts more.
    fn gone(&mut self, id: SourceId) {
        if self.named.is_none() {
            self.hints.entry(id).or_insert(Hint { anchor: id, dn: None, what: Hinted::Gone });
        }
    }

    fn changed(&mut self, id: SourceId, answer: ResultEntry) -> Result<(), Malformed> {
        // An entry that cannot be read is still one that changed.
        let entry = decode::entry(answer.0).ok();
        let what = entry.as_ref().map_or(Hinted::Object, |entry| hinted::what(&entry.attributes));
        let (dn, anchor) = match (entry, &self.named) {
            (Some(entry), Some(name)) => {
                let anchor = AnchorIn::Named(name.clone());
                let keep = std::collections::BTreeSet::new();
                let shape = Shape { anchor: &anchor, looking: Looking::Anything, keep: &keep };
                (Some(entry.dn), shape.apply(entry.attributes).anchor)
            }
            (Some(entry), None) => (Some(entry.dn), Some(id)),
            (None, Some(_)) => return Err(Malformed("an entry cannot be read")),
            (None, None) => (None, Some(id)),
        };
        // Without the configured anchor an entry is none that a full read could use.
        if let Some(anchor) = anchor {
            self.hints.insert(anchor, Hint { anchor, dn, what });
        }
        Ok(())
    }
}

/// Asks and gathers.
pub(super) async fn refresh(
    session: &mut Session,
    question: &Question<'_>,
    gathered: &mut Gathered,
) -> Result<Outcome, Failure> {
    let mut stream = question.ask(session, RefreshMode::RefreshOnly, gathered.attributes()).await?;
    let reason = loop {
        match stream.next().await {
            Ok(Some(answer)) => match take(answer, gathered) {
                Ok(()) if gathered.hints.len() > MANY => {
                    break format!("more than {MANY} objects changed: reading everything is quicker");
                }
                Ok(()) => {}
                Err(reason) => break reason,
            },
            // A stream that has ended panics when it is asked again: both arms leave.
            Ok(None) => return end(stream.finish().await),
            Err(error) => {
                let failure = Failure::from_library(error, question.limit.unwrap_or_default());
                stop(session, &mut stream).await;
                return Err(session.explain(failure).await);
            }
        }
    };
    stop(session, &mut stream).await;
    Ok(Outcome::Doubt(reason))
}

/// Tells the server that nobody waits for the rest any more.
async fn stop(session: &mut Session, stream: &mut Stream) {
    let id = stream.ldap_handle().last_id();
    stream.finish().await;
    let _ = session.ldap.with_timeout(Duration::from_secs(1)).abandon(id).await;
}

/// Takes one message. The error is the reason why the cookie is worth nothing.
fn take(answer: ResultEntry, gathered: &mut Gathered) -> Result<(), String> {
    const PRESENT: &str = "the server no longer knows what was deleted since the last time (its session \
                           log does not reach back so far): it lists what is left instead";
    let malformed = |Malformed(words)| format!("{words}: the server's answer cannot be trusted");
    if answer.is_ref() {
        // What it refers to is not in the content; full reads say that they met it.
        return Ok(());
    }
    if answer.is_intermediate() {
        return match message::info(&answer.0).map_err(malformed)? {
            Info::Gone(ids) => {
                ids.into_iter().for_each(|id| gathered.gone(id));
                Ok(())
            }
            Info::Present(_) | Info::RefreshPresent => Err(PRESENT.into()),
            Info::NewCookie | Info::RefreshDelete | Info::Other => Ok(()),
        };
    }
    match message::state(&answer.1).map_err(malformed)? {
        State::Changed(id) => gathered.changed(id, answer).map_err(malformed),
        State::Deleted(id) => {
            gathered.gone(id);
            Ok(())
        }
        State::Present(_) => Err(PRESENT.into()),
    }
}

fn end(result: LdapResult) -> Result<Outcome, Failure> {
    let doubt = |why: &str| Ok(Outcome::Doubt(format!("{why}: {}", code_words(&result))));
    match result.rc {
        0 => Ok(match message::done(&result.ctrls) {
            Ok(done) => Outcome::Done(done),
            Err(Malformed(words)) => Outcome::Doubt(words.into()),
        }),
        REFRESH_REQUIRED => doubt("the server does not take the cookie any more"),
        // OpenLDAP's word for "consumer state is newer than provider".
        53 => {
            doubt("the server knows less than it did the last time: an older copy of its data was put back")
        }
        12 => doubt(
            "the server does not synchronize what is below this base (on OpenLDAP, `overlay syncprov` is \
             missing on its database)",
        ),
        3 | 4 | 11 => doubt("more changed than the bind account may read at once"),
        _ => Err(Failure::Code(Box::new(result))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn id(n: u8) -> SourceId {
        SourceId::new([n; 16])
    }

    #[test]
    fn being_there_counts_more_than_being_gone_elsewhere() {
        for gone_first in [true, false] {
            let mut gathered = Gathered::new(None);
            let there = Hint { anchor: id(1), dn: Some("cn=a".into()), what: Hinted::Object };
            if gone_first {
                gathered.gone(id(1));
            }
            gathered.hints.insert(id(1), there.clone());
            gathered.gone(id(1));
            assert_eq!(gathered.into_hints(), [there]);
        }
    }

    #[test]
    fn deletions_mean_nothing_with_an_anchor_of_the_administrators() {
        let mut gathered = Gathered::new(Some("employeenumber".into()));
        gathered.gone(id(1));
        assert!(gathered.is_empty());
        assert_eq!(gathered.attributes(), ["objectClass", "employeenumber"]);
    }

    #[test]
    fn results_that_make_a_cookie_worthless() {
        for (rc, words) in
            [(4096, "does not take"), (53, "older copy"), (12, "overlay syncprov"), (4, "may read")]
        {
            let result =
                LdapResult { rc, matched: String::new(), text: String::new(), refs: vec![], ctrls: vec![] };
            let Ok(Outcome::Doubt(reason)) = end(result) else { panic!("{rc}") };
            assert!(reason.contains(words), "{reason}");
        }
        let result =
            LdapResult { rc: 51, matched: String::new(), text: String::new(), refs: vec![], ctrls: vec![] };
        assert!(matches!(end(result), Err(Failure::Code(_))));
    }
}
