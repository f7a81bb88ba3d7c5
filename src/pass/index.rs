//! Who is linked, in a few bytes per person.
//!
//! A pass over a million people keeps 32 bytes for each of them to recognise an unchanged
//! record, and 32 more while the cloud is observed. Everything else stays in the store.

use std::sync::atomic::{AtomicU64, Ordering};

use crate::model::{AccountKind, Fingerprint, Key, Link, SourceId};
use crate::store::{Reader, StoreError};

/// One bit per linked person, set from several threads.
#[derive(Debug)]
pub struct Bits(Vec<AtomicU64>);

impl Bits {
    /// `len` bits, all unset.
    pub fn new(len: usize) -> Self {
        Self((0..len.div_ceil(64)).map(|_| AtomicU64::new(0)).collect())
    }

    /// Sets a bit and tells whether it was set before.
    pub fn set(&self, at: usize) -> bool {
        let mask = 1 << (at % 64);
        self.0[at / 64].fetch_or(mask, Ordering::Relaxed) & mask != 0
    }

    /// Unsets a bit.
    pub fn clear(&self, at: usize) {
        self.0[at / 64].fetch_and(!(1 << (at % 64)), Ordering::Relaxed);
    }

    /// How many are set.
    pub fn count(&self) -> u64 {
        self.0.iter().map(|word| u64::from(word.load(Ordering::Relaxed).count_ones())).sum()
    }

    /// Whether a bit is set.
    pub fn get(&self, at: usize) -> bool {
        self.0[at / 64].load(Ordering::Relaxed) & (1 << (at % 64)) != 0
    }
}

/// The links, sorted by anchor; a position in it stands for a linked person.
#[derive(Debug)]
pub struct Index {
    /// Linked people in all; more than there are positions when only some are concerned.
    linked: u64,
    anchors: Vec<SourceId>,
    records: Vec<Fingerprint>,
    left: Bits,
    rooms: Bits,
    /// Positions whose record was met in this pass.
    pub met: Bits,
    /// Positions whose record was met and could not be used: nothing is known about them but
    /// that they are not gone.
    pub unusable: Bits,
    /// Positions of people who only get other values of attributes, as far as the source says.
    pub light: Bits,
}

/// What an observation compares, for one linked person.
#[derive(Clone, Copy, Debug)]
pub struct Face {
    cloud: u64,
    /// The applied state, shortened: a false match hides a drift until the next change and is
    /// as likely as winning a lottery twice.
    pub applied: u64,
    /// The licences as applied, see [`crate::model::license_digest`].
    pub licenses: u64,
    /// The position in the [`Index`].
    pub at: u32,
}

/// The first half of a digest.
pub fn short(bytes: &[u8; 16]) -> u64 {
    let [a, b, c, d, e, f, g, h, ..] = *bytes;
    u64::from_be_bytes([a, b, c, d, e, f, g, h])
}

/// All faces, sorted by cloud id.
#[derive(Debug, Default)]
pub struct Faces(Vec<Face>);

impl Faces {
    /// The face of the account with this key.
    pub fn find(&self, cloud: Key) -> Option<&Face> {
        let key = short(&cloud.0);
        let at = self.0.partition_point(|face| face.cloud < key);
        self.0.get(at).filter(|face| face.cloud == key)
    }

    /// All of them.
    pub fn iter(&self) -> impl Iterator<Item = &Face> {
        self.0.iter()
    }
}

impl Index {
    /// Loads the links, and with `observing` their faces too.
    pub fn load(reader: &Reader, now: i64, observing: bool) -> Result<(Self, Faces), StoreError> {
        // Grown step by step, a million would be copied and held twice on the way.
        let count = usize::try_from(reader.at_most()?).unwrap_or(0);
        let mut anchors = Vec::with_capacity(count);
        let mut records = Vec::with_capacity(count);
        let mut faces = Vec::with_capacity(if observing { count } else { 0 });
        let (mut left, mut rooms) = (Vec::new(), Vec::new());
        reader.each_link(now, |link: Link| {
            if link.left {
                left.push(anchors.len());
            }
            if link.kind == AccountKind::Room {
                rooms.push(anchors.len());
            }
            if observing {
                faces.push(Face {
                    cloud: short(&link.cloud.0),
                    applied: short(&link.applied.0),
                    licenses: link.licenses,
                    at: anchors.len() as u32,
                });
            }
            anchors.push(link.anchor);
            records.push(link.record);
        })?;
        faces.sort_unstable_by_key(|face| face.cloud);
        let set = |positions: Vec<usize>| {
            let bits = Bits::new(anchors.len());
            positions.into_iter().for_each(|at| {
                bits.set(at);
            });
            bits
        };
        let (left, rooms) = (set(left), set(rooms));
        let [met, unusable, light] = [(); 3].map(|()| Bits::new(anchors.len()));
        let linked = anchors.len() as u64;
        Ok((Self { linked, anchors, records, left, rooms, met, unusable, light }, Faces(faces)))
    }

    /// The links of these people alone, of `linked` in all: enough when a read speaks of nobody
    /// else.
    pub fn of(reader: &Reader, now: i64, people: &[SourceId], linked: u64) -> Result<Self, StoreError> {
        let links = reader.links_of(now, people)?;
        let [left, rooms, met, unusable, light] = [(); 5].map(|()| Bits::new(links.len()));
        for (at, link) in links.iter().enumerate() {
            if link.left {
                left.set(at);
            }
            if link.kind == AccountKind::Room {
                rooms.set(at);
            }
        }
        let linked = linked.max(links.len() as u64);
        let anchors = links.iter().map(|link| link.anchor).collect();
        let records = links.iter().map(|link| link.record).collect();
        Ok(Self { linked, anchors, records, left, rooms, met, unusable, light })
    }

    /// Everybody but these people counts as met: a read spoke of nobody else.
    pub fn meet_all_but(&self, people: &std::collections::BTreeSet<SourceId>) {
        for (at, anchor) in self.anchors.iter().enumerate() {
            if !people.contains(anchor) {
                self.met.set(at);
            }
        }
    }

    /// Positions.
    pub fn len(&self) -> usize {
        self.anchors.len()
    }

    /// Linked people, those without a position included.
    pub fn linked(&self) -> u64 {
        self.linked
    }

    /// Whether nobody is linked.
    pub fn is_empty(&self) -> bool {
        self.linked == 0
    }

    /// The position of a linked person.
    pub fn find(&self, anchor: SourceId) -> Option<usize> {
        self.anchors.binary_search(&anchor).ok()
    }

    /// Who stands at a position.
    pub fn anchor(&self, at: usize) -> SourceId {
        self.anchors[at]
    }

    /// Whether somebody only gets other values of attributes, as far as the source says.
    pub fn is_light(&self, anchor: SourceId) -> bool {
        self.find(anchor).is_some_and(|at| self.light.get(at))
    }

    /// The fingerprint of the record whose wishes are confirmed.
    pub fn record(&self, at: usize) -> Fingerprint {
        self.records[at]
    }

    /// What stands at a position.
    pub fn kind(&self, at: usize) -> AccountKind {
        if self.rooms.get(at) { AccountKind::Room } else { AccountKind::Person }
    }

    /// Nothing is decided about any room: none counts as gone, and none is to be anything.
    pub fn rest_rooms(&self) {
        for at in (0..self.len()).filter(|at| self.rooms.get(*at)) {
            self.met.set(at);
            self.unusable.set(at);
        }
    }

    /// Whether the person at a position is a deactivated leaver.
    pub fn is_left(&self, at: usize) -> bool {
        self.left.get(at)
    }
}
