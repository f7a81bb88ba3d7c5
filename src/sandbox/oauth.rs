//! The token endpoints: three grants, and the tokens of service applications.

use std::collections::BTreeSet;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::json;

use super::call::Call;
use super::errors::Refusal;
use super::reply::Reply;
use super::route::Query;
use super::token::{ACCESS_LIFE, Grant, REFRESH_LIFE};

const DEVICE_GRANT: &str = "urn:ietf:params:oauth:grant-type:device_code";

/// Answers a call to a path behind `/v1`.
pub(super) fn answer(call: &Call<'_>, path: &[&str]) -> Result<Reply, Refusal> {
    match (call.method, path) {
        ("POST", ["access_token"]) => exchange(call),
        ("GET", ["authorize"]) => authorize(call),
        ("POST", ["device", "authorize"]) => device_authorize(call),
        ("POST", ["device", "token"]) => device_token(call),
        ("POST", ["applications", _, "token"]) => application_token(call),
        ("GET", ["authorizations", "tokenExpiry"]) => expiry(call),
        _ => Err(Refusal::absent()),
    }
}

fn form(call: &Call<'_>) -> Query {
    Query::parse(&String::from_utf8_lossy(call.body))
}

fn check_client(call: &Call<'_>, id: Option<&str>, secret: Option<&str>) -> Result<(), Refusal> {
    let settings = &call.cloud.settings;
    if id == Some(&settings.client_id) && secret == Some(&settings.client_secret) {
        Ok(())
    } else {
        Err(Refusal::new(401, "The client is not known or its secret is wrong."))
    }
}

fn exchange(call: &Call<'_>) -> Result<Reply, Refusal> {
    let form = form(call);
    check_client(call, form.get("client_id"), form.get("client_secret"))?;
    let refused = call.cloud.faults().refresh_refused;
    let mut tokens = call.cloud.tokens();
    match form.get("grant_type") {
        Some("refresh_token") => {
            let token = form.get("refresh_token").unwrap_or_default();
            let grant = tokens.refresh(token, call.now).filter(|_| !refused);
            let grant = grant.ok_or_else(|| Refusal::bad("The refresh token is not valid any more."))?;
            let left = grant.expires.map_or(REFRESH_LIFE, |expires| (expires - call.now) / 1000);
            let scope = grant.scope_line();
            let access = tokens.issue(call.cloud.settings.seed, grant, call.now);
            Ok(pair(&access, token, left, scope))
        }
        Some("authorization_code") => {
            let code = form.get("code").unwrap_or_default();
            let (grant, _) = tokens
                .codes
                .remove(code)
                .ok_or_else(|| Refusal::bad("The authorization code is not valid."))?;
            Ok(fresh_pair(call, &mut tokens, grant))
        }
        _ => Err(Refusal::bad("grant_type is not supported.")),
    }
}

/// A new access token with a new refresh token.
fn fresh_pair(call: &Call<'_>, tokens: &mut super::token::Tokens, grant: Grant) -> Reply {
    let seed = call.cloud.settings.seed;
    let refresh = tokens.mint(seed, "RT");
    let kept = Grant { expires: Some(call.now + REFRESH_LIFE * 1000), fixed: false, ..grant.clone() };
    tokens.declare_refresh(refresh.clone(), kept);
    let scope = grant.scope_line();
    let access = tokens.issue(seed, grant, call.now);
    pair(&access, &refresh, REFRESH_LIFE, scope)
}

fn pair(access: &str, refresh: &str, refresh_left: i64, scope: Option<String>) -> Reply {
    let mut body = json!({
        "access_token": access,
        "expires_in": ACCESS_LIFE,
        "refresh_token": refresh,
        "refresh_token_expires_in": refresh_left,
        "token_type": "Bearer",
    });
    if let Some(scope) = scope {
        body["scope"] = scope.into();
    }
    Reply::json(200, &body)
}

fn grant_for(call: &Call<'_>, scope: Option<&str>) -> Grant {
    let scopes: BTreeSet<_> = scope.unwrap_or_default().split_whitespace().map(str::to_owned).collect();
    let admin = call.cloud.read(|state| {
        let slot = state.roster.slot_named(&call.cloud.settings.admin_email)?;
        state.roster.get(slot).map(|person| person.id)
    });
    Grant { scopes: Some(scopes), expires: None, person: admin, fixed: false }
}

