//! A directory in a file: an export, or a list that a personnel system writes.

#[cfg(any(test, feature = "fuzzing"))]
pub mod fuzzing;
mod parse;
mod probe;
mod read;

use std::path::PathBuf;

use futures_util::future::BoxFuture;
use tokio::sync::mpsc;

use crate::model::{Ask, Census, Portion};

use super::{Probe, Source, SourceError, SourceErrorKind};

/// An LDIF file with content records (RFC 2849), as `slapcat`, `ldapsearch` or `ldifde` write
/// it. The file is streamed: its size does not matter.
///
/// The anchor is `objectGUID`, `entryUUID` or `nsUniqueId`. An entry with none of them gets
/// its anchor from its DN: a rename is then a leaver and a newcomer.
#[derive(Clone, Debug)]
pub struct LdifSource {
    name: String,
    path: PathBuf,
}

impl LdifSource {
    /// A source with the name from the configuration, reading this file anew each time.
    pub fn new(name: String, path: PathBuf) -> Self {
        Self { name, path }
    }

    /// Runs the work where blocking is allowed.
    async fn blocking<T: Send + 'static>(
        &self,
        work: impl FnOnce(Self) -> Result<T, SourceError> + Send + 'static,
    ) -> Result<T, SourceError> {
        let source = self.clone();
        tokio::task::spawn_blocking(move || work(source)).await.unwrap_or_else(|_| {
            Err(self.error(
                SourceErrorKind::Broken,
                "reading stopped on an internal fault",
                "report this, with the file",
            ))
        })
    }

    fn error(&self, kind: SourceErrorKind, what: &str, remedy: &str) -> SourceError {
        SourceError {
            source_name: self.name.clone(),
            kind,
            what: format!("{}: {what}", self.path.display()),
            remedy: remedy.into(),
        }
    }
}

impl Source for LdifSource {
    fn name(&self) -> &str {
        &self.name
    }

    fn read<'a>(
        &'a self,
        ask: &'a Ask,
        portions: mpsc::Sender<Portion>,
    ) -> BoxFuture<'a, Result<Census, SourceError>> {
        let ask = ask.clone();
        Box::pin(self.blocking(move |source| read::everything(&source, &ask, &portions)))
    }

    fn probe<'a>(&'a self, _ask: &'a Ask, now: i64) -> BoxFuture<'a, Result<Probe, SourceError>> {
        Box::pin(self.blocking(move |source| probe::probe(&source, now)))
    }
}
