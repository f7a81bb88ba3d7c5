//! From a cell of the table to actions.

mod holdings;
mod leaving;
mod settings;

use std::collections::{BTreeMap, BTreeSet};

use crate::model::{
    Account, Action, Attr, Cause, Change, Email, Kind, LicenseId, LinkState, Managed, Person, Profile, Rank,
    RoleId, SnapshotRow, Who,
};

use super::case::{Case, Match, Seen, Wish};
use super::compare::{already_applied, identity_changes, lost_kept, profile_changes};
use super::leavers::Leavers;
use super::seats::Seats;
use super::table::{Cell, cell};
use super::tenure::Tenure;

/// What holds for all people of a pass.
#[derive(Clone, Debug)]
pub struct Policy {
    /// What the rules are in charge of.
    pub managed: Managed,
    /// What becomes of leavers.
    pub leavers: Leavers,
    /// The role of full administrators, of whom one always stays.
    pub full_admin: Option<RoleId>,
    /// Which licences are taken, and when.
    pub tenure: Tenure,
    /// Whether an existing account with the same e-mail is taken over.
    pub adopt: bool,
    /// Whether the census is whole, so that anything may be taken away.
    pub may_remove: bool,
    /// Whether every name in the rules is known in the cloud: otherwise nobody can tell which
    /// licence or role is not wanted any more.
    pub may_strip: bool,
    /// Now, in seconds since 1970-01-01 UTC.
    pub now: i64,
}

/// What is to be done about one person.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Decision {
    /// The cell of the table.
    pub cell: Cell,
    /// The actions, in order.
    pub actions: Vec<Action>,
    /// Licences that the person should have and for which no seat is left, each with the
    /// person's place in the order.
    pub waiting: Vec<(LicenseId, Box<Rank>)>,
    /// Licences that no rule gives any more and that are kept for a while, with the time since
    /// when, in seconds since 1970-01-01 UTC.
    pub fading: BTreeMap<LicenseId, i64>,
    /// Why the person stays short of what should be, although nobody is to blame: a sentence,
    /// `None` when everything wanted is planned.
    pub short: Option<&'static str>,
    /// What the snapshot should say about an account that was seen and needs no action.
    pub refreshed: Option<Box<SnapshotRow>>,
}

/// The reason given when a person is blocked in the cloud by hand.
pub const BLOCKED_BY_HAND: &str = "log-in was forbidden in the cloud by somebody else; that is left alone";
/// The reason given when a leaver was let in again by hand.
pub const ALLOWED_BY_HAND: &str =
    "log-in was allowed again in the cloud by somebody else; that is left alone";
/// The reason given when leavers are only reported.
pub const KEPT: &str = "left, and deactivating leavers is switched off";
/// The reason given when adopting is switched off.
pub const NOT_ADOPTED: &str =
    "an account with this e-mail exists in the cloud, and taking over is switched off";
/// The reason given when removals wait for a complete census.
pub const UNPROVED: &str = "removals wait until a read of the directory is complete";
/// The reason given when licences or roles are not taken because the rules are not clear.
pub const UNCLEAR: &str =
    "licences and roles are not taken away while the rules name some that the cloud does not have";
/// The reason given for protected people.
pub const PROTECTED: &str = "protected: never deactivated, deleted or stripped";
/// The reason given when a licence is held that excludes one that should be given.
pub const EXCLUDED: &str =
    "a licence that should be given does not go with one that is held and not ours to take";
/// The reason given when a licence waits for another without which it is worth nothing.
pub const WANTING: &str = "a licence is given together with what it needs, of which there is no seat";
/// The reason given when somebody keeps a licence because another one needs it.
pub const NEEDED: &str = "a licence that no rule gives any more is kept while another that is held needs it";
/// The reason given when Webex refuses to replace a licence by the one that should be.
pub const ONE_WAY: &str = "Webex does not change this calling licence into Calling Standard: take it away in Control Hub, \
     which deletes the telephone, and the next pass gives the other";
/// The reason given when a calling licence is taken, and the work number with it.
pub const NUMBER_LATER: &str =
    "the work number goes with the telephone; the one of the directory is written by the next pass";
/// The reason given when the cloud was not asked about a newcomer.
pub const UNLOOKED: &str = "the cloud was not asked about this person yet";

/// The reason given when somebody emptied a value that is kept.
pub const EMPTIED: &str = "a value that is left to the cloud was emptied there; the next pass fills it again";

