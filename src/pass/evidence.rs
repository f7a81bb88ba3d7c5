//! What is known about people from all three sides, from which their cases are made.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Deref;

use crate::model::{CloudId, Email, FieldSet, SourceId};
use crate::store::{Reader, Stage};

use super::bounds::Narrowed;
use super::census::{Alike, Doubts};
use super::contest::Addresses;
use super::index::Index;
use super::moved::Moved;
use super::observe::Observation;

/// All evidence but that of the cloud.
#[derive(Clone, Copy)]
pub struct Known<'a> {
    /// Who is linked, and who was met.
    pub index: &'a Index,
    /// The snapshot.
    pub reader: &'a Reader,
    /// Wanted people.
    pub people: &'a Stage,
    /// Whom other rules leave as they were.
    pub alike: &'a BTreeMap<SourceId, Alike>,
    /// Who is known under another anchor.
    pub moved: &'a Moved,
    /// Contests over addresses.
    pub addresses: &'a Addresses,
    /// Who leaves because the configuration changed.
    pub narrowed: &'a Narrowed,
    /// Whether a person who was not met is gone.
    pub whole: bool,
    /// Whose source was not read completely.
    pub doubts: &'a Doubts,
    /// The account that authorised us.
    pub me: Option<&'a CloudId>,
    /// Addresses that the configuration protects.
    pub protected: &'a BTreeSet<Email>,
    /// Attributes that are written only where the cloud has no value.
    pub kept: FieldSet,
}

/// Everything that cases are made from.
#[derive(Clone, Copy)]
pub struct Evidence<'a> {
    known: Known<'a>,
    /// What was seen of the cloud.
    pub observation: &'a Observation,
}

impl<'a> Known<'a> {
    /// Whether somebody only gets other values of attributes: nobody else claims one of them, and nothing
    /// is weighed, whatever the cloud says.
    pub(super) fn is_light(&self, anchor: SourceId) -> bool {
        let contests = self.addresses;
        self.index.is_light(anchor)
            && self.moved.withheld(anchor).is_none()
            && !contests.contested.contains_key(&anchor)
            && !contests.lost.contains_key(&anchor)
    }

    /// Together with what was seen of the cloud.
    pub fn with<'b>(&self, observation: &'b Observation) -> Evidence<'b>
    where
        'a: 'b,
    {
        Evidence { known: *self, observation }
    }
}

impl<'a> Deref for Evidence<'a> {
    type Target = Known<'a>;

    fn deref(&self) -> &Known<'a> {
        &self.known
    }
}
