//! One request and its answer: paced, repeated where that is harmless, logged without content.
//!
//! Whether a request may be sent twice is the caller's knowledge and the most important thing
//! about it; see [`Effect`]. Answers come back with any status: what a status means is the
//! vendor's business. Only throttling and the 5xx of broken transport are handled here.

use std::time::Duration;

use reqwest::header::{ACCEPT, AUTHORIZATION, CONTENT_TYPE, DATE, HeaderMap, LINK, RETRY_AFTER};
use reqwest::{Client, Method};
use tokio::time::Instant;
use url::Url;

use super::pace::{Halt, Pace, retry_after};
use super::token::Token;
use super::{CloudError, CloudErrorKind};

/// No answer of a directory is larger; whatever is, is not read to its end.
const LARGEST_BODY: usize = 64 << 20;

/// What it means to send a request more than once.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Effect {
    /// Changes nothing: repeated at will, dropped when we are told to stop.
    Read,
    /// Changes something, and twice is the same as once: repeated. Not dropped on stop, so
    /// that its outcome is known.
    Repeatable,
    /// Twice is not the same as once: repeated only when it certainly did not go out.
    Once,
}

/// What to send.
#[derive(Clone, Debug)]
pub(crate) struct Call {
    pub(crate) method: Method,
    pub(crate) url: Url,
    /// A JSON document.
    pub(crate) body: Option<Vec<u8>>,
    /// The content type of the body.
    pub(crate) content_type: &'static str,
    pub(crate) effect: Effect,
}

/// What came back.
#[derive(Debug)]
pub(crate) struct Answer {
    /// Method and path of the request without its query, which can name people.
    pub(crate) label: String,
    pub(crate) status: u16,
    /// All `Link` headers, joined.
    pub(crate) link: Option<String>,
    /// The cloud's tracking ids; ours where the cloud gave none.
    pub(crate) tracking_id: Option<String>,
    pub(crate) body: Vec<u8>,
    /// Whether an earlier attempt may have reached the cloud already.
    pub(crate) repeated: bool,
}

impl Answer {
    /// Whether the status is one of success.
    pub(crate) fn is_success(&self) -> bool {
        (200..300).contains(&self.status)
    }
}

/// The client with its token and its pace.
#[derive(Debug)]
pub(crate) struct Http {
    client: Client,
    token: Token,
    pace: Pace,
}

/// An attempt that brought no answer.
struct Failed {
    /// Whether the cloud can have seen the request.
    sent: bool,
    what: String,
    remedy: &'static str,
    tracking_id: String,
    kind: CloudErrorKind,
}

impl Http {
    /// Sends with this client, token and pace.
    pub(crate) fn new(client: Client, token: Token, pace: Pace) -> Self {
        Self { client, token, pace }
    }

    /// The token, to take it out of foreign texts.
    pub(crate) fn token(&self) -> &Token {
        &self.token
    }

    /// Part of an answer asked to come back later: everybody pauses.
    pub(crate) fn pause(&self) -> Duration {
        self.pace.pause(Instant::now(), None)
    }

