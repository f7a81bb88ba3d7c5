//! What every conversation with the directory begins with: a connection, what kind of server
//! answered, and where to search on it.

use crate::model::Ask;

use super::connect::{self, Session};
use super::detect::{self, Directory, without_nested};
use super::read::Plan;
use super::settings::Settings;
use super::sight::Sight;
use super::trouble::Trouble;

/// An open connection to a directory that is known.
pub(super) struct Visit<'a> {
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
    /// Checks the settings, connects and looks around.
    pub(super) async fn begin(settings: &'a Settings, ask: &'a Ask) -> Result<Self, Trouble> {
        let plan = Plan::check(settings)?;
        let mut session = connect::open(settings).await?;
        let directory = detect::detect(&mut session, settings.operation_timeout).await?;
        let bases = directory.bases(settings)?;
        let group_bases = match settings.group_bases.as_slice() {
            [] => bases.clone(),
            configured => without_nested(configured),
        };
        let identity = directory.identity(&mut session, &bases, settings.operation_timeout).await;
        let sight = Sight::default();
        Ok(Self { settings, ask, plan, session, directory, bases, group_bases, identity, sight })
    }
}
