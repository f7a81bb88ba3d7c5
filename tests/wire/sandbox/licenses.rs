//! Licences, their counters, holders and rules.

use reqwest::Method;
use serde_json::{Value, json};

use crate::{Answer, World};

async fn assign(world: &World, email: &str, licenses: Value) -> Answer {
    world.patch("/v1/licenses/users", json!({ "email": email, "licenses": licenses })).await
}

fn phones(world: &World, email: &str) -> Value {
    world.sandbox.organization().user(email).unwrap()["phoneNumbers"].clone()
}

#[tokio::test]
async fn the_catalogue_counts() {
    let world = World::new().await;
    world.post("/sandbox/people", json!({ "count": 5, "licenses": ["Advanced Messaging"] })).await.is(200);
    let list = world.get("/v1/licenses").await.is(200).body;
    let find = |name: &str| {
        list["items"].as_array().unwrap().iter().find(|item| item["name"] == name).unwrap().clone()
    };
    let messaging = find("Advanced Messaging");
    assert_eq!((&messaging["totalUnits"], &messaging["consumedUnits"]), (&json!(10_000), &json!(5)));
    assert_eq!(
        (&messaging["consumedByUsers"], &messaging["subscriptionId"]),
        (&json!(5), &json!("Sub100042"))
    );
    assert_eq!(find("Webex Meetings Suite")["siteUrl"], "lumenforge.webex.com");
    let free = find("Basic Messaging");
    assert_eq!((&free["totalUnits"], free.get("subscriptionId")), (&json!(6), None));
    let hybrid = find("Hybrid - Exchange Calendar");
    assert_eq!((&hybrid["totalUnits"], &hybrid["consumedUnits"]), (&json!(1), &json!(0)));
    world.get("/v1/licenses/nonsense").await.is(404);
}

#[tokio::test]
async fn holders_are_paged_by_links() {
    let world = World::new().await;
    world.post("/sandbox/people", json!({ "count": 700, "licenses": ["Advanced Messaging"] })).await.is(200);
    world.sandbox.organization().delete("person10@example.com");
    let id = world.license("Advanced Messaging").await;
    let mut path = format!("/v1/licenses/{id}?includeAssignedTo=user&limit=1000");
    let (mut sizes, mut seen) = (Vec::new(), Vec::new());
    loop {
        let page = world.get(&path).await.is(200);
        assert_eq!(page.body["consumedUnits"], 699);
        let users = page.body["users"].as_array().unwrap();
        sizes.push(users.len());
        seen.extend(users.iter().map(|user| user["email"].as_str().unwrap().to_owned()));
        assert!(users.iter().all(|user| user["type"] == "INTERNAL"));
        match page.next() {
            Some(next) => path = next,
            None => break,
        }
    }
    seen.sort();
    seen.dedup();
    assert_eq!((sizes, seen.len()), (vec![300, 300, 99], 699));
    assert_eq!(world.get(&format!("/v1/licenses/{id}")).await.is(200).body.get("users"), None);
}

#[tokio::test]
async fn licences_are_given_and_taken() {
    let world = World::new().await;
    let id = world.user("ada").await;
    let (messaging, meetings) =
        (world.license("Advanced Messaging").await, world.license("Webex Meetings Suite").await);
    let given = assign(
        &world,
        "ADA@example.com",
        json!([{ "id": messaging }, { "id": meetings, "operation": "add" }]),
    )
    .await
    .is(200)
    .body;
    assert_eq!(given["email"], "ada@example.com");
    assert_eq!(given["licenses"].as_array().unwrap().len(), 4);
    assert_eq!(given["siteUrls"], json!([{ "siteUrl": "lumenforge.webex.com", "accountType": "host" }]));
    let person = given["personId"].as_str().unwrap();
    for who in [person, &id] {
        let body = json!({ "personId": who, "licenses": [{ "id": messaging, "operation": "remove" }] });
        let left = world.patch("/v1/licenses/users", body).await.is(200).body;
        assert_eq!(left["licenses"].as_array().unwrap().len(), 3);
    }
    world.patch("/v1/licenses/users", json!({ "licenses": [] })).await.is(400);
    assign(&world, "nobody@example.com", json!([])).await.is(404);
    assert_eq!(world.sandbox.organization().stats().licenses["Webex Meetings Suite"], 1);
    // Deleting a person gives the seat back.
    world.sandbox.organization().delete("ada@example.com");
    assert_eq!(world.sandbox.organization().stats().licenses["Webex Meetings Suite"], 0);
}

