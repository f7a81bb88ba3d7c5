//! Throttling, broken connections, wrong hosts and refusals.

use std::time::{Duration, Instant};

use dirsyncd::cloud::webex::WebexReader;
use dirsyncd::cloud::{CloudError, CloudErrorKind, CloudRead};
use serde_json::json;
use tokio_util::sync::CancellationToken;

use crate::server::{Reply, Server, ok, reply};
use crate::{reader, settings, tempo};

fn roles() -> Reply {
    ok(
        json!({ "items": [{ "id": "Y2lzY29zcGFyazovL3VzL1JPTEUvaWRfZnVsbF9hZG1pbg", "name": "Full Administrator" }] }),
    )
}

async fn error_for(answer: impl Fn() -> Reply + Send + Sync + 'static) -> (CloudError, usize) {
    let server = Server::start(move |_, _| Some(answer())).await;
    let error = reader(&server).roles().await.unwrap_err();
    (error, server.seen().len())
}

#[tokio::test]
async fn a_request_says_who_we_are() {
    let server = Server::start(|_, _| Some(roles())).await;
    assert_eq!(reader(&server).roles().await.unwrap()[0].id.as_str(), "id_full_admin");
    let seen = &server.seen()[0];
    assert_eq!(seen.header("authorization"), Some("Bearer s3cret-token"));
    assert_eq!(seen.header("user-agent"), Some(concat!("dirsyncd/", env!("CARGO_PKG_VERSION"))));
    assert!(seen.header("trackingid").unwrap().starts_with("DIRSYNCD_"));
    assert!(seen.header("accept-encoding").unwrap().contains("gzip"));
}

#[tokio::test]
async fn throttling_is_waited_out_however_it_is_spelled() {
    for (status, retry_after, at_least) in [
        (429, Some("0"), 0),
        (429, None, 30),
        (429, Some("rand(30),add(30)"), 30),
        (423, None, 30),
        (423, Some("0"), 0),
    ] {
        let server = Server::start(move |_, before| {
            Some(if before > 0 {
                roles()
            } else {
                let answer = reply(status, "");
                match retry_after {
                    Some(value) => answer.header("Retry-After", value),
                    None => answer,
                }
            })
        })
        .await;
        let begun = Instant::now();
        assert_eq!(reader(&server).roles().await.unwrap().len(), 1, "{status} {retry_after:?}");
        assert!(begun.elapsed() >= Duration::from_millis(at_least), "{status} {retry_after:?}");
        assert_eq!(server.seen().len(), 2);
    }
}

#[tokio::test]
async fn a_pause_beyond_our_patience_ends_the_pass_without_further_requests() {
    let server = Server::start(|_, _| Some(reply(429, "").header("Retry-After", "3600"))).await;
    let reader = reader(&server);
    for _ in 0..2 {
        match reader.roles().await.unwrap_err().kind {
            CloudErrorKind::Throttled { retry_after } => assert!(retry_after > Duration::from_secs(3500)),
            other => panic!("{other:?}"),
        }
    }
    assert_eq!(server.seen().len(), 1, "nobody knocks during a pause");
}

#[tokio::test]
async fn endless_throttling_ends() {
    let server = Server::start(|_, _| Some(reply(429, ""))).await;
    let mut settings = settings(&server.url);
    settings.max_throttle = Duration::from_millis(100);
    let reader = WebexReader::connect_with(settings, tempo(), CancellationToken::new()).unwrap();
    let error = reader.roles().await.unwrap_err();
    assert!(matches!(error.kind, CloudErrorKind::Throttled { .. }), "{error}");
    assert!((2..=6).contains(&server.seen().len()));
}

#[tokio::test]
async fn a_pause_and_a_silent_cloud_end_when_we_are_told_to_stop() {
    for hang in [false, true] {
        let server = Server::start(move |_, _| {
            Some(if hang { Reply::Hang } else { reply(429, "").header("Retry-After", "4") })
        })
        .await;
        let stop = CancellationToken::new();
        let reader = WebexReader::connect_with(settings(&server.url), tempo(), stop.clone()).unwrap();
        let begun = Instant::now();
        let (result, ()) = tokio::join!(reader.roles(), async {
            server.arrival().await;
            stop.cancel();
        });
        assert_eq!(result.unwrap_err().kind, CloudErrorKind::Stopped);
        assert!(begun.elapsed() < Duration::from_secs(3));
    }
}

