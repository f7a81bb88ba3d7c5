//! The nouns of the whole program, and nothing that acts.
//!
//! Every other module speaks in these types. They hold no I/O, no clock and no
//! policy, so that the core can be tested as a function of values.

mod account;
mod action;
mod address;
mod bond;
mod census;
mod change;
mod email;
mod field;
mod fingerprint;
mod group;
mod ids;
mod license;
mod person;
mod record;
mod redacted;
mod role;
mod scope;
mod snapshot;
mod standing;
mod telephone;
mod wanted;
mod who;

pub use account::Account;
pub use action::{Action, Attr, Cause, Change, Kind};
pub use address::{address_key, is_domain};
pub use bond::{Bond, Need};
pub use census::{Ask, Census, Completeness, Portion, Unusable};
pub use change::{Changes, Container, Cursor, Found, Hint, Hinted, Lookup, MANY, Method, Watched};
pub use email::{Email, EmailError};
pub use field::{ADDRESSES, Field, FieldSet};
pub use fingerprint::{Fingerprint, Hasher, Key, is_under, normal_dn};
pub use group::{CloudGroup, GROUP_ATTRIBUTES, GROUP_NAME_MAX, GroupLink, MEMBERS_PER_CALL};
pub use ids::{CloudId, LicenseId, RoleId, SourceId, SourceIdError};
pub use license::{Catalogue, License, LicenseKind};
pub use person::{Managed, Person, Profile, license_digest};
pub use record::{Attribute, Record, RecordKind};
pub use redacted::Redacted;
pub use role::Role;
pub use scope::{Bounds, ScopeSpec, Sight};
pub use snapshot::{Given, Link, LinkState, Origin, SnapshotRow};
pub use standing::{Rank, Standing, Unserved};
pub use telephone::{InUse, Line, Place, Telephone};
pub use wanted::{Ungiven, VALUE_WITHHELD, Verdict, Wanted, Withheld};
pub use who::Who;
