//! The listing of accounts: whole, or an error.

use std::collections::BTreeSet;
use std::sync::atomic::{AtomicU64, Ordering};

use dirsyncd::cloud::{CloudError, CloudErrorKind, CloudRead};
use dirsyncd::model::Account;
use serde_json::{Value, json};
use tokio::sync::mpsc;

use crate::reader;
use crate::server::{Reply, Seen, Server, ok, reply};

fn user(n: u64) -> Value {
    json!({ "id": format!("u{n:05}"), "userName": format!("u{n}@example.com"), "userType": "user", "active": true })
}

/// A page of the listing of users `1..=total`, of at most `cap`.
fn page(seen: &Seen, total: u64, cap: u64) -> Reply {
    let start = seen.number("startIndex");
    let count = seen.number("count").min(cap);
    let users: Vec<Value> = (start..start + count).take_while(|n| *n <= total).map(user).collect();
    ok(json!({ "totalResults": total, "itemsPerPage": users.len(), "startIndex": start, "Resources": users }))
}

/// Everything that was sent, and how it ended.
async fn collect(server: &Server) -> (Vec<String>, Result<u64, CloudError>) {
    let reader = reader(server);
    let (send, mut receive) = mpsc::channel::<Vec<Account>>(2);
    let gather = async {
        let mut all = Vec::new();
        while let Some(batch) = receive.recv().await {
            all.extend(batch.into_iter().map(|account| account.id.as_str().to_owned()));
        }
        all
    };
    let (result, all) = tokio::join!(reader.accounts(send), gather);
    (all, result)
}

fn distinct(ids: &[String]) -> usize {
    ids.iter().collect::<BTreeSet<_>>().len()
}

#[tokio::test]
async fn all_pages_arrive_whatever_size_the_server_likes() {
    for (total, cap) in [(0, 100), (1, 100), (100, 100), (101, 100), (250, 100), (250, 37), (1000, 7)] {
        let server =
            Server::start(move |seen, _| seen.is("GET", "/v2/Users").then(|| page(seen, total, cap))).await;
        let (ids, result) = collect(&server).await;
        assert_eq!(result, Ok(total), "{total} by {cap}");
        assert_eq!((ids.len(), distinct(&ids)), (total as usize, total as usize));
        assert_eq!(server.seen().len() as u64, total.div_ceil(cap.min(100)).max(1), "no page twice");
        assert!(server.seen().iter().all(|seen| seen.param("sortBy").as_deref() == Some("id")));
    }
}

#[tokio::test]
async fn a_server_that_shrinks_its_pages_later_loses_nobody() {
    let server = Server::start(|seen, before| {
        seen.is("GET", "/v2/Users").then(|| page(seen, 230, if before == 0 { 50 } else { 20 }))
    })
    .await;
    let (ids, result) = collect(&server).await;
    assert_eq!((result, distinct(&ids)), (Ok(230), 230));
}

#[tokio::test]
async fn calling_services_are_counted_and_not_shown() {
    let server = Server::start(|seen, _| {
        seen.is("GET", "/v2/Users").then(|| {
            ok(json!({ "totalResults": 3, "itemsPerPage": 3, "Resources": [
                { "id": "a", "userName": "a@example.com", "userType": "room" },
                { "id": "b", "userName": "b@example.com" },
                { "id": "c", "userName": "c@example.com", "userType": "calling_service" } ] }))
        })
    })
    .await;
    assert_eq!(collect(&server).await, (vec!["a".to_owned(), "b".to_owned()], Ok(2)));
}

#[tokio::test]
async fn a_hole_that_stays_is_an_error() {
    // Announces one more than it shows; ends with an empty page; shows one twice.
    let scripts: [fn(&Seen) -> Reply; 3] = [
        |_| ok(json!({ "totalResults": 3, "itemsPerPage": 3, "Resources": [user(1), user(2)] })),
        |seen| {
            let empty = seen.number("startIndex") > 100;
            ok(json!({ "totalResults": 150, "itemsPerPage": 100,
                "Resources": if empty { Vec::new() } else { (1..=100).map(user).collect() } }))
        },
        |seen| {
            let start = seen.number("startIndex");
            let users: Vec<Value> = (start..start + 2).map(|n| user(if n == 3 { 2 } else { n })).collect();
            ok(json!({ "totalResults": 6, "itemsPerPage": 2, "Resources": users }))
        },
    ];
    for script in scripts {
        let server = Server::start(move |seen, _| seen.is("GET", "/v2/Users").then(|| script(seen))).await;
        let (ids, result) = collect(&server).await;
        let error = result.unwrap_err();
        assert_eq!(error.kind, CloudErrorKind::Unintelligible, "{error}");
        assert!(error.what.contains("not whole, twice"), "{error}");
        assert_eq!(ids.len(), distinct(&ids), "the second reading sends only what is new");
        let first_pages = server.seen().iter().filter(|seen| seen.number("startIndex") == 1).count();
        assert_eq!(first_pages, 2, "read twice, not more");
    }
}

