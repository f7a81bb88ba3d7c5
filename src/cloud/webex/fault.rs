//! What the cloud says when it refuses, in its four shapes and in none of them.
//!
//! Texts and numeric codes of errors are not documented, with few exceptions, so decisions
//! rest on the status (and SCIM's `scimType`) alone; the words are for the administrator.

use serde_json::Value;

use crate::cloud::http::Answer;
use crate::cloud::{CloudError, CloudErrorKind};

const SCIM_ERROR: &str = "urn:scim:schemas:extension:cisco:webexidentity:api:messages:2.0:Error";

/// The longest sentence that is repeated from an answer, in characters.
const LONGEST_WORDS: usize = 300;

/// What an error body says.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Fault {
    /// The cloud's words without addresses; empty when it had none.
    pub(super) words: String,
    /// Its code, number or text.
    pub(super) code: Option<String>,
    /// SCIM's word for the kind of error.
    pub(super) scim_type: Option<String>,
    /// The tracking id in the body.
    pub(super) tracking_id: Option<String>,
}

/// Reads the body of an error, which may be anything.
pub(super) fn read(body: &[u8]) -> Fault {
    match serde_json::from_slice::<Value>(body) {
        Ok(value @ Value::Object(_)) => from_json(&value),
        _ => Fault { words: clean(&plain_text(body)), ..Fault::default() },
    }
}

/// Reads an error that is already JSON: the `response` of an operation in a bulk answer.
pub(super) fn from_json(value: &Value) -> Fault {
    let mut words: Vec<String> = Vec::new();
    let mut code = None;
    let mut say = |text: Option<String>| {
        if let Some(text) = text.filter(|text| !text.trim().is_empty())
            && !words.contains(&text)
        {
            words.push(text);
        }
    };
    // REST: message and errors; also the embedded `errors: {key: {code, reason}}` of a person.
    say(text(&value["message"]));
    for (error, key) in each(&value["errors"]) {
        say(text(&error["description"]).or_else(|| text(&error["reason"])));
        code = code.or_else(|| text(&error["errorCode"])).or_else(|| text(&error["code"])).or(key);
    }
    // Jobs and telephony: `error`, one or many, each with messages, one or many.
    for (error, _) in each(&value["error"]) {
        if error.is_string() {
            say(text(error));
        }
        for (message, _) in each(&error["message"]) {
            say(text(message).or_else(|| text(&message["description"])));
            code = code.or_else(|| text(&message["code"]));
        }
        code = code.or_else(|| text(&error["key"]));
    }
    // SCIM: the extension, or the standard's own `detail`.
    let scim = &value[SCIM_ERROR];
    for error in [scim, value] {
        say(text(&error["details"]).or_else(|| text(&error["detail"])));
        code = code.or_else(|| text(&error["errorCode"]));
    }
    Fault {
        words: clean(&words.join("; ")),
        code,
        scim_type: text(&value["scimType"]).or_else(|| text(&scim["scimType"])),
        tracking_id: text(&value["trackingId"]).or_else(|| text(&scim["trackingId"])),
    }
}

/// The elements of a list; the values of an object of objects, with their keys; or the value itself.
fn each(value: &Value) -> Vec<(&Value, Option<String>)> {
    match value {
        Value::Null => Vec::new(),
        Value::Array(list) => list.iter().map(|item| (item, None)).collect(),
        Value::Object(map) if !map.is_empty() && map.values().all(Value::is_object) => {
            map.iter().map(|(key, item)| (item, Some(key.clone()))).collect()
        }
        other => vec![(other, None)],
    }
}

fn text(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.clone()),
        Value::Number(number) => Some(number.to_string()),
        _ => None,
    }
}

/// The text content of a body that is not JSON: gateways answer with web pages.
fn plain_text(body: &[u8]) -> String {
    let text = String::from_utf8_lossy(&body[..body.len().min(4096)]);
    let mut out = String::new();
    let mut in_tag = false;
    for c in text.chars() {
        match c {
            '<' => in_tag = true,
            '>' => {
                in_tag = false;
                out.push(' ');
            }
            c if !in_tag => out.push(c),
            _ => {}
        }
    }
    out
}

