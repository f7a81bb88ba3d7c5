//! Who holds what over several passes: what somebody else gave, the last of a pool, and what is kept.

use dirsyncd::sandbox::{LicenseSpec, Settings};
use serde_json::{Value, json};

use super::documents::holds;
use super::rehearsal::{Rehearsal, people, person};

const SITE: &str = "lumenforge.webex.com";

/// An organization with telephones and a site.
fn organization(professional: u64, consoles: u64) -> Settings {
    Settings {
        licenses: vec![
            LicenseSpec::paid("Advanced Messaging", "MS", 50, "Sub1"),
            LicenseSpec::paid("Webex Meetings Suite", "EE", 50, "Sub1").on(SITE),
            LicenseSpec::paid("Webex Calling - Professional", "BCSTD", professional, "Sub2"),
            LicenseSpec::paid("Webex Calling - Standard", "BCBAS", 50, "Sub2"),
            LicenseSpec::paid("Attendant Console", "BCACS", consoles, "Sub2"),
        ],
        ..Settings::default()
    }
}

/// Somebody with an extension.
fn with_extension(n: usize, extension: &str) -> String {
    format!("{}roomNumber: {extension}\n\n", person(n))
}

fn licenses(world: &Rehearsal, n: usize) -> Vec<String> {
    world.organization().licenses_of(&format!("p{n}@example.com")).unwrap()
}

/// What the last pass noted of a licence.
fn seats(document: &Value, name: &str) -> Value {
    let all = document["seats"].as_array().unwrap();
    all.iter().find(|one| one["name"] == name).unwrap().clone()
}

#[test]
fn what_somebody_else_gave_excludes_and_is_told() {
    let world =
        Rehearsal::with(organization(5, 5), &(with_extension(1, "2110") + &with_extension(2, "2111")));
    let anchor = |n: usize| format!("00000000-0000-4000-8000-{n:012x}");
    let (_, refused) = world
        .organization()
        .seed(&json!({ "people": [
            { "userName": "p1@example.com", "externalId": anchor(1), "licenses": ["Webex Calling - Standard"] },
            { "userName": "p2@example.com", "externalId": anchor(2), "licenses": ["Webex Meetings Suite"] },
        ]}))
        .unwrap();
    assert_eq!(refused, Vec::<String>::new());
    world.rules(&format!(
        "[[entitlement]]\nname = \"calls\"\nwhen = \"roomNumber == '2110'\"\nlicenses = [\"calling.professional\"]\n\
         location = \"Leeds Works\"\nextension = \"roomNumber\"\n\
         [[entitlement]]\nname = \"attends\"\nwhen = \"roomNumber == '2111'\"\nattendee = \"{SITE}\"\n"
    ));
    for args in [&["sync", "--full", "--json"][..], &["sync", "--json"], &["sync", "--full", "--json"]] {
        let report = world.run(args).expect(0).json();
        assert_eq!(report["counts"]["failed"], 0, "{report}");
        assert_eq!(report["counts"]["license_add"], 0, "{report}");
        assert_eq!(licenses(&world, 1), ["Webex Calling - Standard"]);
        assert_eq!(licenses(&world, 2), ["Webex Meetings Suite"]);
    }
    let plan = world.run(&["plan"]).expect(0).out;
    assert!(
        plan.contains("     2  a licence that should be given does not go with one that is held"),
        "{plan}"
    );
}

#[test]
fn whoever_lacks_a_telephone_waits_for_no_seat() {
    let world = Rehearsal::with(organization(1, 0), &people(1));
    world.rules(
        "[[entitlement]]\nname = \"calls\"\nlicenses = [\"calling.professional\"]\nlocation = \"Leeds Works\"\n\
         extension_pool = \"2000-2001\"\n",
    );
    world.run(&["sync"]).expect(0);
    world.write("people.ldif", &people(2));
    world.run(&["sync"]).expect(9);
    assert_eq!(world.run(&["status", "--json"]).json()["waiting"][0]["email"], "p2@example.com");
    // Somebody else takes what was left of the pool by a rule that is edited.
    world.rules(
        "[[entitlement]]\nname = \"calls\"\nlicenses = [\"calling.professional\"]\nlocation = \"Leeds Works\"\n\
         extension_pool = \"2000-2000\"\n",
    );
    let report = world.run(&["sync", "--json"]).expect(6).json();
    assert_eq!((&report["counts"]["withheld"], &report["counts"]["waiting"]), (&json!(1), &json!(0)));
    let status = world.run(&["status", "--json"]).expect(0).json();
    assert_eq!(status["waiting"], json!([]), "it is no seat that is lacking");
    assert_eq!(seats(&status, "Webex Calling - Professional")["waiting"], 0);
}

