//! How much the server gives at once.

use std::collections::BTreeMap;

use ldap3::{Scope, SearchOptions};

use crate::source::{Fact, Topic};

use super::super::detect::Vendor;
use super::super::search::{self, Pages, Search, Step};
use super::super::trouble::{Failure, code_words};
use super::super::visit::Visit;
use super::{Found, root, texts};

/// Control type of RFC 2696.
const PAGED_RESULTS: &str = "1.2.840.113556.1.4.319";

/// So many entries without pages show that there is no limit that matters: enough for more than
/// the usual limits of 500, 1000 and 2000, and few enough for a check.
const ENOUGH: u64 = 5000;

/// The filter for people that a read begins with.
fn filter(visit: &Visit<'_>) -> String {
    match &visit.settings.person_filter {
        Some(filter) => filter.clone(),
        None => visit.directory.vendor.person_filters().first().copied().unwrap_or("(objectClass=*)").into(),
    }
}

/// Whether the first page of people comes as it was asked for.
pub(super) async fn first_page(visit: &mut Visit<'_>, found: &mut Found) -> Result<(), Failure> {
    let announced = texts(&root(visit, &["supportedControl"]).await?, "supportedcontrol")
        .any(|control| control == PAGED_RESULTS);
    let Some(base) = visit.bases.first().cloned() else { return Ok(()) };
    let search = Search {
        base,
        filter: filter(visit),
        attributes: vec!["1.1".into()],
        page_size: visit.settings.page_size,
        limit: visit.settings.operation_timeout,
    };
    let mut pages = Pages::new(&mut visit.session, &search);
    let mut entries = 0;
    let more = loop {
        match pages.next().await {
            Step::Entry(_) => entries += 1,
            Step::Referral => {}
            Step::Page => {
                pages.abandon().await;
                break true;
            }
            Step::End(None) => break false,
            // That the base is not there was told already.
            Step::End(Some(Failure::Code(result))) if result.rc == 32 => return Ok(()),
            Step::End(Some(failure)) => return Err(failure),
        }
    };
    found.facts.push(page(entries, u64::from(search.page_size), more, announced));
    Ok(())
}

fn page(entries: u64, asked: u64, more: bool, announced: bool) -> Fact {
    match (more, entries) {
        (true, got) if got < asked => Fact::ok(
            Topic::Limits,
            format!("pages: the server cuts them to {got} entries; {asked} were asked for"),
        ),
        (false, got) if got > asked => Fact::warn(
            Topic::Limits,
            format!("pages: the server sent {got} entries at once although {asked} were asked for"),
            "a size limit of the server may cut such a read short: see its documentation on the control of RFC 2696",
        ),
        (true, got) => Fact::ok(Topic::Limits, format!("pages: {got} entries each, as asked for")),
        (false, got) if announced => Fact::ok(
            Topic::Limits,
            format!("pages: all people of the first base ({got}) fit on one of {asked}"),
        ),
        (false, got) => Fact::warn(
            Topic::Limits,
            format!("pages: the server does not say that it has them; all {got} entries came at once"),
            "a size limit of the server may cut a growing directory short",
        ),
    }
}

/// Whether a search without pages ends early: content synchronization (RFC 4533) knows no pages.
pub(super) async fn unpaged(visit: &mut Visit<'_>, found: &mut Found) -> Result<(), Failure> {
    if matches!(visit.directory.vendor, Vendor::ActiveDirectory | Vendor::AdLds) {
        // Its policies say it, and nothing depends on it.
        return Ok(());
    }
    let Some(base) = visit.bases.first().cloned() else { return Ok(()) };
    let (filter, limit) = (filter(visit), visit.settings.operation_timeout);
    let ldap = &mut visit.session.ldap;
    let stream = ldap
        .with_search_options(SearchOptions::new().sizelimit(0))
        .with_timeout(limit)
        .streaming_search(&base, Scope::Subtree, &filter, vec!["1.1"])
        .await;
    let mut stream = match stream {
        Ok(stream) => stream,
        Err(error) => {
            let failure = Failure::from_library(error, limit);
            return Err(visit.session.explain(failure).await);
        }
    };
    let mut entries = 0;
    let failure = loop {
        match stream.next().await {
            Ok(Some(_)) if entries >= ENOUGH => {
                let id = stream.ldap_handle().last_id();
                stream.finish().await;
                let _ = visit.session.ldap.with_timeout(limit).abandon(id).await;
                break None;
            }
            Ok(Some(_)) => entries += 1,
            Ok(None) => {
                let result = stream.finish().await;
                match result.rc {
                    // That the base is not there was told already.
                    0 | 32 => break None,
                    _ => break Some(result),
                }
            }
            Err(error) => {
                let failure = Failure::from_library(error, limit);
                return Err(visit.session.explain(failure).await);
            }
        }
    };
    found.facts.push(match failure {
        None if entries >= ENOUGH => {
            Fact::ok(Topic::Limits, format!("size limit: none below {ENOUGH} entries without pages"))
        }
        None => Fact::ok(Topic::Limits, format!("size limit: none met ({entries} entries without pages)")),
        Some(result) => Fact::warn(
            Topic::Limits,
            format!("size limit: without pages the server stops after {entries} entries: {}", code_words(&result)),
            "lift the limits for the bind account (OpenLDAP: limits dn.exact=\"...\" size=unlimited time=unlimited; \
             389-ds: nsSizeLimit -1): content synchronization (RFC 4533) cannot read in pages",
        ),
    });
    Ok(())
}

