//! One complete read: groups, then people, then the proof of what was seen.

use tokio::sync::mpsc;

use crate::model::{Ask, Census, Portion, Record};
use crate::source::SourceErrorKind::{Misconfigured, Refused};
use crate::source::ad;
use crate::source::primary::PrimaryGroups;
use crate::source::shape::{AnchorIn, Looking, Shape};
use crate::source::tally::Tally;

use super::changes;
use super::connect::Session;
use super::detect::Directory;
use super::question::Question;
use super::search::Search;
use super::settings::Settings;
use super::trouble::{Failure, Trouble};
use super::visit::Visit;
use super::walk::{self, Met, Unusable, Usable, Walk};

/// Records per message to the listener.
const BATCH: usize = 1000;

/// Reads everything.
pub(super) async fn everything(
    settings: &Settings,
    ask: &Ask,
    portions: mpsc::Sender<Portion>,
) -> Result<Census, Trouble> {
    let mut visit = Visit::begin(settings, ask).await?;
    let (cursor, advice) = changes::begin(&mut visit).await;
    let Visit { plan, mut session, directory, bases, group_bases, identity, .. } = visit;
    let mut read = Read {
        settings,
        ask,
        plan,
        directory,
        portions,
        tally: Tally::default(),
        primary_groups: PrimaryGroups::default(),
        over: false,
        first_trouble: None,
    };
    if ask.groups {
        read.groups(&mut session, &group_bases).await;
    }
    let seen = read.people(&mut session, &bases).await;
    if !read.over {
        session.close().await;
    }
    let Read { tally, first_trouble, .. } = read;
    match first_trouble {
        // Nothing came from any base with people: there is nothing to be partial about.
        Some(trouble) if !seen => Err(trouble),
        _ => Ok(Census { cursor, advice, ..tally.into_census(identity) }),
    }
}

/// What can be checked and settled before a server is asked.
pub(super) struct Plan {
    pub anchor: AnchorIn,
}

impl Plan {
    /// Checks the parts of the settings that need no server.
    pub(super) fn check(settings: &Settings) -> Result<Self, Trouble> {
        for (key, filter) in
            [("person_filter", &settings.person_filter), ("group_filter", &settings.group_filter)]
        {
            if let Some(filter) = filter
                && ldap3::parse_filter(filter).is_err()
            {
                return Err(Trouble::new(
                    Misconfigured,
                    format!("{key} is not an LDAP filter: {filter}"),
                    "write it as in RFC 4515, such as (&(objectClass=inetOrgPerson)(mail=*)), parentheses included",
                ));
            }
        }
        let anchor = match &settings.anchor {
            Some(name) => AnchorIn::Named(name.to_ascii_lowercase()),
            None => AnchorIn::WellKnown,
        };
        Ok(Self { anchor })
    }
}

/// A read under way.
struct Read<'a> {
    settings: &'a Settings,
    ask: &'a Ask,
    plan: Plan,
    directory: Directory,
    portions: mpsc::Sender<Portion>,
    tally: Tally,
    primary_groups: PrimaryGroups,
    /// The connection or the listener is gone: further searches are pointless.
    over: bool,
    first_trouble: Option<Trouble>,
}

