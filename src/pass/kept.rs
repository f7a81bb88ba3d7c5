//! What a pass does with the records that are kept: what is asked so that they stay whole, and how they
//! follow what was read.

use std::collections::{BTreeMap, BTreeSet};

use crate::model::{Ask, Field, Key, Record, SourceId};
use crate::rules::Rules;
use crate::source::Source;
use crate::store::{Followed, KeptRecords, Meta, Packer, Reader, RecordChanges, Store, StoreError};

use super::PassError;
use super::changes::Heard;
use super::looked::Look;

/// Records written, or looked through, at a time.
const CHUNK: usize = 5_000;

/// What becomes of the kept records when a pass has come to its end.
#[derive(Debug, Default)]
pub enum Kept {
    /// They stay as they are.
    #[default]
    Untouched,
    /// The configuration says that none are kept, and some are.
    Cleared,
    /// Everything was read: they are those in the stage.
    Staged(KeptRecords),
    /// A few are others.
    Changed(KeptRecords, RecordChanges),
    /// They cannot be relied on: somebody has two.
    Spoiled,
}

/// What the sources are asked. Where kept records hold more than the rules read today, the question
/// stays as it was: with another one, no source could tell what changed.
pub(super) fn question(rules: &Rules, meta: &Meta, keep: bool) -> Ask {
    let ask = rules.ask();
    match &meta.records {
        Some(kept) if keep && kept.cover(&ask) => kept.ask(),
        _ => ask,
    }
}

/// Whether other rules can be judged from the kept records: they hold all that the rules read, and the
/// people of the sources that there are, and of no other.
pub(super) fn suffice(kept: &KeptRecords, rules: &Rules, sources: &[Box<dyn Source>]) -> bool {
    kept.cover(&rules.ask()) && kept.sources.iter().map(String::as_str).eq(names(sources))
}

/// The names of sources, sorted.
fn names(sources: &[Box<dyn Source>]) -> BTreeSet<&str> {
    sources.iter().map(|source| source.name()).collect()
}

/// The words for the log when they do not.
pub(super) const LACKING: &str = "the rules changed, and the kept records lack somebody";

/// The words of the kept records, when everybody can be judged from them and from what was heard.
pub(super) fn words(
    rules: &Rules,
    meta: &Meta,
    keep: bool,
    sources: &[Box<dyn Source>],
    reader: &Reader,
    heard: &Heard,
) -> Result<Option<Vec<String>>, PassError> {
    let concerned = &heard.concerned;
    let Some(kept) = meta.records.as_ref().filter(|kept| keep && suffice(kept, rules, sources)) else {
        return Ok(None);
    };
    // The records of those who name a place that somebody left do not say where to.
    if rules.managed().contains(Field::Manager) && (kept.outdated || somebody_moves(reader, heard)?) {
        return Ok(None);
    }
    // An entry that could not be used, most often: nobody knows what the new rules make of it.
    let lacking = reader.unrecorded(concerned.len() + 1)?;
    Ok(lacking.iter().all(|anchor| concerned.contains(anchor)).then(|| kept.words.clone()))
}

/// Whether the records of somebody name one of these people, as a manager, where they stood until now.
/// While no manager is mapped, nobody knows.
pub(super) fn name(
    moved: &[(SourceId, String)],
    reader: &Reader,
    is_mapped: bool,
) -> Result<bool, StoreError> {
    if moved.is_empty() || !is_mapped {
        return Ok(!moved.is_empty());
    }
    let anchors: Vec<SourceId> = moved.iter().map(|(anchor, _)| *anchor).collect();
    let left = reader.rows(&anchors)?.into_iter().map(|row| Key::dn(&row.dn)).collect();
    Ok(!reader.reporters(&left)?.is_empty())
}

/// Whether somebody linked stands elsewhere than before.
fn somebody_moves(reader: &Reader, heard: &Heard) -> Result<bool, StoreError> {
    let places: BTreeSet<(Key, SourceId)> =
        heard.people.iter().map(|record| (record.dn_key(), record.anchor)).collect();
    let keys: Vec<Key> = places.iter().map(|(place, _)| *place).collect();
    let there: BTreeSet<(Key, SourceId)> = reader.anchors_by_dn(&keys)?.into_iter().collect();
    let elsewhere: Vec<SourceId> = places.difference(&there).map(|(_, anchor)| *anchor).collect();
    Ok(!reader.rows(&elsewhere)?.is_empty())
}

