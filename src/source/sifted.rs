//! Looking single objects up in a source that can only be read whole: everything is read, and
//! what was not asked for is let go.

use std::collections::HashSet;

use tokio::sync::mpsc;

use crate::model::{
    Ask, Completeness, Found, Key, Lookup, Portion, Record, SourceId, Unusable, is_under, normal_dn,
};

use super::{Source, SourceError};

/// Portions under way between reading and sifting.
const UNDER_WAY: usize = 3;

/// Looks objects up by reading everything.
pub(super) async fn fetch<S: Source + ?Sized>(
    source: &S,
    ask: &Ask,
    lookup: Lookup,
) -> Result<Found, SourceError> {
    let groups = matches!(lookup, Lookup::Groups(_) | Lookup::GroupsHolding(_) | Lookup::GroupsBelow(_));
    let containers = matches!(lookup, Lookup::ContainersBelow(_));
    let sieve = Sieve::new(lookup);
    let mut ask = Ask { groups, ..ask.clone() };
    ask.attributes.extend(sieve.attribute.clone());
    let (sender, mut portions) = mpsc::channel(UNDER_WAY);
    let sifting = async {
        let mut records: Vec<Record> = Vec::new();
        while let Some(portion) = portions.recv().await {
            match portion {
                Portion::Groups(list) if groups => {
                    records.extend(list.into_iter().filter(|r| sieve.keeps(r)))
                }
                Portion::People(list) if !groups && !containers => {
                    records.extend(list.into_iter().filter(|r| sieve.keeps(r)))
                }
                Portion::Groups(_) | Portion::GroupsEnd { .. } | Portion::People(_) => {}
            }
        }
        records
    };
    let (census, records) = tokio::join!(source.read(&ask, sender), sifting);
    let census = census?;
    let gaps = match census.completeness {
        Completeness::Whole => Vec::new(),
        Completeness::Partial { reasons } => reasons,
    };
    let unusable = census.unusable.into_iter().filter(|entry| sieve.may_be(entry)).collect();
    let below = census.containers.into_iter().filter(|container| containers && sieve.is_below(&container.dn));
    Ok(Found { records, containers: below.collect(), unusable, gaps })
}

/// What is looked for, in compared forms.
#[derive(Default)]
struct Sieve {
    anchors: HashSet<SourceId>,
    dns: HashSet<Key>,
    below: Vec<String>,
    members: HashSet<Key>,
    attribute: Option<String>,
    values: HashSet<Vec<u8>>,
}

impl Sieve {
    fn new(lookup: Lookup) -> Self {
        let keys = |dns: Vec<String>| dns.iter().map(|dn| Key::dn(dn)).collect();
        match lookup {
            Lookup::People(anchors) | Lookup::Groups(anchors) => {
                Self { anchors: anchors.into_iter().collect(), ..Self::default() }
            }
            Lookup::PeopleAt(dns) => Self { dns: keys(dns), ..Self::default() },
            Lookup::PeopleBelow(dns) | Lookup::GroupsBelow(dns) | Lookup::ContainersBelow(dns) => {
                Self { below: dns.iter().map(|dn| normal_dn(dn)).collect(), ..Self::default() }
            }
            Lookup::PeopleWith { attribute, values } => Self {
                attribute: Some(attribute.to_lowercase()),
                values: values.iter().map(|value| folded(value)).collect(),
                ..Self::default()
            },
            Lookup::GroupsHolding(dns) => Self { members: keys(dns), ..Self::default() },
        }
    }

    fn keeps(&self, record: &Record) -> bool {
        self.anchors.contains(&record.anchor)
            || !self.dns.is_empty() && self.dns.contains(&record.dn_key())
            || self.is_below(&record.dn)
            || !self.members.is_empty()
                && record.texts("member").any(|member| self.members.contains(&Key::dn(member)))
            || self
                .attribute
                .as_deref()
                .is_some_and(|name| record.values(name).any(|value| self.values.contains(&folded(value))))
    }

    /// Whether an entry that cannot be used may be one of those that are looked for.
    fn may_be(&self, entry: &Unusable) -> bool {
        entry.anchor.is_some_and(|anchor| self.anchors.contains(&anchor))
            || !self.dns.is_empty() && self.dns.contains(&Key::dn(&entry.dn))
            || self.is_below(&entry.dn)
    }

    fn is_below(&self, dn: &str) -> bool {
        if self.below.is_empty() {
            return false;
        }
        let dn = normal_dn(dn);
        self.below.iter().any(|base| is_under(&dn, base))
    }
}

/// Directories compare without letter case.
fn folded(value: &[u8]) -> Vec<u8> {
    match std::str::from_utf8(value) {
        Ok(text) => text.trim().to_lowercase().into_bytes(),
        Err(_) => value.to_vec(),
    }
}
