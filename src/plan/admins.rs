//! Roles that must not go: the last full administrator of the organization, and those of the
//! account that authorised us. A ledger for the time of one plan, over all its parts.

use crate::model::{Attr, Change, CloudId, Kind, RoleId};

use super::case::{Case, Seen};
use super::decide::Decision;

/// The reason given when the last full administrator would go.
pub const LAST_ADMIN: &str =
    "the last full administrator of the organization stays: make somebody else one first";
/// The reason given when it is not known how many full administrators there are.
pub const ADMINS_UNKNOWN: &str =
    "a full administrator stays until a pass lists the whole cloud, as it may be the last one";
/// The reason given when the roles of our own account would change.
pub const OWN_ROLES: &str =
    "the roles of the account that authorised this program are left alone: a change would end its token";

/// The full administrators who are left.
#[derive(Clone, Debug, Default)]
pub struct Admins {
    /// The role; `None` when the cloud has none that we know.
    full: Option<RoleId>,
    /// How many are left; `None` when not the whole cloud was observed.
    left: Option<u64>,
    /// The account that authorised us.
    me: Option<CloudId>,
    /// Whether somebody stays because it is not known how many there are.
    wondered: bool,
}

impl Admins {
    /// The ledger as the observation opens it.
    pub fn open(full: Option<RoleId>, left: Option<u64>, me: Option<CloudId>) -> Self {
        Self { full, left, me, wondered: false }
    }

    /// Whether the whole cloud should be observed, to know how many there are.
    pub fn wonders(&self) -> bool {
        self.wondered
    }

    /// Takes out of a decision what must not happen.
    pub fn settle(&mut self, case: &Case, decision: &mut Decision) {
        let row = case.row.as_ref();
        let id = match &case.seen {
            Seen::Account(account) => Some(&account.id),
            Seen::Missing => None,
            Seen::AsApplied | Seen::Unasked => row.map(|row| &row.cloud_id),
        };
        if id.is_some() && id == self.me.as_ref() {
            let before = decision.actions.len();
            decision.actions.retain(|action| action.kind != Kind::RoleChange);
            if decision.actions.len() < before {
                decision.short = Some(OWN_ROLES);
            }
        }
        let Some(full) = &self.full else { return };
        let is_full = match &case.seen {
            Seen::Account(account) => account.active && account.roles.contains(full),
            Seen::Missing => false,
            Seen::AsApplied | Seen::Unasked => row.is_some_and(|row| {
                row.applied.active && (row.applied.roles.contains(full) || row.given.roles.contains(full))
            }),
        };
        let demotes = |change: &Change| {
            matches!(&change.field, Attr::Role(role) if role == full) && change.to.is_none()
        };
        let leaves =
            decision.actions.iter().any(|action| matches!(action.kind, Kind::Deactivate | Kind::Delete));
        if !is_full || !(leaves || decision.actions.iter().any(|action| action.changes.iter().any(demotes))) {
            return;
        }
        match &mut self.left {
            Some(left) if *left > 1 => {
                *left -= 1;
                return;
            }
            Some(_) => decision.short = Some(LAST_ADMIN),
            None => {
                self.wondered = true;
                decision.short = Some(ADMINS_UNKNOWN);
            }
        }
        if leaves {
            // Whoever stays keeps the seats too.
            decision.actions.clear();
        } else {
            for action in &mut decision.actions {
                action.changes.retain(|change| !demotes(change));
            }
            decision.actions.retain(|action| action.kind != Kind::RoleChange || !action.changes.is_empty());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{Action, Cause, LinkState, SourceId};
    use crate::plan::tests_support::{account, person, row};
    use crate::plan::{Cell, Wish};

    fn full() -> RoleId {
        RoleId::new("id_full_admin")
    }

    fn case(name: &str) -> Case {
        let mut account = account(name);
        account.roles.insert(full());
        Case {
            kind: Default::default(),
            anchor: SourceId::new([1; 16]),
            dn: None,
            wish: Wish::Present(person(name)),
            row: Some(row(name, LinkState::Present)),
            seen: Seen::Account(Box::new(account)),
            matched: None,
            held: None,
            protected: false,
            proven: true,
            standing: None,
        }
    }

    fn decision(kind: Kind, changes: Vec<Change>) -> Decision {
        let action = Action {
            kind,
            anchor: SourceId::new([1; 16]),
            who: "a@example.com".parse().unwrap(),
            dn: None,
            cloud_id: None,
            changes,
            cause: Cause::NotEntitled,
        };
        Decision {
            cell: Cell::Correct,
            actions: vec![action],
            waiting: Vec::new(),
            fading: Default::default(),
            short: None,
            refreshed: None,
        }
    }

    #[test]
    fn the_last_one_stays() {
        let demote = || Change::new(Attr::Role(full()), Some(Change::HELD.into()), None);
        let other = || Change::new(Attr::Role(RoleId::new("x")), None, Some(Change::HELD.into()));
        // How many there are, what happens to two of them in turn, and what is left of it.
        for (left, kind, changes, want) in [
            (Some(3), Kind::RoleChange, vec![demote()], [(1, None), (1, None)]),
            (Some(2), Kind::RoleChange, vec![demote()], [(1, None), (0, Some(LAST_ADMIN))]),
            (Some(2), Kind::Deactivate, vec![], [(1, None), (0, Some(LAST_ADMIN))]),
            (Some(1), Kind::RoleChange, vec![demote(), other()], [(1, Some(LAST_ADMIN)); 2]),
            (None, Kind::Delete, vec![], [(0, Some(ADMINS_UNKNOWN)); 2]),
            (Some(1), Kind::RoleChange, vec![other()], [(1, None); 2]),
        ] {
            let mut admins = Admins::open(Some(full()), left, None);
            let got = ["a", "b"].map(|name| {
                let mut decision = decision(kind, changes.clone());
                admins.settle(&case(name), &mut decision);
                (decision.actions.len(), decision.short)
            });
            assert_eq!(got, want, "{left:?} {kind}");
            assert_eq!(admins.wonders(), left.is_none());
        }
    }

    #[test]
    fn our_own_roles_are_left_alone() {
        let me = account("me").id;
        let mut admins = Admins::open(Some(full()), Some(9), Some(me));
        let give = Change::new(Attr::Role(RoleId::new("x")), None, Some(Change::HELD.into()));
        let mut decision = decision(Kind::RoleChange, vec![give]);
        admins.settle(&case("me"), &mut decision);
        assert_eq!((decision.actions.len(), decision.short), (0, Some(OWN_ROLES)));
    }
}
