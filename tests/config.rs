//! The configuration as an administrator meets it: the shipped files, the schema, and what is
//! said about mistakes.

use std::path::Path;

use dirsyncd::config::{Config, Overrides};

fn offline() -> Overrides {
    Overrides { state_dir: None, offline: true }
}

fn shipped(name: &str) -> std::path::PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("config").join(name)
}

#[test]
fn the_shipped_files_are_valid() {
    for name in ["dirsyncd.toml", "minimal.toml"] {
        if let Err(errors) = Config::load(&shipped(name), &offline()) {
            panic!("{errors}");
        }
    }
}