#[tokio::test]
async fn reading_survives_short_trouble() {
    let server = Server::start(|_, before| {
        Some(match before {
            0 => Reply::Cut,
            1 => reply(503, "<html><body>upstream connect error</body></html>"),
            _ => roles(),
        })
    })
    .await;
    assert!(reader(&server).roles().await.is_ok());
    let server = Server::start(|_, before| Some(if before == 0 { Reply::CutBody } else { roles() })).await;
    assert!(reader(&server).roles().await.is_ok());
}

#[tokio::test]
async fn long_trouble_is_an_error_with_the_clouds_words() {
    let (error, sent) = error_for(|| {
        reply(503, "<html><body>upstream connect error</body></html>").header("Trackingid", "ROUTER_9, NA_8")
    })
    .await;
    assert_eq!((error.kind, sent), (CloudErrorKind::Unreachable, 3));
    assert_eq!(error.tracking_id.as_deref(), Some("ROUTER_9, NA_8"));
    assert_eq!(error.what, "GET /v1/roles was answered with status 503: upstream connect error");

    let (error, sent) = error_for(|| Reply::Cut).await;
    assert_eq!((error.kind, sent), (CloudErrorKind::Unreachable, 3));
    assert!(error.tracking_id.unwrap().starts_with("DIRSYNCD_"), "ours, for lack of theirs");

    // A port that was just given back: nobody listens there.
    let nobody = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let reader =
        WebexReader::connect_with(settings(&format!("http://{nobody}")), tempo(), CancellationToken::new())
            .unwrap();
    let error = reader.roles().await.unwrap_err();
    assert_eq!(error.kind, CloudErrorKind::Unreachable);
    assert!(error.what.contains("no connection"), "{error}");
}

