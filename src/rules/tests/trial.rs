//! Tests of rules, tested.

use super::*;

fn rules() -> (Rules, Spec) {
    let mut spec = Spec { email: Some("mail".into()), ..Spec::default() };
    spec.mapping.insert(Field::Title, "title".into());
    spec.mapping.insert(Field::Country, "upper(c)".into());
    spec.scope.groups = vec!["CN=Webex Users,DC=example,DC=test".into()];
    spec.scope.filter = Some("(employeeType=internal)".into());
    spec.entitlements = vec![
        EntitlementSpec { licenses: vec!["message.messaging".into()], ..EntitlementSpec::default() },
        EntitlementSpec {
            groups: vec!["Hosts".into()],
            licenses: vec!["meeting.meeting".into()],
            site: Some("example.webex.com".into()),
            ..EntitlementSpec::default()
        },
    ];
    for (role, group) in [("full", "Admins"), ("user_device", "Desk")] {
        spec.roles.push(RoleSpec { role: role.into(), groups: vec![group.into()], ..RoleSpec::default() });
    }
    (Rules::compile(&spec).unwrap(), spec)
}

fn ann() -> TrialSpec {
    let list = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect::<Vec<_>>();
    TrialSpec {
        name: "ann".into(),
        record: "# a comment\ndn: cn=Ann,dc=example,dc=test\nmail: ann@example.com\nemployeeType: internal\n\
                 title: Chief\n  Pilot\nc: de\n"
            .into(),
        groups: list(&["webex users", "hosts", "Desk", "somewhere else entirely"]),
        email: Some("ann@example.com".into()),
        fields: Some("title: Chief Pilot\ncountry: DE".into()),
        licenses: Some(list(&["meeting.meeting", "message.messaging"])),
        roles: Some(list(&["user_device"])),
        ..TrialSpec::default()
    }
}

fn misses(spec: TrialSpec) -> Vec<String> {
    let (rules, written) = rules();
    let trials = trials(&[spec], &rules).unwrap();
    let misses = trials[0].run(&rules.rehearsed(&written));
    misses.into_iter().map(|miss| format!("{}: {} / {}", miss.what, miss.expected, miss.got)).collect()
}

#[test]
fn a_test_says_what_came_out_instead() {
    let none: [&str; 0] = [];
    assert_eq!(misses(ann()), none);
    let out = |record: &str, groups: &[&str], reason: &str| TrialSpec {
        record: record.into(),
        groups: groups.iter().map(|group| (*group).into()).collect(),
        expect: Expected::Out,
        reason: Some(reason.into()),
        ..TrialSpec::default()
    };
    assert_eq!(misses(out("employeeType: internal", &[], "groups")), none);
    assert_eq!(misses(out("employeeType: internal", &[], "people.scope.groups")), none);
    assert_eq!(misses(out("employeeType: x", &["webex users"], "out_of_scope")), none);
    assert_eq!(misses(out("employeeType: x", &["webex users"], "groups")), ["reason: groups / filter"]);
    let disabled =
        TrialSpec { disabled: true, ..out("employeeType: internal", &["webex users"], "disabled") };
    assert_eq!(misses(disabled), none);
    let withheld = TrialSpec {
        record: "employeeType: internal".into(),
        groups: vec!["Webex Users".into()],
        expect: Expected::Withheld,
        reason: Some("bad_email".into()),
        ..TrialSpec::default()
    };
    assert_eq!(misses(withheld.clone()), ["reason: bad_email / no_email"]);
    let wanted = misses(TrialSpec { expect: Expected::In, reason: None, ..withheld });
    assert!(
        wanted[0].starts_with("verdict: in / withheld (no_email: there is no e-mail address"),
        "{wanted:?}"
    );
    let changed = TrialSpec {
        email: Some("other@example.com".into()),
        fields: Some("title: Clerk\ncountry:".into()),
        licenses: Some(vec!["message.messaging".into()]),
        roles: Some(vec![]),
        ..ann()
    };
    assert_eq!(
        misses(changed),
        [
            "email: other@example.com / ann@example.com",
            "title: Clerk / Chief Pilot",
            "country:  / DE",
            "licenses: message.messaging / meeting.meeting, message.messaging",
            "roles: none / user_device",
        ]
    );
}

#[test]
fn what_is_wrong_with_a_test_is_said_with_its_place() {
    let (rules, _) = rules();
    let spec = TrialSpec {
        record: "mail: x\nno colon\nphoto:: AAAA\n".into(),
        groups: vec!["Hoss".into()],
        fields: Some("titel: x\ncity: y\n".into()),
        reason: Some("disabled".into()),
        ..TrialSpec::default()
    };
    let outside = TrialSpec {
        expect: Expected::Out,
        reason: Some("filer".into()),
        email: Some("x".into()),
        ..TrialSpec::default()
    };
    let said: Vec<_> = trials(&[spec, outside], &rules)
        .unwrap_err()
        .into_iter()
        .map(|error| (error.place, error.offset, error.remedy))
        .collect();
    let places: Vec<_> = said.iter().map(|(place, offset, _)| (place.as_str(), *offset)).collect();
    assert_eq!(
        places,
        [
            ("test[0].record", Some(8)),
            ("test[0].record", Some(17)),
            ("test[0].fields", Some(0)),
            ("test[0].fields", Some(9)),
            ("test[0].groups[0]", None),
            ("test[0].reason", None),
            ("test[1].email", None),
            ("test[1].reason", None),
        ]
    );
    assert_eq!(said[2].2, "did you mean \"title\"?");
    assert_eq!(said[4].2, "did you mean \"Hosts\"?");
    assert!(said[7].2.starts_with("did you mean \"filter\"?"), "{}", said[7].2);
}

