//! Groups are compared: those to which a change leads, those that are not finished, and those
//! that left.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use crate::apply::GroupWork;
use crate::guard::{Finding, Guard, Headcount, HeldAction, Limits, Object, Tally, unreleased};
use crate::model::{Action, Cause, CloudGroup, CloudId, GroupLink, Key, SourceId, Withheld};
use crate::pass::index::Index;
use crate::pass::membership::Memberships;
use crate::pass::moved::Moved;
use crate::pass::parts::Part;
use crate::plan::{GroupCase, GroupDecision, GroupRules, GroupSeen, GroupWish, Member, Plan, decide_group};
use crate::store::{Reader, Stage, StoreError};

use super::members::{Elsewhere, desired, leaving, named, strangers};
use super::withheld::name_taken;
use super::{ChosenGroups, GroupsSeen};

const UNREAD: &str = "a group whose members the cloud did not list completely: compared again next time";

/// Everything that the comparison of groups goes by.
pub struct GroupView<'a> {
    /// What holds for all groups.
    pub rules: GroupRules,
    /// The chosen groups.
    pub chosen: &'a ChosenGroups,
    /// Who is in which group of the directory.
    pub memberships: &'a Memberships,
    /// The snapshot.
    pub reader: &'a Reader,
    /// What this pass read.
    pub people: &'a Stage,
    /// Who of them is withheld over an address.
    pub contested: &'a HashMap<SourceId, Withheld>,
    /// Whom it met.
    pub index: &'a Index,
    /// Whose account goes along to another domain.
    pub moved: &'a Moved,
    /// What was seen of the cloud.
    pub seen: &'a GroupsSeen,
    /// Primary groups that the store does not know yet.
    pub primary: BTreeMap<SourceId, Option<Key>>,
    /// Whether absence is proved.
    pub may_remove: bool,
    /// Whether people who are not there yet count as if they were: for a dry run.
    pub rehearses: bool,
    /// Now, in seconds since 1970-01-01 UTC.
    pub now: i64,
    /// The limits of the guard.
    pub limits: &'a Limits,
    /// Removals of the last hour.
    pub recent: Tally,
    /// Linked people.
    pub linked: u64,
    /// The census against the last whole one.
    pub headcount: Option<Headcount>,
    /// What an administrator approved.
    pub approved: &'a [Action],
    /// The plan and the generation of the snapshot.
    pub plan: (String, u64),
}

/// One group: what may be carried out, and what waits for approval.
pub struct PlannedGroup {
    /// What may be done, and what the store says then.
    pub work: GroupWork,
    /// What waits for approval.
    pub held: Vec<HeldAction>,
}

/// All groups to which something is to be done or noted.
#[derive(Default)]
pub struct GroupPlan {
    /// The groups.
    pub groups: Vec<PlannedGroup>,
    /// What the guard objects to.
    pub findings: Vec<Finding>,
    /// Groups about which nothing can be decided.
    pub withheld: Vec<Withheld>,
    /// Groups that stay as they are although they should not, and why.
    pub kept: Vec<(SourceId, &'static str)>,
    /// Members of the groups that were compared who have no account in the cloud.
    pub without: u64,
}

impl GroupPlan {
    /// The same as parts of a dry run: one for what is said about all, then one for each group.
    pub fn into_parts(self) -> impl Iterator<Item = Part> {
        let said =
            Part { withheld: self.withheld, short: self.kept, findings: self.findings, ..Part::default() };
        let groups = self.groups.into_iter();
        std::iter::once(said).chain(groups.map(|group| Part {
            checked: group.work.checked,
            held: group.held,
            ..Part::default()
        }))
    }
}

impl GroupView<'_> {
    /// Compares.
    ///
    /// # Errors
    ///
    /// When the spool or the store cannot be read.
    pub fn compare(&self) -> Result<GroupPlan, StoreError> {
        let mut plan = GroupPlan::default();
        let links: BTreeMap<SourceId, GroupLink> =
            self.reader.group_links()?.into_iter().map(|link| (link.anchor, link)).collect();
        let unnamed = self.withhold(&links, &mut plan.withheld);
        let elsewhere = Elsewhere::find(self)?;
        let mut decided = Vec::new();
        for anchor in self.touched(&links, &elsewhere)? {
            if unnamed.contains(&anchor) {
                continue;
            }
            let Some((key, dn, name)) = self.chosen.groups.get(&anchor) else { continue };
            let link = links.get(&anchor).cloned();
            let seen = match self.seen(anchor, name, link.as_ref()) {
                Ok(seen) => seen,
                Err(taken) => {
                    plan.withheld.push(name_taken(anchor, dn, name, taken));
                    continue;
                }
            };
            let compared = self.one(&elsewhere, anchor, *key, link.is_some(), &seen)?;
            plan.without += compared.without;
            let case = GroupCase {
                anchor,
                dn: dn.clone(),
                wish: GroupWish::Present(name.clone()),
                link: link.clone(),
                seen,
                join: compared.join,
                leave: compared.leave,
                leavers: compared.leavers,
                drifted: compared.drifted,
                known: compared.known,
            };
            let mut decision = decide_group(case, self.rules, self.may_remove, self.now);
            if let Some(after) = &mut decision.link {
                after.open |= compared.open;
            }
            decided.push((link, decision, compared.forget));
        }
        let gone = links.values().filter(|link| !self.chosen.groups.contains_key(&link.anchor));
        for link in gone {
            let decision = self.gone(link);
            plan.kept.extend(decision.kept.map(|why| (link.anchor, why)));
            decided.push((Some(link.clone()), decision, Vec::new()));
        }
        plan.kept.extend(self.seen.unread.iter().map(|anchor| (*anchor, UNREAD)));
        self.weigh(decided, &mut plan)?;
        Ok(plan)
    }

