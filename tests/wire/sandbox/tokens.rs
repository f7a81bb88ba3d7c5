//! Tokens, scopes and roles.

use reqwest::Method;
use serde_json::{Value, json};

use crate::World;

async fn declare(world: &World, token: &str, scopes: &[&str], email: Option<&str>) {
    let mut body = json!({ "token": token, "scopes": scopes });
    if let Some(email) = email {
        body["email"] = email.into();
    }
    world.post("/sandbox/tokens", body).await.is(200);
}

async fn form(world: &World, path: &str, fields: &[(&str, &str)]) -> (u16, Value) {
    let body = url::form_urlencoded::Serializer::new(String::new()).extend_pairs(fields).finish();
    let response = world
        .client
        .post(world.url(path))
        .header("content-type", "application/x-www-form-urlencoded")
        .basic_auth("sandbox-client", Some("sandbox-secret"))
        .body(body)
        .send()
        .await
        .unwrap();
    (response.status().as_u16(), response.json().await.unwrap())
}

async fn status(world: &World, token: &str, method: Method, path: &str) -> u16 {
    world.try_send(token, method, path, None).await.unwrap().status
}

#[tokio::test]
async fn tokens_open_only_what_their_scopes_say() {
    let world = World::new().await;
    declare(&world, "reader", &["identity:people_read"], None).await;
    declare(&world, "admin", &["spark-admin:people_read", "spark-admin:people_write"], None).await;
    let users = format!("{}/Users", world.scim);
    let groups = format!("{}/Groups", world.scim);
    for (token, method, path, expected) in [
        ("nobody", Method::GET, users.as_str(), 401),
        ("reader", Method::GET, &users, 200),
        ("reader", Method::GET, &groups, 200),
        ("reader", Method::POST, &users, 403),
        ("reader", Method::GET, "/v1/people", 403),
        ("reader", Method::GET, "/v1/licenses", 403),
        ("admin", Method::GET, &users, 403),
        ("admin", Method::GET, "/v1/people", 200),
        ("admin", Method::GET, "/v1/licenses", 403),
        ("admin", Method::PATCH, "/v1/licenses/users", 400),
        ("admin", Method::GET, "/v1/roles", 403),
        ("admin", Method::GET, "/v1/organizations", 403),
        ("admin", Method::GET, "/v1/locations", 200),
    ] {
        assert_eq!(status(&world, token, method.clone(), path).await, expected, "{token} {method} {path}");
    }
    let none = world.client.get(world.url("/v1/people")).send().await.unwrap();
    assert_eq!(none.status(), 401);
    assert!(none.headers().contains_key("trackingid"));
}

#[tokio::test]
async fn people_need_a_role_and_lose_tokens_with_it() {
    let world = World::new().await;
    let ada = world.user("ada").await;
    let scopes = ["identity:people_rw", "identity:people_read", "spark-admin:people_read"];
    declare(&world, "ada", &scopes, Some("ada@example.com")).await;
    let users = format!("{}/Users", world.scim);
    assert_eq!(status(&world, "ada", Method::GET, &users).await, 403, "no administrator");
    assert_eq!(status(&world, "ada", Method::GET, "/v1/people/me").await, 200, "but herself");
    let role =
        |id: &str| json!([{ "op": "add", "path": "roles", "value": [{ "value": id, "type": "cirole" }] }]);
    world.operate(&ada, role("id_readonly_admin")).await.is(200);
    assert_eq!(status(&world, "ada", Method::GET, &users).await, 401, "a change of roles voids tokens");
    declare(&world, "ada2", &scopes, Some("ada@example.com")).await;
    assert_eq!(status(&world, "ada2", Method::GET, &users).await, 200);
    assert_eq!(status(&world, "ada2", Method::POST, &users).await, 403, "reads only");
    assert_eq!(world.sandbox.organization().roles_of("ada@example.com").unwrap(), ["id_readonly_admin"]);
    world.operate(&ada, role("id_location_admin")).await.is(400);
    world.operate(&ada, json!([{ "op": "replace", "path": "active", "value": false }])).await.is(200);
    assert_eq!(status(&world, "ada2", Method::GET, &users).await, 401);
}

