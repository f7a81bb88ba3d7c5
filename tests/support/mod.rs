//! What tests need around the program.
//!
//! Real: directory servers, started privately on loopback and stopped when dropped, and the
//! binary with a configuration of its own. Their interface is blocking (`std::process`); it can
//! be called from asynchronous tests, where the short waits do no harm.
//!
//! In memory: a directory and a cloud that do on demand what real ones do at the worst moment,
//! and an organization that runs passes between them.

#![allow(dead_code, reason = "every test binary includes this module and uses its part of it")]

pub(crate) mod certs;
pub(crate) mod connector;
pub(crate) mod ds389;
pub(crate) mod fake_ad;
pub(crate) mod fake_cloud;
pub(crate) mod fake_dns;
pub(crate) mod fake_ldap;
pub(crate) mod fake_source;
pub(crate) mod org;
pub(crate) mod process;
pub(crate) mod random;
pub(crate) mod samba;
pub(crate) mod slapd;
