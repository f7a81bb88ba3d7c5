//! What one person costs in the rules: `cargo bench --bench rules`.
//!
//! The default mapping for Active Directory, a scope, and 20 entitlement rules over 12 licences, by group,
//! by expression and by LDAP filter. The reference of the same run is what nobody can do without:
//! the fingerprint of the same record.

use std::hint::black_box;
use std::time::Instant;

use dirsyncd::model::{
    Attribute, Catalogue, Fingerprint, License, LicenseId, LicenseKind, Record, RecordKind, SourceId, Wanted,
};
use dirsyncd::rules::{EntitlementSpec, GroupSet, Rules, ScopeSpec, Spec};

const PEOPLE: usize = 2_000;
const ROUNDS: usize = 50;
const RULES: usize = 20;
const LICENSES: usize = 12;
/// 2026-01-01T00:00:00Z.
const NOW: i64 = 1_767_225_600;

fn attribute(name: &str, value: impl Into<String>) -> Attribute {
    Attribute { name: name.into(), values: vec![value.into().into_bytes()] }
}

fn record(n: usize) -> Record {
    let (given, family) = (format!("Given{n}"), format!("Family{n}"));
    let attributes = vec![
        Attribute {
            name: "objectClass".into(),
            values: ["top", "person", "organizationalPerson", "user"].map(|c| c.as_bytes().to_vec()).into(),
        },
        attribute("cn", format!("{given} {family}")),
        attribute("sAMAccountName", format!("u{n}")),
        attribute("mail", format!("{given}.{family}@example.com")),
        attribute("givenName", given.clone()),
        attribute("sn", family.clone()),
        attribute("displayName", format!("{family}, {given}")),
        attribute("title", if n.is_multiple_of(7) { "Trainee" } else { "Engineer" }),
        attribute("department", format!("Department {}", n % 20)),
        attribute("company", "Example"),
        attribute("employeeNumber", format!("{n:06}")),
        attribute("employeeType", "internal"),
        attribute("telephoneNumber", format!("+1 555 {n:07}")),
        attribute("mobile", format!("+1 556 {n:07}")),
        attribute("streetAddress", "1 Main Street\nBuilding 2"),
        attribute("l", "Springfield"),
        attribute("st", "OR"),
        attribute("postalCode", "97477"),
        attribute("c", "US"),
        attribute("preferredLanguage", "en-US"),
        attribute("userAccountControl", "512"),
    ];
    let mut anchor = [0; 16];
    anchor[..8].copy_from_slice(&(n as u64).to_be_bytes());
    Record {
        anchor: SourceId::new(anchor),
        dn: format!("CN={given} {family},OU=Department {},OU=People,DC=example,DC=com", n % 20),
        kind: RecordKind::Person,
        disabled: false,
        expires: None,
        attributes,
    }
}

fn catalogue() -> Catalogue {
    let license = |n: usize| License {
        id: LicenseId::new(format!("org:L{n}")),
        name: format!("Licence {n}"),
        service: None,
        kind: LicenseKind::Paid,
        subscription: Some(format!("Sub{}", n % 2)),
        site: None,
        total: None,
        consumed: 0,
    };
    Catalogue((0..LICENSES).map(license).collect())
}

fn rules() -> Rules {
    let entitlement = |n: usize| EntitlementSpec {
        name: format!("rule {n}"),
        groups: if n.is_multiple_of(3) { vec![format!("group {n}")] } else { Vec::new() },
        when: match n % 3 {
            0 => None,
            1 => Some(format!("department == \"Department {n}\" and not starts_with(title, \"Trainee\")")),
            _ => Some(format!("(&(employeeType=internal)(department=Department {n}))")),
        },
        licenses: vec![format!("Licence {}", n % LICENSES)],
        ..EntitlementSpec::default()
    };
    let spec = Spec {
        defaults: true,
        scope: ScopeSpec {
            bases: vec!["OU=People,DC=example,DC=com".into()],
            filter: Some("(employeeType=internal)".into()),
            ..ScopeSpec::default()
        },
        entitlements: (0..RULES).map(entitlement).collect(),
        ..Spec::default()
    };
    let rules = Rules::compile(&spec).expect("rules that compile");
    let (rules, unbound) = rules.bind(&catalogue(), &[]);
    assert!(unbound.is_empty(), "{unbound:?}");
    rules
}

/// The quickest of the rounds, in nanoseconds per person: everything slower is noise of the machine.
fn quickest(mut round: impl FnMut()) -> f64 {
    (0..ROUNDS)
        .map(|_| {
            let start = Instant::now();
            round();
            start.elapsed().as_nanos() as f64 / PEOPLE as f64
        })
        .fold(f64::INFINITY, f64::min)
}

fn main() {
    let rules = rules();
    let records: Vec<Record> = (0..PEOPLE).map(record).collect();
    let groups: Vec<GroupSet> =
        (0..PEOPLE).map(|n| (0..rules.groups().len()).filter(|g| (n + g) % 4 == 0).collect()).collect();
    let mut present = 0;
    let judged = quickest(|| {
        for (record, groups) in records.iter().zip(&groups) {
            let verdict = black_box(rules.judge(black_box(record), groups, NOW));
            present += usize::from(matches!(verdict.wanted, Wanted::Present(_)));
        }
    });
    assert_eq!(present, PEOPLE * ROUNDS, "everybody is in");
    let printed = quickest(|| {
        for record in &records {
            black_box(black_box(record).fingerprint(Fingerprint::NONE));
        }
    });
    println!("rules: {judged:.0} ns a person (default mapping, scope, {RULES} entitlement rules)");
    println!("the fingerprint of the same record: {printed:.0} ns; {:.1} times that", judged / printed);
}
