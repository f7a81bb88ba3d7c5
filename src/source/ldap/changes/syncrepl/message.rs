//! What RFC 4533 puts into answers: the state of an entry, sets of ids, and the end of a refresh.
//!
//! Read by a walk of our own that never descends by itself and believes no length: the client
//! library's parsers of these messages panic on what a broken server may send.

use ldap3::asn1::{PL, StructureTag};
use ldap3::controls::Control;

use crate::model::SourceId;

/// Control type of the state of an entry (RFC 4533, 2.3).
pub(super) const SYNC_STATE: &str = "1.3.6.1.4.1.4203.1.9.1.2";
/// Control type of the end (RFC 4533, 2.4).
pub(super) const SYNC_DONE: &str = "1.3.6.1.4.1.4203.1.9.1.3";
/// Name of the messages in between (RFC 4533, 2.5).
pub(super) const SYNC_INFO: &[u8] = b"1.3.6.1.4.1.4203.1.9.1.4";

const BOOLEAN: u8 = 0x01;
const OCTETS: u8 = 0x04;
const ENUMERATED: u8 = 0x0a;
const SEQUENCE: u8 = 0x30;
const SET: u8 = 0x31;

/// A message that is none. The words say which.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Malformed(pub &'static str);

/// What happened to an entry, and its id.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum State {
    /// It is there as it was.
    Present(SourceId),
    /// It is new, or it changed.
    Changed(SourceId),
    /// It is no longer in the content.
    Deleted(SourceId),
}

/// A message between entries.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Info {
    /// Where the server is now. Nothing in the content changed.
    NewCookie,
    /// A stage is over in which deletions were named.
    RefreshDelete,
    /// A stage is over in which what is there was named, and the rest is deleted.
    RefreshPresent,
    /// Entries that are no longer in the content.
    Gone(Vec<SourceId>),
    /// Entries that are there as they were.
    Present(Vec<SourceId>),
    /// Something that belongs to no synchronization.
    Other,
}

/// The end of a refresh.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Done {
    /// Where to go on; none when that did not move.
    pub cookie: Option<Vec<u8>>,
    /// Whether deletions were named, rather than what remains.
    pub refresh_deletes: bool,
}

/// The state control of an entry.
pub(super) fn state(controls: &[Control]) -> Result<State, Malformed> {
    let wrong = Malformed("an entry's state of synchronization cannot be read");
    let value = value_of(controls, SYNC_STATE).ok_or(Malformed("an entry came without its state"))?;
    let mut parts = sequence(value).ok_or(wrong)?;
    let Some(Some((ENUMERATED, &[state]))) = parts.next() else { return Err(wrong) };
    let Some(Some((OCTETS, id))) = parts.next() else { return Err(wrong) };
    let id = anchor(id).ok_or(wrong)?;
    match state {
        0 => Ok(State::Present(id)),
        1 | 2 => Ok(State::Changed(id)),
        3 => Ok(State::Deleted(id)),
        _ => Err(wrong),
    }
}

/// The control at the end.
pub(super) fn done(controls: &[Control]) -> Result<Done, Malformed> {
    let wrong = Malformed("the end of the synchronization cannot be read");
    let value = value_of(controls, SYNC_DONE).ok_or(Malformed("the answer ended without its cookie"))?;
    let mut done = Done::default();
    for part in sequence(value).ok_or(wrong)? {
        match part.ok_or(wrong)? {
            (OCTETS, cookie) => done.cookie = Some(cookie.to_vec()),
            (BOOLEAN, &[truth]) => done.refresh_deletes = truth != 0,
            _ => return Err(wrong),
        }
    }
    Ok(done)
}

/// An intermediate response (RFC 4511, 4.13).
pub(super) fn info(message: &StructureTag) -> Result<Info, Malformed> {
    let wrong = Malformed("a message of the synchronization cannot be read");
    let PL::C(parts) = &message.payload else { return Err(wrong) };
    let part = |id: u64| {
        parts.iter().find(|part| part.id == id).and_then(|part| match &part.payload {
            PL::P(bytes) => Some(bytes.as_slice()),
            PL::C(_) => None,
        })
    };
    if part(0) != Some(SYNC_INFO) {
        return Ok(Info::Other);
    }
    let mut value = Parts(part(1).ok_or(wrong)?);
    let (tag, inner) = value.next().flatten().ok_or(wrong)?;
    match tag {
        0x80 => Ok(Info::NewCookie),
        0xa1 => Ok(Info::RefreshDelete),
        0xa2 => Ok(Info::RefreshPresent),
        0xa3 => id_set(inner).ok_or(wrong),
        _ => Err(wrong),
    }
}

