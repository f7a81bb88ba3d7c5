//! Filter clauses that name objects: by anchor, and by values of an attribute.

use crate::model::SourceId;
use crate::source::shape::AnchorIn;

use super::detect::Vendor;

/// How an anchor is searched for.
pub(super) struct AnchorClause {
    /// The attributes that may hold it, lower case.
    names: Vec<String>,
    /// Whether whoever has the anchor is found by it. A value that is no UUID is digested into the
    /// anchor, and the way back is closed.
    pub exact: bool,
}

impl AnchorClause {
    /// For anchors as a read with this ask takes them.
    pub(super) fn new(anchor: &AnchorIn, vendor: Vendor, ask: &crate::model::Ask) -> Self {
        const WELL_KNOWN: &[&str] = &["objectguid", "entryuuid", "nsuniqueid"];
        match anchor {
            AnchorIn::Named(name) => {
                Self { names: vec![name.clone()], exact: WELL_KNOWN.contains(&name.as_str()) }
            }
            AnchorIn::WellKnown => {
                let usual: Vec<String> = vendor.anchors().iter().map(|n| n.to_ascii_lowercase()).collect();
                // One of them that a rule reads counts as the anchor too.
                let names = WELL_KNOWN.iter().map(|name| (*name).to_owned());
                let names = names.filter(|name| usual.contains(name) || ask.attributes.contains(name));
                Self { names: names.collect(), exact: true }
            }
        }
    }

    /// The filter for any of these anchors.
    pub(super) fn any_of(&self, anchors: &[SourceId]) -> String {
        let mut clauses = String::from("(|");
        for anchor in anchors {
            for name in &self.names {
                for value in written(name, *anchor) {
                    clauses.push_str(&equals(name, &value));
                }
            }
        }
        clauses.push(')');
        clauses
    }

    /// The attributes, for messages.
    pub(super) fn names(&self) -> String {
        self.names.join(" or ")
    }
}

/// How a value of the attribute is written for which a record gets this anchor.
fn written(name: &str, anchor: SourceId) -> Vec<Vec<u8>> {
    let uuid = anchor.to_string();
    let plain: String = uuid.chars().filter(|c| *c != '-').collect();
    match name {
        // The conversion between the two orders is its own inverse.
        "objectguid" | "ms-ds-consistencyguid" => {
            vec![SourceId::from_ad_guid(*anchor.as_bytes()).as_bytes().to_vec()]
        }
        "entryuuid" => vec![uuid.into_bytes()],
        // 389-ds writes four groups of eight digits; others as they like.
        "nsuniqueid" => {
            let groups: Vec<&str> = [0, 8, 16, 24].map(|at| &plain[at..at + 8]).to_vec();
            vec![groups.join("-").into_bytes()]
        }
        _ => vec![uuid.into_bytes(), plain.into_bytes(), anchor.as_bytes().to_vec()],
    }
}

/// The filter for entries of which one of the attributes has one of the values.
pub(super) fn any_value(names: &[&str], values: &[impl AsRef<[u8]>]) -> String {
    let mut clauses = String::from("(|");
    for value in values {
        for name in names {
            clauses.push_str(&equals(name, value.as_ref()));
        }
    }
    clauses.push(')');
    clauses
}

/// Both filters.
pub(super) fn both(filter: &str, other: &str) -> String {
    format!("(&{filter}{other})")
}

/// Whether a text can be the name of an attribute (RFC 4512, 2.5): nothing else may come into a
/// filter unescaped.
pub(super) fn is_name(text: &str) -> bool {
    !text.is_empty()
        && text.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'.' | b';' | b'_'))
}

fn equals(name: &str, value: &[u8]) -> String {
    let mut clause = format!("({name}=");
    for &byte in value {
        // RFC 4515, 3: any byte may be written in hexadecimal.
        if byte.is_ascii_alphanumeric() || matches!(byte, b' ' | b'-' | b'=' | b',' | b'.' | b'@' | b'_') {
            clause.push(char::from(byte));
        } else {
            clause.push_str(&format!("\\{byte:02x}"));
        }
    }
    clause.push(')');
    clause
}

#[cfg(test)]
mod tests {
    use crate::model::Ask;

    use super::*;

    const UUID: &str = "6f1d3c1e-0a2b-4c3d-8e9f-001122334455";

    fn clause(anchor: &AnchorIn, vendor: Vendor, reads: &[&str]) -> (String, bool) {
        let ask = Ask {
            attributes: reads.iter().map(|name| (*name).into()).collect(),
            groups: false,
            contacts: false,
        };
        let clause = AnchorClause::new(anchor, vendor, &ask);
        (clause.any_of(&[UUID.parse().unwrap()]), clause.exact)
    }

    #[test]
    fn anchors_are_written_as_each_server_writes_them() {
        let usual = AnchorIn::WellKnown;
        let text = format!("(|(entryuuid={UUID}))");
        assert_eq!(clause(&usual, Vendor::OpenLdap, &[]), (text, true));
        let (guid, _) = clause(&usual, Vendor::ActiveDirectory, &[]);
        // 0x3d is "=" and 0x4c is "L"; both stand for themselves.
        assert_eq!(guid, r"(|(objectguid=\1e\3c\1do\2b\0a=L\8e\9f\00\11\223DU))");
        let (ns, _) = clause(&usual, Vendor::Ds389, &[]);
        assert_eq!(ns, "(|(nsuniqueid=6f1d3c1e-0a2b4c3d-8e9f0011-22334455))");
        let (both, _) = clause(&usual, Vendor::OpenLdap, &["objectguid", "mail"]);
        assert!(both.contains("(objectguid=") && both.contains("(entryuuid="), "{both}");
        for filter in [guid, ns, both] {
            assert!(ldap3::parse_filter(&filter).is_ok(), "{filter}");
        }
    }

    #[test]
    fn a_chosen_anchor_is_found_only_while_it_is_a_uuid() {
        let (filter, exact) = clause(&AnchorIn::Named("employeenumber".into()), Vendor::OpenLdap, &[]);
        assert!(!exact);
        assert!(filter.contains(&format!("(employeenumber={UUID})")), "{filter}");
        assert!(filter.contains("(employeenumber=6f1d3c1e0a2b4c3d8e9f001122334455)"), "{filter}");
        assert!(ldap3::parse_filter(&filter).is_ok(), "{filter}");
        assert!(clause(&AnchorIn::Named("entryuuid".into()), Vendor::Other, &[]).1);
    }

    #[test]
    fn values_cannot_leave_their_clause() {
        let values: [&[u8]; 3] = [b"*)(uid=*", b"\\2a", "Jörg".as_bytes()];
        let filter = any_value(&["cn"], &values);
        assert_eq!(filter, r"(|(cn=\2a\29\28uid=\2a)(cn=\5c2a)(cn=J\c3\b6rg))");
        assert!(ldap3::parse_filter(both("(objectClass=person)", &filter)).is_ok());
        for (name, fine) in [("manager", true), ("x-1;lang-de", true), ("a)(b", false), ("", false)] {
            assert_eq!(is_name(name), fine, "{name}");
        }
    }
}
