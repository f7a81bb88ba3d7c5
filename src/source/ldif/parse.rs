//! Reading LDIF content records (RFC 2849), one at a time.

use std::io::{self, BufRead, Read};

use base64::Engine;
use base64::engine::general_purpose::STANDARD;

use crate::model::Attribute;
use crate::source::description::{self, Options};

/// The greatest entry that is taken, in bytes: ten times a group of 100,000 members.
const LARGEST: usize = 64 << 20;

/// One record of the file.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Item {
    /// An entry.
    Entry {
        dn: String,
        /// Names in lower case and without options; equal names together.
        attributes: Vec<Attribute>,
    },
    /// An entry that cannot be read. The file goes on behind it.
    Bad {
        /// As far as it is known.
        dn: String,
        /// With the line.
        reason: String,
    },
}

/// Why the rest of the file is not read.
#[derive(Debug)]
pub(super) enum Stop {
    /// The file cannot be read further.
    Io(io::Error),
    /// The file does not hold entries but something else.
    NotContent { line: u64, what: String },
}

/// A parser over the bytes of a file.
pub(super) struct Parser<R> {
    input: R,
    /// The number of the last line taken from the input.
    line: u64,
    /// A line taken from the input too early.
    ahead: Option<Vec<u8>>,
    /// Whether anything but comments and the version has been met.
    begun: bool,
    /// Whether the file ends in the middle of a line.
    cut: bool,
}

/// A logical line: its number, and its bytes without folding.
type Line = (u64, Vec<u8>);

impl<R: BufRead> Parser<R> {
    pub(super) fn new(input: R) -> Self {
        Self { input, line: 0, ahead: None, begun: false, cut: false }
    }

    /// Whether the file ended without an end of line: it was probably not copied whole.
    pub(super) fn is_cut(&self) -> bool {
        self.cut
    }

    /// The next record; `None` at the end of the file.
    pub(super) fn next(&mut self) -> Result<Option<Item>, Stop> {
        let mut lines: Vec<Line> = Vec::new();
        let mut size = 0;
        while let Some((number, line)) = self.logical()? {
            if line.is_empty() {
                if lines.is_empty() {
                    continue;
                }
                break;
            }
            if !self.begun {
                self.begun = true;
                if let Some(version) = line.strip_prefix(b"version:") {
                    if version.trim_ascii() != b"1" {
                        return Err(Stop::NotContent { line: number, what: "a version other than 1".into() });
                    }
                    continue;
                }
            }
            size += line.len();
            // What is too large is still read to its end, but not kept.
            if size <= LARGEST {
                lines.push((number, line));
            }
        }
        if lines.is_empty() {
            return Ok(None);
        }
        let mut dn = String::new();
        let outcome = match size > LARGEST {
            true => {
                let number = lines[0].0;
                Err(Flaw::Entry(number, "the entry is larger than 64 MiB".into()))
            }
            false => entry(lines, &mut dn),
        };
        match outcome {
            Ok(_) if self.cut => {
                let reason = format!("line {}: the file ends in the middle of this entry", self.line);
                Ok(Some(Item::Bad { dn, reason }))
            }
            Ok(attributes) => Ok(Some(Item::Entry { dn, attributes })),
            Err(Flaw::Entry(line, reason)) => {
                Ok(Some(Item::Bad { dn, reason: format!("line {line}: {reason}") }))
            }
            Err(Flaw::File(line, what)) => Err(Stop::NotContent { line, what }),
        }
    }

    /// The next line with its continuations, comments left out.
    fn logical(&mut self) -> Result<Option<Line>, Stop> {
        loop {
            let Some(mut line) = self.physical()? else { return Ok(None) };
            let number = self.line;
            if !line.is_empty() {
                while let Some(next) = self.physical()? {
                    match next.strip_prefix(b" ") {
                        Some(rest) if line.len() <= LARGEST => line.extend_from_slice(rest),
                        Some(_) => {}
                        None => {
                            self.ahead = Some(next);
                            self.line -= 1;
                            break;
                        }
                    }
                }
            }
            if !line.starts_with(b"#") {
                return Ok(Some((number, line)));
            }
        }
    }

