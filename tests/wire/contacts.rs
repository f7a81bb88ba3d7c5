//! Contacts: lists that are whole, answers that are believed, and what an update sends.

use dirsyncd::cloud::webex::WebexWriter;
use dirsyncd::cloud::{CloudErrorKind, CloudRead, CloudWrite, Order};
use dirsyncd::model::{Action, Attr, Cause, Change, CloudId, Contact, Field, Kind, SourceId, Who};
use serde_json::{Value, json};

use crate::server::{Server, ok, reply};
use crate::{ORG, reader};

fn action(kind: Kind, changes: Vec<Change>) -> Action {
    Action {
        kind,
        anchor: SourceId::new([1; 16]),
        who: Who::Contact("Ann".into()),
        dn: None,
        cloud_id: (kind != Kind::ContactCreate).then(|| CloudId::new("c1")),
        changes,
        cause: Cause::Desired,
    }
}

fn title(from: Option<&str>, to: Option<&str>) -> Change {
    Change::new(Attr::Field(Field::Title), from.map(Into::into), to.map(Into::into))
}

async fn write(server: &Server, action: &Action) -> Result<String, CloudErrorKind> {
    let order = Order { action, cloud_id: action.cloud_id.as_ref() };
    let done = WebexWriter::new(&reader(server)).write_contact(order).await;
    done.map(|id| id.to_string()).map_err(|error| error.kind)
}

fn shown(n: u64) -> Value {
    json!({
        "contactId": format!("c{n}"), "displayName": format!("P{n}"), "source": "CH",
        "emails": [{ "value": format!("p{n}@x.test"), "type": "WORK" }],
    })
}

#[tokio::test]
async fn pages_are_followed_to_their_end() {
    let server = Server::start(|seen, _| {
        seen.is("GET", "/contacts/search").then(|| {
            let start = seen.param("start").map_or(0, |start| start.parse().unwrap());
            assert_eq!(
                (seen.param("source").as_deref(), seen.param("keyword").as_deref()),
                (Some("CH"), Some(""))
            );
            let page: Vec<Value> = (start..(start + 2).min(5)).map(shown).collect();
            let answer = ok(json!({ "result": page, "start": start, "limit": 2, "total": 5 }));
            if start + 2 >= 5 {
                return answer;
            }
            let host = seen.header("host").unwrap();
            let next =
                format!("<http://{host}{}?keyword=&source=CH&start={}>; rel=\"next\"", seen.path, start + 2);
            answer.header("Link", &next)
        })
    })
    .await;
    let all = reader(&server).contacts().await.unwrap();
    assert_eq!(all.len(), 5);
    assert_eq!(all[4].contact.identity(), "p4@x.test");
    let path = format!("/v1/contacts/organizations/{ORG}/contacts/search");
    assert_eq!(server.seen()[0].path, path);
}

#[tokio::test]
async fn a_list_with_a_hole_is_read_again_and_then_proves_nothing() {
    for (holes, whole) in [(1, true), (9, false)] {
        let server = Server::start(move |seen, nth| {
            seen.is("GET", "/contacts/search").then(|| {
                let total = if nth < holes { 3 } else { 2 };
                ok(json!({ "result": [shown(1), shown(2)], "total": total }))
            })
        })
        .await;
        let answer = reader(&server).contacts().await.map(|all| all.len()).map_err(|error| error.kind);
        assert_eq!(answer, if whole { Ok(2) } else { Err(CloudErrorKind::Unintelligible) });
        assert_eq!(server.seen().len(), 2);
    }
}

#[tokio::test]
async fn only_contacts_with_the_same_address_are_alike() {
    let server = Server::start(|seen, _| {
        seen.is("GET", "/contacts/search").then(|| {
            let mut foreign = shown(1);
            foreign["source"] = json!("Webex4Broadworks");
            foreign["contactId"] = json!("b1");
            let mut other = shown(11);
            other["displayName"] = json!("p1@x.test");
            ok(json!({ "result": [foreign, other, shown(1)], "total": 3 }))
        })
    })
    .await;
    let contact = Contact { email: Some("P1@x.test".parse().unwrap()), ..Contact::default() };
    let found = reader(&server).contacts_like(&contact).await.unwrap();
    assert_eq!(found.len(), 1);
    assert_eq!(found[0].id.as_str(), "c1");
    assert_eq!(server.seen()[0].param("keyword").unwrap(), "P1@x.test");
}

#[tokio::test]
async fn every_answer_to_a_write_has_its_meaning() {
    use CloudErrorKind::{Ambiguous, Conflict, Refused, Rejected};
    let change = || vec![title(Some("Buyer"), Some("Chef"))];
    for (kind, status, body, expected) in [
        (Kind::ContactCreate, 201, json!({ "contactId": "new" }), Ok("new")),
        // Made, but nobody knows under which id.
        (Kind::ContactCreate, 201, json!({}), Err(Ambiguous)),
        (Kind::ContactCreate, 400, json!({ "message": "no" }), Err(Rejected)),
        (Kind::ContactCreate, 409, json!({ "message": "no" }), Err(Conflict)),
        (Kind::ContactCreate, 401, json!({ "message": "no" }), Err(Refused)),
        (Kind::ContactUpdate, 200, json!({ "contactId": "c1", "title": "Chef" }), Ok("c1")),
        // An answer without the contact says nothing; one that shows something else says that it was not done.
        (Kind::ContactUpdate, 200, json!({}), Ok("c1")),
        (Kind::ContactUpdate, 200, json!({ "contactId": "c1", "title": "Buyer" }), Err(Rejected)),
        (Kind::ContactUpdate, 404, json!({ "message": "no" }), Err(CloudErrorKind::NotFound)),
        (Kind::ContactDelete, 204, json!(null), Ok("c1")),
        (Kind::ContactDelete, 404, json!({ "message": "no" }), Ok("c1")),
    ] {
        let said = body.clone();
        let server = Server::start(move |seen, _| {
            let write = ["POST", "PATCH", "DELETE"].contains(&seen.method.as_str());
            write.then(|| reply(status, if said.is_null() { String::new() } else { said.to_string() }))
        })
        .await;
        let answer = write(&server, &action(kind, change())).await;
        assert_eq!(answer, expected.map(str::to_owned), "{kind} {status} {body}");
        let seen = server.seen();
        assert_eq!(seen.len(), 1, "{kind} {status}: once");
        let ours = seen[0].path.ends_with("/contacts/c1") || kind == Kind::ContactCreate;
        assert!(ours, "{}", seen[0].path);
    }
}
