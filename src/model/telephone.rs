//! The telephone that comes with a calling licence: Webex gives none without a place and a number.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use super::CloudId;

/// A place of the organization where people have telephones.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Place {
    /// As the cloud wrote it.
    pub id: String,
    /// The name that administrators see.
    pub name: String,
}

/// Where and under which number somebody is to be reached.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Telephone {
    /// Where.
    pub place: Option<Place>,
    /// A number in the form of E.164.
    pub phone: Option<String>,
    /// An extension at the place.
    pub extension: Option<String>,
    /// Extensions of which a free one is taken, first and last, when none is given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pool: Option<(u32, u32)>,
}

/// What the rules make of a person who is given a calling licence.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Line {
    /// All that is needed, but for an extension out of a pool.
    Ready(Telephone),
    /// Something is missing, so that the licence cannot be given. It is not taken either.
    Lacking {
        /// What, in words that follow "because".
        reason: String,
        /// What to do.
        remedy: String,
    },
}

/// A number or extension that somebody has.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InUse {
    /// The id of the place, where the cloud says it.
    pub place: Option<String>,
    /// The number.
    pub phone: Option<String>,
    /// The extension.
    pub extension: Option<String>,
    /// Who has it, when it is a person.
    pub owner: Option<CloudId>,
}

/// As written to plans, journal and history: `held; extension=2110; place_id=…; place=Head Office`.
impl fmt::Display for Telephone {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("held")?;
        for (name, value) in [("phone", &self.phone), ("extension", &self.extension)] {
            if let Some(value) = value {
                write!(f, "; {name}={value}")?;
            }
        }
        if let Some(Place { id, name }) = &self.place {
            // The name comes last: it may contain anything.
            write!(f, "; place_id={id}; place={name}")?;
        }
        Ok(())
    }
}

impl FromStr for Telephone {
    type Err = ();

    fn from_str(text: &str) -> Result<Self, ()> {
        let rest = text.strip_prefix("held; ").ok_or(())?;
        let (rest, name) = match rest.split_once("; place=") {
            Some((rest, name)) => (rest, Some(name.to_owned())),
            None => (rest, None),
        };
        let mut telephone = Self { place: None, phone: None, extension: None, pool: None };
        for part in rest.split("; ") {
            match part.split_once('=').ok_or(())? {
                ("phone", value) => telephone.phone = Some(value.to_owned()),
                ("extension", value) => telephone.extension = Some(value.to_owned()),
                ("place_id", value) => {
                    telephone.place = name.clone().map(|name| Place { id: value.to_owned(), name });
                }
                _ => return Err(()),
            }
        }
        Ok(telephone)
    }
}

impl Telephone {
    /// What of it only one person may have: a place with an extension at it; nothing with a number.
    pub fn keys(&self) -> impl Iterator<Item = (String, String)> {
        let place = self.place.as_ref().map(|place| place.id.clone()).unwrap_or_default();
        let extension = self.extension.clone().map(|extension| (place, extension));
        let phone = self.phone.clone().map(|phone| (String::new(), phone));
        extension.into_iter().chain(phone)
    }

    /// For people: `extension 2110 at Head Office`.
    pub fn words(&self) -> String {
        let mut words = Vec::new();
        words.extend(self.phone.as_ref().map(|phone| format!("number {phone}")));
        words.extend(self.extension.as_ref().map(|extension| format!("extension {extension}")));
        let mut words = words.join(", ");
        if let Some(place) = &self.place {
            words.push_str(" at ");
            words.push_str(&place.name);
        }
        words
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_telephone_survives_its_text_form() {
        let place = Some(Place { id: "Y2lz".into(), name: "Köln; place=2".into() });
        for (place, phone, extension) in [
            (place.clone(), Some("+49221123"), Some("2110")),
            (place, None, Some("2110")),
            (None, Some("+49221123"), None),
        ] {
            let telephone = Telephone {
                place,
                phone: phone.map(Into::into),
                extension: extension.map(Into::into),
                pool: None,
            };
            assert_eq!(telephone.to_string().parse(), Ok(telephone));
        }
        assert!("held".parse::<Telephone>().is_err() && "held; x=1".parse::<Telephone>().is_err());
    }
}
