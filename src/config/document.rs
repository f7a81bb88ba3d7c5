//! The text of the configuration file, and where in it each key is.

use std::collections::BTreeMap;
use std::fmt;
use std::ops::Range;
use std::path::{Path, PathBuf};

use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::ConfigError;

/// A place in the configuration file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Location {
    /// The file.
    pub file: PathBuf,
    /// The line, from 1; 0 for the file as a whole.
    pub line: usize,
    /// The column in characters, from 1.
    pub column: usize,
}

impl fmt::Display for Location {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.line {
            0 => write!(f, "{}", self.file.display()),
            line => write!(f, "{}:{line}:{}", self.file.display(), self.column),
        }
    }
}

/// The text of the file and the spans of its keys.
#[derive(Clone)]
pub struct Document {
    path: PathBuf,
    text: String,
    spans: BTreeMap<String, Spans>,
}

#[derive(Clone, Debug)]
struct Spans {
    key: Range<usize>,
    value: Range<usize>,
}

impl fmt::Debug for Document {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // The text names people.
        write!(f, "Document({})", self.path.display())
    }
}

/// Which end of `key = value` an error is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Side {
    Key,
    Value,
}

impl Document {
    /// A file whose keys are not known yet.
    pub(super) fn new(path: &Path, text: String) -> Self {
        Self { path: path.to_owned(), text, spans: BTreeMap::new() }
    }

    /// The path of the file.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Learns where the keys are.
    pub(super) fn index(&mut self, table: &DeTable<'_>) {
        let mut spans = BTreeMap::new();
        index_table(&mut spans, "", table);
        self.spans = spans;
    }

    /// Whether the file has this key.
    pub(super) fn has(&self, key: &str) -> bool {
        self.spans.contains_key(key)
    }

    /// The names of the keys that a section has.
    pub(super) fn names_in(&self, section: &str) -> Vec<&str> {
        let names = self.spans.keys().filter_map(|key| key.strip_prefix(section)?.strip_prefix('.'));
        names.filter(|name| !name.contains(['.', '['])).collect()
    }

    /// Where the value of a key is, and `offset` bytes into it when it is a text. A key that the
    /// file does not have is looked for in the section it belongs to.
    pub fn locate(&self, key: &str, offset: Option<usize>) -> Location {
        self.position(self.span(key, Side::Value, offset).start)
    }

    /// An error about the value of a key, `offset` bytes into it when it is a text.
    pub fn error(
        &self,
        key: &str,
        offset: Option<usize>,
        message: impl Into<String>,
        remedy: impl Into<String>,
    ) -> ConfigError {
        self.error_at(key, self.span(key, Side::Value, offset), message.into(), remedy.into())
    }

    pub(super) fn error_on(&self, key: &str, side: Side, message: String, remedy: String) -> ConfigError {
        self.error_at(key, self.span(key, side, None), message, remedy)
    }

    pub(super) fn error_at(
        &self,
        key: &str,
        span: Range<usize>,
        message: String,
        remedy: String,
    ) -> ConfigError {
        let location = self.position(span.start);
        let start = self.text[..self.floor(span.start)].rfind('\n').map_or(0, |at| at + 1);
        let line = self.text[start..].lines().next().unwrap_or_default();
        let end = self.floor(span.end).clamp(start, start + line.len());
        let from = self.floor(span.start).min(end);
        let line = without_secrets(line);
        let room = (line.chars().count() + 1).saturating_sub(location.column);
        let width = self.text[from..end].chars().count().min(room);
        ConfigError { key: key.to_owned(), location, line, width, message, remedy }
    }

    fn span(&self, key: &str, side: Side, offset: Option<usize>) -> Range<usize> {
        if let Some(spans) = self.spans.get(key) {
            return match (side, offset) {
                (Side::Key, _) => spans.key.clone(),
                (Side::Value, None) => spans.value.clone(),
                (Side::Value, Some(offset)) => {
                    let value = &self.text[spans.value.clone()];
                    let at = spans.value.start + inside_string(value, offset);
                    at..at + 1
                }
            };
        }
        match key.rfind(['.', '[']) {
            Some(end) => self.span(&key[..end], Side::Key, None),
            None => 0..0,
        }
    }

    fn position(&self, offset: usize) -> Location {
        let before = &self.text[..self.floor(offset)];
        let start = before.rfind('\n').map_or(0, |at| at + 1);
        Location {
            file: self.path.clone(),
            line: before.matches('\n').count() + 1,
            column: before[start..].chars().count() + 1,
        }
    }

    fn floor(&self, offset: usize) -> usize {
        let mut offset = offset.min(self.text.len());
        while !self.text.is_char_boundary(offset) {
            offset -= 1;
        }
        offset
    }
}

fn index_table(spans: &mut BTreeMap<String, Spans>, prefix: &str, table: &DeTable<'_>) {
    for (name, value) in table {
        let key = if prefix.is_empty() {
            name.get_ref().to_string()
        } else {
            format!("{prefix}.{}", name.get_ref())
        };
        index_value(spans, key, name.span(), value);
    }
}

