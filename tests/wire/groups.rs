//! Groups: chunks of members, members whom the cloud refuses, and listings that are whole.

use dirsyncd::cloud::webex::WebexWriter;
use dirsyncd::cloud::{CloudErrorKind, CloudRead, CloudWrite, GroupWritten, Order};
use dirsyncd::model::{Action, Attr, Cause, Change, CloudId, Field, Kind, SourceId, Who};
use serde_json::{Value, json};

use crate::reader;
use crate::server::{Seen, Server, ok, reply, scim_error};

fn action(kind: Kind, changes: Vec<Change>) -> Action {
    Action {
        kind,
        anchor: SourceId::new([1; 16]),
        who: Who::Group("Sales".into()),
        dn: None,
        cloud_id: (kind != Kind::GroupCreate).then(|| CloudId::new("g1")),
        changes,
        cause: Cause::Desired,
    }
}

fn member(n: usize, joins: bool) -> Change {
    let email = Some(format!("p{n}@example.com"));
    let (from, to) = if joins { (None, email) } else { (email, None) };
    Change::new(Attr::Member(CloudId::new(format!("u{n:04}"))), from, to)
}

fn ground() -> Vec<Change> {
    vec![
        Change::new(Attr::Field(Field::DisplayName), None, Some("Sales".into())),
        Change::new(Attr::ExternalId, None, Some(SourceId::new([1; 16]).to_string())),
    ]
}

async fn write(server: &Server, action: &Action) -> Result<GroupWritten, CloudErrorKind> {
    let order = Order { action, cloud_id: action.cloud_id.as_ref() };
    WebexWriter::new(&reader(server)).write_group(order).await.map_err(|error| error.kind)
}

/// The members that a request adds.
fn added(seen: &Seen) -> Vec<String> {
    let body = seen.json();
    let list =
        if seen.method == "POST" { body["members"].clone() } else { body["Operations"][0]["value"].clone() };
    let text = |member: &Value| member["value"].as_str().unwrap_or_default().to_owned();
    list.as_array().map(|list| list.iter().map(text).collect()).unwrap_or_default()
}

fn written(refused: &[&str]) -> Result<GroupWritten, CloudErrorKind> {
    Ok(GroupWritten { id: CloudId::new("g1"), refused: refused.iter().map(|id| CloudId::new(*id)).collect() })
}

#[tokio::test]
async fn a_group_is_made_with_its_first_members() {
    let server = Server::start(|seen, _| {
        seen.is("POST", "/v2/Groups").then(|| reply(201, json!({ "id": "g1" }).to_string()))
    })
    .await;
    let changes = ground().into_iter().chain((0..500).map(|n| member(n, true))).collect();
    assert_eq!(write(&server, &action(Kind::GroupCreate, changes)).await, written(&[]));
    let seen = server.seen();
    assert_eq!(seen.len(), 1);
    let body = seen[0].json();
    assert_eq!(body["displayName"], "Sales");
    assert_eq!(body["externalId"], SourceId::new([1; 16]).to_string());
    assert_eq!(body["members"].as_array().unwrap().len(), 500);
    assert_eq!(body["members"][7], json!({ "value": "u0007", "type": "user" }));
}

#[tokio::test]
async fn members_come_and_go_in_one_patch_each() {
    let server = Server::start(|seen, _| seen.is("PATCH", "/v2/Groups/g1").then(|| ok(json!({})))).await;
    let changes = vec![
        Change::new(Attr::Field(Field::DisplayName), Some("Old".into()), Some("Sales".into())),
        member(1, true),
        member(2, false),
        member(3, false),
    ];
    assert_eq!(write(&server, &action(Kind::GroupUpdate, changes)).await, written(&[]));
    let operations: Vec<Value> = server.seen().iter().map(|seen| seen.json()["Operations"].clone()).collect();
    assert_eq!(
        operations,
        [
            json!([{ "op": "replace", "path": "displayName", "value": "Sales" }]),
            json!([
                { "op": "remove", "path": "members[value eq \"u0002\"]" },
                { "op": "remove", "path": "members[value eq \"u0003\"]" }
            ]),
            json!([{ "op": "add", "path": "members", "value": [{ "value": "u0001", "type": "user" }] }]),
        ]
    );
}

#[tokio::test]
async fn one_member_whom_the_cloud_refuses_keeps_nobody_else_out() {
    for (kind, bad) in [
        (Kind::GroupUpdate, &["u0003"][..]),
        (Kind::GroupUpdate, &["u0000", "u0499"]),
        (Kind::GroupCreate, &["u0250"]),
    ] {
        let server = Server::start(move |seen, _| {
            if !seen.path.contains("/v2/Groups") {
                return None;
            }
            let refused = added(seen).iter().any(|id| bad.contains(&id.as_str()));
            Some(if refused {
                reply(400, scim_error(400, None, "members.value is not known").to_string())
            } else {
                reply(if seen.method == "POST" { 201 } else { 200 }, json!({ "id": "g1" }).to_string())
            })
        })
        .await;
        let mut changes = if kind == Kind::GroupCreate { ground() } else { Vec::new() };
        changes.extend((0..500).map(|n| member(n, true)));
        assert_eq!(write(&server, &action(kind, changes)).await, written(bad));
        let accepted: usize = server
            .seen()
            .iter()
            .map(added)
            .filter(|ids| !ids.iter().any(|id| bad.contains(&id.as_str())))
            .map(|ids| ids.len())
            .sum();
        assert_eq!(accepted, 500 - bad.len());
        assert!(server.seen().len() < 45, "halves, not single members: {}", server.seen().len());
    }
}