fn id_set(value: &[u8]) -> Option<Info> {
    let (mut deletes, mut ids) = (false, Vec::new());
    for part in Parts(value) {
        match part? {
            // The cookie of a stage that is not over: not to be kept.
            (OCTETS, _) => {}
            (BOOLEAN, &[truth]) => deletes = truth != 0,
            (SET, set) => {
                for id in Parts(set) {
                    let (OCTETS, id) = id? else { return None };
                    ids.push(anchor(id)?);
                }
            }
            _ => return None,
        }
    }
    Some(if deletes { Info::Gone(ids) } else { Info::Present(ids) })
}

fn anchor(id: &[u8]) -> Option<SourceId> {
    id.try_into().ok().map(SourceId::new)
}

fn value_of<'a>(controls: &'a [Control], kind: &str) -> Option<&'a [u8]> {
    let Control(_, raw) = controls.iter().find(|Control(_, raw)| raw.ctype == kind)?;
    raw.val.as_deref()
}

/// The parts of the one sequence in a value.
fn sequence(value: &[u8]) -> Option<Parts<'_>> {
    match Parts(value).next() {
        Some(Some((SEQUENCE, inner))) => Some(Parts(inner)),
        _ => None,
    }
}

/// The elements of a BER value one after another, each as its tag and content; `None` for what
/// is no element, after which nothing comes.
struct Parts<'a>(&'a [u8]);

impl<'a> Iterator for Parts<'a> {
    type Item = Option<(u8, &'a [u8])>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.0.is_empty() {
            return None;
        }
        let Some((tag, content, rest)) = element(self.0) else {
            self.0 = &[];
            return Some(None);
        };
        self.0 = rest;
        Some(Some((tag, content)))
    }
}

/// The tag, the content, and what follows (X.690, 8.1). LDAP has definite lengths alone
/// (RFC 4511, 5.1), and these messages have no tag above 30.
fn element(bytes: &[u8]) -> Option<(u8, &[u8], &[u8])> {
    let (&tag, bytes) = bytes.split_first()?;
    let (&first, bytes) = bytes.split_first()?;
    let (length, bytes) = match first {
        0..=0x7f => (usize::from(first), bytes),
        0x81..=0x84 => {
            let (digits, bytes) = bytes.split_at_checked(usize::from(first & 0x7f))?;
            let length = digits.iter().fold(0u64, |length, digit| length << 8 | u64::from(*digit));
            (usize::try_from(length).ok()?, bytes)
        }
        _ => return None,
    };
    let (content, rest) = bytes.split_at_checked(length)?;
    Some((tag, content, rest))
}

#[cfg(test)]
mod tests {
    use ldap3::asn1::TagClass;
    use ldap3::controls::RawControl;

    use super::*;

    const ID: [u8; 16] = *b"0123456789abcdef";

    fn control(kind: &str, value: Option<&[u8]>) -> Vec<Control> {
        let raw = RawControl { ctype: kind.into(), crit: false, val: value.map(<[u8]>::to_vec) };
        vec![Control(None, raw)]
    }

    fn tlv(tag: u8, content: &[u8]) -> Vec<u8> {
        let mut out = vec![tag, u8::try_from(content.len()).unwrap()];
        out.extend_from_slice(content);
        out
    }

    fn message(parts: &[(u64, &[u8])]) -> StructureTag {
        let part = |(id, bytes): &(u64, &[u8])| StructureTag {
            class: TagClass::Context,
            id: *id,
            payload: PL::P(bytes.to_vec()),
        };
        let payload = PL::C(parts.iter().map(part).collect());
        StructureTag { class: TagClass::Application, id: 25, payload }
    }

    #[test]
    fn the_state_of_an_entry() {
        let id = SourceId::new(ID);
        let value = |state: u8, id: &[u8], rest: &[u8]| {
            tlv(SEQUENCE, &[tlv(ENUMERATED, &[state]), tlv(OCTETS, id), rest.to_vec()].concat())
        };
        for (value, expected) in [
            (value(0, &ID, &[]), Some(State::Present(id))),
            (value(1, &ID, &[]), Some(State::Changed(id))),
            (value(2, &ID, &tlv(OCTETS, b"cookie")), Some(State::Changed(id))),
            (value(3, &ID, &[]), Some(State::Deleted(id))),
            (value(4, &ID, &[]), None),
            (value(1, &ID[1..], &[]), None),
            (value(1, &[], &[]), None),
            (tlv(SEQUENCE, &tlv(ENUMERATED, &[])), None),
            (tlv(SEQUENCE, &tlv(ENUMERATED, &[1])), None),
            (tlv(SET, &[]), None),
            (vec![], None),
        ] {
            let read = state(&control(SYNC_STATE, Some(&value)));
            assert_eq!(read.ok(), expected, "{value:02x?}");
        }
        assert!(state(&control(SYNC_STATE, None)).is_err());
        assert!(state(&[]).is_err());
    }

