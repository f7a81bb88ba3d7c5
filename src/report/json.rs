//! The JSON documents of plans and results (docs/JSON.md): one shape for both, built from the
//! same values that the text is.

use std::io::{self, Write};

use serde_json::{Value, json};

use crate::guard::Finding;
use crate::model::{Action, Withheld};

use super::counts::Counts;

/// An action as plans and histories show it.
pub fn action(action: &Action, held_by: Option<&str>) -> Value {
    json!({
        "kind": action.kind,
        "anchor": action.anchor,
        "email": action.who.email(),
        "group": action.who.group(),
        "dn": action.dn,
        "cloud_id": action.cloud_id,
        "changes": action.changes,
        "cause": action.cause,
        "held_by": held_by,
    })
}

/// A withheld object.
pub fn withheld(one: &Withheld) -> Value {
    json!({
        "anchor": one.anchor,
        "dn": one.dn,
        "code": one.code,
        "reason": one.reason,
        "remedy": one.remedy,
    })
}

/// A stray account.
pub fn stray(cloud_id: &str, email: Option<&str>) -> Value {
    json!({ "cloud_id": cloud_id, "email": email })
}

/// Counts, findings and the rest of a plan that is known at its end.
pub struct PlanEnd<'a> {
    /// The id of the plan.
    pub plan: &'a str,
    /// The generation of the snapshot it is based on.
    pub generation: u64,
    /// Whether the whole directory was seen.
    pub source_complete: bool,
    /// Why not.
    pub source_trouble: &'a [String],
    /// Whether the whole cloud was listed.
    pub cloud_complete: bool,
    /// The counts.
    pub counts: &'a Counts,
    /// Objections.
    pub findings: &'a [Finding],
    /// Who is withheld.
    pub withheld: &'a [Withheld],
    /// What an edit of the rules does, as JSON; null without one.
    pub rules_changed: Value,
    /// Strays, as JSON.
    pub strays: Vec<Value>,
    /// Who waits for a seat, as JSON.
    pub waiting: Vec<Value>,
    /// Who keeps a licence for a while, as JSON.
    pub kept: Vec<Value>,
    /// Who does not get what a rule gives, as JSON.
    pub not_given: Vec<Value>,
    /// Seats per licence, as JSON.
    pub seats: Vec<Value>,
}

/// Writes a plan action by action, so that a large one is never in memory as a whole.
pub struct PlanWriter<'a> {
    out: &'a mut dyn Write,
    first: bool,
}

impl<'a> PlanWriter<'a> {
    /// Begins the document.
    ///
    /// # Errors
    ///
    /// This and all others: when it cannot be written.
    pub fn begin(out: &'a mut dyn Write) -> io::Result<Self> {
        out.write_all(b"{\n\"actions\": [")?;
        Ok(Self { out, first: true })
    }

    /// The next action.
    ///
    /// # Errors
    ///
    /// When it cannot be written.
    pub fn action(&mut self, one: &Action, held_by: Option<&str>) -> io::Result<()> {
        self.out.write_all(if std::mem::take(&mut self.first) { b"\n" } else { b",\n" })?;
        serde_json::to_writer(&mut *self.out, &action(one, held_by))?;
        Ok(())
    }

    /// The end of the document.
    ///
    /// # Errors
    ///
    /// When it cannot be written.
    pub fn end(self, end: &PlanEnd<'_>) -> io::Result<()> {
        let rest = json!({
            "plan": end.plan,
            "generation": end.generation,
            "source_complete": end.source_complete,
            "source_trouble": end.source_trouble,
            "cloud_complete": end.cloud_complete,
            "rules_changed": end.rules_changed,
            "counts": end.counts,
            "findings": end.findings,
            "withheld": end.withheld.iter().map(withheld).collect::<Vec<_>>(),
            "strays": end.strays,
            "waiting": end.waiting,
            "kept": end.kept,
            "not_given": end.not_given,
            "seats": end.seats,
        });
        let rest = rest.to_string();
        // The rest is an object of its own, of which the brace is left out.
        writeln!(self.out, "\n],\n{}", rest.strip_prefix('{').unwrap_or(&rest))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{Cause, Kind, SourceId};

    #[test]
    fn a_streamed_plan_is_one_document() {
        let one = Action {
            kind: Kind::Create,
            anchor: SourceId::new([1; 16]),
            who: "ann@example.com".parse().unwrap(),
            dn: None,
            cloud_id: None,
            changes: vec![],
            cause: Cause::NewRecord,
        };
        for actions in 0..3 {
            let mut out = Vec::new();
            let mut writer = PlanWriter::begin(&mut out).unwrap();
            for _ in 0..actions {
                writer.action(&one, None).unwrap();
            }
            writer
                .end(&PlanEnd {
                    plan: "p",
                    generation: 7,
                    source_complete: true,
                    source_trouble: &[],
                    cloud_complete: false,
                    counts: &Counts::default(),
                    findings: &[],
                    withheld: &[],
                    rules_changed: Value::Null,
                    strays: vec![],
                    waiting: vec![],
                    kept: vec![],
                    not_given: vec![],
                    seats: vec![],
                })
                .unwrap();
            let document: Value = serde_json::from_slice(&out).unwrap();
            assert_eq!(document["actions"].as_array().unwrap().len(), actions);
            assert_eq!(document["generation"], 7);
            assert_eq!(document["counts"]["stray"], Value::Null);
        }
    }
}
