//! Changing a Webex organization.

use std::collections::{BTreeSet, VecDeque};
use std::sync::Arc;

use futures_util::future::BoxFuture;
use futures_util::{FutureExt, StreamExt, stream};
use reqwest::Method;
use serde_json::Value;
use serde_json::value::{RawValue, to_raw_value};

use super::bulk::{self, Operation, Outcome, Results, Verb};
use super::doubt::{Doubt, Doubts};
use super::fault;
use super::link::{Link, Request, parse};
use super::operation::patch;
use super::reader::WebexReader;
use super::resource::resource;
use super::standing::{Standing, needs_standing};
use super::{assign, calling_behavior, contacts, group_write, ids};
use crate::cloud::http::{Answer, Effect};
use crate::cloud::{CloudError, CloudErrorKind, CloudWrite, Grant, GroupWritten, Order};
use crate::model::{Action, CloudId, Kind, LicenseId};

/// How often one operation is sent, when the cloud leaves it open or asks for patience.
const SENDINGS: u8 = 4;

/// Accounts read at once, after patches that did not fit or may have been carried out.
pub(super) const LOOKS: usize = 4;

/// Writes to one Webex organization, at the pace that it shares with its reader.
#[derive(Clone, Debug)]
pub struct WebexWriter {
    link: Arc<Link>,
}

impl WebexWriter {
    /// The writer that belongs to a reader.
    pub fn new(reader: &WebexReader) -> Self {
        Self { link: Arc::clone(&reader.link) }
    }
}

impl CloudWrite for WebexWriter {
    fn write<'a>(&'a self, orders: &'a [Order<'a>]) -> BoxFuture<'a, Vec<Result<CloudId, CloudError>>> {
        async move {
            let mut results = Vec::with_capacity(orders.len());
            for same in orders.chunk_by(|a, b| a.action.is_setting() == b.action.is_setting()) {
                for chunk in same.chunks(bulk::MOST) {
                    results.append(&mut match chunk[0].action.is_setting() {
                        true => calling_behavior::write(&self.link, chunk).await,
                        false => Batch::new(&self.link, chunk).carry_out().await,
                    });
                }
            }
            results
        }
        .boxed()
    }

    fn batch_size(&self) -> usize {
        bulk::MOST
    }

    fn assign<'a>(
        &'a self,
        id: &'a CloudId,
        give: &'a [Grant],
        take: &'a [LicenseId],
    ) -> BoxFuture<'a, Result<BTreeSet<LicenseId>, CloudError>> {
        assign::assign(&self.link, id, give, take).boxed()
    }

    fn write_group<'a>(&'a self, order: Order<'a>) -> BoxFuture<'a, Result<GroupWritten, CloudError>> {
        group_write::write(&self.link, order).boxed()
    }

    fn write_contact<'a>(&'a self, order: Order<'a>) -> BoxFuture<'a, Result<CloudId, CloudError>> {
        contacts::write(&self.link, order).boxed()
    }
}

/// Some orders on their way to a result each.
struct Batch<'a> {
    link: &'a Link,
    orders: &'a [Order<'a>],
    results: Vec<Option<Result<CloudId, CloudError>>>,
    /// Calls still to be made.
    queue: VecDeque<Vec<Operation>>,
    /// Operations that have to go again.
    again: Vec<Operation>,
    /// Patches that did not fit, with what the cloud said.
    look: Vec<(Operation, CloudError)>,
    doubts: Doubts,
}

impl<'a> Batch<'a> {
    fn new(link: &'a Link, orders: &'a [Order<'a>]) -> Self {
        Self {
            link,
            orders,
            results: vec![None; orders.len()],
            queue: VecDeque::new(),
            again: Vec::new(),
            look: Vec::new(),
            doubts: Doubts::none(orders.len()),
        }
    }

    async fn carry_out(mut self) -> Vec<Result<CloudId, CloudError>> {
        let mut first = Vec::with_capacity(self.orders.len());
        for index in 0..self.orders.len() {
            match self.prepare(index).await {
                Ok(Some(operation)) => first.push(operation),
                Ok(None) => self.done(index),
                Err(error) => self.fail(index, error),
            }
        }
        self.queue.push_back(first);
        while let Some(operations) = self.queue.pop_front() {
            if !operations.is_empty()
                && let Err(error) = self.send(operations).await
            {
                self.fail_rest(&error);
                break;
            }
            if self.queue.is_empty() && !self.again.is_empty() {
                self.queue.push_back(std::mem::take(&mut self.again));
            }
        }
        self.doubts.settle(self.link, self.orders, &mut self.results).await;
        let lost = || internal("an order was lost on its way");
        self.results.into_iter().map(|result| result.unwrap_or_else(|| Err(lost()))).collect()
    }

    /// The operation of an order; `None` when the account already is as it should be.
    async fn prepare(&self, index: usize) -> Result<Option<Operation>, CloudError> {
        let Order { action, .. } = self.orders[index];
        let verb = match action.kind {
            Kind::Create => Verb::Post,
            Kind::Delete => Verb::Delete,
            Kind::Adopt | Kind::Update | Kind::Deactivate | Kind::Reactivate | Kind::RoleChange => {
                Verb::Patch
            }
            _ => return Err(internal("licences, groups and contacts are written on ways of their own")),
        };
        let target = match (verb, self.cloud_id(index)) {
            (Verb::Post, _) => String::new(),
            (_, Some(id)) => id.as_str().to_owned(),
            (_, None) => return Err(internal("an order on an account does not say which")),
        };
        let exact = needs_standing(action) && verb == Verb::Patch;
        let data = match verb {
            Verb::Post => Some(resource(action)),
            Verb::Delete => None,
            Verb::Patch if exact => exact_patch(self.link, action, &target).await?,
            Verb::Patch => patch(action, None).map(|patch| raw(&patch)),
        };
        if verb == Verb::Patch && data.is_none() {
            return Ok(None);
        }
        Ok(Some(Operation { index, verb, target, data, sent: 0, exact }))
    }

    fn cloud_id(&self, index: usize) -> Option<&'a CloudId> {
        account_of(&self.orders[index])
    }

