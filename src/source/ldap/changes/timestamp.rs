//! `modifyTimestamp`: the last resort, for servers that cannot tell changes.
//!
//! What was modified is found, what was deleted or moved away is not. The server's own times
//! decide, but only within a day of ours: one entry with a time in the future would otherwise
//! hide every change until then, and after a bulk load in the past every question would be
//! answered with everybody.

use std::collections::{BTreeSet, HashMap};
use std::time::{Duration, Instant};

use chrono::{DateTime, NaiveDateTime, TimeDelta, Utc};
use ldap3::{Scope, SearchOptions};

use crate::clock;
use crate::model::{Hint, MANY};
use crate::source::shape::{AnchorIn, Looking, Shape};

use super::super::decode::{self, Entry};
use super::super::detect::{Vendor, without_nested};
use super::super::search::{self, Pages, Search, Step};
use super::super::trouble::Failure;
use super::super::visit::Visit;
use super::told::AlreadyTold;
use super::{Mark, Since, Told, hinted, unfit};

/// Changes this much older than the mark are asked for again: transactions end out of order, and
/// copies of a directory lag behind each other.
const OVERLAP: TimeDelta = TimeDelta::minutes(5);

/// How far the server's times are believed apart from ours.
const TRUST: TimeDelta = TimeDelta::days(1);

/// The mark is found so exactly; what lies between is told once more.
const EXACT: TimeDelta = TimeDelta::seconds(30);

/// A server that searches for so long has no index for it, and is not asked more often.
const SLOW: Duration = Duration::from_secs(2);

const ADVICE: &str = "changes are found by modifyTimestamp, which does not tell who was deleted or moved out of the \
                      bases: full reads do. Let the server have an ordering index on modifyTimestamp";

/// A mark before a full read: the time of the last change.
pub(super) async fn begin(visit: &mut Visit<'_>) -> Result<Mark, String> {
    let words = |failure: Failure| format!("the server cannot be asked: {failure}");
    if let Some(reason) = cannot_compare(visit).await.map_err(words)? {
        return unfit(reason);
    }
    let now = server_time(visit).await.map_err(words)?;
    let mark = written(last_change(visit, now).await.map_err(words)?);
    Ok(Mark { mark, good_for: None, tells_deletions: false, advice: Some(ADVICE.into()) })
}

/// What was modified since then.
pub(super) async fn since(visit: &mut Visit<'_>, mark: &str) -> Told {
    let mut words = mark.split_whitespace();
    let Some(mark) = words.next().and_then(|word| parse(word.as_bytes())) else {
        return Ok(Since::Doubt("the mark of the last time is not a time".into()));
    };
    let mut already = AlreadyTold::parse(words, clock::now().timestamp());
    let now = server_time(visit).await?;
    let attribute = attribute(visit);
    let anchor = match &visit.settings.anchor {
        Some(name) => AnchorIn::Named(name.to_ascii_lowercase()),
        None => AnchorIn::WellKnown,
    };
    let number = number(visit);
    let mut attributes = vec!["objectClass".to_owned(), attribute.to_owned(), number.to_owned()];
    match &anchor {
        AnchorIn::Named(name) => attributes.push(name.clone()),
        AnchorIn::WellKnown => {
            attributes.extend(visit.directory.vendor.anchors().iter().map(|name| (*name).to_owned()));
        }
    }
    let filter = filter(visit, mark - OVERLAP);
    let (mut hints, mut last) = (HashMap::new(), mark);
    for base in bases(visit) {
        let search = Search {
            base,
            filter: filter.clone(),
            attributes: attributes.clone(),
            page_size: visit.settings.page_size,
            limit: visit.settings.operation_timeout,
        };
        let mut pages = Pages::new(&mut visit.session, &search);
        loop {
            let entry = match pages.next().await {
                Step::Entry(answer) => decode::entry(answer.0),
                Step::Referral | Step::Page => continue,
                Step::End(None) => break,
                Step::End(Some(failure)) => return refused(failure),
            };
            // What cannot be read or has no anchor, a full read could not use either.
            let Ok(entry) = entry else { continue };
            let changed = time(&entry, attribute);
            last = last.max(changed.filter(|time| *time <= now).unwrap_or(last));
            let version = value(&entry, number).map(<[u8]>::to_vec);
            let what = hinted::what(&entry.attributes);
            let keep = BTreeSet::new();
            let shape = Shape { anchor: &anchor, looking: Looking::Anything, keep: &keep };
            if let Some(anchor) = shape.apply(entry.attributes).anchor
                && changed.is_none_or(|time| already.is_news(anchor, time, version.as_deref()))
            {
                hints.insert(anchor, Hint { anchor, dn: Some(entry.dn), what });
            }
            if hints.len() > MANY {
                pages.abandon().await;
                let reason = format!("more than {MANY} objects changed: reading everything is quicker");
                return Ok(Since::Doubt(reason));
            }
        }
    }
    let next = believable(last, now);
    let mark = format!("{}{}", written(next), already.written(next - OVERLAP));
    Ok(Since::Hints(hints.into_values().collect(), mark))
}