    /// What the guard says about all of it together, before anything of it is done.
    fn weigh(
        &self,
        decided: Vec<(Option<GroupLink>, GroupDecision, Vec<Key>)>,
        plan: &mut GroupPlan,
    ) -> Result<(), StoreError> {
        let approved: Vec<Action> =
            self.approved.iter().filter(|action| action.kind.is_group()).cloned().collect();
        let (groups, memberships) = self.reader.count_groups()?;
        let mut tally = Tally::of_groups(groups, memberships);
        tally.join(&self.recent.only(Object::Group));
        for (_, decision, _) in &decided {
            let actions: Vec<Action> =
                decision.actions.iter().filter_map(|action| unreleased(action, &approved)).collect();
            tally.add(&actions);
        }
        let guard = Guard::weigh(self.limits, &tally, self.linked, self.headcount, approved);
        plan.findings = guard.findings().to_vec();
        for (before, decision, forget) in decided {
            let GroupDecision { actions, link: mut after, afresh, known, kept: _ } = decision;
            let (id, generation) = self.plan.clone();
            let (checked, held) = guard.check(Plan { id, generation, actions });
            if !held.is_empty() {
                // What is held is planned again by every pass, so that it stays one plan.
                after = after.or_else(|| before.clone()).map(|link| GroupLink { open: true, ..link });
            }
            let quiet = checked.plan().actions.is_empty() && held.is_empty() && forget.is_empty();
            if !(quiet && before == after) {
                let work = GroupWork { checked, before, after, afresh, known, forget };
                plan.groups.push(PlannedGroup { work, held });
            }
        }
        Ok(())
    }

    /// The chosen groups that have to be compared.
    fn touched(
        &self,
        links: &BTreeMap<SourceId, GroupLink>,
        elsewhere: &Elsewhere,
    ) -> Result<BTreeSet<SourceId>, StoreError> {
        let mut from: BTreeSet<Key> = self.memberships.changed_keys().collect();
        from.extend(self.reader.to_regroup()?);
        from.extend(elsewhere.keys());
        if !self.primary.is_empty() {
            from.extend(self.primary.values().flatten());
            let before: BTreeMap<SourceId, Key> = self.reader.all_primary()?.into_iter().collect();
            from.extend(self.primary.keys().filter_map(|anchor| before.get(anchor)));
        }
        let mut touched = self.chosen.above(from, self.memberships, self.reader, self.people)?;
        for (anchor, (_, dn, name)) in &self.chosen.groups {
            let differs = links
                .get(anchor)
                .is_none_or(|link| link.open || link.left.is_some() || link.name != *name || link.dn != *dn);
            if differs || self.differs_in_cloud(*anchor, links.get(anchor), name) {
                touched.insert(*anchor);
            }
        }
        Ok(touched)
    }

    fn differs_in_cloud(&self, anchor: SourceId, link: Option<&GroupLink>, name: &str) -> bool {
        let Some(link) = link.filter(|_| self.seen.listed) else { return false };
        self.seen.drift.contains_key(&anchor)
            || self.seen.by_id(&link.cloud_id).is_none_or(|there| {
                there.name != name || there.external_id.as_deref() != Some(anchor.to_string().as_str())
            })
    }

