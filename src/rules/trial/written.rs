//! A test as it is written: lines of `name: value`, for the record and for what must come out.

use std::collections::BTreeMap;

use crate::model::{Attribute, Field, Key, Record, SourceId};
use crate::rules::Rules;
use crate::rules::error::RuleError;
use crate::rules::nearest::nearest;

use super::TrialSpec;

/// `name: value`, line by line, each with its offset; a line that begins with a blank goes on.
fn lines<'a>(place: &str, text: &'a str, errors: &mut Vec<RuleError>) -> Vec<(usize, &'a str, String)> {
    let mut found: Vec<(usize, &str, String)> = Vec::new();
    let mut offset = 0;
    for line in text.split_inclusive('\n') {
        let (at, line) = (offset, line.trim_end_matches(['\n', '\r']));
        offset = at + text[at..].find('\n').map_or(text.len() - at, |end| end + 1);
        if line.trim().is_empty() || line.starts_with('#') {
            continue;
        }
        if let (Some(more), Some((_, _, value))) = (line.strip_prefix(' '), found.last_mut()) {
            value.push_str(more);
            continue;
        }
        match line.split_once(':') {
            Some((name, value)) if !name.trim().is_empty() && !value.starts_with([':', '<']) => {
                found.push((at, name.trim(), value.trim().to_owned()));
            }
            Some((name, _)) if !name.trim().is_empty() => errors.push(RuleError {
                place: place.into(),
                offset: Some(at),
                message: "a value in base64 or from a file is not understood here".into(),
                remedy: "write the value as text: `name: value`".into(),
            }),
            _ => errors.push(RuleError {
                place: place.into(),
                offset: Some(at),
                message: "this line is not of the form `name: value`".into(),
                remedy: "write one line for each value, such as `mail: ann@example.com`".into(),
            }),
        }
    }
    found
}

/// The record.
pub(super) fn record(place: &str, spec: &TrialSpec, errors: &mut Vec<RuleError>) -> Record {
    let mut dn = None;
    let mut attributes: Vec<Attribute> = Vec::new();
    for (_, name, value) in lines(&format!("{place}.record"), &spec.record, errors) {
        if name.eq_ignore_ascii_case("dn") {
            dn = Some(value);
            continue;
        }
        match attributes.iter_mut().find(|known| known.name.eq_ignore_ascii_case(name)) {
            Some(known) => known.values.push(value.into_bytes()),
            None => attributes.push(Attribute { name: name.into(), values: vec![value.into_bytes()] }),
        }
    }
    Record {
        anchor: SourceId::new(Key::exact(place).0),
        dn: dn.unwrap_or_else(|| "cn=test".into()),
        kind: spec.kind.record(),
        disabled: spec.disabled,
        expires: None,
        attributes,
    }
}

/// The values that must come out.
pub(super) fn fields(
    place: &str,
    spec: &TrialSpec,
    rules: &Rules,
    errors: &mut Vec<RuleError>,
) -> BTreeMap<Field, String> {
    let place = format!("{place}.fields");
    let text = spec.fields.as_deref().unwrap_or_default();
    let section = spec.kind.section();
    let mapped = rules.mapped_in(spec.kind.record());
    // While a section is switched off, nobody knows what it maps: the test says that it is off.
    let is_mapped = |field| mapped.is_none_or(|mapped| mapped.contains(field));
    let mut fields = BTreeMap::new();
    for (at, name, value) in lines(&place, text, errors) {
        let mut fail = |message: String, remedy: String| {
            errors.push(RuleError { place: place.clone(), offset: Some(at), message, remedy });
        };
        match name.parse::<Field>() {
            Ok(field) if is_mapped(field) => drop(fields.insert(field, value)),
            Ok(field) => fail(
                format!("{field} is not mapped, so nothing is made of it"),
                format!("map it in {section}.mapping, or leave out {field}"),
            ),
            Err(_) => fail(
                format!("there is no field \"{name}\""),
                match nearest(name, Field::ALL.iter().map(|field| field.name())) {
                    Some(near) => format!("did you mean \"{near}\"?"),
                    None => "docs/MAPPING.md lists the fields".into(),
                },
            ),
        }
    }
    fields
}
