//! The house rules that a compiler does not know, held against every file of the sources.
//!
//! What may know what (docs/ARCHITECTURE.md), what the pure core may touch, where the time is
//! asked and where an operating system is named, how long a file is and what it is called.
//! `house/samples.rs` proves for each rule that it can fail.
//!
//! To change a rule change its table here, with the reason beside it.

#[path = "house/manual.rs"]
mod manual;
#[path = "house/samples.rs"]
mod samples;
#[path = "house/tokens.rs"]
mod tokens;

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use tokens::{Kind, Named, Token};

/// The rooms and what each may know besides itself. `*` is everything.
const ROOMS: &[(&str, &[&str])] = &[
    // The pure core.
    ("model", &[]),
    ("rules", &["model"]),
    ("plan", &["model"]),
    ("guard", &["model", "plan"]),
    // The edges: each knows the words, none knows another. Files that only their owner may
    // read are made differently by each system, and the store makes some.
    // A source believes the times in a directory only near to ours.
    ("source", &["model", "clock"]),
    ("cloud", &["model"]),
    ("store", &["model", "service"]),
    // The shell. The clock stands here: below, the time is an argument.
    ("clock", &[]),
    ("schedule", &["clock"]),
    ("service", &[]),
    // A server of its own. It shares nothing with the client, so that neither hides the
    // other's mistake.
    ("sandbox", &["clock"]),
    ("report", &["model", "plan", "guard", "clock", "service"]),
    ("apply", &["model", "plan", "guard", "cloud", "store", "report", "clock"]),
    ("recover", &["model", "plan", "guard", "cloud", "store", "report", "clock", "apply"]),
    (
        "pass",
        &[
            "model", "rules", "plan", "guard", "source", "cloud", "store", "report", "clock", "apply",
            "recover",
        ],
    ),
    // Turns a file into the settings of the others.
    ("config", &["model", "rules", "plan", "guard", "source", "cloud", "report", "schedule", "service"]),
    ("web", &["model", "report", "store", "clock"]),
    (
        "daemon",
        &[
            "model", "guard", "source", "cloud", "store", "report", "clock", "pass", "config", "schedule",
            "service", "web",
        ],
    ),
    ("cli", &["*"]),
    ("main", &["cli"]),
    ("lib", &[]),
];

/// The rooms without effects, and the crates that each may use besides `std` and serde.
const CORE: &[(&str, &[&str])] = &[
    // Hashing and normal forms are functions of values.
    ("model", &["idna", "xxhash_rust", "unicode_normalization"]),
    // Patterns are matched in linear time, and are functions of values too.
    ("rules", &["unicode_normalization", "regex"]),
    ("plan", &[]),
    ("guard", &[]),
];

/// What of `std` has an effect, or an answer that changes.
const EFFECTS: &[&str] = &[
    "std::env",
    "std::fs",
    "std::io",
    "std::net",
    "std::os",
    "std::process",
    "std::thread",
    "std::time::Instant",
    "std::time::SystemTime",
    "std::time::UNIX_EPOCH",
];

/// Macros with an effect.
const PRINTING: &[&str] = &["print", "println", "eprint", "eprintln", "dbg"];

/// Files outside `service/` that may name an operating system, each with its reason.
const PLATFORM: &[(&str, &str)] = &[(
    "src/source/ldap/wire/system.rs",
    "local sockets and what can be asked of a TCP socket differ; the source knows nothing of services",
)];

/// The words in a `cfg` that name an operating system.
const SYSTEMS: &[&str] = &["windows", "unix", "linux", "macos", "target_os", "target_family", "target_env"];

/// Names for files that say nothing about what is in them.
const EMPTY_NAMES: &[&str] =
    &["utils", "util", "helpers", "helper", "common", "misc", "manager", "managers", "imp", "base"];

/// Past this, a file says in its header why it is long ...
const LONG: usize = 400;
/// ... and past this there is no reason.
const TOO_LONG: usize = 600;
/// The binary parses, loads and dispatches.
const MAIN: usize = 80;

