//! The reader of the stream of events that writes the log: messages and fields as
//! docs/LOGGING.md agrees, with ids and without people.

use std::collections::HashSet;
use std::sync::Arc;

use tracing::{Span, debug, error, info, warn};

use crate::model::{LicenseId, SourceId, Withheld};

use super::event::{Event, Sink};

/// What the pass before told already: it is no news that it is still so.
#[derive(Clone, Debug, Default)]
pub struct Known {
    withheld: HashSet<(Option<SourceId>, String, String)>,
    waiting: HashSet<(SourceId, String)>,
}

impl Known {
    /// From what the pass before left.
    pub fn new<'a>(withheld: &[Withheld], waiting: impl Iterator<Item = (SourceId, &'a LicenseId)>) -> Self {
        Self {
            withheld: withheld.iter().map(key).collect(),
            waiting: waiting.map(|(anchor, license)| (anchor, license.to_string())).collect(),
        }
    }
}

fn key(one: &Withheld) -> (Option<SourceId>, String, String) {
    (one.anchor, one.dn.clone(), one.code.clone())
}

/// A sink that writes log lines under a span, from whichever thread events come.
pub fn to_log(span: Span, known: Known) -> Sink {
    Arc::new(move |event| span.in_scope(|| write(&event, &known)))
}

/// A sink that passes every event on to several.
pub fn to_all(sinks: Vec<Sink>) -> Sink {
    Arc::new(move |event| {
        let Some((last, others)) = sinks.split_last() else { return };
        others.iter().for_each(|sink| sink(event.clone()));
        last(event);
    })
}

fn write(event: &Event, known: &Known) {
    match event {
        Event::PassStarted { run: _, linked, observes_all } => {
            info!(linked_count = linked, observes_all, "Looking began.");
        }
        Event::Recovering { intents } => {
            warn!(
                count = intents,
                "An earlier run did not end; what it left open is settled, and the whole cloud listed."
            );
        }
        Event::Reading { .. } | Event::Observing { .. } => {}
        Event::Heard { source, method, hints: 0 } => {
            debug!(source, %method, "Nothing changed in the source.")
        }
        Event::Heard { source, method, hints } => {
            info!(source, %method, count = hints, "Objects changed in the source.");
        }
        Event::Advice { source, advice } => {
            info!(source, reason = advice, "The source could tell more of what changes.")
        }
        Event::RoomsRest { rooms } => {
            warn!(count = rooms, "Rooms are linked, and rooms.sync is off: nothing is done about them.")
        }
        Event::ContactsRest { contacts } => {
            warn!(
                count = contacts,
                "Contacts are in the cloud by us, and contacts.sync is off: nothing is done about them."
            )
        }
        Event::Unanswered { reason } => {
            warn!(reason, "A source did not answer completely: nobody is removed who may be in it.");
        }
        Event::JudgingKept => info!("The rules changed: everybody is judged from the kept records."),
        Event::ReadingAll { reason } => info!(reason, "The sources are read completely."),
        Event::Read { source, people, groups, partial } => {
            info!(
                source,
                count = people,
                group_count = groups,
                complete = partial.is_empty(),
                "The source was read."
            );
            for reason in partial {
                warn!(source, reason, "The source was not read completely: nobody is removed.");
            }
        }
        Event::Observed { accounts, drifted } => {
            info!(count = accounts, drifted_count = drifted, "The cloud was observed.");
        }
        Event::Withheld(one) if known.withheld.contains(&key(one)) => {
            debug!(anchor = one.anchor.map(tracing::field::display), code = one.code, "Still withheld.");
        }
        Event::Withheld(one) => {
            info!(anchor = one.anchor.map(tracing::field::display), code = one.code, "Withheld from now on.");
        }
        Event::Objection(finding) => {
            warn!(
                code = finding.code,
                count = finding.count,
                limit = finding.limit,
                remedy = finding.remedy,
                "The guard holds removals."
            );
        }
        Event::Planned { people, actions } => {
            debug!(count = people, action_count = actions, "A part of the plan is carried out.");
        }
        Event::PlannedContacts { contacts } => {
            info!(count = contacts, "Contacts of the cloud are carried out.");
        }
        Event::PlannedGroups { groups, actions, without } => {
            info!(
                group_count = groups,
                action_count = actions,
                without_account_count = without,
                "Groups of the cloud are carried out."
            );
        }
        Event::Done { action, cloud_id } => match cloud_id {
            Some(cloud_id) => {
                debug!(anchor = %action.anchor, %cloud_id, kind = %action.kind, "An action was carried out.");
            }
            None => debug!(anchor = %action.anchor, kind = %action.kind, "An action was carried out."),
        },
        // What ends the pass is told once, at its end, and not for everybody it hit.
        Event::Failed { action, code, .. } if code == "stopped" || code.starts_with("cloud_") => {
            debug!(anchor = %action.anchor, kind = %action.kind, code, "An action was not carried out.");
        }
        Event::Failed { action, code, remedy, .. } => {
            // The cloud's own words may repeat addresses: they are in the report and the history.
            error!(anchor = %action.anchor, kind = %action.kind, code, remedy, "An action failed.");
        }
        Event::ShortOfSeats { license, name, total, demand, short } => {
            warn!(
                license_name = name,
                license,
                total_count = total,
                demand_count = demand,
                count = short,
                "There are fewer seats than are asked for."
            );
        }
        Event::NoSeat { anchor, license } if known.waiting.contains(&(*anchor, license.clone())) => {
            debug!(%anchor, license, "Still waiting for a seat.");
        }
        Event::NoSeat { anchor, license } => {
            debug!(%anchor, license, "Waiting for a seat from now on.");
        }
        Event::Competing { license, people } => warn!(
            license,
            count = people,
            remedy = "remove it from the licence templates of Control Hub, or from the rules",
            "New accounts have a licence that we did not give: a template of the cloud competes with the rules."
        ),
        Event::Pausing { wait_ms } => warn!(wait_ms, "The cloud throttles; waiting."),
    }
}
