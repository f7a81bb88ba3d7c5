//! The story as a JSON document: docs/schema/explain.json.

use serde_json::{Value, json};

use crate::model::{Field, FieldSet, LicenseId, LinkState, RecordKind, Wanted};
use crate::report::json as documents;
use crate::rules::{Answer, ContactWish, Explanation};
use crate::store::Decision;

use super::super::exit::Exit;
use super::super::kept as grace;
use super::super::status::instant;
use super::contact;
use super::headline;
use super::story::{Kept, Story};

/// Makes the document.
pub(super) fn of(story: &Story, exit: Exit) -> Value {
    json!({
        "outcome": match exit {
            Exit::Usage if story.candidates.is_empty() => "nobody",
            Exit::Usage => "several",
            exit => exit.word(),
        },
        "asked": story.asked,
        "answer": headline::sentences(story).join(" "),
        "kind": kind(story),
        "switched_off": story.off(),
        "record": record(story),
        "verdict": story.told.as_ref().filter(|told| !told.off).map(|told| match &told.verdict.wanted {
            _ if matches!(told.contact, Some(ContactWish::Present(_))) => "present",
            Wanted::Present(_) => "present",
            Wanted::Withheld(_) => "withheld",
            Wanted::Leaving(_) => "leaving",
        }),
        "scope": story.told.iter().flat_map(|told| &told.scope).map(|a| answer(story, a)).collect::<Vec<_>>(),
        "mapping": mapping(story),
        "licenses": licenses(story),
        "not_given": story.told.iter().flat_map(|told| &told.verdict.ungiven).map(|one| json!({
            "license": one.license,
            "name": one.name,
            "rule": one.rule,
            "reason": one.reason,
            "remedy": one.remedy,
        })).collect::<Vec<_>>(),
        "roles": story.told.iter().flat_map(|told| &told.roles).map(|(rule, role)| {
            let mut document = answer(story, rule);
            document["gives"] = json!(role);
            document
        }).collect::<Vec<_>>(),
        "link": link(story),
        "account": account(story),
        "contact": contact::document(story),
        "cloud_groups": story.cloud_groups.iter().map(|group| json!({
            "name": group.name,
            "through": group.through,
            "cloud_id": group.link,
            "ours": group.ours,
        })).collect::<Vec<_>>(),
        "pass": pass(story),
        "held_plans": story.kept.iter().map(kept).collect::<Vec<_>>(),
        "queue": story.queue.iter().map(|(license, waiting)| json!({
            "license": license, "name": story.catalogue.name(license), "waiting": waiting,
        })).collect::<Vec<_>>(),
        "candidates": story.candidates.iter().map(|one| json!({
            "source": one.source, "anchor": one.anchor, "dn": one.dn, "verdict": one.verdict, "reason": one.reason,
        })).collect::<Vec<_>>(),
        "searched": story.sources.iter().map(|source| json!({
            "source": source.name, "scope": source.scope,
        })).collect::<Vec<_>>(),
        "source_trouble": story.gaps,
        "cloud_trouble": story.cloud_trouble.as_ref().map(|failure| json!({
            "message": failure.what, "remedy": failure.remedy,
        })),
        "unbound": story.unbound.iter().map(|one| json!({
            "rule": one.rule, "wanted": one.wanted, "message": one.message, "remedy": one.remedy,
        })).collect::<Vec<_>>(),
    })
}

/// What it is: by the record, or else by what is linked.
fn kind(story: &Story) -> Option<&'static str> {
    let by_record = story.record().map(|met| match met.record.kind {
        RecordKind::Person => "person",
        RecordKind::Room => "room",
        RecordKind::Contact => "contact",
        RecordKind::Group => "group",
        RecordKind::Other => "other",
    });
    let account = story.row.as_ref().map(|row| row.applied.kind);
    let account = account.or_else(|| Some(story.account.as_ref()?.kind)).map(|kind| kind.word());
    by_record.or(account).or_else(|| story.is_contact().then_some("contact"))
}

fn record(story: &Story) -> Value {
    let Some(met) = story.record() else { return Value::Null };
    let attributes: serde_json::Map<String, Value> =
        story.attributes().into_iter().map(|(name, values)| (name, json!(values))).collect();
    json!({
        "source": met.source,
        "dn": met.record.dn,
        "anchor": met.record.anchor,
        "disabled": met.record.disabled,
        "expires": met.record.expires.and_then(instant),
        "attributes": attributes,
        "groups": story.groups.iter().map(|(name, through)| json!({ "group": name, "through": through }))
            .collect::<Vec<_>>(),
        "same_anchor": story.met[1..].iter().map(|other| &other.record.dn).collect::<Vec<_>>(),
    })
}

