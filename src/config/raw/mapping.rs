//! Tables of expressions by field: the same for people, rooms and contacts, with other fields.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::marker::PhantomData;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::Deserialize;

use crate::model::{CONTACT_FIELDS, Field};
use crate::rules::ROOM_FIELDS;

/// What the fields are those of.
pub trait Mapped {
    /// The name in the schema.
    const NAME: &'static str;
    /// What the table is, in a sentence.
    const TABLE: &'static str;
    /// Which default mapping there is, in words that follow "the default mapping".
    const DEFAULT: &'static str;
    /// What the address is, in a sentence.
    const EMAIL: &'static str;
    /// The fields that can be mapped.
    const FIELDS: &'static [Field];
}

/// People.
#[derive(Debug)]
pub enum OfPeople {}

/// Rooms.
#[derive(Debug)]
pub enum OfRooms {}

/// Contacts.
#[derive(Debug)]
pub enum OfContacts {}

impl Mapped for OfPeople {
    const NAME: &'static str = "Mapping";
    const TABLE: &'static str = "Attribute expressions by field.";
    const DEFAULT: &'static str = "of the dialect";
    const EMAIL: &'static str = "The expression for the e-mail address, which is the user name in the cloud.";
    const FIELDS: &'static [Field] = Field::ALL;
}

impl Mapped for OfRooms {
    const NAME: &'static str = "RoomMapping";
    const TABLE: &'static str = "Attribute expressions for rooms, by field.";
    const DEFAULT: &'static str = "for rooms";
    const EMAIL: &'static str =
        "The expression for the e-mail address, which is the user name in the cloud. Absent for \"mail\".";
    const FIELDS: &'static [Field] = ROOM_FIELDS;
}

impl Mapped for OfContacts {
    const NAME: &'static str = "ContactMapping";
    const TABLE: &'static str = "Attribute expressions for contacts, by field.";
    const DEFAULT: &'static str = "for contacts";
    const EMAIL: &'static str = "The expression for the e-mail address.";
    const FIELDS: &'static [Field] = CONTACT_FIELDS;
}

/// Attribute expressions by field.
#[derive(Debug, Deserialize)]
#[serde(bound = "")]
pub struct Mapping<Of> {
    /// Whether the default mapping applies to fields that are not named here.
    #[serde(default = "yes")]
    pub defaults: bool,
    /// The expression for the e-mail address.
    pub email: Option<String>,
    /// The expressions for the other fields.
    #[serde(flatten)]
    pub fields: BTreeMap<Field, String>,
    #[serde(skip)]
    of: PhantomData<Of>,
}

fn yes() -> bool {
    true
}

impl<Of> Default for Mapping<Of> {
    fn default() -> Self {
        Self { defaults: true, email: None, fields: BTreeMap::new(), of: PhantomData }
    }
}

// By hand, because the fields are those of the model.
impl<Of: Mapped> JsonSchema for Mapping<Of> {
    fn schema_name() -> Cow<'static, str> {
        Of::NAME.into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        let text = |description: &str| serde_json::json!({ "description": description, "type": "string" });
        let applies =
            format!("Whether the default mapping {} applies to fields that are not named here.", Of::DEFAULT);
        let mut properties = serde_json::Map::new();
        properties.insert(
            "defaults".to_owned(),
            serde_json::json!({ "description": applies, "type": "boolean", "default": true }),
        );
        properties.insert("email".to_owned(), text(Of::EMAIL));
        for field in Of::FIELDS {
            let description = format!(
                "The expression for {field}, at most {} characters. \"\" leaves it alone in the cloud.",
                field.max_len()
            );
            properties.insert(field.name().to_owned(), text(&description));
        }
        json_schema!({
            "type": "object",
            "description": Of::TABLE,
            "properties": properties,
            "additionalProperties": false,
        })
    }
}
