//! `explain` in thirty situations, as an administrator reads it: tests/golden/explain/*.txt.
//! `DIRSYNCD_BLESS=1` writes them anew; read the difference aloud before you commit it.

use std::path::Path;

use dirsyncd::sandbox::LicenseSpec;
use serde_json::{Value, json};

use super::rehearsal::{Rehearsal, Said};

/// The rules of the company. `+` stands where a situation adds to a section.
const RULES: &str = r#"
[people.scope]
bases = ["ou=people,dc=example,dc=com"]
filter = "(!(employeeType=external))"
groups = ["Webex Users"]
exclude_groups = ["Never"]
[people.mapping]
defaults = false
display_name = 'first(displayName, join(" ", givenName, sn))'
title = "title"
phone_work = "telephoneNumber"
[[entitlement]]
name = "everybody"
licenses = ["message.messaging"]
[[entitlement]]
name = "meetings for pilots"
groups = ["Pilots"]
when = 'title != "Trainee"'
licenses = ["Meetings Suite"]
[[role]]
name = "help desk"
groups = ["Help Desk"]
role = "user"
"#;

/// Somebody of the company, a member of `Webex Users`.
fn entry(uid: &str, given: &str, family: &str, more: &str) -> String {
    let n = u32::from(uid.as_bytes()[0]);
    format!(
        "dn: uid={uid},ou=people,dc=example,dc=com\nobjectClass: inetOrgPerson\n\
         entryUUID: 00000000-0000-4000-8000-{n:012x}\nuid: {uid}\ncn: {given} {family}\nsn: {family}\n\
         givenName: {given}\nmail: {uid}@example.com\n{more}\n"
    )
}

fn group(name: &str, members: &[&str]) -> String {
    let n = name.len() + name.bytes().map(usize::from).sum::<usize>() * 100;
    let members: String = members.iter().map(|dn| format!("member: {dn}\n")).collect();
    format!(
        "dn: cn={name},ou=groups,dc=example,dc=com\nobjectClass: groupOfNames\n\
         entryUUID: 00000000-0000-4000-9000-{n:012x}\ncn: {name}\n{members}\n"
    )
}

fn at(uid: &str) -> String {
    format!("uid={uid},ou=people,dc=example,dc=com")
}

/// A company, a directory that can be edited, and a cloud.
struct Scene {
    stage: Rehearsal,
    people: Vec<(String, String)>,
    groups: Vec<(String, Vec<String>)>,
}

impl Scene {
    fn new(seats: u64) -> Self {
        let licenses = vec![
            LicenseSpec::paid("Advanced Messaging", "MS", seats, "Sub1"),
            LicenseSpec::paid("Meetings Suite", "EE", 5, "Sub1").on("example.webex.com"),
        ];
        let mut scene =
            Self { stage: Rehearsal::licensed(licenses, ""), people: Vec::new(), groups: Vec::new() };
        scene.person("ann", "Ann", "Lee", "title: Chief Pilot\ntelephoneNumber: +44 20 1234\n");
        scene.person("bob", "Bob", "Marsh", "title: Clerk\n");
        scene.group("Flight Crew", &["ann"]);
        scene.group("Pilots", &[]);
        scene.groups[1].1.push("cn=Flight Crew,ou=groups,dc=example,dc=com".into());
        scene.group("Help Desk", &["zed"]);
        scene.group("Never", &["zed"]);
        scene.configure("", "");
        scene.write();
        scene
    }

    fn person(&mut self, uid: &str, given: &str, family: &str, more: &str) {
        self.people.retain(|(known, _)| known != uid);
        self.people.push((uid.into(), entry(uid, given, family, more)));
        self.write();
    }

    fn group(&mut self, name: &str, members: &[&str]) {
        self.groups.retain(|(known, _)| known != name);
        self.groups.push((name.into(), members.iter().map(|uid| at(uid)).collect()));
        self.write();
    }

    fn change(&mut self, uid: &str, from: &str, to: &str) {
        let (_, entry) = self.people.iter_mut().find(|(known, _)| known == uid).unwrap();
        assert!(entry.contains(from), "{entry}");
        *entry = entry.replace(from, to);
        self.write();
    }

    fn write(&self) {
        let mut text: String = self.people.iter().map(|(_, entry)| entry.as_str()).collect();
        for (name, members) in &self.groups {
            let members: Vec<&str> = members.iter().map(String::as_str).collect();
            text.push_str(&group(name, &members));
        }
        let everybody: Vec<String> =
            self.people.iter().map(|(_, entry)| entry.lines().next().unwrap()[4..].to_owned()).collect();
        let everybody: Vec<&str> =
            everybody.iter().map(String::as_str).filter(|dn| !dn.contains("yan")).collect();
        text.push_str(&group("Webex Users", &everybody));
        self.stage.write("people.ldif", &text);
    }

