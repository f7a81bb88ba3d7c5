//! The organizational units of a DN, as they are written there.

use std::borrow::Cow;

/// The name of the `nth` unit above an entry, counted from 1 and from the entry upwards.
pub(super) fn unit(dn: &str, nth: usize) -> Option<Cow<'_, str>> {
    let mut left = nth;
    let mut rest = dn;
    // The entry itself is no unit above it.
    let mut first = true;
    while !rest.is_empty() {
        let (rdn, after) = split(rest);
        rest = after;
        if std::mem::take(&mut first) {
            continue;
        }
        let Some((kind, value)) = rdn.split_once('=') else { continue };
        if kind.trim().eq_ignore_ascii_case("ou") {
            left = left.checked_sub(1)?;
            if left == 0 {
                return Some(plain(value.trim()));
            }
        }
    }
    None
}

/// The first RDN, and what follows its comma.
fn split(dn: &str) -> (&str, &str) {
    let mut escaped = false;
    for (at, byte) in dn.bytes().enumerate() {
        match byte {
            _ if escaped => escaped = false,
            b'\\' => escaped = true,
            b',' => return (&dn[..at], &dn[at + 1..]),
            _ => {}
        }
    }
    (dn, "")
}

/// A value without its escapes (RFC 4514, 2.4).
fn plain(value: &str) -> Cow<'_, str> {
    if !value.contains('\\') {
        return Cow::Borrowed(value);
    }
    let mut out = Vec::with_capacity(value.len());
    let mut bytes = value.bytes().peekable();
    while let Some(byte) = bytes.next() {
        if byte != b'\\' {
            out.push(byte);
            continue;
        }
        let hex = |byte: u8| (byte as char).to_digit(16);
        let Some(next) = bytes.next() else { break };
        match (hex(next), bytes.peek().copied().and_then(hex)) {
            (Some(high), Some(low)) => {
                bytes.next();
                out.push((high << 4 | low) as u8);
            }
            _ => out.push(next),
        }
    }
    Cow::Owned(String::from_utf8_lossy(&out).into_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn units_are_counted_from_the_entry_upwards() {
        for (dn, nth, want) in [
            ("CN=Ann,OU=Flight,OU=People,DC=test", 1, Some("Flight")),
            ("CN=Ann,OU=Flight,OU=People,DC=test", 2, Some("People")),
            ("CN=Ann,OU=Flight,OU=People,DC=test", 3, None),
            ("cn=ann, ou = Sales \\, North ,dc=test", 1, Some("Sales , North")),
            (r"cn=a\2Cb,ou=M\C3\BCnchen,dc=test", 1, Some("München")),
            (r"cn=a\,ou=x,ou=y", 1, Some("y")),
            ("ou=Flight,ou=People", 1, Some("People")),
            ("cn=ann,dc=test", 1, None),
            ("", 1, None),
            ("cn=ann,ou=x\\", 1, Some("x")),
        ] {
            assert_eq!(unit(dn, nth).as_deref(), want, "{dn} {nth}");
        }
    }
}
