//! The company as entries of a directory: what is loaded at first, and what has to be changed to
//! make another company of it.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;

use base64::Engine as _;
use chrono::DateTime;

use super::people::{Company, Group, Person, UNITS};
use crate::support::{samba, slapd};

/// Which directory.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    Samba,
    Slapd,
}

impl Kind {
    /// Below which people and units stand.
    pub(crate) fn top(self) -> String {
        match self {
            Self::Samba => format!("OU=Corp,{}", samba::SUFFIX),
            Self::Slapd => format!("ou=people,{}", slapd::SUFFIX),
        }
    }

    fn unit_dn(self, unit: usize) -> String {
        let (inner, outer) = UNITS[unit];
        format!("ou={inner},ou={outer},{}", self.top())
    }

    fn rdn(self, person: &Person) -> String {
        match self {
            Self::Samba => {
                format!("CN={} {} {}", person.given, person.family.replace(',', "\\,"), person.n)
            }
            Self::Slapd => format!("uid=p{}", person.n),
        }
    }

    /// Where somebody stands.
    pub(crate) fn dn(self, person: &Person) -> String {
        format!("{},{}", self.rdn(person), self.unit_dn(person.unit))
    }

    /// Where a group stands.
    pub(crate) fn group_dn(self, group: &Group) -> String {
        match self {
            Self::Samba => format!("CN={},OU=Groups,OU=Corp,{}", group.name, samba::SUFFIX),
            Self::Slapd => format!("cn={},ou=groups,{}", group.name, slapd::SUFFIX),
        }
    }

    /// The attributes of somebody, of those that change.
    fn attributes(self, person: &Person, dns: &Company) -> BTreeMap<&'static str, String> {
        let mut all = BTreeMap::new();
        let mut put = |samba: &'static str, slapd: &'static str, value: Option<String>| {
            let name = if self == Self::Samba { samba } else { slapd };
            if let (Some(value), false) = (value, name.is_empty()) {
                all.insert(name, value);
            }
        };
        let text = |value: Option<&str>| value.map(str::to_owned);
        put("givenName", "givenName", Some(person.given.clone()));
        put("sn", "sn", Some(person.family.clone()));
        put("employeeType", "employeeType", Some(person.class.into()));
        put("employeeNumber", "employeeNumber", Some(person.n.to_string()));
        put("department", "departmentNumber", text(person.department));
        put("title", "title", person.title.clone());
        put("l", "l", text(person.city));
        put("c", "", text(person.country));
        put("division", "businessCategory", person.grade.clone());
        put("mail", "mail", person.mail.clone());
        put("otherMailbox", "labeledURI", person.alias.clone());
        put("telephoneNumber", "telephoneNumber", person.phone.map(|phone| phone.typed()));
        put("mobile", "mobile", person.mobile.clone());
        put("info", "carLicense", person.note.clone());
        put("preferredLanguage", "preferredLanguage", text(person.language.map(|(typed, _)| typed)));
        put("ipPhone", "roomNumber", person.extension.clone());
        put("physicalDeliveryOfficeName", "physicalDeliveryOfficeName", text(person.place));
        let manager = person.manager.map(|n| &dns.people[n]);
        // Active Directory drops a link to whoever is deleted; OpenLDAP keeps what was written.
        let manager = manager.filter(|manager| self == Self::Slapd || !manager.gone);
        put("manager", "manager", manager.map(|manager| self.dn(manager)));
        let control = if person.disabled { "546" } else { "544" };
        put("userAccountControl", "", Some(control.into()));
        put("", "pwdAccountLockedTime", person.disabled.then(|| "000001010000Z".into()));
        all
    }

    fn entry(self, person: &Person, company: &Company) -> String {
        let mut out = String::new();
        line(&mut out, "dn", &self.dn(person));
        match self {
            Self::Samba => {
                let _ = write!(
                    out,
                    "objectClass: user\nsAMAccountName: p{}\nobjectGUID: {}\n",
                    person.n, person.anchor
                );
            }
            Self::Slapd => {
                let _ = write!(
                    out,
                    "objectClass: inetOrgPerson\nuid: p{0}\ncn: p{0}\nentryUUID: {1}\ncreateTimestamp: {2}\n",
                    person.n,
                    person.anchor,
                    time(person.created, "")
                );
            }
        }
        for (name, value) in self.attributes(person, company) {
            // A link goes to somebody who is there already.
            if self == Self::Samba && name == "manager" && person.manager.is_some_and(|n| n >= person.n) {
                continue;
            }
            line(&mut out, name, &value);
        }
        out.push('\n');
        out
    }

    fn group_entry(self, group: &Group, company: &Company) -> String {
        let mut out = String::new();
        line(&mut out, "dn", &self.group_dn(group));
        match self {
            Self::Samba => {
                let _ =
                    write!(out, "objectClass: group\nsAMAccountName: {}\n", group.name.replace('Ü', "Ue"));
                let _ = writeln!(out, "objectGUID: {}", group.anchor);
            }
            Self::Slapd => {
                let _ = writeln!(out, "objectClass: groupOfNames\nentryUUID: {}", group.anchor);
                line(&mut out, "cn", group.name);
                // Nobody is in a group without members there.
                line(&mut out, "member", "cn=nobody");
            }
        }
        for member in self.people_in(group, company) {
            line(&mut out, "member", &member);
        }
        out.push('\n');
        out
    }

    fn people_in(self, group: &Group, company: &Company) -> BTreeSet<String> {
        let at = company.group(group.name);
        let listed = company.people.iter().filter(|person| {
            let primary = person.primary == Some(at);
            match self {
                // What Samba takes out by itself, and what the primary group does not list.
                Self::Samba => group.people.contains(&person.n) && !primary && !person.gone,
                // Whoever is gone is left in the list.
                Self::Slapd => group.people.contains(&person.n) || primary,
            }
        });
        listed.map(|person| self.dn(person)).collect()
    }

    fn groups_in(self, group: &Group, company: &Company) -> BTreeSet<String> {
        group.groups.iter().map(|at| self.group_dn(&company.groups[*at])).collect()
    }
}

