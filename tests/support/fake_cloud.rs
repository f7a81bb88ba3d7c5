//! A cloud in memory. It remembers who did what, so that a test can tell what is ours from
//! what was done by hand, and it keeps a list of everything that must never happen.

use std::collections::btree_map::Entry;
use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use dirsyncd::cloud::{
    CloudError, CloudErrorKind, CloudRead, CloudWrite, Grant, GroupWritten, Order, Organization,
};
use dirsyncd::model::{
    ADDRESSES, Account, AccountKind, Action, Attr, Catalogue, CloudContact, CloudGroup, CloudId, Contact,
    Email, Field, InUse, Kind, License, LicenseId, LicenseKind, Place, Profile, Role, RoleId, Telephone,
    address_key,
};
use futures_util::future::BoxFuture;
use tokio::sync::{Notify, mpsc};

/// Who gave a licence or a role.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Giver {
    /// The program.
    Us,
    /// An administrator.
    Hand,
    /// An administrator, after it had been ours: nobody can tell whose it is now.
    Murky,
}

/// One account and everything about it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Kept {
    pub account: Account,
    pub licenses: BTreeMap<LicenseId, Giver>,
    pub roles: BTreeMap<RoleId, Giver>,
    /// Licences and roles that were ever ours.
    pub once_ours: BTreeSet<String>,
    /// Log-in was forbidden by an administrator.
    pub blocked_by_hand: bool,
    /// And we may have meant to forbid it too: nobody can tell whose block it is now.
    pub murky_block: bool,
    /// What came with a calling licence.
    pub telephone: Option<Telephone>,
    /// We created it or wrote our anchor to it.
    pub ours: bool,
}

impl Kept {
    /// What a listing shows: settings are kept beside the account.
    fn shown(&self) -> Account {
        let mut account = self.account.clone();
        account.profile.retain(|field, _| !field.is_setting());
        account
    }
}

/// One group and everything about it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeptGroup {
    pub group: CloudGroup,
    pub members: BTreeMap<CloudId, Giver>,
    /// We created it or wrote our anchor to it.
    pub ours: bool,
}

/// What a call does instead of what it should.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// Nothing happens, and this is the answer.
    Error(CloudErrorKind),
    /// It happens, and the answer is lost.
    LostAfter,
    /// It does not happen, and nobody knows.
    LostBefore,
    /// The answer is lost and what was sent again is refused: nobody knows whether the first
    /// sending happened, and the flag says.
    Doubt(bool),
}

/// Which calls a fault is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Aim {
    /// Any call, reading or writing.
    Any,
    /// Any write.
    Write,
    /// Writes of one kind.
    Kind(Kind),
    /// Reads.
    Read,
}

/// A cloud, shared between the test and the pass.
#[derive(Clone)]
pub struct FakeCloud(Arc<Mutex<State>>, Arc<Notify>);

/// What is in the cloud, and what happened to it.
pub struct State {
    pub accounts: BTreeMap<CloudId, Kept>,
    pub groups: BTreeMap<CloudId, KeptGroup>,
    /// Contacts, and whether they are ours.
    pub contacts: BTreeMap<CloudId, (Contact, bool)>,
    /// Accounts that no group accepts.
    pub refused: BTreeSet<CloudId>,
    /// Members may be taken out of groups whoever put them in.
    pub exact: bool,
    /// Lists of members that were read.
    pub member_reads: u64,
    pub licenses: Vec<License>,
    pub roles: Vec<Role>,
    pub me: Option<CloudId>,
    /// What every new account gets from the cloud itself.
    pub template: Vec<LicenseId>,
    /// Where people have telephones.
    pub places: Vec<Place>,
    /// Faults still to come: aim, how many such calls go well before, and what happens.
    pub faults: Vec<(Aim, u64, Fault)>,
    /// Write calls: one per order and one per assignment, successful or not.
    pub writes: u64,
    /// All calls.
    pub calls: u64,
    /// The call that never answers, and whether it still happens.
    pub freeze: Option<(u64, bool)>,
    /// Which human being an anchor is one of, as far as that is known.
    pub humans: BTreeMap<String, String>,
    /// What must never happen, and did.
    pub violations: Vec<String>,
    /// Everything that was taken away by us.
    pub removals: Vec<String>,
    /// Orders per bulk call.
    pub batch: usize,
    /// Licences given by hand may be taken too.
    pub all_is_claimed: bool,
    /// So many searches for an address still find nothing.
    pub late: u64,
    /// Seats that were not bought are given too, and are paid for later.
    pub generous: bool,
    /// So many licences are given before one is left out, without a word.
    pub skip: Option<u64>,
    /// So many licences are taken before one is kept, without a word.
    pub keep: Option<u64>,
    /// What was left out or kept so.
    pub skipped: Vec<(CloudId, LicenseId)>,
    /// So many seats in use are not counted, in the catalogue.
    pub uncounted: BTreeMap<LicenseId, u64>,
    next: u64,
}