    fn configure(&self, people: &str, more: &str) {
        self.stage.write(
            "dirsyncd.toml",
            &format!(
                "[[source]]\nname = \"corp\"\nkind = \"ldif\"\npath = \"people.ldif\"\n\
                 [cloud]\nbase_url = \"{}\"\ntoken_file = \"token\"\ntimeout = \"5s\"\n\
                 [people]\ndialect = \"inet_org_person\"\nallowed_domains = [\"example.com\"]\n{people}\
                 {RULES}[state]\ndir = \"state\"\n[log]\nfiles = false\n{more}",
                self.stage.base_url()
            ),
        );
    }

    fn sync(&self, code: i32) {
        self.stage.run(&["sync", "--full"]).expect(code);
    }

    /// Runs the command, which must change nothing, and holds its answer against the golden one.
    fn explains(&self, name: &str, person: &str, code: i32) -> Said {
        let before = self.stage.path("state").exists().then(|| self.stage.state());
        let writes = self.stage.writes();
        let said = self.stage.run(&["explain", person]).expect(code);
        assert_eq!(self.stage.writes(), writes, "{name} wrote to the cloud");
        if let Some(before) = before {
            assert!(self.stage.state() == before, "{name} changed the state");
        }
        golden(name, &self.masked(&said.out));
        said
    }

    /// Without what is different each time.
    fn masked(&self, text: &str) -> String {
        let text = text.replace(&self.stage.dir.path().display().to_string(), "DIR");
        let text = text.replace(&self.stage.base_url(), "http://CLOUD");
        let mut words: Vec<String> = Vec::new();
        for word in text.split(' ') {
            let bytes = word.as_bytes();
            let is_time = bytes.len() >= 20 && bytes[4] == b'-' && bytes[10] == b'T' && word.contains('Z');
            words.push(if is_time { format!("TIME{}", &word[20..]) } else { word.to_owned() });
        }
        words.join(" ")
    }
}

#[track_caller]
pub fn golden(name: &str, said: &str) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("tests/golden/explain/{name}.txt"));
    if std::env::var_os("DIRSYNCD_BLESS").is_some() {
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(&path, said).unwrap();
    }
    let expected = std::fs::read_to_string(&path).unwrap_or_default().replace("\r\n", "\n");
    assert_eq!(said, expected, "{name}: DIRSYNCD_BLESS=1 accepts what is said now");
}

#[test]
fn those_who_are_in() {
    let mut scene = Scene::new(2);
    scene.explains("new", "ann@example.com", 0);
    scene.sync(0);
    scene.explains("in-order", &at("ann"), 0);
    scene.change("ann", "title: Chief Pilot", "title: Captain");
    scene.explains("title-changed", "00000000-0000-4000-8000-000000000061", 0);
    scene.change("ann", "title: Captain", "title: Trainee");
    scene.explains("licence-lost", "ann@example.com", 0);
    scene.change("ann", "title: Trainee", "title: Chief Pilot");
    scene.person("cyd", "Cyd", "Vance", "");
    scene.explains("no-seat", "cyd@example.com", 0);
    scene.sync(9);
    scene.explains("waiting", "cyd@example.com", 0);
    scene.group("Help Desk", &["bob"]);
    scene.explains("role", "bob@example.com", 0);
    scene
        .stage
        .organization()
        .edit(
            "ann@example.com",
            &json!([
                { "op": "replace", "path": "active", "value": false },
            ]),
        )
        .unwrap();
    scene.explains("blocked-by-hand", "ann@example.com", 0);
    scene
        .stage
        .organization()
        .edit(
            "ann@example.com",
            &json!([
                { "op": "replace", "path": "active", "value": true },
                { "op": "replace", "path": "title", "value": "Sky God" },
            ]),
        )
        .unwrap();
    scene.explains("drift", "ann@example.com", 0);
    scene.stage.organization().delete("bob@example.com");
    scene.explains("deleted-in-cloud", "bob@example.com", 0);
    scene.configure("", "[[entitlement]]\nname = \"calls\"\nlicenses = [\"Webex Caling\"]\n");
    scene.explains("unknown-licence", "ann@example.com", 0);
}