#[tokio::test]
async fn seats_run_out_without_a_word() {
    let world = World::new().await;
    world.send(Method::PUT, "/sandbox/licenses", json!({ "Advanced Messaging": 1 })).await.is(200);
    let messaging = world.license("Advanced Messaging").await;
    let agent = world.license("Contact Center Premium Agent").await;
    world.user("ada").await;
    world.user("ben").await;
    assign(&world, "ada@example.com", json!([{ "id": messaging }])).await.is(200);
    let partial =
        assign(&world, "ben@example.com", json!([{ "id": messaging }, { "id": agent }])).await.is(206).body;
    assert_eq!(partial["licenses"].as_array().unwrap().len(), 3);
    assert_eq!(partial.get("errors"), None);
    assign(&world, "ben@example.com", json!([{ "id": messaging }])).await.is(206);
    world.faults(json!({ "exhausted_seats": "refused" })).await;
    assign(&world, "ben@example.com", json!([{ "id": messaging }])).await.is(400);
    // Who holds it already needs no seat, and a seat that is given back is free.
    assign(&world, "ada@example.com", json!([{ "id": messaging }])).await.is(200);
    assign(&world, "ada@example.com", json!([{ "id": messaging, "operation": "remove" }])).await.is(200);
    assign(&world, "ben@example.com", json!([{ "id": messaging }])).await.is(200);
    world.send(Method::PUT, "/sandbox/licenses", json!({ "Nothing": 1 })).await.is(400);
}

#[tokio::test]
async fn the_rules_have_their_codes() {
    let world = World::new().await;
    world.user("ada").await;
    let license = async |name: &str| json!({ "id": world.license(name).await });
    let remove = async |name: &str| json!({ "id": world.license(name).await, "operation": "remove" });
    let calling = async |name: &str, properties: Value| json!({ "id": world.license(name).await, "properties": properties });
    let location = world.get("/v1/locations").await.is(200).body["items"][0]["id"].clone();
    let phone = json!({ "locationId": location, "extension": "2107" });
    let (pro, std) = ("Webex Calling - Professional", "Webex Calling - Standard");
    for (wishes, code) in [
        (json!([{ "id": "Y2lzY29zcGFyazovL3VzL0xJQ0VOU0UvWA" }]), 400_000),
        (json!([license("Webex Calling - Workspaces").await]), 400_000),
        (json!([license(pro).await]), 400_411),
        (json!([calling(pro, json!({ "extension": "2107" })).await]), 400_411),
        (json!([calling(pro, json!({ "locationId": "nowhere", "extension": "2107" })).await]), 400),
        (json!([calling(pro, phone.clone()).await, calling(std, phone.clone()).await]), 400_404),
        (json!([calling(std, phone.clone()).await, license("Attendant Console").await]), 400_406),
        (
            json!([calling(std, phone.clone()).await, license("Customer Experience - Essential").await]),
            400_407,
        ),
        (json!([license("Attendant Console").await]), 400_408),
        (json!([license("Advanced Messaging").await, remove("Basic Messaging").await]), 700_003),
        (json!([license("Advanced Space Meetings").await, remove("Basic Messaging").await]), 700_005),
        (json!([remove("Free screen share").await]), 700_006),
    ] {
        let refused = assign(&world, "ada@example.com", wishes.clone()).await.is(400);
        assert_eq!(refused.body["errors"][0]["errorCode"], code, "{wishes}");
    }
    assert_eq!(
        world.sandbox.organization().licenses_of("ada@example.com").unwrap().len(),
        2,
        "nothing was given"
    );
    assign(&world, "ada@example.com", json!([calling(pro, phone.clone()).await])).await.is(200);
    let down = json!([remove(pro).await, calling(std, phone).await]);
    let refused = assign(&world, "ada@example.com", down).await.is(400);
    assert_eq!(refused.body["errors"][0]["errorCode"], 400_112);
    let sites = json!([{ "siteUrl": "elsewhere.webex.com", "accountType": "attendee", "operation": "add" }]);
    let refused = world
        .patch("/v1/licenses/users", json!({ "email": "ada@example.com", "siteUrls": sites }))
        .await
        .is(400);
    assert_eq!(refused.body["errors"][0]["errorCode"], 400_216);
}