/// Foreign words made safe to repeat: one line, bounded, without e-mail addresses.
fn clean(text: &str) -> String {
    let printable: String = text.chars().map(|c| if c.is_control() { ' ' } else { c }).collect();
    let mut out = String::new();
    for word in printable.split_whitespace() {
        if !out.is_empty() {
            out.push(' ');
        }
        if word.contains('@') || word.contains("%40") {
            out.push_str("<address>");
        } else {
            out.push_str(word);
        }
    }
    if out.chars().count() > LONGEST_WORDS {
        out = out.chars().take(LONGEST_WORDS).collect();
        out.push('…');
    }
    out
}

/// What kind of trouble a status is, when it is about one object.
pub(super) fn kind_of(status: u16) -> CloudErrorKind {
    match status {
        401 => CloudErrorKind::Refused,
        404 | 410 => CloudErrorKind::NotFound,
        409 => CloudErrorKind::Conflict,
        200..=399 => CloudErrorKind::Unintelligible,
        407 | 500.. => CloudErrorKind::Unreachable,
        _ => CloudErrorKind::Rejected,
    }
}

/// Whether the cloud says that Cisco's own connector keeps this organization. Neither status
/// nor text are documented; the words only decide which remedy is named, and that we stop.
pub(super) fn directory_sync(status: u16, fault: &Fault) -> bool {
    let words = fault.words.to_lowercase();
    status == 403 && words.contains("director") && words.contains("sync")
}

/// The error behind a whole answer that is not a success: here 403 is about the token.
pub(super) fn error(answer: &Answer) -> CloudError {
    let fault = read(&answer.body);
    let kind = match answer.status {
        403 => CloudErrorKind::Refused,
        status => kind_of(status),
    };
    worded(&answer.label, answer.status, kind, fault, answer.tracking_id.clone())
}

/// The error behind an answer about one object, in a bulk call.
pub(super) fn object_error(label: &str, status: u16, fault: Fault, outer: Option<String>) -> CloudError {
    let kind = if directory_sync(status, &fault) { CloudErrorKind::Refused } else { kind_of(status) };
    worded(label, status, kind, fault, outer)
}

fn worded(label: &str, status: u16, kind: CloudErrorKind, fault: Fault, outer: Option<String>) -> CloudError {
    let words = if fault.words.is_empty() { "no explanation".to_owned() } else { fault.words.clone() };
    let code = fault.code.as_ref().map(|code| format!(" [{}]", clean(code))).unwrap_or_default();
    let remedy = match (status, kind) {
        _ if directory_sync(status, &fault) => {
            "switch off directory synchronization of Cisco Directory Connector in Control Hub: two connectors cannot share an organization"
        }
        (401, _) => "the token has expired or was revoked: authorise again",
        (_, CloudErrorKind::Refused) => {
            "authorise with an account that is a full administrator, with the scopes identity:people_rw, \
             identity:people_read, spark-admin:people_read, spark-admin:people_write, spark-admin:licenses_read, \
             spark-admin:roles_read and spark-admin:organizations_read"
        }
        (407, _) => "the proxy wants to know who we are: put user and password into HTTPS_PROXY",
        (_, CloudErrorKind::Unreachable) => "the next pass tries again; see status.webex.com if it persists",
        (_, CloudErrorKind::Conflict) => {
            "somebody else in Webex has this address: free it there, or claim the account in Control Hub"
        }
        (_, CloudErrorKind::NotFound) => "nothing: the next pass looks again",
        (_, CloudErrorKind::Unintelligible) => {
            "check that the address of the cloud is right and that no proxy answers in its place"
        }
        _ => "correct the value that the cloud names, in the directory or in the rules",
    };
    let what = if status == 401 {
        format!("the token was refused: {label} was answered with status 401: {words}{code}")
    } else {
        format!("{label} was answered with status {status}: {words}{code}")
    };
    CloudError { kind, what, remedy: remedy.into(), tracking_id: fault.tracking_id.or(outer) }
}

