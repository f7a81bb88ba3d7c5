//! What is found: in the sandbox, through its own interfaces, and in what the program says.

use std::collections::{BTreeMap, BTreeSet};

use dirsyncd::sandbox::{LicenseSpec, Sandbox, Settings};
use serde_json::Value;

use super::oracle::{Account, LICENSES, Lic, RULES, Seats};
use crate::support::connector::TOKEN;

/// The licences, in the order of the constants of the oracle, and the seats bought at first.
pub(crate) fn licenses() -> Vec<LicenseSpec> {
    let free = |name: &str, prefix: &str| LicenseSpec {
        subscription: Some("SubWest".into()),
        ..LicenseSpec::free(name, prefix)
    };
    vec![
        LicenseSpec::paid("Advanced Messaging", "MS", 2_150, "SubEast"),
        LicenseSpec::paid("Advanced Messaging", "MS", 2_050, "SubWest"),
        LicenseSpec::paid("Webex Meetings Suite", "EE", 40, "SubEast").on("east.example.webex.com"),
        LicenseSpec::paid("Webex Meetings Suite", "EE", 300, "SubWest").on("west.example.webex.com"),
        LicenseSpec::paid("Advanced Space Meetings", "CF", 4_000, "SubEast"),
        LicenseSpec::paid("Webex Calling - Professional", "BCSTD", 130, "SubEast"),
        LicenseSpec::paid("Webex Calling - Standard", "BCBAS", 520, "SubWest"),
        LicenseSpec::paid("Attendant Console", "BCATT", 20, "SubEast"),
        LicenseSpec::paid("Contact Center Premium Agent", "CJPPRM", 45, "SubWest"),
        LicenseSpec::paid("Contact Center Standard Agent", "CJPSTD", 300, "SubWest"),
        free("Hybrid Call Aware", "HCA"),
        free("Hybrid Call Connect", "HCC"),
    ]
}

/// Seats in use by accounts that nobody in the directory claims.
pub(crate) const STRANGERS: [u64; LICENSES] = [25, 0, 0, 0, 25, 0, 0, 0, 0, 0, 0, 0];

/// The organization of the company, and where its licences are told apart.
pub(crate) struct Cloud {
    pub(crate) sandbox: Sandbox,
    client: reqwest::Client,
    ids: BTreeMap<String, Lic>,
}

impl Cloud {
    pub(crate) async fn start() -> Self {
        let settings = Settings { token: TOKEN.into(), licenses: licenses(), ..Settings::default() };
        let sandbox = Sandbox::start(settings).await.expect("a sandbox");
        let _ = rustls::crypto::ring::default_provider().install_default();
        let client = reqwest::Client::builder().no_proxy().build().expect("a client");
        let mut cloud = Self { sandbox, client, ids: BTreeMap::new() };
        let specs = licenses();
        let (listed, _) = cloud.get(&format!("{}/v1/licenses", cloud.sandbox.base_url())).await;
        for item in listed["items"].as_array().expect("a list") {
            let is = |spec: &LicenseSpec| {
                item["name"] == spec.name.as_str()
                    && item["subscriptionId"].as_str() == spec.subscription.as_deref()
                    && item["siteUrl"].as_str() == spec.site.as_deref()
            };
            let at = specs.iter().position(is).expect("a licence of the list");
            cloud.ids.insert(item["id"].as_str().expect("an id").to_owned(), at);
        }
        assert_eq!(cloud.ids.len(), LICENSES);
        let names = ["Advanced Messaging", "Advanced Space Meetings"];
        let strangers = serde_json::json!({ "count": 25, "domain": "example.test", "prefix": "stranger", "licenses": names });
        cloud.sandbox.organization().seed(&strangers).expect("strangers");
        cloud
    }

    async fn get(&self, url: &str) -> (Value, Option<String>) {
        let answer = self.client.get(url).bearer_auth(TOKEN).send().await.expect("an answer");
        assert!(answer.status().is_success(), "{url}: {}", answer.status());
        let link = answer.headers().get("link").and_then(|link| link.to_str().ok()).unwrap_or_default();
        let next = link.split(['<', '>']).nth(1).filter(|_| link.contains("rel=\"next\"")).map(str::to_owned);
        (answer.json().await.expect("JSON"), next)
    }

    /// The licence with this id.
    pub(crate) fn license(&self, id: &Value) -> Lic {
        self.ids[id.as_str().expect("an id")]
    }

    /// Buys or gives back seats.
    pub(crate) fn buy(&self, license: Lic, seats: u64) {
        let id = self.ids.iter().find(|(_, at)| **at == license).expect("a licence of the list").0;
        assert!(self.sandbox.organization().set_seats(id, Some(seats)));
    }

