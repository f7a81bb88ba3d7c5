//! The cases of those who are not linked: whether an account of the cloud is theirs already.

use std::cell::Cell;
use std::collections::{BTreeSet, HashMap};

use crate::model::{Account, AccountKind, Email, Fingerprint, Key, LicenseId, SourceId, Wanted, Withheld};
use crate::plan::pair::{Pairing, pair};
use crate::plan::{Case, Seen, Wish};
use crate::store::{StagedAccount, StagedWanted, StoreError};

use super::super::aliases;
use super::super::evidence::Evidence;
use super::super::observe::Extent;
use super::{Cases, Judged};

impl Evidence<'_> {
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
        for staged in staged {
            let (mut case, goes_on) =
                self.newcomer(&staged, &by_anchor, &by_email, &held, &mut out.withheld)?;
            let mut judged = Judged::of(&staged);
            case.standing = Some(staged.standing);
            if let Wanted::Present(person) = staged.wanted
                && goes_on
            {
                case.wish = Wish::Present(person);
            }
            if let (Wish::Present(person), Some(lost)) =
                (&mut case.wish, self.addresses.lost.get(&staged.anchor))
            {
                let seen = if let Seen::Account(seen) = &case.seen { Some(&seen.profile) } else { None };
                aliases::without(person, lost, seen);
                out.withheld.extend(lost.iter().map(|one| one.withheld.clone()));
                judged.record = Fingerprint::NONE;
            }
            out.cases.push(case);
            out.judged.insert(staged.anchor, judged);
        }
        self.name_managers(&mut out)?;
        Ok(out)
    }

    /// The case of a newcomer, without the wish, and whether what is wanted goes on.
    fn newcomer(
        &self,
        staged: &StagedWanted,
        by_anchor: &HashMap<String, Vec<StagedAccount>>,
        by_email: &HashMap<Key, Vec<StagedAccount>>,
        held: &HashMap<Key, BTreeSet<LicenseId>>,
        withheld: &mut Vec<Withheld>,
    ) -> Result<(Case, bool), StoreError> {
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
            standing: None,
        };
        if let Some(contest) = self.contest(anchor) {
            withheld.push(contest.clone());
            return Ok((case, false));
        }
        let Wanted::Present(person) = &staged.wanted else { return Ok((case, false)) };
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
        let goes_on = !matches!(pairing, Pairing::Contested(_));
        match pairing {
            Pairing::Nobody => {}
            Pairing::Account(account, matched) => {
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
                remedy: contested_remedy(case.kind, own.iter().chain(&same)),
            }),
        }
        if let (Extent::Some(asked), Seen::Missing) = (&self.observation.extent, &case.seen)
            && !asked.contains(&anchor)
        {
            case.seen = Seen::Unasked;
        }
        Ok((case, goes_on))
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

/// What to do about two claims. Of an account of another kind there is only one, and nothing to decide
/// between.
fn contested_remedy<'a>(kind: AccountKind, mut accounts: impl Iterator<Item = &'a Account>) -> String {
    match accounts.find(|account| account.kind != kind) {
        None => {
            "decide in the cloud which account is this person's, and remove the address or the external id from the \
             other"
                .into()
        }
        Some(other) => format!(
            "the account of a {} is never taken over for a {}: correct the mark or the address in the directory, or \
             delete the account in the cloud if nobody needs it",
            other.kind.word(),
            kind.word()
        ),
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
