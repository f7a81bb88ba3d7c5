//! The three states of a person are brought together: staged, stored, observed.

use std::cell::Cell;
use std::collections::{BTreeMap, BTreeSet, HashMap};

use crate::model::{
    Account, Cause, CloudId, Email, Fingerprint, Key, LicenseId, LinkState, SnapshotRow, SourceId, Wanted,
    Withheld,
};
use crate::plan::pair::{Pairing, pair};
use crate::plan::{Case, Seen, Wish};
use crate::store::{StagedAccount, StagedWanted, StoreError};

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
    /// What was staged for them.
    pub staged: BTreeMap<SourceId, StagedWanted>,
    /// Who is withheld, for reasons that show only here.
    pub withheld: Vec<Withheld>,
    /// People whose manager is not in the cloud, and is not about to come.
    pub unmanaged: u64,
}

impl Evidence<'_> {
    /// The cases of linked people.
    pub fn linked(&self, anchors: &[SourceId]) -> Result<Cases, StoreError> {
        let known: Vec<SourceId> = anchors.iter().map(|anchor| self.moved.old(*anchor)).collect();
        let (staged, rows) = self.staged_and_rows(anchors, &known)?;
        let staged = staged.into_iter().map(|staged| (staged.anchor, staged)).collect();
        let mut out = Cases { staged, ..Cases::default() };
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
            let staged = out.staged.get(&anchor);
            let account = accounts.get(&row.anchor);
            let mut wish = self.wish(anchor, at, staged, &row, &mut out.withheld);
            if let (Wish::Present(person), Some(lost)) = (&mut wish, self.addresses.lost.get(&anchor)) {
                aliases::without(person, lost, Some(&row.applied.profile));
                out.withheld.extend(lost.iter().map(|one| one.withheld.clone()));
                open.push(anchor);
            }
            if let Some(contest) = self.anchored_elsewhere(anchor, staged)? {
                out.withheld.push(contest);
                wish = Wish::Undecided;
            }
            if let Some(account) = account.filter(|account| account.kind != row.applied.kind) {
                out.withheld.push(kinds::changed_in_cloud(&row, account));
                wish = Wish::Undecided;
            }
            let seen = self.seen(row.anchor, at, account);
            if seen == Seen::Missing && staged.is_some_and(|staged| kinds::is_withheld(&staged.wanted)) {
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
                dn: staged.map(|staged| staged.dn.clone()),
                wish,
                seen,
                matched: None,
                held,
                protected,
                proven: !self.doubts.holds(staged.map_or(&row.dn, |staged| &staged.dn))
                    && !staged.is_some_and(|staged| {
                        self.doubts.cloud(&row, staged, self.index.record(at) == Fingerprint::NONE)
                    }),
                standing: staged.map(|staged| staged.standing.clone()),
                row: Some(row),
            });
        }
        for anchor in open {
            // Until the collision is mended, the record is looked at again.
            out.staged.entry(anchor).and_modify(|staged| staged.record = Fingerprint::NONE);
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
        staged: Option<&StagedWanted>,
        row: &SnapshotRow,
        withheld: &mut Vec<Withheld>,
    ) -> Wish {
        if let Some(contest) = self.contest(anchor) {
            withheld.push(contest.clone());
            return Wish::Undecided;
        }
        match staged.map(|staged| &staged.wanted) {
            Some(Wanted::Present(person)) => Wish::Present(person.clone()),
            Some(Wanted::Leaving(cause)) => Wish::Leaving(*cause),
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
        staged: Option<&StagedWanted>,
    ) -> Result<Option<Withheld>, StoreError> {
        let Some(staged) = staged.filter(|_| self.moved.is_new(anchor)) else { return Ok(None) };
        let carrying = self.observation.stage.accounts_by_external_id(&[&anchor.to_string()])?;
        let other = carrying.into_iter().find(|account| account.linked.is_none());
        Ok(other.map(|other| Withheld {
            anchor: Some(anchor),
            dn: staged.dn.clone(),
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

    /// The newcomers who may have an account already; `None` when there are more accounts
    /// without a link than `most`, so that looking at everybody is quicker.
    pub fn candidates(&self, most: usize) -> Result<Option<Vec<StagedWanted>>, StoreError> {
        let unlinked = self.observation.stage.unlinked_after(None, most + 1)?;
        if unlinked.len() > most {
            return Ok(None);
        }
        let emails: Vec<Key> =
            unlinked.iter().filter_map(|staged| staged.account.email.as_ref().map(Email::key)).collect();
        let mut anchors = self.people.claimants(&emails)?;
        anchors.extend(
            unlinked
                .iter()
                .filter_map(|staged| staged.account.external_id.as_deref()?.parse::<SourceId>().ok()),
        );
        let mut newcomers = self.people.wanted(&anchors)?;
        newcomers.retain(|staged| !staged.linked);
        Ok(Some(newcomers))
    }

    /// The cases of newcomers.
    pub fn newcomers(&self, staged: Vec<StagedWanted>) -> Result<Cases, StoreError> {
        let mut out = Cases::default();
        let anchors: Vec<String> = staged.iter().map(|s| s.anchor.to_string()).collect();
        let anchor_texts: Vec<&str> = anchors.iter().map(String::as_str).collect();
        let emails: Vec<Key> = staged.iter().filter_map(|s| s.email).collect();
        let stage = &self.observation.stage;
        let by_anchor = group(stage.accounts_by_external_id(&anchor_texts)?, |account| {
            account.external_id.as_deref().map(str::to_lowercase)
        });
        let by_email =
            group(stage.accounts_by_email(&emails)?, |account| account.email.as_ref().map(Email::key));
        let keys: Vec<Key> = by_anchor.values().chain(by_email.values()).flatten().map(|s| s.key).collect();
        let held = self.asked_licenses(&keys)?;
        for mut staged in staged {
            let mut case = self.newcomer(&staged, &by_anchor, &by_email, &held, &mut out.withheld)?;
            if let (Wish::Present(person), Some(lost)) =
                (&mut case.wish, self.addresses.lost.get(&staged.anchor))
            {
                let seen = if let Seen::Account(seen) = &case.seen { Some(&seen.profile) } else { None };
                aliases::without(person, lost, seen);
                out.withheld.extend(lost.iter().map(|one| one.withheld.clone()));
                staged.record = Fingerprint::NONE;
            }
            out.cases.push(case);
            out.staged.insert(staged.anchor, staged);
        }
        self.name_managers(&mut out)?;
        Ok(out)
    }

    fn newcomer(
        &self,
        staged: &StagedWanted,
        by_anchor: &HashMap<String, Vec<StagedAccount>>,
        by_email: &HashMap<Key, Vec<StagedAccount>>,
        held: &HashMap<Key, BTreeSet<LicenseId>>,
        withheld: &mut Vec<Withheld>,
    ) -> Result<Case, StoreError> {
        let anchor = staged.anchor;
        let mut case = Case {
            anchor,
            kind: staged.wanted.kind(),
            dn: Some(staged.dn.clone()),
            wish: Wish::Undecided,
            row: None,
            seen: Seen::Missing,
            matched: None,
            held: None,
            protected: false,
            proven: !self.doubts.holds(&staged.dn),
            standing: Some(staged.standing.clone()),
        };
        if let Some(contest) = self.contest(anchor) {
            withheld.push(contest.clone());
            return Ok(case);
        }
        let Wanted::Present(person) = &staged.wanted else { return Ok(case) };
        let accounts = |found: Option<&Vec<StagedAccount>>| -> Vec<Account> {
            found.into_iter().flatten().map(|staged| staged.account.clone()).collect()
        };
        let own = accounts(by_anchor.get(&anchor.to_string()));
        // An address whose holder is linked and moves on in this pass will be free by then.
        let mut same = Vec::new();
        for account in accounts(by_email.get(&person.email.key())) {
            if !self.moves_on(&account, &person.email)? {
                same.push(account);
            }
        }
        // What cannot be asked must not pass for an answer.
        let failure = Cell::new(None);
        let answer = |asked: Result<bool, StoreError>| {
            asked.unwrap_or_else(|e| {
                failure.set(Some(e));
                false
            })
        };
        let claimed = |account: &Account| {
            let owners = self.reader.anchors_by_cloud(&[Key::exact(account.id.as_str())]);
            answer(owners.map(|owners| owners.iter().any(|(_, owner)| *owner != anchor)))
        };
        let known = |other: SourceId| {
            self.index.find(other).is_some()
                || answer(self.reader.rows(&[other]).map(|found| !found.is_empty()))
                || answer(self.people.wanted(&[other]).map(|found| !found.is_empty()))
        };
        let pairing = pair(anchor, case.kind, &own, &same, claimed, known);
        if let Some(failure) = failure.take() {
            return Err(failure);
        }
        match pairing {
            Pairing::Nobody => case.wish = Wish::Present(person.clone()),
            Pairing::Account(account, matched) => {
                case.wish = Wish::Present(person.clone());
                case.matched = Some(matched);
                case.protected = self.is_protected(&account.id, Some(account), None);
                case.held = Some(held.get(&Key::exact(account.id.as_str())).cloned().unwrap_or_default());
                case.seen = Seen::Account(Box::new(account.clone()));
            }
            Pairing::Contested(reason) => withheld.push(Withheld {
                anchor: Some(anchor),
                dn: staged.dn.clone(),
                code: "contested".into(),
                reason: format!("{} is contested: {reason}", person.email),
                remedy: "decide in the cloud which account is this person's, and remove the address or the external id \
                         from the other"
                    .into(),
            }),
        }
        if let (Extent::Some(asked), Seen::Missing) = (&self.observation.extent, &case.seen)
            && !asked.contains(&anchor)
        {
            case.seen = Seen::Unasked;
        }
        Ok(case)
    }

    /// Whether an account belongs to a linked person who takes another address in this pass.
    fn moves_on(&self, account: &Account, address: &Email) -> Result<bool, StoreError> {
        for (_, owner) in self.reader.anchors_by_cloud(&[Key::exact(account.id.as_str())])? {
            let owner = self.moved.now(owner);
            let takes_another = |s: &StagedWanted| s.email.is_some_and(|next| next != address.key());
            if self.contest(owner).is_none() && self.people.wanted(&[owner])?.iter().any(takes_another) {
                return Ok(true);
            }
        }
        Ok(false)
    }
}

fn group<K: std::hash::Hash + Eq>(
    accounts: Vec<StagedAccount>,
    key: impl Fn(&Account) -> Option<K>,
) -> HashMap<K, Vec<StagedAccount>> {
    let mut groups: HashMap<K, Vec<StagedAccount>> = HashMap::new();
    for staged in accounts {
        if let Some(key) = key(&staged.account) {
            groups.entry(key).or_default().push(staged);
        }
    }
    groups
}