/// The limits that Active Directory sets for everybody, where they can be read
/// ([MS-ADTS] 3.1.1.3.4.6).
pub(super) async fn policies(visit: &mut Visit<'_>, found: &mut Found) -> Result<(), Failure> {
    if visit.directory.vendor != Vendor::ActiveDirectory {
        return Ok(());
    }
    let attributes = root(visit, &["configurationNamingContext"]).await?;
    let Some(context) = texts(&attributes, "configurationnamingcontext").next() else { return Ok(()) };
    let dn = format!(
        "CN=Default Query Policy,CN=Query-Policies,CN=Directory Service,CN=Windows NT,CN=Services,{context}"
    );
    let limit = visit.settings.operation_timeout;
    let entry = match search::one(&mut visit.session, &dn, vec!["lDAPAdminLimits".into()], limit).await {
        Ok(entry) => entry,
        Err(failure) if failure.ends_the_connection() => return Err(failure),
        // Not everybody may read it, and nothing depends on it.
        Err(_) => None,
    };
    let attributes = entry.map(|entry| entry.attributes).unwrap_or_default();
    let limits = texts(&attributes, "ldapadminlimits").collect::<Vec<_>>();
    found.facts.push(policy(&limits));
    Ok(())
}

fn policy(limits: &[String]) -> Fact {
    let limits: BTreeMap<String, &str> = limits
        .iter()
        .filter_map(|limit| limit.split_once('='))
        .map(|(name, value)| (name.to_lowercase(), value))
        .collect();
    let told: Vec<String> = ["MaxPageSize", "MaxValRange", "MaxResultSetSize", "MaxQueryDuration"]
        .iter()
        .filter_map(|name| Some(format!("{name} {}", limits.get(&name.to_lowercase())?)))
        .collect();
    match told.is_empty() {
        true => Fact::ok(
            Topic::Limits,
            "LDAP policies: not readable; pages and ranges are followed whatever they are",
        ),
        false => Fact::ok(
            Topic::Limits,
            format!("LDAP policies: {}; pages and ranges are followed", told.join(", ")),
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::source::Standing;

    #[test]
    fn a_page_is_held_against_what_was_asked_for() {
        for (entries, asked, more, announced, standing, words) in [
            (2000, 2000, true, true, Standing::Ok, "2000 entries each"),
            (1000, 2000, true, true, Standing::Ok, "cuts them to 1000"),
            (3, 2000, false, true, Standing::Ok, "(3) fit on one"),
            (2500, 2000, false, true, Standing::Warn, "2500 entries at once"),
            (3, 2000, false, false, Standing::Warn, "does not say"),
        ] {
            let fact = page(entries, asked, more, announced);
            assert_eq!(fact.standing, standing, "{fact:?}");
            assert!(fact.what.contains(words), "{fact:?}");
        }
    }

    #[test]
    fn policies_are_told_as_far_as_they_can_be_read() {
        let limits = ["MaxValRange=1500", "MaxPoolThreads=4", "MaxPageSize=1000"].map(str::to_owned);
        assert!(policy(&limits).what.contains("MaxPageSize 1000, MaxValRange 1500;"));
        assert!(policy(&[]).what.contains("not readable"));
    }
}
