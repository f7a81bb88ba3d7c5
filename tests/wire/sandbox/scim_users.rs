//! SCIM users.

use reqwest::Method;
use serde_json::{Value, json};

use crate::{CISCO, CORE, ENTERPRISE, SCIM_ERROR, World};

fn ben() -> Value {
    json!({
        "schemas": [CORE, ENTERPRISE, CISCO], "userName": "Ben.Okoro@example.com", "userType": "user", "active": true,
        "externalId": "guid-2", "displayName": "Ben Okoro", "name": { "givenName": "Ben", "familyName": "Okoro" },
        "title": "Technician", "phoneNumbers": [{ "value": "+441134960002", "type": "work", "primary": true }],
        ENTERPRISE: { "employeeNumber": "E-2002", "department": "Optics" },
        CISCO: { "extensionAttribute1": ["src=ad1"] },
    })
}

#[tokio::test]
async fn a_user_is_made_and_read() {
    let world = World::new().await;
    let made = world.post(&format!("{}/Users", world.scim), ben()).await.is(201);
    assert_eq!(made.body["userName"], "Ben.Okoro@example.com");
    assert_eq!(
        made.body["emails"],
        json!([{ "value": "Ben.Okoro@example.com", "type": "work", "primary": true }])
    );
    assert_eq!(made.body[CISCO]["accountStatus"], json!(["pending"]));
    assert_eq!(made.body[CISCO]["extensionAttribute1"], json!(["src=ad1"]));
    assert_eq!(made.body[CISCO]["meta"]["organizationId"], world.sandbox.organization().id());
    assert_eq!(made.body[ENTERPRISE]["employeeNumber"], "E-2002");
    let location = made.headers["location"].to_str().unwrap();
    assert_eq!(made.body["meta"]["location"], location);

    let path = location.strip_prefix(&world.sandbox.base_url()).unwrap();
    let mut read = world.get(path).await.is(200).body;
    assert_eq!(read[CISCO].get("meta"), None, "a read by id leaves the organization out");
    read[CISCO]["meta"] = made.body[CISCO]["meta"].clone();
    assert_eq!(read, made.body);
    // Read, and write it back: nothing changes.
    let same = world.send(Method::PUT, path, read.clone()).await.is(200);
    assert_eq!(same.body["meta"], read["meta"]);
    world.sandbox.stop().await;
}

#[tokio::test]
async fn user_names_are_unique_in_all_of_webex() {
    let settings = dirsyncd::sandbox::Settings {
        taken_elsewhere: vec!["Taken@consumer.test".into()],
        ..Default::default()
    };
    let world = World::with(settings).await;
    let path = format!("{}/Users", world.scim);
    world.post(&path, ben()).await.is(201);
    for name in ["BEN.OKORO@EXAMPLE.COM", "taken@consumer.test"] {
        let mut other = ben();
        other["userName"] = name.into();
        let answer = world.post(&path, other).await.is(409);
        assert_eq!(answer.body["status"], "409");
        assert_eq!(answer.body[SCIM_ERROR]["errorCode"], "200016");
        assert!(answer.body[SCIM_ERROR]["trackingId"].as_str().unwrap().starts_with("NA_"));
    }
    // A rename meets the same rule, and letter case is not a rename to another name.
    let cleo = world.user("cleo").await;
    world
        .operate(&cleo, json!([{ "op": "replace", "path": "userName", "value": "ben.okoro@example.com" }]))
        .await
        .is(409);
    let renamed = world
        .operate(&cleo, json!([{ "op": "replace", "path": "userName", "value": "CLEO@example.com" }]))
        .await
        .is(200);
    assert_eq!(renamed.body["emails"][0]["value"], "CLEO@example.com");
    assert_eq!(renamed.body["emails"].as_array().unwrap().len(), 1);
}

