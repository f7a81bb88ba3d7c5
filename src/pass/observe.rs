//! The cloud is observed: all of it, page by page, or only the few accounts that a small pass
//! is about.
//!
//! Of a whole observation only what differs from the snapshot is kept; of a million accounts
//! in order nothing remains but bits.

use std::collections::{BTreeSet, HashSet};
use std::sync::Arc;

use futures_util::stream::{self, StreamExt, TryStreamExt};
use tokio::sync::mpsc;

use crate::cloud::{CloudError, CloudErrorKind, CloudRead};
use crate::model::{Account, CloudId, Email, Key, LicenseId, Managed, RoleId, SourceId, Wanted};
use crate::report::{Event, Sink};
use crate::store::{Reader, Stage, StagedAccount, StoreError};

use super::PassError;
use super::index::{Bits, Faces, Index, short};

/// Pages under way between listing and comparing.
const UNDER_WAY: usize = 3;
/// Licences that can be observed: a bit for each in the mask of a person.
pub const OBSERVED_LICENSES: usize = 64;
/// With more people than this to ask the cloud about one by one, listing everybody is quicker:
/// a question takes about as long as a page of the list, and eight are asked at once.
pub fn few(linked: u64) -> usize {
    usize::try_from(linked / 200).unwrap_or(usize::MAX).max(300)
}

/// Single accounts asked for at once.
const ASKED_AT_ONCE: usize = 8;

/// What was seen of the cloud. The accounts that matter are in its stage.
pub struct Observation {
    /// How much was looked at.
    pub extent: Extent,
    /// Accounts that differ or are not linked, and their licences.
    pub stage: Stage,
    /// The licences observed; a bit in a mask or a number in the stage stands for one of them.
    pub licenses: Vec<LicenseId>,
    /// Accounts looked at.
    pub accounts: u64,
    /// Full administrators who can log in; `None` when not everybody was looked at.
    pub full_admins: Option<u64>,
}

/// How much of the cloud was looked at.
pub enum Extent {
    /// Everything.
    All {
        /// Linked people whose account is there.
        there: Bits,
        /// Linked people whose account or licences differ from the snapshot.
        drifted: Bits,
        /// The licences held, a mask per linked person.
        held: Vec<u64>,
    },
    /// Only these people.
    Some(HashSet<SourceId>),
}

impl Observation {
    /// The licences of a mask.
    pub fn licenses_in(&self, mask: u64) -> BTreeSet<LicenseId> {
        self.licenses
            .iter()
            .enumerate()
            .filter(|(bit, _)| mask & (1 << bit) != 0)
            .map(|(_, id)| id.clone())
            .collect()
    }

    /// Tells how much was seen.
    pub(super) fn tell(&self, events: &Sink) {
        let drifted = match &self.extent {
            Extent::All { drifted, .. } => drifted.count(),
            Extent::Some(_) => 0,
        };
        events(Event::Observed { accounts: self.accounts, drifted });
    }
}

/// The licences looked at, in the order of their bits: those that are managed, then those that are watched.
fn observed(managed: &Managed) -> Vec<LicenseId> {
    managed.licenses.iter().chain(&managed.watched).take(OBSERVED_LICENSES).cloned().collect()
}

/// Lists every account and every holder of the managed and watched licences.
///
/// # Errors
///
/// When anything is missing from the observation: then nothing may be concluded from it.
pub async fn observe_all(
    cloud: &dyn CloudRead,
    managed: &Managed,
    full_admin: Option<&RoleId>,
    index: Arc<Index>,
    faces: Faces,
    events: Sink,
) -> Result<Observation, PassError> {
    let licenses = observed(managed);
    let (sender, receiver) = mpsc::channel(UNDER_WAY);
    let comparing = {
        let managed = managed.clone();
        let index = Arc::clone(&index);
        let full_admin = full_admin.cloned();
        tokio::task::spawn_blocking(move || {
            Comparison::new(index, faces, full_admin).map(|c| c.drain(receiver, &managed, &events))
        })
    };
    let listed = cloud.accounts(sender).await;
    let mut comparison =
        comparing.await.map_err(|e| PassError::fault(format!("comparing accounts stopped: {e}")))???;
    listed.map_err(PassError::Cloud)?;
    for (bit, license) in licenses.iter().enumerate() {
        let (sender, receiver) = mpsc::channel(UNDER_WAY);
        let noting = tokio::task::spawn_blocking(move || comparison.holders(receiver, bit));
        let listed = cloud.holders(license, sender).await;
        comparison =
            noting.await.map_err(|e| PassError::fault(format!("comparing licences stopped: {e}")))??;
        listed.map_err(PassError::Cloud)?;
    }
    Ok(comparison.conclude(licenses, managed))
}

