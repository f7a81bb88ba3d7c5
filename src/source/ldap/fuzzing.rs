//! Doors for fuzzers: any bytes, given to the code that reads what a server sends.
//!
//! Each function must return whatever it is given. What always holds of a good answer is
//! asserted here, so that a fuzzer finds more than panics. Compiled for fuzzers and tests only.

use std::collections::BTreeSet;

use ldap3::asn1::parse_tag;
use ldap3::controls::{Control, RawControl};
use ldap3::{LdapResult, parse_filter};

use crate::model::Fingerprint;
use crate::source::description;
use crate::source::shape::{AnchorIn, Looking, Shape};

use super::changes::fuzzing as changes;
use super::decode;
use super::search;

/// The body of a search result entry (RFC 4511, 4.5.2), from its bytes to the record.
pub fn entry(data: &[u8]) {
    let Ok((_, tag)) = parse_tag(data) else { return };
    let Ok(entry) = decode::entry(tag) else { return };
    for attribute in &entry.attributes {
        assert!(!attribute.name.contains(';'), "an option stayed in a name");
        assert_eq!(attribute.name, attribute.name.to_ascii_lowercase());
        assert!(!attribute.values.is_empty(), "an attribute without values is left out");
    }
    let keep: BTreeSet<String> =
        entry.attributes.iter().step_by(2).map(|attribute| attribute.name.clone()).collect();
    let anchors = [AnchorIn::WellKnown, AnchorIn::Named("employeeid".into())];
    for (anchor, looking) in anchors.iter().zip([Looking::People, Looking::Groups]) {
        let shaped = Shape { anchor, looking, keep: &keep }.apply(entry.attributes.clone());
        if let Ok(record) = shaped.into_record(entry.dn.clone(), None) {
            let mut other = record.clone();
            let names: BTreeSet<&String> = other.attributes.iter().map(|a| &a.name).collect();
            if names.len() == record.attributes.len() {
                other.attributes.reverse();
            }
            for attribute in &mut other.attributes {
                attribute.values.reverse();
            }
            assert_eq!(record.fingerprint(Fingerprint::NONE), other.fingerprint(Fingerprint::NONE));
            assert_eq!(record.dn_key(), other.dn_key());
        }
    }
}

/// An attribute description with options, such as `member;range=0-1499`.
pub fn description(text: &str) {
    let mut name = text.to_owned();
    description::fold(&mut name);
    assert!(!name.contains(';'));
    let folded = name.clone();
    assert_eq!(description::fold(&mut name), description::Options::None);
    assert_eq!(name, folded);
}

/// The value of a response control. Every parser of one is given the same bytes: the paging
/// answer here, and below it those of the methods that follow changes.
pub fn control(data: &[u8]) {
    let ctype = search::PAGED_RESULTS.to_owned();
    let control = Control(None, RawControl { ctype, crit: false, val: Some(data.to_vec()) });
    let result =
        LdapResult { rc: 0, matched: String::new(), text: String::new(), refs: vec![], ctrls: vec![control] };
    if let Ok(Some(cookie)) = search::cookie(&result) {
        assert!(!cookie.is_empty(), "an empty cookie is the last page");
    }
    changes::dirsync(data);
    changes::sync_control(data);
}

/// A message of a synchronization between entries (RFC 4533, 2.5).
pub fn message(data: &[u8]) {
    changes::sync_message(data);
}

/// A DN as Active Directory writes it where it is asked for ids: `<GUID=…>;<SID=…>;cn=…`.
pub fn extended_dn(text: &str) {
    changes::extended_dn(text);
}

/// A filter as the configuration has it for the server, by the library's own parser.
pub fn filter(text: &str) {
    let _ = parse_filter(text);
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// BER that is nearly right: nested elements with tags that LDAP uses, and sometimes a length
    /// that lies.
    fn ber() -> impl Strategy<Value = Vec<u8>> {
        let tag = prop_oneof![
            4 => Just(0x04u8),
            4 => Just(0x30),
            2 => Just(0x31),
            1 => Just(0x02),
            1 => Just(0x64),
            1 => any::<u8>()
        ];
        let text = prop_oneof![
            Just(b"member;range=0-1499".to_vec()),
            Just(b"objectGUID".to_vec()),
            Just(b"CN=A\\0ACNF:x,DC=test".to_vec()),
            prop::collection::vec(any::<u8>(), 0..20),
        ];
        let leaf = (tag.clone(), text).prop_map(|(tag, body)| element(tag & !0x20, &body, 0));
        leaf.prop_recursive(6, 64, 6, move |inner| {
            let lie = prop_oneof![9 => Just(0i16), 1 => -3i16..300];
            (tag.clone(), prop::collection::vec(inner, 0..6), lie)
                .prop_map(|(tag, parts, lie)| element(tag | 0x20, &parts.concat(), lie))
        })
    }

    fn element(tag: u8, body: &[u8], lie: i16) -> Vec<u8> {
        let length = (body.len() as i64 + i64::from(lie)).max(0);
        let length = u16::try_from(length).unwrap_or(u16::MAX).to_be_bytes();
        [&[tag, 0x82, length[0], length[1]][..], body].concat()
    }

    /// A search result entry: right in its form, any text in its names, any bytes in its values.
    fn answer() -> impl Strategy<Value = Vec<u8>> {
        let name = prop_oneof![
            "[a-zA-Z]{1,8}(;range=[0-9]{0,22}-[0-9*]{1,22})?(;[a-z-]{0,4})?",
            Just("objectGUID".to_owned()),
            Just("objectClass".to_owned()),
            Just("accountExpires".to_owned()),
            Just("userAccountControl".to_owned()),
        ];
        let value = prop_oneof![
            prop::collection::vec(any::<u8>(), 16),
            "-?[0-9]{1,20}".prop_map(String::into_bytes),
            Just(b"group".to_vec()),
        ];
        let attribute = (name, prop::collection::vec(value, 0..4)).prop_map(|(name, values)| {
            let values: Vec<u8> = values.iter().flat_map(|value| element(4, value, 0)).collect();
            element(0x30, &[element(4, name.as_bytes(), 0), element(0x31, &values, 0)].concat(), 0)
        });
        (any::<String>(), prop::collection::vec(attribute, 0..8)).prop_map(|(dn, list)| {
            element(0x64, &[element(4, dn.as_bytes(), 0), element(0x30, &list.concat(), 0)].concat(), 0)
        })
    }

    proptest! {
        #[test]
        fn any_bytes_are_survived(data in prop::collection::vec(any::<u8>(), 0..200), text in any::<String>()) {
            entry(&data);
            control(&data);
            message(&data);
            description(&text);
            extended_dn(&text);
        }

        #[test]
        fn any_ber_is_survived(data in ber()) {
            entry(&data);
            control(&data);
            message(&data);
        }

        #[test]
        fn any_entry_becomes_a_record_or_a_reason(data in answer()) {
            prop_assert!(parse_tag(&data).is_ok());
            entry(&data);
        }
    }
}
