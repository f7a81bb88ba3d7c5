//! What a domain controller says about itself and its partitions, as far as changes need it.

use ldap3::{ResultEntry, Scope};

use crate::model::{Attribute, SourceId};

use super::super::decode;
use super::super::detect::Vendor;
use super::super::search;
use super::super::trouble::Failure;
use super::super::visit::Visit;
use super::{controls, hints};

/// Seconds in a day.
const DAY: i64 = 86_400;
/// The tombstone lifetime, in days, of a forest that does not state one ([MS-ADTS] 3.1.1.5.5.5.2).
const UNSTATED_LIFETIME: i64 = 60;

/// One server with its own count of changes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Replica {
    /// `highestCommittedUSN`: every change up to here can be seen.
    pub usn: Option<u64>,
    /// `invocationId`: the identity of the database. A restore from a backup changes it.
    pub invocation: Option<SourceId>,
    /// `dnsHostName`, for people.
    pub host: Option<String>,
    /// `configurationNamingContext`.
    configuration: Option<String>,
    /// `schemaNamingContext`.
    pub schema: Option<String>,
}

/// Asks the server who it is and how far it has counted.
pub(super) async fn replica(visit: &mut Visit<'_>) -> Result<Replica, Failure> {
    let limit = visit.settings.operation_timeout;
    let wanted = [
        "highestCommittedUSN",
        "dsServiceName",
        "dnsHostName",
        "configurationNamingContext",
        "schemaNamingContext",
    ];
    let root = search::one(&mut visit.session, "", wanted.map(String::from).to_vec(), limit).await?;
    let root = root.map(|entry| entry.attributes).unwrap_or_default();
    let mut invocation = None;
    if let Some(service) = first(&root, "dsservicename") {
        let wanted = vec!["invocationId".to_owned()];
        let entry = search::one(&mut visit.session, service, wanted, limit).await?;
        let entry = entry.map(|entry| entry.attributes).unwrap_or_default();
        let found = entry.iter().find(|attribute| attribute.name == "invocationid");
        let bytes = found.and_then(|found| <[u8; 16]>::try_from(found.values.first()?.as_slice()).ok());
        invocation = bytes.map(SourceId::from_ad_guid);
    }
    Ok(Replica {
        usn: first(&root, "highestcommittedusn").and_then(|text| text.parse().ok()),
        invocation,
        host: first(&root, "dnshostname").map(str::to_owned),
        configuration: first(&root, "configurationnamingcontext").map(str::to_owned),
        schema: first(&root, "schemanamingcontext").map(str::to_owned),
    })
}

/// For how long deletions can be told from now on: the tombstone lifetime less a day, in seconds.
pub(super) async fn good_for(visit: &mut Visit<'_>, replica: &Replica) -> i64 {
    let mut stated = None;
    if let Some(configuration) = &replica.configuration {
        let dn = format!("CN=Directory Service,CN=Windows NT,CN=Services,{configuration}");
        let wanted = vec!["tombstoneLifetime".to_owned()];
        // Who may not read it has to count on the shortest.
        let entry = search::one(&mut visit.session, &dn, wanted, visit.settings.operation_timeout)
            .await
            .ok()
            .flatten();
        stated = entry.and_then(|entry| first(&entry.attributes, "tombstonelifetime")?.parse().ok());
    }
    seconds(stated)
}

/// From days to seconds, less a day.
fn seconds(stated: Option<i64>) -> i64 {
    // Two days are the least that a server accepts, and a hundred years are forever.
    (stated.unwrap_or(UNSTATED_LIFETIME).clamp(2, 36_500) - 1) * DAY
}

/// The first value of an attribute, when it is text.
pub(super) fn first<'a>(attributes: &'a [Attribute], name: &str) -> Option<&'a str> {
    let found = attributes.iter().find(|attribute| attribute.name == name)?;
    std::str::from_utf8(found.values.first()?).ok()
}

/// Where changes are searched.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Place {
    pub dn: String,
    /// Whether this is the root of a partition: only there every move and deletion is in sight.
    pub partition: bool,
}

/// The partitions in which the bases are; a base of which the server does not tell the partition
/// stands for itself.
pub(super) fn places(visit: &Visit<'_>) -> Vec<Place> {
    let mut places: Vec<Place> = Vec::new();
    let groups: &[String] = if visit.ask.groups { &visit.group_bases } else { &[] };
    for base in visit.bases.iter().chain(groups) {
        let dn = visit.directory.context_of(base);
        if places.iter().all(|place| place.dn != dn) {
            let partition = visit.directory.contexts.iter().any(|context| context == dn);
            places.push(Place { dn: dn.to_owned(), partition });
        }
    }
    places
}

/// Whether the account may see what was deleted in a partition.
pub(super) async fn sees_deleted(visit: &mut Visit<'_>, partition: &str) -> bool {
    let limit = visit.settings.operation_timeout;
    let found = visit
        .session
        .ldap
        .with_controls(controls::show_deleted())
        .with_timeout(limit)
        .search(
            &format!("CN=Deleted Objects,{partition}"),
            Scope::Base,
            "(objectClass=*)",
            vec!["objectGUID"],
        )
        .await;
    let Ok(found) = found else { return false };
    // Who may not look in is shown the name, and nothing else.
    let reads =
        |answer: ResultEntry| decode::entry(answer.0).is_ok_and(|entry| hints::guid(&entry).is_some());
    found.1.rc == 0 && found.0.into_iter().any(reads)
}

/// The id of the topmost entry of a partition, which tells a domain from another one by the
/// same name.
pub(super) async fn root_of(visit: &mut Visit<'_>, partition: &str) -> Result<Option<SourceId>, Failure> {
    let limit = visit.settings.operation_timeout;
    let entry = search::one(&mut visit.session, partition, vec!["objectGUID".into()], limit).await?;
    Ok(entry.as_ref().and_then(hints::guid))
}

/// Whether the server is asked as the global catalogue, by its well-known ports. It holds a part
/// of every partition of the forest.
pub(super) fn is_global_catalogue(visit: &Visit<'_>) -> bool {
    visit.directory.vendor == Vendor::ActiveDirectory
        && url::Url::parse(&visit.session.server).is_ok_and(|url| matches!(url.port(), Some(3268 | 3269)))
}

/// The anchor attribute, when the administrator chose another than the one by which Active
/// Directory tells changes.
pub(super) fn foreign_anchor<'a>(visit: &'a Visit<'_>) -> Option<&'a str> {
    visit.settings.anchor.as_deref().filter(|name| !name.eq_ignore_ascii_case("objectGUID"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lifetimes() {
        for (stated, days) in [(None, 59), (Some(180), 179), (Some(0), 1), (Some(i64::MAX), 36_499)] {
            assert_eq!(seconds(stated), days * DAY, "{stated:?}");
        }
    }
}