#[tokio::test]
async fn refreshing_and_expiry() {
    let world = World::new().await;
    let fields = [
        ("grant_type", "refresh_token"),
        ("client_id", "sandbox-client"),
        ("client_secret", "sandbox-secret"),
        ("refresh_token", "sandbox-refresh"),
    ];
    world.faults(json!({ "tokens_expired": true })).await;
    assert_eq!(world.get("/v1/people").await.status, 401);
    let (code, pair) = form(&world, "/v1/access_token", &fields).await;
    assert_eq!((code, &pair["expires_in"], &pair["token_type"]), (200, &json!(1_209_599), &json!("Bearer")));
    let token = pair["access_token"].as_str().unwrap();
    assert_eq!(status(&world, token, Method::GET, "/v1/people").await, 200);
    let expiry = world.try_send(token, Method::GET, "/v1/authorizations/tokenExpiry", None).await.unwrap();
    assert!(expiry.body["exp"].as_i64().unwrap() > 1_700_000_000_000);
    world.faults(json!({ "refresh_refused": true })).await;
    assert_eq!(world.get("/v1/people").await.status, 200, "the knob gives tokens back");
    assert_eq!(form(&world, "/v1/access_token", &fields).await.0, 400);
    world.faults(json!({})).await;
    let mut wrong = fields;
    wrong[2].1 = "guess";
    assert_eq!(form(&world, "/v1/access_token", &wrong).await.0, 401);
    wrong = fields;
    wrong[3].1 = "old";
    assert_eq!(form(&world, "/v1/access_token", &wrong).await.0, 400);
    world.post("/sandbox/tokens", json!({ "token": "past", "expires_in": -1 })).await.is(200);
    assert_eq!(status(&world, "past", Method::GET, "/v1/people").await, 401);
}

#[tokio::test]
async fn authorization_codes_work_once() {
    let world = World::new().await;
    let ask = "/v1/authorize?client_id=sandbox-client&response_type=code&redirect_uri=http%3A%2F%2F127.0.0.1%3A1%2Fcb&scope=spark-admin%3Apeople_read%20identity%3Apeople_read&state=s1";
    let answer = world.get(ask).await.is(302);
    let target = url::Url::parse(answer.headers["location"].to_str().unwrap()).unwrap();
    let pairs: std::collections::HashMap<_, _> = target.query_pairs().into_owned().collect();
    assert_eq!(pairs["state"], "s1");
    let fields = [
        ("grant_type", "authorization_code"),
        ("client_id", "sandbox-client"),
        ("client_secret", "sandbox-secret"),
        ("code", pairs["code"].as_str()),
    ];
    let (code, pair) = form(&world, "/v1/access_token", &fields).await;
    assert_eq!((code, &pair["scope"]), (200, &json!("identity:people_read spark-admin:people_read")));
    let token = pair["access_token"].as_str().unwrap();
    assert_eq!(status(&world, token, Method::GET, "/v1/people").await, 200);
    assert_eq!(status(&world, token, Method::GET, "/v1/licenses").await, 403);
    assert_eq!(form(&world, "/v1/access_token", &fields).await.0, 400);
}

#[tokio::test]
async fn devices_wait_for_approval() {
    let world = World::new().await;
    let start = [("client_id", "sandbox-client"), ("scope", "spark-admin:people_read")];
    let (code, device) = form(&world, "/v1/device/authorize", &start).await;
    assert_eq!(code, 200);
    let poll = [
        ("grant_type", "urn:ietf:params:oauth:grant-type:device_code"),
        ("client_id", "sandbox-client"),
        ("device_code", device["device_code"].as_str().unwrap()),
    ];
    assert_eq!(form(&world, "/v1/device/token", &poll).await.0, 428);
    let approve = device["verification_uri_complete"].as_str().unwrap();
    assert_eq!(world.client.get(approve).send().await.unwrap().status(), 200);
    let (code, pair) = form(&world, "/v1/device/token", &poll).await;
    assert_eq!(code, 200);
    assert_eq!(status(&world, pair["access_token"].as_str().unwrap(), Method::GET, "/v1/people").await, 200);
}

#[tokio::test]
async fn service_applications_get_their_own_tokens() {
    let world = World::new().await;
    let org = world.get("/v1/organizations").await.is(200).body["items"][0]["id"].clone();
    let body = json!({ "clientId": "sandbox-client", "clientSecret": "sandbox-secret", "targetOrgId": org });
    let pair = world.post("/v1/applications/app/token", body.clone()).await.is(200).body;
    let token = pair["access_token"].as_str().unwrap();
    assert_eq!(status(&world, token, Method::GET, "/v1/people").await, 200);
    assert_eq!(status(&world, token, Method::GET, "/v1/people/me").await, 404, "it is nobody");
    declare(&world, "weak", &["identity:people_rw"], None).await;
    let refused =
        world.try_send("weak", Method::POST, "/v1/applications/app/token", Some(&body)).await.unwrap();
    assert_eq!(refused.status, 403);
}
