//! Messages of a synchronization between entries.

#![no_main]

use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| dirsyncd::source::ldap::fuzzing::message(data));
