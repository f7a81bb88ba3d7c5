//! SCIM filters: the grammar, and the small part of it that Webex searches by.
//!
//! A filter in a PATCH path may use the whole grammar here; a search may only combine the
//! attributes and operators of the documented table, and everything else is refused.

use serde_json::Value;

use super::errors::Refusal;

/// A filter.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Filter {
    Compare {
        path: String,
        op: Op,
        value: Value,
    },
    /// `phoneNumbers[type eq "mobile" and value eq "1"]`
    Inside {
        path: String,
        filter: Box<Filter>,
    },
    And(Box<Filter>, Box<Filter>),
    Or(Box<Filter>, Box<Filter>),
    Not(Box<Filter>),
}

/// A comparison.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Op {
    Eq,
    Ne,
    Sw,
    Ew,
    Co,
    Pr,
    Gt,
    Ge,
    Lt,
    Le,
}

const OPS: &[(&str, Op)] = &[
    ("eq", Op::Eq),
    ("ne", Op::Ne),
    ("sw", Op::Sw),
    ("ew", Op::Ew),
    ("co", Op::Co),
    ("pr", Op::Pr),
    ("gt", Op::Gt),
    ("ge", Op::Ge),
    ("lt", Op::Lt),
    ("le", Op::Le),
];

/// What users can be searched by, and how.
const SEARCHABLE: &[(&str, &[Op])] = &[
    ("id", &[Op::Eq]),
    ("username", &[Op::Eq, Op::Sw, Op::Ew]),
    ("name.familyname", &[Op::Eq, Op::Sw, Op::Ew]),
    ("name.givenname", &[Op::Eq, Op::Sw]),
    ("name.middlename", &[Op::Eq, Op::Sw]),
    ("name.formatted", &[Op::Eq, Op::Sw]),
    ("displayname", &[Op::Eq, Op::Sw, Op::Ew]),
    ("nickname", &[Op::Eq, Op::Sw, Op::Ew]),
    ("emails.value", &[Op::Eq, Op::Sw, Op::Ew]),
    ("emails.type", &[Op::Eq]),
    ("emails.display", &[Op::Eq, Op::Sw, Op::Ew]),
    ("phonenumbers.value", &[Op::Eq, Op::Sw, Op::Ew]),
    ("phonenumbers.type", &[Op::Eq]),
    ("phonenumbers.display", &[Op::Eq, Op::Sw, Op::Ew]),
    ("employeenumber", &[Op::Eq, Op::Sw, Op::Ew]),
    ("costcenter", &[Op::Eq, Op::Sw, Op::Ew]),
    ("organization", &[Op::Eq, Op::Sw, Op::Ew]),
    ("division", &[Op::Eq, Op::Sw, Op::Ew]),
    ("department", &[Op::Eq, Op::Sw, Op::Ew]),
    ("manager.value", &[Op::Eq]),
    ("manager.displayname", &[Op::Eq, Op::Sw, Op::Ew]),
    ("meta.organizationid", &[Op::Eq]),
];

impl Filter {
    /// Parses a filter.
    pub(super) fn parse(text: &str) -> Result<Self, Refusal> {
        let mut parser = Parser { rest: text, depth: 0 };
        let filter = parser.or()?;
        if parser.rest.trim().is_empty() { Ok(filter) } else { Err(malformed()) }
    }

    /// Refuses what users cannot be searched by.
    pub(super) fn check_search(&self) -> Result<(), Refusal> {
        self.check("")
    }

    fn check(&self, prefix: &str) -> Result<(), Refusal> {
        match self {
            Self::Compare { path, op, .. } => {
                let full = format!("{prefix}{}", bare(path).to_lowercase());
                let allowed = SEARCHABLE.iter().find(|(name, _)| *name == full).map(|(_, ops)| *ops);
                if allowed.is_some_and(|ops| ops.contains(op)) {
                    return Ok(());
                }
                let word = OPS.iter().find(|(_, known)| known == op).map_or("", |(word, _)| word);
                Err(Refusal::bad(format!("{path} with operator {} cannot be searched.", word.to_uppercase()))
                    .code(100_104))
            }
            Self::Inside { path, filter } if prefix.is_empty() => {
                filter.check(&format!("{}.", bare(path).to_lowercase()))
            }
            Self::And(left, right) | Self::Or(left, right) => {
                left.check(prefix)?;
                right.check(prefix)
            }
            Self::Inside { .. } | Self::Not(_) => {
                Err(Refusal::bad("This filter cannot be searched.").code(100_104))
            }
        }
    }

