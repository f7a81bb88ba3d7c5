//! PATCH: operations on a SCIM user document, all of them or none.

use serde_json::{Map, Value};

use super::attributes::{
    self, CISCO, CISCO_READ_ONLY, CORE_ATTRIBUTES, ENTERPRISE, ENTERPRISE_ATTRIBUTES, READ_ONLY, Schema,
    Shape,
};
use super::errors::Refusal;
use super::profile::Object;
use super::scim_filter::Filter;
use super::scim_operation::{Operation, Verb};
use super::scim_path::{Target, invalid_path, invalid_value};

/// Applies operations to a user document, in order.
pub(super) fn apply(doc: &mut Object, operations: Vec<Operation>) -> Result<(), Refusal> {
    for operation in operations {
        match (operation.path, operation.value) {
            (Some(path), value) => apply_one(doc, operation.verb, &path, value)?,
            (None, Some(Value::Object(values))) => {
                for (path, value) in values {
                    if !path.eq_ignore_ascii_case("schemas") && !value.is_null() {
                        apply_one(doc, operation.verb, &path, Some(value))?;
                    }
                }
            }
            (None, _) => return Err(invalid_value("Without a path the value must be an object.")),
        }
    }
    Ok(())
}

fn apply_one(doc: &mut Object, verb: Verb, path: &str, value: Option<Value>) -> Result<(), Refusal> {
    let (schema, rest) = attributes::split_schema(path);
    if rest.is_empty() {
        return whole_extension(doc, verb, schema, value);
    }
    let target = Target::parse(rest)?;
    let table = match schema {
        Schema::Core => attributes::find(CORE_ATTRIBUTES, &target.attribute).map(|(n, s)| (n.to_owned(), s)),
        Schema::Enterprise => {
            attributes::find(ENTERPRISE_ATTRIBUTES, &target.attribute).map(|(n, s)| (n.to_owned(), s))
        }
        Schema::Cisco => attributes::cisco(&target.attribute),
    };
    let Some((name, shape)) = table else {
        let read_only = match schema {
            Schema::Core => READ_ONLY,
            Schema::Cisco => CISCO_READ_ONLY,
            Schema::Enterprise => &[],
        };
        let ignored = read_only.iter().any(|known| known.eq_ignore_ascii_case(&target.attribute));
        return if ignored { Ok(()) } else { Err(invalid_path()) };
    };
    let holder = match schema {
        Schema::Core => {
            if name == "userName" {
                return rename(doc, verb, value);
            }
            doc
        }
        Schema::Enterprise => child(doc, ENTERPRISE),
        Schema::Cisco => child(doc, CISCO),
    };
    let many = matches!(shape, Shape::List(..) | Shape::Texts(_)) || matches!(&*name, "emails" | "roles");
    if many {
        apply_to_list(holder, verb, &name, &target, value)
    } else if target.filter.is_some() {
        Err(invalid_path())
    } else {
        apply_to_single(holder, verb, &name, target.part.as_deref(), value)
    }
}

/// The server's own e-mail entry follows the user name at once: the operations that come next in the
/// request find it with the new address, as a client that reads the user would.
fn rename(doc: &mut Object, verb: Verb, value: Option<Value>) -> Result<(), Refusal> {
    let (false, Some(Value::String(name))) = (verb == Verb::Remove, value) else {
        return Err(invalid_value("userName must be a string and cannot be removed."));
    };
    if let Some(Value::Array(emails)) = doc.get_mut("emails") {
        for email in emails.iter_mut().filter(|email| email.get("primary") == Some(&Value::Bool(true))) {
            email["value"] = name.as_str().into();
        }
    }
    doc.insert("userName".into(), name.into());
    Ok(())
}

fn whole_extension(
    doc: &mut Object,
    verb: Verb,
    schema: Schema,
    value: Option<Value>,
) -> Result<(), Refusal> {
    let urn = match schema {
        Schema::Enterprise => ENTERPRISE,
        Schema::Cisco => CISCO,
        Schema::Core => return Err(invalid_path()),
    };
    match (verb, value) {
        (Verb::Remove, _) => {
            doc.remove(urn);
            Ok(())
        }
        (_, Some(Value::Object(values))) => {
            for (name, value) in values {
                if !value.is_null() {
                    apply_one(doc, verb, &format!("{urn}:{name}"), Some(value))?;
                }
            }
            Ok(())
        }
        _ => Err(invalid_value("An extension must be an object.")),
    }
}

fn apply_to_single(
    holder: &mut Object,
    verb: Verb,
    name: &str,
    part: Option<&str>,
    value: Option<Value>,
) -> Result<(), Refusal> {
    match (verb, part, value) {
        (Verb::Remove, None, _) => {
            if name == "userType" {
                return Err(invalid_value("userType cannot be removed."));
            }
            holder.remove(name);
        }
        (Verb::Remove, Some(part), _) => {
            if let Some(Value::Object(object)) = holder.get_mut(name) {
                object.retain(|key, _| !key.eq_ignore_ascii_case(part));
            }
        }
        (_, Some(part), Some(value)) => set_part(child(holder, name), part, value),
        // Sub-attributes that are not named stay.
        (_, None, Some(Value::Object(parts))) if holder.get(name).is_some_and(Value::is_object) => {
            let object = child(holder, name);
            for (part, value) in parts {
                set_part(object, &part, value);
            }
        }
        // Some directories send a manager as its bare id.
        (_, None, Some(Value::String(id))) if name == "manager" => {
            set_part(child(holder, name), "value", id.into())
        }
        (_, None, Some(value)) => {
            holder.insert(name.to_owned(), value);
        }
        (_, _, None) => return Err(invalid_value("value is missing.")),
    }
    Ok(())
}

