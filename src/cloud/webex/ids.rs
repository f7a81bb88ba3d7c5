//! Public ids and raw values.
//!
//! The REST family names things by unpadded base64 of `ciscospark://us/<TYPE>/<value>`, the
//! SCIM family by the value itself. We keep the value of people, and give it its public
//! form only where a call wants it.

use base64::Engine;
use base64::engine::general_purpose::{STANDARD_NO_PAD, URL_SAFE_NO_PAD};

/// A person; the value is the UUID that SCIM uses.
pub(super) const PEOPLE: &str = "PEOPLE";
/// An organization; the value is its UUID.
pub(super) const ORGANIZATION: &str = "ORGANIZATION";
/// A role; the value is what SCIM's `roles` hold.
pub(super) const ROLE: &str = "ROLE";
/// A licence; the value is `<org>:<TYPE>_<uuid>[_<site>]`.
pub(super) const LICENSE: &str = "LICENSE";

/// The public form of a value.
pub(super) fn public(kind: &str, value: &str) -> String {
    URL_SAFE_NO_PAD.encode(format!("ciscospark://us/{kind}/{value}"))
}

/// The value behind a public id of this kind, whatever region wrote it. `None` when the text
/// is no such id.
pub(super) fn value(kind: &str, id: &str) -> Option<String> {
    let bare = id.trim_end_matches('=');
    let bytes = URL_SAFE_NO_PAD.decode(bare).or_else(|_| STANDARD_NO_PAD.decode(bare)).ok()?;
    let text = String::from_utf8(bytes).ok()?;
    let (_, path) = text.strip_prefix("ciscospark://")?.split_once('/')?;
    let (found, value) = path.split_once('/')?;
    (found == kind && !value.is_empty()).then(|| value.to_owned())
}

/// The raw value of an id that may have either form.
pub(super) fn raw(kind: &str, id: &str) -> String {
    value(kind, id).unwrap_or_else(|| id.to_owned())
}

/// Writes one segment of a path, so that an id can never become two segments or a query.
pub(super) fn segment(id: &str) -> String {
    let plain = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_' | b'.' | b'~' | b'=' | b':');
    // A segment of dots alone would climb.
    let climbs = id.bytes().all(|b| b == b'.');
    id.bytes().fold(String::with_capacity(id.len()), |mut out, b| {
        if plain(b) && !climbs {
            out.push(b as char);
        } else {
            out.push_str(&format!("%{b:02X}"));
        }
        out
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const ORG: &str = "3d1f7a52-6a0e-4c58-9b7e-0a11ce000001";

    #[test]
    fn the_scheme_is_the_clouds() {
        let license = format!("{ORG}:EE_dd000003-4444-4444-8444-000000000003_lumenforge.webex.com");
        for (kind, raw_value, id) in [
            (
                ORGANIZATION,
                ORG,
                "Y2lzY29zcGFyazovL3VzL09SR0FOSVpBVElPTi8zZDFmN2E1Mi02YTBlLTRjNTgtOWI3ZS0wYTExY2UwMDAwMDE",
            ),
            (
                PEOPLE,
                "aa000001-1111-4111-8111-000000000001",
                "Y2lzY29zcGFyazovL3VzL1BFT1BMRS9hYTAwMDAwMS0xMTExLTQxMTEtODExMS0wMDAwMDAwMDAwMDE",
            ),
            (ROLE, "id_full_admin", "Y2lzY29zcGFyazovL3VzL1JPTEUvaWRfZnVsbF9hZG1pbg"),
            (
                LICENSE,
                license.as_str(),
                "Y2lzY29zcGFyazovL3VzL0xJQ0VOU0UvM2QxZjdhNTItNmEwZS00YzU4LTliN2UtMGExMWNlMDAwMDAxOkVFX2RkMDAwMDAzLTQ0NDQtNDQ0NC04NDQ0LTAwMDAwMDAwMDAwM19sdW1lbmZvcmdlLndlYmV4LmNvbQ",
            ),
        ] {
            assert_eq!(public(kind, raw_value), id);
            assert_eq!(value(kind, id).as_deref(), Some(raw_value));
            assert_eq!(raw(kind, raw_value), raw_value);
        }
    }

    #[test]
    fn other_regions_padding_and_nonsense() {
        let padded = format!("{}==", public(ROLE, "id_full_admin"));
        assert_eq!(value(ROLE, &padded).as_deref(), Some("id_full_admin"));
        let west = URL_SAFE_NO_PAD.encode("ciscospark://urn:TEAM:us-west-2_r/PEOPLE/x");
        assert_eq!(value(PEOPLE, &west).as_deref(), Some("x"));
        for bad in ["", "!", "abc", ORG] {
            assert_eq!(value(PEOPLE, bad), None, "{bad}");
        }
        assert_eq!(value(PEOPLE, &public(ROLE, "x")), None);
    }

    #[test]
    fn a_segment_stays_one() {
        assert_eq!(segment("aa-1_b"), "aa-1_b");
        assert_eq!(segment("a/b?c#d e"), "a%2Fb%3Fc%23d%20e");
        assert_eq!(segment(".."), "%2E%2E");
    }
}
