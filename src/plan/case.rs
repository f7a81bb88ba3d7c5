//! One person's situation: the three states side by side.

use std::collections::BTreeSet;

use crate::model::{
    Account, AccountKind, Cause, LicenseId, Person, Rank, RoleId, SnapshotRow, SourceId, Standing,
};

use super::Queue;

/// What should be, for one anchor.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Wish {
    /// This person, exactly so.
    Present(Person),
    /// The record is there and says that the person left: disabled, or out of scope.
    Leaving(Cause),
    /// A complete census proves that the record is gone.
    Gone,
    /// Cannot be decided: withheld by a rule, contested, or not read. Nothing happens.
    Undecided,
}

/// What the cloud shows, for one anchor.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Seen {
    /// This account, which differs from what we last applied, or is not linked yet.
    Account(Box<Account>),
    /// The account is there, exactly as we last applied it, and holds no role.
    AsApplied,
    /// The cloud was asked, and there is no such account.
    Missing,
    /// The cloud was not asked in this pass: the snapshot is trusted.
    Unasked,
}

/// How an account that is not linked was recognised as this person's.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Match {
    /// It carries the anchor.
    Anchor,
    /// It has the e-mail address, and nobody else claims it.
    Email,
}

/// Everything that decides about one person.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Case {
    /// Who.
    pub anchor: SourceId,
    /// A human being, or a room: whichever is linked, or else wanted.
    pub kind: AccountKind,
    /// The DN, where the record was read in this pass.
    pub dn: Option<String>,
    /// Desired.
    pub wish: Wish,
    /// Snapshot.
    pub row: Option<SnapshotRow>,
    /// Observed.
    pub seen: Seen,
    /// For an account that is not linked: how it was recognised.
    pub matched: Option<Match>,
    /// Licences held, of those observed; `None` when the cloud was not asked.
    pub held: Option<BTreeSet<LicenseId>>,
    /// Must never be deactivated, deleted or stripped.
    pub protected: bool,
    /// Whether the source that the person belongs to was read completely.
    pub proven: bool,
    /// Where the person stands when seats are few; `None` where the record was not judged in
    /// this pass, because it did not change.
    pub standing: Option<Standing>,
}

impl Case {
    /// The licences of a linked person. Not asked about, everybody holds what we last saw, what we
    /// gave and did not take, and what is kept for a while.
    pub fn holds(&self, row: &SnapshotRow) -> BTreeSet<LicenseId> {
        match &self.held {
            Some(held) => held.clone(),
            None => {
                let given = row.given.licenses.iter().chain(row.given.fading.keys());
                row.applied.licenses.iter().chain(given).cloned().collect()
            }
        }
    }

    /// The roles of a linked person about whom the cloud was not asked: what we last saw, and what
    /// we gave and did not take. `None` when it was asked.
    pub fn presumed_roles(&self, row: &SnapshotRow) -> Option<BTreeSet<RoleId>> {
        (self.seen == Seen::Unasked).then(|| row.applied.roles.union(&row.given.roles).cloned().collect())
    }

    /// The person's place in the order of those who ask for a licence.
    pub fn rank(&self, queue: &Queue, license: &LicenseId) -> Rank {
        match &self.wish {
            Wish::Present(person) => queue.rank(self.anchor, self.standing.as_ref(), person, license),
            Wish::Leaving(_) | Wish::Gone | Wish::Undecided => Rank::restored(self.anchor),
        }
    }
}