fn answer(story: &Story, answer: &Answer) -> Value {
    let read = answer.reason.split('`').nth(1).map(|source| story.inputs(source)).unwrap_or_default();
    let inputs: serde_json::Map<String, Value> =
        read.into_iter().map(|(name, values)| (name, json!(values))).collect();
    json!({ "rule": answer.rule, "applies": answer.applies, "reason": answer.reason, "inputs": inputs })
}

fn mapping(story: &Story) -> Vec<Value> {
    let all = story.told.iter().flat_map(|told| &told.mapping);
    all.map(|mapped| {
        let inputs: serde_json::Map<String, Value> =
            story.inputs(&mapped.source).into_iter().map(|(name, values)| (name, json!(values))).collect();
        json!({
            "field": mapped.field.map_or("email", |field| field.name()),
            "expression": mapped.source,
            "inputs": inputs,
            "written": written(story, mapped.field),
            "value": mapped.value.as_ref().ok().and_then(Option::as_ref),
            "withheld": mapped.value.as_ref().err().map(documents::withheld),
        })
    })
    .collect()
}

/// When the value of a field is written.
fn written(story: &Story, field: Option<Field>) -> &'static str {
    let is_in = |set: fn(&Explanation) -> FieldSet| {
        story.told.as_ref().zip(field).is_some_and(|(told, field)| set(told).contains(field))
    };
    match (is_in(|told| told.once), is_in(|told| told.kept)) {
        (true, _) => "at_creation",
        (false, true) => "where_empty",
        (false, false) => "always",
    }
}

fn licenses(story: &Story) -> Vec<Value> {
    let all = story.told.iter().flat_map(|told| &told.entitlements);
    all.map(|(rule, gives)| {
        let mut document = answer(story, rule);
        document["gives"] = gives.iter().map(|id| license(story, id)).collect();
        document
    })
    .collect()
}

fn license(story: &Story, id: &LicenseId) -> Value {
    let known = story.catalogue.get(id);
    json!({
        "license": id,
        "name": story.catalogue.name(id),
        "total": known.and_then(|license| license.total),
        "consumed": known.map(|license| license.consumed),
    })
}

fn link(story: &Story) -> Value {
    let Some(row) = &story.row else { return Value::Null };
    json!({
        "anchor": row.anchor,
        "cloud_id": row.cloud_id,
        "origin": row.origin,
        "since": story.begun.as_ref().and_then(|begun| instant(begun.time)),
        "run": story.begun.as_ref().map(|begun| begun.run),
        "left_since": match row.state {
            LinkState::Left { since } => instant(since),
            LinkState::Present => None,
        },
        "email": row.applied.email,
        "given": row.given.licenses.iter().map(|id| license(story, id)).collect::<Vec<_>>(),
    })
}

fn account(story: &Story) -> Value {
    let Some(seen) = story.seen() else { return Value::Null };
    json!({
        "cloud_id": seen.id,
        "email": seen.email,
        "active": seen.active,
        "external_id": seen.external_id,
        "roles": seen.roles,
        "licenses": story.holds.iter().flatten().map(|id| license(story, id)).collect::<Vec<_>>(),
        "stray": story.account.is_some() && story.anchor.is_none(),
    })
}

fn pass(story: &Story) -> Value {
    let Some(outlook) = &story.outlook else { return Value::Null };
    json!({
        "actions": outlook.actions.iter()
            .map(|done| documents::action(&done.action, done.held_by.as_deref())).collect::<Vec<_>>(),
        "withheld": outlook.withheld.iter().map(documents::withheld).collect::<Vec<_>>(),
        "waiting": outlook.waiting.iter().map(|id| license(story, id)).collect::<Vec<_>>(),
        "kept": outlook.fading.iter().map(|one| grace::document(&story.catalogue, one)).collect::<Vec<_>>(),
        "left_as_is": outlook.short,
        "findings": outlook.findings,
        "protected": outlook.case.as_ref().is_some_and(|case| case.protected),
    })
}

fn kept(kept: &Kept) -> Value {
    json!({
        "plan": kept.plan,
        "decision": match kept.decision {
            None => "waiting",
            Some(Decision::Approved) => "approved",
            Some(Decision::Rejected) => "rejected",
            Some(_) => "done",
        },
        "actions": kept.actions.iter().map(|action| documents::action(action, None)).collect::<Vec<_>>(),
    })
}
