//! The controls of Active Directory, from and to the bytes of their values.
//!
//! Written by hand because the client library knows none of them. What the server sent is read
//! piece by piece and never by recursion: a value made to exhaust the stack is just refused.

use ldap3::LdapResult;
use ldap3::controls::{Control, RawControl};

use crate::model::SourceId;

/// LDAP_SERVER_DIRSYNC_OID, [MS-ADTS] 3.1.1.3.4.1.3.
pub(super) const DIRSYNC: &str = "1.2.840.113556.1.4.841";
/// LDAP_SERVER_EXTENDED_DN_OID, [MS-ADTS] 3.1.1.3.4.1.5.
const EXTENDED_DN: &str = "1.2.840.113556.1.4.529";
/// LDAP_SERVER_SHOW_DELETED_OID, [MS-ADTS] 3.1.1.3.4.1.14.
const SHOW_DELETED: &str = "1.2.840.113556.1.4.417";
/// LDAP_SERVER_NOTIFICATION_OID, [MS-ADTS] 3.1.1.3.4.1.9.
const NOTIFICATION: &str = "1.2.840.113556.1.4.528";

/// The caller sees what its account may see, and needs no right to replicate.
pub(super) const OBJECT_SECURITY: u32 = 0x1;
/// Of an attribute with many linked values, only those that came and went.
pub(super) const INCREMENTAL_VALUES: u32 = 0x8000_0000;

/// How much one answer may hold. Less than this a server rounds up.
const MAX_BYTES: u32 = 4 << 20;

/// Asks for what changed since a cookie; an empty one means from the beginning.
pub(super) fn dirsync(flags: u32, cookie: &[u8]) -> RawControl {
    // Flags are an INTEGER of 32 bits with a sign: the highest makes it negative.
    let parts = [integer(flags.cast_signed()), integer(MAX_BYTES.cast_signed()), tlv(0x04, cookie)];
    critical(DIRSYNC, Some(tlv(0x30, &parts.concat())))
}

/// Asks for DNs with their GUIDs, in the textual form.
pub(super) fn extended_dn() -> RawControl {
    RawControl { ctype: EXTENDED_DN.into(), crit: false, val: Some(tlv(0x30, &integer(1))) }
}

/// Lets a search see what is deleted.
pub(super) fn show_deleted() -> RawControl {
    critical(SHOW_DELETED, None)
}

/// Keeps a search open for what changes from now on.
pub(super) fn notification() -> RawControl {
    critical(NOTIFICATION, None)
}

fn critical(oid: &str, val: Option<Vec<u8>>) -> RawControl {
    RawControl { ctype: oid.into(), crit: true, val }
}

/// What ends one answer to [`dirsync`].
#[derive(Debug, PartialEq, Eq)]
pub(super) struct DirsyncEnd {
    /// Whether there is more to fetch at once.
    pub more: bool,
    /// Where to go on.
    pub cookie: Vec<u8>,
}

/// Reads the control that the server added to a result. `None`: there is none, or it is malformed.
pub(super) fn dirsync_end(result: &LdapResult) -> Option<DirsyncEnd> {
    let Control(_, raw) = result.ctrls.iter().find(|Control(_, raw)| raw.ctype == DIRSYNC)?;
    let (0x30, parts, []) = take(raw.val.as_deref()?)? else { return None };
    let (0x02, more, parts) = take(parts)? else { return None };
    let (0x02, _, parts) = take(parts)? else { return None };
    let (0x04, cookie, _) = take(parts)? else { return None };
    // A cookie comes back to the server and into the state database: no real one is near this.
    if cookie.is_empty() || cookie.len() > 1 << 20 {
        return None;
    }
    Some(DirsyncEnd { more: more.iter().any(|byte| *byte != 0), cookie: cookie.to_vec() })
}

/// A DN as [`extended_dn`] asks for it: `<GUID=…>;<SID=…>;cn=…`.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct ExtendedDn<'a> {
    /// The object's GUID, where the server gave it.
    pub guid: Option<SourceId>,
    /// The plain DN.
    pub dn: &'a str,
}