/// Names that make a field of a log line personal or secret.
const PERSONAL: &[&str] = &[
    "email",
    "emails",
    "mail",
    "dn",
    "user_name",
    "display_name",
    "given_name",
    "family_name",
    "phone",
    "password",
    "secret",
    "access_token",
    "refresh_token",
];

/// The macros that write log lines.
const LOGGING: &[&str] =
    &["trace", "debug", "info", "warn", "error", "event", "span", "info_span", "debug_span"];

/// A source file: where it is, and what stands in it.
struct File {
    path: String,
    text: String,
    /// Without what only tests see.
    tokens: Vec<Token>,
    named: Vec<Named>,
    declared: BTreeSet<String>,
}

impl File {
    fn new(path: &str, text: &str) -> Self {
        let (tokens, _) = tokens::without_tests(&tokens::tokens(text));
        let named = tokens::paths(&tokens, &module_of(path));
        let declared = tokens::declared(&tokens).into_iter().collect();
        Self { path: path.into(), text: text.into(), tokens, named, declared }
    }

    /// The top-level module, or `main` or `lib`.
    fn room(&self) -> &str {
        let inside = self.path.strip_prefix("src/").unwrap_or(&self.path);
        inside.split('/').next().unwrap_or(inside).trim_end_matches(".rs")
    }

    fn at(&self, line: usize, what: impl std::fmt::Display) -> String {
        format!("{}:{line}: {what}", self.path)
    }
}

/// The path of a file's module from the root of the crate.
fn module_of(path: &str) -> Vec<String> {
    let inside = path.strip_prefix("src/").unwrap_or(path).trim_end_matches(".rs");
    let mut module: Vec<String> = inside.split('/').map(str::to_owned).collect();
    if module.last().is_some_and(|last| last == "mod" || last == "lib" || last == "main") {
        module.pop();
    }
    module
}

/// Every objection to a tree of files (path and text each), given the crates it depends on.
fn objections(tree: &[(String, String)], crates: &BTreeSet<String>) -> Vec<String> {
    let (built, mut found) = built(tree, &["src/lib.rs".into(), "src/main.rs".into()]);
    let files: Vec<File> = tree
        .iter()
        .filter(|(path, _)| built.contains(path))
        .map(|(path, text)| File::new(path, text))
        .collect();
    for file in &files {
        found.extend(directions(file));
        found.extend(purity(file, crates));
        found.extend(time(file));
        found.extend(platform(file));
        found.extend(shape(file));
        found.extend(logs(file));
    }
    for (path, reason) in PLATFORM {
        // That the file exists is a matter of the real tree.
        let idle = files.iter().any(|f| f.path == *path && names_a_system(f).next().is_none());
        if idle {
            found.push(format!("tests/house.rs: the exception for {path} ({reason}) is not needed"));
        }
    }
    found
}

/// A room knows only what the table allows.
fn directions(file: &File) -> Vec<String> {
    let room = file.room();
    let Some((_, allowed)) = ROOMS.iter().find(|(name, _)| *name == room) else {
        return vec![file.at(1, format!("the room `{room}` is not in the table of tests/house.rs"))];
    };
    let mut found = Vec::new();
    for named in file.named.iter().filter(|n| n.path[0] == "crate") {
        let Some(other) = named.path.get(1) else {
            found.push(file.at(named.line, "the root of the crate is imported: name the room"));
            continue;
        };
        if other == room || allowed.contains(&"*") || allowed.contains(&other.as_str()) {
            continue;
        }
        let text = named.text();
        found.push(if ROOMS.iter().any(|(name, _)| name == other) {
            file.at(named.line, format!("`{room}` may not know `{other}` ({text})"))
        } else {
            file.at(named.line, format!("`{other}` is no room: nothing else stands in lib.rs ({text})"))
        });
    }
    found
}

