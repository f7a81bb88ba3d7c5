//! Who gets which licences: rules in words, bound to the ids of the cloud's catalogue.

use crate::model::{Bond, Catalogue, License, LicenseId, LicenseKind, Place};

use super::award::Offer;
use super::error::RuleError;
use super::expr::Needs;
use super::fold::same;
use super::line::LineRule;
use super::nearest::nearest;
use super::subject::Subject;
use super::who::Who;
use super::{Answer, EntitlementSpec, Unbound};

/// One rule.
#[derive(Clone, Debug)]
pub(super) struct Entitlement {
    /// The name in reports: its own, or its place.
    name: String,
    who: Who,
    wanted: Box<[Wanted]>,
    /// Meeting sites to attend. No catalogue lists them all.
    attended: Box<[String]>,
    /// The telephones of those who get a calling licence.
    line: LineRule,
    /// Instead of what holds for all rules, see [`EntitlementSpec::grace`].
    grace: Option<i64>,
    /// What it gives; empty until bound.
    offers: Vec<Offer>,
}

/// A licence by name, and where it is to be looked for.
#[derive(Clone, Debug)]
struct Wanted {
    name: String,
    subscription: Option<String>,
    site: Option<String>,
}

impl Entitlement {
    /// Compiles the rule with this index, adding what is wrong to `errors`.
    pub(super) fn compile(
        index: usize,
        spec: &EntitlementSpec,
        needs: &mut Needs,
        errors: &mut Vec<RuleError>,
    ) -> Self {
        let place = format!("entitlement[{index}]");
        let who = Who::compile(&place, &spec.groups, &spec.bases, spec.when.as_deref(), needs, errors);
        for (i, wanted) in spec.licenses.iter().enumerate() {
            if wanted.trim().is_empty() {
                errors.push(RuleError::whole(
                    &format!("{place}.licenses[{i}]"),
                    "the name of a licence is empty",
                    "write a service key or an exact licence name, or drop the entry",
                ));
            }
        }
        let mut wanted = Vec::new();
        let mut want = |licenses: &[String], subscription: &Option<String>, site: &Option<String>| {
            wanted.extend(licenses.iter().map(|name| Wanted {
                name: name.trim().to_owned(),
                subscription: subscription.clone(),
                site: site.clone(),
            }));
        };
        want(&spec.licenses, &spec.subscription, &spec.site);
        for template in &spec.templates {
            want(&template.licenses, &template.subscription, &template.site);
        }
        let sites = spec.templates.iter().map(|template| &template.attendee).chain([&spec.attendee]);
        let attended: Box<[String]> = sites.flatten().map(|site| site.trim().to_owned()).collect();
        if attended.iter().any(|site| site.is_empty() || site.contains(['/', '#', ' '])) {
            errors.push(RuleError::whole(
                &format!("{place}.attendee"),
                "this is not the name of a meeting site",
                "write it like \"example.webex.com\"",
            ));
        }
        if wanted.is_empty() && attended.is_empty() {
            errors.push(RuleError::whole(
                &format!("{place}.licenses"),
                "the rule gives no licence",
                "name service keys such as \"message.messaging\" or exact licence names",
            ));
        }
        let line = LineRule::compile(&place, &spec.calling, needs, errors);
        let name = if spec.name.trim().is_empty() { place } else { spec.name.clone() };
        Self { name, who, wanted: wanted.into(), attended, line, grace: spec.grace, offers: Vec::new() }
    }

    /// Resolves the names, adding those that cannot be resolved to `unbound`.
    pub(super) fn bind(&mut self, catalogue: &Catalogue, unbound: &mut Vec<Unbound>) {
        self.offers.clear();
        for wanted in &self.wanted {
            match wanted.resolve(catalogue) {
                // What comes and goes by itself in the cloud is neither given nor taken.
                Ok(license) if license.kind == LicenseKind::Free => {}
                Ok(license) => self.offers.push(Offer {
                    id: license.id.clone(),
                    name: license.name.clone(),
                    bond: license.bond(),
                }),
                Err((message, remedy)) => {
                    unbound.push(Unbound {
                        rule: self.name.clone(),
                        wanted: wanted.name.clone(),
                        message,
                        remedy,
                    });
                }
            }
        }
        self.offers.extend(self.attended.iter().map(|site| Offer {
            id: LicenseId::attendee(site),
            name: format!("attendee of {site}"),
            bond: Bond::attendee(site),
        }));
    }

