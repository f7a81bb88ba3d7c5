//! LDAP messages (RFC 4511) to and from bytes, as far as a fake domain controller needs them.

use lber::parse::parse_tag;
use lber::structure::{PL, StructureTag};

use super::filter::Filter;
use crate::support::fake_ldap::tlv;

/// The control types that the fake knows.
pub(crate) const PAGED: &str = "1.2.840.113556.1.4.319";
pub(crate) const DIRSYNC: &str = "1.2.840.113556.1.4.841";
pub(crate) const EXTENDED_DN: &str = "1.2.840.113556.1.4.529";
pub(crate) const SHOW_DELETED: &str = "1.2.840.113556.1.4.417";
pub(crate) const SHOW_RECYCLED: &str = "1.2.840.113556.1.4.2064";
pub(crate) const NOTIFICATION: &str = "1.2.840.113556.1.4.528";

/// A request.
#[derive(Clone, Debug)]
pub(crate) enum Op {
    Bind { name: String, password: Vec<u8> },
    Search(Search),
    Abandon(Vec<u8>),
    Unbind,
    Other,
}

/// A search.
#[derive(Clone, Debug)]
pub(crate) struct Search {
    pub(crate) base: String,
    /// 0 for the base object, 1 for its children, 2 for the subtree.
    pub(crate) scope: u8,
    pub(crate) filter: Filter,
    /// As the client wrote them.
    pub(crate) attributes: Vec<String>,
    pub(crate) controls: Vec<Control>,
}

impl Search {
    pub(crate) fn control(&self, ctype: &str) -> Option<&Control> {
        self.controls.iter().find(|control| control.ctype == ctype)
    }
}

/// A control.
#[derive(Clone, Debug)]
pub(crate) struct Control {
    pub(crate) ctype: String,
    pub(crate) critical: bool,
    pub(crate) value: Vec<u8>,
}

/// The message id, as its bytes, and the request.
pub(crate) fn read(message: StructureTag) -> Option<(Vec<u8>, Op)> {
    let mut parts = children(message)?.into_iter();
    let id = bytes(parts.next()?)?;
    let op = parts.next()?;
    let controls: Vec<Control> =
        parts.next().and_then(children).unwrap_or_default().into_iter().filter_map(control).collect();
    let op = match op.id {
        0 => {
            let mut fields = children(op)?.into_iter().skip(1);
            Op::Bind { name: text(fields.next()?)?, password: bytes(fields.next()?).unwrap_or_default() }
        }
        2 => Op::Unbind,
        3 => {
            let mut fields = children(op)?.into_iter();
            let base = text(fields.next()?)?;
            let scope = *bytes(fields.next()?)?.first()?;
            let filter = Filter::read(fields.nth(4)?)?;
            let attributes = children(fields.next()?)?.into_iter().filter_map(text).collect();
            Op::Search(Search { base, scope, filter, attributes, controls })
        }
        16 => Op::Abandon(bytes(op)?),
        _ => Op::Other,
    };
    Some((id, op))
}

fn control(tag: StructureTag) -> Option<Control> {
    let mut control = Control { ctype: String::new(), critical: false, value: vec![] };
    for (at, part) in children(tag)?.into_iter().enumerate() {
        match (at, part.id) {
            (0, _) => control.ctype = text(part)?,
            (_, 1) => control.critical = bytes(part)? != [0],
            _ => control.value = bytes(part)?,
        }
    }
    Some(control)
}

/// The parts of a control's value that is a sequence of primitive elements.
pub(crate) fn sequence(value: &[u8]) -> Option<Vec<Vec<u8>>> {
    children(parse_tag(value).ok()?.1)?.into_iter().map(bytes).collect()
}

pub(crate) fn children(tag: StructureTag) -> Option<Vec<StructureTag>> {
    match tag.payload {
        PL::C(children) => Some(children),
        PL::P(_) => None,
    }
}

pub(crate) fn bytes(tag: StructureTag) -> Option<Vec<u8>> {
    match tag.payload {
        PL::P(bytes) => Some(bytes),
        PL::C(_) => None,
    }
}

pub(crate) fn text(tag: StructureTag) -> Option<String> {
    String::from_utf8(bytes(tag)?).ok()
}

/// A big-endian signed number.
pub(crate) fn number(bytes: &[u8]) -> i64 {
    let start = if bytes.first().is_some_and(|first| first & 0x80 != 0) { -1 } else { 0 };
    bytes.iter().fold(start, |sum, byte| (sum << 8) | i64::from(*byte))
}

/// An entry as it is sent: the DN, and names with values.
#[derive(Clone, Debug)]
pub(crate) struct Entry {
    pub(crate) dn: String,
    pub(crate) attributes: Vec<(String, Vec<Vec<u8>>)>,
}

pub(crate) fn entry(id: &[u8], entry: &Entry) -> Vec<u8> {
    let mut list = Vec::new();
    for (name, values) in &entry.attributes {
        let values: Vec<u8> = values.iter().flat_map(|value| tlv(4, value)).collect();
        list.extend(tlv(0x30, &[tlv(4, name.as_bytes()), tlv(0x31, &values)].concat()));
    }
    message(id, 0x64, &[tlv(4, entry.dn.as_bytes()), tlv(0x30, &list)].concat(), &[])
}

pub(crate) fn reference(id: &[u8], url: &str) -> Vec<u8> {
    message(id, 0x73, &tlv(4, url.as_bytes()), &[])
}

/// The end of an operation: the tag is that of the answer to it.
pub(crate) fn result(id: &[u8], tag: u8, code: u8, words: &str, controls: &[(&str, Vec<u8>)]) -> Vec<u8> {
    let body = [tlv(0x0a, &[code]), tlv(4, b""), tlv(4, words.as_bytes())].concat();
    message(id, tag, &body, controls)
}

/// The value of an answer to a paged search (RFC 2696).
pub(crate) fn paged(cookie: &[u8]) -> (&'static str, Vec<u8>) {
    (PAGED, tlv(0x30, &[tlv(2, &[0]), tlv(4, cookie)].concat()))
}

/// The value of an answer to DirSync ([MS-ADTS] 3.1.1.3.4.1.3).
pub(crate) fn dirsync(more: bool, cookie: &[u8]) -> (&'static str, Vec<u8>) {
    (DIRSYNC, tlv(0x30, &[tlv(2, &[u8::from(more)]), tlv(2, &[0]), tlv(4, cookie)].concat()))
}

pub(crate) fn message(id: &[u8], tag: u8, body: &[u8], controls: &[(&str, Vec<u8>)]) -> Vec<u8> {
    let mut parts = [tlv(2, id), tlv(tag, body)].concat();
    if !controls.is_empty() {
        let list: Vec<u8> = controls
            .iter()
            .flat_map(|(ctype, value)| tlv(0x30, &[tlv(4, ctype.as_bytes()), tlv(4, value)].concat()))
            .collect();
        parts.extend(tlv(0xa0, &list));
    }
    tlv(0x30, &parts)
}