#[test]
fn those_who_are_not() {
    let mut scene = Scene::new(10);
    scene.person("ext", "Eve", "Dunn", "employeeType: external\n");
    scene.explains("kept-out-by-filter", "ext@example.com", 0);
    scene.person("fay", "Fay", "Holm", "");
    scene.change("fay", "uid=fay,ou=people", "uid=fay,ou=partners");
    scene.explains("outside-the-base", "fay@example.com", 0);
    scene.person("yan", "Yan", "Ito", "");
    scene.explains("not-in-the-group", "yan@example.com", 0);
    scene.person("zed", "Zed", "Berg", "");
    scene.explains("kept-out-by-group", "zed@example.com", 0);
    scene.person("gus", "Gus", "Grant", "");
    scene.change("gus", "mail: gus@example.com\n", "");
    scene.explains("no-address", &at("gus"), 0);
    scene.person("hal", "Hal", "Quill", "");
    scene.change("hal", "mail: hal@example.com", "mail: hal@elsewhere.test");
    scene.explains("foreign-domain", "hal@elsewhere.test", 0);
    scene.person("ida", "Ida", "Castro", "telephoneNumber: unlisted\n");
    scene.explains("unusable-value", "ida@example.com", 0);
    scene.person("jim", "Jim", "Okoro", "");
    scene.change("jim", "mail: jim@example.com", "mail: bob@example.com");
    scene.explains("several", "bob@example.com", 2);
    scene.explains("shared-address", &at("jim"), 0);
    scene.person("kim", "Kim", "Jansen", "");
    scene.change("kim", "00000000006b", "000000000061");
    scene.explains("one-anchor-twice", "00000000-0000-4000-8000-000000000061", 0);
    let said = scene.explains("nobody", "nobody@example.com", 2);
    assert!(said.out.contains("Where was looked"), "{}", said.out);
}

#[test]
fn those_who_are_only_in_the_cloud_and_those_who_left() {
    let mut scene = Scene::new(10);
    let organization = scene.stage.organization();
    organization
        .seed(&json!({ "people": [
            { "userName": "stray@example.com", "displayName": "Old Account", "licenses": ["Advanced Messaging"] },
            { "userName": "bob@example.com", "displayName": "Bob" },
            { "userName": "ann.old@example.com", "displayName": "Ann", "externalId": "00000000-0000-4000-8000-000000000061" },
        ] }))
        .unwrap();
    scene.explains("stray", "stray@example.com", 0);
    scene.explains("not-adopted", "bob@example.com", 0);
    scene.configure("adopt = true\n", "");
    scene.explains("adopted", "bob@example.com", 0);
    scene.explains("carries-the-anchor", "ann.old@example.com", 0);
    scene.explains("administrator", "admin@example.com", 0);
    scene.sync(0);
    scene.people.retain(|(uid, _)| uid != "bob");
    scene.write();
    scene.explains("gone", "bob@example.com", 0);
    scene.configure("adopt = true\n", "[guard.deactivate]\ncount = 0\nfloor = 0\n");
    scene.sync(7);
    scene.explains("held", "bob@example.com", 0);
    scene.configure("adopt = true\n", "");
    scene.sync(0);
    scene.explains("left", "bob@example.com", 0);
    scene.change("ann", "ou=people", "ou=partners");
    scene.explains("moved-out", "ann@example.com", 0);
    scene.configure("adopt = true\n", "[leavers]\ndeactivate = false\n");
    scene.explains("leavers-stay", "ann@example.com", 0);
    scene.configure("adopt = true\n", "[guard]\nprotected = [\"ann@example.com\"]\n");
    scene.explains("protected", "ann@example.com", 0);
}

#[test]
fn what_does_not_answer_is_said() {
    let mut scene = Scene::new(10);
    scene.sync(0);
    std::fs::rename(scene.stage.path("people.ldif"), scene.stage.path("away")).unwrap();
    scene.explains("source-down", "ann@example.com", 4);
    std::fs::rename(scene.stage.path("away"), scene.stage.path("people.ldif")).unwrap();
    let url = scene.stage.base_url();
    scene.stage.stop_cloud();
    let said = scene.stage.run(&["explain", "ann@example.com"]).expect(5);
    assert!(said.out.contains("What a pass would do is not known") && !url.is_empty(), "{}", said.out);
    assert!(
        said.out.contains(
            "yes meetings for pilots, for Meetings Suite: member of \"Pilots\" through \"Flight Crew\""
        ),
        "{}",
        said.out
    );
}

