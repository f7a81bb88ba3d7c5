//! The records that are kept: packed while everything is read, and judged in the place of a read.

use std::collections::BTreeSet;
use std::sync::mpsc::{SyncSender, sync_channel};

use crate::model::{Fingerprint, Record, SourceId};
use crate::store::{KeptRecords, Meta, Packer, Stage, StoreError, unpack, unreadable};

use super::super::PassError;
use super::super::kept::Kept;
use super::{Sieve, Work};

/// Kept records unpacked at a time.
const PAGE: usize = 4_096;

/// Packs the records of a read of everything, where they are kept.
#[derive(Default)]
pub(super) struct Packing {
    packer: Option<Packer>,
    packed: Vec<(SourceId, Vec<u8>)>,
    /// Somebody has two records.
    pub(super) spoiled: bool,
}

impl Packing {
    /// Packs one more.
    pub(super) fn take(&mut self, record: &Record) {
        if let Some(packer) = &mut self.packer {
            let packed = packer.pack(record);
            self.packed.push((record.anchor, packed));
        }
    }

    /// Spools what is packed.
    pub(super) fn flush(&mut self, stage: &mut Stage) -> Result<(), StoreError> {
        if !self.packed.is_empty() {
            stage.put_records(&self.packed)?;
            self.packed.clear();
        }
        Ok(())
    }

    /// What becomes of the kept records.
    pub(super) fn end(self, sieve: &Sieve) -> Result<Kept, StoreError> {
        Ok(match self.packer {
            None => Kept::none(&sieve.reader)?,
            Some(_) if self.spoiled => Kept::Spoiled,
            Some(packer) => Kept::Staged(packer.into_kept()),
        })
    }
}

impl Work {
    /// From here on records are packed. The words of an earlier question are of no use for `these`.
    pub(super) fn keep_records(&mut self, these: KeptRecords, meta: &Meta) {
        let known = meta.records.as_ref().filter(|known| known.hold_as_much_as(&these));
        self.packing.packer = Some(Packer::new(known.cloned().unwrap_or(these)));
    }

    /// Judges everybody by the kept records, but those of whom something newer was heard.
    pub(super) fn judge_kept(
        &mut self,
        concerned: &BTreeSet<SourceId>,
        words: &[String],
        sieve: &Sieve,
    ) -> Result<(), PassError> {
        std::thread::scope(|scope| {
            let (sender, pages) = sync_channel(0);
            let unpacking = scope.spawn(move || unpack_all(concerned, words, sieve, &sender));
            for page in pages {
                self.people += page.len() as u64;
                for (record, print) in page {
                    self.judge_printed(record, print, sieve)?;
                }
                self.flush_ahead(sieve)?;
            }
            unpacking.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic))
        })?;
        self.flush(sieve)?;
        // Whoever left earlier and has no record any more stays gone.
        let index = &sieve.index;
        for at in (0..index.len()).filter(|at| !concerned.contains(&index.anchor(*at))) {
            index.met.set(at);
        }
        Ok(())
    }
}

/// Unpacks the kept records of all who are not `concerned`, while those before are judged.
fn unpack_all(
    concerned: &BTreeSet<SourceId>,
    words: &[String],
    sieve: &Sieve,
    pages: &SyncSender<Vec<(Record, Fingerprint)>>,
) -> Result<(), PassError> {
    let ask = sieve.rules.ask();
    let mut after = None;
    loop {
        let page = sieve.reader.records_after(after, PAGE)?;
        let Some((last, _)) = page.last() else { return Ok(()) };
        after = Some(*last);
        let mut records = Vec::with_capacity(page.len());
        for (anchor, packed) in page.into_iter().filter(|(anchor, _)| !concerned.contains(anchor)) {
            let mut record = unpack(anchor, &packed, words).ok_or_else(|| unreadable(anchor))?;
            ask.trim(&mut record);
            let print = record.fingerprint(sieve.rules.fingerprint());
            records.push((record, print));
        }
        if pages.send(records).is_err() {
            // Whoever judges them gave up, and says why.
            return Ok(());
        }
    }
}
