//! What every request meets, in the order in which it meets it: the counters, the faults that come
//! before anything is done, the token, the call itself, and the faults that come after.

use std::time::Duration;

use axum::body::{Body, Bytes};
use axum::http::{HeaderName, HeaderValue, Method, StatusCode, header};
use axum::response::Response;

use super::call::Call;
use super::connection::Wire;
use super::control;
use super::errors::Refusal;
use super::faults::Faults;
use super::organization::Organization;
use super::reply::Reply;
use super::route::{Family, Query, segments};
use super::token::wanted;

/// The parts of a request that matter here.
pub(super) struct Incoming {
    pub(super) method: Method,
    pub(super) path: String,
    pub(super) query: String,
    pub(super) authorization: Option<String>,
    pub(super) body: Bytes,
}

/// What a fault does with a request.
enum Verdict {
    Proceed,
    Answer(Reply),
    Cut,
}

/// What happens to an answer.
#[derive(Clone, Copy, PartialEq, Eq)]
enum After {
    Nothing,
    Cut,
    CutInTheMiddle,
    Outage,
    Refuse,
}

/// Counts a request as under way until it is answered, even if its client goes away.
struct UnderWay<'a>(&'a Organization, bool);

impl UnderWay<'_> {
    fn answered(mut self, status: Option<u16>) {
        self.1 = true;
        self.0.0.counter.answered(status);
    }
}

impl Drop for UnderWay<'_> {
    fn drop(&mut self) {
        if !self.1 {
            self.0.0.counter.abandoned();
        }
    }
}

/// Answers a request.
pub(super) async fn pass(organization: Organization, wire: Wire, incoming: Incoming) -> Response {
    let path = segments(&incoming.path);
    let path: Vec<&str> = path.iter().map(String::as_str).collect();
    let query = Query::parse(&incoming.query);
    let method = incoming.method.as_str();
    if matches!(path.as_slice(), [] | ["sandbox", ..] | ["favicon.ico"]) {
        return respond(control::answer(&organization, method, &path, &query, &incoming.body), None);
    }
    let cloud = &*organization.0;
    let family = Family::of(&path);
    let write = family != Family::Oauth && !matches!(method, "GET" | "HEAD" | "OPTIONS");
    cloud.counter.came(method, family.name(), write);
    let under_way = UnderWay(&organization, false);
    let tracking = cloud.tracking(family.name());
    let latency = cloud.faults().latency(family.name(), method, query.flag("callingData"));
    if latency > 0 {
        tokio::time::sleep(Duration::from_millis(latency)).await;
    }
    let (verdict, after, twice) = draw(&organization, family, method, write, &tracking);
    let reply = match verdict {
        Verdict::Cut => {
            wire.cut_after(0);
            under_way.answered(None);
            return Response::new(Body::empty());
        }
        Verdict::Answer(reply) => reply,
        Verdict::Proceed => {
            let now = crate::clock::now().timestamp_millis();
            let call = Call {
                cloud,
                method,
                path: &path,
                query: &query,
                body: &incoming.body,
                authorization: incoming.authorization.as_deref(),
                caller: None,
                tracking: &tracking,
                now,
            };
            let reply = match admit(call, family, write) {
                Ok(call) => call.answer(family),
                Err(refusal) => refusal.rest(&tracking),
            };
            let done = reply.status < 400;
            match after {
                After::Cut => {
                    wire.cut_after(0);
                    under_way.answered(None);
                    return Response::new(Body::empty());
                }
                After::CutInTheMiddle => {
                    // Past the head, whose size is not known here, and into the body.
                    wire.cut_after(reply.body.len() / 2 + 200);
                    reply
                }
                After::Outage => outage(504, false, &tracking),
                After::Refuse if done => Refusal::bad("The request was carried out in part.").rest(&tracking),
                After::Refuse | After::Nothing => reply,
            }
        }
    };
    under_way.answered(Some(reply.status));
    respond(reply, Some((&tracking, twice)))
}

