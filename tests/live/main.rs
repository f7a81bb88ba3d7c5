//! Tests against real servers, started privately on loopback.

#[path = "../support/mod.rs"]
mod support;

mod attributes;
mod calling_behavior;
mod changes_389;
mod changes_ad;
mod changes_ad_fake;
mod changes_slapd;
mod changes_time;
mod check;
mod company;
mod connections;
mod explain;
mod fake_ad;
mod fake_ad_changes;
mod fixtures;
mod following;
mod groups;
mod hostile;
mod invented;
#[cfg(feature = "gssapi")]
mod kerberos;
mod kill;
mod reading;
mod rooms_contacts;
mod services;
mod source_fake;
mod source_lookup;
mod source_samba;
mod source_slapd;
mod sync_samba;
mod sync_unusable;
mod telling;
mod within_seconds;
