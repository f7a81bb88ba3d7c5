//! Bulk calls: every result at its order, and nothing sent twice that must not be.

use dirsyncd::cloud::webex::WebexWriter;
use dirsyncd::cloud::{CloudError, CloudRead, CloudWrite, Order};
use dirsyncd::model::{Action, Attr, Cause, Change, CloudId, Field, Kind, RoleId, SourceId};
use serde_json::{Value, json};

use crate::reader;
use crate::server::{Reply, Seen, Server, ok, reply, scim_error};
use crate::{ORG, ORG_ID};

fn action(kind: Kind, id: Option<&str>, changes: Vec<Change>) -> Action {
    Action {
        kind,
        anchor: SourceId::new([1; 16]),
        who: format!("{}@example.com", id.unwrap_or("new")).parse().unwrap(),
        dn: None,
        cloud_id: id.map(CloudId::new),
        changes,
        cause: Cause::Desired,
    }
}

fn create() -> Action {
    action(Kind::Create, None, vec![Change::new(Attr::Field(Field::Title), None, Some("x".into()))])
}

fn update(id: &str) -> Action {
    let title = Change::new(Attr::Field(Field::Title), Some("a".into()), Some("b".into()));
    action(Kind::Update, Some(id), vec![title])
}

fn delete(id: &str) -> Action {
    action(Kind::Delete, Some(id), vec![])
}

async fn write(server: &Server, actions: &[Action]) -> Vec<Result<CloudId, CloudError>> {
    let orders: Vec<Order<'_>> =
        actions.iter().map(|action| Order { action, cloud_id: action.cloud_id.as_ref() }).collect();
    let results = WebexWriter::new(&reader(server)).write(&orders).await;
    assert_eq!(results.len(), actions.len());
    results
}

/// `Ok` with the id, or the kind of the error, as a word.
fn words(results: &[Result<CloudId, CloudError>]) -> Vec<String> {
    results
        .iter()
        .map(|result| match result {
            Ok(id) => id.as_str().to_owned(),
            Err(error) => format!("{:?}", error.kind),
        })
        .collect()
}

/// Answers a bulk call operation by operation.
fn each(seen: &Seen, key: &str, answer: impl Fn(&Value) -> Value) -> Option<Reply> {
    seen.is("POST", "/v2/Bulk").then(|| {
        let list: Vec<Value> = seen
            .operations()
            .iter()
            .map(|operation| {
                let mut result = answer(operation);
                result["method"] = operation["method"].clone();
                result["bulkId"] = operation["bulkId"].clone();
                result
            })
            .collect();
        ok(json!({ "schemas": ["urn:ietf:params:scim:api:messages:2.0:BulkResponse"], key: list }))
    })
}

/// What a healthy cloud says to an operation.
fn good(operation: &Value) -> Value {
    match operation["method"].as_str().unwrap() {
        "POST" => {
            json!({ "status": "201", "location": format!("https://x/v2/Users/id-of-{}", operation["bulkId"].as_str().unwrap()) })
        }
        "PATCH" => {
            json!({ "status": "200", "location": format!("https://x/v2{}", operation["path"].as_str().unwrap()) })
        }
        _ => json!({ "status": "204" }),
    }
}

#[tokio::test]
async fn a_batch_is_one_call_and_every_result_has_its_order() {
    for key in ["Operations", "operations"] {
        let server = Server::start(move |seen, _| each(seen, key, good)).await;
        let results = write(&server, &[create(), update("u1"), delete("u2"), create()]).await;
        assert_eq!(words(&results), ["id-of-op-0", "u1", "u2", "id-of-op-3"], "{key}");
        let seen = server.seen();
        assert_eq!(seen.len(), 1);
        assert_eq!(seen[0].path, format!("/identity/scim/{ORG}/v2/Bulk"));
        let operations = seen[0].operations();
        assert_eq!(operations[0]["data"]["userName"], "new@example.com");
        assert_eq!(operations[0]["data"]["title"], "x");
        assert_eq!(operations[1]["path"], "/Users/u1");
        assert_eq!(
            operations[1]["data"]["Operations"],
            json!([{ "op": "replace", "path": "title", "value": "b" }])
        );
        assert_eq!((&operations[2]["method"], operations[2].get("data")), (&json!("DELETE"), None));
    }
}

