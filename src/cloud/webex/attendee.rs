//! Who attends meetings on a site without hosting there: no licence, and given and taken beside
//! licences. [`LicenseId::attendee`] stands for it everywhere else.
//!
//! Webex has no list of the attendees of a site; people show their sites.

use serde_json::{Value, json};
use tokio::sync::mpsc;

use super::ids;
use super::link::{Link, parse};
use super::listing::nobody_listens;
use super::pages::Pages;
use super::wire::{Held, Items, Site};
use crate::cloud::{CloudError, CloudErrorKind};
use crate::model::{CloudId, LicenseId};

/// People per page. Webex gives fewer when it wants to.
const PEOPLE_PER_PAGE: u32 = 1000;

/// The change of one site in a licence call.
pub(super) fn change(site: &str, operation: &str) -> Value {
    json!({ "siteUrl": site, "accountType": "attendee", "operation": operation })
}

/// The sites that somebody attends.
pub(super) fn attended(sites: &[Site]) -> impl Iterator<Item = LicenseId> {
    sites.iter().filter_map(|site| match site {
        Site::Text(text) => {
            let id = LicenseId::new(text.to_lowercase());
            Some(LicenseId::attendee(id.attended_site()?))
        }
        Site::Object { site_url, account_type } => {
            account_type.eq_ignore_ascii_case("attendee").then(|| LicenseId::attendee(site_url))
        }
        Site::Other(_) => None,
    })
}

/// Streams the ids of everyone who attends a site: everybody has to be looked at.
pub(super) async fn attendees(
    link: &Link,
    wanted: &LicenseId,
    pages: mpsc::Sender<Vec<CloudId>>,
) -> Result<u64, CloudError> {
    let query = vec![("max", PEOPLE_PER_PAGE.to_string()), ("orgId", link.home().await?.public.clone())];
    let mut walk = Pages::of(link, "/v1/people", query);
    let (mut sent, mut shown) = (0, false);
    while let Some(answer) = walk.next().await? {
        let page: Items<Held> = parse(&answer)?;
        shown |= page.items.iter().any(|person| person.roles.is_some() || person.licenses.is_some());
        if !shown && !page.items.is_empty() {
            return Err(CloudError {
                kind: CloudErrorKind::Refused,
                what: format!("the answer to {} shows nobody's sites", answer.label),
                remedy: "authorise with an administrator's account and the scope spark-admin:people_read"
                    .into(),
                tracking_id: answer.tracking_id,
            });
        }
        let attends = |person: &&Held| {
            attended(person.site_urls.as_deref().unwrap_or_default()).any(|id| id == *wanted)
        };
        let found: Vec<CloudId> = page
            .items
            .iter()
            .filter(attends)
            .filter_map(|person| Some(CloudId::new(ids::raw(ids::PEOPLE, person.id.as_deref()?))))
            .collect();
        sent += found.len() as u64;
        if !found.is_empty() && pages.send(found).await.is_err() {
            return Err(nobody_listens());
        }
    }
    Ok(sent)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sites_in_all_their_spellings() {
        let held: Held = serde_json::from_str(
            r#"{"siteUrls":["Host.webex.example","T.webex.example#Attendee",
                {"siteUrl":"U.webex.example","accountType":"ATTENDEE"},
                {"siteUrl":"v.webex.example","accountType":"host"},7,null]}"#,
        )
        .unwrap();
        let found: Vec<LicenseId> = attended(held.site_urls.as_deref().unwrap()).collect();
        let found: Vec<&str> = found.iter().map(LicenseId::as_str).collect();
        assert_eq!(found, ["t.webex.example#attendee", "u.webex.example#attendee"]);
    }
}
