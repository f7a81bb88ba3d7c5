//! What a look found out, and the questions that can be asked of it.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use crate::apply::{after, joined};
use crate::cloud::Organization;
use crate::guard::Guard;
use crate::model::{
    Action, Attr, Catalogue, Change, CloudId, Email, Fingerprint, GroupLink, Key, Kind, LicenseId, Origin,
    RoleId, SourceId,
};
use crate::plan::{Case, Forecast, Lines, Policy, Seats, Supply};
use crate::rules::Unbound;
use crate::store::{GroupChange, Outcome, Reader, RowChange, Settlement, Stage};

use super::PassError;
use super::beyond::Beyond;
use super::bounds::Narrowed;
use super::census::Reading;
use super::contacts::ContactsSeen;
use super::contest::Addresses;
use super::evidence::{Evidence, Known};
use super::groups::{GroupView, Groups, primary_changes};
use super::index::Index;
use super::moved::Moved;
use super::observe::{Extent, Observation};
use super::parts::{Part, Parts};
use super::queue::Knowledge;
use super::rest::AtRest;
use super::sections::Sections;

/// What was found out.
pub struct Look {
    /// The organization.
    pub organization: Organization,
    /// Its licences.
    pub catalogue: Catalogue,
    /// Names in the rules that the catalogue does not have.
    pub unbound: Vec<Unbound>,
    /// What the source gave.
    pub reading: Reading,
    /// What was seen of the cloud.
    pub observation: Observation,
    /// The judgement over removals.
    pub guard: Guard,
    /// What holds for everybody.
    pub policy: Policy,
    /// The account of every licence whose seats are limited.
    pub supply: Vec<Supply>,
    /// When seats run out, where that can be said.
    pub forecasts: BTreeMap<LicenseId, Forecast>,
    /// The names of the rules that give licences.
    pub rule_names: Vec<String>,
    pub(super) seats: Seats,
    /// Numbers and extensions in use.
    pub lines: Lines,
    /// The id of the plan.
    pub plan: String,
    /// The generation of the snapshot that was looked at.
    pub generation: u64,
    /// People linked before.
    pub linked: u64,
    /// Whether rooms are looked after; otherwise those that are linked stay as they are.
    pub has_rooms: bool,
    /// What is not looked after.
    pub rest: AtRest,
    /// The same of contacts.
    pub has_contacts: bool,
    pub(super) adopts_contacts: bool,
    pub(super) contacts_seen: ContactsSeen,
    pub(super) beyond: Beyond,
    /// Whether somebody asked about a few people alone: nobody else is told of.
    pub alone: bool,
    /// Licences and roles that the rules name; what else is managed was given under earlier rules.
    pub named: (BTreeSet<LicenseId>, BTreeSet<RoleId>),
    /// Whether they are others than those of the last pass over everybody.
    pub anew: bool,
    /// The digest of the rules, as written and as bound.
    pub rules: (Fingerprint, Fingerprint),
    /// The digest of the choice of groups.
    pub choice: Fingerprint,
    /// Plans that an administrator approved and that are released in this pass.
    pub approved: Vec<String>,
    pub(super) groups: Groups,
    pub(super) people: Stage,
    pub(super) index: Arc<Index>,
    pub(super) moved: Moved,
    pub(super) addresses: Addresses,
    pub(super) narrowed: Narrowed,
    pub(super) sections: Sections,
    pub(super) reader: Reader,
    pub(super) protected: BTreeSet<Email>,
}

/// Whether the anchor in an account proves that this happened. An account that is taken back
/// carried it before.
fn writes_anchor(action: &Action) -> bool {
    let anchor = |change: &Change| change.field == Attr::ExternalId && change.to.is_some();
    match action.kind {
        Kind::Create => true,
        Kind::Adopt => action.changes.iter().any(anchor),
        _ => false,
    }
}

/// An account that no record claims.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Stray {
    /// The account.
    pub cloud_id: CloudId,
    /// Its address, where it has one.
    pub email: Option<Email>,
}

