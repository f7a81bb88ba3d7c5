//! The SCIM bulk call: its request, its answer, and which result belongs to which operation.
//!
//! All writes of accounts go through it, single ones too: it tells trouble with one object
//! (a status in the list) from trouble with the token (the status of the call), and Webex's
//! plain creates are reported to fail when several run at once.

use serde::{Deserialize, Serialize};
use serde_json::Value;
use serde_json::value::RawValue;

use super::wire::Number;

/// The largest number of operations that Webex takes in one call.
pub(super) const MOST: usize = 100;

const REQUEST: &str = "urn:ietf:params:scim:api:messages:2.0:BulkRequest";

/// One operation on its way.
#[derive(Clone, Debug)]
pub(super) struct Operation {
    /// Position in the caller's list; also the bulk id.
    pub(super) index: usize,
    pub(super) verb: Verb,
    /// The account; empty for a create.
    pub(super) target: String,
    /// JSON already: it goes out as it is, and a first load is little else.
    pub(super) data: Option<Box<RawValue>>,
    /// How often it was sent already.
    pub(super) sent: u8,
    /// Whether `data` was built from the account as it is.
    pub(super) exact: bool,
}

/// What an operation does. Webex knows no PUT here.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Verb {
    Post,
    Patch,
    Delete,
}

impl Verb {
    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::Post => "POST",
            Self::Patch => "PATCH",
            Self::Delete => "DELETE",
        }
    }
}

impl Operation {
    /// The operation for people to read: method and path, no content.
    pub(super) fn label(&self) -> String {
        if self.target.is_empty() {
            format!("{} /Users", self.verb.name())
        } else {
            format!("{} /Users/{}", self.verb.name(), self.target)
        }
    }

    fn bulk_id(&self) -> String {
        format!("op-{}", self.index)
    }
}

/// The body of a bulk call. Webex spells the list with a small letter here and with a capital
/// in the answer. `failOnErrors` at the largest size means that nothing is left out.
pub(super) fn body(operations: &[Operation]) -> Vec<u8> {
    #[derive(Serialize)]
    #[serde(rename_all = "camelCase")]
    struct Body<'a> {
        schemas: [&'a str; 1],
        fail_on_errors: usize,
        operations: Vec<Entry<'a>>,
    }
    #[derive(Serialize)]
    #[serde(rename_all = "camelCase")]
    struct Entry<'a> {
        method: &'a str,
        path: String,
        bulk_id: String,
        #[serde(skip_serializing_if = "Option::is_none")]
        data: Option<&'a RawValue>,
    }
    fn entry(operation: &Operation) -> Entry<'_> {
        Entry {
            method: operation.verb.name(),
            path: match operation.verb {
                Verb::Post => "/Users".to_owned(),
                _ => format!("/Users/{}", super::ids::segment(&operation.target)),
            },
            bulk_id: operation.bulk_id(),
            data: operation.data.as_deref(),
        }
    }
    let operations = operations.iter().map(entry).collect();
    let body = Body { schemas: [REQUEST], fail_on_errors: MOST, operations };
    serde_json::to_vec(&body).expect("texts under texts are always JSON")
}

/// The answer of a bulk call.
#[derive(Debug, Deserialize)]
pub(super) struct Results {
    #[serde(rename = "Operations", alias = "operations")]
    pub(super) list: Vec<Outcome>,
}

/// What became of one operation.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(super) struct Outcome {
    bulk_id: Option<String>,
    method: Option<String>,
    location: Option<String>,
    status: Status,
    pub(super) response: Value,
}

/// `"409"`, `409`, or `{"code": "409"}` as the first draft of the standard had it.
#[derive(Clone, Copy, Debug, Default, Deserialize)]
#[serde(untagged)]
enum Status {
    Plain(Number),
    Nested {
        code: Number,
    },
    #[default]
    Missing,
}

impl Outcome {
    /// The status; 0 when there is none.
    pub(super) fn status(&self) -> u16 {
        let number = match self.status {
            Status::Plain(number) | Status::Nested { code: number } => number.0,
            Status::Missing => None,
        };
        number.and_then(|number| u16::try_from(number).ok()).unwrap_or(0)
    }

    /// The last segment of the location: the id of what was written.
    pub(super) fn id(&self) -> Option<&str> {
        let path = self.location.as_deref()?.split(['?', '#']).next()?;
        path.trim_end_matches('/').rsplit('/').next().filter(|id| !id.is_empty() && *id != "Users")
    }

