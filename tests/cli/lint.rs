//! `lint` against a directory in which everything is wrong.

use dirsyncd::sandbox::LicenseSpec;

use super::rehearsal::{Rehearsal, people, person};

const RULES: &str = r#"
[people]
dialect = "inet_org_person"
allowed_domains = ["example.com"]
[people.scope]
bases = ["dc=example,dc=com"]
exclude_bases = ["ou=none,dc=example,dc=com"]
[people.mapping]
defaults = false
given_name = "givenName"
family_name = "sn"
display_name = "first(displayName, cn)"
title = "title"
phone_work = "telephoneNumber"
employee_number = "employeeNumber"
nick_name = "shoeSize"
[[entitlement]]
name = "engineers"
when = 'not starts_with(title, "Outside")'
licenses = ["message.messaging"]
[[entitlement]]
name = "engineers again"
when = 'starts_with(title, "Eng")'
licenses = ["message.messaging"]
[[entitlement]]
name = "anybody with a name"
when = "present(sn)"
licenses = ["Webex Calling"]
[[entitlement]]
name = "nobody"
groups = ["Empty"]
licenses = ["Webex Calling"]
[[role]]
name = "desk"
groups = ["Help Dsk"]
role = "user"
"#;

fn configure(stage: &Rehearsal, rules: &str, more: &str) {
    stage.write(
        "dirsyncd.toml",
        &format!(
            "[[source]]\nname = \"corp\"\nkind = \"ldif\"\npath = \"people.ldif\"\n\
             [cloud]\nbase_url = \"{}\"\ntoken_file = \"token\"\ntimeout = \"5s\"\n\
             {rules}[state]\ndir = \"state\"\n[log]\nfiles = false\n{more}",
            stage.base_url()
        ),
    );
}

/// Somebody with these lines instead of the usual ones.
fn odd(n: usize, lines: &[(&str, &str)]) -> String {
    let mut entry = person(n).replace("title: Tester", "title: Engineer");
    for (from, to) in lines {
        assert!(entry.contains(from) || from.is_empty(), "{from}");
        entry = if from.is_empty() { format!("{entry}{to}\n") } else { entry.replace(from, to) };
    }
    format!("{entry}\n")
}

fn group(name: &str, member: &str) -> String {
    format!(
        "dn: cn={name},ou=groups,dc=example,dc=com\nobjectClass: groupOfNames\n\
         entryUUID: 00000000-0000-4000-9000-{:012x}\ncn: {name}\nmember: {member}\n\n",
        name.len()
    )
}

fn directory() -> String {
    let mut ldif = [
        odd(1, &[]),
        odd(2, &[("mail: p2@example.com\n", "")]),
        odd(3, &[("p3@example.com", "p3 example.com")]),
        odd(4, &[("p4@example.com", "p4@elsewhere.test")]),
        odd(5, &[("title: Engineer", &format!("title: {}", "long ".repeat(120)))]),
        odd(6, &[("", "telephoneNumber: none")]),
        odd(7, &[("", "employeeNumber: 0042")]),
        odd(8, &[("", "employeeNumber: 0042")]),
        odd(9, &[("mail: p9@example.com", "mail: P1@Example.com")]),
        odd(10, &[("cn: Person 10", "cn: p10@example.com")]),
        odd(11, &[("title: Engineer", "title:: IEVuZ2luZWVyIA==")]),
        odd(12, &[("title: Engineer", "title: TBD")]),
        odd(13, &[("p13@example.com", "number.person@example.com"), ("sn: Number13", "sn: Number")]),
        odd(14, &[("title: Engineer", &format!("title: {}", "long ".repeat(30)))]),
        odd(15, &[("cn: Person 15", "cn:: UGVyc+KAi29uIDE1")]),
        odd(16, &[("mail: p16@example.com", "mail:: asO2cmdAZXhhbXBsZS5jb20=")]),
        odd(17, &[("", "telephoneNumber: 7")]),
        odd(18, &[("title: Engineer", "title: Outside"), ("sn: Number18", "sn:: Bw==")]),
    ]
    .concat();
    ldif.push_str(&group("Empty", "uid=gone,ou=people,dc=example,dc=com"));
    ldif.push_str(&group("Help Desk", "uid=p1,ou=people,dc=example,dc=com"));
    ldif
}

