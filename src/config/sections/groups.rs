//! `[groups]`: which groups become groups of the cloud, and what becomes of those that leave.

use super::Check;
use crate::config::raw;
use crate::plan::GroupRules;
use crate::rules::GroupSpec;

impl Check<'_> {
    pub(super) fn groups(&mut self, raw: raw::Groups) -> (GroupSpec, GroupRules) {
        self.all_filled("groups.sync", &raw.sync);
        self.distinguished_names("groups.bases", &raw.bases);
        if let Some(name) = &raw.name {
            self.filled("groups.name", name);
        }
        let delete_after =
            raw.delete_after.as_deref().map(|text| self.duration("groups.delete_after", text).as_secs());
        let rules = GroupRules {
            adopt: raw.adopt,
            exact: raw.members == raw::Members::Exact,
            delete_after: delete_after.map(|after| i64::try_from(after).unwrap_or(i64::MAX)),
        };
        (GroupSpec { sync: raw.sync, bases: raw.bases, name: raw.name }, rules)
    }
}
