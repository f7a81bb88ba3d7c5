//! Whole rules on whole records, and the record that the other tests of rules start from.

mod docs;
mod explain;
mod properties;
mod trial;

use super::*;
use crate::model::{Attribute, Email, Field, License, LicenseKind, RoleId, SourceId, Withheld};

/// A person under `ou=people,dc=example,dc=test` with these attributes; a name that is given
/// twice has two values.
pub(super) fn person(attributes: &[(&str, &str)]) -> Record {
    let mut record = Record {
        anchor: SourceId::new([7; 16]),
        dn: "cn=Ann Lee,ou=people,dc=example,dc=test".into(),
        kind: RecordKind::Person,
        disabled: false,
        expires: None,
        attributes: Vec::new(),
    };
    for (name, value) in attributes {
        match record.attributes.iter_mut().find(|attribute| attribute.name == *name) {
            Some(attribute) => attribute.values.push(value.as_bytes().to_vec()),
            None => record
                .attributes
                .push(Attribute { name: (*name).into(), values: vec![value.as_bytes().to_vec()] }),
        }
    }
    record
}

/// A person as Active Directory shows one.
pub(super) fn ann() -> Record {
    person(&[
        ("objectClass", "top"),
        ("objectClass", "person"),
        ("objectClass", "user"),
        ("cn", "Ann Lee"),
        ("sAMAccountName", "alee"),
        ("givenName", "Ann"),
        ("sn", "Lee"),
        ("displayName", "Lee, Ann"),
        ("mail", "Ann.Lee@Example.com"),
        ("userPrincipalName", "alee@corp.example.com"),
        ("title", " Chief Pilot "),
        ("department", "Flight"),
        ("company", "Example Air"),
        ("employeeID", "0042"),
        ("telephoneNumber", "+49 30 1234-56"),
        ("mobile", ""),
        ("streetAddress", "Airport Road 1\r\nGate B\r\n"),
        ("l", "Berlin"),
        ("c", "de"),
        ("preferredLanguage", "de-DE,en;q=0.5"),
        ("msRTCSIP-PrimaryUserAddress", "SIP:ann@sip.example.com"),
    ])
}

fn spec() -> Spec {
    Spec { defaults: true, ..Spec::default() }
}

fn present(verdict: Verdict) -> Person {
    match verdict.wanted {
        Wanted::Present(person) => person,
        other => panic!("not present: {other:?}"),
    }
}

fn withheld(verdict: Verdict) -> Withheld {
    match verdict.wanted {
        Wanted::Withheld(withheld) => withheld,
        other => panic!("not withheld: {other:?}"),
    }
}

fn catalogue() -> Catalogue {
    let license = |id: &str, name: &str, service: &str| License {
        id: LicenseId::new(id),
        name: name.into(),
        service: Some(service.into()),
        kind: LicenseKind::Paid,
        subscription: Some("Sub1".into()),
        site: None,
        total: Some(10),
        consumed: 0,
    };
    Catalogue(vec![
        license("L-msg", "Advanced Messaging", "message.messaging"),
        license("L-meet", "Meeting 25 party", "meeting.meeting"),
    ])
}

#[test]
fn rules_can_be_shared_between_threads() {
    fn shared<T: Send + Sync>() {}
    shared::<Rules>();
    shared::<GroupSet>();
}

#[test]
fn the_default_mapping_makes_a_person_of_a_record() {
    let rules = Rules::compile(&spec()).unwrap();
    let person = present(rules.judge(&ann(), &GroupSet::new(), 0));
    assert_eq!(person.email.as_str(), "Ann.Lee@Example.com");
    assert!(person.active && person.licenses.is_empty() && person.roles.is_empty());
    let profile: Vec<(Field, &str)> = person.profile.iter().map(|(f, v)| (*f, v.as_str())).collect();
    assert_eq!(
        profile,
        [
            (Field::GivenName, "Ann"),
            (Field::FamilyName, "Lee"),
            (Field::DisplayName, "Lee, Ann"),
            (Field::Title, "Chief Pilot"),
            (Field::Department, "Flight"),
            (Field::Organization, "Example Air"),
            (Field::EmployeeNumber, "0042"),
            (Field::PreferredLanguage, "de_DE"),
            (Field::PhoneWork, "+49 30 1234-56"),
            (Field::Street, "Airport Road 1, Gate B"),
            (Field::City, "Berlin"),
            (Field::Country, "DE"),
            (Field::SipAddress, "ann@sip.example.com"),
        ]
    );
    // Blank in the directory, and mapped: it is managed, and cleared in the cloud.
    assert!(rules.managed().contains(Field::PhoneMobile));
    assert!(!rules.managed().contains(Field::Timezone));
}

