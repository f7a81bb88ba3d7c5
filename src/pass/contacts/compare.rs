//! Contacts are compared, and what would be removed is weighed before anything is done.

use std::collections::{BTreeMap, BTreeSet, HashSet};

use crate::apply::ContactWork;
use crate::guard::{Finding, Guard, Headcount, HeldAction, Limits, Object, Tally, unreleased};
use crate::model::{Action, Cause, CloudId, Contact, ContactLink, SourceId, Withheld};
use crate::pass::census::Doubts;
use crate::pass::parts::Part;
use crate::plan::{ContactAim, ContactCase, ContactDecision, ContactSeen, Plan, decide_contact};
use crate::rules::ContactWish;

use super::{ContactsSeen, ReadContacts};

/// Everything that the comparison of contacts goes by.
pub struct ContactView<'a> {
    /// What was read.
    pub read: &'a ReadContacts,
    /// What was seen of the cloud.
    pub seen: &'a ContactsSeen,
    /// The contacts that are ours, sorted.
    pub links: Vec<ContactLink>,
    /// Of whom the read speaks; `None` when it speaks of everybody.
    pub concerned: Option<&'a BTreeSet<SourceId>>,
    /// Whether contacts that are there already are taken over.
    pub adopt: bool,
    /// Whether absence is proved.
    pub may_remove: bool,
    /// Whose source was not read completely.
    pub doubts: &'a Doubts,
    /// The limits of the guard.
    pub limits: &'a Limits,
    /// Removals of the last hour.
    pub recent: Tally,
    /// Linked people.
    pub linked: u64,
    /// The census against the last whole one.
    pub headcount: Option<Headcount>,
    /// What an administrator approved.
    pub approved: &'a [Action],
    /// The plan and the generation of the snapshot.
    pub plan: (String, u64),
}

/// All contacts to which something is to be done or noted.
#[derive(Default)]
pub struct ContactPlan {
    /// What may be done.
    pub works: Vec<ContactWork>,
    /// What waits for approval.
    pub held: Vec<HeldAction>,
    /// Links that read otherwise from now on, without a change in the cloud; `None` for one that ends.
    pub notes: Vec<(SourceId, Option<ContactLink>)>,
    /// What the guard objects to.
    pub findings: Vec<Finding>,
    /// Contacts about which nothing can be decided.
    pub withheld: Vec<Withheld>,
    /// Contacts that stay as they are although they should not, and why.
    pub kept: Vec<(SourceId, &'static str)>,
}

impl ContactPlan {
    /// The same as parts of a dry run.
    pub fn into_parts(self) -> impl Iterator<Item = Part> {
        let said = Part {
            held: self.held,
            withheld: self.withheld,
            short: self.kept,
            findings: self.findings,
            ..Part::default()
        };
        let works = self.works.into_iter();
        std::iter::once(said).chain(works.map(|work| Part { checked: work.checked, ..Part::default() }))
    }
}

impl ContactView<'_> {
    /// Compares.
    pub fn compare(&self) -> ContactPlan {
        let mut plan = ContactPlan::default();
        let links: BTreeMap<SourceId, &ContactLink> =
            self.links.iter().map(|link| (link.anchor, link)).collect();
        let taken: HashSet<&CloudId> = self.links.iter().map(|link| &link.cloud_id).collect();
        let rivals = self.rivals(&links);
        let mut decided = Vec::new();
        for (anchor, (dn, print, wish)) in &self.read.judged {
            let link = links.get(anchor).map(|link| (*link).clone());
            let aim = match wish {
                ContactWish::Withheld(withheld) => {
                    plan.withheld.push(withheld.clone());
                    continue;
                }
                ContactWish::Leaving(cause) => ContactAim::Gone(*cause),
                ContactWish::Present(contact) => {
                    if let Some(dns) = rivals.get(&contact.identity()) {
                        plan.withheld.push(duplicate(*anchor, dn, dns));
                        continue;
                    }
                    ContactAim::Present(contact.clone(), *print)
                }
            };
            let seen = match (&link, &aim) {
                (Some(link), _) => self.seen(link),
                (None, ContactAim::Present(contact, _)) => {
                    match self.seen.like(contact).find(|there| !taken.contains(&there.id)) {
                        Some(there) if self.adopt => ContactSeen::There(there.clone()),
                        Some(there) => {
                            plan.withheld.push(there_already(*anchor, dn, &there.id));
                            continue;
                        }
                        None => ContactSeen::Missing,
                    }
                }
                (None, _) => continue,
            };
            let proven = self.may_remove && !self.doubts.holds(dn);
            decided.push(ContactCase { anchor: *anchor, dn: dn.clone(), aim, link, seen, proven });
        }
        for link in self.links.iter().filter(|link| !self.read.judged.contains_key(&link.anchor)) {
            let aim = match self.is_gone(link) {
                true => ContactAim::Gone(Cause::RecordGone),
                false => ContactAim::AsApplied,
            };
            if let (ContactAim::AsApplied, Some(dns)) = (&aim, rivals.get(&link.applied.identity())) {
                plan.withheld.push(duplicate(link.anchor, &link.dn, dns));
                continue;
            }
            let proven = self.may_remove
                && !self.doubts.holds(&link.dn)
                && !self.read.may_be_unusable(link.anchor, &link.dn);
            let (anchor, dn, seen) = (link.anchor, link.dn.clone(), self.seen(link));
            decided.push(ContactCase { anchor, dn, aim, link: Some(link.clone()), seen, proven });
        }
        self.weigh(decided, &links, &mut plan);
        plan
    }

