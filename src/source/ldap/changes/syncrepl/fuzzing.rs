//! The door for fuzzers to what RFC 4533 puts into answers.

use ldap3::asn1::{PL, StructureTag, TagClass, parse_tag};
use ldap3::controls::{Control, RawControl};

use super::message::{self, Info, State};

/// The state of an entry, and the end of a refresh.
pub(in crate::source::ldap) fn sync_control(data: &[u8]) {
    let of = |kind: &str| {
        [Control(None, RawControl { ctype: kind.into(), crit: false, val: Some(data.to_vec()) })]
    };
    if let Ok(State::Present(id) | State::Changed(id) | State::Deleted(id)) =
        message::state(&of(message::SYNC_STATE))
    {
        assert!(data.windows(16).any(|part| part == id.as_bytes()), "the id is the server's");
    }
    if let Ok(done) = message::done(&of(message::SYNC_DONE))
        && let Some(cookie) = done.cookie
    {
        assert!(cookie.len() <= data.len(), "the cookie is the server's");
    }
}

/// A message between entries: its value alone, and the bytes of all of it.
pub(in crate::source::ldap) fn sync_message(data: &[u8]) {
    let part =
        |id, bytes: &[u8]| StructureTag { class: TagClass::Context, id, payload: PL::P(bytes.to_vec()) };
    let payload = PL::C(vec![part(0, message::SYNC_INFO), part(1, data)]);
    check(data, &StructureTag { class: TagClass::Application, id: 25, payload });
    if let Ok((_, tag)) = parse_tag(data) {
        check(data, &tag);
    }
}

fn check(data: &[u8], message: &StructureTag) {
    if let Ok(Info::Gone(ids) | Info::Present(ids)) = message::info(message) {
        assert!(ids.len() * 18 <= data.len(), "each id has a tag, a length and sixteen bytes");
    }
}
