//! The three states of a person are brought together: staged, stored, observed.

mod newcomers;

use std::collections::{BTreeMap, BTreeSet, HashMap};

use crate::model::{
    Account, Cause, CloudId, Email, Fingerprint, Key, LicenseId, LinkState, SnapshotRow, SourceId, Wanted,
    Withheld,
};
use crate::plan::{Case, Seen, Wish};
use crate::store::{StagedWanted, StoreError};

use super::aliases;
use super::evidence::Evidence;
use super::kinds;
use super::observe::Extent;

/// For fewer people than this a thread costs more than it saves.
const WORTH_A_THREAD: usize = 250;

/// Cases, with what the shell needs besides the plan.
#[derive(Default)]
pub struct Cases {
    /// In anchor order.
    pub cases: Vec<Case>,
    /// What is to be noted of those whose records were judged.
    pub judged: BTreeMap<SourceId, Judged>,
    /// Who is withheld, for reasons that show only here.
    pub withheld: Vec<Withheld>,
    /// People whose manager is not in the cloud, and is not about to come.
    pub unmanaged: u64,
    /// People whose manager has no account yet, and is about to get one.
    pub managed_later: u64,
}

/// What is to be noted of a record that was judged, when all that follows from it is done.
pub struct Judged {
    /// Where it stands.
    pub dn: String,
    /// See [`StagedWanted::record`].
    pub record: Fingerprint,
    /// See [`StagedWanted::recheck`].
    pub recheck: Option<i64>,
    /// See [`StagedWanted::joined`].
    pub joined: Option<Key>,
    /// Whether the rules say that the person leaves.
    pub leaves: bool,
}

impl Judged {
    fn of(staged: &StagedWanted) -> Self {
        let StagedWanted { dn, record, recheck, joined, wanted, .. } = staged;
        let leaves = matches!(wanted, Wanted::Leaving(_));
        Self { dn: dn.clone(), record: *record, recheck: *recheck, joined: *joined, leaves }
    }
}

