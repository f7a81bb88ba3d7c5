//! Real directory servers for tests: started privately on loopback, stopped when dropped.
//!
//! The interface is blocking (`std::process`); it can be called from asynchronous tests,
//! where the short waits do no harm.

#![allow(dead_code, reason = "every test binary includes this module and uses its part of it")]

pub(crate) mod certs;
pub(crate) mod connector;
pub(crate) mod fake_ldap;
pub(crate) mod process;
pub(crate) mod samba;
pub(crate) mod slapd;
