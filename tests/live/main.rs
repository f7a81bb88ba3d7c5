//! Tests against real servers, started privately on loopback.

#[path = "../support/mod.rs"]
mod support;

mod connections;
mod fixtures;
#[cfg(feature = "gssapi")]
mod kerberos;
mod kill;
mod reading;
mod source_fake;
mod source_samba;
mod source_slapd;
mod sync_samba;