#[test]
fn everything_that_can_be_found_is_found_with_a_remedy() {
    let stage =
        Rehearsal::licensed(vec![LicenseSpec::paid("Advanced Messaging", "MS", 5, "Sub1")], &directory());
    let failing = "[[test]]\nname = \"titles\"\nrecord = \"mail: a@example.com\\ndn: cn=a,dc=example,dc=com\\ntitle: A\"\nfields = \"title: B\"\n\
                   [[test]]\nname = \"fine\"\nrecord = \"dn: ou=x\"\nexpect = \"out\"\nreason = \"bases\"\n";
    configure(&stage, RULES, failing);
    let said = stage.run(&["lint", "--json", "--cloud"]).expect(3).json();
    let mut codes: Vec<&str> = Vec::new();
    for finding in said["findings"].as_array().unwrap() {
        let code = finding["code"].as_str().unwrap();
        assert!(finding["remedy"].as_str().unwrap().len() > 15, "{finding}");
        let examples = finding["examples"].as_array().unwrap();
        assert_eq!(Some(examples.len() as u64), finding["count"].as_u64(), "{finding}");
        for example in examples {
            assert!(example["remedy"].as_str().unwrap().len() > 15, "{example}");
        }
        codes.push(code);
    }
    codes.sort_unstable();
    assert_eq!(
        codes,
        [
            "address_not_ascii",
            "attribute_absent",
            "bad_email",
            "blanks_at_ends",
            "clause_excludes_nobody",
            "collision",
            "control_characters",
            "duplicate_email",
            "foreign_domain",
            "group_empty",
            "group_missing",
            "invisible_characters",
            "name_is_address",
            "names_mixed_up",
            "no_email",
            "phone_too_short",
            "placeholder",
            "rule_adds_nothing",
            "rule_matches_everybody",
            "rule_matches_nobody",
            "test_failed",
            "too_long",
            "unknown_name",
            "unusable",
            "very_long",
        ]
    );
    let tests: Vec<bool> = said["tests"].as_array().unwrap().iter().map(|t| t["passed"] == true).collect();
    assert_eq!(tests, [false, true]);
    let text = stage.run(&["lint", "--examples", "2"]).expect(3);
    super::explain::golden("../lint", &text.out.replace(&stage.dir.path().display().to_string(), "DIR"));
    assert_eq!(stage.writes(), 0);
    assert!(!stage.path("state").exists());
    // What fails in lint fails in check, with the place.
    let said = stage.run(&["check"]).expect(3);
    assert!(
        said.out.contains("test titles") && said.out.contains("expected \"B\", got \"A\""),
        "{}",
        said.out
    );
    assert!(said.out.contains("dirsyncd.toml:") && said.out.contains("test fine"), "{}", said.out);
}

#[test]
fn an_entry_that_cannot_be_read_leaves_open_what_only_a_whole_read_tells() {
    let ldif = format!("{}{}", people(2), odd(3, &[("title: Engineer", "title:: %%%")]));
    let stage = Rehearsal::new(5, &ldif);
    configure(&stage, RULES, "");
    let said = stage.run(&["lint", "--json"]).expect(4).json();
    let codes: Vec<&str> = said["findings"]
        .as_array()
        .unwrap()
        .iter()
        .map(|finding| finding["code"].as_str().unwrap())
        .collect();
    assert_eq!(codes, ["unusable_entry"], "{said}");
    assert_eq!(said["not_checked"].as_array().unwrap().len(), 2);
}

#[test]
fn everybody_and_nobody_are_told_apart() {
    let stage = Rehearsal::new(5, &people(3));
    configure(
        &stage,
        "[people]\ndialect = \"inet_org_person\"\n[[entitlement]]\nname = \"one\"\nwhen = \"uid == 'p1'\"\n\
         licenses = [\"message.messaging\"]\n[[entitlement]]\nname = \"all\"\nwhen = \"present(mail)\"\n\
         licenses = [\"calling\"]\n",
        "",
    );
    let codes = |args: &[&str], exit| -> Vec<String> {
        let said = stage.run(args).expect(exit).json();
        let all = said["findings"].as_array().unwrap().iter();
        all.map(|f| format!("{} {}", f["code"].as_str().unwrap(), f["count"])).collect()
    };
    assert_eq!(codes(&["lint", "--json"], 6), ["rule_matches_everybody 1"]);
    configure(
        &stage,
        "[people]\ndialect = \"inet_org_person\"\n[people.scope]\nfilter = \"(title=Nobody)\"\n",
        "",
    );
    assert_eq!(codes(&["lint", "--json"], 6), ["nobody_in_scope 1"]);
    configure(
        &stage,
        "[people]\ndialect = \"inet_org_person\"\n[[entitlement]]\nname = \"one\"\nwhen = \"uid == 'p1'\"\n\
         licenses = [\"message.messaging\"]\n",
        "",
    );
    assert_eq!(codes(&["lint", "--json"], 6), ["no_license 2"]);
}

