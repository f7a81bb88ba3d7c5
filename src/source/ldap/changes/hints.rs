//! Hints as they are gathered: each object once, not too many, and what each one is.

use std::collections::BTreeMap;

use crate::model::{Ask, Attribute, Hint, Hinted, MANY, SourceId};

use super::super::containers;
use super::super::decode::Entry;
use super::super::detect::Vendor;
use super::super::settings::Settings;
use super::hinted;

/// More objects changed than are worth looking up one by one.
#[derive(Debug)]
pub(super) struct TooMany;

impl TooMany {
    /// The sentence for an operator.
    pub(super) fn words(&self) -> String {
        format!("more than {MANY} objects changed since then, and reading everything is quicker")
    }
}

/// What was seen of one object.
struct Seen {
    dn: Option<String>,
    /// `None`: the server did not say.
    what: Option<Hinted>,
}

/// The objects that changed.
#[derive(Default)]
pub(super) struct Hints {
    seen: BTreeMap<SourceId, Seen>,
}

impl Hints {
    /// Adds an object, or what is new about it. The last word about it is the right one,
    /// except that a kind once known stays.
    pub(super) fn add(
        &mut self,
        anchor: SourceId,
        dn: Option<String>,
        what: Option<Hinted>,
    ) -> Result<(), TooMany> {
        let seen = self.seen.entry(anchor).or_insert(Seen { dn: None, what: None });
        match what {
            Some(Hinted::Gone) => *seen = Seen { dn: None, what },
            _ => {
                seen.dn = dn.or(seen.dn.take());
                // What was deleted and is told again without that was restored.
                seen.what = what.or(seen.what.filter(|known| *known != Hinted::Gone));
            }
        }
        if self.seen.len() > MANY { Err(TooMany) } else { Ok(()) }
    }

    /// The objects of which nobody said what they are.
    pub(super) fn unknown(&self) -> Vec<SourceId> {
        self.seen.iter().filter(|(_, seen)| seen.what.is_none()).map(|(anchor, _)| *anchor).collect()
    }

    /// All of them. What is still unknown is an object like any other.
    pub(super) fn into_list(self) -> Vec<Hint> {
        let hint = |(anchor, Seen { dn, what })| Hint { anchor, dn, what: what.unwrap_or(Hinted::Object) };
        self.seen.into_iter().map(hint).collect()
    }
}

/// The object classes of Active Directory below whose objects people and groups stand.
pub(super) fn containers() -> impl Iterator<Item = &'static str> {
    containers::classes(Vendor::ActiveDirectory)
}

/// What an entry is: by its object classes where it brought them, and deleted when it says so.
/// `None`: it does not tell.
pub(super) fn what(dn: &str, attributes: &[Attribute]) -> Option<Hinted> {
    let values = |name: &str| {
        let found = attributes.iter().find(|attribute| attribute.name == name);
        found.map(|attribute| attribute.values.as_slice()).unwrap_or_default()
    };
    if values("isdeleted").iter().any(|value| value.eq_ignore_ascii_case(b"true")) || is_tombstone(dn) {
        return Some(Hinted::Gone);
    }
    (!values("objectclass").is_empty()).then(|| hinted::what(attributes))
}

/// What is looked at: people, groups, and what they stand below. By class alone, because a
/// tombstone loses nearly everything else, and what does not match is not told at all.
pub(super) fn filter(settings: &Settings, ask: &Ask) -> String {
    let Ask { groups, contacts, .. } = *ask;
    // What a filter of the administrator's lets through can be of any class. Computers never are
    // anybody, and change all the time.
    if settings.person_filter.is_some()
        || settings.room_filter.is_some()
        || (groups && settings.group_filter.is_some())
        || (contacts && settings.contact_filter.is_some())
    {
        return "(&(objectClass=*)(!(objectClass=computer)))".into();
    }
    let people = "(&(objectClass=user)(!(objectClass=computer)))";
    let others = containers().chain(groups.then_some("group")).chain(contacts.then_some("contact"));
    let others: String = others.map(|class| format!("(objectClass={class})")).collect();
    format!("(|{people}{others})")
}

