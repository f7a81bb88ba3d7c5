//! `dirsyncd held`, `approve` and `reject`: what the guard holds, and the administrator's word.

use std::io::{self, Write};

use serde_json::{Value, json};

use crate::clock;
use crate::guard::{Finding, Removal};
use crate::model::{Action, Catalogue};
use crate::report::json as documents;
use crate::report::text::{self, Style};
use crate::store::{Decided, Decision, HeldPlan, Reader, decide};

use super::args::{self, Globals};
use super::assemble;
use super::console::Console;
use super::exit::{Exit, Failure};
use super::last;
use super::status::instant;

/// Of each plan so many actions are shown in the list.
const SHOWN: usize = 5;

/// Runs `held`.
///
/// # Errors
///
/// When the state cannot be read, or there is no such plan.
pub fn run(globals: &Globals, console: Console, args: &args::Held) -> Result<Exit, Failure> {
    let reader = Reader::open(&assemble::state_dir(globals)?)?;
    let plans = match &args.plan {
        Some(id) => vec![reader.held_plan(id)?.ok_or_else(|| unknown(id))?],
        None => {
            let mut plans = reader.held()?;
            plans.retain(|plan| plan.decision != Some(Decision::Rejected));
            plans
        }
    };
    if console.json {
        console.document(&json!({ "held": plans.iter().map(document).collect::<Vec<_>>() }))?;
    } else {
        let names = last::catalogue(&reader)?;
        let shown = if args.plan.is_some() { usize::MAX } else { SHOWN };
        console.print(|out| write(out, console.style(), &names, &plans, shown))?;
    }
    Ok(Exit::Done)
}

/// Runs `approve` and `reject`.
///
/// # Errors
///
/// When there is no such plan, it was decided before, or the state cannot be written.
pub fn decide_plan(
    globals: &Globals,
    console: Console,
    args: &args::Decide,
    decision: Decision,
) -> Result<Exit, Failure> {
    let dir = assemble::state_dir(globals)?;
    let plan = args.plan.as_str();
    match decide(&dir, plan, decision, clock::now().timestamp())? {
        Decided::Noted => {}
        Decided::Unknown => return Err(unknown(plan)),
        // Saying the same again is not a mistake.
        Decided::Already(before) if before == decision => {}
        Decided::Already(before) => {
            let word = match before {
                Decision::Approved => "approved",
                Decision::Rejected => "rejected",
                Decision::Done => "carried out",
                Decision::Overtaken => "overtaken by a later pass",
            };
            return Err(Failure::usage(
                format!("plan {plan} was {word} before"),
                "what is wanted again is held again by the next pass, if it is still too much",
            ));
        }
    }
    let approved = decision == Decision::Approved;
    if console.json {
        console.document(&json!({ "plan": plan, "decision": decision }))?;
    } else {
        let next = if approved {
            "approved: the next pass carries out what of it is still wanted, and nothing else that is held."
        } else {
            "rejected: it stays undone until the plan is another one."
        };
        console.print(|out| writeln!(out, "Plan {plan} is {next}"))?;
    }
    Ok(Exit::Done)
}

fn unknown(plan: &str) -> Failure {
    Failure::usage(format!("there is no held plan {plan}"), "`dirsyncd held` lists them")
}

fn document(plan: &HeldPlan) -> Value {
    json!({
        "plan": plan.id,
        "run": plan.run,
        "generation": plan.generation,
        "created": instant(plan.created),
        "decision": plan.decision,
        "findings": plan.findings,
        "actions": plan.actions.iter().map(|action| documents::action(action, held_by(plan, action))).collect::<Vec<_>>(),
    })
}

/// The finding that holds an action: that of its kind, or the one over all removals.
fn held_by<'a>(plan: &'a HeldPlan, action: &Action) -> Option<&'a str> {
    let findings = plan.findings.as_array()?;
    let codes = || findings.iter().filter_map(|one| one.get("code")?.as_str());
    let own = Removal::of(action).map(Removal::code);
    codes().find(|code| Some(*code) == own).or_else(|| codes().next())
}

fn write(
    out: &mut dyn Write,
    style: Style,
    names: &Catalogue,
    plans: &[HeldPlan],
    shown: usize,
) -> io::Result<()> {
    if plans.is_empty() {
        return writeln!(out, "Nothing is held.");
    }
    for plan in plans {
        let state = match plan.decision {
            None => "waits for a decision",
            Some(Decision::Approved) => "is approved, and carried out by the next pass",
            Some(Decision::Rejected) => "was rejected",
            Some(Decision::Done) => "was carried out",
            Some(Decision::Overtaken) => "was overtaken by a later pass",
        };
        let made = instant(plan.created).unwrap_or_default();
        let head = format!(
            "Plan {} of run {}, {made}: {} actions; it {state}",
            plan.id,
            plan.run,
            plan.actions.len()
        );
        writeln!(out, "{}", style.bold(&head))?;
        let findings: Vec<Finding> = serde_json::from_value(plan.findings.clone()).unwrap_or_default();
        for finding in &findings {
            writeln!(
                out,
                "{}",
                style.yellow(&format!("! {:<14} {}", finding.code, text::printable(&finding.message)))
            )?;
        }
        for action in plan.actions.iter().take(shown) {
            text::action(out, style, names, action, None)?;
        }
        if plan.actions.len() > shown {
            writeln!(out, "  ... and {} more: dirsyncd held {}", plan.actions.len() - shown, plan.id)?;
        }
        if plan.decision.is_none() {
            writeln!(out, "  dirsyncd approve {0}   |   dirsyncd reject {0}", plan.id)?;
        }
    }
    Ok(())
}
