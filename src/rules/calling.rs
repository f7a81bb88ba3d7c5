//! Names that Webex Calling takes: shorter and plainer than those of the directory around it.
//!
//! The vendor's manual of Calling limits first and last names to 30 characters and excludes
//! some. That counts only for people who get a licence for calling, and so it is checked when it
//! is known who does.

use std::collections::BTreeSet;

use crate::model::{Catalogue, Field, LicenseId, Person, Withheld};

use super::subject::Subject;

const LONGEST: usize = 30;
const RESERVED: [char; 7] = ['%', '#', '<', '>', '\\', '/', '"'];

/// The licences for calling among those of the organization.
pub(super) fn licenses(catalogue: &Catalogue) -> BTreeSet<LicenseId> {
    let calling = |service: &Option<String>| service.as_ref().is_some_and(|s| s.starts_with("calling."));
    catalogue.0.iter().filter(|license| calling(&license.service)).map(|license| license.id.clone()).collect()
}

/// What stands in the way of giving one of these licences to a person.
pub(super) fn obstacle(
    calling: &BTreeSet<LicenseId>,
    person: &Person,
    subject: &Subject<'_>,
) -> Option<Withheld> {
    if calling.is_empty() || calling.is_disjoint(&person.licenses) {
        return None;
    }
    [Field::GivenName, Field::FamilyName].into_iter().find_map(|field| {
        let name = person.profile.get(&field)?;
        let (what, remedy) = if name.contains(RESERVED) {
            let what = "contains one of % # < > \\ / \", which names in Webex Calling must not";
            (what.to_owned(), "or take them out with `replace_regex(…)`")
        } else if name.chars().nth(LONGEST).is_some() {
            let what = format!("is longer than the {LONGEST} characters that Webex Calling takes");
            (what, "or cut it with `substring(…, 0, 30)`")
        } else {
            return None;
        };
        Some(Withheld {
            anchor: Some(subject.record.anchor),
            dn: subject.record.dn.clone(),
            code: "calling_name".into(),
            reason: format!("the value {name:?} {what} (people.mapping.{field})"),
            remedy: format!("correct it in the directory, {remedy}; or give no licence for calling"),
        })
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{License, LicenseKind, Wanted};
    use crate::rules::tests::person;
    use crate::rules::{EntitlementSpec, GroupSet, Rules, Spec};

    #[test]
    fn names_are_judged_only_where_they_are_called() {
        let license = |id: &str, service: &str| License {
            id: LicenseId::new(id),
            name: id.into(),
            service: Some(service.into()),
            kind: LicenseKind::Paid,
            subscription: None,
            site: None,
            total: None,
            consumed: 0,
        };
        let catalogue = Catalogue(vec![
            license("Calling", "calling.standard_enterprise"),
            license("Messaging", "message.messaging"),
        ]);
        let long = "x".repeat(31);
        for (given, family, gives, code) in [
            ("Ann", "Müller-Lee", "Calling", None),
            ("Ann", "Lee/Ray", "Calling", Some("calling_name")),
            ("Ann \"A\"", "Lee", "Calling", Some("calling_name")),
            ("Ann", long.as_str(), "Calling", Some("calling_name")),
            ("Ann", &long[1..], "Calling", None),
            ("Ann", "Lee/Ray", "Messaging", None),
        ] {
            let rule = EntitlementSpec { licenses: vec![gives.into()], ..EntitlementSpec::default() };
            let spec = Spec { defaults: true, entitlements: vec![rule], ..Spec::default() };
            let (rules, unbound) = Rules::compile(&spec).unwrap().bind(&catalogue, &[]);
            assert_eq!(unbound, []);
            let record = person(&[("mail", "ann@example.com"), ("givenName", given), ("sn", family)]);
            let withheld = match rules.judge(&record, &GroupSet::new(), 0).wanted {
                Wanted::Withheld(withheld) => Some(withheld.code),
                _ => None,
            };
            assert_eq!(withheld.as_deref(), code, "{given} {family} {gives}");
        }
    }
}
