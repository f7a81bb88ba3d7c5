//! Attributes whose changes Active Directory does not tell.
//!
//! What the server computes, such as `memberOf`, changes without the object being written; and
//! what is not replicated, such as `lastLogon`, each server keeps to itself. Rules may read them
//! all the same, and the administrator should know when they take effect.

use ldap3::{ResultEntry, Scope};

use super::super::decode;
use super::super::visit::Visit;
use super::replica::{Replica, first};

/// FLAG_ATTR_NOT_REPLICATED and FLAG_ATTR_IS_CONSTRUCTED of `systemFlags`, [MS-ADTS] 2.2.10.
const UNTOLD: i64 = 0x1 | 0x4;

/// These follow from the name and the place, which are told, or never change.
const HARMLESS: &[&str] = &[
    "distinguishedname",
    "canonicalname",
    "msds-parentdistname",
    "msds-principalname",
    "objectguid",
    "objectsid",
    "parentguid",
    "usncreated",
    "whencreated",
];

/// The sentence for the administrator, when the rules read such attributes.
pub(super) async fn advice(visit: &mut Visit<'_>, replica: &Replica) -> Option<String> {
    let schema = replica.schema.as_deref()?;
    let is_name = |name: &&String| name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-');
    let clauses: String = visit
        .ask
        .attributes
        .iter()
        .filter(is_name)
        .filter(|name| !HARMLESS.contains(&name.as_str()))
        .map(|name| format!("(lDAPDisplayName={name})"))
        .collect();
    if clauses.is_empty() {
        return None;
    }
    let found = visit
        .session
        .ldap
        .with_timeout(visit.settings.operation_timeout)
        .search(
            schema,
            Scope::OneLevel,
            &format!("(&(objectClass=attributeSchema)(|{clauses}))"),
            vec!["lDAPDisplayName", "systemFlags", "linkID"],
        )
        .await
        .ok()?;
    let mut names: Vec<String> = found.0.into_iter().filter_map(untold).collect();
    names.sort_unstable();
    let (verb, them) = if names.len() == 1 { ("is", "it") } else { ("are", "them") };
    (!names.is_empty()).then(|| {
        format!(
            "what changes in {} {verb} seen by full passes only, because the server computes {them} or does not \
             replicate {them}",
            names.join(", ")
        )
    })
}

/// The name of an attribute whose definition says that its changes are not told.
fn untold(answer: ResultEntry) -> Option<String> {
    let attributes = decode::entry(answer.0).ok()?.attributes;
    let number = |name: &str| first(&attributes, name).and_then(|text| text.parse::<i64>().ok());
    // The odd one of a pair of links is computed from the other ([MS-ADTS] 3.1.1.1.6).
    let is_back_link = number("linkid").is_some_and(|id| id & 1 == 1);
    let is_untold = is_back_link || number("systemflags").is_some_and(|flags| flags & UNTOLD != 0);
    first(&attributes, "ldapdisplayname").filter(|_| is_untold).map(str::to_owned)
}
