//! Single objects, looked up in the scope and the shape of a full read.
//!
//! The answer may prove that somebody is gone: whatever is not answered, or not beyond doubt,
//! is a gap.

mod places;

use std::collections::{BTreeSet, HashSet};

use futures_util::{StreamExt, stream};

use crate::model::{Found, Key, Lookup, MANY, SourceId};
use crate::source::ad;
use crate::source::shape::{Looking, Shape};
use crate::source::tally::Tally;

use super::clause::{self, AnchorClause};
use super::detect::Vendor;
use super::question::Question;
use super::search::{self, Search};
use super::trouble::{Failure, Trouble};
use super::visit::Visit;
use super::walk::{self, Met, Unusable, Usable, Walk};

/// Anchors, or values of one attribute, in one filter.
const AT_ONCE: usize = 100;

/// Searches of single entries under way at once.
const IN_FLIGHT: usize = 16;

/// Looks objects up.
pub(super) async fn fetch(visit: &mut Visit<'_>, lookup: &Lookup) -> Result<Found, Trouble> {
    let looking = match lookup {
        Lookup::Groups(_) | Lookup::GroupsHolding(_) => Looking::Groups,
        Lookup::People(_) | Lookup::PeopleAt(_) | Lookup::PeopleBelow(_) | Lookup::PeopleWith { .. } => {
            Looking::People
        }
    };
    let (settings, anchor, vendor) = (visit.settings, &visit.plan.anchor, visit.directory.vendor);
    let question = match looking {
        Looking::Groups => Question::groups(settings, anchor, vendor),
        _ => Question::people(settings, visit.ask, anchor, vendor),
    };
    let tally = Tally::default();
    let mut asking =
        Asking { visit, question, tally, usable: Vec::new(), known: HashSet::new(), full: false };
    if let Err(failure) = asking.look(lookup).await {
        asking.tally.gap(format!("the directory stopped answering: {failure}"));
    }
    let Asking { usable, tally, .. } = asking;
    let records = usable.into_iter().map(|usable| usable.record).collect();
    let found = tally.into_found(records);
    tracing::debug!(
        source = %settings.name, records = found.records.len(), gaps = found.gaps.len(), "looked up"
    );
    Ok(found)
}

/// A lookup under way.
struct Asking<'v, 'a> {
    visit: &'v mut Visit<'a>,
    question: Question,
    tally: Tally,
    usable: Vec<Usable>,
    /// What is in `usable`: many a group holds two of the members asked for.
    known: HashSet<(SourceId, Key)>,
    /// More was found than is worth looking up.
    full: bool,
}

impl Asking<'_, '_> {
    /// Everything about one lookup. A failure is one after which asking on is pointless.
    async fn look(&mut self, lookup: &Lookup) -> Result<(), Failure> {
        let asked = match lookup {
            Lookup::People(list) | Lookup::Groups(list) => list.len(),
            Lookup::PeopleAt(list) | Lookup::PeopleBelow(list) | Lookup::GroupsHolding(list) => list.len(),
            Lookup::PeopleWith { values, .. } => values.len(),
        };
        if asked == 0 {
            return Ok(());
        }
        if asked > MANY {
            self.tally.gap(format!("{asked} objects are too many to be looked up one by one"));
            return Ok(());
        }
        let places = {
            let Visit { session, bases, group_bases, settings, sight, .. } = &mut *self.visit;
            let looking = self.question.looking;
            let bases = if looking == Looking::Groups { &*group_bases } else { &*bases };
            sight.bases(looking, session, bases, settings, &mut self.tally).await?
        };
        // One filter alone needs no choice.
        let filter = match self.question.filters.as_slice() {
            [only] => only.clone(),
            _ => match self.chosen_filter().await? {
                Some(filter) => filter,
                None => return Ok(()),
            },
        };
        let bases: Vec<String> = places.iter().map(|place| place.base.clone()).collect();
        match lookup {
            Lookup::People(anchors) | Lookup::Groups(anchors) => {
                self.by_anchor(anchors, &filter, &bases).await?;
            }
            Lookup::PeopleAt(dns) => self.at(places::inside(dns, &places), &filter).await?,
            Lookup::PeopleBelow(dns) => {
                for place in places::below(dns, &places) {
                    self.search(&place, &filter, bases.contains(&place)).await?;
                }
            }
            Lookup::PeopleWith { attribute, values } => {
                if !clause::is_name(attribute) {
                    self.tally.gap("what was asked for is not the name of an attribute".into());
                    return Ok(());
                }
                self.by_value(&[attribute], values, &filter, &bases).await?;
            }
            Lookup::GroupsHolding(dns) => {
                let names: &[&str] =
                    if self.only_member() { &["member"] } else { &["member", "uniquemember"] };
                self.by_value(names, dns, &filter, &bases).await?;
            }
        }
        if !self.usable.is_empty() {
            self.visit.sight.saw(&self.question);
        } else if self.chosen_filter().await?.is_none() {
            return Ok(());
        }
        self.primary_groups().await
    }

