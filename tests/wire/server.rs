//! A server that says exactly what a test wrote down.

use std::sync::{Arc, Mutex};

use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Notify;
use tokio::task::{JoinHandle, JoinSet};

use crate::ORG_ID;

/// A request as it arrived.
#[derive(Clone, Debug)]
pub(crate) struct Seen {
    pub(crate) method: String,
    pub(crate) path: String,
    pub(crate) query: String,
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) body: Vec<u8>,
}

impl Seen {
    pub(crate) fn is(&self, method: &str, path_end: &str) -> bool {
        self.method == method && self.path.ends_with(path_end)
    }

    pub(crate) fn param(&self, name: &str) -> Option<String> {
        url::form_urlencoded::parse(self.query.as_bytes())
            .find(|(found, _)| found == name)
            .map(|(_, value)| value.into_owned())
    }

    pub(crate) fn number(&self, name: &str) -> u64 {
        self.param(name).unwrap().parse().unwrap()
    }

    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(found, _)| found.eq_ignore_ascii_case(name)).map(|(_, v)| v.as_str())
    }

    pub(crate) fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap()
    }

    /// The operations of a bulk request.
    pub(crate) fn operations(&self) -> Vec<Value> {
        self.json()["operations"].as_array().unwrap().clone()
    }
}

/// What to answer.
pub(crate) enum Reply {
    Full {
        status: u16,
        headers: Vec<(String, String)>,
        body: Vec<u8>,
    },
    /// The connection is closed without an answer.
    Cut,
    /// The connection is closed in the middle of the body.
    CutBody,
    /// Nothing ever comes.
    Hang,
}

impl Reply {
    pub(crate) fn header(mut self, name: &str, value: &str) -> Self {
        if let Self::Full { headers, .. } = &mut self {
            headers.push((name.into(), value.into()));
        }
        self
    }
}

pub(crate) fn reply(status: u16, body: impl Into<Vec<u8>>) -> Reply {
    Reply::Full { status, headers: Vec::new(), body: body.into() }
}

pub(crate) fn ok(body: Value) -> Reply {
    reply(200, body.to_string())
}

/// A SCIM error document.
pub(crate) fn scim_error(status: u16, scim_type: Option<&str>, details: &str) -> Value {
    let mut error = json!({
        "schemas": ["urn:ietf:params:scim:api:messages:2.0:Error"], "status": status.to_string(),
        "urn:scim:schemas:extension:cisco:webexidentity:api:messages:2.0:Error":
            { "trackingId": "NA_1", "errorCode": "100101", "details": details }
    });
    if let Some(scim_type) = scim_type {
        error["scimType"] = json!(scim_type);
    }
    error
}

type Script = dyn Fn(&Seen, usize) -> Option<Reply> + Send + Sync;

/// A server on loopback. It ends with the value.
pub(crate) struct Server {
    pub(crate) url: String,
    seen: Arc<Mutex<Vec<Seen>>>,
    arrived: Arc<Notify>,
    task: JoinHandle<()>,
}

impl Drop for Server {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl Server {
    /// Answers what the script says. The script gets the request and how many of the same
    /// method and path came before. Where it says nothing, the organization is shown, and all
    /// else is not found.
    pub(crate) async fn start(
        script: impl Fn(&Seen, usize) -> Option<Reply> + Send + Sync + 'static,
    ) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let seen = Arc::new(Mutex::new(Vec::new()));
        let arrived = Arc::new(Notify::new());
        let script: Arc<Script> = Arc::new(script);
        let (log, bell) = (Arc::clone(&seen), Arc::clone(&arrived));
        let task = tokio::spawn(async move {
            // Connections end with the set, and the set with this task.
            let mut connections = JoinSet::new();
            while let Ok((stream, _)) = listener.accept().await {
                connections.spawn(serve(stream, Arc::clone(&script), Arc::clone(&log), Arc::clone(&bell)));
            }
        });
        Self { url, seen, arrived, task }
    }

    /// All requests so far, except the question for the organization.
    pub(crate) fn seen(&self) -> Vec<Seen> {
        let seen = self.seen.lock().unwrap();
        seen.iter().filter(|seen| seen.path != "/v1/organizations").cloned().collect()
    }

    /// Ends the server and all its connections; nobody listens afterwards.
    pub(crate) async fn close(mut self) {
        self.task.abort();
        let _ = (&mut self.task).await;
    }

    /// Waits until a request has arrived that was not waited for before.
    pub(crate) async fn arrival(&self) {
        self.arrived.notified().await;
    }
}

async fn serve(
    mut stream: TcpStream,
    script: Arc<Script>,
    log: Arc<Mutex<Vec<Seen>>>,
    bell: Arc<Notify>,
) -> Option<()> {
    let mut buffer = Vec::new();
    loop {
        let seen = request(&mut stream, &mut buffer).await?;
        let before = {
            let mut log = log.lock().unwrap();
            let same = log.iter().filter(|old| old.method == seen.method && old.path == seen.path).count();
            log.push(seen.clone());
            same
        };
        let answer = script(&seen, before).unwrap_or_else(|| {
            if seen.path == "/v1/organizations" {
                ok(json!({ "items": [{ "id": ORG_ID, "displayName": "Lumen Forge" }] }))
            } else {
                reply(404, r#"{"message":"not here"}"#)
            }
        });
        bell.notify_one();
        match answer {
            Reply::Cut => return None,
            Reply::Hang => std::future::pending::<()>().await,
            Reply::CutBody => {
                stream.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n{\"total").await.ok()?;
                return None;
            }
            Reply::Full { status, headers, body } => {
                let mut head = format!("HTTP/1.1 {status} X\r\nContent-Length: {}\r\n", body.len());
                for (name, value) in headers {
                    head.push_str(&format!("{name}: {value}\r\n"));
                }
                head.push_str("\r\n");
                // One write: two small ones would wait for each other's acknowledgement.
                stream.write_all(&[head.as_bytes(), &body].concat()).await.ok()?;
            }
        }
    }
}

async fn request(stream: &mut TcpStream, buffer: &mut Vec<u8>) -> Option<Seen> {
    let mut chunk = [0; 16 * 1024];
    let end = loop {
        if let Some(end) = buffer.windows(4).position(|window| window == b"\r\n\r\n") {
            break end;
        }
        match stream.read(&mut chunk).await.ok()? {
            0 => return None,
            n => buffer.extend_from_slice(&chunk[..n]),
        }
    };
    let head = String::from_utf8(buffer[..end].to_vec()).unwrap();
    let mut lines = head.split("\r\n");
    let mut first = lines.next().unwrap().split(' ');
    let method = first.next().unwrap().to_owned();
    let target = first.next().unwrap();
    let (path, query) = target.split_once('?').unwrap_or((target, ""));
    let headers: Vec<(String, String)> = lines
        .filter_map(|line| line.split_once(':'))
        .map(|(name, value)| (name.to_owned(), value.trim().to_owned()))
        .collect();
    let length = headers
        .iter()
        .find(|(name, _)| name.eq_ignore_ascii_case("content-length"))
        .map_or(0, |(_, value)| value.parse().unwrap());
    while buffer.len() < end + 4 + length {
        match stream.read(&mut chunk).await.ok()? {
            0 => return None,
            n => buffer.extend_from_slice(&chunk[..n]),
        }
    }
    let body = buffer[end + 4..end + 4 + length].to_vec();
    buffer.drain(..end + 4 + length);
    Some(Seen { method, path: path.to_owned(), query: query.to_owned(), headers, body })
}
