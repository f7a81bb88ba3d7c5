//! The organization, its catalogue and roles, single accounts, and holders of licences.

use std::collections::BTreeSet;

use dirsyncd::cloud::webex::WebexReader;
use dirsyncd::cloud::{CloudError, CloudErrorKind, CloudRead, Organization};
use dirsyncd::model::{CloudId, Email, LicenseId, LicenseKind};
use serde_json::{Value, json};
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

use crate::server::{Reply, Server, ok, reply};
use crate::{ORG, ORG_ID, reader, settings, tempo};

const ADA: &str = "aa000001-1111-4111-8111-000000000001";
const ADA_ID: &str = "Y2lzY29zcGFyazovL3VzL1BFT1BMRS9hYTAwMDAwMS0xMTExLTQxMTEtODExMS0wMDAwMDAwMDAwMDE";
const BEN: &str = "aa000002-1111-4111-8111-000000000002";
const BEN_ID: &str = "Y2lzY29zcGFyazovL3VzL1BFT1BMRS9hYTAwMDAwMi0xMTExLTQxMTEtODExMS0wMDAwMDAwMDAwMDI";
const CLEO: &str = "aa000003-1111-4111-8111-000000000003";
const CLEO_ID: &str = "Y2lzY29zcGFyazovL3VzL1BFT1BMRS9hYTAwMDAwMy0xMTExLTQxMTEtODExMS0wMDAwMDAwMDAwMDM";
const MESSAGING: &str = "Y2lzY29zcGFyazovL3VzL0xJQ0VOU0UvM2QxZjdhNTItNmEwZS00YzU4LTliN2UtMGExMWNlMDAwMDAxOk1TX2RkMDAwMDAxLTQ0NDQtNDQ0NC04NDQ0LTAwMDAwMDAwMDAwMQ";
const FREE: &str = "Y2lzY29zcGFyazovL3VzL0xJQ0VOU0UvM2QxZjdhNTItNmEwZS00YzU4LTliN2UtMGExMWNlMDAwMDAxOkZNU19kZDAwMDAwNC00NDQ0LTQ0NDQtODQ0NC0wMDAwMDAwMDAwMDQ";

