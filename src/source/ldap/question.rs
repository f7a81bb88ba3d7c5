//! What is asked of the directory about people and about groups.
//!
//! The same filters and the same attributes for every way of asking: a record that is looked up
//! alone must be the record that a full read gives.

use std::collections::BTreeSet;

use crate::model::Ask;
use crate::source::legible::PHOTOS;
use crate::source::shape::{AnchorIn, GROUP_ATTRIBUTES, Looking};

use super::detect::Vendor;
use super::settings::Settings;

/// A question about one kind of objects.
#[derive(Clone, Debug)]
pub(super) struct Question {
    /// Filters, each to be tried only when those before it find nobody at all.
    pub filters: Vec<String>,
    /// Attributes to return, lower case.
    pub attributes: Vec<String>,
    /// What is looked for.
    pub looking: Looking,
}

impl Question {
    /// Who are the people and rooms?
    pub(super) fn people(settings: &Settings, ask: &Ask, anchor: &AnchorIn, vendor: Vendor) -> Self {
        let mut attributes = ask.attributes.clone();
        add_anchors(&mut attributes, anchor, vendor);
        attributes.extend(vendor.states().iter().map(|name| name.to_ascii_lowercase()));
        if ask.groups && vendor == Vendor::ActiveDirectory {
            attributes.extend(["objectsid".into(), "primarygroupid".into()]);
        }
        let filters = match &settings.person_filter {
            Some(filter) => {
                // Only a filter of the administrator's can let other things through.
                attributes.insert("objectclass".into());
                vec![enclosed(filter)]
            }
            None => vendor.person_filters().iter().map(|filter| (*filter).to_owned()).collect(),
        };
        Self { filters, attributes: attributes.into_iter().collect(), looking: Looking::People }
    }

    /// Who has a place beside the people? What one of these finds is not a person, even where the
    /// filter for people finds it too.
    pub(super) fn beside_people(
        settings: &Settings,
        ask: &Ask,
        anchor: &AnchorIn,
        vendor: Vendor,
    ) -> Vec<Self> {
        let Self { attributes, .. } = Self::people(settings, ask, anchor, vendor);
        let with =
            |filter: String, looking| Self { filters: vec![filter], attributes: attributes.clone(), looking };
        let rooms = settings.room_filter.iter().map(|filter| with(enclosed(filter), Looking::Rooms));
        let contacts = (settings.contacts || ask.contacts).then(|| {
            let filter = settings.contact_filter.as_deref().unwrap_or("(objectClass=contact)");
            with(enclosed(filter), Looking::Contacts)
        });
        rooms.chain(contacts).collect()
    }

    /// What groups are there, and who is in them?
    pub(super) fn groups(settings: &Settings, anchor: &AnchorIn, vendor: Vendor) -> Self {
        let filter = match &settings.group_filter {
            Some(filter) => enclosed(filter),
            None => vendor.group_filter().to_owned(),
        };
        let mut attributes: BTreeSet<String> =
            GROUP_ATTRIBUTES.iter().map(|name| (*name).to_owned()).collect();
        add_anchors(&mut attributes, anchor, vendor);
        if vendor == Vendor::ActiveDirectory {
            attributes.insert("objectsid".into());
        }
        Self { filters: vec![filter], attributes: attributes.into_iter().collect(), looking: Looking::Groups }
    }

    /// Entries per page. A page of photos is large.
    pub(super) fn page_size(&self, settings: &Settings) -> u32 {
        let photos = self.attributes.iter().any(|name| PHOTOS.contains(&name.as_str()));
        if photos { settings.page_size.min(200) } else { settings.page_size }
    }

    /// The word for what is looked for.
    pub(super) fn what(&self) -> &'static str {
        match self.looking {
            Looking::Groups => "groups",
            Looking::Rooms => "rooms",
            Looking::Contacts => "contacts",
            Looking::People | Looking::Anything => "people",
        }
    }
}

/// A filter may be written without its outer parentheses; inside another it may not.
fn enclosed(filter: &str) -> String {
    let filter = filter.trim();
    if filter.starts_with('(') { filter.to_owned() } else { format!("({filter})") }
}

fn add_anchors(attributes: &mut BTreeSet<String>, anchor: &AnchorIn, vendor: Vendor) {
    match anchor {
        AnchorIn::Named(name) => {
            attributes.insert(name.clone());
        }
        AnchorIn::WellKnown => {
            attributes.extend(vendor.anchors().iter().map(|name| name.to_ascii_lowercase()));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::source::ldap::settings::tests::settings;

    #[test]
    fn a_question_asks_for_what_a_record_is_made_of() {
        let ask = Ask { attributes: ["mail".to_owned()].into(), groups: true, contacts: false };
        let anchor = AnchorIn::WellKnown;
        let people = Question::people(&settings(&[]), &ask, &anchor, Vendor::ActiveDirectory);
        for name in ["mail", "objectguid", "useraccountcontrol", "objectsid", "primarygroupid"] {
            assert!(people.attributes.iter().any(|known| known == name), "{name}");
        }
        let named = AnchorIn::Named("employeenumber".into());
        let groups = Question::groups(&settings(&[]), &named, Vendor::OpenLdap);
        assert!(groups.attributes.contains(&"employeenumber".to_owned()));
        assert!(!groups.attributes.contains(&"entryuuid".to_owned()));
    }

    #[test]
    fn a_configured_filter_stands_alone_and_in_parentheses() {
        let mut settings = settings(&[]);
        settings.person_filter = Some(" employeeType=staff ".into());
        let ask = Ask::default();
        let people = Question::people(&settings, &ask, &AnchorIn::WellKnown, Vendor::OpenLdap);
        assert_eq!(people.filters, ["(employeeType=staff)"]);
        assert!(people.attributes.contains(&"objectclass".to_owned()));
    }
}