/// The core computes values from values.
fn purity(file: &File, crates: &BTreeSet<String>) -> Vec<String> {
    let room = file.room();
    let Some((_, allowed)) = CORE.iter().find(|(name, _)| *name == room) else {
        return Vec::new();
    };
    let mut found = Vec::new();
    for named in &file.named {
        let first = named.path[0].as_str();
        if crates.contains(first) && !file.declared.contains(first) {
            if first != "serde" && !allowed.contains(&first) {
                found.push(
                    file.at(named.line, format!("the core room `{room}` may not use the crate {first}")),
                );
            }
            continue;
        }
        let text = named.path.join("::");
        let effect = EFFECTS.iter().find(|effect| {
            let begins = |long: &str, short: &str| long == short || long.starts_with(&format!("{short}::"));
            begins(&text, effect) || (named.glob && begins(effect, &text))
        });
        if let Some(effect) = effect {
            found.push(
                file.at(
                    named.line,
                    format!("the core room `{room}` may not use {effect} ({})", named.text()),
                ),
            );
        }
    }
    for pair in file.tokens.windows(2) {
        if let Some(name) = pair[0].ident()
            && PRINTING.contains(&name)
            && pair[1].punct('!')
        {
            found.push(file.at(pair[0].line, format!("the core room `{room}` may not print ({name}!)")));
        }
    }
    found
}

/// Only `clock.rs` asks the time.
fn time(file: &File) -> Vec<String> {
    if file.path == "src/clock.rs" {
        return Vec::new();
    }
    let asks = |named: &&Named| {
        matches!(named.path.as_slice(), [.., what, now]
            if now == "now" && ["SystemTime", "Utc", "Local"].contains(&what.as_str()))
    };
    let found = file.named.iter().filter(asks);
    found.map(|n| file.at(n.line, format!("only clock.rs asks the time ({})", n.text()))).collect()
}

/// The lines where a file names an operating system.
fn names_a_system(file: &File) -> impl Iterator<Item = usize> {
    let tokens = &file.tokens;
    let in_cfg = tokens.iter().enumerate().filter(|(i, t)| {
        let open = if tokens.get(i + 1).is_some_and(|t| t.punct('!')) { i + 2 } else { i + 1 };
        (t.is("cfg") || t.is("cfg_attr"))
            && tokens.get(open).is_some_and(|t| t.punct('('))
            && tokens[open..tokens::after_group(tokens, open)]
                .iter()
                .any(|t| t.ident().is_some_and(|name| SYSTEMS.contains(&name)))
    });
    let in_path = file.named.iter().filter(|n| n.path.len() > 1 && n.path[0] == "std" && n.path[1] == "os");
    in_cfg.map(|(_, t)| t.line).chain(in_path.map(|n| n.line))
}

/// Operating systems are named in `service/`.
fn platform(file: &File) -> Vec<String> {
    if file.room() == "service" || PLATFORM.iter().any(|(path, _)| *path == file.path) {
        return Vec::new();
    }
    names_a_system(file).map(|line| file.at(line, "an operating system is named outside service/")).collect()
}

/// One idea in a file, said at its head, with a name that says what it is.
fn shape(file: &File) -> Vec<String> {
    let mut found = Vec::new();
    let lines = file.text.lines().count();
    let head: Vec<&str> = file.text.lines().take_while(|line| line.starts_with("//!")).collect();
    if head.is_empty() {
        found.push(file.at(1, "no `//!` comment says why this file exists"));
    }
    let excused = head.iter().any(|line| line.starts_with("//! Long because "));
    if lines > TOO_LONG {
        found.push(file.at(lines, format!("{lines} lines: more than {TOO_LONG}, whatever the reason")));
    } else if lines > LONG && !excused {
        found.push(file.at(
            lines,
            format!("{lines} lines: look for the second idea, or say `//! Long because ...` at the head"),
        ));
    }
    if file.path == "src/main.rs" && lines >= MAIN {
        found.push(file.at(lines, format!("main.rs has {lines} lines, and should have less than {MAIN}")));
    }
    for part in file.path.split('/') {
        let name = part.trim_end_matches(".rs");
        if EMPTY_NAMES.contains(&name) {
            found.push(file.at(1, format!("`{name}` says nothing about what is in it")));
        }
    }
    for token in file.tokens.iter().filter(|t| t.is("dry_run")) {
        found.push(file.at(token.line, "`dry_run`: a pass that may not write is one without a writer"));
    }
    found
}

