//! One group: found by DN, name, anchor or cloud id in one read of everything, with everybody below it,
//! and what a pass would do with it.

use std::collections::{BTreeMap, HashSet};

use crate::clock;
use crate::cloud::webex::WebexReader;
use crate::guard::Finding;
use crate::model::{
    AccountKind, GroupLink, Key, Kind, Record, RecordKind, SnapshotRow, SourceId, Verdict, Wanted, Withheld,
    normal_dn,
};
use crate::pass::Observe;
use crate::report::Sink;
use crate::rules::{GroupSet, Rules};
use crate::store::{Reader, StoreError};

use super::super::assemble::Parts;
use super::super::check::groups::{Gathering, Group};
use super::super::everybody::{self, Taker};
use super::super::exit::{Exit, Failure};
use super::super::listen::recent;
use super::super::pass::look_around;
use super::story::{Done, outside};

/// What is known of one group.
#[derive(Default)]
pub(super) struct GroupStory {
    /// As typed.
    pub asked: String,
    /// DNs of several groups that may be meant.
    pub candidates: Vec<String>,
    pub group: Option<Found>,
    /// People who are to be in, by DN.
    pub inside: Vec<Member>,
    /// Who is below the group and left out, by DN, with the reason.
    pub left_out: BTreeMap<String, String>,
    /// Members that were not read as a person.
    pub unknown: u64,
    pub link: Option<GroupLink>,
    /// Members by us, in all.
    pub ours: u64,
    pub outlook: Option<GroupOutlook>,
    pub gaps: Vec<String>,
    pub cloud_trouble: Option<Failure>,
}

/// The group in the directory.
pub(super) struct Found {
    pub anchor: SourceId,
    pub dn: String,
    /// As the directory writes it.
    pub name: String,
    /// In lower case.
    pub names: Vec<String>,
    /// The name in the cloud, blank when none can be made; `None` when it is not chosen.
    pub cloud: Option<String>,
    /// People in its own list, and groups.
    pub direct: (u64, u64),
    /// DNs of all groups within it.
    pub nested: Vec<String>,
}

/// Somebody who is to be in.
pub(super) struct Member {
    pub anchor: SourceId,
    /// Of the account where there is one, or else of the record.
    pub kind: AccountKind,
    pub dn: String,
    pub email: String,
    /// Whether there is an account that is linked.
    pub linked: bool,
    /// Whether we made that account a member.
    pub ours: bool,
}

/// What a pass would do.
#[derive(Default)]
pub(super) struct GroupOutlook {
    pub actions: Vec<Done>,
    pub withheld: Vec<Withheld>,
    pub kept: Vec<&'static str>,
    pub findings: Vec<Finding>,
    /// Whose account a pass would make.
    pub comes: HashSet<SourceId>,
    /// Why something of somebody is withheld.
    pub reasons: BTreeMap<SourceId, String>,
}

impl GroupStory {
    /// Whether any group was found.
    pub(super) fn is_nothing(&self) -> bool {
        self.group.is_none() && self.candidates.is_empty() && self.link.is_none()
    }

    pub(super) fn exit(&self) -> Exit {
        if let Some(failure) = &self.cloud_trouble {
            failure.exit
        } else if !self.gaps.is_empty() {
            Exit::Source
        } else if self.candidates.is_empty() {
            Exit::Done
        } else {
            Exit::Usage
        }
    }

    /// A room has an account, and is a member of nothing in the cloud.
    fn leave_out_rooms(&mut self) {
        for member in self.inside.extract_if(.., |member| !member.kind.is_person()) {
            self.left_out.insert(member.dn, "a room, and never a member".into());
        }
    }

    /// Who has no account and gets none is left out, whatever the rules say.
    fn leave_out(&mut self, outlook: &GroupOutlook) {
        let out = |member: &Member| !member.linked && !outlook.comes.contains(&member.anchor);
        for member in self.inside.extract_if(.., |member| out(member)) {
            let reason = outlook.reasons.get(&member.anchor);
            let reason =
                reason.map_or_else(|| "no account is made".to_owned(), |why| format!("withheld: {why}"));
            self.left_out.insert(member.dn, reason);
        }
    }

    /// All members that were found or could not be read.
    pub(super) fn members(&self) -> u64 {
        self.inside.len() as u64 + self.left_out.len() as u64 + self.unknown
    }
}

