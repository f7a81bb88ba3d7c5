//! The contacts of a Webex organization: an interface of its own, beside SCIM, that keeps no anchor.
//!
//! A list shows as many contacts as it announces, or it proves nothing. An update is believed when
//! the answer shows it: what becomes of lists (addresses, numbers) in a PATCH is not documented in full.

use std::collections::HashSet;

use reqwest::Method;
use serde::{Deserialize, Deserializer};
use serde_json::{Map, Value, json};

use super::link::{Link, Request, for_all, parse};
use super::pages::Pages;
use super::wire::{List, Number, Text};
use super::{fault, ids};
use crate::cloud::http::{Answer, Effect};
use crate::cloud::{CloudError, CloudErrorKind, Order};
use crate::model::{Action, Attr, CloudContact, CloudId, Contact, Email, Field, Kind, Profile};

/// The schema, as a text and not as a list, unlike in SCIM.
const SCHEMA: &str = "urn:cisco:codev:identity:contact:core:1.0";
/// The source of contacts that administrators keep (Control Hub).
const SOURCE: &str = "CH";
/// Contacts per page: the largest number that the documents show.
const PER_PAGE: u32 = 1000;

/// The numbers of a contact, by their types.
const PHONES: [(Field, &str); 3] =
    [(Field::PhoneWork, "work"), (Field::PhoneMobile, "mobile"), (Field::PhoneFax, "fax")];

/// The single values of a contact.
const SCALARS: [(Field, &str); 7] = [
    (Field::DisplayName, "displayName"),
    (Field::GivenName, "firstName"),
    (Field::FamilyName, "lastName"),
    (Field::Organization, "companyName"),
    (Field::Title, "title"),
    (Field::Street, "address"),
    (Field::PhotoUrl, "avatarURL"),
];