fn index_value(
    spans: &mut BTreeMap<String, Spans>,
    key: String,
    key_span: Range<usize>,
    value: &Spanned<DeValue<'_>>,
) {
    match value.get_ref() {
        DeValue::Table(table) => index_table(spans, &key, table),
        DeValue::Array(items) => {
            for (i, item) in items.iter().enumerate() {
                index_value(spans, format!("{key}[{i}]"), item.span(), item);
            }
        }
        _ => {}
    }
    spans.insert(key, Spans { key: key_span, value: value.span() });
}

/// How many bytes into a written TOML string the byte `offset` of its value is.
fn inside_string(written: &str, offset: usize) -> usize {
    let (quotes, escapes) = match written.as_bytes() {
        [b'"', b'"', b'"', ..] => (3, true),
        [b'\'', b'\'', b'\'', ..] => (3, false),
        [b'"', ..] => (1, true),
        [b'\'', ..] => (1, false),
        _ => return 0,
    };
    let mut at = quotes;
    if quotes == 3 {
        // A line end right after the opening quotes is not part of the value.
        let body = &written[at..];
        at += if body.starts_with("\r\n") { 2 } else { usize::from(body.starts_with('\n')) };
    }
    let mut value = 0;
    let mut rest = written[at..].char_indices().peekable();
    while let Some((start, c)) = rest.next() {
        if value >= offset {
            return at + start;
        }
        if c != '\\' || !escapes {
            value += c.len_utf8();
            continue;
        }
        let digits = match rest.next().map(|(_, escape)| escape) {
            Some('u') => 4,
            Some('U') => 8,
            Some('x') => 2,
            Some(white) if white.is_whitespace() => {
                // A line that ends in a backslash goes on at the next character.
                while rest.next_if(|(_, c)| c.is_whitespace()).is_some() {}
                continue;
            }
            _ => {
                value += 1;
                continue;
            }
        };
        let code: String = rest.by_ref().take(digits).map(|(_, digit)| digit).collect();
        let decoded = u32::from_str_radix(&code, 16).ok().and_then(char::from_u32);
        value += decoded.map_or(1, char::len_utf8);
    }
    written.len().saturating_sub(quotes)
}

/// Whoever writes a secret into the configuration gets an error, and must not find the secret
/// in it.
fn without_secrets(line: &str) -> String {
    const WORDS: [&str; 5] = ["password", "passwd", "secret", "token", "api_key"];
    const HARMLESS: [&str; 3] = ["_file", "_env", "_credential"];
    let lower = line.to_ascii_lowercase();
    for word in WORDS {
        for (at, _) in lower.match_indices(word) {
            let after = at + word.len();
            let name = &lower[after..];
            if HARMLESS.iter().any(|suffix| name.starts_with(suffix)) {
                continue;
            }
            if let Some(equals) = name.find(['=', ':']) {
                return format!("{} …", &line[..=after + equals]);
            }
        }
    }
    // The same for `ldaps://user:password@host`.
    let mut shown = String::with_capacity(line.len());
    let mut rest = line;
    while let Some(scheme) = rest.find("://") {
        let (before, after) = rest.split_at(scheme + 3);
        shown.push_str(before);
        let authority = after.find(['/', '"', '\'', ' ', ',']).unwrap_or(after.len());
        rest = match after[..authority].rfind('@') {
            Some(at) => {
                shown.push('…');
                &after[at..]
            }
            None => after,
        };
    }
    shown + rest
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_offset_in_a_value_is_found_in_the_text() {
        for (written, offset, expected) in [
            (r#""abc""#, 1, 2),
            ("'abc'", 2, 3),
            ("'''\nabc'''", 0, 4),
            ("\"\"\"\r\nabc\"\"\"", 1, 6),
            (r#""a\"b""#, 2, 4),
            (r#""a\u00e9b""#, 3, 8),
            (r#""a\x41b""#, 2, 6),
            ("\"éa\"", 2, 3),
            ("\"\"\"a\\\n   b\"\"\"", 1, 4),
            (r#""abc""#, 99, 4),
            (r#""a\u12"#, 99, 5),
            ("7", 3, 0),
        ] {
            let at = inside_string(written, offset);
            assert_eq!(at, expected, "{written} {offset}");
        }
    }

    #[test]
    fn a_line_is_shown_without_secrets() {
        for (line, shown) in [
            ("password = \"hunter2\"", "password = …"),
            ("  Bind_Password=\"hunter2\" # x", "  Bind_Password= …"),
            ("a = { token = \"x\" }", "a = { token = …"),
            ("token_file = \"x\"", "token_file = \"x\""),
            ("token_file = \"x\", token = \"y\"", "token_file = \"x\", token = …"),
            ("urls = [\"ldaps://u:p@host\"]", "urls = [\"ldaps://…@host\"]"),
            (
                "urls = [\"ldaps://a\", \"ldaps://u:p@b/\", \"c@d\"]",
                "urls = [\"ldaps://a\", \"ldaps://…@b/\", \"c@d\"]",
            ),
            ("filter = \"(mail=*@example.com)\"", "filter = \"(mail=*@example.com)\""),
        ] {
            assert_eq!(without_secrets(line), shown);
        }
    }
}