async fn organization(
    wanted: Option<&str>,
    items: Value,
    me: (u16, &'static str),
) -> Result<Organization, CloudError> {
    let server = Server::start(move |seen, _| {
        Some(match seen.path.as_str() {
            "/v1/organizations" => ok(json!({ "items": items })),
            "/v1/people/me" => reply(me.0, me.1),
            _ => return None,
        })
    })
    .await;
    let mut settings = settings(&server.url);
    settings.organization = wanted.map(Into::into);
    WebexReader::connect_with(settings, tempo(), CancellationToken::new()).unwrap().organization().await
}

#[tokio::test]
async fn the_organization_is_the_one_that_was_meant() {
    let nobody = (404, "");
    let one = json!([{ "id": ORG_ID, "displayName": "Lumen Forge" }]);
    let other = "Y2lzY29zcGFyazovL3VzL09SR0FOSVpBVElPTi9vdGhlcg";
    let two =
        json!([{ "id": other, "displayName": "Other" }, { "id": ORG_ID, "displayName": "Lumen Forge" }]);
    let twins = json!([{ "id": other, "displayName": "Lumen Forge" }, { "id": ORG_ID, "displayName": "Lumen Forge" }]);

    for (wanted, items) in [
        (None, &one),
        (Some(ORG), &two),
        (Some("3D1F7A52-6A0E-4C58-9B7E-0A11CE000001"), &two),
        (Some(ORG_ID), &twins),
        (Some("Lumen Forge"), &two),
    ] {
        let found = organization(wanted, items.clone(), nobody).await.unwrap();
        assert_eq!(
            (found.id.as_str(), found.name.as_str(), found.me),
            (ORG, "Lumen Forge", None),
            "{wanted:?}"
        );
    }
    for (wanted, items, says) in [
        (None, &two, "Other (other), Lumen Forge"),
        (Some("Lumen Forge"), &twins, "several organizations have the name"),
        (Some("Nobody"), &two, "does not see the organization"),
        (None, &json!([]), "does not see any organization"),
    ] {
        let error = organization(wanted, items.clone(), nobody).await.unwrap_err();
        assert_eq!(error.kind, CloudErrorKind::Refused);
        assert!(error.what.contains(says), "{error}");
    }
}

#[tokio::test]
async fn who_we_are_is_known_or_nobody_but_never_forgotten_in_trouble() {
    let one = json!([{ "id": ORG_ID, "displayName": "Lumen Forge" }]);
    let me: &'static str =
        r#"{"id":"Y2lzY29zcGFyazovL3VzL1BFT1BMRS9hYTAwMDAwMS0xMTExLTQxMTEtODExMS0wMDAwMDAwMDAwMDE"}"#;
    assert_eq!(organization(None, one.clone(), (200, me)).await.unwrap().me, Some(CloudId::new(ADA)));
    for status in [400, 401, 403, 404] {
        assert_eq!(organization(None, one.clone(), (status, "")).await.unwrap().me, None);
    }
    assert_eq!(organization(None, one, (503, "")).await.unwrap_err().kind, CloudErrorKind::Unreachable);
}

#[tokio::test]
async fn the_catalogue_is_read_for_the_organization() {
    let server = Server::start(|seen, _| {
        seen.is("GET", "/v1/licenses").then(|| {
            ok(json!({ "items": [
                { "id": MESSAGING, "name": "Advanced Messaging", "totalUnits": 250, "consumedUnits": 250,
                  "consumedByUsers": 250, "consumedByWorkspaces": 0, "subscriptionId": "Sub100042" },
                { "id": FREE, "name": "Basic Messaging", "totalUnits": 412, "consumedUnits": 412 } ] }))
        })
    })
    .await;
    let catalogue = reader(&server).catalogue().await.unwrap();
    let [messaging, free] = catalogue.0.as_slice() else { panic!() };
    assert_eq!(
        (messaging.id.as_str(), messaging.kind, messaging.free_seats()),
        (MESSAGING, LicenseKind::Paid, Some(0))
    );
    assert_eq!(messaging.service.as_deref(), Some("message.messaging"));
    assert_eq!((free.kind, free.total), (LicenseKind::Free, None));
    assert_eq!(server.seen()[0].param("orgId").as_deref(), Some(ORG_ID));
}

#[tokio::test]
async fn an_account_by_id() {
    let server = Server::start(|seen, _| {
        seen.is("GET", &format!("/identity/scim/{ORG}/v2/Users/{BEN}"))
            .then(|| ok(json!({ "id": BEN, "userName": "ben@example.com", "active": "false" })))
    })
    .await;
    let reader = reader(&server);
    let found = reader.account(&CloudId::new(BEN)).await.unwrap().unwrap();
    assert_eq!((found.id.as_str(), found.active), (BEN, false));
    assert_eq!(reader.account(&CloudId::new(ADA)).await.unwrap(), None);
    assert_eq!(reader.account(&CloudId::new("../Groups/x?y")).await.unwrap(), None);
    let last = server.seen().pop().unwrap();
    assert!(last.path.ends_with("/v2/Users/..%2FGroups%2Fx%3Fy") && last.query.is_empty(), "{last:?}");
}

#[tokio::test]
async fn an_account_by_address() {
    let server = Server::start(|seen, _| {
        if !seen.is("GET", "/v2/Users") {
            return None;
        }
        let user = |id: &str, name: &str| json!({ "id": id, "userName": name, "userType": "user" });
        let users = match seen.param("filter").unwrap().as_str() {
            r#"userName eq "ben@example.com""# => vec![user(BEN, "Ben@Example.com")],
            r#"userName eq "twice@example.com""# => {
                vec![user("a", "twice@example.com"), user("b", "Twice@example.com")]
            }
            r#"userName eq "deaf@example.com""# => {
                vec![user("a", "any@example.com"), user("b", "body@example.com")]
            }
            r#"userName eq "room@example.com""# => {
                vec![json!({ "id": "r", "userName": "room@example.com", "userType": "room" })]
            }
            r#"userName eq "bad@example.com""# => return Some(reply(400, "")),
            _ => vec![],
        };
        Some(ok(json!({ "totalResults": users.len(), "Resources": users })))
    })
    .await;
    let reader = reader(&server);
    let find = async |address: &str| {
        reader
            .account_by_email(&address.parse::<Email>().unwrap())
            .await
            .map(|a| a.map(|a| a.id.as_str().to_owned()))
    };
    assert_eq!(find("ben@example.com").await.unwrap().as_deref(), Some(BEN));
    assert_eq!(find("BEN@example.COM").await.unwrap().as_deref(), Some(BEN), "another spelling of the same");
    assert_eq!(find("deaf@example.com").await.unwrap(), None, "a server that ignores the filter");
    assert_eq!(find("room@example.com").await.unwrap().as_deref(), Some("r"), "it has the address");
    assert_eq!(find("o'hara+x&y=z@example.com").await.unwrap(), None);
    assert_eq!(
        server.seen().pop().unwrap().param("filter").unwrap(),
        r#"userName eq "o'hara+x&y=z@example.com""#
    );
    assert_eq!(find("twice@example.com").await.unwrap_err().kind, CloudErrorKind::Unintelligible);
    let error = find("bad@example.com").await.unwrap_err();
    assert_eq!(error.kind, CloudErrorKind::Rejected);
    assert!(!format!("{error:?}").contains("bad@example.com"), "no query in an error: {error:?}");
}

