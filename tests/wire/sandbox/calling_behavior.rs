//! With what people call, as the sandbox keeps it.

use reqwest::Method;
use serde_json::{Value, json};

use crate::World;

#[tokio::test]
async fn what_is_left_out_stays_and_what_the_vendor_leaves_open_is_refused() {
    let world = World::new().await;
    let id = world.user("ada").await;
    let path = format!("/v1/people/{id}/features/callingBehavior");
    let profiles =
        world.get("/v1/telephony/config/callingProfiles").await.is(200).body["callingProfiles"].clone();
    let profile = profiles[0]["id"].clone();
    let put = async |body: Value| world.send(Method::PUT, &path, body).await.status;
    let shown = async || {
        let kept = world.get(&path).await.is(200).body;
        assert!(!kept["effectiveBehaviorType"].is_null());
        (kept["behaviorType"].clone(), kept["profileId"].clone())
    };
    assert_eq!(shown().await, (Value::Null, Value::Null));
    let (ucm, jabber) = ("NATIVE_SIP_CALL_TO_UCM", "CALL_WITH_APP_REGISTERED_FOR_CISCOTEL");
    for (body, status, expected) in [
        (
            json!({ "behaviorType": "native_sip_call_to_ucm", "profileId": profile }),
            204,
            (json!(ucm), profile.clone()),
        ),
        (json!({}), 204, (json!(ucm), profile.clone())),
        (json!({ "behaviorType": "DRUMS" }), 400, (json!(ucm), profile.clone())),
        (json!({ "profileId": "unknown" }), 400, (json!(ucm), profile.clone())),
        (json!({ "behaviorType": "CALL_WITH_APP_REGISTERED_FOR_TEL" }), 400, (json!(ucm), profile.clone())),
        (json!({ "behaviorType": jabber, "profileId": profile }), 204, (json!(jabber), Value::Null)),
        (json!({ "behaviorType": null, "profileId": profile }), 204, (Value::Null, profile.clone())),
        (json!({ "profileId": null }), 204, (Value::Null, Value::Null)),
    ] {
        assert_eq!(put(body.clone()).await, status, "{body}");
        assert_eq!(shown().await, expected, "{body}");
    }
    world.operate(&id, json!([{ "op": "replace", "path": "active", "value": false }])).await.is(200);
    assert_eq!(put(json!({ "behaviorType": ucm })).await, 400);
    let nobody = "/v1/people/aa000009-1111-4111-8111-000000000009/features/callingBehavior";
    world.get(nobody).await.is(404);
}