/// Everything that is there at first: units, people in portions, groups, and what can only follow.
pub(crate) struct Load {
    pub(crate) units: String,
    pub(crate) people: Vec<String>,
    pub(crate) groups: String,
    pub(crate) links: String,
}

/// The company as LDIF.
pub(crate) fn load(kind: Kind, company: &Company) -> Load {
    let mut units = String::new();
    let outer: BTreeSet<&str> = UNITS.iter().map(|(_, outer)| *outer).collect();
    for name in outer {
        let _ =
            write!(units, "dn: ou={name},{}\nobjectClass: organizationalUnit\nou: {name}\n\n", kind.top());
    }
    for (at, (name, _)) in UNITS.iter().enumerate() {
        let _ = write!(units, "dn: {}\nobjectClass: organizationalUnit\nou: {name}\n\n", kind.unit_dn(at));
    }
    let people = company
        .people
        .chunks(250)
        .map(|some| some.iter().map(|person| kind.entry(person, company)).collect())
        .collect();
    let groups = company.groups.iter().map(|group| kind.group_entry(group, company)).collect();
    let mut links = String::new();
    for group in &company.groups {
        values(&mut links, &kind.group_dn(group), "add", &kind.groups_in(group, company));
    }
    if kind == Kind::Samba {
        for person in company.people.iter().filter(|person| person.manager.is_some_and(|n| n >= person.n)) {
            replace(&mut links, &kind.dn(person), "manager", kind.attributes(person, company).get("manager"));
        }
    }
    Load { units, people, groups, links }
}