#[tokio::test]
async fn patch_is_all_or_nothing_and_put_clears() {
    let world = World::new().await;
    let made = world.post(&format!("{}/Users", world.scim), ben()).await.is(201);
    let id = made.body["id"].as_str().unwrap();
    let refused = world
        .operate(
            id,
            json!([
                { "op": "replace", "path": "title", "value": "Lead" },
                { "op": "replace", "path": "phoneNumbers[type eq \"fax\"].value", "value": "1" },
            ]),
        )
        .await
        .is(400);
    assert_eq!(refused.body["scimType"], "noTarget");
    let path = format!("{}/Users/{id}", world.scim);
    assert_eq!(world.get(&path).await.body["title"], "Technician");

    let department = format!("{ENTERPRISE}.department");
    let patched = world
        .operate(
            id,
            json!([
                { "op": "replace", "path": "phoneNumbers[type eq \"work\"].value", "value": "+1" },
                { "op": "replace", "path": department, "value": "Lab" },
                { "op": "remove", "path": "title" },
                { "op": "replace", "path": "active", "value": false },
            ]),
        )
        .await
        .is(200);
    assert_eq!(patched.body["phoneNumbers"][0], json!({ "value": "+1", "type": "work", "primary": true }));
    assert_eq!(patched.body[ENTERPRISE], json!({ "employeeNumber": "E-2002", "department": "Lab" }));
    assert_eq!((&patched.body["active"], patched.body.get("title")), (&json!(false), None));

    let bare = json!({ "schemas": [CORE], "userName": "ben.okoro@example.com", "userType": "user" });
    let put = world.send(Method::PUT, &path, bare).await.is(200);
    assert_eq!((put.body.get(ENTERPRISE), put.body.get("displayName")), (None, None));
    assert_eq!(put.body["meta"]["created"], made.body["meta"]["created"]);
    assert_ne!(put.body["meta"]["version"], made.body["meta"]["version"]);
}

#[tokio::test]
async fn managers_must_be_there_first() {
    let world = World::new().await;
    let ada = world.user("ada").await;
    let ben = world.user("ben").await;
    let manager = |id: &str| json!([{ "op": "add", "path": format!("{ENTERPRISE}:manager"), "value": { "value": id } }]);
    world.operate(&ben, manager("aa000009-1111-4111-8111-000000000009")).await.is(400);
    let with = world.operate(&ben, manager(&ada)).await.is(200);
    assert_eq!(with.body[ENTERPRISE]["manager"]["displayName"], "ada");
    let found =
        world.get(&format!("{}/Users?filter=manager.value%20eq%20%22{ada}%22", world.scim)).await.is(200);
    assert_eq!(found.body["Resources"][0]["id"], ben);
}

#[tokio::test]
async fn listings_are_paged_and_capped() {
    let world = World::new().await;
    world.post("/sandbox/people", json!({ "count": 450 })).await.is(200);
    let mut seen = Vec::new();
    let mut start = 1;
    loop {
        let page =
            world.get(&format!("{}/Users?startIndex={start}&count=1000", world.scim)).await.is(200).body;
        let returned = page["itemsPerPage"].as_u64().unwrap();
        assert_eq!(page["totalResults"], 451);
        assert_eq!(page["Resources"].as_array().unwrap().len() as u64, returned);
        assert!(returned <= 200, "the server's cap");
        if returned == 0 {
            break;
        }
        seen.extend(page["Resources"].as_array().unwrap().iter().map(|user| user["id"].to_string()));
        start += returned;
    }
    seen.sort();
    seen.dedup();
    assert_eq!(seen.len(), 451);

    let first = world.get(&format!("{}/Users", world.scim)).await.body;
    assert_eq!(first["itemsPerPage"], 100, "the default");
    let none = world.get(&format!("{}/Users?count=0", world.scim)).await.body;
    assert_eq!((&none["totalResults"], &none["itemsPerPage"]), (&json!(451), &json!(0)));
    let sorted = world
        .get(&format!(
            "{}/Users?sortBy=userName&sortOrder=descending&count=2&attributes=userName",
            world.scim
        ))
        .await
        .body;
    assert_eq!(sorted["Resources"][0]["userName"], "person9@example.com");
    assert_eq!(sorted["Resources"][0].as_object().unwrap().len(), 3, "schemas, id and userName");
    world.get(&format!("{}/Users?sortBy=title", world.scim)).await.is(400);
    world.get(&format!("{}/Users?startIndex=x", world.scim)).await.is(400);
}

#[tokio::test]
async fn the_newest_changes_come_first_when_asked() {
    let world = World::new().await;
    world.post("/sandbox/people", json!({ "count": 20 })).await.is(200);
    let ada = world.user("ada").await;
    let user = world.sandbox.organization().user("person3@example.com").unwrap();
    let id = user["id"].as_str().unwrap();
    // Times are in milliseconds: let the clock move on before the change that must be the newest.
    loop {
        let changed = world
            .operate(id, json!([{ "op": "replace", "path": "title", "value": uuid::Uuid::new_v4() }]))
            .await;
        if changed.body["meta"]["lastModified"]
            != world.get(&format!("{}/Users/{ada}", world.scim)).await.body["meta"]["lastModified"]
        {
            break;
        }
    }
    let list = world
        .get(&format!("{}/Users?sortBy=meta.lastModified&sortOrder=descending&count=1", world.scim))
        .await;
    assert_eq!(list.body["Resources"][0]["id"], id);
}

