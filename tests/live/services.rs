//! Every service and every role that we have a word for, given by a rule that reads a real LDAP server, and
//! held in the cloud.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write;

use dirsyncd::cloud::webex::{SERVICES, service_key};
use dirsyncd::sandbox::{LicenseSpec, Sandbox, Settings};
use serde_json::Value;

use crate::invented::{Invented, texts};
use crate::support::connector::{Connector, TOKEN, get, user};
use crate::support::slapd::PASSWORD;

const ATTRIBUTES: &[&str] = &["employeeType", "businessCategory", "roomNumber", "telephoneNumber", "l"];

/// The services of the user model of VOSS, with the licence behind each and what it needs besides.
const MODEL: &[(&str, &str, &str, &[&str])] = &[
    ("message.messaging", "Advanced Messaging", "MS", &[]),
    ("meeting.meeting", "Advanced Space Meetings", "CF", &[]),
    ("meeting.webex_enterprise_200", "Webex Meetings Suite", "EE", &[]),
    ("calling.calling_basic", "Webex Calling - Standard", "BCBAS", &[]),
    ("calling.calling_standard_enterprise", "Webex Calling - Professional", "BCSTD", &[]),
    ("calling.calling_common_area", "Webex Calling - Workspaces", "BCCA", &[]),
    ("hybrid_calendar_services.microsoft_exchange", "Hybrid - Exchange Calendar", "CE", &[]),
    ("hybrid_calendar_services.google", "Hybrid - Google Calendar", "CG", &[]),
    ("hybrid_call_services.aware", "Hybrid - Call Aware", "HCA", &[]),
    ("hybrid_call_services.connect", "Hybrid - Call Connect", "HCC", &["hybrid_call.aware"]),
    ("hybrid_message_services.message", "Hybrid - Message", "HM", &[]),
    ("care.care_digital_channel_service", "Care - Digital Channels", "CDC", &["message.messaging"]),
    ("care.care_voice_service", "Care - Voice", "CVC", &["calling.professional"]),
];

/// Other words of the vocabulary.
const OTHERS: &[(&str, &str, &str, &[&str])] = &[
    ("meeting.meeting_center", "Meeting - Webex Meeting Center", "MC", &[]),
    ("meeting.training_center", "Meeting - Webex Training Center", "TC", &[]),
    ("meeting.event_center", "Meeting - Webex Event Center", "EC", &[]),
    ("meeting.support_center", "Meeting - Webex Support Center", "SC", &[]),
    ("meeting.real_time_translations", "Real-Time Translations", "RTT", &[]),
    ("calling.hot_desk", "Webex Calling - Hot desk only", "BCHDO", &[]),
    ("calling.route_list", "Webex Calling - Route List Calls", "BCRLC", &[]),
    ("calling.unified_cm", "Unified Communication Manager (UCM)", "UCPREM", &[]),
    ("care.premium", "Contact Center Premium Agent", "CJPPRM", &[]),
    ("care.standard", "Contact Center Standard Agent", "CJPSTD", &[]),
    ("care.epic_connector", "Epic Desktop Connector", "EPC", &[]),
    ("care.salesforce_connector", "Salesforce Desktop Connector", "SFDSK", &[]),
    ("calling.attendant_console", "Attendant Console", "BCATT", &["calling.professional"]),
    ("calling.customer_experience", "Customer Experience - Essential", "CXESS", &["calling.professional"]),
    ("room.device", "Webex Room Kit", "SD", &[]),
];

/// Those of workspaces and devices, which people cannot hold: the cloud says so, and so does the report.
const PLACES: &[&str] =
    &["calling.calling_common_area", "calling.hot_desk", "calling.route_list", "room.device"];

/// Those that come and go by themselves.
const FREE: &[&str] = &["message.basic", "meeting.screen_share", "calling.on_webex", "meeting.basic"];

fn config(directory: &Invented, rules: &str) -> String {
    format!("{}{rules}", directory.config())
}

