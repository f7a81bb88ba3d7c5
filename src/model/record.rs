//! What the source said about one object, of any vendor, before any rule.

use super::{AccountKind, Fingerprint, Hasher, Key, SourceId};

/// What an object is, by its object classes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum RecordKind {
    /// A human being.
    Person,
    /// A group with members.
    Group,
    /// A meeting room or another bookable resource.
    Room,
    /// Somebody in the address book who has no account.
    Contact,
    /// Anything else that a filter let through; counted, and otherwise ignored.
    Other,
}

impl RecordKind {
    /// What the account of such a record stands for; `None` for what never has one.
    pub const fn account(self) -> Option<AccountKind> {
        match self {
            Self::Person => Some(AccountKind::Person),
            Self::Room => Some(AccountKind::Room),
            Self::Group | Self::Contact | Self::Other => None,
        }
    }
}

/// One attribute with all its values, as bytes: a directory does not say which
/// attributes are text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Attribute {
    /// The name as the server wrote it, without options. Compared without case.
    pub name: String,
    /// The values, in the server's order, which means nothing.
    pub values: Vec<Vec<u8>>,
}

/// One object of the source.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Record {
    /// The immutable id.
    pub anchor: SourceId,
    /// The distinguished name at the time of reading. For scope and display, never for identity.
    pub dn: String,
    /// What it is.
    pub kind: RecordKind,
    /// Whether the directory itself says that the account must not be used: AD
    /// `userAccountControl` bit 2, 389-ds `nsAccountLock`, or what the source was configured with.
    pub disabled: bool,
    /// When the directory ends the account by itself (AD `accountExpires`), in seconds
    /// since 1970-01-01 UTC; `None` for never.
    pub expires: Option<i64>,
    /// Attributes, as many as were asked for and found.
    pub attributes: Vec<Attribute>,
}

#[cfg(test)]
impl Attribute {
    /// Attributes with text values, for tests.
    pub(crate) fn list(attributes: &[(&str, &[&str])]) -> Vec<Self> {
        let bytes = |values: &[&str]| values.iter().map(|value| value.as_bytes().to_vec()).collect();
        let one = |(name, values): &(&str, &[&str])| Self { name: (*name).into(), values: bytes(values) };
        attributes.iter().map(one).collect()
    }
}

impl Record {
    /// All values of an attribute, as bytes.
    pub fn values(&self, name: &str) -> impl Iterator<Item = &[u8]> {
        self.attributes
            .iter()
            .filter(move |attribute| attribute.name.eq_ignore_ascii_case(name))
            .flat_map(|attribute| attribute.values.iter().map(Vec::as_slice))
    }

    /// All values of an attribute that are text. Values that are not UTF-8 are left out.
    pub fn texts(&self, name: &str) -> impl Iterator<Item = &str> {
        self.values(name).filter_map(|value| std::str::from_utf8(value).ok())
    }

    /// The first text value of an attribute that is not blank, trimmed.
    ///
    /// Directories give values in no order; the smallest is taken, so that the answer does
    /// not change from one reading to the next.
    pub fn text(&self, name: &str) -> Option<&str> {
        // A plain loop: rules ask this a few dozen times per record.
        let mut smallest: Option<&str> = None;
        for attribute in &self.attributes {
            if attribute.name.len() != name.len() || !attribute.name.eq_ignore_ascii_case(name) {
                continue;
            }
            for text in attribute.values.iter().filter_map(|value| std::str::from_utf8(value).ok()) {
                let text = text.trim();
                if !text.is_empty() && smallest.is_none_or(|known| text < known) {
                    smallest = Some(text);
                }
            }
        }
        smallest
    }

    /// The key of the DN, under which groups name their members.
    pub fn dn_key(&self) -> Key {
        Key::dn(&self.dn)
    }

    /// The digest of everything in the record, independent of the order of attributes and
    /// of values. `seed` is the fingerprint of the rules.
    pub fn fingerprint(&self, seed: Fingerprint) -> Fingerprint {
        let mut h = Hasher::seeded(seed);
        h.part(self.dn.as_bytes());
        h.part(&[self.kind as u8, u8::from(self.disabled)]);
        h.part(&self.expires.unwrap_or(i64::MAX).to_le_bytes());
        let mut order: Vec<&Attribute> = self.attributes.iter().collect();
        order.sort_unstable_by(|a, b| a.name.cmp(&b.name));
        for attribute in order {
            h.part(attribute.name.as_bytes());
            if let [only] = attribute.values.as_slice() {
                h.part(only);
                continue;
            }
            let mut values: Vec<&[u8]> = attribute.values.iter().map(Vec::as_slice).collect();
            values.sort_unstable();
            h.part(&(values.len() as u64).to_le_bytes());
            for value in values {
                h.part(value);
            }
        }
        h.finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn record(attributes: &[(&str, &[&str])]) -> Record {
        Record {
            anchor: SourceId::new([1; 16]),
            dn: "cn=a,dc=test".into(),
            kind: RecordKind::Person,
            disabled: false,
            expires: None,
            attributes: Attribute::list(attributes),
        }
    }

    #[test]
    fn the_order_in_which_a_server_answers_does_not_matter() {
        let a = record(&[("sn", &["Lee"]), ("mail", &["b@x.test", "a@x.test"])]);
        let b = record(&[("mail", &["a@x.test", "b@x.test"]), ("sn", &["Lee"])]);
        assert_eq!(a.fingerprint(Fingerprint::NONE), b.fingerprint(Fingerprint::NONE));
        assert_eq!(a.text("MAIL"), Some("a@x.test"));
    }

    #[test]
    fn every_part_counts() {
        let base = record(&[("sn", &["Lee"])]);
        let print = base.fingerprint(Fingerprint::NONE);
        let mut other = base.clone();
        other.disabled = true;
        assert_ne!(other.fingerprint(Fingerprint::NONE), print);
        other = base.clone();
        other.expires = Some(0);
        assert_ne!(other.fingerprint(Fingerprint::NONE), print);
        assert_ne!(base.fingerprint(Fingerprint([9; 16])), print);
        assert_ne!(record(&[("sn", &["Li"])]).fingerprint(Fingerprint::NONE), print);
    }
}
