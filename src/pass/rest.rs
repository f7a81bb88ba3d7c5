//! What is linked and switched off: it stays as it is, and that is said.

use crate::report::{Event, Sink};
use crate::rules::Rules;
use crate::store::{Reader, StoreError};

use super::index::Index;

/// How much of what is ours is not looked after.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct AtRest {
    /// Linked rooms, while rooms are switched off.
    pub rooms: u64,
    /// Contacts, while contacts are switched off.
    pub contacts: u64,
}

impl AtRest {
    /// Finds out, lets the rooms rest, and says so, unless somebody asked about a few people alone.
    pub(super) fn find(
        rules: &Rules,
        reader: &Reader,
        index: &Index,
        alone: bool,
        events: &Sink,
    ) -> Result<Self, StoreError> {
        let mut rest = Self::default();
        if !rules.has_rooms() {
            index.rest_rooms();
        }
        if alone {
            return Ok(rest);
        }
        if !rules.has_rooms() {
            rest.rooms = reader.count_rooms()?;
        }
        if !rules.has_contacts() {
            rest.contacts = reader.count_contacts()?;
        }
        if rest.rooms > 0 {
            events(Event::RoomsRest { rooms: rest.rooms });
        }
        if rest.contacts > 0 {
            events(Event::ContactsRest { contacts: rest.contacts });
        }
        Ok(rest)
    }
}