    async fn chosen_filter(&mut self) -> Result<Option<String>, Failure> {
        let Visit { session, bases, group_bases, settings, sight, .. } = &mut *self.visit;
        let bases = if self.question.looking == Looking::Groups { &*group_bases } else { &*bases };
        sight.filter(&self.question, session, bases, settings, &mut self.tally).await
    }

    async fn by_anchor(
        &mut self,
        anchors: &[SourceId],
        filter: &str,
        bases: &[String],
    ) -> Result<(), Failure> {
        let Visit { plan, directory, ask, .. } = &*self.visit;
        let clause = AnchorClause::new(&plan.anchor, directory.vendor, ask);
        let wanted: BTreeSet<SourceId> = anchors.iter().copied().collect();
        let list: Vec<SourceId> = wanted.iter().copied().collect();
        for chunk in list.chunks(AT_ONCE) {
            let filter = clause::both(filter, &clause.any_of(chunk));
            for base in bases {
                self.search(base, &filter, true).await?;
            }
        }
        // A filter looks at every value of an attribute, an anchor is the first one.
        self.usable.retain(|usable| wanted.contains(&usable.record.anchor));
        if !clause.exact {
            let found: BTreeSet<SourceId> = self.usable.iter().map(|usable| usable.record.anchor).collect();
            let missed = wanted.len() - found.len();
            if missed > 0 {
                self.tally.gap(format!(
                    "{missed} objects were not found by {}, which cannot be searched by anchor unless it \
                     holds UUIDs: only a full read tells whether they are there",
                    clause.names()
                ));
            }
        }
        Ok(())
    }

    async fn by_value(
        &mut self,
        names: &[&str],
        values: &[impl AsRef<[u8]>],
        filter: &str,
        bases: &[String],
    ) -> Result<(), Failure> {
        for chunk in values.chunks(AT_ONCE / names.len().max(1)) {
            let filter = clause::both(filter, &clause::any_value(names, chunk));
            for base in bases {
                self.search(base, &filter, true).await?;
            }
        }
        Ok(())
    }

    /// Whether `uniqueMember` need not be searched. Active Directory's groups have none, and it
    /// has no index for it.
    fn only_member(&self) -> bool {
        walk::is_active_directory(self.visit.directory.vendor) && self.visit.settings.group_filter.is_none()
    }

    /// One search to its end. `must_exist`: the entry to search below is a base.
    async fn search(&mut self, base: &str, filter: &str, must_exist: bool) -> Result<(), Failure> {
        if self.full {
            return Ok(());
        }
        let what = self.question.what();
        let looking = self.question.looking;
        let Visit { settings, ask, plan, session, directory, .. } = &mut *self.visit;
        let search = Search {
            base: base.to_owned(),
            filter: filter.to_owned(),
            attributes: self.question.attributes.clone(),
            page_size: settings.page_size,
            limit: settings.operation_timeout,
        };
        let shape = Shape { anchor: &plan.anchor, looking, keep: &ask.attributes };
        let mut walk = Walk::new(session, &search, shape);
        let mut met = Vec::new();
        let room = MANY - self.usable.len().min(MANY);
        let failure = loop {
            match walk.next().await {
                Met::Entry(entry) => met.push(entry),
                Met::Page => {}
                Met::End(failure) => break failure,
            }
            if met.len() > room {
                walk.abandon().await;
                self.full = true;
                break None;
            }
        };
        let (entries, referrals) = (walk.entries, walk.referrals);
        let vendor = directory.vendor;
        met.into_iter().for_each(|entry| self.take(entry));
        if let Some(gap) = walk::unfollowed(vendor, what, base, referrals) {
            self.tally.gap(gap);
        }
        if self.full {
            self.tally
                .gap(format!("more than {MANY} {what} were found: too many to be looked up one by one"));
            return Ok(());
        }
        match failure {
            None => Ok(()),
            Some(failure) if !must_exist && is_nothing(vendor, &failure) => Ok(()),
            Some(failure) if failure.ends_the_connection() => Err(failure),
            Some(failure) => {
                self.tally.gap(format!(
                    "the lookup of {what} under \"{base}\" ended after {entries} entries: {failure}"
                ));
                Ok(())
            }
        }
    }

