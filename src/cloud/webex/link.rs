//! What reader and writer share: one client, one pace, one organization.

use std::sync::OnceLock;

use reqwest::Method;
use serde::de::DeserializeOwned;
use tokio::sync::OnceCell;
use tokio_util::sync::CancellationToken;
use url::Url;

use super::Settings;
use super::fault;
use super::ids;
use super::wire::{Items, Named};
use crate::cloud::http::{Answer, Call, Effect, Http};
use crate::cloud::pace::{Pace, Tempo};
use crate::cloud::token::Token;
use crate::cloud::{CloudError, CloudErrorKind, tls};

/// What the calls of the REST family carry.
const JSON: &str = "application/json";
/// What SCIM calls carry.
const SCIM: &str = "application/scim+json";

/// A connection to one organization.
#[derive(Debug)]
pub(super) struct Link {
    http: Http,
    base: Url,
    /// Where a 451 sent us, once.
    moved: OnceLock<Url>,
    wanted: Option<String>,
    home: OnceCell<Home>,
    pub(super) page_size: u32,
}

/// The organization.
#[derive(Clone, Debug)]
pub(super) struct Home {
    /// The UUID, for SCIM.
    pub(super) raw: String,
    /// The public id, for REST.
    pub(super) public: String,
    pub(super) name: String,
}

/// One request, in terms of paths.
pub(super) struct Request<'a> {
    pub(super) method: Method,
    /// Begins with `/`; already encoded.
    pub(super) path: String,
    /// Names and values, not yet encoded.
    pub(super) query: Vec<(&'a str, String)>,
    pub(super) body: Option<Vec<u8>>,
    pub(super) effect: Effect,
}

impl<'a> Request<'a> {
    /// A request for something to read.
    pub(super) fn get(path: impl Into<String>, query: Vec<(&'a str, String)>) -> Self {
        Self { method: Method::GET, path: path.into(), query, body: None, effect: Effect::Read }
    }
}

impl Link {
    pub(super) fn connect(
        settings: &Settings,
        tempo: Tempo,
        stop: CancellationToken,
    ) -> Result<Self, CloudError> {
        let base = Url::parse(settings.base_url.trim_end_matches('/')).map_err(|error| {
            CloudError::new(
                CloudErrorKind::Refused,
                format!("the address of the cloud cannot be read: {error}"),
                "write it as https://webexapis.com in the section [cloud] of the configuration",
            )
        })?;
        let client =
            tls::client(&base, settings.danger_plain_http, settings.ca_file.as_deref(), settings.timeout)?;
        let token = Token::new(&settings.token.0)?;
        let pace = Pace::new(tempo, settings.concurrency, settings.max_throttle, stop);
        Ok(Self {
            http: Http::new(client, token, pace),
            base,
            moved: OnceLock::new(),
            wanted: settings.organization.clone(),
            home: OnceCell::new(),
            page_size: settings.page_size.max(1),
        })
    }

    pub(super) fn http(&self) -> &Http {
        &self.http
    }

    fn base(&self) -> &Url {
        self.moved.get().unwrap_or(&self.base)
    }

    /// Sends a request and returns the answer, whatever its status is. A 451, which says that
    /// the organization lives in another region, is followed once.
    pub(super) async fn call(&self, request: Request<'_>) -> Result<Answer, CloudError> {
        let mut tries = 0;
        let mut repeated = false;
        loop {
            let base = self.base().clone();
            let call = Call {
                method: request.method.clone(),
                url: address(&base, &request.path, &request.query),
                body: request.body.clone(),
                content_type: if request.path.starts_with("/identity/scim/") { SCIM } else { JSON },
                effect: request.effect,
            };
            let mut answer = self.http.send(&call).await?;
            repeated |= answer.repeated;
            answer.repeated = repeated;
            if answer.status != 451 {
                self.hide_token(&mut answer);
                return Ok(answer);
            }
            tries += 1;
            // Another request may have been sent on while this one was under way.
            if tries > 1 || *self.base() == base {
                self.move_on(&answer, &base)?;
            }
            if tries > 2 {
                return Err(fault::error(&answer));
            }
        }
    }

    /// An error page that repeats the request's headers must not bring the token into a report.
    fn hide_token(&self, answer: &mut Answer) {
        let page = answer.body.first() != Some(&b'{');
        if (page || !answer.is_success())
            && let Ok(text) = std::str::from_utf8(&answer.body)
        {
            answer.body = self.http.token().hide_in(text).into_bytes();
        }
    }

