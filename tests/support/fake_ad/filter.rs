//! Filters as they come on the wire (RFC 4511, 4.5.1.7), and whether an object matches.

use dirsyncd::model::normal_dn;
use lber::structure::StructureTag;

use super::attributes::{Names, View};
use super::tree::Object;
use super::wire::{bytes, children, text};

/// A filter. Attribute names in lower case.
#[derive(Clone, Debug)]
pub(crate) enum Filter {
    And(Vec<Filter>),
    Or(Vec<Filter>),
    Not(Box<Filter>),
    Equal(String, Vec<u8>),
    /// First, middle and last parts.
    Substrings(String, Vec<(u64, Vec<u8>)>),
    AtLeast(String, Vec<u8>),
    AtMost(String, Vec<u8>),
    Present(String),
    /// Rule, attribute, value.
    Extensible(String, String, Vec<u8>),
}

impl Filter {
    pub(crate) fn read(tag: StructureTag) -> Option<Self> {
        let id = tag.id;
        let pair = |tag| {
            let mut parts = children(tag)?.into_iter();
            Some((text(parts.next()?)?.to_lowercase(), bytes(parts.next()?)?))
        };
        let list = |tag| children(tag)?.into_iter().map(Self::read).collect::<Option<Vec<_>>>();
        Some(match id {
            0 => Self::And(list(tag)?),
            1 => Self::Or(list(tag)?),
            2 => Self::Not(Box::new(Self::read(children(tag)?.pop()?)?)),
            3 | 8 => pair(tag).map(|(name, value)| Self::Equal(name, value))?,
            4 => {
                let mut parts = children(tag)?.into_iter();
                let name = text(parts.next()?)?.to_lowercase();
                let parts = children(parts.next()?)?.into_iter().map(|part| Some((part.id, bytes(part)?)));
                Self::Substrings(name, parts.collect::<Option<Vec<_>>>()?)
            }
            5 => pair(tag).map(|(name, value)| Self::AtLeast(name, value))?,
            6 => pair(tag).map(|(name, value)| Self::AtMost(name, value))?,
            7 => Self::Present(text(tag)?.to_lowercase()),
            9 => {
                let (mut rule, mut name, mut value) = (String::new(), String::new(), Vec::new());
                for part in children(tag)? {
                    match part.id {
                        1 => rule = text(part)?,
                        2 => name = text(part)?.to_lowercase(),
                        3 => value = bytes(part)?,
                        _ => {}
                    }
                }
                Self::Extensible(rule, name, value)
            }
            _ => return None,
        })
    }

    pub(crate) fn matches(&self, object: &Object, view: &View<'_>) -> bool {
        let view = &View { tree: view.tree, usn_offset: view.usn_offset, names: Names::Plain };
        match self {
            Self::And(all) => all.iter().all(|filter| filter.matches(object, view)),
            Self::Or(any) => any.iter().any(|filter| filter.matches(object, view)),
            Self::Not(filter) => !filter.matches(object, view),
            Self::Present(name) if name == "objectclass" => true,
            Self::Present(name) => !view.values(object, name).is_empty(),
            Self::Equal(name, wanted) => {
                view.values(object, name).iter().any(|value| equal(name, value, wanted))
            }
            Self::AtLeast(name, bound) => {
                view.values(object, name).iter().any(|value| number(value) >= number(bound))
            }
            Self::AtMost(name, bound) => {
                view.values(object, name).iter().any(|value| number(value) <= number(bound))
            }
            Self::Substrings(name, parts) => {
                view.values(object, name).iter().any(|value| substrings(value, parts))
            }
            Self::Extensible(rule, name, wanted) => {
                let (Some(mask), all) = (number(wanted), rule.ends_with(".803")) else { return false };
                view.values(object, name).iter().filter_map(|value| number(value)).any(|value| match all {
                    true => value & mask == mask,
                    false => value & mask != 0,
                })
            }
        }
    }
}

fn number(value: &[u8]) -> Option<i64> {
    std::str::from_utf8(value).ok()?.parse().ok()
}

fn equal(name: &str, value: &[u8], wanted: &[u8]) -> bool {
    if value.eq_ignore_ascii_case(wanted) {
        return true;
    }
    let (Ok(value), Ok(wanted)) = (std::str::from_utf8(value), std::str::from_utf8(wanted)) else {
        return false;
    };
    // A category is named by a class that has it.
    if name == "objectcategory" && !wanted.contains('=') {
        let wanted = if wanted.eq_ignore_ascii_case("user") { "person" } else { wanted };
        return value.to_lowercase().starts_with(&format!("cn={},", wanted.to_lowercase()));
    }
    value.contains('=') && normal_dn(value) == normal_dn(wanted)
}

fn substrings(value: &[u8], parts: &[(u64, Vec<u8>)]) -> bool {
    let value = value.to_ascii_lowercase();
    let mut at = 0;
    for (kind, part) in parts {
        let part = part.to_ascii_lowercase();
        let rest = &value[at..];
        let found = match kind {
            0 => rest.starts_with(&part).then_some(0),
            2 => rest.ends_with(&part).then(|| rest.len() - part.len()),
            _ => (0..=rest.len().saturating_sub(part.len())).find(|i| rest[*i..].starts_with(&part)),
        };
        match found {
            Some(i) => at += i + part.len(),
            None => return false,
        }
    }
    true
}