    /// Sends a request until it is answered, within the bounds of the tempo.
    ///
    /// # Errors
    /// `Unreachable`, `Throttled`, `Stopped`, `Unintelligible` (a body without end), and
    /// `Ambiguous` when something was to be changed, the request went out and the outcome is
    /// unknown: for [`Effect::Once`] at once, for [`Effect::Repeatable`] when it cannot be repeated.
    pub(crate) async fn send(&self, call: &Call) -> Result<Answer, CloudError> {
        let label = format!("{} {}", call.method, call.url.path());
        let attempts = self.pace.tempo().attempts.max(1);
        let mut attempt = 1;
        let mut waited = Duration::ZERO;
        let mut repeated = false;
        loop {
            let permit =
                self.pace.admit(&mut waited).await.map_err(|halt| given_up(call, &label, halt, repeated))?;
            let outcome = tokio::select! {
                () = self.pace.stopped(), if call.effect == Effect::Read => {
                    return Err(halted(&label, Halt::Stopped));
                }
                outcome = self.once(call, &label, attempt) => outcome,
            };
            let failed = match outcome {
                Ok((answer, wait)) if matches!(answer.status, 429 | 423) => {
                    let pause = permit.throttled(wait);
                    tracing::debug!(call = %label, pause_ms = pause.as_millis() as u64, "throttled");
                    continue;
                }
                Ok((mut answer, _)) if !matches!(answer.status, 500 | 502..=504) => {
                    permit.good();
                    answer.repeated = repeated;
                    return Ok(answer);
                }
                Ok((mut answer, _)) => {
                    // A gateway that gave up does not say whether the service behind it did.
                    if call.effect == Effect::Once {
                        return Err(ambiguous(
                            format!(
                                "{label} was answered with status {}, and whether it was done is unknown",
                                answer.status
                            ),
                            answer.tracking_id,
                        ));
                    }
                    if attempt >= attempts {
                        answer.repeated = repeated;
                        return Ok(answer);
                    }
                    repeated = true;
                    None
                }
                Err(failed) => Some(failed),
            };
            drop(permit);
            if let Some(failed) = failed {
                if failed.sent && call.effect == Effect::Once {
                    return Err(ambiguous(failed.what, Some(failed.tracking_id)));
                }
                repeated |= failed.sent;
                if attempt >= attempts || failed.kind != CloudErrorKind::Unreachable {
                    return Err(CloudError {
                        kind: failed.kind,
                        what: failed.what,
                        remedy: failed.remedy.into(),
                        tracking_id: Some(failed.tracking_id),
                    });
                }
            }
            let rest = self.pace.tempo().backoff_after(attempt);
            self.pace.rest(rest).await.map_err(|halt| given_up(call, &label, halt, repeated))?;
            attempt += 1;
        }
    }

    /// One attempt. Writes the one log line of a request.
    async fn once(
        &self,
        call: &Call,
        label: &str,
        attempt: u32,
    ) -> Result<(Answer, Option<Duration>), Failed> {
        let ours = format!("DIRSYNCD_{}", uuid::Uuid::new_v4());
        let begun = Instant::now();
        let result = self.exchange(call, label, &ours).await;
        let (status, tracking_id, bytes) = match &result {
            Ok((answer, _)) => (answer.status, answer.tracking_id.as_deref(), answer.body.len()),
            Err(_) => (0, None, 0),
        };
        tracing::debug!(
            method = %call.method,
            path = call.url.path(),
            status,
            duration_ms = begun.elapsed().as_millis() as u64,
            attempt,
            bytes,
            tracking_id = tracking_id.unwrap_or(&ours),
            error = result.as_ref().err().map(|failed| failed.what.as_str()),
            "request"
        );
        result
    }

    async fn exchange(
        &self,
        call: &Call,
        label: &str,
        ours: &str,
    ) -> Result<(Answer, Option<Duration>), Failed> {
        let failed = |error: reqwest::Error| transport(label, ours, error);
        let mut request = self
            .client
            .request(call.method.clone(), call.url.clone())
            .header(AUTHORIZATION, self.token.bearer())
            .header(ACCEPT, "application/json, application/scim+json")
            .header("TrackingID", ours);
        if let Some(body) = &call.body {
            request = request.header(CONTENT_TYPE, call.content_type).body(body.clone());
        }
        let mut response = request.send().await.map_err(failed)?;
        let headers = response.headers();
        let mut answer = Answer {
            label: label.to_owned(),
            status: response.status().as_u16(),
            link: joined(headers, LINK.as_str()),
            tracking_id: tracking_id(headers).or_else(|| Some(ours.to_owned())),
            body: Vec::with_capacity(response.content_length().unwrap_or(0).min(4 << 20) as usize),
            repeated: false,
        };
        let header = |name| headers.get(name).and_then(|value| value.to_str().ok());
        let wait = retry_after(header(RETRY_AFTER), header(DATE));
        while let Some(chunk) = response.chunk().await.map_err(failed)? {
            if answer.body.len() + chunk.len() > LARGEST_BODY {
                return Err(Failed {
                    sent: true,
                    what: format!("the answer to {label} is larger than {} MiB", LARGEST_BODY >> 20),
                    remedy: "check that the address of the cloud is right; otherwise lower page_size",
                    tracking_id: ours.to_owned(),
                    kind: CloudErrorKind::Unintelligible,
                });
            }
            answer.body.extend_from_slice(&chunk);
        }
        Ok((answer, wait))
    }
}

