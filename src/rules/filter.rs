//! LDAP filters (RFC 4515) evaluated on records, so that an administrator can say who is in
//! with the filter that the directory's own tools understand.
//!
//! Like a server: texts compare without case, an absent attribute matches nothing, `>=` and
//! `<=` compare numbers as numbers. Blanks and line breaks are allowed between the parts.

mod parse;

use std::borrow::Cow;

use crate::model::normal_dn;

use super::fold::{folded, same};
use super::groups::is_dn;
use super::subject::Subject;

pub(super) use parse::parse;

/// A compiled filter. Attribute names are lower case.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Filter {
    And(Box<[Filter]>),
    Or(Box<[Filter]>),
    Not(Box<Filter>),
    Present(Box<str>),
    Equal(Box<str>, Wanted),
    /// The parts between the stars, folded.
    Substrings {
        attribute: Box<str>,
        first: Box<str>,
        middle: Box<[Box<str>]>,
        last: Box<str>,
    },
    /// At least, or at most.
    Order {
        attribute: Box<str>,
        least: bool,
        bound: Box<str>,
    },
    /// All of the bits, or any.
    Bits {
        attribute: Box<str>,
        mask: i64,
        all: bool,
    },
    /// Equal to the letter (`caseExactMatch`).
    Exact(Box<str>, Box<[u8]>),
}

/// The value of an equality, in the forms in which it can be met.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Wanted {
    /// As written, escapes resolved.
    bytes: Box<[u8]>,
    /// The compared form, when it is a text.
    text: Option<Box<str>>,
    /// The compared form, when it is a DN.
    dn: Option<Box<str>>,
}

impl Wanted {
    fn new(attribute: &str, bytes: Vec<u8>) -> Self {
        let text = std::str::from_utf8(&bytes).ok().map(str::trim);
        let dn = text.filter(|text| is_dn(text)).map(normal_dn);
        // AD lets a category be named by the class that has it.
        let category = (attribute == "objectcategory" && dn.is_none()).then_some(text).flatten();
        let text = match category.map(str::to_lowercase).as_deref() {
            Some("user" | "contact" | "inetorgperson" | "organizationalperson") => Some("person".into()),
            _ => text.map(|text| folded(text).into()),
        };
        Self { text, dn: dn.map(Into::into), bytes: bytes.into() }
    }

    fn is(&self, attribute: &str, value: &[u8]) -> bool {
        if *self.bytes == *value {
            return true;
        }
        let (Some(wanted), Ok(value)) = (&self.text, std::str::from_utf8(value)) else {
            return false;
        };
        let value = value.trim();
        if same(wanted, value) {
            return true;
        }
        match &self.dn {
            Some(dn) => is_dn(value) && **dn == *normal_dn(value),
            None if attribute == "objectcategory" => {
                let name = value.split_once('=').and_then(|(_, rest)| rest.split(',').next());
                name.is_some_and(|name| same(wanted, name.trim()))
            }
            None => false,
        }
    }
}

impl Filter {
    /// Whether the record matches.
    pub(super) fn matches(&self, subject: &Subject<'_>) -> bool {
        let values = |attribute| subject.record.values(attribute);
        match self {
            Self::And(all) => all.iter().all(|filter| filter.matches(subject)),
            Self::Or(any) => any.iter().any(|filter| filter.matches(subject)),
            Self::Not(filter) => !filter.matches(subject),
            Self::Present(attribute) => values(attribute).next().is_some(),
            Self::Equal(attribute, wanted) => values(attribute).any(|value| wanted.is(attribute, value)),
            Self::Substrings { attribute, first, middle, last } => {
                texts(subject, attribute).any(|value| substrings(&value, first, middle, last))
            }
            Self::Order { attribute, least, bound } => {
                texts(subject, attribute).any(|value| ordered(&value, bound, *least))
            }
            Self::Bits { attribute, mask, all } => texts(subject, attribute)
                .filter_map(|value| value.parse::<i64>().ok())
                .any(|value| if *all { value & mask == *mask } else { value & mask != 0 }),
            Self::Exact(attribute, wanted) => values(attribute).any(|value| *value == **wanted),
        }
    }
}

/// The text values of an attribute, in their compared form.
fn texts<'a>(subject: &Subject<'a>, attribute: &'a str) -> impl Iterator<Item = Cow<'a, str>> {
    subject.record.texts(attribute).map(|value| folded(value.trim()))
}

fn substrings(value: &str, first: &str, middle: &[Box<str>], last: &str) -> bool {
    let Some(mut rest) = value.strip_prefix(first) else {
        return false;
    };
    for part in middle {
        match rest.split_once(&**part) {
            Some((_, after)) => rest = after,
            None => return false,
        }
    }
    rest.ends_with(last)
}

fn ordered(value: &str, bound: &str, least: bool) -> bool {
    let order = match (value.parse::<i128>(), bound.parse::<i128>()) {
        (Ok(value), Ok(bound)) => value.cmp(&bound),
        _ => value.cmp(bound),
    };
    if least { order.is_ge() } else { order.is_le() }
}

#[cfg(test)]
mod tests;
