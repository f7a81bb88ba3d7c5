//! Active Directory and every other LDAP directory.

mod bind;
mod changes;
mod connect;
mod decode;
mod detect;
#[cfg(any(test, feature = "fuzzing"))]
pub mod fuzzing;
mod lookup;
mod probe;
mod range;
mod read;
mod search;
mod settings;
mod tls;
mod trouble;
mod visit;

use std::sync::Arc;

use futures_util::future::BoxFuture;
use tokio::sync::{Notify, mpsc};
use tokio_util::task::AbortOnDropHandle;

use crate::model::{Ask, Census, Changes, Cursor, Found, Lookup, Portion, Watched};

pub use settings::Settings;

use super::{Probe, Source, SourceError, SourceErrorKind};
use trouble::Trouble;
use visit::Visit;

/// A directory behind LDAP. Connects anew for every read.
#[derive(Clone, Debug)]
pub struct LdapSource {
    settings: Arc<Settings>,
}

impl LdapSource {
    /// A source with these settings. Nothing is checked or contacted yet.
    pub fn new(settings: Settings) -> Self {
        Self { settings: Arc::new(settings) }
    }

    /// Runs the work in a task of its own: the client library panics on some malformed answers,
    /// and a broken server must not take the program down. Dropping the future stops the task.
    async fn isolated<T, F>(&self, work: F) -> Result<T, SourceError>
    where
        T: Send + 'static,
        F: Future<Output = Result<T, Trouble>> + Send + 'static,
    {
        let name = &self.settings.name;
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
        &self.settings.name
    }

    fn read<'a>(
        &'a self,
        ask: &'a Ask,
        portions: mpsc::Sender<Portion>,
    ) -> BoxFuture<'a, Result<Census, SourceError>> {
        let (settings, ask) = (self.settings.clone(), ask.clone());
        Box::pin(self.isolated(async move { read::everything(&settings, &ask, portions).await }))
    }

    fn changes<'a>(&'a self, ask: &'a Ask, since: &'a Cursor) -> BoxFuture<'a, Result<Changes, SourceError>> {
        let (settings, ask, since) = (self.settings.clone(), ask.clone(), since.clone());
        Box::pin(self.isolated(async move {
            let mut visit = Visit::begin(&settings, &ask).await?;
            let told = changes::since(&mut visit, &since).await;
            visit.session.close().await;
            told
        }))
    }

    fn fetch<'a>(&'a self, ask: &'a Ask, lookup: Lookup) -> BoxFuture<'a, Result<Found, SourceError>> {
        let (settings, ask) = (self.settings.clone(), ask.clone());
        Box::pin(self.isolated(async move {
            let mut visit = Visit::begin(&settings, &ask).await?;
            let found = lookup::fetch(&mut visit, &lookup).await;
            visit.session.close().await;
            found
        }))
    }

    fn watch<'a>(&'a self, ask: &'a Ask, wake: Arc<Notify>) -> BoxFuture<'a, Result<Watched, SourceError>> {
        let (settings, ask) = (self.settings.clone(), ask.clone());
        Box::pin(self.isolated(async move {
            let visit = Visit::begin(&settings, &ask).await?;
            changes::watch(visit, wake).await
        }))
    }

    fn probe(&self) -> BoxFuture<'_, Result<Probe, SourceError>> {
        let settings = self.settings.clone();
        Box::pin(self.isolated(async move { probe::probe(&settings).await }))
    }
}
