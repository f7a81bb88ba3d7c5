//! Directory synchronization ([MS-ADTS] 3.1.1.3.4.1.3), in rounds.
//!
//! The cookie holds the domain, the change from which this cycle began, and how far it came.

use super::attributes::{View, display};
use super::search::Answer;
use super::state::{Rights, State};
use super::tree::Object;
use super::wire::{self, DIRSYNC, Entry, Search};

/// LDAP_DIRSYNC_OBJECT_SECURITY.
const OBJECT_SECURITY: i64 = 1;
/// LDAP_DIRSYNC_INCREMENTAL_VALUES.
const INCREMENTAL_VALUES: i64 = 0x8000_0000;

pub(crate) fn answer(state: &State, search: &Search) -> Answer {
    let Some(control) = search.control(DIRSYNC) else { return Answer::refusal(2, "") };
    if !control.critical {
        return Answer::refusal(1, "00002120: the control has to be critical\0");
    }
    let parts = wire::sequence(&control.value).unwrap_or_default();
    let [flags, _, cookie] = parts.as_slice() else { return Answer::refusal(2, "the DirSync control") };
    let flags = wire::number(flags);
    let secured = flags & OBJECT_SECURITY != 0;
    let everything = state.rights == Rights::Everything;
    if state.tree.find(&search.base) != Some(state.tree.root) || search.scope != 2 {
        return Answer::refusal(if secured { 53 } else { 50 }, "00002126: the base is no naming context\0");
    }
    if !secured && !everything {
        return Answer::refusal(50, "00002105: LdapErr: DSID-0C0909FD, comment: Error processing control\0");
    }
    let Some(Cookie { since, reached }) = Cookie::read(state, cookie) else {
        return Answer::refusal(12, "00000057: LdapErr: DSID-0C090A22, comment: Error processing control\0");
    };
    let tree = &state.tree;
    let view = state.view(search);
    let mut changed: Vec<&Object> = tree
        .all()
        .filter(|object| object.changed_at > since.max(reached) && tree.is_below(&object.guid, &tree.root))
        .filter(|object| everything || !object.deleted)
        .filter(|object| state.rights != Rights::Nothing && search.filter.matches(object, &view))
        .collect();
    changed.sort_by_key(|object| object.changed_at);
    let more = changed.len() > state.round;
    changed.truncate(state.round);
    let next = match more {
        true => Cookie { since, reached: changed.last().map_or(reached, |object| object.changed_at) },
        false => Cookie { since: tree.clock, reached: tree.clock },
    };
    let incremental = flags & INCREMENTAL_VALUES != 0;
    Answer {
        entries: changed
            .iter()
            .filter_map(|object| entry(&view, object, search, since, incremental))
            .collect(),
        controls: vec![wire::dirsync(more, &next.write(state))],
        ..Answer::default()
    }
}

/// What changed of one object; nothing when that was not asked for.
fn entry(view: &View<'_>, object: &Object, search: &Search, since: u64, incremental: bool) -> Option<Entry> {
    let new = object.created_at > since;
    let names: Vec<String> = match search.attributes.is_empty() {
        true => view.own_names(object),
        false => search.attributes.iter().map(|name| name.to_lowercase()).collect(),
    };
    let mut attributes = Vec::new();
    for name in &names {
        // Of these, or they do not replicate.
        if matches!(name.as_str(), "objectguid" | "instancetype" | "parentguid" | "usnchanged" | "memberof") {
            continue;
        }
        let recorded = match name.as_str() {
            "cn" | "ou" | "distinguishedname" => "name",
            other => other,
        };
        let touched = object.changed.get(recorded).is_some_and(|at| *at > since);
        if name == "member" && incremental && !object.deleted {
            for (present, option) in [(true, "1-1"), (false, "0-0")] {
                let part = object.member_changes.iter().filter(|(guid, (added, at))| {
                    *added == present && *at > since && view.tree.by_id(guid).is_some_and(|m| !m.deleted)
                });
                let values: Vec<Vec<u8>> = part.map(|(guid, _)| view.name(guid).into_bytes()).collect();
                if !values.is_empty() && (present || !new) {
                    attributes.push((format!("member;range={option}"), values));
                }
            }
            continue;
        }
        let values = view.values(object, name);
        if (new && !values.is_empty()) || (!new && touched) {
            attributes.push((display(name), values));
            if name == "name" {
                attributes.push(("parentGUID".into(), view.values(object, "parentguid")));
            }
        }
    }
    if attributes.is_empty() {
        return None;
    }
    for name in ["objectguid", "instancetype"] {
        attributes.push((display(name), view.values(object, name)));
    }
    Some(Entry { dn: view.name(&object.guid), attributes })
}

struct Cookie {
    since: u64,
    reached: u64,
}

impl Cookie {
    /// `None` when it is not of this domain.
    fn read(state: &State, bytes: &[u8]) -> Option<Self> {
        if bytes.is_empty() {
            return Some(Self { since: 0, reached: 0 });
        }
        let rest = bytes.strip_prefix(b"MSDS")?.strip_prefix(state.domain_id.as_slice())?;
        let (since, reached) = rest.split_at_checked(8)?;
        let number = |bytes: &[u8]| Some(u64::from_be_bytes(bytes.try_into().ok()?));
        Some(Self { since: number(since)?, reached: number(reached)? })
    }

    fn write(&self, state: &State) -> Vec<u8> {
        let numbers = [self.since.to_be_bytes(), self.reached.to_be_bytes()].concat();
        [b"MSDS", state.domain_id.as_slice(), &numbers].concat()
    }
}