/// Looks for a group and tells about it; nothing is told when there is none.
///
/// # Errors
///
/// When the state failed, or a look was not possible for another reason than the cloud.
pub(super) async fn tell(
    parts: &Parts,
    reader: &Reader,
    cloud: Option<&WebexReader>,
    rules: &Rules,
    asked: &str,
    events: Sink,
) -> Result<GroupStory, Failure> {
    let now = clock::now().timestamp();
    let links = reader.group_links()?;
    let mut taking = Taking::new(asked, &links);
    let ended = everybody::read(&parts.sources, rules, now, &events, &mut taking).await?;
    let Taking { mut story, anchor, named, waiting, .. } = taking;
    story.gaps = ended.gaps;
    story.unknown = waiting.len() as u64;
    if !story.candidates.is_empty() {
        return Ok(story);
    }
    let anchor = story.group.as_ref().map(|group| group.anchor).or(anchor).or(named);
    let Some(anchor) = anchor else { return Ok(story) };
    story.link = links.into_iter().find(|link| link.anchor == anchor);
    let ours: HashSet<Key> = reader.our_members(anchor)?.into_iter().collect();
    story.ours = ours.len() as u64;
    let people: Vec<SourceId> = story.inside.iter().map(|member| member.anchor).collect();
    let rows: BTreeMap<SourceId, SnapshotRow> =
        reader.rows(&people)?.into_iter().map(|row| (row.anchor, row)).collect();
    for member in &mut story.inside {
        let Some(row) = rows.get(&member.anchor) else { continue };
        member.linked = true;
        member.ours = ours.contains(&Key::exact(row.cloud_id.as_str()));
        // Which account it is counts, whatever the directory calls it now.
        if member.kind != row.applied.kind {
            member.kind = row.applied.kind;
            row.applied.email.as_str().clone_into(&mut member.email);
        }
    }
    story.leave_out_rooms();
    story.inside.sort_by(|a, b| a.dn.cmp(&b.dn));
    let chooses = rules.chosen().is_some();
    if let Some(cloud) = cloud.filter(|_| chooses && story.gaps.is_empty()) {
        match outlook(parts, cloud, reader, anchor, events).await {
            Ok(outlook) => {
                story.leave_out(&outlook);
                story.outlook = Some(outlook);
            }
            Err(failure) if failure.exit == Exit::Cloud => story.cloud_trouble = Some(failure),
            Err(failure) => return Err(failure),
        }
    }
    Ok(story)
}

/// What a pass would do now. Who is a member follows from everybody, so it is a look at everybody.
async fn outlook(
    parts: &Parts,
    cloud: &WebexReader,
    reader: &Reader,
    anchor: SourceId,
    events: Sink,
) -> Result<GroupOutlook, Failure> {
    let recent = recent(reader, false)?;
    let look = look_around(parts, cloud, reader, Observe::Touched, None, recent, events).await?;
    let mut outlook = GroupOutlook::default();
    look.parts(|part| {
        let mine = |who: SourceId| who == anchor;
        let flowing = part.checked.plan().actions.iter().filter(|action| mine(action.anchor));
        outlook.actions.extend(flowing.map(|action| Done { action: action.clone(), held_by: None }));
        let held = part.held.iter().filter(|held| mine(held.action.anchor));
        outlook.actions.extend(
            held.map(|held| Done { action: held.action.clone(), held_by: Some(held.code.to_owned()) }),
        );
        let all = part.checked.plan().actions.iter().chain(part.held.iter().map(|held| &held.action));
        let comes = all.filter(|action| matches!(action.kind, Kind::Create | Kind::Adopt));
        outlook.comes.extend(comes.map(|action| action.anchor));
        let why = part.withheld.iter().filter_map(|one| Some((one.anchor?, one.reason.clone())));
        outlook.reasons.extend(why);
        outlook.withheld.extend(part.withheld.into_iter().filter(|one| one.anchor == Some(anchor)));
        outlook.kept.extend(part.short.iter().filter(|(who, _)| mine(*who)).map(|(_, why)| *why));
        outlook.findings.extend(part.findings);
        true
    })?;
    // Findings about other groups alone say nothing here.
    if outlook.actions.iter().all(|done| done.held_by.is_none()) {
        outlook.findings.clear();
    }
    Ok(outlook)
}

