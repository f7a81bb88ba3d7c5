//! What becomes of somebody who left: licences and roles taken back, log-in forbidden, and the
//! account deleted when the time has come.

use super::{ALLOWED_BY_HAND, Draft, KEPT, PROTECTED, UNPROVED};
use crate::model::{Attr, Cause, Change, Kind, LinkState, RoleId};
use crate::plan::Seen;

impl Draft<'_> {
    pub(super) fn leave(&mut self, cause: Cause) {
        let Some(row) = &self.case.row else { return };
        if !self.policy.leavers.deactivate {
            self.short = Some(KEPT);
            return;
        }
        if self.case.protected {
            self.short = Some(PROTECTED);
            return;
        }
        if !self.may_remove() {
            self.short = Some(UNPROVED);
            return;
        }
        let email = row.applied.email.clone();
        if self.policy.leavers.reclaim_licenses && self.case.kind.is_person() {
            let held = self.case.held.as_ref().unwrap_or(&row.given.licenses);
            let take = self.policy.tenure.ours(&row.given.licenses, held);
            self.take_licenses(&email, &take, cause);
        }
        let take: Vec<RoleId> = row.given.roles.intersection(&self.roles_held(row)).cloned().collect();
        if !take.is_empty() {
            let changes = take
                .into_iter()
                .map(|role| Change::new(Attr::Role(role), Some(Change::HELD.into()), None))
                .collect();
            self.push(Kind::RoleChange, &email, changes, cause);
        }
        // Also when somebody else already forbade log-in: from here on it is ours to allow again.
        let change = Change::new(Attr::Active, Some("true".into()), Some("false".into()));
        self.push(Kind::Deactivate, &email, vec![change], cause);
    }

    pub(super) fn rest(&mut self) {
        let Some(row) = &self.case.row else { return };
        let LinkState::Left { since } = row.state else { return };
        let Some(keep) = self.policy.leavers.delete_after else { return };
        if self.policy.now < since.saturating_add(keep) {
            return;
        }
        let allowed = matches!(&self.case.seen, Seen::Account(account) if account.active);
        if self.case.protected {
            self.short = Some(PROTECTED);
        } else if allowed {
            self.short = Some(ALLOWED_BY_HAND);
        } else if !self.may_remove() {
            self.short = Some(UNPROVED);
        } else {
            let change = Change::new(Attr::Email, Some(row.applied.email.as_str().into()), None);
            self.push(Kind::Delete, &row.applied.email.clone(), vec![change], Cause::GraceOver);
        }
    }
}
