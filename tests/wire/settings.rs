//! Settings of people: read, and written only where they differ.

use dirsyncd::cloud::webex::WebexWriter;
use dirsyncd::cloud::{CloudError, CloudErrorKind, CloudWrite, Order};
use dirsyncd::model::{Action, Attr, Cause, Change, CloudId, Field, Kind, SourceId};
use serde_json::{Value, json};

use crate::server::{Reply, Server, ok, reply};
use crate::{ORG_ID, reader};

const BEN: &str = "aa000002-1111-4111-8111-000000000002";
const BEN_PATH: &str = "/v1/people/Y2lzY29zcGFyazovL3VzL1BFT1BMRS9hYTAwMDAwMi0xMTExLTQxMTEtODExMS0wMDAwMDAwMDAwMDI/features/callingBehavior";
const UCM: &str = "NATIVE_SIP_CALL_TO_UCM";

fn setting(changes: &[(Field, Option<&str>)]) -> Action {
    let change =
        |(field, to): &(Field, Option<&str>)| Change::new(Attr::Field(*field), None, to.map(Into::into));
    Action {
        kind: Kind::Update,
        anchor: SourceId::new([1; 16]),
        who: "ben@example.com".parse().unwrap(),
        dn: None,
        cloud_id: Some(CloudId::new(BEN)),
        changes: changes.iter().map(change).collect(),
        cause: Cause::Entitled,
    }
}

fn both() -> Action {
    setting(&[(Field::CallingBehavior, Some("unified_cm")), (Field::UcProfile, Some("Leeds"))])
}

async fn write(server: &Server, actions: &[Action]) -> Vec<Result<CloudId, CloudError>> {
    let orders: Vec<Order<'_>> = actions.iter().map(|action| Order { action, cloud_id: None }).collect();
    WebexWriter::new(&reader(server)).write(&orders).await
}

/// A cloud that keeps `kept`, lists profiles as said, and answers each PUT in its turn.
async fn cloud(kept: Value, profiles: fn() -> Reply, puts: fn(usize) -> Reply) -> Server {
    Server::start(move |seen, before| {
        if seen.is("GET", "/callingProfiles") {
            return Some(profiles());
        }
        if seen.is("PUT", BEN_PATH) {
            return Some(puts(before));
        }
        seen.is("GET", BEN_PATH).then(|| ok(kept.clone()))
    })
    .await
}

fn leeds() -> Reply {
    ok(json!({ "callingProfiles": [{ "id": "id-1", "name": "Leeds" }] }))
}

#[tokio::test]
async fn both_are_written_whole_and_only_when_they_differ() {
    let server =
        cloud(json!({ "behaviorType": null, "effectiveBehaviorType": "X" }), leeds, |_| reply(204, "")).await;
    assert!(write(&server, &[both()]).await[0].is_ok());
    let seen = server.seen();
    let put = seen.iter().find(|seen| seen.is("PUT", BEN_PATH)).unwrap();
    assert_eq!(put.json(), json!({ "behaviorType": UCM, "profileId": "id-1" }));
    assert_eq!(put.param("orgId").as_deref(), Some(ORG_ID));

    let server = cloud(json!({ "behaviorType": UCM, "profileId": "id-1" }), leeds, |_| reply(500, "")).await;
    assert!(write(&server, &[both()]).await[0].is_ok());
    assert!(!server.seen().iter().any(|seen| seen.is("PUT", BEN_PATH)));
}

#[tokio::test]
async fn what_was_sent_twice_and_refused_is_open() {
    let kept = json!({ "behaviorType": null });
    for (puts, expected) in [
        ((|before| if before == 0 { reply(503, "") } else { reply(204, "") }) as fn(usize) -> Reply, None),
        (|before| if before == 0 { reply(503, "") } else { reply(400, "") }, Some(CloudErrorKind::Ambiguous)),
        (|_| reply(400, ""), Some(CloudErrorKind::Rejected)),
        (|_| reply(404, ""), Some(CloudErrorKind::NotFound)),
    ] {
        let server = cloud(kept.clone(), leeds, puts).await;
        let result = write(&server, &[both()]).await.remove(0);
        assert_eq!(result.err().map(|error| error.kind), expected);
    }
}

#[tokio::test]
async fn without_the_right_to_see_profiles_only_those_who_need_one_are_skipped() {
    let server = cloud(json!({ "behaviorType": null }), || reply(403, ""), |_| reply(204, "")).await;
    let jabber = setting(&[(Field::CallingBehavior, Some("jabber"))]);
    let results = write(&server, &[both(), jabber]).await;
    let error = results[0].as_ref().unwrap_err();
    assert_eq!(error.kind, CloudErrorKind::Rejected);
    assert!(error.remedy.contains("telephony_config_read"), "{}", error.remedy);
    assert!(results[1].is_ok());
}
