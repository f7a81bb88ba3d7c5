//! Groups are carried out: each in the order of its actions, several side by side. A chunk of
//! members is one action: intent, call, confirmation.

use std::collections::BTreeSet;
use std::sync::Arc;

use tokio::task::JoinSet;

use crate::clock;
use crate::cloud::{CloudError, CloudErrorKind, GroupWritten, Order};
use crate::guard::CheckedPlan;
use crate::model::{Action, Attr, Cause, Change, CloudGroup, CloudId, Field, GroupLink, Key, Kind};
use crate::plan::Plan;
use crate::report::Event;
use crate::store::{GroupChange, IntentId, Outcome, RowChange, Settlement, StoreError};

use super::outcome::code;
use super::work::leaves_open;
use super::{Failure, Hands, Outcomes, ended};

/// Groups under way at once.
const GROUPS_AT_ONCE: usize = 4;

/// What is to be done about one group, and what the store says before and after.
pub struct GroupWork {
    /// What may be done.
    pub checked: CheckedPlan,
    /// The link as it is.
    pub before: Option<GroupLink>,
    /// The link as it should read when everything succeeded; `None` when it ends.
    pub after: Option<GroupLink>,
    /// Whether the members that we know of are forgotten first: the group is another one.
    pub afresh: bool,
    /// Members who count as ours from the first action on.
    pub known: Vec<CloudId>,
    /// Members whose accounts are gone.
    pub forget: Vec<Key>,
}

/// Carries groups out.
///
/// # Errors
///
/// Only when the store fails: without a journal nothing more may be sent.
pub async fn carry_out_groups(hands: &Hands, works: Vec<GroupWork>) -> Result<Outcomes, StoreError> {
    let mut all = Outcomes::default();
    let mut under_way: JoinSet<Result<(), StoreError>> = JoinSet::new();
    let (sender, mut results) = tokio::sync::mpsc::unbounded_channel();
    for work in works {
        if under_way.len() >= GROUPS_AT_ONCE {
            ended(under_way.join_next().await)?;
        }
        while let Ok(outcomes) = results.try_recv() {
            join(&mut all, outcomes);
        }
        if all.fatal.is_some() || hands.stop.is_cancelled() {
            all.stopped |= hands.stop.is_cancelled();
            break;
        }
        let (hands, sender) = (hands.clone(), sender.clone());
        under_way.spawn(async move {
            let outcomes = Walk::begin(&hands, work).carry_out().await?;
            // The other end waits for all of them.
            let _ = sender.send(outcomes);
            Ok(())
        });
    }
    while let Some(result) = under_way.join_next().await {
        ended(Some(result))?;
    }
    drop(sender);
    while let Some(outcomes) = results.recv().await {
        join(&mut all, outcomes);
    }
    Ok(all)
}

fn join(all: &mut Outcomes, one: Outcomes) {
    for (kind, count) in one.done {
        *all.done.entry(kind).or_default() += count;
    }
    all.failed.extend(one.failed);
    all.lost |= one.lost;
    all.stopped |= one.stopped;
    all.fatal = all.fatal.take().or(one.fatal);
}

/// One group on its way.
struct Walk<'a> {
    hands: &'a Hands,
    plan: Plan,
    link: Option<GroupLink>,
    after: Option<GroupLink>,
    afresh: bool,
    known: Vec<CloudId>,
    forget: Vec<Key>,
    failed: bool,
    outcomes: Outcomes,
}

impl<'a> Walk<'a> {
    fn begin(hands: &'a Hands, work: GroupWork) -> Self {
        let GroupWork { checked, before, after, afresh, known, forget } = work;
        let (plan, outcomes) = (checked.into_plan(), Outcomes::default());
        Self { hands, plan, link: before, after, afresh, known, forget, failed: false, outcomes }
    }

    async fn carry_out(mut self) -> Result<Outcomes, StoreError> {
        let actions = std::mem::take(&mut self.plan.actions);
        if actions.is_empty() {
            self.note().await?;
        }
        let last = actions.len().saturating_sub(1);
        for (at, action) in actions.into_iter().enumerate() {
            if self.hands.stop.is_cancelled() {
                self.outcomes.stopped = true;
                break;
            }
            if !self.one(action, at == last).await? {
                break;
            }
        }
        Ok(self.outcomes)
    }

    /// What is known without a call.
    async fn note(&mut self) -> Result<(), StoreError> {
        let anchor = match (&self.link, &self.after) {
            (_, Some(link)) | (Some(link), None) => link.anchor,
            (None, None) => return Ok(()),
        };
        // A group that is to be made, and is held, has no link yet.
        let link = self.after.take().filter(|link| !link.cloud_id.as_str().is_empty());
        let change = GroupChange {
            anchor,
            link,
            afresh: false,
            joined: Vec::new(),
            left: std::mem::take(&mut self.forget),
        };
        self.hands.store.change_rows(vec![RowChange::Group(Box::new(change))]).await
    }

    /// One action; `false` when what comes after it would build on sand.
    async fn one(&mut self, action: Action, last: bool) -> Result<bool, StoreError> {
        let hands = self.hands;
        let now = clock::now().timestamp();
        let [intent] = hands.store.intend(hands.run, &self.plan.id, now, [&action]).await?[..] else {
            return Ok(false);
        };
        let target = self.link.as_ref().filter(|_| !self.afresh).map(|link| link.cloud_id.clone());
        let target = action.cloud_id.clone().or(target);
        let answer = match &target {
            // A group of ours to which the link was lost: nothing to say to the cloud.
            Some(id) if action.changes.is_empty() && action.kind == Kind::GroupUpdate => {
                Ok(GroupWritten { id: id.clone(), refused: Vec::new() })
            }
            target => {
                let order = Order { action: &action, cloud_id: target.as_ref() };
                match hands.writer.write_group(order).await {
                    Err(e) if action.kind == Kind::GroupCreate => self.read_after(&action, e).await,
                    answer => answer,
                }
            }
        };
        match answer {
            Ok(written) => {
                let settlement = self.succeeded(&action, intent, &written, last);
                hands.store.settle(clock::now().timestamp(), vec![settlement]).await?;
                let done = Event::Done { action: Arc::new(action), cloud_id: Some(written.id) };
                (hands.events)(done);
                Ok(true)
            }
            Err(error) => self.fail(action, intent, &error).await,
        }
    }

