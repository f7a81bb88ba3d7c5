//! The organization-wide job that sends activation mails again.

use serde_json::{Value, json};
use uuid::Uuid;

use super::ids;
use super::reply::instant;
use super::state::State;

const DAY_MS: i64 = 86_400_000;

/// All jobs that ever ran.
#[derive(Debug, Default)]
pub(super) struct Jobs(Vec<Job>);

/// One job. It does its work at once, and says so at the second look.
#[derive(Debug)]
pub(super) struct Job {
    id: Uuid,
    started: i64,
    sent: u64,
    /// User names that had a mail in the last 24 hours.
    skipped: Vec<Box<str>>,
    looked_at: bool,
}

/// Starts the job: everybody who holds a licence and never signed in gets a mail, unless one went
/// out in the last 24 hours.
pub(super) fn send_activation_mails(state: &mut State, now: i64, tracking: &str) -> Value {
    let due: Vec<u32> = state
        .roster
        .since_slot(0)
        .filter(|(_, person)| !person.signed_in && person.profile.active)
        .filter(|(_, person)| {
            person.licenses.iter().any(|at| state.licenses.get(usize::from(*at)).is_some_and(|l| l.invites()))
        })
        .map(|(slot, _)| slot)
        .collect();
    let mut job = Job {
        id: ids::drawn(state.seed, "job", &state.jobs.0.len().to_string(), 0),
        started: now,
        sent: 0,
        skipped: Vec::new(),
        looked_at: false,
    };
    for slot in due {
        let Some(person) = state.roster.get(slot) else { continue };
        if person.invited.is_some_and(|at| now - at < DAY_MS) {
            job.skipped.push(person.profile.user_name.clone());
            continue;
        }
        let mut person = (**person).clone();
        person.invited = Some(now);
        state.roster.replace(slot, person, std::time::Duration::ZERO);
        state.invitations += 1;
        job.sent += 1;
    }
    let answer = job.describe(state, tracking, "STARTED", "UNKNOWN");
    state.jobs.0.push(job);
    answer
}

/// The state of a job; `None` for a job that never was.
pub(super) fn status(state: &mut State, id: &str, tracking: &str) -> Option<Value> {
    let at = position(state, id)?;
    state.jobs.0.get_mut(at)?.looked_at = true;
    Some(state.jobs.0.get(at)?.describe(state, tracking, "COMPLETED", "COMPLETED"))
}

/// Whom a job left out.
pub(super) fn errors(state: &State, id: &str, tracking: &str) -> Option<Value> {
    let job = state.jobs.0.get(position(state, id)?)?;
    let items: Vec<_> = (1..)
        .zip(&job.skipped)
        .map(|(number, name)| {
            json!({
                "itemNumber": number,
                "trackingId": format!("{tracking}_{number}"),
                "error": { "key": "304", "message": [{
                    "description": format!("Invitation already sent to {name} within 24 hours."),
                    "code": "ATLAS-600199",
                    "locationId": null,
                }] },
            })
        })
        .collect();
    Some(json!({ "items": items }))
}

/// Whether a job still runs as far as anybody was told.
pub(super) fn running(state: &State) -> bool {
    state.jobs.0.last().is_some_and(|job| !job.looked_at)
}

fn position(state: &State, id: &str) -> Option<usize> {
    let id = ids::raw(id).or_else(|| ids::raw(&ids::value_of("JOB_ID", id)?))?;
    state.jobs.0.iter().position(|job| job.id == id)
}

impl Job {
    fn describe(&self, state: &State, tracking: &str, status: &str, exit: &str) -> Value {
        let org = state.org.public_id();
        let started = instant(self.started);
        json!({
            "name": "resendinviteemail",
            "id": ids::public("JOB_ID", &self.id.to_string()),
            "trackingId": tracking,
            "sourceCustomerId": org,
            "targetCustomerId": org,
            "instanceId": 1,
            "jobExecutionStatus": [{
                "id": 1, "startTime": started, "lastUpdated": started, "statusMessage": status,
                "exitCode": exit, "createdTime": started, "timeElapsed": "PT0S",
            }],
            "latestExecutionStatus": status,
            "latestExecutionExitCode": exit,
            "counts": {
                "userResendInviteSent": self.sent,
                "userResendInviteFailed": 0,
                "userResendInviteSkipped": self.skipped.len(),
                "totalUsers": self.sent + self.skipped.len() as u64,
            },
            "allowAdminInviteEmails": state.org.invites,
        })
    }
}