/// What a pass then does is what was said: for everybody of a company with every kind of trouble.
#[test]
fn what_is_said_is_what_a_pass_plans() {
    let mut scene = Scene::new(2);
    scene.person("cyd", "Cyd", "Vance", "");
    scene.sync(9);
    scene.person("dan", "Dan", "Fujita", "telephoneNumber: none\n");
    scene.change("ann", "title: Chief Pilot", "title: Trainee");
    scene.people.retain(|(uid, _)| uid != "bob");
    scene.person("eli", "Eli", "Eriksen", "");
    let planned = scene.stage.run(&["plan", "--json", "--full"]).json();
    let of = |actions: &Value, anchor: &Value| -> Vec<(String, Value)> {
        let all = actions.as_array().unwrap().iter().filter(|action| action["anchor"] == *anchor);
        all.map(|action| (action["kind"].as_str().unwrap().to_owned(), action["changes"].clone())).collect()
    };
    let mut acted = 0;
    for person in
        ["ann@example.com", "bob@example.com", "cyd@example.com", "dan@example.com", "eli@example.com"]
    {
        let story = scene.stage.run(&["explain", "--json", person]).expect(0).json();
        let anchor = match &story["record"] {
            Value::Null => &story["link"]["anchor"],
            record => &record["anchor"],
        };
        let said = of(&story["pass"]["actions"], anchor);
        let only = scene.stage.run(&["plan", "--json", "--only", person]).json();
        assert_eq!(of(&only["actions"], anchor), said, "{person}");
        assert_eq!(only["actions"].as_array().unwrap().len(), said.len(), "somebody else");
        acted += said.len();
        // Seats that somebody else gives back in the same pass are not known to a look at one person.
        let kinds = |actions: Vec<(String, Value)>| -> Vec<(String, Value)> {
            actions.into_iter().filter(|(kind, _)| kind != "license_add").collect()
        };
        assert_eq!(kinds(said), kinds(of(&planned["actions"], anchor)), "{person}");
    }
    assert!(acted >= 4);
    scene.stage.run(&["plan", "--only", "nobody@example.com"]).expect(2);
}

#[test]
fn a_pass_about_one_person_leaves_the_others_to_the_next() {
    let mut scene = Scene::new(10);
    scene.stage.run(&["sync", "--only", "ann@example.com"]).expect(2);
    assert_eq!(scene.stage.organization().people(), 1, "nobody is made before the cloud was listed");
    scene.sync(0);
    scene.change("ann", "title: Chief Pilot", "title: Captain");
    scene.change("bob", "title: Clerk", "title: Manager");
    scene.person("cyd", "Cyd", "Vance", "");
    let title = |who: &str| scene.stage.organization().user(who).unwrap()["title"].clone();
    for (who, kind) in [("ann@example.com", "update"), ("cyd@example.com", "create")] {
        let report = scene.stage.run(&["sync", "--json", "--only", who]).expect(0).json();
        assert_eq!(report["counts"][kind], 1, "{report}");
    }
    assert_eq!((title("ann@example.com"), title("bob@example.com")), (json!("Captain"), json!("Clerk")));
    scene.stage.run(&["sync", "--only", "ann@example.com"]).expect(0);
    let report = scene.stage.run(&["sync", "--json"]).expect(0).json();
    assert_eq!(
        (&report["counts"]["update"], &report["counts"]["create"]),
        (&json!(1), &json!(0)),
        "{report}"
    );
    assert_eq!(title("bob@example.com"), json!("Manager"));
    scene.people.retain(|(uid, _)| uid != "bob");
    scene.write();
    let report = scene.stage.run(&["sync", "--json", "--only", "bob@example.com"]).expect(0).json();
    assert_eq!(report["counts"]["deactivate"], 1, "{report}");
    let writes = scene.stage.writes();
    scene.stage.run(&["sync", "--full"]).expect(0);
    assert_eq!(scene.stage.writes(), writes);
}

#[test]
fn secrets_that_rules_read_are_not_shown() {
    let mut scene = Scene::new(10);
    scene.change("ann", "title: Chief Pilot", "title: Chief Pilot\nuserPassword: hunter2");
    let rule = "[[entitlement]]\nname = \"may log in\"\nwhen = \"present(userPassword)\"\nlicenses = [\"Meetings Suite\"]\n";
    scene.configure("", rule);
    for args in [&["explain", "ann@example.com"][..], &["explain", "--json", "ann@example.com"]] {
        let said = scene.stage.run(args).expect(0);
        assert!(said.out.contains("userPassword") && said.out.contains("not shown"), "{}", said.out);
        assert!(!said.out.contains("hunter2") && !said.err.contains("hunter2"), "{}", said.out);
    }
}
