//! E-mail addresses as the cloud's user name: kept as written, compared as mailboxes.

use std::borrow::Cow;
use std::fmt;
use std::hash::{Hash, Hasher};
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use unicode_normalization::char::is_combining_mark;

use super::Key;
use super::address::{address_key, compared, domain_form, spellings};

/// A checked address. Equality, order and hash ignore letter case and the spelling of a domain
/// beyond ASCII: a connector that compares addresses exactly deletes people over a capital letter.
#[derive(Clone, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Email(Box<str>);

/// Why a text is not usable as an address.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum EmailError {
    /// No text at all.
    Empty,
    /// Not of the form `local@domain.tld`.
    Malformed,
    /// Longer than the 254 bytes that the cloud accepts.
    TooLong,
}

impl fmt::Display for EmailError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Empty => "the e-mail address is empty",
            Self::Malformed => "not an e-mail address of the form name@domain.tld",
            Self::TooLong => "the e-mail address is longer than 254 bytes",
        })
    }
}

impl std::error::Error for EmailError {}

impl Email {
    /// Longest address the cloud accepts as a user name, in bytes.
    pub const MAX: usize = 254;

    /// The address as written.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The key under which equal addresses meet.
    pub fn key(&self) -> Key {
        address_key(&self.0)
    }

    /// The compared form, in which equal addresses are the same text: the domain in ASCII.
    pub fn compared(&self) -> Cow<'_, str> {
        compared(&self.0)
    }

    /// The ways to write the address, for a search that compares texts: as written first.
    pub fn spellings(&self) -> Vec<String> {
        spellings(&self.0)
    }

    /// Whether the domain is this one, in any spelling.
    pub fn is_of(&self, domain: &str) -> bool {
        domain_form(self.domain()) == domain_form(domain)
    }

    /// What follows the `@`.
    pub fn domain(&self) -> &str {
        self.0.rsplit_once('@').map_or("", |(_, domain)| domain)
    }
}

impl FromStr for Email {
    type Err = EmailError;

    fn from_str(text: &str) -> Result<Self, EmailError> {
        let text = text.trim();
        if text.is_empty() {
            return Err(EmailError::Empty);
        }
        if text.len() > Self::MAX {
            return Err(EmailError::TooLong);
        }
        let (local, domain) = text.rsplit_once('@').ok_or(EmailError::Malformed)?;
        let bad_char = |c: char| c.is_whitespace() || c.is_control() || "()<>[]:;,\\\"@".contains(c);
        let bad_dots = |s: &str| s.starts_with('.') || s.ends_with('.') || s.contains("..");
        let local_ok =
            !local.is_empty() && local.len() <= 64 && !local.contains(bad_char) && !bad_dots(local);
        let label_ok = |label: &str| {
            !label.is_empty()
                && label.len() <= 63
                && !label.starts_with('-')
                && !label.ends_with('-')
                && label.chars().all(|c| c.is_alphanumeric() || is_combining_mark(c) || c == '-')
        };
        let domain_ok = domain.contains('.') && domain.split('.').all(label_ok);
        if local_ok && domain_ok { Ok(Self(text.into())) } else { Err(EmailError::Malformed) }
    }
}

impl TryFrom<String> for Email {
    type Error = EmailError;

    fn try_from(text: String) -> Result<Self, EmailError> {
        text.parse()
    }
}

impl From<Email> for String {
    fn from(email: Email) -> Self {
        email.0.into()
    }
}

impl PartialEq for Email {
    fn eq(&self, other: &Self) -> bool {
        // Two in ASCII need no other form.
        self.0.eq_ignore_ascii_case(&other.0)
            || !(self.0.is_ascii() && other.0.is_ascii()) && self.compared() == other.compared()
    }
}

impl Eq for Email {}

impl PartialOrd for Email {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Email {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        self.compared().cmp(&other.compared())
    }
}

impl Hash for Email {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.compared().hash(state);
    }
}

impl fmt::Display for Email {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for Email {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Debug output finds its way into logs; an address is personal data.
        f.write_str("Email(redacted)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn case_does_not_make_a_difference() {
        let a: Email = "Ann.Lee@Example.com".parse().unwrap();
        let b: Email = "ann.lee@example.COM".parse().unwrap();
        assert_eq!(a, b);
        assert_eq!(a.key(), b.key());
        assert_eq!(a.as_str(), "Ann.Lee@Example.com");
        assert_eq!(a.domain(), "Example.com");
        let (u, x): (Email, Email) =
            ("Ann@Bücher.example".parse().unwrap(), "ann@xn--bcher-kva.example".parse().unwrap());
        assert_eq!((u.cmp(&x), u.key()), (std::cmp::Ordering::Equal, x.key()));
        assert_eq!(u.as_str(), "Ann@Bücher.example");
        assert!(u.is_of("XN--bcher-kva.example") && x.is_of("bücher.example") && !x.is_of("bucher.example"));
    }

    #[test]
    fn what_the_cloud_would_refuse_is_refused_here() {
        for bad in [
            "",
            "ann",
            "ann@",
            "@example.com",
            "ann@example",
            "ann lee@example.com",
            "ann@@example.com",
            "ann@exa_mple.com",
            ".ann@example.com",
            "ann..lee@example.com",
            "ann@-example.com",
            "a,b@example.com",
        ] {
            assert!(bad.parse::<Email>().is_err(), "{bad:?}");
        }
        assert_eq!(format!("{}@example.com", "a".repeat(300)).parse::<Email>(), Err(EmailError::TooLong));
        for good in ["o'hara@example.com", "ann+x@mail.example.com", "jörg@example.com", "x@1.example"] {
            assert!(good.parse::<Email>().is_ok(), "{good:?}");
        }
    }
}
