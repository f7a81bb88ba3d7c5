//! Reading and writing the cloud directory.
//!
//! Reader and writer are different traits: a dry run is a pass that was never given a
//! writer. Both speak in the words of [`crate::model`]; how a vendor spells them stays in here.

mod http;
mod pace;
mod tls;
mod token;
pub mod webex;

pub use pace::Tempo;

use std::collections::BTreeSet;
use std::fmt;
use std::time::Duration;

use futures_util::future::BoxFuture;
use tokio::sync::mpsc;

use crate::model::{
    Account, Action, Catalogue, CloudContact, CloudGroup, CloudId, Contact, Email, InUse, LicenseId, Place,
    Role, Telephone,
};

/// The organization we write to, and who we are in it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Organization {
    /// The raw id.
    pub id: String,
    /// Its name.
    pub name: String,
    /// The account that authorised us, where the cloud tells; it is always protected.
    pub me: Option<CloudId>,
}

/// Everything a pass may ask of the cloud. Nothing here changes anything there.
///
/// All calls wait for the organization's pace and retry transport faults by themselves,
/// within bounds; an error that comes out is final for this pass.
pub trait CloudRead: Send + Sync {
    /// Which organization the token belongs to.
    fn organization(&self) -> BoxFuture<'_, Result<Organization, CloudError>>;

    /// The licences of the organization with their seats.
    fn catalogue(&self) -> BoxFuture<'_, Result<Catalogue, CloudError>>;

    /// The roles that can be assigned.
    fn roles(&self) -> BoxFuture<'_, Result<Vec<Role>, CloudError>>;

    /// The places where people have telephones; asked only when rules give telephones.
    fn places(&self) -> BoxFuture<'_, Result<Vec<Place>, CloudError>> {
        Box::pin(async { Ok(Vec::new()) })
    }

    /// Numbers and extensions in use; `None` when we are not allowed to know.
    fn lines(&self) -> BoxFuture<'_, Result<Option<Vec<InUse>>, CloudError>> {
        Box::pin(async { Ok(None) })
    }

    /// The names of the UC Manager profiles; asked only when rules name some.
    fn uc_profiles(&self) -> BoxFuture<'_, Result<Vec<String>, CloudError>> {
        Box::pin(async { Ok(Vec::new()) })
    }

    /// Streams all accounts of the organization, page by page. `Ok` means that every page
    /// arrived and the number agrees with what the cloud announced; anything less is an error,
    /// because a partial observation must never look like a whole one.
    fn accounts(&self, pages: mpsc::Sender<Vec<Account>>) -> BoxFuture<'_, Result<u64, CloudError>>;

    /// One account by id; `None` when the cloud does not have it.
    fn account<'a>(&'a self, id: &'a CloudId) -> BoxFuture<'a, Result<Option<Account>, CloudError>>;

    /// One account by user name, compared without case; `None` when the cloud does not have it.
    fn account_by_email<'a>(&'a self, email: &'a Email)
    -> BoxFuture<'a, Result<Option<Account>, CloudError>>;

    /// Streams the ids of everyone who holds a licence. `Ok` means that every page arrived.
    fn holders<'a>(
        &'a self,
        license: &'a LicenseId,
        pages: mpsc::Sender<Vec<CloudId>>,
    ) -> BoxFuture<'a, Result<u64, CloudError>>;

    /// The licences that one account holds, free ones included.
    fn licenses_of<'a>(&'a self, id: &'a CloudId) -> BoxFuture<'a, Result<BTreeSet<LicenseId>, CloudError>>;

    /// All groups, without their members. `Ok` means that every page arrived.
    fn groups(&self) -> BoxFuture<'_, Result<Vec<CloudGroup>, CloudError>> {
        Box::pin(async { Err(no_groups()) })
    }

    /// The groups with this name, compared without case: seldom more than one.
    fn group_by_name<'a>(&'a self, name: &'a str) -> BoxFuture<'a, Result<Vec<CloudGroup>, CloudError>> {
        let _ = name;
        Box::pin(async { Err(no_groups()) })
    }

    /// The accounts that are direct members of a group; `None` when the cloud does not have the
    /// group. `Ok` means that as many were shown as announced: less is
    /// [`CloudErrorKind::Unintelligible`], and proves nothing.
    fn group_members<'a>(
        &'a self,
        id: &'a CloudId,
    ) -> BoxFuture<'a, Result<Option<Vec<CloudId>>, CloudError>> {
        let _ = id;
        Box::pin(async { Err(no_groups()) })
    }

    /// All contacts of the address book that administrators keep. `Ok` means that as many were
    /// shown as announced.
    fn contacts(&self) -> BoxFuture<'_, Result<Vec<CloudContact>, CloudError>> {
        Box::pin(async { Err(no_contacts()) })
    }

    /// The contacts with the identity of this one ([`Contact::identity`]): seldom more than one.
    fn contacts_like<'a>(
        &'a self,
        contact: &'a Contact,
    ) -> BoxFuture<'a, Result<Vec<CloudContact>, CloudError>> {
        let _ = contact;
        Box::pin(async { Err(no_contacts()) })
    }
}

/// The answer of a cloud that keeps no contacts.
fn no_contacts() -> CloudError {
    CloudError::new(
        CloudErrorKind::Refused,
        "this cloud keeps no contacts",
        "switch contacts.sync off in the configuration",
    )
}

