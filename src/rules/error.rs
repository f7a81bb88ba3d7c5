//! Why rules do not compile, said so that the administrator can mend the line.

use std::fmt;

/// One thing wrong with the rules as written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RuleError {
    /// Which rule: `people.mapping.title`, `people.scope.filter`, `entitlement[2].when`.
    /// Entries of lists are counted from 0.
    pub place: String,
    /// Where in the text of that rule, in bytes; `None` when the whole is meant.
    pub offset: Option<usize>,
    /// What is wrong.
    pub message: String,
    /// What to write instead.
    pub remedy: String,
}

impl fmt::Display for RuleError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.place)?;
        if let Some(offset) = self.offset {
            write!(f, ", byte {offset}")?;
        }
        write!(f, ": {}; {}", self.message, self.remedy)
    }
}

impl std::error::Error for RuleError {}

impl RuleError {
    /// Something wrong with the whole of a rule.
    pub(super) fn whole(place: &str, message: impl Into<String>, remedy: impl Into<String>) -> Self {
        Self { place: place.into(), offset: None, message: message.into(), remedy: remedy.into() }
    }
}

/// Something wrong inside the text of an expression or filter, whose place is not known there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct SyntaxError {
    /// Where, in bytes.
    pub(super) offset: usize,
    /// What is wrong.
    pub(super) message: String,
    /// What to write instead.
    pub(super) remedy: String,
}

impl SyntaxError {
    pub(super) fn new(offset: usize, message: impl Into<String>, remedy: impl Into<String>) -> Self {
        Self { offset, message: message.into(), remedy: remedy.into() }
    }

    /// The same error, in the rule where it stands.
    pub(super) fn at(self, place: &str) -> RuleError {
        RuleError {
            place: place.into(),
            offset: Some(self.offset),
            message: self.message,
            remedy: self.remedy,
        }
    }
}
