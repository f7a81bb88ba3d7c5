//! Regular expressions in rules: compiled once, bounded in size, and matched in linear time.

use regex::{Captures, Regex, RegexBuilder};

use crate::rules::error::SyntaxError;
use crate::rules::subject::MAX_TEXT;

/// The largest program that a pattern may become, in bytes.
const MAX_SIZE: usize = 1 << 20;

/// A compiled pattern. Two are the same when they are written the same.
#[derive(Clone, Debug)]
pub(in crate::rules) struct Pattern(Regex);

impl PartialEq for Pattern {
    fn eq(&self, other: &Self) -> bool {
        self.0.as_str() == other.0.as_str()
    }
}

impl Eq for Pattern {}

impl Pattern {
    /// Compiles a pattern that stands at `offset`. `folded` ignores letter case.
    pub(super) fn compile(offset: usize, source: &str, folded: bool) -> Result<Self, SyntaxError> {
        RegexBuilder::new(source)
            .case_insensitive(folded)
            .size_limit(MAX_SIZE)
            .dfa_size_limit(MAX_SIZE)
            .nest_limit(50)
            .build()
            .map(Self)
            .map_err(|error| match error {
                regex::Error::CompiledTooBig(_) => SyntaxError::new(
                    offset,
                    "the pattern is too large",
                    "write smaller numbers of repetitions, or several patterns",
                ),
                // The last line of the report says what is wrong; the others draw a picture of it.
                other => SyntaxError::new(
                    offset,
                    format!(
                        "`{source}` is no regular expression: {}",
                        other.to_string().lines().last().unwrap_or_default().trim_start_matches("error: ")
                    ),
                    "put a backslash before characters that stand for themselves, as in `\\.`; look-around and \
                     back-references do not exist here",
                ),
            })
    }

    /// Whether the pattern is found anywhere in the text.
    pub(super) fn is_in(&self, text: &str) -> bool {
        self.0.is_match(text)
    }

    /// The first group of the first place that matches; the whole of it when there is no group.
    pub(super) fn extract<'a>(&self, text: &'a str) -> &'a str {
        let Some(found) = self.0.captures(text) else { return "" };
        match (found.len(), found.get(1)) {
            (1, _) => found.get(0).map_or("", |whole| whole.as_str()),
            (_, group) => group.map_or("", |group| group.as_str()),
        }
    }

    /// Every match replaced. `$1` and `${name}` in `to` stand for groups, `$$` for a dollar. Stops when the
    /// result is long enough to be refused anyway.
    pub(super) fn replace(&self, text: &str, to: &str) -> String {
        let mut out = String::with_capacity(text.len());
        let mut end = 0;
        for found in self.0.captures_iter(text) {
            let found: Captures<'_> = found;
            let Some(whole) = found.get(0) else { continue };
            out.push_str(&text[end..whole.start()]);
            found.expand(to, &mut out);
            end = whole.end();
            if out.len() > MAX_TEXT {
                return out;
            }
        }
        out.push_str(&text[end..]);
        out
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pattern(source: &str) -> Pattern {
        Pattern::compile(0, source, false).unwrap()
    }

    #[test]
    fn matches_are_replaced_and_taken_out() {
        for (source, to, text, replaced) in [
            (r"\s+", " ", "a \t b", "a b"),
            (r"(\w+), (\w+)", "$2 $1", "Lee, Ann", "Ann Lee"),
            (r"(?<last>\w+), (?<first>\w+)", "${first} ${last}", "Lee, Ann", "Ann Lee"),
            (r"x*", "-", "ab", "-a-b-"),
            (r"z", "$1", "a", "a"),
            (r"a", "$$9", "a", "$9"),
        ] {
            assert_eq!(pattern(source).replace(text, to), replaced, "{source}");
        }
        assert_eq!(pattern(r"\((\w+)\)").extract("Lee, Ann (HR) (x)"), "HR");
        assert_eq!(pattern(r"\d+").extract("room 42"), "42");
        assert_eq!(pattern(r"(\d)?x").extract("x"), "");
        assert_eq!(pattern(r"\d").extract("none"), "");
        assert!(Pattern::compile(0, "^ann", true).unwrap().is_in("ANN LEE"));
    }

    #[test]
    fn growth_and_size_are_bounded() {
        assert!(pattern("").replace(&"a".repeat(MAX_TEXT), &"b".repeat(4000)).len() < MAX_TEXT + 4002);
        for (source, message) in [
            (r"\w{1000}{1000}", "the pattern is too large"),
            ("(a", "`(a` is no regular expression: unclosed group"),
            (
                r"(?=a)",
                "`(?=a)` is no regular expression: look-around, including look-ahead and look-behind, is not supported",
            ),
        ] {
            assert_eq!(Pattern::compile(3, source, false).unwrap_err().message, message);
        }
    }
}
