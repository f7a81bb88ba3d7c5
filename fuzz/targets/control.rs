//! Values of response controls: paging, and every other that the source reads.

#![no_main]

use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| dirsyncd::source::ldap::fuzzing::control(data));
