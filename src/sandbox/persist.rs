//! The state file: one JSON document per line, written beside and renamed into place.
//!
//! The first line says what the organization is, then there is a line per account and per group.
//! Saving copies pointers under the lock and writes without it.

use std::fs::{self, File};
use std::io::{self, BufRead, BufReader, BufWriter, Write};
use std::path::Path;
use std::sync::Arc;

use serde::{Deserialize, Serialize};
use serde_json::Value;
use uuid::Uuid;

use super::groups::Group;
use super::person::Person;
use super::settings::{LicenseSpec, LocationSpec, Settings};
use super::state::{Archived, Facts, Former, State};

const FORMAT: u32 = 1;

#[derive(Serialize, Deserialize)]
struct Head {
    format: u32,
    seed: u64,
    org: Facts,
    licenses: Vec<LicenseSpec>,
    locations: Vec<LocationSpec>,
    sites: Vec<String>,
    #[serde(default)]
    uc_profiles: Vec<String>,
    taken: Vec<String>,
    invitations: u64,
    groups_made: u32,
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Line {
    Head(Box<Head>),
    Person(#[serde(with = "shared")] Arc<Person>),
    Group(Box<Group>, Vec<Uuid>),
    Contact(Uuid, Value),
    Former(Box<str>, Former),
    Archived(Uuid, Archived),
}

/// A shared account is written as the account.
mod shared {
    use std::sync::Arc;

    use serde::{Deserialize, Deserializer, Serialize, Serializer};

    use crate::sandbox::person::Person;

    pub(super) fn serialize<S: Serializer>(person: &Arc<Person>, to: S) -> Result<S::Ok, S::Error> {
        (**person).serialize(to)
    }

    pub(super) fn deserialize<'a, D: Deserializer<'a>>(from: D) -> Result<Arc<Person>, D::Error> {
        Person::deserialize(from).map(Arc::new)
    }
}

/// What is written; taken under the lock.
pub(super) struct Copy(Vec<Line>);

/// Copies what is worth keeping.
pub(super) fn copy(state: &State) -> Copy {
    let mut taken: Vec<_> = state.taken.iter().cloned().collect();
    taken.sort();
    let head = Head {
        format: FORMAT,
        seed: state.seed,
        org: state.org.clone(),
        licenses: state.licenses.iter().map(|license| license.spec.clone()).collect(),
        locations: state.locations.iter().map(|location| location.spec.clone()).collect(),
        sites: state.sites.clone(),
        uc_profiles: state.uc_profiles.clone(),
        taken,
        invitations: state.invitations,
        groups_made: state.groups.made,
    };
    let mut lines = vec![Line::Head(Box::new(head))];
    lines.extend(state.roster.all().into_iter().map(Line::Person));
    for group in state.groups.iter() {
        let members = group.users.iter().filter_map(|slot| state.roster.get(*slot)).map(|person| person.id);
        lines.push(Line::Group(Box::new(group.clone()), members.collect()));
    }
    lines.extend(state.contacts.by_id.iter().map(|(id, contact)| Line::Contact(*id, contact.clone())));
    lines.extend(state.former.iter().map(|(name, former)| Line::Former(name.clone(), former.clone())));
    lines.extend(state.archived.iter().map(|(id, archived)| Line::Archived(*id, archived.clone())));
    Copy(lines)
}

/// Writes a copy, so that at any instant the file is whole.
pub(super) fn save(copy: &Copy, path: &Path) -> io::Result<()> {
    let mut beside = path.as_os_str().to_owned();
    beside.push(".new");
    let mut out = BufWriter::with_capacity(1 << 20, File::create(&beside)?);
    for line in &copy.0 {
        serde_json::to_writer(&mut out, line)?;
        out.write_all(b"\n")?;
    }
    let file = out.into_inner().map_err(io::IntoInnerError::into_error)?;
    file.sync_all()?;
    fs::rename(&beside, path)
}

/// Reads a state file; `None` when there is none.
pub(super) fn load(path: &Path, settings: &Settings) -> io::Result<Option<State>> {
    let file = match File::open(path) {
        Ok(file) => file,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(error),
    };
    let mut lines = BufReader::with_capacity(1 << 20, file).lines();
    let damaged = || io::Error::new(io::ErrorKind::InvalidData, "the file is not a state of the sandbox");
    let first = lines.next().ok_or_else(damaged)??;
    let Ok(Line::Head(head)) = serde_json::from_str(&first) else { return Err(damaged()) };
    if head.format != FORMAT {
        return Err(damaged());
    }
    let settings = Settings {
        org_name: head.org.name.clone(),
        seed: head.seed,
        licenses: head.licenses,
        locations: head.locations,
        sites: head.sites,
        uc_profiles: head.uc_profiles,
        taken_elsewhere: head.taken,
        ..settings.clone()
    };
    // The ids of the licences carry the id of the organization, which outlives a change of name.
    let mut state = State::empty(&settings, head.org.created);
    if state.org.id != head.org.id {
        state.relabel(head.org.id);
    }
    state.org = head.org;
    state.invitations = head.invitations;
    for line in lines {
        match serde_json::from_str(&line?)? {
            Line::Head(_) => return Err(damaged()),
            Line::Person(person) => {
                state.admit(Arc::unwrap_or_clone(person));
            }
            Line::Group(mut group, members) => {
                group.users = members.into_iter().filter_map(|id| state.roster.slot_of(id)).collect();
                state.groups.insert(*group);
            }
            Line::Contact(id, contact) => {
                state.contacts.insert(id, contact);
            }
            Line::Former(name, former) => {
                state.former.insert(name, former);
            }
            Line::Archived(id, archived) => {
                state.archived.insert(id, archived);
            }
        }
    }
    state.groups.made = head.groups_made;
    Ok(Some(state))
}