    /// What is in the cloud in the place of a group; or the group that has its name and is
    /// not to be touched.
    fn seen(&self, anchor: SourceId, name: &str, link: Option<&GroupLink>) -> Result<GroupSeen, &CloudGroup> {
        let there = match link {
            Some(_) if !self.seen.listed => return Ok(GroupSeen::AsLinked),
            Some(link) => self.seen.by_id(&link.cloud_id),
            None => self.seen.by_anchor(anchor),
        };
        let named = self.seen.by_name(name);
        match (there, named) {
            // Somebody else's group has the name that this one is to have.
            (Some(there), Some(named)) if named.id != there.id => Err(named),
            (Some(there), _) => Ok(GroupSeen::There(there.clone())),
            (None, None) => Ok(GroupSeen::Missing),
            (None, Some(named)) => {
                let nobodys = named.external_id.as_deref().is_none_or(|id| id.trim().is_empty());
                if self.rules.adopt && nobodys && link.is_none() {
                    Ok(GroupSeen::There(named.clone()))
                } else {
                    Err(named)
                }
            }
        }
    }

    /// Who is to join and to leave one group.
    fn one(
        &self,
        elsewhere: &Elsewhere,
        anchor: SourceId,
        key: Key,
        linked: bool,
        seen: &GroupSeen,
    ) -> Result<Compared, StoreError> {
        let mut compared = Compared::default();
        let desired = desired(self, elsewhere, key)?;
        compared.without = desired.without;
        let afresh = !linked || *seen == GroupSeen::Missing;
        let mut ours: BTreeSet<Key> = match self.seen.lost.get(&anchor) {
            // Who of them put the others in is not known; of our people we take it to be us.
            Some(there) if !linked => {
                let keys: Vec<Key> = there.iter().map(|id| Key::exact(id.as_str())).collect();
                self.reader.anchors_by_cloud(&keys)?.into_iter().map(|(key, _)| key).collect()
            }
            _ if afresh => BTreeSet::new(),
            _ => self.reader.our_members(anchor)?.into_iter().collect(),
        };
        if !linked && let Some(there) = self.seen.lost.get(&anchor) {
            let known = there.iter().filter(|id| ours.contains(&Key::exact(id.as_str())));
            compared.known = known.cloned().collect();
        }
        if let Some(drift) = self.seen.drift.get(&anchor).filter(|_| !afresh) {
            ours.retain(|key| !drift.missing.contains(key));
            let (again, over): (Vec<Key>, Vec<Key>) =
                drift.missing.iter().partition(|key| desired.accounts.contains_key(key));
            compared.drifted = !again.is_empty();
            compared.forget = over;
            if self.rules.exact && self.may_remove {
                let mut extra = drift.extra.clone();
                extra.retain(|id| !desired.accounts.contains_key(&Key::exact(id.as_str())));
                compared.leave = strangers(self, &extra)?;
            }
        }
        let joining: Vec<SourceId> =
            desired.accounts.iter().filter(|(key, _)| !ours.contains(key)).map(|(_, who)| *who).collect();
        compared.join = named(self, &joining)?;
        let new = desired.newcomers.into_iter();
        compared.join.extend(new.map(|email| Member { id: CloudId::new(""), email }));
        let over: Vec<Key> = ours.into_iter().filter(|key| !desired.accounts.contains_key(key)).collect();
        if self.may_remove {
            let leaving = leaving(self, &over)?;
            compared.leave.extend(leaving.leave);
            compared.leavers = leaving.leavers;
            compared.forget.extend(leaving.forget);
            compared.open = leaving.unsure;
        } else {
            compared.open = !over.is_empty();
        }
        Ok(compared)
    }

    fn gone(&self, link: &GroupLink) -> GroupDecision {
        let seen = match self.seen.by_id(&link.cloud_id) {
            Some(there) => GroupSeen::There(there.clone()),
            None if self.seen.listed => GroupSeen::Missing,
            None => GroupSeen::AsLinked,
        };
        let exists = self.chosen.all.contains(&Key::dn(&link.dn));
        let case = GroupCase {
            anchor: link.anchor,
            dn: link.dn.clone(),
            wish: GroupWish::Gone(if exists { Cause::NotChosen } else { Cause::RecordGone }),
            link: Some(link.clone()),
            seen,
            join: Vec::new(),
            leave: Vec::new(),
            leavers: Vec::new(),
            drifted: false,
            known: Vec::new(),
        };
        decide_group(case, self.rules, self.may_remove, self.now)
    }
}

/// Who joins and leaves one group.
#[derive(Default)]
struct Compared {
    join: Vec<Member>,
    leave: Vec<Member>,
    leavers: Vec<Member>,
    forget: Vec<Key>,
    known: Vec<CloudId>,
    without: u64,
    drifted: bool,
    /// Whether something is left for another pass.
    open: bool,
}
