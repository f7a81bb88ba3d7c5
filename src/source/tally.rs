//! Counting what a read saw and what it did not, towards the census.

use crate::model::{Census, Completeness, Found, Record, RecordKind, Unusable};

/// How many unusable entries are listed. A wrong anchor attribute makes every entry of the
/// directory unusable; nobody reads a million lines.
const LISTED: usize = 10_000;

/// The running counts of one read.
#[derive(Default)]
pub(super) struct Tally {
    people: u64,
    groups: u64,
    unusable: Vec<Unusable>,
    unlisted: u64,
    nameless: u64,
    lost_groups: u64,
    leftovers: u64,
    /// Referrals met.
    pub referrals: u64,
    gaps: Vec<String>,
}

impl Tally {
    /// Counts a record that is passed on.
    pub(super) fn count(&mut self, kind: RecordKind) {
        match kind {
            RecordKind::Person | RecordKind::Room => self.people += 1,
            RecordKind::Group => self.groups += 1,
            RecordKind::Contact | RecordKind::Other => {}
        }
    }

    /// Notes an entry that is, or may be, a group and cannot be used. Who is a member of what
    /// is then not known whole.
    pub(super) fn unusable_group(&mut self, entry: Unusable) {
        self.lost_groups += 1;
        self.unusable(entry);
    }

    /// Notes an entry that cannot be used.
    pub(super) fn unusable(&mut self, entry: Unusable) {
        self.nameless += u64::from(entry.dn.is_empty() && entry.anchor.is_none());
        if self.unusable.len() < LISTED {
            self.unusable.push(entry);
        } else {
            self.unlisted += 1;
        }
    }

    /// Notes that something was not read, in a sentence.
    pub(super) fn gap(&mut self, reason: String) {
        self.gaps.push(reason);
    }

    /// How many gaps were noted up to now.
    pub(super) fn gaps(&self) -> usize {
        self.gaps.len()
    }

    /// Whether nothing is missing up to now.
    pub(super) fn is_whole(&self) -> bool {
        self.gaps.is_empty() && self.unlisted == 0 && self.nameless == 0 && self.lost_groups == 0
    }

    /// Notes what is left of a deleted object. It counts for nothing.
    pub(super) fn leftover(&mut self) {
        self.leftovers += 1;
    }

    /// How many leftovers were met.
    pub(super) fn leftovers(&self) -> u64 {
        self.leftovers
    }

    /// How many people and rooms were seen, with those that are unusable.
    pub(super) fn seen(&self) -> u64 {
        self.people + self.unusable.len() as u64
    }

    /// The census. It is partial when there is a gap, when memberships are not known whole, or
    /// when unusable entries are not all listed with their DN: what is not known by name cannot
    /// be withheld.
    pub(super) fn into_census(mut self, identity: String) -> Census {
        self.close();
        Census {
            completeness: match self.gaps.is_empty() {
                true => Completeness::Whole,
                false => Completeness::Partial { reasons: self.gaps },
            },
            identity,
            bases: Vec::new(),
            people: self.people,
            groups: self.groups,
            unusable: self.unusable,
            referrals: self.referrals,
            cursor: None,
            containers: Vec::new(),
            advice: None,
        }
    }

    /// What a lookup found. Gaps as in a census.
    pub(super) fn into_found(mut self, records: Vec<Record>) -> Found {
        self.close();
        Found { records, containers: Vec::new(), unusable: self.unusable, gaps: self.gaps }
    }

    /// Makes gaps of what was counted.
    fn close(&mut self) {
        if self.unlisted > 0 {
            self.gaps.push(format!(
                "{} further entries cannot be used either, for reasons like those listed",
                self.unlisted
            ));
        }
        if self.nameless > 0 {
            self.gaps
                .push(format!("{} entries cannot be used, and not even their DNs are known", self.nameless));
        }
        if self.lost_groups > 0 {
            self.gaps.push(format!(
                "{} entries that may be groups cannot be used: memberships are not known whole",
                self.lost_groups
            ));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bad(dn: &str) -> Unusable {
        Unusable { dn: dn.into(), anchor: None, reason: "no anchor".into() }
    }

    #[test]
    fn unusable_entries_are_listed_up_to_a_bound_and_then_the_census_is_partial() {
        let mut tally = Tally::default();
        for n in 0..LISTED {
            tally.unusable(bad(&format!("cn={n}")));
        }
        tally.unusable(bad("cn=one more"));
        let census = tally.into_census("dc=test".into());
        assert_eq!(census.unusable.len(), LISTED);
        assert!(!census.is_whole());
    }

    #[test]
    fn what_cannot_be_withheld_by_name_makes_the_census_partial() {
        let census = |dn: &str, group: bool| {
            let mut tally = Tally::default();
            match group {
                true => tally.unusable_group(bad(dn)),
                false => tally.unusable(bad(dn)),
            }
            tally.into_census("dc=test".into())
        };
        assert!(census("cn=a", false).is_whole());
        assert!(!census("", false).is_whole());
        let mut tally = Tally::default();
        tally.unusable(Unusable { anchor: Some(crate::model::SourceId::new([1; 16])), ..bad("") });
        assert!(tally.into_census("dc=test".into()).is_whole());
        assert!(!census("cn=a", true).is_whole());
    }
}
