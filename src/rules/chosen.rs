//! Which groups of the directory become groups of the cloud, and under which name.

use std::collections::BTreeSet;

use crate::model::{Fingerprint, GROUP_ATTRIBUTES, Hasher, Record, is_under, normal_dn};

use super::error::RuleError;
use super::expr::{Needs, Text};
use super::filter::{self, Filter};
use super::groups::is_dn;
use super::subject::Subject;
use super::{GroupSet, GroupSpec, Rules};

/// The name when nothing else is written.
const NAME: &str = "first(displayName, cn)";

/// Raised whenever the same choice begins to mean other groups or names.
const VERSION: u32 = 1;

/// The compiled choice.
#[derive(Clone, Debug)]
pub struct Chosen {
    /// In their compared form.
    dns: BTreeSet<String>,
    /// Lower case.
    names: BTreeSet<String>,
    filters: Box<[Filter]>,
    /// In their compared form.
    bases: Box<[String]>,
    name: Text,
    /// DNs and names as written, with their compared forms.
    listed: Vec<(String, String)>,
    written: Fingerprint,
}

impl Chosen {
    /// Compiles the choice, adding what is wrong to `errors`; `None` when no group is chosen.
    pub(super) fn compile(spec: &GroupSpec, errors: &mut Vec<RuleError>) -> Option<Self> {
        if spec.sync.is_empty() && spec.bases.is_empty() {
            return None;
        }
        let before = errors.len();
        let (mut dns, mut names) = (BTreeSet::new(), BTreeSet::new());
        let (mut filters, mut listed) = (Vec::new(), Vec::new());
        for (i, text) in spec.sync.iter().enumerate() {
            let (place, text) = (format!("groups.sync[{i}]"), text.trim());
            if text.starts_with('(') {
                let mut needs = Needs::default();
                match filter::parse(text, &mut needs) {
                    Ok(filter) => filters.push(filter),
                    Err(error) => errors.push(error.at(&place)),
                }
                unread(&place, &needs, errors);
            } else if text.is_empty() {
                errors.push(RuleError::whole(
                    &place,
                    "a group needs a name",
                    "write its name, DN or a filter",
                ));
            } else if is_dn(text) {
                listed.push((text.to_owned(), normal_dn(text)));
                dns.insert(normal_dn(text));
            } else {
                listed.push((text.to_owned(), text.to_lowercase()));
                names.insert(text.to_lowercase());
            }
        }
        let mut bases = Vec::new();
        for (i, base) in spec.bases.iter().enumerate() {
            if is_dn(base) {
                bases.push(normal_dn(base));
            } else {
                errors.push(RuleError::whole(
                    &format!("groups.bases[{i}]"),
                    format!("\"{base}\" is not a distinguished name"),
                    "write it in full, such as \"ou=groups,dc=example,dc=com\"",
                ));
            }
        }
        let source = spec.name.as_deref().unwrap_or(NAME);
        let mut needs = Needs::default();
        let name = Text::compile(source, &mut needs).map_err(|error| errors.push(error.at("groups.name")));
        unread("groups.name", &needs, errors);
        if errors.len() > before {
            return None;
        }
        let mut h = Hasher::seeded(Fingerprint::NONE);
        h.part(&VERSION.to_le_bytes());
        for list in [&spec.sync, &spec.bases] {
            h.part(&(list.len() as u64).to_le_bytes());
            list.iter().for_each(|text| h.part(text.as_bytes()));
        }
        h.part(source.as_bytes());
        Some(Self {
            dns,
            names,
            filters: filters.into(),
            bases: bases.into(),
            name: name.ok()?,
            listed,
            written: h.finish(),
        })
    }

    /// The name that the group of this record is to have in the cloud: `None` when it is not
    /// chosen, blank when nothing can be made of the record.
    pub fn name(&self, record: &Record) -> Option<String> {
        let nobody = GroupSet::new();
        let subject = Subject::new(record, &nobody);
        let dn = normal_dn(&record.dn);
        let chosen = self.dns.contains(&dn)
            || names(record).any(|name| self.names.contains(&name))
            || self.bases.iter().any(|base| is_under(&dn, base))
            || self.filters.iter().any(|filter| filter.matches(&subject));
        chosen.then(|| self.name.of(&subject).trim().to_owned())
    }

    /// DNs and names as written that none of the groups has. Groups are told by their compared
    /// DN and their names, lower case.
    pub fn missing<'a>(&self, groups: impl Iterator<Item = (&'a str, &'a [String])>) -> Vec<String> {
        let mut missing: Vec<&(String, String)> = self.listed.iter().collect();
        for (dn, names) in groups {
            let dn = normal_dn(dn);
            missing.retain(|(_, compared)| *compared != dn && !names.contains(compared));
        }
        missing.into_iter().map(|(written, _)| written.clone()).collect()
    }

    /// DNs and names as written.
    pub fn listed(&self) -> impl Iterator<Item = &str> {
        self.listed.iter().map(|(written, _)| written.as_str())
    }

    /// The digest of the choice.
    pub fn written(&self) -> Fingerprint {
        self.written
    }
}