    fn move_on(&self, answer: &Answer, base: &Url) -> Result<(), CloudError> {
        let fault = fault::read(&answer.body);
        let host = fault::other_host(&fault);
        let new = host.and_then(|host| acceptable(host, base));
        if let Some(new) = new
            && self.moved.set(new).is_ok()
        {
            tracing::warn!(
                host = host.unwrap_or_default(),
                "the organization lives on another host; using it"
            );
            return Ok(());
        }
        Err(CloudError {
            kind: CloudErrorKind::Refused,
            what: format!(
                "{} was answered with status 451: the organization lives on another host ({}), to which the token is not sent without being told so",
                answer.label,
                host.unwrap_or("unnamed")
            ),
            remedy: "if that host is the right one, set base_url in the section [cloud] to it".into(),
            tracking_id: fault.tracking_id.or_else(|| answer.tracking_id.clone()),
        })
    }

    /// Reads a JSON document that exists as long as the organization does: whatever goes wrong
    /// is about all of it, and ends the pass.
    pub(super) async fn read<T: DeserializeOwned>(&self, request: Request<'_>) -> Result<T, CloudError> {
        let answer = self.call(request).await?;
        if !answer.is_success() {
            return Err(for_all(fault::error(&answer)));
        }
        parse(&answer)
    }

    /// The organization, as chosen by the settings. Asked once.
    pub(super) async fn home(&self) -> Result<&Home, CloudError> {
        self.home.get_or_try_init(|| self.find_home()).await
    }

    async fn find_home(&self) -> Result<Home, CloudError> {
        let all: Items<Named> = self.read(Request::get("/v1/organizations", Vec::new())).await?;
        let mut homes: Vec<Home> = all
            .items
            .into_iter()
            .map(|item| Home {
                raw: ids::raw(ids::ORGANIZATION, &item.id),
                name: item.display_name.unwrap_or_default(),
                public: item.id,
            })
            .collect();
        let names = || homes.iter().map(|home| format!("{} ({})", home.name, home.raw)).collect::<Vec<_>>();
        let choose = |what: String| {
            Err(CloudError::new(
                CloudErrorKind::Refused,
                what,
                "set organization in the section [cloud] to the id of the right one",
            ))
        };
        let found: Vec<usize> = match &self.wanted {
            None => (0..homes.len()).collect(),
            Some(wanted) => {
                let raw = ids::raw(ids::ORGANIZATION, wanted.trim());
                let by_id = homes.iter().position(|home| home.raw.eq_ignore_ascii_case(&raw));
                match by_id {
                    Some(index) => vec![index],
                    None => (0..homes.len()).filter(|i| homes[*i].name == wanted.trim()).collect(),
                }
            }
        };
        match (found.as_slice(), &self.wanted) {
            ([index], _) => Ok(homes.swap_remove(*index)),
            ([], None) => choose("the token does not see any organization".into()),
            ([], Some(wanted)) => choose(format!(
                "the token does not see the organization {wanted:?}; it sees: {}",
                names().join(", ")
            )),
            (_, Some(wanted)) => {
                choose(format!("several organizations have the name {wanted:?}: {}", names().join(", ")))
            }
            (_, None) => choose(format!("the token sees several organizations: {}", names().join(", "))),
        }
    }

    /// A path under the organization's SCIM root, for example `Users`.
    pub(super) async fn scim(&self, rest: &str) -> Result<String, CloudError> {
        Ok(format!("/identity/scim/{}/v2/{rest}", ids::segment(&self.home().await?.raw)))
    }

