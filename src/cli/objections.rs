//! What is objected to in a look, by the guard and by the names in the rules.

use crate::guard::Finding;
use crate::pass::Look;
use crate::rules::Unbound;

/// The objections to a look: those of the guard, and names that the cloud does not have.
pub fn findings(look: &Look) -> Vec<Finding> {
    look.guard.findings().iter().cloned().chain(look.unbound.iter().map(unbound)).collect()
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
