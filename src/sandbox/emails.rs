//! The e-mail addresses of a person: which texts are one, and which of a list a client may set.

use serde_json::Value;

use super::attributes::Part;
use super::errors::Refusal;
use super::shapes::write_list;

/// Whether a text can be an e-mail address.
pub(super) fn plausible(address: &str) -> bool {
    address.split_once('@').is_some_and(|(local, domain)| {
        !local.is_empty()
            && !domain.is_empty()
            && !domain.contains('@')
            && !domain.starts_with('.')
            && !domain.ends_with('.')
            && !address
                .chars()
                .any(|c| c.is_whitespace() || c.is_control() || matches!(c, '<' | '>' | ',' | ';'))
    })
}

/// The e-mail addresses besides the server's own; a primary work address must be the user name.
pub(super) fn besides(user_name: &str, emails: Option<&Value>) -> Result<String, Refusal> {
    let Some(emails) = emails else { return Ok(String::new()) };
    let Value::Array(list) = emails else { return Err(Refusal::bad("emails must be a list of objects.")) };
    let mut others = Vec::new();
    for item in list {
        let address = item.get("value").and_then(Value::as_str).unwrap_or_default();
        let kind = item.get("type").and_then(Value::as_str).unwrap_or("work");
        let primary = item.get("primary") == Some(&Value::Bool(true));
        if !plausible(address) {
            return Err(Refusal::bad("emails.value must be an e-mail address."));
        }
        if kind == "work" && address.eq_ignore_ascii_case(user_name) {
            continue;
        }
        if primary {
            return Err(Refusal::bad("The primary work e-mail must equal userName."));
        }
        others.push(item.clone());
    }
    // Nine besides the server's own make ten.
    let written = write_list("emails", 9, TYPES, EMAIL, &others)?;
    Ok(written.trim_start_matches('[').trim_end_matches(']').to_owned())
}

/// The types of addresses.
pub(super) const TYPES: &[&str] = &["work", "home", "room", "other"];

const EMAIL: &[Part] = &[
    Part { name: "value", max: 254 },
    Part { name: "type", max: 64 },
    Part { name: "display", max: 256 },
    Part { name: "primary", max: 0 },
];
