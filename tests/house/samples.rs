//! Small trees that break one rule each: a check that cannot fail proves nothing.

use std::collections::BTreeSet;

use super::{built, ignored, objections};

fn crates() -> BTreeSet<String> {
    ["serde", "serde_json", "tokio", "xxhash_rust", "chrono"].map(str::to_owned).into()
}

/// The objections to one file, in a crate that declares it.
fn judge(path: &str, text: &str) -> Vec<String> {
    let text = format!("//! A sample.\n{text}");
    let mut tree = vec![(path.to_owned(), text)];
    // Declare the way from the root down to the file.
    let inside = path.strip_prefix("src/").unwrap_or(path).trim_end_matches(".rs");
    let parts: Vec<&str> = inside.split('/').filter(|part| *part != "mod").collect();
    let mut parent = "src/lib.rs".to_owned();
    for depth in 0..parts.len() {
        if parent != path && path != "src/main.rs" {
            tree.push((parent.clone(), format!("//! Root.\nmod {};", parts[depth])));
        }
        parent = format!("src/{}/mod.rs", parts[..=depth].join("/"));
    }
    objections(&tree, &crates())
}

#[test]
fn breaking_a_rule_is_seen() {
    for (path, text, expected) in [
        // Directions, in every way to write a path.
        ("src/model/a.rs", "use crate::plan::Plan;", "`model` may not know `plan`"),
        ("src/model/a.rs", "use super::super::plan::Plan;", "`model` may not know `plan`"),
        ("src/model/mod.rs", "use super::rules;", "`model` may not know `rules`"),
        (
            "src/rules/a/b.rs",
            "use crate::{model::{Person, Role}, store::{self, Row}};",
            "`rules` may not know `store`",
        ),
        ("src/plan/a.rs", "fn f() -> crate::cloud::Error { g() }", "`plan` may not know `cloud`"),
        (
            "src/cloud/a.rs",
            "fn f<'a>(x: &'a str) { crate::source::read::<u8>(x) }",
            "`cloud` may not know `source`",
        ),
        ("src/source/a.rs", "pub(crate) use crate::cloud::*;", "`source` may not know `cloud`"),
        (
            "src/store/a.rs",
            "impl crate::model::A for <u8 as crate::guard::B>::C {}",
            "`store` may not know `guard`",
        ),
        ("src/sandbox/a.rs", "use crate::cloud as c; fn f() { c::x() }", "`sandbox` may not know `cloud`"),
        ("src/guard.rs", "mod inner { use super::super::apply::X; }", "`guard` may not know `apply`"),
        ("src/guard.rs", "macro_rules! m { () => { $crate::apply::run() } }", "`guard` may not know `apply`"),
        ("src/main.rs", "fn main() { dirsyncd::pass::look(); }", "`main` may not know `pass`"),
        ("src/model/a.rs", "use crate::Everything;", "`Everything` is no room"),
        ("src/cloud/a.rs", "use crate::*;", "the root of the crate is imported"),
        ("src/attic/mod.rs", "", "the room `attic` is not in the table"),
        // Purity.
        ("src/rules/a.rs", "use tokio::sync::mpsc;", "may not use the crate tokio"),
        ("src/plan/a.rs", "fn f() { let v = serde_json::json!({}); }", "may not use the crate serde_json"),
        ("src/plan/a.rs", "use ::chrono::Utc;", "may not use the crate chrono"),
        ("src/plan/a.rs", "use xxhash_rust::xxh3::Xxh3;", "may not use the crate xxhash_rust"),
        ("src/model/a.rs", "use std::{fmt, fs::File};", "may not use std::fs"),
        ("src/model/a.rs", "fn f() { std::env::var(\"X\"); }", "may not use std::env"),
        (
            "src/model/a.rs",
            "use std::time; fn f() { time::Instant::now(); }",
            "may not use std::time::Instant",
        ),
        ("src/model/a.rs", "use std::time::*;", "may not use std::time::Instant"),
        ("src/model/a.rs", "use std::*;", "may not use std::env"),
        ("src/guard.rs", "fn f() { println!(\"held\"); }", "may not print (println!)"),
        // Time.
        ("src/cloud/a.rs", "fn f() { std::time::SystemTime::now(); }", "only clock.rs asks the time"),
        ("src/store/a.rs", "use chrono::Utc as U; fn f() { U::now(); }", "only clock.rs asks the time"),
        // Operating systems.
        ("src/store/a.rs", "#[cfg(windows)] fn f() {}", "an operating system is named"),
        ("src/cli/a.rs", "fn f() { if cfg!(target_os = \"linux\") {} }", "an operating system is named"),
        ("src/cli/a.rs", "#[cfg(all(feature = \"x\", unix))] fn f() {}", "an operating system is named"),
        ("src/cli/a.rs", "use std::os::unix::fs::PermissionsExt;", "an operating system is named"),
        // Names.
        ("src/cloud/utils.rs", "", "`utils` says nothing"),
        ("src/cloud/common/mod.rs", "", "`common` says nothing"),
        ("src/pass.rs", "fn pass(dry_run: bool) {}", "`dry_run`"),
        // Logs.
        (
            "src/cloud/a.rs",
            "fn f() { tracing::warn!(dn = %record.dn, \"withheld\"); }",
            "a log line with `dn`",
        ),
        ("src/cloud/a.rs", "fn f() { info!(\"created {email}\"); }", "a log line with `email`"),
        ("src/cloud/a.rs", "fn f() { debug!(\"{}\", settings.password); }", "a log line with `password`"),
    ] {
        let found = judge(path, text);
        assert!(
            found.iter().any(|objection| objection.contains(expected)),
            "{path}: {text}\nexpected: {expected}\nfound: {found:#?}"
        );
    }
}

