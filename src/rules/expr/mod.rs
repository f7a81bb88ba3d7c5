//! The expression language of rules: attribute names, texts in quotes, a few functions.
//!
//! It is total and bounded: no loops, no recursion, no errors while evaluating, no text longer
//! than 4 KiB. Whether something is a text or a condition is known when it is compiled, so that
//! a rule that compiles can be judged for every record. The reference is `docs/RULES.md`.

mod constant;
mod country;
mod country_table;
mod date;
mod eval;
mod function;
mod language;
mod letters;
mod parse;
mod pattern;
mod phone;
mod unit;
mod words;

use std::collections::BTreeSet;

use super::error::SyntaxError;
use super::groups::GroupNames;

pub(super) use language::is_tag as is_language_tag;
pub(super) use pattern::Pattern;

/// What expressions and filters read of a person, collected while they are compiled.
#[derive(Clone, Debug, Default)]
pub(super) struct Needs {
    /// Attribute names, lower case.
    pub(super) attributes: BTreeSet<String>,
    /// The groups they name.
    pub(super) groups: GroupNames,
}

/// An expression that gives a text. Blank stands for "nothing".
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Text {
    /// As written.
    Literal(Box<str>),
    /// The first text value of an attribute; the name in lower case.
    Attribute(Box<str>),
    /// The first that is not blank.
    First(Box<[Text]>),
    /// Those that are not blank, with the separator between them.
    Join(Box<str>, Box<[Text]>),
    /// One of two.
    If(Box<Condition>, Box<Text>, Box<Text>),
    /// A function of one text.
    Map(Map, Box<Text>),
    /// What stands before the first separator; blank without one.
    Before(Box<Text>, Box<str>),
    /// What stands after the first separator; blank without one.
    After(Box<Text>, Box<str>),
    /// The text without this beginning, which is compared without case.
    Strip(Box<Text>, Box<str>),
    /// All occurrences of the first replaced by the second.
    Replace(Box<Text>, Box<str>, Box<str>),
    /// From a position (negative: from the end), so many characters.
    Substring(Box<Text>, i64, Option<usize>),
    /// Of the values of an attribute that begin so, in their order, the one with this number
    /// (from 1), without that beginning. Exact.
    Pick(Box<str>, Box<str>, usize),
    /// The text that goes with the first case that it equals, without case; else the last.
    Match(Box<Text>, Box<[(Text, Text)]>, Box<Text>),
    /// All matches of a pattern replaced.
    ReplaceRegex(Box<Text>, Pattern, Box<str>),
    /// The first group of a pattern, or what matches it; blank without a match.
    Extract(Box<Text>, Pattern),
    /// A phone number in E.164, where it is dialled in this country.
    Phone(Box<Text>, Box<Text>),
    /// As many of this letter before it as make it so long.
    Pad(Box<Text>, usize, char),
    /// The organizational unit with this number, from 1, above the record.
    Unit(usize),
}

/// The functions of one text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Map {
    Lower,
    Upper,
    Trim,
    OneLine,
    Digits,
    Ascii,
    Capitalize,
    TitleCase,
    Language,
    Country,
    Date,
}

/// An expression that is true or false.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Condition {
    /// All of them.
    And(Box<[Condition]>),
    /// Any of them.
    Or(Box<[Condition]>),
    /// The opposite.
    Not(Box<Condition>),
    /// Equal, without case.
    Equal(Text, Text),
    /// The first contains the second, without case.
    Contains(Text, Text),
    /// The first begins with the second, without case.
    StartsWith(Text, Text),
    /// The first ends with the second, without case.
    EndsWith(Text, Text),
    /// The first equals any of the others, without case.
    OneOf(Text, Box<[Text]>),
    /// Not blank.
    Present(Text),
    /// A pattern is found in the text, without case.
    Matches(Text, Pattern),
    /// Any value of the attribute equals the text, without case.
    Has(Box<str>, Text),
    /// Member of the group with this index.
    InGroup(usize),
    /// At or below this DN, in its compared form.
    Under(Box<str>),
}

impl Text {
    /// Compiles an expression that gives a text.
    pub(super) fn compile(source: &str, needs: &mut Needs) -> Result<Self, SyntaxError> {
        parse::whole(source, needs)?.text()
    }
}

impl Condition {
    /// Compiles an expression that is true or false.
    pub(super) fn compile(source: &str, needs: &mut Needs) -> Result<Self, SyntaxError> {
        parse::whole(source, needs)?.condition()
    }
}

/// The names of all functions.
#[cfg(test)]
pub(super) fn function_names() -> impl Iterator<Item = &'static str> {
    function::names()
}

#[cfg(test)]
mod tests;