#[tokio::test]
async fn who_is_no_member_any_more_is_out() {
    let server = Server::start(|seen, _| {
        seen.is("PATCH", "/v2/Groups/g1").then(|| {
            let operations = seen.json()["Operations"].as_array().unwrap().clone();
            if operations.iter().any(|one| one["path"] == "members[value eq \"u0001\"]") {
                reply(400, scim_error(400, Some("noTarget"), "no such member").to_string())
            } else {
                ok(json!({}))
            }
        })
    })
    .await;
    let changes = (0..4).map(|n| member(n, false)).collect();
    assert_eq!(write(&server, &action(Kind::GroupUpdate, changes)).await, written(&[]));
}

#[tokio::test]
async fn a_group_that_takes_nobody_is_an_error_of_the_group() {
    let server = Server::start(|seen, _| {
        seen.is("PATCH", "/v2/Groups/g1")
            .then(|| reply(400, scim_error(400, None, "this group is managed elsewhere").to_string()))
    })
    .await;
    let changes = (0..4).map(|n| member(n, true)).collect();
    assert_eq!(write(&server, &action(Kind::GroupUpdate, changes)).await, Err(CloudErrorKind::Rejected));
}

#[tokio::test]
async fn answers_about_groups_are_told_apart() {
    for (kind, status, want) in [
        (Kind::GroupCreate, 409, Err(CloudErrorKind::Conflict)),
        (Kind::GroupCreate, 403, Err(CloudErrorKind::Refused)),
        (Kind::GroupUpdate, 404, Err(CloudErrorKind::NotFound)),
        (Kind::GroupDelete, 404, written(&[])),
        (Kind::GroupDelete, 204, written(&[])),
    ] {
        let server = Server::start(move |seen, _| {
            seen.path
                .contains("/v2/Groups")
                .then(|| reply(status, scim_error(status, None, "no").to_string()))
        })
        .await;
        let changes = match kind {
            Kind::GroupCreate => ground(),
            Kind::GroupUpdate => vec![member(1, true)],
            _ => Vec::new(),
        };
        assert_eq!(write(&server, &action(kind, changes)).await, want, "{kind} {status}");
    }
    let server =
        Server::start(|seen, _| seen.is("POST", "/v2/Groups").then_some(crate::server::Reply::Cut)).await;
    let create = action(Kind::GroupCreate, ground());
    assert_eq!(write(&server, &create).await, Err(CloudErrorKind::Ambiguous));
    assert_eq!(server.seen().len(), 1, "a create is not sent twice");
}

/// A page of a list of `total`, of at most `cap`.
fn page(seen: &Seen, total: u64, cap: u64, one: impl Fn(u64) -> Value) -> (u64, Vec<Value>) {
    let start = seen.number("startIndex");
    let count = seen.number("count").min(cap);
    (start, (start..start + count).take_while(|n| *n <= total).map(one).collect())
}

#[tokio::test]
async fn members_are_read_whole_or_not_at_all() {
    for (total, shown, cap, name, whole) in [
        (0_u64, 0, 500, "memberSize", true),
        (1203, 1203, 500, "memberSize", true),
        (1203, 1203, 100, "totalResults", true),
        (1203, 1100, 500, "memberSize", false),
    ] {
        let server = Server::start(move |seen, _| {
            seen.is("GET", "/v2/Groups/g1/Members").then(|| {
                let user =
                    |n| json!({ "value": format!("u{n:04}"), "type": if n == 3 { "group" } else { "user" } });
                let (start, members) = page(seen, shown, cap, user);
                let mut body =
                    json!({ "startIndex": start, "itemsPerPage": members.len(), "members": members });
                body[name] = json!(total);
                ok(body)
            })
        })
        .await;
        let members = reader(&server).group_members(&CloudId::new("g1")).await;
        match members {
            Ok(Some(members)) => {
                assert!(whole);
                assert_eq!(members.len() as u64, total.saturating_sub(u64::from(total >= 3)));
            }
            Ok(None) => panic!("the group is there"),
            Err(error) => {
                assert_eq!((error.kind, whole), (CloudErrorKind::Unintelligible, false), "{error}");
            }
        }
    }
    let server = Server::start(|_, _| None).await;
    assert_eq!(reader(&server).group_members(&CloudId::new("g1")).await, Ok(None));
}

#[tokio::test]
async fn groups_are_listed_whole_and_found_by_name() {
    for (announced, whole) in [(250, true), (251, false)] {
        let server = Server::start(move |seen, _| {
            seen.is("GET", "/v2/Groups").then(|| {
                let group = |n| json!({ "id": format!("g{n}"), "displayName": format!("Group {n}"), "externalId": "x" });
                let (start, groups) = page(seen, 250, 100, group);
                ok(json!({ "totalResults": announced, "startIndex": start, "Resources": groups }))
            })
        })
        .await;
        let groups = reader(&server).groups().await.map(|groups| groups.len());
        assert_eq!(
            groups.map_err(|e| e.kind),
            if whole { Ok(250) } else { Err(CloudErrorKind::Unintelligible) }
        );
    }
    // A server that shows more than the filter asked for.
    let server = Server::start(|seen, _| {
        seen.is("GET", "/v2/Groups").then(|| {
            assert_eq!(seen.param("filter").unwrap(), r#"displayName eq "a \"b\"""#);
            ok(json!({ "totalResults": 2, "Resources": [
                { "id": "g1", "displayName": "A \"B\"" }, { "id": "g2", "displayName": "A" }
            ] }))
        })
    })
    .await;
    let found = reader(&server).group_by_name("a \"b\"").await.unwrap();
    assert_eq!(found.iter().map(|group| group.id.as_str()).collect::<Vec<_>>(), ["g1"]);
}
