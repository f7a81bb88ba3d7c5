//! Search result entries, from the bytes on the wire to the record.

#![no_main]

use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| dirsyncd::source::ldap::fuzzing::entry(data));