    #[test]
    fn the_end_of_a_refresh() {
        let cookie = Some(b"c".to_vec());
        for (content, expected) in [
            (vec![], Some(Done::default())),
            (tlv(OCTETS, b"c"), Some(Done { cookie: cookie.clone(), refresh_deletes: false })),
            (
                [tlv(OCTETS, b"c"), tlv(BOOLEAN, &[0xff])].concat(),
                Some(Done { cookie, refresh_deletes: true }),
            ),
            (tlv(BOOLEAN, &[1]), Some(Done { cookie: None, refresh_deletes: true })),
            // The library indexes into an empty truth value.
            (tlv(BOOLEAN, &[]), None),
            (tlv(SET, &[]), None),
        ] {
            let read = done(&control(SYNC_DONE, Some(&tlv(SEQUENCE, &content))));
            assert_eq!(read.ok(), expected, "{content:02x?}");
        }
        assert!(done(&[]).is_err());
    }

    #[test]
    fn messages_in_between() {
        let id = SourceId::new(ID);
        let set = |flag: &[u8], ids: &[u8]| tlv(0xa3, &[flag, &tlv(SET, ids)].concat());
        for (value, expected) in [
            (tlv(0x80, b"cookie"), Some(Info::NewCookie)),
            (tlv(0xa1, &tlv(BOOLEAN, &[0])), Some(Info::RefreshDelete)),
            (tlv(0xa2, &[]), Some(Info::RefreshPresent)),
            (set(&tlv(BOOLEAN, &[0xff]), &tlv(OCTETS, &ID)), Some(Info::Gone(vec![id]))),
            (set(&[], &tlv(OCTETS, &ID).repeat(2)), Some(Info::Present(vec![id, id]))),
            (set(&tlv(OCTETS, b"cookie"), &[]), Some(Info::Present(vec![]))),
            (set(&[], &tlv(OCTETS, &ID[..15])), None),
            (set(&tlv(BOOLEAN, &[]), &[]), None),
            (set(&[], &[OCTETS, 16, 1, 2]), None),
            (tlv(0xa4, &[]), None),
            (vec![], None),
        ] {
            let read = info(&message(&[(0, SYNC_INFO), (1, &value)]));
            assert_eq!(read.ok(), expected, "{value:02x?}");
        }
        assert_eq!(info(&message(&[(0, b"1.2.3")])), Ok(Info::Other));
        assert_eq!(info(&message(&[])), Ok(Info::Other));
        assert!(info(&message(&[(0, SYNC_INFO)])).is_err());
    }

    #[test]
    fn hostile_bytes_end_the_reading_and_nothing_else() {
        let mut deep = Vec::new();
        for _ in 0..100_000 {
            deep.extend_from_slice(&[SEQUENCE, 0x80]);
        }
        // Every start of a good message, every byte of it replaced, and lengths that lie.
        let good = tlv(0xa3, &[tlv(BOOLEAN, &[1]), tlv(SET, &tlv(OCTETS, &ID))].concat());
        let mut all = vec![
            deep,
            vec![SEQUENCE, 0x84, 0xff, 0xff, 0xff, 0xff],
            vec![SEQUENCE, 0x85, 1, 1, 1, 1, 1],
            vec![SEQUENCE, 0xff],
            vec![SEQUENCE],
        ];
        all.extend((0..good.len()).map(|end| good[..end].to_vec()));
        for at in 0..good.len() {
            for byte in [0, 1, 0x1f, 0x7f, 0x80, 0x84, 0xff] {
                let mut bad = good.clone();
                bad[at] = byte;
                all.push(bad);
            }
        }
        for bytes in all {
            let _ = info(&message(&[(0, SYNC_INFO), (1, &bytes)]));
            let _ = state(&control(SYNC_STATE, Some(&bytes)));
            let _ = done(&control(SYNC_DONE, Some(&bytes)));
        }
    }
}