impl FakeCloud {
    pub fn new() -> Self {
        let roles = ["full", "user", "support"].map(|word| Role {
            id: RoleId::new(format!("id_{word}_admin")),
            name: format!("{word} administrator"),
        });
        let state = State {
            accounts: BTreeMap::new(),
            groups: BTreeMap::new(),
            contacts: BTreeMap::new(),
            refused: BTreeSet::new(),
            exact: false,
            member_reads: 0,
            licenses: Vec::new(),
            roles: roles.into(),
            me: None,
            template: Vec::new(),
            places: Vec::new(),
            faults: Vec::new(),
            writes: 0,
            calls: 0,
            freeze: None,
            humans: BTreeMap::new(),
            violations: Vec::new(),
            removals: Vec::new(),
            batch: 100,
            all_is_claimed: false,
            late: 0,
            generous: false,
            skip: None,
            keep: None,
            skipped: Vec::new(),
            uncounted: BTreeMap::new(),
            next: 0,
        };
        Self(Arc::new(Mutex::new(state)), Arc::new(Notify::new()))
    }

    pub fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(|e| e.into_inner())
    }

    /// Resolves when a call froze.
    pub async fn frozen(&self) {
        self.1.notified().await;
    }

    /// Counts a call; `Err` is what it answers, and the flag whether it happens all the same.
    async fn call(&self, aims: &[Aim]) -> Result<(), (CloudError, bool)> {
        let (frozen, fault) = {
            let mut state = self.state();
            state.calls += 1;
            let at = state.calls;
            (state.freeze.filter(|(n, _)| *n == at), state.fault(aims))
        };
        if let Some((_, happens)) = frozen {
            if happens {
                // The effect is made by the caller, which then never gets to answer.
                return Err((error(CloudErrorKind::Stopped), true));
            }
            self.freeze().await;
        }
        match fault {
            None => Ok(()),
            Some(Fault::Error(kind)) => Err((error(kind), false)),
            Some(Fault::LostBefore) => Err((unanswered(aims), false)),
            Some(Fault::LostAfter) => Err((unanswered(aims), true)),
            Some(Fault::Doubt(happens)) => Err((error(CloudErrorKind::Ambiguous), happens)),
        }
    }

    async fn freeze(&self) {
        self.1.notify_one();
        std::future::pending::<()>().await;
    }

    async fn read_call(&self) -> Result<(), CloudError> {
        match self.call(&[Aim::Any, Aim::Read]).await {
            Ok(()) => Ok(()),
            Err((e, true)) if e.kind == CloudErrorKind::Stopped => {
                self.freeze().await;
                Err(e)
            }
            // A read that is not answered is tried again, and then fails.
            Err((e, _)) if e.kind == CloudErrorKind::Ambiguous => Err(error(CloudErrorKind::Unreachable)),
            Err((e, _)) => Err(e),
        }
    }

    async fn write_call<T>(
        &self,
        kind: Kind,
        effect: impl FnOnce(&mut State) -> Result<T, CloudError>,
    ) -> Result<T, CloudError> {
        self.state().writes += 1;
        match self.call(&[Aim::Any, Aim::Write, Aim::Kind(kind)]).await {
            Ok(()) => effect(&mut self.state()),
            Err((e, true)) => {
                let done = effect(&mut self.state());
                if e.kind == CloudErrorKind::Stopped {
                    self.freeze().await;
                }
                done.and(Err(e))
            }
            Err((e, false)) => Err(e),
        }
    }
}

