//! Searches as a domain controller answers them: rights, limits of pages and of values.

use std::collections::BTreeMap;

use super::attributes::{Names, View, display};
use super::dirsync;
use super::state::{Rights, State};
use super::tree::{Guid, Object};
use super::wire::{self, EXTENDED_DN, Entry, PAGED, SHOW_DELETED, SHOW_RECYCLED, Search};

/// What goes back: the entries, and how it ended.
#[derive(Debug, Default)]
pub(crate) struct Answer {
    pub(crate) entries: Vec<Entry>,
    pub(crate) references: Vec<String>,
    pub(crate) code: u8,
    pub(crate) words: String,
    pub(crate) controls: Vec<(&'static str, Vec<u8>)>,
}

impl Answer {
    pub(crate) fn refusal(code: u8, words: &str) -> Self {
        Self { code, words: words.to_owned(), ..Self::default() }
    }
}

/// What one connection has still to hand out, by cookie.
#[derive(Debug, Default)]
pub(crate) struct Pages {
    open: BTreeMap<Vec<u8>, Vec<Guid>>,
    next: u64,
}

impl State {
    pub(crate) fn search(&self, bound: bool, search: &Search, pages: &mut Pages) -> Answer {
        if search.base.is_empty() && search.scope == 0 {
            return Answer { entries: vec![self.root(&search.attributes)], ..Answer::default() };
        }
        if !bound {
            return Answer::refusal(
                1,
                "000004DC: LdapErr: DSID-0C090A5C, comment: In order to perform this operation a successful \
                 bind must be completed on the connection., data 0, v4563\0",
            );
        }
        if search.control(wire::DIRSYNC).is_some() {
            return dirsync::answer(self, search);
        }
        let found = match self.candidates(search) {
            Ok(found) => found,
            Err(refusal) => return refusal,
        };
        let view = self.view(search);
        let entries = |guids: &[Guid]| guids.iter().map(|guid| self.entry(&view, guid, search)).collect();
        let mut answer = Answer::default();
        if search.scope == 2 && self.tree.find(&search.base) == Some(self.tree.root) {
            answer.references.push(format!("ldap://example.test/CN=Configuration,{}", self.tree.domain));
        }
        let Some(control) = search.control(PAGED) else {
            if found.len() > self.max_page {
                (answer.code, answer.words) = (4, "\0".into());
            }
            answer.entries = entries(&found[..found.len().min(self.max_page)]);
            return answer;
        };
        let parts = wire::sequence(&control.value).unwrap_or_default();
        let [size, cookie] = parts.as_slice() else { return Answer::refusal(2, "the paging control") };
        let asked = usize::try_from(wire::number(size)).unwrap_or_default().max(1);
        let mut rest = match cookie.as_slice() {
            [] => found,
            cookie => match pages.open.remove(cookie) {
                Some(rest) => rest,
                None => return Answer::refusal(53, "00000057: the cookie is not of this connection\0"),
            },
        };
        let later = rest.split_off(rest.len().min(asked.min(self.max_page)));
        let mut next = Vec::new();
        if !later.is_empty() {
            pages.next += 1;
            next = pages.next.to_be_bytes().to_vec();
            pages.open.insert(next.clone(), later);
        }
        answer.entries = entries(&rest);
        answer.controls.push(wire::paged(&next));
        answer
    }

    pub(crate) fn view(&self, search: &Search) -> View<'_> {
        let names = match search.control(EXTENDED_DN) {
            Some(_) => Names::Extended,
            None => Names::Plain,
        };
        View { tree: &self.tree, usn_offset: self.controller.usn_offset, names }
    }

    /// The objects that a search finds.
    pub(crate) fn candidates(&self, search: &Search) -> Result<Vec<Guid>, Answer> {
        let nothing = || Answer::refusal(32, "0000208D: NameErr: DSID-03100245, problem 2001 (NO_OBJECT)\0");
        let base = match search.base.strip_prefix("<GUID=").and_then(|rest| rest.strip_suffix('>')) {
            Some(id) => self.by_text(id).filter(|guid| !self.tree.get(guid).deleted),
            None => self.tree.find(&search.base),
        }
        .ok_or_else(nothing)?;
        let deleted = search.control(SHOW_DELETED).or_else(|| search.control(SHOW_RECYCLED)).is_some()
            && self.rights == Rights::Everything;
        let visible = |object: &Object| {
            let of_deleted = object.deleted || object.guid == self.tree.deleted_objects;
            (!of_deleted || deleted) && (self.rights != Rights::Nothing || object.parent.is_none())
        };
        if search.scope == 0 && !visible(self.tree.get(&base)) {
            return Err(nothing());
        }
        let view = View { names: Names::Plain, ..self.view(search) };
        let found = self.tree.all().filter(|object| {
            let inside = match search.scope {
                0 => object.guid == base,
                1 => object.parent == Some(base),
                _ => self.tree.is_below(&object.guid, &base),
            };
            inside && visible(object) && search.filter.matches(object, &view)
        });
        Ok(found.map(|object| object.guid).collect())
    }

    /// An object by its id: with hyphens, or the bytes in hexadecimal.
    fn by_text(&self, id: &str) -> Option<Guid> {
        let found = self.tree.all().find(|object| {
            let plain: String = object.guid.iter().map(|byte| format!("{byte:02x}")).collect();
            let text = dirsyncd::model::SourceId::from_ad_guid(object.guid).to_string();
            id.eq_ignore_ascii_case(&plain) || id.eq_ignore_ascii_case(&text)
        });
        found.map(|object| object.guid)
    }

    pub(crate) fn entry(&self, view: &View<'_>, guid: &Guid, search: &Search) -> Entry {
        let object = self.tree.get(guid);
        let mut attributes = Vec::new();
        let all = search.attributes.is_empty() || search.attributes.iter().any(|name| name == "*");
        let mut names: Vec<String> = if all { view.own_names(object) } else { vec![] };
        names.extend(search.attributes.iter().filter(|name| *name != "*" && *name != "1.1").cloned());
        for name in names {
            let (plain, range) = match name.to_lowercase().split_once(";range=") {
                Some((plain, range)) => (plain.to_owned(), Some(range.to_owned())),
                None => (name.to_lowercase(), None),
            };
            // Nobody but those who may read everything sees what is in an object.
            if self.rights == Rights::Nothing {
                continue;
            }
            let values = view.values(object, &plain);
            attributes.extend(self.limited(&display(&plain), values, range.as_deref()));
        }
        Entry { dn: view.name(guid), attributes }
    }

    /// An attribute within the limit of values ([MS-ADTS] 3.1.1.3.1.3.3).
    fn limited(&self, name: &str, values: Vec<Vec<u8>>, range: Option<&str>) -> Vec<(String, Vec<Vec<u8>>)> {
        if values.is_empty() {
            return vec![];
        }
        let total = values.len();
        let Some((from, to)) = range.and_then(|range| range.split_once('-')) else {
            if total <= self.max_values {
                return vec![(name.to_owned(), values)];
            }
            let part = values[..self.max_values].to_vec();
            let ranged = format!("{name};range=0-{}", self.max_values - 1);
            return vec![(name.to_owned(), vec![]), (ranged, part)];
        };
        let from: usize = from.parse().unwrap_or_default();
        let asked = to.parse::<usize>().map_or(total, |to| (to + 1).min(total));
        let end = asked.min(from.saturating_add(self.max_values));
        let part = values.get(from..end).map(<[_]>::to_vec).unwrap_or_default();
        let last = if end >= total { "*".to_owned() } else { (end - 1).to_string() };
        vec![(format!("{name};range={from}-{last}"), part)]
    }
}
