//! Contacts are carried out: one action each, a few side by side: intents, calls, confirmations.
//!
//! The cloud keeps no anchor of a contact. Before one is made, the cloud was asked whether it has one
//! with the same address (or name), so that one that is found after a lost answer is the one that
//! we made.

use std::sync::Arc;

use futures_util::future::join_all;

use crate::clock;
use crate::cloud::{CloudError, CloudErrorKind, Order};
use crate::guard::CheckedPlan;
use crate::model::{Action, CloudId, Contact, ContactLink, Kind};
use crate::report::Event;
use crate::store::{ContactChange, Outcome, RowChange, Settlement, StoreError};

use super::outcome::code;
use super::work::leaves_open;
use super::{Failure, Hands, Outcomes};

/// Contacts that share one commit of the journal, and are under way at once.
const AT_ONCE: usize = 8;

/// What is to be done about one contact, and what the store says then.
pub struct ContactWork {
    /// What may be done: at most one action.
    pub checked: CheckedPlan,
    /// The link as it should read when it succeeded; `None` when it ends.
    pub after: Option<ContactLink>,
}

/// Carries contacts out.
///
/// # Errors
///
/// Only when the store fails: without a journal nothing more may be sent.
pub async fn carry_out_contacts(hands: &Hands, works: Vec<ContactWork>) -> Result<Outcomes, StoreError> {
    let mut outcomes = Outcomes::default();
    let mut todo: Vec<(String, Action, Option<ContactLink>)> = Vec::new();
    for ContactWork { checked, after } in works {
        let plan = checked.into_plan();
        todo.extend(plan.actions.into_iter().next().map(|action| (plan.id, action, after)));
    }
    for some in todo.chunks(AT_ONCE) {
        outcomes.stopped |= hands.stop.is_cancelled();
        if outcomes.stopped || outcomes.fatal.is_some() {
            break;
        }
        let plan = &some[0].0;
        let actions = some.iter().map(|(_, action, _)| action);
        let now = clock::now().timestamp();
        let intents = hands.store.intend(hands.run, plan, now, actions).await?;
        let answers = join_all(some.iter().map(|(_, action, _)| one(hands, action))).await;
        let mut settlements = Vec::with_capacity(some.len());
        for (((_, action, after), intent), answer) in some.iter().zip(intents).zip(answers) {
            let (outcome, row) = match answer {
                Ok(id) => {
                    *outcomes.done.entry(action.kind).or_default() += 1;
                    let told = Arc::new(action.clone());
                    (hands.events)(Event::Done { action: told, cloud_id: Some(id.clone()) });
                    let link = after.clone().map(|link| ContactLink { cloud_id: id, ..link });
                    let change = ContactChange { anchor: action.anchor, link };
                    (Outcome::Succeeded, Some(RowChange::Contact(Box::new(change))))
                }
                Err(error) => {
                    let outcome = failed(hands, &mut outcomes, action, &error);
                    // Left open, for the recovery to close.
                    let Some(outcome) = outcome else { continue };
                    (outcome, None)
                }
            };
            settlements.push(Settlement { intent, outcome, row });
        }
        hands.store.settle(clock::now().timestamp(), settlements).await?;
    }
    Ok(outcomes)
}

/// One call, or none where the cloud already says what should be.
async fn one(hands: &Hands, action: &Action) -> Result<CloudId, CloudError> {
    match &action.cloud_id {
        Some(id) if action.changes.is_empty() && action.kind == Kind::ContactUpdate => Ok(id.clone()),
        cloud_id => {
            let order = Order { action, cloud_id: cloud_id.as_ref() };
            match hands.writer.write_contact(order).await {
                Err(error) if action.kind == Kind::ContactCreate => read_after(hands, action, error).await,
                answer => answer,
            }
        }
    }
}

/// A create that was sent and not answered may have happened: the cloud is asked.
async fn read_after(hands: &Hands, action: &Action, error: CloudError) -> Result<CloudId, CloudError> {
    if error.kind != CloudErrorKind::Ambiguous {
        return Err(error);
    }
    let wanted = Contact::default().after(action);
    match hands.cloud.contacts_like(&wanted).await {
        Ok(found) => {
            let made = found.into_iter().find(|there| there.contact.changes_to(&wanted).is_empty());
            made.map(|there| there.id).ok_or(error)
        }
        Err(_) => Err(error),
    }
}

/// Notes a failure; `None` when nobody knows whether it happened.
fn failed(hands: &Hands, outcomes: &mut Outcomes, action: &Action, error: &CloudError) -> Option<Outcome> {
    let code = match error.kind {
        CloudErrorKind::Conflict => "contact_taken",
        CloudErrorKind::NotFound => "contact_missing",
        kind => code(kind),
    };
    if error.kind.ends_pass() {
        outcomes.fatal.get_or_insert_with(|| error.clone());
    }
    outcomes.lost |= matches!(error.kind, CloudErrorKind::NotFound | CloudErrorKind::Ambiguous);
    let (message, remedy) = (error.to_string(), error.remedy.clone());
    (hands.events)(Event::Failed {
        action: action.clone(),
        code: code.into(),
        message: message.clone(),
        remedy: remedy.clone(),
    });
    let failure = Failure { action: action.clone(), code: code.into(), message: message.clone(), remedy };
    outcomes.failed.push(failure);
    (!leaves_open(action.kind, error.kind)).then(|| Outcome::Failed { code: code.into(), message })
}
