//! The JSON documents against their schemas in docs/schema.

use std::path::Path;

use serde_json::Value;

use super::rehearsal::{Rehearsal, people, person};

/// Holds a document against the parts of JSON Schema that ours use.
fn check(schema: &Value, root: &Value, value: &Value, at: &str) {
    if let Some(reference) = schema["$ref"].as_str() {
        let target = root.pointer(reference.trim_start_matches('#')).unwrap_or_else(|| panic!("{reference}"));
        return check(target, root, value, at);
    }
    let kinds: Vec<&str> = match &schema["type"] {
        Value::String(kind) => vec![kind],
        Value::Array(kinds) => kinds.iter().filter_map(Value::as_str).collect(),
        _ => vec![],
    };
    let fits = |kind: &&str| match *kind {
        "object" => value.is_object(),
        "array" => value.is_array(),
        "string" => value.is_string(),
        "integer" => value.is_i64() || value.is_u64(),
        "boolean" => value.is_boolean(),
        "null" => value.is_null(),
        other => panic!("{other} is not used here"),
    };
    assert!(kinds.is_empty() || kinds.iter().any(fits), "{at}: {value} is none of {kinds:?}");
    if let Some(allowed) = schema["enum"].as_array() {
        assert!(allowed.contains(value), "{at}: {value} is none of {allowed:?}");
    }
    if let Some(object) = value.as_object() {
        for required in schema["required"].as_array().into_iter().flatten().filter_map(Value::as_str) {
            assert!(object.contains_key(required), "{at}: {required} is missing");
        }
        for (key, inner) in object {
            match schema["properties"].get(key) {
                Some(schema) => check(schema, root, inner, &format!("{at}.{key}")),
                None => assert!(
                    schema.get("properties").is_none() || schema["additionalProperties"] == true,
                    "{at}: {key} is not in the schema"
                ),
            }
        }
    }
    for (n, item) in value.as_array().into_iter().flatten().enumerate() {
        if schema["items"].is_object() {
            check(&schema["items"], root, item, &format!("{at}[{n}]"));
        }
    }
}

#[track_caller]
pub fn holds(name: &str, document: &Value) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("docs/schema/{name}.json"));
    let schema: Value = serde_json::from_slice(&std::fs::read(&path).unwrap()).unwrap();
    check(&schema, &schema, document, name);
    // Whatever a program may rely on is always there.
    for key in schema["properties"].as_object().unwrap().keys() {
        assert!(document.get(key).is_some(), "{name}: {key} is missing");
    }
}

#[test]
fn every_document_is_as_its_schema_says() {
    let ldif = people(12) + &person(13).replace("mail: p13@example.com\n", "");
    let stage = Rehearsal::new(11, &ldif);
    holds("plan", &stage.run(&["plan", "--json"]).expect(9).json());
    holds("sync", &stage.run(&["sync", "--json"]).expect(9).json());
    holds("check", &stage.run(&["check", "--json"]).expect(0).json());
    holds("lint", &stage.run(&["lint", "--json"]).expect(6).json());
    holds("lint", &stage.run(&["lint", "--json", "--cloud"]).expect(6).json());
    for who in ["p1@example.com", "admin@example.com", "uid=p13,ou=people,dc=example,dc=com"] {
        holds("explain", &stage.run(&["explain", "--json", who]).expect(0).json());
    }
    let nobody = stage.run(&["explain", "--json", "nobody@example.com"]).expect(2).json();
    assert_eq!(nobody["outcome"], "nobody");
    holds("explain", &nobody);
    stage.write("people.ldif", &people(5).replace("title: Tester", "title: Chief"));
    holds("explain", &stage.run(&["explain", "--json", "p7@example.com"]).expect(0).json());
    holds("plan", &stage.run(&["plan", "--json", "--full"]).expect(7).json());
    holds("sync", &stage.run(&["sync", "--json"]).expect(7).json());
    holds("status", &stage.run(&["status", "--json"]).expect(0).json());
    holds("held", &stage.run(&["held", "--json"]).expect(0).json());
    holds("runs", &stage.run(&["history", "--json"]).expect(0).json());
    holds("changes", &stage.run(&["history", "--json", "--run", "2"]).expect(0).json());
    for args in [&["plan", "--json", "--fast"][..], &["--json"], &["--json", "fly"], &["sync", "--json", "x"]]
    {
        let said = stage.run(args).expect(2);
        holds("error", &said.json());
        assert_eq!(said.json()["error"]["code"], "usage");
        assert!(!said.err.is_empty());
    }
    let said = stage.run(&["history", "--json", "--action", "nope"]).expect(2).json();
    assert!(said["error"]["message"].as_str().unwrap().contains("nope"), "{said}");
    assert!(said["error"]["remedy"].as_str().unwrap().contains("role_change"), "{said}");
    assert!(stage.run(&["--json", "--help"]).expect(0).out.contains("Usage"));
    stage.write("token", "wrong");
    holds("error", &stage.run(&["plan", "--json"]).expect(5).json());
}
