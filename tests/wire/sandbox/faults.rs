//! The knobs.

use std::time::{Duration, Instant};

use reqwest::Method;
use serde_json::{Value, json};

use crate::{CISCO, CORE, World};

fn user(name: &str) -> Value {
    json!({ "schemas": [CORE], "userName": format!("{name}@example.com"), "userType": "user" })
}

#[tokio::test]
async fn throttling_in_all_its_forms() {
    let world = World::new().await;
    for (header, expected) in [
        (json!("17"), Some("17")),
        (json!("rand(30),add(30)"), Some("rand(30),add(30)")),
        (Value::Null, None),
    ] {
        world.faults(json!({ "throttle": { "when": { "next": 1 }, "retry_after": header } })).await;
        let answer = world.get("/v1/people").await.is(429);
        assert_eq!(answer.headers.get("retry-after").map(|value| value.to_str().unwrap()), expected);
        assert!(answer.body["trackingId"].is_string());
        world.get("/v1/people").await.is(200);
    }
    let stats = world.stats().await;
    assert_eq!(stats["answers"]["429"], 3);
    assert_eq!(stats["impatient_requests"], 5, "all that came within the 17 seconds");
    world.post("/sandbox/stats/reset", json!({})).await.is(200);
    world.faults(json!({ "throttle": { "per_second": 3 } })).await;
    let mut throttled = 0;
    for _ in 0..20 {
        throttled += u32::from(world.get("/v1/roles").await.status == 429);
    }
    assert!(throttled >= 14, "{throttled}");
}

#[tokio::test]
async fn answers_that_are_no_answers() {
    let world = World::new().await;
    world.faults(json!({ "locked": { "next": 1 } })).await;
    world.get("/v1/people").await.is(423);
    world.faults(json!({ "outage": { "when": { "next": 1 }, "status": 502 } })).await;
    let html = world.get("/v1/people").await.is(502);
    assert_eq!(html.headers["content-type"], "text/html;charset=UTF-8");
    assert!(html.body.as_str().unwrap().starts_with("<html>"));
    world.faults(json!({ "wrong_region": { "when": { "next": 1 }, "host": "api-eu.example.com" } })).await;
    let elsewhere = world.get("/v1/people").await.is(451);
    assert!(elsewhere.body["message"].as_str().unwrap().contains("Please use api-eu.example.com"));
    world.faults(json!({ "duplicate_tracking_id": true })).await;
    assert_eq!(world.get("/v1/people").await.headers.get_all("trackingid").iter().count(), 2);
    world.faults(json!({ "booleans_as_strings": true })).await;
    assert_eq!(world.get("/v1/people/me").await.body["loginEnabled"], "true");
}

#[tokio::test]
async fn cut_connections_before_and_after_the_fact() {
    let world = World::new().await;
    let path = format!("{}/Users", world.scim);
    let exists = |name: &str| world.sandbox.organization().user(&format!("{name}@example.com")).is_some();
    let cut = async |name: &str| {
        let error =
            world.try_send("sandbox-token", Method::POST, &path, Some(&user(name))).await.unwrap_err();
        assert!(!error.is_status(), "{error:?}");
    };
    world.faults(json!({ "cut_before_commit": { "next": 1, "on": ["scim_users"] } })).await;
    cut("before").await;
    assert!(!exists("before"));
    world.faults(json!({ "cut_after_commit": { "next": 1 } })).await;
    cut("after").await;
    assert!(exists("after"));
    world.faults(json!({ "cut_answer": { "next": 1 } })).await;
    cut("middle").await;
    assert!(exists("middle"));
    world.faults(json!({ "outage_after_commit": { "next": 1 } })).await;
    world.post(&path, user("late")).await.is(504);
    assert!(exists("late"));
    let stats = world.stats().await;
    assert_eq!(stats["answers"]["cut"], 2);
    // Reads are not cut after a commit that they do not make.
    world.faults(json!({ "cut_after_commit": { "next": 1 } })).await;
    world.get(&path).await.is(200);
}

#[tokio::test]
async fn the_third_write_is_the_third_write() {
    let world = World::new().await;
    world.faults(json!({ "outage": { "when": { "after": 2, "next": 1, "methods": ["POST"] } } })).await;
    let path = format!("{}/Users", world.scim);
    let mut statuses = Vec::new();
    for name in ["a", "b", "c", "d"] {
        world.get(&path).await.is(200);
        statuses.push(world.post(&path, user(name)).await.status);
    }
    assert_eq!(statuses, [201, 201, 503, 201]);
}

