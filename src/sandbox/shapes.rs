//! One attribute value against its shape: checked, and written in canonical order.

use serde_json::Value;

use super::attributes::{Part, Shape};
use super::errors::Refusal;
use super::profile::{Object, any_case};
use super::reply::{comma, member, member_raw};

/// Checks one attribute against its shape and appends it.
pub(super) fn write(out: &mut String, name: &str, shape: Shape, value: &Value) -> Result<(), Refusal> {
    match (shape, value) {
        (Shape::Apart, _) | (_, Value::Null) => {}
        (Shape::Text(max), Value::String(text)) => {
            if !text.is_empty() {
                member(out, name, fits(name, text, max)?);
            }
        }
        (Shape::Flag, Value::Bool(flag)) => member_raw(out, name, if *flag { "true" } else { "false" }),
        (Shape::Object(parts), Value::Object(object)) => {
            let written = write_parts(name, parts, object)?;
            if written.len() > 2 {
                member_raw(out, name, &written);
            }
        }
        (Shape::List(max, types, parts), Value::Array(list)) => {
            let written = write_list(name, max, types, parts, list)?;
            if written.len() > 2 {
                member_raw(out, name, &written);
            }
        }
        (Shape::Texts(max), Value::Array(list)) => {
            if list.len() > max || !list.iter().all(Value::is_string) {
                return Err(Refusal::bad(format!("{name} must be at most {max} strings.")));
            }
            if !list.is_empty() {
                member_raw(out, name, &value.to_string());
            }
        }
        _ => return Err(Refusal::bad(format!("{name} has a value of the wrong type."))),
    }
    Ok(())
}

/// Checks the elements of a list and writes them as a JSON array.
pub(super) fn write_list(
    name: &str,
    max: usize,
    types: &[&str],
    parts: &'static [Part],
    list: &[Value],
) -> Result<String, Refusal> {
    if list.len() > max {
        return Err(Refusal::bad(format!("{name} takes at most {max} values.")));
    }
    if list.iter().filter(|item| item.get("primary") == Some(&Value::Bool(true))).count() > 1 {
        return Err(Refusal::bad(format!("{name} takes at most one primary value.")));
    }
    let mut out = String::from("[");
    for item in list {
        let Value::Object(item) = item else {
            return Err(Refusal::bad(format!("{name} must be a list of objects.")));
        };
        let kind = item.get("type").and_then(Value::as_str);
        if !types.is_empty() && kind.is_some_and(|kind| !types.contains(&kind)) {
            return Err(Refusal::bad(format!("{name}.type is not one of the known types.")));
        }
        let written = write_parts(name, parts, item)?;
        if written.len() > 2 {
            comma(&mut out);
            out.push_str(&written);
        }
    }
    out.push(']');
    Ok(out)
}

fn write_parts(name: &str, parts: &[Part], object: &Object) -> Result<String, Refusal> {
    let mut out = String::from("{");
    for part in parts {
        match any_case(object, part.name) {
            None | Some(Value::Null) => {}
            Some(Value::Bool(flag)) if part.max == 0 => {
                member_raw(&mut out, part.name, if *flag { "true" } else { "false" });
            }
            Some(Value::String(text)) if part.max > 0 => {
                if !text.is_empty() {
                    member(&mut out, part.name, fits(part.name, text, part.max)?);
                }
            }
            Some(_) => {
                return Err(Refusal::bad(format!("{name}.{} has a value of the wrong type.", part.name)));
            }
        }
    }
    out.push('}');
    Ok(out)
}

/// A text that is not too long, in characters.
pub(super) fn fits<'a>(name: &str, text: &'a str, max: usize) -> Result<&'a str, Refusal> {
    if text.len() > max && text.chars().count() > max {
        return Err(Refusal::bad(format!("{name} is longer than {max} characters.")));
    }
    Ok(text)
}