    fn method_is(&self, verb: Verb) -> bool {
        self.method.as_deref().is_none_or(|method| method.eq_ignore_ascii_case(verb.name()))
    }
}

/// For each operation its result: by bulk id; then by the account in the location; then, when
/// as many results came as were asked for, by position. What fits nowhere is not guessed.
pub(super) fn matched(operations: &[Operation], mut results: Vec<Outcome>) -> Vec<Option<Outcome>> {
    let whole = results.len() == operations.len();
    let mut slots: Vec<Option<Outcome>> = results.drain(..).map(Some).collect();
    let mut found: Vec<Option<Outcome>> = vec![None; operations.len()];
    let mut assign = |fits: &dyn Fn(usize, &Operation, usize, &Outcome) -> bool| {
        for (at, operation) in operations.iter().enumerate() {
            if found[at].is_none() {
                let place = slots.iter().enumerate().position(|(place, slot)| {
                    slot.as_ref().is_some_and(|result| fits(at, operation, place, result))
                });
                found[at] = place.and_then(|place| slots[place].take());
            }
        }
    };
    assign(&|_, operation, _, result| result.bulk_id.as_deref() == Some(operation.bulk_id().as_str()));
    assign(&|_, operation, _, result| {
        operation.verb != Verb::Post
            && result.bulk_id.is_none()
            && result.method_is(operation.verb)
            && result.id().is_some_and(|id| id.eq_ignore_ascii_case(&operation.target))
    });
    assign(&|at, operation, place, result| {
        whole && at == place && result.bulk_id.is_none() && result.method_is(operation.verb)
    });
    found
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn operation(index: usize, verb: Verb, target: &str) -> Operation {
        Operation { index, verb, target: target.into(), data: None, sent: 0, exact: false }
    }

    fn results(json: &str) -> Vec<Outcome> {
        serde_json::from_str::<Results>(json).unwrap().list
    }

    #[test]
    fn results_find_their_operations() {
        let operations =
            [operation(7, Verb::Post, ""), operation(8, Verb::Patch, "b"), operation(9, Verb::Delete, "c")];
        for (answer, expected) in [
            (
                // In another order, with and without bulk ids, both spellings of a status.
                r#"{"Operations":[{"method":"DELETE","location":"https://x/v2/Users/c","status":204},
                   {"method":"PATCH","location":"https://x/v2/Users/B/","status":"200"},
                   {"method":"POST","bulkId":"op-7","location":"https://x/v2/Users/a","status":"201"}]}"#,
                [201, 200, 204],
            ),
            (
                r#"{"operations":[{"bulkId":"op-7","status":{"code":"409"}},{"method":"PATCH","status":"404"},{"method":"DELETE","status":"404"}]}"#,
                [409, 404, 404],
            ),
            (r#"{"Operations":[{"bulkId":"op-8","status":"200"}]}"#, [0, 200, 0]),
            // Neither an id nor a place: not guessed.
            (
                r#"{"Operations":[{"method":"PATCH","status":"404"},{"method":"DELETE","status":"404"}]}"#,
                [0, 0, 0],
            ),
            (r#"{"Operations":[{"bulkId":"other","status":"201"},{},{"status":null}]}"#, [0, 0, 0]),
        ] {
            let found = matched(&operations, results(answer));
            let statuses: Vec<u16> =
                found.iter().map(|outcome| outcome.as_ref().map_or(0, Outcome::status)).collect();
            assert_eq!(statuses, expected, "{answer}");
        }
    }

    #[test]
    fn the_request_is_spelled_as_webex_wants_it() {
        let mut create = operation(0, Verb::Post, "");
        create.data = Some(RawValue::from_string(r#"{"userName":"a@example.com"}"#.into()).unwrap());
        let body: Value =
            serde_json::from_slice(&body(&[create, operation(1, Verb::Delete, "c/../d")])).unwrap();
        assert_eq!(
            body["operations"],
            json!([
                { "method": "POST", "path": "/Users", "bulkId": "op-0", "data": { "userName": "a@example.com" } },
                { "method": "DELETE", "path": "/Users/c%2F..%2Fd", "bulkId": "op-1" },
            ])
        );
    }

    #[test]
    fn the_new_id_is_the_last_segment() {
        for (location, id) in [
            ("https://x/v2/Users/abc", Some("abc")),
            ("/Users/abc/?x=/y", Some("abc")),
            ("https://x/v2/Users/", None),
            ("", None),
        ] {
            let outcome = Outcome { location: Some(location.into()), ..Outcome::default() };
            assert_eq!(outcome.id(), id, "{location}");
        }
    }
}
