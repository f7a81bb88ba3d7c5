//! Starting, stopping, seeding, counting, comparing, looking.

use dirsyncd::sandbox::{Sandbox, SandboxError, Settings};
use reqwest::Method;
use serde_json::json;

use crate::{BULK, CORE, World};

#[tokio::test]
async fn it_survives_a_restart() {
    let dir = tempfile::tempdir().unwrap();
    let settings = Settings { state_file: Some(dir.path().join("sandbox.state")), ..Settings::default() };
    let world = World::with(settings.clone()).await;
    let ada = world.user("ada").await;
    let gone = world.user("gone").await;
    world.delete(&format!("{}/Users/{gone}", world.scim)).await.is(204);
    world.post("/sandbox/people", json!({ "count": 50, "licenses": ["Webex Meetings Suite"] })).await.is(200);
    world.send(Method::PUT, "/sandbox/licenses", json!({ "Advanced Messaging": 3 })).await.is(200);
    let location = world.get("/v1/locations").await.body["items"][0]["id"].clone();
    let pro = world.license("Webex Calling - Professional").await;
    let calling = json!([{ "id": pro, "properties": { "locationId": location, "extension": "7" } }]);
    world.patch("/v1/licenses/users", json!({ "personId": ada, "licenses": calling })).await.is(200);
    let org = world.sandbox.organization().id();
    world.patch(&format!("/identity/organizations/{org}"), json!({ "displayName": "Renamed" })).await.is(200);
    let group = json!({
        "schemas": ["urn:ietf:params:scim:schemas:core:2.0:Group"], "displayName": "Optics",
        "members": [{ "value": ada, "type": "user" }],
    });
    world.post(&format!("{}/Groups", world.scim), group).await.is(201);
    let before = world.sandbox.organization().dump(true);
    let licenses = world.get("/v1/licenses").await.body;
    world.sandbox.stop().await;

    let again = World::with(settings.clone()).await;
    assert_eq!(again.sandbox.organization().dump(true), before);
    assert_eq!(again.get("/v1/licenses").await.body, licenses);
    assert_eq!(again.scim, world.scim);
    assert_eq!(again.get(&format!("/identity/organizations/{org}/v1/ArchivedUser/{gone}")).await.status, 200);
    assert_ne!(again.user("gone").await, gone);
    again.sandbox.stop().await;

    std::fs::write(settings.state_file.as_ref().unwrap(), "{\"not\":\"ours\"}\n").unwrap();
    let error = Sandbox::start(settings).await.unwrap_err();
    assert!(matches!(error, SandboxError::State { .. }));
}

#[tokio::test]
async fn changes_are_saved_while_it_runs() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("sandbox.state");
    let world = World::with(Settings { state_file: Some(file.clone()), ..Settings::default() }).await;
    world.user("ada").await;
    let deadline = std::time::Instant::now() + std::time::Duration::from_secs(30);
    while !std::fs::read_to_string(&file).is_ok_and(|text| text.contains("ada@example.com")) {
        assert!(std::time::Instant::now() < deadline, "never saved");
        tokio::time::sleep(std::time::Duration::from_millis(50)).await;
    }
}

#[tokio::test]
async fn a_taken_port_is_an_error_with_a_remedy() {
    let world = World::new().await;
    let port = world.sandbox.base_url().rsplit(':').next().unwrap().parse().unwrap();
    let error = Sandbox::start(Settings { port, ..Settings::default() }).await.unwrap_err();
    assert!(error.to_string().contains("choose another"), "{error}");
    assert!(Sandbox::start(Settings { admin_email: "nobody".into(), ..Settings::default() }).await.is_err());
}

