//! Groups of a real directory become groups of the cloud, by the real binary, checked through
//! the interfaces of the cloud.

use std::collections::{BTreeMap, BTreeSet};

use dirsyncd::sandbox::{Sandbox, Settings};
use serde_json::{Value, json};

use crate::support::connector::{Connector, TOKEN, writes};
use crate::support::samba::{self, Samba};
use crate::support::slapd::{self, Options, Slapd, group_ldif, people_ldif};

const PEOPLE: usize = 1_200;

/// The groups of a sandbox, by name, with the addresses of their members: listed page by page.
struct Groups {
    client: reqwest::Client,
    scim: String,
}

impl Groups {
    fn new(sandbox: &Sandbox) -> Self {
        let _ = rustls::crypto::ring::default_provider().install_default();
        let client = reqwest::Client::builder().no_proxy().build().expect("a client");
        let scim = format!("{}/identity/scim/{}/v2", sandbox.base_url(), sandbox.organization().id());
        Self { client, scim }
    }

    async fn get(&self, path: &str) -> Value {
        let request = self.client.get(format!("{}/{path}", self.scim)).bearer_auth(TOKEN);
        request.send().await.expect("an answer").json().await.expect("JSON")
    }

    async fn pages(&self, path: &str, list: &str) -> Vec<Value> {
        let mut all = Vec::new();
        loop {
            let page = self.get(&format!("{path}?startIndex={}&count=500", all.len() + 1)).await;
            let items = page[list].as_array().cloned().unwrap_or_default();
            if items.is_empty() {
                return all;
            }
            all.extend(items);
        }
    }

    async fn contents(&self) -> BTreeMap<String, BTreeSet<String>> {
        let text = |value: &Value| value.as_str().expect("a text").to_owned();
        let people: BTreeMap<String, String> = self
            .pages("Users", "Resources")
            .await
            .iter()
            .map(|user| (text(&user["id"]), text(&user["userName"])))
            .collect();
        let mut contents = BTreeMap::new();
        for group in self.pages("Groups", "Resources").await {
            assert_eq!(text(&group["externalId"]).len(), 36, "the anchor is kept in the cloud");
            let members = self.pages(&format!("Groups/{}/Members", text(&group["id"])), "members").await;
            assert!(members.iter().all(|member| member["type"] == "user"), "nested groups are opened up");
            let members = members.iter().map(|member| people[&text(&member["value"])].clone()).collect();
            contents.insert(text(&group["displayName"]), members);
        }
        contents
    }

    async fn operate(&self, group: &str, operation: Value) {
        let groups = self.pages("Groups", "Resources").await;
        let found = groups.iter().find(|one| one["displayName"] == group).expect("the group");
        let url = format!("{}/Groups/{}", self.scim, found["id"].as_str().expect("an id"));
        let body = json!({ "schemas": ["urn:ietf:params:scim:api:messages:2.0:PatchOp"], "Operations": [operation] });
        let answer = self.client.patch(url).bearer_auth(TOKEN).json(&body).send().await.expect("an answer");
        assert!(answer.status().is_success(), "{}", answer.status());
    }

    async fn id(&self, email: &str) -> String {
        let users = self.pages("Users", "Resources").await;
        let found = users.iter().find(|user| user["userName"] == email).expect("the person");
        found["id"].as_str().expect("an id").to_owned()
    }
}

fn config(slapd: &Slapd, groups: &str) -> String {
    format!(
        "[[source]]\nname = \"company\"\nkind = \"ldap\"\nurls = [\"{}\"]\nca_file = \"{}\"\nbind = \"{}\"\n\
         password_file = \"password\"\nbases = [\"{}\"]\n[people]\ndialect = \"inet_org_person\"\n\
         [groups]\n{groups}\n",
        slapd.tls_url(),
        slapd.ca_file().display(),
        slapd::READER,
        slapd::SUFFIX,
    )
}

fn person(n: usize) -> String {
    format!("uid=u{n},ou=people,{}", slapd::SUFFIX)
}

