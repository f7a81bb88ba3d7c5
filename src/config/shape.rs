//! Keys and types of the file, held against the schema: all mistakes at once, and what is
//! wrong is taken out, so that the rest can still be checked for its meaning.

use std::collections::BTreeSet;

use serde::Deserialize;
use serde::de::IntoDeserializer;
use serde::de::value::StrDeserializer;
use serde_json::Value;
use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::document::Side;
use super::raw::SourceKind;
use super::{ConfigError, Document, schema};

/// What the comparison found.
#[derive(Debug, Default)]
pub struct Findings {
    /// The mistakes.
    pub errors: Vec<ConfigError>,
    /// Keys that were taken out, and sections that lack a key.
    pub broken: BTreeSet<String>,
    /// Whether something is missing without which the rest cannot be read.
    pub incomplete: bool,
}

/// Compares the tables of a file with the schema and removes what is wrong.
pub fn check(document: &Document, root: &Value, table: &mut DeTable<'_>) -> Findings {
    let mut walk = Walk { document, root, found: Findings::default() };
    walk.table("", root, table);
    walk.found
}

struct Walk<'a> {
    document: &'a Document,
    root: &'a Value,
    found: Findings,
}

impl Walk<'_> {
    fn wrong(&mut self, key: &str, side: Side, message: String, remedy: String) {
        self.found.errors.push(self.document.error_on(key, side, message, remedy));
        self.found.broken.insert(key.to_owned());
    }

    fn table(&mut self, path: &str, schema: &Value, table: &mut DeTable<'_>) {
        let empty = serde_json::Map::new();
        let properties = schema.get("properties").and_then(Value::as_object).unwrap_or(&empty);
        let kind = if path.starts_with("source[") { kind_of(table) } else { None };
        let mut bad = Vec::new();
        for (name, value) in table.iter_mut() {
            let name: &str = name.get_ref();
            let key = join(path, name);
            let keep = match properties.get(name) {
                Some(property) => self.value(&key, property, value),
                None => {
                    let mut names: Vec<&str> = properties.keys().map(String::as_str).collect();
                    names.retain(|name| kind.is_none_or(|kind| kind.reads(name)));
                    let remedy = unknown_key_remedy(name, &names);
                    let message = match value.get_ref() {
                        DeValue::Table(_) if path.is_empty() => format!("unknown section [{name}]"),
                        _ => format!("unknown key \"{name}\" in {}", section(path)),
                    };
                    self.wrong(&key, Side::Key, message, remedy);
                    false
                }
            };
            if !keep {
                bad.push(name.to_owned());
            }
        }
        for name in &bad {
            table.remove(name.as_str());
        }
        let required = schema.get("required").and_then(Value::as_array).into_iter().flatten();
        for name in required.filter_map(Value::as_str) {
            if table.contains_key(name) {
                continue;
            }
            self.found.incomplete = true;
            let key = join(path, name);
            if self.document.has(&key) {
                continue; // It is there, and was wrong.
            }
            let property = properties.get(name).unwrap_or(&Value::Null);
            let target = schema::resolve(self.root, property);
            let (what, written) = match target.get("type").and_then(Value::as_str) {
                Some("array") if is_section_list(self.root, target) => ("section", format!("[[{key}]]")),
                Some("object") => ("section", format!("[{key}]")),
                _ => ("key", format!("\"{name}\"")),
            };
            let message = match path {
                "" => format!("the {what} {written} is missing"),
                _ => format!("the {what} {written} is missing in {}", section(path)),
            };
            self.wrong(&key, Side::Key, message, description(property, target));
        }
    }

    /// Whether the value can stay.
    fn value(&mut self, key: &str, property: &Value, value: &mut Spanned<DeValue<'_>>) -> bool {
        let schema = schema::resolve(self.root, property);
        let found = value.get_ref().type_str();
        let expected = match schema.get("type").and_then(Value::as_str) {
            Some("object") => {
                let DeValue::Table(table) = value.get_mut() else {
                    return self.wrong_type(key, "a section", found, property, schema);
                };
                self.table(key, schema, table);
                return true;
            }
            Some("array") => {
                let DeValue::Array(items) = value.get_mut() else {
                    let expected = match is_section_list(self.root, schema) {
                        true => format!("a list of sections, each written [[{key}]]"),
                        false => "a list in brackets".to_owned(),
                    };
                    return self.wrong_type(key, &expected, found, property, schema);
                };
                let item_schema = schema.get("items").unwrap_or(&Value::Null);
                let mut good = true;
                for (i, item) in items.iter_mut().enumerate() {
                    good &= self.value(&format!("{key}[{i}]"), item_schema, item);
                }
                let least = schema.get("minItems").and_then(Value::as_u64).unwrap_or(0);
                if (items.len() as u64) < least {
                    let remedy = description(property, schema);
                    self.wrong(key, Side::Value, format!("\"{}\" is empty", name_of(key)), remedy);
                    good = false;
                }
                return good;
            }
            Some("boolean") => match value.get_ref() {
                DeValue::Boolean(_) => return true,
                _ => "true or false",
            },
            Some("integer") => match value.get_ref() {
                DeValue::Integer(integer) => {
                    let number = i64::from_str_radix(integer.as_str(), integer.radix()).ok();
                    return self.integer(key, schema, number);
                }
                _ => "a whole number",
            },
            // Enumerations have their values instead of, or besides, their type.
            _ => match value.get_ref() {
                DeValue::String(text) => {
                    let choices = choices(schema);
                    if choices.is_empty() || choices.contains(&text.as_ref()) {
                        return true;
                    }
                    let list = list(&choices);
                    let remedy = match nearest(text, &choices) {
                        Some(near) => format!("did you mean \"{near}\"? It is one of {list}"),
                        None => format!("it is one of {list}"),
                    };
                    let message = format!("\"{}\" cannot be \"{text}\"", name_of(key));
                    self.wrong(key, Side::Value, message, remedy);
                    return false;
                }
                _ if schema.get("pattern").is_some() => "a duration in quotes, such as \"15m\"",
                _ => "a text in quotes",
            },
        };
        self.wrong_type(key, expected, found, property, schema)
    }

    fn integer(&mut self, key: &str, schema: &Value, number: Option<i64>) -> bool {
        let least = schema.get("minimum").and_then(Value::as_i64).unwrap_or(i64::MIN);
        let most = schema.get("maximum").and_then(Value::as_i64).unwrap_or(i64::MAX);
        if number.is_some_and(|number| (least..=most).contains(&number)) {
            return true;
        }
        let range = match most {
            i64::MAX => format!("at least {least}"),
            _ => format!("{least} to {most}"),
        };
        let message = format!("\"{}\" is out of range: it may be {range}", name_of(key));
        self.wrong(key, Side::Value, message, description(schema, schema));
        false
    }

    fn wrong_type(
        &mut self,
        key: &str,
        expected: &str,
        found: &str,
        property: &Value,
        schema: &Value,
    ) -> bool {
        let found = match found {
            "string" => "a text",
            "integer" | "float" => "a number",
            "boolean" => "true or false",
            "datetime" => "a date",
            "array" => "a list",
            "table" => "a section",
            other => other,
        };
        let message = format!("\"{}\" must be {expected}, and is {found}", name_of(key));
        self.wrong(key, Side::Value, message, description(property, schema));
        false
    }
}

