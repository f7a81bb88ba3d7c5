//! The functions of expressions: their names, how they are called, and what they compile to.

use super::parse::{Kind, Node};
use super::{Condition, Map, Needs, Pattern, Text, country, phone};
use crate::model::normal_dn;
use crate::rules::error::SyntaxError;
use crate::rules::groups::is_dn;
use crate::rules::nearest::nearest;

/// A function that can be called.
#[derive(Debug)]
pub(super) struct Signature {
    name: &'static str,
    /// How it is written, for errors.
    usage: &'static str,
    min: usize,
    max: usize,
}

const MANY: usize = usize::MAX;

const fn call(name: &'static str, usage: &'static str, min: usize, max: usize) -> Signature {
    Signature { name, usage, min, max }
}

/// All functions, in the order of `docs/RULES.md`.
pub(super) const FUNCTIONS: &[Signature] = &[
    call("first", "first(text, text, …)", 1, MANY),
    call("default", "default(text, \"otherwise\")", 2, 2),
    call("join", "join(\"separator\", text, text, …)", 2, MANY),
    call("if", "if(condition, text, text)", 3, 3),
    call("match", "match(text, \"case\", text, …, otherwise)", 3, MANY),
    call("lower", "lower(text)", 1, 1),
    call("upper", "upper(text)", 1, 1),
    call("capitalize", "capitalize(text)", 1, 1),
    call("title_case", "title_case(text)", 1, 1),
    call("trim", "trim(text)", 1, 1),
    call("one_line", "one_line(text)", 1, 1),
    call("digits", "digits(text)", 1, 1),
    call("ascii", "ascii(text)", 1, 1),
    call("language", "language(text)", 1, 1),
    call("country", "country(text)", 1, 1),
    call("date", "date(text)", 1, 1),
    call("phone", "phone(text, \"DE\")", 2, 2),
    call("before", "before(text, \"separator\")", 2, 2),
    call("after", "after(text, \"separator\")", 2, 2),
    call("strip", "strip(text, \"beginning\")", 2, 2),
    call("replace", "replace(text, \"from\", \"to\")", 3, 3),
    call("replace_regex", "replace_regex(text, \"pattern\", \"to\")", 3, 3),
    call("extract", "extract(text, \"pattern\")", 2, 2),
    call("substring", "substring(text, start) or substring(text, start, length)", 2, 3),
    call("pad", "pad(text, length, \"0\")", 3, 3),
    call("pick", "pick(attribute, \"beginning\") or pick(attribute, \"beginning\", number)", 2, 3),
    call("ou", "ou(number)", 1, 1),
    call("present", "present(text)", 1, 1),
    call("contains", "contains(text, text)", 2, 2),
    call("starts_with", "starts_with(text, text)", 2, 2),
    call("ends_with", "ends_with(text, text)", 2, 2),
    call("matches", "matches(text, \"pattern\")", 2, 2),
    call("one_of", "one_of(text, text, …)", 2, MANY),
    call("has", "has(attribute, text)", 2, 2),
    call("in_group", "in_group(\"name or DN\")", 1, 1),
    call("under", "under(\"DN\")", 1, 1),
];

/// Words of other languages, and ours for the same.
const SYNONYMS: &[(&str, &str)] = &[
    ("concat", "join"),
    ("concatenate", "join"),
    ("coalesce", "first"),
    ("iif", "if"),
    ("toupper", "upper"),
    ("tolower", "lower"),
    ("switch", "match"),
    ("case", "match"),
    ("regex_replace", "replace_regex"),
    ("regex", "matches"),
    ("proper", "title_case"),
    ("pcase", "title_case"),
    ("ucfirst", "capitalize"),
    ("e164", "phone"),
    ("padleft", "pad"),
    ("lpad", "pad"),
    ("todate", "date"),
    ("formatdatetime", "date"),
    ("removediacritics", "ascii"),
    ("normalizediacritics", "ascii"),
    ("mid", "substring"),
    ("left", "substring"),
    ("right", "substring"),
    ("isnullorempty", "present"),
    ("exists", "present"),
    ("isempty", "present"),
    ("equals", "=="),
    ("memberof", "in_group"),
    ("member_of", "in_group"),
    ("in_ou", "under"),
    ("any", "or"),
    ("all", "and"),
];

/// The names of all functions.
pub(super) fn names() -> impl Iterator<Item = &'static str> {
    FUNCTIONS.iter().map(|function| function.name)
}

/// The function with this name.
pub(super) fn signature(offset: usize, name: &str) -> Result<&'static Signature, SyntaxError> {
    if let Some(found) = FUNCTIONS.iter().find(|function| function.name == name) {
        return Ok(found);
    }
    let lower = name.to_ascii_lowercase();
    let meant = SYNONYMS
        .iter()
        .find(|(theirs, _)| *theirs == lower)
        .map(|(_, ours)| *ours)
        .or_else(|| nearest(name, names()));
    let remedy = meant.map_or_else(
        || format!("the functions are {}", names().collect::<Vec<_>>().join(", ")),
        |meant| format!("did you mean `{meant}`?"),
    );
    Err(SyntaxError::new(offset, format!("there is no function `{name}`"), remedy))
}

