//! Which of the places named in a lookup lie in the scope of the source.

use std::collections::BTreeSet;

use crate::model::normal_dn;

use super::super::detect::{is_under, without_nested};
use super::super::sight::Place;

/// The DNs that lie under one of the bases, each once.
pub(super) fn inside(dns: &[String], places: &[Place]) -> Vec<String> {
    let mut met = BTreeSet::new();
    dns.iter()
        .filter(|dn| places.iter().any(|place| is_in(dn, place)) && met.insert(normal_dn(dn)))
        .cloned()
        .collect()
}

/// Where to search for everything that is below one of the DNs and in scope.
pub(super) fn below(dns: &[String], places: &[Place]) -> Vec<String> {
    let mut found = Vec::new();
    for dn in dns {
        for place in places {
            if is_under(&place.base, dn) || is_under(&place.dn, dn) {
                found.push(place.base.clone());
            } else if is_in(dn, place) {
                found.push(dn.clone());
            }
        }
    }
    without_nested(&found)
}

fn is_in(dn: &str, place: &Place) -> bool {
    is_under(dn, &place.base) || is_under(dn, &place.dn)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn places() -> Vec<Place> {
        let place = |base: &str, dn: &str| Place { base: base.into(), dn: dn.into() };
        vec![
            place("OU=Sales, DC=x", "ou=Sales,dc=x"),
            place("<GUID=6f1d3c1e0a2b4c3d8e9f001122334455>", "ou=Lab,dc=y"),
        ]
    }

    #[test]
    fn only_what_is_in_scope_is_looked_at() {
        let dns = [
            "cn=a,ou=sales,dc=x",
            "CN=A, OU=Sales,DC=X",
            "ou=sales,dc=x",
            "cn=b,ou=it,dc=x",
            "cn=c,ou=lab,dc=y",
            "cn=d\\,ou=lab,dc=y",
            "",
            "no dn",
        ]
        .map(String::from);
        assert_eq!(inside(&dns, &places()), ["cn=a,ou=sales,dc=x", "ou=sales,dc=x", "cn=c,ou=lab,dc=y"]);
    }

    #[test]
    fn what_is_below_is_cut_to_the_bases() {
        for (dns, expected) in [
            (&["dc=x"][..], &["OU=Sales, DC=x"][..]),
            (&["dc=y"], &["<GUID=6f1d3c1e0a2b4c3d8e9f001122334455>"]),
            (&["ou=north,ou=sales,dc=x", "ou=sales,dc=x"], &["OU=Sales, DC=x"]),
            (&["ou=a,ou=sales,dc=x", "ou=b,ou=sales,dc=x"], &["ou=a,ou=sales,dc=x", "ou=b,ou=sales,dc=x"]),
            (&["ou=it,dc=x", "ou=sales,dc=z"], &[]),
        ] {
            let dns: Vec<String> = dns.iter().map(|dn| (*dn).to_owned()).collect();
            assert_eq!(below(&dns, &places()), expected, "{dns:?}");
        }
    }
}
