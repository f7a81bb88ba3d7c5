//! `[entitlements]`, `[[entitlement]]`, `[[template]]`, `[[role]]`: who gets what, not yet compiled.

use std::collections::HashSet;

use super::Check;
use crate::cloud::webex;
use crate::config::raw;
use crate::rules::{CallingSpec, EntitlementSpec, EntitlingSpec, RoleSpec, TemplateSpec};

/// Everything that is given.
pub(super) struct Entitling {
    pub(super) mode: EntitlingSpec,
    pub(super) entitlements: Vec<EntitlementSpec>,
    pub(super) roles: Vec<RoleSpec>,
}

/// Names of licences, of which those that are other spellings of a service key become that key.
pub(super) fn keys(names: Vec<String>) -> Vec<String> {
    let key = |name: String| webex::service_key(name.trim()).map_or(name, str::to_owned);
    names.into_iter().map(key).collect()
}

impl Check<'_> {
    pub(super) fn entitling(
        &mut self,
        mode: raw::Entitlements,
        entitlements: Vec<raw::Entitlement>,
        templates: Vec<raw::Template>,
        roles: Vec<raw::Role>,
    ) -> Entitling {
        let grace = mode.grace.as_deref().map(|text| self.grace("entitlements.grace", text));
        let mode = EntitlingSpec {
            first_match: mode.mode == raw::Mode::FirstMatch,
            take_managed: mode.take == raw::Take::Managed,
            grace: grace.filter(|grace| *grace > 0),
        };
        let templates = self.templates(templates);
        let mut seen = HashSet::new();
        for (i, entitlement) in entitlements.iter().enumerate() {
            let place = format!("entitlement[{i}]");
            self.name(&format!("{place}.name"), &entitlement.name, &mut seen);
            self.all_filled(&format!("{place}.groups"), &entitlement.groups);
            self.distinguished_names(&format!("{place}.bases"), &entitlement.bases);
            self.all_filled(&format!("{place}.licenses"), &entitlement.licenses);
            if let Some(location) = &entitlement.location {
                self.filled(&format!("{place}.location"), location);
            }
            if let Some(site) = &entitlement.attendee {
                self.filled(&format!("{place}.attendee"), site);
            }
        }
        let entitlements = entitlements.into_iter().enumerate();
        let entitlements = entitlements.map(|(i, raw)| self.entitlement(i, raw, &templates)).collect();
        Entitling { mode, entitlements, roles: self.roles(roles) }
    }

    fn grace(&mut self, key: &str, text: &str) -> i64 {
        self.any_duration(key, text).as_secs().min(i64::MAX as u64) as i64
    }

    fn entitlement(
        &mut self,
        index: usize,
        raw: raw::Entitlement,
        templates: &[TemplateSpec],
    ) -> EntitlementSpec {
        let place = format!("entitlement[{index}]");
        let mut used = Vec::with_capacity(raw.templates.len());
        for (i, name) in raw.templates.iter().enumerate() {
            match templates.iter().find(|template| template.name == *name) {
                Some(template) => used.push(template.clone()),
                None => {
                    let known: Vec<&str> = templates.iter().map(|template| template.name.as_str()).collect();
                    let remedy = match known.as_slice() {
                        [] => "write a section [[template]] with this name".to_owned(),
                        known => format!("the templates are \"{}\"", known.join("\", \"")),
                    };
                    self.fail(
                        &format!("{place}.templates[{i}]"),
                        format!("there is no template \"{name}\""),
                        remedy,
                    );
                }
            }
        }
        if raw.licenses.is_empty() && raw.templates.is_empty() && raw.attendee.is_none() {
            self.fail_missing(
                &place,
                "the rule gives nothing",
                "name licences, such as licenses = [\"message.messaging\"], or templates",
            );
        }
        EntitlementSpec {
            name: raw.name,
            groups: raw.groups,
            bases: raw.bases,
            when: raw.when,
            licenses: keys(raw.licenses),
            subscription: raw.subscription,
            site: raw.site,
            attendee: raw.attendee,
            templates: used,
            calling: CallingSpec {
                location: raw.location,
                location_from: raw.location_from,
                phone: raw.phone,
                extension: raw.extension,
                extension_pool: raw.extension_pool,
            },
            grace: raw.grace.as_deref().map(|text| self.grace(&format!("{place}.grace"), text)),
        }
    }

    fn templates(&mut self, templates: Vec<raw::Template>) -> Vec<TemplateSpec> {
        let mut seen = HashSet::new();
        for (i, template) in templates.iter().enumerate() {
            let place = format!("template[{i}]");
            self.name(&format!("{place}.name"), &template.name, &mut seen);
            self.all_filled(&format!("{place}.licenses"), &template.licenses);
            if template.licenses.is_empty() && template.attendee.is_none() {
                self.fail_missing(
                    &place,
                    "the template gives nothing",
                    "name licences, such as licenses = [\"message.messaging\"]",
                );
            }
        }
        templates
            .into_iter()
            .map(|raw| TemplateSpec {
                name: raw.name,
                licenses: keys(raw.licenses),
                subscription: raw.subscription,
                site: raw.site,
                attendee: raw.attendee,
            })
            .collect()
    }

    fn roles(&mut self, roles: Vec<raw::Role>) -> Vec<RoleSpec> {
        let mut seen = HashSet::new();
        for (i, role) in roles.iter().enumerate() {
            let place = format!("role[{i}]");
            self.name(&format!("{place}.name"), &role.name, &mut seen);
            self.all_filled(&format!("{place}.groups"), &role.groups);
            self.distinguished_names(&format!("{place}.bases"), &role.bases);
            self.filled(&format!("{place}.role"), &role.role);
        }
        roles
            .into_iter()
            .map(|raw| RoleSpec {
                name: raw.name,
                groups: raw.groups,
                bases: raw.bases,
                when: raw.when,
                role: raw.role,
            })
            .collect()
    }
}

/// The names of templates that no rule uses.
pub(super) fn unused(entitlements: &[raw::Entitlement], templates: &[raw::Template]) -> Vec<String> {
    let used = |name: &String| entitlements.iter().any(|rule| rule.templates.contains(name));
    templates.iter().map(|template| &template.name).filter(|name| !used(name)).cloned().collect()
}
