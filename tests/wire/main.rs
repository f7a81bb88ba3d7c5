//! What the cloud can answer, and what we make of it: all error shapes, all paginations, all
//! ways in which a connection can break. Each test scripts a server on loopback.

#![allow(clippy::unwrap_used, reason = "a test that unwraps nothing fails")]

mod contacts;
mod groups;
mod licensing;
mod listing;
mod lookups;
mod server;
mod settings;
mod transport;
mod writing;

use std::time::Duration;

use dirsyncd::cloud::Tempo;
use dirsyncd::cloud::webex::{Settings, WebexReader};
use dirsyncd::model::Redacted;
use tokio_util::sync::CancellationToken;

use crate::server::Server;

/// The organization that all tests talk to.
pub(crate) const ORG: &str = "3d1f7a52-6a0e-4c58-9b7e-0a11ce000001";
/// Its public id.
pub(crate) const ORG_ID: &str =
    "Y2lzY29zcGFyazovL3VzL09SR0FOSVpBVElPTi8zZDFmN2E1Mi02YTBlLTRjNTgtOWI3ZS0wYTExY2UwMDAwMDE";

pub(crate) fn settings(url: &str) -> Settings {
    Settings {
        base_url: url.to_owned(),
        organization: None,
        token: Redacted("s3cret-token".into()),
        danger_plain_http: false,
        ca_file: None,
        timeout: Duration::from_secs(10),
        concurrency: 8,
        max_throttle: Duration::from_secs(5),
        page_size: 100,
    }
}

/// Patience in milliseconds.
pub(crate) fn tempo() -> Tempo {
    Tempo {
        start: 4,
        default_pause: Duration::from_millis(30),
        shortest_pause: Duration::from_millis(1),
        attempts: 3,
        backoff: Duration::from_millis(1),
        longest_backoff: Duration::from_millis(4),
    }
}

pub(crate) fn reader(server: &Server) -> WebexReader {
    WebexReader::connect_with(settings(&server.url), tempo(), CancellationToken::new()).unwrap()
}
