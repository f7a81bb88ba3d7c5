//! Everything below which others stand.
//!
//! A server that tells changes does not tell that everybody below a renamed unit has another DN
//! now. Whoever follows changes must know the units.

use std::collections::BTreeSet;

use crate::model::{Attribute, Container, SourceId};
use crate::source::ad;
use crate::source::shape::{AnchorIn, Looking, Shape};

use super::connect::Session;
use super::decode;
use super::detect::{Vendor, without_nested};
use super::lookup::is_nothing;
use super::search::{Pages, Search, Step};
use super::settings::Settings;
use super::trouble::Failure;
use super::walk;

/// Reads the containers in all bases, for people and for groups. `must_exist`: whether it is known that
/// all of these are there.
///
/// # Errors
///
/// Why they are not known whole, in a sentence.
pub(super) async fn read(
    settings: &Settings,
    session: &mut Session,
    vendor: Vendor,
    bases: &[String],
    group_bases: &[String],
    must_exist: bool,
) -> Result<Vec<Container>, String> {
    let attributes: Vec<String> = vendor.anchors().iter().map(|name| name.to_ascii_lowercase()).collect();
    let mut containers = Vec::new();
    for base in without_nested(&[bases, group_bases].concat()) {
        let search = Search {
            base: base.clone(),
            filter: filter(vendor),
            attributes: attributes.clone(),
            page_size: settings.page_size,
            limit: settings.operation_timeout,
        };
        let mut pages = Pages::new(session, &search);
        let mut referrals = 0;
        let end: Option<Failure> = loop {
            match pages.next().await {
                Step::Entry(answer) => match decode::entry(answer.0) {
                    Ok(entry) if ad::is_leftover(&entry.dn) => {}
                    Ok(entry) => match anchor(entry.attributes) {
                        Some(anchor) => containers.push(Container { anchor, dn: entry.dn }),
                        None => {
                            pages.abandon().await;
                            return Err(format!("a container under \"{base}\" shows no anchor"));
                        }
                    },
                    Err(malformed) => {
                        pages.abandon().await;
                        return Err(format!(
                            "a container under \"{base}\" cannot be used: {}",
                            malformed.reason
                        ));
                    }
                },
                Step::Referral => referrals += 1,
                Step::Page => {}
                Step::End(failure) => break failure,
            }
        };
        if let Some(failure) = end.filter(|failure| must_exist || !is_nothing(vendor, failure)) {
            return Err(format!("the search for containers under \"{base}\" ended early: {failure}"));
        }
        if let Some(gap) = walk::unfollowed(vendor, "containers", &base, referrals) {
            return Err(gap);
        }
    }
    Ok(containers)
}

/// Containers have the anchor that the server gives to everything, whatever attribute the
/// configuration chose for people.
fn anchor(attributes: Vec<Attribute>) -> Option<SourceId> {
    let nothing = BTreeSet::new();
    Shape { anchor: &AnchorIn::WellKnown, looking: Looking::Anything, keep: &nothing }
        .apply(attributes)
        .anchor
}

/// The object classes of containers that all servers know.
const EVERYWHERE: &[&str] = &["organizationalUnit", "organization", "locality", "country"];
/// Those that are met besides, by themselves or as what is made of another.
const BESIDES: &[&str] =
    &["container", "domain", "domainDNS", "builtinDomain", "dcObject", "friendlyCountry", "nsContainer"];

/// The object classes of containers, as far as the server knows them. A class that it does not know
/// matches nothing (RFC 4511, 4.5.1.7), but some servers then ignore their index.
pub(super) fn classes(vendor: Vendor) -> impl Iterator<Item = &'static str> {
    let own: &[&str] = match vendor {
        Vendor::ActiveDirectory => &["container", "domain", "builtinDomain"],
        Vendor::AdLds => &["container", "domain"],
        Vendor::OpenLdap | Vendor::Ds389 => &["domain", "dcObject"],
        Vendor::Other => &["container", "domain", "dcObject"],
    };
    EVERYWHERE.iter().chain(own).copied()
}

/// Whether others stand below an entry of this class by its nature, on whatever server.
pub(super) fn is_container(class: &[u8]) -> bool {
    EVERYWHERE.iter().chain(BESIDES).any(|container| class.eq_ignore_ascii_case(container.as_bytes()))
}

fn filter(vendor: Vendor) -> String {
    let clauses: String = classes(vendor).map(|class| format!("(objectClass={class})")).collect();
    format!("(|{clauses})")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn filters_are_filters() {
        for vendor in [Vendor::ActiveDirectory, Vendor::AdLds, Vendor::OpenLdap, Vendor::Ds389, Vendor::Other]
        {
            assert!(ldap3::parse_filter(filter(vendor)).is_ok(), "{vendor:?}");
            assert!(classes(vendor).all(|class| is_container(class.as_bytes())), "{vendor:?}");
        }
    }
}