#[tokio::test]
async fn a_hole_that_closes_is_healed_by_reading_again() {
    let readings = AtomicU64::new(0);
    let server = Server::start(move |seen, _| {
        seen.is("GET", "/v2/Users").then(|| {
            if seen.number("startIndex") == 1 {
                readings.fetch_add(1, Ordering::Relaxed);
            }
            let whole = readings.load(Ordering::Relaxed) > 1;
            let users: Vec<Value> = (1..=3).filter(|n| whole || *n != 2).map(user).collect();
            ok(json!({ "totalResults": 3, "itemsPerPage": users.len(), "Resources": users }))
        })
    })
    .await;
    let (ids, result) = collect(&server).await;
    assert_eq!(result, Ok(3));
    assert_eq!(ids, ["u00001", "u00003", "u00002"], "the second reading adds what was missing");
    assert!(server.seen().len() > 2);
}

#[tokio::test]
async fn a_number_that_shrinks_while_reading_makes_us_read_again() {
    // While pages are turned, one of 150 goes away: user 101 moves to a place already read,
    // and the number seen (149) would agree with the number left.
    let requests = AtomicU64::new(0);
    let server = Server::start(move |seen, _| {
        if !seen.is("GET", "/v2/Users") {
            return None;
        }
        let first = requests.fetch_add(1, Ordering::Relaxed) == 0;
        let all: Vec<u64> = if first { (1..=150).collect() } else { (2..=150).collect() };
        let start = seen.number("startIndex") as usize - 1;
        let users: Vec<Value> = all.iter().skip(start).take(100).map(|n| user(*n)).collect();
        Some(ok(json!({ "totalResults": all.len(), "itemsPerPage": users.len(), "Resources": users })))
    })
    .await;
    let (ids, result) = collect(&server).await;
    assert_eq!(result, Ok(150), "the one that went away was seen before it went");
    assert!(ids.contains(&"u00101".to_owned()), "the one that moved was found");
}

#[tokio::test]
async fn who_is_added_while_reading_is_read_too() {
    let server = Server::start(|seen, before| {
        seen.is("GET", "/v2/Users").then(|| page(seen, if before == 0 { 150 } else { 203 }, 100))
    })
    .await;
    let (ids, result) = collect(&server).await;
    assert_eq!((result, distinct(&ids)), (Ok(203), 203));
}

#[tokio::test]
async fn one_bad_page_spoils_the_listing() {
    for (status, body, kind) in [
        (400, r#"{"message":"no"}"#, CloudErrorKind::Unintelligible),
        (403, r#"{"message":"no"}"#, CloudErrorKind::Refused),
        (503, "", CloudErrorKind::Unreachable),
        (200, r#"{"totalResults":250}"#, CloudErrorKind::Unintelligible),
        (200, "<html>", CloudErrorKind::Unintelligible),
    ] {
        let server = Server::start(move |seen, _| {
            seen.is("GET", "/v2/Users").then(|| {
                if seen.number("startIndex") == 101 { reply(status, body) } else { page(seen, 250, 100) }
            })
        })
        .await;
        assert_eq!(collect(&server).await.1.unwrap_err().kind, kind, "{status} {body}");
    }
}

#[tokio::test]
async fn nobody_who_listens_ends_the_reading() {
    let server = Server::start(|seen, _| seen.is("GET", "/v2/Users").then(|| page(seen, 100_000, 100))).await;
    let (send, receive) = mpsc::channel(1);
    drop(receive);
    assert_eq!(reader(&server).accounts(send).await.unwrap_err().kind, CloudErrorKind::Stopped);
    assert!(server.seen().len() < 10);
}
