//! What was read is weighed: what it proves about those who were not met, and what is remembered.

use crate::guard::Headcount;
use crate::model::{
    Cause, Census, Completeness, Key, LinkState, Sight, SnapshotRow, SourceId, Unusable, Wanted, Withheld,
    is_under, normal_dn,
};
use crate::source::Source;
use crate::store::{Followed, Meta, SourceMeta, Stage, StagedWanted, StoreError};

use super::super::PassError;
use super::super::kept::Kept;
use super::super::membership::Memberships;
use super::{Reading, Sieve, SourceSeen, Work};

/// People whose DNs are looked up at a time.
const CHUNK: usize = 10_000;

impl Work {
    /// Ends a read of everything.
    pub(super) fn conclude(
        mut self,
        sieve: &Sieve,
        meta: &Meta,
        censuses: Vec<(&dyn Source, Census)>,
    ) -> Result<(Reading, Stage), PassError> {
        let mut partial = Vec::new();
        let mut doubts = Doubts::default();
        let mut sources = Vec::new();
        let mut followed = Followed::default();
        let mut headcount: Option<Headcount> = None;
        for (source, mut census) in censuses {
            let (name, sight) = (source.name().to_owned(), source.sight());
            let last = meta.sources.get(&name);
            let mut complete = true;
            if let Completeness::Partial { reasons } = &census.completeness {
                partial.extend(reasons.iter().map(|reason| format!("source \"{name}\": {reason}")));
                complete = false;
                // Nothing was read that could say which directory this is: no other one answered.
                if let Some(last) = last.filter(|_| census.identity.is_empty()) {
                    census.identity.clone_from(&last.identity);
                }
            }
            if let Some(last) = last {
                if last.identity != census.identity {
                    complete = false;
                    partial.push(format!(
                        "source \"{name}\": another directory answered than last time (now {}, before {}): nothing is \
                         removed until a second read agrees",
                        census.identity, last.identity
                    ));
                }
                // Other bases and filters show others: what is missing then waits for approval anyway.
                if last.sight == sight || last.sight == Sight::default() {
                    let count = headcount.get_or_insert(Headcount { now: 0, before: 0 });
                    count.now += census.people + census.unusable.len() as u64;
                    count.before += last.people;
                }
            }
            self.unusable(&name, &census.unusable, sieve)?;
            if !complete {
                doubts.add(&census.bases);
            }
            if census.cursor.is_some() {
                followed.containers.push((name.clone(), census.containers));
            }
            let meta = SourceMeta {
                identity: census.identity,
                people: census.people,
                groups: census.groups,
                last_whole: sieve.now,
                bases: census.bases,
                sight,
                cursor: census.cursor,
                cursor_at: sieve.now,
            };
            sources.push(SourceSeen { name, meta, complete });
        }
        if !sieve.rules.wants_groups() {
            self.memberships = Some(Memberships::none());
        }
        let memberships = self.memberships.take().unwrap_or_else(Memberships::none);
        // What is missing beyond single sources is missing for everybody.
        let mut whole = !doubts.everybody;
        for group in memberships.missing() {
            whole = false;
            partial.push(missing_group(group));
        }
        if self.groups_doubtful {
            whole = false;
            if partial.is_empty() {
                partial.push("the groups were not read completely".to_owned());
            }
        }
        if whole {
            doubts.spare(sieve)?;
        }
        doubts.groups = !self.groups_whole;
        // A short census that is known to be short needs no guard.
        let headcount = headcount.filter(|_| partial.is_empty());
        let kept = std::mem::take(&mut self.packing).end(sieve)?;
        self.weigh_reporters(sieve)?;
        let (mut reading, stage) =
            self.into_reading(whole, partial, doubts, sources, followed, headcount, memberships, None);
        reading.kept = kept;
        Ok((reading, stage))
    }

    #[expect(clippy::too_many_arguments, reason = "the parts of a reading, each from another place")]
    pub(super) fn into_reading(
        self,
        whole: bool,
        partial: Vec<String>,
        doubts: Doubts,
        sources: Vec<SourceSeen>,
        followed: Followed,
        headcount: Option<Headcount>,
        memberships: Memberships,
        concerned: Option<std::collections::BTreeSet<SourceId>>,
    ) -> (Reading, Stage) {
        let reading = Reading {
            whole,
            settled: whole,
            partial,
            doubts,
            sources,
            followed,
            concerned,
            headcount,
            people: self.people,
            unchanged: self.unchanged,
            alike: self.comparison.alike,
            withheld: self.withheld,
            not_given: self.not_given,
            unfit: self.unfit,
            through_primary: self.through_primary,
            kept: Kept::default(),
            from_records: false,
            primary: self.primary,
            memberships,
            contacts: self.contacts,
        };
        (reading, self.stage)
    }

