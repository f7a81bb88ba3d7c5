//! With what people call, from a real LDAP server to the settings that the cloud keeps beside the account.

use dirsyncd::sandbox::{Sandbox, Settings};
use serde_json::{Value, json};

use crate::invented::{Invented, texts};
use crate::support::connector::{Connector, TOKEN, get, put, user, writes};
use crate::support::slapd::PASSWORD;

const RULES: &str = "[people.mapping]\ncalling_behavior = \"callsWith\"\nuc_profile = \"cluster\"\n";

struct Organization {
    sandbox: Sandbox,
    url: String,
}

impl Organization {
    async fn start() -> Self {
        let settings = Settings { token: TOKEN.into(), ..Settings::default() };
        let sandbox = Sandbox::start(settings).await.expect("a sandbox");
        let url = sandbox.base_url();
        Self { sandbox, url }
    }

    async fn path(&self, name: &str) -> String {
        let id = user(&self.url, &format!("{name}@example.test")).await["id"].clone();
        format!("/v1/people/{}/features/callingBehavior", id.as_str().expect("an id"))
    }

    /// Behaviour, and the name of the profile.
    async fn settings(&self, name: &str) -> (Option<String>, Option<String>) {
        let kept = get(&self.url, &self.path(name).await).await;
        let profiles = get(&self.url, "/v1/telephony/config/callingProfiles").await;
        let profiles = profiles["callingProfiles"].as_array().expect("a list").clone();
        let named = |id: &str| {
            profiles.iter().find(|profile| profile["id"] == id).expect("a profile")["name"].clone()
        };
        let text = |value: &Value| value.as_str().map(str::to_owned);
        let profile = kept["profileId"].as_str().and_then(|id| text(&named(id)));
        (text(&kept["behaviorType"]), profile)
    }
}

fn both(behavior: Option<&str>, profile: Option<&str>) -> (Option<String>, Option<String>) {
    (behavior.map(str::to_owned), profile.map(str::to_owned))
}

#[tokio::test(flavor = "multi_thread")]
async fn the_calling_behaviour_follows_the_directory() {
    const ATTRIBUTES: &[&str] = &["callsWith", "cluster", "title"];
    let directory = Invented::start(ATTRIBUTES);
    let organization = Organization::start().await;
    let url = &organization.url;
    let ucm = Some("NATIVE_SIP_CALL_TO_UCM");
    directory.add("ann", &texts(&[("callsWith", "unified_cm"), ("cluster", "leeds cluster")]));
    directory.add("bob", &[]);
    let connector = Connector::new(&format!("{}{RULES}", directory.config()), url);
    connector.secret("password", PASSWORD);

    // A newcomer gets them with the account; somebody without gets nothing, and costs no call.
    let plan = connector.json(0, &["plan"]);
    assert_eq!(plan["counts"]["update"], 1, "{plan}");
    let report = connector.json(0, &["sync"]);
    assert_eq!(
        (&report["counts"]["create"], &report["counts"]["update"]),
        (&2.into(), &1.into()),
        "{report}"
    );
    assert_eq!(organization.settings("ann").await, both(ucm, Some("Leeds Cluster")));
    assert_eq!(organization.settings("bob").await, both(None, None));
    let quiet = writes(url).await;
    connector.json(0, &["sync", "--full"]);
    assert_eq!(writes(url).await, quiet);

    // What others set for somebody of whom no rule says anything stays.
    put(url, &organization.path("bob").await, &json!({ "behaviorType": "CALL_WITH_APP_REGISTERED_FOR_TEL" }))
        .await;
    directory.set("bob", &["title"], &texts(&[("title", "Pilot")]));
    connector.json(0, &["sync", "--full"]);
    assert_eq!(organization.settings("bob").await, both(Some("CALL_WITH_APP_REGISTERED_FOR_TEL"), None));

    // Each behaviour, one write each.
    for (behavior, cluster, expected) in [
        ("unified_cm", "Ghent Cluster", both(ucm, Some("Ghent Cluster"))),
        ("unified_cm", "", both(ucm, None)),
        ("webex", "", both(Some("NATIVE_WEBEX_TEAMS_CALLING"), None)),
        ("webex_calling", "", both(Some("CALL_WITH_APP_REGISTERED_FOR_WEBEXCALLTEL"), None)),
        ("third_party", "", both(Some("CALL_WITH_APP_REGISTERED_FOR_TEL"), None)),
        ("jabber", "", both(Some("CALL_WITH_APP_REGISTERED_FOR_CISCOTEL"), None)),
        // Team messaging mode of Jabber: a profile beside the default of the organization.
        ("", "Ghent Cluster", both(None, Some("Ghent Cluster"))),
        ("", "", both(None, None)),
    ] {
        let values = [("callsWith", behavior), ("cluster", cluster)];
        let values: Vec<_> = values.into_iter().filter(|(_, value)| !value.is_empty()).collect();
        directory.set("ann", &["callsWith", "cluster"], &texts(&values));
        let before = writes(url).await;
        let report = connector.json(0, &["sync"]);
        assert_eq!(report["counts"]["update"], 1, "{behavior} {cluster}: {report}");
        assert_eq!(organization.settings("ann").await, expected, "{behavior} {cluster}");
        assert_eq!(writes(url).await, before + 1, "{behavior} {cluster}");
    }

    // What cannot be written is said with a remedy, and nothing else stops.
    directory.set(
        "ann",
        &["callsWith", "cluster", "title"],
        &texts(&[("callsWith", "unified_cm"), ("cluster", "Nowhere"), ("title", "Boss")]),
    );
    let report = connector.json(6, &["sync"]);
    assert!(report["failed"].to_string().contains("there is no UC Manager profile"), "{report}");
    assert_eq!(user(url, "ann@example.test").await["title"], "Boss");
    directory.set("ann", &["callsWith"], &texts(&[("callsWith", "drums")]));
    let report = connector.json(6, &["sync"]);
    assert_eq!(report["counts"]["withheld"], 1, "{report}");

    // Rules that do not speak of them leave them alone.
    directory.set("ann", &["callsWith", "cluster"], &texts(&[("callsWith", "jabber")]));
    connector.json(0, &["sync"]);
    connector.configure(&format!("{}[people.mapping]\ntitle = \"title\"\n", directory.config()), url);
    directory.set("ann", &["callsWith"], &[]);
    connector.json(0, &["sync", "--full"]);
    assert_eq!(organization.settings("ann").await, both(Some("CALL_WITH_APP_REGISTERED_FOR_CISCOTEL"), None));

    // A rule that gives nobody anything resets what was set by a rule, and that alone.
    connector.configure(&format!("{}[people.mapping]\ncalling_behavior = '\"\"'\n", directory.config()), url);
    connector.json(0, &["sync", "--full"]);
    assert_eq!(organization.settings("ann").await, both(None, None));
    assert_eq!(organization.settings("bob").await, both(Some("CALL_WITH_APP_REGISTERED_FOR_TEL"), None));

    // Names that do not exist are found before anybody gets them.
    connector
        .configure(&format!("{}[people.mapping]\ncalling_behavior = '\"ucm\"'\n", directory.config()), url);
    let output = connector.run(&["check"]);
    assert_eq!(output.status.code(), Some(3), "{}", String::from_utf8_lossy(&output.stderr));
    connector
        .configure(&format!("{}[people.mapping]\nuc_profile = '\"Nowhere\"'\n", directory.config()), url);
    let check = connector.json(3, &["check"]);
    assert!(check.to_string().contains("there is no such UC Manager profile"), "{check}");
    organization.sandbox.stop().await;
}