/// Only a create is left open after one sending; everything else was sent again and again.
fn unanswered(aims: &[Aim]) -> CloudError {
    let creates = [Kind::Create, Kind::GroupCreate, Kind::ContactCreate].map(Aim::Kind);
    let once = aims.contains(&Aim::Read) || creates.iter().any(|aim| aims.contains(aim));
    error(if once { CloudErrorKind::Ambiguous } else { CloudErrorKind::Unreachable })
}

pub fn error(kind: CloudErrorKind) -> CloudError {
    let what = match kind {
        CloudErrorKind::Unreachable => "no answer",
        CloudErrorKind::Throttled { .. } => "429: too many requests",
        CloudErrorKind::Refused => "401: the token is not accepted",
        CloudErrorKind::Conflict => "409: the user name is taken",
        CloudErrorKind::NotFound => "404: no such account",
        CloudErrorKind::Rejected => "400: a value is not accepted",
        CloudErrorKind::Ambiguous => "the answer did not arrive",
        CloudErrorKind::Unintelligible => "an answer that is no JSON",
        CloudErrorKind::Stopped => "stopped",
    };
    CloudError { kind, what: what.into(), remedy: "try again".into(), tracking_id: None }
}

/// The kinds that a fault can have, by the words of the world language.
pub fn kind_of(word: &str) -> Option<CloudErrorKind> {
    Some(match word {
        "unreachable" => CloudErrorKind::Unreachable,
        "429" => CloudErrorKind::Throttled { retry_after: Duration::from_secs(7) },
        "401" => CloudErrorKind::Refused,
        "409" => CloudErrorKind::Conflict,
        "404" => CloudErrorKind::NotFound,
        "400" => CloudErrorKind::Rejected,
        "garbage" => CloudErrorKind::Unintelligible,
        _ => return None,
    })
}

/// We give something; given twice, by hand and by us, nobody can tell whose it is.
fn given<K: Ord>(entry: Entry<'_, K, Giver>) {
    entry
        .and_modify(|giver| {
            if *giver == Giver::Hand {
                *giver = Giver::Murky;
            }
        })
        .or_insert(Giver::Us);
}

impl State {
    fn fault(&mut self, aims: &[Aim]) -> Option<Fault> {
        let mut hit = None;
        for (at, (aim, wait, fault)) in self.faults.iter_mut().enumerate() {
            if aims.contains(aim) {
                if *wait == 0 && hit.is_none() {
                    hit = Some((at, *fault));
                } else {
                    *wait = wait.saturating_sub(1);
                }
            }
        }
        let (at, fault) = hit?;
        self.faults.remove(at);
        Some(fault)
    }

    /// An account that somebody makes by hand.
    pub fn add(&mut self, email: &str) -> CloudId {
        self.next += 1;
        let id = CloudId::new(format!("cloud-{:04}", self.next));
        let account = Account {
            id: id.clone(),
            kind: AccountKind::Person,
            email: email.parse().ok(),
            external_id: None,
            active: true,
            profile: Profile::new(),
            roles: BTreeSet::new(),
            calling_owns_work_phone: false,
        };
        let kept = Kept {
            account,
            licenses: BTreeMap::new(),
            roles: BTreeMap::new(),
            once_ours: BTreeSet::new(),
            blocked_by_hand: false,
            murky_block: false,
            telephone: None,
            ours: false,
        };
        self.accounts.insert(id.clone(), kept);
        id
    }

    pub fn by_email(&mut self, email: &str) -> Option<&mut Kept> {
        let email: Email = email.parse().ok()?;
        self.accounts.values_mut().find(|kept| kept.account.email.as_ref() == Some(&email))
    }

    pub fn by_anchor(&self, anchor: &str) -> Vec<&Kept> {
        self.accounts.values().filter(|kept| kept.account.external_id.as_deref() == Some(anchor)).collect()
    }

    pub fn license(&mut self, name: &str, service: &str, seats: Option<u64>) -> LicenseId {
        let id = LicenseId::new(format!("lic:{name}"));
        let license = License {
            id: id.clone(),
            name: name.into(),
            service: Some(service.into()),
            kind: LicenseKind::Paid,
            subscription: None,
            site: None,
            total: seats,
            consumed: 0,
        };
        match self.licenses.iter_mut().find(|known| known.id == id) {
            Some(known) => *known = license,
            None => self.licenses.push(license),
        }
        id
    }