/// The kind of a source, where it is said and right.
fn kind_of(table: &DeTable<'_>) -> Option<SourceKind> {
    let DeValue::String(kind) = table.get("kind")?.get_ref() else { return None };
    let kind: StrDeserializer<'_, serde::de::value::Error> = kind.as_ref().into_deserializer();
    SourceKind::deserialize(kind).ok()
}

fn join(path: &str, name: &str) -> String {
    if path.is_empty() { name.to_owned() } else { format!("{path}.{name}") }
}

/// The last name of a path: `bases[1]` of `source[0].bases[1]`.
fn name_of(key: &str) -> &str {
    key.rsplit_once('.').map_or(key, |(_, name)| name)
}

/// A section as its header is written.
pub(super) fn section(path: &str) -> String {
    if path.is_empty() {
        return "the file".to_owned();
    }
    match path.split_once('[') {
        Some((name, index)) if index.ends_with(']') && !index.contains('.') => format!("[[{name}]]"),
        _ => format!("[{path}]"),
    }
}

fn is_section_list(root: &Value, schema: &Value) -> bool {
    let items = schema.get("items").map(|items| schema::resolve(root, items));
    items.and_then(|items| items.get("type")).is_some_and(|name| name == "object")
}

/// The description of a key, as the remedy that says what it is for.
fn description(property: &Value, schema: &Value) -> String {
    let text = property.get("description").or_else(|| schema.get("description")).and_then(Value::as_str);
    text.map(|text| text.split_whitespace().collect::<Vec<_>>().join(" ")).unwrap_or_default()
}

