//! What an address must be besides well formed, before it is given to the cloud: a place that mail can
//! be sent to, in characters that can be seen.

use crate::model::{Email, is_domain};

/// What is wrong with an address that has the right form; `None` when nothing is.
pub(super) fn fault(email: &Email) -> Option<&'static str> {
    if email.as_str().contains(is_invisible) {
        return Some("it contains a character that nobody sees");
    }
    let domain = email.domain();
    // RFC 3696, 2: no top-level domain is a number, so that none looks like an IP address.
    if domain.rsplit('.').next().is_some_and(|top| top.bytes().all(|b| b.is_ascii_digit())) {
        return Some("its domain ends in a number");
    }
    (!is_domain(domain)).then_some("its domain has no ASCII form (IDNA)")
}

/// Whether a character takes no place: soft hyphens, blanks without width, marks of direction. The
/// two joiners are part of how some languages are spelt.
pub(super) fn is_invisible(c: char) -> bool {
    matches!(
        c,
        '\u{ad}' | '\u{61c}' | '\u{180e}' | '\u{200b}' | '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}'
            | '\u{2060}'..='\u{206f}' | '\u{feff}'
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_leads_somewhere() {
        for (address, wrong) in [
            ("ann@example.com", None),
            ("ann@1.example", None),
            ("o'hara+x@bücher.example", None),
            ("ann@xn--bcher-kva.example", None),
            ("ann@192.0.2.1", Some("its domain ends in a number")),
            ("ann@xn--a.example", Some("its domain has no ASCII form (IDNA)")),
            ("a\u{200b}nn@example.com", Some("it contains a character that nobody sees")),
            ("\u{202e}nna@example.com", Some("it contains a character that nobody sees")),
        ] {
            assert_eq!(fault(&address.parse().unwrap()), wrong, "{address}");
        }
    }
}
