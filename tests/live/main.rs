//! Tests against real servers, started privately on loopback.

#[path = "../support/mod.rs"]
mod support;

mod fake_ad;
// Switched on with DirSync and uSNChanged.
#[cfg(any())]
mod fake_ad_changes;
mod fixtures;
// Switched on with the screen against endless nesting: without it this ends the process.
#[cfg(any())]
mod hostile;
mod kill;
mod reading;
mod source_fake;
mod source_samba;
mod source_slapd;
mod sync_samba;
