//! The sandbox over HTTP: everything a client relies on, as the reference of the interfaces has it.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

#[path = "sandbox/calling_behavior.rs"]
mod calling_behavior;
#[path = "sandbox/faults.rs"]
mod faults;
#[path = "sandbox/licenses.rs"]
mod licenses;
#[path = "sandbox/life.rs"]
mod life;
#[path = "sandbox/people.rs"]
mod people;
#[path = "sandbox/scim_bulk.rs"]
mod scim_bulk;
#[path = "sandbox/scim_groups.rs"]
mod scim_groups;
#[path = "sandbox/scim_users.rs"]
mod scim_users;
#[path = "sandbox/tokens.rs"]
mod tokens;

use dirsyncd::sandbox::{Sandbox, Settings};
use reqwest::header::HeaderMap;
use reqwest::{Client, Method};
use serde_json::{Value, json};

pub(crate) const CORE: &str = "urn:ietf:params:scim:schemas:core:2.0:User";
pub(crate) const ENTERPRISE: &str = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User";
pub(crate) const CISCO: &str = "urn:scim:schemas:extension:cisco:webexidentity:2.0:User";
pub(crate) const PATCH: &str = "urn:ietf:params:scim:api:messages:2.0:PatchOp";
pub(crate) const BULK: &str = "urn:ietf:params:scim:api:messages:2.0:BulkRequest";
pub(crate) const SCIM_ERROR: &str = "urn:scim:schemas:extension:cisco:webexidentity:api:messages:2.0:Error";

/// A sandbox and a client that holds the administrator's token.
pub(crate) struct World {
    pub(crate) sandbox: Sandbox,
    pub(crate) client: Client,
    pub(crate) scim: String,
}

/// What came back.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Value,
}

impl Answer {
    /// The path and query of the next page.
    pub(crate) fn next(&self) -> Option<String> {
        let link = self.headers.get("link")?.to_str().ok()?;
        assert!(link.ends_with(">; rel=\"next\""), "{link}");
        let address = link.trim_start_matches('<').split('>').next()?;
        let after_host = address.strip_prefix("http://")?.split_once('/')?.1;
        Some(format!("/{after_host}"))
    }

    pub(crate) fn is(self, status: u16) -> Self {
        assert_eq!(self.status, status, "{}", self.body);
        self
    }
}

pub(crate) fn client() -> Client {
    // Another test of this process may have been first.
    drop(rustls::crypto::ring::default_provider().install_default());
    Client::builder().no_proxy().redirect(reqwest::redirect::Policy::none()).build().unwrap()
}

impl World {
    pub(crate) async fn new() -> Self {
        Self::with(Settings::default()).await
    }

    pub(crate) async fn with(settings: Settings) -> Self {
        let sandbox = Sandbox::start(settings).await.unwrap();
        let scim = format!("/identity/scim/{}/v2", sandbox.organization().id());
        Self { sandbox, client: client(), scim }
    }

    pub(crate) fn url(&self, path: &str) -> String {
        format!("{}{path}", self.sandbox.base_url())
    }

    pub(crate) async fn try_send(
        &self,
        token: &str,
        method: Method,
        path: &str,
        body: Option<&Value>,
    ) -> reqwest::Result<Answer> {
        let mut request = self.client.request(method, self.url(path)).bearer_auth(token);
        if let Some(body) = body {
            request = request.json(body);
        }
        let response = request.send().await?;
        let (status, headers) = (response.status().as_u16(), response.headers().clone());
        let bytes = response.bytes().await?;
        let body = serde_json::from_slice(&bytes)
            .unwrap_or_else(|_| Value::String(String::from_utf8_lossy(&bytes).into_owned()));
        Ok(Answer { status, headers, body })
    }

    pub(crate) async fn send(&self, method: Method, path: &str, body: Value) -> Answer {
        self.try_send("sandbox-token", method, path, Some(&body)).await.unwrap()
    }

    pub(crate) async fn get(&self, path: &str) -> Answer {
        self.try_send("sandbox-token", Method::GET, path, None).await.unwrap()
    }

    pub(crate) async fn delete(&self, path: &str) -> Answer {
        self.try_send("sandbox-token", Method::DELETE, path, None).await.unwrap()
    }

    pub(crate) async fn post(&self, path: &str, body: Value) -> Answer {
        self.send(Method::POST, path, body).await
    }

    pub(crate) async fn patch(&self, path: &str, body: Value) -> Answer {
        self.send(Method::PATCH, path, body).await
    }

    /// Sets all knobs.
    pub(crate) async fn faults(&self, knobs: Value) {
        self.send(Method::PUT, "/sandbox/faults", knobs).await.is(200);
    }

    /// Creates a user through SCIM; gives the id.
    pub(crate) async fn user(&self, name: &str) -> String {
        let path = format!("{}/Users", self.scim);
        let body = json!({ "schemas": [CORE], "userName": format!("{name}@example.com"), "userType": "user", "displayName": name });
        let answer = self.post(&path, body).await.is(201);
        answer.body["id"].as_str().unwrap().to_owned()
    }

    /// Applies SCIM operations to a user.
    pub(crate) async fn operate(&self, id: &str, operations: Value) -> Answer {
        let body = json!({ "schemas": [PATCH], "Operations": operations });
        self.patch(&format!("{}/Users/{id}", self.scim), body).await
    }

    /// The id of a licence.
    pub(crate) async fn license(&self, name: &str) -> String {
        let list = self.get("/v1/licenses").await.is(200);
        let found = list.body["items"].as_array().unwrap().iter().find(|item| item["name"] == name);
        found.unwrap_or_else(|| panic!("no {name}"))["id"].as_str().unwrap().to_owned()
    }

    pub(crate) async fn stats(&self) -> Value {
        self.get("/sandbox/stats").await.is(200).body
    }
}
