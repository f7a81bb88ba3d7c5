//! The way through the sections: who comes next, with all that is known about them.

use std::collections::VecDeque;
use std::sync::mpsc::SyncSender;

use crate::model::SourceId;
use crate::store::{StagedWanted, StoreError};

use super::super::cases::Cases;
use super::super::evidence::Evidence;
use super::super::sections::Sections;
use super::CHUNK;

/// One section's next people.
enum Chunk {
    Linked(Vec<SourceId>),
    New(Vec<StagedWanted>),
}

/// Where it stands.
pub(super) struct Walk<'a> {
    evidence: Evidence<'a>,
    todo: VecDeque<Vec<SourceId>>,
    /// So many of them, at the beginning, are of leavers.
    leavers: usize,
    newcomers_after: Option<Option<SourceId>>,
    /// In a tally, the few newcomers who matter.
    candidates: Option<Vec<StagedWanted>>,
    last: VecDeque<Vec<SourceId>>,
}

impl<'a> Walk<'a> {
    /// Begins at the first section.
    pub(super) fn begin(evidence: Evidence<'a>, sections: &Sections) -> Self {
        let chunks = |list: &[SourceId]| list.chunks(CHUNK).map(<[_]>::to_vec).collect::<Vec<_>>();
        let mut todo: VecDeque<Vec<SourceId>> = chunks(&sections.leavers).into();
        let leavers = todo.len();
        todo.extend(chunks(&sections.first));
        for round in &sections.rounds {
            todo.extend(chunks(round));
        }
        todo.extend(chunks(&sections.linked));
        Self {
            evidence,
            todo,
            leavers,
            newcomers_after: sections.newcomers.then_some(None),
            candidates: None,
            last: chunks(&sections.resting).into(),
        }
    }

    /// Whether there is more than a chunk of anybody.
    pub(super) fn is_long(&self) -> bool {
        let newcomers = if self.newcomers_after.is_some() { self.evidence.people.counts().1 } else { 0 };
        self.todo.iter().any(|chunk| chunk.len() == CHUNK) || newcomers > CHUNK as u64
    }

    /// The rest of the way.
    pub(super) fn take(&mut self) -> Self {
        Self {
            evidence: self.evidence,
            todo: std::mem::take(&mut self.todo),
            leavers: self.leavers,
            newcomers_after: self.newcomers_after.take(),
            candidates: self.candidates.take(),
            last: std::mem::take(&mut self.last),
        }
    }

    fn next_chunk(&mut self) -> Result<Option<Chunk>, StoreError> {
        if let Some(anchors) = self.todo.pop_front() {
            return Ok(Some(Chunk::Linked(anchors)));
        }
        if let Some(after) = self.newcomers_after {
            let page = self.evidence.people.wanted_after(false, after, CHUNK)?;
            if let Some(last) = page.last() {
                self.newcomers_after = Some(Some(last.anchor));
                return Ok(Some(Chunk::New(page)));
            }
            self.newcomers_after = None;
        }
        if let Some(newcomers) = self.candidates.take() {
            return Ok(Some(Chunk::New(newcomers)));
        }
        Ok(self.last.pop_front().map(Chunk::Linked))
    }

    /// The next people.
    pub(super) fn next(&mut self) -> Result<Option<Cases>, StoreError> {
        Ok(match self.next_chunk()? {
            Some(Chunk::Linked(anchors)) => Some(self.evidence.linked(&anchors)?),
            Some(Chunk::New(staged)) => Some(self.evidence.newcomers(staged)?),
            None => None,
        })
    }

    /// Sends everybody, until nobody listens any more.
    pub(super) fn send(mut self, cases: &SyncSender<Cases>) -> Result<(), StoreError> {
        while let Some(next) = self.next()?
            && cases.send(next).is_ok()
        {}
        Ok(())
    }

    /// Nobody who is new.
    pub(super) fn without_newcomers(&mut self) {
        self.newcomers_after = None;
    }

    /// Of the linked people only those.
    pub(super) fn retain(&mut self, of: impl Fn(SourceId) -> bool) {
        for list in self.todo.iter_mut().chain(&mut self.last) {
            list.retain(|anchor| of(*anchor));
        }
    }

    /// Of the newcomers only those who may have an account already.
    pub(super) fn only_candidates(&mut self) -> Result<(), StoreError> {
        self.candidates = self.evidence.candidates(CHUNK)?;
        if self.candidates.is_some() {
            self.newcomers_after = None;
        }
        Ok(())
    }

    /// Only those who may ask for something: newcomers, and with `linked` those who stay.
    pub(super) fn asking(&mut self, linked: bool) {
        let leavers = self.leavers.min(self.todo.len());
        self.todo.drain(..if linked { leavers } else { self.todo.len() });
        self.last.clear();
    }
}
