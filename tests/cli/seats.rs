//! Who holds what over several passes: what somebody else gave, the last of a pool, and what is kept.

use dirsyncd::sandbox::{LicenseSpec, Settings};
use serde_json::{Value, json};

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
