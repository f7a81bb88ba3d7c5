//! The JSON of SCIM and REST, as leniently as its writers made it: texts that are numbers,
//! booleans that are texts, lists that are `null`. Texts are borrowed from the page where
//! they can be, because a listing of a million people is mostly texts that we drop again.

use std::borrow::Cow;
use std::fmt;
use std::marker::PhantomData;

use serde::de::{Deserializer, IgnoredAny, SeqAccess, Visitor};
use serde::{Deserialize, de};

use super::extension::Cisco;

/// A text; numbers and booleans count as their spelling.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Text<'a>(pub(super) Cow<'a, str>);

impl<'de: 'a, 'a> Deserialize<'de> for Text<'a> {
    fn deserialize<D: Deserializer<'de>>(d: D) -> Result<Self, D::Error> {
        struct V;
        impl<'de> Visitor<'de> for V {
            type Value = Text<'de>;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a text")
            }
            fn visit_borrowed_str<E>(self, v: &'de str) -> Result<Self::Value, E> {
                Ok(Text(Cow::Borrowed(v)))
            }
            fn visit_str<E>(self, v: &str) -> Result<Self::Value, E> {
                Ok(Text(Cow::Owned(v.to_owned())))
            }
            fn visit_string<E>(self, v: String) -> Result<Self::Value, E> {
                Ok(Text(Cow::Owned(v)))
            }
            fn visit_bool<E>(self, v: bool) -> Result<Self::Value, E> {
                Ok(Text(Cow::Borrowed(if v { "true" } else { "false" })))
            }
            fn visit_u64<E>(self, v: u64) -> Result<Self::Value, E> {
                Ok(Text(Cow::Owned(v.to_string())))
            }
            fn visit_i64<E>(self, v: i64) -> Result<Self::Value, E> {
                Ok(Text(Cow::Owned(v.to_string())))
            }
            fn visit_f64<E>(self, v: f64) -> Result<Self::Value, E> {
                Ok(Text(Cow::Owned(v.to_string())))
            }
        }
        d.deserialize_any(V)
    }
}

/// A boolean, or its spelling.
#[derive(Clone, Copy, Debug)]
pub(super) struct Truth(pub(super) bool);

impl<'de> Deserialize<'de> for Truth {
    fn deserialize<D: Deserializer<'de>>(d: D) -> Result<Self, D::Error> {
        let text = Text::deserialize(d)?;
        match text.0.as_ref() {
            t if t.eq_ignore_ascii_case("true") => Ok(Self(true)),
            t if t.eq_ignore_ascii_case("false") => Ok(Self(false)),
            _ => Err(de::Error::custom("expected true or false")),
        }
    }
}

/// A whole number, or its spelling. Negative numbers and fractions become `None`.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Number(pub(super) Option<u64>);

impl<'de> Deserialize<'de> for Number {
    fn deserialize<D: Deserializer<'de>>(d: D) -> Result<Self, D::Error> {
        Ok(Self(Option::<Text>::deserialize(d)?.and_then(|text| text.0.trim().parse().ok())))
    }
}

/// A list; `null` is empty, and a single value is a list of one.
#[derive(Debug)]
pub(super) struct List<T>(pub(super) Vec<T>);

impl<T> Default for List<T> {
    fn default() -> Self {
        Self(Vec::new())
    }
}

impl<'de, T: Deserialize<'de>> Deserialize<'de> for List<T> {
    fn deserialize<D: Deserializer<'de>>(d: D) -> Result<Self, D::Error> {
        struct V<T>(PhantomData<T>);
        impl<'de, T: Deserialize<'de>> Visitor<'de> for V<T> {
            type Value = List<T>;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a list")
            }
            fn visit_unit<E>(self) -> Result<Self::Value, E> {
                Ok(List::default())
            }
            fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Self::Value, A::Error> {
                let mut items = Vec::new();
                while let Some(item) = seq.next_element::<Option<T>>()? {
                    items.extend(item);
                }
                Ok(List(items))
            }
            fn visit_map<A: de::MapAccess<'de>>(self, map: A) -> Result<Self::Value, A::Error> {
                T::deserialize(de::value::MapAccessDeserializer::new(map)).map(|one| List(vec![one]))
            }
            fn visit_borrowed_str<E: de::Error>(self, v: &'de str) -> Result<Self::Value, E> {
                T::deserialize(de::value::BorrowedStrDeserializer::new(v)).map(|one| List(vec![one]))
            }
            fn visit_str<E: de::Error>(self, v: &str) -> Result<Self::Value, E> {
                T::deserialize(de::value::StrDeserializer::new(v)).map(|one| List(vec![one]))
            }
        }
        d.deserialize_any(V(PhantomData))
    }
}