/// The answer of a cloud that keeps no groups.
fn no_groups() -> CloudError {
    CloudError::new(
        CloudErrorKind::Refused,
        "this cloud keeps no groups",
        "leave the section [groups] out of the configuration",
    )
}

/// Everything a pass may change in the cloud.
pub trait CloudWrite: Send + Sync {
    /// Carries out a batch of actions on accounts (everything but licences): one bulk call of
    /// at most [`CloudWrite::batch_size`] actions. The result has one entry per order, in order.
    ///
    /// An order that ends [`CloudErrorKind::Ambiguous`] was sent and not answered: the caller
    /// reads before it writes again. What is safe to repeat was repeated, and ends so when the
    /// repetition was refused and the account does not show what became of it.
    fn write<'a>(&'a self, orders: &'a [Order<'a>]) -> BoxFuture<'a, Vec<Result<CloudId, CloudError>>>;

    /// How many orders fit into one call.
    fn batch_size(&self) -> usize;

    /// Gives and takes licences of one account, in one call. Returns the licences that the
    /// account holds afterwards, as the cloud answered: the caller compares, since the cloud
    /// may skip some without a word.
    fn assign<'a>(
        &'a self,
        id: &'a CloudId,
        give: &'a [Grant],
        take: &'a [LicenseId],
    ) -> BoxFuture<'a, Result<BTreeSet<LicenseId>, CloudError>>;

    /// Carries out one action on a group: it is made, its name or its members are changed, or it
    /// is deleted. One call, unless members have to be tried one by one because the cloud refuses
    /// some. A create that ends [`CloudErrorKind::Ambiguous`] was sent and not answered.
    fn write_group<'a>(&'a self, order: Order<'a>) -> BoxFuture<'a, Result<GroupWritten, CloudError>> {
        let _ = order;
        Box::pin(async { Err(no_groups()) })
    }

    /// Carries out one action on a contact, in one call. A create that ends
    /// [`CloudErrorKind::Ambiguous`] was sent and not answered.
    fn write_contact<'a>(&'a self, order: Order<'a>) -> BoxFuture<'a, Result<CloudId, CloudError>> {
        let _ = order;
        Box::pin(async { Err(no_contacts()) })
    }
}

/// A group that was written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GroupWritten {
    /// The group.
    pub id: CloudId,
    /// Members whom the cloud did not accept; all others it did.
    pub refused: Vec<CloudId>,
}

/// A licence to give.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Grant {
    /// Which.
    pub license: LicenseId,
    /// With a calling licence, the telephone.
    pub telephone: Option<Telephone>,
}

impl From<LicenseId> for Grant {
    fn from(license: LicenseId) -> Self {
        Self { license, telephone: None }
    }
}

/// One action to carry out, with the account it is for.
#[derive(Clone, Copy, Debug)]
pub struct Order<'a> {
    /// What to do. Never `LicenseAdd` or `LicenseRemove`.
    pub action: &'a Action,
    /// The account; `None` for a create.
    pub cloud_id: Option<&'a CloudId>,
}

/// Why the cloud did not do what was asked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CloudError {
    /// What kind of trouble: this decides what happens next.
    pub kind: CloudErrorKind,
    /// What happened, in a sentence: method, path without query, status, the cloud's words.
    pub what: String,
    /// What to do next.
    pub remedy: String,
    /// The cloud's tracking id, which its support asks for.
    pub tracking_id: Option<String>,
}

/// The kinds of trouble with the cloud.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CloudErrorKind {
    /// No answer, or 5xx, after all retries: the pass ends.
    Unreachable,
    /// 429 or 423 for longer than we wait: the pass ends.
    Throttled {
        /// How long the cloud wants to be left alone.
        retry_after: Duration,
    },
    /// 401, or 403 for the whole family of calls: the token, its scopes or its role. The pass ends.
    Refused,
    /// Another account has this user name (409): skip this person.
    Conflict,
    /// The account does not exist (404).
    NotFound,
    /// The cloud does not accept this object (400, 403 for one object): skip this person.
    Rejected,
    /// The request went out and the answer did not arrive: read before writing again.
    Ambiguous,
    /// An answer that we cannot read, or that contradicts itself: the pass ends.
    Unintelligible,
    /// We were told to stop.
    Stopped,
}

impl CloudErrorKind {
    /// Whether going on with other people makes no sense.
    pub fn ends_pass(self) -> bool {
        match self {
            Self::Unreachable
            | Self::Throttled { .. }
            | Self::Refused
            | Self::Unintelligible
            | Self::Stopped => true,
            Self::Conflict | Self::NotFound | Self::Rejected | Self::Ambiguous => false,
        }
    }
}

impl CloudError {
    /// An error that no answer of the cloud came with.
    pub(crate) fn new(kind: CloudErrorKind, what: impl Into<String>, remedy: impl Into<String>) -> Self {
        Self { kind, what: what.into(), remedy: remedy.into(), tracking_id: None }
    }
}

impl fmt::Display for CloudError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.what)?;
        if let Some(id) = &self.tracking_id {
            write!(f, " (tracking id {id})")?;
        }
        Ok(())
    }
}

impl std::error::Error for CloudError {}
