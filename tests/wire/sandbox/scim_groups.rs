//! SCIM groups.

use serde_json::{Value, json};

use crate::{PATCH, World};

const GROUP: &str = "urn:ietf:params:scim:schemas:core:2.0:Group";
const CISCO: &str = "urn:scim:schemas:extension:cisco:webexidentity:2.0:Group";

async fn group(world: &World, name: &str, members: Value) -> String {
    let body = json!({ "schemas": [GROUP], "displayName": name, "externalId": "S-1-5", "members": members });
    let made = world.post(&format!("{}/Groups", world.scim), body).await.is(201);
    made.body["id"].as_str().unwrap().to_owned()
}

async fn operate(world: &World, id: &str, operations: Value) -> crate::Answer {
    world
        .patch(
            &format!("{}/Groups/{id}", world.scim),
            json!({ "schemas": [PATCH], "Operations": operations }),
        )
        .await
}

fn users(ids: &[String]) -> Value {
    ids.iter().map(|id| json!({ "value": id, "type": "user" })).collect()
}

#[tokio::test]
async fn a_group_lives() {
    let world = World::new().await;
    let (ada, ben) = (world.user("ada").await, world.user("ben").await);
    let id = group(&world, "Optics", users(std::slice::from_ref(&ada))).await;
    let path = format!("{}/Groups/{id}", world.scim);
    let read = world.get(&path).await.is(200).body;
    assert_eq!(read["members"][0]["display"], "ada");
    assert_eq!(read["externalId"], "S-1-5");
    assert_eq!(read["meta"]["resourceType"], "group");
    assert_eq!(read[CISCO]["meta"]["organizationID"], world.sandbox.organization().id());

    let changed = operate(
        &world,
        &id,
        json!([
            { "op": "add", "path": "members", "value": [{ "value": ben, "type": "user" }] },
            { "op": "remove", "path": format!("members[value eq \"{ada}\"]") },
            { "op": "replace", "path": "displayName", "value": "Optics Lab" },
            { "op": "add", "path": format!("{CISCO}.usage"), "value": "distribution" },
        ]),
    )
    .await
    .is(200);
    assert_eq!(changed.body["members"].as_array().unwrap().len(), 1);
    assert_eq!(changed.body["members"][0]["value"], ben);
    assert_eq!(changed.body["displayName"], "Optics Lab");
    assert_eq!(changed.body[CISCO]["usage"], "distribution");

    // Somebody who is deleted leaves the group.
    world.delete(&format!("{}/Users/{ben}", world.scim)).await.is(204);
    assert_eq!(world.get(&path).await.body.get("members"), None);
    world.delete(&path).await.is(204);
    world.get(&path).await.is(404);
}

#[tokio::test]
async fn members_need_a_type_and_must_exist() {
    let world = World::new().await;
    let ada = world.user("ada").await;
    let id = group(&world, "Optics", json!([])).await;
    for member in [
        json!({ "value": ada }),
        json!({ "value": "aa000009-1111-4111-8111-000000000009", "type": "user" }),
        json!({ "value": "x", "type": "user" }),
        json!({ "value": ada, "type": "robot" }),
    ] {
        operate(&world, &id, json!([{ "op": "add", "path": "members", "value": [member] }])).await.is(400);
    }
    let body = json!({ "schemas": [GROUP], "displayName": "OPTICS" });
    world.post(&format!("{}/Groups", world.scim), body).await.is(409);
    world.post(&format!("{}/Groups", world.scim), json!({ "schemas": [GROUP] })).await.is(400);
    let renamed = operate(&world, &id, json!([{ "op": "remove", "path": "displayName" }])).await;
    assert_eq!(renamed.is(400).body["scimType"], "invalidValue");
}

#[tokio::test]
async fn five_hundred_is_the_limit() {
    let world = World::new().await;
    world.post("/sandbox/people", json!({ "count": 1203 })).await.is(200);
    let organization = world.sandbox.organization();
    let ids: Vec<String> = (0..1203)
        .map(|n| {
            organization.user(&format!("person{n}@example.com")).unwrap()["id"].as_str().unwrap().to_owned()
        })
        .collect();
    let id = group(&world, "Everyone", users(&ids[..500])).await;
    operate(&world, &id, json!([{ "op": "add", "path": "members", "value": users(&ids[500..1001]) }]))
        .await
        .is(400);
    for chunk in ids[500..].chunks(500) {
        operate(&world, &id, json!([{ "op": "add", "path": "members", "value": users(chunk) }]))
            .await
            .is(200);
    }
    let path = format!("{}/Groups/{id}", world.scim);
    assert_eq!(world.get(&path).await.body["members"].as_array().unwrap().len(), 500);
    assert_eq!(world.get(&format!("{path}?excludedAttributes=members")).await.body.get("members"), None);

    let mut seen = Vec::new();
    loop {
        let start = seen.len() + 1;
        let page = world.get(&format!("{path}/Members?startIndex={start}&count=1000")).await.is(200).body;
        assert_eq!(page["memberSize"], 1203);
        let members = page["members"].as_array().unwrap();
        assert!(members.len() <= 500);
        if members.is_empty() {
            break;
        }
        seen.extend(members.iter().map(|member| member["value"].as_str().unwrap().to_owned()));
    }
    seen.sort();
    let mut all = ids.clone();
    all.sort();
    assert_eq!(seen, all);
}

#[tokio::test]
async fn groups_are_listed_and_found_by_name() {
    let world = World::new().await;
    let ada = world.user("ada").await;
    let inner = group(&world, "Inner", users(&[ada])).await;
    group(&world, "Outer", json!([{ "value": inner, "type": "group" }])).await;
    let list = world
        .get(&format!("{}/Groups?sortBy=displayName&sortOrder=descending", world.scim))
        .await
        .is(200)
        .body;
    assert_eq!(list["totalResults"], 2);
    assert_eq!(list["Resources"][0]["displayName"], "Outer");
    assert_eq!(list["Resources"][0].get("members"), None);
    let found = world
        .get(&format!("{}/Groups?includeMembers=true&filter=displayName%20eq%20%22outer%22", world.scim))
        .await
        .is(200)
        .body;
    assert_eq!(found["totalResults"], 1);
    assert_eq!(found["Resources"][0]["members"][0]["display"], "Inner");
    world.get(&format!("{}/Groups?filter=externalId%20eq%20%22x%22", world.scim)).await.is(400);
}
