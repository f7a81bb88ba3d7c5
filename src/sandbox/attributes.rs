//! The attributes of a Webex SCIM user: names, shapes and sizes.
//!
//! Sizes are those of the Webex SCIM schema documents. Names compare without case, as SCIM wants
//! it; whatever is not listed here is ignored on writes.

use super::emails;

/// The core schema.
pub(super) const CORE: &str = "urn:ietf:params:scim:schemas:core:2.0:User";
/// The enterprise extension.
pub(super) const ENTERPRISE: &str = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User";
/// The Webex extension.
pub(super) const CISCO: &str = "urn:scim:schemas:extension:cisco:webexidentity:2.0:User";

/// The shape of an attribute.
#[derive(Clone, Copy, Debug)]
pub(super) enum Shape {
    /// A string of at most so many characters.
    Text(usize),
    /// A boolean.
    Flag,
    /// One object.
    Object(&'static [Part]),
    /// A list of at most so many objects; the type, where the list of types is not empty, is one of them.
    List(usize, &'static [&'static str], &'static [Part]),
    /// A list of at most so many strings.
    Texts(usize),
    /// Written by the server alone, or handled apart: ignored in the table walk.
    Apart,
}

/// A sub-attribute.
#[derive(Clone, Copy, Debug)]
pub(super) struct Part {
    pub(super) name: &'static str,
    /// The longest string; 0 for a boolean.
    pub(super) max: usize,
}

const fn part(name: &'static str, max: usize) -> Part {
    Part { name, max }
}

const VALUES: &[Part] = &[part("value", 1024), part("type", 64), part("display", 256), part("primary", 0)];
/// The size of a certificate is not documented.
const CERTIFICATES: &[Part] =
    &[part("value", 4096), part("type", 64), part("display", 256), part("primary", 0)];
const NAME: &[Part] = &[
    part("givenName", 256),
    part("familyName", 256),
    part("middleName", 256),
    part("honorificPrefix", 256),
    part("honorificSuffix", 256),
    part("formatted", 512),
];
const ADDRESS: &[Part] = &[
    part("type", 64),
    part("streetAddress", 512),
    part("locality", 128),
    part("region", 64),
    part("postalCode", 64),
    part("country", 64),
    part("formatted", 1024),
    part("primary", 0),
];
const MANAGED: &[Part] = &[part("orgId", 64), part("groupId", 64), part("siteName", 256), part("role", 128)];
const FOREIGN: &[Part] = &[part("source", 256), part("orgId", 64), part("value", 1024)];

/// The attributes of the core schema, in the order in which they are written.
pub(super) const CORE_ATTRIBUTES: &[(&str, Shape)] = &[
    ("userName", Shape::Apart),
    ("active", Shape::Apart),
    ("displayName", Shape::Apart),
    ("emails", Shape::Apart),
    ("userType", Shape::Apart),
    ("roles", Shape::Apart),
    ("schemas", Shape::Apart),
    ("name", Shape::Object(NAME)),
    ("nickName", Shape::Text(256)),
    ("title", Shape::Text(512)),
    ("preferredLanguage", Shape::Text(64)),
    ("locale", Shape::Text(64)),
    ("externalId", Shape::Text(256)),
    ("profileUrl", Shape::Text(1000)),
    ("timezone", Shape::Text(64)),
    (
        "phoneNumbers",
        Shape::List(50, &["work", "mobile", "fax", "work_extension", "alternate1", "alternate2"], VALUES),
    ),
    ("photos", Shape::List(50, &["photo", "thumbnail", "resizable"], VALUES)),
    ("addresses", Shape::List(10, &["work", "home", "other"], ADDRESS)),
    ("entitlements", Shape::List(100, &[], VALUES)),
    ("ims", Shape::List(50, &[], VALUES)),
    ("x509Certificates", Shape::List(30, &[], CERTIFICATES)),
];

/// Attributes of the core schema that only the server writes.
pub(super) const READ_ONLY: &[&str] = &["id", "meta", "groups", "password"];

/// The attributes of the enterprise extension.
pub(super) const ENTERPRISE_ATTRIBUTES: &[(&str, Shape)] = &[
    ("employeeNumber", Shape::Text(256)),
    ("costCenter", Shape::Text(256)),
    ("organization", Shape::Text(512)),
    ("division", Shape::Text(512)),
    ("department", Shape::Text(512)),
    ("manager", Shape::Apart),
];

/// The attributes of the Webex extension but the three numbered families.
pub(super) const CISCO_ATTRIBUTES: &[(&str, Shape)] = &[
    ("accountStatus", Shape::Apart),
    ("sipAddresses", Shape::List(2000, &["enterprise", "cloud-calling", "personal-room"], VALUES)),
    ("managedOrgs", Shape::List(2000, &[], MANAGED)),
    ("managedGroups", Shape::List(2000, &[], MANAGED)),
    ("managedSites", Shape::List(2000, &[], MANAGED)),
    ("userNameType", Shape::Text(64)),
    ("pronouns", Shape::Object(&[part("value", 256), part("visibility", 64)])),
    ("mfaEnabled", Shape::Flag),
    ("isTeamsOnJabberEnabled", Shape::Flag),
    ("isUCCallOnJabberEnabled", Shape::Flag),
    ("authProvider", Shape::Text(256)),
];

/// Attributes of the Webex extension that only the server writes.
pub(super) const CISCO_READ_ONLY: &[&str] =
    &["provisionSource", "licenseID", "avatarSyncEnabled", "toBeConverted", "meta", "firstAdmin"];

/// Prefixes of the families that run from 1 to 15.
const NUMBERED: &[(&str, Shape)] = &[
    ("extensionAttribute", Shape::Texts(100)),
    ("externalAttribute", Shape::List(2000, &[], FOREIGN)),
    ("crossOrgAttribute", Shape::List(2000, &[], FOREIGN)),
];

/// Every attribute of a user in all three schemas: `title`, `name.givenName`, `emails[work]`,
/// `addresses[home].locality`, `externalAttribute1`.
pub fn attribute_names() -> Vec<String> {
    let mut names: Vec<String> =
        READ_ONLY.iter().chain(CISCO_READ_ONLY).map(|name| (*name).to_owned()).collect();
    names.extend(emails::TYPES.iter().map(|kind| format!("emails[{kind}]")));
    let numbered = NUMBERED
        .iter()
        .flat_map(|(prefix, shape)| (1..=15).map(move |number| (format!("{prefix}{number}"), *shape)));
    let tables = CORE_ATTRIBUTES.iter().chain(ENTERPRISE_ATTRIBUTES).chain(CISCO_ATTRIBUTES);
    for (name, shape) in tables.map(|(name, shape)| ((*name).to_owned(), *shape)).chain(numbered) {
        match shape {
            Shape::Object(parts) => names.extend(parts.iter().map(|part| format!("{name}.{}", part.name))),
            Shape::List(_, kinds, parts) if !kinds.is_empty() => {
                for kind in kinds {
                    let inner = parts.iter().filter(|part| name == "addresses" && part.name != "type");
                    names.extend(inner.map(|part| format!("{name}[{kind}].{}", part.name)));
                    if name != "addresses" {
                        names.push(format!("{name}[{kind}]"));
                    }
                }
            }
            Shape::Apart if name == "emails" => {}
            _ => names.push(name),
        }
    }
    names
}

/// The canonical name and shape of an attribute of the Webex extension.
pub(super) fn cisco(name: &str) -> Option<(String, Shape)> {
    if let Some((name, shape)) = find(CISCO_ATTRIBUTES, name) {
        return Some((name.to_owned(), shape));
    }
    for (prefix, shape) in NUMBERED {
        let Some((head, number)) = name.split_at_checked(prefix.len()) else { continue };
        if head.eq_ignore_ascii_case(prefix)
            && !number.starts_with('0')
            && number.parse::<u8>().is_ok_and(|number| (1..=15).contains(&number))
        {
            return Some((format!("{prefix}{number}"), *shape));
        }
    }
    None
}

/// The canonical name and shape of an attribute in a table.
pub(super) fn find(table: &'static [(&'static str, Shape)], name: &str) -> Option<(&'static str, Shape)> {
    table.iter().find(|(known, _)| known.eq_ignore_ascii_case(name)).copied()
}

