//! What to do about an objection: that depends on what became of the actions that it holds.

use super::{Finding, Removal, SHRANK};

/// What became of the actions that an objection holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fate {
    /// They wait for a decision.
    Waits,
    /// Exactly this plan was rejected.
    Rejected,
    /// There are none, as what was planned was approved, or nothing was.
    Nothing,
}

/// What to change in the configuration so that what an objection holds passes.
pub fn limit_of(code: &str) -> Option<String> {
    if code == SHRANK {
        return Some("lower guard.min_census_percent".into());
    }
    let removal = Removal::ALL.into_iter().find(|removal| removal.code() == code)?;
    Some(format!("raise {}", removal.key()))
}

impl Finding {
    /// The same, with a remedy that fits what became of it.
    #[must_use]
    pub fn with(self, fate: Fate) -> Self {
        let Some(change) = limit_of(&self.code) else { return self };
        let remedy = match fate {
            Fate::Waits => return self,
            Fate::Rejected => format!(
                "the plan was rejected, and stays undone until it is another plan, which waits anew; take back what led \
                 to it, or {change} in the configuration until a pass has carried it out"
            ),
            Fate::Nothing if self.code == SHRANK => {
                "check base, filter and the rights of the bind account; nothing waits for approval".into()
            }
            Fate::Nothing => format!("nothing of it waits for approval; to let more pass, {change}"),
        };
        Self { remedy, ..self }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_remedy_fits_what_became_of_it() {
        let finding = |code: &str| Finding {
            code: code.into(),
            message: String::new(),
            remedy: "approve".into(),
            limit: 1,
            count: 2,
        };
        for code in Removal::ALL.into_iter().map(Removal::code).chain([SHRANK]) {
            assert_eq!(finding(code).with(Fate::Waits).remedy, "approve");
            for fate in [Fate::Rejected, Fate::Nothing] {
                let remedy = finding(code).with(fate).remedy;
                assert!(!remedy.contains("approve"), "{code}: {remedy}");
            }
            assert!(finding(code).with(Fate::Rejected).remedy.contains(" guard."), "{code}");
        }
        assert_eq!(finding("unbound").with(Fate::Rejected).remedy, "approve");
    }
}
