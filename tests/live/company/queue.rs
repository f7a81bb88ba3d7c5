//! The order in which people are served, as the manual has it.

use std::cmp::Ordering;

/// The attribute by which seats are ordered: smaller is served first.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Grade {
    Number(i64),
    Text(String),
    Nothing,
}

impl Grade {
    pub(crate) fn of(text: Option<&str>) -> Self {
        match text {
            None => Self::Nothing,
            Some(text) => match text.parse() {
                Ok(number) => Self::Number(number),
                Err(_) => Self::Text(text.to_lowercase()),
            },
        }
    }
}

impl Ord for Grade {
    /// `order = "descending"`: the largest first; numbers before texts and nothing last in either
    /// direction.
    fn cmp(&self, other: &Self) -> Ordering {
        match (self, other) {
            (Self::Nothing, Self::Nothing) => Ordering::Equal,
            (Self::Nothing, _) => Ordering::Greater,
            (_, Self::Nothing) => Ordering::Less,
            (Self::Number(one), Self::Number(other)) => other.cmp(one),
            (Self::Text(one), Self::Text(other)) => other.cmp(one),
            (Self::Number(_), Self::Text(_)) => Ordering::Less,
            (Self::Text(_), Self::Number(_)) => Ordering::Greater,
        }
    }
}

impl PartialOrd for Grade {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}