    /// An entry that could not be used might be any linked person: whoever has its anchor or its DN
    /// is not gone.
    pub(super) fn unusable(
        &mut self,
        source: &str,
        entries: &[Unusable],
        sieve: &Sieve,
    ) -> Result<(), StoreError> {
        let keys: Vec<Key> = entries.iter().map(|entry| Key::dn(&entry.dn)).collect();
        let by_dn = sieve.reader.anchors_by_dn(&keys)?.into_iter().map(|(_, anchor)| anchor);
        for anchor in by_dn.chain(entries.iter().filter_map(|entry| entry.anchor)) {
            if let Some(at) = sieve.index.find(anchor)
                && !sieve.index.met.set(at)
            {
                sieve.index.unusable.set(at);
            }
        }
        for Unusable { dn, anchor, reason } in entries {
            self.contacts.cannot_use(*anchor, dn);
            let withheld = Withheld {
                anchor: *anchor,
                dn: dn.clone(),
                code: "unusable".into(),
                reason: format!("the entry cannot be used: {reason}"),
                remedy: format!("repair the entry in the directory, or exclude it in source \"{source}\""),
            };
            self.withhold(withheld, sieve);
        }
        Ok(())
    }
}

/// A group that the rules name and nobody knows.
pub(super) fn missing_group(group: &str) -> String {
    format!(
        "the group \"{group}\" that the rules name is not in the directory: nothing is removed until it is there \
         again or the rules no longer name it"
    )
}

/// Whose absence proves nothing: the people of sources that were not read whole.
#[derive(Default)]
pub struct Doubts {
    /// The compared forms of the DNs under which they stand.
    bases: Vec<String>,
    /// A source that may hold anybody.
    everybody: bool,
    /// Whether there may be groups among what was not read, which go on to count as they were.
    pub(in crate::pass) groups: bool,
}

impl Doubts {
    /// Takes a source that was not read whole.
    pub(in crate::pass) fn add(&mut self, bases: &[String]) {
        self.everybody |= bases.is_empty();
        self.bases.extend(bases.iter().map(|base| normal_dn(base)));
    }

    /// Whether anybody may be among them.
    pub(in crate::pass) fn everybody(&self) -> bool {
        self.everybody
    }

    /// Whether groups that were not read may hold somebody by a name of which the store does not know
    /// yet: what they gave is not taken away. `open`: with whom an earlier pass did not come to an end.
    pub(in crate::pass) fn cloud(&self, row: &SnapshotRow, staged: &StagedWanted, open: bool) -> bool {
        // Whoever is disabled leaves whatever the groups say.
        self.groups
            && !matches!(staged.wanted, Wanted::Leaving(Cause::Disabled))
            && (open || row.state != LinkState::Present || Key::dn(&row.dn) != Key::dn(&staged.dn))
    }

    /// Whether somebody with this DN is among them.
    pub fn holds(&self, dn: &str) -> bool {
        if self.everybody || self.bases.is_empty() {
            return self.everybody;
        }
        let dn = normal_dn(dn);
        self.bases.iter().any(|base| is_under(&dn, base))
    }

    /// Counts those of them who were not met as not decidable.
    pub(super) fn spare(&self, sieve: &Sieve) -> Result<(), StoreError> {
        if self.bases.is_empty() {
            return Ok(());
        }
        let index = &sieve.index;
        let unmet: Vec<SourceId> = (0..index.len())
            .filter(|at| !index.met.get(*at) && !index.is_left(*at))
            .map(|at| index.anchor(at))
            .collect();
        for anchors in unmet.chunks(CHUNK) {
            for row in sieve.reader.rows(anchors)?.iter().filter(|row| self.holds(&row.dn)) {
                if let Some(at) = index.find(row.anchor) {
                    index.met.set(at);
                    index.unusable.set(at);
                }
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_people_below_its_bases_are_doubtful() {
        let mut doubts = Doubts::default();
        doubts.add(&["OU=Sales, DC=a,DC=test".into()]);
        assert!(!doubts.everybody);
        for (dn, held) in [
            ("cn=x,ou=sales,dc=a,dc=test", true),
            ("ou=sales,dc=a,dc=test", true),
            ("cn=x,ou=presales,dc=a,dc=test", false),
            ("cn=x,ou=it,dc=a,dc=test", false),
            (r"cn=x\,ou=sales,dc=a,dc=test", false),
        ] {
            assert_eq!(doubts.holds(dn), held, "{dn}");
        }
        doubts.add(&[]);
        assert!(doubts.everybody, "a source that does not say where its people stand");
    }
}
