//! `explain` and `history` of rooms and contacts, which are judged by rules of their own, or not at
//! all: tests/golden/explain/room-*.txt and contact-*.txt.

use serde_json::{Value, json};

use super::documents::holds;
use super::explain::golden;
use super::rehearsal::{Rehearsal, Said, people, person};

const ROOM: &str = "cn=lovelace,ou=others,dc=example,dc=com";
const CONTACT: &str = "cn=bo,ou=others,dc=example,dc=com";
const BOTH: &str = "[rooms]\nsync = true\n[contacts]\nsync = true\n";

/// An entry of a class that is not for people.
fn other(class: &str, name: &str, n: u32, lines: &str) -> String {
    format!(
        "dn: cn={name},ou=others,dc=example,dc=com\nobjectClass: {class}\n\
         entryUUID: 00000000-0000-4000-a000-{n:012x}\ncn: {name}\n{lines}\n"
    )
}

fn room(lines: &str) -> String {
    other("room", "lovelace", 1, &format!("mail: lovelace@example.com\n{lines}"))
}

fn bo(lines: &str) -> String {
    other(
        "contact",
        "bo",
        2,
        &format!("mail: bo@acme.test\ndisplayName: Bo Ray\ntelephoneNumber: +44 20 7946 0001\n{lines}"),
    )
}

/// One person, one room and one contact; people have rules that would be harmful advice to the others.
struct Scene(Rehearsal);

impl Scene {
    fn new(others: &[String]) -> Self {
        let scene = Self(Rehearsal::new(5, ""));
        scene.write(others);
        scene
    }

    fn write(&self, others: &[String]) {
        self.0.write("people.ldif", &format!("{}{}", people(1), others.concat()));
    }

    fn configure(&self, more: &str) {
        self.0.rules(&format!(
            "[people.scope]\nfilter = \"(mail=*)\"\n[[entitlement]]\nname = \"everybody\"\n\
             licenses = [\"message.messaging\"]\n{more}"
        ));
        let path = self.0.path("dirsyncd.toml");
        let text = std::fs::read_to_string(&path).unwrap();
        let text = text.replace("dialect =", "allowed_domains = [\"example.com\"]\ndialect =");
        std::fs::write(path, text).unwrap();
    }

    fn explains(&self, name: &str, whom: &str, code: i32) -> Said {
        let writes = self.0.writes();
        let said = self.0.run(&["explain", whom]).expect(code);
        assert_eq!(self.0.writes(), writes, "{name} wrote to the cloud");
        let document = self.0.run(&["explain", "--json", whom]).expect(code).json();
        holds(if name.starts_with("group") { "explain-group" } else { "explain" }, &document);
        golden(name, &self.masked(&said.out));
        for advice in ["people.scope", "people.allowed_domains", "Licences"] {
            assert!(!said.out.contains(advice), "{name}: {advice}\n{}", said.out);
        }
        said
    }

    fn masked(&self, text: &str) -> String {
        let text = text.replace(&self.0.dir.path().display().to_string(), "DIR");
        let is_time = |word: &str| {
            let bytes = word.as_bytes();
            bytes.len() >= 20 && bytes[4] == b'-' && bytes[10] == b'T' && word.contains('Z')
        };
        let words = text
            .split(' ')
            .map(|word| if is_time(word) { format!("TIME{}", &word[20..]) } else { word.into() });
        words.collect::<Vec<String>>().join(" ")
    }

    fn contacts(&self) -> Vec<Value> {
        let path = format!("{}/search?limit=100", self.path());
        self.0.call("GET", &path, &Value::Null)["result"].as_array().unwrap().clone()
    }

    fn path(&self) -> String {
        format!("/v1/contacts/organizations/{}/contacts", self.0.organization().id())
    }

    fn make(&self, name: &str, email: &str) -> String {
        let body = json!({
            "schemas": "urn:cisco:codev:identity:contact:core:1.0", "source": "CH", "contactType": "CUSTOM",
            "displayName": name, "emails": [{ "value": email, "type": "work", "primary": true }],
        });
        self.0.call("POST", &self.path(), &body)["contactId"].as_str().unwrap().to_owned()
    }

    fn rename(&self, id: &str, name: &str) {
        let body = json!({
            "schemas": "urn:cisco:codev:identity:contact:core:1.0", "source": "CH", "displayName": name,
        });
        self.0.call("PATCH", &format!("{}/{id}", self.path()), &body);
    }
}

