//! `check` where contacts and rooms are synchronized: rights, counts, and the tests of rules.

use serde_json::json;

use super::documents::holds;
use super::rehearsal::{Rehearsal, people};

const OTHERS: &str = "dn: cn=lab,ou=others,dc=example,dc=com\nobjectClass: room\ncn: Lab\nmail: lab@example.com\n\n\
     dn: cn=bo,ou=others,dc=example,dc=com\nobjectClass: contact\ncn: Bo\nmail: bo@acme.test\n\n";
const BOTH: &str = "[rooms]\nsync = true\n[contacts]\nsync = true\n";
/// Everything that a pass needs, except for contacts (docs/OPERATIONS.md).
const SCOPES: &[&str] = &[
    "identity:people_rw",
    "identity:people_read",
    "spark-admin:people_read",
    "spark-admin:people_write",
    "spark-admin:licenses_read",
    "spark-admin:roles_read",
    "spark-admin:organizations_read",
];

fn scene() -> Rehearsal {
    Rehearsal::new(5, &format!("{}{OTHERS}", people(2)))
}

#[test]
fn a_token_that_may_not_read_contacts_is_found_before_the_pass() {
    let stage = scene();
    stage.call("POST", "/sandbox/tokens", &json!({ "token": "narrow", "scopes": SCOPES }));
    stage.write("token", "narrow");
    stage.configure("");
    stage.run(&["check"]).expect(0);
    stage.configure(BOTH);
    let said = stage.run(&["check"]).expect(5);
    let line = said.out.lines().find(|line| line.starts_with("FAIL  contacts"));
    assert!(line.is_some() && said.out.contains("Identity:contact"), "{}", said.out);
    stage.run(&["sync"]).expect(5);
}

#[test]
fn people_rooms_and_contacts_are_told_apart() {
    let stage = scene();
    stage.configure("");
    let off = stage.run(&["check"]).expect(0);
    assert!(off.out.contains("2 people (0 disabled), 1 rooms, 0 groups"), "{}", off.out);
    stage.configure(BOTH);
    stage.run(&["sync"]).expect(0);
    let said = stage.run(&["check"]).expect(0);
    for words in [
        "2 people (0 disabled), 1 rooms, 1 contacts, 0 groups",
        "2 people and 1 rooms linked, and 1 contacts",
        "1 contacts in the address book, and they can be read",
    ] {
        assert!(said.out.contains(words), "{words}\n{}", said.out);
    }
    let document = stage.run(&["check", "--json"]).expect(0).json();
    holds("check", &document);
    assert_eq!(document["sources"][0]["counts"]["contacts"], 1, "{document}");
    stage.configure("");
    let document = stage.run(&["check", "--json"]).expect(0).json();
    holds("check", &document);
    assert_eq!(document["sources"][0]["counts"]["contacts"], json!(null), "{document}");
}

#[test]
fn tests_of_rules_speak_of_rooms_and_contacts_too() {
    let stage = scene();
    let tests = "[[test]]\nname = \"a room\"\nkind = \"room\"\nrecord = \"mail: lab@example.com\\ncn: Lab\"\n\
                 fields = \"display_name: Lab\"\n\
                 [[test]]\nname = \"a contact\"\nkind = \"contact\"\nrecord = \"cn: Bo\\nmobile: 5\"\n\
                 fields = \"phone_mobile: 5\"\n";
    stage.configure(&format!("{BOTH}{tests}"));
    let said = stage.run(&["check"]).expect(0);
    assert_eq!(said.out.matches("comes out as it says").count(), 2, "{}", said.out);
    stage.configure(tests);
    let said = stage.run(&["check"]).expect(3);
    assert!(
        said.out.contains("rooms.sync is off") && said.out.contains("contacts.sync is off"),
        "{}",
        said.out
    );
    stage.configure(&format!("{BOTH}{tests}licenses = []\n"));
    let said = stage.run(&["check"]).expect(3);
    assert!(
        said.err.contains("a contact has no licenses") && said.err.contains("kind = \"person\""),
        "{}",
        said.err
    );
}

/// There is one account, and it is a room's: nothing is to be decided between accounts.
#[test]
fn an_account_of_another_kind_has_advice_of_its_own() {
    let stage = scene();
    stage.configure(BOTH);
    stage.run(&["sync"]).expect(0);
    std::fs::remove_dir_all(stage.path("state")).unwrap();
    let person = people(2).replace("p1@example.com", "lab@example.com");
    stage.write("people.ldif", &person);
    let said = stage.run(&["explain", "lab@example.com"]).expect(0);
    let advice = "the account of a room is never taken over for a person";
    assert!(said.out.contains(advice) && !said.out.contains("decide in the cloud"), "{}", said.out);
}
