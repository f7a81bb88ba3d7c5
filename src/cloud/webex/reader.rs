//! Asking a Webex organization: nothing in here can change anything.

use std::collections::BTreeSet;
use std::sync::Arc;

use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

use super::account::{account, has_account};
use super::contacts;
use super::fault;
use super::groups;
use super::license::license;
use super::link::{Link, Request, for_all, parse};
use super::listing::{self, nobody_listens};
use super::pages::Pages;
use super::wire::{Held, Holders, Items, License, Named, Page, User};
use super::{Settings, attendee, calling_behavior, ids, telephony};
use crate::cloud::http::Answer;
use crate::cloud::pace::Tempo;
use crate::cloud::{CloudError, CloudErrorKind, CloudRead, Organization};
use crate::model::{
    Account, Catalogue, CloudContact, CloudGroup, CloudId, Contact, Email, InUse, LicenseId, Place, Role,
    RoleId,
};

/// Holders of a licence per page: the largest number that Webex documents.
const HOLDERS_PER_PAGE: u32 = 300;

/// Reads one Webex organization. Cheap to clone; all clones, and the writer made from one,
/// share one pace.
#[derive(Clone, Debug)]
pub struct WebexReader {
    pub(super) link: Arc<Link>,
}

impl WebexReader {
    /// Prepares a connection; the first request is sent by the first question. `stop` ends
    /// waiting and reading at once.
    ///
    /// # Errors
    /// Settings that can never work: an unusable address, token or CA file.
    pub fn connect(settings: Settings, stop: CancellationToken) -> Result<Self, CloudError> {
        Self::connect_with(settings, Tempo::default(), stop)
    }

    /// The same with a patience of your own.
    ///
    /// # Errors
    /// As [`WebexReader::connect`].
    pub fn connect_with(
        settings: Settings,
        tempo: Tempo,
        stop: CancellationToken,
    ) -> Result<Self, CloudError> {
        Ok(Self { link: Arc::new(Link::connect(&settings, tempo, stop)?) })
    }

    async fn find_organization(&self) -> Result<Organization, CloudError> {
        let home = self.link.home().await?;
        let answer = self.link.call(Request::get("/v1/people/me", Vec::new())).await?;
        // A service app is nobody: it has no `me`. A cloud in trouble is another matter,
        // because without `me` nobody protects the account that authorised us.
        let me = match answer.status {
            400..=499 => None,
            _ if answer.is_success() => {
                let me: Named = parse(&answer)?;
                Some(CloudId::new(ids::raw(ids::PEOPLE, &me.id)))
            }
            _ => return Err(for_all(fault::error(&answer))),
        };
        Ok(Organization { id: home.raw.clone(), name: home.name.clone(), me })
    }

    async fn read_catalogue(&self) -> Result<Catalogue, CloudError> {
        let query = vec![("orgId", self.link.home().await?.public.clone())];
        let items: Items<License> = self.link.read(Request::get("/v1/licenses", query)).await?;
        Ok(Catalogue(items.items.into_iter().map(license).collect()))
    }

    async fn read_roles(&self) -> Result<Vec<Role>, CloudError> {
        let items: Items<Named> = self.link.read(Request::get("/v1/roles", Vec::new())).await?;
        Ok(items
            .items
            .into_iter()
            .map(|item| {
                let id = ids::raw(ids::ROLE, &item.id);
                Role { name: item.display_name.unwrap_or_else(|| id.clone()), id: RoleId::new(id) }
            })
            .collect())
    }

    async fn find_account(&self, email: &Email) -> Result<Option<Account>, CloudError> {
        // Whether the cloud's search looks at letter case, or at the form of a domain, is not documented.
        for spelling in email.spellings() {
            if let Some(account) = self.find_spelling(email, &spelling).await? {
                return Ok(Some(account));
            }
        }
        Ok(None)
    }

    async fn find_spelling(&self, email: &Email, spelling: &str) -> Result<Option<Account>, CloudError> {
        let path = self.link.scim("Users").await?;
        let escaped = spelling.replace('\\', "\\\\").replace('"', "\\\"");
        let query = vec![("filter", format!("userName eq \"{escaped}\"")), ("count", "10".into())];
        let answer = self.link.call(Request::get(path, query)).await?;
        if !answer.is_success() {
            return Err(fault::error(&answer));
        }
        let page: Page<'_> = borrowed(&answer)?;
        // A server that does not know the filter may show anybody.
        let mut found: Vec<Account> = page
            .resources
            .0
            .into_iter()
            .filter(has_account)
            .map(account)
            .filter(|account| account.email.as_ref() == Some(email))
            .collect();
        if found.len() > 1 {
            return Err(CloudError {
                kind: CloudErrorKind::Unintelligible,
                what: format!("{} shows several accounts with one user name", answer.label),
                remedy: "look for the address in Control Hub and report this to Webex support".into(),
                tracking_id: answer.tracking_id,
            });
        }
        Ok(found.pop())
    }

    async fn read_holders(
        &self,
        license: &LicenseId,
        pages: mpsc::Sender<Vec<CloudId>>,
    ) -> Result<u64, CloudError> {
        if license.attended_site().is_some() {
            return attendee::attendees(&self.link, license, pages).await;
        }
        let query = vec![("includeAssignedTo", "user".to_owned()), ("limit", HOLDERS_PER_PAGE.to_string())];
        let path = format!("/v1/licenses/{}", ids::segment(license.as_str()));
        let mut walk = Pages::of(&self.link, path, query);
        let mut sent = 0;
        while let Some(answer) = walk.next().await? {
            let page: Holders = parse(&answer)?;
            let holders: Vec<CloudId> = page
                .users
                .0
                .into_iter()
                // People of other organizations who work here as guests.
                .filter(|user| user.kind.as_ref().is_none_or(|kind| !kind.eq_ignore_ascii_case("EXTERNAL")))
                .map(|user| CloudId::new(ids::raw(ids::PEOPLE, &user.id)))
                .collect();
            sent += holders.len() as u64;
            if !holders.is_empty() && pages.send(holders).await.is_err() {
                return Err(nobody_listens());
            }
        }
        Ok(sent)
    }
}