/// A time of the server's, as far as it is believed.
fn believable(time: DateTime<Utc>, now: DateTime<Utc>) -> DateTime<Utc> {
    time.clamp(now - TRUST, now)
}

fn refused(failure: Failure) -> Told {
    match &failure {
        // A question that the server took before.
        Failure::Code(result) if matches!(result.rc, 3 | 4 | 11 | 18 | 53) => {
            Ok(Since::Doubt(format!("the server does not tell what was modified: {failure}")))
        }
        _ => Err(failure),
    }
}

/// Why this server cannot find entries by time, if so. Some take the question and never find
/// anything, which would look as if nothing ever changed.
async fn cannot_compare(visit: &mut Visit<'_>) -> Result<Option<String>, Failure> {
    let (attribute, limit) = (attribute(visit), visit.settings.operation_timeout);
    let Some(base) = bases(visit).into_iter().next() else {
        return Ok(Some("no base is searched".into()));
    };
    let entry = search::one(&mut visit.session, &base, vec![attribute.into()], limit).await?;
    let Some(time) = entry.as_ref().and_then(|entry| time(entry, attribute)) else {
        return Ok(Some(format!(
            "\"{base}\" shows no {attribute}. Let the bind account read it, if the server keeps it"
        )));
    };
    let found = |found: Result<Option<_>, Failure>| match found {
        Ok(found) => Ok(found.is_some()),
        Err(Failure::Code(_)) => Ok(false),
        Err(failure) => Err(failure),
    };
    let second = TimeDelta::seconds(1);
    let (at, after) = (filter(visit, time), filter(visit, time + second));
    // With the other attribute that the filter may name, a time after the one can match.
    let discerns = found(first(visit, &base, Scope::Base, &at).await)?
        && (visit.directory.vendor == Vendor::Other
            || !found(first(visit, &base, Scope::Base, &after).await)?);
    Ok((!discerns).then(|| format!("the server cannot compare {attribute} with a time")))
}

/// The time of the last change within a day, or a bit before it: an early mark only tells more.
/// Found by asking for any one entry after a time, again and again, so that even after a day of
/// many changes next to nothing is read.
async fn last_change(visit: &mut Visit<'_>, now: DateTime<Utc>) -> Result<DateTime<Utc>, Failure> {
    let (mut known, mut beyond) = (now - TRUST, now);
    let mut ask = known;
    loop {
        let begin = Instant::now();
        let filter = format!("(&{}(!{}))", filter(visit, ask), filter(visit, now + TimeDelta::seconds(1)));
        let mut found = None;
        for base in bases(visit) {
            found = first(visit, &base, Scope::Subtree, &filter).await?;
            if found.is_some() {
                break;
            }
        }
        match found {
            Some(time) => known = known.max(ask).max(time),
            None if ask <= known => return Ok(known),
            None => beyond = ask,
        }
        if beyond - known <= EXACT || begin.elapsed() > SLOW {
            return Ok(believable(known, now));
        }
        ask = known + (beyond - known) / 2;
    }
}

/// The time of any one entry that matches.
async fn first(
    visit: &mut Visit<'_>,
    base: &str,
    scope: Scope,
    filter: &str,
) -> Result<Option<DateTime<Utc>>, Failure> {
    let (attribute, limit) = (attribute(visit), visit.settings.operation_timeout);
    let outcome = visit
        .session
        .ldap
        .with_search_options(SearchOptions::new().sizelimit(1))
        .with_timeout(limit)
        .search(base, scope, filter, vec![attribute])
        .await
        .map_err(|error| Failure::from_library(error, limit));
    let found = match outcome {
        Ok(found) => found,
        Err(failure) => return Err(visit.session.explain(failure).await),
    };
    let entry =
        found.0.into_iter().filter(|answer| !answer.is_ref()).find_map(|answer| decode::entry(answer.0).ok());
    match (entry, found.1.rc) {
        (Some(entry), 0 | 4) => Ok(Some(time(&entry, attribute).unwrap_or(DateTime::<Utc>::MIN_UTC))),
        (None, 0) => Ok(None),
        _ => Err(Failure::Code(Box::new(found.1))),
    }
}

