//! `[contacts]`: the rules for contacts, not yet compiled.

use super::Check;
use crate::config::raw;
use crate::rules::{ContactSpec, ScopeSpec};

impl Check<'_> {
    /// `None` when there are to be none. What is written is checked all the same: the switch is
    /// often the last thing that is set.
    pub(super) fn contacts(&mut self, raw: raw::Contacts) -> Option<ContactSpec> {
        let raw::Scope { bases, exclude_bases, filter, when, exclude_when, groups, exclude_groups } =
            raw.scope;
        self.distinguished_names("contacts.scope.bases", &bases);
        self.distinguished_names("contacts.scope.exclude_bases", &exclude_bases);
        self.all_filled("contacts.scope.groups", &groups);
        self.all_filled("contacts.scope.exclude_groups", &exclude_groups);
        raw.sync.then_some(ContactSpec {
            email: raw.mapping.email,
            mapping: raw.mapping.fields,
            defaults: raw.mapping.defaults,
            scope: ScopeSpec { bases, exclude_bases, filter, when, exclude_when, groups, exclude_groups },
        })
    }
}