    /// A create that was sent and not answered, or refused because the name exists, may have
    /// happened: the cloud is asked.
    async fn read_after(&self, action: &Action, error: CloudError) -> Result<GroupWritten, CloudError> {
        if !matches!(error.kind, CloudErrorKind::Ambiguous | CloudErrorKind::Conflict) {
            return Err(error);
        }
        let anchor = action.anchor.to_string();
        let ours = |group: &CloudGroup| group.external_id.as_deref() == Some(anchor.as_str());
        match self.hands.cloud.group_by_name(action.who.as_str()).await {
            Ok(found) => match found.into_iter().find(ours) {
                Some(group) => Ok(GroupWritten { id: group.id, refused: Vec::new() }),
                None => Err(error),
            },
            // Not even that is known: the intent stays open, for the recovery to close.
            Err(_) => Err(CloudError { kind: CloudErrorKind::Ambiguous, ..error }),
        }
    }

    fn succeeded(
        &mut self,
        action: &Action,
        intent: IntentId,
        written: &GroupWritten,
        last: bool,
    ) -> Settlement {
        *self.outcomes.done.entry(action.kind).or_default() += 1;
        let refused: BTreeSet<&CloudId> = written.refused.iter().collect();
        let mut joined = joined(action);
        joined.retain(|id| !refused.contains(id));
        joined.append(&mut self.known);
        let left = members(action, Change::expels);
        let mut left: Vec<Key> = left.iter().map(|id| Key::exact(id.as_str())).collect();
        left.append(&mut self.forget);
        let mut outcome = Outcome::Succeeded;
        if !refused.is_empty() {
            self.failed = true;
            let message = format!("the cloud did not accept {} of the members", refused.len());
            self.outcomes.failed.push(Failure {
                action: Action {
                    changes: action
                        .changes
                        .iter()
                        .filter(|change| is_one(change, &refused))
                        .cloned()
                        .collect(),
                    ..action.clone()
                },
                code: "member_refused".into(),
                message: message.clone(),
                remedy: "look whether the accounts still exist; the next pass tries again".into(),
            });
            outcome = Outcome::Partly { message };
        }
        self.link = match (&self.after, action.kind) {
            (_, Kind::GroupDelete) | (None, _) => None,
            (Some(after), _) => {
                let renamed = |change: &Change| change.field == Attr::Field(Field::DisplayName);
                let keeps_name = !is_ground(action) && !action.changes.iter().any(renamed);
                let before = self.link.as_ref().filter(|_| keeps_name);
                Some(GroupLink {
                    cloud_id: written.id.clone(),
                    name: before.map_or(&after.name, |link| &link.name).clone(),
                    open: after.open || !last || self.failed,
                    ..after.clone()
                })
            }
        };
        let change = GroupChange {
            anchor: action.anchor,
            link: self.link.clone(),
            afresh: std::mem::take(&mut self.afresh),
            joined,
            left,
        };
        Settlement { intent, outcome, row: Some(RowChange::Group(Box::new(change))) }
    }

    async fn fail(
        &mut self,
        action: Action,
        intent: IntentId,
        error: &CloudError,
    ) -> Result<bool, StoreError> {
        let hands = self.hands;
        self.failed = true;
        let code = match error.kind {
            CloudErrorKind::Conflict => "group_name_taken",
            CloudErrorKind::NotFound => "group_missing",
            kind => code(kind),
        };
        if error.kind.ends_pass() {
            self.outcomes.fatal.get_or_insert_with(|| error.clone());
        }
        self.outcomes.lost |= error.kind == CloudErrorKind::NotFound;
        let (message, remedy) = (error.to_string(), error.remedy.clone());
        (hands.events)(Event::Failed {
            action: action.clone(),
            code: code.into(),
            message: message.clone(),
            remedy: remedy.clone(),
        });
        let ground = is_ground(&action);
        let open = leaves_open(action.kind, error.kind);
        self.outcomes.failed.push(Failure { action, code: code.into(), message: message.clone(), remedy });
        if !open {
            let outcome = Outcome::Failed { code: code.into(), message };
            let settlement = Settlement { intent, outcome, row: None };
            hands.store.settle(clock::now().timestamp(), vec![settlement]).await?;
        }
        Ok(!ground && !error.kind.ends_pass() && error.kind != CloudErrorKind::NotFound)
    }
}

/// The accounts that an action makes members.
pub fn joined(action: &Action) -> Vec<CloudId> {
    members(action, |change| change.to.is_some())
}

/// Whether an action makes the group, or makes it ours.
fn is_ground(action: &Action) -> bool {
    action.kind == Kind::GroupCreate || matches!(action.cause, Cause::SameAnchor | Cause::SameName)
}

fn members(action: &Action, which: fn(&Change) -> bool) -> Vec<CloudId> {
    let chosen = action.changes.iter().filter(|change| which(change));
    chosen
        .filter_map(|change| match &change.field {
            Attr::Member(id) => Some(id.clone()),
            _ => None,
        })
        .collect()
}

fn is_one(change: &Change, of: &BTreeSet<&CloudId>) -> bool {
    matches!(&change.field, Attr::Member(id) if of.contains(id))
}
