//! The one record that is being judged, as expressions, filters and scope see it.

use std::cell::{Cell, OnceCell};

use crate::model::{Record, is_under, normal_dn};

use super::GroupSet;

/// The longest text, in bytes, that an expression reads or makes. What is longer is cut,
/// which no field survives: 4096 bytes are more than the 1000 characters of the longest.
pub(super) const MAX_TEXT: usize = 4096;

/// A record with its memberships.
pub(super) struct Subject<'a> {
    pub(super) record: &'a Record,
    pub(super) groups: &'a GroupSet,
    /// The compared form of the DN, made when first asked for.
    dn: OnceCell<String>,
    /// The position of the attribute asked for last that has values and none of them text.
    unreadable: Cell<Option<usize>>,
}

impl<'a> Subject<'a> {
    pub(super) fn new(record: &'a Record, groups: &'a GroupSet) -> Self {
        Self { record, groups, dn: OnceCell::new(), unreadable: Cell::new(None) }
    }

    /// The text of an attribute; blank when it is not there.
    pub(super) fn text(&self, attribute: &str) -> &'a str {
        match self.record.text(attribute) {
            Some(text) => cut(text),
            None => {
                self.note_unreadable(attribute);
                ""
            }
        }
    }

    fn note_unreadable(&self, name: &str) {
        let broken = self.record.attributes.iter().position(|attribute| {
            attribute.name.eq_ignore_ascii_case(name)
                && attribute.values.iter().any(|value| std::str::from_utf8(value).is_err())
        });
        if broken.is_some() {
            self.unreadable.set(broken);
        }
    }

    /// What a rule makes of the person; or the attribute that it read and that is not blank but
    /// no text. To take that for blank would clear in the cloud what an export has damaged.
    pub(super) fn reading<T>(&self, rule: impl FnOnce() -> T) -> Result<T, &'a str> {
        self.unreadable.set(None);
        let made = rule();
        match self.unreadable.take().and_then(|at| self.record.attributes.get(at)) {
            Some(attribute) => Err(&attribute.name),
            None => Ok(made),
        }
    }

    /// Whether the DN is `base` or lies below it. `base` is in its compared form.
    pub(super) fn under(&self, base: &str) -> bool {
        let dn = self.dn.get_or_init(|| normal_dn(&self.record.dn));
        is_under(dn, base)
    }
}

/// The beginning of a text, no longer than [`MAX_TEXT`], ending between characters.
pub(super) fn cut(text: &str) -> &str {
    if text.len() <= MAX_TEXT { text } else { &text[..text.floor_char_boundary(MAX_TEXT)] }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rules::tests::person;

    #[test]
    fn a_dn_lies_under_its_ancestors_only() {
        let groups = GroupSet::new();
        for (dn, base, want) in [
            ("cn=ann,ou=people,dc=test", "ou=people,dc=test", true),
            ("CN=Ann, OU=People, DC=test", "ou=people,dc=test", true),
            ("ou=people,dc=test", "ou=people,dc=test", true),
            ("cn=ann,ou=mypeople,dc=test", "people,dc=test", false),
            ("cn=ann,xou=people,dc=test", "ou=people,dc=test", false),
            (r"cn=ann\,ou=people,dc=test", "ou=people,dc=test", false),
            (r"cn=ann\\,ou=people,dc=test", "ou=people,dc=test", true),
            ("dc=test", "ou=people,dc=test", false),
        ] {
            let mut record = person(&[]);
            record.dn = dn.into();
            assert_eq!(Subject::new(&record, &groups).under(&normal_dn(base)), want, "{dn} {base}");
        }
    }

    #[test]
    fn a_cut_ends_between_characters() {
        let long = "ä".repeat(MAX_TEXT);
        assert_eq!(cut(&long).len(), MAX_TEXT);
        assert_eq!(cut(&format!("x{long}")).len(), MAX_TEXT - 1);
    }
}
