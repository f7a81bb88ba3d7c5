//! SCIM bulk.

use serde_json::{Value, json};

use crate::{BULK, CORE, PATCH, SCIM_ERROR, World};

fn create(bulk_id: &str, name: &str) -> Value {
    json!({
        "method": "POST", "path": "/Users", "bulkId": bulk_id,
        "data": { "schemas": [CORE], "userName": format!("{name}@example.com"), "userType": "user", "displayName": name },
    })
}

async fn bulk(world: &World, operations: Value) -> crate::Answer {
    world
        .post(
            &format!("{}/Bulk", world.scim),
            json!({ "schemas": [BULK], "failOnErrors": 100, "operations": operations }),
        )
        .await
}

#[tokio::test]
async fn each_operation_has_its_outcome() {
    let world = World::new().await;
    let (ben, cleo) = (world.user("ben").await, world.user("cleo").await);
    world.user("ada").await;
    let answer = bulk(
        &world,
        json!([
            create("u-1", "dia"),
            { "method": "PATCH", "path": format!("/Users/{ben}"),
              "data": { "schemas": [PATCH], "Operations": [{ "op": "replace", "path": "title", "value": "Lead" }] } },
            { "method": "DELETE", "path": format!("/Users/{cleo}") },
            create("u-2", "ADA"),
            { "method": "PUT", "path": format!("/Users/{ben}"), "data": {} },
            { "method": "POST", "path": "/Users", "bulkId": "u-3",
              "data": json!({ "schemas": [CORE], "userName": "text@example.com", "userType": "user" }).to_string() },
            { "method": "POST", "path": "/Users", "data": {} },
        ]),
    )
    .await
    .is(200);
    assert_eq!(answer.body.get("operations"), None, "answers spell it with a capital");
    let outcomes = answer.body["Operations"].as_array().unwrap();
    let statuses: Vec<_> = outcomes.iter().map(|outcome| outcome["status"].as_str().unwrap()).collect();
    assert_eq!(statuses, ["201", "200", "204", "409", "405", "201", "400"]);
    assert_eq!(outcomes[0]["bulkId"], "u-1");
    let location = outcomes[0]["location"].as_str().unwrap();
    let path = location.strip_prefix(&world.sandbox.base_url()).unwrap();
    assert_eq!(world.get(path).await.is(200).body["userName"], "dia@example.com");
    assert_eq!(outcomes[3]["response"][SCIM_ERROR]["errorCode"], "200016");
    assert_eq!(outcomes[3].get("location"), None);
    assert_eq!(world.sandbox.organization().user("ben@example.com").unwrap()["title"], "Lead");
    assert!(world.sandbox.organization().user("cleo@example.com").is_none());
}

#[tokio::test]
async fn the_request_itself_can_be_wrong() {
    let world = World::new().await;
    let many: Vec<_> = (0..101).map(|n| create(&n.to_string(), &format!("p{n}"))).collect();
    bulk(&world, json!(many)).await.is(400);
    bulk(&world, json!([])).await.is(400);
    let path = format!("{}/Bulk", world.scim);
    world.post(&path, json!({ "schemas": [BULK], "Operations": [create("a", "a")] })).await.is(400);
    world
        .post(&path, json!({ "schemas": [BULK], "failOnErrors": 0, "operations": [create("a", "a")] }))
        .await
        .is(400);
    world.post(&path, json!({ "operations": [create("a", "a")] })).await.is(400);
    assert_eq!(world.sandbox.organization().people(), 1);
}

#[tokio::test]
async fn fail_on_errors_stops() {
    let world = World::new().await;
    let operations = json!([create("1", "a"), create("2", "a"), create("3", "b")]);
    let body = json!({ "schemas": [BULK], "failOnErrors": 1, "operations": operations });
    let answer = world.post(&format!("{}/Bulk", world.scim), body).await.is(200);
    assert_eq!(answer.body["Operations"].as_array().unwrap().len(), 2);
    assert!(world.sandbox.organization().user("b@example.com").is_none());
}

#[tokio::test]
async fn operations_refer_to_each_other() {
    let world = World::new().await;
    let answer = bulk(
        &world,
        json!([
            create("boss", "ada"),
            { "method": "POST", "path": "/Groups", "bulkId": "g", "data": {
                "schemas": ["urn:ietf:params:scim:schemas:core:2.0:Group"], "displayName": "Optics",
                "members": [{ "value": "bulkId:boss", "type": "user" }] } },
            { "method": "PATCH", "path": "/Users/bulkId:boss",
              "data": { "schemas": [PATCH], "Operations": [{ "op": "add", "path": "title", "value": "Boss" }] } },
            { "method": "DELETE", "path": "/Groups/bulkId:nobody" },
        ]),
    )
    .await
    .is(200);
    let statuses: Vec<_> =
        answer.body["Operations"].as_array().unwrap().iter().map(|o| o["status"].clone()).collect();
    assert_eq!(statuses, ["201", "201", "200", "404"]);
    let dump = world.sandbox.organization().dump(false);
    assert_eq!(dump["groups"][0]["members"], json!(["ada@example.com"]));
    assert_eq!(world.stats().await["bulk_operations"], 4);
}