#[tokio::test]
async fn equal_requests_in_another_order_end_with_equal_contents() {
    let (one, other) = (World::new().await, World::new().await);
    let create = async |world: &World, names: &[&str]| {
        let operations: Vec<_> = names
            .iter()
            .map(|name| {
                json!({ "method": "POST", "path": "/Users", "bulkId": name,
                        "data": { "schemas": [CORE], "userName": format!("{name}@example.com"), "userType": "user" } })
            })
            .collect();
        world
            .post(&format!("{}/Bulk", world.scim), json!({ "schemas": [BULK], "operations": operations }))
            .await
            .is(200);
    };
    create(&one, &["a", "b", "c"]).await;
    create(&other, &["c", "a"]).await;
    assert_ne!(one.get("/sandbox/dump").await.body, other.get("/sandbox/dump").await.body);
    create(&other, &["b"]).await;
    let dump = one.get("/sandbox/dump").await.is(200).body;
    assert_eq!(dump, other.get("/sandbox/dump").await.body);
    assert_eq!(dump["people"].as_array().unwrap().len(), 4);
    assert!(dump["people"][0].get("created").is_none());
    assert!(one.get("/sandbox/dump?times=true").await.body["people"][0].get("created").is_some());
}

#[tokio::test]
async fn seeding_tells_what_it_left_out() {
    let world = World::new().await;
    let people = json!({ "people": [
        { "userName": "ada@example.com", "displayName": "Ada", "licenses": ["Advanced Messaging"], "signedIn": false },
        { "userName": "ADA@example.com" },
        { "userName": "ben@example.com", "licenses": ["No such licence"] },
    ] });
    let answer = world.post("/sandbox/people", people).await.is(200).body;
    assert_eq!(answer["created"], 1);
    assert_eq!(answer["rejected"].as_array().unwrap().len(), 2);
    let stats = world.stats().await;
    assert_eq!((&stats["write_requests"], &stats["invitations"]), (&json!(0), &json!(0)));
    assert_eq!((&stats["people"], &stats["licenses"]["Advanced Messaging"]), (&json!(2), &json!(1)));
    world.post("/sandbox/people", json!({})).await.is(400);
    world.get("/sandbox/nothing").await.is(404);
}

#[tokio::test]
async fn colleagues_change_things_behind_our_back() {
    let world = World::new().await;
    world.user("ada").await;
    let organization = world.sandbox.organization();
    organization
        .edit("ada@example.com", &json!([{ "op": "replace", "path": "title", "value": "Edited" }]))
        .unwrap();
    assert_eq!(organization.user("ada@example.com").unwrap()["title"], "Edited");
    assert!(organization.edit("nobody@example.com", &json!([])).is_err());
    let over_http = json!([{ "op": "replace", "path": "active", "value": false }]);
    world.patch("/sandbox/people/ada%40example.com", over_http).await.is(200);
    assert_eq!(organization.user("ada@example.com").unwrap()["active"], false);
    world.post("/sandbox/people/ada%40example.com/sign-in", json!({})).await.is(200);
    world.delete("/sandbox/people/ada%40example.com").await.is(200);
    world.delete("/sandbox/people/ada%40example.com").await.is(400);
    world.post("/sandbox/taken", json!(["Ben@example.com"])).await.is(200);
    let body = json!({ "schemas": [CORE], "userName": "ben@example.com", "userType": "user" });
    world.post(&format!("{}/Users", world.scim), body).await.is(409);
}

#[tokio::test]
async fn requests_are_counted_and_writes_audited() {
    let world = World::new().await;
    world.user("ada").await;
    world.get("/v1/people").await.is(200);
    world.get("/v1/people").await.is(200);
    let stats = world.stats().await;
    assert_eq!(
        (&stats["requests"]["GET people"], &stats["requests"]["POST scim_users"]),
        (&json!(2), &json!(1))
    );
    assert_eq!((&stats["total_requests"], &stats["write_requests"]), (&json!(3), &json!(1)));
    let org = world.get("/v1/organizations").await.body["items"][0]["id"].clone();
    let path = format!(
        "/v1/adminAudit/events?orgId={}&from=2020-01-01T00:00:00.000Z&to=2099-01-01T00:00:00.000Z&max=1",
        org.as_str().unwrap()
    );
    let events = world.get(&path).await.is(200).body;
    assert_eq!(events["items"][0]["data"]["targetName"], "ada@example.com");
    assert_eq!(events["items"][0]["data"]["eventDescription"], "User created");
    world.get("/v1/adminAudit/events").await.is(400);
    let none = world.sandbox.organization();
    none.reset_stats();
    assert_eq!(none.stats().total_requests, 0);
}