/// One page of a SCIM listing.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Page<'a> {
    pub(super) total_results: Number,
    #[serde(default)]
    pub(super) items_per_page: Number,
    /// Left out by servers that have nothing to show.
    #[serde(default, rename = "Resources", alias = "resources", borrow)]
    pub(super) resources: List<User<'a>>,
}

/// A SCIM user, as far as we read it.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct User<'a> {
    #[serde(borrow)]
    pub(super) id: Text<'a>,
    #[serde(default, borrow)]
    pub(super) user_name: Option<Text<'a>>,
    #[serde(default, borrow)]
    pub(super) user_type: Option<Text<'a>>,
    #[serde(default, borrow)]
    pub(super) external_id: Option<Text<'a>>,
    #[serde(default)]
    pub(super) active: Option<Truth>,
    #[serde(default, borrow)]
    pub(super) name: Option<Name<'a>>,
    #[serde(default, borrow)]
    pub(super) display_name: Option<Text<'a>>,
    #[serde(default, borrow)]
    pub(super) nick_name: Option<Text<'a>>,
    #[serde(default, borrow)]
    pub(super) title: Option<Text<'a>>,
    #[serde(default, borrow)]
    pub(super) preferred_language: Option<Text<'a>>,
    #[serde(default, borrow)]
    pub(super) locale: Option<Text<'a>>,
    #[serde(default, borrow)]
    pub(super) timezone: Option<Text<'a>>,
    #[serde(default, borrow)]
    pub(super) profile_url: Option<Text<'a>>,
    #[serde(default, borrow)]
    pub(super) emails: List<Typed<'a>>,
    #[serde(default, borrow)]
    pub(super) photos: List<Typed<'a>>,
    #[serde(default, borrow)]
    pub(super) ims: List<Typed<'a>>,
    #[serde(default, borrow, rename = "x509Certificates")]
    pub(super) certificates: List<Typed<'a>>,
    #[serde(default, borrow)]
    pub(super) phone_numbers: List<Typed<'a>>,
    #[serde(default, borrow)]
    pub(super) addresses: List<Address<'a>>,
    #[serde(default, borrow)]
    pub(super) roles: List<Typed<'a>>,
    #[serde(default, borrow, rename = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User")]
    pub(super) enterprise: Option<Enterprise<'a>>,
    #[serde(default, borrow, rename = "urn:scim:schemas:extension:cisco:webexidentity:2.0:User")]
    pub(super) cisco: Option<Cisco<'a>>,
}

/// SCIM `name`.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Name<'a> {
    #[serde(default, borrow)]
    pub(super) given_name: Option<Text<'a>>,
    #[serde(default, borrow)]
    pub(super) middle_name: Option<Text<'a>>,
    #[serde(default, borrow)]
    pub(super) family_name: Option<Text<'a>>,
    #[serde(default, borrow)]
    pub(super) honorific_prefix: Option<Text<'a>>,
    #[serde(default, borrow)]
    pub(super) honorific_suffix: Option<Text<'a>>,
}

/// An element of a multi-valued attribute.
#[derive(Debug, Deserialize)]
pub(super) struct Typed<'a> {
    #[serde(default, borrow)]
    pub(super) value: Option<Text<'a>>,
    #[serde(default, borrow, rename = "type")]
    pub(super) kind: Option<Text<'a>>,
    #[serde(default, borrow)]
    pub(super) display: Option<Text<'a>>,
    /// Only external attributes have one.
    #[serde(default, borrow)]
    pub(super) source: Option<Text<'a>>,
}

/// A postal address.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Address<'a> {
    #[serde(default, borrow, rename = "type")]
    pub(super) kind: Option<Text<'a>>,
    #[serde(default, borrow)]
    pub(super) street_address: Option<Text<'a>>,
    #[serde(default, borrow)]
    pub(super) locality: Option<Text<'a>>,
    #[serde(default, borrow)]
    pub(super) region: Option<Text<'a>>,
    #[serde(default, borrow)]
    pub(super) postal_code: Option<Text<'a>>,
    #[serde(default, borrow)]
    pub(super) country: Option<Text<'a>>,
}

