//! DNs with the ids of their objects in front.

#![no_main]

use libfuzzer_sys::fuzz_target;

fuzz_target!(|text: &str| dirsyncd::source::ldap::fuzzing::extended_dn(text));
