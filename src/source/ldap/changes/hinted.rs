//! What a changed entry seems to be, by its object classes.

use crate::model::{Attribute, Hinted};
use crate::source::shape::is_group;

/// The object classes of entries that stand above others by their nature.
const CONTAINERS: &[&str] = &[
    "organizationalUnit",
    "organization",
    "domain",
    "dcObject",
    "domainDNS",
    "builtinDomain",
    "locality",
    "country",
    "friendlyCountry",
    "container",
    "nsContainer",
];

/// What an entry with these attributes seems to be. Names are in lower case.
pub(super) fn what(attributes: &[Attribute]) -> Hinted {
    if is_group(attributes) {
        return Hinted::Group;
    }
    let is_container =
        |class: &Vec<u8>| CONTAINERS.iter().any(|container| class.eq_ignore_ascii_case(container.as_bytes()));
    let mut classes = attributes.iter().filter(|attribute| attribute.name == "objectclass");
    if classes.any(|classes| classes.values.iter().any(is_container)) {
        Hinted::Container
    } else {
        Hinted::Object
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn object_classes_tell() {
        for (classes, expected) in [
            (&["top", "inetOrgPerson"][..], Hinted::Object),
            (&["ORGANIZATIONALUNIT"], Hinted::Container),
            (&["organization", "dcObject"], Hinted::Container),
            (&["nsContainer"], Hinted::Container),
            (&["groupOfNames"], Hinted::Group),
            // A unit with members is looked up as what can be looked up: a group.
            (&["organizationalUnit", "posixGroup"], Hinted::Group),
            (&[], Hinted::Object),
        ] {
            let values = classes.iter().map(|class| class.as_bytes().to_vec()).collect();
            let attributes = [Attribute { name: "objectclass".into(), values }];
            assert_eq!(what(&attributes), expected, "{classes:?}");
        }
    }
}