    fn consumed(&self, id: &LicenseId) -> u64 {
        self.accounts.values().filter(|kept| kept.licenses.contains_key(id)).count() as u64
    }

    fn seat_free(&self, id: &LicenseId) -> bool {
        if id.attended_site().is_some() {
            return true;
        }
        let total = self.licenses.iter().find(|license| license.id == *id).map(|license| license.total);
        total.is_some_and(|total| self.generous || total.is_none_or(|total| self.consumed(id) < total))
    }

    /// Whether it is the turn of this one to be passed over.
    fn passes_over(&mut self, id: &CloudId, license: &LicenseId, gives: bool) -> bool {
        let left = if gives { &mut self.skip } else { &mut self.keep };
        match left {
            Some(0) => {
                *left = None;
                self.skipped.push((id.clone(), license.clone()));
                true
            }
            Some(n) => {
                *n -= 1;
                false
            }
            None => false,
        }
    }

    /// A licence given by hand, however many seats there are.
    pub fn give_by_hand(&mut self, account: &CloudId, license: &LicenseId) {
        let Some(kept) = self.accounts.get_mut(account) else { return };
        let giver = if kept.once_ours.contains(license.as_str()) { Giver::Murky } else { Giver::Hand };
        kept.licenses.entry(license.clone()).or_insert(giver);
    }

    /// Refuses an address that another account has, as its user name or beside it.
    fn is_free(&self, address: &str, cloud_id: Option<&CloudId>) -> Result<(), CloudError> {
        let key = address_key(address);
        let taken = self.accounts.values().filter(|kept| Some(&kept.account.id) != cloud_id).any(|kept| {
            let account = &kept.account;
            let beside = ADDRESSES.iter().filter_map(|field| account.profile.get(field));
            account.email.as_ref().is_some_and(|email| email.key() == key)
                || beside.into_iter().any(|value| address_key(value) == key)
        });
        if taken { Err(error(CloudErrorKind::Conflict)) } else { Ok(()) }
    }

