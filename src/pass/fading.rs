//! Who keeps a licence for a while, and is not looked at before that is over: nothing about them changed.

use std::collections::BTreeSet;

use crate::model::SourceId;
use crate::plan::Fading;

use super::PassError;
use super::looked::Look;

impl Look {
    /// Those of the state, but for the people about whom the plan decides anew.
    ///
    /// # Errors
    ///
    /// When the state cannot be read.
    pub fn still_fading(&self, anew: &BTreeSet<SourceId>) -> Result<Vec<Fading>, PassError> {
        if self.alone {
            return Ok(Vec::new());
        }
        let (_, mut keepers) = self.reader.keepers(usize::MAX)?;
        keepers.retain(|one| !anew.contains(&one.anchor));
        let tenure = &self.policy.tenure;
        let each = keepers.into_iter().flat_map(|one| {
            let fading = one.fading.into_iter().map(move |(license, since)| Fading {
                anchor: one.anchor,
                email: one.email.to_string(),
                until: tenure.due(&license, since),
                license,
            });
            fading.collect::<Vec<_>>()
        });
        Ok(each.collect())
    }
}
