//! What is objected to in a look, by the guard and by the names in the rules.

use std::collections::BTreeSet;

use crate::guard::{Fate, Finding, SHRANK};
use crate::pass::Look;
use crate::rules::Unbound;

/// The objections to a look: those of the guard, and names that the cloud does not have.
pub fn findings(look: &Look) -> Vec<Finding> {
    look.guard.findings().iter().cloned().chain(look.unbound.iter().map(unbound)).collect()
}

/// Objections with the remedies that fit what became of them: which codes hold something, and whether
/// exactly what they hold was rejected.
pub fn settled(findings: Vec<Finding>, held: &BTreeSet<&str>, rejected: bool) -> Vec<Finding> {
    let fate = |code: &str| match () {
        () if !(held.contains(code) || code == SHRANK && !held.is_empty()) => Fate::Nothing,
        () if rejected => Fate::Rejected,
        () => Fate::Waits,
    };
    let settle = |finding: Finding| {
        let fate = fate(&finding.code);
        finding.with(fate)
    };
    findings.into_iter().map(settle).collect()
}

/// A name that the cloud does not have, as a finding.
fn unbound(one: &Unbound) -> Finding {
    Finding {
        code: "unbound".into(),
        message: format!(
            "{}: \"{}\": {}; nothing is taken away until this is settled",
            one.rule, one.wanted, one.message
        ),
        remedy: one.remedy.clone(),
        limit: 0,
        count: 1,
    }
}
