//! Distinguished names: the compared form is its own compared form, and has the same key.

#![no_main]

use dirsyncd::model::{Key, normal_dn};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &str| {
    let normal = normal_dn(data);
    assert_eq!(normal_dn(&normal), normal);
    assert_eq!(Key::dn(&normal), Key::dn(data));
});