/// One argument, with its source for errors.
#[derive(Debug)]
pub(super) struct Argument<'a> {
    pub(super) source: &'a str,
    pub(super) node: Node,
}

/// Texts to compare with, each with the text that goes with it.
type Cases = Box<[(Text, Text)]>;

/// The arguments of one call, taken from the left.
struct Arguments<'a> {
    usage: &'static str,
    rest: std::vec::IntoIter<Argument<'a>>,
    close: usize,
}

impl Arguments<'_> {
    /// The next argument. Their number has been checked; if that were wrong, the error
    /// would still be a plain one.
    fn next(&mut self) -> Result<Node, SyntaxError> {
        self.rest.next().map(|argument| argument.node).ok_or_else(|| {
            SyntaxError::new(self.close, "an argument is missing", format!("write `{}`", self.usage))
        })
    }

    fn text(&mut self) -> Result<Text, SyntaxError> {
        self.next()?.text()
    }

    fn boxed(&mut self) -> Result<Box<Text>, SyntaxError> {
        self.text().map(Box::new)
    }

    fn texts(&mut self) -> Result<Box<[Text]>, SyntaxError> {
        self.rest.by_ref().map(|argument| argument.node.text()).collect()
    }

    fn wrong(&self, offset: usize, source: &str, wanted: &str) -> SyntaxError {
        SyntaxError::new(
            offset,
            format!("`{source}` stands where {wanted} is needed"),
            format!("write `{}`", self.usage),
        )
    }

    /// A text in quotes, which may be empty only where `empty` says so.
    fn literal(&mut self, empty: bool) -> Result<(usize, Box<str>), SyntaxError> {
        let source = self.rest.as_slice().first().map_or("", |argument| argument.source);
        let node = self.next()?;
        match node.kind {
            Kind::Text(Text::Literal(text)) if empty || !text.is_empty() => Ok((node.offset, text)),
            Kind::Text(Text::Literal(_)) => Err(self.wrong(node.offset, source, "a text that is not empty")),
            _ => Err(self.wrong(node.offset, source, "a text in quotes")),
        }
    }

    fn pattern(&mut self, folded: bool) -> Result<Pattern, SyntaxError> {
        let (offset, source) = self.literal(false)?;
        Pattern::compile(offset, &source, folded)
    }

    /// A number from 1 to `most`.
    fn ordinal(&mut self, most: usize) -> Result<usize, SyntaxError> {
        let (at, source) =
            self.rest.as_slice().first().map_or((self.close, ""), |next| (next.node.offset, next.source));
        let number = usize::try_from(self.number(false)?).unwrap_or(usize::MAX);
        if (1..=most).contains(&number) {
            return Ok(number);
        }
        Err(self.wrong(at, source, &format!("a number from 1 to {most}")))
    }

    /// The country where numbers are dialled; of a text in quotes it is known whether it is one.
    fn dialled_in(&mut self) -> Result<Box<Text>, SyntaxError> {
        let source = self.rest.as_slice().first().map_or("", |argument| argument.source);
        let node = self.next()?;
        let offset = node.offset;
        let text = node.text()?;
        if let Text::Literal(country) = &text
            && !phone::countries().any(|known| known.eq_ignore_ascii_case(country.trim()))
        {
            let known = if country::code(country).is_some_and(|code| code.eq_ignore_ascii_case(country)) {
                "a country whose dialling is known"
            } else {
                "a country code of two letters"
            };
            return Err(self.wrong(offset, source, known));
        }
        Ok(Box::new(text))
    }

    /// Cases with their texts, and the text for all others.
    fn cases(&mut self) -> Result<(Cases, Box<Text>), SyntaxError> {
        let mut cases = Vec::new();
        while self.rest.len() > 1 {
            cases.push((self.text()?, self.text()?));
        }
        let otherwise = if self.rest.len() == 1 { self.text()? } else { Text::Literal("".into()) };
        Ok((cases.into(), Box::new(otherwise)))
    }

    fn attribute(&mut self) -> Result<Box<str>, SyntaxError> {
        let source = self.rest.as_slice().first().map_or("", |argument| argument.source);
        let node = self.next()?;
        match node.kind {
            Kind::Text(Text::Attribute(name)) => Ok(name),
            _ => Err(self.wrong(node.offset, source, "the name of an attribute")),
        }
    }

    fn number(&mut self, negative: bool) -> Result<i64, SyntaxError> {
        let source = self.rest.as_slice().first().map_or("", |argument| argument.source);
        let node = self.next()?;
        match node.kind {
            Kind::Number(number) if negative || number >= 0 => Ok(number),
            Kind::Number(_) => Err(self.wrong(node.offset, source, "a number that is not negative")),
            _ => Err(self.wrong(node.offset, source, "a whole number")),
        }
    }
}