/// The object's own id.
pub(super) fn guid(entry: &Entry) -> Option<SourceId> {
    let found = entry.attributes.iter().find(|attribute| attribute.name == "objectguid")?;
    Some(SourceId::from_ad_guid(<[u8; 16]>::try_from(found.values.first()?.as_slice()).ok()?))
}

/// An id as a filter names it (RFC 4515, 3), in the order of the wire.
pub(super) fn escaped(anchor: &SourceId) -> String {
    // The order of the wire and that of the text are each other's reverse.
    let wire = SourceId::from_ad_guid(*anchor.as_bytes());
    wire.as_bytes().iter().map(|byte| format!("\\{byte:02x}")).collect()
}

/// Whether the DN is the one that an object gets when it is deleted ([MS-ADTS] 3.1.1.5.5).
fn is_tombstone(dn: &str) -> bool {
    const MARK: &[u8] = br"\0ADEL:";
    dn.as_bytes().windows(MARK.len()).any(|part| part.eq_ignore_ascii_case(MARK))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn id(n: u8) -> SourceId {
        SourceId::new([n; 16])
    }

    #[test]
    fn kinds() {
        let class = |classes: &[&str]| Attribute::list(&[("objectclass", classes)]);
        for (dn, attributes, expected) in [
            ("CN=a", class(&["top", "person", "user"]), Some(Hinted::Object)),
            ("CN=a", class(&["top", "group"]), Some(Hinted::Group)),
            ("OU=a", class(&["top", "organizationalUnit"]), Some(Hinted::Container)),
            ("CN=a", class(&["top", "Container"]), Some(Hinted::Container)),
            ("CN=a", Attribute::list(&[("mail", &["x"])]), None),
            ("CN=a", Attribute::list(&[("isdeleted", &["TRUE"])]), Some(Hinted::Gone)),
            ("CN=a", Attribute::list(&[("isdeleted", &["FALSE"])]), None),
            (r"CN=a\0ADEL:6f1d,CN=Deleted Objects,DC=x", class(&["group"]), Some(Hinted::Gone)),
            // A container by this name is nothing special.
            ("CN=DEL:,DC=x", class(&["user"]), Some(Hinted::Object)),
        ] {
            assert_eq!(what(dn, &attributes), expected, "{dn} {attributes:?}");
        }
    }

    #[test]
    fn each_object_once_with_the_last_word_about_it() {
        let mut hints = Hints::default();
        let dn = |text: &str| Some(text.to_owned());
        hints.add(id(1), dn("CN=a"), Some(Hinted::Group)).unwrap();
        hints.add(id(1), dn("CN=b"), None).unwrap();
        hints.add(id(2), dn("CN=c"), None).unwrap();
        hints.add(id(3), dn("CN=d"), Some(Hinted::Object)).unwrap();
        hints.add(id(3), dn("CN=d"), Some(Hinted::Gone)).unwrap();
        hints.add(id(4), None, Some(Hinted::Gone)).unwrap();
        hints.add(id(4), dn("CN=e"), None).unwrap();
        assert_eq!(hints.unknown(), [id(2), id(4)]);
        hints.add(id(4), None, Some(Hinted::Group)).unwrap();
        let told: Vec<_> = hints.into_list().into_iter().map(|h| (h.anchor, h.dn, h.what)).collect();
        assert_eq!(
            told,
            [
                (id(1), dn("CN=b"), Hinted::Group),
                (id(2), dn("CN=c"), Hinted::Object),
                (id(3), None, Hinted::Gone),
                (id(4), dn("CN=e"), Hinted::Group),
            ]
        );
    }

    #[test]
    fn too_many_are_no_hints() {
        let mut hints = Hints::default();
        let nth = |n: usize| {
            let mut bytes = [0; 16];
            bytes[..8].copy_from_slice(&(n as u64).to_be_bytes());
            SourceId::new(bytes)
        };
        for n in 0..MANY {
            hints.add(nth(n), None, None).unwrap();
        }
        hints.add(nth(0), None, None).unwrap();
        assert!(hints.add(nth(MANY), None, None).unwrap_err().words().contains("20000"));
    }
}
