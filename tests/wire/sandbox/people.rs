//! The People interface and its habits.

use reqwest::Method;
use serde_json::{Value, json};

use crate::World;

fn body(name: &str, licenses: &[String]) -> Value {
    json!({ "emails": [format!("{name}@example.com")], "displayName": name, "firstName": name, "licenses": licenses })
}

#[tokio::test]
async fn one_person_seen_from_both_sides() {
    let world = World::new().await;
    let messaging = world.license("Advanced Messaging").await;
    let made = world.post("/v1/people", body("ada", std::slice::from_ref(&messaging))).await.is(200);
    assert!(made.body["licenses"].as_array().unwrap().contains(&json!(messaging)));
    assert_eq!(made.body["licenses"].as_array().unwrap().len(), 3, "with the two free ones");
    assert_eq!((&made.body["invitePending"], &made.body["loginEnabled"]), (&json!(true), &json!(true)));
    let id = made.body["id"].as_str().unwrap();
    let user = world.sandbox.organization().user("ada@example.com").unwrap();
    let raw = user["id"].as_str().unwrap();
    assert_eq!(user["name"]["givenName"], "ada");
    // Public and raw ids are both taken.
    assert_eq!(world.get(&format!("/v1/people/{raw}")).await.is(200).body["id"], id);
    world.operate(raw, json!([{ "op": "add", "path": "title", "value": "Lead" }])).await.is(200);
    assert_eq!(world.get(&format!("/v1/people/{id}")).await.is(200).body["title"], "Lead");
    world.post("/v1/people", body("ADA", &[])).await.is(409);
    let minimal = world.post("/v1/people?minResponse=true", body("ben", &[])).await.is(200);
    assert_eq!(minimal.body.as_object().unwrap().len(), 1);
    world.post("/v1/people", json!({ "emails": ["x@example.com"] })).await.is(400);
    world.post("/v1/people", json!({ "emails": [], "displayName": "x" })).await.is(400);
    assert_eq!(world.get("/v1/people/me").await.is(200).body["emails"][0], "admin@example.com");
}

#[tokio::test]
async fn listings_follow_links() {
    let world = World::new().await;
    world.post("/sandbox/people", json!({ "count": 120 })).await.is(200);
    let mut path = "/v1/people?max=50&excludeStatus=true".to_owned();
    let mut sizes = Vec::new();
    let mut seen = Vec::new();
    loop {
        let page = world.get(&path).await.is(200);
        let items = page.body["items"].as_array().unwrap();
        sizes.push(items.len());
        seen.extend(items.iter().map(|item| item["id"].to_string()));
        match page.next() {
            Some(next) => {
                assert!(next.contains("max=50&before&after="), "{next}");
                assert!(next.contains("excludeStatus=true"));
                path = next;
            }
            None => break,
        }
    }
    seen.sort();
    seen.dedup();
    assert_eq!((sizes, seen.len()), (vec![50, 50, 21], 121));
    let clamped =
        |path: &'static str| async { world.get(path).await.is(200).body["items"].as_array().unwrap().len() };
    assert_eq!(clamped("/v1/people?max=100000").await, 121);
    assert_eq!(clamped("/v1/people?max=1000&callingData=true").await, 100);
    assert_eq!(clamped("/v1/people").await, 100);
    world.get("/v1/people?max=many").await.is(400);
    world.get("/v1/people?after=nonsense").await.is(400);

    world.faults(json!({ "next_link_drops": ["excludeStatus"], "people_max_cap": 10 })).await;
    let page = world.get("/v1/people?max=50&excludeStatus=true").await.is(200);
    assert_eq!(page.body["items"].as_array().unwrap().len(), 10);
    assert!(!page.next().unwrap().contains("excludeStatus"));
}

#[tokio::test]
async fn people_are_found() {
    let world = World::new().await;
    let made = world.post("/v1/people", body("ada", &[])).await.is(200).body;
    let id = made["id"].as_str().unwrap();
    let by_email = world.get("/v1/people?email=ADA%40example.com").await.is(200).body;
    assert_eq!(by_email["items"][0]["id"], id);
    assert_eq!(world.get("/v1/people?email=no%40example.com").await.body["items"], json!([]));
    assert_eq!(world.get("/v1/people?displayName=AD").await.body["items"].as_array().unwrap().len(), 1);
    let role = world.get("/v1/roles").await.is(200).body["items"][0]["id"].clone();
    let admins = world.get(&format!("/v1/people?roles={}", role.as_str().unwrap())).await.body;
    assert_eq!(admins["items"][0]["emails"][0], "admin@example.com");
    assert_eq!(admins["items"].as_array().unwrap().len(), 1);

    let unknown = "Y2lzY29zcGFyazovL3VzL1BFT1BMRS9hYTAwMDAwOS0xMTExLTQxMTEtODExMS0wMDAwMDAwMDAwMDk";
    let both = world.get(&format!("/v1/people?id={id},{unknown}")).await.is(200).body;
    assert_eq!((&both["items"][0]["id"], &both["notFoundIds"]), (&json!(id), &json!([unknown])));
    assert_eq!(both["items"][0].get("licenses"), None, "not in lookups by several ids");
    let many = vec![unknown; 86].join(",");
    world.get(&format!("/v1/people?id={many}")).await.is(400);
    world.get("/v1/people/nonsense").await.is(404);
}

