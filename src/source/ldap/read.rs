//! One complete read: groups, then people, then the proof of what was seen.

use std::collections::BTreeSet;

use tokio::sync::mpsc;

use crate::model::{Ask, Census, Portion, Record};
use crate::source::SourceErrorKind::{Misconfigured, Refused};
use crate::source::ad;
use crate::source::primary::PrimaryGroups;
use crate::source::shape::{AnchorIn, GROUP_ATTRIBUTES, Looking, Shape};
use crate::source::tally::Tally;

use super::changes;
use super::connect::Session;
use super::decode::{self, Entry};
use super::detect::{Directory, Vendor};
use super::range;
use super::reach::Reach;
use super::search::{Pages, Search, Step};
use super::settings::{Auth, Settings};
use super::trouble::{Failure, Trouble};
use super::visit::Visit;

/// Records per message to the listener.
const BATCH: usize = 1000;

/// Reads everything.
pub(super) async fn everything(
    reach: &Reach,
    ask: &Ask,
    portions: mpsc::Sender<Portion>,
) -> Result<Census, Trouble> {
    let mut visit = Visit::begin(reach, ask).await?;
    let (cursor, advice) = changes::begin(&mut visit).await;
    let Visit { settings, plan, mut session, directory, bases, group_bases, identity, .. } = visit;
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
        reach.keep(session).await;
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
    anchor: AnchorIn,
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
        let filter = match &self.settings.group_filter {
            Some(filter) => filter.clone(),
            None => self.directory.vendor.group_filter().to_owned(),
        };
        let mut attributes: BTreeSet<String> =
            GROUP_ATTRIBUTES.iter().map(|name| (*name).to_owned()).collect();
        self.add_anchors(&mut attributes);
        if self.directory.vendor == Vendor::ActiveDirectory {
            attributes.insert("objectsid".into());
        }
        for base in bases {
            self.search(session, base, &filter, &attributes, Looking::Groups).await;
        }
        // What fails here leaves the census partial; only the people decide whether all failed.
        self.first_trouble = None;
        let whole = self.tally.is_whole();
        self.pass_on(Portion::GroupsEnd { whole }).await;
    }

    /// Returns whether anything came from any base.
    async fn people(&mut self, session: &mut Session, bases: &[String]) -> bool {
        let mut attributes = self.ask.attributes.clone();
        self.add_anchors(&mut attributes);
        attributes.extend(self.directory.vendor.states().iter().map(|name| name.to_ascii_lowercase()));
        if self.ask.groups && self.directory.vendor == Vendor::ActiveDirectory {
            attributes.extend(["objectsid".into(), "primarygroupid".into()]);
        }
        let filters: Vec<String> = match &self.settings.person_filter {
            Some(filter) => {
                // Only a filter of the administrator's can let other things through.
                attributes.insert("objectclass".into());
                vec![filter.clone()]
            }
            None => {
                self.directory.vendor.person_filters().iter().map(|filter| (*filter).to_owned()).collect()
            }
        };
        let mut answered = false;
        for filter in &filters {
            for base in bases {
                answered |= self.search(session, base, filter, &attributes, Looking::People).await;
            }
            if self.tally.has_people() || self.first_trouble.is_some() {
                break;
            }
        }
        if answered && !self.tally.has_people() && self.first_trouble.is_none() {
            self.tally.gap(format!(
                "nobody matches {} under \"{}\": an empty directory proves nothing",
                filters.join(" or "),
                bases.join("\", \"")
            ));
        }
        answered
    }

    fn add_anchors(&self, attributes: &mut BTreeSet<String>) {
        match &self.plan.anchor {
            AnchorIn::Named(name) => {
                attributes.insert(name.clone());
            }
            AnchorIn::WellKnown => {
                attributes
                    .extend(self.directory.vendor.anchors().iter().map(|name| name.to_ascii_lowercase()));
            }
        }
    }

    /// One search to its end. Returns whether the base answered: fully, or with something.
    async fn search(
        &mut self,
        session: &mut Session,
        base: &str,
        filter: &str,
        attributes: &BTreeSet<String>,
        looking: Looking,
    ) -> bool {
        let what = if looking == Looking::Groups { "groups" } else { "people" };
        if self.over {
            self.tally.gap(format!("{what} under \"{base}\" were not read, because of the trouble before"));
            return false;
        }
        let search = Search {
            base: base.to_owned(),
            filter: filter.to_owned(),
            attributes: attributes.iter().cloned().collect(),
            page_size: self.settings.page_size,
            limit: self.settings.operation_timeout,
        };
        let mut pages = Pages::new(session, &search);
        let mut batch = Vec::new();
        let mut entries = 0u64;
        let mut referrals = 0u64;
        let failure = loop {
            match pages.next().await {
                Step::Entry(answer) => {
                    entries += 1;
                    match decode::entry(answer.0) {
                        Err(malformed) => self.unusable(malformed.dn, malformed.reason.into(), looking),
                        Ok(mut entry) => {
                            if !entry.open.is_empty()
                                && let Err(failure) =
                                    range::complete(pages.session(), &mut entry, search.limit).await
                            {
                                let reason =
                                    format!("a long list of values could not be read whole: {failure}");
                                self.unusable(entry.dn, reason, looking);
                                continue;
                            }
                            batch.extend(self.record(entry, looking));
                        }
                    }
                    if batch.len() < BATCH {
                        continue;
                    }
                }
                Step::Referral => {
                    referrals += 1;
                    continue;
                }
                Step::Page => {}
                Step::End(failure) => break failure,
            }
            if !self.send(&mut batch, looking).await {
                pages.abandon().await;
                return entries > 0;
            }
        };
        self.send(&mut batch, looking).await;
        self.tally.referrals += referrals;
        // A domain controller refers to its other partitions in every search of a domain root;
        // its own partition it has whole. Elsewhere a referral stands for entries not seen.
        if referrals > 0 && !matches!(self.directory.vendor, Vendor::ActiveDirectory | Vendor::AdLds) {
            self.tally.gap(format!(
                "the search for {what} under \"{base}\" met {referrals} referrals to other servers, which are \
                 not followed: make those servers sources of their own, or choose bases without them"
            ));
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

    fn unusable(&mut self, dn: String, reason: String, looking: Looking) {
        // The duplicate that a replication conflict left is not the group that anybody means.
        if looking == Looking::Groups && !ad::is_conflict(&dn) {
            self.tally.unusable_group(dn, reason);
        } else {
            self.tally.unusable(dn, reason);
        }
    }

    fn record(&mut self, entry: Entry, looking: Looking) -> Option<Record> {
        let Entry { dn, attributes, .. } = entry;
        let shape = Shape { anchor: &self.plan.anchor, looking, keep: &self.ask.attributes };
        let mut shaped = shape.apply(attributes);
        let (sid, primary) = (shaped.sid.take(), shaped.primary_group.take());
        let mut record = match shaped.into_record(dn, None) {
            Ok(record) => record,
            Err((dn, reason)) => {
                self.unusable(dn, reason, looking);
                return None;
            }
        };
        if self.ask.groups {
            self.primary_groups.meet(&mut record, sid, primary);
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
