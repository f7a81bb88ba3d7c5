//! The manuals leave nothing out. Of the mapping: every field of the user model that administrators come from
//! has its row, every word that the program knows stands in one, and the tests that the rows name exist. Of
//! the operations: every code that a pass gives has its row.

use std::collections::BTreeSet;

use dirsyncd::cloud::webex::{SERVICES, service_key};
use dirsyncd::model::{CALLING_BEHAVIORS, Field};

const MANUAL: &str = include_str!("../../docs/MAPPING.md");
const OPERATIONS: &str = include_str!("../../docs/OPERATIONS.md");

/// The user model of VOSS (relation/SparkUser).
const MODEL: &[&str] = &[
    "id",
    "firstName",
    "lastName",
    "email",
    "phoneNumbers",
    "extension",
    "line",
    "status",
    "invitePending",
    "loginEnabled",
    "services.message.messaging",
    "services.meeting.meeting",
    "services.meeting.webex_enterprise_200",
    "services.calling.calling_basic",
    "services.calling.calling_standard_enterprise",
    "services.calling.calling_common_area",
    "services.hybrid_calendar_services.microsoft_exchange",
    "services.hybrid_calendar_services.google",
    "services.hybrid_call_services.aware",
    "services.hybrid_call_services.connect",
    "services.hybrid_message_services.message",
    "services.care.care_digital_channel_service",
    "services.care.care_voice_service",
    "roles.none",
    "roles.full",
    "roles.readonly",
    "roles.support",
    "roles.user_device",
    "roles.device",
    "settings.calling",
    "settings.message",
    "SparkServices",
];

/// The cells of the rows of a section.
fn rows(title: &str) -> Vec<Vec<&'static str>> {
    let (_, rest) = MANUAL.split_once(title).unwrap_or_else(|| panic!("the section {title}"));
    let section = rest.split_once("\n## ").map_or(rest, |(section, _)| section);
    let rows = section.lines().filter(|line| line.starts_with("| ") && !line.starts_with("|---"));
    rows.map(|line| line.trim_matches('|').split('|').map(str::trim).collect()).skip(1).collect()
}

/// The words in code style.
fn words(cell: &str) -> impl Iterator<Item = &str> {
    cell.split('`').skip(1).step_by(2)
}

#[test]
fn each_field_of_the_user_model_has_its_row() {
    let rows = rows("## The user model of VOSS");
    let shown: BTreeSet<&str> = rows.iter().flat_map(|row| words(row[0])).collect();
    assert_eq!(shown, MODEL.iter().copied().collect());
    let here: BTreeSet<&str> = rows.iter().flat_map(|row| words(row[1])).collect();
    for row in rows.iter().filter(|row| row[0].starts_with("`services.")) {
        let word = words(row[1]).next().unwrap_or_default();
        assert!(service_key(word).is_some(), "{word} is a word of ours");
        assert_eq!(words(row[0]).next(), Some(format!("services.{word}").as_str()));
    }
    let roles: BTreeSet<&str> = dirsyncd::rules::role_words().collect();
    let named = rows.iter().filter(|row| row[0].starts_with("`roles.") || row[0] == "beside VOSS");
    let named: BTreeSet<&str> =
        named.flat_map(|row| words(row[1])).filter(|word| !word.starts_with("[[")).collect();
    assert_eq!(named, roles, "every role has its row");
    for word in CALLING_BEHAVIORS.into_iter().chain(Field::SETTINGS.map(Field::name)) {
        assert!(here.contains(word), "{word}");
    }
}

#[test]
fn each_word_of_the_program_is_in_its_table() {
    let listed: BTreeSet<&str> = rows("\n## Services").iter().flat_map(|row| words(row[0])).collect();
    assert_eq!(listed, SERVICES.iter().map(|service| service.key).collect());
    let behaviors = rows("\n## Calling behaviour");
    let listed: Vec<&str> = behaviors.iter().flat_map(|row| words(row[0])).collect();
    assert_eq!(listed, CALLING_BEHAVIORS);
}

#[test]
fn each_test_that_the_manual_names_exists() {
    let tests: String = std::fs::read_dir("tests/live")
        .expect("the live tests")
        .map(|entry| entry.expect("an entry").path())
        .filter(|path| path.is_file())
        .map(|path| std::fs::read_to_string(path).expect("a text"))
        .collect();
    let rows = rows("## The user model of VOSS");
    let proofs: Vec<&str> = rows.iter().flat_map(|row| words(row[2])).collect();
    assert!(proofs.len() > 25);
    for proof in proofs {
        assert!(tests.contains(&format!("fn {proof}(")), "{proof}");
    }
    // What has no test has a reason.
    for row in rows.iter().filter(|row| row[2] == "—") {
        assert!(row[1].starts_with("Not mapped: "), "{}", row[0]);
    }
}

/// The texts in double quotes that have the form of a code.
fn codes(text: &str) -> impl Iterator<Item = &str> {
    let is_code = |word: &&str| {
        word.contains('_')
            && word.bytes().all(|b| b.is_ascii_lowercase() || b == b'_')
            && !word.ends_with('_')
    };
    text.split('"').skip(1).step_by(2).filter(is_code)
}

/// The codes of a file: what stands behind `code:`, itself or as the name of a constant, and the arms that
/// turn a kind of trouble into one.
fn codes_of(path: &str, text: &str) -> BTreeSet<String> {
    let text = text.split("#[cfg(test)]").next().unwrap_or_default();
    // Here a code stands beside the person whom it is about.
    let all = ["pass/contest.rs", "pass/moved.rs"].iter().any(|file| path.ends_with(file));
    let lines = text.lines().filter(|line| {
        let line = line.trim_start();
        let arm = path.contains("/apply/") && line.starts_with("CloudErrorKind::");
        let constant = line.contains("const ") && line.contains(": &str = \"");
        let names_one = ["CODE", "NOT_FREE_YET", "WITHHELD"].iter().any(|name| line.contains(name));
        !line.starts_with("//") && (all || arm || line.contains("code: \"") || (constant && names_one))
    });
    lines.flat_map(codes).map(str::to_owned).collect()
}

fn sources_below(dir: &str, found: &mut Vec<(String, String)>) {
    for entry in std::fs::read_dir(dir).expect("a directory") {
        let path = entry.expect("an entry").path();
        let name = path.display().to_string().replace('\\', "/");
        if path.is_dir() {
            sources_below(&name, found);
        } else if name.ends_with(".rs") && !name.contains("/tests") {
            found.push((name, std::fs::read_to_string(&path).expect("a text")));
        }
    }
}

#[test]
fn each_code_of_a_pass_is_in_the_manual() {
    let mut sources = Vec::new();
    for dir in ["src/model", "src/rules", "src/plan", "src/guard", "src/pass", "src/apply"] {
        sources_below(dir, &mut sources);
    }
    let given: BTreeSet<String> = sources.iter().flat_map(|(path, text)| codes_of(path, text)).collect();
    for known in ["kind_change", "contact_missing", "address_of_alias", "alias_not_free_yet", "cloud_refused"]
    {
        assert!(given.contains(known), "{known} is found");
    }
    let rows = OPERATIONS.lines().filter(|line| line.starts_with('|'));
    let explained: BTreeSet<&str> =
        rows.flat_map(|row| words(row.split('|').nth(1).unwrap_or_default())).collect();
    let missing: Vec<&String> = given.iter().filter(|code| !explained.contains(code.as_str())).collect();
    assert!(missing.is_empty(), "docs/OPERATIONS.md does not say what to do about {missing:?}");
}