    /// Whether an object matches; `values` gives all values of a path in it.
    pub(super) fn matches(&self, values: &dyn Fn(&str) -> Vec<Value>) -> bool {
        match self {
            Self::Compare { path, op, value } => {
                let found = values(path);
                match op {
                    Op::Ne => found.iter().all(|found| !compare(found, Op::Eq, value)),
                    _ => found.iter().any(|found| compare(found, *op, value)),
                }
            }
            Self::Inside { path, filter } => values(path).iter().any(|item| filter.matches_item(item)),
            Self::And(left, right) => left.matches(values) && right.matches(values),
            Self::Or(left, right) => left.matches(values) || right.matches(values),
            Self::Not(inner) => !inner.matches(values),
        }
    }

    /// Whether an element of a multi-valued attribute matches.
    pub(super) fn matches_item(&self, item: &Value) -> bool {
        self.matches(&|path| match item {
            Value::Object(object) => object
                .iter()
                .filter(|(key, _)| key.eq_ignore_ascii_case(path))
                .map(|(_, v)| v.clone())
                .collect(),
            other if path.eq_ignore_ascii_case("value") => vec![other.clone()],
            _ => Vec::new(),
        })
    }
}

/// A path without the URN in front.
pub(super) fn bare(path: &str) -> &str {
    super::attributes::split_schema(path).1
}

fn compare(found: &Value, op: Op, wanted: &Value) -> bool {
    match (found, wanted) {
        (_, _) if op == Op::Pr => !found.is_null(),
        (Value::String(found), Value::String(wanted)) => {
            let (found, wanted) = (found.to_lowercase(), wanted.to_lowercase());
            match op {
                Op::Eq => found == wanted,
                Op::Ne => found != wanted,
                Op::Sw => found.starts_with(&wanted),
                Op::Ew => found.ends_with(&wanted),
                Op::Co => found.contains(&wanted),
                Op::Gt => found > wanted,
                Op::Ge => found >= wanted,
                Op::Lt => found < wanted,
                Op::Le => found <= wanted,
                Op::Pr => true,
            }
        }
        (found, wanted) => op == Op::Eq && found == wanted,
    }
}

fn malformed() -> Refusal {
    let mut refusal = Refusal::bad("The filter cannot be read.").code(100_103);
    refusal.scim_type = Some("invalidFilter");
    refusal
}

struct Parser<'a> {
    rest: &'a str,
    depth: u32,
}

impl<'a> Parser<'a> {
    fn or(&mut self) -> Result<Filter, Refusal> {
        self.depth += 1;
        if self.depth > 32 {
            return Err(malformed());
        }
        let mut left = self.and()?;
        while self.word("or") {
            left = Filter::Or(Box::new(left), Box::new(self.and()?));
        }
        self.depth -= 1;
        Ok(left)
    }

    fn and(&mut self) -> Result<Filter, Refusal> {
        let mut left = self.term()?;
        while self.word("and") {
            left = Filter::And(Box::new(left), Box::new(self.term()?));
        }
        Ok(left)
    }

    fn term(&mut self) -> Result<Filter, Refusal> {
        if self.word("not") {
            if !self.sign('(') {
                return Err(malformed());
            }
            let inner = self.or()?;
            return if self.sign(')') { Ok(Filter::Not(Box::new(inner))) } else { Err(malformed()) };
        }
        if self.sign('(') {
            let inner = self.or()?;
            return if self.sign(')') { Ok(inner) } else { Err(malformed()) };
        }
        let path = self.path()?;
        if self.sign('[') {
            let filter = Box::new(self.or()?);
            return if self.sign(']') { Ok(Filter::Inside { path, filter }) } else { Err(malformed()) };
        }
        let op = self.op()?;
        let value = if op == Op::Pr { Value::Null } else { self.value()? };
        Ok(Filter::Compare { path, op, value })
    }

