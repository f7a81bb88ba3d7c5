//! How rules compare texts: without regard to letter case, and with composed and decomposed
//! letters (`é` as one or two characters) taken for the same.

use std::borrow::Cow;

use unicode_normalization::{IsNormalized, UnicodeNormalization, is_nfc_quick};

/// The composed form (NFC) of a text: directories fed from different systems hold both
/// forms, and a cloud that composes on its own would seem to drift for ever.
pub(super) fn composed(text: Cow<'_, str>) -> Cow<'_, str> {
    if text.is_ascii() || is_nfc_quick(text.chars()) == IsNormalized::Yes {
        text
    } else {
        Cow::Owned(text.nfc().collect())
    }
}

/// The compared form of a text.
pub(super) fn folded(text: &str) -> Cow<'_, str> {
    if text.is_ascii() {
        return if text.bytes().any(|b| b.is_ascii_uppercase()) {
            Cow::Owned(text.to_ascii_lowercase())
        } else {
            Cow::Borrowed(text)
        };
    }
    Cow::Owned(composed(Cow::Borrowed(text)).to_lowercase())
}

/// Whether two texts are the same when compared.
pub(super) fn same(a: &str, b: &str) -> bool {
    if a.is_ascii() && b.is_ascii() { a.eq_ignore_ascii_case(b) } else { folded(a) == folded(b) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn case_and_composition_make_no_difference() {
        assert!(same("Sales", "SALES"));
        assert!(same("JÖRG", "jo\u{308}rg"));
        assert!(!same("Sales", "Sale"));
        assert_eq!(composed("Jo\u{308}rg".into()), "Jörg");
    }
}
