//! Who is to be in a group: everybody below it in the directory who has an account.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use crate::model::{CloudId, Fingerprint, Key, Link, SourceId, Wanted};
use crate::pass::parts::CHUNK;
use crate::plan::Member;
use crate::store::StoreError;

use super::GroupView;

/// People who do not stand where the snapshot says, or are not in it yet.
#[derive(Default)]
pub(super) struct Elsewhere {
    /// Linked people whose record stands at this DN, while the snapshot knows another one.
    moved: HashMap<Key, SourceId>,
    anchors: BTreeSet<SourceId>,
    /// In a dry run: addresses of people whom the pass would create, by DN.
    newcomers: HashMap<Key, String>,
}

impl Elsewhere {
    /// Looks through everybody whose record changed in this pass.
    pub(super) fn find(view: &GroupView<'_>) -> Result<Self, StoreError> {
        let mut found = Self::default();
        let mut after = None;
        loop {
            let page = view.people.wanted_after(true, after, CHUNK)?;
            let Some(last) = page.last() else { break };
            after = Some(last.anchor);
            let keys: Vec<Key> = page.iter().map(|staged| Key::dn(&staged.dn)).collect();
            let there: BTreeSet<(Key, SourceId)> = view.reader.anchors_by_dn(&keys)?.into_iter().collect();
            for (staged, key) in page.iter().zip(keys) {
                if !there.contains(&(key, staged.anchor)) {
                    found.moved.insert(key, staged.anchor);
                    found.anchors.insert(staged.anchor);
                }
            }
        }
        if view.rehearses {
            found.add_newcomers(view)?;
        }
        Ok(found)
    }

    /// Everybody whom the pass would create.
    fn add_newcomers(&mut self, view: &GroupView<'_>) -> Result<(), StoreError> {
        let mut after = None;
        loop {
            let page = view.people.wanted_after(false, after, CHUNK)?;
            let Some(last) = page.last() else { return Ok(()) };
            after = Some(last.anchor);
            for staged in &page {
                let withheld = view.contested.contains_key(&staged.anchor)
                    || view.moved.withheld(staged.anchor).is_some();
                if let Wanted::Present(person) = &staged.wanted
                    && person.kind.is_person()
                    && !withheld
                {
                    self.newcomers.insert(Key::dn(&staged.dn), person.email.as_str().to_owned());
                }
            }
        }
    }

    /// All DNs in question.
    pub(super) fn keys(&self) -> impl Iterator<Item = Key> {
        self.moved.keys().chain(self.newcomers.keys()).copied()
    }
}

/// Who is to be in one group.
#[derive(Default)]
pub(super) struct Desired {
    /// Accounts, by their keys, with their people.
    pub(super) accounts: BTreeMap<Key, SourceId>,
    /// Addresses of those whose accounts the pass would create.
    pub(super) newcomers: BTreeSet<String>,
    /// Members who have no account and get none.
    pub(super) without: u64,
}

/// Who is to be in a group. Nested groups are opened up; circles are survived.
pub(super) fn desired(
    view: &GroupView<'_>,
    elsewhere: &Elsewhere,
    group: Key,
) -> Result<Desired, StoreError> {
    let mut groups = BTreeSet::from([group]);
    let mut todo = vec![group];
    let mut people: BTreeSet<Key> = BTreeSet::new();
    let mut anchors: BTreeSet<SourceId> = BTreeSet::new();
    while let Some(group) = todo.pop() {
        for member in view.memberships.members(group, view.reader, view.people)? {
            if !view.chosen.all.contains(&member) {
                people.insert(member);
            } else if groups.insert(member) {
                todo.push(member);
            }
        }
        anchors.extend(view.primary_members(group)?);
    }
    let keys: Vec<Key> = people.iter().copied().collect();
    let mut by_dn: BTreeMap<Key, Vec<SourceId>> = BTreeMap::new();
    for (key, anchor) in view.reader.anchors_by_dn(&keys)? {
        // Whoever stands elsewhere by now is not the one whom the group means.
        if !elsewhere.anchors.contains(&anchor) {
            by_dn.entry(key).or_default().push(anchor);
        }
    }
    let mut desired = Desired::default();
    for key in &keys {
        if let Some(anchor) = elsewhere.moved.get(key) {
            by_dn.insert(*key, vec![*anchor]);
        }
        match (by_dn.get(key), elsewhere.newcomers.get(key)) {
            (Some(_), _) => {}
            (None, Some(email)) => drop(desired.newcomers.insert(email.clone())),
            (None, None) => desired.without += 1,
        }
    }
    anchors.extend(by_dn.into_values().flatten());
    // Until the cloud confirms a move, the account stands under the old anchor.
    let old: Vec<SourceId> = anchors.iter().map(|anchor| view.moved.old(*anchor)).collect();
    anchors.extend(old);
    let anchors: Vec<SourceId> = anchors.into_iter().collect();
    for link in view.reader.links_of(view.now, &anchors)? {
        // A group may go on to name somebody who left; and the DN may be somebody else's by now. A
        // room is no member of anything in the cloud.
        if !link.left && link.kind.is_person() {
            desired.accounts.insert(link.cloud, link.anchor);
        }
    }
    Ok(desired)
}

