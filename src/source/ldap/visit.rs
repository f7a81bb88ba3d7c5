//! What every conversation with the directory begins with: a connection, what kind of server
//! answered, and where to search on it.

use crate::model::Ask;

use super::connect::Session;
use super::detect::{self, Directory, without_nested};
use super::reach::Reach;
use super::read::Plan;
use super::settings::Settings;
use super::sight::Sight;
use super::trouble::Trouble;

/// An open connection to a directory that is known.
pub(super) struct Visit<'a> {
    pub reach: &'a Reach,
    pub settings: &'a Settings,
    pub ask: &'a Ask,
    pub plan: Plan,
    pub session: Session,
    pub directory: Directory,
    /// Where people are searched; none below another.
    pub bases: Vec<String>,
    /// Where groups are searched; none below another.
    pub group_bases: Vec<String>,
    /// See [`crate::model::Census::identity`].
    pub identity: String,
    /// What lookups found out about what is visible.
    pub sight: Sight,
}

impl<'a> Visit<'a> {
    /// Checks the settings, connects and looks around. On a connection that was used before,
    /// what was seen then still holds.
    pub(super) async fn begin(reach: &'a Reach, ask: &'a Ask) -> Result<Self, Trouble> {
        let settings: &Settings = reach;
        let plan = Plan::check(settings)?;
        let mut session = reach.session().await?;
        let known = session.known.take();
        let directory = match &known {
            Some((directory, _)) => directory.clone(),
            None => detect::detect(&mut session, settings.operation_timeout).await?,
        };
        let bases = directory.bases(settings)?;
        let group_bases = match settings.group_bases.as_slice() {
            [] => bases.clone(),
            configured => without_nested(configured),
        };
        let identity = match known {
            Some((_, identity)) => identity,
            None => directory.identity(&mut session, &bases, settings.operation_timeout).await,
        };
        session.known = Some((directory.clone(), identity.clone()));
        let sight = Sight::default();
        Ok(Self { reach, settings, ask, plan, session, directory, bases, group_bases, identity, sight })
    }

    /// Ends the visit. The connection is kept for the next one when all went well.
    pub(super) async fn end(self, well: bool) {
        if well {
            self.reach.keep(self.session).await;
        } else {
            self.session.close().await;
        }
    }
}
