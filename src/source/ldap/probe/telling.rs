//! How changes will be found, and whether deletions can be seen.

use ldap3::Scope;
use ldap3::controls::RawControl;

use crate::model::{Cursor, Method};
use crate::source::{ChangesBy, Fact, Topic};

use super::super::changes;
use super::super::decode;
use super::super::detect::Vendor;
use super::super::trouble::{Failure, code_words};
use super::super::visit::Visit;
use super::Found;

/// LDAP_SERVER_SHOW_DELETED_OID ([MS-ADTS] 3.1.1.3.4.1.14).
const SHOW_DELETED: &str = "1.2.840.113556.1.4.417";

/// GUID_DELETED_OBJECTS_CONTAINER_W ([MS-ADTS] 6.1.1.4): the same in every domain and language.
const DELETED_OBJECTS: &str = "18E2EA80684F11D2B9AA00C04F79F805";

/// Takes a mark as a full read does, and throws it away.
pub(super) async fn changes(visit: &mut Visit<'_>, found: &mut Found) -> Result<(), Failure> {
    let (cursor, advice) = changes::begin(visit).await;
    let (fact, by) = chosen(visit.settings.changes, cursor.as_ref(), advice);
    found.facts.push(fact);
    found.changes = Some(by);
    Ok(())
}

fn chosen(configured: Option<Method>, cursor: Option<&Cursor>, advice: Option<String>) -> (Fact, ChangesBy) {
    const FULL: &str = "every pass reads everything";
    let as_configured = if configured.is_some() { ", as configured" } else { "" };
    let by = ChangesBy {
        method: cursor.map_or(Method::Full, |cursor| cursor.method),
        // A full read proves who is gone.
        tells_deletions: cursor.is_none_or(|cursor| cursor.tells_deletions),
        advice: advice.clone(),
    };
    let fact = match cursor {
        None if configured == Some(Method::Full) => {
            Fact::ok(Topic::Changes, format!("changes: not told; {FULL}{as_configured}"))
        }
        None => Fact::warn(
            Topic::Changes,
            format!("changes: this server does not tell them to us; {FULL}"),
            advice.unwrap_or_else(|| "nothing: passes take longer, and nothing is missed".into()),
        ),
        Some(cursor) => {
            let why = if configured.is_some() { "as configured" } else { "the best that works here" };
            let how = cursor.method;
            match (cursor.tells_deletions, advice) {
                (true, None) => {
                    Fact::ok(Topic::Changes, format!("changes: found by {how} ({why}), deletions too"))
                }
                (true, Some(advice)) => Fact::warn(
                    Topic::Changes,
                    format!("changes: found by {how} ({why}), deletions too"),
                    advice,
                ),
                (false, advice) => Fact::warn(
                    Topic::Changes,
                    format!("changes: found by {how} ({why}); deletions are seen by full reads only"),
                    advice.unwrap_or_else(|| {
                        "nothing, when that is soon enough; otherwise have everything read more often".into()
                    }),
                ),
            }
        }
    };
    (fact, by)
}

/// Whether the container of deleted objects can be read, on Active Directory: most accounts may
/// not, and then `uSNChanged` and DirSync without the replication right do not tell deletions.
pub(super) async fn deleted_objects(visit: &mut Visit<'_>, found: &mut Found) -> Result<(), Failure> {
    if visit.directory.vendor != Vendor::ActiveDirectory {
        return Ok(());
    }
    let Some(context) = visit.directory.default_context.clone() else { return Ok(()) };
    let limit = visit.settings.operation_timeout;
    let show = RawControl { ctype: SHOW_DELETED.into(), crit: true, val: None };
    let base = format!("<WKGUID={DELETED_OBJECTS},{context}>");
    let answer = visit
        .session
        .ldap
        .with_controls(show)
        .with_timeout(limit)
        .search(&base, Scope::Base, "(objectClass=*)", vec!["objectGUID"])
        .await;
    let (entries, result) = match answer {
        Ok(answer) => (answer.0, answer.1),
        Err(error) => {
            let failure = Failure::from_library(error, limit);
            return Err(visit.session.explain(failure).await);
        }
    };
    // Samba shows the container to everybody, and nothing of it.
    let seen = entries.into_iter().next().and_then(|answer| decode::entry(answer.0).ok());
    if result.rc == 0 && seen.is_some_and(|entry| !entry.attributes.is_empty()) {
        found.facts.push(Fact::ok(Topic::Rights, "deleted objects can be read"));
        return Ok(());
    }
    let why = match result.rc {
        0 | 32 => String::new(),
        _ => format!(": {}", code_words(&result)),
    };
    // What replicates needs no look into the container.
    let needed = found.changes.as_ref().is_some_and(|by| !by.tells_deletions);
    found.facts.push(if needed {
        Fact::warn(
            Topic::Rights,
            format!("deleted objects cannot be read{why}: deletions are seen by full reads only"),
            format!(
                "let the bind account list and read \"CN=Deleted Objects,{context}\": dsacls with /takeownership, \
                 then /G account:LCRP; or give it \"Replicating Directory Changes\" on the domain"
            ),
        )
    } else {
        Fact::ok(Topic::Rights, format!("deleted objects cannot be read{why}; nothing here needs them"))
    });
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::Fingerprint;
    use crate::source::Standing;

    fn cursor(method: Method, tells_deletions: bool) -> Cursor {
        Cursor {
            method,
            identity: String::new(),
            binding: Fingerprint::NONE,
            mark: String::new(),
            good_for: None,
            tells_deletions,
        }
    }

    #[test]
    fn the_choice_is_told_with_what_stands_in_its_way() {
        let advice = Some("grant the right");
        for (configured, cursor, advice, standing, words) in [
            (
                None,
                Some(cursor(Method::Dirsync, true)),
                None,
                Standing::Ok,
                "dirsync (the best that works here)",
            ),
            (None, Some(cursor(Method::Usn, true)), advice, Standing::Warn, "by usn"),
            (None, Some(cursor(Method::Timestamp, false)), None, Standing::Warn, "full reads only"),
            (Some(Method::Usn), Some(cursor(Method::Usn, true)), None, Standing::Ok, "as configured"),
            (Some(Method::Full), None, None, Standing::Ok, "as configured"),
            (Some(Method::Syncrepl), None, advice, Standing::Warn, "every pass reads everything"),
            (None, None, None, Standing::Warn, "every pass reads everything"),
        ] {
            let (fact, by) = chosen(configured, cursor.as_ref(), advice.map(str::to_owned));
            assert_eq!(fact.standing, standing, "{fact:?}");
            assert!(fact.what.contains(words), "{fact:?}");
            assert_eq!(by.method, cursor.map_or(Method::Full, |cursor| cursor.method));
            assert_eq!(fact.remedy.is_empty(), standing == Standing::Ok);
            if advice.is_some() {
                assert_eq!(fact.remedy, "grant the right");
            }
        }
    }
}