/// Of accounts that are not to be members any more: who leaves, who has no account any more, and
/// whether there is somebody about whom we are not sure.
#[derive(Default)]
pub(super) struct Leaving {
    pub(super) leave: Vec<Member>,
    /// Who of them left altogether.
    pub(super) leavers: Vec<Member>,
    pub(super) forget: Vec<Key>,
    pub(super) unsure: bool,
}

/// Sorts accounts that are not to be members any more.
pub(super) fn leaving(view: &GroupView<'_>, accounts: &[Key]) -> Result<Leaving, StoreError> {
    let owners: BTreeMap<Key, SourceId> = view.reader.anchors_by_cloud(accounts)?.into_iter().collect();
    let anchors: Vec<SourceId> = owners.values().copied().collect();
    let links = view.reader.links_of(view.now, &anchors)?;
    let mut leaving = Leaving {
        // Without a link there is no account any more, and the cloud took it out by itself.
        forget: accounts.iter().filter(|key| !owners.contains_key(key)).copied().collect(),
        ..Leaving::default()
    };
    let (sure, unsure): (Vec<Link>, Vec<Link>) = links.into_iter().partition(|link| view.knows(link));
    leaving.unsure = !unsure.is_empty();
    let (gone, there): (Vec<Link>, Vec<Link>) = sure.into_iter().partition(|link| link.left);
    let anchors = |links: Vec<Link>| links.iter().map(|link| link.anchor).collect::<Vec<_>>();
    leaving.leave = named(view, &anchors(there))?;
    leaving.leavers = named(view, &anchors(gone))?;
    Ok(leaving)
}

/// The accounts of people, with their addresses; sorted.
pub(super) fn named(view: &GroupView<'_>, people: &[SourceId]) -> Result<Vec<Member>, StoreError> {
    let mut members = Vec::with_capacity(people.len());
    for some in people.chunks(CHUNK) {
        let rows = view.reader.rows(some)?.into_iter();
        members.extend(
            rows.map(|row| Member { id: row.cloud_id, email: row.applied.email.as_str().to_owned() }),
        );
    }
    members.sort_unstable();
    Ok(members)
}

/// Members whom somebody else added, named by their addresses where those are known.
pub(super) fn strangers(view: &GroupView<'_>, ids: &[CloudId]) -> Result<Vec<Member>, StoreError> {
    let keys: Vec<Key> = ids.iter().map(|id| Key::exact(id.as_str())).collect();
    let owners: BTreeMap<Key, SourceId> = view.reader.anchors_by_cloud(&keys)?.into_iter().collect();
    let owned: Vec<SourceId> = owners.values().copied().collect();
    let mut members = named(view, &owned)?;
    let unknown = ids.iter().zip(keys).filter(|(_, key)| !owners.contains_key(key));
    members.extend(unknown.map(|(id, _)| Member { id: id.clone(), email: id.to_string() }));
    members.sort_unstable();
    Ok(members)
}

impl GroupView<'_> {
    /// Who belongs to a group without standing in its list.
    fn primary_members(&self, group: Key) -> Result<Vec<SourceId>, StoreError> {
        let mut members = self.reader.primary_members(group)?;
        members.retain(|anchor| !self.primary.contains_key(anchor));
        let now = self.primary.iter().filter(|(_, now)| **now == Some(group));
        members.extend(now.map(|(anchor, _)| *anchor));
        Ok(members)
    }

    /// Whether we know where in the directory somebody stands, if anywhere. Of somebody with whom
    /// an earlier pass did not come to an end, the snapshot may know an old place.
    fn knows(&self, link: &Link) -> bool {
        link.left
            || link.record != Fingerprint::NONE
            || self.is_staged(link.anchor)
            || (self.may_remove && self.index.find(link.anchor).is_some_and(|at| !self.index.met.get(at)))
    }

    fn is_staged(&self, anchor: SourceId) -> bool {
        self.people.wanted(&[anchor]).is_ok_and(|staged| !staged.is_empty())
    }
}
