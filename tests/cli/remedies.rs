//! What a command says to do next works, and is about what was asked.

use serde_json::Value;

use super::rehearsal::{Rehearsal, people, person};

/// The remedy of an objection.
fn remedy(said: &Value, code: &str) -> String {
    let findings = said["findings"].as_array().unwrap();
    let found = findings.iter().find(|finding| finding["code"] == code);
    found.unwrap_or_else(|| panic!("{code} in {findings:?}"))["remedy"].as_str().unwrap().to_owned()
}

#[test]
fn what_was_rejected_is_not_to_be_approved_and_there_is_a_way_out() {
    let stage = Rehearsal::new(100, &people(20));
    stage.run(&["sync"]).expect(0);
    stage.write("people.ldif", &people(13));
    let said = stage.run(&["sync", "--json"]).expect(7).json();
    assert!(remedy(&said, "too_many_deactivations").contains("`dirsyncd approve PLAN`"));
    let plan = said["held_plan"].as_str().unwrap().to_owned();
    stage.run(&["reject", &plan]).expect(0);

    let way_out = "raise guard.deactivate";
    for command in ["plan", "sync"] {
        let remedy = remedy(&stage.run(&[command, "--json"]).json(), "too_many_deactivations");
        assert!(remedy.contains(way_out) && !remedy.contains("approve"), "{command}: {remedy}");
    }
    let said = stage.run(&["approve", &plan]).expect(2);
    assert!(said.err.contains(way_out) && !said.err.contains("held again by the next pass"), "{}", said.err);
    let said = stage.run(&["held"]).expect(0);
    assert!(said.out.contains(&format!("Plan {plan} was rejected")), "{}", said.out);

    // One more is another plan, and waits.
    stage.write("people.ldif", &people(12));
    let said = stage.run(&["sync", "--json"]).expect(7).json();
    assert!(remedy(&said, "too_many_deactivations").contains("`dirsyncd approve PLAN`"));
    // The rejected one again, with the way out.
    stage.write("people.ldif", &people(13));
    stage.configure("[guard]\nmin_census_percent = 50\n[guard.deactivate]\nfloor = 10\n");
    let said = stage.run(&["sync", "--json"]).expect(0).json();
    assert_eq!(said["counts"]["deactivate"], 7);
}

#[test]
fn once_approved_nothing_is_left_to_approve() {
    let stage = Rehearsal::new(100, &people(20));
    stage.run(&["sync"]).expect(0);
    stage.write("people.ldif", &people(5));
    let said = stage.run(&["sync", "--json"]).expect(7).json();
    assert!(remedy(&said, "census_shrank").contains("approve the held plan"));
    stage.run(&["approve", said["held_plan"].as_str().unwrap()]).expect(0);
    for command in ["plan", "sync"] {
        let said = stage.run(&[command, "--json"]).json();
        assert_eq!(said["counts"]["deactivate"], 15);
        let remedy = remedy(&said, "census_shrank");
        assert!(remedy.ends_with("nothing waits for approval"), "{command}: {remedy}");
    }
}

#[test]
fn who_asks_about_one_person_hears_of_nobody_else() {
    let without = person(3).replace("mail: p3@example.com\n", "");
    let stage = Rehearsal::new(100, &format!("{}\n{without}\n", people(2)));
    stage.run(&["sync"]).expect(6);
    for command in ["plan", "sync"] {
        let said = stage.run(&[command, "--json", "--only", "p1@example.com"]).expect(0).json();
        assert_eq!(
            (&said["counts"]["withheld"], &said["counts"]["in_sync"]),
            (&0.into(), &1.into()),
            "{said}"
        );
        assert!(said["withheld"].as_array().unwrap().is_empty(), "{command}");
    }
    // Nobody is forgotten by it.
    assert_eq!(stage.run(&["status", "--json"]).json()["withheld"].as_array().unwrap().len(), 1);
}