/// What makes `after` of `before`.
pub(crate) fn changes(kind: Kind, before: &Company, after: &Company) -> String {
    let mut out = String::new();
    for person in &after.people {
        let Some(old) = before.people.get(person.n) else {
            out.push_str(&kind.entry(person, after).replacen('\n', "\nchangetype: add\n", 1));
            continue;
        };
        if old.gone || person.gone {
            continue;
        }
        if kind.dn(old) != kind.dn(person) {
            line(&mut out, "dn", &kind.dn(old));
            out.push_str("changetype: modrdn\n");
            line(&mut out, "newrdn", &kind.rdn(person));
            out.push_str("deleteoldrdn: 1\n");
            line(&mut out, "newsuperior", &kind.unit_dn(person.unit));
            out.push('\n');
        }
    }
    for person in &after.people {
        let Some(old) = before.people.get(person.n).filter(|old| !old.gone && !person.gone) else { continue };
        let manager = |one: &Person, company: &Company| one.manager.map(|n| kind.dn(&company.people[n]));
        if old == person
            && (kind == Kind::Samba && person.manager.is_none_or(|n| !after.people[n].gone)
                || manager(old, before) == manager(person, after))
        {
            continue;
        }
        // Active Directory follows whoever is moved.
        let (was, is) = (
            kind.attributes(old, if kind == Kind::Samba { after } else { before }),
            kind.attributes(person, after),
        );
        let names: BTreeSet<_> = was.keys().chain(is.keys()).collect();
        for name in names {
            if was.get(*name) != is.get(*name) {
                replace(&mut out, &kind.dn(person), name, is.get(*name));
            }
        }
    }
    for (old, group) in before.groups.iter().zip(&after.groups) {
        let company = if kind == Kind::Samba { after } else { before };
        let old = Group {
            people: old.people.iter().copied().filter(|n| *n < before.people.len()).collect(),
            ..old.clone()
        };
        let (was, is) = (kind.people_in(&old, company), kind.people_in(group, after));
        let dn = kind.group_dn(group);
        values(&mut out, &dn, "add", &is.difference(&was).cloned().collect());
        values(&mut out, &dn, "delete", &was.difference(&is).cloned().collect());
        let (was, is) = (kind.groups_in(&old, before), kind.groups_in(group, after));
        values(&mut out, &dn, "add", &is.difference(&was).cloned().collect());
        values(&mut out, &dn, "delete", &was.difference(&is).cloned().collect());
    }
    for (old, person) in before.people.iter().zip(&after.people) {
        if person.gone && !old.gone {
            line(&mut out, "dn", &kind.dn(old));
            out.push_str("changetype: delete\n\n");
        }
    }
    out
}

/// Sets when entries of Samba were made, in the database below its rules.
pub(crate) fn ages<'a>(people: impl Iterator<Item = &'a Person>) -> String {
    let mut out = String::new();
    for person in people {
        line(&mut out, "dn", &Kind::Samba.dn(person));
        let _ = write!(
            out,
            "changetype: modify\nreplace: whenCreated\nwhenCreated: {}\n-\n\n",
            time(person.created, ".0")
        );
    }
    out
}

/// Makes groups primary ones; `id` gives their relative ids. Membership comes first.
pub(crate) fn primaries(company: &Company, id: impl Fn(&str) -> String) -> String {
    let mut out = String::new();
    for person in &company.people {
        let Some(group) = person.primary.map(|at| &company.groups[at]) else { continue };
        let dn = Kind::Samba.dn(person);
        values(&mut out, &Kind::Samba.group_dn(group), "add", &[dn.clone()].into());
        replace(&mut out, &dn, "primaryGroupID", Some(&id(group.name)));
    }
    out
}

fn time(seconds: i64, fraction: &str) -> String {
    let time = DateTime::from_timestamp(seconds, 0).expect("a time of this century");
    format!("{}{fraction}Z", time.format("%Y%m%d%H%M%S"))
}

fn line(out: &mut String, name: &str, value: &str) {
    let plain =
        value.bytes().all(|byte| (b' '..=b'~').contains(&byte)) && !value.starts_with([' ', ':', '<']);
    if plain {
        let _ = writeln!(out, "{name}: {value}");
    } else {
        let _ = writeln!(out, "{name}:: {}", base64::engine::general_purpose::STANDARD.encode(value));
    }
}

fn replace(out: &mut String, dn: &str, name: &str, value: Option<&String>) {
    line(out, "dn", dn);
    let _ = write!(out, "changetype: modify\nreplace: {name}\n");
    if let Some(value) = value {
        line(out, name, value);
    }
    out.push_str("-\n\n");
}

fn values(out: &mut String, dn: &str, how: &str, members: &BTreeSet<String>) {
    if members.is_empty() {
        return;
    }
    line(out, "dn", dn);
    let _ = write!(out, "changetype: modify\n{how}: member\n");
    for member in members {
        line(out, "member", member);
    }
    out.push_str("-\n\n");
}