#[test]
fn nothing_found_ends_with_0_and_what_does_not_answer_with_4_and_5() {
    let mut stage = Rehearsal::new(5, &people(3));
    let said = stage.run(&["lint"]).expect(0);
    assert!(
        said.out.contains("3 people read, 3 in scope, 3 wanted in the cloud, 0 withheld. Nothing was found."),
        "{}",
        said.out
    );
    assert!(said.out.contains("not checked: whether the cloud has"), "{}", said.out);
    assert_eq!(stage.run(&["lint", "--quiet"]).expect(0).out, "");
    stage.stop_cloud();
    stage.run(&["lint"]).expect(0);
    let said = stage.run(&["lint", "--cloud"]).expect(5);
    assert!(said.out.contains("what to do"), "{}", said.out);
    std::fs::remove_file(stage.path("people.ldif")).unwrap();
    let said = stage.run(&["lint"]).expect(4);
    assert!(
        said.out.contains("people.ldif") && said.out.contains("not checked: what shows only"),
        "{}",
        said.out
    );
}

const COLLIDING: &str = r#"
[people]
dialect = "inet_org_person"
collisions = "linked_then_oldest"
[people.mapping]
email_alias_1 = "roomNumber"
email_alias_2 = "carLicense"
[people.scope]
filter = "(!(title=Out))"
[[entitlement]]
name = "calls"
licenses = ["calling.professional"]
location_from = "l"
phone = "telephoneNumber"
extension = "pager"
[[template]]
name = "forgotten"
licenses = ["message.messaging"]
[groups]
sync = ["Staff", "Staf", "cn=Twins,ou=other,dc=example,dc=com", "Twins", "Hollow", "nothing"]
name = "first(description, cn)"
"#;

fn made(n: usize, year: usize, more: &str) -> String {
    odd(n, &[("", &format!("createTimestamp: {year}0101000000Z\n{}", more.trim_end()))])
}

fn chosen(name: &str, place: &str, more: &str) -> String {
    group(name, "uid=p1,ou=people,dc=example,dc=com")
        .replace("ou=groups", place)
        .replace("entryUUID: 0000", &format!("entryUUID: {:04x}", name.len() * 16 + place.len()))
        .replace("\n\n", &format!("\n{more}\n"))
}

#[test]
fn collisions_name_everybody_and_who_goes_on() {
    let ldif = [
        made(1, 2020, "roomNumber: team@example.com\npager: 2001\nl: Leeds"),
        made(2, 2010, "roomNumber: TEAM@example.com\npager: 2001\nl: leeds\ncarLicense: p1@example.com"),
        made(3, 2020, "pager: 2001\nl: Ghent\ntelephoneNumber: +49 30 1234567"),
        made(4, 2020, "telephoneNumber: +49 (30) 1234567\nroomNumber: four@xn--bcher-kva.example"),
        odd(5, &[("mail: p5", "mail: p4"), ("title: Engineer", "title: Out")]),
        made(6, 2021, "").replace("mail: p6@", "mail: p7@"),
        made(7, 2022, ""),
        odd(8, &[("mail: p8@example.com\n", "")]),
    ]
    .concat();
    let group = |name: &str| chosen(name, "ou=groups", "");
    let groups = [
        group("Staff").replace(
            "member: ",
            "member: uid=p5,ou=people,dc=example,dc=com\nmember: uid=p8,ou=people,dc=example,dc=com\n\
             member: uid=gone,ou=people,dc=example,dc=com\nmember: ",
        ),
        group("Twins"),
        chosen("Twins", "ou=other", "description: TWINS\n"),
        group("Hollow").replace("member: uid=p1", "member: uid=p5"),
    ]
    .concat();
    let stage = Rehearsal::new(9, &format!("{ldif}{groups}"));
    configure(&stage, COLLIDING, "");
    let said = stage.run(&["lint", "--examples", "9"]).expect(6);
    super::explain::golden("../lint-collisions", &said.out);
    // After a pass the state says who has what.
    stage.run(&["sync"]).expect(6);
    let taken = odd(9, &[("mail: p9@example.com", "mail: Four@b\u{fc}cher.example")]);
    let kept = ldif.replace("createTimestamp: 20100101", "createTimestamp: 20300101");
    stage.write("people.ldif", &format!("{kept}{taken}{groups}"));
    let said = stage.run(&["lint", "--examples", "9"]).expect(6);
    super::explain::golden("../lint-collisions-linked", &said.out);
    // A pass comes to the same, and asks the cloud for nothing that it refuses.
    let plan = stage.run(&["plan", "--json"]).json();
    let codes = |code: &str| {
        let all = plan["withheld"].as_array().unwrap().iter();
        all.filter(|one| one["code"] == code)
            .map(|one| one["dn"].as_str().unwrap().to_owned())
            .collect::<Vec<_>>()
    };
    assert_eq!(codes("address_of_alias"), ["uid=p9,ou=people,dc=example,dc=com"], "{plan}");
    let synced = stage.run(&["sync", "--json"]).json();
    assert_eq!(synced["counts"]["failed"], 0, "{synced}");
}

