//! What the sandbox answers, before it becomes HTTP.

use serde_json::Value;

/// An answer: a status, headers besides the usual ones, and a body.
#[derive(Clone, Debug)]
pub(super) struct Reply {
    pub(super) status: u16,
    pub(super) headers: Vec<(&'static str, String)>,
    pub(super) content_type: &'static str,
    pub(super) body: Vec<u8>,
}

impl Reply {
    /// A JSON answer.
    pub(super) fn json(status: u16, value: &Value) -> Self {
        Self::text(status, "application/json;charset=UTF-8", value.to_string().into_bytes())
    }

    /// A JSON answer that is written out already.
    pub(super) fn raw(status: u16, body: String) -> Self {
        Self::text(status, "application/json;charset=UTF-8", body.into_bytes())
    }

    /// A SCIM answer that is written out already.
    pub(super) fn scim(status: u16, body: String) -> Self {
        Self::text(status, "application/scim+json;charset=UTF-8", body.into_bytes())
    }

    /// An HTML answer.
    pub(super) fn html(status: u16, body: String) -> Self {
        Self::text(status, "text/html;charset=UTF-8", body.into_bytes())
    }

    /// An answer without a body.
    pub(super) fn empty(status: u16) -> Self {
        Self::text(status, "", Vec::new())
    }

    fn text(status: u16, content_type: &'static str, body: Vec<u8>) -> Self {
        Self { status, headers: Vec::new(), content_type, body }
    }

    /// The same answer with one more header.
    pub(super) fn with(mut self, name: &'static str, value: String) -> Self {
        self.headers.push((name, value));
        self
    }
}

/// Appends a JSON string literal.
pub(super) fn quote(out: &mut String, text: &str) {
    out.push('"');
    let mut clean = 0;
    for (at, byte) in text.bytes().enumerate() {
        if byte != b'"' && byte != b'\\' && byte >= 0x20 {
            continue;
        }
        out.push_str(&text[clean..at]);
        clean = at + 1;
        match byte {
            b'"' => out.push_str("\\\""),
            b'\\' => out.push_str("\\\\"),
            b'\n' => out.push_str("\\n"),
            b'\r' => out.push_str("\\r"),
            b'\t' => out.push_str("\\t"),
            other => out.push_str(&format!("\\u{other:04x}")),
        }
    }
    out.push_str(&text[clean..]);
    out.push('"');
}

/// Appends `"name":"text"` with a comma in front unless it is the first member.
pub(super) fn member(out: &mut String, name: &str, text: &str) {
    comma(out);
    quote(out, name);
    out.push(':');
    quote(out, text);
}

/// Appends `"name":` and a value that is JSON already.
pub(super) fn member_raw(out: &mut String, name: &str, json: &str) {
    comma(out);
    quote(out, name);
    out.push(':');
    out.push_str(json);
}

/// Appends members that are JSON already; nothing for none.
pub(super) fn members(out: &mut String, json: &str) {
    if !json.is_empty() {
        comma(out);
        out.push_str(json);
    }
}

/// A comma, unless a list or object was just opened.
pub(super) fn comma(out: &mut String) {
    if !matches!(out.as_bytes().last(), None | Some(b'{' | b'[')) {
        out.push(',');
    }
}

/// Milliseconds since 1970 as Webex writes time.
pub(super) fn instant(ms: i64) -> String {
    chrono::DateTime::from_timestamp_millis(ms)
        .unwrap_or_default()
        .to_rfc3339_opts(chrono::SecondsFormat::Millis, true)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quoting_survives_a_parser() {
        for text in ["", "plain", "a\"b\\c\n\r\t\u{1}\u{1f}d", "äöü 名前 🙂", "\\"] {
            let mut out = String::new();
            quote(&mut out, text);
            assert_eq!(serde_json::from_str::<String>(&out).unwrap(), text);
        }
    }

    #[test]
    fn time_is_written_in_milliseconds_utc() {
        assert_eq!(instant(0), "1970-01-01T00:00:00.000Z");
        assert_eq!(instant(1_763_640_000_450), "2025-11-20T12:00:00.450Z");
    }
}
