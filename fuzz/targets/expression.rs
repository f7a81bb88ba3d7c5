//! Expressions of the rules, compiled and evaluated.

#![no_main]

use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &str| dirsyncd::rules::fuzzing::expression(data));
