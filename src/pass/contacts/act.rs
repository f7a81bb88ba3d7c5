//! Contacts are carried out, after the people and before the groups.

use crate::apply::{Hands, carry_out_contacts};
use crate::clock;
use crate::guard::Finding;
use crate::model::{CloudId, Contact, ContactLink, Fingerprint, Kind, Origin};
use crate::pass::{Acted, Look, PassError};
use crate::report::Event;
use crate::store::{ContactChange, Outcome, RowChange, Settlement};

use super::ContactView;
use super::compare::is_exactly;

/// The contacts of the cloud: compared, weighed, and carried out.
///
/// # Errors
///
/// When the store fails; trouble with the cloud is in the result.
pub async fn act_on_contacts(look: &Look, hands: &Hands, acted: &mut Acted) -> Result<(), PassError> {
    if !look.has_contacts {
        return Ok(());
    }
    let unawares = look.contacts_created_unawares()?;
    if !unawares.is_empty() {
        hands.store.settle(clock::now().timestamp(), unawares).await?;
    }
    let Some(view) = look.contact_view()? else { return Ok(()) };
    let plan = view.compare();
    for finding in &plan.findings {
        (hands.events)(Event::Objection(finding.clone()));
    }
    for one in &plan.withheld {
        (hands.events)(Event::Withheld(one.clone()));
    }
    let notes = plan
        .notes
        .into_iter()
        .map(|(anchor, link)| RowChange::Contact(Box::new(ContactChange { anchor, link })));
    let notes: Vec<RowChange> = notes.collect();
    if !notes.is_empty() {
        hands.store.change_rows(notes).await?;
    }
    if !plan.works.is_empty() {
        let contacts = plan.works.len() as u64;
        (hands.events)(Event::PlannedContacts { contacts });
    }
    let outcomes = carry_out_contacts(hands, plan.works).await?;
    for (kind, count) in outcomes.done {
        *acted.done.entry(kind).or_default() += count;
    }
    acted.failed.extend(outcomes.failed);
    acted.lost |= outcomes.lost;
    acted.stopped |= outcomes.stopped;
    acted.fatal = acted.fatal.take().or(outcomes.fatal);
    acted.held.extend(plan.held);
    acted.withheld.extend(plan.withheld);
    acted.kept.extend(plan.kept);
    let known = |finding: &Finding| look.guard.findings().iter().any(|other| other.code == finding.code);
    acted.findings.extend(plan.findings.into_iter().filter(|finding| !known(finding)));
    Ok(())
}

impl Look {
    /// The comparison of contacts; `None` when there are to be none.
    pub(in crate::pass) fn contact_view(&self) -> Result<Option<ContactView<'_>>, PassError> {
        if !self.has_contacts {
            return Ok(None);
        }
        Ok(Some(ContactView {
            read: &self.reading.contacts,
            seen: &self.contacts_seen,
            links: self.reader.contact_links()?,
            concerned: self.reading.concerned.as_ref(),
            adopt: self.adopts_contacts,
            may_remove: self.policy.may_remove && self.reading.partial.is_empty(),
            doubts: &self.reading.doubts,
            limits: &self.groups.limits,
            recent: self.groups.recent,
            linked: self.linked,
            headcount: self.reading.headcount,
            approved: &self.groups.approved,
            plan: (self.plan.clone(), self.generation),
        }))
    }

    /// Contacts made by a run that never heard of it. Nothing like them was there when it asked, so
    /// one that is exactly what it was to make is ours. Only a list of all contacts tells.
    fn contacts_created_unawares(&self) -> Result<Vec<Settlement>, PassError> {
        if !self.contacts_seen.listed {
            return Ok(Vec::new());
        }
        let links = self.reader.contact_links()?;
        let mut settlements = Vec::new();
        for intent in self.reader.unconfirmed_intents()? {
            let action = &intent.action;
            if action.kind != Kind::ContactCreate || links.iter().any(|link| link.anchor == action.anchor) {
                continue;
            }
            let wanted = Contact::default().after(action);
            let free = |id: &CloudId| links.iter().all(|link| link.cloud_id != *id);
            let mut same = self.contacts_seen.like(&wanted);
            let found = same.find(|there| is_exactly(&there.contact, &wanted) && free(&there.id));
            let found = found.map(|there| there.id.clone());
            drop(same);
            let (outcome, row) = match found {
                Some(there) => {
                    let link = ContactLink {
                        anchor: action.anchor,
                        cloud_id: there.clone(),
                        dn: action.dn.clone().unwrap_or_default(),
                        record: Fingerprint::NONE,
                        applied: wanted,
                        origin: Origin::Created,
                    };
                    let change = ContactChange { anchor: action.anchor, link: Some(link) };
                    (Outcome::Succeeded, Some(RowChange::Contact(Box::new(change))))
                }
                None => {
                    let message = "the contact was not there when the cloud was observed".to_owned();
                    (Outcome::Failed { code: "never_happened".into(), message }, None)
                }
            };
            settlements.push(Settlement { intent: intent.id, outcome, row });
        }
        Ok(settlements)
    }
}
