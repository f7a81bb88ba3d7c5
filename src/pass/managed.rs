//! What of the accounts is ours to manage: what the rules of today say, and what earlier ones gave. And
//! what is looked at besides, because it decides whether that can be given or taken.

use std::collections::BTreeSet;

use crate::model::{Bond, Catalogue, LicenseId, LicenseKind, Managed};
use crate::rules::Rules;
use crate::store::Meta;

use super::PassError;
use super::observe::OBSERVED_LICENSES;

/// What is managed under these rules.
///
/// # Errors
///
/// When the rules name more licences than can be observed.
pub(super) fn managed(rules: &Rules, meta: &Meta, catalogue: &Catalogue) -> Result<Managed, PassError> {
    let mut managed = Managed {
        fields: rules.managed(),
        room_fields: rules.managed_of_rooms(),
        kept: rules.kept(),
        once: rules.once(),
        // What was given under earlier rules can still be taken away.
        licenses: rules.managed_licenses().union(&meta.licenses).cloned().collect(),
        watched: BTreeSet::new(),
        calling: catalogue.calling(),
        roles: rules.managed_roles().union(&meta.roles).cloned().collect(),
    };
    if managed.licenses.len() > OBSERVED_LICENSES {
        return Err(PassError::Refused {
            what: format!(
                "the rules can give {} licences, and at most {OBSERVED_LICENSES} can be observed",
                managed.licenses.len()
            ),
            remedy: "name fewer licences in the entitlements".into(),
        });
    }
    managed.watched = watched(rules, &managed.licenses, catalogue);
    Ok(managed)
}

/// What somebody may hold by other hands, and what decides about a licence that is managed. As many as
/// there is room for besides those: what is not seen is refused by the cloud, and a refusal is reported.
fn watched(rules: &Rules, managed: &BTreeSet<LicenseId>, catalogue: &Catalogue) -> BTreeSet<LicenseId> {
    // A site to attend is in no catalogue.
    let of_rules = rules.bonds().into_values();
    let earlier = managed.iter().filter_map(|id| Some(catalogue.get(id)?.bond()));
    let bonds: Vec<Bond> = of_rules.chain(earlier).collect();
    let others = catalogue.0.iter().filter(|license| {
        license.kind != LicenseKind::Free
            && !managed.contains(&license.id)
            && bonds.iter().any(|bond| bond.concerns(license.bond()))
    });
    others.take(OBSERVED_LICENSES.saturating_sub(managed.len())).map(|license| license.id.clone()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::License;
    use crate::rules::{EntitlementSpec, Spec};

    fn license(id: &str, service: &str, site: Option<&str>) -> License {
        License {
            id: LicenseId::new(id),
            name: id.into(),
            service: Some(service.into()),
            kind: LicenseKind::Paid,
            subscription: None,
            site: site.map(Into::into),
            total: Some(5),
            consumed: 0,
        }
    }

    fn rules(licenses: &[&str], attendee: Option<&str>, catalogue: &Catalogue) -> Rules {
        let rule = EntitlementSpec {
            licenses: licenses.iter().map(|&one| one.into()).collect(),
            attendee: attendee.map(Into::into),
            ..EntitlementSpec::default()
        };
        let spec =
            Spec { email: Some("mail".into()), defaults: true, entitlements: vec![rule], ..Spec::default() };
        Rules::compile(&spec).unwrap().bind(catalogue, &[]).0
    }

    fn organization() -> Catalogue {
        let here = Some("acme.webex.com");
        Catalogue(vec![
            license("mail", "message.messaging", None),
            license("digital", "care.digital_channel", None),
            license("google", "hybrid_calendar.google", None),
            license("exchange", "hybrid_calendar.microsoft_exchange", None),
            license("pro", "calling.professional", None),
            license("standard", "calling.basic", None),
            license("console", "calling.attendant_console", None),
            license("suite", "meeting.webex_enterprise", here),
            license("other suite", "meeting.webex_enterprise", Some("other.webex.com")),
        ])
    }

    #[test]
    fn what_decides_about_a_licence_of_the_rules_is_watched() {
        let catalogue = organization();
        for (licenses, attendee, earlier, watches) in [
            (&["exchange"][..], None, None, &["google"][..]),
            (&["exchange", "google"], None, None, &[]),
            (&["exchange"], None, Some("google"), &[]),
            (&["pro"], None, None, &["console", "standard"]),
            (&["standard"], None, None, &["console", "pro"]),
            (&["mail"], None, None, &["digital"]),
            (&["digital"], None, None, &["mail"]),
            (&[], Some("ACME.webex.com"), None, &["suite"]),
            (&["mail"], None, Some("exchange"), &["digital", "google"]),
        ] {
            let rules = rules(licenses, attendee, &catalogue);
            let meta =
                Meta { licenses: earlier.into_iter().map(LicenseId::new).collect(), ..Meta::default() };
            let managed = managed(&rules, &meta, &catalogue).unwrap();
            let watched: Vec<&str> = managed.watched.iter().map(LicenseId::as_str).collect();
            assert_eq!(watched, watches, "{licenses:?} {attendee:?} {earlier:?}");
            let held = [LicenseId::new("google"), LicenseId::new("exchange")];
            let ours = held.iter().filter(|id| managed.licenses.contains(id));
            assert_eq!(managed.license_digest(&held), crate::model::license_digest(ours));
        }
    }

    #[test]
    fn only_what_is_managed_is_counted_against_the_limit() {
        let mut catalogue = organization();
        let names: Vec<String> = (0..63).map(|n| format!("x{n}")).collect();
        catalogue.0.extend(names.iter().map(|name| license(name, "x", None)));
        let mut named: Vec<&str> = names.iter().map(String::as_str).collect();
        named.push("pro");
        let full = managed(&rules(&named, None, &catalogue), &Meta::default(), &catalogue).unwrap();
        assert_eq!((full.licenses.len(), full.watched.len()), (64, 0), "there is no room");
        let less = managed(&rules(&named[1..], None, &catalogue), &Meta::default(), &catalogue).unwrap();
        assert_eq!((less.licenses.len(), less.watched.len()), (63, 1), "for one there is");
        named.push("mail");
        let refused = managed(&rules(&named, None, &catalogue), &Meta::default(), &catalogue).unwrap_err();
        assert!(refused.to_string().contains("can give 65 licences, and at most 64"), "{refused}");
    }
}