#[tokio::test(flavor = "multi_thread")]
async fn every_service_is_given_by_a_rule() {
    let all: Vec<_> = MODEL.iter().chain(OTHERS).collect();
    let tried: BTreeSet<&str> =
        all.iter().filter_map(|(word, ..)| service_key(word)).chain(FREE.iter().copied()).collect();
    let known: BTreeSet<&str> = SERVICES.iter().map(|service| service.key).collect();
    assert_eq!(tried, known, "a line for each service");

    let directory = Invented::start(ATTRIBUTES);
    let licenses = all.iter().map(|(word, name, prefix, _)| match word.split_once('.') {
        Some((family, _)) if family.starts_with("hybrid") => LicenseSpec::free(name, prefix),
        _ if ["EE", "MC", "TC", "EC", "SC"].contains(prefix) => {
            LicenseSpec::paid(name, prefix, 50, "Sub1").on("lumenforge.webex.com")
        }
        _ => LicenseSpec::paid(name, prefix, 50, "Sub1"),
    });
    let settings = Settings { token: TOKEN.into(), licenses: licenses.collect(), ..Settings::default() };
    let sandbox = Sandbox::start(settings).await.expect("a sandbox");
    let url = sandbox.base_url();
    let mut rules = String::new();
    for (number, (word, _, _, needs)) in all.iter().enumerate() {
        let services: Vec<String> = needs.iter().chain([word]).map(|word| format!("\"{word}\"")).collect();
        let calling = word.contains("calling") || needs.iter().any(|need| need.contains("calling"));
        let line = if calling {
            "location_from = \"l\"\nextension = \"roomNumber\"\nphone = \"telephoneNumber\"\n"
        } else {
            ""
        };
        writeln!(
            rules,
            "[[entitlement]]\nname = \"{word}\"\nwhen = 'employeeType == \"{word}\"'\nlicenses = [{}]\n{line}",
            services.join(", ")
        )
        .expect("a text grows");
        let (room, phone) = (format!("2{number:02}"), format!("+44113496{number:04}"));
        directory.add(
            &format!("p{number}"),
            &texts(&[
                ("employeeType", word),
                ("roomNumber", &room),
                ("telephoneNumber", &phone),
                ("l", "Leeds Works"),
            ]),
        );
    }
    let connector = Connector::new(&config(&directory, &rules), &url);
    connector.secret("password", PASSWORD);
    let report = connector.json(6, &["sync"]);
    assert_eq!(report["counts"]["create"], all.len(), "{report}");
    let refused = report["failed"].as_array().expect("a list");
    assert!(refused.iter().all(|failure| failure["code"] == "rejected"), "{report}");
    assert_eq!(refused.len(), PLACES.len(), "{report}");
    let names: BTreeMap<String, String> = get(&url, "/v1/licenses").await["items"]
        .as_array()
        .expect("a list")
        .iter()
        .map(|license| (text(&license["id"]), text(&license["name"])))
        .collect();
    for (number, (word, name, _, needs)) in all.iter().enumerate() {
        let id = text(&user(&url, &format!("p{number}@example.test")).await["id"]);
        let person = get(&url, &format!("/v1/people/{id}?callingData=true")).await;
        let held: BTreeSet<&str> = person["licenses"]
            .as_array()
            .expect("a list")
            .iter()
            .map(|id| names[&text(id)].as_str())
            .collect();
        let needed = needs.iter().map(|need| {
            let same = |word: &str| service_key(word) == service_key(need);
            all.iter().find(|(word, ..)| same(word)).expect("a known need").1
        });
        let own = (!PLACES.contains(word)).then_some(*name);
        assert_eq!(held, needed.chain(own).collect(), "{word}");
        // Whoever calls has the number and the extension of the directory.
        if person["locationId"].is_string() {
            assert_eq!(text(&person["extension"]), format!("2{number:02}"), "{word}: {person}");
            let numbers = get(&url, &format!("/v1/telephony/config/numbers?extension=2{number:02}")).await;
            assert_eq!(
                text(&numbers["phoneNumbers"][0]["phoneNumber"]),
                format!("+44113496{number:04}"),
                "{word}"
            );
        }
        let calls = ["calling_basic", "calling_standard_enterprise"].iter().any(|end| word.ends_with(end));
        assert!(!calls || person["locationId"].is_string(), "{word}: {person}");
    }
    sandbox.stop().await;
}

fn text(value: &Value) -> String {
    value.as_str().unwrap_or_else(|| panic!("a text, not {value}")).to_owned()
}

#[tokio::test(flavor = "multi_thread")]
async fn every_role_is_given_by_a_rule() {
    let words: Vec<&str> = dirsyncd::rules::role_words().collect();
    let directory = Invented::start(ATTRIBUTES);
    let sandbox =
        Sandbox::start(Settings { token: TOKEN.into(), ..Settings::default() }).await.expect("a sandbox");
    let url = sandbox.base_url();
    let mut rules = String::new();
    for word in &words {
        write!(
            rules,
            "[[role]]\nname = \"{word}\"\nrole = \"{word}\"\nwhen = 'businessCategory == \"{word}\"'\n"
        )
        .expect("a text grows");
        let name = word.replace('_', "-");
        directory.add(&name, &texts(&[("businessCategory", word)]));
    }
    let connector = Connector::new(&config(&directory, &rules), &url);
    connector.secret("password", PASSWORD);
    connector.json(0, &["sync"]);
    let catalogue = get(&url, "/v1/roles").await;
    let names: BTreeSet<String> =
        catalogue["items"].as_array().expect("a list").iter().map(|role| text(&role["name"])).collect();
    let held = async |word: &str| -> BTreeSet<String> {
        let user = user(&url, &format!("{}@example.test", word.replace('_', "-"))).await;
        user["roles"].as_array().into_iter().flatten().map(|role| text(&role["display"])).collect()
    };
    for (word, name) in [
        ("full", Some("Full Administrator")),
        ("read_only", Some("Read-only Administrator")),
        ("support", Some("Support Administrator")),
        ("user", Some("User Administrator")),
        ("device", Some("Device Administrator")),
        ("user_device", Some("User and Device Administrator")),
        ("compliance", Some("Compliance Officer")),
        ("none", None),
    ] {
        assert!(words.contains(&word));
        assert!(name.is_none_or(|name| names.contains(name)), "{word}");
        assert_eq!(held(word).await, name.map(str::to_owned).into_iter().collect(), "{word}");
    }
    assert_eq!(words.len(), 8, "each word is in the table");

    // Nobody whom no rule gives one has a role: what a rule gave is taken back.
    directory.set("device", &["businessCategory"], &[]);
    connector.json(0, &["sync"]);
    assert_eq!(held("device").await, BTreeSet::new());
    sandbox.stop().await;
}
