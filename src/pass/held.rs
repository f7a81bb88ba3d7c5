//! What the guard holds waits for approval under an id that says what it is, and is done with when
//! it was carried out or is not wanted any more.

use crate::clock;
use crate::guard::{Finding, HeldAction};
use crate::model::Key;
use crate::store::{Decision, HeldPlan, RunId, Store};

use super::PassError;
use super::act::Acted;
use super::looked::Look;

/// Stores what the guard holds, under an id that is the same for the same actions; what was
/// held before and is not wanted any more is done with.
pub(super) async fn hold(look: &Look, store: &Store, run: RunId, acted: &mut Acted) -> Result<(), PassError> {
    let now = clock::now().timestamp();
    let id = (!acted.held.is_empty()).then(|| held_id(&acted.held));
    // While absence is not proved no removal is planned, which says nothing about those that wait.
    if look.policy.may_remove && look.reading.partial.is_empty() {
        for old in store.reader().held()? {
            if old.decision.is_none() && Some(&old.id) != id.as_ref() && is_about(look, &old) {
                store.decide_held(&old.id, Decision::Overtaken, now).await?;
            }
        }
    }
    let Some(id) = id else { return Ok(()) };
    let findings: Vec<&Finding> = look.guard.findings().iter().chain(&acted.findings).collect();
    let findings = serde_json::to_value(findings)
        .map_err(|e| PassError::fault(format!("findings could not be written: {e}")))?;
    let plan = HeldPlan {
        id: id.clone(),
        run,
        generation: look.generation,
        created: now,
        decision: None,
        findings,
        actions: acted.held.iter().map(|held| held.action.clone()).collect(),
    };
    store.hold(plan).await?;
    acted.held_plan = Some(id);
    Ok(())
}

/// Whether the pass was about everybody and every group of a plan.
pub(super) fn is_about(look: &Look, plan: &HeldPlan) -> bool {
    let groups = look.compared_groups();
    let concerned = look.reading.concerned.as_ref();
    plan.actions.iter().all(|action| match action.kind.is_group() {
        true => groups,
        false => concerned.is_none_or(|concerned| concerned.contains(&action.anchor)),
    })
}

impl Look {
    /// Whether any plan was rejected.
    ///
    /// # Errors
    ///
    /// When the store failed.
    pub fn knows_rejections(&self) -> Result<bool, PassError> {
        Ok(self.reader.held()?.iter().any(|plan| plan.decision == Some(Decision::Rejected)))
    }

    /// Whether exactly this was rejected.
    ///
    /// # Errors
    ///
    /// When the store failed.
    pub fn is_rejected(&self, held: &[HeldAction]) -> Result<bool, PassError> {
        let plan = self.reader.held_plan(&held_id(held))?;
        Ok(plan.is_some_and(|plan| plan.decision == Some(Decision::Rejected)))
    }
}

fn held_id(held: &[HeldAction]) -> String {
    let mut lines: Vec<String> = held
        .iter()
        .map(|one| {
            let changes: Vec<String> =
                one.action.changes.iter().map(|c| format!("{} {:?} {:?}", c.field, c.from, c.to)).collect();
            format!("{} {} {}", one.action.anchor, one.action.kind, changes.join(";"))
        })
        .collect();
    lines.sort_unstable();
    Key::exact(&lines.join("\n")).0[..4].iter().map(|byte| format!("{byte:02x}")).collect()
}
