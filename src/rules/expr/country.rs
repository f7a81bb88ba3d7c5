//! Whatever a directory holds of a country (its code, its number, its name) as the code of two
//! letters.

use super::country_table::{COUNTRIES, OTHER_NAMES};
use super::letters;

/// The two letters of a country (ISO 3166-1 alpha-2); `None` when the text is no country.
pub(super) fn code(text: &str) -> Option<&'static str> {
    let text = text.trim();
    if !text.is_empty() && text.len() <= 3 && text.bytes().all(|b| b.is_ascii_digit()) {
        let number: u16 = text.parse().ok()?;
        return COUNTRIES.iter().find(|(_, _, known, _)| *known == number).map(|(code, ..)| *code);
    }
    let by_code = |(two, three, ..): &&(&str, &str, u16, &str)| match text.len() {
        2 => two.eq_ignore_ascii_case(text),
        3 => three.eq_ignore_ascii_case(text),
        _ => false,
    };
    if let Some((code, ..)) = COUNTRIES.iter().find(by_code) {
        return Some(code);
    }
    let plain = letters::ascii(text);
    let names = COUNTRIES.iter().map(|(code, _, _, name)| (*name, *code));
    let mut names = names.chain(OTHER_NAMES.iter().copied());
    names.find(|(name, _)| same_letters(name, &plain)).map(|(_, code)| code)
}

/// Whether two names have the same letters, whatever stands between them.
fn same_letters(a: &str, b: &str) -> bool {
    let letters = |text: &str| -> Vec<u8> {
        text.bytes().filter(u8::is_ascii_alphabetic).map(|b| b.to_ascii_lowercase()).collect()
    };
    !b.is_empty() && a.len().abs_diff(b.len()) < 8 && letters(a) == letters(b)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn countries_are_recognised_by_code_number_and_name() {
        for (text, want) in [
            ("DE", Some("DE")),
            ("de", Some("DE")),
            ("DEU", Some("DE")),
            ("276", Some("DE")),
            ("040", Some("AT")),
            ("40", Some("AT")),
            ("Germany", Some("DE")),
            (" GERMANY ", Some("DE")),
            ("Deutschland", Some("DE")),
            ("Österreich", Some("AT")),
            ("Côte d’Ivoire", Some("CI")),
            ("United States", Some("US")),
            ("United-States of America", Some("US")),
            ("U.S.A.", Some("US")),
            ("UK", Some("GB")),
            ("United Kingdom", Some("GB")),
            ("Saint Kitts and Nevis", Some("KN")),
            ("Türkiye", Some("TR")),
            ("XX", None),
            ("0", None),
            ("999", None),
            ("Atlantis", None),
            ("Германия", None),
            ("-", None),
            ("", None),
        ] {
            assert_eq!(code(text), want, "{text}");
        }
    }

    #[test]
    fn the_table_is_whole() {
        assert_eq!(COUNTRIES.len(), 249);
        for (two, three, number, name) in COUNTRIES {
            assert_eq!((two.len(), three.len()), (2, 3));
            for text in [*two, *three, *name, &number.to_string()] {
                assert_eq!(code(text), Some(*two), "{text}");
            }
        }
        for (name, country) in OTHER_NAMES {
            assert_eq!(code(name), Some(*country), "{name}");
        }
    }
}
