//! 128-bit digests: how the program recognises sameness without holding people.
//!
//! XXH3-128 is used for its speed; it is not a cryptographic hash. That is enough:
//! nobody gains by a collision except to have an own change overlooked, and by chance
//! two of a million differ in 2^-88 of the cases.

use std::fmt;

use serde::{Deserialize, Serialize};
use xxhash_rust::xxh3::{Xxh3, xxh3_128};

/// The digest of everything about a record, or of an account, that can change a decision.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize)]
pub struct Fingerprint(pub [u8; 16]);

impl Fingerprint {
    /// The fingerprint that no record has: a row that carries it is looked at again.
    pub const NONE: Self = Self([0; 16]);
}

impl fmt::Debug for Fingerprint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for byte in self.0 {
            write!(f, "{byte:02x}")?;
        }
        Ok(())
    }
}

/// The digest of a name (DN, e-mail address, cloud id) in its compared form: an index
/// key of fixed size. Two names with one key are taken for one name.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Key(pub [u8; 16]);

impl Key {
    /// The key of a text that is compared exactly, such as a cloud id.
    pub fn exact(text: &str) -> Self {
        Self(xxh3_128(text.as_bytes()).to_be_bytes())
    }

    /// The key of a text that is compared without regard to case, such as an e-mail
    /// address. Simple Unicode lower-casing.
    pub fn folded(text: &str) -> Self {
        if text.is_ascii() {
            let lower = text.to_ascii_lowercase();
            return Self(xxh3_128(lower.as_bytes()).to_be_bytes());
        }
        Self(xxh3_128(text.to_lowercase().as_bytes()).to_be_bytes())
    }

    /// The key of a distinguished name: case is folded, blanks around the separators
    /// `,` `=` `+` are dropped unless escaped, so that `CN=A, DC=X` is `cn=a,dc=x`.
    /// Hex escapes (`\2C`) and character escapes (`\,`) of the same character agree.
    pub fn dn(dn: &str) -> Self {
        Self(xxh3_128(normal_dn(dn).as_bytes()).to_be_bytes())
    }
}

impl fmt::Debug for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        Fingerprint(self.0).fmt(f)
    }
}

/// Whether a DN is another one or lies below it, both in their compared form ([`normal_dn`]).
/// Everything lies below the empty DN.
pub fn is_under(dn: &str, base: &str) -> bool {
    let Some(above) = dn.strip_suffix(base) else { return false };
    above.is_empty()
        || base.is_empty()
        || above.strip_suffix(',').is_some_and(|rdns| {
            // An odd number of backslashes escapes the comma: it is part of a value.
            (rdns.len() - rdns.trim_end_matches('\\').len()).is_multiple_of(2)
        })
}

/// The compared form of a DN: lower case, no blanks around separators, escapes unified. Two
/// DNs of one object have one form; [`is_under`] tells whether one lies below another. An
/// escaped separator keeps its backslash, and so stays apart from a real one.
pub fn normal_dn(dn: &str) -> String {
    if !dn.contains(['\\', ' ']) {
        return if dn.is_ascii() { dn.to_ascii_lowercase() } else { dn.to_lowercase() };
    }
    let mut out: Vec<u8> = Vec::with_capacity(dn.len());
    let bytes = dn.as_bytes();
    let mut i = 0;
    let mut skip_blanks = true;
    // Blanks at the end of a value are dropped unless the last of them was escaped.
    let mut firm = 0;
    while i < bytes.len() {
        match bytes[i] {
            b'\\' if i + 1 < bytes.len() => {
                let hex = |b: u8| (b as char).to_digit(16);
                let (byte, used) = match (hex(bytes[i + 1]), bytes.get(i + 2).and_then(|b| hex(*b))) {
                    (Some(high), Some(low)) => ((high << 4 | low) as u8, 3),
                    _ => (bytes[i + 1], 2),
                };
                // Any byte may be written as an escape (RFC 4514, 2.4); only where it means
                // something does the escape make a difference.
                if matches!(byte, b',' | b'=' | b'+' | b'\\' | b' ') {
                    out.push(b'\\');
                }
                out.push(byte);
                firm = out.len();
                skip_blanks = false;
                i += used;
            }
            b' ' if skip_blanks => i += 1,
            sep @ (b',' | b'=' | b'+') => {
                while out.len() > firm && out.last() == Some(&b' ') {
                    out.pop();
                }
                out.push(sep);
                firm = out.len();
                skip_blanks = true;
                i += 1;
            }
            byte => {
                out.push(byte);
                skip_blanks = false;
                i += 1;
            }
        }
    }
    while out.len() > firm && out.last() == Some(&b' ') {
        out.pop();
    }
    // Lower case comes last: before, the bytes of an escaped letter are not yet a letter.
    String::from_utf8_lossy(&out).to_lowercase()
}

