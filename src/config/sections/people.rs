//! `[people]` and `[seats]`: the rules, not yet compiled.

use super::entitlement::Entitling;
use super::{Check, is_domain};
use crate::config::raw;
use crate::rules::{Collisions, Dialect, GroupSpec, PolicySpec, ScopeSpec, SeatsSpec, Spec, Unusables};

impl Check<'_> {
    pub(super) fn rules(&mut self, people: raw::People, entitling: Entitling, seats: raw::Seats) -> Spec {
        for (i, domain) in people.allowed_domains.iter().enumerate() {
            if !is_domain(domain) {
                self.fail(
                    &format!("people.allowed_domains[{i}]"),
                    format!("\"{domain}\" is not a domain"),
                    "write what follows the @, such as \"example.com\"",
                );
            }
        }
        if people.mapping.email.as_deref().is_some_and(|email| email.trim().is_empty()) {
            self.fail(
                "people.mapping.email",
                "the e-mail address cannot be left out",
                "write an expression, or leave out the key",
            );
        }
        self.distinguished_names("people.scope.bases", &people.scope.bases);
        self.distinguished_names("people.scope.exclude_bases", &people.scope.exclude_bases);
        self.all_filled("people.scope.groups", &people.scope.groups);
        self.all_filled("people.scope.exclude_groups", &people.scope.exclude_groups);
        if let Some(order_by) = &seats.order_by {
            self.filled("seats.order_by", order_by);
        }
        let raw::Scope { bases, exclude_bases, filter, when, exclude_when, groups, exclude_groups } =
            people.scope;
        Spec {
            dialect: match people.dialect {
                raw::Dialect::ActiveDirectory => Dialect::ActiveDirectory,
                raw::Dialect::InetOrgPerson => Dialect::InetOrgPerson,
            },
            email: people.mapping.email,
            mapping: people.mapping.fields,
            defaults: people.mapping.defaults,
            join: people.join,
            policy: PolicySpec {
                create_only: people.policy.create_only,
                keep_if_set_in_cloud: people.policy.keep_if_set_in_cloud,
                unusable: match people.policy.unusable {
                    raw::Unusable::WithholdPerson => Unusables::WithholdPerson,
                    raw::Unusable::WithholdValue => Unusables::WithholdValue,
                },
            },
            scope: ScopeSpec { bases, exclude_bases, filter, when, exclude_when, groups, exclude_groups },
            allowed_domains: people.allowed_domains,
            collisions: match people.collisions {
                raw::Collisions::Linked => Collisions::Linked,
                raw::Collisions::LinkedThenOldest => Collisions::LinkedThenOldest,
                raw::Collisions::None => Collisions::Nobody,
            },
            entitling: entitling.mode,
            entitlements: entitling.entitlements,
            seats: SeatsSpec {
                order_by: seats.order_by,
                descending: seats.order == raw::Direction::Descending,
            },
            roles: entitling.roles,
            groups: GroupSpec::default(),
        }
    }
}
