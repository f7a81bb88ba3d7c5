//! Two entries, one anchor: a copied entry, or two exports in one file. Nobody knows which of
//! them is the person, and to follow both would hand the account from one to the other in every
//! pass, so the person is withheld.

use super::{Sieve, Work};
use crate::model::{Fingerprint, Key, Record, SourceId, Standing, Wanted, Withheld};
use crate::store::{StagedWanted, StoreError};

impl Work {
    /// A second record with the anchor of a linked person. The same entry come twice is nothing
    /// new; under another DN it is another entry.
    pub(super) fn met_again(
        &mut self,
        record: Record,
        print: Fingerprint,
        sieve: &Sieve,
    ) -> Result<(), StoreError> {
        self.flush(sieve)?;
        let anchor = [record.anchor];
        let first = match self.stage.wanted(&anchor)?.pop() {
            Some(staged) => staged.dn,
            None => match sieve.reader.rows(&anchor)?.pop() {
                Some(row) => {
                    self.unchanged = self.unchanged.saturating_sub(1);
                    row.dn
                }
                None => return Ok(()),
            },
        };
        if Key::dn(&first) == Key::dn(&record.dn) {
            return Ok(());
        }
        self.call_back(record.anchor, sieve);
        let withheld = self.contested(record.anchor, &record.dn, &first, sieve);
        self.batch.push(StagedWanted {
            anchor: record.anchor,
            linked: true,
            record: print,
            joined: sieve.rules.join_key(&record),
            dn: record.dn,
            email: None,
            recheck: None,
            wanted: Wanted::Withheld(withheld),
            standing: Standing::default(),
        });
        Ok(())
    }

    /// Withholds somebody whose anchor two entries have: nobody knows which of them is the
    /// person, and to follow both would hand the account from one to the other in every pass.
    pub(super) fn contested(&mut self, anchor: SourceId, dn: &str, other: &str, sieve: &Sieve) -> Withheld {
        self.packing.spoiled = true;
        let withheld = Withheld {
            anchor: Some(anchor),
            dn: dn.to_owned(),
            code: "contested".into(),
            reason: format!("the anchor {anchor} is also that of the entry \"{other}\""),
            remedy: "give each entry an anchor of its own in the directory, or take one of the two out of it"
                .into(),
        };
        self.withhold(withheld.clone(), sieve);
        withheld
    }
}