#[tokio::test]
async fn searches_follow_the_documented_table() {
    let world = World::new().await;
    world.post(&format!("{}/Users", world.scim), ben()).await.is(201);
    world.post("/sandbox/people", json!({ "count": 30 })).await.is(200);
    let search = async |filter: &str| {
        let text: String = url::form_urlencoded::byte_serialize(filter.as_bytes()).collect();
        world.get(&format!("{}/Users?filter={text}", world.scim)).await
    };
    for (filter, expected) in [
        (r#"userName eq "BEN.okoro@example.com""#, 1),
        (r#"userName sw "person1""#, 11),
        (r#"userName ew "9@example.com""#, 3),
        (r#"userName eq "person1@example.com" or userName eq "person2@example.com""#, 2),
        (r#"name.familyName eq "okoro" and userName sw "ben""#, 1),
        (r#"displayName eq "Ben Okoro""#, 2),
        (r#"emails.value eq "ben.okoro@example.com""#, 1),
        (r#"employeeNumber eq "E-2002""#, 1),
        (&format!(r#"{ENTERPRISE}:department sw "opt""#), 1),
        (r#"phoneNumbers[type eq "work" and value eq "+441134960002"]"#, 1),
        (r#"phoneNumbers[type eq "mobile" and value eq "+441134960002"]"#, 0),
        (r#"userName eq "nobody@example.com""#, 0),
    ] {
        let answer = search(filter).await.is(200);
        assert_eq!(answer.body["totalResults"], expected, "{filter}");
    }
    for filter in
        ["externalId pr", r#"externalId eq "guid-2""#, "active eq true", r#"userName co "x""#, "((("]
    {
        let answer = search(filter).await.is(400);
        assert_eq!(answer.body["status"], "400", "{filter}");
    }
}

#[tokio::test]
async fn groups_show_in_searches_only() {
    let world = World::new().await;
    let ada = world.user("ada").await;
    let group = json!({
        "schemas": ["urn:ietf:params:scim:schemas:core:2.0:Group"], "displayName": "Optics",
        "members": [{ "value": ada, "type": "user" }],
    });
    world.post(&format!("{}/Groups", world.scim), group).await.is(201);
    let filter = format!("filter=id%20eq%20%22{ada}%22");
    let with = world.get(&format!("{}/Users?{filter}&includeGroupDetails=true", world.scim)).await.body;
    assert_eq!(with["Resources"][0]["groups"][0]["display"], "Optics");
    let without = world.get(&format!("{}/Users?{filter}", world.scim)).await.body;
    assert_eq!(without["Resources"][0].get("groups"), None);
    assert_eq!(world.get(&format!("{}/Users/{ada}", world.scim)).await.body.get("groups"), None);
}

#[tokio::test]
async fn who_is_deleted_is_gone_and_archived() {
    let world = World::new().await;
    let ada = world.user("ada").await;
    let path = format!("{}/Users/{ada}", world.scim);
    world.delete(&path).await.is(204);
    world.delete(&path).await.is(404);
    assert_eq!(world.get(&path).await.is(404).body["status"], "404");
    let org = world.sandbox.organization().id();
    let archived = world.get(&format!("/identity/organizations/{org}/v1/ArchivedUser/{ada}")).await.is(200);
    assert_eq!(archived.body["userName"], "ada@example.com");
    // The address is free at once, and the newcomer is somebody else.
    assert_ne!(world.user("ada").await, ada);
    world.faults(json!({ "email_reuse_delay_s": 3600 })).await;
    let ben = world.user("ben").await;
    world.delete(&format!("{}/Users/{ben}", world.scim)).await.is(204);
    let body = json!({ "schemas": [CORE], "userName": "ben@example.com", "userType": "user" });
    world.post(&format!("{}/Users", world.scim), body).await.is(409);
}

#[tokio::test]
async fn wrong_organizations_methods_and_bodies() {
    let world = World::new().await;
    world.get("/identity/scim/aa000009-1111-4111-8111-000000000009/v2/Users").await.is(404);
    world.post(&format!("{}/Users/x", world.scim), json!({})).await.is(405);
    world.post(&format!("{}/Users", world.scim), json!([])).await.is(400);
    world.get("/v1/nothing").await.is(404);
    let response = world
        .client
        .post(world.url(&format!("{}/Users", world.scim)))
        .bearer_auth("sandbox-token")
        .body("{")
        .send();
    assert_eq!(response.await.unwrap().status(), 400);
    let me = world.get("/identity/scim/v2/Users/me").await.is(200);
    assert_eq!(me.body["userName"], "admin@example.com");
    assert_eq!(me.body["roles"][0]["value"], "id_full_admin");
}