/// One account by id; `None` when the cloud does not have it.
pub(super) async fn read_account(link: &Link, id: &CloudId) -> Result<Option<Account>, CloudError> {
    let path = link.scim(&format!("Users/{}", ids::segment(id.as_str()))).await?;
    let answer = link.call(Request::get(path, Vec::new())).await?;
    match answer.status {
        404 => Ok(None),
        _ if answer.is_success() => {
            let user: User<'_> = borrowed(&answer)?;
            Ok(Some(account(user)))
        }
        _ => Err(fault::error(&answer)),
    }
}

/// The licences that an account holds, and the sites that it attends.
pub(super) async fn licenses_of(link: &Link, id: &CloudId) -> Result<BTreeSet<LicenseId>, CloudError> {
    let path = format!("/v1/people/{}", ids::public(ids::PEOPLE, id.as_str()));
    let answer = link.call(Request::get(path, Vec::new())).await?;
    if !answer.is_success() {
        return Err(fault::error(&answer));
    }
    let held: Held = parse(&answer)?;
    let sites = attendee::attended(held.site_urls.as_deref().unwrap_or_default());
    match (held.licenses, held.roles) {
        (Some(licenses), _) => Ok(licenses.into_iter().map(LicenseId::new).chain(sites).collect()),
        (None, Some(_)) => Ok(sites.collect()),
        // Neither of the two things that only administrators see.
        (None, None) => Err(CloudError {
            kind: CloudErrorKind::Refused,
            what: format!("the answer to {} shows no licences", answer.label),
            remedy: "authorise with an administrator's account and the scope spark-admin:people_read".into(),
            tracking_id: answer.tracking_id,
        }),
    }
}

/// Reads a body into something that borrows from it.
fn borrowed<'a, T: serde::Deserialize<'a>>(answer: &'a Answer) -> Result<T, CloudError> {
    serde_json::from_slice(&answer.body)
        .map_err(|error| fault::unreadable(&answer.label, &error, answer.tracking_id.clone()))
}

impl CloudRead for WebexReader {
    fn organization(&self) -> BoxFuture<'_, Result<Organization, CloudError>> {
        self.find_organization().boxed()
    }

    fn catalogue(&self) -> BoxFuture<'_, Result<Catalogue, CloudError>> {
        self.read_catalogue().boxed()
    }

    fn roles(&self) -> BoxFuture<'_, Result<Vec<Role>, CloudError>> {
        self.read_roles().boxed()
    }

    fn places(&self) -> BoxFuture<'_, Result<Vec<Place>, CloudError>> {
        telephony::places(&self.link).boxed()
    }

    fn lines(&self) -> BoxFuture<'_, Result<Option<Vec<InUse>>, CloudError>> {
        telephony::lines(&self.link).boxed()
    }

    fn uc_profiles(&self) -> BoxFuture<'_, Result<Vec<String>, CloudError>> {
        calling_behavior::names(&self.link).boxed()
    }

    fn accounts(&self, pages: mpsc::Sender<Vec<Account>>) -> BoxFuture<'_, Result<u64, CloudError>> {
        async move { listing::accounts(&self.link, &pages).await }.boxed()
    }

    fn account<'a>(&'a self, id: &'a CloudId) -> BoxFuture<'a, Result<Option<Account>, CloudError>> {
        read_account(&self.link, id).boxed()
    }

    fn account_by_email<'a>(
        &'a self,
        email: &'a Email,
    ) -> BoxFuture<'a, Result<Option<Account>, CloudError>> {
        self.find_account(email).boxed()
    }

    fn holders<'a>(
        &'a self,
        license: &'a LicenseId,
        pages: mpsc::Sender<Vec<CloudId>>,
    ) -> BoxFuture<'a, Result<u64, CloudError>> {
        self.read_holders(license, pages).boxed()
    }

    fn licenses_of<'a>(&'a self, id: &'a CloudId) -> BoxFuture<'a, Result<BTreeSet<LicenseId>, CloudError>> {
        licenses_of(&self.link, id).boxed()
    }

    fn groups(&self) -> BoxFuture<'_, Result<Vec<CloudGroup>, CloudError>> {
        groups::all(&self.link).boxed()
    }

    fn group_by_name<'a>(&'a self, name: &'a str) -> BoxFuture<'a, Result<Vec<CloudGroup>, CloudError>> {
        groups::by_name(&self.link, name).boxed()
    }

    fn group_members<'a>(
        &'a self,
        id: &'a CloudId,
    ) -> BoxFuture<'a, Result<Option<Vec<CloudId>>, CloudError>> {
        groups::members(&self.link, id).boxed()
    }

    fn contacts(&self) -> BoxFuture<'_, Result<Vec<CloudContact>, CloudError>> {
        contacts::all(&self.link).boxed()
    }

    fn contacts_like<'a>(
        &'a self,
        contact: &'a Contact,
    ) -> BoxFuture<'a, Result<Vec<CloudContact>, CloudError>> {
        contacts::like(&self.link, contact).boxed()
    }
}
