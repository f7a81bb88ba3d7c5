//! Looks at the bytes from the server before the client library does.
//!
//! It follows the headers of each LDAPMessage (RFC 4511, 4.1.1) as the bytes come by and keeps
//! nothing but where elements end, so that it costs next to nothing; only the values that the
//! library may decode a second time, which are those of controls and of everything but
//! entries, are collected and looked into.

use std::fmt;

use super::ber::{CONSTRUCTED, Header, header, is_deeper};

/// Nested elements in a message, and in a value that holds BER. An entry needs six.
const DEEPEST: usize = 24;
/// Bytes of one message: a group of some millions of members.
const LONGEST: u64 = 256 << 20;
/// Elements of one message. Decoded, each costs a hundred bytes and more.
const MOST: u32 = 4_000_000;
/// Elements that are taken in one stride.
const CHUNK_ELEMENTS: u32 = 1 << 16;
/// Bytes of a value that is collected. A cookie of Active Directory has some thousands.
const LONGEST_VALUE: u64 = 16 << 20;

/// SearchResultEntry and SearchResultReference: their values are never decoded.
const PLAIN: [u8; 2] = [0x64, 0x73];

/// Why an answer is not passed on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::source::ldap) enum Breach {
    /// Not an LDAPMessage.
    NotLdap,
    /// Nested too deeply.
    Deep,
    /// So many bytes are announced.
    Long(u64),
    /// Too many elements.
    Many,
    /// A length that LDAP does not allow, or that exceeds what surrounds it.
    Lengths,
}

impl fmt::Display for Breach {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotLdap => f.write_str("the server sent something that is not LDAP"),
            Self::Deep => {
                write!(f, "the server sent an answer that is nested more than {DEEPEST} levels deep")
            }
            Self::Long(length) => write!(
                f,
                "the server announced an answer of {length} bytes; more than {LONGEST} are not taken"
            ),
            Self::Many => {
                write!(f, "the server sent an answer of more than {MOST} elements; so many are not taken")
            }
            Self::Lengths => f.write_str("the server sent an answer whose lengths contradict each other"),
        }
    }
}

/// Where in a message the bytes stand.
#[derive(Debug, Default)]
pub(in crate::source::ldap) struct Screen {
    /// Bytes seen.
    at: u64,
    /// Where the open elements end, the message first.
    ends: Vec<u64>,
    /// A header that the last chunk ended in.
    partial: Vec<u8>,
    /// What is left of a value.
    value_left: u64,
    /// The value so far, when it is one to look into.
    value: Option<Vec<u8>>,
    /// Children of the message so far.
    parts: u8,
    /// Elements of the message so far.
    elements: u32,
    /// Whether values are to be looked into.
    look: bool,
}

impl Screen {
    /// Looks at the next bytes.
    ///
    /// # Errors
    ///
    /// When nothing from here on may be passed on. The screen is not to be used again.
    pub(super) fn look(&mut self, mut chunk: &[u8]) -> Result<(), Breach> {
        loop {
            chunk = self.stride(chunk);
            if self.value_left > 0 {
                // What is left counts at most the bytes of the chunk.
                let n = usize::try_from(self.value_left).unwrap_or(usize::MAX).min(chunk.len());
                let (value, rest) = chunk.split_at(n);
                self.at += n as u64;
                self.value_left -= n as u64;
                if let Some(collected) = &mut self.value {
                    collected.extend_from_slice(value);
                }
                chunk = rest;
                if self.value_left > 0 {
                    return Ok(());
                }
            }
            if let Some(value) = self.value.take()
                && is_deeper(&value, DEEPEST)
            {
                return Err(Breach::Deep);
            }
            while self.ends.last() == Some(&self.at) {
                self.ends.pop();
                if self.ends.is_empty() {
                    self.message_over()?;
                }
            }
            if chunk.is_empty() {
                return Ok(());
            }
            let header = if self.partial.is_empty() {
                match header(chunk) {
                    Some(header) => {
                        chunk = chunk.get(header.size..).unwrap_or_default();
                        header
                    }
                    None => {
                        // Fewer bytes than a header: nothing is left of the chunk.
                        self.partial.extend_from_slice(chunk);
                        return self.plausible_so_far();
                    }
                }
            } else {
                let Some((byte, rest)) = chunk.split_first() else { return Ok(()) };
                self.partial.push(*byte);
                chunk = rest;
                match header(&self.partial) {
                    Some(header) => {
                        self.partial.clear();
                        header
                    }
                    None => {
                        self.plausible_so_far()?;
                        continue;
                    }
                }
            };
            self.enter(header)?;
        }
    }

