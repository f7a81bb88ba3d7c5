//! The reader of the stream of events that writes the log: messages and fields as
//! docs/LOGGING.md agrees, with ids and without people.

use std::sync::Arc;

use tracing::{Span, debug, error, info, warn};

use super::event::{Event, Sink};

/// A sink that writes log lines under a span, from whichever thread events come.
pub fn to_log(span: Span) -> Sink {
    Arc::new(move |event| span.in_scope(|| write(&event)))
}

/// A sink that passes every event on to several.
pub fn to_all(sinks: Vec<Sink>) -> Sink {
    Arc::new(move |event| {
        let Some((last, others)) = sinks.split_last() else { return };
        others.iter().for_each(|sink| sink(event.clone()));
        last(event);
    })
}

fn write(event: &Event) {
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
        Event::Withheld(one) => match &one.anchor {
            Some(anchor) => warn!(%anchor, code = one.code, "A person is withheld."),
            None => warn!(code = one.code, "An object without a usable anchor is withheld."),
        },
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
        Event::Done { action, cloud_id } => match cloud_id {
            Some(cloud_id) => {
                debug!(anchor = %action.anchor, %cloud_id, kind = %action.kind, "An action was carried out.");
            }
            None => debug!(anchor = %action.anchor, kind = %action.kind, "An action was carried out."),
        },
        Event::Failed { action, code, remedy, .. } => {
            // The cloud's own words may repeat addresses: they are in the report and the history.
            error!(anchor = %action.anchor, kind = %action.kind, code, remedy, "An action failed.");
        }
        Event::NoSeat { anchor, license } => {
            warn!(%anchor, license, "A person waits for a seat.");
        }
        Event::Pausing { wait_ms } => warn!(wait_ms, "The cloud throttles; waiting."),
    }
}