impl Read<'_> {
    async fn groups(&mut self, session: &mut Session, bases: &[String]) {
        let question = Question::groups(self.settings, &self.plan.anchor, self.directory.vendor);
        for filter in &question.filters {
            for base in bases {
                self.search(session, base, filter, &question).await;
            }
        }
        // What fails here leaves the census partial; only the people decide whether all failed.
        self.first_trouble = None;
        let whole = self.tally.is_whole();
        self.pass_on(Portion::GroupsEnd { whole }).await;
    }

    /// Returns whether anything came from any base.
    async fn people(&mut self, session: &mut Session, bases: &[String]) -> bool {
        let question = Question::people(self.settings, self.ask, &self.plan.anchor, self.directory.vendor);
        let mut answered = false;
        for filter in &question.filters {
            for base in bases {
                answered |= self.search(session, base, filter, &question).await;
            }
            if self.tally.has_people() || self.first_trouble.is_some() {
                break;
            }
        }
        if answered && !self.tally.has_people() && self.first_trouble.is_none() {
            self.tally.gap(format!(
                "nobody matches {} under \"{}\": an empty directory proves nothing",
                question.filters.join(" or "),
                bases.join("\", \"")
            ));
        }
        answered
    }

    /// One search to its end. Returns whether the base answered: fully, or with something.
    async fn search(&mut self, session: &mut Session, base: &str, filter: &str, question: &Question) -> bool {
        let what = question.what();
        let looking = question.looking;
        if self.over {
            self.tally.gap(format!("{what} under \"{base}\" were not read, because of the trouble before"));
            return false;
        }
        let search = Search {
            base: base.to_owned(),
            filter: filter.to_owned(),
            attributes: question.attributes.clone(),
            page_size: self.settings.page_size,
            limit: self.settings.operation_timeout,
        };
        let anchor = self.plan.anchor.clone();
        let shape = Shape { anchor: &anchor, looking, keep: &self.ask.attributes };
        let mut walk = Walk::new(session, &search, shape);
        let mut batch = Vec::new();
        let failure = loop {
            match walk.next().await {
                Met::Entry(Err(unusable)) => self.unusable(unusable, looking),
                Met::Entry(Ok(usable)) => batch.push(self.record(usable)),
                Met::Page if !self.send(&mut batch, looking).await => {
                    walk.abandon().await;
                    return walk.entries > 0;
                }
                Met::Page => {}
                Met::End(failure) => break failure,
            }
            if batch.len() >= BATCH && !self.send(&mut batch, looking).await {
                walk.abandon().await;
                return walk.entries > 0;
            }
        };
        let (entries, referrals) = (walk.entries, walk.referrals);
        self.send(&mut batch, looking).await;
        self.tally.referrals += referrals;
        if let Some(gap) = walk::unfollowed(self.directory.vendor, what, base, referrals) {
            self.tally.gap(gap);
        }
        match failure {
            None => true,
            Some(failure) => {
                self.failed(failure, what, base, entries, session);
                entries > 0
            }
        }
    }

    fn failed(&mut self, failure: Failure, what: &str, base: &str, entries: u64, session: &Session) {
        tracing::warn!(source = %self.settings.name, entries, "search of the directory ended early");
        self.over |= failure.ends_the_connection();
        self.tally
            .gap(format!("the search for {what} under \"{base}\" ended after {entries} entries: {failure}"));
        if self.first_trouble.is_none() {
            let object = format!("searching {what} under \"{base}\" on {}", session.server);
            let mut trouble = failure.into_trouble(&object);
            // AD's word for an anonymous reader is operationsError.
            if self.settings.bind.is_none() && trouble.kind == Refused {
                trouble.what.push_str(" (no bind account is configured)");
            }
            self.first_trouble = Some(trouble);
        }
    }

    fn unusable(&mut self, Unusable { dn, reason }: Unusable, looking: Looking) {
        // The duplicate that a replication conflict left is not the group that anybody means.
        if looking == Looking::Groups && !ad::is_conflict(&dn) {
            self.tally.unusable_group(dn, reason);
        } else {
            self.tally.unusable(dn, reason);
        }
    }

    fn record(&mut self, Usable { mut record, sid, primary_group }: Usable) -> Record {
        if self.ask.groups {
            self.primary_groups.meet(&mut record, sid, primary_group);
        }
        self.tally.count(record.kind);
        record
    }

    /// Passes records on; `false` when nobody listens any more.
    async fn send(&mut self, batch: &mut Vec<Record>, looking: Looking) -> bool {
        if batch.is_empty() {
            return true;
        }
        let full = std::mem::replace(batch, Vec::with_capacity(BATCH));
        self.pass_on(if looking == Looking::Groups { Portion::Groups(full) } else { Portion::People(full) })
            .await
    }

    async fn pass_on(&mut self, portion: Portion) -> bool {
        if self.portions.send(portion).await.is_ok() {
            return true;
        }
        if !self.over {
            self.over = true;
            self.tally.gap("the read was stopped before its end".into());
        }
        false
    }
}