#[tokio::test]
async fn every_refusal_has_its_kind_and_its_words() {
    let dirsync = r#"{"message":"The organization synchronizes its users from a directory.","errors":[{"description":"The organization synchronizes its users from a directory."}],"trackingId":"ATLAS_2"}"#;
    for (status, body, kind, what, remedy) in [
        (
            401,
            r#"{"message":"No valid token."}"#,
            CloudErrorKind::Refused,
            "the token was refused",
            "authorise again",
        ),
        (
            403,
            r#"{"message":"Missing scopes."}"#,
            CloudErrorKind::Refused,
            "Missing scopes.",
            "identity:people_rw",
        ),
        (403, dirsync, CloudErrorKind::Refused, "from a directory", "Cisco Directory Connector"),
        (
            400,
            r#"{"error":[{"key":"400","message":[{"description":"Off.","code":"5481"}]}]}"#,
            CloudErrorKind::Unintelligible,
            "Off. [5481]",
            "",
        ),
        (404, "", CloudErrorKind::Unintelligible, "no explanation", ""),
        (302, "", CloudErrorKind::Unintelligible, "status 302", ""),
        (
            200,
            "<html>Please log in to the hotel network</html>",
            CloudErrorKind::Unintelligible,
            "hotel network",
            "proxy",
        ),
        (200, "", CloudErrorKind::Unintelligible, "status 200", ""),
        (200, r#"{"items":"ann@example.com"}"#, CloudErrorKind::Unintelligible, "not what was expected", ""),
        (407, "", CloudErrorKind::Unreachable, "status 407", "HTTPS_PROXY"),
    ] {
        let (error, sent) =
            error_for(move || reply(status, body).header("Location", "http://127.0.0.1:1/")).await;
        assert_eq!((error.kind, sent), (kind, 1), "{status} {body}");
        assert!(error.what.contains(what), "{error}");
        assert!(error.remedy.contains(remedy), "{}", error.remedy);
        assert!(!error.what.contains("ann@example.com"), "{error}");
    }
}

#[tokio::test]
async fn a_page_that_repeats_our_headers_does_not_bring_the_token_back() {
    for status in [200, 400] {
        let (error, _) =
            error_for(move || reply(status, "<pre>Authorization: Bearer s3cret-token</pre>")).await;
        assert!(error.what.contains("(token)") && !format!("{error:?}").contains("s3cret"), "{error:?}");
    }
}

#[tokio::test]
async fn a_body_without_end_is_not_read() {
    // More than 64 MiB announced and sent.
    let (error, _) = error_for(|| reply(200, vec![b' '; (64 << 20) + 1])).await;
    assert_eq!(error.kind, CloudErrorKind::Unintelligible);
    assert!(error.what.contains("larger than"), "{error}");
}

#[tokio::test]
async fn compressed_answers_are_understood() {
    // {"items":[]} by gzip.
    const BODY: &[u8] = &[
        31, 139, 8, 0, 0, 0, 0, 0, 2, 3, 171, 86, 202, 44, 73, 205, 45, 86, 178, 138, 142, 173, 5, 0, 29, 31,
        67, 234, 12, 0, 0, 0,
    ];
    let server = Server::start(|_, _| Some(reply(200, BODY).header("Content-Encoding", "gzip"))).await;
    assert_eq!(reader(&server).roles().await.unwrap(), []);
}

#[tokio::test]
async fn another_region_is_followed_once_and_never_to_strangers() {
    let right = Server::start(|_, _| Some(roles())).await;
    let host = right.url.trim_start_matches("http://").to_owned();
    let elsewhere = format!(r#"{{"message":"It lives elsewhere. Please use {host}","errors":[]}}"#);
    let wrong = Server::start(move |_, _| Some(reply(451, elsewhere.clone()))).await;
    let moving = reader(&wrong);
    assert!(moving.roles().await.is_ok());
    assert!(moving.roles().await.is_ok());
    assert_eq!((wrong.seen().len(), right.seen().len()), (1, 2));

    let (error, sent) = error_for(|| reply(451, r#"{"message":"Please use cloud.evil.example."}"#)).await;
    assert_eq!((error.kind, sent), (CloudErrorKind::Refused, 1));
    assert!(error.what.contains("cloud.evil.example") && error.remedy.contains("base_url"), "{error}");

    let server = Server::start(|seen, _| {
        let here = seen.header("host").unwrap().to_owned();
        Some(reply(451, format!(r#"{{"message":"Please use {here}"}}"#)))
    })
    .await;
    let error = reader(&server).roles().await.unwrap_err();
    assert_eq!(error.kind, CloudErrorKind::Refused, "a circle ends");
    assert!(server.seen().len() <= 3);
}

/// Collects what is logged.
#[derive(Clone, Default)]
struct Log(std::sync::Arc<std::sync::Mutex<Vec<u8>>>);

impl std::io::Write for Log {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

#[tokio::test]
async fn the_log_shows_every_request_and_nobody() {
    let log = Log::default();
    let writer = log.clone();
    // For all threads: a subscriber of one thread misses what others registered meanwhile. The
    // other tests of this binary write here too, so the marks below are this test's own.
    let subscriber = tracing_subscriber::fmt()
        .with_ansi(false)
        .with_env_filter("dirsyncd=trace")
        .with_writer(move || writer.clone())
        .finish();
    tracing::subscriber::set_global_default(subscriber).unwrap();
    let server = Server::start(|seen, before| {
        let people = json!({ "totalResults": 1, "Resources": [
            { "id": "u1", "userName": "zoe.quux@example.com", "displayName": "Zoe Quux" }] });
        match before {
            _ if !seen.is("GET", "/v2/Users") => None,
            0 => Some(reply(429, "").header("Retry-After", "0").header("Trackingid", "ROUTER_71")),
            1 => Some(Reply::Cut),
            2 => Some(
                reply(400, r#"{"message":"Zoe Quux, zoe.quux@example.com, s3cret-token"}"#)
                    .header("Trackingid", "ROUTER_72"),
            ),
            _ => Some(ok(people).header("Trackingid", "ROUTER_73")),
        }
    })
    .await;
    let reader = reader(&server);
    let address = "zoe.quux@example.com".parse().unwrap();
    assert!(reader.account_by_email(&address).await.is_err());
    assert!(reader.account_by_email(&address).await.unwrap().is_some());

    let log = String::from_utf8(log.0.lock().unwrap().clone()).unwrap();
    for (mark, status) in
        [("ROUTER_71", "status=429"), ("ROUTER_72", "status=400"), ("ROUTER_73", "status=200")]
    {
        let line = log.lines().find(|line| line.contains(mark)).unwrap_or_else(|| panic!("{mark}: {log}"));
        assert!(line.contains("v2/Users") && line.contains(status), "{line}");
    }
    for secret in ["zoe.quux", "Zoe Quux", "s3cret", "userName"] {
        let lines: Vec<&str> = log.lines().filter(|line| line.contains(secret)).collect();
        assert!(lines.is_empty(), "{secret}: {lines:?}");
    }
}