    /// Whether the record of a contact of ours was looked for and not found.
    fn is_gone(&self, link: &ContactLink) -> bool {
        let spoken_of = self.concerned.is_none_or(|concerned| concerned.contains(&link.anchor));
        spoken_of && !self.read.same.contains(&link.anchor)
    }

    /// Identities that several records claim, with the DNs of all. Of a contact of which nothing was read
    /// anew, or nothing that can be used, what was applied says what it claims.
    fn rivals(&self, links: &BTreeMap<SourceId, &ContactLink>) -> BTreeMap<String, Vec<String>> {
        let mut claims: BTreeMap<String, BTreeMap<SourceId, &str>> = BTreeMap::new();
        for (anchor, (dn, _, wish)) in &self.read.judged {
            let identity = match wish {
                ContactWish::Present(contact) => Some(contact.identity()),
                ContactWish::Withheld(_) => links.get(anchor).map(|link| link.applied.identity()),
                ContactWish::Leaving(_) => None,
            };
            if let Some(identity) = identity {
                claims.entry(identity).or_default().insert(*anchor, dn);
            }
        }
        for link in links.values().filter(|link| !self.read.judged.contains_key(&link.anchor)) {
            if !self.is_gone(link) {
                claims.entry(link.applied.identity()).or_default().insert(link.anchor, &link.dn);
            }
        }
        claims.retain(|_, claimants| claimants.len() > 1);
        let dns = |claimants: BTreeMap<SourceId, &str>| claimants.into_values().map(Into::into).collect();
        claims.into_iter().map(|(identity, claimants)| (identity, dns(claimants))).collect()
    }

    fn seen(&self, link: &ContactLink) -> ContactSeen {
        match self.seen.by_id(&link.cloud_id) {
            Some(there) => ContactSeen::There(there.clone()),
            None if self.seen.listed => ContactSeen::Missing,
            None => ContactSeen::AsLinked,
        }
    }

    /// What the guard says about all of it together.
    fn weigh(
        &self,
        cases: Vec<ContactCase>,
        links: &BTreeMap<SourceId, &ContactLink>,
        plan: &mut ContactPlan,
    ) {
        let approved: Vec<Action> =
            self.approved.iter().filter(|action| action.kind.is_contact()).cloned().collect();
        let mut tally = Tally::of_contacts(self.links.len() as u64);
        tally.join(&self.recent.only(Object::Contact));
        let decided: Vec<(SourceId, ContactDecision)> =
            cases.into_iter().map(|case| (case.anchor, decide_contact(case))).collect();
        for action in decided.iter().filter_map(|(_, decision)| decision.action.as_ref()) {
            tally.add(unreleased(action, &approved).as_slice());
        }
        let guard = Guard::weigh(self.limits, &tally, self.linked, self.headcount, approved);
        plan.findings = guard.findings().to_vec();
        for (anchor, ContactDecision { action, link, kept }) in decided {
            plan.kept.extend(kept.map(|why| (anchor, why)));
            let Some(action) = action else {
                if link.as_ref() != links.get(&anchor).copied() {
                    plan.notes.push((anchor, link));
                }
                continue;
            };
            let (id, generation) = self.plan.clone();
            let (checked, held) = guard.check(Plan { id, generation, actions: vec![action] });
            plan.held.extend(held);
            if !checked.plan().actions.is_empty() {
                plan.works.push(ContactWork { checked, after: link });
            }
        }
    }
}

fn duplicate(anchor: SourceId, dn: &str, dns: &[String]) -> Withheld {
    Withheld {
        anchor: Some(anchor),
        dn: dn.to_owned(),
        code: "duplicate_contact".into(),
        reason: format!(
            "several contacts have this address, or this name and no address: {}",
            dns.join("; ")
        ),
        remedy: "give each an address of its own, or take all but one out of contacts.scope".into(),
    }
}

fn there_already(anchor: SourceId, dn: &str, there: &CloudId) -> Withheld {
    Withheld {
        anchor: Some(anchor),
        dn: dn.to_owned(),
        code: "contact_taken".into(),
        reason: format!(
            "the cloud has a contact with this address, or this name and no address, already: {there}"
        ),
        remedy: "set contacts.adopt to take it over, or delete one of the two".into(),
    }
}

/// Whether a contact in the cloud is exactly what was to be made.
pub(in crate::pass) fn is_exactly(there: &Contact, wanted: &Contact) -> bool {
    there.changes_to(wanted).is_empty()
}
