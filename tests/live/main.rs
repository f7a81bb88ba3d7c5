//! Tests against real servers, started privately on loopback.

#[path = "../support/mod.rs"]
mod support;

mod check;
mod fixtures;
mod kill;
mod reading;
mod source_fake;
mod source_samba;
mod source_slapd;
mod sync_samba;