/// The comparing side of a whole observation.
struct Comparison {
    index: Arc<Index>,
    faces: Faces,
    stage: Stage,
    there: Bits,
    drifted: Bits,
    held: Vec<u64>,
    accounts: u64,
    full_admin: Option<RoleId>,
    full_admins: u64,
}

impl Comparison {
    fn new(index: Arc<Index>, faces: Faces, full_admin: Option<RoleId>) -> Result<Self, StoreError> {
        let len = index.len();
        Ok(Self {
            index,
            faces,
            stage: Stage::new()?,
            there: Bits::new(len),
            drifted: Bits::new(len),
            held: vec![0; len],
            accounts: 0,
            full_admin,
            full_admins: 0,
        })
    }

    fn drain(
        mut self,
        mut pages: mpsc::Receiver<Vec<Account>>,
        managed: &Managed,
        events: &Sink,
    ) -> Result<Self, StoreError> {
        while let Some(page) = pages.blocking_recv() {
            self.accounts += page.len() as u64;
            let kept: Vec<StagedAccount> =
                page.into_iter().filter_map(|account| self.compare(account, managed)).collect();
            if !kept.is_empty() {
                self.stage.put_accounts(&kept)?;
            }
            events(Event::Observing { accounts: self.accounts });
        }
        Ok(self)
    }

    /// Keeps an account that the planner must see.
    fn compare(&mut self, account: Account, managed: &Managed) -> Option<StagedAccount> {
        let full = self.full_admin.as_ref().is_some_and(|role| account.roles.contains(role));
        self.full_admins += u64::from(full && account.active);
        let key = Key::exact(account.id.as_str());
        let Some(face) = self.faces.find(key) else {
            return Some(StagedAccount { key, linked: None, account });
        };
        let at = face.at as usize;
        self.there.set(at);
        let differs = short(&account.fingerprint(managed).0) != face.applied;
        if differs {
            self.drifted.set(at);
        }
        // Whoever has a role may be protected: the planner must know.
        (differs || !account.roles.is_empty()).then(|| StagedAccount {
            key,
            linked: Some(self.index.anchor(at)),
            account,
        })
    }

    fn holders(mut self, mut pages: mpsc::Receiver<Vec<CloudId>>, bit: usize) -> Result<Self, StoreError> {
        while let Some(page) = pages.blocking_recv() {
            let mut others = Vec::new();
            for id in page {
                let key = Key::exact(id.as_str());
                match self.faces.find(key) {
                    Some(face) => self.held[face.at as usize] |= 1 << bit,
                    None => others.push(key),
                }
            }
            if !others.is_empty() {
                self.stage.put_holders(bit as u16, &others)?;
            }
        }
        Ok(self)
    }

    fn conclude(self, licenses: Vec<LicenseId>, managed: &Managed) -> Observation {
        let digests: Vec<u64> = licenses.iter().map(|id| managed.license_digest([id])).collect();
        for face in self.faces.iter() {
            let mask = self.held[face.at as usize];
            let digest = digests
                .iter()
                .enumerate()
                .filter(|(bit, _)| mask & (1 << bit) != 0)
                .fold(0, |sum, (_, d)| sum ^ d);
            if digest != face.licenses {
                self.drifted.set(face.at as usize);
            }
        }
        Observation {
            extent: Extent::All { there: self.there, drifted: self.drifted, held: self.held },
            stage: self.stage,
            licenses,
            accounts: self.accounts,
            full_admins: Some(self.full_admins),
        }
    }
}

/// One person to ask the cloud about.
pub struct Question {
    /// Who.
    pub anchor: SourceId,
    /// By the id of a linked account, or else by address.
    pub by: By,
}

/// How to ask.
pub enum By {
    /// A linked account.
    Id(CloudId),
    /// A newcomer's address.
    Email(Email),
    /// An address that a linked person is to get: whether somebody else holds it.
    Holder(Email),
}

