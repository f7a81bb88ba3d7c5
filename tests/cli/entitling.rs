//! Licences with more to them than a seat: sites to attend, telephones, exclusive sets, grace.

use dirsyncd::sandbox::{LicenseSpec, Settings};
use serde_json::{Value, json};

use super::documents::holds;
use super::rehearsal::{Rehearsal, person};

const SITE: &str = "lumenforge.webex.com";

/// An organization with a site, telephones and messaging.
fn organization() -> Settings {
    Settings {
        licenses: vec![
            LicenseSpec::paid("Advanced Messaging", "MS", 50, "Sub1"),
            LicenseSpec::paid("Webex Meetings Suite", "EE", 50, "Sub1").on(SITE),
            LicenseSpec::paid("Webex Calling - Professional", "BCSTD", 50, "Sub2"),
            LicenseSpec::paid("Webex Calling - Standard", "BCBAS", 50, "Sub2"),
        ],
        ..Settings::default()
    }
}

const RULES: &str = r#"
[entitlements]
grace = "14d"
[[template]]
name = "basics"
licenses = ["message.messaging"]
[[entitlement]]
name = "hosts"
when = "title == 'Host'"
licenses = ["meeting.webex_enterprise_200"]
templates = ["basics"]
[[entitlement]]
name = "guests"
bases = ["ou=people,dc=example,dc=com"]
attendee = "LumenForge.webex.com"
[[entitlement]]
name = "telephones"
when = "present(l)"
licenses = ["calling.professional"]
location_from = "l"
extension = "roomNumber"
extension_pool = "2000-2001"
"#;

/// Somebody with a title, at a place, with an extension.
fn one(n: usize, title: &str, place: &str, extension: &str) -> String {
    let mut entry = person(n).replace("title: Tester\n", &format!("title: {title}\n"));
    if !place.is_empty() {
        entry.push_str(&format!("l: {place}\n"));
    }
    if !extension.is_empty() {
        entry.push_str(&format!("roomNumber: {extension}\n"));
    }
    entry + "\n"
}

fn shown(world: &Rehearsal, n: usize) -> Value {
    let dump = world.organization().dump(false);
    let email = format!("p{n}@example.com");
    let people = dump["people"].as_array().unwrap();
    people.iter().find(|user| user["scim"]["userName"] == email.as_str()).unwrap().clone()
}

#[test]
fn sites_and_telephones_reach_the_cloud() {
    let before = [
        one(1, "Host", "", ""),
        one(2, "Guest", "Leeds Works", "2110"),
        one(3, "Guest", "ghent office", ""),
        one(4, "Guest", "Paris", "2110"),
        one(5, "Guest", "Leeds Works", "2110"),
    ];
    let world = Rehearsal::with(organization(), &before.concat());
    world.rules(RULES);
    let plan = world.run(&["plan", "--json"]).expect(6).json();
    holds("plan", &plan);
    assert_eq!(plan["not_given"][0]["rule"], "guests");
    let reasons: Vec<&str> =
        plan["withheld"].as_array().unwrap().iter().filter_map(|one| one["reason"].as_str()).collect();
    assert_eq!(reasons.len(), 3, "{reasons:?}");
    assert!(reasons.iter().any(|reason| reason.contains("there is no location \"Paris\"")), "{reasons:?}");
    for other in ["uid=p2,", "uid=p5,"] {
        let wanted = format!("extension 2110 at Leeds Works is also claimed by \"{other}");
        assert!(reasons.iter().any(|reason| reason.contains(&wanted)), "{reasons:?}");
    }

    world.run(&["sync", "--json"]).expect(6);
    let licenses = |n: usize| world.organization().licenses_of(&format!("p{n}@example.com")).unwrap();
    assert_eq!(licenses(1), ["Advanced Messaging", "Webex Meetings Suite"]);
    let telephone = |n: usize| shown(&world, n)["calling"].clone();
    // Of two who claim one extension, neither has it until the directory is mended.
    assert_eq!([telephone(2), telephone(5)], [Value::Null, Value::Null]);
    assert_eq!(telephone(3)["extension"], "2000", "{}", shown(&world, 3));
    assert_eq!(telephone(4), Value::Null);
    for n in 2..=5 {
        assert_eq!(shown(&world, n)["sites"], json!([[SITE, false]]), "{n}");
    }
    // A pass that looks at everything finds nothing to do.
    let writes = world.writes();
    world.run(&["sync", "--full", "--json"]).expect(6);
    assert_eq!(world.writes(), writes);

    // A guest becomes a host in one call, and another moves the extension out of the way.
    let after = [
        one(1, "Host", "", ""),
        one(2, "Host", "Leeds Works", "2110"),
        one(3, "Guest", "ghent office", ""),
        one(4, "Guest", "Leeds Works", "2115"),
        one(5, "Guest", "Leeds Works", "2116"),
    ];
    world.write("people.ldif", &after.concat());
    world.run(&["sync", "--json"]).expect(0);
    assert!(licenses(2).contains(&"Webex Meetings Suite".to_owned()), "{:?}", licenses(2));
    assert_eq!(shown(&world, 2)["sites"], json!([[SITE, true]]));
    let extensions = [2, 4, 5].map(|n| telephone(n)["extension"].clone());
    assert_eq!(extensions, ["2110", "2115", "2116"]);

    // Who is no host any more stays one for a while, and cannot attend meanwhile.
    world.write("people.ldif", &before.concat());
    let plan = world.run(&["plan", "--json"]).json();
    holds("plan", &plan);
    let history = world.run(&["history", "--json", "--action", "license_add"]).json();
    assert!(history.to_string().contains("held; extension=2115; place_id="), "{history}");
}
