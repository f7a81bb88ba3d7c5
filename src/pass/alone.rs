//! One person alone: found in the sources by whatever an administrator types, with the groups that
//! lead to a rule and with whoever claims the same address, so that a look can be restricted to
//! them.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use crate::model::{
    Ask, ContactLink, Email, Found, Key, Lookup, Record, RecordKind, SnapshotRow, SourceId, Unusable, Wanted,
};
use crate::rules::{ContactWish, GroupSet, Rules};
use crate::source::Source;
use crate::store::{Followed, Reader, Stage};

use super::PassError;
use super::census::Doubts;
use super::changes::Heard;
use super::kept::Kept;
use super::membership::Memberships;

/// More people than this with one address are not told apart.
const RIVALS: usize = 50;

/// Where one person is looked for.
pub struct Alone<'a> {
    sources: &'a [Box<dyn Source>],
    pub(super) reader: &'a Reader,
    pub(super) rules: &'a Rules,
    /// The attributes that an address comes from.
    addresses: &'a [String],
    ask: Ask,
    /// The attributes that alternate addresses, numbers and extensions come from.
    owned: &'a [String],
    /// What was not answered, in sentences.
    pub gaps: Vec<String>,
}

/// A record, and the source that has it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Met {
    /// The name of the source.
    pub source: String,
    /// What it says.
    pub record: Record,
}

/// Everybody who may be meant by a text.
#[derive(Debug, Default)]
pub struct Meant {
    /// Records, each entry once.
    pub met: Vec<Met>,
    /// Entries that cannot be used, with their source.
    pub unusable: Vec<(String, Unusable)>,
    /// Who is linked under this text.
    pub row: Option<SnapshotRow>,
    /// The contact that is linked under this text.
    pub contact: Option<ContactLink>,
}

impl<'a> Alone<'a> {
    /// A search with these rules; `addresses` are the attributes that an address comes from,
    /// `owned` those of other values that only one person may have.
    pub fn new(
        sources: &'a [Box<dyn Source>],
        reader: &'a Reader,
        rules: &'a Rules,
        addresses: &'a [String],
        owned: &'a [String],
    ) -> Self {
        Self { sources, reader, rules, addresses, owned, ask: rules.ask(), gaps: Vec::new() }
    }

    /// Everybody who may be meant by an e-mail address, an anchor, a DN or a cloud id.
    ///
    /// # Errors
    ///
    /// When the store failed. What the sources did not answer is in [`Alone::gaps`].
    pub async fn find(&mut self, text: &str) -> Result<Meant, PassError> {
        let text = text.trim();
        let mut meant = self.look_for(text).await?;
        if meant.met.is_empty() && meant.row.is_none() && !self.rules.has_contacts() {
            // While contacts are switched off nobody reads them, and whoever asks is to hear that.
            self.ask.contacts = true;
            let mut other = self.look_for(text).await?;
            self.ask.contacts = false;
            other.met.retain(|met| met.record.kind == RecordKind::Contact);
            meant.take(other);
        }
        if let [only] = meant.anchors().as_slice() {
            if meant.row.is_none() {
                meant.row = self.reader.rows(&[*only])?.pop();
            }
            if meant.contact.is_none() {
                meant.contact = self.reader.find_contact(&only.to_string())?;
            }
        }
        Ok(meant)
    }

    /// Everybody in the sources and in the state who may be meant.
    async fn look_for(&mut self, text: &str) -> Result<Meant, PassError> {
        let row = self.reader.find_person(text)?;
        let mut meant = Meant { row, contact: self.reader.find_contact(text)?, ..Meant::default() };
        let mut anchors: Vec<SourceId> = text.parse().into_iter().collect();
        anchors.extend(meant.row.as_ref().map(|row| row.anchor));
        anchors.extend(meant.contact.as_ref().map(|link| link.anchor));
        anchors.sort_unstable();
        anchors.dedup();
        self.fetch(Lookup::People(anchors), &mut meant).await;
        if text.contains('=') {
            self.fetch(Lookup::PeopleAt(vec![text.to_owned()]), &mut meant).await;
        } else if let Ok(email) = text.parse::<Email>() {
            let mut with = Meant::default();
            self.with_address(&email, &mut with).await;
            with.met.retain(|met| self.has_address(&met.record, &email));
            meant.take(with);
        }
        // Two entries with one anchor are both meant.
        let anchors = meant.met.iter().map(|met| met.record.anchor).collect::<BTreeSet<_>>();
        self.fetch(Lookup::People(anchors.into_iter().collect()), &mut meant).await;
        Ok(meant)
    }

