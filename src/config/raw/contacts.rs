//! `[contacts]` as it is written.

use std::collections::BTreeMap;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::Deserialize;

use super::Scope;
use crate::model::{CONTACT_FIELDS, Field};

/// Contacts of the directory that become contacts of the organization. Off unless "sync" is true.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Contacts {
    /// Whether contacts are synchronized at all. Switched off again, those that are in the cloud stay as they are.
    pub sync: bool,
    /// Take over contacts that are in the cloud already and have the address of a contact in the
    /// directory (or its name, where it has no address). Without it such a contact is reported and left alone.
    pub adopt: bool,
    /// Which contacts are in. A contact is in when every clause agrees that is present.
    pub scope: Scope,
    /// Which attribute becomes what.
    pub mapping: ContactMapping,
}

/// Attribute expressions for contacts, by field.
#[derive(Debug, Deserialize)]
pub struct ContactMapping {
    /// Whether the default mapping for contacts applies to fields that are not named here.
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

impl Default for ContactMapping {
    fn default() -> Self {
        Self { defaults: true, email: None, fields: BTreeMap::new() }
    }
}

// By hand, because the fields are some of those of the model.
impl JsonSchema for ContactMapping {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "ContactMapping".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        let text = |description: String| serde_json::json!({ "description": description, "type": "string" });
        let mut properties = serde_json::Map::new();
        properties.insert(
            "defaults".to_owned(),
            serde_json::json!({
                "description": "Whether the default mapping for contacts applies to fields that are not named here.",
                "type": "boolean",
                "default": true,
            }),
        );
        properties.insert("email".to_owned(), text("The expression for the e-mail address.".to_owned()));
        for field in CONTACT_FIELDS {
            let description = format!(
                "The expression for {field}, at most {} characters. \"\" leaves it alone in the cloud.",
                field.max_len()
            );
            properties.insert(field.name().to_owned(), text(description));
        }
        json_schema!({
            "type": "object",
            "description": "Attribute expressions for contacts, by field.",
            "properties": properties,
            "additionalProperties": false,
        })
    }
}