/// The names by which a group can be meant, lower case.
fn names(record: &Record) -> impl Iterator<Item = String> {
    ["cn", "samaccountname"].into_iter().flat_map(|name| record.texts(name)).map(str::to_lowercase)
}

/// Attributes that are not read of groups would always be blank.
fn unread(place: &str, needs: &Needs, errors: &mut Vec<RuleError>) {
    let read = |name: &String| GROUP_ATTRIBUTES.contains(&name.as_str());
    if let Some(name) = needs.attributes.iter().find(|name| !read(name)) {
        errors.push(RuleError::whole(
            place,
            format!("{name} is not read of groups"),
            format!("use one of {}", GROUP_ATTRIBUTES.join(", ")),
        ));
    }
    if !needs.groups.clone().into_names().is_empty() {
        errors.push(RuleError::whole(
            place,
            "groups are not chosen by the groups that they are in",
            "name them, or choose them by an attribute or by where they stand",
        ));
    }
}

impl Rules {
    /// The groups that rules name (DN or plain name), as first written; their places here
    /// are the members of a [`GroupSet`].
    pub fn groups(&self) -> &[String] {
        &self.groups
    }

    /// Whether groups have to be read.
    pub fn wants_groups(&self) -> bool {
        !self.groups.is_empty() || self.chosen.is_some()
    }

    /// Which groups become groups of the cloud; `None` when none do.
    pub fn chosen(&self) -> Option<&Chosen> {
        self.chosen.as_ref()
    }

    /// Whether the members of some groups are kept out, so that whoever leaves one may come.
    pub fn keep_groups_out(&self) -> bool {
        self.scope.keeps_groups_out()
            || self.rooms.as_ref().is_some_and(|rooms| rooms.scope.keeps_groups_out())
            || self.contacts.as_ref().is_some_and(|contacts| contacts.scope.keeps_groups_out())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{Attribute, RecordKind, SourceId};

    fn group(dn: &str, values: &[(&str, &str)]) -> Record {
        Record {
            anchor: SourceId::new([1; 16]),
            dn: dn.into(),
            kind: RecordKind::Group,
            disabled: false,
            expires: None,
            attributes: values
                .iter()
                .map(|(name, value)| Attribute {
                    name: (*name).into(),
                    values: vec![value.as_bytes().to_vec()],
                })
                .collect(),
        }
    }

    fn compile(sync: &[&str], bases: &[&str], name: Option<&str>) -> Result<Option<Chosen>, Vec<String>> {
        let list = |texts: &[&str]| texts.iter().map(|text| (*text).to_owned()).collect();
        let spec = GroupSpec { sync: list(sync), bases: list(bases), name: name.map(Into::into) };
        let mut errors = Vec::new();
        let chosen = Chosen::compile(&spec, &mut errors);
        if errors.is_empty() { Ok(chosen) } else { Err(errors.into_iter().map(|e| e.place).collect()) }
    }

    #[test]
    fn groups_are_chosen_by_name_dn_filter_and_place() {
        let group = group(
            "cn=Sales,ou=groups,dc=test",
            &[("cn", "Sales"), ("sAMAccountName", "vertrieb"), ("description", "webex")],
        );
        for (sync, bases, want) in [
            (&["sales"][..], &[][..], true),
            (&["VERTRIEB"], &[], true),
            (&["CN=sales, OU=Groups,dc=test"], &[], true),
            (&["(description=webex)"], &[], true),
            (&["(description=other)", "buying"], &[], false),
            (&[], &["OU=groups,DC=test"], true),
            (&[], &["ou=other,dc=test"], false),
        ] {
            let chosen = compile(sync, bases, None).unwrap().unwrap();
            assert_eq!(chosen.name(&group), want.then(|| "Sales".to_owned()), "{sync:?} {bases:?}");
        }
        assert!(compile(&[], &[], None).unwrap().is_none());
    }

    #[test]
    fn the_name_is_an_expression() {
        let named = compile(&["sales"], &[], Some("join(' ', 'AD', cn)")).unwrap().unwrap();
        assert_eq!(named.name(&group("cn=sales,dc=test", &[("cn", "Sales")])).as_deref(), Some("AD Sales"));
        let blank = compile(&["sales"], &[], Some("mail")).unwrap().unwrap();
        assert_eq!(blank.name(&group("cn=sales,dc=test", &[("cn", "Sales")])).as_deref(), Some(""));
    }

    #[test]
    fn what_cannot_work_is_named() {
        assert_eq!(
            compile(&["", "(cn=x", "(title=x)"], &["people"], Some("first(title, cn)")).unwrap_err(),
            ["groups.sync[0]", "groups.sync[1]", "groups.sync[2]", "groups.bases[0]", "groups.name"]
        );
    }

    #[test]
    fn what_is_listed_and_nowhere_is_told() {
        let chosen = compile(&["sales", "cn=x,dc=test", "(cn=*)"], &[], None).unwrap().unwrap();
        let names = ["sales".to_owned()];
        assert_eq!(chosen.missing([("cn=Sales,dc=test", &names[..])].into_iter()), ["cn=x,dc=test"]);
        assert_eq!(chosen.missing([("CN=x, dc=test", &names[..])].into_iter()), [] as [&str; 0]);
    }
}