impl Evidence<'_> {
    /// The cases of linked people.
    pub fn linked(&self, anchors: &[SourceId]) -> Result<Cases, StoreError> {
        let known: Vec<SourceId> = anchors.iter().map(|anchor| self.moved.old(*anchor)).collect();
        let (staged, rows) = self.staged_and_rows(anchors, &known)?;
        let mut staged: HashMap<SourceId, StagedWanted> =
            staged.into_iter().map(|staged| (staged.anchor, staged)).collect();
        let mut out = Cases::default();
        let accounts: HashMap<SourceId, Account> = self
            .observation
            .stage
            .accounts_by_anchor(&known)?
            .into_iter()
            .filter_map(|staged| Some((staged.linked?, staged.account)))
            .collect();
        let keys: Vec<Key> = accounts.values().map(|account| Key::exact(account.id.as_str())).collect();
        let asked = self.asked_licenses(&keys)?;
        let mut open = Vec::new();
        for row in rows {
            let anchor = self.moved.now(row.anchor);
            let Some(at) = self.index.find(row.anchor) else { continue };
            let staged = staged.remove(&anchor);
            let account = accounts.get(&row.anchor);
            let proven = !self.doubts.holds(staged.as_ref().map_or(&row.dn, |staged| &staged.dn))
                && !staged.as_ref().is_some_and(|staged| {
                    self.doubts.cloud(&row, staged, self.index.record(at) == Fingerprint::NONE)
                });
            let is_of_other_kind = staged.as_ref().is_some_and(|staged| kinds::is_withheld(&staged.wanted));
            let judged = staged.as_ref().map(Judged::of);
            let (wanted, standing) = staged.map(|staged| (staged.wanted, staged.standing)).unzip();
            let mut wish = self.wish(anchor, at, wanted, &row, &mut out.withheld);
            if let (Wish::Present(person), Some(lost)) = (&mut wish, self.addresses.lost.get(&anchor)) {
                aliases::without(person, lost, Some(&row.applied.profile));
                out.withheld.extend(lost.iter().map(|one| one.withheld.clone()));
                open.push(anchor);
            }
            if let Some(contest) = self.anchored_elsewhere(anchor, judged.as_ref())? {
                out.withheld.push(contest);
                wish = Wish::Undecided;
            }
            if let Some(account) = account.filter(|account| account.kind != row.applied.kind) {
                out.withheld.push(kinds::changed_in_cloud(&row, account));
                wish = Wish::Undecided;
            }
            let seen = self.seen(row.anchor, at, account);
            if seen == Seen::Missing && is_of_other_kind {
                // Nothing is left that could become something else.
                wish = Wish::Gone;
            }
            let protected = self.is_protected(&row.cloud_id, account, Some(&row));
            let held = match &self.observation.extent {
                Extent::All { held, .. } => Some(self.observation.licenses_in(held[at])),
                Extent::Some(_) => {
                    account.map(|a| asked.get(&Key::exact(a.id.as_str())).cloned().unwrap_or_default())
                }
            };
            out.cases.push(Case {
                anchor,
                kind: row.applied.kind,
                dn: judged.as_ref().map(|judged| judged.dn.clone()),
                wish,
                seen,
                matched: None,
                held,
                protected,
                proven,
                standing,
                row: Some(row),
            });
            out.judged.extend(judged.map(|judged| (anchor, judged)));
        }
        for anchor in open {
            // Until the collision is mended, the record is looked at again.
            out.judged.entry(anchor).and_modify(|judged| judged.record = Fingerprint::NONE);
        }
        self.name_managers(&mut out)?;
        Ok(out)
    }

    /// What was staged for people, and the rows of those who are linked: side by side, as unfolding the two
    /// is most of what a plan over many costs.
    fn staged_and_rows(
        &self,
        anchors: &[SourceId],
        known: &[SourceId],
    ) -> Result<(Vec<StagedWanted>, Vec<SnapshotRow>), StoreError> {
        let reader = self.reader;
        if anchors.len() < WORTH_A_THREAD {
            return Ok((self.people.wanted(anchors)?, reader.rows(known)?));
        }
        std::thread::scope(|scope| {
            let rows = scope.spawn(|| reader.rows(known));
            let staged = self.people.wanted(anchors);
            let rows = rows.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic));
            Ok((staged?, rows?))
        })
    }

    fn wish(
        &self,
        anchor: SourceId,
        at: usize,
        wanted: Option<Wanted>,
        row: &SnapshotRow,
        withheld: &mut Vec<Withheld>,
    ) -> Wish {
        if let Some(contest) = self.contest(anchor) {
            withheld.push(contest.clone());
            return Wish::Undecided;
        }
        match wanted {
            Some(Wanted::Present(person)) => Wish::Present(person),
            Some(Wanted::Leaving(cause)) => Wish::Leaving(cause),
            Some(Wanted::Withheld(_)) => Wish::Undecided,
            None if self.index.unusable.get(at) => Wish::Undecided,
            None if self.index.met.get(at) => match row.state {
                // The record did not change: what was applied is what is wanted.
                LinkState::Present => {
                    let mut person = row.applied.clone();
                    person.active = true;
                    // What the cloud holds of its own is not what the directory wants.
                    if person.kind.is_person() {
                        person.profile.retain(|field, _| !self.kept.contains(*field));
                    }
                    Wish::Present(person)
                }
                LinkState::Left { .. } => Wish::Leaving(Cause::Disabled),
            },
            None if self.whole && self.narrowed.explain(&row.dn, self.index.record(at)) => {
                Wish::Leaving(Cause::ScopeChanged)
            }
            None if self.whole => Wish::Gone,
            // Not met in an incomplete census: nothing is known. A leaver of earlier stays one.
            None => match row.state {
                LinkState::Left { .. } => Wish::Gone,
                LinkState::Present => Wish::Undecided,
            },
        }
    }

    /// What somebody else claims as well.
    fn contest(&self, anchor: SourceId) -> Option<&Withheld> {
        self.moved.withheld(anchor).or_else(|| self.addresses.contested.get(&anchor))
    }

    /// Whether the new anchor of somebody who moved is carried by an account that is not theirs:
    /// then there are two for one person.
    fn anchored_elsewhere(
        &self,
        anchor: SourceId,
        judged: Option<&Judged>,
    ) -> Result<Option<Withheld>, StoreError> {
        let Some(judged) = judged.filter(|_| self.moved.is_new(anchor)) else { return Ok(None) };
        let carrying = self.observation.stage.accounts_by_external_id(&[&anchor.to_string()])?;
        let other = carrying.into_iter().find(|account| account.linked.is_none());
        Ok(other.map(|other| Withheld {
            anchor: Some(anchor),
            dn: judged.dn.clone(),
            code: "contested".into(),
            reason: format!(
                "account {} carries this anchor, while the value that identifies the person (people.join) leads to \
                 another account",
                other.account.id
            ),
            remedy: "decide in the cloud which account is this person's, and remove the external id from the other"
                .into(),
        }))
    }

    fn seen(&self, anchor: SourceId, at: usize, account: Option<&Account>) -> Seen {
        match (&self.observation.extent, account) {
            (_, Some(account)) => Seen::Account(Box::new(account.clone())),
            (Extent::All { there, .. }, None) if there.get(at) => Seen::AsApplied,
            (Extent::All { .. }, None) => Seen::Missing,
            (Extent::Some(asked), None) if asked.contains(&anchor) => Seen::Missing,
            (Extent::Some(_), None) => Seen::Unasked,
        }
    }

    /// Administrators that we did not make, the account that authorised us, and the
    /// configured list.
    fn is_protected(&self, id: &CloudId, account: Option<&Account>, row: Option<&SnapshotRow>) -> bool {
        let admin = account.is_some_and(|account| {
            account.roles.iter().any(|role| row.is_none_or(|row| !row.given.roles.contains(role)))
        });
        let listed = |email: &Email| self.protected.contains(email);
        admin
            || self.me == Some(id)
            || row.is_some_and(|row| listed(&row.applied.email))
            || account.and_then(|account| account.email.as_ref()).is_some_and(listed)
    }

    fn asked_licenses(&self, keys: &[Key]) -> Result<HashMap<Key, BTreeSet<LicenseId>>, StoreError> {
        let mut held: HashMap<Key, BTreeSet<LicenseId>> = HashMap::new();
        for (key, bit) in self.observation.stage.licenses_of(keys)? {
            if let Some(license) = self.observation.licenses.get(usize::from(bit)) {
                held.entry(key).or_default().insert(license.clone());
            }
        }
        Ok(held)
    }
}
