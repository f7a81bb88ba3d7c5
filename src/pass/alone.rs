//! One person alone: found in the sources by whatever an administrator types, with the groups that
//! lead to a rule and with whoever claims the same address, so that a look can be restricted to
//! them.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};

use crate::model::{Ask, Email, Found, Key, Lookup, Record, SnapshotRow, SourceId, Unusable, Wanted};
use crate::rules::{GroupSet, Rules};
use crate::source::Source;
use crate::store::{Followed, GroupRow, Reader, Stage};

use super::PassError;
use super::census::Doubts;
use super::changes::Heard;
use super::kept::Kept;
use super::membership::Memberships;

/// More groups than this are not climbed.
const GROUPS: usize = 10_000;
/// More people than this with one address are not told apart.
const RIVALS: usize = 50;

/// Where one person is looked for.
pub struct Alone<'a> {
    sources: &'a [Box<dyn Source>],
    reader: &'a Reader,
    rules: &'a Rules,
    /// The attributes that an address comes from.
    addresses: &'a [String],
    ask: Ask,
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
}

/// A group that the rules name, and how somebody is in it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Chain {
    /// Its place in [`Rules::groups`].
    pub at: usize,
    /// The names of the groups on the way, the person's own group first; empty for a direct member.
    pub through: Vec<String>,
}

/// Memberships of one person.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Climbed {
    /// Those groups that the rules name.
    pub groups: GroupSet,
    /// How the person is in each.
    pub chains: Vec<Chain>,
}

struct Step {
    name: String,
    /// The group (or nobody: the person) that it was reached from.
    from: Option<Key>,
}

impl<'a> Alone<'a> {
    /// A search with these rules; `addresses` are the attributes that an address comes from.
    pub fn new(
        sources: &'a [Box<dyn Source>],
        reader: &'a Reader,
        rules: &'a Rules,
        addresses: &'a [String],
    ) -> Self {
        Self { sources, reader, rules, addresses, ask: rules.ask(), gaps: Vec::new() }
    }

    /// Everybody who may be meant by an e-mail address, an anchor, a DN or a cloud id.
    ///
    /// # Errors
    ///
    /// When the store failed. What the sources did not answer is in [`Alone::gaps`].
    pub async fn find(&mut self, text: &str) -> Result<Meant, PassError> {
        let text = text.trim();
        let mut meant = Meant { row: self.reader.find_person(text)?, ..Meant::default() };
        let mut anchors: Vec<SourceId> = text.parse().into_iter().collect();
        anchors.extend(meant.row.as_ref().map(|row| row.anchor));
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
        if meant.row.is_none()
            && let [only] = meant.anchors().as_slice()
        {
            meant.row = self.reader.rows(&[*only])?.pop();
        }
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

    async fn fetch(&mut self, lookup: Lookup, meant: &mut Meant) {
        for (source, found) in self.ask(lookup).await {
            let records = found.records.into_iter().map(|record| Met { source: source.clone(), record });
            let unusable = found.unusable.into_iter().map(|entry| (source.clone(), entry));
            meant.take(Meant { met: records.collect(), unusable: unusable.collect(), row: None });
        }
    }

    /// What each source finds; what it does not answer is a gap.
    async fn ask(&mut self, lookup: Lookup) -> Vec<(String, Found)> {
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

    /// The groups that somebody is in, climbed from the bottom.
    ///
    /// # Errors
    ///
    /// When the store failed.
    pub async fn climb(&mut self, record: &Record) -> Result<Climbed, PassError> {
        if self.rules.groups().is_empty() {
            return Ok(Climbed::default());
        }
        let known: HashMap<Key, GroupRow> =
            self.reader.groups()?.into_iter().map(|row| (row.key, row)).collect();
        let mut steps: HashMap<Key, Step> = HashMap::new();
        let mut names: Vec<(Key, BTreeSet<String>)> = Vec::new();
        // The primary group of Active Directory names nobody as its member.
        let mut level: Vec<(Key, String)> = vec![(record.dn_key(), record.dn.clone())];
        for dn in record.texts("primarygroup") {
            let key = Key::dn(dn);
            let mut own: BTreeSet<String> =
                known.get(&key).map(|row| row.names.iter().cloned().collect()).unwrap_or_default();
            own.extend(first_value(dn).map(|name| name.to_lowercase()));
            steps.insert(key, Step { name: first_value(dn).unwrap_or(dn).to_owned(), from: None });
            names.push((key, own));
            level.push((key, dn.to_owned()));
        }
        while !level.is_empty() && steps.len() < GROUPS {
            let below: HashSet<Key> = level.iter().map(|(key, _)| *key).collect();
            let dns = level.into_iter().map(|(_, dn)| dn).collect();
            level = Vec::new();
            for (_, found) in self.ask(Lookup::GroupsHolding(dns)).await {
                for group in found.records {
                    let key = group.dn_key();
                    let members = group.texts("member").map(Key::dn);
                    let Some(from) = members.into_iter().find(|member| below.contains(member)) else {
                        continue;
                    };
                    if steps.contains_key(&key) {
                        continue;
                    }
                    let texts = || ["cn", "samaccountname"].into_iter().flat_map(|name| group.texts(name));
                    let name =
                        texts().next().or_else(|| first_value(&group.dn)).unwrap_or(&group.dn).to_owned();
                    steps.insert(key, Step { name, from: (from != record.dn_key()).then_some(from) });
                    names.push((key, texts().map(str::to_lowercase).collect()));
                    level.push((key, group.dn.clone()));
                }
            }
        }
        let mut climbed = Climbed::default();
        for (at, named) in self.rules.groups().iter().enumerate() {
            let folded = named.to_lowercase();
            let meant = match named.contains('=') {
                true => Some(Key::dn(named)).filter(|key| steps.contains_key(key)),
                false => names.iter().find(|(_, names)| names.contains(&folded)).map(|(key, _)| *key),
            };
            let Some(key) = meant else { continue };
            climbed.groups.insert(at);
            let mut through = Vec::new();
            let mut next = steps.get(&key).and_then(|step| step.from);
            while let Some(step) = next.and_then(|key| steps.get(&key)) {
                through.push(step.name.clone());
                next = step.from;
            }
            through.reverse();
            climbed.chains.push(Chain { at, through });
        }
        Ok(climbed)
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
        let keys: Vec<Key> = emails.keys().copied().collect();
        let owners: Vec<SourceId> =
            self.reader.email_owners(&keys)?.into_iter().map(|(_, anchor)| anchor).collect();
        concerned.extend(&owners);
        self.fetch(Lookup::People(owners), &mut rivals).await;
        for email in emails.values() {
            self.with_address(email, &mut rivals).await;
        }
        rivals.met.retain(|met| {
            concerned.contains(&met.record.anchor)
                || emails.values().any(|email| self.has_address(&met.record, email))
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
        met.chain(row).collect::<BTreeSet<_>>().into_iter().collect()
    }
}

/// The name in a DN: `Flight Crew` of `CN=Flight Crew,OU=…`.
fn first_value(dn: &str) -> Option<&str> {
    let (_, rest) = dn.split_once('=')?;
    let end = rest.char_indices().find(|(at, c)| *c == ',' && !rest[..*at].ends_with('\\'));
    Some(end.map_or(rest, |(end, _)| &rest[..end])).filter(|name| !name.is_empty())
}
