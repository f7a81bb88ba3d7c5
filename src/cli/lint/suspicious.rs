//! Values that the cloud would take and that are probably wrong.

use std::collections::BTreeMap;

use crate::model::{Field, Record};

use super::code::Kind;
use super::finding::{Example, Findings};

/// What people enter when they have nothing to enter.
const PLACEHOLDERS: &[&str] = &[
    "test",
    "tests",
    "testing",
    "n/a",
    "na",
    "n.a.",
    "tbd",
    "tba",
    "todo",
    "none",
    "null",
    "nil",
    "unknown",
    "xxx",
    "xx",
    "x",
    "-",
    "--",
    "---",
    ".",
    "..",
    "...",
    "?",
    "??",
    "???",
    "dummy",
    "placeholder",
    "asdf",
    "foo",
    "bar",
    "undefined",
    "(none)",
    "not available",
    "to be defined",
];

/// Longer than this is no name, no title and no number, in characters.
const VERY_LONG: usize = 128;
/// Fewer digits are no phone number, not even an extension.
const DIGITS: usize = 3;

/// Looks at the values of one record as they were read.
pub(super) fn read(record: &Record, findings: &mut Findings) {
    for attribute in &record.attributes {
        for value in attribute.values.iter().filter_map(|value| std::str::from_utf8(value).ok()) {
            let find = |kind: Kind, findings: &mut Findings| {
                findings.add(kind, || Example {
                    dns: vec![record.dn.clone()],
                    value: value.to_owned(),
                    rule: attribute.name.clone(),
                    ..Example::default()
                });
            };
            if value.len() != value.trim().len() && !value.trim().is_empty() {
                find(Kind::Blanks, findings);
            }
            // Line ends and tabs are what addresses are made of.
            if value.chars().any(|c| c.is_control() && !matches!(c, '\n' | '\r' | '\t')) {
                find(Kind::Control, findings);
            }
        }
    }
}

/// Looks at what the rules made of it.
pub(super) fn made(dn: &str, email: &str, profile: &BTreeMap<Field, String>, findings: &mut Findings) {
    let mut find = |kind: Kind, rule: &str, value: &str| {
        findings.add(kind, || Example {
            dns: vec![dn.to_owned()],
            value: value.to_owned(),
            rule: rule.to_owned(),
            ..Example::default()
        });
    };
    if !email.split('@').next().unwrap_or_default().is_ascii() {
        find(Kind::NotAscii, "email", email);
    }
    if email.contains(is_invisible) {
        find(Kind::Invisible, "email", email);
    }
    for (field, value) in profile {
        let name = field.name();
        if PLACEHOLDERS.iter().any(|word| value.eq_ignore_ascii_case(word)) {
            find(Kind::Placeholder, name, value);
        }
        if value.contains(is_invisible) {
            find(Kind::Invisible, name, value);
        }
        if value.chars().count() > VERY_LONG && !name.ends_with("_url") {
            find(Kind::Long, name, value);
        }
        if name.starts_with("phone_") && value.chars().filter(char::is_ascii_digit).count() < DIGITS {
            find(Kind::ShortPhone, name, value);
        }
    }
    let of = |field: Field| profile.get(&field).map_or("", String::as_str);
    let display = of(Field::DisplayName);
    if !display.is_empty() && display.eq_ignore_ascii_case(email) {
        find(Kind::NameIsAddress, Field::DisplayName.name(), display);
    }
    if mixed_up(email, of(Field::GivenName), of(Field::FamilyName)) {
        let names = format!("{} / {} <{email}>", of(Field::GivenName), of(Field::FamilyName));
        find(Kind::MixedUp, "given_name, family_name", &names);
    }
}

