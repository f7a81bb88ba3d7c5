//! The groups of one person, climbed from the bottom: those that the rules name, and those that are to
//! be in the cloud.

use std::collections::{BTreeSet, HashMap, HashSet};

use crate::model::{Key, Lookup, Record, SourceId};
use crate::rules::GroupSet;
use crate::store::GroupRow;

use super::PassError;
use super::alone::Alone;

/// More groups than this are not climbed.
const GROUPS: usize = 10_000;

/// A group that the rules name, and how somebody is in it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Chain {
    /// Its place in [`crate::rules::Rules::groups`].
    pub at: usize,
    /// The names of the groups on the way, the person's own group first; empty for a direct member.
    pub through: Vec<String>,
}

/// A group that is to be in the cloud, and how somebody is in it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CloudChain {
    /// The group of the directory.
    pub anchor: SourceId,
    /// The name in the cloud; blank when none can be made.
    pub name: String,
    /// As in [`Chain::through`].
    pub through: Vec<String>,
}

/// Memberships of one person.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Climbed {
    /// Those groups that the rules name.
    pub groups: GroupSet,
    /// How the person is in each.
    pub chains: Vec<Chain>,
    /// The groups that are to be in the cloud, by name.
    pub cloud: Vec<CloudChain>,
}

struct Step {
    name: String,
    /// The group (or nobody: the person) that it was reached from.
    from: Option<Key>,
}

impl Alone<'_> {
    /// The groups that somebody is in, climbed from the bottom.
    ///
    /// # Errors
    ///
    /// When the store failed.
    pub async fn climb(&mut self, record: &Record) -> Result<Climbed, PassError> {
        if !self.rules.wants_groups() {
            return Ok(Climbed::default());
        }
        let known: HashMap<Key, GroupRow> =
            self.reader.groups()?.into_iter().map(|row| (row.key, row)).collect();
        let mut steps: HashMap<Key, Step> = HashMap::new();
        let mut names: Vec<(Key, BTreeSet<String>)> = Vec::new();
        let mut cloud: Vec<(SourceId, Key, String)> = Vec::new();
        // The primary group of Active Directory names nobody as its member.
        let mut level: Vec<(Key, String)> = vec![(record.dn_key(), record.dn.clone())];
        for dn in record.texts("primarygroup") {
            let key = Key::dn(dn);
            let mut own: BTreeSet<String> =
                known.get(&key).map(|row| row.names.iter().cloned().collect()).unwrap_or_default();
            own.extend(first_value(dn).map(|name| name.to_lowercase()));
            if let Some(row) = known.get(&key)
                && let Some(name) = &row.chosen
            {
                cloud.push((row.anchor, key, name.clone()));
            }
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
                    if let Some(name) = self.rules.chosen().and_then(|chosen| chosen.name(&group)) {
                        cloud.push((group.anchor, key, name));
                    }
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
            let through = way(&steps, key);
            climbed.chains.push(Chain { at, through });
        }
        for (anchor, key, name) in cloud {
            climbed.cloud.push(CloudChain { anchor, name, through: way(&steps, key) });
        }
        climbed.cloud.sort_by(|a, b| (&a.name, a.anchor).cmp(&(&b.name, b.anchor)));
        Ok(climbed)
    }
}

/// The names of the groups that lead to one, the person's own first.
fn way(steps: &HashMap<Key, Step>, to: Key) -> Vec<String> {
    let mut through = Vec::new();
    let mut next = steps.get(&to).and_then(|step| step.from);
    while let Some(step) = next.and_then(|key| steps.get(&key)) {
        through.push(step.name.clone());
        next = step.from;
    }
    through.reverse();
    through
}

/// The name in a DN: `Flight Crew` of `CN=Flight Crew,OU=…`.
fn first_value(dn: &str) -> Option<&str> {
    let (_, rest) = dn.split_once('=')?;
    let end = rest.char_indices().find(|(at, c)| *c == ',' && !rest[..*at].ends_with('\\'));
    Some(end.map_or(rest, |(end, _)| &rest[..end])).filter(|name| !name.is_empty())
}