#[tokio::test]
async fn more_than_a_call_holds_becomes_more_calls() {
    let server = Server::start(|seen, _| each(seen, "Operations", good)).await;
    let actions: Vec<Action> = (0..205).map(|n| update(&format!("u{n}"))).collect();
    let results = write(&server, &actions).await;
    assert!(results.iter().zip(&actions).all(|(r, a)| r.as_ref().ok() == a.cloud_id.as_ref()));
    let sizes: Vec<usize> = server.seen().iter().map(|seen| seen.operations().len()).collect();
    assert_eq!(sizes, [100, 100, 5]);
}

#[tokio::test]
async fn trouble_with_one_stays_with_one() {
    let server = Server::start(|seen, _| {
        each(seen, "Operations", |operation| {
            let failed = |status: u16, details: &str| {
                json!({ "status": status.to_string(), "response": scim_error(status, None, details) })
            };
            match operation["path"].as_str().unwrap() {
                "/Users" => failed(409, "The userName is already in use."),
                "/Users/gone" => failed(404, "Not there."),
                "/Users/bad" => failed(400, "The title of ann@example.com is odd."),
                "/Users/holy" => failed(403, "Not this one."),
                "/Users/silent" => json!({ "status": 400 }),
                _ => good(operation),
            }
        })
        .or_else(|| seen.path.contains("/v2/Users/").then(|| ok(json!({ "id": "x" }))))
    })
    .await;
    let results = write(
        &server,
        &[
            create(),
            update("gone"),
            delete("gone"),
            update("bad"),
            update("holy"),
            update("silent"),
            update("fine"),
        ],
    )
    .await;
    assert_eq!(words(&results), ["Conflict", "NotFound", "gone", "Rejected", "Rejected", "Rejected", "fine"]);
    let error = results[0].as_ref().unwrap_err();
    assert_eq!(
        error.what,
        "POST /Users was answered with status 409: The userName is already in use. [100101]"
    );
    assert_eq!(error.tracking_id.as_deref(), Some("NA_1"));
    assert!(error.remedy.contains("address"));
    assert!(results[3].as_ref().unwrap_err().what.contains("The title of <address> is odd."));
    assert!(results[5].as_ref().unwrap_err().what.contains("no explanation"));
}