impl Look {
    pub(super) fn evidence(&self) -> Evidence<'_> {
        let known = Known {
            index: &self.index,
            reader: &self.reader,
            people: &self.people,
            alike: &self.reading.alike,
            moved: &self.moved,
            addresses: &self.addresses,
            narrowed: &self.narrowed,
            whole: self.reading.whole,
            doubts: &self.reading.doubts,
            me: self.organization.me.as_ref(),
            protected: &self.protected,
            kept: self.policy.managed.kept,
        };
        known.with(&self.observation)
    }

    pub(super) fn knowledge<'a>(&'a self, reader: &'a Reader) -> Knowledge<'a> {
        Knowledge {
            reader,
            people: &self.people,
            index: &self.index,
            moved: &self.moved,
            reading: &self.reading,
        }
    }

    /// People for whom nothing is to be done: those for whom that showed in the plan, of whom so many were
    /// `revisited` although their records had not changed, and those who did not come so far.
    pub fn in_order(&self, in_sync: u64, revisited: u64) -> u64 {
        let beyond = if self.alone { 0 } else { self.beyond.in_order };
        (beyond + self.reading.unchanged + in_sync).saturating_sub(revisited)
    }

    /// The name of a rule that gives licences, by its place; empty when there is none.
    pub fn rule_name(&self, at: u16) -> &str {
        self.rule_names.get(usize::from(at)).map_or("", String::as_str)
    }

    /// Walks through the whole plan, part by part, until `each` says to stop: people, then contacts, then groups
    /// with the members that they would have.
    ///
    /// # Errors
    ///
    /// When the spool or the store failed.
    pub fn parts(&self, mut each: impl FnMut(Part) -> bool) -> Result<(), PassError> {
        let mut goes_on = true;
        self.parts_of_people(|part| {
            goes_on = each(part);
            goes_on
        })?;
        if goes_on && let Some(view) = self.contact_view()? {
            for part in view.compare().into_parts() {
                goes_on = goes_on && each(part);
            }
        }
        if goes_on && let Some(view) = self.group_view(true)? {
            for part in view.compare()?.into_parts() {
                if !each(part) {
                    break;
                }
            }
        }
        Ok(())
    }

    /// Whether what was planned about groups before is planned again by this pass, if it is wanted:
    /// not when somebody asked about single people.
    pub(super) fn compared_groups(&self) -> bool {
        self.reading.memberships.chosen.is_some() || self.choice == Fingerprint::NONE
    }

    /// The comparison of groups; `None` when none are chosen. `rehearses`: as if everybody were
    /// there who is to be created.
    pub(super) fn group_view(&self, rehearses: bool) -> Result<Option<GroupView<'_>>, PassError> {
        let Some(chosen) = &self.reading.memberships.chosen else { return Ok(None) };
        Ok(Some(GroupView {
            rules: self.groups.rules,
            chosen,
            memberships: &self.reading.memberships,
            reader: &self.reader,
            people: &self.people,
            contested: &self.addresses.contested,
            index: &self.index,
            moved: &self.moved,
            seen: &self.groups.seen,
            primary: primary_changes(&self.reading, &self.reader)?.into_iter().collect(),
            may_remove: self.policy.may_remove && self.reading.partial.is_empty(),
            rehearses,
            now: self.policy.now,
            limits: &self.groups.limits,
            recent: self.groups.recent,
            linked: self.linked,
            headcount: self.reading.headcount,
            approved: &self.groups.approved,
            plan: (self.plan.clone(), self.generation),
        }))
    }

    /// Walks through the plan for people, part by part, until `each` says to stop.
    ///
    /// # Errors
    ///
    /// When the spool or the store failed.
    pub(super) fn parts_of_people(&self, each: impl FnMut(Part) -> bool) -> Result<(), PassError> {
        let plan = (self.plan.clone(), self.generation);
        let (seats, lines) = (self.seats.clone(), self.lines.clone());
        let parts = Parts::begin(self.evidence(), &self.sections, &self.policy, seats, lines, plan);
        Ok(parts.each(&self.guard, each)?)
    }

    /// Accounts that an interrupted run made ours without ever hearing of it: they carry the
    /// anchor, and we know that we were about to write it, so they are ours from here on,
    /// even when their people have left meanwhile. Only a whole observation tells.
    ///
    /// # Errors
    ///
    /// When the spool or the store failed.
    pub fn made_ours_unawares(&self) -> Result<Vec<Settlement>, PassError> {
        if matches!(self.observation.extent, Extent::Some(_)) {
            return Ok(Vec::new());
        }
        let mut settlements = Vec::new();
        for intent in self.reader.unconfirmed_intents()? {
            let action = &intent.action;
            if !writes_anchor(action) || self.index.find(action.anchor).is_some() {
                continue;
            }
            let found = self.observation.stage.accounts_by_external_id(&[&action.anchor.to_string()])?;
            let (outcome, row) = match found.as_slice() {
                [] => {
                    let message = "the account was not there when the cloud was observed".to_owned();
                    (Outcome::Failed { code: "never_happened".into(), message }, None)
                }
                [one] if one.linked.is_none() => {
                    let row = after(None, action, &one.account.id, &self.policy.managed, self.policy.now);
                    (Outcome::Succeeded, row.map(|row| RowChange::Link(Box::new(row))))
                }
                _ => continue,
            };
            settlements.push(Settlement { intent: intent.id, outcome, row });
        }
        Ok(settlements)
    }

    /// The same for groups: made by a run that never heard of it, with the members that it sent.
    pub(super) fn groups_created_unawares(&self) -> Result<Vec<Settlement>, PassError> {
        if !self.groups.seen.is_listed() {
            return Ok(Vec::new());
        }
        let links = self.reader.group_links()?;
        let mut settlements = Vec::new();
        for intent in self.reader.unconfirmed_intents()? {
            let action = &intent.action;
            if action.kind != Kind::GroupCreate || links.iter().any(|link| link.anchor == action.anchor) {
                continue;
            }
            let (outcome, row) = match self.groups.seen.by_anchor(action.anchor) {
                Some(there) => {
                    let link = GroupLink {
                        anchor: action.anchor,
                        cloud_id: there.id.clone(),
                        name: there.name.clone(),
                        dn: action.dn.clone().unwrap_or_default(),
                        origin: Origin::Created,
                        open: true,
                        left: None,
                    };
                    let change = GroupChange {
                        anchor: action.anchor,
                        link: Some(link),
                        afresh: true,
                        joined: joined(action),
                        left: Vec::new(),
                    };
                    (Outcome::Succeeded, Some(RowChange::Group(Box::new(change))))
                }
                None => {
                    let message = "the group was not there when the cloud was observed".to_owned();
                    (Outcome::Failed { code: "never_happened".into(), message }, None)
                }
            };
            settlements.push(Settlement { intent: intent.id, outcome, row });
        }
        Ok(settlements)
    }

    /// Linked people whose groups changed, who are to be looked at again if this pass does not
    /// come to its end.
    pub fn touched(&self) -> Result<Vec<SourceId>, PassError> {
        let keys: Vec<Key> = self.reading.memberships.touched().collect();
        let by_dn = self.reader.anchors_by_dn(&keys)?.into_iter().map(|(_, anchor)| anchor);
        Ok(by_dn.chain(self.reading.through_primary.iter().copied()).collect())
    }

    /// Groups of the cloud to which changes of groups lead.
    pub(super) fn regrouped(&self) -> Result<Vec<SourceId>, PassError> {
        let memberships = &self.reading.memberships;
        let Some(chosen) = &memberships.chosen else { return Ok(Vec::new()) };
        let changed = memberships.changed_keys();
        Ok(chosen.above(changed, memberships, &self.reader, &self.people)?.into_iter().collect())
    }

    /// The three states of one person of the plan side by side; `None` for somebody who is in none
    /// of them.
    ///
    /// # Errors
    ///
    /// When the spool or the store failed.
    pub fn case(&self, anchor: SourceId) -> Result<Option<Case>, PassError> {
        let evidence = self.evidence();
        let mut cases = match self.index.find(self.moved.old(anchor)) {
            Some(_) => evidence.linked(&[anchor])?,
            None => evidence.newcomers(self.people.wanted(&[anchor])?)?,
        };
        Ok(cases.cases.pop())
    }

    /// Everybody who is wanted and has no link under the anchor of their record.
    pub(super) fn newcomers(&self) -> Result<Vec<SourceId>, PassError> {
        let newcomers = self.people.wanted_after(false, None, usize::MAX)?.into_iter();
        let moved = self.moved.all().map(|(new, _)| new);
        Ok(newcomers.map(|staged| staged.anchor).chain(moved).collect())
    }

    /// The members of a group that changed.
    pub fn members(&self, group: Key) -> Result<Vec<Key>, PassError> {
        Ok(self.people.staged_members(group)?)
    }

    /// Accounts that no record claims, by id. `None` when not the whole cloud was observed.
    pub fn strays(&self) -> Result<Option<Vec<Stray>>, PassError> {
        if matches!(self.observation.extent, Extent::Some(_)) {
            return Ok(None);
        }
        let mut strays = Vec::new();
        let mut after = None;
        loop {
            let page = self.observation.stage.unlinked_after(after, 1_000)?;
            let Some(last) = page.last() else { return Ok(Some(strays)) };
            after = Some(last.key);
            for staged in page {
                if !staged.account.kind.is_person() && !self.has_rooms {
                    // Not looked after, and nothing to report.
                    continue;
                }
                let claimed_by_anchor =
                    match staged.account.external_id.as_deref().map(str::parse::<SourceId>) {
                        Some(Ok(anchor)) => !self.people.wanted(&[anchor])?.is_empty(),
                        _ => false,
                    };
                let claimed_by_email = match &staged.account.email {
                    Some(email) => self.people.claims_email(email.key())?,
                    None => false,
                };
                if !claimed_by_anchor
                    && !claimed_by_email
                    && Some(&staged.account.id) != self.organization.me.as_ref()
                {
                    strays.push(Stray { cloud_id: staged.account.id, email: staged.account.email });
                }
            }
        }
    }
}

/// A short id for people to type, different for every look.
pub(super) fn plan_id(organization: &str, generation: u64, now: i64) -> String {
    let key = Key::exact(&format!("{organization} {generation} {now}"));
    key.0[..4].iter().map(|byte| format!("{byte:02x}")).collect()
}