    /// Whether an attribute that an address comes from holds this one, or the rules make it.
    fn has_address(&self, record: &Record, email: &Email) -> bool {
        let holds = self.addresses.iter().flat_map(|name| record.texts(name)).any(|value| {
            let value = value.trim();
            let value = value
                .get(..5)
                .filter(|kind| kind.eq_ignore_ascii_case("smtp:"))
                .map_or(value, |_| &value[5..]);
            value.parse::<Email>().is_ok_and(|found| found == *email)
        });
        let none = GroupSet::new();
        holds || self.rules.explain(record, &none, 0).mapping.iter().any(|mapped| {
            mapped.field.is_none()
                && matches!(&mapped.value, Ok(Some(value)) if value.parse::<Email>().is_ok_and(|e| e == *email))
        })
    }

    /// Whoever may have an address, as far as attributes can be searched for it.
    async fn with_address(&mut self, email: &Email, meant: &mut Meant) {
        let text = email.as_str();
        let local = text.split('@').next().unwrap_or_default();
        let values: Vec<Vec<u8>> =
            [text.to_owned(), format!("smtp:{text}"), local.to_owned()].map(String::into_bytes).to_vec();
        let addresses = self.addresses;
        for attribute in addresses.iter().cloned() {
            self.fetch(Lookup::PeopleWith { attribute, values: values.clone() }, meant).await;
        }
    }

    /// Whoever has another value of one of these in the directory that only one may have.
    async fn with_same(&mut self, own: &[Record], meant: &mut Meant) {
        let attributes = self.owned;
        for attribute in attributes.iter().cloned() {
            let all = own.iter().flat_map(|record| record.values(&attribute));
            let values: Vec<Vec<u8>> = all.map(<[u8]>::to_vec).collect();
            self.fetch(Lookup::PeopleWith { attribute, values }, meant).await;
        }
    }

    fn shares(&self, one: &Record, other: &Record) -> bool {
        let shares = |name: &String| one.values(name).any(|value| other.values(name).any(|o| o == value));
        self.owned.iter().any(shares)
    }

    async fn fetch(&mut self, lookup: Lookup, meant: &mut Meant) {
        for (source, found) in self.ask(lookup).await {
            let records = found.records.into_iter().map(|record| Met { source: source.clone(), record });
            let unusable = found.unusable.into_iter().map(|entry| (source.clone(), entry));
            meant.take(Meant { met: records.collect(), unusable: unusable.collect(), ..Meant::default() });
        }
    }

    /// What each source finds; what it does not answer is a gap.
    pub(super) async fn ask(&mut self, lookup: Lookup) -> Vec<(String, Found)> {
        let empty = match &lookup {
            Lookup::People(list) | Lookup::Groups(list) => list.is_empty(),
            Lookup::PeopleAt(list)
            | Lookup::PeopleBelow(list)
            | Lookup::GroupsHolding(list)
            | Lookup::GroupsBelow(list)
            | Lookup::ContainersBelow(list) => list.is_empty(),
            Lookup::PeopleWith { values, .. } => values.is_empty(),
        };
        let mut all = Vec::new();
        for source in self.sources.iter().filter(|_| !empty) {
            let name = source.name().to_owned();
            match source.fetch(&self.ask, lookup.clone()).await {
                Ok(mut found) => {
                    let gaps = std::mem::take(&mut found.gaps);
                    gaps.into_iter().for_each(|gap| self.gap(format!("source \"{name}\": {gap}")));
                    all.push((name, found));
                }
                Err(error) => self.gap(format!("source \"{name}\": {}; {}", error.what, error.remedy)),
            }
        }
        all
    }

    fn gap(&mut self, gap: String) {
        if !self.gaps.contains(&gap) {
            self.gaps.push(gap);
        }
    }

