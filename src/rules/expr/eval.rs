//! Evaluation: total, without state, and without a copy where none is needed.

use std::borrow::Cow;

use super::{Condition, Map, Text, country, date, language, letters, phone, unit, words};
use crate::rules::fold::{folded, same};
use crate::rules::subject::{MAX_TEXT, Subject, cut};

impl Text {
    /// The text for one person; blank for "nothing". At most [`MAX_TEXT`] bytes.
    pub(in crate::rules) fn of<'a>(&'a self, subject: &Subject<'a>) -> Cow<'a, str> {
        match self {
            Self::Literal(text) => Cow::Borrowed(cut(text)),
            Self::Attribute(name) => Cow::Borrowed(subject.text(name)),
            Self::First(texts) => texts
                .iter()
                .map(|text| text.of(subject))
                .find(|text| !text.trim().is_empty())
                .unwrap_or_default(),
            Self::Join(separator, texts) => join(separator, texts, subject),
            Self::If(condition, yes, no) => if condition.of(subject) { yes } else { no }.of(subject),
            Self::Map(map, text) => map.of(text.of(subject)),
            Self::Before(text, separator) => narrow(text.of(subject), |text| {
                text.split_once(&**separator).map_or("", |(before, _)| before)
            }),
            Self::After(text, separator) => {
                narrow(text.of(subject), |text| text.split_once(&**separator).map_or("", |(_, after)| after))
            }
            Self::Strip(text, beginning) => {
                narrow(text.of(subject), |text| match text.get(..beginning.len()) {
                    Some(begin) if same(begin, beginning) => &text[beginning.len()..],
                    _ => text,
                })
            }
            Self::Replace(text, from, to) => {
                let text = text.of(subject);
                if text.contains(&**from) { bounded(replace(&text, from, to)) } else { text }
            }
            Self::Substring(text, start, length) => {
                narrow(text.of(subject), |text| substring(text, *start, *length))
            }
            Self::Pick(attribute, beginning, nth) => pick(subject, attribute, beginning, *nth),
            Self::Match(text, cases, otherwise) => {
                let text = text.of(subject);
                let hit = cases.iter().find(|(case, _)| same(&text, &case.of(subject)));
                hit.map_or(&**otherwise, |(_, then)| then).of(subject)
            }
            Self::ReplaceRegex(text, pattern, to) => {
                let text = text.of(subject);
                if pattern.is_in(&text) { bounded(pattern.replace(&text, to)) } else { text }
            }
            Self::Extract(text, pattern) => narrow(text.of(subject), |text| pattern.extract(text)),
            Self::Phone(text, country) => {
                Cow::Owned(phone::e164(&text.of(subject), &country.of(subject)).unwrap_or_default())
            }
            Self::Pad(text, length, with) => bounded(words::pad(&text.of(subject), *length, *with)),
            Self::Unit(nth) => match unit::unit(&subject.record.dn, *nth) {
                Some(Cow::Borrowed(text)) => Cow::Borrowed(cut(text)),
                Some(Cow::Owned(text)) => bounded(text),
                None => Cow::Borrowed(""),
            },
        }
    }
}

impl Condition {
    /// Whether it holds for one person.
    pub(in crate::rules) fn of(&self, subject: &Subject<'_>) -> bool {
        // Two texts, compared without case.
        let pair = |a: &Text, b: &Text, test: fn(&str, &str) -> bool| {
            test(&folded(&a.of(subject)), &folded(&b.of(subject)))
        };
        match self {
            Self::And(all) => all.iter().all(|condition| condition.of(subject)),
            Self::Or(any) => any.iter().any(|condition| condition.of(subject)),
            Self::Not(condition) => !condition.of(subject),
            Self::Equal(a, b) => same(&a.of(subject), &b.of(subject)),
            Self::Contains(a, b) => pair(a, b, |a, b| a.contains(b)),
            Self::StartsWith(a, b) => pair(a, b, |a, b| a.starts_with(b)),
            Self::EndsWith(a, b) => pair(a, b, |a, b| a.ends_with(b)),
            Self::OneOf(text, others) => {
                let text = text.of(subject);
                others.iter().any(|other| same(&text, &other.of(subject)))
            }
            // Photos and other bytes are present too, though they are no text.
            Self::Present(Text::Attribute(name)) => {
                subject.record.values(name).any(|value| !value.trim_ascii().is_empty())
            }
            Self::Present(text) => !text.of(subject).trim().is_empty(),
            Self::Matches(text, pattern) => pattern.is_in(&text.of(subject)),
            Self::Has(attribute, text) => {
                let text = text.of(subject);
                subject.record.texts(attribute).any(|value| same(cut(value.trim()), &text))
            }
            Self::InGroup(index) => subject.groups.contains(*index),
            Self::Under(base) => subject.under(base),
        }
    }
}