    /// The accounts with an anchor, by anchor.
    pub(crate) async fn accounts(&self) -> BTreeMap<String, Account> {
        let mut holders: BTreeMap<String, BTreeSet<Lic>> = BTreeMap::new();
        for (id, license) in &self.ids {
            let base = self.sandbox.base_url();
            let mut next = Some(format!("{base}/v1/licenses/{id}?includeAssignedTo=user&limit=300"));
            while let Some(url) = next.take() {
                let (page, after) = self.get(&url).await;
                for user in page["users"].as_array().expect("a list") {
                    let email = user["email"].as_str().expect("an address").to_owned();
                    assert!(holders.entry(email).or_default().insert(*license), "nobody holds it twice");
                }
                next = after;
            }
        }
        let dump = self.sandbox.organization().dump(false);
        let people = dump["people"].as_array().expect("a list");
        let names: BTreeMap<&str, &str> =
            people.iter().map(|one| (text(&one["id"]), text(&one["scim"]["userName"]))).collect();
        let mut accounts = BTreeMap::new();
        let mut strangers = [0; LICENSES];
        for one in people {
            let scim = &one["scim"];
            let licenses = holders.remove(text(&scim["userName"])).unwrap_or_default();
            let Some(anchor) = scim["externalId"].as_str() else {
                licenses.into_iter().for_each(|license| strangers[license] += 1);
                continue;
            };
            let mut fields = BTreeMap::new();
            flatten("", scim, &mut fields);
            for known in ["userName", "active", "externalId", "userType", "emails[work]"] {
                fields.remove(known);
            }
            fields.retain(|name, _| !name.starts_with("roles["));
            if let Some(manager) = fields.get_mut("manager") {
                *manager = names[manager.as_str()].to_owned();
            }
            let sites = one["sites"].as_array().into_iter().flatten();
            let roles = one["roles"].as_array().into_iter().flatten().map(|role| match text(role) {
                "id_readonly_admin" => "id_readonly_admin",
                "id_user_admin" => "id_user_admin",
                _ => "another",
            });
            let account = Account {
                active: scim["active"] == true,
                email: text(&scim["userName"]).to_owned(),
                fields,
                licenses,
                attends: sites.filter(|site| site[1] == false).count() == 1,
                roles: roles.collect(),
                calling: one["calling"].as_object().map(|calling| {
                    let place = ["Leeds Works", "Ghent Office"][usize::from(calling["location"] == 1)];
                    (place.to_owned(), text(&calling["extension"]).to_owned())
                }),
            };
            assert!(accounts.insert(anchor.to_owned(), account).is_none(), "nobody is there twice");
        }
        assert!(holders.is_empty(), "holders are accounts");
        assert_eq!(strangers, STRANGERS, "what others hold stays theirs");
        accounts
    }

    /// The queues of a document, each in its order: licence, anchor and rule.
    pub(crate) fn queues(&self, document: &Value) -> BTreeMap<Lic, Vec<(String, usize)>> {
        let mut queues: BTreeMap<Lic, Vec<(String, usize)>> = BTreeMap::new();
        for one in document["waiting"].as_array().expect("a list") {
            let rule = RULES.iter().position(|rule| one["rule"] == *rule && one["reason"] == "no_seat");
            let rule = rule.unwrap_or(usize::MAX);
            queues
                .entry(self.license(&one["license"]))
                .or_default()
                .push((text(&one["anchor"]).to_owned(), rule));
        }
        queues
    }

    /// The account of the seats in a document.
    pub(crate) fn seats(&self, document: &Value) -> BTreeMap<Lic, Seats> {
        let number = |one: &Value, key: &str| one[key].as_u64().unwrap_or_else(|| panic!("{key}: {one}"));
        let list = document["seats"].as_array().expect("a list");
        list.iter()
            .map(|one| {
                let seats = Seats {
                    total: number(one, "total"),
                    consumed: number(one, "consumed"),
                    freed: number(one, "freed"),
                    given: number(one, "given"),
                    demand: number(one, "demand"),
                    short: number(one, "short"),
                    waiting: number(one, "waiting"),
                };
                (self.license(&one["license"]), seats)
            })
            .collect()
    }

    /// When seats run out, in days since 1970, and over how many days the growth was looked at.
    pub(crate) fn forecasts(&self, document: &Value) -> BTreeMap<Lic, Option<(i64, i64)>> {
        let list = document["seats"].as_array().expect("a list");
        list.iter()
            .map(|one| {
                let day = one["runs_out"].as_str().map(|day| {
                    let day: chrono::NaiveDate = day.parse().expect("a date");
                    day.signed_duration_since(chrono::NaiveDate::default()).num_days()
                });
                (self.license(&one["license"]), day.zip(one["growth_days"].as_i64()))
            })
            .collect()
    }
}

/// Anchor and code of everybody who is withheld.
pub(crate) fn withheld(document: &Value) -> BTreeSet<(String, String)> {
    let list = document["withheld"].as_array().expect("a list");
    list.iter().map(|one| (text(&one["anchor"]).to_owned(), text(&one["code"]).to_owned())).collect()
}

fn text(value: &Value) -> &str {
    value.as_str().unwrap_or_default()
}

/// A SCIM document as paths and values: entries of lists go by their type, or their display name.
fn flatten(path: &str, value: &Value, into: &mut BTreeMap<String, String>) {
    let below = |name: &str| if path.is_empty() { name.to_owned() } else { format!("{path}.{name}") };
    match value {
        Value::Object(all) => {
            for (name, value) in all {
                match name.as_str() {
                    "schemas" | "meta" | "id" | "primary" | "type" | "display" => {}
                    urn if urn.starts_with("urn:") => flatten("", value, into),
                    "value" => flatten(path, value, into),
                    name => flatten(&below(name), value, into),
                }
            }
        }
        Value::Array(list) => {
            for one in list {
                let name = ["display", "type"].iter().find_map(|key| one[key].as_str());
                let path = name.map_or(path.to_owned(), |name| format!("{path}[{name}]"));
                flatten(&path, one, into);
            }
        }
        Value::String(text) => {
            into.insert(path.to_owned(), text.clone());
        }
        other => {
            into.insert(path.to_owned(), other.to_string());
        }
    }
}
