//! OpenLDAP's cookie, made of `contextCSN` without reading a single person.
//!
//! A context keeps one change sequence number for each provider that ever wrote to it. The
//! cookie is their list, so that the values read before a full read stand for "everything until
//! here". The server takes any cookie, also one that belongs to another question, and then
//! answers that nothing changed: what can be checked is checked here.

use std::collections::BTreeSet;

use super::super::super::search;
use super::super::super::visit::Visit;
use super::refresh::{Gathered, Outcome, Question, refresh};
use super::{EVERYTHING, Missing, Place};

/// The places from which changes are told. Each is tried: a server may know the control for
/// another database than that of the base.
pub(super) async fn places(visit: &mut Visit<'_>, bases: Vec<String>) -> Result<Vec<Place>, Missing> {
    let mut places = Vec::new();
    for base in bases {
        let cookie = cookie(visit, &base).await?;
        let limit = Some(visit.settings.operation_timeout);
        let question = Question { base: &base, filter: EVERYTHING, cookie: Some(&cookie), limit };
        match refresh(&mut visit.session, &question, &mut Gathered::new(None)).await? {
            Outcome::Done(_) => places.push(Place { base, cookie }),
            Outcome::Doubt(reason) => return Err(Missing::Unfit(reason)),
        }
    }
    Ok(places)
}

/// The cookie for what is below the base now.
pub(super) async fn cookie(visit: &mut Visit<'_>, base: &str) -> Result<String, Missing> {
    let context = visit.directory.context_of(base).to_owned();
    let limit = visit.settings.operation_timeout;
    let entry = search::one(&mut visit.session, &context, vec!["contextCSN".into()], limit).await?;
    let values: Vec<String> = entry
        .into_iter()
        .flat_map(|entry| entry.attributes)
        .filter(|attribute| attribute.name == "contextcsn")
        .flat_map(|attribute| attribute.values)
        .map(|value| String::from_utf8_lossy(&value).into_owned())
        .collect();
    if values.is_empty() {
        return Err(Missing::Unfit(format!(
            "\"{context}\" shows no contextCSN. Put `overlay syncprov` with `syncprov-sessionlog` on its \
             database, and let the bind account read contextCSN of that entry"
        )));
    }
    let cookie = format!("rid=000,csn={}", values.join(";"));
    if providers(&cookie).is_none() {
        return Err(Missing::Unfit(format!("contextCSN of \"{context}\" is in a form that is not known")));
    }
    Ok(cookie)
}

/// The numbers of the providers in a cookie; `None` for what is no cookie of OpenLDAP's.
pub(super) fn providers(cookie: &str) -> Option<BTreeSet<&str>> {
    let csns = cookie.split(',').find_map(|part| part.strip_prefix("csn="))?;
    csns.split(';').map(provider).collect()
}

/// The provider in `20261122084303.962723Z#000000#000#000000`: time, count, provider, modification.
fn provider(csn: &str) -> Option<&str> {
    let parts: Vec<&str> = csn.split('#').collect();
    let [time, count, provider, modification] = parts.as_slice() else { return None };
    let hex = |text: &str, length| text.len() == length && text.bytes().all(|c| c.is_ascii_hexdigit());
    let whole = time.ends_with('Z') && time.len() >= 15 && time.starts_with(|c: char| c.is_ascii_digit());
    (whole && hex(count, 6) && hex(provider, 3) && hex(modification, 6)).then_some(*provider)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cookie_names_its_providers() {
        let one = "rid=000,csn=20261122084303.962723Z#000000#000#000000";
        let two = "rid=001,sid=002,csn=20261122084303.962723Z#000000#001#000000;20261122084303.962723Z#000000#002#000000";
        for (cookie, expected) in [
            (one, Some(vec!["000"])),
            (two, Some(vec!["001", "002"])),
            ("rid=000", None),
            ("", None),
            ("junk", None),
            ("rid=000,csn=", None),
            ("rid=000,csn=20261122084303.962723Z#000000#000", None),
            ("rid=000,csn=20261122084303.962723Z#000000#0x0#000000", None),
            ("rid=000,csn=yesterday#000000#000#000000", None),
            ("localhost:389#cn=a:dc=b:(objectClass=*)#7", None),
        ] {
            let read = providers(cookie).map(|found| found.into_iter().collect::<Vec<_>>());
            assert_eq!(read, expected, "{cookie}");
        }
    }
}
