//! Active Directory and every other LDAP directory.

mod bind;
mod changes;
mod clause;
mod connect;
mod containers;
mod decode;
mod detect;
mod discover;
#[cfg(any(test, feature = "fuzzing"))]
pub mod fuzzing;
mod gssapi;
mod lookup;
mod probe;
mod question;
mod range;
mod reach;
mod read;
mod search;
mod servers;
mod settings;
mod sight;
mod target;
mod tls;
mod trouble;
mod verify;
mod visit;
mod walk;
mod wire;

use std::sync::Arc;

use futures_util::future::BoxFuture;
use tokio::sync::{Notify, mpsc};
use tokio_util::task::AbortOnDropHandle;

use crate::model::{Ask, Census, Changes, Cursor, Found, Lookup, Portion, Sight, Watched};

pub use settings::{Auth, Settings};

use super::{Probe, Source, SourceError, SourceErrorKind};
use reach::Reach;
use trouble::Trouble;
use visit::Visit;

/// A directory behind LDAP. One connection is kept between two questions.
#[derive(Clone, Debug)]
pub struct LdapSource {
    reach: Arc<Reach>,
}

impl LdapSource {
    /// A source with these settings. Nothing is checked or contacted yet.
    pub fn new(settings: Settings) -> Self {
        Self { reach: Arc::new(Reach::new(settings)) }
    }

    /// Runs the work in a task of its own: the client library panics on some malformed answers,
    /// and a broken server must not take the program down. Dropping the future stops the task.
    async fn isolated<T, F>(&self, work: F) -> Result<T, SourceError>
    where
        T: Send + 'static,
        F: Future<Output = Result<T, Trouble>> + Send + 'static,
    {
        let name = &self.reach.name;
        match AbortOnDropHandle::new(tokio::spawn(work)).await {
            Ok(done) => done.map_err(|trouble| trouble.into_error(name)),
            Err(_) => Err(SourceError {
                source_name: name.clone(),
                kind: SourceErrorKind::Broken,
                what: "the server sent an answer that is not LDAP as it should be".into(),
                remedy: "check that the URL leads to an LDAP server, and look into its log".into(),
            }),
        }
    }
}

impl Source for LdapSource {
    fn name(&self) -> &str {
        &self.reach.name
    }

    fn sight(&self) -> Sight {
        self.reach.sight()
    }

    fn read<'a>(
        &'a self,
        ask: &'a Ask,
        portions: mpsc::Sender<Portion>,
    ) -> BoxFuture<'a, Result<Census, SourceError>> {
        let (reach, ask) = (self.reach.clone(), ask.clone());
        Box::pin(self.isolated(async move { read::everything(&reach, &ask, portions).await }))
    }

    fn changes<'a>(&'a self, ask: &'a Ask, since: &'a Cursor) -> BoxFuture<'a, Result<Changes, SourceError>> {
        let (reach, ask, since) = (self.reach.clone(), ask.clone(), since.clone());
        Box::pin(self.isolated(async move {
            let mut visit = Visit::begin(&reach, &ask).await?;
            let told = changes::since(&mut visit, &since).await;
            reach.told(&visit.session.server, &visit.identity);
            visit.end(told.is_ok()).await;
            told
        }))
    }

    fn fetch<'a>(&'a self, ask: &'a Ask, lookup: Lookup) -> BoxFuture<'a, Result<Found, SourceError>> {
        let (reach, ask) = (self.reach.clone(), ask.clone());
        Box::pin(self.isolated(async move {
            let mut visit = Visit::begin(&reach, &ask).await?;
            let lag = reach.lag(&visit.session.server, &visit.identity);
            let mut found = lookup::fetch(&mut visit, &lookup).await;
            if let Ok(found) = &mut found {
                found.gaps.extend(lag);
            }
            visit.end(found.is_ok()).await;
            found
        }))
    }

    fn watch<'a>(&'a self, ask: &'a Ask, wake: Arc<Notify>) -> BoxFuture<'a, Result<Watched, SourceError>> {
        let (reach, ask) = (self.reach.clone(), ask.clone());
        Box::pin(self.isolated(async move {
            let visit = Visit::begin(&reach, &ask).await?;
            changes::watch(visit, wake).await
        }))
    }

    fn probe<'a>(&'a self, ask: &'a Ask, now: i64) -> BoxFuture<'a, Result<Probe, SourceError>> {
        let (reach, ask) = (self.reach.clone(), ask.clone());
        Box::pin(self.isolated(async move { probe::probe(&reach, &ask, now).await }))
    }
}
