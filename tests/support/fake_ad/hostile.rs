//! Answers that no honest server gives, to the request with a message id.

use super::wire::message;
use crate::support::fake_ldap::tlv;

/// What makes the bytes of an answer out of the id of the request.
pub(crate) type Attack = fn(&[u8]) -> Vec<u8>;

/// Everything but [`nested`], by name.
pub(crate) const ATTACKS: &[(&str, Attack)] = &[
    ("an empty sequence", |_| tlv(0x30, b"")),
    ("a message without operation", |id| tlv(0x30, &tlv(2, id))),
    ("an unknown operation", |id| message(id, 0x7e, b"", &[])),
    ("an operation that answers something else", |id| message(id, 0x61, &tlv(0x0a, &[0]), &[])),
    ("a DN that is not UTF-8", |id| entry(id, &tlv(4, &[0xff, 0xfe]), &tlv(0x30, b""))),
    ("an entry without DN", |id| message(id, 0x64, b"", &[])),
    ("an entry without attributes", |id| message(id, 0x64, &tlv(4, b"CN=x"), &[])),
    ("an attribute that is a text", |id| entry(id, &tlv(4, b"CN=x"), &tlv(0x30, &tlv(4, b"mail")))),
    ("an attribute without values", |id| {
        entry(id, &tlv(4, b"CN=x"), &tlv(0x30, &tlv(0x30, &tlv(4, b"mail"))))
    }),
    ("a value that is a set", |id| {
        let attribute = tlv(0x30, &[tlv(4, b"mail"), tlv(0x31, &tlv(0x31, b""))].concat());
        entry(id, &tlv(4, b"CN=x"), &tlv(0x30, &attribute))
    }),
    ("a result without code", |id| message(id, 0x65, b"", &[])),
    ("a result with a code of nine bytes", |id| {
        message(id, 0x65, &[tlv(0x0a, &[0x7f; 9]), tlv(4, b""), tlv(4, b"")].concat(), &[])
    }),
    ("a result whose words are not UTF-8", |id| {
        message(id, 0x65, &[tlv(0x0a, &[1]), tlv(4, &[0xff]), tlv(4, &[0xff])].concat(), &[])
    }),
    ("a control without type", |id| {
        let controls = tlv(0xa0, &tlv(0x30, b""));
        let done = tlv(0x65, &[tlv(0x0a, &[0]), tlv(4, b""), tlv(4, b"")].concat());
        tlv(0x30, &[tlv(2, id), done, controls].concat())
    }),
    ("a paging control that is rubbish", |id| {
        let done = [tlv(0x0a, &[0]), tlv(4, b""), tlv(4, b"")].concat();
        message(id, 0x65, &done, &[(super::wire::PAGED, vec![0x30, 0x7f])])
    }),
    ("a message id that is a text", |_| tlv(0x30, &[tlv(4, b"one"), tlv(0x65, b"")].concat())),
    ("a negative message id", |_| tlv(0x30, &[tlv(2, &[0xff]), tlv(0x65, b"")].concat())),
    ("a length that is no length", |_| vec![0x30, 0xff, 1, 2, 3]),
    ("a length of minus one", |_| [&[0x30, 0x88][..], &[0xff; 8]].concat()),
    ("a message of 4 GiB", |_| vec![0x30, 0x84, 0xff, 0xff, 0xff, 0xff, 2, 1]),
    ("a part longer than its whole", |id| tlv(0x30, &[tlv(2, id), vec![0x64, 0x7f]].concat())),
    ("an answer of HTTP", |_| b"HTTP/1.1 400 Bad Request\r\n\r\n".to_vec()),
    ("zeros", |_| vec![0; 64]),
];

/// An entry that holds element in element, so deep.
pub(crate) fn nested(id: &[u8], depth: usize) -> Vec<u8> {
    // Indefinite lengths would do it in less, but no client takes them.
    let mut sizes = Vec::with_capacity(depth);
    let mut size = 0;
    for _ in 0..depth {
        sizes.push(size);
        size += 6;
    }
    let mut body = Vec::with_capacity(size);
    for size in sizes.iter().rev() {
        body.extend([0x30, 0x84]);
        body.extend(u32::try_from(*size).expect("a test is small").to_be_bytes());
    }
    entry(id, &tlv(4, b"CN=x"), &body)
}

fn entry(id: &[u8], dn: &[u8], attributes: &[u8]) -> Vec<u8> {
    message(id, 0x64, &[dn, attributes].concat(), &[])
}
