//! From the text of a filter to its tree, or to an error that says where and what to do.

use super::{Filter, Wanted};
use crate::rules::error::SyntaxError;
use crate::rules::expr::Needs;
use crate::rules::fold::folded;

/// The longest filter, in bytes.
const MAX_SOURCE: usize = 16_384;
/// How deep `&`, `|` and `!` may nest.
const MAX_DEPTH: usize = 48;

/// Parses a whole filter, noting the attributes that it reads.
pub(in crate::rules) fn parse(source: &str, needs: &mut Needs) -> Result<Filter, SyntaxError> {
    if source.len() > MAX_SOURCE {
        return Err(SyntaxError::new(
            MAX_SOURCE,
            format!("the filter is longer than {MAX_SOURCE} bytes"),
            "give the people a group in the directory instead",
        ));
    }
    let mut parser = Parser { source, at: 0, needs };
    parser.blanks();
    let filter = parser.filter(0)?;
    parser.blanks();
    if parser.at < source.len() {
        return Err(SyntaxError::new(
            parser.at,
            "the filter goes on after its closing parenthesis",
            "put several conditions into `(&(…)(…))` for all or `(|(…)(…))` for any",
        ));
    }
    Ok(filter)
}

struct Parser<'a, 'n> {
    source: &'a str,
    at: usize,
    needs: &'n mut Needs,
}

