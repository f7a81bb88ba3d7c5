//! Locations, and the numbers and extensions in use there.

use serde::Deserialize;
use serde::de::DeserializeOwned;

use super::ids;
use super::link::{Link, for_all, parse};
use super::pages::Pages;
use super::wire::{Items, List, Named};
use crate::cloud::{CloudError, CloudErrorKind};
use crate::model::{CloudId, InUse, Place};

/// Numbers and locations per page. Webex gives fewer when it wants to.
const PER_PAGE: u32 = 1000;

/// A page of `/v1/telephony/config/numbers`.
#[derive(Debug, Deserialize)]
struct Numbers {
    #[serde(default, rename = "phoneNumbers")]
    phone_numbers: List<Number>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Number {
    phone_number: Option<String>,
    extension: Option<String>,
    location: Option<Reference>,
    owner: Option<Reference>,
}

#[derive(Debug, Deserialize)]
struct Reference {
    id: Option<String>,
}

/// All locations.
pub(super) async fn places(link: &Link) -> Result<Vec<Place>, CloudError> {
    let pages = pages::<Items<Named>>(link, "/v1/locations").await.map_err(for_all)?;
    let place = |item: Named| Place { name: item.display_name.unwrap_or_default(), id: item.id };
    Ok(pages.into_iter().flat_map(|page| page.items).map(place).collect())
}

/// Numbers and extensions that somebody has; `None` without the right to see them.
pub(super) async fn lines(link: &Link) -> Result<Option<Vec<InUse>>, CloudError> {
    let pages = match pages::<Numbers>(link, "/v1/telephony/config/numbers").await {
        Ok(pages) => pages,
        // An organization without Calling has no such thing either.
        Err(error) if matches!(error.kind, CloudErrorKind::Refused | CloudErrorKind::NotFound) => {
            return Ok(None);
        }
        Err(error) => return Err(for_all(error)),
    };
    let text = |text: Option<String>| text.filter(|text| !text.is_empty());
    let id = |reference: Option<Reference>| text(reference.and_then(|reference| reference.id));
    let numbers = pages.into_iter().flat_map(|page| page.phone_numbers.0);
    let lines = numbers.filter_map(|number| {
        // A number without an owner waits for one.
        let owner = id(number.owner)?;
        Some(InUse {
            place: id(number.location),
            phone: text(number.phone_number),
            extension: text(number.extension),
            owner: ids::value(ids::PEOPLE, &owner).map(CloudId::new),
        })
    });
    Ok(Some(lines.collect()))
}

async fn pages<T: DeserializeOwned>(link: &Link, path: &str) -> Result<Vec<T>, CloudError> {
    let query = vec![("orgId", link.home().await?.public.clone()), ("max", PER_PAGE.to_string())];
    let mut walk = Pages::of(link, path, query);
    let mut pages = Vec::new();
    while let Some(answer) = walk.next().await? {
        pages.push(parse(&answer)?);
    }
    Ok(pages)
}