#[tokio::test]
async fn an_element_that_is_not_there_is_added_after_a_look() {
    let server = Server::start(|seen, before| {
        each(seen, "Operations", |operation| {
            if before == 0 && operation["path"] == "/Users/u1" {
                json!({ "status": "400", "response": scim_error(400, Some("noTarget"), "No value matches.") })
            } else {
                good(operation)
            }
        })
        .or_else(|| {
            seen.is("GET", "/v2/Users/u1").then(|| {
                ok(json!({ "id": "u1", "phoneNumbers": [{ "type": "mobile", "value": "1" }],
                           "addresses": [{ "type": "home", "locality": "York" }] }))
            })
        })
    })
    .await;
    let change = |field, from: Option<&str>, to: Option<&str>| {
        Change::new(Attr::Field(field), from.map(Into::into), to.map(Into::into))
    };
    let patient = action(
        Kind::Update,
        Some("u1"),
        vec![
            change(Field::City, None, Some("Leeds")),
            change(Field::PostalCode, None, Some("LS1")),
            change(Field::PhoneMobile, Some("1"), Some("2")),
            change(Field::PhoneFax, Some("3"), None),
        ],
    );
    let results = write(&server, &[patient, update("u2")]).await;
    assert_eq!(words(&results), ["u1", "u2"]);
    let seen = server.seen();
    assert_eq!(seen.len(), 3, "call, look, call");
    let second = seen[2].operations();
    assert_eq!(second.len(), 1, "who is done is not sent again");
    assert_eq!(
        second[0]["data"]["Operations"],
        json!([
            { "op": "replace", "path": r#"phoneNumbers[type eq "mobile"].value"#, "value": "2" },
            { "op": "add", "path": "addresses", "value": [{ "type": "work", "locality": "Leeds", "postalCode": "LS1" }] },
        ])
    );
}

#[tokio::test]
async fn a_cut_after_sending_leaves_creates_in_doubt_and_repeats_the_rest() {
    let cuts: [fn() -> Reply; 5] = [
        || Reply::Cut,
        || Reply::CutBody,
        || reply(504, ""),
        || reply(503, "<html>upstream</html>"),
        || reply(500, ""),
    ];
    for cut in cuts {
        let server = Server::start(move |seen, before| {
            if before == 0 && seen.is("POST", "/v2/Bulk") {
                Some(cut())
            } else {
                each(seen, "Operations", good)
            }
        })
        .await;
        let results = write(&server, &[create(), update("u1"), delete("u2")]).await;
        assert_eq!(words(&results), ["Ambiguous", "u1", "u2"]);
        let seen = server.seen();
        assert_eq!(seen.len(), 2);
        assert!(
            seen[1].operations().iter().all(|operation| operation["method"] != "POST"),
            "no create twice"
        );
    }
}

#[tokio::test]
async fn a_batch_without_creates_is_simply_repeated() {
    let server = Server::start(|seen, before| {
        if before < 2 && seen.is("POST", "/v2/Bulk") {
            Some(Reply::Cut)
        } else {
            each(seen, "Operations", good)
        }
    })
    .await;
    assert_eq!(words(&write(&server, &[update("u1"), delete("u2")]).await), ["u1", "u2"]);
    assert_eq!(server.seen().len(), 3);
}

#[tokio::test]
async fn a_create_that_never_left_is_not_in_doubt() {
    // The organization is found, and then nobody is at home.
    let server = Server::start(|seen, _| {
        (seen.path == "/v1/organizations").then(|| {
            ok(json!({ "items": [{ "id": ORG_ID, "displayName": "Lumen Forge" }] }))
                .header("Connection", "close")
        })
    })
    .await;
    let reader = reader(&server);
    reader.catalogue().await.unwrap_err();
    server.close().await;
    let new = create();
    let results = WebexWriter::new(&reader).write(&[Order { action: &new, cloud_id: None }]).await;
    assert_eq!(words(&results), ["Unreachable"]);
    assert!(results[0].as_ref().unwrap_err().what.contains("no connection"), "{results:?}");
}

#[tokio::test]
async fn throttled_creates_were_not_done_and_go_again() {
    let server = Server::start(|seen, before| {
        if before == 0 && seen.is("POST", "/v2/Bulk") {
            return Some(reply(429, "").header("Retry-After", "0"));
        }
        each(
            seen,
            "Operations",
            |operation| {
                if before == 1 { json!({ "status": "429" }) } else { good(operation) }
            },
        )
    })
    .await;
    assert_eq!(words(&write(&server, &[create(), update("u1")]).await), ["id-of-op-0", "u1"]);
    assert_eq!(server.seen().len(), 3);
}

#[tokio::test]
async fn a_result_that_is_missing_is_a_doubt_for_creates_only() {
    let server = Server::start(|seen, before| {
        if before == 0 && seen.is("POST", "/v2/Bulk") {
            return Some(ok(json!({ "Operations": [{ "bulkId": "op-2", "status": "204" }] })));
        }
        each(seen, "Operations", good)
    })
    .await;
    assert_eq!(
        words(&write(&server, &[create(), update("u1"), delete("u2")]).await),
        ["Ambiguous", "u1", "u2"]
    );
    assert_eq!(server.seen()[1].operations().len(), 1);
}

#[tokio::test]
async fn an_answer_that_cannot_be_read() {
    let server =
        Server::start(|seen, _| seen.is("POST", "/v2/Bulk").then(|| reply(200, "<html>hello</html>"))).await;
    assert_eq!(words(&write(&server, &[create(), update("u1")]).await), ["Ambiguous", "Unintelligible"]);
    let server = Server::start(|seen, _| each(seen, "Operations", |_| json!({ "status": "201" }))).await;
    assert_eq!(words(&write(&server, &[create()]).await), ["Ambiguous"], "created, but who is it?");
}

#[tokio::test]
async fn one_operation_that_spoils_the_call_does_not_stop_the_others() {
    let server = Server::start(|seen, _| {
        if !seen.is("POST", "/v2/Bulk") {
            return None;
        }
        if seen.operations().iter().any(|operation| operation["path"] == "/Users/poison") {
            return Some(reply(400, r#"{"message":"Malformed."}"#));
        }
        each(seen, "Operations", good)
    })
    .await;
    let names = ["a", "b", "c", "poison", "d", "e", "f"];
    let actions: Vec<Action> = names.iter().map(|name| update(name)).collect();
    assert_eq!(words(&write(&server, &actions).await), ["a", "b", "c", "Rejected", "d", "e", "f"]);
}

#[tokio::test]
async fn a_refused_token_stops_all_that_follows() {
    for (status, body, remedy) in [
        (401, "", "authorise again"),
        (403, r#"{"message":"Missing required scopes or roles."}"#, "identity:people_rw"),
        (404, "", "base_url"),
    ] {
        let server =
            Server::start(move |seen, _| seen.is("POST", "/v2/Bulk").then(|| reply(status, body))).await;
        let results = write(&server, &[create(), update("u1")]).await;
        assert_eq!(words(&results), ["Refused", "Refused"]);
        assert!(results[0].as_ref().unwrap_err().remedy.contains(remedy));
        assert_eq!(server.seen().len(), 1);
    }
    let server = Server::start(|seen, _| {
        each(
            seen,
            "Operations",
            |_| json!({ "status": "403", "response": scim_error(403, None, "Directory sync is enabled.") }),
        )
    })
    .await;
    let results = write(&server, &[update("u1")]).await;
    assert_eq!(words(&results), ["Refused"]);
    assert!(results[0].as_ref().unwrap_err().remedy.contains("Cisco Directory Connector"));
}

#[tokio::test]
async fn a_service_that_fails_in_the_middle() {
    let server = Server::start(|seen, _| {
        if let Some(id) = seen.path.split("/v2/Users/").nth(1) {
            return Some(ok(json!({ "id": id, "title": if id == "done" { "b" } else { "a" } })));
        }
        each(seen, "Operations", |operation| {
            if operation["path"] == "/Users/fine" { good(operation) } else { json!({ "status": 500 }) }
        })
    })
    .await;
    let results = write(&server, &[create(), update("ill"), update("fine"), update("done")]).await;
    assert_eq!(words(&results), ["Ambiguous", "Rejected", "fine", "done"]);
    assert_eq!(server.seen().len(), 6, "the patches are tried four times, the create once; two looks");
}

#[tokio::test]
async fn taking_a_role_reads_and_writes_what_is_left() {
    let server = Server::start(|seen, _| {
        each(seen, "Operations", good).or_else(|| {
            seen.is("GET", "/v2/Users/u1").then(|| {
                ok(json!({ "id": "u1", "roles": [
                    { "value": "id_full_admin", "type": "cirole", "display": "Full" },
                    { "value": "id_user_admin", "type": "cirole" } ] }))
            })
        })
    })
    .await;
    let take = Change::new(Attr::Role(RoleId::new("id_user_admin")), Some(Change::HELD.into()), None);
    let gone = Change::new(Attr::Role(RoleId::new("id_device_admin")), Some(Change::HELD.into()), None);
    let results = write(
        &server,
        &[action(Kind::RoleChange, Some("u1"), vec![take]), action(Kind::RoleChange, Some("u1"), vec![gone])],
    )
    .await;
    assert_eq!(words(&results), ["u1", "u1"]);
    let bulk = server.seen().pop().unwrap();
    let operations = bulk.operations();
    assert_eq!(operations.len(), 1, "a role that is not held needs no call");
    assert_eq!(
        operations[0]["data"]["Operations"],
        json!([{ "op": "replace", "path": "roles", "value": [{ "value": "id_full_admin", "type": "cirole", "display": "Full" }] }])
    );
}

#[tokio::test]
async fn orders_that_make_no_sense_are_our_fault_and_not_sent() {
    let server = Server::start(|_, _| None).await;
    let results = write(
        &server,
        &[
            action(Kind::Update, None, vec![]),
            action(Kind::LicenseAdd, Some("u1"), vec![]),
            action(Kind::Update, Some("u2"), vec![]),
        ],
    )
    .await;
    assert_eq!(words(&results), ["Rejected", "Rejected", "u2"], "an empty change is done");
    assert!(server.seen().is_empty());
}

/// A cloud that loses the first answer, refuses each operation of the second call with `status`, or
/// that call, and shows of every account the title that its id says.
async fn forgetful(status: u16, whole: bool) -> Server {
    Server::start(move |seen, before| {
        if let Some(id) = seen.path.split("/v2/Users/").nth(1) {
            let user = json!({ "id": id, "title": if id == "done" { "b" } else { "a" } });
            return Some(if id == "gone" { reply(404, "") } else { ok(user) });
        }
        if before == 0 && seen.is("POST", "/v2/Bulk") {
            return Some(Reply::Cut);
        }
        if whole && seen.is("POST", "/v2/Bulk") {
            return Some(reply(status, "{}"));
        }
        each(seen, "Operations", |_| json!({ "status": status, "response": scim_error(status, None, "No.") }))
    })
    .await
}

#[tokio::test]
async fn a_refusal_after_a_lost_answer_is_believed_only_by_the_account() {
    for status in [400, 403, 404, 409] {
        for with_create in [false, true] {
            let server = forgetful(status, false).await;
            let mut actions = vec![update("done"), update("open"), update("gone"), delete("gone")];
            actions.extend(with_create.then(create));
            let results = write(&server, &actions).await;
            let mut expected = vec!["done", "Ambiguous", "NotFound", "gone"];
            expected.extend(with_create.then_some("Ambiguous"));
            assert_eq!(words(&results), expected, "{status}");
            let open = results[1].as_ref().unwrap_err();
            assert!(open.what.contains("may have been carried out"), "{open}");
        }
    }
}

#[tokio::test]
async fn a_call_refused_after_a_lost_answer_proves_nothing_either() {
    // The token expired in between: whatever is in doubt stays so, without asking.
    let server = forgetful(401, true).await;
    assert_eq!(words(&write(&server, &[update("done"), update("open")]).await), ["Ambiguous", "Ambiguous"]);
    assert_eq!(server.seen().len(), 2);
    // One of them may spoil the call, which is halved; the accounts are looked at all the same.
    let server = forgetful(400, true).await;
    assert_eq!(words(&write(&server, &[update("done"), update("open")]).await), ["done", "Ambiguous"]);
}

#[tokio::test]
async fn being_told_to_wait_after_a_lost_answer_is_no_answer() {
    let server = Server::start(|seen, before| {
        seen.is("POST", "/v2/Bulk")
            .then(|| if before == 0 { Reply::Cut } else { reply(429, "").header("Retry-After", "100000") })
    })
    .await;
    assert_eq!(words(&write(&server, &[update("u1")]).await), ["Ambiguous"]);
}