/// What time it is: the server's word where it tells (AD), else ours.
async fn server_time(visit: &mut Visit<'_>) -> Result<DateTime<Utc>, Failure> {
    let limit = visit.settings.operation_timeout;
    let root = search::one(&mut visit.session, "", vec!["currentTime".into()], limit).await?;
    Ok(root.and_then(|root| time(&root, "currentTime")).unwrap_or_else(clock::now))
}

fn bases(visit: &Visit<'_>) -> Vec<String> {
    let groups: &[String] = if visit.ask.groups { &visit.group_bases } else { &[] };
    without_nested(&[&visit.bases, groups].concat())
}

/// Where the time of the last change is. AD computes modifyTimestamp and cannot search it.
fn attribute(visit: &Visit<'_>) -> &'static str {
    match visit.directory.vendor {
        Vendor::ActiveDirectory | Vendor::AdLds => "whenChanged",
        _ => "modifyTimestamp",
    }
}

/// By what the server counts changes, so that two within one second differ. Where it shows none, the
/// time has to do.
fn number(visit: &Visit<'_>) -> &'static str {
    match visit.directory.vendor {
        Vendor::ActiveDirectory | Vendor::AdLds => "uSNChanged",
        Vendor::Ds389 => "entryUSN",
        Vendor::OpenLdap | Vendor::Other => "entryCSN",
    }
}

fn filter(visit: &Visit<'_>, from: DateTime<Utc>) -> String {
    let from = written(from);
    match visit.directory.vendor {
        Vendor::ActiveDirectory | Vendor::AdLds => {
            format!("(whenChanged>={}.0Z)", from.trim_end_matches('Z'))
        }
        Vendor::OpenLdap | Vendor::Ds389 => format!("(modifyTimestamp>={from})"),
        // RFC 4512, 3.4: only what was modified needs to have it.
        Vendor::Other => format!("(|(modifyTimestamp>={from})(createTimestamp>={from}))"),
    }
}

fn time(entry: &Entry, attribute: &str) -> Option<DateTime<Utc>> {
    parse(value(entry, attribute)?)
}

fn value<'a>(entry: &'a Entry, attribute: &str) -> Option<&'a [u8]> {
    let found = entry.attributes.iter().find(|known| known.name.eq_ignore_ascii_case(attribute))?;
    found.values.first().map(Vec::as_slice)
}

fn written(time: DateTime<Utc>) -> String {
    time.format("%Y%m%d%H%M%SZ").to_string()
}

/// A GeneralizedTime (RFC 4517, 3.3.13), to the second. Servers write it with a Z.
fn parse(value: &[u8]) -> Option<DateTime<Utc>> {
    let text = std::str::from_utf8(value).ok()?.strip_suffix('Z')?;
    let text = text.split(['.', ',']).next()?;
    if text.len() != 14 || !text.bytes().all(|c| c.is_ascii_digit()) {
        return None;
    }
    Some(NaiveDateTime::parse_from_str(text, "%Y%m%d%H%M%S").ok()?.and_utc())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_read_to_the_second() {
        let expected = DateTime::from_timestamp(1_795_336_868, 0);
        for (text, time) in [
            ("20261122084108Z", expected),
            ("20261122084108.0Z", expected),
            ("20261122084108.799650Z", expected),
            ("20261122084108,5Z", expected),
            ("20261122084108", None),
            ("20261322084108Z", None),
            ("202611220841Z", None),
            ("2026112208410xZ", None),
            ("Z", None),
            ("", None),
        ] {
            assert_eq!(parse(text.as_bytes()), time, "{text}");
        }
        assert_eq!(parse(&[0xff, b'Z']), None);
        assert_eq!(written(expected.unwrap()), "20261122084108Z");
    }

    #[test]
    fn a_time_far_from_ours_is_not_believed() {
        let now = DateTime::from_timestamp(1_795_336_868, 0).unwrap();
        let hour = TimeDelta::hours(1);
        for (time, expected) in [
            (now - hour, now - hour),
            (now + hour, now),
            (now + TimeDelta::days(4000), now),
            (now - TimeDelta::days(4000), now - TRUST),
        ] {
            assert_eq!(believable(time, now), expected);
        }
    }
}
