//! Who belongs to a chosen group as their primary group, which no list of members shows.

use crate::model::{Key, Record, RecordKind};
use crate::store::StoreError;

use super::{Sieve, Work};

impl Work {
    /// Remembers who is in a group that leads to a chosen one and does not list them.
    pub(super) fn note_primary(&mut self, record: &Record, sieve: &Sieve) -> Result<(), StoreError> {
        let Some(memberships) = &self.memberships else { return Ok(()) };
        let Some(chosen) = &memberships.chosen else { return Ok(()) };
        if record.kind != RecordKind::Person {
            return Ok(());
        }
        let mut group = record.texts("primarygroup").next().map(Key::dn);
        if let Some(key) = group
            && !chosen.lead_from(key, memberships, &sieve.reader, &self.stage)?
        {
            group = None;
        }
        if group.is_some() || self.follows {
            self.primary.push((record.anchor, group));
        }
        Ok(())
    }
}