fn choices(schema: &Value) -> Vec<&str> {
    let one_of = schema.get("oneOf").and_then(Value::as_array).into_iter().flatten();
    let constants = one_of.filter_map(|choice| choice.get("const")).filter_map(Value::as_str);
    let plain = schema.get("enum").and_then(Value::as_array).into_iter().flatten().filter_map(Value::as_str);
    constants.chain(plain).collect()
}

fn list(names: &[&str]) -> String {
    names.iter().map(|name| format!("\"{name}\"")).collect::<Vec<_>>().join(", ")
}

fn unknown_key_remedy(name: &str, names: &[&str]) -> String {
    let secret = ["password", "token"]
        .into_iter()
        .find(|secret| name.contains(secret) && names.contains(&format!("{secret}_file").as_str()));
    if let Some(secret) = secret.filter(|_| nearest_within(name, names, 1).is_none()) {
        return format!(
            "secrets are never in this file: put it into a file of its own and name that with {secret}_file, \
             or use {secret}_env or {secret}_credential"
        );
    }
    match nearest(name, names) {
        Some(near) => format!("did you mean \"{near}\"?"),
        None if names.len() <= 12 => format!("the keys here are {}", list(names)),
        None => "config/dirsyncd.toml lists every key".to_owned(),
    }
}

/// The name that was probably meant.
fn nearest<'a>(name: &str, names: &[&'a str]) -> Option<&'a str> {
    // A quarter of the letters may be wrong: more is another word.
    nearest_within(name, names, (name.chars().count() / 4).clamp(1, 3)).or_else(|| {
        // `filter` for `person_filter`, `city_name` for `city`.
        let folded = folded(name);
        let words: Vec<&str> = folded.split('_').collect();
        let related = |known: &&&str| words.contains(known) || known.split('_').any(|word| word == folded);
        names.iter().find(related).copied()
    })
}

/// Letter case, and how words are joined, are never what was meant.
fn folded(name: &str) -> String {
    name.to_ascii_lowercase().replace('-', "_")
}

fn nearest_within<'a>(name: &str, names: &[&'a str], limit: usize) -> Option<&'a str> {
    let folded = folded(name);
    let distances = names.iter().map(|known| (edit_distance(&folded, known), *known));
    distances
        .min_by_key(|(distance, _)| *distance)
        .filter(|(distance, _)| *distance <= limit)
        .map(|(_, known)| known)
}

/// How many letters must be inserted, removed, replaced or swapped with their neighbour.
fn edit_distance(a: &str, b: &str) -> usize {
    let (a, b): (Vec<char>, Vec<char>) = (a.chars().collect(), b.chars().collect());
    let mut before: Vec<usize> = Vec::new();
    let mut last: Vec<usize> = (0..=b.len()).collect();
    for i in 1..=a.len() {
        let mut row = vec![i];
        for j in 1..=b.len() {
            let replaced = last[j - 1] + usize::from(a[i - 1] != b[j - 1]);
            let mut best = replaced.min(last[j] + 1).min(row[j - 1] + 1);
            if i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1] {
                best = best.min(before[j - 2] + 1);
            }
            row.push(best);
        }
        before = std::mem::replace(&mut last, row);
    }
    last[b.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_nearest_key_is_what_was_meant() {
        let names = ["bases", "bind", "person_filter", "page_size", "urls", "name", "start_tls", "timeout"];
        for (written, meant) in [
            ("base", Some("bases")),
            ("page-size", Some("page_size")),
            ("pagesize", Some("page_size")),
            ("PageSize", Some("page_size")),
            ("filter", Some("person_filter")),
            ("bind_dn", Some("bind")),
            ("server_urls", Some("urls")),
            ("url", Some("urls")),
            ("nmae", Some("name")),
            ("starttls", Some("start_tls")),
            ("colour", None),
            ("x", None),
        ] {
            assert_eq!(nearest(written, &names), meant, "{written}");
        }
    }

    #[test]
    fn distances_are_counted_in_letters() {
        for (a, b, distance) in
            [("", "", 0), ("abc", "", 3), ("abc", "abd", 1), ("abc", "acb", 1), ("é", "e", 1)]
        {
            assert_eq!(edit_distance(a, b), distance, "{a} {b}");
        }
    }
}