/// The administrator agrees at once: there is nobody to ask.
fn authorize(call: &Call<'_>) -> Result<Reply, Refusal> {
    let redirect = call.query.get("redirect_uri").unwrap_or_default();
    let mut target = url::Url::parse(redirect).map_err(|_| Refusal::bad("redirect_uri is not a URL."))?;
    if call.query.get("client_id") != Some(&call.cloud.settings.client_id) {
        return Err(Refusal::bad("client_id is not known."));
    }
    let grant = grant_for(call, call.query.get("scope"));
    let mut tokens = call.cloud.tokens();
    let code = tokens.mint(call.cloud.settings.seed, "code");
    tokens.codes.insert(code.clone(), (grant, true));
    target.query_pairs_mut().append_pair("code", &code);
    if let Some(state) = call.query.get("state") {
        target.query_pairs_mut().append_pair("state", state);
    }
    Ok(Reply::empty(302).with("location", target.to_string()))
}

fn device_authorize(call: &Call<'_>) -> Result<Reply, Refusal> {
    let form = form(call);
    if form.get("client_id") != Some(&call.cloud.settings.client_id) {
        return Err(Refusal::new(401, "The client is not known or its secret is wrong."));
    }
    let grant = grant_for(call, form.get("scope"));
    let mut tokens = call.cloud.tokens();
    let code = tokens.mint(call.cloud.settings.seed, "dc");
    tokens.codes.insert(code.clone(), (grant, false));
    let page = format!("{}/sandbox/device", call.cloud.base());
    Ok(Reply::json(
        200,
        &json!({
            "device_code": code,
            "user_code": code.rsplit('-').next().unwrap_or_default(),
            "expires_in": 300,
            "verification_uri": page,
            "verification_uri_complete": format!("{page}?code={code}"),
            "interval": 1,
        }),
    ))
}

fn device_token(call: &Call<'_>) -> Result<Reply, Refusal> {
    let basic = call.authorization.and_then(|header| header.strip_prefix("Basic "));
    let basic =
        basic.and_then(|text| STANDARD.decode(text).ok()).and_then(|bytes| String::from_utf8(bytes).ok());
    let (id, secret) = basic.as_deref().and_then(|text| text.split_once(':')).unzip();
    check_client(call, id, secret)?;
    let form = form(call);
    if form.get("grant_type") != Some(DEVICE_GRANT) {
        return Err(Refusal::bad("grant_type is not supported."));
    }
    let code = form.get("device_code").unwrap_or_default();
    let mut tokens = call.cloud.tokens();
    match tokens.codes.get(code) {
        None => Err(Refusal::bad("The device code is not valid.")),
        Some((_, false)) => Err(Refusal::new(428, "authorization_pending")),
        Some((grant, true)) => {
            let grant = grant.clone();
            tokens.codes.remove(code);
            Ok(fresh_pair(call, &mut tokens, grant))
        }
    }
}

fn bearer(call: &Call<'_>) -> Result<Grant, Refusal> {
    let token = call.authorization.and_then(|header| header.strip_prefix("Bearer ")).unwrap_or_default();
    call.cloud.tokens().access(token, call.now).cloned().ok_or_else(|| {
        Refusal::new(
            401,
            "The request requires a valid access token set in the Authorization request header.",
        )
    })
}

fn application_token(call: &Call<'_>) -> Result<Reply, Refusal> {
    if !bearer(call)?.any(&["spark:applications_token"]) {
        return Err(Refusal::new(403, "Missing required scopes or roles."));
    }
    let body = call.json()?;
    let text = |name: &str| body.get(name).and_then(serde_json::Value::as_str);
    check_client(call, text("clientId"), text("clientSecret"))?;
    let org = call.cloud.read(|state| state.org.public_id());
    if text("targetOrgId") != Some(&org) {
        return Err(Refusal::new(403, "The organization has not authorized the application."));
    }
    // A service application is nobody: it has no account.
    let grant = Grant { scopes: None, expires: None, person: None, fixed: false };
    let mut tokens = call.cloud.tokens();
    Ok(fresh_pair(call, &mut tokens, grant))
}

fn expiry(call: &Call<'_>) -> Result<Reply, Refusal> {
    let grant = bearer(call)?;
    let expires = grant.expires.unwrap_or(call.now + ACCESS_LIFE * 1000);
    Ok(Reply::json(200, &json!({ "exp": expires })))
}