#[test]
fn contacts_have_rules_of_their_own() {
    let scene = Scene::new(&[bo("")]);
    scene.configure(BOTH);
    scene.explains("contact-new", "bo@acme.test", 0);
    scene.0.run(&["sync", "--full"]).expect(0);
    scene.explains("contact-in-order", CONTACT, 0);
    let id = scene.contacts()[0]["contactId"].as_str().unwrap().to_owned();
    let by_id = scene.0.run(&["explain", &id]).expect(0);
    let by_anchor = scene.0.run(&["explain", "00000000-0000-4000-a000-000000000002"]).expect(0);
    assert_eq!(by_id.out, by_anchor.out);
    scene.write(&[bo("title: Chef\n")]);
    scene.explains("contact-changed", "bo@acme.test", 0);
    scene.write(&[bo("")]);
    scene.rename(&id, "Bo the Great");
    scene.explains("contact-drift", "bo@acme.test", 0);
    scene.0.call("DELETE", &format!("{}/{id}", scene.path()), &Value::Null);
    scene.explains("contact-deleted-in-cloud", "bo@acme.test", 0);
    scene.0.run(&["sync", "--full"]).expect(0);
    scene.configure(&format!("{BOTH}[contacts.scope]\nfilter = \"(company=Acme)\"\n"));
    scene.explains("contact-out-of-scope", "bo@acme.test", 0);
    scene.configure(&format!("{BOTH}[guard.contact_delete]\ncount = 0\n"));
    scene.write(&[]);
    scene.explains("contact-gone", "bo@acme.test", 0);
}

#[test]
fn contacts_that_stand_in_the_way_of_each_other() {
    let cy = other("contact", "cy", 3, "mail: BO@acme.test\n");
    let nobody = other("contact", "di", 4, "title: Chef\n");
    let bad = other("contact", "ed", 5, "mail: no address\n");
    let scene = Scene::new(&[bo(""), cy, nobody, bad]);
    scene.configure(BOTH);
    scene.explains("contact-shared-address", CONTACT, 0);
    scene.explains("contact-several", "bo@acme.test", 2);
    scene.explains("contact-unreachable", "cn=di,ou=others,dc=example,dc=com", 0);
    scene.explains("contact-bad-address", "cn=ed,ou=others,dc=example,dc=com", 0);
    scene.write(&[bo("")]);
    let id = scene.make("Bo", "bo@acme.test");
    scene.explains("contact-taken", "bo@acme.test", 0);
    scene.configure(&format!("{BOTH}adopt = true\n"));
    scene.explains("contact-adopted", "bo@acme.test", 0);
    scene.write(&[]);
    scene.explains("contact-only-in-cloud", "bo@acme.test", 0);
    let by_id = scene.0.run(&["explain", &id]).expect(0);
    assert!(by_id.out.contains("is a contact in the cloud that is not ours"), "{}", by_id.out);
    // What is nowhere is said to be nowhere.
    let said = scene.0.run(&["explain", "fay@acme.test"]).expect(2);
    assert!(said.out.contains("nor in the cloud."), "{}", said.out);
}

#[test]
fn what_is_switched_off_is_said_to_be_off() {
    let scene = Scene::new(&[room(""), bo("")]);
    scene.configure("");
    scene.explains("room-off", "lovelace@example.com", 0);
    scene.explains("contact-off", "bo@acme.test", 0);
    scene.configure(BOTH);
    scene.0.run(&["sync", "--full"]).expect(0);
    scene.explains("room-in-order", ROOM, 0);
    scene.configure("");
    scene.explains("room-at-rest", "lovelace@example.com", 0);
    scene.explains("contact-at-rest", "bo@acme.test", 0);
    scene.write(&[]);
    scene.explains("room-at-rest-gone", "lovelace@example.com", 0);
    scene.explains("contact-at-rest-gone", "bo@acme.test", 0);
    // A contact that others keep is not looked for: nobody says that we may.
    scene.make("Fay", "fay@acme.test");
    let said = scene.0.run(&["explain", "fay@acme.test"]).expect(2);
    assert!(said.out.contains("nor among the accounts in the cloud"), "{}", said.out);
}

