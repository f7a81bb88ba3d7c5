//! Filters of the rules, compiled and evaluated, and those for the server.

#![no_main]

use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &str| {
    dirsyncd::rules::fuzzing::filter(data);
    dirsyncd::source::ldap::fuzzing::filter(data);
});
