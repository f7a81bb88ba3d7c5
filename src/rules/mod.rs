//! From a record to what the cloud should hold: scope, mapping, validity, entitlements, roles.
//!
//! Pure: the same record, memberships and time give the same verdict.

mod spec;

pub use spec::{Dialect, EntitlementSpec, RoleSpec, ScopeSpec, Spec};