async fn holders(server: &Server) -> (Vec<String>, Result<u64, CloudError>) {
    let reader = reader(server);
    let license = LicenseId::new(MESSAGING);
    let (send, mut receive) = mpsc::channel::<Vec<CloudId>>(1);
    let gather = async {
        let mut all = Vec::new();
        while let Some(batch) = receive.recv().await {
            all.extend(batch.into_iter().map(|id| id.as_str().to_owned()));
        }
        all
    };
    let (result, all) = tokio::join!(reader.holders(&license, send), gather);
    (all, result)
}

fn linked(body: Value, next: &str) -> Reply {
    ok(body).header("Link", &format!("<{next}>; rel=\"next\""))
}

#[tokio::test]
async fn holders_come_on_all_pages_even_when_a_link_forgets_half() {
    let server = Server::start(|seen, _| {
        if !seen.path.ends_with(MESSAGING) {
            return None;
        }
        let here = format!("http://{}{}", seen.header("host").unwrap(), seen.path);
        Some(match seen.param("next").as_deref() {
            // The cursor is kept as written, and the parameters that it lost are added.
            None => linked(
                json!({ "users": [{ "id": ADA_ID, "type": "INTERNAL" }, { "id": "x", "type": "EXTERNAL" }] }),
                &format!("{here}?next=a%2Fb+c"),
            )
            .header("Link", &format!("<{here}>; rel=\"first\"")),
            // An empty page is not the end.
            Some("a/b c") => linked(
                json!({ "users": [] }),
                &format!("{}?includeAssignedTo=user&limit=300&next=2", seen.path),
            ),
            Some("2") => linked(json!({ "users": [{ "id": BEN_ID }] }), &format!("{here}?next=3")),
            _ => ok(json!({ "users": [{ "id": CLEO, "type": "INTERNAL" }] })),
        })
    })
    .await;
    assert_eq!(holders(&server).await, (vec![ADA.into(), BEN.into(), CLEO.into()], Ok(3)));
    let seen = server.seen();
    assert_eq!(seen.len(), 4);
    for request in &seen {
        assert_eq!(request.param("includeAssignedTo").as_deref(), Some("user"), "{request:?}");
        assert_eq!(request.param("limit").as_deref(), Some("300"));
    }
    assert!(seen[1].query.contains("next=a%2Fb+c"), "{}", seen[1].query);
    assert_eq!(seen[2].query.matches("limit").count(), 1, "nothing is added twice");
}

#[tokio::test]
async fn a_link_to_strangers_or_in_a_circle_is_an_error() {
    let server = Server::start(|seen, _| {
        seen.path.ends_with(MESSAGING).then(|| linked(json!({ "users": [] }), "https://evil.example/x"))
    })
    .await;
    let error = holders(&server).await.1.unwrap_err();
    assert_eq!(error.kind, CloudErrorKind::Unintelligible);
    assert!(error.what.contains("another host"), "{error}");

    let server = Server::start(|seen, _| {
        seen.path.ends_with(MESSAGING).then(|| linked(json!({}), &format!("{}?next=1", seen.path)))
    })
    .await;
    assert!(holders(&server).await.1.unwrap_err().what.contains("circle"));
    assert!(server.seen().len() <= 3);
}

#[tokio::test]
async fn the_licences_of_one_account() {
    let server = Server::start(|seen, _| {
        Some(match seen.path.strip_prefix("/v1/people/")? {
            id if id == ADA_ID => ok(json!({ "licenses": [MESSAGING, FREE], "roles": [] })),
            id if id == BEN_ID => ok(json!({ "id": BEN_ID, "roles": [] })),
            id if id == CLEO_ID => ok(json!({ "id": CLEO_ID })),
            _ => return None,
        })
    })
    .await;
    let reader = reader(&server);
    let licenses = async |id: &str| reader.licenses_of(&CloudId::new(id)).await;
    assert_eq!(
        licenses(ADA).await.unwrap(),
        BTreeSet::from([LicenseId::new(MESSAGING), LicenseId::new(FREE)])
    );
    assert_eq!(licenses(BEN).await.unwrap(), BTreeSet::new());
    assert_eq!(
        licenses(CLEO).await.unwrap_err().kind,
        CloudErrorKind::Refused,
        "a token that sees no licences"
    );
    assert_eq!(licenses("nobody").await.unwrap_err().kind, CloudErrorKind::NotFound);
}
