//! The invented company as a directory: an LDIF file (RFC 2849).

use std::collections::BTreeSet;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;

use super::company::{CITIES, Company, Employee, ROOT};

/// The company as an LDIF file, as an export of Active Directory writes it.
pub fn ldif(company: &Company) -> String {
    let mut out = String::from("version: 1\n");
    entry(&mut out, ROOT, &[("objectClass", "domainDNS"), ("dc", "corp")]);
    out.push_str(&format!("objectGUID:: {}\n", STANDARD.encode([9; 16])));
    for person in company.people.iter().filter(|person| !person.gone) {
        write_person(company, &mut out, person);
    }
    let nested = format!("CN=webex-hosts-ops,OU=Groups,{ROOT}");
    let members = |set: &BTreeSet<usize>| {
        let there = set.iter().filter_map(|at| company.people.get(*at)).filter(|person| !person.gone);
        there.map(Employee::dn).collect::<Vec<_>>()
    };
    let mut hosts = members(&company.hosts);
    hosts.push(nested.clone());
    for (dn, name, members, mark) in [
        (nested, "webex-hosts-ops", members(&company.nested), 2),
        (format!("CN=webex-hosts,OU=Groups,{ROOT}"), "webex-hosts", hosts, 1),
    ] {
        let guid = STANDARD.encode([mark; 16]);
        let mut lines = vec![("objectClass", "group"), ("cn", name), ("sAMAccountName", name)];
        lines.extend(members.iter().map(|member| ("member", member.as_str())));
        entry(&mut out, &dn, &lines);
        out.push_str(&format!("objectGUID:: {guid}\n"));
    }
    out
}

fn write_person(company: &Company, out: &mut String, person: &Employee) {
    let (city, country, prefix) = CITIES[person.city];
    let control = if person.disabled { "514" } else { "512" };
    let upn = format!("{}@corp.example.com", person.login);
    let phone = format!("{prefix} {}", 1000 + person.number);
    let name = person.name();
    let manager = person.manager.and_then(|at| company.people.get(at)).map(Employee::dn);
    let mut lines = vec![
        ("objectClass", "user"),
        ("cn", name.as_str()),
        ("sAMAccountName", &person.login),
        ("userPrincipalName", &upn),
        ("userAccountControl", control),
        ("givenName", &person.given),
        ("sn", &person.family),
        ("displayName", &name),
        ("title", &person.title),
        ("department", person.department),
        ("company", "Example Works"),
        ("employeeID", &person.login[1..]),
        ("telephoneNumber", &phone),
        ("l", city),
        ("c", country),
    ];
    lines.extend(person.mail.as_deref().map(|mail| ("mail", mail)));
    lines.extend(manager.as_deref().map(|dn| ("manager", dn)));
    entry(out, &person.dn(), &lines);
    out.push_str(&format!("objectGUID:: {}\n", STANDARD.encode(person.guid)));
}

fn entry(out: &mut String, dn: &str, lines: &[(&str, &str)]) {
    out.push('\n');
    attribute(out, "dn", dn);
    for (name, value) in lines {
        attribute(out, name, value);
    }
}

/// What is not plain ASCII is written in base64.
fn attribute(out: &mut String, name: &str, value: &str) {
    if value.is_ascii() {
        out.push_str(&format!("{name}: {value}\n"));
    } else {
        out.push_str(&format!("{name}:: {}\n", STANDARD.encode(value)));
    }
}