/// An answer of success that we cannot read. The parser's own message can quote values, so
/// only the place is named.
pub(super) fn unreadable(label: &str, error: &serde_json::Error, tracking_id: Option<String>) -> CloudError {
    CloudError {
        kind: CloudErrorKind::Unintelligible,
        what: format!(
            "the answer to {label} is not what was expected ({:?} error in line {}, column {})",
            error.classify(),
            error.line(),
            error.column()
        ),
        remedy: "check that the address of the cloud is right and that no proxy answers in its place".into(),
        tracking_id,
    }
}

/// The host that a 451 sends us to.
pub(super) fn other_host(fault: &Fault) -> Option<&str> {
    let lower = fault.words.to_ascii_lowercase();
    let start = lower.find("please use ")? + "please use ".len();
    let word = fault.words[start..].split_whitespace().next()?;
    let host = word.trim_start_matches("https://").trim_start_matches("http://");
    let host = host.split('/').next()?.trim_matches(|c: char| !c.is_ascii_alphanumeric());
    (!host.is_empty()).then_some(host)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_shapes_speak() {
        let scim = format!(
            r#"{{"schemas":[],"status":409,"{SCIM_ERROR}":{{"trackingId":"NA_1","errorCode":200016,"details":"In use."}}}}"#
        );
        for (body, words, code, scim_type) in [
            (r#"{"message":"No.","errors":[{"description":"No."}],"trackingId":"R"}"#, "No.", None, None),
            (
                r#"{"message":"Bad","errors":[{"errorCode":400411,"description":"Missing"}]}"#,
                "Bad; Missing",
                Some("400411"),
                None,
            ),
            (
                r#"{"error":[{"key":"304","message":[{"description":"Sent to ann@example.com.","code":"ATLAS-600199","locationId":null}]}],"trackingId":"N"}"#,
                "Sent to <address>",
                Some("ATLAS-600199"),
                None,
            ),
            (
                r#"{"error":{"key":"400","message":[{"description":"Off","code":"5481"}]},"errorCode":5481}"#,
                "Off",
                Some("5481"),
                None,
            ),
            (scim.as_str(), "In use.", Some("200016"), None),
            (
                r#"{"status":"400","scimType":"noTarget","detail":"nothing there"}"#,
                "nothing there",
                None,
                Some("noTarget"),
            ),
            (
                r#"{"items":[],"errors":{"peopleListLocationId":{"code":"200007","reason":"No user"}}}"#,
                "No user",
                Some("200007"),
                None,
            ),
            ("<html><body>upstream connect error</body></html>", "upstream connect error", None, None),
            ("", "", None, None),
            ("[1,2]", "[1,2]", None, None),
            ("null", "null", None, None),
            (r#"{"message":{"deep":1},"errors":"x"}"#, "", None, None),
        ] {
            let fault = read(body.as_bytes());
            assert_eq!(fault.words, words, "{body}");
            assert_eq!(fault.code.as_deref(), code, "{body}");
            assert_eq!(fault.scim_type.as_deref(), scim_type, "{body}");
        }
        assert_eq!(read(scim.as_bytes()).tracking_id.as_deref(), Some("NA_1"));
    }

    #[test]
    fn foreign_words_are_bounded_and_on_one_line() {
        let fault = read(format!("a\n\u{7}b {}", "ö".repeat(5000)).as_bytes());
        assert!(fault.words.starts_with("a b ö") && fault.words.chars().count() <= LONGEST_WORDS + 1);
    }

    #[test]
    fn a_451_names_a_host() {
        for (words, host) in [
            ("It lives elsewhere. Please use api-eu.webexapis.com", Some("api-eu.webexapis.com")),
            ("please use https://api-eu.webexapis.com/v1.", Some("api-eu.webexapis.com")),
            ("Please use '127.0.0.1:8080'.", Some("127.0.0.1:8080")),
            ("Please use ", None),
            ("Elsewhere.", None),
        ] {
            let fault = Fault { words: words.into(), ..Fault::default() };
            assert_eq!(other_host(&fault), host, "{words}");
        }
    }
}