    /// The name in reports.
    pub(super) fn name(&self) -> &str {
        &self.name
    }

    /// What the rule gives to whom it is for.
    pub(super) fn offers(&self) -> &[Offer] {
        &self.offers
    }

    /// What it says about telephones.
    pub(super) fn line(&self) -> &LineRule {
        &self.line
    }

    /// Resolves locations, adding those that cannot be resolved to `unbound`.
    pub(super) fn locate(&mut self, places: &[Place], unbound: &mut Vec<Unbound>) {
        self.line.bind(&self.name, places, unbound);
    }

    /// See [`EntitlementSpec::grace`].
    pub(super) fn grace(&self) -> Option<i64> {
        self.grace
    }

    /// Whether the rule is for this person.
    pub(super) fn includes(&self, subject: &Subject<'_>) -> bool {
        self.who.includes(subject)
    }

    /// What the rule says about this person.
    pub(super) fn answer(&self, subject: &Subject<'_>, names: &[String]) -> Answer {
        self.who.answer(&self.name, subject, names)
    }
}

impl Wanted {
    /// The one licence that is meant, or message and remedy.
    fn resolve<'a>(&self, catalogue: &'a Catalogue) -> Result<&'a License, (String, String)> {
        let wanted = self.name.as_str();
        let all = || catalogue.0.iter();
        let mut found: Vec<&License> =
            all().filter(|license| license.name == wanted || license.id.as_str() == wanted).collect();
        if found.is_empty() {
            let by_service = |license: &&License| license.service.as_deref().is_some_and(|s| same(s, wanted));
            found = all().filter(|license| same(&license.name, wanted) || by_service(license)).collect();
        }
        if found.is_empty() {
            let names = all().flat_map(|license| {
                license.service.as_deref().into_iter().chain(std::iter::once(license.name.as_str()))
            });
            let remedy = match nearest(wanted, names) {
                Some(meant) => format!("did you mean \"{meant}\"?"),
                None => "`dirsyncd check` lists what the organization has".into(),
            };
            return Err((format!("the organization has no licence \"{wanted}\""), remedy));
        }
        let found = narrow(found, self.subscription.as_deref(), |license| license.subscription.as_deref());
        let found = narrow(found, self.site.as_deref(), |license| license.site.as_deref());
        match found.as_slice() {
            [] => Err((
                format!("no licence \"{wanted}\" belongs to the subscription or site that the rule names"),
                "correct `subscription` or `site`; `dirsyncd check` lists what the organization has".into(),
            )),
            [only] => Ok(only),
            several => Err(ambiguous(wanted, several)),
        }
    }
}

/// Those whose subscription (or site) is the wanted one; failing that, those that have none,
/// as hybrid licences do. All when nothing is wanted.
fn narrow<'a>(
    found: Vec<&'a License>,
    wanted: Option<&str>,
    part: fn(&License) -> Option<&str>,
) -> Vec<&'a License> {
    let Some(wanted) = wanted else {
        return found;
    };
    let (with, without): (Vec<_>, Vec<_>) = found
        .into_iter()
        .filter(|l| part(l).is_none_or(|p| same(p, wanted)))
        .partition(|l| part(l).is_some());
    if with.is_empty() { without } else { with }
}

/// Message and remedy for a name that several licences bear.
fn ambiguous(wanted: &str, several: &[&License]) -> (String, String) {
    let differ = |part: fn(&License) -> Option<&str>| several.iter().any(|l| part(l) != part(several[0]));
    let list: Vec<String> = several
        .iter()
        .map(|license| {
            let mut words = format!("\"{}\"", license.name);
            if let Some(subscription) = &license.subscription {
                words.push_str(&format!(" of subscription {subscription}"));
            }
            if let Some(site) = &license.site {
                words.push_str(&format!(" at site {site}"));
            }
            words
        })
        .collect();
    let remedy = if differ(|l| l.site.as_deref()) {
        "add `site = \"…\"` to the rule"
    } else if differ(|l| l.subscription.as_deref()) {
        "add `subscription = \"…\"` to the rule"
    } else if differ(|l| Some(&l.name)) {
        "write the exact name of the licence"
    } else {
        "write the id of the licence instead of its name"
    };
    (format!("\"{wanted}\" can mean {} licences: {}", several.len(), list.join(", ")), remedy.into())
}

#[cfg(test)]
mod tests;