    /// The next line as it stands in the file, without its end.
    fn physical(&mut self) -> Result<Option<Vec<u8>>, Stop> {
        if let Some(line) = self.ahead.take() {
            self.line += 1;
            return Ok(Some(line));
        }
        let mut line = Vec::new();
        let limit = LARGEST as u64 + 2;
        let taken = self.input.by_ref().take(limit).read_until(b'\n', &mut line).map_err(Stop::Io)?;
        if taken == 0 {
            return Ok(None);
        }
        if self.line == 0 {
            if line.starts_with(b"\xff\xfe") || line.starts_with(b"\xfe\xff") {
                return Err(Stop::NotContent { line: 1, what: "text in UTF-16; LDIF is UTF-8".into() });
            }
            if line.starts_with(b"\xef\xbb\xbf") {
                line.drain(..3);
            }
        }
        self.line += 1;
        if line.last() == Some(&b'\n') {
            line.pop();
            if line.last() == Some(&b'\r') {
                line.pop();
            }
        } else if taken as u64 == limit {
            return Err(Stop::NotContent { line: self.line, what: "a line of more than 64 MiB".into() });
        } else {
            self.cut = true;
        }
        Ok(Some(line))
    }
}

/// What is wrong: with the entry, or with the whole file.
enum Flaw {
    Entry(u64, String),
    File(u64, String),
}

/// Reads the lines of one entry. The DN is written as soon as it is known.
fn entry(lines: Vec<Line>, dn: &mut String) -> Result<Vec<Attribute>, Flaw> {
    let mut attributes: Vec<Attribute> = Vec::new();
    // Lists of which only a part came so far: exported by tools that do not fetch the rest.
    let mut open: Vec<String> = Vec::new();
    let mut lines = lines.into_iter();
    let mut first = true;
    for (number, line) in lines.by_ref() {
        let (name, value) = name_and_value(number, line)?;
        if first {
            if !name.eq_ignore_ascii_case("dn") {
                return Err(Flaw::Entry(number, format!("an entry begins with dn, not with {name}")));
            }
            *dn = String::from_utf8(value).map_err(|_| Flaw::Entry(number, "the DN is not UTF-8".into()))?;
            first = false;
            continue;
        }
        match name.to_ascii_lowercase().as_str() {
            "dn" => {
                let reason = "a second dn in the entry: an empty line before it is missing";
                return Err(Flaw::Entry(number, reason.into()));
            }
            // Exports by ldifde of Windows mark every entry so.
            "changetype" if value.eq_ignore_ascii_case(b"add") => continue,
            "changetype" | "control" => return Err(Flaw::File(number, "a change record".into())),
            _ => {}
        }
        let mut name = name;
        match description::fold(&mut name) {
            Options::Part(_) => {
                open.retain(|other| *other != name);
                open.push(name.clone());
            }
            Options::LastPart => open.retain(|other| *other != name),
            Options::None | Options::Tags => {}
        }
        match attributes.iter_mut().rev().find(|attribute| attribute.name == name) {
            Some(attribute) => attribute.values.push(value),
            None => attributes.push(Attribute { name, values: vec![value] }),
        }
    }
    match open.first() {
        None => Ok(attributes),
        Some(name) => Err(Flaw::Entry(0, format!("the file has only a part of the values of {name}"))),
    }
}

