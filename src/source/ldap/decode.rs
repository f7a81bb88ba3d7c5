//! A search result entry from the wire becomes names and bytes.
//!
//! Our own walk over the decoded BER: the client library's `SearchEntry` panics on malformed
//! input, guesses per value whether it is text, and copies every value. Here values are
//! moved out of the message and nothing is believed.

use ldap3::asn1::{PL, StructureTag};

use crate::model::Attribute;
use crate::source::description::{self, Options};

/// One entry.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Entry {
    pub dn: String,
    /// Names in lower case and without options; an attribute without values is left out.
    pub attributes: Vec<Attribute>,
    /// Attributes of which the server gave only a part so far.
    pub open: Vec<Open>,
}

/// An attribute with more values than the server puts into one answer ([MS-ADTS] 3.1.1.3.1.3.3).
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Open {
    /// The name, lower case.
    pub name: String,
    /// The index of the first value that is still missing.
    pub next: u64,
}

/// An entry that is no entry.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Malformed {
    /// As far as it could be read.
    pub dn: String,
    /// Those that are well formed, to know it by.
    pub attributes: Vec<Attribute>,
    /// What is wrong first.
    pub reason: &'static str,
}

/// Reads the `SearchResultEntry` (RFC 4511, 4.5.2) in `tag`.
pub(super) fn entry(tag: StructureTag) -> Result<Entry, Malformed> {
    let wrong = |dn: String, reason| Malformed { dn, attributes: Vec::new(), reason };
    let nameless = |reason| wrong(String::new(), reason);
    let mut parts = children(tag).ok_or_else(|| nameless("the answer is not a sequence"))?.into_iter();
    let dn = parts.next().and_then(primitive).ok_or_else(|| nameless("the answer has no DN"))?;
    let mut reason = None;
    let dn = String::from_utf8(dn).unwrap_or_else(|error| {
        reason = Some("the DN is not valid UTF-8");
        String::from_utf8_lossy(error.as_bytes()).into_owned()
    });
    let Some(list) = parts.next().and_then(children) else {
        return Err(wrong(dn, reason.unwrap_or("the answer has no list of attributes")));
    };
    let mut entry = Entry { dn, attributes: Vec::with_capacity(list.len()), open: Vec::new() };
    let mut tagged = false;
    for item in list {
        if let Err(wrong) = attribute(item, &mut entry, &mut tagged) {
            reason.get_or_insert(wrong);
        }
    }
    match reason {
        None => Ok(entry),
        Some(reason) => Err(Malformed { dn: entry.dn, attributes: entry.attributes, reason }),
    }
}

fn attribute(tag: StructureTag, entry: &mut Entry, tagged: &mut bool) -> Result<(), &'static str> {
    let mut parts = children(tag).ok_or("an attribute is not a sequence")?.into_iter();
    let name = parts.next().and_then(primitive).ok_or("an attribute has no name")?;
    let mut name = String::from_utf8(name).map_err(|_| "an attribute name is not valid UTF-8")?;
    let list = parts.next().and_then(children).ok_or("an attribute has no set of values")?;
    let options = description::fold(&mut name);
    if let Options::Part(next) = options {
        entry.open.push(Open { name: name.clone(), next });
    }
    *tagged |= options != Options::None;
    if list.is_empty() {
        return Ok(());
    }
    let mut values = Vec::with_capacity(list.len());
    for value in list {
        values.push(primitive(value).ok_or("a value is not an octet string")?);
    }
    // `cn` and `cn;lang-de` are one attribute to us, whichever comes first. Without any option
    // in the entry, a server gives each name once.
    if *tagged && let Some(same) = entry.attributes.iter_mut().find(|attribute| attribute.name == name) {
        same.values.append(&mut values);
        return Ok(());
    }
    entry.attributes.push(Attribute { name, values });
    Ok(())
}

fn children(tag: StructureTag) -> Option<Vec<StructureTag>> {
    match tag.payload {
        PL::C(children) => Some(children),
        PL::P(_) => None,
    }
}

