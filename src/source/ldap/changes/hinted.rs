//! What a changed entry seems to be, by its object classes.

use crate::model::{Attribute, Hinted};
use crate::source::shape::is_group;

use super::super::containers::is_container;

/// What an entry with these attributes seems to be. Names are in lower case.
pub(super) fn what(attributes: &[Attribute]) -> Hinted {
    if is_group(attributes) {
        return Hinted::Group;
    }
    let mut classes = attributes.iter().filter(|attribute| attribute.name == "objectclass");
    if classes.any(|classes| classes.values.iter().any(|class| is_container(class))) {
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
            let attributes = Attribute::list(&[("objectclass", classes)]);
            assert_eq!(what(&attributes), expected, "{classes:?}");
        }
    }
}
