//! The manual keeps its word: every example in `docs/RULES.md` is run, and the tables of
//! `docs/MAPPING.md` are compared with the defaults in force.

use super::*;
use crate::rules::expr::{Condition, Needs, Text};

const RULES: &str = include_str!("../../../docs/RULES.md");
const MAPPING: &str = include_str!("../../../docs/MAPPING.md");

/// The lines of all fenced blocks with this tag.
fn fenced<'a>(page: &'a str, tag: &str) -> Vec<&'a str> {
    let mut inside = false;
    let mut lines = Vec::new();
    for line in page.lines() {
        match line.strip_prefix("```") {
            Some(begin) => inside = !inside && begin == tag,
            None if inside && !line.trim().is_empty() => lines.push(line),
            None => {}
        }
    }
    lines
}

/// The record of the page, and its groups.
fn stated() -> (Record, Vec<&'static str>) {
    let lines: Vec<(&str, String)> = fenced(RULES, "record")
        .into_iter()
        .map(|line| line.split_once(": ").unwrap())
        .map(|(name, value)| (name, value.replace("\\n", "\r\n")))
        .collect();
    let attributes: Vec<(&str, &str)> =
        lines.iter().filter(|(n, _)| !["dn", "group"].contains(n)).map(|(n, v)| (*n, v.as_str())).collect();
    let mut record = person(&attributes);
    record.dn = lines.iter().find(|(name, _)| *name == "dn").unwrap().1.clone();
    let groups =
        fenced(RULES, "record").into_iter().filter_map(|line| line.strip_prefix("group: ")).collect();
    (record, groups)
}

#[test]
fn every_example_of_the_manual_is_true() {
    let (record, member_of) = stated();
    let examples = fenced(RULES, "examples");
    assert!(examples.len() > 60, "only {} examples were found", examples.len());
    let mut called = String::new();
    for line in examples {
        let (source, result) = line.split_once("  =>  ").unwrap_or_else(|| panic!("no result: {line}"));
        let (source, result) = (source.trim(), result.trim());
        called.push_str(source);
        let mut needs = Needs::default();
        if let Some(wanted) = result.strip_prefix('"').and_then(|rest| rest.strip_suffix('"')) {
            let text = Text::compile(source, &mut needs).unwrap_or_else(|e| panic!("{source}: {e:?}"));
            assert_eq!(text.of(&Subject::new(&record, &GroupSet::new())), wanted, "{source}");
            continue;
        }
        let when = who::Who::compile("example", &[], &[], Some(source), &mut needs, &mut Vec::new());
        assert!(
            Condition::compile(source, &mut Needs::default()).is_ok()
                || filter::parse(source, &mut Needs::default()).is_ok(),
            "{source}"
        );
        let names = needs.groups.into_names();
        let groups = (0..names.len())
            .filter(|i| member_of.iter().any(|group| group.eq_ignore_ascii_case(&names[*i])))
            .collect();
        let holds = when.includes(&Subject::new(&record, &groups));
        assert_eq!(holds.to_string(), result, "{source}");
    }
    for function in expr::function_names() {
        assert!(called.contains(&format!("{function}(")), "no example calls {function}");
    }
}

#[test]
fn the_mapping_table_shows_the_mapping() {
    let rows: Vec<Vec<&str>> = MAPPING
        .lines()
        .filter(|line| line.starts_with("| `"))
        .map(|line| line.trim_matches('|').split('|').map(str::trim).collect())
        .filter(|cells: &Vec<&str>| cells.len() == 5)
        .collect();
    let code = |text: &str| format!("`{text}`");
    let mut wanted = vec![(
        code("email"),
        code(defaults::email(Dialect::ActiveDirectory)),
        code(defaults::email(Dialect::InetOrgPerson)),
        Email::MAX.to_string(),
    )];
    for field in Field::ALL {
        let default = |dialect| {
            let found = defaults::mapping(dialect).iter().find(|(known, _)| known == field);
            found.map_or("—".into(), |(_, source)| code(source))
        };
        wanted.push((
            code(field.name()),
            default(Dialect::ActiveDirectory),
            default(Dialect::InetOrgPerson),
            field.max_len().to_string(),
        ));
    }
    let shown: Vec<_> =
        rows.iter().map(|row| (row[0].into(), row[2].into(), row[3].into(), row[4].into())).collect();
    assert_eq!(shown, wanted);
}
