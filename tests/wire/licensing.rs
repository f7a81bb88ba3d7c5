//! Giving and taking licences.

use std::collections::BTreeSet;

use dirsyncd::cloud::webex::WebexWriter;
use dirsyncd::cloud::{CloudError, CloudErrorKind, CloudWrite, Grant};
use dirsyncd::model::{CloudId, LicenseId, Place, Telephone};
use serde_json::json;

use crate::server::{Reply, Server, ok, reply};
use crate::{ORG_ID, reader};

const BEN: &str = "aa000002-1111-4111-8111-000000000002";
const BEN_ID: &str = "Y2lzY29zcGFyazovL3VzL1BFT1BMRS9hYTAwMDAwMi0xMTExLTQxMTEtODExMS0wMDAwMDAwMDAwMDI";

fn set(ids: &[&str]) -> BTreeSet<LicenseId> {
    ids.iter().map(|id| LicenseId::new(*id)).collect()
}

/// Gives `a`, takes `b`.
async fn assign(server: &Server) -> Result<BTreeSet<LicenseId>, CloudError> {
    let (give, take) = ([LicenseId::new("a").into()], [LicenseId::new("b")]);
    WebexWriter::new(&reader(server)).assign(&CloudId::new(BEN), &give, &take).await
}

/// A cloud that answers the patch with `first`, the repeated patch with `then`, and shows
/// `held` when asked.
async fn cloud(
    first: impl Fn() -> Reply + Send + Sync + 'static,
    then: impl Fn() -> Reply + Send + Sync + 'static,
    held: &'static [&'static str],
) -> Server {
    Server::start(move |seen, before| {
        if seen.is("PATCH", "/v1/licenses/users") {
            return Some(if before == 0 { first() } else { then() });
        }
        seen.is("GET", &format!("/v1/people/{BEN_ID}")).then(|| ok(json!({ "licenses": held, "roles": [] })))
    })
    .await
}

#[tokio::test]
async fn one_call_and_what_is_held_afterwards() {
    for status in [200, 206] {
        let server = cloud(
            move || reply(status, r#"{"licenses":["a","free"],"siteUrls":[]}"#),
            || reply(500, ""),
            &[],
        )
        .await;
        assert_eq!(assign(&server).await.unwrap(), set(&["a", "free"]));
        let seen = server.seen();
        assert_eq!(seen.len(), 1);
        assert_eq!(
            seen[0].json(),
            json!({ "personId": BEN_ID, "orgId": ORG_ID,
                    "licenses": [{ "id": "b", "operation": "remove" }, { "id": "a", "operation": "add" }] })
        );
    }
}

#[tokio::test]
async fn an_answer_without_licences_is_followed_by_a_look() {
    let bodies: [fn() -> Reply; 4] = [
        || reply(204, ""),
        || reply(200, "{}"),
        || reply(200, "<html>"),
        || reply(206, r#"{"licenses":null}"#),
    ];
    for body in bodies {
        let server = cloud(body, || reply(500, ""), &["a", "c"]).await;
        assert_eq!(assign(&server).await.unwrap(), set(&["a", "c"]));
    }
}

#[tokio::test]
async fn sites_and_telephones_go_along() {
    let answer = || {
        reply(
            200,
            r#"{"licenses":["pro"],"siteUrls":[{"siteUrl":"T.webex.example","accountType":"ATTENDEE"},
                {"siteUrl":"h.webex.example","accountType":"host"}]}"#,
        )
    };
    let server = cloud(answer, || reply(500, ""), &[]).await;
    let telephone = Telephone {
        place: Some(Place { id: "LOC".into(), name: "Head Office".into() }),
        phone: None,
        extension: Some("2110".into()),
        pool: None,
    };
    let give = [
        Grant { license: LicenseId::new("pro"), telephone: Some(telephone) },
        LicenseId::attendee("T.webex.example").into(),
    ];
    let take = [LicenseId::attendee("u.webex.example")];
    let held = WebexWriter::new(&reader(&server)).assign(&CloudId::new(BEN), &give, &take).await.unwrap();
    assert_eq!(held, set(&["pro", "t.webex.example#attendee"]));
    assert_eq!(
        server.seen()[0].json(),
        json!({ "personId": BEN_ID, "orgId": ORG_ID,
                "licenses": [{ "id": "pro", "operation": "add",
                               "properties": { "locationId": "LOC", "extension": "2110" } }],
                "siteUrls": [{ "siteUrl": "u.webex.example", "accountType": "attendee", "operation": "remove" },
                             { "siteUrl": "t.webex.example", "accountType": "attendee", "operation": "add" }] })
    );
}

#[tokio::test]
async fn nothing_to_change_is_a_look() {
    let server = cloud(|| reply(500, ""), || reply(500, ""), &["a"]).await;
    let held = WebexWriter::new(&reader(&server)).assign(&CloudId::new(BEN), &[], &[]).await;
    assert_eq!(held.unwrap(), set(&["a"]));
    assert_eq!(server.seen()[0].method, "GET");
}

#[tokio::test]
async fn refusals_say_what_to_do() {
    for (status, body, kind, remedy) in [
        (
            400,
            r#"{"message":"x","errors":[{"errorCode":400411,"description":"x"}]}"#,
            CloudErrorKind::Rejected,
            "location",
        ),
        (
            400,
            r#"{"message":"x","errors":[{"errorCode":"700006","description":"x"}]}"#,
            CloudErrorKind::Rejected,
            "screen share",
        ),
        (400, r#"{"message":"x","errors":[{"errorCode":400000}]}"#, CloudErrorKind::Rejected, "catalogue"),
        (400, "", CloudErrorKind::Rejected, "seats may have run out"),
        (404, "", CloudErrorKind::NotFound, ""),
        (403, "", CloudErrorKind::Refused, "spark-admin:people_write"),
        (401, "", CloudErrorKind::Refused, "authorise again"),
    ] {
        let server = cloud(move || reply(status, body), || reply(500, ""), &[]).await;
        let error = assign(&server).await.unwrap_err();
        assert_eq!(error.kind, kind, "{error}");
        assert!(error.remedy.contains(remedy), "{}", error.remedy);
        assert_eq!(server.seen().len(), 1);
    }
}

#[tokio::test]
async fn an_assignment_is_repeated_and_its_own_echo_recognised() {
    let cuts: [fn() -> Reply; 2] = [|| Reply::Cut, || reply(502, "")];
    for cut in cuts {
        let server = cloud(cut, || ok(json!({ "licenses": ["a"] })), &[]).await;
        assert_eq!(assign(&server).await.unwrap(), set(&["a"]));
        // The first sending did it; the second is refused because it is done.
        let server = cloud(cut, || reply(400, r#"{"message":"Already."}"#), &["a"]).await;
        assert_eq!(assign(&server).await.unwrap(), set(&["a"]));
        // It may also be under way still, and the token may have expired in between.
        for status in [400, 401, 403, 409] {
            let server = cloud(cut, move || reply(status, r#"{"message":"No."}"#), &["b"]).await;
            assert_eq!(assign(&server).await.unwrap_err().kind, CloudErrorKind::Ambiguous, "{status}");
        }
    }
    let server = cloud(|| Reply::Cut, || Reply::Cut, &[]).await;
    assert_eq!(assign(&server).await.unwrap_err().kind, CloudErrorKind::Unreachable);
}