#[test]
fn the_order_of_judgement() {
    let mut spec = spec();
    spec.scope.bases = vec!["ou=people,dc=example,dc=test".into()];
    let rules = Rules::compile(&spec).unwrap();
    let with = |change: fn(&mut Record)| {
        let mut record = ann();
        change(&mut record);
        rules.judge(&record, &GroupSet::new(), 1000)
    };
    let leaving = |cause| Verdict {
        wanted: Wanted::Leaving(cause),
        ungiven: vec![],
        unfit: vec![],
        recheck: None,
        standing: Default::default(),
    };
    assert_eq!(with(|r| r.kind = RecordKind::Room), leaving(Cause::OutOfScope));
    assert_eq!(with(|r| r.kind = RecordKind::Group), leaving(Cause::OutOfScope));
    assert_eq!(with(|r| r.kind = RecordKind::Other), leaving(Cause::OutOfScope));
    assert_eq!(with(|r| r.disabled = true), leaving(Cause::Disabled));
    assert_eq!(with(|r| r.expires = Some(1000)), leaving(Cause::Disabled));
    // Out of scope comes before disabled, and disabled before an address that is missing.
    let elsewhere = |r: &mut Record| (r.dn, r.disabled) = ("cn=a,dc=test".into(), true);
    assert_eq!(with(elsewhere), leaving(Cause::OutOfScope));
    assert_eq!(with(|r| (r.attributes, r.disabled) = (vec![], true)), leaving(Cause::Disabled));
    // An expiry to come is a date to look again, also for those who are withheld.
    assert_eq!(with(|r| r.expires = Some(1001)).recheck, Some(1001));
    assert_eq!(with(|r| (r.attributes, r.expires) = (vec![], Some(1001))).recheck, Some(1001));
    assert_eq!(with(|_| ()).recheck, None);
}

#[test]
fn licences_are_the_union_of_all_rules_and_need_binding() {
    let rule = |group: &str, licenses: &[&str]| EntitlementSpec {
        name: format!("for {group}"),
        groups: vec![group.into()],
        licenses: licenses.iter().map(|l| (*l).into()).collect(),
        ..EntitlementSpec::default()
    };
    let mut spec = spec();
    spec.entitlements = vec![
        rule("staff", &["message.messaging"]),
        rule("pilots", &["Advanced Messaging", "meeting.meeting", "care.voice"]),
    ];
    spec.roles = vec![RoleSpec { role: "full".into(), groups: vec!["bosses".into()], ..RoleSpec::default() }];
    let rules = Rules::compile(&spec).unwrap();
    assert_eq!(rules.groups(), ["staff", "pilots", "bosses"]);
    assert!(rules.ask().groups);
    let everywhere: GroupSet = (0..3).collect();
    assert!(present(rules.judge(&ann(), &everywhere, 0)).licenses.is_empty());
    assert!(rules.managed_licenses().is_empty() && !rules.manages_roles());

    let unbound_print = rules.fingerprint();
    let (rules, unbound) = rules.bind(&catalogue(), &[]);
    let wanted: Vec<(&str, &str)> = unbound.iter().map(|u| (u.rule.as_str(), u.wanted.as_str())).collect();
    assert_eq!(wanted, [("for pilots", "care.voice"), ("role[0]", "full")]);
    assert!(!rules.manages_roles());
    assert_ne!(rules.fingerprint(), unbound_print);
    let ids = |groups: &[usize]| -> Vec<String> {
        let person = present(rules.judge(&ann(), &groups.iter().copied().collect(), 0));
        person.licenses.iter().map(ToString::to_string).collect()
    };
    assert_eq!(ids(&[]), [""; 0]);
    assert_eq!(ids(&[0]), ["L-msg"]);
    assert_eq!(ids(&[0, 1]), ["L-meet", "L-msg"]);
    assert_eq!(rules.managed_licenses().len(), 2);

    let full = Role { id: RoleId::new("id_full_admin"), name: "Full Administrator".into() };
    let (rules, unbound) = rules.bind(&catalogue(), &[full]);
    assert_eq!(unbound.len(), 1);
    assert!(rules.manages_roles());
    let roles = |group: usize| present(rules.judge(&ann(), &[group].into_iter().collect(), 0)).roles.len();
    assert_eq!((roles(0), roles(2)), (0, 1));
}