/// Splits a line such as `cn: Ann` or `cn:: QW5u`.
fn name_and_value(number: u64, mut line: Vec<u8>) -> Result<(String, Vec<u8>), Flaw> {
    let flaw = |reason: &str| Flaw::Entry(number, reason.to_owned());
    let Some(colon) = line.iter().position(|byte| *byte == b':') else {
        return Err(flaw("neither an attribute nor a continuation: no colon"));
    };
    let name =
        std::str::from_utf8(&line[..colon]).map_err(|_| flaw("the attribute name is not text"))?.to_owned();
    if name.is_empty() || name.contains(' ') {
        return Err(flaw("no attribute name before the colon"));
    }
    let rest = &line[colon + 1..];
    match rest.first() {
        Some(b':') => {
            let value =
                STANDARD.decode(rest[1..].trim_ascii()).map_err(|_| flaw("the value is not base64"))?;
            Ok((name, value))
        }
        Some(b'<') => {
            Err(flaw("the value is in another file (URL), which is not followed: put it here as base64"))
        }
        _ => {
            let blanks = rest.iter().take_while(|byte| **byte == b' ').count();
            line.drain(..colon + 1 + blanks);
            Ok((name, line))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn all(text: &[u8]) -> (Vec<Item>, Option<Stop>) {
        let mut parser = Parser::new(text);
        let mut items = Vec::new();
        loop {
            match parser.next() {
                Ok(Some(item)) => items.push(item),
                Ok(None) => return (items, None),
                Err(stop) => return (items, Some(stop)),
            }
        }
    }

    fn entry(dn: &str, attributes: &[(&str, &[&str])]) -> Item {
        let attributes = attributes
            .iter()
            .map(|(name, values)| Attribute {
                name: (*name).into(),
                values: values.iter().map(|v| v.as_bytes().to_vec()).collect(),
            })
            .collect();
        Item::Entry { dn: dn.into(), attributes }
    }

    #[test]
    fn the_forms_of_the_specification() {
        let text = "\u{feff}version: 1\n# a comment\n that goes on\ndn: cn=Ann Lee,dc=example,\n dc=com\n\
                    CN: Ann\ncn;lang-de:: w4RubmU=\ndescription:nothing before it\nempty:\nempty2: \n\n\n\
                    dn:: Y249QixkYz1leGFtcGxl\r\ncn: B\r\n\r\n# the end\n";
        let (items, stop) = all(text.as_bytes());
        assert!(stop.is_none());
        assert_eq!(
            items,
            [
                entry(
                    "cn=Ann Lee,dc=example,dc=com",
                    &[
                        ("cn", &["Ann", "Änne"]),
                        ("description", &["nothing before it"]),
                        ("empty", &[""]),
                        ("empty2", &[""])
                    ]
                ),
                entry("cn=B,dc=example", &[("cn", &["B"])]),
            ]
        );
    }

    #[test]
    fn a_bad_entry_does_not_stop_the_others() {
        let good = "dn: cn=good\ncn: good\n\n";
        for (bad, dn, reason) in [
            ("cn: a\n\n", "", "line 4: an entry begins with dn"),
            ("dn: cn=a\nno colon\n\n", "cn=a", "line 5: neither"),
            ("dn: cn=a\ncn:: %%\n\n", "cn=a", "line 5: the value is not base64"),
            ("dn: cn=a\njpegPhoto:< file:///photo\n\n", "cn=a", "line 5: the value is in another file"),
            ("dn: cn=a\ncn: a\ndn: cn=b\ncn: b\n\n", "cn=a", "line 6: a second dn"),
            ("dn: cn=a\n: a\n\n", "cn=a", "line 5: no attribute name"),
            ("dn:: /w==\n\n", "", "line 4: the DN is not UTF-8"),
            ("dn: cn=a\nmember;range=0-1: x\n\n", "cn=a", "only a part of the values of member"),
        ] {
            let (items, stop) = all(format!("{good}{bad}{good}").as_bytes());
            assert!(stop.is_none());
            assert_eq!(items.len(), 3, "{bad}");
            assert_eq!((&items[0], &items[2]), (&entry("cn=good", &[("cn", &["good"])]), &items[0]));
            let Item::Bad { dn: told, reason: why } = &items[1] else { panic!("{bad} was taken") };
            assert_eq!(told, dn);
            assert!(why.contains(reason), "{why}");
        }
    }

    #[test]
    fn change_records_are_refused_except_those_that_only_add() {
        let (items, stop) = all(b"dn: cn=a\nchangetype: add\ncn: a\n\ndn: cn=b\nchangetype: delete\n\n");
        assert_eq!(items, [entry("cn=a", &[("cn", &["a"])])]);
        assert!(matches!(stop, Some(Stop::NotContent { line: 6, .. })), "{stop:?}");
        let (_, stop) = all(b"version: 2\n\n");
        assert!(matches!(stop, Some(Stop::NotContent { line: 1, .. })), "{stop:?}");
        let (_, stop) = all(b"\xff\xfed\0n\0");
        assert!(matches!(stop, Some(Stop::NotContent { line: 1, .. })), "{stop:?}");
    }

    #[test]
    fn a_file_that_was_cut_is_noticed() {
        let mut parser = Parser::new(&b"dn: cn=a\ncn: a\n\ndn: cn=b\nmail: b@exam"[..]);
        assert!(matches!(parser.next(), Ok(Some(Item::Entry { .. }))));
        assert!(!parser.is_cut());
        assert!(matches!(parser.next(), Ok(Some(Item::Bad { dn, .. })) if dn == "cn=b"));
        assert!(parser.is_cut());
    }

    #[test]
    fn any_bytes_are_survived() {
        // A small generator of nasty inputs from the characters that mean something.
        let alphabet = b"dn:: \n\r#<cA=\xff;-0";
        let mut state = 0x2545_f491_u32;
        for _ in 0..2000 {
            let text: Vec<u8> = (0..60)
                .map(|_| {
                    state ^= state << 13;
                    state ^= state >> 17;
                    state ^= state << 5;
                    alphabet[state as usize % alphabet.len()]
                })
                .collect();
            all(&text);
        }
    }
}
