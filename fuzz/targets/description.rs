//! Attribute descriptions with options, such as `member;range=0-1499`.

#![no_main]

use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &str| dirsyncd::source::ldap::fuzzing::description(data));
