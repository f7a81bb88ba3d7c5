//! Giving and taking licences of one account.

use std::collections::BTreeSet;

use reqwest::Method;
use serde_json::{Value, json};

use super::doubt::open;
use super::link::{Link, Request};
use super::reader::licenses_of;
use super::wire::Held;
use super::{attendee, fault, ids};
use crate::cloud::http::Effect;
use crate::cloud::{CloudError, CloudErrorKind, Grant};
use crate::model::{CloudId, LicenseId, Telephone};

/// What the documented codes of a refused assignment mean, and what to do about it.
const CODES: &[(&str, &str)] = &[
    ("400", "the calling location does not exist: correct it in the rules"),
    (
        "400000",
        "the licence is not in the organization's catalogue: correct the entitlement, or renew the subscription",
    ),
    (
        "400112",
        "Webex does not go from Calling Professional to Standard: take the Professional licence away in Control Hub first",
    ),
    ("400118", "Messenger licences are not managed here: take the licence out of the entitlement"),
    ("400216", "the meeting site does not accept attendees: correct the site"),
    ("400404", "Calling Professional and Standard exclude each other: let the entitlements give one of them"),
    ("400406", "Calling Standard and the Attendant Console exclude each other: give Professional instead"),
    (
        "400407",
        "Calling Standard and Customer Experience Essentials exclude each other: give Professional instead",
    ),
    ("400408", "the Attendant Console needs Calling Professional: give that too"),
    (
        "400410",
        "Webex does not go from Customer Experience Essentials to Calling Standard: take the former away first",
    ),
    (
        "400411",
        "a calling licence needs a location and a number or extension: add location, and phone, extension or extension_pool, to the entitlement",
    ),
    ("400413", "only one licence of this offer can be held: let the entitlements give one of them"),
    ("700003", "paid messaging needs the free messaging licence: give that in Control Hub"),
    ("700004", "paid meetings need the free meeting licence: give that in Control Hub"),
    ("700005", "meetings in Teams need the free messaging licence: give that in Control Hub"),
    ("700006", "free screen share comes by itself and cannot be taken: take it out of the entitlement"),
];

/// A telephone as a licence call wants it.
fn properties(telephone: &Telephone) -> Value {
    let mut properties = json!({});
    let place = telephone.place.as_ref().map(|place| &place.id);
    for (name, value) in [
        ("locationId", place),
        ("phoneNumber", telephone.phone.as_ref()),
        ("extension", telephone.extension.as_ref()),
    ] {
        if let Some(value) = value {
            properties[name] = value.as_str().into();
        }
    }
    properties
}

/// Changes the licences of one account in one call. Returns what it holds afterwards.
pub(super) async fn assign(
    link: &Link,
    id: &CloudId,
    give: &[Grant],
    take: &[LicenseId],
) -> Result<BTreeSet<LicenseId>, CloudError> {
    if give.is_empty() && take.is_empty() {
        return licenses_of(link, id).await;
    }
    let entry =
        |license: &LicenseId, operation: &str| json!({ "id": license.as_str(), "operation": operation });
    // Seats are freed before they are needed.
    let (mut licenses, mut sites) = (Vec::new(), Vec::new());
    for license in take {
        match license.attended_site() {
            Some(site) => sites.push(attendee::change(site, "remove")),
            None => licenses.push(entry(license, "remove")),
        }
    }
    for Grant { license, telephone } in give {
        match license.attended_site() {
            Some(site) => sites.push(attendee::change(site, "add")),
            None => {
                let mut entry = entry(license, "add");
                if let Some(telephone) = telephone {
                    entry["properties"] = properties(telephone);
                }
                licenses.push(entry);
            }
        }
    }
    let mut body = json!({
        "personId": ids::public(ids::PEOPLE, id.as_str()),
        "orgId": link.home().await?.public,
    });
    for (name, list) in [("licenses", &licenses), ("siteUrls", &sites)] {
        if !list.is_empty() {
            body[name] = list.as_slice().into();
        }
    }
    let request = Request {
        method: Method::PATCH,
        path: "/v1/licenses/users".into(),
        query: Vec::new(),
        body: Some(body.to_string().into_bytes()),
        effect: Effect::Repeatable,
    };
    let answer = link.call(request).await?;
    if answer.is_success() {
        // 206 says that something was left out; the caller compares in either case.
        return match serde_json::from_slice::<Held>(&answer.body) {
            // An answer without sites says nothing about them.
            Ok(Held { licenses: Some(licenses), site_urls, .. })
                if site_urls.is_some() || sites.is_empty() =>
            {
                let attended = attendee::attended(site_urls.as_deref().unwrap_or_default());
                Ok(licenses.into_iter().map(LicenseId::new).chain(attended).collect())
            }
            _ => licenses_of(link, id).await.map_err(unproved),
        };
    }
    let mut error = fault::error(&answer);
    if answer.repeated && (400..500).contains(&answer.status) {
        // An earlier sending may have done it, and this one is refused because it is done; or it
        // is under way still, and nobody knows.
        return match licenses_of(link, id).await {
            Ok(held)
                if give.iter().all(|grant| held.contains(&grant.license))
                    && !take.iter().any(|license| held.contains(license)) =>
            {
                Ok(held)
            }
            Err(gone) if gone.kind == CloudErrorKind::NotFound => Err(gone),
            Ok(_) | Err(_) => Err(open(error)),
        };
    }
    if error.kind == CloudErrorKind::Rejected {
        let code = fault::read(&answer.body).code;
        let known = CODES.iter().find(|(known, _)| Some(*known) == code.as_deref());
        error.remedy = known.map_or(
            "look at this person's licences in Control Hub: seats may have run out, or one excludes another",
            |(_, remedy)| remedy,
        )
        .into();
    }
    Err(error)
}

/// An error in reading what a request did that was carried out.
fn unproved(error: CloudError) -> CloudError {
    if error.kind == CloudErrorKind::NotFound { error } else { open(error) }
}
