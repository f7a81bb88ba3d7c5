//! The recent writes, as `GET /adminAudit/events` and the page show them.

use std::collections::VecDeque;

use chrono::DateTime;
use serde_json::{Value, json};
use uuid::Uuid;

use super::ids;
use super::reply::instant;

const KEPT: usize = 10_000;

/// One write that happened.
#[derive(Clone, Debug)]
pub(super) struct Event {
    /// Grows by one with every event.
    pub(super) number: u64,
    /// Milliseconds since 1970.
    pub(super) at: i64,
    /// What was done, as the audit of Webex would word it.
    pub(super) what: &'static str,
    pub(super) target: Uuid,
    pub(super) target_name: Box<str>,
    pub(super) actor: Option<Uuid>,
    pub(super) tracking: Box<str>,
}

/// Who does something, for the audit.
#[derive(Clone, Copy, Debug)]
pub(super) struct Actor<'a> {
    pub(super) person: Option<Uuid>,
    pub(super) tracking: &'a str,
    /// Milliseconds since 1970.
    pub(super) at: i64,
}

/// The last ten thousand writes.
#[derive(Debug, Default)]
pub(super) struct Audit {
    events: VecDeque<Event>,
    count: u64,
}

impl Audit {
    /// Notes a write.
    pub(super) fn note(&mut self, actor: Actor<'_>, what: &'static str, target: Uuid, target_name: &str) {
        if self.events.len() == KEPT {
            self.events.pop_front();
        }
        self.count += 1;
        self.events.push_back(Event {
            number: self.count,
            at: actor.at,
            what,
            target,
            target_name: target_name.into(),
            actor: actor.person,
            tracking: actor.tracking.into(),
        });
    }

    /// The newest first.
    pub(super) fn newest(&self) -> impl Iterator<Item = &Event> {
        self.events.iter().rev()
    }

    /// `GET /adminAudit/events`: the newest first, between two times, at most `max` after `offset`.
    pub(super) fn list(&self, org: &str, from: &str, to: &str, max: usize, offset: usize) -> Value {
        let ms = |text: &str| DateTime::parse_from_rfc3339(text).ok().map(|time| time.timestamp_millis());
        let (from, to) = (ms(from).unwrap_or(i64::MIN), ms(to).unwrap_or(i64::MAX));
        let items: Vec<_> = self
            .newest()
            .filter(|event| (from..=to).contains(&event.at))
            .skip(offset)
            .take(max)
            .map(|event| {
                json!({
                    "id": format!("AE{}", event.number),
                    "created": instant(event.at),
                    "actorId": event.actor.map(ids::person),
                    "actorOrgId": org,
                    "data": {
                        "targetType": "TargetResourceType.PERSON",
                        "targetId": ids::person(event.target),
                        "targetName": event.target_name,
                        "targetOrgId": org,
                        "eventCategory": "EventCategory.USERS",
                        "eventDescription": event.what,
                        "actionText": event.what,
                        "trackingId": event.tracking,
                    },
                })
            })
            .collect();
        json!({ "items": items })
    }
}