    /// The request for the next page that a `Link` header names, or `None` on the last page.
    /// The cursor is taken as it is; parameters of the first request that it lost are added
    /// again. A link that leads to another host is an error: the token stays here.
    pub(super) fn next<'a>(
        &self,
        answer: &Answer,
        first: &[(&'a str, String)],
    ) -> Result<Option<Request<'a>>, CloudError> {
        let Some(target) = answer.link.as_deref().and_then(next_target) else { return Ok(None) };
        let odd = |what: &str| CloudError {
            kind: CloudErrorKind::Unintelligible,
            what: format!("the answer to {} names a next page {what}", answer.label),
            remedy: "check the address of the cloud; report this to its support otherwise".into(),
            tracking_id: answer.tracking_id.clone(),
        };
        let base = self.base();
        let mut url = base.join(target).map_err(|_| odd("whose address cannot be read"))?;
        if url.origin() != base.origin() {
            return Err(odd("on another host"));
        }
        let lost: Vec<_> =
            first.iter().filter(|(name, _)| !url.query_pairs().any(|(found, _)| found == *name)).collect();
        if !lost.is_empty() {
            let mut pairs = url.query_pairs_mut();
            for (name, value) in lost {
                pairs.append_pair(name, value);
            }
        }
        let prefix = base.path().trim_end_matches('/');
        let path = url.path().strip_prefix(prefix).unwrap_or(url.path());
        // The cursor stays as written: its encoding is the server's business.
        let path = match url.query() {
            Some(query) => format!("{path}?{query}"),
            None => path.to_owned(),
        };
        Ok(Some(Request::get(path, Vec::new())))
    }
}

/// Turns an error about one thing into one about all: there is nobody to skip.
pub(super) fn for_all(mut error: CloudError) -> CloudError {
    if !error.kind.ends_pass() {
        error.kind = CloudErrorKind::Unintelligible;
    }
    error
}

/// Reads the body of a successful answer.
pub(super) fn parse<T: DeserializeOwned>(answer: &Answer) -> Result<T, CloudError> {
    serde_json::from_slice(&answer.body).map_err(|error| {
        if answer.body.iter().find(|b| !b.is_ascii_whitespace()).is_none_or(|b| *b != b'{') {
            // Not JSON at all: somebody else answered, and said so in a page.
            return fault::error(answer);
        }
        fault::unreadable(&answer.label, &error, answer.tracking_id.clone())
    })
}

fn address(base: &Url, path: &str, query: &[(&str, String)]) -> Url {
    let mut url = base.clone();
    let (path, old_query) = path.split_once('?').map_or((path, None), |(path, query)| (path, Some(query)));
    url.set_path(&format!("{}{path}", base.path().trim_end_matches('/')));
    url.set_query(old_query);
    if !query.is_empty() {
        url.query_pairs_mut().extend_pairs(query);
    }
    url
}

/// The address of a host that we were sent to, if the token may go there: a host of Webex's
/// API, or this machine when we already talk to this machine.
fn acceptable(host: &str, base: &Url) -> Option<Url> {
    if tls::is_loopback(base) {
        return Url::parse(&format!("{}://{host}", base.scheme())).ok().filter(tls::is_loopback);
    }
    let url = Url::parse(&format!("https://{host}")).ok()?;
    let name = url.host_str()?;
    let known = |name: &str| {
        name == "webexapis.com" || name.ends_with(".webexapis.com") || name == "api-usgov.webex.com"
    };
    let plain = url.port().is_none() && url.username().is_empty();
    (plain && known(name) && base.host_str().is_some_and(known)).then_some(url)
}

/// The target of `rel="next"` in a `Link` header (RFC 8288, as far as paging needs it).
fn next_target(header: &str) -> Option<&str> {
    let mut rest = header;
    while let Some((_, after)) = rest.split_once('<') {
        let (target, params) = after.split_once('>')?;
        let end = params.find(['<']).unwrap_or(params.len());
        let is_next = params[..end].split([';', ',']).any(|param| {
            let Some((name, value)) = param.split_once('=') else { return false };
            name.trim().eq_ignore_ascii_case("rel")
                && value
                    .trim()
                    .trim_matches('"')
                    .split_whitespace()
                    .any(|rel| rel.eq_ignore_ascii_case("next"))
        });
        if is_next {
            return Some(target);
        }
        rest = &params[end..];
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_next_link_among_others() {
        for (header, target) in [
            (r#"<https://a/x?p=1>; rel="next""#, Some("https://a/x?p=1")),
            (r#"<https://a/1>; rel="first", <https://a/2,3>; rel=next"#, Some("https://a/2,3")),
            (r#"<https://a/1>; rel="prev""#, None),
            (r#"<https://a/1>; title="x"; rel="last next""#, Some("https://a/1")),
            ("garbage", None),
            ("<open", None),
            ("", None),
        ] {
            assert_eq!(next_target(header), target, "{header}");
        }
    }

    #[test]
    fn the_token_goes_to_webex_or_stays_on_this_machine() {
        let at = |base: &str, host: &str| acceptable(host, &Url::parse(base).unwrap()).map(String::from);
        let webex = "https://webexapis.com";
        assert_eq!(at(webex, "api-eu.webexapis.com").as_deref(), Some("https://api-eu.webexapis.com/"));
        for foreign in [
            "evil.example",
            "webexapis.com.evil.example",
            "evilwebexapis.com",
            "127.0.0.1",
            "u@webexapis.com",
            "webexapis.com:81",
        ] {
            assert_eq!(at(webex, foreign), None, "{foreign}");
        }
        assert_eq!(at("https://cloud.example", "api-eu.webexapis.com"), None);
        assert_eq!(at("http://127.0.0.1:1", "127.0.0.1:2").as_deref(), Some("http://127.0.0.1:2/"));
        assert_eq!(at("http://127.0.0.1:1", "webexapis.com"), None);
    }

    #[test]
    fn addresses_keep_a_prefix_and_encode_values() {
        let base = Url::parse("https://gw.example/webex").unwrap();
        let url = address(&base, "/v1/people", &[("filter", r#"userName eq "a b&c""#.into())]);
        assert_eq!(url.as_str(), "https://gw.example/webex/v1/people?filter=userName+eq+%22a+b%26c%22");
        assert_eq!(address(&base, "/v1/x?c=%2F", &[]).as_str(), "https://gw.example/webex/v1/x?c=%2F");
    }
}
