//! 389 Directory Server's ways of synchronizing.
//!
//! Its cookie is `host:port#bind name:base:filter#number`, good for exactly that question, with
//! the number of the last change in the retro changelog. Three things make it treacherous:
//! - it never says that deletions were named, and has no stage that lists what is left;
//! - unless the changelog records the id of what changed, it tells nothing, and moves the
//!   number on all the same;
//! - a number that was trimmed from the changelog is taken like any other.

use super::super::super::search;
use super::super::super::trouble::Failure;
use super::super::super::visit::Visit;
use super::refresh::{Gathered, Outcome, Question, refresh};
use super::{EVERYTHING, Missing, Place};

/// A filter that matches nothing and costs nothing: the attribute is always indexed.
const NOTHING: &str = "(nsUniqueId=0)";

const UNKNOWN: &str = "the server's cookie is in a form that is not known";

/// How far back is looked for a change that the server tells.
const BACK: u64 = 200;

/// The places from which changes are told.
pub(super) async fn places(visit: &mut Visit<'_>, bases: Vec<String>) -> Result<Vec<Place>, Missing> {
    let unfit = |reason: &str| Missing::Unfit(reason.into());
    let Some(first) = first_change(visit).await? else {
        return Err(unfit(
            "the root entry shows no changelog. Turn on the plugins \"Retro Changelog\" and \"Content \
             Synchronization\"",
        ));
    };
    let mut places = Vec::new();
    let mut tells = false;
    for base in bases {
        let cookie = fresh(visit, &base).await?;
        let number = number(&cookie).ok_or_else(|| unfit(UNKNOWN))?;
        let back = number.saturating_sub(BACK).max(first.saturating_sub(1));
        let earlier = with_number(&cookie, back).ok_or_else(|| unfit(UNKNOWN))?;
        let mut gathered = Gathered::new(None);
        match ask(visit, &base, EVERYTHING, Some(&earlier), &mut gathered).await? {
            Outcome::Done(_) => tells |= !gathered.is_empty(),
            Outcome::Doubt(reason) => return Err(Missing::Unfit(reason)),
        }
        places.push(Place { base, cookie });
    }
    if !tells {
        return Err(Missing::Unfit(format!(
            "the server tells none of the last {BACK} changes in its changelog. Set `nsslapd-attribute: \
             nsuniqueid:targetUniqueId` in the plugin \"Retro Changelog\" and restart the server; after the \
             next change below a base this works"
        )));
    }
    Ok(places)
}

/// The cookie for "everything until now", got with a question that matches nothing.
pub(super) async fn fresh(visit: &mut Visit<'_>, base: &str) -> Result<String, Missing> {
    let done = match ask(visit, base, NOTHING, None, &mut Gathered::new(None)).await? {
        Outcome::Done(done) => done,
        Outcome::Doubt(reason) => return Err(Missing::Unfit(reason)),
    };
    let cookie = done.cookie.and_then(|cookie| String::from_utf8(cookie).ok());
    cookie.and_then(|cookie| for_everything(&cookie)).ok_or_else(|| Missing::Unfit(UNKNOWN.into()))
}

/// Whether changes after a cookie's number may have been trimmed from the changelog, as a
/// reason to doubt. To be asked after the refresh: trimming goes on all the time.
pub(super) async fn trimmed(visit: &mut Visit<'_>, cookie: &str) -> Result<Option<String>, Failure> {
    let Some(number) = number(cookie) else {
        return Ok(Some("the cookie is none of this server's".into()));
    };
    Ok(match first_change(visit).await? {
        None => Some("the server does not show its changelog any more".into()),
        Some(first) if first > number.saturating_add(1) => Some(
            "the server's changelog does not reach back to the last time (its nsslapd-changelogmaxage is \
             shorter)"
                .into(),
        ),
        Some(_) => None,
    })
}

/// The number of the first change that the changelog still has.
async fn first_change(visit: &mut Visit<'_>) -> Result<Option<u64>, Failure> {
    let limit = visit.settings.operation_timeout;
    let root = search::one(&mut visit.session, "", vec!["firstchangenumber".into()], limit).await?;
    let value = root.and_then(|root| {
        let found = root.attributes.into_iter().find(|attribute| attribute.name == "firstchangenumber")?;
        found.values.into_iter().next()
    });
    Ok(value.and_then(|value| String::from_utf8(value).ok()?.parse().ok()))
}

async fn ask(
    visit: &mut Visit<'_>,
    base: &str,
    filter: &str,
    cookie: Option<&str>,
    gathered: &mut Gathered,
) -> Result<Outcome, Failure> {
    let limit = Some(visit.settings.operation_timeout);
    refresh(&mut visit.session, &Question { base, filter, cookie, limit }, gathered).await
}

/// The number of the last change that a cookie stands for.
fn number(cookie: &str) -> Option<u64> {
    cookie.rsplit_once('#')?.1.parse().ok()
}

fn with_number(cookie: &str, number: u64) -> Option<String> {
    Some(format!("{}#{number}", cookie.rsplit_once('#')?.0))
}

/// The cookie of [`NOTHING`] as it would be for [`EVERYTHING`].
fn for_everything(cookie: &str) -> Option<String> {
    let (question, number) = cookie.rsplit_once('#')?;
    let question = question.strip_suffix(NOTHING)?;
    number.parse::<u64>().ok()?;
    Some(format!("{question}{EVERYTHING}#{number}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_parts_of_a_cookie() {
        let got = "ldap1:389#cn=reader#1,dc=example:ou=people,dc=example:(nsUniqueId=0)#12";
        let cookie = for_everything(got).unwrap();
        assert_eq!(cookie, "ldap1:389#cn=reader#1,dc=example:ou=people,dc=example:(objectClass=*)#12");
        assert_eq!(number(&cookie), Some(12));
        assert!(with_number(&cookie, 3).unwrap().ends_with(":(objectClass=*)#3"));
        for junk in
            ["", "#", "a:b#c#", "a:b#c#x", "a:b#cn=a:dc=b:(uid=a)#1", "a:b#cn=a:dc=b:(nsUniqueId=0)#-1"]
        {
            assert_eq!(for_everything(junk), None, "{junk}");
        }
        assert_eq!(number("junk"), None);
    }
}