/// A log line names no person and no secret. What the values say at run time is for
/// `tests/logs.rs` to show; this sees what the code intends.
fn logs(file: &File) -> Vec<String> {
    let mut found = Vec::new();
    for (i, pair) in file.tokens.windows(2).enumerate() {
        let logging = pair[0].ident().is_some_and(|name| LOGGING.contains(&name)) && pair[1].punct('!');
        if !logging {
            continue;
        }
        let end = tokens::after_group(&file.tokens, i + 2);
        for token in &file.tokens[(i + 2).min(end)..end] {
            let inside: Vec<&str> = match &token.kind {
                Kind::Ident(name) => vec![name],
                // Values named in the message itself: "{email}".
                Kind::Text(text) => {
                    text.split('{').skip(1).map(|rest| rest.split(['}', ':']).next().unwrap_or("")).collect()
                }
                _ => continue,
            };
            for name in inside.into_iter().filter(|name| PERSONAL.contains(name)) {
                found.push(
                    file.at(token.line, format!("a log line with `{name}`: use ids, counts and codes")),
                );
            }
        }
    }
    found
}

/// The files that belong to the crates with these roots, without those that only tests see,
/// and objections to files that belong to nothing.
fn built(tree: &[(String, String)], roots: &[String]) -> (BTreeSet<String>, Vec<String>) {
    let texts: BTreeMap<&str, &str> = tree.iter().map(|(p, t)| (p.as_str(), t.as_str())).collect();
    let mut reached = BTreeSet::new();
    let mut for_tests = BTreeSet::new();
    let mut open: Vec<(String, bool)> =
        roots.iter().filter(|r| texts.contains_key(r.as_str())).map(|r| (r.clone(), false)).collect();
    while let Some((path, test)) = open.pop() {
        let Some(text) = texts.get(path.as_str()) else { continue };
        let new = if test { for_tests.insert(path.clone()) } else { reached.insert(path.clone()) };
        if !new {
            continue;
        }
        let tokens = tokens::tokens(text);
        let (_, only_tests) = tokens::without_tests(&tokens);
        for (name, moved) in modules(&tokens) {
            let test = test || only_tests.contains(&name);
            open.extend(places(&path, roots, &name, moved).into_iter().map(|place| (place, test)));
        }
    }
    let lost = tree.iter().map(|(path, _)| path).filter(|p| !reached.contains(*p) && !for_tests.contains(*p));
    let lost = lost.map(|p| format!("{p}:1: no module declares this file: it is not compiled")).collect();
    (reached, lost)
}

/// The modules declared `mod name;`, with the file that `#[path]` moves them to.
fn modules(tokens: &[Token]) -> Vec<(String, Option<String>)> {
    let mut found = Vec::new();
    for (i, words) in tokens.windows(3).enumerate() {
        let Some(name) = words[1].ident() else { continue };
        if !words[0].is("mod") || !words[2].punct(';') {
            continue;
        }
        let moved = match i.checked_sub(5).map(|at| &tokens[at..i]) {
            Some([open, path, _, text, _]) if open.punct('[') && path.is("path") => match &text.kind {
                Kind::Text(text) => Some(text.clone()),
                _ => None,
            },
            _ => None,
        };
        found.push((name.to_owned(), moved));
    }
    found
}