/// Takes a DN apart, extended or not.
pub(super) fn extended(text: &str) -> ExtendedDn<'_> {
    let mut guid = None;
    let mut rest = text;
    while let Some((part, after)) = rest.strip_prefix('<').and_then(|inner| inner.split_once('>')) {
        if let Some(("GUID", id)) = part.split_once('=') {
            guid = guid_of(id);
        }
        rest = after.strip_prefix(';').unwrap_or(after);
    }
    ExtendedDn { guid, dn: rest }
}

/// A GUID in its textual form, or as the digits of its bytes in the order of the wire.
fn guid_of(text: &str) -> Option<SourceId> {
    let id: SourceId = text.parse().ok()?;
    Some(if text.contains('-') { id } else { SourceId::from_ad_guid(*id.as_bytes()) })
}

/// An INTEGER in as few bytes as it needs (X.690, 8.3.2).
fn integer(value: i32) -> Vec<u8> {
    let bytes = value.to_be_bytes();
    let needless = |pair: &[u8]| matches!((pair[0], pair[1] >> 7), (0, 0) | (0xff, 1));
    let skip = bytes.windows(2).take_while(|pair| needless(pair)).count();
    tlv(0x02, &bytes[skip..])
}

/// Tag, length (X.690, 8.1.3) and content.
fn tlv(tag: u8, content: &[u8]) -> Vec<u8> {
    let mut out = vec![tag];
    let length = content.len().to_be_bytes();
    let digits = &length[length.iter().take_while(|byte| **byte == 0).count()..];
    match digits {
        [] => out.push(0),
        [short] if *short < 0x80 => out.push(*short),
        // Eight bytes at most.
        long => {
            out.push(0x80 | long.len() as u8);
            out.extend_from_slice(long);
        }
    }
    out.extend_from_slice(content);
    out
}