/// Which schema a path or filter names, and the rest; the separator may be a colon or, as the
/// vendor's own examples have it, a dot.
pub(super) fn split_schema(path: &str) -> (Schema, &str) {
    for (urn, schema) in [(ENTERPRISE, Schema::Enterprise), (CISCO, Schema::Cisco), (CORE, Schema::Core)] {
        if let Some((head, rest)) = path.split_at_checked(urn.len())
            && head.eq_ignore_ascii_case(urn)
            && (rest.is_empty() || rest.starts_with([':', '.']))
        {
            return (schema, rest.get(1..).unwrap_or_default());
        }
    }
    (Schema::Core, path)
}

/// One of the three schemas of a user.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Schema {
    Core,
    Enterprise,
    Cisco,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn extension_paths_take_a_colon_or_a_dot() {
        for (path, schema, rest) in [
            ("title", Schema::Core, "title"),
            (&format!("{CORE}:title") as &str, Schema::Core, "title"),
            (&format!("{ENTERPRISE}:department"), Schema::Enterprise, "department"),
            (&format!("{ENTERPRISE}.department"), Schema::Enterprise, "department"),
            (&format!("{}:department", ENTERPRISE.to_uppercase()), Schema::Enterprise, "department"),
            (CISCO, Schema::Cisco, ""),
            (&format!("{CISCO}:extensionAttribute1"), Schema::Cisco, "extensionAttribute1"),
            (&format!("{CISCO}X:y"), Schema::Core, &format!("{CISCO}X:y")),
        ] {
            assert_eq!(split_schema(path), (schema, rest), "{path}");
        }
    }

    #[test]
    fn numbered_attributes_run_from_1_to_15() {
        assert_eq!(cisco("EXTENSIONattribute15").unwrap().0, "extensionAttribute15");
        for wrong in
            ["extensionAttribute0", "extensionAttribute16", "extensionAttribute", "extensionAttribute01"]
        {
            assert!(cisco(wrong).is_none(), "{wrong}");
        }
    }
}
