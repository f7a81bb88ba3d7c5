//! The compared form of an e-mail address: which spellings mean one mailbox.
//!
//! Letter case makes no difference. A domain with letters beyond ASCII is taken by its ASCII form
//! (UTS 46, RFC 5891), so that `bücher.example` and `xn--bcher-kva.example` are one. What stands
//! before the `@` is composed (NFC) and no more: RFC 6532, 3.1 advises against NFKC there,
//! under which different names would become one. What is written to the cloud stays as it was.

use std::borrow::Cow;

use idna::uts46::{AsciiDenyList, DnsLength, Hyphens, Uts46};
use unicode_normalization::UnicodeNormalization;

use super::Key;

/// The key of an address, which may be any text: what is no address is compared as a whole.
pub fn address_key(text: &str) -> Key {
    // An address in ASCII is its own compared form but for the case.
    if text.is_ascii() { Key::folded(text) } else { Key::exact(&compared(text)) }
}

/// The compared form of an address.
pub(super) fn compared(text: &str) -> Cow<'_, str> {
    if text.is_ascii() {
        return match text.bytes().any(|b| b.is_ascii_uppercase()) {
            true => Cow::Owned(text.to_ascii_lowercase()),
            false => Cow::Borrowed(text),
        };
    }
    Cow::Owned(match text.rsplit_once('@') {
        Some((local, domain)) => format!("{}@{}", folded(local), domain_form(domain)),
        None => folded(text),
    })
}

/// The ASCII form of a domain in lower case; one that has none (it is no domain) is only folded.
pub fn domain_form(domain: &str) -> Cow<'_, str> {
    if domain.is_ascii() {
        return compared(domain);
    }
    Uts46::new()
        .to_ascii(domain.as_bytes(), AsciiDenyList::EMPTY, Hyphens::Allow, DnsLength::Ignore)
        .unwrap_or_else(|_| Cow::Owned(folded(domain)))
}

/// Whether a domain, one that [`super::Email`] takes, has a form that name servers and mail systems know.
pub fn is_domain(domain: &str) -> bool {
    if domain.is_ascii() && !domain.split('.').any(is_encoded) {
        return true;
    }
    Uts46::new()
        .to_ascii(domain.as_bytes(), AsciiDenyList::STD3, Hyphens::CheckFirstLast, DnsLength::Verify)
        .is_ok()
}

/// The ways to write an address under which a search that compares texts may know it: as written, in
/// lower case, and with the domain in its other forms.
pub(super) fn spellings(text: &str) -> Vec<String> {
    let mut all = vec![text.to_owned(), text.to_lowercase()];
    if let Some((local, domain)) = text.rsplit_once('@')
        && (!text.is_ascii() || domain.split('.').any(is_encoded))
    {
        let local = folded(local);
        all.push(format!("{local}@{}", domain_form(domain)));
        let (unicode, sound) =
            Uts46::new().to_unicode(domain.as_bytes(), AsciiDenyList::EMPTY, Hyphens::Allow);
        all.extend(sound.is_ok().then(|| format!("{local}@{unicode}")));
    }
    let mut seen = std::collections::BTreeSet::new();
    all.retain(|spelling| seen.insert(spelling.clone()));
    all
}

/// Whether a label of a domain stands for one beyond ASCII (RFC 5890, 2.3.2.1).
fn is_encoded(label: &str) -> bool {
    label.get(..4).is_some_and(|prefix| prefix.eq_ignore_ascii_case("xn--"))
}

/// Composed, in lower case, letter by letter: the same letter is the same in every place.
fn folded(text: &str) -> String {
    // Composed again, as lower case takes some letters apart.
    text.nfc().flat_map(char::to_lowercase).nfc().collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_mailbox_has_one_key() {
        for (a, b) in [
            ("Ann@Example.com", "ann@example.COM"),
            ("ann@bücher.example", "ann@xn--bcher-kva.example"),
            ("Ann@BÜCHER.Example", "ann@XN--BCHER-KVA.example"),
            ("ann@bu\u{308}cher.example", "ann@bücher.example"),
            ("ann@Straße.example", "ann@xn--strae-oqa.example"),
            ("ann@ｂücher.example", "ann@bücher.example"),
            ("JÖRG@example.com", "jo\u{308}rg@example.com"),
            ("J\u{f6}rg@bücher.example", "jo\u{308}rg@xn--bcher-kva.example"),
        ] {
            assert_eq!(address_key(a), address_key(b), "{a} {b}");
        }
    }

    #[test]
    fn different_mailboxes_keep_their_own() {
        for (a, b) in [
            ("ann@bücher.example", "ann@bucher.example"),
            ("jörg@example.com", "jorg@example.com"),
            // Compatibility forms before the @ are letters of their own.
            ("ｊorg@example.com", "jorg@example.com"),
            ("straße@example.com", "strasse@example.com"),
        ] {
            assert_ne!(address_key(a), address_key(b), "{a} {b}");
        }
    }

    #[test]
    fn what_is_in_ascii_has_the_key_that_the_state_has() {
        for text in ["Ann.Lee@Example.com", "ann@xn--bcher-kva.example", "ann@xn--nonsense-.example", "x"] {
            assert_eq!(address_key(text), Key::folded(text), "{text}");
        }
    }

    #[test]
    fn a_search_tries_every_spelling() {
        assert_eq!(spellings("ann@example.com"), ["ann@example.com"]);
        assert_eq!(spellings("Ann@example.com"), ["Ann@example.com", "ann@example.com"]);
        let three = ["Ann@Bücher.example", "ann@bücher.example", "ann@xn--bcher-kva.example"];
        assert_eq!(spellings(three[0]), three);
        assert_eq!(spellings(three[2]), [three[2], three[1]]);
    }

    #[test]
    fn what_is_no_domain_is_still_compared() {
        for text in ["ä", "ä@", "@ä", "a@\u{200d}ä..", "a@ä\u{0}"] {
            assert_eq!(address_key(text), address_key(&text.to_uppercase()), "{text:?}");
        }
        for (domain, is) in [
            ("example.com", true),
            ("bücher.example", true),
            ("xn--bcher-kva.example", true),
            ("xn--a.example", false),
        ] {
            assert_eq!(is_domain(domain), is, "{domain}");
        }
        assert!(!is_domain(&format!("{}.example", "ü".repeat(60))), "63 bytes in its ASCII form");
    }
}