/// All values of a header, joined with commas.
fn joined(headers: &HeaderMap, name: &str) -> Option<String> {
    let values: Vec<_> = headers.get_all(name).iter().filter_map(|value| value.to_str().ok()).collect();
    if values.is_empty() { None } else { Some(values.join(", ")) }
}

/// The tracking ids of an answer: gateways repeat the header, or add theirs behind a comma.
fn tracking_id(headers: &HeaderMap) -> Option<String> {
    let all = joined(headers, "trackingid")?;
    let mut distinct: Vec<&str> = Vec::new();
    for id in all.split(',').map(str::trim) {
        let plain = id.bytes().all(|b| b.is_ascii_graphic());
        if plain && !id.is_empty() && id.len() <= 100 && !distinct.contains(&id) {
            distinct.push(id);
        }
    }
    distinct.truncate(4);
    if distinct.is_empty() { None } else { Some(distinct.join(", ")) }
}

fn transport(label: &str, ours: &str, error: reqwest::Error) -> Failed {
    let sent = !error.is_connect() && !error.is_builder();
    let timeout = error.is_timeout();
    let dns = error.is_dns();
    // The address in the error has the query in it, and the query can name people.
    let error = error.without_url();
    let mut cause: &dyn std::error::Error = &error;
    while let Some(source) = cause.source() {
        cause = source;
    }
    let cause = cause.to_string();
    let (happened, remedy) = if cause.contains("certificate") {
        (
            "the certificate of the cloud is not trusted",
            "if a proxy opens TLS here, put its authority into ca_file; otherwise check the address and this machine's time",
        )
    } else if dns {
        ("the name of the cloud cannot be resolved", "check the address, DNS and the proxy settings")
    } else if !sent {
        ("no connection to the cloud", "check the network, the firewall and the proxy (HTTPS_PROXY)")
    } else if timeout {
        ("the cloud did not answer in time", "the next pass tries again; if it persists, raise timeout")
    } else {
        ("the connection broke before the answer was complete", "the next pass tries again")
    };
    Failed {
        sent,
        what: format!("{label}: {happened} ({cause})"),
        remedy,
        tracking_id: ours.to_owned(),
        kind: CloudErrorKind::Unreachable,
    }
}

fn ambiguous(what: String, tracking_id: Option<String>) -> CloudError {
    CloudError {
        kind: CloudErrorKind::Ambiguous,
        what,
        remedy: "nothing: the account is looked up before it is written again".into(),
        tracking_id,
    }
}

/// As [`halted`], unless an earlier sending may have changed something.
fn given_up(call: &Call, label: &str, halt: Halt, repeated: bool) -> CloudError {
    let halted = halted(label, halt);
    if repeated && call.effect != Effect::Read {
        return ambiguous(format!("{}, and it may have been done already", halted.what), None);
    }
    halted
}

fn halted(label: &str, halt: Halt) -> CloudError {
    match halt {
        Halt::Stopped => CloudError::new(
            CloudErrorKind::Stopped,
            format!("{label} was given up, because we were told to stop"),
            "nothing: the next pass goes on",
        ),
        Halt::Throttled(retry_after) => CloudError::new(
            CloudErrorKind::Throttled { retry_after },
            format!(
                "{label}: the cloud wants to be left alone for {} s more, longer than one pass waits",
                retry_after.as_secs().max(1)
            ),
            "the next pass tries again; if this is usual, lower concurrency or raise max_throttle",
        ),
    }
}

#[cfg(test)]
mod tests {
    use reqwest::header::HeaderValue;

    use super::*;

    #[test]
    fn tracking_ids_come_repeated_joined_or_broken() {
        let ids = |values: &[&str]| {
            let mut headers = HeaderMap::new();
            for value in values {
                headers.append("Trackingid", HeaderValue::from_str(value).unwrap());
            }
            tracking_id(&headers)
        };
        assert_eq!(ids(&[]), None);
        assert_eq!(ids(&["ROUTER_1"]).as_deref(), Some("ROUTER_1"));
        assert_eq!(ids(&["ROUTER_1, NA_2", "ROUTER_1"]).as_deref(), Some("ROUTER_1, NA_2"));
        assert_eq!(ids(&[" , ", "a b"]), None);
        assert_eq!(ids(&[&"x".repeat(500)]), None);
    }
}