/// Takes what is read, and keeps what is about the group.
struct Taking {
    story: GroupStory,
    /// In the compared form of DNs, and in lower case.
    dn: String,
    name: String,
    /// The anchor that was typed, or that the typed cloud id is linked to.
    anchor: Option<SourceId>,
    /// The anchor that the typed name is linked to: it may be gone from the directory.
    named: Option<SourceId>,
    /// Who is below the group and was not met yet.
    waiting: HashSet<Key>,
    /// The group, and all groups within it: they may be primary ones.
    groups: HashSet<Key>,
}

impl Taking {
    fn new(asked: &str, links: &[GroupLink]) -> Self {
        let asked = asked.trim();
        let linked = links.iter().find(|link| link.cloud_id.as_str() == asked);
        let named: Vec<&GroupLink> =
            links.iter().filter(|link| link.name.to_lowercase() == asked.to_lowercase()).collect();
        let named = if let [only] = named.as_slice() { Some(only.anchor) } else { None };
        Self {
            story: GroupStory { asked: asked.to_owned(), ..GroupStory::default() },
            dn: normal_dn(asked),
            name: asked.to_lowercase(),
            anchor: linked.map(|link| link.anchor).or(asked.parse().ok()),
            named,
            waiting: HashSet::new(),
            groups: HashSet::new(),
        }
    }

    fn is_meant(&self, group: &Group) -> bool {
        normal_dn(&group.dn) == self.dn
            || group.names.contains(&self.name)
            || group.cloud.as_ref().is_some_and(|name| name.to_lowercase() == self.name)
    }
}

impl Taker for Taking {
    fn groups(&mut self, groups: &Gathering) {
        let by_anchor: Vec<(&Key, &Group)> =
            groups.groups.iter().filter(|(_, group)| Some(group.anchor) == self.anchor).collect();
        let mut meant: Vec<(&Key, &Group)> = match by_anchor.is_empty() {
            true => groups.groups.iter().filter(|(_, group)| self.is_meant(group)).collect(),
            false => by_anchor,
        };
        meant.sort_by_key(|(_, group)| &group.dn);
        let [(key, group)] = meant.as_slice() else {
            self.story.candidates = meant.iter().map(|(_, group)| group.dn.clone()).collect();
            return;
        };
        let (people, nested) = groups.below(**key);
        let direct = group.members.iter().filter(|member| groups.groups.contains_key(*member)).count() as u64;
        let mut dns: Vec<String> =
            nested.iter().filter_map(|key| Some(groups.groups.get(key)?.dn.clone())).collect();
        dns.sort();
        self.story.group = Some(Found {
            anchor: group.anchor,
            dn: group.dn.clone(),
            name: group.name.clone().unwrap_or_else(|| group.dn.clone()),
            names: group.names.iter().cloned().collect(),
            cloud: group.cloud.clone(),
            direct: (group.members.len() as u64 - direct, direct),
            nested: dns,
        });
        self.waiting = people;
        self.groups = nested;
        self.groups.insert(**key);
    }

    fn take(&mut self, _: &str, record: &Record, _: &GroupSet, verdict: &Verdict) -> Result<(), StoreError> {
        let listed = self.waiting.remove(&record.dn_key());
        let primary = record.texts("primarygroup").any(|dn| self.groups.contains(&Key::dn(dn)));
        if !listed && !primary {
            return Ok(());
        }
        let dn = record.dn.clone();
        let mut may_be_in = |kind, email: &str| {
            let (anchor, email) = (record.anchor, email.to_owned());
            let member = Member { anchor, kind, dn: dn.clone(), email, linked: false, ours: false };
            self.story.inside.push(member);
        };
        let out = match &verdict.wanted {
            _ if record.kind == RecordKind::Contact => "a contact, and never a member".to_owned(),
            // Whoever was linked as a person stays one until that is settled.
            _ if record.kind == RecordKind::Room => {
                may_be_in(AccountKind::Room, "");
                return Ok(());
            }
            Wanted::Present(person) => {
                may_be_in(person.kind, person.email.as_str());
                return Ok(());
            }
            Wanted::Withheld(withheld) => format!("withheld: {}", withheld.reason),
            Wanted::Leaving(cause) => outside(*cause).to_owned(),
        };
        self.story.left_out.insert(dn, out);
        Ok(())
    }
}