#[tokio::test]
async fn the_page_is_readable_and_harmless() {
    let world = World::new().await;
    world.post("/sandbox/people", json!({ "count": 120 })).await.is(200);
    let evil = json!({ "people": [{ "userName": "evil@example.com", "displayName": "<script>alert(1)</script>\"'" }] });
    world.post("/sandbox/people", evil).await.is(200);
    let page = world.get("/?q=script").await.is(200);
    let html = page.body.as_str().unwrap();
    assert!(html.contains("evil@example.com") && html.contains("&lt;script&gt;"));
    assert!(!html.contains("<script"));
    assert!(page.headers["content-security-policy"].to_str().unwrap().contains("default-src 'none'"));
    let all = world.get("/").await.body;
    let all = all.as_str().unwrap();
    assert!(all.contains("Advanced Messaging") && all.contains(">next<") && all.contains("User created"));
    let last = world.get("/?from=100").await.body;
    assert!(last.as_str().unwrap().contains(">previous<") && !last.as_str().unwrap().contains(">next<"));
    let attack = world.get("/?q=%22%3E%3Cscript%3E&from=-1").await.body;
    assert!(!attack.as_str().unwrap().contains("<script"));
}

#[tokio::test]
async fn organization_facts() {
    let world = World::new().await;
    let org = world.sandbox.organization().id();
    let identity = world.get(&format!("/identity/organizations/{org}")).await.is(200).body;
    assert_eq!((&identity["id"], &identity["displayName"]), (&json!(org), &json!("Lumen Forge")));
    let public = world.get("/v1/organizations").await.body["items"][0]["id"].as_str().unwrap().to_owned();
    world.get(&format!("/v1/identity/organizations/{public}")).await.is(200);
    world.get(&format!("/v1/organizations/{public}")).await.is(200);
    world.get("/v1/organizations/x").await.is(404);
    let role = world.get("/v1/roles").await.body["items"][1].clone();
    assert_eq!(world.get(&format!("/v1/roles/{}", role["id"].as_str().unwrap())).await.is(200).body, role);
    let page = world.get("/v1/locations?max=1").await.is(200);
    let next = world.get(&page.next().unwrap()).await.is(200);
    assert_ne!(page.body["items"][0]["id"], next.body["items"][0]["id"]);
    assert!(next.next().is_none());
}

#[tokio::test]
async fn an_address_is_that_of_one_account_beside_the_user_name_too() {
    let world = World::new().await;
    let users = format!("{}/Users", world.scim);
    let body = |name: &str, beside: &str| {
        let emails = json!([{ "value": beside, "type": "other" }]);
        json!({
            "schemas": ["urn:ietf:params:scim:schemas:core:2.0:User"],
            "userName": name, "userType": "user", "displayName": name, "emails": emails,
        })
    };
    let ada = world.post(&users, body("ada@example.com", "sales@bücher.example")).await.is(201);
    let ada = ada.body["id"].as_str().unwrap().to_owned();
    for (name, beside) in [
        ("ben@example.com", "Ada@Example.com"),
        ("ben@example.com", "Sales@xn--bcher-kva.example"),
        ("sales@xn--bcher-kva.example", "ben@home.test"),
        ("SALES@Bücher.example", "ben@home.test"),
    ] {
        world.post(&users, body(name, beside)).await.is(409);
    }
    let ben = world.post(&users, body("ben@example.com", "ben@home.test")).await.is(201);
    let ben = ben.body["id"].as_str().unwrap().to_owned();
    let rename = |to: &str| json!([{ "op": "replace", "path": "userName", "value": to }]);
    world.operate(&ben, rename("sales@bücher.example")).await.is(409);
    world.operate(&ada, rename("sales@bücher.example")).await.is(200);
    world.operate(&ben, rename("ada@example.com")).await.is(200);
}
