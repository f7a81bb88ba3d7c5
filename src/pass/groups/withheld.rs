//! Groups about which nothing can be decided, because of their names.

use std::collections::{BTreeMap, BTreeSet};

use crate::model::{CloudGroup, GROUP_NAME_MAX, GroupLink, SourceId, Withheld};

use super::GroupView;

/// The codes of groups that are withheld: every pass finds all of them anew.
pub const WITHHELD: [&str; 4] =
    ["no_group_name", "duplicate_group_name", "group_name_taken", "no_such_group"];

impl GroupView<'_> {
    /// Groups that cannot have the name that they should: nothing is done about them.
    pub(super) fn withhold(
        &self,
        links: &BTreeMap<SourceId, GroupLink>,
        withheld: &mut Vec<Withheld>,
    ) -> BTreeSet<SourceId> {
        let mut by_name: BTreeMap<String, Vec<SourceId>> = BTreeMap::new();
        let mut unnamed = BTreeSet::new();
        for (anchor, (_, dn, name)) in &self.chosen.groups {
            if name.is_empty() || name.chars().count() > GROUP_NAME_MAX {
                unnamed.insert(*anchor);
                withheld.push(no_name(*anchor, dn, name));
            } else {
                by_name.entry(name.to_lowercase()).or_default().push(*anchor);
            }
        }
        for claimants in by_name.values().filter(|claimants| claimants.len() > 1) {
            let dns: Vec<&str> =
                claimants.iter().map(|anchor| self.chosen.groups[anchor].1.as_str()).collect();
            for anchor in claimants {
                let (_, dn, name) = &self.chosen.groups[anchor];
                unnamed.insert(*anchor);
                withheld.push(same_name(*anchor, dn, name, &dns));
            }
        }
        let lost = links.values().filter(|link| !self.chosen.groups.contains_key(&link.anchor));
        let kept: BTreeSet<String> = lost.map(|link| link.name.to_lowercase()).collect();
        for name in &self.chosen.missing {
            // A group that was here once is told of as one that left.
            if !kept.contains(&name.to_lowercase()) {
                withheld.push(nowhere(name));
            }
        }
        unnamed
    }
}

fn no_name(anchor: SourceId, dn: &str, name: &str) -> Withheld {
    let reason = if name.is_empty() {
        "groups.name makes nothing of this group".to_owned()
    } else {
        format!("the name of this group is longer than {GROUP_NAME_MAX} characters")
    };
    Withheld {
        anchor: Some(anchor),
        dn: dn.to_owned(),
        code: "no_group_name".into(),
        reason,
        remedy: "give the group a name in the directory, or write groups.name so that it makes one".into(),
    }
}

fn same_name(anchor: SourceId, dn: &str, name: &str, all: &[&str]) -> Withheld {
    Withheld {
        anchor: Some(anchor),
        dn: dn.to_owned(),
        code: "duplicate_group_name".into(),
        reason: format!("several groups would be called \"{name}\" in the cloud: {}", all.join("; ")),
        remedy: "choose one of them, or let groups.name make different names".into(),
    }
}

pub(super) fn name_taken(anchor: SourceId, dn: &str, name: &str, taken: &CloudGroup) -> Withheld {
    let (reason, remedy) = match taken.external_id.as_deref().filter(|id| !id.trim().is_empty()) {
        None => (
            format!("the cloud has a group called \"{name}\" already"),
            "set groups.adopt to take it over, rename one of the two, or choose other groups",
        ),
        Some(_) => (
            format!("the cloud has a group called \"{name}\" that belongs to another group or connector"),
            "rename one of the two, or choose other groups",
        ),
    };
    Withheld {
        anchor: Some(anchor),
        dn: dn.to_owned(),
        code: "group_name_taken".into(),
        reason,
        remedy: remedy.into(),
    }
}

fn nowhere(name: &str) -> Withheld {
    Withheld {
        anchor: None,
        dn: name.to_owned(),
        code: "no_such_group".into(),
        reason: "groups.sync names a group that is not in the directory".into(),
        remedy: "correct the name, or take it out of groups.sync".into(),
    }
}
