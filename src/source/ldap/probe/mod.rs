//! A short visit that finds out what a read would meet, step by step.
//!
//! Every step has its own time, and one that fails is told and does not hide the others. The
//! connection is made anew after a step that broke it.

mod account;
mod bases;
mod limits;
mod skew;
mod telling;

use std::time::{Duration, Instant};

use tokio::time::timeout;

use crate::model::{Ask, Attribute};
use crate::source::{ChangesBy, Fact, Probe, Standing, Topic};

use super::reach::Reach;
use super::search;
use super::settings::Settings;
use super::trouble::{Failure, Trouble};
use super::visit::Visit;

/// For one step. Somebody sits before the screen: what takes longer is told as that.
const STEP: Duration = Duration::from_secs(20);

/// What there is to find out, in the order in which it is told.
const STEPS: &[Step] = &[
    Step {
        about: Topic::Account,
        doing: "asking as whom the server knows us",
        needed: false,
        run: Run::Account,
    },
    Step {
        about: Topic::Certificate,
        doing: "looking at the server's certificate",
        needed: false,
        run: Run::Certificate,
    },
    Step { about: Topic::Base, doing: "looking at the bases", needed: true, run: Run::Reach },
    Step { about: Topic::Changes, doing: "choosing how changes are found", needed: false, run: Run::Telling },
    Step { about: Topic::Rights, doing: "looking at the deleted objects", needed: false, run: Run::Deleted },
    Step { about: Topic::Limits, doing: "reading a first page of people", needed: true, run: Run::Page },
    Step { about: Topic::Limits, doing: "reading without pages", needed: false, run: Run::Unpaged },
    Step { about: Topic::Limits, doing: "reading the LDAP policies", needed: false, run: Run::Policies },
    Step { about: Topic::Clock, doing: "asking the server for its time", needed: false, run: Run::Skew },
];

struct Step {
    about: Topic,
    /// To follow "while".
    doing: &'static str,
    /// Whether a read is hopeless when this fails.
    needed: bool,
    run: Run,
}

#[derive(Clone, Copy)]
enum Run {
    Account,
    Certificate,
    Reach,
    Telling,
    Deleted,
    Page,
    Unpaged,
    Policies,
    Skew,
}

/// What is found, and what steps need of earlier ones.
#[derive(Default)]
struct Found {
    facts: Vec<Fact>,
    changes: Option<ChangesBy>,
}

/// Connects, and looks around.
pub(super) async fn probe(reach: &Reach, ask: &Ask, now: i64) -> Result<Probe, Trouble> {
    let begun = Instant::now();
    // Its own way to the directory: with other limits, and without a connection that waits.
    let settings: &Settings = reach;
    let limit = settings.operation_timeout.min(STEP);
    let reach = &Reach::new(Settings { operation_timeout: limit, ..settings.clone() });
    let visit = Visit::begin(reach, ask).await?;
    let mut found = Found::default();
    found.facts.extend(account::connection(&visit));
    let mut probe = Probe {
        product: visit.directory.product.clone(),
        identity: visit.identity.clone(),
        server: Some(visit.session.server.clone()),
        bases: visit.bases.clone(),
        group_bases: if ask.groups { visit.group_bases.clone() } else { Vec::new() },
        changes: None,
        facts: Vec::new(),
    };
    let mut open = Some(visit);
    for step in STEPS {
        match step.take(&mut open, reach, ask, &mut found, now, begun).await {
            Ok(None) => {}
            Ok(Some(failure)) => {
                let Trouble { what, remedy, .. } = failure.into_trouble(step.doing);
                let standing = if step.needed { Standing::Fail } else { Standing::Warn };
                found.facts.push(Fact { topic: step.about, standing, what, remedy });
            }
            Err(Trouble { what, remedy, .. }) => {
                found.facts.push(Fact::fail(Topic::Connection, what, remedy));
                break;
            }
        }
    }
    if let Some(visit) = open {
        visit.session.close().await;
    }
    probe.facts = found.facts;
    probe.changes = found.changes;
    Ok(probe)
}

impl Step {
    /// Runs the step, on the open connection or on a new one, and returns why it failed.
    ///
    /// # Errors
    ///
    /// When there is no connection any more.
    async fn take<'a>(
        &self,
        open: &mut Option<Visit<'a>>,
        reach: &'a Reach,
        ask: &'a Ask,
        found: &mut Found,
        now: i64,
        begun: Instant,
    ) -> Result<Option<Failure>, Trouble> {
        loop {
            let (mut visit, used) = match open.take() {
                Some(visit) => (visit, true),
                None => (Visit::begin(reach, ask).await?, false),
            };
            let told = found.facts.len();
            let failure = match timeout(STEP, self.run(&mut visit, found, now, begun)).await {
                Ok(Ok(())) => None,
                Ok(Err(failure)) => Some(failure),
                Err(_) => Some(Failure::Timeout(STEP)),
            };
            match failure {
                // The step before may have ended the connection.
                Some(Failure::Lost(_)) if used => found.facts.truncate(told),
                Some(failure) if failure.ends_the_connection() => return Ok(Some(failure)),
                failure => {
                    *open = Some(visit);
                    return Ok(failure);
                }
            }
        }
    }

    async fn run(
        &self,
        visit: &mut Visit<'_>,
        found: &mut Found,
        now: i64,
        begun: Instant,
    ) -> Result<(), Failure> {
        match self.run {
            Run::Account => account::account(visit, found).await,
            Run::Certificate => account::certificate(visit, found, now).await,
            Run::Reach => bases::bases(visit, found).await,
            Run::Telling => telling::changes(visit, found).await,
            Run::Deleted => telling::deleted_objects(visit, found).await,
            Run::Page => limits::first_page(visit, found).await,
            Run::Unpaged => limits::unpaged(visit, found).await,
            Run::Policies => limits::policies(visit, found).await,
            Run::Skew => {
                let elapsed = || i64::try_from(begun.elapsed().as_secs()).unwrap_or(0);
                skew::skew(visit, found, || now.saturating_add(elapsed())).await
            }
        }
    }
}

/// Attributes of the root entry.
async fn root(visit: &mut Visit<'_>, names: &[&str]) -> Result<Vec<Attribute>, Failure> {
    let wanted = names.iter().map(|name| (*name).to_owned()).collect();
    let limit = visit.settings.operation_timeout;
    let entry = search::one(&mut visit.session, "", wanted, limit).await?;
    Ok(entry.map(|entry| entry.attributes).unwrap_or_default())
}

/// All values of an attribute as text. `name` is in lower case.
fn texts<'a>(attributes: &'a [Attribute], name: &str) -> impl Iterator<Item = String> + 'a {
    let found = attributes.iter().find(|attribute| attribute.name == name);
    found.into_iter().flat_map(|attribute| &attribute.values).map(|v| String::from_utf8_lossy(v).into_owned())
}