/// Compiles one call. `close` is where its `)` stands.
pub(super) fn build(
    signature: &'static Signature,
    offset: usize,
    close: usize,
    arguments: Vec<Argument<'_>>,
    needs: &mut Needs,
) -> Result<Kind, SyntaxError> {
    let count = arguments.len();
    if count < signature.min || count > signature.max {
        let (at, what) = match arguments.get(signature.max) {
            Some(surplus) => (surplus.node.offset, "too many"),
            None => (close, "too few"),
        };
        return Err(SyntaxError::new(
            at,
            format!("`{}` has {what} arguments", signature.name),
            format!("write `{}`", signature.usage),
        ));
    }
    let mut args = Arguments { usage: signature.usage, rest: arguments.into_iter(), close };
    let text = |text| Ok(Kind::Text(text));
    let condition = |condition| Ok(Kind::Condition(condition));
    let mut map = |map| Ok(Kind::Text(Text::Map(map, args.boxed()?)));
    match signature.name {
        "lower" => map(Map::Lower),
        "upper" => map(Map::Upper),
        "trim" => map(Map::Trim),
        "one_line" => map(Map::OneLine),
        "digits" => map(Map::Digits),
        "ascii" => map(Map::Ascii),
        "language" => map(Map::Language),
        "capitalize" => map(Map::Capitalize),
        "title_case" => map(Map::TitleCase),
        "country" => map(Map::Country),
        "date" => map(Map::Date),
        "first" | "default" => text(Text::First(args.texts()?)),
        "join" => text(Text::Join(args.literal(true)?.1, args.texts()?)),
        "if" => text(Text::If(Box::new(args.next()?.condition()?), args.boxed()?, args.boxed()?)),
        "before" => text(Text::Before(args.boxed()?, args.literal(false)?.1)),
        "after" => text(Text::After(args.boxed()?, args.literal(false)?.1)),
        "strip" => text(Text::Strip(args.boxed()?, args.literal(false)?.1)),
        "replace" => text(Text::Replace(args.boxed()?, args.literal(false)?.1, args.literal(true)?.1)),
        "substring" => {
            let (whole, start) = (args.boxed()?, args.number(true)?);
            let length = if count == 3 { usize::try_from(args.number(false)?).ok() } else { None };
            text(Text::Substring(whole, start, length))
        }
        "pick" => {
            let (attribute, beginning) = (args.attribute()?, args.literal(true)?.1);
            text(Text::Pick(attribute, beginning, if count == 3 { args.ordinal(1000)? } else { 1 }))
        }
        "match" => {
            let whole = args.boxed()?;
            let (cases, otherwise) = args.cases()?;
            text(Text::Match(whole, cases, otherwise))
        }
        "replace_regex" => {
            text(Text::ReplaceRegex(args.boxed()?, args.pattern(false)?, args.literal(true)?.1))
        }
        "extract" => text(Text::Extract(args.boxed()?, args.pattern(false)?)),
        "phone" => text(Text::Phone(args.boxed()?, args.dialled_in()?)),
        "pad" => {
            let (whole, length) = (args.boxed()?, args.ordinal(256)?);
            let (at, with) = args.literal(false)?;
            match (with.chars().next(), with.chars().nth(1)) {
                (Some(with), None) => text(Text::Pad(whole, length, with)),
                _ => Err(args.wrong(at, &with, "a single letter or digit")),
            }
        }
        "ou" => text(Text::Unit(args.ordinal(100)?)),
        "matches" => condition(Condition::Matches(args.text()?, args.pattern(true)?)),
        "present" => condition(Condition::Present(args.text()?)),
        "contains" => condition(Condition::Contains(args.text()?, args.text()?)),
        "starts_with" => condition(Condition::StartsWith(args.text()?, args.text()?)),
        "ends_with" => condition(Condition::EndsWith(args.text()?, args.text()?)),
        "one_of" => condition(Condition::OneOf(args.text()?, args.texts()?)),
        "has" => condition(Condition::Has(args.attribute()?, args.text()?)),
        "in_group" => {
            let (at, name) = args.literal(false)?;
            if name.trim().is_empty() {
                return Err(args.wrong(at, "\"\"", "the name or DN of a group"));
            }
            condition(Condition::InGroup(needs.groups.index(&name)))
        }
        "under" => {
            let (at, dn) = args.literal(false)?;
            if !is_dn(&dn) {
                return Err(args.wrong(at, &dn, "a DN such as \"ou=people,dc=example,dc=com\""));
            }
            condition(Condition::Under(normal_dn(&dn).into()))
        }
        // A name in the table that is missing here; the test over the table finds it.
        name => Err(SyntaxError::new(offset, format!("`{name}` cannot be used yet"), "leave it out")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rules::expr::parse::whole;

    /// The smallest call of each function, made from its usage.
    #[test]
    fn every_function_of_the_table_can_be_called() {
        for function in FUNCTIONS {
            let usage = function.usage.split(") or ").next().unwrap().trim_end_matches(')').to_owned() + ")";
            let source = usage
                .replace(", …", "")
                .replace("condition", "present(a)")
                .replace("attribute", "a")
                .replace("name or DN", "cn=x,dc=test")
                .replace("\"DN\"", "\"cn=x,dc=test\"")
                .replace(" start", " 0")
                .replace("length", "3")
                .replace("number", "1");
            assert!(whole(&source, &mut Needs::default()).is_ok(), "{source}");
        }
    }
}
