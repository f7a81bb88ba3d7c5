//! A contact: its link, and what the address book of the cloud has. It has no account, so that what is
//! said about accounts would be said about nobody.

use std::io::{self, Write};

use serde_json::{Value, json};

use crate::cloud::webex::WebexReader;
use crate::cloud::{CloudError, CloudRead};
use crate::model::{CloudContact, CloudId, Contact, ContactLink, Email, Origin, SourceId};
use crate::report::text::{self, Style, printable};
use crate::rules::{ContactWish, Explanation};

use super::super::status::instant;
use super::story::Story;

/// What the address book of the cloud has.
#[derive(Default)]
pub(super) enum There {
    /// It was not asked, or did not answer.
    #[default]
    Unasked,
    /// No such contact.
    Missing,
    /// This contact.
    Found(CloudContact),
}

impl There {
    fn found(&self) -> Option<&CloudContact> {
        match self {
            Self::Found(there) => Some(there),
            Self::Unasked | Self::Missing => None,
        }
    }
}

impl From<Option<CloudContact>> for There {
    fn from(found: Option<CloudContact>) -> Self {
        found.map_or(Self::Missing, Self::Found)
    }
}

/// Looks for the contact of a link; without one, for what a wish would meet. `links` are all that are
/// ours: what is somebody else's is not met.
pub(super) async fn see(
    cloud: &WebexReader,
    anchor: SourceId,
    wish: Option<&ContactWish>,
    links: &[ContactLink],
) -> Result<There, CloudError> {
    if let Some(link) = links.iter().find(|link| link.anchor == anchor) {
        let like = cloud.contacts_like(&link.applied).await?;
        return Ok(match like.into_iter().find(|there| there.id == link.cloud_id) {
            Some(there) => There::Found(there),
            // Somebody may have changed the very value by which it was looked for.
            None => with_id(cloud, &link.cloud_id).await?.into(),
        });
    }
    let Some(ContactWish::Present(contact)) = wish else { return Ok(There::Unasked) };
    let like = cloud.contacts_like(contact).await?;
    let is_free = |there: &CloudContact| links.iter().all(|link| link.cloud_id != there.id);
    Ok(like.into_iter().find(is_free).into())
}

/// A contact that the cloud has under an id or an address.
pub(super) async fn known_as(cloud: &WebexReader, text: &str) -> Result<Option<CloudContact>, CloudError> {
    match text.parse::<Email>() {
        Ok(email) => {
            let asked = Contact { email: Some(email), ..Contact::default() };
            Ok(cloud.contacts_like(&asked).await?.into_iter().next())
        }
        Err(_) => with_id(cloud, &CloudId::new(text)).await,
    }
}

/// Contacts cannot be asked for by their ids: all are listed.
async fn with_id(cloud: &WebexReader, id: &CloudId) -> Result<Option<CloudContact>, CloudError> {
    Ok(cloud.contacts().await?.into_iter().find(|there| there.id == *id))
}

/// The contact as far as it is known without a record.
pub(super) fn known(story: &Story) -> Option<&Contact> {
    let linked = story.contact.as_ref().map(|link| &link.applied);
    linked.or_else(|| story.there.found().map(|there| &there.contact))
}

/// What the rules say about the record of a contact.
pub(super) fn standing(story: &Story, told: &Explanation, who: &str) -> String {
    match &told.contact {
        _ if story.row.is_some() => format!(
            "{who} is a contact in the directory now, and was somebody with an account: no contact is made while the \
             account is remembered."
        ),
        Some(ContactWish::Present(_)) => format!("{who} belongs in the address book of the cloud."),
        Some(ContactWish::Withheld(withheld)) => {
            format!("{who} is withheld: {}.", withheld.reason.trim_end_matches('.'))
        }
        Some(ContactWish::Leaving(_)) | None => {
            let against = told.scope.iter().filter(|answer| !answer.applies);
            let clauses: Vec<String> =
                against.map(|answer| format!("{} ({})", answer.reason, answer.rule)).collect();
            format!(
                "{who} does not belong in the address book of the cloud, out of scope: {}.",
                clauses.join(", and ")
            )
        }
    }
}

