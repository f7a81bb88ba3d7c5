//! One complete read: groups, then people, then the proof of what was seen.

use std::collections::HashSet;

use tokio::sync::mpsc;

use crate::model::{Ask, Census, Portion, Record, SourceId, Unusable};
use crate::source::SourceErrorKind::{Misconfigured, Refused};
use crate::source::ad;
use crate::source::primary::PrimaryGroups;
use crate::source::shape::{AnchorIn, Looking, Shape};
use crate::source::tally::Tally;

use super::changes;
use super::connect::Session;
use super::containers;
use super::detect::Directory;
use super::question::Question;
use super::reach::Reach;
use super::search::Search;
use super::settings::{Auth, Settings};
use super::trouble::{Failure, Trouble};
use super::visit::Visit;
use super::walk::{self, Met, Usable, Walk};

/// Records per message to the listener.
const BATCH: usize = 1000;

/// Reads everything.
pub(super) async fn everything(
    reach: &Reach,
    ask: &Ask,
    portions: mpsc::Sender<Portion>,
) -> Result<Census, Trouble> {
    let mut visit = Visit::begin(reach, ask).await?;
    let (mut cursor, mut advice) = changes::begin(&mut visit).await;
    let Visit { settings, plan, mut session, directory, bases, group_bases, identity, .. } = visit;
    let mut read = Read {
        settings,
        ask,
        plan,
        directory,
        portions,
        tally: Tally::default(),
        primary_groups: PrimaryGroups::default(),
        beside: HashSet::new(),
        over: false,
        first_trouble: None,
    };
    if ask.groups {
        read.groups(&mut session, &group_bases).await;
    }
    let seen = read.people(&mut session, &bases).await;
    let mut containers = Vec::new();
    if cursor.is_some() {
        let vendor = read.directory.vendor;
        let known = match read.over {
            true => Err("the connection was lost before".into()),
            false => containers::read(settings, &mut session, vendor, &bases, &group_bases, true).await,
        };
        match known {
            Ok(known) => containers = known,
            Err(reason) => {
                let reason = format!("changes cannot be followed, as the units are not known: {reason}");
                advice = Some(advice.map_or_else(|| reason.clone(), |advice| format!("{advice}; {reason}")));
                cursor = None;
            }
        }
    }
    if !read.over {
        reach.keep(session).await;
    }
    if read.tally.leftovers() > 0 {
        tracing::info!(source = %settings.name, entries = read.tally.leftovers(), "deleted objects passed over");
    }
    let Read { tally, first_trouble, .. } = read;
    match first_trouble {
        // Nothing came from any base with people: there is nothing to be partial about.
        Some(trouble) if !seen => Err(trouble),
        _ => Ok(Census { cursor, containers, advice, bases, ..tally.into_census(identity) }),
    }
}

/// What can be checked and settled before a server is asked.
pub(super) struct Plan {
    pub anchor: AnchorIn,
}

impl Plan {
    /// Checks the parts of the settings that need no server.
    pub(super) fn check(settings: &Settings) -> Result<Self, Trouble> {
        for (key, filter) in [
            ("person_filter", &settings.person_filter),
            ("group_filter", &settings.group_filter),
            ("room_filter", &settings.room_filter),
            ("contact_filter", &settings.contact_filter),
        ] {
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
    /// Rooms and contacts that filters of their own found.
    beside: HashSet<SourceId>,
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
        let (settings, ask, vendor) = (self.settings, self.ask, self.directory.vendor);
        for question in Question::beside_people(settings, ask, &self.plan.anchor, vendor) {
            for filter in &question.filters {
                for base in bases {
                    self.search(session, base, filter, &question).await;
                }
            }
            // A room that was not seen would be taken for a person.
            if question.looking == Looking::Rooms && self.first_trouble.is_some() {
                return false;
            }
            self.first_trouble = None;
        }
        let question = Question::people(settings, ask, &self.plan.anchor, vendor);
        let before = self.tally.seen();
        let mut answered = false;
        for filter in &question.filters {
            for base in bases {
                answered |= self.search(session, base, filter, &question).await;
            }
            if self.tally.seen() > before || self.first_trouble.is_some() {
                break;
            }
        }
        if answered && self.tally.seen() == before && self.first_trouble.is_none() {
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
            page_size: question.page_size(self.settings),
            limit: self.settings.operation_timeout,
        };
        let anchor = self.plan.anchor.clone();
        let shape = Shape { anchor: &anchor, looking, keep: &self.ask.attributes };
        let mut walk = Walk::new(session, &search, shape);
        let mut batch = Vec::new();
        let failure = loop {
            match walk.next().await {
                Met::Entry(Err(unusable)) => self.unusable(unusable, looking),
                Met::Entry(Ok(usable)) => batch.extend(self.record(usable, looking)),
                Met::Leftover => self.tally.leftover(),
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
            if self.settings.auth() == Auth::Anonymous && trouble.kind == Refused {
                trouble.what.push_str(" (no bind account is configured)");
            }
            self.first_trouble = Some(trouble);
        }
    }

    fn unusable(&mut self, entry: Unusable, looking: Looking) {
        // The duplicate that a replication conflict left is not the group that anybody means.
        if looking == Looking::Groups && !ad::is_conflict(&entry.dn) {
            self.tally.unusable_group(entry);
        } else {
            self.tally.unusable(entry);
        }
    }

    /// `None` for an object that was met already, as something else than a person.
    fn record(&mut self, usable: Usable, looking: Looking) -> Option<Record> {
        let Usable { mut record, sid, primary_group } = usable;
        match looking {
            Looking::People if self.beside.contains(&record.anchor) => return None,
            Looking::Rooms | Looking::Contacts if !self.beside.insert(record.anchor) => return None,
            _ => {}
        }
        if self.ask.groups {
            self.primary_groups.meet(&mut record, sid, primary_group);
        }
        self.tally.count(record.kind);
        Some(record)
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