#[test]
fn everything_that_is_read_is_asked_for_in_lower_case() {
    let mut spec = Spec { email: Some("lower(mail)".into()), ..Spec::default() };
    spec.mapping.insert(Field::Title, "if(has(memberOf, 'x'), personalTitle, '')".into());
    spec.scope.filter = Some("(&(objectClass=user)(!(msExchHideFromAddressLists=TRUE)))".into());
    spec.entitlements = vec![EntitlementSpec {
        when: Some("employeeType == \"staff\"".into()),
        licenses: vec!["x".into()],
        ..EntitlementSpec::default()
    }];
    let ask = Rules::compile(&spec).unwrap().ask();
    let names: Vec<&str> = ask.attributes.iter().map(String::as_str).collect();
    assert_eq!(
        names,
        [
            "employeetype",
            "mail",
            "memberof",
            "msexchhidefromaddresslists",
            "objectclass",
            "personaltitle",
            "whencreated"
        ]
    );
    assert!(!ask.groups);
    spec.mapping.insert(Field::Division, "if(in_group(\"cn=a,dc=test\"), \"A\", \"B\")".into());
    let rules = Rules::compile(&spec).unwrap();
    assert!(rules.ask().groups);
    assert_eq!(rules.groups(), ["cn=a,dc=test"]);
}

#[test]
fn an_empty_expression_unmaps_and_a_blank_result_clears() {
    let mut spec = spec();
    spec.mapping.insert(Field::Title, " ".into());
    spec.mapping.insert(Field::Division, "division".into());
    let rules = Rules::compile(&spec).unwrap();
    assert!(!rules.managed().contains(Field::Title));
    assert!(rules.managed().contains(Field::Division));
    let profile = present(rules.judge(&ann(), &GroupSet::new(), 0)).profile;
    assert!(!profile.contains_key(&Field::Title) && !profile.contains_key(&Field::Division));
}

#[test]
fn one_bad_value_withholds_with_all_that_is_needed_to_mend_it() {
    let mut spec = spec();
    spec.allowed_domains = vec!["EXAMPLE.com".into()];
    let rules = Rules::compile(&spec).unwrap();
    let with = |name: &str, value: &str| {
        let mut record = ann();
        record.attributes.retain(|attribute| attribute.name != name);
        record.attributes.push(Attribute { name: name.into(), values: vec![value.as_bytes().to_vec()] });
        withheld(rules.judge(&record, &GroupSet::new(), 0))
    };
    for (name, value, code, reason, remedy) in [
        (
            "mail",
            "ann at example.com",
            "bad_email",
            "the value \"ann at example.com\" cannot be used: not an e-mail address of the form \
             name@domain.tld (people.mapping.email = first(mail, userPrincipalName))",
            "correct the address in mail, userprincipalname",
        ),
        (
            "mail",
            "ann@other.example",
            "foreign_domain",
            "the domain of \"ann@other.example\" is not one of the allowed domains \
             (people.mapping.email = first(mail, userPrincipalName))",
            "correct the address in mail, userprincipalname, or add \"other.example\" to \
             people.allowed_domains",
        ),
        (
            "telephoneNumber",
            "n/a",
            "unusable",
            "the value \"n/a\" is no phone number: it contains no digit \
             (people.mapping.phone_work = telephoneNumber)",
            "correct it in the directory, or map only what is a number",
        ),
    ] {
        let withheld = with(name, value);
        assert_eq!(withheld.dn, "cn=Ann Lee,ou=people,dc=example,dc=test");
        assert_eq!(
            (withheld.code.as_str(), withheld.reason.as_str(), withheld.remedy.as_str()),
            (code, reason, remedy)
        );
    }
    let mut record = ann();
    record.attributes.retain(|a| a.name != "mail" && a.name != "userPrincipalName");
    assert_eq!(withheld(rules.judge(&record, &GroupSet::new(), 0)).code, "no_email");
}