/// What the cloud has, in a sentence.
pub(super) fn there(story: &Story) -> Option<String> {
    Some(match (&story.contact, &story.there) {
        (Some(link), There::Found(there)) if differs(link, there) => {
            "The contact is there, and somebody else changed it.".into()
        }
        (Some(_), There::Found(_)) => "The contact is there.".into(),
        (Some(_), There::Missing) => "The contact is no longer in the cloud.".into(),
        (Some(_), There::Unasked) => "There is a contact; the cloud was not asked about it.".into(),
        // Of one that only the cloud has the first sentence says it, and of one that is in the way.
        (None, There::Found(_)) if story.told.is_some() && !is_withheld(story) => {
            "A contact that is not ours has the same address, or the same name and no address.".into()
        }
        (None, There::Missing) => "There is no contact yet.".into(),
        (None, There::Found(_) | There::Unasked) => return None,
    })
}

fn is_withheld(story: &Story) -> bool {
    story.outlook.as_ref().is_some_and(|outlook| !outlook.withheld.is_empty())
}

fn differs(link: &ContactLink, there: &CloudContact) -> bool {
    !there.contact.changes_to(&link.applied).is_empty()
}

/// What only a pass that lists the cloud finds out: what others did to our contact.
pub(super) fn put_right(story: &Story) -> Option<&'static str> {
    let wanted = matches!(story.told.as_ref()?.contact, Some(ContactWish::Present(_)));
    let link = story.contact.as_ref().filter(|_| wanted)?;
    match &story.there {
        There::Missing => Some("the next pass that lists the whole cloud makes it again"),
        There::Found(there) if differs(link, there) => {
            Some("the next pass that lists the whole cloud puts that right")
        }
        There::Found(_) | There::Unasked => None,
    }
}

/// The part about the contact.
pub(super) fn write(out: &mut dyn Write, style: Style, story: &Story) -> io::Result<()> {
    let found = story.there.found();
    if story.contact.is_none() && found.is_none() {
        return Ok(());
    }
    text::heading(out, style, "Contact")?;
    if let Some(link) = &story.contact {
        let way = match link.origin {
            Origin::Created => "created by us",
            Origin::Adopted => "taken over by us",
        };
        let since = match story.begun.as_ref().filter(|_| story.row.is_none()) {
            Some(begun) => {
                format!(", in run {} at {}", begun.run, instant(begun.time).unwrap_or_default())
            }
            None => String::new(),
        };
        writeln!(out, "  linked to {}, {way}{since}", link.cloud_id)?;
        if found.is_none() {
            writeln!(out, "  as last confirmed: {}", printable(&named(&link.applied)))?;
        }
    }
    let Some(there) = found else { return Ok(()) };
    let whose = if story.contact.is_some() { "" } else { ", not ours" };
    writeln!(out, "  {}: {}{whose}", there.id, printable(&named(&there.contact)))?;
    let link = story.contact.iter();
    for change in link.flat_map(|link| link.applied.changes_to(&there.contact)) {
        let shown = |value: &Option<String>| match value {
            Some(value) => format!("\"{}\"", printable(value)),
            None => "nothing".to_owned(),
        };
        let (from, to) = (shown(&change.from), shown(&change.to));
        writeln!(out, "  {} was {from} as last confirmed, and is {to}", change.field)?;
    }
    Ok(())
}

/// Name and address.
fn named(contact: &Contact) -> String {
    match &contact.email {
        Some(email) if contact.name() != email.as_str() => format!("{} ({email})", contact.name()),
        _ => contact.name().to_owned(),
    }
}

/// The same for the document.
pub(super) fn document(story: &Story) -> Value {
    let found = story.there.found();
    if story.contact.is_none() && found.is_none() {
        return Value::Null;
    }
    json!({
        "link": story.contact.as_ref().map(|link| json!({
            "anchor": link.anchor, "cloud_id": link.cloud_id, "origin": link.origin,
            "name": link.applied.name(), "email": link.applied.email,
        })),
        "there": found.map(|there| json!({
            "cloud_id": there.id, "name": there.contact.name(), "email": there.contact.email,
        })),
        "missing": match &story.there {
            There::Unasked => None,
            There::Missing => Some(true),
            There::Found(_) => Some(false),
        },
    })
}