fn primitive(tag: StructureTag) -> Option<Vec<u8>> {
    match tag.payload {
        PL::P(bytes) => Some(bytes),
        PL::C(_) => None,
    }
}

#[cfg(test)]
mod tests {
    use ldap3::asn1::TagClass;

    use super::*;

    fn text(value: &[u8]) -> StructureTag {
        StructureTag { class: TagClass::Universal, id: 4, payload: PL::P(value.to_vec()) }
    }

    fn list(children: Vec<StructureTag>) -> StructureTag {
        StructureTag { class: TagClass::Universal, id: 16, payload: PL::C(children) }
    }

    fn message(dn: &[u8], attributes: &[(&str, &[&[u8]])]) -> StructureTag {
        let attributes = attributes
            .iter()
            .map(|(name, values)| {
                list(vec![text(name.as_bytes()), list(values.iter().map(|v| text(v)).collect())])
            })
            .collect();
        list(vec![text(dn), list(attributes)])
    }

    fn attr(name: &str, values: &[&[u8]]) -> Attribute {
        Attribute { name: name.into(), values: values.iter().map(|v| v.to_vec()).collect() }
    }

    #[test]
    fn names_lose_case_and_options_and_values_keep_their_bytes() {
        let decoded = entry(message(
            b"cn=a",
            &[("cn;lang-de", &[b"A"]), ("CN", &[b"a"]), ("objectGUID", &[&[0xff, 0]]), ("empty", &[])],
        ))
        .unwrap();
        assert_eq!(decoded.attributes, [attr("cn", &[b"A", b"a"]), attr("objectguid", &[&[0xff, 0]])]);
        assert!(decoded.open.is_empty());
    }

    #[test]
    fn a_part_of_a_long_attribute_is_recognised() {
        let decoded =
            entry(message(b"cn=g", &[("member", &[]), ("member;range=0-1499", &[b"x", b"y"])])).unwrap();
        assert_eq!(decoded.attributes, [attr("member", &[b"x", b"y"])]);
        assert_eq!(decoded.open, [Open { name: "member".into(), next: 1500 }]);
        let last = entry(message(b"cn=g", &[("member;range=1500-*", &[b"x"])])).unwrap();
        assert!(last.open.is_empty());
    }

    #[test]
    fn malformed_answers_are_told_and_never_panic() {
        for (tag, what) in [
            (text(b""), "sequence"),
            (list(vec![]), "no DN"),
            (list(vec![list(vec![])]), "no DN"),
            (list(vec![text(b"cn=a")]), "no list"),
            (message(&[0xff], &[]), "UTF-8"),
            (list(vec![text(b"cn=a"), list(vec![text(b"x")])]), "attribute is not"),
            (list(vec![text(b"cn=a"), list(vec![list(vec![])])]), "no name"),
            (list(vec![text(b"cn=a"), list(vec![list(vec![text(b"x")])])]), "no set"),
            (
                list(vec![text(b"cn=a"), list(vec![list(vec![text(b"x"), list(vec![list(vec![])])])])]),
                "octet",
            ),
        ] {
            let malformed = entry(tag).unwrap_err();
            assert!(malformed.reason.contains(what), "{malformed:?}");
        }
    }

    #[test]
    fn what_is_well_formed_in_a_malformed_entry_is_kept() {
        let item = |name: &[u8], value| list(vec![text(name), list(vec![value])]);
        let attributes =
            vec![item(b"cn", text(b"a")), item(b"mail", list(vec![])), item(b"objectGUID", text(b"b"))];
        let malformed = entry(list(vec![text(&[0xff]), list(attributes)])).unwrap_err();
        assert_eq!(malformed.reason, "the DN is not valid UTF-8");
        assert_eq!(malformed.attributes, [attr("cn", &[b"a"]), attr("objectguid", &[b"b"])]);
    }
}