/// Decides about one person. Takes seats for the licences it plans to give.
pub fn decide(case: &Case, policy: &Policy, seats: &mut Seats) -> Decision {
    let cell = cell(case);
    let mut d = Draft {
        case,
        policy,
        seats,
        actions: Vec::new(),
        waiting: Vec::new(),
        fading: BTreeMap::new(),
        short: None,
        refreshed: None,
    };
    match (cell, &case.wish) {
        (Cell::Create, Wish::Present(person)) => d.create(person, Cause::NewRecord),
        (Cell::Recreate, Wish::Present(person)) => d.create(person, Cause::LostInCloud),
        (Cell::TakeBack | Cell::TakeOver, Wish::Present(person)) => d.adopt(person),
        (Cell::Correct | Cell::Return, Wish::Present(person)) => d.correct(person),
        (Cell::Leave, wish) => d.leave(cause_of(wish)),
        (Cell::Rest, _) => d.rest(),
        (Cell::Unlooked, _) => d.short = Some(UNLOOKED),
        (Cell::Forget | Cell::Outsider | Cell::Keep, _) => {}
        // The table gives these cells for a wish to be present only.
        (
            Cell::Create | Cell::Recreate | Cell::TakeBack | Cell::TakeOver | Cell::Correct | Cell::Return,
            _,
        ) => {}
    }
    let Draft { actions, waiting, fading, short, refreshed, .. } = d;
    Decision { cell, actions, waiting, fading, short, refreshed }
}

fn cause_of(wish: &Wish) -> Cause {
    match wish {
        Wish::Leaving(cause) => *cause,
        Wish::Present(_) | Wish::Gone | Wish::Undecided => Cause::RecordGone,
    }
}

/// A decision in the making.
struct Draft<'a> {
    case: &'a Case,
    policy: &'a Policy,
    seats: &'a mut Seats,
    actions: Vec<Action>,
    waiting: Vec<(LicenseId, Box<Rank>)>,
    fading: BTreeMap<LicenseId, i64>,
    short: Option<&'static str>,
    refreshed: Option<Box<SnapshotRow>>,
}