    /// What a look needs to be about these people alone. With them come all who claim the same
    /// address, in the directory or as linked.
    ///
    /// # Errors
    ///
    /// When the store failed.
    pub async fn heard(
        mut self,
        anchors: BTreeSet<SourceId>,
        meant: Meant,
        now: i64,
    ) -> Result<Heard, PassError> {
        let mut all = meant;
        all.met.retain(|met| anchors.contains(&met.record.anchor));
        let mut concerned = anchors;
        let mut told: HashMap<Key, GroupSet> = HashMap::new();
        let mut emails: BTreeMap<Key, Email> = BTreeMap::new();
        self.judge(&all, &mut told, &mut emails, now).await?;
        let mut rivals = Meant::default();
        let own: Vec<Record> = all.met.iter().map(|met| met.record.clone()).collect();
        // Contacts claim nothing of people, nor people of contacts.
        let is_contact = |record: &Record| record.kind == RecordKind::Contact && self.rules.has_contacts();
        let of_contacts = !own.is_empty() && own.iter().all(is_contact);
        if !of_contacts {
            let keys: Vec<Key> = emails.keys().copied().collect();
            let mut owners: Vec<SourceId> =
                self.reader.email_owners(&keys)?.into_iter().map(|(_, anchor)| anchor).collect();
            owners.extend(self.reader.alias_owners(&keys)?.into_iter().map(|(_, anchor)| anchor));
            concerned.extend(&owners);
            self.fetch(Lookup::People(owners), &mut rivals).await;
            self.with_same(&own, &mut rivals).await;
        }
        let mut same = Meant::default();
        for email in emails.values() {
            self.with_address(email, &mut same).await;
        }
        same.met.retain(|met| (met.record.kind == RecordKind::Contact) == of_contacts);
        rivals.take(same);
        rivals.met.retain(|met| {
            concerned.contains(&met.record.anchor)
                || emails.values().any(|email| self.has_address(&met.record, email))
                || own.iter().any(|own| self.shares(own, &met.record))
        });
        rivals.met.truncate(RIVALS);
        rivals.unusable.clear();
        concerned.extend(rivals.met.iter().map(|met| met.record.anchor));
        self.judge(&rivals, &mut told, &mut BTreeMap::new(), now).await?;
        all.take(rivals);
        let mut unusable: BTreeMap<String, Vec<Unusable>> = BTreeMap::new();
        for (source, entry) in all.unusable {
            unusable.entry(source).or_default().push(entry);
        }
        let mut doubts = Doubts::default();
        if !self.gaps.is_empty() {
            doubts.add(&[]);
        }
        Ok(Heard {
            stage: Stage::new()?,
            memberships: Memberships::told(told, self.missing()?),
            groups: 0,
            people: all.met.into_iter().map(|met| met.record).collect(),
            unusable: unusable.into_iter().collect(),
            concerned,
            partial: self.gaps,
            doubts,
            settled: false,
            sources: Vec::new(),
            followed: Followed::default(),
            asked_all: false,
            kept: Kept::Untouched,
            alone: true,
        })
    }

    /// Groups that the rules name and the last pass knew nothing of.
    fn missing(&self) -> Result<Vec<String>, PassError> {
        let known = self.reader.groups()?;
        if known.is_empty() {
            return Ok(Vec::new());
        }
        let is_known = |name: &&String| {
            let folded = name.to_lowercase();
            known.iter().any(|row| row.key == Key::dn(name) || row.names.contains(&folded))
        };
        Ok(self.rules.groups().iter().filter(|name| !is_known(name)).cloned().collect())
    }

    async fn judge(
        &mut self,
        meant: &Meant,
        told: &mut HashMap<Key, GroupSet>,
        emails: &mut BTreeMap<Key, Email>,
        now: i64,
    ) -> Result<(), PassError> {
        for Met { record, .. } in &meant.met {
            let groups = match told.get(&record.dn_key()) {
                Some(groups) => groups.clone(),
                None => self.climb(record).await?.groups,
            };
            if let Wanted::Present(person) = self.rules.judge(record, &groups, now).wanted {
                emails.insert(person.email.key(), person.email);
            }
            if let Some(ContactWish::Present(contact)) = self.rules.judge_contact(record, &groups) {
                emails.extend(contact.email.map(|email| (email.key(), email)));
            }
            told.insert(record.dn_key(), groups);
        }
        Ok(())
    }
}

impl Meant {
    fn take(&mut self, other: Self) {
        for met in other.met {
            if !self
                .met
                .iter()
                .any(|known| known.record.anchor == met.record.anchor && known.record.dn == met.record.dn)
            {
                self.met.push(met);
            }
        }
        for entry in other.unusable {
            if !self.unusable.contains(&entry) {
                self.unusable.push(entry);
            }
        }
    }

    /// The anchors of everybody who may be meant.
    pub fn anchors(&self) -> Vec<SourceId> {
        let met = self.met.iter().map(|met| met.record.anchor);
        let row = self.row.as_ref().map(|row| row.anchor);
        let contact = self.contact.as_ref().map(|link| link.anchor);
        met.chain(row).chain(contact).collect::<BTreeSet<_>>().into_iter().collect()
    }
}