/// Draws the faults of one request, in a fixed order. Those that come after the fact hit writes only.
fn draw(
    organization: &Organization,
    family: Family,
    method: &str,
    write: bool,
    tracking: &str,
) -> (Verdict, After, bool) {
    let cloud = &*organization.0;
    let seed = cloud.settings.seed;
    let mut faults = cloud.faults();
    let faults = &mut *faults;
    let twice = faults.duplicate_tracking_id;
    let name = family.name();
    let verdict = before(cloud, faults, seed, name, method, tracking);
    let mut after = After::Nothing;
    if matches!(verdict, Verdict::Proceed) {
        if write && faults.cut_after_commit.hits(seed ^ 6, name, method) {
            after = After::Cut;
        } else if faults.cut_answer.hits(seed ^ 7, name, method) {
            after = After::CutInTheMiddle;
        } else if write && faults.outage_after_commit.hits(seed ^ 8, name, method) {
            after = After::Outage;
        } else if write && family == Family::People && faults.refuse_after_commit.hits(seed ^ 9, name, method)
        {
            after = After::Refuse;
        }
    }
    (verdict, after, twice)
}

fn before(
    cloud: &super::organization::Inner,
    faults: &mut Faults,
    seed: u64,
    name: &str,
    method: &str,
    tracking: &str,
) -> Verdict {
    if faults.cut_before_commit.hits(seed ^ 1, name, method) {
        return Verdict::Cut;
    }
    let limit = faults.throttle.per_second;
    if faults.throttle.when.hits(seed ^ 2, name, method) || (limit > 0 && cloud.counter.too_fast(limit)) {
        let mut reply = Refusal::new(429, "Too many requests").rest(tracking);
        if let Some(wait) = &faults.throttle.retry_after {
            if let Ok(seconds) = wait.parse() {
                cloud.counter.asked_for_quiet(Duration::from_secs(seconds));
            }
            reply = reply.with("retry-after", wait.clone());
        }
        return Verdict::Answer(reply);
    }
    if faults.locked.hits(seed ^ 3, name, method) {
        return Verdict::Answer(Refusal::new(423, "Locked").rest(tracking));
    }
    if faults.outage.when.hits(seed ^ 4, name, method) {
        return Verdict::Answer(outage(faults.outage.status, faults.outage.json, tracking));
    }
    if faults.wrong_region.when.hits(seed ^ 5, name, method) {
        let host = &faults.wrong_region.host;
        let message = format!("This organization lives elsewhere. Please use {host}");
        return Verdict::Answer(Refusal::new(451, message).rest(tracking));
    }
    Verdict::Proceed
}

fn outage(status: u16, json: bool, tracking: &str) -> Reply {
    if json {
        Refusal::new(status, "upstream connect error").rest(tracking)
    } else {
        Reply::html(status, "<html><body>upstream connect error</body></html>".into())
    }
}

/// Looks at the token: 401 for none that is valid, 403 for one that may not do this.
fn admit<'a>(mut call: Call<'a>, family: Family, write: bool) -> Result<Call<'a>, Refusal> {
    if family == Family::Oauth {
        return Ok(call);
    }
    let token = call.authorization.and_then(|header| header.strip_prefix("Bearer "));
    let grant = token.and_then(|token| call.cloud.tokens().access(token, call.now).cloned());
    let unauthorized = || {
        Refusal::new(
            401,
            "The request requires a valid access token set in the Authorization request header.",
        )
    };
    let grant = grant.ok_or_else(unauthorized)?;
    if let Some(person) = grant.person {
        let alive = call.cloud.read(|state| {
            let person = state.roster.slot_of(person).and_then(|slot| state.roster.get(slot));
            person.is_some_and(|person| person.profile.active)
        });
        if !alive {
            return Err(unauthorized());
        }
    }
    call.caller = grant.person;
    let scoped = wanted(family, write).iter().all(|scopes| grant.any(scopes));
    if !scoped || !call.role_allows(family, write) {
        return Err(Refusal::new(403, "Missing required scopes or roles."));
    }
    Ok(call)
}

fn respond(reply: Reply, tracking: Option<(&str, bool)>) -> Response {
    let mut response = Response::new(Body::from(reply.body));
    *response.status_mut() = StatusCode::from_u16(reply.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let headers = response.headers_mut();
    if !reply.content_type.is_empty() {
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(reply.content_type));
    }
    for (name, value) in reply.headers {
        if let Ok(value) = HeaderValue::from_str(&value) {
            headers.insert(HeaderName::from_static(name), value);
        }
    }
    if let Some((tracking, twice)) = tracking
        && let Ok(value) = HeaderValue::from_str(tracking)
    {
        let name = HeaderName::from_static("trackingid");
        if twice {
            headers.append(name.clone(), value.clone());
        }
        headers.append(name, value);
    }
    response
}