#[test]
fn a_seat_goes_to_the_next_who_can_use_it() {
    let all = format!(
        "{}\n{}{}{}\n",
        person(1),
        with_extension(2, "4001"),
        with_extension(3, "4002"),
        person(4).trim_end()
    );
    let world = Rehearsal::with(organization(2, 1), &all);
    let rule = |name: &str, when: &str, telephone: &str| {
        format!(
            "[[entitlement]]\nname = \"{name}\"\nwhen = \"{when}\"\n\
             licenses = [\"calling.professional\", \"calling.attendant_console\"]\n\
             location = \"Leeds Works\"\n{telephone}\n"
        )
    };
    let pool = rule("first", "not present(roomNumber)", "extension_pool = \"2000-2000\"");
    world.rules(&(pool + &rule("second", "present(roomNumber)", "extension = \"roomNumber\"")));
    let plan = world.run(&["plan", "--json"]).expect(9).json();
    holds("plan", &plan);
    // One of the two without an extension is withheld; of the three others two get a seat.
    assert_eq!(plan["withheld"].as_array().unwrap().len(), 1, "{plan}");
    for (name, given, waiting) in [("Webex Calling - Professional", 2, 1), ("Attendant Console", 1, 2)] {
        let one = seats(&plan, name);
        let account = ["given", "waiting", "short", "demand"].map(|key| one[key].clone());
        assert_eq!(account, [given, waiting, waiting, 3].map(|n| json!(n)), "{one}");
    }
    world.run(&["sync"]).expect(9);
    let professional =
        (1..=4).filter(|n| licenses(&world, *n).iter().any(|name| name.ends_with("Professional")));
    assert_eq!(professional.count(), 2, "no seat is left unused");
    let writes = world.writes();
    world.run(&["sync"]).expect(9);
    assert_eq!(world.writes(), writes, "nothing is left for a second pass");
    let status = world.run(&["status", "--json"]).expect(0).json();
    let waiting = status["waiting"].as_array().unwrap();
    assert!(waiting.iter().all(|one| one["email"] == "p3@example.com" || one["email"] == "p2@example.com"));
    assert_eq!(waiting.len(), 3, "{status}");
}

#[test]
fn every_plan_and_the_status_name_what_is_kept() {
    let world = Rehearsal::with(organization(5, 5), &people(12));
    let rule = |more: &str, grace: &str| {
        format!(
            "[entitlements]\ngrace = \"{grace}\"\n[[entitlement]]\nname = \"all\"\n\
             licenses = [\"message.messaging\"{more}]\n"
        )
    };
    world.rules(&rule(", \"meeting.webex_enterprise_200\"", "14d"));
    world.run(&["sync"]).expect(0);
    assert_eq!(world.run(&["status", "--json"]).json()["kept"], json!({ "count": 0, "first": [] }));
    world.rules(&rule("", "14d"));
    let kept = |args: &[&str]| {
        let plan = world.run(args).json();
        holds("plan", &plan);
        let mut kept = plan["kept"].as_array().unwrap().clone();
        kept.sort_by_key(|one| one["email"].to_string());
        kept
    };
    let names = |kept: &[Value]| kept.iter().map(|one| one["email"].clone()).collect::<Vec<_>>();
    let before = kept(&["plan", "--json"]);
    assert_eq!(before.len(), 12);
    world.run(&["sync"]).expect(0);
    for args in [&["plan", "--json"][..], &["plan", "--json", "--full"]] {
        let now = kept(args);
        assert_eq!(names(&now), names(&before), "{args:?}");
        assert!(now.iter().all(|one| one["name"] == "Webex Meetings Suite"), "{now:?}");
    }
    let alone = kept(&["plan", "--json", "--only", "p3@example.com"]);
    assert_eq!(names(&alone), [json!("p3@example.com")]);
    let text = world.run(&["plan"]).expect(0).out;
    assert_eq!(text.matches("Webex Meetings Suite, until 20").count(), 12, "{text}");

    let status = world.run(&["status", "--json"]).expect(0).json();
    holds("status", &status);
    let first = status["kept"]["first"].as_array().unwrap();
    assert_eq!((&status["kept"]["count"], first.len()), (&json!(12), 10));
    let now = kept(&["plan", "--json"]);
    assert!(first.iter().all(|one| now.contains(one)), "{first:?}");
    let text = world.run(&["status"]).expect(0).out;
    assert!(text.contains("although no rule gives it any more: 12\n"), "{text}");
    assert!(text.contains("  ... and 2 more\n"), "{text}");

    // Who gets it back keeps nothing for a while any more, and whose time is over loses it.
    world.rules(&rule(", \"meeting.webex_enterprise_200\"", "14d"));
    assert_eq!(kept(&["plan", "--json"]), Vec::<Value>::new());
    world.rules(&rule("", "0s"));
    assert_eq!(kept(&["plan", "--json"]), Vec::<Value>::new());
}