/// What `explain` says of a contact is what a pass plans, and asking about one leaves people alone.
#[test]
fn a_contact_with_the_address_of_a_person_is_nobody_elses_business() {
    let same = other("contact", "p1", 6, "mail: p1@example.com\ntitle: Agent\n");
    let scene = Scene::new(&[same]);
    scene.configure(BOTH);
    scene.explains("contact-or-person", "p1@example.com", 2);
    scene.0.run(&["sync", "--full"]).expect(0);
    let only = scene.0.run(&["plan", "--json", "--only", "uid=p1,ou=people,dc=example,dc=com"]).expect(0);
    assert_eq!(only.json()["actions"], json!([]));
    let spy = other("contact", "p1", 6, "mail: p1@example.com\ntitle: Spy\n");
    scene.0.write("people.ldif", &format!("{}\n{spy}", person(2)));
    let dn = "cn=p1,ou=others,dc=example,dc=com";
    let planned = scene.0.run(&["plan", "--json", "--only", dn]).expect(0).json();
    let kinds: Vec<&str> = planned["actions"]
        .as_array()
        .unwrap()
        .iter()
        .map(|action| action["kind"].as_str().unwrap())
        .collect();
    assert_eq!(kinds, ["contact_update"], "the person is gone, and nobody asked: {planned}");
}

#[test]
fn history_knows_contacts_like_people() {
    let scene = Scene::new(&[bo("")]);
    scene.configure(BOTH);
    scene.0.run(&["sync", "--full"]).expect(0);
    let id = scene.contacts()[0]["contactId"].as_str().unwrap().to_owned();
    scene.write(&[bo("title: Chef\n")]);
    scene.0.run(&["sync", "--full"]).expect(0);
    let kinds = |whom: &str| -> Vec<String> {
        let said = scene.0.run(&["history", "--json", "--person", whom]).expect(0).json();
        let changes = said["changes"].as_array().unwrap().iter();
        changes.map(|change| change["action"]["kind"].as_str().unwrap().to_owned()).collect()
    };
    let ways = [
        "BO@acme.test",
        CONTACT,
        "CN=Bo, OU=Others,DC=example,DC=com",
        &id,
        "00000000-0000-4000-a000-000000000002",
    ];
    for whom in ways {
        assert_eq!(kinds(whom), ["contact_update", "contact_create"], "{whom}");
    }
    // The same of one that is gone: the journal still knows it.
    scene.write(&[]);
    scene.0.run(&["sync", "--full"]).expect(0);
    assert!(scene.contacts().is_empty());
    for whom in ways {
        assert_eq!(kinds(whom), ["contact_delete", "contact_update", "contact_create"], "{whom}");
    }
    let one =
        scene.0.run(&["history", "--json", "--person", "bo@acme.test", "--limit", "1"]).expect(0).json();
    assert_eq!(one["changes"].as_array().unwrap().len(), 1);
    scene.0.run(&["history", "--person", "cn=nobody,dc=test"]).expect(2);
}

/// A group that lists a room and a contact beside a person counts the person alone, as a pass does.
#[test]
fn rooms_and_contacts_are_no_members() {
    let group = format!(
        "dn: cn=Floor 1,ou=groups,dc=example,dc=com\nobjectClass: groupOfNames\n\
         entryUUID: 00000000-0000-4000-b000-000000000001\ncn: Floor 1\nmember: {ROOM}\nmember: {CONTACT}\n\
         member: uid=p1,ou=people,dc=example,dc=com\n\n"
    );
    let scene = Scene::new(&[room(""), bo(""), group.clone()]);
    scene.configure(&format!("{BOTH}[groups]\nsync = [\"Floor 1\"]\n"));
    scene.explains("group-with-others-new", "Floor 1", 0);
    scene.0.run(&["sync", "--full"]).expect(0);
    let said = scene.explains("group-with-others", "Floor 1", 0);
    assert!(said.out.contains("To be in: 1\n") && said.out.contains("Left out: 2\n"), "{}", said.out);
    assert!(scene.0.run(&["explain", ROOM]).expect(0).out.contains("left out: a room is never a member"));
    assert!(
        scene.0.run(&["explain", CONTACT]).expect(0).out.contains("left out: a contact is never a member")
    );
    // Whoever is linked as a person is one, whatever the directory says meanwhile.
    let p1 = people(1).replace("objectClass: inetOrgPerson", "objectClass: room");
    scene.0.write("people.ldif", &format!("{}\n{p1}{group}", person(2)));
    let said = scene.explains("group-with-a-turned-person", "Floor 1", 0);
    assert!(said.out.contains("To be in: 1\n"), "{}", said.out);
}
