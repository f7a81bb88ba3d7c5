//! The way of a group as a JSON document: docs/schema/explain-group.json.

use serde_json::{Value, json};

use crate::report::json as documents;

use super::super::exit::Exit;
use super::super::status::instant;
use super::group::GroupStory;
use super::group_text::sentences;

/// Makes the document.
pub(super) fn of(story: &GroupStory, exit: Exit) -> Value {
    json!({
        "outcome": match exit {
            Exit::Usage => "several",
            exit => exit.word(),
        },
        "asked": story.asked,
        "answer": sentences(story).join(" "),
        "group": story.group.as_ref().map(|group| json!({
            "anchor": group.anchor,
            "dn": group.dn,
            "names": group.names,
            "chosen": group.cloud.is_some(),
            "name": group.cloud,
            "direct_people": group.direct.0,
            "direct_groups": group.direct.1,
            "nested_groups": group.nested,
        })),
        "members": story.inside.iter().map(|member| json!({
            "dn": member.dn,
            "email": member.email,
            "linked": member.linked,
            "ours": member.ours,
        })).collect::<Vec<_>>(),
        "left_out": story.left_out.iter().map(|(dn, reason)| json!({ "dn": dn, "reason": reason }))
            .collect::<Vec<_>>(),
        "not_read": story.unknown,
        "link": story.link.as_ref().map(|link| json!({
            "cloud_id": link.cloud_id,
            "name": link.name,
            "origin": link.origin,
            "members": story.ours,
            "left_since": link.left.and_then(instant),
        })),
        "pass": story.outlook.as_ref().map(|outlook| json!({
            "actions": outlook.actions.iter()
                .map(|done| documents::action(&done.action, done.held_by.as_deref())).collect::<Vec<_>>(),
            "withheld": outlook.withheld.iter().map(documents::withheld).collect::<Vec<_>>(),
            "left_as_is": outlook.kept,
            "findings": outlook.findings,
        })),
        "candidates": story.candidates,
        "source_trouble": story.gaps,
        "cloud_trouble": story.cloud_trouble.as_ref().map(|failure| json!({
            "message": failure.what, "remedy": failure.remedy,
        })),
    })
}