    fn carry_out(&mut self, action: &Action, cloud_id: Option<&CloudId>) -> Result<CloudId, CloudError> {
        if let Some(Some(to)) =
            action.changes.iter().find(|change| change.field == Attr::Email).map(|change| change.to.clone())
        {
            let email: Email = to.parse().map_err(|_| error(CloudErrorKind::Rejected))?;
            self.is_free(email.as_str(), cloud_id)?;
        }
        for change in &action.changes {
            if let (Attr::Field(field), Some(to)) = (&change.field, &change.to)
                && ADDRESSES.contains(field)
            {
                self.is_free(to, cloud_id)?;
            }
        }
        let id = match (action.kind, cloud_id) {
            (Kind::Create, _) => {
                let anchor = action.anchor.to_string();
                if !self.by_anchor(&anchor).is_empty() {
                    self.violations.push(format!("{} exists twice", action.who));
                }
                let id = self.add(action.who.as_str());
                if let Some(kept) = self.accounts.get_mut(&id) {
                    kept.account.kind = action.who.kind();
                }
                for license in self.template.clone() {
                    self.give_by_hand(&id, &license);
                }
                id
            }
            (_, Some(id)) => id.clone(),
            (_, None) => {
                self.violations.push(format!("{} of nobody", action.kind));
                return Err(error(CloudErrorKind::Rejected));
            }
        };
        let protected = self.me.as_ref() == Some(&id);
        if action.kind == Kind::Delete {
            let Some(kept) = self.accounts.remove(&id) else { return Err(error(CloudErrorKind::NotFound)) };
            for group in self.groups.values_mut() {
                group.members.remove(&id);
            }
            if !kept.ours || protected {
                self.violations.push(format!("deleted {}, which is not ours", action.who));
            }
            self.removals.push(format!("delete {}", action.who));
            return Ok(id);
        }
        let mut violations = Vec::new();
        if self.accounts.get(&id).is_some_and(|kept| kept.account.kind != action.who.kind()) {
            violations.push(format!("{} of {} as another kind than it is", action.kind, action.who));
        }
        let mut removals = Vec::new();
        let Some(kept) = self.accounts.get_mut(&id) else { return Err(error(CloudErrorKind::NotFound)) };
        for change in &action.changes {
            match (&change.field, &change.to) {
                (Attr::Email, to) => {
                    kept.account.email = to.as_deref().and_then(|to| to.parse().ok());
                }
                (Attr::ExternalId, to) => {
                    let before = &kept.account.external_id;
                    let human = |anchor: &Option<String>| self.humans.get(anchor.as_ref()?);
                    let same = human(before).is_some() && human(before) == human(to);
                    if kept.ours && before.is_some() && before != to && !same {
                        violations.push(format!("{} got the account of somebody else", action.who));
                    }
                    kept.account.external_id.clone_from(to);
                    kept.ours = true;
                }
                (Attr::Active, to) => {
                    let active = to.as_deref() == Some("true");
                    if active && kept.blocked_by_hand && !kept.murky_block {
                        violations.push(format!("allowed {} again, who was blocked by hand", action.who));
                    }
                    if !active {
                        if !kept.ours || protected {
                            violations.push(format!("deactivated {}, who is not ours", action.who));
                        }
                        removals.push(format!("deactivate {}", action.who));
                        kept.blocked_by_hand = false;
                    }
                    kept.account.active = active;
                }
                (Attr::Field(field), Some(value)) => {
                    kept.account.profile.insert(*field, value.clone());
                }
                (Attr::Field(field), None) => {
                    kept.account.profile.remove(field);
                }
                (Attr::Role(role), Some(_)) => {
                    kept.account.roles.insert(role.clone());
                    kept.once_ours.insert(role.to_string());
                    given(kept.roles.entry(role.clone()));
                }
                (Attr::Role(role), None) => {
                    if kept.roles.get(role) == Some(&Giver::Hand) {
                        violations.push(format!("took role {role} from {}, given by hand", action.who));
                    }
                    removals.push(format!("role {} {role}", action.who));
                    kept.account.roles.remove(role);
                    kept.roles.remove(role);
                }
                (Attr::License(_) | Attr::Member(_), _) => {
                    violations.push("a licence or a member among other orders".into());
                }
            }
        }
        self.violations.extend(violations);
        self.removals.extend(removals);
        Ok(id)
    }

    /// A group that somebody makes by hand.
    pub fn add_group(&mut self, name: &str) -> CloudId {
        self.next += 1;
        let id = CloudId::new(format!("cloud-{:04}", self.next));
        let group = CloudGroup { id: id.clone(), name: name.into(), external_id: None };
        let kept = KeptGroup { group, members: BTreeMap::new(), ours: false };
        self.groups.insert(id.clone(), kept);
        id
    }

    pub fn group_by_name(&mut self, name: &str) -> Option<&mut KeptGroup> {
        self.groups.values_mut().find(|kept| kept.group.name.eq_ignore_ascii_case(name))
    }

    /// A contact that somebody makes by hand.
    pub fn add_contact(&mut self, contact: Contact) -> CloudId {
        self.next += 1;
        let id = CloudId::new(format!("cloud-{:04}", self.next));
        self.contacts.insert(id.clone(), (contact, false));
        id
    }

    pub fn contact_named(&mut self, name: &str) -> Option<(CloudId, &mut Contact)> {
        let mut all = self.contacts.iter_mut();
        all.find(|(_, (there, _))| there.name() == name).map(|(id, (there, _))| (id.clone(), there))
    }

    fn write_contact(&mut self, order: Order<'_>) -> Result<CloudId, CloudError> {
        let action = order.action;
        let id = match (action.kind, order.cloud_id) {
            (Kind::ContactCreate, _) => {
                let fresh = Contact::default().after(action);
                if self.contacts.values().any(|(there, ours)| *ours && there.identity() == fresh.identity()) {
                    self.violations.push(format!("the contact {} exists twice", action.who));
                }
                let id = self.add_contact(fresh);
                self.contacts.entry(id.clone()).and_modify(|(_, ours)| *ours = true);
                return Ok(id);
            }
            (_, Some(id)) => id.clone(),
            (_, None) => {
                self.violations.push(format!("{} of no contact", action.kind));
                return Err(error(CloudErrorKind::Rejected));
            }
        };
        let Some((contact, ours)) = self.contacts.get_mut(&id) else {
            return Err(error(CloudErrorKind::NotFound));
        };
        if action.kind == Kind::ContactDelete {
            if !*ours {
                self.violations.push(format!("deleted the contact {}, which we did not make", action.who));
            }
            self.contacts.remove(&id);
            self.removals.push(format!("contact {}", action.who));
        } else {
            *contact = contact.after(action);
        }
        Ok(id)
    }