/// Whom to ask the cloud about one by one; `None` when they are too many.
pub fn questions(
    people: &Stage,
    reader: &Reader,
    linked: BTreeSet<SourceId>,
    readdressed: &[SourceId],
    most: usize,
) -> Result<Option<Vec<Question>>, PassError> {
    let linked: Vec<SourceId> = linked.into_iter().collect();
    let newcomers = people.wanted_after(false, None, most + 1)?;
    if linked.len() + readdressed.len() + newcomers.len() > most {
        return Ok(None);
    }
    let mut questions: Vec<Question> = reader
        .rows(&linked)?
        .into_iter()
        .map(|row| Question { anchor: row.anchor, by: By::Id(row.cloud_id) })
        .collect();
    for staged in newcomers {
        if let Wanted::Present(person) = staged.wanted {
            questions.push(Question { anchor: staged.anchor, by: By::Email(person.email) });
        }
    }
    for staged in people.wanted(readdressed)? {
        if let Wanted::Present(person) = staged.wanted {
            questions.push(Question { anchor: staged.anchor, by: By::Holder(person.email) });
        }
    }
    Ok(Some(questions))
}

/// Asks the cloud about single people.
///
/// # Errors
///
/// When the cloud did not answer one of the questions.
pub async fn observe_some(
    cloud: &dyn CloudRead,
    managed: &Managed,
    questions: Vec<Question>,
) -> Result<Observation, PassError> {
    let licenses = observed(managed);
    // Who holds an address says nothing about the person who is to get it.
    let about = |question: &Question| (!matches!(question.by, By::Holder(_))).then_some(question.anchor);
    let asked: HashSet<SourceId> = questions.iter().filter_map(about).collect();
    let with_licenses = !licenses.is_empty();
    let mut answers: Vec<Answer> = stream::iter(questions)
        .map(|question| ask(cloud, question, with_licenses))
        .buffer_unordered(ASKED_AT_ONCE)
        .try_collect()
        .await
        .map_err(PassError::Cloud)?;
    let mut stage = Stage::new()?;
    let accounts = answers.len() as u64;
    // A newcomer's address may lead to the account of a leaver. Of two answers about one account
    // the last stays, and that must be the one that knows whose it is.
    answers.sort_by_key(|answer| (answer.linked, answer.anchor));
    for Answer { anchor, linked, account, held } in answers {
        let Some(account) = account else { continue };
        let key = Key::exact(account.id.as_str());
        for (bit, license) in licenses.iter().enumerate() {
            if held.contains(license) {
                stage.put_holders(bit as u16, &[key])?;
            }
        }
        stage.put_accounts(&[StagedAccount { key, linked: linked.then_some(anchor), account }])?;
    }
    Ok(Observation { extent: Extent::Some(asked), stage, licenses, accounts, full_admins: None })
}

struct Answer {
    anchor: SourceId,
    linked: bool,
    account: Option<Account>,
    held: BTreeSet<LicenseId>,
}

async fn ask(cloud: &dyn CloudRead, question: Question, with_licenses: bool) -> Result<Answer, CloudError> {
    let (linked, with_licenses, account) = match &question.by {
        By::Id(id) => (true, with_licenses, cloud.account(id).await?),
        By::Email(email) => (false, with_licenses, cloud.account_by_email(email).await?),
        By::Holder(email) => (false, false, cloud.account_by_email(email).await?),
    };
    let held = match &account {
        // A room has no licence of ours, and is perhaps not even shown where those of people are.
        Some(account) if with_licenses && account.kind.is_person() => {
            match cloud.licenses_of(&account.id).await {
                Ok(held) => held,
                // Deleted a moment ago, or a contradiction, from which nothing may be concluded.
                Err(e) if e.kind == CloudErrorKind::NotFound => match cloud.account(&account.id).await? {
                    None => {
                        return Ok(Answer {
                            anchor: question.anchor,
                            linked,
                            account: None,
                            held: BTreeSet::new(),
                        });
                    }
                    Some(_) => return Err(e),
                },
                Err(e) => return Err(e),
            }
        }
        _ => BTreeSet::new(),
    };
    Ok(Answer { anchor: question.anchor, linked, account, held })
}
