//! Letter case by words, and texts made as long as a form wants them.

/// The first letter as a capital, all else as it is.
pub(super) fn capitalize(text: &str) -> String {
    let mut letters = text.chars();
    letters.next().map_or_else(String::new, |first| first.to_uppercase().chain(letters).collect())
}

/// The first letter of each word as a capital, all others small. A word begins after anything that
/// is no letter or digit; after an apostrophe only behind a single letter, so that `O'HARA`
/// becomes `O'Hara` and `ANN'S` becomes `Ann's`.
pub(super) fn title_case(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    // How many letters of the word stand already.
    let mut length = 0;
    for c in text.chars() {
        if c.is_alphanumeric() {
            match length {
                0 => out.extend(c.to_uppercase()),
                _ => out.extend(c.to_lowercase()),
            }
            length += 1;
        } else {
            out.push(c);
            if !(matches!(c, '\'' | '’') && length > 1) {
                length = 0;
            }
        }
    }
    out
}

/// The text with so many of a letter before it that it has `length` characters; blank stays blank.
pub(super) fn pad(text: &str, length: usize, with: char) -> String {
    let text = text.trim();
    if text.is_empty() {
        return String::new();
    }
    let missing = length.saturating_sub(text.chars().count());
    std::iter::repeat_n(with, missing).chain(text.chars()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_get_capitals() {
        for (text, title, capital) in [
            ("ann LEE", "Ann Lee", "Ann LEE"),
            ("MÜLLER-LEE", "Müller-Lee", "MÜLLER-LEE"),
            ("o'hara d’arc", "O'Hara D’Arc", "O'hara d’arc"),
            ("ANN'S desk", "Ann's Desk", "ANN'S desk"),
            ("ßa 3RD", "SSa 3rd", "SSa 3RD"),
            ("", "", ""),
        ] {
            assert_eq!((title_case(text).as_str(), capitalize(text).as_str()), (title, capital));
        }
    }

    #[test]
    fn short_texts_are_padded() {
        for (text, length, padded) in [("42", 5, "00042"), (" 42 ", 2, "42"), ("ü", 2, "0ü"), ("  ", 4, "")]
        {
            assert_eq!(pad(text, length, '0'), padded);
        }
    }
}