impl<'a> Parser<'a, '_> {
    fn rest(&self) -> &'a str {
        &self.source[self.at..]
    }

    fn blanks(&mut self) {
        self.at = self.source.len() - self.rest().trim_start().len();
    }

    fn accept(&mut self, c: char) -> bool {
        let found = self.rest().starts_with(c);
        if found {
            self.at += c.len_utf8();
        }
        found
    }

    fn error<T>(
        &self,
        offset: usize,
        message: impl Into<String>,
        remedy: impl Into<String>,
    ) -> Result<T, SyntaxError> {
        Err(SyntaxError::new(offset, message, remedy))
    }

    fn filter(&mut self, depth: usize) -> Result<Filter, SyntaxError> {
        let start = self.at;
        if depth > MAX_DEPTH {
            return self.error(
                start,
                format!("the filter nests deeper than {MAX_DEPTH} levels"),
                "flatten it, or give the people a group in the directory",
            );
        }
        if !self.accept('(') {
            let found =
                self.rest().chars().next().map_or("the filter ends".into(), |c| format!("`{c}` stands"));
            return self.error(
                start,
                format!("{found} where `(` was expected"),
                "every condition of an LDAP filter stands in parentheses, as in `(department=Sales)`",
            );
        }
        self.blanks();
        let filter = if self.accept('&') {
            Filter::And(self.list(depth)?)
        } else if self.accept('|') {
            Filter::Or(self.list(depth)?)
        } else if self.accept('!') {
            self.blanks();
            let inner = self.filter(depth + 1)?;
            self.blanks();
            Filter::Not(Box::new(inner))
        } else {
            self.item()?
        };
        if !self.accept(')') {
            let (found, remedy) = match self.rest().chars().next() {
                None => ("the filter ends".into(), format!("close the `(` at byte {start}")),
                Some(c) => (format!("`{c}` stands"), "check the parentheses".into()),
            };
            return self.error(self.at, format!("{found} where `)` was expected"), remedy);
        }
        Ok(filter)
    }

    /// The filters of `&` or `|`; none is allowed (RFC 4526: always true, always false).
    fn list(&mut self, depth: usize) -> Result<Box<[Filter]>, SyntaxError> {
        let mut all = Vec::new();
        self.blanks();
        while self.rest().starts_with('(') {
            all.push(self.filter(depth + 1)?);
            self.blanks();
        }
        Ok(all.into())
    }

    fn item(&mut self) -> Result<Filter, SyntaxError> {
        let start = self.at;
        let end = self.rest().find(|c: char| !c.is_ascii_alphanumeric() && c != '-' && c != '.' && c != '_');
        let name = &self.rest()[..end.unwrap_or(self.rest().len())];
        if name.is_empty() {
            return self.error(
                start,
                "the name of an attribute was expected",
                "write `(attribute=value)`; parentheses inside a value are written `\\28` and `\\29`",
            );
        }
        self.at += name.len();
        let attribute: Box<str> = name.to_ascii_lowercase().into();
        let operator = self.at;
        let filter = if self.accept('=') {
            self.equality(attribute.clone())?
        } else if self.rest().starts_with(">=") || self.rest().starts_with("<=") {
            let least = self.rest().starts_with('>');
            self.at += 2;
            let bound = self.text()?;
            Filter::Order { attribute: attribute.clone(), least, bound }
        } else if self.rest().starts_with("~=") {
            self.at += 2;
            let value = self.value()?;
            Filter::Equal(attribute.clone(), Wanted::new(&attribute, value))
        } else if self.accept(':') {
            self.extensible(attribute.clone())?
        } else {
            let remedy = match self.rest().chars().next() {
                Some('<' | '>') => {
                    "order is written `>=` or `<=`; for strictly more, write `(!(attribute<=…))`"
                }
                Some(';') => "leave the option out: records are read without options",
                Some(c) if c.is_whitespace() => "leave out the blank before the operator",
                _ => "write `(attribute=value)`, `(attribute=*)` or `(attribute=begin*end)`",
            };
            return self.error(
                operator,
                format!("after `{name}`, one of `=`, `>=`, `<=`, `~=`, `:rule:=` was expected"),
                remedy,
            );
        };
        self.needs.attributes.insert(attribute.into());
        Ok(filter)
    }

    fn equality(&mut self, attribute: Box<str>) -> Result<Filter, SyntaxError> {
        let mut parts = vec![self.value()?];
        while self.accept('*') {
            parts.push(self.value()?);
        }
        let start = self.at;
        if parts.len() == 1 {
            return Ok(Filter::Equal(attribute.clone(), Wanted::new(&attribute, parts.remove(0))));
        }
        if parts.iter().all(Vec::is_empty) {
            return Ok(Filter::Present(attribute));
        }
        let mut texts = Vec::with_capacity(parts.len());
        for part in parts {
            match String::from_utf8(part) {
                Ok(text) => texts.push(Box::<str>::from(folded(&text))),
                Err(_) => {
                    return self.error(
                        start,
                        "the parts between stars are not text",
                        "bytes can be compared as a whole: `(attribute=\\xx\\xx)`",
                    );
                }
            }
        }
        let last = texts.pop().unwrap_or_default();
        let mut texts = texts.into_iter();
        let first = texts.next().unwrap_or_default();
        let middle = texts.filter(|part| !part.is_empty()).collect();
        Ok(Filter::Substrings { attribute, first, middle, last })
    }

    fn extensible(&mut self, attribute: Box<str>) -> Result<Filter, SyntaxError> {
        let start = self.at;
        // `(attribute:=value)` is the attribute's own equality.
        if self.accept('=') {
            let value = self.value()?;
            return Ok(Filter::Equal(attribute.clone(), Wanted::new(&attribute, value)));
        }
        let Some(len) = self.rest().find(":=").filter(|len| !self.rest()[..*len].contains(['(', ')'])) else {
            return self.error(
                start,
                "`:=` was expected",
                "a matching rule is written `(attribute:rule:=value)`",
            );
        };
        let rule = self.rest()[..len].trim();
        self.at += len + 2;
        let at_value = self.at;
        match rule.to_ascii_lowercase().as_str() {
            "1.2.840.113556.1.4.803" | "1.2.840.113556.1.4.804" => {
                let Ok(mask) = self.text()?.trim().parse::<i64>() else {
                    return self.error(at_value, "a whole number was expected", "write the bits as a decimal number, as in `:=2`");
                };
                Ok(Filter::Bits { attribute, mask, all: rule.ends_with('3') })
            }
            "2.5.13.2" | "caseignorematch" => {
                let value = self.value()?;
                Ok(Filter::Equal(attribute.clone(), Wanted::new(&attribute, value)))
            }
            "2.5.13.5" | "caseexactmatch" => Ok(Filter::Exact(attribute, self.value()?.into())),
            "1.2.840.113556.1.4.1941" => self.error(
                start,
                "membership in a chain of groups is not a matter of this filter",
                "name the group in `groups`, or write the expression `in_group(\"…\")`: nested groups count there",
            ),
            _ => self.error(
                start,
                format!("the matching rule `{rule}` is not known"),
                "known are 1.2.840.113556.1.4.803 (all bits), 1.2.840.113556.1.4.804 (any bit), caseIgnoreMatch and caseExactMatch",
            ),
        }
    }

    /// A value that must be text, in its compared form.
    fn text(&mut self) -> Result<Box<str>, SyntaxError> {
        let start = self.at;
        match String::from_utf8(self.value()?) {
            Ok(text) => Ok(folded(text.trim()).into()),
            Err(_) => self.error(start, "a text was expected", "bytes have no order that could be compared"),
        }
    }

    /// A value up to `*`, `(` or `)`, with `\xx` resolved.
    fn value(&mut self) -> Result<Vec<u8>, SyntaxError> {
        let mut out = Vec::new();
        loop {
            // Bytes: a step may end inside a character, the value ends only at ASCII.
            let rest = &self.source.as_bytes()[self.at..];
            match rest.first() {
                Some(b'\\') => {
                    let hex = |b: Option<&u8>| b.and_then(|b| (*b as char).to_digit(16));
                    let (Some(high), Some(low)) = (hex(rest.get(1)), hex(rest.get(2))) else {
                        return self.error(
                            self.at,
                            "`\\` is not followed by two hexadecimal digits",
                            "a backslash is written `\\5c`, a star `\\2a`, parentheses `\\28` and `\\29`",
                        );
                    };
                    // Two digits of four bits each.
                    out.push((high << 4 | low) as u8);
                    self.at += 3;
                }
                Some(b'*' | b'(' | b')') | None => return Ok(out),
                Some(byte) => {
                    out.push(*byte);
                    self.at += 1;
                }
            }
        }
    }
}
