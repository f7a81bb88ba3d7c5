//! Stories of an organization, told in a language that an administrator can read, with what
//! the program says to them kept beside: `worlds/NAME.world` and `worlds/NAME.out`.
//! `worlds/README.md` documents every line of the language. `DIRSYNCD_BLESS=1` writes the
//! answers anew; read the difference before you commit it.

#![allow(clippy::unwrap_used)]

#[path = "worlds/language.rs"]
mod language;
mod support;
#[path = "worlds/tell.rs"]
mod tell;

use std::fs;
use std::path::Path;

/// Longer answers are read by nobody.
const LONGEST: usize = 60;

#[test]
fn every_world_is_as_it_was() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/worlds");
    let bless = std::env::var_os("DIRSYNCD_BLESS").is_some();
    let mut worlds: Vec<_> = fs::read_dir(&folder)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.extension().is_some_and(|extension| extension == "world"))
        .collect();
    worlds.sort();
    assert!(worlds.len() >= 20, "the stories are missing");
    let mut wrong = Vec::new();
    for world in worlds {
        let name = world.file_stem().unwrap().to_string_lossy().into_owned();
        let script = fs::read_to_string(&world).unwrap();
        let said = match language::play(&script) {
            Ok(said) => said,
            Err(error) => {
                wrong.push(format!("{name}.world: {error}"));
                continue;
            }
        };
        if said.lines().count() > LONGEST {
            wrong.push(format!("{name}: {} lines; make two stories of it", said.lines().count()));
        }
        let golden = world.with_extension("out");
        if bless {
            fs::write(&golden, &said).unwrap();
            continue;
        }
        let expected = fs::read_to_string(&golden).unwrap_or_default().replace("\r\n", "\n");
        if expected != said {
            wrong.push(format!("{name}:\n{}", difference(&expected, &said)));
        }
    }
    assert!(wrong.is_empty(), "{}\nDIRSYNCD_BLESS=1 accepts what is said now", wrong.join("\n"));
}

#[test]
fn a_line_that_means_nothing_is_named() {
    for (script, error) in [
        ("sync\nsink", "line 2: no such line: sink"),
        ("directory set alice title=x", "line 1: there is no person \"alice\" in the directory"),
        ("cloud next create answers 418", "line 1: no such answer: 418"),
        ("directory has alice title=\"x", "line 1: a quote is not closed"),
    ] {
        assert_eq!(language::play(script).unwrap_err(), error);
    }
}

/// The first lines that differ.
fn difference(expected: &str, said: &str) -> String {
    let (mut old, mut new) = (expected.lines(), said.lines());
    let mut at = 0;
    loop {
        at += 1;
        match (old.next(), new.next()) {
            (None, None) => return String::new(),
            (a, b) if a == b => {}
            (a, b) => {
                let line = |line: Option<&str>| line.unwrap_or("(the end)").to_owned();
                return format!("  line {at}\n  - {}\n  + {}", line(a), line(b));
            }
        }
    }
}
