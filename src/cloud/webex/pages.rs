//! Walking through pages that name the next one in a `Link` header (RFC 8288), each page once.

use std::collections::BTreeSet;

use super::fault;
use super::link::{Link, Request};
use crate::cloud::http::Answer;
use crate::cloud::{CloudError, CloudErrorKind};

/// A walk from the first page to the last.
pub(super) struct Pages<'a> {
    link: &'a Link,
    /// The parameters of the first request, which links may lose.
    first: Vec<(&'static str, String)>,
    next: Option<Request<'a>>,
    visited: BTreeSet<String>,
}

impl<'a> Pages<'a> {
    /// Begins at the first page.
    pub(super) fn of(link: &'a Link, path: impl Into<String>, query: Vec<(&'static str, String)>) -> Self {
        let next = Some(Request::get(path, query.clone()));
        Self { link, first: query, next, visited: BTreeSet::new() }
    }

    /// The answer with the next page; `None` after the last.
    ///
    /// # Errors
    ///
    /// Everything but a success, and links that lead to another host or in a circle.
    pub(super) async fn next(&mut self) -> Result<Option<Answer>, CloudError> {
        let Some(request) = self.next.take() else { return Ok(None) };
        self.visited.insert(request.path.clone());
        let answer = self.link.call(request).await?;
        if !answer.is_success() {
            return Err(fault::error(&answer));
        }
        self.next = self.link.next(&answer, &self.first)?;
        if self.next.as_ref().is_some_and(|next| self.visited.contains(&next.path)) {
            return Err(CloudError {
                kind: CloudErrorKind::Unintelligible,
                what: format!("the pages of {} lead in a circle", answer.label),
                remedy: "report this to Webex support".into(),
                tracking_id: answer.tracking_id,
            });
        }
        Ok(Some(answer))
    }
}