fn apply_to_list(
    holder: &mut Object,
    verb: Verb,
    name: &str,
    target: &Target,
    value: Option<Value>,
) -> Result<(), Refusal> {
    let given = value.clone().map(|value| match value {
        Value::Array(list) => list,
        other => vec![other],
    });
    let slot = holder.entry(name).or_insert_with(|| Value::Array(Vec::new()));
    let Value::Array(list) = slot else { return Err(invalid_path()) };
    match (verb, &target.filter, &target.part) {
        (Verb::Remove, None, None) => match given {
            // A list of values to remove rather than the whole attribute.
            Some(values) => list.retain(|item| !values.iter().any(|value| same(item, value))),
            None => list.clear(),
        },
        (Verb::Remove, Some(filter), None) => list.retain(|item| !filter.matches_item(item)),
        (Verb::Remove, filter, Some(part)) => {
            for item in matching(list, filter.as_ref()) {
                item.retain(|key, _| !key.eq_ignore_ascii_case(part));
            }
        }
        (Verb::Add, None, None) => {
            for value in given.unwrap_or_default() {
                if value.get("primary") == Some(&Value::Bool(true)) {
                    for item in matching(list, None) {
                        item.remove("primary");
                    }
                }
                if !list.iter().any(|item| same(item, &value)) {
                    list.push(value);
                }
            }
        }
        (Verb::Replace, None, None) => *list = given.unwrap_or_default(),
        (_, filter, part) => {
            let value = value.ok_or_else(|| invalid_value("value is missing."))?;
            let mut hit = false;
            for item in matching(list, filter.as_ref()) {
                hit = true;
                match (part, &value) {
                    (Some(part), value) => set_part(item, part, value.clone()),
                    (None, Value::Object(parts)) => {
                        for (part, value) in parts {
                            set_part(item, part, value.clone());
                        }
                    }
                    (None, _) => return Err(invalid_value("The value must be an object.")),
                }
            }
            if !hit {
                return Err(Refusal::no_target());
            }
        }
    }
    Ok(())
}

fn matching<'a>(
    list: &'a mut [Value],
    filter: Option<&'a Filter>,
) -> impl Iterator<Item = &'a mut Map<String, Value>> {
    list.iter_mut()
        .filter(move |item| filter.is_none_or(|filter| filter.matches_item(item)))
        .filter_map(Value::as_object_mut)
}

/// Whether two elements mean the same: equal in everything that both name.
fn same(item: &Value, other: &Value) -> bool {
    match (item, other) {
        (Value::Object(item), Value::Object(other)) => {
            other.iter().all(|(key, value)| item.get(key) == Some(value))
        }
        _ => item == other,
    }
}

fn set_part(object: &mut Object, part: &str, value: Value) {
    let spelled = object.keys().find(|key| key.eq_ignore_ascii_case(part)).cloned();
    object.insert(spelled.unwrap_or_else(|| part.to_owned()), value);
}

fn child<'a>(doc: &'a mut Object, name: &str) -> &'a mut Object {
    let slot = doc.entry(name).or_insert_with(|| Value::Object(Map::new()));
    if !slot.is_object() {
        *slot = Value::Object(Map::new());
    }
    match slot {
        Value::Object(object) => object,
        _ => unreachable!("it was made an object above"),
    }
}

#[cfg(test)]
mod tests {
    use super::super::scim_operation::{PATCH, operations};
    use super::*;
    use serde_json::json;

    fn patched(operations_json: Value) -> Result<Value, Refusal> {
        let Value::Object(mut doc) = json!({
            "userName": "ben@example.com", "title": "Technician", "nickName": "Benny",
            "name": { "givenName": "Ben", "familyName": "Okoro" },
            "emails": [{ "value": "ben@example.com", "type": "work", "primary": true }, { "value": "b@home.test", "type": "home" }],
            "phoneNumbers": [{ "value": "1", "type": "work", "primary": true }, { "value": "2", "type": "mobile" }],
            ENTERPRISE: { "department": "Optics" },
        }) else {
            panic!("an object")
        };
        apply(&mut doc, operations(&json!({ "schemas": [PATCH], "Operations": operations_json }))?)?;
        Ok(Value::Object(doc))
    }