fn of_class(class: &str, n: usize, lines: &[&str]) -> String {
    format!(
        "dn: cn={class}{n},ou=others,dc=example,dc=com\nobjectClass: {class}\n\
         entryUUID: 00000000-0000-4000-a{:03x}-{n:012x}\ncn: {class}{n}\n{}\n\n",
        class.len(),
        lines.join("\n")
    )
}

/// Each by its own rules, and only where they are switched on.
#[test]
fn rooms_and_contacts_are_judged_too() {
    let room = |n, lines: &[&str]| of_class("room", n, lines);
    let contact = |n, lines: &[&str]| of_class("contact", n, lines);
    let ldif = [
        people(2),
        room(1, &["mail: r1@example.com", "telephoneNumber: 5"]),
        room(2, &["mail: p2@example.com"]),
        room(3, &["mail: r3@elsewhere.test"]),
        contact(1, &["mail: c1@elsewhere.test", "title: TBD"]),
        contact(2, &["mail: C1@elsewhere.test"]),
        contact(3, &["mobile: +44 20 7946 0003"]),
        contact(4, &[]),
        contact(5, &["mail: p1@example.com"]),
        group("Partners", "cn=contact5,ou=others,dc=example,dc=com"),
    ]
    .concat();
    let stage = Rehearsal::new(5, &ldif);
    let rules = "[people]\ndialect = \"inet_org_person\"\nallowed_domains = [\"example.com\"]\n";
    configure(&stage, rules, "");
    let said = stage.run(&["lint", "--json"]).expect(0).json();
    assert_eq!((&said["counts"]["rooms"], &said["counts"]["contacts"]), (&0.into(), &0.into()), "{said}");
    configure(
        &stage,
        rules,
        "[rooms]\nsync = true\n[contacts]\nsync = true\n[contacts.scope]\nexclude_groups = [\"Partners\"]\n",
    );
    let said = stage.run(&["lint"]).expect(6);
    super::explain::golden("../lint-others", &said.out);
    let counts = &stage.run(&["lint", "--json"]).expect(6).json()["counts"];
    assert_eq!([&counts["wanted"], &counts["rooms"], &counts["rooms_withheld"]], [1, 1, 2], "{counts}");
    assert_eq!([&counts["contacts"], &counts["contacts_withheld"]], [3, 1], "{counts}");
}

/// Whoever is known by the same value is withheld by a pass: lint says so, and counts so.
#[test]
fn two_with_one_identity_are_withheld() {
    let ldif =
        [people(3), odd(4, &[("", "employeeNumber: 7")]), odd(5, &[("", "employeeNumber: 7")])].concat();
    let stage = Rehearsal::new(9, &ldif);
    let rules = "[people]\ndialect = \"inet_org_person\"\njoin = \"employeeNumber\"\n";
    configure(&stage, rules, "");
    let said = stage.run(&["lint", "--json"]).expect(6).json();
    let codes: Vec<&str> =
        said["findings"].as_array().unwrap().iter().map(|one| one["code"].as_str().unwrap()).collect();
    assert!(codes.contains(&"duplicate_join"), "{said}");
    let planned = stage.run(&["plan", "--json"]).expect(6).json();
    for (lint, plan) in [("wanted", "create"), ("withheld", "withheld")] {
        assert_eq!(said["counts"][lint], planned["counts"][plan], "{said} {planned}");
    }
}