impl Draft<'_> {
    fn push(&mut self, kind: Kind, email: &Email, changes: Vec<Change>, cause: Cause) {
        let cloud_id = match (&self.case.seen, &self.case.row) {
            _ if kind == Kind::Create => None,
            (Seen::Account(account), _) => Some(account.id.clone()),
            (Seen::Missing, _) | (_, None) => None,
            (_, Some(row)) => Some(row.cloud_id.clone()),
        };
        self.actions.push(Action {
            kind,
            anchor: self.case.anchor,
            who: Who::account(self.case.kind, email.clone()),
            dn: self.case.dn.clone().or_else(|| self.case.row.as_ref().map(|row| row.dn.clone())),
            cloud_id,
            changes,
            cause,
        });
    }

    fn create(&mut self, person: &Person, cause: Cause) {
        let mut changes = vec![
            Change::new(Attr::Email, None, Some(person.email.as_str().into())),
            Change::new(Attr::Active, None, Some("true".into())),
            Change::new(Attr::ExternalId, None, Some(self.case.anchor.to_string())),
        ];
        changes.extend(
            person
                .profile
                .iter()
                .filter(|(field, _)| !field.is_setting())
                .map(|(field, value)| Change::new(Attr::Field(*field), None, Some(value.clone()))),
        );
        self.push(Kind::Create, &person.email, changes, cause);
        self.settings(person, &Profile::new(), person.profile.keys().copied().collect());
        self.licenses(person, &BTreeSet::new(), &BTreeSet::new());
        self.roles(person, &BTreeSet::new(), &BTreeSet::new());
    }

    fn adopt(&mut self, person: &Person) {
        let (Seen::Account(account), Some(matched)) = (&self.case.seen, self.case.matched) else { return };
        if matched == Match::Email && !self.policy.adopt {
            self.short = Some(NOT_ADOPTED);
            return;
        }
        let cause = if matched == Match::Anchor { Cause::SameAnchor } else { Cause::SameEmail };
        let mut changes =
            identity_changes(self.case, account.email.as_ref(), account.external_id.as_deref(), person);
        let calling = account.calling_owns_work_phone;
        changes.extend(profile_changes(&account.profile, person, self.policy, calling));
        // Even without changes the action is needed: it makes the account ours.
        self.push(Kind::Adopt, &person.email, changes, cause);
        if account.active {
            self.settings(person, &Profile::new(), self.policy.managed.fields);
        } else {
            self.short = Some(BLOCKED_BY_HAND);
        }
        let held = self.case.held.clone().unwrap_or_default();
        self.licenses(person, &held, &BTreeSet::new());
        self.roles(person, &account.roles, &BTreeSet::new());
    }

    fn correct(&mut self, person: &Person) {
        let Some(row) = &self.case.row else { return };
        let observed = match &self.case.seen {
            Seen::Account(account) => Some(account.as_ref()),
            Seen::AsApplied | Seen::Missing | Seen::Unasked => None,
        };
        let active = observed.map_or(row.applied.active, |account| account.active);
        let anchor = row.anchor.to_string();
        let (email, external_id, profile) = match observed {
            Some(account) => (account.email.as_ref(), account.external_id.as_deref(), &account.profile),
            None => (Some(&row.applied.email), Some(anchor.as_str()), &row.applied.profile),
        };
        let mut changes = identity_changes(self.case, email, external_id, person);
        // Also while the account was not looked at, its telephone is known by the licence.
        let held = self.case.holds(row);
        let calling = observed.is_some_and(|account| account.calling_owns_work_phone)
            || held.iter().any(|id| self.policy.tenure.is_calling(id));
        changes.extend(profile_changes(profile, person, self.policy, calling));
        let moves = row.anchor != self.case.anchor
            && changes.iter().any(|change| matches!(change.field, Attr::ExternalId));
        let mut kind = Kind::Update;
        let mut barred = false;
        if !active {
            let change = Change::new(Attr::Active, Some("false".into()), Some("true".into()));
            if !matches!(row.state, LinkState::Left { .. }) && !row.given.block {
                self.short = Some(BLOCKED_BY_HAND);
                barred = true;
            } else if moves {
                // One change, so that the account never is half somebody else's.
                changes.push(change);
                kind = Kind::Reactivate;
            } else {
                self.push(Kind::Reactivate, &person.email, vec![change], Cause::Returned);
            }
        }
        if moves {
            self.push(kind, &person.email, changes, Cause::Moved);
        } else if !changes.is_empty() {
            let drifted = observed.is_some() && changes.iter().all(|change| already_applied(change, row));
            self.push(
                Kind::Update,
                &person.email,
                changes,
                if drifted { Cause::Drift } else { Cause::Desired },
            );
        }
        if !barred {
            self.settings(person, &row.applied.profile, self.policy.managed.fields);
        }
        if observed.is_some_and(|account| lost_kept(account, row, person, self.policy)) {
            self.short = Some(EMPTIED);
        }
        self.licenses(person, &held, &row.given.licenses);
        self.roles(person, &self.roles_held(row), &row.given.roles);
        if self.actions.is_empty() {
            self.refresh(row, person, observed, active);
        }
    }

    /// The cloud already says what should be, while the snapshot says something older: the
    /// effect of a change of which we never saw the answer.
    fn refresh(&mut self, row: &SnapshotRow, person: &Person, observed: Option<&Account>, active: bool) {
        let mut fresh = row.clone();
        if let Some(account) = observed {
            fresh.cloud_id = account.id.clone();
            let licenses = std::mem::take(&mut fresh.applied.licenses);
            fresh.applied = Person { active, licenses, ..person.clone() };
            let managed = &self.policy.managed;
            let fields = managed.fields_of(person.kind);
            fresh.applied.profile.retain(|field, _| fields.contains(*field) && !field.is_setting());
            fresh.applied.profile.extend(row.applied.settings());
            for field in managed.kept_of(person.kind).iter() {
                match account.profile.get(&field) {
                    Some(value) => fresh.applied.profile.insert(field, value.clone()),
                    None => fresh.applied.profile.remove(&field),
                };
            }
            fresh.applied.roles = person.roles.intersection(&account.roles).cloned().collect();
            fresh.given.roles.retain(|role| account.roles.contains(role));
            // As seen, so that the next observation finds nothing new, even where the cloud keeps
            // a value of its own (a work number owned by calling).
            fresh.applied_print = account.fingerprint(&self.policy.managed);
            fresh.given.block &= !active;
        } else if let Some(roles) = self.case.presumed_roles(row) {
            fresh.applied.roles = person.roles.intersection(&roles).cloned().collect();
        }
        // What was not wanted for a while, and was kept, is wanted again by nobody but the snapshot
        // from here on: the record is not judged again before it changes.
        fresh.applied.licenses = person.licenses.intersection(&self.case.holds(row)).cloned().collect();
        if let Some(held) = &self.case.held {
            fresh.licenses_print = self.policy.managed.license_digest(held);
            // What somebody took away is not ours any more when somebody gives it again.
            fresh.given.licenses.retain(|license| held.contains(license));
        }
        fresh.given.fading.clone_from(&self.fading);
        fresh.state = LinkState::Present;
        if fresh != *row {
            self.refreshed = Some(Box::new(fresh));
        }
    }

    /// The roles held, as far as is known. An account that holds a role is always shown where all are.
    fn roles_held(&self, row: &SnapshotRow) -> BTreeSet<RoleId> {
        match &self.case.seen {
            Seen::Account(account) => account.roles.clone(),
            Seen::AsApplied | Seen::Missing | Seen::Unasked => {
                self.case.presumed_roles(row).unwrap_or_default()
            }
        }
    }

    /// Whether what was read proves enough for taking something away.
    fn may_remove(&self) -> bool {
        self.policy.may_remove && self.case.proven
    }

    /// Why nothing may be taken from somebody who stays.
    fn obstacle(&self) -> Option<&'static str> {
        if self.case.protected {
            Some(PROTECTED)
        } else if !self.may_remove() {
            Some(UNPROVED)
        } else if !self.policy.may_strip {
            Some(UNCLEAR)
        } else {
            None
        }
    }
}