    #[test]
    fn operations_do_what_they_say() {
        let department = format!("{ENTERPRISE}:department");
        let dotted = format!("{ENTERPRISE}.department");
        let cisco = format!("{CISCO}:extensionAttribute1");
        for (operation, pointer, expected) in [
            (json!({ "op": "replace", "path": "title", "value": "Lead" }), "/title", json!("Lead")),
            (json!({ "op": "REPLACE", "path": "TITLE", "value": "Lead" }), "/title", json!("Lead")),
            (json!({ "op": "add", "path": "locale", "value": "en_GB" }), "/locale", json!("en_GB")),
            (json!({ "op": "remove", "path": "nickName" }), "/nickName", Value::Null),
            (
                json!({ "op": "replace", "path": "name.givenName", "value": "B" }),
                "/name",
                json!({ "givenName": "B", "familyName": "Okoro" }),
            ),
            (
                json!({ "op": "replace", "path": "name", "value": { "givenName": "B" } }),
                "/name/familyName",
                json!("Okoro"),
            ),
            (
                json!({ "op": "replace", "path": r#"phoneNumbers[type eq "mobile"].value"#, "value": "3" }),
                "/phoneNumbers/1/value",
                json!("3"),
            ),
            (
                json!({ "op": "remove", "path": r#"phoneNumbers[type eq "work"]"# }),
                "/phoneNumbers",
                json!([{ "value": "2", "type": "mobile" }]),
            ),
            (
                json!({ "op": "add", "path": "phoneNumbers", "value": [{ "value": "2", "type": "mobile" }] }),
                "/phoneNumbers/2",
                Value::Null,
            ),
            (
                json!({ "op": "add", "path": "phoneNumbers", "value": { "value": "3", "type": "fax", "primary": true } }),
                "/phoneNumbers/0",
                json!({ "value": "1", "type": "work" }),
            ),
            (json!({ "op": "replace", "path": "phoneNumbers", "value": [] }), "/phoneNumbers", json!([])),
            (
                json!({ "op": "replace", "path": department, "value": "Lab" }),
                &*format!("/{}/department", ENTERPRISE),
                json!("Lab"),
            ),
            (
                json!({ "op": "replace", "path": dotted, "value": "Lab" }),
                &*format!("/{}/department", ENTERPRISE),
                json!("Lab"),
            ),
            (
                json!({ "op": "add", "path": cisco, "value": ["x"] }),
                &*format!("/{CISCO}/extensionAttribute1"),
                json!(["x"]),
            ),
            (
                json!({ "op": "replace", "value": { "title": "Lead", "name.familyName": "O" } }),
                "/name/familyName",
                json!("O"),
            ),
            (
                json!({ "op": "add", "value": { ENTERPRISE: { "division": "D" } } }),
                &*format!("/{ENTERPRISE}/department"),
                json!("Optics"),
            ),
            (
                json!({ "op": "replace", "path": "userName", "value": "new@example.com" }),
                "/emails",
                json!([
                    { "value": "new@example.com", "type": "work", "primary": true },
                    { "value": "b@home.test", "type": "home" },
                ]),
            ),
            (json!({ "op": "replace", "path": "meta.created", "value": "x" }), "/meta", Value::Null),
            (json!({ "op": "add", "path": "id", "value": "x" }), "/id", Value::Null),
            (
                json!({ "op": "replace", "path": format!("{ENTERPRISE}:manager"), "value": "x" }),
                &*format!("/{ENTERPRISE}/manager"),
                json!({ "value": "x" }),
            ),
        ] {
            let doc = patched(json!([operation])).unwrap_or_else(|e| panic!("{operation}: {e:?}"));
            assert_eq!(doc.pointer(pointer).cloned().unwrap_or_default(), expected, "{operation}");
        }
    }

    #[test]
    fn what_cannot_be_done_is_refused_by_kind() {
        for (operation, kind) in [
            (
                json!({ "op": "replace", "path": r#"phoneNumbers[type eq "fax"].value"#, "value": "3" }),
                Some("noTarget"),
            ),
            (json!({ "op": "remove" }), Some("noTarget")),
            (json!({ "op": "replace", "path": "title" }), Some("invalidValue")),
            (json!({ "op": "replace", "path": "title", "value": null }), Some("invalidValue")),
            (json!({ "op": "replace", "value": "x" }), Some("invalidValue")),
            (json!({ "op": "remove", "path": "userName" }), Some("invalidValue")),
            (json!({ "op": "replace", "path": "shoeSize", "value": 1 }), Some("invalidPath")),
            (json!({ "op": "replace", "path": "phoneNumbers[type eq", "value": 1 }), Some("invalidPath")),
            (
                json!({ "op": "replace", "path": "phoneNumbers[type].value", "value": 1 }),
                Some("invalidFilter"),
            ),
            (json!({ "op": "replace", "path": "title[a eq 1]", "value": 1 }), Some("invalidPath")),
            (json!({ "op": "replace", "path": "name.", "value": 1 }), Some("invalidPath")),
            (json!({ "op": "replace", "path": 7, "value": 1 }), Some("invalidPath")),
            (json!({ "op": "move", "path": "title", "value": "x" }), None),
        ] {
            let refusal = patched(json!([operation])).expect_err(&operation.to_string());
            assert_eq!((refusal.status, refusal.scim_type), (400, kind), "{operation}");
        }
        assert!(patched(json!([])).is_err());
        assert!(operations(&json!({ "Operations": [] })).is_err());
    }
}