/// Where the module `name` of the file `path` may stand.
fn places(path: &str, roots: &[String], name: &str, moved: Option<String>) -> Vec<String> {
    let (folder, file) = path.rsplit_once('/').unwrap_or(("", path));
    if let Some(moved) = moved {
        let mut parts: Vec<&str> = folder.split('/').collect();
        for part in moved.split('/') {
            match part {
                "." => {}
                ".." => drop(parts.pop()),
                part => parts.push(part),
            }
        }
        return vec![parts.join("/")];
    }
    let folder = if file == "mod.rs" || roots.iter().any(|root| root == path) {
        folder.to_owned()
    } else {
        format!("{folder}/{}", file.trim_end_matches(".rs"))
    };
    vec![format!("{folder}/{name}.rs"), format!("{folder}/{name}/mod.rs")]
}

/// A test that is switched off checks nothing.
fn ignored(path: &str, text: &str) -> Vec<String> {
    let tokens = tokens::tokens(text);
    let marks = tokens.windows(3).filter(|w| w[0].punct('#') && w[1].punct('[') && w[2].is("ignore"));
    marks.map(|w| format!("{path}:{}: an ignored test checks nothing", w[0].line)).collect()
}

// --- This repository --------------------------------------------------------------------------

fn top() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// All Rust files under a folder, with their paths from the top.
fn read(folder: &str) -> Vec<(String, String)> {
    let mut found = Vec::new();
    let mut open = vec![top().join(folder)];
    while let Some(folder) = open.pop() {
        for entry in std::fs::read_dir(&folder).expect("a folder of the repository") {
            let path = entry.expect("an entry").path();
            if path.is_dir() {
                open.push(path);
            } else if path.extension().is_some_and(|end| end == "rs") {
                let name =
                    path.strip_prefix(top()).expect("under the top").to_string_lossy().replace('\\', "/");
                found.push((name, std::fs::read_to_string(&path).expect("a readable file")));
            }
        }
    }
    found.sort();
    found
}

fn manifest() -> toml::Table {
    let text = std::fs::read_to_string(top().join("Cargo.toml")).expect("a manifest");
    text.parse().expect("a valid manifest")
}

/// The names by which the sources know the crates that they depend on.
fn dependencies(manifest: &toml::Table) -> BTreeSet<String> {
    let targets = manifest.get("target").and_then(toml::Value::as_table);
    let tables = targets.into_iter().flat_map(|t| t.values().filter_map(toml::Value::as_table));
    std::iter::once(manifest)
        .chain(tables)
        .filter_map(|table| table.get("dependencies")?.as_table())
        .flat_map(|table| table.keys().map(|name| name.replace('-', "_")))
        .collect()
}

/// The roots of the test binaries: those that Cargo finds, and those that the manifest names.
fn test_roots(manifest: &toml::Table, tree: &[(String, String)]) -> Vec<String> {
    let named = manifest.get("test").and_then(toml::Value::as_array).into_iter().flatten();
    let named = named.filter_map(|test| Some(test.get("path")?.as_str()?.to_owned()));
    let found = tree.iter().map(|(path, _)| path).filter(|path| {
        let parts: Vec<&str> = path.split('/').collect();
        parts.len() == 2 || (parts.len() == 3 && parts[2] == "main.rs")
    });
    named.chain(found.cloned()).collect()
}

#[test]
fn the_sources_keep_the_house_rules() {
    let crates = dependencies(&manifest());
    assert!(crates.contains("tokio") && crates.contains("signal_hook"), "{crates:?}");
    let tree = read("src");
    assert!(tree.len() > 20, "only {} files found", tree.len());
    for (path, _) in PLATFORM {
        assert!(tree.iter().any(|(there, _)| there == path), "the exception for {path} is for no file");
    }
    let found = objections(&tree, &crates);
    assert!(found.is_empty(), "{} objections:\n{}", found.len(), found.join("\n"));
}

#[test]
fn every_test_file_is_run() {
    let tree = read("tests");
    let roots = test_roots(&manifest(), &tree);
    assert!(roots.iter().any(|root| root == "tests/house.rs"), "{roots:?}");
    let (_, mut found) = built(&tree, &roots);
    for (path, text) in read("src").iter().chain(&tree) {
        found.extend(ignored(path, text));
    }
    assert!(found.is_empty(), "{} objections:\n{}", found.len(), found.join("\n"));
}