/// Whether the address has the names the other way round: `ann.lee@…` for the given name Lee. Only
/// an address of exactly two parts says so.
fn mixed_up(email: &str, given: &str, family: &str) -> bool {
    let local = email.split('@').next().unwrap_or_default();
    let Some((first, last)) = local.split_once(['.', '_']) else { return false };
    !given.is_empty()
        && !given.eq_ignore_ascii_case(family)
        && first.eq_ignore_ascii_case(family)
        && last.eq_ignore_ascii_case(given)
}

/// Characters of no width, and those that turn the direction of writing.
fn is_invisible(c: char) -> bool {
    matches!(
        c,
        '\u{ad}' | '\u{34f}' | '\u{61c}' | '\u{115f}' | '\u{1160}' | '\u{17b4}' | '\u{17b5}'
            | '\u{180b}'..='\u{180e}' | '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}'
            | '\u{2060}'..='\u{2064}' | '\u{2066}'..='\u{206f}' | '\u{3164}' | '\u{feff}' | '\u{ffa0}'
    )
}

/// A value in which everything can be seen.
pub(super) fn visible(value: &str) -> String {
    let mut shown = String::with_capacity(value.len());
    for c in value.chars() {
        match c {
            c if is_invisible(c) || c.is_control() => shown.extend(c.escape_unicode()),
            c => shown.push(c),
        }
    }
    shown
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{Attribute, Key, RecordKind, SourceId};

    fn codes(attributes: &[(&str, &str)], email: &str, profile: &[(Field, &str)]) -> Vec<String> {
        let record = Record {
            anchor: SourceId::new(Key::exact(email).0),
            dn: "cn=x".into(),
            kind: RecordKind::Person,
            disabled: false,
            expires: None,
            attributes: attributes
                .iter()
                .map(|(name, value)| Attribute {
                    name: (*name).into(),
                    values: vec![value.as_bytes().to_vec()],
                })
                .collect(),
        };
        let profile = profile.iter().map(|(field, value)| (*field, (*value).to_owned())).collect();
        let mut findings = Findings::new(9);
        read(&record, &mut findings);
        made(&record.dn, email, &profile, &mut findings);
        findings.iter().map(|(code, _)| code.to_owned()).collect()
    }

    #[test]
    fn what_is_probably_wrong_is_found() {
        let mail = "ann.lee@example.com";
        let long = "word ".repeat(40);
        for (attributes, email, profile, want) in [
            (&[("sn", " Lee")][..], mail, vec![], "blanks_at_ends"),
            (&[("sn", "L\u{7}ee")], mail, vec![], "control_characters"),
            (&[], "jörg@example.com", vec![], "address_not_ascii"),
            (&[], mail, vec![(Field::Title, "TBD")], "placeholder"),
            (&[], mail, vec![(Field::Title, "n/a")], "placeholder"),
            (&[], mail, vec![(Field::Title, "Pi\u{200b}lot")], "invisible_characters"),
            (&[], mail, vec![(Field::Title, long.trim())], "very_long"),
            (&[], mail, vec![(Field::PhoneMobile, "12")], "phone_too_short"),
            (&[], mail, vec![(Field::DisplayName, "Ann.Lee@example.com")], "name_is_address"),
            (&[], mail, vec![(Field::GivenName, "Lee"), (Field::FamilyName, "Ann")], "names_mixed_up"),
        ] {
            assert_eq!(codes(attributes, email, &profile), [want]);
        }
    }

    #[test]
    fn what_is_right_is_not() {
        let right = [
            (Field::GivenName, "Ann"),
            (Field::FamilyName, "Lee"),
            (Field::DisplayName, "Lee, Ann"),
            (Field::Title, "Test Pilot"),
            (Field::PhoneWork, "112"),
            (Field::PostalCode, "10"),
        ];
        let none: [&str; 0] = [];
        assert_eq!(codes(&[("street", "Road 1\r\nGate B")], "ann.lee@example.com", &right), none);
        assert_eq!(codes(&[], "lee.ann@example.com", &[(Field::GivenName, "Ann")]), none);
    }
}
