//! The headers of BER (X.690) as the client library reads them, and no more of it than the
//! screen and a few requests need.

/// Whether an element holds elements.
pub(super) const CONSTRUCTED: u8 = 0x20;

/// A tag, how many bytes of header it came in, and how many bytes follow.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Header {
    pub tag: u8,
    pub size: usize,
    pub length: u64,
    /// Whether the length is said at all.
    pub definite: bool,
}

/// The header at the start of some bytes; `None` when they end within it.
///
/// As lenient as the library, which takes an indefinite length for 0 and a tag number beyond
/// 30 for 31: whoever is strict looks at the bytes as well.
pub(super) fn header(bytes: &[u8]) -> Option<Header> {
    let (&tag, rest) = bytes.split_first()?;
    let (&first, rest) = rest.split_first()?;
    if first < 0x80 {
        return Some(Header { tag, size: 2, length: u64::from(first), definite: true });
    }
    let count = usize::from(first & 0x7f);
    let length = rest.get(..count)?.iter().fold(0, |length: u64, byte| length << 8 | u64::from(*byte));
    Some(Header { tag, size: 2 + count, length, definite: count > 0 })
}

/// Whether the first element in these bytes is nested more deeply than `limit`, as far as the
/// library would follow it.
pub(super) fn is_deeper(bytes: &[u8], limit: usize) -> bool {
    let mut ends = vec![bytes.len()];
    let mut at = 0;
    loop {
        while ends.len() > 1 && ends.last() == Some(&at) {
            ends.pop();
        }
        let Some(&end) = ends.last() else { return false };
        if at > 0 && ends.len() == 1 {
            return false;
        }
        let Some(header) = bytes.get(at..end).and_then(header) else { return false };
        let Some(next) = usize::try_from(header.length).ok().and_then(|n| n.checked_add(at + header.size))
        else {
            return false;
        };
        if next > end {
            return false;
        }
        if header.tag & CONSTRUCTED == 0 {
            at = next;
        } else {
            at += header.size;
            ends.push(next);
            if ends.len() > limit + 1 {
                return true;
            }
        }
    }
}

/// An element of a request: tag, length, content.
pub(in crate::source::ldap) fn element(tag: u8, content: &[u8]) -> Vec<u8> {
    let mut bytes = vec![tag];
    let length = content.len();
    match u8::try_from(length) {
        Ok(short) if short < 0x80 => bytes.push(short),
        _ => {
            let all = length.to_be_bytes();
            let significant = &all[all.iter().take_while(|byte| **byte == 0).count()..];
            // At most 8 bytes.
            bytes.push(0x80 | significant.len() as u8);
            bytes.extend_from_slice(significant);
        }
    }
    bytes.extend_from_slice(content);
    bytes
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    /// A sequence in a sequence in a sequence.
    pub(in super::super) fn nested(depth: usize) -> Vec<u8> {
        let mut reversed: Vec<u8> = Vec::new();
        for _ in 0..depth {
            reversed.extend(u32::try_from(reversed.len()).unwrap().to_le_bytes());
            reversed.extend([0x84, 0x30]);
        }
        reversed.reverse();
        reversed
    }

    #[test]
    fn headers() {
        for (bytes, expected) in [
            (&[0x30, 5][..], Some((0x30, 2, 5))),
            (&[0x04, 0x82, 1, 0, 9], Some((0x04, 4, 256))),
            (&[0x30, 0x80], Some((0x30, 2, 0))),
            (&[0x30, 0x84, 1, 2, 3], None),
            (&[0x30], None),
            (&[], None),
        ] {
            assert_eq!(header(bytes).map(|h| (h.tag, h.size, h.length)), expected, "{bytes:02x?}");
        }
        for length in [0, 1, 127, 128, 255, 256, 70_000] {
            let bytes = element(0x04, &vec![7; length]);
            let found = header(&bytes).unwrap();
            assert_eq!((found.length, bytes.len()), (length as u64, found.size + length));
        }
    }

    #[test]
    fn depth_is_what_the_library_would_descend() {
        for (depth, limit, deeper) in [(3, 3, false), (4, 3, true), (24, 24, false), (10_000, 24, true)] {
            assert_eq!(is_deeper(&nested(depth), limit), deeper, "{depth} and {limit}");
        }
        // Side by side is not deep; what is no BER is not followed.
        assert!(!is_deeper(&element(0x30, &nested(2).repeat(50)), 4));
        assert!(is_deeper(&element(0x30, &[element(4, b"x"), nested(4)].concat()), 4));
        assert!(!is_deeper(b"((((((((((", 2));
        assert!(!is_deeper(b"", 2));
    }
}