/// A page of the list.
#[derive(Deserialize)]
struct Page {
    #[serde(default)]
    total: Number,
    #[serde(default)]
    result: List<Shown>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Shown {
    #[serde(deserialize_with = "text")]
    contact_id: String,
    #[serde(default, deserialize_with = "some_text")]
    source: Option<String>,
    #[serde(default)]
    emails: List<Element>,
    #[serde(default)]
    phone_numbers: List<Element>,
    #[serde(default)]
    sip_addresses: List<Element>,
    #[serde(flatten)]
    rest: Map<String, Value>,
}

#[derive(Deserialize)]
struct Element {
    #[serde(default, deserialize_with = "some_text")]
    value: Option<String>,
    #[serde(default, rename = "type", deserialize_with = "some_text")]
    kind: Option<String>,
    #[serde(default)]
    primary: Option<bool>,
}

fn text<'de, D: Deserializer<'de>>(d: D) -> Result<String, D::Error> {
    Text::deserialize(d).map(|text| text.0.into_owned())
}

fn some_text<'de, D: Deserializer<'de>>(d: D) -> Result<Option<String>, D::Error> {
    Ok(Option::<Text<'_>>::deserialize(d)?.map(|text| text.0.into_owned()))
}

impl Shown {
    /// Whether it is one of those that administrators keep.
    fn is_kept_here(&self) -> bool {
        self.source.as_ref().is_none_or(|source| source.eq_ignore_ascii_case(SOURCE))
    }
}

impl From<Shown> for CloudContact {
    fn from(shown: Shown) -> Self {
        let mut profile = Profile::new();
        let mut put = |field, value: Option<String>| {
            if let Some(value) = value.filter(|value| !value.is_empty()) {
                profile.insert(field, value);
            }
        };
        for (field, key) in SCALARS {
            put(field, shown.rest.get(key).and_then(Value::as_str).map(str::to_owned));
        }
        for (field, kind) in PHONES {
            let is = |one: &&Element| one.kind.as_deref().is_some_and(|one| one.eq_ignore_ascii_case(kind));
            put(field, shown.phone_numbers.0.iter().find(is).and_then(|one| one.value.clone()));
        }
        put(Field::SipAddress, first(&shown.sip_addresses.0));
        let email = first(&shown.emails.0).and_then(|email| email.parse().ok());
        Self { id: CloudId::new(shown.contact_id), contact: Contact { email, profile } }
    }
}

/// The primary value of a list, or else its first.
fn first(list: &[Element]) -> Option<String> {
    let primary = list.iter().find(|one| one.primary == Some(true));
    primary.or(list.first()).and_then(|one| one.value.clone())
}

/// All contacts that administrators keep.
pub(super) async fn all(link: &Link) -> Result<Vec<CloudContact>, CloudError> {
    let mut first_hole = None;
    loop {
        let (found, announced) = listing(link, "").await?;
        let seen = found.len() as u64;
        if announced.is_none_or(|announced| announced == seen) {
            return Ok(found.into_iter().filter(Shown::is_kept_here).map(Into::into).collect());
        }
        let hole = format!("{} contacts were announced and {seen} shown", announced.unwrap_or(0));
        match first_hole.replace(hole.clone()) {
            None => tracing::warn!(announced, seen, "the list of contacts has a hole; reading it again"),
            Some(first) => {
                return Err(CloudError::new(
                    CloudErrorKind::Unintelligible,
                    format!("the list of contacts is not whole, twice: {first}; then {hole}"),
                    "somebody else may be changing contacts right now: the next pass reads again",
                ));
            }
        }
    }
}

/// The contacts that are the same as this one, as far as can be told: by address, or else by name.
pub(super) async fn like(link: &Link, contact: &Contact) -> Result<Vec<CloudContact>, CloudError> {
    let mut keywords =
        contact.email.as_ref().map_or_else(|| vec![contact.name().to_owned()], Email::spellings);
    keywords.dedup_by_key(|keyword| keyword.to_lowercase());
    // The keyword is looked for anywhere in a contact.
    let same = |there: &CloudContact| there.contact.identity() == contact.identity();
    let mut all: Vec<CloudContact> = Vec::new();
    for keyword in keywords {
        let found = listing(link, &keyword).await?.0.into_iter().filter(Shown::is_kept_here);
        all.extend(found.map(CloudContact::from).filter(same));
    }
    all.sort_by(|a, b| a.id.cmp(&b.id));
    all.dedup_by(|a, b| a.id == b.id);
    Ok(all)
}

/// One reading: each contact once, and how many there should be.
async fn listing(link: &Link, keyword: &str) -> Result<(Vec<Shown>, Option<u64>), CloudError> {
    let query =
        vec![("keyword", keyword.to_owned()), ("source", SOURCE.to_owned()), ("limit", PER_PAGE.to_string())];
    let mut walk = Pages::of(link, path(link, "/search").await?, query);
    let mut seen = HashSet::new();
    let mut found = Vec::new();
    let mut announced = None;
    while let Some(answer) = walk.next().await.map_err(|error| for_all(rights(error)))? {
        let page: Page = parse(&answer)?;
        announced = announced.max(page.total.0);
        found.extend(page.result.0.into_iter().filter(|one| seen.insert(one.contact_id.clone())));
    }
    Ok((found, announced))
}

/// Carries out one action on a contact.
pub(super) async fn write(link: &Link, order: Order<'_>) -> Result<CloudId, CloudError> {
    let Order { action, cloud_id } = order;
    match (action.kind, cloud_id.or(action.cloud_id.as_ref())) {
        (Kind::ContactCreate, _) => {
            let body = document(action, true);
            let path = path(link, "").await?;
            let answer = send(link, Method::POST, path, Some(&body), Effect::Once).await?;
            if !answer.is_success() {
                return Err(rights(fault::error(&answer)));
            }
            // Made, whatever the answer looks like: it must not be made again.
            let made: Shown =
                parse(&answer).map_err(|e| CloudError { kind: CloudErrorKind::Ambiguous, ..e })?;
            Ok(CloudId::new(made.contact_id))
        }
        (Kind::ContactUpdate, Some(id)) => {
            let body = document(action, false);
            let path = path(link, &format!("/{}", ids::segment(id.as_str()))).await?;
            let answer = send(link, Method::PATCH, path, Some(&body), Effect::Repeatable).await?;
            if !answer.is_success() {
                return Err(rights(fault::error(&answer)));
            }
            believe(action, &answer)?;
            Ok(id.clone())
        }
        (Kind::ContactDelete, Some(id)) => {
            let path = path(link, &format!("/{}", ids::segment(id.as_str()))).await?;
            let answer = send(link, Method::DELETE, path, None, Effect::Repeatable).await?;
            match answer.status {
                404 => Ok(id.clone()),
                _ if answer.is_success() => Ok(id.clone()),
                _ => Err(rights(fault::error(&answer))),
            }
        }
        _ => Err(CloudError::new(
            CloudErrorKind::Rejected,
            "an order on a contact does not say which",
            "please report this as a fault of dirsyncd",
        )),
    }
}

/// Compares the answer to an update with what was wanted. An answer without the contact says nothing.
fn believe(action: &Action, answer: &Answer) -> Result<(), CloudError> {
    let Ok(shown) = parse::<Shown>(answer) else { return Ok(()) };
    let there = CloudContact::from(shown).contact;
    let left: Vec<String> =
        there.changes_to(&there.after(action)).iter().map(|change| change.field.to_string()).collect();
    if left.is_empty() {
        return Ok(());
    }
    Err(CloudError {
        kind: CloudErrorKind::Rejected,
        what: format!(
            "{} was answered without an error, and left {} as it was",
            answer.label,
            left.join(", ")
        ),
        remedy: "correct the contact in Control Hub; the next pass that lists the cloud compares again"
            .into(),
        tracking_id: answer.tracking_id.clone(),
    })
}

/// What a create or an update sends. Of an update, only what changes.
fn document(action: &Action, new: bool) -> Value {
    let mut body = Map::new();
    body.insert("schemas".into(), json!(SCHEMA));
    body.insert("source".into(), json!(SOURCE));
    if new {
        // Not documented, and refused without it.
        body.insert("contactType".into(), json!("CUSTOM"));
    }
    let mut phones = Vec::new();
    for change in &action.changes {
        let to = change.to.as_deref();
        match &change.field {
            Attr::Email => {
                let list: Vec<Value> =
                    to.iter().map(|to| json!({ "value": to, "type": "work", "primary": true })).collect();
                body.insert("emails".into(), json!(list));
            }
            Attr::Field(Field::SipAddress) => {
                let list: Vec<Value> = to
                    .iter()
                    .map(|to| json!({ "value": to, "type": "enterprise", "primary": true }))
                    .collect();
                body.insert("sipAddresses".into(), json!(list));
            }
            Attr::Field(field) => {
                if let Some((_, kind)) = PHONES.iter().find(|(one, _)| one == field) {
                    if let Some(from) = &change.from {
                        phones.push(json!({ "value": from, "type": kind, "operation": "delete" }));
                    }
                    phones.extend(to.map(|to| json!({ "value": to, "type": kind })));
                } else if let Some((_, key)) = SCALARS.iter().find(|(one, _)| one == field) {
                    body.insert((*key).into(), json!(to.unwrap_or_default()));
                }
            }
            _ => {}
        }
    }
    if !phones.is_empty() {
        body.insert("phoneNumbers".into(), json!(phones));
    }
    Value::Object(body)
}

async fn path(link: &Link, rest: &str) -> Result<String, CloudError> {
    Ok(format!("/v1/contacts/organizations/{}/contacts{rest}", link.home().await?.raw))
}

async fn send(
    link: &Link,
    method: Method,
    path: String,
    body: Option<&Value>,
    effect: Effect,
) -> Result<Answer, CloudError> {
    let body = body.map(|body| body.to_string().into_bytes());
    link.call(Request { method, path, query: Vec::new(), body, effect }).await
}

/// What refuses contacts and not people is most likely a missing right.
fn rights(error: CloudError) -> CloudError {
    match error.kind {
        CloudErrorKind::Refused => CloudError {
            remedy:
                "contacts need the scope Identity:contact or Identity:SCIM and the role full administrator; \
                     without them, switch contacts.sync off"
                    .into(),
            ..error
        },
        _ => error,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{Cause, Change, SourceId, Who};

    fn action(kind: Kind, changes: Vec<(Attr, Option<&str>, Option<&str>)>) -> Action {
        let change = |(field, from, to): (Attr, Option<&str>, Option<&str>)| {
            Change::new(field, from.map(Into::into), to.map(Into::into))
        };
        Action {
            kind,
            anchor: SourceId::new([1; 16]),
            who: Who::Contact("Ann".into()),
            dn: None,
            cloud_id: Some(CloudId::new("c1")),
            changes: changes.into_iter().map(change).collect(),
            cause: Cause::Desired,
        }
    }

    #[test]
    fn only_what_changes_is_sent() {
        use Attr::{Email, Field as F};
        let changes = vec![
            (Email, None, Some("a@x.test")),
            (F(Field::DisplayName), None, Some("Ann")),
            (F(Field::PhoneWork), None, Some("+441")),
        ];
        assert_eq!(
            document(&action(Kind::ContactCreate, changes), true),
            json!({
                "schemas": SCHEMA, "source": "CH", "contactType": "CUSTOM", "displayName": "Ann",
                "emails": [{ "value": "a@x.test", "type": "work", "primary": true }],
                "phoneNumbers": [{ "value": "+441", "type": "work" }],
            })
        );
        let changes = vec![
            (Email, Some("a@x.test"), None),
            (F(Field::Title), Some("Buyer"), None),
            (F(Field::PhoneWork), Some("+441"), Some("+442")),
            (F(Field::PhoneFax), Some("+443"), None),
        ];
        assert_eq!(
            document(&action(Kind::ContactUpdate, changes), false),
            json!({
                "schemas": SCHEMA, "source": "CH", "emails": [], "title": "",
                "phoneNumbers": [
                    { "value": "+441", "type": "work", "operation": "delete" },
                    { "value": "+442", "type": "work" },
                    { "value": "+443", "type": "fax", "operation": "delete" },
                ],
            })
        );
    }

    #[test]
    fn every_value_is_read_back() {
        let shown: Shown = serde_json::from_value(json!({
            "contactId": "c1", "displayName": "Ann Lee", "firstName": "Ann", "lastName": "Lee", "title": "",
            "companyName": "Acme", "address": "1 Prism Row", "avatarURL": "https://x.test/a.png", "source": "CH",
            "emails": [{ "type": "HOME", "value": "h@x.test" }, { "type": "WORK", "value": "a@x.test", "primary": true }],
            "phoneNumbers": [{ "type": "WORK", "value": "+441" }, { "type": "mobile", "value": "+442" }],
            "sipAddresses": [{ "type": "enterprise", "value": "a@sip.test" }], "meta": { "created": "2026" },
        }))
        .unwrap();
        assert!(shown.is_kept_here());
        let CloudContact { id, contact } = shown.into();
        assert_eq!((id.as_str(), contact.identity()), ("c1", "a@x.test".into()));
        let values: Vec<&str> = contact.profile.values().map(String::as_str).collect();
        assert_eq!(
            values.join("|"),
            "Ann|Lee|Ann Lee|Acme|+441|+442|1 Prism Row|https://x.test/a.png|a@sip.test"
        );
        let foreign: Shown =
            serde_json::from_value(json!({ "contactId": "c2", "source": "Webex4Broadworks" })).unwrap();
        assert!(!foreign.is_kept_here());
    }
}