    /// Reads entries by their DNs.
    async fn at(&mut self, dns: Vec<String>, filter: &str) -> Result<(), Failure> {
        let looking = self.question.looking;
        let mut entries = Vec::new();
        let mut gaps = Vec::new();
        let mut end = None;
        {
            let Visit { settings, ask, plan, session, directory, .. } = &mut *self.visit;
            let limit = settings.operation_timeout;
            let shape = Shape { anchor: &plan.anchor, looking, keep: &ask.attributes };
            let (ldap, attributes) = (&session.ldap, &self.question.attributes);
            let mut answers = stream::iter(dns)
                .map(|dn| async move {
                    let mut ldap = ldap.clone();
                    match search::answer_at(&mut ldap, &dn, filter, attributes.clone(), limit).await {
                        Ok(Some(answer)) => Ok(Some(walk::usable(&mut ldap, answer, &shape, limit).await)),
                        Ok(None) => Ok(None),
                        Err(failure) => Err((dn, failure)),
                    }
                })
                .buffer_unordered(IN_FLIGHT);
            while let Some(answer) = answers.next().await {
                match answer {
                    Ok(entry) => entries.extend(entry),
                    Err((_, failure)) if is_nothing(directory.vendor, &failure) => {}
                    Err((_, failure)) if failure.ends_the_connection() => {
                        end = Some(failure);
                        break;
                    }
                    Err((dn, failure)) => gaps.push(format!("the lookup of \"{dn}\": {failure}")),
                }
            }
            drop(answers);
            if let Some(failure) = end {
                end = Some(session.explain(failure).await);
            }
        }
        entries.into_iter().for_each(|entry| self.take(entry));
        gaps.into_iter().for_each(|gap| self.tally.gap(gap));
        end.map_or(Ok(()), Err)
    }

    fn take(&mut self, entry: Result<Usable, Unusable>) {
        match entry {
            Ok(usable) => {
                if self.known.insert((usable.record.anchor, usable.record.dn_key())) {
                    self.usable.push(usable);
                }
            }
            Err(Unusable { dn, reason })
                if self.question.looking == Looking::Groups && !ad::is_conflict(&dn) =>
            {
                self.tally.unusable_group(dn, reason);
            }
            Err(Unusable { dn, reason }) => self.tally.unusable(dn, reason),
        }
    }

    /// Gives everybody found the primary group, as a full read does that met all groups before.
    async fn primary_groups(&mut self) -> Result<(), Failure> {
        let Visit { ask, directory, .. } = &*self.visit;
        if self.question.looking == Looking::Groups
            || !ask.groups
            || directory.vendor != Vendor::ActiveDirectory
        {
            return Ok(());
        }
        let sid_of =
            |usable: &Usable| ad::primary_group_sid(usable.sid.as_deref()?, usable.primary_group.as_deref()?);
        let open: BTreeSet<Vec<u8>> = self
            .usable
            .iter()
            .filter_map(sid_of)
            .filter(|sid| !self.visit.sight.primary.knows(sid))
            .collect();
        let outcome = self.groups_with(open.into_iter().collect()).await;
        let primary = &mut self.visit.sight.primary;
        // Without the group the record would be another one than that of a full read.
        self.usable.retain(|usable| sid_of(usable).is_none_or(|sid| primary.knows(&sid)));
        for Usable { record, sid, primary_group } in &mut self.usable {
            primary.meet(record, sid.take(), primary_group.take());
        }
        outcome
    }

    /// Finds the groups with these SIDs, where and as a full read finds them.
    async fn groups_with(&mut self, sids: Vec<Vec<u8>>) -> Result<(), Failure> {
        if sids.is_empty() {
            return Ok(());
        }
        let Visit { settings, plan, directory, group_bases, .. } = &*self.visit;
        let mut question = Question::groups(settings, &plan.anchor, directory.vendor);
        // Who else is in the group is not the question here.
        question.attributes.retain(|name| !matches!(name.as_str(), "member" | "uniquemember" | "memberuid"));
        let bases = group_bases.clone();
        let mut asking = Asking {
            visit: &mut *self.visit,
            question,
            tally: Tally::default(),
            usable: Vec::new(),
            known: HashSet::new(),
            full: false,
        };
        let mut outcome = Ok(());
        for filter in asking.question.filters.clone() {
            outcome = asking.by_value(&["objectsid"], &sids, &filter, &bases).await;
        }
        let Asking { usable, tally, .. } = asking;
        let found = tally.into_found(Vec::new());
        let whole = outcome.is_ok() && found.gaps.is_empty();
        for Usable { mut record, sid, primary_group } in usable {
            self.visit.sight.primary.meet(&mut record, sid, primary_group);
        }
        if whole {
            sids.into_iter().for_each(|sid| self.visit.sight.primary.none(sid));
        }
        found.gaps.into_iter().for_each(|gap| self.tally.gap(gap));
        outcome
    }
}

/// Whether a failure to search at a DN says that there is nothing in our scope: no such object;
/// or, on a domain controller, an object of another domain, which a full read does not see either.
fn is_nothing(vendor: Vendor, failure: &Failure) -> bool {
    let Failure::Code(result) = failure else { return false };
    result.rc == 32 || result.rc == 10 && walk::is_active_directory(vendor)
}
