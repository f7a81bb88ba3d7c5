//! What the rules say about licences besides who gets them: who does not, and when one is taken.

use std::collections::BTreeSet;

use super::{Sieve, Work};
use crate::model::{Record, SourceId, Ungiven, Withheld};
use crate::plan::Tenure;

/// Somebody who does not get a licence that a rule gives.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NotGiven {
    /// Who.
    pub anchor: SourceId,
    /// The DN.
    pub dn: String,
    /// What, and why.
    pub what: Ungiven,
}

impl Sieve {
    /// What the rules say about taking licences.
    pub fn tenure(&self) -> Tenure {
        let (grace_of, grace) = self.rules.grace();
        let claims =
            if self.rules.takes_managed() { self.rules.managed_licenses().clone() } else { BTreeSet::new() };
        Tenure { claims, grace_of, grace, bonds: self.rules.bonds() }
    }
}

impl Work {
    /// Notes what somebody does not get; whether any of it is for somebody to mend.
    pub(super) fn note_ungiven(&mut self, record: &Record, ungiven: Vec<Ungiven>, sieve: &Sieve) -> bool {
        let mut open = false;
        for what in ungiven {
            match what.remedy {
                None => {
                    self.not_given.push(NotGiven { anchor: record.anchor, dn: record.dn.clone(), what });
                }
                Some(remedy) => {
                    open = true;
                    let reason = format!("\"{}\" is not given: {}", what.name, what.reason);
                    let withheld = Withheld {
                        anchor: Some(record.anchor),
                        dn: record.dn.clone(),
                        code: "license_not_given".into(),
                        reason,
                        remedy,
                    };
                    self.withhold(withheld, sieve);
                }
            }
        }
        open
    }
}