    /// One bulk call. An error ends all that is still open.
    async fn send(&mut self, mut operations: Vec<Operation>) -> Result<(), CloudError> {
        for operation in &mut operations {
            operation.sent += 1;
        }
        let creates = operations.iter().any(|operation| operation.verb == Verb::Post);
        let request = Request {
            method: Method::POST,
            path: match self.link.scim("Bulk").await {
                Ok(path) => path,
                Err(error) => return self.all_fail(operations, error),
            },
            query: Vec::new(),
            body: Some(bulk::body(&operations)),
            effect: if creates { Effect::Once } else { Effect::Repeatable },
        };
        let answer = match self.link.call(request).await {
            Ok(answer) => answer,
            Err(error) if error.kind == CloudErrorKind::Ambiguous => {
                self.leave_open(operations, &error);
                return Ok(());
            }
            Err(error) => return self.all_fail(operations, error),
        };
        if answer.repeated {
            operations.iter().for_each(|operation| self.doubts.note(operation, Doubt::Lost));
        }
        if answer.is_success() {
            return self.read(operations, &answer).await;
        }
        let mut error = fault::error(&answer);
        match answer.status {
            // The endpoint is part of the organization, so its absence is about all of it.
            404 | 405 | 410 => {
                error.kind = CloudErrorKind::Refused;
                error.remedy = "check base_url and organization in the section [cloud]: \
                                nothing is written at this address"
                    .into();
            }
            // The call as a whole was not accepted, and nothing in it was done by this sending. One operation
            // can be the reason, and must not stop the others: halve, down to the one.
            400..=499 if error.kind != CloudErrorKind::Refused && operations.len() > 1 => {
                let second = operations.split_off(operations.len() / 2);
                self.queue.push_front(second);
                self.queue.push_front(operations);
                return Ok(());
            }
            _ => {}
        }
        self.all_fail(operations, error)
    }

    /// The call went out and no answer came: creates are in doubt, the rest goes again.
    fn leave_open(&mut self, operations: Vec<Operation>, error: &CloudError) {
        for operation in operations {
            self.doubts.note(&operation, Doubt::Lost);
            if operation.verb == Verb::Post || operation.sent >= SENDINGS {
                self.fail(operation.index, error.clone());
            } else {
                self.again.push(operation);
            }
        }
    }

    fn all_fail(&mut self, operations: Vec<Operation>, error: CloudError) -> Result<(), CloudError> {
        for operation in &operations {
            self.fail(operation.index, error.clone());
        }
        if error.kind.ends_pass() { Err(error) } else { Ok(()) }
    }

    async fn read(&mut self, operations: Vec<Operation>, answer: &Answer) -> Result<(), CloudError> {
        let results = match parse::<Results>(answer) {
            Ok(results) => bulk::matched(&operations, results.list),
            Err(unreadable) => {
                let open = CloudError { kind: CloudErrorKind::Ambiguous, ..unreadable.clone() };
                let (creates, others): (Vec<_>, Vec<_>) =
                    operations.into_iter().partition(|operation| operation.verb == Verb::Post);
                self.leave_open(creates, &open);
                return self.all_fail(others, unreadable);
            }
        };
        let mut stop = None;
        let mut paused = false;
        for (operation, outcome) in operations.into_iter().zip(results) {
            let Some(outcome) = outcome.filter(|outcome| outcome.status() != 0) else {
                let open = CloudError {
                    kind: CloudErrorKind::Ambiguous,
                    what: format!("the answer to {} says nothing about {}", answer.label, operation.label()),
                    remedy: "nothing: the account is looked up before it is written again".into(),
                    tracking_id: answer.tracking_id.clone(),
                };
                self.leave_open(vec![operation], &open);
                continue;
            };
            if matches!(outcome.status(), 429 | 423) && !paused {
                self.link.http().pause();
                paused = true;
            }
            if let Err(error) = self.settle(operation, outcome, answer) {
                stop = Some(error);
            }
        }
        stop.map_or(Ok(()), Err)?;
        self.look_up().await
    }

