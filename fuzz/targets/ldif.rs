//! LDIF files.

#![no_main]

use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| dirsyncd::source::ldif::fuzzing::file(data));