    fn write_group(&mut self, order: Order<'_>) -> Result<GroupWritten, CloudError> {
        let action = order.action;
        let name = action.changes.iter().find(|change| change.field == Attr::Field(Field::DisplayName));
        if let Some(name) = name.and_then(|change| change.to.clone()) {
            let taken = self.groups.values().any(|kept| {
                kept.group.name.eq_ignore_ascii_case(&name) && Some(&kept.group.id) != order.cloud_id
            });
            if taken {
                return Err(error(CloudErrorKind::Conflict));
            }
        }
        let members = action.changes.iter().filter(|change| matches!(change.field, Attr::Member(_))).count();
        if members > 500 {
            self.violations.push(format!("{members} members in one call"));
        }
        let id = match (action.kind, order.cloud_id) {
            (Kind::GroupCreate, _) => {
                let anchor = action.anchor.to_string();
                if self.groups.values().any(|kept| kept.group.external_id.as_deref() == Some(anchor.as_str()))
                {
                    self.violations.push(format!("the group {} exists twice", action.who));
                }
                self.add_group(action.who.as_str())
            }
            (_, Some(id)) => id.clone(),
            (_, None) => {
                self.violations.push(format!("{} of no group", action.kind));
                return Err(error(CloudErrorKind::Rejected));
            }
        };
        let (known, refused) = (self.accounts.keys().cloned().collect::<BTreeSet<_>>(), self.refused.clone());
        let Some(kept) = self.groups.get_mut(&id) else { return Err(error(CloudErrorKind::NotFound)) };
        let mut written = GroupWritten { id: id.clone(), refused: Vec::new() };
        if action.kind == Kind::GroupDelete {
            if !kept.ours {
                self.violations.push(format!("deleted the group {}, which is not ours", action.who));
            }
            self.groups.remove(&id);
            self.removals.push(format!("group {}", action.who));
            return Ok(written);
        }
        for change in &action.changes {
            match (&change.field, &change.to) {
                (Attr::Field(Field::DisplayName), Some(to)) => kept.group.name.clone_from(to),
                (Attr::ExternalId, to) => {
                    kept.group.external_id.clone_from(to);
                    kept.ours = true;
                }
                (Attr::Member(who), Some(_)) if refused.contains(who) || !known.contains(who) => {
                    written.refused.push(who.clone());
                }
                (Attr::Member(who), Some(_)) => given(kept.members.entry(who.clone())),
                (Attr::Member(who), None) => {
                    if kept.members.remove(who) == Some(Giver::Hand) && !self.exact {
                        self.violations.push(format!("took {who} out of {}, added by hand", action.who));
                    }
                    self.removals.push(format!("member {who} of {}", action.who));
                }
                _ => self.violations.push("something else in a group".into()),
            }
        }
        Ok(written)
    }

