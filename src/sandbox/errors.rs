//! The error bodies of Webex: it has four shapes, and each family of calls has its own.
//!
//! The texts and most numbers are placeholders; only the licence codes, `noTarget` and the statuses
//! are documented, and a client must not depend on the others.

use serde_json::{Value, json};

use super::reply::Reply;

/// The cisco part of a SCIM error.
pub(super) const SCIM_ERROR: &str = "urn:scim:schemas:extension:cisco:webexidentity:api:messages:2.0:Error";

/// Why a request was refused.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Refusal {
    pub(super) status: u16,
    /// SCIM's own word for the kind of error.
    pub(super) scim_type: Option<&'static str>,
    pub(super) code: Option<i64>,
    pub(super) message: String,
}

impl Refusal {
    /// A refusal with a status and a sentence.
    pub(super) fn new(status: u16, message: impl Into<String>) -> Self {
        Self { status, scim_type: None, code: None, message: message.into() }
    }

    /// 400.
    pub(super) fn bad(message: impl Into<String>) -> Self {
        Self::new(400, message)
    }

    /// 404.
    pub(super) fn absent() -> Self {
        Self::new(404, "The requested resource could not be found.")
    }

    /// 409 for a user name that is in use somewhere in Webex.
    pub(super) fn duplicate() -> Self {
        Self::new(409, "The userName is already in use.").code(200_016)
    }

    /// 400 `noTarget`.
    pub(super) fn no_target() -> Self {
        let mut refusal = Self::bad("No value matches the given path.").code(100_101);
        refusal.scim_type = Some("noTarget");
        refusal
    }

    /// The same with an error code.
    pub(super) fn code(mut self, code: i64) -> Self {
        self.code = Some(code);
        self
    }

    /// The shape of the People, licence and organization calls.
    pub(super) fn rest(&self, tracking: &str) -> Reply {
        let mut error = json!({ "description": self.message });
        if let Some(code) = self.code {
            error["errorCode"] = code.into();
        }
        Reply::json(
            self.status,
            &json!({ "message": self.message, "errors": [error], "trackingId": tracking }),
        )
    }

    /// The shape of the SCIM calls as a value: bulk answers carry it inside.
    pub(super) fn scim_value(&self, tracking: &str) -> Value {
        let mut body = json!({
            "schemas": ["urn:ietf:params:scim:api:messages:2.0:Error"],
            "status": self.status.to_string(),
        });
        if let Some(kind) = self.scim_type {
            body["scimType"] = kind.into();
        }
        body[SCIM_ERROR] = json!({
            "trackingId": tracking,
            "errorCode": self.code.unwrap_or(100_000 + i64::from(self.status)).to_string(),
            "details": self.message,
        });
        body
    }

    /// The shape of the SCIM calls.
    pub(super) fn scim(&self, tracking: &str) -> Reply {
        Reply::scim(self.status, self.scim_value(tracking).to_string())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_family_has_its_shape() {
        let refusal = Refusal::duplicate();
        let rest: Value = serde_json::from_slice(&refusal.rest("T").body).unwrap();
        assert_eq!(rest["trackingId"], "T");
        assert_eq!(rest["errors"][0]["errorCode"], 200_016);
        let scim = refusal.scim_value("T");
        assert_eq!(scim["status"], "409");
        assert_eq!(scim[SCIM_ERROR]["errorCode"], "200016");
        assert_eq!(scim.get("scimType"), None);
        assert_eq!(Refusal::no_target().scim_value("T")["scimType"], "noTarget");
    }
}