#[test]
fn the_fingerprint_follows_what_can_change_a_verdict() {
    let base = spec();
    let print = |spec: &Spec| Rules::compile(spec).unwrap().fingerprint();
    let changed = |change: fn(&mut Spec)| {
        let mut spec = base.clone();
        change(&mut spec);
        print(&spec)
    };
    assert_eq!(print(&base), print(&base.clone()));
    let rule = || EntitlementSpec { licenses: vec!["x".into()], ..EntitlementSpec::default() };
    // A name, and the default written out, change nothing.
    assert_eq!(changed(|s| drop(s.mapping.insert(Field::Title, "title".into()))), print(&base));
    let mut named = base.clone();
    named.entitlements = vec![rule()];
    let without = print(&named);
    named.entitlements[0].name = "other".into();
    assert_eq!(print(&named), without);

    let changes: &[fn(&mut Spec)] = &[
        |_| (),
        |s| s.dialect = Dialect::InetOrgPerson,
        |s| s.defaults = false,
        |s| s.email = Some("mail".into()),
        |s| drop(s.mapping.insert(Field::Title, String::new())),
        |s| drop(s.mapping.insert(Field::Title, "upper(title)".into())),
        |s| s.allowed_domains = vec!["example.com".into()],
        |s| s.scope.bases = vec!["dc=test".into()],
        |s| s.scope.exclude_bases = vec!["dc=test".into()],
        |s| s.scope.filter = Some("(cn=*)".into()),
        |s| s.scope.groups = vec!["example.com".into()],
        |s| s.scope.exclude_groups = vec!["example.com".into()],
        |s| {
            s.roles =
                vec![RoleSpec { role: "full".into(), when: Some("present(a)".into()), ..RoleSpec::default() }]
        },
        |s| {
            s.roles =
                vec![RoleSpec { role: "user".into(), when: Some("present(a)".into()), ..RoleSpec::default() }]
        },
    ];
    let mut prints: Vec<_> = changes.iter().map(|change| changed(*change)).collect();
    for edit in [
        |_: &mut EntitlementSpec| (),
        |e: &mut EntitlementSpec| e.when = Some("present(a)".into()),
        |e: &mut EntitlementSpec| e.groups = vec!["x".into()],
        |e: &mut EntitlementSpec| e.licenses = vec!["y".into()],
        |e: &mut EntitlementSpec| e.site = Some("x".into()),
        |e: &mut EntitlementSpec| e.subscription = Some("x".into()),
    ] {
        let mut spec = base.clone();
        spec.entitlements = vec![rule()];
        edit(&mut spec.entitlements[0]);
        prints.push(print(&spec));
    }
    let count = prints.len();
    prints.sort_unstable();
    prints.dedup();
    assert_eq!(prints.len(), count);
}

#[test]
fn all_errors_are_told_at_once() {
    let mut spec = spec();
    spec.email = Some("frist(mail)".into());
    spec.mapping.insert(Field::Title, "title = 'x'".into());
    spec.scope.filter = Some("(cn=a".into());
    spec.entitlements = vec![EntitlementSpec { when: Some("(".into()), ..EntitlementSpec::default() }];
    spec.roles = vec![RoleSpec::default()];
    spec.allowed_domains = vec!["@example.com".into()];
    let errors = Rules::compile(&spec).unwrap_err();
    let places: Vec<&str> = errors.iter().map(|error| error.place.as_str()).collect();
    assert_eq!(
        places,
        [
            "people.mapping.email",
            "people.mapping.title",
            "people.allowed_domains[0]",
            "people.scope.filter",
            "entitlement[0].when",
            "entitlement[0].licenses",
            "role[0]",
            "role[0].role",
        ]
    );
    assert_eq!(
        errors[0].to_string(),
        "people.mapping.email, byte 0: there is no function `frist`; did you mean `first`?"
    );
}