#[test]
fn keeping_the_rules_is_left_alone() {
    for (path, text) in [
        ("src/rules/a.rs", "use crate::model::{self, Person}; use super::b; use self::c::D;"),
        ("src/model/a.rs", "// use crate::plan::X;\n/* crate::plan /* nested */ tokio::x */\nfn f() {}"),
        (
            "src/model/a.rs",
            r##"const A: &str = "crate::plan::X"; const B: &str = r#"" std::fs "#; const C: char = '"';"##,
        ),
        ("src/model/a.rs", "fn f<'a>(x: &'a str) -> char { let c = '\\''; c } // std::env::var"),
        (
            "src/model/a.rs",
            "#[cfg(test)]\nmod tests { use crate::plan::X; fn f() { std::fs::read(\"x\"); } }\nfn g() {}",
        ),
        (
            "src/model/a.rs",
            "#[cfg(test)]\nuse crate::plan::{X, Y};\n#[cfg(test)]\n#[derive(Debug)]\nstruct S { x: tokio::X }",
        ),
        (
            "src/model/a.rs",
            "use std::time::Duration; use std::fmt; use xxhash_rust::xxh3::Xxh3; use serde::Serialize;",
        ),
        ("src/guard.rs", "use crate::model::Action; use crate::plan::Plan;"),
        ("src/service/mod.rs", "#[cfg(unix)] use std::os::fd::AsFd;"),
        ("src/store/a.rs", "#[cfg(feature = \"unix\")] fn f() {}"),
        ("src/clock.rs", "use chrono::Utc; fn now() { Utc::now(); }"),
        ("src/cloud/a.rs", "use std::time::Instant; fn f() { tokio::spawn(x); Instant::now(); }"),
        ("src/cloud/a.rs", "fn f() { tracing::warn!(anchor = %id, code, \"withheld\"); let email = 1; }"),
        ("src/cloud/a.rs", "fn f() { error!(\"{count} of {total:?} left\", count = 1); }"),
        ("src/main.rs", "fn main() { dirsyncd::cli::main() }"),
        ("src/cli/a.rs", "use crate::{pass, store, sandbox};"),
    ] {
        let found = judge(path, text);
        assert!(found.is_empty(), "{path}: {text}\nfound: {found:#?}");
    }
}

#[test]
fn length_needs_a_reason_and_has_an_end() {
    let lines = |n: usize| "//\n".repeat(n);
    assert!(judge("src/cli/a.rs", &lines(399)).is_empty());
    assert!(judge("src/cli/a.rs", &lines(400))[0].contains("look for the second idea"));
    assert!(judge("src/cli/a.rs", &format!("//! Long because it is one table.\n{}", lines(400))).is_empty());
    assert!(
        judge("src/cli/a.rs", &format!("//! Long because it is.\n{}", lines(700)))[0]
            .contains("more than 600")
    );
    assert!(judge("src/main.rs", &lines(80))[0].contains("less than 80"));
}

#[test]
fn a_file_without_a_head_is_seen() {
    let tree = [("src/lib.rs".to_owned(), "use std::fmt;".to_owned())];
    assert!(objections(&tree, &crates())[0].contains("no `//!` comment"));
}

#[test]
fn a_file_that_nothing_declares_is_seen() {
    let file = |path: &str, text: &str| (path.to_owned(), text.to_owned());
    let roots = ["tests/live/main.rs".to_owned(), "tests/worlds.rs".to_owned()];
    let tree = [
        file("tests/live/main.rs", "mod samba; #[path = \"../support/mod.rs\"] mod support;"),
        file("tests/live/samba.rs", "mod edits;"),
        file("tests/live/samba/edits.rs", ""),
        file("tests/live/slapd.rs", "// mod slapd; is what main.rs forgot"),
        file("tests/support/mod.rs", "mod dc;"),
        file("tests/support/dc.rs", ""),
        file("tests/worlds.rs", ""),
    ];
    let (_, lost) = built(&tree, &roots);
    assert_eq!(lost, ["tests/live/slapd.rs:1: no module declares this file: it is not compiled"]);
}

#[test]
fn what_only_tests_see_is_not_judged() {
    let file = |path: &str, text: &str| (path.to_owned(), text.to_owned());
    let tree = [
        file("src/lib.rs", "//! Root.\nmod model;"),
        file("src/model/mod.rs", "//! A sample.\n#[cfg(test)]\nmod tests;\nmod a;"),
        file("src/model/a.rs", "//! A sample."),
        file("src/model/tests.rs", "use crate::plan::X; fn f() { std::fs::read(\"x\"); }"),
    ];
    assert_eq!(objections(&tree, &crates()), Vec::<String>::new());
}

#[test]
fn an_ignored_test_is_seen() {
    assert_eq!(ignored("x.rs", "#[test]\n#[ignore = \"slow\"]\nfn f() {}").len(), 1);
    assert_eq!(ignored("x.rs", "#[test]\nfn ignore() {} // #[ignore]").len(), 0);
}
