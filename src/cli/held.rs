//! `dirsyncd held`, `approve` and `reject`: what the guard holds, and the administrator's word.

use std::io::{self, Write};

use serde_json::{Value, json};

use crate::clock;
use crate::guard::{Finding, Removal, limit_of};
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
    let mut rejected: Vec<HeldPlan> = Vec::new();
    let plans = match &args.plan {
        Some(id) => vec![reader.held_plan(id)?.ok_or_else(|| unknown(id))?],
        None => {
            let all = reader.held()?;
            let (no, plans) = all.into_iter().partition(|plan| plan.decision == Some(Decision::Rejected));
            rejected = no;
            plans
        }
    };
    if console.json {
        console.document(&json!({ "held": plans.iter().map(document).collect::<Vec<_>>() }))?;
    } else {
        let names = last::catalogue(&reader)?;
        let shown = if args.plan.is_some() { usize::MAX } else { SHOWN };
        console.print(|out| {
            write(out, console.style(), &names, &plans, shown)?;
            rejected.iter().try_for_each(|plan| write_rejected(out, plan))
        })?;
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
            let remedy = match before {
                Decision::Rejected => how_a_rejection_ends(&Reader::open(&dir)?, plan)?,
                _ => "what is wanted again is held again by the next pass, if it is still too much".into(),
            };
            return Err(Failure::usage(format!("plan {plan} was {word} before"), remedy));
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

/// What is left to do about a plan that was rejected.
fn how_a_rejection_ends(reader: &Reader, plan: &str) -> Result<String, Failure> {
    let findings = reader.held_plan(plan)?.map(|plan| plan.findings);
    let findings: Vec<Finding> =
        findings.and_then(|all| serde_json::from_value(all).ok()).unwrap_or_default();
    let limits: Vec<String> = findings.iter().filter_map(|finding| limit_of(&finding.code)).collect();
    let first = "it stays undone until it is another plan, which waits anew";
    Ok(match limits.is_empty() {
        true => first.to_owned(),
        false => format!(
            "{first}; to carry it out after all, {} in the configuration until a pass did",
            limits.join(" and ")
        ),
    })
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

/// A plan that was rejected is no more than mentioned in the list.
fn write_rejected(out: &mut dyn Write, plan: &HeldPlan) -> io::Result<()> {
    let (id, count) = (&plan.id, plan.actions.len());
    writeln!(out, "Plan {id} was rejected: a pass that wants exactly its {count} actions leaves them undone.")
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