#[tokio::test]
async fn listings_lag_behind_writes() {
    let world = World::new().await;
    world.post("/sandbox/people", json!({ "count": 3, "licenses": ["Advanced Messaging"] })).await.is(200);
    world.faults(json!({ "visibility_lag_ms": 3_600_000, "counter_lag_ms": 3_600_000 })).await;
    let id = world.user("ada").await;
    let gone = world.sandbox.organization().user("person0@example.com").unwrap()["id"].clone();
    world.delete(&format!("{}/Users/{}", world.scim, gone.as_str().unwrap())).await.is(204);
    let list = world.get(&format!("{}/Users", world.scim)).await.body;
    assert_eq!(list["totalResults"], 4);
    let names: Vec<_> =
        list["Resources"].as_array().unwrap().iter().map(|u| u["userName"].as_str().unwrap()).collect();
    assert_eq!(
        names,
        ["admin@example.com", "person0@example.com", "person1@example.com", "person2@example.com"]
    );
    let search =
        |name: &str| format!("{}/Users?filter=userName%20eq%20%22{name}%40example.com%22", world.scim);
    assert_eq!(world.get(&search("ada")).await.body["totalResults"], 0);
    assert_eq!(world.get(&search("person0")).await.body["totalResults"], 1);
    world.get(&format!("{}/Users/{id}", world.scim)).await.is(200);
    let consumed = async || {
        let list = world.get("/v1/licenses").await.body;
        list["items"].as_array().unwrap().iter().find(|l| l["name"] == "Advanced Messaging").unwrap()["consumedUnits"].clone()
    };
    assert_eq!(consumed().await, 3, "still counted");
    assert_eq!(world.sandbox.organization().stats().licenses["Advanced Messaging"], 2, "the truth");
}

#[tokio::test]
async fn slowness_can_be_aimed() {
    let world = World::new().await;
    world.faults(json!({ "latency_on": { "GET people": 150 }, "calling_data_latency_ms": 150 })).await;
    let took = async |path: &str| {
        let start = Instant::now();
        world.get(path).await.is(200);
        start.elapsed()
    };
    assert!(took("/v1/people?callingData=true").await >= Duration::from_millis(300));
    let (slow, quick) = (took("/v1/people").await, took("/v1/roles").await);
    assert!(slow >= Duration::from_millis(150) && quick < slow, "{slow:?} {quick:?}");
}

#[tokio::test]
async fn enforced_domains_keep_others_out() {
    let world = World::new().await;
    world.user("ada").await;
    world.faults(json!({ "enforced_domains": ["Corp.test"] })).await;
    let path = format!("{}/Users", world.scim);
    world.post(&path, user("ben")).await.is(400);
    world
        .post(&path, json!({ "schemas": [CORE], "userName": "ben@corp.test", "userType": "user" }))
        .await
        .is(201);
    let status =
        || world.sandbox.organization().user("ada@example.com").unwrap()[CISCO]["accountStatus"][0].clone();
    assert_eq!(status(), "transient");
    world.faults(json!({})).await;
    assert_eq!(status(), "pending");
}

#[tokio::test]
async fn knobs_are_read_merged_and_checked() {
    let world = World::new().await;
    world.faults(json!({ "scim_count_cap": 7, "throttle": { "retry_after": null } })).await;
    let merged =
        world.patch("/sandbox/faults", json!({ "throttle": { "when": { "next": 2 } } })).await.is(200).body;
    assert_eq!((&merged["scim_count_cap"], &merged["throttle"]["when"]["next"]), (&json!(7), &json!(2)));
    assert_eq!(merged["throttle"]["retry_after"], Value::Null);
    world.get("/v1/people").await.is(429);
    assert_eq!(world.get("/sandbox/faults").await.body["throttle"]["when"]["next"], 1, "counts down");
    let wrong = world.send(Method::PUT, "/sandbox/faults", json!({ "trottle": {} })).await.is(400);
    assert!(wrong.body["error"].as_str().unwrap().contains("trottle"));
    let reset = world.send(Method::PUT, "/sandbox/faults", json!({})).await.is(200).body;
    assert_eq!(reset["scim_count_cap"], 200);
}

#[tokio::test]
async fn absurd_knobs_do_no_harm() {
    let world = World::new().await;
    let most = u64::MAX;
    world
        .faults(json!({
            "visibility_lag_ms": most, "counter_lag_ms": most, "email_reuse_delay_s": most,
            "latency_on": { "jobs": most, "GET jobs": most }, "calling_data_latency_ms": most,
            "throttle": { "retry_after": most.to_string(), "when": { "next": 1 } },
        }))
        .await;
    world.get("/v1/people").await.is(429);
    world.post("/sandbox/tokens", json!({ "token": "t", "expires_in": i64::MAX })).await.is(200);
    let id = world.user("ada").await;
    world.delete(&format!("{}/Users/{id}", world.scim)).await.is(204);
    world.post(&format!("{}/Users", world.scim), user("ada")).await.is(409);
    for path in ["?startIndex=9223372036854775807&count=9223372036854775807", "?startIndex=-5&count=-5"] {
        world.get(&format!("{}/Users{path}", world.scim)).await.is(200);
    }
}