impl Map {
    fn of(self, text: Cow<'_, str>) -> Cow<'_, str> {
        match self {
            Self::Lower if !text.chars().any(char::is_uppercase) => text,
            Self::Upper if !text.chars().any(char::is_lowercase) => text,
            Self::Lower => bounded(text.to_lowercase()),
            Self::Upper => bounded(text.to_uppercase()),
            Self::Trim => narrow(text, str::trim),
            Self::OneLine if !text.chars().any(char::is_control) => narrow(text, str::trim),
            Self::OneLine => bounded(one_line(&text)),
            Self::Digits => Cow::Owned(text.chars().filter(char::is_ascii_digit).collect()),
            Self::Ascii if text.is_ascii() => text,
            Self::Ascii => bounded(letters::ascii(&text)),
            Self::Capitalize => bounded(words::capitalize(&text)),
            Self::TitleCase => bounded(words::title_case(&text)),
            Self::Country => Cow::Borrowed(country::code(&text).unwrap_or_default()),
            Self::Date => Cow::Owned(date::date(&text).unwrap_or_default()),
            Self::Language => Cow::Owned(language::tag(&text).unwrap_or_default()),
        }
    }
}

/// Directories give values in no order, so that they are counted in that of their bytes.
fn pick<'a>(subject: &Subject<'a>, attribute: &str, beginning: &str, nth: usize) -> Cow<'a, str> {
    let found = subject
        .record
        .texts(attribute)
        .filter_map(|text| text.trim().strip_prefix(beginning))
        .filter(|text| !text.trim().is_empty());
    let text = if nth == 1 {
        found.min()
    } else {
        let mut all: Vec<&'a str> = found.collect();
        all.sort_unstable();
        all.dedup();
        all.get(nth.saturating_sub(1)).copied()
    };
    Cow::Borrowed(cut(text.unwrap_or_default()))
}

/// A part of a text, borrowed when the text is.
fn narrow<'a>(text: Cow<'a, str>, part: impl Fn(&str) -> &str) -> Cow<'a, str> {
    match text {
        Cow::Borrowed(text) => Cow::Borrowed(part(text)),
        Cow::Owned(text) => Cow::Owned(part(&text).to_owned()),
    }
}

fn bounded<'a>(mut text: String) -> Cow<'a, str> {
    text.truncate(cut(&text).len());
    Cow::Owned(text)
}

fn join<'a>(separator: &str, texts: &'a [Text], subject: &Subject<'a>) -> Cow<'a, str> {
    let mut joined = Cow::Borrowed("");
    for text in texts {
        let text = text.of(subject);
        if text.trim().is_empty() {
            continue;
        }
        if joined.is_empty() {
            joined = text;
            continue;
        }
        let whole = joined.to_mut();
        whole.push_str(separator);
        whole.push_str(&text);
        if whole.len() > MAX_TEXT {
            break;
        }
    }
    match joined {
        Cow::Owned(text) => bounded(text),
        borrowed @ Cow::Borrowed(_) => borrowed,
    }
}

/// Like [`str::replace`], but stops when the result is long enough to be refused anyway.
fn replace(text: &str, from: &str, to: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some((before, after)) = rest.split_once(from) {
        out.push_str(before);
        out.push_str(to);
        rest = after;
        if out.len() > MAX_TEXT {
            return out;
        }
    }
    out.push_str(rest);
    out
}

fn substring(text: &str, start: i64, length: Option<usize>) -> &str {
    let skip = match usize::try_from(start) {
        Ok(skip) => skip,
        // From the end; when the text is shorter, from its beginning.
        Err(_) => {
            let back = usize::try_from(start.unsigned_abs()).unwrap_or(usize::MAX);
            text.chars().count().saturating_sub(back)
        }
    };
    let place = |text: &str, n: usize| text.char_indices().nth(n).map_or(text.len(), |(at, _)| at);
    let rest = &text[place(text, skip)..];
    length.map_or(rest, |length| &rest[..place(rest, length)])
}

/// Line breaks become `, `; tabs and runs of blanks become one blank.
fn one_line(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for line in text.split(['\r', '\n', '\u{b}', '\u{c}', '\u{85}', '\u{2028}', '\u{2029}']) {
        let mut first = true;
        for word in line.split(|c: char| c.is_whitespace() || c.is_control()).filter(|word| !word.is_empty())
        {
            if !out.is_empty() {
                // A line that already ends with a comma needs no second one.
                out.push_str(if first && !out.ends_with(',') { ", " } else { " " });
            }
            out.push_str(word);
            first = false;
        }
    }
    out
}