/// Packs the records of a few people while they are looked up.
#[derive(Debug, Default)]
pub(super) struct Hearsay {
    /// `None` while no records are kept that these could follow.
    packer: Option<Packer>,
    put: BTreeMap<SourceId, Vec<u8>>,
    spoiled: bool,
    /// None are to be kept, and some are.
    off: bool,
}

impl Hearsay {
    pub(super) fn new(meta: &Meta, keep: bool, reader: &Reader) -> Result<Self, StoreError> {
        let packer = meta.records.clone().filter(|_| keep).map(Packer::new);
        Ok(Self { packer, off: !keep && reader.keeps_records()?, ..Self::default() })
    }

    /// Takes a record, before anything is left out of it. `again`: there was another one.
    pub(super) fn take(&mut self, record: &Record, again: bool) {
        if let Some(packer) = &mut self.packer {
            self.put.insert(record.anchor, packer.pack(record));
            self.spoiled |= again;
        }
    }

    /// What becomes of the kept records. Of those who were asked for, whoever was not found has none
    /// any more, once absence is `proved`.
    pub(super) fn end(self, concerned: &BTreeSet<SourceId>, proved: bool) -> Kept {
        match self.packer {
            _ if self.spoiled => Kept::Spoiled,
            Some(packer) => {
                let gone = concerned.iter().filter(|anchor| proved && !self.put.contains_key(*anchor));
                let drop = gone.copied().collect();
                let put = self.put.into_iter().collect();
                Kept::Changed(packer.into_kept(), RecordChanges { put, drop, clear: false })
            }
            None if self.off => Kept::Cleared,
            None => Kept::Untouched,
        }
    }
}

impl Kept {
    /// The configuration says that none are kept.
    pub(super) fn none(reader: &Reader) -> Result<Self, StoreError> {
        Ok(if reader.keeps_records()? { Self::Cleared } else { Self::Untouched })
    }

    /// Notes in what is about to be remembered what becomes of them.
    pub(super) fn note(self, meta: &mut Meta, followed: &mut Followed) {
        match self {
            Self::Untouched | Self::Staged(_) => {}
            Self::Cleared => {
                meta.records = None;
                followed.records.clear = true;
            }
            Self::Changed(kept, changes) => {
                let outdated = kept.outdated || meta.records.as_ref().is_some_and(|kept| kept.outdated);
                meta.records = Some(KeptRecords { outdated, ..kept });
                followed.records = changes;
            }
            Self::Spoiled => meta.records = None,
        }
    }
}

/// Writes the records of a read of everything, in steps. What is written at every step is of the time of
/// the cursors or newer, so that a pass that is killed leaves nothing wrong behind.
pub(super) async fn store_all(
    look: &Look,
    store: &Store,
    kept: &KeptRecords,
    meta: &mut Meta,
) -> Result<(), PassError> {
    let whole = look.reading.settled && look.reading.partial.is_empty();
    let same = meta.records.as_ref().is_some_and(|known| known.hold_as_much_as(kept));
    // The words come first; and records of another question are none until all of them are new.
    let outdated = meta.records.as_ref().is_some_and(|known| known.outdated);
    let words = Some(KeptRecords { outdated, ..kept.clone() }).filter(|_| same);
    if meta.records != words {
        meta.records = words;
        let known = store.reader().meta()?;
        store.set_meta(Meta { records: meta.records.clone(), ..known }).await?;
    }
    if !whole && !same {
        return Ok(());
    }
    let mut after = None;
    loop {
        let put = look.people.records_after(after, CHUNK)?;
        let Some((last, _)) = put.last() else { break };
        after = Some(*last);
        store.change_records(RecordChanges { put, ..RecordChanges::default() }).await?;
    }
    if !whole {
        return Ok(());
    }
    let mut after = None;
    loop {
        let page = store.reader().records_after(after, CHUNK)?;
        let Some((last, _)) = page.last() else { break };
        after = Some(*last);
        let mut drop = Vec::new();
        for (anchor, _) in page {
            if !look.people.has_record(anchor)? {
                drop.push(anchor);
            }
        }
        if !drop.is_empty() {
            store.change_records(RecordChanges { drop, ..RecordChanges::default() }).await?;
        }
    }
    meta.records = Some(KeptRecords { outdated: false, ..kept.clone() });
    Ok(())
}
