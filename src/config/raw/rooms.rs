//! `[rooms]` as it is written.

use std::collections::BTreeMap;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::Deserialize;

use super::Scope;
use crate::model::Field;
use crate::rules::ROOM_FIELDS;

/// Rooms of the directory that become rooms of the cloud. Off unless "sync" is true.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Rooms {
    /// Whether rooms are synchronized at all. Switched off again, rooms that are linked stay as they are.
    pub sync: bool,
    /// Which rooms are in. A room is in when every clause agrees that is present.
    pub scope: Scope,
    /// Which attribute becomes what.
    pub mapping: RoomMapping,
}

/// Attribute expressions for rooms, by field.
#[derive(Debug, Deserialize)]
pub struct RoomMapping {
    /// Whether the default mapping for rooms applies to fields that are not named here.
    #[serde(default = "yes")]
    pub defaults: bool,
    /// The expression for the e-mail address.
    pub email: Option<String>,
    /// The expressions for the other fields.
    #[serde(flatten)]
    pub fields: BTreeMap<Field, String>,
}

fn yes() -> bool {
    true
}

impl Default for RoomMapping {
    fn default() -> Self {
        Self { defaults: true, email: None, fields: BTreeMap::new() }
    }
}

// By hand, because the fields are some of those of the model.
impl JsonSchema for RoomMapping {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "RoomMapping".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        let text = |description: String| serde_json::json!({ "description": description, "type": "string" });
        let mut properties = serde_json::Map::new();
        properties.insert(
            "defaults".to_owned(),
            serde_json::json!({
                "description": "Whether the default mapping for rooms applies to fields that are not named here.",
                "type": "boolean",
                "default": true,
            }),
        );
        let email = "The expression for the e-mail address, which is the user name in the cloud. Absent for \"mail\".";
        properties.insert("email".to_owned(), text(email.to_owned()));
        for field in ROOM_FIELDS {
            let description = format!(
                "The expression for {field}, at most {} characters. \"\" leaves it alone in the cloud.",
                field.max_len()
            );
            properties.insert(field.name().to_owned(), text(description));
        }
        json_schema!({
            "type": "object",
            "description": "Attribute expressions for rooms, by field.",
            "properties": properties,
            "additionalProperties": false,
        })
    }
}
