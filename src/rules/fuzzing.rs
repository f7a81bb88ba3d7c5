//! Doors for fuzzers: any text, given to the parsers of filters and expressions.
//!
//! What compiles is also evaluated, on a record with awkward values. Compiled for fuzzers only;
//! the property tests of the rules have their own way in.

use crate::model::{Attribute, Record, RecordKind, SourceId};

use super::GroupSet;
use super::expr::{Condition, Needs, Text};
use super::filter;
use super::subject::{MAX_TEXT, Subject};

/// A filter (RFC 4515) of a rule.
pub fn filter(text: &str) {
    let mut needs = Needs::default();
    if let Ok(filter) = filter::parse(text, &mut needs) {
        assert!(needs.attributes.iter().all(|name| *name == name.to_ascii_lowercase()));
        filter.matches(&Subject::new(&record(), &GroupSet::new()));
    }
}

/// An expression of a rule: as a text, and as a condition.
pub fn expression(text: &str) {
    let (record, groups) = (record(), GroupSet::new());
    let subject = Subject::new(&record, &groups);
    if let Ok(text) = Text::compile(text, &mut Needs::default()) {
        assert!(text.of(&subject).len() <= MAX_TEXT, "a text longer than the bound");
    }
    if let Ok(condition) = Condition::compile(text, &mut Needs::default()) {
        condition.of(&subject);
    }
}

/// Text in several scripts, blanks, numbers, bytes that are no text, and a long value.
fn record() -> Record {
    let attribute = |name: &str, values: &[&[u8]]| Attribute {
        name: name.into(),
        values: values.iter().map(|value| value.to_vec()).collect(),
    };
    Record {
        anchor: SourceId::new([7; 16]),
        dn: r"CN=Lee\, Ann,OU=Sales,DC=example,DC=test".into(),
        kind: RecordKind::Person,
        disabled: false,
        expires: None,
        attributes: vec![
            attribute("mail", &[b"Ann.Lee@example.test"]),
            attribute("cn", &["Änne Straße İΑΣ".as_bytes()]),
            attribute("sn", &[b" \t "]),
            attribute("title", &["e\u{301}\u{200d}😀".repeat(900).as_bytes()]),
            attribute("uac", &[b"512", b"-9223372036854775808", b"x"]),
            attribute("bin", &[&[0xff, 0xfe, 0]]),
        ],
    }
}
