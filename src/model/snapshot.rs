//! What we last confirmed that the cloud holds.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use super::{AccountKind, CloudId, Fingerprint, Key, LicenseId, Person, RoleId, SourceId};

/// How an account became ours.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Origin {
    /// We created it.
    Created,
    /// It was there, and we took it over.
    Adopted,
}

/// Where a linked person stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum LinkState {
    /// In the directory and in scope.
    Present,
    /// A leaver whom we deactivated.
    Left {
        /// When, in seconds since 1970-01-01 UTC.
        since: i64,
    },
}

/// The narrow part of a snapshot row: all that the streaming comparison needs, small enough
/// to hold one per person of a large directory.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Link {
    /// Who.
    pub anchor: SourceId,
    /// The record whose wishes are completely confirmed in the cloud; [`Fingerprint::NONE`]
    /// while anything is still open, so that the next pass looks at the person again.
    pub record: Fingerprint,
    /// The managed attributes as applied, see [`Person::fingerprint`].
    pub applied: Fingerprint,
    /// The licences held when last seen, see [`super::license_digest`].
    pub licenses: u64,
    /// The key of the cloud id.
    pub cloud: Key,
    /// Whether the person is a deactivated leaver.
    pub left: bool,
    /// A human being, or a room.
    pub kind: AccountKind,
}

/// What we gave to a person, and therefore may take away again.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Given {
    /// Licences.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub licenses: BTreeSet<LicenseId>,
    /// Administrator roles.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub roles: BTreeSet<RoleId>,
    /// Licences that no rule gives any more and that are kept for a while: since when, in
    /// seconds since 1970-01-01 UTC.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub fading: BTreeMap<LicenseId, i64>,
    /// A block of log-in that we may have set without learning of it: what looks like
    /// somebody else's block is ours to lift.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub block: bool,
}

/// One whole row of the snapshot.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SnapshotRow {
    /// Who.
    pub anchor: SourceId,
    /// The account.
    pub cloud_id: CloudId,
    /// The DN as last read.
    pub dn: String,
    /// See [`Link::record`].
    pub record: Fingerprint,
    /// What the cloud confirmed, as far as the rules manage it.
    pub applied: Person,
    /// The digest of `applied` at the time of confirmation, see [`Link::applied`];
    /// [`Fingerprint::NONE`] while an interrupted run leaves doubts.
    pub applied_print: Fingerprint,
    /// The digest of the licences held at that time, of those that are observed, whoever
    /// gave them and whether wanted or not, see [`Link::licenses`].
    pub licenses_print: u64,
    /// What of it we gave.
    pub given: Given,
    /// How it became ours.
    pub origin: Origin,
    /// Present or left.
    pub state: LinkState,
    /// When the record must be looked at again although it did not change (an account that
    /// expires), in seconds since 1970-01-01 UTC.
    pub recheck: Option<i64>,
    /// The key of the value that identifies the person in all sources; `None` where the rules
    /// name none, or the record has none.
    pub joined: Option<Key>,
}
