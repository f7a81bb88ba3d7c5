//! Single objects, looked up in the scope and the shape of a full read.
//!
//! The answer may prove that somebody is gone: whatever is not answered, or not beyond doubt,
//! is a gap.

mod places;
mod primary;
mod units;

use std::collections::HashSet;

use futures_util::{StreamExt, stream};

use crate::model::{Found, Key, Lookup, MANY, SourceId, Unusable};
use crate::source::ad;
use crate::source::shape::{Looking, Shape};
use crate::source::tally::Tally;

use super::clause::{self, AnchorClause};
use super::detect::Vendor;
use super::question::Question;
use super::search::{self, Search};
use super::sight::Place;
use super::trouble::{Failure, Trouble};
use super::visit::Visit;
use super::walk::{self, Met, Usable, Walk};

/// Anchors, or values of one attribute, in one filter.
const AT_ONCE: usize = 100;

/// Searches of single entries under way at once.
const IN_FLIGHT: usize = 16;

/// Looks objects up.
pub(super) async fn fetch(visit: &mut Visit<'_>, lookup: &Lookup) -> Result<Found, Trouble> {
    let looking = match lookup {
        Lookup::ContainersBelow(dns) => return Ok(units::below(visit, dns).await),
        Lookup::Groups(_) | Lookup::GroupsHolding(_) | Lookup::GroupsBelow(_) => Looking::Groups,
        Lookup::People(_) | Lookup::PeopleAt(_) | Lookup::PeopleBelow(_) | Lookup::PeopleWith { .. } => {
            Looking::People
        }
    };
    let (settings, anchor, vendor) = (visit.settings, &visit.plan.anchor, visit.directory.vendor);
    let questions = match looking {
        Looking::Groups => vec![Question::groups(settings, anchor, vendor)],
        _ => {
            let mut questions = Question::beside_people(settings, visit.ask, anchor, vendor);
            questions.push(Question::people(settings, visit.ask, anchor, vendor));
            questions
        }
    };
    let mut asking = Asking::new(visit, looking);
    if let Err(failure) = asking.look(lookup, questions).await {
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
    /// Whether groups are looked for, or people and who is beside them.
    looking: Looking,
    tally: Tally,
    usable: Vec<Usable>,
    /// What is in `usable`: many a group holds two of the members asked for.
    known: HashSet<(SourceId, Key)>,
    /// Rooms and contacts that filters of their own found.
    beside: HashSet<SourceId>,
    /// More was found than is worth looking up.
    full: bool,
}

impl<'v, 'a> Asking<'v, 'a> {
    fn new(visit: &'v mut Visit<'a>, looking: Looking) -> Self {
        Self {
            visit,
            looking,
            tally: Tally::default(),
            usable: Vec::new(),
            known: HashSet::new(),
            beside: HashSet::new(),
            full: false,
        }
    }

    /// Everything about one lookup. A failure is one after which asking on is pointless.
    async fn look(&mut self, lookup: &Lookup, questions: Vec<Question>) -> Result<(), Failure> {
        let asked = match lookup {
            Lookup::People(list) | Lookup::Groups(list) => list.len(),
            Lookup::PeopleAt(list)
            | Lookup::PeopleBelow(list)
            | Lookup::GroupsHolding(list)
            | Lookup::GroupsBelow(list)
            | Lookup::ContainersBelow(list) => list.len(),
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
            let bases = if self.looking == Looking::Groups { &*group_bases } else { &*bases };
            sight.bases(self.looking, session, bases, settings, &mut self.tally).await?
        };
        for question in &questions {
            let (before, gaps) = (self.usable.len(), self.tally.gaps());
            // One filter alone needs no choice.
            let filter = match question.filters.as_slice() {
                [only] => only.clone(),
                _ => match self.chosen_filter(question).await? {
                    Some(filter) => filter,
                    None => continue,
                },
            };
            self.ask(lookup, question, &filter, &places).await?;
            if question.looking == Looking::Rooms && self.tally.gaps() > gaps {
                // A room that was not seen would be taken for a person.
                return Ok(());
            }
            if question.looking != self.looking {
                continue;
            }
            if self.usable.len() > before {
                self.visit.sight.saw(question);
            } else {
                // Nobody at all to be seen would be a gap.
                self.chosen_filter(question).await?;
            }
        }
        if let Lookup::People(anchors) | Lookup::Groups(anchors) = lookup {
            self.missed(anchors);
        }
        self.primary_groups().await
    }

    /// One question about what is looked up.
    async fn ask(
        &mut self,
        lookup: &Lookup,
        question: &Question,
        filter: &str,
        places: &[Place],
    ) -> Result<(), Failure> {
        let bases: Vec<String> = places.iter().map(|place| place.base.clone()).collect();
        match lookup {
            Lookup::People(anchors) | Lookup::Groups(anchors) => {
                let clause = self.anchor_clause();
                for chunk in anchors.chunks(AT_ONCE) {
                    let filter = clause::both(filter, &clause.any_of(chunk));
                    for base in &bases {
                        self.search(question, base, &filter, true).await?;
                    }
                }
                // A filter looks at every value of an attribute, an anchor is the first one.
                let wanted: HashSet<&SourceId> = anchors.iter().collect();
                self.usable.retain(|usable| wanted.contains(&usable.record.anchor));
                Ok(())
            }
            Lookup::PeopleAt(dns) => self.at(question, places::inside(dns, places), filter).await,
            Lookup::PeopleBelow(dns) | Lookup::GroupsBelow(dns) | Lookup::ContainersBelow(dns) => {
                for place in places::below(dns, places) {
                    self.search(question, &place, filter, bases.contains(&place)).await?;
                }
                Ok(())
            }
            Lookup::PeopleWith { attribute, values } => {
                if !clause::is_name(attribute) {
                    self.tally.gap("what was asked for is not the name of an attribute".into());
                    return Ok(());
                }
                self.by_value(question, &[attribute], values, filter, &bases).await
            }
            Lookup::GroupsHolding(dns) => {
                let names: &[&str] =
                    if self.only_member() { &["member"] } else { &["member", "uniquemember"] };
                self.by_value(question, names, dns, filter, &bases).await
            }
        }
    }

    async fn chosen_filter(&mut self, question: &Question) -> Result<Option<String>, Failure> {
        let Visit { session, bases, group_bases, settings, sight, .. } = &mut *self.visit;
        let bases = if self.looking == Looking::Groups { &*group_bases } else { &*bases };
        sight.filter(question, session, bases, settings, &mut self.tally).await
    }

    fn anchor_clause(&self) -> AnchorClause {
        let Visit { plan, directory, ask, .. } = &*self.visit;
        AnchorClause::new(&plan.anchor, directory.vendor, ask)
    }

    /// Who was not found, and is not proved to be gone by that.
    fn missed(&mut self, anchors: &[SourceId]) {
        let clause = self.anchor_clause();
        let found: HashSet<SourceId> = self.usable.iter().map(|usable| usable.record.anchor).collect();
        let missed = anchors.iter().filter(|anchor| !found.contains(anchor)).count();
        if missed > 0 && !clause.exact {
            self.tally.gap(format!(
                "{missed} objects were not found by {}, which cannot be searched by anchor unless it holds \
                 UUIDs: only a full read tells whether they are there",
                clause.names()
            ));
        }
    }

    async fn by_value(
        &mut self,
        question: &Question,
        names: &[&str],
        values: &[impl AsRef<[u8]>],
        filter: &str,
        bases: &[String],
    ) -> Result<(), Failure> {
        for chunk in values.chunks(AT_ONCE / names.len().max(1)) {
            let filter = clause::both(filter, &clause::any_value(names, chunk));
            for base in bases {
                self.search(question, base, &filter, true).await?;
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
    async fn search(
        &mut self,
        question: &Question,
        base: &str,
        filter: &str,
        must_exist: bool,
    ) -> Result<(), Failure> {
        if self.full {
            return Ok(());
        }
        let (what, looking) = (question.what(), question.looking);
        let Visit { settings, ask, plan, session, directory, .. } = &mut *self.visit;
        let search = Search {
            base: base.to_owned(),
            filter: filter.to_owned(),
            attributes: question.attributes.clone(),
            page_size: question.page_size(settings),
            limit: settings.operation_timeout,
        };
        let shape = Shape { anchor: &plan.anchor, looking, keep: &ask.attributes };
        let mut walk = Walk::new(session, &search, shape);
        let mut met = Vec::new();
        let room = MANY - self.usable.len().min(MANY);
        let failure = loop {
            match walk.next().await {
                Met::Entry(entry) => met.push(entry),
                Met::Page | Met::Leftover => {}
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
        met.into_iter().for_each(|entry| self.take(entry, looking));
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
    async fn at(&mut self, question: &Question, dns: Vec<String>, filter: &str) -> Result<(), Failure> {
        let looking = question.looking;
        let mut entries = Vec::new();
        let mut gaps = Vec::new();
        let mut end = None;
        {
            let Visit { settings, ask, plan, session, directory, .. } = &mut *self.visit;
            let limit = settings.operation_timeout;
            let shape = Shape { anchor: &plan.anchor, looking, keep: &ask.attributes };
            let (ldap, attributes) = (&session.ldap, &question.attributes);
            let mut answers = stream::iter(dns)
                .map(|dn| async move {
                    let mut ldap = ldap.clone();
                    match search::answer_at(&mut ldap, &dn, filter, attributes.clone(), limit).await {
                        Ok(Some(answer)) => Ok(walk::usable(&mut ldap, answer, &shape, limit).await),
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
        entries.into_iter().for_each(|entry| self.take(entry, looking));
        gaps.into_iter().for_each(|gap| self.tally.gap(gap));
        end.map_or(Ok(()), Err)
    }

    fn take(&mut self, entry: Result<Usable, Unusable>, looking: Looking) {
        match entry {
            Ok(Usable { record, .. }) if self.is_beside(record.anchor, looking) => {}
            Ok(usable) => {
                if self.known.insert((usable.record.anchor, usable.record.dn_key())) {
                    self.usable.push(usable);
                }
            }
            Err(entry) if looking == Looking::Groups && !ad::is_conflict(&entry.dn) => {
                self.tally.unusable_group(entry);
            }
            Err(entry) => self.tally.unusable(entry),
        }
    }

    /// Whether the object was met already, as something else than a person.
    fn is_beside(&mut self, anchor: SourceId, looking: Looking) -> bool {
        match looking {
            Looking::Rooms | Looking::Contacts => !self.beside.insert(anchor),
            _ => self.beside.contains(&anchor),
        }
    }
}

/// Whether a failure to search at a DN says that there is nothing in our scope: no such object;
/// or, on a domain controller, an object of another domain, which a full read does not see either.
pub(super) fn is_nothing(vendor: Vendor, failure: &Failure) -> bool {
    let Failure::Code(result) = failure else { return false };
    result.rc == 32 || result.rc == 10 && walk::is_active_directory(vendor)
}
