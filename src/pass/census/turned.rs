//! A record that is of another kind than the account that is linked to it.

use super::super::kinds;
use super::{Sieve, Work};
use crate::model::{AccountKind, Fingerprint, Record, Standing, Wanted};
use crate::store::StagedWanted;

impl Work {
    /// Withholds somebody linked whose record is of another kind now.
    pub(super) fn turned(
        &mut self,
        record: Record,
        print: Fingerprint,
        was: AccountKind,
        is: AccountKind,
        sieve: &Sieve,
    ) {
        let withheld = kinds::changed_in_directory(&record, was, is);
        self.withhold(withheld.clone(), sieve);
        self.batch.push(StagedWanted {
            anchor: record.anchor,
            linked: true,
            record: print,
            dn: record.dn,
            email: None,
            recheck: None,
            joined: None,
            wanted: Wanted::Withheld(withheld),
            standing: Standing::default(),
        });
    }
}