/// The first element: tag, content, and what follows it.
fn take(bytes: &[u8]) -> Option<(u8, &[u8], &[u8])> {
    let (&tag, rest) = bytes.split_first()?;
    let (&first, rest) = rest.split_first()?;
    let (length, rest) = match first {
        0..=0x7f => (usize::from(first), rest),
        // Four digits of length are more than any control has. Without a length of its own (0x80)
        // no value is allowed in LDAP (RFC 4511, 5.1).
        0x81..=0x84 => {
            let (digits, rest) = rest.split_at_checked(usize::from(first & 0x7f))?;
            (digits.iter().fold(0, |length, digit| length << 8 | usize::from(*digit)), rest)
        }
        _ => return None,
    };
    let (content, rest) = rest.split_at_checked(length)?;
    Some((tag, content, rest))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ended(value: Option<&[u8]>) -> LdapResult {
        let raw = RawControl { ctype: DIRSYNC.into(), crit: false, val: value.map(<[u8]>::to_vec) };
        let (matched, text) = (String::new(), String::new());
        LdapResult { rc: 0, matched, text, refs: vec![], ctrls: vec![Control(None, raw)] }
    }

    #[test]
    fn integers_are_as_short_as_they_can_be() {
        for (value, expected) in [
            (0, &[2, 1, 0][..]),
            (127, &[2, 1, 127]),
            (128, &[2, 2, 0, 128]),
            (-1, &[2, 1, 0xff]),
            (-128, &[2, 1, 0x80]),
            (-129, &[2, 2, 0xff, 0x7f]),
            (i32::MIN, &[2, 4, 0x80, 0, 0, 0]),
            (i32::MIN + 1, &[2, 4, 0x80, 0, 0, 1]),
            (4 << 20, &[2, 3, 0x40, 0, 0]),
        ] {
            assert_eq!(integer(value), expected, "{value}");
        }
    }

    #[test]
    fn the_dirsync_request() {
        let control = dirsync(INCREMENTAL_VALUES | OBJECT_SECURITY, b"ab");
        assert!(control.crit);
        let expected = [0x30, 15, 2, 4, 0x80, 0, 0, 1, 2, 3, 0x40, 0, 0, 4, 2, b'a', b'b'];
        assert_eq!(control.val.as_deref(), Some(&expected[..]));
        let long = dirsync(0, &[7; 300]).val.unwrap();
        assert_eq!(long[..4], [0x30, 0x82, 0x01, 0x38]);
        let (_, parts, rest) = take(&long).unwrap();
        assert!(rest.is_empty());
        assert!(parts.ends_with(&[7; 300]));
    }

    #[test]
    fn the_dirsync_answer() {
        let some = |more, cookie: &[u8]| Some(DirsyncEnd { more, cookie: cookie.to_vec() });
        for (value, expected) in [
            (Some(&[0x30, 8, 2, 1, 0, 2, 1, 0, 4, 0][..]), None),
            (Some(&[0x30, 10, 2, 1, 0, 2, 1, 0, 4, 2, b'a', b'b']), some(false, b"ab")),
            (Some(&[0x30, 10, 2, 1, 1, 2, 1, 9, 4, 2, b'a', b'b']), some(true, b"ab")),
            (Some(&[0x30, 0x81, 11, 2, 2, 0, 0x80, 2, 1, 0, 4, 2, b'a', b'b']), some(true, b"ab")),
            (Some(&[0x30, 3, 2, 1, 0]), None),
            (Some(&[0x31, 10, 2, 1, 0, 2, 1, 0, 4, 2, b'a', b'b']), None),
            (Some(&[0x30, 10, 2, 1, 0, 2, 1, 0, 4, 9, b'a', b'b']), None),
            (Some(&[0x30, 0x80]), None),
            (Some(&[0x30, 0x84, 0xff, 0xff, 0xff, 0xff, 0]), None),
            (Some(&[0x30, 0x88, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0]), None),
            (Some(&[0x30]), None),
            (Some(&[]), None),
            (None, None),
        ] {
            assert_eq!(dirsync_end(&ended(value)), expected, "{value:?}");
        }
        assert_eq!(dirsync_end(&LdapResult { ctrls: vec![], ..ended(None) }), None);
        // Nested a hundred thousand times, and every cut of a good answer.
        assert_eq!(dirsync_end(&ended(Some(&[0x30, 0x80].repeat(100_000)))), None);
        let good = [0x30, 10, 2, 1, 0, 2, 1, 0, 4, 2, b'a', b'b'];
        for end in 0..good.len() {
            assert_eq!(dirsync_end(&ended(Some(&good[..end]))), None, "{end}");
        }
    }

    #[test]
    fn every_single_wrong_byte_is_survived() {
        let good = [0x30, 10, 2, 1, 0, 2, 1, 0, 4, 2, b'a', b'b'];
        for at in 0..good.len() {
            for byte in 0..=255 {
                let mut bad = good;
                bad[at] = byte;
                let _ = dirsync_end(&ended(Some(&bad)));
            }
        }
    }

    #[test]
    fn extended_names() {
        let text = "6f1d3c1e-0a2b-4c3d-8e9f-001122334455";
        let guid: Option<SourceId> = text.parse().ok();
        for (name, guid, dn) in [
            (format!("<GUID={text}>;<SID=S-1-5-21-1>;CN=A,DC=x"), guid, "CN=A,DC=x"),
            (format!("<GUID={text}>;OU=A,DC=x"), guid, "OU=A,DC=x"),
            ("<GUID=1e3c1d6f2b0a3d4c8e9f001122334455>;OU=A".into(), guid, "OU=A"),
            ("CN=<A>,DC=x".into(), None, "CN=<A>,DC=x"),
            ("<GUID=xyz>;CN=A".into(), None, "CN=A"),
            ("<GUID=".into(), None, "<GUID="),
            ("<>".into(), None, ""),
            (String::new(), None, ""),
            ("<\u{e9}=\u{e9}>;é".into(), None, "é"),
        ] {
            assert_eq!(extended(&name), ExtendedDn { guid, dn }, "{name}");
        }
    }
}
