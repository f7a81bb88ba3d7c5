//! `[people]`, `[[entitlement]]`, `[[role]]`: the rules, not yet compiled.

use std::collections::HashSet;

use super::{Check, is_domain};
use crate::config::raw;
use crate::rules::{Dialect, EntitlementSpec, PolicySpec, RoleSpec, ScopeSpec, Spec};

impl Check<'_> {
    pub(super) fn rules(
        &mut self,
        people: raw::People,
        entitlements: Vec<raw::Entitlement>,
        roles: Vec<raw::Role>,
    ) -> Spec {
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
        let mut seen = HashSet::new();
        for (i, entitlement) in entitlements.iter().enumerate() {
            self.name(&format!("entitlement[{i}].name"), &entitlement.name, &mut seen);
            self.all_filled(&format!("entitlement[{i}].groups"), &entitlement.groups);
            self.all_filled(&format!("entitlement[{i}].licenses"), &entitlement.licenses);
        }
        let mut seen = HashSet::new();
        for (i, role) in roles.iter().enumerate() {
            self.name(&format!("role[{i}].name"), &role.name, &mut seen);
            self.all_filled(&format!("role[{i}].groups"), &role.groups);
            self.filled(&format!("role[{i}].role"), &role.role);
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
            },
            scope: ScopeSpec { bases, exclude_bases, filter, when, exclude_when, groups, exclude_groups },
            allowed_domains: people.allowed_domains,
            entitlements: entitlements
                .into_iter()
                .map(|raw| EntitlementSpec {
                    name: raw.name,
                    groups: raw.groups,
                    when: raw.when,
                    licenses: raw.licenses,
                    subscription: raw.subscription,
                    site: raw.site,
                })
                .collect(),
            roles: roles
                .into_iter()
                .map(|raw| RoleSpec { name: raw.name, groups: raw.groups, when: raw.when, role: raw.role })
                .collect(),
        }
    }
}