/// The enterprise extension.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Enterprise<'a> {
    #[serde(default, borrow)]
    pub(super) department: Option<Text<'a>>,
    #[serde(default, borrow)]
    pub(super) division: Option<Text<'a>>,
    #[serde(default, borrow)]
    pub(super) organization: Option<Text<'a>>,
    #[serde(default, borrow)]
    pub(super) employee_number: Option<Text<'a>>,
    #[serde(default, borrow)]
    pub(super) cost_center: Option<Text<'a>>,
    #[serde(default, borrow)]
    pub(super) manager: Option<Valued<'a>>,
}

/// `manager` of the enterprise extension and `pronouns` of that of Webex, as far as we read them.
#[derive(Debug, Deserialize)]
pub(super) struct Valued<'a> {
    #[serde(default, borrow)]
    pub(super) value: Option<Text<'a>>,
}

/// `{"items": […]}` of the REST family.
#[derive(Debug, Deserialize)]
pub(super) struct Items<T> {
    pub(super) items: Vec<T>,
}

/// An organization of `/v1/organizations`, or a role of `/v1/roles`.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Named {
    pub(super) id: String,
    #[serde(alias = "name")]
    pub(super) display_name: Option<String>,
}

/// A licence of `/v1/licenses`.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct License {
    pub(super) id: String,
    pub(super) name: String,
    #[serde(default)]
    pub(super) total_units: Number,
    #[serde(default)]
    pub(super) consumed_units: Number,
    pub(super) subscription_id: Option<String>,
    pub(super) site_url: Option<String>,
}

/// A page of `/v1/licenses/{id}?includeAssignedTo=user`.
#[derive(Debug, Deserialize)]
pub(super) struct Holders {
    #[serde(default)]
    pub(super) users: List<Holder>,
}

/// One holder of a licence.
#[derive(Debug, Deserialize)]
pub(super) struct Holder {
    pub(super) id: String,
    #[serde(default, rename = "type")]
    pub(super) kind: Option<String>,
}

/// What we read of a person, and of the answer to a licence change.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Held {
    /// The person, where the answer is a list of them.
    #[serde(default)]
    pub(super) id: Option<String>,
    /// Meeting sites: of a person as texts, of which `site#attendee` is one to attend; in the answer
    /// to a change as objects.
    #[serde(default)]
    pub(super) site_urls: Option<Vec<Site>>,
    /// Only administrators see it.
    #[serde(default)]
    pub(super) licenses: Option<Vec<String>>,
    /// Only administrators see it: tells a missing right from an empty list.
    #[serde(default)]
    pub(super) roles: Option<IgnoredAny>,
}

/// A meeting site of a person.
#[derive(Debug, Deserialize)]
#[serde(untagged)]
pub(super) enum Site {
    /// `site` or `site#attendee`.
    Text(String),
    /// The site, and whether the person hosts or attends there.
    #[serde(rename_all = "camelCase")]
    Object {
        /// The site.
        site_url: String,
        /// `host` or `attendee`, in any letter case.
        account_type: String,
    },
    /// Anything else says nothing.
    Other(IgnoredAny),
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lenient_values() {
        let page: Page<'_> = serde_json::from_str(
            r#"{"totalResults":"2","itemsPerPage":2,"Resources":[
                {"id":7,"userName":"a@example.com","active":"TRUE","phoneNumbers":null,"roles":{"value":"x"}},
                {"id":"b\u00e4","active":false,"title":null,"shoes":17,
                 "urn:scim:schemas:extension:cisco:webexidentity:2.0:User":{"extensionAttribute1":"one","extensionAttribute2":[null,"two"]}}]}"#,
        )
        .unwrap();
        assert_eq!(page.total_results.0, Some(2));
        let [a, b] = page.resources.0.as_slice() else { panic!() };
        assert_eq!(a.id.0, "7");
        assert!(a.active.unwrap().0);
        assert_eq!(a.roles.0.len(), 1);
        assert_eq!(b.id.0, "bä");
        assert!(!b.active.unwrap().0);
        let cisco = b.cisco.as_ref().unwrap();
        assert_eq!(cisco.extension_attribute1.0[0].0, "one");
        assert_eq!(cisco.extension_attribute2.0[0].0, "two");
    }

    #[test]
    fn texts_are_borrowed_where_they_can_be() {
        let user: User<'_> = serde_json::from_str(r#"{"id":"x","title":"y"}"#).unwrap();
        assert!(matches!(user.title, Some(Text(Cow::Borrowed("y")))));
    }
}
