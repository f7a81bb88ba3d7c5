//! `[rooms]`: the rules for rooms, not yet compiled.

use super::Check;
use crate::config::raw;
use crate::rules::{RoomSpec, ScopeSpec};

impl Check<'_> {
    /// `None` when there are to be none. What is written is checked all the same: the switch is
    /// often the last thing that is set.
    pub(super) fn rooms(&mut self, raw: raw::Rooms) -> Option<RoomSpec> {
        if raw.mapping.email.as_deref().is_some_and(|email| email.trim().is_empty()) {
            self.fail(
                "rooms.mapping.email",
                "the e-mail address cannot be left out",
                "write an expression, or leave out the key",
            );
        }
        let raw::Scope { bases, exclude_bases, filter, when, exclude_when, groups, exclude_groups } =
            raw.scope;
        self.distinguished_names("rooms.scope.bases", &bases);
        self.distinguished_names("rooms.scope.exclude_bases", &exclude_bases);
        self.all_filled("rooms.scope.groups", &groups);
        self.all_filled("rooms.scope.exclude_groups", &exclude_groups);
        raw.sync.then_some(RoomSpec {
            email: raw.mapping.email,
            mapping: raw.mapping.fields,
            defaults: raw.mapping.defaults,
            scope: ScopeSpec { bases, exclude_bases, filter, when, exclude_when, groups, exclude_groups },
        })
    }
}