/// Rooms and contacts are judged by their own sections, and have nothing that only people have.
#[test]
fn rooms_and_contacts_are_tried_by_their_own_rules() {
    let rooms = RoomSpec { defaults: true, ..RoomSpec::default() };
    let scope = ScopeSpec { filter: Some("(company=Acme)".into()), ..ScopeSpec::default() };
    let contacts = ContactSpec { defaults: true, scope, ..ContactSpec::default() };
    let (_, people) = rules();
    let spec = Spec { rooms: Some(rooms), contacts: Some(contacts), ..people.clone() };
    let run = |written: &Spec, trial: TrialSpec| -> Vec<String> {
        let rules = Rules::compile(written).unwrap();
        let trials = trials(&[trial], &rules).unwrap_or_else(|errors| panic!("{errors:?}"));
        let misses = trials[0].run(&rules.rehearsed(written));
        misses.into_iter().map(|miss| format!("{}: {} / {}", miss.what, miss.expected, miss.got)).collect()
    };
    let trial = |kind, record: &str, fields: &str| TrialSpec {
        kind,
        record: record.into(),
        fields: (!fields.is_empty()).then(|| fields.to_owned()),
        ..TrialSpec::default()
    };
    let room =
        trial(TrialKind::Room, "mail: lab@example.com\ncn: Lab\nl: Leeds", "display_name: Lab\ncity: Leeds");
    let none: [&str; 0] = [];
    assert_eq!(run(&spec, room.clone()), none);
    assert_eq!(
        run(&spec, TrialSpec { disabled: true, ..room.clone() }),
        none,
        "that says nothing about a room"
    );
    let contact =
        trial(TrialKind::Contact, "company: Acme\ncn: Bo\nmobile: +44 1", "display_name: Bo\ntitle:");
    assert_eq!(run(&spec, contact.clone()), none);
    let addressed = TrialSpec { email: Some("x@y.test".into()), ..contact.clone() };
    assert_eq!(run(&spec, addressed), ["email: x@y.test / "]);
    let out = |kind, record: &str, expect, reason: &str| TrialSpec {
        expect,
        reason: Some(reason.into()),
        ..trial(kind, record, "")
    };
    let elsewhere = out(TrialKind::Contact, "cn: Bo", Expected::Out, "contacts.scope.filter");
    assert_eq!(run(&spec, elsewhere), none);
    let alone = out(TrialKind::Contact, "company: Acme\ncn: Bo", Expected::Withheld, "contact_unreachable");
    assert_eq!(run(&spec, alone), none);
    // What is switched off makes nothing of anybody, and no mistake in the configuration.
    assert_eq!(run(&people, room), ["verdict: in / out (rooms.sync is off)"]);
    assert_eq!(run(&people, contact.clone()), ["verdict: in / out (contacts.sync is off)"]);
    let wrong = TrialSpec {
        fields: Some("city: x".into()),
        licenses: Some(vec!["message.messaging".into()]),
        roles: Some(vec![]),
        ..contact
    };
    let errors = trials(&[wrong], &Rules::compile(&spec).unwrap()).unwrap_err();
    let said: Vec<_> = errors.iter().map(|error| (error.place.as_str(), error.remedy.as_str())).collect();
    assert_eq!(
        said,
        [
            ("test[0].fields", "map it in contacts.mapping, or leave out city"),
            ("test[0].licenses", "leave out `licenses`, or write kind = \"person\""),
            ("test[0].roles", "leave out `roles`, or write kind = \"person\""),
        ]
    );
}

/// What templates give comes out too, and who hosts at a site does not attend there.
#[test]
fn templates_and_sites_go_the_way_of_a_pass() {
    let basics = TemplateSpec { licenses: vec!["message.messaging".into()], ..TemplateSpec::default() };
    let site = || Some("example.webex.com".to_owned());
    let spec = Spec {
        email: Some("mail".into()),
        entitlements: vec![
            EntitlementSpec {
                groups: vec!["Hosts".into()],
                licenses: vec!["meeting.webex_enterprise".into()],
                site: site(),
                ..EntitlementSpec::default()
            },
            EntitlementSpec { templates: vec![basics], attendee: site(), ..EntitlementSpec::default() },
        ],
        ..Spec::default()
    };
    let rules = Rules::compile(&spec).unwrap();
    let misses = |groups: &[&str], licenses: &[&str]| {
        let list = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect::<Vec<_>>();
        let (groups, licenses) = (list(groups), Some(list(licenses)));
        let record = "mail: a@example.com".into();
        let trial = TrialSpec { record, groups, licenses, ..TrialSpec::default() };
        trials(&[trial], &rules).unwrap()[0].run(&rules.clone().rehearsed(&spec))
    };
    assert_eq!(misses(&[], &["message.messaging", "example.webex.com#attendee"]), []);
    assert_eq!(misses(&["Hosts"], &["message.messaging", "meeting.webex_enterprise"]), []);
}