#[tokio::test]
async fn a_telephone_takes_over_the_work_number() {
    let world = World::new().await;
    let id = world.user("ada").await;
    let numbers =
        json!([{ "value": "+441", "type": "work", "primary": true }, { "value": "+447", "type": "mobile" }]);
    world.operate(&id, json!([{ "op": "add", "path": "phoneNumbers", "value": numbers }])).await.is(200);
    let location = world.get("/v1/locations").await.body["items"][0]["id"].clone();
    let pro = world.license("Webex Calling - Professional").await;
    let wish = json!([{ "id": pro, "properties": { "locationId": location, "extension": "2107" } }]);
    assign(&world, "ada@example.com", wish).await.is(200);
    let expected = json!([
        { "value": "8002107", "type": "work_extension", "primary": true },
        { "value": "+447", "type": "mobile" },
    ]);
    assert_eq!(phones(&world, "ada@example.com"), expected);
    let person = world.get(&format!("/v1/people/{id}?callingData=true")).await.is(200).body;
    assert_eq!((&person["extension"], &person["locationId"]), (&json!("2107"), &location));
    assert_eq!(world.get(&format!("/v1/people/{id}")).await.body.get("extension"), None);
    let there = format!("/v1/people?locationId={}", location.as_str().unwrap());
    assert_eq!(world.get(&there).await.is(200).body["items"].as_array().unwrap().len(), 1);
    assign(&world, "ada@example.com", json!([{ "id": pro, "operation": "remove" }])).await.is(200);
    assert_eq!(phones(&world, "ada@example.com"), json!([{ "value": "+447", "type": "mobile" }]));
}

#[tokio::test]
async fn hosts_and_attendees() {
    let world = World::new().await;
    world.user("ada").await;
    let attend = |site: &str, operation: &str| json!({ "email": "ada@example.com", "siteUrls": [{ "siteUrl": site, "accountType": "ATTENDEE", "operation": operation }] });
    let here = world.patch("/v1/licenses/users", attend("lumenforge.webex.com", "add")).await.is(200).body;
    assert_eq!(here["siteUrls"], json!([{ "siteUrl": "lumenforge.webex.com", "accountType": "attendee" }]));
    let meetings = world.license("Webex Meetings Suite").await;
    let host = assign(&world, "ada@example.com", json!([{ "id": meetings }])).await.is(200).body;
    assert_eq!(host["siteUrls"], json!([{ "siteUrl": "lumenforge.webex.com", "accountType": "host" }]));
    world.patch("/v1/licenses/users", attend("lumenforge.webex.com", "add")).await.is(400);
    world.patch("/v1/licenses/users", attend("training-lumenforge.webex.com", "add")).await.is(200);
    let left = world
        .patch("/v1/licenses/users", attend("training-lumenforge.webex.com", "remove"))
        .await
        .is(200)
        .body;
    assert_eq!(left["siteUrls"].as_array().unwrap().len(), 1);
}

#[tokio::test]
async fn invitations_are_counted_and_can_be_suppressed() {
    let world = World::new().await;
    let messaging = world.license("Advanced Messaging").await;
    let meetings = world.license("Webex Meetings Suite").await;
    world.user("ada").await;
    assert_eq!(world.stats().await["invitations"], 0, "nobody is invited without a licence");
    assign(&world, "ada@example.com", json!([{ "id": messaging }])).await.is(200);
    assign(&world, "ada@example.com", json!([{ "id": meetings }])).await.is(200);
    assert_eq!(world.stats().await["invitations"], 1, "once");
    world.user("ben").await;
    world.sandbox.organization().sign_in("ben@example.com");
    assign(&world, "ben@example.com", json!([{ "id": messaging }])).await.is(200);
    assert_eq!(world.stats().await["invitations"], 1, "not who has signed in");

    let org = world.sandbox.organization().id();
    let path = format!("/v1/settings/organizations/{org}/settings");
    let off =
        world.post(&path, json!({ "key": "allow-admin-invite-emails", "value": false })).await.is(200).body;
    assert_eq!((&off["value"], &off["name"]), (&json!(false), &json!("Automatic Activation Emails")));
    world.user("cleo").await;
    assign(&world, "cleo@example.com", json!([{ "id": messaging }])).await.is(200);
    assert_eq!(world.stats().await["invitations"], 1);
    assert_eq!(world.get(&format!("{path}/allow-admin-invite-emails")).await.is(200).body["value"], false);

    // The job reaches those who had no mail in the last day.
    let jobs = format!("/v1/identity/organizations/{org}/jobs/sendActivationEmails");
    let job = world.post(&jobs, json!({})).await.is(202).body;
    assert_eq!(job["latestExecutionStatus"], "STARTED");
    world.post(&jobs, json!({})).await.is(409);
    let id = job["id"].as_str().unwrap();
    let status = world.get(&format!("{jobs}/{id}/status")).await.is(200).body;
    assert_eq!(status["counts"]["userResendInviteSent"], 1);
    assert_eq!(status["counts"]["userResendInviteSkipped"], 1);
    let errors = world.get(&format!("{jobs}/{id}/errors")).await.is(200).body;
    assert_eq!(errors["items"][0]["error"]["message"][0]["code"], "ATLAS-600199");
    assert_eq!(world.stats().await["invitations"], 2);
}
