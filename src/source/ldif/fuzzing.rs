//! A door for fuzzers: any bytes, given to the reader of LDIF files.
//!
//! Compiled for fuzzers and tests only.

use super::parse::{Item, Parser};

/// A file, read to its end.
pub fn file(data: &[u8]) {
    let mut parser = Parser::new(data);
    let mut items = 0;
    while let Ok(Some(item)) = parser.next() {
        items += 1;
        assert!(items <= data.len(), "more entries than bytes");
        match item {
            Item::Entry { attributes, .. } => {
                for attribute in &attributes {
                    assert!(!attribute.name.contains(';'), "an option stayed in a name");
                    assert_eq!(attribute.name, attribute.name.to_ascii_lowercase());
                    assert!(!attribute.values.is_empty());
                }
            }
            Item::Bad { reason, .. } => assert!(reason.starts_with("line "), "a reason without its line"),
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn any_bytes_are_survived(data in prop::collection::vec(any::<u8>(), 0..300)) {
            file(&data);
        }

        #[test]
        fn any_lines_are_survived(
            lines in prop::collection::vec("(dn|cn|DN|changetype|version|member;range=[0-9*-]{1,5})?:{0,2}[ <]?[ -~]{0,12}\r?\n?", 0..20),
        ) {
            file(lines.concat().as_bytes());
        }
    }
}
