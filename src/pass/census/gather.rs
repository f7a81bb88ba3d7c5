//! The groups of a read come before the first person, so that a person meets finished memberships.

use crate::model::Portion;
use crate::report::Event;
use crate::store::StoreError;

use super::super::PassError;
use super::{Sieve, Stream, Work};

impl Work {
    /// Takes the groups of one source.
    pub(super) fn gather(&mut self, stream: &mut Stream, sieve: &Sieve) -> Result<(), PassError> {
        let Some(gathering) = &mut self.gathering else { return Ok(()) };
        let before = self.groups;
        loop {
            match stream.portions.blocking_recv() {
                Some(Portion::Groups(records)) => {
                    self.groups += records.len() as u64;
                    for record in &records {
                        gathering.add(record, &mut self.stage)?;
                    }
                    (sieve.events)(Event::Reading {
                        source: stream.source.clone(),
                        people: self.people,
                        groups: self.groups,
                    });
                }
                Some(Portion::GroupsEnd { whole }) => {
                    self.groups_doubtful |= !whole;
                    return Ok(());
                }
                Some(Portion::People(records)) => {
                    // Without an end nothing says that these were all groups.
                    self.groups_doubtful = true;
                    stream.first = Some(records);
                    return Ok(());
                }
                // Nothing came: what the store knows of its groups goes on to count.
                None => {
                    self.groups_whole = false;
                    self.groups_doubtful |= self.groups > before;
                    return Ok(());
                }
            }
        }
    }

    /// From here on people meet finished memberships.
    pub(super) fn end_groups(&mut self, sieve: &Sieve) -> Result<(), StoreError> {
        if let Some(gathering) = self.gathering.take() {
            let linked = !sieve.index.is_empty();
            self.memberships = Some(gathering.finish(
                self.groups_whole && !self.groups_doubtful,
                linked,
                &sieve.rules,
                &sieve.reader,
                &self.stage,
            )?);
        }
        Ok(())
    }
}