    fn assign(
        &mut self,
        id: &CloudId,
        give: &[Grant],
        take: &[LicenseId],
    ) -> Result<BTreeSet<LicenseId>, CloudError> {
        if !self.accounts.contains_key(id) {
            return Err(error(CloudErrorKind::NotFound));
        }
        let mut give = give;
        for license in take {
            if self.passes_over(id, license, false) {
                // What is taken in the call that gives something makes room for that: without it nobody
                // gets the other, as nobody can hold both.
                give = &[];
                continue;
            }
            let calling = self.licenses.iter().any(|known| {
                known.id == *license && known.service.as_deref().is_some_and(|s| s.starts_with("calling."))
            });
            let kept = self.accounts.get_mut(id).ok_or_else(|| error(CloudErrorKind::NotFound))?;
            if calling && give.is_empty() {
                kept.telephone = None;
            }
            let gone = kept.licenses.remove(license);
            let name = kept.account.email.clone();
            let who = name.as_ref().map_or("?", Email::as_str).to_owned();
            if gone == Some(Giver::Hand) && !self.all_is_claimed {
                self.violations.push(format!("took {license} from {who}, given by hand"));
            }
            self.removals.push(format!("license {who} {license}"));
        }
        for Grant { license, telephone } in give {
            if self.passes_over(id, license, true) {
                continue;
            }
            // Without a seat the cloud leaves it out, and says nothing.
            let held = self.accounts.get(id).is_some_and(|kept| kept.licenses.contains_key(license));
            if (held || self.seat_free(license))
                && let Some(kept) = self.accounts.get_mut(id)
            {
                kept.once_ours.insert(license.to_string());
                given(kept.licenses.entry(license.clone()));
                kept.telephone = telephone.clone().or(kept.telephone.take());
            }
        }
        Ok(self.accounts.get(id).map(|kept| kept.licenses.keys().cloned().collect()).unwrap_or_default())
    }
}

impl CloudRead for FakeCloud {
    fn organization(&self) -> BoxFuture<'_, Result<Organization, CloudError>> {
        Box::pin(async move {
            self.read_call().await?;
            Ok(Organization { id: "org-1".into(), name: "Example".into(), me: self.state().me.clone() })
        })
    }

    fn catalogue(&self) -> BoxFuture<'_, Result<Catalogue, CloudError>> {
        Box::pin(async move {
            self.read_call().await?;
            let state = self.state();
            let licenses = state.licenses.iter().cloned();
            Ok(Catalogue(
                licenses
                    .map(|license| {
                        let uncounted = state.uncounted.get(&license.id).copied().unwrap_or(0);
                        License { consumed: state.consumed(&license.id).saturating_sub(uncounted), ..license }
                    })
                    .collect(),
            ))
        })
    }

    fn roles(&self) -> BoxFuture<'_, Result<Vec<Role>, CloudError>> {
        Box::pin(async move {
            self.read_call().await?;
            Ok(self.state().roles.clone())
        })
    }

    fn places(&self) -> BoxFuture<'_, Result<Vec<Place>, CloudError>> {
        Box::pin(async move {
            self.read_call().await?;
            Ok(self.state().places.clone())
        })
    }

    fn lines(&self) -> BoxFuture<'_, Result<Option<Vec<InUse>>, CloudError>> {
        Box::pin(async move {
            self.read_call().await?;
            let state = self.state();
            let in_use = state.accounts.values().filter_map(|kept| {
                let telephone = kept.telephone.clone()?;
                Some(InUse {
                    place: telephone.place.map(|place| place.id),
                    phone: telephone.phone,
                    extension: telephone.extension,
                    owner: Some(kept.account.id.clone()),
                })
            });
            Ok(Some(in_use.collect()))
        })
    }

    fn accounts(&self, pages: mpsc::Sender<Vec<Account>>) -> BoxFuture<'_, Result<u64, CloudError>> {
        Box::pin(async move {
            let mut left: VecDeque<Account> =
                self.state().accounts.values().map(|kept| kept.shown()).collect();
            let count = left.len() as u64;
            loop {
                self.read_call().await?;
                let page: Vec<Account> = left.drain(..left.len().min(4)).collect();
                if pages.send(page).await.is_err() {
                    return Err(error(CloudErrorKind::Stopped));
                }
                if left.is_empty() {
                    return Ok(count);
                }
            }
        })
    }

    fn account<'a>(&'a self, id: &'a CloudId) -> BoxFuture<'a, Result<Option<Account>, CloudError>> {
        Box::pin(async move {
            self.read_call().await?;
            Ok(self.state().accounts.get(id).map(|kept| kept.shown()))
        })
    }

    fn account_by_email<'a>(
        &'a self,
        email: &'a Email,
    ) -> BoxFuture<'a, Result<Option<Account>, CloudError>> {
        Box::pin(async move {
            self.read_call().await?;
            let mut state = self.state();
            if state.late > 0 {
                state.late -= 1;
                return Ok(None);
            }
            Ok(state.by_email(email.as_str()).map(|kept| kept.shown()))
        })
    }

    fn holders<'a>(
        &'a self,
        license: &'a LicenseId,
        pages: mpsc::Sender<Vec<CloudId>>,
    ) -> BoxFuture<'a, Result<u64, CloudError>> {
        Box::pin(async move {
            self.read_call().await?;
            let ids: Vec<CloudId> = {
                let state = self.state();
                let holders = state.accounts.values().filter(|kept| kept.licenses.contains_key(license));
                holders.map(|kept| kept.account.id.clone()).collect()
            };
            let count = ids.len() as u64;
            pages.send(ids).await.map_err(|_| error(CloudErrorKind::Stopped))?;
            Ok(count)
        })
    }

    fn licenses_of<'a>(&'a self, id: &'a CloudId) -> BoxFuture<'a, Result<BTreeSet<LicenseId>, CloudError>> {
        Box::pin(async move {
            self.read_call().await?;
            let state = self.state();
            let kept = state.accounts.get(id).ok_or_else(|| error(CloudErrorKind::NotFound))?;
            Ok(kept.licenses.keys().cloned().collect())
        })
    }

    fn groups(&self) -> BoxFuture<'_, Result<Vec<CloudGroup>, CloudError>> {
        Box::pin(async move {
            self.read_call().await?;
            Ok(self.state().groups.values().map(|kept| kept.group.clone()).collect())
        })
    }

    fn group_by_name<'a>(&'a self, name: &'a str) -> BoxFuture<'a, Result<Vec<CloudGroup>, CloudError>> {
        Box::pin(async move {
            self.read_call().await?;
            Ok(self.state().group_by_name(name).map(|kept| kept.group.clone()).into_iter().collect())
        })
    }

    fn group_members<'a>(
        &'a self,
        id: &'a CloudId,
    ) -> BoxFuture<'a, Result<Option<Vec<CloudId>>, CloudError>> {
        Box::pin(async move {
            self.read_call().await?;
            let mut state = self.state();
            state.member_reads += 1;
            Ok(state.groups.get(id).map(|kept| kept.members.keys().cloned().collect()))
        })
    }

    fn contacts(&self) -> BoxFuture<'_, Result<Vec<CloudContact>, CloudError>> {
        Box::pin(async move {
            self.read_call().await?;
            let there = |(id, (contact, _)): (&CloudId, &(Contact, bool))| CloudContact {
                id: id.clone(),
                contact: contact.clone(),
            };
            Ok(self.state().contacts.iter().map(there).collect())
        })
    }

    fn contacts_like<'a>(
        &'a self,
        contact: &'a Contact,
    ) -> BoxFuture<'a, Result<Vec<CloudContact>, CloudError>> {
        Box::pin(async move {
            let mut all = self.contacts().await?;
            all.retain(|there| there.contact.identity() == contact.identity());
            Ok(all)
        })
    }
}

