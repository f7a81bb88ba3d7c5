//! Everything that the cases of a pass are made from, gathered in one place.

use std::collections::BTreeSet;

use crate::model::{CloudId, Email, FieldSet};
use crate::store::{Reader, Stage};

use super::bounds::Narrowed;
use super::census::Doubts;
use super::contest::Addresses;
use super::index::Index;
use super::moved::Moved;
use super::observe::Observation;

/// Everything that cases are made from.
pub struct Evidence<'a> {
    /// Who is linked, and who was met.
    pub index: &'a Index,
    /// The snapshot.
    pub reader: &'a Reader,
    /// Wanted people.
    pub people: &'a Stage,
    /// What was seen of the cloud.
    pub observation: &'a Observation,
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

/// All evidence but that of the cloud.
#[derive(Clone, Copy)]
pub struct Known<'a> {
    /// See [`Evidence`].
    pub index: &'a Index,
    /// See [`Evidence`].
    pub reader: &'a Reader,
    /// See [`Evidence`].
    pub people: &'a Stage,
    /// See [`Evidence`].
    pub moved: &'a Moved,
    /// See [`Evidence`].
    pub addresses: &'a Addresses,
    /// See [`Evidence`].
    pub narrowed: &'a Narrowed,
    /// See [`Evidence`].
    pub whole: bool,
    /// See [`Evidence`].
    pub doubts: &'a Doubts,
    /// See [`Evidence`].
    pub me: Option<&'a CloudId>,
    /// See [`Evidence`].
    pub protected: &'a BTreeSet<Email>,
    /// See [`Evidence`].
    pub kept: FieldSet,
}

impl<'a> Known<'a> {
    /// Together with what was seen of the cloud.
    pub fn with<'b>(&self, observation: &'b Observation) -> Evidence<'b>
    where
        'a: 'b,
    {
        let Self { index, reader, people, moved, addresses, narrowed, whole, doubts, me, protected, kept } =
            *self;
        Evidence {
            index,
            reader,
            people,
            observation,
            moved,
            addresses,
            narrowed,
            whole,
            doubts,
            me,
            protected,
            kept,
        }
    }
}
