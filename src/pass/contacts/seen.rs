//! What the cloud says about contacts: about those to be made, whether they are there already;
//! about ours, when the whole cloud is observed, whether somebody changed them.

use std::collections::HashMap;

use crate::cloud::CloudRead;
use crate::model::{CloudContact, CloudId, Contact};
use crate::pass::PassError;
use crate::rules::ContactWish;
use crate::store::Reader;

use super::ReadContacts;

/// So many contacts are asked for one by one; beyond, listing all of them is quicker.
const FEW: usize = 20;

/// What was seen of the contacts of the cloud.
#[derive(Debug, Default)]
pub struct ContactsSeen {
    /// Whether all contacts were listed, so that who is not among them is not there.
    pub(in crate::pass) listed: bool,
    by_id: HashMap<CloudId, CloudContact>,
    by_identity: HashMap<String, Vec<CloudId>>,
}

impl ContactsSeen {
    fn add(&mut self, there: CloudContact) {
        let (id, identity) = (there.id.clone(), there.contact.identity());
        if self.by_id.insert(id.clone(), there).is_none() {
            self.by_identity.entry(identity).or_default().push(id);
        }
    }

    /// The contact with this id.
    pub(super) fn by_id(&self, id: &CloudId) -> Option<&CloudContact> {
        self.by_id.get(id)
    }

    /// The contacts with the identity of another.
    pub(in crate::pass) fn like(&self, contact: &Contact) -> impl Iterator<Item = &CloudContact> {
        let ids = self.by_identity.get(&contact.identity()).into_iter().flatten();
        ids.filter_map(|id| self.by_id.get(id))
    }
}

/// Asks the cloud, when contacts are `wanted`. `all`: whether everything is observed. Otherwise, without anything to ask about, the
/// cloud is not asked.
///
/// # Errors
///
/// When the cloud or the store cannot be read.
pub async fn see_contacts(
    cloud: &dyn CloudRead,
    reader: &Reader,
    read: &ReadContacts,
    wanted: bool,
    all: bool,
) -> Result<ContactsSeen, PassError> {
    if !wanted {
        return Ok(ContactsSeen::default());
    }
    let links = reader.contact_links()?;
    let linked = |anchor| links.binary_search_by_key(&anchor, |link| link.anchor).is_ok();
    let new: Vec<&Contact> = read
        .judged
        .iter()
        .filter(|(anchor, _)| !linked(**anchor))
        .filter_map(|(_, (_, _, wish))| match wish {
            ContactWish::Present(contact) => Some(contact),
            ContactWish::Leaving(_) | ContactWish::Withheld(_) => None,
        })
        .collect();
    let mut seen = ContactsSeen::default();
    if all || new.len() > FEW {
        cloud.contacts().await.map_err(PassError::Cloud)?.into_iter().for_each(|there| seen.add(there));
        seen.listed = true;
    } else {
        for contact in new {
            let found = cloud.contacts_like(contact).await.map_err(PassError::Cloud)?;
            found.into_iter().for_each(|there| seen.add(there));
        }
    }
    Ok(seen)
}