impl CloudWrite for FakeCloud {
    fn write<'a>(&'a self, orders: &'a [Order<'a>]) -> BoxFuture<'a, Vec<Result<CloudId, CloudError>>> {
        Box::pin(async move {
            let mut answers = Vec::with_capacity(orders.len());
            for order in orders {
                let answer = self
                    .write_call(order.action.kind, |state| state.carry_out(order.action, order.cloud_id))
                    .await;
                answers.push(answer);
            }
            answers
        })
    }

    fn batch_size(&self) -> usize {
        self.state().batch
    }

    fn write_group<'a>(&'a self, order: Order<'a>) -> BoxFuture<'a, Result<GroupWritten, CloudError>> {
        Box::pin(async move { self.write_call(order.action.kind, |state| state.write_group(order)).await })
    }

    fn write_contact<'a>(&'a self, order: Order<'a>) -> BoxFuture<'a, Result<CloudId, CloudError>> {
        Box::pin(async move { self.write_call(order.action.kind, |state| state.write_contact(order)).await })
    }

    fn assign<'a>(
        &'a self,
        id: &'a CloudId,
        give: &'a [Grant],
        take: &'a [LicenseId],
    ) -> BoxFuture<'a, Result<BTreeSet<LicenseId>, CloudError>> {
        Box::pin(async move {
            let kind = if take.is_empty() { Kind::LicenseAdd } else { Kind::LicenseRemove };
            self.write_call(kind, |state| state.assign(id, give, take)).await
        })
    }
}