    /// Over what most bytes are, the inside of entries, in long strides: short elements that
    /// are all there, and end before what surrounds them does. Stops before anything else.
    fn stride<'c>(&mut self, mut chunk: &'c [u8]) -> &'c [u8] {
        if self.value_left > 0
            || self.look
            || !self.partial.is_empty()
            || self.elements >= MOST - CHUNK_ELEMENTS
        {
            return chunk;
        }
        let mut count = 0;
        while count < CHUNK_ELEMENTS
            && let [tag, length, rest @ ..] = chunk
            && *length < 0x80
            && tag & 0x1f != 0x1f
            && let [_, .., end] = self.ends.as_slice()
        {
            let next = self.at + 2 + u64::from(*length);
            if tag & CONSTRUCTED != 0 {
                if next > *end || self.ends.len() >= DEEPEST || self.at == *end {
                    break;
                }
                self.at += 2;
                self.ends.push(next);
                chunk = rest;
            } else {
                let Some(after) = rest.get(usize::from(*length)..) else { break };
                if next > *end || self.at == *end {
                    break;
                }
                self.at = next;
                chunk = after;
            }
            count += 1;
            while self.ends.len() > 1 && self.ends.last() == Some(&self.at) {
                self.ends.pop();
            }
        }
        self.elements += count;
        chunk
    }

    /// A header that is not all there: what there is must be one that [`Screen::enter`] takes,
    /// or it would be waited for to no end.
    fn plausible_so_far(&self) -> Result<(), Breach> {
        match self.partial.as_slice() {
            [tag, ..] if self.ends.is_empty() && *tag != 0x30 => Err(Breach::NotLdap),
            [_, first, ..] if *first > 0x84 => Err(Breach::Lengths),
            _ => Ok(()),
        }
    }

    fn enter(&mut self, header: Header) -> Result<(), Breach> {
        let Header { tag, size, length, definite } = header;
        let depth = self.ends.len();
        if depth == 0 && tag != 0x30 {
            return Err(Breach::NotLdap);
        }
        // RFC 4511, 5.1: definite lengths only; and no tag in LDAP has a number beyond 30.
        if tag & 0x1f == 0x1f || size > 6 || !definite {
            return Err(Breach::Lengths);
        }
        self.at += size as u64;
        let end = self.at + length;
        match self.ends.last() {
            None => {
                if length > LONGEST {
                    return Err(Breach::Long(length));
                }
                (self.parts, self.elements, self.look) = (0, 0, false);
            }
            Some(outer) if end > *outer => return Err(Breach::Lengths),
            Some(_) => {}
        }
        if depth == 1 {
            self.part(tag, length)?;
        }
        self.elements += 1;
        if self.elements > MOST {
            return Err(Breach::Many);
        }
        if tag & CONSTRUCTED != 0 {
            if depth == DEEPEST {
                return Err(Breach::Deep);
            }
            self.ends.push(end);
        } else {
            self.value_left = length;
            if self.look && length > 2 {
                if length > LONGEST_VALUE {
                    return Err(Breach::Long(length));
                }
                self.value = Some(Vec::new());
            }
        }
        Ok(())
    }

    /// A child of the message: id, operation, controls.
    fn part(&mut self, tag: u8, length: u64) -> Result<(), Breach> {
        let fits = match self.parts {
            0 => tag == 0x02 && (1..=5).contains(&length),
            // The class of operations is "application".
            1 => tag & 0xc0 == 0x40,
            // Controls; and where Active Directory puts the name of a notice.
            2 => matches!(tag, 0xa0 | 0x8a),
            _ => false,
        };
        if !fits {
            return Err(Breach::NotLdap);
        }
        self.look = self.parts == 2 || (self.parts == 1 && !PLAIN.contains(&tag));
        self.parts += 1;
        Ok(())
    }

    fn message_over(&mut self) -> Result<(), Breach> {
        if self.parts < 2 {
            return Err(Breach::NotLdap);
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::super::ber::element;
    use super::super::ber::tests::nested;
    use super::*;

    fn message(op: Vec<u8>) -> Vec<u8> {
        element(0x30, &[element(2, &[1]), op].concat())
    }

    fn entry() -> Vec<u8> {
        let attribute = |name: &str, values: &[u8]| {
            element(0x30, &[element(4, name.as_bytes()), element(0x31, values)].concat())
        };
        let attributes = [
            attribute("mail", &element(4, b"ann@example.com")),
            attribute("jpegPhoto", &element(4, &[0x30; 5000])),
            attribute("empty", b""),
        ];
        message(element(0x64, &[element(4, b"cn=Ann"), element(0x30, &attributes.concat())].concat()))
    }

    fn with_control(value: &[u8]) -> Vec<u8> {
        let control = element(0x30, &[element(4, b"1.2.3"), element(4, value)].concat());
        let done = element(0x65, &[element(0x0a, &[0]), element(4, b""), element(4, b"")].concat());
        element(0x30, &[element(2, &[1]), done, element(0xa0, &control)].concat())
    }

    /// In chunks of each size: what is found must not depend on how the bytes arrive.
    fn looked(bytes: &[u8]) -> Option<Breach> {
        let mut found = Vec::new();
        for size in [1, 2, 3, 7, 1000, usize::MAX] {
            let mut screen = Screen::default();
            let mut chunks = bytes.chunks(size.min(bytes.len()).max(1));
            found.push(chunks.find_map(|chunk| screen.look(chunk).err()));
        }
        found.dedup();
        assert_eq!(found.len(), 1, "{found:?}");
        found.pop().flatten()
    }

    #[test]
    fn what_servers_send_passes() {
        let notice =
            message(element(0x78, &[element(0x0a, &[52]), element(4, b""), element(4, b"bye")].concat()));
        let syncinfo = message(element(0x79, &[element(0x80, b"1.3.6"), element(0x81, &nested(5))].concat()));
        let cookie = element(0x30, &[element(2, &[0]), element(4, &[0x30; 2000])].concat());
        for good in
            [entry(), with_control(&cookie), with_control(b""), with_control(b"((("), notice, syncinfo]
        {
            assert_eq!(looked(&good), None, "{good:02x?}");
            assert_eq!(looked(&[good.clone(), entry(), good].concat()), None);
        }
        // Active Directory writes all lengths in four bytes.
        assert_eq!(looked(b"\x30\x84\0\0\0\x0c\x02\x01\x01\x65\x84\0\0\0\x03\x0a\x01\0"), None);
    }

    #[test]
    fn what_would_harm_us_does_not() {
        for (bytes, breach) in [
            (message(element(0x64, &nested(100_000))), Breach::Deep),
            (message(element(0x64, &nested(DEEPEST))), Breach::Deep),
            (with_control(&nested(50_000)), Breach::Deep),
            (message(element(0x79, &element(0x81, &nested(1000)))), Breach::Deep),
            (b"\x30\x84\x7f\xff\xff\xff".to_vec(), Breach::Long(0x7fff_ffff)),
            (b"\x30\x88\0\0\0\0\0\0\0\x05".to_vec(), Breach::Lengths),
            (b"\x30\x80\x02\x01\x01".to_vec(), Breach::Lengths),
            (b"\x30\x05\x02\x01\x01\x64\x05".to_vec(), Breach::Lengths),
            (b"\x3f\x05".to_vec(), Breach::NotLdap),
            (b"HTTP/1.1 400 Bad Request\r\n\r\n".to_vec(), Breach::NotLdap),
            (element(0x30, b""), Breach::NotLdap),
            (element(0x30, &element(2, &[1])), Breach::NotLdap),
            (element(0x30, &[element(0x64, b""), element(2, &[1])].concat()), Breach::NotLdap),
            (message([entry(), entry()].concat()), Breach::NotLdap),
            (message(element(0x64, &element(4, b"").repeat(MOST as usize))), Breach::Many),
        ] {
            let all =
                if bytes.len() < 1_000_000 { looked(&bytes) } else { Screen::default().look(&bytes).err() };
            assert_eq!(all, Some(breach));
            // Nor after good messages.
            let mut screen = Screen::default();
            screen.look(&entry().repeat(3)).unwrap();
            assert_eq!(screen.look(&bytes).err(), Some(breach));
        }
    }
}