#[tokio::test]
async fn a_replacement_clears_what_it_does_not_mention() {
    let world = World::new().await;
    let (free, share) = (world.license("Basic Messaging").await, world.license("Free screen share").await);
    let meetings = world.license("Webex Meetings Suite").await;
    let mut ada = body("ada", std::slice::from_ref(&meetings));
    ada["title"] = "Lead".into();
    ada["avatar"] = "https://img.example.com/a.png".into();
    ada["phoneNumbers"] = json!([{ "type": "mobile", "value": "+1" }]);
    let made = world.post("/v1/people", ada).await.is(200).body;
    assert_eq!(made["siteUrls"], json!(["lumenforge.webex.com"]));
    let raw =
        world.sandbox.organization().user("ada@example.com").unwrap()["id"].as_str().unwrap().to_owned();
    world.operate(&raw, json!([{ "op": "add", "path": "externalId", "value": "guid" }])).await.is(200);
    let path = format!("/v1/people/{}", made["id"].as_str().unwrap());

    let refused = world.send(Method::PUT, &path, body("ada", std::slice::from_ref(&meetings))).await.is(400);
    assert!(refused.body["message"].as_str().unwrap().contains("Implicitly"));
    let put = world.send(Method::PUT, &path, body("ada", &[free.clone(), share.clone()])).await.is(200).body;
    for gone in ["title", "avatar", "phoneNumbers", "siteUrls"] {
        assert_eq!(put.get(gone), None, "{gone}");
    }
    assert_eq!(put["licenses"].as_array().unwrap().len(), 2);
    assert_eq!(
        world.sandbox.organization().user("ada@example.com").unwrap()["externalId"],
        "guid",
        "SCIM's own stays"
    );
    world
        .send(Method::PUT, &path, json!({ "emails": ["ada@example.com"], "licenses": [free, share] }))
        .await
        .is(400);
}

#[tokio::test]
async fn attendees_leave_only_when_all_types_are_shown() {
    let world = World::new().await;
    let all = [world.license("Basic Messaging").await, world.license("Free screen share").await];
    let mut ada = body("ada", &all);
    ada["siteUrls"] = json!(["lumenforge.webex.com#attendee"]);
    let made = world.post("/v1/people", ada).await.is(200).body;
    assert_eq!(made["siteUrls"], json!(["lumenforge.webex.com#attendee"]));
    let path = format!("/v1/people/{}", made["id"].as_str().unwrap());
    let kept = world.send(Method::PUT, &path, body("ada", &all)).await.is(200).body;
    assert_eq!(kept["siteUrls"], json!(["lumenforge.webex.com#attendee"]));
    let left =
        world.send(Method::PUT, &format!("{path}?showAllTypes=true"), body("ada", &all)).await.is(200).body;
    assert_eq!(left.get("siteUrls"), None);
}

#[tokio::test]
async fn licences_that_cannot_be_given_are_skipped_without_a_word() {
    let world = World::new().await;
    world.send(Method::PUT, "/sandbox/licenses", json!({ "Advanced Messaging": 1 })).await.is(200);
    let messaging = world.license("Advanced Messaging").await;
    let meetings = world.license("Webex Meetings Suite").await;
    let wanted = [messaging.clone(), meetings.clone(), "Y2lzY29zcGFyazovL3VzL0xJQ0VOU0UvWA".to_owned()];
    world.post("/v1/people", body("ada", &wanted)).await.is(200);
    world.post("/v1/people", body("ben", &wanted)).await.is(200);
    let held = |email: &str| world.sandbox.organization().licenses_of(email).unwrap();
    assert!(held("ada@example.com").contains(&"Advanced Messaging".to_owned()));
    assert!(!held("ben@example.com").contains(&"Advanced Messaging".to_owned()));
    assert!(held("ben@example.com").contains(&"Webex Meetings Suite".to_owned()));
}

#[tokio::test]
async fn an_error_may_come_after_the_fact() {
    let world = World::new().await;
    let calling = world.license("Webex Calling - Professional").await;
    let refused = world.post("/v1/people", body("ada", &[calling])).await.is(400);
    assert_eq!(refused.body["errors"][0]["errorCode"], 400_411);
    assert_eq!(
        world.get("/v1/people?email=ada%40example.com").await.body["items"].as_array().unwrap().len(),
        1
    );
    world.faults(json!({ "refuse_after_commit": { "next": 1 } })).await;
    world.post("/v1/people", body("ben", &[])).await.is(400);
    assert!(world.sandbox.organization().user("ben@example.com").is_some());
}

#[tokio::test]
async fn deleting_and_the_vendors_own_connector() {
    let world = World::new().await;
    let made = world.post("/v1/people", body("ada", &[])).await.is(200).body;
    let path = format!("/v1/people/{}", made["id"].as_str().unwrap());
    world.faults(json!({ "directory_sync": true })).await;
    world.delete(&path).await.is(403);
    world.post("/v1/people", body("ben", &[])).await.is(403);
    world.user("cleo").await;
    world.faults(json!({ "directory_sync": true, "directory_sync_blocks_scim": true })).await;
    let user = json!({ "schemas": [crate::CORE], "userName": "d@example.com", "userType": "user" });
    world.post(&format!("{}/Users", world.scim), user).await.is(403);
    world.faults(json!({})).await;
    world.delete(&path).await.is(204);
    let gone = world.delete(&path).await.is(404);
    assert!(gone.body["trackingId"].as_str().unwrap().starts_with("ROUTER_"));
}