/// Builds a [`Fingerprint`] from parts. Each part is framed by its length, so that no
/// two different sequences of parts feed the same bytes.
#[derive(Clone)]
pub struct Hasher(Xxh3);

impl Hasher {
    /// A hasher whose result also depends on `seed`, the fingerprint of what gives the
    /// parts their meaning (the rules): a change there changes every fingerprint.
    pub fn seeded(seed: Fingerprint) -> Self {
        let mut inner = Xxh3::new();
        inner.update(&seed.0);
        Self(inner)
    }

    /// Adds one part.
    pub fn part(&mut self, bytes: &[u8]) {
        self.0.update(&(bytes.len() as u64).to_le_bytes());
        self.0.update(bytes);
    }

    /// The result. Never [`Fingerprint::NONE`].
    pub fn finish(&self) -> Fingerprint {
        let digest = self.0.digest128();
        Fingerprint(digest.max(1).to_be_bytes())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn below_is_decided_by_whole_names() {
        for (dn, base, under) in [
            ("cn=x,ou=sales,dc=a", "ou=sales,dc=a", true),
            ("ou=sales,dc=a", "ou=sales,dc=a", true),
            ("cn=x,ou=presales,dc=a", "ou=sales,dc=a", false),
            ("cn=x", "", true),
            // The comma belongs to the value; here the backslash does.
            (r"cn=x\,ou=sales,dc=a", "ou=sales,dc=a", false),
            (r"cn=x\\,ou=sales,dc=a", "ou=sales,dc=a", true),
        ] {
            assert_eq!(is_under(&normal_dn(dn), &normal_dn(base)), under, "{dn} under {base}");
        }
    }

    #[test]
    fn dns_that_a_directory_takes_for_one_have_one_key() {
        let same = ["CN=Ann Lee,OU=Sales,DC=example,DC=test", "cn=ann lee, ou=sales ,dc = example,dc=TEST"];
        assert_eq!(Key::dn(same[0]), Key::dn(same[1]));
        assert_eq!(Key::dn(r"cn=lee\, ann,dc=x"), Key::dn(r"cn=lee\2C ann,dc=x"));
        assert_ne!(Key::dn(r"cn=lee\,dc=x"), Key::dn("cn=lee,dc=x"));
        assert_ne!(Key::dn("cn=annlee,dc=x"), Key::dn("cn=ann lee,dc=x"));
        assert_ne!(Key::dn(r"cn=a\ ,dc=x"), Key::dn("cn=a,dc=x"));
        assert_eq!(Key::dn(r"cn=J\C3\96rg,dc=x"), Key::dn("cn=jörg,dc=x"));
        assert_ne!(Key::dn(r"cn=J\C3\96rg,dc=x"), Key::dn(r"cn=J\C3\84rg,dc=x"));
    }

    #[test]
    fn parts_are_framed() {
        let print = |parts: &[&[u8]]| {
            let mut h = Hasher::seeded(Fingerprint::NONE);
            parts.iter().for_each(|p| h.part(p));
            h.finish()
        };
        assert_ne!(print(&[b"ab", b"c"]), print(&[b"a", b"bc"]));
        assert_ne!(print(&[]), Fingerprint::NONE);
    }
}