fn mails(range: std::ops::Range<usize>) -> BTreeSet<String> {
    range.map(|n| format!("u{n}@example.com")).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn large_and_nested_groups_arrive_exactly() {
    let group_dn = |name: &str| format!("cn={name},ou=groups,{}", slapd::SUFFIX);
    let people: Vec<String> = (0..PEOPLE).map(person).collect();
    let listed = |range: std::ops::Range<usize>, more: &[String]| -> Vec<String> {
        people[range].iter().chain(more).cloned().collect()
    };
    let ldif = |name: &str, members: &[String]| group_ldif(name, members.iter().map(String::as_str));
    // "inner" and "inmost" hold each other.
    let slapd = Options::default()
        .ldif(&people_ldif(0, PEOPLE))
        .ldif(&ldif("company", &listed(0..700, &[group_dn("inner")])))
        .ldif(&ldif("inner", &listed(600..1_100, &[group_dn("inmost")])))
        .ldif(&ldif("inmost", &listed(1_100..PEOPLE, &[group_dn("inner")])))
        .ldif(&ldif("other", &listed(0..3, &[])))
        .start();
    let sandbox =
        Sandbox::start(Settings { token: TOKEN.into(), ..Settings::default() }).await.expect("a sandbox");
    let url = sandbox.base_url();
    let cloud = Groups::new(&sandbox);
    let chosen = "sync = [\"company\", \"(cn=in*)\"]";
    let connector = Connector::new(&config(&slapd, chosen), &url);
    connector.secret("password", slapd::PASSWORD);
    let sync = || connector.json(0, &["sync"]);

    let planned = connector.json(0, &["plan"]);
    assert_eq!(planned["counts"]["group_create"], 3, "{}", planned["counts"]);
    let first = sync();
    assert_eq!(first["counts"]["group_create"], 3, "{}", first["counts"]);
    assert_eq!(first["counts"]["group_update"], 4, "1,200 members are three chunks: {}", first["counts"]);
    let everybody = mails(0..PEOPLE);
    let mut want = BTreeMap::from([
        ("company".to_owned(), everybody.clone()),
        ("inner".to_owned(), mails(600..PEOPLE)),
        ("inmost".to_owned(), mails(600..PEOPLE)),
    ]);
    assert_eq!(cloud.contents().await, want);

    // Nothing changed: nothing is written, however much is read.
    let quiet = writes(&url).await;
    sync();
    connector.json(0, &["sync", "--full"]);
    assert_eq!(writes(&url).await, quiet);

    // One who leaves an inner group leaves those above it; only these are touched.
    slapd.modify(&format!(
        "dn: {}\nchangetype: modify\ndelete: member\nmember: {}\n",
        group_dn("inner"),
        person(900)
    ));
    let left = sync();
    assert_eq!(left["counts"]["group_update"], 3, "{}", left["counts"]);
    for members in want.values_mut() {
        members.remove("u900@example.com");
    }
    assert_eq!(cloud.contents().await, want);
    let history = connector.json(0, &["history", "--action", "group_update"]);
    let change = &history["changes"][0]["action"];
    assert_eq!(change["changes"][0]["from"], "u900@example.com", "{change}");
    assert_eq!((&change["email"], change["group"].is_string()), (&Value::Null, true));

    // Somebody else took one out, put one in, and one's account is new.
    let (gone, added) = (cloud.id("u5@example.com").await, cloud.id("u900@example.com").await);
    cloud
        .operate("company", json!({ "op": "remove", "path": format!("members[value eq \"{gone}\"]") }))
        .await;
    let stranger = json!([{ "value": added, "type": "user" }]);
    cloud.operate("inner", json!({ "op": "add", "path": "members", "value": stranger })).await;
    let drifted = connector.json(0, &["sync", "--full"]);
    assert_eq!(drifted["counts"]["group_update"], 1, "{}", drifted["counts"]);
    want.get_mut("inner").expect("inner").insert("u900@example.com".into());
    assert_eq!(cloud.contents().await, want);

    // A rename is one write.
    slapd.rename(&group_dn("company"), "cn=everybody", None);
    connector.configure(&config(&slapd, "sync = [\"everybody\", \"(cn=in*)\"]"), &url);
    let renamed = sync();
    assert_eq!(renamed["counts"]["group_update"], 1, "{}", renamed["counts"]);
    let members = want.remove("company").expect("company");
    want.insert("everybody".into(), members);
    assert_eq!(cloud.contents().await, want);

    // A group that goes is kept, and deleted when that is configured.
    slapd.delete(&[&group_dn("inmost")]);
    let kept = sync();
    assert_eq!((&kept["counts"]["group_delete"], &kept["counts"]["short"]), (&json!(0), &json!(1)));
    // Whoever was in it leaves the groups above it.
    for name in ["inner", "everybody"] {
        let gone = mails(1_100..PEOPLE);
        want.get_mut(name).expect("a group").retain(|mail| !gone.contains(mail));
    }
    assert_eq!(cloud.contents().await, want);
    let choice = "sync = [\"everybody\", \"(cn=in*)\"]\ndelete_after = \"1ms\"";
    connector.configure(&config(&slapd, choice), &url);
    let deleted = sync();
    assert_eq!(deleted["counts"]["group_delete"], 1, "{}", deleted["counts"]);
    want.remove("inmost");
    assert_eq!(cloud.contents().await, want);
    sandbox.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_primary_group_of_a_domain_is_complete() {
    let samba = Samba::start();
    let sandbox =
        Sandbox::start(Settings { token: TOKEN.into(), ..Settings::default() }).await.expect("a sandbox");
    let ann = samba.add_user("ann", "Ann Lee");
    samba.add_user("bob", "Bob Ray");
    let config = format!(
        "[[source]]\nname = \"corp\"\nkind = \"ldap\"\nurls = [\"{}\"]\nca_file = \"{}\"\nbind = \"{}\"\n\
         password_file = \"password\"\nbases = [\"OU=Corp,{}\"]\ngroup_bases = [\"{}\"]\n\
         [groups]\nsync = [\"Domain Users\", \"Staff\"]\n",
        samba.url(),
        samba.ca_file().display(),
        samba::ADMIN,
        samba::SUFFIX,
        samba::SUFFIX,
    );
    let staff = samba.add_group("Staff", &[&ann]);
    let connector = Connector::new(&config, &sandbox.base_url());
    connector.secret("password", samba::PASSWORD);
    let cloud = Groups::new(&sandbox);
    let members = |logins: &[&str]| -> BTreeSet<String> {
        logins.iter().map(|login| format!("{login}@example.test")).collect()
    };
    connector.json(0, &["sync"]);
    let mut want = BTreeMap::from([
        ("Domain Users".to_owned(), members(&["ann", "bob"])),
        ("Staff".to_owned(), members(&["ann"])),
    ]);
    assert_eq!(cloud.contents().await, want);
    // A pass that follows changes.
    let cyd = samba.add_user("cyd", "Cyd Fox");
    samba.add_member(&staff, &cyd);
    samba.remove_member(&staff, &ann);
    let changed = connector.json(0, &["sync"]);
    want.insert("Domain Users".into(), members(&["ann", "bob", "cyd"]));
    want.insert("Staff".into(), members(&["cyd"]));
    assert_eq!(cloud.contents().await, want, "{changed}");
    sandbox.stop().await;
}
