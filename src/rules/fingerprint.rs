//! The digest of everything that can change a verdict. When it changes, every record is
//! judged again; while it stays, unchanged records are passed over.

use crate::model::{Fingerprint, Hasher, ScopeSpec};

use super::mapping::{email_source, sources};
use super::{
    CallingSpec, Collisions, EntitlementSpec, EntitlingSpec, PolicySpec, RoleSpec, SeatsSpec, Spec,
    TemplateSpec, Unusables,
};

/// Raised whenever the same rules begin to give other verdicts: the meaning of a function,
/// of a filter, of a check.
pub(super) const RULES_VERSION: u32 = 2;

/// The digest of rules as written. The structs are taken apart completely: a new part will
/// not compile until somebody decides about it.
pub(super) fn of_spec(spec: &Spec) -> Fingerprint {
    let mut h = Hasher::seeded(Fingerprint::NONE);
    h.part(&RULES_VERSION.to_le_bytes());
    // The mapping in force says all that dialect and defaults have to say.
    // The choice of groups says nothing about people, and has a digest of its own.
    let Spec {
        dialect: _,
        email: _,
        mapping: _,
        defaults: _,
        join,
        policy,
        scope,
        allowed_domains,
        collisions,
        entitling,
        entitlements,
        seats,
        roles,
        groups: _,
    } = spec;
    h.part(email_source(spec).as_bytes());
    for (field, source) in sources(spec) {
        h.part(field.name().as_bytes());
        h.part(source.as_bytes());
    }
    let PolicySpec { create_only, keep_if_set_in_cloud, unusable } = policy;
    for fields in [create_only, keep_if_set_in_cloud] {
        h.part(&(fields.len() as u64).to_le_bytes());
        fields.iter().for_each(|field| h.part(field.name().as_bytes()));
    }
    if *unusable != Unusables::default() {
        h.part(&[b'u', *unusable as u8]);
    }
    h.part(b"scope");
    let ScopeSpec { bases, exclude_bases, filter, when, exclude_when, groups, exclude_groups } = scope;
    for texts in [bases, exclude_bases, groups, exclude_groups, allowed_domains] {
        list(&mut h, texts);
    }
    option(&mut h, filter.as_deref());
    if *collisions != Collisions::default() {
        h.part(&[b'c', *collisions as u8]);
    }
    let EntitlingSpec { first_match, take_managed, grace } = entitling;
    h.part(&[u8::from(*first_match), u8::from(*take_managed)]);
    h.part(&grace.unwrap_or(0).to_le_bytes());
    h.part(&(entitlements.len() as u64).to_le_bytes());
    for entitlement in entitlements {
        // Names appear in reports only.
        let EntitlementSpec {
            name: _,
            groups,
            bases,
            when,
            licenses,
            subscription,
            site,
            attendee,
            templates,
            calling,
            grace,
        } = entitlement;
        list(&mut h, groups);
        list(&mut h, bases);
        list(&mut h, licenses);
        for text in [when, subscription, site, attendee] {
            option(&mut h, text.as_deref());
        }
        let CallingSpec { location, location_from, phone, extension, extension_pool } = calling;
        for text in [location, location_from, phone, extension, extension_pool] {
            option(&mut h, text.as_deref());
        }
        h.part(&grace.unwrap_or(-1).to_le_bytes());
        for template in templates {
            let TemplateSpec { name: _, licenses, subscription, site, attendee } = template;
            list(&mut h, licenses);
            for text in [subscription, site, attendee] {
                option(&mut h, text.as_deref());
            }
        }
    }
    for role in roles {
        let RoleSpec { name: _, groups, bases, when, role } = role;
        list(&mut h, groups);
        list(&mut h, bases);
        option(&mut h, when.as_deref());
        h.part(role.as_bytes());
    }
    // Whoever waits is judged again in any case; but what is read depends on it.
    let SeatsSpec { order_by, descending } = seats;
    if let Some(order_by) = order_by {
        h.part(b"seats");
        h.part(order_by.as_bytes());
        h.part(&[u8::from(*descending)]);
    }
    // Without one, the digest is what it was before there were any.
    if let Some(join) = join {
        h.part(b"join");
        h.part(join.trim().as_bytes());
    }
    for (name, condition) in [("scope.when", when), ("scope.exclude_when", exclude_when)] {
        if let Some(condition) = condition {
            h.part(name.as_bytes());
            h.part(condition.trim().as_bytes());
        }
    }
    h.finish()
}

fn list(h: &mut Hasher, texts: &[String]) {
    h.part(&(texts.len() as u64).to_le_bytes());
    texts.iter().for_each(|text| h.part(text.as_bytes()));
}

fn option(h: &mut Hasher, text: Option<&str>) {
    h.part(&[u8::from(text.is_some())]);
    h.part(text.unwrap_or_default().as_bytes());
}
