//! Who holds what over several passes: what somebody else gave, the last of a pool, and what is kept.

use dirsyncd::sandbox::{LicenseSpec, Settings};
use serde_json::json;

use super::rehearsal::{Rehearsal, person};

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