    /// Reads the accounts whose patch did not fit, and builds patches that do.
    async fn look_up(&mut self) -> Result<(), CloudError> {
        let (link, orders) = (self.link, self.orders);
        let looked: Vec<_> = stream::iter(std::mem::take(&mut self.look))
            .map(|(operation, error)| async move {
                let exact = exact_patch(link, orders[operation.index].action, &operation.target).await;
                (operation, error, exact)
            })
            .buffer_unordered(LOOKS)
            .collect()
            .await;
        let mut stop = Ok(());
        for (mut operation, error, exact) in looked {
            match exact {
                Ok(None) => self.done(operation.index),
                Ok(exact)
                    if exact.as_deref().map(RawValue::get)
                        != operation.data.as_deref().map(RawValue::get) =>
                {
                    operation.data = exact;
                    operation.exact = true;
                    self.again.push(operation);
                }
                // It would be the same patch, so the cloud means what it said.
                Ok(_) => self.fail(operation.index, error),
                Err(reading) => stop = stop.and(self.all_fail(vec![operation], reading)),
            }
        }
        stop
    }

    /// What one result means. An error is one that ends everything.
    fn settle(&mut self, operation: Operation, outcome: Outcome, answer: &Answer) -> Result<(), CloudError> {
        let status = outcome.status();
        let index = operation.index;
        if (200..300).contains(&status) {
            match (operation.verb, outcome.id()) {
                (Verb::Post, Some(id)) => self.results[index] = Some(Ok(CloudId::new(id))),
                (Verb::Post, None) => {
                    let mut open = internal("the cloud created an account and did not say under which id");
                    open.kind = CloudErrorKind::Ambiguous;
                    open.tracking_id.clone_from(&answer.tracking_id);
                    self.fail(index, open);
                }
                _ => self.done(index),
            }
            return Ok(());
        }
        if status == 404 && operation.verb == Verb::Delete {
            self.done(index);
            return Ok(());
        }
        let error = fault::object_error(
            &operation.label(),
            status,
            fault::from_json(&outcome.response),
            answer.tracking_id.clone(),
        );
        if status >= 500 {
            self.doubts.note(&operation, Doubt::Failed);
        }
        match status {
            429 | 423 if operation.sent < SENDINGS => self.again.push(operation),
            // The service behind the call failed in the middle of this object.
            500..=599 if operation.verb == Verb::Post => {
                self.fail(index, CloudError { kind: CloudErrorKind::Ambiguous, ..error });
            }
            500..=599 if operation.sent < SENDINGS => self.again.push(operation),
            429 | 423 | 500..=599 => {
                let remedy = "nothing: the next pass tries again".into();
                self.fail(index, CloudError { kind: CloudErrorKind::Rejected, remedy, ..error });
            }
            // Most likely an element of a list is not there (`noTarget`), or is: look.
            400 if operation.verb == Verb::Patch && !operation.exact => self.look.push((operation, error)),
            _ => return self.all_fail(vec![operation], error),
        }
        Ok(())
    }

    fn done(&mut self, index: usize) {
        let id = self.cloud_id(index).cloned();
        self.results[index] = Some(id.ok_or_else(|| internal("an order on an account does not say which")));
    }

    fn fail(&mut self, index: usize, error: CloudError) {
        self.results[index] = Some(Err(error));
    }

    /// Everything without a result was not done, for the same reason.
    fn fail_rest(&mut self, error: &CloudError) {
        for result in self.results.iter_mut().filter(|result| result.is_none()) {
            *result = Some(Err(error.clone()));
        }
    }
}

/// The patch that fits the account as it is now.
async fn exact_patch(
    link: &Link,
    action: &Action,
    target: &str,
) -> Result<Option<Box<RawValue>>, CloudError> {
    let path = link.scim(&format!("Users/{}", ids::segment(target))).await?;
    let answer = link.call(Request::get(path, Vec::new())).await?;
    if !answer.is_success() {
        return Err(fault::error(&answer));
    }
    let user: Value = parse(&answer)?;
    Ok(patch(action, Some(&Standing::of(&user))).map(|patch| raw(&patch)))
}

/// The account that an order is on; `None` for a create.
pub(super) fn account_of<'a>(order: &Order<'a>) -> Option<&'a CloudId> {
    order.cloud_id.or(order.action.cloud_id.as_ref())
}

fn raw(patch: &Value) -> Box<RawValue> {
    to_raw_value(patch).expect("a JSON value is always JSON")
}

pub(super) fn internal(what: &str) -> CloudError {
    CloudError::new(CloudErrorKind::Rejected, what, "please report this as a fault of dirsyncd")
}