    /// An attribute; URNs have colons, dots and digits in them.
    fn path(&mut self) -> Result<String, Refusal> {
        self.rest = self.rest.trim_start();
        let end = self
            .rest
            .find(|c: char| !(c.is_ascii_alphanumeric() || matches!(c, '.' | ':' | '_' | '-' | '$')))
            .unwrap_or(self.rest.len());
        let (path, rest) = self.rest.split_at(end);
        if path.is_empty() {
            return Err(malformed());
        }
        self.rest = rest;
        Ok(path.to_owned())
    }

    fn op(&mut self) -> Result<Op, Refusal> {
        OPS.iter().find(|(word, _)| self.word(word)).map(|(_, op)| *op).ok_or_else(malformed)
    }

    fn value(&mut self) -> Result<Value, Refusal> {
        let mut stream = serde_json::Deserializer::from_str(self.rest.trim_start()).into_iter::<Value>();
        match stream.next() {
            Some(Ok(value)) if !value.is_object() && !value.is_array() => {
                let read = stream.byte_offset();
                self.rest = self.rest.trim_start().get(read..).unwrap_or_default();
                Ok(value)
            }
            _ => Err(malformed()),
        }
    }

    /// Takes a word, whatever its case, if it comes next and ends there.
    fn word(&mut self, word: &str) -> bool {
        let rest = self.rest.trim_start();
        let Some((head, tail)) = rest.split_at_checked(word.len()) else { return false };
        let ends = tail.chars().next().is_none_or(|c| !c.is_ascii_alphanumeric());
        if head.eq_ignore_ascii_case(word) && ends {
            self.rest = tail;
            return true;
        }
        false
    }

    fn sign(&mut self, sign: char) -> bool {
        if let Some(tail) = self.rest.trim_start().strip_prefix(sign) {
            self.rest = tail;
            return true;
        }
        false
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sandbox::attributes::{CISCO, ENTERPRISE};
    use serde_json::json;

    #[test]
    fn the_documented_searches_are_possible_and_no_others() {
        for good in [
            r#"userName eq "a@example.com""#,
            r#"USERNAME SW "a""#,
            r#"id eq "x" or id eq "y""#,
            r#"(name.familyName ew "x" and displayName sw "y")"#,
            r#"phoneNumbers[type eq "mobile" and value eq "+44"]"#,
            &format!(r#"{ENTERPRISE}:department eq "Optics""#),
            &format!(r#"{ENTERPRISE}.employeeNumber sw "E""#),
            &format!(r#"{CISCO}:meta.organizationId eq "x""#),
        ] {
            Filter::parse(good)
                .and_then(|filter| filter.check_search())
                .unwrap_or_else(|e| panic!("{good}: {e:?}"));
        }
        for bad in [
            "externalId pr",
            r#"externalId eq "x""#,
            "active eq true",
            r#"userName co "x""#,
            r#"name.givenName ew "x""#,
            r#"meta.lastModified gt "2026""#,
            r#"not (id eq "x")"#,
            r#"emails[primary eq true]"#,
            "userName pr",
        ] {
            let filter = Filter::parse(bad).unwrap();
            assert_eq!(filter.check_search().unwrap_err().code, Some(100_104), "{bad}");
        }
    }

    #[test]
    fn broken_filters_are_refused_without_harm() {
        for bad in [
            "",
            "eq",
            "userName",
            "userName eq",
            "userName eq x",
            r#"(id eq "x""#,
            r#"id eq "x" trailing"#,
            r#"id eq "x"#,
            "a[b eq 1",
            r#"id eq ["x"]"#,
            &"(".repeat(10_000),
        ] {
            assert_eq!(Filter::parse(bad).unwrap_err().scim_type, Some("invalidFilter"), "{bad:.20}");
        }
    }

    #[test]
    fn elements_match() {
        let mobile = json!({ "type": "mobile", "value": "+44 1", "primary": true });
        for (filter, expected) in [
            (r#"type eq "MOBILE""#, true),
            (r#"type ne "mobile""#, false),
            (r#"type eq "work" or value sw "+44""#, true),
            (r#"type eq "mobile" and primary eq false"#, false),
            ("primary eq true", true),
            ("display pr", false),
            (r#"not (display pr) and value co "4 1""#, true),
        ] {
            assert_eq!(Filter::parse(filter).unwrap().matches_item(&mobile), expected, "{filter}");
        }
    }
}
