//! The operations of a PATCH request, read and checked for form.

use serde_json::Value;

use super::errors::Refusal;
use super::profile::any_case;
use super::scim_path::{invalid_path, invalid_value};

/// The schema of a PATCH request.
pub(super) const PATCH: &str = "urn:ietf:params:scim:api:messages:2.0:PatchOp";

/// What an operation does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Verb {
    Add,
    Replace,
    Remove,
}

/// One operation of a request.
#[derive(Clone, Debug)]
pub(super) struct Operation {
    pub(super) verb: Verb,
    pub(super) path: Option<String>,
    pub(super) value: Option<Value>,
}

/// Reads the operations of a PATCH request.
pub(super) fn operations(body: &Value) -> Result<Vec<Operation>, Refusal> {
    let listed = body.get("schemas").and_then(Value::as_array);
    if !listed.is_some_and(|schemas| schemas.iter().any(|urn| urn.as_str() == Some(PATCH))) {
        return Err(Refusal::bad(format!("schemas must contain {PATCH}.")));
    }
    let list = body
        .as_object()
        .and_then(|body| any_case(body, "Operations"))
        .and_then(Value::as_array)
        .filter(|list| !list.is_empty())
        .ok_or_else(|| Refusal::bad("Operations must be a list."))?;
    list.iter()
        .map(|operation| {
            let verb =
                match operation.get("op").and_then(Value::as_str).map(str::to_ascii_lowercase).as_deref() {
                    Some("add") => Verb::Add,
                    Some("replace") => Verb::Replace,
                    Some("remove") => Verb::Remove,
                    _ => return Err(Refusal::bad("op must be add, replace or remove.")),
                };
            let path = match operation.get("path") {
                None | Some(Value::Null) => None,
                Some(Value::String(path)) if !path.trim().is_empty() => Some(path.trim().to_owned()),
                Some(_) => return Err(invalid_path()),
            };
            let value = operation.get("value").filter(|value| !value.is_null()).cloned();
            match (verb, &path, &value) {
                (Verb::Remove, None, _) => Err(Refusal::no_target()),
                (Verb::Add | Verb::Replace, _, None) => Err(invalid_value("value is missing or null.")),
                _ => Ok(Operation { verb, path, value }),
            }
        })
        .collect()
}
